# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# common: what every bats file loads. Each test works in a folder of its own; the binary under test
# is $SLUICE. A fact is waited for with a time limit that is only there to end a test that hangs.
bats_require_minimum_version 1.5.0
set -o pipefail

root=${BATS_TEST_DIRNAME%/*/*}
SLUICE=${SLUICE:-$root/build/sluice}
GEN=${GEN:-$root/build/gen}
SLUICE_DATA=${SLUICE_DATA:-$root/../shared/data}
SAMPLES=$root/tests/samples
export SLUICE GEN SLUICE_DATA LC_ALL=C.UTF-8 TZ=UTC

# A word on the PATH, not a function: of `sluice ... &`, $! is then the process itself. Each test reads this
# file anew.
if [ ! -e "$BATS_RUN_TMPDIR/bin/sluice" ]; then
    mkdir -p "$BATS_RUN_TMPDIR/bin"
    ln -sf "$(realpath "$SLUICE")" "$BATS_RUN_TMPDIR/bin/sluice"
fi
PATH=$BATS_RUN_TMPDIR/bin:$PATH

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    pids=()
}

# Ends every process that a test left behind, members of pipelines too, each by its own pid.
teardown() {
    local pid test=$BASHPID # in $(...) it is another one
    exec 7>&- 8<&-
    for pid in "${pids[@]}" $(ps -o pid= --ppid "$test"); do
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

# Real data that is kept outside the tree.
need_data() { # FILE
    [ -r "$SLUICE_DATA/$1" ] || skip "$1 is not under SLUICE_DATA ($SLUICE_DATA)"
}

need_oracle() {
    [ -n "${SLUICE_ORACLE-}" ] || skip "no python with pyarrow, Polars and DuckDB (SLUICE_ORACLE)"
}

need_strace() {
    strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
    [ -z "${SLUICE_SANITIZED-}" ] || skip "strace does not go with sanitizers"
}

# Whether a process has a file open.
has_open() { # PID FILE
    local fd
    for fd in "/proc/$1/fd/"*; do
        [ "$fd" -ef "$2" ] && return
    done
    return 1
}

# Runs a command again and again until it succeeds; at most 30 s, or TEST_PATIENCE.
until_true() { # COMMAND...
    local end=$((SECONDS + ${TEST_PATIENCE-30}))
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        read -r -t 0.02 <> <(:) || true
    done
}

is_gone() { # PID
    ! kill -0 "$1" 2>/dev/null
}

# Waits for the end of a background process, which must be with this exit status.
ends_with() { # STATUS PID
    local status=0
    until_true is_gone "$2" || { echo "process $2 goes on"; return 1; }
    wait "$2" || status=$?
    [ "$status" -eq "$1" ] || { echo "exit status $status, not $1"; return 1; }
}

# Whether a file has at least N lines.
has_lines() { # FILE N
    [ -f "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]
}

# DuckDB's answer to a query, as CSV with a header.
duckdb_csv() { # QUERY
    "$SLUICE_ORACLE" - "$1" <<'PY'
import csv, sys, duckdb
r = duckdb.sql(sys.argv[1])
w = csv.writer(sys.stdout, lineterminator="\n")
w.writerow(r.columns)
for row in r.fetchall():
    w.writerow(["" if v is None else v for v in row])
PY
}

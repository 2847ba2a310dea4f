# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
# shellcheck shell=bash
#
# What the tests of runs that go on share: events in a log new/, and what windows over them give.

# shellcheck disable=SC2034 # of the files that load this
WINDOWS=(--window '1 hour' --by 'kind' --select 'count(*), sum(v), p50(v)')

# Rows FROM to TO, 37 s apart, under three keys.
events() { # FROM TO
    awk -v from="$1" -v to="$2" 'BEGIN {
        print "ts,kind,v"
        for (i = from; i < to; i++)
            printf "%d,%s,%d\n", 1767225600 + 37 * i, substr("abc", i % 3 + 1, 1), i * 7 % 1000
    }'
}

# They are appended to the log new/.
come() { # FROM TO
    events "$1" "$2" >"events.$1.csv"
    sluice ingest --quiet --time ts --time-format epoch:s "events.$1.csv" -o new/
}

# What one run over all rows of new/ gives.
whole() {
    sluice aggregate new/ "${WINDOWS[@]}" -O csv --quiet | tail -n +2 | sort
}

committed() { # LOG
    sluice replay "$1" -O csv --quiet | tail -n +2 | sort
}

# The number of the last commit; older commit files go, so that their lines tell less.
commits() { # LOG
    [ -d "$1/commits" ] || { echo 0; return; }
    cat "$1"/commits/*.jsonl | sed -n 's/^{"n":\([0-9]*\),.*/\1/p' | tail -n 1
}

# Runs three stages, on pipes that show their processes, and kills the one of that number once so many commits
# more are in the log. The others must end by themselves. i: number of the round.
killed() { # NUMBER COMMITS LOG STAGE...
    local which=$1 log=$3 goal=$(($(commits "$3") + $2)) pid
    local first=first.$i second=second.$i
    mkfifo "$first" "$second"
    eval "exec $4" >"$first" &
    pids=($!)
    eval "exec $5" <"$first" >"$second" &
    pids+=($!)
    eval "exec $6" <"$second" &
    pids+=($!)
    until_true eval '[ "$(commits "$log")" -ge "$goal" ]' || return 1
    kill -9 "${pids[which]}"
    for pid in "${pids[@]}"; do
        until_true is_gone "$pid" || return 1
        wait "$pid" || true
    done
    pids=()
}

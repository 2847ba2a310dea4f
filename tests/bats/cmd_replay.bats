#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# replay: from a point to a point, half-open.

load cmd_helper

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    cp "$root"/tests/samples/* .
    "$SLUICE" ingest --quiet orders.csv -o orders/
}

ids() { # WORDS OF REPLAY...
    "$SLUICE" replay --quiet "$@" -O csv | sed 1d | cut -d, -f2 | tr '\n' ' '
}

@test "offsets" {
    same "$(ids orders/ --from 3 --to 6)" "1004 1005 1006 "
    same "$(ids orders/ --from 8)" "1009 1010 "
    same "$(ids orders/ --to 2)" "1001 1002 "
    same "$(ids orders/ --from earliest --to latest | wc -w)" 10
    same "$(ids orders/ --from latest)" ""
    same "$(ids orders/ --from 0:9)" "1010 "
}

@test "times, absolute and relative to --from" {
    same "$(ids orders/ --from '2026-03-01 10:10' --to '2026-03-01 10:20')" "1005 1006 "
    same "$(ids orders/ --from '2026-03-01T10:10:00Z' --to +20m)" "1005 1006 1007 1008 "
    same "$(ids orders/ --from @1772360472 --to +1h)" "1007 1008 1009 1010 "
    same "$(ids orders/ --from -1h)" ""
}

@test "a range begins at its first point and ends before its last" {
    same "$(ids orders/ --from 2026-03-01T10:12:09Z --to 2026-03-01T10:15:55Z)" "1005 "
}

@test "times without a zone are in --tz" {
    same "$(ids orders/ --tz Europe/Berlin --from '2026-03-01 11:10' --to '2026-03-01 11:20')" "1005 1006 "
}

@test "a range outside the log, or a wrong point, is said" {
    run -2 --separate-stderr sluice replay orders/ --from yesterdayish
    run --separate-stderr sluice replay orders/ --from 99 -O csv
    [ "$status" -eq 0 ] || [ "$status" -eq 1 ] || [ "$status" -eq 2 ] || fail "status $status"
    same "$(sed 1d <<<"$output")" ""
}

@test "several partitions come in the order of event time; --partition takes one" {
    sluice partition --quiet --by country --into 3 orders.csv -o p/
    same "$(ids p/)" "$(ids orders/)"
    all=0
    for p in 0 1 2; do
        n=$(ids p/ --partition $p | wc -w)
        all=$((all + n))
    done
    same "$all" 10
    run --separate-stderr sluice replay p/ --partition 7 -O csv
    [ "$status" -ne 0 ] || fail "partition 7 was taken"
}

@test "--meta gives partition and offset as columns, --where filters" {
    run -0 --separate-stderr sluice replay orders/ --where 'qty > 2' --meta -O json
    same "${#lines[@]}" 2
    has "${lines[0]}" '"_offset":1'
}

@test "--speed keeps the recorded pace" {
    run -0 --separate-stderr sluice replay orders/ --from 3 --to 5 --speed 10000 -O csv
    same "${#lines[@]}" 3
    run -2 --separate-stderr sluice replay orders/ --speed 0
}

@test "only logs are replayed" {
    run -2 --separate-stderr sluice replay orders.csv
    has "$stderr" "not a log"
    run -2 --separate-stderr sluice replay
}

@test "an offset beyond the end is said; without -f there is nothing to read" {
    run -0 --separate-stderr sluice replay orders/ --from 11 -O csv
    has "$stderr" "offset 11 is beyond the end of partition 0, which is 10"
    same "${#lines[@]}" 1
    run -0 --separate-stderr sluice replay orders/ --from 10 -O csv
    [[ $stderr != *beyond* ]]
    run -1 --separate-stderr sluice replay orders/ --from 11 --fail-empty -O csv
}

@test "an offset beyond the end is waited for with -f" {
    "$SLUICE" replay -f orders/ --from 11 -O csv >rows 2>said &
    pids=($!)
    eventually grep -q "offset 11 is beyond the end of partition 0, which is 10: waiting for it" said
    sluice ingest --quiet --again orders.csv -o orders/
    eventually grep -q ',1010,' rows
    kill -TERM "${pids[0]}"
    wait "${pids[0]}" || true
    same "$(sed 1d rows | cut -d, -f2 | tr '\n' ' ')" "1002 1003 1004 1005 1006 1007 1008 1009 1010 "
}

# Leaves the first segment of a log out, as retention does.
drop_first() { # LOG
    "$SLUICE_ORACLE" - "$1" <<'PY'
import glob, json, sys

def crc32c(data):
    crc = 0xffffffff
    for b in data:
        crc ^= b
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff

name = sorted(glob.glob(sys.argv[1] + "/commits/*.jsonl"))[-1]
lines = open(name).read().splitlines()
last = json.loads(lines[-1])
segment = [s for s in json.loads(lines[-1])["segments"] if s["base"] == 0][0]
segment.pop("sum", None)
segment["dropped"] = True
line = {"n": last["n"] + 1, "prev": last["crc"], "at": last["at"], "history": last["history"],
        "durable": last["durable"], "segments": [segment], "writer": last["writer"]}
text = json.dumps(line, separators=(",", ":"))[:-1]
with open(name, "a") as f:
    f.write(text + ',"crc":"%08x"}\n' % crc32c(text.encode()))
PY
}

@test "an offset before the first one that is kept is an error that names it" {
    [ -n "${SLUICE_ORACLE-}" ] || skip "no python (SLUICE_ORACLE)"
    sluice ingest --quiet orders.csv -o kept/
    sluice ingest --quiet --again --segment-size 1 orders.csv -o kept/
    drop_first kept
    run -1 --separate-stderr sluice replay kept/ --from 3 -O csv
    has "$stderr" "offset 3 of partition 0 is no longer in the log, which begins at 10"
    has "$stderr" "--from 0:10"
    same "$(ids kept/ --from 10 | wc -w)" 10
    same "$(ids kept/ | wc -w)" 10
}

@test "a range whose end lies before its begin is refused; one of no length is empty" {
    local range
    for range in '6 3' '0:6 0:3' '@1772360472 @1772360471' '2026-03-02 2026-03-01'; do
        run -2 --separate-stderr sluice replay orders/ --from "${range% *}" --to "${range#* }" -O csv
        has "$stderr" '--to: it lies before --from'
    done
    same "$(ids orders/ --from 3 --to 3)" ""
    same "$(ids orders/ --from 2026-03-01 --to 2026-03-01)" ""
}

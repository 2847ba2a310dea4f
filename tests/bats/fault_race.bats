# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Many processes and one log.
load fault_helper

@test "8 writers of the library at once, and a follower that was there before the log" {
    "$root/tests/fault/race" "$root/build/fault/driver"
}

@test "8 processes ingest into one log: each row once, in each writer's order" {
    local writers=8 rows=500 pids=()
    : >followed
    timeout 120 "$SLUICE" tail -f log/ -n all -O csv >followed 2>follow.err &
    local follower=$!
    for ((w = 0; w < writers; w++)); do
        awk -v w=$w -v rows=$rows 'BEGIN { print "w,n"; for (i = 0; i < rows; i++) print w "," i }' >"in$w.csv"
    done
    for ((w = 0; w < writers; w++)); do
        timeout 120 "$SLUICE" ingest "in$w.csv" -o log/ --sync commit 2>"err$w" &
        pids+=($!)
    done
    for ((w = 0; w < writers; w++)); do
        wait "${pids[w]}" || { cat "err$w"; return 1; }
    done
    until [ "$(wc -l <followed)" -gt $((writers * rows)) ]; do
        kill -0 $follower || { cat follow.err; return 1; }
    done
    kill -INT $follower
    wait $follower || true
    "$SLUICE" log verify log/
    "$SLUICE" replay log/ -O csv >read.csv
    cmp followed read.csv
    awk -F, -v writers=$writers -v rows=$rows 'NR > 1 {
            if ($2 != next_row[$1] + 0) { print "writer " $1 ": " $2 " after " next_row[$1]; bad = 1 }
            next_row[$1]++
        }
        END {
            for (w = 0; w < writers; w++) if (next_row[w] != rows) { print "writer " w ": " next_row[w]; bad = 1 }
            exit bad
        }' read.csv
}

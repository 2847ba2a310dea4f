# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Many processes and one log.
load fault_helper

# bats test_tags=without-sluice
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

# Runs a command while another process holds the append lock of log/.
with_lock_held() {
    python3 - "$@" <<'PYTHON'
import fcntl, struct, subprocess, sys
F_OFD_SETLK = 37
f = open("log/lock", "r+b")
fcntl.fcntl(f, F_OFD_SETLK, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 1, 0))
sys.exit(subprocess.run(sys.argv[1:]).returncode)
PYTHON
}

@test "a writer gives up with exit 75 where another one holds the lock and does not end" {
    printf 'n\n1\n2\n' >a.csv
    printf 'n\n3\n4\n' >b.csv
    "$SLUICE" ingest a.csv -o log/
    before=$(cat log/commits/* log/0000/* | cksum)
    run --separate-stderr with_lock_held timeout 60 "$SLUICE" ingest b.csv -o log/
    echo "$stderr"
    [ "$status" -eq 75 ]
    [[ $stderr == *log/lock* ]]
    [ "$(cat log/commits/* log/0000/* | cksum)" = "$before" ]
    run --separate-stderr with_lock_held "$SLUICE" replay log/ -O csv
    [ "$output" = $'n\n1\n2' ]
    "$SLUICE" ingest b.csv -o log/
    [ "$("$SLUICE" replay log/ -O csv)" = $'n\n1\n2\n3\n4' ]
}

@test "a writer whose log is replaced under it stops, and neither log is harmed" {
    printf 'n\n1\n' >a.csv
    timeout 60 "$SLUICE" ingest -f a.csv -o log/ 2>err &
    writer=$!
    until [ -d log ] && [ "$("$SLUICE" replay log/ -O csv 2>/dev/null)" = $'n\n1' ]; do
        kill -0 $writer
    done
    mv log old
    printf 'n\n7\n' | "$SLUICE" ingest - -I csv -o log/
    echo 2 >>a.csv
    status=0
    wait $writer || status=$?
    cat err
    [ "$status" -eq 1 ]
    grep -q 'removed or replaced' err
    [ "$("$SLUICE" replay log/ -O csv)" = $'n\n7' ]
    [ "$("$SLUICE" replay old/ -O csv)" = $'n\n1' ]
    "$SLUICE" log verify log/
    "$SLUICE" log verify old/
}

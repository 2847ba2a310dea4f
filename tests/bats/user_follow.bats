# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Followed files that change under the follower.
load common

rows_are() { # LOG N
    [ "$(sluice aggregate "$1" -O csv --quiet 2>/dev/null | tail -n 1)" = "$2" ]
}

@test "a file truncated and filled again between two looks is read from its start" {
    printf 'n,s\n1,a\n2,b\n' >t.csv
    sluice ingest -f t.csv -o l/ 2>err &
    local pid=$!
    pids+=("$pid")
    until_true rows_are l/ 2
    kill -STOP "$pid"
    cp t.csv t.csv.1
    : >t.csv
    printf 'n,s\n3,c\n4,d\n' >>t.csv # as long as before
    kill -CONT "$pid"
    until_true rows_are l/ 4
    kill -STOP "$pid"
    : >t.csv
    printf 'n,s\n5,e\n6,f\n7,g\n8,h\n' >>t.csv # longer
    kill -CONT "$pid"
    until_true rows_are l/ 8
    [ "$(sluice aggregate l/ --select 'sum(n)' -O csv --quiet | tail -n 1)" = 36 ]
}

@test "a follower without inotify looks every 200 ms, says so once, and misses nothing" {
    need_strace
    printf 'n\n1\n' | "$SLUICE" ingest --quiet -I csv -o log/
    strace -D -qq -o trace -e trace=inotify_init1 -e inject=inotify_init1:error=EMFILE \
        "$SLUICE" tail -f log/ -n all -O csv >out 2>err 3>&- & # a tracer that is left behind holds nothing of bats
    local pid=$!
    pids+=("$pid")
    until_true has_lines out 2
    printf 'n\n2\n' | "$SLUICE" ingest --quiet -I csv -o log/ --again
    until_true has_lines out 3
    printf 'n\n3\n' | "$SLUICE" ingest --quiet -I csv -o log/ --again
    until_true has_lines out 4
    kill -TERM $pid
    ends_with 143 $pid
    [ "$(tr '\n' ' ' <out)" = "n 1 2 3 " ]
    [ "$(grep -c 'cannot be watched' err)" = 1 ]
}

@test "a followed file is read once more after what its watch told was taken" {
    need_strace
    printf 'a\n1\n' >t.csv
    strace -D -qq -y -o trace -e trace=read,poll "$SLUICE" transform -f -j1 t.csv -O csv --quiet >out 2>err 3>&- &
    local pid=$!
    pids+=("$pid")
    until_true has_lines out 2
    echo 2 >>t.csv
    until_true has_lines out 3
    kill "$pid"
    ends_with 143 "$pid"
    # who writes between the last read of the file and that of the watch is seen at once
    awk '/^read\(.*inotify.* = [1-9]/ { told = 1; any = 1 }
         /^poll\(/ { late += told && !/, 0\) /; told = 0 }
         END { exit late > 0 || !any }' trace || { cat trace; return 1; }
}

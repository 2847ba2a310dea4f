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

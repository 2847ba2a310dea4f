#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# tail: the last rows by event time, and those that come.

load cmd_helper

@test "the last ten rows, the oldest first; -n says how many" {
    sluice ingest --quiet orders.csv more.csv -o orders/
    run -0 --separate-stderr sluice tail orders/ -O csv
    same "${#lines[@]}" 11
    has "${lines[1]}" 1003
    has "${lines[10]}" 1012
    run -0 --separate-stderr sluice tail -n 2 orders/ -O csv
    has "${lines[1]}" 1011
    run -0 --separate-stderr sluice tail -n all orders/ -O csv
    same "${#lines[@]}" 13
    run -0 --separate-stderr sluice tail -n 0 orders/ -O csv
    same "${#lines[@]}" 1
    run -2 --separate-stderr sluice tail -n few orders/
}

@test "last means event time, not arrival" {
    { head -n 1 orders.csv && sed 1d orders.csv | sort -r; } >backwards.csv
    sluice ingest --quiet backwards.csv -o orders/
    run -0 --separate-stderr sluice tail -n 2 orders/ -O csv
    has "${lines[1]}" 1009
    has "${lines[2]}" 1010
}

@test "--where counts the rows that match" {
    sluice ingest --quiet orders.csv -o orders/
    run -0 --separate-stderr sluice tail -n 2 --where "country = 'DE'" orders/ -O csv
    has "${lines[1]}" 1006
    has "${lines[2]}" 1008
}

@test "--meta shows partition and offset" {
    sluice ingest --quiet orders.csv -o orders/
    run -0 --separate-stderr sluice tail -n 1 --meta orders/ -O json
    has "$output" '"_partition":0'
    has "$output" '"_offset":9'
}

@test "-f waits for a log that is not there, then prints each row once" {
    mkfifo out
    "$SLUICE" tail --quiet -f -n all orders/ -O csv >out 3>&- &
    pid=$!
    exec 5<out
    sluice ingest --quiet orders.csv -o orders/
    sluice ingest --quiet more.csv -o orders/
    read -r -t 30 _ <&5
    for n in 1001 1002 1003 1004 1005 1006 1007 1008 1009 1010 1011 1012; do
        read -r -t 30 row <&5 || fail "$n did not come"
        has "$row" ",$n,"
    done
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    same "$status" 143
    same "$(cat <&5)" ""
    exec 5<&-
}

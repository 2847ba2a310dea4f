#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Consumer groups of several processes: who reads what, who takes over, and what comes twice.
load common

# A log of 6 partitions by k.
six() {
    { echo k,n; } | sluice ingest --quiet --types 'k bigint, n bigint' --partitions 6 --key k - -o l/
}

# Rows n = FROM to TO, each key has every 50th.
add() { # FROM TO
    { echo k,n; seq "$1" "$2" | awk '{ print $1 % 50 "," $1 }'; } | sluice ingest --quiet - -o l/
}

start() { # NUMBER: a process of the group, whose rows go to out.NUMBER; pid is its
    sluice tail --quiet -f --group g --meta -O csv l/ >"out.$1" 2>"err.$1" &
    pid=$!
    pids+=("$pid")
}

held() { # PID: how many partitions it holds
    sluice log groups l/ | awk -v p="$1@" 'index($7, p) == 1' | wc -l
}

holds() { # PID N
    [ "$(held "$1")" -eq "$2" ]
}

holds_rows_of() { # GROUP PID: all partitions
    [ "$(sluice log groups l/ | awk -v g="$1" -v p="$2@" '$1 == g && index($7, p) == 1' | wc -l)" -eq 6 ]
}

rows() { # all that came out, in whole lines
    cat out.* | awk -F, 'NF == 4 && $1 != "k"'
}

have_rows() { # N different ones
    [ "$(rows | sort -u | wc -l)" -ge "$1" ]
}

all_positions() { # N rows in all are behind the positions
    [ "$(sluice log groups l/ | awk '$1 == "g" { n += $3 } END { print n + 0 }')" -eq "$1" ]
}

each_once() { # N: rows 1 to N are out, each once
    [ "$(rows | cut -d, -f2 | sort -n)" = "$(seq 1 "$1")" ]
}

in_order() { # every process gave the rows of a partition in the order of their offsets, and none twice
    local file
    for file in out.*; do
        awk -F, 'NF == 4 && $1 != "k" { if (($3 in last) && $4 <= last[$3]) exit 1; last[$3] = $4 }' "$file" ||
            return 1
    done
}

# One whose reader stops: it holds all six partitions, and cannot commit. Its process is `stuck`, descriptor 8 is
# where it writes.
stuck_reader() {
    mkfifo pipe
    sluice tail --quiet -f --group g --meta -O csv l/ >pipe 2>err.0 &
    stuck=$!
    pids+=("$stuck")
    exec 8<pipe
    until_true holds "$stuck" 6
}

@test "two processes share the partitions, and together give each row once" {
    six
    start 1
    local one=$pid two
    start 2
    two=$pid
    until_true holds "$one" 3
    until_true holds "$two" 3
    add 1 3000
    until_true all_positions 3000
    each_once 3000
    in_order
    [ "$(wc -l <out.1)" -gt 1 ]
    [ "$(wc -l <out.2)" -gt 1 ]
    # No partition came from both.
    [ "$(for i in 1 2; do sed 1d out.$i | cut -d, -f3 | sort -u; done | sort | uniq -d)" = "" ]
}

@test "a third one that joins gets its share, while rows come, and one that ends leaves it" {
    six
    start 1
    local one=$pid two three
    start 2
    two=$pid
    until_true holds "$one" 3
    add 1 2000
    start 3
    three=$pid
    for pid in "$one" "$two" "$three"; do
        until_true holds "$pid" 2
    done
    add 2001 4000
    until_true all_positions 4000
    each_once 4000
    in_order
    kill -TERM "$two"
    ends_with 143 "$two"
    until_true holds "$one" 3
    until_true holds "$three" 3
    add 4001 5000
    until_true all_positions 5000
    each_once 5000
}

@test "of more processes than partitions some wait, and take over" {
    echo n | sluice ingest --quiet -I csv --types 'n bigint' - -o l/
    start 1
    local one=$pid
    until_true holds "$one" 1
    start 2
    printf 'n\n1\n' | sluice ingest --quiet -I csv - -o l/
    until_true all_positions 1
    kill -9 "$one"
    until_true holds "$pid" 1
    printf 'n\n2\n' | sluice ingest --quiet -I csv - -o l/
    until_true all_positions 2
    [ "$(grep -c '^[12],' out.1)" = 1 ]
    [ "$(grep '^[12],' out.2)" = 2,0,1 ]
}

@test "kill -9: the others take over what it held, and no row is lost" {
    six
    start 1
    local one=$pid two
    start 2
    two=$pid
    until_true holds "$one" 3
    until_true holds "$two" 3
    add 1 3000
    until_true have_rows 3000
    kill -9 "$one"
    until_true holds "$two" 6
    add 3001 4000
    until_true all_positions 4000
    [ "$(rows | cut -d, -f2 | sort -nu)" = "$(seq 1 4000)" ]
    in_order
}

@test "a dead process's partitions are taken over within 100 ms" {
    six
    start 0
    local began ended best=10000000 limit=100000 dead i
    [ -z "${SLUICE_SANITIZED-}" ] || limit=2000000
    for i in 1 2 3 4 5; do
        dead=$pid
        until_true holds "$dead" 6
        start "$i"
        until_true holds "$dead" 3
        until_true holds "$pid" 3
        began=${EPOCHREALTIME/./}
        kill -9 "$dead"
        until holds "$pid" 6; do
            [ $((${EPOCHREALTIME/./} - began)) -lt 10000000 ]
        done
        ended=${EPOCHREALTIME/./}
        [ $((ended - began)) -ge "$best" ] || best=$((ended - began))
    done
    echo "the best of five: $best µs"
    [ "$best" -lt "$limit" ]
}

@test "rows that were committed do not come again after a kill" {
    six
    start 1
    add 1 1000
    until_true all_positions 1000
    kill -9 "$pid"
    start 2
    add 1001 1500
    until_true all_positions 1500
    each_once 1500
}

@test "set, reset and delete are refused while a process is there, which is named" {
    six
    start 1
    until_true holds "$pid" 6
    for words in "set g --to latest" "reset g" "delete g"; do
        # shellcheck disable=SC2086
        run -75 --separate-stderr sluice log groups l/ $words
        [[ $stderr == *"process $pid on"* ]]
    done
}

@test "a bounded run waits for the rows that another process holds, and takes them over if it dies" {
    six
    stuck_reader
    add 1 40000
    sluice replay --group g --meta -O csv l/ >out.1 2>err.1 &
    pid=$!
    pids+=("$pid")
    until_true grep -q 'is read by another process of the group g' err.1
    kill -9 "$stuck"
    exec 8<&-
    ends_with 0 "$pid"
    all_positions 40000
    [ "$(rows | wc -l)" -gt 0 ]
}

@test "two bounded runs at once give each row once, and both end" {
    six
    add 1 30000
    sluice replay --quiet --group g --meta -O csv l/ >out.1 2>err.1 &
    local one=$!
    pids+=("$one")
    sluice replay --quiet --group g --meta -O csv l/ >out.2 2>err.2 &
    local two=$!
    pids+=("$two")
    ends_with 0 "$one"
    ends_with 0 "$two"
    each_once 30000
    in_order
}

@test "bounded runs that commit at their end only wait for nobody, and together give each row once" {
    six
    add 1 300000
    sluice replay --quiet --group g --meta l/ -o out.1.csv 2>err.1 &
    local one=$! two
    pids+=("$one")
    sluice replay --quiet --group g --meta l/ -o out.2.csv 2>err.2 &
    two=$!
    pids+=("$two")
    ends_with 0 "$one"
    ends_with 0 "$two"
    sluice replay --quiet --group g --meta l/ -o out.3.csv
    each_once 300000
    in_order
    # A reader of all that is slow to agree keeps what it has.
    mkfifo go
    # shellcheck disable=SC2016
    sluice transform --quiet --group h --commit-on-success l/ -O csv -- sh -c 'cat >all; read -r _ <go' 2>err.3 &
    one=$!
    pids+=("$one")
    until_true holds_rows_of h "$one"
    run -0 --separate-stderr timeout 30 sluice transform --group h --commit-on-success l/ -O csv -- wc -l
    echo >go
    ends_with 0 "$one"
    [ $(($(wc -l <all) + output)) -eq 300002 ]
}

@test "rows that stand in a pipe and were not written come again" {
    six
    stuck_reader
    add 1 40000
    # What goes into the pipe is less than all of it.
    read -r -t 30 _ <&8
    kill -9 "$stuck"
    cat <&8 >out.0
    exec 8<&-
    sluice replay --quiet --group g --meta -O csv l/ >out.1
    [ "$(rows | cut -d, -f2 | sort -nu)" = "$(seq 1 40000)" ]
}

@test "random kills while rows come: none is lost, and each process keeps the order" {
    six
    RANDOM=${SEED-20261130}
    local i n=0 alive=() victim
    for i in 1 2 3; do
        start "$i"
        alive+=("$pid")
    done
    for i in {4..15}; do
        add $((n + 1)) $((n + 700))
        n=$((n + 700))
        [ $((RANDOM % 2)) = 0 ] || until_true have_rows $((n - RANDOM % 700))
        victim=$((RANDOM % 3))
        kill -9 "${alive[victim]}"
        start "$i"
        alive[victim]=$pid
    done
    until_true all_positions "$n"
    [ "$(rows | cut -d, -f2 | sort -nu)" = "$(seq 1 "$n")" ]
    in_order
    # With the last kill over, nothing is behind: whoever comes gets nothing.
    [ "$(sluice replay --quiet --group g -O csv l/ | wc -l)" -eq 1 ]
}

@test "rejects in a file that is not whole yet come again after a kill" {
    printf 'n\n4\n5\n' | sluice ingest --quiet -I csv - -o l/
    sluice tail --quiet -f --group g --where '10 / (n - 4) < 100' --rejects bad.json -O csv l/ >out.1 2>err.1 &
    pid=$!
    pids+=("$pid")
    until_true grep -qx 5 out.1
    # What it reads next comes after a commit of what it had.
    printf 'n\n6\n' | sluice ingest --quiet -I csv - -o l/
    until_true grep -qx 6 out.1
    kill -9 "$pid"
    ends_with 137 "$pid" # while it dies it holds its partition, and this run waits for nobody
    run -3 --separate-stderr sluice tail --group g --where '10 / (n - 4) < 100' --rejects bad.json -O csv l/
    [ "$(wc -l <bad.json)" -eq 1 ]
    run -0 --separate-stderr sluice tail --group g --where '10 / (n - 4) < 100' -O csv l/
    [ "$output" = n ]
}

@test "killed at each of its mutating system calls: no row is lost, and the next run gives the rest" {
    need_strace
    { echo n; seq 1 9; } | sluice ingest --quiet -I csv --sync none - -o as_it_was/
    local i status=137 calls=mkdirat,openat,pwrite64,write,fdatasync,fsync,renameat,unlinkat
    for ((i = 1; status == 137; i++)); do
        rm -rf l
        cp -r as_it_was l
        status=0
        timeout 30 strace -f -o /dev/null -e trace=$calls -e inject=$calls:signal=KILL:when=$i \
            sluice replay --quiet --group g -O csv l/ >out.1 2>err.1 || status=$?
        timeout 30 sluice replay --quiet --group g -O csv l/ >out.2
        [ "$(cat out.1 out.2 | grep -v n | sort -nu)" = "$(seq 1 9)" ]
        [ "$(timeout 30 sluice replay --quiet --group g -O csv l/)" = n ]
    done
    echo "ended with $status after $i"
    [ "$status" -eq 0 ]
    [ "$i" -gt 20 ]
    [ "$(cat out.2)" = n ]
}

@test "a sync of the positions that fails ends the run, which names them" {
    need_strace
    six
    add 1 9
    sluice replay --quiet --group g --from 0:0 l/ -O csv >out.0
    sluice log groups l/ reset g
    run -1 --separate-stderr timeout 30 strace -f -o trace -P l/groups/g/positions -e trace=fdatasync \
        -e inject=fdatasync:error=EIO sluice replay --group g -O csv l/
    grep -q INJECTED trace
    [[ $stderr == *"l/groups/g"* ]]
}

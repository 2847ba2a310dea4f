#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# What a log records of the inputs that its rows came from, whichever command wrote them: a run repeated
# by mistake adds nothing.
load common

rows() { # LOG
    sluice aggregate "$1" -O csv --quiet | tail -n 1
}

# Runs the command, which writes l/, twice, and a third time with --again: the second is refused and adds
# nothing, the third adds as many rows again.
refused_twice() { # MESSAGE COMMAND...
    local message=$1 before
    shift
    "$@" --quiet
    before=$(rows l/)
    [ "$before" -gt 0 ]
    cp -r l/ as_it_was/
    run -1 --separate-stderr "$@"
    [[ $stderr == *"$message"* ]]
    [[ $stderr == *"--again appends all"* ]]
    diff -r l/ as_it_was/
    "$@" --again --quiet
    [ "$(rows l/)" = $((2 * before)) ]
}

@test "transform into a log: the same file again is refused, --again appends it" {
    refused_twice "10 rows of $SAMPLES/orders.csv are committed" \
        sluice transform --drop note "$SAMPLES/orders.csv" -o l/
    [[ $stderr == *"--resume goes on after them"* ]]
}

@test "partition: the same file again is refused, --again appends it" {
    refused_twice "10 rows of $SAMPLES/orders.csv are committed" \
        sluice partition --by country --into 4 "$SAMPLES/orders.csv" -o l/
}

@test "aggregate into a log: the same file again is refused, and no --resume is offered" {
    refused_twice "10 rows of $SAMPLES/orders.csv are committed" \
        sluice aggregate --by country "$SAMPLES/orders.csv" -o l/
    [[ $stderr != *"--resume"* ]]
}

@test "tail into a log: the same log again is refused" {
    sluice ingest "$SAMPLES/orders.csv" -o orders/ --quiet
    refused_twice "10 rows of orders/ are committed" sluice tail -n 3 orders/ -o l/
}

@test "replay into a log: the same log again is refused, also when partitions are merged or paced" {
    sluice partition --by country --into 4 "$SAMPLES/orders.csv" -o orders/ --quiet
    refused_twice "10 rows of orders/ are committed" sluice replay orders/ -o l/
    rm -rf l as_it_was
    refused_twice "10 rows of orders/ are committed" sluice replay orders/ --speed 1000000 -o l/
}

@test "transform --resume takes what came since, of a file and of a log" {
    printf 'n\n1\n2\n3\n' >n.csv
    sluice transform --where 'n <> 2' n.csv -o t/ --quiet
    printf '4\n' >>n.csv
    sluice transform --where 'n <> 2' n.csv -o t/ --quiet --resume
    [ "$(sluice transform t/ -O csv --quiet | tr '\n' ' ')" = 'n 1 3 4 ' ]
    sluice transform --set 'm = n * 10' t/ -o u/ --quiet
    printf '5\n' >>n.csv
    sluice transform --where 'n <> 2' n.csv -o t/ --quiet --resume
    sluice transform --set 'm = n * 10' t/ -o u/ --quiet --resume
    [ "$(sluice transform u/ --select m -O csv --quiet | tr '\n' ' ')" = 'm 10 30 40 50 ' ]
}

@test "transform --resume behind rows that a condition leaves out reads none of them again" {
    printf 'n\n1\n2\n3\n' >n.csv
    sluice transform --where 'n < 2' n.csv -o t/ --quiet
    run -0 --separate-stderr sluice transform --where 'n < 4' n.csv -o t/ --resume
    [ "$(rows t/)" = 1 ]
}

@test "partition --resume takes what came since, under the types of the log" {
    printf 'k,v\na,1\nb,2\n' >n.csv
    sluice partition --by k --into 3 n.csv -o p/ --quiet
    printf 'c,3\n' >>n.csv
    sluice partition --by k n.csv -o p/ --quiet --resume
    [ "$(sluice aggregate p/ --select 'sum(v) as s' -O csv --quiet | tail -n 1)" = 6 ]
}

@test "two followed logs as one: killed, --resume goes on behind what was committed of each" {
    printf 'ts,n\n2026-05-01T10:00:00Z,1\n' | sluice ingest -I csv -o a/ --quiet
    printf 'ts,n\n2026-05-01T10:01:00Z,2\n' | sluice ingest -I csv -o b/ --quiet
    sluice ingest -f a/ b/ -o l/ --quiet &
    pids+=($!)
    both() { [ "$(rows l/ 2>/dev/null)" = 2 ]; }
    until_true both
    kill -9 "${pids[-1]}"
    run -1 --separate-stderr sluice ingest a/ b/ -o l/
    [[ $stderr == *"1 row of a/ is committed; --resume goes on after them"* ]]
    printf 'ts,n\n2026-05-01T10:02:00Z,3\n' | sluice ingest -I csv -o b/ --quiet
    sluice ingest a/ b/ -o l/ --quiet --resume
    [ "$(sluice transform l/ --select n -O csv --quiet | sort | tr '\n' ' ')" = '1 2 3 n ' ]
}

@test "a pipe cannot be known again: it is appended" {
    for _ in 1 2; do
        printf 'n\n1\n2\n' | sluice transform -I csv -o t/ --quiet
    done
    [ "$(rows t/)" = 4 ]
}

@test "parts of a log: one that does not meet what is recorded is taken, one that does is refused" {
    printf 'n\n%s\n' "$(seq 0 9)" | sluice ingest -I csv -o l/ --quiet
    sluice replay l/ --from 4 --to 6 -o x/ --quiet
    run -1 --separate-stderr sluice replay l/ --from 5 --to 8 -o x/
    [[ $stderr == *"1 row of l/ is committed"* ]]
    sluice replay l/ --from 6 --to 8 -o x/ --quiet
    sluice replay l/ --to 4 -o x/ --quiet
    run -1 --separate-stderr sluice replay l/ -o x/
    [[ $stderr == *"8 rows of l/ are committed"* ]]
    [ "$(sluice transform x/ -O csv --quiet | tail -n +2 | sort -n | tr '\n' ' ')" = '0 1 2 3 4 5 6 7 ' ]
    sluice replay l/ -o x/ --quiet --resume
    [ "$(rows x/)" = 10 ]
}

@test "parts of a log by time: the next hour is taken, the same one is refused, though rows are out of order" {
    printf 'ts,n\n%s\n' '2026-05-01T10:10:00Z,1
2026-05-01T11:10:00Z,2
2026-05-01T10:50:00Z,3
2026-05-01T11:50:00Z,4' | sluice ingest -I csv -o l/ --quiet
    sluice replay l/ --from '2026-05-01 10:00' --to +1h -o x/ --quiet
    run -1 --separate-stderr sluice replay l/ --from '2026-05-01 10:00' --to +1h -o x/
    [[ $stderr == *"of l/ are committed"* ]]
    sluice replay l/ --from '2026-05-01 11:00' --to +1h -o x/ --quiet
    [ "$(sluice transform x/ --select n -O csv --quiet | tr '\n' ' ')" = 'n 1 3 2 4 ' ]
}

@test "an aggregate that fails has recorded nothing: the mended input is taken whole" {
    printf '{"n":1}\n{"n":2}\noops\n' >n.json
    run -1 --separate-stderr sluice aggregate -I json --select 'sum(n) as s' n.json -o a/
    printf '{"n":1}\n{"n":2}\n{"n":3}\n' >n.json
    sluice aggregate -I json --select 'sum(n) as s' n.json -o a/ --quiet
    [ "$(sluice transform a/ -O csv --quiet | tail -n 1)" = 6 ]
    run -1 --separate-stderr sluice aggregate -I json --select 'sum(n) as s' n.json -o a/
    [[ $stderr == *"3 rows of n.json are committed"* ]]
}

@test "a bad row ends a transform: what stood before it is recorded, --resume goes on there" {
    printf '{"n":1}\n{"n":2}\noops\n{"n":4}\n' >n.json
    run -1 --separate-stderr sluice transform n.json -o t/
    [ "$(rows t/)" = 2 ]
    printf '{"n":1}\n{"n":2}\n{"n":3}\n{"n":4}\n' >n.json
    sluice transform n.json -o t/ --quiet --resume
    [ "$(sluice transform t/ -O csv --quiet | tr '\n' ' ')" = 'n 1 2 3 4 ' ]
}

@test "--again and --resume need a destination that is kept, and exclude each other" {
    for option in --again --resume; do
        run -2 --separate-stderr sluice transform "$SAMPLES/orders.csv" $option -O csv
        [[ $stderr == *"$option needs a log or a file as destination"* ]]
    done
    run -2 --separate-stderr sluice transform "$SAMPLES/orders.csv" --again --resume -o l/
    [[ $stderr == *"choose one"* ]]
}

@test "the log that is written is opened twice: for what it records, and to write; not by who reads" {
    need_strace
    printf 'n\n1\n' >n.csv
    sluice ingest n.csv -o l/ --quiet
    printf '2\n' >>n.csv
    strace -f -e trace=openat -o calls "$SLUICE" ingest n.csv -o l/ --quiet --resume
    [ "$(grep -c '[.]jsonl".* = [0-9]' calls)" = 2 ]
    [ "$(rows l/)" = 2 ]
}

@test "commits do not grow with the number of files" {
    for i in $(seq 400); do
        printf 'n\n%d\n' "$i" >"f$i.csv"
    done
    # shellcheck disable=SC2046 # names without blanks
    sluice ingest $(seq -f 'f%g.csv' 200) -o few/ --quiet
    # shellcheck disable=SC2046
    sluice ingest $(seq -f 'f%g.csv' 400) -o many/ --quiet
    number() { sluice log info "$1" | awk '$1 == "commit" { print $2 + 0 }'; }
    [ "$(number many/)" -le $((2 * $(number few/) + 1)) ]
    sluice log info many/ | grep -q 'and 390 more'
}

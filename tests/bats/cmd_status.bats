#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Exit statuses, bad rows, no rows, closed pipes, dead upstreams, signals.

load cmd_helper

@test "a bad row ends the run with file, line, column and the reason" {
    run -1 --separate-stderr sluice ingest --types 'qty bigint' broken.csv -o out/
    has "$stderr" "broken.csv:3"
    has "$stderr" "qty"
    has "$stderr" "--rejects"
}

@test "with --rejects bad rows go aside, whole, and the status is 3" {
    run -3 --separate-stderr sluice ingest --types 'qty bigint' --rejects bad.json broken.csv -o out/
    has "$stderr" "1 rejected"
    has "$(cat bad.json)" '1014,DE,lamp,two'
    has "$(cat bad.json)" '"line":3'
    run -0 --separate-stderr sluice aggregate out/ -O csv
    same "${lines[1]}" 2
}

@test "rejects may go to a log" {
    run -3 --separate-stderr sluice ingest --types 'qty bigint' --rejects bad/ broken.csv -o out/
    run -0 --separate-stderr sluice tail bad/ -O csv
    has "${lines[0]}" "raw,reason,column,source,line,byte,partition,offset,at"
    has "$output" "two"
}

@test "--max-rejects gives up beyond its number" {
    { cat broken.csv && sed 1d broken.csv; } >twice.csv
    run -3 --separate-stderr sluice transform --types 'qty bigint' --rejects a.json --max-rejects 2 twice.csv -O csv
    run -1 --separate-stderr sluice transform --types 'qty bigint' --rejects b.json --max-rejects 1 twice.csv -O csv
    has "$stderr" "--max-rejects"
}

@test "a row that an expression cannot take is a bad row" {
    run -1 --separate-stderr sluice transform --set 'x = 10 / (qty - 2)' orders.csv -O csv
    has "$stderr" "division by zero"
    run -3 --separate-stderr sluice transform --set 'x = 10 / (qty - 2)' --rejects bad.json orders.csv -O csv
    same "${#lines[@]}" 8
}

@test "no rows: a header, one row of an aggregate without --by, none with it; status 0" {
    head -n 1 orders.csv >none.csv
    run -0 --separate-stderr sluice transform none.csv -O csv
    same "$output" "$(cat none.csv)"
    run -0 --separate-stderr sluice aggregate none.csv -O csv
    same "$output" $'count\n0'
    run -0 --separate-stderr sluice aggregate --by country none.csv -O csv
    same "$output" "country,count"
}

@test "--fail-empty makes no rows a failure" {
    run -1 --separate-stderr sluice transform --where 'qty > 99' --fail-empty orders.csv -O csv
    has "$stderr" "--fail-empty"
    run -0 --separate-stderr sluice transform --where 'qty > 3' --fail-empty orders.csv -O csv
}

@test "a reader that goes away is no failure and is not mentioned" {
    [ -x "${GEN-}" ] || skip "no generator"
    "$GEN" --rows 200000 >events.csv
    run -0 --separate-stderr bash -c \
        'set -o pipefail; "$SLUICE" transform --quiet events.csv -O csv | head -n 3'
    same "${#lines[@]}" 3
    same "$stderr" ""
}

@test "what cannot be written to standard output is a failure" {
    [ -e /dev/full ] || skip "no /dev/full"
    run -1 --separate-stderr bash -c '"$SLUICE" transform orders.csv -O csv >/dev/full'
    has "$stderr" "No space left"
    run -1 --separate-stderr bash -c '"$SLUICE" --version >/dev/full'
    has "$stderr" "No space left"
    run -1 --separate-stderr bash -c '"$SLUICE" transform --quiet orders.csv -O csv >&-'
    has "$stderr" "standard output"
}

@test "an upstream that dies is noticed, and its part is not taken for the whole" {
    sluice transform --quiet orders.csv >frames
    size=$(stat -c %s frames)
    head -c $((size - 64)) frames >part
    run -1 --separate-stderr bash -c 'cat part | "$SLUICE" aggregate -O csv'
    same "$output" ""
    has "$stderr" "the stage before it died"
    run -1 --separate-stderr sluice aggregate -O csv <part
    same "$output" ""
    has "$stderr" "the file is not whole"
    run -1 --separate-stderr sluice aggregate --quiet -I arrow -O csv </dev/null
}

@test "an expression that is wrong is a usage error that points at its column" {
    run -2 --separate-stderr sluice transform --where 'qtty > 1' orders.csv -O csv
    has "$stderr" "qtty"
    has "$stderr" "qty"
    run -2 --separate-stderr sluice transform --where "note = 'ü' and qtty > 1" orders.csv -O csv
    has "$stderr" "character 16"
    run -2 --separate-stderr sluice transform --where 'qty == 1' orders.csv -O csv
}

@test "a signal ends the run in order: what was read is out, and the status is 128 and more" {
    mkfifo in out
    "$SLUICE" transform --quiet -f -I csv -O csv <in >out &
    pid=$!
    exec 4>in 5<out
    cat orders.csv >&4
    read -r _ <&5
    read -r row <&5
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    exec 4>&- 5<&-
    same "$status" 143
    has "$row" 1001
}

@test "a signal commits what was ingested" {
    mkfifo in
    "$SLUICE" ingest --quiet -f -I csv -o live/ <in &
    pid=$!
    exec 4>in
    cat orders.csv >&4
    eventually bash -c '"$SLUICE" tail -n all --quiet live/ -O csv 2>/dev/null | grep -q 1010'
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    exec 4>&-
    same "$status" 143
    run -0 --separate-stderr sluice log verify live/
    run -0 --separate-stderr sluice aggregate live/ -O csv
    same "${lines[1]}" 10
}

@test "a row typed into each command is on its output before the next is typed" {
    for words in 'ingest' 'transform --where true' 'tail -n all' ; do
        mkfifo in out
        # shellcheck disable=SC2086 # several words
        "$SLUICE" $words --quiet -f -I csv -O csv <in >out 3>&- &
        pid=$!
        exec 4>in 5<out
        printf 'n,word\n1,one\n' >&4
        read -r -t 20 header <&5 || fail "$words: no header"
        same "$header" n,word
        read -r -t 20 row <&5 || fail "$words: no row"
        same "$row" 1,one
        for n in 2 3 4; do
            echo "$n,x" >&4
            read -r -t 20 row <&5 || fail "$words: row $n did not come"
            same "$row" "$n,x"
        done
        exec 4>&- 5<&-
        wait "$pid"
        rm in out
    done
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# ingest: positions, repeated input, --resume, schemas of logs that are there.

load cmd_helper

count() { # LOG
    "$SLUICE" aggregate --quiet "$1" -O csv | tail -n 1
}

@test "a log has its files' rows in the order given" {
    sluice ingest --quiet orders.csv more.csv -o orders/
    run -0 --separate-stderr sluice replay --quiet orders/ -O csv
    same "${#lines[@]}" 13
    has "${lines[1]}" 1001
    has "${lines[12]}" 1012
}

@test "the same input twice is refused, with what to do" {
    sluice ingest --quiet orders.csv -o orders/
    run -1 --separate-stderr sluice ingest orders.csv -o orders/
    has "$stderr" "orders.csv"
    has "$stderr" "--resume"
    has "$stderr" "--again"
    same "$(count orders/)" 10
}

@test "a copy under another name is known again" {
    sluice ingest --quiet orders.csv -o orders/
    mv orders.csv renamed.csv
    run -1 --separate-stderr sluice ingest renamed.csv -o orders/
    same "$(count orders/)" 10
}

@test "--again appends all of it once more" {
    sluice ingest --quiet orders.csv -o orders/
    sluice ingest --quiet --again orders.csv -o orders/
    same "$(count orders/)" 20
}

@test "--resume appends what the file has grown by, and nothing when it has not" {
    sluice ingest --quiet orders.csv -o orders/
    sed 1d more.csv >>orders.csv
    sluice ingest --quiet --resume orders.csv -o orders/
    same "$(count orders/)" 12
    run -0 --separate-stderr sluice ingest --resume orders.csv -o orders/
    same "$(count orders/)" 12
}

@test "--resume and --again exclude each other" {
    run -2 --separate-stderr sluice ingest --resume --again orders.csv -o orders/
}

@test "files with other columns in another order share one schema by name" {
    printf 'qty,order_id,ts,price,item,country,note\n9,2001,2026-03-02T00:00:00Z,1.00,lamp,DE,\n' >other.csv
    sluice ingest --quiet orders.csv other.csv -o orders/
    run -0 --separate-stderr sluice tail -n 1 orders/ -O csv
    has "${lines[1]}" "2001,DE,lamp,9,1.00"
}

@test "a log takes new columns, and wider types, from later input" {
    sluice ingest --quiet orders.csv -o orders/
    printf 'ts,order_id,qty,coupon\n2026-03-02T00:00:00Z,2001,1.5,SPRING\n' >new.csv
    sluice ingest --quiet new.csv -o orders/
    run -0 --separate-stderr sluice tail -n 2 orders/ -O json
    has "${lines[1]}" '"coupon":"SPRING"'
    has "${lines[1]}" '"qty":1.5'
    has "${lines[0]}" '"coupon":null'
}

@test "a value that breaks the inferred type late in the file widens the log" {
    { echo n,v && seq 1 20000 | sed 's/$/,7/' && echo 20001,none; } >late.csv
    run -0 --separate-stderr sluice ingest late.csv -o late/
    same "$(count late/)" 20001
    run -0 --separate-stderr sluice aggregate --where "v = 'none'" late/ -O csv
    same "${lines[1]}" 1
}

@test "combined logs, patterns, lines and JSON become columns" {
    sluice ingest --quiet -I combined access.log -o web/
    run -0 --separate-stderr sluice aggregate --where 'status >= 400' web/ -O csv
    same "${lines[1]}" 3
    sluice ingest --quiet -I 'regex:^(?<ts>\S+ \S+) (?<what>\S+) (?<rest>.*)' dpkg.log -o dpkg/
    run -0 --separate-stderr sluice aggregate --by what --order-by 'count desc, what' --limit 1 dpkg/ -O csv
    same "${lines[1]}" status,3
    sluice ingest --quiet -I lines dpkg.log -o lines/
    same "$(count lines/)" 8
    sluice ingest --quiet --time at app.json -o app/
    run -0 --separate-stderr sluice transform --select '"user.name"' --where '"user.id" = 9' app/ -O csv
    same "${lines[1]}" 李
}

@test "times without a zone are taken in --tz" {
    printf 'ts,n\n2026-07-01 12:00:00,1\n' >t.csv
    run -0 --separate-stderr sluice transform --tz Europe/Berlin --types 'ts timestamptz' t.csv -O json
    has "$output" "12:00:00"
    sluice ingest --quiet --tz Europe/Berlin --types 'ts timestamptz' t.csv -o t/
    run -0 --separate-stderr sluice tail t/ -O json
    has "$output" "10:00:00"
}

@test "--time-format reads other times" {
    printf 'at,n\n1772359200,1\n' >t.csv
    sluice ingest --quiet --time at --time-format epoch:s t.csv -o t/
    run -0 --separate-stderr sluice tail t/ -O csv
    has "${lines[1]}" "2026-03-01"
}

@test "without -o the rows go on as frames" {
    run -0 --separate-stderr bash -c '"$SLUICE" ingest --quiet orders.csv | "$SLUICE" aggregate --quiet -O csv'
    same "${lines[1]}" 10
}

@test "-f follows a file that grows, is renamed and made anew" {
    cp orders.csv live.csv
    "$SLUICE" ingest --quiet -f live.csv -o live/ 3>&- &
    pid=$!
    mkfifo out
    "$SLUICE" tail --quiet -f -n all live/ -O csv >out 3>&- &
    tail=$!
    exec 5<out
    expect() {
        while read -r -t 30 row <&5; do
            [[ $row == *"$1"* ]] && return
        done
        fail "$1 did not come"
    }
    expect 1010
    sed -n 2p more.csv >>live.csv
    expect 1011
    mv live.csv live.csv.1
    { head -n 1 more.csv && sed -n 3p more.csv; } >live.csv
    expect 1012
    kill -TERM "$pid" "$tail"
    wait "$pid" || true
    wait "$tail" || true
    exec 5<&-
    same "$(count live/)" 12
}

@test "values that repeat are stored as a dictionary, also where a reader gave up its own" {
    # More values in one read than a reader keeps, each five times; form: see sluice-log(5).
    awk 'BEGIN { print "n,word"; for (i = 0; i < 100000; i++) print i ",word of the row " i * 7919 % 20000 }' >many.csv
    sluice ingest --quiet many.csv -o many/
    has "$(cat many/commits/*)" '"form":"z:02"'
    same "$(sluice aggregate many/ --select 'count(distinct word)' -O csv --quiet | tail -n 1)" 20000
}

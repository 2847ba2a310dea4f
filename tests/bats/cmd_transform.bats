#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# transform: where, set, select, drop, rename, in this order.

load cmd_helper

@test "thousands of columns are set by one option, and by options that see each other" {
    local one many=() i
    one=$(seq -s, 1 2500 | sed -E 's/([0-9]+)/c\1 = qty + \1/g')
    run -0 --separate-stderr sluice transform orders.csv --set "$one" --select 'c1, c1250, c2500 - qty as d' -O csv
    [ "${lines[0]}" = c1,c1250,d ]
    [[ ${lines[1]} == *,2500 ]]
    for ((i = 1; i <= 200; i++)); do many+=(--set "c$i = ${prev:-0} + 1"); local prev=c$i; done
    run -0 --separate-stderr sluice transform orders.csv "${many[@]}" --select c200 -O csv
    [ "${lines[1]}" = 200 ]
}

@test "--where keeps rows for which it is true; repeated ones must all hold" {
    run -0 --separate-stderr sluice transform --where "country = 'DE'" --where 'qty > 1' --select order_id orders.csv -O csv
    same "$output" $'order_id\n1006\n1008'
}

@test "null is not true" {
    run -0 --separate-stderr sluice transform --where "note <> 'gift'" --select order_id orders.csv -O csv
    same "$output" $'order_id\n1002\n1006\n1010'
    run -0 --separate-stderr sluice transform --where 'note is null' --select order_id orders.csv -O csv
    same "${#lines[@]}" 7
}

@test "--set computes exact columns, in place and new" {
    run -0 --separate-stderr sluice transform --set 'price = price * qty, day = ts::date' --select 'price, day' orders.csv -O csv
    same "${lines[2]}" 159.60,2026-03-01
}

@test "--select, --drop and --rename" {
    run -0 --separate-stderr sluice transform --select 'upper(item) as item, order_id' orders.csv -O csv
    same "${lines[1]}" LAMP,1001
    run -0 --separate-stderr sluice transform --drop 'note, ts' --rename 'qty = quantity, price = "unit price"' orders.csv -O csv
    same "${lines[0]}" 'order_id,country,item,quantity,unit price'
}

@test "the order of work is where, set, select, drop, rename, whatever the order of options" {
    run -0 --separate-stderr sluice transform --rename 'x = y' --drop item --select 'item, x' \
        --set 'x = qty * 10' --where 'qty = 4' orders.csv -O csv
    same "$output" $'y\n40'
}

@test "a null condition, an unknown column and a second statement are usage errors" {
    run -2 --separate-stderr sluice transform --where 'qty' orders.csv -O csv
    run -2 --separate-stderr sluice transform --drop nothing orders.csv -O csv
    run -2 --separate-stderr sluice transform --where 'true; drop table x' orders.csv -O csv
    has "$stderr" "sluice transform:"
}

@test "quotes of CSV come out as they must" {
    run -0 --separate-stderr sluice transform --where 'order_id in (1002, 1006)' --select note orders.csv -O csv
    same "${lines[1]}" '"for the office, second floor"'
    same "${lines[2]}" '"said ""any colour"""'
}

@test "from log to log partitions stay one to one" {
    sluice partition --quiet --by country --into 3 orders.csv -o p/
    sluice transform --quiet --drop note p/ -o q/
    for p in 0 1 2; do
        "$SLUICE" replay --quiet --partition $p p/ -O csv | cut -d, -f1-6 >a
        "$SLUICE" replay --quiet --partition $p q/ -O csv >b
        cmp a b
        sed 1d b >>rows
    done
    same "$(wc -l <rows)" 10
}

@test "threads change nothing" {
    [ -x "${GEN-}" ] || skip "no generator"
    "$GEN" --rows 100000 >events.csv
    sluice transform --quiet -j 1 --where "country <> 'DE'" --set 'x = length(event)' events.csv -O csv >one.csv
    sluice transform --quiet -j 4 --where "country <> 'DE'" --set 'x = length(event)' events.csv -O csv >four.csv
    cmp one.csv four.csv
    same "$(head -n 1 one.csv)" "$(head -n 1 events.csv),x"
    [ "$(wc -l <one.csv)" -gt 1000 ]
}

@test "from log to log a key that is renamed still picks the partition; one that is dropped is an error" {
    sluice partition --quiet --by 'country, item' --into 3 orders.csv -o by/
    sluice transform --quiet --rename 'country = land' by/ -o renamed/
    diff <(sluice replay --quiet --meta by/ -O csv | sed '1s/country/land/') \
        <(sluice replay --quiet --meta renamed/ -O csv)
    same "$(sluice replay --quiet renamed/ -O csv | wc -l)" 11
    run -2 --separate-stderr sluice transform --drop item by/ -o dropped/
    has "$stderr" "by/ is partitioned by country,item, and not all of them are kept"
    has "$stderr" "--partitions 1"
    [ ! -e dropped ] || fail "dropped/ is there"
    sluice transform --quiet --drop item --partitions 1 by/ -o dropped/
}

@test "from log to log the time column is not dropped without --time" {
    sluice ingest --quiet --types 'ts timestamptz' orders.csv -o orders/
    run -2 --separate-stderr sluice transform --drop ts orders/ -o bare/
    has "$stderr" "ts is the time column of orders/"
    has "$stderr" "--time"
    [ ! -e bare ] || fail "bare/ is there"
    sluice transform --quiet --rename 'ts = at' orders/ -o renamed/
    has "$(sluice log info renamed/)" "time        at,"
    sluice transform --quiet --set "later = ts + interval '1 hour'" orders/ -o both/
    sluice transform --quiet --drop ts --time later both/ -o later/
    has "$(sluice log info later/)" "time        later,"
    sluice transform --quiet --select "date_trunc('hour', ts) as hour, qty" --time hour orders/ -o hours/
    has "$(sluice log info hours/)" "time        hour,"
    run -1 --separate-stderr sluice transform --select 'ts, qty' --time hour orders/ -o none/
    has "$stderr" "the time column hour is not there"
    sluice transform --quiet --drop ts orders/ -O csv >/dev/null
}

@test "two columns of one name are a wrong command line, not a failed run" {
    for wrong in "transform --rename ts=country" "transform --select qty,price,qty" \
        "aggregate --by country,country"; do
        # shellcheck disable=SC2086
        run -2 --separate-stderr sluice $wrong orders.csv -O csv
        has "$stderr" "are named"
        has "$stderr" "another"
    done
}

@test "a row that loses its event time does not go into a log" {
    lose='ts = case when qty > 1 then ts end'
    sluice ingest --quiet orders.csv -o orders/
    run -1 --separate-stderr sluice transform --set "$lose" orders/ -o lost/
    has "$stderr" "the event time ts is null"
    [ ! -e lost ]
    run -3 sluice transform --quiet --set "$lose" orders/ -o lost/ --rejects bad.json
    kept=$(sluice transform --quiet --where 'qty > 1' orders/ -O csv)
    same "$(sluice replay --quiet lost/ -O csv)" "$kept"
    [ "$(jq -s length bad.json)" -eq $((11 - $(wc -l <<<"$kept"))) ]
    sluice aggregate --quiet --window '1 hour' lost/ -O csv >/dev/null
}

@test "a row of frames or of another log without its event time does not go into a log" {
    printf 'ts,v\n2026-03-01T10:00:00Z,1\n,2\n' >null.csv
    run -1 --separate-stderr bash -c '"$SLUICE" transform --quiet null.csv | "$SLUICE" ingest -o log/'
    has "$stderr" "the event time ts is null"
    same "$(sluice replay --quiet log/ -O csv)" $'ts,v\n2026-03-01 10:00:00+00,1'
    run -3 bash -c '"$SLUICE" transform --quiet null.csv | "$SLUICE" ingest --quiet -o kept/ --rejects bad/'
    same "$(sluice replay --quiet kept/ -O csv)" $'ts,v\n2026-03-01 10:00:00+00,1'
    has "$(sluice replay --quiet bad/ --meta -O json)" "the event time ts is null"
}

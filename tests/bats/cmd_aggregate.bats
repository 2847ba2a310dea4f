#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# aggregate: groups, windows, order, and the same result however the rows arrive.

load cmd_helper

@test "without options it counts" {
    run -0 --separate-stderr sluice aggregate orders.csv -O csv
    same "$output" $'count\n10'
}

@test "groups come in the order of their keys, nulls last" {
    run -0 --separate-stderr sluice aggregate --by note --where 'qty <> 4' orders.csv -O csv
    same "${lines[0]}" note,count
    same "${lines[4]}" ,6
}

@test "sums are exact, and names are those of the calls" {
    run -0 --separate-stderr sluice aggregate --by country \
        --select 'count(*), sum(price), avg(qty), min(ts), max(item), p50(qty), count(distinct item) as kinds' orders.csv -O csv
    same "${lines[0]}" 'country,count,sum_price,avg_qty,min_ts,max_item,p50_qty,kinds'
    has "${lines[1]}" 'DE,4,277.90,1.75,'
    has "${lines[1]}" 'lamp,1,3'
}

@test "a clash of names is refused" {
    run -2 --separate-stderr sluice aggregate --by country --select 'count(*) as country' orders.csv -O csv
}

@test "windows are of event time, half-open, with their bounds first" {
    run -0 --separate-stderr sluice aggregate --window '10 minutes' orders.csv -O csv
    same "${lines[0]}" window_start,window_end,count
    has "${lines[1]}" "09:50:00"
    same "${lines[2]##*,}" 3
    same "${#lines[@]}" 7
}

@test "a day is a calendar day in --tz" {
    printf 'ts,n\n2026-03-29T00:30:00+01:00,1\n2026-03-29T23:30:00+02:00,1\n2026-03-30T00:30:00+02:00,1\n' >dst.csv
    run -0 --separate-stderr sluice aggregate --tz Europe/Berlin --window '1 day' dst.csv -O csv
    same "${lines[1]##*,}" 2
    same "${lines[2]##*,}" 1
}

@test "--order-by and --limit" {
    run -0 --separate-stderr sluice aggregate --by item --order-by 'count desc, item' --limit 2 orders.csv -O csv
    same "$output" $'item,count\nlamp,4\nchair,2'
    run -0 --separate-stderr sluice aggregate --by item --limit 1 orders.csv -O csv
    same "$output" $'item,count\nchair,2'
}

@test "a file, a pipe, a log, a replay and any number of threads give the same" {
    [ -x "${GEN-}" ] || skip "no generator"
    "$GEN" --rows 100000 >events.csv
    words=(--quiet --by 'country, event' --window '1 hour' --select 'count(*) as n, sum(price), p99(duration)' -O csv)
    sluice aggregate "${words[@]}" -j 1 events.csv >want.csv
    [ "$(wc -l <want.csv)" -gt 100 ] # windows and groups
    sluice aggregate "${words[@]}" -j 4 events.csv | cmp - want.csv
    # shellcheck disable=SC2002 # a pipe is what is tested
    cat events.csv | "$SLUICE" aggregate "${words[@]}" | cmp - want.csv
    sluice ingest --quiet events.csv -o events/
    sluice aggregate "${words[@]}" events/ | cmp - want.csv
    sluice replay --quiet events/ | "$SLUICE" aggregate "${words[@]}" | cmp - want.csv
    sluice partition --quiet --by user_id --into 3 events/ -o parts/
    sluice aggregate "${words[@]}" parts/ | cmp - want.csv
}

@test "with -f late rows are counted, and the status is 3" {
    printf 'ts,n\n2026-03-01T10:00:00Z,1\n2026-03-01T10:30:00Z,2\n2026-03-01T10:00:30Z,3\n' >late.csv
    run -3 --separate-stderr sluice aggregate --out-of-order 1m --window '1 minute' late.csv -O csv
    has "$stderr" "1 late"
    run -0 --separate-stderr sluice aggregate --window '1 minute' late.csv -O csv
    same "${lines[1]##*,}" 2
}

@test "a window of live data comes when no row can come for it" {
    mkfifo in out
    "$SLUICE" aggregate --quiet -f -I csv --out-of-order 0s --window '1 minute' -O csv <in >out 3>&- &
    pid=$!
    exec 4>in 5<out
    printf 'ts,n\n2026-03-01T10:00:10Z,1\n2026-03-01T10:00:20Z,1\n2026-03-01T10:01:00Z,1\n' >&4
    read -r -t 20 _ <&5
    read -r -t 20 row <&5 || fail "the window did not come"
    same "${row##*,}" 2
    exec 4>&-
    read -r -t 20 row <&5
    same "${row##*,}" 1
    exec 5<&-
    wait "$pid"
}

@test "quantiles of one column that interpolate and that do not stand side by side, in any order" {
    run -0 --separate-stderr sluice aggregate -I csv -O csv --select 'median(n) as m, p50(n) as p' <<<$'n\n1\n2\n3\n4'
    [ "${lines[1]}" = 2.5,2 ]
    run -0 --separate-stderr sluice aggregate -I csv -O csv --select 'p50(n) as p, median(n) as m' <<<$'n\n1\n2\n3\n4'
    [ "${lines[1]}" = 2,2.5 ]
}

@test "--order-by takes the place of a column, and no other constant" {
    by() {
        sluice aggregate --by 'country, item' --select 'sum(qty) as "a ""q"' orders.csv -O csv --quiet \
            --order-by "$1"
    }
    same "$(by '3 desc, 2')" "$(by '"a ""q" desc, item')"
    [ "$(by "3 desc, 2")" != "$(by "1, 2")" ] || fail "in the same order"
    for bad in 0 4 -1; do
        run -2 --separate-stderr by "$bad"
        has "$stderr" "--order-by, character"
    done
    run -2 --separate-stderr by "'x'"
    has "$stderr" "a constant orders nothing"
    run -2 --separate-stderr by 'item, null'
    has "$stderr" "character 7"
}

# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Event time: windows, watermarks, late rows, batch equals stream.
load common

@test "tumbling windows are half-open and aligned; empty ones are absent" {
    printf 'at,v\n2026-01-01T00:00:59.999Z,1\n2026-01-01T00:01:00Z,2\n2026-01-01T00:03:00Z,3\n' >t.csv
    run -0 --separate-stderr sluice aggregate t.csv --window '1 minute' --select 'sum(v) as s' -O csv --quiet
    [ "$output" = $'window_start,window_end,s\n2026-01-01 00:00:00+00,2026-01-01 00:01:00+00,1\n2026-01-01 00:01:00+00,2026-01-01 00:02:00+00,2\n2026-01-01 00:03:00+00,2026-01-01 00:04:00+00,3' ]
}

@test "a bounded read has no late rows, however far out of order" {
    printf 'at\n2026-01-01T05:00:00Z\n2026-01-01T00:00:00Z\n' >t.csv
    run -0 --separate-stderr sluice aggregate t.csv --window '1 minute' -O csv --quiet
    [ "${#lines[@]}" -eq 3 ]
}

@test "--out-of-order makes rows late, counts them and ends with 3" {
    printf 'at\n2026-01-01T05:00:00Z\n2026-01-01T00:00:00Z\n2026-01-01T05:00:01Z\n' >t.csv
    run -3 --separate-stderr sluice aggregate t.csv --window '1 minute' --out-of-order '5 s' -O csv
    [ "${lines[1]}" = '2026-01-01 05:00:00+00,2026-01-01 05:01:00+00,2' ]
    [ "${#lines[@]}" -eq 2 ]
    [[ $stderr == *"1 late"* ]]
}

@test "a followed input emits a window once the watermark has passed its end" {
    mkfifo in out
    sluice aggregate -f -I csv --window '1 minute' -O csv --quiet <in >out 2>err &
    pids+=($!)
    exec 7>in 8<out
    printf 'at\n2026-01-01T00:00:10Z\n2026-01-01T00:00:20Z\n' >&7
    printf '2026-01-01T00:01:04Z\n' >&7
    printf '2026-01-01T00:01:05Z\n' >&7
    local line
    read -r -t 10 line <&8
    read -r -t 10 line <&8
    [ "$line" = '2026-01-01 00:00:00+00,2026-01-01 00:01:00+00,2' ]
}

@test "tail -f of a log into a windowed aggregate over a pipe: the same windows" {
    printf 'at\n2026-01-01T00:00:10Z\n2026-01-01T00:00:20Z\n2026-01-01T00:02:00Z\n' >t.csv
    sluice ingest t.csv -o l/ --quiet
    mkfifo out
    sluice tail -f -n all l/ --quiet | sluice aggregate --window '1 minute' -O csv --quiet >out 2>err &
    pids+=($!)
    exec 8<out
    local line
    read -r -t 10 line <&8
    read -r -t 10 line <&8
    [ "$line" = '2026-01-01 00:00:00+00,2026-01-01 00:01:00+00,2' ]
}

@test "a window of 1 day is a calendar day in --tz: 23 hours at the change to summer time" {
    { echo at; for h in $(seq 0 29); do date -u -d "2026-03-28T23:00:00Z + $h hours" +%FT%TZ; done; } >t.csv
    run -0 --separate-stderr sluice aggregate t.csv --window '1 day' --tz Europe/Berlin -O csv --quiet
    [ "${lines[1]##*,}" = 23 ]
    [ "${lines[2]##*,}" = 7 ]
}

@test "windows and counts are DuckDB's on generated events" {
    need_oracle
    "$GEN" --rows 200000 --seed 7 >e.csv
    sluice aggregate e.csv --time ts --window '1 minute' --by country -O csv --quiet | tail -n +2 | awk -F, '{ print $1 "," $3 "," $4 }' | sort >ours
    duckdb_csv "select strftime(date_trunc('minute', ts), '%Y-%m-%d %H:%M:%S') || '+00' w, country, count(*) from (select ts::timestamp ts, country from read_csv('e.csv', types={'ts':'TIMESTAMP'})) group by all" | tail -n +2 | sort >theirs
    cmp ours theirs
    [ -s ours ]
}

@test "a partition that has never had a row holds no window back" {
    printf 'ts,k\n2026-05-01T10:00:00Z,a\n2026-05-01T10:00:30Z,a\n2026-05-01T10:05:00Z,a\n' >a.csv
    sluice partition --by k --into 8 a.csv -o p/ --quiet
    sluice aggregate -f p/ --window '1 minute' --select 'count(*) as n' -O csv --quiet >out &
    pids+=($!)
    until_true has_lines out 2
    [ "$(tail -n 1 out)" = '2026-05-01 10:00:00+00,2026-05-01 10:01:00+00,2' ]
    kill -0 "${pids[0]}"
}

@test "a row of a partition that was idle is late_idle for a window that closed meanwhile" {
    printf 'ts,k\n2026-05-01T10:00:00Z,a\n2026-05-01T10:05:00Z,a\n' >a.csv
    printf 'ts,k\n2026-05-01T10:00:10Z,c\n2026-05-01T10:05:10Z,c\n' >b.csv
    printf 'ts,k\n2026-05-01T10:09:00Z,a\n2026-05-01T10:09:00Z,c\n' >c.csv
    sluice partition --by k --into 8 a.csv -o p/ --quiet
    sluice aggregate -f p/ --window '1 minute' --select 'count(*) as n' -O csv --stats=json >out 2>stats &
    pids+=($!)
    until_true has_lines out 2
    sluice partition --by k --into 8 b.csv -o p/ --quiet
    sluice partition --by k --into 8 c.csv -o p/ --quiet
    until_true has_lines out 3
    kill -TERM "${pids[0]}"
    ends_with 143 "${pids[0]}"
    [ "$(tail -n +2 out | cut -d, -f3 | tr '\n' ' ')" = '1 2 2 ' ]
    grep -q '"late_idle":1' stats
    [ "$(sluice tail -n all --meta p/ -O csv --quiet | tail -n +2 | cut -d, -f3 | sort -u | wc -l)" = 2 ]
}

@test "a partition that falls silent is named once as what windows wait for, and in --stats" {
    printf 'ts,k\n2026-05-01T10:00:00Z,a\n2026-05-01T10:00:00Z,c\n2026-05-01T10:05:00Z,a\n' >a.csv
    sluice partition --by k --into 8 a.csv -o p/ --quiet
    local silent
    silent=$(sluice tail -n all --meta p/ --where "k = 'c'" -O csv --quiet | tail -n 1 | cut -d, -f3)
    sluice aggregate -f p/ --window '1 minute' -O csv --stats=json >out 2>err &
    pids+=($!)
    until_true grep -q "windows wait for partition $silent," err
    kill -TERM "${pids[0]}"
    ends_with 143 "${pids[0]}"
    [ "$(grep -c 'windows wait for' err)" = 1 ]
    grep -q "\"waits_for\":$silent" err
}

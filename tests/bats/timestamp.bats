#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# timestamp is a clock without a zone, timestamptz an instant; zones and their words are PostgreSQL's.

load common

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# The values of expressions over one row, as lines.
values() { # ZONE EXPRESSION...
    local zone=$1 list='' e n=0
    shift
    for e in "$@"; do
        list+="${list:+, }$e as c$((++n))"
    done
    printf 'q\n1\n' | sluice transform -I csv --tz "$zone" --select "$list" -O tsv --quiet |
        tail -n +2 | tr '\t' '\n'
}

@test "a timestamp is no timestamptz, and at time zone goes both ways" {
    printf 't\n2024-07-01 12:00:00+00\n' >t.csv
    run -0 sluice transform t.csv --quiet -O csv --select "timestamp '2024-07-01 12:00' as a,
        timestamp '2024-07-01 12:00' at time zone 'Asia/Tokyo' as b, t at time zone 'Asia/Tokyo' as c,
        (t at time zone 'Asia/Tokyo') at time zone 'Asia/Tokyo' as d"
    [ "${lines[1]}" = '2024-07-01 12:00:00,2024-07-01 03:00:00+00,2024-07-01 21:00:00,2024-07-01 12:00:00+00' ]
    sluice transform t.csv --quiet -o l/ \
        --set "c = t at time zone 'Asia/Tokyo', n = (t at time zone 'UTC')::timestamp(9)"
    [ "$(sluice log info l/ 2>/dev/null | grep ^columns)" = "columns     t timestamptz, c timestamp, n timestamp(9)" ]
    [ "$(sluice transform l/ --quiet -O json)" = '{"t":"2024-07-01T12:00:00Z","c":"2024-07-01T21:00:00","n":"2024-07-01T12:00:00"}' ]
}

@test "expressions of timestamps, dates, instants and intervals give what PostgreSQL gave" {
    local table=$BATS_TEST_DIRNAME/../oracle/postgres_time.txt zone e want
    for zone in $(grep -v '^#' "$table" | cut -d '|' -f 1 | sort -u); do
        mapfile -t e < <(grep "^$zone|" "$table" | cut -d '|' -f 2)
        mapfile -t want < <(grep "^$zone|" "$table" | cut -d '|' -f 3)
        [ ${#e[@]} -eq 20 ]
        for i in "${!e[@]}"; do # as text, in the zone
            e[i]="(${e[i]})::text"
        done
        diff <(printf '%s\n' "${want[@]}") <(values "$zone" "${e[@]}")
    done
}

@test "a timestamp becomes an instant by the zone of the run: in the gap the time behind, of two readings the last" {
    diff - <(values Europe/Berlin "timestamp '2024-03-31 02:30'::timestamptz" "timestamp '2024-10-27 02:30'::timestamptz" \
        "timestamp '2024-10-27 02:30' at time zone 'America/New_York'" "timestamp '2024-07-01 12:00' = '2024-07-01 10:00Z'::timestamptz" \
        "timestamp '2024-07-01 12:00+05' " "localtimestamp = now()" "extract(epoch from timestamp '1970-01-02 00:00')::bigint") <<'X'
2024-03-31 03:30:00+02
2024-10-27 02:30:00+01
2024-10-27 07:30:00+01
true
2024-07-01 12:00:00
true
86400
X
}

@test "a declared timestamp is read, grouped, ordered and written without a zone; text with one is a bad row" {
    printf 't,v\n2024-07-01 12:00:00,1\n2024-07-01T12:00,2\n2024-06-30,4\n2024-07-01 12:00:00+02,8\n2024-07-01 12:00:00Z,16\n,32\n' >t.csv
    run -3 sluice aggregate t.csv --tz Asia/Tokyo --types 't timestamp' --by t -O csv --quiet --rejects bad.json \
        --select 'sum(v) as s, min(t) as lo, max(t) as hi, count(distinct t) as n'
    diff <(printf '%s\n' ,32,,,0 '2024-06-30 00:00:00,4,2024-06-30 00:00:00,2024-06-30 00:00:00,1' \
        '2024-07-01 12:00:00,3,2024-07-01 12:00:00,2024-07-01 12:00:00,1') <(sed 1d <<<"$output" | sort)
    diff <(jq -r .reason bad.json) - <<'X'
'2024-07-01 12:00:00+02' does not fit timestamp; --types 't timestamptz' would take it
'2024-07-01 12:00:00Z' does not fit timestamp; --types 't timestamptz' would take it
X
    sed -i '/+02/d; /Z,/d' t.csv
    sluice transform t.csv --types 't timestamp' --where "t >= '2024-07-01'" --select v -O csv --quiet |
        diff - <(printf '%s\n' v 1 2)
}

@test "pyarrow reads and writes timestamps of every unit without a zone" {
    need_oracle
    "$SLUICE_ORACLE" - >in.arrows <<'PY'
import pyarrow as pa, sys
v = {"s": 1719835200, "ms": 1719835200123, "us": 1719835200123456, "ns": 1719835200123456789}
cols = {u: pa.array([x, None], pa.int64()).cast(pa.timestamp(u)) for u, x in v.items()}
cols["z"] = pa.array([v["us"], 0], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
b = pa.record_batch(cols)
with pa.ipc.new_stream(sys.stdout.buffer, b.schema) as w:
    w.write_batch(b)
PY
    [ "$(sluice transform -O csv --tz Asia/Tokyo --quiet <in.arrows | sed -n 2p)" = \
        "2024-07-01 12:00:00,2024-07-01 12:00:00.123,2024-07-01 12:00:00.123456,2024-07-01 12:00:00.123456789,2024-07-01 21:00:00.123456+09" ]
    sluice ingest --quiet -o l/ <in.arrows
    sluice transform l/ --quiet --set "later = us + interval '1 day'" >out.arrows
    "$SLUICE_ORACLE" - out.arrows <<'PY'
import pyarrow as pa, sys
t = pa.ipc.open_stream(sys.argv[1]).read_all()
want = {"s": "timestamp[us]", "ms": "timestamp[us]", "us": "timestamp[us]", "ns": "timestamp[ns]",
        "z": "timestamp[us, tz=UTC]", "later": "timestamp[us]"}
got = {n: str(t.schema.field(n).type) for n in want}
assert got == want, got
assert t["us"].cast(pa.int64()).to_pylist() == [1719835200123456, None]
assert t["later"].cast(pa.int64()).to_pylist() == [1719835200123456 + 86400 * 10**6, None]
PY
}

@test "no time near the ends of its type wraps round: it is out of range" {
    local e t
    for t in timestamp timestamptz; do
        for e in "$t '294246-01-01 00:00' + interval '2 years'" "$t '+294246-12-31 23:59:59' + interval '9 days 999 hours'" \
            "$t '-290300-01-01' - interval '9 years'" "$t '+294000-01-01'::$t(9)" \
            "date_bin('1 day', $t '-290300-12-31', $t '+294246-01-01') - interval '9 years'"; do
            e=${e/\'294246/\'+294246}
            run sluice transform -I csv --quiet -O csv --select "$e as e" <<<$'q\n1'
            [ "$status" -ne 0 ]
            [[ $output == *"out of range"* ]] || { echo "$e: $output"; false; }
        done
    done
}

@test "a word for a zone is read as PostgreSQL reads it, wherever a time is" {
    printf 't\nMon Feb 04 00:08:48 EST 2019\nMon Feb 04 00:08:48 cet 2019\n' >t.csv
    sluice transform t.csv --time t --time-format '%a %b %d %H:%M:%S %Z %Y' -O csv --quiet |
        diff - <(printf '%s\n' t '2019-02-04 05:08:48+00' '2019-02-03 23:08:48+00')
    printf 't\n2019-07-04 00:08:48 PDT\n2019-07-04 00:08:48.5 NST\n' | sluice transform -I csv --set 'e = extract(epoch from t)::bigint' --select e -O csv --quiet |
        diff - <(printf '%s\n' e 1562224128 1562211529)
    diff <(values UTC "'2024-07-01 10:00 EST'::timestamptz" "timestamp '2024-07-01 10:00' at time zone 'CET'" \
        "timestamp '2024-07-01 10:00' at time zone 'edt'" "'2024-07-01 10:00Z'::timestamptz at time zone 'NZST'") - <<'X'
2024-07-01 15:00:00+00
2024-07-01 09:00:00+00
2024-07-01 14:00:00+00
2024-07-01 22:00:00
X
}

@test "a word that is no zone, or that of several, is refused by name" {
    printf 't\nMon Feb 04 00:08:48 CST 2019\n' >t.csv
    run -1 sluice transform t.csv --time t --time-format '%a %b %d %H:%M:%S %Z %Y' -O csv --quiet
    [[ $output == *"t.csv:2:1: column t:"*"CST is no time zone, or the word of several"* ]]
    run -1 sluice transform -I csv --types 't timestamptz' -O csv --quiet <<<$'t\n2024-07-01 10:00:00 IST'
    [[ $output == *"IST is no time zone, or the word of several"* ]]
    run sluice transform -I csv --select "'2024-07-01 10:00 CST'::timestamptz" -O csv --quiet <<<$'t\n1'
    [ "$status" -ne 0 ]
    [[ $output == *CST* ]]
    run -2 sluice transform -I csv --select "now() at time zone 'CST'" -O csv --quiet <<<$'t\n1'
    [[ $output == *'unknown time zone: "CST"'* ]]
    # beside an offset a word says nothing more
    printf 't\n2024-07-01 10:00:00 +0800 (CST)\n' | sluice transform -I csv --time t --time-format '%F %T %z (%Z)' -O csv --quiet |
        diff - <(printf '%s\n' t '2024-07-01 02:00:00+00')
}

@test "two columns of timestamptz in one output are written in one way" {
    printf 'a,b,c\n2024-01-05 10:00:00,2024-01-05 12:30:00,x\n' >t.csv
    [ "$(sluice transform -I csv t.csv --tz Asia/Tokyo --set 'h = extract(hour from a)' -O csv --quiet | tail -n 1)" = \
        '2024-01-05 10:00:00+09,2024-01-05 12:30:00+09,x,10' ]
    run -0 sluice transform -I csv --set 'd = b - a' --select d -O csv --quiet \
        < <(sluice transform -I csv t.csv --tz Asia/Tokyo --set 'h = extract(hour from a)' -O csv --quiet)
    [ "${lines[1]}" = 02:30:00 ]
    sluice transform t.csv --tz Asia/Tokyo --set "n = now()" --select a -O csv --quiet | cmp - <(printf 'a\n2024-01-05 10:00:00\n')
    sluice transform t.csv --tz Asia/Tokyo --where "c = 'x'" -O csv --quiet | cmp - t.csv # none is computed
}

@test "--time-format without --time is the form of the column that is taken for the time" {
    printf 'Nov 28 10:00:00 h: a\n' >s.log
    sluice ingest -I 'regex:^(?<ts>\w{3} +\d+ \S+) (?<m>.*)' --time-format syslog --year 2025 s.log -o l/ --quiet
    [ "$(sluice log info l/ 2>/dev/null | grep ^time)" = "time        ts, 2025-11-28 10:00:00+00 to 2025-11-28 10:00:00+00" ]
    printf 'at,time,v\n5,1719835200000,1\n' >e.csv
    run -0 sluice aggregate e.csv --time-format epoch:ms --window 1h -O csv --quiet
    [[ ${lines[1]} == '2024-07-01 12:00:00+00,'* ]]
    printf 'a,b\n1,2\n' >n.csv
    run -2 sluice ingest n.csv --time-format epoch:s -o n/ --quiet
    [[ $output == *"no column is taken for the time"*"--time"* ]]
    [ ! -e n ]
}

@test "a window without a time column names the column that may be it, and the way on" {
    wants() { # COLUMN VALUE WORDS [OPTION...]
        printf '%s,v\n%s,1\n' "$1" "$2" >w.csv
        run -2 sluice aggregate w.csv --window 1h -O csv --quiet "${@:4}"
        [[ $output == *"time column"*"$3"* ]] || { echo "$output"; false; }
    }
    wants day 2024-01-01 "--time 'day'"
    wants epoch_ms 1719835200000 "--time 'epoch_ms' --time-format epoch:s, or epoch:ms"
    wants when 01/02/2024 "--time 'when', and --time-format says how it is written"
    wants ts '2024-01-01 10:00' "--types 'ts timestamptz'" --types 'ts timestamp'
    wants ts '2024-01-01 10:00' "--types 'ts timestamptz'" --types 'ts timestamp' --time ts
    printf 'a,b\n2024-01-01 10:00,2024-01-01 11:00\n' >w.csv
    run -2 sluice aggregate w.csv --window 1h -O csv --quiet
    [[ $output == *"say which: --time 'a'"* ]]
    printf 'day,v\n2024-01-01,1\n' >w.csv
    run -0 sluice aggregate w.csv --window 1h --time day -O csv --quiet
}

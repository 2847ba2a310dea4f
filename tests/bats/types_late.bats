# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# A value that breaks the type of its column, far behind the rows that the type settled from.
load common

# 12,000 lines of one text behind a header, and the lines on standard input.
late() { # HEADER LINE
    echo "$1"
    awk -v l="$2" 'BEGIN { for (i = 0; i < 12000; i++) print l }'
    cat
}

@test "a late value that the log's time cannot be is a bad row, and --rejects goes on behind it" {
    late ts,v 2024-01-01T00:00:00Z,1 >t.csv <<<$'noon,2\n2024-01-01T00:00:00.123456789Z,3\n,4\n2024-01-02T00:00:00Z,5'
    run -1 --separate-stderr sluice ingest t.csv -o l/
    [[ $stderr == *"t.csv:12002:1: column ts: 'noon' does not fit timestamptz, which stays: it is the log's time"* ]]
    run -3 --separate-stderr sluice ingest --resume t.csv -o m/ --rejects bad.json
    [ "$(jq -r '"\(.line) \(.raw)"' bad.json)" = $'12002 noon,2\n12003 2024-01-01T00:00:00.123456789Z,3\n12004 ,4' ]
    [ "$(sluice tail -n 1 m/ -O csv --quiet | tail -n 1)" = "2024-01-02 00:00:00+00,5" ]
    [ "$(sluice aggregate m/ -O csv --quiet | tail -n 1)" = 12001 ]
}

@test "a late value that the log's key cannot be is a bad row" {
    late k,v 7,1 >t.csv <<<$'x,2\n8,3'
    run -3 --separate-stderr sluice ingest t.csv --partitions 2 --key k -o l/ --rejects bad.json
    [ "$(jq -r '"\(.line) \(.column) \(.reason)"' bad.json)" = "12002 k 'x' does not fit bigint, which stays: it is the log's key" ]
    [ "$(sluice aggregate l/ --select 'count(*), sum(v)' -O csv --quiet | tail -n 1)" = 12001,12003 ]
}

@test "a null event time is a bad row, also where the time column was found by itself" {
    printf 'ts,v\n2024-01-01T00:00:00Z,1\n,2\n' >t.csv
    run -1 --separate-stderr sluice ingest t.csv -o l/
    [[ $stderr == *"t.csv:3:1: column ts: the event time is null"* ]]
}

@test "nanoseconds and years beyond their reach in one column are text, in a sample and behind it" {
    printf 't\n2024-01-01T00:00:00.000000001Z\n9999-12-31T00:00:00Z\n' >t.csv
    run -0 --separate-stderr timeout 20 "$SLUICE" transform t.csv -O json
    [[ $stderr == *"--types 't text'"* ]]
    late id,t 1,9999-12-31T00:00:00Z >u.csv <<<$'2,2024-01-01T00:00:00.000000001Z'
    late id,t 1,2024-01-01T00:00:00.000000001Z >v.csv <<<$'2,9999-12-31T00:00:00Z'
    local f
    for f in u v; do
        sed -e '1s/$/,at/' -e '2,$s/$/,2024-01-01/' "$f.csv" >w.csv
        timeout 20 "$SLUICE" ingest w.csv --time at --quiet -o "$f/"
        [ "$(sluice tail -n 2 "$f/" -O csv --quiet | sed -n 3p)" = "$(tail -n 1 "$f.csv"),2024-01-01 00:00:00+00" ]
        [[ $(sluice tail -n 2 "$f/" -O csv --quiet | sed -n 2p) == "$(sed -n '2s/[TZ].*//p' "$f.csv")"* ]]
    done
}

@test "a log with years beyond the reach of nanoseconds takes nanoseconds, and stays readable" {
    printf 'at,t\n2024-01-01,9999-12-31T00:00:00Z\n' >one.csv
    printf 'at,t\n2024-01-02,2024-01-01T00:00:00.000000001Z\n' >two.csv
    sluice ingest one.csv --time at --quiet -o l/
    sluice ingest two.csv --time at --quiet -o l/
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "${lines[1]}" = "2024-01-01 00:00:00+00,9999-12-31 00:00:00+00" ]
    [ "${lines[2]}" = "2024-01-02 00:00:00+00,2024-01-01T00:00:00.000000001Z" ]
}

rows_are() { # LOG N
    [ "$(sluice aggregate "$1" --quiet -O csv 2>/dev/null | tail -n 1)" = "$2" ]
}

# 300,000 rows: v is an integer, from row 200,000 a decimal and from row 250,000 on a word.
long_csv() {
    awk 'BEGIN { print "id,v,w"; for (i = 1; i <= 300000; i++)
        print i "," (i < 200000 ? i % 7 : i < 250000 ? i % 7 ".5" : "x" i % 7) "," i % 3 }'
}

@test "what a filter and a projection pass on widens the log in the middle, by any threads" {
    long_csv >t.csv
    awk -F, 'NR == 1 { print "q,id" } NR > 1 && $1 % 3 == 1 { print $2 "," $1 }' t.csv >want
    local j
    for j in 1 2 4; do
        run -0 --separate-stderr sluice transform t.csv --where 'id % 3 = 1' --select 'v as q, id' -o l$j/ -j$j
        [ "$(grep 'is now' <<<"$stderr" | tail -n 1)" = "sluice transform: column v is now text: 'x2' at t.csv:250001" ]
        sluice replay l$j/ -O csv --quiet | cmp - want
    done
    run -0 --separate-stderr sluice transform -I csv --where 'id % 3 = 1' --select 'v as q, id' -o p/ < <(dd if=t.csv bs=999 status=none)
    sluice replay p/ -O csv --quiet | cmp - want
}

@test "a column that an expression reads, or a key comes from, keeps its type: the value is a bad row" {
    late id,v,w 2,7,1 >t.csv <<<$'3,7.5,1\n4,8,2.5'
    local set
    for set in '--where=v / 2 = 3 or v > 7' '--set=h = v > 7'; do
        rm -rf l bad.json
        run -3 --separate-stderr sluice transform t.csv "$set" -o l/ --rejects bad.json
        [ "$(jq -r '"\(.line) \(.reason)"' bad.json)" = "12002 '7.5' does not fit bigint; --types 'v numeric(20,1)' would take it" ]
        [ "$(sluice tail -n 1 l/ -O json --quiet | jq .w)" = 2.5 ]
    done
    run -1 --separate-stderr sluice transform t.csv --select 'id, v as k' --partitions 2 --key k -o m/
    [[ $stderr == *"t.csv:12002:2: column v: '7.5' does not fit bigint"* ]]
    run -0 --separate-stderr sluice transform t.csv --select 'id, v as k' -o n/
}

@test "a number that --where only compares may become a wider numeric, and no text" {
    late id,v,w 2,7,1 >t.csv <<<$'3,7.5,1\n4,8,2.5\n5,6.25,1'
    local where
    for where in 'v > 7' 'v is distinct from 7' 'not (v in (6, 7))' '7 < v and v is not null' 'v between 7.1 and 9 or v > 1e1'; do
        rm -rf l
        run -0 --separate-stderr sluice transform t.csv --where "$where" --select id,v -o l/
        [ "$(sluice replay l/ --quiet -O csv | grep -v '^5,')" = $'id,v\n3,7.50\n4,8.00' ]
    done
    late id,v 2,7 >t.csv <<<$'3,7.5\n4,x\n5,1e400'
    for where in 'v > 7' 'v % 2 = 1' 'abs(v) > 7' 'case when v > 7 then v end > 7' 'coalesce(v, 1) > 7'; do
        rm -rf l bad.json
        run -3 --separate-stderr sluice transform t.csv --where "$where" -o l/ --rejects bad.json
        [[ $where == 'v > 7' || $(jq -r .line bad.json | head -n 1) == 12002 ]]
        [[ $where != 'v > 7' || $(jq -r .line bad.json) == $'12003\n12004' ]]
    done
}

@test "the event time of what a projection passes on stays, and a later column is no event time" {
    late at,ts 2024-01-01T00:00:00Z,2024-01-02 >t.csv <<<$'2024-01-03T00:00:00Z,2024-01-01T10:00:00Z\n2024-01-04T00:00:00Z,\n,2024-01-05\nnoon,'
    run -3 --separate-stderr sluice transform t.csv --where 'true' --rename 'at = t' -o l/ --rejects bad.json
    [ "$(jq -r .line bad.json | sort)" = $'12004\n12005' ]
    [ "$(sluice aggregate l/ --quiet -O csv | tail -n 1)" = 12002 ]
    late id,ts 1,2024-01-02 >u.csv <<<$'2,2024-01-01T10:00:00Z\n3,'
    run -0 --separate-stderr sluice transform u.csv --where 'id > 1' -o m/
    run -0 --separate-stderr sluice replay m/ -O csv --quiet
    [ "$output" = $'id,ts\n2,2024-01-01 10:00:00+00\n3,' ]
}

@test "JSON that a transform passes on: later types and later keys are the log's" {
    seq 30000 | awk '{ print "{\"id\":" $1 ",\"v\":" $1 % 7 ($1 == 20000 ? ".25" : "") ($1 > 25000 ? ",\"late\":\"k" $1 "\"" : "") "}" }' >t.json
    local j
    for j in 1 2; do
        sluice transform t.json --where 'id % 2 = 0' -o l$j/ -j$j --quiet
        sluice replay l$j/ -O json --quiet | jq -cS 'del(.[] | nulls)' | cmp - <(jq -cS 'select(.id % 2 == 0)' t.json)
    done
    run -0 --separate-stderr sluice transform l2/ --where "late = 'k25002'" --select v,late -O csv --quiet
    [ "$output" = $'v,late\n5.00,k25002' ]
}

@test "a run that was stopped goes on behind the late value, to the same rows" {
    long_csv >whole.csv
    head -n 260000 whole.csv >t.csv
    sluice transform t.csv --resume --where 'w > 0' --drop w -o l/ --quiet -j2
    cp whole.csv t.csv
    sluice transform t.csv --resume --where 'w > 0' --drop w -o l/ --quiet -j2
    sluice replay l/ -O csv --quiet | cmp - <(awk -F, 'NR == 1 || $3 > 0 { print $1 "," $2 }' whole.csv)
}

@test "a followed file widens the log through a filter; killed, --resume goes on to the same rows" {
    late id,v,w 2,7,1 >t.csv </dev/null
    sluice transform -f t.csv --where 'w = 1' --drop w -o l/ --quiet &
    pids+=($!)
    until_true rows_are l/ 12000
    echo 3,7.5,1 >>t.csv
    until_true rows_are l/ 12001
    kill -9 "${pids[-1]}"
    printf '4,word,1\n5,8,2\n6,9,1\n' >>t.csv
    sluice transform t.csv --resume --where 'w = 1' --drop w -o l/ --quiet
    sluice replay l/ -O csv --quiet | cmp - <(awk -F, 'NR == 1 || $3 == 1 { print $1 "," $2 }' t.csv)
}

@test "an operator that keeps rows has types that stay" {
    late id,v 1,7 >t.csv <<<2,x
    run -1 --separate-stderr sluice aggregate t.csv --select 'count(*), last(v)' -o l/
    [[ $stderr == *"t.csv:12002:2: column v: 'x' does not fit bigint"* ]]
}

@test "_rest is declared as what it is" {
    late '{"a":1}' '{"a":1}' >t.json <<<'{"a":2,"late":3}'
    run -2 --separate-stderr sluice transform t.json --types '_rest text' -O json
    [[ $stderr == *"--types: _rest is jsonb"* ]]
}

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

@test "_rest is declared as what it is" {
    late '{"a":1}' '{"a":1}' >t.json <<<'{"a":2,"late":3}'
    run -2 --separate-stderr sluice transform t.json --types '_rest text' -O json
    [[ $stderr == *"--types: _rest is jsonb"* ]]
}

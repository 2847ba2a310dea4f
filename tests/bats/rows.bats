# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Rows of text that must not be lost: those before a bad one, those beside a record that is too long,
# those whose end has not come yet.
load common

row() { # N...: a JSON line each
    local n
    for n in "$@"; do
        printf '{"ts":"2026-05-01T10:00:00Z","id":%d}\n' "$n"
    done
}

ids() { # LOG: the ids in it
    sluice replay "$1" -O csv --quiet | cut -d, -f2 | tail -n +2 | paste -sd ' '
}

has_ids() { # LOG IDS
    [ "$(ids "$1" 2>/dev/null)" = "$2" ]
}

# ---- rows before a bad one ----

@test "rows before a bad one are committed, of a pipe whose types had settled" {
    mkfifo in
    sluice ingest -f -I json in -o l/ 2>err &
    local pid=$!
    exec 7>in
    row 1 >&7
    until_true has_ids l/ 1
    { row 2 3 4; echo oops; row 5; } >rows.json
    printf '%s\n' "$(<rows.json)" >&7 # in one write: the reader goes at the bad row
    ends_with 1 $pid
    [ "$(ids l/)" = '1 2 3 4' ]
    grep -q 'in:5: bad JSON.*; 4 rows before it are committed$' err
}

@test "rows before a bad one are committed, of a pipe and of a file whose types settle with it" {
    { row 1 2 3 4; echo oops; row 5; } >a.json
    run -1 --separate-stderr sluice ingest -I json -o p/ <a.json
    [[ $stderr == *"standard input:5: bad JSON"* ]]
    run -1 --separate-stderr sluice ingest a.json -o f/
    run -1 sluice partition a.json --by id --into 1 -o k/
    [ "$(ids p/), $(ids f/), $(ids k/)" = '1 2 3 4, 1 2 3 4, 1 2 3 4' ]
}

@test "a file that was mended behind its good rows goes on at the row that was bad" {
    { row 1 2; echo oops; row 4; } >a.json
    run -1 sluice ingest a.json -o l/
    [ "$(ids l/)" = '1 2' ]
    row 1 2 3 4 >b.json
    mv b.json a.json
    sluice ingest --resume a.json -o l/ --quiet
    [ "$(ids l/)" = '1 2 3 4' ]
}

@test "the same with a header and a file of more than one head" {
    { echo id,v; seq -f '%g,1' 2000; echo 2001; echo 2002,1; } >a.csv
    run -1 --separate-stderr sluice ingest a.csv -o l/
    [[ $stderr == *"2000 rows before it are committed" ]]
    sed -i 's/^2001$/2001,1/' a.csv
    sluice ingest --resume a.csv -o l/ --quiet
    run -0 sluice aggregate l/ --select 'count(*), count(distinct id), max(id)' -O csv --quiet
    [ "${lines[1]}" = 2002,2002,2002 ]
}

@test "with several lanes all rows before a bad one are committed and none behind it" {
    { echo n,s; seq -f '%.0f,some words to fill the line with' 200000; } >a.csv
    sed -i '150001s/,.*//' a.csv
    run -1 --separate-stderr sluice ingest --threads 4 a.csv -o l/
    [[ $stderr == *"a.csv:150001: "*"; 149999 rows before it are committed" ]]
    run -0 sluice aggregate l/ --select 'count(*), min(n), max(n)' -O csv --quiet
    [ "${lines[1]}" = 149999,1,149999 ]
    run -3 sluice ingest --threads 4 --resume a.csv -o l/ --rejects bad.json --quiet
    run -0 sluice aggregate l/ --select 'count(*), count(distinct n), max(n)' -O csv --quiet
    [ "${lines[1]}" = 199999,199999,200000 ]
    [ "$(jq -c '[.raw, .line]' bad.json)" = '["150000",150001]' ]
}

@test "rows before one that an expression fails on are committed: of text, of frames, of a log" {
    row 1 2 0 4 >a.json
    run -1 sluice transform a.json --set 'x = 1/id' -o t/
    sluice transform a.json --quiet >a.arrows
    run -1 sluice transform --set 'x = 1/id' -o p/ < <(cat a.arrows)
    sluice ingest a.json -o a/ --quiet
    run -1 sluice transform a/ --set 'x = 1/id' -o l/
    [ "$(ids t/), $(ids p/), $(ids l/)" = '1 2, 1 2, 1 2' ]
}

@test "rows before a bad one are printed, and the next stage commits them" {
    { row 1 2; echo oops; } >a.json
    run -1 --separate-stderr sluice transform a.json -O csv --select id
    [ "$output" = $'id\n1\n2' ]
    run -1 --separate-stderr bash -c 'sluice transform a.json | sluice ingest -o l/'
    [ "$(ids l/)" = '1 2' ]
}

@test "a file is made whole or not at all: rows before a bad one make none" {
    { row 1 2; echo oops; } >a.json
    run -1 sluice transform a.json -o a.csv
    [[ $output == *"a.json:3"* ]]
    [ "$(echo *)" = a.json ]
}

@test "a first row that is bad leaves no log" {
    echo oops >a.json
    run -1 sluice ingest a.json -o l/
    [[ $output == *"a.json:1"* ]]
    [ ! -e l ]
}

@test "beyond --max-rejects the rows are committed as far as rejects were written" {
    { row 1; echo oops; row 3; echo oops; row 5; } >a.json
    run -1 --separate-stderr sluice ingest a.json -o l/ --rejects bad.json --max-rejects 1
    [[ $stderr == *"more than 1 row was rejected"* ]]
    [ "$(wc -l <bad.json)" -eq 2 ]
    run -0 sluice ingest --resume a.json -o l/ --quiet
    [ "$(ids l/)" = '1 3 5' ]
}

@test "rows before the place where a compressed file is damaged are committed, and not again" {
    { echo n; seq 20000; } | gzip >whole.gz
    head -c 20000 whole.gz >a.csv.gz
    run -1 --separate-stderr sluice ingest a.csv.gz -o l/
    [[ $stderr == *a.csv.gz*"; "*" rows before it are committed" ]]
    cp whole.gz a.csv.gz
    sluice ingest --resume a.csv.gz -o l/ --quiet
    run -0 sluice aggregate l/ --select 'count(*), count(distinct n), max(n)' -O csv --quiet
    [ "${lines[1]}" = 20000,20000,20000 ]
}

# ---- a last line without its end ----

@test "with --resume a last line without its end waits for it, and is said" {
    printf 'ts,id,v\n2026-05-01T10:00:00Z,1,12\n2026-05-01T10:00:00Z,2,34' >a.csv
    run -0 --separate-stderr sluice ingest --resume a.csv -o l/
    [[ $stderr == *"a.csv ends in the middle of a record: 25 bytes are left for later"* ]]
    [ "$(ids l/)" = 1 ]
    printf '567\n2026-05-01T10:00:00Z,3,8\n' >>a.csv
    sluice ingest --resume a.csv -o l/ --quiet
    run -0 sluice transform l/ --select id,v -O csv --quiet
    [ "$output" = $'id,v\n1,12\n2,34567\n3,8' ]
}

@test "without --resume a last line without its end is a row" {
    printf 'id,v\n1,12\n2,34' >a.csv
    sluice ingest a.csv -o l/ --quiet
    run -0 sluice replay l/ -O csv --quiet
    [ "$output" = $'id,v\n1,12\n2,34' ]
}

@test "types do not settle from a part of a record; the log's do" {
    printf 'id,v\n1,12' >a.csv
    run -1 --separate-stderr sluice ingest --resume a.csv -o l/
    [[ $stderr == *"a.csv has no whole row yet"*"without --resume"* ]]
    [ ! -e l ]
    printf 'id,v\n1,12\n' | sluice ingest -I csv -o l/ --quiet
    run -0 --separate-stderr sluice ingest --resume a.csv -o l/
    [[ $stderr == *"4 bytes are left for later"* ]]
    echo >>a.csv
    sluice ingest --resume a.csv -o l/ --quiet
    run -0 sluice replay l/ -O csv --quiet
    [ "$output" = $'id,v\n1,12\n1,12' ]
}

@test "of several files each waits for the end of its last line" {
    printf 'id,v\n1' >a.csv
    printf 'id,v\n2,2\n3' >b.csv
    printf 'id,v\n4,4\n' >c.csv
    sluice ingest --resume a.csv b.csv c.csv -o l/ --quiet
    printf ',1\n' | tee -a a.csv >>b.csv
    sluice ingest --resume a.csv b.csv c.csv -o l/ --quiet
    run -0 sluice replay l/ -O csv --quiet
    [ "$output" = $'id,v\n2,2\n4,4\n1,1\n3,1' ]
}

@test "a compressed file is whole: --resume takes its last line" {
    printf 'id,v\n1,12\n2,34' | gzip >a.csv.gz
    sluice ingest --resume a.csv.gz -o l/ --quiet
    run -0 sluice replay l/ -O csv --quiet
    [ "$output" = $'id,v\n1,12\n2,34' ]
}

# ---- records over the limit of 16 MiB ----

limit=$((16 * 1024 * 1024))

json_row() { # ID BYTES
    printf '{"id":%d,"s":"' "$1"
    head -c $(($2 - 14 - ${#1})) /dev/zero | tr '\0' x
    printf '"}'
}

csv_row() { # ID BYTES: with a quoted field of many lines
    printf '%d,"' "$1"
    head -c $(($2 - 3 - ${#1})) /dev/zero | tr '\0' '\n'
    printf '"'
}

lines() { # FUNCTION BYTES...: records of these lengths, numbered
    local f=$1 n=0 size
    shift
    for size in "$@"; do
        $f $((n += 1)) "$size"
        echo
    done
}

rows_of() { # LOG: the ids of its rows, and their bytes
    sluice transform "$1" --select 'id, length(s) as n' -O csv --quiet | tail -n +2 | paste -sd ' '
}

has_rows() { # LOG IDS-AND-BYTES
    [ "$(rows_of "$1" 2>/dev/null)" = "$2" ]
}

@test "a record over the limit is a reject with its place and length, and the rest is read" {
    lines json_row 30 $((limit + 1)) 30 >a.json
    run -3 sluice ingest a.json -o f/ --rejects f.json --quiet
    run -3 sluice ingest -I json -o p/ --rejects p.json --quiet < <(cat a.json)
    gzip -1 -k a.json
    run -3 sluice ingest a.json.gz -o z/ --rejects z.json --quiet
    for l in f p z; do
        [ "$(rows_of $l/)" = '1,15 3,15' ]
        [ "$(jq -c '[.line, .byte, .reason, .raw[:19], (.raw | length < 5000)]' $l.json)" = \
            "[2,31,\"the record has $((limit + 1)) bytes, and the limit is 16 MiB\",\"{\\\"id\\\":2,\\\"s\\\":\\\"xxxxxx\",true]" ]
    done
}

@test "a record at the limit is a row, and one byte more is none: lines and quoted fields" {
    lines json_row 30 $limit $((limit + 1)) 30 >a.json
    run -3 sluice ingest a.json -o j/ --rejects j.json --quiet
    [ "$(rows_of j/)" = "1,15 2,$((limit - 15)) 4,15" ]
    { echo id,s; lines csv_row 10 $limit $((limit + 1)) 10; } >a.csv
    run -3 sluice ingest a.csv -o c/ --rejects c.json --quiet
    [ "$(rows_of c/)" = "1,6 2,$((limit - 4)) 4,6" ]
    [ "$(jq .line c.json)" -eq $((2 + 7 + limit - 3)) ]
}

@test "without --rejects the run ends at a record over the limit, before its end has come" {
    mkfifo in
    sluice ingest -f -I json in -o l/ 2>err &
    local pid=$!
    exec 7>in
    { lines json_row 30; head -c $((limit + 100)) /dev/zero | tr '\0' x; } >&7
    ends_with 1 $pid
    grep -q 'in:2: the record is longer than 16 MiB; .*; 1 row before it is committed' err
    [ "$(rows_of l/)" = 1,15 ]
}

@test "types settle behind a first record over the limit" {
    lines json_row $((limit + 1)) 30 >a.json
    run -3 sluice ingest a.json -o j/ --rejects j.json --quiet
    { echo id,s; lines csv_row $((2 * limit)) 10; } >a.csv
    run -3 sluice ingest a.csv -o c/ --rejects c.json --quiet
    [ "$(rows_of j/), $(rows_of c/)" = '2,15, 2,6' ]
    sluice log info c/ | grep -q 'columns *id bigint, s text'
    [ "$(jq -c '[.line, .byte, .header]' c.json)" = '[2,5,"id,s"]' ]
}

@test "a quote that is never closed is named as the cause, and costs no memory" {
    { echo id,s; csv_row 1 10; printf '\n2,"'; head -c 300000000 <(yes); } >a.csv
    run -3 sluice ingest a.csv -o l/ --rejects bad.json --quiet --memory 100M
    [ "$(jq -r .reason bad.json)" = \
        'the record has 300000003 bytes, and the limit is 16 MiB; is a quote opened and never closed?' ]
    [ "$(rows_of l/)" = 1,6 ]
}

@test "a followed file goes on behind a record over the limit, also after a run that was ended" {
    lines json_row 30 >a.json
    sluice ingest -f -I json a.json -o l/ --rejects bad/ --quiet &
    local pid=$!
    until_true has_rows l/ 1,15
    json_row 2 $((limit / 2)) >>a.json
    json_row 9 $((2 * limit)) >>a.json
    { echo; lines json_row 40; } >>a.json
    until_true has_rows l/ '1,15 1,25'
    kill $pid
    ends_with 143 $pid
    json_row 3 50 >>a.json
    echo >>a.json
    run -0 sluice ingest --resume -I json a.json -o l/ --quiet
    [ "$(rows_of l/)" = '1,15 1,25 3,35' ]
}

@test "with --resume a record over the limit waits for its end too" {
    { lines json_row 30; json_row 2 $((limit + 9)); } >a.json
    run -0 --separate-stderr sluice ingest --resume a.json -o l/ --rejects bad/
    [[ $stderr == *"$((limit + 9)) bytes are left for later"* ]]
    { echo; lines json_row 40; } >>a.json
    run -3 sluice ingest --resume a.json -o l/ --rejects bad/ --quiet
    [ "$(rows_of l/)" = '1,15 1,25' ]
}

@test "a header over the limit is an error" {
    { head -c $((limit + 1)) /dev/zero | tr '\0' h; printf '\n1\n'; } >a.csv
    run -1 --separate-stderr sluice ingest a.csv -o l/ --rejects bad.json
    [[ ${#stderr} -lt 500 && $stderr == *"the header is longer than 16 MiB"* ]]
}

# ---- the status of a signal hides 3 ----

@test "rows that were rejected or late are said when a signal ends the run, under --quiet too" {
    for quiet in '' --quiet; do
        mkfifo "in$quiet"
        # shellcheck disable=SC2086
        sluice aggregate -f -I json --time ts --window '1 minute' --out-of-order 0s "in$quiet" -O csv \
            --rejects "bad$quiet.json" $quiet >"out$quiet" 2>"err$quiet" &
        local pid=$!
        exec 7>"in$quiet"
        {
            echo oops
            printf '{"ts":"2026-05-01T%s:00:00Z"}\n' 10 11 10 12
        } >&7
        until_true has_lines "out$quiet" 3
        kill $pid
        ends_with 143 $pid
    done
    [[ "$(tail -n 1 err)" == *" 1 rejected, 1 late, "*", ended by a signal (without it: status 3)" ]]
    [ "$(<err--quiet)" = \
        'sluice aggregate: ended by a signal (without it: status 3): 1 rejected, 1 late' ]
}

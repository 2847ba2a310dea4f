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
    { row 2 3 4; echo oops; row 5; } >&7
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
    [ "$(echo *)" = a.json ]
}

@test "a first row that is bad leaves no log" {
    echo oops >a.json
    run -1 sluice ingest a.json -o l/
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

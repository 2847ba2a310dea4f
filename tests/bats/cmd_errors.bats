#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# A message names the thing, its place and what to do: those that once did not.

load cmd_helper

# says STATUS MESSAGE COMMAND...: the last line on standard error is the message, whole
says() {
    local status=$1 message=$2
    shift 2
    run "-$status" --separate-stderr "$@"
    same "${stderr##*$'\n'}" "$message"
}

@test "a binary file read as CSV is named, with another way to read it" {
    printf 'a\xff\xfe,b\n1,2\n' >odd.csv
    says 1 'sluice ingest: odd.csv:1: the header is not valid UTF-8; convert it (iconv -f latin1 -t UTF-8), or say another format: -I' \
        sluice ingest odd.csv -o odd/
}

@test "a file of frames that was cut off is not called a dead stage" {
    sluice transform --quiet orders.csv -o whole.arrows
    head -c 900 whole.arrows >cut.arrows
    says 1 'sluice transform: cut.arrows: the stream stops in the middle: the file is not whole; who wrote it died, or writes yet: make it again' \
        sluice transform cut.arrows -O csv
}

@test "a folder as destination is called one, with a slash and without" {
    mkdir folder
    for name in folder folder/; do
        says 2 "sluice ingest: $name is a directory, and not a log; name a log that is there, or a new name" \
            sluice ingest orders.csv -o "$name"
    done
}

@test "a destination that cannot be made is named as it was given" {
    says 1 'sluice transform: cannot create nowhere/x.csv: No such file or directory; make its directory first: mkdir -p nowhere' \
        sluice transform orders.csv -o nowhere/x.csv
    says 1 'sluice ingest: cannot create no/where/x: No such file or directory; make its directory first: mkdir -p no/where' \
        sluice ingest orders.csv -o no/where/x/
}

@test "a limit of memory that is too small is named with its option" {
    says 1 'sluice ingest: out of memory: a block of text; the limit is 1048576 bytes: raise it with --memory' \
        sluice ingest --memory 1M orders.csv -o x/
}

@test "an assignment or a renaming without = shows its form" {
    says 2 "sluice transform: --set, character 2, behind 'x': syntax error at end of input; write name = expression" \
        sluice transform orders.csv --set x
    says 2 "sluice transform: --rename, character 2, behind 'x': syntax error at end of input; write old = new" \
        sluice transform orders.csv --rename x
}

@test "an expression that is wrong is named with its option and the place in it" {
    local none='no column is named "missing"; columns: ts, order_id, country, item, qty, price, note'
    says 2 "sluice transform: --where, character 6, behind 'qty +': syntax error at end of input" \
        sluice transform orders.csv --where 'qty = 1' --where 'qty +'
    says 2 "sluice transform: --where, character 19, at 'missing = 1 or qty = 2 o...': $none" \
        sluice transform orders.csv --where "country = 'ü' and missing = 1 or qty = 2 or qty = 3"
    says 2 "sluice transform: --set, character 12, at 'missing(qty)': there is no function missing; \`sluice help functions\` lists those that there are" \
        sluice transform orders.csv --set 'a = qty' --set "b = 'ü' || missing(qty)"
    says 2 "sluice transform: --select, character 6, at 'missing': $none" \
        sluice transform orders.csv --where 'qty = 1' --select 'qty, missing'
    says 2 "sluice transform: --drop, character 5, at 'missing': $none" \
        sluice transform orders.csv --drop 'qty,missing'
    says 2 "sluice transform: --rename, character 1, at 'missing = y': $none" \
        sluice transform orders.csv --rename 'missing = y'
    says 2 "sluice aggregate: --by, character 1, at 'missing': $none" \
        sluice aggregate orders.csv --by country --by missing
    says 2 "sluice aggregate: --select, character 5, at 'missing)': $none" \
        sluice aggregate orders.csv --by country --select 'count(*)' --select 'sum(missing)'
    says 2 "sluice tail: --types, character 19, at 'real': type real has a limit that would not be kept; write double precision" \
        sluice tail orders.csv --types 'qty bigint' --types 'price real'
    says 2 "sluice tail: --where, character 30, behind '... 1 and qty > 1 and qty >': syntax error at end of input" \
        sluice tail orders.csv --where 'qty > 1 and qty > 1 and qty >'
}

@test "a file where a log is wanted is called no log" {
    says 2 'sluice log: orders.csv is not a log: it is no directory' sluice log verify orders.csv
}

@test "a format that is only written is refused with those that are read" {
    says 2 'sluice transform: format table cannot be read as text; read csv, tsv, json, combined, common, lines or regex:PATTERN' \
        sluice transform -I table orders.csv -O csv
}

@test "a time in another form than --time-format says names that form" {
    run -1 --separate-stderr sluice ingest --time ts --time-format '%d/%m/%Y' orders.csv -o x/
    has "$stderr" "orders.csv:2:1: column ts: '2026-03-01T09:58:12Z' does not fit timestamptz in the form %d/%m/%Y;"
}

@test "a declared type that cannot hold a log's column is refused, and the column stays" {
    sluice ingest --quiet orders.csv -o orders/
    for type in boolean date 'double precision'; do
        says 1 "sluice ingest: --types: column 'qty' is bigint in the log, and cannot become $type; leave it out; --types 'qty text' would take both" \
            sluice ingest --types "qty $type" more.csv -o orders/
    done
    run -0 sluice log info orders/
    has "$output" 'qty bigint'
}

@test "a declared type that holds a log's column widens it, a narrower one checks" {
    sluice ingest --quiet orders.csv -o orders/
    sluice ingest --quiet --types 'qty numeric(30,2), price numeric(5,2)' more.csv -o orders/
    run -0 sluice log info orders/
    has "$output" 'qty numeric(30,2), price numeric(18,2)'
}

@test "a row that an expression cannot take is named with the column that was to be computed" {
    local hint='bad rows can be kept aside with --rejects FILE'
    printf 'a,b\n1,x\n' >t.csv
    says 1 "sluice transform: t.csv:2: column d: division by zero; $hint" \
        sluice transform --set 'c = a + 1, d = a / (a - 1)' t.csv -O csv
    says 1 "sluice aggregate: t.csv:2: column k: invalid input syntax for type bigint: \"x\"; $hint" \
        sluice aggregate --by 'a, b::bigint as k' t.csv -O csv
    says 1 "sluice aggregate: t.csv:2: column sum(1 / (a - 1)): division by zero; $hint" \
        sluice aggregate --select 'max(a), sum(1 / (a - 1))' t.csv -O csv
    sluice ingest t.csv -o l/ --quiet
    says 1 "sluice transform: l/: partition 0, offset 0: column c: division by zero in row {\"a\":1,\"b\":\"x\"}; $hint" \
        sluice transform --set 'c = 1 / (a - 1)' l/ -O csv
}

@test "keys that come after the header of CSV are shown" {
    { yes '{"x":1}' | head -n 20000 || true; echo '{"x":1,"late":{"key":5}}'; } >t.json
    says 1 'sluice transform: a row has keys that came after the header was written: {"late":{"key":5}}; name them with --types, or write json' \
        sluice transform t.json -o out.csv
}

@test "a limit of the shell is named with what raises it" {
    yes 1,2 | head -n 20000 >t.csv || true
    says 1 "sluice transform: cannot write out.csv: File too large; raise the limit of a file's size: ulimit -f" \
        bash -c 'ulimit -f 4; exec "$SLUICE" transform --no-header t.csv -o out.csv'
    run -1 --separate-stderr bash -c 'ulimit -n 8; exec "$SLUICE" ingest --no-header t.csv -o l/'
    [[ $stderr == *": Too many open files; raise the limit of open files: ulimit -n" ]]
}

@test "a zip archive and a Parquet file are called what they are" {
    printf 'PK\3\4\24\0\0\0\10\0' >x.csv.zip
    printf 'PAR1\25\4\25\20' >x.csv
    for name in x.csv.zip - ; do
        says 1 "sluice transform: ${name/#-/standard input}: a zip archive, which is not unpacked; unzip -p writes what is in it to a pipe, and -I says its format" \
            sluice transform -O csv "$name" <x.csv.zip
    done
    says 1 'sluice transform: x.csv: a Parquet file, which is not read; make it CSV, or an Arrow stream, by the program that wrote it' \
        sluice transform -I csv -O csv x.csv
}

@test "what only a log can give is refused of anything else, with what does instead" {
    says 2 'sluice tail: --meta is of logs, and orders.csv is none; ingest it into a log first; in a pipe, say it at the head' \
        sluice tail --meta orders.csv
    printf 'a\n1\n' >t.csv
    sluice ingest t.csv -o l/ --quiet
    says 2 'sluice replay: l/ has no time column to find a time by; use offsets, or --where with a column that holds times' \
        sluice replay l/ --from 2026-01-01 -O csv
}

@test "a star and an aggregate that there is not say what there is" {
    says 2 "sluice transform: --select, character 1, at '*, qty + 1 as more': * is not a value; name the columns; transform --set adds to those that are there" \
        sluice transform orders.csv --select '*, qty + 1 as more'
    says 2 "sluice aggregate: --select, character 1, at 'json_object_agg(qty)': sluice has no aggregate json_object_agg yet; \`sluice help aggregates\` lists those that there are" \
        sluice aggregate orders.csv --select 'json_object_agg(qty)'
}

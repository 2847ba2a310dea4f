# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# What is said when it happens, and which names mean which columns.
load common

# ---- names: as they are written, before any case ----

two_cases() {
    printf 'ID,id,v\n1,2,3\n4,5,6\n' >t.csv
}

csv_of() { # COMMAND...
    sluice "$@" -O csv --quiet
}

@test "a name means the column that is written so, though another differs only in case" {
    two_cases
    [ "$(csv_of transform t.csv --select ID)" = $'ID\n1\n4' ]
    [ "$(csv_of transform t.csv --select id)" = $'id\n2\n5' ]
    [ "$(csv_of transform t.csv --select 'ID + 1 as n' --where 'ID = 4')" = $'n\n5' ]
    [ "$(csv_of transform t.csv --drop ID)" = $'id,v\n2,3\n5,6' ]
    [ "$(csv_of transform t.csv --rename 'ID = x')" = $'x,id,v\n1,2,3\n4,5,6' ]
    [ "$(csv_of transform t.csv --set 'ID = 0')" = $'ID,id,v\n0,2,3\n0,5,6' ]
}

@test "aggregates, keys and their order mean the column that is written so" {
    two_cases
    [ "$(csv_of aggregate t.csv --by ID --select 'sum(id) as s' --order-by 'ID desc')" = \
        $'ID,s\n4,5\n1,2' ]
    [ "$(csv_of aggregate t.csv --select 'sum(ID) as a, max(id) as b')" = $'a,b\n5,5' ]
    sluice ingest t.csv -o t/ --key ID --quiet
    run -0 --separate-stderr sluice log info t/
    [[ "$output" =~ key\ +ID ]]
}

@test "a name in another case than the only column means that column, in every option" {
    printf 'Ts,Name\n2026-01-01,7\n' >t.csv
    [ "$(csv_of transform t.csv --select 'NAME' --types 'NAME text, ts date')" = $'Name\n7' ]
    [ "$(csv_of transform t.csv --set 'name = 8' --select Name)" = $'Name\n8' ]
    sluice ingest t.csv -o t/ --key NAME --time ts --types 'name text' --quiet
    sluice ingest t.csv -o t/ --again --key NAME --time TS --quiet
    run -0 --separate-stderr sluice log info t/
    [[ "$output" =~ 'time        Ts,' ]]
    [[ "$output" =~ 'Ts timestamptz, Name text' ]]
}

@test "a name that no column is written as means the one in lower case, else it is ambiguous" {
    two_cases
    [ "$(csv_of transform t.csv --select Id)" = $'id\n2\n5' ]
    printf 'ID,Id\n1,2\n' >u.csv
    run -2 --separate-stderr sluice transform u.csv --select iD
    [[ "$stderr" =~ '"iD" is ambiguous: ID or Id' ]]
}

@test "a name in double quotes keeps its dots and its case" {
    printf '{"A.b":1,"a.B":2}\n' >t.json
    [ "$(sluice transform t.json --select '"A.b" as x' -O csv --quiet)" = $'x\n1' ]
    [ "$(sluice transform t.json --select 'a.B as x' -O csv --quiet)" = $'x\n2' ]
}

# ---- types: what made a column text, or wider ----

# 12,000 decimals and what comes behind them.
late() { # LINE...
    echo ver
    seq -f '%.2f' 1 12000
    [ $# -eq 0 ] || printf '%s\n' "$@"
}

@test "a column that becomes text in the middle is named with the value, the file and the line" {
    late beta gamma >v.csv
    run -0 --separate-stderr sluice ingest v.csv -o v/
    [[ "$stderr" == *"sluice ingest: column ver is now text: 'beta' at v.csv:12002"* ]]
    [ "$(grep -c 'is now' <<<"$stderr")" -eq 1 ]
    [[ "$stderr" == *"types 'ver numeric(18,2)'"*"types 'ver text'"* ]]
}

@test "a column that becomes wider is named, and once more when it is text" {
    late 1.0001 1.000001 x >v.csv
    run -0 --separate-stderr sluice ingest v.csv -o v/ --threads 1
    [[ "$stderr" == *"column ver is now text: 'x' at v.csv:12004"* ]]
    (late 1.0001; seq -f '%.4f' 1 400000; echo 1.00001; seq 500000; echo x) >w.csv
    run -0 --separate-stderr sluice ingest w.csv -o w/
    [ "$(grep 'is now' <<<"$stderr")" = "\
sluice ingest: column ver is now numeric(20,4): '1.0001' at w.csv:12002
sluice ingest: column ver is now text: 'x' at w.csv:912004" ]
}

@test "the column, its value and its place are said of a pipe, of JSON and of a second file too" {
    late beta >v.csv
    run -0 --separate-stderr bash -c 'sluice ingest -I csv -o p/ <v.csv'
    [[ "$stderr" == *"column ver is now text: 'beta' at standard input:12002"* ]]
    late | sed 's/00$/50/' >a.csv
    late beta >b.csv
    run -0 --separate-stderr sluice ingest a.csv b.csv -o ab/
    [[ "$stderr" == *"column ver is now text: 'beta' at b.csv:12002"* ]]
    { seq 12000 | sed 's/.*/{"n":&}/'; echo '{"n":"12"}'; } >v.json
    run -0 --separate-stderr sluice ingest v.json -o j/
    [[ "$stderr" == *"column n is now text: '\"12\"' at v.json:12001"* ]]
    [[ "$stderr" == *"--types 'n text'"* ]]
}

@test "a followed file says it when the row comes" {
    late >v.csv
    sluice ingest -f v.csv -o v/ 2>err &
    pids+=($!)
    until_true test -d v
    echo beta >>v.csv
    until_true grep -q "column ver is now text: 'beta' at v.csv:12002" err
}

@test "a column of numbers that one value made text is named when types settle" {
    { echo ver; seq 20; echo NA; } >w.csv
    run -0 --separate-stderr sluice transform w.csv -O csv
    [[ "$stderr" == *"column ver is text: 'NA' at w.csv:22 is no number"* ]]
    { echo t; for d in $(seq 10 28); do echo "2026-01-$d"; done; echo soon; } >t.csv
    run -0 --separate-stderr sluice transform t.csv -O csv
    [[ "$stderr" == *"column t is text: 'soon' at t.csv:21 is no time"* ]]
}

@test "settled from several files, the value has the file and the line that it stands in" {
    { echo ver; seq 5; } >a.csv
    { echo ver; seq 9; echo N/A; echo 2; } >b.csv
    run -0 --separate-stderr sluice transform a.csv b.csv -O csv
    [[ "$stderr" == *"column ver is text: 'N/A' at b.csv:11 is no number"* ]]
}

@test "columns of words are not named as if they should be numbers" {
    run -0 --separate-stderr sluice transform "$SAMPLES/orders.csv" -O csv
    [[ "$stderr" == *'format csv'* ]]
    [[ "$stderr" != *'is no number'* ]]
}

@test "where a number is wanted and the column is text, the message has the value and its line" {
    printf 'x,First Name\n1,5\n2,oh\nNA,7\n' >m.csv
    run -2 --separate-stderr sluice aggregate m.csv --select 'sum(x)'
    [[ "$stderr" == *"sum takes numbers, not text: 'NA' at m.csv:4 is no number; --types 'x numeric'"* ]]
    [[ "$stderr" == *"nullif(x, 'NA')::numeric"* ]]
    for e in 'x > 50' 'abs(x) = 1' 'x + 1 = 2'; do
        run -2 --separate-stderr sluice aggregate m.csv --where "$e"
        [[ "$stderr" == *"'NA' at m.csv:4 is no number"* ]]
    done
    run -2 --separate-stderr sluice aggregate m.csv --select 'avg("First Name")'
    [[ "$stderr" == *"'oh' at m.csv:3 is no number; --types '\"First Name\" numeric'"* ]]
    [ "$(csv_of aggregate m.csv --select "sum(nullif(x, 'NA')::numeric)::bigint as s")" = $'s\n3' ]
}

@test "where a time is wanted and the column is text, the message has the value and its line" {
    printf 'ts\n2026-01-01\nsoon\n' >m.csv
    for e in 'ts > now()' "date_trunc('day', ts) = now()" 'extract(hour from ts) = 1'; do
        run -2 --separate-stderr sluice aggregate m.csv --where "$e"
        [[ "$stderr" == *"'soon' at m.csv:3 is no time; --types 'ts timestamptz'"* ]]
    done
}

@test "a column of a log has no --types: the hint is a cast" {
    printf 'x\n1\nNA\n' | sluice ingest -I csv -o l/ --quiet
    run -2 --separate-stderr sluice aggregate l/ --select 'sum(x)'
    [[ "$stderr" == *"sum takes numbers, not text; nullif(x, 'NA')::numeric makes"* ]]
}

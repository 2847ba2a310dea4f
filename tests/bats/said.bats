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

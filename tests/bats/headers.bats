# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Headers: what the first lines of a file say of its columns.
load common

has_rows() { # LOG N
    [ "$(sluice aggregate "$1" -O csv --quiet 2>&1 | tail -n 1)" = "$2" ]
}

# ---- the line sep= ----

@test "a line sep= says the delimiter, and is neither header nor record" {
    local line
    for line in 'sep=;\n' 'SEP=;\r\n' '\xef\xbb\xbfsep=;\n' '"sep=;"\r\n'; do
        printf "${line}id;n\n1;2,5\n" >t.csv
        run -0 --separate-stderr sluice transform t.csv -O csv
        [ "$output" = $'id,n\n1,"2,5"' ]
        [[ $stderr == *'delimiter semicolon (its line sep=)'* ]]
        run -0 --separate-stderr bash -c "'$SLUICE' transform -O csv --quiet <t.csv"
        [ "$output" = $'id,n\n1,"2,5"' ]
    done
}

@test "a line sep= takes any delimiter, and --delimiter comes before it" {
    printf 'sep=~\na~b\n1~2\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv -O csv
    [ "$output" = $'a,b\n1,2' ]
    [[ $stderr == *"delimiter '~' (its line sep=)"* ]]
    printf 'sep=;\na|b;c\n1|2;3\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv --delimiter '|' -O csv --quiet
    [ "$output" = $'a,b;c\n1,2;3' ]
}

@test "without a header the line sep= is no row" {
    printf 'sep=;\n1;2\n3;4\n' >t.csv
    run -0 --separate-stderr sluice transform --no-header t.csv -O csv --quiet
    [ "$output" = $'c1,c2\n1,2\n3,4' ]
}

@test "what is no line sep= is a header" {
    printf 'sep=,x\n1,2\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv -O csv --quiet
    [ "$output" = $'sep=,x\n1,2' ]
    printf 'sep\n1\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv -O csv --quiet
    [ "$output" = $'sep\n1' ]
}

@test "each of several files may have its line sep=, and one that says another delimiter is refused" {
    printf 'sep=;\na;b\n1;2\n' >1.csv
    printf 'sep=;\nb;a\n4;3\n' >2.csv
    run -0 --separate-stderr sluice ingest 1.csv 2.csv -o l/ --quiet
    run -0 --separate-stderr sluice transform l/ -O csv --quiet
    [ "$output" = $'a,b\n1,2\n3,4' ]
    printf 'sep=|\na|b\n5|6\n' >3.csv
    run -1 --separate-stderr sluice ingest 1.csv 3.csv -o m/ --quiet
    [[ $stderr == *"3.csv:1: the line sep= says '|', and the first file is separated by ';'"* ]]
}

@test "lines are counted with the line sep=, and rejects have the header behind it" {
    printf 'sep=;\na;b\n1;2\nx;3\n' >t.csv
    run -3 --separate-stderr sluice ingest t.csv --types 'a bigint' --rejects bad.json -o l/
    grep -q '"line":4' bad.json
    grep -qF '"header":"a;b"' bad.json
}

@test "--resume goes on behind a line sep=" {
    printf 'sep=;\na;b\n1;2\n' >t.csv
    sluice ingest --resume t.csv -o l/ --quiet
    printf '3;4\n' >>t.csv
    sluice ingest --resume t.csv -o l/ --quiet
    run -0 --separate-stderr sluice transform l/ -O csv --quiet
    [ "$output" = $'a,b\n1,2\n3,4' ]
}

@test "a followed file that is rotated may begin with a line sep= again" {
    printf 'sep=;\na;b\n1;2\n' >t.csv
    sluice ingest -f t.csv -o l/ --quiet 3>&- &
    local pid=$!
    until_true has_rows l/ 1
    mv t.csv t.csv.1
    printf 'sep=;\n' >t.csv
    printf 'a;b\n3;4\n' >>t.csv
    until_true has_rows l/ 2
    kill "$pid"
    wait "$pid" || true
    run -0 --separate-stderr sluice transform l/ -O csv --quiet
    [ "$output" = $'a,b\n1,2\n3,4' ]
}

# ---- a first row of numbers only ----

@test "a first row of numbers only is data, and said" {
    printf '10,2\n3,4\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv -O csv
    [ "$output" = $'c1,c2\n10,2\n3,4' ]
    [[ $stderr == *'no header (the first row is numbers only; --header takes it as one)'* ]]
    printf '1.5,,-2e3\n3,4,5\n' >t.csv
    run -0 --separate-stderr sluice aggregate t.csv -O csv --quiet
    [ "$output" = $'count\n2' ]
}

@test "one word makes a first row a header, and so do empty fields alone and 007" {
    local names
    for names in '1,a' '007,1' '"",2x'; do
        printf '%s\n3,4\n' "$names" >t.csv
        run -0 --separate-stderr sluice aggregate t.csv -O csv
        [ "$output" = $'count\n1' ]
        [[ $stderr == *', header'* ]]
    done
    printf ',\n3,4\n' >t.csv
    run -0 --separate-stderr sluice aggregate t.csv -O csv --quiet
    [ "$output" = $'count\n1' ]
}

@test "--header takes a row of numbers for the header, and --no-header with it is an error" {
    printf '2019,2020\n3,4\n' >t.csv
    run -0 --separate-stderr sluice transform --header t.csv -O csv
    [ "$output" = $'2019,2020\n3,4' ]
    [[ $stderr != *'numbers only'* ]]
    run -2 --separate-stderr sluice transform --header --no-header t.csv -O csv
    [[ $stderr == *'--no-header and --header cannot both be said'* ]]
    run -2 --separate-stderr sluice transform --header -I json t.csv
    [[ $stderr == *'--header is for CSV'* ]]
}

@test "numbers that --types or the log has as names are a header" {
    printf '2019,2020\n3,4\n' >t.csv
    run -0 --separate-stderr sluice transform --types '"2019" numeric(5,2)' t.csv -O csv --quiet
    [ "${lines[0]}" = 2019,2020 ]
    sluice ingest --header t.csv -o l/ --quiet
    printf '2020,2019\n6,5\n' >u.csv
    sluice ingest u.csv -o l/ --quiet
    run -0 --separate-stderr sluice transform l/ -O csv --quiet
    [ "$output" = $'2019,2020\n3,4\n5,6' ]
}

@test "rows of numbers go on in a log, by --resume and by later files" {
    printf '1,2\n' >t.csv
    printf '5,6\n7,8\n' >u.csv
    sluice ingest --resume t.csv -o l/ --quiet
    printf '3,4\n' >>t.csv
    sluice ingest --resume t.csv u.csv -o l/ --quiet
    run -0 --separate-stderr sluice transform l/ -O csv --quiet
    [ "$output" = $'c1,c2\n1,2\n3,4\n5,6\n7,8' ]
}

@test "later files follow the first one: numbers are data, or not, in all of them" {
    printf '1,2\n' >1.csv
    printf '3,4\n' >2.csv
    run -0 --separate-stderr sluice transform 1.csv 2.csv -O csv --quiet
    [ "$output" = $'c1,c2\n1,2\n3,4' ]
    run -0 --separate-stderr sluice ingest --watch . -o l/ --quiet
    run -0 --separate-stderr sluice aggregate l/ -O csv --quiet
    [ "$output" = $'count\n2' ]
}

@test "a declared list of as many names as there are numbers names the columns" {
    printf '1,2\n3,4\n' >t.csv
    run -0 --separate-stderr sluice transform --types 'a bigint, b text' t.csv -O csv --quiet
    [ "$output" = $'a,b\n1,2\n3,4' ]
}

# ---- names of --types that JSON lacks, and objects that are declared whole ----

@test "a name in --types that no row of JSON has is said, with the nearest, and fails nothing" {
    printf '{"price":1}\n{"price":2}\n' >p.json
    run -0 --separate-stderr sluice transform p.json --types 'prize numeric' -O json
    [ "$output" = $'{"price":1,"prize":null}\n{"price":2,"prize":null}' ]
    [[ $stderr == *"--types names 'prize', which no row has: it is null; did you mean 'price'?"* ]]
}

@test "a name in --types that a late row of JSON has is not said" {
    { yes '{"a":1}' | head -n 20000 || true; echo '{"a":1,"late":7}'; } >l.json
    run -0 --separate-stderr sluice aggregate l.json --types 'late bigint' --select 'sum(late)' -O csv
    [ "${lines[1]}" = 7 ]
    [[ $stderr != *"which no row has"* ]]
}

@test "an object that --types declares as jsonb is one column, and comes out as it came" {
    printf '{"user":{"id": 1, "tags":["x"]},"n":1}\n{"user":{"name":"\\u00e9"},"n":2}\n' >u.json
    run -0 sluice transform u.json --types 'user jsonb' -O json --quiet
    [ "$output" = "$(cat u.json)" ]
    run -0 sluice transform u.json --types 'user jsonb' --select "user ->> 'id' as id, n" -O csv --quiet
    [ "$output" = $'id,n\n1,1\n,2' ]
}

@test "a nested object can be declared as jsonb, and keeps new keys in the middle of an ingest" {
    { yes '{"a":{"b":{"k":1},"c":2}}' | head -n 20000 || true; echo '{"a":{"b":{"new":3},"c":4}}'; } >n.json
    sluice ingest n.json --types '"a.b" jsonb' -o l/ --quiet
    run -0 sluice tail -n 1 l/ -O json --quiet
    [ "$output" = '{"a.b":{"new":3},"a.c":4}' ]
    run -0 sluice log info l/
    [[ $output == *'a.b jsonb'* && $output != *'a.b.new'* ]]
}

@test "an object and a part of it cannot both be declared" {
    printf '{"user":{"id":1}}\n' >u.json
    run -2 --separate-stderr sluice transform u.json --types 'user jsonb, "user.id" bigint' -O json
    [[ $stderr == *"--types: 'user' is jsonb, and 'user.id' is a part of it; leave one of them out"* ]]
}

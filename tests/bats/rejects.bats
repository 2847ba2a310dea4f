# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Rejects that are read again: ingest --from-rejects.
load common

# Rows 2 to 4 of 5 are bad: a word, a field too few, a quote that is not closed.
bad_csv() {
    printf 'id,qty,name\n1,2,a\n2,x,b\n3,4\n4,5,"open\n'
}

@test "rejects carry the header of their file" {
    bad_csv >t.csv
    run -3 --separate-stderr sluice ingest t.csv --types 'qty bigint' --rejects bad.json -o l/
    [ "$(jq -r .header bad.json | sort -u)" = id,qty,name ]
    printf 'a,1\nb,x\n' >n.csv
    run -3 --separate-stderr sluice ingest --no-header n.csv --types 'c2 bigint' --rejects n.json -o n/
    [ "$(jq -c .header n.json)" = null ]
}

@test "rejects that were mended are appended: good and mended rows are all rows" {
    bad_csv >t.csv
    sluice ingest t.csv --types 'qty bigint' --rejects bad.json -o l/ --quiet || [ $? -eq 3 ]
    sed -i -e 's/2,x,b/2,3,b/' -e 's/"3,4"/"3,4,c"/' -e 's/\\"open\\n/\\"open\\"/' bad.json
    sluice ingest --from-rejects bad.json -o l/ --quiet
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'id,qty,name\n1,2,a\n2,3,b\n3,4,c\n4,5,open' ]
}

@test "rejects are read again under other types, from a log of rejects too" {
    bad_csv | head -n 3 >t.csv
    sluice ingest t.csv --types 'qty bigint' --rejects bad/ -o l/ --quiet || [ $? -eq 3 ]
    sluice ingest --from-rejects bad/ --types 'qty text' -o l/ --quiet
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'id,qty,name\n1,2,a\n2,x,b' ]
}

@test "what still does not fit is rejected again, with its line among the rejects" {
    bad_csv >t.csv
    sluice ingest t.csv --types 'qty bigint' --rejects bad.json -o l/ --quiet || [ $? -eq 3 ]
    run -1 --separate-stderr sluice ingest --from-rejects bad.json -o l/
    [[ $stderr == *"bad.json:1:2: column qty: 'x' does not fit bigint"* ]]
    run -3 --separate-stderr sluice ingest --from-rejects bad.json --rejects worse.json -o l/
    diff <(jq -c '[.raw, .header]' bad.json) <(jq -c '[.raw, .header]' worse.json)
    [ "$(jq -c '[.source, .line]' worse.json)" = $'["bad.json",1]\n["bad.json",2]\n["bad.json",3]' ]
}

@test "the same rejects twice are refused; --resume takes those that were added" {
    bad_csv | head -n 3 >t.csv
    sluice ingest t.csv --types 'qty bigint' --rejects bad.json -o l/ --quiet || [ $? -eq 3 ]
    sed -i 's/2,x,b/2,3,b/' bad.json
    sluice ingest --from-rejects bad.json -o l/ --quiet
    run -1 --separate-stderr sluice ingest --from-rejects bad.json -o l/
    [[ $stderr == *"bad.json is committed"*--resume*--again* ]]
    sed 's/2,3,b/7,8,g/' bad.json >more.json
    cat more.json >>bad.json
    sluice ingest --from-rejects bad.json -o l/ --resume --quiet
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'id,qty,name\n1,2,a\n2,3,b\n7,8,g' ]
}

@test "rejects of files with other columns, of other order: each under its own header" {
    printf 'id,qty\n1,x\n2,2\n' >one.csv
    printf 'qty,extra,id\ny,e,3\n4,e,4\n' >two.csv
    sluice ingest one.csv two.csv --types 'qty bigint' --rejects bad.json -o l/ --quiet ||
        [ $? -eq 3 ]
    sed -i -e 's/"1,x"/"1,1"/' -e 's/"y,e,3"/"3,e,3"/' bad.json
    sluice ingest --from-rejects bad.json --quiet -o l/
    run -0 --separate-stderr sluice aggregate l/ --by id,qty,extra --order-by id -O csv --quiet
    [ "$output" = $'id,qty,extra,count\n1,1,,1\n2,2,,1\n3,3,e,1\n4,4,e,1' ]
}

@test "JSON, patterns and files without a header: rejects of any format" {
    printf '%s\n' '{"a":1}' '{"a":"x"}' 'no json' >t.json
    sluice ingest t.json --types 'a bigint' --rejects bad.json -o l/ --quiet || [ $? -eq 3 ]
    sed -i -e 's/\\"x\\"/2/' -e 's/no json/{\\"a\\":3}/' bad.json
    sluice ingest --from-rejects bad.json -I json -o l/ --quiet
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'a\n1\n2\n3' ]
    printf '1;a\n;x;\n' >n.csv
    sluice ingest --no-header n.csv --rejects n.json -o n/ --quiet || [ $? -eq 3 ]
    sed -i 's/;x;/2;b/' n.json
    run -2 --separate-stderr sluice ingest --from-rejects n.json -I csv -o n/
    [[ $stderr == *"no header is recorded"*--no-header* ]]
    sluice ingest --from-rejects n.json -I csv --no-header -o n/ --quiet
    run -0 --separate-stderr sluice replay n/ -O csv --quiet
    [ "$output" = $'c1,c2\n1,a\n2,b' ]
    printf 'k=1\nnope\n' >r.log
    sluice ingest -I 'regex:^k=(?<k>\d+)' r.log --rejects r.json -o r/ --quiet || [ $? -eq 3 ]
    sed -i 's/nope/k=2/' r.json
    sluice ingest -I 'regex:^k=(?<k>\d+)' --from-rejects r.json -o r/ --quiet
    run -0 --separate-stderr sluice replay r/ -O csv --quiet
    [ "$output" = $'k\n1\n2' ]
}

@test "a record whose quote stays open, or with another header, takes none of the others with it" {
    printf '%s\n' '{"raw":"1,\"a","header":"k,v"}' '' '{"raw":"2,b","header":"k,v"}' '{"raw":null}' \
        '{"raw":"c,3","header":"v,k"}' '{"raw":"4","header":"k"}' '{"raw":"5","header":"k,v"}' >bad.json
    run -3 --separate-stderr sluice ingest --from-rejects bad.json --rejects worse.json -o l/
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'k,v\n2,b\n3,c\n4,' ]
    [ "$(jq -c '[.raw, .header, .line]' worse.json)" = $'["1,\\"a","k,v",1]\n["5","k,v",7]' ]
}

@test "a record that still has no time is rejected again as it is" {
    printf 'ts,v\n2026-01-01T00:00:00Z,x\n,2\n' >t.csv
    sluice ingest t.csv --types 'ts timestamptz, v bigint' --rejects bad.json -o l/ --quiet || [ $? -eq 3 ]
    run -3 --separate-stderr sluice ingest --from-rejects bad.json --types 'ts timestamptz, v text' \
        --rejects worse.json -o n/
    [ "$(jq -c '[.raw, .header, .line, .reason]' worse.json)" = \
        '[",2","ts,v",2,"the event time is null"]' ]
}

@test "many rejects: every row is there once, on any number of threads" {
    awk 'BEGIN { print "id,v"; for (i = 0; i < 60000; i++) print i "," (i % 3 ? i : "x" i) }' >t.csv
    sluice ingest t.csv --types 'v bigint' --rejects bad.json -o l/ --quiet || [ $? -eq 3 ]
    sluice ingest -j 3 --from-rejects bad.json --types 'v text' -o l/ --quiet
    run -0 --separate-stderr sluice aggregate l/ -O csv --quiet \
        --select 'count(*) as n, count(distinct id) as d, sum(id) as s'
    [ "${lines[1]}" = 60000,60000,1799970000 ]
}

@test "what is no reject is refused, and so is what does not go with --from-rejects" {
    printf 'a\n1\n' >t.csv
    run -1 --separate-stderr sluice ingest --from-rejects t.csv -o l/
    [[ $stderr == *"t.csv:1:"*"member raw"* ]]
    run -2 --separate-stderr sluice ingest --from-rejects t.csv t.csv -o l/
    run -2 --separate-stderr sluice ingest --from-rejects t.csv -f -o l/
    run -2 --separate-stderr sluice ingest --from-rejects t.csv --rejects t.csv -o l/
    run -1 --separate-stderr sluice ingest --from-rejects none.json -o l/
    [[ $stderr == *none.json* ]]
}

@test "a run that gives up at --max-rejects leaves the rejects that it tells to look at" {
    (echo n && seq 300000 && echo x) >late.csv # in the last morsel, which the end delivers
    (echo n && echo x && seq 300000) >soon.csv
    for when in late soon; do
        run -1 --separate-stderr sluice ingest $when.csv --types 'n bigint' --rejects $when.json \
            --max-rejects 0 -o l/
        [[ $stderr == *"look at the rejects"* ]]
        [ "$(jq -r .raw $when.json)" = x ]
        run -1 --separate-stderr sluice ingest $when.csv --types 'n bigint' --rejects $when/ \
            --max-rejects 0 -o $when.log/
        [ "$(sluice tail --quiet -n all $when/ -O json | jq -r .raw)" = x ]
        rm -rf l
    done
}

@test "rows that an expression rejects behind a pipe read back with their types and late keys" {
    printf '%s\n' '{"ts":"2026-01-01T00:00:00Z","n":1,"d":1.5e300,"b":true,"s":"7"}' \
        '{"ts":"2026-01-01T00:00:01Z","n":0,"d":2e-7,"b":false,"s":"8"}' >t.json
    mkfifo in
    sluice ingest -f -I json --quiet <in | sluice transform --set 'e = 10 / n' --rejects bad.json \
        -o l/ --quiet &
    local stage=$!
    exec 8>in
    cat t.json >&8
    until_true test -d l/commits
    echo '{"ts":"2026-01-01T00:00:02Z","n":0,"new":{"k":[1, 2]}}' >&8
    exec 8>&-
    ends_with 3 $stage
    [ "$(jq -r .raw bad.json | jq -c 'keys - ["ts"]')" = '["b","d","n","s"]
["b","d","n","new","s"]' ]
    sluice ingest --from-rejects bad.json -o l/ --quiet
    run -0 --separate-stderr sluice replay l/ -O json --quiet
    [ "$(jq -c '[.n, .d, .b, .s, .e, .["new.k"]]' <<<"$output")" = '[1,1.5e+300,true,"7",10,null]
[0,2e-07,false,"8",null,null]
[0,null,null,null,null,[1,2]]' ] || { echo "$output"; return 1; }
}

has_rows() { # LOG N
    [ "$(sluice log info "$1" 2>/dev/null | awk '$1 == "rows" { print $2 }')" = "$2" ]
}

@test "rejects in a file share the commit that passed them by; a killed run goes on with it" {
    printf '{"v":1}\n' >a.json
    sluice ingest -f a.json -o l/ --rejects bad.json --quiet &
    pids+=($!)
    until_true has_rows l/ 1
    printf 'oops\n{"v":2}\n' >>a.json
    until_true has_rows l/ 2
    kill -9 "${pids[0]}"
    [ "$(jq -r .raw bad.json)" = oops ]
    printf 'no\n{"v":3}\n' >>a.json
    run -3 --separate-stderr sluice ingest --resume a.json -o l/ --rejects bad.json --quiet
    [ "$(jq -r .raw bad.json)" = $'oops\nno' ]
    has_rows l/ 3
}

@test "what a file of rejects has beyond the last commit is taken back by --resume" {
    bad_csv >t.csv
    sluice ingest t.csv --types 'qty bigint' --rejects bad.json -o l/ --quiet || [ $? -eq 3 ]
    cp bad.json good.json
    printf '{"raw":"of a run that was killed before it could commit"}\n{"ra' >>bad.json
    printf '9,y,z\n' >>t.csv
    sluice ingest --resume t.csv --types 'qty bigint' --rejects bad.json -o l/ --quiet || [ $? -eq 3 ]
    diff good.json <(head -n "$(wc -l <good.json)" bad.json)
    [ "$(tail -n +"$(($(wc -l <good.json) + 1))" bad.json | jq -r .raw)" = '9,y,z' ]
}

@test "a file of rejects that no commit knows is refused, with what would take it" {
    bad_csv >t.csv
    echo mine >bad.json
    run -1 --separate-stderr sluice ingest --resume t.csv --types 'qty bigint' --rejects bad.json -o l/
    [[ $stderr == *"bad.json is there already; --force replaces it, --append adds to it"* ]]
    [ "$(cat bad.json)" = mine ]
}

@test "a run that fails before the first reject leaves no file of rejects" {
    run -1 --separate-stderr sluice ingest nowhere.csv --rejects bad.json -o l/
    [[ $stderr == *"cannot open nowhere.csv"* ]]
    [ ! -e bad.json ]
}

@test "rejects that a log has of a run that could not commit come once; under another plan twice" {
    printf 'id,v\n1,2\n2,x\n3,4\n' >t.csv
    take() { # EXPRESSION
        sluice transform --resume t.csv --types 'v text' --set "n = $1" --rejects bad/ -o l/ --quiet ||
            [ $? -eq 3 ]
    }
    take 'v::bigint'
    cp -r l before
    printf '4,y\n5,6\n6,z\n' >>t.csv
    take 'v::bigint'
    for expression in 'v::bigint' 'v::bigint + 0'; do
        rm -r l && cp -r before l # as if it had been killed between the two commits
        take "$expression"
        sluice transform l/ --select n -O csv --quiet | tail -n +2 >numbers
        [ "$(cat numbers)" = $'2\n4\n6' ]
        sluice transform bad/ --select raw -O csv --quiet | tail -n +2 | tr -d '"' >"raw of $expression"
    done
    [ "$(cat "raw of v::bigint")" = $'2,x\n4,y\n6,z' ]
    [ "$(cat "raw of v::bigint + 0")" = $'2,x\n4,y\n6,z\n4,y\n6,z' ]
}

@test "100,000 rejects, of records or of rows, are a few commits" {
    seq 200000 | awk 'BEGIN { print "id,n" } { print $1 "," ($1 % 2 ? $1 : "bad") }' >a.csv
    sluice ingest a.csv -o l/ --types 'n bigint' --rejects bad/ --quiet || [ $? -eq 3 ]
    sluice transform a.csv -o t/ --where '1 / (id % 2) > 0' --rejects worse/ --quiet || [ $? -eq 3 ]
    local log
    for log in bad worse; do
        has_rows $log/ 100000
        [ "$(sluice log info $log/ | sed -n 's/^commit *\([0-9]*\).*/\1/p')" -le 200 ]
    done
}

@test "a job that goes on again and again needs no --append for its rejects, with and without any" {
    printf 'id,n\n1,2\n' >t.csv
    for name in bad.csv bad.json; do
        for more in '' '' x ''; do
            [ -z "$more" ] || printf '2,x\n' >>t.csv
            sluice ingest --resume t.csv --types 'n bigint' -o "l-$name/" --rejects "$name" --quiet || [ $? -eq 3 ]
        done
        grep -q 2,x "$name"
        printf 'id,n\n1,2\n' >t.csv
    done
    [ "$(wc -l <bad.csv)" = 2 ]
    [ "$(wc -l <bad.json)" = 1 ]
}

@test "the name of a file of rejects is on the device before a commit counts on it" {
    need_strace
    mkdir sub
    printf 'n\n1\nx\n' >t.csv
    run -3 strace -f -y -o trace -e trace=fsync,fdatasync \
        sluice ingest t.csv --types 'n bigint' -o l/ --rejects sub/bad.json --quiet
    [ "$(wc -l <sub/bad.json)" = 1 ]
    named=$(grep -nm1 'sync([0-9]*<[^>]*/sub>)' trace)
    committed=$(grep -n 'sync([0-9]*<[^>]*/commits/[^>]*>)' trace | tail -n 1)
    [ "${named%%:*}" -lt "${committed%%:*}" ]
}

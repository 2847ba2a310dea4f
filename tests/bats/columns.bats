# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# How many columns keys of JSON become, and where the keys beyond them are.
load common

full='more than 4096 columns: further keys stay in _rest; --max-columns'

# A row of keys k1 to kN with the values 1 to N.
wide() { # N
    seq "$1" | awk '{ printf "%s\"k%d\":%d", NR == 1 ? "{" : ",", $1, $1 } END { print "}" }'
}

columns() { # LOG: how many, without _rest
    sluice log info "$1" | sed -n 's/^columns *//p' | tr , '\n' | grep -vc '^ *_rest '
}

# How many rows have a value in _rest.
left() { # LOG
    sluice aggregate "$1" --select 'count(_rest)' -O csv --quiet | tail -n 1
}

# One row a line, keys sorted, nulls left out.
rows_of() { # FILE
    python3 -c '
import json, sys
for line in open(sys.argv[1]):
    print(json.dumps({k: v for k, v in json.loads(line).items() if v is not None}, sort_keys=True))' "$1"
}

same_rows() { # LOG FILE
    sluice replay "$1" -O json --quiet >all.json
    diff <(rows_of all.json) <(rows_of "$2")
}

@test "4096 keys are columns without an option, and none is in _rest" {
    wide 4096 >t.json
    run -0 --separate-stderr sluice ingest t.json -o l/
    [[ $stderr != *'more than'* ]]
    [ "$(columns l/)" = 4096 ]
    [ "$(left l/)" = 0 ]
    same_rows l/ t.json
}

@test "the key beyond them stays in _rest, which is said once" {
    wide 4097 >t.json
    run -0 --separate-stderr sluice ingest t.json -o l/
    [ "$(grep -c "$full" <<<"$stderr")" = 1 ]
    [ "$(columns l/)" = 4096 ]
    [ "$(sluice transform l/ --set 'r = _rest' --select r -O csv --quiet | tail -n 1)" = '"{""k4097"":4097}"' ]
    same_rows l/ t.json
}

@test "--max-columns holds for a command that shows rows" {
    wide 5 >t.json
    run -0 --separate-stderr sluice transform t.json --set 'r = _rest::text' --select k1,k3,r --max-columns 3 -O csv
    [ "$output" = $'k1,k3,r\n1,3,"{""k4"":4,""k5"":5}"' ]
    [[ $stderr == *'more than 3 columns: further keys stay in _rest; --max-columns'* ]]
    run -0 --separate-stderr sluice tail t.json --max-columns 3 -O json
    [ "$output" = '{"k1":1,"k2":2,"k3":3,"k4":4,"k5":5}' ]
    run -0 --separate-stderr sluice tail t.json --max-columns 5 -O csv
    [ "${lines[0]}" = 'k1,k2,k3,k4,k5' ]
    [[ $stderr != *'more than'* ]]
    run -2 sluice tail t.json --max-columns 0 -O csv
    run -2 sluice tail t.json --max-columns 65535 -O csv
}

# More rows than types settle from, then rows with one new key each.
late() { # N
    seq 20000 | sed 's/.*/{"a":1}/'
    seq "$1" | sed 's/.*/{"a":2,"k&":&}/'
}

@test "the limit holds for keys that come in the middle of an ingest" {
    late 9 >t.json
    sluice ingest t.json -o at/ --max-columns 10 2>err
    [ -z "$(grep 'more than' err)" ]
    [ "$(columns at/) $(left at/)" = '10 0' ]
    sluice ingest t.json -o beyond/ --max-columns 9 2>err
    [ "$(grep -c 'more than 9 columns' err)" = 1 ]
    [ "$(columns beyond/) $(left beyond/)" = '9 1' ]
    same_rows at/ t.json
    same_rows beyond/ t.json
}

@test "the limit holds for a log that makes columns of _rest of a stream" {
    late 9 >t.json
    sluice ingest t.json --quiet | sluice ingest -o at/ --max-columns 10 2>err
    [ -z "$(grep 'more than' err)" ]
    [ "$(columns at/) $(left at/)" = '10 0' ]
    sluice ingest t.json --quiet | sluice ingest -o beyond/ --max-columns 9 2>err
    [ "$(grep -c 'more than 9 columns' err)" = 1 ]
    [ "$(columns beyond/) $(left beyond/)" = '9 1' ]
    same_rows at/ t.json
    same_rows beyond/ t.json
}

@test "a later run adds no column to a log that has as many as it may" {
    wide 3 | sluice ingest -I json -o l/ --quiet --max-columns 3
    wide 4 | sluice ingest -I json -o l/ --max-columns 3 2>err
    grep -q 'more than 3 columns' err
    [ "$(columns l/) $(left l/)" = '3 1' ]
    wide 4 | sluice ingest -I json --quiet | sluice ingest -o l/ --max-columns 3 --quiet
    [ "$(sluice aggregate l/ --select 'count(*), sum(k1), sum(k3)' -O csv --quiet | tail -n 1)" = 3,3,9 ]
}

@test "a declared column is there whatever the limit is" {
    wide 5 >t.json
    sluice ingest t.json -o three/ --types 'k5 text, z date' --max-columns 3 --quiet
    sluice log info three/ | grep -q '^columns *k1 bigint, k5 text, _rest jsonb, z date$'
    same_rows three/ <(echo '{"k1":1,"k2":2,"k3":3,"k4":4,"k5":"5"}')
    sluice ingest t.json -o one/ --types 'k4 text, k5 text' --max-columns 1 --quiet
    sluice log info one/ | grep -q '^columns *k4 text, k5 text, _rest jsonb$'
}

@test "a key that can be no column is no reason to speak of the limit" {
    printf '{"a":1}\n{"a":2,"":3}\n' >t.json
    run -0 --separate-stderr sluice tail t.json --max-columns 1 -O json
    [ "${lines[1]}" = '{"a":2,"":3}' ]
    [[ $stderr != *'more than'* ]]
}

@test "columns of CSV are not counted by --max-columns" {
    printf 'a,b,c\n1,2,3\n' >t.csv
    [ "$(sluice tail t.csv --max-columns 2 -O csv --quiet | head -n 1)" = a,b,c ]
}

# 20,000 rows with the keys that types settle from, then a new key in each row, and a bad record.
many_keys() {
    seq 20000 | sed 's/.*/{"a":1}/'
    seq 3000 | sed 's/.*/{"k&":&}/'
    echo '{"a":'
}

@test "a chunk in which many keys come is taken in parts, in order and whole" {
    many_keys >t.json
    run -3 sluice ingest t.json -o l/ --rejects bad.json --max-columns 1000 --memory 256M --quiet
    run -0 sluice aggregate l/ --select 'count(*), sum(a), count(k1), sum(k999), count(_rest)' -O csv --quiet
    [ "${lines[1]}" = 23000,20000,1,999,2001 ]
    [ "$(sluice tail -n 1 l/ -O json --quiet | grep -o -E '"k[0-9]+":[0-9]+')" = '"k3000":3000' ]
    grep -q '"line":23001,' bad.json
    sluice ingest --resume t.json -o l/ --quiet --max-columns 1000
    [ "$(sluice aggregate l/ --select 'count(*)' -O csv --quiet | tail -n 1)" = 23000 ]
}

@test "a bad record in the last of the parts ends the run with the rows before it in the log" {
    many_keys >t.json
    run -1 --separate-stderr sluice ingest t.json -o l/ --max-columns 1000 --quiet
    [[ $stderr == *t.json:23001* ]]
    [ "$(sluice aggregate l/ --select 'count(*)' -O csv --quiet | tail -n 1)" = 23000 ]
    sed -i '$d' t.json
    echo '{"a":7}' >>t.json
    sluice ingest --resume t.json -o l/ --quiet --max-columns 1000
    [ "$(sluice aggregate l/ --select 'count(*), max(a)' -O csv --quiet | tail -n 1)" = 23001,7 ]
}

@test "a column of a log that had no value sums to null, and to the numbers that come later" {
    printf 'a,b\n1,\n2,\n' | sluice ingest -I csv -o l/ --quiet
    grep -qa 'sluice.values' l/0000/*.arrows
    [ "$(sluice aggregate l/ --select 'sum(b) is null as none' -O csv --quiet | tail -n 1)" = true ]
    printf 'a,b\n3,5\n4,7.5\n' | sluice ingest -I csv -o l/ --quiet
    [ "$(sluice aggregate l/ --select 'sum(b) = 12.5 as right' -O csv --quiet | tail -n 1)" = true ]
}

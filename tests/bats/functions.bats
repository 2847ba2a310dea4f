#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Functions: one table says them to `sluice help functions`, to sluice-expressions(7) and to the parser.

load common

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "each function of sluice help functions has an example, which has the value that is said" {
    sluice help functions >list
    [ "$(grep -c '^  [^ ]' list)" -gt 100 ]
    [ "$(grep -c '^  [^ ]' list)" = "$(grep -c '^      .* = ' list)" ]
    grep '^      .* = ' list | sed 's/^      //' >examples
    select=$(sed 's/\(.*\) = .*/(\1)::text/' examples | awk '{ printf "%s%s as c%d", (NR > 1 ? ", " : ""), $0, NR }')
    sluice transform -I csv --quiet --select "$select" -O json <<<$'q\n1' | jq -r '.[]' >values
    diff <(sed 's/.* = //' examples) values
}

@test "sluice-expressions(7) says of functions what sluice help functions says" {
    run -0 "$root/tests/help_page" functions --check
    [ "$("$root/tests/help_page" functions | grep -c '^.It')" -ge 100 ]
}

@test "a name that is no function is answered with the nearest one, or with where they are listed" {
    run -2 sluice transform -I csv --select 'translat(q)' <<<$'q\n1'
    [[ $output == *'did you mean translate?'* ]]
    run -2 sluice transform -I csv --select 'nonsuch(q)' <<<$'q\n1'
    [[ $output == *'`sluice help functions` lists'* ]]
}

@test "a function of other types is refused with the types that it takes" {
    run -2 sluice transform -I csv --select 'gcd(q, true)' <<<$'q\n1'
    [[ $output == *'there is no function gcd(bigint, boolean)'*'there is gcd(bigint, bigint)'* ]]
}

@test "try gives null for the rows that fail, and the others their values" {
    printf 'x\n1\nab\n\n40\n' >x.csv
    run -0 sluice transform x.csv --quiet -O csv --select 'try(x::bigint) as n, coalesce(try(100 / (x::bigint - 1)), -1) as d'
    [ "${lines[*]}" = 'n,d 1,-1 ,-1 ,-1 40,2' ]
}

@test "try keeps what fails outside of it a bad row" {
    printf 'x\n1\nab\n' >x.csv
    run -3 sluice transform x.csv --quiet -O csv --rejects bad.json --select 'try(x::bigint) as n, x::bigint as m'
    [ "${lines[*]}" = 'n,m 1,1' ]
    [ "$(jq -r .raw bad.json)" = ab ]
}

@test "try in a branch of case, and over a dictionary of a log, gives the same" {
    for i in $(seq 300); do echo "k$((i % 3)),$((i % 3 == 1 ? 7 : 0))"; done >rows
    (echo 'k,d'; cat rows) >x.csv
    sluice ingest x.csv -o x/ --quiet
    for source in x.csv x/; do
        run -0 sluice aggregate "$source" --quiet -O csv --by "case when k <> 'k2' then coalesce(try(7 / d), -1) else 0 end as r" \
            --select 'count(*) as n' --order-by r
        [ "${lines[*]}" = 'r,n -1,100 0,100 1,100' ]
        run -0 sluice aggregate "$source" --quiet -O csv --by "coalesce(try(substr(k, 2)::bigint / (substr(k, 2)::bigint - 1)), -9) as r" \
            --select 'count(*) as n' --order-by r
        [ "${lines[*]}" = 'r,n -9,100 0,100 2,100' ]
    done
}

@test "pg_input_is_valid says whether a cast is an error; of null it is null" {
    printf 'x\n1\nab\n\n2024-02-30\n' >x.csv
    run -0 sluice transform x.csv --quiet -O csv --types 'x text' --select "pg_input_is_valid(x, 'bigint') as n, pg_input_is_valid(x, 'date') as d"
    [ "${lines[*]}" = 'n,d true,false false,false , false,false' ]
    run -2 sluice transform x.csv --select "pg_input_is_valid(x, 'nonsuch')"
}

@test "url_encode keeps what is unreserved, and url_decode brings the bytes back" {
    run -0 sluice transform -I csv --quiet -O csv --select "url_encode(q) as e, url_decode(url_encode(q)) = q as same, url_decode('%c3%a4%zz%4') as d,
        coalesce(try(url_decode('%e4' || q)), 'none') as x" <<<$'q\naZ09-._~/ä?+'
    [ "${lines[1]}" = 'aZ09-._~%2F%C3%A4%3F%2B,true,ä%zz%4,none' ]
}

@test "or of nulls and values has no null where a value decides" {
    run -0 sluice transform -I csv --quiet -O csv --select '(q is null and null) or q > 0 as v' <<<$'q\n1\n2'
    [ "${lines[*]}" = 'v true true' ]
}

@test "PostgreSQL 15, started here, gives the same values of 2,800 expressions, and errors where there are errors" {
    need_oracle
    [ -x /usr/lib/postgresql/15/bin/initdb ] || skip "no PostgreSQL 15"
    run -0 "$SLUICE_ORACLE" "$root/tests/oracle/postgres.py" "$(command -v sluice)"
    [[ ${lines[-1]} =~ ^([0-9]+)\ expressions,\ ([0-9]+)\ of\ them\ errors,\ 0\ differ$ ]]
    [ "${BASH_REMATCH[1]}" -ge 2800 ]
    [ "${BASH_REMATCH[2]}" -ge 100 ]
}

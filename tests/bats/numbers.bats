#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# numbers: quotients keep their digits, casts to numeric keep what is there.
load common

value() { # EXPRESSION [CSV]: of the first row
    printf '%b' "${2-x\n1\n}" | sluice transform -I csv --select "$1 as y" -O csv --quiet | sed -n 2p
}

@test "a quotient of two columns keeps 16 significant digits, however small" {
    run -0 value 'd*1.0/p*100000' 'd,p\n50,83000000\n'
    [[ $output == 0.0602409638554216* ]]
    run -0 value 'd*1.0/p*100000' 'd,p\n7,5000000\n'
    [ "$output" = 0.14 ]
    run -0 value 'a/b' 'a,b\n0.05,20000\n'
    [ "$output" = 2.5e-06 ]
    run -0 value '0.05/20000'
    [ "$output" = 0.0000025 ]
}

@test "a quotient of sums keeps 16 significant digits" {
    printf 'a,b\n1,8000000000\n2,1000000000\n' >x.csv
    run -0 sluice aggregate x.csv --select 'sum(a)*1.0/sum(b) as q, round(sum(a)*1.0/sum(b), 14) as r' -O csv --quiet
    [[ ${lines[1]} =~ ^3\.33333333333333[0-9]*e-10,0\.00000000033333$ ]]
}

@test "what is computed from a quotient is exact where decimal numbers are" {
    run -0 value "concat_ws(' ', trunc(a/b), floor(a/b*100), a/b = 3, (a/b)::bigint, (a/b)::text)" 'a,b\n0.3,0.1\n'
    [ "$output" = '3 300 true 3 3' ]
    run -0 value 'trunc(a/b*100)' 'a,b\n0.29,1.0\n'
    [ "$output" = 29 ]
    run -0 value 'round(a/b*100)' 'a,b\n1.005,1.0\n'
    [ "$output" = 101 ]
}

@test "a quotient by a constant that ends is numeric and adds up exactly" {
    printf 'cents\n10\n20\n' >x.csv
    run -0 sluice aggregate x.csv --select 'sum(cents/100.0) as s' -O csv --quiet
    [[ ${lines[1]} =~ ^0\.30*$ ]]
    run -0 value 'a/100.0' 'a\n1234567890123456789\n'
    [ "$output" = 12345678901234567.89 ]
}

@test "a quotient column is double precision, rounded or cast it is numeric" {
    printf 'a,b\n0.1,3\n' | sluice transform -I csv --select 'a/b as q, round(a/b, 4) as r, (a/b)::numeric(20,10) as c' -o q.arrows --quiet
    run -0 sluice transform q.arrows -O csv --quiet
    [ "${lines[1]}" = 0.03333333333333333,0.0333,0.0333333333 ]
    printf 'a,b\n1000,3.0\n' >x.csv
    run -1 --separate-stderr sluice transform x.csv --select '(a/b)::numeric(4,3)' -O csv --quiet
    [[ $stderr == *'value out of range for type numeric(4,3)'* ]]
}

@test "a cast to numeric keeps the digits of literals, texts and doubles" {
    run -0 value "'0.000000012345'::numeric"
    [ "$output" = 0.000000012345 ]
    run -0 value "nullif(a, 'x')::numeric" 'a\n0.000000012345\nx\n'
    [[ $output =~ ^0\.0000000123450*$ ]]
    run -0 value 'a::text::double precision::numeric' 'a\n0.000000012345\n'
    [[ $output =~ ^0\.0000000123450*$ ]]
    run -0 value "round(nullif(a, 'x')::numeric * nullif(a, 'x')::numeric, 2)" 'a\n12345678901234567.5\nx\n'
    [ "$output" = 152415787532388357872275656912056.25 ]
}

@test "a cast to numeric that the column cannot hold exactly is an error that says what to write" {
    printf 'a\n1e-25\nx\n' >x.csv
    run -1 --separate-stderr sluice transform x.csv --select 'a::numeric as y' -O csv --quiet
    [[ $stderr == *'column y: 0.0000000000000000000000001 does not fit numeric(38,18): write ::numeric(38,25)'* ]]
    run -0 value "nullif(a, 'x')::numeric(38,25)" 'a\n1e-25\nx\n'
    [ "$output" = 0.0000000000000000000000001 ]
}

@test "quotients, products and sums of random numbers agree with exact fractions" {
    command -v python3 >/dev/null || skip "no python3"
    cat >check.py <<'PY'
import csv, random, sys
from decimal import Decimal as D, ROUND_DOWN, localcontext
from fractions import Fraction as F

def number(r):
    digits = r.randint(1, 18)
    return D(r.choice('+-') + str(r.randint(1, 10 ** digits - 1))).scaleb(-r.randint(max(digits - 6, 0), 12))

def rounded(f, places, how):
    with localcontext() as c:
        c.prec = 200
        return (D(f.numerator) / D(f.denominator)).quantize(D(1).scaleb(-places), rounding=how)

forms = {
    'a/b': lambda a, b, c: a / b, 'a/b*c': lambda a, b, c: a / b * c, 'a/b/c': lambda a, b, c: a / b / c,
    'a/(b/c)': lambda a, b, c: a / (b / c), '(a*b)/c': lambda a, b, c: a * b / c,
    'a/b+c/a': lambda a, b, c: a / b + c / a, '1.0/b': lambda a, b, c: 1 / b, 'a/3': lambda a, b, c: a / 3,
    'a/64': lambda a, b, c: a / 64, '-a/b': lambda a, b, c: -a / b, 'abs(a/b)': lambda a, b, c: abs(a / b)}
if sys.argv[1] == 'make':
    r = random.Random(9)
    print('a,b,c')
    for _ in range(3000):
        print(*(format(number(r), 'f') for _ in range(3)), sep=',')
elif sys.argv[1] == 'list':
    print(', '.join(f'{f} as "{f}"' for f in forms) + ', (a/b)::text as t, trunc(a/b, 3) as tr, '
          'round(a/b*c, 2) as rd, a/b < c/a as lt')
else:
    rows, n = csv.DictReader(open('x.csv')), 0
    for row, got in zip(rows, csv.DictReader(open('y.csv')), strict=True):
        a, b, c = (F(row[k]) for k in 'abc')
        for f, exact in forms.items():
            want = exact(a, b, c)
            if f == 'a/b+c/a' and abs(want) < max(abs(a / b), abs(c / a)) / 10 ** 3:
                continue
            assert abs(F(float(got[f])) - want) <= abs(want) / 2 ** 53 * F(1000001, 1000000), (f, row, got[f])
            n += 1
        q = a / b
        assert abs(F(D(got['t'])) - q) <= abs(q) / 10 ** 33, (row, got['t'])
        assert D(got['tr']) == rounded(q, 3, ROUND_DOWN), (row, got['tr'])
        if abs(q * c) < 10 ** 15:
            assert abs(F(D(got['rd'])) - q * c) <= F(1, 200) + F(1, 10 ** 18), (row, got['rd'])
        assert (got['lt'] == 'true') == (q < c / a), row
    print(n)
PY
    python3 check.py make >x.csv
    sluice transform x.csv --types 'a numeric(18,12), b numeric(18,12), c numeric(18,12)' \
        --select "$(python3 check.py list)" -O csv --quiet >y.csv
    run -0 python3 check.py check
    [ "$output" -gt 30000 ]
}

# ---- numbers with an exponent ----

# 12,000 plain numbers, so that types have settled, and what comes then; the log's type and a sum.
later() { # FORMAT LINE...
    local format=$1
    shift
    { echo x; seq -f "$format" 1 12000; printf '%s\n' "$@"; } >x.csv
    rm -rf l
    sluice ingest x.csv -o l/ --quiet || return
    sluice log info l/ | sed -n 's/^columns *x //p'
    { sluice aggregate l/ --select 'sum(x) as s' -O csv --quiet || true; } | tail -n 1 # none of text
}

@test "a number with an exponent joins a numeric column exactly" {
    run -0 later 0.%05g 1e-05
    [ "$output" = $'numeric(18,5)\n720.06001' ]
    run -0 later 0.%05g 2.5E-7 -1e+3
    [ "$output" = $'numeric(21,8)\n-279.93999975' ]
    run -0 later %g 1e+06
    [ "$output" = $'bigint\n73006000' ]
    run -0 later %g 1.5e-1
    [ "$output" = $'numeric(21,2)\n72006000.15' ]
}

@test "a number beyond numeric makes the column double precision while all have 15 digits" {
    run -0 later 0.%05g 1e-50
    [ "$output" = $'double precision\n720.06' ]
    run -0 later %g 1e60
    [ "$output" = $'double precision\n1e+60' ]
    run -0 later 0.%05g 123456789012.345 1e-50
    [ "${lines[0]}" = 'double precision' ]
}

@test "a number beyond numeric makes the column text where some number has more digits" {
    run -0 --separate-stderr later 0.%05g 1234567890123.4567 1e-50
    [ "${lines[0]}" = text ]
    run -0 --separate-stderr later 0.%05g 1e-50 1234567890123.4567
    [ "${lines[0]}" = text ]
    run -0 sluice tail -n 2 l/ -O csv --quiet
    [ "$output" = $'x\n1e-50\n1234567890123.4567' ]
    # in another chunk, long before or after
    { echo x; seq -f '0.%05g' 1 12000; echo 1234567890123.4567; seq -f '0.%05g' 1 300000; echo 1e-50; } >x.csv
    sluice ingest x.csv -o far/ -j2 --quiet
    sluice log info far/ | grep -q '^columns *x text'
}

@test "rows that a log had before are not made double precision" {
    printf 'x\n1234567890123.4567\n' >a.csv
    sluice ingest a.csv -o l/ --quiet
    { echo x; seq -f '0.%05g' 1 12000; echo 1e-50; } >b.csv
    sluice ingest b.csv -o l/ --quiet
    sluice log info l/ | grep -q '^columns *x text'
    run -0 sluice replay l/ -O csv --quiet
    [ "${lines[1]}" = 1234567890123.4567 ]
    [ "${lines[-1]}" = 1e-50 ]
}

@test "where a column stays, a number with an exponent is taken if it fits, else told the type" {
    { echo x; seq -f '0.%05g' 1 12000; echo 1e-05; } >x.csv
    run -0 sluice aggregate x.csv --select 'sum(x) as s' -O csv --quiet
    [ "${lines[1]}" = 720.06001 ]
    echo 1e-7 >>x.csv
    run -1 --separate-stderr sluice aggregate x.csv --select 'sum(x) as s' -O csv --quiet
    [[ $stderr == *"'1e-7' does not fit numeric(18,5); --types 'x numeric(20,7)' would take it"* ]]
    run -0 sluice aggregate x.csv --types 'x numeric(20,7)' --select 'sum(x) as s' -O csv --quiet
    [ "${lines[1]}" = 720.0600101 ]
    sed -i '$s/.*/1e-50/' x.csv
    run -1 --separate-stderr sluice aggregate x.csv --select 'sum(x) as s' -O csv --quiet
    [[ $stderr == *"'1e-50' does not fit numeric(18,5); --types 'x double precision' would take it"* ]]
    run -0 sluice aggregate x.csv --types 'x double precision' --select 'sum(x) as s' -O csv --quiet
    [ "${lines[1]}" = 720.06001 ]
}

@test "a sample with exponents that doubles do not hold is numeric" {
    printf 'x\n12345678901234567.8\n1e3\n' >x.csv
    run -0 sluice aggregate x.csv --select 'sum(x) as s' -O csv --quiet
    [ "${lines[1]}" = 12345678901235567.8 ]
}

# ---- what the messages propose ----

@test "where a text column meets a number the message says how to make numbers of it" {
    printf 'x\n9\n10\n100\nNA\n' >x.csv
    run -2 --separate-stderr sluice aggregate x.csv --where 'x > 50' -O csv --quiet
    [[ $stderr == *"there is no operator text > bigint: 'NA' at x.csv:5 is no number; --types 'x numeric' reads numbers and rejects other rows; nullif(x, 'NA')::numeric makes the word NA null and names what else is no number"* ]]
    run -0 sluice aggregate x.csv --where "nullif(x, 'NA')::numeric > 50" -O csv --quiet
    [ "${lines[1]}" = 1 ]
    run -3 --separate-stderr sluice aggregate x.csv --types 'x numeric' --where 'x > 50' -O csv --quiet --rejects bad.json
    [ "${lines[1]}" = 1 ]
    echo n/a >>x.csv
    run -1 --separate-stderr sluice aggregate x.csv --where "nullif(x, 'NA')::numeric > 50" -O csv --quiet
    [[ $stderr == *'x.csv:6: invalid input syntax for type numeric: "n/a"'* ]]
    local e
    for e in 'x + 1' 'round(x)' 'coalesce(1, x)' '5 = x' 'x between 1 and 2' 'x in (1, 2)'; do
        run -2 --separate-stderr sluice transform x.csv --select "$e" -O csv --quiet
        [[ $stderr == *"--types 'x numeric' reads numbers"* ]]
        [[ $stderr != *quote* ]]
    done
}

@test "an aggregate that is not there says so and what there is" {
    printf 'x\n9\n' >x.csv
    run -2 --separate-stderr sluice aggregate x.csv --select 'json_object_agg(x)'
    [[ $stderr == *'sluice has no aggregate json_object_agg yet; `sluice help aggregates` lists those that there are'* ]]
    run -2 --separate-stderr sluice aggregate x.csv --select 'any_value(x)'
    [[ $stderr == *'no aggregate any_value yet; min(x) takes one of the values'* ]]
}

@test "a suggestion names what is possible at its place" {
    printf 'x\n9\n' >x.csv
    run -2 --separate-stderr sluice aggregate x.csv --select 'cuont(distinct x)'
    [[ $stderr == *'did you mean count?'* ]]
    run -2 --separate-stderr sluice aggregate x.csv --select 'mud(x) filter (where true)'
    [[ $stderr != *mod* ]]
    run -2 --separate-stderr sluice transform x.csv --select 'cuont(x)'
    [[ $stderr != *count* ]]
}

# ---- limits ----

peak() { # COMMAND...: its status and the MiB that it took at most
    python3 - "$@" <<'PY'
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
PY
}

@test "one text that an expression makes has 256 MiB at most" {
    printf 'a\n1\n' >a.csv
    run -0 value "length(repeat('x', 268435456))" 'a\n1\n'
    [ "$output" = 268435456 ]
    run -1 --separate-stderr sluice transform a.csv --select "repeat('x', 268435457)" -O csv --quiet
    [[ $stderr == *'a.csv:2:'*'the text would have more than 268435456 bytes'* ]]
    local e
    for e in "replace(repeat('a', 1000), 'a', repeat('b', 1000000))" "lpad('', 300000000)" \
        "repeat('x', 200000000) || repeat('y', 200000000)" \
        "regexp_replace(repeat('a', 1000), 'a', repeat('b', 1000000), 'g')"; do
        run -1 --separate-stderr sluice transform a.csv --select "length($e)" -O csv --quiet
        [[ $stderr == *'the text would have more than 268435456 bytes'* ]]
    done
    [ "$(value "length(replace(repeat('a', 1000), 'a', repeat('b', 1000)))")" = 1000000 ]
}

@test "a text that is too long is a bad row, and the others come" {
    printf 'n\n1\n300000000\n2\n' >n.csv
    run -3 sluice transform n.csv --select "length(repeat('x', n)) as l" -O csv --quiet --rejects bad.json
    [ "$output" = $'l\n1\n2' ]
}

@test "the texts of an expression are held to --memory" {
    command -v python3 >/dev/null || skip "no python3"
    [ -z "${SLUICE_SANITIZED-}" ] || skip "sanitizers take memory of their own"
    printf 'a\n1\n' >a.csv
    run -1 --separate-stderr sluice transform a.csv --memory 64M --select "length(repeat('x', 200000000))" --quiet
    [[ $stderr == *'raise it with --memory'* ]]
    local e
    for e in "length(repeat('x', 200000000))" "length(repeat('x', 60000000))" \
        "length(regexp_replace(repeat('x', 1000000), 'x', repeat('y', 1000000), 'g'))" \
        "$(printf "length(repeat('x', 1000000)) + %.0s" {1..300}) 0"; do
        run -0 peak sluice transform a.csv --memory 64M --select "$e" --quiet
        [ "${output#* }" -lt 128 ]
    done
}

@test "a match with back-references fails its row, and not the others, before it takes seconds" {
    { echo t; printf 'a%.0s' {1..10000}; echo b; echo ab; echo aaaa; } >t.csv
    run -3 timeout 20 sluice transform t.csv --where "t ~ '^(a*)\1\1\1\$'" -O csv --quiet --rejects bad.json
    [ "$output" = $'t\naaaa' ]
    run -3 timeout 20 sluice transform t.csv --where "t ~ '(a*)\1\1\1\$'" -O csv --quiet --rejects more.json
    grep -q 'the regular expression takes too many steps on this text' more.json
    [ "$(wc -l <more.json)" -eq 1 ]
}

@test "a long text is bounded too where every step of a match runs to its end" {
    { echo t; head -c 2000000 /dev/zero | tr '\0' a; echo; echo aac; } >t.csv
    run -3 timeout 20 sluice transform t.csv --where "t ~ 'a*[cd]'" -O csv --quiet --rejects bad.json
    [ "$output" = $'t\naac' ]
}

@test "an ordinary match on a long text is found" {
    { echo t; printf 'some words that come once %.0s' {1..1000}; echo 'and and c'; } >t.csv
    run -0 sluice aggregate t.csv --where "t ~ '\b(\w+) \1\b' and t ~ '[x-z]?.*c\$'" --select 'count(*) as n' -O csv --quiet
    [ "${lines[1]}" = 1 ]
}

@test "a signal ends a run whose matches all take too long" {
    awk 'BEGIN { s = sprintf("%3000s", ""); gsub(/ /, "a", s); print "t"; for (i = 0; i < 30000; i++) print s "b" }' >t.csv
    local end=$((SECONDS + 15))
    run -124 timeout 1 sluice transform t.csv -j1 --where "t ~ '(a*)\1\1\1\$'" -O csv --quiet --rejects bad.json
    [ "$SECONDS" -lt "$end" ]
}

# ---- columns that had no value yet ----

sums='sum(a) as s, avg(a) as v, min(a) as mi, max(a) as ma, p50(a) as p, median(a) as m, sum(a * 2) as x, sum(a + b) as y, count(a) as c'

@test "aggregates over empty input and over columns without a value are null, and exit 0" {
    local text
    for text in 'a,b\n' 'a,b\n,\n,\n'; do
        printf "$text" >x.csv
        run -0 sluice aggregate -I csv --select 'sum(a)' -O csv --quiet <x.csv
        run -0 sluice aggregate x.csv --select "$sums" -O csv --quiet
        [ "${lines[1]}" = ,,,,,,,,0 ]
        run -0 sluice aggregate x.csv --where 'a > 5 and b < 2.5' -O csv --quiet
        [ "${lines[1]}" = 0 ]
        sluice transform x.csv -o x.arrows --quiet --force
        run -0 sluice aggregate x.arrows --select "$sums" -O csv --quiet
        [ "${lines[1]}" = ,,,,,,,,0 ]
        rm -rf l
        sluice ingest x.csv -o l/ --quiet
        run -0 sluice aggregate l/ --select "$sums" -O csv --quiet
        [ "${lines[1]}" = ,,,,,,,,0 ]
    done
}

@test "windows over columns without a value give null" {
    printf 'ts,a\n2026-01-01T00:00:00Z,\n' >x.csv
    run -0 sluice aggregate x.csv --window '1 hour' --select 'sum(a) as s, avg(a) as v' -O csv --quiet
    [[ ${lines[1]} == *,, ]]
}

@test "expressions take a column without a value for whatever they need" {
    printf 'a,b\n,1\n' >x.csv
    run -0 sluice transform x.csv --select "a + 1 as c, -a as d, round(a, 2) as e, a between 1 and 2 as f, a in (1, 2) as g, a::bigint as h, coalesce(a, 0) as i, date_trunc('hour', a) as j, a || 'x' as k, a / b as l, a ^ 2 as m, greatest(a, 1) as n, a + interval '1 day' as o, a is null as p, a + a as q, not a as r, a ~ 'x' as s" -O csv --quiet
    [ "${lines[1]}" = ,,,,,,0,,,,,1,,true,,, ]
}

@test "a value that comes after all is computed with, or is a bad row" {
    { echo a; printf '\n%.0s' {1..11000}; echo 7.5; echo 2; } >x.csv
    sed -i 's/$/,1/; 1s/,1/,b/' x.csv
    run -0 sluice aggregate x.csv --select 'sum(a) as s, sum(a * 2) as d' --where 'b = 1' -O csv --quiet
    [[ ${lines[1]} =~ ^9\.50*,19\.0*$ ]]
    echo word,1 >>x.csv
    run -1 --separate-stderr sluice aggregate x.csv --select 'sum(a) as s' -O csv --quiet
    [[ $stderr == *'x.csv:11004: '*'invalid input syntax for type numeric: "word"'* ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# The aggregates: the table and what is made of it, each one against DuckDB or exact fractions, and the
# same result however the rows are cut.

load common
root=$BATS_TEST_DIRNAME/../..

# 20,000 rows: key, doubles with an offset that costs digits, integers, text, a condition; nulls in all.
setup_file() {
    awk 'BEGIN {
        srand(7); print "k,x,y,n,t,b,p"
        for (i = 0; i < 20000; i++) {
            x = 1000000 + rand() * 3; y = x * 0.5 + rand()
            printf "%s,", i % 97 ? "k" int(rand() * 5) : ""
            if (i % 11) printf "%.9f", x; printf ","
            if (i % 13) printf "%.9f", y; printf ","
            if (i % 7) printf "%d", int(rand() * 1000) - 300; printf ","
            if (i % 5) printf "w%d", int(rand() * 40); printf ","
            if (i % 3) printf "%s", rand() < 0.999 ? "true" : "false"; printf ","
            if (i % 17) printf "%.2f", rand() * 100; print ""
        }
    }' >"$BATS_FILE_TMPDIR/rows.csv"
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    ln -s "$BATS_FILE_TMPDIR/rows.csv" .
}

sluice() { "$SLUICE" "$@"; }

types='k text, x double precision, y double precision, n bigint, t text, b boolean, p numeric(8,2)'
ours() { # SELECT [option ...]
    sluice aggregate rows.csv --types "$types" --by k --select "$1" -O csv --quiet "${@:2}"
}
theirs() { # SELECT
    duckdb_csv "select k, $1 from read_csv('rows.csv', types={'k': 'varchar', 'x': 'double', 'y': 'double', 'n': 'bigint', 't': 'varchar', 'b': 'boolean', 'p': 'decimal(8,2)'}) group by k order by k nulls last"
}
numbered() { # SELECT: the number of the row is r
    duckdb_csv "select k, $1 from (select *, row_number() over () as r from read_csv('rows.csv', types={'k': 'varchar', 'x': 'double', 'n': 'bigint', 't': 'varchar', 'p': 'decimal(8,2)'})) group by k order by k nulls last"
}
# Both answers; numbers within a share of 1e-9, booleans whatever their letters.
same_table() { # OURS THEIRS
    "$SLUICE_ORACLE" - "$1" "$2" <<'PY'
import csv, sys
a, b = (list(csv.reader(open(p)))[1:] for p in sys.argv[1:])
def close(u, v):
    try: return abs(float(u) - float(v)) <= 1e-9 * max(abs(float(u)), abs(float(v)))
    except ValueError: return u.lower() == v.lower()
assert len(a) == len(b) > 1, (len(a), len(b))
for r, s in zip(a, b):
    assert len(r) == len(s) and all(map(close, r, s)), (r, s)
PY
}
agrees() { # OURS [THEIRS]
    ours "$1" >ours.csv
    theirs "${2:-$1}" >theirs.csv
    same_table ours.csv theirs.csv
}

@test "help aggregates lists every aggregate, and each example runs" {
    sluice help aggregates >list
    [ "$(grep -c '^  example: ' list)" -ge 25 ]
    while IFS= read -r example; do
        sluice aggregate "$root/tests/samples/orders.csv" --by country --select "$example" -O csv --quiet >out
        [ "$(wc -l <out)" -eq 5 ]
    done < <(sed -n 's/^  example: //p' list)
    for name in count stddev_samp every bit_xor min_by mode p99 regr_r2; do grep -q "\\b$name\\b" list; done
}

@test "the manual has the list that help aggregates prints" {
    run -0 "$root/tests/help_page" aggregates --check
    [ "$("$root/tests/help_page" aggregates | grep -c '^.It')" -ge 25 ]
}

@test "deviations, correlations and regressions are those of exact fractions, whatever the offset" {
    need_oracle
    ours 'count(x), stddev_pop(x), stddev(x), var_pop(x), var_samp(x), corr(y, x), covar_pop(y, x), covar_samp(y, x), regr_slope(y, x), regr_intercept(y, x), regr_r2(y, x)' >ours.csv
    "$SLUICE_ORACLE" - <<'PY'
import csv, math
from fractions import Fraction as F
from collections import defaultdict
xs, xy = defaultdict(list), defaultdict(list)
for r in csv.DictReader(open("rows.csv")):
    if r["x"]: xs[r["k"]].append(F(float(r["x"])))
    if r["x"] and r["y"]: xy[r["k"]].append((F(float(r["x"])), F(float(r["y"]))))
def cov(p):
    n = len(p)
    return n * sum(a * b for a, b in p) - sum(a for a, b in p) * sum(b for a, b in p)
rows = list(csv.reader(open("ours.csv")))[1:]
assert len(rows) == 6
for r in rows:
    x, p = xs[r[0]], xy[r[0]]
    n, m = len(x), len(p)
    v = cov([(a, a) for a in x])
    sxx, syy, sxy = cov([(a, a) for a, b in p]), cov([(b, b) for a, b in p]), cov(p)
    slope = sxy / sxx
    want = [n, math.sqrt(v / n**2), math.sqrt(v / (n * (n - 1))), v / n**2, v / (n * (n - 1)),
            float(sxy) / math.sqrt(sxx * syy), sxy / m**2, sxy / (m * (m - 1)), slope,
            (sum(b for a, b in p) - slope * sum(a for a, b in p)) / m, sxy**2 / (sxx * syy)]
    for got, w in zip(r[1:], want):
        tell = 4e-16 if w is not want[9] else 1e-9
        assert abs(float(got) - float(w)) <= tell * abs(float(w)) + (1e-300), (r[0], got, float(w))
PY
}

@test "what has no value, one value, one value throughout, NaN or too large a square is as in PostgreSQL" {
    printf 'k,x,y\na,,1\nb,3,1\nc,2,1\nc,2,5\nd,NaN,1\nd,1,2\ne,inf,1\nf,NaN,2\n' >odd.csv
    run -0 sluice aggregate odd.csv --types 'x double precision, y double precision' --by k -O csv --quiet \
        --select 'stddev(x) as a, stddev_pop(x) as b, var_pop(x) as c, corr(y, x) as d, covar_pop(y, x) as e, covar_samp(y, x) as f, regr_slope(y, x) as g, regr_r2(x, y) as h'
    [ "$output" = 'k,a,b,c,d,e,f,g,h
a,,,,,,,,
b,,0,0,,0,,,
c,0,0,0,,0,0,,1
d,NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN
e,,NaN,NaN,,NaN,,NaN,
f,,NaN,NaN,,NaN,,NaN,' ] || { echo "$output"; false; }
    printf 'x\n1e200\n2\n' >large.csv
    run -1 --separate-stderr sluice aggregate large.csv --types 'x double precision' --select 'stddev(x)' -O csv --quiet
    [[ $stderr == *'stddev(x): the result does not fit double precision'* ]]
}

@test "deviations keep their digits beside an offset that is 1e15 times as large" {
    printf 'x\n1000000000000001\n1000000000000002\n1000000000000003\n1000000000000006\n' >far.csv
    run -0 sluice aggregate far.csv --select 'var_pop(x) as v, stddev_samp(x) as s' -O csv --quiet
    [ "$output" = $'v,s\n3.5,2.1602468994692869' ] || [ "$output" = $'v,s\n3.5,2.160246899469287' ]
}

@test "bits and conditions are DuckDB's" {
    need_oracle
    agrees 'bool_and(b), bool_or(b), every(n > -400), bit_and(n), bit_or(n), bit_xor(n)' \
        'bool_and(b), bool_or(b), bool_and(n > -400), bit_and(n), bit_or(n), bit_xor(n)'
}

@test "median, mode and percentiles of numbers and of text are those of the sorted values" {
    need_oracle
    agrees 'median(n), percentile_cont(0.31) within group (order by p), percentile_disc(0.31) within group (order by n), percentile_disc(0.25) within group (order by n desc) as d, percentile_disc(0.7) within group (order by t)' \
        'median(n), quantile_cont(p::double, 0.31), quantile_disc(n, 0.31), percentile_disc(0.25) within group (order by n desc), quantile_disc(t, 0.7)'
    printf 'x\nb\na\nc\nb\nc\n' >t.csv
    run -0 sluice aggregate t.csv -O csv --quiet --select 'mode(x) as a, mode() within group (order by x) as b, mode() within group (order by x desc) as c, count(*)'
    [ "${lines[1]}" = b,b,c,5 ]
}

@test "min_by and max_by take the first of equal rows, and nulls of the first argument" {
    printf 'ts,v,y\n2026-01-01T00:00:02Z,b,1\n2026-01-01T00:00:01Z,a,1\n2026-01-01T00:00:03Z,,9\n2026-01-01T00:00:04Z,d,\n2026-01-01T00:00:05Z,e,9\n' >t.csv
    run -0 sluice aggregate t.csv -O json --quiet --select 'min_by(v, y) as a, max_by(v, y) as b, max_by(y, v) as c, min_by(v, ts) as d'
    [[ $output == *'"a":"a","b":null,"c":9,"d":"a"'* ]] || { echo "$output"; false; }
}

@test "distinct stands in every aggregate, and is DuckDB's" {
    need_oracle
    agrees 'count(distinct t), sum(distinct n), avg(distinct n), stddev(distinct p), median(distinct n), max(distinct t), sum(distinct n) filter (where b) as f' \
        'count(distinct t), sum(distinct n), avg(distinct n), stddev(distinct p), median(distinct n), max(distinct t), sum(distinct n) filter (where b)'
    printf 'y,x\n1,2\n1,2\n3,5\n4,4\n4,4\n4,\n' >pairs.csv
    run -0 sluice aggregate pairs.csv --select 'covar_pop(distinct y, x) as a, bit_xor(distinct y) as b' -O csv --quiet
    [ "${lines[1]}" = 1.2222222222222223,6 ]
}

@test "two threads, a log and a pipe give the bytes of one thread over the file" {
    all='stddev(x), var_pop(n), corr(y, x), regr_intercept(x, p), bool_and(b), bit_xor(n), mode(t), percentile_disc(0.3) within group (order by t), sum(distinct x), avg(distinct p), min_by(t, n), max_by(n, t), array_agg(n), string_agg(distinct t, '"'-'"'), array_agg(t, 5 order by p desc) as al, increase(n), approx_count_distinct(x), approx_percentile(x, 0.9)'
    ours "$all" -j 1 >one.csv
    [ "$(wc -l <one.csv)" -eq 7 ]
    ours "$all" -j 2 | cmp - one.csv
    sluice ingest rows.csv --types "$types" -o log/ --quiet
    sluice aggregate log/ --by k --select "$all" -O csv --quiet | cmp - one.csv
    sluice replay log/ --quiet | sluice aggregate --by k --select "$all" -O csv --quiet | cmp - one.csv
}

@test "a run that is resumed in the middle gives the same as one over all rows" {
    all='stddev(x), corr(y, x), bool_and(b), bit_xor(n), mode(t), percentile_disc(0.3) within group (order by t), sum(distinct n), min_by(t, n), max_by(n, t), array_agg(n), string_agg(distinct t, '"'-'"'), array_agg(t, 5 order by p desc) as al, increase(n), approx_count_distinct(x), approx_percentile(x, 0.9)'
    ours "$all" >one.csv
    (head -n 9000 rows.csv; tail -n +9001 rows.csv) | cmp - rows.csv
    head -n 9000 rows.csv | sluice ingest -I csv --types "$types" -o log/ --quiet
    sluice aggregate log/ --resume --by k --select "$all" -o sums.csv --quiet
    { head -n 1 rows.csv; tail -n +9001 rows.csv; } | sluice ingest -I csv --types "$types" -o log/ --quiet
    sluice aggregate log/ --resume --final --by k --select "$all" -o sums.csv --quiet
    cmp sums.csv one.csv
}

@test "an argument of a type that an aggregate does not take is refused with what it takes" {
    run -2 --separate-stderr sluice aggregate rows.csv --types "$types" --select 'bool_and(n)'
    [[ $stderr == *'bool_and takes boolean values, not bigint'* ]]
    run -2 --separate-stderr sluice aggregate rows.csv --types "$types" --select 'corr(x, t)'
    [[ $stderr == *'corr takes numbers, not text'* ]]
    run -2 --separate-stderr sluice aggregate rows.csv --types "$types" --select 'corr(x)'
    [[ $stderr == *'corr takes two arguments'*'corr(y, x)'* ]]
}

@test "--having keeps the groups for which all of it is true, and computes nothing for others" {
    need_oracle
    ours 'count(*) as n, sum(p) as s, 1 / (case when k is null then 0 else 1 end) as one' --having 'count(*) > 3000 and k is not null' --having 'avg(n) < 1000' >ours.csv
    duckdb_csv "select k, count(*) n, sum(p) s, 1 from 'rows.csv' group by k having count(*) > 3000 and k is not null and avg(n) < 1000 order by k" >theirs.csv
    same_table ours.csv theirs.csv
    run -0 sluice aggregate rows.csv --types "$types" --having 'count(*) > 99999' -O csv --quiet
    [ "$output" = count ]
    run -2 --separate-stderr sluice aggregate rows.csv --types "$types" --having 'count(*)' --quiet
    [[ $stderr == *'--having takes a condition, not bigint'* ]]
    run -2 --separate-stderr sluice aggregate rows.csv --types "$types" --having 'count(*) > 1, true' --quiet
    [[ $stderr == *'--having takes one condition'* ]]
}

@test "--having of windows over a log is that of all windows" {
    sluice ingest "$root/tests/samples/orders.csv" -o o/ --quiet
    sluice aggregate o/ --window '10 minutes' -O csv --quiet | awk -F, 'NR == 1 || $3 > 1' >want.csv
    sluice aggregate o/ --window '10 minutes' --having 'count(*) > 1' -O csv --quiet | cmp - want.csv
    [ "$(wc -l <want.csv)" -ge 2 ]
}

@test "sums of intervals are exact, means divide as PostgreSQL does, too large a sum is an error" {
    printf 'd,m\n1,1\n9,1\n0,1\n' >i.csv
    run -0 sluice aggregate i.csv -O csv --quiet --select "sum(d * interval '1 day' + m * interval '1 month') as s, avg(d * interval '1 day' + m * interval '1 month') as a, sum(distinct m * interval '1 month') as d, avg(interval '1 s' * nullif(d, d)) as n"
    [ "${lines[1]}" = '3 mons 10 days,1 mon 3 days 08:00:00,1 mon,' ] || { echo "$output"; false; }
    run -1 --separate-stderr sluice aggregate i.csv -O csv --quiet --select "sum(interval '2000000000 months')"
    [[ $stderr == *'the result does not fit interval'* ]]
}

@test "lists are DuckDB's: in the order of the input, of an expression, and of distinct values" {
    need_oracle
    ours "string_agg(t, ','), string_agg(t, ',' order by p) as b, string_agg(distinct t, '-' order by t desc) as c, string_agg(n, ' ' order by x desc nulls last) as d" -j 2 >ours.csv
    numbered "string_agg(t, ',' order by r), string_agg(t, ',' order by p nulls last, r), string_agg(distinct t, '-' order by t desc), string_agg(n::varchar, ' ' order by x desc nulls last, r)" >theirs.csv
    same_table ours.csv theirs.csv
}

@test "array_agg keeps nulls, goes up to its limit, and is JSON" {
    printf 'ts,v,s\n2026-01-01T00:00:03Z,3,"a ""b"""\n2026-01-01T00:00:01Z,,x\n2026-01-01T00:00:02Z,2,\n' >t.csv
    run -0 sluice aggregate t.csv -O json --quiet --select 'array_agg(v) as a, array_agg(s) as b, array_agg(v, 2 order by v desc) as c, array_agg(distinct v order by v desc nulls last) as d, array_agg(ts, 1) as e, array_agg(v) filter (where v > 9) as f, array_agg(v > 2) as g'
    [ "$output" = '{"a":[null,2,3],"b":["x",null,"a \"b\""],"c":[null,3],"d":[3,2,null],"e":["2026-01-01T00:00:01Z"],"f":null,"g":[null,false,true]}' ] || { echo "$output"; false; }
    run -2 --separate-stderr sluice aggregate t.csv --select 'array_agg(distinct v order by s)' --quiet
    [[ $stderr == *'array_agg with distinct is ordered by its argument only'* ]]
    run -2 --separate-stderr sluice aggregate t.csv --select 'array_agg(v, 0)' --quiet
    [[ $stderr == *'the limit is a constant of 1 or more'* ]]
    run -2 --separate-stderr sluice aggregate t.csv --select 'string_agg(s, s)' --quiet
    [[ $stderr == *'the separator is a constant text'* ]]
}

@test "increase and rate of a counter go by time and know resets" {
    printf 'ts,c\n2026-01-01T00:00:30Z,5\n2026-01-01T00:00:00Z,10\n2026-01-01T00:00:10Z,25\n2026-01-01T00:00:20Z,\n2026-01-01T00:00:40Z,7\n' >c.csv
    run -0 sluice aggregate c.csv -O csv --quiet --select 'increase(c) as i, rate(c) as r, increase(c) filter (where c = 7) as one, rate(c) filter (where c = 7) as none'
    [ "${lines[1]}" = 22,0.55,0, ] || { echo "$output"; false; }
    printf 'c\n1\n' >d.csv
    run -2 --separate-stderr sluice aggregate d.csv --select 'rate(c)' --quiet
    [[ $stderr == *'rate(c): the input has no time column'* ]]
}

@test "approximate counts and percentiles keep their stated errors" {
    awk 'BEGIN { print "v,k"; for (i = 0; i < 400000; i++) printf "%d,%d\n", i * 7919 % 1000003, i % 8 }' >v.csv
    run -0 sluice aggregate v.csv -O csv --quiet --by k --select 'approx_count_distinct(v) as n, approx_count_distinct(v % 1000) as few, approx_percentile(v, 0.5) as h, p50(v) as h2, approx_percentile(-v, 0.99) as g, p99(-v) as g2'
    [ "${#lines[@]}" -eq 9 ]
    awk -F, 'NR > 1 {
        e = $2 / 50000 - 1; sum += e * e; n++
        if ($3 < 995 || $3 > 1005) bad = 1
        a = 1 - $4 / $5; b = 1 - $6 / $7
        if (a < 0 || a > 1 / 512 || b < 0 || b > 1 / 512) bad = 1
    } END { exit bad || n != 8 || sqrt(sum / n) > 0.02 }' <<<"$output" || { echo "$output"; false; }
    run -0 sluice aggregate v.csv -O csv --quiet --select 'approx_percentile(v % 900, 0.25) as whole, p25(v % 900) as exact'
    [ "${lines[1]%,*}" = "${lines[1]#*,}" ]
}

@test "--merge of the --partial of any parts gives the bytes of one run over all rows" {
    all='count(*), sum(n), sum(p), avg(x) as ax, min(t), max(x) as mx, stddev(x), var_pop(n), corr(y, x), regr_intercept(x, p), bool_and(b), bit_xor(n), mode(t), p90(n), median(p), percentile_disc(0.3) within group (order by t), count(distinct t), sum(distinct x), avg(distinct p), approx_count_distinct(x), approx_percentile(x, 0.9), sum(n) filter (where b) as f, sum(n * interval $$1 s$$) as i'
    ours "$all" --having 'count(*) > 100' --order-by 'sum_n desc' >one.csv
    [ "$(wc -l <one.csv)" -eq 7 ]
    for parts in 1 2 7; do
        rm -f part*
        for ((i = 0; i < parts; i++)); do
            awk -v n="$parts" -v i="$i" 'NR == 1 || NR * 7919 % n == i' rows.csv >part.csv
            sluice aggregate part.csv --types "$types" --partial --by k --select "$all" -o "part$i.arrow" --quiet
        done
        sluice aggregate part*.arrow --merge --by k --select "$all" --having 'count(*) > 100' --order-by 'sum_n desc' -O csv --quiet | cmp - one.csv
        sluice aggregate part*.arrow -j 1 --merge --by k --select "$all" --having 'count(*) > 100' --order-by 'sum_n desc' -O csv --quiet | cmp - one.csv
    done
}

@test "--partial goes through a log and a pipe, without keys, with large states, and by windows" {
    sluice aggregate rows.csv --types "$types" --select 'array_agg(x), count(distinct y), p50(x)' -O csv --quiet >one.csv
    sluice ingest rows.csv --types "$types" -o log/ --quiet
    for where in 'n % 2 = 0' 'n % 2 <> 0' 'n is null'; do
        sluice aggregate log/ --where "$where" --partial --select 'array_agg(x), count(distinct y), p50(x)' -o states/ --again --quiet
    done
    sluice aggregate states/ --merge --select 'array_agg(x), count(distinct y), p50(x)' -O csv --quiet | cmp - one.csv
    [ "$(wc -l <one.csv)" -eq 2 ]
    cp "$root/tests/samples/orders.csv" .
    sluice aggregate orders.csv --window '10 minutes' --by country --select 'count(*), sum(price)' -O csv --quiet >want.csv
    sluice aggregate orders.csv --partial --window '10 minutes' --by country --select 'count(*), sum(price)' --quiet |
        sluice aggregate --merge --window '10 minutes' --by country --select 'count(*), sum(price)' -O csv --quiet | cmp - want.csv
}

@test "first, lists and counters merge where rows are numbered, and are refused where they are not" {
    sluice ingest rows.csv --types "$types" -o log/ --quiet
    all='first(t), last(n), min_by(t, n), max_by(n, t), string_agg(t, $$,$$), array_agg(n, 5 order by x desc), increase(n)'
    sluice aggregate log/ --by k --select "$all" -O csv --quiet >one.csv
    sluice aggregate log/ --where 'n % 3 = 0 or n is null' --partial --by k --select "$all" -o a.arrow --quiet
    sluice aggregate log/ --where 'n % 3 <> 0' --partial --by k --select "$all" -o b.arrow --quiet
    sluice aggregate b.arrow a.arrow --merge --by k --select "$all" -O csv --quiet | cmp - one.csv
    [ "$(wc -l <one.csv)" -eq 7 ]
    run -2 --separate-stderr sluice aggregate rows.csv --types "$types" --partial --select 'first(t)' -o c.arrow --quiet
    [[ $stderr == *'--partial: first(t) goes by the order of the rows'* ]]
}

@test "--merge refuses what is no state, states of other options, and damaged ones" {
    sluice aggregate rows.csv --types "$types" --partial --by k --select 'sum(n), mode(t)' -o a.arrow --quiet
    run -2 --separate-stderr sluice aggregate rows.csv --types "$types" --merge --by k --select 'sum(n), mode(t)' --quiet
    [[ $stderr == *'the input holds no states'* ]]
    for other in 'sum(n)' 'mode(t), sum(n)' 'avg(n), mode(t)' 'sum(n), mode(t) filter (where n > 1)'; do
        run -2 --separate-stderr sluice aggregate a.arrow --merge --by k --select "$other" --quiet
        [[ $stderr == *'the input holds states of other options'* ]]
    done
    run -2 --separate-stderr sluice aggregate a.arrow --merge --by t --select 'sum(n), mode(t)' --quiet
    [[ $stderr == *'states of other options'* || $stderr == *'no column'* ]]
    column=$(sluice transform a.arrow -O csv --quiet | head -n 1 | cut -d, -f3)
    sluice transform a.arrow --set "$column = '\\x0102'::bytea" -o bad.arrow --quiet
    run -1 --separate-stderr sluice aggregate bad.arrow --merge --by k --select 'sum(n), mode(t)' --quiet
    [[ $stderr == *'the saved state of an aggregate is damaged'* ]]
    run -2 --separate-stderr sluice aggregate rows.csv --types "$types" --partial --having 'true' --quiet
    [[ $stderr == *'--partial gives no results yet'* ]]
}

@test "--merge refuses states whose columns are described by other lengths than they have" {
    need_oracle
    sluice aggregate rows.csv --types "$types" --partial --by k --select 'sum(n)' -o a.arrow --quiet
    for said in '18446744073709551614 a bigint' '18446744073709551615 a bigint' '9 a bigint' '1 a' '-1 a bigint' 'x'; do
        "$SLUICE_ORACLE" - "$said" <<'X'
import sys
import pyarrow as pa
t = pa.ipc.open_stream(open("a.arrow", "rb")).read_all()
meta = {**t.schema.metadata, b"sluice.partial": sys.argv[1].encode()}
with pa.OSFile("b.arrow", "wb") as f, pa.ipc.new_stream(f, t.schema.with_metadata(meta)) as w:
    w.write_table(t.replace_schema_metadata(meta))
X
        run -2 --separate-stderr sluice aggregate b.arrow --merge --by k --select 'sum(n)' --quiet
        [[ $stderr == *'the input holds no states'* ]]
    done
}

@test "--sets rollup of 40 columns gives 41 groupings" {
    columns=$(seq -s , -f 'c%g' 40)
    { echo "$columns" && seq -s , 40; } >wide.csv
    run -0 timeout 20 sluice aggregate wide.csv --by "$columns" --sets rollup --select 'count(*)' -O csv --quiet
    [ "${#lines[@]}" -eq 42 ]
}

@test "--sets gives the rows and the grouping of rollup, cube and grouping sets" {
    need_oracle
    for pair in 'rollup=rollup(k, t, b)' 'cube=cube(k, t, b)' '(k, b), (t), ()=grouping sets ((k, b), (t), ())'; do
        sluice aggregate rows.csv --types "$types" --by 'k, t, b' --sets "${pair%%=*}" --select 'count(*), sum(n) as s, count(distinct p) as d' -O csv --quiet >ours.csv
        sluice aggregate rows.csv --types "$types" -j 1 --by 'k, t, b' --sets "${pair%%=*}" --select 'count(*), sum(n) as s, count(distinct p) as d' -O csv --quiet | cmp - ours.csv
        duckdb_csv "select k, t, b, grouping(k, t, b) g, count(*), sum(n), count(distinct p) from read_csv('rows.csv', types={'k': 'varchar', 't': 'varchar', 'n': 'bigint', 'b': 'boolean', 'p': 'decimal(8,2)'}) group by ${pair#*=} order by k nulls last, t nulls last, b nulls last, g" >theirs.csv
        same_table ours.csv theirs.csv
    done
}

@test "--sets has a total of no rows, goes through --partial and --resume, and refuses what is no set" {
    run -0 sluice aggregate rows.csv --types "$types" --where false --by k --sets rollup -O csv --quiet
    [ "$output" = $'k,grouping,count\n,1,0' ]
    sluice aggregate rows.csv --types "$types" --by 'k, t' --sets cube --select 'sum(n), mode(b)' -O csv --quiet >one.csv
    for where in 'n < 100' 'n >= 100' 'n is null'; do
        sluice aggregate rows.csv --types "$types" --where "$where" --by 'k, t' --sets cube --select 'sum(n), mode(b)' --partial -o "${where// /}.arrow" --quiet
    done
    sluice aggregate n*.arrow --merge --by 'k, t' --sets cube --select 'sum(n), mode(b)' -O csv --quiet | cmp - one.csv
    head -n 9000 rows.csv | sluice ingest -I csv --types "$types" -o log/ --quiet
    sluice aggregate log/ --resume --by 'k, t' --sets cube --select 'sum(n), mode(b)' -o sums.csv --quiet
    { head -n 1 rows.csv; tail -n +9001 rows.csv; } | sluice ingest -I csv --types "$types" -o log/ --quiet
    sluice aggregate log/ --resume --final --by 'k, t' --sets cube --select 'sum(n), mode(b)' -o sums.csv --quiet
    cmp sums.csv one.csv
    for bad in '(x)' 'k' '(k' '(k), (k)' '(k,, t)' '(k) (t)' ''; do
        run -2 --separate-stderr sluice aggregate rows.csv --types "$types" --by 'k, t' --sets "$bad" --quiet
        [[ $stderr == *'--sets: '* ]] || { echo "$bad: $stderr"; false; }
    done
    run -2 --separate-stderr sluice aggregate rows.csv --types "$types" --sets cube --quiet
    [[ $stderr == *'--sets: there are 0 columns in --by'* ]]
}

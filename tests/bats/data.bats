# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Real data against an independent judge.
load common

setup_file() {
    [ ! -r "$SLUICE_DATA/flights/flights.csv.zip" ] ||
        unzip -p "$SLUICE_DATA/flights/flights.csv.zip" >"$BATS_FILE_TMPDIR/flights.csv"
}

flights() {
    need_data flights/flights.csv.zip
    need_oracle
    ln -s "$BATS_FILE_TMPDIR/flights.csv" .
}

# Both answers with the same header; numbers compared as numbers.
same() { # OURS THEIRS
    "$SLUICE_ORACLE" - "$1" "$2" <<'PY'
import csv, sys, decimal
def rows(p):
    for r in csv.reader(open(p)):
        out = []
        for v in r:
            try: out.append(round(decimal.Decimal(v), 6).normalize())
            except decimal.InvalidOperation: out.append(v)
        yield tuple(map(str, out))
a, b = list(rows(sys.argv[1])), list(rows(sys.argv[2]))
if a[0] != b[0] or sorted(a) != sorted(b):
    print("ours has", len(a), "lines, theirs", len(b))
    for r in (set(a) ^ set(b)): print(r, "ours" if r in set(a) else "theirs"); break
    sys.exit(1)
PY
}

@test "flights load whole, and counts and sums by carrier are DuckDB's" {
    flights
    sluice ingest flights.csv -o f/ --quiet
    sluice aggregate f/ --by carrier --select 'count(*) as n, count(dep_delay) as d, sum(distance) as km' -O csv --quiet >ours.csv
    duckdb_csv "select carrier, count(*) n, count(try_cast(dep_delay as double)) d, sum(distance)::hugeint km from read_csv('flights.csv', all_varchar=false, nullstr='', sample_size=-1) group by 1" >theirs.csv
    same ours.csv theirs.csv || {
        duckdb_csv "select carrier, count(*) n, count(dep_delay) d, sum(distance)::hugeint km from read_csv('flights.csv', sample_size=-1) group by 1" >theirs.csv
        same ours.csv theirs.csv
    }
}

@test "the same aggregate from the CSV, from the log and through a pipe" {
    flights
    sluice ingest flights.csv -o f/ --quiet
    sluice aggregate flights.csv --by 'origin, month' -O csv --quiet >a.csv
    sluice aggregate f/ --by 'origin, month' -O csv --quiet >b.csv
    sluice replay f/ --quiet | sluice aggregate --by 'origin, month' -O csv --quiet >c.csv
    cmp a.csv b.csv
    cmp a.csv c.csv
}

@test "one thread and two give the same, in the same order" {
    flights
    sluice transform flights.csv --where 'distance > 2000' --select 'carrier, flight, distance' -j 1 -O csv --quiet >a.csv
    sluice transform flights.csv --where 'distance > 2000' --select 'carrier, flight, distance' -j 2 -O csv --quiet >b.csv
    cmp a.csv b.csv
    [ "$(wc -l <a.csv)" -gt 1000 ]
}

# The flights with numbers for delays ("NA" is null), as a log f/ and as the table f.
delays() {
    flights
    sluice transform flights.csv --set "dep = nullif(dep_delay, 'NA')::bigint, arr = nullif(arr_delay, 'NA')::bigint" -o f/ --quiet
    table="(select *, try_cast(nullif(dep_delay, 'NA') as bigint) dep, try_cast(nullif(arr_delay, 'NA') as bigint) arr, row_number() over () nr from read_csv('flights.csv', nullstr='', sample_size=-1))"
}

@test "each aggregate of the flights by carrier is DuckDB's" {
    delays
    sluice aggregate f/ --by carrier --select 'count(*) as n, count(dep) as nd, count(distinct tailnum) as tails, sum(dep) as s, avg(dep) as a, min(dep) as mn, max(arr) as mx, median(dep) as med, p50(dep) as p50, p90(dep) as p90, p95(arr) as p95, p99(dep) as p99, min(dest) as mind, max(origin) as maxo, sum(distance * 1.5) as ds' -O csv --quiet >ours.csv
    duckdb_csv "select carrier, count(*) n, count(dep) nd, count(distinct tailnum) tails, sum(dep)::hugeint s, avg(dep) a, min(dep) mn, max(arr) mx, median(dep) med, quantile_disc(dep, 0.5) p50, quantile_disc(dep, 0.9) p90, quantile_disc(arr, 0.95) p95, quantile_disc(dep, 0.99) p99, min(dest) mind, max(origin) maxo, sum(distance * 1.5) ds from $table group by 1" >theirs.csv
    same ours.csv theirs.csv
}

@test "where, expressions as keys, order and limit over the flights are DuckDB's" {
    delays
    sluice aggregate f/ --by 'month, lower(origin) as o' --where 'dep > 10 or arr is null' --select 'count(*) as n, sum(distance) as d' --order-by 'n desc, month, o' --limit 10 -O csv --quiet >ours.csv
    duckdb_csv "select month, lower(origin) o, count(*) n, sum(distance)::hugeint d from $table where dep > 10 or arr is null group by all order by n desc, month, o limit 10" >theirs.csv
    cmp ours.csv theirs.csv
}

@test "the first and the last flight of each hour are DuckDB's" {
    delays
    sluice aggregate f/ --time time_hour --window '1 hour' --select 'first(flight) as f, last(flight) as l, count(*) as n' -O csv --quiet | cut -d , -f 3- >ours.csv
    duckdb_csv "select f, l, n from (select time_hour, arg_min(flight, nr) f, arg_max(flight, nr) l, count(*) n from $table group by 1 order by 1)" >theirs.csv
    cmp ours.csv theirs.csv
}

@test "days of New York over the flights are Python's" {
    delays
    sluice aggregate f/ --time time_hour --window '1 day' --tz America/New_York --by origin --select 'count(*) as n, max(dep) as m, count(distinct dest) as d' -O csv --quiet >ours.csv
    "$SLUICE_ORACLE" - <<'PY'
import csv, collections
from datetime import datetime
from zoneinfo import ZoneInfo
zone = ZoneInfo("America/New_York")
want = collections.defaultdict(lambda: [0, [], set()])
for r in csv.DictReader(open("flights.csv")):
    day = datetime.fromisoformat(r["time_hour"].replace("Z", "+00:00")).astimezone(zone).date()
    w = want[str(day), r["origin"]]
    w[0] += 1
    w[2].add(r["dest"])
    if r["dep_delay"] != "NA":
        w[1].append(int(r["dep_delay"]))
want = {k: (str(w[0]), str(max(w[1])) if w[1] else "", str(len(w[2]))) for k, w in want.items()}
got = {(r["window_start"][:10], r["origin"]): (r["n"], r["m"], r["d"]) for r in csv.DictReader(open("ours.csv"))}
assert got == want and len(got) > 1000, (len(got), len(want))
PY
}

@test "compressed weather: means by origin are DuckDB's" {
    need_data flights/weather.csv.gz
    need_oracle
    gzip -dc "$SLUICE_DATA/flights/weather.csv.gz" >weather.csv
    sluice aggregate "$SLUICE_DATA/flights/weather.csv.gz" --by origin --select 'count(*) as n, sum(visib) as v' -O csv --quiet >ours.csv
    duckdb_csv "select origin, count(*) n, sum(visib) v from read_csv('weather.csv', sample_size=-1) group by 1" >theirs.csv
    same ours.csv theirs.csv
}

@test "misc data load whole, or reject rows for a reason" {
    need_data misc/movies.ndjson
    local f
    for f in movies.ndjson earthquakes.ndjson birdstrikes.csv seattle-weather.csv stocks.csv github.csv disasters.csv taxi-zone-lookup.csv unemployment.tsv flights-200k.arrow; do
        run --separate-stderr sluice ingest "$SLUICE_DATA/misc/$f" -o "l-${f%%.*}/" --rejects "bad-$f.json"
        [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || { echo "$f: $stderr"; false; }
        [ "$status" -eq 0 ] || [ -s "bad-$f.json" ]
    done
}

@test "an Arrow file is read: rows and sums are pyarrow's" {
    need_data misc/flights-200k.arrow
    need_oracle
    run -0 --separate-stderr sluice aggregate "$SLUICE_DATA/misc/flights-200k.arrow" --select 'count(*) as n, sum(delay) as d' -O csv --quiet
    local want
    want=$("$SLUICE_ORACLE" -c "
import pyarrow as pa, pyarrow.compute as pc
t = pa.ipc.open_file('$SLUICE_DATA/misc/flights-200k.arrow').read_all()
print(f'{t.num_rows},{pc.sum(t[\"delay\"]).as_py()}')")
    [ "${lines[1]}" = "$want" ]
}

@test "pyarrow and Polars read every closed segment and pipe, value for value" {
    flights
    sluice ingest flights.csv -o f/ --segment-size 1MB --quiet
    sluice replay f/ --quiet >pipe.arrows
    "$SLUICE_ORACLE" - <<'PY'
import glob, pyarrow as pa, polars as pl, duckdb
segs = sorted(glob.glob("f/0000/*.arrows"))
assert len(segs) > 2, segs
closed = segs[:-1]
n = sum(pa.ipc.open_stream(s).read_all().num_rows for s in closed)
m = sum(pl.read_ipc_stream(s).height for s in closed)
assert n == m and n > 0, (n, m)
t = pa.ipc.open_stream("pipe.arrows").read_all()
want = duckdb.sql("select count(*), sum(distance)::bigint, count(distinct tailnum) from read_csv('flights.csv', sample_size=-1)").fetchall()[0]
got = duckdb.sql("select count(*), sum(distance)::bigint, count(distinct tailnum) from t").fetchall()[0]
assert got == want, (got, want)
assert pl.read_ipc_stream("pipe.arrows").height == want[0]
PY
}

# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Zones with daylight saving, half hours and days that are missing; Python's zoneinfo is the judge.
load common

zones='Europe/Berlin America/New_York America/St_Johns Australia/Lord_Howe Asia/Kathmandu Pacific/Apia -05:30'

# times.csv: zone-less times from 1905 to 2400, and each 10 minutes around the changes of the clock.
wall_clock_times() { # ZONE
    need_oracle
    "$SLUICE_ORACLE" - "$1" >times.csv <<'PY'
import datetime as d, random, sys, zoneinfo
name = sys.argv[1]
zone = d.timezone.utc if ":" in name else zoneinfo.ZoneInfo(name)
random.seed(name)
at = [d.datetime(y, 1, 1) + d.timedelta(minutes=random.randrange(365 * 1440))
      for y in (1905, 1945, 1969, 1980, 2011, 2026, 2038, 2400) for _ in range(40)]
t = d.datetime(2026, 1, 1, tzinfo=d.timezone.utc)
while t.year < 2027:
    n = t + d.timedelta(hours=1)
    if n.astimezone(zone).utcoffset() != t.astimezone(zone).utcoffset():
        wall = t.astimezone(zone).replace(tzinfo=None, minute=0)
        at += [wall + d.timedelta(minutes=m) for m in range(-150, 210, 10)]
    t = n
print("i,t")
for i, x in enumerate(at):
    print(f"{i},{x:%Y-%m-%d %H:%M:%S}")
PY
}

# What zoneinfo says of them: instant, printed form, date, hour, starts of day, week and month.
judge() { # ZONE
    "$SLUICE_ORACLE" - "$1" <<'PY'
import csv, datetime as d, sys, zoneinfo
name = sys.argv[1]
if ":" in name:
    h, m = map(int, name[1:].split(":"))
    zone = d.timezone((-1 if name[0] == "-" else 1) * d.timedelta(hours=h, minutes=m))
else:
    zone = zoneinfo.ZoneInfo(name)
epoch = d.datetime(1970, 1, 1, tzinfo=d.timezone.utc)
seconds = lambda x: int((x.replace(tzinfo=zone) - epoch).total_seconds())
last = lambda x: max(seconds(x), seconds(x.replace(fold=1))) # as PostgreSQL reads what a clock showed twice
print("i,e,d,h,dow,day,week,month")
for row in csv.DictReader(open("times.csv")):
    e = last(d.datetime.fromisoformat(row["t"]))
    wall = (epoch + d.timedelta(seconds=e)).astimezone(zone).replace(tzinfo=None)
    day = wall.replace(hour=0, minute=0, second=0)
    print(row["i"], e, f"{wall:%Y-%m-%d}", wall.hour, (wall.weekday() + 1) % 7, seconds(day),
          seconds(day - d.timedelta(days=day.weekday())), seconds(day.replace(day=1)), sep=",")
PY
}

@test "zone-less times, dates, hours and the starts of days, weeks and months are zoneinfo's" {
    local z
    for z in $zones; do
        wall_clock_times "$z"
        sluice transform times.csv --tz "$z" --quiet -O csv --select "i, extract(epoch from t)::bigint as e,
            t::date as d, extract(hour from t)::bigint as h, extract(dow from t)::bigint as dow,
            extract(epoch from date_trunc('day', t))::bigint as day,
            extract(epoch from date_trunc('week', t))::bigint as week,
            extract(epoch from date_trunc('month', t))::bigint as month" >ours.csv
        judge "$z" >theirs.csv
        cmp ours.csv theirs.csv || { echo "$z"; diff ours.csv theirs.csv | head -n 6; false; }
    done
}

@test "what is printed in a zone reads back as the same instant, with the zone's offset" {
    local z
    for z in Europe/Berlin Australia/Lord_Howe America/St_Johns; do
        wall_clock_times "$z"
        sluice transform times.csv --tz "$z" --set 't = coalesce(t, now())' -O csv --quiet >printed.csv
        "$SLUICE_ORACLE" - "$z" <<'PY'
import csv, datetime as d, sys, zoneinfo
zone = zoneinfo.ZoneInfo(sys.argv[1])
utc = lambda x, fold: x.replace(tzinfo=zone, fold=fold).astimezone(d.timezone.utc)
want = [max(utc(x, 0), utc(x, 1)).astimezone(zone)
        for x in (d.datetime.fromisoformat(r["t"]) for r in csv.DictReader(open("times.csv")))]
got = [d.datetime.fromisoformat(r["t"]) for r in csv.DictReader(open("printed.csv"))]
minutes = lambda x: x.utcoffset() // d.timedelta(minutes=1)
assert len(got) == len(want)
for g, w in zip(got, want):
    assert g.astimezone(d.timezone.utc) == w.astimezone(d.timezone.utc), (g, w)
    assert minutes(g) == minutes(w), (g, w)
PY
    done
}

@test "a window of a day is a day of the zone, of 23 or 25 hours; hours and 24 hours are not" {
    awk 'BEGIN { print "t"; for (h = 0; h < 24 * 365; h++) print 1767225600 + h * 3600 }' >t.csv
    count() { # LENGTH COUNT-OF-ROWS
        sluice aggregate t.csv --time t --time-format epoch:s --tz Europe/Berlin --window "$1" -O csv --quiet |
            awk -F, -v n="$2" 'NR > 1 && $3 == n' | wc -l
    }
    [ "$(count '1 day' 23)" -eq 2 ] # one is cut: the year is one of UTC
    [ "$(count '1 day' 25)" -eq 1 ]
    [ "$(count '1 day' 24)" -eq 362 ]
    [ "$(count '24 hours' 24)" -eq 365 ]
    [ "$(count '1 hour' 1)" -eq 8760 ]
    [ "$(count '1 month' 743)" -eq 2 ]
    [ "$(count '1 month' 745)" -eq 1 ]
}

@test "a point of a replay in the gap is the instant behind it, in the overlap the first of two" {
    printf '%s\n' t,v 2026-03-29T00:30:00Z,1 2026-03-29T01:30:00Z,2 2026-10-25T00:30:00Z,3 2026-10-25T01:30:00Z,4 >t.csv
    sluice ingest t.csv -o l/ --quiet
    [ "$(sluice replay l/ --tz Europe/Berlin --from '2026-03-29 02:30' --to 2026-03-30 -O csv --quiet | tail -n +2)" = "2026-03-29 03:30:00+02,2" ]
    [ "$(sluice replay l/ --tz Europe/Berlin --from '2026-10-25 02:30' -O csv --quiet | tail -n +2)" = $'2026-10-25 02:30:00+02,3\n2026-10-25 02:30:00+01,4' ]
    [ "$(sluice replay l/ --tz Europe/Berlin --from '2026-10-25 02:30+01:00' -O csv --quiet | tail -n +2)" = "2026-10-25 02:30:00+01,4" ]
    [ "$(sluice transform l/ --tz Europe/Berlin --where "t < '2026-03-29 02:30'" -O csv --quiet | tail -n +2)" = "2026-03-29 01:30:00+01,1" ]
}

@test "a zone that is none is refused, also one that leads out of the folder of zones" {
    local z
    for z in Nowhere/X ../../etc/passwd '' GMT+2 +25:00; do
        run -2 --separate-stderr sluice transform "$SAMPLES/orders.csv" --tz "$z" -O csv
        [[ $stderr == *"unknown time zone: \"$z\""* ]]
    done
}

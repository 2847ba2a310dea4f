# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
"""Evaluates expressions over edge values in sluice and in a PostgreSQL 15 that it starts, and compares.

usage: postgres.py SLUICE [SEED]. Prints what differs and how many were compared; exit 1 if any does, 77 if
there is no PostgreSQL 15 here. What sluice does differently on purpose (sluice-expressions(7)) is not drawn."""
import glob
import itertools
import json
import os
import pwd
import random
import shutil
import subprocess
import sys
import tempfile

TEXTS = ["''", "'a'", "'abc'", "'Zürich'", "'äöü'", "'  x '", "'a,b,,c'", "'A1b22C333'", "'it''s'", "'%_\\'", "'日本語'", "'aXbXc'"]
INTS = ["0", "1", "-1", "2", "3", "-7", "42", "100"]
BIGS = INTS + ["9223372036854775807", "(-9223372036854775807)", "4611686018427387904"]
NUMBERS = ["0.0", "1.5", "-2.5", "2.345", "-0.001", "99999.99", "10", "-3"]
DOUBLES = [f"{x}::float8" for x in ("0", "1", "-1", "0.5", "2", "-0.25", "10", "1e10", "'NaN'", "'Infinity'", "'-Infinity'")]
STAMPS = [f"timestamp '{x}'" for x in ("2024-02-29 10:20:30", "1999-12-31 23:59:59", "1970-01-01 00:00:00", "2023-01-31 00:00:00",
                                      "2024-03-31 02:30:00", "2000-03-01 12:00:00")]
DATES = [f"date '{x}'" for x in ("2024-02-29", "1999-12-31", "1970-01-01", "2023-01-31")]
SPANS = [f"interval '{x}'" for x in ("1 day", "-1 day", "35 days", "1 mon -1 hour", "-2 mons 31 days -5 hours", "27:00:00", "1 year 2 mons",
                                    "-00:30:00", "0")]
PATTERNS = ["'a'", "'[a-c]+'", "'^a'", "'c$'", "'(b|X)'", "'[0-9]{2}'"]
SIMILAR = ["'a%'", "'%(b|c)'", "'a_c'", "'[a-c]+'", "'%'", "''", "'a.c'"]
LIKES = ["'a%'", "'%c'", "'_b_'", "'%'", "''", "'%ü%'"]
UNITS = ["'year'", "'quarter'", "'month'", "'week'", "'day'", "'hour'", "'minute'", "'decade'", "'century'"]
PARTS = ["year", "month", "day", "hour", "minute", "dow", "isodow", "doy", "week", "quarter", "isoyear", "century", "decade", "millennium"]

FORMS = [ # (form, values of %s one after the other)
    ("lower(%s)", TEXTS), ("upper(%s)", TEXTS), ("length(%s)", TEXTS), ("octet_length(%s)", TEXTS),
    ("reverse(%s)", TEXTS), ("initcap(%s)", ["''", "'new york'", "'a1b c-d'", "'ABC dEF'"]),
    ("left(%s, %s)", TEXTS, INTS), ("right(%s, %s)", TEXTS, INTS), ("substr(%s, %s)", TEXTS, INTS),
    ("substr(%s, %s, %s)", TEXTS, INTS, INTS), ("lpad(%s, %s)", TEXTS, INTS), ("rpad(%s, %s, %s)", TEXTS, INTS, TEXTS),
    ("btrim(%s, %s)", TEXTS, TEXTS), ("ltrim(%s, %s)", TEXTS, TEXTS), ("rtrim(%s)", TEXTS),
    ("repeat(%s, %s)", TEXTS, ["0", "1", "3", "-1"]), ("replace(%s, %s, %s)", TEXTS, TEXTS, TEXTS),
    ("split_part(%s, %s, %s)", TEXTS, ["','", "'X'", "''", "'ü'"], ["1", "2", "-1", "0", "9"]),
    ("strpos(%s, %s)", TEXTS, TEXTS), ("position(%s in %s)", TEXTS, TEXTS), ("starts_with(%s, %s)", TEXTS, TEXTS),
    ("translate(%s, %s, %s)", TEXTS, TEXTS, TEXTS), ("overlay(%s placing %s from %s)", TEXTS, TEXTS, INTS),
    ("overlay(%s placing %s from %s for %s)", TEXTS, TEXTS, INTS, INTS), ("ascii(%s)", TEXTS),
    ("chr(%s)", ["65", "228", "8364", "128512"]), ("concat(%s, %s, null, %s)", TEXTS, INTS, TEXTS),
    ("concat_ws(%s, %s, null, %s)", TEXTS, TEXTS, INTS), ("%s || %s", TEXTS, TEXTS), ("%s like %s", TEXTS, LIKES),
    ("%s ilike %s", TEXTS, LIKES), ("%s similar to %s", TEXTS, SIMILAR), ("%s ~ %s", TEXTS, PATTERNS),
    ("%s !~* %s", TEXTS, PATTERNS), ("regexp_replace(%s, %s, '<\\&>', 'g')", TEXTS, PATTERNS),
    ("regexp_count(%s, %s)", TEXTS, PATTERNS), ("regexp_substr(%s, %s)", TEXTS, PATTERNS),
    ("substring(%s from %s)", TEXTS, PATTERNS), ("regexp_like(%s, %s, 'i')", TEXTS, PATTERNS),
    ("quote_literal(%s)", TEXTS), ("format('%%s|%%5s|%%-5s|%%L', %s, %s, %s, %s)", TEXTS, TEXTS, TEXTS, TEXTS),
    ("encode(%s::bytea, %s)", [t for t in TEXTS if "\\" not in t], ["'hex'", "'base64'", "'escape'", "'x'"]),
    ("decode(encode(%s::bytea, %s), %s)::text", [t for t in TEXTS if "\\" not in t], ["'hex'", "'base64'"], ["'hex'", "'base64'"]),
    ("to_hex(%s::bigint)", BIGS), ("%s = %s", TEXTS, TEXTS), ("%s < %s", TEXTS, TEXTS),
    ("%s + %s", BIGS, BIGS), ("%s - %s", BIGS, BIGS), ("%s::bigint * %s", BIGS, BIGS), ("%s / %s", BIGS, BIGS), ("%s %% %s", BIGS, BIGS),
    ("%s::bigint & %s", BIGS, BIGS), ("%s::bigint | %s", BIGS, BIGS), ("%s::bigint # %s", BIGS, BIGS),
    ("%s::bigint << %s", BIGS, INTS), ("%s::bigint >> %s", BIGS, INTS), ("~ %s::bigint", BIGS),
    ("gcd(%s::bigint, %s)", BIGS, BIGS), ("lcm(%s::bigint, %s)", BIGS, BIGS), ("abs(%s::bigint)", BIGS), ("sign(%s)", NUMBERS),
    ("mod(%s, %s)", BIGS, BIGS), ("%s + %s", NUMBERS, NUMBERS), ("%s * %s", NUMBERS, NUMBERS), ("abs(%s)", NUMBERS),
    ("round(%s, %s)", NUMBERS, ["0", "1", "2", "-1"]), ("trunc(%s, %s)", NUMBERS, ["0", "1", "2", "-1"]),
    ("ceil(%s)", NUMBERS), ("floor(%s)", NUMBERS), ("round(%s)", NUMBERS), ("%s < %s", NUMBERS, NUMBERS),
    ("greatest(%s, %s, null)", NUMBERS, NUMBERS), ("least(%s, %s)", BIGS, BIGS), ("coalesce(null, %s)", BIGS),
    ("nullif(%s, %s)", INTS, INTS), ("%s is distinct from %s", INTS, INTS), ("%s between %s and %s", INTS, INTS, INTS),
    ("%s between symmetric %s and %s", INTS, INTS, INTS), ("%s in (1, 2, -7)", INTS),
    ("case when %s > 0 then %s else %s end", INTS, TEXTS, TEXTS),
    *[(f + "(%s)", DOUBLES) for f in ("sin", "cos", "tan", "cot", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh",
                                     "atanh", "degrees", "radians", "sqrt", "cbrt", "exp", "ln", "abs", "ceil", "floor", "round", "trunc", "sign")],
    ("atan2(%s, %s)", DOUBLES, DOUBLES), ("power(%s, %s)", DOUBLES[:7], DOUBLES[:7]), ("%s + %s", DOUBLES, DOUBLES), ("%s * %s", DOUBLES, DOUBLES),
    ("%s < %s", DOUBLES, DOUBLES), ("width_bucket(%s, %s, %s, %s)", DOUBLES, DOUBLES, DOUBLES, ["1", "5", "0"]),
    ("age(%s, %s)", STAMPS, STAMPS), ("%s - %s", STAMPS, STAMPS), ("%s + %s", STAMPS, SPANS), ("%s - %s", STAMPS, SPANS),
    ("%s < %s", STAMPS, STAMPS), ("%s - %s", DATES, DATES), ("%s + %s", DATES, INTS), ("date_trunc(%s, %s)", UNITS, STAMPS),
    *[("extract(" + p + " from %s)", STAMPS) for p in PARTS], ("date_part('epoch', %s)", STAMPS),
    ("date_bin('15 minutes', %s, %s)", STAMPS, STAMPS), ("%s::date", STAMPS), ("%s::timestamp", DATES),
    ("justify_days(%s)", SPANS), ("justify_hours(%s)", SPANS), ("justify_interval(%s)", SPANS), ("%s + %s", SPANS, SPANS),
    ("%s * %s", SPANS, ["2", "0.5", "-1"]), ("%s / %s", SPANS, ["2", "4"]), ("- %s", SPANS), ("%s < %s", SPANS, SPANS),
    *[("extract(" + p + " from %s)", SPANS) for p in ("year", "month", "day", "hour", "epoch")],
    ("make_date(%s, %s, %s)", ["2024", "1999", "2023"], ["2", "12", "13", "0"], ["1", "29", "31", "0"]),
    ("make_timestamp(%s, %s, %s, %s, %s, %s)", ["2024", "2023"], ["2", "12"], ["1", "29"], ["0", "23", "24"], ["0", "59", "60"], ["0", "30.5"]),
    ("(%s, %s) overlaps (%s, %s)", STAMPS, STAMPS, STAMPS, STAMPS), ("(%s, %s) overlaps (%s, %s)", DATES, SPANS[:3], DATES, DATES),
    ("%s at time zone 'Asia/Tokyo' at time zone 'Europe/Berlin'", STAMPS), ("%s::bigint", ["'42'", "' 7 '", "'x'", "''", "'9223372036854775808'", "1.5", "2.5", "-2.5"]),
    ("%s::numeric(6,2)", ["'1.005'", "'x'", "12345.678", "1234.565"]), ("%s::boolean", ["'t'", "'yes'", "'off'", "'maybe'", "'1'"]),
    ("%s::date", ["'2024-02-29'", "'2023-02-29'", "'x'"]), ("%s::interval", ["'1 day 2 hours'", "'P1DT2H'", "'x'", "'-1 mons +2 days'"]),
    ("%s::text", NUMBERS + SPANS + DATES + STAMPS),
]
EACH = 26


def expressions(seed):
    draw = random.Random(seed)
    for form, *values in FORMS:
        every = list(itertools.islice(itertools.product(*values), 60000))
        for combination in every if len(every) <= EACH else draw.sample(every, EACH):
            yield form % combination


class Server:
    """A PostgreSQL of its own on a socket in a temporary folder."""

    def __init__(self):
        found = sorted(glob.glob("/usr/lib/postgresql/15/bin"))
        if not found:
            print("no PostgreSQL 15 here")
            sys.exit(77)
        self.bin = found[-1]
        self.folder = tempfile.mkdtemp(prefix="pg.")
        self.user = {}
        if os.geteuid() == 0: # it does not run as root
            who = pwd.getpwnam("postgres")
            os.chown(self.folder, who.pw_uid, who.pw_gid)
            self.user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        self.run("initdb", "-D", f"{self.folder}/d", "-A", "trust", "-U", "sluice", "--locale", "C.UTF-8", "-N")
        self.run("pg_ctl", "-D", f"{self.folder}/d", "-w", "-l", f"{self.folder}/log", "-o",
                 f"-k {self.folder} -c listen_addresses= -F", "start")

    def run(self, program, *args):
        subprocess.run([f"{self.bin}/{program}", *args], check=True, stdout=subprocess.DEVNULL, cwd="/", **self.user)

    def ask(self, sql):
        return subprocess.run([f"{self.bin}/psql", "-h", self.folder, "-U", "sluice", "-d", "postgres", "-qXAt"], input=sql,
                              capture_output=True, text=True, cwd="/", **self.user).stdout

    def stop(self):
        self.run("pg_ctl", "-D", f"{self.folder}/d", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)


def theirs(server, asked):
    sql = "\\pset null \\\\N\nset timezone = 'UTC';\n"
    for e in asked: # an error leaves nothing between the marks
        sql += f"select '<<';\nselect '=' || coalesce(({e})::text, '\\N');\n"
    answers = server.ask(sql).split("<<\n")[1:]
    return [a[1:].removesuffix("\n") if a else None for a in answers]


def one(sluice, asked):
    items = ", ".join(f"({e})::text as c{i}" for i, e in enumerate(asked))
    p = subprocess.run([sluice, "transform", "-I", "csv", "--quiet", "-O", "json", "--select", items], input="q\n1\n",
                       capture_output=True, text=True)
    if p.returncode:
        return None
    return ["\\N" if v is None else v for v in json.loads(p.stdout).values()]


def ours(sluice, asked):
    """None for an error; a list in which one fails is asked by halves."""
    out = one(sluice, asked)
    if out is None and len(asked) == 1:
        return [None]
    if out is None:
        half = len(asked) // 2
        return ours(sluice, asked[:half]) + ours(sluice, asked[half:])
    return out


def number(s):
    try:
        return float(s)
    except (TypeError, ValueError):
        return None


def same(a, b):
    if a == b or (a, b) in (("true", "t"), ("false", "f"), ("t", "true"), ("f", "false")):
        return True
    if a is None or b is None:
        return False
    x, y = number(a), number(b)
    if x is not None and y is not None: # digits that libraries differ in, and zeros behind the point
        return x == y or abs(x - y) <= 1e-14 * max(abs(x), abs(y)) or (x != x and y != y)
    return a.split(".")[0] == b.split(".")[0] and a.rstrip("0").rstrip(".") == b.rstrip("0").rstrip(".") # 30.500


def main():
    sluice, seed = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    server = Server()
    try:
        asked = list(dict.fromkeys(expressions(seed)))
        want = theirs(server, asked)
    finally:
        server.stop()
    got = []
    for i in range(0, len(asked), 50):
        got += ours(sluice, asked[i:i + 50])
    bad = 0
    for e, a, b in zip(asked, got, want, strict=True):
        if not same(a, b):
            bad += 1
            print(f"{e}\n    sluice {a!r}, PostgreSQL {b!r}")
    failed = sum(b is None for b in want)
    print(f"{len(asked)} expressions, {failed} of them errors, {bad} differ")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()

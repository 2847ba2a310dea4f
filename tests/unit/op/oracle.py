# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
"""Oracle of tests/unit/op/oracle.c: computes the aggregates of the rows in argv[1] in plain Python,
with exact fractions, and compares them with the result in argv[2]. Exit 0: the same."""
import math
import sys
from fractions import Fraction

NULL = "\\N"


def field(s, kind):
    return None if s == NULL else kind(s)


def read(path):
    for line in open(path, encoding="utf-8"):
        p, i, ts, k, d, n, x, m = line.rstrip("\n").split("\t")
        yield {
            "p": int(p), "i": int(i), "ts": field(ts, int), "k": field(k, str),
            "d": field(d, str), "n": field(n, int), "x": field(x, float.fromhex),
            "m": field(m, int),
        }


def nearest(values, q):
    values = sorted(values)
    return values[max(math.ceil(q * len(values)), 1) - 1] if values else None


def interpolated(values, q):
    values = sorted(values)
    if not values:
        return None
    at = q * (len(values) - 1)
    low = math.floor(at)
    a, b = values[low], values[min(low + 1, len(values) - 1)]
    return a if at == low or a == b else a + (b - a) * (at - low)


def results(rows):
    """The columns of the --select of oracle.c for one group."""
    get = lambda c: [r[c] for r in rows if r[c] is not None]
    n, x, m, k = get("n"), get("x"), get("m"), get("k")
    rank = lambda r: (-math.inf if r["ts"] is None else r["ts"], r["p"], r["i"])
    total = float(sum(map(Fraction, x))) if x else None
    return [
        len(rows), len(n), len(set(n)), sum(n) if n else None, total,
        Fraction(sum(m), 100) if m else None, sum(n) / len(n) if n else None,
        total / len(x) if x else None, min(k, key=str.encode) if k else None,
        max(k, key=str.encode) if k else None, min(x) if x else None, max(n) if n else None,
        nearest(n, 0.5), nearest(x, 0.99), interpolated(x, 0.3),
        min(rows, key=rank)["n"] if rows else None,
        max(rows, key=rank)["x"] if rows else None, len([v for r in rows if (v := r["n"]) is not None and v > 0]),
    ]


def late(rows, width, lateness, disorder):
    """Rows that are not late, each judged by the rows before it in its partition."""
    newest, kept = {}, []
    for r in rows:
        if r["ts"] is None:
            continue
        end = r["ts"] // width * width + width
        wm = newest.get(r["p"], -math.inf) - disorder
        newest[r["p"]] = max(newest.get(r["p"], -math.inf), r["ts"])
        if end + lateness > wm:
            kept.append(r)
    return kept


def expected(rows, mode):
    groups = {}
    width = 60_000_000
    if mode == "window":
        rows = late(rows, width, 2_000_000, 5_000_000)
    for r in rows:
        key = (r["k"], r["d"])
        if mode == "window":
            start = r["ts"] // width * width
            key = (start, start + width, r["d"])
        elif mode == "bigint":
            key = (r["n"],)
        elif mode == "total":
            key = ()
        groups.setdefault(key, []).append(r)
    if mode == "total" and not groups:
        groups[()] = []
    order = lambda kv: [(v is None, v.encode() if isinstance(v, str) else v or 0) for v in kv[0]]
    return [list(key) + results(g) for key, g in sorted(groups.items(), key=order)]


def same(want, got):
    if want is None or got == NULL:
        return want is None and got == NULL
    if isinstance(want, str):
        return want == got
    if isinstance(want, float):
        return want == float(got)
    return Fraction(want) == Fraction(got)


def main():
    want = expected(list(read(sys.argv[1])), sys.argv[3])
    got = [line.rstrip("\n").split("\t") for line in open(sys.argv[2], encoding="utf-8")]
    if len(want) != len(got):
        print(f"# {len(got)} groups, not {len(want)}")
        return 1
    for line, (w, g) in enumerate(zip(want, got), 1):
        for c, (a, b) in enumerate(zip(w, g, strict=True), 1):
            if not same(a, b):
                print(f"# line {line} column {c}: {b}, not {a}")
                return 1
    return 0


sys.exit(main())

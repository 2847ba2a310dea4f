# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
"""Oracle of tests/unit/expr/oracle.c: evaluates each expression of the file argv[1] in DuckDB over
the rows in its head and compares. Exit 0: the same; 77: no DuckDB here."""
import sys
from decimal import Decimal

try:
    import duckdb
except ImportError:
    sys.exit(77)

NULL = "\\N"


def same(kind, ours, theirs):
    if ours == NULL or theirs is None:
        return ours == NULL and theirs is None
    if kind in ("bigint", "numeric"):
        return Decimal(ours) == Decimal(theirs)
    if kind == "double":
        a, b = float(ours), float(theirs)
        return a == b or (a != a and b != b) or abs(a - b) <= 1e-14 * max(abs(a), abs(b))
    if kind == "boolean":
        return (ours == "true") == theirs
    return ours == theirs


def main():
    lines = open(sys.argv[1], encoding="utf-8").read().split("\n")
    names, types = lines[0].split("\t"), lines[1].split("\t")
    con = duckdb.connect()
    con.execute("set integer_division = true; set timezone = 'UTC'")
    columns = ", ".join(f'{n} {t}' for n, t in zip(names, types))
    con.execute(f"create table rows (id integer, {columns})")
    at, rows = 2, 0
    while lines[at]:
        cells = [None if c == NULL else c for c in lines[at].split("\t")]
        casts = ", ".join(f"cast(? as {t})" for t in types)
        con.execute(f"insert into rows values ({rows}, {casts})", cells)
        at, rows = at + 1, rows + 1
    bad = asked = refused = 0
    for line in lines[at + 1:]:
        if not line:
            continue
        kind, text, *ours = line.split("\t")
        asked += 1
        try:
            theirs = [r[0] for r in con.execute(f"select {text} from rows order by id").fetchall()]
        except duckdb.Error as e:
            refused += 1  # a type that it resolves otherwise, or an overflow of its decimals
            if refused < 3:
                print(f"# refused: {text}: {str(e).splitlines()[0]}")
            continue
        for i, (x, y) in enumerate(zip(ours, theirs, strict=True)):
            if not same(kind, x, y):
                print(f"# {text}\n#   row {i}: {x}, DuckDB says {y!r}")
                bad += 1
                break
    print(f"# {asked} expressions, {refused} refused by DuckDB, {bad} differ")
    if refused * 3 > asked:
        bad += 1
    return bad != 0


sys.exit(main())

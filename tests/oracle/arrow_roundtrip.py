#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
"""Streams that pyarrow and polars write, read and written again by sluice, value for value.

usage: arrow_roundtrip.py IPC_CAT     (the program of tests/unit/ipc/ipc_cat.c); prints TAP
"""
import datetime as dt
import decimal
import io
import random
import subprocess
import sys

import pyarrow as pa

D = decimal.Decimal
decimal.getcontext().prec = 100
cat_program = sys.argv[1]
number = failures = 0


def report(ok, name, why=""):
    global number, failures
    number += 1
    failures += not ok
    print(("ok" if ok else "not ok"), number, "-", name, flush=True)
    if not ok:
        for line in str(why).splitlines():
            print("#", line)


def cat(data, mode):
    p = subprocess.run([cat_program, mode], input=data, capture_output=True)
    if p.returncode:
        raise RuntimeError(p.stderr.decode(errors="replace").strip() or f"exit {p.returncode}")
    return p.stdout


def stream(batches, schema=None, **options):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema or batches[0].schema,
                           options=pa.ipc.IpcWriteOptions(**options)) as w:
        for b in batches:
            w.write_batch(b)
    return sink.getvalue()


def read(data):
    with pa.ipc.open_stream(data) as r:
        return r.schema, [b for b in r]


def plain(v):
    """A value in a form in which widened ones are equal to what they were."""
    if isinstance(v, bool) or v is None:
        return v
    if isinstance(v, (int, float, D)):
        return ("nan",) if v != v else D(v)
    if isinstance(v, dt.datetime):
        return v.replace(tzinfo=dt.timezone.utc) if v.tzinfo is None else \
            v.astimezone(dt.timezone.utc)
    if isinstance(v, list):
        return [plain(x) for x in v]
    if isinstance(v, tuple):
        return tuple(plain(x) for x in v)
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    return v


def values(column):
    """Values of an array; times as integers, because nanoseconds have no Python type."""
    t = column.type
    if pa.types.is_duration(t) or pa.types.is_time64(t):
        return column.view(pa.int64()).to_pylist()
    while pa.types.is_dictionary(t):
        t = t.value_type
    if pa.types.is_timestamp(t):
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        scale = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[t.unit]
        return [None if v is None else D(v * scale)
                for v in column.view(pa.int64()).to_pylist()]
    return [plain(v) for v in column.to_pylist()]


def compare(want, got, step=1, nulls=0):
    """Nulls, then every step-th row of want, is got."""
    assert [nulls + (b.num_rows + step - 1) // step for b in want] == [b.num_rows for b in got], \
        f"rows: {[b.num_rows for b in want]} became {[b.num_rows for b in got]}"
    for n, (a, b) in enumerate(zip(want, got)):
        b.validate(full=True)
        for i, name in enumerate(a.schema.names):
            x, y = [None] * nulls + values(a.column(i))[::step], values(b.column(i))
            assert x == y, f"batch {n} column {name} {a.column(i).type} -> {b.column(i).type}: " + \
                next((f"row {k}: {p!r} became {q!r}" for k, (p, q) in enumerate(zip(x, y))
                      if p != q), "length")


def check(name, batches, types=None, modes=("copy", "zstd", "dict"), **options):
    """Through every form, and the result through them again: it must not change any more."""
    try:
        data = stream(batches, **options)
        for mode in modes:
            out = cat(data, mode)
            schema, got = read(out)
            compare(batches, got)
            for field, want in (types or {}).items():
                assert str(schema.field(field).type) == want, \
                    f"{field} is {schema.field(field).type}, not {want}"
            again = cat(out, mode)
            assert again == out, f"{mode}: written again it differs"
        compare(batches, read(cat(data, "select"))[1], 3)
        compare(batches, read(cat(data, "parts"))[1])
        compare(batches, read(cat(data, "rows"))[1])
        if len(batches[0].schema):
            compare(batches, read(cat(data, "nulls"))[1], nulls=2)
        cat(data, "print")
        report(True, name)
    except Exception as e:  # a failed case must not hide the others
        report(False, name, f"{type(e).__name__}: {e}")


def batch(**columns):
    return pa.record_batch(list(columns.values()), names=list(columns))


rng = random.Random(7)


def some(make, n=200, nulls=True):
    return [None if nulls and rng.random() < 0.2 else make() for _ in range(n)]


TEXTS = ["", "a", "Grüße", "日本", "x" * 13, "y" * 40, "\U0001f600", "tab\there"]


def text():
    return rng.choice(TEXTS)


def utc(unit):
    return pa.timestamp(unit, tz="UTC")


# ---- numbers ----
for bits in (8, 16, 32, 64):
    low, high = -2**(bits - 1), 2**(bits - 1) - 1
    check(f"int{bits}", [batch(a=pa.array(some(lambda: rng.choice([low, high, 0, -1, 7])),
                                          getattr(pa, f"int{bits}")()))], {"a": "int64"})
    check(f"uint{bits}", [batch(a=pa.array(some(lambda: rng.choice([0, 2**bits - 1, 1])),
                                           getattr(pa, f"uint{bits}")()))],
          {"a": "decimal128(20, 0)" if bits == 64 else "int64"})
FLOATS = [0.0, -0.0, 1.5, -2.25, float("inf"), -float("inf"), float("nan"), 65504.0, 2.0**-24]
for t in (pa.float16(), pa.float32(), pa.float64()):
    check(str(t), [batch(a=pa.array(some(lambda: rng.choice(FLOATS)), t))], {"a": "double"})
check("bool", [batch(a=pa.array(some(lambda: rng.random() < 0.5, 203)))], {"a": "bool"})
for t, want in ((pa.decimal32(9, 3), "decimal64(9, 3)"), (pa.decimal64(18, 4), "decimal64(18, 4)"),
                (pa.decimal128(12, 2), "decimal64(12, 2)"),
                (pa.decimal128(38, 10), "decimal128(38, 10)"),
                (pa.decimal256(30, 5), "decimal128(30, 5)"),
                (pa.decimal256(76, 20), "decimal256(76, 20)"),
                (pa.decimal128(10, -2), "decimal64(12, 0)")):
    top = (10**t.precision - 1)
    check(str(t), [batch(a=pa.array(some(lambda: D(rng.choice([top, -top, 0, 5])).scaleb(-t.scale)),
                                    t))], {"a": want})

# ---- times ----
for unit in ("s", "ms", "us", "ns"):
    for zone in (None, "UTC", "Europe/Berlin", "+02:00"):
        v = pa.array(some(lambda: rng.randrange(-10**9, 10**9)), pa.int64())
        check(f"timestamp {unit} {zone}", [batch(a=v.view(pa.timestamp(unit, tz=zone)))],
              {"a": f"timestamp[{'ns' if unit == 'ns' else 'us'}{', tz=UTC' if zone else ''}]"})
    check(f"duration {unit}", [batch(a=pa.array(some(lambda: rng.randrange(-10**9, 10**9)),
                                                pa.int64()).view(pa.duration(unit)))],
          {"a": f"duration[{unit}]"})
check("date32", [batch(a=pa.array(some(lambda: dt.date(1970, 1, 1) +
                                       dt.timedelta(rng.randrange(-10**5, 10**5)))))],
      {"a": "date32[day]"})
check("date64", [batch(a=pa.array(some(lambda: dt.date(1900, 1, 1)), pa.date64()))],
      {"a": "date32[day]"})
for t in (pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")):
    check(str(t), [batch(a=pa.array(some(lambda: rng.randrange(0, 86400)),
                                    pa.int32() if "32" in str(t) else pa.int64()).view(t))],
          {"a": str(t)})
check("month_day_nano", [batch(a=pa.array(some(lambda: pa.MonthDayNano([1, -2, 3])),
                                          pa.month_day_nano_interval()))],
      {"a": "month_day_nano_interval"})

# ---- text and bytes ----
for t, want in ((pa.string(), "string"), (pa.large_string(), "string"),
                (pa.string_view(), "string")):
    check(str(t), [batch(a=pa.array(some(text), t))], {"a": want}, modes=("copy", "zstd"))
for t in (pa.binary(), pa.large_binary(), pa.binary_view()):
    check(str(t), [batch(a=pa.array(some(lambda: text().encode() + b"\xff"), t))],
          {"a": "binary"})
check("fixed_size_binary", [batch(a=pa.array(some(lambda: rng.randbytes(5)), pa.binary(5)))],
      {"a": "binary"})
check("fixed_size_binary(0)", [batch(a=pa.array([b"", None, b""], pa.binary(0)))])
check("json", [batch(a=pa.ExtensionArray.from_storage(
    pa.json_(), pa.array(['{"a":1}', None, "[]"])))], {"a": "extension<arrow.json>"})
check("null", [batch(a=pa.nulls(9), b=pa.array(range(9)))], {"a": "null"})

# ---- dictionaries ----
for index in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(),
              pa.uint64()):
    for t in (pa.string(), pa.large_string(), pa.binary(), pa.string_view()):
        words = pa.array([w.encode() if t == pa.binary() else w for w in TEXTS], t)
        codes = pa.array(some(lambda: rng.randrange(len(TEXTS))), index)
        check(f"dictionary {index} {t}", [batch(a=pa.DictionaryArray.from_arrays(codes, words))],
              modes=("copy", "dict"))
check("dictionary with null values", [batch(a=pa.DictionaryArray.from_arrays(
    pa.array([0, 1, None, 2, 1], pa.int8()), pa.array(["x", None, "y"])))])
check("empty dictionary", [batch(a=pa.DictionaryArray.from_arrays(
    pa.array([None, None], pa.int8()), pa.array([], pa.string())))])
check("dictionary of numbers", [batch(a=pa.DictionaryArray.from_arrays(
    pa.array(some(lambda: rng.randrange(3)), pa.int8()), pa.array([10, None, 30])))],
    {"a": "int64"})
check("dictionary of timestamps", [batch(a=pa.DictionaryArray.from_arrays(
    pa.array(some(lambda: rng.randrange(2)), pa.int8()), pa.array([1, 2], pa.timestamp("ms"))))])
check("dictionary of lists", [batch(a=pa.DictionaryArray.from_arrays(
    pa.array([0, 1, None, 0], pa.int8()), pa.array([[1, 2], None])))])


def growing(n):
    for i in range(n):
        yield pa.record_batch([pa.DictionaryArray.from_arrays(
            pa.array(some(lambda: rng.randrange(i + 2), 20), pa.int8()),
            pa.array([f"v{k}" for k in range(i + 2)]))], ["a"])


check("delta dictionaries", list(growing(5)), emit_dictionary_deltas=True)
check("replaced dictionaries", [pa.record_batch([pa.array(some(
    lambda: rng.choice(TEXTS[i:i + 3]), 30)).dictionary_encode()], ["a"]) for i in range(4)])
check("list of dictionaries", [batch(a=pa.ListArray.from_arrays(
    pa.array([0, 2, 2, 4], pa.int32()), pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None, 0], pa.int8()), pa.array(["p", "q"]))))])

# ---- nested, carried ----
structs = some(lambda: {"x": rng.randrange(9), "y": some(text, 3)})
check("struct", [batch(a=pa.array(structs))])
check("list", [batch(a=pa.array(some(lambda: some(lambda: rng.randrange(9), rng.randrange(4)))))])
check("list of nulls", [batch(a=pa.array([[None], [], None, [None, None]], pa.list_(pa.null())))])
check("large_list", [batch(a=pa.array(some(lambda: some(text, rng.randrange(4))),
                                      pa.large_list(pa.large_string())))])
check("list_view", [batch(a=pa.array(some(lambda: some(text, rng.randrange(4))),
                                     pa.list_view(pa.string_view())))])
check("large_list_view", [batch(a=pa.array(some(lambda: some(text, rng.randrange(4))),
                                           pa.large_list_view(pa.string())))])
check("fixed_size_list", [batch(a=pa.array(some(lambda: some(text, 3)), pa.list_(pa.string(), 3)))])
check("map", [batch(a=pa.array(some(lambda: [("k", rng.randrange(5))]),
                               pa.map_(pa.string(), pa.int16())))])
check("bools and views nested", [batch(a=pa.array(some(
    lambda: {"b": rng.random() < 0.5, "v": text(), "t": dt.time(1, 2, 3)}),
    pa.struct([("b", pa.bool_()), ("v", pa.string_view()), ("t", pa.time64("us"))])))])
ids = pa.array([rng.randrange(2) for _ in range(40)], pa.int8())
check("sparse union", [batch(a=pa.UnionArray.from_sparse(
    ids, [pa.array(range(40)), pa.array([text() for _ in range(40)])]))])
counts = [0, 0]
places = []
for i in ids.to_pylist():
    places.append(counts[i])
    counts[i] += 1
check("dense union", [batch(a=pa.UnionArray.from_dense(
    ids, pa.array(places, pa.int32()),
    [pa.array(range(counts[0])), pa.array([text() for _ in range(counts[1])])],
    ["n", "t"], [0, 1]))])
check("union with type ids", [batch(a=pa.UnionArray.from_dense(
    pa.array([5, 9, 5], pa.int8()), pa.array([0, 0, 1], pa.int32()),
    [pa.array([1, 2]), pa.array(["z"])], ["n", "t"], [5, 9]))])
for t in (pa.int16(), pa.int32(), pa.int64()):
    check(f"run_end_encoded {t}", [batch(a=pa.RunEndEncodedArray.from_arrays(
        pa.array([3, 5, 9], t), pa.array(["a", None, "b"])))])
check("deep", [batch(a=pa.array(some(lambda: [[{"m": [["x", None]]}], None], 20)))])

# ---- streams ----
check("no rows", [batch(a=pa.array([], pa.int64()), b=pa.array([], pa.string()),
                        c=pa.array([], pa.list_(pa.string())), d=pa.array([], pa.bool_()))])
many = [batch(i=pa.array(range(k, k + 50)), s=pa.array(some(text, 50)),
              d=pa.array(some(lambda: D("1.25"), 50), pa.decimal64(10, 2)),
              t=pa.array(some(lambda: 1, 50), pa.int64()).view(utc("us")))
        for k in range(0, 500, 50)]
check("many batches", many)
check("many batches, zstd", many, compression="zstd")
check("sliced", [b.slice(7, 30) for b in many])
check("no columns", [pa.RecordBatch.from_arrays([], names=[])])
big = batch(a=pa.array(range(100000)), s=pa.array([TEXTS[i % 8] * 3 for i in range(100000)]))
check("large batch, zstd", [big], compression="zstd")
check("many batches, lz4", many, compression="lz4")
check("large batch, lz4", [big], compression="lz4")
nested = batch(a=pa.array(structs), b=pa.array(some(lambda: some(text, 2))))
check("nested, zstd", [nested], compression="zstd")
check("nested, lz4", [nested], compression="lz4")

try:
    schema = pa.schema([pa.field("a", pa.int64())], {"sluice.log": "x", "other": "é"})
    got = read(cat(stream([pa.record_batch([pa.array([1])], schema=schema)]), "copy"))[0]
    assert got.metadata == schema.metadata, got.metadata
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as w:
        b = pa.record_batch([pa.array([], pa.int64())], schema=schema)
        w.write_batch(b, custom_metadata={"sluice": '{"t":"rows"}', "more": "1"})
    r = pa.ipc.open_stream(cat(sink.getvalue(), "zstd"))
    b, meta = r.read_next_batch_with_custom_metadata()
    assert meta == {b"sluice": b'{"t":"rows"}'}, meta
    report(True, "metadata of schemas and messages")
except Exception as e:
    report(False, "metadata of schemas and messages", f"{type(e).__name__}: {e}")


def refuses(name, data, words):
    try:
        cat(data, "zstd")
        report(False, name, "it was read")
    except RuntimeError as e:
        report(words in str(e), name, e)


bad = pa.StringArray.from_buffers(2, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"),
                                  pa.py_buffer("ü".encode()))
refuses("text cut within a character", stream([batch(a=bad)]), "UTF-8")
refuses("invalid UTF-8", stream([batch(a=pa.StringArray.from_buffers(
    1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")))]), "UTF-8")



def prints(name, array, want):
    try:
        out = cat(stream([batch(a=array)]), "print").decode().split("\n")[1:-1]
        report(out == want, name, f"{out} is not {want}")
    except Exception as e:
        report(False, name, f"{type(e).__name__}: {e}")


prints("text of lists", pa.array([[1, None], [], None]), ["[1,null]", "[]", "NULL"])
prints("text of structs", pa.array([{"x": 1.5, "y": 'a"b'}, {"x": float("nan"), "y": None}]),
       ['{"x":1.5,"y":"a\\"b"}', '{"x":null,"y":null}'])
prints("text of maps", pa.array([[("k", dt.date(2026, 1, 2))]], pa.map_(pa.string(), pa.date32())),
       ['[{"key":"k","value":"2026-01-02"}]'])
prints("text of times", pa.array([3661, 0], pa.int32()).view(pa.time32("s")),
       ["01:01:01", "00:00:00"])
prints("text of finer times", pa.array([3661000001], pa.int64()).view(pa.time64("us")),
       ["01:01:01.000001"])
prints("text of durations", pa.array([-1500, 90061000], pa.int64()).view(pa.duration("ms")),
       ["-00:00:01.500", "25:01:01"])
prints("text of large decimals", pa.array([D("-1." + "0" * 19 + "5"), D(0), D(10)**50],
                                          pa.decimal256(76, 20)),
       ["-1." + "0" * 19 + "5", "0." + "0" * 20, "1" + "0" * 50 + "." + "0" * 20])
prints("text inside", pa.array([{"b": b"\x01", "u": 2**64 - 1, "i": -5, "f": True,
                                 "t": dt.datetime(2026, 1, 2), "d": D("1.50"), "h": 1.5}],
                               pa.struct([("b", pa.binary()), ("u", pa.uint64()),
                                          ("i", pa.int8()), ("f", pa.bool_()),
                                          ("t", pa.timestamp("ms")), ("d", pa.decimal128(5, 2)),
                                          ("h", pa.float16())])),
       ['{"b":"\\\\x01","u":18446744073709551615,"i":-5,"f":true,"t":"2026-01-02 00:00:00+00",'
        '"d":1.50,"h":1.5}'])
prints("text of unions", pa.UnionArray.from_dense(
    pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()),
    [pa.array([7]), pa.array(["z"])]), ["7", "z"])
prints("text of runs", pa.RunEndEncodedArray.from_arrays(
    pa.array([1, 3], pa.int16()), pa.array(["a", None])), ["a", "NULL", "NULL"])

deep = pa.int8()
for _ in range(60):
    deep = pa.list_(deep)
check("nested 60 deep", [batch(a=pa.nulls(3, deep))])

# ---- polars ----
try:
    import polars as pl
except ImportError:
    pl = None
if pl is None:
    print("# polars is missing")
else:
    def check_polars(name, frame, **options):
        try:
            for compression in ("uncompressed", "zstd", "lz4"):
                sink = io.BytesIO()
                frame.write_ipc_stream(sink, compression=compression, **options)
                for mode in ("copy", "zstd", "dict"):
                    out = cat(sink.getvalue(), mode)
                    got = pl.read_ipc_stream(io.BytesIO(out), use_pyarrow=False)
                    assert got.shape == frame.shape, f"{got.shape} {frame.shape}"
                    for c in frame.columns:
                        x = [plain(v) for v in frame[c].to_list()]
                        y = [plain(v) for v in got[c].to_list()]
                        assert x == y, f"{mode} {c} {frame[c].dtype}: {x[:5]} became {y[:5]}"
            report(True, name)
        except Exception as e:
            report(False, name, f"{type(e).__name__}: {e}")

    def check_ours(name, batches):
        """What sluice writes of batches, read by polars: all of it, batch after batch."""
        try:
            want = {c: [v for b in batches for v in values(b.column(c))]
                    for c in batches[0].schema.names}
            for mode in ("copy", "zstd", "dict"):
                out = cat(stream(batches), mode)
                got = pl.read_ipc_stream(io.BytesIO(out), use_pyarrow=False)
                for c, x in want.items():
                    y = got[c]
                    if isinstance(y.dtype, pl.Datetime):
                        y = y.dt.cast_time_unit("ns").to_physical()
                    y = [plain(v) for v in y.to_list()]
                    assert x == y, f"{mode} {c} {got[c].dtype}: " + next(
                        (f"row {k}: {p!r} became {q!r}" for k, (p, q) in enumerate(zip(x, y))
                         if p != q), "length")
            report(True, name)
        except Exception as e:
            report(False, name, f"{type(e).__name__}: {e}")

    def ours(k, rows):
        return batch(
            bool=pa.array(some(lambda: rng.random() < 0.5, rows), pa.bool_()),
            bigint=pa.array(some(lambda: rng.randrange(-2**63, 2**63), rows), pa.int64()),
            double=pa.array(some(lambda: rng.uniform(-1, 1), rows), pa.float64()),
            small=pa.array(some(lambda: D(rng.randrange(10**9)).scaleb(-2), rows),
                           pa.decimal64(12, 2)),
            large=pa.array(some(lambda: D(rng.randrange(10**30)).scaleb(-5), rows),
                           pa.decimal128(38, 5)),
            text=pa.array(some(text, rows), pa.string()),
            few=pa.array(some(lambda: f"v{k}{rng.randrange(3)}", rows),
                         pa.string()).dictionary_encode(),
            bytea=pa.array(some(lambda: text().encode() + b"\xff", rows), pa.binary()),
            ts=pa.array(some(lambda: rng.randrange(10**15), rows), pa.int64()).view(utc("us")),
            tn=pa.array(some(lambda: rng.randrange(10**18), rows), pa.int64()).view(utc("ns")),
            day=pa.array(some(lambda: dt.date(2026, 1, 2), rows), pa.date32()),
            json=pa.array(some(lambda: '{"a":1}', rows), pa.string()))

    check_ours("polars reads all types of many batches", [ours(k, 40) for k in range(6)])
    check_ours("polars reads an empty batch first", [ours(0, 0), ours(1, 40), ours(2, 0)])
    for newest in (True, False):
        level = "newest" if newest else "oldest"
        options = {"compat_level": pl.CompatLevel.newest() if newest else pl.CompatLevel.oldest()}
        words = some(text)
        check_polars(f"polars text, {level}", pl.DataFrame(
            {"s": words, "b": [None if w is None else w.encode() for w in words]}), **options)
        check_polars(f"polars numbers, {level}", pl.DataFrame({
            "i8": pl.Series(some(lambda: -5), dtype=pl.Int8),
            "u16": pl.Series(some(lambda: 65535), dtype=pl.UInt16),
            "u64": pl.Series(some(lambda: 2**64 - 1), dtype=pl.UInt64),
            "f32": pl.Series(some(lambda: 1.5), dtype=pl.Float32),
            "d": pl.Series(some(lambda: D("123.45")), dtype=pl.Decimal(20, 2)),
            "bool": some(lambda: rng.random() < 0.5)}), **options)
        check_polars(f"polars times, {level}", pl.DataFrame({
            "ms": pl.Series(some(lambda: dt.datetime(2026, 1, 2, 3, 4, 5)),
                            dtype=pl.Datetime("ms")),
            "ns": pl.Series(some(lambda: dt.datetime(2026, 1, 2)), dtype=pl.Datetime("ns", "UTC")),
            "day": some(lambda: dt.date(2026, 1, 2)),
            "time": some(lambda: dt.time(1, 2, 3)),
            "span": some(lambda: dt.timedelta(hours=3))}), **options)
        check_polars(f"polars categories, {level}", pl.DataFrame({
            "c": pl.Series(words, dtype=pl.Categorical),
            "e": pl.Series(some(lambda: rng.choice(["p", "q"])), dtype=pl.Enum(["p", "q"]))}),
            **options)
        check_polars(f"polars nested, {level}", pl.DataFrame({
            "l": some(lambda: [1, 2, None]),
            "s": some(lambda: {"x": 1, "y": "z"}),
            "a": pl.Series(some(lambda: [1, 2]), dtype=pl.Array(pl.Int16, 2)),
            "n": pl.Series([None] * 200, dtype=pl.Null)}), **options)

print(f"1..{number}")
sys.exit(failures != 0)

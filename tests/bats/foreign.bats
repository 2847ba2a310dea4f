# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Arrow as other programs write it: files and streams, compressed as they like.
load common

# Writes t.csv and the same rows as Arrow, by pyarrow and by Polars: file and stream, plain, lz4, zstd.
write_all() {
    "$SLUICE_ORACLE" - <<'PY'
import polars as pl, pyarrow as pa, pyarrow.feather as feather
n = 30000
t = pa.table({
    "id": pa.array([None if i % 997 == 0 else i * 31 for i in range(n)], pa.int64()),
    "name": pa.array([None if i % 5 == 0 else "n%d" % (i % 100) for i in range(n)]),
    "kind": pa.array(["abc"[i % 3] for i in range(n)]).dictionary_encode(),
    "x": pa.array([i * 0.25 for i in range(n)]),
})
for codec in None, "lz4", "zstd":
    options = pa.ipc.IpcWriteOptions(compression=codec)
    for kind, make in ("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream):
        with make(f"pa-{kind}-{codec}.arrow", t.schema, options=options) as w:
            for b in t.to_batches(max_chunksize=7000):
                w.write_batch(b)
feather.write_feather(t, "default.feather")
p = pl.from_arrow(t).with_columns(pl.col("kind").cast(pl.String)) # see below for categories
for codec in "uncompressed", "lz4", "zstd":
    p.write_ipc(f"pl-file-{codec}.arrow", compression=codec)
    p.write_ipc_stream(f"pl-stream-{codec}.arrow", compression=codec)
with open("t.csv", "w") as f:
    f.write("id,name,kind,x\n")
    for r in t.to_pylist():
        x = r["x"]
        f.write(",".join("" if v is None else repr(v) if isinstance(v, float) and v % 1 else
                         "%d" % v if isinstance(v, float) else str(v) for v in r.values()) + "\n")
PY
}

@test "files and streams of pyarrow and Polars are read, plain, lz4 and zstd" {
    need_oracle
    write_all
    for f in *.arrow default.feather; do
        sluice transform "$f" -O csv --quiet >got.csv
        cmp got.csv t.csv || { echo "$f"; head -n 3 got.csv; return 1; }
    done
    [ "$(printf '%s\n' *.arrow | wc -l)" = 12 ]
}

@test "a file of Arrow goes through a pipe, into a log, and partly to an aggregate" {
    need_oracle
    write_all
    sluice transform -O csv --quiet <pl-file-lz4.arrow | cmp - t.csv
    sluice transform -O csv --quiet < <(cat pa-file-lz4.arrow) | cmp - t.csv
    sluice ingest default.feather -o l/ --quiet
    sluice transform l/ -O csv --quiet | cmp - t.csv
    sluice aggregate default.feather --by kind --select 'count(*) as n, sum(id) as s' -O csv --quiet >a.csv
    sluice aggregate t.csv --by kind --select 'count(*) as n, sum(id) as s' -O csv --quiet | cmp - a.csv
}

@test "a file of Arrow that was cut is an error, and so is damage to lz4" {
    need_oracle
    "$SLUICE_ORACLE" - <<'PY'
import pyarrow as pa, random
t = pa.table({"v": ["value %d" % (i % 50) for i in range(20000)]})
for kind, make in ("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream):
    with make(f"{kind}.arrow", t.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as w:
        w.write_table(t)
data = bytearray(open("stream.arrow", "rb").read())
random.seed(5)
body = data.rindex(b"\x04\x22\x4d\x18") # of the texts; the first is of their ends
for i in range(40):
    bad = bytearray(data)
    bad[random.randrange(body, len(data) - 16)] ^= 1 << random.randrange(8)
    open("bad%d.arrow" % i, "wb").write(bad)
open("claims.arrow", "wb").write(data[:body - 8] + (1 << 30).to_bytes(8, "little") + data[body:])
PY
    for cut in 600 1000; do
        head -c $(($(stat -c %s file.arrow) - cut)) file.arrow >cut.arrow
        run -1 --separate-stderr sluice transform cut.arrow -O csv
        [[ $stderr == *"cut.arrow: the stream stops in the middle: the file is not whole"* ]]
    done
    sluice transform stream.arrow -O csv --quiet >want
    errors=0
    for f in bad*.arrow; do
        status=0
        sluice transform "$f" -O csv --quiet >got 2>err || status=$?
        [ "$status" = 1 ] && { errors=$((errors + 1)); continue; }
        [ "$status" = 0 ] && cmp -n 0 got want # lz4 as pyarrow writes it has no checksum
    done
    [ "$errors" -ge 5 ]
    run -1 --separate-stderr sluice transform claims.arrow -O csv
    [[ $stderr == *"compressed buffer is damaged: it claims more than it can hold"* ]]
}

@test "dictionaries that come last in a file, as Polars has them, are read from its footer" {
    need_oracle
    "$SLUICE_ORACLE" - <<'PY'
import polars as pl
p = pl.DataFrame({"k": ["a", "b", "a"], "c": ["x", None, "y"], "n": [1, 2, 3]},
                 schema={"k": pl.Categorical, "c": pl.Enum(["y", "x"]), "n": pl.Int64})
p.write_ipc("cat.arrow")
p.write_ipc_stream("cat.arrows")
data = open("cat.arrow", "rb").read()
open("nofoot.arrow", "wb").write(data[:-10])
n = int.from_bytes(data[-10:-6], "little")
foot = len(data) - 10 - n
for i in range(8 * n):
    bad = bytearray(data)
    bad[foot + i // 8] ^= 1 << i % 8
    if i % 37 == 0:
        open("bad%d.arrow" % i, "wb").write(bad)
PY
    for f in cat.arrow cat.arrows; do
        [ "$(sluice transform $f -O csv --quiet)" = $'k,c,n\na,x,1\nb,,2\na,y,3' ]
    done
    [ "$(sluice transform -O csv --quiet <cat.arrow)" = $'k,c,n\na,x,1\nb,,2\na,y,3' ]
    run -1 --separate-stderr sluice transform nofoot.arrow -O csv
    [[ $stderr == *"nofoot.arrow: "*"comes before its dictionary; in a file dictionaries may come last: write it as a stream"* ]]
    for f in bad*.arrow; do
        status=0
        sluice transform $f -O csv --quiet >got 2>err || status=$?
        [ "$status" = 1 ] || [ "$(cat got)" = $'k,c,n\na,x,1\nb,,2\na,y,3' ] || { echo "$f $status"; cat got err; return 1; }
    done
}

@test "jsonb that repeats is no dictionary in a pipe or a segment: pyarrow has no such type" {
    need_oracle
    awk 'BEGIN { for (i = 0; i < 40000; i++) printf "{\"i\":%d,\"j\":[1,%d]}\n", i, i % 3 }' >t.json
    sluice transform t.json --set 'k = i + 1' --quiet >pipe.arrows
    sluice ingest t.json -o l/ --segment-size 64K --quiet
    sluice ingest pipe.arrows -o m/ --segment-size 64K --quiet
    "$SLUICE_ORACLE" - pipe.arrows "$(ls l/0000/*.arrows | head -n 1)" "$(ls m/0000/*.arrows | head -n 1)" <<'PY'
import sys, pyarrow as pa
for path in sys.argv[1:]:
    t = pa.ipc.open_stream(path).read_all()
    assert t.num_rows > 1000, (path, t.num_rows)
    assert t["j"].to_pylist()[:3] == ["[1,0]", "[1,1]", "[1,2]"], t["j"][:3]
PY
}

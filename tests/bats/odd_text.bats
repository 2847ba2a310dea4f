# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Text that is odd: other encodings, JSON that is not of lines, bytes and widths that are rare.
load common

@test "text in UTF-16 or UTF-32 is named, with what makes it UTF-8" {
    local e
    for e in UTF-16 UTF-16LE UTF-16BE; do
        printf 'a,b\n1,2\n' | iconv -f UTF-8 -t "$e" >t.csv
        run -1 --separate-stderr sluice transform t.csv -O csv
        [[ $stderr == *"t.csv: the text is $e, and is read as UTF-8; iconv -f $e -t UTF-8 makes it that" ]]
        [ "$(iconv -f "$e" -t UTF-8 t.csv | sluice transform -I csv -O csv --quiet)" = $'a,b\n1,2' ]
    done
    printf '{"a":1}\n' | iconv -f UTF-8 -t UTF-32 >t.json
    run -1 --separate-stderr sluice transform t.json -O csv
    [[ $stderr == *"t.json: the text is UTF-32,"* ]]
    printf 'caf\xe9,b\n1,2\n' >l.csv
    run -1 --separate-stderr sluice transform l.csv -O csv
    [[ $stderr == *"l.csv:1: the header is not valid UTF-8"*latin1* ]]
}

@test "JSON over several lines and arrays of objects get the jq that makes them lines" {
    printf '{\n  "a": 1\n}\n' >p.json
    run -1 --separate-stderr sluice transform p.json -O csv
    [[ $stderr == *"p.json:1: an object goes over several lines; jq -c . makes it one"* ]]
    [ "$(jq -c . p.json | sluice transform -I json -O csv --quiet)" = $'a\n1' ]
    printf '[{"a":1},\n{"a":2}]\n' >a.json
    run -1 --separate-stderr sluice transform a.json -O csv
    [[ $stderr == *"a.json:1: an array, not an object; jq -c '.[]' makes its items lines"* ]]
    [ "$(jq -c '.[]' a.json | sluice transform -I json -O csv --quiet)" = $'a\n1\n2' ]
}

@test "NUL bytes in a field are kept" {
    printf 'a,b\n1\0002,3\n' >t.csv
    sluice transform t.csv --where 'b = 3' -O csv --quiet | cmp - t.csv
    sluice ingest t.csv -o l/ --quiet
    sluice replay l/ -O csv --quiet | cmp - t.csv
}

@test "5,000 columns go through a log, and out as they were" {
    awk 'BEGIN { for (r = 0; r < 50; r++) for (i = 1; i <= 5000; i++) printf "%s%s", r ? i * r : "c" i, i < 5000 ? "," : "\n" }' >wide.csv
    sluice ingest wide.csv -o l/ --quiet
    sluice replay l/ -O csv --quiet | cmp - wide.csv
    [ "$(sluice aggregate l/ --select 'sum(c5000)' -O csv --quiet | tail -n 1)" = 6125000 ]
}

@test "a name promises what the file is: .gz and .zst are written, .bz2 and .xz are refused" {
    printf 'a,b\n1,x\n' >t.csv
    local s
    for s in gz zst zstd; do
        sluice transform t.csv -o "out.csv.$s" --quiet
        [ "$(sluice transform "out.csv.$s" -O csv --quiet)" = $'a,b\n1,x' ]
    done
    gzip -t out.csv.gz
    zstd -tq out.csv.zst
    for s in bz2 xz; do
        run -2 --separate-stderr sluice transform t.csv -o "out.csv.$s"
        [[ $stderr == *"out.csv.$s: .$s is read, but not written; .gz and .zst are"* ]]
        [ ! -e "out.csv.$s" ]
    done
}

@test "compressed text is known by its first bytes, under any name and on standard input" {
    printf 'a,b\n1,x\n' >t.csv
    local c
    for c in gzip zstd bzip2 xz; do
        command -v "$c" >/dev/null || continue
        "$c" -c t.csv >plain.csv
        [ "$(sluice transform plain.csv -O csv --quiet)" = $'a,b\n1,x' ]
        [ "$(sluice transform -O csv --quiet <plain.csv)" = $'a,b\n1,x' ]
        [ "$("$c" -c t.csv | sluice transform -I csv -O csv --quiet)" = $'a,b\n1,x' ]
    done
    sluice ingest t.csv -o l/ --quiet
    [ "$(sluice replay l/ --quiet | zstd -q | sluice transform -O csv --quiet)" = $'a,b\n1,x' ]
}

@test "a table is aligned by the width of what is seen, and cut to the terminal" {
    need_oracle
    command -v script >/dev/null || skip "no script(1) to make a terminal"
    printf 'name,n,v\n日本語,1,x\ne\xcc\x81a,22,😀 smile\n\x1b[31mred\x1b[0m,4,\x07bell\n"a\tb",5,"c\nd"\n' >t.csv
    printf '%s\n' 'name                 n  v' '------------------  --  --------' '日本語               1  x' \
        $'e\u0301a                  22  😀 smile' '\x1b[31mred\x1b[0m   4  \x07bell' 'a\tb                 5  c\nd' >want.txt
    sluice transform t.csv -O table --quiet | diff - want.txt
    script -qec "stty cols 24; '$SLUICE' transform t.csv --quiet" /dev/null | tr -d '\r' >cut.txt
    "$SLUICE_ORACLE" - <<'PY'
import unicodedata
lines = open("cut.txt", encoding="utf-8").read().splitlines()
width = lambda s: sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in s)
assert len(lines) == 6 and max(map(width, lines)) <= 24, lines
assert any("…" in l for l in lines) and "日本語" in lines[2], lines
assert not any(ord(c) < 32 for l in lines for c in l), lines
PY
}

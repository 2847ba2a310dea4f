# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Text as it comes: odd files, and what is said about them.
load common

@test "a record longer than the sample is read whole, in the header and behind it" {
    head -c 1500000 /dev/zero | tr '\0' x >x
    timeout 20 "$SLUICE" transform x -I csv -O csv --quiet >out
    [ "$(wc -c <out)" = 1500001 ]
    { printf 'a,b\n1,' && cat x && printf '\n2,y\n'; } >long.csv
    timeout 20 "$SLUICE" transform long.csv -O csv 2>err | cmp - long.csv
    grep -F "'a bigint, b text'" err
}

@test "a record beyond the limit is an error that names file and line" {
    { printf 'a\n1\n' && head -c 17825792 /dev/zero | tr '\0' x; } >long.csv
    run -1 --separate-stderr timeout 20 "$SLUICE" transform long.csv -O csv
    [[ $stderr == *"long.csv:3: the record is longer than 16 MiB"* ]]
    head -c 17825792 /dev/zero | tr '\0' x >long.csv
    run -1 --separate-stderr timeout 20 "$SLUICE" transform long.csv -O csv
    [[ $stderr == *"long.csv:1: the header is longer than 16 MiB"* ]]
}

@test "a time that no expression touches keeps its bytes too" {
    printf 'ts,v\n2024-01-01T00:00:00.50Z,1\n2024-01-01T02:00:00+01:00,2\n' >t.csv
    sluice transform t.csv --where 'v > 0' -O csv --quiet | cmp - t.csv
    [ "$(sluice transform t.csv --select 'ts' --where 'v = 2' -O csv --quiet | tail -n 1)" = "2024-01-01T02:00:00+01:00" ]
    [ "$(sluice transform t.csv --where "ts > '2024-01-01 00:30'" -O csv --quiet | tail -n 1)" = "2024-01-01 01:00:00+00,2" ]
}

@test "a row that an expression cannot take is named by its line, and set aside as it was" {
    printf 'a,b\n4,x\n0,y\n2,z\n' >t.csv
    run -1 --separate-stderr sluice transform --set 'a = 8 / a' t.csv -O csv
    [[ $stderr == *"t.csv:3: column a: division by zero"* ]]
    run -3 sluice transform --select '8 / a as c' t.csv --rejects bad.json -O csv --quiet
    [[ $(cat bad.json) == '{"raw":"0,y","reason":"division by zero","column":"c"'*'"line":3,"byte":8,"partition":null'* ]]
    sluice ingest t.csv -o l/ --quiet
    run -3 sluice transform --select '8 / a as c' l/ --rejects bad2.json -O csv --quiet
    [[ $(cat bad2.json) == *'\"b\":\"y\"'*'"partition":0,"offset":1'* ]]
}

@test "a gzip file whose checksum does not fit is an error; several members are one text" {
    seq 1 1000 | sed '1i n' | gzip >t.csv.gz
    [ "$(sluice aggregate t.csv.gz -O csv --quiet | tail -n 1)" = 1000 ]
    seq 1001 1100 | gzip | cat t.csv.gz - >two.csv.gz
    [ "$(sluice aggregate two.csv.gz -O csv --quiet | tail -n 1)" = 1100 ]
    for part in t two; do # that of the only member, and that of the first of two
        printf '\x55\xaa' | dd of=$part.csv.gz bs=1 seek=$(($(stat -c %s t.csv.gz) - 7)) conv=notrunc status=none
        run -1 --separate-stderr sluice aggregate $part.csv.gz -O csv
        [[ $stderr == *"$part.csv.gz: byte "*"checksum does not fit (member 1, from byte 0)"* ]]
    done
}

@test "what follows the last member of gzip is an error that says where" {
    seq 1 1000 | sed '1i n' | gzip >t.csv.gz
    size=$(stat -c %s t.csv.gz)
    echo garbage >>t.csv.gz
    run -1 --separate-stderr sluice aggregate t.csv.gz -O csv
    [[ $stderr == *"t.csv.gz: byte $size: what follows the 1 member of gzip here is none"* ]]
    run -1 --separate-stderr sluice aggregate -I csv -O csv <t.csv.gz
    [[ $stderr == *"what follows the 1 member of gzip"* ]]
    truncate -s "$size" t.csv.gz
    truncate -s +100 t.csv.gz
    [ "$(sluice aggregate t.csv.gz -O csv --quiet | tail -n 1)" = 1000 ]
}

@test "zstd cut short, damaged or followed by something else is an error that names the file" {
    seq 1 100000 | sed '1i n' | zstd -q >t.csv.zst
    cat t.csv.zst >two.csv.zst
    seq 1 10 | zstd -q >>two.csv.zst
    [ "$(sluice aggregate two.csv.zst -O csv --quiet | tail -n 1)" = 100010 ]
    size=$(stat -c %s t.csv.zst)
    head -c $((size - 100)) t.csv.zst >cut.csv.zst
    head -c $((size - 2)) t.csv.zst >tail.csv.zst
    { cat t.csv.zst && echo garbage; } >more.csv.zst
    { head -c $((size / 2)) t.csv.zst && printf 'xyz' && tail -c +$((size / 2 + 4)) t.csv.zst; } >bad.csv.zst
    for f in cut tail more bad; do
        run -1 --separate-stderr sluice aggregate $f.csv.zst -O csv
        [[ $stderr == *"$f.csv.zst: "*"damaged compressed data"* ]] || { echo "$f: $stderr"; return 1; }
    done
}

# What comes out of `transform -f` before the next piece is typed: PIECE, LINES so far, ...
typed() { # OPTION... -- PIECE LINES ...
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    mkfifo in
    "$SLUICE" transform -f -I csv -O csv --quiet "${options[@]}" <in >out 3>&- &
    pids+=($!)
    exec 7>in
    while [ $# -gt 0 ]; do
        printf "$1" >&7
        [ "$2" = 0 ] || until_true has_lines out "$2" || { echo "after '$1': $(cat out)"; return 1; }
        shift 2
    done
    exec 7>&-
    ends_with 0 "${pids[-1]}"
}

@test "a row typed with CR for its end comes out at once, and CR LF may come in two pieces" {
    typed -- 'a,b\r' 0 '1,2\r' 2 '3,4\r' 3 '5,6\r' 4
    [ "$(tr '\n' ' ' <out)" = "a,b 1,2 3,4 5,6 " ]
    rm in
    typed -- 'a,b\r' 0 '\n1,2\r' 0 '\n' 2 '3,4\r\n5,6\r' 3 '\n' 4
    [ "$(tr '\n' ' ' <out)" = "a,b 1,2 3,4 5,6 " ]
    rm in
    typed --no-header -- '1,2\r' 0 '\n' 2 '3,4\r' 0 '\n' 3
    [ "$(tr '\n' ' ' <out)" = "c1,c2 1,2 3,4 " ]
}

@test "a header of several lines does not settle the types alone" {
    mkfifo in
    "$SLUICE" transform -f -I csv -O csv <in 2>err >out 3>&- &
    pids+=($!)
    exec 7>in
    printf 'a,"b\nc"\n' >&7
    read -r -t 0.1 <> <(:) || true # a pause of the input, which nothing outside shows
    printf '1,2\n' >&7
    exec 7>&-
    ends_with 0 "${pids[-1]}"
    grep -F "'a bigint, " err
    grep -F "c\" bigint'" err
}

# Writes t.csv, whose records are of one line, of two, short, and blank, and `want`: line and byte of
# those that are short or whose a is 0.
odd_records() { # RECORDS
    awk -v n="$1" 'function put(s) { printf "%s", s > "t.csv"; byte += length(s) }
        BEGIN { line = 1; put("a,b\n"); line++
            for (i = 1; i <= n; i++) {
                if (i % 13 == 0) { put("\n"); line++ }
                if (i % 7 == 0 || i % 11 == 0) print line, byte > "want"
                if (i % 11 == 0) { put("short\n"); line++ }
                else if (i % 5 == 0) { put(i % 7 ",\"two\nlines\"\n"); line += 2 }
                else { put(i % 7 ",x" i "\n"); line++ }
            } }'
}

@test "rows that expressions reject have their line and byte, among records of several lines too" {
    odd_records 200000 # more than one block
    run -3 sluice transform --where "b <> 'x3'" --set 'c = 8 / a' --rejects bad.json -O csv --quiet -j 2 t.csv
    jq -r '"\(.line) \(.byte)"' bad.json | sort -n >got
    cmp got want
    run -3 sluice aggregate --select 'sum(8 / a)' --rejects live.json -I csv -f -O csv --quiet < <(cat t.csv)
    jq -r '"\(.line) \(.byte)"' live.json | sort -n | cmp - want
    run -3 sluice transform --where 'a / a > 0' --rejects crlf.json -O csv --quiet < <(sed 's/$/\r/' t.csv)
    jq -r .line crlf.json | sort -n | cmp - <(cut -d' ' -f1 want)
}

@test "the first bad row ends the run, whoever finds it bad" {
    printf 'a,b\n1,"x\ny"\n0,z\nshort\n0,w\n' >t.csv
    run -1 --separate-stderr sluice transform --set 'c = 8 / a' --set 'd = 8 / (a - 1)' t.csv -O csv
    [[ $stderr == *"t.csv:2: column d: division by zero"* ]]
    run -1 --separate-stderr sluice transform --set 'c = 8 / a' t.csv -O csv
    [[ $stderr == *"t.csv:4: column c: division by zero"* ]]
    printf '{"a":1}\n\n[\n{"a":0}\n' >t.json
    run -3 sluice transform --set 'c = 8 / a' --rejects bad.json t.json -O csv --quiet
    [ "$(jq -c '[.line, .byte, .raw]' bad.json | tr '\n' ' ')" = '[3,9,"["] [4,11,"{\"a\":0}"] ' ]
}

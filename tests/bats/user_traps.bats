# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Situations in which rows, digits or times are easily lost without a word.
load common

@test "late rows are those that lie behind the watermark of the rows before them, on every path" {
    need_oracle
    # late.csv, and in want.csv each window's rows by the rule, with the number of late rows last
    "$SLUICE_ORACLE" - <<'PY'
import random
random.seed(5)
D, W, t, most, late, windows = 5, 10, 0.0, -10**9, 0, {}
with open("late.csv", "w") as f:
    f.write("ts\n")
    for i in range(20000):
        t += random.expovariate(3)
        at = max(0, int((t - random.expovariate(1 / 6)) * 1000))
        f.write(f"2026-01-01T{at // 3600000:02}:{at // 60000 % 60:02}:{at // 1000 % 60:02}.{at % 1000:03}Z\n")
        end = (at // (W * 1000) + 1) * W * 1000
        if end <= most - D * 1000:
            late += 1
        else:
            windows[end] = windows.get(end, 0) + 1
        most = max(most, at)
with open("want.csv", "w") as f:
    for end, n in sorted(windows.items()):
        f.write(f"{end // 1000},{n}\n")
    f.write(f"late {late}\n")
PY
    sluice ingest late.csv -o l/ --quiet
    local line
    for line in 'sluice aggregate --out-of-order 5s $w -j 1 late.csv' \
        'sluice aggregate --out-of-order 5s $w -j 4 late.csv' \
        'sluice aggregate --out-of-order 5s $w -I csv -f <late.csv' \
        'sluice aggregate --out-of-order 5s $w -j 3 l/' \
        'sluice replay --out-of-order 5s l/ --quiet | sluice transform --quiet | sluice aggregate $w'; do
        local w="--window '10 seconds' --select 'extract(epoch from max(ts)), count(*)' -O csv"
        run -3 --separate-stderr bash -c "${line//\$w/$w}"
        awk -F, 'NR > 1 { split($2, t, /[ :+]/); print t[2] * 3600 + t[3] * 60 + t[4] "," $4 }' <<<"$output" >got.csv
        grep -oE '[0-9,]+ late' <<<"$stderr" | tail -n 1 | tr -d , | awk '{ print $2, $1 }' >>got.csv
        cmp got.csv want.csv
    done
}

@test "nanoseconds decide the window of a row, and whether it is late" {
    printf 'ts,v\n2026-01-01T00:00:59.999999999Z,1\n2026-01-01T00:01:00.000000000Z,2\n2026-01-01T00:01:00.000000001Z,4\n' >ns.csv
    run -0 --separate-stderr sluice aggregate ns.csv --window '1 minute' --select 'sum(v), max(ts)' -O csv --quiet
    [[ ${lines[1]} == *",1,2026-01-01 00:00:59.999999999+00" ]]
    [[ ${lines[2]} == *",6,2026-01-01 00:01:00.000000001+00" ]]
    printf 'ts,v\n2026-01-01T00:01:00Z,2\n2026-01-01T00:00:59.999999999Z,1\n' >back.csv
    run -3 --separate-stderr sluice aggregate back.csv --out-of-order 0s --window '1 minute' --select 'sum(v)' -O csv --quiet
    [ "${#lines[@]}" = 2 ]
    [[ ${lines[1]} == *,2 ]]
}

@test "windows of a file that is read to its end all close, the last one too, with -f as without" {
    printf 'at,v\n2026-01-01T00:00:10Z,1\n2026-01-01T00:05:00Z,2\n' >t.csv
    sluice aggregate t.csv --window '1 minute' -O csv --quiet >file.csv
    sluice aggregate -f -I csv --window '1 minute' -O csv --quiet <t.csv | cmp - file.csv
    [ "$(wc -l <file.csv)" = 3 ]
}

@test "a row from a clock that runs ahead makes later ones late, and every one is counted" {
    printf 'at\n2026-01-01T00:00:10Z\n2036-01-01T00:00:00Z\n2026-01-01T00:00:20Z\n2026-01-01T00:01:30Z\n' >t.csv
    run -3 --separate-stderr sluice aggregate -f -I csv --window '1 minute' -O csv <t.csv
    [ "${#lines[@]}" = 3 ]
    [[ $stderr == *"2 late"* ]]
    run -0 --separate-stderr sluice aggregate t.csv --window '1 minute' -O csv --quiet
    [ "${#lines[@]}" = 4 ]
}

@test "a file that is named is read at once, though standard input stays open" {
    printf 'n\n1\n' >n.csv
    mkfifo in
    exec 7<>in
    [ "$(timeout 20 "$SLUICE" transform n.csv -O csv --quiet <in)" = $'n\n1' ]
}

@test "standard input under every name it has" {
    printf 'n\n1\n2\n' >n.csv
    local name
    for name in - /dev/stdin /dev/fd/0; do
        sluice transform -I csv "$name" -O csv --quiet <n.csv | cmp - n.csv
        cat n.csv | sluice transform -I csv "$name" -O csv --quiet | cmp - n.csv
    done
    sluice transform -I csv <(cat n.csv) -O csv --quiet | cmp - n.csv
}

@test "a terminal of no width, or of one column: a table, a summary, no crash" {
    script -qec true /dev/null >/dev/null 2>&1 || skip "script does not run here"
    printf 'name,n\nlong enough,1\n' >t.csv
    local columns
    for columns in 0 1 2; do
        run -0 script -qec "stty cols $columns; '$SLUICE' tail t.csv" /dev/null
        [[ $output == *'1 row, 0 rejected'* ]]
    done
}

@test "numbers that nobody computes with print as they came: octal-like, signed, hex, long ones" {
    printf 'a,b,c,d,e\n07,+1,0x1F,12345678901234567890123,1.10\n08,-0,1e3,0.10,1_000\n' >t.csv
    sluice transform t.csv --where "a <> 'x'" -O csv --quiet | cmp - t.csv
    sluice ingest t.csv -o l/ --quiet
    [ "$(sluice tail l/ --where "a = '08'" -O csv --quiet | tail -n 1 | cut -d , -f 1,5)" = 08,1_000 ]
    [ "$(sluice transform t.csv --set 'n = a::bigint' --select n -O csv --quiet)" = $'n\n7\n8' ]
}

@test "differences of nanosecond stamps and ids beyond 2^53 are exact, in CSV and JSON" {
    echo '{"a":1700000000123456789,"b":1700000000123456670,"c":9007199254740993}' >t.json
    [ "$(sluice transform t.json --set 'd = a - b, e = c + 0' --select 'd, e' -O json --quiet)" = '{"d":119,"e":9007199254740993}' ]
    printf 'a,b\n1700000000123456789,1700000000123456670\n' >t.csv
    [ "$(sluice aggregate t.csv --select 'sum(a - b) as d, sum(a) as s' -O csv --quiet)" = $'d,s\n119,1700000000123456789' ]
}

@test "not a number equals itself and sorts last, minus zero groups with zero, nulls are one group" {
    printf 'v,w\nNaN,1\n1,1\n-0.0,1\n0.0,1\n,1\nNaN,1\n-Infinity,1\n,1\n' >t.csv
    run -0 --separate-stderr sluice aggregate t.csv --types 'v double precision' --by v -O csv --quiet
    [ "$output" = $'v,count\n-Infinity,1\n0,2\n1,1\nNaN,2\n,2' ]
}

@test "text orders by bytes, whatever the locale" {
    printf 's\nb\nB\n\303\244\na\nZ\n' >t.csv
    [ "$(LC_ALL=de_DE.UTF-8 sluice aggregate t.csv --by s -O csv --quiet | cut -d , -f 1 | tr '\n' ' ')" = "s B Z a b ä " ]
}

@test "offsets of a time in every form; the fraction is kept, behind a comma too" {
    printf 't\n2015-03-05T23:51:47.123-0400\n2015-03-05T23:51:47-04:00\n"2015-03-05 23:51:47,250+04"\n2015-03-05T23:51:47.5Z\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv --select 'extract(epoch from t) * 1000 as e' -O csv --quiet
    [ "$(printf '%s\n' "${lines[@]:1}" | sed 's/\..*//' | tr '\n' ' ')" = "1425613907123 1425613907000 1425585107250 1425599507500 " ]
    printf 't\n05/Mar/2015:23:51:47 -0400\n05/Mar/2015:23:51:47 +0530\n' >z.csv
    [ "$(sluice transform z.csv --time t --time-format '%d/%b/%Y:%H:%M:%S %z' -O csv --quiet | tail -n +2 | tr '\n' ' ')" = "2015-03-06 03:51:47+00 2015-03-05 18:21:47+00 " ]
}

@test "times of several zones in one column, and a sentinel far ahead, keep their instants" {
    printf 't\n2026-03-29 02:30:00+03:00\n2026-10-25T02:30:00Z\n9999-12-31 00:00:00Z\n' >t.csv
    [ "$(sluice transform t.csv --set 't = coalesce(t, now())' -O csv --quiet | tail -n +2 | tr '\n' ' ')" = "2026-03-28 23:30:00+00 2026-10-25 02:30:00+00 9999-12-31 00:00:00+00 " ]
}

@test "a range of time takes each row that lies in it, in a log that is out of order too" {
    printf 'ts,k\n2026-01-01T00:05:00Z,1\n2026-01-01T00:01:00Z,2\n2026-01-01T00:06:00Z,3\n2026-01-01T00:02:00Z,4\n' >t.csv
    sluice ingest t.csv -o l/ --quiet
    [ "$(sluice replay l/ --from 2026-01-01T00:02:00Z --to 2026-01-01T00:05:30Z -O json --quiet | grep -o '"k":.' | tr '\n' ' ')" = '"k":1 "k":4 ' ]
}

@test "a header of names that repeat loses no column; rows of another width lose no field" {
    printf 'a,a,b\n1,2,3\n4,5\n6,7,8,9\n' >t.csv
    run -3 --separate-stderr sluice transform t.csv --rejects bad.json -O csv
    [ "$output" = $'a,a_2,b\n1,2,3' ]
    [[ $stderr == *"repeated names renamed"*"1 row, 2 rejected"* ]]
    [ "$(grep -o '"raw":"[^"]*"' bad.json | tr '\n' ' ')" = '"raw":"4,5" "raw":"6,7,8,9" ' ]
}

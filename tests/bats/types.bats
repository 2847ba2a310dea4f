# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Types: what is inferred, what is kept, what widens, what is rejected.
load common

@test "007, +1, a 20-digit id and 1e3x are text and keep every byte" {
    printf 'a,b,c,d\n007,+1,12345678901234567890,1e3x\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv -O csv
    [ "${lines[1]}" = '007,+1,12345678901234567890,1e3x' ]
    run -0 --separate-stderr sluice transform t.csv -O json
    [ "$output" = '{"a":"007","b":"+1","c":"12345678901234567890","d":"1e3x"}' ]
}

@test "decimals are exact: sums of cents come out to the cent" {
    { echo p; for _ in $(seq 1 1000); do printf '0.10\n0.20\n'; done; } >t.csv
    run -0 --separate-stderr sluice aggregate t.csv --select 'sum(p) as s' -O csv
    [ "$output" = $'s\n300.00' ]
}

@test "columns that no expression touches go from CSV to CSV byte for byte" {
    printf 'a,b\n1.50,2020-01-01T00:00:00Z\n2,x\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv --where "b <> 'y'" -O csv
    [ "$output" = $'a,b\n1.50,2020-01-01T00:00:00Z\n2,x' ]
}

@test "from JSON to JSON too: numbers, strings and times keep their bytes, values their kinds" {
    cat >t.json <<'J'
{"id":1,"n":1.50,"x":1e2,"s":"\u00e9\/","t":"2026-01-01T00:00:00+02:00","m":1e999,"a":[1.0, 2]}
{"id":2,"n":-0,"x":true,"s":"007","t":"2026-01-01 00:00:00","m":"1e999","a":{}}
{"id":12345678901234567890123,"n":100000000000000000000.0,"x":"1","s":"","t":null,"m":0.10,"a":null}
J
    sluice transform t.json --where "s is null or s <> 'x'" --drop s -O json --quiet >out
    sed 's/"s":"[^"]*",//' t.json | cmp - out
    sluice transform t.json -O json --quiet | cmp - t.json
}

@test "an empty field is null, a quoted empty one is empty text" {
    printf 'a,b\n,1\n"",2\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv --where 'a is null' -O csv
    [ "$output" = $'a,b\n,1' ]
    run -0 --separate-stderr sluice transform t.csv --where "a = ''" -O csv
    [ "$output" = $'a,b\n"",2' ]
}

@test "the line that pins the assumed types is said once, and pins them" {
    printf 'id,at,price\n1,2026-01-01T10:00:00Z,1.25\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv -O csv
    local pin
    pin=$(sed -n "s/.*--types '\(.*\)'.*/\1/p" <<<"$stderr")
    [ -n "$pin" ]
    run -0 --separate-stderr sluice transform t.csv --types "$pin" -O csv
    [[ $stderr != *--types* ]]
}

@test "a declared type rejects what does not fit, with line and column" {
    printf 'a,b\n1,2\n3,x\n' >t.csv
    run -1 --separate-stderr sluice transform t.csv --types 'b bigint' -O csv
    [[ $stderr == *t.csv:3:2:* ]]
}

@test "a declared type whose limit no column would keep is refused, with what to write" {
    printf 'a,b\n1,2\n' >t.csv
    local type
    for type in smallint integer int real 'varchar(3)' 'char(3)' 'timestamptz(3)'; do
        run -2 --separate-stderr sluice transform t.csv --types "a $type" -O csv
        [[ $stderr == *"type $type has a limit that would not be kept; write "* ]]
    done
}

@test "a cast to smallint or integer rejects what does not fit" {
    printf 'a\n-32768\n32768\n2147483648\n' >t.csv
    run -3 --separate-stderr sluice transform t.csv --select 'a::smallint as a' --rejects bad.json -O csv
    [ "$output" = $'a\n-32768' ]
    [ "$(jq -r .line bad.json | xargs)" = '3 4' ]
    run -1 --separate-stderr sluice transform t.csv --where 'a > 0' --select 'a::integer' -O csv
    [[ $stderr == *"t.csv:4: column a: value out of range for type integer"* ]]
}

@test "a cast to varchar or char cuts" {
    printf 'a\nabcdef\nüöä\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv -O csv \
        --select 'a::varchar(2) as v, a::char(3) as c, a::char as o'
    [ "$output" = $'v,c,o\nab,abc,a\nüö,üöä,ü' ]
}

@test "--rejects keeps bad rows whole and the run ends with 3" {
    printf 'a,b\n1,2\n3,x\n5,6\n' >t.csv
    run -3 --separate-stderr sluice transform t.csv --types 'b bigint' --rejects bad.json -O csv
    [ "$output" = $'a,b\n1,2\n5,6' ]
    [ "$(jq -r '[.raw, .column, .source, .line] | @tsv' bad.json)" = $'3,x\tb\tt.csv\t3' ]
}

@test "--max-rejects ends the run beyond that many" {
    printf 'a\nx\ny\nz\n' >t.csv
    run -1 --separate-stderr sluice transform t.csv --types 'a bigint' --rejects bad.json --max-rejects 2 -O csv
    [[ $stderr == *--max-rejects* ]]
}

@test "a log widens when a later value does not fit: from a file" {
    { echo v; seq 1 20000; echo 1.5; echo hello; } >t.csv
    sluice ingest t.csv -o l/ --quiet
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$(wc -l <<<"$output")" -eq 20003 ]
    [ "$(tail -n 1 <<<"$output")" = hello ]
    [ "$(sed -n 20002p <<<"$output")" = 1.5 ]
    [ "$(sed -n 2p <<<"$output")" = 1 ]
}

@test "a log widens when a later value does not fit: from a pipe" {
    { echo v; seq 1 20000; echo hello; } | sluice ingest -I csv -o l/ --quiet
    run -0 --separate-stderr sluice tail -n 2 l/ -O csv --quiet
    [ "$output" = $'v\n20000\nhello' ]
}

@test "a number in a column that becomes text has one text, however the input is cut" {
    { echo 'v,t,u'; seq 30000 | awk '{ print (NR % 2 ? "7.0" : NR % 3 ? "2.50" : "-0") ",2026-01-01T00:00:00Z,2026-01-01T00:00:00Z" }'
        echo 1e5x,now,; seq 20000 | awk '{ print (NR % 4 == 1 ? "70e-1" : NR % 2 ? "7" : "2.5") ",2026-01-01 01:00:00+01:00," }'; } >t.csv
    local want=$'v,t,n\n0,2026-01-01 00:00:00+00,5000\n1e5x,now,1\n2.5,2026-01-01 00:00:00+00,20000\n7,2026-01-01 00:00:00+00,25000'
    sluice ingest t.csv -j2 -o file/ --quiet
    sluice ingest <(dd if=t.csv bs=333 status=none) -I csv -j1 -o small/ --quiet
    local log
    for log in file small; do
        run -0 --separate-stderr sluice aggregate $log/ --by v,t --select 'count(*) as n' -O csv --quiet
        [ "$output" = "$want" ]
    done
}

@test "elsewhere a value that does not fit is a bad row that names the --types" {
    { echo v; seq 1 20000; echo hello; } >t.csv
    run -1 --separate-stderr sluice aggregate t.csv --select 'sum(v)' -O csv
    [[ $stderr == *t.csv:20002:1:* ]]
    [[ $stderr == *--types* ]]
}

@test "nested JSON becomes dotted columns, arrays jsonb, missing keys null" {
    printf '%s\n' '{"a":{"b":1,"c":"x"},"d":[1,2]}' '{"a":{"b":2}}' >t.json
    run -0 --separate-stderr sluice transform t.json -O csv
    [ "$output" = $'a.b,a.c,d\n1,x,"[1,2]"\n2,,' ]
}

@test "JSON escapes and surrogate pairs are read" {
    printf '%s\n' '{"s":"q\"\\\u00fc\ud83d\ude00\n"}' >t.json
    run -0 --separate-stderr sluice transform t.json --set 'n = length(s)' --select n -O csv
    [ "$output" = $'n\n6' ]
}

@test "a new JSON key in a log becomes a column" {
    printf '%s\n' '{"a":1}' >one.json
    printf '%s\n' '{"a":2,"b":"x"}' >two.json
    sluice ingest one.json -o l/ --quiet
    sluice ingest two.json -o l/ --quiet
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'a,b\n1,\n2,x' ]
}

@test "invalid UTF-8 is a reject" {
    printf 'a\nok\n\xff\xfe\n' >t.csv
    run -1 --separate-stderr sluice transform t.csv -O csv
    [[ $stderr == *t.csv:3:* ]]
}

@test "bigint overflow is an error, never a wrap" {
    printf 'a\n9223372036854775807\n' >t.csv
    run -1 --separate-stderr sluice transform t.csv --set 'b = a + 1' -O csv
    [[ $stderr == *"out of range"* ]]
}

@test "sum of bigint goes beyond 64 bits" {
    printf 'a\n9223372036854775807\n9223372036854775807\n' >t.csv
    run -0 --separate-stderr sluice aggregate t.csv --select 'sum(a) as s' -O csv
    [ "$output" = $'s\n18446744073709551614' ]
}

@test "sums of doubles are the same in any order" {
    printf 'a\n1e16\n1.0e0\n-1e16\n1e-3\n' >one.csv
    printf 'a\n1e-3\n-1e16\n1.0e0\n1e16\n' >two.csv
    run -0 --separate-stderr sluice aggregate one.csv --select 'sum(a) as s' -O csv
    local first=$output
    run -0 --separate-stderr sluice aggregate two.csv --select 'sum(a) as s' -O csv
    [ "$output" = "$first" ]
    [ "${lines[1]}" = 1.001 ]
}

@test "a zone-less time is taken as UTC and said, or read in --tz" {
    printf 'at\n2026-07-01 12:00:00\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv -O json
    [ "$output" = '{"at":"2026-07-01T12:00:00Z"}' ]
    [[ $stderr == *UTC* ]]
    run -0 --separate-stderr sluice transform t.csv --tz Europe/Berlin --set 'e = extract(epoch from at)' --select e -O csv
    [ "${lines[1]%.*}" = 1782900000 ]
}

@test "digits below the microsecond make nanoseconds, in every form of times" {
    printf 't,v\n1700000000.5,1\n1700000000.1234567,2\n' >s.csv
    [ "$(sluice transform s.csv --time t --time-format epoch:s --set 'v = v' -O json --quiet | tail -n 1)" = '{"t":"2023-11-14T22:13:20.123456700Z","v":2}' ]
    printf '{"t":1700000000123.4567}\n' >ms.json
    [ "$(sluice transform ms.json --time t --time-format epoch:ms --set 'v = 1' -O json --quiet)" = '{"t":"2023-11-14T22:13:20.123456700Z","v":1}' ]
    printf 't,v\n31/12/2024 10:00:00.123456789,1\n' >f.csv
    [ "$(sluice transform f.csv --time t --time-format '%d/%m/%Y %H:%M:%S.%f' --set 'v = v' -O json --quiet)" = '{"t":"2024-12-31T10:00:00.123456789Z","v":1}' ]
}

@test "a time that does not fit names the type that would take it, if there is one" {
    { echo t,v; seq -f '1700000000.5,%g' 12000; echo 1700000000.1234567,2; echo soon,3; } >t.csv
    run -3 sluice aggregate t.csv --time t --time-format epoch:s --window '1 day' -O csv --rejects bad.json --quiet
    [ "$(jq -r .reason bad.json)" = "'1700000000.1234567' does not fit timestamptz; --types 't timestamptz(9)' would take it
'soon' does not fit timestamptz in the form epoch:s" ]
}

@test "a quotient of decimals of many digits is exact to the digits that round() asks for" {
    printf 'a\n1\n' >in.csv
    run -0 --separate-stderr sluice transform in.csv -O csv --select 'round(.8 / -.8222222222222222222222222228, 28) as q'
    [ "${lines[1]}" = -0.9729729729729729729729729723 ]
}

@test "the line that pins the types can be pasted back whatever the columns are called" {
    printf '"a b","c,d","e""f",order,é,1st,UPPER,"it'"'"'s",\\x,$HOME,"`id`",numeric,"(y)"\n1,2.5,x,true,2024-01-01,1e5,1,2,3,4,5,6,7\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv --set '"a b" = "a b" + 0' -O json
    local first=$output pin
    pin=$(sed -n 's/.*; \(--types .*\)/\1/p' <<<"$stderr")
    eval "run -0 --separate-stderr sluice transform t.csv --set '\"a b\" = \"a b\" + 0' -O json $pin"
    [ "$output" = "$first" ]
    [[ $stderr != *--types* ]]
    { echo "it's"; seq 12000; echo x; } >u.csv
    run -1 --separate-stderr sluice aggregate u.csv --select 'sum("it'"'"'s")' -O csv
    pin=$(sed -n 's/.*; \(--types .*\) would take it.*/\1/p' <<<"$stderr")
    eval "run -0 --separate-stderr sluice aggregate u.csv -O csv $pin"
    [ "${lines[1]}" = 12001 ]
}

@test "a JSON key that comes twice is a bad row: neither value is lost" {
    printf '{"a":1}\n{"a":2,"a":3}\n{"b":{"c":4},"b.c":5}\n' >t.json
    run -3 --separate-stderr sluice transform t.json --rejects bad.json -O json --quiet
    [ "$output" = '{"a":1,"b.c":null}' ]
    [ "$(grep -c 'comes twice' bad.json)" = 2 ]
}

@test "a declared interval takes the form that one is printed in, and the others of PostgreSQL" {
    printf 'a,b\n2026-01-01T00:00:00Z,2026-01-02T03:00:00.5Z\n2026-01-02T00:00:00Z,2026-01-01T22:00:00Z\n' >t.csv
    sluice transform t.csv --select 'b - a as d' -O csv --quiet >d.csv
    [ "$(cat d.csv)" = $'d\n1 day 03:00:00.5\n-02:00:00' ]
    printf -- '-1 days +02:03:00\n1 mon 2 days\nP1DT2H\n90 minutes\n' >>d.csv
    run -0 --separate-stderr sluice transform d.csv --types 'd interval' --set "e = d + interval '1 hour'" -O csv --quiet
    [ "$output" = 'd,e
1 day 03:00:00.5,1 day 04:00:00.5
-02:00:00,-01:00:00
-1 days +02:03:00,-1 days +03:03:00
1 mon 2 days,1 mon 2 days 01:00:00
1 day 02:00:00,1 day 03:00:00
01:30:00,02:30:00' ]
}

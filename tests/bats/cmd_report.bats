#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Standard error: what was assumed, one line at the end, accounts that balance; nothing when quiet.

load cmd_helper

@test "one line at the end says rows, rejects, bytes, time and where they went" {
    run -0 --separate-stderr sluice ingest orders.csv -o orders/
    [[ $stderr =~ sluice\ ingest:\ 10\ rows,\ 0\ rejected,\ .*\ in\ .*\ -\>\ orders/ ]] || fail "no summary"
    same "$output" ""
}

@test "rows that went in and rows that came out are both counted" {
    run -0 --separate-stderr sluice aggregate --by country orders.csv -O csv
    has "$stderr" "10 rows in, 4 out"
}

@test "what was inferred is said once, as the line that declares it" {
    run -0 --separate-stderr sluice transform orders.csv -O csv
    has "$stderr" "--types"
    has "$stderr" "price numeric"
    declared=$(sed -n "s/.*--types '\(.*\)'.*/\1/p" <<<"$stderr" | head -n 1)
    [ -n "$declared" ] || fail "no --types line"
    run -0 --separate-stderr sluice transform --types "$declared" orders.csv -O csv
}

@test "--quiet leaves standard error empty" {
    run -0 --separate-stderr sluice ingest --quiet orders.csv -o orders/
    same "$stderr" ""
    run -0 --separate-stderr sluice aggregate --quiet --by country orders/ -O csv
    same "$stderr" ""
    same "${#lines[@]}" 5
}

@test "without a terminal there is no progress and no escape" {
    run -0 --separate-stderr sluice ingest orders.csv -o orders/
    has "$stderr" "10 rows"
    [[ $stderr != *$'\r'* && $stderr != *$'\033'* ]] || fail "an escape"
}

@test "standard output holds rows only" {
    run -0 --separate-stderr sluice transform --stats orders.csv -O csv
    same "${#lines[@]}" 11
}

@test "--stats shows each stage's equation with its numbers" {
    run -0 --separate-stderr sluice transform --stats --where 'qty > 1' orders.csv -O csv
    has "$stderr" "10 in = 5 out"
    has "$stderr" "5 filtered"
}

@test "--stats=json is one object, and every equation in it holds" {
    python=${SLUICE_ORACLE:-$(command -v python3 || true)}
    [ -n "$python" ] || skip "no Python"
    run -0 --separate-stderr sluice aggregate --quiet --stats=json --where 'qty > 1' --by country \
        --order-by 'count desc' --limit 2 orders.csv -O csv
    "$python" - "$stderr" <<'END'
import json, re, sys
stats = json.loads(sys.argv[1])
assert stats["rows_in"] == 10 and stats["rows_out"] == 2, stats
names = [s["name"] for s in stats["stages"]]
assert len(names) >= 4, names
for stage in stats["stages"]:
    for equation in stage["account"].split(","):
        left, right = (sum(stage[w] for w in re.findall("[a-z_]+", side)) for side in equation.split("="))
        assert left == right, (stage, equation)
END
    run -2 --separate-stderr sluice transform --stats=xml orders.csv -O csv
    has "$stderr" "--stats=json"
}

@test "--explain prints the plan and touches nothing" {
    run -0 --separate-stderr sluice aggregate --explain --where 'qty > 1' --by country orders.csv -o out/
    has "$output" filter
    has "$output" aggregate
    [ ! -e out ] || fail "out/ was made"
}

@test "control bytes of the input do not reach the terminal through messages" {
    printf 'a,b\n1,2\n1,\033[31mred\n' >evil.csv
    run -1 --separate-stderr sluice transform --types 'b bigint' evil.csv -O csv
    has "$stderr" '\x1b[31mred'
    [[ $stderr != *$'\033'* ]] || fail "an escape"
}

@test "nothing is read from the environment" {
    run -0 --separate-stderr env SLUICE_OPTS=--nonsense "$SLUICE" tail -n 1 orders.csv -O csv
    same "${#lines[@]}" 2
}

@test "a limit of memory that is too small is a failure that says so" {
    [ -x "${GEN-}" ] || skip "no generator"
    "$GEN" --rows 20000 >events.csv
    run -1 --separate-stderr sluice aggregate --memory 100K --by user_id events.csv -O csv
    has "$stderr" "memory"
}

@test "one of a thing is said in the singular" {
    printf 'a\n1\n' >one.csv
    sluice ingest one.csv -o l/ --quiet
    says() { # WANTED COMMAND...
        local wanted=$1
        shift
        run --separate-stderr "$@"
        has "$stderr" "$wanted"
    }
    says '1 row of one.csv is committed' sluice ingest one.csv -o l/
    says '1 row in, 0 out' sluice transform one.csv --where 'a = 2' -O csv
    says '1 byte in' sluice transform -I lines --select 'line' -O csv < <(printf x)
    printf 'a\n1\nx\ny\n' >two.csv
    says 'more than 1 row was rejected' \
        sluice transform two.csv --types 'a bigint' --rejects bad.json --max-rejects 1 -O csv
    printf 'a,b\n1,2\n' >wide.csv
    says 'one.csv has 1 column, and these rows have 2' sluice transform wide.csv --append -o one.csv
    printf 'a\n5\n' >other.csv
    says 'the log has 1 partition, not 2' sluice ingest other.csv --partitions 2 --key a -o l/
}

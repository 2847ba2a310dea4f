# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Columns that a stream's schema lacks: they travel in `_rest`, a log makes columns of them, and a
# follower of a log that changes.
load common

# More rows than types settle from, then keys that are new.
late_keys() {
    seq 1 20000 | sed 's/.*/{"a":&}/'
    cat <<'JSON'
{"a":20001,"b":7,"n":{"p":1.5,"q":[1]}}
{"a":20002,"b":null,"n":{"p":2}}
{"a":20003,"t":"2026-01-01T00:00:00Z"}
JSON
}

types() { # LOG
    sluice log info "$1" | sed -n 's/^columns *//p'
}

@test "a log makes columns of what came through a pipe in _rest, as if there were no pipe" {
    late_keys >t.json
    sluice ingest t.json -o direct/ --quiet
    sluice ingest t.json 2>/dev/null | sluice ingest -o piped/ --quiet
    [ "$(types piped/)" = "$(types direct/)" ]
    diff <(sluice replay direct/ -O json --quiet) <(sluice replay piped/ -O json --quiet)
    [[ $(types piped/) == *"b bigint, n.p numeric(18,1), n.q jsonb, t timestamptz"* ]]
}

@test "and of what came through a transform, in one process or behind a pipe" {
    late_keys >t.json
    sluice transform t.json --where 'a > 20000' -o one/ --quiet
    sluice ingest t.json --quiet | sluice transform --where 'a > 20000' | sluice ingest -o two/ --quiet
    run -0 --separate-stderr sluice replay one/ -O csv --quiet
    [ "${lines[0]}" = 'a,b,n.p,n.q,t' ]
    [ "${lines[1]}" = '20001,7,1.5,[1],' ]
    [ "${lines[3]}" = '20003,,,,2026-01-01 00:00:00+00' ]
    [ "$(sluice replay two/ -O csv --quiet)" = "$output" ]
}

@test "a type of an unpacked column is wider when a later value needs it" {
    { late_keys; echo '{"a":1,"b":2.5}'; seq 1 40000 | sed 's/.*/{"a":&,"b":"x"}/'; } |
        sluice ingest -I json --quiet | sluice ingest -o l/ --quiet
    [[ $(types l/) == *"b text"* ]]
    run -0 --separate-stderr sluice aggregate l/ --by b --select 'count(*) as n' --quiet -O csv
    [ "$output" = $'b,n\n2.5,1\n7,1\nx,40000\n,20002' ]
}

@test "a column that the log has and the stream has not is filled from _rest" {
    printf 'b,z\n2026-01-01,q\n' | sluice ingest -I csv -o l/ --types 'b date' --quiet
    { late_keys; echo '{"a":1,"b":"2026-02-03"}'; } | sluice ingest -I json --quiet |
        sluice ingest -o l/ --quiet
    run -0 --separate-stderr sluice transform l/ --where "b like '2026%'" --select a,b -O csv --quiet
    [ "$output" = $'a,b\n,2026-01-01\n1,2026-02-03' ]
    [[ $(types l/) == *"b text"* ]]
}

@test "a key whose name a column of the stream bears stays in _rest, and so does a key _rest" {
    { late_keys; echo '{"a":1,"_rest":[1,2]}'; } >t.json
    sluice transform t.json --where 'a > 20000 or a = 1' --set 'b = a + 1' -o l/ --quiet
    run -0 --separate-stderr sluice replay l/ --quiet -O json
    [[ ${lines[1]} == *'"a":20001,"b":7,"b":20002'* ]]
    [[ $(types l/) == *"b bigint"* ]]
    [ "$(tail -n 1 <<<"$output" | jq -c ._rest)" = '[1,2]' ]
}

@test "keys that came in _rest are routed to the partition of their row" {
    late_keys | sluice ingest -I json --quiet | sluice ingest -o l/ --partitions 3 --key a --quiet
    run -0 --separate-stderr sluice aggregate l/ --quiet -O csv \
        --select 'count(*) as n, count(b) as b, count("n.p") as p'
    [ "${lines[1]}" = 20003,1,2 ]
}

@test "a _rest of a foreign stage that is no object, or no JSON, is kept as it is" {
    need_oracle
    "$SLUICE_ORACLE" - >t.arrows <<'PY'
import sys, pyarrow as pa
rest = ['[1]', '{"x":\n 1}', 'no json', '{"x":2,"y"', None, '{}', ' {"x":3}\r\n', '"s"']
t = pa.table({"a": list(range(8)), "_rest": pa.array(rest, pa.json_())})
with pa.ipc.new_stream(sys.stdout.buffer, t.schema) as w:
    w.write_table(t)
PY
    sluice ingest t.arrows -o l/ --quiet
    [ "$(types l/)" = 'a bigint, _rest jsonb, x bigint' ]
    "$SLUICE_ORACLE" - l/0000/*-[0-9]*.arrows <<'PY' >out
import sys, pyarrow as pa
for name in sorted(sys.argv[1:]):
    for b in pa.ipc.open_stream(name):
        for row in b.to_pylist():
            print(row["a"], repr(row["_rest"]), row.get("x"))
PY
    [ "$(cat out)" = "$(printf '%s\n' "0 '[1]' None" '1 None 1' "2 'no json' None" \
        "3 '{\"x\":2,\"y\"' None" '4 None None' '5 None None' '6 None 3' "7 '\"s\"' None")" ]
}

@test "a follower keeps its schema: columns that the log gains come in _rest" {
    printf 'a\n1\n' | sluice ingest -I csv -o l/ --quiet
    sluice replay -f l/ -O json >out 2>err &
    local pid=$!
    pids+=("$pid")
    until_true has_lines out 1
    printf 'a,b\n2,x\n' | sluice ingest -I csv -o l/ --quiet
    until_true has_lines out 2
    [ "$(cat out)" = $'{"a":1}\n{"a":2,"b":"x"}' ]
    kill -TERM "$pid"
    ends_with 143 "$pid"
}

@test "a follower ends with 76 when a type is widened, and so do the stages behind it" {
    printf 'a\n1\n' | sluice ingest -I csv -o l/ --quiet
    mkfifo p
    sluice tail -f -n all l/ 2>err1 >p &
    local head=$!
    pids+=("$head")
    sluice ingest -o m/ 2>err2 <p &
    local sink=$!
    pids+=("$sink")
    committed() { [ "$(sluice replay m/ -O csv --quiet 2>/dev/null | wc -l)" = "$1" ]; }
    until_true committed 2
    printf 'a\n2.5\n' | sluice ingest -I csv -o l/ --quiet
    ends_with 76 "$head"
    ends_with 76 "$sink"
    grep -q 'run again' err1
    grep -q 'run again' err2
    committed 2
}

@test "CSV of a followed log that gains a column ends with 76: run again" {
    printf 'a\n1\n' | sluice ingest -I csv -o l/ --quiet
    sluice tail -f -n all l/ -O csv >out 2>err &
    local pid=$!
    pids+=("$pid")
    until_true has_lines out 2
    printf 'a,b\n2,x\n' | sluice ingest -I csv -o l/ --quiet
    ends_with 76 "$pid"
    grep -q 'run again' err
    [ "$(cat out)" = $'a\n1' ]
}

@test "a bounded read uses the newest schema at its end and casts older segments up" {
    printf 'a\n1\n' | sluice ingest -I csv -o l/ --quiet
    printf 'b,a\nx,2.5\n' | sluice ingest -I csv -o l/ --quiet
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [[ $output == $'a,b\n1.0,\n2.5,x' ]]
}

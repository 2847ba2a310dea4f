# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Pipes: promptness, ends, deaths, foreign stages.
load common

# Starts a command with a FIFO at each end: rows are typed into descriptor 7, read from 8.
start_between() { # COMMAND...
    mkfifo in out
    "$@" <in >out 2>err &
    pids+=($!)
    exec 7>in 8<out
}

type_row() {
    printf '%s\n' "$1" >&7
}

# The next line of output, which must come before anything more is typed.
expect_row() { # LINE
    local line
    read -r -t 10 line <&8 || { echo "nothing came; stderr: $(cat err)"; return 1; }
    [ "$line" = "$1" ] || { echo "got: $line"; return 1; }
}

@test "transform: a row typed is on standard output before the next is typed" {
    start_between sluice transform -I csv --where 'a > 1' -O csv
    type_row a,b
    type_row 2,x
    expect_row a,b
    expect_row 2,x
    type_row 3,y
    expect_row 3,y
    type_row 1,z
    type_row 4,w
    expect_row 4,w
}

@test "two stages and frames between them: a row typed is at the end before the next" {
    mkfifo in out
    { sluice transform -I csv --set 'c = a + 1' <in | sluice transform --where 'c > 2' -O csv; } >out 2>err &
    pids+=($!)
    exec 8<out 7>in # in the order in which the group opens them
    type_row a
    type_row 2
    expect_row a,c
    expect_row 2,3
    type_row 5
    expect_row 5,6
}

@test "ingest -f into a log and tail -f: a row typed is shown before the next is typed" {
    mkfifo in out
    sluice tail -f events/ -n all -O csv >out 2>err &
    pids+=($!)
    sluice ingest -f -I csv -o events/ <in 2>err2 &
    pids+=($!)
    exec 7>in 8<out
    type_row n,word
    type_row 1,one
    expect_row n,word
    expect_row 1,one
    type_row 2,two
    expect_row 2,two
}

@test "ingest without -o: a row typed is on standard output before the next is typed" {
    start_between sluice ingest -f -I json -O csv
    type_row '{"a":1}'
    expect_row a
    expect_row 1
    type_row '{"a":2}'
    expect_row 2
}

@test "replay -f shows a row as soon as it is committed" {
    printf 'n\n1\n' | sluice ingest -I csv -o l/ --quiet
    mkfifo out
    sluice replay -f l/ -O csv >out 2>err &
    pids+=($!)
    exec 8<out
    expect_row n
    expect_row 1
    printf 'n\n2\n' | sluice ingest -I csv -o l/ --quiet
    expect_row 2
}

@test "a stage whose upstream is killed says so and exits 1" {
    mkfifo in mid
    sluice transform -I csv --where 'a > 0' <in >mid 2>/dev/null &
    local first=$!
    pids+=("$first")
    sluice transform -O csv <mid >out.csv 2>err &
    local second=$!
    pids+=("$second")
    exec 7>in
    printf 'a\n1\n' >&7
    until_true has_lines out.csv 2
    kill -9 "$first"
    ends_with 1 "$second"
    grep -q 'the stage before it died' err
}

@test "a stage whose upstream ends well exits 0" {
    printf 'a\n1\n2\n' | sluice transform -I csv | sluice transform -O csv >out.csv
    [ "$(cat out.csv)" = $'a\n1\n2' ]
}

@test "a stage under head ends quietly with 0" {
    run -0 --separate-stderr bash -c "set -o pipefail; seq 1 2000000 | '$SLUICE' transform -I csv --no-header --quiet -O csv | { head -n 2; }; exit \${PIPESTATUS[1]}"
    [ "$output" = $'c1\n1' ]
    [ -z "$stderr" ]
}

@test "a follower whose reader goes away ends although no row comes" {
    printf 'n\n1\n' | sluice ingest -I csv -o l/ --quiet
    mkfifo out
    sluice tail -f l/ -O csv >out 2>err &
    local tail=$!
    pids+=("$tail")
    exec 8<out
    expect_row n
    exec 8<&-
    wait "$tail"
}

@test "a pyarrow stage that copies the key passes rows and the end" {
    need_oracle
    cat >stage.py <<'PY'
import sys, pyarrow as pa
r = pa.ipc.open_stream(sys.stdin.buffer)
w = None
while True:
    try:
        b, meta = r.read_next_batch_with_custom_metadata()
    except StopIteration:
        break
    w = w or pa.ipc.new_stream(sys.stdout.buffer, r.schema)
    w.write_batch(b, custom_metadata=meta)
w.close()
PY
    printf 'a,b\n1,x\n2,y\n' | sluice transform -I csv | "$SLUICE_ORACLE" stage.py |
        sluice transform -O csv >out.csv
    [ "$(cat out.csv)" = $'a,b\n1,x\n2,y' ]
}

@test "a pyarrow stage that drops the key is noticed" {
    need_oracle
    cat >stage.py <<'PY'
import sys, pyarrow as pa
r = pa.ipc.open_stream(sys.stdin.buffer)
w = pa.ipc.new_stream(sys.stdout.buffer, r.schema)
for b in r:
    w.write_batch(b)
w.close()
PY
    run -1 bash -c "printf 'a\n1\n' | '$SLUICE' transform -I csv | '$SLUICE_ORACLE' stage.py | '$SLUICE' transform -O csv 2>err"
    grep -q 'died' err
}

@test "a foreign stream is read, and that its end cannot be verified is said" {
    need_oracle
    "$SLUICE_ORACLE" -c '
import sys, pyarrow as pa
t = pa.table({"a": [1, 2, 3]})
with pa.ipc.new_stream(sys.stdout.buffer, t.schema) as w: w.write_table(t)' >f.arrows
    run -0 --separate-stderr bash -c "cat f.arrows | '$SLUICE' transform -O csv"
    [ "$output" = $'a\n1\n2\n3' ]
    [[ $stderr == *"cannot be verified"* ]]
}

@test "tail -f of a log that is not there yet waits for it and says so" {
    mkfifo out
    sluice tail -f later/ -n all -O csv >out 2>err &
    pids+=($!)
    exec 8<out
    until_true grep -q 'waiting for it' err
    printf 'n\n7\n' | sluice ingest -I csv -o later/ --quiet
    expect_row n
    expect_row 7
}

@test "SIGTERM ends a followed aggregate with its result and 143" {
    mkfifo in
    sluice aggregate -f -I csv --window '1 minute' --out-of-order 0s --by k -O csv <in >out.csv 2>err &
    local agg=$!
    pids+=("$agg")
    exec 7>in
    printf 'at,k\n2026-01-01T00:00:00Z,a\n2026-01-01T00:00:30Z,a\n2026-01-01T00:01:00Z,b\n' >&7
    until_true has_lines out.csv 2
    kill -TERM "$agg"
    ends_with 143 "$agg"
    [ "$(cut -d, -f3- out.csv)" = $'k,count\na,2\nb,1' ]
}

@test "a second stream behind the first is not passed over: an error, from a pipe and a file" {
    printf 'n\n1\n2\n' >a.csv
    sluice transform a.csv --quiet >a.arrows
    run -1 --separate-stderr bash -c '(sluice transform a.csv; sluice transform a.csv) 2>/dev/null | sluice aggregate -O csv'
    [[ $stderr == *"something follows the end of the stream"* ]]
    [ -z "$output" ]
    cat a.arrows a.arrows >two.arrows
    run -1 --separate-stderr sluice ingest two.arrows -o l/
    [[ $stderr == *"two.arrows: something follows the end of the stream"* ]]
}

@test "a stage is read to the end of its output, though it writes that late" {
    printf 'n\n1\n2\n' >a.csv
    sluice transform a.csv --quiet >a.arrows
    local n
    n=$(stat -c %s a.arrows)
    mkfifo in
    sluice aggregate -O csv --quiet <in >out &
    pids+=($!)
    exec 7>in
    head -c $((n - 8)) a.arrows >&7
    wants_more() { [ "$(cut -d ' ' -f 3 "/proc/${pids[0]}/stat")" = S ] && [ ! -s out ]; }
    until_true wants_more
    tail -c 8 a.arrows >&7 # Arrow's own end
    exec 7>&-
    ends_with 0 "${pids[0]}"
    [ "$(tail -n 1 out)" = 2 ]
}

# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Again: inputs that are known already, rejects of a run that fails, the recorded pace.
load common

@test "a file on standard input that is in the log already is refused" {
    printf 'n\n1\n2\n' >n.csv
    sluice ingest -I csv -o l/ --quiet <n.csv
    run -1 --separate-stderr sluice ingest -I csv -o l/ <n.csv
    [[ $stderr == *"2 rows of standard input are committed"* ]]
}

@test "a log that is in another log already is refused" {
    printf 'n\n1\n2\n' | sluice ingest -I csv -o l/ --quiet
    sluice ingest l/ -o m/ --quiet
    run -1 --separate-stderr sluice ingest l/ -o m/
    [[ $stderr == *"2 rows of l/ are committed"* ]]
}

@test "ingest --resume from a log takes the rows that came since" {
    printf 'n\n1\n2\n' | sluice ingest -I csv -o l/ --quiet
    sluice ingest l/ -o m/ --quiet
    printf 'n\n3\n' | sluice ingest -I csv -o l/ --quiet
    sluice ingest l/ -o m/ --resume --quiet
    run -0 --separate-stderr sluice replay m/ -O csv --quiet
    [ "$output" = $'n\n1\n2\n3' ]
}

@test "rejects are kept when there are too many of them and the run fails" {
    printf 'a\nx\ny\n1\n' >t.csv
    run -1 --separate-stderr sluice transform t.csv --types 'a bigint' --rejects bad.json --max-rejects 1 -O csv
    [ "$(jq -r .raw bad.json)" = $'x\ny' ]
}

@test "replay --speed 2 takes half the recorded time, at least" {
    printf 'at\n2026-01-01T00:00:00Z\n2026-01-01T00:00:00.6Z\n' | sluice ingest -I csv -o l/ --quiet
    local from=${EPOCHREALTIME/./}
    run -0 --separate-stderr sluice replay l/ --speed 2 -O csv --quiet
    [ $((${EPOCHREALTIME/./} - from)) -ge 300000 ]
    [ "${#lines[@]}" -eq 3 ]
}

@test "a first character of several bytes is not taken for the start of a compressed stream" {
    mkfifo in out
    sluice transform -I lines -O csv <in >out 2>err &
    pids+=($!)
    exec 7>in 8<out
    printf 'ü\n' >&7
    local line
    read -r -t 10 line <&8 || { cat err; false; }
    [[ $line == line || $line == ü ]]
}

@test "two runs over one file: the second to commit the same rows is refused with 75" {
    printf 'n\n1\n2\n' >t.csv
    sluice ingest -f t.csv -o l/ 2>err &
    local pid=$!
    pids+=("$pid")
    committed() { [ "$(sluice aggregate l/ -O csv --quiet 2>/dev/null | tail -n 1)" = "$1" ]; }
    until_true committed 2
    kill -STOP "$pid"
    printf '3\n4\n' >>t.csv
    sluice ingest t.csv -o l/ --resume --quiet
    kill -CONT "$pid"
    ends_with 75 "$pid"
    grep -q 'another run has committed' err
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'n\n1\n2\n3\n4' ]
}

@test "a file of frames that is in the log already is refused, one that only looks like it is not" {
    printf 'a,b\n1,x\n2,x\n3,x\n' | sluice transform -I csv -o one.arrow --quiet
    printf 'a,b\n1,x\n5,x\n3,x\n' | sluice transform -I csv -o two.arrow --quiet
    sluice ingest one.arrow -o l/ --quiet
    run -1 --separate-stderr sluice ingest one.arrow -o l/
    [[ $stderr == *"3 rows of one.arrow are committed"*--resume*--again* ]]
    cp one.arrow three.arrow
    run -1 --separate-stderr sluice ingest -o l/ <three.arrow
    [[ $stderr == *"3 rows of standard input are committed"* ]]
    sluice ingest two.arrow -o l/ --quiet
    sluice ingest one.arrow -o l/ --again --quiet
    run -0 --separate-stderr sluice transform l/ --select a -O csv --quiet
    [ "$output" = $'a\n1\n2\n3\n1\n5\n3\n1\n2\n3' ]
}

@test "ingest --resume of a file of frames takes the batches that came since" {
    need_oracle
    "$SLUICE_ORACLE" - <<'PY'
import pyarrow as pa
out = pa.BufferOutputStream()
s = pa.schema([("a", pa.int64()), ("t", pa.dictionary(pa.int32(), pa.string()))])
w = pa.ipc.new_stream(out, s)
w.write_batch(pa.record_batch([pa.array([1, 2]), pa.array(["x", "y"]).dictionary_encode()], schema=s))
half = out.tell()
w.write_batch(pa.record_batch([pa.array([3, 4]), pa.array(["x", "y"]).dictionary_encode()], schema=s))
w.close()
data = out.getvalue().to_pybytes()
open("t.arrows", "wb").write(data[:half])
open("rest", "wb").write(data[half:])
PY
    sluice ingest t.arrows -o l/ --quiet
    cat rest >>t.arrows
    sluice ingest t.arrows -o l/ --resume --quiet
    sluice ingest t.arrows -o l/ --resume --quiet
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'a,t\n1,x\n2,y\n3,x\n4,y' ]
}

@test "rows that are committed already are counted in thousands" {
    { echo n; seq 1 12345; } >long.csv
    sluice ingest --quiet long.csv -o l/
    run -1 --separate-stderr sluice ingest long.csv -o l/
    [[ $stderr == *": 12,345 rows of long.csv are committed"* ]]
}

@test "one file that is named twice is refused before anything is read, under any of its names" {
    printf 'n\n1\n2\n' >n.csv
    ln n.csv m.csv
    local b
    for b in n.csv ./n.csv m.csv; do
        run -2 --separate-stderr sluice ingest n.csv "$b" -o l/
        [[ $stderr == *"n.csv"*"--again takes its rows twice"* ]]
        [ ! -e l ]
    done
    sluice ingest --again n.csv n.csv -o l/ --quiet
    [ "$(sluice aggregate l/ -O csv --quiet | tail -n 1)" = 4 ]
}

@test "a copy, packed or not, of what the same run has read is refused; --resume takes what is new in it" {
    seq 1 1000 | sed '1i n' >n.csv
    cp n.csv n.csv.1
    gzip -k n.csv
    local b
    for b in n.csv.1 n.csv.gz; do
        run -1 --separate-stderr sluice ingest n.csv "$b" -o "$b.log/"
        [[ $stderr == *"$b begins as n.csv, which was read before it"* ]]
    done
    seq 1001 1010 >>n.csv.1
    sluice ingest --resume n.csv n.csv.gz n.csv.1 n.csv -o l/ --quiet
    [ "$(sluice aggregate l/ --select 'count(*), sum(n)' -O csv --quiet | tail -n 1)" = 1010,510555 ]
}

@test "--resume of a file that grew, and of its copy: what is new is there once" {
    seq 1 1000 | sed '1i n' >n.csv
    sluice ingest n.csv -o l/ --quiet
    mkdir d
    cp -a n.csv d/a.csv
    sluice ingest --watch d -o w/ --quiet
    seq 1001 1010 | tee -a n.csv >>d/a.csv
    cp n.csv n.csv.1
    cp n.csv d/a.csv.1
    sluice ingest --resume n.csv n.csv.1 -o l/ --quiet
    sluice ingest --watch d -o w/ --quiet
    [ "$(sluice aggregate l/ -O csv --quiet | tail -n 1)" = 1010 ]
    [ "$(sluice aggregate w/ -O csv --quiet | tail -n 1)" = 1010 ]
}

@test "a file of the same bytes under a name of its own is another file, unless it kept its time" {
    seq 1 1000 | sed '1i n' >n.csv
    cp n.csv m.csv
    sluice ingest n.csv m.csv -o l/ --quiet
    [ "$(sluice aggregate l/ -O csv --quiet | tail -n 1)" = 2000 ]
    run -1 --separate-stderr sluice ingest m.csv -o l/
    [[ $stderr == *"1,000 rows of m.csv are committed"* ]]
    [ "$(stat -c %W n.csv)" -gt 0 ] || skip "the file system does not tell when a file was made"
    cp -p n.csv o.csv
    run -1 --separate-stderr sluice ingest o.csv -o l/
    [[ $stderr == *"1,000 rows of o.csv are committed"* ]]
}

@test "files without rows, and short ones that begin alike, are no copies of each other" {
    printf 'n\n' | tee a.csv >b.csv
    printf 'n\n1\n' >c.csv
    printf 'n\n1\n2\n' >d.csv
    sluice ingest a.csv b.csv c.csv d.csv -o l/ --quiet
    [ "$(sluice aggregate l/ -O csv --quiet | tail -n 1)" = 3 ]
}

# Ingests $1, then with --resume what $2 makes of it; the rows then are $3, and it was said $4 times that
# a part of a record stays.
goes_on() {
    rm -rf f.csv l
    printf '%b' "$1" >f.csv
    sluice ingest f.csv -o l/ --quiet
    printf '%b' "$2" >>f.csv
    run -0 --separate-stderr sluice ingest --resume f.csv -o l/
    [ "$(grep -c '^sluice ingest: f.csv:3: a part of this record was committed' <<<"$stderr")" = "$4" ]
    [ "$(sluice replay l/ -O csv --quiet | tail -n +2 | xargs)" = "$3" ]
    run -0 --separate-stderr sluice ingest --resume f.csv -o l/
    [[ $stderr == *" 0 rows, "* ]]
}

@test "--resume behind a last line without an end: the end alone is no row" {
    goes_on 'n\n1\n2' '\n3\n' '1 2 3' 0
    goes_on 'n\r\n1\r\n2' '\r\n3\r\n' '1 2 3' 0
}

@test "--resume behind a last line without an end: one that went on is read whole, and that is said" {
    goes_on 'n\n1\n2' '2\n3\n' '1 2 22 3' 1
    goes_on 'n\r\n1\r\n2' '2\r\n3\r\n' '1 2 22 3' 1
}

ends_in_three() {
    [ "$(sluice replay l/ -O csv --quiet | tail -n 1)" = 3 ]
}

@test "-f --resume behind a last line without an end waits for how it goes on" {
    local more follower
    for more in '\n3\n' '2\n3\n'; do
        printf 'n\n1\n2' >f.csv
        sluice ingest f.csv -o l/ --quiet
        sluice ingest -f --resume f.csv -o l/ --quiet &
        follower=$!
        pids+=("$follower")
        until_true has_open "$follower" f.csv
        printf '%b' "$more" >>f.csv
        until_true ends_in_three
        kill -TERM "$follower"
        ends_with 143 "$follower"
        sluice replay l/ -O csv --quiet | tail -n +2 | xargs >>rows
        rm -r l f.csv
    done
    [ "$(cat rows)" = $'1 2 3\n1 2 22 3' ]
}

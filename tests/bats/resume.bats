#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# A pipeline that goes on where the last run of it was: what it kept, and when it may not.
load common
load resume_helper

hourly() { # OPTION...
    sluice aggregate new/ --resume "${WINDOWS[@]}" -o hourly/ --quiet "$@"
}

@test "runs with --resume and --final give what one run gives" {
    come 0 1000
    hourly
    come 1000 1500
    hourly
    come 1500 1777
    hourly --final
    diff <(whole) <(committed hourly/)
    [ "$(committed hourly/ | wc -l)" -gt 50 ]
}

@test "what is still open waits for the next run" {
    come 0 1000
    hourly
    last=$(whole | tail -n 1)
    [ "$(committed hourly/ | tail -n 1)" != "$last" ]
    diff <(whole | grep -v "^${last%%,*}" | head -n 30) <(committed hourly/ | head -n 30)
}

@test "a second run without new rows commits nothing" {
    come 0 1000
    hourly
    before=$(commits hourly/)
    hourly
    [ "$before" -gt 1 ]
    [ "$(commits hourly/)" = "$before" ]
}

@test "a run reads only what it has not read" {
    come 0 1000
    hourly
    come 1000 1010
    run --separate-stderr sluice aggregate new/ --resume "${WINDOWS[@]}" -o hourly/ --stats=json
    [ "$status" -eq 0 ]
    [[ $stderr == *'"rows_in":10,'* ]]
}

@test "groups without a window are counted over all runs" {
    come 0 1000
    sluice aggregate new/ --resume --by kind -o totals/ --quiet
    [ -z "$(committed totals/)" ]
    come 1000 1500
    sluice aggregate new/ --resume --by kind -o totals/ --quiet --final
    diff <(sluice aggregate new/ --by kind -O csv --quiet | tail -n +2) <(committed totals/)
    [ "$(committed totals/ | wc -l)" -eq 3 ]
}

@test "files that are listed are taken on behind their last line" {
    events 0 700 >e.csv
    sluice aggregate e.csv --resume --time ts --time-format epoch:s "${WINDOWS[@]}" -o hourly/ --quiet
    events 700 1000 | tail -n +2 >>e.csv
    sluice aggregate e.csv --resume --time ts --time-format epoch:s "${WINDOWS[@]}" -o hourly/ --quiet --final
    come 0 1000
    diff <(whole) <(committed hourly/)
    [ "$(committed hourly/ | wc -l)" -gt 30 ]
}

@test "several inputs are one, over all runs" {
    sluice partition <(events 0 900) -I csv --time ts --time-format epoch:s --by kind --into 3 -o a/ --quiet
    events 900 1500 >b.csv
    sluice ingest b.csv --time ts --time-format epoch:s -o b/ --quiet
    sluice aggregate a/ b/ --resume "${WINDOWS[@]}" -o hourly/ --quiet
    sluice aggregate a/ b/ --resume "${WINDOWS[@]}" -o hourly/ --quiet --final
    diff <(sluice aggregate a/ b/ "${WINDOWS[@]}" -O csv --quiet | tail -n +2 | sort) <(committed hourly/)
    [ "$(committed hourly/ | wc -l)" -gt 30 ]
}

@test "killed again and again, the result is that of one run" {
    for i in {1..25}; do
        come $((3000 * i)) $((3000 * i + 3000))
        goal=$(($(commits hourly/) + i % 3))
        sluice aggregate -f new/ --resume --checkpoint 1ms "${WINDOWS[@]}" -o hourly/ --quiet &
        pid=$!
        until_true eval '[ "$(commits hourly/)" -ge "$goal" ]' || break
        kill -9 "$pid"
        ends_with 137 "$pid"
    done
    [ "$i" -eq 25 ]
    hourly --final
    diff <(whole) <(committed hourly/)
}

@test "the rows of all runs are accounted for" {
    come 0 1000
    hourly
    come 1000 1500
    run --separate-stderr sluice aggregate new/ --resume "${WINDOWS[@]}" -o hourly/ --stats --final
    [ "$status" -eq 0 ]
    [[ $stderr == *"aggregate  1,500 in = 1,500 used + 0 late + 0 late_idle + 0 rejected"* ]]
}

@test "a signal ends a followed run, and no open window with it" {
    come 0 1000
    sluice aggregate -f new/ --resume "${WINDOWS[@]}" -o hourly/ --quiet --checkpoint 10ms &
    pid=$!
    closed=$(whole | wc -l)
    until_true eval '[ "$(committed hourly/ 2>/dev/null | wc -l)" -ge '$((closed - 6))' ]'
    kill -TERM "$pid"
    ends_with 143 "$pid"
    [ "$(committed hourly/ | wc -l)" -lt "$closed" ]
    come 1000 1500
    hourly --final
    diff <(whole) <(committed hourly/)
}

@test "while a run is under way another one exits 75 before it does any work" {
    come 0 1000
    sluice aggregate -f new/ --resume "${WINDOWS[@]}" -o hourly/ --quiet --checkpoint 10ms &
    until_true test -e hourly/state/main/lock
    until_true eval '[ "$(commits hourly/)" -gt 1 ]'
    run --separate-stderr -75 hourly
    [[ $stderr == *"another run of the pipeline main is under way"* ]]
}

@test "--wait waits for the run that is under way" {
    come 0 1000
    sluice aggregate -f new/ --resume "${WINDOWS[@]}" -o hourly/ --quiet --checkpoint 10ms &
    first=$!
    until_true eval '[ "$(commits hourly/)" -gt 1 ]'
    sluice aggregate new/ --resume "${WINDOWS[@]}" -o hourly/ --quiet --wait --final &
    second=$!
    until_true has_open "$second" hourly/state/main/lock
    kill -TERM "$first"
    ends_with 0 "$second"
    diff <(whole) <(committed hourly/)
}

@test "another plan is refused, and the difference is shown" {
    come 0 1000
    hourly
    cp -r hourly as_it_was
    run --separate-stderr -1 sluice aggregate new/ --resume --window '2 hours' --by kind \
        --select 'count(*), sum(v), p50(v)' -o hourly/
    [[ $stderr == *"of another plan"*"3600000000"*"7200000000"* ]]
    diff -r -x lock hourly as_it_was
}

@test "--reset-state goes on with another plan behind what was read" {
    come 0 1000
    hourly
    come 1000 1500
    sluice aggregate new/ --resume --reset-state --final --window '2 hours' --by kind \
        --select 'count(*), sum(v), p50(v)' -o hourly/ --quiet
    [ "$(committed hourly/ | awk -F, '$1 ~ /00:00/ { n = substr($2, 12, 2) - substr($1, 12, 2) } n == 2 || n == -22 { sum += $4 } END { print sum }')" = 500 ]
}

@test "rows that no run of the pipeline took are refused" {
    come 0 1000
    sluice aggregate new/ "${WINDOWS[@]}" -o hourly/ --quiet
    run --separate-stderr -1 hourly
    [[ $stderr == *"not taken by the pipeline main"*"--reset-state"* ]]
}

@test "an input that another run took meanwhile is noticed" {
    come 0 1000
    hourly
    come 1000 1500
    sluice aggregate new/ --again "${WINDOWS[@]}" -o hourly/ --quiet
    run --separate-stderr -1 hourly
    [[ $stderr == *"another run took rows of the same input"* ]]
}

@test "state that is damaged is an error that names the file" {
    come 0 1000
    hourly
    file=$(find hourly/state -name '*.arrows')
    printf 'x' | dd of="$file" bs=1 seek=700 conv=notrunc status=none
    run --separate-stderr -1 hourly
    [[ $stderr == *"$file"*"not what it was written"* ]]
}

@test "state that is gone is an error that names the file" {
    come 0 1000
    hourly
    file=$(find hourly/state -name '*.arrows')
    rm "$file"
    run --separate-stderr -1 hourly
    [[ $stderr == *"${file##*/}"* ]]
}

@test "pipelines of two names in one log know nothing of each other" {
    come 0 1000
    hourly
    sluice aggregate new/ --resume=other "${WINDOWS[@]}" -o hourly/ --quiet
    come 1000 1500
    hourly --final
    sluice aggregate new/ --resume=other "${WINDOWS[@]}" -o hourly/ --quiet --final
    diff <(whole | sed p) <(committed hourly/)
    [ "$(committed hourly/ | wc -l)" -gt 60 ]
}

@test "a name that is no name is refused" {
    run --separate-stderr -2 sluice aggregate --resume=../x "$SAMPLES/orders.csv" -o l/
    [[ $stderr == *"the name of a pipeline has letters"* ]]
}

@test "of the state only what the last two checkpoints name is kept" {
    come 0 1000
    for i in 1 2 3 4; do
        hourly
        come $((1000 * i)) $((1000 * i + 100))
    done
    [ "$(find hourly/state -name '*.arrows' | wc -l)" = 2 ]
}

@test "the state is Arrow that others read" {
    need_oracle
    come 0 1000
    hourly
    run "$SLUICE_ORACLE" - "$(find hourly/state -name '*.arrows')" <<'EOF'
import sys, pyarrow as pa
source = pa.OSFile(sys.argv[1])
tables = []
while source.tell() < source.size():
    with pa.ipc.open_stream(source) as r:
        t = r.read_all()
        tables.append(t.schema.metadata[b"sluice.table"].decode())
print(*sorted(set(tables)))
EOF
    [ "$status" -eq 0 ]
    [[ $output == *"accounts"*"groups"*"positions"*"splits"*"windows"* ]]
}

@test "a checkpoint brings its source to the device first" {
    events 0 1000 | sluice ingest --quiet --sync none --time ts --time-format epoch:s - -I csv -o new/
    [ "$(head -c 20 new/lock)" = 00000000000000000000 ]
    hourly
    [ "$(head -c 20 new/lock)" = 00000000000000000002 ]
}

@test "rejects of several partitions that a killed run left are known by what they are" {
    need_strace
    rows() { # FROM KEY...: three rows of each key, the last is rejected
        for key in "${@:2}"; do
            for i in 0 1 2; do echo "$((1767225600 + $1 + i)),$key,$((i == 2 ? 0 : i + 1))"; done
        done | sed '1i ts,kind,v' | sluice ingest - -I csv --time ts --time-format epoch:s -o new/ --partitions 4 --key kind --quiet
    }
    run_it=(sluice aggregate new/ --resume --by kind --where '1/v > -1' -o out/ --rejects rej/ --quiet)
    rows 0 a b c d
    run -3 "${run_it[@]}"
    rows 100 a
    rows 200 a
    run -137 strace -f -qq -o trace -e trace=renameat -e inject=renameat:signal=KILL:when=1 "${run_it[@]}"
    grep -q 'killed by SIGKILL' trace
    rows 300 b c d
    run -3 "${run_it[@]}" --final
    sluice replay rej/ -O csv --quiet | tail -n +2 | sed 's/.*\(,[0-9]*,[0-9]*\),2.*/\1/' | sort > after
    [ "$(wc -l <after)" -eq 9 ]
    [ "$(sort -u after | wc -l)" -eq 9 ]
}

@test "a followed log whose types widen ends the run with 76, and the next run doubles nothing" {
    come 0 1000
    sluice aggregate -f new/ --resume "${WINDOWS[@]:0:4}" -o hourly/ --quiet --checkpoint 10ms &
    pid=$!
    until_true eval '[ "$(commits hourly/)" -gt 2 ]'
    events 1000 1500 | sed '2,$s/$/.5/' >late.csv # v is no bigint any more
    sluice ingest --quiet --time ts --time-format epoch:s late.csv -o new/
    ends_with 76 "$pid"
    sluice aggregate new/ --resume "${WINDOWS[@]:0:4}" -o hourly/ --quiet --final
    diff <(sluice aggregate new/ "${WINDOWS[@]:0:4}" -O csv --quiet | tail -n +2 | sort) <(committed hourly/)
}

@test "rows that come too late are counted, and the run exits 3" {
    come 1000 1500
    hourly
    come 0 10
    run --separate-stderr -3 sluice aggregate new/ --resume "${WINDOWS[@]}" -o hourly/
    [[ $stderr == *"came too late"* ]]
}

@test "a run tells of its own late rows, and not of those before it" {
    come 0 1000
    hourly
    come 0 1
    run --separate-stderr -3 sluice aggregate new/ --resume "${WINDOWS[@]}" -o hourly/
    [[ $stderr == *"a row came too late"*"its time is 2026-01-01 00:00:00+00"* ]]
    come 1000 1001
    run --separate-stderr -0 sluice aggregate new/ --resume "${WINDOWS[@]}" -o hourly/
    [[ $stderr == *"1 row in"* && $stderr != *"too late"* ]]
}

@test "log info names the pipelines that end in a log" {
    come 0 1000
    hourly
    run sluice log info hourly/
    bytes=$(find hourly/state -name '*.arrows' -printf '%s')
    [[ $output == *"pipeline    main, checkpoint 1, $bytes bytes of state"* ]]
}

@test "a checkpoint down a pipe brings its source to the device first" {
    events 0 1000 | sluice ingest --quiet --sync none --time ts --time-format epoch:s - -I csv -o new/
    sluice replay new/ --resume-from hourly/ --quiet | sluice aggregate --resume "${WINDOWS[@]}" -o hourly/ --quiet
    [ "$(head -c 20 new/lock)" = 00000000000000000002 ]
}

# How many bytes of a path a command reads.
bytes_read() { # PATH COMMAND...
    strace -f -qq -y -o trace -e trace=read,pread64,preadv "${@:2}"
    awk -v path="<$PWD/$1" 'index($0, path) && / = [0-9]+$/ { n += $NF } END { print n + 0 }' trace
}

@test "behind 99 % of a log a run reads at most 2 % of its bytes" {
    need_strace
    come 0 990000
    hourly
    come 990000 1000000
    read=$(bytes_read new/0000 sluice aggregate new/ --resume "${WINDOWS[@]}" -o hourly/ --quiet)
    all=$(cat new/0000/*.arrows | wc -c)
    echo "$read of $all"
    [ "$read" -gt 0 ]
    [ $((50 * read)) -le "$all" ]
}

@test "of a file that has grown a run reads what is new, and where its types settle" {
    need_strace
    from=(--time ts --time-format epoch:s --resume "${WINDOWS[@]}" -o hourly/ --quiet)
    events 0 990000 >e.csv
    sluice aggregate e.csv "${from[@]}"
    was=$(wc -c <e.csv)
    events 990000 1000000 | tail -n +2 >>e.csv
    read=$(bytes_read e.csv sluice aggregate e.csv "${from[@]}")
    echo "$read of $(wc -c <e.csv)"
    [ "$read" -ge $(($(wc -c <e.csv) - was)) ]
    [ "$read" -le $(($(wc -c <e.csv) - was + 3000000)) ]
    sluice aggregate e.csv "${from[@]}" --final
    [ "$(sluice aggregate hourly/ --select 'sum(count)' -O csv --quiet | tail -n 1)" = 1000000 ]
}

@test "a file that is another one by now, and longer, is not gone on with in its middle" {
    events 0 100000 >e.csv
    sluice transform e.csv --resume -o l/ --quiet
    # The inode is the same, and both ends of what was read are; not its time of making.
    { cat e.csv; echo 1,a,1; } >new.csv
    sed -i '5000s/.*/1,b,2/' new.csv
    mv new.csv e.csv
    sluice transform e.csv --resume -o l/ --quiet
    [ "$(sluice aggregate l/ -O csv --quiet | tail -n 1)" = 200001 ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# What a run leaves behind that commits nothing, or was killed.

load common

# Names in the folder, but for those that the test made itself.
left() { # NAME...
    local n
    for n in $(find . -mindepth 1 -maxdepth 1 -printf '%f\n' | sort); do
        case " $* separate-stderr" in *" $n "* | *" ${n%-*}") ;; *) echo "$n" ;; esac
    done
}

same() { # GOT WANT
    [ "$1" = "$2" ] || { printf 'got:  %s\nwant: %s\n' "$1" "$2"; return 1; }
}

@test "an ingest that fails at its first row makes no log" {
    printf 'a,b\n1,2,3,4\n5,6\n' >bad.csv
    run -1 --separate-stderr sluice ingest bad.csv -o log/
    [[ $stderr == *bad.csv:2* ]]
    same "$(left bad.csv)" ""
    printf 'a\nx\n' >word.csv
    run -1 --separate-stderr sluice ingest --types 'a bigint' word.csv -o log
    same "$(left bad.csv word.csv)" ""
    printf '{"a"\n{"a":1}\n' | run -1 --separate-stderr sluice ingest -I json - -o log
    same "$(left bad.csv word.csv)" ""
}

@test "an ingest that fails at its first row leaves the schema of a log as it was" {
    printf 'a\n1\n' | sluice ingest --quiet -I csv - -o log/
    cp -r log before
    printf 'a,b\n1,2,3\n5,6\n' >bad.csv
    run -1 --separate-stderr sluice ingest bad.csv -o log/
    diff -r before/commits log/commits
    # and the next one, which is good, brings the column with its rows, in one commit
    before=$(cat log/commits/* | wc -l)
    printf 'a,b\n7,8\n' | sluice ingest --quiet -I csv - -o log/
    same "$(cat log/commits/* | wc -l)" $((before + 1))
    same "$(sluice replay --quiet log/ -O csv)" $'a,b\n1,\n7,8'
    sluice log verify log/
}

@test "an input without rows that ends well makes the log, and changes none that is there" {
    echo 'a,b' >none.csv
    sluice ingest --quiet --types 'a bigint, b text' none.csv -o log/
    same "$(sluice replay --quiet log/ -O csv)" 'a,b'
    echo 'a,b,c' >more.csv
    sluice ingest --quiet --types 'a bigint, b text, c text' more.csv -o log/
    same "$(sluice replay --quiet log/ -O csv)" 'a,b'
}

@test "what can be refused is refused before anything is read" {
    touch closed # no directory, to root neither
    mkfifo in
    exec 8<>in
    printf 'a\n1\n' >&8
    run -1 --separate-stderr timeout 20 "$SLUICE" ingest -I csv in -o closed/log
    [[ $stderr == *closed/log* ]]
}

# A run that has made the log, and has nothing to commit yet: its first row is filtered out.
held() { # LOG
    mkfifo in
    sluice transform --quiet -I csv - --where 'a > 0' -o "$1" <in 2>err &
    pids+=($!)
    exec 8>in
    printf 'a,b\n0,w\n' >&8
    until_true [ -s "$1/commits/00000000000000000001.jsonl" ]
}

@test "a log in which its maker has nothing yet takes the rows, and both runs' columns" {
    held log/
    printf 'b,c\nother,5\n' | sluice ingest --quiet -I csv - -o log/
    printf '1,x\n2,y\n' >&8
    exec 8>&-
    ends_with 0 "${pids[0]}"
    same "$(sluice replay --quiet log/ -O csv)" $'a,b,c\n,other,5\n1,x,\n2,y,'
    sluice log verify log/
    same "$(left in err log)" ""
}

@test "a log that another run makes with other partitions is not written to" {
    held log/
    echo 'b,other' | tr , '\n' >other.csv
    run -1 --separate-stderr sluice ingest --quiet other.csv --partitions 3 --key b -o log/
    [[ $stderr == *"the log has 1 partition, not 3"* ]]
    printf '1,x\n2,y\n' >&8
    exec 8>&-
    ends_with 0 "${pids[0]}"
    same "$(sluice replay --quiet log/ -O csv)" $'a,b\n1,x\n2,y'
    same "$(left in err other.csv log)" ""
}

# The run that made the log fails, at a row with too many fields.
fails() { # PID
    printf '1,2,3,4,5\n' >&8
    exec 8>&-
    ends_with 1 "$1"
}

@test "a run that fails takes the log that it made away again, but not from another one" {
    held log/
    fails "${pids[0]}"
    same "$(left in err)" ""
    rm in
    held log/
    printf 'b\nother\n' | sluice ingest --quiet -I csv - -o log/
    fails "${pids[1]}"
    same "$(sluice transform --quiet log/ --select b -O csv)" $'b\nother'
    rm -r log in
    # the other has it open, and nothing in it either
    held log/
    mkfifo in2
    sluice transform --quiet -I csv - --where 'a > 0' -o log/ <in2 &
    pids+=($!)
    exec 7>in2
    printf 'a\n0\n' >&7
    until_true holder_is "${pids[3]}"
    fails "${pids[2]}"
    printf '7\n' >&7
    exec 7>&-
    ends_with 0 "${pids[3]}"
    same "$(sluice transform --quiet log/ --select a -O csv)" $'a\n7'
    same "$(left in in2 err log)" ""
}

@test "who follows a log does not begin before its first commit: the run may fail that made it" {
    held log/
    sluice tail -f log/ -n all -O csv >out 2>said &
    follower=$!
    pids+=("$follower")
    until_true grep -q 'log/ is not there yet: waiting for it' said
    fails "${pids[0]}"
    printf 'c\n5\n' | sluice ingest --quiet -I csv - -o log/
    until_true grep -qx 5 out
    kill -TERM "$follower"
    ends_with 143 "$follower"
    same "$(cat out)" $'c\n5'
}

holder_is() { # PID
    tail -c +129 log/lock | grep -q "^0*$1 "
}

@test "runs that bring columns to one log at once: each gets its own" {
    printf 'a\n9\n' | sluice ingest --quiet -I csv - -o log/
    mkfifo in
    sluice transform --quiet -I csv - --where 'a > 0' -o log/ <in &
    pids+=($!)
    exec 8>in
    printf 'a,b\n0,w\n' >&8
    printf '5,v\n' >&8
    until_true grep -q '"types":"a bigint, b text"' log/commits/00000000000000000001.jsonl
    mkfifo in3
    sluice transform --quiet -I csv - --where 'a > 0' -o log/ <in3 &
    pids+=($!)
    exec 7>in3
    printf 'a,d\n0,w\n' >&7
    # it has looked at the log: its lock is that of the last to append
    until_true holder_is "${pids[1]}"
    printf 'a,c\n3,true\n' | sluice ingest --quiet --types 'a bigint, c boolean' -I csv - -o log/
    printf '4,x\n' >&7
    exec 7>&- 8>&-
    ends_with 0 "${pids[0]}"
    ends_with 0 "${pids[1]}"
    same "$(sluice replay --quiet log/ -O csv)" $'a,b,c,d\n9,,,\n5,v,,\n3,,true,\n4,,,x'
    sluice log verify log/
}

@test "many runs that make one log at once: every row is in it" {
    for i in 1 2 3 4 5 6; do
        printf 'a,c%s\n%s,%s\n' $i $i $i | sluice ingest --quiet -I csv - -o log/ &
        pids+=($!)
    done
    for p in "${pids[@]}"; do ends_with 0 "$p"; done
    same "$(sluice aggregate --quiet log/ --select 'count(*), sum(a), count(c3)' -O csv | tail -n 1)" 6,21,1
    same "$(left log)" ""
}

# A run that writes rows.csv, has begun, and goes on until its input ends.
writing() {
    [ -p in ] || mkfifo in
    sluice ingest --quiet -I csv - -o rows.csv <in &
    pids+=($!)
    exec 8>in
    printf 'a\n1\n' >&8
    until_true compgen -G "rows.csv.tmp-${pids[-1]}-*" >/dev/null
}

killed() { # PID
    kill -9 "$1"
    wait "$1" || true
}

@test "what a killed run left beside its file is removed by the next one, what a live one has is not" {
    writing
    killed "${pids[0]}"
    exec 8>&-
    compgen -G "rows.csv.tmp-${pids[0]}-*" >/dev/null
    writing
    mine=$(left in)
    [[ $mine == "rows.csv.tmp-${pids[1]}-"???????????????? ]]
    printf 'a\n7\n' | sluice ingest --quiet -I csv - -o rows.csv
    same "$(left in)" $'rows.csv\n'"$mine"
    rm rows.csv
    exec 8>&-
    ends_with 0 "${pids[1]}"
    same "$(left in)" rows.csv
    same "$(cat rows.csv)" $'a\n1'
}

@test "what somebody keeps beside a file or a log, by a name that only looks alike, is left alone" {
    mkdir log.new-20260101 log.new-7-abcdef log.new-7-abcdef123 log.new-mine
    touch other.csv.tmp-7-abcdef12 rows.csv.tmp.1 rows.csv.tmp-1 rows.csv.tmp-2026-01-01 \
        rows.csv.tmp-07-abcdef12 rows.csv.tmp-7-ABCDEF12 log.new-20260101/file
    ls -R >"$BATS_TEST_TMPDIR/before"
    printf 'a\n1\n' | sluice ingest --quiet -I csv - -o rows.csv
    printf 'a\n1\n' | sluice ingest --quiet -I csv - -o log/
    rm -r rows.csv log
    ls -R | diff "$BATS_TEST_TMPDIR/before" -
}

@test "a link under a name like a temporary one is neither followed nor removed" {
    mkdir precious && touch precious/file
    ln -s precious log.new-7-abcdef12
    ln -s precious/file rows.csv.tmp-7-abcdef12
    printf 'a\n1\n' | sluice ingest --quiet -I csv - -o rows.csv
    printf 'a\n1\n' | sluice ingest --quiet -I csv - -o log/
    [ -e precious/file ]
    same "$(left)" $'log\nlog.new-7-abcdef12\nprecious\nrows.csv\nrows.csv.tmp-7-abcdef12'
}

@test "a log that a killed run made, and put nothing in, takes the rows of the next one" {
    held log/
    killed "${pids[0]}"
    exec 8>&-
    printf 'b,c\nx,1\n' | sluice ingest --quiet -I csv - -o log/
    same "$(sluice replay --quiet log/ -O csv)" $'a,b,c\n,x,1'
    same "$(left in err)" log
    sluice log verify log/
}

@test "a file that another run has made meanwhile is not replaced without --force" {
    writing
    printf 'a\n7\n' | sluice ingest --quiet -I csv - -o rows.csv
    exec 8>&-
    ends_with 1 "${pids[0]}"
    same "$(cat rows.csv)" $'a\n7'
    same "$(left in)" rows.csv
}

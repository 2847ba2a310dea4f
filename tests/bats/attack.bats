#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# What stands around the log: leftovers, links, holders of locks, damage after the mark.

load common

same() { # GOT WANT
    [ "$1" = "$2" ] || { printf 'got:  %s\nwant: %s\n' "$1" "$2"; return 1; }
}

# The temporary name that a run leaves which is killed when it would give the file, or the log, its own.
left_by_killed() { # NAME
    need_strace
    echo 'a,1' | tr , '\n' >rows.csv
    strace -qq -o trace -e trace=rename,renameat2 -e inject=rename,renameat2:error=EIO:signal=KILL \
        "$SLUICE" transform --quiet rows.csv -o "$1" || true
    left=$(compgen -G "${1%/}.*-*-*")
    left=${left%/}
}

@test "files and logs that merely bear a name like that of a leftover stay, whatever the digits" {
    printf 'a\n1\n' >a.csv
    mkdir -p orders.new-1-20260301 orders.new-7-abcdef12/commits orders.new-7-abcdef1234567890
    echo precious >orders.new-1-20260301/notes.txt
    echo report >out.csv.tmp-1-20260301
    echo report >out.csv.tmp-1-2026030120260301
    sluice ingest --quiet a.csv -o orders.new-2-20260302/
    before=$(find . | sort)
    sluice ingest --quiet a.csv -o orders/
    sluice replay --quiet orders/ -o out.csv
    rm -r orders out.csv
    same "$(find . | sort)" "$before"
}

@test "what a killed run left is removed by the next run, a log as a file" {
    left_by_killed log/
    log=$left
    left_by_killed out.csv
    [ -d "$log" ] && [ -f "$left" ]
    printf 'a\n1\n' | sluice ingest --quiet -I csv - -o log/
    sluice replay --quiet log/ -o out.csv
    [ ! -e "$log" ] && [ ! -e "$left" ]
}

@test "a leftover of a log that has come to hold anything else stays whole" {
    for what in 'echo precious >$left/notes.txt' 'echo x >$left/0000/x' 'mkdir $left/lost' \
        'ln -s ../a $left/0001' 'echo "{}" >>$left/commits/*' 'rm $left/lock; mkfifo $left/lock' \
        'echo x >$left/commits/00000000000000000002.jsonl' 'echo precious >$left/lock'; do
        left_by_killed log/
        eval "$what"
        before=$(find "$left" | sort)
        printf 'a\n1\n' | sluice ingest --quiet -I csv - -o log/
        same "$(find "$left" | sort)" "$before" || { echo "$what"; return 1; }
        rm -r log "$left"
    done
}

@test "a leftover of a log is removed wherever its maker was killed" {
    for what in 'rm -r $left/*' 'rm -r $left/lock' ': >$left/lock' 'rm -r $left/commits' \
        'truncate -s 20 $left/commits/*' ': >$(echo $left/commits/*)'; do
        left_by_killed log/
        eval "$what"
        printf 'a\n1\n' | sluice ingest --quiet -I csv - -o log/
        [ ! -e "$left" ] || { echo "$what"; return 1; }
        rm -r log
    done
}

@test "a whole log under the name of a leftover stays" {
    left_by_killed log/
    rm -r "$left"
    printf 'a\n1\n' | sluice ingest --quiet -I csv - -o "$left/"
    printf 'a\n2\n' | sluice ingest --quiet -I csv - -o log/
    same "$(sluice replay --quiet "$left/" -O csv)" $'a\n1'
}

@test "a link in the place of a leftover is not followed" {
    mkdir precious
    touch precious/file
    left_by_killed log/
    rm -r "$left"
    ln -s precious "$left"
    left_by_killed out.csv
    rm "$left"
    ln -s precious/file "$left"
    printf 'a\n1\n' | sluice ingest --quiet -I csv - -o log/
    sluice replay --quiet log/ -o out.csv
    [ -e precious/file ]
}

# A log with the rows 1 to 100 of column a, durable, and one batch in it damaged.
damaged_log() { # LOG
    seq 100 | sed 1ia | sluice ingest --quiet -I csv - -o "$1" --sync commit
    local f=("$1"/0000/*.arrows)
    printf '\377' | dd of="${f[0]}" bs=1 seek=$(($(stat -c %s "${f[0]}") - 300)) conv=notrunc status=none
}

@test "a repair refuses a link, or a file, in the place of lost/, before it changes anything" {
    mkdir elsewhere
    damaged_log log
    before=$(find log -type f -exec md5sum {} + | sort)
    ln -s ../elsewhere log/lost
    run -1 --separate-stderr sluice log repair --yes log/
    [[ $stderr == *"log/lost is a symbolic link"* ]]
    same "$(ls elsewhere)" ""
    rm log/lost
    touch log/lost
    run -1 --separate-stderr sluice log repair --yes log/
    [[ $stderr == *"log/lost is no directory"* ]]
    rm log/lost
    same "$(find log -name '*-2.arrows' -exec md5sum {} +; find log -name '*.jsonl' -exec md5sum {} +)" \
        "$(grep -e '-2.arrows' <<<"$before"; grep jsonl <<<"$before")"
    run -3 sluice log repair --yes log/
    [ -n "$(ls log/lost)" ]
}

@test "a recovery refuses a link in the place of lost/" {
    mkdir elsewhere
    seq 100 | sed 1ia | sluice ingest --quiet -I csv - -o log/ --sync commit
    seq 100 | sed 1ia | sluice ingest --quiet -I csv - -o log/ --sync none
    # another boot, and the last line did not reach the device: its batch is put aside
    printf '%s' 11111111-1111-1111-1111-111111111111 | dd of=log/lock bs=1 seek=21 conv=notrunc status=none
    sed -i '$d' log/commits/*.jsonl
    ln -s ../elsewhere log/lost
    run -1 --separate-stderr sluice ingest -I csv - -o log/ <<<$'a\n1'
    [[ $stderr == *"log/lost is a symbolic link"* ]]
    same "$(ls elsewhere)" ""
}

# A follower with one row committed, and its input open as descriptor 8.
following() { # LOG
    mkfifo in
    sluice ingest -f --quiet -I csv - -o "$1" <in 2>errors &
    pids+=($!)
    exec 8>in
    printf 'a\n1\n' >&8
    until_true holds "$1" 1
}

holds() { # LOG ROWS
    same "$(sluice aggregate --quiet "$1" --select 'count(*)' -O csv 2>/dev/null | tail -n 1)" "$2" >/dev/null
}

@test "a writer whose open segment was removed fails, with the file's name and what to do" {
    following log/
    rm log/0000/*.arrows
    printf '2\n' >&8
    ends_with 1 "${pids[0]}"
    grep -q 'log/0000/0.*\.arrows: the segment was removed or replaced.*log repair log' errors
    run -1 --separate-stderr sluice ingest -I csv - -o log/ <<<$'a\n3'
    [[ $stderr == *"the segment was removed or replaced"* ]]
    run -3 sluice log repair --yes log/
    sluice ingest --quiet -I csv - -o log/ <<<$'a\n3'
    same "$(sluice replay --quiet log/ -O csv)" $'a\n3'
}

@test "a writer whose open segment was replaced by a copy fails too" {
    following log/
    for f in log/0000/*.arrows; do cp "$f" copy && mv copy "$f"; done
    printf '2\n' >&8
    ends_with 1 "${pids[0]}"
    grep -q 'the segment was removed or replaced' errors
    same "$(sluice replay --quiet log/ -O csv)" $'a\n1'
}

@test "a writer whose commit file was removed fails" {
    printf 'a\n0\n' | sluice ingest --quiet -I csv - -o log/
    printf '{"n":' >>log/commits/00000000000000000001.jsonl # a torn tail: the next file begins
    mkfifo in
    sluice ingest -f --quiet -I csv - -o log/ <in 2>errors &
    pids+=($!)
    exec 8>in
    printf 'a\n1\n' >&8
    until_true holds log/ 2
    rm "$(ls -d log/commits/* | tail -n 1)"
    printf '2\n' >&8
    ends_with 1 "${pids[0]}"
    grep -q 'commits/.*: the commit file was removed' errors
}

# Zeros in place of the last N commit lines.
zero_lines() { # LOG N
    python3 - "$1"/commits/*.jsonl "$2" <<'P'
import sys
path, n = sys.argv[1], int(sys.argv[2])
lines = open(path, 'rb').read().splitlines(keepends=True)
tail = sum(len(x) for x in lines[-n:])
open(path, 'wb').write(b''.join(lines[:-n]) + b'\0' * tail)
P
}

sum_of() { # LOG
    sluice aggregate --quiet "$1" --select 'count(*), sum(a)' -O csv | tail -n 1
}

@test "lines that a file system lost behind the mark: readers say so, a resume brings the rows again" {
    seq 100 | sed 1ia >a.csv
    seq 101 200 | sed 1ia >b.csv
    sluice ingest --quiet a.csv -o log/ --sync commit
    sluice ingest --quiet b.csv -o log/ --sync none
    zero_lines log 1
    same "$(sum_of log/)" 100,5050
    run -0 --separate-stderr sluice tail -n 1 log/ -O csv
    same "$output" $'a\n100'
    [[ $stderr == *"commits after number 2 did not reach the device: their rows are passed over"* ]]
    run -0 sluice log verify log/
    [[ $output == *"commits after number 2 did not reach the device"* ]]
    run -3 --separate-stderr sluice ingest --resume b.csv -o log/
    [[ $stderr == *"set aside in lost/"* ]]
    same "$(sum_of log/)" 200,20100
    run -0 sluice log verify log/
    same "$output" "log/: whole"
}

@test "a segment that lost its end behind the mark: the same" {
    seq 100 | sed 1ia >a.csv
    seq 101 200 | sed 1ia >b.csv
    sluice ingest --quiet a.csv -o log/ --sync commit
    sluice ingest --quiet b.csv -o log/ --sync none
    truncate -s -9 log/0000/*.arrows
    same "$(sum_of log/)" 100,5050
    run -3 sluice ingest --quiet --resume b.csv -o log/
    same "$output" "sluice ingest: commits after number 2 had not reached the device and are lost"
    same "$(sum_of log/)" 200,20100
    run -0 sluice ingest --quiet --resume b.csv -o log/
    same "$output" ""
    sluice log verify log/
}

@test "zeros in a batch behind the mark: a repair takes its commit back, a resume brings the rows again" {
    seq 100 | sed 1ia >a.csv
    seq 101 200 | sed 1ia >b.csv
    sluice ingest --quiet a.csv -o log/ --sync commit
    sluice ingest --quiet b.csv -o log/ --sync none
    size=$(stat -c %s log/0000/*.arrows)
    truncate -s -99 log/0000/*.arrows
    truncate -s "$size" log/0000/*.arrows
    run -1 --separate-stderr sluice tail -n 1 log/
    run -1 sluice log repair log/
    [[ $output == *"commits after number 2 did not reach the device whole: they are taken back"* ]]
    run -3 sluice log repair --yes log/
    same "$(sum_of log/)" 100,5050
    sluice ingest --quiet --resume b.csv -o log/
    same "$(sum_of log/)" 200,20100
    sluice log verify log/
}

@test "a lost line at the mark stays an error that names file and byte" {
    seq 100 | sed 1ia | sluice ingest --quiet -I csv - -o log/ --sync commit
    zero_lines log 1
    run -1 --separate-stderr sluice tail -n 1 log/
    [[ $stderr == *"log/commits/00000000000000000001.jsonl: byte "* ]]
}

@test "a line that is being written is no lost one: a reader waits for its end" {
    seq 100 | sed 1ia | sluice ingest --quiet -I csv - -o log/ --sync none
    printf '{"n":3,"prev":' >>log/commits/00000000000000000001.jsonl
    run -0 --separate-stderr sluice tail -n 1 log/ -O csv
    same "$output" $'a\n100'
    [[ $stderr != *"passed over"* ]]
}

is_stopped() { # PID
    grep -q '^State:.[tT]' "/proc/$1/status"
}

@test "a stopped holder of the sync lock costs another run 10 s, which says that its rows are committed" {
    need_strace
    for f in a b c; do seq 100 | sed "s/^/$f/;1iid" >$f.csv; done
    sluice ingest --quiet a.csv -o log/
    strace -f -qq -o trace -e trace=fdatasync -e inject=fdatasync:signal=SIGSTOP:when=1 \
        "$SLUICE" ingest --quiet b.csv -o log/ --sync commit &
    tracer=$!
    until_true grep -q SIGSTOP trace
    holder=$(ps -o pid= --ppid "$tracer" | tr -d ' ')
    until_true is_stopped "$holder"
    for sync in commit 1s; do
        SECONDS=0
        run -75 --separate-stderr sluice ingest --again c.csv -o log/ --sync "$sync"
        [ "$SECONDS" -lt 16 ]
        [[ $stderr == *"log: the rows so far are committed, but not known to be durable: process $holder on $(hostname) has held the lock"* ]]
    done
    kill -KILL "$holder"
    # what was committed stays, and the next run makes it durable
    sluice ingest --quiet --resume c.csv -o log/
    same "$(sluice aggregate --quiet log/ --select 'count(*), count(distinct id)' -O csv | tail -n 1)" 400,300
    run -0 sluice log info log/
    commit=$(sed -n 's/^commit *\([0-9]*\), durable to \([0-9]*\)$/\1 \2/p' <<<"$output")
    [ "${commit% *}" = "${commit#* }" ]
}

# bomb.arrows: 4 columns of 100,000,000 zeros, 800 MB each, in 100 kB; dict.arrows: a dictionary of
# one text of 800 MB.
bombs() {
    "$SLUICE_ORACLE" - <<'P'
import pyarrow as pa
n = 100_000_000
zeros = pa.py_buffer(bytes(8 * n))
options = pa.ipc.IpcWriteOptions(compression='zstd')
def write(name, batch):
    with pa.ipc.new_stream(name, batch.schema, options=options) as w:
        w.write_batch(batch)
write('bomb.arrows', pa.record_batch([pa.Array.from_buffers(pa.int64(), n, [None, zeros])] * 4, list('abcd')))
text = pa.Array.from_buffers(pa.utf8(), 1, [None, pa.py_buffer((0).to_bytes(4, 'little') + (8 * n).to_bytes(4, 'little')), zeros])
write('dict.arrows', pa.record_batch([pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int32()), text)], ['d']))
P
}

# What a command takes at its peak, in MiB, after its exit status.
peak() { # COMMAND...
    python3 - "$@" 3>&1 >/dev/null <<'P'
import os, resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
os.write(3, f'{status} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10}'.encode())
P
}

@test "what a compressed column would take is charged before it is taken" {
    need_oracle
    [ -z "${SLUICE_SANITIZED-}" ] || skip "sanitizers take memory of their own"
    bombs
    for args in "tail -n 2 bomb.arrows" "aggregate bomb.arrows --select sum(a)" \
        "transform bomb.arrows --where a>0" "transform dict.arrows --where length(d)>0" \
        "tail -n 1 dict.arrows"; do
        read -r status mib <<<"$(peak sluice $args --memory 512M -O csv 2>errors)"
        [ "$status" -eq 1 ] || { echo "$args: $status"; return 1; }
        [ "$mib" -lt $((512 + 64)) ] || { echo "$args: $mib MiB"; return 1; }
        grep -q 'the memory limit of 536870912 bytes; raise it with --memory' errors || { echo "$args"; cat errors; return 1; }
    done
    # at the limit: a column that fits, with what it takes besides
    read -r status mib <<<"$(peak sluice aggregate bomb.arrows --select 'sum(a)' --memory 832M -O csv)"
    [ "$status" -eq 0 ]
    [ "$mib" -lt $((832 + 64)) ]
    same "$(sluice aggregate --quiet bomb.arrows --select 'count(*), sum(a)' --memory 832M -O csv | tail -n 1)" 100000000,0
}

@test "the last rows of a large batch take memory for few rows only" {
    need_oracle
    [ -z "${SLUICE_SANITIZED-}" ] || skip "sanitizers take memory of their own"
    "$SLUICE_ORACLE" - <<'P'
import pyarrow as pa
b = pa.record_batch([pa.array(range(3_000_000), pa.int64())], ['a'])
with pa.ipc.new_stream('a.arrows', b.schema) as w: w.write_batch(b)
P
    read -r status mib <<<"$(peak sluice tail -n 3 a.arrows --memory 64M -O csv)"
    [ "$status" -eq 0 ]
    same "$(sluice tail --quiet -n 3 a.arrows --memory 64M -O csv)" $'a\n2999997\n2999998\n2999999'
    same "$(sluice tail --quiet -n 70000 a.arrows --memory 64M -O csv | sed 1d | awk '{ n++; s += $1 } END { print n, s }')" \
        "70000 $(seq 2930000 2999999 | awk '{ s += $1 } END { print s }')"
}

@test "bytes set aside are said under --quiet too" {
    seq 100 | sed 1ia | sluice ingest --quiet -I csv - -o log/ --sync commit
    seq 100 | sed 1ia | sluice ingest --quiet -I csv - -o log/ --sync none
    zero_lines log 1
    run -3 --separate-stderr sluice ingest --quiet -I csv - -o log/ <<<$'a\n1'
    [[ $stderr =~ ^"sluice ingest: commits after number 2 "[a-z\ ]+", "[0-9.]+" "k?B" set aside in lost/"$ ]] || { echo "$stderr"; return 1; }
}

@test "a repair that keeps rows of a lost line: --resume refuses until --again" {
    for f in a b c d; do seq 100 | sed "s/^/$f/;1iid" >$f.csv; done
    for f in a b c; do sluice ingest --quiet $f.csv -o log/; done
    # the line of b.csv is bad, that of c.csv after it is good
    sed -i '3s/"n":3/"n":9/' log/commits/*.jsonl
    run -3 sluice log repair --yes log/
    [[ $output == *"ingest --resume refuses, until one with --again"* ]]
    same "$(sluice aggregate --quiet log/ --select 'count(*)' -O csv | tail -n 1)" 300
    run -1 --separate-stderr sluice ingest --resume b.csv -o log/
    [[ $stderr == *"log/ has rows of which a repair could not tell what input they came from"*--again* ]]
    [[ $(sluice log info log/) == *"repaired "* ]]
    sluice ingest --quiet --again d.csv -o log/
    sluice ingest --quiet --resume d.csv -o log/
    same "$(sluice aggregate --quiet log/ --select 'count(*), count(distinct id)' -O csv | tail -n 1)" 400,400
    [[ $(sluice log info log/) != *"repaired "* ]]
}

@test "a repair of a line that brought no rows back: --resume goes on" {
    seq 100 | sed 1ia >a.csv
    sluice ingest --quiet a.csv -o log/
    truncate -s -200 log/0000/*.arrows
    run -3 sluice log repair --yes log/
    seq 101 200 >>a.csv
    sluice ingest --quiet --resume a.csv -o log/
    same "$(sluice aggregate --quiet log/ --select 'max(a), count(*)' -O csv | tail -n 1)" 200,100
}

@test "control bytes in a column's name are escaped in log info" {
    printf 'a\033[31mb,c\n1,2\n' | sluice ingest --quiet -I csv - -o log/
    sluice log info log/ >info
    run ! grep -q $'\033' info
    grep -q 'columns .*\[31mb' info
}

@test "--explain shows names with control bytes and marks of direction as escapes, each on its line" {
    printf '"x\033[2J","r\xe2\x80\xaee","p\nq"\n1,2,3\n' >n.csv
    sluice aggregate --by $'"p\nq", "x\033[2J"' --quiet --explain n.csv >plan
    sluice transform --where $'"r\xe2\x80\xaee" > 1' --quiet --explain n.csv >>plan
    [[ $(<plan) == *'p\nq'*'x\x1b[2J'*'r\u{202e}e'* ]]
    run -1 grep -nP '[\x00-\x1f]|\x{202e}' plan
    same "$(grep -vcE '^(source|sink|schema|threads|aggregate|filter|project|last|limit|sort) ' plan)" 0
}

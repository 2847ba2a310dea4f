#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# explain: --explain prints the stages that run, with their settings, and touches nothing.
load common

# A log of four partitions by c: t, a, c.
make_log() {
    seq 0 59 | awk 'BEGIN { print "t,a,c" }
        { printf "2026-01-02T00:00:%02dZ,%d,word%d\n", $1, $1 * 7, $1 % 3 }' > in.csv
    sluice ingest --quiet in.csv --key c --partitions 4 -o l/
}

explain() { # COMMAND...
    run -0 --separate-stderr sluice "$1" --explain "${@:2}"
}

# Whether the plan has exactly this line.
line() { # LINE
    grep -qxF -- "$1" <<<"$output" || { echo "no line '$1' in:" && echo "$output" && return 1; }
}

@test "of a followed log: partitions, columns that are read, the watermark, windows, the sink" {
    make_log
    explain aggregate -f --window '10 s' --by c --select 'sum(a)' l/ -O json -j 2
    [ "${lines[0]}" = 'source log l/, partitions 4, followed, columns t, a, c' ]
    [ "${lines[1]}" = 'watermark out of order 5 s, partitions 4' ]
    [[ ${lines[2]} == "aggregate select 'sum(a)' by c window 10000000 us of t"* ]]
    [ "${lines[3]}" = 'sink text standard output, format json' ]
    [ "${lines[4]}" = 'threads 2 share decode' ]
    [ "${lines[5]}" = 'schema window_start timestamptz, window_end timestamptz, c text, sum_a numeric(38,0)' ]
}

@test "the watermark says the out-of-orderness that was given" {
    make_log
    explain aggregate --out-of-order '1 min' --window '10 s' --by c l/ -O json
    line 'watermark out of order 60 s, partitions 4'
    explain aggregate --window '10 s' --by c l/ -O json
    run ! grep watermark <<<"$output"
}

@test "of a new log: partitions, key, hash and time that it would get" {
    make_log
    explain partition --by a --into 3 --hash crc32 l/ -o p/
    line 'timed by t'
    line 'sink log p/, new, partitions 3, key a, hash crc32, time t'
    explain transform l/ -o copy/
    line 'sink log copy/, new, partitions 4, key c, hash murmur2, time t'
    [ ! -e p ] && [ ! -e copy ]
}

@test "of a log that is there: what it has" {
    make_log
    explain ingest in.csv --again -o l/
    line 'source text in.csv, format csv, timed by t'
    line 'sink log l/, appended, partitions 4, key c, hash murmur2, time t'
    run -0 --separate-stderr sluice aggregate l/ --select 'count(*)' -O csv
    [ "${lines[1]}" = 60 ]
}

@test "segments that are cast to a newer schema are counted" {
    make_log
    echo 't,a,c,d
2026-01-02T00:01:00Z,1.5,word1,2' | sluice ingest --quiet -o l/
    explain tail -n 3 l/ -O csv
    [[ ${lines[0]} == 'source log l/, partitions 4, '[1-3]' of '[1-4]' segments cast to the newest schema, columns t, a, c, d' ]]
    line 'last 3'
}

@test "of a replay: the merge by time, which one thread decodes, and the bounds" {
    make_log
    explain replay l/ --from '2026-01-02 00:00:10Z' --to +20s -j 2 -O csv
    [[ ${lines[0]} == 'source log l/, partitions 4, merged by t, t from 2026-01-02 00:00:10+00 before 2026-01-02 00:00:30+00, '* ]]
    line 'threads 2 share encode'
    explain replay l/ --partition 1 --from 3 --to 9 -j 2 -O csv
    line 'source log l/, partition 1 of 4, offsets 1:3 to 9, columns t, a, c'
    line 'threads 2 share decode, encode'
    explain replay l/ --speed 2 -O csv
    line 'source pace times 2 by t of log l/, partitions 4, merged by t, columns t, a, c'
}

@test "what threads share: operators that treat each row by itself, and one that is merged at the end" {
    make_log
    explain aggregate --where 'a > 7' --by c in.csv -j 3 -O csv
    line 'threads 3 share decode, filter, aggregate (merged at the end)'
    explain transform --where 'a > 7' --select a in.csv -j 3 -O csv
    line 'threads 3 share decode, filter, project, encode'
    explain transform --where 'a > 7' --select a in.csv -j 1 -O csv
    line 'threads 1'
}

@test "files that would be written are named with their format, and neither made nor replaced" {
    make_log
    echo old > out.csv
    explain transform in.csv -o out.csv --force --rejects bad.json
    line 'sink text out.csv, format csv, replaced'
    line 'rejects text bad.json, format json, replaced'
    [ "$(cat out.csv)" = old ]
    explain transform in.csv -o new.arrow --rejects bad/
    line 'sink frames new.arrow, format arrow'
    line 'rejects log bad/, new, partitions 1'
    [ ! -e new.arrow ] && [ ! -e bad ] && [ ! -e bad.json ]
    run -0 find . -name '*.tmp*'
    [ -z "$output" ]
}

@test "options that would be refused are refused by --explain" {
    make_log
    run -2 --separate-stderr sluice transform --explain in.csv -o out.xyz
    [[ $stderr == *"cannot tell the format of out.xyz by its name"* ]]
}

@test "a live filter in front of a window runs on all workers" {
    printf 'ts,v\n2026-01-01T00:00:01Z,1\n' | sluice ingest -I csv -o l/ --quiet
    run -0 --separate-stderr sluice aggregate -f l/ --where 'v > 0' --window '1 s' -j 3 --explain
    line 'threads 3 share decode, filter'
    line 'watermark out of order 5 s, partitions 1'
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# A state of many keys: a checkpoint saves what has changed of it, and what was saved so is what one run gives.
load common
load resume_helper

# Rows of the keys FROM to TO, on top of those there are.
keys() { # FROM TO
    awk -v from="$1" -v to="$2" 'BEGIN { print "id,v"; for (i = from; i < to; i++) print i "," i % 97 }' >keys.csv
    sluice ingest --quiet --again keys.csv -o new/
}

totals() { # OPTION...
    sluice aggregate new/ --resume --by id --select 'count(*), sum(v), max(v)' -o totals/ --quiet "$@"
}

# Bytes of each file of state of the pipeline, in the order of their checkpoints.
saved() { # LOG
    find "$1"/state/main -name '*.arrows' -printf '%f %s\n' | sort -t- -k2n | cut -d' ' -f2
}

@test "of 1,000,000 keys of which 1,000 change a checkpoint writes less than 2 % of what all of them take" {
    keys 0 1000000
    totals
    whole=$(saved totals/)
    [ "$whole" -gt 4000000 ]
    for i in 1 2 3; do
        keys $((i * 1000)) $((i * 1000 + 1000))
        totals
        [ "$(saved totals/ | wc -l)" -eq $((i + 1)) ]
        changed=$(saved totals/ | tail -n 1)
        echo "$changed of $whole bytes"
        [ $((changed * 50)) -lt "$whole" ]
        [ "$(saved totals/ | head -n 1)" = "$whole" ]
    done
    totals --final
    diff <(sluice aggregate new/ --by id --select 'count(*), sum(v), max(v)' -O csv --quiet) \
        <(sluice replay totals/ -O csv --quiet)
}

@test "of one changed key a checkpoint writes that key" {
    keys 0 20000
    totals
    before=$(saved totals/)
    keys 7 8
    totals
    [ "$(saved totals/ | tail -n 1)" -lt $((before / 20)) ]
}

@test "what is kept of a state, and read again, is bounded" {
    keys 0 3000
    most=0
    for i in {1..12}; do
        totals
        bytes=$(saved totals/ | awk '{ n += $1 } END { print n }')
        [ "$i" -gt 1 ] || whole=$bytes
        if [ "$bytes" -gt "$most" ]; then most=$bytes; fi
        keys 0 1500
    done
    # Two checkpoints are kept, each of all and of as much again that has changed.
    [ "$most" -gt "$((whole * 3 / 2))" ]
    [ "$most" -lt "$((whole * 5))" ]
    totals --final
    diff <(sluice aggregate new/ --by id --select 'count(*), sum(v), max(v)' -O csv --quiet) \
        <(sluice replay totals/ -O csv --quiet)
}

@test "a state of many changes is whole again after 64 files" {
    keys 0 20000
    for i in {1..66}; do
        totals
        keys "$i" $((i + 1))
        files=$(tail -n 1 totals/commits/*.jsonl | grep -o '"place"' | wc -l)
        [ "$i" -gt 64 ] || [ "$files" -eq "$i" ]
    done
    [ "$files" -eq 2 ]
    totals --final
    diff <(sluice aggregate new/ --by id --select 'count(*), sum(v), max(v)' -O csv --quiet) \
        <(sluice replay totals/ -O csv --quiet)
}

@test "windows that were emitted are gone from a state that was saved as changes" {
    select=(--window '1 hour' --by 'kind, v' --select 'count(*), sum(v), p50(v), count(distinct v), last(v)')
    for i in {0..14}; do
        come $((i * 70)) $((i * 70 + 70))
        sluice aggregate new/ --resume "${select[@]}" -o hourly/ --quiet
        tail -n 1 hourly/commits/*.jsonl | grep -o '"place"' | wc -l >>files
    done
    grep -q '[2-9]' files # there were changes
    sluice aggregate new/ --resume "${select[@]}" -o hourly/ --quiet --final
    diff <(sluice aggregate new/ "${select[@]}" -O csv --quiet | tail -n +2 | sort) <(committed hourly/)
}

@test "a stage in a pipe saves what has changed, too" {
    keys 0 100000
    for i in 1 2 3; do
        sluice replay new/ --resume-from sums/ --quiet |
            sluice aggregate --by id --select 'count(*)' --resume-from sums/ --quiet |
            sluice transform --resume -o sums/ --quiet
        keys "$i" $((i + 100))
    done
    [ "$(find sums/state -name '*.arrows' | wc -l)" -eq 3 ]
    saved sums/ | awk '{ if (NR == 1) all = $1; else if ($1 * 10 > all) exit 1 }'
}

@test "a file of changes that is gone is an error that names it" {
    keys 0 20000
    for i in 1 2 3; do
        totals
        keys "$i" $((i + 1))
    done
    gone=$(find totals/state -name '0-2.arrows')
    rm "$gone"
    run --separate-stderr -1 totals
    [[ $stderr == *"0-2.arrows"* ]]
}

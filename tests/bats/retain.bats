#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Retention by settings that the log keeps and its writers apply.
load common

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# Rows FROM to TO, an hour apart from 2026-01-01 on.
hours() { # FROM TO
    awk -v from="$1" -v to="$2" 'BEGIN {
        print "ts,n"
        for (i = from; i < to; i++) print 1767225600 + 3600 * i "," i
    }'
}

put() { # FROM TO [OPTION...]: appended to l/, in segments of a few rows
    hours "$1" "$2" >"in.$1.csv"
    sluice ingest --quiet --time ts --time-format epoch:s --segment-size 2K "in.$1.csv" -o l/ "${@:3}"
}

first() { sluice transform l/ --select n -O csv --quiet | sed -n 2p; }
offsets() { sluice log info l/ 2>/dev/null | sed -n 's/^partition *0: \(offsets [0-9]* to [0-9]*\).*/\1/p'; }
retained() { sluice log info l/ 2>/dev/null | sed -n 's/^retain *//p'; }

@test "log set --retain-age is kept, shown, and taken back by none" {
    put 0 10
    run -0 sluice log set l/ --retain-age 30d
    [ "$(retained)" = 'rows of 30 days' ]
    sluice log set l/ --retain-size 10G
    [ "$(retained)" = 'rows of 30 days, 10737418240 bytes' ]
    sluice log set l/ --retain-age none
    [ "$(retained)" = '10737418240 bytes' ]
    sluice log set l/ --retain-size none
    [ -z "$(retained)" ]
}

@test "a writer drops what is older than the age, counted from the newest row where that is older than now" {
    for i in $(seq 0 100 900); do put "$i" $((i + 100)); done
    sluice log set l/ --retain-age 20d
    [ "$(first)" -gt 0 ]
    for i in $(seq 1000 100 1900); do put "$i" $((i + 100)); done
    kept=$((2000 - $(first)))
    echo "$kept hours"
    [ "$kept" -ge 480 ] && [ "$kept" -le 700 ]
    [ "$(offsets)" = "offsets $(first) to 2000" ]
    [ "$(sluice log verify l/)" = 'l/: whole' ]
}

@test "a writer drops the oldest beyond the size" {
    put 0 500
    sluice log set l/ --retain-size 12K
    for i in $(seq 500 250 5000); do put "$i" $((i + 250)); done
    bytes=$(sluice log info l/ 2>/dev/null | awk '$1 == "bytes" { print $2 }')
    echo "$bytes bytes from $(first)"
    [ "$bytes" -lt 18000 ]
    [ "$(first)" -gt 1000 ]
}

@test "log set says what goes by it at once, and nothing if nothing does" {
    for i in $(seq 0 100 900); do put "$i" $((i + 100)); done
    run -0 sluice log set l/ --retain-age 20d
    [[ $output == "partition 0: offsets 0 to $(first) are gone, "*$'\n'"pruned: $(first) rows in "* ]]
    run -0 sluice log set l/ --retain-size 10G
    [ -z "$output" ]
}

@test "a size that is less than the last segment takes, though it was closed for its age, leaves that one" {
    hours 0 2000 >in.csv
    sluice ingest --quiet --time ts --time-format epoch:s in.csv -o l/
    sluice log set l/ --retain-age 30d
    sluice log info l/ 2>/dev/null | grep -q '^segments    1, 1 closed'
    run -0 sluice log set l/ --retain-size 1K
    [ -z "$output" ]
    [ "$(first)" = 0 ]
    put 2000 2010
    sluice log set l/ --retain-size 1K
    [ "$(first)" = 2000 ]
}

@test "without a setting nothing goes" {
    for i in $(seq 0 200 1800); do put "$i" $((i + 200)); done
    [ "$(first)" = 0 ]
}

@test "an open segment that is old is closed, so that its rows can go: a log to which little is written" {
    hours 0 3 >a.csv
    sluice ingest --quiet --time ts --time-format epoch:s a.csv -o l/
    sluice log set l/ --retain-age 10h
    for i in $(seq 3 60); do
        hours "$i" $((i + 1)) >a.csv
        sluice ingest --quiet --time ts --time-format epoch:s --again a.csv -o l/
    done
    [ "$(first)" -gt 0 ]
}

@test "settings stay when the commit file is begun anew, after a repair and a rollback" {
    put 0 10
    sluice log set l/ --retain-age 30d
    for i in {1..40}; do put "$((i * 10))" "$((i * 10 + 10))"; done
    newest=(l/commits/*)
    grep -q '"settings":{"retain_age":2592000000000}' "${newest[@]}"
    [ "$(retained)" = 'rows of 30 days' ]
    sluice log rollback l/ --to "$(($(sluice log info l/ 2>/dev/null | awk '$1 == "commit" { print $2 + 0 }') - 1))" >/dev/null || [ $? -eq 3 ]
    [ "$(retained)" = 'rows of 30 days' ]
}

@test "whoever is behind what a writer dropped is told the first offset that is left" {
    for i in $(seq 0 100 900); do put "$i" $((i + 100)); done
    sluice log set l/ --retain-age 20d
    for i in $(seq 1000 100 1900); do put "$i" $((i + 100)); done
    run -1 --separate-stderr sluice replay l/ --from 0:5 -O csv
    [[ $stderr == *"$(first)"* ]]
}

@test "files that a writer dropped stay for 10 minutes" {
    for i in $(seq 0 100 900); do put "$i" $((i + 100)); done
    before=(l/0000/*.arrows)
    sluice log set l/ --retain-size 4K
    [ "$(first)" -gt 0 ]
    after=(l/0000/*.arrows)
    [ ${#after[@]} -ge ${#before[@]} ]
}

@test "a clock that jumps years ahead takes no row away" {
    command -v faketime >/dev/null || skip "no faketime"
    [ -z "${SLUICE_SANITIZED-}" ] || skip "faketime does not go with sanitizers"
    put 0 500
    sluice log set l/ --retain-age 60d
    hours 500 510 >in.csv
    faketime '+10 years' sluice ingest --quiet --time ts --time-format epoch:s --segment-size 2K in.csv -o l/
    [ "$(first)" = 0 ]
}

@test "a set that is killed anywhere has happened or not" {
    need_strace
    kills=0
    for call in write openat pwrite64 fdatasync; do
        for ((k = 1; ; k++)); do
            rm -rf l
            put 0 10
            strace -f -qq -o trace -e "trace=$call" -e "inject=$call:signal=KILL:when=$k" \
                sluice log set l/ --retain-age 30d || true
            grep -q 'killed by SIGKILL' trace || break
            kills=$((kills + 1))
            [ "$(sluice log verify l/)" = 'l/: whole' ]
            case $(retained) in '' | 'rows of 30 days') ;; *) false ;; esac
            put 10 20
        done
    done
    [ "$kills" -gt 5 ]
}

@test "set wants a setting, and a duration" {
    put 0 10
    run -2 sluice log set l/
    [[ $output == *'set needs a setting'* ]]
    run -2 sluice log set l/ --retain-age never
    run -2 sluice log info l/ --retain-age 1d
    [[ $output == *'--retain-age is for set'* ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# log: info, schema, verify, repair.

load cmd_helper

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    cp "$root"/tests/samples/* .
    "$SLUICE" ingest --quiet orders.csv -o orders/
}

# Turns one byte of a file into another.
damage() { # FILE BYTE
    local old
    old=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %03o $((old ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "info prints rows, offsets, times, columns and inputs" {
    run -0 --separate-stderr sluice log info orders/
    has "$output" $'rows        10\n'
    has "$output" "partition   0: offsets 0 to 10"
    has "$output" "2026-03-01 09:58:12+00 to 2026-03-01 10:40:47+00"
    has "$output" "time        ts,"
    has "$output" "price numeric"
    has "$output" "orders.csv"
}

@test "info tells sizes and rates, of each partition too, and of each column if asked" {
    sluice ingest --quiet orders.csv -o two/ --partitions 2 --key country
    run -0 --separate-stderr sluice log info two/
    has "$output" $'\nrow         '
    has "$output" ", 14.1 rows/h"
    bytes=$(find two/0001 -name '*.arrows' -printf %s)
    has "$output" "partition   1: offsets 0 to 5, $bytes bytes in 1 segment, 2026-03-01 09:58:12+00 to "
    run -1 grep -q '^column ' <<<"$output"
    run -0 --separate-stderr sluice log info two/ --columns
    has "$output" $'\ncolumn      qty: 80 bytes, 8.00 a row, 100 % of plain\n'
    has "$output" ", 6 nulls"
}

@test "what dictionaries and compression save is told by column" {
    awk 'BEGIN { print "n,word"; for (i = 0; i < 40000; i++) printf "%d,%s\n", i, i % 2 ? "a long word that repeats" : "another long word" }' >words.csv
    sluice ingest --quiet words.csv -o words/
    run -0 --separate-stderr sluice log info words/ --columns
    [[ $output =~ column\ +word:\ ([0-9]+)\ bytes,\ ([0-9.]+)\ a\ row,\ ([0-9]+)\ %\ of\ plain ]] || fail "no such line"
    [ "${BASH_REMATCH[3]}" -lt 10 ] || fail "not small"
    [ "${BASH_REMATCH[1]}" -lt "$(find words/0000 -name '*.arrows' -printf %s)" ] || fail "more than all"
}

@test "schema prints what --types takes" {
    run -0 --separate-stderr sluice log schema orders/
    has "$output" "price numeric(18,2), note text"
    sluice ingest --quiet --types "$output" orders.csv -o same/
    same "$(sluice log schema same/)" "$output"
    run -2 --separate-stderr sluice log schema orders/ --columns
    has "$stderr" "--columns is for info"
}

@test "info shows the ten inputs that were taken last, and how many more there are" {
    for i in $(seq 13); do
        printf 'id\n%d\n' "$i" >"in$i.csv"
        "$SLUICE" ingest --quiet "in$i.csv" -o many/
    done
    printf '99\n' >>in2.csv
    "$SLUICE" ingest --quiet --resume in2.csv -o many/
    run -0 --separate-stderr sluice log info many/
    [ "$(grep -c '^input ' <<<"$output")" = 10 ]
    has "$output" $'\ninputs      and 3 more\n'
    has "$(grep '^input ' <<<"$output" | sed -n 1p)" '/in2.csv '
    has "$(grep '^input ' <<<"$output" | sed -n 2p)" '/in13.csv '
    run -1 grep -q '/in4.csv"' <<<"$output"
}

@test "a log that is whole verifies, and has nothing to mend" {
    run -0 --separate-stderr sluice log verify orders/
    has "$output" "whole"
    run -0 --separate-stderr sluice log repair orders/
    has "$output" "nothing to mend"
}

@test "verify finds a damaged byte and names file and position; 1" {
    segment=$(find orders/0000 -name '*.arrows')
    damage "$segment" $(($(stat -c %s "$segment") / 2))
    run -1 --separate-stderr sluice log verify orders/
    has "$output" "${segment##*/}"
    has "$output" "byte"
}

@test "readers of a damaged log fail with file and position" {
    segment=$(find orders/0000 -name '*.arrows')
    damage "$segment" $(($(stat -c %s "$segment") / 2))
    run -1 --separate-stderr sluice replay orders/ -O csv
    has "$stderr" "${segment##*/}"
}

@test "repair changes nothing without --yes; with it the log is whole and nothing is deleted" {
    segment=$(find orders/0000 -name '*.arrows')
    damage "$segment" $(($(stat -c %s "$segment") / 2))
    before=$(find orders -type f -exec cksum {} + | sort)
    run -1 --separate-stderr sluice log repair orders/
    has "$output" "--yes"
    same "$(find orders -type f -exec cksum {} + | sort)" "$before"
    run -3 --separate-stderr sluice log repair --yes orders/
    run -0 --separate-stderr sluice log verify orders/
    [ -n "$(find orders/lost -type f)" ] || fail "nothing in lost/"
    sluice ingest --quiet more.csv -o orders/
    run -0 --separate-stderr sluice log verify orders/
}

@test "verbs and arguments are checked" {
    run -2 --separate-stderr sluice log
    run -2 --separate-stderr sluice log inof orders/
    has "$stderr" "did you mean info?"
    run -2 --separate-stderr sluice log info
    run -2 --separate-stderr sluice log info --yes orders/
    run -1 --separate-stderr sluice log info nowhere/
    has "$stderr" "nowhere"
}

@test "damage to the commits hides no damage to the segments" {
    "$SLUICE" ingest --quiet orders.csv -o orders/ --again
    segment=$(find orders/0000 -name '*.arrows')
    commits=$(find orders/commits -name '*.jsonl')
    damage "$segment" $(($(stat -c %s "$segment") / 2))
    damage "$commits" $(($(head -n 1 "$commits" | wc -c) + 90)) # the second of three lines
    run -1 --separate-stderr sluice log verify orders/
    has "$output" "${commits##*/}: byte "
    has "$output" "${segment##*/}: byte "
}

@test "a segment that only a destroyed commit line named is taken up by a repair" {
    "$SLUICE" ingest --quiet orders.csv -o orders/ --again --segment-size 1
    [ "$(find orders/0000 -name '*.arrows' | wc -l)" = 2 ]
    commits=$(find orders/commits -name '*.jsonl')
    damage "$commits" $(($(stat -c %s "$commits") - 90))
    run -3 --separate-stderr sluice log repair --yes orders/
    has "$output" "rows 10 to 19 of lost commits are found"
    run -0 sluice log verify orders/
    [ "$(sluice replay orders/ -O csv --quiet | wc -l)" = 21 ]
}

@test "a log without a good snapshot, whose segments say nothing of it, says how to read them" {
    "$SLUICE" transform --quiet orders.csv -O arrow >orders.arrow # as Arrow, but not this log's
    cp orders.arrow orders/0000/*.arrows
    sed -i '1s/"n":1/"n":2/' orders/commits/*
    run -1 --separate-stderr sluice log repair orders/ --yes
    has "$stderr" "nothing to go by; each segment is a stream that can be read on its own: sluice ingest LOG/0000/FILE.arrows -o NEW/"
    sluice ingest --quiet orders/0000/*.arrows -o new/
    same "$(sluice transform --quiet new/ -O json)" "$(sluice transform --quiet orders.csv -O json)"
}

@test "a reader that misses a segment says what shows and mends it" {
    rm orders/0000/*.arrows
    run -1 --separate-stderr sluice replay orders/ -O csv
    has "$stderr" 'a segment is missing; `sluice log verify` shows all damage, `sluice log repair` mends it'
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# partition: rows with equal keys stay together, in their order.

load cmd_helper

@test "each key is in one partition, and no row is lost" {
    sluice partition --quiet --by country --into 4 orders.csv -o p/
    run -0 --separate-stderr sluice replay --quiet p/ --meta -O csv
    same "${#lines[@]}" 11
    sluice replay --quiet p/ --meta | "$SLUICE" aggregate --quiet --by country \
        --select 'count(distinct _partition) as n' -O csv >places.csv
    same "$(cut -d, -f2 places.csv | sort -u | tr '\n' ' ')" "1 n "
}

@test "rows of one key keep their order" {
    sluice partition --quiet --by country --into 3 orders.csv -o p/
    for p in 0 1 2; do
        "$SLUICE" replay --quiet --partition $p p/ -O csv | cut -d, -f2 | sed 1d >part
        sort -c -n part
        cat part >>rows
    done
    same "$(wc -l <rows)" 10
}

@test "without --into there are eight partitions" {
    sluice partition --quiet --by country orders.csv -o p/
    run -0 --separate-stderr sluice log info p/
    same "$(grep -c '^partition' <<<"$output")" 8
    has "$output" "country"
}

@test "the hash is named in the log" {
    sluice partition --quiet --by country --hash crc32 --into 2 orders.csv -o p/
    run -0 --separate-stderr sluice log info p/
    has "$output" crc32
}

@test "a log with another number of partitions, key or hash is refused" {
    sluice partition --quiet --by country --into 2 orders.csv -o p/
    for words in '--by country --into 3' '--by item' '--by country --hash crc32'; do
        # shellcheck disable=SC2086 # several words
        run --separate-stderr sluice partition $words more.csv -o p/
        [ "$status" -eq 1 ] || [ "$status" -eq 2 ] || fail "$words: status $status"
    done
    sluice partition --quiet --by country more.csv -o p/
    run -0 --separate-stderr sluice aggregate --quiet p/ -O csv
    same "${lines[1]}" 12
}

@test "the key and the destination are asked for" {
    run -2 --separate-stderr sluice partition orders.csv -o p/
    has "$stderr" "--by"
    run -2 --separate-stderr sluice partition --by country orders.csv
    has "$stderr" "-o"
    run -2 --separate-stderr sluice partition --by country orders.csv -o p.csv
    run -2 --separate-stderr sluice partition --by country --into 0 orders.csv -o p/
    run --separate-stderr sluice partition --by contry orders.csv -o p/
    [ "$status" -ne 0 ] || fail "status 0"
    has "$stderr" contry
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Many small inputs cost what they weigh: their rows become few batches, in few commits.

load cmd_helper

files() { # FOLDER COUNT: of three rows each
    mkdir "$1"
    awk -v folder="$1" -v count="$2" 'BEGIN {
        for (i = 0; i < count; i++) {
            file = sprintf("%s/%05d.json", folder, i)
            for (k = 0; k < 3; k++)
                printf "{\"ts\":\"2026-05-01T10:%02d:%02dZ\",\"id\":%d,\"state\":\"running\"," \
                    "\"note\":\"machine %d of line %d is fine\"}\n", i % 60, k, i * 3 + k, i % 7, i % 11 >file
            close(file)
        }
    }'
}

batches() { # LOG: each has one identity
    cat "$1"/[0-9]*/*.arrows | grep -ao 'sluice\.i' | wc -l
}

commits() { # LOG
    sluice log info "$1" | sed -n 's/^commit *\([0-9]*\),.*/\1/p'
}

ids() { # LOG
    sluice transform "$1" --select id --quiet -O csv | sed 1d
}

@test "thousands of files of three rows are a handful of batches, smaller than their text" {
    for n in 1000 2000; do
        files in$n $n
        sluice ingest --watch in$n -o log$n/ --quiet
        same "$(ids log$n/)" "$(seq 0 $((3 * n - 1)))"
    done
    # A commit is due once a second, however slow the machine is.
    most=$((3 + 2 * SECONDS))
    [ "$(batches log1000)" -le $most ] || fail "$(batches log1000) batches of 1,000 files"
    [ "$(batches log2000)" -le $most ] || fail "$(batches log2000) batches of 2,000 files"
    [ "$(commits log2000/)" -le $((most + 2)) ] || fail "$(commits log2000/) commits of 2,000 files"
    text=$(cat in2000/* | wc -c) log=$(du -sb log2000 | cut -f 1)
    [ "$log" -lt "$text" ] || fail "the log has $log bytes, the text $text"
    sluice log verify log2000/
}

@test "small batches grow together on their way from log to log, and to partitions" {
    files in 30
    for f in in/*; do
        sluice ingest "$f" -o tiny/ --quiet
    done
    same "$(batches tiny)" 30
    sluice replay tiny/ -o copy/ --quiet
    sluice transform tiny/ --where 'id % 2 = 0' -o even/ --quiet
    sluice partition tiny/ --by id --into 3 -o parts/ --quiet
    same "$(batches copy) $(batches even) $(batches parts)" "1 1 3"
    same "$(ids copy/)" "$(seq 0 89)"
    same "$(ids even/)" "$(seq 0 2 88)"
    same "$(ids parts/ | sort -n)" "$(seq 0 89)"
}

@test "a type that becomes wider between small files loses no row before it" {
    files in 40
    printf '{"ts":"2026-05-01T11:00:00Z","id":0.5,"state":"late"}\n' >in/00019b.json
    sluice ingest in/*.json -o log/ --quiet
    same "$(ids log/ | wc -l)" 121
    same "$(ids log/ | awk '{ sum += $1 } END { print sum }')" 7140.5
    same "$(ids log/ | sed -n '60,62p' | tr '\n' ' ')" "59.0 0.5 60.0 "
}

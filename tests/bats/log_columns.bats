#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# log_columns: a log is read by columns. What a command does not need is not looked at, so damage there does
# no harm; damage in what it needs is named.
load common

# Flips one bit of a column's stored bytes in each segment of a log: of a byte that `log verify` blames on
# the column, looked for from the end, first in wide steps.
damage_column() { # LOG COLUMN
    python3 - "$@" <<'END'
import glob, subprocess, sys
log, column = sys.argv[1:]
def blamed():
    said = subprocess.run(["sluice", "log", "verify", log], stdout=subprocess.PIPE, text=True).stdout
    names = [l.partition(" of column")[2].replace(",", "").split() for l in said.splitlines() if path in l]
    return any(column in n for n in names)
for path in sorted(glob.glob(log + "/*/*.arrows")):
    with open(path, "r+b") as f:
        good = f.read()
        for at in [*range(len(good) - 1, 0, -48), *range(len(good) - 1, 0, -4)]:
            f.seek(at)
            f.write(bytes([good[at] ^ 1]))
            f.flush()
            if blamed():
                break
            f.seek(at)
            f.write(good[at:at + 1])
            f.flush()
        else:
            sys.exit("no byte of " + path + " is of column " + column)
END
}

# a: distinct numbers; b: others; c: a few words, a dictionary.
make_log() {
    seq 0 99 | awk 'BEGIN { print "t,a,b,c" }
        { printf "2026-01-02T00:%02d:%02dZ,%d,%d,word%d\n", $1 / 60, $1 % 60, $1 * 7919 % 1009, $1 * 37 % 1013, $1 % 3 }' > in.csv
    sluice ingest --quiet in.csv -o l/
}

sum_of_b() {
    awk -F, 'NR > 1 { s += $3 } END { print s }' in.csv
}

@test "a read of one column does not fail on damage in another one" {
    make_log
    damage_column l a
    run -0 --separate-stderr sluice aggregate l/ --select 'sum(b)' -O csv
    [ "${lines[1]}" = "$(sum_of_b)" ]
    run -0 --separate-stderr sluice transform l/ --select b --where "c = 'word1'" -O csv
    [ "${#lines[@]}" -eq 34 ]
}

@test "a read of a damaged column fails with the file, the byte and the column's name" {
    make_log
    damage_column l a
    run -1 --separate-stderr sluice aggregate l/ --select 'sum(a)' -O csv
    [[ $stderr == *"l/0000/"*".arrows: byte "*": the checksum of column a is false"* ]]
    run -1 --separate-stderr sluice transform l/ --select b --where 'a > 5' -O csv
    [[ $stderr == *"the checksum of column a is false"* ]]
    run -1 --separate-stderr sluice tail -n all l/ -O csv
    [[ $stderr == *"the checksum of column a is false"* ]]
}

@test "damage in a dictionary is damage in its column" {
    make_log
    damage_column l c
    run -0 --separate-stderr sluice aggregate l/ --select 'sum(b)' -O csv
    [ "${lines[1]}" = "$(sum_of_b)" ]
    run -1 --separate-stderr sluice aggregate l/ --by c --select 'count(*)' -O csv
    [[ $stderr == *"byte "*": the checksum of column c is false"* ]]
}

@test "a log whose time column is damaged gives the others, until rows are wanted by time" {
    make_log
    damage_column l t
    run -0 --separate-stderr sluice aggregate l/ --select 'sum(b)' -O csv
    [ "${lines[1]}" = "$(sum_of_b)" ]
    run -1 --separate-stderr sluice aggregate l/ --window '1 minute' --select 'sum(b)' -O csv
    [[ $stderr == *"the checksum of column t is false"* ]]
}

@test "log verify names every damaged column of a batch" {
    make_log
    damage_column l a
    damage_column l c
    run -1 --separate-stderr sluice log verify l
    [ "${#lines[@]}" -eq 1 ]
    [[ ${lines[0]} == "l/0000/"*".arrows: byte "*": the checksums of columns a, c are false (rows 0 to 99)" ]]
}

@test "columns that are not read are left out of the row that an error shows" {
    make_log
    run -1 --separate-stderr sluice aggregate l/ --select 'sum(1 / (b - b))' -O csv
    [[ $stderr == *'in row {"b":0};'* ]]
}

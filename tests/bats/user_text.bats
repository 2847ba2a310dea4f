# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Text as it comes: odd files, and what is said about them.
load common

@test "a record longer than the sample is read whole, in the header and behind it" {
    head -c 1500000 /dev/zero | tr '\0' x >x
    timeout 20 "$SLUICE" transform x -I csv -O csv --quiet >out
    [ "$(wc -c <out)" = 1500001 ]
    { printf 'a,b\n1,' && cat x && printf '\n2,y\n'; } >long.csv
    timeout 20 "$SLUICE" transform long.csv -O csv 2>err | cmp - long.csv
    grep -F "'a bigint, b text'" err
}

@test "a record beyond the limit is an error that names file and line" {
    { printf 'a\n1\n' && head -c 17825792 /dev/zero | tr '\0' x; } >long.csv
    run -1 --separate-stderr timeout 20 "$SLUICE" transform long.csv -O csv
    [[ $stderr == *"long.csv:"*"a record is longer than 16 MiB"* ]]
    head -c 17825792 /dev/zero | tr '\0' x >long.csv
    run -1 --separate-stderr timeout 20 "$SLUICE" transform long.csv -O csv
    [[ $stderr == *"long.csv:1: a record is longer than 16 MiB"* ]]
}

# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# What a person types, and what is said when it is not quite right.
load common

@test "keys match without case, may be quoted, and a wrong one names the nearest" {
    printf 'User Name,v\nann,1\nbob,2\n' >t.csv
    run -2 --separate-stderr sluice partition --by 'user nam' t.csv -o l/
    [[ $stderr == *'did you mean User Name?'* ]]
    sluice partition --by '"USER NAME"' --into 2 t.csv -o l/ --quiet
    sluice partition --by 'User Name' t.csv -o l/ --quiet
    run -1 --separate-stderr sluice partition --by v t.csv -o l/
    [[ $stderr == *"partitioned by User Name, not by v"* ]]
}

@test "--force and --append are for the file of --rejects too" {
    printf 'a\n1\nx\n' >t.csv
    run -3 sluice ingest --types 'a bigint' --rejects bad.json t.csv -o l/
    run -3 sluice ingest --types 'a bigint' --rejects bad.json --force --again t.csv -o l/
    [ "$(wc -l <bad.json)" = 1 ]
    run -3 sluice transform --types 'a bigint' --rejects bad.json --append t.csv
    [ "$(wc -l <bad.json)" = 2 ]
    run -2 sluice ingest --force --again t.csv -o l/
}

@test "a signal before the first row ends with 128 and its number" {
    mkfifo in
    sluice transform -I csv -O csv <in 2>err &
    local pid=$!
    pids+=("$pid")
    exec 7>in
    printf 'a,b\n' >&7
    handles_term() { [ $((0x$(awk '/^SigCgt/ { print $2 }' "/proc/$pid/status") & 0x4000)) != 0 ]; }
    until_true handles_term
    kill -TERM "$pid"
    local status=0
    wait "$pid" || status=$?
    [ "$status" = 143 ]
}

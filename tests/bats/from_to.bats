#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# from_to: from where to where a log is read, and what a follower of it does.

load common

events() { # FROM TO: JSON lines, one a second
    local i
    for ((i = $1; i <= $2; i++)); do
        printf '{"ts":"2026-05-01T10:%02d:%02dZ","id":%d,"k":"k%d"}\n' $((i / 60)) $((i % 60)) "$i" "$i"
    done
}

# ---- what a follower writes ----

@test "-f --append adds to a CSV: the column for keys that come later is no column of it" {
    events 1 1 | sluice ingest --quiet -I json -o l/
    sluice tail --quiet l/ -o o.csv
    sluice tail -f -n all l/ -o o.csv --append 2>err &
    pid=$!
    until_true has_lines o.csv 3
    kill -TERM "$pid"
    ends_with 143 "$pid"
    [ "$(cat o.csv)" = $'ts,id,k\n2026-05-01 10:00:01+00,1,k1\n2026-05-01 10:00:01+00,1,k1' ]
}

@test "-f --append: a row with keys that the header lacks ends the run, said" {
    events 1 1 | sluice ingest --quiet -I json -o l/
    sluice tail --quiet l/ -o o.csv
    sluice tail -f -n all l/ -o o.csv --append 2>err &
    pid=$!
    until_true has_lines o.csv 3
    events 2 2 | sed 's/}/,"x":5}/' | sluice ingest --quiet -I json -o l/
    ends_with 76 "$pid"
    grep -q 'keys that came after the header was written: {"x":5}' err
    has_lines o.csv 3
    ! has_lines o.csv 4
}

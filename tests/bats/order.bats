#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# order: the order of the rows of a log of several partitions, which a pipe keeps.

load common

# A log of four partitions in which times tie across partitions and run backwards within them; it is
# made in several commits, so that partitions interleave.
tied() {
    local i
    echo ts,id,k >rows.csv
    for ((i = 0; i < 400; i++)); do
        echo "2026-05-01T10:00:$((10 + (i * 7 % 13)))Z,$i,$((i * 11 % 17))"
    done >>rows.csv
    for i in 0 1 2 3; do
        { head -1 rows.csv && tail -n +2 rows.csv | sed -n "$((i * 100 + 1)),$((i * 100 + 100))p"; } >part.csv
        sluice partition --quiet --by k --into 4 part.csv -o p/
    done
}

# first and last by (time, partition, offset), from what --meta says
expected() {
    sluice replay p/ --meta -O json --quiet |
        sed 's/.*"ts":"\([^"]*\)","id":\([0-9]*\),"k":\([0-9]*\),"_partition":\([0-9]*\),"_offset":\([0-9]*\).*/\1\t\4\t\5\t\2/' |
        sort -t "$(printf '\t')" -k 1,1 -k 2,2n -k 3,3n | cut -f 4 | sed -n '1p;$p' | paste -sd ,
}

@test "first and last of a log are those of its order, behind a pipe too, ties and partitions included" {
    tied
    want=$(expected)
    [[ $want == *,* ]]
    for j in 1 4; do
        [ "$(sluice aggregate --quiet -j $j --select 'first(id), last(id)' p/ -O csv | tail -1)" = "$want" ]
    done
    for head in replay transform 'tail -n all'; do
        sluice $head --quiet p/ | sluice aggregate --quiet --select 'first(id), last(id)' -O csv >out
        [ "$(tail -1 out)" = "$want" ]
        sluice $head --quiet p/ | sluice transform --quiet --where 'k >= 0' --select 'id, ts, k' |
            sluice transform --quiet --set 'k = k + 1' |
            sluice aggregate --quiet --select 'first(id), last(id)' -O csv >out
        [ "$(tail -1 out)" = "$want" ]
    done
}

@test "groups over all partitions get the same first and last behind a pipe, at any number of threads" {
    tied
    set -- --by 'id % 23 as g' --select 'first(id), last(id), count(*)' -O csv --quiet
    sluice aggregate p/ "$@" | sort >want
    [ "$(wc -l <want)" -eq 24 ]
    sluice transform --quiet p/ | sluice aggregate "$@" -j 4 | sort | diff want -
    sluice aggregate p/ "$@" -j 4 | sort | diff want -
}

@test "tail takes the same rows from a log and from a pipe" {
    tied
    sluice tail --quiet -n 37 p/ -O csv >want
    [ "$(wc -l <want)" -eq 38 ]
    sluice transform --quiet p/ | sluice tail --quiet -n 37 -O csv | diff want -
}

@test "the order of rows is shown on demand only, and no log keeps it" {
    tied
    [ "$(sluice transform --quiet p/ | sluice transform --quiet --where 'id = 0' -O csv | head -1)" = ts,id,k ]
    [ "$(sluice transform --quiet p/ | sluice transform --quiet --select id -O csv | head -1)" = id ]
    [ "$(sluice transform --quiet p/ | sluice transform --quiet --select '_offset, id' -O csv | head -1)" = _offset,id ]
    [ "$(sluice replay --quiet --meta p/ | sluice transform --quiet --where 'id = 0' -O csv | head -1)" = ts,id,k,_partition,_offset ]
    sluice transform --quiet p/ | sluice ingest --quiet -o q/
    [ "$(sluice tail --quiet q/ -O csv | head -1)" = ts,id,k ]
}

@test "columns named _partition and _offset in a file are its own" {
    printf 'ts,id,_partition,_offset\n2026-05-01T10:00:00Z,1,9,9\n2026-05-01T10:00:00Z,2,0,0\n' >own.csv
    [ "$(sluice aggregate --quiet --select 'first(id), last(id)' own.csv -O csv | tail -1)" = 1,2 ]
    [ "$(sluice transform --quiet own.csv | sluice transform --quiet --select id -O csv | head -1)" = id ]
    [ "$(sluice transform --quiet own.csv | sluice transform --quiet --where 'id = 1' -O csv | head -1)" = ts,id,_partition,_offset ]
}

@test "rejects of a log say where the row lies, merged or down a pipe too" {
    tied
    sluice replay p/ --meta --where 'id = 250' -O json --quiet |
        sed 's/.*"_partition":\([0-9]*\),"_offset":\([0-9]*\).*/\1,\2/' >want
    grep -qx '[0-9]*,[0-9]*' want
    where='1 / (id - 250) > -9'
    run -3 sluice transform --quiet p/ --where "$where" --rejects a.csv -O csv
    run -3 sluice replay --quiet p/ --where "$where" --rejects b.csv -O csv
    sluice transform --quiet p/ >p.arrow
    run -3 sluice transform --quiet --where "$where" --rejects c.csv -O csv <p.arrow
    for f in a b c; do
        sluice transform --quiet $f.csv --select 'partition, "offset"' -O csv | tail -1 | diff want -
    done
}

@test "several logs of several partitions are one input whose order shows in first and last" {
    tied
    sed 's/,\([0-9]*\),/,9\1,/' rows.csv >other.csv
    sluice partition --quiet --by k --into 3 other.csv -o o/
    for j in 1 4; do
        sluice aggregate --quiet -j $j --by 'k % 3 as g' --select 'first(id), last(id)' p/ o/ -O csv | sort >"a$j"
    done
    sluice transform --quiet p/ o/ | sluice aggregate --quiet --by 'k % 3 as g' --select 'first(id), last(id)' -O csv | sort | diff a1 -
    diff a1 a4
    [ "$(wc -l <a1)" -eq 4 ]
    [ "$(sluice transform --quiet p/ rows.csv -O csv | head -1)" = ts,id,k ]
    [ "$(sluice transform --quiet rows.csv p/ -O csv | head -1)" = ts,id,k ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# The first line of a commit file is damaged: a repair finds in the segments what it said.

load common

same() { # GOT WANT
    [ "$1" = "$2" ] || { printf 'got:  %s\nwant: %s\n' "$1" "$2"; return 1; }
}

rows() { # LOG
    sluice replay --quiet "$1" -O csv | LC_ALL=C sort
}

# Row numbers FROM to TO, with a key of seven values, and one more column if it is named.
csv() { # FROM TO [COLUMN]
    seq "$1" "$2" | awk -v c="${3-}" 'BEGIN { print "a,b" (c ? "," c : "") }
        { print $1 ",x" $1 % 7 (c ? "," $1 * 2 : "") }'
}

# Another boot than that of the last writer: the next one begins a commit file.
rebooted() { # LOG
    printf '%s' 11111111-1111-1111-1111-111111111111 | dd of="$1/lock" bs=1 seek=21 conv=notrunc status=none
}

# Three inputs, the last with one more column, in three partitions: nine segments. The newest commit
# file is one line, its predecessor says the rest.
partitioned() {
    csv 1 100 >1.csv
    csv 101 200 >2.csv
    csv 201 300 c >3.csv
    sluice ingest --quiet --sync commit --partitions 3 --key b 1.csv -o log/ --segment-size 1
    sluice ingest --quiet --sync commit 2.csv -o log/ --segment-size 1
    sluice ingest --quiet --sync none 3.csv -o log/ --segment-size 1
    rebooted log
    sluice log repair --yes log/ || [ $? = 3 ]
    files=(log/commits/*)
    same "${#files[@]} $(wc -l <"${files[1]}")" "2 1"
    want=$(rows log/)
}

flip() { # FILE: a bit of its first line
    printf X | dd of="$1" bs=1 seek=40 conv=notrunc status=none
}

blank() { # FILE [BYTES]: zeros in place of its first line, or of so many bytes
    head -c "${2-$(head -n 1 "$1" | wc -c)}" /dev/zero | dd of="$1" conv=notrunc status=none
}

mended() { # what a repair of log/ must leave: the rows in $want, each once
    run -1 sluice log repair log/
    run -3 sluice log repair --yes log/
    run -0 sluice log verify log/
    same "$(rows log/)" "$want"
}

@test "the first line of the first commit file says nothing that the segments do not: --resume goes on" {
    for harm in flip blank; do
        rm -rf log
        csv 1 50 >in.csv
        sluice ingest --quiet in.csv -o log/
        csv 51 90 | sed 1d >>in.csv
        sluice ingest --quiet --resume in.csv -o log/
        want=$(rows log/)
        $harm log/commits/*
        mended
        csv 91 99 | sed 1d >>in.csv
        sluice ingest --quiet --resume in.csv -o log/
        same "$(rows log/)" "$(csv 1 99 | LC_ALL=C sort)"
    done
}

@test "a snapshot that alone named the segments: all rows come back, --resume refuses until --again" {
    for harm in flip blank 'truncate -s 100' 'truncate -s 0'; do
        rm -rf log
        partitioned
        rm "${files[0]}"
        $harm "${files[1]}"
        mended
            run -1 --separate-stderr sluice ingest --resume --quiet 3.csv -o log/
        [[ $stderr == *"could not tell what input"*--again* ]]
        csv 301 310 c >4.csv
        sluice ingest --quiet --again 4.csv -o log/
        same "$(rows log/)" "$(LC_ALL=C sort <(echo "$want") <(csv 301 310 c | sed 1d))"
        csv 311 320 c | sed 1d >>4.csv
        sluice ingest --quiet --resume 4.csv -o log/
        same "$(rows log/ | wc -l)" 321
    done
}

@test "a damaged snapshot: lines behind it are taken as they are, only the rest is looked for" {
    partitioned
    rm "${files[0]}"
    csv 301 400 c >4.csv
    sluice ingest --quiet --again 4.csv -o log/ --segment-size 1
    want=$(rows log/)
    named=$(sluice log info log/ | grep -c 4.csv)
    whole=(log/0001/*-6.arrows)
    [ -e "${whole[0]}" ]
    flip "${files[1]}"
    mended
    [ -e "${whole[0]}" ]
    same "$(find log/lost -name "*.arrows" | wc -l)" 6 # the line closed the other three
    same "$(sluice log info log/ | grep -c 4.csv)" "$named"
    same "$(sluice log info log/ | grep -c 1.csv)" 0
}

@test "a damaged snapshot whose predecessor is there: nothing is lost, positions neither" {
    partitioned
    csv 301 400 c | sed 1d >>3.csv
    flip "${files[1]}"
    run -3 sluice log repair --yes log/
    same "$(find log/lost -name "*.arrows")" ""
    run -0 sluice log verify log/
    same "$(rows log/)" "$want"
    sluice ingest --quiet --resume 3.csv -o log/
    same "$(rows log/ | wc -l)" 401
}

@test "both first lines are damaged: the lines behind them and the segments say it all" {
    partitioned
    csv 301 400 c >4.csv
    sluice ingest --quiet 4.csv -o log/ --segment-size 1
    want=$(rows log/)
    flip "${files[0]}"
    blank "${files[1]}"
    mended
    same "$(find log/lost -name "*.arrows")" ""
}

@test "commit files of zeros only: all that was durable comes back" {
    partitioned
    csv 301 400 c >4.csv
    sluice ingest --quiet 4.csv -o log/ --segment-size 1
    want=$(rows log/)
    for f in "${files[@]}"; do
        blank "$f" "$(stat -c %s "$f")"
    done
    mended
}

# 700 rows in tiny batches, whose segment was rewritten: the old one is still in its place.
rewritten() {
    for k in $(seq 70); do
        csv $((k * 10 - 9)) $((k * 10)) | sluice ingest --quiet -I csv - -o log/ --sync none
    done
    csv 701 800 c | sluice ingest --quiet -I csv - -o log/ --sync none
    same "$(find log/0000 -name '*00000-*.arrows' | wc -l)" 2
}

@test "a segment that was rewritten comes back once, whether the rewriting was done or not" {
    rewritten
    rebooted log
    run -3 sluice log repair --yes log/
    files=(log/commits/*)
    rm "${files[0]}"
    want=$(rows log/)
    flip "${files[1]}"
    cp -r log half
    mended
    rm -r log
    mv half log
    new=log/0000/00000000000000000000-72.arrows # killed while it wrote
    truncate -s $(($(stat -c %s "$new") - 30)) "$new"
    mended
}

@test "a segment that a good line drops does not come back" {
    csv 0 0 | sluice ingest --quiet -I csv - -o log/ --sync none
    rebooted log
    run -3 sluice log repair --yes log/
    rewritten
    rm log/commits/*1.jsonl
    want=$(rows log/)
    flip log/commits/*
    mended
    [[ $output != *"found"* ]]
}

@test "rows that no segment has any more are named by a repair without a snapshot" {
    partitioned
    rm "${files[0]}"
    flip "${files[1]}"
    gone=(log/0001/*-3.arrows)
    rm "${gone[0]}"
    run -3 sluice log repair --yes log/
    [[ $output == *"partition 1: rows 43 to 86 are in no segment"* ]]
    run -0 sluice log verify log/
    same "$(rows log/ | wc -l)" 257
}

@test "what the repair cannot read of a segment goes to lost/, and is said" {
    partitioned
    rm "${files[0]}"
    flip "${files[1]}"
    bad=(log/0001/*-3.arrows)
    blank "${bad[0]}" "$(stat -c %s "${bad[0]}")"
    run -3 sluice log repair --yes log/
    [[ $output == *"${bad[0]#log/}: no batch of a lost commit in it is good; its file goes to lost/"* ]]
    [ -e "log/lost/0001-${bad[0]##*/}" ] && [ ! -e "${bad[0]}" ]
}

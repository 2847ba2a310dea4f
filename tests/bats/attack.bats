#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# What stands around the log: leftovers, links, holders of locks, damage after the mark.

load common

same() { # GOT WANT
    [ "$1" = "$2" ] || { printf 'got:  %s\nwant: %s\n' "$1" "$2"; return 1; }
}

# Whether a file, or a whole log, has such a name.
is_begun() { # PATTERN
    [ -f "$(compgen -G "$1")" ] || [ -s "$(compgen -G "$1/commits/*1.jsonl")" ]
}

# The temporary name of a run to NAME that was killed before it committed anything. The run wrote it.
left_by_killed() { # NAME
    local dest=$1 pid
    [ -p in ] || mkfifo in
    sluice transform --quiet -I csv - --where 'a > 0' -o "$dest" <in &
    pid=$!
    exec 8>in
    printf 'a\n0\n' >&8
    until_true is_begun "${dest%/}.*-$pid-*"
    kill -9 "$pid"
    wait "$pid" || true
    exec 8>&-
    left=$(compgen -G "${dest%/}.*-$pid-*")
}

@test "files and logs that merely bear a name like that of a leftover stay, whatever the digits" {
    printf 'a\n1\n' >a.csv
    mkdir -p orders.new-1-20260301 orders.new-7-abcdef12/commits orders.new-7-abcdef1234567890
    echo precious >orders.new-1-20260301/notes.txt
    echo report >out.csv.tmp-1-20260301
    echo report >out.csv.tmp-1-2026030120260301
    sluice ingest --quiet a.csv -o orders.new-2-20260302/
    before=$(find . | sort)
    sluice ingest --quiet a.csv -o orders/
    sluice replay --quiet orders/ -o out.csv
    rm -r orders out.csv
    same "$(find . | sort)" "$before"
}

@test "what a killed run left is removed by the next run, a log as a file" {
    left_by_killed log/
    log=$left
    left_by_killed out.csv
    [ -d "$log" ] && [ -f "$left" ]
    printf 'a\n1\n' | sluice ingest --quiet -I csv - -o log/
    sluice replay --quiet log/ -o out.csv
    [ ! -e "$log" ] && [ ! -e "$left" ]
}

@test "a leftover of a log that has come to hold anything else stays whole" {
    for what in 'echo precious >$left/notes.txt' 'echo x >$left/0000/x' 'mkdir $left/lost' \
        'ln -s ../a $left/0001' 'echo "{}" >>$left/commits/*' 'rm $left/lock; mkfifo $left/lock' \
        'echo x >$left/commits/00000000000000000002.jsonl' 'echo precious >$left/lock'; do
        left_by_killed log/
        eval "$what"
        before=$(find "$left" | sort)
        printf 'a\n1\n' | sluice ingest --quiet -I csv - -o log/
        same "$(find "$left" | sort)" "$before" || { echo "$what"; return 1; }
        rm -r log "$left"
    done
}

@test "a leftover of a log is removed wherever its maker was killed" {
    for what in 'rm -r $left/*' 'rm -r $left/lock' ': >$left/lock' 'rm -r $left/commits' \
        'truncate -s 20 $left/commits/*' ': >$(echo $left/commits/*)'; do
        left_by_killed log/
        eval "$what"
        printf 'a\n1\n' | sluice ingest --quiet -I csv - -o log/
        [ ! -e "$left" ] || { echo "$what"; return 1; }
        rm -r log
    done
}

@test "a whole log under the name of a leftover stays" {
    left_by_killed log/
    rm -r "$left"
    printf 'a\n1\n' | sluice ingest --quiet -I csv - -o "$left/"
    printf 'a\n2\n' | sluice ingest --quiet -I csv - -o log/
    same "$(sluice replay --quiet "$left/" -O csv)" $'a\n1'
}

@test "a link in the place of a leftover is not followed" {
    mkdir precious
    touch precious/file
    left_by_killed log/
    rm -r "$left"
    ln -s precious "$left"
    left_by_killed out.csv
    rm "$left"
    ln -s precious/file "$left"
    printf 'a\n1\n' | sluice ingest --quiet -I csv - -o log/
    sluice replay --quiet log/ -o out.csv
    [ -e precious/file ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# A log that is moved, replaced, removed or shut away under who has it open.

load common

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    pids=()
    printf 'n\n1\n2\n' >two.csv
    sluice ingest --quiet two.csv -o log/
}

followed() { # COMMAND...: in the background; it has read the two rows
    sluice "$@" >rows 2>said &
    pids+=($!)
    until_true has_lines rows 3
}

id_of() { # LOG
    grep -o '"log":"[0-9a-f]*"' "$1"/commits/00000000000000000001.jsonl | head -n 1 | cut -d'"' -f4
}

@test "a followed log that is renamed ends its followers with a word" {
    followed tail -f log/ -O csv
    mv log old
    ends_with 1 "${pids[0]}"
    grep -q 'log was removed or renamed while it was read' said
    [ "$(cat rows)" = $'n\n1\n2' ]
}

@test "a followed log that is replaced by another is told by its id" {
    sluice ingest --quiet two.csv -o new/
    ln -s log link
    mkdir deep
    mv log deep/
    ln -sfn deep/log link
    followed replay -f link -O csv
    # a link on the way: no watch sees it
    ln -s new link2
    mv -T link2 link
    ends_with 1 "${pids[0]}"
    grep -q "link is another log now (id $(id_of new))" said
    grep -q 'run again' said
}

@test "what a follower of a renamed log wrote is not taken for the whole" {
    sluice tail -f log/ -O arrow 2>said >frames &
    pids+=($!)
    until_true test -s frames
    mv log old
    ends_with 1 "${pids[0]}"
    # whoever reads the frames is not told of an end that was none
    run -1 --separate-stderr sluice aggregate frames -O csv
    [[ $stderr == *"stops in the middle"* ]]
}

@test "rows that are committed just before a log is renamed still come out" {
    followed tail -f log/ -O csv
    kill -STOP "${pids[0]}"
    printf 'n\n3\n' | sluice ingest --quiet -I csv - -o log/
    mv log old
    kill -CONT "${pids[0]}"
    ends_with 1 "${pids[0]}"
    [ "$(cat rows)" = $'n\n1\n2\n3' ]
}

@test "a followed log that is removed ends its followers with a word" {
    followed tail -f log/ -O csv
    sluice aggregate -f log/ -O csv >/dev/null 2>said2 &
    pids+=($!)
    until_true is_asleep "${pids[1]}"
    rm -rf log
    ends_with 1 "${pids[0]}"
    ends_with 1 "${pids[1]}"
    grep -q 'removed' said
    grep -q 'removed' said2
}

is_asleep() { # PID
    [ "$(awk '{ print $3 }' "/proc/$1/stat")" = S ]
}

# A run that appends what comes in by the FIFO, and has appended a row.
appended() { # LOG OPTION...
    local log=$1
    shift
    mkfifo in
    sluice ingest "$@" -I csv - -o "$log/" <in 2>said &
    pids+=($!)
    exec 8>in
    printf 'n\n3\n' >&8
    until_true committed "$log" 3
}

committed() { # LOG N
    [ "$(cat "$1"/commits/*.jsonl | wc -l)" -ge "$2" ]
}

@test "a log that is removed, moved or replaced under a writer ends it with a word" {
    local how
    for how in 'rm -rf log' 'mv log old' 'mv log old2; cp -r old2 log'; do
        rm -rf log in
        sluice ingest --quiet two.csv -o log/
        pids=()
        appended log --sync 10s
        eval "$how"
        echo 4 >&8
        ends_with 1 "${pids[0]}"
        grep -q 'log was removed or replaced while it was open' said
        exec 8>&-
    done
    [ "$(sluice replay --quiet old/ -O csv)" = $'n\n1\n2\n3' ]
}

@test "a writer that waits is ended by a sync that fails" {
    appended log --sync 1s
    mv log old
    sluice ingest --quiet two.csv -o log/
    ends_with 1 "${pids[0]}" # by the sync of its row
    grep -q 'log was removed or replaced while it was open' said
}

@test "the account of a run that is ended in the middle is that of what it committed" {
    mkfifo in
    sluice transform --stats -I csv - --where 'n > 1' -o cut/ <in 2>said &
    pids+=($!)
    exec 8>in
    printf 'n\n1\n2\n3\n' >&8
    until_true committed cut 2
    kill -TERM "${pids[0]}"
    ends_with 143 "${pids[0]}"
    grep -q 'text *3 in = 3 out + 0 rejected + 0 filtered' said
    grep -q 'filter *3 in = 2 out + 1 filtered + 0 rejected' said
    grep -q 'log *2 in = 2 out + 0 held' said
    [ "$(sluice replay --quiet cut/ -O csv)" = $'n\n2\n3' ]
}

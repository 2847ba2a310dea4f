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

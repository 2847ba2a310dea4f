#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Every example of the README, the manual and the help is run as it stands, in a folder that holds
# the samples, the examples of a page one after the other. What an example says beside its text:
#
#   README      ```sh               a script; it must succeed
#               ```sh until=TEXT    it has no end: it must print TEXT, then it gets a signal
#   manual      .Bd -literal        a script; a comment before it may say
#               .\" until: TEXT     as above
#               .\" file: NAME      it is a file that a later example names
#               .\" python          it needs a Python with pyarrow
#   help        the lines below "Examples"

load cmd_helper

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir scratch bin blocks
    cp "$root"/tests/samples/* scratch/
    ln -s "$SLUICE" bin/sluice
    if [ -n "${SLUICE_ORACLE-}" ]; then
        printf '#!/bin/sh\nexec "%s" "$@"\n' "$SLUICE_ORACLE" >bin/python3
        chmod +x bin/python3
    fi
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# Each block into blocks/NNN, the first line a comment with what is said beside it.
blocks_of_readme() {
    awk '
        /^```sh/ { inside = 1; file = sprintf("blocks/%03d", ++n)
                   said = ""; if (match($0, /until=.*/)) said = "until: " substr($0, RSTART + 6)
                   print "#" said > file; next }
        /^```/ { inside = 0 }
        inside { print > file }' "$1"
}

blocks_of_page() {
    awk '
        /^\.\\" (until|file|python)/ { said = substr($0, 5); next }
        /^\.Bd -literal/ { inside = 1; file = sprintf("blocks/%03d", ++n); print "#" said > file; said = ""; next }
        /^\.Ed/ { inside = 0; next }
        inside { gsub(/\\e/, "\\"); gsub(/\\&/, ""); gsub(/\\-/, "-"); print > file }' "$1"
}

blocks_of_help() {
    "$SLUICE" "$1" -h | awk '
        /^Examples/ { inside = 1; next }
        inside { file = sprintf("blocks/%03d", ++n); print "#" > file; print > file }'
}

run_script() { # FILE
    (cd scratch && timeout 60 bash -euo pipefail "../$1") >out 2>err </dev/null && return
    fail "status $? from: $(tail -n +2 "$1")"$'\n'"$(cat out err)"
}

# Reads what an endless script prints until the text comes, then ends it and all that it started.
run_until() { # FILE TEXT
    local line group found=
    mkfifo "$1.pipe"
    (cd scratch && exec setsid bash -uo pipefail "../$1") >"$1.pipe" 2>err </dev/null 3>&- &
    group=$!
    exec 4<"$1.pipe"
    while [ -z "$found" ] && IFS= read -r -t 30 line <&4; do
        [[ $line == *"$2"* ]] && found=1
    done
    kill -TERM -- "-$group" 2>/dev/null || true # one that failed is gone already
    cat <&4 >/dev/null
    exec 4<&-
    wait "$group" || true
    [ -n "$found" ] || fail "'$2' did not come from: $(tail -n +2 "$1")"$'\n'"$(cat err)"
}

run_blocks() { # [python]: only those that need it
    local block said ran=0
    for block in blocks/???; do
        [ -f "$block" ] || continue
        said=$(head -n 1 "$block")
        case ${said#\#} in
        until:*) [ "${1-}" = python ] || run_until "$block" "${said#\#until: }" ;;
        file:*) tail -n +2 "$block" >"scratch/${said#\#file: }" ;;
        python) [ "${1-}" != python ] || run_script "$block" ;;
        *) [ "${1-}" = python ] || run_script "$block" ;;
        esac
        ran=$((ran + 1))
    done
    [ "$ran" -gt 0 ] || fail "no example was found"
}

@test "the examples of the README run" {
    blocks_of_readme "$root/README.md"
    run_blocks
}

@test "the examples of sluice(1) run" {
    blocks_of_page "$root/man/sluice.1"
    run_blocks
}

@test "the examples of sluice-pipelines(7) run" {
    blocks_of_page "$root/man/sluice-pipelines.7"
    run_blocks
}

@test "the stage in Python of sluice-pipelines(7) runs" {
    [ -n "${SLUICE_ORACLE-}" ] || skip "no Python with pyarrow"
    blocks_of_page "$root/man/sluice-pipelines.7"
    run_blocks python
    same "$(sort out | tr '\n' ' ')" '1002,159.6 1003,189 1007,189 1010,150.5 order_id,total '
}

@test "the examples of sluice-ingest(1) run" {
    blocks_of_page "$root/man/sluice-ingest.1"
    run_blocks
}

@test "the examples of sluice ingest -h run" {
    blocks_of_help ingest
    run_blocks
}

@test "the examples of sluice-partition(1) run" {
    blocks_of_page "$root/man/sluice-partition.1"
    run_blocks
}

@test "the examples of sluice partition -h run" {
    blocks_of_help partition
    run_blocks
}

@test "the examples of sluice-transform(1) run" {
    blocks_of_page "$root/man/sluice-transform.1"
    run_blocks
}

@test "the examples of sluice transform -h run" {
    blocks_of_help transform
    run_blocks
}

@test "the examples of sluice-aggregate(1) run" {
    blocks_of_page "$root/man/sluice-aggregate.1"
    run_blocks
}

@test "the examples of sluice aggregate -h run" {
    blocks_of_help aggregate
    run_blocks
}

@test "the examples of sluice-tail(1) run" {
    blocks_of_page "$root/man/sluice-tail.1"
    run_blocks
}

@test "the examples of sluice tail -h run" {
    blocks_of_help tail
    run_blocks
}

@test "the examples of sluice-replay(1) run" {
    blocks_of_page "$root/man/sluice-replay.1"
    run_blocks
}

@test "the examples of sluice replay -h run" {
    blocks_of_help replay
    run_blocks
}

@test "the examples of sluice-log(1) run" {
    blocks_of_page "$root/man/sluice-log.1"
    run_blocks
}

@test "the examples of sluice log -h run" {
    blocks_of_help log
    run_blocks
}

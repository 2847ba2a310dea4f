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
    mkdir bin
    ln -s "$SLUICE" bin/sluice
    if [ -n "${SLUICE_ORACLE-}" ]; then
        printf '#!/bin/sh\nexec "%s" "$@"\n' "$SLUICE_ORACLE" >bin/python3
        chmod +x bin/python3
    fi
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# A folder with the samples, and none of what the examples of another page left.
fresh() {
    rm -rf scratch blocks
    mkdir scratch blocks
    cp "$root"/tests/samples/* scratch/
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
        esac || return # not left to errexit: a caller that says || has none
        ran=$((ran + 1))
    done
    [ "$ran" -gt 0 ] || fail "no example was found"
}

@test "the examples of the README run" {
    fresh
    blocks_of_readme "$root/README.md"
    run_blocks
}

@test "the examples of every page of the manual run" {
    for page in "$root"/man/*.[17]; do
        fresh
        blocks_of_page "$page"
        run_blocks || fail "in ${page##*/}"
    done
}

@test "the stage in Python of sluice-pipelines(7) runs" {
    [ -n "${SLUICE_ORACLE-}" ] || skip "no Python with pyarrow"
    fresh
    blocks_of_page "$root/man/sluice-pipelines.7"
    run_blocks python
    same "$(sort out | tr '\n' ' ')" '1002,159.6 1003,189 1007,189 1010,150.5 order_id,total '
}

@test "the reader in Python of sluice-log(5) reads what is committed" {
    [ -n "${SLUICE_ORACLE-}" ] || skip "no Python with pyarrow"
    fresh
    blocks_of_page "$root/man/sluice-log.5"
    reader=$(grep -l 'import glob' blocks/*)
    cd scratch
    for file in orders.csv more.csv; do
        "$SLUICE" ingest --quiet --sync commit "$file" -o views/
    done
    printf 'these bytes are not committed' >>"$(ls views/0000/*.arrows | tail -n 1)"
    { tail -n +2 "../$reader" && echo 'print(*sorted(pa.concat_tables(tables)["order_id"].to_pylist()))'; } >read.py
    run -0 --separate-stderr python3 read.py
    same "$output" "$("$SLUICE" transform --quiet --select order_id -O csv views/ | tail -n +2 | sort -n | xargs)"
}

@test "the examples of every command's -h run" {
    [ -n "$commands" ]
    for command in $commands; do
        fresh
        blocks_of_help "$command"
        run_blocks || fail "of sluice $command -h"
    done
}

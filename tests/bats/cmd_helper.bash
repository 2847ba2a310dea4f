# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
# shellcheck shell=bash
#
# What the tests of commands share. Each test runs in a folder of its own that holds the samples.

bats_require_minimum_version 1.5.0
set -o pipefail

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
export SLUICE=${SLUICE:-$root/build/sluice}
# The commands that `sluice -h` lists.
commands=$("$SLUICE" -h | sed -nE 's/^  ([a-z]+) {2,}.*/\1/p')
export commands

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    cp "$root"/tests/samples/* .
}

sluice() {
    "$SLUICE" "$@"
}

# The test fails with a word on what was there instead.
fail() {
    echo "$*"
    echo "--- standard output: ${output-}"
    echo "--- standard error: ${stderr-}"
    return 1
}

has() { # TEXT PART: TEXT holds PART
    [[ $1 == *"$2"* ]] || fail "not there: $2"
}

same() { # GOT WANTED
    [[ $1 == "$2" ]] || fail "got: $1"$'\n'"wanted: $2"
}

eventually() { # COMMAND...: run again until it succeeds
    local end=$((SECONDS + ${TEST_PATIENCE-30}))
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "never came true: $*" || return
    done
}

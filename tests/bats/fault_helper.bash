# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
# shellcheck shell=bash
#
# What the fault tests share. Their programs are in tests/fault; each says TAP of its own, which is
# shown where a test fails. The long versions are in tests/fault/check-long.

bats_require_minimum_version 1.5.0

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
export SLUICE=${SLUICE:-$root/build/sluice}

setup_file() {
    [ -n "${SLUICE_SANITIZED-}" ] || "$root/tests/fault/build"
}

setup() {
    [ -z "${SLUICE_SANITIZED-}" ] || skip "strace and preloaded libraries do not go with sanitizers"
    cd "$BATS_TEST_TMPDIR" || return
}

need_strace() {
    strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
}

# tap PROGRAM...: the program's one test is this test
tap() {
    local out status=0
    out=$("$@" 2>&1) || status=$?
    case $out in
    *'# skip '*) skip "$(sed -n 's/.*# skip //p' <<<"$out" | head -n 1)" ;;
    esac
    echo "$out"
    [ $status = 0 ] && [[ $out == *'ok 1'* ]] && [[ $out != *'not ok'* ]]
}

# What tests/fault/mutants takes out of one group is missed; so much it takes out at least.
mutants() { # GROUP LEAST
    run --keep-empty-lines "$root/tests/fault/mutants" "$1"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c '^ok ' <<<"$output")" -ge "$2" ]
}

# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Pipes with two sources, with rejects, without state: see tests/fault/pipes, and tests/fault/pipe for others.
load fault_helper

pipes() {
    need_strace
    tap "$root/tests/fault/pipes" "$@"
}

@test "any process of a pipe, its writer and its reader is killed 200 times at random, and its rejects are there once" {
    pipes random 200
}
@test "each stage of a pipe is killed at every ninth mutating system call" {
    pipes kill 9
}
@test "every twelfth system call of each stage of a pipe fails once" {
    pipes error 12
}
@test "power cut while sources, result, rejects and late rows of a pipe are written" {
    pipes power 90
}
@test "the file system is full at every 16 KiB of a pipe" {
    pipes full 4
}
# bats test_tags=without-sluice
@test "each part of a pipe that resumes, taken out, is missed by a test" {
    mutants pipes 3
}

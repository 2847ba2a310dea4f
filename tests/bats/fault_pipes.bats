# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Pipes with two sources, with rejects, without state: see tests/fault/pipes, and tests/fault/pipe for others.
load fault_helper

pipes() {
    need_strace
    tap "$root/tests/fault/pipes" "$@"
}

# The larger counts, power cuts, full file systems and planted faults are in tests/fault/check-long.
@test "any process of a pipe, its writer and its reader is killed 60 times at random, and its rejects are there once" {
    pipes random 60
}
@test "each stage of a pipe is killed at one in 27 of its mutating system calls" {
    pipes kill 27
}
@test "one in 36 system calls of each stage of a pipe fails once" {
    pipes error 36
}

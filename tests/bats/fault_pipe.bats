# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# A pipe of three stages that resumes, under kills, failing calls, stops and jumps of the clock: see
# tests/fault/pipe.
load fault_helper

pipe() {
    need_strace
    tap "$root/tests/fault/pipe" "$@"
}

@test "processes of a pipe, and of a group that reads its result, are killed 100 times at random" {
    pipe random 100
}
@test "each process of a pipe is killed at every eighth mutating system call" {
    pipe kill 8
}
@test "each process of a pipe has every fifteenth system call fail once" {
    pipe error 15
}
@test "a pipe whose sink was stopped while another run went on commits nothing, 20 times" {
    pipe fence 20
}
@test "the clock jumps by hours 20 times, between runs of a pipe and within them" {
    pipe clock 10
}

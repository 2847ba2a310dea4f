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

@test "processes of a pipe, and of a group that reads its result, are killed 200 times at random" {
    pipe random 200
}
@test "each process of a pipe is killed at every fourth mutating system call" {
    pipe kill 4
}
@test "each process of a pipe has every seventh system call fail once" {
    pipe error 7
}
@test "a pipe whose sink was stopped while another run went on commits nothing, 40 times" {
    pipe fence 40
}
@test "the clock jumps by hours 40 times, between runs of a pipe and within them" {
    pipe clock 20
}

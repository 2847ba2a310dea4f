# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# A pipeline that keeps state, under kills, failing calls and power cuts: see tests/fault/resume.
load fault_helper

resume() {
    need_strace
    tap "$root/tests/fault/resume" "$@"
}

@test "a run that goes on with state is killed at every mutating system call" {
    resume kill
}
@test "followed runs are killed 300 times at random while a writer appends" {
    resume random 300
}
@test "every system call of a run that goes on with state fails once" {
    resume error
}
@test "a run that was stopped while another one went on commits nothing, 40 times" {
    resume fence 40
}
@test "power cut while source, result and rejects are written" {
    resume power 250
}
# bats test_tags=without-sluice
@test "each sync and check of a pipeline that is taken out is missed by a test" {
    mutants resume 15
}
@test "the file system is full at every 4 KiB of a run that goes on with state" {
    resume full
}
@test "twenty readers of a log whose writer, compactor and pruner are killed 100 times see each row once" {
    tap "$root/tests/fault/life" 100
}

# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Power cuts of real file systems: see tests/fault/cut.
load fault_helper

@test "ext4 is shut down while rows are written: what was acknowledged is there, the rest goes on" {
    tap "$root/tests/fault/cut" ext4 12
}
@test "xfs is shut down while rows are written: what was acknowledged is there, the rest goes on" {
    tap "$root/tests/fault/cut" xfs 12
}
# bats test_tags=without-sluice
@test "a sync that is taken out is missed after a power cut of ext4 and of xfs" {
    mutants cut 2
}

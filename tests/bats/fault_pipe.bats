# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# A pipe of three stages that resumes, under kills: see tests/fault/pipe.
load fault_helper

@test "processes of a pipe, and of a group that reads its result, are killed 200 times at random" {
    tap "$root/tests/fault/pipe" random 200
}

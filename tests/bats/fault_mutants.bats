# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Taking out any one sync, lock or check makes a named test fail: see tests/fault/mutants.
load fault_helper
# bats file_tags=without-sluice

@test "each sync, lock and check of the log that is taken out is missed by a test" {
    mutants log 15
}
@test "every flipped bit of a segment is noticed" {
    "$root/tests/fault/flip" "$root/build/fault/driver" segment
}
@test "every flipped bit of a commit file is noticed" {
    "$root/tests/fault/flip" "$root/build/fault/driver" commits
}
@test "no flipped bit of a segment changes what is read" {
    "$root/tests/fault/flip" "$root/build/fault/driver" columns
}

# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# What a power cut may leave of a log: see tests/fault/replay.
load fault_helper

power() {
    tap "$root/tests/fault/replay" --states 300 --bad 3 "$@"
}

@test "power cut and the shipped binary: the log ends before what was lost, and goes on" {
    tap "$root/tests/fault/inject" --subject sluice reboot
}

# bats file_tags=without-sluice
@test "power cut while a log is made and written" {
    power plain
}
@test "power cut while commit files are rotated" {
    power rotation
}
@test "power cut while commit files are rotated and nothing was synced" {
    power lazy_rotation
}
@test "power cut while segments are rolled" {
    power roll
}
@test "power cut while three writers append" {
    power writers
}
@test "power cut with a writer that syncs beside one that does not" {
    power lazy
}
@test "power cut while syncs run in the background" {
    power interval
}
@test "power cut with more partitions than are synced one by one" {
    power many
}
@test "power cut after a writer was killed before its line" {
    power killed
}
@test "power cut after a writer was killed within its line" {
    power torn
}
@test "power cut within the recovery of another" {
    power recovery
}
@test "power cut after a writer was killed between the rename of a commit file and its sync" {
    power half_rotation
}
@test "power cut after the maker of a log was killed before it synced the name" {
    power half_creation
}
@test "power cut and the library: the log ends before what was lost, and goes on" {
    tap "$root/tests/fault/inject" --subject driver reboot
}

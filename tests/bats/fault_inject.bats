# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Kills and system call errors: see tests/fault/inject.
load fault_helper

inject() {
    need_strace
    tap "$root/tests/fault/inject" "$@"
}

@test "ingest killed at every mutating system call" {
    inject --subject sluice kill
}
# bats test_tags=without-sluice
@test "the library's writer killed at every mutating system call" {
    inject --subject driver kill
}
@test "ingest killed 200 times at random beside a follower" {
    inject --subject sluice random 200
}
# bats test_tags=without-sluice
@test "the library's writer killed 200 times at random beside a follower" {
    inject --subject driver random 200
}
@test "ingest: every system call fails once" {
    inject --subject sluice error
}
# bats test_tags=without-sluice
@test "the library's writer: every system call fails once" {
    inject --subject driver error
}
@test "ingest: a sync fails" {
    inject --subject sluice failed-sync
}
# bats test_tags=without-sluice
@test "the library's writer: a sync fails" {
    inject --subject driver failed-sync
}
@test "ingest: a sync fails and what it was about is gone, readers running" {
    inject --subject sluice lost-sync
}
# bats test_tags=without-sluice
@test "the library's writer: a sync fails and what it was about is gone, readers running" {
    inject --subject driver lost-sync
}
@test "ingest: the file system is full at every 4 KiB" {
    inject --subject sluice full
}
# bats test_tags=without-sluice
@test "the library's writer: the file system is full at every 16 KiB" {
    inject --subject driver full 4
}

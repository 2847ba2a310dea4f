#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Work that must not grow faster than its input, counted in system calls and not timed.
load common

# The calls of a run on files: opened, written to, made durable.
calls() { # COMMAND...
    strace -f -qq -o trace -e trace=openat,write,pwrite64,pwritev,fsync,fdatasync "$@" || return
    grep -cE ' (openat|write|pwrite64|pwritev|fsync|fdatasync)\(.*= [0-9]+$' trace
}

rows() { # COUNT
    awk -v n="$1" 'BEGIN { print "ts,id"; for (i = 0; i < n; i++) printf "2026-05-01T10:%02d:%02dZ,%d\n", i / 60 % 60, i % 60, i }'
}

@test "twice the partitions are at most twice the work, in one commit" {
    need_strace
    rows 4000 >in.csv
    for n in 8 16; do
        calls "$SLUICE" partition in.csv --by id --into $n -o "p$n/" --quiet >"calls$n"
        [ "$(sluice aggregate "p$n/" --select 'count(*) as n' --quiet -O csv)" = $'n\n4000' ]
        [ "$(sluice log info "p$n/" | sed -n 's/^commit *\([0-9]*\),.*/\1/p')" -le 2 ]
    done
    echo "$(cat calls8) calls for 8 partitions, $(cat calls16) for 16"
    [ "$(cat calls8)" -gt 8 ]
    [ "$(cat calls16)" -le $((2 * $(cat calls8))) ]
}

@test "reading twice the partitions opens at most twice the files" {
    need_strace
    rows 4000 >in.csv
    for n in 8 16; do
        sluice partition in.csv --by id --into $n -o "p$n/" --quiet
        calls "$SLUICE" aggregate "p$n/" --select 'count(*) as n' -O csv --quiet >"calls$n"
        grep -qx 4000 "calls$n"
    done
    one=$(tail -n 1 calls8) two=$(tail -n 1 calls16)
    echo "$one calls for 8 partitions, $two for 16"
    [ "$one" -gt 8 ]
    [ "$two" -le $((2 * one)) ]
}

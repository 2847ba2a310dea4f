# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# make: what the Makefile takes for out of date, in a tree of a few small sources.

load common
# bats file_tags=without-sluice

tree() {
    unset MAKEFLAGS MAKELEVEL MFLAGS
    cp "$root/Makefile" .
    mkdir -p lib/base
    echo '#define ONE 1' >lib/base/one.h
    printf '%s\n' '#include "base/one.h"' 'int one(void);' 'int one(void) { return ONE; }' >lib/base/one.c
    printf '%s\n' 'int two(void);' 'int two(void) { return 2; }' >lib/base/two.c
    make -s build/lib/base.a >built
}

made() { # WHAT MAKE-ARGUMENTS...: these and no other objects are compiled
    run -0 make build/lib/base.a "${@:2}"
    [ "$(sed -n 's/^  CC *//p' <<<"$output" | sort | xargs)" = "$1" ] || { echo "$output"; return 1; }
}

@test "make compiles nothing a second time" {
    tree
    made ''
}

@test "make compiles again what includes a header that was touched" {
    tree
    touch -d '+1 minute' lib/base/one.h
    made lib/base/one.c
}

@test "make compiles everything again with other flags, and once" {
    tree
    made 'lib/base/one.c lib/base/two.c' CFLAGS=-O0
    made '' CFLAGS=-O0
    made 'lib/base/one.c lib/base/two.c' CFLAGS=-O0 VERSION=9
    made 'lib/base/one.c lib/base/two.c'
}

@test "make leaves nothing of a source that is gone" {
    tree
    run -0 ar t build/lib/base.a
    [ "$output" = $'one.o\ntwo.o' ]
    rm lib/base/two.c
    made ''
    run -0 ar t build/lib/base.a
    [ "$output" = one.o ]
}

# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Rotation of a followed file at bad moments: before its types are settled, while its writer goes on
# with the old one, while nobody reads. Each row is in the log once.
load common

follow() { # OPTION...: ingests app.json into l/ in the background, as $follower
    sluice ingest -f -I json "$@" app.json -o l/ 2>>err &
    follower=$!
    pids+=("$follower")
}

rows() { # FROM TO: JSON lines
    local n
    for ((n = $1; n <= $2; n++)); do
        printf '{"n":%d,"s":"row %d"}\n' "$n" "$n"
    done
}

# Whether the log holds n = 1 to N, each once.
holds() { # N
    [ "$(sluice aggregate l/ --select 'count(*), count(distinct n), max(n)' -O csv --quiet 2>/dev/null |
        tail -n 1)" = "$1,$1,$1" ]
}

# Whether the log holds these n, in this order.
has_n() { # N...
    [ "$(sluice replay l/ -O json --quiet 2>/dev/null | jq .n | paste -sd ' ')" = "$*" ]
}

@test "a followed file that is renamed before it had a row: the new one is read" {
    : >app.json
    follow
    until_true has_open "$follower" app.json
    mv app.json app.json.1
    rows 1 2 >app.json
    until_true holds 2
}

@test "a followed file that is renamed with its first rows in it: both are read" {
    rows 1 3 >app.json
    follow
    until_true has_open "$follower" app.json
    kill -STOP "$follower"
    mv app.json app.json.1
    rows 4 5 >app.json
    kill -CONT "$follower"
    until_true holds 5
}

@test "a followed file that is rotated several times while nobody looks: all are read, in order" {
    rows 1 2 >app.json
    [ "$(stat -c %W app.json)" -gt 0 ] || skip "the file system does not tell when a file was made"
    follow
    until_true holds 2
    kill -STOP "$follower"
    local n
    for ((n = 3; n < 43; n += 2)); do
        for g in $(seq 25 -1 1); do
            [ ! -e app.json.$g ] || mv app.json.$g app.json.$((g + 1))
        done
        mv app.json app.json.1
        rows $n $((n + 1)) >app.json
    done
    kill -CONT "$follower"
    until_true holds 42
    sluice replay l/ -O csv --quiet --where 'n > 0' >out
    sort -t, -k 1n out | cmp - out
}

@test "rows of a trickle without a pause are not kept back until there are many" {
    : >app.json
    follow
    { # never quiet for 20 ms
        for ((n = 1; n < 20000; n++)); do
            rows $n $n
            read -r -t 0.001 <> <(:)
        done >>app.json
    } &
    pids+=($!)
    has_some() { [ "$(sluice aggregate l/ -O csv --quiet 2>/dev/null | tail -n 1)" -gt 0 ]; }
    until_true has_some
    [ "$(stat -c %s app.json)" -lt 1000000 ]
}

@test "a writer that goes on with the renamed file loses nothing, though the new one is there" {
    rows 1 2 >app.json
    follow
    until_true holds 2
    exec 7>>app.json
    mv app.json app.json.1
    : >app.json # as logrotate's create does
    rows 3 4 >&7
    until_true holds 4
    rows 6 6 >app.json
    rows 5 5 >&7 # another worker that has not been told yet
    exec 7>&-
    until_true holds 6
}

@test "after a truncation, a kill and --resume each row is there once" {
    rows 1 60 >app.json # more than the 1 KiB that identifies a file
    follow
    until_true holds 60
    cp app.json app.json.1
    : >app.json
    rows 61 130 >>app.json
    until_true holds 130
    kill -9 "$follower"
    wait "$follower" || true
    rows 131 132 >>app.json
    follow --resume
    until_true holds 132
}

@test "a file that was rotated while nobody read is read to its end first, with --resume" {
    rows 1 4 >app.json
    follow
    until_true holds 4
    kill -9 "$follower"
    wait "$follower" || true
    rows 5 7 >>app.json
    mv app.json app.json.1
    rows 8 9 >app.json
    follow --resume
    until_true holds 9
    grep -q 'app.json was rotated to app.json.1: going on there first' err
}

@test "--resume without -f reads a rotated file to its end, too, before the new one" {
    rows 1 4 >app.json
    sluice ingest app.json -o l/ --quiet
    rows 5 7 >>app.json
    mv app.json app.json.1
    rows 8 9 >app.json
    run -0 --separate-stderr sluice ingest --resume app.json -o l/
    [[ $stderr == *"app.json was rotated to app.json.1: going on there first"* ]]
    holds 9
    has_n 1 2 3 4 5 6 7 8 9
    run -0 --separate-stderr sluice ingest --resume app.json.1 app.json -o l/
    holds 9
    rows 10 10 >>app.json
    mv app.json app.json.1
    rows 11 11 >app.json
    run -0 --separate-stderr sluice ingest --resume app.json.1 app.json -o l/
    [[ $stderr != *"going on there first"* ]]
    holds 11
}

@test "--resume: a rotated file whose name and bytes tell no format has that of the new one" {
    printf 'n\n1\n' >a.csv
    sluice ingest a.csv -o l/ --quiet
    echo 2 >>a.csv
    mv a.csv a.csv.1
    printf 'n\n3\n' >a.csv
    sluice ingest --resume a.csv -o l/ --quiet
    has_n 1 2 3
}

@test "--resume reads the rest of what was copied and truncated, and of what was renamed to any name" {
    rows 1 40 >app.json
    sluice ingest app.json -o l/ --quiet
    rows 41 42 >>app.json
    cp app.json app.json-20260301
    : >app.json
    rows 43 44 >>app.json
    sluice ingest --resume app.json -o l/ --quiet
    holds 44
    rows 45 45 >>app.json
    mv app.json old
    rows 46 46 >app.json
    sluice ingest --resume app.json -o l/ --quiet
    holds 46
}

@test "--resume: a new file that begins as the one that was renamed is read from its start" {
    echo '{"n":1,"s":"begin"}' >app.json
    sluice ingest app.json -o l/ --quiet
    mv app.json app.json.1
    printf '{"n":1,"s":"begin"}\n{"n":2,"s":"more"}\n' >app.json
    sluice ingest --resume app.json -o l/ --quiet
    has_n 1 1 2
    # written anew and put in its place: nobody else has its name, it goes on
    { cat app.json; rows 3 3; } >new
    mv new app.json
    sluice ingest --resume app.json -o l/ --quiet
    has_n 1 1 2 3
}

@test "files that were made and rotated away while nobody read are named, with -f and without" {
    rows 1 4 >app.json
    follow
    until_true holds 4
    kill -9 "$follower"
    wait "$follower" || true
    rows 5 7 >>app.json
    mv app.json app.json.2
    rows 8 9 >app.json.1
    rows 0 0 >app.json.bak # not the name of a rotated file
    rows 10 11 >app.json
    touch -d '-2 minutes' app.json.2
    touch -d '-1 minute' app.json.1
    follow --resume
    has_most() { [ "$(sluice aggregate l/ --select 'count(*), max(n)' -O csv --quiet | tail -n 1)" = "$1,$2" ]; }
    until_true has_most 9 11
    grep -q 'app.json was rotated to app.json.2: going on there first' err
    grep -q 'not all of it is in the log: ingest --resume app.json.1$' err
    run -0 --separate-stderr sluice ingest --resume app.json.1 -o l/
    holds 11
    run -0 --separate-stderr sluice ingest --resume app.json -o l/
    [[ $stderr != *"rotated"* ]]
}

# Whether a process has read a file, which it has open, to its end.
has_read() { # PID FILE
    local fd pos size
    size=$(stat -c %s "$2")
    for fd in "/proc/$1/fd/"*; do
        [ "$fd" -ef "$2" ] || continue
        pos=$(sed -n 's/^pos:\t//p' "/proc/$1/fdinfo/${fd##*/}")
        [ "$pos" -eq "$size" ] && return
    done
    return 1
}

@test "a followed file that is truncated while its types settle: what was read is kept" {
    local round try
    for round in 1 2 3; do
        rm -rf l
        : >app.json
        follow
        until_true has_open "$follower" app.json
        rows 1 10 >>app.json
        # The types settle 20 ms after the last read: no pause here.
        for ((try = 0; try < 5000; try++)); do
            ! has_read "$follower" app.json || break
        done
        kill -STOP "$follower"
        rows 11 11 >app.json
        kill -CONT "$follower"
        until_true holds 11
        kill "$follower"
        ends_with 143 "$follower"
        sluice ingest --resume -I json app.json -o l/ --quiet
        holds 11
    done
}

@test "a directory that cannot be read to its end is an error: a rotated file may be in it" {
    need_strace
    rows 1 2 >app.json
    sluice ingest app.json -o l/ --quiet
    rows 3 3 >>app.json
    mv app.json app.json.1
    rows 4 4 >app.json
    run -1 --separate-stderr strace -o /dev/null -f -e inject=getdents64:error=EIO -P "$PWD" \
        sluice ingest --resume app.json -o l/
    [[ $stderr == *"cannot list .: Input/output error"* ]]
    run -0 --separate-stderr sluice ingest --resume app.json -o l/
    holds 4
}

@test "ingest -f waits for a file that is not there yet, and says so" {
    follow
    until_true grep -q '^sluice ingest: app.json is not there yet: waiting for it$' err
    rows 1 2 >new
    mv new app.json
    until_true holds 2
    rows 3 3 >>app.json
    until_true holds 3
    kill "$follower"
    ends_with 143 "$follower"
    [ "$(grep -c 'not there yet' err)" -eq 1 ]
}

@test "ingest -f of a file in a directory that is not there yet; a signal ends the wait" {
    sluice ingest -f -I json d/app.json -o l/ 2>err &
    follower=$!
    pids+=("$follower")
    until_true grep -q 'd/app.json is not there yet' err
    mkdir d
    rows 1 2 >d/app.json
    until_true holds 2
    kill "$follower"
    ends_with 143 "$follower"
    sluice ingest -f none.json -o m/ 2>err &
    follower=$!
    pids+=("$follower")
    until_true grep -q 'none.json is not there yet' err
    kill "$follower"
    ends_with 143 "$follower"
    [ ! -e m ]
}

@test "a new file that cannot be opened for a moment is tried again, which is said once" {
    chmod 777 .
    local -a as=()
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    rows 1 2 >app.json
    "${as[@]}" sluice ingest -f -I json app.json -o l/ 2>err &
    follower=$!
    pids+=("$follower")
    until_true holds 2
    rows 4 5 >new
    chmod 0 new
    mv app.json app.json.1
    mv new app.json
    until_true grep -q 'cannot open app.json: Permission denied: trying again' err
    rows 3 3 >>app.json.1
    until_true holds 3
    chmod 644 app.json
    until_true holds 5
    kill "$follower"
    ends_with 143 "$follower"
    [ "$(grep -c 'trying again' err)" -eq 1 ]
}

@test "zero bytes that a writer leaves who goes on at its old place after a truncation are skipped" {
    exec 8>app.json
    rows 1 2 >&8
    follow --stats=json
    until_true has_n 1 2
    : >app.json
    rows 3 4 >&8
    until_true has_n 1 2 3 4
    kill "$follower"
    ends_with 143 "$follower"
    grep -q 'app.json:1: 40 zero bytes are skipped before this record' err
    [ "$(grep '^{' err | jq -c '[.records, .skipped, .rejected]')" = '[5,1,0]' ]
    rows 5 5 >&8
    run -0 --separate-stderr sluice ingest --resume app.json -o l/
    [[ $stderr != *zero* ]]
    has_n 1 2 3 4 5
}

@test "after a truncation the writer of CSV that goes on at its old place goes on behind its header" {
    exec 8>app.csv
    printf 'n,s\n1,a\n' >&8
    sluice ingest -f app.csv -o l/ --quiet &
    pids+=($!)
    until_true has_n 1
    : >app.csv
    printf '2,b\n3,c\n' >&8
    until_true has_n 1 2 3
}

@test "zero bytes at the front of a record are skipped at the start, in the middle and at the end" {
    local f
    { head -c 3000000 /dev/zero; rows 1 1; head -c 70 /dev/zero; rows 2 3; head -c 9 /dev/zero; } >a.json
    { head -c 5000 /dev/zero; printf 'n,s\n1,a\n'; head -c 2 /dev/zero; printf '2,"a\n\0b"\n\0003,c\n'; } >a.csv
    for f in json csv; do
        rm -rf l
        run -0 --separate-stderr sluice ingest a.$f -o l/ --stats=json
        has_n 1 2 3
        [ "$(grep '^{' <<<"$stderr" | jq -c '[.records, .skipped]')" = '[6,3]' ]
        [ "$(grep -c 'zero bytes are skipped before this record' <<<"$stderr")" -eq 1 ]
    done
}

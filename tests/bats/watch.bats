# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# ingest --watch DIR: the files of a directory, once and as they come.
load common

log_is() { # TEXT
    [ "$(sluice replay l/ -O csv --quiet 2>/dev/null)" = "$1" ]
}

follow() {
    sluice ingest -f --watch d -o l/ 2>err &
    watcher=$!
    pids+=("$watcher")
}

@test "--watch takes the files of a directory in the order of their names, and then what is new" {
    mkdir -p d/sub
    printf 'n,m\n3,x\n' >d/b.csv
    printf 'n\n1\n2\n' >d/a.csv
    printf 'n\n99\n' >d/.hidden
    printf 'n\n98\n' >d/sub/c.csv
    : >d/empty.csv
    sluice ingest --watch d/ -o l/ --quiet
    log_is $'n,m\n1,\n2,\n3,x'
    printf '4,y\n' >>d/b.csv
    printf 'n\n5\n' >d/c.csv
    sluice ingest --watch d -o l/ --quiet
    log_is $'n,m\n1,\n2,\n3,x\n4,y\n5,'
    run -0 --separate-stderr sluice ingest --watch d -o l/
    [[ $stderr == *" 0 rows, 0 rejected"* ]]
}

@test "--watch: a rotated file is the same under its new name, packed or copied" {
    mkdir d
    { echo n; seq 1 1000; } >d/app.csv
    sluice ingest --watch d -o l/ --quiet
    mv d/app.csv d/app.csv.1
    { echo n; seq 1001 1500; } >d/app.csv
    sluice ingest --watch d -o l/ --quiet
    gzip d/app.csv.1
    cp d/app.csv d/app.csv.2
    : >d/app.csv
    sluice ingest --watch d -o l/ --quiet
    { echo n; seq 1501 1600; } >d/app.csv
    zstd -q --rm d/app.csv.2
    sluice ingest --watch d -o l/ --quiet
    sluice ingest --watch d -o l/ --quiet
    log_is "n
$(seq 1 1600)"
}

@test "--watch: what was not read yet of a file that was packed meanwhile is read from the packed one" {
    mkdir d
    { echo n; seq 1 1000; } >d/app.csv
    sluice ingest --watch d -o l/ --quiet
    seq 1001 1200 >>d/app.csv
    gzip d/app.csv
    sluice ingest --watch d -o l/ --quiet
    log_is "n
$(seq 1 1200)"
}

@test "--watch: a file that begins as a short one is another file" {
    mkdir d
    printf 'n\n1\n2\n' >d/a.csv
    sluice ingest --watch d -o l/ --quiet
    printf 'n\n1\n2\n3\n' >d/b.csv
    sluice ingest --watch d -o l/ --quiet
    log_is $'n\n1\n2\n1\n2\n3'
}

@test "--watch leaves a record without its end, and a packed file that is not whole, for later" {
    mkdir d
    printf 'n\n1\n2' >d/a.csv
    { echo n; seq 101 60000; } | gzip >z.gz
    head -c 20000 z.gz >d/z.csv.gz
    run -0 --separate-stderr sluice ingest --watch d -o l/
    [[ $stderr == *"d/a.csv ends in the middle of a record: 1 byte is left for later"* ]]
    [[ $stderr == *"d/z.csv.gz is not whole: left for later"* ]]
    log_is $'n\n1'
    printf '3\n' >>d/a.csv
    cp z.gz d/z.csv.gz
    sluice ingest --watch d -o l/ --quiet
    log_is "n
1
23
$(seq 101 60000)"
}

@test "--watch of nothing: an error without a log, nothing to do with one" {
    mkdir d
    run -1 --separate-stderr sluice ingest --watch d -o l/
    [[ $stderr == *"no file with rows in d"* ]]
    [ ! -e l ]
    printf 'n\n1\n' >d/a.csv
    sluice ingest --watch d -o l/ --quiet
    rm d/a.csv
    run -0 --separate-stderr sluice ingest --watch d -o l/
    log_is $'n\n1'
    run -2 --separate-stderr sluice ingest --watch d
    run -2 --separate-stderr sluice ingest --watch d x.csv -o l/
    run -2 --separate-stderr sluice tail d
    [[ $stderr == *"--watch d"* ]]
}

@test "-f --watch waits for files, takes what is added to them, and new ones" {
    mkdir d
    follow
    until_true grep -q . /proc/"$watcher"/fdinfo/0
    printf 'n\n' >d/a.csv
    printf '1\n' >>d/a.csv
    until_true log_is $'n\n1'
    printf '2' >>d/a.csv
    printf 'n,m\n3,x\n' >tmp.csv
    mv tmp.csv d/b.csv
    until_true log_is $'n,m\n1,\n3,x'
    printf '2\n' >>d/a.csv
    until_true log_is $'n,m\n1,\n3,x\n22,'
    kill -TERM "$watcher"
    ends_with 143 "$watcher"
    printf 'n\n4\n' >d/c.csv
    sluice ingest --watch d -o l/ --quiet
    log_is $'n,m\n1,\n3,x\n22,\n4,'
}

@test "-f --watch through rotation by rename, by copy and truncation, and removal" {
    mkdir d
    { echo n; seq 1 500; } >d/app.csv
    follow
    until_true log_is "n
$(seq 1 500)"
    mv d/app.csv d/app.csv.1
    echo 501 >>d/app.csv.1
    { echo n; seq 502 1000; } >d/app.csv
    until_true log_is "n
$(seq 1 1000)"
    cp d/app.csv d/app.csv.2
    : >d/app.csv
    { echo n; echo 1001; } >>d/app.csv
    until_true log_is "n
$(seq 1 1001)"
    gzip d/app.csv.1
    rm d/app.csv.2
    { echo n; echo 1002; } >d/new.csv
    until_true log_is "n
$(seq 1 1002)"
    kill -TERM "$watcher"
    ends_with 143 "$watcher"
    sluice ingest --watch d -o l/ --quiet
    log_is "n
$(seq 1 1002)"
}

@test "-f --watch that is killed goes on without losing or repeating a row" {
    mkdir d
    { echo n; seq 1 50000; } >d/a.csv
    follow
    some() { [ "$(sluice aggregate l/ -O csv --quiet 2>/dev/null | tail -n 1)" -gt 0 ]; }
    until_true some
    kill -9 "$watcher"
    wait "$watcher" || true
    { echo n; seq 50001 60000; } >d/b.csv
    sluice ingest --watch d -o l/ --quiet
    run -0 --separate-stderr sluice aggregate l/ -O csv --quiet \
        --select 'count(*) as n, count(distinct n) as d'
    [ "${lines[1]}" = 60000,60000 ]
}

@test "a directory that cannot be read is not taken for an empty one" {
    need_strace
    mkdir d
    { echo n; seq 1 5; } >d/a.csv
    run -1 --separate-stderr strace -o trace -e trace=getdents64 -e inject=getdents64:error=EIO \
        "$SLUICE" ingest --watch d -o l/ --quiet
    grep -q 'getdents64.*INJECTED' trace
    [ "$stderr" = 'sluice ingest: cannot list d: Input/output error' ]
}

@test "-f --watch: a copy is known while it is being made, and after its original was truncated" {
    mkdir d
    { echo n; seq 1 5000; } >d/app.csv
    follow
    until_true log_is "n
$(seq 1 5000)"
    head -c 10000 d/app.csv >d/app.csv.1
    until_true grep -q "d/app.csv.1 holds" err
    tail -c +10001 d/app.csv >>d/app.csv.1
    seq 5001 5100 >>d/app.csv
    until_true log_is "n
$(seq 1 5100)"
    : >d/app.csv
    { echo n; echo 5101; } >>d/app.csv
    until_true log_is "n
$(seq 1 5101)"
    kill -TERM "$watcher"
    ends_with 143 "$watcher"
    log_is "n
$(seq 1 5101)"
}

@test "--watch: a file that began as another one, and goes on in its own way, is read" {
    mkdir d
    { echo n; seq 1 5000; } >d/app.csv
    head -c 10000 d/app.csv >d/part.csv
    run -0 --separate-stderr sluice ingest --watch d -o l/
    [[ $stderr == *"d/part.csv holds the beginning of another file that is committed"* ]]
    log_is "n
$(seq 1 5000)"
    printf '7\n' >>d/part.csv
    sluice ingest --watch d -o l/ --quiet
    log_is "n
$(seq 1 5000)
$(head -c 10000 d/app.csv | tail -n +2)
7"
}

@test "--watch: a file is opened a few times, however many others there are" {
    need_strace
    mkdir d
    for n in {100..159}; do
        { echo n; seq $((n * 1000)) $((n * 1000 + 900 - n)); } >d/$n.csv # each shorter than those before
    done
    run -0 --separate-stderr strace -f -e trace=openat -o trace sluice ingest --watch d -o l/ --quiet
    [ "$(grep -c '"d/[0-9]*\.csv"' trace)" -le $((60 * 3)) ]
    [ "$(sluice aggregate l/ -O csv --quiet | tail -n 1)" = 46290 ] # the sum of 901 - n
}

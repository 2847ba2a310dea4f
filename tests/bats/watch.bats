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

@test "--watch: a file that its name says is a copy, and goes on in its own way, is read" {
    mkdir d
    { echo n; seq 1 5000; } >d/app.csv
    head -c 10000 d/app.csv >d/app.csv.1
    run -0 --separate-stderr sluice ingest --watch d -o l/
    [[ $stderr == *"d/app.csv.1 holds the beginning of another file that is committed"* ]]
    log_is "n
$(seq 1 5000)"
    printf '7\n' >>d/app.csv.1
    sluice ingest --watch d -o l/ --quiet
    log_is "n
$(seq 1 5000)
$(head -c 10000 d/app.csv | tail -n +2)
7"
}

@test "--watch: files of the same content are files of their own, also when one inode follows another" {
    mkdir d
    for s in 1 2 3; do printf 'ts,state\n2026-05-01T10:00:00Z,ok\n' >d/sensor$s.csv; done
    sluice ingest --watch d -o l/ --quiet
    count() { [ "$(sluice aggregate l/ -O csv --quiet | tail -n 1)" = "$1" ]; }
    count 3
    rm d/sensor*
    for s in 4 5; do printf 'ts,state\n2026-05-01T10:00:00Z,ok\n' >d/sensor$s.csv; done
    [ "$(stat -c %W d/sensor4.csv)" -gt 0 ] || skip "the file system does not tell when a file was made"
    sluice ingest --watch d -o l/ --quiet
    count 5
    sluice ingest --watch d -o l/ --quiet
    count 5
}

@test "--watch: a file that differs from another one in its middle only is read" {
    mkdir d
    dump() { # VALUE in the middle
        echo sku,warehouse,qty
        seq 0 999 | awk -v c="$1" '{ printf "SKU%05d,Berlin,%05d\n", $1, ($1 >= 200 && $1 < 600 ? c : 100) + $1 % 10 }'
    }
    dump 100 >d/1.csv
    sluice ingest --watch d -o l/ --quiet
    dump 7777 >d/1.csv.1 # the name of a rotation
    sluice ingest --watch d -o l/ --quiet
    sums() { sluice aggregate l/ --select 'count(*) as n, count(*) filter (where qty::bigint > 5000) as m' -O csv --quiet | tail -n 1; }
    [ "$(sums)" = 2000,400 ]
    dump 6666 >d/1.csv # in place: the same inode, size and ends
    run -0 --separate-stderr sluice ingest --watch d -o l/
    [ "$(sums)" = 3000,800 ]
}

@test "--watch: a copy that kept its time is known by it, one that did not is a file of its own" {
    mkdir d e
    { echo n; seq 1 500; } >d/a.csv
    [ "$(stat -c %W d/a.csv)" -gt 0 ] || skip "the file system does not tell when a file was made"
    sluice ingest --watch d -o l/ --quiet
    cp -p d/a.csv e/b.csv
    run -0 --separate-stderr sluice ingest --watch e -o l/
    [[ $stderr == *"e/b.csv begins as "*"/d/a.csv, which is committed: going on behind that"* ]]
    log_is "n
$(seq 1 500)"
    sluice ingest --watch e -o l/ --quiet
    cp d/a.csv e/c.csv
    sluice ingest --watch e -o l/ --quiet
    log_is "n
$(seq 1 500)
$(seq 1 500)"
}

@test "--watch: a file that cannot be read is said, the others are read, exit 3" {
    chmod 777 .
    mkdir d
    chmod 777 d
    local -a as=()
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    printf 'n\n1\n' >d/a.csv
    printf 'n\n2\n' >d/b.csv
    printf 'n\n3\n' >d/c.csv
    chmod 0 d/b.csv
    run -3 --separate-stderr "${as[@]}" sluice ingest --watch d -o l/
    [[ $stderr == *"d/b.csv is left: cannot open d/b.csv: Permission denied"* ]]
    log_is $'n\n1\n3'
    chmod 644 d/b.csv
    run -0 --separate-stderr "${as[@]}" sluice ingest --watch d -o l/
    log_is $'n\n1\n3\n2'
}

@test "--watch: a directory in which nothing is new is left as it is, whatever its files hold" {
    mkdir d
    printf 'ts,n\n2026-05-01T10:00:00Z,1\n' >d/a.csv
    { echo ts,n; seq -f '2026-05-01T10:00:00Z,%g' 2 30000; } | gzip >d/b.csv.gz
    sluice ingest --watch d -o l/ --quiet
    sluice log info l/ | grep '^commit' >before
    for _ in 1 2; do
        run -0 --separate-stderr sluice ingest --watch d -o l/
        [[ $stderr == *" 0 rows, 0 rejected"* ]]
    done
    sluice log info l/ | grep '^commit' | diff before -
}

# Opens and bytes read of files in d/, by a run over a directory that is known.
work_on_known() { # FILES
    rm -rf d l
    mkdir d
    for ((n = 1; n <= $1; n++)); do printf 'ts,n\n2026-05-01T10:00:00Z,%d\n' "$n" >d/events.$n; done
    sluice ingest -I csv --watch d -o l/ --quiet
    strace -f -e trace=openat,statx,read,pread64 -o trace "$SLUICE" ingest -I csv --watch d -o l/ --quiet
    opens=$(grep -c '"d/' trace)
    bytes=$(awk '/(read|pread64)\(/ && / = [0-9]+$/ { n += $NF } END { print n + 0 }' trace)
}

@test "--watch: known files cost one look at each, and nothing that grows faster than they" {
    need_strace
    local opens bytes once
    work_on_known 200
    [ "$(grep -c 'openat.*"d/' trace)" -eq 0 ]
    [ "$opens" -le 201 ]
    once=$bytes
    work_on_known 400
    [ "$(grep -c 'openat.*"d/' trace)" -eq 0 ]
    [ "$opens" -le 401 ]
    [ "$bytes" -le $((2 * once + 65536)) ]
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

inputs() { # of l/, in the log
    sluice log info l/ | awk '/^input / { n++ } /^inputs .* more$/ { n += $3 } END { print n + 0 }'
}

@test "--forget: positions of files that are gone leave the log in time, and others stay" {
    mkdir d
    for n in 1 2 3; do printf 'n\n%d\n' $n >d/$n.csv; done
    sluice ingest --watch d -o l/ --quiet
    rm d/1.csv
    mv d/2.csv d/moved.csv
    sluice ingest --watch d -o l/ --quiet
    [ "$(inputs)" = 3 ] # for 30 days
    [[ $(sluice log info l/) == *'/1.csv '*', gone'* ]]
    sluice ingest --watch d -o l/ --quiet --forget 1h
    [ "$(inputs)" = 3 ]
    run -0 --separate-stderr sluice ingest --watch d -o l/ --forget 0s
    [ "$(inputs)" = 2 ]
    [[ $stderr == *" 0 rows, 0 rejected"* ]]
    log_is $'n\n1\n2\n3'
    printf 'n\n1\n' >d/1.csv # it is a new file by now
    sluice ingest --watch d -o l/ --quiet
    log_is $'n\n1\n2\n3\n1'
}

@test "--forget: a file that comes back in time is known" {
    mkdir d
    for n in 1 2; do printf 'n\n%d\n' $n >d/$n.csv; done
    sluice ingest --watch d -o l/ --quiet
    mv d/1.csv away.csv
    sluice ingest --watch d -o l/ --quiet
    mv away.csv d/1.csv
    sluice ingest --watch d -o l/ --quiet --forget 0s
    sluice ingest --watch d -o l/ --quiet --forget 0s
    [ "$(inputs)" = 2 ]
    run ! grep -q ', gone' <(sluice log info l/)
    log_is $'n\n1\n2'
}

@test "--forget: --resume looks into the directories of its files, and leaves those of others alone" {
    mkdir d e
    printf 'n\n1\n' >d/a.csv
    printf 'n\n2\n' >d/b.csv
    printf 'n\n3\n' >e/c.csv
    sluice ingest d/a.csv d/b.csv e/c.csv -o l/ --quiet
    rm d/a.csv e/c.csv
    for _ in 1 2; do
        sluice ingest --resume d/b.csv -o l/ --quiet --forget 0s
    done
    [ "$(inputs)" = 2 ]
    [[ $(sluice log info l/) == *'/e/c.csv '* ]]
}

@test "--forget is of ingest: another command that resumes forgets nothing" {
    mkdir d
    printf 'n\n1\n' >d/a.csv
    printf 'n\n2\n' >d/b.csv
    sluice transform d/a.csv d/b.csv -o l/ --quiet
    rm d/a.csv
    for _ in 1 2; do
        sluice transform --resume d/b.csv -o l/ --quiet
    done
    [ "$(inputs)" = 2 ]
}

@test "a file that was read from standard input keeps the path that the log has of it" {
    printf 'n\n1\n2\n' >a.csv
    sluice ingest a.csv -o l/ --quiet
    echo 3 >>a.csv
    sluice ingest --resume -I csv -o l/ --quiet <a.csv
    [[ $(sluice log info l/) == *'/a.csv '* ]]
    log_is $'n\n1\n2\n3'
}

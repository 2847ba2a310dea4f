#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# hostile: logs, files and data made by somebody who means harm. Nothing hangs, nothing outside is
# read or written, no byte of theirs commands the terminal.

load common

# A log of the sample, and the names of its one segment and one commit file.
make_log() {
    sluice ingest --quiet "$SAMPLES/orders.csv" -o log/
    segment=$(echo log/0000/*.arrows)
    commits=$(echo log/commits/*.jsonl)
}

# Both a reader and a writer refuse the log with this message, in finite time. The signal that ends a
# process that hangs must be KILL: an open of a FIFO goes on after any other.
refused() { # MESSAGE
    run -1 timeout -s KILL 20 sluice replay log/ -O csv
    [[ $output == *"$1"* ]]
    run -1 timeout -s KILL 20 sluice ingest --again "$SAMPLES/orders.csv" -o log/
    [[ $output == *"$1"* ]]
}

@test "a FIFO in place of a segment is refused, and nobody waits for it" {
    make_log
    rm "$segment" && mkfifo "$segment"
    refused "$segment is not a regular file"
    run -1 timeout -s KILL 20 sluice log verify log/
    [[ $output == *"$segment is not a regular file"* ]]
}

@test "a FIFO in place of a commit file is refused, and nobody waits for it" {
    make_log
    rm "$commits" && mkfifo "$commits"
    refused "$commits is not a regular file"
}

@test "a FIFO in place of the lock is refused by writers, and readers do not wait for it" {
    make_log
    rm log/lock && mkfifo log/lock
    timeout -s KILL 20 sluice replay log/ -O csv >out.csv
    [ "$(wc -l <out.csv)" -eq 11 ]
    run -1 timeout -s KILL 20 sluice ingest --again "$SAMPLES/orders.csv" -o log/
    [[ $output == *"log/lock is not a regular file"* ]]
}

@test "a lock that is a link to another file is not written through" {
    make_log
    head -c 300 /dev/zero | tr '\0' k >precious
    cp precious before
    ln -sf ../precious log/lock
    run -1 sluice ingest --again "$SAMPLES/orders.csv" -o log/
    [[ $output == *"log/lock is a symbolic link"* ]]
    cmp precious before
}

@test "a segment or a partition that is a link is not followed" {
    make_log
    mv "$segment" elsewhere && ln -s ../../elsewhere "$segment"
    refused "$segment is a symbolic link"
    rm "$segment" && mv elsewhere "$segment"
    mv log/0000 parts && ln -s ../parts log/0000
    refused "is below a symbolic link"
    [ "$(ls parts | wc -l)" -eq 1 ]
}

@test "an output's temporary name that is a link is replaced, not written through" {
    echo keep >precious
    printf 'a\n1\n' >in.csv
    # The shell's process id is that of what it becomes.
    bash -c 'ln -s precious "out.csv.tmp.$$"; exec sluice transform --quiet in.csv --set b=a -o out.csv'
    [ "$(cat precious)" = keep ]
    [ "$(cat out.csv)" = $'a,b\n1,1' ]
}

@test "a file replaced by --force keeps its permissions; nobody else reads it meanwhile" {
    printf 'a\n1\n' >in.csv
    umask 022
    echo old >out.csv && chmod 600 out.csv
    sluice transform --quiet in.csv --set b=a --force -o out.csv
    [ "$(stat -c %a out.csv)" = 600 ]
    umask 077
    sluice transform --quiet in.csv --set b=a -o new.csv
    [ "$(stat -c %a new.csv)" = 600 ]
    sluice ingest --quiet in.csv -o new/
    [ -z "$(find new -perm /077)" ]
}

@test "a run that would read what it appends is refused" {
    cp "$SAMPLES/orders.csv" own.csv
    sluice ingest --quiet own.csv -o log/
    run -2 sluice transform own.csv --where true --append -o own.csv
    [[ $output == *"own.csv is read and written at once"* ]]
    run -2 bash -c "sluice transform -O csv --where true <own.csv >>own.csv"
    [[ $output == *"standard input is read and written at once"* ]]
    cmp own.csv "$SAMPLES/orders.csv"
    run -2 timeout 20 sluice transform -f log/ --where true -o log/
    [[ $output == *"log/ is read and written at once"* ]]
    sluice transform --quiet log/ --where true -o log/
}

@test "a limit of file size is a message and 1, and what was committed stays" {
    seq 100000 | sed '1i a' >in.csv
    run -1 bash -c "ulimit -f 64; sluice transform in.csv --where true -o out.csv"
    [[ $output == *"cannot write out.csv: File too large"* ]]
    run -1 bash -c "ulimit -f 64; sluice ingest in.csv -o log/"
    [[ $output == *"log/0000/"*"cannot write a segment: File too large"* ]]
    sluice log verify log/
}

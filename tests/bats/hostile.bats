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
    [ ! -e log ] # as the first run came to no commit
    head -n 4 in.csv | sluice ingest --quiet -I csv - -o log/
    run -1 bash -c "ulimit -f 64; sluice ingest in.csv -o log/"
    [[ $output == *"log/0000/"*"cannot write a segment: File too large"* ]]
    sluice log verify log/
    [ "$(sluice replay log/ -O csv --quiet | head -n 4)" = $'a\n1\n2\n3' ]
}

# Rewrites the first commit line of log/ by a Python expression over its text, with a true checksum.
forge() { # EXPRESSION OF line
    python3 - "$commits" "$1" <<'PY'
import re, sys
table = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
    table.append(i)
def crc32c(data):
    c = 0xFFFFFFFF
    for b in data:
        c = table[(c ^ b) & 255] ^ c >> 8
    return c ^ 0xFFFFFFFF
with open(sys.argv[1]) as f:
    line, *rest = f.read().splitlines()
body = eval(sys.argv[2], {"line": line[:-18], "re": re})
assert body != line[:-18]
with open(sys.argv[1], "w") as f:
    f.write('%s,"crc":"%08x"}\n' % (body, crc32c(body.encode())))
PY
}

@test "a forged commit line with counts said twice, or numbers at the end of their type, is refused" {
    make_log
    cp "$commits" whole
    forge 'line.replace("\"ends\":[0],", "\"ends\":[0],\"partitions\":60000,", 1)'
    run -1 sluice log info log/
    [[ $output == *"commits/00000000000000000001.jsonl: byte 0: commit line: partitions twice"* ]]
    cp whole "$commits"
    forge 're.sub("\"ends\":\\[0\\]", "\"ends\":[9223372036854775807]", line)'
    run -1 sluice ingest --again "$SAMPLES/orders.csv" -o log/
    [[ $output == *"a number is out of range"* ]]
    cp whole "$commits"
    forge 'line.replace("{\"n\":1,", "{\"n\":9223372036854775807,", 1)'
    run -1 sluice log info log/
    [[ $output == *"a number is out of range"* ]]
}

@test "65,535 columns go into a log and come back; one more is refused" {
    [ -z "${SLUICE_SANITIZED-}" ] || skip "so many columns take minutes under a sanitizer"
    seq -s, -f 'c%.0f' 65535 >wide.csv
    seq -s, 65535 >>wide.csv
    timeout 60 sluice ingest --quiet wide.csv -o log/
    timeout 60 sluice tail --quiet log/ -O csv | cmp - wide.csv
    sluice log verify log/
    sed -i 's/$/,1/' wide.csv
    run -1 sluice transform wide.csv --where true -O csv
    [[ $output == *"65536 columns; at most 65535"* ]]
}

@test "a header of one name 20,000 times costs no more than other ones" {
    [ -z "${SLUICE_SANITIZED-}" ] || skip "so many columns take minutes under a sanitizer"
    head -n 20000 <(yes name) | paste -sd, >same.csv
    seq -s, 20000 >>same.csv
    timeout 20 sluice transform --quiet same.csv --where true -O csv >out.csv
    [[ $(head -n 1 out.csv) == name,name_2,*,name_20000 ]]
}

@test "JSON whose every row brings new keys takes memory for its values, not rows times keys" {
    [ -z "${SLUICE_SANITIZED-}" ] || skip "a sanitizer's own memory is over the limit"
    awk 'BEGIN { for (i = 0; i < 3000; i++) {
        printf "{\"id\":%d", i
        for (j = 0; j < 4; j++) printf ",\"k%d_%d\":%d", i, j, i * j
        print "}" } }' >keys.json
    (ulimit -v 500000 && timeout 60 sluice transform --quiet keys.json --select id -O csv >out.csv)
    (echo id && seq 0 2999) | cmp - out.csv
    sluice transform --quiet keys.json --select id -O csv --memory 64M | cmp - out.csv
}

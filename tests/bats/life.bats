#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# A log's life: prune, and what readers, followers and resumed runs see of it.

load common

# Segments of 100 rows each, from the id on; the month is the number of the file.
grow() { # LOG FROM TO
    local i
    for i in $(seq "$2" "$3"); do
        awk -v i="$i" 'BEGIN { print "id,ts"
            for (k = 0; k < 100; k++) printf "%d,2026-%02d-01T00:00:00Z\n", (i - 1) * 100 + k, i }' >"part$i.csv"
        sluice ingest --quiet "part$i.csv" -o "$1" --segment-size 1 --time ts
    done
}

files() { # LOG
    find "$1/0000" -name '*.arrows' | wc -l
}

ids() { # LOG [OPTION...]
    sluice replay "$@" -O csv --quiet | sed 1d | cut -d, -f1
}

@test "prune by event time drops whole segments from the first on, in one commit; a dry run says what" {
    grow l/ 1 4
    before=$(cat l/commits/*)
    run -0 sluice log prune l/ --before 2026-03-01 --dry-run
    [[ $output == *"partition 0: offsets 0 to 200 would go, 2 segments"* ]]
    [ "$(cat l/commits/*)" = "$before" ]
    run -0 sluice log prune l/ --before 2026-03-01
    [[ $output == *"pruned: 200 rows in 2 segments"* ]]
    [ "$(cat l/commits/* | wc -l)" = $(($(wc -l <<<"$before") + 1)) ]
    [ "$(ids l/)" = "$(seq 200 399)" ]
    sluice log verify l/
    run -0 sluice log prune l/ --before 2026-03-01
    [[ $output == *"nothing to prune"* ]]
}

@test "a segment behind one that stays is not pruned, however old its rows" {
    grow l/ 6 6
    grow l/ 1 3
    run -0 sluice log prune l/ --before 2026-05-01
    [[ $output == *"nothing to prune"* ]]
}

@test "prune by size and by offset; the segment that is being written stays" {
    grow l/ 1 5
    size=$(sluice log info l/ | awk '$1 == "bytes" { print $2 }')
    sluice log prune l/ --to-size $((size / 2))
    [ "$(ids l/ | head -n 1)" = 300 ]
    sluice log prune l/ --before-offset 0:400
    [ "$(ids l/ | head -n 1)" = 400 ]
    run -0 sluice log prune l/ --before-offset 500
    [[ $output == *"nothing to prune"* ]]
}

@test "without a time column rows are as old as their commit, also after the commit file was begun anew" {
    for i in 1 2 3; do
        seq $((i * 10)) $((i * 10 + 9)) | sluice ingest --quiet -I csv --no-header -o l/ --segment-size 1 --again
    done
    printf '{"n":' >>"$(echo l/commits/*)" # a torn line: the next commit begins a file
    echo 50 | sluice ingest --quiet -I csv --no-header -o l/ --segment-size 1 --again
    [ "$(find l/commits -type f | wc -l)" = 2 ]
    run -0 sluice log prune l/ --older '1 hour'
    [[ $output == *"nothing to prune"* ]]
    run -0 sluice log prune l/ --older 0
    [[ $output == *"pruned: 30 rows in 3 segments"* ]]
}

@test "files stay for the grace, and go with the next prune after it" {
    grow l/ 1 4
    sluice log prune l/ --before 2026-02-01
    sluice log prune l/ --before 2026-03-01 --grace 0
    [ "$(files l/)" = 3 ] # the second one's went
    find l/0000 -name '*-2.arrows' -exec touch -d '-11 minutes' {} +
    sluice log prune l/ --before 2026-02-01
    [ "$(files l/)" = 2 ]
}

@test "an offset that was pruned is an error that names the first left and how to go on" {
    grow l/ 1 3
    sluice log prune l/ --before 2026-03-01 --grace 0
    run -1 sluice replay l/ --from 5 -O csv
    [[ $output == *"offset 5 of partition 0 is no longer in the log, which begins at 200"*"--from 0:200"* ]]
    [ "$(ids l/ --from earliest)" = "$(seq 200 299)" ]
    [ "$(ids l/ --from 0:200)" = "$(seq 200 299)" ]
}

@test "a follower that is behind what was pruned fails with the first offset that is left" {
    grow l/ 1 2
    sluice replay -f l/ -O csv >out 2>err &
    follower=$!
    until_true has_lines out 201
    kill -STOP $follower
    grow l/ 3 5
    sluice log prune l/ --before 2026-05-01 --grace 0
    kill -CONT $follower
    ends_with 1 $follower
    grep -q 'offset 200 of partition 0 is no longer in the log, which begins at 400' err
    [ "$(sed 1d out | cut -d, -f1)" = "$(seq 0 199)" ]
}

@test "a follower at the end, and a reader that has begun, see every row of what is pruned under them" {
    grow l/ 1 4
    mkfifo pipe
    sluice replay l/ -O csv --quiet >pipe &
    sluice tail -f -n all l/ -O csv --quiet >followed &
    follower=$!
    exec 8<pipe
    read -r _ <&8
    until_true has_lines followed 401
    sluice log prune l/ --before 2026-04-01
    [ "$(cut -d, -f1 <&8)" = "$(seq 0 399)" ]
    grow l/ 5 5
    until_true has_lines followed 501
    kill $follower
    [ "$(sed 1d followed | cut -d, -f1)" = "$(seq 0 499)" ]
}

@test "--resume behind what was pruned fails and says how many rows went unread; --from goes on" {
    grow l/ 1 2
    sluice replay l/ -o copy/ --quiet
    grow l/ 3 5
    sluice log prune l/ --before 2026-04-01 --grace 0
    run -1 sluice replay l/ -o copy/ --resume
    [[ $output == *"up to offset 200"*"begins at 300"*"100 rows were pruned unread"*"--from earliest"* ]]
    [ "$(ids copy/)" = "$(seq 0 199)" ]
    sluice replay l/ -o copy/ --resume --from earliest --quiet
    [ "$(ids copy/)" = "$(seq 0 199; seq 300 499)" ]
}

@test "--resume at the first offset that is left goes on" {
    grow l/ 1 2
    sluice replay l/ -o copy/ --quiet
    grow l/ 3 4
    sluice log prune l/ --before 2026-03-01 --grace 0
    sluice replay l/ -o copy/ --resume --quiet
    [ "$(ids copy/)" = "$(seq 0 399)" ]
}

@test "ten readers and a follower during prunes and appends: rows in order, none torn, doubled or left out" {
    grow l/ 1 2
    sluice tail -f -n all l/ -O csv --quiet >followed &
    follower=$!
    for r in $(seq 10); do
        (for _ in 1 2 3 4 5 6; do
            ids l/ >"read$r" || exit 1
            [ "$(cat "read$r")" = "$(seq "$(head -n 1 "read$r")" "$(tail -n 1 "read$r")")" ] || exit 1
        done) &
        readers+=($!)
    done
    for i in $(seq 3 9); do
        grow l/ "$i" "$i"
        sluice log prune l/ --before "2026-0$((i - 1))-01"
    done
    for r in "${readers[@]}"; do wait "$r"; done
    until_true has_lines followed 901
    kill $follower
    [ "$(sed 1d followed | cut -d, -f1)" = "$(seq 0 899)" ]
    sluice log verify l/
}

@test "prune frees a full disk" {
    mkdir full
    mount -t tmpfs -o size=1m none full 2>/dev/null || skip "nothing can be mounted here"
    awk 'BEGIN { print "id,text"; srand(1)
        for (i = 0; i < 2000; i++) { printf "%d,", i; for (k = 0; k < 20; k++) printf "%x", rand() * 65536; print "" } }' >in.csv
    local failed=0
    {
        for _ in $(seq 40); do sluice ingest --again --quiet in.csv -o full/l/ --segment-size 1 2>err || break; done
        grep -q 'No space left' err && ! cat /dev/zero >full/rest 2>/dev/null &&
            run -0 sluice log prune full/l/ --to-size 200k --grace 0 && [[ $output == *pruned* ]] &&
            sluice log verify full/l/ && sluice ingest --again --quiet in.csv -o full/l/ --segment-size 1
    } || failed=1
    umount full
    [ "$failed" = 0 ]
}

@test "prune wants one bound, and its options are its own" {
    grow l/ 1 1
    run -2 sluice log prune l/
    [[ $output == *"prune needs one bound"* ]]
    run -2 sluice log prune l/ --older 1d --to-size 1G
    run -2 sluice log prune l/ --before yesterday-ish
    run -2 sluice log prune l/ --before-offset 7:3
    run -2 sluice log verify l/ --older 1d
    [[ $output == *"--older is for prune"* ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# A log's life: prune, compact, export, import and rollback, and what readers, followers and resumed runs see of it.

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

# Runs `sluice log ...` on a copy of l/ and kills it at the first, second ... call of each kind that changes a
# file, until it comes through. Each time the log is whole, and its rows are those before or those after;
# the command, run again, makes them those after, and rows can be appended.
killed_anywhere() { # BEFORE AFTER VERB OPTION...
    local before=$1 after=$2 verb=$3 call k kills=0 ended got
    shift 3
    for call in pwrite64 ftruncate unlinkat renameat utimensat fsync fdatasync mkdirat; do
        for k in $(seq 50); do
            rm -rf copy
            cp -a l copy
            ended=0
            strace -f -o /dev/null -e trace=$call -e "inject=$call:signal=KILL:when=$k" \
                "$SLUICE" log "$verb" copy/ "$@" >/dev/null 2>&1 || ended=$?
            run -0 sluice log verify copy/
            got=$(ids copy/)
            [ "$got" = "$before" ] || [ "$got" = "$after" ]
            [ $ended = 137 ] || break
            kills=$((kills + 1))
            sluice log "$verb" copy/ "$@" || [ $? = 3 ]
            [ "$(ids copy/)" = "$after" ]
            sluice ingest --quiet --again part1.csv -o copy/
            run -0 sluice log verify copy/
            [ "$(ids copy/)" = "$after"$'\n'"$(seq 0 99)" ]
        done
        [ $ended != 137 ]
    done
    echo "$kills kills"
    [ $kills -ge 8 ]
}

@test "a prune that is killed anywhere has happened or not" {
    need_strace
    grow l/ 1 4
    killed_anywhere "$(seq 0 399)" "$(seq 200 399)" prune --before-offset 200 --grace 0
}

@test "a rollback that is killed anywhere has happened or not" {
    need_strace
    grow l/ 1 4
    killed_anywhere "$(seq 0 399)" "$(seq 0 199)" rollback --to 3
}

@test "rollback undoes the ingests after a commit, with the positions of their inputs; the rows are in lost/" {
    grow l/ 1 2
    cp part2.csv bad.csv
    sluice ingest --quiet bad.csv -o l/
    run -0 sluice log rollback l/
    [[ ${lines[-2]} == "commit 3, "*", 100 rows" && ${lines[-1]} == "commit 4, "*", 100 rows, the last" ]]
    run -0 sluice log rollback l/ --to 3 --dry-run
    [[ $output == *"partition 0: offsets 200 to 300 would go"* ]]
    [ "$(ids l/ | wc -l)" = 300 ]
    run -3 sluice log rollback l/ --to 3
    [[ $output == *"the log is as after commit 3: 100 rows, "*" bytes, went to lost/"* ]]
    [ "$(ids l/)" = "$(seq 0 199)" ]
    [ -s "$(echo l/lost/*.arrows)" ]
    run -1 sluice ingest part2.csv -o l/ # the position of this one is still there
    sluice ingest --quiet bad.csv -o l/  # and the bad one's is not
    sluice log verify l/
}

@test "rollback takes back a column and rows of every partition" {
    printf 'id,k\n%s\n' 1,a 2,b 3,c 4,d | sed 's/,\([0-9]\)/\n\1/' >p.csv
    sluice ingest --quiet p.csv -o l/ --partitions 3 --key k
    was=$(sluice replay l/ --meta -O csv --quiet | sort)
    sed 's/$/,9/; 1s/9/more/' p.csv >wide.csv
    sluice ingest --quiet wide.csv -o l/
    run -3 sluice log rollback l/ --to 2
    [ "$(sluice replay l/ --meta -O csv --quiet | sort)" = "$was" ]
}

@test "rollback to a commit of the file before, and once more; what was taken back is no way on" {
    grow l/ 1 2
    printf '{"n":' >>"$(echo l/commits/*)" # a torn line: the next commit begins a file
    grow l/ 3 4
    [ "$(find l/commits -type f | wc -l)" = 2 ]
    run -3 sluice log rollback l/ --to 2
    [ "$(ids l/)" = "$(seq 0 99)" ]
    sluice log verify l/
    grow l/ 5 5
    run -1 sluice log rollback l/ --to 3
    [[ $output == *"commit 3 is no longer there"* ]]
    run -2 sluice log rollback l/ --to 99
    sluice log verify l/
}

@test "a follower that has read what a rollback takes back fails; the writer at work too" {
    grow l/ 1 2
    sluice replay -f l/ -O csv >out 2>err &
    follower=$!
    mkfifo pipe
    sluice ingest --quiet -I csv --no-header --types 'id bigint, ts timestamptz' -o l/ <pipe 2>written &
    writer=$!
    exec 8>pipe
    echo 200,2026-03-01T00:00:00Z >&8
    until_true has_lines out 202
    run -3 sluice log rollback l/ --to 2
    ends_with 1 $follower
    grep -q 'the log went back to offset 100 of partition 0, by a rollback' err
    echo 201,2026-03-01T00:00:00Z >&8
    exec 8>&-
    ends_with 1 $writer
    grep -q 'a rollback took back commits' written
    [ "$(ids l/)" = "$(seq 0 99)" ]
    sluice log verify l/
}

@test "a rollback behind a prune is refused once the files are gone" {
    grow l/ 1 3
    sluice log prune l/ --before 2026-02-01
    cp -a l kept
    run -0 sluice log rollback kept/ --to 3 --dry-run
    run -3 sluice log rollback kept/ --to 3
    [ "$(ids kept/)" = "$(seq 0 199)" ]
    rm l/0000/00000000000000000000-*
    run -1 sluice log rollback l/ --to 3
    [[ $output == *"was pruned or rewritten since"* ]]
    [ "$(ids l/)" = "$(seq 100 299)" ]
}

# Ingests of few rows each: one segment of as many batches.
drip() { # LOG FROM TO
    local i
    for i in $(seq "$2" "$3"); do
        printf '%s,2026-01-01T00:00:00Z\n' $((3 * i)) $((3 * i + 1)) $((3 * i + 2)) |
            sluice ingest --quiet --again -I csv --no-header --types 'id bigint, ts timestamptz' -o "$1"
    done
}

segments() { # LOG: how many count, and how many of them are closed
    sluice log info "$1" | awk '$1 == "segments" { print $2 + 0, $3 }'
}

@test "compact makes one batch of tiny ones; offsets stay, and appends go on" {
    drip l/ 0 29
    was=$(sluice replay l/ --meta -O csv --quiet)
    bytes=$(sluice log info l/ | awk '$1 == "bytes" { print $2 }')
    run -0 sluice log compact l/
    [[ $output == "1 segment of tiny batches became 1: "* ]]
    [ "$(sluice replay l/ --meta -O csv --quiet)" = "$was" ]
    [ $((5 * $(sluice log info l/ | awk '$1 == "bytes" { print $2 }'))) -lt "$bytes" ]
    run -0 sluice log compact l/
    [[ $output == "nothing to compact"* ]]
    drip l/ 30 31
    [ "$(ids l/)" = "$(seq 0 95)" ]
    sluice log verify l/
}

@test "compact joins tiny neighbours, also those of earlier compactions, and leaves the others" {
    grow l/ 1 4
    was=$(sluice replay l/ --meta -O csv --quiet)
    sluice log compact l/
    [ "$(segments l/)" = "2 1" ]
    drip l/ 0 5
    sluice log compact l/
    [ "$(segments l/)" = "1 1" ]
    [ "$(sluice replay l/ --meta -O csv --quiet | head -n 401)" = "$was" ]
    [ "$(ids l/)" = "$(seq 0 399; seq 0 17)" ]
    sluice log verify l/
}

@test "a log that was compacted is whole after a power cut, and with a snapshot that is destroyed" {
    drip l/ 0 9
    sluice log compact l/
    drip l/ 10 19
    sluice log compact l/
    drip l/ 20 21
    printf 'bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb' | dd of=l/lock bs=1 seek=21 conv=notrunc status=none
    drip l/ 22 22
    [ "$(ids l/)" = "$(seq 0 68)" ]
    sluice log verify l/
    sed -i '1s/"n":1/"n":2/' "$(find l/commits -type f | sort | tail -n 1)"
    rm -f "$(find l/commits -type f | sort | sed '$d')"
    run sluice log repair l/ --yes
    [ "$(ids l/)" = "$(seq 0 68)" ]
}

@test "a compaction that is killed anywhere has happened or not" {
    need_strace
    grow l/ 1 1
    for i in 2 3 4; do sluice ingest --quiet --again part1.csv -o l/; done
    rows=$(for i in 1 2 3 4; do seq 0 99; done)
    killed_anywhere "$rows" "$rows" compact
}

@test "ten readers and two followers during compactions, prunes and appends: rows in order, none torn or doubled" {
    drip l/ 0 9
    sluice tail -f -n all l/ -O csv --quiet >followed &
    followers=($!)
    sluice replay -f l/ --meta -O csv --quiet >replayed &
    followers+=($!)
    for r in $(seq 10); do
        (for _ in 1 2 3 4 5 6 7 8; do
            ids l/ >"read$r" || exit 1
            [ "$(cat "read$r")" = "$(seq "$(head -n 1 "read$r")" "$(tail -n 1 "read$r")")" ] || exit 1
        done) &
        readers+=($!)
    done
    (for _ in 1 2 3 4 5 6; do sluice log compact l/ || exit 1; done) >/dev/null &
    readers+=($!)
    for i in $(seq 1 9); do
        drip l/ $((10 * i)) $((10 * i + 9))
        sluice log compact l/
        [ "$i" = 5 ] && sluice log prune l/ --before-offset 0:100
    done
    for r in "${readers[@]}"; do wait "$r"; done
    until_true has_lines followed 301
    until_true has_lines replayed 301
    kill "${followers[@]}"
    [ "$(sed 1d followed | cut -d, -f1)" = "$(seq 0 299)" ]
    sluice log verify l/
}

@test "export and import keep partitions, offsets, keys and the time column; appends go where they went" {
    cp "$SAMPLES/orders.csv" .
    sluice ingest --quiet orders.csv -o l/ --partitions 3 --key country,item
    sluice log export l/ -o l.arrow
    run -0 sluice log import copy/ <l.arrow
    [ "$output" = "10 rows in copy/" ]
    for log in l copy; do
        sluice ingest --quiet --again orders.csv -o $log/
        sluice replay $log/ --meta -O csv --quiet >$log.csv
        sluice log info $log/ | grep -E '^(rows|time|key|hash|columns)' >$log.info
        sluice log verify $log/
    done
    [ "$(wc -l <l.csv)" = 21 ]
    cmp l.csv copy.csv
    cmp l.info copy.info
}

@test "an import goes on with the inputs of the log that was exported, and keeps its settings" {
    { echo n && seq 100; } >in.csv
    sluice ingest in.csv -o l/ --quiet
    sluice log set l/ --retain-size 10G
    sluice log export l/ 2>/dev/null | sluice log import copy/ 2>/dev/null
    run -1 --separate-stderr sluice ingest in.csv -o copy/
    [[ $stderr == *--again* ]]
    seq 101 150 >>in.csv
    sluice ingest --resume in.csv -o copy/ --quiet
    sluice replay copy/ -O csv --quiet | diff in.csv -
    sluice log info copy/ 2>/dev/null | grep -qx 'retain      10737418240 bytes'
}

@test "a pruned log is imported with its offsets; the stream is one for other commands" {
    grow l/ 1 4
    sluice log prune l/ --before-offset 200
    sluice log export l/ | tee l.arrow | sluice log import copy/
    run -0 sluice log info copy/
    [[ $output == *"partition   0: offsets 200 to 400,"* ]]
    [ "$(sluice replay copy/ --meta -O csv --quiet)" = "$(sluice replay l/ --meta -O csv --quiet)" ]
    [ "$(sluice aggregate l.arrow --select 'count(*), sum(id)' -O csv --quiet | tail -n 1)" = 200,59900 ]
    sluice log verify copy/
}

@test "an import of half a stream, or of none, leaves no log of the name" {
    grow l/ 1 4
    sluice log export l/ >l.arrow
    size=$(stat -c %s l.arrow)
    for bytes in 400 $((size / 2)) $((size - 300)) $((size - 4)); do
        run -1 sluice log import half/ < <(head -c "$bytes" l.arrow)
        [[ $output == *"ends in its middle"* ]]
        [ ! -e half ]
        rm -rf half.importing
    done
    run -1 sluice log import l/ <l.arrow
    [[ $output == *"l/ is there already"* ]]
    mkdir half.importing
    run -1 sluice log import half/ <l.arrow
    [[ $output == *"another import runs, or was killed"* ]]
    rmdir half.importing
    sluice transform l/ -O arrow >other.arrow
    run -1 sluice log import half/ <other.arrow
    [[ $output == *"no export of a log"* ]]
}

@test "Arrow's own reader takes an export" {
    need_oracle
    grow l/ 1 3
    sluice log export l/ -o l.arrow
    run -0 "$SLUICE_ORACLE" -c 'import pyarrow as pa
t = pa.ipc.open_stream("l.arrow").read_all()
print(t.num_rows, sum(t["id"].to_pylist()))'
    [ "$output" = "300 44850" ]
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

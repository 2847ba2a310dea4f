#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# from_to: from where to where a log is read, and what a follower of it does.

load common

events() { # FROM TO: JSON lines, one a second
    local i
    for ((i = $1; i <= $2; i++)); do
        printf '{"ts":"2026-05-01T10:%02d:%02dZ","id":%d,"k":"k%d"}\n' $((i / 60)) $((i % 60)) "$i" "$i"
    done
}

# ---- what a follower writes ----

@test "-f --append adds to a CSV: the column for keys that come later is no column of it" {
    events 1 1 | sluice ingest --quiet -I json -o l/
    sluice tail --quiet l/ -o o.csv
    sluice tail -f -n all l/ -o o.csv --append 2>err &
    pid=$!
    until_true has_lines o.csv 3
    kill -TERM "$pid"
    ends_with 143 "$pid"
    [ "$(cat o.csv)" = $'ts,id,k\n2026-05-01 10:00:01+00,1,k1\n2026-05-01 10:00:01+00,1,k1' ]
}

@test "-f --append: a row with keys that the header lacks ends the run, said" {
    events 1 1 | sluice ingest --quiet -I json -o l/
    sluice tail --quiet l/ -o o.csv
    sluice tail -f -n all l/ -o o.csv --append 2>err &
    pid=$!
    until_true has_lines o.csv 3
    events 2 2 | sed 's/}/,"x":5}/' | sluice ingest --quiet -I json -o l/
    ends_with 76 "$pid"
    grep -q 'keys that came after the header was written: {"x":5}' err
    has_lines o.csv 3
    ! has_lines o.csv 4
}

# ---- points ----

# A log of four partitions and 100 rows.
four_partitions() {
    local p i
    {
        echo ts,id,p
        for ((i = 0; i < 25; i++)); do
            for p in 0 1 2 3; do
                echo "2026-05-01T10:00:$((10 + i))Z,$((100 * p + i)),$p"
            done
        done
    } >rows.csv
    sluice partition --quiet --by id --into 4 rows.csv -o p/
}

rows_of() { # CSV of --meta: partition and offset of each row, sorted
    sluice replay p/ --meta -O json --quiet "$@" |
        sed 's/.*"_partition":\([0-9]*\),"_offset":\([0-9]*\).*/\1 \2/' | sort -n -k 1,1 -k 2,2
}

@test "--from and --to take an offset for each of several partitions; the others come whole" {
    four_partitions
    rows_of >all
    [ "$(wc -l <all)" -eq 100 ]
    rows_of --from 0:5,2:20 >some
    diff some <(awk '($1 != 0 || $2 >= 5) && ($1 != 2 || $2 >= 20)' all)
    rows_of --from '1:3, 3:0' --to 1:7,0:0 >some
    diff some <(awk '($1 != 1 || ($2 >= 3 && $2 < 7)) && $1 != 0' all)
}

@test "a list of offsets names each partition once, and partitions that there are" {
    four_partitions
    run -2 --separate-stderr sluice replay p/ --from 0:5,0:6
    [[ $stderr == *"--from names partition 0 twice"* ]]
    run -2 --separate-stderr sluice replay p/ --to 0:5,4:6
    [[ $stderr == *"--to: there is no partition 4"*"p/ has partitions 0 to 3"* ]]
    run -2 --separate-stderr sluice replay p/ --partition 1 --from 0:5,1:6
    [[ $stderr == *"--from is about partition 0, and --partition 1 is all that is read"* ]]
    for bad in '0:5,' '5,1:0' '0:5,7' 0:5,x 0:5x ',' :5 0:; do
        run -2 --separate-stderr sluice replay p/ --from "$bad"
        [[ $stderr == *"'$bad' is no point in a log"* ]]
    done
}

@test "10:01 alone is refused: a time of day, or an offset of a partition" {
    four_partitions
    for point in 10:01 1:10 01:10 23:59; do
        for option in --from --to; do
            run -2 --separate-stderr sluice replay p/ "$option" "$point" -O csv
            [ -z "$output" ]
            [[ $stderr == *"$option: $point is a time of day, or offset "*" of partition "*"say the day too: '2026-05-01 $point'"* ]]
        done
    done
    # Both ways on that the message shows, and what is no time of day.
    rows_of >all
    [ "$(rows_of --from '2026-05-01 10:01' | wc -l)" -eq 0 ]
    awk '$1 == 1 && $2 >= 10' all >from_ten
    [ -s from_ten ]
    diff from_ten <(rows_of --partition 1 --from 10)
    diff from_ten <(rows_of --partition 1 --from 1:10)
    diff <(awk '($1 != 1 || $2 >= 10) && ($1 != 0 || $2 >= 24)' all) <(rows_of --from 1:10,0:24)
    diff <(awk '$1 != 1 || $2 >= 9' all) <(rows_of --from 1:9)
    diff all <(rows_of --to 0:60)
}

@test "10:01 is refused on a log of one partition too, and is an offset where there is no time" {
    events 1 3 | sluice ingest --quiet -I json -o l/
    run -2 --separate-stderr sluice replay l/ --from 10:01
    [[ $stderr == *"'2026-05-01 10:01'"* ]]
    [ "$(sluice replay l/ --quiet --from 0:1 -O csv | wc -l)" -eq 3 ]
    printf 'k\n1\n2\n' | sluice partition --quiet --by k --into 2 -I csv -o no_time/
    run -0 sluice replay no_time/ --quiet --from 0:10 --partition 0 -O csv
    run -0 --separate-stderr sluice replay no_time/ --from 0:10 -O csv
    [[ $stderr == *"offset 10 is beyond the end of partition 0"* ]]
}

@test "an option that takes one value is refused when it is given twice" {
    four_partitions
    run -2 --separate-stderr sluice replay p/ --from 0:100 --from 1:0
    [[ $stderr == *"--from is given twice: it takes one value"* ]]
    run -2 --separate-stderr sluice replay p/ -O csv --output-format=json
    [[ $stderr == *"--output-format is given twice"* ]]
    run -2 --separate-stderr sluice replay p/ --speed 1 --speed 2
    [[ $stderr == *"--speed is given twice"* ]]
    run -2 --separate-stderr sluice replay p/ --partition 1 --partition 2
    [[ $stderr == *"--partition is given twice"* ]]
    run -2 --separate-stderr sluice replay p/ --stats --stats=json
    [[ $stderr == *"--stats is given twice"* ]]
    # Lists add up, and a flag says the same twice.
    run -0 sluice replay p/ --quiet --quiet --where 'id > 10' --where 'id < 12' -O csv
    [ "${#lines[@]}" -eq 2 ]
}

@test "points beyond all times neither wrap nor end the program" {
    four_partitions
    [ "$(rows_of --from '2026-05-01 10:00' --to '+106751991 days' | wc -l)" -eq 100 ]
    [ "$(rows_of --from '-106751991 days' --to '2026-05-02' | wc -l)" -eq 100 ]
    [ "$(rows_of --from @9223372036854 --to '+106751991 days' | wc -l)" -eq 0 ]
    [ "$(rows_of --from @-9223372036854 | wc -l)" -eq 100 ]
    [ "$(rows_of --to @-9223372036854 | wc -l)" -eq 0 ]
}

@test "--speed: times far apart, and out of order, neither wrap nor keep a row back" {
    printf 'ts,id\n2026-05-01T00:00:00Z,1\n0001-01-01T00:00:00Z,2\n' | sluice ingest --quiet -I csv -o l/
    run -0 --separate-stderr sluice replay l/ --quiet --speed 0.0000000001 -O csv
    [ "${#lines[@]}" -eq 3 ]
}

# ---- what a run that fails leaves ----

many_keys() {
    local i
    echo ts,k
    for ((i = 0; i < 500; i++)); do
        echo "2026-05-01T10:00:00Z,k$i"
    done
}

@test "a first run whose commit fails leaves nothing, and a later one keeps what is there" {
    many_keys >rows.csv
    mkdir in
    (ulimit -n 40; ! sluice partition --by k --into 100 rows.csv -o in/p/ 2>err)
    grep -q 'Too many open files' err
    [ -z "$(ls -A in)" ]
    sluice partition --quiet --by k --into 100 rows.csv -o in/p/
    (ulimit -n 40; ! sluice partition --by k --into 100 rows.csv -o in/p/ 2>err)
    [ "$(ls in)" = p ]
    [ "$(sluice aggregate --quiet in/p/ -O csv | tail -n 1)" = 500 ]
}

# ---- what is not there yet ----

@test "replay -f waits for a log that is not there, at the recorded pace too, and says so" {
    for pace in '' --speed=1000; do
        sluice replay -f l/ --from 1 $pace -O csv >out 2>err 3>&- &
        pid=$!
        until_true grep -q 'l/ is not there yet: waiting for it' err
        events 1 3 | sluice ingest --quiet -I json -o l/
        until_true has_lines out 3
        kill -TERM "$pid"
        ends_with 143 "$pid"
        [ "$(tail -n 2 out)" = $'2026-05-01 10:00:02+00,2,k2\n2026-05-01 10:00:03+00,3,k3' ]
        rm -r l
    done
    run -1 --separate-stderr sluice replay l/
    [[ $stderr == *"cannot open l/"* ]]
}

# ---- late rows ----

late_rows() { # the third one is 30 s behind the second
    printf 'ts,id\n2026-05-01T10:00:00Z,1\n2026-05-01T10:01:00Z,2\n2026-05-01T10:00:30Z,3\n2026-05-01T10:00:31Z,4\n'
}
said_late="a row came too late and is left out: its time is 2026-05-01 10:00:30+00, the watermark is 2026-05-01 10:00:55+00; --out-of-order 21s would have kept it (it is 5s)"

@test "a late row is said when the first one comes, once, and what would have kept it" {
    mkfifo in
    sluice aggregate -f -I csv --window '10 seconds' -O csv <in >out 2>err 3>&- &
    pid=$!
    exec 7>in
    late_rows >&7
    until_true grep -qF "$said_late" err
    exec 7>&-
    ends_with 3 "$pid"
    [ "$(grep -c 'came too late' err)" -eq 1 ]
    grep -q '2 late' err
    # What it says is true: 21 s keep the row, 20 s do not.
    late_rows >rows.csv
    run -3 --separate-stderr sluice aggregate rows.csv --window '10 seconds' --out-of-order 20s -O csv
    [[ $stderr == *"1 late"* ]] || [[ $stderr == *"2 late"* ]]
    run -0 --separate-stderr sluice aggregate rows.csv --window '10 seconds' --out-of-order 21s -O csv
    [[ $stderr != *late* ]]
}

@test "a late row is said on every thread, from frames with the way on, and not under --quiet" {
    late_rows >rows.csv
    for threads in 1 2; do
        run -3 --separate-stderr sluice aggregate rows.csv -j "$threads" --window '10 seconds' \
            --out-of-order 5s -O csv
        [[ $stderr == *"$said_late"* ]]
    done
    sluice ingest --quiet rows.csv -o l/
    sluice replay l/ --out-of-order 5s -O arrow >frames
    run -3 --separate-stderr sluice aggregate --window '10 seconds' -O csv <frames
    [[ $stderr == *"a row came too late"*"a greater --out-of-order at the head of the pipe keeps such rows"* ]]
    run -3 --separate-stderr sluice aggregate --quiet rows.csv --window '10 seconds' --out-of-order 5s -O csv
    [ -z "$stderr" ]
}

# ---- positions ----

another_boot() { # LOG: as if the machine had been started anew since
    printf 'bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb' | dd of="$1/lock" bs=1 seek=21 conv=notrunc status=none
}

# A log of 20 rows that m/ has too; then its last 10 rows are lost, and 10 others come.
lose_history() {
    events 1 10 | sluice ingest --quiet --sync none -I json -o l/
    events 11 20 | sluice ingest --quiet --sync none -I json -o l/
    sluice ingest --quiet l/ -o m/
    printf '\377' | dd of="$(ls l/0000/*.arrows)" bs=1 conv=notrunc status=none \
        seek=$(($(stat -c %s l/0000/*.arrows) - 80))
    another_boot l
    events 21 30 | sluice ingest --quiet -I json -o l/ || [ $? -eq 3 ] # commits are lost, and said
    [ "$(sluice aggregate --quiet l/ -O csv | tail -n 1)" = 20 ]
}

@test "--resume is refused where the log went back behind the position, and says how far" {
    lose_history
    sluice log info m/ | grep -q 'input .*"offset":20,"history":"[0-9a-f]\{16\}"'
    run -1 --separate-stderr sluice ingest --resume l/ -o m/
    [[ $stderr == *"l/ went back to offset 10 of partition 0, and m/ has its rows up to 20"*"--again takes all of l/ once more"* ]]
    [ "$(sluice aggregate --quiet m/ -O csv | tail -n 1)" = 20 ]
    # The way on, after which --resume goes on as ever.
    sluice ingest --quiet --again l/ -o m/
    events 31 32 | sluice ingest --quiet -I json -o l/
    sluice ingest --quiet --resume l/ -o m/
    [ "$(sluice aggregate --quiet m/ -O csv | tail -n 1)" = 42 ]
}

@test "--resume goes on after a rollback of rows that the other log has not got" {
    events 1 10 | sluice ingest --quiet --sync none -I json -o l/
    sluice ingest --quiet l/ -o m/
    events 11 20 | sluice ingest --quiet --sync none -I json -o l/
    printf '\377' | dd of="$(ls l/0000/*.arrows)" bs=1 conv=notrunc status=none \
        seek=$(($(stat -c %s l/0000/*.arrows) - 80))
    another_boot l
    events 21 30 | sluice ingest --quiet -I json -o l/ || [ $? -eq 3 ] # commits are lost, and said
    sluice ingest --quiet --resume l/ -o m/
    [ "$(sluice aggregate --quiet m/ --select 'count(*), sum(id)' -O csv | tail -n 1)" = 20,310 ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Consumer groups, one process at a time: where a run begins and ends, when its position counts, and
# `log groups`.
load common

# A log of 4 partitions with the 10 orders.
four() {
    sluice partition --quiet --by country --into 4 "$SAMPLES/orders.csv" -o l/
}

more() { # FROM TO: into l/, one partition
    { echo n; seq "$1" "$2"; } | sluice ingest --quiet -I csv - -o l/
}

ids() { # WORDS OF REPLAY...
    sluice replay --quiet -O csv "$@" | sed 1d | cut -d, -f2 | sort | tr '\n' ' '
}

ns() { # WORDS OF REPLAY...
    sluice replay --quiet -O csv "$@" | sed 1d | tr '\n' ' '
}

position() { # GROUP [PARTITION]
    sluice log groups l/ | awk -v g="$1" -v p="${2-0}" '$1 == g && $2 == p { print $3 }'
}

@test "a new group begins with the first row; each run takes what is new" {
    more 1 3
    [ "$(ns --group g l/)" = "1 2 3 " ]
    more 4 5
    [ "$(ns --group g l/)" = "4 5 " ]
    [ "$(ns --group g l/)" = "" ]
    [ "$(ns --group other l/)" = "1 2 3 4 5 " ]
}

@test "tail has groups too, and gives them every row" {
    four
    run -0 --separate-stderr sluice tail --group g -O csv l/
    [ "${#lines[@]}" -eq 11 ]
    run -0 --separate-stderr sluice tail --group g -O csv l/
    [ "${#lines[@]}" -eq 1 ]
    run -2 --separate-stderr sluice tail --group g -n 3 l/
    [[ $stderr == *"a group gets every row"* ]]
}

@test "--from says where a new group begins; of one that is there it is refused with what moves it" {
    more 1 9
    [ "$(ns --group g --from 6 l/)" = "7 8 9 " ]
    run -2 --separate-stderr sluice replay --group g --from 0 l/
    [[ $stderr == *"sluice log groups l/ set g --to"* ]]
    [ "$(ns --group late --from latest l/)" = "" ]
    more 10 11
    [ "$(ns --group late l/)" = "10 11 " ]
}

@test "--from a time: rows that are older come later all the same" {
    printf 'ts,n\n2026-01-01T00:00:00Z,1\n2026-01-03T00:00:00Z,2\n' | sluice ingest --quiet - -o l/
    run -0 --separate-stderr sluice replay --group g --from 2026-01-02 -O csv l/
    [[ ${lines[1]} == *,2 ]]
    printf 'ts,n\n2026-01-01T12:00:00Z,3\n' | sluice ingest --quiet - -o l/
    run -0 --separate-stderr sluice replay --group g -O csv l/
    [[ ${lines[1]} == *,3 ]]
}

@test "a list of offsets begins partitions one by one, with a group and without" {
    four
    all=$(sluice replay --quiet l/ -O csv | sed 1d | wc -l)
    run -0 --separate-stderr sluice replay --from 0:1,1:2 --meta -O csv l/
    [ "${#lines[@]}" -eq $((all - 3 + 1)) ]
    run -0 --separate-stderr sluice replay --group g --from 0:1,1:2 -O csv l/
    [ "${#lines[@]}" -eq $((all - 3 + 1)) ]
}

@test "what a group cannot have beside it is refused" {
    more 1 3
    for words in "--to 2" "--partition 0" "--resume -o x/" "--again -o x/"; do
        # shellcheck disable=SC2086
        run -2 --separate-stderr sluice replay --group g $words l/
    done
    run -2 --separate-stderr sluice replay --group ../g l/
    run -2 --separate-stderr sluice replay --group g l/ l/
    run -2 --separate-stderr sluice tail --group g "$SAMPLES/orders.csv"
    [[ $stderr == *"--group is for one log"* ]]
    [ ! -e l/groups ]
}

@test "--explain and --speed show what comes, and leave the group where it is" {
    more 1 3
    sluice replay --group g --explain l/ | grep -q 'shared by the group g'
    [ ! -e l/groups ]
    [ "$(ns --group g l/)" = "1 2 3 " ]
    printf 'ts,n\n2026-01-01T00:00:00Z,1\n2026-01-01T00:00:01Z,2\n' | sluice ingest --quiet - -o t/
    for _ in 1 2; do
        run -0 --separate-stderr sluice replay --group g --speed 100000 -O csv t/
        [ "${#lines[@]}" -eq 3 ]
    done
}

@test "into a log: the position follows the commit, and nothing comes twice" {
    four
    sluice replay --quiet --group g l/ -o out/
    sluice replay --quiet --group g l/ -o out/
    [ "$(sluice replay --quiet out/ -O csv | sed 1d | wc -l)" -eq 10 ]
}

@test "a file that cannot be made leaves the group where it is" {
    more 1 3
    mkdir closed
    : >closed/x.csv
    run -1 --separate-stderr sluice replay --group g l/ -o closed/x.csv
    [ "$(ns --group g l/)" = "1 2 3 " ]
}

@test "a reader that goes away: what it was not given comes again" {
    more 1 300000
    sluice replay --quiet --group g l/ -O csv | head -n 1 >first
    [ "$(cat first)" = n ]
    sluice replay --quiet --group g l/ -O csv | sed 1d >rest
    # All that had gone out by then is at most what was written before the first commit.
    [ "$(tail -n 1 rest)" = 300000 ]
    [ "$(head -n 1 rest)" -le 200000 ]
    [ "$(wc -l <rest)" -eq $((300000 - $(head -n 1 rest) + 1)) ]
}

@test "a bad row ends the run: the group stays before it" {
    more 1 5
    run -1 --separate-stderr sluice replay --group g --where '10 / (n - 4) < 100' -O csv l/
    [ "$(ns --group g l/)" = "1 2 3 4 5 " ]
}

@test "--commit-on-success: exit 0 of the command counts, another status does not" {
    more 1 3
    run -1 --separate-stderr sluice replay --group g --commit-on-success -O csv l/ -- sh -c 'cat; exit 7'
    [ "${#lines[@]}" -eq 4 ]
    [[ $stderr == *"sh exited with 7"* ]]
    run -0 --separate-stderr sluice replay --group g --commit-on-success -O csv l/ -- cat
    [ "${#lines[@]}" -eq 4 ]
    run -0 --separate-stderr sluice replay --group g --commit-on-success -O csv l/ -- cat
    [ "${#lines[@]}" -eq 1 ]
}

@test "--commit-on-success: a command that is killed, stops reading, or is not there does not count" {
    more 1 300000
    # shellcheck disable=SC2016
    run -1 --separate-stderr sluice replay --group g --commit-on-success -O csv l/ -- sh -c 'cat >all; kill -9 $$'
    [[ $stderr == *"signal 9"* ]]
    run -1 --separate-stderr sluice replay --group g --commit-on-success -O csv l/ -- head -n 1
    [[ $stderr == *"stopped reading"* ]]
    run -1 --separate-stderr sluice replay --group g --commit-on-success -O csv l/ -- ./nothing
    [[ $stderr == *"cannot run ./nothing"* ]]
    [ "$(position g)" -eq 0 ]
    [ "$(ns --group g l/ | wc -w)" -eq 300000 ]
}

@test "--commit-on-success: a wrong line is told before the command runs" {
    more 1 3
    run -2 --separate-stderr sluice replay --group g --commit-on-success l/
    [[ $stderr == *"needs a command"* ]]
    run -2 --separate-stderr sluice replay --commit-on-success l/ -- touch ran
    run -2 --separate-stderr sluice tail -f --group g --commit-on-success l/ -- touch ran
    run -1 --separate-stderr sluice replay --group g --commit-on-success nothing/ -- touch ran
    [ ! -e ran ]
}

@test "log groups shows position, end, and how far behind in rows and in event time" {
    printf 'ts,n\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,2\n' | sluice ingest --quiet - -o l/
    [ "$(sluice log groups l/)" = "" ]
    sluice replay --quiet --group g l/ -O csv >out
    printf 'ts,n\n2026-01-01T00:02:30Z,3\n2026-01-01T00:02:30.5Z,4\n' | sluice ingest --quiet - -o l/
    run -0 --separate-stderr sluice log groups l/
    [ "$(tr -s ' ' <<<"${lines[0]}")" = "group partition position end rows seconds held" ]
    [ "$(tr -s ' ' <<<"${lines[1]}")" = "g 0 2 4 2 90.500 -" ]
}

@test "log groups set: earliest, latest, an offset, a list, a time" {
    four
    sluice replay --quiet --group g l/ -O csv >out
    sluice log groups l/ set g --to earliest
    [ "$(ids --group g l/ | wc -w)" -eq 10 ]
    sluice log groups l/ set g --to 0:0
    [ "$(position g 0)" -eq 0 ]
    [ "$(position g 1)" -gt 0 ]
    sluice log groups l/ set g --to latest
    [ "$(ids --group g l/)" = "" ]
    sluice log groups l/ set g --to '2026-03-01 11:30' --tz Europe/Berlin
    [ "$(ids --group g l/)" = "$(ids --from '2026-03-01 10:30' l/)" ]
    run -2 --separate-stderr sluice log groups l/ set g --to 0:99
    run -2 --separate-stderr sluice log groups l/ set g
    run -2 --separate-stderr sluice log groups l/ move g
    run -1 --separate-stderr sluice log groups l/ set nobody --to earliest
    [[ $stderr == *"there is no group nobody"* ]]
}

@test "log groups reset begins anew, delete removes" {
    more 1 3
    [ "$(ns --group g l/)" = "1 2 3 " ]
    sluice log groups l/ reset g
    [ "$(ns --group g l/)" = "1 2 3 " ]
    sluice log groups l/ delete g
    [ "$(sluice log groups l/)" = "" ]
    [ "$(ls -A l/groups)" = "" ]
    run -1 --separate-stderr sluice log groups l/ delete g
    [ "$(ns --group g --from 2 l/)" = "3 " ]
}

@test "a log that went back behind the group: the missing rows are named, and the way on works" {
    more 1 3
    cp -r l old
    more 4 9
    sluice replay --quiet --group g l/ -O csv >out
    cp -r l/groups old/
    rm -r l
    mv old l
    run -1 --separate-stderr sluice replay --group g l/ -O csv
    [[ $stderr == *"went back to offset 3 of partition 0"*"up to 9"* ]]
    sluice log groups l/ | grep -q '^g  *0  *9 '
    sluice log groups l/ set g --to 0:3
    more 20 21
    [ "$(ns --group g l/)" = "20 21 " ]
}

@test "positions of another log are refused" {
    more 1 3
    sluice replay --quiet --group g l/ -O csv >out
    printf 'n\n1\n' | sluice ingest --quiet -I csv - -o k/
    cp -r l/groups k/
    run -1 --separate-stderr sluice replay --group g k/ -O csv
    [[ $stderr == *"of another log"* ]]
    sluice log groups k/ set g --to earliest
    [ "$(ns --group g k/)" = "1 " ]
}

@test "a torn position: the one before it counts" {
    more 1 3
    [ "$(ns --group g l/)" = "1 2 3 " ]
    more 4 5
    [ "$(ns --group g l/)" = "4 5 " ]
    # The third record stands in the second page.
    printf x | dd of=l/groups/g/positions bs=1 seek=$((4096 + 30)) conv=notrunc status=none
    [ "$(ns --group g l/)" = "4 5 " ]
}

@test "a group that retention has overtaken: expired, with the first offset that is left, and a way on" {
    more 1 3
    [ "$(ns --group g l/)" = "1 2 3 " ]
    for i in 1 2 3; do
        { echo n; seq $((i * 1000)) $((i * 1000 + 99)); } | sluice ingest --quiet -I csv --segment-size 1K - -o l/
    done
    sluice log prune --before-offset 0:103 l/ >pruned
    first=$(sluice log info l/ | sed -nE 's/^partition .* offsets ([0-9]+) to .*/\1/p')
    [ "$first" -gt 3 ]
    sluice log groups l/ | grep -q "expired: the log begins at $first"
    run -1 --separate-stderr sluice replay --group g l/ -O csv
    [[ $stderr == *"offset 3 of partition 0, where the group g is, is no longer kept"* ]]
    [[ $stderr == *"set g --to 0:$first"* ]]
    sluice log groups l/ set g --to "0:$first"
    [ "$(ns --group g l/ | wc -w)" -eq $((303 - first)) ]
}

@test "a position that is damaged as a whole is no beginning; set mends it" {
    more 1 3
    [ "$(ns --group g l/)" = "1 2 3 " ]
    dd if=/dev/zero of=l/groups/g/positions bs=4096 count=2 conv=notrunc status=none
    run -1 --separate-stderr sluice replay --group g l/ -O csv
    [[ $stderr == *"the position of partition 0 is damaged"* ]]
    run -1 sluice log groups l/
    sluice log groups l/ set g --to 2
    [ "$(ns --group g l/)" = "3 " ]
}

@test "a position is written down when its rows are durable in the log" {
    { echo n; seq 1 9; } | sluice ingest --quiet -I csv --sync none - -o l/
    sluice log info l/ | grep -q ', durable to [01]$'
    sluice replay --quiet --group g l/ -O csv >out
    sluice log info l/ | awk '/^commit/ { exit !($2 == $5 ",") }'
    { echo n; seq 1 9; } | sluice ingest --quiet -I csv --sync none - -o k/
    [ "$(ns --group g --from latest k/)" = "" ]
    sluice log info k/ | awk '/^commit/ { exit !($2 == $5 ",") }'
}

@test "after a reboot a group goes on, and the log is recovered for it" {
    { echo n; seq 1 9; } | sluice ingest --quiet -I csv --sync none - -o l/
    # A mark that cannot be read is one of another boot.
    dd if=/dev/zero of=l/lock bs=66 count=1 conv=notrunc status=none
    [ "$(ns --group g l/ | wc -w)" -eq 9 ]
    more 10 11
    [ "$(ns --group g l/)" = "10 11 " ]
    sluice log verify l/
}

@test "every command reads a log as a group: transform, partition and aggregate get each row once" {
    four
    for _ in 1 2; do
        sluice transform --quiet --group t l/ --set 'q = qty * 2' -O csv | sed 1d >>transformed
        sluice partition --quiet --group p --by item --into 3 l/ -o parts/
        sluice aggregate --quiet --group a --by country l/ -O csv | sed 1d >>counted
    done
    [ "$(wc -l <transformed)" -eq 10 ]
    [ "$(sluice replay --quiet parts/ -O csv | sed 1d | wc -l)" -eq 10 ]
    [ "$(sort counted)" = "$(sluice aggregate --quiet --by country l/ -O csv | sed 1d | sort)" ]
    run -0 --separate-stderr sluice transform --group x --commit-on-success l/ --where 'qty > 1' -O csv -- cat
    [ "${#lines[@]}" -gt 1 ]
    run -0 --separate-stderr sluice transform --group x --commit-on-success l/ --where 'qty > 1' -O csv -- cat
    [ "${#lines[@]}" -eq 1 ]
}

@test "rejects into a log are durable before the group moves on" {
    more 1 5
    run -3 --separate-stderr sluice replay --group g --where '10 / (n - 4) < 100' --rejects bad/ -O csv l/
    [ "${#lines[@]}" -eq 5 ]
    sluice log info bad/ | awk '/^commit/ { exit !($2 == $5 ",") }'
    [ "$(sluice replay --quiet bad/ -O csv | sed 1d | wc -l)" -eq 1 ]
    [ "$(ns --group g l/)" = "" ]
}

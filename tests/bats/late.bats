#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Rows that come too late for their window, and where --late puts them.
load common
load resume_helper

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    printf '%s\n' "import sys" \
        "late, top = [], None" \
        "for line in open(sys.argv[1]).read().split()[1:]:" \
        "    t = int(line.split(',')[0])" \
        "    end = t // 60 * 60 + 60" \
        "    if top is not None and end <= top - 30: late.append(line)" \
        "    top = t if top is None else max(top, t)" \
        "print('\n'.join(late))" >late.py
}

# Events FROM to TO in their order, of which some come 100 s to 400 s too late.
some() { # FROM TO
    awk -v from="$1" -v to="$2" 'BEGIN {
        print "ts,k,v"
        for (i = from; i < to; i++)
            print 1767225600 + 10 * i - (i % 19 == 7 ? 100 + i * 37 % 300 : 0) ",k" i % 5 "," i
    }'
}

per_minute=(--out-of-order '30 seconds' --window '1 minute' --by k --select 'count(*) as n')

# They are appended to new/, and to all.csv.
arrive() { # FROM TO
    some "$1" "$2" >"some.$1.csv"
    if [ -e all.csv ]; then tail -n +2 "some.$1.csv" >>all.csv; else cp "some.$1.csv" all.csv; fi
    sluice ingest --quiet --time ts --time-format epoch:s "some.$1.csv" -o new/
}

# The late ones of all.csv by the reference, and those of a log or a file, as v, sorted.
want_late() { python3 late.py all.csv | cut -d, -f3 | sort; }
have_late() { sluice transform "$1" --select v -O csv --quiet | tail -n +2 | sort; }

@test "--late FILE has the rows that a reference finds late, as they came" {
    some 0 3000 >all.csv
    run -3 --separate-stderr sluice aggregate all.csv --time-format epoch:s "${per_minute[@]}" --late late.csv -O csv
    [[ $stderr == *'came too late and is left out, for --late: '* ]]
    diff <(want_late) <(have_late late.csv)
    [ "$(want_late | wc -l)" -gt 100 ]
    [ "$(head -n 1 late.csv)" = ts,k,v ]
    on_time=$(tail -n +2 <<<"$output" | awk -F, '{ n += $NF } END { print n }')
    [ $((on_time + $(want_late | wc -l))) -eq 3000 ]
}

@test "--late LOG has them whatever the threads, and with all columns though the aggregate reads few" {
    some 0 3000 >all.csv
    for j in 1 2 4; do
        rm -rf late
        run -3 sluice aggregate all.csv --time-format epoch:s "${per_minute[@]}" --late late/ -j "$j" -O csv --quiet
        diff <(want_late) <(have_late late/)
    done
    [ "$(sluice log schema late/)" = 'ts timestamptz, k text, v bigint' ]
}

@test "rows that --where leaves out are not late" {
    some 0 3000 >all.csv
    run -3 sluice aggregate all.csv --time-format epoch:s "${per_minute[@]}" --where "k <> 'k1'" --late late.csv -O csv --quiet
    [ "$(grep -c ',k1,' late.csv)" -eq 0 ]
    [ "$(grep -c ',k2,' late.csv)" -gt 10 ]
}

@test "runs that go on put late rows where one run puts them" {
    for dest in late/ late.csv late.json; do
        rm -rf new out "$dest" all.csv
        for i in 0 400 1100 1101 2000; do
            case $i in 0) to=400 ;; 400) to=1100 ;; 1100) to=1101 ;; 1101) to=2000 ;; *) to=3000 ;; esac
            arrive "$i" "$to"
            sluice aggregate new/ --resume "${per_minute[@]}" --late "$dest" -o out/ --quiet || [ $? -eq 3 ]
            diff <(want_late) <(have_late "$dest")
        done
        sluice aggregate new/ --resume "${per_minute[@]}" --late "$dest" -o out/ --final --quiet || [ $? -eq 3 ]
        [ $(($(sluice aggregate out/ --select 'sum(n)' -O csv --quiet | tail -n 1) + $(want_late | wc -l))) -eq 3000 ]
    done
}

@test "killed at every system call that changes something, late rows are there once after the next run" {
    need_strace
    kills=0
    for dest in late/ late.csv; do
        for call in openat write pwrite64 ftruncate fdatasync fsync renameat renameat2 unlinkat; do
            for ((k = 1; ; k += 2)); do
                rm -rf new out late late.csv all.csv
                arrive 0 400
                sluice aggregate new/ --resume "${per_minute[@]}" --late "$dest" -o out/ --quiet || [ $? -eq 3 ]
                arrive 400 700
                strace -f -qq -o trace -e "trace=$call" -e "inject=$call:signal=KILL:when=$k" \
                    sluice aggregate new/ --resume "${per_minute[@]}" --late "$dest" -o out/ --quiet -j 1 || true
                grep -q 'killed by SIGKILL' trace || break
                kills=$((kills + 1))
                sluice aggregate new/ --resume "${per_minute[@]}" --late "$dest" -o out/ --quiet || [ $? -eq 3 ]
                diff <(want_late) <(have_late "$dest") || { echo "$dest $call $k"; return 1; }
            done
        done
    done
    echo "$kills kills"
    [ "$kills" -gt 60 ]
}

@test "--late needs a window, and a place of its own" {
    some 0 10 >all.csv
    run -2 sluice aggregate all.csv --late late/
    [[ $output == *'--late needs --window'* ]]
    run -2 sluice aggregate all.csv --window '1 minute' --late -
    run -2 sluice aggregate all.csv --window '1 minute' --late x/ -o x/
    [[ $output == *'--late and -o are the same place: x/'* ]]
    run -2 sluice aggregate all.csv --window '1 minute' --late x.json --rejects x.json
    [ ! -e x ]
}

@test "--explain names the place of late rows" {
    some 0 10 >all.csv
    run -0 --separate-stderr sluice aggregate all.csv --time-format epoch:s --window '1 minute' --late late/ --explain
    [[ $output == *$'\nlate log late/, new, '* ]]
    [ ! -e late ]
}

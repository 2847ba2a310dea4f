# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Times that bear no year, as syslog writes them.
load common

pattern='regex:^(?<at>\w{3} [ \d]\d [\d:]{8}) (?<msg>.*)'

times() { # OPTION... FILE
    sluice transform -I "$pattern" --time at --time-format syslog --select at -O csv --quiet "$@" |
        tail -n +2
}

@test "a time without a year is of the year before the file was last written" {
    printf '%s x\n' 'Jun 14 15:16:01' 'Dec 31 23:59:59' 'Jan  1 00:00:00' 'Mar  1 09:00:00' >s.log
    touch -d '2021-03-01 10:00' s.log
    run -0 times s.log
    [ "${lines[*]}" = "2020-06-14 15:16:01+00 2020-12-31 23:59:59+00 2021-01-01 00:00:00+00 2021-03-01 09:00:00+00" ]
    touch -d '2020-12-31 23:59:59' s.log
    run -0 times s.log
    [ "${lines[*]}" = "2020-06-14 15:16:01+00 2020-12-31 23:59:59+00 2021-01-01 00:00:00+00 2020-03-01 09:00:00+00" ]
}

@test "February 29 is of a leap year" {
    printf '%s x\n' 'Feb 28 12:00:00' 'Feb 29 12:00:00' >s.log
    touch -d '2026-03-01' s.log
    run -0 times s.log
    [ "${lines[*]}" = "2026-02-28 12:00:00+00 2024-02-29 12:00:00+00" ]
    run -3 sluice transform -I "$pattern" --time at --time-format syslog --rejects bad.json --quiet -O csv \
        <<<'Feb 30 12:00:00 x'
    grep -F "'Feb 30 12:00:00' does not fit timestamptz" bad.json
}

@test "what was assumed of the year is said, and the option that is named says the same" {
    printf '%s x\n' 'Jun 14 15:16:01' 'Mar  2 23:00:00' 'Mar  3 00:00:00' >s.log
    touch -d '2021-03-01 10:00' s.log
    run -0 --separate-stderr sluice transform -I "$pattern" --time at --time-format syslog s.log -O csv
    [[ $stderr == *"times without zone are UTC (--tz), times without year lie in the year until 2021-03-02 (--year)"* ]]
    times s.log >assumed
    touch s.log
    times --year 2021-03-02 s.log | cmp - assumed
    run -0 --separate-stderr sluice transform -I "$pattern" --time at --time-format syslog s.log -O csv --year 2020
    [[ $stderr != *"without year"* ]]
    [ "${lines[1]}" = "2020-06-14 15:16:01+00,x" ]
}

@test "--year is refused where times bear one, and in another form" {
    printf 'at,v\n2020-01-01,1\n' >t.csv
    run -2 --separate-stderr sluice transform --time at --year 2020 t.csv -O csv
    [[ $stderr == *"--year is for times without a year"* ]]
    run -2 --separate-stderr sluice transform --time at --time-format %F --year 2020 t.csv -O csv
    [[ $stderr == *"--year is for times without a year"* ]]
    run -2 --separate-stderr sluice transform --time at --time-format '%b %d' --year 20 t.csv -O csv
    [[ $stderr == *"--year: '20' is neither YYYY nor YYYY-MM-DD"* ]]
    run -2 --separate-stderr sluice transform --time at --time-format %T t.csv -O csv
    [[ $stderr == *"time format '%T' has no date"* ]]
}

@test "the day until which times lie is a day of --tz" {
    printf '%s x\n' 'Jan  2 12:00:00' 'Jan  3 00:00:00' >s.log
    touch -d '2020-12-31 22:00' s.log # New Year's in Kiev
    run -0 times --tz Europe/Kiev s.log
    [ "${lines[*]}" = "2021-01-02 12:00:00+02 2020-01-03 00:00:00+02" ]
}

@test "the same years whole, in a pipe, by threads, and followed while the file grows" {
    from=$(($(date +%s) - 208 * 86400))
    awk -v from="$from" 'BEGIN { for (i = 0; i < 20000; i++) print strftime("%b %e %H:%M:%S", from + i * 890), i }' >s.log
    read_log() { sluice "$1" -I "$pattern" --time at --time-format syslog --quiet "${@:2}"; }
    read_log transform s.log -j 2 -O csv >whole.csv
    [ "$(sed -n 2p whole.csv)" = "$(date -d "@$from" '+%F %T+00,0')" ]
    [ "$(tail -n 1 whole.csv)" = "$(date -d "@$((from + 19999 * 890))" '+%F %T+00,19999')" ]
    read_log transform -O csv < <(cat s.log) | cmp - whole.csv
    gzip -k s.log
    read_log transform s.log.gz -O csv | cmp - whole.csv
    head -n 7000 s.log >f.log
    "$SLUICE" ingest -f -I "$pattern" --time at --time-format syslog --quiet f.log -o live/ 3>&- &
    pids+=($!)
    count() { [ "$(sluice aggregate live/ -O csv --quiet 2>/dev/null | tail -n 1)" = "$1" ]; }
    until_true count 7000
    tail -n +7001 s.log >>f.log
    until_true count 20000
    kill "${pids[0]}"
    ends_with 143 "${pids[0]}"
    sluice transform live/ -O csv --quiet | cmp - whole.csv
}

@test "--resume gives the rest of a file the years of its beginning, though it was copied since" {
    printf 'Jun 14 15:16:01 a\nJun 14 15:16:02 b\nbad\nJun 14 15:16:03 c\n' >s.log
    touch -d '2006-03-01' s.log
    run -1 sluice ingest -I "$pattern" --time at --time-format syslog --quiet s.log -o l/
    [[ $output == *"2 rows before it are committed" ]]
    mv s.log old
    cat old >s.log
    run -3 sluice ingest --resume -I "$pattern" --time at --time-format syslog --quiet --rejects bad.json s.log -o l/
    run -0 sluice transform l/ -O csv --quiet
    [ "${lines[3]}" = "2005-06-14 15:16:03+00,c" ]
}

@test "real logs of syslog fall into one year" {
    need_data loghub/Linux.log
    need_data loghub/OpenSSH.log
    cp "$SLUICE_DATA/loghub/Linux.log" "$SLUICE_DATA/loghub/OpenSSH.log" .
    touch -d 2006-02-01 Linux.log
    touch -d 2016-01-05 OpenSSH.log
    r='regex:^(?<at>\w{3} [ \d]\d [\d:]{8}) (?<host>\S+) (?<tag>[^:]+?)(?:\[(?<pid>\d+)\])?: (?<msg>.*)'
    query='min(at) as first, max(at) as last, count(*) as n'
    run -0 sluice aggregate -I "$r" --time at --time-format syslog --select "$query" -O csv --quiet Linux.log
    [ "${lines[1]}" = "2005-06-14 15:16:01+00,2005-07-27 14:42:00+00,2000" ]
    run -0 sluice aggregate -I "$r" --time at --time-format '%b %d %H:%M:%S' --select "$query" -O csv --quiet OpenSSH.log
    [ "${lines[1]}" = "2015-12-10 06:55:46+00,2015-12-10 11:04:45+00,2000" ]
}

@test "a time with more digits than a nanosecond is text, and no time where one is declared" {
    printf 'ts,n\n2026-01-01 00:00:00.1234567891,1\n2026-01-01 00:00:00.1234567890,2\n' >t.csv
    sluice ingest t.csv -o l/ --quiet
    sluice replay l/ -O csv --quiet | cmp - t.csv
    run -3 sluice transform --types 'ts timestamptz(9)' --rejects bad.json t.csv -O csv --quiet
    [ "$output" = $'ts,n\n2026-01-01 00:00:00.123456789+00,2' ]
    [[ $(cat bad.json) == *"does not fit timestamptz(9); --types 'ts text' would take it"* ]]
}

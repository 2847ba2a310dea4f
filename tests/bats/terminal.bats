#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# What a person at a terminal sees: nothing in data acts on the terminal, and files and pipes get
# every byte as it is.

load common

need_terminal() {
    script -qec true /dev/null >/dev/null 2>&1 || skip "script does not run here"
}

# Runs a line of shell with a terminal of 80 columns, or of $columns, as its standard streams.
# Line feeds arrive as they were written.
on_terminal() { # LINE
    script -qec "stty -onlcr cols ${columns-80} rows 24; $1" /dev/null </dev/null
}

hostile=$'a\n\e[2J\u009b31m\u202e\u200e\u061cé\x7f\n'
escaped='\x1b[2J\x9b31m\u{202e}\u{200e}\u{061c}é\x7f'

@test "CSV on a terminal shows control bytes and marks of direction, in values and in names" {
    need_terminal
    printf '%s' "$hostile" >t.csv
    printf 'x\e]0;y\a,b\n1,"two\nlines"\n"carriage\rreturn",\n' >names.csv
    [ "$(on_terminal "sluice transform t.csv -O csv --quiet")" = $'a\n'"$escaped" ]
    [ "$(on_terminal "sluice transform names.csv -O csv --quiet")" = \
        $'x\\x1b]0;y\\x07,b\n1,"two\nlines"\n"carriage\\rreturn",' ]
}

@test "TSV on a terminal keeps its tabs and shows other control bytes" {
    need_terminal
    printf 'a,b\n\e[2J,x\v\n' >t.csv
    [ "$(on_terminal "sluice transform t.csv -O tsv --quiet")" = $'a\tb\n\\x1b[2J\tx\\x0b' ]
}

@test "JSON on a terminal stays JSON: what is escaped is read back as it was" {
    need_terminal
    printf '%s' "$hostile" >t.csv
    printf '{"k\u202e":"v\u009b","o":["\u200f","\x7f"]}\n' >t.json
    [ "$(on_terminal "sluice transform t.csv -O json --quiet")" = \
        '{"a":"\u001b[2J\u009b31m\u202e\u200e\u061cé\u007f"}' ]
    [ "$(on_terminal "sluice transform t.json -O json --quiet")" = \
        '{"k\u202e":"v\u009b","o":["\u200f","\u007f"]}' ]
    on_terminal "sluice transform t.csv -O json --quiet" >out.json
    sluice transform out.json -O csv --quiet | cmp - t.csv
}

@test "a table on a terminal shows control bytes and marks of direction" {
    need_terminal
    printf '%s' "$hostile" >t.csv
    [ "$(on_terminal "sluice transform t.csv --quiet" | tail -n 1)" = "$escaped" ]
}

@test "a terminal that -o names gets text as standard output would" {
    need_terminal
    printf '%s' "$hostile" >t.csv
    [ "$(on_terminal "sluice transform t.csv -o /dev/tty -O csv --quiet")" = $'a\n'"$escaped" ]
}

@test "files and pipes get every byte as it is, also when a terminal is there" {
    need_terminal
    printf '%s' "$hostile" >t.csv
    on_terminal "sluice transform t.csv -O csv --quiet | cat >pipe.csv"
    on_terminal "sluice transform t.csv -o file.csv --quiet"
    cmp pipe.csv t.csv
    cmp file.csv t.csv
}

@test "messages show what data and names hold, on a terminal and off it" {
    printf 'a\n\e[2Jx\n' >$'bad\e[31m.csv'
    run ! sluice transform $'bad\e[31m.csv' --types 'a bigint' -O csv
    [[ $output == *'bad\x1b[31m.csv'*'\x1b[2Jx'* ]]
    [[ $output != *$'\e'* ]]
    printf 'n\e[2J\u202e\n1\n' >t.csv
    run ! sluice transform t.csv --select b -O csv
    [[ $output == *'n\x1b[2J\u{202e}'* ]]
    [[ $output != *$'\e'* && $output != *$'\u202e'* ]]
    run ! sluice transform --no-$'such\e[2J' t.csv
    [[ $output == *'\x1b[2J'* && $output != *$'\e'* ]]
    run ! sluice $'no\e[2Jcommand'
    [[ $output == *'\x1b[2J'* && $output != *$'\e'* ]]
}

# ---- progress ----

# Rows that come for 1.2 s: progress comes after half a second. What `script` starts may not ignore
# INT, which a suite in the background of a script does.
slow_rows='for i in 1 2 3 4; do echo "{\"id\":$i}"; read -r -t 0.4 <> <(:); done'

# The same as on_terminal, in bash; escapes that clear a line become line feeds.
shown() { # LINE
    echo "$1" >line.bash
    TERM=xterm NO_COLOR=1 on_terminal "env --default-signal=INT bash line.bash" |
        sed 's/\r\x1b\[K/\n/g' | tr '\r' '\n'
}

@test "of two stages the last one shows progress when its rows go to a file or a log" {
    need_terminal
    shown "($slow_rows) | sluice transform -f -I json | sluice aggregate -o n.json" >file.txt
    shown "($slow_rows) | sluice transform -f -I json | sluice transform -o l/" >log.txt
    grep -q '^aggregate: [0-9,]* rows*' file.txt
    grep -q '^transform: [0-9,]* rows*' log.txt
    run ! grep '^transform: [0-9,]* rows*' file.txt
}

@test "no stage shows progress when the last one writes rows to the terminal" {
    need_terminal
    shown "($slow_rows) | sluice transform -f -I json | sluice transform -O json" >out.txt
    [ "$(grep -c '^{"id":[1-4]}$' out.txt)" -eq 4 ]
    [ "$(grep -c '{"id"' out.txt)" -eq 4 ]
    run ! grep -E '^(transform|.*[^ ]transform): [0-9,]* rows*' out.txt
}

@test "a stage shows no progress when another program reads its rows from a pipe" {
    need_terminal
    shown "($slow_rows) | sluice transform -f -I json -O json | cat" >out.txt
    [ "$(grep -c '^{"id":[1-4]}$' out.txt)" -eq 4 ]
    [ "$(grep -c '{"id"' out.txt)" -eq 4 ]
}

@test "rows that -o sends to the terminal have no progress beside them" {
    need_terminal
    for dest in - /dev/tty; do
        shown "($slow_rows) | sluice transform -f -I json -O json -o $dest" >out.txt
        [ "$(grep -c '^{"id":[1-4]}$' out.txt)" -eq 4 ]
        [ "$(grep -c '{"id"' out.txt)" -eq 4 ]
    done
}

@test "a job in the background shows no progress between the rows of another program" {
    need_terminal
    for monitor in -m +m; do
        rm -rf l
        shown "set $monitor; ($slow_rows) | sluice ingest -f -I json -o l/ & $slow_rows; wait" >out.txt
        [ "$(grep -c '^{"id":[1-4]}$' out.txt)" -eq 4 ]
        [ "$(grep -c '{"id"' out.txt)" -eq 4 ]
        run ! grep '^ingest: [0-9,]* rows*' out.txt
        [ "$(sluice transform l/ -O json --quiet | wc -l)" -eq 4 ]
    done
}

@test "what a stage says while a later one shows progress has a line of its own" {
    need_terminal
    shown "($slow_rows; echo oops) | sluice transform -f -I json | sluice transform -o out.json; true" >out.txt
    grep -q '^transform: [0-9,]* rows*' out.txt
    grep -q '^sluice transform: standard input:5' out.txt
}

# ---- the line of assumed types ----

many_columns() { # a CSV with more columns than a line names
    seq -f 'column%g' 1 40 | paste -sd , && seq 1 40 | paste -sd ,
}

@test "the line of assumed types is one line of the terminal, whole off it" {
    need_terminal
    many_columns >t.csv
    columns=60 on_terminal "sluice transform t.csv -o a.csv" >seen.txt
    grep -q "^sluice transform: format csv, delimiter comma, header; .*…$" seen.txt
    [ "$(grep '…' seen.txt | wc -m)" -eq 61 ] # with the line feed
    columns=60 on_terminal "sluice transform t.csv -o b.csv 2>whole.txt"
    grep -q "column40 bigint'$" whole.txt
}

@test "what is said beside the types is whole on a terminal" {
    need_terminal
    printf 'ts,a\n2026-05-01T10:00:00Z,1\n' >t.csv
    columns=40 on_terminal "sluice aggregate -f -I csv --time ts --window '1 minute' -O csv <t.csv" >seen.txt
    grep -q 'out of order: --out-of-order$' seen.txt
}

@test "an error about types comes behind the line of assumed types" {
    printf 'a,b\nx,1\n' >t.csv
    for options in "--select a+1" "--where a>1" "--set c=a::jsonb+1"; do
        run ! sluice transform t.csv $options -O csv
        [[ ${lines[0]} == *"--types 'a text, b bigint'" ]]
        [[ ${lines[1]} == "sluice transform: "* ]]
    done
    run ! sluice aggregate t.csv --select 'sum(a)' -O csv
    [[ ${lines[0]} == *"--types 'a text, b bigint'" ]]
}

# ---- tables ----

@test "a value that is wider than its column widens it, and the head comes again" {
    printf 'k,n\na,1\n' >t.csv
    sluice ingest t.csv -o l/ --quiet
    sluice tail -f -n all l/ -O table --quiet >seen.txt &
    pid=$!
    until_true has_lines seen.txt 3
    printf 'k,n\nlonger,22\nb,3\n' | sluice ingest -I csv -o l/ --quiet
    until_true has_lines seen.txt 7
    printf 'k,n\nc,4\n' | sluice ingest -I csv -o l/ --quiet
    until_true has_lines seen.txt 8
    kill "$pid"
    ends_with 143 "$pid"
    diff - seen.txt <<'TABLE'
k  n
-  -
a  1
k        n
------  --
longer  22
b        3
c        4
TABLE
}

@test "a table on a terminal widens up to its width, then cuts" {
    need_terminal
    (echo k,n; for i in $(seq 1000); do echo a,1; done; echo abcdefghijklmnopqrstuvwxyz,2) >t.csv
    columns=80 on_terminal "sluice transform t.csv --quiet" | tail -n 3 >wide.txt
    printf '%-26s  n\n%s  -\n%s  2\n' k -------------------------- abcdefghijklmnopqrstuvwxyz |
        diff - wide.txt
    columns=20 on_terminal "sluice transform t.csv --quiet" | tail -n 3 >narrow.txt
    printf '%-17s  n\n%s  -\n%s  2\n' k ----------------- 'abcdefghijklmnop…' | diff - narrow.txt
}

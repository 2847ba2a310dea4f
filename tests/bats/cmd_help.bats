#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# What sluice says of itself: the list of commands, -h, the manual and the completion agree, because
# one table is behind them; a wrong word is answered with the nearest right one.

load cmd_helper

# Options as `-x --name` or `--name`, one a line, from the help of a command.
options_of_help() {
    "$SLUICE" "$1" -h | sed -nE 's/^  (-(.), |    )--([a-z-]+).*/\2 \3/p' | sort
}

# The same from the tags of the section OPTIONS of a page.
options_of_page() {
    awk '/^\.Sh/ { inside = $2 == "OPTIONS" } inside && /^\.It Fl/ {
        letter = ""; name = ""
        for (i = 2; i <= NF; i++) if ($i == "Fl") {
            if ($(i + 1) ~ /^-/) name = substr($(i + 1), 2); else letter = $(i + 1)
        }
        print letter " " name
    }' "$root/man/sluice-$1.1" | sort
}

@test "sluice alone lists the commands and exits 2" {
    run -2 --separate-stderr sluice
    [ -n "$commands" ]
    for command in $commands; do
        has "$output" "  $command "
    done
    same "$stderr" ""
}

@test "sluice -h, --help and help list the commands and exit 0" {
    run -0 --separate-stderr sluice -h
    list=$output
    has "$list" "  ingest "
    run -0 --separate-stderr sluice --help
    same "$output" "$list"
    run -0 --separate-stderr sluice help
    same "$output" "$list"
}

@test "sluice --version prints one line" {
    run -0 --separate-stderr sluice --version
    [[ $output =~ ^sluice\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "no version"
}

@test "-h of each command is one screen of 80 columns with examples" {
    for command in $commands completion help; do
        run -0 --separate-stderr sluice "$command" -h
        has "${lines[0]}" "usage: sluice $command "
        has "$output" $'\nExamples\n'
        [ "${#lines[@]}" -le 60 ] || fail "$command: ${#lines[@]} lines"
        for line in "${lines[@]}"; do
            [ "${#line}" -le 80 ] || fail "$command: wide: $line"
        done
    done
}

@test "-h is answered wherever it stands" {
    run -0 --separate-stderr sluice tail -h
    text=$output
    has "${lines[0]}" "usage: sluice tail "
    run -0 --separate-stderr sluice tail -n 3 nothing/ --help
    same "$output" "$text"
    run -0 --separate-stderr sluice help tail
    same "$output" "$text"
}

@test "help is a command: of itself too, of one command at a time, and of one that there is" {
    run -0 --separate-stderr sluice help help
    text=$output
    has "${lines[0]}" "usage: sluice help"
    run -0 --separate-stderr sluice help -h
    same "$output" "$text"
    run -2 --separate-stderr sluice help tail replay
    has "$stderr" "'replay'"
    run -2 --separate-stderr sluice help replya
    has "$stderr" "did you mean sluice replay?"
}

@test "the manual has each command's usage as its synopsis" {
    command -v mandoc >/dev/null || skip "no mandoc"
    for command in $commands completion help; do
        usage=$("$SLUICE" "$command" -h | sed -n '1s/^usage: //p')
        synopsis=$(mandoc -T ascii -O width=200 "$root/man/sluice-$command.1" |
            sed "s/.$(printf '\b')//g" | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' |
            sed '1d;$d' | tr -s ' \n' ' ' | sed 's/^ //; s/ $//; s/ | /|/g')
        same "$synopsis" "$usage"
    done
}

@test "the manual has each command's options, and no others" {
    for command in $commands completion help; do
        same "$(options_of_page "$command")" "$(options_of_help "$command")"
    done
}

@test "sluice(1) and the list of commands name the same commands" {
    pages=$(awk '/^\.It Cm/ { print $3 }' "$root/man/sluice.1" | grep -v '^-' | sort)
    same "$pages" "$(sort <<<"$commands")"
    [ "$(wc -l <<<"$commands")" -ge 7 ] || fail "few commands: $commands"
}

# bats test_tags=without-sluice
@test "the manual is clean mdoc" {
    command -v mandoc >/dev/null || skip "no mandoc"
    for page in "$root"/man/*.[1-9]; do
        found=$(mandoc -T lint "$page" 2>/dev/null | grep -vE 'referenced manual not found|text line longer' || true)
        same "$found" ""
    done
}

@test "the completion in the tree is what the tables give" {
    run -0 --separate-stderr sluice completion bash
    same "$output" "$(cat "$root/completions/sluice.bash")"
}

# What the completion offers for the last of the words.
complete_words() {
    bash -c '
        source "$1"; shift
        compopt() { :; }
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _sluice
        printf "%s\n" "${COMPREPLY[@]}"' bash "$root/completions/sluice.bash" "$@"
}

# bats test_tags=without-sluice
@test "the completion offers commands, options, values and verbs" {
    has "$(complete_words sluice tr)" transform
    has "$(complete_words sluice tail --wh)" --where
    has "$(complete_words sluice tail -O j)" json
    has "$(complete_words sluice tail --output-format = cs)" csv
    has "$(complete_words sluice log ver)" verify
}

@test "the completion offers the columns of the log on the line" {
    sluice ingest --quiet orders.csv -o orders/
    PATH=$(dirname "$SLUICE"):$PATH
    same "$(complete_words sluice aggregate orders/ --by cou)" country
    same "$(complete_words sluice aggregate orders/ --by country,it)" country,item
}

# A log in a folder with a blank, whose columns are called all sorts of things.
odd_log() {
    printf '%s\n' "ts,My Col,price,prio,\$(touch pwned),it's" '2026-01-01,1,2,3,4,5' >'in put.csv'
    sluice ingest --quiet 'in put.csv' -o 'my log/'
    mkdir bin && ln -s "$(realpath "$SLUICE")" bin/sluice
    PATH=$PWD/bin:$PATH
}

# Lines as typed into a bash on a terminal, and what Tab makes of each.
tab() { # LINE WANTED...
    command -v python3 >/dev/null || skip "no python3"
    local typed=() wanted=() got
    for ((; $# > 1; )); do
        typed+=("$1") wanted+=("$2")
        shift 2
    done
    got=$("$BATS_TEST_DIRNAME/press_tab" "${typed[@]}") || fail "bash: $got"
    same "$got" "$(printf '%s\n' "${wanted[@]}")"
}

@test "Tab in an interactive bash: commands, options, their values, files with blanks" {
    odd_log
    tab 'sluice tr' 'sluice transform ' \
        'sluice in\ ' 'sluice in\ put.csv ' \
        'sluice transform --whe' 'sluice transform --where ' \
        'sluice transform -O j' 'sluice transform -O json ' \
        'sluice transform --output-format=j' 'sluice transform --output-format=json ' \
        'sluice transform --time-format epoch:m' 'sluice transform --time-format epoch:ms ' \
        'sluice transform --time-format=epoch:m' 'sluice transform --time-format=epoch:ms ' \
        'sluice transform --stats=j' 'sluice transform --stats=json ' \
        'sluice transform --stats in' 'sluice transform --stats in\ put.csv ' \
        'sluice transform --tz in' 'sluice transform --tz in' \
        'sluice transform in' 'sluice transform in\ put.csv ' \
        "sluice transform 'in" "sluice transform 'in put.csv' " \
        'sluice transform --rejects=in' 'sluice transform --rejects=in\ put.csv ' \
        'sluice log ver' 'sluice log verify ' \
        'sluice log verify my' 'sluice log verify my\ log/'
}

@test "Tab in an interactive bash: columns, in quotes, lists and expressions" {
    odd_log
    tab 'sluice aggregate my\ log/ --by pric' 'sluice aggregate my\ log/ --by price' \
        "sluice aggregate 'my log/' --by 'ts, pric" "sluice aggregate 'my log/' --by 'ts, price'" \
        'sluice aggregate "my log/" --by "ts, pric' 'sluice aggregate "my log/" --by "ts, price"' \
        "sluice aggregate my\\ log/ --by='ts,pric" "sluice aggregate my\\ log/ --by='ts,price'" \
        "sluice aggregate my\\ log --select 'sum(pric" "sluice aggregate my\\ log --select 'sum(price'" \
        "sluice aggregate my\\ log --by 'M" "sluice aggregate my\\ log --by '\"My Col\"'" \
        "sluice aggregate my\\ log --by '\"M" "sluice aggregate my\\ log --by '\"My Col\"'" \
        'sluice aggregate my\ log --by M' 'sluice aggregate my\ log --by \"My\ Col\"' \
        'sluice transform my\ log --time M' 'sluice transform my\ log --time My\ Col'
}

@test "Tab does not run what the name of a column says" {
    odd_log
    tab "sluice aggregate my\\ log --by it" "sluice aggregate my\\ log --by \\\"it\\'s\\\""
    "$BATS_TEST_DIRNAME/press_tab" --all 'sluice aggregate my\ log --by ' >list
    has "$(cat list)" '\"\$\(touch\ pwned\)\"'
    [ ! -e pwned ] || fail "it was run"
}

@test "an unknown command is answered with the nearest one and 2" {
    run -2 --separate-stderr sluice ingst
    has "$stderr" "did you mean sluice ingest?"
    same "$output" ""
}

@test "an unknown option is answered with the nearest one and 2" {
    [ -n "$commands" ]
    for command in $commands; do
        run -2 --separate-stderr sluice "$command" --halp
        has "$stderr" "sluice $command: no such option: --halp; did you mean --help?"
        has "$stderr" "try sluice $command -h"
    done
}

@test "an abbreviated option is not taken" {
    run -2 --separate-stderr sluice tail --wher 'qty > 1' orders.csv
    has "$stderr" "did you mean --where?"
}

@test "an option without its value, and a flag with one, are refused" {
    run -2 --separate-stderr sluice transform orders.csv --where
    has "$stderr" "--where needs a value"
    run -2 --separate-stderr sluice transform --where --quiet orders.csv
    has "$stderr" "--where needs a value"
    run -2 --separate-stderr sluice transform --quiet=yes orders.csv
    has "$stderr" "--quiet takes no value"
}

@test "options may stand behind arguments, in bundles, and end at --" {
    cp orders.csv -- -odd.csv
    run -0 --separate-stderr sluice tail orders.csv -n2 -O csv
    rows=$output
    same "${#lines[@]}" 3
    run -0 --separate-stderr sluice tail -n 2 --output-format=csv -- orders.csv
    same "$output" "$rows"
    run -0 --separate-stderr sluice tail -n 2 -Ocsv -- -odd.csv
    same "$output" "$rows"
}

@test "an option that could do nothing is refused" {
    sluice ingest --quiet orders.csv -o orders/
    for words in '--sync commit' '--segment-size 1M' '--partitions 2 --key country' '--force' \
        '--append' '--max-rejects 3' '--spreadsheet-safe'; do
        # shellcheck disable=SC2086 # several words
        run -2 --separate-stderr sluice transform orders.csv $words
        has "$stderr" "${words%% *}"
    done
    run -2 --separate-stderr sluice transform -I json --no-header app.json
    has "$stderr" "--no-header"
    run -2 --separate-stderr sluice transform orders/ -I csv
    has "$stderr" "orders/ is a log"
    run -2 --separate-stderr sluice ingest orders.csv --resume
    has "$stderr" "--resume needs a log"
}

# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Again: inputs that are known already, rejects of a run that fails, the recorded pace.
load common

@test "a file on standard input that is in the log already is refused" {
    printf 'n\n1\n2\n' >n.csv
    sluice ingest -I csv -o l/ --quiet <n.csv
    run -1 --separate-stderr sluice ingest -I csv -o l/ <n.csv
    [[ $stderr == *"2 rows of standard input are committed"* ]]
}

@test "a log that is in another log already is refused" {
    printf 'n\n1\n2\n' | sluice ingest -I csv -o l/ --quiet
    sluice ingest l/ -o m/ --quiet
    run -1 --separate-stderr sluice ingest l/ -o m/
    [[ $stderr == *"2 rows of l/ are committed"* ]]
}

@test "ingest --resume from a log takes the rows that came since" {
    printf 'n\n1\n2\n' | sluice ingest -I csv -o l/ --quiet
    sluice ingest l/ -o m/ --quiet
    printf 'n\n3\n' | sluice ingest -I csv -o l/ --quiet
    sluice ingest l/ -o m/ --resume --quiet
    run -0 --separate-stderr sluice replay m/ -O csv --quiet
    [ "$output" = $'n\n1\n2\n3' ]
}

@test "rejects are kept when there are too many of them and the run fails" {
    printf 'a\nx\ny\n1\n' >t.csv
    run -1 --separate-stderr sluice transform t.csv --types 'a bigint' --rejects bad.json --max-rejects 1 -O csv
    [ "$(jq -r .raw bad.json)" = $'x\ny' ]
}

@test "replay --speed 2 takes half the recorded time, at least" {
    printf 'at\n2026-01-01T00:00:00Z\n2026-01-01T00:00:00.6Z\n' | sluice ingest -I csv -o l/ --quiet
    local from=${EPOCHREALTIME/./}
    run -0 --separate-stderr sluice replay l/ --speed 2 -O csv --quiet
    [ $((${EPOCHREALTIME/./} - from)) -ge 300000 ]
    [ "${#lines[@]}" -eq 3 ]
}

@test "a first character of several bytes is not taken for the start of a compressed stream" {
    mkfifo in out
    sluice transform -I lines -O csv <in >out 2>err &
    pids+=($!)
    exec 7>in 8<out
    printf 'ü\n' >&7
    local line
    read -r -t 10 line <&8 || { cat err; false; }
    [[ $line == line || $line == ü ]]
}

@test "two runs over one file: the second to commit the same rows is refused with 75" {
    printf 'n\n1\n2\n' >t.csv
    sluice ingest -f t.csv -o l/ 2>err &
    local pid=$!
    pids+=("$pid")
    committed() { [ "$(sluice aggregate l/ -O csv --quiet 2>/dev/null | tail -n 1)" = "$1" ]; }
    until_true committed 2
    kill -STOP "$pid"
    printf '3\n4\n' >>t.csv
    sluice ingest t.csv -o l/ --resume --quiet
    kill -CONT "$pid"
    ends_with 75 "$pid"
    grep -q 'another run has committed' err
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'n\n1\n2\n3\n4' ]
}

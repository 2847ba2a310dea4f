# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Ingest: formats, positions, repeats, rotation.
load common

rows() { # LOG
    sluice aggregate "$1" --select 'count(*) as n' -O csv --quiet | tail -n 1
}

@test "a repeated input is refused, and the message says what to do" {
    seq 1 100 | sed '1i n' >t.csv
    sluice ingest t.csv -o l/ --quiet
    run -1 --separate-stderr sluice ingest t.csv -o l/
    [[ $stderr == *"100 rows of t.csv are committed"*--resume*--again* ]]
    [ "$(rows l/)" = 100 ]
}

@test "--resume takes only what came since" {
    seq 1 100 | sed '1i n' >t.csv
    sluice ingest t.csv -o l/ --quiet
    seq 101 150 >>t.csv
    sluice ingest t.csv -o l/ --resume --quiet
    [ "$(rows l/)" = 150 ]
    sluice ingest t.csv -o l/ --resume --quiet
    [ "$(rows l/)" = 150 ]
}

@test "--again appends all of it once more" {
    seq 1 10 | sed '1i n' >t.csv
    sluice ingest t.csv -o l/ --quiet
    sluice ingest t.csv -o l/ --again --quiet
    [ "$(rows l/)" = 20 ]
}

@test "a file that was renamed is known again by what it holds" {
    seq 1 100 | sed '1i n' >t.csv
    sluice ingest t.csv -o l/ --quiet
    mv t.csv t.csv.1
    run -1 --separate-stderr sluice ingest t.csv.1 -o l/
    [[ $stderr == *committed* ]]
}

@test "another file under the same name is new" {
    seq 1 100 | sed '1i n' >t.csv
    sluice ingest t.csv -o l/ --quiet
    rm t.csv
    seq 501 600 | sed '1i n' >t.csv
    sluice ingest t.csv -o l/ --quiet
    [ "$(rows l/)" = 200 ]
}

@test "ingest -f follows a file through rename and re-creation" {
    printf 'n\n1\n2\n' >t.csv
    sluice ingest -f t.csv -o l/ 2>err &
    local pid=$!
    pids+=("$pid")
    wait_rows() { [ "$(rows l/ 2>/dev/null)" = "$1" ]; }
    until_true wait_rows 2
    mv t.csv t.csv.1
    echo 3 >>t.csv.1
    printf 'n\n4\n' >t.csv
    until_true wait_rows 4
    kill -TERM "$pid"
    ends_with 143 "$pid"
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'n\n1\n2\n3\n4' ]
}

@test "ingest -f notices truncation and reads on from the start" {
    printf 'n\n1\n2\n3\n4\n5\n6\n7\n8\n9\n' >t.csv
    sluice ingest -f t.csv -o l/ 2>err &
    local pid=$!
    pids+=("$pid")
    wait_rows() { [ "$(rows l/ 2>/dev/null)" = "$1" ]; }
    until_true wait_rows 9
    : >t.csv
    until_true grep -q truncated err
    printf 'n\n10\n' >>t.csv
    until_true wait_rows 10
}

@test "gzip and zstd are read, from files and from pipes" {
    seq 1 1000 | sed '1i n' >t.csv
    gzip -k t.csv
    zstd -q t.csv
    sluice ingest t.csv.gz -o a/ --quiet
    sluice ingest t.csv.zst -o b/ --quiet
    sluice ingest -I csv -o c/ --quiet <t.csv.gz
    cat t.csv.zst | sluice ingest -I csv -o d/ --quiet
    [ "$(rows a/) $(rows b/) $(rows c/) $(rows d/)" = "1000 1000 1000 1000" ]
}

@test "a truncated gzip is an error that names the file" {
    seq 1 100000 | sed '1i n' | gzip >t.csv.gz
    truncate -s -100 t.csv.gz
    run -1 --separate-stderr sluice ingest t.csv.gz -o l/
    [[ $stderr == *t.csv.gz* ]]
}

@test "several files go into one schema by name, whatever their column order" {
    printf 'a,b\n1,x\n' >one.csv
    printf 'b,a\ny,2\n' >two.csv
    sluice ingest one.csv two.csv -o l/ --quiet
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'a,b\n1,x\n2,y' ]
}

@test "quotes, delimiters and line ends inside fields, CRLF and a BOM" {
    printf '\xef\xbb\xbfa,b\r\n"x,1","say ""hi"""\r\n"two\r\nlines",z\r\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv -O json
    [ "${lines[0]}" = '{"a":"x,1","b":"say \"hi\""}' ]
    [ "${lines[1]}" = '{"a":"two\r\nlines","b":"z"}' ]
}

@test "a ragged row is a reject that says how many fields it has" {
    printf 'a,b\n1,2\n3\n4,5,6\n' >t.csv
    run -3 --separate-stderr sluice transform t.csv --rejects bad.json -O csv
    [ "$output" = $'a,b\n1,2' ]
    [ "$(wc -l <bad.json)" -eq 2 ]
}

@test "a regex with named groups reads a log of the machine" {
    printf '2026-01-02 03:04:05 install foo:amd64 <none> 1.0\n2026-01-02 03:04:06 status installed foo:amd64 1.0\n' >dpkg.log
    run -0 --separate-stderr sluice ingest -I 'regex:^(?<at>\S+ \S+) (?<action>\S+) (?<rest>.*)$' dpkg.log -O csv --quiet
    [ "${lines[0]}" = at,action,rest ]
    [[ ${lines[1]} == *,install,* ]]
}

@test "combined web logs: the real file loads whole" {
    need_data web/access.log
    sluice ingest -I combined "$SLUICE_DATA/web/access.log" -o web/ --rejects bad.json --quiet || [ $? -eq 3 ]
    local bad=0
    [ ! -f bad.json ] || bad=$(wc -l <bad.json)
    [ $(($(rows web/) + bad)) -eq "$(wc -l <"$SLUICE_DATA/web/access.log")" ]
}

@test "progress is nothing and the summary is one line when stderr is no terminal" {
    seq 1 10 | sed '1i n' >t.csv
    run -0 --separate-stderr sluice ingest -I csv --delimiter , --types 'n bigint' t.csv -o l/
    [ "$(grep -c 'rows' <<<"$stderr")" -eq 1 ]
    [[ $stderr != *$'\r'* ]]
    [[ $stderr == *"10 rows"* ]]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Sources and destinations of every kind mean the same to every command.

load cmd_helper

@test "a file, standard input, - and file: give the same rows" {
    run -0 --separate-stderr sluice transform orders.csv -O csv
    rows=$output
    same "${#lines[@]}" 11
    run -0 --separate-stderr sluice transform -O csv <orders.csv
    same "$output" "$rows"
    run -0 --separate-stderr sluice transform - -O csv <orders.csv
    same "$output" "$rows"
    run -0 --separate-stderr sluice transform file:orders.csv -O csv
    same "$output" "$rows"
}

@test "a log and a pipe of frames give the same rows as the file" {
    run -0 --separate-stderr sluice transform --select 'order_id, country, item' orders.csv -O csv
    rows=$output
    same "${#lines[@]} ${lines[0]}" "11 order_id,country,item"
    sluice ingest --quiet orders.csv -o orders/
    run -0 --separate-stderr sluice transform --select 'order_id, country, item' orders/ -O csv
    same "$output" "$rows"
    run -0 --separate-stderr bash -c \
        '"$SLUICE" transform orders.csv | "$SLUICE" transform --select "order_id, country, item" -O csv'
    same "$output" "$rows"
}

@test "text in a pipe is recognised, and that is said" {
    run -0 --separate-stderr sluice transform -O csv <app.json
    has "$stderr" json
    has "$output" "timeout after 5 s"
}

@test "text that cannot be recognised asks for -I" {
    run -2 --separate-stderr sluice transform -O csv <dpkg.log
    has "$stderr" "-I"
}

@test "a directory that is no log is refused" {
    mkdir plain
    run --separate-stderr sluice transform plain/ -O csv
    [ "$status" -eq 1 ] || [ "$status" -eq 2 ] || fail "status $status"
    has "$stderr" "plain"
    same "$output" ""
}

@test "a missing source is named" {
    run --separate-stderr sluice transform nowhere.csv -O csv
    [ "$status" -ne 0 ] || fail "status 0"
    has "$stderr" "nowhere.csv"
    run --separate-stderr sluice tail nowhere/
    [ "$status" -ne 0 ] || fail "status 0"
    has "$stderr" "nowhere"
}

@test "sluice FILE and sluice LOG show a table" {
    run -0 --separate-stderr sluice orders.csv
    has "${lines[0]}" "order_id"
    [[ ${lines[0]} != *,* ]] || fail "not a table"
    sluice ingest --quiet orders.csv -o orders/
    run -0 --separate-stderr sluice orders/
    has "$output" "1010"
}

@test "to a pipe go frames, which say what they are to who looks" {
    sluice transform --quiet orders.csv >frames
    [ "$(head -c 4 frames | od -An -tx1 | tr -d ' ')" = ffffffff ] || fail "no Arrow stream"
    has "$(strings -n 8 frames)" "sluice.end"
}

@test "-O chooses the text" {
    run -0 --separate-stderr sluice tail -n 1 --where 'order_id = 1009' orders.csv -O csv
    has "${lines[1]}" "1009,US,shelf,1,75.25,"
    run -0 --separate-stderr sluice tail -n 1 --where 'order_id = 1009' orders.csv -O tsv
    has "${lines[1]}" $'1009\tUS\tshelf\t1\t75.25'
    run -0 --separate-stderr sluice tail -n 1 --where 'order_id = 1009' orders.csv -O json
    has "$output" '"item":"shelf"'
    run -2 --separate-stderr sluice tail orders.csv -O yaml
    has "$stderr" "yaml"
}

@test "-o chooses by suffix, and compresses by a second one" {
    sluice transform --quiet orders.csv -O csv >plain.csv
    sluice transform --quiet orders.csv -o a.csv
    cmp a.csv plain.csv
    sluice transform --quiet orders.csv -o a.csv.gz
    gzip -dc a.csv.gz | cmp - plain.csv
    sluice transform --quiet a.csv.gz -O csv | cmp - plain.csv
    sluice transform --quiet orders.csv -o a.json
    has "$(head -n 1 a.json)" '"order_id":1001'
}

@test "a file that is there is refused without --force or --append" {
    echo precious >a.csv
    run --separate-stderr sluice transform orders.csv -o a.csv
    [ "$status" -eq 1 ] || [ "$status" -eq 2 ] || fail "status $status"
    has "$stderr" "--force"
    same "$(cat a.csv)" precious
    sluice transform --quiet orders.csv -o a.csv --force
    same "$(wc -l <a.csv)" 11
    sluice transform --quiet --where 'order_id > 1008' orders.csv -o a.csv --append
    same "$(grep -c 1010 a.csv)" 2
}

@test "a failed run leaves no file and no part of one" {
    run --separate-stderr sluice transform --types 'qty bigint' broken.csv -o out.csv
    [ "$status" -eq 1 ] || fail "status $status"
    has "$stderr" "broken.csv:"
    same "$(find . -name 'out*')" ""
    echo precious >out.csv
    run --separate-stderr sluice transform --types 'qty bigint' broken.csv -o out.csv --force
    same "$(cat out.csv)" precious
}

@test "an existing log is appended to" {
    sluice ingest --quiet orders.csv -o orders/
    sluice transform --quiet more.csv -o orders/
    run -0 --separate-stderr sluice aggregate orders/ -O csv
    same "${lines[1]}" 12
}

@test "the time column goes with the rows from log to log" {
    sluice ingest --quiet --time at app.json -o app/
    sluice transform --quiet --where "level = 'error'" app/ -o errors/
    run -0 --separate-stderr sluice aggregate errors/ --window '1 minute' -O csv
    same "${#lines[@]}" 3
}

@test "from text to text what no expression touches keeps every byte" {
    printf 'id,code,x\n1,1.50,a\n2,2.5,b\n' >codes.csv
    run -0 --separate-stderr sluice transform --where 'id > 0' codes.csv -O csv
    same "$output" "$(cat codes.csv)"
}

@test "a directory that is no log: the hint names its files as a shell would" {
    mkdir d
    run -2 --separate-stderr sluice tail d//
    [[ $stderr == *"name the files in it, d/*, or"*"--watch d" ]]
}

@test "--append refuses rows of other columns than the file's header names" {
    sluice transform --quiet orders.csv -o a.csv.gz
    sluice transform --quiet orders.csv -o a.tsv
    printf '"ts","order_id",price\n' >b.csv
    cp b.csv b.before
    for to in a.csv.gz a.tsv b.csv; do
        run -1 --separate-stderr sluice transform --select 'ts, price, order_id' orders.csv \
            -o "$to" --append
        has "$stderr" "$to has other columns: its column 2 is 'order_id', not 'price'"
        run -1 --separate-stderr sluice transform --select 'ts, order_id' orders.csv -o "$to" --append
        has "$stderr" "columns, and these rows have 2"
    done
    cmp b.csv b.before
    sluice transform --quiet --select 'ts, order_id, price' orders.csv -o b.csv --append
    same "$(sluice aggregate --quiet b.csv -O csv)" $'count\n10'
    sluice transform --quiet orders.csv -o a.csv.gz --append
    same "$(sluice aggregate --quiet a.csv.gz -O csv)" $'count\n20'
}

@test "--append ends a last line that has no end" {
    printf 'order_id\n1' >a.csv
    printf '{"order_id":1}' | gzip >a.json.gz
    for to in a.csv a.json.gz; do
        sluice transform --quiet --select order_id --where 'order_id = 1001' orders.csv -o "$to" --append
        same "$(sluice transform --quiet "$to" -O csv)" $'order_id\n1\n1001'
    done
}

@test "--append to a compressed file that is cut off is refused" {
    sluice transform --quiet orders.csv -o whole.json.gz
    head -c 100 whole.json.gz >a.json.gz
    run -1 --separate-stderr sluice transform orders.csv -o a.json.gz --append
    has "$stderr" a.json.gz
    same "$(wc -c <a.json.gz)" 100
}

@test "--append to a file of frames is refused in words of its own" {
    sluice transform --quiet orders.csv -o a.arrow
    cp a.arrow before
    run -2 --separate-stderr sluice transform orders.csv -o a.arrow --append
    has "$stderr" "--append is for text"
    cmp a.arrow before
}

@test "standard input that is named twice is refused: the second time it would have nothing" {
    local two
    for two in '- -' '- /dev/stdin' '/dev/fd/0 /dev/stdin'; do
        run -2 --separate-stderr bash -c "cat orders.csv | \"\$SLUICE\" transform -I csv $two -O csv"
        has "$stderr" 'standard input is named twice'
        same "$output" ''
    done
}

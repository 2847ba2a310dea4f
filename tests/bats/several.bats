# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Several files in one run: one schema by name, in the order given.
load common

@test "a column that a later CSV file brings is added to the log" {
    printf 'a,b\n1,x\n' >one.csv
    printf 'c,b,a\n7,y,2\n,z,3\n' >two.csv
    sluice ingest one.csv two.csv -o l/ --quiet
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'a,b,c\n1,x,\n2,y,7\n3,z,' ]
    run -0 --separate-stderr sluice log info l/
    [[ $output == *"a bigint, b text, c bigint"* ]]
}

@test "a column that a later file lacks is null, and its types may be wider" {
    printf 'a,b\n1,x\n' >one.csv
    printf 'a\n1.25\n' >two.csv
    printf 'b\ty\n' | tr '\t' '\n' >three.csv
    sluice ingest one.csv two.csv three.csv -o l/ --quiet
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'a,b\n1.00,x\n1.25,\n,y' ]
}

@test "a new column gets the type of its first values, and is wider when later ones need it" {
    printf 'a\n1\n' >one.tsv
    { printf 'a\tb\n2\t\n'; } >two.tsv
    { printf 'b\ta\n'; seq 1 3 | sed 's/$/\t9/'; } >three.tsv
    { printf 'b\ta\nword\t9\n'; } >four.tsv
    sluice ingest one.tsv two.tsv three.tsv -o l/ --quiet
    run -0 --separate-stderr sluice log info l/
    [[ $output == *"a bigint, b bigint"* ]]
    sluice ingest --again one.tsv four.tsv -o l/ --quiet
    run -0 --separate-stderr sluice tail -n 1 l/ -O csv --quiet
    [ "$output" = $'a,b\n9,word' ]
}

@test "new columns in any thread's file: as DuckDB reads them by name" {
    need_oracle
    awk 'BEGIN { print "id,a"; for (i = 0; i < 60000; i++) print i "," i % 7 }' >1.csv
    awk 'BEGIN { print "b,id"; for (i = 0; i < 60000; i++) print "b" i % 11 "," i + 60000 }' >2.csv
    awk 'BEGIN { print "c,a,id"; for (i = 0; i < 60000; i++) print (i < 30000 ? "" : i / 4) "," i % 5 "," i + 120000 }' >3.csv
    sluice ingest -j 3 1.csv 2.csv 3.csv -o l/ --quiet
    local query="count(*) as n, sum(id) as s, sum(a) as sa, count(b) as nb, sum(c) as sc"
    run -0 --separate-stderr sluice aggregate l/ --quiet -O csv \
        --select "$query, count(distinct b) as db"
    local mine=$output
    run -0 --separate-stderr duckdb_csv "select $query, count(distinct b) as db from
        read_csv(['1.csv','2.csv','3.csv'], union_by_name=true, types={'c': 'decimal(18,2)'})"
    [ "$mine" = "$output" ]
}

@test "where the stream's schema stays, a new column of a later file names file and --types" {
    printf 'a,b\n1,x\n' >one.csv
    printf 'a,c\n2,7\n' >two.csv
    run -1 --separate-stderr sluice transform one.csv two.csv -O csv
    [[ $stderr == *"two.csv:1: column 'c' is not in the first file; --types 'c bigint' would take it"* ]]
    run -0 --separate-stderr sluice transform one.csv two.csv --types 'c bigint' -O csv --quiet
    [ "$output" = $'a,b,c\n1,x,\n2,,7' ]
}

@test "a column of --types that no file has is said" {
    printf 'a\n1\n' >one.csv
    printf 'a\n2\n' >two.csv
    run -0 --separate-stderr sluice transform one.csv two.csv --types 'oops text' -O csv
    [[ $stderr == *"--types names 'oops', which no file has"* ]]
}

@test "a later file without a header, or of another delimiter, is refused" {
    printf 'a,b\n1,x\n' >one.csv
    printf '3,x\n4,y\n' >bare.csv
    printf 'a;b\n3;4\n' >semi.csv
    run -1 --separate-stderr sluice ingest one.csv bare.csv -o l/
    [[ $stderr == *"bare.csv:1: no column is one of the first file's"*--no-header* ]]
    run -1 --separate-stderr sluice ingest one.csv semi.csv -o m/
    [[ $stderr == *"semi.csv:1:"*"different characters"* ]]
}

@test "ingest -f takes the new column of a file that was rotated in" {
    printf 'n\n1\n' >t.csv
    sluice ingest -f t.csv -o l/ 2>err &
    local pid=$!
    pids+=("$pid")
    rows_are() { [ "$(sluice aggregate l/ -O csv --quiet 2>/dev/null | tail -n 1)" = "$1" ]; }
    until_true rows_are 1
    mv t.csv t.csv.1
    printf 'n,m\n2,b\n' >t.csv
    until_true rows_are 2
    kill -TERM "$pid"
    ends_with 143 "$pid"
    run -0 --separate-stderr sluice replay l/ -O csv --quiet
    [ "$output" = $'n,m\n1,\n2,b' ]
}

@test "a later file of another format is refused by what it is" {
    printf 'a,b\n1,x\n' >one.csv
    printf '{"a":1,"b":"x"}\n' >two.json
    run -1 --separate-stderr sluice ingest one.csv two.json -o l/
    [[ $stderr == *"two.json is json, and the first file is csv; ingest each on its own"* ]]
}

@test "more partitions than a process may have files open: written, read in order, and followed" {
    awk 'BEGIN { print "k,v,ts"
        for (i = 0; i < 4000; i++)
            printf "%d,%d,2026-01-01 %02d:%02d:%02d+00\n", i * 7919 % 1000, i, i / 3600, i / 60 % 60, i % 60 }' >in.csv
    ulimit -n 400
    sluice ingest --quiet in.csv -o many/ --partitions 700 --key k
    [ "$(sluice aggregate --quiet many/ --select 'count(*), sum(v)' -O csv | tail -n 1)" = 4000,7998000 ]
    sluice replay --quiet many/ -O csv >out.csv
    cmp in.csv out.csv
    sluice replay --quiet -f many/ -O csv >rows &
    pids+=($!)
    until_true has_lines rows 4001
    sluice ingest --quiet --again in.csv -o many/
    until_true has_lines rows 8001
    kill -TERM "${pids[0]}"
    ends_with 143 "${pids[0]}"
    [ "$(sed 1d rows | sort | uniq -c | awk '{ print $1 }' | sort -u)" = 2 ]
}

@test "types settle from small files together: what a later one holds breaks nothing" {
    printf 'k,v\n' >a.csv
    printf 'k,v\n1,1\n' >b.csv
    printf 'k,v\nx,2.5' >c.csv
    printf 'v,k\n3,7\n' >d.csv
    gzip -c b.csv >e.csv.gz
    run -0 --separate-stderr sluice aggregate a.csv b.csv c.csv d.csv e.csv.gz --select 'sum(v), count(k)' -O csv
    [ "$output" = $'sum_v,count_k\n7.5,4' ]
    [[ $stderr == *"--types 'k text, v numeric(18,1)'"* ]]
    printf '{"a":1}\n' >a.json
    printf '{"a":"x","b":2}\n' >b.json
    [ "$(sluice transform a.json b.json -O csv --quiet)" = $'a,b\n1,\nx,2' ]
}

@test "files that are empty are passed over, also the first: as after a rotation" {
    : >access.log
    echo '1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 23 "-" "ua"' >access.log.1
    [ "$(sluice transform access.log access.log.1 --select status -O csv --quiet)" = $'status\n200' ]
    sluice ingest access.log access.log.1 -o l/ --quiet
    [ "$(sluice aggregate l/ -O csv --quiet | tail -n 1)" = 1 ]
    printf 'n\n1\n' >n.csv
    : >e.csv
    [ "$(sluice transform e.csv e.csv n.csv --set 'm = n + 1' -O csv --quiet)" = $'n,m\n1,2' ]
    [ -z "$(sluice transform e.csv e.csv -O csv --quiet)" ]
}

@test "a FIFO among the files is read once, at its turn" {
    printf 'n\n1\n' >n.csv
    mkfifo f
    printf 'n\n2\n' >f &
    pids+=($!)
    [ "$(timeout 20 "$SLUICE" transform n.csv f n.csv -O csv --quiet)" = $'n\n1\n2\n1' ]
}

@test "a row of several logs for which a condition fails is rejected, with and without --rejects" {
    printf 'ts,v\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,0\n' | sluice ingest --quiet -I csv - -o a/
    printf 'ts,v\n2026-01-01T00:00:30Z,2\n2026-01-01T00:02:00Z,0\n' | sluice ingest --quiet -I csv - -o b/
    run -3 --separate-stderr sluice transform a/ b/ --where '2 / v > 0' --rejects bad.json --select v -O csv --quiet
    [ "$output" = $'v\n1\n2' ]
    [ "$(grep -c 'division by zero' bad.json)" -eq 2 ]
    run -1 --separate-stderr sluice transform a/ b/ --where '2 / v > 0' -O csv --quiet
    [[ $stderr == *"division by zero"* ]]
}

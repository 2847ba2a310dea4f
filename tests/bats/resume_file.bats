#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# A pipeline that ends in a file, and goes on with it: each row is there once, whatever ended the runs.
load common
load resume_helper

first_rows() {
    printf 'a,b\n1,x\n2,y\n3,z\n' >in.csv
}

resume() { # FILE OPTION...
    sluice transform in.csv --resume --quiet -o "$@"
}

beside() { # FILE
    commits "$1.sluice"
}

@test "a second run appends what is new, and the header is there once" {
    first_rows
    resume out.csv
    echo 4,w >>in.csv
    resume out.csv
    diff in.csv out.csv
}

@test "a second run without new rows changes nothing, in any format" {
    first_rows
    for f in csv tsv json arrow csv.gz json.zst; do
        resume "out.$f"
        sum=$(md5sum "out.$f") time=$(stat -c %y "out.$f") before=$(beside "out.$f")
        resume "out.$f"
        [ "$(md5sum "out.$f")" = "$sum" ]
        [ "$(stat -c %y "out.$f")" = "$time" ]
        [ "$(beside "out.$f")" = "$before" ]
        [ "$before" -gt 1 ]
    done
}

@test "every format is what one run over all of it gives" {
    first_rows
    for f in csv tsv json arrow csv.gz csv.zst json.gz; do
        first_rows
        resume "out.$f"
        printf '4,w\n5,"v ""q"""\n' >>in.csv
        resume "out.$f"
        sluice transform "out.$f" -O csv --quiet | cmp - in.csv
    done
}

@test "the Arrow that several runs wrote is one stream for others" {
    need_oracle
    first_rows
    resume out.arrow
    echo 4,w >>in.csv
    resume out.arrow
    run -0 "$SLUICE_ORACLE" -c 'import sys, pyarrow as pa
print(pa.ipc.open_stream(open(sys.argv[1], "rb")).read_all().column("a").to_pylist())' out.arrow
    [ "$output" = '[1, 2, 3, 4]' ]
}

@test "Arrow keeps its columns: rows with others are refused, and the file stays" {
    first_rows
    resume out.arrow
    echo 4,w >>in.csv
    cp out.arrow was
    run -1 --separate-stderr resume out.arrow --select 'b'
    [[ $stderr == *"out.arrow has the columns a bigint, b text, and these rows have b text"* ]]
    cmp out.arrow was
}

@test "a header that does not fit is refused, and the file stays" {
    first_rows
    resume out.csv
    echo 4,w >>in.csv
    cp out.csv was
    run -1 --separate-stderr resume out.csv --select 'b, a'
    [[ $stderr == *"out.csv has other columns"* ]]
    cmp out.csv was
}

@test "what a killed run wrote behind its last commit is cut back" {
    seq 1 1000 | awk 'BEGIN { print "n" } { print }' >in.csv
    sluice transform -f in.csv --resume --quiet -o out.json &
    pid=$!
    until_true has_lines out.json 1000
    until_true eval '[ "$(beside out.json)" -ge 3 ]'
    kill -9 "$pid"
    ends_with 137 "$pid"
    printf '{"n":1001}\n{"n":10' >>out.json # its last commit does not know them
    seq 1001 1010 >>in.csv
    resume out.json
    diff <(seq 1 1010 | sed 's/.*/{"n":&}/') out.json
}

@test "killed again and again, the rows are those of one run" {
    echo n >in.csv
    for i in {1..12}; do
        seq $((1000 * i - 999)) $((1000 * i)) >>in.csv
        goal=$(($(beside out.csv) + 1))
        sluice transform -f in.csv --resume --quiet -o out.csv &
        pid=$!
        case $((i % 3)) in
        0) until_true has_lines out.csv $((1000 * i)) || break ;; # written, and not committed
        1) until_true eval '[ "$(beside out.csv)" -ge "$goal" ]' || break ;;
        esac
        kill -9 "$pid"
        ends_with 137 "$pid"
    done
    [ "$i" -eq 12 ]
    resume out.csv
    cmp in.csv out.csv
}

@test "with state, killed again and again, the result is that of one run" {
    for i in {1..12}; do
        come $((3000 * i)) $((3000 * i + 3000))
        goal=$(($(beside out.csv) + i % 3))
        sluice aggregate -f new/ --resume --checkpoint 1ms "${WINDOWS[@]}" -o out.csv --quiet &
        pid=$!
        until_true eval '[ "$(beside out.csv)" -ge "$goal" ]' || break
        kill -9 "$pid"
        ends_with 137 "$pid"
    done
    [ "$i" -eq 12 ]
    sluice aggregate new/ --resume --final "${WINDOWS[@]}" -o out.csv --quiet
    diff <(sluice aggregate new/ "${WINDOWS[@]}" -O csv --quiet | sort) <(sort out.csv)
}

@test "killed at every system call that changes something, the next run makes it good" {
    need_strace
    kills=0
    for call in openat write ftruncate fsync fdatasync mkdirat renameat2 unlinkat fcntl close; do
        for ((k = 1; ; k++)); do
            rm -rf out.csv out.csv.sluice bad.json
            { echo n,t && seq 40 | sed 's/$/,x/; s/.*7,x$/&,many/'; } >in.csv
            run -3 sluice transform in.csv --resume --quiet -o out.csv --rejects bad.json
            seq 41 80 | sed 's/$/,x/; s/.*7,x$/&,many/' >>in.csv
            strace -f -qq -o trace -e "trace=$call" -e "inject=$call:signal=KILL:when=$k" \
                sluice transform in.csv --resume --quiet -j 1 -o out.csv --rejects bad.json || true
            grep -q 'killed by SIGKILL' trace || break
            kills=$((kills + 1))
            sluice transform in.csv --resume --quiet -o out.csv --rejects bad.json || [ $? -eq 3 ]
            cmp <(grep -v many in.csv) out.csv
            [ "$(sort -u bad.json | wc -l)" = 8 ] && [ "$(wc -l <bad.json)" = 8 ]
        done
    done
    [ "$kills" -gt 100 ]
}

@test "windows that are open wait for the next run" {
    come 0 1000
    sluice aggregate new/ --resume "${WINDOWS[@]}" -o out.json --quiet
    come 1000 1777
    sluice aggregate new/ --resume --final "${WINDOWS[@]}" -o out.json --quiet
    diff <(sluice aggregate new/ "${WINDOWS[@]}" -O json --quiet | sort) <(sort out.json)
    [ "$(wc -l <out.json)" -gt 50 ]
}

@test "another plan is refused, and names the file" {
    come 0 1000
    sluice aggregate new/ --resume "${WINDOWS[@]}" -o out.csv --quiet
    run -1 --separate-stderr sluice aggregate new/ --resume --window '2 hours' --by kind \
        --select 'count(*), sum(v), p50(v)' -o out.csv
    [[ $stderr == *"the state in out.csv is of another plan"* ]]
}

@test "while a run is under way another one exits 75, whatever it is called" {
    first_rows
    sluice transform -f in.csv --resume --quiet -o out.csv &
    until_true eval '[ "$(beside out.csv)" -ge 3 ]'
    for option in --resume --resume=other --again; do
        run -75 --separate-stderr sluice transform in.csv "$option" -o out.csv
        [[ $stderr == *"another run writes to out.csv"* ]]
    done
}

@test "rejects in a file share its commits: after a kill each is there once" {
    echo n,t >in.csv
    for i in {1..8}; do
        seq $((100 * i - 99)) $((100 * i)) | sed 's/$/,x/; s/.*7,x$/&,too many/' >>in.csv
        goal=$(($(beside out.csv) + i % 2))
        sluice transform -f in.csv --resume --quiet -o out.csv --rejects bad.json &
        pid=$!
        until_true eval '[ "$(beside out.csv)" -ge "$goal" ]' || break
        kill -9 "$pid"
        ends_with 137 "$pid"
    done
    [ "$i" -eq 8 ]
    run -3 sluice transform in.csv --resume --quiet -o out.csv --rejects bad.json
    diff <(grep -v many in.csv) out.csv
    [ "$(wc -l <bad.json)" = 80 ]
    [ "$(sort -u bad.json | wc -l)" = 80 ]
}

@test "a file that was replaced, changed, cut, added to or removed is refused, and left alone" {
    first_rows
    resume out.csv
    cp -r out.csv was.csv
    try() { # WHAT
        cp -p out.csv now
        run -1 --separate-stderr sluice transform in.csv --resume -o out.csv
        [[ $stderr == *"out.csv $1 since its last commit; put the file back as it was; or move it and out.csv.sluice away"* ]]
        cmp out.csv now
        cat was.csv >out.csv
    }
    echo 5,v >>in.csv
    sed 's/3,z/3,Z/' was.csv >out.csv
    try 'was changed'
    echo mine >>out.csv
    try 'was added to'
    head -c 9 was.csv >out.csv
    try 'was cut'
    mv out.csv there
    run -1 --separate-stderr sluice transform in.csv --resume -o out.csv
    [[ $stderr == *"out.csv has gone since its last commit"* ]]
    [ ! -e out.csv ]
    cp was.csv out.csv
    run -1 --separate-stderr sluice transform in.csv --resume -o out.csv
    [[ $stderr == *"out.csv was replaced since its last commit"* ]]
    mv there out.csv
    resume out.csv
    diff in.csv out.csv
}

@test "a file that had no byte yet may be gone" {
    : >in.csv
    resume out.json -I csv
    rm out.json
    printf 'a\n1\n' >in.csv
    sluice transform -f in.csv --resume --quiet -o out.json &
    pid=$!
    until_true has_lines out.json 1
    kill -9 "$pid"
    ends_with 137 "$pid"
    echo 2 >>in.csv
    resume out.json
    [ "$(cat out.json)" = $'{"a":1}\n{"a":2}' ]
}

@test "a file of somebody else's is refused" {
    first_rows
    echo mine >out.csv
    run -1 --separate-stderr sluice transform in.csv --resume -o out.csv
    [[ $stderr == *"out.csv is there already, and nothing is recorded of it"* ]]
    [ "$(cat out.csv)" = mine ]
    [ ! -e out.csv.sluice ]
}

@test "without --resume the file is refused, and --again appends all of the input" {
    first_rows
    resume out.csv
    for option in --quiet --force --append; do
        run -1 --separate-stderr sluice transform in.csv $option -o out.csv
        [[ $stderr == *"out.csv.sluice records what it has; --resume goes on, --again appends all"* ]]
    done
    sluice transform in.csv --again --quiet -o out.csv
    diff <(cat in.csv; tail -n +2 in.csv) out.csv
    resume out.csv
    [ "$(wc -l <out.csv)" = 7 ]
}

@test "a run without --resume leaves nothing beside its file, and --again needs what it lacks" {
    first_rows
    sluice transform in.csv --quiet -o out.csv
    [ ! -e out.csv.sluice ]
    run -2 --separate-stderr sluice transform in.csv --again -o out.csv
    [[ $stderr == *"nothing is recorded of out.csv"*"--append adds"* ]]
    [ ! -e out.csv.sluice ]
}

@test "what cannot be gone on with is refused: tables, devices, --force" {
    first_rows
    run -2 --separate-stderr sluice transform in.csv --resume -O table -o out.txt
    [[ $stderr == *"table"*"csv, tsv, json or arrow"* ]]
    run -2 --separate-stderr sluice transform in.csv --resume -O csv -o /dev/null
    [[ $stderr == *"/dev/null is neither"* ]]
    run -2 --separate-stderr sluice transform in.csv --resume --force -o out.csv
    [[ $stderr == *"leave out --force"* ]]
    [ ! -e out.txt ] && [ ! -e out.csv ]
}

@test "a run that fails before its first row leaves nothing" {
    printf 'a\nx\n' >in.csv
    run -1 --separate-stderr sluice transform in.csv --resume --types 'a bigint' -o out.csv
    [[ $stderr == *"does not fit bigint"* ]]
    [ ! -e out.csv ] && [ ! -e out.csv.sluice ]
}

@test "--explain says how often a row is there, and touches nothing" {
    first_rows
    run -0 --separate-stderr sluice transform --explain in.csv --resume -o out.csv
    [[ $output == *"sink file out.csv, format csv, recorded in out.csv.sluice, exactly once"* ]]
    [ ! -e out.csv ] && [ ! -e out.csv.sluice ]
}

@test "a pipe that ends in a file, one of it killed again and again, gives what one command gives" {
    for i in {1..12}; do
        come $((1000 * i)) $((1000 * i + 1000))
        killed $((i % 3)) $((i / 3 % 3)) out.csv.sluice \
            'sluice replay -f new/ --quiet --resume-from out.csv --checkpoint 1ms' \
            'sluice aggregate --quiet --resume-from out.csv "${WINDOWS[@]}"' \
            'sluice transform --quiet --resume -o out.csv' 2>/dev/null || break
    done
    [ "$i" -eq 12 ]
    sluice replay new/ --quiet --resume-from out.csv --final |
        sluice aggregate --quiet --resume-from out.csv "${WINDOWS[@]}" |
        sluice transform --quiet --resume -o out.csv
    diff <(sluice aggregate new/ "${WINDOWS[@]}" -O csv --quiet | sort) <(sort out.csv)
}

@test "what lies beside the file is a log that can be verified" {
    first_rows
    resume out.csv
    echo 4,w >>in.csv
    resume out.csv
    run -0 sluice log verify out.csv.sluice
    [ -d out.csv.sluice/commits ]
}

# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# What a person types, and what is said when it is not quite right.
load common

@test "keys match without case, may be quoted, and a wrong one names the nearest" {
    printf 'User Name,v\nann,1\nbob,2\n' >t.csv
    run -2 --separate-stderr sluice partition --by 'user nam' t.csv -o l/
    [[ $stderr == *'did you mean User Name?'* ]]
    sluice partition --by '"USER NAME"' --into 2 t.csv -o l/ --quiet
    sluice partition --by 'User Name' t.csv -o l/ --quiet --again
    run -1 --separate-stderr sluice partition --by v t.csv -o l/ --again
    [[ $stderr == *"partitioned by User Name, not by v"* ]]
}

@test "--force and --append are for the file of --rejects too" {
    printf 'a\n1\nx\n' >t.csv
    run -3 sluice ingest --types 'a bigint' --rejects bad.json t.csv -o l/
    run -3 sluice ingest --types 'a bigint' --rejects bad.json --force --again t.csv -o l/
    [ "$(wc -l <bad.json)" = 1 ]
    run -3 sluice transform --types 'a bigint' --rejects bad.json --append t.csv
    [ "$(wc -l <bad.json)" = 2 ]
    run -2 sluice ingest --force --again t.csv -o l/
}

handles_term() { # PID
    [ $((0x$(awk '/^SigCgt/ { print $2 }' "/proc/$1/status") & 0x4000)) != 0 ]
}

@test "a signal before the first row ends with 128 and its number" {
    mkfifo in
    sluice transform -I csv -O csv <in 2>err &
    local pid=$!
    pids+=("$pid")
    exec 7>in
    printf 'a,b\n' >&7
    until_true handles_term "$pid"
    kill -TERM "$pid"
    local status=0
    wait "$pid" || status=$?
    [ "$status" = 143 ]
}

@test "a signal while types settle from a trickle loses no row that was read" {
    mkfifo in silent
    exec 7<>silent
    sluice ingest -f -I csv --no-header -o l/ --quiet --stats=json <in 2>err &
    local pid=$! i
    pids+=("$pid")
    exec 8>in
    until_true handles_term "$pid"
    for i in {10000..10060}; do
        echo "a,$i" >&8
        read -r -t 0.004 -u 7 || true # a pause would settle them
    done
    kill "$pid"
    ends_with 143 "$pid"
    [ "$(jq '.bytes_in > 0 and .rows_out * 8 == .bytes_in' err)" = true ] || { cat err; return 1; }
    [ "$(sluice tail -n all l/ -O csv --quiet | wc -l)" = $(($(jq .rows_out err) + 1)) ]
}

@test "a signal behind a header alone ends the stream, so that the next stage is done as well" {
    mkfifo in mid
    sluice aggregate -O csv --quiet --by b <mid >out &
    local next=$! pid
    pids+=("$next")
    sluice transform -f -I csv <in >mid &
    pid=$!
    pids+=("$pid")
    exec 7>in
    printf 'a,b\n' >&7
    # FIONREAD of the pipe
    unread() { perl -e '$n = pack "i", 0; ioctl STDOUT, 0x541B, $n or die; print STDERR unpack "i", $n' 2>&1 >&7; }
    has_read() { [ "$(unread)" = 0 ]; }
    until_true handles_term "$pid"
    until_true has_read
    kill -TERM "$pid"
    ends_with 143 "$pid"
    ends_with 0 "$next"
    [ "$(cat out)" = b,count ]
}

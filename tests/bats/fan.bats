#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# partition -- COMMAND: the same rows as of one process, whatever the branches do; nobody is left behind.
# FAN_RUNS: how many random ones; tests/fault/check-long has 1,000.

load cmd_helper

fan() { # N FILE COMMAND...: CSV, by k
    local n=$1 file=$2
    shift 2
    timeout 60 "$SLUICE" partition --quiet --by k --into "$n" "$file" -O csv -- "$@"
}

rows() { # N KEYS SEED: rows with skewed keys
    awk -v n="$1" -v keys="$2" -v seed="$3" 'BEGIN { srand(seed); print "k,v"
        for (i = 0; i < n; i++) print "k" int(keys ^ rand()) "," i }'
}

@test "groups are those of one process, with 1, 2, 8 and 64 branches" {
    rows 20000 300 1 >r.csv
    awk -F, 'NR > 1 { n[$1]++; s[$1] += $2 } END { for (k in n) print k "," n[k] "," s[k] }' r.csv |
        sort >wanted
    for n in 1 2 8 64; do
        fan $n r.csv "$SLUICE" aggregate --quiet --by k --select 'count(*) as n, sum(v) as s' |
            sed 1d | sort >got
        cmp got wanted || fail "$n branches"
    done
}

@test "with event times the rows come out in their order" {
    awk 'BEGIN { print "ts,k"; for (i = 0; i < 3000; i++)
        printf "2026-01-01T%02d:%02d:%02dZ,k%d\n", i / 3600, i / 60 % 60, i % 60, i % 17 }' >r.csv
    cut -d, -f2 r.csv >wanted
    fan 5 r.csv "$SLUICE" transform --quiet | cut -d, -f2 >got
    cmp got wanted
}

@test "a branch without rows and one that reads slowly hold nothing up" {
    { echo k,v; seq 300000 | sed 's/^/a,/'; } >r.csv
    fan 8 r.csv "$SLUICE" transform --quiet >got
    same "$(wc -l <got)" 300001
    cat >slow <<'EOF'
#!/bin/sh
mkdir one 2>/dev/null && dd bs=4k status=none && exit
exec cat
EOF
    chmod +x slow
    fan 3 r.csv ./slow >got
    same "$(wc -l <got)" 300001
}

@test "random branches and skews come to their end, and are right" {
    for seed in $(seq "${FAN_RUNS:-30}"); do
        n=$((seed * 7 % 23 + 1))
        rows $((seed * 977 % 9000)) $((seed % 5 * 40 + 1)) "$seed" >r.csv
        case $((seed % 3)) in
        0) fan $n r.csv cat >got ;;
        1) fan $n r.csv "$SLUICE" transform --quiet >got ;;
        2) "$SLUICE" transform --quiet r.csv | fan $n - "$SLUICE" transform --quiet >got ;;
        esac
        cmp <(sort got) <(sort r.csv) || fail "seed $seed"
    done
}

@test "a program in Python that copies what it reads can be a branch" {
    rows 5000 20 3 >r.csv
    fan 3 r.csv python3 -c 'import shutil, sys
shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)' | sort >got
    cmp got <(sort r.csv)
}

@test "a child that fails or is killed ends all, and is named; nothing of a file is left" {
    rows 50000 20 3 >r.csv
    run -7 --separate-stderr fan 3 r.csv sh -c 'cat; exit 7'
    has "$stderr" "of 3) exited with 7"
    run -137 --separate-stderr fan 3 r.csv sh -c 'head -c 9000; kill -9 $$'
    has "$stderr" "was ended by signal 9"
    run -1 --separate-stderr sluice partition --quiet --by k --into 2 r.csv -o out.csv -- false
    [ ! -e out.csv ] || fail "out.csv is there"
    run -1 --separate-stderr fan 2 r.csv ./no-such-command
    has "$stderr" "no-such-command"
}

@test "a child that ends early has had enough" {
    rows 200000 20 3 >r.csv
    printf 'k,v\na,1\nb,2\n' >own.csv
    run -0 --separate-stderr fan 2 r.csv "$SLUICE" transform --quiet own.csv
    same "${#lines[@]}" 5
}

@test "rows that are rejected by the splitting side make the status 3" {
    printf 'k,v\na,1\nb,x\nc,3\n' >r.csv
    run -3 --separate-stderr sluice partition --quiet --by k --into 2 --types 'v bigint' \
        --rejects bad.json r.csv -O csv -- "$SLUICE" transform --quiet
    same "${#lines[@]}" 3
    same "$(wc -l <bad.json)" 1
}

@test "what the splitting side refuses is said once, before a child runs" {
    run -2 --separate-stderr sluice partition --by nothing orders.csv -- touch ran
    has "$stderr" nothing
    run -1 --separate-stderr sluice partition --by k none.csv -- touch ran
    run -2 --separate-stderr sluice partition --by country --again orders.csv -o out/ -- touch ran
    has "$stderr" "--again"
    [ ! -e ran ] || fail "a child ran"
}

@test "nobody outlives a run that is killed" {
    printf 'k,v\na,1\nb,2\n' >r.csv
    cat >child <<'EOF'
#!/bin/sh
echo $$ >>pids
exec "$SLUICE" transform --quiet
EOF
    chmod +x child
    "$SLUICE" partition --quiet -f --by k --into 3 r.csv -O csv -- ./child >got &
    pid=$!
    eventually grep -q b,2 got
    kill -9 $pid
    wait $pid || true
    same "$(wc -l <pids)" 3
    gone() {
        while read -r p; do [ ! -d "/proc/$p" ] || return 1; done <pids
    }
    eventually gone
}

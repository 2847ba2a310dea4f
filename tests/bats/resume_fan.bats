#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Exactly once through partition -- COMMAND: whatever process is killed, the rows are those of one run.
# What they are is computed in Python, by another way. FAN_RUNS: as in fan.bats.
load common
load resume_helper

CHILD=(sluice aggregate --quiet --resume-from d/ --window '1 hour' --by kind --select 'count(*), sum(v)')

# Rows FROM to TO, 37 s apart, under KEYS keys; each 50th comes three hours late.
late_events() { # FROM TO KEYS
    python3 - "$@" <<'PY'
import sys
a, b, keys = map(int, sys.argv[1:])
print("ts,kind,v")
for i in range(a, b):
    print(f"{1767225600 + 37 * i - (10800 if i % 50 == 49 else 0)},k{i * i % keys},{i * 7 % 1000}")
PY
}
come_late() { # FROM TO [KEYS]
    late_events "$1" "$2" "${3:-7}" >"events.$1.csv"
    sluice ingest --quiet --time ts --time-format epoch:s "events.$1.csv" -o new/
}

# What the windows are: a row is late if those before it have closed its window, 5 s out of order allowed.
oracle() { # ROWS [KEYS]
    late_events 0 "$1" "${2:-7}" | python3 -c '
import collections, csv, datetime, sys
most, w = -10**18, collections.defaultdict(lambda: [0, 0])
for r in csv.DictReader(sys.stdin):
    t = int(r["ts"])
    if t - t % 3600 + 3600 > most - 5:
        g = w[t - t % 3600, r["kind"]]
        g[0] += 1
        g[1] += int(r["v"])
    most = max(most, t)
f = lambda t: datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S+00")
for (t, k), (n, s) in w.items():
    print(f"{f(t)},{f(t + 3600)},{k},{n},{s}")' | sort
}

fan() { # N OPTION...: the run, with windows in the branches
    local n=$1
    shift
    timeout 60 sluice partition new/ --quiet --by kind --into "$n" --resume -o d/ "$@" -- "${CHILD[@]}"
}
good() { # COMMAND...: 0, or 3 for late rows
    "$@" || [ $? -eq 3 ]
}

@test "runs that resume give what Python computes, with 1, 2 and 64 branches, most of them starved" {
    for n in 1 2 64; do
        rm -rf new d
        come_late 0 1000
        good fan $n
        come_late 1000 1500
        good fan $n
        [ "$(committed d/ | wc -l)" -gt 30 ]
        good fan $n --final
        diff <(oracle 1500) <(committed d/)
    done
}

@test "a second run without new rows commits nothing" {
    come 0 1000
    fan 2
    before=$(commits d/)
    fan 2
    [ "$before" -gt 1 ]
    [ "$(commits d/)" = "$before" ]
}

# Runs, and kills process number WHICH of it (0: the merge, 1: the splitting side, then the children) once COMMITS
# more are in the log. All others end by themselves.
killed_fan() { # WHICH COMMITS N
    local goal=$(($(commits d) + $2)) pids pid n=$3
    sluice partition -f new/ --quiet --by kind --into "$3" --resume -o d/ --checkpoint 1ms -- "${CHILD[@]}" &
    pids=($!)
    until_true eval '[ "$(wc -w <"/proc/${pids[0]}/task/${pids[0]}/children")" -gt "$n" ]' || return 1
    read -ra children <"/proc/${pids[0]}/task/${pids[0]}/children"
    pids+=("${children[@]}")
    until_true eval '[ "$(commits d)" -ge "$goal" ]' || return 1
    kill -9 "${pids[$1]}"
    for pid in "${pids[@]}"; do
        until_true is_gone "$pid" || return 1
    done
    wait "${pids[0]}" || true
}

@test "kill -9 of any process: the result is that of one run" {
    for i in {0..15}; do
        come_late $((1000 * i)) $((1000 * i + 1000))
        killed_fan $((i % 4)) $((i % 3)) 2 2>/dev/null || break
    done
    [ "$i" -eq 15 ]
    good fan 2 --final
    diff <(oracle 16000) <(committed d/)
}

@test "branches without state: each row is there once, whichever process is killed, and" {
    CHILD=(sluice transform --quiet --where 'v >= 0')
    for i in {0..7}; do
        come $((1000 * i)) $((1000 * i + 1000))
        killed_fan $((i % 4)) $((i % 3)) 2 2>/dev/null || break
    done
    [ "$i" -eq 7 ]
    fan 2
    diff <(committed new/) <(committed d/)
}

@test "of a key the rows keep their order, over runs too" {
    CHILD=(sluice transform --quiet)
    come 0 3000
    fan 5 --checkpoint 1ms
    come 3000 5000
    fan 5 --checkpoint 1ms
    [ "$(committed d/ | wc -l)" -eq 5000 ]
    for k in a b c; do
        diff <(sluice replay new/ -O csv --quiet | grep ",$k,") <(sluice replay d/ -O csv --quiet | grep ",$k,")
    done
}

@test "a branch that reads slowly holds the commit back, and it is right" {
    cat >slow <<'END'
#!/bin/sh
if mkdir "$(mktemp -u -p . one.XXXXXX)" && [ "$(ls -d one.* | wc -l)" -eq 1 ]; then
    dd bs=64 status=none | "$@"
else
    "$@"
fi
END
    chmod +x slow
    CHILD=(./slow "${CHILD[@]}")
    come_late 0 4000
    good fan 3 --checkpoint 1ms
    come_late 4000 6000
    good fan 3 --checkpoint 1ms --final
    diff <(oracle 6000) <(committed d/)
}

@test "TERM stops it and leaves windows open" {
    come_late 0 1000
    sluice partition -f new/ --quiet --by kind --into 2 --resume -o d/ --checkpoint 10ms -- "${CHILD[@]}" &
    pid=$!
    until_true eval '[ "$(commits d/)" -ge 2 ]'
    kill -TERM "$pid"
    ends_with 143 "$pid"
    [ "$(committed d/ | wc -l)" -lt "$(oracle 1000 | wc -l)" ]
    good fan 2 --final
    diff <(oracle 1000) <(committed d/)
}

@test "another number of processes, or another command, is another plan; --reset-state takes it" {
    come 0 1000
    fan 2
    run -1 --separate-stderr fan 3
    [[ $stderr == *"was '2 processes of sluice aggregate"*"it is '3 processes of"* ]]
    CHILD[6]='2 hours'
    run -1 --separate-stderr fan 2
    [[ $stderr == *"another plan"*"1 hour"*"2 hours"* ]]
    fan 2 --reset-state
}

@test "who reads further down the pipe commits for all" {
    CHILD=(sluice transform --quiet)
    for to in 1000 1500; do
        come $((to == 1000 ? 0 : 1000)) $to
        sluice partition new/ --quiet --by kind --into 3 --resume-from d/ -- "${CHILD[@]}" |
            sluice aggregate --quiet --resume "${WINDOWS[@]}" -o d/
    done
    sluice partition new/ --quiet --by kind --into 3 --resume-from d/ --final -- "${CHILD[@]}" |
        sluice aggregate --quiet --resume "${WINDOWS[@]}" -o d/
    [ "$(committed d/ | wc -l)" -gt 30 ]
    diff <(whole) <(committed d/)
}

@test "a command that does not pass barriers on is refused, and nothing is committed" {
    come 0 100
    run -2 --separate-stderr timeout 60 sluice partition new/ --by kind --into 2 --quiet --resume -o d/ -- \
        sh -c 'sluice transform -O csv | sluice transform --quiet'
    [[ $stderr == *"of 2 inputs 0 say where the run goes on"* ]]
    [ "$(commits d/)" = 0 ]
}

@test "random branches and skews with barriers come to their end, and are right" {
    for seed in $(seq "$((${FAN_RUNS:-30} / 3))"); do
        n=$((seed * 7 % 23 + 1)) keys=$((seed % 5 * 9 + 1)) rows=$((seed * 977 % 4000 + 2))
        rm -rf new d
        come_late 0 $((rows / 2)) $keys
        good fan $n --checkpoint 1ms
        come_late $((rows / 2)) $rows $keys
        good fan $n --checkpoint 1ms --final
        diff <(oracle $rows $keys) <(committed d/) || fail "seed $seed"
    done
}

@test "a branch that ends early, or keeps late rows itself, ends the run; nothing is committed without it" {
    come 0 20000
    CHILD=(sh -c 'mkdir one 2>/dev/null && exec head -c 9000; exec sluice transform --quiet')
    run ! fan 2 --checkpoint 1ms
    [ "$(committed d/ 2>/dev/null | wc -l)" -lt 20000 ]
    fan 2
    diff <(committed new/) <(committed d/)
    rm -rf d
    CHILD=(sluice aggregate --quiet --resume-from d/ "${WINDOWS[@]}" --late late.csv)
    run -2 --separate-stderr fan 2
    [[ $stderr == *"cannot write rejects or late rows itself"* ]]
}

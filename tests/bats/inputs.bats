# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Sources of several kinds in one command: one input, merged by data and never by arrival.
load common

make_inputs() { # a/ and b/, logs; c.csv; d.arrows: 500 rows each, with ties
    python3 - <<'PY'
import random
random.seed(7)
for n, name in enumerate('abcd'):
    with open(name + '.csv', 'w') as f:
        f.write('ts,k,v\n')
        t = 0
        for i in range(500):
            t += random.randint(0, 3)
            f.write('2026-01-01T%02d:%02d:%02dZ,%s,%d\n' % (t // 3600, t // 60 % 60, t % 60, name, i))
PY
    sluice ingest a.csv -o a/ --quiet
    sluice ingest b.csv -o b/ --quiet
    sluice transform d.csv -o d.arrows --quiet
}

in_order() { # NAME...: the rows of these inputs by time, then by the order of the names
    python3 - "$@" <<'PY'
import sys
rows = []
for n, name in enumerate(sys.argv[1:]):
    for i, line in enumerate(open(name + '.csv').read().split('\n')[1:-1]):
        t, k, v = line.split(',')
        rows.append((t, n, i, '%s,%s,%s' % (t.replace('T', ' ').replace('Z', '+00'), k, v)))
print('ts,k,v')
for r in sorted(rows): print(r[3])
PY
}

@test "two logs, text and a file of frames come as one input, by time, on any number of threads" {
    make_inputs
    in_order a c b d >want
    for threads in 1 4; do
        run -0 --separate-stderr sluice transform a/ c.csv b/ d.arrows -j $threads -O csv --quiet
        diff want <(echo "$output")
    done
}

@test "large inputs are merged by time, however many morsels of one input are ready at once" {
    for name in a b; do
        awk -v odd="$([ $name = b ] && echo 1 || echo 0)" 'BEGIN {
            print "ts,v"
            for (i = 0; i < 300000; i++) {
                t = 2 * i + odd
                printf "2026-01-%02dT%02d:%02d:%02dZ,%d\n", 1 + t / 86400, t / 3600 % 24, t / 60 % 60, t % 60, t
            }
        }' >$name.csv
    done
    sluice ingest a.csv -o a/ --quiet
    { echo v && seq 0 599999; } >want
    sluice transform a/ b.csv --select v -j 4 -O csv --quiet >merged
    cmp want merged
}

@test "a pipe beside a log is merged by time, whichever comes first" {
    make_inputs
    in_order a c >want
    sluice transform a/ - -O csv --quiet <c.csv >text
    diff want text
    sluice transform c.csv -O arrow --quiet | sluice transform a/ - -O csv --quiet >frames
    diff want frames
    mkfifo slow
    sluice transform a/ slow -O csv --quiet >late &
    pids+=($!)
    exec 7>slow # nothing of the log may come before the pipe has said when its rows begin
    tail -n +2 c.csv >rest
    head -n 1 c.csv >&7
    cat rest >&7
    exec 7>&-
    wait "${pids[0]}"
    diff want late
}

@test "an aggregate over two logs is that of their rows in one" {
    make_inputs
    sluice aggregate a/ b/ --window '1 minute' --by k --select 'count(*), sum(v)' -O csv --quiet >two
    sluice ingest a/ b/ -o ab/ --quiet
    sluice aggregate ab/ --window '1 minute' --by k --select 'count(*), sum(v)' -O csv --quiet >one
    [ "$(wc -l <one)" -gt 20 ]
    diff one two
}

@test "inputs have the columns of all; what one lacks is null" {
    printf 'a,b\n1,x\n' | sluice ingest -I csv -o one/ --quiet
    printf 'b,c\ny,2.5\n' | sluice ingest -I csv -o two/ --quiet
    run -0 --separate-stderr sluice transform one/ two/ -O csv --quiet
    [ "$output" = $'a,b,c\n1,x,\n,y,2.5' ]
}

@test "without a common time column one input comes after the other, as they are named" {
    printf 'a\n3\n4\n' | sluice ingest -I csv -o one/ --quiet
    printf 'a\n1\n2\n' >two.csv
    run -0 --separate-stderr sluice transform two.csv one/ -O csv --quiet
    [ "$output" = $'a\n1\n2\n3\n4' ]
    run -0 --separate-stderr sluice transform one/ two.csv -O csv --quiet
    [ "$output" = $'a\n3\n4\n1\n2' ]
}

@test "types that have no exact type in common are refused, with the column and both types" {
    printf 'a\n3\n' | sluice ingest -I csv -o one/ --quiet
    printf 'a\nx\n' | sluice ingest -I csv -o two/ --quiet
    run -1 --separate-stderr sluice transform one/ two/ -O csv --quiet
    [[ $stderr == *"column a is text in two/, and bigint before; "* ]]
}

@test "--explain names the inputs and how they are merged" {
    make_inputs
    run -0 --separate-stderr sluice transform a/ c.csv --explain
    [ "${lines[2]}" = "merge by ts a/, c.csv" ]
    [[ ${lines[0]} == "source log a/"* && ${lines[1]} == "source text c.csv"* ]]
}

@test "several inputs that are ingested are recorded each; again they are refused" {
    make_inputs
    sluice ingest a/ b/ -o ab/ --quiet
    run -0 --separate-stderr sluice log info ab/
    [ "$(grep -c '^input ' <<<"$output")" = 2 ]
    run -1 --separate-stderr sluice ingest a/ b/ -o ab/ --quiet
    [[ $stderr == *"500 rows of a/ are committed"* ]]
    sluice ingest c.csv -o a/ --quiet
    sluice ingest --resume a/ b/ -o ab/ --quiet
    run -0 --separate-stderr sluice aggregate ab/ -O csv --quiet
    [ "${lines[1]}" = 1500 ]
}

@test "two followed logs: a window closes when both have passed it, however silent one is" {
    printf 'ts,v\n2026-01-01T00:00:01Z,1\n2026-01-01T00:00:30Z,2\n' | sluice ingest -I csv -o one/ --quiet
    printf 'ts,v\n2026-01-01T00:00:02Z,1\n' | sluice ingest -I csv -o two/ --quiet
    sluice aggregate -f one/ two/ --window '10 s' --out-of-order 0s -O csv --quiet >out &
    pids+=($!)
    printf 'ts,v\n2026-01-01T00:00:40Z,2\n' | sluice ingest --again -I csv -o two/ --quiet
    until_true grep -q '00:00:00+00,2026-01-01 00:00:10+00,2' out
    run ! grep '00:00:30' out
}

@test "a log that is named twice is refused" {
    printf 'a\n1\n' | sluice ingest -I csv -o one/ --quiet
    run -2 --separate-stderr sluice transform one/ one/ -O csv
    [[ $stderr == *"one/ is named twice; leave one out"* ]]
}

@test "offsets and a pace are for one input" {
    make_inputs
    run -2 --separate-stderr sluice replay a/ b/ --from 0:5 -O csv
    [[ $stderr == *"an offset is of one log, and there are 2 inputs; say --from and --to as times"* ]]
}

@test "two logs are replayed as one, a range of time of both" {
    make_inputs
    in_order a b | awk -F, 'NR == 1 || ($1 >= "2026-01-01 00:02:00" && $1 < "2026-01-01 00:03:00")' >want
    sluice replay a/ b/ --from 2026-01-01T00:02:00Z --to 2026-01-01T00:03:00Z -O csv --quiet >got
    [ "$(wc -l <got)" -gt 30 ]
    diff want got
}

# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Commands as processes: signals, odd descriptors and files, full and forbidden places.
load common

is_waiting() { # PID: asleep in a system call, with its signals caught
    [ $((0x$(awk '/^SigCgt/ { print $2 }' "/proc/$1/status") & 0x4000)) != 0 ] &&
        [ "$(awk '{ print $3 }' "/proc/$1/stat")" = S ]
}

numbers() { # FROM TO
    echo n
    seq "$1" "$2"
}

@test "a FIFO that nobody writes to: the first signal ends the run" {
    mkfifo in
    sluice transform -I csv -O csv in 2>err &
    local pid=$!
    pids+=("$pid")
    until_true is_waiting "$pid"
    kill -TERM "$pid"
    ends_with 143 "$pid"
}

@test "a FIFO that nobody reads: the first signal ends the run" {
    numbers 1 3 >in.csv
    mkfifo out
    local form pid
    for form in csv arrow; do
        sluice ingest -O "$form" in.csv -o out 2>err &
        pid=$!
        pids+=("$pid")
        until_true is_waiting "$pid"
        kill -INT "$pid" # ignored: a job in the background
        kill -TERM "$pid"
        ends_with 143 "$pid"
        grep -q 'ended before anybody read out' err
    done
}

@test "a FIFO that is written to waits for its reader" {
    numbers 1 3 >in.csv
    mkfifo out
    sluice ingest -O csv in.csv -o out 2>err &
    local pid=$!
    pids+=("$pid")
    until_true is_waiting "$pid"
    [ "$(cat out)" = "$(numbers 1 3)" ]
    ends_with 0 "$pid"
}

@test "a FIFO that is named is waited for, and read to its end" {
    mkfifo in
    sluice transform -I csv -O csv in >out.csv 2>err &
    local pid=$!
    pids+=("$pid")
    until_true is_waiting "$pid"
    numbers 1 3 >in
    ends_with 0 "$pid"
    [ "$(cat out.csv)" = "$(numbers 1 3)" ]
}

@test "a signal in the middle of a compressed stream ends the run" {
    mkfifo in
    sluice transform -I csv -O csv <in 2>err &
    local pid=$!
    pids+=("$pid")
    exec 7>in
    head -c 40 <(numbers 1 100000 | gzip -1) >&7
    until_true is_waiting "$pid"
    kill -TERM "$pid"
    ends_with 143 "$pid"
}

@test "two signals at once are one: what was read is committed" {
    mkfifo in
    local n=0 pid
    while [ "$n" -lt 5 ]; do
        n=$((n + 1))
        sluice ingest -f -I csv -o "l$n/" <in 2>"err$n" &
        pid=$!
        pids+=("$pid")
        exec 7>in
        numbers 1 3 >&7
        is_there() { [ -d "l$n/commits" ]; }
        until_true is_there
        numbers 4 200000 | tail -n +2 >&7
        kill -TERM "$pid"
        kill -TERM "$pid"
        ends_with 143 "$pid"
        grep -q 'ended by a signal' "err$n"
        exec 7>&-
    done
}

@test "a second signal ends a run that cannot go on, at once" {
    [ "${SLUICE_SANITIZED-}" != thread ] ||
        skip "ThreadSanitizer runs no signal handler before a system call ends"
    mkfifo out
    exec 8<>out # a reader that does not read
    sluice transform -I csv -O csv < <(numbers 1 1000000) >out 2>err &
    local pid=$!
    pids+=("$pid")
    is_blocked() { [[ $(cat "/proc/$pid/wchan" 2>/dev/null) == *pipe_w* ]]; }
    until_true is_blocked || skip "no /proc/PID/wchan"
    kill -TERM "$pid"
    local end=$((${EPOCHREALTIME/./} + 150000))
    until [ "${EPOCHREALTIME/./}" -gt "$end" ]; do :; done # not the same wish any more
    kill -TERM "$pid"
    ends_with 143 "$pid"
}

@test "SIGSTOP and SIGCONT change nothing" {
    mkfifo in
    sluice aggregate -I csv --select 'sum(n)' -O csv <in >out.csv 2>err &
    local pid=$!
    pids+=("$pid")
    exec 7>in
    numbers 1 1000 >&7
    kill -STOP "$pid"
    seq 1001 2000 >&7
    kill -CONT "$pid"
    exec 7>&-
    ends_with 0 "$pid"
    [ "$(tail -n 1 out.csv)" = 2001000 ]
}

@test "what a shell ignores for a job in the background stays ignored" {
    mkfifo in
    (trap '' INT HUP; exec "$SLUICE" transform -I csv -O csv <in >out.csv 2>err) &
    local pid=$!
    pids+=("$pid")
    exec 7>in
    numbers 1 2 >&7
    until_true has_lines out.csv 3
    kill -INT "$pid"
    kill -HUP "$pid"
    echo 3 >&7
    until_true has_lines out.csv 4
    exec 7>&-
    ends_with 0 "$pid"
}

@test "each stage of a pipe that is killed: those behind it say so and fail, those before it end" {
    mkfifo in one two
    local victim n status a b c
    for victim in 0 1 2; do
        sluice transform -I csv --quiet <in >one 2>err0 &
        a=$!
        sluice transform --set 'm = n + 1' --quiet <one >two 2>err1 &
        b=$!
        sluice ingest -o "l$victim/" --quiet <two 2>err2 &
        c=$!
        pids+=("$a" "$b" "$c")
        exec 7>in
        numbers 1 5 >&7
        is_there() { [ -d "l$victim/commits" ]; }
        until_true is_there
        n=("$a" "$b" "$c")
        kill -9 "${n[$victim]}"
        { seq 6 300000 >&7; } 2>/dev/null || true
        exec 7>&-
        status=(0 0 0)
        for ((k = 0; k < 3; k++)); do
            if [ "$k" = "$victim" ]; then status[k]=137; fi
            if [ "$k" -gt "$victim" ]; then status[k]=1; fi
        done
        ends_with "${status[0]}" "$a"
        ends_with "${status[1]}" "$b"
        ends_with "${status[2]}" "$c"
        if [ "$victim" -lt 2 ]; then grep -q 'the stage before it died' err2; fi
        sluice log verify "l$victim/"
    done
}

@test "non-blocking pipes at both ends, as other programs leave them" {
    command -v python3 >/dev/null || skip "no Python"
    numbers 1 200000 >n.csv
    run -0 python3 - "$SLUICE" <<'PY'
import fcntl, os, subprocess, sys, threading
def pipe(end):
    ends = os.pipe()
    fcntl.fcntl(ends[end], fcntl.F_SETFL, fcntl.fcntl(ends[end], fcntl.F_GETFL) | os.O_NONBLOCK)
    return ends
data = open("n.csv", "rb").read()
r, w = pipe(0)
r2, w2 = pipe(1)
p = subprocess.Popen([sys.argv[1], "transform", "-I", "csv", "-O", "csv", "--quiet"], stdin=r, stdout=w2)
os.close(r), os.close(w2)
def feed():
    for i in range(0, len(data), 50000):
        os.write(w, data[i:i + 50000])
    os.close(w)
t = threading.Thread(target=feed)
t.start()
got = b""
while True:
    some = os.read(r2, 30000)
    if not some:
        break
    got += some
t.join()
assert p.wait() == 0 and got == data, (p.returncode, len(got))
PY
}

@test "standard descriptors that are closed are errors where they are needed, and only there" {
    numbers 1 3 >n.csv
    run -1 bash -c "'$SLUICE' transform -I csv -O csv <&- 2>&1"
    [[ $output == *"standard input: Bad file descriptor"* ]]
    run -1 bash -c "'$SLUICE' transform n.csv -O csv 2>&1 >&-"
    [[ $output == *"standard output: Bad file descriptor"* ]]
    run -0 bash -c "'$SLUICE' ingest n.csv -o l/ <&- >&- 2>&-"
    run -0 sluice log verify l/
    run -0 --separate-stderr bash -c "'$SLUICE' transform n.csv -O csv 2>&-"
    [ "${lines[3]}" = 3 ]
}

@test "a file that is truncated while it is read is an error" {
    numbers 1 3000000 >n.csv
    mkfifo out
    sluice transform n.csv -O csv >out 2>err &
    local pid=$!
    pids+=("$pid")
    exec 8<out
    read -r _ <&8
    truncate -s 1000 n.csv
    cat <&8 >/dev/null
    ends_with 1 "$pid"
    grep -q 'n.csv was truncated while it was read' err
}

@test "a file that grows while it is read is read to where it ended" {
    numbers 1 2000000 >n.csv
    mkfifo out
    sluice transform n.csv -O csv >out 2>err &
    local pid=$!
    pids+=("$pid")
    exec 8<out
    read -r _ <&8
    seq 2000001 2000100 >>n.csv
    [ "$(wc -l <&8)" = 2000000 ]
    ends_with 0 "$pid"
}

@test "what has no size, as in /proc, is read to its end" {
    [ -r /proc/meminfo ] || skip "no /proc/meminfo"
    sluice transform -I lines /proc/meminfo -O csv --quiet >out.csv
    [ "$(wc -l <out.csv)" -gt 10 ]
}

@test "a log is not followed into itself" {
    numbers 1 3 | sluice ingest -I csv -o l/ --quiet
    run -2 --separate-stderr timeout 20 sluice transform -f l -o l/
    [[ $stderr == *"that has no end"* ]]
    run -0 sluice ingest l/ -o l/ --quiet # to its present end
}

@test "an empty name is a usage error, and nothing is made" {
    numbers 1 3 >n.csv
    run -2 sluice ingest n.csv -o ''
    run -2 sluice transform '' -O csv
    [ "$(ls -A)" = n.csv ]
}

@test "a directory that may not be entered is not called one without a log" {
    [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || skip "needs root and setpriv"
    local dir
    dir=$(mktemp -d /tmp/sluice.XXXXXX)
    numbers 1 3 | sluice ingest -I csv -o "$dir/l/" --quiet
    cp "$SLUICE" "$dir/sluice"
    chmod 755 "$dir"
    chmod 700 "$dir/l"
    as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/sluice" "$@"; }
    run -1 as_nobody tail "$dir/l/"
    [[ $output == *"Permission denied"* ]]
    chmod 755 "$dir/l"
    run -0 as_nobody tail "$dir/l/" -O csv --quiet # reading takes no right to write
    chmod 000 "$dir/l/0000"/*.arrows
    run -1 as_nobody tail "$dir/l/" -O csv
    [[ $output == *".arrows: Permission denied"* ]]
    rm -r "$dir"
}

@test "a full disk: no half file, the log whole, and --resume goes on when there is room" {
    [ -x "$GEN" ] || skip "no generator"
    mkdir full
    mount -t tmpfs -o size=1m none full 2>/dev/null || skip "nothing can be mounted here"
    "$GEN" --rows 100000 >g.csv
    { head -n 1 g.csv; tail -n 100 g.csv; } >first.csv
    local failed=0
    {
        run -1 sluice ingest g.csv -o full/l/ && [ -z "$(ls -A full)" ] &&
            sluice ingest first.csv -o full/l/ --quiet && run -1 sluice ingest g.csv -o full/l/ &&
            [[ $output == *"full/l"*"No space left"* ]] && sluice log verify full/l/ &&
            mount -o remount,size=20m full && run -0 sluice ingest --resume g.csv -o full/l/ &&
            [ "$(sluice aggregate full/l/ -O csv --quiet | tail -n 1)" = 100100 ] && rm -r full/l &&
            mount -o remount,size=1m full && run -1 sluice transform g.csv -o full/g.csv &&
            [ -z "$(ls -A full)" ] && run -1 sluice transform g.csv -o full/g.csv.gz &&
            [ -z "$(ls -A full)" ] &&
            run -1 sluice transform --types 'user_id date' g.csv --rejects full/bad.json -o g2.csv &&
            [ -z "$(ls -A full)" ] && [ ! -e g2.csv ]
    } || failed=1
    umount full
    [ "$failed" = 0 ]
}

@test "idle followers take no time" {
    numbers 1 3 >n.csv
    sluice ingest n.csv -o l/ --quiet
    mkfifo in
    exec 7<>in
    local pid ticks=0 words
    sluice tail -f l/ -O csv >/dev/null 2>&1 &
    pids+=($!)
    sluice replay -f l/ -O csv >/dev/null 2>&1 &
    pids+=($!)
    sluice tail -f none/ -O csv >/dev/null 2>&1 &
    pids+=($!)
    sluice ingest -f n.csv -O csv >/dev/null 2>&1 &
    pids+=($!)
    sluice ingest -f -I csv in -o k/ >/dev/null 2>&1 &
    pids+=($!)
    sluice aggregate -f l/ -O csv >/dev/null 2>&1 &
    pids+=($!)
    for pid in "${pids[@]}"; do
        until_true is_waiting "$pid"
    done
    read -r -t 1 <> <(:) || true
    for pid in "${pids[@]}"; do
        read -r -a words <"/proc/$pid/stat"
        ticks=$((ticks + words[13] + words[14]))
    done
    [ "$ticks" -le 30 ] || { echo "$ticks ticks"; return 1; }
}

@test "a small input starts no worker, whatever -j says" {
    need_strace
    printf 'a,b\n1,2\n' >one.csv
    for j in 1 64; do
        strace -f -qq -o "trace.$j" -e trace=clone,clone3 \
            sluice aggregate -j "$j" --where 'a > 0' --select 'sum(b)' -O csv --quiet one.csv >"sum.$j"
        [ "$(tail -n 1 "sum.$j")" = 2 ]
        grep -c clone "trace.$j" >"threads.$j"
    done
    [ "$(cat threads.1)" -ge 1 ] # expressions are parsed on a thread with a large stack
    cmp threads.1 threads.64
}

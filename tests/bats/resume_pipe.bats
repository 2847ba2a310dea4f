#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Pipes of several commands that go on where the last run was, whichever process of them died.
load common
load resume_helper

# The last stage keeps state; the one in the middle; none.
at_end() { # OPTION OF THE HEAD...
    sluice replay new/ --quiet --resume-from d/ "$@" | sluice transform --quiet --where 'v >= 0' |
        sluice aggregate --quiet --resume "${WINDOWS[@]}" -o d/
}
in_middle() {
    sluice replay new/ --quiet --resume-from d/ "$@" | sluice aggregate --quiet --resume-from d/ "${WINDOWS[@]}" |
        sluice transform --quiet --resume -o d/
}
nowhere() {
    sluice replay new/ --quiet --resume-from d/ | sluice transform --quiet --resume -o d/
}

@test "state in the last stage: runs that resume give what one run gives" {
    come 0 1000
    at_end
    come 1000 1500
    at_end
    [ "$(committed d/ | wc -l)" -gt 30 ]
    at_end --final
    diff <(whole) <(committed d/)
}

@test "state in a stage in the middle: runs that resume give what one run gives" {
    come 0 1000
    in_middle
    come 1000 1500
    in_middle
    [ "$(committed d/ | wc -l)" -gt 30 ]
    in_middle --final
    diff <(whole) <(committed d/)
}

@test "stages without state: each row is there once" {
    come 0 1000
    nowhere
    come 1000 1500
    nowhere
    [ "$(committed d/ | wc -l)" -eq 1500 ]
    diff <(committed new/) <(committed d/)
}

@test "a pipe under another name knows nothing of the main one" {
    come 0 1000
    nowhere
    sluice replay new/ --quiet --resume-from d/ --resume=x | sluice transform --quiet --resume=x -o d/
    come 1000 1100
    sluice replay new/ --quiet --resume-from d/ --resume=x | sluice transform --quiet --resume=x -o d/
    nowhere
    [ "$(committed d/ | wc -l)" -eq 2200 ]
    diff <(committed new/ | sed p) <(committed d/)
}

@test "a second run without new rows commits nothing" {
    come 0 1000
    at_end
    before=$(commits d/)
    at_end
    [ "$before" -gt 1 ]
    [ "$(commits d/)" = "$before" ]
}

@test "kill -9 of any process, state in the last stage: the result is that of one run" {
    for i in {1..18}; do
        come $((1000 * i)) $((1000 * i + 1000))
        killed $((i % 3)) $((i % 3)) d 'sluice replay -f new/ --quiet --resume-from d/ --checkpoint 1ms' \
            'sluice transform --quiet --where "v >= 0"' \
            'sluice aggregate --quiet --resume "${WINDOWS[@]}" -o d/' 2>/dev/null || break
    done
    [ "$i" -eq 18 ]
    at_end --final
    diff <(whole) <(committed d/)
}

@test "kill -9 of any process, state in the middle: the result is that of one run" {
    for i in {1..18}; do
        come $((1000 * i)) $((1000 * i + 1000))
        killed $((i % 3)) $((i % 3)) d 'sluice replay -f new/ --quiet --resume-from d/ --checkpoint 1ms' \
            'sluice aggregate --quiet --resume-from d/ "${WINDOWS[@]}"' \
            'sluice transform --quiet --resume -o d/' 2>/dev/null || break
    done
    [ "$i" -eq 18 ]
    in_middle --final
    diff <(whole) <(committed d/)
}

@test "without state a row is committed at the next pause" {
    come 0 10
    mkfifo pipe
    sluice replay -f new/ --quiet --resume-from d/ >pipe &
    sluice transform --quiet --resume -o d/ <pipe &
    TEST_PATIENCE=8 until_true eval '[ "$(committed d/ 2>/dev/null | wc -l)" -eq 10 ]'
    come 10 11
    TEST_PATIENCE=8 until_true eval '[ "$(committed d/ | wc -l)" -eq 11 ]'
}

# Rows TIME,KIND into a log of two partitions; d has the second for itself.
come_split() { # TIME,KIND...
    { echo ts,kind && printf '2026-01-01T%s\n' "${@/,/Z,}"; } >split.csv
    sluice ingest --quiet split.csv -o new/ --partitions 2 --key kind
}
late_of_each() {
    sluice replay new/ --quiet --resume-from d/ "$@" |
        sluice aggregate --quiet --resume --window '1 hour' --by kind --late late/ -o d/
}

@test "what is late in its partition is late in a later run of the pipe, too" {
    come_split 05:10,a 10:00,d 08:10,a
    late_of_each || true
    come_split 07:30,d 08:20,d 09:00,a
    run -3 late_of_each
    come_split 08:40,a
    late_of_each --final
    [ "$(committed late/)" = $'2026-01-01 07:30:00+00,d\n2026-01-01 08:20:00+00,d' ]
    run -3 sluice aggregate new/ --quiet --resume --final --window '1 hour' --by kind -o one/
    diff <(committed one/) <(committed d/)
    [ "$(committed d/ | wc -l)" -eq 4 ]
}

@test "a stage that is refused before it has opened its file of late rows says why" {
    come 0 100
    nowhere
    run --separate-stderr bash -c 'sluice replay new/ --resume-from d/ --resume=x --quiet |
        sluice aggregate --quiet --resume "--window=1 hour" --late late.csv -o d/'
    [ "$status" -eq 2 ]
    [[ $stderr == *"the head of the pipe resumes the pipeline x, not main"* ]]
}

@test "a signal to the head ends the pipe, commits what came, and leaves windows open" {
    come 0 1000
    mkfifo pipe
    sluice replay -f new/ --quiet --resume-from d/ --checkpoint 10ms >pipe &
    head=$!
    sluice aggregate --quiet --resume "${WINDOWS[@]}" -o d/ <pipe &
    tail=$!
    until_true eval '[ "$(commits d/)" -gt 2 ]'
    kill -TERM "$head"
    ends_with 143 "$head"
    ends_with 0 "$tail"
    closed=$(whole | wc -l)
    [ "$(committed d/ | wc -l)" -lt "$closed" ]
    sluice replay new/ --quiet --resume-from d/ --final | sluice aggregate --quiet --resume "${WINDOWS[@]}" -o d/
    diff <(whole) <(committed d/)
}

@test "a stage with state that is not told where the pipe ends is refused" {
    come 0 100
    run --separate-stderr bash -c 'sluice replay new/ --resume-from d/ --quiet |
        sluice aggregate --by kind | sluice transform --resume -o d/'
    [ "$status" -ne 0 ]
    [[ $stderr == *"this stage keeps state"*"--resume-from DEST here, too"* ]]
}

@test "a last stage that does not resume is refused" {
    come 0 100
    run --separate-stderr bash -c 'sluice replay new/ --resume-from d/ --quiet | sluice transform -o d/'
    [ "$status" -ne 0 ]
    [[ $stderr == *"say --resume here, too"* ]]
}

@test "stages that name different destinations are refused, and nothing is committed" {
    come 0 100
    nowhere
    before=$(commits d/)
    run --separate-stderr bash -c 'sluice replay new/ --resume-from other/ --quiet | sluice transform --resume -o d/'
    [ "$status" -eq 75 ]
    [[ $stderr == *"the whole pipe names one destination"* ]]
    [ "$(commits d/)" = "$before" ]
}

@test "text on standard input cannot be read again, which is said" {
    run --separate-stderr bash -c 'echo k,v | sluice aggregate --resume --by k -I csv -o d/'
    [ "$status" -eq 2 ]
    [[ $stderr == *"standard input cannot be read again"*"--resume-from DEST at its head"* ]]
    [ ! -e d ]
}

@test "--resume-from and -o are not one stage's" {
    run --separate-stderr -2 sluice transform --resume-from d/ -o d/ "$SAMPLES/orders.csv"
    [[ $stderr == *"the one that writes d/ says --resume"* ]]
}

@test "a stage in Python passes barriers on" {
    need_oracle
    come 0 1000
    cat >stage.py <<'EOF'
import sys, pyarrow as pa
source = pa.ipc.open_stream(sys.stdin.buffer)
sink = pa.ipc.new_stream(sys.stdout.buffer, source.schema)
while True:
    try:
        batch, meta = source.read_next_batch_with_custom_metadata()
    except StopIteration:
        break
    sink.write_batch(batch, custom_metadata=meta)
    sys.stdout.buffer.flush()
sink.close()
EOF
    python() {
        sluice replay new/ --quiet --resume-from d/ "$@" | "$SLUICE_ORACLE" stage.py |
            sluice aggregate --quiet --resume "${WINDOWS[@]}" -o d/
    }
    python
    come 1000 1500
    python --final
    diff <(whole) <(committed d/)
}

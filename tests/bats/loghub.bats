# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# System logs as programs write them, by patterns that a person would type. Python's re reads the
# same lines with the same pattern.
load common

# Loads a log with --time ts and compares rows, their order, content and instants; every line is a
# row or a reject.
loads() { # NAME PATTERN TIME-FORMAT [OPTION...]
    local name=$1 pattern=$2 format=$3
    shift 3
    need_data "loghub/$name.log"
    need_oracle
    run --separate-stderr sluice ingest -I "regex:$pattern" --time ts --tz America/Los_Angeles \
        --time-format "$format" "$@" --rejects bad.json -o l/ "$SLUICE_DATA/loghub/$name.log"
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || { echo "$stderr"; return 1; }
    sluice replay l/ -O json --quiet >rows.json
    touch bad.json
    "$SLUICE_ORACLE" - "$SLUICE_DATA/loghub/$name.log" "$pattern" "$format" <<'PY'
import datetime, json, re, sys, zoneinfo
path, pattern, form = sys.argv[1:]
rx = re.compile(pattern.replace("(?<", "(?P<"))
lines = open(path, "rb").read().decode().replace("\r\n", "\n").removesuffix("\n").split("\n")
zone = zoneinfo.ZoneInfo("America/Los_Angeles")
want, bad = [], []
for line in filter(None, lines):
    m = rx.match(line)
    if not m:
        bad.append(line)
        continue
    if "%Y" not in form and "%y" not in form:
        at = datetime.datetime.strptime("2017 " + m["ts"], "%Y " + form)
    else:
        at = datetime.datetime.strptime(m["ts"], form)
    row = m.groupdict()
    row["ts"] = at.replace(tzinfo=zone).astimezone(datetime.timezone.utc)
    want.append(row)
got = [json.loads(l) for l in open("rows.json")]
for row in got:
    row["ts"] = datetime.datetime.fromisoformat(row["ts"].replace("Z", "+00:00"))
text = lambda row: {k: v if v is None or k == "ts" else str(v) for k, v in row.items()}
assert [json.loads(l)["raw"] for l in open("bad.json")] == bad, "rejects"
assert len(want) > 1000, len(want)
assert list(map(text, got)) == want, next((g, w) for g, w in zip(map(text, got), want) if g != w)
PY
}

@test "Android: times without a year, threads, levels" {
    loads Android '^(?<ts>\d\d-\d\d [\d:.]+) +(?<pid>\d+) +(?<tid>\d+) (?<level>\w) (?<component>.*?): (?<content>.*)$' \
        '%m-%d %H:%M:%S.%f' --year 2017
}

@test "Apache's error log: names of days and months, the year at the end" {
    loads Apache '^\[(?<ts>[^\]]+)\] \[(?<level>\w+)\] (?<content>.*)$' '%a %b %d %H:%M:%S %Y'
}

@test "HDFS: digits alone" {
    loads HDFS '^(?<ts>\d{6} \d{6}) (?<pid>\d+) (?<level>\w+) (?<component>[^:]+): (?<content>.*)$' '%y%m%d %H%M%S'
}

@test "Hadoop and Zookeeper: a comma before the milliseconds" {
    loads Hadoop '^(?<ts>\S+ \S+) (?<level>\w+) \[(?<thread>.*?)\] (?<component>[^:]+): (?<content>.*)$' '%Y-%m-%d %H:%M:%S,%f'
    rm -r l bad.json
    loads Zookeeper '^(?<ts>\S+ \S+) - (?<level>\w+) +\[(?<node>.*)\] - (?<content>.*)$' '%Y-%m-%d %H:%M:%S,%f'
}

@test "syslog: Linux, OpenSSH and a Mac, with groups that take part only at times" {
    loads Linux '^(?<ts>\w{3} +\d+ [\d:]+) (?<host>\S+) (?<proc>[^\[:]+)(?:\[(?<pid>\d+)\])?: (?<content>.*)$' '%b %d %H:%M:%S' --year 2017
    rm -r l bad.json
    loads OpenSSH '^(?<ts>\w{3} +\d+ [\d:]+) (?<host>\S+) sshd\[(?<pid>\d+)\]: (?<content>.*)$' '%b %d %H:%M:%S' --year 2017
    rm -r l bad.json
    loads Mac '^(?<ts>\w{3} +\d+ [\d:]+) (?<host>\S+) (?<proc>[^\[]+)\[(?<pid>\d+)\](?: \([^)]*\))?: (?<content>.*)$' '%b %d %H:%M:%S' --year 2017
}

@test "OpenStack, Spark and Windows: more than one time, slashes, a comma behind the time" {
    loads OpenStack '^(?<file>\S+) (?<ts>\S+ \S+) (?<pid>\d+) (?<level>\w+) (?<component>\S+) \[(?<req>[^\]]*)\] (?<content>.*)$' '%Y-%m-%d %H:%M:%S.%f'
    rm -r l bad.json
    loads Spark '^(?<ts>\S+ \S+) (?<level>\w+) (?<component>[^:]+): (?<content>.*)$' '%y/%m/%d %H:%M:%S'
    rm -r l bad.json
    loads Windows '^(?<ts>[\d-]+ [\d:]+), (?<level>\w+) +(?<component>\w+) +(?<content>.*)$' '%Y-%m-%d %H:%M:%S'
}

@test "a line that the pattern does not match is a bad row, whole" {
    loads Linux '^(?<ts>\w{3} +\d+ [\d:]+) (?<host>\S+) (?<proc>[^\[:]+)\[(?<pid>\d+)\]: (?<content>.*)$' '%b %d %H:%M:%S' --year 2017
    [ "$(wc -l <bad.json)" -gt 100 ]
    [ "$(($(wc -l <rows.json) + $(wc -l <bad.json)))" -eq 2000 ]
}

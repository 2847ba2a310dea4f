# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# Messages say the thing, the place and the way on.
load common

# What sluice says of data that it refuses, and of a command that it refuses.
refused() { # COMMAND...
    run -1 --separate-stderr sluice "$@"
}

misused() { # COMMAND...
    run -2 --separate-stderr sluice "$@"
}

says() { # TEXT
    [[ "$stderr" == *"$1"* ]] || { echo "not said: $1"; echo "$stderr"; return 1; }
}

# ---- logs of web servers ----

common='1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12'

@test "fields behind the agent are shown, with what reads them" {
    printf '%s "-" "curl" "10.0.0.1" 0.003\n' "$common" >extra.log
    refused transform extra.log -O csv
    says 'extra.log:1: the line goes on behind the agent: "10.0.0.1" 0.003; -I regex:PATTERN reads'
}

@test "an unescaped quote in the agent shows the text behind it" {
    printf '%s "-" "a "b" c"\n' "$common" >quote.log
    refused transform quote.log -O csv
    says 'quote.log:1: the line goes on behind the agent: b" c"'
}

@test "a long text behind the agent is cut between characters" {
    printf '%s "-" "curl" %s\n' "$common" "$(printf 'é%.0s' {1..70})" >long.log
    refused transform long.log -O csv
    says "behind the agent: $(printf 'é%.0s' {1..60})...; -I regex"
}

@test "a quote that is not closed is named by its field" {
    printf '%s "-" "curl\n' "$common" >agent.log
    refused transform -I combined agent.log -O csv
    says 'agent.log:1: the quote that opens the agent is never closed'
    printf '%s "http://x/\n' "$common" >referer.log
    refused transform -I combined referer.log -O csv
    says 'referer.log:1: the quote that opens the referer is never closed'
}

@test "the real log's cut line names the quote that is not closed" {
    need_data web/access.log
    refused aggregate "$SLUICE_DATA/web/access.log" --select 'count(*)' -O csv
    says 'access.log:8899: the quote that opens the agent is never closed'
}

@test "a line without referer and agent leads to -I common, and one with them to combined" {
    printf '%s\n' "$common" >c.log
    refused transform -I combined c.log -O csv
    says 'c.log:1: no "referer" "agent" at the end; -I common reads lines without them'
    printf '%s "-"\n' "$common" >r.log
    refused transform -I combined r.log -O csv
    says 'r.log:1: no "agent" behind the referer'
    printf '%s "-" "curl"\n' "$common" >both.log
    refused transform -I common both.log -O csv
    says 'both.log:1: the line goes on behind the bytes: "-" "curl"; -I combined reads'
}

@test "escaped quotes stay in the referer and the agent, and blanks at the end are nothing" {
    printf '%s "http://x/\\"y" "a \\"b\\" c" \t\n' "$common" >ok.log
    [ "$(sluice transform ok.log --quiet --select 'referer, agent' -O json)" = \
        '{"referer":"http://x/\\\"y","agent":"a \\\"b\\\" c"}' ]
    printf '%s \n' "$common" >blank.log
    [ "$(sluice transform blank.log --quiet --select 'status, bytes' -O csv)" = $'status,bytes\n200,12' ]
}

# ---- names that need double quotes ----

names() {
    printf 'First Name,order-id,total %%,user.id,v\nx,1,2,3,4\n' >n.csv
}

# The option with the quotes that its message shows works as it stands.
quoted_is() { # COMMAND OPTION TEXT SHOWN
    misused "$1" n.csv "$2" "$3" -O csv
    says "double quotes: $2 $4"
    eval "sluice $1 n.csv $2 $4 -O csv --quiet" >/dev/null
}

@test "a name with blanks is shown in the double quotes that it needs, in every option" {
    names
    quoted_is transform --select 'first name, v' "'\"First Name\", v'"
    quoted_is transform --where "First Name = 'x'" "\"\\\"First Name\\\" = 'x'\""
    quoted_is transform --where 'v = 4 and length(First Name) = 1' "'v = 4 and length(\"First Name\") = 1'"
    quoted_is transform --drop 'First Name' "'\"First Name\"'"
    quoted_is transform --rename 'First Name = n' "'\"First Name\" = n'"
    quoted_is transform --set "a = First Name || '\$HOME'" "\"a = \\\"First Name\\\" || '\\\$HOME'\""
    quoted_is aggregate --by 'First Name' "'\"First Name\"'"
    quoted_is aggregate --select 'max(First Name)' "'max(\"First Name\")'"
    printf 'First Name,v\nx,1\n' >n.csv
    misused aggregate n.csv --by '"First Name"' --order-by 'First Name desc' -O csv
    says "double quotes: --order-by '\"First Name\" desc'"
}

@test "names with signs, and with keywords between dots, are shown in double quotes, at that place only" {
    names
    quoted_is transform --select order-id "'\"order-id\"'"
    quoted_is transform --where 'total % > 1' "'\"total %\" > 1'"
    quoted_is transform --select 'user.id + 1 as n' "'\"user.id\" + 1 as n'"
    # an error elsewhere has nothing to do with them
    misused transform n.csv --where "v = = 3 or 'First Name' = 'x'" -O csv
    [[ "$stderr" != *"double quotes"* ]]
    says 'syntax error at or near "="'
}

@test "--types shows a name with blanks in double quotes" {
    names
    misused transform n.csv --types 'v bigint, First Name text' -O csv
    says 'in double quotes: "First Name" text'
    sluice transform n.csv --types 'v bigint, "First Name" text' -O csv --quiet
}

# ---- JSON that is not one object a line ----

@test "two JSON values on a line are said to be two" {
    printf '{}{}\n' >t.jsonl
    refused transform t.jsonl -O csv
    says 't.jsonl:1: two JSON values on a line; one value a line is read (jq -c . makes that)'
    printf '{"a":1}\n{"a":1} {"a":2}\n' >t.jsonl
    refused transform t.jsonl -O csv
    says 't.jsonl:2: two JSON values on a line'
    [ "$(printf '{}{"a":1}{"a":2}' | jq -c . | sluice transform - -I json -O json --quiet | tail -n 1)" = '{"a":2}' ]
}

@test "an array, the items of one and an object over several lines get the jq that makes them lines" {
    printf '{ "a": 1,\n  "b": 2 }\n' >t.json
    refused transform t.json -O csv
    says 't.json:1: the object goes on behind the end of its line: it is cut off, or printed over several lines; jq -c .'
    printf '{"a":1},\n{"a":2}\n' >t.json
    refused transform t.json -O csv
    says "t.json:1: a comma ends the line, as between the items of an array; jq -c '.[]'"
    printf '[{"a":1},{"a":2}]\n' >t.array
    refused transform - -O csv <t.array
    says "standard input:1: an array, not an object; jq -c '.[]' makes its items lines"
    printf '[\n  {"a":1}\n]\n' >t.array
    refused transform - -O csv <t.array
    says "standard input:1: an array, not an object; jq -c '.[]' makes its items lines"
}

# ---- bytes that are not UTF-8 ----

@test "Latin-1 in a row names line, column and byte, and both ways on" {
    printf 'v,name\n1,Ann\n2,"J\xf6rg, A."\n' >t.csv
    refused transform t.csv -O csv
    says 't.csv:3:2: column name: byte 0xF6 is not UTF-8; iconv -f latin1 -t UTF-8 converts Latin-1, and the type bytea keeps the bytes'
    [ "$(iconv -f latin1 -t UTF-8 t.csv | sluice transform - -O csv --quiet | tail -n 1)" = '2,"Jörg, A."' ]
    [ "$(sluice transform t.csv --types 'name bytea' -O csv --quiet | tail -n 1)" = '2,\x4af672672c20412e' ]
}

@test "rejects of Latin-1 hold the column's name" {
    printf 'v,name\n1,Ann\n2,J\xf6rg\n' >t.csv
    run -3 sluice transform t.csv -O csv --quiet --rejects bad.json
    run -0 --separate-stderr sluice transform bad.json --quiet --select '"column", line' -O csv
    [ "$output" = $'column,line\nname,3' ] || { echo "$output"; return 1; }
}

@test "Latin-1 in JSON and in lines names the byte" {
    printf '{"name":"J\xf6rg"}\n' >t.jsonl
    refused transform t.jsonl -O csv
    says 't.jsonl:1: byte 0xF6 is not UTF-8; iconv -f latin1'
    printf 'ok\nJ\xf6\xe9\n' >t.txt
    refused transform -I lines t.txt -O csv
    says 't.txt:2: byte 0xF6 is not UTF-8; iconv -f latin1'
}

# ---- keys that came late, and delimiters that were said wrongly ----

# 12,000 rows that settle the types, and a row with another key.
late_key() {
    seq -f '{"a":%.0f}' 12000
    echo '{"a":0,"late":5}'
}

@test "a key that came late is looked for in _rest, or declared" {
    late_key >t.jsonl
    misused transform t.jsonl --select late -O csv
    says "no column is named \"late\"; a key that came late lies in _rest (_rest ->> 'late'); --types 'late text' makes it a column; columns: a"
    [ "$(sluice transform t.jsonl --where "_rest ->> 'late' = '5'" -O json --quiet)" = '{"a":0,"late":5}' ]
    [ "$(sluice transform t.jsonl --types 'late text' --where "late = '5'" -O csv --quiet)" = $'a,late\n0,5' ]
    printf 'a\n1\n' >t.csv
    misused transform t.csv --select late -O csv
    [[ "$stderr" != *_rest* ]] # CSV has no such keys
}

@test "a header that is one name with other delimiters in it is said, with the delimiter" {
    printf 'a;b\n1;2\n' >t.csv
    misused transform t.csv -I tsv --select b -O csv
    says "the only column is a;b; --delimiter ';' makes several of it"
    printf 'a\tb\n1\t2\n' >t.csv
    run -0 --separate-stderr sluice transform t.csv --delimiter , -O csv
    says 'the only column is a\tb; --delimiter tab makes several of it'
    [ "$(sluice transform t.csv --delimiter tab --select b -O csv --quiet)" = $'b\n2' ]
}

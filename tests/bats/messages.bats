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

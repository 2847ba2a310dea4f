# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# bash completion for sluice; made by `sluice completion bash`.
# shellcheck shell=bash disable=SC2207

# REPLY: a word of the line as the command will get it.
_sluice_plain() {
    local rest=$1 quote='' char
    REPLY=''
    while [[ -n $rest ]]; do
        char=${rest:0:1} rest=${rest:1}
        if [[ $char == \\ && $quote != "'" ]]; then
            REPLY+=${rest:0:1} rest=${rest:1}
        elif [[ -z $quote && $char == [\'\"] ]]; then
            quote=$char
        elif [[ $char != "$quote" ]]; then
            REPLY+=$char
        fi
    done
    [[ $1 != \~/* ]] || REPLY=$HOME${REPLY:1}
}

# The line's words in `words`: what readline cuts at = and : in one piece again, but --name=value in
# two. `value`: the last stands behind =. `cut`: how much of it readline leaves alone.
_sluice_words() {
    local word joins=0
    words=() value='' cut=''
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        if [[ $word == = && ${words[*]: -1} == --* && -z $value ]]; then
            words+=('') value=1 joins=1
        elif [[ -n $word && -z ${word//:/} && ${#words[@]} -gt 1 ]]; then
            words[-1]+=$word joins=1 cut=${words[-1]}
        elif ((joins)); then
            words[-1]+=$word joins=0
        else
            words+=("$word") value='' cut=''
        fi
    done
}

# Completes the last identifier of the word $1 with the columns of the logs on the line. $2 = name:
# the word is nothing else than a name; else a name may stand in SQL's quotes. What a log says is
# never given to the shell to expand.
_sluice_columns() {
    local word name part front names=() quote=''
    for word in "${words[@]:2}"; do
        _sluice_plain "$word"
        [[ -d $REPLY/commits ]] || continue
        while IFS= read -r name; do
            names+=("$name")
        done < <("${words[0]}" completion --columns "$REPLY" 2>/dev/null)
    done
    [[ $1 == [\'\"]* ]] && quote=${1:0:1}
    _sluice_plain "$1"
    part=$REPLY
    [[ $2 == name ]] || part=${REPLY##*[!A-Za-z0-9_.]}
    front=${REPLY%"$part"}
    for name in "${names[@]}"; do
        [[ $name == "$part"* && $name != *[[:cntrl:]]* ]] || continue
        if [[ $2 != name && $front == *\" ]]; then
            name+=\"
        elif [[ $2 != name && ! $name =~ ^[A-Za-z_][A-Za-z0-9_.]*$ ]]; then
            name=\"${name//\"/\"\"}\"
        fi
        name=$front$name
        case $quote in
        \') [[ $name == *\'* ]] && continue ;;
        \") name=${name//\\/\\\\} name=${name//\"/\\\"} name=${name//\$/\\\$} name=${name//\`/\\\`} ;;
        *) [[ $name != *[!A-Za-z0-9_.,]* ]] || printf -v name %q "$name" ;;
        esac
        COMPREPLY+=("${name#"$cut"}")
    done
    compopt -o nospace
}

# Completes the word with one of a list.
_sluice_values() {
    COMPREPLY=($(compgen -W "$1" -- "$cur"))
    COMPREPLY=("${COMPREPLY[@]#"$cut"}")
}

_sluice() {
    local words value cut cur prev options='' verbs='' REPLY
    _sluice_words
    cur=${words[-1]} prev=${words[-2]}
    COMPREPLY=()
    if ((${#words[@]} == 2)); then
        compopt -o default
        _sluice_values "ingest partition transform aggregate tail replay log completion help"
        return
    fi
    case $prev in
    --watch)
        compopt -o default
        return
        ;;
    --forget)
        return
        ;;
    --from-rejects)
        compopt -o default
        return
        ;;
    --input-format | -I)
        _sluice_values "csv tsv json combined common lines arrow regex:"
        return
        ;;
    --delimiter)
        return
        ;;
    --types)
        _sluice_columns "$cur"
        return
        ;;
    --max-columns)
        return
        ;;
    --time)
        _sluice_columns "$cur" name
        return
        ;;
    --time-format)
        _sluice_values "syslog epoch:s epoch:ms epoch:us epoch:ns"
        return
        ;;
    --year)
        return
        ;;
    --tz)
        return
        ;;
    --out-of-order)
        return
        ;;
    --output | -o)
        compopt -o default
        return
        ;;
    --output-format | -O)
        _sluice_values "csv tsv json table arrow"
        return
        ;;
    --partitions)
        return
        ;;
    --key)
        _sluice_columns "$cur"
        return
        ;;
    --hash)
        _sluice_values "murmur2 crc32"
        return
        ;;
    --sync)
        _sluice_values "commit none 1s"
        return
        ;;
    --segment-size)
        return
        ;;
    --resume)
        [[ -n $value ]] && _sluice_values "(null)" && return
        ;;
    --resume-from)
        compopt -o default
        return
        ;;
    --checkpoint)
        return
        ;;
    --rejects)
        compopt -o default
        return
        ;;
    --max-rejects)
        return
        ;;
    --threads | -j)
        return
        ;;
    --memory)
        return
        ;;
    --stats)
        [[ -n $value ]] && _sluice_values "json" && return
        ;;
    --by)
        _sluice_columns "$cur"
        return
        ;;
    --into)
        return
        ;;
    --group)
        return
        ;;
    --where)
        _sluice_columns "$cur"
        return
        ;;
    --set)
        _sluice_columns "$cur"
        return
        ;;
    --select)
        _sluice_columns "$cur"
        return
        ;;
    --drop)
        _sluice_columns "$cur"
        return
        ;;
    --rename)
        _sluice_columns "$cur"
        return
        ;;
    --sets)
        return
        ;;
    --having)
        _sluice_columns "$cur"
        return
        ;;
    --window)
        return
        ;;
    --late)
        compopt -o default
        return
        ;;
    --order-by)
        _sluice_columns "$cur"
        return
        ;;
    --limit)
        return
        ;;
    --rows | -n)
        _sluice_values "0 10 100 all"
        return
        ;;
    --from)
        _sluice_values "earliest latest"
        return
        ;;
    --to)
        _sluice_values "earliest latest"
        return
        ;;
    --partition)
        return
        ;;
    --speed)
        return
        ;;
    --older)
        return
        ;;
    --before)
        return
        ;;
    --to-size)
        return
        ;;
    --before-offset)
        return
        ;;
    --grace)
        return
        ;;
    --retain-age)
        _sluice_values "none"
        return
        ;;
    --retain-size)
        _sluice_values "none"
        return
        ;;
    esac
    case ${words[1]} in
    ingest)
        options="--watch --forget --from-rejects --input-format --delimiter --no-header --header --types --max-columns --time --time-format --year --tz --follow --out-of-order --output --output-format --force --append --spreadsheet-safe --partitions --key --hash --sync --segment-size --resume --resume-from --wait --final --checkpoint --reset-state --again --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    partition)
        options="--by --into --hash --input-format --delimiter --no-header --header --types --max-columns --time --time-format --year --tz --follow --out-of-order --group --commit-on-success --output --output-format --force --append --spreadsheet-safe --sync --segment-size --resume --resume-from --wait --final --checkpoint --reset-state --again --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    transform)
        options="--where --set --select --drop --rename --input-format --delimiter --no-header --header --types --max-columns --time --time-format --year --tz --follow --out-of-order --group --commit-on-success --output --output-format --force --append --spreadsheet-safe --partitions --key --hash --sync --segment-size --resume --resume-from --wait --final --checkpoint --reset-state --again --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    aggregate)
        options="--where --select --by --sets --having --window --late --order-by --limit --partial --merge --input-format --delimiter --no-header --header --types --max-columns --time --time-format --year --tz --follow --out-of-order --group --commit-on-success --output --output-format --force --append --spreadsheet-safe --partitions --key --hash --sync --segment-size --resume --resume-from --wait --final --checkpoint --reset-state --again --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    tail)
        options="--rows --where --meta --input-format --delimiter --no-header --header --types --max-columns --time --time-format --year --tz --follow --out-of-order --group --commit-on-success --output --output-format --force --append --spreadsheet-safe --partitions --key --hash --sync --segment-size --again --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    replay)
        options="--from --to --partition --speed --where --meta --tz --follow --out-of-order --group --commit-on-success --output --output-format --force --append --spreadsheet-safe --partitions --key --hash --sync --segment-size --resume --resume-from --wait --final --checkpoint --reset-state --again --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    log)
        options="--columns --output --yes --older --before --to-size --before-offset --grace --retain-age --retain-size --dry-run --to --tz --help"
        verbs="info schema verify repair prune set compact export import rollback groups"
        ;;
    completion)
        options="--columns --help"
        verbs="bash"
        ;;
    help)
        options="--help"
        verbs="aggregates functions"
        ;;
    esac
    if [[ $cur == -* ]]; then
        _sluice_values "$options"
    elif ((${#words[@]} == 3)) && [[ -n $verbs ]]; then
        _sluice_values "$verbs"
    else
        compopt -o default
    fi
}
complete -F _sluice sluice

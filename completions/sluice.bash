# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The sluice authors
#
# bash completion for sluice; made by `sluice completion bash`.
# shellcheck shell=bash disable=SC2207

# Names of the columns of the logs on the line, for the part behind the last comma.
_sluice_columns() {
    local word names=''
    for word in "${COMP_WORDS[@]:2}"; do
        [[ -d $word/commits ]] && names+=" $(sluice completion --columns "$word" 2>/dev/null)"
    done
    local front=''
    [[ $1 == *,* ]] && front=${1%,*},
    COMPREPLY=($(compgen -P "$front" -W "$names" -- "${1##*,}"))
    compopt -o nospace
}

_sluice() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} options='' verbs=''
    COMPREPLY=()
    # Readline cuts --name=value into three words.
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if ((COMP_CWORD == 1)); then
        compopt -o filenames
        COMPREPLY=($(compgen -f -W "ingest partition transform aggregate tail replay log help" -- "$cur"))
        return
    fi
    case $prev in
    --input-format | -I)
        COMPREPLY=($(compgen -W "csv tsv json combined common lines arrow regex:" -- "$cur"))
        return
        ;;
    --delimiter)
        return
        ;;
    --types)
        _sluice_columns "$cur"
        return
        ;;
    --time)
        _sluice_columns "$cur"
        return
        ;;
    --time-format)
        COMPREPLY=($(compgen -W "syslog epoch:s epoch:ms epoch:us epoch:ns" -- "$cur"))
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
        compopt -o filenames
        COMPREPLY=($(compgen -f -- "$cur"))
        return
        ;;
    --output-format | -O)
        COMPREPLY=($(compgen -W "csv tsv json table arrow" -- "$cur"))
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
        COMPREPLY=($(compgen -W "murmur2 crc32" -- "$cur"))
        return
        ;;
    --sync)
        COMPREPLY=($(compgen -W "commit none 1s" -- "$cur"))
        return
        ;;
    --segment-size)
        return
        ;;
    --rejects)
        compopt -o filenames
        COMPREPLY=($(compgen -f -- "$cur"))
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
        COMPREPLY=($(compgen -W "json" -- "$cur"))
        [[ ${COMP_WORDS[COMP_CWORD - 1]} == = || ${COMP_WORDS[COMP_CWORD]} == = ]] && return
        COMPREPLY=()
        ;;
    --by)
        _sluice_columns "$cur"
        return
        ;;
    --into)
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
    --window)
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
        COMPREPLY=($(compgen -W "0 10 100 all" -- "$cur"))
        return
        ;;
    --from)
        COMPREPLY=($(compgen -W "earliest latest" -- "$cur"))
        return
        ;;
    --to)
        COMPREPLY=($(compgen -W "earliest latest" -- "$cur"))
        return
        ;;
    --partition)
        return
        ;;
    --speed)
        return
        ;;
    esac
    case ${COMP_WORDS[1]} in
    ingest)
        options="--resume --again --input-format --delimiter --no-header --types --time --time-format --year --tz --follow --out-of-order --output --output-format --force --append --spreadsheet-safe --partitions --key --hash --sync --segment-size --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    partition)
        options="--by --into --output --hash --input-format --delimiter --no-header --types --time --time-format --year --tz --follow --out-of-order --sync --segment-size --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    transform)
        options="--where --set --select --drop --rename --input-format --delimiter --no-header --types --time --time-format --year --tz --follow --out-of-order --output --output-format --force --append --spreadsheet-safe --partitions --key --hash --sync --segment-size --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    aggregate)
        options="--where --select --by --window --order-by --limit --input-format --delimiter --no-header --types --time --time-format --year --tz --follow --out-of-order --output --output-format --force --append --spreadsheet-safe --partitions --key --hash --sync --segment-size --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    tail)
        options="--rows --where --meta --input-format --delimiter --no-header --types --time --time-format --year --tz --follow --out-of-order --output --output-format --force --append --spreadsheet-safe --partitions --key --hash --sync --segment-size --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    replay)
        options="--from --to --partition --speed --where --meta --tz --follow --out-of-order --output --output-format --force --append --spreadsheet-safe --partitions --key --hash --sync --segment-size --rejects --max-rejects --fail-empty --threads --memory --quiet --stats --explain --help"
        ;;
    log)
        options="--yes --help"
        verbs="info verify repair"
        ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    elif ((COMP_CWORD == 2)) && [[ -n $verbs ]]; then
        COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
    else
        compopt -o filenames
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -F _sluice sluice

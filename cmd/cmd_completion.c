/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * completion: `sluice completion bash` prints the completion script, made from the tables of
 * options; the script calls `sluice completion --columns LOG` for names of columns.
 *
 * An option means the same in every command, so the script needs one list of what completes the
 * value of which option, and per command only the names.
 */
#include "args.h"
#include "help.h"
#include "log/log.h"

struct completion_args {
    struct sl_args common;
    const char *columns;
};

static const char head[] =
    "# SPDX-License-Identifier: MIT\n"
    "# Copyright (c) 2026 The sluice authors\n"
    "#\n"
    "# bash completion for sluice; made by `sluice completion bash`.\n"
    "# shellcheck shell=bash disable=SC2207\n"
    "\n"
    "# REPLY: a word of the line as the command will get it.\n"
    "_sluice_plain() {\n"
    "    local rest=$1 quote='' char\n"
    "    REPLY=''\n"
    "    while [[ -n $rest ]]; do\n"
    "        char=${rest:0:1} rest=${rest:1}\n"
    "        if [[ $char == \\\\ && $quote != \"'\" ]]; then\n"
    "            REPLY+=${rest:0:1} rest=${rest:1}\n"
    "        elif [[ -z $quote && $char == [\\'\\\"] ]]; then\n"
    "            quote=$char\n"
    "        elif [[ $char != \"$quote\" ]]; then\n"
    "            REPLY+=$char\n"
    "        fi\n"
    "    done\n"
    "    [[ $1 != \\~/* ]] || REPLY=$HOME${REPLY:1}\n"
    "}\n"
    "\n"
    "# The line's words in `words`: what readline cuts at = and : in one piece again, but "
    "--name=value in\n"
    "# two. `value`: the last stands behind =. `cut`: how much of it readline leaves alone.\n"
    "_sluice_words() {\n"
    "    local word joins=0\n"
    "    words=() value='' cut=''\n"
    "    for word in \"${COMP_WORDS[@]:0:COMP_CWORD+1}\"; do\n"
    "        if [[ $word == = && ${words[*]: -1} == --* && -z $value ]]; then\n"
    "            words+=('') value=1 joins=1\n"
    "        elif [[ -n $word && -z ${word//:/} && ${#words[@]} -gt 1 ]]; then\n"
    "            words[-1]+=$word joins=1 cut=${words[-1]}\n"
    "        elif ((joins)); then\n"
    "            words[-1]+=$word joins=0\n"
    "        else\n"
    "            words+=(\"$word\") value='' cut=''\n"
    "        fi\n"
    "    done\n"
    "}\n"
    "\n"
    "# Completes the last identifier of the word $1 with the columns of the logs on the line. $2 = "
    "name:\n"
    "# the word is nothing else than a name; else a name may stand in SQL's quotes. What a log "
    "says is\n"
    "# never given to the shell to expand.\n"
    "_sluice_columns() {\n"
    "    local word name part front names=() quote=''\n"
    "    for word in \"${words[@]:2}\"; do\n"
    "        _sluice_plain \"$word\"\n"
    "        [[ -d $REPLY/commits ]] || continue\n"
    "        while IFS= read -r name; do\n"
    "            names+=(\"$name\")\n"
    "        done < <(\"${words[0]}\" completion --columns \"$REPLY\" 2>/dev/null)\n"
    "    done\n"
    "    [[ $1 == [\\'\\\"]* ]] && quote=${1:0:1}\n"
    "    _sluice_plain \"$1\"\n"
    "    part=$REPLY\n"
    "    [[ $2 == name ]] || part=${REPLY##*[!A-Za-z0-9_.]}\n"
    "    front=${REPLY%\"$part\"}\n"
    "    for name in \"${names[@]}\"; do\n"
    "        [[ $name == \"$part\"* && $name != *[[:cntrl:]]* ]] || continue\n"
    "        if [[ $2 != name && $front == *\\\" ]]; then\n"
    "            name+=\\\"\n"
    "        elif [[ $2 != name && ! $name =~ ^[A-Za-z_][A-Za-z0-9_.]*$ ]]; then\n"
    "            name=\\\"${name//\\\"/\\\"\\\"}\\\"\n"
    "        fi\n"
    "        name=$front$name\n"
    "        case $quote in\n"
    "        \\') [[ $name == *\\'* ]] && continue ;;\n"
    "        \\\") name=${name//\\\\/\\\\\\\\} name=${name//\\\"/\\\\\\\"} "
    "name=${name//\\$/\\\\\\$} name=${name//\\`/\\\\\\`} ;;\n"
    "        *) [[ $name != *[!A-Za-z0-9_.,]* ]] || printf -v name %q \"$name\" ;;\n"
    "        esac\n"
    "        COMPREPLY+=(\"${name#\"$cut\"}\")\n"
    "    done\n"
    "    compopt -o nospace\n"
    "}\n"
    "\n"
    "# Completes the word with one of a list.\n"
    "_sluice_values() {\n"
    "    COMPREPLY=($(compgen -W \"$1\" -- \"$cur\"))\n"
    "    COMPREPLY=(\"${COMPREPLY[@]#\"$cut\"}\")\n"
    "}\n"
    "\n"
    "_sluice() {\n"
    "    local words value cut cur prev options='' verbs='' REPLY\n"
    "    _sluice_words\n"
    "    cur=${words[-1]} prev=${words[-2]}\n"
    "    COMPREPLY=()\n";

static const char tail[] = "    if [[ $cur == -* ]]; then\n"
                           "        _sluice_values \"$options\"\n"
                           "    elif ((${#words[@]} == 3)) && [[ -n $verbs ]]; then\n"
                           "        _sluice_values \"$verbs\"\n"
                           "    else\n"
                           "        compopt -o default\n"
                           "    fi\n"
                           "}\n"
                           "complete -F _sluice sluice\n";

static int takes_value(const struct sl_option *o)
{
    return o->kind != SL_OPTION_FLAG && o->kind != SL_OPTION_HELP;
}

/* What completes the value of an option: an arm of the case over the word before. Files are left to
 * readline, which knows how their names are quoted. */
static void print_value(const struct sl_option *o, FILE *out)
{
    fprintf(out, o->letter ? "    --%s | -%c)\n" : "    --%s)\n", o->name, o->letter);
    /* A value that only = can give does not take the next word. */
    if (o->kind == SL_OPTION_OPTIONAL)
        fprintf(out, "        [[ -n $value ]] && _sluice_values \"%s\" && return\n", o->values);
    else if (o->complete == SL_COMPLETE_VALUES)
        fprintf(out, "        _sluice_values \"%s\"\n", o->values);
    else if (o->complete == SL_COMPLETE_COLUMN)
        fputs("        _sluice_columns \"$cur\"\n", out);
    else if (o->complete == SL_COMPLETE_NAME)
        fputs("        _sluice_columns \"$cur\" name\n", out);
    else if (o->complete == SL_COMPLETE_FILE)
        fputs("        compopt -o default\n", out);
    if (o->kind != SL_OPTION_OPTIONAL)
        fputs("        return\n", out);
    fputs("        ;;\n", out);
}

/* 1 if an earlier command already has an option of this name. */
static int seen(const struct sl_cmd *const *until, const char *name)
{
    for (const struct sl_cmd *const *c = sl_commands; c < until; c++)
        for (const struct sl_option_set *s = (*c)->sets; s->options; s++)
            for (const struct sl_option *o = s->options; o->name; o++)
                if (strcmp(o->name, name) == 0)
                    return 1;
    return 0;
}

static void print_values(FILE *out)
{
    fputs("    case $prev in\n", out);
    for (const struct sl_cmd *const *c = sl_commands; *c; c++)
        for (const struct sl_option_set *s = (*c)->sets; s->options; s++)
            for (const struct sl_option *o = s->options; o->name; o++)
                if (takes_value(o) && !seen(c, o->name))
                    print_value(o, out);
    fputs("    esac\n", out);
}

static void print_names(FILE *out)
{
    fputs("    case ${words[1]} in\n", out);
    for (const struct sl_cmd *const *c = sl_commands; *c; c++) {
        fprintf(out, "    %s)\n        options=\"", (*c)->name);
        const char *gap = "";
        for (const struct sl_option_set *s = (*c)->sets; s->options; s++)
            for (const struct sl_option *o = s->options; o->name; o++) {
                fprintf(out, "%s--%s", gap, o->name);
                gap = " ";
            }
        fputs("\"\n", out);
        if ((*c)->verbs)
            fprintf(out, "        verbs=\"%s\"\n", (*c)->verbs);
        fputs("        ;;\n", out);
    }
    fputs("    esac\n", out);
}

static void print_script(FILE *out)
{
    fputs(head, out);
    fputs(
        "    if ((${#words[@]} == 2)); then\n        compopt -o default\n        _sluice_values \"",
        out);
    for (const struct sl_cmd *const *c = sl_commands; *c; c++)
        fprintf(out, "%s%s", c == sl_commands ? "" : " ", (*c)->name);
    fputs("\"\n        return\n    fi\n", out);
    print_values(out);
    print_names(out);
    fputs(tail, out);
}

static int print_columns(const struct sl_cmd *cmd, const char *path)
{
    struct sl_err err;
    struct sl_log *log = NULL;
    sl_err_init(&err);
    if (sl_log_open(path, &log, &err) < 0)
        return sl_command_fail(cmd, &err);
    const struct sl_schema *s = sl_log_schema(log);
    for (int i = 0; i < s->nfields; i++)
        printf("%s\n", s->fields[i].name);
    sl_log_free(log);
    return SL_EXIT_GOOD;
}

static int run(const struct sl_cmd *cmd, void *options, const struct sl_invocation *call)
{
    const struct completion_args *a = options;
    struct sl_err err;
    if (a->columns && call->args.n == 0)
        return print_columns(cmd, a->columns);
    if (!a->columns && call->args.n == 1 && strcmp(call->args.items[0], "bash") == 0) {
        print_script(stdout);
        return SL_EXIT_GOOD;
    }
    sl_err_set(&err, SL_EUSAGE, "which shell? bash is the one there is");
    return sl_command_usage(cmd, &err);
}

static const struct sl_option own[] = {
    {"columns", 0, SL_OPTION_TEXT, SL_COMPLETE_FILE, "LOG",
     "names of the log's columns, one a line", offsetof(struct completion_args, columns), NULL},
    {0},
};
static const struct sl_option_set sets[] = {{"Options", own}, SL_SET_HELP, SL_SET_END};
static const char *const examples[] = {"source <(sluice completion bash)", NULL};

const struct sl_cmd sl_cmd_completion = {
    .name = "completion",
    .summary = "print the bash completion",
    .usage = "[option ...] bash",
    .about = "Prints the script that completes sluice's commands, options and columns in bash.\n",
    .sets = sets,
    .size = sizeof(struct completion_args),
    .examples = examples,
    .verbs = "bash",
    .run = run,
};

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
    "# Names of the columns of the logs on the line, for the part behind the last comma.\n"
    "_sluice_columns() {\n"
    "    local word names=''\n"
    "    for word in \"${COMP_WORDS[@]:2}\"; do\n"
    "        [[ -d $word/commits ]] && names+=\" $(sluice completion --columns \"$word\" "
    "2>/dev/null)\"\n"
    "    done\n"
    "    local front=''\n"
    "    [[ $1 == *,* ]] && front=${1%,*},\n"
    "    COMPREPLY=($(compgen -P \"$front\" -W \"$names\" -- \"${1##*,}\"))\n"
    "    compopt -o nospace\n"
    "}\n"
    "\n"
    "_sluice() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} options='' "
    "verbs=''\n"
    "    COMPREPLY=()\n"
    "    # Readline cuts --name=value into three words.\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur=''\n"
    "    elif [[ $prev == = ]]; then\n"
    "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n";

static const char tail[] = "    if [[ $cur == -* ]]; then\n"
                           "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
                           "    elif ((COMP_CWORD == 2)) && [[ -n $verbs ]]; then\n"
                           "        COMPREPLY=($(compgen -W \"$verbs\" -- \"$cur\"))\n"
                           "    else\n"
                           "        compopt -o filenames\n"
                           "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                           "    fi\n"
                           "}\n"
                           "complete -F _sluice sluice\n";

static int takes_value(const struct sl_option *o)
{
    return o->kind != SL_OPTION_FLAG && o->kind != SL_OPTION_HELP;
}

/* What completes the value of an option: an arm of the case over the word before. */
static void print_value(const struct sl_option *o, FILE *out)
{
    fprintf(out, o->letter ? "    --%s | -%c)\n" : "    --%s)\n", o->name, o->letter);
    switch ((enum sl_complete)o->complete) {
    case SL_COMPLETE_COLUMN: fputs("        _sluice_columns \"$cur\"\n", out); break;
    case SL_COMPLETE_VALUES:
        fprintf(out, "        COMPREPLY=($(compgen -W \"%s\" -- \"$cur\"))\n", o->values);
        break;
    case SL_COMPLETE_FILE:
        fputs("        compopt -o filenames\n"
              "        COMPREPLY=($(compgen -f -- \"$cur\"))\n",
              out);
        break;
    case SL_COMPLETE_NOTHING: break;
    }
    /* A value that only = can give does not take the next word. */
    if (o->kind == SL_OPTION_OPTIONAL)
        fputs("        [[ ${COMP_WORDS[COMP_CWORD - 1]} == = || ${COMP_WORDS[COMP_CWORD]} == = ]] "
              "&& return\n"
              "        COMPREPLY=()\n",
              out);
    else
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
        for (const struct sl_option_set *s = (*c)->sets; s->options && (*c)->group; s++)
            for (const struct sl_option *o = s->options; o->name; o++)
                if (takes_value(o) && !seen(c, o->name))
                    print_value(o, out);
    fputs("    esac\n", out);
}

static void print_names(FILE *out)
{
    fputs("    case ${COMP_WORDS[1]} in\n", out);
    for (const struct sl_cmd *const *c = sl_commands; *c; c++) {
        if (!(*c)->group)
            continue;
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
    fputs("    if ((COMP_CWORD == 1)); then\n"
          "        compopt -o filenames\n"
          "        COMPREPLY=($(compgen -f -W \"",
          out);
    for (const struct sl_cmd *const *c = sl_commands; *c; c++)
        if ((*c)->group)
            fprintf(out, "%s ", (*c)->name);
    fputs("help\" -- \"$cur\"))\n        return\n    fi\n", out);
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

static int run(const struct sl_cmd *cmd, void *options, const struct sl_call *call)
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
static const char *const examples[] = {"sluice completion bash", NULL};

const struct sl_cmd sl_cmd_completion = {
    .name = "completion",
    .summary = "print the bash completion",
    .usage = "[option ...] bash",
    .about = "Prints the script that completes sluice's options in bash.\n",
    .sets = sets,
    .size = sizeof(struct completion_args),
    .examples = examples,
    .verbs = "bash",
    .run = run,
};

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* help: see help.h; and `sluice help`, which says the same. */
#include "args.h"
#include "expr/expr.h"
#include "help.h"

enum { HELP_COLUMN = 30, COMMAND_COLUMN = 14 };

void sl_help_all(FILE *out)
{
    const char *group = "";
    fputs("usage: sluice COMMAND [option ...] [argument ...]\n"
          "       sluice FILE|LOG          show it as a table\n",
          out);
    for (const struct sl_cmd *const *c = sl_commands; *c; c++) {
        if (!(*c)->group)
            continue;
        if (strcmp(group, (*c)->group) != 0)
            fprintf(out, "\n%s\n", (*c)->group);
        group = (*c)->group;
        fprintf(out, "  %-*s%s\n", COMMAND_COLUMN, (*c)->name, (*c)->summary);
    }
    fputs("\n`sluice COMMAND -h` shows its options and examples, `man sluice-COMMAND` all of it.\n"
          "A source is a log, a file or - for standard input; frames or text may come in a pipe.\n",
          out);
}

static void help_option(const struct sl_option *o, FILE *out)
{
    char names[64];
    const char *between = o->kind == SL_OPTION_OPTIONAL ? "[=" : " ";
    const char *close = o->kind == SL_OPTION_OPTIONAL ? "]" : "";
    int n = o->letter ? snprintf(names, sizeof(names), "  -%c, --%s", o->letter, o->name)
                      : snprintf(names, sizeof(names), "      --%s", o->name);
    if (o->argument && n > 0 && (size_t)n < sizeof(names))
        snprintf(names + n, sizeof(names) - (size_t)n, "%s%s%s", between, o->argument, close);
    fprintf(out, "%-*s %s\n", HELP_COLUMN, names, o->help);
}

void sl_help_command(const struct sl_cmd *c, FILE *out)
{
    fprintf(out, "usage: sluice %s %s\n%s\n", c->name, c->usage, c->about);
    for (const struct sl_option_set *s = c->sets; s->options; s++) {
        if (s->title)
            fprintf(out, "%s\n", s->title);
        for (const struct sl_option *o = s->options; o->name; o++)
            help_option(o, out);
    }
    if (c->examples[0])
        fputs("Examples\n", out);
    for (const char *const *e = c->examples; *e; e++)
        fprintf(out, "  %s\n", *e);
}

/* What is no command. */
static const struct {
    const char *name;
    void (*print)(struct sl_buf *out);
} topics[] = {{"aggregates", sl_aggregates_print}, {"functions", sl_functions_print}};

/* 1 if the word is one of them, and it is printed; 0; < 0. */
static int help_topic(const char *word, struct sl_err *err)
{
    struct sl_buf text = SL_BUF_INIT;
    size_t i = 0;
    while (i < SL_COUNT(topics) && strcmp(topics[i].name, word) != 0)
        i++;
    if (i == SL_COUNT(topics))
        return 0;
    topics[i].print(&text);
    int rc = sl_buf_check(&text, err);
    if (rc == 0)
        fwrite(text.data, 1, text.len, stdout);
    sl_buf_release(&text);
    return rc < 0 ? rc : 1;
}

static int run(const struct sl_cmd *cmd, void *options SL_UNUSED, const struct sl_invocation *call)
{
    const char *const *words = (const char *const *)call->args.items;
    const struct sl_cmd *about = call->args.n ? sl_command_find(words[0]) : NULL;
    struct sl_err err;
    if (call->args.n > 1) {
        sl_err_set(&err, SL_EUSAGE, "one command at a time: what is '%s'?", words[1]);
        return sl_command_usage(cmd, &err);
    }
    int is_topic = call->args.n && !about ? help_topic(words[0], &err) : 0;
    if (is_topic < 0)
        return sl_command_fail(cmd, &err);
    if (is_topic)
        return SL_EXIT_GOOD;
    if (call->args.n && !about)
        return sl_command_unknown(words[0]);
    if (about)
        sl_help_command(about, stdout);
    else
        sl_help_all(stdout);
    return SL_EXIT_GOOD;
}

static const struct sl_option_set sets[] = {SL_SET_HELP, SL_SET_END};
static const char *const examples[] = {"sluice help", "sluice help ingest",
                                       "sluice help aggregates", "sluice help functions", NULL};

const struct sl_cmd sl_cmd_help = {
    .name = "help",
    .summary = "the commands, or one of them",
    .verbs = "aggregates functions",
    .usage = "[command|aggregates|functions]",
    .about = "Lists the commands; of a command, shows its options and examples.\n"
             "functions lists what expressions can call, each with an example;\n"
             "aggregates what can stand in --select of sluice aggregate.\n",
    .sets = sets,
    .size = sizeof(struct sl_args),
    .examples = examples,
    .run = run,
};

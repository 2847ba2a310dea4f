/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * command: what a subcommand is.
 *
 * A command is one file that exports one `const struct sl_cmd`, and a row in sl_commands (main.c).
 * To add one: write cmd/cmd_NAME.c with its table of own options, the shared sets that it takes
 * (args.h), its examples and run(); name it below and in main.c; write man/sluice-NAME.1; run
 * `build/sluice completion bash > completions/sluice.bash`. Tests fail where one of these is missing.
 * run() turns options into a pipeline (run.h) and holds no data logic of its own.
 */
#ifndef SL_CMD_COMMAND_H
#define SL_CMD_COMMAND_H

#include "option.h"

/* How the program was called. */
struct sl_invocation {
    int argc;
    char **argv;          /* whole, argv[0] included */
    struct sl_words args; /* words that are no options */
};

struct sl_cmd {
    const char *name;
    const char *group;   /* heading in the list of commands; NULL = not listed */
    const char *summary; /* what it does, in a few words */
    const char *usage;   /* behind "sluice NAME" */
    const char *about;   /* lines of prose for -h */
    const struct sl_option_set *sets;
    size_t size;                 /* of the struct of arguments that the sets write to */
    const char *const *examples; /* command lines that run as they are; NULL-ended */
    const char *verbs;           /* words that the first argument may be, separated by spaces */
    int (*run)(const struct sl_cmd *cmd, void *options, const struct sl_invocation *call);
};

extern const struct sl_cmd sl_cmd_ingest, sl_cmd_partition, sl_cmd_transform, sl_cmd_aggregate;
extern const struct sl_cmd sl_cmd_tail, sl_cmd_replay, sl_cmd_log, sl_cmd_completion, sl_cmd_help;

extern const struct sl_cmd *const sl_commands[]; /* NULL-ended */

/* Exit statuses; sluice(1) lists them. */
enum sl_exit {
    SL_EXIT_GOOD = 0,
    SL_EXIT_FAILED = 1,
    SL_EXIT_USAGE = 2,
    SL_EXIT_REJECTS = 3, /* finished, with rejects, late rows or bytes set aside */
    SL_EXIT_BUG = 70,
    SL_EXIT_LOCKED = 75,
    SL_EXIT_SCHEMA = 76,
    SL_EXIT_SIGNAL = 128,
};

/* Prints "sluice CMD: place: what; hint" and answers the status that err stands for. A reader that
 * went away (SL_EPIPE) is no failure: nothing is printed. */
int sl_command_fail(const struct sl_cmd *cmd, const struct sl_err *err);
/* The command of that name, or NULL. */
const struct sl_cmd *sl_command_find(const char *name);
/* Says that a word is no command, with the nearest one; answers the status. */
int sl_command_unknown(const char *word);
/* As sl_command_fail, for a command line that cannot be: adds where to look. */
int sl_command_usage(const struct sl_cmd *cmd, const struct sl_err *err);

#endif

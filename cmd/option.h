/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * option: tables of options, and the one parser that reads them.
 *
 * A command lists sets of options; a set is a const table, shared by every command that has it. All
 * else is made from these tables: parsing, `-h`, the bash completion, and the tests that hold the
 * manual to them. An option writes its value at `offset` in the command's struct of arguments,
 * which starts zeroed: zero means "not given" for every kind.
 *
 * Words: --name=value, --name value, -n value, -nvalue, -abc for flags; `--` ends the options, `-`
 * is an argument. An OPTIONAL value is given by = only. A LIST adds up, a FLAG may be repeated; any
 * other option given twice is an error: one of its two values would be dropped.
 * Names are matched whole: an abbreviation in a script breaks when an option is added.
 *
 * Ownership: values point into argv; only struct sl_words allocates (sl_options_release).
 */
#ifndef SL_CMD_OPTION_H
#define SL_CMD_OPTION_H

#include "base/err.h"

enum sl_option_kind {
    SL_OPTION_FLAG,     /* int: 1 */
    SL_OPTION_TEXT,     /* const char * */
    SL_OPTION_LIST,     /* struct sl_words: every occurrence adds one */
    SL_OPTION_NUMBER,   /* struct sl_option_number: an integer >= 0 */
    SL_OPTION_SIZE,     /* struct sl_option_number: bytes, 64M, 1.5G */
    SL_OPTION_DURATION, /* struct sl_option_number: microseconds, 5s, '10 minutes' */
    SL_OPTION_REAL,     /* double > 0 */
    SL_OPTION_OPTIONAL, /* const char *: "" where given without = */
    SL_OPTION_HELP,     /* nothing is stored: the parser answers SL_OPTIONS_HELP */
};

/* What completes an option's value, or a command's arguments. */
enum sl_complete {
    SL_COMPLETE_NOTHING,
    SL_COMPLETE_FILE,
    SL_COMPLETE_COLUMN, /* of the logs named on the line, in an expression */
    SL_COMPLETE_NAME,   /* such a column's bare name */
    SL_COMPLETE_VALUES, /* `values` */
};

struct sl_option {
    const char *name; /* long name without dashes; NULL ends a table */
    char letter;      /* 0 = none */
    uint8_t kind;     /* enum sl_option_kind */
    uint8_t complete; /* enum sl_complete */
    const char *argument;
    const char *help;
    size_t offset;
    const char *values; /* separated by spaces; of a SIZE or DURATION the word that stands for 0 */
};

struct sl_option_set {
    const char *title;               /* heading in -h */
    const struct sl_option *options; /* NULL ends the list of sets */
};

struct sl_words {
    int n;
    const char **items;
};

struct sl_option_number {
    int given;
    int64_t value;
};

enum { SL_OPTIONS_OK = 0, SL_OPTIONS_HELP = 1 };

/* argv[0] is the first word to look at. Fills options and args (the words that are no options).
 * SL_OPTIONS_OK, SL_OPTIONS_HELP at the first -h, or -SL_EUSAGE. */
int sl_options_parse(const struct sl_option_set *sets, int argc, char **argv, void *options,
                     struct sl_words *args, struct sl_err *err);
/* Frees the words that parsing allocated. */
void sl_options_release(const struct sl_option_set *sets, void *options);

void sl_words_release(struct sl_words *w);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * args: the options that commands share, in sets.
 *
 * A command's struct of arguments begins with struct sl_args; it lists the sets that it takes, and
 * what it does not take stays zero. So an option means the same wherever it is accepted.
 */
#ifndef SL_CMD_ARGS_H
#define SL_CMD_ARGS_H

#include "option.h"

struct sl_args { /* first member of every command's arguments */
    /* input */
    const char *input_format, *delimiter, *time, *time_format, *year, *tz;
    struct sl_words types;
    int no_header, header;
    struct sl_option_number max_columns;
    /* live input */
    int follow;
    struct sl_option_number out_of_order;
    /* a log as one of several readers */
    const char *group;
    int commit_on_success;
    /* output */
    const char *output, *output_format;
    int force, append, spreadsheet_safe;
    /* a log that is made */
    struct sl_option_number partitions;
    struct sl_words key;
    const char *hash;
    /* a log that is written */
    const char *sync;
    struct sl_option_number segment_size;
    int again, wait, final, reset_state;
    const char *resume; /* the name of the pipeline; empty: main */
    const char *resume_from;
    struct sl_option_number checkpoint;
    /* the run */
    struct sl_option_number threads, memory, max_rejects;
    const char *rejects, *stats;
    int quiet, fail_empty, explain;
};

extern const struct sl_option sl_options_input[], sl_options_zone[], sl_options_live[];
extern const struct sl_option sl_options_group[], sl_options_output[];
extern const struct sl_option sl_options_new_log[], sl_options_log[], sl_options_run[];
extern const struct sl_option sl_options_again[], sl_options_resume[];
extern const struct sl_option sl_options_help[];

#define SL_SET(title, options)                                                                     \
    {                                                                                              \
        title, options                                                                             \
    }
#define SL_SET_INPUT   SL_SET("Input", sl_options_input)
#define SL_SET_ZONE    SL_SET(NULL, sl_options_zone)
#define SL_SET_LIVE    SL_SET("Live and shared input", sl_options_live)
#define SL_SET_GROUP   SL_SET(NULL, sl_options_group)
#define SL_SET_OUTPUT  SL_SET("Output", sl_options_output)
#define SL_SET_NEW_LOG SL_SET(NULL, sl_options_new_log)
#define SL_SET_LOG     SL_SET(NULL, sl_options_log)
#define SL_SET_AGAIN   SL_SET(NULL, sl_options_again)
#define SL_SET_RESUME  SL_SET(NULL, sl_options_resume)
#define SL_SET_RUN     SL_SET("Run", sl_options_run)
#define SL_SET_HELP    SL_SET(NULL, sl_options_help)
#define SL_SET_END     SL_SET(NULL, NULL)

#endif

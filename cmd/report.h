/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * report: what a run says on standard error: notes, progress, one line at the end, accounts.
 *
 * Progress is one line that is written over, on a terminal that standard error is. Of the stages of
 * a pipeline, which share the terminal, the last one shows it, if its rows do not go to that terminal
 * too: a stage whose rows go into a pipe shows none, as whoever reads them may write there. So does a
 * job in the background, beside which others write. Everything but errors and --stats is silent
 * under --quiet.
 */
#ifndef SL_CMD_REPORT_H
#define SL_CMD_REPORT_H

#include "args.h"
#include "command.h"
#include "flow/pipeline.h"

struct sl_report {
    const struct sl_cmd *cmd;
    const struct sl_args *args;
    int64_t started; /* monotonic µs */
    int live;        /* show progress */
    int upstream;    /* a later stage may show its progress on our terminal */
    int colour;
    int shown; /* a progress line stands on the terminal */
};

void sl_report_init(struct sl_report *r, const struct sl_cmd *cmd, const struct sl_args *args);
/* A text of one or more lines, each of which gets the command's name before it. */
void sl_report_note(struct sl_report *r, const char *text, size_t len);
/* As sl_report_note, for what may be long and is known without its end: a terminal shows as much of
 * each line as fits on one of its own; a file or a pipe gets all of it. */
void sl_report_assumed(struct sl_report *r, const char *text, size_t len);
void sl_report_progress(struct sl_report *r, int64_t rows, int64_t bytes, int64_t total);
/* Takes the progress line away, be it ours or that of a later stage; before anything else is written
 * to the terminal. */
void sl_report_clear(struct sl_report *r);
/* The line at the end, and --stats. */
void sl_report_end(struct sl_report *r, const struct sl_pipeline_result *result, int status);

#endif

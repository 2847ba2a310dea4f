/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * run: from the shared arguments to one pipeline, from its result to an exit status.
 *
 * Call order: sl_cmd_begin (fills in, out and env, which the command may change), sl_cmd_source,
 * sl_cmd_op for each operator, sl_cmd_end (always, whatever failed before: it reports, frees and
 * answers the exit status). Each answers 0 or < 0 with run->err filled, so that a command is one
 * chain of them.
 */
#ifndef SL_CMD_RUN_H
#define SL_CMD_RUN_H

#include "args.h"
#include "child.h"
#include "command.h"
#include "flow/pipeline.h"
#include "io/open.h"
#include "op/ops.h"
#include "report.h"

struct sl_cmd_run {
    const struct sl_cmd *cmd;
    const struct sl_args *args;
    struct sl_invocation call; /* its arguments are the sources */
    struct sl_child child;     /* what reads the output, with --commit-on-success */
    struct sl_err err;
    int failed; /* what begin, source or op answered */
    struct sl_expr_env env;
    struct sl_zone *zone;
    struct sl_account account;
    int is_full_said; /* for in */
    struct sl_input_options in;
    struct sl_output_options out;
    struct sl_pipeline *pipeline;
    struct sl_feed *last; /* what the next operator stands behind */
    const char *late;     /* where late rows go; NULL: they are only counted */
    void (*blame)(void *arg,
                  struct sl_err *err); /* the run has failed: may say better why. NULL = no */
    void *blame_arg;
    struct sl_report report;
    struct sl_buf types, keys, line;
};

int sl_cmd_begin(struct sl_cmd_run *run, const struct sl_cmd *cmd, const struct sl_args *args,
                 const struct sl_invocation *call);
int sl_cmd_source(struct sl_cmd_run *run);
/* The operator passes to the run; NULL: its constructor failed and filled run->err. */
int sl_cmd_op(struct sl_cmd_run *run, struct sl_op *op);
/* A filter, if there are conditions. */
int sl_cmd_where(struct sl_cmd_run *run, const struct sl_words *where);
/* The words of an option as trees. *out is to be released, also after a failure. */
int sl_cmd_asts(struct sl_cmd_run *run, const char *option, enum sl_ast_form form,
                const struct sl_words *words, struct sl_asts *out);
int sl_cmd_end(struct sl_cmd_run *run);

/* Appends the words, with `between` in the gaps. */
void sl_cmd_join(struct sl_buf *out, const struct sl_words *words, const char *between);
/* Appends names of columns, given in one word or several, with commas and without blanks. */
void sl_cmd_join_names(struct sl_buf *out, const struct sl_words *words);

#endif

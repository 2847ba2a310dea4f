/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ops: constructors of the operators. Each gives an unbound operator (schema() binds it: that is
 * where names and types are checked), or NULL with err filled. Trees are shared, texts copied. env and
 * account outlive the operator.
 */
#ifndef SL_OP_OPS_H
#define SL_OP_OPS_H

#include "expr/expr.h"
#include "op/op.h"

/* Rows for which the condition is true. Several conditions are one AND. */
struct sl_op *sl_filter_new(const struct sl_asts *where, const struct sl_expr_env *env,
                            struct sl_account *account, struct sl_err *err);

/* --set, --select, --drop, --rename in this order; each may be empty. Hidden columns pass --select
 * without being named. */
enum { SL_PROJECT_SET, SL_PROJECT_SELECT, SL_PROJECT_DROP, SL_PROJECT_RENAME, SL_PROJECT_VERBS };
struct sl_project_options {
    struct sl_asts verbs[SL_PROJECT_VERBS]; /* set and rename in the form SL_AST_SET */
};
struct sl_op *sl_project_new(const struct sl_project_options *o, const struct sl_expr_env *env,
                             struct sl_account *account, struct sl_err *err);

/* Grouping, with or without tumbling event-time windows. No select: count. */
enum sl_aggregate_parts {
    SL_AGGREGATE_WHOLE,
    SL_AGGREGATE_PARTIAL, /* gives states as rows */
    SL_AGGREGATE_MERGE,   /* takes such rows */
};
struct sl_aggregate_options {
    enum sl_aggregate_parts parts;
    struct sl_asts select, by;
    struct sl_asts having; /* each a list of one condition */
    const char *sets;      /* "rollup", "cube", "(a, b), (a), ()" of --by columns; NULL = none */
    const char *window;    /* "1 minute", "1 day" (calendar in env->zone), NULL = none */
    int64_t lateness;      /* µs */
};
struct sl_op *sl_aggregate_new(const struct sl_aggregate_options *o, const struct sl_expr_env *env,
                               struct sl_account *account, struct sl_err *err);

/* order_by: `a desc nulls first, b` or NULL (order of arrival); limit < 0 = none. At END only. */
struct sl_op *sl_sort_new(struct sl_ast *order_by, int64_t limit, const struct sl_expr_env *env,
                          struct sl_account *account, struct sl_err *err);
/* Rows whose event time is not null; others are rejected. column NULL: the time column that the schema
 * names; all rows pass if there is none. */
struct sl_op *sl_timed_new(const char *column, struct sl_account *account, struct sl_err *err);
/* The first n rows; DONE afterwards. */
struct sl_op *sl_limit_new(int64_t n, struct sl_account *account, struct sl_err *err);
/* The last n rows by (event time if there is a time column, partition, offset), oldest first: at
 * END; or at the first FLUSH when follow, afterwards all rows pass. n < 0: all rows, in that order. */
struct sl_op *sl_last_new(int64_t n, int follow, struct sl_account *account, struct sl_err *err);
/* n inputs as one: by event time where all have the same time column, else one after the other; where one
 * has no end (SL_OP_ENDLESS), as they come. names: of the inputs, for what is said (copied). */
struct sl_op *sl_merge_new(const char *const *names, int n, struct sl_account *account,
                           struct sl_err *err);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * eval: a bound expression over the rows of a batch.
 *
 * An expression (expr/expr.h makes it from text) is immutable, and any number of threads may evaluate
 * it. Evaluation keeps its scratch in a struct sl_eval, one per thread. Errors of evaluation are
 * SL_EROW with err->line the first row (position among the selected rows) that failed; the others
 * are listed. Three-valued logic, division by zero, overflow and bad casts are as in PostgreSQL.
 *
 * Call order: sl_eval_new; sl_expr_eval or sl_expr_filter per batch; sl_eval_free.
 */
#ifndef SL_KERNEL_EVAL_H
#define SL_KERNEL_EVAL_H

#include "arrow/batch.h"
#include "base/time.h"

struct sl_expr;
struct sl_eval;

/* What expressions may ask of the run. Lives longer than every expression bound with it. */
struct sl_expr_env {
    int64_t now;                     /* start of the run, µs */
    const struct sl_zone *zone;      /* --tz; NULL = UTC */
    const char *zone_name;           /* for messages and plan text; NULL = UTC */
    const volatile int *interrupted; /* not 0: a signal came; NULL = none is looked for */
};

struct sl_type sl_expr_type(const struct sl_expr *e); /* of its values */

/* ---- aggregates: a call, as the accumulators of state/acc.h see it ---- */

enum sl_agg_kind {
    SL_AGG_COUNT_STAR = 1,
    SL_AGG_COUNT,
    SL_AGG_SUM,
    SL_AGG_AVG,
    SL_AGG_MIN,
    SL_AGG_MAX,
    SL_AGG_FIRST,
    SL_AGG_LAST,
    SL_AGG_QUANTILE,   /* nearest rank, in the input's type: p50(x) .. p99(x), p999(x) */
    SL_AGG_PERCENTILE, /* percentile_cont(q) within group (order by x): interpolated double */
    SL_AGG_MODE,
    SL_AGG_MIN_BY,
    SL_AGG_MAX_BY,
    SL_AGG_STDDEV_POP,
    SL_AGG_STDDEV_SAMP,
    SL_AGG_VAR_POP,
    SL_AGG_VAR_SAMP,
    SL_AGG_CORR,
    SL_AGG_COVAR_POP,
    SL_AGG_COVAR_SAMP,
    SL_AGG_REGR_SLOPE,
    SL_AGG_REGR_INTERCEPT,
    SL_AGG_REGR_R2,
    SL_AGG_BOOL_AND,
    SL_AGG_BOOL_OR,
    SL_AGG_BIT_AND,
    SL_AGG_BIT_OR,
    SL_AGG_BIT_XOR,
    SL_AGG_APPROX_COUNT,
    SL_AGG_APPROX_PERCENTILE,
    SL_AGG_ARRAY,
    SL_AGG_STRING,
    SL_AGG_INCREASE,
    SL_AGG_RATE,
};

struct sl_agg_call {
    enum sl_agg_kind kind;
    int distinct;           /* each value counts once */
    int descending;         /* of a quantile or an ORDER BY: from the greatest value on */
    int nulls_first;        /* of an ORDER BY */
    int64_t limit;          /* of array_agg and string_agg: values at most */
    double quantile;        /* 0..1 */
    struct sl_expr *arg;    /* over the input schema; NULL for count(*) */
    struct sl_expr *second; /* the second argument, or that of an ORDER BY, or NULL */
    char *separator;        /* of string_agg */
    struct sl_expr *filter; /* FILTER (WHERE ...), boolean, or NULL */
    struct sl_type type;    /* of the result */
    char *text;             /* canonical text: equal text means the same call */
};

/* ---- evaluation ---- */

/* Scratch for evaluations, one after the other, of any expressions: one a thread. account (may be
 * NULL) is charged for results. NULL with err filled. */
struct sl_eval *sl_eval_new(struct sl_account *account, struct sl_err *err);
void sl_eval_free(struct sl_eval *ev);
/* Value of e for the selected rows of b: a column of b->selected rows, dense (row k belongs to
 * sl_batch_row(b, k)); any loaded form. The caller owns the reference. */
int sl_expr_eval(struct sl_eval *ev, const struct sl_expr *e, struct sl_batch *b,
                 struct sl_column **out, struct sl_err *err);
/* After -SL_EROW of an evaluation or a filter: every row that failed, by row, with what it failed by
 * first; err is filled as SL_EROW with line and column. So a batch of many bad rows is evaluated
 * once, not once a row. The list is there until the next evaluation. */
size_t sl_eval_failures(const struct sl_eval *ev);
void sl_eval_failure(const struct sl_eval *ev, size_t i, struct sl_err *err);
/* The rows of b (as physical row numbers, in order) for which e is true: a new selection of *n. */
int sl_expr_filter(struct sl_eval *ev, const struct sl_expr *e, struct sl_batch *b,
                   struct sl_buffer **selection, size_t *n, struct sl_err *err);

#endif

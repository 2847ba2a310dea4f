/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aggregate_table: every aggregate, in one table.
 *
 * The binder reads a call by this table, `sluice help aggregates` prints it, and the section AGGREGATES
 * of sluice-aggregate(1) is made of it (tests/help_page). To add an aggregate: a row here, a kind in
 * kernel/eval.h, a class in state/acc.h, tests.
 */
#ifndef SL_EXPR_AGGREGATE_TABLE_H
#define SL_EXPR_AGGREGATE_TABLE_H

#include "kernel/eval.h"

enum sl_agg_takes {
    SL_AGG_TAKES_ORDER,  /* all but foreign types */
    SL_AGG_TAKES_SPAN,   /* a number or an interval */
    SL_AGG_TAKES_DOUBLE, /* a number, as double precision */
    SL_AGG_TAKES_BIGINT,
    SL_AGG_TAKES_BOOLEAN,
    SL_AGG_TAKES_TEXT, /* anything, as text */
};

enum sl_agg_gives {
    SL_AGG_GIVES_SAME, /* the type of the first argument */
    SL_AGG_GIVES_BIGINT,
    SL_AGG_GIVES_DOUBLE,
    SL_AGG_GIVES_JSONB,
    SL_AGG_GIVES_SUM,  /* double precision or interval of such, else numeric */
    SL_AGG_GIVES_MEAN, /* interval of such, else double precision */
};

enum sl_agg_flags {
    SL_AGG_TWO = 1,    /* two arguments; the second is of any type that sorts, or as the first */
    SL_AGG_WITHIN = 2, /* must be written with WITHIN GROUP (ORDER BY x) */
    SL_AGG_MAY_WITHIN = 4, /* name() WITHIN GROUP (ORDER BY x) is name(x) */
    SL_AGG_IDEMPOTENT = 8, /* DISTINCT changes nothing */
    SL_AGG_SHARE = 16,     /* a constant between 0 and 1 follows x */
    SL_AGG_SEPARATOR = 32, /* a constant text follows x */
    SL_AGG_LIST = 64,      /* a constant limit may be the last argument, and ORDER BY may follow */
};

struct sl_agg_function {
    const char *name;
    enum sl_agg_kind kind;
    enum sl_agg_takes takes;
    enum sl_agg_gives gives;
    int flags;
    double quantile;
    /* For people. */
    const char *call, *result, *help, *example, *combines;
};

extern const struct sl_agg_function sl_agg_functions[]; /* the last has no name */

#endif

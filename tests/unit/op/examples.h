/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* examples: for each operator of the program, settings to try it with. */
#ifndef SL_TESTS_OP_EXAMPLES_H
#define SL_TESTS_OP_EXAMPLES_H

#include "harness.h"
#include "../op_texts.h"

/* 2026-03-09 00:00 UTC */
static struct sl_expr_env example_env = {.now = 1773014400000000};

#define LIST(...) (const char *const[]){__VA_ARGS__}, (int)SL_COUNT(((const char *[]){__VA_ARGS__}))

#define EXAMPLE(id, expr)                                                                          \
    static struct sl_op *make_##id(const struct example *x, struct sl_account *account,            \
                                   struct sl_err *err)                                             \
    {                                                                                              \
        (void)x;                                                                                   \
        return expr;                                                                               \
    }

EXAMPLE(filter, text_filter(LIST("n > 0", "k <> 'alpha'"), &example_env, account, err))
EXAMPLE(filter_bad, text_filter(LIST("10 / n > 1"), &example_env, account, err))

static struct sl_op *project(struct text_project_options o, struct sl_account *account,
                             struct sl_err *err)
{
    return text_project(&o, &example_env, account, err);
}
EXAMPLE(project_set,
        project((struct text_project_options){.set = (const char *const[]){"n = n * 2, y = x + 1",
                                                                           "z = n + 1"},
                                              .nset = 2},
                account, err))
EXAMPLE(project_bad,
        project((struct text_project_options){.set = (const char *const[]){"q = 100 / n"},
                                              .nset = 1,
                                              .drop = (const char *const[]){"x, w"},
                                              .ndrop = 1,
                                              .rename = (const char *const[]){"ts = at"},
                                              .nrename = 1},
                account, err))
EXAMPLE(project_select,
        project(
            (struct text_project_options){
                .select = (const char *const[]){"ts, lower(k) as low, n", "p"}, .nselect = 2},
            account, err))
EXAMPLE(project_pass,
        project((struct text_project_options){.select = (const char *const[]){"n, k, ts as t"},
                                              .nselect = 1},
                account, err))

static struct sl_op *aggregate(struct text_aggregate_options o, struct sl_account *account,
                               struct sl_err *err)
{
    return text_aggregate(&o, &example_env, account, err);
}
#define EVERY                                                                                      \
    "count(*), count(n), count(distinct k) as dk, count(distinct x) as dx, sum(n), sum(x), "       \
    "sum(p), sum(w), avg(n) as an, avg(x) as ax, min(k), max(k), min(x), max(x), min(n) as mn, "   \
    "max(w) as mw, p50(n), p90(x), p99(p), percentile_cont(0.3) within group (order by x) as pc"
#define AGG(...) aggregate((struct text_aggregate_options){__VA_ARGS__}, account, err)
EXAMPLE(agg_all, AGG(.select = (const char *const[]){EVERY}, .nselect = 1))
EXAMPLE(agg_dict, AGG(.select = (const char *const[]){EVERY}, .nselect = 1,
                      .by = (const char *const[]){"k, d"}, .nby = 1))
EXAMPLE(agg_bigint, AGG(.select = (const char *const[]){"count(*), sum(x)"}, .nselect = 1,
                        .by = (const char *const[]){"n"}, .nby = 1))
EXAMPLE(agg_keys,
        AGG(.select = (const char *const[]){"count(*), min(k)", "max(p) - min(p) as span"},
            .nselect = 2, .by = (const char *const[]){"x", "b, w, lower(d) as low"}, .nby = 2))
EXAMPLE(agg_count, AGG(.by = (const char *const[]){"d"}, .nby = 1))
EXAMPLE(
    agg_filter,
    AGG(.select = (const char *const[]){"count(*) filter (where n > 0) as up, sum(10 / n) filter "
                                        "(where n <> 0) as s, first(k) filter (where b) as f"},
        .nselect = 1, .by = (const char *const[]){"d"}, .nby = 1))
EXAMPLE(agg_bad, AGG(.select = (const char *const[]){"sum(100 / n)"}, .nselect = 1,
                     .by = (const char *const[]){"k"}, .nby = 1))
EXAMPLE(agg_rank, AGG(.select =
                          (const char *const[]){
                              "first(n), last(n), first(k) as fk, last(x) as lx, last(w) as lw"},
                      .nselect = 1, .by = (const char *const[]){"d"}, .nby = 1))
#define SMALL "case when abs(x) < 1e9 then x end" /* whose square is finite */
#define MORE                                                                                       \
    "stddev(" SMALL ") as sx, var_pop(n), var_samp(p), corr(n, " SMALL ") as c, "                  \
    "covar_samp(" SMALL ", p) as cs, regr_slope(p, n), regr_intercept(n, " SMALL ") as ri, "       \
    "bool_and(b), bool_or(b) as o, bit_and(n), bit_or(n) as bo, bit_xor(n) as bx, mode(k), "       \
    "mode(n) as mo, percentile_disc(0.4) within group (order by d), sum(distinct n) as sd, "       \
    "avg(distinct x), corr(distinct n, p) as cd, count(distinct n), stddev(distinct p) as dp"
EXAMPLE(agg_more, AGG(.select = (const char *const[]){MORE}, .nselect = 1,
                      .by = (const char *const[]){"d"}, .nby = 1))
EXAMPLE(agg_more_window, AGG(.select = (const char *const[]){MORE}, .nselect = 1,
                             .by = (const char *const[]){"k"}, .nby = 1, .window = "30 seconds"))
EXAMPLE(agg_by,
        AGG(.select = (const char *const[]){"min_by(n, x), max_by(k, n), min_by(x, d) as f"},
            .nselect = 1, .by = (const char *const[]){"d"}, .nby = 1))
#define LISTS                                                                                      \
    "array_agg(n), array_agg(distinct k order by k desc) as b, "                                   \
    "string_agg(k, '-' order by n desc nulls last) as c, string_agg(d, ', ', 3) as d3, "           \
    "array_agg(x, 2 order by w) as e, rate(" SMALL ") as r, increase(n) as i, "                    \
    "approx_count_distinct(k) as ac, approx_count_distinct(x) as ax, "                             \
    "approx_percentile(n, 0.7) as ap, approx_percentile(x, 0.3) as aq"
EXAMPLE(agg_list, AGG(.select = (const char *const[]){LISTS}, .nselect = 1,
                      .by = (const char *const[]){"d"}, .nby = 1))
EXAMPLE(agg_list_window,
        AGG(.select =
                (const char *const[]){
                    LISTS, "min_by(n, x), max_by(k, n), sum(interval '1 day' * (n % 99)) as si"},
            .nselect = 2, .by = (const char *const[]){"k"}, .nby = 1, .window = "30 seconds"))
EXAMPLE(agg_sets, AGG(.select =
                          (const char *const[]){
                              "count(*), sum(n) filter (where b), count(distinct x), last(n)"},
                      .nselect = 1, .by = (const char *const[]){"d, k"}, .nby = 1, .sets = "cube"))
EXAMPLE(agg_sets_window, AGG(.select = (const char *const[]){"count(*), sum(p), p50(n)"},
                             .nselect = 1, .by = (const char *const[]){"d, k"}, .nby = 1,
                             .sets = "(d), ()", .window = "30 seconds"))
EXAMPLE(agg_having,
        AGG(.select =
                (const char *const[]){
                    "count(*), 1 / (count(n) - 1) as q, sum(interval '1 day' * (n % 99)), "
                    "avg(interval '7 month 1 s' * (n % 9)) as a"},
            .nselect = 1, .by = (const char *const[]){"d, k"}, .nby = 1,
            .having = "count(n) > 1 and k <> 'nosuch'"))
EXAMPLE(agg_offset,
        AGG(.select = (const char *const[]){"last(k), first(x), last(n) filter (where b) as l, "
                                            "min_by(n, d), max_by(k, x) filter (where b) as m"},
            .nselect = 1, .by = (const char *const[]){"d"}, .nby = 1))
EXAMPLE(agg_window,
        AGG(.select = (const char *const[]){"count(*), sum(p), p50(x), count(distinct k)"},
            .nselect = 1, .by = (const char *const[]){"d"}, .nby = 1, .window = "1 minute"))
EXAMPLE(agg_late,
        AGG(.select = (const char *const[]){EVERY}, .nselect = 1, .by = (const char *const[]){"k"},
            .nby = 1, .window = "30 seconds", .lateness = 30 * SL_USEC_PER_SEC))
EXAMPLE(agg_window_bad,
        AGG(.select = (const char *const[]){"count(*), sum(100 / n), last(n)"}, .nselect = 1,
            .by = (const char *const[]){"d"}, .nby = 1, .window = "10 seconds"))
EXAMPLE(agg_late_only, AGG(.window = "10 s"))
EXAMPLE(agg_day,
        AGG(.select = (const char *const[]){"count(*), last(n)"}, .nselect = 1, .window = "1 day"))

EXAMPLE(sort, text_sort("k desc nulls last, n, x desc", -1, &example_env, account, err))
EXAMPLE(sort_top, text_sort("x nulls first, -n", 9, &example_env, account, err))
EXAMPLE(sort_ties, text_sort("d", 31, &example_env, account, err))
EXAMPLE(sort_bad, text_sort("10 / n", 50, &example_env, account, err))
EXAMPLE(sort_arrival, text_sort(NULL, 25, &example_env, account, err))
EXAMPLE(limit, sl_limit_new(13, account, err))
EXAMPLE(limit_none, sl_limit_new(0, account, err))
EXAMPLE(last, sl_last_new(11, 0, account, err))
EXAMPLE(timed, sl_timed_new(NULL, account, err))
EXAMPLE(timed_named, sl_timed_new("d", account, err))
EXAMPLE(timed_without, sl_timed_new("nosuch", account, err))
EXAMPLE(last_all, sl_last_new(-1, 0, account, err))

static struct sl_op *merge(const struct example *x, int traits, struct sl_account *account,
                           struct sl_err *err)
{
    static const char *const names[PARTITIONS] = {"rows", "more rows", "few rows"};
    struct sl_op *op = sl_merge_new(names + (x->empty != 0), inputs_of(x), account, err);
    if (op)
        op->traits |= traits;
    return op;
}
EXAMPLE(merge, merge(x, 0, account, err))
EXAMPLE(merge_endless, merge(x, SL_OP_ENDLESS, account, err))
EXAMPLE(agg_arrival, AGG(.select = (const char *const[]){"last(k), first(x), last(n)"},
                         .nselect = 1, .by = (const char *const[]){"d"}, .nby = 1))
EXAMPLE(agg_window_rank, AGG(.select = (const char *const[]){"first(n), last(k)"}, .nselect = 1,
                             .by = (const char *const[]){"d"}, .nby = 1, .window = "1 minute"))
EXAMPLE(ties_arrival, text_sort("d", 29, &example_env, account, err))
EXAMPLE(last_arrival, sl_last_new(7, 0, account, err))

static const struct example examples[] = {
    {"filter", "two conditions", make_filter, PARTITIONS, 0, 1, 0},
    {"filter", "bad rows", make_filter_bad, PARTITIONS, 0, 1, 1},
    {"project", "set", make_project_set, PARTITIONS, 0, 0, 0},
    {"project", "set with bad rows, drop, rename", make_project_bad, PARTITIONS, 0, 1, 1},
    {"project", "select", make_project_select, PARTITIONS, 0, 1, 0},
    {"project", "columns only", make_project_pass, PARTITIONS, 0, 0, 0},
    {"aggregate", "without keys", make_agg_all, PARTITIONS, 1, 0, 0},
    {"aggregate", "by two texts", make_agg_dict, PARTITIONS, 1, 0, 0},
    {"aggregate", "by a bigint", make_agg_bigint, PARTITIONS, 1, 0, 0},
    {"aggregate", "by four keys", make_agg_keys, PARTITIONS, 1, 0, 0},
    {"aggregate", "count", make_agg_count, PARTITIONS, 1, 0, 0},
    {"aggregate", "deviations, bits, modes, distinct", make_agg_more, PARTITIONS, 1, 0, 0},
    {"aggregate", "the same in windows", make_agg_more_window, PARTITIONS, 0, 1, 1},
    {"aggregate", "filters", make_agg_filter, PARTITIONS, 1, 0, 0},
    {"aggregate", "having, intervals", make_agg_having, PARTITIONS, 1, 0, 0},
    {"aggregate", "lists, counters, sketches", make_agg_list, PARTITIONS, 1, 0, 0},
    {"aggregate", "lists and sketches in windows", make_agg_list_window, PARTITIONS, 0, 1, 1},
    {"aggregate", "grouping sets", make_agg_sets, PARTITIONS, 1, 0, 0},
    {"aggregate", "grouping sets in windows", make_agg_sets_window, PARTITIONS, 0, 1, 1},
    {"aggregate", "bad rows", make_agg_bad, PARTITIONS, 1, 0, 1},
    {"aggregate", "min_by and max_by", make_agg_by, PARTITIONS, 1, 0, 0},
    {"aggregate", "first and last", make_agg_rank, PARTITIONS, 1, 0, 0},
    {"aggregate", "first and last without a time", make_agg_offset, PARTITIONS, 1, 0, 0, 1},
    {"aggregate", "window without watermark", make_agg_window, PARTITIONS, 1, 0, 1},
    {"aggregate", "window with late rows", make_agg_late, PARTITIONS, 0, 1, 1},
    {"aggregate", "window with bad rows", make_agg_window_bad, PARTITIONS, 0, 1, 1},
    {"aggregate", "window of all rows", make_agg_late_only, PARTITIONS, 0, 1, 1},
    {"aggregate", "calendar days", make_agg_day, PARTITIONS, 0, 1, 1},
    {"sort", "three keys", make_sort, PARTITIONS, 1, 0, 0},
    {"sort", "top rows", make_sort_top, PARTITIONS, 1, 0, 0},
    {"sort", "top rows of many ties", make_sort_ties, PARTITIONS, 1, 0, 0},
    {"sort", "bad rows", make_sort_bad, PARTITIONS, 1, 0, 1},
    {"sort", "order of arrival", make_sort_arrival, 1, 1, 0, 0},
    {"limit", "13 rows", make_limit, 1, 1, 1, 0},
    {"limit", "no rows", make_limit_none, 1, 1, 0, 0},
    {"last", "11 rows", make_last, PARTITIONS, 1, 0, 0},
    {"timed", "the schema's column", make_timed, PARTITIONS, 0, 1, 1},
    {"timed", "a named column", make_timed_named, PARTITIONS, 0, 0, 1},
    {"timed", "no column", make_timed_without, PARTITIONS, 0, 1, 0},
    {"last", "all rows", make_last_all, PARTITIONS, 1, 1, 0},
    {"merge", "of one input", make_merge, PARTITIONS, 0, 1, 0},
    {"merge", "of three inputs by time", make_merge, 3, 1, 1, 0, .inputs = 3},
    {"merge", "of two inputs, one empty", make_merge, 2, 1, 0, 0, .inputs = 2, .empty = 1},
    {"merge", "of two inputs in turn", make_merge, 2, 1, 1, 0, .timeless = 1, .inputs = 2},
    {"merge", "of inputs without an end", make_merge_endless, 3, 0, 1, 0, .inputs = 3},
    {"last", "7 rows, ties by arrival", make_last_arrival, 1, 1, 0, 0},
    {"sort", "ties by arrival", make_ties_arrival, 1, 1, 0, 0},
    {"aggregate", "first and last by arrival", make_agg_arrival, 1, 1, 0, 0, 1},
    {"aggregate", "first and last of windows", make_agg_window_rank, PARTITIONS, 0, 1, 1},
};

#endif

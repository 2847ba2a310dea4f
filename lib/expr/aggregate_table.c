/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* aggregate_table: see aggregate_table.h. */
#include "base/buf.h"
#include "expr/aggregate_table.h"
#include "expr/expr.h"

/* How parts of the rows come together, and what a group keeps until then. */
#define FIXED    "exact; a group keeps a few numbers"
#define ONE      "exact; a group keeps one value"
#define DISTINCT "exact; a group keeps its distinct values"
#define ALL      "exact; a group keeps all its values"

const struct sl_agg_function sl_agg_functions[] = {
    {"count", SL_AGG_COUNT, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_BIGINT, 0, 0, "count(*), count(x)",
     "bigint", "the rows; the rows whose x is not null", "count(*) as n", FIXED},
    {"sum", SL_AGG_SUM, SL_AGG_TAKES_SPAN, SL_AGG_GIVES_SUM, 0, 0, "sum(x)",
     "numeric, double precision, interval", "the sum of the values", "sum(price * qty)", FIXED},
    {"avg", SL_AGG_AVG, SL_AGG_TAKES_SPAN, SL_AGG_GIVES_MEAN, 0, 0, "avg(x)",
     "double precision, interval", "the mean of the values", "avg(price)", FIXED},
    {"min", SL_AGG_MIN, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_SAME, SL_AGG_IDEMPOTENT, 0, "min(x)",
     "as x", "the least value", "min(price)", ONE},
    {"max", SL_AGG_MAX, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_SAME, SL_AGG_IDEMPOTENT, 0, "max(x)",
     "as x", "the greatest value", "max(price)", ONE},
    {"first", SL_AGG_FIRST, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_SAME, SL_AGG_IDEMPOTENT, 0, "first(x)",
     "as x", "the value, null too, of the row that comes first by event time", "first(item)", ONE},
    {"last", SL_AGG_LAST, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_SAME, SL_AGG_IDEMPOTENT, 0, "last(x)",
     "as x", "the value, null too, of the row that comes last by event time", "last(item)", ONE},
    {"min_by", SL_AGG_MIN_BY, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_SAME, SL_AGG_TWO | SL_AGG_IDEMPOTENT,
     0, "min_by(x, y)", "as x", "x, null too, of the row with the least y; of such rows the first",
     "min_by(item, price)", ONE},
    {"max_by", SL_AGG_MAX_BY, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_SAME, SL_AGG_TWO | SL_AGG_IDEMPOTENT,
     0, "max_by(x, y)", "as x",
     "x, null too, of the row with the greatest y; of such rows the first", "max_by(item, price)",
     ONE},
    {"p99", SL_AGG_QUANTILE, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_SAME, 0, 0.99,
     "p1(x) ... p99(x), p991(x) ... p9999(x)", "as x",
     "the quantile 0.01 ... 0.9999, the nearest rank among the values", "p99(price)", ALL},
    {"median", SL_AGG_PERCENTILE, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, SL_AGG_MAY_WITHIN, 0.5,
     "median(x)", "double precision", "the middle value, or the mean of the two in the middle",
     "median(price)", ALL},
    {"percentile_cont", SL_AGG_PERCENTILE, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, SL_AGG_WITHIN,
     0, "percentile_cont(q) within group (order by x)", "double precision",
     "the quantile q, between two values where it falls there",
     "percentile_cont(0.9) within group (order by price)", ALL},
    {"percentile_disc", SL_AGG_QUANTILE, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_SAME, SL_AGG_WITHIN, 0,
     "percentile_disc(q) within group (order by x)", "as x",
     "the first value at or behind the share q of all values in that order",
     "percentile_disc(0.9) within group (order by item)", ALL},
    {"mode", SL_AGG_MODE, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_SAME, SL_AGG_MAY_WITHIN, 0,
     "mode(x), mode() within group (order by x)", "as x",
     "the value that is there most often; of such values the first in order", "mode(item)",
     DISTINCT},
    {"stddev", SL_AGG_STDDEV_SAMP, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, 0, 0,
     "stddev(x), stddev_samp(x)", "double precision",
     "the standard deviation of a sample; null below two values", "stddev(price)", FIXED},
    {"stddev_samp", SL_AGG_STDDEV_SAMP, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, 0, 0, NULL, NULL,
     NULL, NULL, NULL},
    {"stddev_pop", SL_AGG_STDDEV_POP, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, 0, 0,
     "stddev_pop(x)", "double precision", "the standard deviation of a whole population",
     "stddev_pop(price)", FIXED},
    {"variance", SL_AGG_VAR_SAMP, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, 0, 0,
     "variance(x), var_samp(x)", "double precision",
     "the variance of a sample; null below two values", "variance(price)", FIXED},
    {"var_samp", SL_AGG_VAR_SAMP, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, 0, 0, NULL, NULL, NULL,
     NULL, NULL},
    {"var_pop", SL_AGG_VAR_POP, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, 0, 0, "var_pop(x)",
     "double precision", "the variance of a whole population", "var_pop(price)", FIXED},
    {"corr", SL_AGG_CORR, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, SL_AGG_TWO, 0, "corr(y, x)",
     "double precision", "the coefficient of correlation; null if y or x is the same everywhere",
     "corr(price, qty)", FIXED},
    {"covar_pop", SL_AGG_COVAR_POP, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, SL_AGG_TWO, 0,
     "covar_pop(y, x)", "double precision", "the covariance of a whole population",
     "covar_pop(price, qty)", FIXED},
    {"covar_samp", SL_AGG_COVAR_SAMP, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, SL_AGG_TWO, 0,
     "covar_samp(y, x)", "double precision", "the covariance of a sample; null below two pairs",
     "covar_samp(price, qty)", FIXED},
    {"regr_slope", SL_AGG_REGR_SLOPE, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, SL_AGG_TWO, 0,
     "regr_slope(y, x)", "double precision",
     "the slope of the line of least squares through y by x", "regr_slope(price, qty)", FIXED},
    {"regr_intercept", SL_AGG_REGR_INTERCEPT, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, SL_AGG_TWO,
     0, "regr_intercept(y, x)", "double precision", "y of that line where x is 0",
     "regr_intercept(price, qty)", FIXED},
    {"regr_r2", SL_AGG_REGR_R2, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, SL_AGG_TWO, 0,
     "regr_r2(y, x)", "double precision", "the share of y's variance that this line explains",
     "regr_r2(price, qty)", FIXED},
    {"bool_and", SL_AGG_BOOL_AND, SL_AGG_TAKES_BOOLEAN, SL_AGG_GIVES_SAME, SL_AGG_IDEMPOTENT, 0,
     "bool_and(x), every(x)", "boolean", "whether x is true in all rows where it is not null",
     "bool_and(qty > 0)", FIXED},
    {"every", SL_AGG_BOOL_AND, SL_AGG_TAKES_BOOLEAN, SL_AGG_GIVES_SAME, SL_AGG_IDEMPOTENT, 0, NULL,
     NULL, NULL, NULL, NULL},
    {"bool_or", SL_AGG_BOOL_OR, SL_AGG_TAKES_BOOLEAN, SL_AGG_GIVES_SAME, SL_AGG_IDEMPOTENT, 0,
     "bool_or(x)", "boolean", "whether x is true in a row", "bool_or(price > 100)", FIXED},
    {"bit_and", SL_AGG_BIT_AND, SL_AGG_TAKES_BIGINT, SL_AGG_GIVES_SAME, SL_AGG_IDEMPOTENT, 0,
     "bit_and(x)", "bigint", "the bits that are set in all values", "bit_and(qty)", FIXED},
    {"bit_or", SL_AGG_BIT_OR, SL_AGG_TAKES_BIGINT, SL_AGG_GIVES_SAME, SL_AGG_IDEMPOTENT, 0,
     "bit_or(x)", "bigint", "the bits that are set in any value", "bit_or(qty)", FIXED},
    {"bit_xor", SL_AGG_BIT_XOR, SL_AGG_TAKES_BIGINT, SL_AGG_GIVES_SAME, 0, 0, "bit_xor(x)",
     "bigint", "the bits that are set in an odd number of values", "bit_xor(qty)", FIXED},
    {"array_agg", SL_AGG_ARRAY, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_JSONB, SL_AGG_LIST, 0,
     "array_agg(x [, limit] [order by y])", "jsonb",
     "the values, nulls too, as an array: in the order of event time, or of y; the first of them "
     "up to "
     "the limit; of distinct x each once, in order",
     "array_agg(item order by price desc)", ALL},
    {"string_agg", SL_AGG_STRING, SL_AGG_TAKES_TEXT, SL_AGG_GIVES_SAME,
     SL_AGG_LIST | SL_AGG_SEPARATOR, 0, "string_agg(x, separator [, limit] [order by y])", "text",
     "the values, one behind the other with the separator between; else as array_agg",
     "string_agg(distinct item, ', ')", ALL},
    {"increase", SL_AGG_INCREASE, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, SL_AGG_IDEMPOTENT, 0,
     "increase(x)", "double precision",
     "how much a counter grew, in the order of event time; where it is less than before it began "
     "at 0 "
     "again",
     "increase(qty)", ALL},
    {"rate", SL_AGG_RATE, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE, SL_AGG_IDEMPOTENT, 0, "rate(x)",
     "double precision",
     "the increase by the seconds between the first value and the last; needs a time column",
     "rate(qty)", ALL},
    {"approx_count_distinct", SL_AGG_APPROX_COUNT, SL_AGG_TAKES_ORDER, SL_AGG_GIVES_BIGINT,
     SL_AGG_IDEMPOTENT, 0, "approx_count_distinct(x)", "bigint",
     "about how many values there are (HyperLogLog++); the standard error is 0.81 %",
     "approx_count_distinct(item)", "exact; a group keeps 16 KiB at most"},
    {"approx_percentile", SL_AGG_APPROX_PERCENTILE, SL_AGG_TAKES_DOUBLE, SL_AGG_GIVES_DOUBLE,
     SL_AGG_SHARE | SL_AGG_IDEMPOTENT, 0, "approx_percentile(x, q)", "double precision",
     "the quantile q by nearest rank, at most 0.2 % too near to zero",
     "approx_percentile(price, 0.95)",
     "exact; a group keeps 512 numbers for each power of two among its values"},
    {0},
};

void sl_aggregates_print(struct sl_buf *out)
{
    sl_buf_addstr(
        out, "Aggregates, for --select of sluice aggregate. Nulls do not count unless it is said; "
             "without\nvalues the result is null, of count 0. Each takes distinct x, and filter "
             "(where ...) behind it.\n");
    for (const struct sl_agg_function *f = sl_agg_functions; f->name; f++)
        if (f->call) /* else it is another name of the one before */
            sl_buf_printf(out, "\n%s -> %s\n  %s\n  combines: %s\n  example: %s\n", f->call,
                          f->result, f->help, f->combines, f->example);
}

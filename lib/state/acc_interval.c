/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * acc_interval: sum and avg of intervals.
 *
 * Months, days and nanoseconds are summed each for itself, exactly. A mean is made as PostgreSQL divides
 * an interval: fractions of months go to days of 30, fractions of days to hours.
 */
#include <math.h>
#include "state/acc.h"

struct cell {
    int64_t months, days;
    int64_t n; /* values that are not null */
    int64_t unused;
    sl_int128 nanos;
};

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err SL_UNUSED)
{
    struct cell *cells = a->cells.data;
    for (size_t i = 0; i < r->n; i++) {
        struct sl_interval v;
        if (sl_column_null(arg, i))
            continue;
        sl_int128 bytes = sl_column_get16(arg, i);
        _Static_assert(sizeof(v) == sizeof(bytes), "an interval is a cell of 16 bytes");
        memcpy(&v, &bytes, sizeof(v));
        struct cell *c = &cells[sl_acc_group(r, i)];
        c->months += v.months;
        c->days += v.days;
        c->nanos += v.nanos;
        c->n++;
    }
    return 0;
}

static double to_microseconds(double seconds)
{
    return rint(seconds * 1e6) / 1e6;
}

/* The sum over n. 0 if it does not fit an interval. */
static int divide(const struct cell *c, struct sl_interval *v)
{
    double n = (double)c->n, months = (double)c->months / n, days = (double)c->days / n;
    double more_days = to_microseconds((months - trunc(months)) * 30);
    double seconds = to_microseconds((days - trunc(days) + more_days - trunc(more_days)) * 86400);
    double day = trunc(days) + trunc(more_days);
    if (fabs(seconds) >= 86400) {
        day += trunc(seconds / 86400);
        seconds -= trunc(seconds / 86400) * 86400;
    }
    double usec = rint((double)c->nanos / n / 1e3 + seconds * 1e6);
    if (fabs(months) > INT32_MAX || fabs(day) > INT32_MAX || fabs(usec) >= 9.2e15)
        return 0;
    *v = (struct sl_interval){(int32_t)months, (int32_t)day, (int64_t)usec * 1000};
    return 1;
}

static int result(struct sl_acc *a, const struct sl_agg_call *call, uint32_t group,
                  struct sl_builder *b, struct sl_err *err)
{
    const struct cell *c = (const struct cell *)a->cells.data + group;
    struct sl_interval v = {(int32_t)c->months, (int32_t)c->days, (int64_t)c->nanos};
    int fits = v.months == c->months && v.days == c->days && v.nanos == c->nanos;
    if (!c->n) {
        sl_builder_null(b);
        return 0;
    }
    if (call->kind == SL_AGG_AVG)
        fits = divide(c, &v);
    if (!fits)
        return sl_err_set(err, SL_EOVERFLOW, "%s: the result does not fit interval", call->text);
    sl_builder_interval(b, v);
    return 0;
}

static void add_cell(void *cell, const void *more)
{
    struct cell *c = cell;
    const struct cell *m = more;
    c->months += m->months;
    c->days += m->days;
    c->n += m->n;
    c->nanos += m->nanos;
}

const struct sl_acc_class sl_acc_interval = {
    .size = sizeof(struct sl_acc),
    .cell = sizeof(struct cell),
    .add_cell = add_cell,
    .add = add,
    .result = result,
};

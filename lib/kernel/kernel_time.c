/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * kernel_time: arithmetic of times, dates and intervals; date_bin, now and their like.
 *
 * A timestamptz is an instant, and its calendar that of the zone of the run; a timestamp is a wall
 * clock, counted as if it were UTC. `t at time zone 'Z'` makes one of the other: the clock that an
 * instant shows in Z, the instant at which the clock of Z shows it.
 */
#include <math.h>
#include "kernel/calendar.h"
#include "kernel/kernel.h"

static int out_of_range(struct sl_call *c, size_t i)
{
    static const char *const names[] = {[SL_TIMESTAMPTZ] = "timestamptz",
                                        [SL_WALLTIME] = "timestamp",
                                        [SL_DATE] = "date",
                                        [SL_INTERVAL] = "interval"};
    assert(c->out->type.kind < SL_COUNT(names) && names[c->out->type.kind]);
    return sl_call_fail(c, i, "%s out of range", names[c->out->type.kind]);
}

/* timestamptz or timestamp +- interval */
SL_ROWS(sl_kernel_time_shift, int64_t)
{
    int sign = c->node->param[0] == '-' ? -1 : 1;
    return sl_interval_shift(sl_arg_int(c, 0, i), c->out->type.nsec, sl_arg_interval(c, 1, i), sign,
                             sl_call_zone(c, c->out->type), to)
               ? 0
               : out_of_range(c, i);
}

/* timestamptz - timestamptz, timestamp - timestamp: days of 24 hours and the rest */
SL_ROWS(sl_kernel_time_diff, struct sl_interval)
{
    int64_t per = c->args[0]->type.nsec ? 1 : 1000, day = SL_NSEC_PER_DAY / per, d;
    if (__builtin_sub_overflow(sl_arg_int(c, 0, i), sl_arg_int(c, 1, i), &d))
        return out_of_range(c, i);
    to->days = (int32_t)(d / day);
    to->nanos = d % day * per;
    return 0;
}

/* date +- bigint */
SL_ROWS(sl_kernel_date_shift, int32_t)
{
    int sign = c->node->param[0] == '-' ? -1 : 1;
    int64_t d = sl_arg_date(c, 0, i), n = sl_arg_int(c, 1, i);
    if (n > INT32_MAX || n < INT32_MIN || (d += sign * n) > INT32_MAX || d < INT32_MIN)
        return out_of_range(c, i);
    *to = (int32_t)d;
    return 0;
}

SL_ROWS(sl_kernel_date_diff, int64_t)
{
    *to = (int64_t)sl_arg_date(c, 0, i) - sl_arg_date(c, 1, i);
    return 0;
}

/* a - b of two parts, or a + b. 1 if it overflows. */
static int combine(struct sl_interval a, struct sl_interval b, int minus, struct sl_interval *r)
{
    int bad;
    if (minus) {
        bad = __builtin_sub_overflow(a.months, b.months, &r->months);
        bad += __builtin_sub_overflow(a.days, b.days, &r->days);
        bad += __builtin_sub_overflow(a.nanos, b.nanos, &r->nanos);
    } else {
        bad = __builtin_add_overflow(a.months, b.months, &r->months);
        bad += __builtin_add_overflow(a.days, b.days, &r->days);
        bad += __builtin_add_overflow(a.nanos, b.nanos, &r->nanos);
    }
    return bad != 0;
}

SL_ROWS(sl_kernel_interval_add, struct sl_interval)
{
    int bad =
        combine(sl_arg_interval(c, 0, i), sl_arg_interval(c, 1, i), c->node->param[0] == '-', to);
    return bad ? out_of_range(c, i) : 0;
}

static double round_micros(double x)
{
    return rint(x * 1e6) / 1e6;
}

/* interval * double, interval / double: fractions of months go to days of 30, of days to hours, each part
 * by itself, so that signs stay what they are in PostgreSQL */
SL_ROWS(sl_kernel_interval_scale, struct sl_interval)
{
    struct sl_interval a = sl_arg_interval(c, 0, i);
    int divide = c->node->param[0] == '/';
    double f = sl_arg_double(c, 1, i);
    if (divide && f == 0)
        return sl_call_fail(c, i, "division by zero");
    double months = divide ? a.months / f : a.months * f, days = divide ? a.days / f : a.days * f;
    double ns = divide ? (double)a.nanos / f : (double)a.nanos * f;
    double lent = round_micros((months - trunc(months)) * 30);                     /* days */
    double part = round_micros((days - trunc(days) + lent - trunc(lent)) * 86400); /* seconds */
    days = trunc(days) + trunc(lent) + trunc(part / 86400);
    ns = rint(ns / 1e3 + fmod(part, 86400) * 1e6) * 1e3; /* microseconds can be trusted of it */
    if (!(fabs(months) <= INT32_MAX) || !(fabs(days) <= INT32_MAX) || !(fabs(ns) < 9.2e18))
        return out_of_range(c, i);
    *to = (struct sl_interval){(int32_t)months, (int32_t)days, (int64_t)ns};
    return 0;
}

SL_ROWS(sl_kernel_interval_negate, struct sl_interval)
{
    int bad = combine((struct sl_interval){0}, sl_arg_interval(c, 0, i), 1, to);
    return bad ? out_of_range(c, i) : 0;
}

/* date_bin(stride, t, origin) */
SL_ROWS(sl_kernel_date_bin, int64_t)
{
    struct sl_interval s = sl_arg_interval(c, 0, i);
    int64_t origin = sl_arg_int(c, 2, i), per = c->out->type.nsec ? 1 : 1000;
    sl_int128 stride = ((sl_int128)s.days * SL_NSEC_PER_DAY + s.nanos) / per, d, bin;
    if (s.months != 0)
        return sl_call_fail(c, i, "date_bin: a stride of months or years is no fixed span");
    if (stride <= 0)
        return sl_call_fail(c, i, "date_bin: the stride must be greater than zero");
    d = (sl_int128)sl_arg_int(c, 1, i) - origin;
    bin = d - d % stride - (d % stride < 0 ? stride : 0) + origin;
    SL_CHECK_THAT(bin <= d + origin && d + origin - bin < stride);
    if (bin < INT64_MIN || bin > INT64_MAX)
        return out_of_range(c, i);
    *to = (int64_t)bin;
    return 0;
}

/* to_timestamp(seconds since the epoch) */
SL_ROWS(sl_kernel_to_timestamp, int64_t)
{
    double us = rint(sl_arg_double(c, 0, i) * 1e6);
    if (!(fabs(us) < 9.2e18))
        return out_of_range(c, i);
    *to = (int64_t)us;
    return 0;
}

SL_ROWS(sl_kernel_now, int64_t)
{
    *to = c->ev->env->now;
    return 0;
}

SL_ROWS(sl_kernel_current_date, int32_t)
{
    int64_t rest, wall = sl_wall_seconds(c->ev->env->now, 0, c->ev->env->zone, &rest);
    *to = (int32_t)sl_floor_div(wall, 86400);
    return 0;
}

/* Days since 1970; 1, or 0 if there is no such date. */
static int read_date(int64_t y, int64_t m, int64_t d, int32_t *out)
{
    int64_t year, days;
    int month, day;
    if (y <= -100000 || y >= 100000 || m < 1 || m > 12 || d < 1 || d > 31)
        return 0;
    days = sl_time_days(y, (int)m, (int)d);
    sl_time_civil_from_days(days, &year, &month, &day);
    *out = (int32_t)days;
    return month == m && day == d;
}

SL_ROWS(sl_kernel_make_date, int32_t)
{
    int64_t y = sl_arg_int(c, 0, i), m = sl_arg_int(c, 1, i), d = sl_arg_int(c, 2, i);
    return read_date(y, m, d, to)
               ? 0
               : sl_call_fail(c, i, "date field value out of range: %lld-%lld-%lld", (long long)y,
                              (long long)m, (long long)d);
}

/* timezone(zone, t): the clock of an instant, or the instant of a clock */
int sl_kernel_at_zone(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    struct sl_zone_cache zones = {0};
    int64_t *to = sl_call_data(c);
    int nsec = c->out->type.nsec, to_wall = c->out->type.kind == SL_WALLTIME, rc = 0;
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows && rc >= 0; i++) {
        const struct sl_zone *z;
        int64_t rest, wall;
        to[i] = 0;
        if (!sl_call_valid(c, i))
            continue;
        rc = sl_zone_cached(c, &zones, 0, i, &z);
        if (rc != 1)
            continue;
        wall = sl_wall_seconds(sl_arg_int(c, 1, i), nsec, to_wall ? z : NULL, &rest);
        if (!sl_wall_instant(wall, rest, nsec, to_wall ? NULL : z, &to[i]))
            rc = out_of_range(c, i);
    }
    sl_zone_cache_release(&zones);
    return rc < 0 ? rc : 0;
}

/* ---- made of parts, and parts made again ---- */

/* make_timestamp(year, month, day, hour, minute, second), on the calendar of the result's type */
SL_ROWS(sl_kernel_make_time, int64_t)
{
    int64_t y = sl_arg_int(c, 0, i), m = sl_arg_int(c, 1, i), d = sl_arg_int(c, 2, i);
    int64_t hour = sl_arg_int(c, 3, i), min = sl_arg_int(c, 4, i);
    double usec = rint(sl_arg_double(c, 5, i) * 1e6);
    int32_t days = 0;
    if (!read_date(y, m, d, &days))
        return sl_call_fail(c, i, "date field value out of range: %lld-%lld-%lld", (long long)y,
                            (long long)m, (long long)d);
    int ok = hour >= 0 && min >= 0 && min < 60 && usec >= 0 && usec <= 6e7 &&
             (hour < 24 || (hour == 24 && min == 0 && usec == 0));
    if (!ok)
        return sl_call_fail(c, i, "time field value out of range: %lld:%lld:%g", (long long)hour,
                            (long long)min, sl_arg_double(c, 5, i));
    int64_t us = (int64_t)usec,
            wall = days * INT64_C(86400) + hour * 3600 + min * 60 + us / 1000000;
    return sl_wall_instant(wall, us % 1000000, 0, sl_call_zone(c, c->out->type), to)
               ? 0
               : out_of_range(c, i);
}

/* A time as its calendar shows it. */
struct fields {
    int64_t year, nanos; /* of the day */
    int month, day;
};

static struct fields fields_of(struct sl_call *c, int k, size_t row)
{
    struct sl_type t = c->args[k]->type;
    struct fields f;
    int64_t rest, wall = sl_wall_seconds(sl_arg_int(c, k, row), t.nsec, sl_call_zone(c, t), &rest);
    int64_t days = sl_floor_div(wall, 86400);
    sl_time_civil_from_days(days, &f.year, &f.month, &f.day);
    f.nanos = (wall - days * 86400) * 1000000000 + rest * (t.nsec ? 1 : 1000);
    return f;
}

/* age(later, earlier): what the calendar says between them. Days that a month lends are those of the month
 * of the earlier time, as in PostgreSQL. */
SL_ROWS(sl_kernel_age, struct sl_interval)
{
    int back = sl_arg_int(c, 0, i) < sl_arg_int(c, 1, i);
    struct fields a = fields_of(c, back, i), b = fields_of(c, !back, i);
    int64_t months = (a.year - b.year) * 12 + a.month - b.month, days = a.day - b.day;
    int64_t nanos = a.nanos - b.nanos;
    if (nanos < 0) {
        nanos += SL_NSEC_PER_DAY;
        days--;
    }
    if (days < 0) {
        int64_t next = b.year + b.month / 12;
        days += sl_time_days(next, b.month % 12 + 1, 1) - sl_time_days(b.year, b.month, 1);
        months--;
    }
    if (months > INT32_MAX)
        return out_of_range(c, i);
    *to = (struct sl_interval){(int32_t)months, (int32_t)days, nanos};
    if (back)
        *to = (struct sl_interval){-to->months, -to->days, -to->nanos};
    return 0;
}

/* Of two parts: low and high get the same sign, where `per` of low is one of high. */
static void one_sign(int64_t *high, int64_t *low, int64_t per, int low_is_less)
{
    if (*high > 0 && (*low < 0 || (*low == 0 && low_is_less < 0))) {
        *low += per;
        --*high;
    } else if (*high < 0 && (*low > 0 || (*low == 0 && low_is_less > 0))) {
        *low -= per;
        ++*high;
    }
}

/* param[0]: d days to months, h hours to days, i both and one sign */
SL_ROWS(sl_kernel_justify, struct sl_interval)
{
    struct sl_interval v = sl_arg_interval(c, 0, i);
    int how = (int)c->node->param[0];
    int64_t months = v.months, days = v.days, nanos = v.nanos;
    if (how != 'd') {
        days += nanos / SL_NSEC_PER_DAY;
        nanos %= SL_NSEC_PER_DAY;
    }
    if (how != 'h') {
        months += days / 30;
        days %= 30;
        one_sign(&months, &days, 30, how == 'i' ? (nanos > 0) - (nanos < 0) : 0);
    }
    if (how != 'd')
        one_sign(&days, &nanos, SL_NSEC_PER_DAY, 0);
    if (months != (int32_t)months || days != (int32_t)days)
        return out_of_range(c, i);
    *to = (struct sl_interval){(int32_t)months, (int32_t)days, nanos};
    return 0;
}

/* overlaps(from, to, from, to): the ends of a span may stand in either order, and its last instant is not in
 * it unless it is the first */
SL_BITS(sl_kernel_overlaps)
{
    int64_t a = sl_arg_int(c, 0, i), b = sl_arg_int(c, 1, i);
    int64_t x = sl_arg_int(c, 2, i), y = sl_arg_int(c, 3, i);
    int64_t from = SL_MIN(a, b), other = SL_MIN(x, y);
    return from > other ? from < SL_MAX(x, y) : from < other ? other < SL_MAX(a, b) : 1;
}

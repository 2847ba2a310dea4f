/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* kernel_field: date_trunc and extract, on the calendar of a zone; zones named by a column. */
#include "kernel/calendar.h"
#include "kernel/kernel.h"
#include "kernel/unit.h"

/* ---- zones ---- */

void sl_zone_cache_release(struct sl_zone_cache *z)
{
    sl_zone_free(z->zone);
    free(z->name);
    memset(z, 0, sizeof(*z));
}

int sl_zone_cached(struct sl_call *c, struct sl_zone_cache *z, int k, size_t row,
                   const struct sl_zone **out)
{
    assert(sl_call_has(c, k + 1) && z && out);
    size_t n;
    struct sl_err err;
    const char *s = sl_arg_bytes(c, k, row, &n);
    if (!z->name || strlen(z->name) != n || memcmp(z->name, s, n) != 0) {
        sl_zone_cache_release(z);
        z->name = sl_strndup(s, n);
        if (!z->name)
            return sl_err_nomem(c->err, "opening a time zone");
        z->zone = strlen(z->name) == n ? sl_zone_open_word(z->name, &err) : NULL;
    }
    *out = z->zone;
    return z->zone ? 1 : sl_call_fail(c, row, "there is no time zone \"%.60s\"", z->name);
}

/* ---- date_trunc ---- */

/* First year of the decade, century, millennium; centuries begin in 01. */
static int64_t year_floor(int64_t y, int unit)
{
    switch (unit) {
    case SL_UNIT_DECADE: return sl_floor_div(y, 10) * 10;
    case SL_UNIT_CENTURY: return sl_floor_div(y - 1, 100) * 100 + 1;
    case SL_UNIT_MILLENNIUM: return sl_floor_div(y - 1, 1000) * 1000 + 1;
    default: return y;
    }
}

static int64_t day_floor(int64_t days, int unit)
{
    int64_t year;
    int month, day;
    if (unit == SL_UNIT_DAY)
        return days;
    if (unit == SL_UNIT_WEEK) /* Monday; 1970-01-01 was a Thursday */
        return days - (days + 3 - sl_floor_div(days + 3, 7) * 7);
    sl_time_civil_from_days(days, &year, &month, &day);
    if (unit == SL_UNIT_MONTH)
        return days - (day - 1);
    if (unit == SL_UNIT_QUARTER)
        return sl_time_days(year, (month - 1) / 3 * 3 + 1, 1);
    return sl_time_days(year_floor(year, unit), 1, 1);
}

static int64_t floor_to(int64_t v, int64_t unit)
{
    return sl_floor_div(v, unit) * unit;
}

/* 1, or 0 if out of range. */
static int truncate(int64_t t, int nsec, int unit, const struct sl_zone *zone, int64_t *out)
{
    int64_t units = sl_time_units(nsec), rest, wall;
    if (unit <= SL_UNIT_SECOND || (!zone && unit <= SL_UNIT_DAY)) {
        int64_t to = unit == SL_UNIT_DAY            ? units * 86400
                     : unit == SL_UNIT_HOUR         ? units * 3600
                     : unit == SL_UNIT_MINUTE       ? units * 60
                     : unit == SL_UNIT_SECOND       ? units
                     : unit == SL_UNIT_MILLISECONDS ? units / 1000
                                                    : units / 1000000;
        return !__builtin_mul_overflow(sl_floor_div(t, to), to, out);
    }
    wall = sl_wall_seconds(t, nsec, zone, &rest);
    if (unit <= SL_UNIT_HOUR) { /* stays within one offset: two readings of an hour stay apart */
        int64_t sec = sl_floor_div(t, units);
        sec -= wall - floor_to(wall, unit == SL_UNIT_HOUR ? 3600 : 60);
        return !__builtin_mul_overflow(sec, units, out);
    }
    /* the first reading: what is cut off never comes out later than it went in */
    return sl_wall_read(day_floor(sl_floor_div(wall, 86400), unit) * 86400, 0, nsec, zone,
                        SL_READING_FIRST, out);
}

/* date_trunc(unit, t [, zone]) */
int sl_kernel_date_trunc(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    struct sl_zone_cache zones = {0};
    const struct sl_zone *zone = sl_call_zone(c, c->out->type);
    int64_t *to = sl_call_data(c);
    int unit = (int)c->node->param[0], nsec = c->out->type.nsec, rc = 0;
    assert(unit >= 0 && unit <= SL_UNIT_MILLENNIUM); /* those that it cuts to come first */
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows && rc >= 0; i++) {
        int64_t t = sl_arg_int(c, 1, i);
        to[i] = 0;
        if (!sl_call_valid(c, i))
            continue;
        if (c->node->nargs == 3) {
            rc = sl_zone_cached(c, &zones, 2, i, &zone);
            if (rc != 1)
                continue;
        }
        if (!truncate(t, nsec, unit, zone, &to[i]))
            rc = sl_call_fail(c, i, "%s out of range",
                              c->out->type.kind == SL_WALLTIME ? "timestamp" : "timestamptz");
    }
    sl_zone_cache_release(&zones);
    return rc < 0 ? rc : 0;
}

/* ---- extract ---- */

static void iso_week(int64_t days, int64_t *year, int *week)
{
    int64_t thursday = day_floor(days, SL_UNIT_WEEK) + 3;
    int month, day;
    sl_time_civil_from_days(thursday, year, &month, &day);
    *week = (int)((thursday - sl_time_days(*year, 1, 1)) / 7) + 1;
}

static int64_t year_field(int64_t y, int unit)
{
    switch (unit) {
    case SL_UNIT_DECADE: return sl_floor_div(y, 10);
    case SL_UNIT_CENTURY: return sl_floor_div(y - 1, 100) + 1;
    case SL_UNIT_MILLENNIUM: return sl_floor_div(y - 1, 1000) + 1;
    default: return y;
    }
}

/* Fields of a day. */
static int64_t day_field(int64_t days, int unit)
{
    int64_t year;
    int month, day, week;
    sl_time_civil_from_days(days, &year, &month, &day);
    switch (unit) {
    case SL_UNIT_DAY: return day;
    case SL_UNIT_MONTH: return month;
    case SL_UNIT_QUARTER: return (month - 1) / 3 + 1;
    case SL_UNIT_DOW: return (days + 4) - floor_to(days + 4, 7);
    case SL_UNIT_ISODOW: return (days + 3) - floor_to(days + 3, 7) + 1;
    case SL_UNIT_DOY: return days - sl_time_days(year, 1, 1) + 1;
    case SL_UNIT_WEEK: iso_week(days, &year, &week); return week;
    case SL_UNIT_ISOYEAR: iso_week(days, &year, &week); return year;
    default: return year_field(year, unit);
    }
}

/* Fields of the time of day; nanos within the minute. */
static sl_int128 clock_field(int64_t clock, int64_t nanos, int unit, int digits)
{
    SL_CHECK_THAT(clock >= 0 && clock < 86400 && nanos >= 0 && nanos < 1000000000);
    int64_t in_minute = clock % 60 * 1000000000 + nanos;
    switch (unit) {
    case SL_UNIT_HOUR: return clock / 3600;
    case SL_UNIT_MINUTE: return clock / 60 % 60;
    case SL_UNIT_MICROSECONDS: return in_minute / 1000;
    default: return digits == 9 ? in_minute : in_minute / 1000; /* by the type's scale */
    }
}

static sl_int128 time_field(struct sl_call *c, int64_t t, struct sl_type from, int unit)
{
    int64_t rest, wall;
    int digits = (int)c->node->param[1], nsec = from.nsec;
    if (unit == SL_UNIT_EPOCH)
        return t;
    wall = sl_wall_seconds(t, nsec, sl_call_zone(c, from), &rest);
    if (unit == SL_UNIT_TIMEZONE)
        return wall - sl_floor_div(t, sl_time_units(nsec));
    int64_t days = sl_floor_div(wall, 86400);
    if (unit <= SL_UNIT_HOUR)
        return clock_field(wall - days * 86400, nsec ? rest : rest * 1000, unit, digits);
    return day_field(days, unit);
}

static sl_int128 interval_field(struct sl_interval v, int unit)
{
    int64_t sec = v.nanos / 1000000000, nanos = v.nanos % 1000000000;
    switch (unit) {
    case SL_UNIT_EPOCH:
        return (((sl_int128)(v.months / 12) * 31557600 + (sl_int128)(v.months % 12) * 30 * 86400 +
                 (sl_int128)v.days * 86400) *
                1000000) +
               v.nanos / 1000;
    case SL_UNIT_YEAR: return v.months / 12;
    case SL_UNIT_DECADE: return v.months / 120;
    case SL_UNIT_CENTURY: return v.months / 1200;
    case SL_UNIT_MILLENNIUM: return v.months / 12000;
    case SL_UNIT_QUARTER: return v.months % 12 / 3 + 1;
    case SL_UNIT_MONTH: return v.months % 12;
    case SL_UNIT_DAY: return v.days;
    case SL_UNIT_WEEK: return v.days / 7;
    case SL_UNIT_HOUR: return sec / 3600;
    case SL_UNIT_MINUTE: return sec / 60 % 60;
    case SL_UNIT_SECOND:
    case SL_UNIT_MILLISECONDS:
    case SL_UNIT_MICROSECONDS: return (sec % 60 * 1000000000 + nanos) / 1000;
    default: return 0;
    }
}

/* extract(unit, t): param[0] unit, param[1] fraction digits */
SL_NUMBERS(sl_kernel_extract)
{
    struct sl_type from = c->args[1]->type;
    int unit = (int)c->node->param[0];
    if (sl_type_is_stamp(from))
        *to = time_field(c, sl_arg_int(c, 1, i), from, unit);
    else if (from.kind == SL_INTERVAL)
        *to = interval_field(sl_arg_interval(c, 1, i), unit);
    else if (unit == SL_UNIT_EPOCH)
        *to = (sl_int128)sl_arg_date(c, 1, i) * SL_USEC_PER_DAY;
    else if (unit > SL_UNIT_HOUR && unit != SL_UNIT_TIMEZONE)
        *to = day_field(sl_arg_date(c, 1, i), unit);
    return 0;
}

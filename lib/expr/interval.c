/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * interval: months, days and nanoseconds, kept apart as PostgreSQL and Arrow keep them.
 *
 * A month is added on the calendar (January 31st and one month is the last day of February), a day
 * on the wall clock of the zone, the rest as elapsed time.
 */
#include <math.h>
#include <strings.h>
#include "base/num.h"
#include "expr/interval.h"

enum field { MONTHS, DAYS, NANOS };

static const struct {
    const char *name;
    enum field field;
    double factor;
} units[] = {
    {"nanosecond", NANOS, 1}, {"ns", NANOS, 1},          {"microsecond", NANOS, 1e3},
    {"us", NANOS, 1e3},       {"usec", NANOS, 1e3},      {"millisecond", NANOS, 1e6},
    {"ms", NANOS, 1e6},       {"msec", NANOS, 1e6},      {"second", NANOS, 1e9},
    {"sec", NANOS, 1e9},      {"s", NANOS, 1e9},         {"minute", NANOS, 60e9},
    {"min", NANOS, 60e9},     {"m", NANOS, 60e9},        {"hour", NANOS, 3600e9},
    {"hr", NANOS, 3600e9},    {"h", NANOS, 3600e9},      {"day", DAYS, 1},
    {"d", DAYS, 1},           {"week", DAYS, 7},         {"w", DAYS, 7},
    {"month", MONTHS, 1},     {"mon", MONTHS, 1},        {"quarter", MONTHS, 3},
    {"year", MONTHS, 12},     {"yr", MONTHS, 12},        {"y", MONTHS, 12},
    {"decade", MONTHS, 120},  {"century", MONTHS, 1200}, {"centuries", MONTHS, 1200},
};

struct sum {
    double months, days;
    double whole_nanos; /* of whole units: exact up to 2^53 */
    int64_t nanos;
};

static int find_unit(const char *s, size_t n)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < SL_COUNT(units); i++)
            if (strlen(units[i].name) == n && strncasecmp(units[i].name, s, n) == 0)
                return (int)i;
        if (n < 3 || (s[n - 1] | 0x20) != 's')
            break;
        n--; /* plural */
    }
    return -1;
}

/* value (text of a number) of a unit: whole parts exact, fractions spill to the next field down. */
static int add_units(struct sum *t, const char *s, size_t n, int unit, int sign)
{
    double v;
    int64_t whole;
    double f = units[unit].factor;
    if (!sl_num_parse_double(s, n, &v) || !(fabs(v) < 1e15))
        return 0;
    v *= sign;
    if (units[unit].field == NANOS) {
        sl_int128 x;
        if (!sl_num_parse_decimal(s, n, 9, &x)) /* more than nine digits: rounded */
            x = (sl_int128)(v * sign * 1e9);
        x = x * (sl_int128)f * sign / 1000000000;
        sl_int128 total = x + t->nanos;
        if (total > INT64_MAX || total < INT64_MIN)
            return 0;
        t->nanos = (int64_t)total;
        return 1;
    }
    v *= f;
    whole = (int64_t)v;
    double rest = v - (double)whole;
    if (units[unit].field == MONTHS) {
        t->months += (double)whole;
        rest *= 30;
        t->days += trunc(rest);
        rest -= trunc(rest);
    } else {
        t->days += (double)whole;
    }
    double ns = rint(rest * (double)SL_NSEC_PER_DAY / 1e3) * 1e3;
    return !__builtin_add_overflow(t->nanos, (int64_t)ns, &t->nanos);
}

/* [+-]HH:MM[:SS[.fraction]] */
static int add_clock(struct sum *t, const char *s, size_t n, int sign)
{
    int64_t part[2];
    size_t at = 0;
    for (int k = 0; k < 2; k++) {
        size_t from = at;
        while (at < n && s[at] >= '0' && s[at] <= '9')
            at++;
        if (at == from || at - from > 9 || !sl_num_parse_int(s + from, at - from, &part[k]))
            return 0;
        if (k == 0 && (at >= n || s[at++] != ':'))
            return 0;
    }
    if (part[1] > 59)
        return 0;
    sl_int128 ns = 0;
    if (at < n) {
        if (s[at++] != ':' || at >= n || !sl_num_parse_decimal(s + at, n - at, 9, &ns) || ns < 0 ||
            ns > (sl_int128)60 * 1000000000)
            return 0;
    }
    ns += ((sl_int128)part[0] * 3600 + part[1] * 60) * 1000000000;
    ns = ns * sign + t->nanos;
    if (ns > INT64_MAX || ns < INT64_MIN)
        return 0;
    t->nanos = (int64_t)ns;
    return 1;
}

static int finish(const struct sum *t, int ago, struct sl_interval *out)
{
    if (!(fabs(t->months) <= INT32_MAX) || !(fabs(t->days) <= INT32_MAX) || t->nanos == INT64_MIN)
        return 0;
    out->months = (int32_t)(ago ? -t->months : t->months);
    out->days = (int32_t)(ago ? -t->days : t->days);
    out->nanos = ago ? -t->nanos : t->nanos;
    return 1;
}

static int is_number_char(char c)
{
    return (c >= '0' && c <= '9') || c == '.';
}

/* P[n]Y[n]M[n]W[n]DT[n]H[n]M[n]S */
static int parse_iso(const char *s, size_t n, struct sl_interval *out)
{
    struct sum t = {0};
    int clock = 0;
    size_t i = 1;
    if (n < 3)
        return 0;
    while (i < n) {
        int sign = 1;
        if (s[i] == 'T') {
            clock = 1;
            i++;
            continue;
        }
        if (s[i] == '-' || s[i] == '+')
            sign = s[i++] == '-' ? -1 : 1;
        size_t from = i;
        while (i < n && is_number_char(s[i]))
            i++;
        if (i == from || i == n)
            return 0;
        const char *unit;
        switch (s[i]) {
        case 'Y': unit = "year"; break;
        case 'M': unit = clock ? "minute" : "month"; break;
        case 'W': unit = "week"; break;
        case 'D': unit = "day"; break;
        case 'H': unit = "hour"; break;
        case 'S': unit = "second"; break;
        default: return 0;
        }
        if (!add_units(&t, s + from, i - from, find_unit(unit, strlen(unit)), sign))
            return 0;
        i++;
    }
    return finish(&t, 0, out);
}

int sl_interval_parse(const char *s, size_t n, struct sl_interval *out)
{
    struct sum t = {0};
    size_t i = 0;
    int any = 0, ago = 0;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    while (n && (*s == ' ' || *s == '\t' || *s == '@')) {
        s++;
        n--;
    }
    if (n && *s == 'P')
        return parse_iso(s, n, out);
    while (i < n) {
        int sign = 1;
        while (i < n && (s[i] == ' ' || s[i] == '\t' || s[i] == ','))
            i++;
        if (any && n - i == 3 && strncasecmp(s + i, "ago", 3) == 0) {
            ago = 1;
            break;
        }
        if (i < n && (s[i] == '-' || s[i] == '+'))
            sign = s[i++] == '-' ? -1 : 1;
        size_t from = i;
        while (i < n && is_number_char(s[i]))
            i++;
        if (i == from)
            return 0;
        size_t len = i - from;
        if (i < n && s[i] == ':') {
            while (i < n && (is_number_char(s[i]) || s[i] == ':'))
                i++;
            if (!add_clock(&t, s + from, i - from, sign))
                return 0;
        } else {
            while (i < n && (s[i] == ' ' || s[i] == '\t'))
                i++;
            size_t word = i;
            while (i < n && ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z'))
                i++;
            int unit = i > word ? find_unit(s + word, i - word)
                       : i == n ? find_unit("second", 6)
                                : -1;
            if (unit < 0 || !add_units(&t, s + from, len, unit, sign))
                return 0;
        }
        any = 1;
    }
    return any && finish(&t, ago, out);
}

int sl_interval_shift(int64_t t, int nsec, struct sl_interval v, int sign,
                      const struct sl_zone *zone, int64_t *out)
{
    int64_t per = nsec ? 1 : 1000, add;
    if (v.months || v.days) {
        int64_t rest, wall = sl_wall_seconds(t, nsec, zone, &rest);
        int64_t days = sl_floor_div(wall, 86400), clock = wall - days * 86400, year;
        int month, day;
        sl_time_civil_from_days(days, &year, &month, &day);
        if (v.months) {
            int64_t m = year * 12 + (month - 1) + (int64_t)sign * v.months;
            static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
            year = sl_floor_div(m, 12);
            month = (int)(m - year * 12) + 1;
            int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            int last = lengths[month - 1] + (month == 2 && leap);
            day = SL_MIN(day, last);
            if (year < -300000 || year > 300000)
                return 0;
        }
        days = sl_time_days(year, month, day) + (int64_t)sign * v.days;
        if (!sl_wall_instant(days * 86400 + clock, rest, nsec, zone, &t))
            return 0;
    }
    /* nanoseconds to the unit, rounded half away from zero */
    add = v.nanos / per;
    int64_t r = v.nanos % per;
    if (2 * r >= per)
        add++;
    else if (2 * r <= -per)
        add--;
    return !(sign < 0 ? __builtin_sub_overflow(t, add, out) : __builtin_add_overflow(t, add, out));
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* interval: months, days and nanoseconds from text and to text, kept apart as PostgreSQL and Arrow keep
 * them. What is printed here reads back as the same. */
#include "arrow/interval.h"

#include <math.h>
#include <strings.h>
#include "base/num.h"

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
    assert((s || !n) && out);
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

/* A part of an interval; behind one below zero a positive one shows its sign, as in PostgreSQL. */
static void print_unit(long long v, int *minus, const char *one, const char *many,
                       struct sl_buf *out)
{
    if (!v)
        return;
    sl_buf_printf(out, "%s%lld %s ", *minus && v > 0 ? "+" : "", v, v == 1 ? one : many);
    *minus = v < 0;
}

void sl_interval_print(struct sl_interval v, struct sl_buf *out)
{
    size_t start = out->len;
    int minus = 0;
    print_unit(v.months / 12, &minus, "year", "years", out);
    print_unit(v.months % 12, &minus, "mon", "mons", out);
    print_unit(v.days, &minus, "day", "days", out);
    if (v.nanos || out->len == start) {
        uint64_t ns = v.nanos < 0 ? 0 - (uint64_t)v.nanos : (uint64_t)v.nanos;
        uint64_t s = ns / 1000000000, frac = ns % 1000000000;
        sl_buf_printf(out, "%s%02llu:%02llu:%02llu",
                      v.nanos < 0 ? "-"
                      : minus     ? "+"
                                  : "",
                      (unsigned long long)(s / 3600), (unsigned long long)(s / 60 % 60),
                      (unsigned long long)(s % 60));
        if (frac) {
            char digits[16];
            int n = snprintf(digits, sizeof digits, ".%09llu", (unsigned long long)frac);
            while (digits[n - 1] == '0')
                n--;
            sl_buf_add(out, digits, (size_t)n);
        }
    } else if (!out->failed) {
        out->data[--out->len] = 0; /* the space behind the last unit */
    }
}

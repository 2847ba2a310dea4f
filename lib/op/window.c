/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* window: see window.h. */
#include <strings.h>
#include "base/num.h"
#include "op/window.h"

/* "7 days": the number, and where its unit begins. 0 if it is not of that form. */
static int split(const char *s, int64_t *n, const char **unit)
{
    while (*s == ' ')
        s++;
    const char *digits = s;
    while (*s >= '0' && *s <= '9')
        s++;
    if (s == digits)
        *n = 1;
    else if (!sl_num_parse_int(digits, (size_t)(s - digits), n))
        return 0;
    while (*s == ' ')
        s++;
    *unit = s;
    return *s != '\0';
}

static int is_unit(const char *s, const char *name)
{
    size_t n = strlen(name);
    if (strncasecmp(s, name, n) != 0)
        return 0;
    s += n;
    if (*s == 's' || *s == 'S')
        s++;
    while (*s == ' ')
        s++;
    return *s == '\0';
}

int sl_window_parse(const char *text, const struct sl_expr_env *env, struct sl_window *w,
                    struct sl_err *err)
{
    assert(text && w);
    static const struct {
        const char *name;
        enum sl_window_unit unit;
        int months;
    } units[] = {{"day", SL_WINDOW_DAY, 0},
                 {"week", SL_WINDOW_WEEK, 0},
                 {"month", SL_WINDOW_MONTH, 1},
                 {"year", SL_WINDOW_MONTH, 12}};
    const char *unit;
    int64_t n;

    memset(w, 0, sizeof(*w));
    w->zone = env ? env->zone : NULL;
    if (split(text, &n, &unit)) {
        for (size_t i = 0; i < SL_COUNT(units); i++) {
            if (!is_unit(unit, units[i].name))
                continue;
            if (n < 1 || n > 36500)
                goto bad;
            w->unit = units[i].unit;
            w->width = units[i].months ? n * units[i].months : n;
            return 0;
        }
    }
    w->unit = SL_WINDOW_FIXED;
    if (sl_time_parse_duration(text, strlen(text), &w->width) && w->width > 0)
        return 0;
bad:
    sl_err_set(err, SL_EUSAGE, "a window cannot be '%s'", text);
    return sl_err_hint(err, "write '1 minute', '2 hours', '1 day', '1 week' or '1 month'");
}

/* First instant of calendar bucket k of the window's unit. */
static int64_t bucket_start(const struct sl_window *w, int64_t k)
{
    assert(w->unit != SL_WINDOW_FIXED && w->width > 0);
    int64_t day;
    if (w->unit == SL_WINDOW_DAY) {
        day = k * w->width;
    } else if (w->unit == SL_WINDOW_WEEK) {
        day = k * w->width * 7 + 4; /* 1970-01-05 was a Monday */
    } else {
        int64_t month = k * w->width, year = sl_floor_div(month, 12);
        day = sl_time_days(1970 + year, (int)(month - year * 12) + 1, 1);
    }
    return sl_zone_to_utc(w->zone, day * 86400, SL_READING_FIRST) * SL_USEC_PER_SEC;
}

static int64_t bucket_of(const struct sl_window *w, int64_t t)
{
    assert(w->unit != SL_WINDOW_FIXED && w->width > 0);
    int64_t sec = sl_floor_div(t, SL_USEC_PER_SEC);
    int64_t day = sl_floor_div(sec + sl_zone_offset(w->zone, sec), 86400), year;
    int month, mday;
    if (w->unit == SL_WINDOW_DAY)
        return sl_floor_div(day, w->width);
    if (w->unit == SL_WINDOW_WEEK)
        return sl_floor_div(day - 4, w->width * 7);
    sl_time_civil_from_days(day, &year, &month, &mday);
    return sl_floor_div((year - 1970) * 12 + month - 1, w->width);
}

int sl_window_around(const struct sl_window *w, int64_t t, int64_t *start, int64_t *end)
{
    assert(w->width > 0 && start && end);
    if (w->unit == SL_WINDOW_FIXED) {
        int64_t rest = t % w->width;
        if (rest < 0)
            rest += w->width;
        return !__builtin_sub_overflow(t, rest, start) &&
               !__builtin_add_overflow(*start, w->width, end) && *start != INT64_MIN &&
               *end != INT64_MAX;
    }
    /* Calendar: the buckets' bounds in microseconds must not overflow either. */
    if (t < INT64_MIN / 2 || t > INT64_MAX / 2)
        return 0;
    int64_t k = bucket_of(w, t);
    *start = bucket_start(w, k);
    *end = bucket_start(w, k + 1);
    /* Where clocks are put back across midnight, a wall-clock day is not one piece of time. */
    if (t >= *end) {
        *start = *end;
        *end = bucket_start(w, k + 2);
    } else if (t < *start) {
        *end = *start;
        *start = bucket_start(w, k - 1);
    }
    return *start <= t && t < *end;
}

void sl_window_print(const struct sl_window *w, struct sl_buf *out)
{
    assert(w->width > 0);
    static const char *const names[] = {"us", "day", "week", "month"};
    sl_buf_printf(out, "%lld %s", (long long)w->width, names[w->unit]);
}

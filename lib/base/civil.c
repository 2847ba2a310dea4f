/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * civil: the proleptic Gregorian calendar, clocks, and instants as text.
 *
 * Days and dates convert by the cycle of 400 years (146,097 days) that begins on 1 March, so that
 * the leap day is the last of its year and month lengths follow one linear formula.
 */
#include "base/time.h"
#include "base/num.h"

/* What sl_floor_div() leaves. Never a - sl_floor_div(a, b) * b: that product can be below INT64_MIN. */
static inline int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t rest = a % b;
    return rest < 0 ? rest + b : rest;
}

int64_t sl_time_days(int64_t year, int month, int day)
{
    SL_CHECK_THAT(month >= 1 && month <= 12);
    int64_t y = year - (month <= 2), era = sl_floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

void sl_time_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    SL_CHECK_THAT(year && month && day);
    int64_t z = days + 719468, era = sl_floor_div(z, 146097);
    uint32_t doe = (uint32_t)(z - era * 146097);
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint32_t m = (5 * doy + 2) / 153;

    *day = (int)(doy - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int64_t)yoe + era * 400 + (*month <= 2);
}

void sl_time_to_civil(int64_t usec, struct sl_civil *out)
{
    int64_t sec = sl_floor_div(usec, SL_USEC_PER_SEC), days = sl_floor_div(sec, 86400);
    int rest = (int)(sec - days * 86400);

    sl_time_civil_from_days(days, &out->year, &out->month, &out->day);
    out->hour = rest / 3600;
    out->minute = rest / 60 % 60;
    out->second = rest % 60;
    out->nsec = (int32_t)floor_mod(usec, SL_USEC_PER_SEC) * 1000;
}

/* ---- text ---- */

static inline char *put2(char *o, int v)
{
    o[0] = (char)('0' + v / 10);
    o[1] = (char)('0' + v % 10);
    return o + 2;
}

/* Four digits; years that need more, or are below 0, bear a sign (ISO 8601 expanded). */
static char *put_year(char *o, int64_t year)
{
    if (SL_UNLIKELY(year < 0 || year > 9999)) {
        *o++ = year < 0 ? '-' : '+';
        year = llabs(year);
        if (year > 9999)
            return o + sl_num_print_int(o, year);
    }
    o = put2(o, (int)year / 100);
    return put2(o, (int)year % 100);
}

static char *put_date(char *o, int64_t days)
{
    int64_t year;
    int month, day;

    sl_time_civil_from_days(days, &year, &month, &day);
    o = put_year(o, year);
    *o++ = '-';
    o = put2(o, month);
    *o++ = '-';
    return put2(o, day);
}

size_t sl_time_print_date(char *out, int32_t days)
{
    return put_date(out, days) - out;
}

static char *put_fraction(char *o, int nsec)
{
    int digits = nsec % 1000000 == 0 ? 3 : nsec % 1000 == 0 ? 6 : 9;
    int v = digits == 3 ? nsec / 1000000 : digits == 6 ? nsec / 1000 : nsec;

    *o++ = '.';
    for (int i = digits - 1; i >= 0; i--) {
        o[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return o + digits;
}

static char *put_offset(char *o, int offset, enum sl_time_style style)
{
    int a = abs(offset);

    *o++ = offset < 0 ? '-' : '+';
    o = put2(o, a / 3600);
    if (style == SL_TIME_RFC3339 || a % 3600) {
        *o++ = ':';
        o = put2(o, a / 60 % 60);
    }
    if (a % 60) {
        *o++ = ':';
        o = put2(o, a % 60);
    }
    return o;
}

/* The clock at sec seconds and nsec behind: date, T or a space, time and fraction. */
static char *put_clock(char *o, int64_t sec, int nsec, enum sl_time_style style)
{
    int64_t days = sl_floor_div(sec, 86400);
    int rest = (int)(sec - days * 86400);

    o = put_date(o, days);
    *o++ = style == SL_TIME_SQL ? ' ' : 'T';
    o = put2(o, rest / 3600);
    *o++ = ':';
    o = put2(o, rest / 60 % 60);
    *o++ = ':';
    o = put2(o, rest % 60);
    return nsec ? put_fraction(o, nsec) : o;
}

size_t sl_time_print(char *out, int64_t value, int is_nsec, enum sl_time_style style,
                     const struct sl_zone *zone)
{
    int64_t per = is_nsec ? 1000000000 : SL_USEC_PER_SEC, sec = sl_floor_div(value, per);
    int nsec = (int)floor_mod(value, per) * (is_nsec ? 1 : 1000);
    int32_t offset = zone ? sl_zone_offset(zone, sec) : 0;
    char *o;

    /* RFC 3339 has no seconds in an offset: the wall clock is shown by the whole minute, so that
     * the text still names the same instant. */
    if (style == SL_TIME_RFC3339)
        offset -= offset % 60;
    o = put_clock(out, sec + offset, nsec, style);
    if (!zone && style == SL_TIME_RFC3339)
        *o++ = 'Z';
    else
        o = put_offset(o, offset, style);
    return o - out;
}

size_t sl_time_print_wall(char *out, int64_t value, int is_nsec, enum sl_time_style style)
{
    int64_t per = is_nsec ? 1000000000 : SL_USEC_PER_SEC;
    int nsec = (int)floor_mod(value, per) * (is_nsec ? 1 : 1000);

    return put_clock(out, sl_floor_div(value, per), nsec, style) - out;
}

/* ---- clocks ---- */

static int64_t now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * SL_USEC_PER_SEC + t.tv_nsec / 1000;
}

int64_t sl_time_now_usec(void)
{
    return now(CLOCK_REALTIME);
}

int64_t sl_time_mono_usec(void)
{
    return now(CLOCK_MONOTONIC);
}

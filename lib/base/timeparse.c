/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * timeparse: text to instants and durations.
 *
 * ISO text in its commonest form (YYYY-MM-DD, T or a space, HH:MM:SS, 0, 3 or 6 fraction digits,
 * Z or nothing) is checked in three words of eight bytes; anything else takes the field-by-field
 * reader, which knows every form. Both must agree on every text; a test holds them to it.
 */
#include "base/time.h"
#include "base/digits.h"

enum { MAX_YEAR_DIGITS = 7, DAYS_LIMIT = 106751990 }; /* days of int64 microseconds */

/* A reader over a slice; a failed step leaves p anywhere. */
struct scan {
    const char *p, *end;
    const char *no_zone; /* a word where a zone stands, that is none */
};

struct instant { /* civil fields, then offset */
    int64_t year;
    int month, day, hour, minute, second, nsec;
    int has_zone, offset, subnano;
    int wall; /* the offset is not taken off */
};

static int days_in_month(int64_t year, int month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        return 29;
    return days[month - 1];
}

static inline int is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Between min and max digits. */
static int take_int(struct scan *s, int min, int max, int *out)
{
    int v = 0, n = 0;

    while (n < max && s->p < s->end && is_digit(*s->p)) {
        v = v * 10 + (*s->p++ - '0');
        n++;
    }
    *out = v;
    return n >= min;
}

static inline int take_char(struct scan *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return 0;
    s->p++;
    return 1;
}

static inline int peek(const struct scan *s)
{
    return s->p < s->end ? (unsigned char)*s->p : -1;
}

/* ---- putting fields together ---- */

/* Checks the fields and gives the instant. Second 60 and 24:00:00 are read as the next second. */
static int finish(const struct instant *t, const struct sl_zone *zone, int64_t *usec,
                  int *nsec_rest, int *flags)
{
    int64_t days, sec;

    if (t->month < 1 || t->month > 12 || t->day < 1 || t->hour > 24 || t->minute > 59 ||
        t->second > 60 || (t->hour == 24 && (t->minute || t->second || t->nsec)))
        return 0;
    if (t->day > days_in_month(t->year, t->month))
        return 0;
    days = sl_time_days(t->year, t->month, t->day);
    if (days > DAYS_LIMIT - 2 || days < -DAYS_LIMIT + 2)
        return 0;
    sec = days * 86400 + t->hour * 3600 + t->minute * 60 + t->second;
    if (t->has_zone)
        sec -= t->wall ? 0 : t->offset;
    else if (zone)
        sec = sl_zone_to_utc(zone, sec, SL_READING_LAST);
    *usec = sec * SL_USEC_PER_SEC + t->nsec / 1000;
    *nsec_rest = t->nsec % 1000;
    *flags |= (t->has_zone ? SL_TIME_HAS_ZONE : 0) | (t->subnano ? SL_TIME_SUBNANO : 0);
    return 1;
}

/* ---- pieces that several forms share ---- */

/* Digits after a point, at least one: nanoseconds, finer ones cut off. */
static int take_fraction(struct scan *s, struct instant *t)
{
    int n = 0, v = 0, finer = 0;

    for (; s->p < s->end && is_digit(*s->p); s->p++, n++) {
        if (n < 9)
            v = v * 10 + (*s->p - '0');
        else
            finer |= *s->p != '0';
    }
    if (!n)
        return 0;
    for (int i = n; i < 9; i++)
        v *= 10;
    t->nsec = v;
    t->subnano = finer;
    return 1;
}

static int is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Z, UTC, EST, ... */
static int take_zone_word(struct scan *s, struct instant *t)
{
    const char *from = s->p;

    while (s->p < s->end && is_letter(*s->p))
        s->p++;
    if (sl_zone_word(from, s->p - from, &t->offset))
        return 1;
    s->no_zone = from;
    return 0;
}

/* A word, or +HH, +HHMM, +HH:MM, +HH:MM:SS. */
static int take_offset(struct scan *s, struct instant *t)
{
    int negative, hour, minute = 0, second = 0;

    t->has_zone = 1;
    t->offset = 0;
    if (s->p < s->end && is_letter(*s->p))
        return take_zone_word(s, t);
    if (peek(s) != '+' && peek(s) != '-')
        return 0;
    negative = *s->p++ == '-';
    if (!take_int(s, 2, 2, &hour))
        return 0;
    if (take_char(s, ':')) {
        if (!take_int(s, 2, 2, &minute))
            return 0;
        if (take_char(s, ':') && !take_int(s, 2, 2, &second))
            return 0;
    } else if (peek(s) >= 0 && is_digit(*s->p) && !take_int(s, 2, 2, &minute)) {
        return 0;
    }
    if (hour > 23 || minute > 59 || second > 59)
        return 0;
    t->offset = hour * 3600 + minute * 60 + second;
    if (negative)
        t->offset = -t->offset;
    return 1;
}

/* Says where the word is that should be a zone. */
static int no_zone(const struct scan *s, const char *text, int *at, int *flags)
{
    *flags = SL_TIME_NO_ZONE;
    *at = (int)(s->no_zone - text);
    return 0;
}

/* ---- ISO 8601 ---- */

static int take_year(struct scan *s, int64_t *year)
{
    int negative = peek(s) == '-', v;

    if (negative || peek(s) == '+') {
        s->p++;
        if (!take_int(s, 4, MAX_YEAR_DIGITS, &v))
            return 0;
    } else if (!take_int(s, 4, 4, &v)) {
        return 0;
    }
    *year = negative ? -(int64_t)v : v;
    return 1;
}

static int parse_iso(const char *text, size_t n, const struct sl_zone *zone, int wall,
                     int64_t *usec, int *nsec_rest, int *flags)
{
    struct scan s = {.p = text, .end = text + n};
    struct instant t = {.wall = wall};

    *flags = 0;
    if (!take_year(&s, &t.year) || !take_char(&s, '-') || !take_int(&s, 2, 2, &t.month) ||
        !take_char(&s, '-') || !take_int(&s, 2, 2, &t.day))
        return 0;
    if (s.p == s.end) {
        *flags = SL_TIME_IS_DATE;
        return finish(&t, zone, usec, nsec_rest, flags);
    }
    if (!take_char(&s, 'T') && !take_char(&s, ' ') && !take_char(&s, 't'))
        return 0;
    if (!take_int(&s, 2, 2, &t.hour) || !take_char(&s, ':') || !take_int(&s, 2, 2, &t.minute))
        return 0;
    if (take_char(&s, ':')) {
        if (!take_int(&s, 2, 2, &t.second))
            return 0;
        if ((take_char(&s, '.') || take_char(&s, ',')) && !take_fraction(&s, &t))
            return 0;
    }
    if (s.p < s.end) {
        take_char(&s, ' ');
        if (!take_offset(&s, &t) || s.p < s.end)
            return s.no_zone ? no_zone(&s, text, nsec_rest, flags) : 0;
    }
    return finish(&t, zone, usec, nsec_rest, flags);
}

int sl_time_parse_wall(const char *s, size_t n, int64_t *usec, int *nsec_rest, int *flags)
{
    SL_CHECK_THAT(s || !n);
    return parse_iso(s, n, NULL, 1, usec, nsec_rest, flags);
}

#define BYTE(x, i) ((int)((x) >> ((i)*8) & 15))
#define TWO(x, i)  (BYTE(x, i) * 10 + BYTE(x, (i) + 1))
#define AT(c, i)   ((uint64_t)(c) << ((i)*8))

/* ".fff" or ".ffffff" at s, k = 3 or 6: microseconds, or -1. */
static inline int fast_fraction(const char *s, size_t k)
{
    uint32_t a;
    uint64_t x;

    if (k == 3) {
        memcpy(&a, s, 4);
        x = (a ^ ('.' ^ '0')) | 0x3030303000000000u;
    } else {
        x = (load64(s - 1) & ~(uint64_t)0xffff) | AT('0', 0) | AT(s[0] ^ ('.' ^ '0'), 1);
        x = x >> 8 | AT('0', 7);
    }
    if (BYTE(x, 0) || !all_digits(x))
        return -1;
    return (BYTE(x, 1) * 100 + BYTE(x, 2) * 10 + BYTE(x, 3)) * 1000 + BYTE(x, 4) * 100 +
           BYTE(x, 5) * 10 + BYTE(x, 6);
}

int sl_time_parse_iso(const char *s, size_t n, const struct sl_zone *zone, int64_t *usec,
                      int *nsec_rest, int *flags)
{
    /* Separators become '0' by XOR exactly if they are what they should be. */
    static const uint64_t sep_a = AT('-' ^ '0', 4) | AT('-' ^ '0', 7);
    static const uint64_t sep_b = AT(':' ^ '0', 5);
    uint64_t a, b, c;
    int utc, fraction = 0, year, month, day, hour, minute, second;
    size_t body;

    if (n < 19 || n > 27)
        return parse_iso(s, n, zone, 0, usec, nsec_rest, flags);
    utc = s[n - 1] == 'Z';
    body = n - utc;
    if ((!utc && zone) || (body != 19 && body != 23 && body != 26))
        return parse_iso(s, n, zone, 0, usec, nsec_rest, flags);
    a = load64(s) ^ sep_a;
    b = load64(s + 8) ^ sep_b;
    b ^= s[10] == ' ' ? AT(' ' ^ '0', 2) : AT('T' ^ '0', 2);
    c = (load64(s + 11) ^ (AT(':' ^ '0', 2) | AT(':' ^ '0', 5)));
    if (!all_digits(a) || !all_digits(b) || !all_digits(c) || BYTE(a, 4) || BYTE(a, 7) ||
        BYTE(b, 2) || BYTE(c, 2) || BYTE(c, 5))
        return parse_iso(s, n, zone, 0, usec, nsec_rest, flags);
    year = TWO(a, 0) * 100 + TWO(a, 2);
    month = TWO(a, 5);
    day = TWO(b, 0);
    hour = TWO(c, 0);
    minute = TWO(c, 3);
    second = TWO(c, 6);
    if (body > 19)
        fraction = fast_fraction(s + 19, body - 20);
    if (month - 1u > 11u || !day || hour > 23 || minute > 59 || second > 59 || fraction < 0 ||
        (day > 28 && day > days_in_month(year, month)))
        return parse_iso(s, n, zone, 0, usec, nsec_rest, flags);
    *usec = (sl_time_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) *
                SL_USEC_PER_SEC +
            fraction;
    *nsec_rest = 0;
    *flags = utc ? SL_TIME_HAS_ZONE : 0;
    return 1;
}

/* ---- names ---- */

static const char *const MONTHS[12] = {"january",   "february", "march",    "april",
                                       "may",       "june",     "july",     "august",
                                       "september", "october",  "november", "december"};
static const char *const DAYS[7] = {"sunday",   "monday", "tuesday", "wednesday",
                                    "thursday", "friday", "saturday"};

/* A whole name or its first three letters, in any case: index, or -1. The whole name first. */
static int take_name(struct scan *s, const char *const *names, int count)
{
    size_t left = s->end - s->p;

    for (int i = 0; i < count; i++) {
        size_t n = 0, whole = strlen(names[i]);
        while (n < whole && n < left && (s->p[n] | 0x20) == names[i][n])
            n++;
        if (n < 3)
            continue;
        s->p += n == whole ? whole : 3;
        return i;
    }
    return -1;
}

/* ---- CLF ---- */

int sl_time_parse_clf(const char *text, size_t n, int64_t *usec)
{
    struct scan s = {.p = text, .end = text + n};
    struct instant t = {0};
    int month, year, rest, flags = 0;

    if (!take_int(&s, 1, 2, &t.day) || !take_char(&s, '/'))
        return 0;
    month = take_name(&s, MONTHS, 12);
    if (month < 0 || !take_char(&s, '/') || !take_int(&s, 4, 4, &year) || !take_char(&s, ':') ||
        !take_int(&s, 2, 2, &t.hour) || !take_char(&s, ':') || !take_int(&s, 2, 2, &t.minute) ||
        !take_char(&s, ':') || !take_int(&s, 2, 2, &t.second) || !take_char(&s, ' ') ||
        !take_offset(&s, &t) || s.p != s.end)
        return 0;
    t.month = month + 1;
    t.year = year;
    return finish(&t, NULL, usec, &rest, &flags);
}

/* ---- strptime formats ---- */

struct format_state {
    struct instant t;
    int has_year, has_month, has_day, has_epoch, before_epoch, yday;
    int has_offset, no_zone; /* %z in digits; a word of %Z that is no zone */
    int pm;                  /* -1 none, 0 AM, 1 PM */
    int64_t epoch;
};

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || (*s->p >= '\t' && *s->p <= '\r')))
        s->p++;
}

static int take_epoch(struct scan *s, struct format_state *f)
{
    int negative = take_char(s, '-'), n = 0;
    int64_t v = 0;

    for (; s->p < s->end && is_digit(*s->p) && n < 13; s->p++, n++)
        v = v * 10 + (*s->p - '0');
    if (!n || v / 86400 > DAYS_LIMIT - 2)
        return 0;
    f->epoch = v;
    f->before_epoch = negative;
    f->has_epoch = 1;
    return 1;
}

static int take_meridiem(struct scan *s, struct format_state *f)
{
    int c = peek(s) | 0x20;

    if (s->end - s->p < 2 || (c != 'a' && c != 'p') || (s->p[1] | 0x20) != 'm')
        return 0;
    f->pm = c == 'p';
    s->p += 2;
    return 1;
}

/* %Z. Beside an offset any word may stand: CST says less than +0800. */
static int take_zone_name(struct scan *s, struct format_state *f)
{
    struct instant other = {0};
    const char *from = s->p;

    if (!take_offset(s, f->has_offset ? &other : &f->t)) {
        f->no_zone |= s->no_zone != NULL;
        return s->p > from && s->no_zone;
    }
    return 1;
}

static int take_zone_offset(struct scan *s, struct format_state *f)
{
    f->has_offset = s->p < s->end && !is_letter(*s->p);
    return take_offset(s, &f->t);
}

static int take_short_year(struct scan *s, struct format_state *f)
{
    int v;

    if (!take_int(s, 2, 2, &v))
        return 0;
    f->t.year = v + (v < 69 ? 2000 : 1900); /* as POSIX says of %y */
    f->has_year = 1;
    return 1;
}

static int take_format(struct scan *s, const char *format, struct format_state *f);

/* A day of the month, an hour, ... may be padded by a space. */
static int take_padded(struct scan *s, int max, int *out)
{
    if (peek(s) == ' ')
        s->p++;
    return take_int(s, 1, max, out);
}

static int take_directive(struct scan *s, char c, struct format_state *f)
{
    switch (c) {
    case 'Y': f->has_year = 1; return take_year(s, &f->t.year);
    case 'y': return take_short_year(s, f);
    case 'm': f->has_month = 1; return take_int(s, 1, 2, &f->t.month);
    case 'd':
    case 'e': f->has_day = 1; return take_padded(s, 2, &f->t.day);
    case 'b':
    case 'B':
    case 'h':
        f->has_month = 1;
        f->t.month = take_name(s, MONTHS, 12) + 1;
        return f->t.month > 0;
    case 'a':
    case 'A': return take_name(s, DAYS, 7) >= 0;
    case 'H':
    case 'k': return take_padded(s, 2, &f->t.hour);
    case 'I':
    case 'l': return take_padded(s, 2, &f->t.hour) && f->t.hour >= 1 && f->t.hour <= 12;
    case 'M': return take_int(s, 1, 2, &f->t.minute);
    case 'S': return take_int(s, 1, 2, &f->t.second);
    case 'f': return take_fraction(s, &f->t);
    case 'p': return take_meridiem(s, f);
    case 'j': return take_int(s, 1, 3, &f->yday) && f->yday >= 1 && f->yday <= 366;
    case 'z': return take_zone_offset(s, f);
    case 'Z': return take_zone_name(s, f);
    case 's': return take_epoch(s, f);
    case 'T': return take_format(s, "%H:%M:%S", f);
    case 'R': return take_format(s, "%H:%M", f);
    case 'F': return take_format(s, "%Y-%m-%d", f);
    case 'D': return take_format(s, "%m/%d/%y", f);
    case 'n':
    case 't': skip_space(s); return 1;
    case '%': return take_char(s, '%');
    default: return 0;
    }
}

static int take_format(struct scan *s, const char *format, struct format_state *f)
{
    for (; *format; format++) {
        if (*format == '%') {
            if (!*++format || !take_directive(s, *format, f))
                return 0;
        } else if (*format == ' ' || (*format >= '\t' && *format <= '\r')) {
            skip_space(s);
        } else if (!take_char(s, *format)) {
            return 0;
        }
    }
    return 1;
}

/* Month and day of a day of the year. */
static int place_yday(struct format_state *f)
{
    int64_t year;

    sl_time_civil_from_days(sl_time_days(f->t.year, 1, 1) + f->yday - 1, &year, &f->t.month,
                            &f->t.day);
    return year == f->t.year;
}

/* Without a year. Two leap years are at most eight years apart; a zone's year may be one ahead. */
static int finish_yearless(struct format_state *f, int64_t latest, const struct sl_zone *zone,
                           int64_t *usec, int *nsec_rest, int *flags)
{
    struct sl_civil at;

    sl_time_to_civil(latest, &at);
    for (f->t.year = at.year + 1; f->t.year >= at.year - 8; f->t.year--)
        if ((!f->yday || place_yday(f)) && finish(&f->t, zone, usec, nsec_rest, flags) &&
            *usec <= latest)
            return 1;
    return 0;
}

int sl_time_format_parts(const char *format)
{
    int parts = 0;

    for (; *format; format++) {
        if (*format != '%')
            continue;
        if (!*++format)
            break;
        if (strchr("YyFDs", *format))
            parts |= SL_TIME_PART_YEAR;
        if (strchr("mbBhjFDs", *format))
            parts |= SL_TIME_PART_MONTH;
        if (strchr("zZs", *format))
            parts |= SL_TIME_PART_ZONE;
    }
    return parts;
}

int sl_time_parse_format(const char *text, size_t n, const char *format, int64_t latest,
                         const struct sl_zone *zone, int64_t *usec, int *nsec_rest, int *flags)
{
    struct scan s = {.p = text, .end = text + n};
    struct format_state f = {.pm = -1};

    *flags = 0;
    if (!take_format(&s, format, &f) || s.p != s.end || (f.no_zone && !f.has_offset))
        return s.no_zone && !f.has_offset ? no_zone(&s, text, nsec_rest, flags) : 0;
    if (f.has_epoch) {
        if (f.before_epoch) {
            f.epoch = -f.epoch - (f.t.nsec != 0);
            f.t.nsec = f.t.nsec ? 1000000000 - f.t.nsec : 0;
        }
        *usec = f.epoch * SL_USEC_PER_SEC + f.t.nsec / 1000;
        *nsec_rest = f.t.nsec % 1000;
        *flags = SL_TIME_HAS_ZONE | (f.t.subnano ? SL_TIME_SUBNANO : 0);
        return 1;
    }
    if (f.pm >= 0) {
        if (f.t.hour > 12)
            return 0;
        f.t.hour = f.t.hour % 12 + f.pm * 12;
    }
    if (!f.yday && !f.has_month)
        f.t.month = 1;
    if (!f.yday && !f.has_day)
        f.t.day = 1;
    if (!f.has_year)
        return finish_yearless(&f, latest, zone, usec, nsec_rest, flags);
    if (f.yday && !place_yday(&f))
        return 0;
    return finish(&f.t, zone, usec, nsec_rest, flags);
}

/* ---- durations ---- */

static const struct {
    int64_t usec;
    const char
        *words; /* singular; an `s` may follow those that do not end in one and have two letters */
} UNITS[] = {
    {1, "us usec microsecond"},
    {1000, "ms msec millisecond"},
    {SL_USEC_PER_SEC, "s sec second"},
    {60 * SL_USEC_PER_SEC, "m min minute"},
    {3600 * SL_USEC_PER_SEC, "h hr hour"},
    {SL_USEC_PER_DAY, "d day"},
    {7 * SL_USEC_PER_DAY, "w week"},
};

static int64_t take_unit(struct scan *s)
{
    const char *from = s->p;
    while (s->p < s->end && is_letter(*s->p))
        s->p++;
    size_t n = (size_t)(s->p - from);
    int is_plural = n > 2 && (from[n - 1] | 0x20) == 's' && (from[n - 2] | 0x20) != 's';
    for (size_t i = 0; i < SL_COUNT(UNITS); i++)
        if (sl_word_among(UNITS[i].words, from, n) ||
            (is_plural && sl_word_among(UNITS[i].words, from, n - 1)))
            return UNITS[i].usec;
    return 0;
}

/* digits[.digits], then a unit: added to *total. */
static int take_amount(struct scan *s, int64_t *total)
{
    int64_t whole = 0, fraction = 0, scale = 1, unit, part;
    const char *from = s->p;

    for (; s->p < s->end && is_digit(*s->p); s->p++)
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *s->p - '0', &whole))
            return 0;
    if (s->p == from)
        return 0;
    if (take_char(s, '.')) {
        for (from = s->p; s->p < s->end && is_digit(*s->p); s->p++)
            if (scale < SL_USEC_PER_SEC) {
                fraction = fraction * 10 + (*s->p - '0');
                scale *= 10;
            }
        if (s->p == from)
            return 0;
    }
    skip_space(s);
    unit = take_unit(s);
    return unit && !__builtin_mul_overflow(whole, unit, &part) &&
           !__builtin_add_overflow(*total, part, total) &&
           !__builtin_add_overflow(
               *total, fraction * (unit / scale) + fraction * (unit % scale) / scale, total);
}

int sl_time_parse_duration(const char *text, size_t n, int64_t *usec)
{
    assert(usec && (text || !n));
    struct scan s = {.p = text, .end = text + n};
    int64_t total = 0;

    skip_space(&s);
    if (s.p == s.end)
        return 0;
    while (s.p < s.end) {
        if (!take_amount(&s, &total))
            return 0;
        skip_space(&s);
    }
    *usec = total;
    return 1;
}

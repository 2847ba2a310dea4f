/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * value: the fast parsers, one tight loop per type over up to 64 spans.
 *
 * A kernel takes only the plain spelling of its type, eight digits at a time; whatever it does not
 * take (its bit in the result stays 0) is null, or goes through sl_text_value, which knows every
 * spelling. So a kernel may refuse anything, but never accept what sl_text_value would read
 * differently: a test compares them.
 *
 * Kernels read 16 bytes at a span's start, whatever its length.
 */
#include "base/num.h"
#include "text/text_reader.h"

/* The low bytes of a word, by their number. */
const uint64_t sl_text_keep[9] = {0,           ~0ULL >> 56, ~0ULL >> 48, ~0ULL >> 40, ~0ULL >> 32,
                                  ~0ULL >> 24, ~0ULL >> 16, ~0ULL >> 8,  ~0ULL};
static const int64_t powers[19] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                   1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
#define ZEROS 0x3030303030303030u

/* Are all 8 bytes digits? */
static inline int digits_only(uint64_t x)
{
    return ((x & 0xF0F0F0F0F0F0F0F0u) | (((x + 0x0606060606060606u) & 0xF0F0F0F0F0F0F0F0u) >> 4)) ==
           0x3333333333333333u;
}

/* The number of 8 digits, the first one in the lowest byte. */
static inline uint32_t digits8(uint64_t x)
{
    x -= ZEROS;
    x = x * 10 + (x >> 8);
    return (uint32_t)((((x & 0x000000FF000000FFu) * 0x000F424000000064u) +
                       (((x >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u)) >>
                      32);
}

/* n (1..8) digits in the low bytes of x, moved up and filled with zeros in front. */
static inline uint64_t pad_front(uint64_t x, unsigned n)
{
    return x << (64 - 8 * n) | (ZEROS & sl_text_keep[8 - n]);
}

/* n (1..8) digits in the low bytes of x, filled with zeros behind. */
static inline uint64_t pad_behind(uint64_t x, unsigned n)
{
    return (x & sl_text_keep[n]) | (ZEROS & ~sl_text_keep[n]);
}

static uint64_t kernel_int(const struct sl_text_column *c, const struct sl_text_missing *m,
                           const struct sl_span *v, size_t n, void *dst)
{
    int64_t *out = dst;
    uint64_t ok = 0;
    (void)c;
    (void)m;
    assert(n <= 64); /* a bit of the result each */
    for (size_t i = 0; i < n; i++) {
        const char *p = v[i].p;
        unsigned len = v[i].len;
        int64_t minus = -(int64_t)(*p == '-');
        p -= minus;
        len += (unsigned)minus;
        int good = !(v[i].flags & (SL_SPAN_NULL | SL_SPAN_STRING)) & !((*p == '0') & (len > 1));
        uint64_t x = sl_text_load8(p);
        int64_t value;
        if (len - 1u < 8) {
            x = pad_front(x, len);
            good &= digits_only(x);
            value = digits8(x);
        } else if (len - 9u < 8) {
            uint64_t y = pad_front(sl_text_load8(p + 8), len - 8);
            good &= digits_only(x) & digits_only(y);
            value = (int64_t)digits8(x) * powers[len - 8] + digits8(y);
        } else {
            out[i] = 0;
            continue;
        }
        out[i] = (value ^ minus) - minus;
        ok |= (uint64_t)good << i;
    }
    return ok;
}

/* Digits with at most one point, at most 17 digits: value * 10^scale. */
static inline int decimal_long(const char *p, unsigned len, int scale, int64_t *value)
{
    uint64_t v = 0;
    unsigned i = 0;
    SL_CHECK_THAT(scale >= 0 && scale <= SL_NUMERIC64_MAX);
    if (len > 18)
        return 0;
    for (; i < len && (unsigned char)(p[i] - '0') < 10; i++)
        v = v * 10 + (unsigned char)(p[i] - '0');
    unsigned whole = i, fraction = 0;
    if (i < len && p[i] == '.') {
        fraction = len - i - 1;
        if (!fraction)
            return 0;
        for (i++; i < len && (unsigned char)(p[i] - '0') < 10; i++)
            v = v * 10 + (unsigned char)(p[i] - '0');
    }
    if (i < len || !whole || (int)fraction > scale || whole + (unsigned)scale > 18)
        return 0;
    *value = (int64_t)v * powers[scale - (int)fraction];
    return 1;
}

static uint64_t kernel_decimal(const struct sl_text_column *c, const struct sl_text_missing *m,
                               const struct sl_span *v, size_t n, void *dst)
{
    int64_t *out = dst;
    uint64_t ok = 0;
    int scale = c->type.scale, whole_max = c->type.precision - scale;
    assert(n <= 64 && scale >= 0 && whole_max >= 0 && c->type.precision <= SL_NUMERIC64_MAX);
    (void)m;
    for (size_t i = 0; i < n; i++) {
        const char *p = v[i].p;
        unsigned len = v[i].len;
        int64_t minus = -(int64_t)(*p == '-'), value = 0;
        p -= minus;
        len += (unsigned)minus;
        int good = !(v[i].flags & (SL_SPAN_NULL | SL_SPAN_STRING)) &
                   !((p[0] == '0') & (len > 1) & (p[1] != '.'));
        if (len - 1u < 8) {
            uint64_t x = sl_text_load8(p) & sl_text_keep[len], t = x ^ 0x2E2E2E2E2E2E2E2Eu;
            uint64_t dot = (t - 0x0101010101010101u) & ~t & 0x8080808080808080u & sl_text_keep[len];
            unsigned whole = dot ? (unsigned)__builtin_ctzll(dot) >> 3 : len;
            unsigned digits = len - (dot != 0);
            int fraction = (int)(digits - whole);
            if (dot)
                x = (x & sl_text_keep[whole]) | ((x >> 8) & ~sl_text_keep[whole]);
            good &= (whole > 0) & (fraction <= scale) & (!dot | (fraction > 0)) &
                    ((int)whole <= whole_max);
            if (good) {
                x = pad_front(x, digits);
                good = digits_only(x);
                value = (int64_t)digits8(x) * powers[scale - fraction];
            }
        } else if (good) {
            good = len && decimal_long(p, len, scale, &value) &&
                   (c->type.precision == SL_NUMERIC64_MAX || value < powers[c->type.precision]);
        }
        out[i] = (value ^ minus) - minus;
        ok |= (uint64_t)good << i;
    }
    return ok;
}

static uint64_t kernel_bool(const struct sl_text_column *c, const struct sl_text_missing *m,
                            const struct sl_span *v, size_t n, void *dst)
{
    uint64_t ok = 0, bits = 0;
    (void)c;
    (void)m;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = sl_text_load8(v[i].p) & 0xffffffffff;
        int is_true = v[i].len == 4 && (x & 0xffffffff) == 0x65757274u;
        int is_false = v[i].len == 5 && x == 0x65736c6166u;
        int good = !(v[i].flags & (SL_SPAN_NULL | SL_SPAN_STRING)) && (is_true | is_false);
        bits |= (uint64_t)is_true << i;
        ok |= (uint64_t)good << i;
    }
    *(uint64_t *)dst = bits & ok;
    return ok;
}

static uint64_t kernel_double(const struct sl_text_column *c, const struct sl_text_missing *m,
                              const struct sl_span *v, size_t n, void *dst)
{
    double *out = dst;
    uint64_t ok = 0;
    (void)m;
    assert(n <= 64); /* a bit of the result each */
    for (size_t i = 0; i < n; i++) {
        struct sl_number x;
        int good = !(v[i].flags & (SL_SPAN_NULL | SL_SPAN_STRING)) &&
                   sl_text_number(v[i].p, v[i].len, &x) &&
                   (c->declared || x.digits + x.fraction <= 15) && !x.exponent &&
                   sl_num_parse_double(v[i].p, v[i].len, &out[i]);
        ok |= (uint64_t)good << i;
    }
    return ok;
}

/* YYYY-MM-DD to days, with the last one remembered (columns of dates repeat). */
struct date_memo {
    uint64_t first;
    uint16_t last;
    int64_t days;
};

static inline int date_of(const char *p, struct date_memo *m)
{
    uint64_t first = sl_text_load8(p);
    uint16_t last;
    memcpy(&last, p + 8, 2);
    if (SL_LIKELY(first == m->first && last == m->last))
        return 1;
    static const unsigned char at[8] = {0, 1, 2, 3, 5, 6, 8, 9};
    int d[8];
    for (int i = 0; i < 8; i++) {
        d[i] = p[at[i]] - '0';
        if (d[i] < 0 || d[i] > 9)
            return 0;
    }
    if (p[4] != '-' || p[7] != '-')
        return 0;
    int year = d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3], month = d[4] * 10 + d[5],
        day = d[6] * 10 + d[7];
    static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return 0;
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month - 1] + (month == 2 && leap))
        return 0;
    m->first = first;
    m->last = last;
    m->days = sl_time_days(year, month, day);
    return 1;
}

static uint64_t kernel_date(const struct sl_text_column *c, const struct sl_text_missing *m,
                            const struct sl_span *v, size_t n, void *dst)
{
    int32_t *out = dst;
    uint64_t ok = 0;
    struct date_memo memo = {0};
    (void)c;
    (void)m;
    assert(n <= 64); /* a bit of the result each */
    for (size_t i = 0; i < n; i++) {
        int good = !(v[i].flags & (SL_SPAN_NULL | SL_SPAN_NUMBER)) && v[i].len == 10 &&
                   date_of(v[i].p, &memo);
        out[i] = good ? (int32_t)memo.days : 0;
        ok |= (uint64_t)good << i;
    }
    return ok;
}

/* HH:MM:SS in 8 bytes to seconds, or -1. */
static inline int64_t clock_of(const char *p)
{
    uint64_t x = sl_text_load8(p);
    const uint64_t colons = 0x00003A00003A0000u, mask = 0x0000FF0000FF0000u;
    if ((x & mask) != colons || !digits_only((x & ~mask) | (ZEROS & mask)))
        return -1;
    int h = (int)(x & 15) * 10 + (int)(x >> 8 & 15),
        m = (int)(x >> 24 & 15) * 10 + (int)(x >> 32 & 15);
    int s = (int)(x >> 48 & 15) * 10 + (int)(x >> 56 & 15);
    return h < 24 && m < 60 && s < 60 ? h * 3600 + m * 60 + s : -1;
}

enum zone_text { ZONE_MAY, ZONE_MUST, ZONE_NEVER }; /* stand behind a time */

/* What stands behind the seconds: [.fraction][Z|+hh:mm]; adds to *usec. */
static inline int clock_tail(const char *p, unsigned n, enum zone_text zone, int64_t *usec)
{
    if (n && *p == '.') {
        uint64_t x = sl_text_load8(p + 1), odd = x ^ ZEROS;
        odd = (odd | (odd + 0x0606060606060606u)) & 0xF0F0F0F0F0F0F0F0u;
        unsigned f = odd ? (unsigned)__builtin_ctzll(odd) >> 3 : 8;
        f = SL_MIN(f, n - 1);
        if (f < 1 || f > 6)
            return 0;
        *usec += digits8(pad_behind(x, f)) / 100;
        p += f + 1;
        n -= f + 1;
    }
    if (n == 0)
        return zone != ZONE_MUST;
    if (zone == ZONE_NEVER)
        return 0;
    if (n == 1 && *p == 'Z')
        return 1;
    if (n == 6 && (*p == '+' || *p == '-') && p[3] == ':') {
        uint64_t x =
            pad_front((sl_text_load8(p + 1) & 0xffff) | (sl_text_load8(p + 4) & 0xffff) << 16, 4);
        if (!digits_only(x))
            return 0;
        int hhmm = (int)digits8(x), minutes = hhmm / 100 * 60 + hhmm % 100;
        if (hhmm % 100 > 59 || hhmm > 1459)
            return 0;
        *usec -= (*p == '+' ? minutes : -minutes) * 60 * SL_USEC_PER_SEC;
        return 1;
    }
    return 0;
}

static inline uint64_t iso_block(const struct sl_text_column *c, enum zone_text zone,
                                 const struct sl_span *v, size_t n, void *dst)
{
    int64_t *out = dst;
    uint64_t ok = 0;
    struct date_memo memo = {0};
    for (size_t i = 0; i < n; i++) {
        const char *p = v[i].p;
        out[i] = 0;
        if ((v[i].flags & (SL_SPAN_NULL | SL_SPAN_NUMBER)) || v[i].len < 19 || v[i].len > 48 ||
            (p[10] != ' ' && p[10] != 'T') || !date_of(p, &memo))
            continue;
        int64_t seconds = clock_of(p + 11);
        int64_t usec = memo.days * SL_USEC_PER_DAY + seconds * SL_USEC_PER_SEC;
        if (seconds < 0 || !clock_tail(p + 19, v[i].len - 19, zone, &usec))
            continue;
        if (c->type.nsec && __builtin_mul_overflow(usec, 1000, &usec))
            continue;
        out[i] = usec;
        ok |= 1ULL << i;
    }
    return ok;
}

static uint64_t kernel_iso(const struct sl_text_column *c, const struct sl_text_missing *m,
                           const struct sl_span *v, size_t n, void *dst)
{
    return iso_block(c, m->zone ? ZONE_MUST : ZONE_MAY, v, n, dst);
}

static uint64_t kernel_wall(const struct sl_text_column *c,
                            const struct sl_text_missing *m SL_UNUSED, const struct sl_span *v,
                            size_t n, void *dst)
{
    return iso_block(c, ZONE_NEVER, v, n, dst);
}

/* Times in other spellings, and types without a fast way: one at a time. */
static uint64_t kernel_slow(const struct sl_text_column *c, const struct sl_text_missing *m,
                            const struct sl_span *v, size_t n, void *dst)
{
    size_t width = sl_type_width(c->type);
    uint64_t ok = 0;
    for (size_t i = 0; i < n; i++)
        if (!(v[i].flags & SL_SPAN_NULL) && sl_text_value(c, m, &v[i], (char *)dst + i * width))
            ok |= 1ULL << i;
    return ok;
}

sl_text_kernel *sl_text_kernel_of(const struct sl_text_column *c)
{
    assert(c);
    switch (c->type.kind) {
    case SL_BOOL: return kernel_bool;
    case SL_BIGINT: return kernel_int;
    case SL_DOUBLE: return kernel_double;
    case SL_NUMERIC: return c->type.precision <= SL_NUMERIC64_MAX ? kernel_decimal : kernel_slow;
    case SL_DATE: return kernel_date;
    case SL_TIMESTAMPTZ: return c->time == SL_TIME_ISO ? kernel_iso : kernel_slow;
    case SL_WALLTIME: return c->time == SL_TIME_ISO ? kernel_wall : kernel_slow;
    default: return kernel_slow;
    }
}

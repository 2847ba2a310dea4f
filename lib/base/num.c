/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * num: integers and decimals from and to text. Digits are read by words (digits.h); a decimal of at
 * most eight bytes, which most prices are, has its point squeezed out of the word.
 */
#include <strings.h>
#include "base/num.h"
#include "base/digits.h"

enum { MAX_DECIMAL = 38 };

/* Any number of digits, at most MAX_DECIMAL of them after leading zeros. */
static int parse_digits128(const char *s, size_t n, sl_uint128 *out)
{
    sl_uint128 v = 0;
    uint64_t part;

    while (n && *s == '0') {
        s++;
        n--;
    }
    if (n > MAX_DECIMAL)
        return 0;
    while (n) {
        size_t k = SL_MIN(n, 19);
        if (!parse_digits(s, k, &part))
            return 0;
        v = v * POW10_U64[k] + part;
        s += k;
        n -= k;
    }
    *out = v;
    return 1;
}

/* ---- integers ---- */

int sl_num_parse_int(const char *s, size_t n, int64_t *out)
{
    SL_CHECK_THAT(out && (s || !n));
    int negative = take_sign(&s, &n);
    uint64_t v;

    if (!n)
        return 0;
    if (SL_UNLIKELY(n > 19)) {
        while (n > 1 && *s == '0') {
            s++;
            n--;
        }
        if (n > 19)
            return 0;
    }
    if (!parse_digits(s, n, &v))
        return 0;
    if (SL_UNLIKELY(v > (uint64_t)INT64_MAX + (negative ? 1 : 0)))
        return 0;
    *out = (int64_t)(negative ? 0 - v : v);
    return 1;
}

static char *print_backwards128(char *end, sl_uint128 v)
{
    while (v >> 64) {
        char *low = end - 19, *p = print_backwards(end, (uint64_t)(v % POW10_U64[19]));
        while (p > low)
            *--p = '0';
        v /= POW10_U64[19];
        end = low;
    }
    return print_backwards(end, (uint64_t)v);
}

size_t sl_num_print_int(char *out, int64_t v)
{
    char buf[24], *end = buf + sizeof(buf);
    char *p = print_backwards(end, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

    if (v < 0)
        *--p = '-';
    memcpy(out, p, end - p);
    return end - p;
}

size_t sl_num_print_grouped(char *out, int64_t v)
{
    char digits[SL_NUM_MAX];
    size_t n = sl_num_print_int(digits, v), sign = v < 0, len = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > sign && (n - i) % 3 == 0)
            out[len++] = ',';
        out[len++] = digits[i];
    }
    return len;
}

/* ---- decimals ---- */

sl_int128 sl_num_pow10(int n)
{
    assert(n >= 0 && n <= MAX_DECIMAL);
    return n <= 19 ? (sl_int128)POW10_U64[n] : (sl_int128)POW10_U64[19] * POW10_U64[n - 19];
}

/* The plain case, at most 8 bytes after the sign and a value far from 64 bits: the point is
 * squeezed out of the word. 1 done, 0 not a number, -1 not this case. */
static inline int parse_decimal_short(const char *s, size_t n, int scale, uint64_t *out)
{
    uint64_t x = load_short(s, n), dots = x ^ 0x2e2e2e2e2e2e2e2eu, below;
    int fraction = 0;

    /* The lowest set bit is exact: a borrow can only spoil bytes above the first point. */
    dots = (dots - 0x0101010101010101u) & ~dots & 0x8080808080808080u;
    if (dots) {
        int at = __builtin_ctzll(dots) >> 3;
        below = ((uint64_t)1 << (at * 8)) - 1;
        x = (x & below) | (x >> 8 & ~below);
        fraction = (int)n - at - 1;
        if (!--n)
            return 0;
    }
    x = pad_zeros(x, n);
    if (!all_digits(x))
        return 0;
    if (fraction > scale || scale - fraction > 10)
        return -1;
    *out = (uint64_t)eight_digits(x) * POW10_U64[scale - fraction];
    return 1;
}

static int parse_decimal_long(const char *s, size_t n, int scale, sl_uint128 *out)
{
    const char *dot = memchr(s, '.', n);
    size_t whole = dot ? (size_t)(dot - s) : n, fraction = dot ? n - whole - 1 : 0;
    sl_uint128 a, b = 0;

    if (!whole && !fraction)
        return 0;
    while (fraction && dot[fraction] == '0')
        fraction--;
    if (fraction > (size_t)scale || !parse_digits128(s, whole, &a))
        return 0;
    if (fraction && !parse_digits128(dot + 1, fraction, &b))
        return 0;
    if (a && a >= (sl_uint128)sl_num_pow10(MAX_DECIMAL - scale))
        return 0;
    *out =
        a * (sl_uint128)sl_num_pow10(scale) + b * (sl_uint128)sl_num_pow10(scale - (int)fraction);
    return 1;
}

int sl_num_parse_bool(const char *s, size_t n, int *v)
{
    static const char *const yes[] = {"t", "true", "y", "yes", "on", "1"};
    static const char *const no[] = {"f", "false", "n", "no", "off", "0"};
    for (size_t i = 0; i < SL_COUNT(yes); i++) {
        if (strlen(yes[i]) == n && strncasecmp(yes[i], s, n) == 0)
            return *v = 1;
        if (strlen(no[i]) == n && strncasecmp(no[i], s, n) == 0)
            return !(*v = 0);
    }
    return 0;
}

int sl_num_parse_decimal(const char *s, size_t n, int scale, sl_int128 *out)
{
    SL_CHECK_THAT(out && scale >= 0);
    int negative = take_sign(&s, &n), done;
    sl_uint128 wide;
    uint64_t v;

    assert(scale >= 0 && scale <= MAX_DECIMAL);
    if (!n)
        return 0;
    if (SL_LIKELY(n <= 8)) {
        done = parse_decimal_short(s, n, scale, &v);
        if (SL_LIKELY(done >= 0)) {
            if (done)
                *out = negative ? -(sl_int128)v : (sl_int128)v;
            return done;
        }
    }
    if (!parse_decimal_long(s, n, scale, &wide))
        return 0;
    *out = negative ? -(sl_int128)wide : (sl_int128)wide;
    return 1;
}

size_t sl_num_print_decimal(char *out, sl_int128 v, int scale)
{
    SL_CHECK_THAT(out && scale >= 0);
    char buf[96], *end = buf + sizeof(buf);
    sl_uint128 u = v < 0 ? 0 - (sl_uint128)v : (sl_uint128)v;
    char *p = u >> 64 ? print_backwards128(end, u) : print_backwards(end, (uint64_t)u);
    char *o = out;

    assert(scale >= 0 && scale <= MAX_DECIMAL);
    while (end - p <= scale)
        *--p = '0';
    if (v < 0)
        *o++ = '-';
    memcpy(o, p, end - p - scale);
    o += end - p - scale;
    if (scale) {
        *o++ = '.';
        memcpy(o, end - scale, scale);
        o += scale;
    }
    return o - out;
}

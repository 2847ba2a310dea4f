/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * num: numbers from and to text.
 *
 * Digits are taken eight at a time in one 64-bit word: three multiplications turn eight decimal
 * digits into a number, a mask test shows that all eight were digits. A slice shorter than eight
 * bytes is loaded by two overlapping reads and padded with '0' in front, so that nothing is ever
 * read outside the slice.
 *
 * Doubles, in the order tried: (1) significand and power of ten both exact in a double: one
 * rounding (Clinger); (2) both exact in an 80-bit long double: rounded twice, and taken unless the
 * first result lies next to the middle between two doubles; (3) strtod_l in the C locale, over at
 * most MAX_SIGNIFICANT digits plus a sticky one, which decide every case.
 */
#include "base/num.h"
#include <float.h>
#include <locale.h>
#include <math.h>

enum {
    MAX_SIGNIFICANT = 800, /* 767 digits can matter for a double */
    MAX_DECIMAL = 38,
    EXP_LIMIT = 1000000, /* beyond every double, far from overflow of int64 sums */
};

static const uint64_t POW10_U64[20] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

static const double POW10_DOUBLE[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* ---- digits ---- */

static inline uint64_t load64(const char *s)
{
    uint64_t x;

    memcpy(&x, s, 8);
    return x;
}

/* The n (1..8) bytes at s in the n low bytes of a word, the others 0. */
static inline uint64_t load_short(const char *s, size_t n)
{
    uint32_t a, b;
    uint16_t c, d;

    if (n >= 4) {
        memcpy(&a, s, 4);
        memcpy(&b, s + n - 4, 4);
        return (uint64_t)a | (uint64_t)b << ((n - 4) * 8);
    }
    if (n >= 2) {
        memcpy(&c, s, 2);
        memcpy(&d, s + n - 2, 2);
        return (uint64_t)c | (uint64_t)d << ((n - 2) * 8);
    }
    return (uint8_t)*s;
}

/* Moves n (1..8) bytes to the end of the word, with '0' in front. */
static inline uint64_t pad_zeros(uint64_t x, size_t n)
{
    if (n == 8)
        return x;
    return x << ((8 - n) * 8) | 0x3030303030303030u >> (n * 8);
}

static inline int all_digits(uint64_t x)
{
    return ((x & 0xf0f0f0f0f0f0f0f0u) | ((x + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) >> 4) ==
           0x3333333333333333u;
}

static inline uint32_t eight_digits(uint64_t x)
{
    x = (x & 0x0f0f0f0f0f0f0f0fu) * 2561 >> 8;
    x = (x & 0x00ff00ff00ff00ffu) * 6553601 >> 16;
    x = (x & 0x0000ffff0000ffffu) * 42949672960001u >> 32;
    return (uint32_t)x;
}

/* n (0..19) digits to a number: 1, or 0 if a byte is not a digit. 19 digits fit 64 bits. */
static inline int parse_digits(const char *s, size_t n, uint64_t *out)
{
    uint64_t v = 0, x;

    assert(n <= 19);
    while (n >= 8) {
        x = load64(s);
        if (!all_digits(x))
            return 0;
        v = v * 100000000u + eight_digits(x);
        s += 8;
        n -= 8;
    }
    if (n) {
        x = pad_zeros(load_short(s, n), n);
        if (!all_digits(x))
            return 0;
        v = v * POW10_U64[n] + eight_digits(x);
    }
    *out = v;
    return 1;
}

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

static inline int take_sign(const char **s, size_t *n)
{
    int negative;

    if (!*n || (**s != '-' && **s != '+'))
        return 0;
    negative = **s == '-';
    ++*s;
    --*n;
    return negative;
}

/* ---- integers ---- */

int sl_num_parse_int(const char *s, size_t n, int64_t *out)
{
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

static const char PAIRS[201] = "00010203040506070809101112131415161718192021222324"
                               "25262728293031323334353637383940414243444546474849"
                               "50515253545556575859606162636465666768697071727374"
                               "75767778798081828384858687888990919293949596979899";

/* Writes v so that it ends before end; its first byte. */
static inline char *print_backwards(char *end, uint64_t v)
{
    while (v >= 100) {
        end -= 2;
        memcpy(end, PAIRS + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        end -= 2;
        memcpy(end, PAIRS + v * 2, 2);
    } else {
        *--end = (char)('0' + v);
    }
    return end;
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

size_t sl_num_print_int128(char *out, sl_int128 v)
{
    char buf[48], *end = buf + sizeof(buf);
    char *p = print_backwards128(end, v < 0 ? 0 - (sl_uint128)v : (sl_uint128)v);

    if (v < 0)
        *--p = '-';
    memcpy(out, p, end - p);
    return end - p;
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

int sl_num_parse_decimal(const char *s, size_t n, int scale, sl_int128 *out)
{
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

/* ---- doubles: text to number ---- */

/* What a number's text says: digits (leading zeros dropped) times 10^exp. */
struct scan {
    int negative, digits; /* digits: significant ones seen, capped at MAX_SIGNIFICANT */
    int sticky;           /* a digit that is not 0 was dropped */
    int64_t exp;
    uint64_t value; /* of the first 19 digits */
    char text[MAX_SIGNIFICANT + 32];
};

static int scan_exponent(const char *s, size_t n, int64_t *exp)
{
    int negative = take_sign(&s, &n);
    int64_t v = 0;

    if (!n)
        return 0;
    for (; n; s++, n--) {
        if (*s < '0' || *s > '9')
            return 0;
        if (v < EXP_LIMIT)
            v = v * 10 + (*s - '0');
    }
    *exp += negative ? -v : v;
    return 1;
}

static int scan_double(const char *s, size_t n, struct scan *r)
{
    int seen = 0, point = 0;

    r->negative = take_sign(&s, &n);
    r->digits = r->sticky = 0;
    r->exp = 0;
    r->value = 0;
    for (; n; s++, n--) {
        if (*s == '.' && !point) {
            point = 1;
            continue;
        }
        if (*s < '0' || *s > '9')
            break;
        seen = 1;
        r->exp -= point;
        if (!r->digits && *s == '0')
            continue;
        if (r->digits == MAX_SIGNIFICANT) {
            r->exp++;
            r->sticky |= *s != '0';
            continue;
        }
        if (r->digits < 19)
            r->value = r->value * 10 + (uint64_t)(*s - '0');
        r->text[r->digits++] = *s;
    }
    if (!seen)
        return 0;
    if (n && (*s == 'e' || *s == 'E'))
        return scan_exponent(s + 1, n - 1, &r->exp);
    return n == 0;
}

/* value * 10^exp by exact operands: 1 if sure of the last bit. */
static int exact_double(uint64_t value, int64_t exp, double *out)
{
    if (value <= (uint64_t)1 << 53 && exp >= -22 && exp <= 22) {
        double v = (double)value;
        *out = exp < 0 ? v / POW10_DOUBLE[-exp] : v * POW10_DOUBLE[exp];
        return 1;
    }
#if LDBL_MANT_DIG == 64 && defined(__x86_64__)
    if (value && exp >= -27 && exp <= 27) {
        /* 10^27 = 5^27 * 2^27, and 5^27 < 2^63: every factor is exact. */
        long double p = (long double)POW10_U64[llabs(exp) % 19], v = (long double)value;
        uint64_t mantissa;

        if (llabs(exp) >= 19)
            p *= 1e19L;
        v = exp < 0 ? v / p : v * p;
        memcpy(&mantissa, &v, 8);
        mantissa &= 0x7ff;
        if (mantissa - 0x3ff > 2) {
            *out = (double)v;
            return 1;
        }
    }
#endif
    return 0;
}

static int slow_double(struct scan *r, double *out)
{
    /* glibc's "C" locale object is static: nothing is allocated, nothing to free. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    int64_t exp = r->exp;
    int n = r->digits;
    double v;

    if (!c)
        return 0;
    if (r->sticky) {
        r->text[n++] = '1';
        exp--;
    }
    if (exp > EXP_LIMIT)
        exp = EXP_LIMIT;
    if (exp < -EXP_LIMIT)
        exp = -EXP_LIMIT;
    r->text[n++] = 'e';
    n += (int)sl_num_print_int(r->text + n, exp);
    r->text[n] = 0;
    v = strtod_l(r->text, NULL, c);
    freelocale(c);
    if (!isfinite(v) || v == 0)
        return 0; /* out of range, either way: never a silent infinity or zero */
    *out = v;
    return 1;
}

/* s is word (lower case letters), whatever its case. */
static int is_word(const char *s, size_t n, const char *word)
{
    if (n != strlen(word))
        return 0;
    for (size_t i = 0; i < n; i++)
        if ((s[i] | 0x20) != word[i])
            return 0;
    return 1;
}

static int parse_special(const char *s, size_t n, double *out)
{
    int negative = take_sign(&s, &n);

    if (is_word(s, n, "inf") || is_word(s, n, "infinity"))
        *out = negative ? -INFINITY : INFINITY;
    else if (is_word(s, n, "nan"))
        *out = NAN;
    else
        return 0;
    return 1;
}

/* [digits][.digits] of at most 19 digits in all, without exponent: 1 parsed, 0 leave it. */
static inline int parse_plain(const char *s, size_t n, double *out)
{
    int negative = take_sign(&s, &n);
    size_t whole = 0;
    uint64_t a, b = 0;
    double v;

    if (!n || n > 19)
        return 0;
    while (whole < n && s[whole] != '.')
        whole++;
    if (!parse_digits(s, whole, &a))
        return 0;
    if (whole < n) {
        size_t fraction = n - whole - 1;
        if (n == 1 || !parse_digits(s + whole + 1, fraction, &b))
            return 0;
        if (!exact_double(a * POW10_U64[fraction] + b, -(int64_t)fraction, &v))
            return 0;
    } else if (!exact_double(a, 0, &v)) {
        return 0;
    }
    *out = negative ? -v : v;
    return 1;
}

int sl_num_parse_double(const char *s, size_t n, double *out)
{
    struct scan r;
    double v = 0;

    if (SL_LIKELY(parse_plain(s, n, out)))
        return 1;
    if (!n)
        return 0;
    if (!scan_double(s, n, &r))
        return parse_special(s, n, out);
    if (r.digits && (r.digits > 19 || !exact_double(r.value, r.exp, &v)) && !slow_double(&r, &v))
        return 0;
    *out = r.negative ? -v : v;
    return 1;
}

/* ---- doubles: number to text ---- */

/* The significant digits of v (> 0, finite), without zeros at their end. */
struct shortest {
    char digits[20];
    int n;
    int exp; /* of the first digit: v = d.ddd * 10^exp */
};

static int reads_back(const struct shortest *r, double v)
{
    char text[48];
    double back;
    int n = r->n;

    memcpy(text, r->digits, n);
    text[n++] = 'e';
    n += (int)sl_num_print_int(text + n, (int64_t)r->exp - r->n + 1);
    return sl_num_parse_double(text, n, &back) && back == v;
}

/* Correctly rounded to n digits. snprintf's decimal point is whatever the locale says: only the
 * digits before the `e` are taken. */
static void round_to(double v, int n, struct shortest *r)
{
    char text[64], *p = text;

    snprintf(text, sizeof(text), "%.*e", n - 1, v);
    for (r->n = 0; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9' && r->n < n)
            r->digits[r->n++] = *p;
    r->exp = *p ? (int)strtol(p + 1, NULL, 10) : 0;
    while (r->n > 1 && r->digits[r->n - 1] == '0')
        r->n--;
}

static void find_shortest(double v, struct shortest *r)
{
    struct shortest longer;
    int mantissa_bits;
    /* Of a normal number, any text of 15 digits or fewer is what %.15g prints; a subnormal has
     * fewer bits, hence possibly fewer digits. */
    for (int n = v < DBL_MIN ? 1 : 15; n <= 16; n++) {
        round_to(v, n, r);
        if (reads_back(r, v))
            return;
    }
    round_to(v, 17, &longer);
    /* At a power of two the doubles below lie closer than those above, so that a 16-digit number
     * may read back although the nearest one does not. */
    if (frexp(v, &mantissa_bits) == 0.5 && longer.n == 17) {
        *r = longer;
        r->n = 16;
        if (reads_back(r, v))
            return;
        if (r->digits[15] < '9') {
            r->digits[15]++;
            if (reads_back(r, v))
                return;
        }
    }
    *r = longer;
}

/* v with at most 15 digits of which at most 8 are a fraction, found without trial printing: the
 * least k for which round(v * 10^k) / 10^k is v again. Such a text is unique, hence the shortest. */
static int find_plain(double v, struct shortest *r)
{
    char buf[24], *end = buf + sizeof(buf), *p;

    if (!(v >= 1e-4 && v < 1e15))
        return 0;
    for (int k = 0; k <= 8; k++) {
        double t = v * POW10_DOUBLE[k], i = rint(t);
        if (i >= 1e15)
            return 0;
        if (i == 0 || i / POW10_DOUBLE[k] != v)
            continue;
        p = print_backwards(end, (uint64_t)i);
        r->exp = (int)(end - p) - 1 - k;
        while (end[-1] == '0')
            end--;
        r->n = (int)(end - p);
        memcpy(r->digits, p, r->n);
        return 1;
    }
    return 0;
}

static size_t layout(char *out, const struct shortest *r)
{
    char *o = out;
    int e = r->exp;

    if (e < -4 || e >= 15) {
        *o++ = r->digits[0];
        if (r->n > 1) {
            *o++ = '.';
            memcpy(o, r->digits + 1, r->n - 1);
            o += r->n - 1;
        }
        *o++ = 'e';
        *o++ = e < 0 ? '-' : '+';
        e = abs(e);
        if (e < 10)
            *o++ = '0';
        o += sl_num_print_int(o, e);
    } else if (e < 0) {
        memcpy(o, "0.0000", 6);
        o += 1 - e;
        memcpy(o, r->digits, r->n);
        o += r->n;
    } else {
        int whole = SL_MIN(e + 1, r->n);
        memcpy(o, r->digits, whole);
        memset(o + whole, '0', e + 1 - whole);
        o += e + 1;
        if (r->n > whole) {
            *o++ = '.';
            memcpy(o, r->digits + whole, r->n - whole);
            o += r->n - whole;
        }
    }
    return o - out;
}

size_t sl_num_print_double(char *out, double v)
{
    struct shortest r;
    char *o = out;

    if (isnan(v)) {
        memcpy(out, "NaN", 3);
        return 3;
    }
    if (signbit(v)) {
        *o++ = '-';
        v = -v;
    }
    if (isinf(v)) {
        memcpy(o, "Infinity", 8);
        return o - out + 8;
    }
    if (v == 0) {
        *o++ = '0';
        return o - out;
    }
    if (!find_plain(v, &r))
        find_shortest(v, &r);
    return o - out + layout(o, &r);
}

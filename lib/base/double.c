/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * double: doubles from and to text (declared in num.h).
 *
 * From text, in the order tried: (1) significand and power of ten both exact in a double: one
 * rounding (Clinger); (2) both exact in an 80-bit long double: rounded twice, and taken unless the
 * first result lies next to the middle between two doubles; (3) strtod_l in the C locale, over at
 * most MAX_SIGNIFICANT digits plus a sticky one, which decide every case.
 *
 * To text: the fewest digits that read back, and of those the nearest. (1) few digits behind the
 * point, found by multiplying; (2) 17 digits from a long double that is exact to 2^-8 of the last
 * one, rounded to 15, 16 and 17, unless a rounding is too close to call; (3) printf's digits.
 */
#include "base/num.h"
#include <float.h>
#include <locale.h>
#include <math.h>
#include "base/digits.h"

#if LDBL_MANT_DIG == 64
#define WIDE 1 /* long double has 64 bits of significand */
#else
#define WIDE 0
#endif

enum {
    MAX_SIGNIFICANT = 800, /* 767 digits can matter for a double */
    EXP_LIMIT = 1000000,   /* beyond every double, far from overflow of int64 sums */
    WIDE_POW10 = 27,       /* 10^27 = 5^27 * 2^27, and 5^27 < 2^63 */
};

static const double POW10_DOUBLE[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* 10^n, 0 <= n <= WIDE_POW10, exact where long double is WIDE. */
static inline long double wide_pow10(int n)
{
    return n < 19 ? (long double)POW10_U64[n] : (long double)POW10_U64[n - 19] * 1e19L;
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
    if (WIDE && value && exp >= -WIDE_POW10 && exp <= WIDE_POW10) {
        long double p = wide_pow10(abs((int)exp)), v = (long double)value;
        uint64_t mantissa;
        v = exp < 0 ? v / p : v * p;
        memcpy(&mantissa, &v, 8);
        mantissa &= 0x7ff;
        if (mantissa - 0x3ff > 2) {
            *out = (double)v;
            return 1;
        }
    }
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
    SL_CHECK_THAT(out && (s || !n));
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

static void take_digits(struct shortest *r, uint64_t value, int exp)
{
    char buf[24], *end = buf + sizeof(buf), *p = print_backwards(end, value);

    r->exp = (int)(end - p) - 1 + exp;
    while (end[-1] == '0')
        end--;
    r->n = (int)(end - p);
    memcpy(r->digits, p, r->n);
}

/* v with at most 15 digits of which at most 8 are a fraction, found without trial printing: the
 * least k for which round(v * 10^k) / 10^k is v again. Such a text is unique, hence the shortest. */
static int find_plain(double v, struct shortest *r)
{
    if (!(v >= 1e-4 && v < 1e15))
        return 0;
    for (int k = 0; k <= 8; k++) {
        double t = v * POW10_DOUBLE[k], i = rint(t);
        if (i >= 1e15)
            return 0;
        if (i == 0 || i / POW10_DOUBLE[k] != v)
            continue;
        take_digits(r, (uint64_t)i, -k);
        return 1;
    }
    return 0;
}

/* Whether value * 10^exp reads as v: 1 or 0, or -1 where the exact reader cannot say. */
static int is_read_as(double v, uint64_t value, int exp)
{
    double back;

    return exact_double(value, exp, &back) ? back == v : -1;
}

/* 15, 16 or 17 digits by one exact scaling. 0 where long double is too short to be sure. */
static int find_scaled(double v, struct shortest *r)
{
    static const uint64_t cut[3] = {100, 10, 1};
    int exp10, k, two;
    long double t, rest;
    uint64_t u;

    /* A power of two lies nearer to the double below than to that above: leave it. */
    if (!WIDE || !(v >= 1e-10 && v < 1e40) || frexp(v, &two) == 0.5)
        return 0;
    exp10 = (int)floor((two - 1) * 0.30102999566398120); /* right, or one too small */
    for (;; exp10++) {
        k = 16 - exp10;
        if (k > WIDE_POW10 || k < -WIDE_POW10)
            return 0;
        t = k >= 0 ? v * wide_pow10(k) : v / wide_pow10(-k);
        if (t < 1e17L)
            break;
    }
    if (t < 1e16L)
        return 0;
    u = (uint64_t)t;
    rest = t - (long double)u;
    for (int i = 0; i < 3; i++) {
        long double over = (long double)(u % cut[i]) + rest - (long double)cut[i] / 2;
        uint64_t value = u / cut[i] + (over > 0);
        int known;
        if (fabsl(over) < 0x1p-7L)
            return 0;
        known = is_read_as(v, value, exp10 - 14 - i);
        if (known < 0)
            return 0;
        if (known) {
            take_digits(r, value, exp10 - 14 - i);
            return 1;
        }
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
    if (!find_plain(v, &r) && !find_scaled(v, &r))
        find_shortest(v, &r);
    return o - out + layout(o, &r);
}

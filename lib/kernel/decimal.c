/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * decimal: arithmetic of numbers with a scale each. See decimal.h.
 *
 * Everything is done in 128 bits. An operand that has no room for what an operation needs gives up
 * its last digits, the longer operand first, and never below 19: so each operation keeps at least 18
 * significant digits, and is exact where the answer has 35 digits or fewer and its operands fit.
 */
#include "kernel/decimal.h"

#include "base/num.h"

enum {
    MOST = 38, /* digits of struct sl_decimal */
    SAFE = 37, /* two such numbers add up in 128 bits, and so does ten times one, unsigned */
    SCALE_MIN = -128,
    SCALE_MAX = 127,
};

static sl_uint128 magnitude(sl_int128 v)
{
    return v < 0 ? -(sl_uint128)v : (sl_uint128)v;
}

/* Digits of v, 0 for 0. */
static int digits_of(sl_uint128 v)
{
    if (!v)
        return 0;
    uint64_t high = (uint64_t)(v >> 64);
    int bits = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)v);
    int n = bits * 1233 >> 12; /* log10(2): n or n + 1 digits */
    return n < MOST && v >= (sl_uint128)sl_num_pow10(n) ? n + 1 : n;
}

/* Takes n digits off the end. 1 if that lost anything. */
static int drop(struct sl_decimal *d, int n)
{
    if (n <= 0)
        return 0;
    d->scale -= n;
    if (n > MOST) {
        int lost = d->v != 0;
        d->v = 0;
        return lost;
    }
    sl_int128 unit = sl_num_pow10(n), rest = d->v % unit;
    sl_uint128 size = magnitude(rest);
    d->v /= unit;
    if (size >= (sl_uint128)unit - size)
        d->v += rest < 0 ? -1 : 1;
    return rest != 0;
}

/* At most n digits. 1 if that lost any. */
static int shorten(struct sl_decimal *d, int n)
{
    return drop(d, digits_of(magnitude(d->v)) - n);
}

static enum sl_decimal_state state(int lost)
{
    return lost ? SL_DECIMAL_ROUNDED : SL_DECIMAL_EXACT;
}

enum sl_decimal_state sl_decimal_pack(struct sl_decimal d, sl_int128 *out)
{
    assert(out);
    int lost = shorten(&d, SL_DECIMAL_DIGITS);
    if (d.scale > SCALE_MAX)
        lost |= drop(&d, d.scale - SCALE_MAX);
    if (lost && digits_of(magnitude(d.v)) < 19)
        return SL_DECIMAL_RANGE;
    if (!d.v)
        d.scale = SL_MAX(d.scale, 0);
    while (d.scale < SCALE_MIN) {
        if (digits_of(magnitude(d.v)) >= SL_DECIMAL_DIGITS)
            return SL_DECIMAL_RANGE;
        d.v *= 10;
        d.scale++;
    }
    SL_CHECK_THAT(d.scale >= SCALE_MIN && d.scale <= SCALE_MAX);
    *out = (sl_int128)((sl_uint128)d.v << 8 | (uint8_t)d.scale);
    return state(lost);
}

/* Both to one scale. 1 if digits were lost. */
static int align(struct sl_decimal *a, struct sl_decimal *b)
{
    if (a->scale > b->scale)
        return align(b, a);
    if (!a->v) {
        a->scale = b->scale;
        return 0;
    }
    int up = SL_MIN(b->scale - a->scale, SAFE - digits_of(magnitude(a->v)));
    if (up > 0) {
        a->v *= sl_num_pow10(up);
        a->scale += up;
    }
    return drop(b, b->scale - a->scale);
}

static enum sl_decimal_state add(struct sl_decimal a, struct sl_decimal b, struct sl_decimal *out)
{
    int lost = shorten(&a, SAFE);
    lost |= shorten(&b, SAFE);
    lost |= align(&a, &b);
    out->v = a.v + b.v;
    out->scale = a.scale;
    return state(lost);
}

static enum sl_decimal_state multiply(struct sl_decimal a, struct sl_decimal b,
                                      struct sl_decimal *out)
{
    int da = digits_of(magnitude(a.v)), db = digits_of(magnitude(b.v)), lost = 0;
    if (da + db > MOST) {
        if (da >= db)
            lost = shorten(&a, SL_MAX(MOST - db, MOST / 2));
        else
            lost = shorten(&b, SL_MAX(MOST - da, MOST / 2));
        if (digits_of(magnitude(a.v)) + digits_of(magnitude(b.v)) > MOST) {
            lost |= shorten(&a, MOST / 2);
            lost |= shorten(&b, MOST / 2);
        }
    }
    out->v = a.v * b.v;
    out->scale = a.scale + b.scale;
    return state(lost);
}

/* Takes zeros off the end, at most `most` of them. How many. */
static int strip(sl_uint128 *v, int most)
{
    static const struct {
        int zeros;
        uint32_t unit;
    } steps[] = {{8, 100000000}, {4, 10000}, {2, 100}, {1, 10}};
    int n = 0;
    for (size_t i = 0; *v && i < SL_COUNT(steps);) {
        if (n + steps[i].zeros <= most && *v % steps[i].unit == 0) {
            *v /= steps[i].unit;
            n += steps[i].zeros;
        } else {
            i++;
        }
    }
    return n;
}

/* Long division, as many digits at a step as 128 bits have room for. */
static enum sl_decimal_state divide(struct sl_decimal a, struct sl_decimal b,
                                    struct sl_decimal *out)
{
    int lost = shorten(&a, SAFE), negative = (a.v < 0) != (b.v < 0);
    lost |= shorten(&b, SAFE);
    sl_uint128 x = magnitude(a.v), y = magnitude(b.v), q = x / y, rest = x % y;
    int scale = a.scale - b.scale, n;
    while (rest && (n = digits_of(q)) < SL_DECIMAL_DIGITS) {
        int step = SL_MIN(MOST - digits_of(rest), SL_DECIMAL_DIGITS - n);
        assert(step > 0);
        sl_uint128 unit = (sl_uint128)sl_num_pow10(step);
        rest *= unit;
        q = q * unit + rest / y;
        rest %= y;
        scale += step;
    }
    if (rest && rest >= y - rest)
        q++;
    if (!rest) /* 2.5 and not 2.5000 */
        scale -= strip(&q, scale);
    out->v = negative ? -(sl_int128)q : (sl_int128)q;
    out->scale = scale;
    return state(lost || rest);
}

/* The remainder has the sign of a, and is exact or out of range. */
static enum sl_decimal_state modulo(struct sl_decimal a, struct sl_decimal b,
                                    struct sl_decimal *out)
{
    if (shorten(&a, SAFE) || shorten(&b, SAFE) || align(&a, &b) || !b.v)
        return SL_DECIMAL_RANGE;
    out->v = a.v % b.v;
    out->scale = a.scale;
    return SL_DECIMAL_EXACT;
}

enum sl_decimal_state sl_decimal_arith(int op, struct sl_decimal a, struct sl_decimal b,
                                       struct sl_decimal *out)
{
    assert(out);
    switch (op) {
    case '-': b.v = -b.v; return add(a, b, out);
    case '+': return add(a, b, out);
    case '*': return multiply(a, b, out);
    case '/': return divide(a, b, out);
    default: return modulo(a, b, out);
    }
}

int sl_decimal_order(struct sl_decimal a, struct sl_decimal b)
{
    sl_int128 r = a.v;
    int up = b.scale - a.scale;
    if (up < 0)
        return -sl_decimal_order(b, a);
    if (up && a.v && (up > MOST || __builtin_mul_overflow(a.v, sl_num_pow10(up), &r)))
        return a.v < 0 ? -1 : 1; /* beyond any 38 digits on the other side */
    return r < b.v ? -1 : r > b.v;
}

enum sl_decimal_state sl_decimal_rescale(struct sl_decimal d, int scale, int how, sl_int128 *out)
{
    assert(out);
    int up = scale - d.scale;
    if (!d.v)
        up = 0;
    if (up >= 0) {
        int is_small = up <= 18 && d.v == (int64_t)d.v; /* 37 digits at most */
        if (!is_small && digits_of(magnitude(d.v)) + up > MOST)
            return SL_DECIMAL_RANGE;
        *out = d.v * sl_num_pow10(up);
        return SL_DECIMAL_EXACT;
    }
    struct sl_decimal cut = d;
    int lost = drop(&cut, -up);
    if (lost && how != 'r') {
        int below = sl_decimal_order(cut, d); /* > 0: the rounding went up */
        if (how == 't')
            how = d.v < 0 ? 'c' : 'f';
        if (how == 'f' && below > 0)
            cut.v--;
        else if (how == 'c' && below < 0)
            cut.v++;
    }
    *out = cut.v;
    return state(lost);
}

double sl_decimal_double(struct sl_decimal d)
{
    static const double exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    char s[SL_DECIMAL_TEXT];
    double v = 0;
    if (magnitude(d.v) <= (sl_uint128)1 << 53 && d.scale >= 0 && d.scale < (int)SL_COUNT(exact))
        return (double)(int64_t)d.v / exact[d.scale]; /* both exact: correctly rounded */
    size_t n = sl_num_print_decimal(s, d.v, 0);
    s[n++] = 'e';
    n += sl_num_print_int(s + n, -(int64_t)d.scale);
    sl_num_parse_double(s, n, &v);
    return v;
}

size_t sl_decimal_print(char *out, struct sl_decimal d)
{
    size_t n = 0, len;
    char digits[SL_NUM_MAX];
    if (d.scale >= 0 && d.scale <= MOST)
        return sl_num_print_decimal(out, d.v, d.scale);
    len = sl_num_print_decimal(digits, d.v < 0 ? -d.v : d.v, 0);
    if (d.v < 0)
        out[n++] = '-';
    if (d.scale > 0) {
        out[n++] = '0';
        out[n++] = '.';
        memset(out + n, '0', (size_t)d.scale - len);
        n += (size_t)d.scale - len;
    }
    memcpy(out + n, digits, len);
    n += len;
    if (d.scale < 0) {
        memset(out + n, '0', (size_t)-d.scale);
        n += (size_t)-d.scale;
    }
    return n;
}

int sl_decimal_parse(const char *s, size_t n, int places, struct sl_decimal *out)
{
    assert((s || !n) && out);
    struct sl_decimal d = {0, 0};
    int negative = 0, digits = 0, zeros = 0, up = 0;
    int64_t exponent = 0, nth = 0, place = 0;
    size_t i = 0, end;
    const char *point = NULL;
    if (i < n && (s[i] == '-' || s[i] == '+'))
        negative = s[i++] == '-';
    for (end = i; end < n && s[end] != 'e' && s[end] != 'E'; end++)
        if (s[end] == '.' && !point)
            point = s + end;
    if (end < n) {
        size_t from = end + 1 + (end + 1 < n && s[end + 1] == '+');
        if (!sl_num_parse_int(s + from, n - from, &exponent) || exponent > 1000 || exponent < -1000)
            return 0;
    }
    int64_t shift = (int64_t)((point ? (size_t)(point - s) : end) - i) + exponent;
    for (; i < end; i++) {
        if (s + i == point)
            continue;
        if (s[i] < '0' || s[i] > '9')
            return 0;
        int64_t at = ++nth - shift; /* behind the point */
        if (at > places) {
            up |= at == (int64_t)places + 1 && s[i] >= '5';
            continue;
        }
        place = at;
        if (s[i] == '0') { /* zeros count once another digit follows */
            zeros += digits > 0;
            continue;
        }
        digits += zeros + 1;
        if (digits > MOST)
            return 0;
        d.v = d.v * (zeros ? sl_num_pow10(zeros + 1) : 10) + (s[i] - '0');
        zeros = 0;
    }
    if (up) {
        if (digits + zeros > MOST)
            return 0;
        d.v = d.v * sl_num_pow10(zeros) + 1;
        zeros = 0;
        place = places;
    }
    int64_t scale = place - zeros;
    if (!nth || scale > 1000 || scale < -1000)
        return 0;
    if (scale < 0 && digits - scale <= SL_DECIMAL_DIGITS) {
        d.v *= sl_num_pow10((int)-scale);
        scale = 0;
    }
    out->v = negative ? -d.v : d.v;
    out->scale = d.v ? (int)scale : 0;
    return 1;
}

int sl_decimal_of_double(double v, struct sl_decimal *out)
{
    char text[40];
    if (v - v != 0) /* NaN, or infinite */
        return 0;
    int n = snprintf(text, sizeof(text), "%.14e", v);
    return sl_decimal_parse(text, (size_t)n, SL_DECIMAL_ALL, out);
}

int sl_decimal_fit(struct sl_decimal d, int *scale)
{
    assert(scale);
    int digits = digits_of(magnitude(d.v));
    *scale = SL_MAX(d.scale, 0);
    int precision = SL_MAX(SL_MAX(digits + *scale - d.scale, *scale), 1);
    return precision <= MOST ? precision : 0;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* superacc: see superacc.h. */
#include <math.h>
#include "base/buf.h"
#include "state/superacc.h"

enum { POSITIVE = 1, NEGATIVE = 2, NAN_SEEN = 4 };
#define MANTISSA 0x000fffffffffffffu

void sl_superacc_init(struct sl_superacc *s, struct sl_account *account)
{
    memset(s, 0, sizeof(*s));
    s->account = account;
    sl_vec_init(&s->chunk, account);
    sl_vec_init(&s->flags, account);
}

void sl_superacc_release(struct sl_superacc *s)
{
    sl_vec_release(&s->chunk);
    sl_vec_release(&s->flags);
    s->n = 0;
    s->width = 0;
}

/* The window lies within the chunks that there are. */
static int is_sound(const struct sl_superacc *s)
{
    return s->low >= 0 && s->width >= 0 && s->low + s->width <= SL_SUPERACC_CHUNKS;
}

int sl_superacc_reserve(struct sl_superacc *s, size_t n, struct sl_err *err)
{
    assert(is_sound(s));
    if (n <= s->n)
        return 0;
    if (s->width && n > SIZE_MAX / 8 / (size_t)s->width)
        return sl_err_nomem(err, "sums");
    int rc = sl_vec_reserve(&s->chunk, n * (size_t)s->width * 8, err);
    if (rc == 0)
        rc = sl_vec_reserve(&s->flags, n, err);
    if (rc == 0)
        s->n = n;
    return rc;
}

/* Makes the window hold chunks [low, high). */
static int widen(struct sl_superacc *s, int low, int high, struct sl_err *err)
{
    struct sl_vec fresh;
    if (s->width) {
        low = SL_MIN(low, s->low);
        high = SL_MAX(high, s->low + s->width);
    }
    int width = high - low;
    sl_vec_init(&fresh, s->account);
    int rc = sl_vec_reserve(&fresh, SL_MAX(s->n, (size_t)1) * (size_t)width * 8, err);
    if (rc < 0)
        return rc;
    int64_t *to = fresh.data;
    const int64_t *from = s->chunk.data;
    for (size_t i = 0; s->width && i < s->n; i++)
        memcpy(to + i * (size_t)width + (s->low - low), from + i * (size_t)s->width,
               (size_t)s->width * 8);
    sl_vec_release(&s->chunk);
    s->chunk = fresh;
    s->low = low;
    s->width = width;
    return 0;
}

/* Moves carries up, so that every chunk but the top one is within 32 bits. */
static void carry(int64_t *c, int width)
{
    for (int j = 0; j + 1 < width; j++) {
        int64_t up = c[j] >> 32;
        c[j] -= (int64_t)((uint64_t)up << 32);
        c[j + 1] += up;
    }
}

static void carry_all(struct sl_superacc *s)
{
    int64_t *c = s->chunk.data;
    for (size_t i = 0; i < s->n; i++)
        carry(c + i * (size_t)s->width, s->width);
    s->pending = 0;
}

static int add_special(struct sl_superacc *s, size_t i, double v)
{
    uint8_t *flags = s->flags.data;
    flags[i] |= v != v ? NAN_SEEN : v > 0 ? POSITIVE : NEGATIVE;
    return 0;
}

/* A value outside of the window, an infinity or NaN. */
static int add_slow(struct sl_superacc *s, size_t i, double v, struct sl_err *err)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    int e = (int)(bits >> 52 & 0x7ff);
    if (e == 0x7ff)
        return add_special(s, i, v);
    int c = (e ? e - 1 : 0) >> 5;
    /* One chunk above the value's three takes carries: 2^42 additions fit at least. */
    int rc = widen(s, c, c + 4, err);
    return rc < 0 ? rc : sl_superacc_add(s, i, v, err);
}

static inline int add_one(struct sl_superacc *s, size_t i, double v, struct sl_err *err)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    unsigned e = (unsigned)(bits >> 52 & 0x7ff);
    uint64_t m = bits & MANTISSA;
    if (SL_UNLIKELY(e == 0)) {
        if (!m)
            return 0;
        e = 1;
    } else {
        m |= MANTISSA + 1;
    }
    unsigned position = e - 1;
    int j = (int)(position >> 5) - s->low;
    if (SL_UNLIKELY(j < 0 || j + 4 > s->width || e == 0x7ff))
        return add_slow(s, i, v, err);
    int64_t sign = -(int64_t)(bits >> 63);
    sl_uint128 w = (sl_uint128)m << (position & 31);
    int64_t *c = (int64_t *)s->chunk.data + i * (size_t)s->width + j;
    c[0] += ((int64_t)(uint32_t)w ^ sign) - sign;
    c[1] += ((int64_t)(uint32_t)(w >> 32) ^ sign) - sign;
    c[2] += ((int64_t)(uint64_t)(w >> 64) ^ sign) - sign;
    return 0;
}

int sl_superacc_add(struct sl_superacc *s, size_t i, double v, struct sl_err *err)
{
    assert(i < s->n);
    if (++s->pending >= (uint64_t)1 << 30)
        carry_all(s);
    return add_one(s, i, v, err);
}

int sl_superacc_add_rows(struct sl_superacc *s, const uint32_t *group, const double *v,
                         const uint8_t *valid, size_t n, struct sl_err *err)
{
    assert(is_sound(s) && (v || !n));
    int rc = 0;
    assert(n < (uint64_t)1 << 29);
    s->pending += n;
    if (s->pending >= (uint64_t)1 << 30) {
        carry_all(s);
        s->pending = n;
    }
    for (size_t k = 0; rc == 0 && k < n; k++)
        if (!valid || (valid[k >> 3] >> (k & 7) & 1))
            rc = add_one(s, group ? group[k] : 0, v[k], err);
    return rc;
}

/* The magnitude in c[0..width), no chunk above 32 bits, rounded to a double. */
static double rounded(const uint64_t *c, int width, int low)
{
    int top = width - 1;
    while (top >= 0 && !c[top])
        top--;
    if (top < 0)
        return 0;
    /* 64 bits below the highest set bit, and whether anything lies below them. */
    int high_bit = 63 - __builtin_clzll(c[top]);
    sl_uint128 v = (sl_uint128)c[top] << 64;
    if (top >= 1)
        v |= (sl_uint128)c[top - 1] << 32;
    if (top >= 2)
        v |= c[top - 2];
    uint64_t m = (uint64_t)(v >> (high_bit + 1));
    int sticky = (v & (((sl_uint128)1 << (high_bit + 1)) - 1)) != 0;
    for (int j = top - 3; j >= 0 && !sticky; j--)
        sticky = c[j] != 0;
    /* m's lowest bit weighs 2^exponent */
    int exponent = 32 * (low + top) + high_bit - 63 - 1074;
    int drop = 11; /* down to 53 bits; more for subnormal results */
    if (exponent + drop < -1074)
        drop = -1074 - exponent;
    if (drop > 64)
        return 0;
    uint64_t kept = drop == 64 ? 0 : m >> drop;
    uint64_t rest = drop == 64 ? m : m & (((uint64_t)1 << drop) - 1);
    uint64_t half = (uint64_t)1 << (drop - 1);
    if (rest > half || (rest == half && (sticky || (kept & 1))))
        kept++;
    return ldexp((double)kept, exponent + drop);
}

/* The signed number in c as its magnitude, all chunks within 32 bits but the top one, which is 0. 1 if
 * it is negative. */
static int magnitude(int64_t *c, int width)
{
    carry(c, width);
    int negative = c[width - 1] < 0;
    if (negative) {
        for (int j = 0; j < width; j++)
            c[j] = -c[j];
        carry(c, width);
    }
    return negative;
}

/* Magnitude and sign of sum i in c[0..width + 3). */
static int read_sum(const struct sl_superacc *s, size_t i, int64_t *c)
{
    memcpy(c, (const int64_t *)s->chunk.data + i * (size_t)s->width, (size_t)s->width * 8);
    memset(c + s->width, 0, 3 * sizeof(*c)); /* the top chunk's own carries */
    return magnitude(c, s->width + 3);
}

double sl_superacc_sum(const struct sl_superacc *s, size_t i)
{
    assert(is_sound(s) && i < s->n);
    int64_t c[SL_SUPERACC_CHUNKS + 4];
    uint64_t m[SL_SUPERACC_CHUNKS + 4] = {0};
    uint8_t flags = ((const uint8_t *)s->flags.data)[i];

    if ((flags & NAN_SEEN) || (flags & (POSITIVE | NEGATIVE)) == (POSITIVE | NEGATIVE))
        return NAN;
    if (flags)
        return flags & POSITIVE ? INFINITY : -INFINITY;
    if (!s->width)
        return 0;
    int negative = read_sum(s, i, c);
    for (int j = 0; j < s->width + 3; j++)
        m[j] = (uint64_t)c[j];
    double v = rounded(m, s->width + 3, s->low);
    return negative ? -v : v;
}

int sl_superacc_is_special(const struct sl_superacc *s, size_t i)
{
    assert(i < s->n);
    return ((const uint8_t *)s->flags.data)[i] != 0;
}

/* ---- products of sums ---- */

enum { LIMBS = 2 * (SL_SUPERACC_CHUNKS + 4) + 40 }; /* of 32 bits: a product, and a shift */

/* r += sign * v * 2^(32 at), v of 64 bits. */
static void add_limb(int64_t *r, int at, uint64_t v, int sign)
{
    assert(at >= 0 && at + 1 < LIMBS);
    r[at] += sign * (int64_t)(uint32_t)v;
    r[at + 1] += sign * (int64_t)(v >> 32);
}

/* r += sign * a * b * 2^shift, of magnitudes of 32-bit limbs; each limb of r is given less than 2^40. */
static void add_product(int64_t *r, const int64_t *a, int na, const int64_t *b, int nb, int shift,
                        int sign)
{
    int64_t shifted[SL_SUPERACC_CHUNKS + 5] = {0};
    for (int j = 0; j < na; j++)
        add_limb(shifted, j, (uint64_t)a[j] << shift % 32, 1);
    carry(shifted, na + 1);
    for (int i = 0; i <= na; i++)
        for (int j = 0; shifted[i] && j < nb; j++)
            add_limb(r, i + j + shift / 32, (uint64_t)shifted[i] * (uint64_t)b[j], sign);
}

double sl_superacc_spread(const struct sl_superacc *s, uint64_t n, size_t xy, size_t x, size_t y,
                          int *exponent)
{
    assert(is_sound(s) && xy < s->n && x < s->n && y < s->n);
    enum { ROOM = SL_SUPERACC_CHUNKS + 4 };
    int64_t r[LIMBS] = {0}, a[ROOM], b[ROOM], count[2] = {(uint32_t)n, (int64_t)(n >> 32)};
    uint64_t m[LIMBS];
    int width = s->width + 3, unit = 32 * s->low - 1074; /* chunk 0 counts 2^unit */
    *exponent = 0;
    if (!s->width)
        return 0;
    /* n sum[xy] counts 2^unit, the product 2^(2 unit): the finer unit is that of both. */
    int fine = SL_MIN(unit, 2 * unit);
    int sign = read_sum(s, xy, a) ? -1 : 1;
    add_product(r, a, width, count, 2, unit - fine, sign);
    sign = read_sum(s, x, a) ? 1 : -1;
    if (read_sum(s, y, b))
        sign = -sign;
    add_product(r, a, width, b, width, 2 * unit - fine, sign);
    int negative = magnitude(r, LIMBS), top = LIMBS - 1;
    while (top > 0 && !r[top])
        top--;
    for (int j = 0; j < LIMBS; j++)
        m[j] = (uint64_t)r[j];
    int low = 34 - top; /* near 1 for the rounding */
    double v = frexp(rounded(m, LIMBS, low), exponent);
    *exponent += fine - (32 * low - 1074);
    return negative ? -v : v;
}

void sl_superacc_clear(struct sl_superacc *s, size_t i)
{
    assert(i < s->n);
    if (s->width)
        memset((int64_t *)s->chunk.data + i * (size_t)s->width, 0, (size_t)s->width * 8);
    ((uint8_t *)s->flags.data)[i] = 0;
}

/* Adds chunks [low, low + width) after carry() to sum i. */
static int add_chunks(struct sl_superacc *s, size_t i, uint8_t flags, const int64_t *c, int low,
                      int width, struct sl_err *err)
{
    if (width && (low < s->low || low + width > s->low + s->width || !s->width)) {
        int rc = widen(s, low, low + width, err);
        if (rc < 0)
            return rc;
    }
    /* This counts as one addition: every chunk but the top one is within 32 bits. */
    if (++s->pending >= (uint64_t)1 << 30)
        carry_all(s);
    ((uint8_t *)s->flags.data)[i] |= flags;
    int64_t *to = (int64_t *)s->chunk.data + i * (size_t)s->width + (low - s->low);
    for (int j = 0; j < width; j++)
        to[j] = (int64_t)((uint64_t)to[j] + (uint64_t)c[j]);
    return 0;
}

/* Sum i after carry(), in c. */
static void carried(const struct sl_superacc *s, size_t i, int64_t *c)
{
    if (s->width)
        memcpy(c, (const int64_t *)s->chunk.data + i * (size_t)s->width, (size_t)s->width * 8);
    carry(c, s->width);
}

int sl_superacc_combine(struct sl_superacc *s, size_t i, const struct sl_superacc *from, size_t k,
                        struct sl_err *err)
{
    assert(is_sound(s) && is_sound(from));
    assert(s != from || i != k);
    int64_t c[SL_SUPERACC_CHUNKS + 4];
    assert(i < s->n && k < from->n);
    carried(from, k, c);
    return add_chunks(s, i, ((const uint8_t *)from->flags.data)[k], c, from->low, from->width, err);
}

void sl_superacc_pack(const struct sl_superacc *s, size_t i, struct sl_buf *out)
{
    assert(is_sound(s) && i < s->n && out);
    int64_t c[SL_SUPERACC_CHUNKS + 4];
    carried(s, i, c);
    sl_buf_addch(out, (char)((const uint8_t *)s->flags.data)[i]);
    sl_buf_addch(out, (char)s->low);
    sl_buf_addch(out, (char)s->width);
    sl_buf_add(out, c, (size_t)s->width * 8);
}

int sl_superacc_absorb(struct sl_superacc *s, size_t i, const char *p, size_t n, struct sl_err *err)
{
    assert(is_sound(s) && i < s->n && (p || !n));
    int64_t c[SL_SUPERACC_CHUNKS];
    if (n < 3)
        return -SL_ECORRUPT;
    int low = (uint8_t)p[1], width = (uint8_t)p[2];
    if (low + width > SL_SUPERACC_CHUNKS || n != 3 + (size_t)width * 8 || p[0] & ~7)
        return -SL_ECORRUPT;
    memcpy(c, p + 3, (size_t)width * 8);
    return add_chunks(s, i, (uint8_t)p[0], c, low, width, err);
}

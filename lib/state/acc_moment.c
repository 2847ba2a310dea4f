/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * acc_moment: stddev and variance of one argument; corr, covar and regr of two.
 *
 * Kept are exact sums (superacc.h) of the values, their squares and products, so that the result is
 * the same in any order and cut, and no difference of large numbers loses digits: the numerators, such
 * as n sum(x x) - sum(x)^2, are computed exactly and rounded once. A product is the sum of two doubles,
 * the rounded product and what the rounding left.
 *
 * As in PostgreSQL: a pair with a null does not count; an infinity or NaN makes the result NaN; a square
 * that is greater than all doubles is an error.
 */
#include <math.h>
#include "state/acc.h"
#include "state/superacc.h"

enum sum { X, XX, Y, YY, XY, PAIR_SUMS, SINGLE_SUMS = 2 };

struct moment {
    struct sl_acc acc; /* the cells count rows without a null */
    struct sl_superacc sums;
    size_t n; /* sums of a group */
};

static int init(struct sl_acc *a, struct sl_err *err SL_UNUSED)
{
    struct moment *m = (struct moment *)a;
    m->n = a->call->second ? PAIR_SUMS : SINGLE_SUMS;
    sl_superacc_init(&m->sums, a->account);
    return 0;
}

static int reserve(struct sl_acc *a, size_t n, struct sl_err *err)
{
    struct moment *m = (struct moment *)a;
    if (n > SIZE_MAX / m->n)
        return sl_err_nomem(err, "sums");
    return sl_superacc_reserve(&m->sums, n * m->n, err);
}

static double value(const struct sl_column *c, size_t i)
{
    int64_t bits = sl_column_get8(c, i);
    double v;
    memcpy(&v, &bits, 8);
    return v;
}

static int add_product(struct moment *m, size_t sum, double a, double b, struct sl_err *err)
{
    double p = a * b;
    if (!isfinite(a) || !isfinite(b))
        return 0; /* the sums of a or b say so */
    int rc = sl_superacc_add(&m->sums, sum, p, err);
    double rest = isfinite(p) ? fma(a, b, -p) : 0;
    return rc < 0 || rest == 0 ? rc : sl_superacc_add(&m->sums, sum, rest, err);
}

static int add_value(struct moment *m, size_t sum, double v, struct sl_err *err)
{
    int rc = sl_superacc_add(&m->sums, sum, v, err);
    return rc < 0 ? rc : add_product(m, sum + 1, v, v, err);
}

/* Of two arguments the first is y, the second x. */
static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err)
{
    struct moment *m = (struct moment *)a;
    int64_t *count = a->cells.data;
    int rc = 0, pairs = m->n == PAIR_SUMS;
    assert(arg->type.kind == SL_DOUBLE && (!pairs || r->second->type.kind == SL_DOUBLE));
    for (size_t i = 0; rc == 0 && i < r->n; i++) {
        if (sl_column_null(arg, i) || (pairs && sl_column_null(r->second, i)))
            continue;
        size_t g = sl_acc_group(r, i), first = g * m->n;
        double v = value(arg, i);
        count[g]++;
        rc = add_value(m, first + (pairs ? Y : X), v, err);
        if (!pairs || rc < 0)
            continue;
        double x = value(r->second, i);
        rc = add_value(m, first + X, x, err);
        if (rc == 0)
            rc = add_product(m, first + XY, x, v, err);
    }
    return rc;
}

/* ---- results ---- */

struct spread { /* m 2^exponent = n sum(ab) - sum(a) sum(b) */
    double m;
    int exponent;
};

static struct spread spread(const struct moment *m, uint32_t group, enum sum ab, enum sum a,
                            enum sum b)
{
    size_t first = group * m->n;
    uint64_t n = (uint64_t)((const int64_t *)m->acc.cells.data)[group];
    struct spread s;
    s.m = sl_superacc_spread(&m->sums, n, first + ab, first + a, first + b, &s.exponent);
    return s;
}

/* The spread over n and a divisor. */
static double variance(struct spread s, double n, double divisor)
{
    return ldexp(s.m / (n * divisor), s.exponent);
}

static double correlation(struct spread xy, struct spread xx, struct spread yy)
{
    int odd = (xx.exponent + yy.exponent) & 1;
    double r = xy.m / sqrt(xx.m * yy.m * (odd ? 2 : 1));
    r = ldexp(r, xy.exponent - (xx.exponent + yy.exponent - odd) / 2);
    return r > 1 ? 1 : r < -1 ? -1 : r;
}

/* One argument. 0 with *v, or 1: null. */
static int of_one(const struct moment *m, const struct sl_agg_call *call, uint32_t group, double n,
                  double *v)
{
    int sample = call->kind == SL_AGG_VAR_SAMP || call->kind == SL_AGG_STDDEV_SAMP;
    if (n < 1 + sample)
        return 1;
    if (sl_superacc_is_special(&m->sums, group * m->n + X)) {
        *v = NAN;
        return 0;
    }
    *v = variance(spread(m, group, XX, X, X), n, n - sample);
    if (call->kind == SL_AGG_STDDEV_POP || call->kind == SL_AGG_STDDEV_SAMP)
        *v = sqrt(*v);
    return 0;
}

/* Two arguments. 0 with *v, or 1: null. */
static int of_two(const struct moment *m, const struct sl_agg_call *call, uint32_t group, double n,
                  double *v)
{
    size_t first = group * m->n;
    int sample = call->kind == SL_AGG_COVAR_SAMP, covar = sample || call->kind == SL_AGG_COVAR_POP;
    int nan_x = sl_superacc_is_special(&m->sums, first + X);
    int nan_y = sl_superacc_is_special(&m->sums, first + Y);
    if (n < 1 + sample)
        return 1;
    struct spread none = {1, 0};
    struct spread xx = nan_x ? none : spread(m, group, XX, X, X);
    struct spread yy = nan_y ? none : spread(m, group, YY, Y, Y);
    if (!covar && xx.m == 0)
        return 1;
    if (call->kind == SL_AGG_CORR && yy.m == 0)
        return 1;
    *v = NAN;
    if (nan_x || nan_y)
        return 0;
    struct spread xy = spread(m, group, XY, X, Y);
    double slope = ldexp(xy.m / xx.m, xy.exponent - xx.exponent);
    switch (call->kind) {
    case SL_AGG_COVAR_POP:
    case SL_AGG_COVAR_SAMP: *v = variance(xy, n, n - sample); break;
    case SL_AGG_CORR: *v = correlation(xy, xx, yy); break;
    case SL_AGG_REGR_R2: *v = yy.m == 0 ? 1 : pow(correlation(xy, xx, yy), 2); break;
    case SL_AGG_REGR_SLOPE: *v = slope; break;
    default:
        assert(call->kind == SL_AGG_REGR_INTERCEPT);
        *v = (sl_superacc_sum(&m->sums, first + Y) - slope * sl_superacc_sum(&m->sums, first + X)) /
             n;
    }
    return 0;
}

static int result(struct sl_acc *a, const struct sl_agg_call *call, uint32_t group,
                  struct sl_builder *b, struct sl_err *err)
{
    struct moment *m = (struct moment *)a;
    double v = 0, n = (double)((const int64_t *)a->cells.data)[group];
    int over = 0, special = 0;
    for (size_t s = 0; s < m->n; s++) {
        int flagged = sl_superacc_is_special(&m->sums, group * m->n + s);
        if (s == X || s == Y)
            special |= flagged;
        else
            over |= flagged;
    }
    int null = over ? 0 : (m->n == PAIR_SUMS ? of_two : of_one)(m, call, group, n, &v);
    if (over || (!null && !special && !isfinite(v)))
        return sl_err_set(err, SL_EOVERFLOW, "%s: the result does not fit double precision",
                          call->text);
    if (null)
        sl_builder_null(b);
    else
        sl_builder_double(b, v);
    return 0;
}

/* ---- state ---- */

static int join(struct sl_acc *to, uint32_t group, struct sl_acc *from, uint32_t k,
                struct sl_err *err)
{
    struct moment *m = (struct moment *)to, *x = (struct moment *)from;
    int rc = 0;
    for (size_t s = 0; rc == 0 && s < m->n; s++)
        rc = sl_superacc_combine(&m->sums, group * m->n + s, &x->sums, k * m->n + s, err);
    return rc;
}

/* Each sum behind its length in two bytes. */
static void pack(struct sl_acc *a, uint32_t group, struct sl_buf *out)
{
    struct moment *m = (struct moment *)a;
    for (size_t s = 0; s < m->n && !out->failed; s++) {
        size_t at = out->len;
        sl_buf_add(out, "\0", 2);
        sl_superacc_pack(&m->sums, group * m->n + s, out);
        size_t n = out->len - at - 2;
        if (out->failed)
            return;
        out->data[at] = (char)(n & 0xff);
        out->data[at + 1] = (char)(n >> 8);
    }
}

static int absorb(struct sl_acc *a, uint32_t group, const char *p, size_t n, struct sl_err *err)
{
    struct moment *m = (struct moment *)a;
    for (size_t s = 0; s < m->n; s++) {
        size_t len = n < 2 ? 0 : (size_t)(uint8_t)p[0] | (size_t)(uint8_t)p[1] << 8;
        if (n < 2 || len > n - 2)
            return sl_acc_damaged(err);
        int rc = sl_superacc_absorb(&m->sums, group * m->n + s, p + 2, len, err);
        if (rc < 0)
            return rc == -SL_ECORRUPT ? sl_acc_damaged(err) : rc;
        p += 2 + len;
        n -= 2 + len;
    }
    return n ? sl_acc_damaged(err) : 0;
}

static void reset(struct sl_acc *a, uint32_t group)
{
    struct moment *m = (struct moment *)a;
    for (size_t s = 0; s < m->n; s++)
        sl_superacc_clear(&m->sums, group * m->n + s);
}

static void release(struct sl_acc *a)
{
    sl_superacc_release(&((struct moment *)a)->sums);
}

const struct sl_acc_class sl_acc_moment = {
    .size = sizeof(struct moment),
    .cell = sizeof(int64_t),
    .add_cell = sl_acc_add_count,
    .init = init,
    .reserve = reserve,
    .add = add,
    .result = result,
    .join = join,
    .pack = pack,
    .absorb = absorb,
    .reset = reset,
    .release = release,
};

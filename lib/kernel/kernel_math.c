/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* kernel_math: abs, sign, rounding, roots, logarithms and powers. */
#include <math.h>
#include "kernel/kernel.h"

static void put_number(struct sl_call *c, void *to, size_t i, sl_int128 v)
{
    if (sl_numeric_is64(c->out->type))
        ((int64_t *)to)[i] = (int64_t)v;
    else
        sl_store128(to, i, v);
}

int sl_kernel_abs(struct sl_call *c)
{
    void *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows; i++) {
        if (c->out->type.kind == SL_DOUBLE) {
            ((double *)to)[i] = fabs(sl_arg_double(c, 0, i));
            continue;
        }
        sl_int128 v = sl_arg_number(c, 0, i);
        if (c->out->type.kind == SL_BIGINT && v == INT64_MIN) {
            int rc = sl_call_valid(c, i) ? sl_call_fail(c, i, "bigint out of range") : 0;
            if (rc < 0)
                return rc;
            v = 0;
        }
        put_number(c, to, i, v < 0 ? (sl_int128) - (sl_uint128)v : v);
    }
    return 0;
}

int sl_kernel_sign(struct sl_call *c)
{
    void *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows; i++) {
        if (c->out->type.kind == SL_DOUBLE) {
            double d = sl_arg_double(c, 0, i);
            ((double *)to)[i] = (d > 0) - (d < 0); /* of NaN, as PostgreSQL: 0 */
        } else {
            sl_int128 v = sl_arg_number(c, 0, i);
            put_number(c, to, i, (v > 0) - (v < 0));
        }
    }
    return 0;
}

/* v / unit, an integer: how is 'r' half away from zero, 't' to zero, 'c' up, 'f' down. */
static sl_int128 divide(sl_int128 v, sl_int128 unit, int how)
{
    sl_int128 q = v / unit, rest = v % unit;
    sl_int128 size = rest < 0 ? -rest : rest;
    switch (how) {
    case 'r': return size >= unit - size ? q + (v < 0 ? -1 : 1) : q;
    case 'c': return rest > 0 ? q + 1 : q;
    case 'f': return rest < 0 ? q - 1 : q;
    default: return q;
    }
}

static double round_double(double v, int how, int64_t digits)
{
    double unit = digits ? pow(10, (double)digits) : 1, x;
    if (!isfinite(v))
        return v;
    x = digits ? v * unit : v;
    if (!isfinite(x))
        return v;
    switch (how) {
    /* As PostgreSQL: whole numbers go half to even. With digits the decimal text is what counts. */
    case 'r': x = digits ? round(x) : rint(x); break;
    case 'c': x = ceil(x); break;
    case 'f': x = floor(x); break;
    default: x = trunc(x); break;
    }
    return digits ? x / unit : x;
}

/* param[0]: how, param[1]: digits after the point */
int sl_kernel_round(struct sl_call *c)
{
    int how = (int)c->node->param[0], digits = (int)c->node->param[1];
    void *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    if (c->out->type.kind == SL_DOUBLE) {
        for (size_t i = 0; i < c->rows; i++)
            ((double *)to)[i] = round_double(sl_arg_double(c, 0, i), how, digits);
        return 0;
    }
    int scale = sl_type_scale(c->args[0]->type), cut = scale - digits;
    int back = digits < 0 ? -digits : 0; /* 10^back is multiplied on again */
    sl_int128 limit = c->out->type.kind == SL_BIGINT ? (sl_int128)INT64_MAX + 1
                                                     : sl_num_pow10(c->out->type.precision);
    for (size_t i = 0; i < c->rows; i++) {
        sl_int128 v = sl_arg_number(c, 0, i), r;
        if (cut > SL_NUMERIC_MAX)
            r = 0;
        else
            r = cut > 0 ? divide(v, sl_num_pow10(cut), how) : v;
        if (__builtin_mul_overflow(r, sl_num_pow10(back), &r) || r >= limit || r <= -limit) {
            int rc = sl_call_valid(c, i) ? sl_call_fail(c, i, "value out of range") : 0;
            if (rc < 0)
                return rc;
            r = 0;
        }
        put_number(c, to, i, r);
    }
    return 0;
}

static int math_error(struct sl_call *c, size_t i, double x, int what)
{
    if (what == 'q' && x < 0)
        return sl_call_fail(c, i, "cannot take the square root of a negative number");
    if ((what == 'n' || what == 'l') && x == 0)
        return sl_call_fail(c, i, "cannot take the logarithm of zero");
    if ((what == 'n' || what == 'l') && x < 0)
        return sl_call_fail(c, i, "cannot take the logarithm of a negative number");
    return 1;
}

/* libm's may be off by a unit in the last place even for 27: one step of Newton's mends it, near 1,
 * where the cube has all its digits. */
static double cube_root(double x)
{
    int e;
    if (x == 0 || !isfinite(x))
        return x;
    double m = frexp(x, &e);
    for (; e % 3; e--)
        m *= 2;
    double r = cbrt(m);
    return ldexp(r - (r * r * r - m) / (3 * r * r), e / 3);
}

/* param[0]: q square root, c cube root, e exp, n ln, l log10 */
int sl_kernel_double_math(struct sl_call *c)
{
    int what = (int)c->node->param[0];
    double *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows; i++) {
        double x = sl_arg_double(c, 0, i);
        to[i] = 0;
        if (!sl_call_valid(c, i))
            continue;
        int rc = math_error(c, i, x, what);
        if (rc < 0)
            return rc;
        if (rc == 0)
            continue;
        switch (what) {
        case 'q': to[i] = sqrt(x); break;
        case 'c': to[i] = cube_root(x); break;
        case 'e': to[i] = exp(x); break;
        case 'n': to[i] = log(x); break;
        default: to[i] = log10(x); break;
        }
        if (isinf(to[i]) && !isinf(x)) {
            rc = sl_call_fail(c, i, "value out of range: overflow");
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

int sl_kernel_power(struct sl_call *c)
{
    double *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows; i++) {
        double x = sl_arg_double(c, 0, i), y = sl_arg_double(c, 1, i);
        int rc = 0;
        to[i] = 0;
        if (!sl_call_valid(c, i))
            continue;
        if (x == 0 && y < 0) {
            rc = sl_call_fail(c, i, "zero raised to a negative power is undefined");
        } else if (x < 0 && isfinite(y) && y != floor(y)) {
            rc = sl_call_fail(c, i, "a negative number raised to a non-integer power is complex");
        } else {
            to[i] = pow(x, y);
            if (isinf(to[i]) && !isinf(x) && !isinf(y))
                rc = sl_call_fail(c, i, "value out of range: overflow");
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

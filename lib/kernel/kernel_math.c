/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* kernel_math: abs, sign, rounding, roots, logarithms and powers, angles, bits, divisors. */
#include <float.h>
#include <math.h>
#include "kernel/kernel.h"

static SL_ROWS(abs_double, double)
{
    *to = fabs(sl_arg_double(c, 0, i));
    return 0;
}

static SL_NUMBERS(abs_number)
{
    sl_int128 v = sl_arg_number(c, 0, i);
    if (c->out->type.kind == SL_BIGINT && v == INT64_MIN)
        return sl_call_fail(c, i, "bigint out of range");
    *to = v < 0 ? -v : v;
    return 0;
}

int sl_kernel_abs(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    return c->out->type.kind == SL_DOUBLE ? abs_double(c) : abs_number(c);
}

static SL_ROWS(sign_double, double)
{
    double d = sl_arg_double(c, 0, i);
    *to = (d > 0) - (d < 0); /* of NaN, as PostgreSQL: 0 */
    return 0;
}

static SL_NUMBERS(sign_number)
{
    sl_int128 v = sl_arg_number(c, 0, i);
    *to = (v > 0) - (v < 0);
    return 0;
}

int sl_kernel_sign(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    return c->out->type.kind == SL_DOUBLE ? sign_double(c) : sign_number(c);
}

/* v / unit, an integer: how is 'r' half away from zero, 't' to zero, 'c' up, 'f' down. */
static sl_int128 divide(sl_int128 v, sl_int128 unit, int how)
{
    SL_CHECK_THAT(unit > 0);
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

static SL_ROWS(round_doubles, double)
{
    *to = round_double(sl_arg_double(c, 0, i), (int)c->node->param[0], c->node->param[1]);
    return 0;
}

/* param[0]: how, param[1]: digits after the point */
int sl_kernel_round(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    int how = (int)c->node->param[0], digits = (int)c->node->param[1], rc = 0;
    if (c->out->type.kind == SL_DOUBLE)
        return round_doubles(c);
    void *to = sl_call_data(c);
    int cut = sl_type_scale(c->args[0]->type) - digits, most = SL_NUMERIC_MAX;
    sl_int128 unit = sl_num_pow10(SL_MAX(SL_MIN(cut, most), 0));
    sl_int128 back = sl_num_pow10(SL_MAX(-digits, 0)); /* multiplied on again */
    sl_int128 limit = c->out->type.kind == SL_BIGINT ? (sl_int128)INT64_MAX + 1
                                                     : sl_num_pow10(c->out->type.precision);
    for (size_t i = 0; to && rc >= 0 && i < c->rows; i++) {
        sl_int128 r = cut > most ? 0 : sl_arg_number(c, 0, i);
        r = cut > 0 ? divide(r, unit, how) : r;
        if (__builtin_mul_overflow(r, back, &r) || r >= limit || r <= -limit) {
            rc = sl_call_valid(c, i) ? sl_call_fail(c, i, "value out of range") : 0;
            r = 0;
        }
        sl_call_put(c, to, i, r);
    }
    return to ? rc : -SL_ENOMEM;
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
SL_ROWS(sl_kernel_double_math, double)
{
    int what = (int)c->node->param[0], is_log = what == 'n' || what == 'l';
    double x = sl_arg_double(c, 0, i);
    if (what == 'q' && x < 0)
        return sl_call_fail(c, i, "cannot take the square root of a negative number");
    if (is_log && x == 0)
        return sl_call_fail(c, i, "cannot take the logarithm of zero");
    if (is_log && x < 0)
        return sl_call_fail(c, i, "cannot take the logarithm of a negative number");
    switch (what) {
    case 'q': *to = sqrt(x); break;
    case 'c': *to = cube_root(x); break;
    case 'e': *to = exp(x); break;
    case 'n': *to = log(x); break;
    default: *to = log10(x); break;
    }
    return isinf(*to) && !isinf(x) ? sl_call_fail(c, i, "value out of range: overflow") : 0;
}

SL_ROWS(sl_kernel_power, double)
{
    double x = sl_arg_double(c, 0, i), y = sl_arg_double(c, 1, i);
    if (x == 0 && y < 0)
        return sl_call_fail(c, i, "zero raised to a negative power is undefined");
    if (x < 0 && isfinite(y) && y != floor(y))
        return sl_call_fail(c, i, "a negative number raised to a non-integer power is complex");
    *to = pow(x, y);
    return isinf(*to) && !isinf(x) && !isinf(y) ? sl_call_fail(c, i, "value out of range: overflow")
                                                : 0;
}

/* log(base, x) */
SL_ROWS(sl_kernel_log, double)
{
    double b = sl_arg_double(c, 0, i), x = sl_arg_double(c, 1, i);
    if (b == 0 || x == 0)
        return sl_call_fail(c, i, "cannot take the logarithm of zero");
    if (b < 0 || x < 0)
        return sl_call_fail(c, i, "cannot take the logarithm of a negative number");
    if (b == 1)
        return sl_call_fail(c, i, "division by zero");
    *to = b == 10 ? log10(x) : b == 2 ? log2(x) : log(x) / log(b);
    return 0;
}

/* ---- angles ---- */

static double cotangent(double x)
{
    return 1 / tan(x);
}
static double degrees(double x)
{
    return x / (M_PI / 180);
}
static double radians(double x)
{
    return x * (M_PI / 180);
}

/* What a function takes; NaN goes through. */
static const struct {
    double (*run)(double);
    double least, most;
} angles[] = {
    [SL_ANGLE_DEGREES] = {degrees, -INFINITY, INFINITY},
    [SL_ANGLE_RADIANS] = {radians, -INFINITY, INFINITY},
    [SL_ANGLE_SIN] = {sin, -DBL_MAX, DBL_MAX},
    [SL_ANGLE_COS] = {cos, -DBL_MAX, DBL_MAX},
    [SL_ANGLE_TAN] = {tan, -DBL_MAX, DBL_MAX},
    [SL_ANGLE_COT] = {cotangent, -DBL_MAX, DBL_MAX},
    [SL_ANGLE_ASIN] = {asin, -1, 1},
    [SL_ANGLE_ACOS] = {acos, -1, 1},
    [SL_ANGLE_ATAN] = {atan, -INFINITY, INFINITY},
    [SL_ANGLE_SINH] = {sinh, -INFINITY, INFINITY},
    [SL_ANGLE_COSH] = {cosh, -INFINITY, INFINITY},
    [SL_ANGLE_TANH] = {tanh, -INFINITY, INFINITY},
    [SL_ANGLE_ASINH] = {asinh, -INFINITY, INFINITY},
    [SL_ANGLE_ACOSH] = {acosh, 1, INFINITY},
    [SL_ANGLE_ATANH] = {atanh, -1, 1},
};

/* param[0]: enum sl_angle */
SL_ROWS(sl_kernel_angle, double)
{
    int what = (int)c->node->param[0];
    double x = sl_arg_double(c, 0, i);
    SL_CHECK_THAT(what >= 0 && what < (int)SL_COUNT(angles));
    if (x < angles[what].least || x > angles[what].most)
        return sl_call_fail(c, i, "input is out of range");
    *to = angles[what].run(x);
    return what == SL_ANGLE_DEGREES && isinf(*to) && !isinf(x)
               ? sl_call_fail(c, i, "value out of range: overflow")
               : 0;
}

SL_ROWS(sl_kernel_atan2, double)
{
    *to = atan2(sl_arg_double(c, 0, i), sl_arg_double(c, 1, i));
    return 0;
}

SL_ROWS(sl_kernel_pi, double)
{
    (void)c;
    *to = M_PI;
    return 0;
}

/* ---- whole numbers ---- */

/* param[0]: the operator; a shift goes by the low 6 bits of its second operand, as in PostgreSQL */
SL_ROWS(sl_kernel_bits, int64_t)
{
    uint64_t a = (uint64_t)sl_arg_int(c, 0, i),
             b = c->node->nargs > 1 ? (uint64_t)sl_arg_int(c, 1, i) : 0;
    switch (c->node->param[0]) {
    case '&': a &= b; break;
    case '|': a |= b; break;
    case '#': a ^= b; break;
    case '~': a = ~a; break;
    case '<': a <<= b & 63; break;
    default: a = (uint64_t)((int64_t)a >> (b & 63)); break;
    }
    *to = (int64_t)a;
    return 0;
}

/* param[0]: g greatest common divisor, l least common multiple */
SL_ROWS(sl_kernel_gcd, int64_t)
{
    sl_int128 a = sl_arg_int(c, 0, i), b = sl_arg_int(c, 1, i), x, y;
    a = a < 0 ? -a : a;
    b = b < 0 ? -b : b;
    for (x = a, y = b; y;) {
        sl_int128 rest = x % y;
        x = y;
        y = rest;
    }
    if (c->node->param[0] == 'l')
        x = a && b ? a / x * b : 0;
    *to = (int64_t)x;
    return x > INT64_MAX ? sl_call_fail(c, i, "bigint out of range") : 0;
}

/* width_bucket(x, low, high, count): 0 and count + 1 are outside; low may be above high */
SL_ROWS(sl_kernel_width_bucket, int64_t)
{
    double x = sl_arg_double(c, 0, i), a = sl_arg_double(c, 1, i), b = sl_arg_double(c, 2, i);
    int64_t n = sl_arg_int(c, 3, i);
    if (n <= 0 || n > INT32_MAX)
        return sl_call_fail(c, i, "width_bucket: the count is at least 1, and at most %d",
                            INT32_MAX);
    if (isnan(x) || !isfinite(a) || !isfinite(b))
        return sl_call_fail(c, i, "width_bucket: the bounds are finite, and nothing is NaN");
    if (a == b)
        return sl_call_fail(c, i, "width_bucket: the bounds are not equal");
    if (a > b) { /* the same the other way round */
        x = -x;
        a = -a;
        b = -b;
    }
    if (x < a || x >= b) {
        *to = x < a ? 0 : n + 1;
        return 0;
    }
    double part = isinf(b - a) ? (x / 2 - a / 2) / (b / 2 - a / 2) : (x - a) / (b - a);
    *to = SL_MIN((int64_t)((double)n * part), n - 1) + 1;
    return 0;
}

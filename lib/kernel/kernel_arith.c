/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * kernel_arith: + - * / % over bigint, numeric and double precision.
 *
 * Results that leave their type are errors of the row, never a wrap or an infinity. Overflow is
 * gathered over the whole vector first, so that the loop of the common case has no branch; only if
 * it happened are the rows looked at one by one (a null row may overflow in peace).
 *
 * numeric: a result has its scale by the type that binding gave it: + - the greater scale, * the
 * sum, / by a constant where the quotient ends. Arguments may be bigint (scale 0).
 */
#include <math.h>
#include "kernel/kernel.h"

static const char *const out_of_range = "bigint out of range";

/* body sees x and y of row i; once for each of the three shapes */
#define LOOP(ctype, body)                                                                          \
    do {                                                                                           \
        if (sa && sb) {                                                                            \
            for (size_t i = 0; i < rows; i++) {                                                    \
                ctype x = a[i], y = b[i];                                                          \
                body;                                                                              \
            }                                                                                      \
        } else if (sa) {                                                                           \
            const ctype y = b[0];                                                                  \
            for (size_t i = 0; i < rows; i++) {                                                    \
                ctype x = a[i];                                                                    \
                body;                                                                              \
            }                                                                                      \
        } else {                                                                                   \
            const ctype x = a[0];                                                                  \
            for (size_t i = 0; i < rows; i++) {                                                    \
                ctype y = b[i * sb];                                                               \
                body;                                                                              \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* One value; 1 if it overflows. */
static int int_op(int op, int64_t x, int64_t y, int64_t *r)
{
    switch (op) {
    case '+': return __builtin_add_overflow(x, y, r);
    case '-': return __builtin_sub_overflow(x, y, r);
    default: return __builtin_mul_overflow(x, y, r);
    }
}

static int int_divide(struct sl_call *c, const int64_t *a, size_t sa, const int64_t *b, size_t sb,
                      int64_t *to, int op)
{
    for (size_t i = 0; i < c->rows; i++) {
        int64_t x = a[i * sa], y = b[i * sb];
        int rc = 0;
        to[i] = 0;
        if (!sl_call_valid(c, i))
            continue;
        if (y == 0)
            rc = sl_call_fail(c, i, "division by zero");
        else if (y == -1 && op == '/' && x == INT64_MIN)
            rc = sl_call_fail(c, i, "%s", out_of_range);
        else if (y == -1)
            to[i] = op == '/' ? -x : 0;
        else
            to[i] = op == '/' ? x / y : x % y;
        if (rc < 0)
            return rc;
    }
    return 0;
}

int sl_kernel_int_arith(struct sl_call *c)
{
    assert(sl_call_has(c, 2));
    const int64_t *a = c->args[0]->data, *b = c->args[1]->data;
    size_t sa = sl_arg_step(c, 0), sb = sl_arg_step(c, 1), rows = c->rows;
    int op = (int)c->node->param[0];
    int64_t *restrict to = sl_call_data(c);
    unsigned bad = 0;
    if (!to)
        return -SL_ENOMEM;
    switch (op) {
    case '+': LOOP(int64_t, bad |= __builtin_add_overflow(x, y, &to[i])); break;
    case '-': LOOP(int64_t, bad |= __builtin_sub_overflow(x, y, &to[i])); break;
    case '*': LOOP(int64_t, bad |= __builtin_mul_overflow(x, y, &to[i])); break;
    default: return int_divide(c, a, sa, b, sb, to, op);
    }
    for (size_t i = 0; bad && i < rows; i++) {
        if (sl_call_valid(c, i) && int_op(op, a[i * sa], b[i * sb], &to[i])) {
            int rc = sl_call_fail(c, i, "%s", out_of_range);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* ---- numeric ---- */

/* x / y with so many more digits, which are all that there are: binding made sure. 1 if it overflows. */
static int numeric_quotient(sl_int128 x, sl_int128 y, int more, sl_int128 *r)
{
    sl_int128 q, rest, up;
    if (!__builtin_mul_overflow(x, sl_num_pow10(more), &q)) {
        *r = q / y;
        return 0;
    }
    q = x / y; /* long division, since x has no room */
    for (rest = x % y; more > 0; more--) {
        if (__builtin_mul_overflow(q, 10, &q) || __builtin_mul_overflow(rest, 10, &up) ||
            __builtin_add_overflow(q, up / y, &q))
            return 1;
        rest = up % y;
    }
    *r = q;
    return 0;
}

static int numeric_op(struct sl_call *c, sl_int128 x, sl_int128 y, sl_int128 *r)
{
    int op = (int)c->node->param[0], s = c->out->type.scale;
    int sx = sl_type_scale(c->args[0]->type), sy = sl_type_scale(c->args[1]->type);
    switch (op) {
    case '*': return __builtin_mul_overflow(x, y, r);
    case '/': return numeric_quotient(x, y, s + sy - sx, r);
    default: break;
    }
    if (__builtin_mul_overflow(x, sl_num_pow10(s - sx), &x) ||
        __builtin_mul_overflow(y, sl_num_pow10(s - sy), &y))
        return 1;
    switch (op) {
    case '+': return __builtin_add_overflow(x, y, r);
    case '-': return __builtin_sub_overflow(x, y, r);
    default: *r = x % y; return 0;
    }
}

/* Both arguments and the result in 64 bits: the precision of the result says that it fits. */
static int numeric_arith64(struct sl_call *c)
{
    const int64_t *a = c->args[0]->data, *b = c->args[1]->data;
    size_t sa = sl_arg_step(c, 0), sb = sl_arg_step(c, 1), rows = c->rows;
    int s = c->out->type.scale;
    int64_t ma = (int64_t)sl_num_pow10(s - sl_type_scale(c->args[0]->type));
    int64_t mb = (int64_t)sl_num_pow10(s - sl_type_scale(c->args[1]->type));
    int64_t *restrict to = sl_call_data(c);
    unsigned bad = 0;
    if (!to)
        return -SL_ENOMEM;
/* unsigned, since null rows may hold anything */
#define U(x) ((uint64_t)(x))
    switch ((int)c->node->param[0]) {
    case '+': LOOP(int64_t, to[i] = (int64_t)(U(x) * U(ma) + U(y) * U(mb))); break;
    case '-': LOOP(int64_t, to[i] = (int64_t)(U(x) * U(ma) - U(y) * U(mb))); break;
    default:
        ma = mb = 1;
        LOOP(int64_t, bad |= __builtin_mul_overflow(x, y, &to[i]));
        break;
    }
#undef U
    (void)bad;
    return 0;
}

static SL_NUMBERS(numeric_rows)
{
    int op = (int)c->node->param[0];
    sl_int128 y = sl_arg_number(c, 1, i), r = 0;
    if (y == 0 && (op == '/' || op == '%'))
        return sl_call_fail(c, i, "division by zero");
    if (numeric_op(c, sl_arg_number(c, 0, i), y, &r) || !sl_number_fits(c->out->type, r))
        return sl_call_fail(c, i,
                            "value out of range: numeric holds %d digits, here %d of them after "
                            "the point; round() the operands or cast one to double precision",
                            c->out->type.precision, c->out->type.scale);
    *to = r;
    return 0;
}

int sl_kernel_numeric_arith(struct sl_call *c)
{
    assert(sl_call_has(c, 2));
    int op = (int)c->node->param[0];
    int narrow = sl_numeric_is64(c->args[0]->type) && sl_numeric_is64(c->args[1]->type);
    if (narrow && sl_numeric_is64(c->out->type) && strchr("+-*", op))
        return numeric_arith64(c);
    if (narrow && op == '*') { /* 64 x 64 bits always fit in 128 */
        void *to = sl_call_data(c);
        if (!to)
            return -SL_ENOMEM;
        const int64_t *a = c->args[0]->data, *b = c->args[1]->data;
        size_t sa = sl_arg_step(c, 0), sb = sl_arg_step(c, 1), rows = c->rows;
        LOOP(int64_t, sl_store128(to, i, (sl_int128)x * y));
        return 0;
    }
    return numeric_rows(c);
}

/* ---- double precision ---- */

static int check_doubles(struct sl_call *c, const double *to)
{
    const double *a = c->args[0]->data, *b = c->args[1]->data;
    size_t sa = sl_arg_step(c, 0), sb = sl_arg_step(c, 1);
    int op = (int)c->node->param[0];
    for (size_t i = 0; i < c->rows; i++) {
        int rc = 0;
        if (!sl_call_valid(c, i))
            continue;
        if ((op == '/' || op == '%') && b[i * sb] == 0 && !isnan(a[i * sa]))
            rc = sl_call_fail(c, i, "division by zero");
        else if (isinf(to[i]) && !isinf(a[i * sa]) && !isinf(b[i * sb]))
            rc = sl_call_fail(c, i, "value out of range: overflow");
        if (rc < 0)
            return rc;
    }
    return 0;
}

int sl_kernel_double_arith(struct sl_call *c)
{
    assert(sl_call_has(c, 2));
    const double *a = c->args[0]->data, *b = c->args[1]->data;
    size_t sa = sl_arg_step(c, 0), sb = sl_arg_step(c, 1), rows = c->rows;
    double *restrict to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    int odd = 0;
    switch ((int)c->node->param[0]) {
    case '+': LOOP(double, to[i] = x + y; odd |= !(to[i] - to[i] == 0)); break;
    case '-': LOOP(double, to[i] = x - y; odd |= !(to[i] - to[i] == 0)); break;
    case '*': LOOP(double, to[i] = x * y; odd |= !(to[i] - to[i] == 0)); break;
    case '/': LOOP(double, to[i] = x / y; odd |= !(to[i] - to[i] == 0)); break;
    default: LOOP(double, to[i] = fmod(x, y); odd |= !(to[i] - to[i] == 0)); break;
    }
    return odd ? check_doubles(c, to) : 0;
}

/* Unary minus of any number. */
int sl_kernel_negate(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    void *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    size_t rows = c->rows, step = sl_arg_step(c, 0);
    if (c->out->type.kind == SL_DOUBLE) {
        const double *v = c->args[0]->data;
        for (size_t i = 0; i < rows; i++)
            ((double *)to)[i] = -v[i * step];
        return 0;
    }
    if (!sl_numeric_is64(c->out->type)) {
        for (size_t i = 0; i < rows; i++)
            sl_store128(to, i, (sl_int128) - (sl_uint128)sl_arg_number(c, 0, i));
        return 0;
    }
    const int64_t *v = c->args[0]->data;
    for (size_t i = 0; i < rows; i++) {
        int64_t x = v[i * step];
        ((int64_t *)to)[i] = (int64_t) - (uint64_t)x;
        if (x == INT64_MIN && sl_call_valid(c, i)) {
            int rc = sl_call_fail(c, i, "%s", out_of_range);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

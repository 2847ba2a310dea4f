/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * kernel_decimal: operators, rounding and casts of numbers that have a scale each (decimal.h).
 *
 * A row fails where its result leaves the range, and, if the type says that no digit may be lost,
 * where a digit would be.
 */
#include <math.h>
#include "kernel/kernel.h"

/* Stores what was computed, or fails the row. */
static int put(struct sl_call *c, void *to, size_t i, struct sl_decimal d,
               enum sl_decimal_state state)
{
    sl_int128 packed = 0;
    enum sl_decimal_state stored = SL_DECIMAL_RANGE;
    if (state != SL_DECIMAL_RANGE)
        stored = sl_decimal_pack(d, &packed);
    sl_store128(to, i, packed);
    if (stored == SL_DECIMAL_RANGE)
        return sl_call_fail(c, i, "value out of range for type numeric");
    if (c->out->type.precision && (state == SL_DECIMAL_ROUNDED || stored == SL_DECIMAL_ROUNDED))
        return sl_call_fail(c, i,
                            "value out of range: the exact result has more than %d digits; "
                            "round the operands or cast one to double precision",
                            SL_DECIMAL_DIGITS);
    return 0;
}

int sl_kernel_decimal_arith(struct sl_call *c)
{
    int op = (int)c->node->param[0], rc = 0;
    void *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; rc >= 0 && i < c->rows; i++) {
        struct sl_decimal r = {0, 0};
        sl_store128(to, i, 0);
        if (!sl_call_valid(c, i))
            continue;
        struct sl_decimal x = sl_arg_decimal(c, 0, i), y = sl_arg_decimal(c, 1, i);
        if (!y.v && (op == '/' || op == '%')) {
            rc = sl_call_fail(c, i, "division by zero");
        } else {
            enum sl_decimal_state state = sl_decimal_arith(op, x, y, &r);
            rc = put(c, to, i, r, state);
        }
    }
    return rc;
}

/* 10^n is multiplied on again after a rounding before the point. */
static enum sl_decimal_state round_at(struct sl_decimal d, int digits, int how, sl_int128 *out)
{
    enum sl_decimal_state state = sl_decimal_rescale(d, digits, how, out);
    if (digits >= 0 || state == SL_DECIMAL_RANGE)
        return state;
    return __builtin_mul_overflow(*out, sl_num_pow10(-digits), out) ? SL_DECIMAL_RANGE : state;
}

/* Stores v, of the scale of the result's type, or fails the row. */
static int put_number(struct sl_call *c, void *to, size_t i, sl_int128 v, int ok)
{
    struct sl_type t = c->out->type;
    sl_int128 limit = t.kind == SL_BIGINT ? (sl_int128)INT64_MAX + 1 : sl_num_pow10(t.precision);
    ok = ok && v < limit && (v > -limit || (t.kind == SL_BIGINT && v == -limit));
    if (sl_numeric_is64(t))
        ((int64_t *)to)[i] = ok ? (int64_t)v : 0;
    else
        sl_store128(to, i, ok ? v : 0);
    if (ok)
        return 0;
    struct sl_buf type = SL_BUF_INIT;
    sl_type_print(t, &type);
    int rc = sl_call_fail(c, i, "value out of range for type %s", type.data ? type.data : "?");
    sl_buf_release(&type);
    return rc;
}

int sl_kernel_decimal_unary(struct sl_call *c)
{
    int how = (int)c->node->param[0], digits = (int)c->node->param[1], rc = 0;
    void *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; rc >= 0 && i < c->rows; i++) {
        struct sl_decimal d = sl_arg_decimal(c, 0, i);
        sl_int128 v = (d.v > 0) - (d.v < 0);
        if (!sl_call_valid(c, i))
            d.v = v = 0;
        switch (how) {
        case 's': rc = put_number(c, to, i, v, 1); break;
        case '-':
            d.v = -d.v;
            rc = put(c, to, i, d, SL_DECIMAL_EXACT);
            break;
        case 'a':
            d.v = d.v < 0 ? -d.v : d.v;
            rc = put(c, to, i, d, SL_DECIMAL_EXACT);
            break;
        default: {
            int ok = round_at(d, digits, how, &v) != SL_DECIMAL_RANGE;
            rc = put_number(c, to, i, v, ok);
        }
        }
    }
    return rc;
}

/* PostgreSQL takes the 15 significant digits of a double. */
static int from_double(double v, struct sl_decimal *d)
{
    char text[40];
    if (!isfinite(v))
        return 0;
    int n = snprintf(text, sizeof(text), "%.14e", v);
    return sl_decimal_parse(text, (size_t)n, d);
}

static int to_decimal(struct sl_call *c)
{
    int rc = 0;
    void *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; rc >= 0 && i < c->rows; i++) {
        struct sl_decimal d = {0, 0};
        enum sl_decimal_state state = SL_DECIMAL_EXACT;
        if (sl_call_valid(c, i)) {
            if (c->args[0]->type.kind != SL_DOUBLE)
                d = sl_arg_decimal(c, 0, i);
            else if (!from_double(sl_arg_double(c, 0, i), &d))
                state = SL_DECIMAL_RANGE;
        }
        rc = put(c, to, i, d, state);
    }
    return rc;
}

int sl_kernel_decimal_cast(struct sl_call *c)
{
    struct sl_type t = c->out->type;
    int rc = 0;
    if (t.kind == SL_DECIMAL)
        return to_decimal(c);
    void *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; rc >= 0 && i < c->rows; i++) {
        struct sl_decimal d = sl_arg_decimal(c, 0, i);
        if (!sl_call_valid(c, i))
            d = (struct sl_decimal){0, 0};
        if (t.kind == SL_DOUBLE) {
            ((double *)to)[i] = sl_decimal_double(d);
        } else {
            sl_int128 v = 0;
            int ok = sl_decimal_rescale(d, sl_type_scale(t), 'r', &v) != SL_DECIMAL_RANGE;
            rc = put_number(c, to, i, v, ok);
        }
    }
    return rc;
}

int sl_kernel_decimal_settle(struct sl_call *c)
{
    struct sl_type t = c->out->type;
    int rc = 0;
    void *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; rc >= 0 && i < c->rows; i++) {
        struct sl_decimal d = sl_arg_decimal(c, 0, i);
        sl_int128 v = 0;
        if (!sl_call_valid(c, i))
            d = (struct sl_decimal){0, 0};
        int exact = sl_decimal_rescale(d, t.scale, 'r', &v) == SL_DECIMAL_EXACT, scale;
        sl_int128 limit = sl_num_pow10(t.precision);
        if (exact && v < limit && v > -limit) {
            rc = put_number(c, to, i, v, 1);
            continue;
        }
        char text[SL_DECIMAL_TEXT];
        int n = (int)SL_MIN(sl_decimal_print(text, d), 80), fits = sl_decimal_fit(d, &scale) > 0;
        sl_store128(to, i, 0);
        if (fits)
            rc = sl_call_fail(c, i, "%.*s does not fit numeric(%d,%d): write ::numeric(38,%d)", n,
                              text, t.precision, t.scale, scale);
        else
            rc = sl_call_fail(c, i, "%.*s does not fit numeric(%d,%d): write ::double precision", n,
                              text, t.precision, t.scale);
    }
    return rc;
}

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

struct packed { /* sl_int128 columns need not be 16-byte aligned */
    uint64_t word[2];
};

/* Stores what was computed, or fails the row. */
static int put(struct sl_call *c, struct packed *to, size_t i, struct sl_decimal d,
               enum sl_decimal_state state)
{
    sl_int128 packed = 0;
    enum sl_decimal_state stored = SL_DECIMAL_RANGE;
    if (state != SL_DECIMAL_RANGE)
        stored = sl_decimal_pack(d, &packed);
    sl_store128(to, 0, packed);
    if (stored == SL_DECIMAL_RANGE)
        return sl_call_range(c, i);
    if (c->out->type.precision && (state == SL_DECIMAL_ROUNDED || stored == SL_DECIMAL_ROUNDED))
        return sl_call_fail(c, i,
                            "value out of range: the exact result has more than %d digits; "
                            "round the operands or cast one to double precision",
                            SL_DECIMAL_DIGITS);
    return 0;
}

SL_ROWS(sl_kernel_decimal_arith, struct packed)
{
    int op = (int)c->node->param[0];
    struct sl_decimal x = sl_arg_decimal(c, 0, i), y = sl_arg_decimal(c, 1, i), r = {0, 0};
    if (!y.v && (op == '/' || op == '%'))
        return sl_call_fail(c, i, "division by zero");
    enum sl_decimal_state state = sl_decimal_arith(op, x, y, &r);
    return put(c, to, i, r, state);
}

/* 10^n is multiplied on again after a rounding before the point. 0 if it leaves the range. */
static int round_at(struct sl_decimal d, int digits, int how, sl_int128 *out)
{
    if (sl_decimal_rescale(d, digits, how, out) == SL_DECIMAL_RANGE)
        return 0;
    return digits >= 0 || !__builtin_mul_overflow(*out, sl_num_pow10(-digits), out);
}

static SL_ROWS(change_sign, struct packed)
{
    struct sl_decimal d = sl_arg_decimal(c, 0, i);
    if (c->node->param[0] == '-' || d.v < 0)
        d.v = -d.v;
    return put(c, to, i, d, SL_DECIMAL_EXACT);
}

static SL_NUMBERS(round_decimal)
{
    int how = (int)c->node->param[0], ok = 1;
    struct sl_decimal d = sl_arg_decimal(c, 0, i);
    sl_int128 v = (d.v > 0) - (d.v < 0);
    if (how != 's')
        ok = round_at(d, (int)c->node->param[1], how, &v);
    if (!ok || !sl_number_fits(c->out->type, v))
        return sl_call_range(c, i);
    *to = v;
    return 0;
}

int sl_kernel_decimal_unary(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    return strchr("-a", (int)c->node->param[0]) ? change_sign(c) : round_decimal(c);
}

static SL_ROWS(to_decimal, struct packed)
{
    struct sl_decimal d = {0, 0};
    enum sl_decimal_state state = SL_DECIMAL_EXACT;
    if (c->args[0]->type.kind != SL_DOUBLE)
        d = sl_arg_decimal(c, 0, i);
    else if (!sl_decimal_of_double(sl_arg_double(c, 0, i), &d))
        state = SL_DECIMAL_RANGE;
    return put(c, to, i, d, state);
}

static SL_ROWS(to_double, double)
{
    *to = sl_decimal_double(sl_arg_decimal(c, 0, i));
    return 0;
}

static SL_NUMBERS(to_number)
{
    struct sl_type t = c->out->type;
    sl_int128 v = 0;
    if (sl_decimal_rescale(sl_arg_decimal(c, 0, i), sl_type_scale(t), 'r', &v) ==
            SL_DECIMAL_RANGE ||
        !sl_number_fits(t, v))
        return sl_call_range(c, i);
    *to = v;
    return 0;
}

int sl_kernel_decimal_cast(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    switch (c->out->type.kind) {
    case SL_DECIMAL: return to_decimal(c);
    case SL_DOUBLE: return to_double(c);
    default: return to_number(c);
    }
}

SL_NUMBERS(sl_kernel_decimal_settle)
{
    struct sl_type t = c->out->type;
    struct sl_decimal d = sl_arg_decimal(c, 0, i);
    sl_int128 v = 0;
    char text[SL_DECIMAL_TEXT];
    int scale, exact = sl_decimal_rescale(d, t.scale, 'r', &v) == SL_DECIMAL_EXACT;
    if (exact && sl_number_fits(t, v)) {
        *to = v;
        return 0;
    }
    int n = (int)SL_MIN(sl_decimal_print(text, d), 80);
    if (sl_decimal_fit(d, &scale) > 0)
        return sl_call_fail(c, i, "%.*s does not fit numeric(%d,%d): write ::numeric(38,%d)", n,
                            text, t.precision, t.scale, scale);
    return sl_call_fail(c, i, "%.*s does not fit numeric(%d,%d): write ::double precision", n, text,
                        t.precision, t.scale);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* function_math: abs, sign, round, ceil, floor, trunc, mod: results in the type of the argument. */
#include "expr/function.h"

/* round and its kin; digits is the constant second argument, or 0. */
static struct sl_node *bind_round(struct sl_bind *b, const char *name, char how,
                                  struct sl_node **args, int nargs, int at)
{
    struct sl_type t = args[0]->type;
    int64_t digits = 0;
    if (nargs == 2) {
        args[1] = sl_coerce(b, args[1], sl_type_of(SL_BIGINT), SL_COERCE_IMPLICIT);
        if (!args[1])
            return NULL;
        if (!args[1]->value || sl_column_null(args[1]->value, 0))
            return sl_bind_fail(b, args[1]->at, "%s: the number of digits must be a constant",
                                name);
        digits = *(const int64_t *)args[1]->value->data;
        if (digits < -SL_NUMERIC_MAX || digits > SL_NUMERIC_MAX)
            return sl_bind_fail(b, args[1]->at, "%s: between -%d and %d digits", name,
                                SL_NUMERIC_MAX, SL_NUMERIC_MAX);
    }
    if (t.kind == SL_NUMERIC) {
        int scale = (int)SL_MAX(0, SL_MIN(digits, t.scale));
        /* one digit more before the point: 99.9 rounds to 100 */
        int p = SL_MIN(t.precision - t.scale + 1 + scale, SL_NUMERIC_MAX);
        t = sl_type_numeric(SL_MAX(p, 1), scale);
    } else if (t.kind == SL_BIGINT && digits >= 0) {
        return args[0];
    }
    if (t.kind == SL_DECIMAL)
        return sl_bind_plain(b, sl_kernel_decimal_unary, name,
                             sl_type_numeric(SL_NUMERIC_MAX, (int)SL_MAX(0, digits)), how, digits,
                             1, args, nargs, at);
    return sl_bind_plain(b, sl_kernel_round, name, t, how, digits, 1, args, nargs, at);
}

struct sl_node *sl_bind_number_function(struct sl_bind *b, const struct sl_function *f,
                                        struct sl_node **args, int nargs, int at)
{
    assert(b && f && (args || !nargs));
    size_t overloads;
    f = sl_function_find(f->name, &overloads);
    const char *name = f->name;
    int how = (int)f->param;
    int min = (int)strlen(f->args), max = (int)strlen(f[overloads - 1].args);
    if (nargs < min || nargs > max)
        return sl_bind_fail(b, at, "%s takes %d argument%s", name, min, min > 1 ? "s" : "");
    if (how == '%')
        return sl_bind_operator(b, "%", args[0], args[1], at);
    if (how == '/') {
        struct sl_node *q = sl_bind_operator(b, "/", args[0], args[1], at);
        return q ? sl_bind_function(b, "trunc", &q, 1, at) : NULL;
    }
    if (args[0]->unknown) {
        args[0] =
            sl_coerce_unknown(b, args[0], sl_type_of(args[0]->value ? SL_DOUBLE : SL_NUMERIC));
        if (!args[0])
            return NULL;
    }
    struct sl_type t = args[0]->type;
    if (!sl_type_is_number(t)) {
        sl_bind_fail(b, at, "%s takes a number, not %s", name, sl_bind_type_name(b, args[0]));
        return t.kind == SL_TEXT ? sl_bind_text_hint(b, b->e->schema, args[0], SL_WHY_NUMBER)
                                 : NULL;
    }
    if (t.kind == SL_DECIMAL && strchr("as", how))
        return sl_bind_plain(b, sl_kernel_decimal_unary, name,
                             how == 's' ? sl_type_numeric(1, 0) : t, how, 0, 1, args, 1, at);
    switch (how) {
    case 'a':
        return sl_bind_plain(b, sl_kernel_abs, name, t, 0, 0, t.kind == SL_BIGINT, args, 1, at);
    case 's':
        if (t.kind == SL_NUMERIC)
            t = sl_type_numeric(1, 0);
        return sl_bind_plain(b, sl_kernel_sign, name, t, 0, 0, 0, args, 1, at);
    default: return bind_round(b, name, (char)how, args, nargs, at);
    }
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * kernel_compare: comparisons, IS DISTINCT FROM, GREATEST and LEAST.
 *
 * Order is total: NaN equals itself and is above every number, as in PostgreSQL; text goes by bytes;
 * intervals by their span with 30 days a month.
 */
#include "arrow/interval.h"
#include "kernel/kernel.h"

static int double_order(double a, double b)
{
    if (a != a || b != b)
        return (a != a) - (b != b);
    return a < b ? -1 : a > b;
}

int sl_value_order(const struct sl_column *a, size_t i, const struct sl_column *b, size_t k)
{
    SL_CHECK_THAT(i < a->rows && k < b->rows);
    switch (a->type.kind) {
    case SL_BIGINT:
    case SL_NUMERIC:
    case SL_DECIMAL: return sl_decimal_order(sl_column_decimal(a, i), sl_column_decimal(b, k));
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME: {
        int64_t x = ((const int64_t *)a->data)[i], y = ((const int64_t *)b->data)[k];
        return x < y ? -1 : x > y;
    }
    case SL_DATE: {
        int32_t x = ((const int32_t *)a->data)[i], y = ((const int32_t *)b->data)[k];
        return x < y ? -1 : x > y;
    }
    case SL_DOUBLE: return double_order(((const double *)a->data)[i], ((const double *)b->data)[k]);
    case SL_BOOL: return sl_bit(a->data, i) - sl_bit(b->data, k);
    case SL_INTERVAL: {
        sl_int128 x = sl_interval_span(((const struct sl_interval *)a->data)[i]);
        sl_int128 y = sl_interval_span(((const struct sl_interval *)b->data)[k]);
        return x < y ? -1 : x > y;
    }
    default: return sl_column_bytes_order(a, i, b, k);
    }
}

/* Fills bits 0..rows of `to` with the condition over i. */
#define BITS(cond)                                                                                 \
    for (size_t base = 0; base < rows; base += 64) {                                               \
        size_t m = SL_MIN(rows - base, 64);                                                        \
        uint64_t w = 0;                                                                            \
        for (size_t j = 0; j < m; j++) {                                                           \
            size_t i = base + j;                                                                   \
            w |= (uint64_t)(cond) << j;                                                            \
        }                                                                                          \
        memcpy(to + base / 8, &w, 8);                                                              \
    }

#define BY_OP(op, eq, lt, gt)                                                                      \
    switch (op) {                                                                                  \
    case SL_EQ: BITS(eq) break;                                                                    \
    case SL_NE: BITS(!(eq)) break;                                                                 \
    case SL_LT: BITS(lt) break;                                                                    \
    case SL_LE: BITS(!(gt)) break;                                                                 \
    case SL_GT: BITS(gt) break;                                                                    \
    default: BITS(!(lt)) break;                                                                    \
    }

#define COMPARE(ctype)                                                                             \
    static void compare_##ctype(uint8_t *restrict to, size_t rows, const ctype *restrict a,        \
                                size_t sa, const ctype *restrict b, size_t sb, int op)             \
    {                                                                                              \
        if (sa && sb) {                                                                            \
            BY_OP(op, a[i] == b[i], a[i]<b[i], a[i]> b[i])                                         \
        } else if (sa) {                                                                           \
            const ctype y = b[0];                                                                  \
            BY_OP(op, a[i] == y, a[i]<y, a[i]> y)                                                  \
        } else {                                                                                   \
            const ctype x = a[0];                                                                  \
            BY_OP(op, x == b[i * sb], x<b[i * sb], x> b[i * sb])                                   \
        }                                                                                          \
    }

COMPARE(int64_t)
COMPARE(int32_t)

static void compare_double(uint8_t *to, size_t rows, const double *a, size_t sa, const double *b,
                           size_t sb, int op)
{
#define X (a[i * sa])
#define Y (b[i * sb])
    BY_OP(op, ((X == Y) | ((X != X) & (Y != Y))), ((X < Y) | ((Y != Y) & (X == X))),
          ((X > Y) | ((X != X) & (Y == Y))))
#undef X
#undef Y
}

static int holds(int order, int op)
{
    switch (op) {
    case SL_EQ: return order == 0;
    case SL_NE: return order != 0;
    case SL_LT: return order < 0;
    case SL_LE: return order <= 0;
    case SL_GT: return order > 0;
    default: return order >= 0;
    }
}

static void compare_any(struct sl_call *c, uint8_t *to, int op)
{
    const struct sl_column *a = c->args[0], *b = c->args[1];
    size_t rows = c->rows, sa = sl_arg_step(c, 0), sb = sl_arg_step(c, 1);
    if (sl_type_is_bytes(a->type)) { /* equality looks at lengths first */
        if (op == SL_EQ || op == SL_NE) {
            int want = op == SL_EQ;
            for (size_t i = 0; i < rows; i++) {
                size_t n, m;
                if (!sl_call_valid(c, i))
                    continue;
                const char *s = sl_column_bytes(a, i, &n), *t = sl_column_bytes(b, i, &m);
                if ((n == m && memcmp(s, t, n) == 0) == want)
                    sl_bit_set(to, i);
            }
            return;
        }
        for (size_t i = 0; i < rows; i++)
            if (sl_call_valid(c, i) && holds(sl_column_bytes_order(a, i, b, i), op))
                sl_bit_set(to, i);
        return;
    }
    BITS(holds(sl_value_order(a, i * sa, b, i * sb), op))
}

int sl_kernel_compare(struct sl_call *c)
{
    assert(sl_call_has(c, 2));
    const struct sl_column *a = c->args[0], *b = c->args[1];
    size_t sa = sl_arg_step(c, 0), sb = sl_arg_step(c, 1);
    int op = (int)c->node->param[0];
    uint8_t *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    if (sl_type_is_stamp(a->type) || (sl_numeric_is64(a->type) && sl_numeric_is64(b->type) &&
                                      sl_type_scale(a->type) == sl_type_scale(b->type)))
        compare_int64_t(to, c->rows, a->data, sa, b->data, sb, op);
    else if (a->type.kind == SL_DATE)
        compare_int32_t(to, c->rows, a->data, sa, b->data, sb, op);
    else if (a->type.kind == SL_DOUBLE)
        compare_double(to, c->rows, a->data, sa, b->data, sb, op);
    else
        compare_any(c, to, op);
    return 0;
}

/* param[0]: 1 = IS NOT DISTINCT FROM */
SL_BITS(sl_kernel_distinct)
{
    const struct sl_column *a = c->args[0], *b = c->args[1];
    int an = sl_column_null(a, i), bn = sl_column_null(b, i), same = an && bn;
    if (!an && !bn && sl_type_is_bytes(a->type))
        same = sl_column_bytes_order(a, i, b, i) == 0;
    else if (!an && !bn)
        same = sl_value_order(a, i * sl_arg_step(c, 0), b, i * sl_arg_step(c, 1)) == 0;
    return same == (c->node->param[0] != 0);
}

/* param[0]: 1 greatest, -1 least. Nulls are passed over; arguments are of one type. */
int sl_kernel_greatest(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    size_t rows = c->rows;
    int nargs = c->node->nargs, sign = (int)c->node->param[0], rc = -SL_ENOMEM;
    struct sl_column *all = NULL, *best = NULL;
    uint32_t *at = sl_malloc(rows * sizeof(*at));
    if (!at)
        return sl_err_nomem(c->err, "evaluating an expression");
    if ((uint64_t)rows * (uint64_t)nargs > UINT32_MAX) {
        rc = sl_err_set(c->err, SL_EOVERFLOW, "too many values for one batch");
        goto out;
    }
    all = sl_column_concat(c->args, (size_t)nargs, c->ev->account, c->err);
    if (!all)
        goto out;
    struct sl_column *plain = sl_column_plain(all, c->ev->account, c->err);
    sl_column_unref(all);
    all = plain;
    if (!all)
        goto out;
    for (size_t i = 0; i < rows; i++) {
        size_t pick = i;
        for (int k = 1; k < nargs; k++) {
            size_t j = (size_t)k * rows + i;
            if (sl_column_null(all, j))
                continue;
            if (sl_column_null(all, pick) || sl_value_order(all, j, all, pick) * sign > 0)
                pick = j;
        }
        at[i] = (uint32_t)pick;
    }
    best = sl_column_take(all, at, rows, c->ev->account, c->err);
    if (!best)
        goto out;
    c->out->form = best->form;
    c->out->valid = best->valid;
    c->out->data = best->data;
    c->out->offsets = best->offsets;
    for (int i = 0; i < SL_COLUMN_OWNERS; i++)
        c->out->owner[i] = best->owner[i] ? sl_buffer_ref(best->owner[i]) : NULL;
    rc = 0;
out:
    free(at);
    sl_column_unref(all);
    sl_column_unref(best);
    return rc;
}

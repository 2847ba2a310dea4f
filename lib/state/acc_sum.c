/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * acc_sum: sum and avg of bigint and numeric, exact.
 *
 * A sum is kept in 192 bits (two's complement, low word first), so that no order of rows overflows
 * on the way to a result that fits; whether it fits is asked once, of the result.
 */
#include "base/num.h"
#include "state/acc.h"

struct cell { /* 32 bytes: half a cache line */
    uint64_t word[3];
    int64_t n; /* values that are not null */
};

/* word += hi:mid:lo */
static inline void add192(struct cell *c, uint64_t lo, uint64_t mid, uint64_t hi)
{
    uint64_t carry = __builtin_add_overflow(c->word[0], lo, &c->word[0]);
    uint64_t carry2 = __builtin_add_overflow(c->word[1], mid, &c->word[1]);
    carry2 |= __builtin_add_overflow(c->word[1], carry, &c->word[1]);
    c->word[2] += hi + carry2;
}

static inline void add64(struct cell *c, int64_t v)
{
    uint64_t sign = v < 0 ? UINT64_MAX : 0;
    add192(c, (uint64_t)v, sign, sign);
    c->n++;
}

static inline void add128(struct cell *c, sl_int128 v)
{
    add192(c, (uint64_t)v, (uint64_t)(v >> 64), (uint64_t)(int64_t)(v >> 127));
    c->n++;
}

/* No groups: partial sums in 128 bits, which 2^32 values of 64 bits cannot overflow. */
static void add_all64(struct cell *c, const int64_t *v, size_t n)
{
    while (n) {
        size_t m = SL_MIN(n, (size_t)1 << 32);
        sl_int128 s = 0;
        for (size_t i = 0; i < m; i++)
            s += v[i];
        add128(c, s);
        c->n += (int64_t)m - 1;
        v += m;
        n -= m;
    }
}

static void add_plain64(struct cell *c, const struct sl_acc_rows *r, const struct sl_column *arg)
{
    const int64_t *v = arg->data;
    const uint32_t *g = r->group;
    if (!arg->valid && !g)
        add_all64(c, v, r->n);
    else if (!arg->valid)
        for (size_t i = 0; i < r->n; i++)
            add64(&c[g[i]], v[i]);
    else
        for (size_t i = 0; i < r->n; i++)
            if (sl_bit(arg->valid, i))
                add64(&c[sl_acc_group(r, i)], v[i]);
}

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err SL_UNUSED)
{
    struct cell *c = a->cells.data;
    int narrow = sl_cell_class(a->arg) == SL_CELL_8;

    if (narrow && arg->form == SL_PLAIN) {
        add_plain64(c, r, arg);
        return 0;
    }
    for (size_t i = 0; i < r->n; i++) {
        if (sl_column_null(arg, i))
            continue;
        if (narrow)
            add64(&c[sl_acc_group(r, i)], sl_column_get8(arg, i));
        else
            add128(&c[sl_acc_group(r, i)], sl_column_get16(arg, i));
    }
    return 0;
}

/* The sum in 128 bits; 0 if it does not fit. */
static int fits(const struct cell *c, sl_int128 *v)
{
    sl_uint128 u = (sl_uint128)c->word[1] << 64 | c->word[0];
    *v = (sl_int128)u;
    return c->word[2] == (uint64_t)(int64_t)(*v >> 127);
}

/* sum / n, with the scale of the result's type. */
static int average(const struct sl_agg_call *call, const struct cell *c, int scale,
                   struct sl_builder *b, struct sl_err *err)
{
    sl_int128 v;
    if (b->type.kind == SL_DOUBLE) {
        double low = (double)((sl_uint128)c->word[1] << 64 | c->word[0]);
        double sum = fits(c, &v) ? (double)v : (double)(int64_t)c->word[2] * 0x1p128 + low;
        sl_builder_double(b, sum / ((double)c->n * (double)sl_num_pow10(scale)));
        return 0;
    }
    if (!fits(c, &v))
        return sl_err_set(err, SL_EOVERFLOW, "%s: the sum has more than 38 digits", call->text);
    int more = b->type.scale - scale;
    sl_int128 q = v / c->n, rest = v % c->n;
    for (int d = 0; d < more; d++, scale++) {
        sl_int128 digit = rest * 10 / c->n;
        rest = rest * 10 % c->n;
        if (__builtin_mul_overflow(q, (sl_int128)10, &q) || __builtin_add_overflow(q, digit, &q))
            return sl_err_set(err, SL_EOVERFLOW, "%s: the result does not fit", call->text);
    }
    if (more >= 0 && (rest < 0 ? -rest : rest) * 2 >= c->n)
        q += rest < 0 ? -1 : 1;
    return sl_acc_build_decimal(b, q, scale, call->text, err);
}

static int result(struct sl_acc *a, const struct sl_agg_call *call, uint32_t group,
                  struct sl_builder *b, struct sl_err *err)
{
    const struct cell *c = (const struct cell *)a->cells.data + group;
    int scale = a->arg.kind == SL_NUMERIC ? a->arg.scale : 0;
    sl_int128 v;

    if (!c->n) {
        sl_builder_null(b);
        return 0;
    }
    if (call->kind == SL_AGG_AVG)
        return average(call, c, scale, b, err);
    if (!fits(c, &v))
        return sl_err_set(err, SL_EOVERFLOW, "%s: the sum has more than 38 digits", call->text);
    return sl_acc_build_decimal(b, v, scale, call->text, err);
}

static void add_cell(void *cell, const void *more)
{
    const struct cell *m = more;
    add192(cell, m->word[0], m->word[1], m->word[2]);
    ((struct cell *)cell)->n += m->n;
}

const struct sl_acc_class sl_acc_sum = {
    .size = sizeof(struct sl_acc),
    .cell = sizeof(struct cell),
    .add_cell = add_cell,
    .add = add,
    .result = result,
};

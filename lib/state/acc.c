/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* acc: picks the accumulator for a call, and what several of them share. */
#include <math.h>
#include "base/num.h"
#include "state/acc.h"

int sl_acc_ranked(const struct sl_agg_call *call)
{
    assert(call);
    switch (call->kind) {
    case SL_AGG_FIRST:
    case SL_AGG_LAST:
    case SL_AGG_MIN_BY:
    case SL_AGG_MAX_BY:
    case SL_AGG_ARRAY:
    case SL_AGG_STRING:
    case SL_AGG_INCREASE:
    case SL_AGG_RATE: return 1;
    default: return 0;
    }
}

/* Calls of one family read the same state. */
static int family(const struct sl_agg_call *call)
{
    switch (call->kind) {
    case SL_AGG_AVG: return SL_AGG_SUM;
    case SL_AGG_PERCENTILE: return SL_AGG_QUANTILE;
    case SL_AGG_STDDEV_POP:
    case SL_AGG_VAR_SAMP:
    case SL_AGG_VAR_POP: return SL_AGG_STDDEV_SAMP;
    case SL_AGG_COVAR_POP:
    case SL_AGG_COVAR_SAMP:
    case SL_AGG_REGR_SLOPE:
    case SL_AGG_REGR_INTERCEPT:
    case SL_AGG_REGR_R2: return SL_AGG_CORR;
    case SL_AGG_STRING:
    case SL_AGG_INCREASE:
    case SL_AGG_RATE: return SL_AGG_ARRAY;
    case SL_AGG_BOOL_OR: return SL_AGG_BOOL_AND;
    case SL_AGG_BIT_OR:
    case SL_AGG_BIT_XOR: return SL_AGG_BIT_AND;
    default: return call->kind;
    }
}

int sl_acc_shares(const struct sl_agg_call *a, const struct sl_agg_call *b)
{
    assert(a && b);
    if (family(a) == SL_AGG_ARRAY || family(b) == SL_AGG_ARRAY)
        return family(a) == family(b);
    return a->distinct == b->distinct && (a->distinct || family(a) == family(b));
}

static const struct sl_acc_class *class_for(const struct sl_agg_call *call, struct sl_type arg)
{
    if (call->distinct && family(call) != SL_AGG_ARRAY)
        return &sl_acc_distinct;
    switch (family(call)) {
    case SL_AGG_COUNT_STAR:
    case SL_AGG_COUNT: return &sl_acc_count;
    case SL_AGG_SUM:
        return arg.kind == SL_DOUBLE     ? &sl_acc_double
               : arg.kind == SL_INTERVAL ? &sl_acc_interval
                                         : &sl_acc_sum;
    case SL_AGG_MIN:
    case SL_AGG_MAX: return &sl_acc_extreme;
    case SL_AGG_FIRST:
    case SL_AGG_LAST:
    case SL_AGG_MIN_BY:
    case SL_AGG_MAX_BY: return &sl_acc_rank;
    case SL_AGG_APPROX_PERCENTILE:
    case SL_AGG_MODE: return &sl_acc_distinct;
    case SL_AGG_APPROX_COUNT: return &sl_acc_hll;
    case SL_AGG_ARRAY: return &sl_acc_list;
    case SL_AGG_QUANTILE:
        return sl_cell_class(arg) == SL_CELL_BYTES || arg.kind == SL_INTERVAL ? &sl_acc_distinct
                                                                              : &sl_acc_quantile;
    case SL_AGG_STDDEV_SAMP:
    case SL_AGG_CORR: return &sl_acc_moment;
    case SL_AGG_BOOL_AND:
    case SL_AGG_BIT_AND: return &sl_acc_bits;
    default: assert(!"a call of a kind that there is"); return NULL;
    }
}

/* 1 if the call makes sense for values of type t. */
static int computes(const struct sl_agg_call *call, struct sl_type t)
{
    int number = t.kind == SL_BIGINT || t.kind == SL_DOUBLE || t.kind == SL_NUMERIC;
    if (call->second && sl_cell_class(sl_expr_type(call->second)) == SL_CELL_NONE)
        return 0;
    switch (call->kind) {
    case SL_AGG_COUNT_STAR: return 1;
    case SL_AGG_COUNT: return !call->distinct || sl_cell_class(t) != SL_CELL_NONE;
    case SL_AGG_SUM:
    case SL_AGG_AVG: return number || t.kind == SL_INTERVAL;
    case SL_AGG_PERCENTILE: return number;
    default: return sl_cell_class(t) != SL_CELL_NONE;
    }
}

int sl_acc_new(const struct sl_agg_call *call, struct sl_account *account, struct sl_acc **out,
               struct sl_err *err)
{
    assert(call && out);
    struct sl_type arg = {0};
    char name[SL_TYPE_NAME];

    *out = NULL;
    if (call->arg)
        arg = sl_expr_type(call->arg);
    if (!computes(call, arg))
        return sl_err_set(err, SL_EUSAGE, "%s: not defined for %s", call->text,
                          sl_type_name(arg, name));
    const struct sl_acc_class *class = class_for(call, arg);
    struct sl_acc *a = sl_calloc(1, class->size);
    if (!a)
        return sl_err_nomem(err, "an aggregate");
    *a = (struct sl_acc){.class = class, .call = call, .arg = arg, .account = account};
    sl_vec_init(&a->cells, account);
    int rc = class->init ? class->init(a, err) : 0;
    if (rc < 0)
        sl_acc_free(a);
    else
        *out = a;
    return rc;
}

void sl_acc_free(struct sl_acc *a)
{
    if (!a)
        return;
    if (a->class->release)
        a->class->release(a);
    sl_vec_release(&a->cells);
    free(a);
}

static void *cell(const struct sl_acc *a, size_t group)
{
    return (char *)a->cells.data + group * a->class->cell;
}

int sl_acc_reserve(struct sl_acc *a, size_t n, struct sl_err *err)
{
    int rc = sl_vec_reserve(&a->cells, n * a->class->cell, err);
    return rc == 0 && a->class->reserve ? a->class->reserve(a, n, err) : rc;
}

int sl_acc_combine(struct sl_acc *to, struct sl_acc *from, const uint32_t *map, size_t n,
                   struct sl_err *err)
{
    const struct sl_acc_class *class = to->class;
    int rc = 0;
    assert(class == from->class);
    if (class->combine)
        return class->combine(to, from, map, n, err);
    for (size_t g = 0; rc == 0 && g < n; g++) {
        if (map[g] == SL_GROUP_NONE)
            continue;
        if (class->add_cell)
            class->add_cell(cell(to, map[g]), cell(from, g));
        if (class->join)
            rc = class->join(to, map[g], from, (uint32_t)g, err);
    }
    return rc;
}

void sl_acc_pack(struct sl_acc *a, uint32_t group, uint64_t *cursor, struct sl_buf *out)
{
    const struct sl_acc_class *class = a->class;
    if (class->pack_piece) {
        class->pack_piece(a, group, cursor, out);
        return;
    }
    if (class->add_cell)
        sl_buf_add(out, cell(a, group), class->cell);
    if (class->pack)
        class->pack(a, group, out);
    *cursor = 0;
}

int sl_acc_absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err)
{
    const struct sl_acc_class *class = a->class;
    _Alignas(16) int64_t more[6];
    if (class->add_cell) {
        assert(class->cell <= sizeof(more));
        if (n < class->cell || (n > class->cell && !class->absorb))
            return sl_acc_damaged(err);
        memcpy(more, s, class->cell);
        class->add_cell(cell(a, group), more);
        s += class->cell;
        n -= class->cell;
    }
    return class->absorb ? class->absorb(a, group, s, n, err) : 0;
}

void sl_acc_reset(struct sl_acc *a, uint32_t group)
{
    if (a->class->reset)
        a->class->reset(a, group);
    if (a->class->cell)
        memset(cell(a, group), 0, a->class->cell);
}

int64_t sl_acc_nearest_rank(const struct sl_agg_call *call, int64_t n)
{
    assert(n > 0);
    int64_t rank = SL_MAX((int64_t)ceil(call->quantile * (double)n), 1);
    rank = SL_MIN(rank, n) - 1;
    return call->descending ? n - 1 - rank : rank;
}

void sl_acc_add_count(void *cell, const void *more)
{
    *(int64_t *)cell += *(const int64_t *)more;
}

static int too_big(const struct sl_builder *b, const char *what, struct sl_err *err)
{
    char type[SL_TYPE_NAME];
    return sl_err_set(err, SL_EOVERFLOW, "%s: the result does not fit %s", what,
                      sl_type_name(b->type, type));
}

int sl_acc_build_decimal(struct sl_builder *b, sl_int128 value, int scale, const char *what,
                         struct sl_err *err)
{
    assert(scale >= 0 && scale <= 38);
    struct sl_type t = b->type;
    int to = t.kind == SL_NUMERIC ? t.scale : 0;

    if (t.kind == SL_DOUBLE) {
        sl_builder_double(b, (double)value / (double)sl_num_pow10(scale));
        return 0;
    }
    for (; scale < to; scale++)
        if (__builtin_mul_overflow(value, (sl_int128)10, &value))
            return too_big(b, what, err);
    if (scale > to) {
        sl_int128 unit = sl_num_pow10(scale - to), rest = value % unit;
        value /= unit;
        if ((rest < 0 ? -rest : rest) >= unit - unit / 2)
            value += rest < 0 ? -1 : 1;
    }
    if (t.kind == SL_BIGINT) {
        if (value != (int64_t)value)
            return too_big(b, what, err);
        sl_builder_int(b, (int64_t)value);
        return 0;
    }
    sl_int128 limit = sl_num_pow10(t.precision);
    if (value >= limit || value <= -limit)
        return too_big(b, what, err);
    sl_builder_int128(b, value);
    return 0;
}

int sl_acc_unpack(struct sl_cells *c, const char *s, size_t n, struct sl_err *err)
{
    const char *end = s + n;
    int rc = sl_cells_unpack(c, 0, &s, end, err);
    return rc == 0 && s != end ? sl_acc_damaged(err) : rc;
}

int sl_acc_damaged(struct sl_err *err)
{
    return sl_err_set(err, SL_ECORRUPT, "the saved state of an aggregate is damaged");
}

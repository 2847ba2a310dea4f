/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * acc_rank: first, last, min_by and max_by, null values included.
 *
 * min_by and max_by go by their second argument, and first takes the first of the rows where that is
 * least or greatest; a row where it is null does not count.
 *
 * Rows are ranked by their event time, if there is a time column, and then as rank.h says, so that the
 * interleaving of partitions does not show. A row without a time ranks before all others.
 */
#include "state/acc.h"

struct rank { /* the cell of a group */
    int64_t time;
    struct sl_rank rank;
    int64_t set;
};

struct ranked {
    struct sl_acc acc;
    struct sl_cells value;
    struct sl_cells other;        /* one cell: what absorb reads */
    struct sl_cells by, other_by; /* of the second argument */
    int last;
    int sign; /* 1: the least of the second argument, -1: the greatest, 0: there is none */
};

static int init(struct sl_acc *a, struct sl_err *err SL_UNUSED)
{
    struct ranked *x = (struct ranked *)a;
    x->last = a->call->kind == SL_AGG_LAST;
    x->sign = a->call->kind == SL_AGG_MIN_BY ? 1 : a->call->kind == SL_AGG_MAX_BY ? -1 : 0;
    struct sl_type by = x->sign ? sl_expr_type(a->call->second) : a->arg;
    sl_cells_init(&x->by, by, a->account);
    sl_cells_init(&x->other_by, by, a->account);
    sl_cells_init(&x->value, a->arg, a->account);
    sl_cells_init(&x->other, a->arg, a->account);
    return 0;
}

static int reserve(struct sl_acc *a, size_t n, struct sl_err *err)
{
    struct ranked *x = (struct ranked *)a;
    int rc = sl_cells_reserve(&x->value, n, err);
    if (rc == 0)
        rc = sl_cells_reserve(&x->other, 1, err);
    if (rc == 0 && x->sign)
        rc = sl_cells_reserve(&x->by, n, err);
    return rc == 0 && x->sign ? sl_cells_reserve(&x->other_by, 1, err) : rc;
}

static inline int before(const struct rank *a, const struct rank *b)
{
    if (a->time != b->time)
        return a->time < b->time;
    return sl_rank_compare(&a->rank, &b->rank) < 0;
}

/* 1 if a row of rank r takes the place of what is there. */
static inline int wins(const struct ranked *x, const struct rank *r, const struct rank *there)
{
    if (!there->set)
        return 1;
    return x->last ? before(there, r) : before(r, there);
}

/* Rows of min_by and max_by. */
static int add_by(struct ranked *x, const struct sl_acc_rows *r, struct sl_column *arg,
                  struct sl_err *err)
{
    struct rank *ranks = x->acc.cells.data;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->n; i++) {
        uint32_t g = sl_acc_group(r, i);
        struct rank now = {.time = r->time ? r->time[i] : 0, .rank = r->rank[i], .set = 1};
        if (sl_column_null(r->second, i))
            continue;
        int order = ranks[g].set ? sl_cells_compare_row(&x->by, g, r->second, i) * x->sign : 1;
        if (order < 0 || (order == 0 && !wins(x, &now, &ranks[g])))
            continue;
        rc = sl_cells_put_row(&x->value, g, arg, i, err);
        if (rc == 0)
            rc = sl_cells_put_row(&x->by, g, r->second, i, err);
        ranks[g] = now;
    }
    return rc;
}

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err)
{
    struct ranked *x = (struct ranked *)a;
    struct rank *ranks = a->cells.data;
    if (x->sign)
        return add_by(x, r, arg, err);

    for (size_t i = 0; i < r->n; i++) {
        uint32_t g = sl_acc_group(r, i);
        struct rank now = {.time = r->time ? r->time[i] : 0, .rank = r->rank[i], .set = 1};
        if (!wins(x, &now, &ranks[g]))
            continue;
        int rc = sl_cells_put_row(&x->value, g, arg, i, err);
        if (rc < 0)
            return rc;
        ranks[g] = now;
    }
    return 0;
}

static int result(struct sl_acc *a, const struct sl_agg_call *call SL_UNUSED, uint32_t group,
                  struct sl_builder *b, struct sl_err *err SL_UNUSED)
{
    sl_cells_build(&((struct ranked *)a)->value, group, b);
    return 0;
}

/* The row of rank r, whose values are cell k of two tables, joins a group. */
static int put(struct ranked *x, uint32_t group, const struct rank *r, const struct sl_cells *value,
               const struct sl_cells *by, size_t k, struct sl_err *err)
{
    struct rank *there = (struct rank *)x->acc.cells.data + group;
    if (!r->set)
        return 0;
    int order = x->sign && there->set ? sl_cells_compare(&x->by, group, by, k) * x->sign : 0;
    if (order < 0 || (order == 0 && !wins(x, r, there)))
        return 0;
    int rc = sl_cells_copy(&x->value, group, value, k, err);
    if (rc == 0 && x->sign)
        rc = sl_cells_copy(&x->by, group, by, k, err);
    if (rc == 0)
        *there = *r;
    return rc;
}

static int join(struct sl_acc *to, uint32_t group, struct sl_acc *from, uint32_t k,
                struct sl_err *err)
{
    struct ranked *x = (struct ranked *)from;
    const struct rank *r = (const struct rank *)from->cells.data + k;
    return put((struct ranked *)to, group, r, &x->value, &x->by, k, err);
}

static void pack(struct sl_acc *a, uint32_t group, struct sl_buf *out)
{
    struct ranked *x = (struct ranked *)a;
    sl_buf_add(out, (const struct rank *)a->cells.data + group, sizeof(struct rank));
    sl_cells_pack(&x->value, group, out);
    if (x->sign)
        sl_cells_pack(&x->by, group, out);
}

static int absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err)
{
    struct ranked *x = (struct ranked *)a;
    const char *end = s + n;
    struct rank r;

    if (n < sizeof(r))
        return sl_acc_damaged(err);
    memcpy(&r, s, sizeof(r));
    s += sizeof(r);
    int rc = sl_cells_unpack(&x->other, 0, &s, end, err);
    if (rc == 0 && x->sign)
        rc = sl_cells_unpack(&x->other_by, 0, &s, end, err);
    if (rc == 0 &&
        (s != end || (x->sign && r.set && sl_cells_state(&x->other_by, 0) != SL_CELL_VALUE)))
        rc = sl_acc_damaged(err);
    return rc < 0 ? rc : put(x, group, &r, &x->other, &x->other_by, 0, err);
}

static void reset(struct sl_acc *a, uint32_t group)
{
    struct ranked *x = (struct ranked *)a;
    sl_cells_clear(&x->value, group);
    if (x->sign)
        sl_cells_clear(&x->by, group);
}

static void release(struct sl_acc *a)
{
    struct ranked *x = (struct ranked *)a;
    sl_cells_release(&x->value);
    sl_cells_release(&x->other);
    sl_cells_release(&x->by);
    sl_cells_release(&x->other_by);
}

const struct sl_acc_class sl_acc_rank = {
    .size = sizeof(struct ranked),
    .cell = sizeof(struct rank),
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

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * acc_rank: first and last, null values included.
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
    struct sl_cells other; /* one cell: what absorb reads */
    int last;
};

static int init(struct sl_acc *a, struct sl_err *err SL_UNUSED)
{
    struct ranked *x = (struct ranked *)a;
    x->last = a->call->kind == SL_AGG_LAST;
    sl_cells_init(&x->value, a->arg, a->account);
    sl_cells_init(&x->other, a->arg, a->account);
    return 0;
}

static int reserve(struct sl_acc *a, size_t n, struct sl_err *err)
{
    struct ranked *x = (struct ranked *)a;
    int rc = sl_cells_reserve(&x->value, n, err);
    return rc < 0 ? rc : sl_cells_reserve(&x->other, 1, err);
}

static int before(const struct rank *a, const struct rank *b)
{
    if (a->time != b->time)
        return a->time < b->time;
    return sl_rank_compare(&a->rank, &b->rank) < 0;
}

/* 1 if a row of rank r takes the place of what is there. */
static int wins(const struct ranked *x, const struct rank *r, const struct rank *there)
{
    if (!there->set)
        return 1;
    return x->last ? before(there, r) : before(r, there);
}

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err)
{
    struct ranked *x = (struct ranked *)a;
    struct rank *ranks = a->cells.data;

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

/* The row of rank r, whose value is cell k, joins a group. */
static int put(struct ranked *x, uint32_t group, const struct rank *r, const struct sl_cells *c,
               size_t k, struct sl_err *err)
{
    struct rank *there = (struct rank *)x->acc.cells.data + group;
    if (!r->set || !wins(x, r, there))
        return 0;
    int rc = sl_cells_copy(&x->value, group, c, k, err);
    if (rc == 0)
        *there = *r;
    return rc;
}

static int join(struct sl_acc *to, uint32_t group, struct sl_acc *from, uint32_t k,
                struct sl_err *err)
{
    const struct rank *r = (const struct rank *)from->cells.data + k;
    return put((struct ranked *)to, group, r, &((struct ranked *)from)->value, k, err);
}

static void pack(struct sl_acc *a, uint32_t group, struct sl_buf *out)
{
    sl_buf_add(out, (const struct rank *)a->cells.data + group, sizeof(struct rank));
    sl_cells_pack(&((struct ranked *)a)->value, group, out);
}

static int absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err)
{
    struct ranked *x = (struct ranked *)a;
    struct rank r;

    if (n < sizeof(r))
        return sl_acc_damaged(err);
    memcpy(&r, s, sizeof(r));
    int rc = sl_acc_unpack(&x->other, s + sizeof(r), n - sizeof(r), err);
    return rc < 0 ? rc : put(x, group, &r, &x->other, 0, err);
}

static void reset(struct sl_acc *a, uint32_t group)
{
    sl_cells_clear(&((struct ranked *)a)->value, group);
}

static void release(struct sl_acc *a)
{
    struct ranked *x = (struct ranked *)a;
    sl_cells_release(&x->value);
    sl_cells_release(&x->other);
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

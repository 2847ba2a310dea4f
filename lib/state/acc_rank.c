/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * acc_rank: first and last, null values included.
 *
 * Rows are ranked by their event time, if there is a time column, and then as rank.h says, so that the
 * interleaving of partitions does not show. A row without a time ranks before all others.
 */
#include "state/acc.h"

struct rank {
    int64_t time;
    struct sl_rank rank;
    int64_t set;
};

struct ranked {
    struct sl_acc acc;
    struct sl_cells value;
    struct sl_cells other; /* one cell: what absorb reads */
    struct sl_vec ranks;   /* struct rank */
    int last;
};

static int init(struct sl_acc *a, struct sl_err *err SL_UNUSED)
{
    struct ranked *x = (struct ranked *)a;
    x->last = a->call->kind == SL_AGG_LAST;
    sl_cells_init(&x->value, a->arg, a->account);
    sl_cells_init(&x->other, a->arg, a->account);
    sl_vec_init(&x->ranks, a->account);
    return 0;
}

static int reserve(struct sl_acc *a, size_t n, struct sl_err *err)
{
    struct ranked *x = (struct ranked *)a;
    int rc = sl_cells_reserve(&x->value, n, err);
    if (rc == 0)
        rc = sl_cells_reserve(&x->other, 1, err);
    return rc < 0 ? rc : sl_vec_reserve(&x->ranks, n * sizeof(struct rank), err);
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
    struct rank *ranks = x->ranks.data;

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
static int join(struct ranked *x, uint32_t group, const struct rank *r, const struct sl_cells *c,
                size_t k, struct sl_err *err)
{
    struct rank *there = (struct rank *)x->ranks.data + group;
    if (!r->set || !wins(x, r, there))
        return 0;
    int rc = sl_cells_copy(&x->value, group, c, k, err);
    if (rc == 0)
        *there = *r;
    return rc;
}

static int combine(struct sl_acc *to, struct sl_acc *from, const uint32_t *map, size_t n,
                   struct sl_err *err)
{
    const struct ranked *x = (const struct ranked *)from;
    const struct rank *ranks = x->ranks.data;
    int rc = 0;
    for (size_t g = 0; rc == 0 && g < n; g++)
        if (map[g] != SL_GROUP_NONE)
            rc = join((struct ranked *)to, map[g], &ranks[g], &x->value, g, err);
    return rc;
}

static void pack(struct sl_acc *a, uint32_t group, uint64_t *cursor, struct sl_buf *out)
{
    struct ranked *x = (struct ranked *)a;
    sl_buf_add(out, (const struct rank *)x->ranks.data + group, sizeof(struct rank));
    sl_cells_pack(&x->value, group, out);
    *cursor = 0;
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
    if (rc < 0)
        return rc;
    if (s != end)
        return sl_acc_damaged(err);
    return join(x, group, &r, &x->other, 0, err);
}

static void reset(struct sl_acc *a, uint32_t group)
{
    struct ranked *x = (struct ranked *)a;
    sl_cells_clear(&x->value, group);
    memset((struct rank *)x->ranks.data + group, 0, sizeof(struct rank));
}

static void release(struct sl_acc *a)
{
    struct ranked *x = (struct ranked *)a;
    sl_cells_release(&x->value);
    sl_cells_release(&x->other);
    sl_vec_release(&x->ranks);
}

const struct sl_acc_class sl_acc_rank = {
    .size = sizeof(struct ranked),
    .init = init,
    .reserve = reserve,
    .add = add,
    .result = result,
    .combine = combine,
    .pack = pack,
    .absorb = absorb,
    .reset = reset,
    .release = release,
};

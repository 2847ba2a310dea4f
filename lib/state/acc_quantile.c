/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * acc_quantile: exact quantiles, by nearest rank or interpolated.
 *
 * Every value is kept, in its 16 bytes at most, in blocks of a pool: each group has a chain of
 * blocks. A group's values are sorted when its first quantile is asked, and stay so until more come.
 * Nearest rank: the ceil(q n)-th smallest value (the smallest for q = 0). Interpolated, as
 * percentile_cont: between the values around position q (n - 1).
 */
#include <math.h>
#include "base/num.h"
#include "state/acc.h"

/* A cache line: 7 values of 8 bytes or 3 of 16. */
struct block {
    union {
        struct {
            uint32_t next; /* block + 1 */
            uint32_t n;
            int64_t v8[7];
        };
        struct {
            int64_t head[2];
            sl_int128 v16[3];
        };
    };
};
_Static_assert(sizeof(struct block) == 64, "a block is a cache line");

struct chain {     /* the cell of a group */
    uint32_t head; /* newest block + 1 */
    uint64_t n;
};

struct quantile {
    struct sl_acc acc;
    struct sl_vec blocks;
    uint32_t nblocks, spare; /* spare: first free block + 1 */
    struct sl_vec sorted;    /* values of group `sorted_group` in order */
    int64_t sorted_group;    /* -1: none */
    int wide;
};

static int init(struct sl_acc *a, struct sl_err *err SL_UNUSED)
{
    struct quantile *q = (struct quantile *)a;
    q->wide = sl_cell_class(a->arg) == SL_CELL_16;
    q->sorted_group = -1;
    sl_vec_init(&q->blocks, a->account);
    sl_vec_init(&q->sorted, a->account);
    return 0;
}

/* Blocks are numbered from 1; 0 is none. */
static inline struct block *block_at(const struct quantile *q, uint32_t b)
{
    return (struct block *)q->blocks.data + (b - 1);
}

/* A block that no chain has; 0 without memory. */
static uint32_t take_block(struct quantile *q, struct sl_err *err)
{
    uint32_t b = q->spare;
    if (b) {
        q->spare = block_at(q, b)->next;
        return b;
    }
    if (q->nblocks == UINT32_MAX) {
        sl_err_nomem(err, "exact quantiles");
        return 0;
    }
    int rc = sl_vec_reserve(&q->blocks, ((size_t)q->nblocks + 1) * sizeof(struct block), err);
    return rc < 0 ? 0 : ++q->nblocks;
}

/* A new head for a chain. */
static int grow(struct quantile *q, struct chain *c, struct sl_err *err)
{
    uint32_t b = take_block(q, err);
    if (!b)
        return -SL_ENOMEM;
    block_at(q, b)->next = c->head;
    block_at(q, b)->n = 0;
    c->head = b;
    return 0;
}

static inline int put(struct quantile *q, uint32_t group, int64_t v8, sl_int128 v16,
                      struct sl_err *err)
{
    struct chain *c = (struct chain *)q->acc.cells.data + group;
    uint32_t room = q->wide ? 3 : 7;
    if (!c->head || block_at(q, c->head)->n == room) {
        int rc = grow(q, c, err);
        if (rc < 0)
            return rc;
    }
    struct block *b = block_at(q, c->head);
    if (q->wide)
        b->v16[b->n++] = v16;
    else
        b->v8[b->n++] = v8;
    c->n++;
    return 0;
}

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err)
{
    struct quantile *q = (struct quantile *)a;
    int rc = 0;
    q->sorted_group = -1;
    for (size_t i = 0; rc == 0 && i < r->n; i++) {
        if (sl_column_null(arg, i))
            continue;
        if (q->wide)
            rc = put(q, sl_acc_group(r, i), 0, sl_column_get16(arg, i), err);
        else
            rc = put(q, sl_acc_group(r, i), sl_column_get8(arg, i), 0, err);
    }
    return rc;
}

/* ---- results ---- */

static int compare_int(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    int64_t u = sl_double_order(x), v = sl_double_order(y);
    return (u > v) - (u < v);
}

static int compare_wide(const void *a, const void *b)
{
    sl_int128 x = *(const sl_int128 *)a, y = *(const sl_int128 *)b;
    return (x > y) - (x < y);
}

/* The group's values in order, in q->sorted. */
static int sort_group(struct quantile *q, uint32_t group, struct sl_err *err)
{
    const struct chain *c = (const struct chain *)q->acc.cells.data + group;
    size_t width = q->wide ? 16 : 8, n = 0;
    if (q->sorted_group == (int64_t)group)
        return 0;
    int rc = sl_vec_reserve(&q->sorted, c->n * width, err);
    if (rc < 0)
        return rc;
    for (uint32_t at = c->head; at;) {
        const struct block *b = block_at(q, at);
        const void *v = q->wide ? (const void *)b->v16 : (const void *)b->v8;
        memcpy((char *)q->sorted.data + n * width, v, b->n * width);
        n += b->n;
        at = b->next;
    }
    assert(n == c->n);
    qsort(q->sorted.data, n, width,
          q->wide                        ? compare_wide
          : q->acc.arg.kind == SL_DOUBLE ? compare_double
                                         : compare_int);
    q->sorted_group = group;
    return 0;
}

static double as_double(const struct quantile *q, size_t i)
{
    double unit = q->acc.arg.kind == SL_NUMERIC ? (double)sl_num_pow10(q->acc.arg.scale) : 1;
    if (q->wide)
        return (double)((const sl_int128 *)q->sorted.data)[i] / unit;
    if (q->acc.arg.kind == SL_DOUBLE)
        return ((const double *)q->sorted.data)[i];
    return (double)((const int64_t *)q->sorted.data)[i] / unit;
}

/* Value i of the sorted ones, in the argument's type. */
static void build(const struct quantile *q, size_t i, struct sl_builder *b)
{
    int64_t v = q->wide ? 0 : ((const int64_t *)q->sorted.data)[i];
    if (q->wide)
        sl_builder_int128(b, ((const sl_int128 *)q->sorted.data)[i]);
    else if (q->acc.arg.kind == SL_DOUBLE)
        sl_builder_double(b, ((const double *)q->sorted.data)[i]);
    else if (q->acc.arg.kind == SL_DATE)
        sl_builder_date(b, (int32_t)v);
    else if (q->acc.arg.kind == SL_BOOL)
        sl_builder_bool(b, (int)v);
    else
        sl_builder_int(b, v);
}

static int result(struct sl_acc *a, const struct sl_agg_call *call, uint32_t group,
                  struct sl_builder *b, struct sl_err *err)
{
    struct quantile *q = (struct quantile *)a;
    uint64_t n = ((const struct chain *)q->acc.cells.data)[group].n;
    if (!n) {
        sl_builder_null(b);
        return 0;
    }
    int rc = sort_group(q, group, err);
    if (rc < 0)
        return rc;
    if (call->kind == SL_AGG_QUANTILE) {
        build(q, (size_t)sl_acc_nearest_rank(call, (int64_t)n), b);
        return 0;
    }
    double share = call->descending ? 1 - call->quantile : call->quantile;
    double position = share * (double)(n - 1), below = floor(position);
    double low = as_double(q, (size_t)below);
    double high = as_double(q, SL_MIN((size_t)below + 1, (size_t)n - 1));
    double part = position - below;
    sl_builder_double(b, part == 0 || low == high ? low : low + (high - low) * part);
    return 0;
}

/* ---- state ---- */

/* The newest block of a chain may have room; its values are put one by one. The others are full:
 * each is copied whole, behind the newest of the chain that it joins. */
static int join(struct sl_acc *to, uint32_t group, struct sl_acc *from, uint32_t k,
                struct sl_err *err)
{
    struct quantile *q = (struct quantile *)to, *x = (struct quantile *)from;
    uint32_t at = ((const struct chain *)from->cells.data)[k].head, room = q->wide ? 3 : 7;
    struct chain *c = (struct chain *)to->cells.data + group;
    int rc = 0;

    q->sorted_group = -1;
    for (; at && rc == 0; at = block_at(x, at)->next) {
        const struct block *b = block_at(x, at);
        if (b->n < room || !c->head) {
            for (uint32_t i = 0; rc == 0 && i < b->n; i++)
                rc = put(q, group, q->wide ? 0 : b->v8[i], q->wide ? b->v16[i] : 0, err);
            continue;
        }
        uint32_t copy = take_block(q, err);
        if (!copy)
            return -SL_ENOMEM;
        struct block *head = block_at(q, c->head);
        *block_at(q, copy) = *b;
        block_at(q, copy)->next = head->next;
        head->next = copy;
        c->n += b->n;
    }
    return rc;
}

static void pack(struct sl_acc *a, uint32_t group, uint64_t *cursor, struct sl_buf *out)
{
    struct quantile *q = (struct quantile *)a;
    uint32_t at =
        *cursor ? (uint32_t)*cursor : ((const struct chain *)q->acc.cells.data)[group].head;
    size_t start = out->len;
    while (at && out->len - start < SL_ACC_PIECE && !out->failed) {
        const struct block *b = block_at(q, at);
        if (q->wide)
            sl_buf_add(out, b->v16, b->n * sizeof(b->v16[0]));
        else
            sl_buf_add(out, b->v8, b->n * sizeof(b->v8[0]));
        at = b->next;
    }
    *cursor = out->failed ? 0 : at;
}

static int absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err)
{
    struct quantile *q = (struct quantile *)a;
    size_t width = q->wide ? 16 : 8;
    int rc = 0;
    if (n % width)
        return sl_acc_damaged(err);
    q->sorted_group = -1;
    for (size_t i = 0; rc == 0 && i < n; i += width) {
        int64_t v8 = 0;
        sl_int128 v16 = 0;
        if (q->wide)
            memcpy(&v16, s + i, 16);
        else
            memcpy(&v8, s + i, 8);
        rc = put(q, group, v8, v16, err);
    }
    return rc;
}

static void reset(struct sl_acc *a, uint32_t group)
{
    struct quantile *q = (struct quantile *)a;
    struct chain *c = (struct chain *)q->acc.cells.data + group;
    while (c->head) {
        struct block *b = block_at(q, c->head);
        uint32_t next = b->next;
        b->next = q->spare;
        q->spare = c->head;
        c->head = next;
    }
    if (q->sorted_group == (int64_t)group)
        q->sorted_group = -1;
}

static void release(struct sl_acc *a)
{
    struct quantile *q = (struct quantile *)a;
    sl_vec_release(&q->blocks);
    sl_vec_release(&q->sorted);
}

const struct sl_acc_class sl_acc_quantile = {
    .size = sizeof(struct quantile),
    .cell = sizeof(struct chain),
    .init = init,
    .add = add,
    .result = result,
    .join = join,
    .pack_piece = pack,
    .absorb = absorb,
    .reset = reset,
    .release = release,
};

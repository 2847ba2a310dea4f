/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * acc_distinct: count(distinct x), exact.
 *
 * One table holds the distinct (group, value) pairs of all groups; the pairs of a group hang together
 * in a list, so that a group can be packed or dropped without a look at the others.
 */
#include "state/acc.h"

struct member {    /* the cell of a group */
    uint32_t head; /* first pair + 1 */
    int64_t n;
};

struct distinct {
    struct sl_acc acc;
    struct sl_group pairs;
    struct sl_vec next;      /* uint32_t, by pair: next of its group + 1 */
    struct sl_vec rows, ids; /* scratch */
};

static int init(struct sl_acc *a, struct sl_err *err)
{
    struct distinct *d = (struct distinct *)a;
    struct sl_type types[2] = {sl_type_of(SL_BIGINT), a->arg};
    sl_vec_init(&d->next, a->account);
    sl_vec_init(&d->rows, a->account);
    sl_vec_init(&d->ids, a->account);
    return sl_group_init(&d->pairs, types, 2, a->account, err);
}

/* Hangs the pairs that the last find or combine made into their groups' lists. */
static int hang(struct distinct *d, struct sl_err *err)
{
    int rc = sl_vec_reserve(&d->next, (size_t)d->pairs.n * 4, err);
    if (rc < 0)
        return rc;
    const uint32_t *made = d->pairs.created.data;
    uint32_t *next = d->next.data;
    for (size_t i = 0; i < d->pairs.ncreated; i++) {
        size_t group = (size_t)sl_cells_get8(&d->pairs.cells[0], made[i]);
        struct member *m = (struct member *)d->acc.cells.data + group;
        next[made[i]] = m->head;
        m->head = made[i] + 1;
        m->n++;
    }
    return 0;
}

/* The values that are not null, and the groups of their rows as a bigint column. */
static int pairs_of(struct distinct *d, const struct sl_acc_rows *r, struct sl_column *arg,
                    struct sl_column **pair, struct sl_err *err)
{
    int rc = sl_vec_reserve(&d->rows, r->n * 4, err);
    if (rc == 0)
        rc = sl_vec_reserve(&d->ids, r->n * 4, err);
    if (rc < 0)
        return rc;
    uint32_t *rows = d->rows.data;
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        if (!sl_column_null(arg, i))
            rows[n++] = (uint32_t)i;
    struct sl_buffer *buf = sl_buffer_new(NULL, n * 8);
    pair[0] = sl_column_new(sl_type_of(SL_BIGINT), n);
    pair[1] = n == r->n ? sl_column_ref(arg) : sl_column_take(arg, rows, n, NULL, err);
    if (!buf || !pair[0] || !pair[1]) {
        sl_buffer_unref(buf);
        return sl_err_nomem(err, "count(distinct)");
    }
    pair[0]->owner[1] = buf;
    pair[0]->data = buf->data;
    for (size_t k = 0; k < n; k++)
        ((int64_t *)buf->data)[k] = sl_acc_group(r, rows[k]);
    return 0;
}

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err)
{
    struct distinct *d = (struct distinct *)a;
    struct sl_column *pair[2] = {NULL, NULL};
    int rc = pairs_of(d, r, arg, pair, err);
    if (rc == 0)
        rc = sl_group_find(&d->pairs, pair, pair[0]->rows, d->ids.data, err);
    if (rc == 0)
        rc = hang(d, err);
    sl_column_unref(pair[0]);
    sl_column_unref(pair[1]);
    return rc;
}

static int result(struct sl_acc *a, const struct sl_agg_call *call SL_UNUSED, uint32_t group,
                  struct sl_builder *b, struct sl_err *err SL_UNUSED)
{
    sl_builder_int(b, ((const struct member *)a->cells.data)[group].n);
    return 0;
}

/* The pairs of `from` are given the groups' new numbers, and are then a table like that of `to`. */
static int combine(struct sl_acc *to, struct sl_acc *from, const uint32_t *map, size_t n,
                   struct sl_err *err)
{
    struct distinct *d = (struct distinct *)to, *x = (struct distinct *)from;
    struct sl_cells *group = &x->pairs.cells[0];
    int rc = sl_vec_reserve(&d->ids, (size_t)x->pairs.n * 4, err);
    if (rc < 0)
        return rc;
    for (uint32_t p = 0; p < x->pairs.n; p++) {
        if (sl_cells_state(group, p) == SL_CELL_UNSET)
            continue;
        size_t g = (size_t)sl_cells_get8(group, p);
        assert(g < n);
        if (map[g] == SL_GROUP_NONE)
            sl_cells_clear(group, p);
        else
            sl_cells_put8(group, p, map[g]);
    }
    rc = sl_group_combine(&d->pairs, &x->pairs, d->ids.data, err);
    return rc < 0 ? rc : hang(d, err);
}

/* cursor: the pair to go on with, + 1. */
static void pack(struct sl_acc *a, uint32_t group, uint64_t *cursor, struct sl_buf *out)
{
    struct distinct *d = (struct distinct *)a;
    const uint32_t *next = d->next.data;
    uint32_t at = *cursor ? (uint32_t)*cursor : ((const struct member *)a->cells.data)[group].head;
    size_t start = out->len;
    for (; at && out->len - start < SL_ACC_PIECE && !out->failed; at = next[at - 1])
        sl_cells_pack(&d->pairs.cells[1], at - 1, out);
    *cursor = out->failed ? 0 : at;
}

static int absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err)
{
    struct distinct *d = (struct distinct *)a;
    const char *end = s + n;
    struct sl_cells one;
    struct sl_builder values;
    struct sl_column *c = NULL;
    struct sl_vec groups;
    int rc;

    sl_vec_init(&groups, a->account);
    sl_cells_init(&one, a->arg, a->account);
    sl_builder_init(&values, a->arg, a->account, 0);
    rc = sl_cells_reserve(&one, 1, err);
    while (rc == 0 && s < end) {
        rc = sl_cells_unpack(&one, 0, &s, end, err);
        if (rc == 0 && sl_cells_state(&one, 0) != SL_CELL_VALUE)
            rc = sl_acc_damaged(err);
        if (rc == 0)
            sl_cells_build(&one, 0, &values);
    }
    if (rc < 0 || n == 0)
        goto out;
    c = sl_builder_finish(&values, err);
    rc = c ? sl_vec_reserve(&groups, c->rows * 4, err) : -SL_ENOMEM;
    if (rc < 0)
        goto out;
    for (size_t i = 0; i < c->rows; i++)
        ((uint32_t *)groups.data)[i] = group;
    struct sl_acc_rows rows = {.n = c->rows, .group = groups.data};
    rc = add(&d->acc, &rows, c, err);
out:
    sl_column_unref(c);
    sl_vec_release(&groups);
    sl_builder_release(&values);
    sl_cells_release(&one);
    return rc;
}

static void reset(struct sl_acc *a, uint32_t group)
{
    struct distinct *d = (struct distinct *)a;
    const struct member *m = (const struct member *)a->cells.data + group;
    const uint32_t *next = d->next.data;
    for (uint32_t at = m->head; at; at = next[at - 1])
        sl_group_remove(&d->pairs, at - 1);
}

static void release(struct sl_acc *a)
{
    struct distinct *d = (struct distinct *)a;
    sl_group_release(&d->pairs);
    sl_vec_release(&d->next);
    sl_vec_release(&d->rows);
    sl_vec_release(&d->ids);
}

const struct sl_acc_class sl_acc_distinct = {
    .size = sizeof(struct distinct),
    .cell = sizeof(struct member),
    .init = init,
    .add = add,
    .result = result,
    .combine = combine,
    .pack_piece = pack,
    .absorb = absorb,
    .reset = reset,
    .release = release,
};

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * acc_distinct: aggregates of distinct values, and those that count how often each value is there.
 *
 * One table holds the distinct (group, value) pairs of all groups; the pairs of a group hang together
 * in a list, so that a group can be packed or dropped without a look at the others. A call with two
 * arguments has pairs of values for values.
 *
 * count(distinct x) is the number of pairs. Any other call with DISTINCT, say sum(distinct x), is the
 * result of an accumulator of its own for that call, which is given the group's values when the result
 * is asked for. So all calls with DISTINCT of one argument share this state. mode, and quantiles of
 * values that are not held in 8 or 16 bytes, keep with each value how often it came. approx_percentile does
 * so with the values cut off to 9 bits behind the first: what it gives is less than 1/512 nearer to zero
 * than the exact quantile, and the same in any order and cut.
 */
#include <float.h>
#include <math.h>
#include "state/acc.h"
#include "state/order.h"

struct member {    /* the cell of a group */
    uint32_t head; /* first pair + 1 */
    int64_t n;     /* pairs */
};

/* The accumulator of a call with DISTINCT, as a call without; empty between two results. */
struct inner {
    struct inner *next;
    const struct sl_agg_call *of;
    struct sl_agg_call call;
    struct sl_acc *acc;
};

struct distinct {
    struct sl_acc acc;
    struct sl_group pairs; /* keys: group, value or values */
    int nvalues;
    int counted;
    int cut;                 /* values are cut off */
    struct sl_vec next;      /* uint32_t, by pair: next of its group + 1 */
    struct sl_vec count;     /* int64_t, by pair, if counted */
    struct sl_vec rows, ids; /* scratch */
    struct inner *inner;
};

static int init(struct sl_acc *a, struct sl_err *err)
{
    struct distinct *d = (struct distinct *)a;
    struct sl_type types[3] = {sl_type_of(SL_BIGINT), a->arg, {0}};
    d->nvalues = a->call->second ? 2 : 1;
    d->counted = !a->call->distinct;
    d->cut = a->call->kind == SL_AGG_APPROX_PERCENTILE;
    if (a->call->second)
        types[2] = sl_expr_type(a->call->second);
    sl_vec_init(&d->next, a->account);
    sl_vec_init(&d->count, a->account);
    sl_vec_init(&d->rows, a->account);
    sl_vec_init(&d->ids, a->account);
    return sl_group_init(&d->pairs, types, 1 + d->nvalues, a->account, err);
}

/* Hangs the pairs that the last find or combine made into their groups' lists. */
static int hang(struct distinct *d, struct sl_err *err)
{
    int rc = sl_vec_reserve(&d->next, (size_t)d->pairs.n * 4, err);
    if (rc == 0 && d->counted)
        rc = sl_vec_reserve(&d->count, (size_t)d->pairs.n * 8, err);
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

static size_t without_null(const struct sl_column *c, uint32_t *rows, size_t n)
{
    size_t kept = 0;
    for (size_t k = 0; k < n; k++)
        if (!sl_column_null(c, rows[k]))
            rows[kept++] = rows[k];
    return kept;
}

/* The rows without a null, as columns: the groups as bigints, and the values. */
static int pairs_of(struct distinct *d, const struct sl_acc_rows *r, struct sl_column *arg,
                    struct sl_column **pair, struct sl_err *err)
{
    struct sl_column *values[2] = {arg, d->nvalues > 1 ? r->second : NULL};
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
    if (values[1])
        n = without_null(values[1], rows, n);
    struct sl_buffer *buf = sl_buffer_new(NULL, n * 8);
    pair[0] = sl_column_new(sl_type_of(SL_BIGINT), n);
    for (int v = 0; v < d->nvalues; v++) {
        pair[1 + v] =
            n == r->n ? sl_column_ref(values[v]) : sl_column_take(values[v], rows, n, NULL, err);
        if (!pair[1 + v])
            rc = -SL_ENOMEM;
    }
    if (!buf || !pair[0] || rc < 0) {
        sl_buffer_unref(buf);
        return sl_err_nomem(err, "distinct values");
    }
    pair[0]->owner[1] = buf;
    pair[0]->data = buf->data;
    for (size_t k = 0; k < n; k++)
        ((int64_t *)buf->data)[k] = sl_acc_group(r, rows[k]);
    return 0;
}

/* times: by row, how often its value comes; NULL: once. */
static int add_times(struct distinct *d, const struct sl_acc_rows *r, struct sl_column *arg,
                     const int64_t *times, struct sl_err *err)
{
    struct sl_column *pair[3] = {NULL, NULL, NULL};
    int rc = pairs_of(d, r, arg, pair, err);
    if (rc == 0)
        rc = sl_group_find(&d->pairs, pair, pair[0]->rows, d->ids.data, err);
    if (rc == 0)
        rc = hang(d, err);
    const uint32_t *ids = d->ids.data, *rows = d->rows.data;
    for (size_t i = 0; d->counted && rc == 0 && i < pair[0]->rows; i++)
        ((int64_t *)d->count.data)[ids[i]] += times ? times[rows[i]] : 1;
    for (int v = 0; v < 3; v++)
        sl_column_unref(pair[v]);
    return rc;
}

/* A double with 9 bits of its 52, towards zero. */
static uint64_t cut_off(int64_t bits)
{
    double v;
    memcpy(&v, &bits, 8);
    if (v != v)
        return 0x7ff8000000000000u;
    return fabs(v) < DBL_MIN ? 0 : (uint64_t)bits & ~(uint64_t)0 << (52 - 9);
}

static struct sl_column *cut_column(const struct sl_column *arg, struct sl_err *err)
{
    struct sl_builder b;
    sl_builder_init(&b, arg->type, NULL, 0);
    for (size_t i = 0; i < arg->rows; i++) {
        double v;
        if (sl_column_null(arg, i)) {
            sl_builder_null(&b);
            continue;
        }
        uint64_t bits = cut_off(sl_column_get8(arg, i));
        memcpy(&v, &bits, 8);
        sl_builder_double(&b, v);
    }
    struct sl_column *c = sl_builder_finish(&b, err);
    sl_builder_release(&b);
    return c;
}

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err)
{
    struct distinct *d = (struct distinct *)a;
    struct sl_column *cut = d->cut ? cut_column(arg, err) : NULL;
    if (d->cut && !cut)
        return -SL_ENOMEM;
    int rc = add_times(d, r, cut ? cut : arg, NULL, err);
    sl_column_unref(cut);
    return rc;
}

/* ---- results ---- */

static uint32_t list(const struct distinct *d, uint32_t group)
{
    return ((const struct member *)d->acc.cells.data)[group].head;
}

static void mode(const struct distinct *d, const struct sl_agg_call *call, uint32_t group,
                 struct sl_builder *b)
{
    const struct sl_cells *value = &d->pairs.cells[1];
    const int64_t *count = d->count.data;
    const uint32_t *next = d->next.data;
    uint32_t best = list(d, group);
    if (!best) {
        sl_builder_null(b);
        return;
    }
    for (uint32_t at = next[best - 1]; at; at = next[at - 1]) {
        int64_t more = count[at - 1] - count[best - 1];
        int order = more ? 0 : sl_cells_compare(value, at - 1, value, best - 1);
        if (more > 0 || (call->descending ? order > 0 : order < 0))
            best = at;
    }
    sl_cells_build(value, best - 1, b);
}

static int compare_values(const void *arg, const struct sl_entry *x, const struct sl_entry *y)
{
    return sl_cells_compare(arg, x->a, arg, y->a);
}

/* The value of this rank among all: the values in order, each as often as it came. */
static int quantile(struct distinct *d, const struct sl_agg_call *call, uint32_t group,
                    struct sl_builder *b, struct sl_err *err)
{
    const struct sl_cells *value = &d->pairs.cells[1];
    const struct member *m = (const struct member *)d->acc.cells.data + group;
    const int64_t *count = d->count.data;
    const uint32_t *next = d->next.data;
    size_t n = 0, i = 0;
    int64_t all = 0;
    if (!m->n) {
        sl_builder_null(b);
        return 0;
    }
    int rc = sl_vec_reserve(&d->rows, (size_t)m->n * 2 * sizeof(struct sl_entry), err);
    if (rc < 0)
        return rc;
    struct sl_entry *e = d->rows.data;
    for (uint32_t at = m->head; at; at = next[at - 1], n++) {
        e[n] = (struct sl_entry){.prefix = sl_cells_prefix(value, at - 1), .a = at - 1};
        all += count[at - 1];
    }
    sl_entries_sort(e, e + n, n, compare_values, value);
    int64_t rank = sl_acc_nearest_rank(call, all);
    while (rank >= count[e[i].a])
        rank -= count[e[i++].a];
    sl_cells_build(value, e[i].a, b);
    return 0;
}

/* The accumulator that makes the result of a call out of distinct values. */
static int inner_of(struct distinct *d, const struct sl_agg_call *call, struct inner **out,
                    struct sl_err *err)
{
    struct inner *in = d->inner;
    while (in && in->of != call)
        in = in->next;
    if (!in) {
        in = sl_calloc(1, sizeof(*in));
        if (!in)
            return sl_err_nomem(err, "an aggregate");
        in->of = call;
        in->call = *call;
        in->call.distinct = 0;
        in->next = d->inner;
        d->inner = in;
    }
    int rc = in->acc ? 0 : sl_acc_new(&in->call, d->acc.account, &in->acc, err);
    if (rc == 0)
        rc = sl_acc_reserve(in->acc, 1, err);
    *out = in;
    return rc;
}

/* The group's values as columns. */
static int values_of(const struct distinct *d, uint32_t group, struct sl_column **out,
                     struct sl_err *err)
{
    const uint32_t *next = d->next.data;
    int rc = 0;
    for (int v = 0; rc == 0 && v < d->nvalues; v++) {
        const struct sl_cells *value = &d->pairs.cells[1 + v];
        struct sl_builder b;
        sl_builder_init(&b, value->type, NULL, 0);
        for (uint32_t at = list(d, group); at; at = next[at - 1])
            sl_cells_build(value, at - 1, &b);
        out[v] = sl_builder_finish(&b, err);
        rc = out[v] ? 0 : -SL_ENOMEM;
        sl_builder_release(&b);
    }
    return rc;
}

static int result(struct sl_acc *a, const struct sl_agg_call *call, uint32_t group,
                  struct sl_builder *b, struct sl_err *err)
{
    struct distinct *d = (struct distinct *)a;
    struct sl_column *values[2] = {NULL, NULL};
    struct inner *in = NULL;
    if (call->kind == SL_AGG_COUNT) {
        sl_builder_int(b, ((const struct member *)a->cells.data)[group].n);
        return 0;
    }
    if (d->counted && call->kind != SL_AGG_MODE)
        return quantile(d, call, group, b, err);
    if (d->counted) {
        mode(d, call, group, b);
        return 0;
    }
    int rc = inner_of(d, call, &in, err);
    if (rc == 0)
        rc = values_of(d, group, values, err);
    if (rc == 0) {
        struct sl_acc_rows rows = {.n = values[0]->rows, .second = values[1]};
        rc = in->acc->class->add(in->acc, &rows, values[0], err);
        if (rc == 0)
            rc = in->acc->class->result(in->acc, &in->call, 0, b, err);
        sl_acc_reset(in->acc, 0);
    }
    sl_column_unref(values[0]);
    sl_column_unref(values[1]);
    return rc;
}

/* ---- state ---- */

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
    uint32_t *ids = d->ids.data;
    rc = sl_group_combine(&d->pairs, &x->pairs, ids, err);
    if (rc == 0)
        rc = hang(d, err);
    for (uint32_t p = 0; rc == 0 && d->counted && p < x->pairs.n; p++)
        if (ids[p] != SL_GROUP_NONE)
            ((int64_t *)d->count.data)[ids[p]] += ((const int64_t *)x->count.data)[p];
    return rc;
}

/* cursor: the pair to go on with, + 1. */
static void pack(struct sl_acc *a, uint32_t group, uint64_t *cursor, struct sl_buf *out)
{
    struct distinct *d = (struct distinct *)a;
    const uint32_t *next = d->next.data;
    uint32_t at = *cursor ? (uint32_t)*cursor : list(d, group);
    size_t start = out->len;
    for (; at && out->len - start < SL_ACC_PIECE && !out->failed; at = next[at - 1]) {
        for (int v = 0; v < d->nvalues; v++)
            sl_cells_pack(&d->pairs.cells[1 + v], at - 1, out);
        if (d->counted)
            sl_buf_add(out, (const int64_t *)d->count.data + (at - 1), 8);
    }
    *cursor = out->failed ? 0 : at;
}

struct packed { /* what absorb reads */
    struct sl_cells one[2];
    struct sl_builder values[2];
    struct sl_column *column[2];
    struct sl_vec groups, times;
    size_t n;
};

static int unpack(struct distinct *d, struct packed *p, const char *s, const char *end,
                  struct sl_err *err)
{
    int rc = 0;
    while (rc == 0 && s < end) {
        for (int v = 0; rc == 0 && v < d->nvalues; v++) {
            rc = sl_cells_unpack(&p->one[v], 0, &s, end, err);
            if (rc == 0 && sl_cells_state(&p->one[v], 0) != SL_CELL_VALUE)
                rc = sl_acc_damaged(err);
            if (rc == 0)
                sl_cells_build(&p->one[v], 0, &p->values[v]);
        }
        if (rc == 0)
            rc = sl_vec_reserve(&p->times, (p->n + 1) * 8, err);
        if (rc == 0 && d->counted) {
            if (end - s < 8)
                return sl_acc_damaged(err);
            memcpy((int64_t *)p->times.data + p->n, s, 8);
            s += 8;
            if (((const int64_t *)p->times.data)[p->n] <= 0)
                return sl_acc_damaged(err);
        }
        p->n++;
    }
    return rc;
}

static int absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err)
{
    struct distinct *d = (struct distinct *)a;
    struct packed p = {.n = 0};
    int rc = 0;
    sl_vec_init(&p.groups, a->account);
    sl_vec_init(&p.times, a->account);
    for (int v = 0; v < d->nvalues; v++) {
        struct sl_type t = d->pairs.cells[1 + v].type;
        sl_cells_init(&p.one[v], t, a->account);
        sl_builder_init(&p.values[v], t, a->account, 0);
        if (rc == 0)
            rc = sl_cells_reserve(&p.one[v], 1, err);
    }
    if (rc == 0)
        rc = unpack(d, &p, s, s + n, err);
    for (int v = 0; rc == 0 && v < d->nvalues; v++) {
        p.column[v] = sl_builder_finish(&p.values[v], err);
        rc = p.column[v] ? 0 : -SL_ENOMEM;
    }
    if (rc == 0)
        rc = sl_vec_reserve(&p.groups, p.n * 4, err);
    for (size_t i = 0; rc == 0 && i < p.n; i++)
        ((uint32_t *)p.groups.data)[i] = group;
    if (rc == 0 && p.n) {
        struct sl_acc_rows rows = {.n = p.n, .group = p.groups.data, .second = p.column[1]};
        rc = add_times(d, &rows, p.column[0], d->counted ? p.times.data : NULL, err);
    }
    for (int v = 0; v < d->nvalues; v++) {
        sl_column_unref(p.column[v]);
        sl_builder_release(&p.values[v]);
        sl_cells_release(&p.one[v]);
    }
    sl_vec_release(&p.groups);
    sl_vec_release(&p.times);
    return rc;
}

static void reset(struct sl_acc *a, uint32_t group)
{
    struct distinct *d = (struct distinct *)a;
    const uint32_t *next = d->next.data;
    for (uint32_t at = list(d, group); at; at = next[at - 1]) {
        if (d->counted)
            ((int64_t *)d->count.data)[at - 1] = 0; /* as a new pair of that number has it */
        sl_group_remove(&d->pairs, at - 1);
    }
}

static void release(struct sl_acc *a)
{
    struct distinct *d = (struct distinct *)a;
    while (d->inner) {
        struct inner *in = d->inner;
        d->inner = in->next;
        sl_acc_free(in->acc);
        free(in);
    }
    sl_group_release(&d->pairs);
    sl_vec_release(&d->next);
    sl_vec_release(&d->count);
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

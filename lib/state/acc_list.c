/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * acc_list: array_agg, string_agg, and increase and rate of counters.
 *
 * Every row is kept: its value, its rank (acc_rank.c says how rows are ranked) and, with ORDER BY, what it
 * is ordered by. The rows of a group hang together in a list; they are put in order when the result is
 * asked for: by ORDER BY, then by rank, so that the order in which they came does not show.
 *
 * A counter only grows; where it is less than before it began at 0 again. So the increase from one value to
 * the next is the difference, or the next value whole. rate is the increase by the seconds between the
 * first and the last row.
 */
#include "base/time.h"
#include "state/acc.h"
#include "state/order.h"

struct chain {     /* the cell of a group */
    uint32_t head; /* newest row + 1 */
    uint32_t unused;
    int64_t n;
};

struct item {
    int64_t time; /* INT64_MIN: none */
    struct sl_rank rank;
    uint32_t next; /* row + 1 */
    uint32_t nsec; /* time counts nanoseconds */
};

struct list {
    struct sl_acc acc;
    struct sl_vec items;
    struct sl_cells value, by; /* by row; by: of ORDER BY */
    struct sl_cells other, other_by;
    uint32_t n, spare; /* rows; spare: first free one + 1 */
    int ordered;
    struct sl_vec entries; /* scratch */
};

static int init(struct sl_acc *a, struct sl_err *err SL_UNUSED)
{
    struct list *l = (struct list *)a;
    struct sl_type by = a->call->second ? sl_expr_type(a->call->second) : a->arg;
    l->ordered = a->call->second != NULL;
    sl_vec_init(&l->items, a->account);
    sl_vec_init(&l->entries, a->account);
    sl_cells_init(&l->value, a->arg, a->account);
    sl_cells_init(&l->other, a->arg, a->account);
    sl_cells_init(&l->by, by, a->account);
    sl_cells_init(&l->other_by, by, a->account);
    return 0;
}

static int reserve(struct sl_acc *a, size_t n SL_UNUSED, struct sl_err *err)
{
    struct list *l = (struct list *)a;
    int rc = sl_cells_reserve(&l->other, 1, err);
    return rc == 0 && l->ordered ? sl_cells_reserve(&l->other_by, 1, err) : rc;
}

static struct item *item_at(const struct list *l, uint32_t at)
{
    return (struct item *)l->items.data + at;
}

/* A free row, which hangs nowhere yet. */
static int take_row(struct list *l, uint32_t *at, struct sl_err *err)
{
    if (l->spare) {
        *at = l->spare - 1;
        return 0;
    }
    size_t n = (size_t)l->n + 1;
    int rc = n >= UINT32_MAX ? sl_err_nomem(err, "a list of values") : 0;
    if (rc == 0)
        rc = sl_vec_reserve(&l->items, n * sizeof(struct item), err);
    if (rc == 0)
        rc = sl_cells_reserve(&l->value, n, err);
    if (rc == 0 && l->ordered)
        rc = sl_cells_reserve(&l->by, n, err);
    *at = l->n;
    return rc;
}

/* The row that take_row gave, whose cells are filled, is the newest of a group. */
static void hang(struct list *l, uint32_t group, uint32_t at, struct item item)
{
    struct chain *c = (struct chain *)l->acc.cells.data + group;
    if (l->spare == at + 1)
        l->spare = item_at(l, at)->next;
    else
        l->n++;
    item.next = c->head;
    *item_at(l, at) = item;
    c->head = at + 1;
    c->n++;
}

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err)
{
    struct list *l = (struct list *)a;
    for (size_t i = 0; i < r->n; i++) {
        struct item item = {.time = r->time ? r->time[i] : INT64_MIN,
                            .rank = r->rank[i],
                            .nsec = (uint32_t)r->nsec};
        uint32_t at;
        int rc = take_row(l, &at, err);
        if (rc == 0)
            rc = sl_cells_put_row(&l->value, at, arg, i, err);
        if (rc == 0 && l->ordered)
            rc = sl_cells_put_row(&l->by, at, r->second, i, err);
        if (rc < 0)
            return rc;
        hang(l, sl_acc_group(r, i), at, item);
    }
    return 0;
}

/* ---- results ---- */

struct sorting {
    const struct list *l;
    const struct sl_agg_call *call;
};

/* By ORDER BY, or by the value itself for DISTINCT. */
static int compare_keys(const struct sorting *s, uint32_t x, uint32_t y)
{
    const struct sl_cells *c = s->l->ordered ? &s->l->by : &s->l->value;
    int null_x = sl_cells_state(c, x) != SL_CELL_VALUE;
    int null_y = sl_cells_state(c, y) != SL_CELL_VALUE;
    if (!s->l->ordered && !s->call->distinct)
        return 0;
    if (null_x || null_y)
        return (null_x - null_y) * (s->call->nulls_first ? -1 : 1);
    int order = sl_cells_compare(c, x, c, y);
    return s->call->descending ? -order : order;
}

static int compare(const void *arg, const struct sl_entry *x, const struct sl_entry *y)
{
    const struct sorting *s = arg;
    const struct item *a = item_at(s->l, x->a), *b = item_at(s->l, y->a);
    int order = compare_keys(s, x->a, y->a);
    if (order == 0 && a->time != b->time)
        order = a->time < b->time ? -1 : 1;
    return order ? order : sl_rank_compare(&a->rank, &b->rank);
}

/* Bits that order like compare() does, as far as they go. */
static uint64_t prefix_of(const struct sorting *s, uint32_t at)
{
    const uint64_t middle = (uint64_t)1 << 62;
    const struct sl_cells *c = s->l->ordered ? &s->l->by : &s->l->value;
    if (!s->l->ordered && !s->call->distinct)
        return ((uint64_t)item_at(s->l, at)->time ^ (uint64_t)1 << 63) >> 1;
    if (sl_cells_state(c, at) != SL_CELL_VALUE)
        return s->call->nulls_first ? 0 : SL_ENTRY_NULL_LAST;
    uint64_t prefix = sl_cells_prefix(c, at) >> 1;
    return middle | (s->call->descending ? middle - 1 - prefix : prefix);
}

/* The group's rows in order, *n of them. */
static int sort_rows(struct list *l, const struct sl_agg_call *call, uint32_t group, size_t *n,
                     struct sl_err *err)
{
    const struct chain *c = (const struct chain *)l->acc.cells.data + group;
    struct sorting s = {l, call};
    int rc = sl_vec_reserve(&l->entries, 2 * (size_t)c->n * sizeof(struct sl_entry), err);
    if (rc < 0)
        return rc;
    struct sl_entry *e = l->entries.data;
    *n = 0;
    for (uint32_t at = c->head; at; at = item_at(l, at - 1)->next)
        if (call->kind == SL_AGG_ARRAY || sl_cells_state(&l->value, at - 1) == SL_CELL_VALUE)
            e[(*n)++] = (struct sl_entry){.prefix = prefix_of(&s, at - 1), .a = at - 1};
    sl_entries_sort(e, e + *n, *n, compare, &s);
    return 0;
}

static double number(const struct list *l, uint32_t at)
{
    double v;
    assert(l->value.type.kind == SL_DOUBLE);
    int64_t bits = sl_cells_get8(&l->value, at);
    memcpy(&v, &bits, 8);
    return v;
}

/* increase and rate; n > 0 rows. */
static void counter(const struct list *l, const struct sl_agg_call *call, size_t n,
                    struct sl_builder *b)
{
    const struct sl_entry *e = l->entries.data;
    double sum = 0;
    for (size_t i = 1; i < n; i++) {
        double before = number(l, e[i - 1].a), now = number(l, e[i].a);
        sum += now < before ? now : now - before;
    }
    const struct item *first = item_at(l, e[0].a), *last = item_at(l, e[n - 1].a);
    double unit = first->nsec ? 1e9 : 1e6;
    double seconds = ((double)last->time - (double)first->time) / unit;
    if (call->kind == SL_AGG_INCREASE)
        sl_builder_double(b, sum);
    else if (n < 2 || first->time == INT64_MIN || !(seconds > 0))
        sl_builder_null(b);
    else
        sl_builder_double(b, sum / seconds);
}

/* A value as JSON. 0 or -SL_ENOMEM. */
static int add_json(const struct list *l, uint32_t at, struct sl_buf *out, struct sl_err *err)
{
    struct sl_builder one;
    struct sl_buf text = SL_BUF_INIT;
    struct sl_type t = l->value.type;
    sl_builder_init(&one, t, NULL, 0);
    sl_cells_build(&l->value, at, &one);
    struct sl_column *c = sl_builder_finish(&one, err);
    sl_builder_release(&one);
    if (!c)
        return -SL_ENOMEM;
    if (sl_type_is_stamp(t) &&
        !sl_column_null(c, 0)) { /* as JSON has them in a column of their own */
        char time[64];
        int64_t v = sl_cells_get8(&l->value, at);
        sl_buf_add(&text, time,
                   t.kind == SL_TIMESTAMPTZ ? sl_time_print(time, v, t.nsec, SL_TIME_RFC3339, NULL)
                                            : sl_time_print_wall(time, v, t.nsec, SL_TIME_RFC3339));
    } else {
        sl_column_print(c, 0, &text);
    }
    int number = t.kind == SL_BIGINT || t.kind == SL_NUMERIC ||
                 (t.kind == SL_DOUBLE && text.len && !strpbrk(text.data, "NI"));
    if (sl_column_null(c, 0))
        sl_buf_addstr(out, "null");
    else if (t.kind == SL_BOOL || t.kind == SL_JSONB || number)
        sl_buf_add(out, text.data ? text.data : "", text.len);
    else
        sl_buf_add_json(out, text.data ? text.data : "", text.len);
    if (text.failed)
        out->failed = 1;
    sl_buf_release(&text);
    sl_column_unref(c);
    return 0;
}

static int add_text(const struct list *l, const struct sl_agg_call *call, uint32_t at, int first,
                    struct sl_buf *out, struct sl_err *err)
{
    size_t n;
    if (!first)
        sl_buf_addstr(out, call->kind == SL_AGG_ARRAY ? "," : call->separator);
    if (call->kind == SL_AGG_ARRAY)
        return add_json(l, at, out, err);
    const char *s = sl_cells_bytes(&l->value, at, &n);
    sl_buf_add(out, s, n);
    return 0;
}

static int result(struct sl_acc *a, const struct sl_agg_call *call, uint32_t group,
                  struct sl_builder *b, struct sl_err *err)
{
    struct list *l = (struct list *)a;
    struct sorting s = {l, call};
    struct sl_buf text = SL_BUF_INIT;
    size_t n = 0;
    int64_t given = 0;
    int rc = sort_rows(l, call, group, &n, err);
    if (rc < 0)
        return rc;
    if (!n) {
        sl_builder_null(b);
        return 0;
    }
    if (call->kind == SL_AGG_INCREASE || call->kind == SL_AGG_RATE) {
        counter(l, call, n, b);
        return 0;
    }
    const struct sl_entry *e = l->entries.data;
    if (call->kind == SL_AGG_ARRAY)
        sl_buf_addch(&text, '[');
    for (size_t i = 0; rc == 0 && i < n && given < call->limit; i++) {
        if (call->distinct && i && compare_keys(&s, e[i - 1].a, e[i].a) == 0)
            continue;
        rc = add_text(l, call, e[i].a, given++ == 0, &text, err);
    }
    if (call->kind == SL_AGG_ARRAY)
        sl_buf_addch(&text, ']');
    if (rc == 0)
        rc = sl_buf_check(&text, err);
    if (rc == 0)
        sl_builder_bytes(b, text.data ? text.data : "", text.len);
    sl_buf_release(&text);
    return rc;
}

/* ---- state ---- */

/* A row whose values are cell k of two tables joins a group. */
static int put(struct list *l, uint32_t group, const struct item *item,
               const struct sl_cells *value, const struct sl_cells *by, size_t k,
               struct sl_err *err)
{
    uint32_t at;
    int rc = take_row(l, &at, err);
    if (rc == 0)
        rc = sl_cells_copy(&l->value, at, value, k, err);
    if (rc == 0 && l->ordered)
        rc = sl_cells_copy(&l->by, at, by, k, err);
    if (rc == 0)
        hang(l, group, at, *item);
    return rc;
}

static int join(struct sl_acc *to, uint32_t group, struct sl_acc *from, uint32_t k,
                struct sl_err *err)
{
    struct list *x = (struct list *)from;
    int rc = 0;
    for (uint32_t at = ((const struct chain *)from->cells.data)[k].head; at && rc == 0;
         at = item_at(x, at - 1)->next)
        rc = put((struct list *)to, group, item_at(x, at - 1), &x->value, &x->by, at - 1, err);
    return rc;
}

/* cursor: the row to go on with, + 1. */
static void pack(struct sl_acc *a, uint32_t group, uint64_t *cursor, struct sl_buf *out)
{
    struct list *l = (struct list *)a;
    size_t start = out->len;
    uint32_t at = *cursor ? (uint32_t)*cursor : ((const struct chain *)a->cells.data)[group].head;
    for (; at && out->len - start < SL_ACC_PIECE && !out->failed; at = item_at(l, at - 1)->next) {
        struct item item = *item_at(l, at - 1);
        item.next = 0;
        sl_buf_add(out, &item, sizeof(item));
        sl_cells_pack(&l->value, at - 1, out);
        if (l->ordered)
            sl_cells_pack(&l->by, at - 1, out);
    }
    *cursor = out->failed ? 0 : at;
}

static int absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err)
{
    struct list *l = (struct list *)a;
    const char *end = s + n;
    int rc = 0;
    while (rc == 0 && s < end) {
        struct item item;
        if ((size_t)(end - s) < sizeof(item))
            return sl_acc_damaged(err);
        memcpy(&item, s, sizeof(item));
        s += sizeof(item);
        rc = sl_cells_unpack(&l->other, 0, &s, end, err);
        if (rc == 0 && l->ordered)
            rc = sl_cells_unpack(&l->other_by, 0, &s, end, err);
        if (rc == 0)
            rc = put(l, group, &item, &l->other, &l->other_by, 0, err);
    }
    return rc;
}

static void reset(struct sl_acc *a, uint32_t group)
{
    struct list *l = (struct list *)a;
    struct chain *c = (struct chain *)a->cells.data + group;
    while (c->head) {
        uint32_t at = c->head - 1;
        c->head = item_at(l, at)->next;
        sl_cells_clear(&l->value, at);
        if (l->ordered)
            sl_cells_clear(&l->by, at);
        item_at(l, at)->next = l->spare;
        l->spare = at + 1;
    }
}

static void release(struct sl_acc *a)
{
    struct list *l = (struct list *)a;
    sl_vec_release(&l->items);
    sl_vec_release(&l->entries);
    sl_cells_release(&l->value);
    sl_cells_release(&l->other);
    sl_cells_release(&l->by);
    sl_cells_release(&l->other_by);
}

const struct sl_acc_class sl_acc_list = {
    .size = sizeof(struct list),
    .cell = sizeof(struct chain),
    .init = init,
    .reserve = reserve,
    .add = add,
    .result = result,
    .join = join,
    .pack_piece = pack,
    .absorb = absorb,
    .reset = reset,
    .release = release,
};

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* topn: see topn.h. */
#include "state/cells.h"
#include "state/store.h"
#include "state/topn.h"

void sl_topn_init(struct sl_topn *t, struct sl_account *account)
{
    memset(t, 0, sizeof(*t));
    t->account = account;
    t->limit = -1;
    sl_vec_init(&t->entries, account);
}

static void item_release(struct sl_topn *t, struct sl_topn_item *it)
{
    sl_batch_unref(it->batch);
    for (int k = 0; it->keys && k < t->nkeys; k++)
        sl_column_unref(it->keys[k]);
    free(it->keys);
    free(it->ranks);
    if (it->charged)
        sl_account_release(t->account, it->charged);
    memset(it, 0, sizeof(*it));
}

static void drop_items(struct sl_topn *t)
{
    for (size_t i = 0; i < t->nitems; i++)
        item_release(t, &t->items[i]);
    t->nitems = 0;
}

void sl_topn_release(struct sl_topn *t)
{
    drop_items(t);
    free(t->items);
    sl_vec_release(&t->entries);
    sl_schema_unref(t->schema);
    sl_topn_init(t, t->account);
}

void sl_topn_bind(struct sl_topn *t, struct sl_schema *in)
{
    assert(!t->n && sl_schema_is_sound(in));
    sl_schema_unref(t->schema);
    t->schema = sl_schema_ref(in);
    sl_ranker_bind(&t->ranker, in);
}

/* ---- order ---- */

static uint64_t prefix(const struct sl_topn *t, const struct sl_column *c, size_t row)
{
    const struct sl_topn_key *k = &t->key[0];
    if (sl_column_null(c, row))
        return k->nulls_first ? 0 : UINT64_MAX;
    uint64_t v = sl_column_prefix(c, row);
    if (k->descending)
        v = ~v & (SL_ENTRY_NULL_LAST - 1);
    return k->nulls_first ? v | SL_ENTRY_NULL_LAST : v;
}

static int compare_key(const struct sl_topn_key *k, const struct sl_column *a, size_t i,
                       const struct sl_column *b, size_t j)
{
    int na = sl_column_null(a, i), nb = sl_column_null(b, j);
    if (na || nb)
        return k->nulls_first ? nb - na : na - nb;
    int c = sl_column_compare(a, i, b, j);
    return k->descending ? -c : c;
}

static int compare(const void *arg, const struct sl_entry *x, const struct sl_entry *y)
{
    const struct sl_topn *t = arg;
    const struct sl_topn_item *a = &t->items[x->a], *b = &t->items[y->a];
    for (int k = 0; k < t->nkeys; k++) {
        int c = compare_key(&t->key[k], a->keys[k], x->b, b->keys[k], y->b);
        if (c)
            return c;
    }
    if (t->tie == SL_TIE_ARRIVAL)
        return x->a != y->a ? (x->a < y->a ? -1 : 1) : (x->b > y->b) - (x->b < y->b);
    int c = sl_rank_compare(&a->ranks[x->b], &b->ranks[y->b]);
    return t->tie == SL_TIE_RANK ? c : -c;
}

/* ---- rows in ---- */

static size_t column_bytes(const struct sl_column *c)
{
    if (c->form == SL_CONST)
        return 0;
    if (c->form == SL_DICT)
        return c->rows * 4;
    if (c->offsets && sl_type_is_bytes(c->type))
        return c->rows * 4 + (size_t)(c->offsets[c->rows] - c->offsets[0]);
    return c->rows * SL_MAX(sl_type_width(c->type), (size_t)1);
}

static int charge(struct sl_topn *t, struct sl_topn_item *it, size_t bytes, struct sl_err *err)
{
    int rc = t->account ? sl_account_charge(t->account, bytes, err) : 0;
    if (rc == 0 && t->account)
        it->charged += bytes;
    return rc;
}

/* With room for the ranks of so many rows, which is charged. */
static struct sl_topn_item *new_item(struct sl_topn *t, size_t rows, struct sl_err *err)
{
    if (SL_GROW(t->items, t->nitems + 1, t->cap, "rows to sort", err) < 0)
        return NULL;
    struct sl_topn_item *it = &t->items[t->nitems];
    memset(it, 0, sizeof(*it));
    if (charge(t, it, rows * sizeof(*it->ranks), err) < 0)
        return NULL;
    it->keys = sl_calloc((size_t)t->nkeys + 1, sizeof(*it->keys));
    it->ranks = sl_malloc(rows * sizeof(*it->ranks));
    if (!it->keys || !it->ranks) {
        item_release(t, it);
        return sl_err_no_memory(err, "rows to sort");
    }
    t->nitems++;
    return it;
}

/* Loads the columns of an item and charges what they hold. */
static int settle(struct sl_topn *t, struct sl_topn_item *it, struct sl_err *err)
{
    size_t bytes = 0;
    for (int c = 0; c < it->batch->schema->nfields; c++) {
        if (!it->batch->columns[c])
            continue;
        int rc = sl_column_load(it->batch->columns[c], err);
        if (rc < 0)
            return rc;
        bytes += column_bytes(it->batch->columns[c]);
    }
    return charge(t, it, bytes, err);
}

/* Of the item's ranks only the first m are wanted from now on. */
static void keep_ranks(struct sl_topn *t, struct sl_topn_item *it, size_t had, size_t m)
{
    struct sl_rank *less = sl_realloc(it->ranks, m * sizeof(*less) + 1);
    if (!less)
        return;
    it->ranks = less;
    if (t->account)
        sl_account_release(t->account, (had - m) * sizeof(*less));
    it->charged -= t->account ? (had - m) * sizeof(*less) : 0;
}

/* Keeps the m rows at positions pos[] of b (NULL: all). */
static int keep_rows(struct sl_topn *t, struct sl_topn_item *it, struct sl_batch *b,
                     const uint32_t *pos, size_t m, struct sl_err *err)
{
    if (m == b->selected && !b->selection) {
        it->batch = sl_batch_ref(b);
        return settle(t, it, err);
    }
    uint32_t *rows = sl_malloc(m * sizeof(*rows));
    if (!rows)
        return sl_err_nomem(err, "rows to sort");
    for (size_t i = 0; i < m; i++) {
        rows[i] = (uint32_t)sl_batch_row(b, pos[i]);
        it->ranks[i] = it->ranks[pos[i]];
    }
    keep_ranks(t, it, b->selected, m);
    struct sl_batch *picked = sl_batch_pick(b, rows, m, NULL, err);
    free(rows);
    if (!picked)
        return -SL_ENOMEM;
    it->batch = sl_batch_compact(picked, NULL, err);
    sl_batch_unref(picked);
    if (!it->batch)
        return -SL_ENOMEM;
    for (int k = 0; k < t->nkeys && m < b->selected; k++) {
        struct sl_column *taken = sl_column_take(it->keys[k], pos, m, NULL, err);
        if (!taken)
            return -SL_ENOMEM;
        sl_column_unref(it->keys[k]);
        it->keys[k] = taken;
    }
    return settle(t, it, err);
}

static int prune(struct sl_topn *t, int64_t *cut, struct sl_err *err);

/* Adds rows whose ranks are in the item already. */
static int add_item(struct sl_topn *t, struct sl_topn_item *it, struct sl_batch *b, int64_t *cut,
                    struct sl_err *err)
{
    size_t n = b->selected, m = 0;
    uint32_t index = (uint32_t)(t->nitems - 1);
    int rc = sl_vec_reserve(&t->entries, (t->n + n) * sizeof(struct sl_entry), err);
    uint32_t *pos = rc < 0 ? NULL : sl_malloc(n * sizeof(*pos));
    if (!pos)
        return rc < 0 ? rc : sl_err_nomem(err, "rows to sort");
    struct sl_entry *e = (struct sl_entry *)t->entries.data + t->n;
    for (size_t k = 0; k < n; k++) {
        struct sl_entry x = {.a = index, .b = (uint32_t)k};
        x.prefix = t->nkeys ? prefix(t, it->keys[0], k) : 0;
        if (t->full && (x.prefix > t->worst.prefix ||
                        (x.prefix == t->worst.prefix && compare(t, &x, &t->worst) > 0)))
            continue;
        e[m] = x;
        pos[m++] = (uint32_t)k;
    }
    rc = keep_rows(t, it, b, pos, m, err);
    free(pos);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < m; i++)
        e[i].b = (uint32_t)i;
    *cut += (int64_t)(n - m);
    t->n += m;
    if (!m) {
        item_release(t, it);
        t->nitems--;
    }
    if (t->limit >= 0 && t->n > 2 * (size_t)t->limit && t->n - (size_t)t->limit >= SL_BATCH_ROWS)
        return prune(t, cut, err);
    return 0;
}

static int add_rows(struct sl_topn *t, struct sl_batch *b, struct sl_column *const *keys,
                    int64_t first, int64_t *cut, struct sl_err *err)
{
    if (t->nitems >= UINT32_MAX)
        return sl_err_nomem(err, "rows to sort");
    struct sl_topn_item *it = new_item(t, b->selected, err);
    if (!it)
        return -SL_ENOMEM;
    for (int k = 0; k < t->nkeys; k++)
        it->keys[k] = sl_column_ref(keys[k]);
    int rc = sl_ranker_rank(&t->ranker, b, first, it->ranks, err);
    return rc < 0 ? rc : add_item(t, it, b, cut, err);
}

/* The selected rows [from, from + n) of b, and their keys. */
static int add_part(struct sl_topn *t, struct sl_batch *b, struct sl_column *const *keys,
                    size_t from, size_t n, int64_t first, int64_t *cut, struct sl_err *err)
{
    struct sl_column **some = sl_calloc((size_t)t->nkeys + 1, sizeof(*some));
    struct sl_buffer *sel = sl_buffer_new(NULL, n * sizeof(uint32_t));
    struct sl_batch *part = NULL;
    int rc = some && sel ? 0 : sl_err_nomem(err, "rows to sort");
    for (size_t i = 0; rc == 0 && i < n; i++)
        ((uint32_t *)sel->data)[i] = (uint32_t)sl_batch_row(b, from + i);
    if (rc == 0 && !(part = sl_batch_select(b, sel, n, err)))
        rc = -SL_ENOMEM;
    else if (rc < 0)
        sl_buffer_unref(sel);
    for (int k = 0; rc == 0 && k < t->nkeys; k++)
        rc = (some[k] = sl_column_slice(keys[k], from, n, err)) ? 0 : -SL_ENOMEM;
    if (rc == 0)
        rc = add_rows(t, part, some, first, cut, err);
    for (int k = 0; some && k < t->nkeys; k++)
        sl_column_unref(some[k]);
    free(some);
    sl_batch_unref(part);
    return rc;
}

static int is_sound(const struct sl_topn *t)
{
    return t->given <= t->n && t->nitems <= t->cap && t->nkeys >= 0 && t->nkeys <= SL_TOPN_KEYS;
}

int sl_topn_add(struct sl_topn *t, struct sl_batch *b, struct sl_column *const *keys, int64_t *cut,
                struct sl_err *err)
{
    assert(is_sound(t) && t->schema && keys && cut && sl_batch_is_sound(b));
    int64_t first = sl_ranker_take(&t->ranker, b);
    int rc = 0;
    assert(!t->given);
    assert(t->nkeys <= SL_TOPN_KEYS);
    if (!b->selected)
        return 0;
    if (t->limit == 0) {
        *cut += (int64_t)b->selected;
        return 0;
    }
    if (t->limit < 0 || b->selected <= SL_BATCH_ROWS)
        return add_rows(t, b, keys, first, cut, err);
    /* Of a batch that is larger than ours only few rows at a time are held. Where the last rows come
     * first they are added first, and most others are passed over at once. */
    size_t parts = (b->selected + SL_BATCH_ROWS - 1) / SL_BATCH_ROWS;
    for (size_t i = 0; rc == 0 && i < parts; i++) {
        size_t from = (t->tie == SL_TIE_RANK_REVERSED ? parts - 1 - i : i) * SL_BATCH_ROWS;
        rc = add_part(t, b, keys, from, SL_MIN(b->selected - from, (size_t)SL_BATCH_ROWS), first,
                      cut, err);
    }
    return rc;
}

/* ---- gathering ---- */

/* Which rows of which items, item by item, and where they go. */
struct plan {
    size_t n, nused;
    uint32_t *item;  /* items used */
    size_t *from;    /* nused + 1 positions in rows */
    uint32_t *rows;  /* rows, item by item */
    uint32_t *where; /* for each entry its position in rows */
    int one;         /* one item: rows are in the order of the entries */
};

static void plan_release(struct plan *p)
{
    free(p->item);
    free(p->from);
    free(p->rows);
    free(p->where);
}

static int plan_make(const struct sl_topn *t, const struct sl_entry *e, size_t n, struct plan *p,
                     struct sl_err *err)
{
    memset(p, 0, sizeof(*p));
    size_t *start = sl_calloc(t->nitems + 1, sizeof(*start));
    p->n = n;
    p->item = sl_malloc(t->nitems * sizeof(*p->item));
    p->from = sl_malloc((t->nitems + 1) * sizeof(*p->from));
    p->rows = sl_malloc(n * sizeof(*p->rows));
    p->where = sl_malloc(n * sizeof(*p->where));
    if (!start || !p->item || !p->from || !p->rows || !p->where) {
        free(start);
        plan_release(p);
        memset(p, 0, sizeof(*p));
        return sl_err_nomem(err, "sorted rows");
    }
    for (size_t i = 0; i < n; i++)
        start[e[i].a]++;
    size_t at = 0;
    for (size_t i = 0; i < t->nitems; i++) {
        size_t count = start[i];
        start[i] = at;
        if (count) {
            p->item[p->nused] = (uint32_t)i;
            p->from[p->nused++] = at;
        }
        at += count;
    }
    p->from[p->nused] = at;
    for (size_t i = 0; i < n; i++) {
        p->where[i] = (uint32_t)start[e[i].a];
        p->rows[start[e[i].a]++] = e[i].b;
    }
    p->one = p->nused == 1;
    free(start);
    return 0;
}

typedef struct sl_column *column_of(const struct sl_topn_item *it, int c);

static struct sl_column *data_column(const struct sl_topn_item *it, int c)
{
    return it->batch->columns[c];
}

static struct sl_column *key_column(const struct sl_topn_item *it, int c)
{
    return it->keys[c];
}

static struct sl_column *gather(const struct sl_topn *t, const struct plan *p, column_of *of, int c,
                                struct sl_err *err)
{
    struct sl_column **parts, *all = NULL, *out = NULL;
    size_t k = 0;

    if (p->one)
        return sl_column_take(of(&t->items[p->item[0]], c), p->rows, p->n, NULL, err);
    parts = sl_calloc(p->nused, sizeof(struct sl_column *));
    if (!parts)
        return sl_err_no_memory(err, "sorted rows");
    for (; k < p->nused; k++) {
        parts[k] = sl_column_take(of(&t->items[p->item[k]], c), p->rows + p->from[k],
                                  p->from[k + 1] - p->from[k], NULL, err);
        if (!parts[k])
            goto out;
    }
    all = sl_column_concat(parts, p->nused, NULL, err);
    if (all)
        out = sl_column_take(all, p->where, p->n, NULL, err);
out:
    for (size_t i = 0; i < k; i++)
        sl_column_unref(parts[i]);
    free(parts);
    sl_column_unref(all);
    return out;
}

/* A column that nobody asked for: absent everywhere, but in rows that come from a saved state. */
static int is_absent(const struct sl_topn *t, const struct plan *p, int c)
{
    for (size_t i = 0; i < p->nused; i++)
        if (!t->items[p->item[i]].batch->columns[c])
            return 1;
    return 0;
}

/* Entries as a batch, in their order. */
static struct sl_batch *gather_batch(const struct sl_topn *t, const struct plan *p,
                                     struct sl_err *err)
{
    struct sl_batch *b = sl_batch_new(t->schema, p->n);
    if (!b)
        return sl_err_no_memory(err, "sorted rows");
    for (int c = 0; c < t->schema->nfields; c++) {
        if (is_absent(t, p, c))
            continue;
        b->columns[c] = gather(t, p, data_column, c, err);
        if (!b->columns[c]) {
            sl_batch_unref(b);
            return NULL;
        }
    }
    return b;
}

static int sort(struct sl_topn *t, struct sl_err *err)
{
    struct sl_vec spare;
    sl_vec_init(&spare, t->account);
    int rc = sl_vec_reserve(&spare, t->n * sizeof(struct sl_entry), err);
    if (rc == 0)
        sl_entries_sort(t->entries.data, spare.data, t->n, compare, t);
    sl_vec_release(&spare);
    return rc;
}

/* Replaces all items by one with the rows of the entries. */
static int regather(struct sl_topn *t, struct sl_err *err)
{
    struct plan p;
    struct sl_entry *e = t->entries.data;
    int rc = plan_make(t, e, t->n, &p, err);
    if (rc < 0)
        return rc;
    struct sl_topn_item *it = new_item(t, t->n, err);
    rc = it ? 0 : -SL_ENOMEM;
    if (rc == 0 && !(it->batch = gather_batch(t, &p, err)))
        rc = -SL_ENOMEM;
    for (int k = 0; rc == 0 && k < t->nkeys; k++) {
        it->keys[k] = gather(t, &p, key_column, k, err);
        if (!it->keys[k])
            rc = -SL_ENOMEM;
    }
    for (size_t i = 0; rc == 0 && i < t->n; i++)
        it->ranks[i] = t->items[e[i].a].ranks[e[i].b];
    if (rc == 0)
        rc = settle(t, it, err);
    plan_release(&p);
    if (rc < 0)
        return rc; /* the half-made item is dropped with the others */
    struct sl_topn_item made = *it;
    t->nitems--;
    drop_items(t);
    t->items[0] = made;
    t->nitems = 1;
    for (size_t i = 0; i < t->n; i++) {
        e[i].a = 0;
        e[i].b = (uint32_t)i;
    }
    return 0;
}

static int prune(struct sl_topn *t, int64_t *cut, struct sl_err *err)
{
    int rc = sort(t, err);
    if (rc < 0 || t->limit < 0 || t->n <= (size_t)t->limit)
        return rc;
    *cut += (int64_t)t->n - t->limit;
    t->n = (size_t)t->limit;
    rc = regather(t, err);
    if (rc == 0) {
        t->worst = ((const struct sl_entry *)t->entries.data)[t->n - 1];
        t->full = 1;
    }
    return rc;
}

int sl_topn_finish(struct sl_topn *t, int reversed, int64_t *cut, struct sl_err *err)
{
    assert(is_sound(t) && !t->given && cut);
    int rc = sort(t, err);
    struct sl_entry *e = t->entries.data;
    if (rc < 0)
        return rc;
    if (t->limit >= 0 && t->n > (size_t)t->limit) {
        *cut += (int64_t)t->n - t->limit;
        t->n = (size_t)t->limit;
    }
    for (size_t i = 0, k = t->n; reversed && i + 1 < k; i++, k--) {
        struct sl_entry x = e[i];
        e[i] = e[k - 1];
        e[k - 1] = x;
    }
    return 0;
}

int sl_topn_next(struct sl_topn *t, struct sl_batch **out, struct sl_err *err)
{
    assert(is_sound(t) && out);
    assert(t->given <= t->n);
    const struct sl_entry *e = t->entries.data;
    struct plan p;
    size_t m = SL_MIN((size_t)SL_BATCH_ROWS, t->n - t->given);
    if (!m)
        return 0;
    int rc = plan_make(t, e + t->given, m, &p, err);
    if (rc < 0)
        return rc;
    *out = gather_batch(t, &p, err);
    plan_release(&p);
    t->given += m;
    return *out ? 1 : -SL_ENOMEM;
}

int64_t sl_topn_drop(struct sl_topn *t)
{
    assert(is_sound(t));
    assert(t->given <= t->n);
    int64_t left = (int64_t)(t->n - t->given);
    t->n = t->given = 0;
    t->full = 0;
    drop_items(t);
    return left;
}

/* ---- state ---- */

static int save_ranks(const struct sl_topn_item *it, struct sl_store *store, struct sl_err *err)
{
    static const char *const names[] = {"partition", "seq"};
    size_t n = it->batch->rows;
    int64_t *v = sl_malloc(n * 2 * sizeof(*v));
    if (!v)
        return sl_err_nomem(err, "state");
    for (size_t i = 0; i < n; i++) {
        v[2 * i] = it->ranks[i].partition;
        v[2 * i + 1] = it->ranks[i].seq;
    }
    int rc = sl_state_put(store, "ranks", names, 2, v, n, err);
    free(v);
    return rc;
}

int sl_topn_save(struct sl_topn *t, struct sl_store *store, struct sl_err *err)
{
    assert(is_sound(t) && !t->given);
    static const char *const names[] = {"next"};
    int rc = 0;
    /* One item of live rows only: rows that were cut must not come back. */
    if (t->n)
        rc = sort(t, err);
    if (rc == 0 && t->n)
        rc = regather(t, err);
    if (rc == 0 && t->n) {
        t->full = t->limit > 0 && t->n >= (size_t)t->limit;
        if (t->full)
            t->worst = ((const struct sl_entry *)t->entries.data)[t->limit - 1];
        rc = save_ranks(&t->items[0], store, err);
    }
    if (rc == 0 && t->n)
        rc = sl_state_put_rows(store, "rows", t->items[0].batch, err);
    if (rc >= 0)
        rc = sl_state_put(store, "arrived", names, 1, &t->ranker.next, 1, err);
    return rc < 0 ? rc : 0;
}

struct ranks {
    struct sl_rank *items;
    size_t n, cap;
};

static int import_rank(void *arg, const int64_t *v, struct sl_err *err)
{
    struct ranks *r = arg;
    int rc = SL_GROW(r->items, r->n + 1, r->cap, "state", err);
    if (rc < 0)
        return rc;
    r->items[r->n++] = (struct sl_rank){.partition = (int32_t)v[0], .seq = v[1]};
    return 0;
}

static int import_next(void *arg, const int64_t *v, struct sl_err *err)
{
    (void)err;
    ((struct sl_topn *)arg)->ranker.next = v[0];
    return 0;
}

static int import_rows(struct sl_topn *t, struct sl_batch *b, const struct sl_rank *ranks,
                       int (*keys_of)(void *arg, struct sl_batch *b, struct sl_column **keys,
                                      struct sl_err *err),
                       void *arg, struct sl_err *err)
{
    int64_t cut = 0;
    struct sl_topn_item *it = new_item(t, b->rows, err);
    if (!it)
        return -SL_ENOMEM;
    memcpy(it->ranks, ranks, b->rows * sizeof(*ranks));
    int rc = keys_of(arg, b, it->keys, err);
    return rc < 0 ? rc : add_item(t, it, b, &cut, err);
}

int sl_topn_load(struct sl_topn *t, struct sl_store *store,
                 int (*keys_of)(void *arg, struct sl_batch *b, struct sl_column **keys,
                                struct sl_err *err),
                 void *arg, struct sl_err *err)
{
    assert(is_sound(t) && keys_of);
    assert(t->schema);
    assert(!t->n && !t->nitems);
    struct ranks r = {0};
    uint64_t cursor = 0;
    size_t at = 0;
    struct sl_batch *b, *cast;
    int rc = sl_state_get(store, "arrived", 1, import_next, t, err);
    if (rc == 0)
        rc = sl_state_get(store, "ranks", 2, import_rank, &r, err);
    while (rc == 0 &&
           (rc = sl_state_next(store, "rows", &cursor, t->schema->nfields, &b, err)) > 0) {
        if (!sl_schema_equal(b->schema, t->schema) || r.n - at < b->rows) {
            rc = sl_state_damaged("rows", err);
        } else {
            cast = sl_batch_cast(b, t->schema, err);
            rc = cast ? import_rows(t, cast, r.items + at, keys_of, arg, err) : -SL_ENOMEM;
            sl_batch_unref(cast);
            at += b->rows;
        }
        sl_batch_unref(b);
    }
    free(r.items);
    return rc;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aggregate_emit: results, sorted by window_start and keys, nulls last.
 *
 * Closed windows leave in order of their start, each sorted by the --by values; the numbers of their
 * groups are free afterwards. At END everything leaves and the state is dropped as a whole.
 */
#include "op/aggregate.h"

/* ---- which groups, in which order ---- */

/* Order of two groups by the --by values. */
static int compare_groups(const void *arg, const struct sl_entry *x, const struct sl_entry *y)
{
    const struct sl_aggregate *a = arg;
    for (int k = a->windowed; k < a->nkeys; k++) {
        const struct sl_cells *c = &a->groups.cells[k];
        int order = sl_cells_compare(c, x->a, c, y->a);
        if (order)
            return order;
    }
    return 0;
}

static uint64_t prefix_of(const struct sl_aggregate *a, uint32_t group)
{
    SL_CHECK_THAT(!a->nkeys || group < a->groups.n);
    if (!a->nby)
        return 0;
    const struct sl_cells *c = &a->groups.cells[a->windowed];
    if (sl_cells_state(c, group) != SL_CELL_VALUE)
        return SL_ENTRY_NULL_LAST;
    return sl_cells_prefix(c, group);
}

static int is_live(const struct sl_aggregate *a, uint32_t group)
{
    SL_CHECK_THAT(!a->nkeys || group < a->groups.n);
    return sl_cells_state(&a->groups.cells[0], group) != SL_CELL_UNSET;
}

/* Groups of the first n windows (or, without windows, all), sorted. */
static size_t list_groups(const struct sl_aggregate *a, size_t n, struct sl_entry *e,
                          struct sl_entry *spare)
{
    assert(n <= a->nwindows);
    const uint32_t *next = a->next.data;
    size_t total = 0;
    if (!a->windowed) {
        for (uint32_t g = 0; g < a->groups.n; g++)
            if (is_live(a, g))
                e[total++] = (struct sl_entry){.prefix = prefix_of(a, g), .a = g};
        sl_entries_sort(e, spare, total, compare_groups, a);
        return total;
    }
    for (size_t w = 0; w < n; w++) {
        size_t first = total;
        for (uint32_t g = a->windows[w].groups; g; g = next[g - 1])
            e[total++] = (struct sl_entry){.prefix = prefix_of(a, g - 1), .a = g - 1};
        sl_entries_sort(e + first, spare, total - first, compare_groups, a);
    }
    return total;
}

/* ---- one batch of results ---- */

/* Columns under construction: keys (with window_end) and, per list, one per call. Not charged: they
 * are on their way out, and must not fail because the state has used up the budget. */
struct table {
    int nkeys, nlists;
    struct sl_builder *keys;
    struct sl_builder **calls; /* [list][call] */
};

static void table_release(struct sl_aggregate *a, struct table *t)
{
    for (int k = 0; t->keys && k < t->nkeys; k++)
        sl_builder_release(&t->keys[k]);
    for (int l = 0; t->calls && l < a->nlists; l++) {
        for (int c = 0; t->calls[l] && c < a->lists[l].ncalls; c++)
            sl_builder_release(&t->calls[l][c]);
        free(t->calls[l]);
    }
    free(t->keys);
    free(t->calls);
}

static int table_init(struct sl_aggregate *a, struct table *t, struct sl_err *err)
{
    memset(t, 0, sizeof(*t));
    t->keys = sl_calloc((size_t)a->keys->nfields + 1, sizeof(*t->keys));
    t->calls = sl_calloc((size_t)a->nlists, sizeof(*t->calls));
    if (!t->keys || !t->calls)
        return sl_err_nomem(err, "results");
    for (; t->nkeys < a->keys->nfields; t->nkeys++)
        sl_builder_init(&t->keys[t->nkeys], a->keys->fields[t->nkeys].type, NULL, 0);
    for (int l = 0; l < a->nlists; l++) {
        const struct sl_agg_list *list = &a->lists[l];
        t->calls[l] = sl_calloc((size_t)list->ncalls + 1, sizeof(struct sl_builder));
        if (!t->calls[l])
            return sl_err_nomem(err, "results");
        for (int c = 0; c < list->ncalls; c++)
            sl_builder_init(&t->calls[l][c], list->calls[c].type, NULL, 0);
    }
    return 0;
}

/* Appends a group: group by group, so that quantiles sort each group's values once. */
static int table_add(struct sl_aggregate *a, struct table *t, uint32_t group, struct sl_err *err)
{
    SL_CHECK_THAT(!a->nkeys || group < a->groups.n);
    int column = 0;
    for (int k = 0; k < a->nkeys; k++) {
        sl_cells_build(&a->groups.cells[k], group, &t->keys[column++]);
        if (k == 0 && a->windowed) {
            int64_t start, end;
            sl_window_around(&a->window, sl_cells_get8(&a->groups.cells[0], group), &start, &end);
            sl_builder_int(&t->keys[column++], end);
        }
    }
    for (int l = 0; l < a->nlists; l++) {
        for (int c = 0; c < a->lists[l].ncalls; c++) {
            struct sl_acc *acc = a->accs[a->acc_of[l][c]];
            int rc = acc->class->result(acc, &a->lists[l].calls[c], group, &t->calls[l][c], err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* An item that fails for a group: the run ends, as a query does. */
static int item_failed(const struct sl_aggregate *a, const struct sl_expr_item *it,
                       const struct sl_batch *b, struct sl_err *err)
{
    struct sl_buf key = SL_BUF_INIT;
    char what[sizeof(err->what)];
    if (!err)
        return -SL_EFAIL;
    int known = err->line >= 0 && (size_t)err->line < b->selected;
    size_t row = known ? sl_batch_row(b, (size_t)err->line) : 0;
    for (int k = 0; known && k < a->keys->nfields; k++) {
        sl_buf_printf(&key, "%s%s = ", k ? ", " : " where ", a->keys->fields[k].name);
        if (sl_column_null(b->columns[k], row))
            sl_buf_addstr(&key, "null");
        else
            sl_column_print(b->columns[k], row, &key);
    }
    memcpy(what, err->what, sizeof(what));
    sl_err_set(err, SL_EFAIL, "%s: %s%s", it->name, what, key.data ? key.data : "");
    sl_err_hint(err, "guard the expression, for example with nullif() or case");
    sl_buf_release(&key);
    return -SL_EFAIL;
}

/* The groups as a batch of a list's agg schema. */
static struct sl_batch *calls_batch(struct sl_aggregate *a, int l, struct table *t,
                                    struct sl_column **keys, size_t n, struct sl_err *err)
{
    const struct sl_agg_list *list = &a->lists[l];
    struct sl_batch *b = sl_batch_new(list->agg_schema, n);
    if (!b)
        return sl_err_no_memory(err, "results");
    assert(list->agg_schema->nfields == t->nkeys + list->ncalls);
    for (int k = 0; k < t->nkeys; k++)
        b->columns[k] = sl_column_ref(keys[k]);
    for (int c = 0; c < list->ncalls; c++) {
        b->columns[t->nkeys + c] = sl_builder_finish(&t->calls[l][c], err);
        if (!b->columns[t->nkeys + c]) {
            sl_batch_unref(b);
            return NULL;
        }
    }
    return b;
}

/* Of the n groups those for which all --having are true; *sel NULL: all. */
static int choose(struct sl_aggregate *a, struct table *t, struct sl_column **keys, size_t *n,
                  struct sl_buffer **sel, struct sl_err *err)
{
    size_t rows = *n;
    int rc = 0;
    for (int l = a->select.n; rc >= 0 && l < a->nlists && *n; l++) {
        const struct sl_expr_item *item = &a->lists[l].items[0];
        struct sl_buffer *more = NULL;
        struct sl_batch *all = calls_batch(a, l, t, keys, rows, err), *b = all;
        if (all && *sel)
            b = sl_batch_select(all, sl_buffer_ref(*sel), *n, err);
        rc = b ? sl_expr_filter(a->eval, item->expr, b, &more, n, err) : -SL_ENOMEM;
        if (rc == -SL_EROW)
            rc = item_failed(a, item, b, err);
        sl_buffer_unref(*sel);
        *sel = more;
        if (b != all)
            sl_batch_unref(b);
        sl_batch_unref(all);
    }
    return rc;
}

/* Items of one list for the chosen groups, into to->columns from *at on. */
static int eval_items(struct sl_aggregate *a, int l, struct table *t, struct sl_column **keys,
                      size_t n, struct sl_buffer *sel, struct sl_batch *to, int *at,
                      struct sl_err *err)
{
    const struct sl_agg_list *list = &a->lists[l];
    struct sl_batch *all = calls_batch(a, l, t, keys, n, err), *b = all;
    if (all && sel)
        b = sl_batch_select(all, sl_buffer_ref(sel), to->rows, err);
    int rc = b ? 0 : -SL_ENOMEM;
    for (int i = 0; rc >= 0 && i < list->nitems; i++) {
        rc = sl_expr_eval(a->eval, list->items[i].expr, b, &to->columns[(*at)++], err);
        if (rc == -SL_EROW)
            rc = item_failed(a, &list->items[i], b, err);
    }
    if (b != all)
        sl_batch_unref(b);
    sl_batch_unref(all);
    return rc < 0 ? rc : 0;
}

static int finish_keys(struct table *t, struct sl_column **keys, struct sl_err *err)
{
    for (int k = 0; k < t->nkeys; k++)
        if (!(keys[k] = sl_builder_finish(&t->keys[k], err)))
            return -SL_ENOMEM;
    return 0;
}

/* The keys of the chosen groups, which are all groups without sel. */
static int choose_keys(const struct table *t, struct sl_column **keys, const struct sl_buffer *sel,
                       struct sl_batch *to, struct sl_err *err)
{
    for (int k = 0; k < t->nkeys; k++) {
        to->columns[k] =
            sel ? sl_column_take(keys[k], (const uint32_t *)sel->data, to->rows, NULL, err)
                : sl_column_ref(keys[k]);
        if (!to->columns[k])
            return -SL_ENOMEM;
    }
    return 0;
}

/* Results for n groups as a batch of the output schema; NULL if --having leaves none of them. */
static int make_batch(struct sl_aggregate *a, const struct sl_entry *e, size_t n,
                      struct sl_batch **out, struct sl_err *err)
{
    assert(n > 0);
    struct table t;
    struct sl_batch *b = NULL;
    struct sl_buffer *sel = NULL;
    size_t chosen = n;
    int at = a->keys->nfields, rc = table_init(a, &t, err);
    struct sl_column **keys = sl_calloc((size_t)at + 1, sizeof(*keys));

    if (rc == 0 && !keys)
        rc = sl_err_nomem(err, "results");
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = table_add(a, &t, e[i].a, err);
    if (rc == 0)
        rc = finish_keys(&t, keys, err);
    if (rc == 0)
        rc = choose(a, &t, keys, &chosen, &sel, err);
    if (rc < 0 || !chosen)
        goto out;
    b = sl_batch_new(a->out, chosen);
    rc = b ? choose_keys(&t, keys, sel, b, err) : sl_err_nomem(err, "results");
    for (int l = 0; rc == 0 && l < a->select.n; l++)
        rc = eval_items(a, l, &t, keys, n, sel, b, &at, err);
out:
    for (int k = 0; keys && k < a->keys->nfields; k++)
        sl_column_unref(keys[k]);
    free(keys);
    sl_buffer_unref(sel);
    table_release(a, &t);
    if (rc < 0) {
        sl_batch_unref(b);
        b = NULL;
    }
    *out = b;
    return SL_MIN(rc, 0);
}

/* ---- emission ---- */

/* Copies of this operator hold parts of the same windows until they are merged. */
static int may_close(const struct sl_aggregate *a)
{
    return a->windowed && a->wm_column >= 0 && atomic_load(a->family) == 1;
}

/* No window that starts before this is emitted any more. */
int64_t sl_aggregate_output_watermark(const struct sl_aggregate *a)
{
    int64_t start, end;
    if (!may_close(a) || a->watermark == SL_TIME_MIN || a->watermark == SL_TIME_MAX)
        return SL_TIME_MIN;
    if (!sl_window_around(&a->window, sl_time_add(a->watermark, -a->lateness), &start, &end))
        return SL_TIME_MIN;
    return start;
}

static int emit_entries(struct sl_aggregate *a, const struct sl_entry *e, size_t n,
                        struct sl_emit *out, struct sl_err *err)
{
    int rc = SL_PUSH_OK;
    for (size_t i = 0; i < n && rc == SL_PUSH_OK; i += SL_BATCH_ROWS) {
        size_t m = SL_MIN((size_t)SL_BATCH_ROWS, n - i);
        struct sl_batch *b;
        rc = make_batch(a, e + i, m, &b, err);
        if (rc < 0)
            return rc;
        if (b)
            rc = out->emit(out, b, err);
        sl_batch_unref(b);
    }
    return rc;
}

void sl_aggregate_forget(struct sl_aggregate *a, size_t n)
{
    assert(n <= a->nwindows && !a->unsorted);
    const uint32_t *next = a->next.data;
    for (size_t w = 0; w < n; w++) {
        for (uint32_t g = a->windows[w].groups; g; g = next[g - 1]) {
            for (int c = 0; c < a->naccs; c++)
                sl_acc_reset(a->accs[c], g - 1);
            sl_group_remove(&a->groups, g - 1);
        }
    }
    sl_aggregate_drop_windows(a, n);
}

static int is_closed(const struct sl_aggregate *a, const struct sl_open_window *w)
{
    return sl_time_add(w->end, a->lateness) <= a->watermark;
}

size_t sl_aggregate_closed(const struct sl_aggregate *a)
{
    assert(!a->unsorted);
    size_t n = 0;
    while (n < a->nwindows && is_closed(a, &a->windows[n]))
        n++;
    return n;
}

int sl_aggregate_is_full(struct sl_aggregate *a)
{
    assert(sl_aggregate_is_sound(a));
    size_t groups = 0;
    if (!may_close(a))
        return 0;
    sl_aggregate_sort_windows(a);
    for (size_t w = 0; w < a->nwindows && is_closed(a, &a->windows[w]); w++) {
        groups += a->windows[w].ngroups;
        if (groups >= SL_BATCH_ROWS / 4)
            return 1;
    }
    return 0;
}

int sl_aggregate_emit(struct sl_aggregate *a, int all, struct sl_emit *out, struct sl_err *err)
{
    assert(sl_aggregate_is_sound(a) && a->out);
    size_t nwindows = 0, n = 0;
    int64_t rows = 0;
    struct sl_vec list;
    struct sl_entry one = {.a = 0};
    int rc = SL_PUSH_OK;

    if (!all && !may_close(a))
        return SL_PUSH_OK;
    rc = sl_aggregate_ready(a, err);
    if (rc == 0 && !a->nkeys)
        rc = sl_aggregate_admit(a, err);
    if (rc == 0 && a->nsets && all)
        rc = sl_aggregate_total(a, err);
    if (rc < 0)
        return rc;
    sl_aggregate_sort_windows(a);
    nwindows = all ? a->nwindows : sl_aggregate_closed(a);
    for (size_t w = 0; w < nwindows; w++) {
        n += a->windows[w].ngroups;
        rows += a->windows[w].rows;
    }
    if (!all)
        a->passed = a->watermark;
    if (!a->windowed) {
        n = a->nkeys ? a->groups.live : 1;
        rows = a->held;
    }
    if (!n)
        return SL_PUSH_OK;
    sl_vec_init(&list, a->op.account);
    struct sl_entry *e = &one;
    if (a->nkeys) {
        rc = sl_vec_reserve(&list, 2 * n * sizeof(*e), err);
        if (rc < 0)
            return rc;
        e = list.data;
        n = list_groups(a, nwindows, e, e + n);
    }
    rc = (a->parts == SL_AGGREGATE_PARTIAL ? sl_aggregate_emit_states : emit_entries)(a, e, n, out,
                                                                                      err);
    if (rc >= 0) {
        out->fate(out, SL_FATE_RELEASED, rows);
        a->held -= rows;
        if (all)
            sl_aggregate_clear(a);
        else
            sl_aggregate_forget(a, nwindows);
    }
    sl_vec_release(&list);
    return rc;
}

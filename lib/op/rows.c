/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* rows: see rows.h. */
#include "op/rows.h"

struct sl_rows_bad {
    struct sl_aside_rows rows; /* of the work's batch: positions; afterwards physical rows */
    struct sl_arena texts;
};

int sl_rows_note(struct sl_aside_rows *l, struct sl_aside_row row, struct sl_err *err)
{
    assert(l->n <= l->cap);
    int rc = SL_GROW(l->items, l->n + 1, l->cap, "the rows of a batch that go aside", err);
    if (rc == 0)
        l->items[l->n++] = row;
    return rc;
}

int sl_rows_aside(struct sl_aside_rows *l, enum sl_aside_kind kind, struct sl_batch *b,
                  struct sl_emit *out, struct sl_err *err)
{
    assert(l->n <= l->cap && sl_batch_is_sound(b));
    int rc = l->n ? out->aside(out, kind, b, l->items, l->n, err) : 0;
    free(l->items);
    *l = (struct sl_aside_rows){0};
    return rc;
}

/* Position in b of a physical row, which it has. */
static size_t position(const struct sl_batch *b, size_t row)
{
    size_t low = 0, high = b->selected;
    if (!b->selection)
        return row;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (b->selection[mid] < row)
            low = mid + 1;
        else
            high = mid;
    }
    assert(low < b->selected && b->selection[low] == row);
    return low;
}

int sl_rows_failed(struct sl_rows_bad *bad, int rc, const struct sl_eval *ev,
                   const struct sl_batch *b, const struct sl_batch *part, const char *column,
                   struct sl_err *err)
{
    assert(bad && ev && b && part->rows == b->rows && part->selected <= b->selected);
    if (rc != -SL_EROW)
        return rc;
    size_t n = sl_eval_failures(ev);
    assert(n > 0);
    for (size_t i = 0; i < n; i++) {
        struct sl_err why;
        sl_eval_failure(ev, i, &why);
        size_t at = (size_t)why.line;
        assert(at < part->selected);
        if (part != b)
            at = position(b, sl_batch_row(part, at));
        const char *what = sl_arena_strndup(&bad->texts, why.what, strlen(why.what));
        if (!what)
            return sl_err_nomem(err, "the bad rows of a batch");
        int e = sl_rows_note(
            &bad->rows, (struct sl_aside_row){.row = (uint32_t)at, .column = column, .what = what},
            err);
        if (e < 0)
            return e;
    }
    return rc;
}

/* b less the bad rows from number `from` on, which are in order; their positions become rows. */
static int leave_out(struct sl_rows_bad *bad, size_t from, struct sl_batch **b, struct sl_err *err)
{
    assert(from <= bad->rows.n && sl_batch_is_sound(*b));
    size_t n = 0;
    uint32_t *rows = sl_malloc((*b)->selected * sizeof(*rows));
    if (!rows)
        return sl_err_nomem(err, "the rows of a batch");
    for (size_t k = 0; k < (*b)->selected; k++) {
        uint32_t row = (uint32_t)sl_batch_row(*b, k);
        if (from < bad->rows.n && bad->rows.items[from].row == k)
            bad->rows.items[from++].row = row;
        else
            rows[n++] = row;
    }
    assert(from == bad->rows.n);
    struct sl_batch *rest = sl_batch_pick(*b, rows, n, NULL, err);
    free(rows);
    if (!rest)
        return -SL_ENOMEM;
    sl_batch_unref(*b);
    *b = rest;
    return 0;
}

static int row_order(const void *a, const void *b)
{
    const struct sl_aside_row *x = a, *y = b;
    return x->row < y->row ? -1 : x->row > y->row;
}

int sl_rows_try(struct sl_batch *b, sl_rows_work *work, void *arg, struct sl_emit *out,
                struct sl_batch **good, struct sl_err *err)
{
    assert(work && good && sl_batch_is_sound(b));
    struct sl_rows_bad bad = {.rows = {0}};
    struct sl_batch *now = sl_batch_ref(b);
    struct sl_err own;
    int rc;

    *good = NULL;
    sl_err_init(&own);
    sl_arena_init(&bad.texts);
    err = err ? err : &own;
    for (;;) {
        size_t before = bad.rows.n;
        rc = work(arg, now, &bad, err);
        if (rc != -SL_EROW)
            break;
        if (bad.rows.n == before) {
            rc = sl_err_set(err, SL_EBUG, "a bad row without its number");
            break;
        }
        rc = leave_out(&bad, before, &now, err);
        if (rc < 0 || !now->selected)
            break;
    }
    size_t n = bad.rows.n;
    if (rc >= 0 && n) {
        qsort(bad.rows.items, n, sizeof(*bad.rows.items), row_order);
        rc = sl_rows_aside(&bad.rows, SL_ASIDE_REJECTED, b, out, err);
    }
    if (rc >= 0 && (now->selected || !n))
        *good = sl_batch_ref(now);
    sl_batch_unref(now);
    free(bad.rows.items);
    sl_arena_release(&bad.texts);
    return rc < 0 ? rc : 0;
}

int sl_rows_emit(struct sl_topn *t, struct sl_emit *out, int64_t *cut, struct sl_err *err)
{
    assert(out && cut && t->given <= t->n);
    struct sl_batch *b = NULL;
    int rc = SL_PUSH_OK, more = 1;
    while (rc == SL_PUSH_OK && (more = sl_topn_next(t, &b, err)) > 0) {
        rc = out->emit(out, b, err);
        sl_batch_unref(b);
    }
    if (rc < 0 || more < 0)
        return rc < 0 ? rc : more;
    *cut += sl_topn_drop(t);
    return rc;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* rows: see rows.h. */
#include "op/rows.h"

struct bad {
    uint32_t at;      /* of the work's batch: position; afterwards physical row */
    int column;       /* character of the expression */
    const char *name; /* of what was computed, or NULL */
    char *what;
};

struct sl_rows_bad {
    struct bad *rows;
    size_t n, cap;
};

int sl_rows_reject(struct sl_batch *b, size_t at, struct sl_emit *out, const struct sl_err *why,
                   struct sl_err *err)
{
    assert(at < b->selected);
    return out->reject(out, b, sl_batch_row(b, at), why, err);
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
    if (rc != -SL_EROW)
        return rc;
    size_t n = sl_eval_failures(ev);
    assert(n > 0);
    if (SL_GROW(bad->rows, bad->n + n, bad->cap, "the bad rows of a batch", err) < 0)
        return -SL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct sl_err why;
        sl_eval_failure(ev, i, &why);
        size_t at = (size_t)why.line;
        assert(at < part->selected);
        if (part != b)
            at = position(b, sl_batch_row(part, at));
        char *what = sl_strdup(why.what);
        if (!what)
            return sl_err_nomem(err, "the bad rows of a batch");
        bad->rows[bad->n++] = (struct bad){(uint32_t)at, why.column, column, what};
    }
    return rc;
}

/* b less the bad rows from number `from` on, which are in order; their positions become rows. */
static int leave_out(struct sl_rows_bad *bad, size_t from, struct sl_batch **b, struct sl_err *err)
{
    size_t n = 0;
    uint32_t *rows = sl_malloc((*b)->selected * sizeof(*rows));
    if (!rows)
        return sl_err_nomem(err, "the rows of a batch");
    for (size_t k = 0; k < (*b)->selected; k++) {
        uint32_t row = (uint32_t)sl_batch_row(*b, k);
        if (from < bad->n && bad->rows[from].at == k)
            bad->rows[from++].at = row;
        else
            rows[n++] = row;
    }
    assert(from == bad->n);
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
    const struct bad *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int reject_all(struct sl_rows_bad *bad, struct sl_batch *b, struct sl_emit *out,
                      struct sl_err *err)
{
    int rc = 0;
    qsort(bad->rows, bad->n, sizeof(*bad->rows), row_order);
    for (size_t i = 0; rc >= 0 && i < bad->n; i++) {
        struct sl_err why;
        sl_err_set(&why, SL_EROW, "%s", bad->rows[i].what);
        why.column = bad->rows[i].column;
        if (bad->rows[i].name)
            sl_err_place(&why, "%s", bad->rows[i].name);
        rc = out->reject(out, b, bad->rows[i].at, &why, err);
    }
    return rc;
}

int sl_rows_try(struct sl_batch *b, sl_rows_work *work, void *arg, struct sl_emit *out,
                struct sl_batch **good, struct sl_err *err)
{
    struct sl_rows_bad bad = {0};
    struct sl_batch *now = sl_batch_ref(b);
    struct sl_err own;
    int rc;

    *good = NULL;
    sl_err_init(&own);
    err = err ? err : &own;
    for (;;) {
        size_t before = bad.n;
        rc = work(arg, now, &bad, err);
        if (rc != -SL_EROW)
            break;
        if (bad.n == before) {
            rc = sl_err_set(err, SL_EBUG, "a bad row without its number");
            break;
        }
        rc = leave_out(&bad, before, &now, err);
        if (rc < 0 || !now->selected)
            break;
    }
    if (rc >= 0 && bad.n)
        rc = reject_all(&bad, b, out, err);
    if (rc >= 0 && (now->selected || !bad.n))
        *good = sl_batch_ref(now);
    sl_batch_unref(now);
    for (size_t i = 0; i < bad.n; i++)
        free(bad.rows[i].what);
    free(bad.rows);
    return rc < 0 ? rc : 0;
}

int sl_rows_emit(struct sl_topn *t, struct sl_emit *out, int64_t *cut, struct sl_err *err)
{
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

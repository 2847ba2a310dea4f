/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* rows: see rows.h. */
#include "op/rows.h"

enum { FEW = 64 }; /* rows among which bad ones are taken out one by one */

struct search {
    struct sl_batch *batch;
    sl_rows_work *work;
    void *arg;
    struct sl_emit *out;
    uint32_t *good; /* physical rows */
    size_t ngood;
};

struct sl_batch *sl_rows_pick(struct sl_batch *b, const uint32_t *rows, size_t n,
                              struct sl_account *account, struct sl_err *err)
{
    struct sl_buffer *sel = sl_buffer_new(account, n * sizeof(*rows));
    if (!sel) {
        sl_err_nomem(err, "a selection");
        return NULL;
    }
    if (n)
        memcpy(sel->data, rows, n * sizeof(*rows));
    return sl_batch_select(b, sel, n, err);
}

int sl_rows_reject(struct sl_batch *b, size_t at, struct sl_emit *out, const struct sl_err *why,
                   struct sl_err *err)
{
    return out->reject(out, b, sl_batch_row(b, at), why, err);
}

int64_t sl_rows_position(const struct sl_batch *all, const struct sl_batch *part, int64_t at)
{
    if (at < 0 || (uint64_t)at >= part->selected)
        return -1;
    size_t row = sl_batch_row(part, (size_t)at);
    if (!all->selection)
        return (int64_t)row;
    size_t low = 0, high = all->selected;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (all->selection[mid] < row)
            low = mid + 1;
        else
            high = mid;
    }
    return (int64_t)low;
}

/* Runs the work on the given physical rows: 0, -SL_EROW with *bad set, < 0. */
static int run_on(struct search *s, const uint32_t *rows, size_t n, size_t *bad, struct sl_err *why)
{
    struct sl_batch *part = sl_rows_pick(s->batch, rows, n, NULL, why);
    if (!part)
        return -SL_ENOMEM;
    int rc = s->work(s->arg, part, why);
    sl_batch_unref(part);
    if (rc != -SL_EROW)
        return rc;
    if (why->line < 0 || (uint64_t)why->line >= n)
        return sl_err_set(why, SL_EBUG, "a bad row without its number");
    *bad = (size_t)why->line;
    return rc;
}

static int search_few(struct search *s, const uint32_t *rows, size_t n, struct sl_err *err)
{
    uint32_t left[FEW];
    struct sl_err why;
    size_t bad = 0;
    int rc;

    memcpy(left, rows, n * sizeof(*left));
    while (n) {
        sl_err_init(&why);
        rc = run_on(s, left, n, &bad, &why);
        if (rc >= 0)
            break;
        if (rc == -SL_EROW)
            rc = s->out->reject(s->out, s->batch, left[bad], &why, err);
        else
            *err = why;
        if (rc < 0)
            return rc;
        memmove(left + bad, left + bad + 1, (n - bad - 1) * sizeof(*left));
        n--;
    }
    memcpy(s->good + s->ngood, left, n * sizeof(*left));
    s->ngood += n;
    return 0;
}

static int search_rows(struct search *s, const uint32_t *rows, size_t n, struct sl_err *err)
{
    struct sl_err why;
    size_t bad;

    if (n <= FEW)
        return search_few(s, rows, n, err);
    sl_err_init(&why);
    int rc = run_on(s, rows, n, &bad, &why);
    if (rc >= 0) {
        memcpy(s->good + s->ngood, rows, n * sizeof(*rows));
        s->ngood += n;
        return 0;
    }
    if (rc != -SL_EROW) {
        *err = why;
        return rc;
    }
    rc = search_rows(s, rows, n / 2, err);
    return rc < 0 ? rc : search_rows(s, rows + n / 2, n - n / 2, err);
}

int sl_rows_try(struct sl_batch *b, sl_rows_work *work, void *arg, struct sl_emit *out,
                struct sl_batch **good, struct sl_err *err)
{
    struct search s = {.batch = b, .work = work, .arg = arg, .out = out};
    uint32_t *rows = NULL;
    size_t n = b->selected;
    struct sl_err own;

    *good = NULL;
    sl_err_init(&own);
    err = err ? err : &own;
    int rc = work(arg, b, err);
    if (rc >= 0) {
        *good = sl_batch_ref(b);
        return 0;
    }
    if (rc != -SL_EROW)
        return rc;
    rows = sl_malloc(n * sizeof(*rows));
    s.good = sl_malloc(n * sizeof(*rows));
    if (!rows || !s.good) {
        rc = sl_err_nomem(err, "the rows of a batch");
        goto out;
    }
    for (size_t k = 0; k < n; k++)
        rows[k] = (uint32_t)sl_batch_row(b, k);
    /* The whole batch is known to fail: begin with its halves. */
    if (n <= FEW) {
        rc = search_few(&s, rows, n, err);
    } else {
        rc = search_rows(&s, rows, n / 2, err);
        if (rc >= 0)
            rc = search_rows(&s, rows + n / 2, n - n / 2, err);
    }
    if (rc < 0 || !s.ngood)
        goto out;
    *good = sl_rows_pick(b, s.good, s.ngood, NULL, err);
    rc = *good ? work(arg, *good, err) : -SL_ENOMEM;
    if (rc < 0) {
        sl_batch_unref(*good);
        *good = NULL;
    }
out:
    free(rows);
    free(s.good);
    return rc < 0 ? rc : 0;
}

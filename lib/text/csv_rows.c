/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * csv_rows: from the list of separators to runs of rows.
 *
 * The usual chunk is regular: the number of separators is the number of records times the number
 * of fields, and each nf-th separator is a line end; then there is one run, broken only where
 * quotes are. Anything else is walked record by record.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/csv.h"
#include "text/text_reader.h"

struct walk {
    struct sl_csv_rows *rows;
    const struct sl_csv_index *x;
    const struct sl_csv_shape *shape;
    struct sl_reject_list *rejects;
    const char *data;
    size_t n;
};

/* The record whose fields end with separators from + 1 .. to, without its line end. */
static void record_span(const char *data, size_t n, const uint32_t *seps, size_t from, size_t to,
                        size_t *byte, size_t *len)
{
    size_t b = seps[from], e = seps[to] - 1;
    assert(e <= n);
    (void)n;
    if (e > b && data[e - 1] == '\r')
        e--;
    *byte = b;
    *len = e - b;
}

static struct sl_csv_run *new_run(struct sl_csv_rows *rows)
{
    if (SL_GROW(rows->runs, rows->nruns + 1, rows->cap_runs, "splitting text", NULL) < 0)
        return NULL;
    struct sl_csv_run *run = &rows->runs[rows->nruns++];
    *run = (struct sl_csv_run){0};
    return run;
}

/* n regular rows, the first beginning at separator from; quotes: some fields are quoted. */
static int add_regular(struct walk *w, size_t from, size_t n, int quotes, struct sl_err *err)
{
    struct sl_csv_rows *rows = w->rows;
    if (!n)
        return 0;
    struct sl_csv_run *last = rows->nruns ? &rows->runs[rows->nruns - 1] : NULL;
    const uint32_t *seps = w->x->seps + from;
    if (last && last->base && last->seps + last->rows * (size_t)rows->nf == seps) {
        last->rows += n;
    } else {
        last = new_run(rows);
        if (!last)
            return sl_err_nomem(err, "splitting text");
        last->base = w->data;
        last->seps = seps;
        last->rows = n;
    }
    last->quotes |= quotes;
    rows->rows += n;
    return 0;
}

/* Parsed rows are runs with base NULL until the end, when odd no longer moves. */
static int add_odd(struct walk *w, size_t byte, size_t len, struct sl_err *err)
{
    struct sl_csv_rows *rows = w->rows;
    int rc = SL_GROW(rows->origins, rows->odd_rows + 1, rows->cap_rows, "splitting text", err);
    if (rc < 0)
        return rc;
    rows->origins[rows->odd_rows++] = (struct sl_csv_origin){(uint32_t)byte, (uint32_t)len};
    struct sl_csv_run *last = rows->nruns ? &rows->runs[rows->nruns - 1] : NULL;
    if (!last || last->base) {
        last = new_run(rows);
        if (!last)
            return sl_err_nomem(err, "splitting text");
    }
    last->rows++;
    rows->rows++;
    return 0;
}

static int reject_count(struct walk *w, size_t byte, size_t len, size_t got, struct sl_err *err)
{
    return sl_text_reject(w->rejects, byte, len, 0, NULL, err, "%zu %s, %s has %d", got,
                          sl_plural((int64_t)got, "field", "fields"), w->shape->names_from,
                          w->shape->nf);
}

/* A record with quotes. */
static int take_odd(struct walk *w, size_t byte, size_t len, struct sl_err *err)
{
    const char *s = w->data + byte;
    int field;
    switch (sl_csv_check(s, len, w->shape->delim, &field)) {
    case SL_CSV_OPEN_QUOTE:
        return sl_text_reject(w->rejects, byte, len, field, NULL, err,
                              "the quote that opens the field is never closed");
    case SL_CSV_BEHIND_QUOTE:
        return sl_text_reject(w->rejects, byte, len, field, NULL, err,
                              "text behind the quote that closes the field");
    default: break;
    }
    size_t fields = w->rows->odd_fields, bytes = w->rows->odd.len;
    int got = sl_csv_odd_record(w->rows, s, len, w->shape->delim, err);
    if (got < 0)
        return got;
    if (got == w->shape->nf)
        return add_odd(w, byte, len, err);
    w->rows->odd_fields = fields;
    w->rows->odd.len = bytes;
    return reject_count(w, byte, len, (size_t)got, err);
}

/* Field (1-based) of the record that holds invalid UTF-8 and is not of bytea; 0 = none. */
static int bad_utf8(const struct walk *w, size_t from, size_t to)
{
    const uint32_t *seps = w->x->seps;
    for (size_t k = from; k < to; k++) {
        if (w->shape->bytea && k - from < (size_t)w->shape->nf && w->shape->bytea[k - from])
            continue;
        if (!sl_utf8_valid(w->data + seps[k], seps[k + 1] - 1 - seps[k]))
            return (int)(k - from) + 1;
    }
    return 0;
}

/* Are fields with quotes (those of x->quotes[q .. end), of a record that ends with separator to)
 * all of the form "..." with no quote inside? */
static int simple_quotes(const struct walk *w, size_t q, size_t end, size_t to)
{
    for (; q < end; q++) {
        uint32_t k = w->x->quotes[q];
        size_t b = w->x->seps[k - 1], e = w->x->seps[k] - 1;
        if (k == to && e > b && w->data[e - 1] == '\r')
            e--;
        if (e < b + 2 || w->data[b] != '"' || w->data[e - 1] != '"' ||
            memchr(w->data + b + 1, '"', e - b - 2))
            return 0;
    }
    return 1;
}

/* One record whose fields end with separators from + 1 .. to, with quotes in x->quotes[q .. end). */
static int take_record(struct walk *w, size_t from, size_t to, size_t q, size_t end,
                       struct sl_err *err)
{
    size_t byte, len, got = to - from;
    SL_CHECK_THAT(from < to && to <= w->x->n && q <= end);
    record_span(w->data, w->n, w->x->seps, from, to, &byte, &len);
    int bad = w->shape->check_utf8 ? bad_utf8(w, from, to) : 0;
    if (bad)
        return sl_text_reject_bytes(w->rejects, w->data, byte, len, bad, 1, err);
    if (q < end && (got != (size_t)w->shape->nf || !simple_quotes(w, q, end, to)))
        return take_odd(w, byte, len, err);
    if (len == 0 && w->shape->nf > 1) {
        w->rows->skipped++;
        return 0;
    }
    if (got != (size_t)w->shape->nf)
        return reject_count(w, byte, len, got, err);
    return add_regular(w, from, 1, q < end, err);
}

static int walk_records(struct walk *w, struct sl_err *err)
{
    const struct sl_csv_index *x = w->x;
    size_t q = 0, from = 0;
    for (size_t k = 1; k <= x->n; k++) {
        if (k < x->n && w->data[x->seps[k] - 1] != w->shape->eol)
            continue;
        size_t first = q;
        while (q < x->nquotes && x->quotes[q] <= k)
            q++;
        int rc = take_record(w, from, k, first, q, err);
        if (rc < 0)
            return rc;
        from = k;
    }
    return 0;
}

/* All records have nf fields: only those with quotes are looked at. */
static int walk_quotes(struct walk *w, struct sl_err *err)
{
    const struct sl_csv_index *x = w->x;
    size_t nf = (size_t)w->shape->nf, next = 0, total = x->n / nf;
    assert(x->n % nf == 0);
    int rc = 0, quotes = 0;
    for (size_t q = 0, end; q < x->nquotes && rc >= 0; q = end) {
        size_t row = (x->quotes[q] - 1) / nf, to = row * nf + nf;
        for (end = q; end < x->nquotes && x->quotes[end] <= to; end++)
            ;
        if (simple_quotes(w, q, end, to)) {
            quotes = 1;
            continue;
        }
        rc = add_regular(w, next * nf, row - next, quotes, err);
        if (rc >= 0)
            rc = take_record(w, row * nf, to, q, end, err);
        quotes = 0;
        next = row + 1;
    }
    return rc < 0 ? rc : add_regular(w, next * nf, total - next, quotes, err);
}

static int is_regular(const struct sl_csv_index *x, const char *data, size_t nf, char eol)
{
    if (x->n != x->records * nf || nf == 1)
        return nf == 1 && x->n == x->records;
    uint8_t wrong = 0;
    for (size_t k = nf; k < x->n; k += nf)
        wrong |= data[x->seps[k] - 1] != eol;
    return !wrong;
}

int sl_csv_rows(struct sl_csv_rows *rows, const struct sl_csv_index *x, const char *data, size_t n,
                const struct sl_csv_shape *shape, struct sl_reject_list *rejects,
                struct sl_err *err)
{
    assert(rows && x && shape && rejects);
    struct walk w = {rows, x, shape, rejects, data, n};
    rows->nruns = rows->rows = rows->skipped = 0;
    rows->odd_fields = rows->odd_rows = 0;
    rows->nf = shape->nf;
    sl_buf_reset(&rows->odd);
    if (!x->n)
        return 0;
    int rc;
    if (!shape->check_utf8 && is_regular(x, data, (size_t)shape->nf, shape->eol))
        rc = walk_quotes(&w, err);
    else
        rc = walk_records(&w, err);
    if (rc < 0)
        return rc;
    size_t odd = 0;
    sl_buf_room(&rows->odd,
                SL_TEXT_SLACK); /* spans are read beyond their end; may move the bytes */
    for (size_t i = 0; i < rows->nruns; i++) {
        struct sl_csv_run *run = &rows->runs[i];
        if (run->base)
            continue;
        run->base = rows->odd.data;
        run->seps = rows->odd_seps + odd * (size_t)rows->nf;
        run->null = rows->odd_null + odd * (size_t)rows->nf;
        run->origin = rows->origins + odd;
        odd += run->rows;
    }
    assert(odd == rows->odd_rows);
    return sl_buf_check(&rows->odd, err);
}

void sl_csv_record(const struct sl_csv_rows *rows, size_t r, const char *data, size_t n,
                   size_t *byte, size_t *len)
{
    assert(byte && len);
    assert(r < rows->rows);
    const struct sl_csv_run *run = rows->runs;
    while (r >= run->rows)
        r -= run++->rows;
    if (run->origin) {
        *byte = run->origin[r].byte;
        *len = run->origin[r].len;
        return;
    }
    size_t nf = (size_t)rows->nf;
    record_span(data, n, run->seps, r * nf, r * nf + nf, byte, len);
}

void sl_csv_records(const struct sl_csv_rows *rows, const char *data, size_t n,
                    struct sl_csv_origin *out)
{
    size_t nf = (size_t)rows->nf, byte, len;
    for (size_t i = 0; i < rows->nruns; i++) {
        const struct sl_csv_run *run = &rows->runs[i];
        if (run->origin)
            memcpy(out, run->origin, run->rows * sizeof *out);
        for (size_t k = 0; k < run->rows && !run->origin; k++) {
            record_span(data, n, run->seps, k * nf, k * nf + nf, &byte, &len);
            out[k] = (struct sl_csv_origin){(uint32_t)byte, (uint32_t)len};
        }
        out += run->rows;
    }
}

void sl_csv_rows_release(struct sl_csv_rows *rows)
{
    sl_csv_odd_free(rows->parser);
    sl_buf_release(&rows->odd);
    free(rows->runs);
    free(rows->odd_seps);
    free(rows->odd_null);
    free(rows->origins);
    *rows = (struct sl_csv_rows){0};
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * csv_write: rows as CSV or TSV.
 *
 * A field is quoted only where it must be: it holds the delimiter, a quote, CR or LF, or is empty
 * text (null is nothing at all, so that the two differ). Times are written as SQL writes them. With
 * one column a null row is a blank line, which a reader of one column takes for the same.
 */
#include "text/text_writer.h"

/* Must a value be quoted? Eight bytes at a time: a byte equal to x makes a zero byte in the xor. */
static int needs_quotes(const char *s, size_t n, char delim)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    const uint64_t d = ones * (unsigned char)delim, q = ones * '"';
    uint64_t hit = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t x, a, b, c, e;
        memcpy(&x, s + i, 8);
        a = x ^ d;
        b = x ^ q;
        c = x ^ (ones * '\n');
        e = x ^ (ones * '\r');
        hit |= ((a - ones) & ~a) | ((b - ones) & ~b) | ((c - ones) & ~c) | ((e - ones) & ~e);
    }
    if (hit & tops)
        return 1;
    for (; i < n; i++)
        if (s[i] == delim || s[i] == '"' || s[i] == '\n' || s[i] == '\r')
            return 1;
    return n == 0;
}

/* Spreadsheets take such cells for formulas. */
static int is_formula(const char *s, size_t n)
{
    return n && memchr("=+-@\t\r", s[0], 7) != NULL;
}

static int put_text(const struct sl_text_writer *w, struct sl_text_out *o, const char *s, size_t n)
{
    if (sl_text_out_room(o, 2 * n + 96) < 0)
        return -1;
    int mark = w->o.spreadsheet_safe && is_formula(s, n);
    if (!needs_quotes(s, n, w->delim)) {
        if (mark)
            *o->p++ = '\'';
        memcpy(o->p, s, n);
        o->p += n;
        return 0;
    }
    *o->p++ = '"';
    if (mark)
        *o->p++ = '\'';
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"')
            *o->p++ = '"';
        *o->p++ = s[i];
    }
    *o->p++ = '"';
    return 0;
}

static int put_cell(const struct sl_text_writer *w, struct sl_text_out *o,
                    const struct sl_text_cells *x, size_t row)
{
    size_t k = sl_text_cell_slot(x, row);
    if (x->at) {
        size_t from = x->at[k], n = x->at[k + 1] - from;
        if (sl_text_out_room(o, n + 96) < 0)
            return -1;
        memcpy(o->p, x->text.data + from, 32);
        if (SL_UNLIKELY(n > 32))
            memcpy(o->p, x->text.data + from, n);
        o->p += n;
        return 0;
    }
    if (x->kind == SL_TEXT || x->kind == SL_JSONB) {
        size_t n = (size_t)(x->h->offsets[k + 1] - x->h->offsets[k]);
        return put_text(w, o, (const char *)x->h->data + x->h->offsets[k], n);
    }
    if (!sl_text_cell_plain(x->kind))
        return sl_text_cell_other(w, o, x, row, put_text);
    /* A delimiter that can be part of a number or time. */
    if (SL_UNLIKELY(memchr("+-.: eENIadfilnrtsuy0123456789", w->delim, 30) != NULL))
        return sl_text_cell_other(w, o, x, row, put_text);
    sl_text_cell_print(w, o, x, k, SL_TIME_SQL);
    return 0;
}

int sl_csv_header(struct sl_text_writer *w, struct sl_buf *out, struct sl_err *err)
{
    assert(w && out);
    struct sl_text_out o;
    int first = 1;
    sl_text_out_open(&o, out);
    for (int i = 0; i < w->schema->nfields; i++) {
        if (i == w->rest && !w->rest_shown)
            continue;
        const char *name = w->schema->fields[i].name;
        if (sl_text_out_room(&o, 96) < 0)
            break;
        if (!first)
            *o.p++ = w->delim;
        first = 0;
        if (put_text(w, &o, name, strlen(name)) < 0)
            break;
    }
    if (sl_text_out_room(&o, 1) == 0)
        *o.p++ = '\n';
    sl_text_out_close(&o);
    return sl_buf_check(out, err);
}

int sl_csv_rows_write(const struct sl_text_writer *w, struct sl_batch *b, struct sl_buf *out,
                      struct sl_err *err)
{
    assert(w && sl_batch_is_sound(b) && out);
    struct sl_text_cells *cells = NULL;
    struct sl_text_out o;
    int n = w->schema->nfields, rc = sl_text_cells_open(w, b, put_text, &cells, err);
    if (rc < 0)
        return rc;
    int shown = 0;
    for (int i = 0; i < n; i++) {
        cells[i].skip = i == w->rest && !w->rest_shown;
        shown += !cells[i].skip;
    }
    sl_text_out_open(&o, out);
    rc = -SL_ENOMEM; /* until all rows are written */
    for (size_t r = 0; r < b->selected; r++) {
        size_t row = sl_batch_row(b, r);
        for (int i = 0; i < n; i++) {
            const struct sl_text_cells *x = &cells[i];
            if (x->skip)
                continue;
            if (sl_text_out_room(&o, 96) < 0)
                goto out;
            if (!sl_text_cell_null(x, row) && put_cell(w, &o, x, row) < 0)
                goto out;
            *o.p++ = w->delim;
        }
        if (!shown && sl_text_out_room(&o, 1) < 0)
            goto out;
        o.p -= shown > 0;
        *o.p++ = '\n';
    }
    rc = 0;
out:
    if (o.p)
        sl_text_out_close(&o);
    sl_text_cells_close(cells, n);
    return rc < 0 ? sl_err_nomem(err, "writing text") : 0;
}

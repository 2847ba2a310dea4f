/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * json_write: one JSON object a row.
 *
 * Numbers are numbers (numeric keeps all digits of its scale), jsonb goes in as it is, times are
 * RFC 3339 strings, null is null; dotted columns stay flat. NaN and infinities, which JSON has not,
 * are strings. Members of _rest are added to the row.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/text_writer.h"

int sl_json_keys_write(struct sl_text_writer *w, struct sl_err *err)
{
    int n = w->schema->nfields;
    w->keys = sl_calloc((size_t)n + 1, sizeof *w->keys);
    if (!w->keys)
        return sl_err_nomem(err, "opening a text writer");
    for (int i = 0; i < n; i++) {
        const char *name = w->schema->fields[i].name;
        sl_buf_add_json(&w->keys[i], name, strlen(name));
        sl_buf_addch(&w->keys[i], ':');
        int rc = sl_buf_check(&w->keys[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Are all bytes printable ASCII but " and \ ? Eight at a time. */
static int is_simple(const char *s, size_t n)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t bad = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t x, q, e;
        memcpy(&x, s + i, 8);
        q = x ^ (ones * '"');
        e = x ^ (ones * '\\');
        bad |= x | ((x - ones * 0x20) & ~x) | ((q - ones) & ~q) | ((e - ones) & ~e);
    }
    if (bad & tops)
        return 0;
    for (; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] >= 0x7f || s[i] == '"' ||
            s[i] == '\\')
            return 0;
    return 1;
}

static int put_text(const struct sl_text_writer *w, struct sl_text_out *o, const char *s, size_t n)
{
    (void)w;
    if (sl_text_out_room(o, n + 96) < 0)
        return -1;
    if (is_simple(s, n)) {
        *o->p++ = '"';
        memcpy(o->p, s, n);
        o->p += n;
        *o->p++ = '"';
        return 0;
    }
    struct sl_buf b = SL_BUF_INIT;
    sl_buf_add_json(&b, s, n);
    int rc = b.failed || sl_text_out_room(o, b.len + 96) < 0 ? -1 : 0;
    if (rc == 0) {
        memcpy(o->p, b.data, b.len);
        o->p += b.len;
    }
    sl_buf_release(&b);
    return rc;
}

static int put_raw(const struct sl_text_writer *w, struct sl_text_out *o, const char *s, size_t n)
{
    (void)w;
    if (sl_text_out_room(o, n + 96) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) /* a line feed between tokens would end the line */
        o->p[i] = s[i] == '\n' || s[i] == '\r' ? ' ' : s[i];
    o->p += n;
    return 0;
}

static int is_finite(double v)
{
    return v - v == 0;
}

static int put_cell(const struct sl_text_writer *w, struct sl_text_out *o,
                    const struct sl_text_cells *x, size_t row)
{
    size_t k = sl_text_cell_slot(x, row);
    if (x->at && x->kind == SL_TEXT) {
        size_t from = x->at[k], n = x->at[k + 1] - from;
        if (sl_text_out_room(o, n + 96) < 0)
            return -1;
        memcpy(o->p, x->text.data + from, n);
        o->p += n;
        return 0;
    }
    if (x->kind == SL_TEXT || x->kind == SL_JSONB) {
        size_t n = (size_t)(x->h->offsets[k + 1] - x->h->offsets[k]);
        const char *s = (const char *)x->h->data + x->h->offsets[k];
        return x->kind == SL_TEXT ? put_text(w, o, s, n) : put_raw(w, o, s, n);
    }
    if (!sl_text_cell_plain(x->kind) ||
        (x->kind == SL_DOUBLE && !is_finite(((const double *)x->h->data)[k])))
        return sl_text_cell_other(w, o, x, row, put_text);
    int quoted = sl_type_is_stamp(x->h->type) || x->kind == SL_DATE;
    if (quoted)
        *o->p++ = '"';
    sl_text_cell_print(w, o, x, k, SL_TIME_RFC3339);
    if (quoted)
        *o->p++ = '"';
    return 0;
}

/* The members of _rest, an object as text. */
static int put_rest(const struct sl_text_writer *w, struct sl_text_out *o,
                    const struct sl_text_cells *x, size_t row, int first)
{
    size_t n;
    const char *s = sl_column_bytes(x->c, row, &n);
    if (n < 2 || s[0] != '{' || s[n - 1] != '}') { /* made by someone else: as it is */
        struct sl_buf *key = &w->keys[w->rest];
        if (put_raw(w, o, key->data, key->len) < 0)
            return -1;
        return put_raw(w, o, s, n);
    }
    if (n == 2) {
        o->p -= !first; /* no member: without the comma before it */
        return 0;
    }
    return put_raw(w, o, s + 1, n - 2);
}

static int put_row(const struct sl_text_writer *w, struct sl_text_out *o,
                   const struct sl_text_cells *cells, size_t row)
{
    int first = 1;
    if (sl_text_out_room(o, 96) < 0)
        return -1;
    *o->p++ = '{';
    for (int i = 0; i < w->schema->nfields; i++) {
        const struct sl_text_cells *x = &cells[i];
        if (x->skip)
            continue;
        int null = sl_text_cell_null(x, row);
        if (i == w->rest && null)
            continue;
        if (sl_text_out_room(o, w->keys[i].len + 96) < 0)
            return -1;
        if (!first)
            *o->p++ = ',';
        if (i == w->rest) {
            if (put_rest(w, o, x, row, first) < 0)
                return -1;
            first = 0;
            continue;
        }
        first = 0;
        memcpy(o->p, w->keys[i].data, w->keys[i].len);
        o->p += w->keys[i].len;
        if (null) {
            memcpy(o->p, "null", 4);
            o->p += 4;
        } else if (put_cell(w, o, x, row) < 0) {
            return -1;
        }
    }
    if (sl_text_out_room(o, 2) < 0)
        return -1;
    *o->p++ = '}';
    *o->p++ = '\n';
    return 0;
}

int sl_json_rows_write(const struct sl_text_writer *w, struct sl_batch *b, struct sl_buf *out,
                       struct sl_err *err)
{
    assert(w && sl_batch_is_sound(b) && out);
    struct sl_text_cells *cells = NULL;
    struct sl_text_out o;
    int rc = sl_text_cells_open(w, b, put_text, &cells, err);
    if (rc < 0)
        return rc;
    sl_text_out_open(&o, out);
    for (size_t r = 0; rc == 0 && r < b->selected; r++)
        rc = put_row(w, &o, cells, sl_batch_row(b, r));
    sl_text_out_close(&o);
    sl_text_cells_close(cells, w->schema->nfields);
    return rc < 0 ? sl_err_nomem(err, "writing text") : 0;
}

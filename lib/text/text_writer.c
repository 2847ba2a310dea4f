/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_writer: batches to text, whatever the format.
 *
 * Formatting rows changes nothing in the writer, so any number of threads may do it; the header is
 * written by sl_text_write alone. The column _rest (keys that came after a schema settled) is left
 * out as long as it is null: JSON adds its members to the row; CSV decides with its header, and a
 * value that comes later is an error, never dropped.
 */
#include "arrow/hidden.h"
#include "base/mem.h"
#include "base/num.h"
#include "text/text_reader.h"
#include "text/text_writer.h"

int sl_text_out_grow(struct sl_text_out *o, size_t n)
{
    if (o->p)
        o->b->len = (size_t)(o->p - o->b->data);
    char *p = sl_buf_room(o->b, n + 4096);
    if (!p)
        return -1;
    o->p = p;
    o->end = o->b->data + o->b->cap - 1;
    if ((size_t)(o->end - o->p) < n) /* whether cap counts the NUL or not */
        o->end = o->p + n;
    return 0;
}

void sl_text_out_close(struct sl_text_out *o)
{
    if (!o->p)
        return;
    o->b->len = (size_t)(o->p - o->b->data);
    *o->p = 0;
}

/* ---- cells ---- */

void sl_text_cells_close(struct sl_text_cells *cells, int n)
{
    assert(cells || !n);
    for (int i = 0; cells && i < n; i++) {
        sl_buf_release(&cells[i].text);
        free(cells[i].at);
    }
    free(cells);
}

static int write_dictionary(const struct sl_text_writer *w, struct sl_text_cells *x,
                            sl_put_bytes *put)
{
    size_t n = x->h->rows;
    struct sl_text_out o;
    x->at = sl_malloc((n + 1) * sizeof *x->at);
    if (!x->at)
        return -1;
    sl_text_out_open(&o, &x->text);
    if (sl_text_out_room(&o, 64) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        x->at[i] = (uint32_t)(o.p - x->text.data);
        size_t len = (size_t)(x->h->offsets[i + 1] - x->h->offsets[i]);
        if (put(w, &o, (const char *)x->h->data + x->h->offsets[i], len) < 0)
            return -1;
    }
    x->at[n] = (uint32_t)(o.p - x->text.data);
    if (sl_text_out_room(&o, 64) < 0) /* values are copied 32 bytes at a time */
        return -1;
    sl_text_out_close(&o);
    return 0;
}

int sl_text_cell_other(const struct sl_text_writer *w, struct sl_text_out *o,
                       const struct sl_text_cells *x, size_t row, sl_put_bytes *put)
{
    struct sl_buf b = SL_BUF_INIT;
    sl_column_print(x->c, row, &b);
    int rc = b.failed ? -1 : put(w, o, b.data ? b.data : "", b.len);
    sl_buf_release(&b);
    return rc;
}

int sl_text_cells_open(const struct sl_text_writer *w, struct sl_batch *b, sl_put_bytes *put,
                       struct sl_text_cells **out, struct sl_err *err)
{
    assert(w && b && out);
    int n = w->schema->nfields;
    struct sl_text_cells *cells = sl_calloc((size_t)n + 1, sizeof *cells);
    if (!cells)
        return sl_err_nomem(err, "writing text");
    assert(b->schema->nfields == n);
    for (int i = 0; i < n; i++) {
        struct sl_text_cells *x = &cells[i];
        x->skip = w->o.columns && !sl_bit(w->o.columns, (size_t)i);
        if (x->skip)
            continue;
        int rc = sl_column_load(b->columns[i], err);
        if (rc < 0) {
            sl_text_cells_close(cells, n);
            return rc;
        }
        x->c = x->h = b->columns[i];
        x->kind = x->c->type.kind;
        x->fixed = x->c->form == SL_CONST;
        if (x->c->form == SL_DICT) {
            x->h = x->c->dict;
            x->codes = x->c->data;
            if (put && (x->kind == SL_TEXT || x->kind == SL_JSONB) && x->h->rows <= b->rows &&
                write_dictionary(w, x, put) < 0) {
                sl_text_cells_close(cells, n);
                return sl_err_nomem(err, "writing text");
            }
        }
    }
    *out = cells;
    return 0;
}

void sl_text_cell_print(const struct sl_text_writer *w, struct sl_text_out *o,
                        const struct sl_text_cells *x, size_t k, enum sl_time_style style)
{
    const void *data = x->h->data;
    switch (x->kind) {
    case SL_BIGINT: o->p += sl_num_print_int(o->p, ((const int64_t *)data)[k]); break;
    case SL_DOUBLE: o->p += sl_num_print_double(o->p, ((const double *)data)[k]); break;
    case SL_NUMERIC: {
        struct sl_type t = x->h->type;
        sl_int128 v;
        if (t.precision <= SL_NUMERIC64_MAX)
            v = ((const int64_t *)data)[k];
        else
            memcpy(&v, (const char *)data + k * sizeof v, sizeof v);
        o->p += sl_num_print_decimal(o->p, v, t.scale);
        break;
    }
    case SL_TIMESTAMPTZ:
        o->p += sl_time_print(o->p, ((const int64_t *)data)[k], x->h->type.nsec, style, w->o.zone);
        break;
    case SL_WALLTIME:
        o->p += sl_time_print_wall(o->p, ((const int64_t *)data)[k], x->h->type.nsec, style);
        break;
    case SL_DATE: o->p += sl_time_print_date(o->p, ((const int32_t *)data)[k]); break;
    default:
        assert(x->kind == SL_BOOL);
        if (sl_bit(data, k)) {
            memcpy(o->p, "true", 4);
            o->p += 4;
        } else {
            memcpy(o->p, "false", 5);
            o->p += 5;
        }
        break;
    }
}

/* ---- the writer ---- */

int sl_text_hidden_column(const struct sl_schema *schema)
{
    assert(sl_schema_is_sound(schema));
    int i = sl_rest_column(schema);
    return i >= 0 && schema->fields[i].type.kind == SL_JSONB ? i : -1;
}

int sl_text_writer_new(const struct sl_text_write_options *o, struct sl_schema *schema,
                       struct sl_text_writer **out, struct sl_err *err)
{
    assert(o && sl_schema_is_sound(schema) && out);
    struct sl_text_writer *w = sl_calloc(1, sizeof *w);
    if (!w)
        return sl_err_nomem(err, "opening a text writer");
    int rc = 0;
    w->o = *o;
    w->schema = sl_schema_ref(schema);
    w->delim = o->format == SL_TEXT_TSV ? '\t' : o->delimiter ? o->delimiter : ',';
    w->rest = sl_text_hidden_column(schema);
    switch (o->format) {
    case SL_TEXT_CSV:
    case SL_TEXT_TSV: break;
    case SL_TEXT_JSON: rc = sl_json_keys_write(w, err); break;
    case SL_TEXT_TABLE:
        w->table = sl_text_table_new(w, err);
        rc = w->table ? 0 : -SL_ENOMEM;
        break;
    default:
        rc = sl_err_set(err, SL_EUSAGE, "format %s cannot be written as text",
                        sl_text_format_name(o->format));
        sl_err_hint(err, "csv, tsv, json, table");
    }
    if (rc < 0) {
        sl_text_writer_free(w);
        return rc;
    }
    *out = w;
    return 0;
}

void sl_text_writer_free(struct sl_text_writer *w)
{
    if (!w)
        return;
    for (int i = 0; w->keys && i < w->schema->nfields; i++)
        sl_buf_release(&w->keys[i]);
    free(w->keys);
    sl_text_table_free(w->table);
    sl_schema_unref(w->schema);
    free(w);
}

/* 1 if some row of _rest has a value; *row is the first that has. */
static int has_rest(const struct sl_text_writer *w, struct sl_batch *b, size_t *row,
                    struct sl_err *err)
{
    struct sl_column *c = b->columns[w->rest];
    int rc = sl_column_load(c, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < b->selected; i++)
        if (!sl_column_null(c, *row = sl_batch_row(b, i)))
            return 1;
    return 0;
}

static int header(struct sl_text_writer *w, struct sl_batch *b, struct sl_buf *out,
                  struct sl_err *err)
{
    if (w->header_done || (w->o.format != SL_TEXT_CSV && w->o.format != SL_TEXT_TSV))
        return 0;
    if (w->rest >= 0 && b && !w->o.no_header) { /* a header that stands already does not name it */
        size_t row;
        int rc = has_rest(w, b, &row, err);
        if (rc < 0)
            return rc;
        w->rest_shown = rc;
    }
    w->header_done = 1;
    return w->o.no_header ? 0 : sl_csv_header(w, out, err);
}

/* A row has members for which the text that stands already has no columns. */
static int came_late(const struct sl_column *rest, size_t row, struct sl_err *err)
{
    struct sl_buf text = SL_BUF_INIT;
    sl_column_print(rest, row, &text);
    int rc =
        sl_err_set(err, SL_ESCHEMA, "a row has keys that came after the header was written: %.200s",
                   text.data ? text.data : "");
    sl_buf_release(&text);
    sl_err_hint(err, "name them with --types, or write json");
    return rc;
}

int sl_text_format_rows(const struct sl_text_writer *w, struct sl_batch *b, struct sl_buf *out,
                        struct sl_err *err)
{
    assert(w && out);
    if (w->o.format == SL_TEXT_JSON)
        return sl_json_rows_write(w, b, out, err);
    if (w->rest >= 0 && !w->rest_shown) {
        size_t row;
        int rc = has_rest(w, b, &row, err);
        if (rc > 0)
            rc = came_late(b->columns[w->rest], row, err);
        if (rc < 0)
            return rc;
    }
    return sl_csv_rows_write(w, b, out, err);
}

int sl_text_write(struct sl_text_writer *w, struct sl_batch *b, struct sl_buf *out,
                  struct sl_err *err)
{
    assert(w && out);
    if (w->table)
        return b ? sl_text_table_write(w->table, b, out, err) : 0;
    int rc = header(w, b, out, err);
    if (rc < 0 || !b || !b->selected)
        return rc;
    return sl_text_format_rows(w, b, out, err);
}

int sl_text_write_flush(struct sl_text_writer *w, struct sl_buf *out, struct sl_err *err)
{
    assert(w && out);
    return w->table ? sl_text_table_flush(w->table, 0, out, err) : 0;
}

int sl_text_write_end(struct sl_text_writer *w, struct sl_buf *out, struct sl_err *err)
{
    assert(w && out);
    if (w->table)
        return sl_text_table_flush(w->table, 1, out, err);
    return header(w, NULL, out, err);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * reject: rows that could not be processed, whole, with the reason and where they came from; either
 * written to the rejects sink or, without one, the error that ends the run at the first of them.
 */
#include "arrow/builder.h"
#include "arrow/hidden.h"
#include "base/utf8.h"
#include "flow/pipeline_int.h"
#include "state/cells.h"

enum { RAW, REASON, COLUMN, SOURCE, LINE, BYTE, PARTITION, OFFSET, AT, HEADER, NFIELDS };

struct sl_schema *sl_reject_schema(void)
{
    static const char fields[] = "raw text, reason text, column text, source text, line bigint, "
                                 "byte bigint, partition bigint, offset bigint, at timestamptz, "
                                 "header text";
    struct sl_schema *s = NULL;
    sl_schema_parse(fields, sizeof(fields) - 1, &s, NULL);
    return s;
}

static void put_text(struct sl_builder *b, const char *s, size_t n)
{
    if (!s)
        sl_builder_null(b);
    else
        sl_builder_bytes(b, s, n);
}

static void put_number(struct sl_builder *b, int64_t v)
{
    if (v < 0)
        sl_builder_null(b);
    else
        sl_builder_int(b, v);
}

/* Bytes that are not valid UTF-8 would make the rejects unreadable: they are shown escaped. */
static int put_raw(struct sl_builder *b, const char *s, size_t n, struct sl_err *err)
{
    struct sl_buf text = SL_BUF_INIT;
    if (sl_utf8_valid(s, n)) {
        put_text(b, s, n);
        return 0;
    }
    sl_buf_add_visible(&text, s, n);
    int rc = sl_buf_check(&text, err);
    if (rc == 0)
        put_text(b, text.data, text.len);
    sl_buf_release(&text);
    return rc;
}

/* r, of the morsel m or of the operator or input that place names. */
static int put_row(struct sl_builder *b, const struct sl_reject *r, const struct sl_morsel *m,
                   const char *place, struct sl_err *err)
{
    const struct sl_buffer *header = NULL;
    int64_t byte = -1;
    if (r->byte >= 0) {
        place = m->place;
        header = r->header ? r->header : m->header;
        byte = m->byte < 0 ? -1 : m->byte + r->byte;
    }
    put_text(&b[REASON], r->reason, strlen(r->reason));
    put_text(&b[COLUMN], r->column_name, r->column_name ? strlen(r->column_name) : 0);
    put_text(&b[SOURCE], place, place ? strlen(place) : 0);
    put_number(&b[LINE], r->line > 0 ? r->line : -1);
    put_number(&b[BYTE], byte);
    put_number(&b[PARTITION], r->partition);
    put_number(&b[OFFSET], r->offset);
    put_text(&b[HEADER], header ? (const char *)header->data : NULL, header ? header->size : 0);
    return r->byte >= 0 ? put_raw(&b[RAW], m->text + r->byte, r->len, err)
                        : put_raw(&b[RAW], r->raw, strlen(r->raw), err);
}

static int write_rows(struct sl_pipeline *p, const struct sl_reject_list *l,
                      const struct sl_morsel *m, const char *place, struct sl_err *err)
{
    assert(p->rejects && l);
    struct sl_schema *schema = sl_reject_schema();
    struct sl_batch *batch = schema ? sl_batch_new(schema, l->n) : NULL;
    struct sl_builder b[NFIELDS];
    int64_t now = sl_time_now_usec();
    int rc = batch ? 0 : sl_err_nomem(err, "rejects");

    for (int f = 0; batch && f < NFIELDS; f++)
        sl_builder_init(&b[f], schema->fields[f].type, NULL, 0);
    for (size_t i = 0; rc == 0 && i < l->n; i++) {
        rc = put_row(b, &l->items[i], m, place, err);
        sl_builder_int(&b[AT], now);
    }
    for (int f = 0; batch && f < NFIELDS; f++) {
        if (rc == 0 && !(batch->columns[f] = sl_builder_finish(&b[f], err)))
            rc = -SL_ENOMEM;
        sl_builder_release(&b[f]);
    }
    if (rc == 0)
        rc = sl_aside_write(p, batch, err);
    p->rejected += rc < 0 ? 0 : (int64_t)l->n;
    sl_batch_unref(batch);
    sl_schema_unref(schema);
    return SL_MIN(rc, 0);
}

int sl_pipeline_too_many(const struct sl_pipeline *p, struct sl_err *err)
{
    if (p->o.max_rejects < 0 || p->rejected <= p->o.max_rejects)
        return 0;
    sl_err_set(err, SL_EFORMAT, "more than %lld %s rejected", (long long)p->o.max_rejects,
               sl_plural(p->o.max_rejects, "row was", "rows were"));
    return sl_err_hint(err, "look at the rejects, or raise --max-rejects");
}

/* ---- rows of operators, as text ---- */

/* Rows as JSON objects, a line each, such as a source would have read them: without what stages add to
 * them, and without columns that were not read. */
static int print_rows(struct sl_batch *b, const struct sl_aside_row *rows, size_t n,
                      const uint8_t *given, struct sl_buf *out, struct sl_err *err)
{
    assert(rows && sl_batch_is_sound(b));
    int nfields = b->schema->nfields;
    uint8_t *columns = sl_calloc((size_t)nfields / 8 + 1, 1);
    uint32_t *numbers = sl_malloc(n * sizeof(*numbers));
    struct sl_text_write_options json = {.format = SL_TEXT_JSON, .columns = columns};
    struct sl_text_writer *w = NULL;
    struct sl_batch *picked = NULL;
    int rc = columns && numbers ? 0 : sl_err_nomem(err, "rejects");
    for (int i = 0; rc == 0 && i < nfields; i++)
        if (!sl_hidden_is(b->schema, i) && (!given || sl_bit(given, (size_t)i)))
            sl_bit_set(columns, (size_t)i);
    for (size_t i = 0; rc == 0 && i < n; i++)
        numbers[i] = rows[i].row;
    if (rc == 0 && !(picked = sl_batch_pick(b, numbers, n, NULL, err)))
        rc = -SL_ENOMEM;
    if (rc == 0)
        rc = sl_text_writer_new(&json, b->schema, &w, err);
    if (rc == 0)
        rc = sl_text_format_rows(w, picked, out, err);
    sl_text_writer_free(w);
    sl_batch_unref(picked);
    free(numbers);
    free(columns);
    return rc;
}

static int64_t number_at(const struct sl_column *c, size_t row)
{
    return !c || sl_column_null(c, row) ? -1 : sl_column_get8(c, row);
}

int sl_reject_list_add(struct sl_reject_list *l, struct sl_batch *b,
                       const struct sl_aside_row *rows, size_t n, int numbered,
                       const uint8_t *given, struct sl_err *err)
{
    assert(rows && sl_batch_is_sound(b));
    struct sl_buf text = SL_BUF_INIT;
    struct sl_column *order[2] = {NULL, NULL}; /* of their log: partition and offset */
    int at[2];
    if (sl_hidden_order(b->schema, &at[0], &at[1]))
        for (int i = 0; i < 2; i++)
            order[i] = b->columns[at[i]];
    int rc = print_rows(b, rows, n, given, &text, err);
    for (int i = 0; rc >= 0 && i < 2; i++)
        rc = order[i] ? sl_column_load(order[i], err) : 0;
    const char *p = text.data;
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        const char *end = strchr(p, '\n');
        rc = sl_text_reject(l, 0, 0, 0, rows[i].column, err, "%s", rows[i].what);
        if (rc < 0)
            break;
        struct sl_reject *r = &l->items[l->n - 1];
        r->byte = -1;
        r->row = numbered ? (int64_t)rows[i].row : -1;
        r->partition = number_at(order[0], rows[i].row);
        r->offset = number_at(order[1], rows[i].row);
        r->raw = sl_strndup(p, (size_t)(end - p));
        if (!r->raw)
            rc = sl_err_nomem(err, "rejects");
        p = end + 1;
    }
    sl_buf_release(&text);
    return SL_MIN(rc, 0);
}

/* ---- where they stand ---- */

/* Finds the place of r, if it is a row of m's batch: in m's log, and in its text, which takes the place
 * of what the row looked like to the operator. */
static int locate(struct sl_morsel *m, struct sl_reject *r, struct sl_err *err)
{
    assert(r); /* m NULL: an operator has let go of it at a directive */
    if (!m || r->row < 0)
        return 0;
    if (m->base >= 0 && r->offset < 0) {
        r->partition = m->split;
        r->offset = m->base + r->row;
    }
    if (!m->text || !m->source->class->locate)
        return 0;
    int rc = m->places ? 0 : m->source->class->locate(m->source, m, err);
    if (rc < 0 || (size_t)r->row >= m->nplaces)
        return rc;
    const struct sl_text_place *at = &m->places[r->row];
    r->line = at->line;
    r->byte = at->byte;
    r->len = at->len;
    return 0;
}

static int as_error(const struct sl_reject *r, const struct sl_morsel *m, const char *place,
                    struct sl_err *err)
{
    struct sl_buf what = SL_BUF_INIT;
    if (r->column_name)
        sl_buf_printf(&what, "column %s: ", r->column_name);
    sl_buf_addstr(&what, r->reason);
    if (r->byte < 0)
        sl_buf_printf(&what, " in row %.200s", r->raw);
    sl_err_set(err, r->raw ? SL_EROW : SL_EFORMAT, "%s", what.failed ? r->reason : what.data);
    sl_buf_release(&what);
    if (r->byte >= 0)
        sl_err_at(err, m->place ? m->place : "input", r->line, r->column);
    else if (r->offset >= 0)
        sl_err_place(err, "%s: partition %lld, offset %lld", place ? place : "input",
                     (long long)r->partition, (long long)r->offset);
    else
        sl_err_place(err, "%s", place ? place : "input");
    return sl_err_hint(err, "bad rows can be kept aside with --rejects FILE");
}

/* Operators come one after the other: the row that came first may be any of the list. NULL: it is empty. */
static struct sl_reject *first_of(const struct sl_reject_list *l)
{
    struct sl_reject *first = l->n ? &l->items[0] : NULL;
    for (size_t i = 1; i < l->n; i++)
        if (l->items[i].row >= 0 && (first->row < 0 || l->items[i].row < first->row))
            first = &l->items[i];
    return first;
}

int sl_pipeline_reject_rows(struct sl_pipeline *p, struct sl_reject_list *l, struct sl_morsel *m,
                            const char *place, struct sl_err *err)
{
    struct sl_reject *first = first_of(l);
    int rc = 0;
    if (!first)
        return 0;
    if (!p->rejects) {
        rc = locate(m, first, err);
        return rc < 0 ? rc : as_error(first, m, place, err);
    }
    for (size_t i = 0; i < l->n && rc >= 0; i++)
        rc = locate(m, &l->items[i], err);
    return rc < 0 ? rc : write_rows(p, l, m, place, err);
}

int sl_pipeline_first_bad(struct sl_pipeline *p, struct sl_item *it, struct sl_reject *where,
                          struct sl_err *err)
{
    assert(sl_item_is_sound(it) && where);
    struct sl_morsel *m = it->morsel;
    struct sl_reject *record = first_of(&m->rejects), *row = first_of(&it->rejects);
    struct sl_reject *first = record;
    assert(!p->rejects);
    if (!record && !row)
        return 0;
    int rc = row ? locate(m, row, err) : 0;
    if (rc < 0)
        return rc;
    if (!record || (row && row->byte >= 0 && row->byte < record->byte))
        first = row;
    *where = (struct sl_reject){.byte = first->byte, .line = first->line, .row = first->row};
    return as_error(first, m, m->place, err);
}

int sl_pipeline_reject_item(struct sl_pipeline *p, struct sl_item *it, struct sl_err *err)
{
    assert(sl_item_is_sound(it) && it->strand->p == p);
    struct sl_morsel *m = it->morsel;
    int rc = sl_pipeline_reject_rows(p, &m->rejects, m, m->place, err);
    return rc < 0 ? rc : sl_pipeline_reject_rows(p, &it->rejects, m, m->place, err);
}

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
#include "text/text_reader.h"

enum { RAW, REASON, COLUMN, SOURCE, LINE, BYTE, PARTITION, OFFSET, AT, HEADER, NFIELDS };

struct sl_schema *sl_reject_schema(void)
{
    static const struct {
        const char *name;
        enum sl_kind kind;
    } fields[NFIELDS] = {
        {"raw", SL_TEXT},         {"reason", SL_TEXT},   {"column", SL_TEXT},
        {"source", SL_TEXT},      {"line", SL_BIGINT},   {"byte", SL_BIGINT},
        {"partition", SL_BIGINT}, {"offset", SL_BIGINT}, {"at", SL_TIMESTAMPTZ},
        {"header", SL_TEXT},
    };
    struct sl_schema *s = sl_schema_new();
    for (int i = 0; s && i < NFIELDS; i++) {
        if (sl_schema_add(s, fields[i].name, strlen(fields[i].name), sl_type_of(fields[i].kind),
                          NULL) < 0) {
            sl_schema_unref(s);
            return NULL;
        }
    }
    return s;
}

struct row {
    const char *raw;
    size_t raw_len;
    const char *reason, *column, *source;
    int64_t line, byte, partition, offset;
    const struct sl_buffer *header; /* of raw, NULL = there is none */
};

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

static int write_rows(struct sl_pipeline *p, const struct row *rows, size_t n, struct sl_err *err)
{
    struct sl_schema *schema = sl_reject_schema();
    struct sl_batch *batch = schema ? sl_batch_new(schema, n) : NULL;
    struct sl_builder b[NFIELDS];
    int64_t now = sl_time_now_usec();
    int rc = batch ? 0 : sl_err_nomem(err, "rejects");

    for (int f = 0; rc == 0 && f < NFIELDS; f++)
        sl_builder_init(&b[f], schema->fields[f].type, NULL, 0);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct row *r = &rows[i];
        put_text(&b[RAW], r->raw, r->raw_len);
        put_text(&b[REASON], r->reason, r->reason ? strlen(r->reason) : 0);
        put_text(&b[COLUMN], r->column, r->column ? strlen(r->column) : 0);
        put_text(&b[SOURCE], r->source, r->source ? strlen(r->source) : 0);
        put_number(&b[LINE], r->line);
        put_number(&b[BYTE], r->byte);
        put_number(&b[PARTITION], r->partition);
        put_number(&b[OFFSET], r->offset);
        sl_builder_int(&b[AT], now);
        put_text(&b[HEADER], r->header ? (const char *)r->header->data : NULL,
                 r->header ? r->header->size : 0);
    }
    for (int f = 0; batch && f < NFIELDS; f++) {
        if (rc == 0) {
            batch->columns[f] = sl_builder_finish(&b[f], err);
            if (!batch->columns[f])
                rc = -SL_ENOMEM;
        }
        sl_builder_release(&b[f]);
    }
    if (rc == 0)
        rc = sl_aside_write(p, batch, err);
    sl_batch_unref(batch);
    sl_schema_unref(schema);
    return rc < 0 ? rc : 0;
}

int sl_pipeline_too_many(const struct sl_pipeline *p, struct sl_err *err)
{
    if (p->o.max_rejects < 0 || p->rejected <= p->o.max_rejects)
        return 0;
    sl_err_set(err, SL_EFORMAT, "more than %lld %s rejected", (long long)p->o.max_rejects,
               sl_plural(p->o.max_rejects, "row was", "rows were"));
    return sl_err_hint(err, "look at the rejects, or raise --max-rejects");
}

/* Bytes that are not valid UTF-8 would make the rejects unreadable: they are shown escaped. */
static int raw_text(struct sl_arena *a, const char *s, size_t n, struct row *row,
                    struct sl_err *err)
{
    struct sl_buf text = SL_BUF_INIT;
    row->raw = s;
    row->raw_len = n;
    if (sl_utf8_valid(s, n))
        return 0;
    sl_buf_add_visible(&text, s, n);
    row->raw = text.failed ? NULL : sl_arena_strndup(a, text.data, text.len);
    row->raw_len = text.len;
    sl_buf_release(&text);
    return row->raw ? 0 : sl_err_nomem(err, "rejects");
}

static int first_as_error(struct sl_morsel *m, struct sl_err *err)
{
    const struct sl_reject *r = &m->rejects.items[0];
    if (r->column_name)
        sl_err_set(err, SL_EFORMAT, "column %s: %s", r->column_name, r->reason);
    else
        sl_err_set(err, SL_EFORMAT, "%s", r->reason);
    sl_err_hint(err, "bad rows can be kept aside with --rejects FILE");
    return sl_err_at(err, m->place ? m->place : "input", r->line, r->column);
}

static int reject_morsel(struct sl_pipeline *p, struct sl_morsel *m, struct sl_err *err)
{
    size_t n = m->rejects.n;
    struct row *rows = sl_calloc(n, sizeof(*rows));
    struct sl_arena texts;
    int rc = rows ? 0 : sl_err_nomem(err, "rejects");
    sl_arena_init(&texts);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct sl_reject *r = &m->rejects.items[i];
        rows[i] = (struct row){.reason = r->reason,
                               .column = r->column_name,
                               .source = m->place,
                               .line = r->line,
                               .byte = m->byte < 0 ? -1 : m->byte + r->byte,
                               .partition = -1,
                               .offset = -1,
                               .header = r->header ? r->header : m->header};
        rc = raw_text(&texts, m->text + r->byte, r->len, &rows[i], err);
    }
    if (rc == 0)
        rc = write_rows(p, rows, n, err);
    sl_arena_release(&texts);
    free(rows);
    p->rejected += rc < 0 ? 0 : (int64_t)n;
    return rc;
}

/* JSON as it is, but on one line: line feeds stand between tokens. */
static void add_token(struct sl_buf *raw, const char *s, size_t n)
{
    size_t at = raw->len;
    sl_buf_add(raw, s, n);
    for (size_t i = at; i < raw->len; i++)
        if (raw->data[i] == '\n' || raw->data[i] == '\r')
            raw->data[i] = ' ';
}

/* A value that is not null, as JSON has it, so that it reads back as what it is. */
static void add_value(struct sl_buf *raw, const struct sl_column *c, size_t row)
{
    struct sl_buf text = SL_BUF_INIT;
    sl_column_print(c, row, &text);
    const char *s = text.data ? text.data : "";
    int bare = c->type.kind == SL_BOOL || c->type.kind == SL_BIGINT || c->type.kind == SL_NUMERIC ||
               c->type.kind == SL_JSONB;
    if (c->type.kind == SL_DOUBLE) /* but for NaN and the infinities */
        bare = s[*s == '-'] >= '0' && s[*s == '-'] <= '9';
    if (bare)
        add_token(raw, s, text.len);
    else
        sl_buf_add_json(raw, s, text.len);
    raw->failed |= text.failed;
    sl_buf_release(&text);
}

/* The members of _rest, an object, between its braces; NULL if there are none to add. */
static const char *rest_members(const struct sl_column *c, size_t row, size_t *n)
{
    const char *s = sl_column_bytes(c, row, n);
    if (*n <= 2 || s[0] != '{' || s[*n - 1] != '}')
        return NULL;
    *n -= 2;
    return s + 1;
}

static void add_member(struct sl_buf *raw, const char *name, const struct sl_column *c, size_t row)
{
    sl_buf_addstr(raw, raw->len > 1 ? "," : "");
    sl_buf_add_json(raw, name, strlen(name));
    sl_buf_addch(raw, ':');
    if (sl_column_null(c, row))
        sl_buf_addstr(raw, "null");
    else
        add_value(raw, c, row);
}

/* A row as a JSON object, such as a source would have read it: without what stages add to it, and
 * without columns that were not read. */
static int add_row(struct sl_buf *raw, const struct sl_batch *b, size_t row, const uint8_t *given,
                   struct sl_err *err)
{
    sl_buf_addch(raw, '{');
    for (int i = 0; i < b->schema->nfields; i++) {
        const struct sl_field *f = &b->schema->fields[i];
        struct sl_column *c = b->columns[i];
        if (sl_hidden_is(b->schema, i) || (given && !sl_bit(given, (size_t)i)))
            continue;
        int rc = sl_column_load(c, err);
        if (rc < 0)
            return rc;
        if (f->type.kind != SL_JSONB || strcmp(f->name, SL_REST) != 0) {
            add_member(raw, f->name, c, row);
            continue;
        }
        size_t n;
        const char *s = sl_column_null(c, row) ? NULL : rest_members(c, row, &n);
        if (s) {
            sl_buf_addstr(raw, raw->len > 1 ? "," : "");
            add_token(raw, s, n);
        }
    }
    sl_buf_addch(raw, '}');
    return 0;
}

/* Where the row lies in its log, if columns of it say so. */
static int find_order(struct sl_op_reject *it, const struct sl_batch *b, size_t row,
                      struct sl_err *err)
{
    int column[2], rc = 0;
    it->partition = it->offset = -1;
    if (!sl_hidden_order(b->schema, &column[0], &column[1]))
        return 0;
    for (int i = 0; rc >= 0 && i < 2; i++) {
        struct sl_column *c = b->columns[column[i]];
        const struct sl_column *h;
        rc = c ? sl_column_load(c, err) : 0;
        if (!c || rc < 0 || sl_column_null(c, row))
            continue;
        size_t slot = sl_column_slot(c, row, &h);
        *(i ? &it->offset : &it->partition) = ((const int64_t *)h->data)[slot];
    }
    return rc < 0 ? rc : 0;
}

int sl_op_rejects_add(struct sl_op_rejects *r, struct sl_batch *b, size_t row, int64_t of,
                      const uint8_t *given, const struct sl_err *why, struct sl_err *err)
{
    struct sl_buf raw = SL_BUF_INIT;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 4;
        struct sl_op_reject *items = sl_realloc(r->items, cap * sizeof(*items));
        if (!items)
            return sl_err_nomem(err, "rejects");
        r->items = items;
        r->cap = cap;
    }
    struct sl_op_reject *it = &r->items[r->n];
    int rc = find_order(it, b, row, err);
    if (rc == 0)
        rc = add_row(&raw, b, row, given, err);
    if (rc < 0) {
        sl_buf_release(&raw);
        return rc;
    }
    it->raw = sl_buf_take(&raw);
    it->reason = sl_strdup(why->what);
    it->column = why->place[0] ? sl_strdup(why->place) : NULL;
    it->row = of;
    if (!it->raw || !it->reason || (why->place[0] && !it->column)) {
        free(it->raw);
        free(it->reason);
        free(it->column);
        return sl_err_nomem(err, "rejects");
    }
    r->n++;
    return 0;
}

/* Where in m's text a rejected row stands; NULL if it is not of m, or m has no text. */
static const struct sl_text_place *find_place(struct sl_morsel *m, const struct sl_op_reject *f,
                                              struct sl_err *err)
{
    if (!m || !m->text || !m->source->class->locate || f->row < 0)
        return NULL;
    if (!m->places && m->source->class->locate(m->source, m, err) < 0)
        return NULL;
    return (size_t)f->row < m->nplaces ? &m->places[f->row] : NULL;
}

/* The place of a rejected row. */
static int locate(struct sl_morsel *m, const char *place, const struct sl_op_reject *f,
                  struct sl_arena *texts, struct row *row, struct sl_err *err)
{
    struct sl_err why;
    sl_err_init(&why);
    *row = (struct row){.raw = f->raw,
                        .raw_len = strlen(f->raw),
                        .reason = f->reason,
                        .column = f->column,
                        .source = place,
                        .line = -1,
                        .byte = -1,
                        .partition = f->partition,
                        .offset = f->offset};
    const struct sl_text_place *at = find_place(m, f, &why);
    if (why.code) {
        if (err)
            *err = why;
        return -(int)why.code;
    }
    if (m && m->base >= 0 && f->row >= 0 && f->offset < 0) {
        row->partition = m->split;
        row->offset = m->base + f->row;
    }
    if (!at)
        return 0;
    row->source = m->place;
    row->header = m->header;
    row->line = at->line;
    row->byte = m->byte + at->byte;
    return raw_text(texts, m->text + at->byte, at->len, row, err);
}

static int row_as_error(const struct row *row, const char *place, struct sl_err *err)
{
    const char *named = row->column ? "column " : "", *between = row->column ? ": " : "";
    const char *column = row->column ? row->column : "";
    if (row->line > 0) {
        sl_err_set(err, SL_EROW, "%s%s%s%s", named, column, between, row->reason);
        sl_err_at(err, row->source ? row->source : "input", row->line, 0);
    } else {
        sl_err_set(err, SL_EROW, "%s%s%s%s in row %.200s", named, column, between, row->reason,
                   row->raw);
        if (row->offset >= 0)
            sl_err_place(err, "%s: partition %lld, offset %lld", place ? place : "input",
                         (long long)row->partition, (long long)row->offset);
        else
            sl_err_place(err, "%s", place ? place : "input");
    }
    return sl_err_hint(err, "bad rows can be kept aside with --rejects FILE");
}

/* Operators come one after the other: the row that came first may be any of the list. */
static const struct sl_op_reject *first_of(const struct sl_op_rejects *r)
{
    const struct sl_op_reject *first = &r->items[0];
    for (size_t i = 1; i < r->n; i++)
        if (r->items[i].row >= 0 && (first->row < 0 || r->items[i].row < first->row))
            first = &r->items[i];
    return first;
}

/* The first of them as the error that ends the run. */
static int first_row_as_error(const struct sl_op_rejects *r, struct sl_morsel *m, const char *place,
                              struct sl_err *err)
{
    struct sl_arena texts;
    struct row row;
    sl_arena_init(&texts);
    int rc = locate(m, place, first_of(r), &texts, &row, err);
    if (rc == 0)
        rc = row_as_error(&row, place, err);
    sl_arena_release(&texts);
    return rc;
}

int sl_pipeline_reject_rows(struct sl_pipeline *p, struct sl_op_rejects *r, struct sl_morsel *m,
                            const char *place, struct sl_err *err)
{
    struct sl_arena texts;
    if (!p->rejects || !r->n)
        return r->n ? first_row_as_error(r, m, place, err) : 0;
    struct row *rows = sl_calloc(r->n, sizeof(*rows));
    int rc = rows ? 0 : sl_err_nomem(err, "rejects");
    sl_arena_init(&texts);
    for (size_t i = 0; i < r->n && rc >= 0; i++)
        rc = locate(m, place, &r->items[i], &texts, &rows[i], err);
    if (rc >= 0)
        rc = write_rows(p, rows, r->n, err);
    sl_arena_release(&texts);
    free(rows);
    p->rejected += rc < 0 ? 0 : (int64_t)r->n;
    return rc;
}

int sl_pipeline_first_bad(struct sl_pipeline *p, struct sl_item *it, struct sl_bad_row *where,
                          struct sl_err *err)
{
    struct sl_morsel *m = it->morsel;
    const struct sl_reject *record = m->rejects.n ? &m->rejects.items[0] : NULL;
    const struct sl_op_reject *row = it->rejects.n ? first_of(&it->rejects) : NULL;
    struct sl_err why;
    sl_err_init(&why);
    assert(!p->rejects);
    if (!record && !row)
        return 0;
    const struct sl_text_place *at = row ? find_place(m, row, &why) : NULL;
    if (why.code) {
        if (err)
            *err = why;
        return -(int)why.code;
    }
    if (record && (!at || record->byte <= at->byte)) {
        *where = (struct sl_bad_row){.byte = record->byte, .line = record->line, .row = -1};
        return first_as_error(m, err);
    }
    *where =
        (struct sl_bad_row){.byte = at ? at->byte : -1, .line = at ? at->line : 0, .row = row->row};
    return first_row_as_error(&it->rejects, m, m->place, err);
}

int sl_pipeline_reject_item(struct sl_pipeline *p, struct sl_item *it, struct sl_err *err)
{
    int rc = it->morsel->rejects.n ? reject_morsel(p, it->morsel, err) : 0;
    return rc < 0 ? rc
                  : sl_pipeline_reject_rows(p, &it->rejects, it->morsel, it->morsel->place, err);
}

void sl_op_rejects_clear(struct sl_op_rejects *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->items[i].raw);
        free(r->items[i].reason);
        free(r->items[i].column);
    }
    free(r->items);
    memset(r, 0, sizeof(*r));
}

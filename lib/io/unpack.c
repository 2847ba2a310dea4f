/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * unpack: members of the column `_rest` of a stream, to columns of the log that it goes into.
 *
 * A stream cannot gain columns, so what its schema lacks travels in `_rest`, one JSON object a row. The
 * objects are read as NDJSON would be, by the same reader: nested ones become dotted columns, types are
 * those of the values, wider when a later value needs it.
 *
 * Invariants: (1) A member never takes the place of something else: where the stream has a column of
 * that name, or the log's column is of a type that JSON is not read as, it stays in `_rest`; so does all
 * that is no object. (2) What decoding reads changes only in sl_unpack_widen, beside which nothing may
 * run. (3) The batch that comes out has the rows of the one that went in.
 */
#include "base/compat.h"
#include "arrow/builder.h"
#include "arrow/hidden.h"
#include "io/connect.h"

struct sl_unpack {
    struct sl_schema *stream; /* of the batches */
    struct sl_schema *log;    /* as it was when we began */
    struct sl_schema *out;    /* the stream's, and the columns that members become */
    int rest;                 /* `_rest` in stream and out */
    struct sl_text_reader *reader;
    struct sl_text_scratch **scratch;
    int workers;
    struct sl_account *account;
};

/* 1 if a member of that name has to stay where it is. */
static int stays(const struct sl_unpack *u, const char *name)
{
    size_t n = strlen(name);
    int i = sl_schema_find(u->log, name, n);
    if (sl_schema_find(u->stream, name, n) >= 0)
        return 1;
    uint8_t kind = i < 0 ? SL_TEXT : u->log->fields[i].type.kind;
    return kind == SL_BYTEA || kind == SL_INTERVAL || kind == SL_FOREIGN;
}

/* How many columns the reader may have, for those of the log not to become more than max. What stays
 * is none of its columns at first, and counts when it comes. */
static int room(const struct sl_unpack *u, const struct sl_schema *fixed, int max)
{
    const struct sl_schema *log = u->log, *stream = u->stream;
    int columns = log->nfields, most;
    for (int i = 0; i < stream->nfields; i++)
        columns += sl_schema_find(log, stream->fields[i].name, strlen(stream->fields[i].name)) < 0;
    columns--; /* `_rest` */
    most = fixed->nfields + SL_MAX((max ? max : SL_TEXT_MAX_COLUMNS) - columns, 0);
    return most ? most : -1;
}

static int make_reader(struct sl_unpack *u, const struct sl_zone *zone, int max_columns,
                       struct sl_err *err)
{
    struct sl_schema *fixed = sl_schema_new();
    size_t ignored;
    int rc = fixed ? 0 : sl_err_nomem(err, "a schema");
    for (int i = 0; rc == 0 && i < u->log->nfields; i++) {
        const struct sl_field *f = &u->log->fields[i];
        if (!stays(u, f->name))
            rc = sl_schema_add(fixed, f->name, strlen(f->name), f->type, err);
    }
    if (rc == 0) {
        struct sl_text_options o = {
            .format = SL_TEXT_JSON,
            .fixed = fixed,
            .may_grow = 1,
            .max_columns = room(u, fixed, max_columns),
            .zone = zone,
            .account = u->account,
        };
        rc = sl_text_reader_new(&o, &u->reader, err);
    }
    if (rc == 0)
        rc = sl_text_settle(u->reader, "", 0, &ignored, err);
    sl_schema_unref(fixed);
    return rc;
}

/* The stream's columns, then those of the reader that members may become. */
static int make_out(struct sl_unpack *u, struct sl_err *err)
{
    struct sl_schema *s = sl_schema_copy(u->stream);
    const struct sl_schema *r = sl_text_schema(u->reader);
    int rc = s ? 0 : sl_err_nomem(err, "a schema");
    for (int i = 0; rc == 0 && i < r->nfields; i++)
        if (!stays(u, r->fields[i].name))
            rc = sl_schema_add(s, r->fields[i].name, strlen(r->fields[i].name), r->fields[i].type,
                               err);
    if (rc < 0) {
        sl_schema_unref(s);
        return rc;
    }
    sl_schema_unref(u->out);
    u->out = s;
    return 0;
}

int sl_unpack_new(struct sl_schema *stream, struct sl_schema *log, const struct sl_zone *zone,
                  int max_columns, const struct sl_sink *sink, struct sl_unpack **out,
                  struct sl_err *err)
{
    assert(out);
    int rest = sl_rest_column(stream);
    *out = NULL;
    if (rest < 0 || stream->fields[rest].type.kind != SL_JSONB)
        return 0;
    struct sl_unpack *u = sl_calloc(1, sizeof(*u));
    if (!u)
        return sl_err_nomem(err, "a log sink");
    u->rest = rest;
    u->stream = sl_schema_ref(stream);
    u->log = sl_schema_ref(log);
    u->workers = sink->workers;
    u->account = sink->account;
    u->scratch = sl_calloc((size_t)u->workers, sizeof(struct sl_text_scratch *));
    int rc = u->scratch ? make_reader(u, zone, max_columns, err) : sl_err_nomem(err, "a log sink");
    if (rc == 0)
        rc = make_out(u, err);
    if (rc < 0)
        sl_unpack_free(u);
    else
        *out = u;
    return rc;
}

void sl_unpack_free(struct sl_unpack *u)
{
    if (!u)
        return;
    for (int i = 0; u->scratch && i < u->workers; i++)
        sl_text_scratch_free(u->scratch[i]);
    free(u->scratch);
    sl_text_reader_free(u->reader);
    sl_schema_unref(u->stream);
    sl_schema_unref(u->log);
    sl_schema_unref(u->out);
    free(u);
}

struct sl_schema *sl_unpack_schema(const struct sl_unpack *u)
{
    return u->out;
}

int sl_unpack_is_full(struct sl_unpack *u)
{
    return sl_text_is_full(u->reader);
}

int sl_unpack_widen(struct sl_unpack *u, struct sl_schema *wider, struct sl_err *err)
{
    assert(u && sl_schema_is_sound(wider));
    struct sl_schema *s = sl_schema_copy(wider);
    if (!s)
        return sl_err_nomem(err, "a schema");
    /* What stays is kept as it was written. */
    for (int i = 0; i < s->nfields; i++)
        if (stays(u, s->fields[i].name))
            s->fields[i].type = sl_type_of(SL_JSONB);
    int rc = sl_text_widen(u->reader, s, NULL, err);
    sl_schema_unref(s);
    return rc < 0 ? rc : make_out(u, err);
}

int sl_unpack_wanted(const struct sl_unpack *u, struct sl_batch *b, struct sl_err *err)
{
    assert(u && sl_batch_is_sound(b));
    struct sl_column *c = b->columns[u->rest];
    int rc = sl_column_load(c, err);
    if (rc < 0)
        return rc;
    if (!c->valid)
        return b->selected > 0;
    for (size_t k = 0; k < b->selected; k++)
        if (!sl_column_null(c, sl_batch_row(b, k)))
            return 1;
    return 0;
}

/* ---- a batch ---- */

struct work {
    struct sl_unpack *u;
    struct sl_batch *in; /* without selection */
    const struct sl_column *rest;
    uint8_t *whole; /* a bit per row: what it holds stays as it is */
    struct sl_buf text;
    size_t *starts; /* of each row's line */
    struct sl_batch *read;
    struct sl_err *err;
};

/* One line a row; JSON has line ends only between tokens, where a blank does as well. */
static int write_lines(struct work *w)
{
    sl_buf_reset(&w->text);
    for (size_t i = 0; i < w->in->rows; i++) {
        size_t n = 0, blank = 0;
        const char *s = sl_column_null(w->rest, i) ? NULL : sl_column_bytes(w->rest, i, &n);
        while (blank < n && (s[blank] == ' ' || (s[blank] >= '\t' && s[blank] <= '\r')))
            blank++;
        if (s && (blank == n || s[blank] != '{'))
            sl_bit_set(w->whole, i);
        w->starts[i] = w->text.len;
        if (!s || sl_bit(w->whole, i)) {
            sl_buf_add(&w->text, "{}\n", 3);
            continue;
        }
        size_t from = w->text.len;
        sl_buf_add(&w->text, s, n);
        for (size_t k = from; !w->text.failed && k < w->text.len; k++)
            if (w->text.data[k] == '\n' || w->text.data[k] == '\r')
                w->text.data[k] = ' ';
        sl_buf_addch(&w->text, '\n');
    }
    static const char slack[64];
    size_t len = w->text.len;
    sl_buf_add(&w->text, slack, sizeof(slack));
    if (!w->text.failed)
        w->text.len = len;
    return sl_buf_check(&w->text, w->err);
}

/* Rows whose object cannot be read stay whole. */
static void set_aside(struct work *w, const struct sl_reject_list *rejects)
{
    size_t row = 0;
    for (size_t i = 0; i < rejects->n; i++) { /* in the order of the text */
        while (row + 1 < w->in->rows && w->starts[row + 1] <= (size_t)rejects->items[i].byte)
            row++;
        sl_bit_set(w->whole, row);
    }
}

/* Reads the objects: 0, SL_TEXT_WIDEN, < 0. */
static int read_lines(struct work *w, struct sl_text_scratch *scratch, struct sl_schema **wider)
{
    for (;;) {
        struct sl_reject_list rejects = {0};
        int rc = write_lines(w);
        if (rc < 0)
            return rc;
        struct sl_text_chunk chunk = {
            .data = w->text.data, .n = w->text.len, .first_line = 1, .account = w->u->account};
        rc = sl_text_decode(w->u->reader, scratch, &chunk, &w->read, &rejects, NULL, wider, w->err);
        size_t bad = rejects.n;
        if (rc == SL_TEXT_OK)
            set_aside(w, &rejects);
        sl_reject_list_release(&rejects);
        if (rc != SL_TEXT_OK || !bad)
            return rc;
        sl_batch_unref(w->read);
        w->read = NULL;
    }
}

/* What is left of a row's `_rest`, into out (reset); 0 if it is nothing. */
static int left_over(const struct work *w, size_t i, struct sl_buf *out)
{
    const struct sl_schema *s = w->read->schema;
    size_t n;
    const char *p;
    sl_buf_reset(out);
    if (sl_bit(w->whole, i)) {
        p = sl_column_bytes(w->rest, i, &n);
        sl_buf_add(out, p, n);
        return 1;
    }
    for (int f = 0; f < s->nfields; f++) {
        const struct sl_column *c = w->read->columns[f];
        const char *name = s->fields[f].name;
        int is_rest = strcmp(name, SL_REST) == 0;
        if ((!is_rest && !stays(w->u, name)) || sl_column_null(c, i))
            continue;
        p = sl_column_bytes(c, i, &n);
        sl_buf_addch(out, out->len ? ',' : '{');
        if (is_rest) { /* its members: without the braces */
            assert(n >= 2);
            sl_buf_add(out, p + 1, n - 2);
            continue;
        }
        sl_buf_add_json(out, name, strlen(name));
        sl_buf_addch(out, ':');
        sl_buf_add(out, p, n);
    }
    if (!out->len)
        return 0;
    sl_buf_addch(out, '}');
    return 1;
}

static struct sl_column *remake_rest(const struct work *w)
{
    struct sl_builder b;
    struct sl_buf row = SL_BUF_INIT;
    int failed = 0;
    sl_builder_init(&b, sl_type_of(SL_JSONB), w->u->account, 0);
    for (size_t i = 0; i < w->in->rows; i++) {
        if (left_over(w, i, &row))
            sl_builder_bytes(&b, row.data ? row.data : "", row.len);
        else
            sl_builder_null(&b);
        failed |= row.failed;
    }
    struct sl_column *c = sl_builder_finish(&b, w->err);
    sl_builder_release(&b);
    sl_buf_release(&row);
    if (c && failed) {
        sl_column_unref(c);
        c = NULL;
        sl_err_nomem(w->err, "the column _rest");
    }
    return c;
}

/* The rows under the new schema. */
static int assemble(const struct work *w, struct sl_batch **out)
{
    struct sl_unpack *u = w->u;
    struct sl_batch *b = sl_batch_new(u->out, w->in->rows);
    const struct sl_schema *s = w->read->schema;
    int at = u->stream->nfields;
    assert(w->read->rows == w->in->rows && !w->read->selection);
    if (!b)
        return sl_err_nomem(w->err, "a batch");
    for (int i = 0; i < u->stream->nfields; i++)
        b->columns[i] = i == u->rest ? remake_rest(w) : sl_column_ref(w->in->columns[i]);
    for (int f = 0; f < s->nfields; f++)
        if (!stays(u, s->fields[f].name))
            b->columns[at++] = sl_column_ref(w->read->columns[f]);
    assert(at == u->out->nfields);
    if (!b->columns[u->rest]) {
        sl_batch_unref(b);
        return -(int)SL_ENOMEM;
    }
    *out = b;
    return 0;
}

int sl_unpack_batch(struct sl_unpack *u, int worker, struct sl_batch *b, struct sl_batch **out,
                    struct sl_schema **wider, struct sl_err *err)
{
    assert(u && worker >= 0 && sl_batch_is_sound(b) && out);
    struct work w = {.u = u, .text = SL_BUF_INIT, .err = err};
    int rc = 0;
    assert(worker < u->workers && b->schema->nfields == u->stream->nfields);
    if (!u->scratch[worker])
        u->scratch[worker] = sl_text_scratch_new(err);
    w.in = u->scratch[worker] ? sl_batch_compact(b, u->account, err) : NULL;
    if (!w.in)
        return -(int)SL_ENOMEM;
    rc = sl_column_load(w.in->columns[u->rest], err);
    w.rest = w.in->columns[u->rest];
    w.whole = sl_calloc(w.in->rows / 8 + 1, 1);
    w.starts = sl_calloc(w.in->rows + 1, sizeof(*w.starts));
    if (rc == 0 && (!w.whole || !w.starts))
        rc = sl_err_nomem(err, "a batch");
    if (rc == 0)
        rc = read_lines(&w, u->scratch[worker], wider);
    for (int f = 0; rc == 0 && f < w.read->schema->nfields; f++)
        rc = sl_column_load(w.read->columns[f], err);
    if (rc == 0)
        rc = assemble(&w, out);
    free(w.whole);
    free(w.starts);
    sl_buf_release(&w.text);
    sl_batch_unref(w.read);
    sl_batch_unref(w.in);
    return rc;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_rejects: a text source whose records an earlier run kept aside.
 *
 * Rejects come from a log or from a file of JSON through the source that reads such a thing, which also
 * says what of them the destination has already. Their column `raw` is text as it stood in its file;
 * `header` names its fields where that is not in the text. A text source settles from some of them as
 * from a file. Positions are those of the rejects and not of bytes, and the records of a morsel may
 * have several headers: so next and decode are its own.
 *
 * Invariants: (1) A record is whole by itself: one whose quotes stay open is a part alone, so that it
 * cannot swallow the next. (2) The schema never changes on the way: what does not fit is rejected again,
 * with the place in the rejects. (3) A morsel is a batch of rejects, whole: the position behind them is
 * committed with all of their rows.
 */
#include "base/compat.h"
#include "arrow/pile.h"
#include "io/text_source.h"

enum { SAMPLE = 1 << 20 };

struct sl_textin_rejects {
    struct sl_source_class class;       /* a text source's, but for what is here */
    const struct sl_source_class *text; /* that */
    struct sl_source *in;               /* gives the rejects: of text, or of a log */
    struct sl_checkpoint from;          /* what the sink has of them, whose schema is another */
    int raw, header;                    /* columns of the rejects; header -1: none */
    struct sl_morsel *batch; /* of rejects, from which types were settled: it comes first */
};

struct part { /* records of one header, or one that does not end by itself */
    struct sl_text_chunk chunk;
    struct sl_buffer *header;
};

struct mark {             /* of a morsel */
    struct sl_morsel *in; /* the rejects */
    size_t *starts;       /* of each one's record in the text */
    size_t nulls;         /* rejects without a record */
    size_t nparts, cap;
    struct part *parts;
};

static void rejects_discard(struct sl_morsel *m)
{
    struct text_source *t = (struct text_source *)m->source;
    struct mark *k = m->arg;
    if (!k)
        return;
    if (sl_text_is_full(t->reader))
        sl_say_full(&t->o);
    for (size_t i = 0; i < k->nparts; i++) {
        sl_text_map_unref(k->parts[i].chunk.map);
        sl_buffer_unref(k->parts[i].header);
    }
    sl_morsel_free(k->in);
    free(k->parts);
    free(k->starts);
    free(k);
}

/* ---- the rejects ---- */

/* The line of the k-th of them, 0: it has none. < 0: the lines cannot be told. */
static int64_t line_of(struct sl_morsel *in, size_t k, struct sl_err *err)
{
    const struct sl_source_class *class = in->source->class;
    size_t row = sl_batch_row(in->batch, k);
    if (in->text && class->locate && !in->places) {
        int rc = class->locate(in->source, in, err);
        if (rc < 0)
            return rc;
    }
    return row < in->nplaces ? in->places[row].line : 0;
}

/* An error in the k-th of them. */
static int at_reject(const struct text_source *t, struct sl_morsel *in, size_t k,
                     struct sl_err *err)
{
    int64_t line = line_of(in, k, NULL);
    return sl_err_at(err, t->o.from_rejects, SL_MAX(line, 0), 0);
}

static int take_rejects(const struct text_source *t, struct sl_morsel *in, struct sl_err *err)
{
    const struct sl_textin_rejects *r = t->rejects;
    const struct sl_source_class *class = r->in->class;
    int rc = in->batch ? 0 : class->decode(r->in, in, 0, err);
    if (rc == 0 && in->rejects.n) {
        const struct sl_reject *bad = &in->rejects.items[0];
        sl_err_set(err, SL_EFORMAT, "%s", bad->reason);
        sl_err_hint(err, "each line is what --rejects wrote: an object with the member raw");
        return sl_err_at(err, t->o.from_rejects, bad->line, bad->column);
    }
    if (rc == 0 && in->batch)
        rc = sl_column_load(in->batch->columns[r->raw], err);
    if (rc == 0 && in->batch && r->header >= 0)
        rc = sl_column_load(in->batch->columns[r->header], err);
    return rc;
}

/* The next batch of them: SL_NEXT_MORSEL, or what their source says instead. */
static int fetch(struct text_source *t, struct sl_morsel **out, struct sl_err *err)
{
    struct sl_textin_rejects *r = t->rejects;
    *out = r->batch;
    r->batch = NULL;
    while (!*out) {
        int rc = r->in->class->next(r->in, out, err);
        if (rc != SL_NEXT_MORSEL)
            return rc;
        rc = take_rejects(t, *out, err);
        if (rc < 0 || !(*out)->batch || !(*out)->batch->selected) {
            sl_morsel_free(*out);
            *out = NULL;
        }
        if (rc < 0)
            return rc;
    }
    return SL_NEXT_MORSEL;
}

/* A column of the k-th of them; NULL if it is null. */
static const char *cell(const struct sl_morsel *in, int column, size_t k, size_t *len)
{
    const struct sl_batch *b = in->batch;
    SL_CHECK_THAT(k < b->selected);
    size_t row = sl_batch_row(b, k);
    *len = 0;
    if (column < 0 || sl_column_null(b->columns[column], row))
        return NULL;
    return sl_column_bytes(b->columns[column], row, len);
}

/* ---- opening ---- */

static int open_rejects(struct text_source *t, struct sl_err *err)
{
    struct sl_textin_rejects *r = t->rejects;
    const char *path = t->o.from_rejects;
    struct sl_input_options o = {
        .paths = &path,
        .npaths = 1,
        .stop_fd = t->o.stop_fd,
        .out_of_order = -1,
        .say = t->o.say,
        .say_arg = t->o.say_arg,
        .partition = -1,
        .account = t->base.account,
    };
    if (!sl_path_is_log(path)) {
        o.format = "json";
        o.types = "raw text, header text";
    }
    int taken, rc = sl_input_open(&o, 0, &r->in, &taken, err);
    if (rc < 0)
        return rc;
    r->in->workers = 1;
    if (r->from.positions)
        rc = r->in->class->resume(r->in, &r->from, t->again, err);
    if (rc == 0)
        rc = r->in->class->open(r->in, err);
    if (rc < 0)
        return rc;
    const struct sl_schema *in = r->in->schema;
    r->raw = sl_schema_find(in, "raw", 3);
    r->header = sl_schema_find(in, "header", 6);
    if (r->header >= 0 && in->fields[r->header].type.kind != SL_TEXT)
        r->header = -1;
    if (r->raw >= 0 && in->fields[r->raw].type.kind == SL_TEXT)
        return 0;
    sl_err_set(err, SL_EUSAGE, "%s holds no rejects: it has no column raw", path);
    return sl_err_hint(err, "name what --rejects DEST wrote");
}

/* Some of the records, with the header of the first one in front, as a file would have them. */
static int add_sample(const struct text_source *t, const struct sl_morsel *in, struct sl_buf *out,
                      struct sl_err *err)
{
    size_t n, len, first = 0;
    int column = t->o.no_header ? -1 : t->rejects->header;
    const char *names = cell(in, column, 0, &first);
    if (names) {
        sl_buf_add(out, names, first);
        sl_buf_addch(out, '\n');
    }
    for (size_t k = 0; k < in->batch->selected; k++) {
        const char *h = cell(in, column, k, &len), *raw = cell(in, t->rejects->raw, k, &n);
        int other = !h != !names || len != first || (h && memcmp(h, names, len) != 0);
        if (other || !raw || out->len + n > SAMPLE)
            continue;
        sl_buf_add(out, raw, n);
        sl_buf_addch(out, '\n');
    }
    return sl_buf_check(out, err);
}

/* What the sample, which begins with a header if there is one, leaves to be found out. */
static int check_sample(struct text_source *t, const struct sl_buf *sample, struct sl_err *err)
{
    enum sl_text_format f = sl_text_format_of_bytes(sample->len ? sample->data : "", sample->len);
    const char *pattern;
    int rc = t->o.format ? sl_text_format_parse(t->o.format, &f, &pattern, err) : 0;
    if (t->o.header && !t->o.format && f != SL_TEXT_TSV)
        t->o.format = "csv";
    if (rc < 0 || !sample->len || t->o.header || t->o.no_header ||
        (f != SL_TEXT_CSV && f != SL_TEXT_TSV))
        return rc;
    sl_err_set(err, SL_EUSAGE, "no header is recorded with the rejects");
    sl_err_hint(err, "if their file had none say --no-header; else -I says their format");
    return at_reject(t, t->rejects->batch, 0, err);
}

int sl_textin_rejects_open(struct text_source *t, struct sl_err *err)
{
    struct sl_textin_rejects *r = t->rejects;
    struct sl_buf sample = SL_BUF_INIT, name = SL_BUF_INIT;
    size_t ignored;
    int rc = open_rejects(t, err);
    sl_buf_printf(&name, "the records in %s", t->o.from_rejects);
    if (rc >= 0)
        rc = name.failed ? sl_err_nomem(err, "rejects") : sl_bytes_none(name.data, &t->bytes, err);
    sl_buf_release(&name);
    if (rc >= 0)
        rc = fetch(t, &r->batch, err);
    if (rc >= 0 && r->batch) {
        t->o.header = !t->o.no_header && cell(r->batch, r->header, 0, &ignored);
        rc = add_sample(t, r->batch, &sample, err);
    }
    if (rc >= 0)
        rc = check_sample(t, &sample, err);
    if (rc >= 0 && !(t->block = sl_buffer_new(t->base.account, sample.len)))
        rc = sl_err_nomem(err, "rejects");
    if (rc >= 0 && sample.len)
        memcpy(t->block->data, sample.data, sample.len);
    t->fill = sample.len;
    t->at_end = 1;
    sl_buf_release(&sample);
    return SL_MIN(rc, 0);
}

/* ---- next ---- */

/* The header of the k-th record, if it is not that of the records before. 1 it changed, 0, < 0. */
static int take_header(struct text_source *t, struct sl_morsel *in, size_t k, struct sl_err *err)
{
    size_t len, ignored;
    const char *h = cell(in, t->rejects->header, k, &len);
    if (!sl_text_has_header(t->reader))
        return 0;
    if (!h) {
        sl_err_set(err, SL_EFORMAT, "no header is recorded with this record");
        sl_err_hint(err, "take its line out, or read it on its own with --no-header");
        return at_reject(t, in, k, err);
    }
    if (t->header && t->header->size == len && memcmp(t->header->data, h, len) == 0)
        return 0;
    sl_buffer_unref(t->header);
    t->header = sl_buffer_new(t->base.account, len);
    if (!t->header)
        return sl_err_nomem(err, "rejects");
    memcpy(t->header->data, h, len);
    sl_text_map_unref(t->map);
    t->map = NULL;
    int rc =
        sl_text_header(t->reader, (const char *)t->header->data, len, NULL, &t->map, &ignored, err);
    return rc < 0 ? at_reject(t, in, k, err) : 1;
}

static int begin_part(struct text_source *t, struct mark *k, const char *text, struct sl_err *err)
{
    if (SL_GROW(k->parts, k->nparts + 1, k->cap, "rejects", err) < 0)
        return -SL_ENOMEM;
    k->parts[k->nparts++] = (struct part){
        .chunk = {.data = text,
                  .first_line = 1,
                  .latest = sl_textin_latest(t),
                  .wanted = t->wanted,
                  .map = sl_text_map_ref(t->map),
                  .account = t->base.account},
        .header = t->header ? sl_buffer_ref(t->header) : NULL,
    };
    return 0;
}

/* The records of k->in into the morsel's text, each with a line end. */
static int gather(struct text_source *t, struct sl_morsel *m, struct mark *k, struct sl_err *err)
{
    struct sl_morsel *in = k->in;
    char *text = (char *)m->data->data, *p = text;
    int fresh = 1; /* the next record begins a part */
    for (size_t i = 0; i < in->batch->selected; i++) {
        size_t len;
        const char *raw = cell(in, t->rejects->raw, i, &len);
        k->starts[i] = (size_t)(p - text);
        k->nulls += !raw;
        if (!raw)
            continue;
        int rc = take_header(t, in, i, err);
        if (rc < 0)
            return rc;
        memcpy(p, raw, len);
        p[len++] = '\n';
        struct sl_text_cut cut = {0};
        int whole = sl_text_cut(t->reader, &cut, p, len, 0) == len;
        if (fresh || rc || !whole)
            rc = begin_part(t, k, p, err);
        if (rc < 0)
            return rc;
        p += len - !whole;        /* the end of the input, not of a line */
        SL_CHECK_THAT(k->nparts); /* the first record began a part */
        struct sl_text_chunk *c = &k->parts[k->nparts - 1].chunk;
        c->n = (size_t)(p - c->data);
        fresh = !whole;
    }
    assert((size_t)(p - text) <= m->data->size);
    m->text = text;
    m->len = (size_t)(p - text);
    return 0;
}

static int rejects_next(struct sl_source *s, struct sl_morsel **out, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    struct sl_morsel *in;
    int rc = fetch(t, &in, err);
    if (rc != SL_NEXT_MORSEL)
        return rc;
    struct sl_morsel *m = sl_morsel_new(s);
    struct mark *k = m ? sl_calloc(1, sizeof(*k)) : NULL;
    if (!k) {
        sl_morsel_free(in);
        sl_morsel_free(m);
        return sl_err_nomem(err, "a morsel");
    }
    m->arg = k;
    k->in = in;
    size_t n = in->batch->selected, len, room = 0;
    for (size_t i = 0; i < n; i++, room += len + 1)
        cell(in, t->rejects->raw, i, &len);
    k->starts = sl_calloc(n, sizeof(*k->starts));
    m->data = sl_buffer_new(t->base.account, room);
    m->place = sl_strdup(t->o.from_rejects);
    rc = k->starts && m->data && m->place ? gather(t, m, k, err) : sl_err_nomem(err, "a morsel");
    if (rc < 0) {
        sl_morsel_free(m);
        return rc;
    }
    *out = m;
    return SL_NEXT_MORSEL;
}

/* ---- decode ---- */

/* The place of records that are rejected again is that among the rejects. */
static int place_rejects(struct sl_morsel *m, const struct part *p, size_t from, struct sl_err *err)
{
    const struct mark *k = m->arg;
    size_t at = 0;
    assert(from <= m->rejects.n);
    for (size_t i = from; i < m->rejects.n; i++) { /* in the order of the text */
        struct sl_reject *r = &m->rejects.items[i];
        r->byte += p->chunk.data - m->text;
        r->header = p->header ? sl_buffer_ref(p->header) : NULL;
        while (at + 1 < k->in->batch->selected && k->starts[at + 1] <= (size_t)r->byte)
            at++;
        r->line = line_of(k->in, at, err);
        if (r->line < 0)
            return (int)r->line;
    }
    return 0;
}

static int rejects_decode(struct sl_source *s, struct sl_morsel *m, int worker, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    const struct mark *k = m->arg;
    struct sl_pile all = {.account = s->account};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < k->nparts; i++) {
        const struct part *p = &k->parts[i];
        size_t before = m->rejects.n;
        struct sl_batch *b = NULL;
        rc = sl_text_decode(t->reader, t->scratch[worker], &p->chunk, &b, &m->rejects, NULL, NULL,
                            err);
        if (rc < 0)
            break;
        sl_schema_unref(b->schema);
        b->schema = sl_schema_ref(s->schema);
        rc = sl_pile_add(&all, b, err);
        if (rc == 0)
            rc = place_rejects(m, p, before, err);
    }
    if (rc == 0)
        rc = sl_pile_take(&all, &m->batch, err);
    sl_pile_clear(&all);
    m->records = m->rejects.records + (int64_t)k->nulls;
    m->skipped = m->rejects.skipped + (int64_t)k->nulls;
    return SL_MIN(rc, 0);
}

/* ---- positions are those of the rejects ---- */

static struct sl_source *rejects_of(const struct sl_source *s)
{
    return ((const struct text_source *)s)->rejects->in;
}

static int rejects_resume(struct sl_source *s, const struct sl_checkpoint *from,
                          enum sl_again again, struct sl_err *err SL_UNUSED)
{
    struct text_source *t = (struct text_source *)s;
    t->from = from;
    t->again = again;
    t->rejects->from = *from;
    t->rejects->from.schema = NULL;
    return 0;
}

static int rejects_delivered(struct sl_source *s, struct sl_morsel *m, struct sl_err *err)
{
    struct sl_source *in = rejects_of(s);
    const struct mark *k = m->arg;
    return in->class->delivered(in, k->in, err);
}

static int rejects_positions(struct sl_source *s, struct sl_positions *out, struct sl_err *err)
{
    struct sl_source *in = rejects_of(s);
    return in->class->positions(in, out, err);
}

static void rejects_poll(struct sl_source *s, struct sl_poll_set *p)
{
    struct sl_source *in = rejects_of(s);
    in->class->poll(in, p);
}

static void rejects_progress(struct sl_source *s, int64_t *done, int64_t *total)
{
    struct sl_source *in = rejects_of(s);
    *done = *total = -1;
    if (in && in->class->progress)
        in->class->progress(in, done, total);
}

static void rejects_plan(const struct sl_source *s, struct sl_buf *out)
{
    sl_buf_addstr(out, ((const struct text_source *)s)->o.from_rejects);
}

static void rejects_free(struct sl_source *s)
{
    struct sl_textin_rejects *r = ((struct text_source *)s)->rejects;
    sl_morsel_free(r->batch);
    if (r->in)
        r->in->class->free(r->in);
    r->text->free(s);
    free(r);
}

int sl_rejects_source_new(const struct sl_input_options *o, struct sl_source **out,
                          struct sl_err *err)
{
    assert(o && o->from_rejects && out);
    int rc = sl_text_source_new(o, NULL, out, err);
    if (rc < 0)
        return rc;
    struct sl_source *s = *out;
    struct sl_textin_rejects *r = sl_calloc(1, sizeof(*r));
    if (!r) {
        s->class->free(s);
        *out = NULL;
        return sl_err_nomem(err, "rejects");
    }
    r->text = s->class;
    r->class = (struct sl_source_class){
        .name = "rejects",
        .plan = rejects_plan,
        .resume = rejects_resume,
        .open = r->text->open,
        .next = rejects_next,
        .decode = rejects_decode,
        .widen = r->text->widen, /* decode never asks for it, but with it comes pin */
        .pin = r->text->pin,
        .poll = rejects_poll,
        .delivered = rejects_delivered,
        .positions = rejects_positions,
        .discard = rejects_discard,
        .ended = r->text->ended,
        .assumed = r->text->assumed,
        .progress = rejects_progress,
        .free = rejects_free,
    };
    s->class = &r->class;
    ((struct text_source *)s)->rejects = r;
    return 0;
}

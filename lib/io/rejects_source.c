/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * rejects_source: records that an earlier run kept aside, read again.
 *
 * Rejects come from a log or from a file of JSON through the source that reads such a thing, which also
 * says what of them the destination has already. Their column `raw` is text as it stood in its file;
 * `header` names its fields where that is not in the text. Both go through a text reader as the files
 * did: records of one header are a part, and records of another are as of a later file.
 *
 * Invariants: (1) A record is whole by itself: one whose quotes stay open is a part alone, so that it
 * cannot swallow the next. (2) The schema never changes on the way: what does not fit is rejected again,
 * with the place in the rejects. (3) A morsel is a batch of rejects, whole: the position behind them is
 * committed with all of their rows.
 */
#include "base/compat.h"
#include "io/connect.h"

enum { SAMPLE_ROWS = 10000, SAMPLE = 1 << 20, SLACK = 64 };

struct rejects_source {
    struct sl_source base;
    struct sl_input_options o;
    char *path;
    struct sl_source *inner;
    struct sl_text_reader *reader;
    struct sl_text_scratch **scratch;
    struct sl_checkpoint from; /* what the sink has of the rejects, whose schema is another */
    struct sl_schema *fixed;   /* that the destination has already, or NULL */
    enum sl_again again;
    struct sl_schema *types;
    int raw, header; /* columns of the rejects; header -1: none */
    int64_t latest;
    /* the rejects at hand */
    struct sl_morsel *batch;
    int64_t *lines; /* of each, 0 = it has none */
    size_t at;      /* the next one, among the selected */
    /* of the records before */
    struct sl_buffer *names;
    struct sl_text_map *map;
};

struct part { /* records of one header, or one that does not end by itself */
    size_t start, len;
    struct sl_text_map *map;
    struct sl_buffer *names;
};

struct mark {                /* of a morsel */
    struct sl_morsel *batch; /* of the rejects */
    size_t n, nulls;         /* records in the text; rejects without any */
    size_t *starts;          /* of each record in the text */
    int64_t *lines;          /* and in the rejects, 0 = none */
    size_t nparts;
    struct part *parts;
};

static void discard(struct sl_morsel *m)
{
    struct rejects_source *s = (struct rejects_source *)m->source;
    struct mark *k = m->arg;
    if (!k)
        return;
    if (sl_text_is_full(s->reader))
        sl_say_full(&s->o);
    for (size_t i = 0; i < k->nparts; i++) {
        sl_text_map_unref(k->parts[i].map);
        sl_buffer_unref(k->parts[i].names);
    }
    sl_morsel_free(k->batch);
    free(k->parts);
    free(k->starts);
    free(k->lines);
    free(k);
}

/* ---- the rejects ---- */

static void drop_batch(struct rejects_source *s)
{
    sl_morsel_free(s->batch);
    s->batch = NULL;
    free(s->lines);
    s->lines = NULL;
    s->at = 0;
}

/* The line of each reject in its file; blank lines are no rejects. */
static int find_lines(struct rejects_source *s, struct sl_err *err)
{
    const struct sl_morsel *m = s->batch;
    size_t n = m->batch->selected, k = 0;
    const char *p = m->text, *end = p ? p + m->len : NULL;
    int64_t line = m->first_line;
    s->lines = sl_calloc(n + 1, sizeof(*s->lines));
    if (!s->lines)
        return sl_err_nomem(err, "rejects");
    for (; p && line > 0 && p < end && k < n; line++) {
        const char *eol = memchr(p, '\n', (size_t)(end - p)), *stop = eol ? eol : end;
        while (p < stop && (*p == ' ' || *p == '\t' || *p == '\r'))
            p++;
        if (p < stop)
            s->lines[k++] = line;
        p = eol ? eol + 1 : end;
    }
    return 0;
}

static int bad_reject(const struct rejects_source *s, const struct sl_reject *r, struct sl_err *err)
{
    sl_err_set(err, SL_EFORMAT, "%s", r->reason);
    sl_err_hint(err, "each line is what --rejects wrote: an object with the member raw");
    return sl_err_at(err, s->path, r->line, r->column);
}

/* The next rejects: SL_NEXT_MORSEL, or what the source of them says instead. */
static int fetch(struct rejects_source *s, struct sl_err *err)
{
    struct sl_source *in = s->inner;
    while (!s->batch) {
        int rc = in->class->next(in, &s->batch, err);
        if (rc != SL_NEXT_MORSEL)
            return rc;
        rc = 0;
        if (!s->batch->batch && in->class->decode)
            rc = in->class->decode(in, s->batch, 0, err);
        if (rc == 0 && s->batch->rejects.n)
            rc = bad_reject(s, &s->batch->rejects.items[0], err);
        if (rc == 0 && (!s->batch->batch || !s->batch->batch->selected)) {
            drop_batch(s);
            continue;
        }
        if (rc == 0)
            rc = sl_column_load(s->batch->batch->columns[s->raw], err);
        if (rc == 0 && s->header >= 0)
            rc = sl_column_load(s->batch->batch->columns[s->header], err);
        if (rc == 0)
            rc = find_lines(s, err);
        if (rc < 0)
            return rc;
    }
    return SL_NEXT_MORSEL;
}

/* A column of the k-th reject at hand; NULL if it is null. */
static const char *cell(const struct rejects_source *s, int column, size_t k, size_t *len)
{
    const struct sl_batch *b = s->batch->batch;
    size_t row = sl_batch_row(b, k);
    *len = 0;
    if (column < 0 || sl_column_null(b->columns[column], row))
        return NULL;
    return sl_column_bytes(b->columns[column], row, len);
}

/* ---- opening ---- */

static int open_inner(struct rejects_source *s, struct sl_err *err)
{
    const char *path = s->path;
    struct sl_input_options o = {
        .paths = &path,
        .npaths = 1,
        .stop_fd = s->o.stop_fd,
        .out_of_order = -1,
        .say = s->o.say,
        .say_arg = s->o.say_arg,
        .partition = -1,
        .account = s->base.account,
    };
    if (!sl_path_is_log(path)) {
        o.format = "json";
        o.types = "raw text, header text";
    }
    int taken, rc = sl_input_open(&o, 0, &s->inner, &taken, err);
    if (rc < 0)
        return rc;
    s->inner->workers = 1;
    s->inner->account = s->base.account;
    if (s->from.positions && s->inner->class->resume)
        rc = s->inner->class->resume(s->inner, &s->from, s->again, err);
    if (rc == 0)
        rc = s->inner->class->open(s->inner, err);
    if (rc < 0)
        return rc;
    const struct sl_schema *in = s->inner->schema;
    s->raw = sl_schema_find(in, "raw", 3);
    s->header = sl_schema_find(in, "header", 6);
    if (s->header >= 0 && in->fields[s->header].type.kind != SL_TEXT)
        s->header = -1;
    if (s->raw >= 0 && in->fields[s->raw].type.kind == SL_TEXT)
        return 0;
    sl_err_set(err, SL_EUSAGE, "%s holds no rejects: it has no column raw", path);
    return sl_err_hint(err, "name what --rejects DEST wrote");
}

/* Some of the records, with their header in front, as a file would have them. */
static int take_sample(struct rejects_source *s, struct sl_buf *out, int *named, struct sl_err *err)
{
    size_t n, first = 0;
    int rc = fetch(s, err);
    *named = 0;
    if (rc < 0 || !s->batch)
        return rc < 0 ? rc : 0;
    const char *names = s->o.no_header ? NULL : cell(s, s->header, 0, &first);
    if (names) {
        *named = 1;
        sl_buf_add(out, names, first);
        sl_buf_addch(out, '\n');
    }
    for (size_t k = 0; k < SL_MIN(s->batch->batch->selected, (size_t)SAMPLE_ROWS); k++) {
        size_t len;
        const char *h = s->o.no_header ? NULL : cell(s, s->header, k, &len);
        if (!h != !names || (h && (len != first || memcmp(h, names, len) != 0)))
            continue; /* fields of other names */
        const char *raw = cell(s, s->raw, k, &n);
        if (!raw || out->len + n > SAMPLE)
            continue;
        sl_buf_add(out, raw, n);
        sl_buf_addch(out, '\n');
    }
    return sl_buf_check(out, err);
}

static int pick_format(struct rejects_source *s, const struct sl_buf *sample, int named,
                       struct sl_text_options *to, struct sl_err *err)
{
    if (s->o.format)
        return sl_text_format_parse(s->o.format, &to->format, &to->pattern, err);
    to->format = sl_text_format_of_bytes(sample->len ? sample->data : "", sample->len);
    if ((named && to->format != SL_TEXT_TSV) || !sample->len)
        to->format = SL_TEXT_CSV;
    if (to->format != SL_TEXT_NONE)
        return 0;
    sl_err_set(err, SL_EUSAGE, "cannot tell the format of the records in %s", s->path);
    return sl_err_hint(err, "say it as for the file that they were in: -I csv, json, ...");
}

static int settle(struct rejects_source *s, const struct sl_buf *sample, int named,
                  struct sl_err *err)
{
    struct sl_text_options to = {
        .delimiter = s->o.delimiter,
        .no_header = s->o.no_header,
        .header = named,
        .several = 1,
        .max_columns = s->o.max_columns,
        .types = s->types,
        .fixed = s->fixed,
        .time_column = s->o.time_column,
        .time_format = s->o.time_format,
        .latest = s->latest,
        .latest_said = s->o.latest != 0,
        .zone = s->o.zone,
        .account = s->base.account,
    };
    size_t ignored;
    int rc = pick_format(s, sample, named, &to, err);
    if (rc == 0)
        rc = sl_text_reader_new(&to, &s->reader, err);
    if (rc == 0 && sample->len && !named && sl_text_has_header(s->reader)) {
        sl_err_set(err, SL_EUSAGE, "no header is recorded with the rejects");
        sl_err_hint(err, "if their file had none say --no-header; else -I says their format");
        return sl_err_at(err, s->path, s->lines[0], 0);
    }
    if (rc == 0)
        rc = sl_text_settle(s->reader, sample->data, sample->len, &ignored, err);
    if (rc < 0)
        return rc;
    s->base.schema = sl_source_time(sl_text_schema(s->reader), s->o.time_column, err);
    return s->base.schema ? 0 : -(int)(err ? err->code : SL_EFAIL);
}

static int source_open(struct sl_source *base, struct sl_err *err)
{
    struct rejects_source *s = (struct rejects_source *)base;
    struct sl_buf sample = SL_BUF_INIT;
    int named = 0, rc = 0;
    s->scratch = sl_calloc((size_t)base->workers, sizeof(struct sl_text_scratch *));
    if (!s->scratch)
        return sl_err_nomem(err, "rejects");
    for (int i = 0; i < base->workers; i++)
        if (!(s->scratch[i] = sl_text_scratch_new(err)))
            return -(int)SL_ENOMEM;
    if (s->o.types)
        rc = sl_schema_parse(s->o.types, strlen(s->o.types), &s->types, err);
    if (rc >= 0)
        rc = open_inner(s, err);
    if (rc >= 0)
        rc = take_sample(s, &sample, &named, err);
    char *slack = sl_buf_room(&sample, SLACK);
    if (slack)
        memset(slack, 0, SLACK);
    else if (rc >= 0)
        rc = sl_err_nomem(err, "rejects");
    if (rc >= 0)
        rc = settle(s, &sample, named, err);
    sl_buf_release(&sample);
    return rc < 0 ? rc : 0;
}

/* ---- next ---- */

/* The header of the next record, if it is not that of the records before. 1 it changed, 0, < 0. */
static int take_names(struct rejects_source *s, struct sl_err *err)
{
    size_t len, ignored;
    const char *h = cell(s, s->header, s->at, &len);
    if (!h) {
        sl_err_set(err, SL_EFORMAT, "no header is recorded with this record");
        sl_err_hint(err, "take its line out, or read it on its own with --no-header");
        return sl_err_at(err, s->path, s->lines[s->at], 0);
    }
    if (s->names && s->names->size == len && memcmp(s->names->data, h, len) == 0)
        return 0;
    sl_buffer_unref(s->names);
    s->names = sl_buffer_new(s->base.account, len);
    if (!s->names)
        return sl_err_nomem(err, "rejects");
    memcpy(s->names->data, h, len);
    sl_text_map_unref(s->map);
    s->map = NULL;
    int rc =
        sl_text_header(s->reader, (const char *)s->names->data, len, NULL, &s->map, &ignored, err);
    return rc < 0 ? sl_err_at(err, s->path, s->lines[s->at], 0) : 1;
}

/* Whether a record ends where it ends. */
static int is_whole(const struct rejects_source *s, const char *record, size_t n)
{
    struct sl_text_cut cut = {0};
    return sl_text_cut(s->reader, &cut, record, n, 0) == n;
}

static int begin_part(const struct rejects_source *s, struct mark *k, size_t start,
                      struct sl_err *err)
{
    struct part *parts = sl_realloc(k->parts, (k->nparts + 1) * sizeof(*parts));
    if (!parts)
        return sl_err_nomem(err, "rejects");
    k->parts = parts;
    parts[k->nparts++] = (struct part){.start = start,
                                       .map = sl_text_map_ref(s->map),
                                       .names = s->names ? sl_buffer_ref(s->names) : NULL};
    return 0;
}

/* The records at hand into text, each with a line end. */
static int gather(struct rejects_source *s, struct sl_buf *text, struct mark *k, struct sl_err *err)
{
    int fresh = 1; /* the next record begins a part */
    for (; s->at < s->batch->batch->selected; s->at++) {
        size_t len, start = text->len;
        const char *raw = cell(s, s->raw, s->at, &len);
        k->nulls += !raw;
        if (!raw)
            continue;
        int rc = sl_text_has_header(s->reader) ? take_names(s, err) : 0;
        if (rc < 0)
            return rc;
        fresh |= rc;
        sl_buf_add(text, raw, len);
        sl_buf_addch(text, '\n');
        if (!sl_buf_room(text, SLACK))
            return sl_err_nomem(err, "rejects");
        int whole = is_whole(s, text->data + start, text->len - start);
        if (fresh || !whole)
            rc = begin_part(s, k, start, err);
        if (rc < 0)
            return rc;
        text->len -= !whole; /* the end of the input, not of a line */
        k->parts[k->nparts - 1].len = text->len - k->parts[k->nparts - 1].start;
        k->starts[k->n] = start;
        k->lines[k->n++] = s->lines[s->at];
        fresh = !whole;
    }
    return 0;
}

/* A morsel is the records of one batch of rejects: their position is committed with all of them. */
static int fill_morsel(struct rejects_source *s, struct sl_morsel *m, struct sl_err *err)
{
    struct sl_buf text = SL_BUF_INIT;
    struct mark *k = sl_calloc(1, sizeof(*k));
    size_t rows = s->batch->batch->selected;
    if (!k)
        return sl_err_nomem(err, "a morsel");
    m->arg = k;
    k->starts = sl_calloc(rows + 1, sizeof(*k->starts));
    k->lines = sl_calloc(rows + 1, sizeof(*k->lines));
    m->place = sl_strdup(s->path);
    int rc = k->starts && k->lines && m->place ? 0 : sl_err_nomem(err, "a morsel");
    if (rc == 0)
        rc = gather(s, &text, k, err);
    if (rc >= 0 && !(m->data = sl_buffer_new(s->base.account, text.len)))
        rc = sl_err_nomem(err, "a morsel");
    if (rc >= 0 && text.len)
        memcpy(m->data->data, text.data, text.len);
    sl_buf_release(&text);
    if (rc < 0)
        return rc;
    m->text = (const char *)m->data->data;
    m->len = m->data->size;
    k->batch = s->batch;
    s->batch = NULL;
    drop_batch(s);
    return 0;
}

static int source_next(struct sl_source *base, struct sl_morsel **out, struct sl_err *err)
{
    struct rejects_source *s = (struct rejects_source *)base;
    int rc = fetch(s, err);
    if (rc != SL_NEXT_MORSEL)
        return rc;
    struct sl_morsel *m = sl_morsel_new(base);
    if (!m)
        return sl_err_nomem(err, "a morsel");
    rc = fill_morsel(s, m, err);
    if (rc < 0) {
        sl_morsel_free(m);
        return rc;
    }
    *out = m;
    return SL_NEXT_MORSEL;
}

/* ---- decode ---- */

/* The place of a record that is rejected again is that among the rejects. */
static void place_rejects(const struct mark *k, const struct part *p, struct sl_reject *items,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct sl_reject *r = &items[i];
        size_t lo = 0, hi = k->n;
        r->byte += (int64_t)p->start;
        r->header = p->names ? sl_buffer_ref(p->names) : NULL;
        while (hi - lo > 1) {
            size_t mid = lo + (hi - lo) / 2;
            if (k->starts[mid] <= (size_t)r->byte)
                lo = mid;
            else
                hi = mid;
        }
        r->line = k->lines[lo] ? k->lines[lo] : -1;
    }
}

/* The batches of the parts as one, which takes their place. */
static int join(const struct rejects_source *s, struct sl_batch **b, size_t n,
                struct sl_batch **out, struct sl_err *err)
{
    size_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += b[i]->rows;
    struct sl_batch *all = sl_batch_new(s->base.schema, rows);
    struct sl_column **parts = sl_calloc(n + 1, sizeof(*parts));
    int rc = all && parts ? 0 : sl_err_nomem(err, "a batch");
    for (int c = 0; rc == 0 && c < s->base.schema->nfields; c++) {
        for (size_t i = 0; i < n; i++)
            parts[i] = b[i]->columns[c];
        all->columns[c] = n ? sl_column_concat(parts, n, s->base.account, err)
                            : sl_column_nulls(s->base.schema->fields[c].type, 0, err);
        if (!all->columns[c])
            rc = -(int)SL_ENOMEM;
    }
    free(parts);
    if (rc < 0)
        sl_batch_unref(all);
    else
        *out = all;
    return rc;
}

static int source_decode(struct sl_source *base, struct sl_morsel *m, int worker,
                         struct sl_err *err)
{
    struct rejects_source *s = (struct rejects_source *)base;
    const struct mark *k = m->arg;
    struct sl_batch **b = sl_calloc(k->nparts + 1, sizeof(struct sl_batch *));
    int rc = b ? 0 : sl_err_nomem(err, "a batch");
    for (size_t i = 0; rc == 0 && i < k->nparts; i++) {
        const struct part *p = &k->parts[i];
        size_t before = m->rejects.n;
        struct sl_text_chunk chunk = {
            .data = m->text + p->start,
            .n = p->len,
            .first_line = 1,
            .latest = s->latest,
            .narrow = 1,
            .map = p->map,
            .account = base->account,
        };
        rc = sl_text_decode(s->reader, s->scratch[worker], &chunk, &b[i], &m->rejects, NULL,
                            &m->wider, err);
        assert(rc != SL_TEXT_WIDEN);
        if (rc == 0)
            place_rejects(k, p, m->rejects.items + before, m->rejects.n - before);
    }
    if (rc == 0)
        rc = join(s, b, k->nparts, &m->batch, err);
    for (size_t i = 0; b && i < k->nparts; i++)
        sl_batch_unref(b[i]);
    free(b);
    if (rc < 0)
        return rc;
    m->records = m->rejects.records + (int64_t)k->nulls;
    m->skipped = m->rejects.skipped + (int64_t)k->nulls;
    return rc;
}

static int source_resume(struct sl_source *base, const struct sl_checkpoint *from,
                         enum sl_again again, struct sl_err *err SL_UNUSED)
{
    struct rejects_source *s = (struct rejects_source *)base;
    s->from = *from;
    s->from.schema = NULL;
    s->fixed = from->schema;
    s->again = again;
    return 0;
}

static int source_delivered(struct sl_source *base, struct sl_morsel *m, struct sl_err *err)
{
    struct sl_source *in = ((struct rejects_source *)base)->inner;
    const struct mark *k = m->arg;
    return in->class->delivered ? in->class->delivered(in, k->batch, err) : 0;
}

static int source_positions(struct sl_source *base, struct sl_positions *out, struct sl_err *err)
{
    struct sl_source *in = ((struct rejects_source *)base)->inner;
    return in->class->positions ? in->class->positions(in, out, err) : 0;
}

static void source_poll(struct sl_source *base, struct sl_poll_set *p)
{
    struct sl_source *in = ((struct rejects_source *)base)->inner;
    if (in->class->poll)
        in->class->poll(in, p);
}

static void source_assumed(struct sl_source *base, struct sl_buf *out)
{
    sl_text_assumed(((struct rejects_source *)base)->reader, out);
}

static void source_progress(struct sl_source *base, int64_t *done, int64_t *total)
{
    struct sl_source *in = ((struct rejects_source *)base)->inner;
    *done = *total = -1;
    if (in && in->class->progress)
        in->class->progress(in, done, total);
}

static void source_free(struct sl_source *base)
{
    struct rejects_source *s = (struct rejects_source *)base;
    drop_batch(s);
    if (s->inner)
        s->inner->class->free(s->inner);
    for (int i = 0; s->scratch && i < base->workers; i++)
        sl_text_scratch_free(s->scratch[i]);
    free(s->scratch);
    sl_text_map_unref(s->map);
    sl_buffer_unref(s->names);
    sl_text_reader_free(s->reader);
    sl_schema_unref(s->types);
    sl_schema_unref(base->schema);
    free(s->path);
    free(s);
}

static void source_plan(const struct sl_source *base, struct sl_buf *out)
{
    sl_buf_addstr(out, ((const struct rejects_source *)base)->path);
}

static const struct sl_source_class rejects_source_class = {
    .name = "rejects",
    .plan = source_plan,
    .resume = source_resume,
    .open = source_open,
    .next = source_next,
    .decode = source_decode,
    .poll = source_poll,
    .delivered = source_delivered,
    .positions = source_positions,
    .discard = discard,
    .assumed = source_assumed,
    .progress = source_progress,
    .free = source_free,
};

int sl_rejects_source_new(const struct sl_input_options *o, struct sl_source **out,
                          struct sl_err *err)
{
    struct rejects_source *s = sl_calloc(1, sizeof(*s));
    *out = NULL;
    if (!s)
        return sl_err_nomem(err, "rejects");
    s->base.class = &rejects_source_class;
    s->base.account = o->account;
    s->base.partitions = 1;
    sl_source_out_of_order(&s->base, o);
    s->o = *o;
    int64_t today = sl_time_day_of(sl_time_now_usec(), o->zone);
    s->latest = o->latest ? o->latest : sl_time_day_end(today + 1, o->zone);
    s->path = sl_strdup(o->from_rejects);
    if (!s->path) {
        source_free(&s->base);
        return sl_err_nomem(err, "rejects");
    }
    *out = &s->base;
    return 0;
}

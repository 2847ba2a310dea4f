/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_source: records of text from files one after the other, a pipe, or a followed file.
 *
 * Bytes are gathered in a block; when there are enough of them, or nothing more comes now, the whole
 * records at its front become a morsel (text_morsel.c).
 *
 * Invariants: (1) block[start..fill) begins at a record (or, before the schema is settled, at the
 * file's first byte). (2) byte and line are the place of block[start] in its file. (3) decode reads
 * only what is fixed once settled, and the morsel.
 */
#include "base/compat.h"
#include <sys/stat.h>
#include "file/bytes.h"
#include "base/crc32c.h"
#include "io/text_source.h"

enum { CELLS_MAX = 2 << 20 }; /* of a morsel of JSON: while it is decoded each takes 16 bytes */

static int source_open(struct sl_source *s, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    t->scratch = sl_calloc((size_t)s->workers, sizeof(struct sl_text_scratch *));
    if (!t->scratch)
        return sl_err_nomem(err, "text sources");
    for (int i = 0; i < s->workers; i++) {
        t->scratch[i] = sl_text_scratch_new(err);
        if (!t->scratch[i])
            return -(int)(err ? err->code : SL_EFAIL);
    }
    int rc = t->watch     ? sl_textin_watch_open(t, err)
             : t->rejects ? sl_textin_rejects_open(t, err)
                          : sl_textin_open_file(t, err);
    if (rc == 0)
        rc = sl_textin_settle(t, err);
    if (rc == SL_TEXTIN_NOTHING) {
        s->schema = sl_schema_ref(sl_textin_fixed(t));
        return sl_textin_forget(t, err);
    }
    if (rc == 0 && t->resume) {
        t->resume = 0;
        rc = sl_textin_resume(t, err);
    }
    s->live = t->o.follow;
    return rc < 0 ? rc : sl_textin_forget(t, err);
}

/* ---- next ---- */

static void discard(struct sl_morsel *m)
{
    struct text_source *t = (struct text_source *)m->source;
    struct text_mark *k = m->arg;
    if (sl_text_is_full(t->reader))
        sl_say_full(&t->o);
    sl_text_map_unref(k->map);
    free(k);
}

/* The n bytes at the front, or fewer of their lines: each row of JSON has a place for every column,
 * whether the row has its key or not. */
static size_t not_too_many(const struct text_source *t, const char *s, size_t n, int64_t *lines)
{
    int64_t most = SL_MAX(CELLS_MAX / SL_MAX(t->base.schema->nfields, 1), 1);
    const char *p = s;
    if (sl_text_reader_format(t->reader) != SL_TEXT_JSON || *lines <= most)
        return n;
    for (int64_t i = 0; i < most; i++)
        p = (const char *)memchr(p, '\n', n - (size_t)(p - s)) + 1;
    *lines = most;
    return (size_t)(p - s);
}

/* Whole records at the front of the block, if any: SL_NEXT_MORSEL, 0, < 0. */
static int cut(struct text_source *t, struct sl_morsel **out, struct sl_err *err)
{
    struct text_long *l = t->too_long;
    if (l && !l->is_whole && sl_textin_ends(t))
        l->is_whole = l->is_measured = 1;
    if (l)
        return l->is_whole ? sl_textin_long_morsel(t, out, err) : 0;
    sl_textin_pass_zeros(t);
    if (!sl_textin_pending(t)) /* zeros at the end are told of by a morsel of their own */
        return t->zeros && t->at_end ? sl_textin_morsel(t, 0, out, err) : 0;
    size_t n = sl_text_cut(t->reader, &t->cut, sl_textin_front(t), sl_textin_pending(t),
                           sl_textin_ends(t));
    if (n > SL_TEXT_RECORD_MAX) {
        int rc = sl_textin_take_long(t, n, err);
        if (rc)
            return rc < 0 ? rc : sl_textin_long_morsel(t, out, err);
    }
    n = sl_textin_before_zeros(t, n);
    return n ? sl_textin_morsel(t, not_too_many(t, sl_textin_front(t), n, &t->cut.lines), out, err)
             : 0;
}

/* Whether the log is to be told that nothing stands behind the last rows of a compressed file: they came before
 * that was known. */
static int is_end_untold(const struct text_source *t)
{
    const struct sl_taken *f = t->taken;
    return f && f->packed && f->mark.byte && f->mark.byte == t->byte && !f->mark.end;
}

/* The file at hand has been read to its end: 0 another one is open, else what next() answers. */
static int leave_file(struct text_source *t, struct sl_err *err)
{
    size_t rest = sl_textin_pending(t) + (t->too_long ? (size_t)t->too_long->length : 0);
    assert(!rest || t->need_header || !sl_textin_ends(t));
    if (rest && !sl_textin_ends(t) && !t->o.follow)
        sl_textin_say_unfinished(t, rest);
    int rc = t->watch ? sl_textin_watch_next(t, err) : sl_textin_next_file(t, err);
    if (rc)
        return SL_MIN(rc, 0);
    int goes_on = t->watch ? t->o.follow : sl_bytes_is_followed(t->bytes);
    return goes_on ? SL_NEXT_WAIT : SL_NEXT_END;
}

static int source_next(struct sl_source *s, struct sl_morsel **out, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;

    if (!t->reader)
        return SL_NEXT_END; /* a directory in which there is nothing */
    for (;;) {
        int rc = 1;
        if (!t->bytes) { /* between files of a directory */
            rc = sl_textin_watch_next(t, err);
            if (rc <= 0)
                return rc < 0 ? rc : t->o.follow ? SL_NEXT_WAIT : SL_NEXT_END;
            rc = 1;
        }
        if (t->need_header || t->resume)
            rc = sl_textin_begin(t, err);
        if (rc > 0 && t->announce) {
            t->announce = 0;
            return sl_textin_morsel(t, 0, out, err);
        }
        if (rc > 0 && (sl_textin_pending(t) >= SL_TEXTIN_MORSEL || t->too_long || t->at_end ||
                       sl_textin_is_broken(t)))
            rc = cut(t, out, err);
        else if (rc > 0)
            rc = 0;
        if (rc)
            return rc;
        if (t->at_end) {
            rc = is_end_untold(t) ? sl_textin_morsel(t, 0, out, err) : leave_file(t, err);
            if (rc)
                return rc;
        } else if (sl_textin_is_broken(t)) {
            rc = sl_textin_go_on(t, err);
            if (rc < 0)
                return rc;
        } else {
            int got = sl_textin_read_more(t);
            t->at_end = got == SL_BYTES_END;
            if (got == SL_BYTES_WAIT) {
                rc = t->need_header ? 0 : cut(t, out, err);
                return rc ? rc : SL_NEXT_WAIT;
            }
        }
    }
}

/* The records that were read whole: types settle from a sample, which may take a second to come. */
static int source_rest(struct sl_source *s, struct sl_morsel **out, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;

    if (!t->reader || !t->bytes || t->need_header || t->resume)
        return SL_NEXT_END;
    if (t->announce) {
        t->announce = 0;
        return sl_textin_morsel(t, 0, out, err);
    }
    int rc = cut(t, out, err);
    return rc ? rc : SL_NEXT_END;
}

static struct sl_text_chunk chunk_of(const struct text_source *t, const struct sl_morsel *m)
{
    const struct text_mark *k = m->arg;
    return (struct sl_text_chunk){
        .data = m->text,
        .n = m->len,
        .first_line = m->first_line,
        .latest = k->latest,
        .wanted = t->wanted,
        .number = k->number,
        .map = k->map,
        .place = m->place,
        .account = t->base.account,
    };
}

static int source_locate(struct sl_source *s, struct sl_morsel *m, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    struct sl_text_chunk chunk = chunk_of(t, m);
    return sl_text_locate(t->reader, &chunk, &m->rejects, &m->places, &m->nplaces, err);
}

static int source_decode(struct sl_source *s, struct sl_morsel *m, int worker, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    struct sl_text_chunk chunk = chunk_of(t, m);
    const struct text_mark *k = m->arg;
    int64_t lines;
    int rc = k->length ? sl_textin_reject_long(m, err)
                       : sl_text_decode(t->reader, t->scratch[worker], &chunk, &m->batch,
                                        &m->rejects, &lines, s->may_widen ? &m->wider : NULL, err);
    m->records = m->rejects.records + k->follows_zeros;
    m->skipped = m->rejects.skipped + k->follows_zeros;
    if (m->batch) {
        sl_schema_unref(m->batch->schema);
        m->batch->schema = sl_schema_ref(s->schema);
    }
    return rc;
}

static int source_widen(struct sl_source *s, struct sl_schema *wider, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    struct sl_buf said = SL_BUF_INIT;
    int rc = sl_text_widen(t->reader, wider, &said, err);
    if (rc == 0 && said.len && !said.failed)
        sl_input_say(&t->o, "%s", said.data);
    sl_buf_release(&said);
    struct sl_schema *now = rc == 0 ? sl_schema_copy(sl_text_schema(t->reader)) : NULL;
    if (rc == 0 && (!now || sl_schema_set_meta(now, SL_META_TIME,
                                               sl_schema_meta(s->schema, SL_META_TIME)) < 0))
        rc = sl_err_nomem(err, "a schema");
    if (rc < 0) {
        sl_schema_unref(now);
        return rc;
    }
    sl_schema_unref(s->schema);
    s->schema = now;
    s->generation++;
    return 0;
}

static int source_want(struct sl_source *s, const uint8_t *columns, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    size_t n = (size_t)s->schema->nfields / 8 + 1;
    t->wanted = sl_malloc(n);
    if (!t->wanted)
        return sl_err_nomem(err, "a plan");
    memcpy(t->wanted, columns, n);
    return 0;
}

static int source_raw(struct sl_source *s, enum sl_text_format to, const uint8_t *columns,
                      struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    int rc = sl_text_set_raw(t->reader, to, columns, err);
    if (rc < 0)
        return rc;
    return sl_textin_take_schema(t, err);
}

static void source_pin(struct sl_source *s, int column, enum sl_pin why)
{
    struct sl_text_reader *r = ((struct text_source *)s)->reader;
    if (r) /* a directory has nothing new */
        sl_text_pin(r, column, why);
}

static int source_resume(struct sl_source *s, const struct sl_checkpoint *from, enum sl_again again,
                         struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    t->from = from;
    t->again = again;
    int rc = sl_seen_new(from->positions, &t->seen, err);
    if (rc < 0 || again != SL_AGAIN_REFUSE || t->watch)
        return rc;
    return sl_input_check_twice((const char *const *)t->paths, t->o.npaths, SL_TWICE_FILES, err);
}

static int source_delivered(struct sl_source *s, struct sl_morsel *m, struct sl_err *err)
{
    const struct text_mark *k = m->arg;
    (void)err;
    if (k->file)
        sl_seen_deliver(((struct text_source *)s)->seen, k->file, &k->mark,
                        m->batch ? (int64_t)m->batch->selected : 0);
    return 0;
}

static int source_positions(struct sl_source *s, struct sl_positions *out, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    return t->seen ? sl_seen_positions(t->seen, out, err) : 0;
}

/* Only a checkpoint waits for that: what wrote a file before a run may have left much to sync. */
static int source_durable(struct sl_source *s, int is_checkpoint, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    return t->seen && is_checkpoint ? sl_seen_sync(t->seen, err) : 0;
}

static int source_shorten(struct sl_source *s, struct sl_morsel *m, const struct sl_reject *before,
                          struct sl_err *err)
{
    struct text_mark *k = m->arg;
    (void)s;
    (void)err;
    assert(before->byte > 0 && before->byte < (int64_t)m->len);
    m->len = (size_t)before->byte;
    if (!k->file)
        return 1;
    k->mark.byte = m->byte + before->byte;
    k->mark.line = before->line;
    k->mark.crc = sl_crc32c(k->crc, m->text, m->len);
    k->mark.end = 0;
    sl_taken_mark(k->file, m->text, m->len, &k->mark);
    return 1;
}

static int source_split(struct sl_source *s, struct sl_morsel *m, struct sl_err *err)
{
    const struct text_mark *k = m->arg;
    int64_t lines = sl_textin_count_lines(m->text, m->len);
    size_t n = not_too_many((struct text_source *)s, m->text, m->len, &lines);
    if (k->length || n == m->len)
        return 0;
    struct sl_morsel *rest = sl_morsel_new(s);
    struct text_mark *mark = rest ? sl_malloc(sizeof(*mark)) : NULL;
    if (!mark) {
        sl_morsel_free(rest);
        return sl_err_nomem(err, "a morsel");
    }
    *mark = *k;
    mark->number++;
    mark->follows_zeros = 0;
    mark->crc = sl_crc32c(k->crc, m->text, n);
    mark->map = sl_text_map_ref(k->map);
    rest->arg = mark;
    rest->data = sl_buffer_ref(m->data);
    rest->text = m->text + n;
    rest->len = m->len - n;
    rest->first_line = m->first_line + lines;
    rest->byte = m->byte + (int64_t)n;
    rest->split = m->split;
    rest->header = m->header ? sl_buffer_ref(m->header) : NULL;
    rest->rest = m->rest;
    m->rest = rest;
    rest->place = sl_strdup(m->place);
    if (!rest->place)
        return sl_err_nomem(err, "a morsel");
    struct sl_reject end = {.byte = (int64_t)n, .line = rest->first_line, .row = -1};
    int rc = source_shorten(s, m, &end, err);
    return SL_MIN(rc, 0);
}

static void source_poll(struct sl_source *s, struct sl_poll_set *p)
{
    struct text_source *t = (struct text_source *)s;
    if (t->watch)
        sl_textin_watch_poll(t, p);
    else
        sl_bytes_poll(t->bytes, p);
}

static void source_assumed(struct sl_source *s, struct sl_buf *out)
{
    struct sl_text_reader *r = ((struct text_source *)s)->reader;
    if (r && !s->generation)
        sl_text_assumed(r, out);
    else if (r)
        sl_text_assumed_types(r, out);
}

/* A name that --types has alone is a slip more often than not. */
static void source_ended(struct sl_source *s)
{
    struct text_source *t = (struct text_source *)s;
    const char *unseen = t->reader && s->rows ? sl_text_unseen(t->reader) : NULL, *near = NULL;
    const char **names = unseen ? sl_calloc((size_t)s->schema->nfields, sizeof(*names)) : NULL;
    int n = 0;
    for (int i = 0; names && i < s->schema->nfields; i++)
        if (strcmp(s->schema->fields[i].name, unseen) != 0)
            names[n++] = s->schema->fields[i].name;
    if (names)
        near = sl_schema_nearest(unseen, strlen(unseen), names, n);
    if (unseen)
        sl_input_say(&t->o, "--types names '%s', which no %s has: it is null%s%s%s", unseen,
                     sl_text_reader_format(t->reader) == SL_TEXT_JSON ? "row" : "file",
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    free(names);
}

static void source_progress(struct sl_source *s, int64_t *done, int64_t *total)
{
    struct text_source *t = (struct text_source *)s;
    *done = *total = -1;
    if (t->bytes)
        sl_bytes_progress(t->bytes, done, total);
    if (t->o.npaths > 1 || t->watch)
        *total = -1;
}

static void source_plan(const struct sl_source *s, struct sl_buf *out)
{
    const struct text_source *t = (const struct text_source *)s;
    if (t->watch)
        sl_buf_printf(out, "%s, watched", t->o.watch);
    else if (t->o.npaths == 0 || strcmp(t->paths[0], "-") == 0)
        sl_buf_addstr(out, "standard input");
    else
        sl_buf_addstr(out, t->paths[0]);
    if (t->o.npaths > 1)
        sl_buf_printf(out, " and %d more", t->o.npaths - 1);
    if (t->reader)
        sl_buf_printf(out, ", format %s", sl_text_format_name(sl_text_reader_format(t->reader)));
    if (t->o.follow)
        sl_buf_addstr(out, ", followed");
}

static void source_free(struct sl_source *s)
{
    struct text_source *t = (struct text_source *)s;
    for (int i = 0; t->scratch && i < s->workers; i++)
        sl_text_scratch_free(t->scratch[i]);
    free(t->scratch);
    for (int i = 0; t->paths && i < t->o.npaths; i++)
        free(t->paths[i]);
    free(t->paths);
    sl_bytes_free(t->bytes);
    sl_textin_watch_free(t->watch);
    sl_seen_free(t->seen);
    free(t->sampled);
    sl_text_map_unref(t->map);
    sl_text_reader_free(t->reader);
    sl_buffer_unref(t->block);
    free(t->too_long);
    sl_buffer_unref(t->header);
    sl_schema_unref(t->types);
    sl_schema_unref(s->schema);
    free(t->wanted);
    free(t);
}

static const struct sl_source_class text_source_class = {
    .name = "text",
    .plan = source_plan,
    .resume = source_resume,
    .open = source_open,
    .next = source_next,
    .rest = source_rest,
    .decode = source_decode,
    .locate = source_locate,
    .widen = source_widen,
    .want = source_want,
    .raw = source_raw,
    .pin = source_pin,
    .poll = source_poll,
    .delivered = source_delivered,
    .positions = source_positions,
    .durable = source_durable,
    .shorten = source_shorten,
    .split = source_split,
    .discard = discard,
    .ended = source_ended,
    .assumed = source_assumed,
    .progress = source_progress,
    .free = source_free,
};

static int copy_settings(struct text_source *t, const struct sl_input_options *o,
                         struct sl_err *err)
{
    t->paths = sl_calloc((size_t)o->npaths + 1, sizeof(char *));
    if (!t->paths)
        return sl_err_nomem(err, "text sources");
    for (int i = 0; i < o->npaths; i++) {
        t->paths[i] = sl_strdup(o->paths[i]);
        if (!t->paths[i])
            return sl_err_nomem(err, "text sources");
    }
    if (o->types) {
        int rc = sl_schema_parse(o->types, strlen(o->types), &t->types, err);
        if (rc < 0)
            return rc;
    }
    if (o->follow && o->npaths > 1) {
        sl_err_set(err, SL_EUSAGE, "-f follows one file, not %d", o->npaths);
        return sl_err_hint(err, "run one command for each; many may write to one log at once");
    }
    return o->watch ? sl_textin_watch_new(o->watch, o->follow, &t->watch, err) : 0;
}

int sl_text_source_new(const struct sl_input_options *o, struct sl_bytes *first,
                       struct sl_source **out, struct sl_err *err)
{
    assert(o && out);
    struct text_source *t = sl_calloc(1, sizeof(*t));
    *out = NULL;
    if (!t) {
        sl_bytes_free(first);
        return sl_err_nomem(err, "a text source");
    }
    t->base.class = &text_source_class;
    t->base.account = o->account;
    t->base.partitions = 1;
    sl_source_out_of_order(&t->base, o);
    t->base.is_once = first && !sl_bytes_is_regular(first);
    t->o = *o;
    t->bytes = first;
    int rc = copy_settings(t, o, err);
    if (rc < 0) {
        source_free(&t->base);
        return rc;
    }
    *out = &t->base;
    return 0;
}

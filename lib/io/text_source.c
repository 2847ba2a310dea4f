/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_source: records of text from files one after the other, a pipe, or a followed file.
 *
 * Bytes are gathered in a block; when there are enough of them, or nothing more comes now, the whole
 * records at its front become a morsel. A large morsel takes the block itself (what is left over is
 * copied to the next one), a small one a copy, so that a row typed by hand costs no megabyte.
 *
 * Invariants: (1) block[start..fill) begins at a record (or, before the schema is settled, at the
 * file's first byte). (2) byte and line are the place of block[start] in its file. (3) decode reads
 * only what is fixed once settled, and the morsel.
 */
#include "base/compat.h"
#include "io/text_source.h"

enum {
    MORSEL = 2 << 20, /* bytes: about 30,000 rows of a log */
    SMALL = 64 << 10,
    SAMPLE = 1 << 20,       /* types settle from this much, */
    SAMPLE_ROWS = 10000,    /* so many lines, or what is there at a pause */
    PAUSE_USEC = 20 * 1000, /* a pipe that says nothing for so long has paused */
};

/* Line ends in the n bytes at s. */
static int64_t count_lines(const char *s, size_t n)
{
    int64_t lines = 0;
    for (size_t i = 0; i < n;) {
        size_t end = SL_MIN(n, i + 8192);
        uint32_t some = 0;
        for (; i < end; i++)
            some += s[i] == '\n';
        lines += some;
    }
    return lines;
}

static void say(const struct text_source *t, const char *fmt, ...) SL_PRINTF(2, 3);
static void say(const struct text_source *t, const char *fmt, ...)
{
    struct sl_buf text = SL_BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    sl_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    if (t->o.say && !text.failed)
        t->o.say(t->o.say_arg, text.data);
    sl_buf_release(&text);
}

/* Makes room for more bytes behind fill, growing the block up to one record's limit. */
static int make_room(struct text_source *t, struct sl_err *err)
{
    size_t kept = t->fill - t->start;
    if (t->block && t->block->capacity - t->fill >= SMALL)
        return 0;
    if (t->block && t->start) { /* the same block, from its front */
        memmove(t->block->data, t->block->data + t->start, kept);
        t->fill = kept;
        t->start = 0;
        if (t->block->capacity - t->fill >= SMALL)
            return 0;
    }
    if (kept > SL_TEXT_RECORD_MAX) {
        sl_err_set(err, SL_EFORMAT, "a record is longer than %d bytes", SL_TEXT_RECORD_MAX);
        return sl_err_at(err, sl_bytes_name(t->bytes), t->line, 0);
    }
    size_t capacity = kept + kept / 2 + MORSEL;
    struct sl_buffer *b = sl_buffer_new(t->base.account, capacity);
    if (!b)
        return sl_err_nomem(err, "a block of text");
    if (kept)
        memcpy(b->data, t->block->data, kept);
    sl_buffer_unref(t->block);
    t->block = b;
    t->fill = kept;
    t->start = 0;
    return 0;
}

/* One read into the block: enum sl_bytes_next or < 0. */
static int read_more(struct text_source *t, struct sl_err *err)
{
    size_t got;
    int rc = make_room(t, err);
    if (rc < 0)
        return rc;
    rc = sl_bytes_read(t->bytes, t->block->data + t->fill, t->block->capacity - t->fill, &got, err);
    t->fill += got;
    return rc;
}

static size_t pending(const struct text_source *t)
{
    return t->fill - t->start;
}

static const char *text(const struct text_source *t)
{
    return t->block ? (const char *)t->block->data + t->start : "";
}

/* ---- settling ---- */

/* Of n bytes of whole records, those of the first SAMPLE_ROWS lines (records of several lines are
 * not cut: a longer sample does no harm). */
static size_t sample_length(struct text_source *t, size_t n)
{
    const char *s = text(t), *p = s;
    struct sl_text_cut cut = {0};
    for (int lines = 0; p && lines <= SAMPLE_ROWS; lines++) {
        p = memchr(p, '\n', (size_t)(s + n - p));
        p = p ? p + 1 : NULL;
    }
    if (!p)
        return n;
    int64_t whole = sl_text_cut(t->reader, &cut, s, (size_t)(p - s), 0, NULL);
    return whole > 0 ? (size_t)whole : n;
}

/* The reader's schema, with its time column settled, becomes the source's. */
static int take_schema(struct text_source *t, struct sl_err *err)
{
    struct sl_schema *s = sl_source_time(sl_text_schema(t->reader), t->o.time_column, err);
    if (!s)
        return -(int)(err ? err->code : SL_EFAIL);
    sl_schema_unref(t->base.schema);
    t->base.schema = s;
    return 0;
}

static int recognise(struct text_source *t, struct sl_text_options *to, struct sl_err *err)
{
    enum sl_text_format by_bytes = sl_text_format_of_bytes(text(t), pending(t));
    enum sl_text_format by_name = SL_TEXT_NONE;

    if (t->o.format)
        return sl_text_format_parse(t->o.format, &to->format, &to->pattern, err);
    if (t->o.npaths)
        by_name = sl_text_format_of_path(t->paths[0]);
    /* First bytes tell JSON and web logs apart from the rest; between CSV and TSV the name knows
     * better. */
    to->format = by_bytes;
    if (by_name != SL_TEXT_NONE &&
        (by_bytes == SL_TEXT_NONE || by_bytes == SL_TEXT_CSV || by_bytes == SL_TEXT_TSV))
        to->format = by_name;
    if (to->format != SL_TEXT_NONE)
        return 0;
    if (!pending(t) && sl_bytes_is_regular(t->bytes)) {
        to->format = SL_TEXT_CSV; /* an empty file has no rows in any format */
        return 0;
    }
    if (!pending(t)) {
        sl_err_set(err, SL_EUPSTREAM,
                   "%s is empty: the stage before wrote nothing, not even a "
                   "schema",
                   sl_bytes_name(t->bytes));
        return sl_err_hint(err, "if it is text without rows, say so: -I csv");
    }
    sl_err_set(err, SL_EUSAGE, "cannot tell the format of %s by its first bytes",
               sl_bytes_name(t->bytes));
    return sl_err_hint(err, "say it: -I csv, tsv, json, combined, common, lines or 'regex:...'");
}

static int make_reader(struct text_source *t, struct sl_err *err)
{
    struct sl_text_options to = {
        .delimiter = t->o.delimiter,
        .no_header = t->o.no_header,
        .types = t->types,
        .fixed = t->log ? sl_log_schema(t->log) : NULL,
        .time_column = t->o.time_column,
        .time_format = t->o.time_format,
        .zone = t->o.zone,
        .account = t->base.account,
    };
    int rc = recognise(t, &to, err);
    return rc < 0 ? rc : sl_text_reader_new(&to, &t->reader, err);
}

/* Fills the block with a sample: until it is large enough, the input ends or pauses. 1: settle from
 * it; 0: the run was told to end before there was anything. */
static int gather_sample(struct text_source *t, struct sl_err *err)
{
    while (pending(t) < SAMPLE && !t->at_end) {
        int rc = read_more(t, err);
        if (rc < 0)
            return rc;
        if (rc == SL_BYTES_END && !sl_bytes_is_followed(t->bytes))
            t->at_end = 1;
        if (rc == SL_BYTES_DATA || rc == SL_BYTES_END)
            continue;
        int some = pending(t) && count_lines(text(t), pending(t)) >= t->least_lines;
        rc = sl_bytes_wait(t->bytes, t->o.stop_fd, some ? PAUSE_USEC : -1, err);
        if (rc < 0)
            return rc;
        if (rc == 0)
            return some;
    }
    return 1;
}

static int settle(struct text_source *t, struct sl_err *err)
{
    int64_t whole;
    size_t header = 0;
    /* With a header a first pause behind the header alone tells nothing about types. */
    t->least_lines = t->o.no_header ? 1 : 2;
    for (;;) {
        int rc = gather_sample(t, err);
        if (rc < 0)
            return rc;
        if (rc == 0)
            return sl_err_set(err, SL_EFAIL, "ended before the first row of %s",
                              sl_bytes_name(t->bytes));
        if (!t->reader)
            rc = make_reader(t, err);
        if (rc < 0)
            return rc;
        struct sl_text_cut cut = {0};
        whole = sl_text_cut(t->reader, &cut, text(t), pending(t), t->at_end, err);
        if (whole < 0)
            return (int)whole;
        if (whole || t->at_end)
            break;
        t->least_lines = count_lines(text(t), pending(t)) + 1;
    }
    size_t sample = sample_length(t, (size_t)whole);
    int rc = sl_text_settle(t->reader, text(t), sample, &header, err);
    if (rc < 0)
        return rc;
    t->line += count_lines(text(t), header);
    t->start += header;
    t->byte += (int64_t)header;
    return take_schema(t, err);
}

/* ---- files ---- */

/* What the log that is ingested into holds of the file at hand already. */
static int look_up(struct text_source *t, struct sl_err *err)
{
    sl_fileid_unref(t->identity);
    t->identity = NULL;
    if (!t->o.into || !sl_bytes_is_regular(t->bytes))
        return 0;
    t->identity = sl_fileid_new(t->bytes, err);
    if (!t->identity)
        return -(int)(err ? err->code : SL_EFAIL);
    if (!t->log || t->o.again == SL_AGAIN_ALL)
        return 0;
    int rc = sl_fileid_find(t->identity, t->bytes, t->log, err);
    if (rc <= 0)
        return rc;
    if (t->o.again == SL_AGAIN_REFUSE) {
        sl_err_set(err, SL_EEXIST, "%lld rows of %s are committed", (long long)t->identity->rows,
                   sl_bytes_name(t->bytes));
        return sl_err_hint(err, "--resume goes on after them, --again appends all");
    }
    return 1;
}

/* Goes on behind what is committed. The header has been read. */
static int resume(struct text_source *t, struct sl_err *err)
{
    t->start = t->fill = 0;
    t->at_end = 0;
    t->byte = t->identity->byte;
    t->line = t->identity->line;
    return sl_bytes_seek(t->bytes, t->byte, err);
}

static int open_file(struct text_source *t, struct sl_err *err)
{
    if (!t->bytes) {
        int rc = sl_bytes_open(t->paths[t->file], t->o.follow, &t->bytes, err);
        if (rc < 0)
            return rc;
    }
    t->start = t->fill = 0;
    t->at_end = 0;
    t->byte = 0;
    t->line = 1;
    memset(&t->cut, 0, sizeof(t->cut));
    return look_up(t, err);
}

/* The header of a file after the first, once enough of it is there. 1 done, 0 more bytes needed. */
static int take_header(struct text_source *t, struct sl_err *err)
{
    struct sl_text_cut cut = {0};
    size_t header = 0;
    int64_t whole = sl_text_cut(t->reader, &cut, text(t), pending(t), t->at_end, err);
    if (whole <= 0)
        return whole < 0 ? (int)whole : t->at_end;
    sl_text_map_unref(t->map);
    t->map = NULL;
    int rc = sl_text_header(t->reader, text(t), (size_t)whole, sl_bytes_name(t->bytes), &t->map,
                            &header, err);
    if (rc < 0)
        return rc;
    t->line += count_lines(text(t), header);
    t->start += header;
    t->byte += (int64_t)header;
    return 1;
}

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
    int known = open_file(t, err);
    if (known < 0)
        return known;
    int rc = settle(t, err);
    if (rc == 0 && known)
        rc = resume(t, err);
    s->live = t->o.follow;
    return rc;
}

/* The end of a file has been reached and its last records are out: > 0 the next one is open, 0 there
 * is none (or, followed, not yet). */
static int next_file(struct text_source *t, struct sl_err *err)
{
    int rc;
    if (sl_bytes_is_followed(t->bytes)) {
        rc = sl_bytes_reopen(t->bytes, err);
        if (rc <= 0)
            return rc;
        say(t, "%s was rotated: going on with the new file", sl_bytes_name(t->bytes));
        rc = look_up(t, NULL); /* a name that comes again holds new rows: nothing to refuse */
        t->start = t->fill = 0;
        t->byte = 0;
        t->line = 1;
        t->at_end = 0;
        memset(&t->cut, 0, sizeof(t->cut));
    } else {
        if (t->file + 1 >= t->o.npaths)
            return 0;
        sl_bytes_free(t->bytes);
        t->bytes = NULL;
        t->file++;
        rc = open_file(t, err);
        if (rc < 0)
            return rc;
    }
    t->need_header = 1;
    t->resume = rc > 0;
    return 1;
}

/* ---- next ---- */

static void discard(struct sl_morsel *m)
{
    struct text_mark *k = m->arg;
    sl_fileid_unref(k->identity);
    sl_text_map_unref(k->map);
    free(k);
}

static int attach_mark(struct text_source *t, struct sl_morsel *m, int64_t byte, int64_t line,
                       struct sl_err *err)
{
    struct text_mark *k = sl_calloc(1, sizeof(*k));
    if (!k)
        return sl_err_nomem(err, "a morsel");
    m->arg = k;
    k->map = sl_text_map_ref(t->map);
    if (!t->identity)
        return 0;
    k->identity = sl_fileid_ref(t->identity);
    return sl_fileid_mark(t->identity, t->bytes, byte, line, &k->mark, err);
}

/* The first n bytes of the block as the morsel's text. */
static int take_text(struct text_source *t, struct sl_morsel *m, size_t n, struct sl_err *err)
{
    size_t rest = pending(t) - n;
    if (n >= SMALL) {
        struct sl_buffer *block = t->block;
        m->data = block;
        m->text = text(t);
        t->block = NULL;
        size_t from = t->start + n;
        t->start = t->fill = 0;
        if (!rest)
            return 0;
        int rc = make_room(t, err);
        if (rc == 0 && t->block->capacity < rest)
            rc = sl_buffer_grow(t->block, rest + MORSEL) < 0 ? sl_err_nomem(err, "text") : 0;
        if (rc < 0)
            return rc;
        memcpy(t->block->data, block->data + from, rest);
        t->fill = rest;
        return 0;
    }
    m->data = sl_buffer_new(t->base.account, n);
    if (!m->data)
        return sl_err_nomem(err, "a block of text");
    memcpy(m->data->data, text(t), n);
    m->text = (const char *)m->data->data;
    t->start += n;
    return 0;
}

static int make_morsel(struct text_source *t, size_t n, struct sl_morsel **out, struct sl_err *err)
{
    struct sl_morsel *m = sl_morsel_new(&t->base);
    if (!m)
        return sl_err_nomem(err, "a morsel");
    m->place = sl_strdup(sl_bytes_name(t->bytes));
    m->first_line = t->line;
    m->byte = t->byte;
    m->split = t->file;
    m->len = n;
    int64_t lines = count_lines(text(t), n);
    int rc = m->place ? attach_mark(t, m, t->byte + (int64_t)n, t->line + lines, err)
                      : sl_err_nomem(err, "a morsel");
    if (rc == 0)
        rc = take_text(t, m, n, err);
    if (rc < 0) {
        sl_morsel_free(m);
        return rc;
    }
    t->byte += (int64_t)n;
    t->line += lines;
    memset(&t->cut, 0, sizeof(t->cut));
    *out = m;
    return SL_NEXT_MORSEL;
}

/* Whole records at the front of the block, if any: SL_NEXT_MORSEL, 0, < 0. */
static int cut(struct text_source *t, struct sl_morsel **out, struct sl_err *err)
{
    if (!pending(t))
        return 0;
    int64_t n = sl_text_cut(t->reader, &t->cut, text(t), pending(t), t->at_end, err);
    if (n < 0) {
        sl_err_at(err, sl_bytes_name(t->bytes), t->line, 0);
        return (int)n;
    }
    return n ? make_morsel(t, (size_t)n, out, err) : 0;
}

/* The file was cut short and is being written anew: what was not yet a record is gone. */
static void truncated(struct text_source *t)
{
    say(t, "%s was truncated: reading it from its start (%zu bytes of a part of a record dropped)",
        sl_bytes_name(t->bytes), pending(t));
    t->start = t->fill = 0;
    t->byte = 0;
    t->line = 1;
    t->need_header = 1;
    memset(&t->cut, 0, sizeof(t->cut));
}

/* Header and position of a file just begun. 1 go on, 0 more bytes are needed, < 0. */
static int begin(struct text_source *t, struct sl_err *err)
{
    if (t->need_header) {
        int rc = take_header(t, err);
        if (rc <= 0)
            return rc;
        t->need_header = 0;
    }
    if (t->resume) {
        t->resume = 0;
        int rc = resume(t, err);
        return rc < 0 ? rc : 0;
    }
    return 1;
}

static int source_next(struct sl_source *s, struct sl_morsel **out, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;

    for (;;) {
        int rc = 1;
        if (t->need_header || t->resume)
            rc = begin(t, err);
        if (rc > 0 && (pending(t) >= MORSEL || t->at_end))
            rc = cut(t, out, err);
        else if (rc > 0)
            rc = 0;
        if (rc)
            return rc;
        if (t->at_end) {
            assert(!pending(t) || t->need_header);
            rc = next_file(t, err);
            if (rc < 0)
                return rc;
            if (rc == 0)
                return sl_bytes_is_followed(t->bytes) ? SL_NEXT_WAIT : SL_NEXT_END;
            continue;
        }
        rc = read_more(t, err);
        if (rc < 0)
            return rc;
        if (rc == SL_BYTES_TRUNCATED)
            truncated(t);
        else if (rc == SL_BYTES_END)
            t->at_end = 1;
        else if (rc == SL_BYTES_WAIT) {
            rc = t->need_header ? 0 : cut(t, out, err);
            return rc ? rc : SL_NEXT_WAIT;
        }
    }
}

static int source_decode(struct sl_source *s, struct sl_morsel *m, int worker, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    struct text_mark *k = m->arg;
    int64_t lines;
    struct sl_text_chunk chunk = {
        .data = m->text,
        .n = m->len,
        .first_line = m->first_line,
        .wanted = t->wanted,
        .narrow = !s->may_widen,
        .map = k->map,
        .account = s->account,
    };
    int rc = sl_text_decode(t->reader, t->scratch[worker], &chunk, &m->batch, &m->rejects, &lines,
                            &m->wider, err);
    m->records = m->rejects.records;
    m->skipped = m->rejects.skipped;
    if (m->batch) {
        sl_schema_unref(m->batch->schema);
        m->batch->schema = sl_schema_ref(s->schema);
        m->batch->origin.partition = m->split;
        /* Records have at least a byte each, so this numbers rows in the order of the file. */
        m->batch->origin.base = m->byte;
    }
    return rc;
}

static int source_widen(struct sl_source *s, struct sl_schema *wider, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    int rc = sl_text_widen(t->reader, wider, err);
    if (rc < 0)
        return rc;
    s->generation++;
    return take_schema(t, err);
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

static int source_raw(struct sl_source *s, const uint8_t *columns, struct sl_err *err)
{
    struct text_source *t = (struct text_source *)s;
    enum sl_text_format f = sl_text_reader_format(t->reader);
    if (f != SL_TEXT_CSV && f != SL_TEXT_TSV)
        return 0;
    int rc = sl_text_set_raw(t->reader, columns, err);
    if (rc < 0)
        return rc;
    return take_schema(t, err);
}

static int source_position(struct sl_source *s, struct sl_morsel *m, struct sl_buf *id,
                           struct sl_buf *position, struct sl_err *err)
{
    struct text_mark *k = m->arg;
    (void)s;
    (void)err;
    if (!k->identity)
        return 0;
    if (m->batch)
        k->identity->rows += (int64_t)m->batch->selected;
    sl_buf_addstr(id, k->identity->id);
    sl_fileid_print(k->identity, &k->mark, k->identity->rows, position);
    return 1;
}

static int source_poll(struct sl_source *s, struct pollfd *fds, int max, int64_t *deadline)
{
    return sl_bytes_poll(((struct text_source *)s)->bytes, fds, max, deadline);
}

static void source_assumed(struct sl_source *s, struct sl_buf *out)
{
    sl_text_assumed(((struct text_source *)s)->reader, out);
}

static void source_progress(struct sl_source *s, int64_t *done, int64_t *total)
{
    struct text_source *t = (struct text_source *)s;
    *done = *total = -1;
    if (t->bytes)
        sl_bytes_progress(t->bytes, done, total);
    if (t->o.npaths > 1)
        *total = -1;
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
    sl_fileid_unref(t->identity);
    sl_text_map_unref(t->map);
    sl_text_reader_free(t->reader);
    sl_buffer_unref(t->block);
    sl_log_free(t->log);
    sl_schema_unref(t->types);
    sl_schema_unref(s->schema);
    free(t->wanted);
    free(t);
}

static const struct sl_source_class text_source_class = {
    .name = "text",
    .open = source_open,
    .next = source_next,
    .decode = source_decode,
    .widen = source_widen,
    .want = source_want,
    .raw = source_raw,
    .poll = source_poll,
    .position = source_position,
    .discard = discard,
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
    if (o->into && sl_path_is_log(o->into))
        return sl_log_open(o->into, &t->log, err);
    return 0;
}

int sl_text_source_new(const struct sl_input_options *o, struct sl_bytes *first,
                       struct sl_source **out, struct sl_err *err)
{
    struct text_source *t = sl_calloc(1, sizeof(*t));
    *out = NULL;
    if (!t) {
        sl_bytes_free(first);
        return sl_err_nomem(err, "a text source");
    }
    t->base.class = &text_source_class;
    t->base.account = o->account;
    t->base.partitions = 1;
    t->base.out_of_order = sl_source_out_of_order(o);
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

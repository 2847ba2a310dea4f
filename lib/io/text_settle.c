/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_settle: format, reader and schema of a text source, from the first bytes of its first file that
 * is not empty, and of those behind it while they are small: a file without rows tells no types.
 */
#include "base/compat.h"
#include <inttypes.h>
#include "file/bytes.h"
#include <sys/stat.h>
#include "io/text_source.h"

enum {
    SAMPLE = 1 << 20,          /* types settle from this much, */
    SAMPLE_ROWS = 10000,       /* so many lines, or what is there at a pause */
    PAUSE_USEC = 20 * 1000,    /* a pipe that says nothing for so long has paused */
    SLACK = 64,                /* zeros behind a text */
    LATEST_USEC = 1000 * 1000, /* in a trickle without a pause, rows wait no longer than that */
};

/* Of n bytes of whole records, those of the first SAMPLE_ROWS lines. Records of several lines are not cut,
 * and where only the first one ends there, which may be a header, a longer sample does no harm. */
static size_t sample_length(struct text_source *t, size_t n)
{
    const char *s = sl_textin_front(t), *p = s;
    struct sl_text_cut cut = {0};
    for (int lines = 0; p && lines <= SAMPLE_ROWS; lines++) {
        p = memchr(p, '\n', (size_t)(s + n - p));
        p = p ? p + 1 : NULL;
    }
    if (!p)
        return n;
    struct sl_text_cut first = {0};
    size_t whole = sl_text_cut(t->reader, &cut, s, (size_t)(p - s), 0);
    return whole > sl_text_record_end(t->reader, &first, s, n) ? whole : n;
}

/* Zeros before a record are none of its values. */
static size_t before_zeros(struct text_source *t, size_t n)
{
    struct sl_text_cut first = {0};
    size_t before = sl_textin_before_zeros(t, n);
    return before > sl_text_record_end(t->reader, &first, sl_textin_front(t), n) ? before : n;
}

/* The reader's schema, with its time column settled, becomes the source's. */
int sl_textin_take_schema(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    struct sl_schema *s = sl_source_time(sl_text_schema(t->reader), t->o.time_column, err);
    if (!s)
        return -(int)(err ? err->code : SL_EFAIL);
    sl_schema_unref(t->base.schema);
    t->base.schema = s;
    return 0;
}

/* The format as said, or as the bytes so far and the name tell; SL_TEXT_NONE if they do not. */
static int guess(struct text_source *t, struct sl_text_options *to, struct sl_err *err)
{
    enum sl_text_format by_bytes =
        sl_text_format_of_bytes(sl_textin_front(t), sl_textin_pending(t));
    enum sl_text_format by_name = SL_TEXT_NONE;

    if (t->o.format)
        return sl_text_format_parse(t->o.format, &to->format, &to->pattern, err);
    if (t->o.npaths)
        by_name = sl_text_format_of_path(t->paths[t->file]);
    else if (t->watch)
        by_name = sl_textin_watch_format(t);
    /* A rotated file has the format of the one that took its name. */
    for (int i = t->file + 1; by_bytes == by_name && by_name == SL_TEXT_NONE && i < t->o.npaths;
         i++)
        by_name = sl_text_format_of_path(t->paths[i]);
    /* First bytes tell JSON and web logs apart from the rest; between CSV and TSV the name knows
     * better. */
    to->format = by_bytes;
    if (by_name != SL_TEXT_NONE &&
        (by_bytes == SL_TEXT_NONE || by_bytes == SL_TEXT_CSV || by_bytes == SL_TEXT_TSV))
        to->format = by_name;
    return 0;
}

static int recognise(struct text_source *t, struct sl_text_options *to, struct sl_err *err)
{
    int rc = guess(t, to, err);
    if (rc < 0 || to->format != SL_TEXT_NONE)
        return rc;
    if (!sl_textin_pending(t) && sl_bytes_is_regular(t->bytes)) {
        to->format = SL_TEXT_CSV; /* an empty file has no rows in any format */
        return 0;
    }
    if (!sl_textin_pending(t)) {
        sl_err_set(err, SL_EUPSTREAM,
                   "%s is empty: the stage before wrote nothing, not even a "
                   "schema",
                   sl_bytes_name(t->bytes));
        return sl_err_hint(err, "if it is text without rows, say so: -I csv");
    }
    sl_err_set(err, SL_EUSAGE, "cannot tell the format of %s by its first bytes",
               sl_bytes_name(t->bytes));
    return sl_err_hint(err, "say it: -I " SL_TEXT_READABLE);
}

/* What is known at sight to be no text that can be read. */
static int check_bytes(struct text_source *t, struct sl_err *err)
{
    if (sl_text_foreign_file(sl_textin_front(t), sl_textin_pending(t), err) < 0)
        return sl_err_place(err, "%s", sl_bytes_name(t->bytes));
    const char *name = sl_text_foreign_encoding(sl_textin_front(t), sl_textin_pending(t));
    if (!name)
        return 0;
    sl_err_set(err, SL_EFORMAT, "the text is %s, and is read as UTF-8", name);
    sl_err_hint(err, "iconv -f %s -t UTF-8 makes it that", name);
    return sl_err_place(err, "%s", sl_bytes_name(t->bytes));
}

/* Where a line of the sample stands. */
static void place_of(void *arg, int64_t line, struct sl_buf *out)
{
    const struct text_source *t = arg;
    const struct text_sampled *s = NULL;
    for (int i = 0; i < t->nsampled && t->sampled[i].first <= line; i++)
        s = &t->sampled[i];
    sl_buf_printf(out, "%s:%" PRId64, s ? s->path : sl_bytes_name(t->bytes),
                  s ? line - s->first + s->line : t->line + line - 1);
}

static int make_reader(struct text_source *t, struct sl_err *err)
{
    struct sl_text_options to = {
        .delimiter = t->o.delimiter,
        .no_header = t->o.no_header,
        .header = t->o.header,
        .several = t->o.npaths > 1 || t->watch || t->rejects,
        .may_grow = t->base.may_grow && !t->rejects,
        .max_columns = t->o.max_columns,
        .types = t->types,
        .fixed = sl_textin_fixed(t),
        .time_column = t->o.time_column,
        .time_format = t->o.time_format,
        .latest = sl_textin_latest(t),
        .latest_said = t->o.latest != 0,
        .zone = t->o.zone,
        .place = t->rejects ? NULL : place_of,
        .place_arg = t,
        .account = t->base.account,
    };
    int rc = check_bytes(t, err);
    if (rc == 0)
        rc = recognise(t, &to, err);
    return rc < 0 ? rc : sl_text_reader_new(&to, &t->reader, err);
}

/* How many lines are a sample at a pause. With a header, the header alone tells nothing of types. */
static int64_t lines_needed(struct text_source *t)
{
    struct sl_text_options to = {0};
    if (t->least_lines)
        return t->least_lines;
    if (t->o.no_header || guess(t, &to, NULL) < 0)
        return 1;
    if (to.format != SL_TEXT_CSV && to.format != SL_TEXT_TSV && to.format != SL_TEXT_NONE)
        return 1;
    return !t->o.header &&
                   sl_text_is_numbers(sl_textin_front(t), sl_textin_pending(t), t->o.delimiter)
               ? 1
               : 2;
}

/* The end of the input: of a followed file, that it was rotated away. If it had nothing, the new one
 * is sampled in its place; so is the next one of several. What to go on with, as of a read. */
static int end_of_sample(struct text_source *t, struct sl_err *err)
{
    if (!sl_textin_pending(t) && t->file + 1 < t->o.npaths) {
        int rc = sl_textin_open_next(t, err);
        return rc < 0 ? rc : SL_BYTES_DATA;
    }
    if (!sl_bytes_is_followed(t->bytes) || sl_textin_pending(t)) {
        t->at_end = 1;
        return SL_BYTES_END;
    }
    int rc = sl_bytes_reopen(t->bytes, err);
    if (rc > 0)
        rc = sl_textin_anew(t, err);
    return rc < 0 ? rc : SL_BYTES_WAIT;
}

/* Fills the block with a sample: until it holds enough bytes, the input ends or pauses. 1: settle from
 * it; 0: the run was told to end before there was a record: of a header alone there is a schema. */
static int gather_sample(struct text_source *t, size_t enough, struct sl_err *err)
{
    int64_t latest = 0; /* monotonic; 0: there is nothing to settle from */
    while (sl_textin_pending(t) < enough && !t->at_end) {
        int rc = 0;
        if (sl_textin_is_broken(t)) { /* and what was read is no sample */
            rc = sl_textin_go_on(t, err);
            t->need_header = 0; /* settling takes it */
            if (rc < 0)
                return rc;
        }
        rc = sl_textin_read_more(t);
        if (rc == SL_BYTES_END && (rc = end_of_sample(t, err)) < 0)
            return rc;
        if (rc == SL_BYTES_DATA || rc == SL_BYTES_END)
            continue;
        int some =
            sl_textin_pending(t) &&
            sl_textin_count_lines(sl_textin_front(t), sl_textin_pending(t)) >= lines_needed(t);
        if (sl_textin_is_broken(t)) {
            if (some)
                return 1;
            continue;
        }
        int64_t now = sl_time_mono_usec();
        if (some && latest && now >= latest)
            return 1;
        latest = !some ? 0 : latest ? latest : now + LATEST_USEC;
        rc = sl_bytes_wait(t->bytes, t->o.stop_fd, some ? PAUSE_USEC : -1, err);
        if (rc < 0)
            return rc;
        if (rc == 0)
            return some;
    }
    return 1;
}

/* Text is read a little beyond its end. */
static int add_slack(struct sl_buf *b, struct sl_err *err)
{
    char *slack = sl_buf_room(b, SLACK);
    if (slack)
        memset(slack, 0, SLACK);
    return sl_buf_check(b, err);
}

/* Whole records at the front of a later file, with its header: as many as a sample wants. 0: none. */
static int64_t read_front(struct text_source *t, const char *path, struct sl_buf *out,
                          struct sl_err *err)
{
    struct sl_text_cut cut = {0};
    struct sl_bytes *b = NULL;
    struct stat st;
    char data[8192];
    size_t got;
    int rc = SL_BYTES_DATA;
    sl_buf_reset(out);
    /* What a FIFO gave here would be gone; what cannot be opened is an error at its turn. */
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
        sl_bytes_open(path, 0, t->o.stop_fd, &b, NULL) < 0)
        return 0;
    while (rc == SL_BYTES_DATA && out->len < SAMPLE) {
        rc = sl_bytes_read(b, data, sizeof(data), &got, NULL);
        sl_buf_add(out, data, got);
    }
    sl_bytes_free(b);
    if (add_slack(out, err) < 0)
        return -SL_ENOMEM;
    return (int64_t)sl_text_cut(t->reader, &cut, out->data, out->len, rc == SL_BYTES_END);
}

static int is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Types settle anew from all records that are at hand, of n bytes with a header, and those of later
 * files under the same header. Others bring columns when it is their turn. */
static int settle_from_several(struct text_source *t, size_t n, size_t header, struct sl_err *err)
{
    struct sl_buf all = SL_BUF_INIT, next = SL_BUF_INIT;
    const char *front = sl_textin_front(t);
    size_t same = header, ignored;
    int64_t lines = sl_textin_count_lines(front, n);
    int rc = 0;
    struct text_sampled *sampled = sl_calloc((size_t)t->o.npaths, sizeof(*sampled));
    if (!sampled)
        return sl_err_nomem(err, "reading a sample");
    free(t->sampled);
    t->sampled = sampled;
    t->nsampled = 0;
    while (same && is_line_end(front[same - 1]))
        same--;
    sl_buf_add(&all, front, n);
    for (int i = t->file + 1; i < t->o.npaths && all.len < SAMPLE && lines < SAMPLE_ROWS; i++) {
        int64_t whole = read_front(t, t->paths[i], &next, err);
        if (whole < 0) {
            rc = (int)whole;
            goto out;
        }
        if ((size_t)whole <= same ||
            (same && (memcmp(next.data, front, same) != 0 || !is_line_end(next.data[same]))))
            continue;
        if (all.len && !is_line_end(all.data[all.len - 1])) {
            sl_buf_addch(&all, '\n');
            lines++;
        }
        size_t from = same;
        while (from < (size_t)whole && same && is_line_end(next.data[from]))
            from++;
        assert(t->nsampled < t->o.npaths);
        t->sampled[t->nsampled++] = (struct text_sampled){
            t->paths[i], lines + 1, sl_textin_count_lines(next.data, from) + 1};
        sl_buf_add(&all, next.data + from, (size_t)whole - from);
        lines += sl_textin_count_lines(next.data + from, (size_t)whole - from);
    }
    if (all.len > n) {
        rc = add_slack(&all, err);
        if (rc == 0)
            rc = sl_text_settle(t->reader, all.data, all.len, &ignored, err);
    }
out:
    sl_buf_release(&all);
    sl_buf_release(&next);
    return rc;
}

static int say_stopped(struct text_source *t, struct sl_err *err)
{
    return sl_err_set(err, SL_ESTOPPED, "ended before the first row of %s",
                      sl_bytes_name(t->bytes));
}

/* Whether there is a part of a record, and no whole one, which waits for a later run. Types do not settle
 * from that. A directory is watched for more. */
static int is_nothing_whole(const struct text_source *t, size_t header, size_t whole)
{
    return t->at_end && !sl_textin_ends(t) && !t->watch && header >= whole &&
           sl_textin_pending(t) > header;
}

/* Then another file is settled from: 0. A log has a schema already; without one there is none to begin
 * with. */
static int pass_over(struct text_source *t, size_t header, struct sl_err *err)
{
    t->least_lines = 0;
    if (t->file + 1 < t->o.npaths || sl_textin_fixed(t))
        sl_textin_say_unfinished(t, sl_textin_pending(t) - header);
    if (t->file + 1 < t->o.npaths)
        return sl_textin_open_next(t, err);
    if (sl_textin_fixed(t)) {
        sl_text_reader_free(t->reader);
        t->reader = NULL;
        return SL_TEXTIN_NOTHING;
    }
    sl_err_set(err, SL_ENOENT, "%s has no whole row yet: its last line has no end",
               sl_bytes_name(t->bytes));
    return sl_err_hint(err, "run again when it has one; without --resume it is taken as it is");
}

int sl_textin_settle(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    size_t whole, header = 0, enough = SAMPLE;
    for (;;) {
        int rc = gather_sample(t, enough, err);
        if (rc < 0)
            return rc;
        int stopped = rc == 0; /* of a header alone there is a schema then */
        if (stopped && !sl_textin_pending(t))
            return say_stopped(t, err);
        if (!t->reader)
            rc = make_reader(t, err);
        if (rc < 0)
            return rc;
        struct sl_text_cut cut = {0};
        whole = sl_text_cut(t->reader, &cut, sl_textin_front(t), sl_textin_pending(t),
                            sl_textin_ends(t));
        if (stopped && !whole)
            return say_stopped(t, err);
        if (whole || t->at_end) {
            size_t sample = before_zeros(t, sample_length(t, whole));
            rc = sl_text_settle(t->reader, sl_textin_front(t), sample, &header, err);
            if (rc == -SL_EFORMAT)
                return sl_err_at(err, sl_bytes_name(t->bytes), t->line, 0);
            if (rc < 0)
                return rc;
            if (is_nothing_whole(t, header, whole)) {
                rc = pass_over(t, header, err);
                if (rc)
                    return rc;
                continue;
            }
            if (t->at_end && t->file + 1 < t->o.npaths)
                rc = settle_from_several(t, sample, header, err);
            if (rc < 0)
                return rc;
            if (t->at_end || stopped || header < whole)
                break;
        }
        /* The first record is longer than the sample or has not come whole, or it is a header: that
         * alone tells nothing of types. */
        t->least_lines = sl_textin_count_lines(sl_textin_front(t), sl_textin_pending(t)) + 1;
        enough = SL_MAX(enough, 2 * sl_textin_pending(t));
    }
    int rc = sl_textin_pass_header(t, header, err);
    return rc < 0 ? rc : sl_textin_take_schema(t, err);
}

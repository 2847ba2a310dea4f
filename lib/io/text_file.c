/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_file: the files of a text source, one after the other or one followed: what is known of each
 * in the log that is ingested into, its header, rotation and truncation.
 */
#include "base/compat.h"
#include "file/bytes.h"
#include "file/rotated.h"
#include "io/text_source.h"

/* That the file at hand is in the log already, wholly or in part, or was read before by this run. */
static int refuse(const struct text_source *t, const struct sl_taken *of, struct sl_err *err)
{
    const char *name = sl_bytes_name(t->bytes);
    if (!of || of->is_recorded)
        return sl_again_refuse(t->taken->rows, name, err);
    sl_err_set(err, SL_EEXIST, "%s begins as %s, which was read before it", name,
               sl_taken_name(of));
    return sl_err_hint(err, "--resume takes only what is new in it, --again appends all");
}

void sl_textin_say_copy(const struct text_source *t, const struct sl_taken *of)
{
    sl_input_say(&t->o, "%s begins as %s, which %s: going on behind that", sl_bytes_name(t->bytes),
                 sl_taken_name(of), of->is_recorded ? "is committed" : "was read before it");
}

int sl_textin_is_news(const struct text_source *t, enum sl_seen_as as)
{
    return as == SL_SEEN_COPY || (as == SL_SEEN_OLD && sl_taken_is_whole(t->taken));
}

/* What was taken of the file at hand already: 1 a part of it, or all. */
static int look_up(struct text_source *t, int refuses, struct sl_err *err)
{
    const struct sl_taken *of = NULL;
    int flags = (t->again == SL_AGAIN_ALL ? SL_SEEN_ALL : 0) | (t->o.follow ? SL_SEEN_LIVE : 0);
    t->taken = NULL;
    if (!t->seen || !sl_bytes_is_regular(t->bytes))
        return 0;
    int rc = sl_seen_open(t->seen, t->bytes, flags, &t->taken, &of, err);
    if (rc <= SL_SEEN_NEW)
        return rc;
    if (refuses)
        return refuse(t, of, err);
    if (rc == SL_SEEN_COPY)
        sl_textin_say_copy(t, of);
    t->announce = sl_textin_is_news(t, rc);
    return 1;
}

/* The name that is followed holds something else now: a new file, or the same one written anew from
 * its start. Nothing of that is refused; resume is set if it is a file that is known. */
int sl_textin_anew(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    int rc = look_up(t, 0, err);
    t->resume = rc > 0;
    sl_textin_clear(t);
    t->latest = 0;
    t->was_truncated = t->is_zeros_said = 0;
    return SL_MIN(rc, 0);
}

static int is_line_end(char c)
{
    return c == '\n' || c == '\r' || !c; /* zeros that were skipped end no record, and begin one */
}

/* Where to go on in a file whose rows up to a position are committed: there; but one that ended without
 * a line end has come by it since, which is no record, or was read while its last line was being
 * written, and what follows is no whole one: then where that line begins. < 0 if it cannot be read. */
static int64_t go_on_at(struct text_source *t, int64_t position, struct sl_err *err)
{
    enum { CHUNK = 4096 };
    char data[CHUNK];
    const char *name = sl_bytes_name(t->bytes);
    int fd = sl_bytes_fd(t->bytes);
    if (position <= t->records || sl_bytes_is_compressed(t->bytes))
        return position;
    ssize_t n = sl_path_pread(fd, data, 3, position - 1, name, err);
    if (n < 1 || is_line_end(data[0]))
        return n < 0 ? n : position;
    if (n < 2) { /* followed: asked again when there is more */
        t->resume = sl_bytes_is_followed(t->bytes);
        return position;
    }
    if (is_line_end(data[1]))
        return position + 1 + (n > 2 && data[1] == '\r' && data[2] == '\n');
    int64_t at = position;
    while (at > t->records) {
        int64_t from = SL_MAX(at - CHUNK, t->records);
        n = sl_path_pread(fd, data, (size_t)(at - from), from, name, err);
        if (n < at - from)
            return n < 0 ? n : position;
        while (n > 0 && !is_line_end(data[n - 1]))
            n--;
        at = from + n;
        if (n)
            break;
    }
    return at;
}

/* Goes on behind what is committed. The header has been read. */
int sl_textin_resume(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    const struct sl_file_mark *m = &t->taken->mark;
    int64_t position = m->byte, at = go_on_at(t, position, err);
    if (at < 0)
        return (int)at;
    if (at < position)
        sl_input_say(&t->o,
                     "%s:%lld: a part of this record was committed before it was whole, and stays; "
                     "now all of it is read",
                     sl_bytes_name(t->bytes), (long long)m->line);
    sl_textin_clear(t);
    t->byte = at;
    t->line = m->line + (at > position);
    t->latest = m->latest;
    int64_t crc = m->crc;
    int rc = at == position ? 0 : sl_file_crc(t->bytes, 0, at, &crc, err);
    t->crc = (uint32_t)crc;
    return rc < 0 ? rc : sl_bytes_seek(t->bytes, at, err);
}

static int is_named(const struct text_source *t, const char *path)
{
    for (int i = 0; i < t->o.npaths; i++)
        if (strcmp(t->paths[i], path) == 0)
            return 1;
    return 0;
}

/* The file at hand is read later: another one comes first. */
static int put_before(struct text_source *t, const char *path, struct sl_err *err)
{
    if (sl_bytes_is_followed(t->bytes))
        return sl_bytes_precede(t->bytes, path, err);
    char **paths = sl_realloc(t->paths, ((size_t)t->o.npaths + 1) * sizeof(char *));
    char *copy = paths ? sl_strdup(path) : NULL;
    if (paths)
        t->paths = paths;
    if (!copy)
        return sl_err_nomem(err, "rotated files");
    memmove(&paths[t->file + 1], &paths[t->file],
            (size_t)(t->o.npaths++ - t->file) * sizeof(char *));
    paths[t->file] = copy;
    sl_textin_close(t);
    return sl_bytes_open(path, 0, t->o.stop_fd, &t->bytes, err);
}

/* The file is new to the log. Was the one that had its name before renamed in between, and is there
 * more of it? Then that comes first. 1 if it does, and a part of it is committed. */
static int look_back(struct text_source *t, struct sl_err *err)
{
    struct sl_buf older = SL_BUF_INIT, missed = SL_BUF_INIT;
    const char *path = t->paths[t->file];
    int rc = sl_rotated_find(t->seen, t->taken, &older, &missed, err);
    if (rc == 0 && missed.len && t->o.npaths == 1)
        sl_input_say(&t->o,
                     "%s was rotated more than once, and not all of it is in the log: "
                     "ingest --resume %s",
                     path, missed.data);
    if (rc == 0 && older.len && !is_named(t, older.data)) {
        sl_input_say(&t->o, "%s was rotated to %s: going on there first", path, older.data);
        rc = put_before(t, older.data, err);
        if (rc == 0)
            rc = look_up(t, 0, err);
    }
    sl_buf_release(&older);
    sl_buf_release(&missed);
    return rc;
}

int sl_textin_open_file(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    if (!t->bytes) {
        int rc = sl_bytes_open(t->paths[t->file], t->o.follow, t->o.stop_fd, &t->bytes, err);
        if (rc < 0)
            return rc;
    }
    sl_textin_clear(t);
    t->latest = 0;
    t->was_truncated = t->is_zeros_said = 0;
    t->records = 0;
    int rc = look_up(t, t->again == SL_AGAIN_REFUSE, err);
    if (rc == 0 && t->taken && t->again == SL_AGAIN_RESUME)
        rc = look_back(t, err);
    t->resume = rc > 0;
    return SL_MIN(rc, 0);
}

int sl_textin_open_next(struct text_source *t, struct sl_err *err)
{
    sl_textin_close(t);
    t->file++;
    return sl_textin_open_file(t, err);
}

int sl_textin_forget(struct text_source *t, struct sl_err *err)
{
    int64_t now = sl_time_now_usec();
    int rc = 0;
    if (!t->seen || t->again != SL_AGAIN_RESUME || !t->o.forget)
        return 0;
    if (t->watch)
        return sl_seen_forget(t->seen, t->o.watch, now, t->o.forget, err);
    for (int i = 0; rc == 0 && i < t->o.npaths; i++) {
        char *dir = sl_path_dir(t->paths[i]);
        rc = dir ? sl_seen_forget(t->seen, dir, now, t->o.forget, err)
                 : sl_err_nomem(err, "a directory");
        free(dir);
    }
    return rc;
}

/* The header of a file after the first is none. A file of another format is named as that. */
static int strange_header(struct text_source *t, int rc, struct sl_err *err)
{
    enum sl_text_format f = sl_text_format_of_bytes(sl_textin_front(t), sl_textin_pending(t));
    if (t->o.format || t->o.npaths < 2 || f == SL_TEXT_CSV || f == SL_TEXT_TSV || f == SL_TEXT_NONE)
        return rc;
    sl_err_set(err, SL_ESCHEMA, "%s is %s, and the first file is %s", sl_bytes_name(t->bytes),
               sl_text_format_name(f), sl_text_format_name(sl_text_reader_format(t->reader)));
    return sl_err_hint(err, "ingest each on its own, into the same log");
}

/* The header of a file after the first, once enough of it is there. 1 done, 0 more bytes needed. */
static int take_header(struct text_source *t, struct sl_err *err)
{
    struct sl_text_cut cut = {0};
    size_t header = 0;
    size_t whole =
        sl_text_cut(t->reader, &cut, sl_textin_front(t), sl_textin_pending(t), sl_textin_ends(t));
    if (!whole)
        return t->at_end;
    header = sl_text_preamble(sl_textin_front(t), whole);
    int is_csv = sl_text_reader_format(t->reader) <= SL_TEXT_TSV;
    if (is_csv && whole <= header && !t->at_end)
        return 0; /* the line sep= alone: the header comes yet */
    sl_text_map_unref(t->map);
    t->map = NULL;
    int rc = sl_text_header(t->reader, sl_textin_front(t), whole, sl_bytes_name(t->bytes), &t->map,
                            &header, err);
    if (rc < 0)
        return strange_header(t, rc, err);
    rc = sl_textin_pass_header(t, header, err);
    return rc < 0 ? rc : 1;
}

/* The end of a file has been reached and its last records are out: > 0 the next one is open, 0 there
 * is none (or, followed, not yet). */
int sl_textin_next_file(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    int rc;
    if (sl_bytes_is_followed(t->bytes)) {
        rc = sl_bytes_reopen(t->bytes, err);
        if (rc <= 0)
            return rc;
        sl_input_say(&t->o, "%s was rotated: going on with the new file", sl_bytes_name(t->bytes));
        rc = sl_textin_anew(t, err);
    } else {
        if (t->file + 1 >= t->o.npaths)
            return 0;
        rc = sl_textin_open_next(t, err);
    }
    t->need_header |= rc >= 0;
    return rc < 0 ? rc : 1;
}

/* The file was cut short and is being written anew: what was not yet a record is gone. */
int sl_textin_truncated(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    size_t lost = sl_textin_pending(t) + (t->too_long ? (size_t)t->too_long->length : 0);
    sl_input_say(
        &t->o, "%s was truncated: reading it from its start (%zu %s of a part of a record dropped)",
        sl_bytes_name(t->bytes), lost, sl_plural((int64_t)lost, "byte", "bytes"));
    int rc = sl_textin_anew(t, err);
    if (t->resume) {
        t->taken->mark = (struct sl_file_mark){.line = 1};
        t->taken->rows = 0;
    }
    t->resume = 0;
    t->need_header = 1;
    t->was_truncated = 1;
    return rc;
}

/* Header and position of a file just begun. 1 go on, 0 more bytes are needed, < 0. */
int sl_textin_begin(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    if (t->need_header && t->zeros && t->was_truncated) { /* its writer goes on behind its header */
        t->need_header = 0;
        t->records = t->byte;
    }
    if (t->need_header) {
        int rc = take_header(t, err);
        if (rc <= 0)
            return rc;
        t->need_header = 0;
    }
    if (t->resume) {
        t->resume = 0;
        int rc = sl_textin_resume(t, err);
        return rc < 0 ? rc : 0;
    }
    return 1;
}

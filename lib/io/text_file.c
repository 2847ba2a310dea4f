/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_file: the files of a text source, one after the other or one followed: what is known of each
 * in the log that is ingested into, its header, rotation and truncation.
 */
#include "base/compat.h"
#include "file/bytes.h"
#include "file/fileid.h"
#include "file/rotated.h"
#include "io/text_source.h"

/* What the log that is ingested into holds of the file at hand already. */
static int look_up(struct text_source *t, struct sl_err *err)
{
    sl_fileid_unref(t->identity);
    t->identity = NULL;
    if (!t->from || !sl_bytes_is_regular(t->bytes))
        return 0;
    t->identity = sl_fileid_new(t->bytes, err);
    if (!t->identity)
        return -(int)(err ? err->code : SL_EFAIL);
    if (t->again == SL_AGAIN_ALL)
        return 0;
    int rc = sl_fileid_find(t->identity, t->bytes, t->from->positions, err);
    if (rc <= 0)
        return rc;
    if (t->again == SL_AGAIN_REFUSE)
        return sl_again_refuse(t->identity->rows, sl_bytes_name(t->bytes), err);
    return 1;
}

/* The name that is followed holds something else now: a new file, or the same one written anew from
 * its start. Nothing of that is refused; resume is set if it is a file that is known. */
int sl_textin_anew(struct text_source *t, struct sl_err *err)
{
    struct sl_err why;
    sl_err_init(&why);
    int rc = look_up(t, &why);
    if (rc < 0 && rc != -SL_EEXIST) {
        if (err)
            *err = why;
        return rc;
    }
    t->resume = rc > 0;
    if (!t->resume && t->identity)
        sl_fileid_restart(t->identity);
    sl_textin_clear(t);
    t->byte = 0;
    t->line = 1;
    t->latest = 0;
    t->was_truncated = t->is_zeros_said = 0;
    return 0;
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
    int64_t position = t->identity->byte, at = go_on_at(t, position, err);
    if (at < 0)
        return (int)at;
    if (at < position)
        sl_textin_say(
            t,
            "%s:%lld: a part of this record was committed before it was whole, and stays; "
            "now all of it is read",
            sl_bytes_name(t->bytes), (long long)t->identity->line);
    sl_textin_clear(t);
    t->byte = at;
    t->line = t->identity->line + (at > position);
    t->latest = t->identity->latest;
    return sl_bytes_seek(t->bytes, t->byte, err);
}

static int is_named(const struct text_source *t, const char *path)
{
    for (int i = 0; i < t->o.npaths; i++)
        if (strcmp(t->paths[i], path) == 0)
            return 1;
    return 0;
}

/* The file is new to the log. Was the one that had its name before renamed in between, and is there
 * more of it? Then it comes first where the name is followed, and is mentioned where it is not. */
static int look_back(struct text_source *t, struct sl_err *err)
{
    struct sl_buf older = SL_BUF_INIT, missed = SL_BUF_INIT;
    const char *path = t->paths[t->file];
    int rc = sl_rotated_find(path, t->from->positions, &older, &missed, err);
    int more = rc == 0 && older.len && !is_named(t, older.data);
    if (rc == 0 && missed.len && t->o.npaths == 1)
        sl_textin_say(t,
                      "%s was rotated more than once, and not all of it is in the log: "
                      "ingest --resume %s",
                      path, missed.data);
    if (more && sl_bytes_is_followed(t->bytes)) {
        sl_textin_say(t, "%s was rotated to %s: going on there first", path, older.data);
        rc = sl_bytes_precede(t->bytes, older.data, err);
        if (rc == 0)
            rc = look_up(t, err);
    } else if (more) {
        sl_textin_say(t,
                      "%s was rotated to %s, and not all of that is in the log: ingest --resume %s",
                      path, older.data, older.data);
    }
    sl_buf_release(&older);
    sl_buf_release(&missed);
    return rc;
}

/* Does the file at hand hold what another of this run held? 1 as with what the log has of it. */
static int look_among_read(struct text_source *t, struct sl_err *err)
{
    const char *as = "";
    if (!t->identity || t->again == SL_AGAIN_ALL)
        return 0;
    int rc = sl_textin_recall(t, t->identity, &as, err);
    if (rc <= 0)
        return rc;
    if (t->again == SL_AGAIN_REFUSE) {
        sl_err_set(err, SL_EEXIST, "%s begins as %s, which was read before it",
                   sl_bytes_name(t->bytes), as);
        return sl_err_hint(err, "--resume takes only what is new in it, --again appends all");
    }
    sl_textin_say(t, "%s begins as %s, which was read before it: going on behind that",
                  sl_bytes_name(t->bytes), as);
    return 1;
}

/* Notes how far the file at hand was read, if there was a record in it. */
static int note_read(struct text_source *t, struct sl_err *err)
{
    struct sl_file_mark mark;
    if (!t->identity || t->again == SL_AGAIN_ALL || t->byte <= t->records)
        return 0;
    int rc = sl_fileid_mark(t->identity, t->bytes, t->byte, t->line, &mark, err);
    return rc < 0 ? rc : sl_textin_remember(t, t->identity, &mark, err);
}

int sl_textin_open_file(struct text_source *t, struct sl_err *err)
{
    if (!t->bytes) {
        int rc = sl_bytes_open(t->paths[t->file], t->o.follow, t->o.stop_fd, &t->bytes, err);
        if (rc < 0)
            return rc;
    }
    sl_textin_clear(t);
    t->byte = 0;
    t->line = 1;
    t->latest = 0;
    t->was_truncated = t->is_zeros_said = 0;
    t->records = 0;
    int rc = look_up(t, err), known = rc < 0 ? rc : look_among_read(t, err);
    rc = known ? known : rc;
    if (rc == 0 && t->identity && t->again == SL_AGAIN_RESUME)
        rc = look_back(t, err);
    t->resume = rc > 0;
    return rc < 0 ? rc : 0;
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
    int rc;
    if (sl_bytes_is_followed(t->bytes)) {
        rc = sl_bytes_reopen(t->bytes, err);
        if (rc <= 0)
            return rc;
        sl_textin_say(t, "%s was rotated: going on with the new file", sl_bytes_name(t->bytes));
        rc = sl_textin_anew(t, err);
        if (rc < 0)
            return rc;
    } else {
        if (t->file + 1 >= t->o.npaths)
            return 0;
        rc = note_read(t, err);
        if (rc < 0)
            return rc;
        sl_bytes_free(t->bytes);
        t->bytes = NULL;
        t->file++;
        rc = sl_textin_open_file(t, err);
        if (rc < 0)
            return rc;
    }
    t->need_header = 1;
    return 1;
}

/* The file was cut short and is being written anew: what was not yet a record is gone. */
int sl_textin_truncated(struct text_source *t, struct sl_err *err)
{
    size_t lost = sl_textin_pending(t) + (t->too_long ? (size_t)t->too_long->length : 0);
    sl_textin_say(
        t, "%s was truncated: reading it from its start (%zu %s of a part of a record dropped)",
        sl_bytes_name(t->bytes), lost, sl_plural((int64_t)lost, "byte", "bytes"));
    int rc = sl_textin_anew(t, err);
    if (t->resume)
        sl_fileid_restart(t->identity);
    t->resume = 0;
    t->need_header = 1;
    t->was_truncated = 1;
    return rc;
}

/* Header and position of a file just begun. 1 go on, 0 more bytes are needed, < 0. */
int sl_textin_begin(struct text_source *t, struct sl_err *err)
{
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

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * import: a log made of what export wrote, see sluice-log(5), EXPORT.
 *
 * It is made under a name of its own, LOG.importing, and renamed when the stream's end, with the number of its
 * rows, was seen: nobody reads half of it.
 */
#include "base/compat.h"
#include <unistd.h>
#include "base/num.h"
#include "ipc/control.h"
#include "maintain/maintain.h"
#include "maintain/mend.h"

enum { PIECE = 1 << 20 };

struct importing {
    ssize_t (*read)(void *arg, void *data, size_t n, struct sl_err *err);
    void *arg;
    struct sl_buf in;
    const char *made;
    struct sl_ipc_decoder *decoder;
    struct sl_log_writer *w;
    int64_t rows, moved;
    int ended;
};

/* The next whole message, until the next call. 1, 0 at the end, < 0. */
static int next_message(struct importing *x, size_t *used, struct sl_ipc_message *m,
                        struct sl_err *err)
{
    sl_buf_consume(&x->in, *used);
    *used = 0;
    for (;;) {
        int64_t total = sl_ipc_peek((const uint8_t *)x->in.data, x->in.len, m, err);
        if (total < 0)
            return (int)total;
        if (total > 0 && (size_t)total <= x->in.len) {
            *used = (size_t)total;
            return m->kind != SL_IPC_END;
        }
        char *room = sl_buf_room(&x->in, PIECE);
        if (!room)
            return sl_err_nomem(err, "importing a log");
        ssize_t n = x->read(x->arg, room, PIECE, err);
        if (n < 0)
            return (int)n;
        if (n == 0)
            return sl_err_set(err, SL_EFORMAT, "the stream ends in its middle");
        x->in.len += (size_t)n;
    }
}

/* The first offsets, one of each partition: the caller's. How many, or < 0. */
static int read_starts(const char *s, int64_t **starts, struct sl_err *err)
{
    int n = 0;
    while (s && *s) {
        size_t len = strcspn(s, " ");
        if (SL_GROW_ONE(*starts, n, "importing a log", err) < 0)
            return -SL_ENOMEM;
        if (!sl_num_parse_int(s, len, &(*starts)[n]) || (*starts)[n] < 0 ||
            (*starts)[n] > SL_LINE_NUMBER || ++n > SL_LOG_PARTITIONS)
            return sl_err_set(err, SL_EFORMAT, "what the stream says of partitions is wrong");
        s += len + (s[len] == ' ');
    }
    if (n)
        return n;
    sl_err_set(err, SL_EFORMAT, "the stream is no export of a log");
    return sl_err_hint(err,
                       "`sluice log export` makes one; `sluice ingest` takes any Arrow stream");
}

static int begin(struct importing *x, const struct sl_ipc_message *m, struct sl_err *err)
{
    int64_t *starts = NULL;
    int rc = sl_ipc_decoder_schema(x->decoder, m, err);
    struct sl_schema *of = rc == 0 ? sl_ipc_decoder_get_schema(x->decoder) : NULL;
    int n = of ? read_starts(sl_schema_meta(of, SL_META_STARTS), &starts, err) : rc;
    struct sl_schema *s = n > 0 ? sl_schema_copy(of) : NULL;
    rc = n < 0 ? n : s ? 0 : sl_err_nomem(err, "a schema");
    struct sl_log_options o = {.sync = SL_SYNC_NONE, .partitions = n, .starts = starts};
    if (s) {
        o.keys = sl_schema_meta(of, SL_META_KEY);
        o.hash = sl_schema_meta(of, SL_META_HASH);
        sl_schema_set_meta(s, SL_META_STARTS, NULL);
    }
    if (rc == 0)
        rc = sl_log_writer_open(x->made, &o, s, &x->w, NULL, err);
    sl_schema_unref(s);
    free(starts);
    return rc;
}

/* Where the batch was. */
static int read_place(const struct importing *x, const struct sl_ipc_message *m, int64_t *partition,
                      int64_t *base, struct sl_err *err)
{
    const char *text;
    size_t n;
    int rc = sl_ipc_message_meta(m, SL_META_PLACE, &text, &n);
    const char *colon = rc == 1 ? memchr(text, ':', n) : NULL;
    if (colon && sl_num_parse_int(text, (size_t)(colon - text), partition) &&
        sl_num_parse_int(colon + 1, n - (size_t)(colon + 1 - text), base) && *partition >= 0 &&
        *partition < sl_log_partitions(sl_log_writer_view(x->w)))
        return 0;
    return sl_err_set(err, SL_EFORMAT, "a batch does not say where it was");
}

static int take_batch(struct importing *x, const struct sl_ipc_message *m, struct sl_err *err)
{
    struct sl_log_blob *blob = NULL;
    struct sl_batch *b = NULL;
    int64_t partition = 0, base = 0;
    int rc = read_place(x, m, &partition, &base, err);
    if (rc == 0)
        rc = sl_ipc_decoder_batch(x->decoder, m, &b, err);
    struct sl_batch *cast = rc == 0 ? sl_batch_cast(b, sl_log_writer_schema(x->w), err) : NULL;
    if (rc == 0 && !cast)
        rc = -(int)err->code;
    if (rc == 0)
        rc = sl_log_writer_encode(x->w, (int)partition, cast, &blob, err);
    if (rc == 0) {
        int64_t rows = (int64_t)cast->selected;
        x->rows += rows;
        x->moved += base != sl_log_end(sl_log_writer_view(x->w), (int)partition) ? rows : 0;
        rc = sl_log_writer_commit(x->w, &blob, 1, NULL, err);
    }
    sl_batch_unref(cast);
    sl_batch_unref(b);
    return rc;
}

/* A table of the stream's end; older ones have none. */
static int read_table(const struct sl_ipc_message *m, const char *name, struct sl_positions *out,
                      struct sl_err *err)
{
    const char *text;
    size_t n;
    int rc = sl_ipc_message_meta(m, name, &text, &n);
    return rc == 1 ? sl_positions_parse(out, text, n, err) : rc;
}

/* What the log knew of its inputs, and its settings, in one line. */
static int take_tables(struct importing *x, const struct sl_ipc_message *m, struct sl_err *err)
{
    struct sl_positions positions = {0}, settings = {0};
    struct sl_line line;
    int rc = read_table(m, SL_META_INPUTS, &positions, err);
    if (rc == 0)
        rc = read_table(m, SL_META_SETTINGS, &settings, err);
    if (rc == 0 && (positions.n || settings.n) && (rc = sl_writer_lock(x->w, err)) == 0) {
        sl_writer_line(x->w, &line);
        rc = sl_line_add_pairs(&line, &positions, 0, &line.positions, &line.npositions) &&
                     sl_line_add_pairs(&line, &settings, 0, &line.settings, &line.nsettings)
                 ? sl_writer_append_line(x->w, &line, err)
                 : sl_err_nomem(err, "importing a log");
        sl_writer_unlock(x->w);
        sl_line_release(&line);
        if (rc == 0)
            rc = sl_writer_tell(x->w, err);
        if (rc == 0)
            sl_writer_keep_log(x->w);
    }
    sl_positions_release(&positions);
    sl_positions_release(&settings);
    return rc;
}

/* A batch that is about the stream. */
static int take_control(struct importing *x, const struct sl_ipc_message *m, struct sl_err *err)
{
    struct sl_control c = {0};
    const char *text;
    size_t n;
    int rc = sl_ipc_message_meta(m, SL_IPC_KEY, &text, &n);
    if (rc == 1)
        rc = sl_control_parse(text, n, &c, err);
    if (rc < 0 || c.kind != SL_CONTROL_END)
        return rc < 0 ? rc : 0;
    x->ended = c.reason == SL_END_END && c.rows == x->rows;
    return x->ended ? take_tables(x, m, err)
                    : sl_err_set(err, SL_EFORMAT,
                                 "the stream's end says that there were %lld rows, "
                                 "not %lld",
                                 (long long)c.rows, (long long)x->rows);
}

static int take_all(struct importing *x, struct sl_err *err)
{
    struct sl_ipc_message m;
    size_t used = 0;
    int rc, first = 1;
    while ((rc = next_message(x, &used, &m, err)) == 1) {
        if (!first != (m.kind != SL_IPC_SCHEMA))
            return sl_err_set(err, SL_EFORMAT, "no Arrow stream: its schema is not in its place");
        first = 0;
        rc = m.kind == SL_IPC_SCHEMA       ? begin(x, &m, err)
             : m.kind == SL_IPC_DICTIONARY ? sl_ipc_decoder_dictionary(x->decoder, &m, err)
             : m.rows > 0                  ? take_batch(x, &m, err)
                                           : take_control(x, &m, err);
        if (rc < 0)
            return rc;
    }
    if (rc == 0 && !x->ended)
        rc = sl_err_set(err, SL_EFORMAT, "the stream has no end: who exported it died");
    return rc;
}

int64_t sl_log_import(const char *path,
                      ssize_t (*read)(void *arg, void *data, size_t n, struct sl_err *err),
                      void *arg, int64_t *moved, struct sl_err *err)
{
    assert(path && read && moved && err);
    struct importing x = {.read = read, .arg = arg};
    struct sl_buf made = SL_BUF_INIT;
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    sl_buf_printf(&made, "%.*s.importing", (int)n, path);
    int rc = sl_buf_check(&made, err);
    if (rc == 0 && access(path, F_OK) == 0)
        rc = sl_err_set(err, SL_EEXIST, "%s is there already: import makes a log", path);
    if (rc == 0 && access(made.data, F_OK) == 0) {
        sl_err_set(err, SL_EEXIST, "%s is there: another import runs, or was killed", made.data);
        rc = sl_err_hint(err, "remove it if none runs");
    }
    x.made = made.data;
    if (rc == 0 && !(x.decoder = sl_ipc_decoder_new(NULL)))
        rc = sl_err_nomem(err, "importing a log");
    if (rc == 0)
        rc = take_all(&x, err);
    if (rc == 0)
        rc = sl_log_writer_sync(x.w, err);
    if (rc == 0) {
        rc = sl_log_writer_close(x.w, err);
        x.w = NULL;
    }
    sl_log_writer_abort(x.w);
    if (rc == 0)
        rc = sl_log_name(made.data, path, err);
    else if (x.rows)
        sl_err_hint(err, "the rows so far are in %s: remove it", made.data);
    sl_ipc_decoder_free(x.decoder);
    sl_buf_release(&x.in);
    sl_buf_release(&made);
    *moved = x.moved;
    return rc < 0 ? rc : x.rows;
}

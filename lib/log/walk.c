/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* walk: see walk.h. */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/mem.h"
#include "log/walk.h"

const char sl_end_marker[SL_END_MARKER] = "\xff\xff\xff\xff";

int sl_walk_corrupt(const struct sl_walk *w, int64_t pos, struct sl_err *err)
{
    if (err) {
        err->code = SL_ECORRUPT;
        sl_err_offset(err, w->name.data, pos);
        sl_err_hint(err, "`sluice log verify` shows all damage, `sluice log repair` mends it");
    }
    return -SL_ECORRUPT;
}

static int corrupt(const struct sl_walk *w, int64_t pos, struct sl_err *err, const char *what)
{
    sl_err_set(err, SL_ECORRUPT, "%s", what);
    return sl_walk_corrupt(w, pos, err);
}

static void set_limit(struct sl_walk *w)
{
    w->limit = w->seg.bytes - (w->seg.closed ? (int64_t)SL_END_MARKER : 0);
}

/* ---- the file: many partitions may be read at once, and descriptors are few ---- */

static void unlist(struct sl_walk *w)
{
    *(w->newer ? &w->newer->older : &w->log->newest) = w->older;
    *(w->older ? &w->older->newer : &w->log->oldest) = w->newer;
    w->newer = w->older = NULL;
    w->log->nwalks--;
}

static void list_newest(struct sl_walk *w)
{
    struct sl_log *l = w->log;
    w->older = l->newest;
    w->newer = NULL;
    *(l->newest ? &l->newest->newer : &l->oldest) = w;
    l->newest = w;
    l->nwalks++;
}

static void close_file(struct sl_walk *w)
{
    if (w->fd < 0)
        return;
    unlist(w);
    close(w->fd);
    w->fd = -1;
}

/* The file is open, and the last to be closed for another. */
static int use_file(struct sl_walk *w, struct sl_err *err)
{
    struct sl_log *l = w->log;
    if (w->fd >= 0 && l->newest == w)
        return 0;
    if (w->fd >= 0) {
        unlist(w);
    } else {
        while (l->nwalks >= SL_WALK_FILES)
            close_file(l->oldest);
        w->fd = sl_view_open_seg(l, sl_seg_key(&w->seg), O_RDONLY, &w->name, err);
        if (w->fd < 0) {
            int rc = w->fd;
            w->fd = -1;
            return rc;
        }
    }
    list_newest(w);
    return 0;
}

/* n bytes at pos, all of them. */
static int read_exactly(struct sl_walk *w, void *data, size_t n, int64_t pos, struct sl_err *err)
{
    int rc = use_file(w, err);
    if (rc < 0)
        return rc;
    ssize_t got = sl_path_pread(w->fd, data, n, pos, w->name.data, err);
    if (got < 0)
        return (int)got;
    if ((size_t)got < n)
        return corrupt(w, pos + got, err, "the segment is shorter than its committed length");
    return 0;
}

static int read_head(struct sl_walk *w, struct sl_err *err)
{
    size_t n = (size_t)w->seg.head_len;
    int rc;
    if (w->seg.head_len > w->limit || w->seg.head_len > SL_IPC_META_MAX)
        return corrupt(w, 0, err, "the commit gives an impossible length of the schema");
    uint8_t *head = sl_malloc(n);
    if (!head)
        return sl_err_nomem(err, "a segment");
    rc = read_exactly(w, head, n, 0, err);
    if (rc == 0 && sl_crc32c(0, head, n) != w->seg.head_crc)
        rc = corrupt(w, 0, err, "the checksum of the schema message is false");
    if (rc == 0) {
        rc = sl_stream_new(head, n, w->account, &w->stream, err);
        if (rc == -SL_ECORRUPT)
            sl_walk_corrupt(w, 0, err);
    }
    free(head);
    return rc;
}

static int open_walk(struct sl_walk *w, struct sl_log *l, const struct sl_seg *seg,
                     struct sl_err *err)
{
    memset(w, 0, sizeof(*w));
    w->log = l;
    w->fd = -1;
    w->seg = *seg;
    w->seg.form = NULL;
    memcpy(w->log_id, l->state.log_id, 16);
    w->last_commit = INT64_MAX;
    w->commit = seg->by;
    w->pos = seg->head_len;
    w->offset = seg->base;
    w->ahead = SL_MAX(SL_WALK_SKIP_WINDOW,
                      SL_MIN(SL_WALK_WINDOW, SL_WALK_WINDOWS / SL_MAX(1, l->state.npartitions)));
    w->skips = SL_WALK_SKIP_LEAST;
    set_limit(w);
    return use_file(w, err);
}

int sl_walk_open(struct sl_walk *w, struct sl_log *l, const struct sl_seg *seg,
                 struct sl_account *account, struct sl_err *err)
{
    assert(w && l && seg);
    int rc = open_walk(w, l, seg, err);
    w->account = account;
    if (rc == 0)
        rc = read_head(w, err);
    if (rc < 0)
        sl_walk_release(w);
    return rc;
}

int sl_walk_open_head(struct sl_walk *w, struct sl_log *l, const struct sl_seg *seg,
                      const struct sl_buf *head, struct sl_err *err)
{
    assert(w && l && seg && head);
    int rc = open_walk(w, l, seg, err);
    if (rc == 0)
        rc = sl_stream_new(head->data, head->len, NULL, &w->stream, err);
    if (rc < 0)
        sl_walk_release(w);
    return rc;
}

void sl_walk_release(struct sl_walk *w)
{
    close_file(w);
    sl_buf_release(&w->name);
    sl_stream_unref(w->stream);
    sl_buffer_unref(w->win);
    w->stream = NULL;
    w->win = NULL;
}

void sl_walk_seek(struct sl_walk *w, int64_t pos, int64_t offset)
{
    assert(pos >= 0 && offset >= 0);
    w->pos = pos;
    w->offset = offset;
    w->commit = w->seg.by;
}

void sl_walk_extend(struct sl_walk *w, const struct sl_seg *seg, int64_t last_commit)
{
    assert(seg && last_commit >= w->last_commit);
    w->seg = *seg;
    w->seg.form = NULL;
    w->last_commit = last_commit;
    set_limit(w);
}

/* Pointer to the bytes at pos and how many there are, at least need (within the limit). The window
 * is replaced, never moved: groups given out before keep theirs. */
static int window(struct sl_walk *w, int64_t pos, size_t need, const uint8_t **p, size_t *n,
                  struct sl_err *err)
{
    if (w->win && pos >= w->win_pos && pos - w->win_pos + (int64_t)need <= (int64_t)w->win->size) {
        *p = w->win->data + (pos - w->win_pos);
        *n = w->win->size - (size_t)(pos - w->win_pos);
        return 0;
    }
    assert(pos + (int64_t)need <= w->limit);
    int is_near = w->win && pos <= w->win_pos + (int64_t)w->win->size;
    w->skips = is_near ? SL_MIN(2 * w->skips, SL_WALK_SKIP_WINDOW) : SL_WALK_SKIP_LEAST;
    size_t ahead = (size_t)(w->skip ? w->skips : w->ahead);
    size_t size = (size_t)SL_MIN((int64_t)SL_MAX(need, ahead), w->limit - pos);
    struct sl_buffer *b = sl_buffer_new(w->account, size);
    if (!b)
        return sl_err_nomem(err, "reading a segment");
    int rc = read_exactly(w, b->data, size, pos, err);
    if (rc < 0) {
        sl_buffer_unref(b);
        return rc;
    }
    sl_buffer_unref(w->win);
    w->win = b;
    w->win_pos = pos;
    *p = b->data;
    *n = size;
    return 0;
}

/* Length of the whole message at `at`, and its head (all before the body) at *p. group: where the
 * window must begin so that the group stays in one piece; in skip mode `at` itself. */
static int message(struct sl_walk *w, int64_t group, int64_t at, const uint8_t **p, size_t *head,
                   int64_t *total, struct sl_err *err)
{
    size_t need = 8, n = 0;
    int64_t left = w->limit - at;
    int rc;

    *p = NULL;
    for (;;) {
        if ((int64_t)need > left)
            return corrupt(w, at, err, "a message goes beyond the committed length");
        rc = window(w, group, (size_t)(at - group) + need, p, &n, err);
        if (rc < 0)
            return rc;
        *p += at - group;
        n -= (size_t)(at - group);
        *total = sl_ipc_peek(*p, SL_MIN(n, (size_t)left), NULL, err);
        if (*total < 0)
            return sl_walk_corrupt(w, at, err);
        if (*total > left)
            return corrupt(w, at, err, "a message goes beyond the committed length");
        if (*total > 0)
            break;
        need = SL_MAX(2 * n, (size_t)4096);
        if ((int64_t)need > left) {
            if ((int64_t)n >= left)
                return corrupt(w, at, err, "a message is cut off");
            need = (size_t)left;
        }
    }
    int32_t meta;
    memcpy(&meta, *p + 4, 4);
    *head = 8 + (size_t)(uint32_t)meta;
    if (*total < 16 || *head > n || (int64_t)*head > *total)
        return corrupt(w, at, err, "a message has impossible lengths");
    return 0;
}

/* The place of a batch must be what the segment says. */
static int check_place(const struct sl_walk *w, const struct sl_walk_group *g, struct sl_err *err)
{
    const struct sl_identity *id = &g->id;
    if (id->partition != w->seg.partition)
        return corrupt(w, g->pos, err, "the batch is of another partition");
    if (id->base != w->offset)
        return corrupt(w, g->pos, err, "the batch is not the next one by its offset");
    if (id->rows < 1 || id->rows > w->seg.end - w->offset)
        return corrupt(w, g->pos, err, "the batch goes beyond the committed rows");
    if (id->commit < w->commit || id->commit > w->last_commit)
        return corrupt(w, g->pos, err, "the batch bears an impossible commit number");
    return 0;
}

static int at_end(struct sl_walk *w, struct sl_err *err)
{
    char marker[SL_END_MARKER];
    if (w->offset != w->seg.end)
        return corrupt(w, w->pos, err, "the segment has fewer rows than its commit says");
    if (!w->seg.closed)
        return 0;
    int rc = read_exactly(w, marker, sizeof(marker), w->limit, err);
    if (rc == 0 && memcmp(marker, sl_end_marker, sizeof(marker)) != 0)
        return corrupt(w, w->limit, err, "the end marker is damaged");
    return rc;
}

/* Takes the record batch's head: identity and the metadata CRC so far. */
static int take_record(struct sl_walk *w, struct sl_walk_group *g, const uint8_t *p, size_t head,
                       const char *value, int64_t at, int ndicts, uint32_t crc, struct sl_err *err)
{
    size_t before = (size_t)((const uint8_t *)value - p);
    int rc = sl_identity_parse(value, head - before, &g->id, err);
    if (rc < 0)
        return sl_walk_corrupt(w, at, err);
    size_t len = sl_identity_len(g->id.ndicts, g->id.ncolumns);
    crc = sl_crc32c(crc, p, before);
    crc = sl_crc32c(crc, p + before + len, head - before - len);
    if (crc != g->id.meta_crc)
        return corrupt(w, g->pos, err, "the checksum of a batch's metadata is false");
    if (g->id.ndicts != ndicts || g->id.before != at - g->pos)
        return corrupt(w, g->pos, err, "a batch's dictionaries are not what it says");
    return check_place(w, g, err);
}

int sl_walk_next(struct sl_walk *w, struct sl_walk_group *g, struct sl_err *err)
{
    assert(w->pos >= 0 && w->offset >= 0 && g);
    int64_t at = w->pos, total = 0;
    uint32_t crc = 0;
    const uint8_t *p;
    size_t head = 0, crcs = 0;
    int rc;

    if (w->pos >= w->limit)
        return at_end(w, err);
    memset(g, 0, sizeof(*g));
    g->pos = w->pos;
    for (int ndicts = 0;; ndicts++) {
        rc = message(w, w->skip ? at : g->pos, at, &p, &head, &total, err);
        if (rc < 0)
            return rc;
        const char *value = sl_identity_find(p + 8, head - 8, w->log_id);
        if (value) {
            rc = take_record(w, g, p, head, value, at, ndicts, crc, err);
            if (rc < 0)
                return rc;
            crcs = (size_t)(at - g->pos) + (size_t)((const uint8_t *)g->id.crcs - p);
            break;
        }
        crc = sl_crc32c(crc, p, head);
        at += total;
        if (at >= w->limit || ndicts >= SL_IDENTITY_LISTS)
            return corrupt(w, g->pos, err, "dictionaries without their batch");
    }
    g->len = at + total - g->pos;
    if (!w->skip) {
        size_t n;
        rc = window(w, g->pos, (size_t)g->len, &p, &n, err);
        if (rc < 0)
            return rc;
        g->buf = w->win;
        g->at = (size_t)(g->pos - w->win_pos);
        g->id.crcs = (const char *)p + crcs; /* the window may be another one by now */
    } else {
        g->id.crcs = NULL;
    }
    w->pos += g->len;
    w->offset += g->id.rows;
    w->commit = g->id.commit;
    return 1;
}

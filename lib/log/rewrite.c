/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * rewrite: a closed segment of tiny batches, or several that lie one behind the other, become one of large
 * batches: sluice-log(5), Tiny batches.
 *
 * All but one line is done without a lock: what a killed process leaves are files that no line names.
 * The new files are on the device, with their names, before the line is written; the old one stays
 * until no recovery can go back behind that line. Names: base and number of the commit that closed the
 * (last) old segment, known before the line's own number is. Two processes may set about the same segments:
 * who finds a file of the name leaves it alone.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "arrow/pile.h"
#include "base/mem.h"
#include "log/identity.h"
#include "log/log_reader.h"
#include "log/tend.h"

enum {
    HEAP_BYTES = 16 << 20, /* stored bytes of a new batch, */
    HEAP_ROOM = 64 << 20,  /* and what they take in memory, about: they may compress well */
};

struct output {
    struct sl_seg seg;
    struct sl_form_plan *form;
    int fd;
};

struct rewriting {
    struct sl_log_writer *w;
    struct sl_seg *olds; /* forms are ours */
    size_t nolds;
    struct sl_seg old; /* all of them in one; its form is the first one's */
    int64_t by;
    struct sl_schema *schema;
    struct sl_pile pile;
    int64_t bytes; /* stored ones of the pile */
    struct output *outs;
    size_t nouts;
    int64_t next; /* offset of the next row to be written */
};

/* ---- output ---- */

static int begin_output(struct rewriting *r, struct sl_form_plan *form, struct sl_err *err)
{
    assert(!r->nouts || r->outs[r->nouts - 1].seg.closed);
    int rc = SL_GROW_ONE(r->outs, r->nouts, "rewriting a segment", err);
    if (rc < 0)
        return rc;
    struct output *o = &r->outs[r->nouts];
    o->form = sl_form_ref(form);
    o->seg = sl_form_seg(form, r->old.partition, r->next, r->by);
    o->seg.has_sum = 1;
    o->seg.at = r->old.at;
    rc = o->fd =
        sl_view_open_seg(r->w->log, sl_seg_key(&o->seg), O_RDWR | O_CREAT | O_EXCL, NULL, err);
    r->nouts++;
    if (rc >= 0)
        rc = sl_path_pwrite(o->fd, form->head.data, form->head.len, 0, "a new segment", err);
    return rc;
}

static int end_output(struct rewriting *r, struct sl_err *err)
{
    if (!r->nouts)
        return 0;
    struct output *o = &r->outs[r->nouts - 1];
    if (o->seg.closed)
        return 0;
    int rc =
        sl_path_pwrite(o->fd, sl_end_marker, SL_END_MARKER, o->seg.bytes, "a new segment", err);
    o->seg.bytes += (int64_t)SL_END_MARKER;
    o->seg.closed = 1;
    return rc < 0 ? rc : sl_path_sync(o->fd, "a new segment", err);
}

/* The output's form if it can hold the batch, else the best for it, in a new output. */
static int fit_output(struct rewriting *r, struct sl_batch *b, struct sl_err *err)
{
    struct sl_form_plan *form = NULL;
    if (r->nouts && sl_ipc_form_holds(&r->outs[r->nouts - 1].form->f, b))
        return 0;
    int rc = end_output(r, err);
    if (rc == 0)
        rc = sl_form_first(r->schema, r->old.schema, b, 1, &form, err);
    if (rc == 0)
        rc = begin_output(r, form, err);
    sl_form_unref(form);
    return rc;
}

static int write_batch(struct rewriting *r, struct sl_batch *b, struct sl_err *err)
{
    struct sl_log_blob *blob = NULL;
    int rc = fit_output(r, b, err);
    if (rc == 0)
        rc = sl_blob_new(b, r->old.partition, &blob, err);
    struct output *o = r->nouts ? &r->outs[r->nouts - 1] : NULL;
    if (rc == 0)
        rc = sl_blob_encode(r->w, blob, o->form, err);
    if (rc == 0) {
        char *value = blob->bytes.data + blob->value;
        sl_identity_patch(value, r->w->log->state.log_id, r->old.partition, r->next, r->by);
        o->seg.sum = sl_identity_chain(o->seg.sum, value);
        rc = sl_path_pwrite(o->fd, blob->bytes.data, blob->bytes.len, o->seg.bytes, "a new segment",
                            err);
    }
    if (rc == 0) {
        o->seg.bytes += (int64_t)blob->bytes.len;
        o->seg.min_time = SL_MIN(o->seg.min_time, blob->min_time);
        o->seg.max_time = SL_MAX(o->seg.max_time, blob->max_time);
        r->next += blob->rows;
        o->seg.end = r->next;
    }
    sl_log_blob_free(blob);
    return rc;
}

/* ---- input ---- */

static int flush(struct rewriting *r, struct sl_err *err)
{
    struct sl_batch *b = NULL;
    int rc = sl_pile_take(&r->pile, &b, err);
    if (rc <= 0)
        return rc;
    r->bytes = 0;
    rc = write_batch(r, b, err);
    sl_batch_unref(b);
    return rc;
}

/* Takes a stored batch in; b's reference passes. */
static int take(struct rewriting *r, struct sl_batch *b, int64_t bytes, struct sl_err *err)
{
    int rc = 0;
    const struct sl_pile *p = &r->pile;
    if (p->rows + (int64_t)b->rows > SL_BATCH_ROWS || r->bytes + bytes > HEAP_BYTES ||
        p->room + sl_batch_room(b) > HEAP_ROOM)
        rc = flush(r, err);
    if (rc < 0) {
        sl_batch_unref(b);
        return rc;
    }
    r->bytes += bytes;
    return sl_pile_add(&r->pile, b, err);
}

static int take_group(struct rewriting *r, struct sl_walk *w, struct sl_walk_group *g,
                      struct sl_err *err)
{
    struct sl_batch *b = NULL;
    int rc =
        sl_walk_group_decode(w->stream, g->buf, g->at, (size_t)g->len, w->log_id, NULL, &b, err);
    if (rc < 0)
        return rc;
    /* The batch would keep the window that it lies in: its own columns are small. */
    for (int i = 0; rc == 0 && i < b->schema->nfields; i++)
        rc = sl_column_load(b->columns[i], err);
    struct sl_batch *cast = rc == 0 ? sl_batch_cast(b, r->schema, err) : NULL;
    sl_batch_unref(b);
    if (!cast)
        return err ? -(int)err->code : -SL_ENOMEM;
    return take(r, cast, g->len, err);
}

static int copy_segment(struct rewriting *r, const struct sl_seg *old, const atomic_int *stop,
                        struct sl_err *err)
{
    struct sl_walk w;
    struct sl_walk_group g;
    int rc = sl_walk_open(&w, r->w->log, old, r->w->account, err);
    if (rc < 0)
        return rc;
    while ((rc = sl_walk_next(&w, &g, err)) == 1) {
        rc = atomic_load(stop) ? -SL_EFAIL : take_group(r, &w, &g, err);
        if (rc < 0)
            break;
    }
    sl_walk_release(&w);
    return rc;
}

static int copy_rows(struct rewriting *r, const atomic_int *stop, struct sl_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < r->nolds && rc == 0; i++)
        rc = copy_segment(r, &r->olds[i], stop, err);
    if (rc == 0)
        rc = flush(r, err);
    if (rc == 0)
        rc = end_output(r, err);
    if (rc == 0 && (!r->nouts || r->next != r->old.end))
        rc = sl_err_set(err, SL_EBUG, "a rewritten segment has other rows");
    return rc;
}

/* ---- the commit ---- */

static int sync_names(struct rewriting *r, struct sl_err *err)
{
    char part[16];
    struct sl_err why = SL_ERR_INIT;
    snprintf(part, sizeof(part), "%04d", r->old.partition);
    if (sl_path_sync_below(r->w->log->dirfd, part, r->w->log->path, &why) == 0)
        return 0;
    sl_syncer_fail(r->w->sync, &why); /* it may have been about the names of others' segments */
    return sl_err_copy(err, &why);
}

/* Somebody may have removed, as garbage, what has no name yet. */
static int still_there(const struct rewriting *r)
{
    for (size_t i = 0; i < r->nouts; i++) {
        struct stat mine, there;
        char name[SL_SEG_NAME];
        sl_seg_name(sl_seg_key(&r->outs[i].seg), ".arrows", name);
        if (fstat(r->outs[i].fd, &mine) < 0 || mine.st_size != r->outs[i].seg.bytes ||
            fstatat(r->w->log->dirfd, name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
            mine.st_dev != there.st_dev || mine.st_ino != there.st_ino)
            return 0;
    }
    return 1;
}

static int write_line(struct rewriting *r, struct sl_err *err)
{
    struct sl_line line;
    sl_writer_line(r->w, &line);
    line.segs = sl_arena_alloc(&line.arena, (r->nouts + r->nolds) * sizeof(*line.segs));
    int rc = line.segs ? 0 : sl_err_nomem(err, "a commit");
    if (rc == 0) {
        for (size_t i = 0; i < r->nolds; i++) {
            line.segs[line.nsegs] = r->olds[i];
            line.segs[line.nsegs].has_sum = 0;
            line.segs[line.nsegs].at = 0;
            line.segs[line.nsegs++].dropped = 1;
        }
        for (size_t i = 0; i < r->nouts; i++)
            line.segs[line.nsegs++] = r->outs[i].seg;
        rc = sl_writer_append_line(r->w, &line, err);
    }
    sl_line_release(&line);
    return rc;
}

/* Whether the old segments are still what they were. */
static int olds_are_there(const struct rewriting *r)
{
    for (size_t i = 0; i < r->nolds; i++) {
        const struct sl_seg *old = sl_state_seg(&r->w->log->state, sl_seg_key(&r->olds[i]));
        if (!old || !old->closed || old->bytes != r->olds[i].bytes)
            return 0;
    }
    return 1;
}

/* 1: done. 0: an old segment, or a new one, has gone meanwhile. */
static int commit(struct rewriting *r, struct sl_err *err)
{
    int rc = sl_writer_lock(r->w, err);
    if (rc < 0)
        return rc;
    int there = olds_are_there(r) && still_there(r);
    /* The time from which on they are kept for those that have them from an older state. */
    for (size_t i = 0; there && rc == 0 && i < r->nolds; i++)
        rc = sl_writer_set_aging(r->w, sl_seg_key(&r->olds[i]), SL_GRACE, err);
    if (there && rc == 0)
        rc = write_line(r, err);
    sl_writer_unlock(r->w);
    if (rc == 0)
        rc = sl_writer_tell(r->w, err);
    return rc < 0 ? rc : there;
}

/* ---- all of it ---- */

/* 1: the segments can be rewritten to one; 0: not, or no longer. */
static int start(struct rewriting *r, const struct sl_seg_key *keys, size_t n, struct sl_err *err)
{
    const struct sl_state *s = &r->w->log->state;
    r->olds = sl_calloc(n, sizeof(*r->olds));
    if (!r->olds)
        return sl_err_nomem(err, "rewriting a segment");
    for (size_t i = 0; i < n; i++) {
        const struct sl_seg *old = sl_state_seg(s, keys[i]);
        if (!old || !old->closed || old->end == old->base ||
            (i && (old->base != r->old.end || old->schema != r->old.schema)))
            return 0;
        r->olds[i] = *old;
        r->olds[i].form = sl_strdup(old->form);
        r->nolds = i + 1;
        if (!r->olds[i].form)
            return sl_err_nomem(err, "rewriting a segment");
        if (!i)
            r->old = r->olds[0];
        r->old.end = old->end;
        r->old.at = SL_MAX(r->old.at, old->at);
    }
    r->schema = sl_state_schema(s, r->old.schema);
    r->next = r->old.base;
    if (!r->schema)
        return sl_err_nomem(err, "rewriting a segment");
    sl_schema_ref(r->schema);
    return 1;
}

/* Files that no line names are removed again. */
static void release(struct rewriting *r, int committed)
{
    sl_pile_clear(&r->pile);
    for (size_t i = 0; i < r->nouts; i++) {
        struct output *o = &r->outs[i];
        if (o->fd >= 0 && !committed)
            sl_view_remove_seg(r->w->log, sl_seg_key(&o->seg));
        if (o->fd >= 0)
            close(o->fd);
        sl_form_unref(o->form);
    }
    free(r->outs);
    for (size_t i = 0; i < r->nolds; i++)
        free(r->olds[i].form);
    free(r->olds);
    sl_schema_unref(r->schema);
}

int sl_segments_rewrite(struct sl_log_writer *w, const struct sl_seg_key *keys, size_t n,
                        int64_t by, const atomic_int *stop, struct sl_err *err)
{
    assert(w && keys && n > 0 && keys[0].partition >= 0);
    struct rewriting *r = sl_calloc(1, sizeof(*r));
    if (!r)
        return sl_err_nomem(err, "rewriting a segment");
    r->w = w;
    r->pile.account = w->account;
    r->by = by;
    /* So that the new files never hold rows that a recovery takes back. */
    int rc = sl_syncer_run(w->sync, err);
    if (rc == 0)
        rc = start(r, keys, n, err);
    int going = rc == 1;
    if (going)
        rc = copy_rows(r, stop, err);
    if (going && rc == 0)
        rc = sync_names(r, err);
    for (size_t i = 0; going && rc == 0 && i < r->nouts; i++)
        sl_index_write(w->log, &r->outs[i].seg);
    if (going && rc == 0)
        rc = commit(r, err);
    release(r, rc == 1 || w->log->state.broken);
    free(r);
    return rc == -SL_EEXIST || rc == -SL_ENOENT ? 0 : rc;
}

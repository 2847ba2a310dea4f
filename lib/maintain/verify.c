/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * verify: every byte that commits promise, looked at. Nothing is changed, no lock is taken.
 *
 * Covered: each line of the commit files that are kept, their chain and the mark; of each segment the
 * schema message, each batch's metadata, dictionaries, body and columns, its place, the end marker.
 * Bytes past committed lengths promise nothing.
 */
#include "base/compat.h"
#include "maintain/maintain.h"
#include <sys/stat.h>
#include "base/mem.h"
#include "maintain/mend.h"

struct report {
    int (*fn)(void *arg, const struct sl_log_problem *p);
    void *arg;
    int count;
    int stop;         /* what fn answered when it wanted no more */
    const char *path; /* of the log: places are made relative to it */
};

static void tell(struct report *r, const char *file, int64_t offset, const char *what, int64_t from,
                 int64_t to)
{
    size_t n = strlen(r->path);
    if (strncmp(file, r->path, n) == 0 && file[n] == '/')
        file += n + 1;
    struct sl_log_problem p = {.file = file, .offset = offset, .what = what, .from = -1, .to = -1};
    if (from < to) {
        p.from = from;
        p.to = to;
    }
    r->count++;
    if (r->fn && !r->stop)
        r->stop = r->fn(r->arg, &p);
}

static void tell_err(struct report *r, const struct sl_err *e, int64_t from, int64_t to)
{
    tell(r, e->place, e->offset, e->what, from, to);
}

/* ---- commit files ---- */

static void tell_line(struct sl_mend *m, const char *file, int64_t at, const char *what)
{
    tell(m->arg, file, at, what, -1, -1);
}

/* The older of the two kept files: its lines hold together up to where the newer one says. */
static int verify_older(struct sl_log *l, struct report *r, int64_t newest, int64_t older,
                        struct sl_err *err)
{
    struct sl_mend m = {.l = l, .arg = r, .bad = tell_line};
    int rc = sl_mend_older(&m, newest, older, err);
    return rc == -SL_ENOENT ? 0 : SL_MIN(rc, 0); /* it may be removed meanwhile */
}

/* The commit files are damaged: everything that is wrong in them, and what they still say. 0 if the
 * state can be gone by. */
static int verify_lines(struct sl_log *l, struct report *r, const struct sl_err *first,
                        struct sl_err *err)
{
    struct sl_mend m = {.l = l, .arg = r, .bad = tell_line};
    struct sl_err e = SL_ERR_INIT;
    sl_line_init(&m.line);
    int rc = sl_mend_commits(&m, &e);
    sl_mend_release(&m);
    if (!r->count)
        tell_err(r, first, -1, -1);
    return rc < 0 && rc != -SL_ECORRUPT ? sl_err_copy(err, &e) : rc;
}

/* ---- segments ---- */

struct place { /* a segment under the eye */
    struct sl_log *l;
    struct report *r;
    struct sl_seg seg;
    struct sl_walk w;
    struct sl_buf all; /* the whole file, once there is damage */
    int64_t size;
};

/* Damage that e tells of at the walk's place: rows up to where the batches go on are told. 1 if they do
 * anywhere. */
static int skip_damage(struct place *p, struct sl_err *e)
{
    struct sl_walk *w = &p->w;
    int64_t pos, offset, from = w->offset, commit = w->commit;
    if (!p->all.len && sl_mend_read(p->l, &p->seg, &p->all, NULL) < 0)
        sl_buf_reset(&p->all);
    p->all.len = SL_MIN(p->all.len, (size_t)w->limit);
    if (w->pos + 8 < w->limit && sl_mend_resync(w, &p->all, w->pos + 8, &pos, &offset) &&
        offset < p->seg.end) {
        tell_err(p->r, e, from, offset);
        sl_walk_seek(w, pos, offset);
        w->commit = commit;
        return 1;
    }
    if (p->size < p->seg.bytes) {
        sl_err_set(e, SL_ECORRUPT, "the segment is shorter than its committed length");
        sl_walk_corrupt(w, p->size, e);
    }
    tell_err(p->r, e, from, p->seg.end);
    return 0;
}

enum { CHANGED = 2 }; /* the log is another by now: look again */

static int verify_batches(struct place *p, struct sl_err *e)
{
    struct sl_walk_group g;
    struct sl_walk *w = &p->w;
    int rc;
    while (!p->r->stop && (rc = sl_walk_next(w, &g, e)) != 0) {
        int whole = rc == 1;
        if (whole)
            rc = sl_walk_group_verify(w->stream, g.buf, g.at, (size_t)g.len, w->log_id, e);
        if (rc == -SL_ECORRUPT && sl_view_doubt(p->l, NULL) > 0)
            return CHANGED;
        if (rc == -SL_ECORRUPT && whole) {
            sl_walk_corrupt(w, g.pos, e);
            tell_err(p->r, e, g.id.base, g.id.base + g.id.rows);
        } else if (rc == -SL_ECORRUPT && !skip_damage(p, e)) {
            return 0;
        } else if (rc < 0 && rc != -SL_ECORRUPT) {
            return rc;
        }
    }
    return 0;
}

/* The schema message is damaged: what the commits say of it must do. 0 if it does. */
static int walk_without_head(struct place *p, struct sl_err *e)
{
    struct sl_buf head = SL_BUF_INIT;
    if (sl_view_doubt(p->l, NULL) > 0)
        return CHANGED;
    const struct sl_seg *seg = sl_state_seg(&p->l->state, sl_seg_key(&p->seg));
    int rc = seg ? sl_mend_head(p->l, seg, &head, NULL) : CHANGED;
    if (rc == 0 && head.len)
        rc = sl_walk_open_head(&p->w, p->l, seg, &head, NULL);
    if (rc != CHANGED)
        tell_err(p->r, e, rc == 0 && head.len ? -1 : p->seg.base, p->seg.end);
    if (rc == 0 && !head.len)
        rc = -SL_ECORRUPT;
    sl_buf_release(&head);
    return rc;
}

static int tell_missing(struct place *p, struct sl_err *err)
{
    char name[SL_SEG_NAME];
    struct sl_seg_key key = sl_seg_key(&p->seg);
    int rc = sl_log_refresh(p->l, err);
    if (rc < 0)
        return rc;
    if (!sl_state_seg(&p->l->state, key))
        return CHANGED;
    sl_seg_name(key, ".arrows", name);
    tell(p->r, name, 0, "the segment is missing", p->seg.base, p->seg.end);
    return 0;
}

/* CHANGED if the segment is no longer in the log, or another by now. */
static int verify_segment(struct sl_log *l, struct report *r, const struct sl_seg *seg,
                          struct sl_err *err)
{
    struct place p = {.l = l, .r = r, .seg = *seg};
    struct sl_err e = SL_ERR_INIT;
    struct stat st;

    int rc = sl_walk_open(&p.w, l, seg, NULL, &e);
    if (rc == -SL_ENOENT)
        return tell_missing(&p, err);
    if (rc == -SL_ECORRUPT) {
        rc = walk_without_head(&p, &e);
        if (rc == -SL_ECORRUPT)
            return 0;
    }
    if (rc == 0) {
        p.w.last_commit = l->state.n;
        p.size = fstat(p.w.fd, &st) == 0 ? st.st_size : p.seg.bytes;
        p.w.limit = SL_MIN(p.w.limit, p.size);
        rc = verify_batches(&p, &e);
        sl_walk_release(&p.w);
    }
    sl_buf_release(&p.all);
    return rc < 0 ? sl_err_copy(err, &e) : rc;
}

/* ---- all of it ---- */

static int verify_segments(struct sl_log *l, struct report *r, struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; i < l->state.npartitions && rc == 0 && !r->stop; i++) {
        for (int k = 0; k < l->state.parts[i].nsegs && rc == 0 && !r->stop; k++) {
            rc = verify_segment(l, r, &l->state.parts[i].segs[k], err);
            if (rc == CHANGED) { /* others may be in its place */
                rc = 0;
                k--;
            }
        }
    }
    return rc;
}

int sl_log_verify(const char *path, int (*fn)(void *arg, const struct sl_log_problem *p), void *arg,
                  struct sl_err *err)
{
    assert(path);
    struct report r = {.fn = fn, .arg = arg, .path = path};
    struct sl_log *l = NULL;
    struct sl_err e = SL_ERR_INIT;
    int64_t newest, older = 0;

    int rc = sl_view_open(path, NULL, SL_VIEW_READS, &l, err);
    if (rc < 0)
        return rc;
    r.path = l->path;
    rc = sl_view_load(l, &e);
    int lines = rc == -SL_ECORRUPT;
    if (lines)
        rc = verify_lines(l, &r, &e, err);
    else if (rc < 0 && err)
        *err = e;
    if (rc == 0 && !l->mark.known)
        tell(&r, "lock", 0, "the durable mark is damaged or missing", -1, -1);
    if (rc == 0 && !lines)
        rc = sl_commits_list(l, &newest, &older, err);
    if (rc == 0 && older)
        rc = verify_older(l, &r, newest, older, err);
    if (rc == 0)
        rc = verify_segments(l, &r, err);
    if (rc == -SL_ECORRUPT && r.count) /* there is nothing to go by any more */
        rc = 0;
    sl_log_free(l);
    return r.stop < 0 ? r.stop : rc < 0 ? rc : r.count;
}

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
#include "log/walk.h"

struct report {
    int (*fn)(void *arg, const struct sl_log_problem *p);
    void *arg;
    int count;
    const char *path; /* of the log: places are made relative to it */
};

/* Tells of an error of corruption. 0, or < 0 if fn wants no more. */
static int tell(struct report *r, const struct sl_err *e, int64_t from, int64_t to)
{
    const char *file = e->place;
    size_t n = strlen(r->path);
    if (strncmp(file, r->path, n) == 0 && file[n] == '/')
        file += n + 1;
    struct sl_log_problem p = {
        .file = file, .offset = e->offset, .what = e->what, .from = from, .to = to};
    r->count++;
    return r->fn ? r->fn(r->arg, &p) : 0;
}

/* The older of the two kept files: its lines hold together up to where the newer one says. */
static int verify_older(struct sl_log *l, struct report *r, int64_t newest, int64_t older,
                        struct sl_err *err)
{
    struct sl_err e;
    struct sl_log *o = NULL;
    sl_err_init(&e);
    int rc = sl_view_open(l->path, l->boot, 0, &o, err);
    if (rc < 0)
        return rc;
    rc = sl_view_load_older(o, newest, older, &e);
    sl_log_free(o);
    if (rc == -SL_ECORRUPT)
        return tell(r, &e, -1, -1);
    if (rc == -SL_ENOENT) /* removed meanwhile */
        return 0;
    if (rc < 0 && err)
        *err = e;
    return rc;
}

/* 1 if the segment is no longer in the log. */
static int verify_segment(struct sl_log *l, struct report *r, const struct sl_seg *seg,
                          struct sl_err *err)
{
    struct sl_walk w;
    struct sl_group g;
    struct sl_err e;
    int64_t offset = seg->base, end = seg->end;

    sl_err_init(&e);
    int rc = sl_walk_open(&w, l, seg, NULL, &e);
    if (rc == 0) {
        w.last_commit = l->state.n;
        while ((rc = sl_walk_next(&w, &g, &e)) == 1) {
            rc = sl_group_verify(w.stream, g.buf, g.at, (size_t)g.len, w.log_id, &e);
            if (rc == -SL_ECORRUPT) {
                sl_walk_corrupt(&w, g.pos, &e);
                rc = tell(r, &e, g.id.base, g.id.base + g.id.rows);
            }
            if (rc < 0)
                break;
            offset = w.offset;
        }
        sl_walk_release(&w);
    } else if (rc == -SL_ENOENT) {
        char name[SL_SEG_NAME];
        struct sl_seg_key key = sl_seg_key(seg);
        sl_seg_name(key, ".arrows", name);
        rc = sl_log_refresh(l, err);
        if (rc < 0)
            return rc;
        if (!sl_state_seg(&l->state, key))
            return 1;
        sl_err_set(&e, SL_ECORRUPT, "the segment is missing");
        sl_err_offset(&e, name, 0);
        return tell(r, &e, offset, end);
    }
    if (rc == -SL_ECORRUPT && sl_view_doubt(l, NULL) > 0)
        return 1;
    if (rc == -SL_ECORRUPT)
        return tell(r, &e, offset, end);
    if (rc < 0 && err)
        *err = e;
    return rc < 0 ? rc : 0;
}

static int verify_mark(struct sl_log *l, struct report *r)
{
    struct sl_err e;
    if (l->mark.known)
        return 0;
    sl_err_init(&e);
    sl_err_set(&e, SL_ECORRUPT, "the durable mark is damaged or missing");
    sl_err_offset(&e, "lock", 0);
    return tell(r, &e, -1, -1);
}

int sl_log_verify(const char *path, int (*fn)(void *arg, const struct sl_log_problem *p), void *arg,
                  struct sl_err *err)
{
    struct report r = {.fn = fn, .arg = arg, .path = path};
    struct sl_log *l = NULL;
    struct sl_err e;
    int64_t newest, older = 0;

    sl_err_init(&e);
    int rc = sl_log_open(path, &l, &e);
    if (rc == -SL_ECORRUPT) {
        rc = tell(&r, &e, -1, -1);
        return rc < 0 ? rc : r.count;
    }
    if (rc < 0) {
        if (err)
            *err = e;
        return rc;
    }
    r.path = l->path;
    rc = verify_mark(l, &r);
    if (rc == 0)
        rc = sl_commits_list(l, &newest, &older, err);
    if (rc == 0 && older)
        rc = verify_older(l, &r, newest, older, err);
    for (int i = 0; i < l->state.npartitions && rc == 0; i++) {
        for (int k = 0; k < l->state.parts[i].nsegs && rc == 0; k++) {
            rc = verify_segment(l, &r, &l->state.parts[i].segs[k], err);
            if (rc == 1) { /* others may be in its place */
                rc = 0;
                k--;
            }
        }
    }
    sl_log_free(l);
    return rc < 0 ? rc : r.count;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * check: after a reboot, whether the bytes that a commit promises are there, see sluice-log(5),
 * RECOVERY.
 *
 * A commit names for each segment the length it grew to; the state has the length before. What lies
 * between must be good batches that reach exactly to the new end.
 */
#include "base/compat.h"
#include "base/mem.h"
#include "log/walk.h"

/* Remembers where the checked bytes begin: recovery writes them again. */
static int note_checked(struct sl_log *l, const struct sl_seg *seg, int64_t from,
                        struct sl_err *err)
{
    struct sl_segset *set = &l->checked;
    if (sl_segset_find(set, sl_seg_key(seg)))
        return 0; /* earlier commits began earlier */
    struct sl_segset_item *new = sl_segset_add(set, sl_seg_key(seg));
    if (!new)
        return sl_err_nomem(err, "the log's state");
    new->at = from;
    return 0;
}

static int check_seg(struct sl_log *l, const struct sl_line *line, const struct sl_seg *seg,
                     struct sl_err *err)
{
    const struct sl_seg *old = sl_state_seg(&l->state, sl_seg_key(seg));
    struct sl_walk w;
    struct sl_walk_group g;
    uint32_t sum = 0;

    if (seg->partition >= l->state.npartitions)
        return sl_err_set(err, SL_ECORRUPT, "no such partition");
    if (old && old->bytes == seg->bytes && old->end == seg->end)
        return 0;
    int rc = sl_walk_open(&w, l, seg, NULL, err);
    if (rc == -SL_ENOENT)
        return sl_err_set(err, SL_ECORRUPT, "a segment is missing");
    if (rc < 0)
        return rc;
    w.last_commit = line->n;
    if (old)
        sl_walk_seek(&w, old->bytes, old->end);
    while ((rc = sl_walk_next(&w, &g, err)) == 1) {
        sum = sl_identity_chain(sum, g.id.crcs - SL_IDENTITY_FIXED);
        rc = sl_walk_group_verify(w.stream, g.buf, g.at, (size_t)g.len, w.log_id, err);
        if (rc < 0)
            break;
    }
    sl_walk_release(&w);
    /* Whole batches of a writer that was killed before its line may lie here in place of those that
     * this line is about, with the same numbers. */
    if (rc >= 0 && seg->has_sum && seg->sum != sum)
        rc = sl_err_set(err, SL_ECORRUPT, "these are not the batches that the line commits");
    return rc < 0 ? rc : note_checked(l, seg, old ? old->bytes : 0, err);
}

/* 1 if the line drops segments and the ones that it adds are all good. */
static int replaces_well(struct sl_log *l, const struct sl_line *line)
{
    int drops = 0, good = 1;
    for (int i = 0; i < line->nsegs; i++)
        drops |= line->segs[i].dropped;
    for (int i = 0; i < line->nsegs && drops && good; i++) {
        const struct sl_seg *seg = &line->segs[i];
        if (!seg->dropped && !sl_state_seg(&l->state, sl_seg_key(seg)))
            good = check_seg(l, line, seg, NULL) == 0;
    }
    return drops && good;
}

/* Finds the segments that lines of l->in replace. */
static void find_replaced(struct sl_log *l)
{
    const char *p = l->in.data, *end = p + l->in.len, *nl;
    sl_segset_reset(&l->replaced);
    l->knows_replaced = 1;
    for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1) {
        struct sl_line line;
        sl_line_init(&line);
        if (sl_line_parse(p, (size_t)(nl + 1 - p), &line, NULL) == 0 && !line.snapshot &&
            replaces_well(l, &line)) {
            for (int i = 0; i < line.nsegs; i++) {
                struct sl_seg_key key = sl_seg_key(&line.segs[i]);
                if (line.segs[i].dropped && !sl_segset_find(&l->replaced, key) &&
                    !sl_segset_add(&l->replaced, key))
                    break;
            }
        }
        sl_line_release(&line);
    }
}

/*
 * A segment that a later line replaces may be gone, or may never have been whole (a repair's): its rows
 * are those of the new ones. The mark on the device may be older than that line.
 */
static int is_replaced(struct sl_log *l, const struct sl_seg *seg)
{
    if (!l->knows_replaced)
        find_replaced(l);
    return sl_segset_find(&l->replaced, sl_seg_key(seg)) != NULL;
}

int sl_check_line(struct sl_log *l, const struct sl_line *line, struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; i < line->nsegs && rc == 0; i++) {
        if (line->segs[i].dropped)
            continue;
        rc = check_seg(l, line, &line->segs[i], err);
        if (rc == -SL_ECORRUPT && is_replaced(l, &line->segs[i]))
            rc = 0;
    }
    return rc;
}

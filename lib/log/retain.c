/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * retain: see retain.h.
 *
 * What goes is a prefix of each partition: a hole in the offsets would be passed over in silence by
 * readers. It is chosen again under the lock. On a full disk the line needs a block more: the indexes of the
 * segments that go are caches, and are removed before it.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/num.h"
#include "base/time.h"
#include "log/tend.h"

static int goes(const struct sl_seg *s, const struct sl_retain *o)
{
    int64_t last = s->min_time <= s->max_time ? s->max_time : s->at;
    if (!s->closed || last >= o->before_time)
        return 0;
    return !o->before_offset || s->end <= o->before_offset[s->partition];
}

/* Takes away from the choice what the log may keep within its size: the latest commits stay. */
static void keep_size(const struct sl_state *s, int64_t to_size, struct sl_retained *c)
{
    assert(to_size >= 0);
    int64_t bytes = 0;
    for (int i = 0; i < s->npartitions; i++)
        for (int k = c->n[i]; k < s->parts[i].nsegs; k++)
            bytes += s->parts[i].segs[k].bytes;
    for (;;) {
        const struct sl_seg *latest = NULL;
        for (int i = 0; i < s->npartitions; i++) {
            const struct sl_seg *seg = c->n[i] ? &s->parts[i].segs[c->n[i] - 1] : NULL;
            if (seg && (!latest || seg->by > latest->by))
                latest = seg;
        }
        if (!latest || bytes + latest->bytes > to_size)
            return;
        bytes += latest->bytes;
        c->n[latest->partition]--;
    }
}

int sl_retain_choose(const struct sl_log *l, const struct sl_retain *o, struct sl_retained *c,
                     struct sl_err *err)
{
    assert(l && o && c);
    const struct sl_state *s = &l->state;
    if (!c->n)
        c->n = sl_calloc((size_t)s->npartitions, sizeof(*c->n));
    if (!c->n)
        return sl_err_nomem(err, "pruning a log");
    c->segments = 0;
    for (int i = 0; i < s->npartitions; i++) {
        c->n[i] = 0;
        int most = s->parts[i].nsegs - o->keeps_last;
        while (c->n[i] < most && goes(&s->parts[i].segs[c->n[i]], o))
            c->n[i]++;
    }
    if (o->to_size >= 0)
        keep_size(s, o->to_size, c);
    for (int i = 0; i < s->npartitions; i++)
        c->segments += c->n[i];
    return 0;
}

void sl_retain_remove_indexes(const struct sl_log *l, const struct sl_retained *c)
{
    assert(l && c);
    char name[SL_SEG_NAME];
    for (int i = 0; i < l->state.npartitions; i++)
        for (int k = 0; k < c->n[i]; k++) {
            sl_seg_name(sl_seg_key(&l->state.parts[i].segs[k]), ".idx", name);
            unlinkat(l->dirfd, name, 0);
        }
}

/* The line that drops what was chosen; its segments borrow from the state. */
static int fill_line(struct sl_log_writer *w, const struct sl_retained *c,
                     const struct sl_retain *o, struct sl_line *line, struct sl_err *err)
{
    const struct sl_state *s = &w->log->state;
    assert(c->segments > 0);
    int rc = 0;
    line->segs = sl_arena_alloc(&line->arena, (size_t)c->segments * sizeof(*line->segs));
    if (!line->segs)
        return sl_err_nomem(err, "pruning a log");
    for (int i = 0; i < s->npartitions; i++)
        for (int k = 0; k < c->n[i] && rc == 0; k++) {
            struct sl_seg *seg = &line->segs[line->nsegs++];
            *seg = s->parts[i].segs[k];
            assert(seg->closed && seg->partition == i);
            seg->dropped = 1;
            seg->has_sum = 0;
            seg->at = 0;
            rc = sl_writer_set_aging(w, sl_seg_key(seg), o->grace, err);
            if (rc == -SL_ENOENT) /* what is to go has gone already */
                rc = 0;
            seg->form =
                rc == 0 ? sl_arena_strndup(&line->arena, seg->form, strlen(seg->form)) : NULL;
            if (rc == 0 && !seg->form)
                rc = sl_err_nomem(err, "pruning a log");
        }
    return rc;
}

/* Blocks for the line are had before it is written: half a line would need a new commit file. */
static int reserve(struct sl_log *l, int64_t segments, struct sl_err *err)
{
    assert(l->c.fd >= 0 && segments > 0);
    int64_t bytes = 1024 + 512 * segments;
    if (fallocate(l->c.fd, FALLOC_FL_KEEP_SIZE, l->c.pos, bytes) == 0 || errno != ENOSPC)
        return 0;
    sl_err_sys(err, "cannot append to %s", l->c.dir);
    return sl_err_hint(err, "a few kilobytes are needed to free the others: remove any other file");
}

int sl_retain_drop(struct sl_log_writer *w, const struct sl_retain *o, struct sl_retained *c,
                   struct sl_line *line, struct sl_err *err)
{
    assert(w->log->use == SL_VIEW_LOCKED);
    int rc = sl_retain_choose(w->log, o, c, err);
    if (rc < 0 || !c->segments)
        return rc;
    sl_retain_remove_indexes(w->log, c);
    rc = reserve(w->log, c->segments, err);
    if (rc == 0)
        rc = fill_line(w, c, o, line, err);
    return rc < 0 ? rc : sl_writer_append_line(w, line, err);
}

/* ---- settings ---- */

int64_t sl_retain_setting(const struct sl_log *l, const char *name)
{
    assert(l && name);
    const struct sl_position *x = sl_positions_find(&l->state.settings, name);
    int64_t v;
    return x && sl_num_parse_int(x->value, x->len, &v) && v > 0 ? v : -1;
}

/*
 * What age counts from: now; in a log whose rows have event times the latest of these, if it is earlier. So a
 * clock that jumps ahead takes nothing away, as long as the times of the rows do not jump with it.
 */
static int64_t present(const struct sl_state *s)
{
    int64_t latest = SL_TIME_MIN, now = sl_time_now_usec();
    for (int i = 0; i < s->npartitions; i++)
        for (int k = 0; k < s->parts[i].nsegs; k++)
            if (s->parts[i].segs[k].min_time <= s->parts[i].segs[k].max_time)
                latest = SL_MAX(latest, s->parts[i].segs[k].max_time);
    return latest == SL_TIME_MIN ? now : SL_MIN(latest, now);
}

/* An open segment that has been written to for a quarter of the age is closed, so that it can go when its time
 * comes. Where nothing lies before it, its oldest row says since when. */
static int close_old(struct sl_log_writer *w, int64_t age, int64_t now, struct sl_err *err)
{
    const struct sl_state *s = &w->log->state;
    int rc = 0;
    for (int i = 0; i < s->npartitions && rc == 0; i++) {
        const struct sl_part *p = &s->parts[i];
        const struct sl_seg *open = sl_state_open_seg(s, i);
        if (!open || open->end == open->base)
            continue;
        const struct sl_seg *before = p->nsegs > 1 ? open - 1 : NULL;
        int64_t since = before                             ? before->at
                        : open->min_time <= open->max_time ? open->min_time
                                                           : open->at;
        if (since < (before ? sl_time_now_usec() : now) - age / 4)
            rc = sl_writer_close_open(w, sl_seg_key(open), err);
    }
    return rc;
}

static int drop_beyond(struct sl_log_writer *w, const struct sl_retain *o, struct sl_err *err)
{
    struct sl_retained c = {0};
    struct sl_line line;
    int rc = sl_retain_choose(w->log, o, &c, err);
    if (rc == 0 && c.segments && (rc = sl_writer_lock(w, err)) == 0) {
        sl_writer_line(w, &line);
        rc = sl_retain_drop(w, o, &c, &line, err);
        sl_writer_unlock(w);
        sl_line_release(&line);
        if (rc == 0)
            rc = sl_writer_tell(w, err);
    }
    free(c.n);
    return rc;
}

int sl_writer_retain(struct sl_log_writer *w, int64_t grace, struct sl_err *err)
{
    assert(w && grace >= 0);
    struct sl_retain o = {.before_time = SL_TIME_MAX, .to_size = -1, .grace = grace};
    int64_t age = sl_retain_setting(w->log, SL_SETTING_AGE);
    int64_t size = sl_retain_setting(w->log, SL_SETTING_SIZE);
    int rc = 0;
    if (age > 0) {
        int64_t now = present(&w->log->state);
        rc = close_old(w, age, now, err);
        o.before_time = now - age;
        if (rc == 0)
            rc = drop_beyond(w, &o, err);
        o.before_time = SL_TIME_MAX;
    }
    o.to_size = size;
    o.keeps_last = 1; /* one that is larger than all may be would take the newest rows with it */
    return rc == 0 && size > 0 ? drop_beyond(w, &o, err) : rc;
}

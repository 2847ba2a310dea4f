/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * prune: retention: the oldest closed segments leave the log in one commit, see sluice-log(5), Retention.
 *
 * What goes is a prefix of each partition: a hole in the offsets would be passed over in silence by
 * readers. It is chosen again under the lock. On a full disk the line needs a block more: the indexes of the
 * segments that go are caches, and are removed before it.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <unistd.h>
#include "base/mem.h"
#include "log/log_writer.h"
#include "maintain/maintain.h"

/* The first `n` segments of each partition go. */
struct choice {
    int *n;
    int64_t segments;
};

static int goes(const struct sl_seg *s, const struct sl_prune *o)
{
    int64_t last = s->min_time <= s->max_time ? s->max_time : s->at;
    if (!s->closed || last >= o->before_time)
        return 0;
    return !o->before_offset || s->end <= o->before_offset[s->partition];
}

/* Takes away from the choice what the log may keep within its size: the latest commits stay. */
static void keep_size(const struct sl_state *s, int64_t to_size, struct choice *c)
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

static int choose(const struct sl_log *l, const struct sl_prune *o, struct choice *c,
                  struct sl_err *err)
{
    const struct sl_state *s = &l->state;
    if (!c->n)
        c->n = sl_calloc((size_t)s->npartitions, sizeof(*c->n));
    if (!c->n)
        return sl_err_nomem(err, "pruning a log");
    c->segments = 0;
    for (int i = 0; i < s->npartitions; i++) {
        c->n[i] = 0;
        while (c->n[i] < s->parts[i].nsegs && goes(&s->parts[i].segs[c->n[i]], o))
            c->n[i]++;
    }
    if (o->to_size >= 0)
        keep_size(s, o->to_size, c);
    for (int i = 0; i < s->npartitions; i++)
        c->segments += c->n[i];
    return 0;
}

static void tell(const struct sl_log *l, const struct choice *c,
                 void (*fn)(void *arg, const struct sl_pruned *p), void *arg)
{
    for (int i = 0; i < l->state.npartitions; i++) {
        const struct sl_seg *segs = l->state.parts[i].segs;
        if (!c->n[i])
            continue;
        struct sl_pruned p = {
            .partition = i, .from = segs[0].base, .to = segs[c->n[i] - 1].end, .segments = c->n[i]};
        for (int k = 0; k < c->n[i]; k++)
            p.bytes += segs[k].bytes;
        fn(arg, &p);
    }
}

static void remove_indexes(const struct sl_log *l, const struct choice *c)
{
    char name[SL_SEG_NAME];
    for (int i = 0; i < l->state.npartitions; i++)
        for (int k = 0; k < c->n[i]; k++) {
            sl_seg_name(sl_seg_key(&l->state.parts[i].segs[k]), ".idx", name);
            unlinkat(l->dirfd, name, 0);
        }
}

/* The line that drops what was chosen; its segments borrow from the state. */
static int fill_line(struct sl_log_writer *w, const struct choice *c, const struct sl_prune *o,
                     struct sl_line *line, struct sl_err *err)
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

/* Under the lock. */
static int drop(struct sl_log_writer *w, const struct sl_prune *o, struct choice *c,
                struct sl_line *line, struct sl_err *err)
{
    assert(w->log->use == SL_VIEW_LOCKED);
    int rc = choose(w->log, o, c, err);
    if (rc < 0 || !c->segments)
        return rc;
    remove_indexes(w->log, c);
    rc = reserve(w->log, c->segments, err);
    if (rc == 0)
        rc = fill_line(w, c, o, line, err);
    return rc < 0 ? rc : sl_writer_append_line(w, line, err);
}

/* What the line dropped, of the log as it was. */
static void tell_line(const struct sl_line *line, void (*fn)(void *arg, const struct sl_pruned *p),
                      void *arg)
{
    struct sl_pruned p = {0};
    for (int i = 0; i < line->nsegs; i++) {
        const struct sl_seg *s = &line->segs[i];
        if (!p.segments || p.partition != s->partition) {
            if (p.segments)
                fn(arg, &p);
            p = (struct sl_pruned){.partition = s->partition, .from = s->base};
        }
        p.to = s->end;
        p.bytes += s->bytes;
        p.segments++;
    }
    if (p.segments)
        fn(arg, &p);
}

static int64_t prune(struct sl_log_writer *w, const struct sl_prune *o, struct choice *c,
                     void (*fn)(void *arg, const struct sl_pruned *p), void *arg,
                     struct sl_err *err)
{
    struct sl_line line;
    int rc = sl_writer_lock(w, err);
    if (rc < 0)
        return rc;
    sl_writer_line(w, &line);
    rc = drop(w, o, c, &line, err);
    sl_writer_unlock(w);
    if (rc == 0)
        rc = sl_writer_tell(w, err);
    if (rc == 0)
        rc = sl_log_writer_sync(w, err);
    if (rc == 0)
        tell_line(&line, fn, arg);
    sl_line_release(&line);
    for (int i = 0; rc == 0 && i < w->log->state.npartitions; i++)
        sl_writer_remove_stale(w, i, SL_GRACE);
    return rc < 0 ? rc : c->segments;
}

int64_t sl_log_prune(const char *path, const struct sl_prune *o,
                     void (*fn)(void *arg, const struct sl_pruned *p), void *arg,
                     struct sl_err *err)
{
    assert(path && o && fn && o->grace >= 0);
    const struct sl_log_options options = {.sync = SL_SYNC_NONE};
    struct sl_log_writer *w = NULL;
    struct sl_log *l = NULL;
    struct choice c = {0};
    int64_t recovered = 0;
    int64_t rc = sl_log_open(path, &l, err);
    if (rc == 0)
        rc = choose(l, o, &c, err);
    if (rc == 0 && o->dry)
        tell(l, &c, fn, arg);
    if (rc == 0 && !o->dry) {
        remove_indexes(l, &c); /* opening, too, may need a block */
        rc = sl_log_writer_open(path, &options, sl_log_schema(l), &w, &recovered, err);
        if (rc == 0)
            rc = prune(w, o, &c, fn, arg, err);
    } else if (rc == 0) {
        rc = c.segments;
    }
    sl_log_writer_abort(w);
    sl_log_free(l);
    free(c.n);
    return rc;
}

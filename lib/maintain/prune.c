/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* prune: retention by hand, and the settings by which writers do it: see log/retain.h. */
#include "base/mem.h"
#include "maintain/maintain.h"

static void tell(const struct sl_log *l, const struct sl_retained *c,
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

static int64_t prune(struct sl_log_writer *w, const struct sl_retain *o, struct sl_retained *c,
                     void (*fn)(void *arg, const struct sl_pruned *p), void *arg,
                     struct sl_err *err)
{
    struct sl_line line;
    int rc = sl_writer_lock(w, err);
    if (rc < 0)
        return rc;
    sl_writer_line(w, &line);
    rc = sl_retain_drop(w, o, c, &line, err);
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

int64_t sl_log_prune(const char *path, const struct sl_retain *o, int dry,
                     void (*fn)(void *arg, const struct sl_pruned *p), void *arg,
                     struct sl_err *err)
{
    assert(path && o && fn && o->grace >= 0);
    const struct sl_log_options options = {.sync = SL_SYNC_NONE};
    struct sl_log_writer *w = NULL;
    struct sl_log *l = NULL;
    struct sl_retained c = {0};
    int64_t recovered = 0;
    int64_t rc = sl_log_open(path, &l, err);
    if (rc == 0)
        rc = sl_retain_choose(l, o, &c, err);
    if (rc == 0 && dry)
        tell(l, &c, fn, arg);
    if (rc == 0 && !dry) {
        sl_retain_remove_indexes(l, &c); /* opening, too, may need a block */
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

int sl_log_set(const char *path, const struct sl_line_pair *settings, int n, struct sl_err *err)
{
    assert(path && settings && n > 0);
    const struct sl_log_options options = {.sync = SL_SYNC_COMMIT};
    struct sl_log_writer *w = NULL;
    struct sl_log *l = NULL;
    struct sl_line line;
    int rc = sl_log_open(path, &l, err);
    if (rc == 0)
        rc = sl_log_writer_open(path, &options, sl_log_schema(l), &w, NULL, err);
    sl_log_free(l);
    if (rc == 0 && (rc = sl_writer_lock(w, err)) == 0) {
        sl_writer_line(w, &line);
        line.settings = sl_arena_alloc(&line.arena, (size_t)n * sizeof(*settings));
        line.nsettings = line.settings ? n : 0;
        if (line.settings)
            memcpy(line.settings, settings, (size_t)n * sizeof(*settings));
        rc = line.settings ? sl_writer_append_line(w, &line, err) : sl_err_nomem(err, "a commit");
        sl_writer_unlock(w);
        sl_line_release(&line);
    }
    if (rc == 0)
        rc = sl_writer_tell(w, err);
    if (rc == 0)
        rc = sl_log_writer_sync(w, err);
    if (rc == 0)
        rc = sl_writer_retain(w, SL_GRACE, err);
    sl_log_writer_abort(w);
    return rc;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* prune: retention by hand, and the settings by which writers do it: see log/retain.h. */
#include "base/mem.h"
#include "base/num.h"
#include "log/log_writer.h"
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

static int put_settings(struct sl_line *line, const struct sl_log_setting *settings, int n)
{
    line->settings = sl_arena_alloc(&line->arena, (size_t)n * sizeof(*line->settings));
    for (int i = 0; line->settings && i < n; i++) {
        char *value = sl_arena_alloc(&line->arena, SL_NUM_MAX);
        if (!value)
            return 0;
        size_t len = sl_num_print_int(value, settings[i].value);
        if (!settings[i].value)
            len = (size_t)snprintf(value, SL_NUM_MAX, "null");
        line->settings[line->nsettings++] =
            (struct sl_line_pair){.key = settings[i].name, .value = value, .len = len};
    }
    return line->settings != NULL;
}

static int commit_settings(struct sl_log_writer *w, const struct sl_log_setting *settings, int n,
                           struct sl_err *err)
{
    struct sl_line line;
    int rc = sl_writer_lock(w, err);
    if (rc < 0)
        return rc;
    sl_writer_line(w, &line);
    rc = put_settings(&line, settings, n) ? sl_writer_append_line(w, &line, err)
                                          : sl_err_nomem(err, "a commit");
    sl_writer_unlock(w);
    sl_line_release(&line);
    if (rc == 0)
        rc = sl_writer_tell(w, err);
    return rc == 0 ? sl_log_writer_sync(w, err) : rc;
}

/* What `before` has and `now` has not any more. */
static int find_gone(const struct sl_log *before, const struct sl_log *now, struct sl_retained *c,
                     struct sl_err *err)
{
    const struct sl_state *s = &before->state;
    c->n = sl_calloc((size_t)s->npartitions, sizeof(*c->n));
    if (!c->n)
        return sl_err_nomem(err, "pruning a log");
    for (int i = 0; i < s->npartitions; i++) {
        int64_t start = sl_log_start(now, i);
        while (c->n[i] < s->parts[i].nsegs && s->parts[i].segs[c->n[i]].end <= start)
            c->n[i]++;
        c->segments += c->n[i];
    }
    return 0;
}

int64_t sl_log_set(const char *path, const struct sl_log_setting *settings, int n,
                   void (*fn)(void *arg, const struct sl_pruned *p), void *arg, struct sl_err *err)
{
    assert(path && settings && n > 0 && fn);
    const struct sl_log_options options = {.sync = SL_SYNC_COMMIT};
    struct sl_log_writer *w = NULL;
    struct sl_log *l = NULL;
    struct sl_retained gone = {0};
    int rc = sl_log_open(path, &l, err);
    if (rc == 0)
        rc = sl_log_writer_open(path, &options, sl_log_schema(l), &w, NULL, err);
    if (rc == 0)
        rc = commit_settings(w, settings, n, err);
    if (rc == 0)
        rc = sl_writer_retain(w, SL_GRACE, err);
    if (rc == 0)
        rc = find_gone(l, w->log, &gone, err);
    if (rc == 0)
        tell(l, &gone, fn, arg);
    sl_log_writer_abort(w);
    sl_log_free(l);
    free(gone.n);
    return rc < 0 ? rc : gone.segments;
}

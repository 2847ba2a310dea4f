/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * fan_sink: rows to one of several streams of frames each, by the hash of their keys.
 *
 * What is no row goes to every stream: watermarks, pauses, ends, so that a branch that gets no rows is known
 * to have none. A branch whose reader went away wants no more; the rows for it are done with, as those
 * behind the end of `head` are. The sink is done when that is so of every branch.
 *
 * Where the run resumes, each branch gets what is said in front of it, with its number, and every barrier.
 * What the last run had is what the end of the pipe has: the first branch tells it for all.
 *
 * A write may wait for a branch that is slow. It does not wait for good, because what a branch writes is
 * always taken (cmd/relay.h).
 */
#include "base/compat.h"
#include "base/path.h"
#include <unistd.h>
#include "io/connect.h"

struct branch {
    struct sl_sink *sink; /* of frames */
    size_t polled;        /* entries that it added to the last wait */
    int is_done;
    char number[12]; /* from 1 */
};

struct fan_sink {
    struct sl_sink base; /* first */
    int n, ready_fd;
    struct branch *branches;
    char *names, *child; /* of the keys, as given */
    struct sl_route route;
    int *keys;
    struct sl_schema *schema;
    int64_t dropped; /* rows of branches that are done */
};

/* The account is that of all branches. */
static void count(struct fan_sink *f)
{
    f->base.committed = f->dropped;
    f->base.held = f->base.bytes = 0;
    for (int i = 0; i < f->n; i++) {
        const struct sl_sink *s = f->branches[i].sink;
        f->base.committed += s->committed + (f->branches[i].is_done ? s->held : 0);
        f->base.held += f->branches[i].is_done ? 0 : s->held;
        f->base.bytes += s->bytes;
    }
}

/* What a branch answered: 0 or < 0. */
static int note(struct branch *b, int rc)
{
    b->is_done |= rc == SL_PUSH_DONE;
    return SL_MIN(rc, 0);
}

static int answer(struct fan_sink *f, int rc)
{
    int done = 0;
    for (int i = 0; i < f->n; i++)
        done += f->branches[i].is_done;
    count(f);
    f->base.pipe_closed = done == f->n;
    return rc < 0 ? rc : done == f->n ? SL_PUSH_DONE : SL_PUSH_OK;
}

static int find_keys(struct fan_sink *f, struct sl_err *err)
{
    size_t most = strlen(f->names) + 1;
    f->keys = sl_calloc(most, sizeof(*f->keys));
    if (!f->keys)
        return sl_err_nomem(err, "keys");
    for (const char *p = f->names; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        int at = sl_schema_lookup(f->schema, p, n, err);
        if (at < 0)
            return at;
        f->keys[f->route.nkeys++] = at;
        p += n;
    }
    f->route.keys = f->keys;
    f->route.schema = f->schema;
    return 0;
}

static int sink_open(struct sl_sink *base, struct sl_schema *schema, struct sl_err *err)
{
    struct fan_sink *f = (struct fan_sink *)base;
    f->schema = sl_schema_ref(schema);
    int rc = find_keys(f, err);
    for (int i = 0; rc == 0 && i < f->n; i++) {
        struct sl_sink *s = f->branches[i].sink;
        s->live = base->live;
        s->out_of_order = base->out_of_order;
        s->run = base->run;
        s->branch = base->run ? f->branches[i].number : NULL;
        rc = s->class->open(s, schema, err);
    }
    if (rc == 0 && f->ready_fd >= 0)
        rc = sl_path_write(f->ready_fd, "", 1, "the pipe to the merge", err);
    return rc;
}

/* Writes the rows of one branch: n rows of b. */
static int write_rows(struct fan_sink *f, struct branch *to, struct sl_batch *b,
                      const uint32_t *rows, size_t n, struct sl_err *err)
{
    if (to->is_done) {
        f->dropped += (int64_t)n;
        return 0;
    }
    struct sl_batch *part = sl_batch_pick(b, rows, n, f->base.account, err);
    struct sl_batch *whole = part ? sl_batch_compact(part, f->base.account, err) : NULL;
    int rc = whole ? note(to, to->sink->class->write(to->sink, whole, NULL, err))
                   : -(int)(err ? err->code : SL_ENOMEM);
    sl_batch_unref(whole);
    sl_batch_unref(part);
    return rc;
}

static int sink_write(struct sl_sink *base, struct sl_batch *b, void *encoded SL_UNUSED,
                      struct sl_err *err)
{
    struct fan_sink *f = (struct fan_sink *)base;
    uint16_t *route = sl_malloc(b->selected * sizeof(*route));
    uint32_t *rows = sl_malloc(b->selected * sizeof(*rows));
    size_t *ends = sl_calloc((size_t)f->n + 1, sizeof(*ends)); /* of branch i: [i + 1] */
    int rc = route && rows && ends ? sl_route_rows(&f->route, b, route, err)
                                   : sl_err_nomem(err, "a route");
    for (size_t k = 0; rc == 0 && k < b->selected; k++)
        ends[route[k] + 1]++;
    for (int i = 0; rc == 0 && i < f->n; i++)
        ends[i + 1] += ends[i];
    for (size_t k = 0; rc == 0 && k < b->selected; k++)
        rows[ends[route[k]]++] = (uint32_t)sl_batch_row(b, k); /* starts become ends */
    size_t from = 0;
    for (int i = 0; rc == 0 && i < f->n; from = ends[i++])
        if (ends[i] > from)
            rc = write_rows(f, &f->branches[i], b, rows + from, ends[i] - from, err);
    free(route);
    free(rows);
    free(ends);
    return answer(f, rc);
}

static int sink_watermark(struct sl_sink *base, int64_t watermark, struct sl_err *err)
{
    struct fan_sink *f = (struct fan_sink *)base;
    int rc = 0;
    for (int i = 0; rc == 0 && i < f->n; i++)
        if (!f->branches[i].is_done)
            rc = note(&f->branches[i],
                      f->branches[i].sink->class->watermark(f->branches[i].sink, watermark, err));
    return answer(f, rc);
}

static int sink_control(struct sl_sink *base, enum sl_directive d, const struct sl_control *c,
                        struct sl_err *err)
{
    struct fan_sink *f = (struct fan_sink *)base;
    int rc = 0;
    for (int i = 0; rc == 0 && i < f->n; i++)
        if (!f->branches[i].is_done)
            rc = note(&f->branches[i],
                      f->branches[i].sink->class->control(f->branches[i].sink, d, c, err));
    return answer(f, rc);
}

/* A branch that ended is missed by who aligns them: it gives no barrier. */
static int sink_commit(struct sl_sink *base, const struct sl_checkpoint *c, struct sl_err *err)
{
    struct fan_sink *f = (struct fan_sink *)base;
    int rc = 0;
    for (int i = 0; rc == 0 && i < f->n; i++)
        if (!f->branches[i].is_done)
            rc = f->branches[i].sink->class->commit(f->branches[i].sink, c, err);
    count(f);
    return rc;
}

static int sink_hold(struct sl_sink *base, const char *name, int wait,
                     const volatile sig_atomic_t *signal, struct sl_err *err)
{
    struct sl_sink *first = ((struct fan_sink *)base)->branches[0].sink;
    int rc = first->class->hold(first, name, wait, signal, err);
    base->state_fd = first->state_fd;
    base->state_dir = first->state_dir;
    return rc;
}

static int sink_load(struct sl_sink *base, const char *name, struct sl_checkpoint *out,
                     struct sl_err *err)
{
    struct sl_sink *first = ((struct fan_sink *)base)->branches[0].sink;
    return first->class->load(first, name, out, err);
}

/* Without an end, as a stream of frames. */
static int sink_rescue(struct sl_sink *base, struct sl_err *err)
{
    return sink_control(base, SL_FLUSH, NULL, err);
}

static void sink_poll(struct sl_sink *base, struct sl_poll_set *p)
{
    struct fan_sink *f = (struct fan_sink *)base;
    for (int i = 0; i < f->n; i++) {
        struct branch *b = &f->branches[i];
        size_t before = p->n;
        if (!b->is_done)
            b->sink->class->poll(b->sink, p);
        b->polled = p->n - before;
    }
}

static int sink_ready(struct sl_sink *base, const struct pollfd *fds, size_t n, struct sl_err *err)
{
    struct fan_sink *f = (struct fan_sink *)base;
    size_t at = 0;
    int rc = 0;
    for (int i = 0; rc == 0 && i < f->n; at += f->branches[i++].polled) {
        assert(at + f->branches[i].polled <= n);
        rc = note(&f->branches[i], f->branches[i].sink->class->ready(f->branches[i].sink, fds + at,
                                                                     f->branches[i].polled, err));
    }
    return answer(f, rc);
}

static void sink_plan(const struct sl_sink *base, const struct sl_schema *schema SL_UNUSED,
                      struct sl_buf *out)
{
    const struct fan_sink *f = (const struct fan_sink *)base;
    sl_buf_printf(out, "%d %s of %s, by %s", f->n, sl_plural(f->n, "process", "processes"),
                  f->child ? f->child : "a command", f->names);
}

static void sink_free(struct sl_sink *base)
{
    struct fan_sink *f = (struct fan_sink *)base;
    for (int i = 0; f->branches && i < f->n; i++)
        if (f->branches[i].sink)
            f->branches[i].sink->class->free(f->branches[i].sink);
    if (f->ready_fd >= 0)
        close(f->ready_fd);
    sl_schema_unref(f->schema);
    free(f->branches);
    free(f->keys);
    free(f->names);
    free(f->child);
    free(f);
}

#define FAN                                                                                        \
    .name = "fan", .plan = sink_plan, .promise = SL_PROMISE_AT_LEAST, .open = sink_open,           \
    .write = sink_write, .watermark = sink_watermark, .commit = sink_commit,                       \
    .control = sink_control, .rescue = sink_rescue, .poll = sink_poll, .ready = sink_ready,        \
    .free = sink_free
static const struct sl_sink_class fan_sink_class = {FAN};
/* One that is told where the pipe ends. */
static const struct sl_sink_class resuming_sink_class = {FAN, .hold = sink_hold, .load = sink_load};

/* The pipe is opened again under its name; the descriptor has done its service then. */
static int open_branch(const struct sl_output_options *o, int fd, struct sl_sink **out,
                       struct sl_err *err)
{
    char path[32];
    snprintf(path, sizeof(path), "/dev/fd/%d", fd);
    struct sl_output_options local = {.dest = path,
                                      .only_plan = o->only_plan,
                                      .command = o->command,
                                      .resume_from = o->resume_from,
                                      .account = o->account};
    int rc = sl_frames_sink_new(&local, out, err);
    if (fd >= 0)
        close(fd);
    return rc;
}

int sl_fan_sink_new(const struct sl_output_options *o, struct sl_sink **out, struct sl_err *err)
{
    assert(o && out && o->nbranches > 0 && o->log.keys);
    struct fan_sink *f = sl_calloc(1, sizeof(*f));
    *out = NULL;
    if (!f)
        return sl_err_nomem(err, "a sink of branches");
    f->base.class = o->resume_from ? &resuming_sink_class : &fan_sink_class;
    f->base.branches = o->nbranches;
    f->base.due = INT64_MAX;
    f->base.account = o->account;
    f->base.wants_hidden = 1;
    f->n = o->nbranches;
    f->ready_fd = o->ready_fd;
    f->route.partitions = o->nbranches;
    f->route.crc32 = o->log.hash && strcmp(o->log.hash, "crc32") == 0;
    f->branches = sl_calloc((size_t)f->n, sizeof(*f->branches));
    f->names = sl_strdup(o->log.keys);
    f->child = sl_strdup(o->child ? o->child : "");
    int rc = f->branches && f->names && f->child ? 0 : sl_err_nomem(err, "a sink of branches");
    for (int i = 0; rc == 0 && i < f->n; i++) {
        snprintf(f->branches[i].number, sizeof(f->branches[i].number), "%d", i + 1);
        rc = open_branch(o, o->branches[i], &f->branches[i].sink, err);
    }
    if (rc < 0) {
        sink_free(&f->base);
        return rc;
    }
    *out = &f->base;
    return 0;
}

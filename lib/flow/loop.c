/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * loop: the one loop, see pipeline.h.
 *
 * It asks the source for morsels while there is room under way, lets workers run them, delivers in
 * order, and when the source says WAIT and nothing is under way, pushes FLUSH once and polls. Small
 * morsels with nothing under way are run in place, so that a single row pays for no thread.
 */
#include "flow/pipeline_int.h"

enum {
    SMALL_MORSEL = 64 << 10,     /* bytes below which a thread is not worth its wake-up */
    PROGRESS_EVERY = 100 * 1000, /* µs */
    PATIENCE = 5 * 1000 * 1000,  /* µs: a partition that is waited for longer is named */
};

static int signalled(const struct sl_pipeline *p)
{
    return p->o.signal && *p->o.signal;
}

static void progress(struct sl_pipeline *p)
{
    if (!p->o.progress)
        return;
    int64_t now = sl_time_mono_usec(), done = p->bytes, total = -1;
    if (now < p->next_progress)
        return;
    p->next_progress = now + PROGRESS_EVERY;
    if (p->source->class->progress)
        p->source->class->progress(p->source, &done, &total);
    p->o.progress(p->o.progress_arg, p->source->rows, done, total);
}

/* Names a partition that has held results back for long, once, or wakes the loop when it will. */
static void say_waiting(struct sl_pipeline *p)
{
    int64_t now = sl_time_mono_usec();
    int partition = -1;
    for (int i = 0; i < p->nops && partition < 0; i++)
        if (p->ops[i]->class->waits_for)
            partition = p->ops[i]->class->waits_for(p->ops[i]);
    if (partition != p->waits_for && p->waits_since != INT64_MAX)
        p->waits_since = now;
    p->waits_for = partition;
    if (partition < 0 || p->waits_since == INT64_MAX || !p->o.say)
        return;
    if (now - p->waits_since < PATIENCE) {
        sl_poll_until(&p->wait, p->waits_since + PATIENCE);
        return;
    }
    char text[160];
    snprintf(
        text, sizeof(text),
        "windows wait for partition %d, whose last row is older than those of the others: a later "
        "row in it lets them go on",
        partition);
    p->o.say(p->o.say_arg, text);
    p->waits_since = INT64_MAX;
}

/* Tells a sink what the wait brought it: the entries from `from` to `to`. */
static int wake(struct sl_pipeline *p, struct sl_sink *s, size_t from, size_t to,
                struct sl_err *err)
{
    int rc = s->class->ready ? s->class->ready(s, p->wait.fds + from, to - from, err) : SL_PUSH_OK;
    if (s == p->sink)
        p->full = rc == SL_PUSH_FULL;
    p->done_early |= rc == SL_PUSH_DONE;
    return rc < 0 ? rc : 0;
}

/* Sleeps until the source, the sink, a timer or a signal wants something; a full sink waits for nobody
 * but itself. */
static int wait_for_input(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_poll_set *w = &p->wait;
    sl_poll_begin(w);
    say_waiting(p);
    if (p->source->class->poll && !p->full)
        p->source->class->poll(p->source, w);
    size_t sink = w->n;
    if (p->sink->class->poll)
        p->sink->class->poll(p->sink, w);
    size_t rejects = w->n;
    if (p->rejects && p->rejects->class->poll)
        p->rejects->class->poll(p->rejects, w);
    size_t end = w->n;
    if (p->o.signal)
        sl_poll_add(w, p->o.signal_fd, POLLIN);
    int rc = sl_poll_wait(w, err);
    if (rc == 0)
        rc = wake(p, p->sink, sink, rejects, err);
    if (rc == 0 && p->rejects)
        rc = wake(p, p->rejects, rejects, end, err);
    return rc < 0 ? rc : sl_pipeline_commit_due(p, err);
}

/* Takes charge of a morsel: to a worker, or through the own lane at once. */
static int start(struct sl_pipeline *p, struct sl_morsel *m, struct sl_err *err)
{
    struct sl_item *it = sl_item_new(p, m);
    if (!it) {
        sl_morsel_free(m);
        return sl_err_nomem(err, "a morsel");
    }
    p->ring[p->tail++ % SL_INFLIGHT_MAX] = it;
    size_t size = m->len;
    int rc = 0, apart = p->o.threads > 1 && (p->head + 1 != p->tail || size >= SMALL_MORSEL);
    if (apart && !p->pool)
        rc = sl_lanes_start(p, err);
    if (rc < 0)
        return rc;
    if (apart) {
        sl_item_submit(it);
        while (p->head != p->tail && !p->done_early &&
               sl_pool_done(p->pool, &p->ring[p->head % SL_INFLIGHT_MAX]->task)) {
            rc = sl_pipeline_deliver(p, err);
            if (rc < 0)
                return rc;
        }
        return 0;
    }
    sl_item_run(it, p->nlanes - 1);
    rc = sl_pipeline_deliver(p, err);
    return rc < 0 ? rc : 0;
}

/* The source has nothing now: let go of everything, then sleep. */
static int idle(struct sl_pipeline *p, struct sl_err *err)
{
    if (p->head != p->tail) {
        int rc = sl_pipeline_deliver(p, err);
        return rc < 0 ? rc : 0; /* and ask the source again */
    }
    if (!p->flushed) {
        p->flushed = 1;
        int rc = sl_pipeline_direct(p, SL_FLUSH, NULL, err);
        if (rc < 0 || p->done_early)
            return rc;
    }
    return wait_for_input(p, err);
}

/* The source has failed: what it gave before is good, unless there is an error in that. */
static int input_ends(struct sl_pipeline *p, int failed, struct sl_err *err)
{
    struct sl_err why;
    sl_err_init(&why);
    int rc = sl_pipeline_drain(p, &why);
    if (rc < 0 && err)
        *err = why;
    p->input_failed |= rc == 0;
    return rc < 0 ? rc : failed;
}

/* One turn: > 0 the directive that ends the run (SL_STOP or SL_END), 0 go on, < 0 error. */
static int turn(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_morsel *m = NULL;
    int rc, ends = signalled(p);

    progress(p);
    if (p->full && !ends)
        return wait_for_input(p, err);
    if ((int)(p->tail - p->head) >= p->window) {
        rc = sl_pipeline_deliver(p, err);
        return rc < 0 ? rc : 0;
    }
    if (!ends)
        rc = p->source->class->next(p->source, &m, err);
    else
        rc = p->source->class->rest ? p->source->class->rest(p->source, &m, err) : SL_NEXT_END;
    if (ends && rc == SL_NEXT_END)
        return p->o.keep_open ? SL_STOP : SL_END;
    switch (rc) {
    case SL_NEXT_MORSEL: return start(p, m, err);
    case SL_NEXT_WAIT: return idle(p, err);
    case SL_NEXT_BARRIER:
        rc = sl_pipeline_drain(p, err);
        if (rc == 0 && !p->done_early)
            rc = sl_pipeline_direct(p, SL_BARRIER, &p->source->control, err);
        return rc;
    case SL_NEXT_STOP: return SL_STOP;
    case SL_NEXT_END: return SL_END;
    default: assert(rc < 0); return input_ends(p, rc, err);
    }
}

/* Where the sink takes wider types in the middle, columns that it orders or routes by keep theirs. */
static void pin_columns(struct sl_pipeline *p)
{
    struct sl_source *s = p->source;
    if (!s->may_widen || !s->class->pin || !p->sink->class->pinned)
        return;
    for (int i = 0; i < s->schema->nfields; i++) {
        enum sl_pin pin = p->sink->class->pinned(p->sink, s->schema->fields[i].name);
        if (pin != SL_PIN_NONE)
            s->class->pin(s, i, pin);
    }
}

static int open_all(struct sl_pipeline *p, struct sl_err *err)
{
    int rc = sl_pipeline_bind(p, err);
    if (rc < 0)
        return rc;
    p->window = SL_MIN(2 * p->nlanes, SL_INFLIGHT_MAX - 1);
    rc = sl_lanes_open(p, err);
    if (rc == 0)
        rc = p->sink->class->open(p->sink, p->schemas[p->nops], err);
    if (rc == 0)
        pin_columns(p);
    if (rc == 0 && p->rejects) {
        struct sl_schema *s = sl_reject_schema();
        rc = s ? p->rejects->class->open(p->rejects, s, err) : sl_err_nomem(err, "rejects");
        sl_schema_unref(s);
    }
    return rc;
}

/* Brings what is under way to its end and tells everyone. */
static int finish(struct sl_pipeline *p, enum sl_directive d, struct sl_err *err)
{
    int rc = sl_pipeline_drain(p, err);
    sl_pipeline_discard(p);
    if (rc < 0 || p->sink->pipe_closed)
        return rc;
    struct sl_control c = {.kind = SL_CONTROL_END, .reason = p->source->end_reason};
    return sl_pipeline_direct(p, d, d == SL_STOP ? &c : NULL, err);
}

/* After an error. What was rejected until then is worth keeping: it may say why. If the input or a row
 * of it is to blame, so are the rows that the sink was given before. */
static void give_up(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_err why;
    int rescued = p->input_failed && p->sink->class->rescue && !p->sink->pipe_closed;
    sl_pipeline_discard(p);
    sl_err_init(&why);
    int rc = sl_pipeline_commit(p, rescued ? SL_COMMIT_SOME : SL_COMMIT_ASIDE, &why);
    if (p->rejects && p->rejected && !p->rejects_ended)
        p->rejects->class->control(p->rejects, SL_STOP, NULL, NULL);
    if (!rescued)
        return;
    if (rc == 0)
        rc = p->sink->class->rescue(p->sink, &why);
    int64_t n = rc < 0 ? -1 : p->sink->committed;
    if (!err || p->sink->class->promise != SL_PROMISE_EXACT)
        return;
    char hint[sizeof(err->hint) + 2];
    snprintf(hint, sizeof(hint), "%s%s", err->hint, err->hint[0] ? "; " : "");
    if (n < 0)
        sl_err_hint(err, "%sthe rows before it could not be committed: %s", hint, why.what);
    else if (n > 0)
        sl_err_hint(err, "%s%lld %s before it %s committed", hint, (long long)n,
                    sl_plural(n, "row", "rows"), sl_plural(n, "is", "are"));
}

int sl_pipeline_run(struct sl_pipeline *p, struct sl_pipeline_result *r, struct sl_err *err)
{
    int rc = open_all(p, err);

    memset(r, 0, sizeof(*r));
    while (rc == 0 && !p->done_early)
        rc = turn(p, err);
    enum sl_directive d = rc == SL_STOP ? SL_STOP : SL_END;
    if (rc >= 0)
        rc = finish(p, d, err);
    p->input_failed |= rc == -SL_EROW;
    if (rc < 0)
        give_up(p, err);
    if (p->source->generation)
        sl_pipeline_say_assumed(p);
    if (rc >= 0 && d == SL_END && !p->done_early && p->source->class->ended)
        p->source->class->ended(p->source);
    r->ended = d;
    r->end_reason = p->source->end_reason;
    r->done_early = p->done_early;
    r->pipe_closed = p->sink->pipe_closed;
    sl_pipeline_account(p, r);
    if (rc == 0 && !p->sink->pipe_closed)
        rc = sl_pipeline_balance(p, r, err);
    return rc;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * loop: the one loop, see pipeline.h.
 *
 * It asks the sink's node what it wants, that one its inputs, and so on up to a strand; of an operator
 * with several inputs next_input() tells which. That strand is pulled: its source is asked for morsels
 * while there is room under way, workers run them, and they are delivered in order. When the strand that
 * is wanted has nothing now (WAIT), FLUSH is pushed, once, and the loop sleeps. Small morsels with nothing
 * under way are run in place, so that a single row pays for no thread.
 */
#include "flow/pipeline_int.h"

enum {
    PROGRESS_EVERY = 100 * 1000, /* µs */
    PATIENCE = 5 * 1000 * 1000,  /* µs: a partition that is waited for longer is named */
};

static int signalled(const struct sl_pipeline *p)
{
    return p->o.signal && *p->o.signal;
}

static void progress(struct sl_pipeline *p)
{
    int64_t rows = 0, bytes = 0, all = 0;
    if (!p->o.progress)
        return;
    int64_t now = sl_time_mono_usec();
    if (now < p->next_progress)
        return;
    p->next_progress = now + PROGRESS_EVERY;
    for (int i = 0; i < p->nstrands; i++) {
        struct sl_source *s = p->strands[i]->source;
        int64_t done = p->strands[i]->bytes, total = -1;
        if (s->class->progress)
            s->class->progress(s, &done, &total);
        rows += s->rows;
        bytes += done;
        all = all < 0 || total < 0 ? -1 : all + total;
    }
    p->o.progress(p->o.progress_arg, rows, bytes, all);
}

/* Names a partition that has held results back for long, once, or wakes the loop when it will. */
static void say_waiting(struct sl_pipeline *p)
{
    int64_t now = sl_time_mono_usec();
    int partition = -1;
    for (int i = 0; i < p->nstrands && partition < 0; i++)
        if (p->strands[i]->stamps)
            partition = sl_stamp_waits_for(p->strands[i]);
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
    assert(from <= to && to <= p->wait.n);
    int rc = s->class->ready ? s->class->ready(s, p->wait.fds + from, to - from, err) : SL_PUSH_OK;
    if (s == p->sink)
        p->full = rc == SL_PUSH_FULL;
    p->done_early |= rc == SL_PUSH_DONE;
    return rc < 0 ? rc : 0;
}

/* Sleeps until a source that said WAIT, the sink, a timer or a signal wants something; a full sink waits
 * for nobody but itself. Every source may be asked again then. */
static int sleep_until_ready(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_poll_set *w = &p->wait;
    sl_poll_begin(w);
    sl_poll_until(w, sl_pipeline_wanted(p));
    if (p->stateful)
        sl_poll_until(w, sl_barrier_due(p));
    say_waiting(p);
    for (int i = 0; i < p->nstrands && !p->full; i++) {
        struct sl_strand *s = p->strands[i];
        if (s->waiting && s->source->class->poll)
            s->source->class->poll(s->source, w);
    }
    struct sl_sink *sinks[] = {p->sink, p->rejects, p->late.sink};
    size_t first[SL_COUNT(sinks) + 1] = {w->n};
    for (size_t i = 0; i < SL_COUNT(sinks); i++) {
        if (sinks[i] && sinks[i]->class->poll)
            sinks[i]->class->poll(sinks[i], w);
        first[i + 1] = w->n;
    }
    if (p->o.signal)
        sl_poll_add(w, p->o.signal_fd, POLLIN);
    int rc = sl_poll_wait(w, err);
    for (size_t i = 0; i < SL_COUNT(sinks) && rc == 0; i++)
        if (sinks[i])
            rc = wake(p, sinks[i], first[i], first[i + 1], err);
    for (int i = 0; i < p->nstrands; i++)
        p->strands[i]->waiting = 0;
    return rc < 0 ? rc : sl_pipeline_commit_due(p, err);
}

/* ---- what is wanted ---- */

static struct sl_strand *wanted_by(struct sl_graph_node *n);

static struct sl_strand *wanted_of(const struct sl_input *in)
{
    assert(in->from);
    if (in->ended)
        return NULL;
    struct sl_strand *s = in->from->strand;
    if (!s)
        return wanted_by(in->from->node);
    return s->waiting || s->over || s->at_barrier ? NULL : s;
}

/* The strand that is to be pulled for a node; NULL: there is none that has something now. */
static struct sl_strand *wanted_by(struct sl_graph_node *n)
{
    assert(n->ninputs >= 1);
    struct sl_strand *s = NULL;
    int one = n->ninputs > 1 ? n->op->class->next_input(n->op) : 0;
    if (one >= 0)
        return wanted_of(&n->inputs[one]);
    /* Any: they take turns, so that none is left to starve. */
    for (int i = 1; i <= n->ninputs && !s; i++) {
        int input = (n->pulled + i) % n->ninputs;
        s = wanted_of(&n->inputs[input]);
        if (s)
            n->pulled = input;
    }
    return s;
}

/* ---- turns ---- */

/* A directive from the front of a strand on. Partial results are spread over the lanes until the end:
 * nothing can be let go before. */
static int direct(struct sl_strand *s, enum sl_directive d, const struct sl_control *c,
                  struct sl_err *err)
{
    assert(d != SL_MORE);
    struct sl_pipeline *p = s->p;
    int whole = d == SL_END || (p->stateful && d != SL_FLUSH);
    int rc = whole ? sl_strand_merge(s, err) : 0;
    if (rc == 0)
        rc = s->merging && !whole ? sl_way_direct(p, s->to, s->to_input, d, c, err)
                                  : sl_way_direct(p, s->first, s->first_input, d, c, err);
    p->done_early |= rc == SL_PUSH_DONE;
    return rc < 0 ? rc : 0;
}

static int direct_all(struct sl_pipeline *p, enum sl_directive d, const struct sl_control *c,
                      struct sl_err *err)
{
    assert(d != SL_MORE);
    int rc = 0;
    for (int i = 0; i < p->nstrands && rc == 0; i++)
        if (p->strands[i]->over != SL_END)
            rc = direct(p->strands[i], d, c, err);
    return rc;
}

/* A barrier cuts every strand where it stands. c: it came down the pipe; NULL: the loop makes it. */
static int barrier(struct sl_pipeline *p, const struct sl_control *c, struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; i < p->nstrands && rc == 0; i++)
        rc = sl_strand_drain(p->strands[i], err);
    if (rc < 0 || p->done_early)
        return rc;
    p->arrived = c;
    rc = direct_all(p, SL_BARRIER, p->stateful ? NULL : c, err);
    p->arrived = NULL;
    return rc;
}

/* It came on one input. Of branches it is one barrier when it has come on all: what one gives behind it stays
 * where it is until then. */
static int align(struct sl_strand *s, struct sl_err *err)
{
    struct sl_pipeline *p = s->p;
    int n = 0, over = 0, same = 1;
    s->at_barrier = p->aligns;
    for (int i = 0; p->aligns && i < p->nstrands; i++) {
        const struct sl_strand *x = p->strands[i];
        over += x->over != 0;
        n += x->at_barrier;
        same &= !x->at_barrier || (x->source->control.k == s->source->control.k &&
                                   x->source->control.full == s->source->control.full);
    }
    if (over || !same)
        return sl_err_set(err, SL_EFORMAT, "%s",
                          over ? "a branch ended before its last barrier"
                               : "the barriers of the branches differ");
    if (p->aligns && n < p->nstrands)
        return 0;
    int rc = barrier(p, &s->source->control, err);
    for (int i = 0; i < p->nstrands; i++)
        p->strands[i]->at_barrier = 0;
    return rc;
}

/* There is nothing now: let go of everything. Splits that have had no row are idle from now on. */
static int flush(struct sl_pipeline *p, struct sl_err *err)
{
    assert(!p->flushed);
    int rc = 0;
    p->flushed = 1;
    for (int i = 0; i < p->nstrands && rc >= 0; i++) {
        struct sl_strand *s = p->strands[i];
        if (!s->stamps || s->over)
            continue;
        s->paused = 1;
        int64_t watermark = sl_stamp_watermark(s);
        if (watermark != SL_TIME_MIN)
            rc = sl_way_watermark(p, s->to, s->to_input, watermark, err);
    }
    p->done_early |= rc == SL_PUSH_DONE;
    if (rc >= 0)
        rc = direct_all(p, SL_FLUSH, NULL, err);
    return rc == 0 && sl_barrier_at_pause(p) ? barrier(p, NULL, err) : rc;
}

/* Delivers what was done meanwhile by workers. */
static int deliver_done(struct sl_strand *s, struct sl_err *err)
{
    assert(sl_strand_is_sound(s));
    struct sl_pipeline *p = s->p;
    int rc = 0;
    while (rc == 0 && s->head != s->tail && !p->done_early && !p->full) {
        struct sl_item *it = s->ring[s->head % SL_INFLIGHT_MAX];
        if (it->submitted && !sl_pool_done(p->pool, &it->task))
            break;
        rc = sl_strand_deliver(s, err);
    }
    return rc;
}

/* The strand is over: with END its rows are complete, else they may go on in another run. */
static int end_strand(struct sl_strand *s, int d, struct sl_err *err)
{
    assert(!s->over && (d == SL_STOP || d == SL_END));
    int rc = sl_strand_drain(s, err);
    s->over = d;
    s->p->stopped |= d == SL_STOP;
    return rc == 0 && d == SL_END && s->p->nstrands > 1 ? direct(s, SL_END, NULL, err) : rc;
}

/* The source has failed: what it gave before is good, unless there is an error in that. */
static int input_fails(struct sl_strand *s, int failed, struct sl_err *err)
{
    assert(failed < 0);
    struct sl_err why;
    sl_err_init(&why);
    int rc = sl_strand_drain(s, &why);
    if (rc < 0 && err)
        *err = why;
    s->p->input_failed |= rc == 0;
    return rc < 0 ? rc : failed;
}

/* What was read is brought out, and the sources are told. */
static int acknowledge(struct sl_pipeline *p, struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; i < p->nstrands && rc == 0; i++)
        rc = sl_strand_drain(p->strands[i], err);
    if (rc == 0 && !p->flushed)
        rc = flush(p, err);
    if (rc < 0 || p->done_early || p->full)
        return SL_MIN(rc, 0);
    rc = sl_pipeline_commit(p, SL_COMMIT_SOME, err);
    return rc < 0 ? rc : sl_pipeline_acknowledge(p, err);
}

/* Pulls a strand: 0 or < 0. */
static int pull(struct sl_strand *s, struct sl_err *err)
{
    assert(sl_strand_is_sound(s) && !s->over && !s->waiting);
    struct sl_pipeline *p = s->p;
    struct sl_source *source = s->source;
    struct sl_morsel *m = NULL;
    int rc, ends = signalled(p);

    if ((int)(s->tail - s->head) >= p->window)
        return sl_strand_deliver(s, err);
    if (!ends)
        rc = source->class->next(source, &m, err);
    else
        rc = source->class->rest ? source->class->rest(source, &m, err) : SL_NEXT_END;
    if (ends && rc == SL_NEXT_END && (p->role == SL_ROLE_MIDDLE || p->role == SL_ROLE_TAIL))
        rc = SL_NEXT_STOP; /* the rows behind the last barrier come again */
    switch (rc) {
    case SL_NEXT_MORSEL: rc = sl_strand_take(s, m, err); return rc < 0 ? rc : deliver_done(s, err);
    case SL_NEXT_WAIT:
        if (s->head != s->tail)
            return sl_strand_deliver(s, err); /* and ask the source again */
        s->waiting = 1;
        return 0;
    case SL_NEXT_BARRIER: return align(s, err);
    case SL_NEXT_STOP: p->is_stopped = 1; return end_strand(s, SL_STOP, err);
    case SL_NEXT_END: return end_strand(s, SL_END, err);
    default: assert(rc < 0); return input_fails(s, rc, err);
    }
}

static int is_over(const struct sl_pipeline *p)
{
    int over = 0;
    for (int i = 0; i < p->nstrands; i++)
        over += p->strands[i]->over != 0;
    return p->done_early || over == p->nstrands;
}

/* One turn: 0 or < 0. */
static int turn(struct sl_pipeline *p, struct sl_err *err)
{
    progress(p);
    if (p->stateful && !p->full && sl_barrier_due(p) <= sl_time_mono_usec())
        return barrier(p, NULL, err);
    if (sl_pipeline_wanted(p) <= sl_time_mono_usec())
        return acknowledge(p, err);
    if (p->full && !signalled(p))
        return sleep_until_ready(p, err);
    struct sl_strand *s = wanted_by(p->end);
    if (!s && signalled(p)) { /* nobody is waited for any more */
        for (int i = 0; i < p->nstrands; i++) {
            p->strands[i]->waiting = 0;
            if (!p->strands[i]->over)
                s = p->strands[i];
        }
    }
    if (s)
        return pull(s, err);
    if (!p->flushed) {
        int rc = flush(p, err);
        if (rc < 0 || p->done_early)
            return rc;
    }
    return sleep_until_ready(p, err);
}

/* ---- beginning and end ---- */

static int open_all(struct sl_pipeline *p, struct sl_err *err)
{
    int rc = sl_pipeline_bind(p, err);
    if (rc < 0)
        return rc;
    /* Under way at once: enough for all workers, of all strands together. */
    p->window = SL_MIN(SL_MAX(2 * p->nlanes / p->nstrands, 2), SL_INFLIGHT_MAX - 1);
    for (int i = 0; rc == 0 && i < p->nstrands; i++) {
        p->strands[i]->source->commits_late = sl_pipeline_commits_late(p);
        rc = sl_strand_open(p->strands[i], err);
    }
    if (rc == 0)
        rc = sl_way_init(&p->whole, p, p->nodes, p->nnodes, NULL, err);
    if (rc == 0)
        rc = sl_barrier_begin(p, err);
    if (rc == 0)
        rc = p->sink->class->open(p->sink, p->end->out, err);
    if (rc == 0)
        rc = sl_pipeline_pin(p, err);
    if (rc == 0 && p->rejects) {
        struct sl_schema *s = sl_reject_schema();
        rc = s ? p->rejects->class->open(p->rejects, s, err) : sl_err_nomem(err, "rejects");
        sl_schema_unref(s);
    }
    if (rc == 0)
        rc = sl_late_open(p, err);
    if (rc == 0 && p->stateful)
        rc = sl_barrier_restore(p, err);
    struct sl_pipeline_result before = {0};
    if (rc == 0)
        rc = sl_pipeline_account(p, &before, err);
    p->before = before;
    return rc;
}

static enum sl_end_reason end_reason(const struct sl_pipeline *p)
{
    enum sl_end_reason reason = SL_END_END;
    for (int i = 0; i < p->nstrands; i++)
        reason = SL_MAX(reason, p->strands[i]->source->end_reason);
    return reason;
}

/* Brings what is under way to its end and tells everyone. */
static int finish(struct sl_pipeline *p, enum sl_directive d, struct sl_err *err)
{
    assert(d == SL_STOP || d == SL_END);
    int rc = 0;
    for (int i = 0; i < p->nstrands && rc == 0; i++)
        rc = sl_strand_drain(p->strands[i], err);
    for (int i = 0; i < p->nstrands; i++)
        sl_strand_discard(p->strands[i]);
    if (rc < 0 || p->sink->pipe_closed)
        return rc;
    struct sl_control c = {.kind = SL_CONTROL_END, .reason = end_reason(p)};
    for (int i = 0; i < p->nstrands && rc == 0; i++)
        if (!p->strands[i]->first->inputs[p->strands[i]->first_input].ended)
            rc = direct(p->strands[i], d, d == SL_STOP ? &c : NULL, err);
    if (rc == 0 && p->o.agree)
        rc = p->o.agree(p->o.agree_arg, err);
    return rc < 0 || p->sink->pipe_closed ? rc : sl_pipeline_acknowledge(p, err);
}

/* After an error. What was rejected until then is worth keeping: it may say why. If the input or a row
 * of it is to blame, so are the rows that the sink was given before. */
static void give_up(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_err why;
    int rescued =
        p->input_failed && p->sink->class->rescue && !p->sink->pipe_closed && !p->stateful;
    for (int i = 0; i < p->nstrands; i++)
        sl_strand_discard(p->strands[i]);
    sl_err_init(&why);
    int rc = sl_pipeline_commit(p, rescued ? SL_COMMIT_SOME : SL_COMMIT_ASIDE, &why);
    if (p->rejects && p->rejected && !p->rejects_ended)
        p->rejects->class->control(p->rejects, SL_STOP, NULL, NULL);
    sl_late_control(p, SL_STOP, NULL);
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

/* What is true by now of what was assumed, and what shows of an input only when it came to its end. */
static void say_ended(struct sl_pipeline *p, int complete)
{
    if (p->strands[0]->source->generation)
        sl_pipeline_say_assumed(p);
    for (int i = 0; complete && i < p->nstrands; i++)
        if (p->strands[i]->source->class->ended)
            p->strands[i]->source->class->ended(p->strands[i]->source);
}

int sl_pipeline_run(struct sl_pipeline *p, struct sl_pipeline_result *r, struct sl_err *err)
{
    assert(p && r && p->sink && p->nstrands > 0);
    int rc = open_all(p, err);

    memset(r, 0, sizeof(*r));
    while (rc == 0 && !is_over(p))
        rc = turn(p, err);
    enum sl_directive d = p->stopped ? SL_STOP : SL_END;
    if (rc >= 0)
        rc = finish(p, d, err);
    p->input_failed |= rc == -SL_EROW;
    if (rc < 0)
        give_up(p, err);
    say_ended(p, rc >= 0 && d == SL_END && !p->done_early);
    r->ended = sl_barrier_stops(p) ? SL_STOP : d;
    r->end_reason = end_reason(p);
    r->done_early = p->done_early;
    r->pipe_closed = p->sink->pipe_closed;
    int e = sl_pipeline_account(p, r, rc < 0 ? NULL : err);
    if (rc >= 0)
        rc = e;
    if (rc == 0 && !p->sink->pipe_closed)
        rc = sl_pipeline_balance(r, err);
    return rc;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * deliver: items in order, from the lanes into the rest of the chain and the sink.
 *
 * A wider schema: when the oldest item says that its values do not fit, every item under way is
 * waited for, source and sink take the wider schema, and all of them are decoded anew. Nothing after
 * the oldest has been delivered yet, so the sink sees the change exactly between two items.
 *
 * A morsel that is too large for the wider schema is split then; its parts are run one after the other
 * as they are delivered.
 *
 * A bad row, where rejects are not kept: it ends the run, but the rows before it are good, and a pipe
 * cannot be read again. So its item is cut short before it and run again; the rest is delivered like
 * any other item, with the position behind it.
 */
#include "flow/pipeline_int.h"

static struct sl_item *oldest(struct sl_pipeline *p)
{
    return p->ring[p->head % SL_INFLIGHT_MAX];
}

static void wait_for_all(struct sl_pipeline *p)
{
    for (unsigned i = p->head; i != p->tail; i++) {
        struct sl_item *it = p->ring[i % SL_INFLIGHT_MAX];
        if (it->submitted)
            sl_pool_wait(p->pool, &it->task);
    }
}

static int split(struct sl_pipeline *p, struct sl_morsel *m, struct sl_err *err)
{
    const struct sl_source_class *class = p->source->class;
    return class->split ? class->split(p->source, m, err) : 0;
}

static int widen(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_item *first = oldest(p);
    struct sl_schema *wider = sl_schema_ref(first->morsel->wider);

    wait_for_all(p);
    int rc = sl_pipeline_commit(p, SL_COMMIT_SOME, err);
    if (rc == 0)
        rc = p->source->class->widen(p->source, wider, err);
    if (rc == 0) {
        sl_schema_unref(p->schemas[0]);
        p->schemas[0] = sl_schema_ref(p->source->schema);
        rc = p->sink->class->widen(p->sink, p->source->schema, err);
    }
    sl_schema_unref(wider);
    for (unsigned i = p->head; i != p->tail && rc == 0; i++) {
        struct sl_item *it = p->ring[i % SL_INFLIGHT_MAX];
        sl_item_reset(it);
        rc = split(p, it->morsel, err);
        if (rc < 0)
            break;
        if (it != first && it->submitted)
            sl_item_submit(it);
        else
            sl_item_run(it, p->nlanes - 1);
    }
    return rc;
}

/* Rows that have left the prefix: into the rest of the chain, or written as encoded. */
static int pass_on(struct sl_pipeline *p, struct sl_item *it, struct sl_err *err)
{
    struct sl_run run;
    sl_run_init(&run, p, &p->lanes[p->nlanes - 1], p->nops, p->counts, NULL, NULL);

    for (size_t i = 0; i < it->outputs.n; i++) {
        struct sl_output *o = &it->outputs.items[i];
        int rc;
        if (p->prefix < p->nops || !o->encoded) {
            rc = sl_run_push(&run, p->prefix, o->batch, SL_MORE, err);
        } else {
            void *encoded = o->encoded;
            o->encoded = NULL;
            rc = sl_pipeline_sink_write(p, o->batch, encoded, err);
        }
        if (rc != SL_PUSH_OK)
            return rc;
    }
    return it->push_done ? SL_PUSH_DONE : SL_PUSH_OK;
}

static void add_counts(struct sl_pipeline *p, const struct sl_item *it)
{
    for (int i = 0; i < p->prefix; i++) {
        p->counts[i].in += it->counts[i].in;
        p->counts[i].out += it->counts[i].out;
        for (int f = 0; f < SL_FATE_COUNT; f++)
            p->counts[i].fate[f] += it->counts[i].fate[f];
        if (!p->counts[i].late.rows)
            p->counts[i].late = it->counts[i].late;
    }
}

/* What goes on to the rest of the chain, and is counted: the whole item. */
static int deliver_item(struct sl_pipeline *p, struct sl_item *it, struct sl_err *err)
{
    struct sl_morsel *m = it->morsel;
    struct sl_source *s = p->source;

    s->records += m->records;
    s->rejected += (int64_t)m->rejects.n;
    s->skipped += m->skipped;
    if (m->batch)
        s->rows += (int64_t)m->batch->selected;
    p->bytes += (int64_t)m->len;
    int rc = p->rejects ? sl_pipeline_reject_item(p, it, err) : 0;
    if (rc < 0)
        return rc;
    add_counts(p, it);
    p->passing = m;
    rc = pass_on(p, it, err);
    p->passing = NULL;
    sl_pipeline_say_late(p);
    if (rc < 0)
        return rc;
    p->done_early |= rc == SL_PUSH_DONE;
    int e = sl_pipeline_delivered(p, m, err);
    return e < 0 ? e : rc;
}

/* The rows of a batch that stand before a physical row. */
static struct sl_batch *rows_before(struct sl_batch *b, int64_t row, struct sl_err *err)
{
    size_t n = 0;
    while (n < b->selected && (int64_t)(b->selection ? b->selection[n] : n) < row)
        n++;
    return sl_batch_slice(b, 0, n, err);
}

/* Cuts an item short before a bad row, and runs it again: 1 there is something to deliver, 0, < 0. */
static int cut_short(struct sl_pipeline *p, struct sl_item *it, const struct sl_bad_row *bad,
                     struct sl_err *err)
{
    struct sl_morsel *m = it->morsel;
    struct sl_batch *rows = NULL;
    if (p->merging || !p->source->class->shorten || (m->text ? bad->byte <= 0 : bad->row <= 0))
        return 0;
    int rc = p->source->class->shorten(p->source, m, bad, err);
    if (rc <= 0)
        return rc;
    if (!m->text && !(rows = rows_before(m->batch, bad->row, err)))
        return -(int)(err ? err->code : SL_ENOMEM);
    sl_item_reset(it);
    if (rows) {
        m->batch = rows;
        m->upto = bad->row;
        m->records = (int64_t)rows->selected;
    }
    sl_item_run(it, p->nlanes - 1);
    assert(it->status != SL_TEXT_WIDEN && !m->rejects.n && !it->rejects.n);
    return it->status < 0 ? 0 : 1;
}

/* An item in which a bad row is that ends the run with *why: what comes before the row is delivered. */
static int deliver_front(struct sl_pipeline *p, struct sl_item *it, const struct sl_bad_row *bad,
                         struct sl_err *err)
{
    int rc = cut_short(p, it, bad, err);
    return rc > 0 ? deliver_item(p, it, err) : rc;
}

static int deliver_oldest(struct sl_pipeline *p, struct sl_item *it, struct sl_err *err)
{
    struct sl_bad_row bad;
    if (it->status < 0) {
        if (err)
            *err = it->err;
        return it->status;
    }
    int ends = p->rejects ? 0 : sl_pipeline_first_bad(p, it, &bad, err);
    if (ends == 0) {
        int rc = deliver_item(p, it, err), many = rc < 0 ? 0 : sl_pipeline_too_many(p, err);
        p->input_failed |= many < 0;
        return many < 0 ? many : rc;
    }
    struct sl_err why;
    sl_err_init(&why);
    int rc = deliver_front(p, it, &bad, &why);
    p->input_failed = rc >= 0;
    if (rc < 0 && err)
        *err = why;
    return rc < 0 ? rc : ends;
}

/* What was split off the oldest item takes its place, and is run. */
static int go_on_with(struct sl_pipeline *p, struct sl_morsel *rest, struct sl_err *err)
{
    struct sl_item *it = sl_item_new(p, rest);
    if (!it) {
        sl_morsel_free(rest);
        return sl_err_nomem(err, "a morsel");
    }
    sl_item_free(oldest(p));
    p->ring[p->head % SL_INFLIGHT_MAX] = it;
    int rc = split(p, rest, err);
    if (rc == 0)
        sl_item_run(it, p->nlanes - 1);
    return rc;
}

static int deliver_part(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_item *it = oldest(p);
    int rc = 0;
    if (it->submitted)
        sl_pool_wait(p->pool, &it->task);
    /* A wider schema may turn out not to be wide enough for the next value: ask again. */
    while (it->status == SL_TEXT_WIDEN && rc == 0)
        rc = widen(p, err);
    return rc < 0 ? rc : deliver_oldest(p, it, err);
}

int sl_pipeline_deliver(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_morsel *rest;
    assert(p->head != p->tail);
    int rc = deliver_part(p, err);
    while (rc == 0 && (rest = oldest(p)->morsel->rest)) {
        oldest(p)->morsel->rest = NULL;
        rc = go_on_with(p, rest, err);
        if (rc == 0)
            rc = deliver_part(p, err);
    }
    sl_item_free(oldest(p));
    p->head++;
    p->flushed = 0;
    return rc;
}

int sl_pipeline_drain(struct sl_pipeline *p, struct sl_err *err)
{
    while (p->head != p->tail && !p->done_early) {
        int rc = sl_pipeline_deliver(p, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void sl_pipeline_discard(struct sl_pipeline *p)
{
    wait_for_all(p);
    for (; p->head != p->tail; p->head++)
        sl_item_free(oldest(p));
}

int sl_pipeline_direct(struct sl_pipeline *p, enum sl_directive d, const struct sl_control *c,
                       struct sl_err *err)
{
    struct sl_run run;
    int rc, from = 0;

    if (d == SL_END)
        rc = sl_lanes_merge(p, err);
    else
        rc = 0;
    if (rc < 0)
        return rc;
    /* Partial results are spread over the lanes until the end: nothing can be let go before. */
    if (p->merging && d != SL_END)
        from = p->prefix;
    sl_run_init(&run, p, &p->lanes[p->nlanes - 1], p->nops, p->counts, NULL, NULL);
    rc = sl_run_push(&run, from, NULL, d, err);
    if (rc < 0)
        return rc;
    p->done_early |= rc == SL_PUSH_DONE;
    if (d != SL_FLUSH)
        rc = sl_pipeline_commit(p, d == SL_END ? SL_COMMIT_LAST : SL_COMMIT_SOME, err);
    if (rc < 0)
        return rc;
    if (p->rejects) {
        p->rejects_ended = d == SL_END || d == SL_STOP;
        rc = p->rejects->class->control(p->rejects, d, NULL, err);
        if (rc < 0)
            return rc;
    }
    rc = p->sink->class->control(p->sink, d, c, err);
    p->done_early |= rc == SL_PUSH_DONE;
    if (rc >= 0 && d == SL_FLUSH)
        rc = sl_pipeline_commit_due(p, err);
    return rc < 0 ? rc : 0;
}

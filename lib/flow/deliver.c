/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * deliver: items in order, from a strand's lanes into the rest of the graph.
 *
 * A SCHEMA event: the oldest item says that its values do not fit. Every item under way is waited for,
 * the source takes the wider schema, the operators are bound to it again, the sink is told, and the
 * items are decoded anew. Nothing from the oldest on has been delivered yet, so the event lies exactly
 * between two items. A source has it only where row-wise operators stand behind it and a sink that can
 * change; columns that these compute with, or go by, keep their types (sl_pipeline_pin).
 *
 * A morsel that is too large for the wider schema is split then; its parts are run one after the other
 * as they are delivered.
 *
 * A bad row, where rejects are not kept: it ends the run, but the rows before it are good, and a pipe
 * cannot be read again. So its item is cut short before it and run again; the rest is delivered like
 * any other item, with the position behind it.
 */
#include "flow/pipeline_int.h"

static struct sl_item *oldest(struct sl_strand *s)
{
    assert(s->head != s->tail);
    return s->ring[s->head % SL_INFLIGHT_MAX];
}

void sl_strand_wait(struct sl_strand *s)
{
    for (unsigned i = s->head; i != s->tail; i++) {
        struct sl_item *it = s->ring[i % SL_INFLIGHT_MAX];
        if (it->submitted)
            sl_pool_wait(s->p->pool, &it->task);
    }
}

static int split(struct sl_strand *s, struct sl_morsel *m, struct sl_err *err)
{
    const struct sl_source_class *class = s->source->class;
    return class->split ? class->split(s->source, m, err) : 0;
}

/* The source, what stands behind it and the sink take the schema that the oldest item wants. */
static int take_schema(struct sl_strand *s, struct sl_err *err)
{
    struct sl_pipeline *p = s->p;
    struct sl_schema *wider = sl_schema_ref(oldest(s)->morsel->wider);
    assert(s->to == p->end && !s->stamps);
    int rc = sl_pipeline_commit(p, SL_COMMIT_SOME, err);
    if (rc == 0)
        rc = s->source->class->widen(s->source, wider, err);
    if (rc == 0) {
        sl_schema_unref(s->schema);
        s->schema = sl_schema_ref(s->source->schema);
        rc = sl_pipeline_bind_ops(p, err);
    }
    if (rc == 0)
        rc = sl_strand_renew(s, err);
    if (rc == 0)
        rc = p->sink->class->widen(p->sink, p->end->out, err);
    sl_schema_unref(wider);
    return rc;
}

static int change_schema(struct sl_strand *s, struct sl_err *err)
{
    struct sl_item *first = oldest(s);

    sl_strand_wait(s);
    int rc = take_schema(s, err);
    for (unsigned i = s->head; i != s->tail && rc == 0; i++) {
        struct sl_item *it = s->ring[i % SL_INFLIGHT_MAX];
        sl_item_reset(it);
        rc = split(s, it->morsel, err);
        if (rc < 0)
            break;
        if (it != first && it->submitted)
            sl_item_submit(it);
        else
            sl_item_run(it, s->p->nlanes - 1);
    }
    return rc;
}

/* The strand's watermark, to the node behind it. Partial results know of none until they are merged. */
static int tell_watermark(struct sl_strand *s, const struct sl_morsel *m, struct sl_err *err)
{
    int64_t watermark = s->stamps ? sl_stamp_watermark(s) : m->watermark;
    if (watermark == SL_TIME_MIN || s->merging)
        return SL_PUSH_OK;
    return sl_way_watermark(s->p, s->to, s->to_input, watermark, err);
}

/* Rows that have left the prefix: into the rest of the graph, or written as encoded. */
static int pass_on(struct sl_strand *s, struct sl_item *it, struct sl_err *err)
{
    assert(it->strand == s);
    int rc = SL_PUSH_OK;
    for (size_t i = 0; i < it->outputs.n && rc == SL_PUSH_OK; i++) {
        struct sl_output *o = &it->outputs.items[i];
        void *encoded = o->encoded;
        o->encoded = NULL;
        if (s->stamps && (rc = sl_stamp_finish(it, &o->batch, err)) < 0)
            return rc;
        rc = sl_way_deliver(s, o->batch, encoded, err);
    }
    if (rc != SL_PUSH_OK)
        return rc;
    if (s->stamps)
        sl_stamp_advance(it);
    rc = tell_watermark(s, it->morsel, err);
    return rc == SL_PUSH_OK && it->push_done ? SL_PUSH_DONE : rc;
}

static void add_counts(const struct sl_item *it)
{
    for (int i = 0; i < it->strand->nprefix; i++) {
        struct sl_counts *to = &it->strand->prefix[i]->counts;
        const struct sl_counts *from = &it->counts[i];
        to->in += from->in;
        to->out += from->out;
        for (int f = 0; f < SL_FATE_COUNT; f++)
            to->fate[f] += from->fate[f];
        if (!to->has_late) {
            to->late = from->late;
            to->has_late = from->has_late;
        }
    }
}

/* What goes on to the rest of the graph, and is counted: the whole item. */
static int deliver_item(struct sl_strand *s, struct sl_item *it, struct sl_err *err)
{
    assert(it->strand == s && sl_item_is_sound(it));
    struct sl_pipeline *p = s->p;
    struct sl_morsel *m = it->morsel;
    struct sl_source *source = s->source;

    source->records += m->records;
    source->rejected += (int64_t)m->rejects.n;
    source->skipped += m->skipped;
    if (m->batch)
        source->rows += (int64_t)m->batch->selected;
    s->bytes += (int64_t)m->len;
    int rc = p->rejects ? sl_pipeline_reject_item(p, it, err) : 0;
    if (rc < 0)
        return rc;
    add_counts(it);
    p->passing = it;
    rc = pass_on(s, it, err);
    p->passing = NULL;
    sl_pipeline_say_late(p);
    if (rc < 0)
        return rc;
    p->done_early |= rc == SL_PUSH_DONE;
    int e = sl_pipeline_delivered(s, m, err);
    return e < 0 ? e : rc;
}

/* The rows of a batch that stand before a physical row. */
static struct sl_batch *rows_before(struct sl_batch *b, int64_t row, struct sl_err *err)
{
    assert(row >= 0 && sl_batch_is_sound(b));
    size_t n = 0;
    while (n < b->selected && (int64_t)(b->selection ? b->selection[n] : n) < row)
        n++;
    return sl_batch_slice(b, 0, n, err);
}

/* Cuts an item short before a bad row, and runs it again: 1 there is something to deliver, 0, < 0. */
static int cut_short(struct sl_strand *s, struct sl_item *it, const struct sl_reject *bad,
                     struct sl_err *err)
{
    assert(it->strand == s && bad);
    struct sl_morsel *m = it->morsel;
    struct sl_batch *rows = NULL;
    if (s->merging || !s->source->class->shorten || (m->text ? bad->byte <= 0 : bad->row <= 0))
        return 0;
    int rc = s->source->class->shorten(s->source, m, bad, err);
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
    sl_item_run(it, s->p->nlanes - 1);
    assert(it->status != SL_TEXT_WIDEN && !m->rejects.n && !it->rejects.n);
    return it->status < 0 ? 0 : 1;
}

/* An item in which a bad row is that ends the run with *why: what comes before the row is delivered. */
static int deliver_front(struct sl_strand *s, struct sl_item *it, const struct sl_reject *bad,
                         struct sl_err *err)
{
    assert(it->strand == s && bad);
    int rc = cut_short(s, it, bad, err);
    return rc > 0 ? deliver_item(s, it, err) : rc;
}

static int deliver_oldest(struct sl_strand *s, struct sl_item *it, struct sl_err *err)
{
    assert(it == s->ring[s->head % SL_INFLIGHT_MAX]);
    struct sl_pipeline *p = s->p;
    struct sl_reject bad;
    if (it->status < 0) {
        if (err)
            *err = it->err;
        return it->status;
    }
    int ends = p->rejects ? 0 : sl_pipeline_first_bad(p, it, &bad, err);
    if (ends == 0) {
        int rc = deliver_item(s, it, err), many = rc < 0 ? 0 : sl_pipeline_too_many(p, err);
        p->input_failed |= many < 0;
        return many < 0 ? many : rc;
    }
    struct sl_err why;
    sl_err_init(&why);
    int rc = deliver_front(s, it, &bad, &why);
    p->input_failed = rc >= 0;
    if (rc < 0 && err)
        *err = why;
    return rc < 0 ? rc : ends;
}

/* What was split off the oldest item takes its place, and is run. */
static int go_on_with(struct sl_strand *s, struct sl_morsel *rest, struct sl_err *err)
{
    assert(rest && s->head != s->tail);
    struct sl_item *it = sl_item_new(s, rest);
    if (!it) {
        sl_morsel_free(rest);
        return sl_err_nomem(err, "a morsel");
    }
    sl_item_free(oldest(s));
    s->ring[s->head % SL_INFLIGHT_MAX] = it;
    int rc = split(s, rest, err);
    if (rc == 0)
        sl_item_run(it, s->p->nlanes - 1);
    return rc;
}

static int deliver_part(struct sl_strand *s, struct sl_err *err)
{
    assert(s->head != s->tail);
    struct sl_item *it = oldest(s);
    int rc = 0;
    if (it->submitted)
        sl_pool_wait(s->p->pool, &it->task);
    /* A wider schema may turn out not to be wide enough for the next value: ask again. */
    while (it->status == SL_TEXT_WIDEN && rc == 0)
        rc = change_schema(s, err);
    return rc < 0 ? rc : deliver_oldest(s, it, err);
}

int sl_strand_deliver(struct sl_strand *s, struct sl_err *err)
{
    struct sl_morsel *rest;
    assert(s->head != s->tail);
    int rc = deliver_part(s, err);
    while (rc == 0 && (rest = oldest(s)->morsel->rest)) {
        oldest(s)->morsel->rest = NULL;
        rc = go_on_with(s, rest, err);
        if (rc == 0)
            rc = deliver_part(s, err);
    }
    sl_item_free(oldest(s));
    s->head++;
    s->p->flushed = 0;
    return SL_MIN(rc, 0);
}

int sl_strand_drain(struct sl_strand *s, struct sl_err *err)
{
    assert(sl_strand_is_sound(s));
    int rc = 0;
    while (rc == 0 && s->head != s->tail && !s->p->done_early)
        rc = sl_strand_deliver(s, err);
    return rc;
}

void sl_strand_discard(struct sl_strand *s)
{
    assert(sl_strand_is_sound(s));
    sl_strand_wait(s);
    for (; s->head != s->tail; s->head++)
        sl_item_free(oldest(s));
}

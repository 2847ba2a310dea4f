/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * strand: a source and what workers do with its morsels: decode, take the batch through the lane's
 * operators, encode what comes out for the sink. Everything that is made stays in the item until the
 * loop delivers it in order.
 */
#include "arrow/hidden.h"
#include "flow/pipeline_int.h"

enum { SMALL_MORSEL = 64 << 10 }; /* bytes below which a thread is not worth its wake-up */

struct sl_strand *sl_strand_new(struct sl_pipeline *p, struct sl_source *source)
{
    assert(p && source && source->class);
    struct sl_strand *s = sl_calloc(1, sizeof(*s));
    if (s) {
        s->feed.strand = s;
        s->p = p;
        s->source = source;
        s->time = -1;
    }
    return s;
}

/* Whether windows are to be emitted as they are over: partial results know of no watermark. */
static int has_watermarks(const struct sl_strand *s)
{
    return s->stamps || (s->p->stateful && sl_hidden_wm(s->schema) >= 0);
}

/* Leading row-wise operators, then, in a bounded run, one that merges; but what is stamped only as it is
 * delivered is not to be looked at before. */
int sl_strand_plan(struct sl_strand *s, struct sl_err *err)
{
    assert(sl_strand_is_sound(s) && s->first && s->first_input < s->first->ninputs);
    struct sl_graph_node *n = s->first;
    s->nprefix = s->merging = 0;
    s->to_input = s->first_input;
    free(s->prefix);
    s->prefix = sl_calloc((size_t)s->p->nnodes, sizeof(struct sl_graph_node *));
    if (!s->prefix)
        return sl_err_nomem(err, "a strand");
    for (; n->op && n->ninputs == 1 && n->op->traits & SL_OP_ROWWISE; n = n->to) {
        s->prefix[s->nprefix++] = n;
        s->to_input = n->to_input;
    }
    if (s->p->o.threads > 1 && n->op && n->ninputs == 1 && n->op->traits & SL_OP_MERGE &&
        !(n->op->traits & SL_OP_ORDERED) && !s->source->live && !has_watermarks(s) &&
        !s->p->late.sink) {
        s->prefix[s->nprefix++] = n;
        s->to_input = n->to_input;
        s->merging = 1;
        n = n->to;
    }
    s->to = n;
    return 0;
}

int sl_strand_open(struct sl_strand *s, struct sl_err *err)
{
    assert(sl_strand_is_sound(s) && s->prefix && s->p->nlanes >= 1);
    struct sl_pipeline *p = s->p;
    struct sl_op **own = sl_calloc((size_t)s->nprefix + 1, sizeof(struct sl_op *));
    s->lanes = sl_calloc((size_t)p->nlanes, sizeof(*s->lanes));
    int rc = own && s->lanes ? 0 : sl_err_nomem(err, "worker lanes");
    for (int i = 0; rc == 0 && i < s->nprefix; i++)
        own[i] = s->prefix[i]->op;
    if (rc == 0)
        rc = sl_way_init(&s->lanes[p->nlanes - 1], p, s->prefix, s->nprefix, own, err);
    free(own);
    return rc;
}

/* Makes each worker its copies of the operators. */
static int start_lanes(struct sl_strand *s, struct sl_err *err)
{
    assert(s->lanes && !s->lanes[0].hops && s->p->o.threads > 1);
    struct sl_pipeline *p = s->p;
    struct sl_op **ops = sl_calloc((size_t)s->nprefix + 1, sizeof(struct sl_op *));
    int rc = ops ? 0 : sl_err_nomem(err, "worker lanes");
    for (int l = 0; rc == 0 && l < p->nlanes - 1; l++) {
        memset(ops, 0, (size_t)s->nprefix * sizeof(struct sl_op *));
        for (int i = 0; rc == 0 && i < s->nprefix; i++) {
            ops[i] = s->prefix[i]->op->class->split(s->prefix[i]->op, err);
            rc = ops[i] ? 0 : -(int)(err ? err->code : SL_EFAIL);
        }
        if (rc == 0)
            rc = sl_way_init(&s->lanes[l], p, s->prefix, s->nprefix, ops, err);
        for (int i = 0; rc < 0 && i < s->nprefix; i++)
            sl_op_free(ops[i]);
    }
    free(ops);
    if (rc == 0 && !p->pool)
        p->pool = sl_pool_new(p->o.threads, err);
    return rc < 0 || p->pool ? rc : -(int)(err ? err->code : SL_EFAIL);
}

/* Frees the workers' copies of the operators. */
static void stop_lanes(struct sl_strand *s)
{
    for (int l = 0; s->lanes && l < s->p->nlanes - 1; l++) {
        struct sl_way *w = &s->lanes[l];
        for (int i = 0; w->hops && i < s->nprefix; i++)
            sl_op_free(w->hops[i].op);
        free(w->hops);
        w->hops = NULL;
    }
}

int sl_strand_renew(struct sl_strand *s, struct sl_err *err)
{
    int started = s->p->nlanes > 1 && s->lanes[0].hops;
    assert(!s->merging);
    stop_lanes(s);
    return started ? start_lanes(s, err) : 0;
}

void sl_strand_free(struct sl_strand *s)
{
    if (!s)
        return;
    sl_strand_discard(s);
    stop_lanes(s);
    if (s->lanes)
        free(s->lanes[s->p->nlanes - 1].hops);
    free(s->lanes);
    free(s->prefix);
    free(s->needs);
    free(s->greatest);
    sl_schema_unref(s->schema);
    s->source->class->free(s->source);
    free(s);
}

int sl_strand_merge(struct sl_strand *s, struct sl_err *err)
{
    assert(sl_strand_is_sound(s) && (!s->merging || s->nprefix > 0));
    for (int l = 0; s->merging && l < s->p->nlanes - 1; l++) {
        struct sl_hop *h = s->lanes[l].hops;
        struct sl_op *op = s->prefix[s->nprefix - 1]->op;
        int rc = h ? op->class->merge(op, h[s->nprefix - 1].op, err) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

int sl_strand_take(struct sl_strand *s, struct sl_morsel *m, struct sl_err *err)
{
    assert(sl_strand_is_sound(s) && m);
    assert(!s->over);
    struct sl_pipeline *p = s->p;
    struct sl_item *it = sl_item_new(s, m);
    if (!it) {
        sl_morsel_free(m);
        return sl_err_nomem(err, "a morsel");
    }
    assert(s->tail - s->head < SL_INFLIGHT_MAX);
    s->ring[s->tail++ % SL_INFLIGHT_MAX] = it;
    if (p->o.threads == 1 || (s->head + 1 == s->tail && m->len < SMALL_MORSEL)) {
        sl_item_run(it, p->nlanes - 1);
        return 0;
    }
    int rc = s->lanes[0].hops ? 0 : start_lanes(s, err);
    if (rc == 0)
        sl_item_submit(it);
    return rc;
}

struct sl_item *sl_item_new(struct sl_strand *s, struct sl_morsel *m)
{
    assert(sl_strand_is_sound(s) && m);
    struct sl_item *it = sl_calloc(1, sizeof(*it) + (size_t)s->nprefix * sizeof(it->counts[0]));
    if (it) {
        it->strand = s;
        it->morsel = m;
        it->greatest = SL_TIME_MIN;
    }
    return it;
}

void sl_item_reset(struct sl_item *it)
{
    assert(sl_item_is_sound(it));
    struct sl_morsel *m = it->morsel;
    sl_outputs_clear(it->strand->p, &it->outputs);
    sl_reject_list_release(&it->rejects);
    memset(it->counts, 0, (size_t)it->strand->nprefix * sizeof(it->counts[0]));
    it->status = it->push_done = 0;
    it->greatest = SL_TIME_MIN;
    sl_batch_unref(m->batch);
    m->batch = NULL;
    sl_reject_list_release(&m->rejects);
    memset(&m->rejects, 0, sizeof(m->rejects));
    sl_schema_unref(m->wider);
    m->wider = NULL;
    free(m->places);
    m->places = NULL;
    m->nplaces = 0;
    m->records = m->skipped = 0;
}

void sl_item_free(struct sl_item *it)
{
    if (!it)
        return;
    sl_outputs_clear(it->strand->p, &it->outputs);
    sl_reject_list_release(&it->rejects);
    sl_morsel_free(it->morsel);
    free(it);
}

int sl_item_add(struct sl_item *it, struct sl_batch *b, struct sl_err *err)
{
    assert(sl_item_is_sound(it) && sl_batch_is_sound(b));
    struct sl_outputs *o = &it->outputs;
    int rc = SL_GROW(o->items, o->n + 1, o->cap, "a list of batches", err);
    if (rc < 0)
        return rc;
    o->items[o->n++] = (struct sl_output){.batch = sl_batch_ref(b)};
    return SL_PUSH_OK;
}

/* Encodes what left the prefix, if nothing stands between it and the sink. */
static int encode_outputs(struct sl_item *it, int worker)
{
    assert(worker >= 0 && worker < it->strand->p->nlanes);
    struct sl_strand *s = it->strand;
    struct sl_sink *sink = s->p->sink;
    if (!sink->class->encode || s->to->op)
        return 0;
    for (size_t i = 0; i < it->outputs.n; i++) {
        struct sl_output *o = &it->outputs.items[i];
        int rc = sink->class->encode(sink, o->batch, worker, &o->encoded, &it->err);
        if (rc < 0) /* SL_TEXT_WIDEN: it is encoded when it is delivered */
            return rc;
    }
    return 0;
}

void sl_item_run(struct sl_item *it, int worker)
{
    assert(sl_item_is_sound(it));
    assert(worker >= 0 && worker < it->strand->p->nlanes && it->strand->lanes);
    struct sl_strand *s = it->strand;
    struct sl_morsel *m = it->morsel;
    struct sl_way *lane = &s->lanes[worker];

    sl_err_init(&it->err);
    if (!m->batch && s->source->class->decode)
        it->status = s->source->class->decode(s->source, m, worker, &it->err);
    if (it->status != SL_TEXT_OK || !m->batch)
        return;
    struct sl_batch *b =
        s->stamps ? sl_stamp_begin(it, m->batch, &it->err) : sl_batch_ref(m->batch);
    int rc = b ? 0 : -(int)it->err.code;
    lane->item = it;
    for (int i = 0; i < s->nprefix; i++)
        lane->hops[i].counts = &it->counts[i];
    if (rc >= 0)
        rc = sl_way_push(lane, s->nprefix ? lane->hops : NULL, 0, b, &it->err);
    sl_batch_unref(b);
    it->push_done = rc == SL_PUSH_DONE;
    if (rc >= 0)
        rc = encode_outputs(it, worker);
    if (rc < 0)
        it->status = rc;
}

static void task_run(struct sl_task *t, int worker)
{
    sl_item_run((struct sl_item *)t, worker);
}

void sl_item_submit(struct sl_item *it)
{
    assert(sl_item_is_sound(it) && it->strand->p->pool);
    it->task.run = task_run;
    it->submitted = 1;
    sl_pool_submit(it->strand->p->pool, &it->task);
}

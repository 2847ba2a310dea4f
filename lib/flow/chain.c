/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * chain: batches on their way from operator to operator.
 *
 * What operator i emits arrives at node i + 1, which counts it and pushes it into operator i + 1 at
 * once (depth first), or hands it to the run's end: the item's outputs in a lane, else the sink. A
 * directive visits the operators in order, each after the rows that the one before let go.
 */
#include "flow/pipeline_int.h"

static int deliver(struct sl_run *r, struct sl_batch *b, struct sl_err *err);

/* Pushes into operator i, or out of the run. Every batch of a source or an operator passes here. */
static int into(struct sl_run *r, int i, struct sl_batch *b, enum sl_directive d,
                struct sl_err *err)
{
    assert(i <= r->to);
    if (b)
        SL_CHECK(sl_batch_check(b));
    if (i == r->to)
        return b ? deliver(r, b, err) : SL_PUSH_OK;
    if (b)
        r->counts[i].in += (int64_t)b->selected;
    return sl_op_push(r->lane->ops[i], 0, b, d, &r->nodes[i + 1].emit, err);
}

static int node_emit(struct sl_emit *out, struct sl_batch *b, struct sl_err *err)
{
    struct sl_chain_node *n = (struct sl_chain_node *)out;
    n->run->counts[n->index - 1].out += (int64_t)b->selected;
    return into(n->run, n->index, b, SL_MORE, err);
}

static int node_reject(struct sl_emit *out, struct sl_batch *b, size_t row,
                       const struct sl_err *why, struct sl_err *err)
{
    struct sl_chain_node *n = (struct sl_chain_node *)out;
    struct sl_run *r = n->run;
    struct sl_op_rejects now = {0};
    const uint8_t *given = n->p->given[n->index - 1];

    r->counts[n->index - 1].fate[SL_FATE_REJECTED]++;
    if (r->rejects)
        return sl_op_rejects_add(r->rejects, b, row, given, why, err);
    int rc = sl_op_rejects_add(&now, b, row, given, why, err);
    if (rc == 0)
        rc = sl_pipeline_reject_rows(r->p, &now, r->p->passing,
                                     r->lane->ops[n->index - 1]->class->name, err);
    sl_op_rejects_clear(&now);
    return rc;
}

static void node_fate(struct sl_emit *out, enum sl_fate fate, int64_t rows)
{
    struct sl_chain_node *n = (struct sl_chain_node *)out;
    n->run->counts[n->index - 1].fate[fate] += rows;
}

static void node_late(struct sl_emit *out, const struct sl_late *late)
{
    struct sl_chain_node *n = (struct sl_chain_node *)out;
    struct sl_counts *c = &n->run->counts[n->index - 1];
    c->fate[SL_FATE_LATE] += late->rows;
    if (!c->late.rows)
        c->late = *late;
}

void sl_run_init(struct sl_run *r, struct sl_pipeline *p, struct sl_lane *lane, int to,
                 struct sl_counts *counts, struct sl_outputs *outputs,
                 struct sl_op_rejects *rejects)
{
    memset(r, 0, sizeof(*r));
    r->p = p;
    r->lane = lane;
    r->to = to;
    r->counts = counts;
    r->outputs = outputs;
    r->rejects = rejects;
    for (int i = 0; i <= to; i++) {
        r->nodes[i] = (struct sl_chain_node){.emit = {.emit = node_emit,
                                                      .reject = node_reject,
                                                      .fate = node_fate,
                                                      .late = node_late},
                                             .p = p,
                                             .run = r,
                                             .index = i};
    }
}

static int add_output(struct sl_outputs *o, struct sl_batch *b, struct sl_err *err)
{
    if (o->n == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 4;
        struct sl_output *items = sl_realloc(o->items, cap * sizeof(*items));
        if (!items)
            return sl_err_nomem(err, "a list of batches");
        o->items = items;
        o->cap = cap;
    }
    o->items[o->n++] = (struct sl_output){.batch = sl_batch_ref(b)};
    return SL_PUSH_OK;
}

/* The end of a run: an item collects, the loop writes. */
static int deliver(struct sl_run *r, struct sl_batch *b, struct sl_err *err)
{
    if (r->outputs)
        return add_output(r->outputs, b, err);
    if (!b->selected && b->watermark == SL_TIME_MIN)
        return SL_PUSH_OK;
    struct sl_sink *s = r->p->sink;
    void *encoded = NULL;
    if (s->class->encode && b->selected) {
        int rc = s->class->encode(s, b, s->workers - 1, &encoded, err);
        if (rc < 0)
            return rc;
    }
    return sl_pipeline_sink_write(r->p, b, encoded, err);
}

int sl_pipeline_sink_write(struct sl_pipeline *p, struct sl_batch *b, void *encoded,
                           struct sl_err *err)
{
    p->sunk += (int64_t)b->selected;
    int rc = p->sink->class->write(p->sink, b, encoded, err);
    p->full |= rc == SL_PUSH_FULL;
    int e = rc < 0 ? 0 : sl_pipeline_written(p, err);
    return e < 0 ? e : rc == SL_PUSH_FULL ? SL_PUSH_OK : rc;
}

int sl_run_push(struct sl_run *r, int from, struct sl_batch *b, enum sl_directive d,
                struct sl_err *err)
{
    int done = SL_PUSH_OK;
    for (int i = from; i <= r->to; i++) {
        int rc = into(r, i, i == from ? b : NULL, d, err);
        if (rc < 0)
            return rc;
        if (rc == SL_PUSH_DONE)
            done = rc;
        if (d == SL_MORE)
            break; /* what it let go has gone on already */
    }
    return done;
}

void sl_outputs_clear(struct sl_pipeline *p, struct sl_outputs *o)
{
    for (size_t i = 0; i < o->n; i++) {
        sl_batch_unref(o->items[i].batch);
        if (o->items[i].encoded)
            p->sink->class->drop(p->sink, o->items[i].encoded);
    }
    free(o->items);
    memset(o, 0, sizeof(*o));
}

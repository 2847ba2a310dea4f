/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * way: batches, watermarks and directives on their way from operator to operator.
 *
 * What an operator emits is counted and pushed into the next one at once (depth first), or leaves the
 * walk: a lane's gathers in its item, the graph's ends in the sink. A directive visits the operators in
 * order, each after the rows that the one before let go; where an operator has several inputs it goes on
 * when it has come on all of them that have not ended. A watermark goes on as the least of the inputs'.
 */
#include "flow/pipeline_int.h"

static int sink_write(struct sl_pipeline *p, struct sl_batch *b, void *encoded, struct sl_err *err)
{
    assert(sl_batch_is_sound(b) && p->sink);
    p->end->counts.in += (int64_t)b->selected;
    int rc = p->sink->class->write(p->sink, b, encoded, err);
    p->full |= rc == SL_PUSH_FULL;
    int e = rc < 0 ? 0 : sl_pipeline_written(p, err);
    return e < 0 ? e : rc == SL_PUSH_FULL ? SL_PUSH_OK : rc;
}

static int into_sink(struct sl_pipeline *p, struct sl_batch *b, struct sl_err *err)
{
    assert(sl_batch_is_sound(b));
    struct sl_sink *s = p->sink;
    void *encoded = NULL;
    int rc = s->class->encode ? s->class->encode(s, b, s->workers - 1, &encoded, err) : 0;
    if (rc == SL_TEXT_WIDEN) {
        for (int i = 0; i < p->nstrands; i++)
            sl_strand_wait(p->strands[i]);
        rc = s->class->encode_alone(s, b, &encoded, err);
    }
    return rc < 0 ? rc : sink_write(p, b, encoded, err);
}

int sl_way_push(struct sl_way *w, struct sl_hop *h, int input, struct sl_batch *b,
                struct sl_err *err)
{
    assert(w && sl_batch_is_sound(b) && (!h || input >= 0));
    SL_CHECK(sl_batch_check(b));
    if (!b->selected)
        return SL_PUSH_OK;
    if (!h)
        return sl_item_add(w->item, b, err);
    if (!h->op)
        return into_sink(w->p, b, err);
    h->counts->in += (int64_t)b->selected;
    return sl_op_push(h->op, input, b, SL_MORE, &h->emit, err);
}

int sl_way_deliver(struct sl_strand *s, struct sl_batch *b, void *encoded, struct sl_err *err)
{
    assert(s->to && sl_batch_is_sound(b));
    struct sl_pipeline *p = s->p;
    if (encoded)
        return sink_write(p, b, encoded, err);
    return sl_way_push(&p->whole, &p->whole.hops[s->to->index], s->to_input, b, err);
}

/* ---- what an operator calls ---- */

static int hop_emit(struct sl_emit *out, struct sl_batch *b, struct sl_err *err)
{
    struct sl_hop *h = (struct sl_hop *)out;
    assert(sl_batch_is_sound(b));
    h->counts->out += (int64_t)b->selected;
    return sl_way_push(h->walk, h->next, h->input, b, err);
}

static int hop_watermark(struct sl_emit *out, int64_t watermark, struct sl_err *err)
{
    struct sl_hop *h = (struct sl_hop *)out;
    assert(!h->walk->item); /* row-wise operators have nothing to say about it */
    return sl_way_watermark(h->walk->p, h->node->to, h->node->to_input, watermark, err);
}

/* Whether the physical rows of b are those of the morsel's batch. Row-wise operators either keep rows
 * where they are, or gather those that are left: then b has fewer. Behind the prefix of its strand only
 * the first operator sees what row-wise ones gave. */
static int is_numbered(const struct sl_hop *h, const struct sl_batch *b)
{
    const struct sl_item *it = h->walk->item ? h->walk->item : h->walk->p->passing;
    int known = it && it->morsel->batch && b->rows == it->morsel->batch->rows;
    if (known && !h->walk->item)
        known = h->node == it->strand->to && !it->strand->merging;
    return known;
}

static const enum sl_fate fate_of[] = {
    [SL_ASIDE_REJECTED] = SL_FATE_REJECTED,
    [SL_ASIDE_LATE] = SL_FATE_LATE,
    [SL_ASIDE_LATE_IDLE] = SL_FATE_LATE_IDLE,
};

/* Rejects of a lane wait until their item is delivered. */
static int hop_aside(struct sl_emit *out, enum sl_aside_kind kind, struct sl_batch *b,
                     const struct sl_aside_row *rows, size_t n, struct sl_err *err)
{
    struct sl_hop *h = (struct sl_hop *)out;
    assert(rows && sl_batch_is_sound(b));
    struct sl_pipeline *p = h->walk->p;
    struct sl_item *it = h->walk->item;
    struct sl_reject_list now = {0};
    int64_t *count = &h->counts->fate[fate_of[kind]];
    assert(n > 0);
    if (kind == SL_ASIDE_LATE && !h->counts->has_late) {
        h->counts->late = rows[0];
        h->counts->has_late = 1;
    }
    *count += (int64_t)n;
    if (kind != SL_ASIDE_REJECTED)
        return p->late.sink ? sl_late_write(p, b, rows, n, err) : 0;
    int rc = sl_reject_list_add(it ? &it->rejects : &now, b, rows, n, is_numbered(h, b),
                                h->node->given, err);
    if (rc == 0 && !it)
        rc = sl_pipeline_reject_rows(p, &now, p->passing ? p->passing->morsel : NULL,
                                     h->op->class->name, err);
    sl_reject_list_release(&now);
    return rc;
}

static void hop_fate(struct sl_emit *out, enum sl_fate fate, int64_t rows)
{
    assert(fate >= 0 && fate < SL_FATE_COUNT);
    ((struct sl_hop *)out)->counts->fate[fate] += rows;
}

int sl_way_init(struct sl_way *w, struct sl_pipeline *p, struct sl_graph_node **nodes, int n,
                struct sl_op **ops, struct sl_err *err)
{
    assert(n >= 0 && (nodes || !n));
    *w = (struct sl_way){.p = p, .nhops = n};
    w->hops = sl_calloc((size_t)n + 1, sizeof(*w->hops));
    if (!w->hops)
        return sl_err_nomem(err, "a chain of operators");
    for (int i = 0; i < n; i++) {
        struct sl_graph_node *to = nodes[i]->to;
        w->hops[i] = (struct sl_hop){
            .emit = {hop_emit, hop_watermark, hop_aside, hop_fate},
            .walk = w,
            .node = nodes[i],
            .op = ops ? ops[i] : nodes[i]->op,
            .counts = &nodes[i]->counts,
            .next = ops  ? (i + 1 < n ? &w->hops[i + 1] : NULL)
                    : to ? &w->hops[to->index]
                         : NULL,
            .input = nodes[i]->to_input,
        };
    }
    return 0;
}

/* ---- directives and watermarks ---- */

static int sink_control(struct sl_pipeline *p, enum sl_directive d, const struct sl_control *c,
                        struct sl_err *err)
{
    assert(d != SL_MORE);
    int rc = d == SL_FLUSH
                 ? 0
                 : sl_pipeline_commit(p, d == SL_END ? SL_COMMIT_LAST : SL_COMMIT_SOME, err);
    if (rc == 0 && p->rejects) {
        p->rejects_ended = d == SL_END || d == SL_STOP;
        rc = p->rejects->class->control(p->rejects, d, NULL, err);
    }
    if (rc >= 0)
        rc = sl_late_control(p, d, err);
    if (rc >= 0)
        rc = p->sink->class->control(p->sink, d, c, err);
    int e = rc >= 0 && d == SL_FLUSH ? sl_pipeline_commit_due(p, err) : 0;
    return e < 0 ? e : rc;
}

/* The least of the inputs that count: one that has ended, or is idle (SL_TIME_MAX), does not. */
static int tell_watermark(struct sl_pipeline *p, struct sl_graph_node *n, struct sl_err *err)
{
    assert(n->ninputs >= 1);
    int64_t least = SL_TIME_MAX;
    for (int i = 0; i < n->ninputs; i++)
        if (!n->inputs[i].ended)
            least = SL_MIN(least, n->inputs[i].watermark);
    if (least == SL_TIME_MAX || least <= n->watermark)
        return SL_PUSH_OK;
    n->watermark = least;
    if (!n->op)
        return p->sink->class->watermark ? p->sink->class->watermark(p->sink, least, err)
                                         : SL_PUSH_OK;
    if (n->op->class->watermark)
        return n->op->class->watermark(n->op, least, &p->whole.hops[n->index].emit, err);
    return sl_way_watermark(p, n->to, n->to_input, least, err);
}

int sl_way_watermark(struct sl_pipeline *p, struct sl_graph_node *n, int input, int64_t watermark,
                     struct sl_err *err)
{
    assert(input < n->ninputs && !n->inputs[input].ended);
    n->inputs[input].watermark = watermark;
    return tell_watermark(p, n, err);
}

/* The end of an input that a later run goes on with is the end for operators that only have rows on their
 * way; the others keep what they have, and the sink's run is over. */
static int stops(const struct sl_pipeline *p, const struct sl_graph_node *n)
{
    return sl_barrier_stops(p) && (!n->op || !(n->op->traits & (SL_OP_ROWWISE | SL_OP_PASSES)));
}

int sl_way_direct(struct sl_pipeline *p, struct sl_graph_node *n, int input, enum sl_directive d,
                  const struct sl_control *c, struct sl_err *err)
{
    int ended = 0, rc = SL_PUSH_OK;
    if (d == SL_END && stops(p, n))
        d = SL_STOP;
    assert(input < n->ninputs && !n->inputs[input].ended && (d != SL_END || !n->arrived));
    n->inputs[input].ended = d == SL_END;
    n->arrived += d != SL_END;
    for (int i = 0; i < n->ninputs; i++)
        ended += n->inputs[i].ended;
    if (n->op)
        rc = sl_op_push(n->op, input, NULL, d, &p->whole.hops[n->index].emit, err);
    if (rc < 0)
        return rc;
    if (n->arrived + ended < n->ninputs) {
        int e = d == SL_END ? tell_watermark(p, n, err) : SL_PUSH_OK;
        return e < 0 ? e : rc;
    }
    n->arrived = 0;
    int e = n->op ? sl_way_direct(p, n->to, n->to_input, d, c, err) : sink_control(p, d, c, err);
    return e < 0 ? e : SL_MAX(rc, e);
}

void sl_outputs_clear(struct sl_pipeline *p, struct sl_outputs *o)
{
    assert(o->n <= o->cap);
    for (size_t i = 0; i < o->n; i++) {
        sl_batch_unref(o->items[i].batch);
        if (o->items[i].encoded)
            p->sink->class->drop(p->sink, o->items[i].encoded);
    }
    free(o->items);
    memset(o, 0, sizeof(*o));
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* pipeline: making, binding and ending a pipeline, see pipeline.h. The loop is in loop.c. */
#include "arrow/hidden.h"
#include "flow/pipeline_int.h"
#include "op/ops.h"

int sl_pipeline_new(const struct sl_pipeline_options *o, struct sl_pipeline **out,
                    struct sl_err *err)
{
    assert(o && out && o->threads >= 1);
    struct sl_pipeline *p = sl_calloc(1, sizeof(*p));
    *out = NULL;
    if (!p)
        return sl_err_nomem(err, "a pipeline");
    p->o = *o;
    if (!p->o.name)
        p->o.name = "main";
    p->waits_for = -1;
    *out = p;
    return 0;
}

static void free_node(struct sl_graph_node *n)
{
    if (!n)
        return;
    sl_op_free(n->op);
    for (int i = 0; n->inputs && i < n->ninputs; i++)
        sl_schema_unref(n->inputs[i].schema);
    sl_schema_unref(n->out);
    free(n->given);
    free(n->inputs);
    free(n);
}

struct sl_feed *sl_pipeline_source(struct sl_pipeline *p, struct sl_source *source,
                                   struct sl_err *err)
{
    assert(p && !p->bound && source && source->class);
    struct sl_strand *s = sl_strand_new(p, source);
    if (!s) {
        source->class->free(source);
        sl_err_nomem(err, "a source");
    } else if (SL_GROW_ONE(p->strands, p->nstrands, "a source", err) < 0) {
        sl_strand_free(s);
        s = NULL;
    } else {
        p->strands[p->nstrands++] = s;
    }
    return s ? &s->feed : NULL;
}

/* A node behind n others; op passes. NULL: no memory. */
static struct sl_graph_node *add_node(struct sl_pipeline *p, struct sl_op *op,
                                      struct sl_feed *const *from, int n, struct sl_err *err)
{
    assert(n >= 1);
    struct sl_graph_node *node = sl_calloc(1, sizeof(*node));
    struct sl_input *inputs = sl_calloc((size_t)n, sizeof(*inputs));
    if (!node || !inputs) {
        sl_op_free(op);
        free(node);
        free(inputs);
        sl_err_nomem(err, "an operator");
        return NULL;
    }
    *node = (struct sl_graph_node){.feed.node = node,
                                   .op = op,
                                   .index = p->nnodes,
                                   .ninputs = n,
                                   .inputs = inputs,
                                   .watermark = SL_TIME_MIN};
    for (int i = 0; i < n; i++)
        inputs[i] = (struct sl_input){.from = from[i], .watermark = SL_TIME_MIN};
    if (SL_GROW_ONE(p->nodes, p->nnodes, "an operator", err) < 0) {
        free_node(node);
        return NULL;
    }
    p->nodes[p->nnodes++] = node;
    for (int i = 0; i < n; i++) {
        struct sl_strand *s = from[i]->strand;
        struct sl_graph_node **to = s ? &s->first : &from[i]->node->to;
        assert(!*to); /* each feeds one */
        *to = node;
        *(s ? &s->first_input : &from[i]->node->to_input) = i;
    }
    return node;
}

struct sl_feed *sl_pipeline_op(struct sl_pipeline *p, struct sl_op *op,
                               struct sl_feed *const *inputs, int n, struct sl_err *err)
{
    assert(n == 1 || op->class->next_input);
    struct sl_graph_node *node = add_node(p, op, inputs, n, err);
    p->reshapes |= n == 1;
    return node ? &node->feed : NULL;
}

void sl_pipeline_again(struct sl_pipeline *p, enum sl_again again)
{
    assert(!p->bound);
    p->again = again;
}

struct sl_feed *sl_pipeline_timed(struct sl_pipeline *p, const char *column, struct sl_feed *from,
                                  struct sl_err *err)
{
    assert(!p->bound && from);
    p->timed = p->nstrands == 1 && from->strand && from->strand->source->class->pin;
    if (p->timed)
        return from; /* see sl_pipeline_pin() */
    struct sl_op *op = sl_timed_new(column, p->o.account, err);
    struct sl_graph_node *node = op ? add_node(p, op, &from, 1, err) : NULL;
    return node ? &node->feed : NULL;
}

int sl_pipeline_sink(struct sl_pipeline *p, struct sl_sink *s, struct sl_feed *from,
                     struct sl_err *err)
{
    assert(!p->sink);
    p->sink = s;
    p->end = add_node(p, NULL, &from, 1, err);
    return p->end ? 0 : -(int)SL_ENOMEM;
}

int sl_pipeline_rejects(struct sl_pipeline *p, struct sl_sink *s, struct sl_err *err)
{
    (void)err;
    assert(!p->rejects);
    p->rejects = s;
    return 0;
}

void sl_pipeline_late(struct sl_pipeline *p, struct sl_sink *s)
{
    assert(!p->late.sink && !p->bound);
    p->late.sink = s;
}

int sl_pipeline_bind_ops(struct sl_pipeline *p, struct sl_err *err)
{
    assert(p->end);
    for (int k = 0; k < p->nnodes; k++) {
        struct sl_graph_node *n = p->nodes[k];
        sl_schema_unref(n->out);
        n->out = NULL;
        for (int i = 0; i < n->ninputs; i++) {
            struct sl_input *in = &n->inputs[i];
            struct sl_schema *s = in->from->strand ? in->from->strand->schema : in->from->node->out;
            sl_schema_unref(in->schema);
            in->schema = sl_schema_ref(s);
            int rc = n->op ? sl_op_schema(n->op, i, s, &n->out, err) : 0;
            if (rc < 0)
                return rc;
        }
        if (!n->op)
            n->out = sl_schema_ref(n->inputs[0].schema);
        assert(n->out);
    }
    return 0;
}

static size_t bitmap_bytes(const struct sl_schema *s)
{
    return (size_t)s->nfields / 8 + 1;
}

static uint8_t *copy_bitmap(const uint8_t *bits, const struct sl_schema *s)
{
    uint8_t *copy = sl_malloc(bitmap_bytes(s));
    if (copy)
        memcpy(copy, bits, bitmap_bytes(s));
    return copy;
}

/* All columns, but hidden ones only where they are sent on. */
static void sink_needs(const struct sl_sink *sink, const struct sl_schema *s, uint8_t *in)
{
    memset(in, 0xff, bitmap_bytes(s));
    for (int i = 0; !sink->wants_hidden && i < s->nfields; i++)
        if (sl_hidden_is(s, i))
            sl_bit_clear(in, (size_t)i);
}

/* What node n needs of its inputs, if the columns in `out` (a bit each, NULL: none) are wanted of it, and
 * so on up to the strands, whose `needs` say it then. KEEP: also in each node's `given`. FIXES: it is types
 * that are wanted. */
enum spread { NEEDS, KEEP, FIXES };
static int spread_needs(struct sl_pipeline *p, struct sl_graph_node *n, const uint8_t *out,
                        enum spread what, struct sl_err *err)
{
    assert(n && n->ninputs >= 1);
    int rc = 0;
    for (int i = 0; rc == 0 && i < n->ninputs; i++) {
        const struct sl_schema *s = n->inputs[i].schema;
        const struct sl_feed *from = n->inputs[i].from;
        uint8_t *in = sl_calloc(1, bitmap_bytes(s));
        if (in && n->op && what == FIXES && n->op->class->fixes)
            n->op->class->fixes(n->op, i, out, in);
        else if (in && n->op)
            n->op->class->needs(n->op, i, out, in);
        else if (in && out)
            sink_needs(p->sink, s, in);
        if (in && sl_late_wants_all(p, n))
            memset(in, 0xff, bitmap_bytes(s));
        if (!in ||
            (what == KEEP && n->ninputs == 1 && !n->given && !(n->given = copy_bitmap(in, s))))
            rc = sl_err_nomem(err, "a plan");
        if (rc == 0 && from->node)
            rc = spread_needs(p, from->node, n->op || out ? in : NULL, what, err);
        if (rc == 0 && from->strand) {
            free(from->strand->needs);
            from->strand->needs = in;
            in = NULL;
        }
        free(in);
    }
    return rc;
}

static int carry_raw(struct sl_pipeline *p, const uint8_t *columns, struct sl_err *err)
{
    struct sl_strand *s = p->strands[0];
    int rc = s->source->class->raw(s->source, p->sink->text, columns, err);
    if (rc == 0)
        rc = sl_stamp_plan(s, s->stamps, err);
    return rc < 0 ? rc : sl_pipeline_bind_ops(p, err);
}

static int prints_instants(const struct sl_schema *out)
{
    int n = 0;
    for (int i = 0; i < out->nfields; i++)
        n += out->fields[i].type.kind == SL_TIMESTAMPTZ && !sl_hidden_is(out, i);
    return n > 0;
}

/* From text to text, what no expression touches is copied byte for byte. But an instant that is
 * printed has a zone; a time beside it that was read by --tz, and kept without one, would be taken
 * for another instant by the next reader: either all of them keep their text, or none does. */
static int keep_raw(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_strand *s = p->strands[0];
    if (p->nstrands > 1 || p->sink->text == SL_TEXT_NONE || !s->source->class->raw)
        return 0;
    int rc = spread_needs(p, p->end, NULL, NEEDS, err);
    if (rc < 0)
        return rc;
    struct sl_schema *was = sl_schema_ref(s->source->schema);
    uint8_t *untouched = s->needs;
    s->needs = NULL;
    for (size_t i = 0; i < bitmap_bytes(was); i++)
        untouched[i] = (uint8_t)~untouched[i];
    rc = carry_raw(p, untouched, err);
    if (rc == 0 && prints_instants(p->end->out)) {
        for (int i = 0; i < was->nfields; i++)
            if (was->fields[i].type.kind == SL_TIMESTAMPTZ)
                sl_bit_clear(untouched, (size_t)i);
        rc = carry_raw(p, untouched, err);
    }
    sl_schema_unref(was);
    free(untouched);
    return rc;
}

static int say_what_is_wanted(struct sl_pipeline *p, struct sl_err *err)
{
    int all_can = !p->rejects;
    for (int i = 0; i < p->nstrands; i++)
        all_can &= p->strands[i]->source->class->want && !p->strands[i]->source->may_grow;
    int rc = spread_needs(p, p->end, (const uint8_t *)"", all_can ? KEEP : NEEDS, err);
    for (int i = 0; rc == 0 && i < p->nstrands; i++) {
        struct sl_strand *s = p->strands[i];
        if (!s->source->class->want || s->source->may_grow)
            continue;
        if (p->rejects) /* a row that an operator cannot take goes there whole, with its place */
            memset(s->needs, 0xff, bitmap_bytes(s->schema));
        if (s->stamps)
            sl_bit_set(s->needs, (size_t)s->time);
        rc = s->source->class->want(s->source, s->needs, err);
    }
    return rc;
}

int sl_pipeline_pin(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_strand *strand = p->strands[0];
    struct sl_source *s = strand->source;
    const struct sl_schema *out = p->end->out;
    struct sl_graph_node *last = p->end->inputs[0].from->node;
    if (!s->may_widen || !s->class->pin || !p->sink->class->pinned)
        return 0;
    uint8_t *of_sink = sl_calloc(1, bitmap_bytes(out));
    int rc = of_sink ? 0 : sl_err_nomem(err, "a plan");
    for (int i = 0; rc == 0 && i < out->nfields; i++) {
        enum sl_pin why = p->sink->class->pinned(p->sink, out->fields[i].name);
        if (why != SL_PIN_NONE && !last)
            s->class->pin(s, i, why);
        else if (why != SL_PIN_NONE)
            sl_bit_set(of_sink, (size_t)i);
    }
    if (rc == 0 && last)
        rc = spread_needs(p, last, of_sink, NEEDS, err);
    uint8_t *needs = strand->needs;
    strand->needs = NULL;
    if (rc == 0 && last)
        rc = spread_needs(p, last, of_sink, FIXES, err);
    for (int i = 0; rc == 0 && last && i < s->schema->nfields; i++)
        if (sl_bit(needs, (size_t)i))
            s->class->pin(s, i, sl_bit(strand->needs, (size_t)i) ? SL_PIN_READ : SL_PIN_COMPARED);
    free(needs);
    free(of_sink);
    return rc;
}

/* Rows need a watermark if something looks at it, and the source has an out-of-orderness. */
static int plan_watermarks(struct sl_pipeline *p, struct sl_err *err)
{
    int wanted = p->sink->wants_hidden, assumed = 0, rc = 0;
    for (int i = 0; i < p->nnodes; i++)
        wanted |= p->nodes[i]->op && p->nodes[i]->op->traits & SL_OP_WATERMARK;
    for (int i = 0; rc == 0 && i < p->nstrands; i++) {
        rc = sl_stamp_plan(p->strands[i], wanted, err);
        assumed |= p->strands[i]->stamps && p->strands[i]->source->assumed_order;
    }
    if (assumed && p->o.say)
        p->o.say(p->o.say_arg, "rows are taken to be at most 5 s out of order: --out-of-order");
    return rc;
}

/* The first time before anything is bound: it explains the errors about types that come then. */
void sl_pipeline_say_assumed(struct sl_pipeline *p)
{
    struct sl_buf text = SL_BUF_INIT;
    for (int i = 0; p->o.assumed && i < p->nstrands; i++)
        if (p->strands[i]->source->class->assumed)
            p->strands[i]->source->class->assumed(p->strands[i]->source, &text);
    if (text.len && !text.failed)
        p->o.assumed(p->o.say_arg, text.data, text.len);
    sl_buf_release(&text);
}

static void tell_endless(struct sl_pipeline *p)
{
    for (int i = 0; (p->sink->live || p->aligns) && i < p->nnodes; i++)
        if (p->nodes[i]->ninputs > 1)
            p->nodes[i]->op->traits |= SL_OP_ENDLESS;
}

/* New columns need a sink that is told of them and of nothing else: names in operators have been looked up
 * among those that there were. */
static void allow_wider(const struct sl_pipeline *p, struct sl_source *s)
{
    s->may_widen = p->nstrands == 1 && s->class->widen && p->sink->class->widen;
    s->may_grow = s->may_widen && p->nnodes == 1;
    for (int i = 0; i < p->nnodes - 1; i++)
        s->may_widen &= p->nodes[i]->op->traits & SL_OP_ROWWISE;
}

static int open_source(struct sl_pipeline *p, struct sl_source *s, struct sl_err *err)
{
    s->workers = p->nlanes;
    s->keeps_rejects = p->rejects != NULL;
    allow_wider(p, s);
    int rc = s->class->open(s, err);
    p->sink->live |= s->live;
    p->sink->out_of_order = SL_MAX(p->sink->out_of_order, s->out_of_order);
    return rc;
}

int sl_pipeline_bind(struct sl_pipeline *p, struct sl_err *err)
{
    assert(p->sink && p->nstrands > 0);
    if (p->bound)
        return 0;
    assert(p->nstrands && p->end);
    p->nlanes = p->o.threads > 1 ? p->o.threads + 1 : 1;
    p->sink->workers = p->nlanes;
    p->sink->out_of_order = -1;
    if (p->rejects)
        p->rejects->workers = p->nlanes;
    if (p->late.sink)
        p->late.sink->workers = p->nlanes;
    int rc = sl_pipeline_load(p, err);
    for (int i = 0; rc == 0 && i < p->nstrands; i++)
        rc = open_source(p, p->strands[i]->source, err);
    if (rc == 0)
        rc = sl_barrier_join(p, err);
    if (rc == -SL_EEXIST && !sl_pipeline_goes_on(p))
        sl_err_hint(err, "--again appends all"); /* there is no place to go on from */
    tell_endless(p);
    if (rc == 0)
        sl_pipeline_say_assumed(p);
    if (rc == 0)
        rc = plan_watermarks(p, err);
    if (rc == 0)
        rc = sl_pipeline_bind_ops(p, err);
    if (rc == 0)
        rc = keep_raw(p, err);
    if (rc == 0)
        rc = say_what_is_wanted(p, err);
    for (int i = 0; rc == 0 && i < p->nstrands; i++)
        rc = sl_strand_plan(p->strands[i], err);
    p->bound = rc == 0;
    return rc;
}

/* ---- what runs ---- */

static void explain_source(const struct sl_strand *n, const struct sl_pipeline *p,
                           struct sl_buf *out)
{
    assert(n->source && n->source->schema);
    const struct sl_source *s = n->source;
    int time = sl_schema_time_index(s->schema);
    sl_buf_printf(out, "source %s ", s->class->name);
    if (s->class->plan)
        s->class->plan(s, out);
    if (p->timed && time >= 0)
        sl_buf_printf(out, ", timed by %s", s->schema->fields[time].name);
}

static void explain_watermark(const struct sl_strand *n, struct sl_buf *out)
{
    int64_t d = n->source->out_of_order;
    sl_buf_printf(out, "watermark out of order %.6g s, partitions %d",
                  (double)d / (double)SL_USEC_PER_SEC, n->nsplits);
}

static void explain_sink(const char *what, const struct sl_sink *s, const struct sl_schema *schema,
                         struct sl_buf *out)
{
    sl_buf_printf(out, "%s %s ", what, s->class->name);
    if (s->class->plan)
        s->class->plan(s, schema, out);
}

/* What threads share; all else is done by the one that delivers the rows in order. */
static void explain_threads(const struct sl_pipeline *p, struct sl_buf *out)
{
    const char *between = " share ";
    sl_buf_printf(out, "threads %d", p->o.threads);
    for (int k = 0; k < p->nstrands && p->o.threads > 1; k++) {
        const struct sl_strand *s = p->strands[k];
        if (s->source->class->decode && !s->source->gives_batches) {
            sl_buf_printf(out, "%sdecode", between);
            between = ", ";
        }
        for (int i = 0; i < s->nprefix; i++) {
            sl_buf_printf(out, "%s%s", between, s->prefix[i]->op->class->name);
            between = ", ";
        }
        if (s->merging)
            sl_buf_addstr(out, " (merged at the end)");
        else if (p->sink->class->encode && !s->to->op)
            sl_buf_printf(out, "%sencode", between);
    }
}

/* What an operator, or a schema, says of itself holds names from the input: each stays on its line, and
 * on a terminal none moves the cursor or turns the text round. */
static void add_said(struct sl_buf *out, struct sl_buf *said)
{
    sl_buf_add_visible(out, said->data, said->len);
    sl_buf_addch(out, '\n');
    out->failed |= said->failed;
    sl_buf_release(said);
}

void sl_pipeline_explain(const struct sl_pipeline *p, struct sl_buf *out)
{
    assert(p->bound);
    struct sl_buf said = SL_BUF_INIT;
    struct sl_schema *rejects = p->rejects ? sl_reject_schema() : NULL;
    for (int i = 0; i < p->nstrands; i++) {
        explain_source(p->strands[i], p, &said);
        add_said(out, &said);
        if (p->strands[i]->stamps) {
            explain_watermark(p->strands[i], &said);
            add_said(out, &said);
        }
    }
    for (int i = 0; i < p->nnodes - 1; i++) {
        p->nodes[i]->op->class->plan(p->nodes[i]->op, &said);
        add_said(out, &said);
    }
    explain_sink("sink", p->sink, p->end->out, &said);
    if (p->again == SL_AGAIN_RESUME)
        sl_buf_addstr(&said, p->sink->class->promise == SL_PROMISE_EXACT ? ", exactly once"
                                                                         : ", at least once");
    add_said(out, &said);
    if (rejects) {
        explain_sink("rejects", p->rejects, rejects, &said);
        add_said(out, &said);
        sl_schema_unref(rejects);
    }
    if (p->late.sink) {
        explain_sink("late", p->late.sink, sl_late_schema(p), &said);
        add_said(out, &said);
    }
    explain_threads(p, &said);
    add_said(out, &said);
    struct sl_schema *shown = p->sink->wants_hidden ? NULL : sl_hidden_schema(p->end->out, NULL);
    sl_buf_addstr(out, "schema ");
    sl_schema_print(shown ? shown : p->end->out, &said);
    add_said(out, &said);
    sl_schema_unref(shown);
}

void sl_pipeline_free(struct sl_pipeline *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->nstrands; i++)
        sl_strand_free(p->strands[i]);
    sl_pool_free(p->pool);
    sl_barrier_release(p);
    sl_aside_release(&p->aside);
    sl_late_release(&p->late);
    sl_poll_release(&p->wait);
    for (int i = 0; i < p->nnodes; i++)
        free_node(p->nodes[i]);
    if (p->sink)
        p->sink->class->free(p->sink);
    if (p->rejects)
        p->rejects->class->free(p->rejects);
    free(p->whole.hops);
    free(p->strands);
    free(p->nodes);
    free(p->stages);
    free(p);
}

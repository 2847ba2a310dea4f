/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* pipeline: making, binding and ending a pipeline, see pipeline.h. The loop is in loop.c. */
#include "arrow/hidden.h"
#include "flow/pipeline_int.h"
#include "op/ops.h"

int sl_pipeline_new(const struct sl_pipeline_options *o, struct sl_pipeline **out,
                    struct sl_err *err)
{
    struct sl_pipeline *p = sl_calloc(1, sizeof(*p));
    *out = NULL;
    if (!p)
        return sl_err_nomem(err, "a pipeline");
    p->o = *o;
    p->waits_for = -1;
    *out = p;
    return 0;
}

int sl_pipeline_source(struct sl_pipeline *p, struct sl_source *s, struct sl_err *err)
{
    (void)err;
    assert(!p->source);
    p->source = s;
    return 0;
}

static int add_op(struct sl_pipeline *p, struct sl_op *op, struct sl_err *err)
{
    if (p->nops == SL_PIPELINE_OPS) {
        sl_op_free(op);
        return sl_err_set(err, SL_EUSAGE, "more than %d operators in one pipeline",
                          SL_PIPELINE_OPS);
    }
    p->ops[p->nops++] = op;
    return 0;
}

int sl_pipeline_op(struct sl_pipeline *p, struct sl_op *op, struct sl_err *err)
{
    p->reshapes = 1;
    return add_op(p, op, err);
}

void sl_pipeline_again(struct sl_pipeline *p, enum sl_again again)
{
    p->again = again;
}

int sl_pipeline_timed(struct sl_pipeline *p, const char *column, struct sl_err *err)
{
    p->timed = p->nops == 0 && p->source->class->pin;
    if (p->timed)
        return 0; /* see pin_columns() of loop.c; and with an operator no column could widen */
    struct sl_op *op = sl_timed_new(column, p->o.account, err);
    return op ? add_op(p, op, err) : -SL_ENOMEM;
}

int sl_pipeline_sink(struct sl_pipeline *p, struct sl_sink *s, struct sl_err *err)
{
    (void)err;
    assert(!p->sink);
    p->sink = s;
    return 0;
}

int sl_pipeline_rejects(struct sl_pipeline *p, struct sl_sink *s, struct sl_err *err)
{
    (void)err;
    assert(!p->rejects);
    p->rejects = s;
    return 0;
}

static int bind_ops(struct sl_pipeline *p, struct sl_err *err)
{
    for (int i = 0; i <= SL_PIPELINE_OPS; i++) {
        sl_schema_unref(p->schemas[i]);
        p->schemas[i] = NULL;
    }
    p->schemas[0] = sl_schema_ref(p->source->schema);
    for (int i = 0; i < p->nops; i++) {
        int rc = sl_op_schema(p->ops[i], 0, p->schemas[i], &p->schemas[i + 1], err);
        if (rc < 0)
            return rc;
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

/* Columns of the source that the chain needs: for everything the sink gets (all), or only those
 * that operators compute with. A bitmap to be freed; NULL on failure. each[i], if each is not NULL: those
 * that operator i needs. */
static uint8_t *source_needs(struct sl_pipeline *p, int all, uint8_t **each)
{
    uint8_t *out = NULL;
    if (all) {
        out = sl_malloc(bitmap_bytes(p->schemas[p->nops]));
        if (!out)
            return NULL;
        memset(out, 0xff, bitmap_bytes(p->schemas[p->nops]));
    }
    for (int i = p->nops - 1; i >= 0; i--) {
        uint8_t *in = sl_calloc(1, bitmap_bytes(p->schemas[i]));
        if (in)
            p->ops[i]->class->needs(p->ops[i], 0, out, in);
        free(out);
        if (!in)
            return NULL;
        out = in;
        if (each && !(each[i] = copy_bitmap(in, p->schemas[i]))) {
            free(in);
            return NULL;
        }
    }
    return out ? out : sl_calloc(1, bitmap_bytes(p->schemas[0]));
}

static int carry_raw(struct sl_pipeline *p, const uint8_t *columns, struct sl_err *err)
{
    int rc = p->source->class->raw(p->source, p->sink->text, columns, err);
    return rc < 0 ? rc : bind_ops(p, err);
}

static int prints_instants(const struct sl_schema *out)
{
    int n = 0;
    for (int i = 0; i < out->nfields; i++)
        n += out->fields[i].type.kind == SL_TIMESTAMPTZ && !sl_hidden_is(out->fields[i].name);
    return n > 0;
}

/* From text to text, what no expression touches is copied byte for byte. But an instant that is
 * printed has a zone; a time beside it that was read by --tz, and kept without one, would be taken
 * for another instant by the next reader: either all of them keep their text, or none does. */
static int keep_raw(struct sl_pipeline *p, struct sl_err *err)
{
    if (p->sink->text == SL_TEXT_NONE || !p->source->class->raw)
        return 0;
    uint8_t *touched = source_needs(p, 0, NULL);
    if (!touched)
        return sl_err_nomem(err, "a plan");
    for (size_t i = 0; i < bitmap_bytes(p->schemas[0]); i++)
        touched[i] = (uint8_t)~touched[i];
    struct sl_schema *was = sl_schema_ref(p->schemas[0]);
    int rc = carry_raw(p, touched, err);
    if (rc == 0 && prints_instants(p->schemas[p->nops])) {
        for (int i = 0; i < was->nfields; i++)
            if (was->fields[i].type.kind == SL_TIMESTAMPTZ)
                sl_bit_clear(touched, (size_t)i);
        rc = carry_raw(p, touched, err);
    }
    sl_schema_unref(was);
    free(touched);
    return rc;
}

static int say_what_is_wanted(struct sl_pipeline *p, struct sl_err *err)
{
    if (!p->source->class->want || p->source->may_widen)
        return 0;
    if (p->rejects) /* a row that an operator cannot take goes there whole */
        return 0;
    uint8_t *needs = source_needs(p, 1, p->given);
    if (!needs)
        return sl_err_nomem(err, "a plan");
    int rc = p->source->class->want(p->source, needs, err);
    free(needs);
    return rc;
}

/* Rows need a watermark if something looks at it, and the source has an out-of-orderness. */
static int add_watermarks(struct sl_pipeline *p, struct sl_err *err)
{
    const struct sl_source *s = p->source;
    int wanted = p->sink->wants_watermark;
    for (int i = 0; i < p->nops; i++)
        wanted |= p->ops[i]->traits & SL_OP_WATERMARK;
    if (!wanted || s->out_of_order < 0 || sl_schema_time_index(s->schema) < 0 ||
        sl_hidden_wm(s->schema) >= 0)
        return 0;
    struct sl_op *op =
        sl_watermark_new(s->out_of_order, SL_MAX(1, s->partitions), p->o.account, err);
    if (!op)
        return -(int)(err ? err->code : SL_ENOMEM);
    int rc = add_op(p, op, err);
    if (rc < 0)
        return rc;
    memmove(p->ops + 1, p->ops, (size_t)(p->nops - 1) * sizeof(p->ops[0]));
    p->ops[0] = op;
    if (s->assumed_order && p->o.say)
        p->o.say(p->o.say_arg, "rows are taken to be at most 5 s out of order: --out-of-order");
    return 0;
}

/* The first time before anything is bound: it explains the errors about types that come then. */
void sl_pipeline_say_assumed(struct sl_pipeline *p)
{
    struct sl_buf text = SL_BUF_INIT;
    if (!p->o.assumed || !p->source->class->assumed)
        return;
    p->source->class->assumed(p->source, &text);
    if (text.len && !text.failed)
        p->o.assumed(p->o.say_arg, text.data, text.len);
    sl_buf_release(&text);
}

int sl_pipeline_bind(struct sl_pipeline *p, struct sl_err *err)
{
    if (p->bound)
        return 0;
    assert(p->source && p->sink);
    p->nlanes = p->o.threads > 1 ? p->o.threads + 1 : 1;
    p->source->workers = p->sink->workers = p->nlanes;
    if (p->rejects)
        p->rejects->workers = p->nlanes;
    p->source->keeps_rejects = p->rejects != NULL;
    p->source->may_widen = p->sink->may_widen && p->nops == 0;
    int rc = sl_pipeline_load(p, err);
    if (rc == 0)
        rc = p->source->class->open(p->source, err);
    if (rc == -SL_EEXIST && sl_pipeline_holds_rows(p))
        sl_err_hint(err, "--again appends all"); /* there is no place to go on from */
    p->sink->live = p->source->live;
    p->sink->out_of_order = p->source->out_of_order;
    if (rc == 0)
        sl_pipeline_say_assumed(p);
    if (rc == 0)
        rc = add_watermarks(p, err);
    if (rc == 0)
        rc = bind_ops(p, err);
    if (rc == 0)
        rc = keep_raw(p, err);
    if (rc == 0)
        rc = say_what_is_wanted(p, err);
    if (rc == 0)
        sl_lanes_plan(p);
    p->bound = rc == 0;
    return rc;
}

static void explain_source(const struct sl_pipeline *p, struct sl_buf *out)
{
    const struct sl_source *s = p->source;
    int time = sl_schema_time_index(s->schema);
    sl_buf_printf(out, "source %s ", s->class->name);
    if (s->class->plan)
        s->class->plan(s, out);
    if (p->timed && time >= 0)
        sl_buf_printf(out, ", timed by %s", s->schema->fields[time].name);
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
    int decodes = p->source->class->decode && !p->source->gives_batches;
    int encodes = p->sink->class->encode && p->prefix == p->nops && !p->merging;
    const char *between = " share ";
    sl_buf_printf(out, "threads %d", p->o.threads);
    if (p->o.threads == 1)
        return;
    if (decodes) {
        sl_buf_printf(out, "%sdecode", between);
        between = ", ";
    }
    for (int i = 0; i < p->prefix; i++) {
        sl_buf_printf(out, "%s%s", between, p->ops[i]->class->name);
        between = ", ";
    }
    if (p->merging)
        sl_buf_addstr(out, " (merged at the end)");
    if (encodes)
        sl_buf_printf(out, "%sencode", between);
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
    struct sl_buf said = SL_BUF_INIT;
    struct sl_schema *rejects = p->rejects ? sl_reject_schema() : NULL;
    explain_source(p, &said);
    add_said(out, &said);
    for (int i = 0; i < p->nops; i++) {
        p->ops[i]->class->plan(p->ops[i], &said);
        add_said(out, &said);
    }
    explain_sink("sink", p->sink, p->schemas[p->nops], &said);
    add_said(out, &said);
    if (rejects) {
        explain_sink("rejects", p->rejects, rejects, &said);
        add_said(out, &said);
        sl_schema_unref(rejects);
    }
    explain_threads(p, &said);
    add_said(out, &said);
    sl_buf_addstr(out, "schema ");
    sl_schema_print(p->schemas[p->nops], &said);
    add_said(out, &said);
}

void sl_pipeline_free(struct sl_pipeline *p)
{
    if (!p)
        return;
    sl_pipeline_discard(p);
    sl_lanes_close(p);
    sl_pool_free(p->pool);
    sl_poll_release(&p->wait);
    for (int i = 0; i < p->nops; i++)
        sl_op_free(p->ops[i]);
    for (int i = 0; i < SL_PIPELINE_OPS; i++)
        free(p->given[i]);
    for (int i = 0; i <= SL_PIPELINE_OPS; i++)
        sl_schema_unref(p->schemas[i]);
    if (p->source)
        p->source->class->free(p->source);
    if (p->sink)
        p->sink->class->free(p->sink);
    if (p->rejects)
        p->rejects->class->free(p->rejects);
    free(p);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * lane: what a worker does with a morsel: decode it, take the batch through its lane's operators,
 * encode what comes out for the sink. Everything it makes stays in the item until the loop delivers
 * it in order.
 */
#include "flow/pipeline_int.h"

/* Operators that lanes can run: leading row-wise ones, then, in a bounded run, one that merges. */
void sl_lanes_plan(struct sl_pipeline *p)
{
    p->prefix = 0;
    p->merging = 0;
    while (p->prefix < p->nops && (p->ops[p->prefix]->traits & SL_OP_ROWWISE))
        p->prefix++;
    if (p->o.threads > 1 && p->prefix < p->nops && (p->ops[p->prefix]->traits & SL_OP_MERGE) &&
        !(p->ops[p->prefix]->traits & SL_OP_ORDERED) && !p->source->live) {
        p->prefix++;
        p->merging = 1;
    }
}

int sl_lanes_open(struct sl_pipeline *p, struct sl_err *err)
{
    p->lanes = sl_calloc((size_t)p->nlanes, sizeof(*p->lanes));
    if (!p->lanes)
        return sl_err_nomem(err, "worker lanes");
    struct sl_lane *own = &p->lanes[p->nlanes - 1];
    own->nops = p->nops;
    memcpy(own->ops, p->ops, (size_t)p->nops * sizeof(own->ops[0]));
    return 0;
}

int sl_lanes_start(struct sl_pipeline *p, struct sl_err *err)
{
    for (int l = 0; l < p->nlanes - 1; l++) {
        struct sl_lane *lane = &p->lanes[l];
        lane->nops = p->prefix;
        for (int i = 0; i < lane->nops; i++) {
            lane->ops[i] = p->ops[i]->class->split(p->ops[i], err);
            if (!lane->ops[i])
                return -(int)(err ? err->code : SL_EFAIL);
        }
    }
    p->pool = sl_pool_new(p->o.threads, err);
    return p->pool ? 0 : -(int)(err ? err->code : SL_EFAIL);
}

void sl_lanes_close(struct sl_pipeline *p)
{
    if (!p->lanes)
        return;
    for (int l = 0; l < p->nlanes - 1; l++)
        for (int i = 0; i < p->lanes[l].nops; i++)
            sl_op_free(p->lanes[l].ops[i]);
    free(p->lanes);
    p->lanes = NULL;
}

int sl_lanes_merge(struct sl_pipeline *p, struct sl_err *err)
{
    int i = p->prefix - 1;
    for (int l = 0; p->merging && p->pool && l < p->nlanes - 1; l++) {
        int rc = p->ops[i]->class->merge(p->ops[i], p->lanes[l].ops[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

struct sl_item *sl_item_new(struct sl_pipeline *p, struct sl_morsel *m)
{
    struct sl_item *it = sl_calloc(1, sizeof(*it));
    if (it) {
        it->p = p;
        it->morsel = m;
    }
    return it;
}

void sl_item_reset(struct sl_item *it)
{
    struct sl_morsel *m = it->morsel;
    sl_outputs_clear(it->p, &it->outputs);
    sl_op_rejects_clear(&it->rejects);
    memset(it->counts, 0, sizeof(it->counts));
    it->status = it->push_done = 0;
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
    m->generation = it->p->source->generation;
}

void sl_item_free(struct sl_item *it)
{
    if (!it)
        return;
    sl_outputs_clear(it->p, &it->outputs);
    sl_op_rejects_clear(&it->rejects);
    sl_morsel_free(it->morsel);
    free(it);
}

/* Encodes what left the prefix, if nothing stands between it and the sink. */
static int encode_outputs(struct sl_item *it, int worker)
{
    struct sl_sink *s = it->p->sink;
    if (!s->class->encode || it->p->prefix < it->p->nops)
        return 0;
    for (size_t i = 0; i < it->outputs.n; i++) {
        struct sl_output *o = &it->outputs.items[i];
        if (!o->batch->selected)
            continue;
        int rc = s->class->encode(s, o->batch, worker, &o->encoded, &it->err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void sl_item_run(struct sl_item *it, int worker)
{
    struct sl_pipeline *p = it->p;
    struct sl_morsel *m = it->morsel;
    struct sl_run run;

    sl_err_init(&it->err);
    if (!m->batch && p->source->class->decode)
        it->status = p->source->class->decode(p->source, m, worker, &it->err);
    if (it->status != SL_TEXT_OK || !m->batch)
        return;
    if (m->batch->watermark == SL_TIME_MIN)
        m->batch->watermark = m->watermark;
    sl_run_init(&run, p, &p->lanes[worker], p->prefix, it->counts, &it->outputs, &it->rejects);
    int rc = sl_run_push(&run, 0, m->batch, SL_MORE, &it->err);
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
    it->task.run = task_run;
    it->submitted = 1;
    sl_pool_submit(it->p->pool, &it->task);
}

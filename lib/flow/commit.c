/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * commit: the one step in which rows and the positions of their inputs become true together.
 *
 * The sink says when a step is due, the loop makes it between two items: then the source's positions
 * are those behind the rows that the sink was given. Where an operator holds rows back they are not:
 * such a plan commits rows alone until it lets go of them, at the latest with the last commit.
 */
#include "flow/pipeline_int.h"

/* A resume goes on behind what the sink has of an input: it must know what that is. */
static int refuse_unplaced(const struct sl_checkpoint *c, struct sl_err *err)
{
    sl_err_set(err, SL_EEXIST,
               "%s has rows of which a repair could not tell what input they came from", c->place);
    return sl_err_hint(err, "look which of your input it lacks, and append that once with --again; "
                            "--resume works from then on");
}

int sl_pipeline_load(struct sl_pipeline *p, struct sl_err *err)
{
    assert(p && p->sink);
    if (!p->sink->class->load)
        return 0;
    int rc = sl_barrier_hold(p, err);
    if (rc >= 0)
        rc = p->sink->class->load(p->sink, p->o.name, &p->loaded, err);
    if (rc >= 0 && p->again == SL_AGAIN_RESUME && p->sink->class->hold)
        rc = sl_barrier_load(p, err);
    if (rc < 0)
        return rc;
    if (p->again == SL_AGAIN_RESUME && sl_positions_are_unplaced(p->loaded.positions))
        return refuse_unplaced(&p->loaded, err);
    if (p->reshapes)
        p->loaded.schema = NULL; /* it is of what comes out of the operators */
    rc = sl_aside_load(p, err);
    if (rc == 0)
        rc = sl_late_load(p, err);
    for (int i = 0; rc == 0 && i < p->nstrands; i++) {
        struct sl_source *s = p->strands[i]->source;
        if (s->class->resume)
            rc = s->class->resume(s, &p->loaded, p->again, err);
    }
    return rc;
}

int sl_pipeline_goes_on(const struct sl_pipeline *p)
{
    assert(p && p->sink);
    for (int i = 0; i < p->nnodes; i++)
        if (p->nodes[i]->op && !(p->nodes[i]->op->traits & (SL_OP_ROWWISE | SL_OP_PASSES)))
            return 0;
    return 1;
}

/* Whether the sink was given less than what came out of the sources. */
static int holds_rows(const struct sl_pipeline *p)
{
    for (int i = 0; i < p->nnodes; i++) {
        const struct sl_op *op = p->nodes[i]->op;
        if (op && op->traits & SL_OP_PASSES && op->class->held(op))
            return 1;
    }
    return !p->stateful && !sl_pipeline_goes_on(p);
}

int sl_pipeline_commit(struct sl_pipeline *p, enum sl_commit what, struct sl_err *err)
{
    assert(p && p->sink && p->end);
    struct sl_positions positions = {0};
    struct sl_checkpoint c = {.name = "main", .positions = &positions, .again = p->again};
    /* Rows that are held are saved with the state; but the head of a pipe saves nothing. */
    int held = (!p->stateful || p->role == SL_ROLE_HEAD) && holds_rows(p);
    int asked =
        p->sink->class->load && (what == SL_COMMIT_LAST || (what == SL_COMMIT_SOME && !held));
    if (p->role == SL_ROLE_HEAD && held && what == SL_COMMIT_SOME)
        return sl_barrier_put_off(p);
    int rc = sl_aside_commit(p, asked ? &positions : NULL, err);
    if (rc == 0)
        rc = sl_late_commit(p, asked ? &positions : NULL, err);
    for (int i = 0; asked && rc == 0 && i < p->nstrands; i++) {
        struct sl_source *s = p->strands[i]->source;
        /* A light commit does not wait for a device: it is not on one itself for now. */
        if (s->class->durable && (p->stateful || what == SL_COMMIT_LAST))
            rc = s->class->durable(s, p->stateful, err);
        sl_stamp_tell(p->strands[i]);
        if (rc == 0 && s->class->positions)
            rc = s->class->positions(s, &positions, err);
    }
    if (rc == 0 && what != SL_COMMIT_ASIDE && p->stateful)
        rc = sl_barrier_commit(p, &positions, err);
    else if (rc == 0 && what != SL_COMMIT_ASIDE && p->sink->class->commit)
        rc = p->sink->class->commit(p->sink, &c, err);
    sl_positions_release(&positions);
    return rc;
}

int sl_pipeline_commit_due(struct sl_pipeline *p, struct sl_err *err)
{
    assert(p && p->sink);
    if (p->stateful) /* the loop makes a barrier */
        return 0;
    int64_t due = p->sink->class->commit ? p->sink->due : INT64_MAX;
    if (p->rejects && p->rejects->class->commit)
        due = SL_MIN(due, p->rejects->due);
    if (p->late.sink && p->late.sink->class->commit)
        due = SL_MIN(due, p->late.sink->due);
    if (due == INT64_MAX || (due > 0 && due > sl_time_mono_usec()))
        return 0;
    return sl_pipeline_commit(p, SL_COMMIT_SOME, err);
}

int sl_pipeline_commits_late(const struct sl_pipeline *p)
{
    assert(p && p->sink);
    return p->stateful || p->o.agree || p->sink->ends_whole ||
           (p->rejects && p->rejects->ends_whole) || (p->late.sink && p->late.sink->ends_whole) ||
           !sl_pipeline_goes_on(p);
}

int64_t sl_pipeline_wanted(const struct sl_pipeline *p)
{
    assert(p && p->sink);
    int64_t due = INT64_MAX;
    if (p->full || sl_pipeline_commits_late(p))
        return due;
    for (int i = 0; i < p->nstrands; i++)
        if (p->strands[i]->source->due)
            due = SL_MIN(due, p->strands[i]->source->due);
    return due == INT64_MAX || holds_rows(p) ? INT64_MAX : due;
}

int sl_pipeline_acknowledge(struct sl_pipeline *p, struct sl_err *err)
{
    assert(p && p->sink);
    int rc = 0;
    for (int i = 0; rc == 0 && i < p->nstrands; i++) {
        struct sl_source *s = p->strands[i]->source;
        if (s->class->committed && s->due)
            rc = s->class->committed(s, err);
    }
    return rc;
}

int sl_pipeline_delivered(struct sl_strand *s, struct sl_morsel *m, struct sl_err *err)
{
    assert(sl_strand_is_sound(s) && m);
    int rc = s->source->class->delivered ? s->source->class->delivered(s->source, m, err) : 0;
    s->p->is_dirty = s->p->is_fresh = 1;
    return rc < 0 ? rc : sl_pipeline_commit_due(s->p, err);
}

int sl_pipeline_written(struct sl_pipeline *p, struct sl_err *err)
{
    assert(p && p->sink);
    return p->passing && !holds_rows(p) ? 0 : sl_pipeline_commit_due(p, err);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * barrier: checkpoints of a pipeline that resumes, in one process or several; resume.c is how a run finds its part
 * in it, and takes the last one up. The protocol is modelled in tests/model/pipeline.pml.
 *
 * Between barriers nothing is committed. At one, everything under way is delivered, every operator is told,
 * and saves what it keeps into one file (own_state.c); then rows, positions, and a record that names the
 * files are committed in one step. So whatever is killed, log, positions and state are those of one barrier.
 *
 * Who does what:
 *   ALONE   one process: makes barriers, and commits them
 *   HEAD    makes them, and sends them down the pipe with the positions of its inputs
 *   MIDDLE  passes them on, with the name of its own state added
 *   TAIL    commits those that come; without one it commits nothing
 * The head asks the destination where the last run was, and says so in front of the stream (`sluice.run` of
 * its schema: run, name, base, place, plan); the tail goes on only if that is still so. A light barrier
 * comes at a pause of the input and is for stages without state: one with state keeps it back, and its
 * positions with it, until the next full one.
 *
 * Where the head splits the stream (SL_META_BRANCH), each branch has places of its own (SL_PLACE_BRANCH).
 * Who reads all branches takes their barriers as one: the loop reads none further until all have given theirs.
 * All name the positions of the head, and the files of their own places; the union of both is what is committed.
 *
 * The file of a barrier holds what changed since the one before, also one of the run before, as long as files
 * of changes are few and together smaller than the one that they go back to: so a state of many keys costs what
 * changed, and what is kept of it, and read at the start, at most twice what it is. Each checkpoint names all of
 * its files, so one goes with the last checkpoint that names it.
 *
 * The record that opens the pipeline comes with the first checkpoint of a run, just before it: it is
 * refused if another run has committed one since this run began, and every checkpoint is refused once
 * another run has opened it.
 */
#include <time.h>
#include "flow/pipeline_int.h"

enum { DEAR = 10, MUCH = 64 << 20, PATIENCE = 10 * 1000 * 1000 };
enum { SAVED_MAX = 64 }; /* files of a state */

int sl_barrier_stops(const struct sl_pipeline *p)
{
    int is_final = p->o.final && !(p->o.signal && *p->o.signal);
    return p->stateful && sl_makes_barriers(p) && !is_final;
}

/* ---- saving ---- */

/* The directory of the state: the log that the last stage makes is there by the first barrier, or soon. */
static int hold(struct sl_pipeline *p, struct sl_err *err)
{
    int64_t until = sl_time_mono_usec() + PATIENCE;
    int rc = sl_commits(p) ? 0 : p->sink->class->control(p->sink, SL_FLUSH, NULL, err);
    while (rc >= 0 && (rc = p->sink->class->hold(p->sink, p->o.name, 0, NULL, err)) == 0) {
        if (sl_time_mono_usec() > until)
            return sl_err_set(err, SL_ENOENT,
                              "there is no log yet to keep state in: does the last stage "
                              "of the pipe write to it with -o?");
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return SL_MIN(rc, 0);
}

/* Whether what has changed goes to a file of its own, on top of those there are. */
static int saves_changes(const struct sl_pipeline *p)
{
    const struct sl_run_record *s = &p->saved;
    int64_t bytes = 0;
    int can = 0;
    for (int i = 1; i < s->nstate; i++)
        bytes += s->state[i].bytes;
    for (int i = 0; i < p->nnodes; i++)
        can |= p->nodes[i]->op && p->nodes[i]->op->traits & SL_OP_CHANGES;
    return can && s->nstate && s->nstate < SAVED_MAX && bytes < s->state[0].bytes;
}

int sl_barrier_add_saved(struct sl_pipeline *p, const struct sl_state_ref *ref, int changes,
                         struct sl_err *err)
{
    struct sl_run_record *s = &p->saved;
    int n = changes ? s->nstate : 0;
    int rc = SL_GROW(s->state, (size_t)n + 1, p->saved_cap, "a checkpoint", err);
    if (rc < 0)
        return rc;
    s->state[n] = *ref;
    s->nstate = n + 1;
    return 0;
}

static int save(struct sl_pipeline *p, int64_t k, struct sl_err *err)
{
    struct sl_state_writer *w;
    struct sl_state_ref ref = {.k = k, .place = p->place};
    int changes = saves_changes(p);
    memcpy(ref.run, p->run.run, sizeof(ref.run));
    int rc = hold(p, err);
    if (rc == 0)
        rc = sl_state_writer_open(p->sink->state_fd, p->sink->state_dir, &ref, changes, &w, err);
    if (rc < 0)
        return rc;
    rc = sl_own_save(p, w, err);
    if (rc < 0)
        sl_state_writer_abort(w);
    else
        rc = sl_state_writer_close(w, &ref, err);
    return rc < 0 ? rc : sl_barrier_add_saved(p, &ref, changes, err);
}

/* The first checkpoint of a run: the pipeline is its own from here on. */
static int open_pipeline(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_positions none = {0};
    int rc = hold(p, err);
    sl_record_print_open(p->o.name, &p->run, &p->checkpoint, &p->opened);
    struct sl_checkpoint c = {.name = p->o.name,
                              .positions = &none,
                              .again = p->again,
                              .record = p->opened.data,
                              .after = p->last.len ? p->last.data : ""};
    if (rc == 0)
        rc = sl_buf_check(&p->opened, err);
    if (rc == 0)
        rc = p->sink->class->commit(p->sink, &c, err);
    p->is_open = rc == 0;
    return rc;
}

/* The sink has committed it: what only older ones name goes. */
static int keep(struct sl_pipeline *p, const char *record, struct sl_err *err)
{
    struct sl_run_record old = p->checkpoint;
    p->checkpoint = (struct sl_run_record){0};
    sl_buf_reset(&p->last);
    sl_buf_addstr(&p->last, record);
    int rc = sl_record_parse(record, &p->checkpoint, err);
    if (rc == 0)
        rc = sl_buf_check(&p->last, err);
    int n = old.nstate + p->checkpoint.nstate;
    struct sl_state_ref *both = sl_calloc((size_t)n + 1, sizeof(*both));
    if (rc == 0 && !both)
        rc = sl_err_nomem(err, "a checkpoint");
    if (rc == 0) {
        if (p->checkpoint.nstate)
            memcpy(both, p->checkpoint.state, (size_t)p->checkpoint.nstate * sizeof(*both));
        if (old.nstate)
            memcpy(both + p->checkpoint.nstate, old.state, (size_t)old.nstate * sizeof(*both));
        rc = p->sink->class->sweep(p->sink, p->opened.data, both, n, p->checkpoint.k, err);
    }
    free(both);
    sl_record_release(&old);
    return rc;
}

/* The sink's part: rows, positions and record become true. */
static int commit(struct sl_pipeline *p, const struct sl_run_record *now, struct sl_err *err)
{
    struct sl_buf record = SL_BUF_INIT;
    struct sl_positions none = {0};
    static const struct sl_state_ref no_state;
    int rc = p->is_open || !sl_commits(p) ? 0 : open_pipeline(p, err);
    sl_record_print(p->o.name, now, &record);
    struct sl_checkpoint c = {.name = p->o.name,
                              .k = now->k,
                              .is_light = p->is_light,
                              .positions = sl_commits(p) && sl_is_named(p) ? &none : &p->untold,
                              .again = p->again,
                              .record = sl_commits(p) ? record.data : NULL,
                              .after = p->opened.data,
                              .state = now->nstate ? now->state : &no_state,
                              .nstate = now->nstate};
    if (rc == 0)
        rc = sl_buf_check(&record, err);
    if (rc == 0)
        rc = p->sink->class->commit(p->sink, &c, err);
    if (rc == 0 && sl_commits(p))
        rc = keep(p, record.data, err);
    if (rc == 0 && sl_commits(p))
        rc = sl_late_committed(p, now, err);
    sl_buf_release(&record);
    return rc;
}

/* Takes positions that came, or that the sources gave, among those that are not passed on yet. */
static int take(struct sl_pipeline *p, const struct sl_positions *from, struct sl_err *err)
{
    int rc = 0;
    for (const struct sl_position *x = NULL; rc == 0 && (x = sl_positions_next(from, x));) {
        rc = sl_positions_set(&p->taken, x->id, x->value, x->len, err);
        if (rc == 0)
            rc = sl_positions_set(&p->untold, x->id, x->value, x->len, err);
    }
    return rc;
}

/* Adds files that are not among those that came: what stands before the split is named by every branch. */
static int add_came(struct sl_pipeline *p, const struct sl_run_record *from, struct sl_err *err)
{
    struct sl_run_record *to = &p->came;
    size_t n = (size_t)to->nstate + (size_t)from->nstate;
    struct sl_state_ref *list = sl_calloc(n + 1, sizeof(*list));
    if (!list)
        return sl_err_nomem(err, "a checkpoint");
    if (to->nstate)
        memcpy(list, to->state, (size_t)to->nstate * sizeof(*list));
    free(to->state);
    to->state = list;
    for (int i = 0, had = to->nstate; i < from->nstate; i++) {
        const struct sl_state_ref *x = &from->state[i];
        int is_there = 0;
        for (int j = 0; j < had && !is_there; j++)
            is_there =
                list[j].place == x->place && list[j].k == x->k && strcmp(list[j].run, x->run) == 0;
        if (!is_there)
            list[to->nstate++] = *x;
    }
    return 0;
}

/* What a barrier that came down the pipe says, or down one branch of it. */
static int take_barrier(struct sl_pipeline *p, const struct sl_control *c, struct sl_err *err)
{
    struct sl_positions came = {0};
    struct sl_run_record files = {0};
    p->k = c->k;
    p->is_light = !c->full;
    int rc = sl_record_parse_state(c->state, c->state_len, &files, err);
    if (rc == 0)
        rc = add_came(p, &files, err);
    sl_record_release(&files);
    if (rc == 0)
        rc = sl_positions_parse(&came, c->positions, c->positions_len, err);
    if (rc == 0)
        rc = take(p, &came, err);
    sl_positions_release(&came);
    return rc;
}

static int take_arrived(struct sl_pipeline *p, struct sl_err *err)
{
    int rc = 0;
    p->came.nstate = 0;
    for (int i = 0; rc == 0 && i < p->nstrands; i++) {
        assert(!p->aligns || p->strands[i]->at_barrier);
        rc = take_barrier(p, &p->strands[i]->source->control, err);
    }
    return rc;
}

/* At the end a stage makes a barrier of its own, if it has rows for it; of a branch in any case, for the others
 * may have some. */
static int is_nothing(const struct sl_pipeline *p)
{
    int of_branch = p->role == SL_ROLE_MIDDLE && p->place >= SL_PLACE_BRANCH;
    return !of_branch && !p->arrived && !p->untold.n && !p->is_dirty &&
           p->end->counts.in == p->counted && (p->k || !sl_makes_barriers(p));
}

/* State of the stages before and of this one: a list, to be freed; NULL: no memory. */
static struct sl_state_ref *list_state(struct sl_pipeline *p, int64_t k, int *n, struct sl_err *err)
{
    const struct sl_run_record *parts[] = {&p->came, &p->saved};
    int rc = sl_has_state(p) ? save(p, k, err) : 0;
    size_t most = (size_t)p->came.nstate + (size_t)p->saved.nstate;
    struct sl_state_ref *list = rc == 0 ? sl_calloc(most + 1, sizeof(*list)) : NULL;
    if (rc == 0 && !list)
        rc = sl_err_nomem(err, "a checkpoint");
    for (size_t i = *n = 0; rc == 0 && i < SL_COUNT(parts); i++) {
        if (parts[i]->nstate)
            memcpy(list + *n, parts[i]->state, (size_t)parts[i]->nstate * sizeof(*list));
        *n += parts[i]->nstate;
    }
    return list;
}

int sl_barrier_commit(struct sl_pipeline *p, struct sl_positions *positions, struct sl_err *err)
{
    int64_t began = sl_time_mono_usec();
    int rc = take(p, positions, err);
    if (rc == 0 && p->arrived)
        rc = take_arrived(p, err);
    if (rc < 0 || is_nothing(p))
        return rc;
    if (!p->arrived && !sl_makes_barriers(p) && p->is_stopped)
        return 0; /* rows without their barrier: they come again */
    if (p->is_light && sl_has_state(p))
        return 0;
    int64_t k = p->arrived ? p->k : p->k + 1;
    struct sl_run_record now = {.k = k};
    memcpy(now.run, p->run.run, sizeof(now.run));
    now.state = list_state(p, k, &now.nstate, err);
    rc = now.state ? commit(p, &now, err) : -(int)(err ? err->code : SL_EFAIL);
    sl_record_release(&now);
    if (rc < 0)
        return rc;
    p->k = k;
    int64_t end = sl_time_mono_usec();
    if (!p->is_light)
        p->next_checkpoint = end + SL_MAX(p->o.checkpoint ? p->o.checkpoint : SL_CHECKPOINT_EVERY,
                                          DEAR * (end - began));
    p->bytes = p->sink->bytes;
    p->counted = p->end->counts.in;
    p->is_dirty &= p->is_light; /* until a full one */
    p->is_fresh = p->is_light = 0;
    sl_positions_release(&p->untold);
    return 0;
}

int sl_barrier_put_off(struct sl_pipeline *p)
{
    p->next_checkpoint =
        sl_time_mono_usec() + (p->o.checkpoint ? p->o.checkpoint : SL_CHECKPOINT_EVERY);
    p->bytes = p->sink->bytes;
    p->is_light = 0;
    return 0;
}

int64_t sl_barrier_due(const struct sl_pipeline *p)
{
    if (!p->is_dirty || !sl_makes_barriers(p))
        return INT64_MAX;
    int64_t bytes = p->sink->bytes - p->bytes + p->late.bytes;
    return p->sink->due == 0 || bytes > MUCH ? 0 : p->next_checkpoint;
}

int sl_barrier_at_pause(struct sl_pipeline *p)
{
    p->is_light = p->role == SL_ROLE_HEAD && p->is_fresh && !sl_has_state(p);
    return p->is_light;
}

void sl_barrier_release(struct sl_pipeline *p)
{
    sl_record_release(&p->run);
    sl_record_release(&p->checkpoint);
    sl_record_release(&p->came);
    sl_record_release(&p->saved);
    sl_buf_release(&p->opened);
    sl_buf_release(&p->last);
    sl_buf_release(&p->in_front);
    sl_positions_release(&p->taken);
    sl_positions_release(&p->untold);
}

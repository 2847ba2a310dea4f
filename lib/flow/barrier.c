/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * barrier: checkpoints of a pipeline that resumes, in one process or several, and how the next run takes
 * one up. The protocol is modelled in tests/model/pipeline.pml.
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
 * Where the head splits the stream (SL_META_BRANCH), each branch has places of its own, BRANCH * branch and on.
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
#include "base/json.h"
#include "flow/pipeline_int.h"

enum { EVERY = 10 * 1000 * 1000, DEAR = 10, MUCH = 64 << 20, PATIENCE = 10 * 1000 * 1000 };
enum { SAVED_MAX = 64 }; /* files of a state */
enum { BRANCH = 1000, PLACE_MAX = 1000 * BRANCH };

/* The positions of other pipelines than the main one are in their state only. */
static int is_named(const struct sl_pipeline *p)
{
    return strcmp(p->o.name, "main") != 0;
}

static int makes_barriers(const struct sl_pipeline *p)
{
    return p->role == SL_ROLE_ALONE || p->role == SL_ROLE_HEAD;
}

/* Whether the process has a file of state at each full barrier. */
static int has_state(const struct sl_pipeline *p)
{
    return !sl_pipeline_goes_on(p) || (sl_commits(p) && is_named(p));
}

int sl_barrier_stops(const struct sl_pipeline *p)
{
    int is_final = p->o.final && !(p->o.signal && *p->o.signal);
    return p->stateful && makes_barriers(p) && !is_final;
}

int sl_barrier_hold(struct sl_pipeline *p, struct sl_err *err)
{
    int needs = p->o.wait || is_named(p) || !sl_pipeline_goes_on(p);
    return p->again == SL_AGAIN_RESUME && p->sink->class->hold && needs
               ? p->sink->class->hold(p->sink, p->o.name, p->o.wait, p->o.signal, err)
               : 0;
}

/* ---- the part of this process ---- */

/* What the stream that is read says of its run; NULL: it is of none. */
static const char *said_in_front(const struct sl_pipeline *p)
{
    const char *said = NULL;
    for (int i = 0; i < p->nstrands && !said; i++)
        said = sl_schema_meta(p->strands[i]->source->schema, SL_META_RUN);
    return said;
}

/* Of several inputs each has to be a branch of the run. */
static int check_branches(const struct sl_pipeline *p, const char *said, struct sl_err *err)
{
    int n = 0, pipes = 0;
    for (int i = 0; i < p->nstrands; i++) {
        const struct sl_source *s = p->strands[i]->source;
        n += sl_schema_meta(s->schema, SL_META_RUN) != NULL;
        pipes += s->is_once;
    }
    if (p->nstrands == 1 || n == p->nstrands ||
        (!said && (p->again != SL_AGAIN_RESUME || pipes < p->nstrands)))
        return 0;
    sl_err_set(err, SL_EUSAGE, "of %d inputs %d say where the run goes on: all have to",
               p->nstrands, n);
    return sl_err_hint(err,
                       "a stage that resumes reads one pipe, or all branches of one: each passes "
                       "on what is said in front of the stream");
}

static int join_none(struct sl_pipeline *p, struct sl_err *err)
{
    if (p->again != SL_AGAIN_RESUME || !p->sink->class->hold)
        return 0;
    if (!p->sink->class->sweep)
        p->role = SL_ROLE_HEAD;
    else if (is_named(p) || !sl_pipeline_goes_on(p))
        p->role = SL_ROLE_ALONE;
    for (int i = 0; p->role && i < p->nstrands; i++)
        if (p->strands[i]->source->is_once) {
            sl_err_set(err, SL_EUSAGE,
                       "standard input cannot be read again from where the last run was");
            return sl_err_hint(
                err, "name a log or a file; or in a pipe say --resume-from DEST at its head");
        }
    return 0;
}

int sl_barrier_join(struct sl_pipeline *p, struct sl_err *err)
{
    const char *said = said_in_front(p);
    int rc = check_branches(p, said, err), keeps = !sl_pipeline_goes_on(p);
    if (rc == 0 && !said)
        rc = join_none(p, err);
    if (rc < 0)
        return rc;
    if (said && p->sink->class->sweep && p->again != SL_AGAIN_RESUME) {
        sl_err_set(err, SL_EUSAGE,
                   "the head of the pipe goes on where the last run was (--resume-from)");
        rc = sl_err_hint(err, "say --resume here, too");
    } else if (said && keeps && !p->sink->class->hold) {
        sl_err_set(err, SL_EUSAGE, "this stage keeps state, and the head of the pipe resumes");
        rc = sl_err_hint(
            err, "say --resume-from DEST here, too: it keeps its state with what the last stage "
                 "writes");
    } else if (said && p->sink->class->commit) {
        p->role = p->sink->class->sweep ? SL_ROLE_TAIL : SL_ROLE_MIDDLE;
    }
    p->aligns = said && p->role && p->nstrands > 1;
    p->stateful = p->sink->barriers = p->role != SL_ROLE_NONE;
    if (rc == 0 && p->role == SL_ROLE_TAIL)
        rc = p->sink->class->hold(p->sink, p->o.name, p->o.wait, p->o.signal, err);
    return SL_MIN(rc, 0);
}

/* ---- the plan ---- */

static int print_plan(const struct sl_pipeline *p, struct sl_buf *out, struct sl_err *err)
{
    for (int i = 0; i < p->nnodes; i++) {
        if (!p->nodes[i]->op || (p->aligns && p->nodes[i]->ninputs > 1)) /* it says descriptors */
            continue;
        p->nodes[i]->op->class->plan(p->nodes[i]->op, out);
        sl_buf_addch(out, '\n');
    }
    if (!sl_pipeline_goes_on(p)) {
        sl_buf_addstr(out, "gives ");
        sl_schema_print(p->end->out, out);
    }
    return sl_buf_check(out, err);
}

/* The first line in which the plans differ. */
static int refuse_plan(const struct sl_pipeline *p, const struct sl_buf *was,
                       const struct sl_buf *now, struct sl_err *err)
{
    const char *a = was->data ? was->data : "", *b = now->data;
    size_t n = 0, line = 0;
    for (; a[n] && a[n] == b[n]; n++)
        if (a[n] == '\n')
            line = n + 1;
    sl_err_set(err, SL_EEXIST,
               "the state in %s is of another plan: it was '%.*s', and it is '%.*s'",
               p->loaded.place, (int)strcspn(a + line, "\n"), a + line,
               (int)strcspn(b + line, "\n"), b + line);
    return sl_err_hint(err,
                       "--reset-state goes on with the new one, from no state; --resume=NAME is a "
                       "pipeline of its own");
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

/* The state is in one more file, or in this one alone. */
static int add_saved(struct sl_pipeline *p, const struct sl_state_ref *ref, int changes,
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
    return rc < 0 ? rc : add_saved(p, &ref, changes, err);
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
                              .positions = sl_commits(p) && is_named(p) ? &none : &p->untold,
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
    int of_branch = p->role == SL_ROLE_MIDDLE && p->place >= BRANCH;
    return !of_branch && !p->arrived && !p->untold.n && !p->is_dirty &&
           p->end->counts.in == p->counted && (p->k || !makes_barriers(p));
}

/* State of the stages before and of this one: a list, to be freed; NULL: no memory. */
static struct sl_state_ref *list_state(struct sl_pipeline *p, int64_t k, int *n, struct sl_err *err)
{
    const struct sl_run_record *parts[] = {&p->came, &p->saved};
    int rc = has_state(p) ? save(p, k, err) : 0;
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
    if (!p->arrived && !makes_barriers(p) && p->is_stopped)
        return 0; /* rows without their barrier: they come again */
    if (p->is_light && has_state(p))
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
        p->next_checkpoint =
            end + SL_MAX(p->o.checkpoint ? p->o.checkpoint : EVERY, DEAR * (end - began));
    p->bytes = p->sink->bytes;
    p->counted = p->end->counts.in;
    p->is_dirty &= p->is_light; /* until a full one */
    p->is_fresh = p->is_light = 0;
    sl_positions_release(&p->untold);
    return 0;
}

int sl_barrier_put_off(struct sl_pipeline *p)
{
    p->next_checkpoint = sl_time_mono_usec() + (p->o.checkpoint ? p->o.checkpoint : EVERY);
    p->bytes = p->sink->bytes;
    p->is_light = 0;
    return 0;
}

int64_t sl_barrier_due(const struct sl_pipeline *p)
{
    if (!p->is_dirty || !makes_barriers(p))
        return INT64_MAX;
    int64_t bytes = p->sink->bytes - p->bytes + p->late.bytes;
    return p->sink->due == 0 || bytes > MUCH ? 0 : p->next_checkpoint;
}

int sl_barrier_at_pause(struct sl_pipeline *p)
{
    p->is_light = p->role == SL_ROLE_HEAD && p->is_fresh && !has_state(p);
    return p->is_light;
}

/* ---- taking up ---- */

/* Rows of inputs without a checkpoint: no state knows them. */
static int refuse_stateless(const struct sl_pipeline *p, struct sl_err *err)
{
    sl_err_set(err, SL_EEXIST,
               "%s has rows that were not taken by the pipeline %s: it has no state of them",
               p->loaded.place, p->o.name);
    return sl_err_hint(err,
                       "--reset-state goes on behind them, from no state; into a log of its own a "
                       "pipeline begins at the beginning");
}

/* Reads one of the files that the last checkpoint names. */
static int load(struct sl_pipeline *p, const struct sl_state_ref *ref,
                int (*what)(struct sl_pipeline *p, struct sl_state_reader *r, struct sl_err *err),
                struct sl_err *err)
{
    struct sl_state_reader *r;
    int rc =
        sl_state_reader_open(p->sink->state_fd, p->sink->state_dir, ref, p->o.account, &r, err);
    if (rc < 0)
        return rc;
    rc = what(p, r, err);
    sl_state_reader_free(r);
    return rc;
}

static int is_last_of_place(const struct sl_run_record *r, int i)
{
    int64_t place = r->state[i].place;
    do
        i++;
    while (i < r->nstate && r->state[i].place != place);
    return i == r->nstate;
}

int sl_barrier_load(struct sl_pipeline *p, struct sl_err *err)
{
    static const struct sl_positions none;
    int rc = p->loaded.last ? sl_record_parse(p->loaded.last, &p->checkpoint, err) : 0;
    p->k = p->checkpoint.k;
    if (rc < 0 || !is_named(p))
        return rc;
    p->loaded.positions = &none;
    for (int i = 0; rc == 0 && i < p->checkpoint.nstate; i++)
        if (is_last_of_place(&p->checkpoint, i))
            rc = load(p, &p->checkpoint.state[i], sl_own_load_positions, err);
    p->loaded.positions = &p->taken;
    return rc;
}

/* Whether the stream in front goes on from what the destination holds now. */
static int check_base(struct sl_pipeline *p, const char *said, size_t n, struct sl_err *err)
{
    struct sl_run_record base = {0};
    struct sl_buf name = SL_BUF_INIT;
    const char *v;
    size_t len;
    int has = sl_json_find(said, n, "base", &v, &len) == 1;
    int fits = !has || sl_record_find_run(v, len, &base);
    int rc = 0;
    if (sl_json_find_string(said, n, "name", &name) != 1 || !fits) {
        rc = sl_err_set(err, SL_EFORMAT, "the stream says of its run what no head says: %.200s",
                        said);
    } else if (!name.data || strcmp(name.data, p->o.name) != 0) {
        rc = sl_err_set(err, SL_EUSAGE, "the head of the pipe resumes the pipeline %.*s, not %s",
                        (int)name.len, name.data ? name.data : "", p->o.name);
    } else if (p->sink->class->load &&
               (base.k != p->checkpoint.k || strcmp(base.run, p->checkpoint.run) != 0)) {
        sl_err_set(err, SL_ELOCKED, "another run of the pipeline %s has committed to %s meanwhile",
                   p->o.name, p->loaded.place ? p->loaded.place : "its destination");
        rc = sl_err_hint(
            err, "run again: it goes on from there; and the whole pipe names one destination");
    }
    sl_buf_release(&name);
    p->base = base;
    return rc;
}

/* The place of this stage: behind one at `place`, of a branch or of all. */
static int find_place(struct sl_pipeline *p, int64_t place, const struct sl_schema *in,
                      struct sl_err *err)
{
    const char *branch = sl_schema_meta(in, SL_META_BRANCH);
    if (branch && (place >= BRANCH || p->late.sink || p->rejects)) {
        sl_err_set(err, SL_EUSAGE, "a branch of a run that resumes cannot %s",
                   place >= BRANCH ? "be split again" : "write rejects or late rows itself");
        return sl_err_hint(err, "let a stage before the split or behind the merge do that");
    }
    if (p->aligns)
        p->place = SL_MAX(p->place, place % BRANCH + 1);
    else
        p->place = (branch ? strtol(branch, NULL, 10) * BRANCH : 0) + place + 1;
    return 0;
}

/* What the head and the stages before have said on an input. */
static int adopt(struct sl_pipeline *p, const struct sl_schema *in, struct sl_err *err)
{
    const char *said = sl_schema_meta(in, SL_META_RUN);
    struct sl_run_record run = {0};
    size_t n = strlen(said);
    int64_t place;
    int rc = check_base(p, said, n, err), is_first = !p->run.plan.len;
    if (rc == 0 &&
        (!sl_record_find_run(said, n, &run) || sl_json_find_int(said, n, "place", &place) != 1 ||
         place < 0 || place >= PLACE_MAX || sl_json_find_string(said, n, "plan", &run.plan) != 1))
        rc = sl_err_set(err, SL_EFORMAT, "the stream says of its run what no head says: %.200s",
                        said);
    else if (rc == 0 && !is_first &&
             (strcmp(run.run, p->run.run) != 0 || run.plan.len + 1 != p->run.plan.len ||
              memcmp(run.plan.data, p->run.plan.data, run.plan.len) != 0))
        rc =
            sl_err_set(err, SL_EUSAGE, "the inputs are no branches of one run: their plans differ");
    if (rc == 0 && is_first) {
        memcpy(p->run.run, run.run, sizeof(run.run));
        sl_buf_add(&p->run.plan, run.plan.data, run.plan.len);
        sl_buf_addch(&p->run.plan, '\n');
    }
    sl_record_release(&run);
    return rc < 0 ? rc : find_place(p, place, in, err);
}

int sl_barrier_begin(struct sl_pipeline *p, struct sl_err *err)
{
    const char *said = said_in_front(p);
    if (!p->stateful)
        return 0;
    p->base.k = p->checkpoint.k;
    memcpy(p->base.run, p->checkpoint.run, sizeof(p->base.run));
    int rc = said ? 0 : sl_record_new_run(p->run.run, err);
    for (int i = 0; said && rc == 0 && i < p->nstrands; i++)
        rc = adopt(p, p->strands[i]->source->schema, err);
    if (rc == 0)
        rc = print_plan(p, &p->run.plan, err);
    if (rc == 0 && p->sink->branches) {
        p->sink->class->plan(p->sink, p->end->out, &p->run.plan);
        sl_buf_addch(&p->run.plan, '\n');
    }
    if (rc < 0 || sl_commits(p))
        return rc;
    struct sl_buf *out = &p->in_front;
    sl_record_print_front(p->o.name, &p->run, &p->base, p->place, out);
    p->sink->run = out->data;
    return sl_buf_check(out, err);
}

static int check_plan(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_run_record was = {0};
    int rc = sl_record_parse(p->loaded.opened, &was, err);
    if (rc == 0 && (was.plan.len != p->run.plan.len ||
                    memcmp(was.plan.data, p->run.plan.data, was.plan.len) != 0))
        rc = refuse_plan(p, &was.plan, &p->run.plan, err);
    sl_record_release(&was);
    return rc;
}

static int load_last(struct sl_pipeline *p, struct sl_state_reader *r, struct sl_err *err)
{
    int rc = sl_own_load_changes(p, r, err);
    return rc < 0 ? rc : sl_own_load(p, r, err);
}

/* Its own files of the last checkpoint: from here on they are what was saved. */
static int load_saved(struct sl_pipeline *p, struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < p->checkpoint.nstate; i++) {
        const struct sl_state_ref *ref = &p->checkpoint.state[i];
        if (ref->place != p->place)
            continue;
        rc = load(p, ref, is_last_of_place(&p->checkpoint, i) ? load_last : sl_own_load_changes,
                  err);
        if (rc == 0)
            rc = add_saved(p, ref, p->saved.nstate > 0, err);
    }
    return rc;
}

int sl_barrier_restore(struct sl_pipeline *p, struct sl_err *err)
{
    int rc = 0, resets = p->o.reset_state;
    if (p->loaded.last) {
        sl_buf_addstr(&p->last, p->loaded.last);
        rc = sl_buf_check(&p->last, err);
    } else if (sl_commits(p) && p->loaded.positions->n && !resets) {
        rc = refuse_stateless(p, err);
    }
    if (rc == 0 && sl_commits(p) && p->loaded.opened && p->loaded.last && !resets)
        rc = check_plan(p, err);
    for (int i = 0; p->role == SL_ROLE_HEAD && !resets && i < p->nstrands; i++)
        sl_stamp_take_up(p->strands[i]);
    if (rc == 0 && !resets && has_state(p))
        rc = load_saved(p, err);
    if (rc == 0)
        rc = sl_late_restore(p, err);
    p->counted = p->end->counts.in;
    p->next_checkpoint = sl_time_mono_usec() + (p->o.checkpoint ? p->o.checkpoint : EVERY);
    int unnamed = (p->rejects && p->rejects->class->mark && !p->aside.recorded) ||
                  (p->late.sink && p->late.sink->class->mark && !p->late.recorded);
    if (makes_barriers(p) && unnamed) {
        p->is_dirty = 1; /* a commit names their file before anything is in it, see aside.c */
        p->next_checkpoint = 0;
    }
    return rc;
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

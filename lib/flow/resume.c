/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * resume: how a process finds its part in a pipeline that resumes (see barrier.c), and takes up the last
 * checkpoint.
 *
 * Call order: sl_barrier_hold and _load before anything is opened; _join once the sources are open, _begin when the
 * operators are bound, _restore when the sink is open.
 */
#include "base/json.h"
#include "flow/pipeline_int.h"

enum { PLACE_MAX = 1000 * SL_PLACE_BRANCH };

int sl_barrier_hold(struct sl_pipeline *p, struct sl_err *err)
{
    int needs = p->o.wait || sl_is_named(p) || !sl_pipeline_goes_on(p);
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
    else if (sl_is_named(p) || !sl_pipeline_goes_on(p))
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
    if (rc < 0 || !sl_is_named(p))
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
    if (branch && (place >= SL_PLACE_BRANCH || p->late.sink || p->rejects)) {
        sl_err_set(err, SL_EUSAGE, "a branch of a run that resumes cannot %s",
                   place >= SL_PLACE_BRANCH ? "be split again"
                                            : "write rejects or late rows itself");
        return sl_err_hint(err, "let a stage before the split or behind the merge do that");
    }
    if (p->aligns)
        p->place = SL_MAX(p->place, place % SL_PLACE_BRANCH + 1);
    else
        p->place = (branch ? strtol(branch, NULL, 10) * SL_PLACE_BRANCH : 0) + place + 1;
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
            rc = sl_barrier_add_saved(p, ref, p->saved.nstate > 0, err);
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
    if (rc == 0 && !resets && sl_has_state(p))
        rc = load_saved(p, err);
    if (rc == 0)
        rc = sl_late_restore(p, err);
    p->counted = p->end->counts.in;
    p->next_checkpoint =
        sl_time_mono_usec() + (p->o.checkpoint ? p->o.checkpoint : SL_CHECKPOINT_EVERY);
    int unnamed = (p->rejects && p->rejects->class->mark && !p->aside.recorded) ||
                  (p->late.sink && p->late.sink->class->mark && !p->late.recorded);
    if (sl_makes_barriers(p) && unnamed) {
        p->is_dirty = 1; /* a commit names their file before anything is in it, see aside.c */
        p->next_checkpoint = 0;
    }
    return rc;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * barrier: checkpoints of a pipeline whose operators keep state, and how the next run takes one up.
 *
 * Between barriers the sink commits nothing. At one, everything under way is delivered, every operator is
 * told, and saves what it keeps into one file (state/state_file.h); then rows, positions, and a record that
 * names the file are committed in one step. So whatever is killed, log, positions and state are those of
 * one barrier. The protocol is modelled in tests/model/pipeline.pml.
 *
 * The record that opens the pipeline comes with the first checkpoint of a run, just before it: it is
 * refused if another run has committed one since this run began, and every checkpoint is refused once
 * another run has opened it.
 *
 * What is in the file, by stage (the number of the operator) and table: what operators save. Stage -1 is
 * the pipeline itself: `accounts`, the rows of every stage so far; `splits`, the greatest event time of each
 * split; `positions`, what it has of its inputs: if the sink has something else of one, somebody else went
 * on with that input, and no state fits.
 */
#include "arrow/builder.h"
#include "flow/pipeline_int.h"

enum { OWN = -1, EVERY = 10 * 1000 * 1000, DEAR = 10 };

/* The positions of other pipelines than the main one are in their state only. */
static int is_named(const struct sl_pipeline *p)
{
    return strcmp(p->o.name, "main") != 0;
}

int sl_barrier_is_used(const struct sl_pipeline *p)
{
    return p->again == SL_AGAIN_RESUME && p->sink->class->hold &&
           (is_named(p) || !sl_pipeline_goes_on(p));
}

int sl_barrier_stops(const struct sl_pipeline *p)
{
    int is_final = p->o.final && !(p->o.signal && *p->o.signal);
    return p->stateful && !is_final;
}

/* ---- the plan ---- */

static int print_plan(const struct sl_pipeline *p, struct sl_buf *out, struct sl_err *err)
{
    for (int i = 0; i < p->nnodes; i++) {
        if (!p->nodes[i]->op)
            continue;
        p->nodes[i]->op->class->plan(p->nodes[i]->op, out);
        sl_buf_addch(out, '\n');
    }
    sl_buf_addstr(out, "gives ");
    sl_schema_print(p->end->out, out);
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

/* ---- small tables ---- */

enum { COUNT_WORDS = 2 + SL_FATE_COUNT };

/* The numbers of a stage's account, one after the other: of an operator or the sink; of a strand. */
static int64_t *word(struct sl_pipeline *p, int stage, int i)
{
    if (stage >= 0) {
        struct sl_counts *c = &p->nodes[stage]->counts;
        return i == 0 ? &c->in : i == 1 ? &c->out : &c->fate[i - 2];
    }
    struct sl_source *s = p->strands[-1 - stage]->source;
    int64_t *words[] = {&s->records, &s->rejected, &s->skipped, &s->rows};
    return i < (int)SL_COUNT(words) ? words[i] : NULL;
}

static int save_accounts(struct sl_pipeline *p, struct sl_store *store, struct sl_err *err)
{
    static const char *const names[] = {"stage", "word", "value"};
    size_t n = 0, most = (size_t)(p->nnodes + p->nstrands) * COUNT_WORDS + 1;
    int64_t *v = sl_malloc(3 * most * sizeof(*v));
    if (!v)
        return sl_err_nomem(err, "state");
    for (int stage = -p->nstrands; stage < p->nnodes; stage++)
        for (int i = 0; i < COUNT_WORDS && word(p, stage, i); i++, n++) {
            v[3 * n] = stage;
            v[3 * n + 1] = i;
            v[3 * n + 2] = *word(p, stage, i);
        }
    int rc = sl_state_put(store, "accounts", names, 3, v, n, err);
    free(v);
    return rc;
}

static int load_account(void *arg, const int64_t *v, struct sl_err *err)
{
    struct sl_pipeline *p = arg;
    if (v[0] < -p->nstrands || v[0] >= p->nnodes || v[1] < 0 || v[1] >= COUNT_WORDS ||
        !word(p, (int)v[0], (int)v[1]))
        return sl_state_damaged("accounts", err);
    *word(p, (int)v[0], (int)v[1]) = v[2];
    return 0;
}

static int save_splits(const struct sl_pipeline *p, struct sl_store *store, struct sl_err *err)
{
    static const char *const names[] = {"strand", "split", "greatest"};
    int rc = 0;
    for (int i = 0; rc == 0 && i < p->nstrands; i++) {
        const struct sl_strand *s = p->strands[i];
        int64_t *v = s->stamps ? sl_malloc((size_t)s->nsplits * 3 * sizeof(*v)) : NULL;
        if (s->stamps && !v)
            return sl_err_nomem(err, "state");
        for (int k = 0; s->stamps && k < s->nsplits; k++) {
            v[3 * k] = i;
            v[3 * k + 1] = k;
            v[3 * k + 2] = s->greatest[k];
        }
        if (s->stamps)
            rc = sl_state_put(store, "splits", names, 3, v, (size_t)s->nsplits, err);
        free(v);
    }
    return rc;
}

static int load_split(void *arg, const int64_t *v, struct sl_err *err)
{
    struct sl_pipeline *p = arg;
    if (v[0] < 0 || v[0] >= p->nstrands || v[1] < 0)
        return sl_state_damaged("splits", err);
    struct sl_strand *s = p->strands[v[0]];
    if (s->stamps && v[1] < s->nsplits)
        s->greatest[v[1]] = v[2];
    return 0;
}

/* ---- positions ---- */

static int save_positions(const struct sl_pipeline *p, struct sl_store *store, struct sl_err *err)
{
    struct sl_schema *schema = sl_schema_new();
    struct sl_batch *b = NULL;
    struct sl_builder build[2];
    int rc = schema ? 0 : sl_err_nomem(err, "state");
    if (rc >= 0)
        rc = sl_schema_add(schema, "id", 2, sl_type_of(SL_TEXT), err);
    if (rc >= 0)
        rc = sl_schema_add(schema, "position", 8, sl_type_of(SL_TEXT), err);
    if (rc >= 0 && !(b = sl_batch_new(schema, (size_t)p->taken.n)))
        rc = sl_err_nomem(err, "state");
    for (int c = 0; rc >= 0 && c < 2; c++) {
        sl_builder_init(&build[c], sl_type_of(SL_TEXT), NULL, 0);
        for (const struct sl_position *x = NULL; (x = sl_positions_next(&p->taken, x));)
            sl_builder_bytes(&build[c], c ? x->value : x->id, c ? x->len : strlen(x->id));
        b->columns[c] = sl_builder_finish(&build[c], err);
        if (!b->columns[c])
            rc = -SL_ENOMEM;
        sl_builder_release(&build[c]);
    }
    if (rc >= 0)
        rc = store->put(store, "positions", b, err);
    sl_batch_unref(b);
    sl_schema_unref(schema);
    return SL_MIN(rc, 0);
}

static int other_position(const struct sl_pipeline *p, const char *id, struct sl_err *err)
{
    sl_err_set(
        err, SL_EEXIST,
        "another run took rows of the same input (%s) into %s since the last checkpoint: its state "
        "does not know them",
        id, p->loaded.place);
    return sl_err_hint(err, "--reset-state goes on from no state");
}

static int load_positions(struct sl_pipeline *p, struct sl_store *store, struct sl_err *err)
{
    struct sl_batch *b;
    uint64_t cursor = 0;
    int rc;
    while ((rc = sl_state_next(store, "positions", &cursor, 2, &b, err)) > 0) {
        int is_text =
            b->schema->fields[0].type.kind == SL_TEXT && b->schema->fields[1].type.kind == SL_TEXT;
        rc = is_text ? 0 : sl_state_damaged("positions", err);
        for (size_t i = 0; rc == 0 && i < b->rows; i++) {
            size_t n, len;
            const char *s = sl_column_bytes(b->columns[0], i, &n);
            const char *value = sl_column_bytes(b->columns[1], i, &len);
            char *id = sl_strndup(s, n);
            const struct sl_position *now = id ? sl_positions_find(p->loaded.positions, id) : NULL;
            if (!id)
                rc = sl_err_nomem(err, "positions");
            else if (now && (now->len != len || memcmp(now->value, value, len) != 0))
                rc = other_position(p, id, err);
            else
                rc = sl_positions_set(&p->taken, id, value, len, err);
            free(id);
        }
        sl_batch_unref(b);
        if (rc < 0)
            break;
    }
    return rc;
}

/* ---- saving ---- */

static int save_all(struct sl_pipeline *p, struct sl_state_writer *w, struct sl_err *err)
{
    struct sl_store *own = sl_state_writer_stage(w, OWN);
    int rc = save_accounts(p, own, err);
    if (rc == 0)
        rc = save_splits(p, own, err);
    if (rc == 0)
        rc = save_positions(p, own, err);
    for (int i = 0; rc == 0 && i < p->nnodes; i++) {
        struct sl_op *op = p->nodes[i]->op;
        if (op && op->class->save)
            rc = op->class->save(op, sl_state_writer_stage(w, i), err);
    }
    return rc;
}

static int save(struct sl_pipeline *p, struct sl_state_ref *ref, struct sl_err *err)
{
    struct sl_state_writer *w;
    *ref = (struct sl_state_ref){.k = p->checkpoint.k + 1};
    memcpy(ref->run, p->run.run, sizeof(ref->run));
    int rc = sl_state_writer_open(p->sink->state_fd, p->sink->state_dir, ref, &w, err);
    if (rc < 0)
        return rc;
    rc = save_all(p, w, err);
    if (rc == 0)
        return sl_state_writer_close(w, ref, err);
    sl_state_writer_abort(w);
    return rc;
}

/* The log that the run made is there now; nobody else may have begun with it. */
static int hold(struct sl_pipeline *p, struct sl_err *err)
{
    int rc = p->sink->class->hold(p->sink, p->o.name, 0, NULL, err);
    return rc == 1 ? 0 : rc < 0 ? rc : sl_err_set(err, SL_EBUG, "a sink without a place for state");
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

/* The sink has committed it. */
static int keep(struct sl_pipeline *p, const struct sl_state_ref *ref, const char *record,
                struct sl_err *err)
{
    struct sl_state_ref both[2] = {*ref};
    int n = 1;
    if (p->checkpoint.nstate)
        both[n++] = p->checkpoint.state[0];
    sl_buf_reset(&p->last);
    sl_buf_addstr(&p->last, record);
    int rc = sl_record_parse(record, &p->checkpoint, err);
    if (rc == 0)
        rc = sl_buf_check(&p->last, err);
    return rc < 0 ? rc
                  : p->sink->class->sweep(p->sink, p->opened.data, both, n, p->checkpoint.k, err);
}

int sl_barrier_commit(struct sl_pipeline *p, struct sl_positions *positions, struct sl_err *err)
{
    struct sl_state_ref ref;
    struct sl_buf record = SL_BUF_INIT;
    struct sl_positions none = {0};
    int64_t began = sl_time_mono_usec();
    if (!p->is_dirty && !p->sink->held && !positions->n && p->checkpoint.k)
        return 0; /* nothing came */
    int rc = p->is_open ? 0 : open_pipeline(p, err);
    for (const struct sl_position *x = NULL; rc == 0 && (x = sl_positions_next(positions, x));)
        rc = sl_positions_set(&p->taken, x->id, x->value, x->len, err);
    if (rc == 0)
        rc = save(p, &ref, err);
    if (rc == 0) {
        struct sl_run_record now = {.k = ref.k, .state = &ref, .nstate = 1};
        memcpy(now.run, p->run.run, sizeof(now.run));
        sl_record_print(p->o.name, &now, &record);
        rc = sl_buf_check(&record, err);
    }
    struct sl_checkpoint c = {.name = p->o.name,
                              .positions = is_named(p) ? &none : positions,
                              .again = p->again,
                              .record = record.data,
                              .after = p->opened.data,
                              .state = &ref,
                              .nstate = 1};
    if (rc == 0)
        rc = p->sink->class->commit(p->sink, &c, err);
    if (rc == 0)
        rc = keep(p, &ref, record.data, err);
    sl_buf_release(&record);
    int64_t now = sl_time_mono_usec();
    p->next_checkpoint =
        now + SL_MAX(p->o.checkpoint ? p->o.checkpoint : EVERY, DEAR * (now - began));
    p->is_dirty = 0;
    return rc;
}

int64_t sl_barrier_due(const struct sl_pipeline *p)
{
    return !p->is_dirty ? INT64_MAX : p->sink->due == 0 ? 0 : p->next_checkpoint;
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

static int load_all(struct sl_pipeline *p, struct sl_state_reader *r, struct sl_err *err)
{
    struct sl_store *own = sl_state_reader_stage(r, OWN);
    int rc = load_positions(p, own, err);
    if (rc == 0)
        rc = sl_state_get(own, "accounts", 3, load_account, p, err);
    if (rc == 0)
        rc = sl_state_get(own, "splits", 3, load_split, p, err);
    for (int i = 0; rc == 0 && i < p->nnodes; i++) {
        struct sl_op *op = p->nodes[i]->op;
        if (op && op->class->load)
            rc = op->class->load(op, sl_state_reader_stage(r, i), err);
    }
    p->sink->committed = p->end->counts.in;
    return rc;
}

static int load(struct sl_pipeline *p,
                int (*what)(struct sl_pipeline *, struct sl_state_reader *, struct sl_err *),
                struct sl_err *err)
{
    struct sl_state_reader *r;
    if (!p->checkpoint.nstate)
        return 0;
    int rc = sl_state_reader_open(p->sink->state_fd, p->sink->state_dir, &p->checkpoint.state[0],
                                  p->o.account, &r, err);
    if (rc < 0)
        return rc;
    rc = what(p, r, err);
    sl_state_reader_free(r);
    return rc;
}

static int load_own_positions(struct sl_pipeline *p, struct sl_state_reader *r, struct sl_err *err)
{
    return load_positions(p, sl_state_reader_stage(r, OWN), err);
}

int sl_barrier_load(struct sl_pipeline *p, struct sl_err *err)
{
    static const struct sl_positions none;
    int rc = p->loaded.last ? sl_record_parse(p->loaded.last, &p->checkpoint, err) : 0;
    if (rc < 0 || !is_named(p))
        return rc;
    p->loaded.positions = &none;
    rc = load(p, load_own_positions, err);
    p->loaded.positions = &p->taken;
    return rc;
}

int sl_barrier_restore(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_run_record was = {0};
    int rc = sl_record_new_run(p->run.run, err);
    if (rc == 0)
        rc = print_plan(p, &p->run.plan, err);
    if (rc == 0 && p->loaded.last) {
        sl_buf_addstr(&p->last, p->loaded.last);
        rc = sl_buf_check(&p->last, err);
    }
    if (rc == 0 && !p->loaded.last && p->loaded.positions->n && !p->o.reset_state)
        rc = refuse_stateless(p, err);
    if (rc == 0 && p->loaded.opened && p->loaded.last && !p->o.reset_state) {
        rc = sl_record_parse(p->loaded.opened, &was, err);
        if (rc == 0 && (was.plan.len != p->run.plan.len ||
                        memcmp(was.plan.data, p->run.plan.data, was.plan.len) != 0))
            rc = refuse_plan(p, &was.plan, &p->run.plan, err);
        sl_record_release(&was);
    }
    if (rc == 0 && !p->o.reset_state)
        rc = load(p, load_all, err);
    p->next_checkpoint = sl_time_mono_usec() + (p->o.checkpoint ? p->o.checkpoint : EVERY);
    if (p->rejects && p->rejects->class->mark && !p->aside.recorded) {
        p->is_dirty = 1; /* a commit names their file before anything is in it, see aside.c */
        p->next_checkpoint = 0;
    }
    return rc;
}

void sl_barrier_release(struct sl_pipeline *p)
{
    sl_record_release(&p->run);
    sl_record_release(&p->checkpoint);
    sl_buf_release(&p->opened);
    sl_buf_release(&p->last);
    sl_positions_release(&p->taken);
}

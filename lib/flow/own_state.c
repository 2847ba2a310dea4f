/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * own_state: what a process saves at a barrier, and loads again.
 *
 * By stage (the number of the operator) and table: what operators save. Stage -1 is the process itself:
 * `accounts`, the rows of every stage so far; `splits`, the greatest event time of each split; `positions`,
 * what the pipeline has of its inputs: if the sink has something else of one, somebody else went on with that
 * input, and no state fits. Those of a pipeline that is not called main are nowhere else: it knows nothing of
 * what others have taken of its inputs.
 *
 * A state is one file or several: all of this is in each, but for operators that put only what has changed.
 */
#include "arrow/builder.h"
#include "flow/pipeline_int.h"

enum { OWN = -1 };

/* ---- small tables ---- */

enum { COUNT_WORDS = 2 + SL_FATE_COUNT };

/* The numbers of a stage's account, one after the other: of an operator or the sink; of a strand. */
static int64_t *word(struct sl_pipeline *p, int stage, int i)
{
    assert(stage >= -p->nstrands && stage < p->nnodes && i >= 0 && i < COUNT_WORDS);
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
    assert(n < most);
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

int sl_own_load_positions(struct sl_pipeline *p, struct sl_state_reader *r, struct sl_err *err)
{
    struct sl_store *store = sl_state_reader_stage(r, OWN);
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

/* ---- all of it ---- */

int sl_own_save(struct sl_pipeline *p, struct sl_state_writer *w, struct sl_err *err)
{
    struct sl_store *own = sl_state_writer_stage(w, OWN);
    int rc = save_accounts(p, own, err);
    if (rc == 0)
        rc = save_splits(p, own, err);
    if (rc == 0)
        rc = save_positions(p, own, err);
    if (rc == 0)
        rc = sl_late_save(p, own, err);
    for (int i = 0; rc == 0 && i < p->nnodes; i++) {
        struct sl_op *op = p->nodes[i]->op;
        if (op && op->class->save)
            rc = op->class->save(op, sl_state_writer_stage(w, i), err);
    }
    return rc;
}

static int load_ops(struct sl_pipeline *p, struct sl_state_reader *r, int changes,
                    struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < p->nnodes; i++) {
        struct sl_op *op = p->nodes[i]->op;
        if (op && op->class->load && !(op->traits & SL_OP_CHANGES) == !changes)
            rc = op->class->load(op, sl_state_reader_stage(r, i), err);
    }
    return rc;
}

int sl_own_load_changes(struct sl_pipeline *p, struct sl_state_reader *r, struct sl_err *err)
{
    return load_ops(p, r, 1, err);
}

int sl_own_load(struct sl_pipeline *p, struct sl_state_reader *r, struct sl_err *err)
{
    struct sl_store *own = sl_state_reader_stage(r, OWN);
    int rc = sl_own_load_positions(p, r, err);
    if (rc == 0)
        rc = sl_state_get(own, "accounts", 3, load_account, p, err);
    if (rc == 0)
        rc = sl_state_get(own, "splits", 3, load_split, p, err);
    if (rc == 0)
        rc = sl_late_load_rows(p, own, err);
    if (rc == 0)
        rc = load_ops(p, r, 0, err);
    p->sink->committed = p->end->counts.in;
    return rc;
}

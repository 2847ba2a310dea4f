/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * harness: what every operator is held to, as code that can judge a wrong one.
 *
 * An example is an operator's constructor over the test's rows (op/harness_rows.h). A run pushes the
 * rows by a schedule: how they are cut, how partitions interleave, in which form columns come, where
 * FLUSH and BARRIER stand; at a BARRIER the state may be saved, and loaded into a fresh operator. The
 * final rows and their fates must be the same by all schedules, what is out after a FLUSH must not
 * depend on the cut, and the operator's own account must balance after every directive. An operator
 * emits no window that starts before a watermark it has emitted. Batches are given back at once, as the
 * loop does; only the run that the others are compared with keeps them.
 * An operator with several inputs gets each by batches of its own, as next_input() asks for them; a
 * directive comes on every input that has not ended, the watermark is the least of these inputs', and
 * each ends when it has no more rows. After a reload an input that had ended ends again, as in a run that
 * is resumed.
 * Failures are counted and told, not asserted: the contract test asserts that a good operator has none
 * and a wrong one has some.
 */
#ifndef SL_TESTS_OP_HARNESS_H
#define SL_TESTS_OP_HARNESS_H

#include "harness_gate.h"
#include "harness_rows.h"
#include "harness_store.h"

struct example {
    const char *class; /* name of the class that it is an example of */
    const char *name;
    struct sl_op *(*make)(const struct example *x, struct sl_account *account, struct sl_err *err);
    int partitions; /* 1: the order of arrival matters, and no column tells another */
    int ordered;    /* the order of the output is promised */
    int with_wm;    /* the rows have `_wm` */
    int may_reject; /* some rows are bad */
    int timeless;   /* the schema names no time column: ts is a value like others */
    int inputs; /* 0 and 1: one. More: partition p comes by input p; column b has another name on each */
    int empty; /* the input, counted from 1, that has no rows; 0: none */
};

static inline int inputs_of(const struct example *x)
{
    return SL_MAX(x->inputs, 1);
}

enum barrier { BARRIER_ONLY, BARRIER_SAVE, BARRIER_RELOAD };

struct schedule {
    size_t cut;        /* rows a batch */
    int order;         /* partitions: 0 one after the other, 1 in turns, 2 backwards, 3 mixed */
    enum form form;    /* of columns */
    int flush_every;   /* pushes, 0 = never */
    int barrier_every; /* pushes, 0 = never */
    enum barrier then; /* at a barrier save, and perhaps go on with a fresh operator */
    int disk;          /* what is loaded was in files */
    int stop_at;       /* after so many pushes STOP, save, load, go on; 0 = no */
    int keep;          /* the run to compare with: one schema, batches live on */
    int watch;         /* batches must come back as they were given */
    int end_with_rows; /* of several inputs: END comes with their last rows */
    int unasked; /* of several inputs: so many pushes apart a batch comes from another than the
                        * operator asks for, as from what the loop has under way; 0 = never */
    int *prompt; /* rows out after a FLUSH behind so many rows in: set or, if known, compared */
};

/* ---- a store in memory ---- */

struct memory_store {
    struct sl_store store;
    size_t n, cap;
    struct {
        char table[32];
        struct sl_batch *batch;
    } * items;
};

static int memory_put(struct sl_store *s, const char *table, struct sl_batch *batch,
                      struct sl_err *err)
{
    struct memory_store *m = (struct memory_store *)s;
    (void)err;
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 16;
        m->items = realloc(m->items, m->cap * sizeof(*m->items));
    }
    snprintf(m->items[m->n].table, sizeof(m->items[m->n].table), "%s", table);
    m->items[m->n++].batch = sl_batch_ref(batch);
    return 0;
}

static int memory_get(struct sl_store *s, const char *table, uint64_t *cursor,
                      struct sl_batch **out, struct sl_err *err)
{
    struct memory_store *m = (struct memory_store *)s;
    (void)err;
    for (; *cursor < m->n; (*cursor)++) {
        if (strcmp(m->items[*cursor].table, table) == 0) {
            *out = sl_batch_ref(m->items[(*cursor)++].batch);
            return 1;
        }
    }
    return 0;
}

static inline void memory_init(struct memory_store *m)
{
    memset(m, 0, sizeof(*m));
    m->store = (struct sl_store){.put = memory_put, .get = memory_get};
}

static inline void memory_free(struct memory_store *m)
{
    for (size_t i = 0; i < m->n; i++)
        sl_batch_unref(m->items[i].batch);
    free(m->items);
    memset(m, 0, sizeof(*m));
}

/* ---- a run ---- */

enum { SAVES = 5 }; /* of a state: all of it, and up to four times what has changed since */

struct saved {
    struct sl_store *store; /* one of both, made for it */
    struct memory_store memory;
    struct file_store file;
};

struct run {
    const struct example *x;
    struct sl_account *account;
    struct sl_op *op;
    struct gate gate;
    int64_t watermark; /* behind the next batch */
    int input;         /* of the next batch */
    int ended[PARTITIONS];
    int once; /* what is bound is bound to the rows' schema alone */
    int disk; /* states go through files */
    struct saved saved[SAVES];
    int nsaved;
    char trouble[512]; /* first failure that is no difference of rows */
    int rc;
    struct sl_err err;
};

static inline void trouble(struct run *r, const char *what)
{
    if (!r->trouble[0])
        snprintf(r->trouble, sizeof(r->trouble), "%s", what);
}

/* The schema of an example's rows that come by an input. */
static inline struct sl_schema *example_schema(const struct example *x, int input)
{
    struct sl_schema *s = input_schema(x->with_wm, input);
    if (!s || ((!x->timeless || sl_schema_set_meta(s, SL_META_TIME, NULL) == 0) &&
               (x->partitions > 1 || sl_schema_set_meta(s, SL_META_ORDER, NULL) == 0)))
        return s;
    sl_schema_unref(s);
    return NULL;
}

/* The same, its columns the other way round. */
static inline struct sl_schema *backwards(const struct example *x, int input)
{
    struct sl_schema *s = sl_schema_new(), *own = example_schema(x, input);
    int rc = s && own ? sl_schema_set_meta(s, SL_META_TIME, x->timeless ? NULL : "ts") : -1;
    if (rc == 0)
        rc = sl_schema_set_meta(s, SL_META_ORDER, x->partitions > 1 ? "hidden" : NULL);
    for (int c = rc == 0 ? own->nfields - 1 : -1; rc == 0 && c >= 0; c--)
        rc = sl_schema_add(s, own->fields[c].name, strlen(own->fields[c].name), own->fields[c].type,
                           NULL);
    sl_schema_unref(own);
    if (rc == 0)
        return s;
    sl_schema_unref(s);
    return NULL;
}

/* Binds op to a schema on an input, which is consumed: NULL and op freed if that fails. The last of n
 * inputs tells what comes out. */
static inline struct sl_op *bind_input(struct sl_op *op, int input, int n, struct sl_schema *in,
                                       struct sl_err *err)
{
    struct sl_schema *out = NULL;
    int rc = in ? 0 : sl_err_nomem(err, "the test's schema");
    if (op && rc == 0)
        rc = sl_op_schema(op, input, in, &out, err);
    if (op && rc == 0 && !out != (input < n - 1))
        rc =
            sl_err_set(err, SL_EFAIL, "input %d of %d tells what comes out, or does not", input, n);
    sl_schema_unref(out);
    sl_schema_unref(in);
    if (rc >= 0)
        return op;
    sl_op_free(op);
    return NULL;
}

static inline struct sl_op *bind_to(struct sl_op *op, struct sl_schema *in, struct sl_err *err)
{
    return bind_input(op, 0, 1, in, err);
}

static inline struct sl_op *bind_each(const struct example *x, struct sl_op *op,
                                      struct sl_schema *(*make)(const struct example *, int),
                                      struct sl_err *err)
{
    for (int i = 0; op && i < inputs_of(x); i++)
        op = bind_input(op, i, inputs_of(x), make(x, i), err);
    return op;
}

/* An operator bound to the rows' schema. */
static inline struct sl_op *bound_once(const struct example *x, struct sl_account *account,
                                       struct sl_err *err)
{
    return bind_each(x, x->make(x, account, err), example_schema, err);
}

/* The same, bound to another schema before, which it must forget. */
static inline struct sl_op *bound(const struct example *x, struct sl_account *account,
                                  struct sl_err *err)
{
    struct sl_op *op = bind_each(x, x->make(x, account, err), backwards, err);
    return bind_each(x, op, example_schema, err);
}

static inline struct sl_op *bound_for(const struct run *r, struct sl_err *err)
{
    return (r->once ? bound_once : bound)(r->x, r->account, err);
}

static inline void forget_saved(struct run *r)
{
    while (r->nsaved) {
        struct saved *s = &r->saved[--r->nsaved];
        if (s->store == &s->file.store)
            file_store_free(&s->file);
        else
            memory_free(&s->memory);
    }
}

/* Saves; a checkpoint leaves the operator as it was. What has changed comes on top of what was saved before, for
 * some times. */
static inline int save(struct run *r)
{
    if (!r->op->class->save)
        return 0;
    if (r->nsaved == SAVES || !(r->op->traits & SL_OP_CHANGES))
        forget_saved(r);
    struct saved *s = &r->saved[r->nsaved];
    if (r->disk && file_store_init(&s->file) < 0)
        return sl_err_sys(&r->err, "cannot make %s", s->file.dir);
    if (!r->disk)
        memory_init(&s->memory);
    s->store = r->disk ? &s->file.store : &s->memory.store;
    s->store->changes = r->nsaved++ > 0;
    int rc = r->op->class->save(r->op, s->store, &r->err);
    return rc < 0 ? rc : 0;
}

/* Saves, and goes on with a fresh operator that loads: what was saved is all there is. */
static inline int reload(struct run *r)
{
    if (!r->op->class->save)
        return 0;
    int rc = save(r);
    if (rc >= 0) {
        sl_op_free(r->op);
        memset(r->ended, 0, sizeof(r->ended));
        r->op = bound_for(r, &r->err);
        rc = r->op ? 0 : -SL_ENOMEM;
    }
    for (int i = 0; rc >= 0 && i < r->nsaved; i++)
        rc = r->op->class->load(r->op, r->saved[i].store, &r->err);
    return rc < 0 ? rc : 0;
}

/* What must hold after a push that answered rc >= 0; `emits` were emitted before. */
static inline void check_push(struct run *r, int rc, int emits)
{
    if (r->gate.done_at && r->gate.emits >= r->gate.done_at && !r->gate.done) {
        if (rc != SL_PUSH_DONE)
            trouble(r, "emit said DONE, push did not");
        if (r->gate.emits > SL_MAX(emits + 1, r->gate.done_at))
            trouble(r, "emitted after DONE");
    }
    if (rc == SL_PUSH_DONE)
        r->gate.done = 1;
    if (r->gate.window_before)
        trouble(r, "a window starts before a watermark that was emitted");
    if (r->gate.ahead)
        trouble(r, "a watermark is emitted that its inputs have not reached");
    if (!balanced(r->op, &r->gate))
        trouble(r, "the account does not balance");
}

static inline int push_input(struct run *r, int input, struct sl_batch *b, enum sl_directive d)
{
    int emits = r->gate.emits;
    if (b)
        r->gate.in += (int64_t)b->selected;
    if (b && r->watermark != SL_TIME_MIN)
        r->gate.told = r->watermark;
    int rc =
        push_behind(r->op, input, b, b ? r->watermark : SL_TIME_MIN, d, &r->gate.emit, &r->err);
    r->ended[input] = d == SL_END;
    if (rc >= 0)
        check_push(r, rc, emits);
    return SL_MIN(rc, 0);
}

/* Rows of r->input and a directive, which comes on every other input too; but END that comes with rows is
 * of their input alone. */
static inline int push(struct run *r, struct sl_batch *b, enum sl_directive d)
{
    int rc = 0;
    if (r->gate.done && b)
        return 0;
    if (b || !r->ended[r->input])
        rc = push_input(r, r->input, b, d);
    for (int i = 0; rc >= 0 && d != SL_MORE && !(b && d == SL_END) && i < inputs_of(r->x); i++)
        if (i != r->input && !r->ended[i])
            rc = push_input(r, i, NULL, d);
    return rc;
}

/* The rows of a batch as text. */
static inline void print_batch(struct sl_batch *b, struct sl_buf *out)
{
    struct gate all = {0};
    struct sl_buf line = SL_BUF_INIT;
    sl_buf_reset(out);
    for (size_t i = 0; i < b->rows && print_row(&all, b, i, &line, NULL) == 0; i++)
        sl_buf_add(out, line.data, line.len);
    sl_buf_release(&line);
}

/* Pushes a batch of a schedule and lets go of it. */
static inline void push_one(struct run *r, const struct schedule *s, struct sl_batch *b,
                            enum sl_directive d)
{
    struct sl_buf before = SL_BUF_INIT, after = SL_BUF_INIT;
    if (s->watch)
        print_batch(b, &before);
    r->rc = push(r, b, d);
    if (s->watch) {
        print_batch(b, &after);
        if (before.len != after.len || (after.len && memcmp(before.data, after.data, after.len)))
            trouble(r, "a batch was changed");
    }
    sl_buf_release(&before);
    sl_buf_release(&after);
    if (!s->prompt || d == SL_MORE || r->rc < 0 || inputs_of(r->x) > 1)
        return;
    int *known = &s->prompt[r->gate.in];
    if (*known < 0)
        *known = (int)r->gate.out;
    else if (*known != (int)r->gate.out)
        trouble(r, "rows out after a FLUSH depend on the cut");
}

/* The input that the operator asks for, -1: any. */
static inline int asked_for(struct run *r)
{
    int n = inputs_of(r->x), input = r->op->class->next_input(r->op);
    if (input >= -1 && input < n && (input < 0 || !r->ended[input]))
        return input;
    trouble(r, "asks for an input that has ended, or that there is not");
    return -1;
}

/* The input that is to be pulled; it has rows left, or is to end. */
static inline int input_to_pull(struct run *r, const struct feed *f, int input, int unasked)
{
    int n = inputs_of(r->x);
    for (int i = 0; unasked && input >= 0 && i < n; i++)
        if (i != input && f->at[i] && f->at[i] < f->rows[i])
            return i;
    for (int i = 0; input < 0 && i < n; i++) /* any: none has rows */
        if (!r->ended[f->order == 2 ? n - 1 - i : i])
            input = f->order == 2 ? n - 1 - i : i;
    return input;
}

static inline int has_ended(const struct run *r)
{
    int n = 0;
    for (int i = 0; i < inputs_of(r->x); i++)
        n += r->ended[i];
    return n == inputs_of(r->x);
}

/* The next batch of a run, for r->input; NULL: there is none, and several inputs have ended. */
static inline struct sl_batch *next_batch(struct run *r, struct feed *f, int unasked)
{
    if (inputs_of(r->x) == 1)
        return feed_next(f);
    while (r->rc >= 0 && !has_ended(r)) {
        int input = asked_for(r);
        r->input = input_to_pull(r, f, input < 0 ? feed_pick(f) : input, unasked);
        if (f->at[r->input] < f->rows[r->input])
            return feed_take(f, r->input);
        r->rc = push_input(r, r->input, NULL, SL_END);
        memcpy(f->ended, r->ended, sizeof(f->ended));
    }
    return NULL;
}

static inline enum sl_directive directive_at(const struct run *r, const struct schedule *s,
                                             const struct feed *f, int pushes)
{
    if (s->stop_at == pushes)
        return SL_STOP;
    if (s->barrier_every && pushes % s->barrier_every == 0)
        return SL_BARRIER;
    if (s->flush_every && pushes % s->flush_every == 0)
        return SL_FLUSH;
    return s->end_with_rows && inputs_of(r->x) > 1 && f->at[r->input] >= f->rows[r->input]
               ? SL_END
               : SL_MORE;
}

static inline void begin_run(struct run *r, struct feed *f, size_t cut, int order, enum form form)
{
    sl_err_init(&r->err);
    r->gate.hide_wm = r->x->with_wm;
    feed_init(f, r->x->partitions, cut, order, form, r->x->with_wm);
    f->inputs = inputs_of(r->x);
    if (r->x->empty)
        f->rows[r->x->empty - 1] = 0;
    r->op = bound_for(r, &r->err);
    r->rc = r->op ? 0 : -SL_EFAIL;
}

static inline void end_run(struct run *r)
{
    if (r->rc >= 0)
        r->rc = push(r, NULL, SL_END);
    if (r->rc >= 0 && !r->gate.done && r->op->class->held && r->op->class->held(r->op))
        trouble(r, "rows are held after END");
    sl_op_free(r->op);
    r->op = NULL;
    forget_saved(r);
}

/* One run of the example by a schedule; rows and rejects stay in r->gate. */
static inline void run_schedule(struct run *r, const struct schedule *s)
{
    struct feed f;
    struct sl_batch *b, *kept[PARTITIONS * ROWS];
    int pushes = 0, nkept = 0;

    r->disk = s->disk;
    r->once |= s->keep;
    begin_run(r, &f, s->cut, s->order, s->form);
    while (r->rc >= 0 &&
           (b = next_batch(r, &f, s->unasked && pushes % s->unasked == s->unasked - 1))) {
        r->watermark = f.watermark;
        enum sl_directive d = directive_at(r, s, &f, ++pushes);
        push_one(r, s, b, d);
        f.ended[r->input] = r->ended[r->input];
        if (s->keep)
            kept[nkept++] = b;
        else
            sl_batch_unref(b);
        if (r->rc >= 0 && (d == SL_STOP || (d == SL_BARRIER && s->then == BARRIER_RELOAD)))
            r->rc = reload(r);
        else if (r->rc >= 0 && d == SL_BARRIER && s->then == BARRIER_SAVE)
            r->rc = r->nsaved == 2 ? reload(r) : save(r); /* changes on top of changes */
    }
    end_run(r);
    while (nkept)
        sl_batch_unref(kept[--nkept]);
}

enum { COPIES = 3 };

static inline void split_run(struct run *r, struct sl_op **copy)
{
    for (int c = 0; c < COPIES; c++) {
        sl_op_free(copy[c]);
        copy[c] = r->rc >= 0 ? r->op->class->split(r->op, &r->err) : NULL;
        if (r->rc >= 0 && !copy[c])
            r->rc = -SL_EFAIL;
    }
}

/* The copies are empty then, and may go on. */
static inline void merge_run(struct run *r, struct sl_op *const *copy)
{
    for (int c = 0; r->rc >= 0 && c < COPIES; c++)
        r->rc = r->op->class->merge(r->op, copy[c], &r->err);
}

/* Rows through copies, merged at the end; saves: at barriers, too, where the state is saved, or loaded. */
static inline void run_split(struct run *r, size_t cut, int saves)
{
    struct feed f;
    struct sl_batch *b;
    struct sl_op *copy[COPIES] = {NULL};
    int i = 0;

    gate_init(&r->gate);
    begin_run(r, &f, cut, 1, FORM_SELECTION);
    split_run(r, copy);
    while (r->rc >= 0 && (b = feed_next(&f))) {
        r->watermark = f.watermark;
        r->gate.in += (int64_t)b->selected;
        r->rc = push_told(copy[i % 3], b, f.watermark, i % 2 ? SL_FLUSH : SL_MORE, &r->gate.emit,
                          &r->err);
        sl_batch_unref(b);
        if (++i % 4 || !saves)
            continue;
        merge_run(r, copy);
        if (r->rc >= 0)
            r->rc = i % 12 ? save(r) : reload(r);
        if (i % 12 == 0)
            split_run(r, copy);
    }
    merge_run(r, copy);
    for (int c = 0; c < COPIES; c++)
        sl_op_free(copy[c]);
    end_run(r);
}

/* Takes away the columns that op does not say it computes with. */
static inline void strip(struct sl_op *op, int input, struct sl_batch *b)
{
    uint8_t bits[4] = {0};
    op->class->needs(op, input, NULL, bits);
    for (int c = 0; c < b->schema->nfields; c++) {
        if (sl_bit(bits, (size_t)c))
            continue;
        sl_column_unref(b->columns[c]);
        b->columns[c] = NULL;
    }
}

/* A run, with states, on the columns alone that the operator asks for. */
static inline void run_stripped(struct run *r, size_t cut)
{
    struct feed f;
    struct sl_batch *b;
    gate_init(&r->gate);
    begin_run(r, &f, cut, 1, FORM_LAZY);
    while (r->rc >= 0 && (b = next_batch(r, &f, 0))) {
        r->watermark = f.watermark;
        strip(r->op, r->input, b);
        r->rc = push(r, b, SL_BARRIER);
        sl_batch_unref(b);
        if (r->rc >= 0)
            r->rc = reload(r);
    }
    end_run(r);
}

#endif

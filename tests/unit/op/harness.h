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
 * Failures are counted and told, not asserted: the contract test asserts that a good operator has none
 * and a wrong one has some.
 */
#ifndef SL_TESTS_OP_HARNESS_H
#define SL_TESTS_OP_HARNESS_H

#include "harness_rows.h"
#include "harness_store.h"
#include "op/op.h"

struct example {
    const char *class; /* name of the class that it is an example of */
    const char *name;
    struct sl_op *(*make)(const struct example *x, struct sl_account *account, struct sl_err *err);
    int partitions; /* 1: the order of arrival matters, and no column tells another */
    int ordered;    /* the order of the output is promised */
    int with_wm;    /* the rows have `_wm` */
    int may_reject; /* some rows are bad */
    int timeless;   /* the schema names no time column: ts is a value like others */
};

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
    int *prompt; /* rows out after a FLUSH behind so many rows in: set or, if known, compared */
};

/* ---- what an operator gives ---- */

struct lines {
    char **text;
    size_t n, cap;
};

struct gate { /* the test's emit */
    struct sl_emit emit;
    struct lines rows, rejects;
    int64_t in, out, fate[SL_FATE_COUNT];
    int done;
    int hide_wm;       /* `_wm` is the input's own */
    int64_t watermark; /* greatest emitted */
    int window_before; /* rows of windows that start before it, emitted later */
    int emits;         /* batches of rows so far */
    int done_at;       /* emit answers DONE from this one on, 0 = never */
    int fail_at;       /* ... or fails, 0 = never */
    int fail_reject;
    int asides; /* calls with rejects */
};

/* The harness's own memory does not go through the allocator under test. */
static inline void lines_add(struct lines *l, const char *s, size_t n)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->text = realloc(l->text, l->cap * sizeof(*l->text));
    }
    char *copy = malloc(n + 1);
    memcpy(copy, s, n);
    copy[n] = '\0';
    l->text[l->n++] = copy;
}

static inline void lines_free(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->text[i]);
    free(l->text);
    memset(l, 0, sizeof(*l));
}

static inline int print_row(const struct gate *g, struct sl_batch *b, size_t row,
                            struct sl_buf *out, struct sl_err *err)
{
    sl_buf_reset(out);
    for (int c = 0; c < b->schema->nfields; c++) {
        if (g->hide_wm && !strcmp(b->schema->fields[c].name, "_wm"))
            continue;
        int rc = b->columns[c] ? sl_column_load(b->columns[c], err) : 0;
        if (rc < 0)
            return rc;
        if (out->len)
            sl_buf_addch(out, '|');
        if (!b->columns[c])
            sl_buf_addstr(out, "(absent)");
        else if (sl_column_null(b->columns[c], row))
            sl_buf_addstr(out, "(null)");
        else
            sl_column_print(b->columns[c], row, out);
    }
    return sl_buf_check(out, err);
}

/* Rows of b, results of windows, whose window starts before a watermark. */
static inline int windows_before(struct sl_batch *b, int64_t watermark)
{
    int c = sl_schema_time_index(b->schema), n = 0;
    if (c < 0 || strcmp(b->schema->fields[c].name, "window_start") != 0)
        return 0;
    for (size_t k = 0; k < b->selected; k++) {
        const struct sl_column *h;
        size_t slot = sl_column_slot(b->columns[c], sl_batch_row(b, k), &h);
        n += ((const int64_t *)h->data)[slot] < watermark;
    }
    return n;
}

static int gate_emit(struct sl_emit *e, struct sl_batch *b, struct sl_err *err)
{
    struct gate *g = (struct gate *)e;
    struct sl_buf line = SL_BUF_INIT;
    const char *broken = sl_batch_check(b);
    int rc = 0;
    if (broken)
        return sl_err_set(err, SL_EFAIL, "emitted a broken batch: %s", broken);
    g->emits += b->selected != 0;
    if (g->fail_at && g->emits >= g->fail_at)
        return sl_err_set(err, SL_EIO, "the test's sink fails");
    g->out += (int64_t)b->selected;
    g->window_before += windows_before(b, g->watermark);
    for (size_t k = 0; rc >= 0 && k < b->selected; k++) {
        rc = print_row(g, b, sl_batch_row(b, k), &line, err);
        if (rc >= 0)
            lines_add(&g->rows, line.data ? line.data : "", line.len);
    }
    sl_buf_release(&line);
    if (rc >= 0 && g->done_at && g->emits >= g->done_at)
        return SL_PUSH_DONE;
    return rc < 0 ? rc : SL_PUSH_OK;
}

static int gate_watermark(struct sl_emit *e, int64_t watermark, struct sl_err *err)
{
    struct gate *g = (struct gate *)e;
    (void)err;
    g->watermark = SL_MAX(g->watermark, watermark);
    return SL_PUSH_OK;
}

static int gate_aside(struct sl_emit *e, enum sl_aside_kind kind, struct sl_batch *b,
                      const struct sl_aside_row *rows, size_t n, struct sl_err *err)
{
    struct gate *g = (struct gate *)e;
    struct sl_buf line = SL_BUF_INIT;
    int rc = n ? 0 : sl_err_set(err, SL_EBUG, "no row goes aside");
    g->asides += kind == SL_ASIDE_REJECTED;
    g->fate[kind == SL_ASIDE_LATE ? SL_FATE_LATE : SL_FATE_REJECTED] += (int64_t)n;
    for (size_t i = 1; i < n && rc >= 0; i++)
        if (rows[i].row <= rows[i - 1].row)
            rc = sl_err_set(err, SL_EBUG, "rows go aside out of order");
    for (size_t i = 0; kind == SL_ASIDE_REJECTED && i < n && rc >= 0; i++) {
        rc = rows[i].what && *rows[i].what ? print_row(g, b, rows[i].row, &line, err)
                                           : sl_err_set(err, SL_EBUG, "a reject without a reason");
        if (g->fail_reject && rc >= 0)
            rc = sl_err_set(err, SL_EFORMAT, "the test takes no rejects");
        if (rc >= 0)
            lines_add(&g->rejects, line.data ? line.data : "", line.len);
    }
    sl_buf_release(&line);
    return rc;
}

static void gate_fate(struct sl_emit *e, enum sl_fate fate, int64_t rows)
{
    ((struct gate *)e)->fate[fate] += rows;
}

static inline void gate_init(struct gate *g)
{
    memset(g, 0, sizeof(*g));
    g->watermark = SL_TIME_MIN;
    g->emit = (struct sl_emit){
        .emit = gate_emit, .watermark = gate_watermark, .aside = gate_aside, .fate = gate_fate};
}

/* A batch (may be NULL), then the watermark behind it, then the directive, as the loop does. */
static inline int push_told(struct sl_op *op, struct sl_batch *b, int64_t watermark,
                            enum sl_directive d, struct sl_emit *out, struct sl_err *err)
{
    if (watermark == SL_TIME_MIN)
        return sl_op_push(op, 0, b, d, out, err);
    int rc = b ? sl_op_push(op, 0, b, SL_MORE, out, err) : SL_PUSH_OK;
    if (rc != SL_PUSH_OK)
        return rc;
    rc = op->class->watermark ? op->class->watermark(op, watermark, out, err)
                              : out->watermark(out, watermark, err);
    return rc == SL_PUSH_OK && d != SL_MORE ? sl_op_push(op, 0, NULL, d, out, err) : rc;
}

static inline void gate_free(struct gate *g)
{
    lines_free(&g->rows);
    lines_free(&g->rejects);
}

/* ---- the account ---- */

static inline int64_t account_term(const struct gate *g, int64_t held, const char *s, size_t n)
{
    static const char *const names[] = {"filtered", "rejected", "late",     "late_idle", "used",
                                        "cut",      "deduped",  "assigned", "released"};
    for (int f = 0; f < SL_FATE_COUNT; f++)
        if (strlen(names[f]) == n && !memcmp(names[f], s, n))
            return g->fate[f];
    if (n == 2 && !memcmp(s, "in", 2))
        return g->in;
    if (n == 3 && !memcmp(s, "out", 3))
        return g->out;
    return n == 4 && !memcmp(s, "held", 4) ? held : INT64_MIN / 4;
}

/* 1 if every equation of the class's account holds. */
static inline int balanced(const struct sl_op *op, const struct gate *g)
{
    int64_t held = op->class->held ? op->class->held(op) : 0, side[2] = {0, 0};
    int right = 0, good = 1;
    for (const char *p = op->class->account;;) {
        size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz_");
        if (n) {
            side[right] += account_term(g, held, p, n);
            p += n;
        } else if (*p == '=') {
            right = 1;
            p++;
        } else if (*p == ',' || !*p) {
            good &= side[0] == side[1];
            side[0] = side[1] = right = 0;
            if (!*p++)
                return good;
        } else {
            p++;
        }
    }
}

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

struct run {
    const struct example *x;
    struct sl_account *account;
    struct sl_op *op;
    struct gate gate;
    int64_t watermark; /* behind the next batch */
    int disk;          /* reload() goes through files */
    char trouble[512]; /* first failure that is no difference of rows */
    int rc;
    struct sl_err err;
};

static inline void trouble(struct run *r, const char *what)
{
    if (!r->trouble[0])
        snprintf(r->trouble, sizeof(r->trouble), "%s", what);
}

/* The schema of an example's rows. */
static inline struct sl_schema *example_schema(const struct example *x)
{
    struct sl_schema *s = rows_schema(x->with_wm);
    if (!s || ((!x->timeless || sl_schema_set_meta(s, SL_META_TIME, NULL) == 0) &&
               (x->partitions > 1 || sl_schema_set_meta(s, SL_META_ORDER, NULL) == 0)))
        return s;
    sl_schema_unref(s);
    return NULL;
}

/* The same, its columns the other way round. */
static inline struct sl_schema *backwards(const struct example *x)
{
    struct sl_schema *s = sl_schema_new();
    int rc = s ? sl_schema_set_meta(s, SL_META_TIME, x->timeless ? NULL : "ts") : -1;
    if (rc == 0)
        rc = sl_schema_set_meta(s, SL_META_ORDER, x->partitions > 1 ? "hidden" : NULL);
    for (int c = COLUMNS - !x->with_wm - 1; rc == 0 && c >= 0; c--)
        rc = sl_schema_add(s, row_names[c], strlen(row_names[c]), row_type(c), NULL);
    if (rc == 0)
        return s;
    sl_schema_unref(s);
    return NULL;
}

/* Binds op to a schema, which is consumed: NULL and op freed if that fails. */
static inline struct sl_op *bind_to(struct sl_op *op, struct sl_schema *in, struct sl_err *err)
{
    struct sl_schema *out = NULL;
    int rc = in ? 0 : sl_err_nomem(err, "the test's schema");
    if (op && rc == 0)
        rc = sl_op_schema(op, 0, in, &out, err);
    sl_schema_unref(out);
    sl_schema_unref(in);
    if (rc >= 0)
        return op;
    sl_op_free(op);
    return NULL;
}

/* An operator bound to the rows' schema. */
static inline struct sl_op *bound_once(const struct example *x, struct sl_account *account,
                                       struct sl_err *err)
{
    return bind_to(x->make(x, account, err), example_schema(x), err);
}

/* The same, bound to another schema before, which it must forget. */
static inline struct sl_op *bound(const struct example *x, struct sl_account *account,
                                  struct sl_err *err)
{
    struct sl_op *op = bind_to(x->make(x, account, err), backwards(x), err);
    return op ? bind_to(op, example_schema(x), err) : NULL;
}

/* Saves; a checkpoint leaves the operator as it was. */
static inline int save(struct run *r)
{
    struct memory_store m;
    if (!r->op->class->save)
        return 0;
    memory_init(&m);
    int rc = r->op->class->save(r->op, &m.store, &r->err);
    memory_free(&m);
    return rc < 0 ? rc : 0;
}

/* Saves, and goes on with a fresh operator that loads: what was saved is all there is. */
static inline int reload_from(struct run *r, struct sl_store *store)
{
    int rc = r->op->class->save(r->op, store, &r->err);
    if (rc >= 0) {
        sl_op_free(r->op);
        r->op = bound(r->x, r->account, &r->err);
        rc = r->op ? r->op->class->load(r->op, store, &r->err) : -SL_ENOMEM;
    }
    return rc < 0 ? rc : 0;
}

static inline int reload(struct run *r)
{
    struct memory_store m;
    struct file_store f;
    if (!r->op->class->save)
        return 0;
    if (r->disk) {
        int rc = file_store_init(&f) < 0 ? sl_err_sys(&r->err, "cannot make %s", f.dir)
                                         : reload_from(r, &f.store);
        file_store_free(&f);
        return rc;
    }
    memory_init(&m);
    int rc = reload_from(r, &m.store);
    memory_free(&m);
    return rc;
}

static inline int push(struct run *r, struct sl_batch *b, enum sl_directive d)
{
    if (r->gate.done && b)
        return 0;
    if (b)
        r->gate.in += (int64_t)b->selected;
    int emits = r->gate.emits;
    int rc = push_told(r->op, b, b ? r->watermark : SL_TIME_MIN, d, &r->gate.emit, &r->err);
    if (rc < 0)
        return rc;
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
    if (!balanced(r->op, &r->gate))
        trouble(r, "the account does not balance");
    return 0;
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
    if (!s->prompt || d == SL_MORE || r->rc < 0)
        return;
    int *known = &s->prompt[r->gate.in];
    if (*known < 0)
        *known = (int)r->gate.out;
    else if (*known != (int)r->gate.out)
        trouble(r, "rows out after a FLUSH depend on the cut");
}

/* One run of the example by a schedule; rows and rejects stay in r->gate. */
static inline void run_schedule(struct run *r, const struct schedule *s)
{
    struct feed f;
    struct sl_batch *b, *kept[PARTITIONS * ROWS];
    int pushes = 0, nkept = 0;

    sl_err_init(&r->err);
    r->gate.hide_wm = r->x->with_wm;
    r->disk = s->disk;
    feed_init(&f, r->x->partitions, s->cut, s->order, s->form, r->x->with_wm);
    r->op = (s->keep ? bound_once : bound)(r->x, r->account, &r->err);
    r->rc = r->op ? 0 : -SL_EFAIL;
    while (r->rc >= 0 && (b = feed_next(&f))) {
        r->watermark = f.watermark;
        enum sl_directive d = SL_MORE;
        pushes++;
        if (s->flush_every && pushes % s->flush_every == 0)
            d = SL_FLUSH;
        if (s->barrier_every && pushes % s->barrier_every == 0)
            d = SL_BARRIER;
        if (s->stop_at == pushes)
            d = SL_STOP;
        push_one(r, s, b, d);
        if (s->keep)
            kept[nkept++] = b;
        else
            sl_batch_unref(b);
        if (r->rc >= 0 && (d == SL_STOP || (d == SL_BARRIER && s->then == BARRIER_RELOAD)))
            r->rc = reload(r);
        else if (r->rc >= 0 && d == SL_BARRIER && s->then == BARRIER_SAVE)
            r->rc = save(r);
    }
    if (r->rc >= 0)
        r->rc = push(r, NULL, SL_END);
    while (nkept)
        sl_batch_unref(kept[--nkept]);
    if (r->rc >= 0 && r->op->class->held && r->op->class->held(r->op))
        trouble(r, "rows are held after END");
    sl_op_free(r->op);
    r->op = NULL;
    feed_free(&f);
}

/* Rows through three copies, merged at the end. */
static inline void run_split(struct run *r, size_t cut)
{
    struct feed f;
    struct sl_batch *b;
    struct sl_op *copy[3] = {NULL, NULL, NULL}, *own;
    int i = 0;

    sl_err_init(&r->err);
    gate_init(&r->gate);
    r->gate.hide_wm = r->x->with_wm;
    feed_init(&f, r->x->partitions, cut, 1, FORM_SELECTION, r->x->with_wm);
    own = bound(r->x, r->account, &r->err);
    r->rc = own ? 0 : -SL_EFAIL;
    for (int c = 0; r->rc >= 0 && c < 3; c++) {
        copy[c] = own->class->split(own, &r->err);
        r->rc = copy[c] ? 0 : -SL_EFAIL;
    }
    while (r->rc >= 0 && (b = feed_next(&f))) {
        r->watermark = f.watermark;
        r->gate.in += (int64_t)b->selected;
        r->rc = push_told(copy[i % 3], b, f.watermark, i % 2 ? SL_FLUSH : SL_MORE, &r->gate.emit,
                          &r->err);
        sl_batch_unref(b);
        i++;
    }
    for (int c = 0; r->rc >= 0 && c < 3; c++)
        r->rc = own->class->merge(own, copy[c], &r->err);
    for (int c = 0; c < 3; c++)
        sl_op_free(copy[c]);
    if (r->rc >= 0) {
        r->op = own;
        r->rc = push(r, NULL, SL_END);
    }
    sl_op_free(own);
    r->op = NULL;
    feed_free(&f);
}

/* Takes away the columns that op does not say it computes with. */
static inline void strip(struct sl_op *op, struct sl_batch *b)
{
    uint8_t bits[4] = {0};
    op->class->needs(op, 0, NULL, bits);
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
    sl_err_init(&r->err);
    gate_init(&r->gate);
    r->gate.hide_wm = r->x->with_wm;
    feed_init(&f, r->x->partitions, cut, 1, FORM_LAZY, r->x->with_wm);
    r->op = bound(r->x, r->account, &r->err);
    r->rc = r->op ? 0 : -SL_EFAIL;
    while (r->rc >= 0 && (b = feed_next(&f))) {
        r->watermark = f.watermark;
        strip(r->op, b);
        r->rc = push(r, b, SL_BARRIER);
        sl_batch_unref(b);
        if (r->rc >= 0)
            r->rc = reload(r);
    }
    if (r->rc >= 0)
        r->rc = push(r, NULL, SL_END);
    sl_op_free(r->op);
    r->op = NULL;
    feed_free(&f);
}

/* ---- comparing ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* 1 if equal; sorts both unless the order is promised. Tells the first difference. */
static inline int same_lines(struct lines *a, struct lines *b, int ordered, char *what)
{
    if (!ordered) {
        if (a->n)
            qsort(a->text, a->n, sizeof(*a->text), by_text);
        if (b->n)
            qsort(b->text, b->n, sizeof(*b->text), by_text);
    }
    for (size_t i = 0; i < a->n || i < b->n; i++) {
        const char *x = i < a->n ? a->text[i] : "(nothing)";
        const char *y = i < b->n ? b->text[i] : "(nothing)";
        if (strcmp(x, y) != 0) {
            snprintf(what, 512, "line %zu is %s, not %s", i + 1, y, x);
            return 0;
        }
    }
    return 1;
}

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * harness: what every operator is held to, as code that can judge a wrong one.
 *
 * An example is an operator's constructor over the test's rows (op/harness_rows.h). A run pushes the
 * rows by a schedule: how they are cut, how partitions interleave, in which form columns come, where
 * FLUSH and BARRIER stand; at a BARRIER the state may be saved and loaded into a fresh operator. The
 * final rows of all schedules must be the same, and the operator's own account must balance after
 * every directive. Failures are counted and told, not asserted: the contract test asserts that a good
 * operator has none and a wrong one has some.
 */
#ifndef SL_TESTS_OP_HARNESS_H
#define SL_TESTS_OP_HARNESS_H

#include "harness_rows.h"
#include "op/op.h"

struct example {
    const char *class; /* name of the class that it is an example of */
    const char *name;
    struct sl_op *(*make)(const struct example *x, struct sl_account *account, struct sl_err *err);
    int partitions; /* 1: the order of arrival matters */
    int ordered;    /* the order of the output is promised */
    int with_wm;    /* the rows have `_wm` */
    int may_reject; /* some rows are bad */
};

struct schedule {
    size_t cut;        /* rows a batch */
    int order;         /* partitions: 0 one after the other, 1 in turns, 2 backwards, 3 mixed */
    enum form form;    /* of columns */
    int flush_every;   /* pushes, 0 = never */
    int barrier_every; /* pushes, 0 = never */
    int reload;        /* at a barrier save, and go on with a fresh operator */
    int stop_at;       /* after so many pushes STOP, save, load, go on; 0 = no */
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
    int hide_wm; /* `_wm` is the input's own */
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

static int gate_emit(struct sl_emit *e, struct sl_batch *b, struct sl_err *err)
{
    struct gate *g = (struct gate *)e;
    struct sl_buf line = SL_BUF_INIT;
    int rc = 0;
    g->out += (int64_t)b->selected;
    for (size_t k = 0; rc >= 0 && k < b->selected; k++) {
        rc = print_row(g, b, sl_batch_row(b, k), &line, err);
        if (rc >= 0)
            lines_add(&g->rows, line.data ? line.data : "", line.len);
    }
    sl_buf_release(&line);
    return rc < 0 ? rc : SL_PUSH_OK;
}

static int gate_reject(struct sl_emit *e, struct sl_batch *b, size_t row, const struct sl_err *why,
                       struct sl_err *err)
{
    struct gate *g = (struct gate *)e;
    struct sl_buf line = SL_BUF_INIT;
    int rc = print_row(g, b, row, &line, err);
    (void)why;
    if (rc >= 0)
        lines_add(&g->rejects, line.data ? line.data : "", line.len);
    g->fate[SL_FATE_REJECTED]++;
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
    g->emit = (struct sl_emit){.emit = gate_emit, .reject = gate_reject, .fate = gate_fate};
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
    char trouble[512]; /* first failure that is no difference of rows */
    int rc;
    struct sl_err err;
};

static inline void trouble(struct run *r, const char *what)
{
    if (!r->trouble[0])
        snprintf(r->trouble, sizeof(r->trouble), "%s", what);
}

static inline struct sl_op *bound(const struct example *x, struct sl_account *account,
                                  struct sl_err *err)
{
    struct sl_schema *out = NULL, *in = rows_schema(x->with_wm);
    struct sl_op *op = in ? x->make(x, account, err) : NULL;
    if (!in)
        sl_err_nomem(err, "the test's schema");
    if (op && sl_op_schema(op, 0, in, &out, err) < 0) {
        sl_op_free(op);
        op = NULL;
    }
    sl_schema_unref(out);
    sl_schema_unref(in);
    return op;
}

/* Saves, and goes on with a fresh operator that loads. */
static inline int reload(struct run *r)
{
    struct memory_store m;
    struct sl_op *fresh = NULL;
    int rc = 0;
    if (!r->op->class->save)
        return 0;
    memory_init(&m);
    rc = r->op->class->save(r->op, &m.store, &r->err);
    if (rc >= 0) {
        fresh = bound(r->x, r->account, &r->err);
        rc = fresh ? fresh->class->load(fresh, &m.store, &r->err) : -SL_ENOMEM;
    }
    memory_free(&m);
    if (rc < 0) {
        sl_op_free(fresh);
        return rc;
    }
    sl_op_free(r->op);
    r->op = fresh;
    return 0;
}

static inline int push(struct run *r, struct sl_batch *b, enum sl_directive d)
{
    if (r->gate.done && b)
        return 0;
    if (b)
        r->gate.in += (int64_t)b->selected;
    int rc = sl_op_push(r->op, 0, b, d, &r->gate.emit, &r->err);
    if (rc < 0)
        return rc;
    if (rc == SL_PUSH_DONE)
        r->gate.done = 1;
    if (!balanced(r->op, &r->gate))
        trouble(r, "the account does not balance");
    return 0;
}

/* One run of the example by a schedule; rows and rejects stay in r->gate. */
static inline void run_schedule(struct run *r, const struct schedule *s)
{
    struct feed f;
    struct sl_batch *b;
    int pushes = 0;

    sl_err_init(&r->err);
    gate_init(&r->gate);
    r->gate.hide_wm = r->x->with_wm;
    feed_init(&f, r->x->partitions, s->cut, s->order, s->form, r->x->with_wm);
    r->op = bound(r->x, r->account, &r->err);
    r->rc = r->op ? 0 : -SL_EFAIL;
    while (r->rc >= 0 && (b = feed_next(&f))) {
        enum sl_directive d = SL_MORE;
        pushes++;
        if (s->flush_every && pushes % s->flush_every == 0)
            d = SL_FLUSH;
        if (s->barrier_every && pushes % s->barrier_every == 0)
            d = SL_BARRIER;
        if (s->stop_at == pushes)
            d = SL_STOP;
        r->rc = push(r, b, d);
        sl_batch_unref(b);
        if (r->rc >= 0 && (d == SL_STOP || (d == SL_BARRIER && s->reload)))
            r->rc = reload(r);
    }
    if (r->rc >= 0)
        r->rc = push(r, NULL, SL_END);
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
        r->gate.in += (int64_t)b->selected;
        r->rc = sl_op_push(copy[i++ % 3], 0, b, SL_MORE, &r->gate.emit, &r->err);
        sl_batch_unref(b);
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

/* ---- the judgement ---- */

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

struct verdict {
    int runs, failures;
    char first[1024]; /* the first failure */
};

static inline void judge(struct verdict *v, struct run *want, struct run *r, const char *label)
{
    char what[768] = "";
    v->runs++;
    if (r->rc < 0)
        snprintf(what, sizeof(what), "failed: %s (%s)", r->err.what, r->err.hint);
    else if (r->trouble[0])
        snprintf(what, sizeof(what), "%s", r->trouble);
    else if (same_lines(&want->gate.rows, &r->gate.rows, r->x->ordered, what) &&
             same_lines(&want->gate.rejects, &r->gate.rejects, 0, what) &&
             r->gate.fate[SL_FATE_LATE] == want->gate.fate[SL_FATE_LATE])
        what[0] = '\0';
    else if (!what[0])
        snprintf(what, sizeof(what), "%lld rows are late, not %lld",
                 (long long)r->gate.fate[SL_FATE_LATE], (long long)want->gate.fate[SL_FATE_LATE]);
    if (what[0] && !v->failures++)
        snprintf(v->first, sizeof(v->first), "%s %s, %s: %s", r->x->class, r->x->name, label, what);
    gate_free(&r->gate);
    memset(r->trouble, 0, sizeof(r->trouble));
}

/* Every schedule of the contract, but for faults of allocation. */
static inline struct verdict judge_example(const struct example *x, struct sl_account *account)
{
    static const size_t cuts[] = {1, 2, 7, 1000000};
    struct verdict v = {0, 0, ""};
    struct run want = {.x = x, .account = account}, r = {.x = x, .account = account};
    struct schedule s = {.cut = 1000000};
    char label[200];

    run_schedule(&want, &s);
    if (want.rc < 0 || want.trouble[0]) {
        v.failures = 1;
        snprintf(v.first, sizeof(v.first), "%s %s: %s %s", x->class, x->name, want.err.what,
                 want.trouble);
        gate_free(&want.gate);
        return v;
    }
    for (size_t c = 0; c < SL_COUNT(cuts); c++) {
        for (int k = 0; k < 24; k++) {
            int order = x->partitions > 1 ? k % 4 : 0;
            s = (struct schedule){.cut = cuts[c],
                                  .order = order,
                                  .form = (enum form)((k + (int)c) % FORMS),
                                  .flush_every = k % 3 == 0   ? 0
                                                 : k % 3 == 1 ? 1
                                                              : 3,
                                  .barrier_every = k < 12 ? 0 : 1 + k % 5,
                                  .reload = k >= 12,
                                  .stop_at = k == 5 ? 4 : 0};
            /* An operator for a follower passes rows on after a FLUSH: its order is arrival's. */
            run_schedule(&r, &s);
            snprintf(label, sizeof(label), "cut %zu, order %d, form %d, flush %d, barrier %d",
                     s.cut, s.order, (int)s.form, s.flush_every, s.barrier_every);
            judge(&v, &want, &r, label);
        }
    }
    struct sl_op *probe = bound(x, account, &r.err);
    int splits = probe && probe->class->split && (probe->traits || probe->class->merge);
    sl_op_free(probe);
    for (size_t c = 0; splits && c < SL_COUNT(cuts); c++) {
        run_split(&r, cuts[c]);
        snprintf(label, sizeof(label), "three copies, cut %zu", cuts[c]);
        judge(&v, &want, &r, label);
    }
    gate_free(&want.gate);
    return v;
}

#endif

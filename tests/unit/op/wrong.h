/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * wrong: an operator of the contract test's own, right or wrong in a chosen way. The contract is worth
 * what it finds: each mistake below must be found out, and the operator without one must pass.
 */
#ifndef SL_TESTS_OP_WRONG_H
#define SL_TESTS_OP_WRONG_H

#include "state/cells.h"

#include <sys/wait.h>
#include <unistd.h>
#include "judge.h"

static const struct mistake {
    const char *name, *what;
    int inputs, changes; /* changes: it saves what has changed */
} mistakes[] = {
    {"none", "does it right"},
    {"per batch", "gives totals per batch"},
    {"eager", "gives at FLUSH what END would have changed"},
    {"slow", "holds back what may go, until a larger batch comes"},
    {"dropping", "loses the rows that come with a BARRIER"},
    {"forgetful", "saves nothing"},
    {"partly", "saves a part of its state"},
    {"emptied", "is empty after it saved"},
    {"lending", "saves rows that go when it goes"},
    {"leaky", "loses rows without a word"},
    {"arrival", "goes by the order of arrival"},
    {"borrower", "looks at a batch that it gave back"},
    {"writer", "changes its input"},
    {"stale", "looks where another schema had the column"},
    {"deaf", "goes on after DONE"},
    {"mute", "does not pass DONE on"},
    {"careless", "goes on after a failure of its consumer"},
    {"stateful", "calls itself row-wise and keeps rows"},
    {"dicing", "counts fates by the cut"},
    {"none", "does it right with three inputs", 3},
    {"hasty", "ends with the first of its inputs", 2},
    {"one-eyed", "saves what one of its inputs gave", 2},
    {"insatiable", "asks for an input that has ended", 3},
    {"none", "does it right and saves what has changed", 3, 1},
    {"repeating", "saves all of it as what has changed", 1, 1},
    {"estranged", "saves what it loaded as a change", 1, 1},
    {"absent-minded", "saves what changed since it saved all, and not since it saved", 1, 1},
};

/* Counts rows and adds up column n: two batches of one row at END. */
struct counter {
    struct sl_op op;
    const char *mistake;
    int inputs, ended;
    int64_t n, sum;
    int64_t own[2]; /* of these, by the first input */
    int64_t saved[2];
    int column[PARTITIONS];
    struct sl_batch *last; /* of a borrower */
    struct sl_schema *out;
};

static int is(const struct counter *c, const char *mistake)
{
    return !strcmp(c->mistake, mistake);
}

static int counter_schema(struct sl_op *op, int input, struct sl_schema *in, struct sl_schema **out,
                          struct sl_err *err)
{
    struct counter *c = (struct counter *)op;
    if (!c->out || !is(c, "stale"))
        c->column[input] = sl_schema_find(in, "n", 1);
    if (input < c->inputs - 1)
        return 0;
    sl_schema_unref(c->out);
    c->out = sl_schema_new();
    int rc = sl_schema_add(c->out, "v", 1, sl_type_of(SL_BIGINT), err);
    *out = rc < 0 ? NULL : sl_schema_ref(c->out);
    return rc;
}

static struct sl_batch *one_row(const struct counter *c, int64_t v)
{
    struct sl_builder b;
    struct sl_batch *batch = sl_batch_new(c->out, 1);
    sl_builder_init(&b, sl_type_of(SL_BIGINT), NULL, 0);
    sl_builder_int(&b, v);
    batch->columns[0] = sl_builder_finish(&b, NULL);
    sl_builder_release(&b);
    return batch;
}

static int counter_emit(struct counter *c, struct sl_emit *out, struct sl_err *err)
{
    int rc = SL_PUSH_OK, done = SL_PUSH_OK;
    for (int i = 0; i < 2; i++) {
        struct sl_batch *batch = one_row(c, i ? c->sum : c->n);
        rc = out->emit(out, batch, err);
        sl_batch_unref(batch);
        if (rc < 0 && !is(c, "careless"))
            return rc;
        if (rc == SL_PUSH_DONE)
            done = is(c, "mute") ? SL_PUSH_OK : rc;
        if (rc == SL_PUSH_DONE && !is(c, "deaf"))
            break;
    }
    c->n = c->sum = 0;
    return done;
}

/* Rows go on as zeros. */
static int slow_emit(struct counter *c, struct sl_emit *out, struct sl_err *err)
{
    int rc = SL_PUSH_OK;
    for (; rc == SL_PUSH_OK && c->n; c->n--) {
        struct sl_batch *batch = one_row(c, 0);
        rc = out->emit(out, batch, err);
        sl_batch_unref(batch);
    }
    return rc;
}

/* Of its first row. */
static int64_t partition_of(struct sl_batch *b)
{
    struct sl_column *c = sl_column_plain(b->columns[C_PART], NULL, NULL);
    int64_t p = b->selected ? sl_column_get8(c, sl_batch_row(b, 0)) : 0;
    sl_column_unref(c);
    return p;
}

static void add(struct counter *c, int input, struct sl_batch *b)
{
    struct sl_column *given = b->columns[c->column[input]];
    struct sl_column *column = sl_column_plain(given, NULL, NULL);
    int64_t before[2] = {c->n, c->sum};
    for (size_t k = 0; k < b->selected; k++) {
        size_t row = sl_batch_row(b, k), at = column->form == SL_CONST ? 0 : row;
        if (!sl_column_null(column, row))
            c->sum += ((const int64_t *)column->data)[at];
    }
    if (is(c, "writer") && b->selected && column->data && given == column)
        ((int64_t *)(uintptr_t)column->data)[0] ^= 1;
    sl_column_unref(column);
    if (is(c, "arrival"))
        c->n = (c->n * 3 + partition_of(b)) % 1000003;
    else if (!is(c, "borrower"))
        c->n += (int64_t)b->selected;
    if (input == 0) {
        c->own[0] += c->n - before[0];
        c->own[1] += c->sum - before[1];
    }
}

static int counter_next_input(const struct sl_op *op)
{
    const struct counter *c = (const struct counter *)op;
    return is(c, "insatiable") ? 0 : -1;
}

static int counter_push(struct sl_op *op, int input, struct sl_batch *b, enum sl_directive d,
                        struct sl_emit *out, struct sl_err *err)
{
    struct counter *c = (struct counter *)op;
    if (is(c, "borrower")) {
        if (c->last)
            c->n += (int64_t)c->last->selected;
        c->last = b;
    }
    if (b) {
        int64_t n = (int64_t)b->selected;
        if (d != SL_BARRIER || !is(c, "dropping"))
            add(c, input, b);
        if (n != 7 || !is(c, "leaky"))
            out->fate(out, SL_FATE_USED, n);
        if (is(c, "dicing"))
            out->fate(out, SL_FATE_LATE, n > 1);
    }
    if (is(c, "slow"))
        return d == SL_END || (b && b->selected >= 3) ? slow_emit(c, out, err) : SL_PUSH_OK;
    c->ended += d == SL_END;
    int over = d == SL_END && (c->ended == c->inputs || is(c, "hasty"));
    if (over || (b && is(c, "per batch")) || (d == SL_FLUSH && is(c, "eager")))
        return counter_emit(c, out, err);
    return SL_PUSH_OK;
}

static int counter_save(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    struct counter *c = (struct counter *)op;
    int rc = 0;
    if (is(c, "forgetful"))
        return 0;
    for (int i = 0; rc >= 0 && i < 2; i++) {
        int64_t all = i ? c->sum : c->n;
        int64_t since = store->changes && !is(c, "repeating") ? all - c->saved[i] : all;
        struct sl_batch *batch = one_row(c, is(c, "one-eyed") ? c->own[i] : since);
        if (!store->changes || !is(c, "absent-minded"))
            c->saved[i] = all;
        if (i == 0 || !is(c, "partly"))
            rc = store->put(store, i ? "sum" : "n", batch, err);
        if (is(c, "lending")) {
            sl_batch_unref(c->last);
            c->last = batch;
        } else {
            sl_batch_unref(batch);
        }
    }
    if (is(c, "lending"))
        ((int64_t *)(uintptr_t)c->last->columns[0]->data)[0] = c->sum;
    if (is(c, "emptied"))
        c->n = c->sum = 0;
    return rc;
}

static int counter_load(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    struct counter *c = (struct counter *)op;
    for (int i = 0; i < 2; i++) {
        struct sl_batch *b;
        uint64_t cursor = 0;
        while (sl_state_next(store, i ? "sum" : "n", &cursor, 1, &b, err) > 0) {
            *(i ? &c->sum : &c->n) += ((const int64_t *)b->columns[0]->data)[0];
            sl_batch_unref(b);
        }
        if (!is(c, "estranged"))
            c->saved[i] = i ? c->sum : c->n;
    }
    return 0;
}

static void counter_free(struct sl_op *op)
{
    struct counter *c = (struct counter *)op;
    if (is(c, "lending") && c->last) { /* what it had put away goes with it */
        ((int64_t *)(uintptr_t)c->last->columns[0]->data)[0] = -1;
        sl_batch_unref(c->last);
    }
    sl_schema_unref(c->out);
    free(op);
}

static const struct sl_op_class counter_class = {
    .name = "counter",
    .account = "in = used",
    .schema = counter_schema,
    .push = counter_push,
    .next_input = counter_next_input,
    .save = counter_save,
    .load = counter_load,
    .free = counter_free,
};

static int saves_changes; /* in the process of such a mistake */

static struct sl_op *make_counter(const struct example *x, struct sl_account *account,
                                  struct sl_err *err)
{
    struct counter *c = calloc(1, sizeof(*c));
    (void)account;
    (void)err;
    c->op.class = &counter_class;
    c->mistake = x->name;
    c->inputs = inputs_of(x);
    if (is(c, "stateful"))
        c->op.traits = SL_OP_ROWWISE;
    if (saves_changes)
        c->op.traits |= SL_OP_CHANGES;
    return &c->op;
}

/* The number of failures; in a process of its own, because a mistake may end it: that counts too. */
static int judge_mistake(const struct mistake *m)
{
    const char *mistake = m->name;
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct sl_account account;
        struct example x = {"counter", mistake, make_counter,       PARTITIONS, 1,
                            0,         0,       .inputs = m->inputs};
        sl_account_init(&account, "test", 0, NULL);
        saves_changes = m->changes;
        dup2(STDOUT_FILENO, STDERR_FILENO);
        if (strcmp(mistake, "none") != 0 && !freopen("/dev/null", "w", stderr))
            _exit(0);
        struct verdict v = judge_example(&x, &account);
        if (v.failures)
            printf("# %s\n", v.first);
        fflush(stdout);
        _exit(v.failures != 0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return status != 0;
}

#endif

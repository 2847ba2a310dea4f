/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * contract: every registered operator, by every schedule: cuts of 1, 2, 7 and all rows, interleaved
 * partitions, FLUSH between, save and load at every barrier, STOP and on, split and merge, every form
 * of columns, and an allocation that fails, wherever it is. The rows must be the same, the accounts
 * must balance. Wrong operators that are built here must be found out.
 */
#include "../test.h"
#include "examples.h"

/* ---- an operator of this test's own, right or wrong in a chosen way ---- */

enum mistake { NONE, PER_BATCH, FORGETFUL, LEAKY, ARRIVAL };

/* Counts rows: one row of result at END. */
struct counter {
    struct sl_op op;
    enum mistake mistake;
    int64_t n, held;
    struct sl_schema *out;
};

static int counter_schema(struct sl_op *op, int input, struct sl_schema *in, struct sl_schema **out,
                          struct sl_err *err)
{
    struct counter *c = (struct counter *)op;
    (void)input;
    (void)in;
    sl_schema_unref(c->out);
    c->out = sl_schema_new();
    int rc = sl_schema_add(c->out, "n", 1, sl_type_of(SL_BIGINT), err);
    *out = rc < 0 ? NULL : sl_schema_ref(c->out);
    return rc;
}

static int counter_emit(struct counter *c, struct sl_emit *out, struct sl_err *err)
{
    struct sl_builder b;
    struct sl_batch *batch = sl_batch_new(c->out, 1);
    sl_builder_init(&b, sl_type_of(SL_BIGINT), NULL, 0);
    sl_builder_int(&b, c->n);
    batch->columns[0] = sl_builder_finish(&b, err);
    sl_builder_release(&b);
    int rc = out->emit(out, batch, err);
    sl_batch_unref(batch);
    return rc;
}

static int counter_push(struct sl_op *op, int input, struct sl_batch *b, enum sl_directive d,
                        struct sl_emit *out, struct sl_err *err)
{
    struct counter *c = (struct counter *)op;
    (void)input;
    if (b) {
        int64_t n = (int64_t)b->selected;
        if (c->mistake == ARRIVAL)
            c->n = c->n * 3 + b->origin.partition;
        else
            c->n += n;
        if (c->mistake != LEAKY || n != 7)
            out->fate(out, SL_FATE_USED, n);
    }
    if (d == SL_END || (b && c->mistake == PER_BATCH)) {
        int rc = counter_emit(c, out, err);
        c->n = 0;
        return rc;
    }
    return 0;
}

static int counter_save(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    struct counter *c = (struct counter *)op;
    struct sl_builder b;
    struct sl_batch *batch;
    if (c->mistake == FORGETFUL)
        return 0;
    batch = sl_batch_new(c->out, 1);
    sl_builder_init(&b, sl_type_of(SL_BIGINT), NULL, 0);
    sl_builder_int(&b, c->n);
    batch->columns[0] = sl_builder_finish(&b, err);
    sl_builder_release(&b);
    int rc = store->put(store, "n", batch, err);
    sl_batch_unref(batch);
    return rc;
}

static int counter_load(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    struct sl_batch *b;
    uint64_t cursor = 0;
    while (store->get(store, "n", &cursor, &b, err) > 0) {
        ((struct counter *)op)->n += ((const int64_t *)b->columns[0]->data)[0];
        sl_batch_unref(b);
    }
    return 0;
}

static void counter_free(struct sl_op *op)
{
    sl_schema_unref(((struct counter *)op)->out);
    free(op);
}

static const struct sl_op_class counter_class = {
    .name = "counter",
    .account = "in = used",
    .schema = counter_schema,
    .push = counter_push,
    .save = counter_save,
    .load = counter_load,
    .free = counter_free,
};

static enum mistake mistake_of(const struct example *x)
{
    static const char *const names[] = {"none", "per batch", "forgetful", "leaky", "arrival"};
    for (int m = 0; m < (int)SL_COUNT(names); m++)
        if (!strcmp(x->name, names[m]))
            return (enum mistake)m;
    return NONE;
}

static struct sl_op *make_counter(const struct example *x, struct sl_account *account,
                                  struct sl_err *err)
{
    struct counter *c = calloc(1, sizeof(*c));
    (void)account;
    (void)err;
    c->op.class = &counter_class;
    c->mistake = mistake_of(x);
    return &c->op;
}

/* ---- faults ---- */

enum { FAULT_BATCHES = 4 };

/* Two batches, a barrier with save and load, two more, END: with the n-th allocation failing. 1 if
 * the run came through, 0 if it failed as it should, -1 if it failed otherwise. */
static int faulty_run(const struct example *x, struct sl_account *account,
                      struct sl_batch *const *batches, uint64_t n, int forever)
{
    struct run r = {.x = x, .account = account};
    sl_err_init(&r.err);
    gate_init(&r.gate);
    sl_mem_fail_at(n, forever);
    r.op = bound(x, account, &r.err);
    r.rc = r.op ? 0 : -1;
    for (int i = 0; r.rc >= 0 && i < FAULT_BATCHES; i++) {
        r.rc = push(&r, batches[i], i == 1 ? SL_BARRIER : SL_FLUSH);
        if (r.rc >= 0 && i == 1)
            r.rc = reload(&r);
    }
    if (r.rc >= 0)
        r.rc = push(&r, NULL, SL_END);
    sl_mem_fail_at(0, 0);
    sl_op_free(r.op);
    gate_free(&r.gate);
    if (r.rc >= 0)
        return 1;
    if (r.err.code == SL_ENOMEM)
        return 0;
    printf("# %s %s: allocation %llu: %s\n", x->class, x->name, (unsigned long long)n, r.err.what);
    return -1;
}

static int faults(const struct example *x)
{
    struct sl_account account;
    struct sl_batch *batches[FAULT_BATCHES];
    int rc = 0, bad = 0, clean = 0;
    static const enum form forms[FAULT_BATCHES] = {FORM_DICT, FORM_PLAIN, FORM_SELECTION,
                                                   FORM_LAZY};
    sl_account_init(&account, "test", 0, NULL);
    for (uint64_t n = 1; n < 20000 && rc != 1; n++) {
        for (int i = 0; i < FAULT_BATCHES; i++) {
            int rows[] = {i * 10, i * 10 + 1, i * 10 + 2, i * 10 + 3};
            batches[i] = make_batch_rows(i % x->partitions, rows, 4, forms[i], x->with_wm);
        }
        rc = faulty_run(x, &account, batches, n, n % 2 == 0);
        bad += rc < 0;
        for (int i = 0; i < FAULT_BATCHES; i++)
            sl_batch_unref(batches[i]);
        clean += atomic_load(&account.used) != 0;
    }
    if (clean)
        printf("# %s %s: %d runs leave bytes on the account\n", x->class, x->name, clean);
    return rc == 1 && !bad && !clean;
}

/* ---- the tests ---- */

static int has_example(const char *class)
{
    for (size_t i = 0; i < SL_COUNT(examples); i++)
        if (!strcmp(examples[i].class, class))
            return 1;
    return 0;
}

static struct verdict judge_counter(const char *mistake, struct sl_account *account)
{
    struct example x = {"counter", mistake, make_counter, PARTITIONS, 1, 0, 0};
    return judge_example(&x, account);
}

/* END without rows, bare and after FLUSH and a reloaded BARRIER. */
static int empty_input(const struct example *x, struct sl_account *account)
{
    struct run a = {.x = x, .account = account}, b = {.x = x, .account = account};
    char what[768];
    sl_err_init(&a.err);
    sl_err_init(&b.err);
    gate_init(&a.gate);
    gate_init(&b.gate);
    a.op = bound(x, account, &a.err);
    b.op = bound(x, account, &b.err);
    int ok = a.op && b.op && push(&a, NULL, SL_END) >= 0 && push(&b, NULL, SL_FLUSH) >= 0 &&
             push(&b, NULL, SL_BARRIER) >= 0 && reload(&b) >= 0 && push(&b, NULL, SL_END) >= 0 &&
             same_lines(&a.gate.rows, &b.gate.rows, 1, what) && !a.trouble[0] && !b.trouble[0];
    sl_op_free(a.op);
    sl_op_free(b.op);
    gate_free(&a.gate);
    gate_free(&b.gate);
    return ok;
}

/* As many rows come out of a run on the needed columns alone; aggregates have no others. */
static int needs_enough(const struct example *x, struct sl_account *account)
{
    struct run a = {.x = x, .account = account}, b = {.x = x, .account = account};
    struct schedule s = {.cut = 7, .order = 1};
    char what[768] = "";
    run_schedule(&a, &s);
    run_stripped(&b, 7);
    int ok = a.rc >= 0 && b.rc >= 0 && !b.trouble[0] && a.gate.rows.n == b.gate.rows.n &&
             a.gate.rejects.n == b.gate.rejects.n;
    if (ok && !strcmp(x->class, "aggregate"))
        ok = same_lines(&a.gate.rows, &b.gate.rows, x->ordered, what);
    if (!ok)
        printf("# %s %s\n", b.err.what, what);
    gate_free(&a.gate);
    gate_free(&b.gate);
    return ok;
}

int main(void)
{
    struct sl_account account;
    struct sl_err err;
    sl_account_init(&account, "test", 0, NULL);
    sl_err_init(&err);
    struct sl_zone *zone = sl_zone_open("America/New_York", &err);
    example_env.zone = zone;
    example_env.zone_name = zone ? "America/New_York" : NULL;

    for (int c = 0; sl_op_classes[c]; c++) {
        static char name[128]; /* read when the test ends */
        test_finish();
        snprintf(name, sizeof(name), "%s has examples", sl_op_classes[c]->name);
        TEST(name)
        {
            CHECK(has_example(sl_op_classes[c]->name));
            CHECK(sl_op_classes[c]->account && sl_op_classes[c]->needs && sl_op_classes[c]->plan);
        }
    }
    for (size_t i = 0; i < SL_COUNT(examples); i++) {
        static char name[4][160];
        test_finish();
        const struct example *x = &examples[i];
        snprintf(name[0], sizeof(name[0]), "%s, %s: the same rows by every schedule", x->class,
                 x->name);
        TEST(name[0])
        {
            struct verdict v = judge_example(x, &account);
            if (v.failures)
                printf("# %d of %d runs: %s\n", v.failures, v.runs, v.first);
            CHECK_INT(v.failures, 0);
        }
        snprintf(name[1], sizeof(name[1]), "%s, %s: no rows", x->class, x->name);
        TEST(name[1])
        {
            CHECK(empty_input(x, &account));
        }
        snprintf(name[3], sizeof(name[3]), "%s, %s: only the columns it needs", x->class, x->name);
        TEST(name[3])
        {
            CHECK(needs_enough(x, &account));
        }
        snprintf(name[2], sizeof(name[2]), "%s, %s: any allocation may fail", x->class, x->name);
        TEST(name[2])
        {
            CHECK(faults(x));
        }
    }
    TEST("a right operator of another kind passes")
    {
        CHECK_INT(judge_counter("none", &account).failures, 0);
    }
    TEST("an operator that gives totals per batch is found out")
    {
        CHECK(judge_counter("per batch", &account).failures > 0);
    }
    TEST("an operator that saves nothing is found out")
    {
        CHECK(judge_counter("forgetful", &account).failures > 0);
    }
    TEST("an operator that loses rows without a word is found out")
    {
        CHECK(judge_counter("leaky", &account).failures > 0);
    }
    TEST("an operator that goes by the order of arrival is found out")
    {
        CHECK(judge_counter("arrival", &account).failures > 0);
    }
    TEST("all memory is given back")
    {
        CHECK_INT(atomic_load(&account.used), 0);
    }
    sl_zone_free(zone);
    return test_done();
}

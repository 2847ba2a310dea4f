/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * contract: every registered operator, by every schedule: cuts of 1, 2, 7 and all rows, interleaved
 * partitions, FLUSH between, save and load at every barrier, in memory and through Arrow files, STOP and
 * on, split and merge, every form of columns, one input and several, a consumer that says DONE or fails at any of its batches,
 * and an allocation that fails, wherever it is. The rows must be the same, the accounts must balance.
 * Wrong operators (wrong.h) must be found out.
 *
 *   contract [OPERATOR...]     only these operators; `wrong`: the wrong ones, `plans`: plans
 */
#include <malloc.h>
#include "../test.h"
#include "examples.h"
#include "judge.h"
#include "wrong.h"

/* ---- faults ---- */

enum { FAULT_BATCHES = 4 };

enum outcome { UNHURT, SURVIVED, FAILED, WRONG };

struct fault_batches {
    struct sl_batch *of[PARTITIONS][FAULT_BATCHES];
};

/* Those that a run may push: of one input partition after partition, of several any. */
static void fault_batches_make(struct fault_batches *f, const struct example *x)
{
    static const enum form forms[FAULT_BATCHES] = {FORM_DICT, FORM_PLAIN, FORM_SELECTION,
                                                   FORM_LAZY};
    memset(f, 0, sizeof(*f));
    for (int i = 0; i < FAULT_BATCHES; i++) {
        int rows[] = {i * 10, i * 10 + 1, i * 10 + 2, i * 10 + 3};
        for (int p = 0; p < x->partitions; p++)
            if (inputs_of(x) > 1 || p == i % x->partitions)
                f->of[p][i] =
                    make_input_rows(inputs_of(x) > 1 ? p : 0, p, rows, 4, forms[i], x->with_wm);
    }
}

static void fault_batches_release(struct fault_batches *f)
{
    for (int i = 0; i < PARTITIONS * FAULT_BATCHES; i++)
        sl_batch_unref(f->of[i / FAULT_BATCHES][i % FAULT_BATCHES]);
}

/* A batch into a copy of the operator that is merged; into the operator itself if it has none. */
static int push_apart(struct run *r, struct sl_batch *b)
{
    struct sl_op *own = r->op;
    if (!own->class->merge)
        return push(r, b, SL_FLUSH);
    r->op = own->class->split(own, &r->err);
    int rc = r->op ? push(r, b, SL_MORE) : -SL_EFAIL;
    if (rc >= 0)
        rc = own->class->merge(own, r->op, &r->err);
    sl_op_free(r->op);
    r->op = own;
    return rc;
}

/* The first example of a class also has allocations fail where it binds again, and where it is made: what
 * has a state is made at the barrier, too. */
static int is_first_of_class(const struct example *x)
{
    return x == examples || strcmp(x[-1].class, x->class) != 0;
}

static int has_state(const struct example *x)
{
    int c = 0;
    while (strcmp(sl_op_classes[c]->name, x->class) != 0)
        c++;
    return sl_op_classes[c]->save != NULL;
}

/* Two batches, a barrier with save and load, one more, one by way of a copy, END: with the n-th allocation failing, 0 for
 * none; UNHURT if there was no n-th. A run that comes through in spite of it gives the same rows as
 * one that is unhurt, which are in *whole (of n = 0). */
static enum outcome faulty_run(const struct example *x, struct sl_account *account,
                               struct fault_batches *given, uint64_t n, int forever,
                               struct lines *whole)
{
    struct run r = {
        .x = x, .account = account, .watermark = SL_TIME_MIN, .once = !is_first_of_class(x)};
    char what[768] = "";
    sl_err_init(&r.err);
    gate_init(&r.gate);
    if (has_state(x) && r.once)
        r.op = bound_for(&r, &r.err);
    sl_mem_fail_at(n, forever);
    uint64_t made = sl_mem_count();
    if (!r.op)
        r.op = bound_for(&r, &r.err);
    r.rc = r.op ? 0 : -1;
    for (int i = 0; r.rc >= 0 && i < FAULT_BATCHES; i++) {
        if (i == 1 && r.once) /* the barrier below saves what has changed since */
            r.rc = save(&r);
        int p = inputs_of(x) > 1 ? asked_for(&r) : -1;
        p = p < 0 ? i % x->partitions : p;
        r.input = inputs_of(x) > 1 ? p : 0;
        struct sl_batch *b = given->of[p][i];
        r.rc = i == 3 ? push_apart(&r, b) : push(&r, b, i == 1 ? SL_BARRIER : SL_FLUSH);
        if (r.rc >= 0 && i == 1)
            r.rc = reload(&r);
    }
    if (r.rc >= 0)
        r.rc = push(&r, NULL, SL_END);
    sl_mem_fail_at(0, 0);
    made = sl_mem_count() - made;
    sl_op_free(r.op);
    forget_saved(&r);
    enum outcome o = r.rc < 0 ? FAILED : n && n <= made ? SURVIVED : UNHURT;
    if (o == FAILED && r.err.code != SL_ENOMEM)
        snprintf(what, sizeof(what), "%s", r.err.what);
    if (!n) {
        *whole = r.gate.rows;
        memset(&r.gate.rows, 0, sizeof(r.gate.rows));
    } else if (o != FAILED) {
        same_lines(&r.gate.rows, whole, 1, what);
    }
    gate_free(&r.gate);
    if (what[0])
        printf("# %s %s: allocation %llu: %s\n", x->class, x->name, (unsigned long long)n, what);
    return what[0] ? WRONG : o;
}

static int faults(const struct example *x)
{
    struct sl_account account;
    struct fault_batches given;
    struct lines whole = {0};
    enum outcome o = FAILED;
    int bad = 0, clean = 0;
    sl_account_init(&account, "test", 0, NULL);
    for (uint64_t n = 0; n < 20000 && (n < 2 || o != UNHURT); n++) {
        fault_batches_make(&given, x);
        o = faulty_run(x, &account, &given, n, n % 2 == 0, &whole);
        bad += o == WRONG;
        fault_batches_release(&given);
        clean += atomic_load(&account.used) != 0;
    }
    if (clean)
        printf("# %s %s: %d runs leave bytes on the account\n", x->class, x->name, clean);
    lines_free(&whole);
    return o == UNHURT && !bad && !clean;
}

/* ---- the tests ---- */

static int has_example(const char *class)
{
    for (size_t i = 0; i < SL_COUNT(examples); i++)
        if (!strcmp(examples[i].class, class))
            return 1;
    return 0;
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
    forget_saved(&b);
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
    gate_init(&a.gate);
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

/* The batch with column n as numeric. */
static struct sl_batch *with_wider_n(struct sl_batch *b, struct sl_err *err)
{
    struct sl_schema *s = sl_schema_copy(b->schema);
    s->fields[C_N].type = sl_type_numeric(20, 2);
    struct sl_batch *wider = sl_batch_compact(b, NULL, err);
    struct sl_column *n = sl_column_cast(wider->columns[C_N], s->fields[C_N].type, err);
    sl_column_unref(wider->columns[C_N]);
    wider->columns[C_N] = n;
    sl_schema_unref(wider->schema);
    wider->schema = s;
    return wider;
}

/* 1 if the operator may see another type of n and still let the same rows through. */
static int may_change_n(const struct sl_op *op)
{
    uint8_t fixed[COLUMNS / 8 + 1] = {0}, wanted[8] = {0};
    if (op->class->fixes)
        op->class->fixes(op, 0, wanted, fixed);
    return op->class->fixes && !sl_bit(fixed, C_N);
}

/* Of rows of a wider type a row-wise operator that had others before makes what a fresh one makes. */
static int binds_again(const struct example *x, struct sl_account *account)
{
    struct run again = {.x = x, .account = account, .watermark = SL_TIME_MIN}, fresh = again;
    struct sl_schema *out[2] = {NULL, NULL};
    int rows[20], good = 1;
    char what[768] = "";
    gate_init(&again.gate);
    gate_init(&fresh.gate);
    again.op = bound_once(x, account, &again.err);
    fresh.op = x->make(x, account, &fresh.err);
    for (int i = 0; i < 20; i++)
        rows[i] = i + (i > 3);
    struct sl_batch *before = make_batch_rows(0, rows, 4, FORM_DICT, x->with_wm);
    struct sl_batch *b = make_batch_rows(0, rows + 4, 16, FORM_SELECTION, x->with_wm);
    struct sl_batch *wider = with_wider_n(b, &again.err);
    good &= push(&again, before, SL_MORE) >= 0;
    size_t was = again.gate.rows.n, narrow;
    good &= push(&again, b, SL_MORE) >= 0;
    narrow = again.gate.rows.n - was;
    gate_free(&again.gate);
    gate_init(&again.gate);
    good &= sl_op_schema(again.op, 0, wider->schema, &out[0], &again.err) == 0 &&
            sl_op_schema(fresh.op, 0, wider->schema, &out[1], &fresh.err) == 0;
    good &= good && sl_schema_equal(out[0], out[1]) && push(&again, wider, SL_FLUSH) >= 0 &&
            push(&fresh, wider, SL_FLUSH) >= 0;
    good &= good && same_lines(&again.gate.rows, &fresh.gate.rows, 1, what) &&
            same_lines(&again.gate.rejects, &fresh.gate.rejects, 1, what) &&
            !memcmp(again.gate.fate, fresh.gate.fate, sizeof(fresh.gate.fate));
    good &= fresh.gate.rows.n + fresh.gate.rejects.n > 0;
    good &= !may_change_n(again.op) || fresh.gate.rows.n == narrow;
    if (!good)
        printf("# %s %s: %s\n", x->class, x->name, what[0] ? what : again.err.what);
    sl_schema_unref(out[0]);
    sl_schema_unref(out[1]);
    sl_batch_unref(before);
    sl_batch_unref(b);
    sl_batch_unref(wider);
    sl_op_free(again.op);
    sl_op_free(fresh.op);
    gate_free(&again.gate);
    gate_free(&fresh.gate);
    return good;
}

static int is_rowwise(const struct example *x, struct sl_account *account)
{
    struct sl_op *op = x->make(x, account, NULL);
    int rowwise = op->traits & SL_OP_ROWWISE;
    sl_op_free(op);
    return rowwise;
}

/* The plan of an example, bound by way of another schema or not, or of a copy of it. */
static struct sl_buf plan_of(const struct example *x, struct sl_account *account, int copy)
{
    struct sl_buf text = SL_BUF_INIT;
    struct sl_err err;
    struct sl_op *op = (copy ? bound : bound_once)(x, account, &err);
    struct sl_op *split = op && copy && op->class->split ? op->class->split(op, &err) : NULL;
    if (op)
        op->class->plan(split ? split : op, &text);
    sl_buf_addch(&text, '\n');
    sl_op_free(split);
    sl_op_free(op);
    return text;
}

/* The same settings are the same plan, other settings another. */
static void check_plans(struct sl_account *account)
{
    for (size_t i = 0; i < SL_COUNT(examples); i++) {
        for (size_t k = 0; k <= i; k++) {
            struct sl_buf a = plan_of(&examples[i], account, 0);
            struct sl_buf b = plan_of(&examples[k], account, 1);
            if (!strcmp(a.data, b.data) != (i == k)) {
                printf("# %s, %s and %s, %s: %s", examples[i].class, examples[i].name,
                       examples[k].class, examples[k].name, a.data);
                CHECK(0);
            }
            sl_buf_release(&a);
            sl_buf_release(&b);
        }
    }
}

/* 1 if the program's arguments name this, or nothing. */
static int is_chosen(char **names, const char *name)
{
    int chosen = !*names;
    for (; *names && !chosen; names++)
        chosen = strcmp(*names, name) == 0;
    return chosen;
}

static void check_class(const struct sl_op_class *class)
{
    static char name[128]; /* read when the test ends */
    test_finish();
    snprintf(name, sizeof(name), "%s has examples", class->name);
    TEST(name)
    {
        CHECK(has_example(class->name));
        CHECK(class->account && class->needs && class->plan);
    }
}

static void check_example(const struct example *x, struct sl_account *account)
{
    static const char *const what[] = {"the same rows by every schedule", "no rows",
                                       "only the columns it needs", "any allocation may fail",
                                       "bound again in the middle"};
    static char name[SL_COUNT(what)][160];
    test_finish();
    for (size_t i = 0; i < SL_COUNT(what); i++)
        snprintf(name[i], sizeof(name[i]), "%s, %s: %s", x->class, x->name, what[i]);
    TEST(name[0])
    {
        struct verdict v = judge_example(x, account);
        if (v.failures)
            printf("# after %d runs: %s\n", v.runs, v.first);
        CHECK_INT(v.failures, 0);
    }
    TEST(name[1])
    {
        CHECK(empty_input(x, account));
    }
    TEST(name[2])
    {
        CHECK(needs_enough(x, account));
    }
    TEST(name[3])
    {
        CHECK(faults(x));
    }
    if (is_rowwise(x, account)) {
        TEST(name[4])
        {
            CHECK(binds_again(x, account));
        }
    }
}

static void check_mistakes(void)
{
    for (size_t m = 0; m < SL_COUNT(mistakes); m++) {
        static char name[160];
        int wrong = strcmp(mistakes[m].name, "none") != 0;
        test_finish();
        snprintf(name, sizeof(name), "an operator that %s %s", mistakes[m].what,
                 wrong ? "is found out" : "passes");
        TEST(name)
        {
            CHECK_INT(judge_mistake(&mistakes[m]), wrong);
        }
    }
}

int main(int argc SL_UNUSED, char **argv)
{
    struct sl_account account;
    struct sl_err err;
    mallopt(M_PERTURB, 0xa5); /* what was freed is not what it was */
    sl_account_init(&account, "test", 0, NULL);
    sl_err_init(&err);
    struct sl_zone *zone = sl_zone_open("America/New_York", &err);
    example_env.zone = zone;
    example_env.zone_name = zone ? "America/New_York" : NULL;

    for (int c = 0; sl_op_classes[c]; c++)
        if (is_chosen(argv + 1, sl_op_classes[c]->name))
            check_class(sl_op_classes[c]);
    for (size_t i = 0; i < SL_COUNT(examples); i++)
        if (is_chosen(argv + 1, examples[i].class))
            check_example(&examples[i], &account);
    if (is_chosen(argv + 1, "wrong"))
        check_mistakes();
    if (is_chosen(argv + 1, "plans")) {
        TEST("a plan is told by its settings, and by them alone")
        {
            check_plans(&account);
        }
    }
    TEST("all memory is given back")
    {
        CHECK_INT(atomic_load(&account.used), 0);
    }
    sl_zone_free(zone);
    return test_done();
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * work: what operators do for twice as much, counted in allocations: twice the open windows, groups or
 * rows cost twice as much and not four times, and a FLUSH costs nothing for what stays open.
 */
#include "../test.h"
#include "arrow/builder.h"
#include "../op_texts.h"

enum { BATCH = 50 };

struct counter {
    struct sl_emit emit;
    int64_t rows;
};

static int count_rows(struct sl_emit *e, struct sl_batch *b, struct sl_err *err SL_UNUSED)
{
    ((struct counter *)e)->rows += (int64_t)b->selected;
    return SL_PUSH_OK;
}

static int ignore_watermark(struct sl_emit *e SL_UNUSED, int64_t watermark SL_UNUSED,
                            struct sl_err *err SL_UNUSED)
{
    return SL_PUSH_OK;
}

static void ignore_fate(struct sl_emit *e SL_UNUSED, enum sl_fate fate SL_UNUSED,
                        int64_t rows SL_UNUSED)
{
}

/* Rows first, first + 1 ...: row i is at second i, and has the number i. */
static struct sl_batch *make_rows(struct sl_schema *s, int first)
{
    struct sl_builder time, n;
    struct sl_batch *b = sl_batch_new(s, BATCH);
    sl_builder_init(&time, sl_type_of(SL_TIMESTAMPTZ), NULL, 0);
    sl_builder_init(&n, sl_type_of(SL_BIGINT), NULL, 0);
    for (int i = first; i < first + BATCH; i++) {
        sl_builder_int(&time, (int64_t)i * 1000000);
        sl_builder_int(&n, i);
    }
    b->columns[0] = sl_builder_finish(&time, NULL);
    b->columns[1] = sl_builder_finish(&n, NULL);
    return b;
}

/* Allocations of an operator from its first batch to its END, each batch followed by a FLUSH. *out: rows. */
static uint64_t work(struct sl_op *op, int rows, int64_t *out)
{
    struct counter c = {
        .emit = {.emit = count_rows, .watermark = ignore_watermark, .fate = ignore_fate}};
    struct sl_schema *s = sl_schema_new(), *to = NULL;
    struct sl_err err;
    uint64_t made = 0;
    sl_err_init(&err);
    sl_schema_add(s, "ts", 2, sl_type_of(SL_TIMESTAMPTZ), &err);
    sl_schema_add(s, "n", 1, sl_type_of(SL_BIGINT), &err);
    sl_schema_set_meta(s, SL_META_TIME, "ts");
    int rc = op ? sl_op_schema(op, 0, s, &to, &err) : -1;
    for (int i = 0; rc >= 0 && i < rows; i += BATCH) {
        struct sl_batch *b = make_rows(s, i);
        uint64_t before = sl_mem_count();
        rc = sl_op_push(op, 0, b, SL_FLUSH, &c.emit, &err);
        made += sl_mem_count() - before;
        sl_batch_unref(b);
    }
    uint64_t before = sl_mem_count();
    if (rc >= 0)
        rc = sl_op_push(op, 0, NULL, SL_END, &c.emit, &err);
    made += sl_mem_count() - before;
    CHECK_INT(rc, SL_PUSH_OK);
    sl_op_free(op);
    sl_schema_unref(to);
    sl_schema_unref(s);
    *out = c.rows;
    return made;
}

static struct sl_expr_env env;

static struct sl_op *windows(struct sl_account *a)
{
    static const char *const select[] = {"count(*), sum(n), last(n)"};
    struct text_aggregate_options o = {.select = select, .nselect = 1, .window = "1 second"};
    return text_aggregate(&o, &env, a, NULL);
}

static struct sl_op *groups(struct sl_account *a)
{
    static const char *const select[] = {"count(*), sum(n), p50(n)"}, *const by[] = {"n"};
    struct text_aggregate_options o = {.select = select, .nselect = 1, .by = by, .nby = 1};
    return text_aggregate(&o, &env, a, NULL);
}

static struct sl_op *sorted(struct sl_account *a)
{
    return text_sort("n desc", -1, &env, a, NULL);
}

static struct sl_op *last_rows(struct sl_account *a)
{
    return sl_last_new(-1, 0, a, NULL);
}

static void twice(struct sl_op *(*make)(struct sl_account *a))
{
    struct sl_account account;
    int64_t rows[2];
    sl_account_init(&account, "test", 0, NULL);
    uint64_t once = work(make(&account), 100 * BATCH, &rows[0]);
    uint64_t two = work(make(&account), 200 * BATCH, &rows[1]);
    CHECK_INT(rows[0], 100 * BATCH);
    CHECK_INT(rows[1], 200 * BATCH);
    CHECK(once > 0);
    if (two > 2 * once + once / 5)
        printf("# %llu allocations, and %llu for twice as much\n", (unsigned long long)once,
               (unsigned long long)two);
    CHECK(two <= 2 * once + once / 5);
    CHECK_INT(atomic_load(&account.used), 0);
}

int main(void)
{
    TEST("twice the open windows are at most twice the work")
    {
        twice(windows);
    }
    TEST("twice the groups are at most twice the work")
    {
        twice(groups);
    }
    TEST("twice the rows to sort are at most twice the work")
    {
        twice(sorted);
    }
    TEST("twice the rows that last holds are at most twice the work")
    {
        twice(last_rows);
    }
    return test_done();
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * merge: which order the rows of several inputs come in, and what is refused. That the order is the same
 * by every cut, barrier and state is the contract's (contract.c).
 */
#include "../test.h"
#include "arrow/builder.h"
#include "harness.h"
#include "op/ops.h"

enum { INPUTS = 3, PER_INPUT = 40 };

static struct sl_err err;
static struct sl_account account;
static const char *const names[INPUTS] = {"a", "b", "c"};

/* ts rises slowly, with ties within and between inputs; a null last; v tells input and row. Each input has
 * a column of its own. */
static struct sl_schema *side_schema(int input, int timed)
{
    char own[4] = {'o', (char)('0' + input), '\0'};
    struct sl_schema *s = sl_schema_new();
    CHECK(sl_schema_add(s, "ts", 2, sl_type_of(SL_TIMESTAMPTZ), &err) == 0);
    CHECK(sl_schema_add(s, "v", 1, sl_type_of(SL_BIGINT), &err) == 0);
    CHECK(sl_schema_add(s, own, 2, sl_type_of(SL_BIGINT), &err) == 0);
    CHECK(!timed || sl_schema_set_meta(s, SL_META_TIME, "ts") == 0);
    return s;
}

static int64_t time_of(int input, int row)
{
    return row == PER_INPUT - 1 ? INT64_MAX : row / 3 * (input + 1) + row / 7;
}

static struct sl_batch *rows_of(struct sl_schema *s, int input, int from, int n)
{
    struct sl_batch *b = sl_batch_new(s, (size_t)n);
    struct sl_builder c[3];
    for (int i = 0; i < 3; i++)
        sl_builder_init(&c[i], s->fields[i].type, NULL, 0);
    for (int r = from; r < from + n; r++) {
        if (time_of(input, r) == INT64_MAX)
            sl_builder_null(&c[0]);
        else
            sl_builder_int(&c[0], time_of(input, r));
        sl_builder_int(&c[1], input * 1000 + r);
        sl_builder_int(&c[2], r);
    }
    for (int i = 0; i < 3; i++) {
        b->columns[i] = sl_builder_finish(&c[i], &err);
        sl_builder_release(&c[i]);
    }
    return b;
}

static struct sl_op *bind_sides(int timed, int endless)
{
    struct sl_op *op = sl_merge_new(names, INPUTS, &account, &err);
    struct sl_schema *out = NULL;
    op->traits |= endless ? SL_OP_ENDLESS : 0;
    for (int i = 0; i < INPUTS; i++) {
        struct sl_schema *s = side_schema(i, timed);
        CHECK(sl_op_schema(op, i, s, &out, &err) == 0);
        CHECK((out != NULL) == (i == INPUTS - 1));
        sl_schema_unref(s);
    }
    CHECK_INT(out ? out->nfields : 0, 2 + INPUTS);
    sl_schema_unref(out);
    return op;
}

/* All rows in pieces of 7, as next_input() asks for them. */
static void run_all(int timed, struct gate *g)
{
    struct sl_op *op = bind_sides(timed, 0);
    int at[INPUTS] = {0};
    for (int left = INPUTS; left;) {
        int i = op->class->next_input(op), n = SL_MIN(7, PER_INPUT - at[i]);
        struct sl_schema *s = side_schema(i, timed);
        struct sl_batch *b = rows_of(s, i, at[i], n);
        at[i] += n;
        left -= n == 0;
        CHECK_INT(sl_op_push(op, i, b, n ? SL_MORE : SL_END, &g->emit, &err), SL_PUSH_OK);
        sl_batch_unref(b);
        sl_schema_unref(s);
    }
    sl_op_free(op);
}

/* What the rows must be: sorted by time, then input; or input after input. */
static void check_order(const struct gate *g, int timed)
{
    int at[INPUTS] = {0};
    CHECK_INT(g->rows.n, INPUTS * PER_INPUT);
    for (size_t k = 0; k < g->rows.n; k++) {
        int next = -1;
        for (int i = 0; i < INPUTS; i++)
            if (at[i] < PER_INPUT &&
                (next < 0 || (timed && time_of(i, at[i]) < time_of(next, at[next]))))
                next = i;
        const char *v = strchr(g->rows.text[k], '|');
        CHECK_INT(v ? strtol(v + 1, NULL, 10) : -1, next * 1000 + at[next]);
        at[next]++;
    }
}

int main(void)
{
    struct gate g;
    sl_account_init(&account, "test", 0, NULL);
    sl_err_init(&err);
    for (int timed = 0; timed < 2; timed++) {
        TEST(timed ? "three inputs come in the order of time, then input"
                   : "without a common time one input comes after the other")
        {
            gate_init(&g);
            run_all(timed, &g);
            check_order(&g, timed);
            gate_free(&g);
        }
    }
    TEST("where an input has no end any may come, and the watermark passes")
    {
        struct sl_op *op = bind_sides(1, 1);
        gate_init(&g);
        CHECK_INT(op->class->next_input(op), -1);
        CHECK(op->class->watermark(op, 77, &g.emit, &err) == SL_PUSH_OK);
        CHECK_INT(g.watermark, 77);
        gate_free(&g);
        sl_op_free(op);
    }
    TEST("types that are no more than text together are refused, by name")
    {
        struct sl_op *op = sl_merge_new(names, 2, &account, &err);
        struct sl_schema *a = side_schema(0, 1), *b = sl_schema_new(), *out = NULL;
        CHECK(sl_schema_add(b, "v", 1, sl_type_of(SL_BOOL), &err) == 0);
        CHECK(sl_op_schema(op, 0, a, &out, &err) == 0);
        CHECK_INT(sl_op_schema(op, 1, b, &out, &err), -SL_ESCHEMA);
        CHECK_STR(err.what, "column v is boolean in b, and bigint before");
        sl_schema_unref(a);
        sl_schema_unref(b);
        sl_op_free(op);
    }
    TEST("all memory is given back")
    CHECK_INT(atomic_load(&account.used), 0);
    return test_done();
}

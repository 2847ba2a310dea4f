/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * large: what only many rows bring about: tables that grow, states in pieces, limits that prune,
 * results in several batches. Expected values are computed from the generator directly.
 */
#include "../test.h"
#include "harness.h"
#include "state/group.h"
#include "../op_texts.h"

enum { BATCHES = 6, MANY = 64000 };

static struct sl_expr_env env;
static struct sl_account account;
static struct sl_err err;

/* Row i of partition p: time, a wide-spread id, a value, a text. */
static int64_t id_of(int64_t i)
{
    return (int64_t)(sl_hash_u64((uint64_t)i, 1) % 200000);
}
static int64_t value_of(int64_t i)
{
    return (int64_t)(sl_hash_u64((uint64_t)i, 2) % 1000000) - 1000;
}

static struct sl_schema *schema(void)
{
    struct sl_schema *s = sl_schema_new();
    CHECK(sl_schema_add(s, "ts", 2, sl_type_of(SL_TIMESTAMPTZ), &err) == 0);
    CHECK(sl_schema_add(s, "id", 2, sl_type_of(SL_BIGINT), &err) == 0);
    CHECK(sl_schema_add(s, "v", 1, sl_type_of(SL_BIGINT), &err) == 0);
    CHECK(sl_schema_add(s, "t", 1, sl_type_of(SL_TEXT), &err) == 0);
    CHECK(sl_schema_add(s, SL_HIDDEN_PARTITION, 10, sl_type_of(SL_BIGINT), &err) == 0);
    CHECK(sl_schema_add(s, SL_HIDDEN_OFFSET, 7, sl_type_of(SL_BIGINT), &err) == 0);
    CHECK(sl_schema_set_meta(s, SL_META_TIME, "ts") == 0);
    CHECK(sl_schema_set_meta(s, SL_META_ORDER, "hidden") == 0);
    return s;
}

/* Batch b, of partition b % 2; the time runs backwards in hundreds. */
static struct sl_batch *batch(struct sl_schema *s, int b)
{
    struct sl_batch *out = sl_batch_new(s, MANY);
    struct sl_builder build[6];
    char text[24];
    for (int c = 0; c < 6; c++)
        sl_builder_init(&build[c], s->fields[c].type, NULL, 0);
    for (int k = 0; k < MANY; k++) {
        int64_t i = (int64_t)b * MANY + k;
        sl_builder_int(&build[0], (i ^ 63) * 1000);
        sl_builder_int(&build[1], id_of(i));
        sl_builder_int(&build[2], value_of(i));
        sl_builder_int(&build[4], b % 2);
        sl_builder_int(&build[5], (int64_t)(b / 2) * MANY + k);
        sl_builder_bytes(&build[3], text,
                         (size_t)snprintf(text, sizeof(text), "t%lld", (long long)id_of(i)));
    }
    for (int c = 0; c < 6; c++) {
        out->columns[c] = sl_builder_finish(&build[c], &err);
        sl_builder_release(&build[c]);
    }
    return out;
}

/* The consumer says DONE at its batch number done_at; 0: never. */
static struct run flow(const struct example *x, int reloads, int done_at)
{
    struct run r = {.x = x, .account = &account, .watermark = SL_TIME_MIN};
    struct sl_schema *s = schema(), *out = NULL;
    sl_err_init(&r.err);
    gate_init(&r.gate);
    r.gate.done_at = done_at;
    r.op = x->make(x, &account, &r.err);
    CHECK(r.op && sl_op_schema(r.op, 0, s, &out, &r.err) >= 0);
    for (int b = 0; b < BATCHES; b++) {
        struct sl_batch *rows = batch(s, b);
        CHECK(push(&r, rows, SL_BARRIER) >= 0);
        sl_batch_unref(rows);
        if (!reloads || b % 2)
            continue;
        /* A fresh operator of this schema. */
        struct sl_schema *out2 = NULL;
        CHECK(save(&r) >= 0);
        sl_op_free(r.op);
        r.op = x->make(x, &account, &r.err);
        CHECK(sl_op_schema(r.op, 0, s, &out2, &r.err) >= 0);
        for (int i = 0; i < r.nsaved; i++)
            CHECK(r.op->class->load(r.op, r.saved[i].store, &r.err) >= 0);
        sl_schema_unref(out2);
    }
    CHECK(push(&r, NULL, SL_END) >= 0);
    if (r.err.what[0])
        printf("# %s\n", r.err.what);
    CHECK(!r.trouble[0]);
    sl_op_free(r.op);
    forget_saved(&r);
    sl_schema_unref(out);
    sl_schema_unref(s);
    return r;
}

static void same_with_reload(const struct example *x, size_t rows)
{
    struct run a = flow(x, 0, 0), b = flow(x, 1, 0);
    char what[768];
    int same = same_lines(&a.gate.rows, &b.gate.rows, 1, what);
    CHECK(same);
    if (!same)
        printf("# %s\n", what);
    CHECK_INT(a.gate.rows.n, rows);
    gate_free(&a.gate);
    gate_free(&b.gate);
}

#define EXAMPLE(id, expr)                                                                          \
    static struct sl_op *make_##id(const struct example *x, struct sl_account *a,                  \
                                   struct sl_err *e)                                               \
    {                                                                                              \
        (void)x;                                                                                   \
        return expr;                                                                               \
    }                                                                                              \
    static const struct example id = {"large", #id, make_##id, 2, 1, 0, 0};

EXAMPLE(sort_all, text_sort("v, id desc", -1, &env, a, e))
EXAMPLE(sort_top, text_sort("v, id desc", 37, &env, a, e))
EXAMPLE(sort_ties, text_sort("1", 100, &env, a, e))
EXAMPLE(last_few, sl_last_new(25, 0, a, e))
EXAMPLE(last_everything, sl_last_new(-1, 0, a, e))

static struct sl_op *aggregate(const char *select, const char *by, const char *window,
                               struct sl_account *a, struct sl_err *e)
{
    struct text_aggregate_options o = {
        .select = &select, .nselect = 1, .by = &by, .nby = by != NULL, .window = window};
    return text_aggregate(&o, &env, a, e);
}
EXAMPLE(by_id, aggregate("count(*), sum(v), min(t), last(v)", "id", NULL, a, e))
EXAMPLE(by_t, aggregate("count(*), count(distinct v), p50(v)", "t", NULL, a, e))
EXAMPLE(totals, aggregate("count(*), count(distinct t), p50(v), p99(v), max(t)", NULL, NULL, a, e))
EXAMPLE(windows, aggregate("count(*), p90(v)", "id % 50 as m", "1 s", a, e))

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void check_totals(void)
{
    enum { N = BATCHES * MANY };
    struct run r = flow(&totals, 1, 0);
    int64_t *v = malloc(N * sizeof(*v));
    static char seen[200000];
    char want[200], top[24] = "", t[24];
    int distinct = 0;
    for (int64_t i = 0; i < N; i++) {
        v[i] = value_of(i);
        distinct += !seen[id_of(i)]++;
        snprintf(t, sizeof(t), "t%lld", (long long)id_of(i));
        if (strcmp(t, top) > 0)
            memcpy(top, t, sizeof(t));
        seen[id_of(i)] = 1;
    }
    qsort(v, N, sizeof(*v), by_value);
    snprintf(want, sizeof(want), "%d|%d|%lld|%lld|%s", N, distinct, (long long)v[N / 2 - 1],
             (long long)v[N / 100 * 99 - 1], top);
    CHECK_INT(r.gate.rows.n, 1);
    CHECK_STR(r.gate.rows.n ? r.gate.rows.text[0] : NULL, want);
    free(v);
    gate_free(&r.gate);
}

/* The head of the sorted rows is what the limit keeps; the tail of all is what last keeps. */
static void check_limits(void)
{
    struct run all = flow(&sort_all, 0, 0), top = flow(&sort_top, 0, 0);
    struct run every = flow(&last_everything, 0, 0), few = flow(&last_few, 0, 0);
    CHECK_INT(top.gate.rows.n, 37);
    for (size_t i = 0; i < top.gate.rows.n; i++)
        CHECK_STR(top.gate.rows.text[i], all.gate.rows.text[i]);
    CHECK_INT(few.gate.rows.n, 25);
    for (size_t i = 0; i < few.gate.rows.n; i++)
        CHECK_STR(few.gate.rows.text[i], every.gate.rows.text[every.gate.rows.n - 25 + i]);
    for (size_t i = 1; i < every.gate.rows.n; i++)
        if (strncmp(every.gate.rows.text[i - 1], every.gate.rows.text[i], 19) > 0) {
            CHECK(!"times are in order");
            break;
        }
    gate_free(&all.gate);
    gate_free(&top.gate);
    gate_free(&every.gate);
    gate_free(&few.gate);
}

/* A result of many batches, of which the consumer takes one: push() sees that the account says what
 * became of the other rows. */
static void check_done(void)
{
    struct run r = flow(&sort_all, 0, 1);
    CHECK_INT(r.gate.emits, 1);
    CHECK(r.gate.out < BATCHES * MANY);
    CHECK_INT(r.gate.out + r.gate.fate[SL_FATE_CUT], BATCHES * MANY);
    gate_free(&r.gate);
}

/* Rows pour in without a FLUSH: closed windows leave all the same, and the result is that of END. */
static void check_full_windows(void)
{
    struct gate g[2];
    for (int wm = 0; wm < 2; wm++) {
        struct sl_op *op =
            aggregate("count(*), sum(v), count(distinct t)", "id", "1 s", &account, &err);
        struct sl_schema *s = schema(), *out = NULL;
        CHECK(!wm || sl_schema_add(s, "_wm", 3, sl_type_of(SL_TIMESTAMPTZ), &err) == 0);
        CHECK(sl_op_schema(op, 0, s, &out, &err) >= 0);
        gate_init(&g[wm]);
        for (int b = 0; b < BATCHES; b++) {
            struct sl_batch *rows = batch(s, b);
            if (wm)
                rows->columns[6] = sl_column_nulls(sl_type_of(SL_TIMESTAMPTZ), rows->rows, &err);
            /* two batches' windows leave at once: more than one batch of results */
            int64_t told = wm && b % 2 ? (int64_t)b * MANY * 1000 - 100000 : SL_TIME_MIN;
            CHECK(push_told(op, rows, told, SL_MORE, &g[wm].emit, &err) >= 0);
            sl_batch_unref(rows);
            CHECK((g[wm].rows.n > 0) == (wm && b > 0));
            CHECK_INT(g[wm].window_before, 0);
        }
        CHECK(sl_op_push(op, 0, NULL, SL_END, &g[wm].emit, &err) >= 0);
        sl_op_free(op);
        sl_schema_unref(s);
        sl_schema_unref(out);
    }
    char what[768] = "";
    CHECK(same_lines(&g[0].rows, &g[1].rows, 1, what));
    CHECK_STR(what, "");
    gate_free(&g[0]);
    gate_free(&g[1]);
}

/* ---- the group table against a plain one ---- */

static struct sl_column *bigints(const int64_t *v, size_t n)
{
    struct sl_builder b;
    sl_builder_init(&b, sl_type_of(SL_BIGINT), NULL, 0);
    for (size_t i = 0; i < n; i++) {
        if (v[i] == 999)
            sl_builder_null(&b);
        else
            sl_builder_int(&b, v[i]);
    }
    struct sl_column *c = sl_builder_finish(&b, &err);
    sl_builder_release(&b);
    return c;
}

static void groups_come_and_go(void)
{
    enum { KEYS = 1000, ROUNDS = 400, ROWS_EACH = 64 };
    static int64_t where[KEYS]; /* group of a key, -1 */
    struct sl_type type = sl_type_of(SL_BIGINT);
    struct sl_group g;
    uint32_t ids[ROWS_EACH], live = 0;
    CHECK(sl_group_init(&g, &type, 1, &account, &err) == 0);
    memset(where, 0xff, sizeof(where));
    for (uint64_t round = 0; round < ROUNDS; round++) {
        int64_t v[ROWS_EACH];
        for (uint64_t k = 0; k < ROWS_EACH; k++)
            v[k] = (int64_t)(sl_hash_u64(round * ROWS_EACH + k, 7) % KEYS);
        struct sl_column *c = bigints(v, ROWS_EACH);
        CHECK(sl_group_find(&g, &c, ROWS_EACH, ids, &err) == 0);
        sl_column_unref(c);
        for (int k = 0; k < ROWS_EACH; k++) {
            if (where[v[k]] < 0) {
                where[v[k]] = ids[k];
                live++;
            }
            CHECK_INT(ids[k], where[v[k]]);
        }
        for (uint64_t k = 0; k < 60; k++) {
            uint64_t key = sl_hash_u64(round * 60 + k, 8) % KEYS;
            if (where[key] < 0)
                continue;
            sl_group_remove(&g, (uint32_t)where[key]);
            where[key] = -1;
            live--;
        }
        CHECK_INT(g.live, live);
        CHECK(g.n <= KEYS);
    }
    sl_group_release(&g);
}

int main(void)
{
    size_t distinct = 0;
    static char seen[200000];
    sl_account_init(&account, "test", 0, NULL);
    sl_err_init(&err);
    for (int64_t i = 0; i < (int64_t)BATCHES * MANY; i++) {
        distinct += !seen[id_of(i)];
        seen[id_of(i)] = 1;
    }
    TEST("groups come and go")
    {
        groups_come_and_go();
    }
    TEST("a hundred thousand groups, saved and loaded")
    {
        same_with_reload(&by_id, distinct);
        same_with_reload(&by_t, distinct);
    }
    TEST("one group with a state of many pieces")
    {
        check_totals();
    }
    TEST("many windows, saved and loaded")
    {
        same_with_reload(&windows, (size_t)BATCHES * MANY / 1000 * 50);
    }
    TEST("closed windows leave while rows pour in")
    {
        check_full_windows();
    }
    TEST("limits prune and keep the right rows")
    {
        check_limits();
    }
    TEST("what a consumer does not want of a large result is cut")
    {
        check_done();
    }
    TEST("pruned rows, saved and loaded")
    {
        same_with_reload(&sort_top, 37);
        same_with_reload(&sort_ties, 100);
        same_with_reload(&last_few, 25);
    }
    TEST("all memory is given back")
    {
        CHECK_INT(atomic_load(&account.used), 0);
    }
    return test_done();
}

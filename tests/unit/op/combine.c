/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * combine: two accumulators of one call become one, for every class of accumulators.
 *
 * Every call is computed in one accumulator, and in parts that number their groups in another way and
 * are combined. The results must be the same, whichever part was empty, and so must those of a copy
 * that went through bytes afterwards.
 */
#include "../test.h"
#include "expr/expr.h"
#include "harness_rows.h"
#include "state/acc.h"

static const char *const calls =
    "count(*), count(n), count(distinct k) as a, count(distinct x) as b, count(distinct w) as c, "
    "sum(n), avg(p), sum(w), sum(x), avg(x) as d, min(k), max(k), min(n), max(x), min(w), max(b), "
    "first(k), last(n), first(x), p50(n), p90(w), p1(x), "
    "percentile_cont(0.3) within group (order by x) as e, median(w)";

enum { GROUPS = 7, MOST = 3 * ROWS };

/* How rows are dealt out to the parts: by row and part. */
struct deal {
    const char *name;
    int parts;
    int (*part)(int row);
};

static int all_first(int row SL_UNUSED)
{
    return 0;
}
static int all_second(int row SL_UNUSED)
{
    return 1;
}
static int halves(int row)
{
    return row >= MOST / 2;
}
static int in_turn(int row)
{
    return row % 3;
}
/* Groups 0 to 2 in the second part alone, the others in the first. */
static int by_group(int row)
{
    return row % GROUPS < 3;
}

static const struct deal deals[] = {{"full and empty", 2, all_first},
                                    {"empty and full", 2, all_second},
                                    {"halves", 2, halves},
                                    {"three in turn", 3, in_turn},
                                    {"no group in both", 2, by_group}};

/* Number of group g in a part: all parts but the first number them in another order, with a hole. */
static uint32_t number_in(int part, int g)
{
    return part ? (uint32_t)(GROUPS - g) : (uint32_t)g;
}

struct bench {
    struct sl_account account;
    struct sl_eval *eval;
    const struct sl_agg_call *call;
};

static struct sl_acc *fresh(struct bench *t)
{
    struct sl_acc *a;
    CHECK_INT(sl_acc_new(t->call, &t->account, &a, NULL), 0);
    CHECK_INT(sl_acc_reserve(a, GROUPS + 1, NULL), 0);
    return a;
}

static struct sl_batch *rows_of(int partition)
{
    int rows[ROWS];
    for (int i = 0; i < ROWS; i++)
        rows[i] = i;
    return make_batch_rows(partition, rows, ROWS, FORM_PLAIN, 0);
}

/* Adds the rows that a deal gives to a part (deal NULL: all), by that part's numbers; the groups are
 * folded to `groups` of them. */
static void take(struct bench *t, struct sl_acc *a, const struct deal *d, int part, int groups)
{
    for (int p = 0; p < PARTITIONS; p++) {
        struct sl_batch *all = rows_of(p);
        uint32_t sel[ROWS], group[ROWS];
        int64_t time[ROWS];
        struct sl_rank rank[ROWS];
        struct sl_acc_rows r = {.group = group, .time = time, .rank = rank};
        for (int i = 0; i < ROWS; i++) {
            int row = p * ROWS + i;
            if (d && d->part(row) != part)
                continue;
            sel[r.n] = (uint32_t)i;
            time[r.n] = row_ts(p, i);
            rank[r.n] = (struct sl_rank){.seq = i, .partition = p};
            group[r.n++] = number_in(d ? part : 0, row % GROUPS % groups);
        }
        struct sl_batch *some = sl_batch_pick(all, sel, r.n, NULL, NULL);
        struct sl_column *arg = NULL;
        if (t->call->arg && r.n) {
            CHECK(sl_expr_eval(t->eval, t->call->arg, some, &arg, NULL) >= 0);
            CHECK(sl_column_load(arg, NULL) >= 0);
        }
        if (r.n)
            CHECK_INT(a->class->add(a, &r, arg, NULL), 0);
        sl_column_unref(arg);
        sl_batch_unref(some);
        sl_batch_unref(all);
    }
}

/* Group g of a part joins group g % groups of the first. */
static int join(struct sl_acc *a, struct sl_acc *from, int part, int groups, struct sl_err *err)
{
    uint32_t map[GROUPS + 1];
    for (int g = 0; g <= GROUPS; g++)
        map[g] = SL_GROUP_NONE;
    for (int g = 0; g < GROUPS; g++)
        map[number_in(part, g)] = (uint32_t)(g % groups);
    return sl_acc_combine(a, from, map, GROUPS + 1, err);
}

/* The results of the first groups as text. */
static struct sl_buf results(struct bench *t, struct sl_acc *a, int groups)
{
    struct sl_buf out = SL_BUF_INIT;
    struct sl_builder b;
    struct sl_column *c;
    sl_builder_init(&b, t->call->type, NULL, 0);
    for (int g = 0; g < groups; g++)
        CHECK_INT(a->class->result(a, t->call, (uint32_t)g, &b, NULL), 0);
    c = sl_builder_finish(&b, NULL);
    for (int g = 0; c && g < groups; g++) {
        if (sl_column_null(c, (size_t)g))
            sl_buf_addstr(&out, "null");
        else
            sl_column_print(c, (size_t)g, &out);
        sl_buf_addch(&out, ' ');
    }
    sl_column_unref(c);
    sl_builder_release(&b);
    return out;
}

static void same(struct bench *t, struct sl_acc *want, struct sl_acc *got, int groups,
                 const char *what)
{
    struct sl_buf w = results(t, want, groups), g = results(t, got, groups);
    if (strcmp(w.data, g.data))
        printf("# %s, %s\n", t->call->text, what);
    CHECK_STR(g.data, w.data);
    sl_buf_release(&w);
    sl_buf_release(&g);
}

/* Another accumulator with what a packs. */
static struct sl_acc *through_bytes(struct bench *t, struct sl_acc *a)
{
    struct sl_acc *copy = fresh(t);
    struct sl_buf piece = SL_BUF_INIT;
    for (uint32_t g = 0; g < GROUPS; g++) {
        uint64_t cursor = 0;
        do {
            sl_buf_reset(&piece);
            sl_acc_pack(a, g, &cursor, &piece);
            CHECK_INT(sl_acc_absorb(copy, g, piece.data, piece.len, NULL), 0);
        } while (cursor);
    }
    sl_buf_release(&piece);
    return copy;
}

static void check_deal(struct bench *t, const struct deal *d)
{
    struct sl_acc *want = fresh(t), *a = fresh(t);
    take(t, want, NULL, 0, GROUPS);
    take(t, a, d, 0, GROUPS);
    for (int part = 1; part < d->parts; part++) {
        struct sl_acc *b = fresh(t);
        take(t, b, d, part, GROUPS);
        CHECK_INT(join(a, b, part, GROUPS, NULL), 0);
        sl_acc_free(b);
    }
    same(t, want, a, GROUPS, d->name);
    struct sl_acc *copy = through_bytes(t, a);
    same(t, want, copy, GROUPS, "packed after it");
    /* More rows, and a number that is used again. */
    take(t, want, NULL, 0, GROUPS);
    take(t, a, NULL, 0, GROUPS);
    sl_acc_reset(want, 3);
    sl_acc_reset(a, 3);
    same(t, want, a, GROUPS, "used after it");
    sl_acc_free(copy);
    sl_acc_free(a);
    sl_acc_free(want);
}

/* Several groups of one part become one group of the other. */
static void check_folds(struct bench *t)
{
    enum { FOLDED = 3 };
    struct sl_acc *want = fresh(t), *got = fresh(t);
    take(t, want, NULL, 0, FOLDED);
    for (int part = 0; part < 2; part++) {
        struct sl_acc *b = fresh(t);
        take(t, b, &deals[2], part, GROUPS);
        CHECK_INT(join(got, b, part, FOLDED, NULL), 0);
        sl_acc_free(b);
    }
    same(t, want, got, FOLDED, "folded");
    sl_acc_free(want);
    sl_acc_free(got);
}

/* Every allocation of a combine fails in its turn. */
static void check_faults(struct bench *t)
{
    struct sl_acc *want = fresh(t);
    int rc = -1;
    take(t, want, NULL, 0, GROUPS);
    for (uint64_t n = 1; rc < 0 && n < 1000; n++) {
        struct sl_acc *a = fresh(t), *b = fresh(t);
        struct sl_err err;
        sl_err_init(&err);
        take(t, a, &deals[4], 0, GROUPS);
        take(t, b, &deals[4], 1, GROUPS);
        sl_mem_fail_at(n, n % 2 == 0);
        rc = join(a, b, 1, GROUPS, &err);
        sl_mem_fail_at(0, 0);
        if (rc == 0)
            same(t, want, a, GROUPS, "after failures");
        else
            CHECK_INT(err.code, SL_ENOMEM);
        sl_acc_free(a);
        sl_acc_free(b);
    }
    CHECK_INT(rc, 0);
    sl_acc_free(want);
}

int main(void)
{
    static const struct sl_expr_env env;
    static char name[200];
    struct sl_agg_list list;
    struct sl_ast *ast;
    struct sl_schema *schema = rows_schema(0), *keys = sl_schema_new();
    struct bench t = {0};

    sl_account_init(&t.account, "test", 0, NULL);
    t.eval = sl_eval_new(NULL, NULL);
    CHECK(sl_ast_parse(NULL, SL_AST_LIST, calls, strlen(calls), &ast, NULL) >= 0);
    CHECK(sl_expr_bind_aggregates(ast, SL_SCOPE(schema), keys, &env, &list, NULL) >= 0);
    for (int c = 0; c < list.ncalls; c++) {
        test_finish();
        t.call = &list.calls[c];
        snprintf(name, sizeof(name), "%s: parts combine to the whole", t.call->text);
        TEST(name)
        {
            for (size_t d = 0; d < SL_COUNT(deals); d++)
                check_deal(&t, &deals[d]);
            check_folds(&t);
            check_faults(&t);
            CHECK_INT(atomic_load(&t.account.used), 0);
        }
    }
    sl_agg_list_release(&list);
    sl_ast_unref(ast);
    sl_schema_unref(schema);
    sl_schema_unref(keys);
    sl_eval_free(t.eval);
    return test_done();
}

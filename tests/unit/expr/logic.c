/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* logic: the truth tables of SQL, over vectors long enough for every word of bits. */
#include "expr_test.h"

enum { N = 9 * 37 + 5 };

static const char *const words[] = {"true", "false", "null"};

/* -1 = null */
static int value(size_t k)
{
    return k % 3 == 0 ? 1 : k % 3 == 1 ? 0 : -1;
}
static int and3(int a, int b)
{
    return a == 0 || b == 0 ? 0 : a < 0 || b < 0 ? -1 : 1;
}
static int or3(int a, int b)
{
    return a == 1 || b == 1 ? 1 : a < 0 || b < 0 ? -1 : 0;
}
static int not3(int a)
{
    return a < 0 ? -1 : !a;
}
static int f_and(int a, int b)
{
    return and3(a, b);
}
static int f_or(int a, int b)
{
    return or3(a, b);
}
static int f_not(int a, int b)
{
    (void)b;
    return not3(a);
}
static int f_mixed(int a, int b)
{
    return or3(and3(a, not3(b)), and3(not3(a), b));
}
static int f_is_true(int a, int b)
{
    (void)b;
    return a == 1;
}
static int f_is_not_true(int a, int b)
{
    (void)b;
    return a != 1;
}
static int f_is_false(int a, int b)
{
    (void)b;
    return a == 0;
}
static int f_is_not_false(int a, int b)
{
    (void)b;
    return a != 0;
}
static int f_is_unknown(int a, int b)
{
    (void)b;
    return a < 0;
}
static int f_is_not_unknown(int a, int b)
{
    (void)b;
    return a >= 0;
}
static int f_equal(int a, int b)
{
    return a < 0 || b < 0 ? -1 : a == b;
}
static int f_distinct(int a, int b)
{
    return a != b;
}
static int f_coalesce(int a, int b)
{
    return a < 0 ? b : a;
}
static int f_case(int a, int b)
{
    return a == 1 ? b : not3(b);
}
static int f_less(int a, int b)
{
    return a < 0 || b < 0 ? -1 : a < b;
}

static const struct {
    const char *text;
    int (*f)(int, int);
} cases[] = {
    {"a and b", f_and},
    {"a or b", f_or},
    {"not a", f_not},
    {"(a and not b) or (not a and b)", f_mixed},
    {"a is true", f_is_true},
    {"a is not true", f_is_not_true},
    {"a is false", f_is_false},
    {"a is not false", f_is_not_false},
    {"a is unknown", f_is_unknown},
    {"a is not unknown", f_is_not_unknown},
    {"a is null", f_is_unknown},
    {"a is not null", f_is_not_unknown},
    {"a = b", f_equal},
    {"a < b", f_less},
    {"a is distinct from b", f_distinct},
    {"coalesce(a, b)", f_coalesce},
    {"case when a then b else not b end", f_case},
    /* the guarded path: an argument that could fail */
    {"a and (b and 1 / one = 1)", f_and},
    {"a or (b and 1 / one = 1)", f_or},
    {"a and b and a", f_and},
    {"a or b or a", f_or},
    {"not (not a or not b)", f_and},
};

static struct sl_column *bools(int which)
{
    struct sl_builder b;
    struct sl_err err;
    sl_builder_init(&b, sl_type_of(SL_BOOL), NULL, 0);
    for (size_t i = 0; i < N; i++) {
        int v = value(which ? i / 3 : i);
        if (v < 0)
            sl_builder_null(&b);
        else
            sl_builder_bool(&b, v);
    }
    struct sl_column *c = sl_builder_finish(&b, &err);
    sl_builder_release(&b);
    return c;
}

int main(void)
{
    struct sl_schema *s = test_schema("a boolean, b boolean, one bigint");
    struct sl_expr_env env = {TEST_NOW, NULL, NULL};
    struct sl_batch *b = sl_batch_new(s, N);
    struct sl_err err;
    b->selected = N;
    b->columns[0] = bools(0);
    b->columns[1] = bools(1);
    struct sl_builder ones;
    sl_builder_init(&ones, sl_type_of(SL_BIGINT), NULL, 0);
    for (size_t i = 0; i < N; i++)
        sl_builder_int(&ones, 1);
    b->columns[2] = sl_builder_finish(&ones, &err);
    sl_builder_release(&ones);
    for (size_t k = 0; k < SL_COUNT(cases); k++) {
        TEST(cases[k].text)
        {
            struct sl_expr *e;
            struct sl_column *v;
            struct sl_eval *ev = sl_eval_new(NULL, &err);
            CHECK_INT(text_expr(cases[k].text, strlen(cases[k].text), s, &env, &e, &err), 0);
            CHECK_INT(sl_expr_eval(ev, e, b, &v, &err), 0);
            for (size_t i = 0; i < N && !test_bad; i++) {
                int want = cases[k].f(value(i), value(i / 3));
                int got = sl_column_null(v, i) ? -1 : sl_bit(v->data, i);
                if (got != want) {
                    printf("# row %zu: a %s, b %s\n", i, words[i % 3], words[i / 3 % 3]);
                    CHECK_INT(got, want);
                }
            }
            struct sl_buffer *sel;
            size_t n, trues = 0;
            CHECK_INT(sl_expr_filter(ev, e, b, &sel, &n, &err), 0);
            for (size_t i = 0; i < N; i++)
                if (cases[k].f(value(i), value(i / 3)) == 1)
                    CHECK(trues < n && ((uint32_t *)sel->data)[trues++] == i);
            CHECK_INT(n, trues);
            sl_buffer_unref(sel);
            sl_column_unref(v);
            sl_expr_free(e);
            sl_eval_free(ev);
        }
    }
    test_finish();
    sl_batch_unref(b);
    sl_schema_unref(s);
    return test_done();
}

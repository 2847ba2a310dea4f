/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* scope: names over several inputs; a tree that is shared, bound again, and does not parse. */
#include "expr_test.h"

static const struct sl_expr_env env = {TEST_NOW, NULL, NULL};

/* "column=number" of an expression that is one column, "expression" of another, or "!what; hint". */
static void check(const struct sl_scope *scope, const char *text, const char *want)
{
    struct sl_buf got = SL_BUF_INIT;
    struct sl_ast *ast = NULL;
    struct sl_expr *e = NULL;
    struct sl_err err;
    sl_err_init(&err);
    CHECK_INT(sl_ast_parse("--on", SL_AST_LIST, text, strlen(text), &ast, &err), 0);
    if (sl_expr_bind(ast, scope, &env, &e, &err) < 0) {
        sl_buf_printf(&got, "!%s; %s", err.what, err.hint);
    } else {
        sl_expr_print(e, &got);
        if (sl_expr_is_column(e) >= 0)
            sl_buf_printf(&got, "=%d", sl_expr_is_column(e));
    }
    CHECK_STR(got.data, want);
    sl_expr_free(e);
    sl_ast_unref(ast);
    sl_buf_release(&got);
}

static void two_inputs(void)
{
    struct sl_schema *left = test_schema("id bigint, v text, \"usr.id\" bigint"),
                     *right = test_schema("id bigint, w text, \"R.x\" bigint");
    const struct sl_scope_input inputs[] = {{"l", left}, {"r", right}};
    const struct sl_scope scope = {2, inputs};
    struct sl_err err;

    check(&scope, "v", "v=1");
    check(&scope, "w", "w=4");
    check(&scope, "l.id", "id=0");
    check(&scope, "R.id", "r.id=3");
    check(&scope, "usr.id", "usr.id=2");
    check(&scope, "r.x", "\"R.x\"=5"); /* a name as it is comes before an alias */
    check(&scope, "l.v = w", "v = w");
    check(&scope, "id", "!column id is in more than one input; write l.id or r.id");
    CHECK_INT(sl_scope_find(&scope, "r.nothing", 9, &err), -SL_EUSAGE);
    CHECK_INT(sl_scope_find(&scope, "ww", 2, &err), -SL_EUSAGE);
    CHECK(strstr(err.what, "ww"));

    struct sl_schema *all = sl_scope_schema(&scope, &err);
    CHECK_INT(all->nfields, 6);
    CHECK_STR(all->fields[3].name, "r.id");
    CHECK_STR(sl_scope_field(&scope, 4)->name, "w");
    sl_schema_unref(all);
    sl_schema_unref(left);
    sl_schema_unref(right);
}

/* One tree, two schemas: each binding has its own numbers and types. */
static void shared(void)
{
    struct sl_schema *a = test_schema("x bigint, y bigint"),
                     *b = test_schema("y text, x numeric(4,1)");
    struct sl_ast *ast = NULL;
    struct sl_expr *ea = NULL, *eb = NULL;
    struct sl_err err;
    CHECK_INT(sl_ast_parse(NULL, SL_AST_LIST, "x", 1, &ast, &err), 0);
    CHECK_INT(sl_expr_bind(ast, SL_SCOPE(a), &env, &ea, &err), 0);
    CHECK_INT(sl_expr_bind(sl_ast_ref(ast), SL_SCOPE(b), &env, &eb, &err), 0);
    sl_ast_unref(ast);
    CHECK_INT(sl_expr_is_column(ea), 0);
    CHECK_INT(sl_expr_is_column(eb), 1);
    CHECK_INT(sl_expr_type(eb).kind, SL_NUMERIC);
    sl_ast_unref(ast);
    sl_expr_free(ea);
    sl_expr_free(eb);
    sl_schema_unref(a);
    sl_schema_unref(b);
}

/* A syntax error is told when the tree is bound, with the label and what the columns suggest. */
static void broken(void)
{
    static const char text[] = "x > 1 and order = 2";
    struct sl_schema *with = test_schema("x bigint, \"order\" bigint"),
                     *without = test_schema("x bigint");
    struct sl_ast *ast = NULL;
    struct sl_expr *e = NULL;
    struct sl_err err;
    CHECK_INT(sl_ast_parse("--where", SL_AST_LIST, text, strlen(text), &ast, &err), 0);
    CHECK_INT(sl_expr_bind_where(ast, SL_SCOPE(with), &env, &e, &err), -SL_EUSAGE);
    CHECK(strstr(err.place, "--where, character 11"));
    CHECK(strstr(err.hint, "\"order\""));
    CHECK_INT(sl_expr_bind_where(ast, SL_SCOPE(without), &env, &e, &err), -SL_EUSAGE);
    CHECK(strstr(err.place, "--where"));
    sl_ast_unref(ast);
    sl_schema_unref(with);
    sl_schema_unref(without);
}

/* 20,000 levels of a tree are freed without recursion, and refused when they are bound. */
static void deep(void)
{
    struct sl_buf text = SL_BUF_INIT;
    struct sl_schema *s = test_schema("x bigint");
    struct sl_ast *ast = NULL;
    struct sl_expr *e = NULL;
    struct sl_err err;
    sl_buf_addstr(&text, "x");
    for (int i = 0; i < 20000; i++)
        sl_buf_addstr(&text, "+x");
    CHECK_INT(sl_ast_parse(NULL, SL_AST_LIST, text.data, text.len, &ast, &err), 0);
    CHECK_INT(sl_expr_bind(ast, SL_SCOPE(s), &env, &e, &err), -SL_EUSAGE);
    sl_ast_unref(ast);
    sl_schema_unref(s);
    sl_buf_release(&text);
}

int main(void)
{
    TEST("names over two inputs")
    {
        two_inputs();
    }
    TEST("one tree is bound to several schemas")
    {
        shared();
    }
    TEST("a tree that does not parse says so when it is bound")
    {
        broken();
    }
    TEST("a tree of many levels is refused and freed")
    {
        deep();
    }
    return test_done();
}

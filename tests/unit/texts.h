/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * texts: expressions from text in one call, for tests: a tree is parsed, bound to one schema, and
 * forgotten. An error at a character keeps its column, because the trees have no label.
 */
#ifndef SL_TESTS_TEXTS_H
#define SL_TESTS_TEXTS_H

#include "expr/expr.h"

#define TEXT_BIND(form, call)                                                                      \
    struct sl_ast *ast;                                                                            \
    int rc = sl_ast_parse(NULL, form, text, len, &ast, err);                                       \
    if (rc < 0)                                                                                    \
        return rc;                                                                                 \
    rc = call;                                                                                     \
    sl_ast_unref(ast);                                                                             \
    return rc

SL_UNUSED static int text_expr(const char *text, size_t len, struct sl_schema *s,
                               const struct sl_expr_env *env, struct sl_expr **out,
                               struct sl_err *err)
{
    *out = NULL;
    TEXT_BIND(SL_AST_LIST, sl_expr_bind(ast, SL_SCOPE(s), env, out, err));
}

SL_UNUSED static int text_where(const char *text, size_t len, struct sl_schema *s,
                                const struct sl_expr_env *env, struct sl_expr **out,
                                struct sl_err *err)
{
    *out = NULL;
    TEXT_BIND(SL_AST_LIST, sl_expr_bind_where(ast, SL_SCOPE(s), env, out, err));
}

SL_UNUSED static int text_list(const char *text, size_t len, struct sl_schema *s,
                               const struct sl_expr_env *env, struct sl_expr_list *out,
                               struct sl_err *err)
{
    memset(out, 0, sizeof(*out));
    TEXT_BIND(SL_AST_LIST, sl_expr_bind_list(ast, SL_SCOPE(s), env, out, err));
}

SL_UNUSED static int text_set(const char *text, size_t len, struct sl_schema *s,
                              const struct sl_expr_env *env, struct sl_expr_list *out,
                              struct sl_err *err)
{
    memset(out, 0, sizeof(*out));
    TEXT_BIND(SL_AST_SET, sl_expr_bind_set(ast, SL_SCOPE(s), env, out, err));
}

SL_UNUSED static int text_names(const char *text, size_t len, struct sl_schema *s, int **index,
                                int *n, struct sl_err *err)
{
    *index = NULL;
    *n = 0;
    TEXT_BIND(SL_AST_LIST, sl_expr_bind_names(ast, SL_SCOPE(s), index, n, err));
}

SL_UNUSED static int text_rename(const char *text, size_t len, struct sl_schema *s, int **index,
                                 char ***names, int *n, struct sl_err *err)
{
    *index = NULL;
    *names = NULL;
    *n = 0;
    TEXT_BIND(SL_AST_SET, sl_expr_bind_rename(ast, SL_SCOPE(s), index, names, n, err));
}

SL_UNUSED static int text_order(const char *text, size_t len, struct sl_schema *s,
                                const struct sl_expr_env *env, struct sl_expr_order **out, int *n,
                                struct sl_err *err)
{
    *out = NULL;
    *n = 0;
    TEXT_BIND(SL_AST_ORDER, sl_expr_bind_order(ast, SL_SCOPE(s), env, out, n, err));
}

SL_UNUSED static int text_aggregates(const char *text, size_t len, struct sl_schema *input,
                                     struct sl_schema *keys, const struct sl_expr_env *env,
                                     struct sl_agg_list *out, struct sl_err *err)
{
    memset(out, 0, sizeof(*out));
    TEXT_BIND(SL_AST_LIST, sl_expr_bind_aggregates(ast, SL_SCOPE(input), keys, env, out, err));
}

#endif

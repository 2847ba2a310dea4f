/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* op_texts: operators from the texts of options, for tests. */
#ifndef SL_TESTS_OP_TEXTS_H
#define SL_TESTS_OP_TEXTS_H

#include "op/ops.h"
#include "texts.h"

struct text_project_options {
    const char *const *set;
    int nset;
    const char *const *select;
    int nselect;
    const char *const *drop;
    int ndrop;
    const char *const *rename;
    int nrename;
};
struct text_aggregate_options {
    const char *const *select;
    int nselect;
    const char *const *by;
    int nby;
    const char *window;
    int64_t lateness;
};

SL_UNUSED static struct sl_op *text_filter(const char *const *where, int n,
                                           const struct sl_expr_env *env,
                                           struct sl_account *account, struct sl_err *err)
{
    struct sl_asts asts;
    if (sl_asts_parse(&asts, "--where", SL_AST_LIST, where, n, err) < 0)
        return NULL;
    struct sl_op *op = sl_filter_new(&asts, env, account, err);
    sl_asts_release(&asts);
    return op;
}

SL_UNUSED static struct sl_op *text_project(const struct text_project_options *t,
                                            const struct sl_expr_env *env,
                                            struct sl_account *account, struct sl_err *err)
{
    struct sl_project_options o = {0};
    struct sl_op *op = NULL;
    if (sl_asts_parse(&o.verbs[SL_PROJECT_SET], "--set", SL_AST_SET, t->set, t->nset, err) >= 0 &&
        sl_asts_parse(&o.verbs[SL_PROJECT_SELECT], "--select", SL_AST_LIST, t->select, t->nselect,
                      err) >= 0 &&
        sl_asts_parse(&o.verbs[SL_PROJECT_DROP], "--drop", SL_AST_LIST, t->drop, t->ndrop, err) >=
            0 &&
        sl_asts_parse(&o.verbs[SL_PROJECT_RENAME], "--rename", SL_AST_SET, t->rename, t->nrename,
                      err) >= 0)
        op = sl_project_new(&o, env, account, err);
    for (int v = 0; v < SL_PROJECT_VERBS; v++)
        sl_asts_release(&o.verbs[v]);
    return op;
}

SL_UNUSED static struct sl_op *text_aggregate(const struct text_aggregate_options *t,
                                              const struct sl_expr_env *env,
                                              struct sl_account *account, struct sl_err *err)
{
    struct sl_aggregate_options o = {.window = t->window, .lateness = t->lateness};
    struct sl_op *op = NULL;
    if (sl_asts_parse(&o.select, "--select", SL_AST_LIST, t->select, t->nselect, err) >= 0 &&
        sl_asts_parse(&o.by, "--by", SL_AST_LIST, t->by, t->nby, err) >= 0)
        op = sl_aggregate_new(&o, env, account, err);
    sl_asts_release(&o.select);
    sl_asts_release(&o.by);
    return op;
}

SL_UNUSED static struct sl_op *text_sort(const char *order_by, int64_t limit,
                                         const struct sl_expr_env *env, struct sl_account *account,
                                         struct sl_err *err)
{
    struct sl_ast *ast = NULL;
    if (order_by &&
        sl_ast_parse("--order-by", SL_AST_ORDER, order_by, strlen(order_by), &ast, err) < 0)
        return NULL;
    struct sl_op *op = sl_sort_new(ast, limit, env, account, err);
    sl_ast_unref(ast);
    return op;
}

#endif

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
    const char *having, *sets; /* NULL: none */
    const char *window;
    int64_t lateness;
};

/* As sl_asts_parse. Each list is parsed once and kept: a parse runs on a thread of its own. */
SL_UNUSED static int text_asts(struct sl_asts *a, const char *label, enum sl_ast_form form,
                               const char *const *texts, int n, struct sl_err *err)
{
    static struct {
        const char *label;
        enum sl_ast_form form;
        struct sl_asts asts;
    } known[128];
    size_t i;
    int same = 0;
    for (i = 0; i < SL_COUNT(known) && known[i].label && !same; i += !same) {
        same = !strcmp(known[i].label, label) && known[i].form == form && known[i].asts.n == n;
        for (int k = 0; same && k < n; k++)
            same = !strcmp(sl_ast_text(known[i].asts.items[k]), texts[k]);
    }
    if (same)
        return sl_asts_copy(a, &known[i].asts, err);
    int rc = sl_asts_parse(a, label, form, texts, n, err);
    if (rc >= 0 && i < SL_COUNT(known) && sl_asts_copy(&known[i].asts, a, NULL) >= 0) {
        known[i].label = label;
        known[i].form = form;
    }
    return rc;
}

SL_UNUSED static struct sl_op *text_filter(const char *const *where, int n,
                                           const struct sl_expr_env *env,
                                           struct sl_account *account, struct sl_err *err)
{
    struct sl_asts asts;
    if (text_asts(&asts, "--where", SL_AST_LIST, where, n, err) < 0)
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
    if (text_asts(&o.verbs[SL_PROJECT_SET], "--set", SL_AST_SET, t->set, t->nset, err) >= 0 &&
        text_asts(&o.verbs[SL_PROJECT_SELECT], "--select", SL_AST_LIST, t->select, t->nselect,
                  err) >= 0 &&
        text_asts(&o.verbs[SL_PROJECT_DROP], "--drop", SL_AST_LIST, t->drop, t->ndrop, err) >= 0 &&
        text_asts(&o.verbs[SL_PROJECT_RENAME], "--rename", SL_AST_SET, t->rename, t->nrename,
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
    struct sl_aggregate_options o = {.sets = t->sets, .window = t->window, .lateness = t->lateness};
    struct sl_op *op = NULL;
    if (text_asts(&o.select, "--select", SL_AST_LIST, t->select, t->nselect, err) >= 0 &&
        text_asts(&o.by, "--by", SL_AST_LIST, t->by, t->nby, err) >= 0 &&
        text_asts(&o.having, "--having", SL_AST_LIST, &t->having, t->having != NULL, err) >= 0)
        op = sl_aggregate_new(&o, env, account, err);
    sl_asts_release(&o.select);
    sl_asts_release(&o.by);
    sl_asts_release(&o.having);
    return op;
}

SL_UNUSED static struct sl_op *text_sort(const char *order_by, int64_t limit,
                                         const struct sl_expr_env *env, struct sl_account *account,
                                         struct sl_err *err)
{
    struct sl_asts asts;
    if (text_asts(&asts, "--order-by", SL_AST_ORDER, &order_by, order_by != NULL, err) < 0)
        return NULL;
    struct sl_op *op = sl_sort_new(order_by ? asts.items[0] : NULL, limit, env, account, err);
    sl_asts_release(&asts);
    return op;
}

#endif

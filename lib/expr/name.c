/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * name: what an item without `as` is called.
 *
 * A column by its name; a function by its name and those of its column arguments (p99_ms,
 * count_distinct_user_id, lower_event); a cast as what it casts; anything else by its canonical text.
 */
#include "expr/bind.h"

struct naming {
    const struct sl_tree *tree;
    const struct sl_scope *scope;
    struct sl_buf *out;
};

static void add_column_name(const struct naming *to, const PgQuery__ColumnRef *r)
{
    char name[512];
    struct sl_err ignored;
    if (!sl_bind_name(to->tree, r, name, sizeof(name)))
        return;
    int i = sl_scope_find(to->scope, name, strlen(name), &ignored);
    if (i < 0)
        sl_bind_name(NULL, r, name, sizeof(name));
    sl_buf_addstr(to->out, i >= 0 ? sl_scope_field(to->scope, i)->name : name);
}

static void add_args(const struct naming *to, PgQuery__Node *const *args, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const PgQuery__Node *a = args[i];
        if (a->node_case == PG_QUERY__NODE__NODE_SORT_BY)
            a = a->sort_by->node;
        if (a->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
            sl_buf_addch(to->out, '_');
            add_column_name(to, a->column_ref);
        } else if (a->node_case == PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION &&
                   a->sqlvalue_function->op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER) {
            sl_buf_addstr(to->out, "_user");
        }
    }
}

/* 1 if the tree alone says the name. */
static int add_name(const struct naming *to, const PgQuery__Node *n)
{
    struct sl_buf *out = to->out;
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF: add_column_name(to, n->column_ref); return 1;
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        if (n->sqlvalue_function->op != PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER)
            return 0;
        sl_buf_addstr(out, "user");
        return 1;
    case PG_QUERY__NODE__NODE_TYPE_CAST: return add_name(to, n->type_cast->arg);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        sl_buf_addstr(out, "coalesce");
        add_args(to, n->coalesce_expr->args, n->coalesce_expr->n_args);
        return 1;
    case PG_QUERY__NODE__NODE_CASE_EXPR: sl_buf_addstr(out, "case"); return 1;
    case PG_QUERY__NODE__NODE_FUNC_CALL: {
        const PgQuery__FuncCall *f = n->func_call;
        sl_buf_addstr(out, f->funcname[f->n_funcname - 1]->string->sval);
        if (f->agg_distinct)
            sl_buf_addstr(out, "_distinct");
        add_args(to, f->args, f->n_args);
        add_args(to, f->agg_order, f->n_agg_order);
        return 1;
    }
    default: return 0;
    }
}

char *sl_item_name(const struct sl_tree *t, const PgQuery__Node *n, const struct sl_scope *scope,
                   const struct sl_expr *e)
{
    struct sl_buf out = SL_BUF_INIT;
    int named = add_name(&(struct naming){t, scope, &out}, n) && out.len;
    if (!named && !out.failed)
        sl_node_print(e->root, &out);
    char *s = out.failed ? NULL : sl_buf_take(&out);
    sl_buf_release(&out);
    return s;
}

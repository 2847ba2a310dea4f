/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * name: what an item without `as` is called.
 *
 * A column by its name; a function by its name and those of its column arguments (p99_ms,
 * count_distinct_user_id, lower_event); a cast as what it casts; anything else by its canonical text.
 */
#include "expr/bind.h"

static void add_column_name(const PgQuery__ColumnRef *r, const struct sl_scope *scope,
                            struct sl_buf *out)
{
    char name[512];
    struct sl_err ignored;
    if (!sl_bind_name(r, name, sizeof(name)))
        return;
    int i = sl_scope_find(scope, name, strlen(name), &ignored);
    sl_buf_addstr(out, i >= 0 ? sl_scope_field(scope, i)->name : name);
}

static void add_args(PgQuery__Node *const *args, size_t n, const struct sl_scope *scope,
                     struct sl_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        const PgQuery__Node *a = args[i];
        if (a->node_case == PG_QUERY__NODE__NODE_SORT_BY)
            a = a->sort_by->node;
        if (a->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
            sl_buf_addch(out, '_');
            add_column_name(a->column_ref, scope, out);
        } else if (a->node_case == PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION &&
                   a->sqlvalue_function->op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER) {
            sl_buf_addstr(out, "_user");
        }
    }
}

/* 1 if the tree alone says the name. */
static int add_name(const PgQuery__Node *n, const struct sl_scope *scope, struct sl_buf *out)
{
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF: add_column_name(n->column_ref, scope, out); return 1;
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        if (n->sqlvalue_function->op != PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER)
            return 0;
        sl_buf_addstr(out, "user");
        return 1;
    case PG_QUERY__NODE__NODE_TYPE_CAST: return add_name(n->type_cast->arg, scope, out);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        sl_buf_addstr(out, "coalesce");
        add_args(n->coalesce_expr->args, n->coalesce_expr->n_args, scope, out);
        return 1;
    case PG_QUERY__NODE__NODE_CASE_EXPR: sl_buf_addstr(out, "case"); return 1;
    case PG_QUERY__NODE__NODE_FUNC_CALL: {
        const PgQuery__FuncCall *f = n->func_call;
        sl_buf_addstr(out, f->funcname[f->n_funcname - 1]->string->sval);
        if (f->agg_distinct)
            sl_buf_addstr(out, "_distinct");
        add_args(f->args, f->n_args, scope, out);
        add_args(f->agg_order, f->n_agg_order, scope, out);
        return 1;
    }
    default: return 0;
    }
}

char *sl_item_name(const PgQuery__Node *n, const struct sl_scope *scope, const struct sl_expr *e)
{
    struct sl_buf out = SL_BUF_INIT;
    int named = add_name(n, scope, &out) && out.len;
    if (!named && !out.failed)
        sl_node_print(e->root, &out);
    char *s = out.failed ? NULL : sl_buf_take(&out);
    sl_buf_release(&out);
    return s;
}

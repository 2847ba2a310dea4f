/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* expr: the life of an expression, and what can be asked of it. See expr.h. */
#include "expr/bind.h"

struct sl_expr *sl_expr_new(const struct sl_scope *scope, const struct sl_expr_env *env,
                            struct sl_err *err)
{
    struct sl_expr *e = sl_calloc(1, sizeof(*e));
    if (!e)
        return sl_err_no_memory(err, "reading an expression");
    sl_arena_init(&e->arena);
    e->schema = sl_scope_schema(scope, err);
    if (!e->schema) {
        sl_expr_free(e);
        return NULL;
    }
    if (env)
        e->env = *env;
    return e;
}

void sl_expr_free(struct sl_expr *e)
{
    if (!e)
        return;
    for (struct sl_node *n = e->all; n; n = n->next) {
        sl_column_unref(n->value);
        if (n->extra_free)
            n->extra_free(n->extra);
    }
    sl_schema_unref(e->schema);
    sl_arena_release(&e->arena);
    free(e);
}

void sl_expr_print(const struct sl_expr *e, struct sl_buf *out)
{
    assert(e && e->root && out);
    sl_node_print(e->root, out);
}

void sl_expr_columns(const struct sl_expr *e, uint8_t *bits)
{
    assert(e && e->root && bits);
    for (const struct sl_node *n = e->all; n; n = n->next)
        if (n->kind == SL_NODE_COLUMN)
            sl_bit_set(bits, (size_t)n->column);
}

/* Below casts that nobody wrote. */
static const struct sl_node *bare(const struct sl_node *n)
{
    while (n->kind == SL_NODE_CALL && n->form == SL_PRINT_IMPLICIT)
        n = n->args[0];
    return n;
}

static void fix(const struct sl_node *n, int compared, uint8_t *bits)
{
    int is_exact = n->type.kind == SL_BIGINT || n->type.kind == SL_NUMERIC;
    if (n->kind == SL_NODE_COLUMN && !(compared && is_exact))
        sl_bit_set(bits, (size_t)n->column);
}

void sl_expr_fixes(const struct sl_expr *e, uint8_t *bits)
{
    assert(e && e->root && bits);
    fix(bare(e->root), 0, bits);
    for (const struct sl_node *n = e->all; n; n = n->next) {
        int compares = n->run == sl_kernel_compare || n->run == sl_kernel_distinct ||
                       n->run == sl_kernel_in || n->run == sl_kernel_is_null;
        for (int i = 0; i < n->nargs && bare(n) == n; i++)
            fix(bare(n->args[i]), compares, bits);
    }
}

int sl_expr_is_column(const struct sl_expr *e)
{
    assert(e && e->root);
    return e->root->kind == SL_NODE_COLUMN ? e->root->column : -1;
}

int sl_bind_expr(const struct sl_tree *t, const PgQuery__Node *n, const struct sl_scope *scope,
                 const struct sl_expr_env *env, struct sl_agg_scope *agg, struct sl_expr **out,
                 struct sl_err *err)
{
    assert(t && n && scope && out);
    struct sl_bind b = {.scope = scope, .tree = t, .err = err, .agg = agg};
    *out = NULL;
    sl_err_init(err);
    b.e = sl_expr_new(scope, env, err);
    if (!b.e)
        return -SL_ENOMEM;
    b.e->root = sl_coerce_result(&b, sl_coerce_settle(&b, sl_bind_node(&b, n)));
    if (!b.e->root) {
        sl_expr_free(b.e);
        return -(int)err->code;
    }
    *out = b.e;
    return 0;
}

struct one {
    const struct sl_scope *scope;
    const struct sl_expr_env *env;
    int where;
    struct sl_expr *out;
};

static int bind_one(const struct sl_tree *t, void *arg, struct sl_err *err)
{
    struct one *o = arg;
    const PgQuery__SelectStmt *s = sl_tree_select(t, err);
    if (!s)
        return -SL_EUSAGE;
    if (s->n_sort_clause || s->n_target_list != 1) {
        const PgQuery__Node *at = s->n_sort_clause       ? s->sort_clause[0]
                                  : s->n_target_list > 1 ? s->target_list[1]
                                                         : NULL;
        return sl_tree_fail(t, sl_tree_location(at), err, "%s",
                            s->n_target_list ? "one expression is wanted here, not a list"
                                             : "the expression is empty");
    }
    const PgQuery__ResTarget *r = s->target_list[0]->res_target;
    if (r->name && *r->name)
        return sl_tree_fail(t, r->location, err, "a name (\"as %s\") has no place here", r->name);
    int rc = sl_bind_expr(t, r->val, o->scope, o->env, NULL, &o->out, err);
    if (rc < 0 || !o->where || o->out->root->type.kind == SL_BOOL)
        return rc;
    char name[SL_TYPE_NAME];
    sl_tree_fail(t, sl_tree_location(r->val), err, "a condition is wanted, not a value of type %s",
                 sl_type_name(o->out->root->type, name));
    sl_err_hint(err, "compare it with something: level = 'error'");
    sl_expr_free(o->out);
    return -SL_EUSAGE;
}

static int bind_ast(const struct sl_ast *a, const struct sl_scope *scope,
                    const struct sl_expr_env *env, int where, struct sl_expr **out,
                    struct sl_err *err)
{
    struct one o = {scope, env, where, NULL};
    *out = NULL;
    int rc = sl_ast_bind(a, scope, bind_one, &o, err);
    if (rc >= 0)
        *out = o.out;
    return rc;
}

int sl_expr_bind(const struct sl_ast *a, const struct sl_scope *scope,
                 const struct sl_expr_env *env, struct sl_expr **out, struct sl_err *err)
{
    assert(a && scope && out);
    return bind_ast(a, scope, env, 0, out, err);
}

int sl_expr_bind_where(const struct sl_ast *a, const struct sl_scope *scope,
                       const struct sl_expr_env *env, struct sl_expr **out, struct sl_err *err)
{
    assert(a && scope && out);
    return bind_ast(a, scope, env, 1, out, err);
}

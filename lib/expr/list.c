/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* list: comma-separated items: expressions with names, assignments, names, renamings, orders. */
#include "expr/bind.h"

struct lists {
    const struct sl_scope *scope;
    const struct sl_expr_env *env;
    struct sl_expr_list *out;
    struct sl_expr_order *order;
    int *index;
    char **names;
    int n;
};

static int nomem(struct sl_err *err)
{
    return sl_err_nomem(err, "reading an expression");
}

static int fail_at(const struct sl_tree *t, int location, struct sl_err *err)
{
    err->column = SL_MAX(1, sl_tree_at(t, location));
    return -(int)err->code;
}

void sl_expr_list_release(struct sl_expr_list *l)
{
    for (int i = 0; i < l->n; i++) {
        free(l->items[i].name);
        sl_expr_free(l->items[i].expr);
    }
    free(l->items);
    memset(l, 0, sizeof(*l));
}

/* Counts in the item behind the others, whose expression is bound, under its name (taken over; NULL:
 * it could not be allocated). Two items of one name would be one column. */
static int add_item(const struct sl_tree *t, struct sl_expr_list *l, char *name, int location,
                    struct sl_err *err)
{
    l->items[l->n++].name = name;
    if (!name)
        return nomem(err);
    for (int i = 0; i + 1 < l->n; i++) {
        if (strcmp(l->items[i].name, name) == 0) {
            sl_tree_fail(t, location, err, "two items are named %.200s", name);
            return sl_err_hint(err, "give one another name: ... as name");
        }
    }
    return 0;
}

static const PgQuery__SelectStmt *plain_list(const struct sl_tree *t, struct sl_err *err)
{
    const PgQuery__SelectStmt *s = sl_tree_select(t, err);
    if (!s)
        return NULL;
    if (s->n_sort_clause || s->n_target_list == 0) {
        sl_tree_fail(t, s->n_sort_clause ? sl_tree_location(s->sort_clause[0]) : -1, err, "%s",
                     s->n_target_list ? "ORDER BY has no place in a list" : "the list is empty");
        return NULL;
    }
    return s;
}

int sl_bind_items(const struct sl_tree *t, const struct sl_scope *scope,
                  const struct sl_scope *names, const struct sl_expr_env *env,
                  struct sl_agg_scope *agg, struct sl_expr_list *out, struct sl_err *err)
{
    assert(t && scope && names && out);
    const PgQuery__SelectStmt *s = plain_list(t, err);
    if (!s)
        return -SL_EUSAGE;
    out->items = sl_calloc(s->n_target_list, sizeof(*out->items));
    if (!out->items)
        return nomem(err);
    for (size_t i = 0; i < s->n_target_list; i++) {
        const PgQuery__ResTarget *r = s->target_list[i]->res_target;
        struct sl_expr_item *item = &out->items[out->n];
        int rc = sl_bind_expr(t, r->val, scope, env, agg, &item->expr, err);
        if (rc < 0)
            return rc;
        char *name =
            r->name && *r->name ? sl_strdup(r->name) : sl_item_name(t, r->val, names, item->expr);
        rc = add_item(t, out, name, r->location, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int bind_list(const struct sl_tree *t, void *arg, struct sl_err *err)
{
    struct lists *l = arg;
    return sl_bind_items(t, l->scope, l->scope, l->env, NULL, l->out, err);
}

int sl_expr_bind_list(const struct sl_ast *a, const struct sl_scope *scope,
                      const struct sl_expr_env *env, struct sl_expr_list *out, struct sl_err *err)
{
    assert(a && scope && out);
    struct lists l = {.scope = scope, .env = env, .out = out};
    memset(out, 0, sizeof(*out));
    int rc = sl_ast_bind(a, scope, bind_list, &l, err);
    if (rc < 0)
        sl_expr_list_release(out);
    return rc;
}

/* ---- assignments: the SET clause of an UPDATE has exactly this form ---- */

/* The grammar says only that it ends too early, or what it stumbles over. */
static int need_form(const struct sl_ast *a, const char *form, int rc, struct sl_err *err)
{
    return rc == -SL_EUSAGE && err && !err->hint[0] && !strchr(sl_ast_text(a), '=')
               ? sl_err_hint(err, "write %s", form)
               : rc;
}

static const PgQuery__UpdateStmt *plain_update(const struct sl_tree *t, struct sl_err *err)
{
    const PgQuery__ParseResult *r = t->result;
    const PgQuery__UpdateStmt *u = NULL;
    if (r->n_stmts == 1 && r->stmts[0]->stmt_len == 0 &&
        r->stmts[0]->stmt->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT)
        u = r->stmts[0]->stmt->update_stmt;
    if (!u || u->where_clause || u->n_from_clause || u->n_returning_list || u->with_clause ||
        u->n_target_list == 0) {
        sl_tree_fail(t, u && u->where_clause ? sl_tree_location(u->where_clause) : -1, err,
                     "only `name = ..., name = ...` is read here");
        return NULL;
    }
    return u;
}

/* Name assigned to: `a.b` is one dotted name. as_written: in the letters of the user, else in those of
 * SQL. */
static int target_name(const struct sl_tree *t, const PgQuery__ResTarget *r, int as_written,
                       struct sl_buf *out, struct sl_err *err)
{
    size_t spelled = 0;
    sl_buf_addstr(out, r->name);
    if (as_written && !out->failed)
        sl_tree_spell(t, r->location, &spelled, out->data);
    for (size_t i = 0; i < r->n_indirection; i++) {
        size_t from = out->len + 1;
        if (r->indirection[i]->node_case != PG_QUERY__NODE__NODE_STRING)
            return sl_tree_fail(t, r->location, err, "arrays are not supported");
        sl_buf_printf(out, ".%s", r->indirection[i]->string->sval);
        if (as_written && !out->failed)
            sl_tree_spell(t, r->location, &spelled, out->data + from);
    }
    return sl_buf_check(out, err);
}

/* The column that is set: one that is there, or a new one. */
static int set_name(const struct sl_tree *t, const PgQuery__ResTarget *r,
                    const struct sl_scope *scope, struct sl_buf *out, struct sl_err *err)
{
    struct sl_err ignored;
    int rc = target_name(t, r, 1, out, err);
    if (rc < 0)
        return rc;
    int k = sl_scope_find(scope, out->data, out->len, &ignored);
    sl_buf_reset(out);
    if (k < 0)
        return target_name(t, r, 0, out, err);
    sl_buf_addstr(out, sl_scope_field(scope, k)->name);
    return sl_buf_check(out, err);
}

static int bind_set(const struct sl_tree *t, void *arg, struct sl_err *err)
{
    struct lists *l = arg;
    const PgQuery__UpdateStmt *u = plain_update(t, err);
    if (!u)
        return -SL_EUSAGE;
    l->out->items = sl_calloc(u->n_target_list, sizeof(*l->out->items));
    if (!l->out->items)
        return nomem(err);
    for (size_t i = 0; i < u->n_target_list; i++) {
        const PgQuery__ResTarget *r = u->target_list[i]->res_target;
        struct sl_expr_item *item = &l->out->items[l->out->n];
        struct sl_buf name = SL_BUF_INIT;
        int rc = set_name(t, r, l->scope, &name, err);
        if (rc >= 0)
            rc = sl_bind_expr(t, r->val, l->scope, l->env, NULL, &item->expr, err);
        if (rc < 0) {
            sl_buf_release(&name);
            return rc;
        }
        rc = add_item(t, l->out, sl_buf_take(&name), r->location, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int sl_expr_bind_set(const struct sl_ast *a, const struct sl_scope *scope,
                     const struct sl_expr_env *env, struct sl_expr_list *out, struct sl_err *err)
{
    assert(a && scope && out);
    struct lists l = {.scope = scope, .env = env, .out = out};
    memset(out, 0, sizeof(*out));
    int rc = sl_ast_bind(a, scope, bind_set, &l, err);
    if (rc < 0)
        sl_expr_list_release(out);
    return need_form(a, "name = expression", rc, err);
}

/* ---- names ---- */

static int column_index(const struct sl_tree *t, const PgQuery__Node *n,
                        const struct sl_scope *scope, const char *what, struct sl_err *err)
{
    char name[512];
    if (n && n->node_case == PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION &&
        n->sqlvalue_function->op == PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER) {
        snprintf(name, sizeof(name), "user");
    } else if (!n || n->node_case != PG_QUERY__NODE__NODE_COLUMN_REF ||
               !sl_bind_name(t, n->column_ref, name, sizeof(name))) {
        return sl_tree_fail(t, sl_tree_location(n), err, "%s", what);
    }
    int i = sl_scope_find(scope, name, strlen(name), err);
    return i < 0 ? fail_at(t, sl_tree_location(n), err) : i;
}

static int bind_names(const struct sl_tree *t, void *arg, struct sl_err *err)
{
    struct lists *l = arg;
    const PgQuery__SelectStmt *s = plain_list(t, err);
    if (!s)
        return -SL_EUSAGE;
    l->index = sl_calloc(s->n_target_list, sizeof(*l->index));
    if (!l->index)
        return nomem(err);
    for (size_t i = 0; i < s->n_target_list; i++) {
        const PgQuery__ResTarget *r = s->target_list[i]->res_target;
        int k = column_index(t, r->val, l->scope, "only names of columns are read here", err);
        if (k < 0)
            return k;
        if (r->name && *r->name)
            return sl_tree_fail(t, r->location, err, "only names of columns are read here");
        l->index[l->n++] = k;
    }
    return 0;
}

int sl_expr_bind_names(const struct sl_ast *a, const struct sl_scope *scope, int **index, int *n,
                       struct sl_err *err)
{
    assert(a && scope && index && n);
    struct lists l = {.scope = scope};
    int rc = sl_ast_bind(a, scope, bind_names, &l, err);
    if (rc < 0) {
        free(l.index);
        l.index = NULL;
        l.n = 0;
    }
    *index = l.index;
    *n = l.n;
    return rc;
}

static int bind_rename(const struct sl_tree *t, void *arg, struct sl_err *err)
{
    struct lists *l = arg;
    const PgQuery__UpdateStmt *u = plain_update(t, err);
    if (!u)
        return -SL_EUSAGE;
    l->index = sl_calloc(u->n_target_list, sizeof(*l->index));
    l->names = sl_calloc(u->n_target_list, sizeof(*l->names));
    if (!l->index || !l->names)
        return nomem(err);
    for (size_t i = 0; i < u->n_target_list; i++) {
        const PgQuery__ResTarget *r = u->target_list[i]->res_target;
        struct sl_buf old = SL_BUF_INIT;
        char name[512];
        int rc = target_name(t, r, 1, &old, err), k;
        if (rc < 0) {
            sl_buf_release(&old);
            return rc;
        }
        k = sl_scope_find(l->scope, old.data, old.len, err);
        sl_buf_release(&old);
        if (k < 0)
            return fail_at(t, r->location, err);
        if (!r->val || r->val->node_case != PG_QUERY__NODE__NODE_COLUMN_REF ||
            !sl_bind_name(NULL, r->val->column_ref, name, sizeof(name)))
            return sl_tree_fail(t, sl_tree_location(r->val), err,
                                "old = new: the new name is no name");
        l->names[l->n] = sl_strdup(name);
        if (!l->names[l->n])
            return nomem(err);
        l->index[l->n++] = k;
    }
    return 0;
}

int sl_expr_bind_rename(const struct sl_ast *a, const struct sl_scope *scope, int **index,
                        char ***names, int *n, struct sl_err *err)
{
    assert(a && scope && index && names && n);
    struct lists l = {.scope = scope};
    int rc = sl_ast_bind(a, scope, bind_rename, &l, err);
    if (rc < 0) {
        for (int i = 0; i < l.n; i++)
            free(l.names[i]);
        free(l.names);
        free(l.index);
        l.names = NULL;
        l.index = NULL;
        l.n = 0;
    }
    *index = l.index;
    *names = l.names;
    *n = l.n;
    return need_form(a, "old = new", rc, err);
}

/* ---- orders ---- */

/* A whole number is the place of a column, as in SQL; any other constant would order nothing. */
static int bind_position(const struct sl_tree *t, const PgQuery__Node *node, const struct lists *l,
                         struct sl_expr **out, struct sl_err *err)
{
    const PgQuery__AConst *c = node->a_const;
    int nth = c->val_case == PG_QUERY__A__CONST__VAL_IVAL ? c->ival->ival : -1, all = 0;

    if (c->val_case != PG_QUERY__A__CONST__VAL_IVAL) {
        sl_tree_fail(t, sl_tree_location(node), err, "a constant orders nothing");
        return sl_err_hint(err, "name a column, or say its number");
    }
    for (int i = 0; i < l->scope->n; i++)
        all += l->scope->inputs[i].schema->nfields;
    if (nth < 1 || nth > all)
        return sl_tree_fail(t, sl_tree_location(node), err, "there is no column %d; there are %d",
                            nth, all);
    return sl_bind_number(t, nth - 1, l->scope, l->env, out, err);
}

static int bind_order(const struct sl_tree *t, void *arg, struct sl_err *err)
{
    struct lists *l = arg;
    const PgQuery__SelectStmt *s = sl_tree_select(t, err);
    if (!s)
        return -SL_EUSAGE;
    l->order = sl_calloc(s->n_sort_clause ? s->n_sort_clause : 1, sizeof(*l->order));
    if (!l->order)
        return nomem(err);
    for (size_t i = 0; i < s->n_sort_clause; i++) {
        const PgQuery__SortBy *k = s->sort_clause[i]->sort_by;
        struct sl_expr_order *o = &l->order[l->n];
        if (k->n_use_op)
            return sl_tree_fail(t, sl_tree_location(k->node), err,
                                "USING is not supported: asc or desc");
        int rc = k->node->node_case == PG_QUERY__NODE__NODE_A_CONST
                     ? bind_position(t, k->node, l, &o->expr, err)
                     : sl_bind_expr(t, k->node, l->scope, l->env, NULL, &o->expr, err);
        if (rc < 0)
            return rc;
        l->n++;
        o->descending = k->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
        o->nulls_first =
            k->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
            (k->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_DEFAULT && o->descending);
    }
    return 0;
}

int sl_expr_bind_order(const struct sl_ast *a, const struct sl_scope *scope,
                       const struct sl_expr_env *env, struct sl_expr_order **out, int *n,
                       struct sl_err *err)
{
    assert(a && scope && out && n);
    struct lists l = {.scope = scope, .env = env};
    int rc = sl_ast_bind(a, scope, bind_order, &l, err);
    if (rc < 0) {
        sl_expr_order_free(l.order, l.n);
        l.order = NULL;
        l.n = 0;
    }
    *out = l.order;
    *n = l.n;
    return rc;
}

void sl_expr_order_free(struct sl_expr_order *o, int n)
{
    assert(o || !n);
    for (int i = 0; i < n; i++)
        sl_expr_free(o[i].expr);
    free(o);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aggregate_list: the select list of an aggregate.
 *
 * Each target is bound over a schema that does not exist yet: the key columns and, after them, one
 * column for each different aggregate call, added as calls are met. Arguments and filters of calls
 * are bound over the input. Calls are the same if their canonical texts are.
 */
#include "expr/aggregate_table.h"
#include "expr/bind.h"
#include "expr/function.h"

struct sl_agg_scope {
    const struct sl_scope *input, *key_scope;
    struct sl_schema *keys; /* key_scope's */
    const struct sl_expr_env *env;
    struct sl_agg_list *out;
};

int sl_aggregate_names(const char **out, int max)
{
    assert(out && max > 0);
    int n = 0;
    for (const struct sl_agg_function *f = sl_agg_functions; f->name && n < max; f++)
        out[n++] = f->name;
    return n;
}

/* p1 .. p99, and p991 .. p9999: 1 and the quantile. */
static int quantile_name(const char *s, double *q)
{
    char text[16];
    size_t n = strlen(s);
    if (n < 2 || n > 6 || s[0] != 'p' || strspn(s + 1, "0123456789") != n - 1)
        return 0;
    if (n == 2)
        snprintf(text, sizeof(text), "0.0%c", s[1]);
    else
        snprintf(text, sizeof(text), "0.%s", s + 1);
    if (n > 3 && (s[1] != '9' || s[2] != '9'))
        return 0;
    return sl_num_parse_double(text, strlen(text), q) && *q > 0;
}

/* What a name calls, and its quantile; NULL if it is no aggregate. */
static const struct sl_agg_function *find(const char *name, double *q)
{
    int quantile = quantile_name(name, q);
    const struct sl_agg_function *f = sl_agg_functions;
    while (f->name && strcmp(f->name, quantile ? "p99" : name) != 0)
        f++;
    if (!quantile)
        *q = f->quantile;
    return f->name ? f : NULL;
}

static const char *what_it_takes(const struct sl_agg_function *f)
{
    switch (f->takes) {
    case SL_AGG_TAKES_SPAN:
    case SL_AGG_TAKES_DOUBLE: return "numbers";
    case SL_AGG_TAKES_BIGINT: return "bigint";
    case SL_AGG_TAKES_BOOLEAN: return "boolean values";
    default: return "values that have an order";
    }
}

static int takes_number(const struct sl_agg_function *f)
{
    return f->takes == SL_AGG_TAKES_SPAN || f->takes == SL_AGG_TAKES_DOUBLE;
}

static int takes(const struct sl_agg_function *f, struct sl_type t)
{
    switch (f->takes) {
    case SL_AGG_TAKES_SPAN: return sl_type_is_number(t) || t.kind == SL_INTERVAL;
    case SL_AGG_TAKES_DOUBLE: return t.kind == SL_DOUBLE;
    case SL_AGG_TAKES_BIGINT: return t.kind == SL_BIGINT;
    case SL_AGG_TAKES_BOOLEAN: return t.kind == SL_BOOL;
    default: return t.kind != SL_FOREIGN;
    }
}

/* Says that an argument has no type that the call takes. */
static int wrong_type(struct sl_bind *b, const struct sl_agg_function *f, const char *name,
                      const struct sl_expr *arg, int at)
{
    struct sl_type t = arg->root->type;
    sl_bind_fail(b, at, "%.30s takes %s, not %s", name, what_it_takes(f), sl_bind_type_text(b, t));
    if (t.kind == SL_BOOL)
        sl_bind_hint(b, "count(*) filter (where ...) counts the rows that are true");
    if (t.kind == SL_TEXT && takes_number(f))
        sl_bind_text_hint(b, arg->schema, arg->root, SL_WHY_NUMBER);
    return -SL_EUSAGE;
}

static int result_type(struct sl_bind *b, struct sl_agg_call *c, const struct sl_agg_function *f,
                       const char *name, int at)
{
    if (c->arg && !takes(f, c->arg->root->type))
        return wrong_type(b, f, name, c->arg, at);
    if (c->second && f->takes != SL_AGG_TAKES_ORDER && !takes(f, c->second->root->type))
        return wrong_type(b, f, name, c->second, at);
    struct sl_type t = c->arg ? c->arg->root->type : sl_type_of(SL_BIGINT);
    switch (f->gives) {
    case SL_AGG_GIVES_BIGINT: c->type = sl_type_of(SL_BIGINT); break;
    case SL_AGG_GIVES_JSONB: c->type = sl_type_of(SL_JSONB); break;
    case SL_AGG_GIVES_DOUBLE: c->type = sl_type_of(SL_DOUBLE); break;
    case SL_AGG_GIVES_SUM:
        c->type = t.kind == SL_DOUBLE || t.kind == SL_INTERVAL
                      ? t
                      : sl_type_numeric(SL_NUMERIC_MAX, sl_type_scale(t));
        break;
    case SL_AGG_GIVES_MEAN: c->type = t.kind == SL_INTERVAL ? t : sl_type_of(SL_DOUBLE); break;
    default: c->type = t;
    }
    return 0;
}

/* A constant argument as a value of a type, not null: one row. */
static int read_constant(struct sl_bind *b, const PgQuery__Node *arg, struct sl_type type,
                         struct sl_column **out, struct sl_err *err)
{
    struct sl_expr *e = NULL;
    *out = NULL;
    int rc = sl_bind_expr(b->tree, arg, b->agg->input, b->agg->env, NULL, &e, err);
    if (rc < 0)
        return rc;
    struct sl_bind inner = *b;
    inner.e = e;
    inner.agg = NULL;
    struct sl_node *n = sl_coerce(&inner, e->root, type, SL_COERCE_EXPLICIT);
    if (n && n->value && !sl_column_null(n->value, 0))
        *out = sl_column_ref(n->value);
    else
        rc = n || err->code != SL_ENOMEM ? -SL_EUSAGE : -SL_ENOMEM;
    sl_expr_free(e);
    return rc;
}

static int read_quantile(struct sl_bind *b, const PgQuery__Node *arg, int at, double *q)
{
    struct sl_column *c;
    int rc = read_constant(b, arg, sl_type_of(SL_DOUBLE), &c, b->err);
    if (rc == 0) {
        int64_t bits = *(const int64_t *)c->data;
        memcpy(q, &bits, sizeof(*q));
        rc = *q >= 0 && *q <= 1 ? 0 : -SL_EUSAGE;
    }
    sl_column_unref(c);
    if (rc == -SL_EUSAGE)
        sl_bind_fail(b, at, "a percentile takes a constant between 0 and 1");
    return rc;
}

static int read_limit(struct sl_bind *b, const PgQuery__Node *arg, int at, int64_t *limit)
{
    struct sl_column *c;
    int rc = read_constant(b, arg, sl_type_of(SL_BIGINT), &c, b->err);
    if (rc == 0) {
        *limit = *(const int64_t *)c->data;
        rc = *limit > 0 ? 0 : -SL_EUSAGE;
    }
    sl_column_unref(c);
    if (rc == -SL_EUSAGE)
        sl_bind_fail(b, at, "the limit is a constant of 1 or more");
    return rc;
}

static int read_separator(struct sl_bind *b, const PgQuery__Node *arg, int at, char **text)
{
    struct sl_column *c;
    int rc = read_constant(b, arg, sl_type_of(SL_TEXT), &c, b->err);
    if (rc == 0) {
        size_t n;
        const char *s = sl_column_bytes(c, 0, &n);
        *text = sl_strndup(s, n);
        rc = *text ? 0 : sl_err_nomem(b->err, "reading an expression");
    }
    sl_column_unref(c);
    if (rc == -SL_EUSAGE)
        sl_bind_fail(b, at, "the separator is a constant text");
    return rc;
}

/* name(distinct x, 'separator', limit order by y desc nulls last) */
static void print_list(const struct sl_agg_call *c, const char *name, struct sl_buf *s)
{
    sl_buf_printf(s, "%s(%s", name, c->distinct ? "distinct " : "");
    sl_expr_print(c->arg, s);
    if (c->separator) {
        sl_buf_addstr(s, ", '");
        for (const char *p = c->separator; *p; p++)
            sl_buf_printf(s, *p == '\'' ? "''" : "%c", *p);
        sl_buf_addch(s, '\'');
    }
    if (c->limit != INT64_MAX)
        sl_buf_printf(s, ", %lld", (long long)c->limit);
    if (c->second || c->descending || c->nulls_first) {
        sl_buf_addstr(s, " order by ");
        sl_expr_print(c->second ? c->second : c->arg, s);
        sl_buf_printf(s, "%s%s", c->descending ? " desc" : "",
                      c->descending == c->nulls_first ? ""
                      : c->nulls_first                ? " nulls first"
                                                      : " nulls last");
    }
    sl_buf_addch(s, ')');
}

static void print_call(const struct sl_agg_call *c, const struct sl_agg_function *f,
                       const char *name, struct sl_buf *s)
{
    if (c->kind == SL_AGG_COUNT_STAR) {
        sl_buf_addstr(s, "count(*)");
    } else if (f->flags & SL_AGG_LIST) {
        print_list(c, name, s);
    } else if (f->flags & SL_AGG_WITHIN || c->descending) {
        char q[SL_NUM_MAX];
        int n = f->flags & SL_AGG_WITHIN ? (int)sl_num_print_double(q, c->quantile) : 0;
        sl_buf_printf(s, "%s(%.*s) within group (order by ", name, n, q);
        sl_expr_print(c->arg, s);
        sl_buf_addstr(s, c->descending ? " desc)" : ")");
    } else {
        sl_buf_printf(s, "%s(%s", name, c->distinct ? "distinct " : "");
        sl_expr_print(c->arg, s);
        if (c->second) {
            sl_buf_addstr(s, ", ");
            sl_expr_print(c->second, s);
        }
        if (f->flags & SL_AGG_SHARE) {
            char q[SL_NUM_MAX];
            sl_buf_printf(s, ", %.*s", (int)sl_num_print_double(q, c->quantile), q);
        }
        sl_buf_addch(s, ')');
    }
    if (c->filter) {
        sl_buf_addstr(s, " filter (where ");
        sl_expr_print(c->filter, s);
        sl_buf_addch(s, ')');
    }
}

static void call_release(struct sl_agg_call *c)
{
    sl_expr_free(c->arg);
    sl_expr_free(c->second);
    sl_expr_free(c->filter);
    free(c->separator);
    free(c->text);
    memset(c, 0, sizeof(*c));
}

/* An argument that had no value yet as numeric, and any number as double precision where that is taken.
 * Numbers that come later are then never compared as text; words that come are bad rows. */
static int as_number(struct sl_bind *b, const struct sl_agg_function *f, struct sl_expr *e)
{
    struct sl_bind inner = *b;
    struct sl_node *n = e->root;
    inner.e = e;
    inner.agg = NULL;
    int ordered = f->kind == SL_AGG_QUANTILE || f->kind == SL_AGG_MIN || f->kind == SL_AGG_MAX;
    if ((takes_number(f) || ordered) && sl_type_is_valueless(n->type)) {
        n->unknown = 1;
        n = sl_coerce_result(&inner, sl_coerce_unknown(&inner, n, sl_type_of(SL_NUMERIC)));
    }
    if (n && f->takes == SL_AGG_TAKES_DOUBLE && sl_type_is_number(n->type))
        n = sl_coerce(&inner, n, sl_type_of(SL_DOUBLE), SL_COERCE_IMPLICIT);
    if (n && f->takes == SL_AGG_TAKES_TEXT && n->type.kind != SL_TEXT)
        n = sl_coerce(&inner, n, sl_type_of(SL_TEXT), SL_COERCE_EXPLICIT);
    if (!n)
        return -SL_EUSAGE;
    e->root = n;
    return 0;
}

static int bind_value(struct sl_bind *b, const struct sl_agg_function *f, const PgQuery__Node *n,
                      struct sl_expr **out)
{
    struct sl_agg_scope *s = b->agg;
    int rc = sl_bind_expr(b->tree, n, s->input, s->env, NULL, out, b->err);
    return rc < 0 ? rc : as_number(b, f, *out);
}

/* ORDER BY of one expression. DISTINCT goes by the value itself, as in PostgreSQL. */
static int bind_order(struct sl_bind *b, const PgQuery__FuncCall *f, const char *name, int at,
                      struct sl_agg_call *c)
{
    struct sl_agg_scope *s = b->agg;
    if (f->n_agg_order > 1) {
        sl_bind_fail(b, at, "%.30s goes by one column", name);
        return -SL_EUSAGE;
    }
    const PgQuery__SortBy *by = f->agg_order[0]->sort_by;
    int rc = sl_bind_expr(b->tree, by->node, s->input, s->env, NULL, &c->second, b->err);
    if (rc < 0)
        return rc;
    c->descending = by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    c->nulls_first =
        by->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
        (by->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_DEFAULT && c->descending);
    if (!c->distinct)
        return 0;
    struct sl_buf value = SL_BUF_INIT, order = SL_BUF_INIT;
    sl_expr_print(c->arg, &value);
    sl_expr_print(c->second, &order);
    if (value.failed || order.failed)
        rc = sl_err_nomem(b->err, "reading an expression");
    else if (strcmp(value.data, order.data) != 0)
        rc = -SL_EUSAGE;
    sl_buf_release(&value);
    sl_buf_release(&order);
    if (rc == -SL_EUSAGE)
        sl_bind_fail(b, at, "%.30s with distinct is ordered by its argument only", name);
    sl_expr_free(c->second);
    c->second = NULL;
    return rc;
}

/* name(x [, separator] [, limit] [order by y]). */
static int bind_list(struct sl_bind *b, const PgQuery__FuncCall *f,
                     const struct sl_agg_function *fn, const char *name, int at,
                     struct sl_agg_call *c)
{
    size_t least = fn->flags & SL_AGG_SEPARATOR ? 2 : 1;
    if (f->agg_star || f->agg_within_group || f->n_args < least || f->n_args > least + 1) {
        sl_bind_fail(b, at, "%.30s takes %zu or %zu arguments", name, least, least + 1);
        sl_bind_hint(b, "%s", fn->call);
        return -SL_EUSAGE;
    }
    c->distinct = f->agg_distinct;
    c->limit = INT64_MAX;
    int rc = bind_value(b, fn, f->args[0], &c->arg);
    if (rc == 0 && least > 1)
        rc = read_separator(b, f->args[1], at, &c->separator);
    if (rc == 0 && f->n_args > least)
        rc = read_limit(b, f->args[least], at, &c->limit);
    return rc == 0 && f->n_agg_order ? bind_order(b, f, name, at, c) : rc;
}

/* name(x), name(x, y), name(x, share), count(*). */
static int bind_plain(struct sl_bind *b, const PgQuery__FuncCall *f,
                      const struct sl_agg_function *fn, const char *name, int at,
                      struct sl_agg_call *c)
{
    size_t n = fn->flags & (SL_AGG_TWO | SL_AGG_SHARE) ? 2 : 1;
    if (f->agg_star && c->kind == SL_AGG_COUNT) {
        c->kind = SL_AGG_COUNT_STAR;
        return 0;
    }
    if (f->agg_star) {
        sl_bind_fail(b, at, "%.30s(*) is not a thing: only count(*)", name);
        return -SL_EUSAGE;
    }
    if (f->n_args != n || f->n_agg_order) {
        sl_bind_fail(b, at, "%.30s takes %s", name, n == 1 ? "one argument" : "two arguments");
        if (fn->call)
            sl_bind_hint(b, "%s", fn->call);
        return -SL_EUSAGE;
    }
    c->distinct = f->agg_distinct && !(fn->flags & SL_AGG_IDEMPOTENT);
    int rc = bind_value(b, fn, f->args[0], &c->arg);
    if (rc < 0 || n == 1)
        return rc;
    return fn->flags & SL_AGG_SHARE ? read_quantile(b, f->args[1], at, &c->quantile)
                                    : bind_value(b, fn, f->args[1], &c->second);
}

static int bind_argument(struct sl_bind *b, const PgQuery__FuncCall *f,
                         const struct sl_agg_function *fn, const char *name, int at,
                         struct sl_agg_call *c)
{
    int rc = 0, may = fn->flags & SL_AGG_MAY_WITHIN && f->agg_within_group && !f->n_args;
    if (fn->flags & SL_AGG_LIST)
        return bind_list(b, f, fn, name, at, c);
    if (!may && !(fn->flags & SL_AGG_WITHIN))
        return bind_plain(b, f, fn, name, at, c);
    if (!may && (!f->agg_within_group || f->n_agg_order != 1 || f->n_args != 1)) {
        sl_bind_fail(b, at, "a percentile is written in two parts");
        sl_bind_hint(b, "percentile_cont(0.5) within group (order by x)");
        return -SL_EUSAGE;
    }
    if (!may)
        rc = read_quantile(b, f->args[0], at, &c->quantile);
    if (rc < 0)
        return rc;
    if (f->n_agg_order != 1) {
        sl_bind_fail(b, at, "%.30s goes by one column", name);
        return -SL_EUSAGE;
    }
    const PgQuery__SortBy *by = f->agg_order[0]->sort_by;
    c->descending = by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    return bind_value(b, fn, by->node, &c->arg);
}

/* The call's place among the calls: an equal one, or a new one that takes what c holds. */
static int intern_call(struct sl_bind *b, struct sl_agg_call *c)
{
    struct sl_agg_list *l = b->agg->out;
    for (int i = 0; i < l->ncalls; i++) {
        if (strcmp(l->calls[i].text, c->text) == 0) {
            call_release(c);
            return i;
        }
    }
    int rc = SL_GROW_ONE(l->calls, l->ncalls, "reading an expression", b->err);
    if (rc < 0)
        return rc;
    l->calls[l->ncalls] = *c;
    memset(c, 0, sizeof(*c));
    return l->ncalls++;
}

static struct sl_node *bind_call(struct sl_bind *b, const PgQuery__FuncCall *f, const char *name,
                                 const struct sl_agg_function *fn, double q, int at)
{
    struct sl_agg_scope *s = b->agg;
    struct sl_agg_call c = {.kind = fn->kind, .quantile = q};
    struct sl_buf text = SL_BUF_INIT;
    struct sl_node *n = NULL;
    int i;
    if (bind_argument(b, f, fn, name, at, &c) < 0 || result_type(b, &c, fn, name, at) < 0)
        goto out;
    if (f->agg_filter) {
        int fat = sl_tree_at(b->tree, sl_tree_location(f->agg_filter));
        if (sl_bind_expr(b->tree, f->agg_filter, s->input, s->env, NULL, &c.filter, b->err) < 0)
            goto out;
        if (c.filter->root->type.kind != SL_BOOL) {
            sl_bind_fail(b, fat, "FILTER (WHERE ...) takes a condition");
            goto out;
        }
    }
    print_call(&c, fn, name, &text);
    c.text = sl_buf_take(&text);
    if (!c.text) {
        sl_err_nomem(b->err, "reading an expression");
        goto out;
    }
    i = intern_call(b, &c);
    if (i < 0)
        goto out;
    n = sl_bind_new(b, SL_NODE_COLUMN, s->out->calls[i].type, at, 0);
    if (n) {
        n->column = n->only = s->keys->nfields + i;
        n->name =
            sl_arena_strndup(&b->e->arena, s->out->calls[i].text, strlen(s->out->calls[i].text));
        if (!n->name) {
            sl_err_nomem(b->err, "reading an expression");
            n = NULL;
        }
    }
out:
    sl_buf_release(&text);
    call_release(&c);
    return n;
}

struct sl_node *sl_bind_aggregate(struct sl_bind *b, const PgQuery__FuncCall *f, int at,
                                  int *is_aggregate)
{
    assert(b && f && is_aggregate);
    const char *name = f->funcname[f->n_funcname - 1]->string->sval;
    double q;
    const struct sl_agg_function *fn = find(name, &q);
    if (!fn)
        return NULL;
    *is_aggregate = 1;
    if (!b->agg) {
        sl_bind_fail(b, at, "the aggregate %.30s has no place here", name);
        return sl_bind_hint(b, "aggregates stand in the --select of sluice aggregate, not inside "
                               "one another");
    }
    return bind_call(b, f, name, fn, q, at);
}

void sl_aggregate_missing(struct sl_bind *b, const char *name, int at)
{
    int i = sl_scope_find(b->agg->input, name, strlen(name), b->err);
    b->err->column = at > 0 ? at : 1;
    if (i < 0)
        return;
    sl_bind_fail(b, at, "column %.100s is neither a key nor inside an aggregate",
                 sl_scope_field(b->agg->input, i)->name);
    sl_bind_hint(b, "add it to --by, or take one value: max(%.100s)",
                 sl_scope_field(b->agg->input, i)->name);
}

void sl_agg_list_release(struct sl_agg_list *l)
{
    sl_expr_list_release(&(struct sl_expr_list){l->nitems, l->items});
    for (int i = 0; i < l->ncalls; i++)
        call_release(&l->calls[i]);
    free(l->calls);
    sl_schema_unref(l->agg_schema);
    memset(l, 0, sizeof(*l));
}

/* The keys and one column a call; items move over to it. */
static int finish_schema(struct sl_agg_scope *s, struct sl_err *err)
{
    struct sl_schema *a = sl_schema_new();
    int rc = a ? 0 : sl_err_nomem(err, "reading an expression");
    for (int i = 0; rc >= 0 && i < s->keys->nfields; i++)
        rc = sl_schema_add(a, s->keys->fields[i].name, strlen(s->keys->fields[i].name),
                           s->keys->fields[i].type, err);
    for (int i = 0; rc >= 0 && i < s->out->ncalls; i++) {
        struct sl_buf name = SL_BUF_INIT;
        sl_buf_addstr(&name, s->out->calls[i].text);
        while (!name.failed && sl_schema_find(a, name.data, name.len) >= 0)
            sl_buf_addch(&name, '#'); /* a key column of that very name */
        rc = sl_buf_check(&name, err);
        if (rc >= 0)
            rc = sl_schema_add(a, name.data, name.len, s->out->calls[i].type, err);
        sl_buf_release(&name);
    }
    if (rc < 0) {
        sl_schema_unref(a);
        return rc;
    }
    s->out->agg_schema = a;
    for (int i = 0; i < s->out->nitems; i++) {
        struct sl_expr *e = s->out->items[i].expr;
        sl_schema_unref(e->schema);
        e->schema = sl_schema_ref(a);
    }
    return 0;
}

static int bind_aggregates(const struct sl_tree *t, void *arg, struct sl_err *err)
{
    struct sl_agg_scope *s = arg;
    struct sl_expr_list items = {0};
    int rc = sl_bind_items(t, s->key_scope, s->input, s->env, s, &items, err);
    s->out->items = items.items;
    s->out->nitems = items.n;
    return rc < 0 ? rc : finish_schema(s, err);
}

int sl_expr_bind_aggregates(const struct sl_ast *a, const struct sl_scope *input,
                            struct sl_schema *keys, const struct sl_expr_env *env,
                            struct sl_agg_list *out, struct sl_err *err)
{
    assert(a && input && env && out);
    struct sl_agg_scope s = {
        .input = input, .key_scope = SL_SCOPE(keys), .keys = keys, .env = env, .out = out};
    memset(out, 0, sizeof(*out));
    int rc = sl_ast_bind(a, input, bind_aggregates, &s, err);
    if (rc < 0)
        sl_agg_list_release(out);
    return rc;
}

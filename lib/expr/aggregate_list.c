/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aggregate_list: the select list of an aggregate.
 *
 * Each target is bound over a schema that does not exist yet: the key columns and, after them, one
 * column for each different aggregate call, added as calls are met. Arguments and filters of calls
 * are bound over the input. Calls are the same if their canonical texts are.
 */
#include "expr/bind.h"
#include "expr/function.h"

struct sl_agg_scope {
    const struct sl_scope *input, *key_scope;
    struct sl_schema *keys; /* key_scope's */
    const struct sl_expr_env *env;
    struct sl_agg_list *out;
};

static const struct {
    const char *name;
    enum sl_agg_kind kind;
} kinds[] = {{"count", SL_AGG_COUNT},
             {"sum", SL_AGG_SUM},
             {"avg", SL_AGG_AVG},
             {"min", SL_AGG_MIN},
             {"max", SL_AGG_MAX},
             {"first", SL_AGG_FIRST},
             {"last", SL_AGG_LAST},
             {"median", SL_AGG_PERCENTILE},
             {"percentile_cont", SL_AGG_PERCENTILE},
             {"percentile_disc", SL_AGG_QUANTILE}};

int sl_aggregate_names(const char **out, int max)
{
    assert(out && max > 0);
    int n = 0;
    for (size_t i = 0; i < SL_COUNT(kinds) && n < max; i++)
        out[n++] = kinds[i].name;
    if (n < max)
        out[n++] = "p99";
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

static enum sl_agg_kind kind_of(const char *name, double *q)
{
    *q = strcmp(name, "median") == 0 ? 0.5 : 0;
    for (size_t i = 0; i < SL_COUNT(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].kind;
    return quantile_name(name, q) ? SL_AGG_QUANTILE : 0;
}

static int needs_number(const struct sl_agg_call *c)
{
    return c->kind == SL_AGG_SUM || c->kind == SL_AGG_AVG || c->kind == SL_AGG_PERCENTILE;
}

static int result_type(struct sl_bind *b, struct sl_agg_call *c, const char *name, int at)
{
    struct sl_type t = c->arg ? c->arg->root->type : sl_type_of(SL_BIGINT);
    if (t.kind == SL_FOREIGN || (needs_number(c) && !sl_type_is_number(t))) {
        sl_bind_fail(b, at, "%.30s takes %s, not %s", name,
                     needs_number(c) ? "numbers" : "values that have an order",
                     sl_bind_type_text(b, t));
        if (t.kind == SL_BOOL)
            sl_bind_hint(b, "count(*) filter (where ...) counts the rows that are true");
        if (t.kind == SL_TEXT)
            sl_bind_text_hint(b, c->arg->schema, c->arg->root, SL_WHY_NUMBER);
        return -SL_EUSAGE;
    }
    switch (c->kind) {
    case SL_AGG_COUNT_STAR:
    case SL_AGG_COUNT:
    case SL_AGG_COUNT_DISTINCT: c->type = sl_type_of(SL_BIGINT); break;
    case SL_AGG_SUM:
        c->type = t.kind == SL_DOUBLE ? t : sl_type_numeric(SL_NUMERIC_MAX, sl_type_scale(t));
        break;
    case SL_AGG_AVG:
    case SL_AGG_PERCENTILE: c->type = sl_type_of(SL_DOUBLE); break;
    default: c->type = t;
    }
    return 0;
}

/* The quantile of percentile_*(q) within group (order by x). */
static int read_quantile(struct sl_bind *b, const PgQuery__FuncCall *f, int at, double *q)
{
    struct sl_expr *e = NULL;
    struct sl_type d = sl_type_of(SL_DOUBLE);
    if (!f->agg_within_group || f->n_agg_order != 1 || f->n_args != 1) {
        sl_bind_fail(b, at, "a percentile is written in two parts");
        sl_bind_hint(b, "percentile_cont(0.5) within group (order by x)");
        return -SL_EUSAGE;
    }
    int rc = sl_bind_expr(b->tree, f->args[0], b->agg->input, b->agg->env, NULL, &e, b->err);
    if (rc < 0)
        return rc;
    struct sl_bind inner = *b;
    inner.e = e;
    inner.agg = NULL;
    struct sl_node *n = sl_coerce(&inner, e->root, d, SL_COERCE_EXPLICIT);
    rc = n || b->err->code != SL_ENOMEM ? -SL_EUSAGE : -SL_ENOMEM;
    if (n && n->value && !sl_column_null(n->value, 0)) {
        *q = *(const double *)n->value->data;
        rc = *q >= 0 && *q <= 1 ? 0 : rc;
    }
    if (rc == -SL_EUSAGE)
        sl_bind_fail(b, at, "a percentile takes a constant between 0 and 1");
    sl_expr_free(e);
    if (rc == 0 && f->agg_order[0]->sort_by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC)
        *q = 1 - *q;
    return rc;
}

static void print_call(const struct sl_agg_call *c, const char *name, struct sl_buf *s)
{
    if (c->kind == SL_AGG_COUNT_STAR) {
        sl_buf_addstr(s, "count(*)");
    } else if (strncmp(name, "percentile_", 11) == 0) {
        char q[SL_NUM_MAX];
        sl_buf_printf(s, "%s(%.*s) within group (order by ", name,
                      (int)sl_num_print_double(q, c->quantile), q);
        sl_expr_print(c->arg, s);
        sl_buf_addch(s, ')');
    } else {
        sl_buf_printf(s, "%s(%s", name, c->kind == SL_AGG_COUNT_DISTINCT ? "distinct " : "");
        sl_expr_print(c->arg, s);
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
    sl_expr_free(c->filter);
    free(c->text);
    memset(c, 0, sizeof(*c));
}

/* An argument that had no value yet as numeric, and any number of a percentile as double precision.
 * Numbers that come later are then never compared as text; words that come are bad rows. */
static int as_number(struct sl_bind *b, struct sl_agg_call *c)
{
    struct sl_bind inner = *b;
    struct sl_node *n = c->arg->root;
    inner.e = c->arg;
    inner.agg = NULL;
    int ordered = c->kind == SL_AGG_QUANTILE || c->kind == SL_AGG_MIN || c->kind == SL_AGG_MAX;
    if ((needs_number(c) || ordered) && sl_type_is_valueless(n->type)) {
        n->unknown = 1;
        n = sl_coerce_result(&inner, sl_coerce_unknown(&inner, n, sl_type_of(SL_NUMERIC)));
    }
    if (n && c->kind == SL_AGG_PERCENTILE && sl_type_is_number(n->type))
        n = sl_coerce(&inner, n, sl_type_of(SL_DOUBLE), SL_COERCE_IMPLICIT);
    if (!n)
        return -SL_EUSAGE;
    c->arg->root = n;
    return 0;
}

static int bind_argument(struct sl_bind *b, const PgQuery__FuncCall *f, const char *name, int at,
                         struct sl_agg_call *c)
{
    const PgQuery__Node *arg = NULL;
    struct sl_agg_scope *s = b->agg;
    int rc, within = strncmp(name, "percentile_", 11) == 0;
    if (within) {
        rc = read_quantile(b, f, at, &c->quantile);
        if (rc < 0)
            return rc;
        arg = f->agg_order[0]->sort_by->node;
    } else if (f->agg_star) {
        if (c->kind != SL_AGG_COUNT) {
            sl_bind_fail(b, at, "%.30s(*) is not a thing: only count(*)", name);
            return -SL_EUSAGE;
        }
        c->kind = SL_AGG_COUNT_STAR;
    } else if (f->n_args != 1 || f->n_agg_order) {
        sl_bind_fail(b, at, "%.30s takes one argument", name);
        return -SL_EUSAGE;
    } else {
        arg = f->args[0];
    }
    if (f->agg_distinct) {
        if (c->kind == SL_AGG_COUNT) {
            c->kind = SL_AGG_COUNT_DISTINCT;
        } else if (c->kind != SL_AGG_MIN && c->kind != SL_AGG_MAX) { /* those do not mind */
            sl_bind_fail(b, at, "distinct is supported by count(distinct x) only");
            return -SL_EUSAGE;
        }
    }
    if (!arg)
        return 0;
    rc = sl_bind_expr(b->tree, arg, s->input, s->env, NULL, &c->arg, b->err);
    return rc < 0 ? rc : as_number(b, c);
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
                                 enum sl_agg_kind kind, double q, int at)
{
    struct sl_agg_scope *s = b->agg;
    struct sl_agg_call c = {.kind = kind, .quantile = q};
    struct sl_buf text = SL_BUF_INIT;
    struct sl_node *n = NULL;
    int i;
    if (bind_argument(b, f, name, at, &c) < 0 || result_type(b, &c, name, at) < 0)
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
    print_call(&c, name, &text);
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
    enum sl_agg_kind kind = kind_of(name, &q);
    if (!kind)
        return NULL;
    *is_aggregate = 1;
    if (!b->agg) {
        sl_bind_fail(b, at, "the aggregate %.30s has no place here", name);
        return sl_bind_hint(b, "aggregates stand in the --select of sluice aggregate, not inside "
                               "one another");
    }
    return bind_call(b, f, name, kind, q, at);
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

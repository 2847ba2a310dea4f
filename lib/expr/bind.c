/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* bind: tree nodes to typed nodes; names, literals, CASE and their like. See bind.h. */
#include "base/utf8.h"
#include "expr/bind.h"

void *sl_bind_fail(struct sl_bind *b, int at, const char *fmt, ...)
{
    assert(b && fmt);
    char what[sizeof(b->err->what)];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    sl_err_set(b->err, SL_EUSAGE, "%s", what);
    b->err->column = at > 0 ? at : 1;
    return NULL;
}

void *sl_bind_hint(struct sl_bind *b, const char *fmt, ...)
{
    char hint[sizeof(b->err->hint)];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(hint, sizeof(hint), fmt, ap);
    va_end(ap);
    sl_err_hint(b->err, "%s", hint);
    return NULL;
}

static void *nomem(struct sl_bind *b)
{
    return sl_err_no_memory(b->err, "reading an expression");
}

struct sl_node *sl_bind_new(struct sl_bind *b, enum sl_node_kind kind, struct sl_type type, int at,
                            int nargs)
{
    assert(b && nargs >= 0);
    struct sl_node *n = sl_arena_alloc(&b->e->arena, sizeof(*n));
    if (!n)
        return nomem(b);
    n->kind = (uint8_t)kind;
    n->type = type;
    n->at = at;
    n->only = SL_ONLY_NONE;
    n->column = -1;
    n->nargs = nargs;
    if (nargs) {
        n->args = sl_arena_alloc(&b->e->arena, (size_t)nargs * sizeof(*n->args));
        if (!n->args)
            return nomem(b);
    }
    n->next = b->e->all;
    b->e->all = n;
    return n;
}

/* Long texts that a short expression makes are made when a row needs them, on the run's account. */
static void limit_folded(struct sl_bind *b, struct sl_node *n)
{
    size_t len = 0;
    if (!n->value || !sl_type_is_bytes(n->type) || sl_column_null(n->value, 0))
        return;
    sl_column_bytes(n->value, 0, &len);
    assert(b->e->folded <= SL_EXPR_FOLDED);
    if (len > SL_EXPR_FOLDED - b->e->folded) {
        sl_column_unref(n->value);
        n->value = NULL;
    } else {
        b->e->folded += len;
    }
}

struct sl_node *sl_bind_finish(struct sl_bind *b, struct sl_node *n)
{
    assert(b && n);
    int constant = 1;
    for (int i = 0; i < n->nargs; i++) {
        const struct sl_node *a = n->args[i];
        assert(a->depth <= SL_EXPR_DEPTH);
        n->depth = SL_MAX(n->depth, a->depth + 1);
        if (a->value)
            continue;
        constant = 0;
        n->can_fail |= a->can_fail && n->kind != SL_NODE_TRY;
        if (a->only == SL_ONLY_NONE)
            continue;
        if (n->only == SL_ONLY_NONE)
            n->only = a->only;
        else if (n->only != a->only)
            n->only = SL_ONLY_MANY;
    }
    if (n->depth > SL_EXPR_DEPTH)
        return sl_bind_fail(b, n->at, "the expression is nested more than %d levels deep",
                            SL_EXPR_DEPTH);
    if (constant && n->kind != SL_NODE_COLUMN && !n->value) {
        struct sl_err why; /* 1 / 0 fails only if a row comes to it */
        sl_err_init(&why);
        n->value = sl_node_constant(n, &b->e->env, &why);
        if (!n->value && why.code == SL_ENOMEM) {
            *b->err = why;
            return NULL;
        }
        limit_folded(b, n);
    }
    return n;
}

struct sl_node *sl_bind_params(struct sl_bind *b, struct sl_node *n, int64_t p0, int64_t p1)
{
    if (!n)
        return NULL;
    n->param[0] = p0;
    n->param[1] = p1;
    return sl_bind_finish(b, n);
}

struct sl_node *sl_bind_call(struct sl_bind *b, sl_kernel *run, const char *name, int form,
                             struct sl_type type, int at, int flags, int fails,
                             struct sl_node *const *args, int nargs)
{
    assert(b && run && name && nargs >= 0 && (args || !nargs));
    for (int i = 0; i < nargs; i++)
        if (!args[i])
            return NULL;
    struct sl_node *n = sl_bind_new(b, SL_NODE_CALL, type, at, nargs);
    if (!n)
        return NULL;
    for (int i = 0; i < nargs; i++)
        n->args[i] = args[i];
    n->run = run;
    n->name = name;
    n->form = (uint8_t)form;
    n->flags = (uint8_t)flags;
    n->can_fail = fails != 0;
    return n;
}

struct sl_node *sl_bind_const(struct sl_bind *b, struct sl_column *value, int at)
{
    if (!value)
        return nomem(b);
    struct sl_node *n = sl_bind_new(b, SL_NODE_CONST, value->type, at, 0);
    if (!n) {
        sl_column_unref(value);
        return NULL;
    }
    assert(value->form == SL_CONST && value->rows == 1);
    n->value = value;
    return n;
}

struct sl_node *sl_bind_value(struct sl_bind *b, struct sl_type t, const void *data, size_t n,
                              int at)
{
    const int32_t offsets[2] = {0, (int32_t)n};
    struct sl_column *c = sl_column_new(t, 1);
    int ok = c && (c->owner[1] = sl_buffer_new(NULL, n ? n : 1)) &&
             (c->owner[2] = sl_buffer_new(NULL, sizeof(offsets)));
    if (!ok) {
        sl_column_unref(c);
        return nomem(b);
    }
    c->form = SL_CONST;
    memcpy(c->owner[1]->data, data, n);
    memcpy(c->owner[2]->data, offsets, sizeof(offsets));
    c->data = c->owner[1]->data;
    c->offsets = sl_type_is_bytes(t) ? (const int32_t *)c->owner[2]->data : NULL;
    return sl_bind_const(b, c, at);
}

struct sl_node *sl_bind_exact(struct sl_bind *b, struct sl_type t, sl_int128 v, int at)
{
    int64_t v64 = (int64_t)v;
    return sl_numeric_is64(t) ? sl_bind_value(b, t, &v64, 8, at) : sl_bind_value(b, t, &v, 16, at);
}

/* NULL, or a string: of no type yet. */
static struct sl_node *bind_unknown(struct sl_bind *b, const char *s, int at)
{
    struct sl_type text = sl_type_of(SL_TEXT);
    struct sl_node *n = s ? sl_bind_value(b, text, s, strlen(s), at)
                          : sl_bind_const(b, sl_column_nulls(text, 1, b->err), at);
    if (n)
        n->unknown = 1;
    return n;
}

struct sl_node *sl_bind_checked(struct sl_bind *b, struct sl_node *n, int arg, int rc)
{
    if (rc >= 0)
        return sl_bind_finish(b, n);
    b->err->column = SL_MAX(1, n->args[arg]->at);
    return NULL;
}

/* ---- literals ---- */

/* A number with a point or an exponent, or an integer beyond 32 bits. */
static struct sl_node *bind_number(struct sl_bind *b, const char *s, int at)
{
    size_t n = strlen(s);
    const char *point = strchr(s, '.'), *first = s + (*s == '-');
    size_t frac = point ? n - (size_t)(point - s) - 1 : 0;
    sl_int128 x;
    double d;
    first += strspn(first, "0");
    size_t digits = SL_MAX(strcspn(first, ".") + frac, 1u);
    if (digits <= SL_NUMERIC_MAX && !strpbrk(s, "eE") &&
        sl_num_parse_decimal(s, n - (point && !frac), (int)frac, &x)) {
        int whole = !point && x >= INT64_MIN && x <= INT64_MAX;
        return sl_bind_exact(
            b, whole ? sl_type_of(SL_BIGINT) : sl_type_numeric((int)digits, (int)frac), x, at);
    }
    if (!sl_num_parse_double(s, n, &d) || d - d != 0)
        return sl_bind_fail(b, at, "the number %.60s is out of range", s);
    return sl_bind_value(b, sl_type_of(SL_DOUBLE), &d, sizeof(d), at);
}

static struct sl_node *bind_literal(struct sl_bind *b, const PgQuery__AConst *c)
{
    int at = sl_tree_at(b->tree, c->location);
    uint8_t bit;
    if (c->isnull)
        return bind_unknown(b, NULL, at);
    switch (c->val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL:
        return sl_bind_exact(b, sl_type_of(SL_BIGINT), c->ival->ival, at);
    case PG_QUERY__A__CONST__VAL_FVAL: return bind_number(b, c->fval->fval, at);
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        bit = c->boolval->boolval != 0;
        return sl_bind_value(b, sl_type_of(SL_BOOL), &bit, 1, at);
    case PG_QUERY__A__CONST__VAL_SVAL:
        return bind_unknown(b, c->sval->sval ? c->sval->sval : "", at);
    default: return sl_bind_fail(b, at, "bit strings are not supported");
    }
}

/* ---- names ---- */

int sl_bind_name(const struct sl_tree *t, const PgQuery__ColumnRef *r, char *buf, size_t size)
{
    assert(r);
    size_t n = 0, spelled = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < r->n_fields; i++) {
        if (r->fields[i]->node_case != PG_QUERY__NODE__NODE_STRING)
            return 0;
        int k = snprintf(buf + n, size - n, "%s%s", i ? "." : "", r->fields[i]->string->sval);
        if (k < 0 || (size_t)k >= size - n)
            break;
        if (t)
            sl_tree_spell(t, r->location, &spelled, buf + n + (i > 0));
        n += (size_t)k;
    }
    return 1;
}

/* Does a name in double quotes begin at this character? */
static int is_quoted(const struct sl_tree *t, int at)
{
    size_t i = 0;
    for (int32_t cp; at > 1 && i < t->text_len; at--)
        i += sl_utf8_decode(t->text + i, t->text_len - i, &cp);
    return i < t->text_len && t->text[i] == '"';
}

static struct sl_node *column_node(struct sl_bind *b, int column, int at)
{
    assert(column >= 0 && column < b->e->schema->nfields);
    const struct sl_field *field = sl_scope_field(b->scope, column);
    struct sl_node *n = sl_bind_new(b, SL_NODE_COLUMN, field->type, at, 0);
    if (!n)
        return NULL;
    n->column = n->only = column;
    n->name = b->e->schema->fields[column].name;
    n->unknown = sl_type_is_valueless(n->type);
    return n;
}

static struct sl_node *bind_column(struct sl_bind *b, const char *name, int at)
{
    assert(name);
    int i = sl_scope_find(b->scope, name, strlen(name), b->err);
    if (i < 0 && b->agg) {
        sl_aggregate_missing(b, name, at);
        return NULL;
    }
    if (i < 0) {
        b->err->column = at > 0 ? at : 1;
        if (is_quoted(b->tree, at))
            return sl_bind_hint(b, "text is written in single quotes: '%.100s'", name);
        return NULL;
    }
    const struct sl_field *field = sl_scope_field(b->scope, i);
    if (field->type.kind == SL_FOREIGN && b->depth > 1) {
        /* alone it may be passed on as it is */
        return sl_bind_fail(b, at,
                            "column %.100s is of type %s, which expressions do not compute with",
                            field->name, sl_bind_type_text(b, field->type));
    }
    return column_node(b, i, at);
}

int sl_bind_number(const struct sl_tree *t, int column, const struct sl_scope *scope,
                   const struct sl_expr_env *env, struct sl_expr **out, struct sl_err *err)
{
    struct sl_bind b = {.scope = scope, .tree = t, .err = err};
    b.e = sl_expr_new(scope, env, err);
    if (b.e && !(b.e->root = column_node(&b, column, 1))) {
        sl_expr_free(b.e);
        b.e = NULL;
    }
    *out = b.e;
    return b.e ? 0 : -(int)err->code;
}

static struct sl_node *bind_column_ref(struct sl_bind *b, const PgQuery__ColumnRef *r)
{
    char name[512];
    int at = sl_tree_at(b->tree, r->location);
    if (!sl_bind_name(b->tree, r, name, sizeof(name))) {
        sl_bind_fail(b, at, "* is not a value");
        return sl_bind_hint(b, "name the columns; transform --set adds to those that are there");
    }
    return bind_column(b, name, at);
}

/* CURRENT_DATE and its like; words that PostgreSQL reserves for a value, but a log for a column. */
static struct sl_node *bind_value_function(struct sl_bind *b, const PgQuery__SQLValueFunction *f)
{
    static const char *const columns[] = {
        [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER] = "user",
        [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER] = "current_user",
        [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER] = "session_user",
        [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE] = "current_role",
        [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG] = "current_catalog",
        [PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA] = "current_schema",
    };
    int at = sl_tree_at(b->tree, f->location);
    if ((size_t)f->op < SL_COUNT(columns) && columns[f->op])
        return bind_column(b, columns[f->op], at);
    switch (f->op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
        return sl_bind_function(b, "current_date", NULL, 0, at);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
        return sl_bind_function(b, "now", NULL, 0, at);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
        return sl_coerce(b, sl_bind_function(b, "now", NULL, 0, at), sl_type_of(SL_WALLTIME),
                         SL_COERCE_EXPLICIT);
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
        sl_bind_fail(b, at, "the present time is not rounded");
        return sl_bind_hint(b, "date_trunc('milliseconds', now())");
    default:
        sl_bind_fail(b, at, "times without a date are not supported");
        return sl_bind_hint(b, "current_timestamp, current_date");
    }
}

/* ---- conditionals ---- */

static struct sl_node *bind_bool_expr(struct sl_bind *b, const PgQuery__BoolExpr *x)
{
    int at = sl_tree_at(b->tree, x->location);
    struct sl_node **args = sl_arena_alloc(&b->e->arena, x->n_args * sizeof(*args));
    if (!args)
        return nomem(b);
    const char *what = x->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR  ? "AND"
                       : x->boolop == PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR ? "OR"
                                                                        : "NOT";
    for (size_t i = 0; i < x->n_args; i++) {
        args[i] = sl_coerce_boolean(b, sl_bind_node(b, x->args[i]), what);
        if (!args[i])
            return NULL;
    }
    if (x->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR)
        return sl_bind_not(b, args[0], at);
    return sl_bind_logic(b, what[0] == 'A' ? SL_NODE_AND : SL_NODE_OR, args, (int)x->n_args, at);
}

static struct sl_node *bind_case(struct sl_bind *b, const PgQuery__CaseExpr *x)
{
    int at = sl_tree_at(b->tree, x->location), n = (int)x->n_args;
    struct sl_node *subject = x->arg ? sl_coerce_settle(b, sl_bind_node(b, x->arg)) : NULL;
    struct sl_node **results = sl_arena_alloc(&b->e->arena, (size_t)(n + 1) * sizeof(*results));
    struct sl_node *c = sl_bind_new(b, SL_NODE_CASE, sl_type_of(SL_TEXT), at, 2 * n + 1);
    if ((x->arg && !subject) || !c)
        return NULL;
    if (!results)
        return nomem(b);
    for (int i = 0; i < n; i++) {
        const PgQuery__CaseWhen *w = x->args[i]->case_when;
        struct sl_node *cond = sl_bind_node(b, w->expr);
        if (cond)
            cond = subject ? sl_bind_compare(b, SL_EQ, subject, cond, cond->at)
                           : sl_coerce_boolean(b, cond, "CASE WHEN");
        results[i] = cond ? sl_bind_node(b, w->result) : NULL;
        if (!results[i])
            return NULL;
        c->args[2 * i] = cond;
    }
    results[n] = x->defresult ? sl_bind_node(b, x->defresult) : bind_unknown(b, NULL, at);
    if (!results[n] || sl_coerce_unify(b, results, n + 1, "CASE") < 0)
        return NULL;
    for (int i = 0; i < n; i++)
        c->args[2 * i + 1] = results[i];
    c->args[2 * n] = results[n];
    c->type = results[n]->type;
    return sl_bind_finish(b, c);
}

static struct sl_node *bind_variadic(struct sl_bind *b, PgQuery__Node **list, size_t n, int at,
                                     const char *what, int sign)
{
    struct sl_node *c =
        sl_bind_new(b, sign ? SL_NODE_CALL : SL_NODE_COALESCE, sl_type_of(SL_TEXT), at, (int)n);
    if (!c)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        c->args[i] = sl_bind_node(b, list[i]);
        if (!c->args[i])
            return NULL;
    }
    if (sl_coerce_unify(b, c->args, (int)n, what) < 0)
        return NULL;
    c->type = c->args[0]->type;
    c->name = what;
    if (sign) {
        c->run = sl_kernel_greatest;
        c->flags = SL_CALL_NULLS;
        c->form = SL_PRINT_FUNCTION;
        c->param[0] = sign;
    }
    return sl_bind_finish(b, c);
}

struct sl_node *sl_bind_is_null(struct sl_bind *b, struct sl_node *a, int negated, int at)
{
    struct sl_node *n =
        sl_bind_call(b, sl_kernel_is_null, negated ? "is not null" : "is null", SL_PRINT_POSTFIX,
                     sl_type_of(SL_BOOL), at, SL_CALL_NULLS | SL_CALL_BYTES, 0, &a, 1);
    return sl_bind_params(b, n, negated, 0);
}

static struct sl_node *bind_null_test(struct sl_bind *b, const PgQuery__NullTest *x)
{
    struct sl_node *a = sl_coerce_settle(b, sl_bind_node(b, x->arg));
    return sl_bind_is_null(b, a, x->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL,
                           sl_tree_at(b->tree, x->location));
}

static struct sl_node *bind_boolean_test(struct sl_bind *b, const PgQuery__BooleanTest *x)
{
    static const struct {
        const char *name;
        int value, negated;
    } tests[] = {{"is true", 1, 0},      {"is not true", 1, 1}, {"is false", 0, 0},
                 {"is not false", 0, 1}, {"is unknown", -1, 0}, {"is not unknown", -1, 1}};
    int k = (int)x->booltesttype - PG_QUERY__BOOL_TEST_TYPE__IS_TRUE;
    struct sl_node *a = sl_coerce_boolean(b, sl_bind_node(b, x->arg), "IS TRUE"), *n;
    if (!a || k < 0 || k >= (int)SL_COUNT(tests))
        return NULL;
    n = sl_bind_call(b, sl_kernel_is_bool, tests[k].name, SL_PRINT_POSTFIX, sl_type_of(SL_BOOL),
                     sl_tree_at(b->tree, x->location), SL_CALL_NULLS, 0, &a, 1);
    return sl_bind_params(b, n, tests[k].value, tests[k].negated);
}

static struct sl_node *bind_by_case(struct sl_bind *b, const PgQuery__Node *n)
{
    int at;
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST: return bind_literal(b, n->a_const);
    case PG_QUERY__NODE__NODE_COLUMN_REF: return bind_column_ref(b, n->column_ref);
    case PG_QUERY__NODE__NODE_A_EXPR: return sl_bind_a_expr(b, n->a_expr);
    case PG_QUERY__NODE__NODE_BOOL_EXPR: return bind_bool_expr(b, n->bool_expr);
    case PG_QUERY__NODE__NODE_FUNC_CALL: return sl_bind_func_call(b, n->func_call);
    case PG_QUERY__NODE__NODE_TYPE_CAST: return sl_bind_cast(b, n->type_cast);
    case PG_QUERY__NODE__NODE_CASE_EXPR: return bind_case(b, n->case_expr);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        at = sl_tree_at(b->tree, n->coalesce_expr->location);
        return bind_variadic(b, n->coalesce_expr->args, n->coalesce_expr->n_args, at, "coalesce",
                             0);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: {
        int greatest = n->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST;
        at = sl_tree_at(b->tree, n->min_max_expr->location);
        return bind_variadic(b, n->min_max_expr->args, n->min_max_expr->n_args, at,
                             greatest ? "greatest" : "least", greatest ? 1 : -1);
    }
    case PG_QUERY__NODE__NODE_NULL_TEST: return bind_null_test(b, n->null_test);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return bind_boolean_test(b, n->boolean_test);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
        return bind_value_function(b, n->sqlvalue_function);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        at = sl_tree_at(b->tree, n->collate_clause->location);
        return sl_bind_fail(b, at, "COLLATE is not supported: text compares by bytes");
    case PG_QUERY__NODE__NODE_SUB_LINK:
        at = sl_tree_at(b->tree, n->sub_link->location);
        return sl_bind_fail(b, at, "a subquery has no place in an expression");
    case PG_QUERY__NODE__NODE_PARAM_REF:
        at = sl_tree_at(b->tree, n->param_ref->location);
        sl_bind_fail(b, at, "there is no parameter $%d", n->param_ref->number);
        return sl_bind_hint(b, "inside double quotes the shell replaces $; use single quotes");
    default:
        at = sl_tree_at(b->tree, sl_tree_location(n));
        return sl_bind_fail(b, at, "this form of expression is not supported");
    }
}

struct sl_node *sl_bind_node(struct sl_bind *b, const PgQuery__Node *n)
{
    struct sl_node *out = NULL;
    int at = sl_tree_at(b->tree, sl_tree_location(n));
    if (!n)
        return sl_bind_fail(b, 1, "this form of expression is not supported");
    if (++b->depth > SL_EXPR_DEPTH) {
        b->depth--;
        return sl_bind_fail(b, at, "the expression is nested more than %d levels deep",
                            SL_EXPR_DEPTH);
    }
    out = bind_by_case(b, n);
    b->depth--;
    assert(out || b->err->code != SL_OK);
    return out;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * operator: binds operators to kernels by the types of their operands.
 *
 * Arithmetic: bigint with bigint stays bigint (/ truncates, as in PostgreSQL); bigint with numeric is
 * numeric; anything with double precision is double precision. numeric results: + - % the greater
 * scale; * the sum of the scales; / by a constant such as 2 or 100.0 as many digits as the division
 * has before it ends. Any other quotient, and what is computed with one, is a DECIMAL, which keeps
 * its significant digits whatever its size (decimal.h). A scale beyond 38 digits is refused here, a
 * value beyond them is an error of its row.
 */
#include "expr/bind.h"

/* bigint and numeric compare as they are. */
static int is_exact(struct sl_type t)
{
    return sl_type_is_number(t) && t.kind != SL_DOUBLE;
}

static int is_of_time(struct sl_type t)
{
    return sl_type_is_stamp(t) || t.kind == SL_DATE || t.kind == SL_INTERVAL;
}

static void swap(struct sl_node **a, struct sl_node **b)
{
    struct sl_node *t = *a;
    *a = *b;
    *b = t;
}

static struct sl_node *no_operator(struct sl_bind *b, const char *op, const struct sl_node *l,
                                   const struct sl_node *r, int at)
{
    if (l)
        sl_bind_fail(b, at, "there is no operator %s %.20s %s", sl_bind_type_name(b, l), op,
                     sl_bind_type_name(b, r));
    else
        sl_bind_fail(b, at, "there is no operator %.20s %s", op, sl_bind_type_name(b, r));
    if (strcmp(op, "==") == 0)
        return sl_bind_hint(b, "equality is written with one =");
    if (strcmp(op, "&&") == 0 || strcmp(op, "&") == 0)
        return sl_bind_hint(b, "write and");
    if (strcmp(op, "=~") == 0)
        return sl_bind_hint(b, "regular expressions match with ~, without case with ~*");
    const struct sl_node *text = l && l->type.kind == SL_TEXT ? l : r;
    const struct sl_node *other = text == l ? r : l;
    if (l && text->type.kind == SL_TEXT && sl_type_is_number(other->type))
        return sl_bind_text_hint(b, b->e->schema, text, SL_WHY_NUMBER);
    if (l && text->type.kind == SL_TEXT && is_of_time(other->type))
        return sl_bind_text_hint(b, b->e->schema, text, SL_WHY_TIME);
    return NULL;
}

/* ---- comparison ---- */

static const char *const compare_names[] = {"=", "<>", "<", "<=", ">", ">="};
static const uint8_t compare_swapped[] = {SL_EQ, SL_NE, SL_GT, SL_GE, SL_LT, SL_LE};

/* Both sides to one type; a constant number goes to the other's type if it loses nothing. */
static int unify_operands(struct sl_bind *b, struct sl_node **l, struct sl_node **r)
{
    struct sl_type t;
    if ((*l)->unknown && (*r)->unknown) {
        *l = sl_coerce_settle(b, *l);
        *r = sl_coerce_settle(b, *r);
    } else if ((*l)->unknown) {
        *l = sl_coerce_unknown(b, *l, (*r)->type);
    } else if ((*r)->unknown) {
        *r = sl_coerce_unknown(b, *r, (*l)->type);
    } else if (!sl_coerce_common((*l)->type, (*r)->type, &t)) {
        return 0;
    } else if (is_exact(t)) {
        /* compared as they are, whatever their scales: but make a constant of the column's type */
        if (sl_type_equal((*l)->type, (*r)->type))
            return 1;
        struct sl_node **c = (*r)->kind == SL_NODE_CONST ? r : l, **o = c == r ? l : r;
        if ((*c)->kind == SL_NODE_CONST) {
            struct sl_err was = *b->err;
            struct sl_node *x = sl_coerce(b, *c, (*o)->type, SL_COERCE_EXPLICIT);
            if (x && x->kind == SL_NODE_CONST)
                *c = x;
            *b->err = was;
        }
        return 1;
    } else {
        *l = sl_coerce(b, *l, t, SL_COERCE_IMPLICIT);
        *r = sl_coerce(b, *r, t, SL_COERCE_IMPLICIT);
    }
    return *l && *r ? 1 : -1;
}

struct sl_node *sl_bind_compare(struct sl_bind *b, int op, struct sl_node *l, struct sl_node *r,
                                int at)
{
    if (!l || !r)
        return NULL;
    int rc = unify_operands(b, &l, &r);
    if (rc == 0)
        return no_operator(b, compare_names[op], l, r, at);
    if (rc < 0)
        return NULL;
    if (l->value && !r->value) { /* constants stand on the right */
        swap(&l, &r);
        op = compare_swapped[op];
    }
    struct sl_node *args[2] = {l, r};
    struct sl_node *n = sl_bind_call(b, sl_kernel_compare, compare_names[op], SL_PRINT_INFIX,
                                     sl_type_of(SL_BOOL), at, SL_CALL_BYTES, 0, args, 2);
    return sl_bind_params(b, n, op, 0);
}

static int compare_op(const char *s)
{
    for (int i = 0; i < (int)SL_COUNT(compare_names); i++)
        if (strcmp(s, compare_names[i]) == 0)
            return i;
    return -1;
}

static struct sl_node *bind_distinct(struct sl_bind *b, struct sl_node *l, struct sl_node *r,
                                     int not_distinct, int at)
{
    if (!l || !r)
        return NULL;
    struct sl_node *args[2] = {l, r};
    if (sl_coerce_unify(b, args, 2, "IS DISTINCT FROM") < 0)
        return NULL;
    struct sl_node *n = sl_bind_call(
        b, sl_kernel_distinct, not_distinct ? "is not distinct from" : "is distinct from",
        SL_PRINT_INFIX, sl_type_of(SL_BOOL), at, SL_CALL_NULLS | SL_CALL_BYTES, 0, args, 2);
    return sl_bind_params(b, n, not_distinct, 0);
}

/* ---- arithmetic ---- */

/* Digits a number can have; a constant bigint has those it shows. */
static int digits_of(const struct sl_node *n)
{
    if (n->type.kind == SL_NUMERIC)
        return n->type.precision;
    if (n->kind == SL_NODE_CONST && n->value && !sl_column_null(n->value, 0)) {
        char s[SL_NUM_MAX];
        int64_t v = *(const int64_t *)n->value->data;
        return (int)sl_num_print_int(s, v) - (v < 0);
    }
    return 19;
}

/* A quotient by a constant without prime factors other than 2 and 5 ends: 1, and digits and scale
 * have room for every one. 0 if it goes on, or has no room in 38 digits. */
static int quotient_ends(const struct sl_node *divisor, int p1, int s1, int *digits, int *scale)
{
    int twos = 0, fives = 0, size = 0, s2 = sl_type_scale(divisor->type);
    if (divisor->kind != SL_NODE_CONST || sl_column_null(divisor->value, 0))
        return 0;
    sl_int128 v = sl_column_number(divisor->value, 0);
    if (!v)
        return 0;
    for (sl_int128 rest = v; rest; rest /= 10)
        size++;
    for (; v % 2 == 0; v /= 2)
        twos++;
    for (; v % 5 == 0; v /= 5)
        fives++;
    if (v != 1 && v != -1)
        return 0;
    *scale = SL_MAX(s1, s1 - s2 + SL_MAX(twos, fives));
    *digits = SL_MAX(p1 - s1 + s2 - size + 1, 0) + *scale;
    return *digits <= SL_NUMERIC_MAX;
}

static struct sl_node *simple(struct sl_bind *b, sl_kernel *run, const char *name,
                              struct sl_type type, char op, struct sl_node *l, struct sl_node *r,
                              int at)
{
    struct sl_node *args[2] = {l, r};
    struct sl_node *n = sl_bind_call(b, run, name, SL_PRINT_INFIX, type, at, 0, 1, args, 2);
    return sl_bind_params(b, n, op, 0);
}

/* No digit may be lost unless there was a division. */
static struct sl_node *decimal_arith(struct sl_bind *b, char op, struct sl_node *l,
                                     struct sl_node *r, const char *name, int at)
{
    struct sl_type t;
    if (!sl_coerce_common(l->type, r->type, &t) || t.kind != SL_DECIMAL || op == '/')
        t = sl_type_of(SL_DECIMAL);
    return simple(b, sl_kernel_decimal_arith, name, t, op, l, r, at);
}

static struct sl_node *numeric_arith(struct sl_bind *b, char op, struct sl_node *l,
                                     struct sl_node *r, const char *name, int at)
{
    int s1 = sl_type_scale(l->type), s2 = sl_type_scale(r->type);
    int p1 = digits_of(l), p2 = digits_of(r), scale, digits;
    switch (op) {
    case '*':
        scale = s1 + s2;
        digits = p1 + p2;
        break;
    case '/':
        if (!quotient_ends(r, p1, s1, &digits, &scale))
            return decimal_arith(b, op, l, r, name, at);
        break;
    case '%':
        scale = SL_MAX(s1, s2);
        digits = SL_MAX(p1 - s1, p2 - s2) + scale;
        break;
    default:
        scale = SL_MAX(s1, s2);
        digits = SL_MAX(p1 - s1, p2 - s2) + scale + 1;
        break;
    }
    if (scale > SL_NUMERIC_MAX) {
        sl_bind_fail(b, at, "the product has %d digits after the point: numeric holds %d", scale,
                     SL_NUMERIC_MAX);
        return sl_bind_hint(b, "cast one side to double precision, or round it");
    }
    digits = SL_MIN(digits, SL_NUMERIC_MAX);
    struct sl_node *args[2] = {l, r};
    int sure = sl_numeric_is64(l->type) && sl_numeric_is64(r->type) &&
               ((digits < SL_NUMERIC_MAX && (op == '+' || op == '-')) || op == '*');
    struct sl_node *n = sl_bind_call(b, sl_kernel_numeric_arith, name, SL_PRINT_INFIX,
                                     sl_type_numeric(digits, scale), at, 0, !sure, args, 2);
    return sl_bind_params(b, n, op, 0);
}

static struct sl_node *number_arith(struct sl_bind *b, char op, const char *name, struct sl_node *l,
                                    struct sl_node *r, int at)
{
    struct sl_type d = sl_type_of(SL_DOUBLE);
    if (l->type.kind == SL_DOUBLE || r->type.kind == SL_DOUBLE)
        return simple(b, sl_kernel_double_arith, name, d, op,
                      sl_coerce(b, l, d, SL_COERCE_IMPLICIT),
                      sl_coerce(b, r, d, SL_COERCE_IMPLICIT), at);
    if (l->type.kind == SL_BIGINT && r->type.kind == SL_BIGINT)
        return simple(b, sl_kernel_int_arith, name, l->type, op, l, r, at);
    if (l->type.kind == SL_DECIMAL || r->type.kind == SL_DECIMAL)
        return decimal_arith(b, op, l, r, name, at);
    return numeric_arith(b, op, l, r, name, at);
}

/* ---- time arithmetic ---- */

static int is_time(struct sl_type t)
{
    return sl_type_is_stamp(t) || t.kind == SL_DATE;
}

static struct sl_node *time_arith(struct sl_bind *b, char op, const char *name, struct sl_node *l,
                                  struct sl_node *r, int at)
{
    int lk = l->type.kind, rk = r->type.kind;
    struct sl_type ts = sl_type_of(SL_TIMESTAMPTZ), interval = sl_type_of(SL_INTERVAL);
    if (op == '+' && is_time(r->type) &&
        (lk == SL_INTERVAL || lk == SL_BIGINT)) { /* either order */
        swap(&l, &r);
        lk = l->type.kind;
        rk = r->type.kind;
    }
    if (op == '+' || op == '-') {
        if (lk == SL_DATE && rk == SL_BIGINT)
            return simple(b, sl_kernel_date_shift, name, l->type, op, l, r, at);
        if (lk == SL_DATE && rk == SL_INTERVAL) {
            l = sl_coerce(b, l, ts, SL_COERCE_IMPLICIT);
            if (!l)
                return NULL;
        }
        if (sl_type_is_stamp(l->type) && rk == SL_INTERVAL)
            return simple(b, sl_kernel_time_shift, name, l->type, op, l, r, at);
        if (lk == SL_INTERVAL && rk == SL_INTERVAL)
            return simple(b, sl_kernel_interval_add, name, interval, op, l, r, at);
    }
    if (op == '-' && lk == SL_DATE && rk == SL_DATE)
        return simple(b, sl_kernel_date_diff, name, sl_type_of(SL_BIGINT), op, l, r, at);
    if (op == '-' && is_time(l->type) && is_time(r->type)) {
        if (!sl_coerce_common(l->type, r->type, &ts))
            return NULL;
        return simple(b, sl_kernel_time_diff, name, interval, op,
                      sl_coerce(b, l, ts, SL_COERCE_IMPLICIT),
                      sl_coerce(b, r, ts, SL_COERCE_IMPLICIT), at);
    }
    if (op == '*' && rk == SL_INTERVAL && sl_type_is_number(l->type)) {
        swap(&l, &r);
        lk = SL_INTERVAL;
        rk = r->type.kind;
    }
    if ((op == '*' || op == '/') && lk == SL_INTERVAL && sl_type_is_number(r->type))
        return simple(b, sl_kernel_interval_scale, name, interval, op, l,
                      sl_coerce(b, r, sl_type_of(SL_DOUBLE), SL_COERCE_IMPLICIT), at);
    return no_operator(b, name, l, r, at);
}

/* A literal beside something typed: the type it takes. */
static struct sl_type literal_type(char op, const struct sl_node *other)
{
    if (is_time(other->type))
        return op == '+' ? sl_type_of(SL_INTERVAL) : other->type;
    if (other->type.kind == SL_INTERVAL && (op == '*' || op == '/'))
        return sl_type_of(SL_DOUBLE);
    return other->type;
}

static struct sl_node *bind_arith(struct sl_bind *b, char op, const char *name, struct sl_node *l,
                                  struct sl_node *r, int at)
{
    if (l->unknown && r->unknown) {
        if (l->value && r->value)
            return no_operator(b, name, l, r, at);
        l = sl_coerce_unknown(b, l, sl_type_of(SL_BIGINT));
        r = sl_coerce_unknown(b, r, sl_type_of(SL_BIGINT));
    } else if (l->unknown) {
        l = sl_coerce_unknown(b, l, literal_type(op, r));
    } else if (r->unknown) {
        r = sl_coerce_unknown(b, r, literal_type(op, l));
    }
    if (!l || !r)
        return NULL;
    if (op == '^' && sl_type_is_number(l->type) && sl_type_is_number(r->type)) {
        /* PostgreSQL has an exact numeric power; here it is double precision */
        struct sl_node *args[2] = {l, r};
        return sl_bind_function(b, "power", args, 2, at);
    }
    if (sl_type_is_number(l->type) && sl_type_is_number(r->type))
        return number_arith(b, op, name, l, r, at);
    return time_arith(b, op, name, l, r, at);
}

static struct sl_node *bind_concat(struct sl_bind *b, struct sl_node *l, struct sl_node *r, int at)
{
    struct sl_type text = sl_type_of(SL_TEXT);
    if (l->type.kind == SL_BYTEA && r->type.kind == SL_BYTEA && !l->unknown && !r->unknown)
        text = l->type;
    else if (l->type.kind != SL_TEXT && r->type.kind != SL_TEXT)
        return no_operator(b, "||", l, r, at);
    struct sl_node *args[2] = {sl_coerce(b, l, text, SL_COERCE_EXPLICIT),
                               sl_coerce(b, r, text, SL_COERCE_EXPLICIT)};
    for (int i = 0; i < 2; i++)
        if (args[i] && args[i]->form == SL_PRINT_CAST && args[i] != l && args[i] != r)
            args[i]->form = SL_PRINT_IMPLICIT;
    struct sl_node *n = sl_bind_call(b, sl_kernel_concat_op, "||", SL_PRINT_INFIX, text, at,
                                     SL_CALL_BYTES, 0, args, 2);
    return sl_bind_params(b, n, 0, 0);
}

static struct sl_node *bind_regex(struct sl_bind *b, const char *op, struct sl_node *l,
                                  struct sl_node *r, int at)
{
    struct sl_type text = sl_type_of(SL_TEXT);
    if ((l->type.kind != SL_TEXT && l->type.kind != SL_JSONB) || r->type.kind != SL_TEXT)
        return no_operator(b, op, l, r, at);
    struct sl_node *args[2] = {sl_coerce(b, l, text, SL_COERCE_IMPLICIT),
                               sl_coerce(b, r, text, SL_COERCE_IMPLICIT)};
    static const char *const names[] = {"~", "~*", "!~", "!~*"};
    int k = (op[0] == '!') * 2 + (op[strlen(op) - 1] == '*');
    struct sl_node *n = sl_bind_call(b, sl_kernel_regex, names[k], SL_PRINT_INFIX,
                                     sl_type_of(SL_BOOL), at, SL_CALL_BYTES, 1, args, 2);
    if (!n)
        return NULL;
    n->param[0] = k >= 2; /* negated */
    n->param[1] = k & 1;  /* without case */
    return sl_bind_checked(b, n, 1, sl_regex_bind(n, 1, -1, b->err));
}

/* What & and its like take; another literal than a number is an error of its own. */
static int is_bits(const struct sl_node *l, const struct sl_node *r)
{
    return (l->unknown || l->type.kind == SL_BIGINT) && (r->unknown || r->type.kind == SL_BIGINT);
}

static struct sl_node *bind_unary(struct sl_bind *b, const char *op, struct sl_node *r, int at)
{
    if (r->unknown) {
        r = sl_coerce_unknown(b, r, sl_type_of(r->value ? SL_DOUBLE : SL_NUMERIC));
        if (!r)
            return NULL;
    }
    if (op[0] == '+' && sl_type_is_number(r->type))
        return r;
    if (op[0] == '~' && r->type.kind == SL_BIGINT)
        return sl_bind_function(b, op, &r, 1, at);
    if (op[0] != '-' || !(sl_type_is_number(r->type) || r->type.kind == SL_INTERVAL))
        return no_operator(b, op, NULL, r, at);
    struct sl_node *n =
        sl_bind_call(b,
                     r->type.kind == SL_INTERVAL  ? sl_kernel_interval_negate
                     : r->type.kind == SL_DECIMAL ? sl_kernel_decimal_unary
                                                  : sl_kernel_negate,
                     "-", SL_PRINT_PREFIX, r->type, at, 0,
                     r->type.kind == SL_BIGINT || r->type.kind == SL_INTERVAL, &r, 1);
    return sl_bind_params(b, n, '-', 0);
}

struct sl_node *sl_bind_operator(struct sl_bind *b, const char *op, struct sl_node *l,
                                 struct sl_node *r, int at)
{
    if (!r)
        return NULL;
    if (!l)
        return strlen(op) == 1 ? bind_unary(b, op, r, at) : no_operator(b, op, NULL, r, at);
    int cmp = compare_op(op);
    if (cmp >= 0)
        return sl_bind_compare(b, cmp, l, r, at);
    if (strlen(op) == 1 && strchr("+-*/%^", op[0])) {
        static const char *const names[] = {"+", "-", "*", "/", "%", "^"};
        return bind_arith(b, op[0], names[strchr("+-*/%^", op[0]) - "+-*/%^"], l, r, at);
    }
    if (strcmp(op, "||") == 0)
        return bind_concat(b, l, r, at);
    if (strcmp(op, "~") == 0 || strcmp(op, "~*") == 0 || strcmp(op, "!~") == 0 ||
        strcmp(op, "!~*") == 0)
        return bind_regex(b, op, l, r, at);
    struct sl_node *args[2] = {l, r};
    int of_bits = is_bits(l, r) && strstr(" & | # << >> ", op) && op[0] != ' ';
    if (of_bits || strcmp(op, "->") == 0 || strcmp(op, "->>") == 0)
        return sl_bind_function(b, op, args, 2, at);
    return no_operator(b, op, l, r, at);
}

/* ---- AND, OR, NOT ---- */

struct sl_node *sl_bind_logic(struct sl_bind *b, int kind, struct sl_node *const *args, int n,
                              int at)
{
    assert(b && args && n >= 1);
    struct sl_node *out = sl_bind_new(b, (enum sl_node_kind)kind, sl_type_of(SL_BOOL), at, n);
    if (!out)
        return NULL;
    for (int i = 0; i < n; i++) {
        if (!args[i])
            return NULL;
        out->args[i] = args[i];
    }
    return sl_bind_finish(b, out);
}

struct sl_node *sl_bind_not(struct sl_bind *b, struct sl_node *n, int at)
{
    struct sl_node *out = sl_bind_call(b, sl_kernel_not, "not", SL_PRINT_PREFIX,
                                       sl_type_of(SL_BOOL), at, 0, 0, &n, 1);
    return sl_bind_params(b, out, 0, 0);
}

/* ---- the tree's operator forms ---- */

static struct sl_node *bind_between(struct sl_bind *b, const PgQuery__AExpr *x, int at)
{
    int negated = x->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN ||
                  x->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
    int symmetric = x->kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM ||
                    x->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
    struct sl_node *v = sl_bind_node(b, x->lexpr), *r;
    struct sl_node *lo = v ? sl_bind_node(b, x->rexpr->list->items[0]) : NULL;
    struct sl_node *hi = lo ? sl_bind_node(b, x->rexpr->list->items[1]) : NULL;
    if (!hi)
        return NULL;
    struct sl_node *two[2] = {sl_bind_compare(b, SL_GE, v, lo, at), NULL};
    two[1] = two[0] ? sl_bind_compare(b, SL_LE, v, hi, at) : NULL;
    r = two[1] ? sl_bind_logic(b, SL_NODE_AND, two, 2, at) : NULL;
    if (r && symmetric) {
        struct sl_node *back[2] = {sl_bind_compare(b, SL_GE, v, hi, at),
                                   sl_bind_compare(b, SL_LE, v, lo, at)};
        struct sl_node *either[2] = {r, sl_bind_logic(b, SL_NODE_AND, back, 2, at)};
        r = sl_bind_logic(b, SL_NODE_OR, either, 2, at);
    }
    return r && negated ? sl_bind_not(b, r, at) : r;
}

static struct sl_node *bind_in(struct sl_bind *b, const PgQuery__AExpr *x, int negated, int at)
{
    struct sl_node *v = sl_bind_node(b, x->lexpr);
    if (!v)
        return NULL;
    if (x->rexpr->node_case != PG_QUERY__NODE__NODE_LIST)
        return sl_bind_fail(b, at, "IN takes a list: a in (1, 2)");
    const PgQuery__List *list = x->rexpr->list;
    int n = (int)list->n_items, constant = 1;
    struct sl_node **items = sl_arena_alloc(&b->e->arena, (size_t)(n + 1) * sizeof(*items));
    if (!items)
        return NULL;
    for (int i = 0; i < n; i++) {
        struct sl_node *item = sl_bind_node(b, list->items[i]);
        if (!item)
            return NULL;
        int rc = unify_operands(b, &v, &item);
        if (rc == 0)
            return no_operator(b, negated ? "<>" : "=", v, item, item->at);
        if (rc < 0)
            return NULL;
        items[i] = item;
        constant &= item->value != NULL;
    }
    for (int i = 0; i < n; i++) /* v may have been widened by a later item */
        if (items[i]->type.kind != v->type.kind &&
            !(is_exact(items[i]->type) && is_exact(v->type))) {
            items[i] = sl_coerce(b, items[i], v->type, SL_COERCE_IMPLICIT);
            if (!items[i])
                return NULL;
            constant &= items[i]->value != NULL;
        }
    if (constant) {
        struct sl_node *in = sl_bind_call(b, sl_kernel_in, negated ? "not in" : "in", SL_PRINT_IN,
                                          sl_type_of(SL_BOOL), at, SL_CALL_BYTES, 0, &v, 1);
        if (!in)
            return NULL;
        in->items = items;
        in->nitems = n;
        in->param[0] = negated;
        return sl_in_set_new(in, b->err) < 0 ? NULL : sl_bind_finish(b, in);
    }
    for (int i = 0; i < n; i++) {
        items[i] = sl_bind_compare(b, negated ? SL_NE : SL_EQ, v, items[i], at);
        if (!items[i])
            return NULL;
    }
    return n == 1 ? items[0] : sl_bind_logic(b, negated ? SL_NODE_AND : SL_NODE_OR, items, n, at);
}

static struct sl_node *bind_like(struct sl_bind *b, const PgQuery__AExpr *x, const char *op, int at)
{
    static const char *const names[] = {"like", "ilike", "not like", "not ilike"};
    struct sl_type text = sl_type_of(SL_TEXT);
    struct sl_node *args[3] = {sl_bind_node(b, x->lexpr), NULL, NULL};
    const PgQuery__Node *p = x->rexpr, *esc = NULL;
    int k = (op[0] == '!') * 2 + (op[strlen(op) - 1] == '*'), nargs = 2;
    if (p->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && p->func_call->n_funcname == 2 &&
        strcmp(p->func_call->funcname[1]->string->sval, "like_escape") == 0 &&
        p->func_call->n_args == 2) {
        esc = p->func_call->args[1];
        p = p->func_call->args[0];
    }
    args[1] = args[0] ? sl_bind_node(b, p) : NULL;
    if (esc && args[1]) {
        args[2] = sl_bind_node(b, esc);
        nargs = 3;
        if (!args[2])
            return NULL;
    }
    if (!args[0] || !args[1])
        return NULL;
    for (int i = 0; i < nargs; i++) {
        if (args[i]->type.kind != SL_TEXT && args[i]->type.kind != SL_JSONB)
            return no_operator(b, names[k], args[0], args[1], at);
        args[i] = sl_coerce(b, args[i], text, SL_COERCE_IMPLICIT);
    }
    struct sl_node *n = sl_bind_call(b, sl_kernel_like, names[k], SL_PRINT_INFIX,
                                     sl_type_of(SL_BOOL), at, SL_CALL_BYTES, 1, args, nargs);
    if (!n)
        return NULL;
    n->param[0] = k >= 2;
    n->param[1] = k & 1;
    return sl_bind_checked(b, n, 1, sl_like_bind(n, b->err));
}

static struct sl_node *bind_nullif(struct sl_bind *b, const PgQuery__AExpr *x, int at)
{
    struct sl_node *l = sl_bind_node(b, x->lexpr), *r = l ? sl_bind_node(b, x->rexpr) : NULL;
    struct sl_node *cond = r ? sl_bind_compare(b, SL_EQ, l, r, at) : NULL;
    struct sl_node *n = cond ? sl_bind_new(b, SL_NODE_CASE, l->type, at, 3) : NULL;
    l = n ? sl_coerce_settle(b, l) : NULL;
    if (!l)
        return NULL;
    n->type = l->type;
    n->args[0] = cond;
    n->args[1] = sl_bind_const(b, sl_column_nulls(l->type, 1, b->err), at);
    n->args[2] = l;
    return n->args[1] ? sl_bind_finish(b, n) : NULL;
}

struct sl_node *sl_bind_a_expr(struct sl_bind *b, const PgQuery__AExpr *x)
{
    int at = sl_tree_at(b->tree, x->location);
    const char *op = x->n_name ? x->name[x->n_name - 1]->string->sval : "?";
    struct sl_node *l;
    switch (x->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR: /* ~ similar_to_escape(pattern) */
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
        l = x->lexpr ? sl_bind_node(b, x->lexpr) : NULL;
        if (x->lexpr && !l)
            return NULL;
        return sl_bind_operator(b, op, l, sl_bind_node(b, x->rexpr), at);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
        l = sl_bind_node(b, x->lexpr);
        return bind_distinct(b, l, l ? sl_bind_node(b, x->rexpr) : NULL,
                             x->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT, at);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF: return bind_nullif(b, x, at);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN: return bind_in(b, x, op[0] == '<', at);
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE: return bind_like(b, x, op, at);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM: return bind_between(b, x, at);
    default: return sl_bind_fail(b, at, "arrays are not supported: use in (...)");
    }
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * coerce: from one type to another while binding.
 *
 * As in PostgreSQL a string literal takes the type of what it meets; numbers promote from bigint by
 * numeric to double precision, dates to timestamp and timestamptz, timestamp to timestamptz (by the
 * zone of the run); text to anything else only by a cast.
 */
#include "expr/bind.h"

/* A column that a cast to numeric alone made: room for every bigint, and 18 digits after the point. */
enum { NUMERIC_SCALE = 18 };

static const struct sl_type decimal_exact = {.kind = SL_DECIMAL, .precision = 1};

/* Decimal digits before the point that a number of this type may have. */
static int int_digits(struct sl_type t)
{
    return t.kind == SL_BIGINT ? 19 : t.precision - t.scale;
}

int sl_coerce_common(struct sl_type a, struct sl_type b, struct sl_type *out)
{
    assert(out);
    if (sl_type_equal(a, b)) {
        *out = a;
        return 1;
    }
    if (a.kind == SL_DECIMAL || b.kind == SL_DECIMAL) {
        if (!sl_type_is_number(a) || !sl_type_is_number(b))
            return 0;
        *out = a.kind == SL_DOUBLE || b.kind == SL_DECIMAL ? b : a;
        if (a.kind == SL_DOUBLE || b.kind == SL_DOUBLE)
            *out = sl_type_of(SL_DOUBLE);
        else if (a.kind == b.kind) /* a quotient and another one */
            out->precision = a.precision & b.precision;
        return 1;
    }
    if (a.kind >
        b.kind) { /* the order of kinds: BIGINT < DOUBLE < NUMERIC; TIMESTAMPTZ < WALLTIME < DATE */
        struct sl_type t = a;
        a = b;
        b = t;
    }
    if (a.kind == SL_BIGINT && b.kind == SL_DOUBLE) {
        *out = b;
    } else if (a.kind == SL_DOUBLE && b.kind == SL_NUMERIC) {
        *out = a;
    } else if ((a.kind == SL_BIGINT || a.kind == SL_NUMERIC) && b.kind == SL_NUMERIC) {
        int scale = SL_MAX(sl_type_scale(a), b.scale);
        int digits = SL_MAX(int_digits(a), int_digits(b));
        *out = sl_type_numeric(SL_MIN(digits + scale, SL_NUMERIC_MAX), scale);
    } else if (sl_type_is_stamp(a) && (b.kind == SL_DATE || sl_type_is_stamp(b))) {
        *out = a;
        out->nsec = a.nsec | b.nsec;
    } else if (a.kind == SL_TEXT && b.kind == SL_JSONB) {
        *out = a;
    } else {
        return 0;
    }
    return 1;
}

/* A numeric or bigint constant at another scale, if nothing is lost. NULL without an error if not. */
static struct sl_node *rescale_constant(struct sl_bind *b, struct sl_node *n, struct sl_type to)
{
    sl_int128 v;
    if (sl_column_null(n->value, 0) ||
        sl_decimal_rescale(sl_column_decimal(n->value, 0), sl_type_scale(to), 'r', &v) !=
            SL_DECIMAL_EXACT ||
        !sl_number_fits(to, v))
        return NULL;
    return sl_bind_exact(b, to, v, n->at);
}

static int can_cast(struct sl_type from, struct sl_type to)
{
    if (from.kind == to.kind || from.kind == SL_TEXT || to.kind == SL_TEXT)
        return from.kind != SL_FOREIGN && to.kind != SL_FOREIGN;
    switch (from.kind) {
    case SL_BOOL: return to.kind == SL_BIGINT;
    case SL_BIGINT: return to.kind == SL_BOOL || sl_type_is_number(to);
    case SL_DOUBLE:
    case SL_DECIMAL:
    case SL_NUMERIC: return sl_type_is_number(to);
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME: return to.kind == SL_DATE || sl_type_is_stamp(to);
    case SL_DATE: return sl_type_is_stamp(to);
    case SL_JSONB: return to.kind == SL_BOOL || sl_type_is_number(to);
    default: return 0;
    }
}

/* Can the cast of some value fail? */
static int cast_fails(struct sl_type from, struct sl_type to)
{
    if (to.kind == SL_TEXT || to.kind == SL_DOUBLE)
        return from.kind == SL_TEXT || from.kind == SL_JSONB;
    if (from.kind == SL_BOOL || to.kind == SL_BOOL)
        return from.kind == SL_TEXT || from.kind == SL_JSONB;
    if (to.kind == SL_DATE && sl_type_is_stamp(from))
        return 0;
    if (from.kind == SL_NUMERIC && to.kind == SL_NUMERIC)
        return int_digits(to) < int_digits(from) + (to.scale < from.scale);
    if (from.kind == SL_BIGINT && to.kind == SL_NUMERIC)
        return int_digits(to) < 19;
    return 1;
}

/* A constant DECIMAL: n, with its value v as numeric(p,s) where it has one. Takes v. */
static struct sl_node *exact_constant(struct sl_bind *b, struct sl_node *n, struct sl_column *v)
{
    assert(n->type.kind == SL_DECIMAL && v->type.kind == SL_DECIMAL);
    int scale, precision = sl_decimal_fit(sl_column_decimal(v, 0), &scale);
    n->value = v;
    if (!precision)
        return n;
    struct sl_node *c = sl_bind_call(b, sl_kernel_cast, "cast", SL_PRINT_IMPLICIT,
                                     sl_type_numeric(precision, scale), n->at, 0, 0, &n, 1);
    c = c ? sl_bind_finish(b, c) : NULL;
    assert(!c || c->value);
    return c ? sl_bind_const(b, sl_column_ref(c->value), n->at) : NULL;
}

struct sl_node *sl_coerce_result(struct sl_bind *b, struct sl_node *n)
{
    struct sl_type to = sl_type_of(SL_DOUBLE);
    sl_kernel *run = sl_kernel_decimal_cast;
    int exact = n && n->type.precision, scale, precision;
    if (!n || n->type.kind != SL_DECIMAL)
        return n;
    if (n->value && !sl_column_null(n->value, 0)) {
        precision = sl_decimal_fit(sl_column_decimal(n->value, 0), &scale);
        if (precision && (exact || precision <= SL_NUMERIC64_MAX))
            to = sl_type_numeric(precision, scale);
    }
    if (exact && to.kind == SL_DOUBLE) {
        to = sl_type_numeric(SL_NUMERIC_MAX, NUMERIC_SCALE);
        run = sl_kernel_decimal_settle;
    }
    struct sl_node *c = sl_bind_call(b, run, "cast", SL_PRINT_IMPLICIT, to, n->at, 0,
                                     run == sl_kernel_decimal_settle, &n, 1);
    return sl_bind_params(b, c, 0, 0);
}

struct sl_node *sl_coerce(struct sl_bind *b, struct sl_node *n, struct sl_type to,
                          enum sl_coerce_mode mode)
{
    struct sl_type common;
    if (!n)
        return NULL;
    struct sl_type from = n->type;
    if (n->unknown) {
        if (n->value && sl_column_null(n->value, 0))
            return sl_bind_const(b, sl_column_nulls(to, 1, b->err), n->at);
        if (to.kind == SL_TEXT) {
            n->unknown = 0;
            return n;
        }
    } else if (sl_type_equal(from, to)) {
        return n;
    } else if (n->kind == SL_NODE_CONST && sl_type_scale(to) >= 0 &&
               (from.kind == SL_BIGINT || from.kind == SL_NUMERIC) &&
               (to.kind == SL_BIGINT || to.kind == SL_NUMERIC)) {
        struct sl_node *c = rescale_constant(b, n, to);
        if (c)
            return c;
    }
    if (!can_cast(from, to) || (mode == SL_COERCE_IMPLICIT && !n->unknown &&
                                (!sl_coerce_common(from, to, &common) || common.kind != to.kind))) {
        return sl_bind_fail(b, n->at, "a value of type %s is no %s", sl_bind_type_name(b, n),
                            sl_bind_type_text(b, to));
    }
    struct sl_node *c = sl_bind_call(b, sl_kernel_cast, "cast",
                                     mode == SL_COERCE_EXPLICIT ? SL_PRINT_CAST : SL_PRINT_IMPLICIT,
                                     to, n->at, SL_CALL_BYTES, cast_fails(from, to), &n, 1);
    if (!c)
        return NULL;
    if (n->unknown && n->value) { /* the literal was wrong all along */
        struct sl_err why;
        sl_err_init(&why);
        n->unknown = 0;
        struct sl_column *v = sl_node_constant(c, &b->e->env, &why);
        if (!v && why.code == SL_ENOMEM) {
            *b->err = why;
            return NULL;
        }
        if (v && to.kind == SL_DECIMAL)
            return exact_constant(b, c, v);
        if (!v) {
            size_t len;
            const char *s = sl_column_bytes(n->value, 0, &len);
            return sl_bind_fail(b, n->at, "invalid input syntax for type %s: \"%.*s\"",
                                sl_bind_type_name(b, c), (int)SL_MIN(len, 100), s);
        }
        return sl_bind_const(b, v, n->at);
    }
    return sl_bind_finish(b, c);
}

struct sl_node *sl_coerce_unknown(struct sl_bind *b, struct sl_node *n, struct sl_type to)
{
    if (n && n->unknown && !n->value && sl_type_is_number(to) && to.kind != SL_DOUBLE)
        to = decimal_exact;
    return sl_coerce(b, n, to, SL_COERCE_IMPLICIT);
}

struct sl_node *sl_coerce_settle(struct sl_bind *b, struct sl_node *n)
{
    return n && n->unknown ? sl_coerce(b, n, sl_type_of(SL_TEXT), SL_COERCE_IMPLICIT) : n;
}

struct sl_node *sl_coerce_boolean(struct sl_bind *b, struct sl_node *n, const char *what)
{
    if (!n)
        return NULL;
    if (n->unknown)
        return sl_coerce(b, n, sl_type_of(SL_BOOL), SL_COERCE_IMPLICIT);
    if (n->type.kind != SL_BOOL) {
        sl_bind_fail(b, n->at, "%s takes boolean values, not %s", what, sl_bind_type_name(b, n));
        return sl_bind_hint(b, "compare it with something: level = 'error'");
    }
    return n;
}

int sl_coerce_unify(struct sl_bind *b, struct sl_node **nodes, int n, const char *what)
{
    assert(b && nodes && n >= 1 && what);
    struct sl_type t = {0};
    for (int i = 0; i < n; i++) {
        if (!nodes[i])
            return -SL_EUSAGE;
        if (nodes[i]->unknown)
            continue;
        if (t.kind == 0) {
            t = nodes[i]->type;
        } else if (!sl_coerce_common(t, nodes[i]->type, &t)) {
            sl_bind_fail(b, nodes[i]->at, "%s: values of type %s and %s do not go together", what,
                         sl_bind_type_text(b, t), sl_bind_type_name(b, nodes[i]));
            if (nodes[i]->type.kind == SL_TEXT && sl_type_is_number(t))
                sl_bind_text_hint(b, b->e->schema, nodes[i], SL_WHY_NUMBER);
            return -SL_EUSAGE;
        }
    }
    if (t.kind == 0)
        t = sl_type_of(SL_TEXT);
    for (int i = 0; i < n; i++) {
        nodes[i] = sl_coerce(b, nodes[i], t, SL_COERCE_IMPLICIT);
        if (t.kind == SL_DECIMAL) /* a literal became a numeric(p,s) first */
            nodes[i] = sl_coerce(b, nodes[i], t, SL_COERCE_IMPLICIT);
        if (!nodes[i])
            return -SL_EUSAGE;
    }
    return 0;
}

const char *sl_bind_type_name(struct sl_bind *b, const struct sl_node *n)
{
    return n->unknown ? "unknown" : sl_bind_type_text(b, n->type);
}

const char *sl_bind_type_text(struct sl_bind *b, struct sl_type t)
{
    char name[SL_TYPE_NAME];
    sl_type_name(t, name);
    char *copy = sl_arena_strndup(&b->e->arena, name, strlen(name));
    return copy ? copy : "?";
}

/* ---- CAST and :: ---- */

/* "numeric(12,2)" from the tree's type name. */
static int type_text(const PgQuery__TypeName *t, struct sl_buf *out)
{
    if (t->n_names == 0 || t->n_array_bounds || t->setof || t->pct_type)
        return 0;
    sl_buf_addstr(out, t->names[t->n_names - 1]->string->sval);
    for (size_t i = 0; i < t->n_typmods; i++) {
        const PgQuery__Node *m = t->typmods[i];
        if (m->node_case != PG_QUERY__NODE__NODE_A_CONST ||
            m->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL)
            return 0;
        sl_buf_printf(out, "%s%d", i ? "," : "(", m->a_const->ival->ival);
    }
    if (t->n_typmods)
        sl_buf_addch(out, ')');
    return 1;
}

/* What a cast names: a type, and a limit that holds for the value at this moment only. */
struct target {
    struct sl_type type;
    int chars; /* varchar(n), char(n): cut to so many, 0 for no limit */
    int bits;  /* of a whole number that is narrower than bigint, else 0 */
};

int sl_cast_bits(const char *type)
{
    return strcmp(type, "int4") == 0 ? 32 : strcmp(type, "int2") == 0 ? 16 : 0;
}

/* varchar(n) and char(n), which the parser calls bpchar: 1, 0 if n is no length, -1 if other. */
static int text_target(const PgQuery__TypeName *t, const char *name, struct target *out)
{
    if ((strcmp(name, "bpchar") != 0 && strcmp(name, "varchar") != 0) || t->n_array_bounds)
        return -1;
    out->type = sl_type_of(SL_TEXT);
    if (t->n_typmods == 0)
        return 1;
    const PgQuery__Node *m = t->typmods[0];
    if (t->n_typmods > 1 || m->node_case != PG_QUERY__NODE__NODE_A_CONST ||
        m->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL || m->a_const->ival->ival < 1)
        return 0;
    out->chars = m->a_const->ival->ival;
    return 1;
}

/* 1, or 0 with b->err filled. */
static int target_of(struct sl_bind *b, const PgQuery__TypeName *t, int at, struct target *out)
{
    const char *name = t->n_names ? t->names[t->n_names - 1]->string->sval : "";
    struct sl_buf text = SL_BUF_INIT;
    struct sl_err why;
    int is_text = text_target(t, name, out);
    if (is_text >= 0) {
        if (!is_text)
            sl_bind_fail(b, at, "the length of a text type is a number from 1 up");
        return is_text;
    }
    if (strcmp(name, "interval") == 0) { /* interval '1' day: the field is in the typmod */
        out->type = sl_type_of(SL_INTERVAL);
        if (t->n_typmods)
            sl_bind_fail(b, at, "write the unit inside the quotes: interval '1 day'");
        return t->n_typmods == 0;
    }
    out->bits = t->n_typmods || t->n_array_bounds ? 0 : sl_cast_bits(name);
    if (out->bits) {
        out->type = sl_type_of(SL_BIGINT);
        return 1;
    }
    sl_err_init(&why);
    int spelt = type_text(t, &text);
    int rc = spelt ? sl_type_parse(text.data ? text.data : "", text.len, &out->type, &why) : -1;
    if (text.failed || why.code == SL_ENOMEM) {
        sl_err_nomem(b->err, "reading an expression");
    } else if (rc < 0) {
        sl_bind_fail(b, at, spelt ? "%s" : "there is no type %.100s", spelt ? why.what : name);
        if (why.hint[0])
            sl_bind_hint(b, "%s", why.hint);
    }
    rc = rc >= 0 && !text.failed;
    sl_buf_release(&text);
    return rc;
}

struct sl_node *sl_cast_narrow(struct sl_bind *b, struct sl_node *n, int bits)
{
    assert(bits == 16 || bits == 32);
    const char *name = bits == 16 ? "smallint" : "integer";
    n = sl_coerce(b, n, sl_type_of(SL_BIGINT), SL_COERCE_EXPLICIT);
    if (!n)
        return NULL;
    struct sl_node *c = sl_bind_call(b, sl_kernel_narrow, name, SL_PRINT_CAST,
                                     sl_type_of(SL_BIGINT), n->at, 0, 1, &n, 1);
    if (!c)
        return NULL;
    c->param[0] = bits;
    c = sl_bind_finish(b, c);
    if (c && n->kind == SL_NODE_CONST && !c->value)
        return sl_bind_fail(b, n->at, "value out of range for type %s", name);
    return c && n->kind == SL_NODE_CONST ? n : c;
}

static struct sl_node *cast_to(struct sl_bind *b, struct sl_node *n, const PgQuery__TypeName *t,
                               int at)
{
    struct target to = {0};
    if (!target_of(b, t, at, &to))
        return NULL;
    if (to.type.kind == SL_NUMERIC && t->n_typmods == 0) { /* numeric alone keeps what there is */
        if (n->type.kind == SL_NUMERIC || n->type.kind == SL_DECIMAL)
            return n;
        to.type = n->type.kind == SL_BIGINT ? sl_type_numeric(19, 0) : decimal_exact;
    }
    if (!n->unknown && !can_cast(n->type, to.type)) {
        return sl_bind_fail(b, at, "type %s cannot be cast to %s", sl_bind_type_name(b, n),
                            sl_bind_type_text(b, to.type));
    }
    if (to.bits)
        return sl_cast_narrow(b, n, to.bits);
    n = sl_coerce(b, n, to.type, SL_COERCE_EXPLICIT);
    if (n && to.chars) {
        struct sl_node *args[2] = {n, sl_bind_exact(b, sl_type_of(SL_BIGINT), to.chars, at)};
        return args[1] ? sl_bind_function(b, "left", args, 2, at) : NULL;
    }
    return n;
}

struct sl_node *sl_bind_cast(struct sl_bind *b, const PgQuery__TypeCast *c)
{
    assert(b && c);
    struct sl_node *n = sl_bind_node(b, c->arg);
    int at = sl_tree_at(b->tree, c->type_name->location);
    return n ? cast_to(b, n, c->type_name, at) : NULL;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * function: the choice among the overloads of function_table.c.
 *
 * An overload fits if every argument is of its type, or goes there by itself (bigint to double
 * precision, date to timestamptz, a literal to anything). The one with the fewest such steps is
 * taken; an earlier row wins a tie.
 */
#include <strings.h>
#include "expr/function.h"

/* Letters of signatures; * and n are bound elsewhere, or as text. */
static const struct {
    char letter;
    enum sl_kind kind;
    const char *name;
} letters[] = {
    {'b', SL_BOOL, "boolean"},
    {'i', SL_BIGINT, "bigint"},
    {'d', SL_DOUBLE, "double precision"},
    {'y', SL_BYTEA, "bytea"},
    {'z', SL_TIMESTAMPTZ, "timestamptz"},
    {'w', SL_WALLTIME, "timestamp"},
    {'D', SL_DATE, "date"},
    {'v', SL_INTERVAL, "interval"},
    {'j', SL_JSONB, "jsonb"},
    {'n', SL_TEXT, "number"},
    {'*', SL_TEXT, "any"},
    {'t', SL_TEXT, "text"},
};

static size_t letter_index(char c)
{
    size_t i = 0;
    while (letters[i].letter != c && i + 1 < SL_COUNT(letters))
        i++;
    return i;
}

static struct sl_type letter_type(char c)
{
    return sl_type_of(letters[letter_index(c)].kind);
}

const char *sl_function_letter(char c)
{
    return letters[letter_index(c)].name;
}

/* Steps to bring an argument to a letter's type, or -1. */
static int step_cost(const struct sl_node *a, char letter)
{
    struct sl_type want = letter_type(letter), common;
    if (letter == '*')
        return a->type.kind == SL_FOREIGN ? -1 : 0;
    if (a->unknown)
        return letter == 't' ? 1 : 2;
    if (a->type.kind == want.kind)
        return 0;
    if (a->type.kind == SL_BYTEA || !sl_coerce_common(a->type, want, &common) ||
        common.kind != want.kind)
        return -1;
    return 3;
}

static char arg_letter(const char *sig, int i)
{
    const char *plus = strchr(sig, '+');
    return plus && i >= plus - sig ? plus[-1] : sig[i];
}

static int signature_cost(const struct sl_function *f, struct sl_node *const *args, int nargs)
{
    const char *plus = strchr(f->args, '+');
    int fixed = plus ? (int)(plus - f->args) : (int)strlen(f->args), total = 0;
    if (plus ? nargs < fixed : nargs != fixed)
        return -1;
    for (int i = 0; i < nargs; i++) {
        int c = step_cost(args[i], arg_letter(f->args, i));
        if (c < 0)
            return -1;
        total += c;
    }
    return total;
}

static void *no_function(struct sl_bind *b, const char *name, struct sl_node *const *args,
                         int nargs, int at)
{
    struct sl_buf s = SL_BUF_INIT, sig = SL_BUF_INIT;
    for (int i = 0; i < nargs; i++)
        sl_buf_printf(&s, "%s%s", i ? ", " : "", sl_bind_type_name(b, args[i]));
    size_t n;
    const struct sl_function *f = sl_function_find(name, &n);
    for (size_t i = 0; i < n && f[i].run; i++) {
        sl_buf_addstr(&sig, i ? ", " : "");
        sl_function_signature(&f[i], &sig);
    }
    sl_bind_fail(b, at, "there is no function %.60s(%.200s)", name, s.data ? s.data : "");
    int text = 0;
    while (text < nargs && (args[text]->type.kind != SL_TEXT || args[text]->kind != SL_NODE_COLUMN))
        text++;
    if (sig.len)
        sl_bind_hint(b, "there is %s", sig.data);
    else if (text < nargs && n)
        sl_bind_text_hint(b, b->e->schema, args[text], SL_WHY_NUMBER);
    sl_buf_release(&s);
    sl_buf_release(&sig);
    return NULL;
}

static struct sl_node *bind_chosen(struct sl_bind *b, const struct sl_function *f,
                                   struct sl_node **args, int nargs, int at)
{
    struct sl_type result = letter_type(f->result);
    uint8_t nsec = 0; /* nanoseconds stay */
    for (int i = 0; i < nargs; i++)
        nsec |= args[i]->type.nsec;
    if (sl_type_is_stamp(result) && strpbrk(f->args, "zw"))
        result.nsec = nsec;
    for (int i = 0; i < nargs; i++) {
        char letter = arg_letter(f->args, i);
        struct sl_type want = letter_type(letter);
        if (letter == '*') { /* anything, as text */
            struct sl_node *was = args[i];
            args[i] = sl_coerce(b, was, want, SL_COERCE_EXPLICIT);
            if (args[i] && args[i] != was && args[i]->form == SL_PRINT_CAST)
                args[i]->form = SL_PRINT_IMPLICIT;
        } else {
            if (sl_type_is_stamp(want))
                want.nsec = nsec;
            args[i] = sl_coerce(b, args[i], want, SL_COERCE_IMPLICIT);
        }
        if (!args[i])
            return NULL;
    }
    int form = sl_word_char(f->name[0]) ? SL_PRINT_FUNCTION
               : nargs > 1              ? SL_PRINT_INFIX
                                        : SL_PRINT_PREFIX;
    const char *name = strcmp(f->name, "position") == 0 ? "strpos" : f->name; /* reads back */
    struct sl_node *n =
        sl_bind_call(b, f->run, name, form, result, at, f->flags, f->fails, args, nargs);
    if (!n)
        return NULL;
    n->param[0] = f->param;
    int rc = 0;
    if (f->run == sl_kernel_at_zone && args[0]->value && !sl_column_null(args[0]->value, 0)) {
        char zone[64];
        size_t len;
        const char *s = sl_column_bytes(args[0]->value, 0, &len);
        snprintf(zone, sizeof(zone), "%.*s", (int)SL_MIN(len, 63), s);
        struct sl_zone *z = sl_zone_open_word(zone, b->err);
        if (!z)
            return sl_bind_checked(b, n, 0, -SL_EUSAGE);
        sl_zone_free(z);
    }
    if (f->run == sl_kernel_regex)
        rc = sl_regex_bind(n, 1, nargs > 2 ? 2 : -1, b->err);
    else if (f->run == sl_kernel_regexp_replace)
        rc = sl_regex_bind(n, 1, nargs > 3 ? 3 : -1, b->err);
    else if (f->run == sl_kernel_regexp_substr || f->run == sl_kernel_regexp_count)
        rc = sl_regex_bind(n, 1, -1, b->err);
    return sl_bind_checked(b, n, 1, rc);
}

struct sl_node *sl_bind_plain(struct sl_bind *b, sl_kernel *run, const char *name,
                              struct sl_type type, int64_t p0, int64_t p1, int fails,
                              struct sl_node **args, int nargs, int at)
{
    struct sl_node *n =
        sl_bind_call(b, run, name, SL_PRINT_FUNCTION, type, at, SL_CALL_BYTES, fails, args, nargs);
    return sl_bind_params(b, n, p0, p1);
}

struct sl_node *sl_bind_try(struct sl_bind *b, const struct sl_function *f, struct sl_node **args,
                            int nargs, int at)
{
    assert(b && f && (args || !nargs));
    if (nargs != 1)
        return sl_bind_fail(b, at, "%s takes one expression", f->name);
    struct sl_node *a = sl_coerce_settle(b, args[0]);
    struct sl_node *n = a ? sl_bind_new(b, SL_NODE_TRY, a->type, at, 1) : NULL;
    if (!n)
        return NULL;
    n->args[0] = a;
    return sl_bind_finish(b, n);
}

/* Whether a cast is an error: (try(x::type) is not null) or (x is null and null), which is null of null. */
struct sl_node *sl_bind_is_valid(struct sl_bind *b, const struct sl_function *f,
                                 struct sl_node **args, int nargs, int at)
{
    assert(b && f && (args || !nargs));
    struct sl_type to;
    size_t n;
    if (nargs != 2)
        return sl_bind_fail(b, at, "%s takes a text and the name of a type", f->name);
    struct sl_node *text =
        sl_coerce(b, sl_coerce_settle(b, args[0]), sl_type_of(SL_TEXT), SL_COERCE_IMPLICIT);
    struct sl_node *type = text ? sl_coerce_settle(b, args[1]) : NULL;
    if (!type)
        return NULL;
    if (!type->value || type->type.kind != SL_TEXT || sl_column_null(type->value, 0))
        return sl_bind_fail(b, type->at, "%s: the type must be a constant, as 'bigint'", f->name);
    const char *name = sl_column_bytes(type->value, 0, &n);
    if (sl_type_parse(name, n, &to, b->err) < 0) {
        b->err->column = SL_MAX(type->at, 1);
        return NULL;
    }
    struct sl_node *cast = sl_coerce(b, text, to, SL_COERCE_EXPLICIT);
    cast = cast ? sl_bind_function(b, "try", &cast, 1, at) : NULL;
    struct sl_node *unknown = sl_bind_const(b, sl_column_nulls(sl_type_of(SL_BOOL), 1, b->err), at);
    struct sl_node *both[2] = {sl_bind_is_null(b, text, 0, at), unknown};
    struct sl_node *either[2] = {sl_bind_is_null(b, cast, 1, at),
                                 sl_bind_logic(b, SL_NODE_AND, both, 2, at)};
    return sl_bind_logic(b, SL_NODE_OR, either, 2, at);
}

struct sl_node *sl_bind_overload(struct sl_bind *b, const char *name, struct sl_node **args,
                                 int nargs, int at)
{
    assert(b && name && nargs >= 0 && (args || !nargs));
    size_t overloads;
    const struct sl_function *f = sl_function_find(name, &overloads), *best = NULL;
    int best_cost = INT_MAX;
    for (size_t i = 0; i < overloads; i++) {
        int cost = f[i].run ? signature_cost(&f[i], args, nargs) : -1;
        if (cost >= 0 && cost < best_cost) {
            best = &f[i];
            best_cost = cost;
        }
    }
    return best ? bind_chosen(b, best, args, nargs, at) : no_function(b, name, args, nargs, at);
}

struct sl_node *sl_bind_function(struct sl_bind *b, const char *name, struct sl_node **args,
                                 int nargs, int at)
{
    size_t ignored;
    const struct sl_function *f = sl_function_find(name, &ignored);
    return f && f->bind ? f->bind(b, f, args, nargs, at)
                        : sl_bind_overload(b, name, args, nargs, at);
}

struct sl_node *sl_bind_func_call(struct sl_bind *b, const PgQuery__FuncCall *f)
{
    assert(b && f);
    int at = sl_tree_at(b->tree, f->location), is_aggregate = 0;
    const char *name = f->funcname[f->n_funcname - 1]->string->sval;
    struct sl_type cast;
    struct sl_err ignored;
    if (f->n_funcname > 1 && strcmp(f->funcname[0]->string->sval, "pg_catalog") != 0)
        return sl_bind_fail(b, at, "there is no function %.60s.%.60s", f->funcname[0]->string->sval,
                            name);
    if (f->over)
        return sl_bind_fail(b, at, "window functions (OVER) are not supported");
    struct sl_node *n = sl_bind_aggregate(b, f, at, &is_aggregate);
    if (is_aggregate)
        return n;
    size_t known;
    sl_function_find(name, &known);
    if (!known && sl_bind_absent(b, name, at))
        return NULL;
    if (f->agg_star || f->agg_distinct || f->agg_filter || f->n_agg_order || f->agg_within_group) {
        const char *near = sl_suggest_function(name, SL_SUGGEST_AGGREGATES);
        sl_bind_fail(b, at, "%.60s is no aggregate function", name);
        return near ? sl_bind_hint(b, "did you mean %s?", near) : sl_bind_aggregates_hint(b);
    }
    if (f->func_variadic)
        return sl_bind_fail(b, at, "VARIADIC is not supported");
    int bits = f->n_args == 1 ? sl_cast_bits(name) : 0;
    int is_type = f->n_args == 1 && !bits && !strchr(name, ' ') &&
                  sl_type_parse(name, strlen(name), &cast, &ignored) >= 0 &&
                  cast.kind != SL_NUMERIC;
    if (!is_type && !bits && !known) { /* before its arguments, which may be wrong too */
        const char *near =
            sl_suggest_function(name, SL_SUGGEST_FUNCTIONS | (b->agg ? SL_SUGGEST_AGGREGATES : 0));
        sl_bind_fail(b, at, "there is no function %.60s", name);
        if (near)
            return sl_bind_hint(b, "did you mean %s?", near);
        return sl_bind_hint(b, "`sluice help functions` lists those that there are");
    }
    struct sl_node **args =
        sl_arena_alloc(&b->e->arena, (f->n_args ? f->n_args : 1) * sizeof(*args));
    if (!args)
        return sl_err_no_memory(b->err, "reading an expression");
    for (size_t i = 0; i < f->n_args; i++) {
        if (f->args[i]->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR)
            return sl_bind_fail(b, at, "arguments are given by position, not by name");
        args[i] = sl_bind_node(b, f->args[i]);
        if (!args[i])
            return NULL;
    }
    if (bits)
        return sl_cast_narrow(b, args[0], bits);
    if (is_type && !known) /* date(ts), text(n): the name of a type is a cast */
        return sl_coerce(b, args[0], cast, SL_COERCE_EXPLICIT);
    return sl_bind_function(b, name, args, (int)f->n_args, at);
}

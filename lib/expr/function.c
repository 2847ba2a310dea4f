/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * function: the table of functions and the choice among overloads.
 *
 * An overload fits if every argument is of its type, or goes there by itself (bigint to double
 * precision, date to timestamptz, a literal to anything). The one with the fewest such steps is
 * taken; an earlier row wins a tie.
 */
#include <strings.h>
#include "expr/bind.h"
#include "expr/function.h"

#define B SL_CALL_BYTES
#define N SL_CALL_NULLS

static const struct sl_function functions[] = {
    {"lower", "t", 't', 0, B, sl_kernel_case_map, {0}},
    {"upper", "t", 't', 0, B, sl_kernel_case_map, {1}},
    {"initcap", "t", 't', 0, B, sl_kernel_case_map, {2}},
    {"length", "t", 'i', 0, B, sl_kernel_length, {0}},
    {"length", "y", 'i', 0, B, sl_kernel_length, {1}},
    {"char_length", "t", 'i', 0, B, sl_kernel_length, {0}},
    {"character_length", "t", 'i', 0, B, sl_kernel_length, {0}},
    {"octet_length", "t", 'i', 0, B, sl_kernel_length, {1}},
    {"octet_length", "y", 'i', 0, B, sl_kernel_length, {1}},
    {"substr", "ti", 't', 0, B, sl_kernel_substr, {0}},
    {"substr", "tii", 't', 1, B, sl_kernel_substr, {0}},
    {"substring", "ti", 't', 0, B, sl_kernel_substr, {0}},
    {"substring", "tii", 't', 1, B, sl_kernel_substr, {0}},
    {"substring", "tt", 't', 1, B, sl_kernel_regexp_substr, {0}},
    {"left", "ti", 't', 0, B, sl_kernel_left_right, {0}},
    {"right", "ti", 't', 0, B, sl_kernel_left_right, {1}},
    {"btrim", "t", 't', 0, B, sl_kernel_trim, {3}},
    {"btrim", "tt", 't', 0, B, sl_kernel_trim, {3}},
    {"ltrim", "t", 't', 0, B, sl_kernel_trim, {1}},
    {"ltrim", "tt", 't', 0, B, sl_kernel_trim, {1}},
    {"rtrim", "t", 't', 0, B, sl_kernel_trim, {2}},
    {"rtrim", "tt", 't', 0, B, sl_kernel_trim, {2}},
    {"lpad", "ti", 't', 1, B, sl_kernel_pad, {0}},
    {"lpad", "tit", 't', 1, B, sl_kernel_pad, {0}},
    {"rpad", "ti", 't', 1, B, sl_kernel_pad, {1}},
    {"rpad", "tit", 't', 1, B, sl_kernel_pad, {1}},
    {"replace", "ttt", 't', 0, B, sl_kernel_replace, {0}},
    {"split_part", "tti", 't', 1, B, sl_kernel_split_part, {0}},
    {"concat", "*+", 't', 0, N | B, sl_kernel_concat, {0}},
    {"concat_ws", "*+", 't', 0, N | B, sl_kernel_concat_ws, {0}},
    {"starts_with", "tt", 'b', 0, B, sl_kernel_starts_with, {0}},
    {"position", "tt", 'i', 0, B, sl_kernel_position, {0}},
    {"strpos", "tt", 'i', 0, B, sl_kernel_position, {0}},
    {"reverse", "t", 't', 0, B, sl_kernel_reverse, {0}},
    {"repeat", "ti", 't', 1, B, sl_kernel_repeat, {0}},
    {"chr", "i", 't', 1, 0, sl_kernel_chr, {0}},
    {"ascii", "t", 'i', 0, B, sl_kernel_ascii, {0}},
    {"regexp_like", "tt", 'b', 1, B, sl_kernel_regex, {0}},
    {"regexp_like", "ttt", 'b', 1, B, sl_kernel_regex, {0}},
    {"regexp_replace", "ttt", 't', 1, B, sl_kernel_regexp_replace, {0}},
    {"regexp_replace", "tttt", 't', 1, B, sl_kernel_regexp_replace, {0}},
    {"regexp_substr", "tt", 't', 1, B, sl_kernel_regexp_substr, {1}},
    {"regexp_count", "tt", 'i', 1, B, sl_kernel_regexp_count, {0}},
    {"sqrt", "d", 'd', 1, 0, sl_kernel_double_math, {'q'}},
    {"cbrt", "d", 'd', 0, 0, sl_kernel_double_math, {'c'}},
    {"exp", "d", 'd', 1, 0, sl_kernel_double_math, {'e'}},
    {"ln", "d", 'd', 1, 0, sl_kernel_double_math, {'n'}},
    {"log", "d", 'd', 1, 0, sl_kernel_double_math, {'l'}},
    {"log10", "d", 'd', 1, 0, sl_kernel_double_math, {'l'}},
    {"power", "dd", 'd', 1, 0, sl_kernel_power, {0}},
    {"pow", "dd", 'd', 1, 0, sl_kernel_power, {0}},
    {"now", "", 'z', 0, 0, sl_kernel_now, {0}},
    {"transaction_timestamp", "", 'z', 0, 0, sl_kernel_now, {0}},
    {"current_date", "", 'D', 0, 0, sl_kernel_current_date, {0}},
    {"date_bin", "vzz", 'z', 1, 0, sl_kernel_date_bin, {0}},
    {"date_bin", "vww", 'w', 1, 0, sl_kernel_date_bin, {0}},
    {"to_timestamp", "d", 'z', 1, 0, sl_kernel_to_timestamp, {0}},
    {"make_date", "iii", 'D', 1, 0, sl_kernel_make_date, {0}},
    {"timezone", "tz", 'w', 1, B, sl_kernel_at_zone, {0}},
    {"timezone", "tw", 'z', 1, B, sl_kernel_at_zone, {0}},
    {"->", "jt", 'j', 0, B, sl_kernel_json_get, {0}},
    {"->", "ji", 'j', 0, B, sl_kernel_json_get, {0}},
    {"->>", "jt", 't', 0, B, sl_kernel_json_get, {1}},
    {"->>", "ji", 't', 0, B, sl_kernel_json_get, {1}},
};

/* Bound elsewhere, since their types depend on more than a letter. */
static const char *const others[] = {"abs",       "sign",     "round",  "ceil",       "ceiling",
                                     "floor",     "trunc",    "mod",    "date_trunc", "extract",
                                     "date_part", "coalesce", "nullif", "greatest",   "least"};

int sl_function_names(const char **out, int max)
{
    assert(max >= 0);
    int n = 0;
    for (size_t i = 0; i < SL_COUNT(functions) && n < max; i++)
        if (i == 0 || strcmp(functions[i].name, functions[i - 1].name) != 0)
            out[n++] = functions[i].name;
    for (size_t i = 0; i < SL_COUNT(others) && n < max; i++)
        out[n++] = others[i];
    return n;
}

static struct sl_type letter_type(char c)
{
    switch (c) {
    case 'b': return sl_type_of(SL_BOOL);
    case 'i': return sl_type_of(SL_BIGINT);
    case 'd': return sl_type_of(SL_DOUBLE);
    case 'y': return sl_type_of(SL_BYTEA);
    case 'z': return sl_type_of(SL_TIMESTAMPTZ);
    case 'w': return sl_type_of(SL_WALLTIME);
    case 'D': return sl_type_of(SL_DATE);
    case 'v': return sl_type_of(SL_INTERVAL);
    case 'j': return sl_type_of(SL_JSONB);
    default: return sl_type_of(SL_TEXT);
    }
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

static void add_signature(struct sl_buf *s, const struct sl_function *f)
{
    sl_buf_printf(s, "%s%s(", s->len ? ", " : "", f->name);
    for (const char *p = f->args; *p; p++) {
        if (*p == '+') {
            sl_buf_addstr(s, ", ...");
        } else {
            sl_buf_addstr(s, p > f->args ? ", " : "");
            if (*p == '*')
                sl_buf_addstr(s, "any");
            else
                sl_type_print(letter_type(*p), s);
        }
    }
    sl_buf_addch(s, ')');
}

static int is_known(const char *name)
{
    for (size_t i = 0; i < SL_COUNT(functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            return 1;
    for (size_t i = 0; i < SL_COUNT(others); i++)
        if (strcmp(others[i], name) == 0)
            return 1;
    return 0;
}

static void *no_function(struct sl_bind *b, const char *name, struct sl_node *const *args,
                         int nargs, int at)
{
    struct sl_buf s = SL_BUF_INIT, sig = SL_BUF_INIT;
    for (int i = 0; i < nargs; i++)
        sl_buf_printf(&s, "%s%s", i ? ", " : "", sl_bind_type_name(b, args[i]));
    for (size_t i = 0; i < SL_COUNT(functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            add_signature(&sig, &functions[i]);
    sl_bind_fail(b, at, "there is no function %.60s(%.200s)", name, s.data ? s.data : "");
    int text = 0;
    while (text < nargs && (args[text]->type.kind != SL_TEXT || args[text]->kind != SL_NODE_COLUMN))
        text++;
    if (sig.len)
        sl_bind_hint(b, "there is %s", sig.data);
    else if (text < nargs && is_known(name))
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
    int infix = f->name[0] == '-';
    const char *name = strcmp(f->name, "position") == 0 ? "strpos" : f->name; /* reads back */
    struct sl_node *n = sl_bind_call(b, f->run, name, infix ? SL_PRINT_INFIX : SL_PRINT_FUNCTION,
                                     result, at, f->flags, f->fails, args, nargs);
    if (!n)
        return NULL;
    n->param[0] = f->param[0];
    n->param[1] = f->param[1];
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

struct sl_node *sl_bind_function(struct sl_bind *b, const char *name, struct sl_node **args,
                                 int nargs, int at)
{
    assert(b && name && nargs >= 0 && (args || !nargs));
    const struct sl_function *best = NULL;
    int best_cost = INT_MAX, mine = 0;
    struct sl_node *n = sl_bind_math_function(b, name, args, nargs, at, &mine);
    if (!mine)
        n = sl_bind_time_function(b, name, args, nargs, at, &mine);
    if (mine)
        return n;
    for (size_t i = 0; i < SL_COUNT(functions); i++) {
        if (strcmp(functions[i].name, name) != 0)
            continue;
        int cost = signature_cost(&functions[i], args, nargs);
        if (cost >= 0 && cost < best_cost) {
            best = &functions[i];
            best_cost = cost;
        }
    }
    if (!best)
        return no_function(b, name, args, nargs, at);
    return bind_chosen(b, best, args, nargs, at);
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
    if (!is_known(name) && sl_bind_absent(b, name, at))
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
    if (!is_type && !bits && !is_known(name)) { /* before its arguments, which may be wrong too */
        const char *near =
            sl_suggest_function(name, SL_SUGGEST_FUNCTIONS | (b->agg ? SL_SUGGEST_AGGREGATES : 0));
        sl_bind_fail(b, at, "there is no function %.60s", name);
        if (near)
            return sl_bind_hint(b, "did you mean %s?", near);
        return sl_bind_hint(b, "the manual page sluice-%s lists those that there are",
                            b->agg ? "aggregate" : "transform");
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
    if (is_type && !is_known(name)) /* date(ts), text(n): the name of a type is a cast */
        return sl_coerce(b, args[0], cast, SL_COERCE_EXPLICIT);
    return sl_bind_function(b, name, args, (int)f->n_args, at);
}

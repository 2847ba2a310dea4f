/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ast: from text to the parser's tree.
 *
 * The user's text is wrapped (SELECT ..., UPDATE t SET ...) and parsed as PostgreSQL would. The
 * grammar and the tree's encoding recurse, so parsing and binding happen on a thread with a 64 MiB
 * stack, and the text is bounded. The tree lies in an arena: to free it needs no recursion.
 * Positions: the parser's errors count characters of the wrapped text, its tree counts bytes; users
 * see characters of what they typed.
 */
#include <pg_query.h>
#include <stdatomic.h>
#include <strings.h>
#include "base/thread.h"
#include "base/utf8.h"
#include "expr/bind.h"

/* Both recurse as deep as a text nests, the parser and what binds. A text of PLAIN bytes cannot nest too deep
 * for a common stack: it is bound without a thread of its own. */
#define STACK_BYTES ((size_t)64 << 20)
enum { PLAIN = 512 };

struct sl_ast {
    atomic_int refs;
    char *label; /* NULL: none */
    char *text;
    size_t len, prefix_len;
    struct sl_arena arena; /* of result */
    const PgQuery__ParseResult *result;
    struct sl_err error; /* of a text that does not parse; code SL_OK: it does */
};

static const char *const prefixes[] = {
    [SL_AST_LIST] = "SELECT ", [SL_AST_SET] = "UPDATE t SET ", [SL_AST_ORDER] = "SELECT ORDER BY "};

/* Words that cannot be a column's name without quotes. */
static const char reserved[] =
    "all analyse analyze and any array as asc asymmetric authorization binary both case "
    "cast check collate collation column concurrently constraint create cross "
    "current_catalog current_date current_role current_time current_timestamp current_user "
    "default deferrable desc distinct do else end except false fetch for foreign freeze "
    "from full grant group having ilike in initially inner intersect into is isnull join "
    "lateral leading left like limit localtime localtimestamp natural not notnull null "
    "offset on only or order outer overlaps placing primary references returning right "
    "select session_user similar some symmetric table tablesample then to trailing true "
    "union unique user using variadic verbose when where window with";

int sl_word_reserved(const char *s, size_t n)
{
    for (const char *w = reserved; *w; w += strspn(w, " ")) {
        size_t len = strcspn(w, " ");
        if (len == n && strncasecmp(w, s, n) == 0)
            return 1;
        w += len;
    }
    return 0;
}

int sl_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80);
}

int sl_tree_at(const struct sl_tree *t, int location)
{
    if (location < 0 || (size_t)location < t->prefix_len)
        return 0;
    size_t off = SL_MIN((size_t)location - t->prefix_len, t->text_len);
    struct sl_tree_mark *m = t->mark;
    if (off >= m->byte)
        m->chars += sl_utf8_count(t->text + m->byte, off - m->byte);
    else
        m->chars -= sl_utf8_count(t->text + off, m->byte - off);
    m->byte = off;
    return (int)m->chars + 1;
}

int sl_tree_fail(const struct sl_tree *t, int location, struct sl_err *err, const char *fmt, ...)
{
    char what[sizeof(err->what)];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    sl_err_set(err, SL_EUSAGE, "%s", what);
    err->column = SL_MAX(1, sl_tree_at(t, location));
    return -SL_EUSAGE;
}

void sl_tree_spell(const struct sl_tree *t, int location, size_t *done, char *part)
{
    const char *s = t->text; /* ends in a zero */
    size_t n = strlen(part), from = (size_t)location - t->prefix_len, i = from + *done;
    if (location < 0 || (size_t)location < t->prefix_len || i >= t->text_len)
        return;
    i += strspn(s + i, " \t\r\n.");
    if (s[i] == '"') {
        for (i++; s[i] && (s[i] != '"' || s[i + 1] == '"'); i++)
            i += s[i] == '"';
        i += s[i] == '"';
    } else if (strncasecmp(s + i, part, n) == 0) {
        memcpy(part, s + i, n);
        i += n;
    }
    *done = i - from;
}

/* Byte of the 1-based character `at` of text. */
static size_t byte_of(const char *text, size_t n, int at)
{
    size_t i = 0;
    while (i < n && --at > 0) {
        int32_t cp;
        i += sl_utf8_decode(text + i, n - i, &cp);
    }
    return i;
}

/* A hint for a syntax error at a byte of the text, by the names that there are. */
static int hint_syntax(const struct sl_ast *a, const struct sl_scope *scope, struct sl_err *err)
{
    const char *s = a->text;
    size_t at = byte_of(a->text, a->len, err->column), end = at, start;
    while (end < a->len && sl_word_char(s[end]))
        end++;
    if (end > at && sl_word_reserved(s + at, end - at))
        return sl_err_hint(err,
                           "%.*s is a keyword of SQL: a column of that name is written \"%.*s\"",
                           (int)(end - at), s + at, (int)(end - at), s + at);
    for (end = at; end > 0 && (s[end - 1] == ' ' || s[end - 1] == '\t' || s[end - 1] == '\n');
         end--)
        ;
    for (start = end; start > 0 && sl_word_char(s[start - 1]); start--)
        ;
    if (end == start || !sl_word_reserved(s + start, end - start))
        return -(int)err->code;
    /* the parser took the word for what it is and stumbled over the next one */
    struct sl_err ignored;
    if (start && sl_scope_find(scope, s + start, end - start, &ignored) < 0)
        return -(int)err->code;
    err->column = (int)sl_utf8_count(s, start) + 1;
    return sl_err_hint(err, "%.*s is a keyword of SQL: a column of that name is written \"%.*s\"",
                       (int)(end - start), s + start, (int)(end - start), s + start);
}

static int is_blank(const char *s, size_t n)
{
    while (n > 0 && strchr(" \t\r\n", s[n - 1]) && s[n - 1])
        n--;
    return n == 0;
}

static void keep_error(struct sl_ast *a, const PgQueryError *e)
{
    int at = e->cursorpos - (int)a->prefix_len;
    int chars = (int)sl_utf8_count(a->text, a->len);
    const char *what = e->message ? e->message : "syntax error";
    if (strncmp(what, "memory exhausted", 16) == 0)
        what = "the expression is nested too deeply";
    else if (is_blank(a->text, a->len))
        what = "the expression is empty";
    sl_err_set(&a->error, SL_EUSAGE, "%s", what);
    a->error.column = SL_MAX(1, SL_MIN(at, chars + 1));
}

static void *arena_alloc(void *arena, size_t size)
{
    return sl_arena_alloc(arena, size);
}

static void arena_free(void *arena SL_UNUSED, void *p SL_UNUSED)
{
}

struct parse {
    struct sl_ast *ast;
    const char *prefix;
    struct sl_err *err;
};

static int parse(void *arg)
{
    struct parse *p = arg;
    struct sl_ast *a = p->ast;
    struct sl_buf sql = SL_BUF_INIT;
    ProtobufCAllocator arena = {arena_alloc, arena_free, &a->arena};
    int rc = 0;
    sl_buf_addstr(&sql, p->prefix);
    sl_buf_add(&sql, a->text, a->len);
    if (sl_buf_check(&sql, p->err) < 0) {
        sl_buf_release(&sql);
        return -SL_ENOMEM;
    }
    PgQueryProtobufParseResult r = pg_query_parse_protobuf(sql.data);
    sl_buf_release(&sql);
    if (r.error)
        keep_error(a, r.error);
    else if (!(a->result = pg_query__parse_result__unpack(&arena, r.parse_tree.len,
                                                          (const uint8_t *)r.parse_tree.data)))
        rc = sl_err_nomem(p->err, "reading an expression");
    pg_query_free_protobuf_parse_result(r);
    return rc;
}

static int check_text(const char *text, size_t len, struct sl_err *err)
{
    if (len > SL_EXPR_TEXT)
        return sl_err_set(err, SL_EUSAGE, "an expression of %zu bytes: at most %d are read", len,
                          SL_EXPR_TEXT);
    for (size_t i = 0, k; i < len; i += k) {
        int32_t cp;
        k = sl_utf8_decode(text + i, len - i, &cp);
        if (cp > 0)
            continue;
        sl_err_set(err, SL_EUSAGE,
                   cp ? "the expression is not valid UTF-8" : "the expression holds a NUL byte");
        if (err)
            err->column = (int)sl_utf8_count(text, i) + 1;
        return -SL_EUSAGE;
    }
    return 0;
}

int sl_ast_parse(const char *label, enum sl_ast_form form, const char *text, size_t len,
                 struct sl_ast **out, struct sl_err *err)
{
    assert((text || !len) && out);
    struct sl_err local;
    if (!err) {
        sl_err_init(&local);
        err = &local;
    }
    struct parse p = {.prefix = prefixes[form], .err = err};
    *out = NULL;
    int rc = check_text(text, len, err);
    if (rc < 0)
        return label && len <= SL_EXPR_TEXT ? sl_err_option(err, label, text) : rc;
    p.ast = sl_calloc(1, sizeof(*p.ast));
    if (!p.ast)
        return sl_err_nomem(err, "reading an expression");
    atomic_init(&p.ast->refs, 1);
    sl_err_init(&p.ast->error);
    sl_arena_init(&p.ast->arena);
    p.ast->len = len;
    p.ast->prefix_len = strlen(p.prefix);
    p.ast->text = sl_strndup(text, len);
    p.ast->label = label ? sl_strdup(label) : NULL;
    rc = !p.ast->text || (label && !p.ast->label) ? sl_err_nomem(err, "reading an expression")
                                                  : sl_thread_call(STACK_BYTES, parse, &p, err);
    if (rc < 0) {
        sl_ast_unref(p.ast);
        return rc;
    }
    *out = p.ast;
    return 0;
}

struct sl_ast *sl_ast_ref(struct sl_ast *a)
{
    int held = atomic_fetch_add(&a->refs, 1);
    assert(held > 0);
    return a;
}

void sl_ast_unref(struct sl_ast *a)
{
    if (!a || atomic_fetch_sub(&a->refs, 1) > 1)
        return;
    sl_arena_release(&a->arena);
    free(a->label);
    free(a->text);
    free(a);
}

const char *sl_ast_text(const struct sl_ast *a)
{
    return a->text;
}

struct bind {
    const struct sl_ast *ast;
    sl_tree_fn *fn;
    void *arg;
    struct sl_err *err;
};

static int bind(void *arg)
{
    struct bind *b = arg;
    const struct sl_ast *a = b->ast;
    struct sl_tree_mark mark = {0, 0};
    struct sl_tree t = {a->text, a->len, a->prefix_len, a->result, &mark};
    return b->fn(&t, b->arg, b->err);
}

int sl_ast_bind(const struct sl_ast *a, const struct sl_scope *scope, sl_tree_fn *fn, void *arg,
                struct sl_err *err)
{
    assert(a && fn);
    struct sl_err local;
    int rc;
    if (!err) {
        sl_err_init(&local);
        err = &local;
    }
    struct bind b = {a, fn, arg, err};
    if (a->error.code) {
        *err = a->error;
        rc = strncmp(a->error.what, "syntax error", 12) == 0 ? hint_syntax(a, scope, err)
                                                             : -(int)a->error.code;
    } else {
        rc = a->len <= PLAIN ? bind(&b) : sl_thread_call(STACK_BYTES, bind, &b, err);
    }
    if (rc == -SL_EUSAGE && err->column > 0)
        sl_suggest_quotes(a->label, a->text, scope, err);
    return rc < 0 && a->label ? sl_err_option(err, a->label, a->text) : rc;
}

int sl_tree_location(const PgQuery__Node *n)
{
    if (!n)
        return -1;
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST: return n->a_const->location;
    case PG_QUERY__NODE__NODE_COLUMN_REF: return n->column_ref->location;
    case PG_QUERY__NODE__NODE_FUNC_CALL: return n->func_call->location;
    case PG_QUERY__NODE__NODE_A_EXPR: {
        int at = n->a_expr->lexpr ? sl_tree_location(n->a_expr->lexpr) : n->a_expr->location;
        return at >= 0 ? at : n->a_expr->location;
    }
    case PG_QUERY__NODE__NODE_BOOL_EXPR: return n->bool_expr->location;
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
        int at = sl_tree_location(n->type_cast->arg);
        return at >= 0 ? at : n->type_cast->location;
    }
    case PG_QUERY__NODE__NODE_CASE_EXPR: return n->case_expr->location;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR: return n->coalesce_expr->location;
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: return n->min_max_expr->location;
    case PG_QUERY__NODE__NODE_NULL_TEST: return sl_tree_location(n->null_test->arg);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return sl_tree_location(n->boolean_test->arg);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: return n->sqlvalue_function->location;
    case PG_QUERY__NODE__NODE_SUB_LINK: return n->sub_link->location;
    case PG_QUERY__NODE__NODE_PARAM_REF: return n->param_ref->location;
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: return n->a_array_expr->location;
    case PG_QUERY__NODE__NODE_ROW_EXPR: return n->row_expr->location;
    case PG_QUERY__NODE__NODE_NAMED_ARG_EXPR: return n->named_arg_expr->location;
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: return n->collate_clause->location;
    case PG_QUERY__NODE__NODE_RANGE_VAR: return n->range_var->location;
    case PG_QUERY__NODE__NODE_RES_TARGET: return n->res_target->location;
    case PG_QUERY__NODE__NODE_SORT_BY: return sl_tree_location(n->sort_by->node);
    case PG_QUERY__NODE__NODE_A_INDIRECTION: return sl_tree_location(n->a_indirection->arg);
    default: return -1;
    }
}

/* What a SELECT may not have here: its name, and a node inside it for the place. */
static const char *find_clause(const PgQuery__SelectStmt *s, const PgQuery__Node **at)
{
    *at = NULL;
    if (s->op > PG_QUERY__SET_OPERATION__SETOP_NONE || s->larg || s->rarg)
        return "UNION, INTERSECT and EXCEPT have";
    if (s->n_from_clause) {
        *at = s->from_clause[0];
        return "FROM has";
    }
    if (s->where_clause) {
        *at = s->where_clause;
        return "WHERE has";
    }
    if (s->n_group_clause) {
        *at = s->group_clause[0];
        return "GROUP BY has";
    }
    if (s->having_clause) {
        *at = s->having_clause;
        return "HAVING has";
    }
    if (s->limit_count || s->limit_offset) {
        *at = s->limit_count ? s->limit_count : s->limit_offset;
        return "LIMIT has";
    }
    if (s->n_distinct_clause)
        return "DISTINCT has";
    if (s->into_clause)
        return "INTO has";
    if (s->n_window_clause || s->n_values_lists || s->n_locking_clause || s->with_clause)
        return "this clause has";
    return NULL;
}

const PgQuery__SelectStmt *sl_tree_select(const struct sl_tree *t, struct sl_err *err)
{
    const PgQuery__ParseResult *r = t->result;
    const PgQuery__Node *at, *n = r->n_stmts == 1 ? r->stmts[0]->stmt : NULL;
    const char *clause;
    int end = r->n_stmts ? r->stmts[0]->stmt_len : 0;
    if (r->n_stmts == 1 && end > 0 && (size_t)end < t->prefix_len + t->text_len)
        /* nothing but space and comments may follow the semicolon: refuse even that */
        sl_tree_fail(t, end, err, "an expression does not end with a semicolon");
    else if (r->n_stmts != 1)
        sl_tree_fail(t, end, err, "only one expression is read, no second statement");
    else if (!n || n->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        sl_tree_fail(t, -1, err, "this is not an expression");
    else if ((clause = find_clause(n->select_stmt, &at)))
        sl_tree_fail(t, sl_tree_location(at), err, "%s no place in an expression", clause);
    else
        return n->select_stmt;
    return NULL;
}

/* ---- lists ---- */

int sl_asts_parse(struct sl_asts *a, const char *label, enum sl_ast_form form,
                  const char *const *texts, int n, struct sl_err *err)
{
    assert(n >= 0);
    int rc = 0;
    a->n = 0;
    a->items = n > 0 ? sl_calloc((size_t)n, sizeof(*a->items)) : NULL;
    if (n > 0 && !a->items)
        return sl_err_nomem(err, "options");
    for (; rc >= 0 && a->n < n; a->n += rc >= 0)
        rc = sl_ast_parse(label, form, texts[a->n], strlen(texts[a->n]), &a->items[a->n], err);
    if (rc < 0)
        sl_asts_release(a);
    return rc;
}

int sl_asts_copy(struct sl_asts *a, const struct sl_asts *from, struct sl_err *err)
{
    assert(a != from);
    *a = (struct sl_asts){0, NULL};
    if (!from || !from->n)
        return 0;
    a->items = sl_calloc((size_t)from->n, sizeof(*a->items));
    if (!a->items)
        return sl_err_nomem(err, "options");
    for (; a->n < from->n; a->n++)
        a->items[a->n] = sl_ast_ref(from->items[a->n]);
    return 0;
}

void sl_asts_release(struct sl_asts *a)
{
    for (int i = 0; i < a->n; i++)
        sl_ast_unref(a->items[i]);
    free(a->items);
    *a = (struct sl_asts){0, NULL};
}

void sl_asts_print(const struct sl_asts *a, const char *name, struct sl_buf *out)
{
    if (!a->n)
        return;
    sl_buf_addch(out, ' ');
    sl_buf_addstr(out, name);
    for (int i = 0; i < a->n; i++) {
        sl_buf_addch(out, ' ');
        sl_print_quoted(a->items[i]->text, strlen(a->items[i]->text), '\'', out);
    }
}

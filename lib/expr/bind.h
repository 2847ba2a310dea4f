/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * bind: from the parser's tree to typed nodes. Internal to lib/expr.
 *
 * A function that returns a node returns NULL with b->err filled on failure, and passes on NULL
 * arguments, so that calls nest.
 */
#ifndef SL_EXPR_BIND_H
#define SL_EXPR_BIND_H

#include <pg_query/pg_query.pb-c.h>
#include "expr/expr.h"
#include "kernel/kernel.h"

/* A parsed text while it is bound. Locations in the tree are bytes of prefix + text. */
struct sl_tree {
    const char *text;
    size_t text_len, prefix_len;
    const PgQuery__ParseResult *result;
    struct sl_tree_mark *mark;
};
/* The byte of text that was asked for last and the characters before it: the next one is near. */
struct sl_tree_mark {
    size_t byte, chars;
};

/* Calls fn with the tree on a thread with a big stack. What fn answers, or SL_EUSAGE with the column in
 * the user's text; an error at a character gets the label of a. scope is for suggestions of names. err
 * may be NULL; fn gets one in any case. */
typedef int sl_tree_fn(const struct sl_tree *t, void *arg, struct sl_err *err);
int sl_ast_bind(const struct sl_ast *a, const struct sl_scope *scope, sl_tree_fn *fn, void *arg,
                struct sl_err *err);
/* 1-based character of the user's text for a location, 0 for none. */
int sl_tree_at(const struct sl_tree *t, int location);
/* SL_EUSAGE at a location, at the first character for none. */
int sl_tree_fail(const struct sl_tree *t, int location, struct sl_err *err, const char *fmt, ...)
    SL_PRINTF(4, 5);
/* Gives a part of a dotted name the letters that the user wrote, where the parser put it in lower case.
 * The name begins at a location. *done: bytes of it that earlier parts took, 0 for the first. */
void sl_tree_spell(const struct sl_tree *t, int location, size_t *done, char *part);
/* Location of a node, or -1. */
int sl_tree_location(const PgQuery__Node *n);
/* The one SELECT of plain targets that the text is, or NULL: anything else is refused. */
const PgQuery__SelectStmt *sl_tree_select(const struct sl_tree *t, struct sl_err *err);

struct sl_agg_scope;

struct sl_bind {
    struct sl_expr *e;
    const struct sl_scope *scope;
    const struct sl_tree *tree;
    struct sl_err *err;
    struct sl_agg_scope *agg; /* set: aggregates are allowed, the scope is that of the keys */
    int depth;
};

/* An expression without a root yet. NULL with err filled. */
struct sl_expr *sl_expr_new(const struct sl_scope *scope, const struct sl_expr_env *env,
                            struct sl_err *err);
/* Binds one tree as an expression of its own. 0 or < 0. */
int sl_bind_expr(const struct sl_tree *t, const PgQuery__Node *n, const struct sl_scope *scope,
                 const struct sl_expr_env *env, struct sl_agg_scope *agg, struct sl_expr **out,
                 struct sl_err *err);

/* Below, a struct sl_node * lives in the expression's arena; NULL: b->err says why. Arguments that are
 * NULL already give NULL. */
/* Any node of the grammar as a typed one. */
struct sl_node *sl_bind_node(struct sl_bind *b, const PgQuery__Node *n);
/* SL_EUSAGE at a character. Always NULL. */
void *sl_bind_fail(struct sl_bind *b, int at, const char *fmt, ...) SL_PRINTF(3, 4);
/* Adds the remedy to what sl_bind_fail said. Always NULL. */
void *sl_bind_hint(struct sl_bind *b, const char *fmt, ...) SL_PRINTF(2, 3);
/* Where a number or a time is wanted and n, bound over schema, is text: the value that made it text, and
 * what helps. Always NULL. */
void *sl_bind_text_hint(struct sl_bind *b, const struct sl_schema *schema, const struct sl_node *n,
                        enum sl_why wanted);
/* A node with room for nargs arguments, to be filled in and finished. at: character, 0 = none. */
struct sl_node *sl_bind_new(struct sl_bind *b, enum sl_node_kind kind, struct sl_type type, int at,
                            int nargs);
/* Settles only, depth, can_fail (own or an argument's) and folds constants. */
struct sl_node *sl_bind_finish(struct sl_bind *b, struct sl_node *n);
/* The same of a CALL whose kernel is told these. */
struct sl_node *sl_bind_params(struct sl_bind *b, struct sl_node *n, int64_t p0, int64_t p1);
/* A CALL over given arguments, not finished. flags as enum sl_node_flags; fails: rows can fail. */
struct sl_node *sl_bind_call(struct sl_bind *b, sl_kernel *run, const char *name, int form,
                             struct sl_type type, int at, int flags, int fails,
                             struct sl_node *const *args, int nargs);
struct sl_node *sl_bind_const(struct sl_bind *b, struct sl_column *value, int at); /* takes value */
/* A constant whose n bytes are copied, and one of a bigint or numeric, unscaled. */
struct sl_node *sl_bind_value(struct sl_bind *b, struct sl_type t, const void *data, size_t n,
                              int at);
struct sl_node *sl_bind_exact(struct sl_bind *b, struct sl_type t, sl_int128 v, int at);
/* n, finished, where its kernel took a constant for its argument `arg`. rc < 0: b->err says why it did
 * not, and gets the place. */
struct sl_node *sl_bind_checked(struct sl_bind *b, struct sl_node *n, int arg, int rc);
/* A column of the scope by its number, as an expression of its own. 0 or < 0. */
int sl_bind_number(const struct sl_tree *t, int column, const struct sl_scope *scope,
                   const struct sl_expr_env *env, struct sl_expr **out, struct sl_err *err);
/* Dotted name of a ColumnRef into buf; 0 if it has a `*`. With t, its letters are those that the user
 * wrote; without, names that bear no quotes are in lower case, as SQL has them. */
int sl_bind_name(const struct sl_tree *t, const PgQuery__ColumnRef *r, char *buf, size_t size);
struct sl_node *sl_bind_is_null(struct sl_bind *b, struct sl_node *a, int negated, int at);
/* For messages: what lives in the arena. */
const char *sl_bind_type_name(struct sl_bind *b, const struct sl_node *n);
const char *sl_bind_type_text(struct sl_bind *b, struct sl_type t);

/* coerce.c */
enum sl_coerce_mode { SL_COERCE_IMPLICIT, SL_COERCE_EXPLICIT };
/* n as type `to`, by a cast if need be. IMPLICIT: only what PostgreSQL casts unasked. */
struct sl_node *sl_coerce(struct sl_bind *b, struct sl_node *n, struct sl_type to,
                          enum sl_coerce_mode mode);
/* n, of unknown type, beside a value of type `to`: a column that had no value yet takes any number. */
struct sl_node *sl_coerce_unknown(struct sl_bind *b, struct sl_node *n, struct sl_type to);
/* What an expression's value is as a column: a DECIMAL becomes numeric(p,s) or double precision. */
struct sl_node *sl_coerce_result(struct sl_bind *b, struct sl_node *n);
/* A literal that nothing gave a type becomes text. */
struct sl_node *sl_coerce_settle(struct sl_bind *b, struct sl_node *n);
/* All nodes to their common type. 0 or < 0; what: "CASE". */
int sl_coerce_unify(struct sl_bind *b, struct sl_node **nodes, int n, const char *what);
/* Common type of two, as PostgreSQL promotes. 1 or 0. */
int sl_coerce_common(struct sl_type a, struct sl_type b, struct sl_type *out);
struct sl_node *sl_bind_cast(struct sl_bind *b, const PgQuery__TypeCast *c);
/* 16 or 32 for int2 and int4, as the parser calls smallint and integer, else 0. */
int sl_cast_bits(const char *type);
/* A bigint that must fit so many bits; what does not fails. */
struct sl_node *sl_cast_narrow(struct sl_bind *b, struct sl_node *n, int bits);
/* n, which must be boolean: "WHAT takes boolean values, not bigint". */
struct sl_node *sl_coerce_boolean(struct sl_bind *b, struct sl_node *n, const char *what);

/* operator.c: op by its name, or as enum sl_compare_op; kind: SL_NODE_AND or SL_NODE_OR. */
struct sl_node *sl_bind_operator(struct sl_bind *b, const char *op, struct sl_node *l,
                                 struct sl_node *r, int at);
struct sl_node *sl_bind_compare(struct sl_bind *b, int op, struct sl_node *l, struct sl_node *r,
                                int at);
struct sl_node *sl_bind_a_expr(struct sl_bind *b, const PgQuery__AExpr *x);
struct sl_node *sl_bind_logic(struct sl_bind *b, int kind, struct sl_node *const *args, int n,
                              int at);
struct sl_node *sl_bind_not(struct sl_bind *b, struct sl_node *n, int at);

/* function.c: a CALL that prints as a function, finished, whose kernel is told p0 and p1. */
struct sl_node *sl_bind_plain(struct sl_bind *b, sl_kernel *run, const char *name,
                              struct sl_type type, int64_t p0, int64_t p1, int fails,
                              struct sl_node **args, int nargs, int at);
/* By name over bound arguments (args may be changed by coercion) */
struct sl_node *sl_bind_function(struct sl_bind *b, const char *name, struct sl_node **args,
                                 int nargs, int at);
/* The same by the letters of its overloads alone. */
struct sl_node *sl_bind_overload(struct sl_bind *b, const char *name, struct sl_node **args,
                                 int nargs, int at);
struct sl_node *sl_bind_func_call(struct sl_bind *b, const PgQuery__FuncCall *f);
/* list.c: a select list of expressions, those without a name named over `names`; out is filled as far
 * as they were bound. */
int sl_bind_items(const struct sl_tree *t, const struct sl_scope *scope,
                  const struct sl_scope *names, const struct sl_expr_env *env,
                  struct sl_agg_scope *agg, struct sl_expr_list *out, struct sl_err *err);

/* aggregate_list.c */
struct sl_node *sl_bind_aggregate(struct sl_bind *b, const PgQuery__FuncCall *f, int at,
                                  int *is_aggregate);
/* Says why a name that is no key cannot stand in the select of an aggregate. */
void sl_aggregate_missing(struct sl_bind *b, const char *name, int at);

/* name.c: the name of an unnamed item. Freed by free(); NULL on failure. */
char *sl_item_name(const struct sl_tree *t, const PgQuery__Node *n, const struct sl_scope *scope,
                   const struct sl_expr *e);

/* print.c */
/* s between quotes; a quote within is doubled. */
void sl_print_quoted(const char *s, size_t n, char quote, struct sl_buf *out);
void sl_node_print(const struct sl_node *n, struct sl_buf *out);
/* ast.c: 1 if a column of that name must be written in double quotes. */
int sl_word_reserved(const char *s, size_t n);
int sl_word_char(char c); /* of a name without quotes */

/* suggest.c: nearest of the functions, aggregates too if asked, or NULL. */
enum { SL_SUGGEST_FUNCTIONS = 1, SL_SUGGEST_AGGREGATES = 2 };
const char *sl_suggest_function(const char *name, int what);
/* 1, and b->err says so, if name is an aggregate of PostgreSQL's that sluice has not got. */
int sl_bind_absent(struct sl_bind *b, const char *name, int at);
/* If a column's name stands without the double quotes that it needs where err is (err->column), the
 * hint of err becomes the text of the option with them, as a shell reads it. */
void sl_suggest_quotes(const char *option, const char *text, const struct sl_scope *scope,
                       struct sl_err *err);
/* The hint that lists the aggregates. Always NULL. */
void *sl_bind_aggregates_hint(struct sl_bind *b);

#endif

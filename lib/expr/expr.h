/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * expr: PostgreSQL expressions, from text to vectors.
 *
 * Text goes through libpg_query into a tree (ast.h), is bound to a scope (scope.h) and typed (names, functions,
 * casts; constants folded), and runs as vector kernels. An expression is immutable after binding;
 * evaluation keeps its scratch in a struct sl_eval, one per thread.
 *
 * Errors of parsing and binding are SL_EUSAGE with err->column the 1-based character in the text,
 * and the nearest column or function as hint. Errors of evaluation are SL_EROW with err->line the
 * first row (position among the selected rows) that failed, and the others are listed; three-valued
 * logic and division by zero, overflow and bad casts are as in PostgreSQL.
 *
 * Call order: sl_ast_parse; sl_expr_bind (or _where, _list, ...); sl_eval_new; sl_expr_eval per batch.
 */
#ifndef SL_EXPR_EXPR_H
#define SL_EXPR_EXPR_H

#include "expr/ast.h"
#include "expr/scope.h"
#include "kernel/eval.h"

/* One expression of any type over the columns of a scope. */
int sl_expr_bind(const struct sl_ast *a, const struct sl_scope *scope,
                 const struct sl_expr_env *env, struct sl_expr **out, struct sl_err *err);
/* Same, and it must be boolean (a hint shows `a = 'x'` forms). */
int sl_expr_bind_where(const struct sl_ast *a, const struct sl_scope *scope,
                       const struct sl_expr_env *env, struct sl_expr **out, struct sl_err *err);
void sl_expr_free(struct sl_expr *e);
/* Canonical text (for plan hashes, unnamed columns and --explain). */
void sl_expr_print(const struct sl_expr *e, struct sl_buf *out);
/* Adds the indexes of columns that e reads to a bitmap of schema->nfields bits. */
void sl_expr_columns(const struct sl_expr *e, uint8_t *bits);
/* The same without the numbers, bigint or numeric, that e only compares: were such a column a wider numeric,
 * e would give the same. */
void sl_expr_fixes(const struct sl_expr *e, uint8_t *bits);
/* Index of the column if e is nothing but a column, else -1. */
int sl_expr_is_column(const struct sl_expr *e);

/* What `sluice help functions` prints: of each function its forms, what it gives, and an example, which has
 * that value where the zone is UTC. */
void sl_functions_print(struct sl_buf *out);
/* What `sluice help aggregates` prints. */
void sl_aggregates_print(struct sl_buf *out);

/* ---- lists ---- */

/* `a, lower(b) as c` or `a = expr, b = expr` (set). name is given or derived. */
struct sl_expr_item {
    char *name;
    struct sl_expr *expr;
};
struct sl_expr_list {
    int n;
    struct sl_expr_item *items;
};
/* --by, --select without aggregates, --order-by without directions. */
int sl_expr_bind_list(const struct sl_ast *a, const struct sl_scope *scope,
                      const struct sl_expr_env *env, struct sl_expr_list *out, struct sl_err *err);
/* --set 'total = price * qty, day = ts::date'; --rename 'old = new' is the same form with columns.*/
int sl_expr_bind_set(const struct sl_ast *a, const struct sl_scope *scope,
                     const struct sl_expr_env *env, struct sl_expr_list *out, struct sl_err *err);
/* `a, "B c"`: names only; numbers in the scope, n of them (freed by free()). */
int sl_expr_bind_names(const struct sl_ast *a, const struct sl_scope *scope, int **index, int *n,
                       struct sl_err *err);
/* 'old = new, "x y" = z' : pairs; out->items[i].name is the new name, index[i] the old column. */
int sl_expr_bind_rename(const struct sl_ast *a, const struct sl_scope *scope, int **index,
                        char ***names, int *n, struct sl_err *err);
void sl_expr_list_release(struct sl_expr_list *l);

/* `a desc nulls first, lower(b)` : --order-by. */
struct sl_expr_order {
    struct sl_expr *expr;
    int descending;
    int nulls_first; /* as written, else PostgreSQL's default: nulls count as greatest */
};
/* n of them, freed by sl_expr_order_free. */
int sl_expr_bind_order(const struct sl_ast *a, const struct sl_scope *scope,
                       const struct sl_expr_env *env, struct sl_expr_order **out, int *n,
                       struct sl_err *err);
void sl_expr_order_free(struct sl_expr_order *o, int n);

/* ---- aggregates ---- */

/* A --select of an aggregate: calls over the input, and items over the `agg schema`, which is the
 * key columns (window_start, window_end, --by ...) followed by one column per call. */
struct sl_agg_list {
    int ncalls, nitems;
    struct sl_agg_call *calls;
    struct sl_expr_item *items;
    struct sl_schema *agg_schema;
};

/* keys: schema of the key columns, in order. Unnamed calls are named count, p99_ms, sum_price. */
int sl_expr_bind_aggregates(const struct sl_ast *a, const struct sl_scope *input,
                            struct sl_schema *keys, const struct sl_expr_env *env,
                            struct sl_agg_list *out, struct sl_err *err);
void sl_agg_list_release(struct sl_agg_list *l);

#endif

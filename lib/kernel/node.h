/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * node: the typed tree between binding and evaluation. For lib/kernel and lib/expr.
 *
 * Invariants: (1) a node's type is settled once binding ends: no UNKNOWN literal is left. (2) nodes
 * live in their expression's arena and are immutable after binding, so that threads may share them.
 * (3) `value` is set on every node whose value does not depend on a row; printing ignores it, so
 * that the canonical text of now() is the same in every run. (4) can_fail is 0 only if no row can
 * raise an error below this node: such nodes may be evaluated for rows that do not need them.
 */
#ifndef SL_KERNEL_NODE_H
#define SL_KERNEL_NODE_H

#include "kernel/eval.h"

enum sl_node_kind {
    SL_NODE_COLUMN = 1,
    SL_NODE_CONST,    /* value */
    SL_NODE_CALL,     /* run: a vector kernel over evaluated arguments */
    SL_NODE_AND,      /* nargs >= 2 */
    SL_NODE_OR,       /* nargs >= 2 */
    SL_NODE_CASE,     /* cond, result, cond, result, ..., else */
    SL_NODE_COALESCE, /* first that is not null */
    SL_NODE_TRY,      /* its argument, null in rows where that fails */
};

/* How a CALL prints. */
enum sl_print_form {
    SL_PRINT_FUNCTION, /* name(a, b) */
    SL_PRINT_INFIX,    /* a name b */
    SL_PRINT_PREFIX,   /* name a */
    SL_PRINT_POSTFIX,  /* a name */
    SL_PRINT_CAST,     /* a::type */
    SL_PRINT_IMPLICIT, /* a */
    SL_PRINT_IN,       /* a name (b, c) */
};

enum sl_node_flags {
    SL_CALL_NULLS = 1, /* the kernel looks at nulls itself: not strict */
    SL_CALL_BYTES = 2, /* the kernel reads bytes through sl_column_bytes: a DICT argument will do */
};

enum sl_compare_op { SL_EQ, SL_NE, SL_LT, SL_LE, SL_GT, SL_GE };

enum { SL_ONLY_NONE = -1, SL_ONLY_MANY = -2, SL_EXPR_DEPTH = 1000, SL_EXPR_TEXT = 65536 };

enum { SL_EXPR_FOLDED = 16 << 20 };

struct sl_call;
typedef int sl_kernel(struct sl_call *c);

struct sl_node {
    uint8_t kind;
    uint8_t can_fail;
    uint8_t unknown; /* a string literal or null without a type of its own, or a column that had no
                        value yet (that has no value here), while binding */
    uint8_t flags;   /* enum sl_node_flags */
    uint8_t form;    /* enum sl_print_form */
    struct sl_type type;
    int at;     /* 1-based character in the text */
    int column; /* COLUMN: index in the schema */
    int only;   /* the one column that the node reads, or SL_ONLY_NONE or SL_ONLY_MANY */
    int depth;
    int nargs;
    struct sl_node **args;
    int nitems; /* IN: the constants of the list, which are not evaluated as arguments */
    struct sl_node **items;
    const char *name; /* function, operator or column */
    sl_kernel *run;
    int64_t param[2]; /* what the kernel was bound for: operator, unit, digits */
    struct sl_column *value;
    void *extra; /* compiled pattern, set of values */
    void (*extra_free)(void *);
    struct sl_node *next; /* all nodes of the expression */
};

struct sl_expr {
    struct sl_arena arena;
    struct sl_node *root;
    struct sl_node *all;
    struct sl_schema *schema;
    struct sl_expr_env env;
    size_t folded; /* bytes of texts among the constants, at most SL_EXPR_FOLDED */
};

#endif

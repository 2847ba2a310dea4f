/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ast: the text of one option or clause as a tree of PostgreSQL's grammar.
 *
 * A tree is parsed once. It is counted and immutable: any number of operators and threads share it
 * and bind it, each to a schema of its own. A text that does not parse gives a tree too: binding it
 * reports the syntax error, because only then the names of the columns are known and can help.
 */
#ifndef SL_EXPR_AST_H
#define SL_EXPR_AST_H

#include "base/buf.h"
#include "base/err.h"

enum sl_ast_form {
    SL_AST_LIST,  /* expressions: `a, lower(b) as c`; a condition is a list of one */
    SL_AST_SET,   /* assignments: `a = expr, b = expr`; renamings too */
    SL_AST_ORDER, /* `a desc nulls first, lower(b)` */
};

struct sl_ast;

/* label: where the text comes from, for messages ("--where"); NULL = it goes without saying. Both are
 * copied. SL_EUSAGE: the text is too long, holds a NUL byte or is no UTF-8. */
int sl_ast_parse(const char *label, enum sl_ast_form form, const char *text, size_t len,
                 struct sl_ast **out, struct sl_err *err);
struct sl_ast *sl_ast_ref(struct sl_ast *a);
void sl_ast_unref(struct sl_ast *a); /* NULL is fine */
const char *sl_ast_text(const struct sl_ast *a);

/* ---- lists of them: what an operator was told ---- */

struct sl_asts {
    int n;
    struct sl_ast **items; /* counted */
};

/* One tree a text, with one label. On failure *a is empty. */
int sl_asts_parse(struct sl_asts *a, const char *label, enum sl_ast_form form,
                  const char *const *texts, int n, struct sl_err *err);
/* from may be NULL: none. */
int sl_asts_copy(struct sl_asts *a, const struct sl_asts *from, struct sl_err *err);
void sl_asts_release(struct sl_asts *a);
/* Appends " name 'a' 'b'", or nothing for an empty list; quotes within are doubled. */
void sl_asts_print(const struct sl_asts *a, const char *name, struct sl_buf *out);

#endif

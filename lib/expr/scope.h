/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * scope: the columns that an expression may name: those of one input, or of several with aliases.
 *
 * Columns are numbered through all inputs in order, so that an expression over two inputs reads a
 * batch that has the columns of both side by side. A name is looked for as it is, dots included, in
 * every input; then as alias.column. A column that two inputs have must be written with its alias.
 */
#ifndef SL_EXPR_SCOPE_H
#define SL_EXPR_SCOPE_H

#include "arrow/schema.h"

struct sl_scope_input {
    const char *alias; /* NULL: columns of it have no other name */
    struct sl_schema *schema;
};
struct sl_scope { /* borrows everything */
    int n;
    const struct sl_scope_input *inputs;
};

/* The scope of one schema, as an argument. */
#define SL_SCOPE(s) (&(const struct sl_scope){1, &(const struct sl_scope_input){NULL, (s)}})

/* Number of the column, or -SL_EUSAGE with the nearest names, or with the aliases to choose from. */
int sl_scope_find(const struct sl_scope *s, const char *name, size_t len, struct sl_err *err);
const struct sl_field *sl_scope_field(const struct sl_scope *s, int column);
/* All columns as one schema: names that occur twice get their alias in front. A new reference; NULL
 * with err filled. */
struct sl_schema *sl_scope_schema(const struct sl_scope *s, struct sl_err *err);

#endif

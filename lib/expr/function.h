/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * function: the table of functions. Internal to lib/expr.
 *
 * A signature is a letter an argument: b boolean, i bigint, d double precision, t text, y bytea,
 * z timestamptz, w timestamp, D date, v interval, j jsonb, n any number; * anything, as text; + at the end
 * repeats the last. To add a function: a kernel (kernel.h), a row in function_table.c, tests.
 */
#ifndef SL_EXPR_FUNCTION_H
#define SL_EXPR_FUNCTION_H

#include "expr/bind.h"

struct sl_function;
/* As sl_bind_function, of f. */
typedef struct sl_node *sl_function_bind(struct sl_bind *b, const struct sl_function *f,
                                         struct sl_node **args, int nargs, int at);

struct sl_function {
    const char *name, *args;
    char result;
    uint8_t fails; /* some row may be an error */
    uint8_t flags; /* enum sl_node_flags */
    sl_kernel *run;
    sl_function_bind *bind; /* NULL: by its letters, with run; without it, by the grammar */
    int64_t param;          /* the kernel's, or what the binding goes by */
    const char *help, *example, *value;
};

/* function_math.c; function_time.c; function.c */
sl_function_bind sl_bind_number_function;
sl_function_bind sl_bind_date_trunc, sl_bind_extract, sl_bind_overlaps;
sl_function_bind sl_bind_try, sl_bind_is_valid;

/* The overloads of a name, one after the other; NULL and 0 for a name that is none. */
const struct sl_function *sl_function_find(const char *name, size_t *overloads);
/* Appends `lpad(text, bigint)`. */
void sl_function_signature(const struct sl_function *f, struct sl_buf *out);
/* The type that a letter of a signature stands for. */
const char *sl_function_letter(char c);
/* Names for suggestions, at most max: how many. */
int sl_function_names(const char **out, int max);
int sl_aggregate_names(const char **out, int max);

#endif

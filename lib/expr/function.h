/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * function: the table of functions. Internal to lib/expr.
 *
 * A signature is a letter an argument: b boolean, i bigint, d double precision, t text, y bytea,
 * z timestamptz, D date, v interval, j jsonb; * anything, as text; + at the end repeats the last.
 * To add a function: a kernel (kernel.h), a row in the table of function.c, tests.
 */
#ifndef SL_EXPR_FUNCTION_H
#define SL_EXPR_FUNCTION_H

#include "kernel/kernel.h"

struct sl_function {
    const char *name, *args;
    char result;
    uint8_t fails; /* some row may be an error */
    uint8_t flags; /* enum sl_node_flags */
    sl_kernel *run;
    int64_t param[2];
};

int sl_function_names(const char **out, int max);
int sl_aggregate_names(const char **out, int max);

#endif

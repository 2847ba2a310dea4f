/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* suggest: the nearest function for a name that is none. */
#include "expr/bind.h"
#include "expr/function.h"

const char *sl_suggest_function(const char *name, int aggregates)
{
    const char *names[160];
    int n = 0;
    n = sl_function_names(names, (int)SL_COUNT(names));
    if (aggregates)
        n += sl_aggregate_names(names + n, (int)SL_COUNT(names) - n);
    return sl_schema_nearest(name, strlen(name), names, n);
}

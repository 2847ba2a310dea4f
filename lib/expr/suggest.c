/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * suggest: what to write instead of a function that is none.
 *
 * A suggestion is something that can stand at that place: no function where an aggregate is wanted,
 * and no aggregate where none may stand.
 */
#include "expr/bind.h"
#include "expr/function.h"

const char *sl_suggest_function(const char *name, int what)
{
    const char *names[160];
    int n = 0;
    if (what & SL_SUGGEST_FUNCTIONS)
        n = sl_function_names(names, (int)SL_COUNT(names));
    if (what & SL_SUGGEST_AGGREGATES)
        n += sl_aggregate_names(names + n, (int)SL_COUNT(names) - n);
    return sl_schema_nearest(name, strlen(name), names, n);
}

/* PostgreSQL's aggregates that sluice has not got, and what does the same, if anything does. */
static const struct {
    const char *name, *instead;
} absent[] = {
    {"any_value", "min(x) takes one of the values"},
    {"approx_count_distinct", "count(distinct x) is exact"},
    {"array_agg", NULL},
    {"bit_and", NULL},
    {"bit_or", NULL},
    {"bit_xor", NULL},
    {"bool_and", "count(*) filter (where not x) = 0 says the same"},
    {"bool_or", "count(*) filter (where x) > 0 says the same"},
    {"corr", NULL},
    {"covar_pop", NULL},
    {"covar_samp", NULL},
    {"cume_dist", NULL},
    {"dense_rank", NULL},
    {"every", "count(*) filter (where not x) = 0 says the same"},
    {"first_value", "first(x) takes the first value in the order of the input"},
    {"group_concat", NULL},
    {"json_agg", NULL},
    {"json_object_agg", NULL},
    {"jsonb_agg", NULL},
    {"jsonb_object_agg", NULL},
    {"last_value", "last(x) takes the last value in the order of the input"},
    {"listagg", NULL},
    {"mode", "--by x with count(*), and the greatest count, says which value is most frequent"},
    {"percent_rank", NULL},
    {"quantile", "percentile_cont(0.9) within group (order by x), or p90(x)"},
    {"rank", NULL},
    {"stddev", NULL},
    {"stdev", NULL},
    {"stddev_pop", NULL},
    {"stddev_samp", NULL},
    {"string_agg", NULL},
    {"var_pop", NULL},
    {"var_samp", NULL},
    {"variance", NULL},
};

int sl_bind_absent(struct sl_bind *b, const char *name, int at)
{
    size_t i = 0;
    while (i < SL_COUNT(absent) && strcmp(absent[i].name, name) != 0)
        i++;
    if (i == SL_COUNT(absent))
        return 0;
    sl_bind_fail(b, at, "sluice has no aggregate %s yet", absent[i].name);
    if (absent[i].instead)
        sl_bind_hint(b, "%s", absent[i].instead);
    else
        sl_bind_aggregates_hint(b);
    return 1;
}

void *sl_bind_aggregates_hint(struct sl_bind *b)
{
    const char *names[16];
    struct sl_buf list = SL_BUF_INIT;
    int n = sl_aggregate_names(names, (int)SL_COUNT(names));
    for (int i = 0; i + 1 < n; i++)
        sl_buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
    sl_bind_hint(b, "there are %s, and p1 to p99, p999", list.data ? list.data : "");
    sl_buf_release(&list);
    return NULL;
}

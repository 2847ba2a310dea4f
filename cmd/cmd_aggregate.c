/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* aggregate: rows into groups and windows of event time. */
#include "run.h"

struct aggregate_args {
    struct sl_args common;
    struct sl_words where, select, by, having;
    const char *sets, *window, *late;
    struct sl_words order_by;
    struct sl_option_number limit;
    int partial, merge;
};

static int group(struct sl_cmd_run *run, const struct aggregate_args *a)
{
    enum sl_aggregate_parts parts = a->partial ? SL_AGGREGATE_PARTIAL
                                    : a->merge ? SL_AGGREGATE_MERGE
                                               : SL_AGGREGATE_WHOLE;
    struct sl_aggregate_options o = {.sets = a->sets, .window = a->window, .parts = parts};
    if (a->partial && (a->merge || a->having.n || a->order_by.n || a->limit.given)) {
        sl_err_set(&run->err, SL_EUSAGE,
                   "--partial gives no results yet: --merge, --having, "
                   "--order-by and --limit belong to the command that merges");
        return run->failed = -SL_EUSAGE;
    }
    if (sl_cmd_asts(run, "--select", SL_AST_LIST, &a->select, &o.select) >= 0 &&
        sl_cmd_asts(run, "--by", SL_AST_LIST, &a->by, &o.by) >= 0 &&
        sl_cmd_asts(run, "--having", SL_AST_LIST, &a->having, &o.having) >= 0)
        sl_cmd_op(run, sl_aggregate_new(&o, &run->env, &run->account, &run->err));
    sl_asts_release(&o.select);
    sl_asts_release(&o.by);
    sl_asts_release(&o.having);
    return run->failed;
}

static int order(struct sl_cmd_run *run, const struct aggregate_args *a)
{
    int64_t limit = a->limit.given ? a->limit.value : -1;
    struct sl_buf by = SL_BUF_INIT;
    struct sl_ast *ast = NULL;
    sl_cmd_join(&by, &a->order_by, ", ");
    if ((run->failed = sl_buf_check(&by, &run->err)) >= 0 && a->order_by.n)
        run->failed = sl_ast_parse("--order-by", SL_AST_ORDER, by.data, by.len, &ast, &run->err);
    if (run->failed >= 0 && ast)
        sl_cmd_op(run, sl_sort_new(ast, limit, &run->env, &run->account, &run->err));
    else if (run->failed >= 0 && a->limit.given)
        sl_cmd_op(run, sl_limit_new(limit, &run->account, &run->err));
    sl_ast_unref(ast);
    sl_buf_release(&by);
    return run->failed;
}

static int keep_late(struct sl_cmd_run *run, const struct aggregate_args *a)
{
    const char *other = !a->late                                                   ? NULL
                        : a->common.output && !strcmp(a->late, a->common.output)   ? "-o"
                        : a->common.rejects && !strcmp(a->late, a->common.rejects) ? "--rejects"
                                                                                   : NULL;
    run->late = a->late;
    if (a->late && !a->window)
        run->failed =
            sl_err_set(&run->err, SL_EUSAGE, "--late needs --window: nothing else is late");
    else if (a->late && !strcmp(a->late, "-"))
        run->failed =
            sl_err_set(&run->err, SL_EUSAGE, "--late - : late rows go to a log or a file");
    else if (other)
        run->failed = sl_err_set(&run->err, SL_EUSAGE, "--late and %s are the same place: %s",
                                 other, a->late);
    return run->failed;
}

static int run(const struct sl_cmd *cmd, void *options, const struct sl_invocation *call)
{
    const struct aggregate_args *a = options;
    struct sl_cmd_run r;
    if (sl_cmd_begin(&r, cmd, &a->common, call) >= 0 && keep_late(&r, a) >= 0) {
        r.in.numbered = a->partial; /* parts come together by the numbers of their rows */
        if (sl_cmd_source(&r) >= 0 && sl_cmd_where(&r, &a->where) >= 0 && group(&r, a) >= 0)
            order(&r, a);
    }
    return sl_cmd_end(&r);
}

#define AT(member) offsetof(struct aggregate_args, member)
static const struct sl_option own[] = {
    {"where", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "CONDITION", "only rows for which it is true",
     AT(where), NULL},
    {"select", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "LIST",
     "'count(*) as n, sum(price), p99(ms)' (count(*))", AT(select), NULL},
    {"by", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "LIST",
     "one group for each: 'country, lower(item)'", AT(by), NULL},
    {"sets", 0, SL_OPTION_TEXT, SL_COMPLETE_NOTHING, "SETS",
     "several groupings: rollup, cube, '(a, b), ()'", AT(sets), NULL},
    {"having", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "CONDITION",
     "only groups for which it is true: 'count(*) > 9'", AT(having), NULL},
    {"window", 0, SL_OPTION_TEXT, SL_COMPLETE_NOTHING, "LENGTH",
     "and for each span of event time: '1 minute'", AT(window), NULL},
    {"late", 0, SL_OPTION_TEXT, SL_COMPLETE_FILE, "DEST",
     "rows that come too late for their window go there", AT(late), NULL},
    {"order-by", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "LIST", "order of the result: 'n desc'",
     AT(order_by), NULL},
    {"limit", 0, SL_OPTION_NUMBER, SL_COMPLETE_NOTHING, "N", "only its first N rows", AT(limit),
     NULL},
    {"partial", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL,
     "give states, for --merge, instead of results", AT(partial), NULL},
    {"merge", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL,
     "the input is states of the same options", AT(merge), NULL},
    {0},
};
static const struct sl_option_set sets[] = {
    {"Aggregate", own}, SL_SET_INPUT,   SL_SET_ZONE, SL_SET_LIVE,   SL_SET_GROUP,
    SL_SET_OUTPUT,      SL_SET_NEW_LOG, SL_SET_LOG,  SL_SET_RESUME, SL_SET_AGAIN,
    SL_SET_RUN,         SL_SET_HELP,    SL_SET_END,
};
static const char *const examples[] = {
    "sluice aggregate --by country --select 'count(*) as n, sum(price)' orders.csv",
    NULL,
};

const struct sl_cmd sl_cmd_aggregate = {
    .name = "aggregate",
    .group = "Work on rows",
    .summary = "counts, sums, quantiles by group and by window of event time",
    .usage = "[option ...] [source ...]",
    .about = "Gives window_start and window_end, the --by columns, then --select.",
    .sets = sets,
    .size = sizeof(struct aggregate_args),
    .examples = examples,
    .run = run,
};

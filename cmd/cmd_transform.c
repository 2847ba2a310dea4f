/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* transform: rows that hold a condition, and columns set, selected, dropped, renamed. */
#include "run.h"

struct transform_args {
    struct sl_args common;
    struct sl_words where, set, select, drop, rename;
};

static int project(struct sl_cmd_run *run, const struct transform_args *a)
{
    struct sl_project_options o = {0};
    if (a->set.n + a->select.n + a->drop.n + a->rename.n == 0)
        return 0;
    if (sl_cmd_asts(run, "--set", SL_AST_SET, &a->set, &o.verbs[SL_PROJECT_SET]) >= 0 &&
        sl_cmd_asts(run, "--select", SL_AST_LIST, &a->select, &o.verbs[SL_PROJECT_SELECT]) >= 0 &&
        sl_cmd_asts(run, "--drop", SL_AST_LIST, &a->drop, &o.verbs[SL_PROJECT_DROP]) >= 0 &&
        sl_cmd_asts(run, "--rename", SL_AST_SET, &a->rename, &o.verbs[SL_PROJECT_RENAME]) >= 0)
        sl_cmd_op(run, sl_project_new(&o, &run->env, &run->account, &run->err));
    for (int v = 0; v < SL_PROJECT_VERBS; v++)
        sl_asts_release(&o.verbs[v]);
    return run->failed;
}

/* From a log to a new log, partitions stay one to one: same number, same key, same hash; and there is
 * a time column. */
static int keep_partitions(struct sl_cmd_run *run, const struct sl_words *sources,
                           struct sl_log **log)
{
    const struct sl_args *a = run->args;
    if (!a->output || !sl_output_is_log(a->output) || sl_path_is_log(a->output) ||
        sources->n != 1 || !sl_path_is_log(sources->items[0]))
        return 0;
    int rc = sl_log_open(sources->items[0], log, &run->err);
    const struct sl_schema *schema = rc < 0 ? NULL : sl_log_schema(*log);
    const char *key = schema ? sl_schema_meta(schema, SL_META_KEY) : NULL;
    if (schema) {
        run->out.from = sources->items[0];
        run->out.keep_time = a->time ? a->time : sl_schema_meta(schema, SL_META_TIME);
        if (a->time &&
            sl_schema_lookup(schema, a->time, strlen(a->time), NULL) < 0) { /* computed here */
            run->in.time_column = NULL;
            run->out.keep_time = NULL;
            run->out.log.time_column = a->time;
        }
    }
    if (!key || a->partitions.given || a->key.n)
        return rc;
    run->out.keep_keys = key;
    run->out.log.partitions = sl_log_partitions(*log);
    run->out.log.hash = sl_schema_meta(schema, SL_META_HASH);
    return 0;
}

static int run(const struct sl_cmd *cmd, void *options, const struct sl_invocation *call)
{
    const struct transform_args *a = options;
    struct sl_log *log = NULL;
    struct sl_cmd_run r;
    if (sl_cmd_begin(&r, cmd, &a->common, call) >= 0 &&
        (r.failed = keep_partitions(&r, &r.call.args, &log)) >= 0 && sl_cmd_source(&r) >= 0 &&
        sl_cmd_where(&r, &a->where) >= 0)
        project(&r, a);
    int status = sl_cmd_end(&r);
    sl_log_free(log);
    return status;
}

#define AT(member) offsetof(struct transform_args, member)
static const struct sl_option own[] = {
    {"where", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "CONDITION",
     "keep rows for which it is true (all of them)", AT(where), NULL},
    {"set", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "LIST", "'total = price * qty, day = ts::date'",
     AT(set), NULL},
    {"select", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "LIST", "'user_id, lower(event) as event'",
     AT(select), NULL},
    {"drop", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "COLUMNS", "columns to leave out", AT(drop),
     NULL},
    {"rename", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "LIST", "'old = new'", AT(rename), NULL},
    {0},
};
static const struct sl_option_set sets[] = {
    {"Transform, in this order", own},
    SL_SET_INPUT,
    SL_SET_ZONE,
    SL_SET_LIVE,
    SL_SET_GROUP,
    SL_SET_OUTPUT,
    SL_SET_NEW_LOG,
    SL_SET_LOG,
    SL_SET_RESUME,
    SL_SET_AGAIN,
    SL_SET_RUN,
    SL_SET_HELP,
    SL_SET_END,
};
static const char *const examples[] = {
    "sluice transform --where \"country = 'DE'\" --drop note orders.csv",
    "sluice transform --set 'total = price * qty' --drop note -O json orders.csv",
    NULL,
};

const struct sl_cmd sl_cmd_transform = {
    .name = "transform",
    .group = "Work on rows",
    .summary = "filter rows; set, select, drop and rename columns",
    .usage = "[option ...] [source ...]",
    .about = "Each row by itself; expressions are PostgreSQL's.",
    .sets = sets,
    .size = sizeof(struct transform_args),
    .examples = examples,
    .run = run,
};

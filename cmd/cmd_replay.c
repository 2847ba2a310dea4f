/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* replay: the rows of a log from a point to a point, at full speed or at the recorded pace. */
#include "run.h"

#include <unistd.h>

struct replay_args {
    struct sl_args common;
    const char *from, *to;
    struct sl_option_number partition;
    double speed;
    struct sl_words where;
    int meta;
};

/* Offsets and the recorded pace are facts of logs. */
static int check_sources(struct sl_cmd_run *run, const struct sl_words *args)
{
    if (args->n == 0)
        return sl_err_set(&run->err, SL_EUSAGE, "a log is needed");
    for (int i = 0; i < args->n; i++)
        if (access(args->items[i], F_OK) == 0 && !sl_path_is_log(args->items[i])) {
            sl_err_set(&run->err, SL_EUSAGE, "%s is not a log", args->items[i]);
            return sl_err_hint(&run->err, "transform and tail read sources of any kind");
        }
    return 0;
}

static int aim(struct sl_cmd_run *run, const struct replay_args *a)
{
    int rc;
    if (a->from &&
        (rc = sl_point_parse(a->from, run->env.now, run->zone, &run->in.from, &run->err)) < 0)
        return rc;
    if (a->to && (rc = sl_point_parse(a->to, run->env.now, run->zone, &run->in.to, &run->err)) < 0)
        return rc;
    if (a->partition.given && a->partition.value > 65535)
        return sl_err_set(&run->err, SL_EUSAGE, "--partition: 0 to 65535");
    run->in.partition = a->partition.given ? (int)a->partition.value : -1;
    if (a->common.group && (a->to || a->partition.given)) {
        sl_err_set(&run->err, SL_EUSAGE, "%s and --group cannot both be said",
                   a->to ? "--to" : "--partition");
        return sl_err_hint(&run->err, "a group reads all partitions, to their ends");
    }
    run->in.group_looks |= a->speed > 0;
    run->in.in_time_order =
        !a->common.resume_from; /* of one that resumes rows are late by partition */
    run->in.meta = a->meta;
    run->in.speed = a->speed;
    run->in.wait_for_log = a->common.follow;
    return 0;
}

static int run(const struct sl_cmd *cmd, void *options, const struct sl_invocation *call)
{
    const struct replay_args *a = options;
    struct sl_cmd_run r;
    if (sl_cmd_begin(&r, cmd, &a->common, call) >= 0 &&
        (r.failed = check_sources(&r, &r.call.args)) >= 0 && (r.failed = aim(&r, a)) >= 0 &&
        sl_cmd_source(&r) >= 0)
        sl_cmd_where(&r, &a->where);
    return sl_cmd_end(&r);
}

#define AT(member) offsetof(struct replay_args, member)
static const struct sl_option own[] = {
    {"from", 0, SL_OPTION_TEXT, SL_COMPLETE_VALUES, "POINT",
     "N, P:N,P:N, time, -1h, @EPOCH, latest (earliest)", AT(from), "earliest latest"},
    {"to", 0, SL_OPTION_TEXT, SL_COMPLETE_VALUES, "POINT", "the same, or +1h from --from (latest)",
     AT(to), "earliest latest"},
    {"partition", 0, SL_OPTION_NUMBER, SL_COMPLETE_NOTHING, "P", "only this one", AT(partition),
     NULL},
    {"speed", 0, SL_OPTION_REAL, SL_COMPLETE_NOTHING, "X", "at the recorded pace times X",
     AT(speed), NULL},
    {"where", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "CONDITION", "only rows for which it is true",
     AT(where), NULL},
    {"meta", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "show _partition and _offset too",
     AT(meta), NULL},
    {0},
};
static const struct sl_option_set sets[] = {
    {"Replay", own}, SL_SET_ZONE,   SL_SET_LIVE,  SL_SET_GROUP, SL_SET_OUTPUT, SL_SET_NEW_LOG,
    SL_SET_LOG,      SL_SET_RESUME, SL_SET_AGAIN, SL_SET_RUN,   SL_SET_HELP,   SL_SET_END,
};
static const char *const examples[] = {
    "sluice ingest orders.csv -o orders/",
    "sluice replay orders/ --from 3 --to 6 -O json",
    "sluice replay orders/ --from '2026-03-01 10:00' --to +30m -O csv",
    NULL,
};

const struct sl_cmd sl_cmd_replay = {
    .name = "replay",
    .group = "Look at a log",
    .summary = "the rows from an offset or a time to another",
    .usage = "[option ...] log ...",
    .about = "The range is half-open. Several partitions come in the order of event time.",
    .sets = sets,
    .size = sizeof(struct replay_args),
    .examples = examples,
    .run = run,
};

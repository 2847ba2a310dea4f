/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* partition: rows into the partitions of a log, or to several processes, by the hash of columns. */
#include "fan.h"
#include "machine.h"

enum { DEFAULT_PARTITIONS = 8 };

struct partition_args {
    struct sl_args common;
    struct sl_words by;
    struct sl_option_number into;
    const char *hash;
};

static int aim(struct sl_cmd_run *run, const struct partition_args *a)
{
    const char *dest = a->common.output;
    if (!dest || !sl_output_is_log(dest))
        return sl_err_set(&run->err, SL_EUSAGE, "a log is needed as destination: -o NAME/");
    if (a->by.n == 0)
        return sl_err_set(&run->err, SL_EUSAGE, "--by COLUMNS is needed");
    if (a->into.given && (a->into.value < 1 || a->into.value > 65535))
        return sl_err_set(&run->err, SL_EUSAGE, "--into: 1 to 65535");
    sl_cmd_join_names(&run->keys, &a->by);
    run->out.log.keys = run->keys.data;
    run->out.log.hash = a->hash;
    /* Not said: what the log has, if it is there. */
    run->out.log.partitions = a->into.given          ? (int)a->into.value
                              : sl_path_is_log(dest) ? 0
                                                     : DEFAULT_PARTITIONS;
    return sl_buf_check(&run->keys, &run->err);
}

static int fan(const struct sl_cmd *cmd, const struct partition_args *a,
               const struct sl_invocation *call)
{
    struct sl_err err = SL_ERR_INIT;
    struct sl_fan f = {
        .cmd = cmd, .args = &a->common, .call = *call, .hash = a->hash, .by = &a->by};
    f.n = a->into.given ? (int)SL_MIN(a->into.value, SL_FAN_MOST + 1) : sl_machine_cpus();
    int rc = sl_child_words(call->argc, call->argv, &f.call.args, &f.words, &err);
    int status = rc < 0 ? sl_command_fail(cmd, &err) : sl_fan_run(&f);
    sl_words_release(&f.words);
    return status;
}

static int run(const struct sl_cmd *cmd, void *options, const struct sl_invocation *call)
{
    const struct partition_args *a = options;
    struct sl_cmd_run r;
    if (sl_child_is_given(call->argc, call->argv, &call->args) && !a->common.commit_on_success)
        return fan(cmd, a, call);
    if (sl_cmd_begin(&r, cmd, &a->common, call) >= 0 && (r.failed = aim(&r, a)) >= 0)
        sl_cmd_source(&r);
    return sl_cmd_end(&r);
}

#define AT(member) offsetof(struct partition_args, member)
static const struct sl_option own[] = {
    {"by", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "COLUMNS", "rows alike in these stay together",
     AT(by), NULL},
    {"into", 0, SL_OPTION_NUMBER, SL_COMPLETE_NOTHING, "N",
     "partitions (8, or the log's); processes (CPUs)", AT(into), NULL},
    {"hash", 0, SL_OPTION_TEXT, SL_COMPLETE_VALUES, "NAME", "murmur2 (default) or crc32", AT(hash),
     "murmur2 crc32"},
    {0},
};
static const struct sl_option_set sets[] = {
    {"Partition", own}, SL_SET_INPUT,  SL_SET_ZONE,  SL_SET_LIVE, SL_SET_GROUP, SL_SET_OUTPUT,
    SL_SET_LOG,         SL_SET_RESUME, SL_SET_AGAIN, SL_SET_RUN,  SL_SET_HELP,  SL_SET_END,
};
static const char *const examples[] = {
    "sluice partition --by country --into 4 orders.csv -o by_country/",
    "sluice partition --by 'country, item' --hash crc32 orders.csv -o keyed/",
    "sluice partition --by item orders.csv -- sluice aggregate --by item",
    NULL,
};

const struct sl_cmd sl_cmd_partition = {
    .name = "partition",
    .group = "Get data in",
    .summary = "rows into the partitions of a log, by the hash of columns",
    .usage = "[option ...] --by columns [source ...] [-- command ...]",
    .about = "Rows with equal keys go to one partition or process and keep their order.\n"
             "Behind --: a command that runs several times at once; what comes out is merged.",
    .sets = sets,
    .size = sizeof(struct partition_args),
    .examples = examples,
    .run = run,
};

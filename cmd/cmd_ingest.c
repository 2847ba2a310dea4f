/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* ingest: any source into a log, with the positions of its inputs recorded. */
#include "run.h"

struct ingest_args {
    struct sl_args common;
    const char *from_rejects, *watch;
    struct sl_option_number forget;
};

enum { FORGET_DAYS = 30 };

static int aim(struct sl_cmd_run *run, const struct ingest_args *a)
{
    const char *dest = a->common.output;
    if (a->watch && (run->in.npaths || a->from_rejects))
        return sl_err_set(&run->err, SL_EUSAGE, "--watch %s is all that is read: not %s too",
                          a->watch, run->in.npaths ? run->in.paths[0] : a->from_rejects);
    if (a->watch && (!dest || !sl_output_is_log(dest) || a->common.again))
        return sl_err_set(&run->err, SL_EUSAGE, "--watch %s",
                          a->common.again
                              ? "takes what is new: leave out --again"
                              : "needs a log as destination, which knows what it has: -o NAME/");
    run->in.watch = a->watch;
    run->in.forget =
        a->forget.given ? SL_MAX(a->forget.value, 1) : FORGET_DAYS * 24 * 3600 * SL_USEC_PER_SEC;
    if (a->from_rejects && run->in.npaths)
        return sl_err_set(&run->err, SL_EUSAGE, "--from-rejects %s is all that is read: not %s too",
                          a->from_rejects, run->in.paths[0]);
    if (a->from_rejects && a->common.follow)
        return sl_err_set(&run->err, SL_EUSAGE, "--from-rejects is read to its end: leave out -f");
    if (a->from_rejects && a->common.rejects && strcmp(a->from_rejects, a->common.rejects) == 0)
        return sl_err_set(&run->err, SL_EUSAGE,
                          "--rejects and --from-rejects are the same place: %s", a->from_rejects);
    run->in.from_rejects = a->from_rejects;
    if (a->watch)
        sl_pipeline_again(run->pipeline, SL_AGAIN_RESUME);
    return 0;
}

static int run(const struct sl_cmd *cmd, void *options, const struct sl_invocation *call)
{
    const struct ingest_args *a = options;
    struct sl_cmd_run r;
    if (sl_cmd_begin(&r, cmd, &a->common, call) >= 0 && (r.failed = aim(&r, a)) >= 0)
        sl_cmd_source(&r);
    return sl_cmd_end(&r);
}

#define AT(member) offsetof(struct ingest_args, member)
static const struct sl_option own[] = {
    {"watch", 0, SL_OPTION_TEXT, SL_COMPLETE_FILE, "DIR",
     "what is new in the files of DIR; -f: as it comes", AT(watch), NULL},
    {"forget", 0, SL_OPTION_DURATION, SL_COMPLETE_NOTHING, "DURATION",
     "how long to know files that are gone (30 days)", AT(forget), NULL},
    {"from-rejects", 0, SL_OPTION_TEXT, SL_COMPLETE_FILE, "DEST",
     "read again the records that --rejects kept there", AT(from_rejects), NULL},
    {0},
};
static const struct sl_option_set sets[] = {
    {"Ingest", own}, SL_SET_INPUT,  SL_SET_ZONE,  SL_SET_LIVE, SL_SET_OUTPUT, SL_SET_NEW_LOG,
    SL_SET_LOG,      SL_SET_RESUME, SL_SET_AGAIN, SL_SET_RUN,  SL_SET_HELP,   SL_SET_END,
};
static const char *const examples[] = {
    "sluice ingest -I combined access.log -o web/",
    "sluice ingest --types 'qty bigint' --rejects bad.json orders.csv -o orders/",
    "sluice ingest -I 'regex:^(?<ts>\\S+ \\S+) (?<what>.*)' dpkg.log -o dpkg/",
    NULL,
};

const struct sl_cmd sl_cmd_ingest = {
    .name = "ingest",
    .group = "Get data in",
    .summary = "text, frames or a log into a log; follows files through rotation",
    .usage = "[option ...] [source ...] [-o dest]",
    .about = "Reads the sources in the order given and appends their rows to a log.",
    .sets = sets,
    .size = sizeof(struct ingest_args),
    .examples = examples,
    .run = run,
};

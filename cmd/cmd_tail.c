/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* tail: the last rows by event time, and with -f those that come. */
#include "base/num.h"
#include "run.h"

enum { DEFAULT_ROWS = 10 };

struct tail_args {
    struct sl_args common;
    const char *rows;
    struct sl_words where;
    int meta;
};

static int aim(struct sl_cmd_run *run, const struct tail_args *a, int64_t *rows)
{
    *rows = DEFAULT_ROWS;
    if (a->rows && strcmp(a->rows, "all") == 0)
        *rows = -1;
    else if (a->rows && (!sl_num_parse_int(a->rows, strlen(a->rows), rows) || *rows < 0))
        return sl_err_set(&run->err, SL_EUSAGE, "--rows: '%s' is not a number or all", a->rows);
    if (a->common.group && a->rows && *rows >= 0) {
        sl_err_set(&run->err, SL_EUSAGE, "--rows: a group gets every row, not the last ones");
        return sl_err_hint(&run->err, "leave it out");
    }
    run->in.in_time_order = a->common.group != NULL;
    run->in.meta = a->meta;
    run->in.wait_for_log = a->common.follow;
    return 0;
}

static int run(const struct sl_cmd *cmd, void *options, const struct sl_invocation *call)
{
    const struct tail_args *a = options;
    struct sl_cmd_run r;
    int64_t rows;
    if (sl_cmd_begin(&r, cmd, &a->common, call) >= 0 && (r.failed = aim(&r, a, &rows)) >= 0 &&
        sl_cmd_source(&r) >= 0 && sl_cmd_where(&r, &a->where) >= 0 && !a->common.group)
        sl_cmd_op(&r, sl_last_new(rows, a->common.follow, &r.account, &r.err));
    return sl_cmd_end(&r);
}

#define AT(member) offsetof(struct tail_args, member)
static const struct sl_option own[] = {
    {"rows", 'n', SL_OPTION_TEXT, SL_COMPLETE_VALUES, "N", "how many (10); 0, or all", AT(rows),
     "0 10 100 all"},
    {"where", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "CONDITION",
     "only rows for which it is true; they count for -n", AT(where), NULL},
    {"meta", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "show _partition and _offset too",
     AT(meta), NULL},
    {0},
};
static const struct sl_option_set sets[] = {
    {"Tail", own},  SL_SET_INPUT, SL_SET_ZONE,  SL_SET_LIVE, SL_SET_GROUP, SL_SET_OUTPUT,
    SL_SET_NEW_LOG, SL_SET_LOG,   SL_SET_AGAIN, SL_SET_RUN,  SL_SET_HELP,  SL_SET_END,
};
static const char *const examples[] = {
    "sluice tail -n 3 orders.csv",
    "sluice tail -n all --where 'price > 20' -O json orders.csv",
    NULL,
};

const struct sl_cmd sl_cmd_tail = {
    .name = "tail",
    .group = "Look at a log",
    .summary = "the last rows, and with -f those that come",
    .usage = "[option ...] [source ...]",
    .about = "By event time, partition and offset; the oldest comes first.",
    .sets = sets,
    .size = sizeof(struct tail_args),
    .examples = examples,
    .run = run,
};

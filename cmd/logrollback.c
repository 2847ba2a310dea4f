/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* logrollback: `sluice log rollback`: the commits that a log can go back to, and the way back. */
#include "base/compat.h"

#include <inttypes.h>
#include "base/num.h"
#include "base/time.h"
#include "logverb.h"
#include "maintain/maintain.h"

enum { POINTS = 20 };

struct points {
    struct sl_rollback_point newest[POINTS];
    int64_t n;
};

static void keep_point(void *arg, const struct sl_rollback_point *p)
{
    struct points *points = arg;
    points->newest[points->n++ % POINTS] = *p;
}

/* The last ones: whoever undoes something has just done it. */
static int list_points(const struct sl_cmd *cmd, const char *path)
{
    struct points points = {0};
    struct sl_err err;
    if (sl_log_rollback_points(path, keep_point, &points, &err) < 0)
        return sl_command_fail(cmd, &err);
    for (int64_t i = SL_MAX(points.n - POINTS, 0); i < points.n; i++) {
        const struct sl_rollback_point *p = &points.newest[i % POINTS];
        char at[SL_NUM_MAX];
        size_t n = sl_time_print(at, p->at, 0, SL_TIME_SQL, NULL);
        printf("commit %" PRId64 ", %.*s, %" PRId64 " %s%s\n", p->n, (int)n, at, p->rows,
               sl_plural(p->rows, "row", "rows"), p->is_last ? ", the last" : "");
    }
    return SL_EXIT_GOOD;
}

struct undone {
    int dry;
    int64_t rows;
};

static void print_undone(void *arg, const struct sl_pruned *p)
{
    struct undone *u = arg;
    u->rows += p->to - p->from;
    printf("partition %d: offsets %" PRId64 " to %" PRId64 " %s\n", p->partition, p->from, p->to,
           u->dry ? "would go" : "go");
}

int sl_cmd_log_rollback(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path)
{
    struct undone u = {.dry = a->dry_run};
    struct sl_err err;
    int64_t to;
    if (!a->to)
        return list_points(cmd, path);
    if (!sl_num_parse_int(a->to, strlen(a->to), &to) || to < 0) {
        sl_err_set(&err, SL_EUSAGE, "--to: '%s' is no number of a commit", a->to);
        return sl_command_usage(cmd, &err);
    }
    int64_t moved = sl_log_rollback(path, to, a->dry_run, print_undone, &u, &err);
    if (moved == -SL_EUSAGE)
        return sl_command_usage(cmd, &err);
    if (moved < 0)
        return sl_command_fail(cmd, &err);
    if (a->dry_run)
        printf("%" PRId64 " %s would go to lost/\n", u.rows, sl_plural(u.rows, "row", "rows"));
    else
        printf("the log is as after commit %" PRId64 ": %" PRId64 " %s, %" PRId64
               " bytes, went to lost/\n",
               to, u.rows, sl_plural(u.rows, "row", "rows"), moved);
    return moved ? SL_EXIT_REJECTS : SL_EXIT_GOOD;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* logprune: `sluice log prune`: which rows shall go, and what went; `sluice log set`: which go by themselves. */
#include "base/compat.h"

#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"
#include "base/time.h"
#include "io/open.h"
#include "logverb.h"
#include "maintain/maintain.h"

struct pruning {
    int dry;
    int64_t rows, bytes, segments;
};

static void print_pruned(void *arg, const struct sl_pruned *p)
{
    struct pruning *t = arg;
    t->rows += p->to - p->from;
    t->bytes += p->bytes;
    t->segments += p->segments;
    printf("partition %d: offsets %" PRId64 " to %" PRId64 " %s, %" PRId64 " %s, %" PRId64
           " bytes\n",
           p->partition, p->from, p->to, t->dry ? "would go" : "are gone", p->segments,
           sl_plural(p->segments, "segment", "segments"), p->bytes);
}

static int set_time(const struct sl_log_args *a, struct sl_retain *o, struct sl_err *err)
{
    int64_t now = sl_time_now_usec();
    struct sl_point p;
    if (a->older.given)
        o->before_time = now - a->older.value;
    if (!a->before)
        return 0;
    int rc = sl_point_parse(a->before, now, NULL, &p, err);
    int is_time = rc == 0 && p.kind == SL_POINT_TIME && !p.relative;
    o->before_time = is_time ? p.value : SL_TIME_MAX;
    sl_point_release(&p);
    if (is_time)
        return 0;
    sl_err_set(err, SL_EUSAGE, "--before: '%s' is no time", a->before);
    return sl_err_hint(err, "say 2026-01-31, 2026-01-31T12:00:00+01:00, @EPOCH, or --older 30d");
}

/* *offsets is the caller's. */
static int set_offsets(const struct sl_log_args *a, const char *path, int64_t **offsets,
                       struct sl_err *err)
{
    struct sl_point p = {0};
    struct sl_log *l = NULL;
    int rc = sl_log_open(path, &l, err);
    int n = rc == 0 ? sl_log_partitions(l) : 0;
    sl_log_free(l);
    if (rc == 0 && !(*offsets = sl_malloc((size_t)n * sizeof(**offsets))))
        rc = sl_err_nomem(err, "pruning a log");
    for (int i = 0; rc == 0 && i < n; i++)
        (*offsets)[i] = -1;
    if (rc == 0)
        rc = sl_point_parse(a->before_offset, 0, NULL, &p, err);
    if (rc == 0 && p.kind != SL_POINT_OFFSET)
        rc = sl_err_set(err, SL_EUSAGE, "--before-offset: '%s' is no offset", a->before_offset);
    for (int i = 0; rc == 0 && i < p.noffsets; i++) {
        int at = p.offsets[i].partition < 0 && n == 1 ? 0 : p.offsets[i].partition;
        if (at >= 0 && at < n)
            (*offsets)[at] = p.offsets[i].offset;
        else if (at < 0)
            rc = sl_err_set(err, SL_EUSAGE,
                            "--before-offset: say PARTITION:OFFSET: the log has %d "
                            "partitions",
                            n);
        else
            rc = sl_err_set(err, SL_EUSAGE, "--before-offset: there is no partition %d", at);
    }
    sl_point_release(&p);
    return rc;
}

static void print_total(const struct pruning *t, int64_t grace)
{
    if (!t->segments) {
        printf("nothing to prune: rows go by whole closed segments, from the oldest on\n");
        return;
    }
    printf("%s: %" PRId64 " %s in %" PRId64 " %s, %" PRId64 " bytes\n",
           t->dry ? "would go" : "pruned", t->rows, sl_plural(t->rows, "row", "rows"), t->segments,
           sl_plural(t->segments, "segment", "segments"), t->bytes);
    if (!t->dry && grace)
        printf("the files are removed by whoever writes or prunes in %lld s or later\n",
               (grace + SL_USEC_PER_SEC - 1) / SL_USEC_PER_SEC);
}

int sl_cmd_log_prune(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path)
{
    struct sl_retain o = {.before_time = SL_TIME_MAX, .to_size = -1};
    struct pruning t = {.dry = a->dry_run};
    struct sl_err err;
    int64_t *offsets = NULL;
    int bounds =
        a->older.given + (a->before != NULL) + a->to_size.given + (a->before_offset != NULL);
    if (bounds != 1) {
        sl_err_set(&err, SL_EUSAGE, "prune needs one bound%s", bounds ? ", and only one" : "");
        sl_err_hint(&err, "--older 30d, --before TIME, --to-size 10G or --before-offset P:N");
        return sl_command_usage(cmd, &err);
    }
    o.grace = a->grace.given ? a->grace.value : SL_GRACE;
    if (a->to_size.given)
        o.to_size = a->to_size.value;
    int64_t rc = set_time(a, &o, &err);
    if (rc == 0 && a->before_offset)
        rc = set_offsets(a, path, &offsets, &err);
    o.before_offset = offsets;
    if (rc == 0)
        rc = sl_log_prune(path, &o, a->dry_run, print_pruned, &t, &err);
    if (rc >= 0)
        print_total(&t, o.grace);
    free(offsets);
    return rc == -SL_EUSAGE ? sl_command_usage(cmd, &err)
           : rc < 0         ? sl_command_fail(cmd, &err)
                            : SL_EXIT_GOOD;
}

/* ---- set ---- */

int sl_cmd_log_set(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path)
{
    struct sl_log_setting settings[2];
    struct sl_err err;
    int n = 0;
    if (a->retain_age.given)
        settings[n++] = (struct sl_log_setting){SL_SETTING_AGE, a->retain_age.value};
    if (a->retain_size.given)
        settings[n++] = (struct sl_log_setting){SL_SETTING_SIZE, a->retain_size.value};
    if (!n) {
        sl_err_set(&err, SL_EUSAGE, "set needs a setting");
        sl_err_hint(&err, "--retain-age 30d, --retain-size 10G; none takes one back");
        return sl_command_usage(cmd, &err);
    }
    struct pruning t = {0};
    if (sl_log_set(path, settings, n, print_pruned, &t, &err) < 0)
        return sl_command_fail(cmd, &err);
    if (t.segments)
        print_total(&t, SL_GRACE);
    return SL_EXIT_GOOD;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* log: what a log holds, whether it is whole, and mending it. */
#include "base/compat.h"

#include <inttypes.h>
#include "args.h"
#include "command.h"
#include "log/log.h"
#include "loginfo.h"
#include "maintain/maintain.h"

struct log_args {
    struct sl_args common;
    int yes;
};

/* ---- verify, repair ---- */

static int print_problem(void *arg, const struct sl_log_problem *p)
{
    struct sl_buf out = SL_BUF_INIT;
    const char *path = arg;
    size_t len = strlen(path);
    sl_buf_add_visible(&out, path, len);
    if (len && path[len - 1] != '/')
        sl_buf_addch(&out, '/');
    sl_buf_add_visible(&out, p->file, strlen(p->file));
    if (p->offset >= 0)
        sl_buf_printf(&out, ": byte %" PRId64, p->offset);
    sl_buf_addstr(&out, ": ");
    sl_buf_add_visible(&out, p->what, strlen(p->what));
    if (p->from >= 0)
        sl_buf_printf(&out, " (rows %" PRId64 " to %" PRId64 ")", p->from, p->to - 1);
    sl_buf_addch(&out, '\n');
    if (!out.failed)
        fwrite(out.data, 1, out.len, stdout);
    sl_buf_release(&out);
    return 0;
}

/* A log without damage; its last commits may still be ones that the next writer takes back. */
static int print_sound(const struct sl_cmd *cmd, const char *path, const char *what)
{
    struct sl_err err;
    struct sl_log *log = NULL;
    if (sl_log_open(path, &log, &err) < 0)
        return sl_command_fail(cmd, &err);
    printf("%s: %s\n", path, what);
    if (sl_log_unsettled(log))
        printf("%s: commits after number %" PRId64
               " did not reach the device: the next writer goes on without them\n",
               path, sl_log_commit_number(log));
    sl_log_free(log);
    return SL_EXIT_GOOD;
}

static int verify(const struct sl_cmd *cmd, const char *path)
{
    struct sl_err err;
    int n = sl_log_verify(path, print_problem, (void *)path, &err);
    if (n < 0)
        return sl_command_fail(cmd, &err);
    return n ? SL_EXIT_FAILED : print_sound(cmd, path, "whole");
}

static int ignore_problem(void *arg, const struct sl_log_problem *p)
{
    (void)arg, (void)p;
    return 0;
}

static void print_step(void *arg, const char *line)
{
    (void)arg;
    printf("%s\n", line);
}

static int repair(const struct sl_cmd *cmd, const char *path, int yes)
{
    struct sl_err err;
    int problems = sl_log_verify(path, ignore_problem, NULL, &err);
    if (problems == 0)
        return print_sound(cmd, path, "nothing to mend");
    /* What verify cannot even read, repair may still have an answer for, or the better message. */
    int64_t lost = sl_log_repair(path, yes, print_step, NULL, &err);
    if (lost < 0)
        return sl_command_fail(cmd, &err);
    if (yes)
        return SL_EXIT_REJECTS;
    printf("nothing was changed; --yes does it\n");
    return SL_EXIT_FAILED;
}

static int run(const struct sl_cmd *cmd, void *options, const struct sl_invocation *call)
{
    const struct log_args *a = options;
    const char *verb = call->args.n ? call->args.items[0] : "";
    const char *const verbs[] = {"info", "verify", "repair"};
    struct sl_err err;
    int which = 0, n = SL_COUNT(verbs);
    while (which < n && strcmp(verb, verbs[which]) != 0)
        which++;
    if (which == n) {
        const char *near = sl_schema_nearest(verb, strlen(verb), verbs, n);
        sl_err_set(&err, SL_EUSAGE, *verb ? "no such verb: %s" : "a verb is needed%s", verb);
        sl_err_hint(&err, near ? "did you mean %s?" : "info, verify or repair", near);
    } else if (call->args.n != 2) {
        sl_err_set(&err, SL_EUSAGE, "%s takes one log", verb);
    } else if (a->yes && which != 2) {
        sl_err_set(&err, SL_EUSAGE, "--yes is for repair");
    } else {
        const char *path = call->args.items[1];
        return which == 0   ? sl_cmd_log_info(cmd, path)
               : which == 1 ? verify(cmd, path)
                            : repair(cmd, path, a->yes);
    }
    return sl_command_usage(cmd, &err);
}

static const struct sl_option own[] = {
    {"yes", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "repair: do what it would do",
     offsetof(struct log_args, yes), NULL},
    {0},
};
static const struct sl_option_set sets[] = {{"Options", own}, SL_SET_HELP, SL_SET_END};
static const char *const examples[] = {
    "sluice ingest orders.csv -o orders/",
    "sluice log info orders/",
    "sluice log verify orders/",
    NULL,
};

const struct sl_cmd sl_cmd_log = {
    .name = "log",
    .group = "Look at a log",
    .summary = "info: what it holds; verify: is it whole; repair: mend it",
    .usage = "[option ...] info|verify|repair log",
    .about = "info prints what the log holds. verify checks every committed byte and exits 1\n"
             "on damage. repair says what it would do; what it takes away goes to lost/.",
    .sets = sets,
    .size = sizeof(struct log_args),
    .examples = examples,
    .verbs = "info verify repair",
    .run = run,
};

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* logverb: the verbs of `sluice log`: what each gets, and those that have a file of their own. */
#ifndef SL_CMD_LOGVERB_H
#define SL_CMD_LOGVERB_H

#include "args.h"
#include "command.h"

struct sl_log_args {
    struct sl_args common;
    int yes, dry_run, columns;
    const char *before, *before_offset, *to, *tz;
    struct sl_option_number older, to_size, grace, retain_age, retain_size;
};

/* Each does its verb on the log and answers the exit status. */
int sl_cmd_log_info(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path);
int sl_cmd_log_schema(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path);
int sl_cmd_log_export(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path);
int sl_cmd_log_import(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path);
int sl_cmd_log_set(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path);
int sl_cmd_log_prune(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path);
int sl_cmd_log_rollback(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path);
/* words: the log, and behind it nothing, or set NAME, reset NAME, delete NAME. */
int sl_cmd_log_groups(const struct sl_cmd *cmd, const struct sl_log_args *a,
                      const struct sl_words *words);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * fan: a command between a splitting and a merging side, several times at once.
 *
 *   splitting process -> N children -> relay (thread) -> merge -> destination
 *
 * The splitting process is forked first; once it knows its input, the children are started. This process
 * merges, reaps all of them by their ids, and answers for all.
 */
#ifndef SL_CMD_FAN_H
#define SL_CMD_FAN_H

#include "run.h"

enum { SL_FAN_MOST = 200 }; /* children: each takes a few descriptors */

struct sl_fan {
    const struct sl_cmd *cmd;
    const struct sl_args *args;
    struct sl_invocation call;
    struct sl_words words; /* the command; released by the caller */
    int n;
    const char *hash;
    const struct sl_words *by;
};

/* The exit status: the worst of the children's and of both sides'. */
int sl_fan_run(const struct sl_fan *f);

#endif

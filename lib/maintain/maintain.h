/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* maintain: care of a log: what is damaged, and its mend. sluice-log(5) says what may be mended. */
#ifndef SL_MAINTAIN_MAINTAIN_H
#define SL_MAINTAIN_MAINTAIN_H

#include "log/log.h"

struct sl_log_problem {
    const char *file; /* relative to the log */
    int64_t offset;
    const char *what;
    int64_t from, to; /* offsets of rows concerned, -1 = none */
};
/* Checks every byte that commits promise; calls fn for each problem. Number of problems or < 0. */
int sl_log_verify(const char *path, int (*fn)(void *arg, const struct sl_log_problem *p), void *arg,
                  struct sl_err *err);
/* Plans (yes = 0) or carries out (yes = 1) the mend: removed bytes go to lost/; calls say with each
 * line of what it does and what is gone. Number of rows lost or < 0. */
int64_t sl_log_repair(const char *path, int yes, void (*say)(void *arg, const char *line),
                      void *arg, struct sl_err *err);

#endif

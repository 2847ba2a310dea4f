/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_hold: the directory of a pipeline in the log that it ends in: state/NAME/, with its lock.
 *
 * Who holds the lock runs the pipeline. It is an open file description lock: the kernel frees it when its
 * holder dies. What a commit relies on is not the lock, which may be lost with its file, but the record of
 * the run that opened the pipeline last.
 */
#ifndef SL_IO_LOG_HOLD_H
#define SL_IO_LOG_HOLD_H

#include <signal.h>
#include "base/err.h"

struct sl_log_hold {
    char *dir;       /* NULL: not held */
    int dirfd, lock; /* its descriptors */
};

/* 1 held (as it is if it was), 0 there is no log; SL_ELOCKED: another run holds it. wait: until that one is
 * over, or *signal is not 0 (SL_ESTOPPED). */
int sl_log_hold_take(struct sl_log_hold *h, const char *log, const char *name, int wait,
                     const volatile sig_atomic_t *signal, struct sl_err *err);
/* The directory alone: state of a stage before the one that has the lock. 1, or 0: there is no log yet. */
int sl_log_hold_open(struct sl_log_hold *h, const char *log, const char *name, struct sl_err *err);
void sl_log_hold_release(struct sl_log_hold *h); /* zeroed: nothing */

#endif

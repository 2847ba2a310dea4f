/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * interrupt: SIGINT, SIGTERM and SIGHUP end a run in order; a second one ends the process.
 *
 * The first signal sets a flag and writes a byte to a pipe, so that a poll wakes whichever thread
 * the signal came to; the run then ends its input, commits and exits with 128 + number. Whoever
 * sends another does not want to wait: nothing is written after it.
 */
#ifndef SL_CMD_INTERRUPT_H
#define SL_CMD_INTERRUPT_H

#include <signal.h>
#include "base/err.h"

/* Once, before threads start. */
int sl_interrupt_install(struct sl_err *err);
/* Number of the signal that came, 0 = none. */
const volatile sig_atomic_t *sl_interrupt_flag(void);
int sl_interrupt_fd(void); /* readable after the first signal */

#endif

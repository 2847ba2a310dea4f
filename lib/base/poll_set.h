/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * poll_set: the descriptors that a wait is for, as many as there are, and until when it lasts.
 *
 * Call order: sl_poll_begin; sl_poll_add and sl_poll_until by everyone who waits; sl_poll_wait; the
 * entries, in the order in which they were added, tell what happened; sl_poll_release once.
 */
#ifndef SL_BASE_POLL_SET_H
#define SL_BASE_POLL_SET_H

#include <poll.h>
#include "base/compat.h"
#include "base/err.h"

struct sl_poll_set {
    struct pollfd *fds;
    size_t n, cap;
    int64_t deadline; /* monotonic µs; INT64_MAX = none */
    int failed;       /* there was no memory for an entry */
};

void sl_poll_begin(struct sl_poll_set *p); /* empties it, and keeps its memory */
/* events as in poll(2). fd < 0 is nothing to wait for. */
void sl_poll_add(struct sl_poll_set *p, int fd, short events);
/* Lowers the deadline. */
void sl_poll_until(struct sl_poll_set *p, int64_t deadline);
/* Sleeps until an entry is ready, the deadline, a second at most, or a signal: 0 or < 0. */
int sl_poll_wait(struct sl_poll_set *p, struct sl_err *err);
void sl_poll_release(struct sl_poll_set *p);

#endif

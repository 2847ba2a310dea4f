/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* poll_set: see poll_set.h. */
#include "base/poll_set.h"
#include "base/mem.h"
#include "base/time.h"

void sl_poll_begin(struct sl_poll_set *p)
{
    p->n = 0;
    p->deadline = INT64_MAX;
    p->failed = 0;
}

void sl_poll_add(struct sl_poll_set *p, int fd, short events)
{
    assert(p->n <= p->cap);
    if (fd < 0)
        return;
    if (SL_GROW(p->fds, p->n + 1, p->cap, "waiting", NULL) < 0)
        p->failed = 1;
    else
        p->fds[p->n++] = (struct pollfd){.fd = fd, .events = events};
}

void sl_poll_until(struct sl_poll_set *p, int64_t deadline)
{
    p->deadline = SL_MIN(p->deadline, deadline);
}

int sl_poll_wait(struct sl_poll_set *p, struct sl_err *err)
{
    assert(p->n <= p->cap);
    int timeout = -1;
    if (p->failed)
        return sl_err_nomem(err, "a list of descriptors");
    if (p->deadline != INT64_MAX) {
        int64_t left = p->deadline - sl_time_mono_usec();
        timeout = left <= 0 ? 0 : left > SL_USEC_PER_SEC ? 1000 : (int)((left + 999) / 1000);
    }
    for (size_t i = 0; i < p->n; i++)
        p->fds[i].revents = 0;
    if (poll(p->fds, (nfds_t)p->n, timeout) < 0 && errno != EINTR)
        return sl_err_sys(err, "cannot poll");
    return 0;
}

void sl_poll_release(struct sl_poll_set *p)
{
    free(p->fds);
    *p = (struct sl_poll_set){0};
}

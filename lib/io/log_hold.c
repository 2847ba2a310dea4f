/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* log_hold: see log_hold.h. */
#include "base/compat.h"
#include "io/log_hold.h"

#include <fcntl.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/path.h"

static int lock(const struct sl_log_hold *h, const char *name, int wait,
                const volatile sig_atomic_t *signal, struct sl_err *err)
{
    assert(h->dir && h->lock >= 0);
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    while (fcntl(h->lock, wait ? F_OFD_SETLKW : F_OFD_SETLK, &fl) < 0) {
        if (errno == EINTR && signal && *signal)
            return sl_err_set(err, SL_ESTOPPED, "stopped while another run held the pipeline");
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EACCES)
            return sl_err_sys(err, "cannot lock %s/lock", h->dir);
        sl_err_set(err, SL_ELOCKED, "another run of the pipeline %s is under way", name);
        sl_err_place(err, "%s", h->dir);
        return sl_err_hint(err, "--wait waits for its end; --resume=NAME is a pipeline of its own");
    }
    return 0;
}

int sl_log_hold_open(struct sl_log_hold *h, const char *log, const char *name, struct sl_err *err)
{
    struct sl_buf dir = SL_BUF_INIT;
    if (h->dir)
        return 1;
    if (!sl_path_is_log(log))
        return 0;
    h->dirfd = h->lock = -1;
    int top = sl_path_open(log, O_RDONLY | O_DIRECTORY, 0, err);
    int state = top < 0 ? top : sl_path_make_below(top, "state", log, err);
    size_t n = strlen(log);
    while (n > 1 && log[n - 1] == '/')
        n--;
    sl_buf_printf(&dir, "%.*s/state", (int)n, log);
    int rc = state < 0 ? state : sl_buf_check(&dir, err);
    if (rc == 0)
        rc = h->dirfd = sl_path_make_below(state, name, dir.data, err);
    sl_buf_printf(&dir, "/%s", name);
    h->dir = sl_buf_take(&dir);
    if (rc >= 0 && !h->dir)
        rc = sl_err_nomem(err, "a pipeline");
    if (state >= 0)
        close(state);
    if (top >= 0)
        close(top);
    if (rc >= 0)
        return 1;
    if (!h->dir && h->dirfd >= 0)
        close(h->dirfd);
    sl_log_hold_release(h);
    return rc;
}

int sl_log_hold_take(struct sl_log_hold *h, const char *log, const char *name, int wait,
                     const volatile sig_atomic_t *signal, struct sl_err *err)
{
    if (h->dir)
        return 1;
    int rc = sl_log_hold_open(h, log, name, err);
    if (rc <= 0)
        return rc;
    assert(h->dirfd >= 0 && h->lock < 0);
    rc = h->lock =
        sl_path_openat(h->dirfd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0666, h->dir, err);
    if (rc >= 0)
        rc = lock(h, name, wait, signal, err);
    if (rc >= 0)
        return 1;
    sl_log_hold_release(h);
    return rc;
}

void sl_log_hold_release(struct sl_log_hold *h)
{
    if (!h->dir)
        return;
    if (h->lock >= 0)
        close(h->lock);
    if (h->dirfd >= 0)
        close(h->dirfd);
    free(h->dir);
    *h = (struct sl_log_hold){0};
}

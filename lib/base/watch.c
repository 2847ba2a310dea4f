/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * watch: inotify on a handful of paths, see path.h. Events are hints only: whoever is woken looks at
 * the files themselves, so a lost or repeated event costs time and nothing else.
 */
#include "base/compat.h"
#include <sys/inotify.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/path.h"

enum { DRAIN_READS = 16 };

struct sl_watch {
    int fd; /* -1: no inotify here */
};

struct sl_watch *sl_watch_new(struct sl_err *err)
{
    struct sl_watch *w = sl_calloc(1, sizeof(*w));
    if (!w)
        return sl_err_no_memory(err, "a watch");
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return w;
}

void sl_watch_free(struct sl_watch *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        close(w->fd);
    free(w);
}

static int add(struct sl_watch *w, const char *path, uint32_t mask, struct sl_err *err)
{
    if (w->fd < 0)
        return 0;
    if (inotify_add_watch(w->fd, path, mask) >= 0)
        return 0;
    if (errno == ENOENT || errno == ENOTDIR)
        return sl_err_sys(err, "cannot watch %s", path);
    /* No watches left, or a file system without them: fall back to polling by time. */
    close(w->fd);
    w->fd = -1;
    return 0;
}

int sl_watch_add(struct sl_watch *w, const char *path, struct sl_err *err)
{
    assert(path);
    return add(w, path,
               IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF |
                   IN_DELETE_SELF | IN_ATTRIB,
               err);
}

int sl_watch_add_names(struct sl_watch *w, const char *dir, struct sl_err *err)
{
    assert(w && dir);
    return add(w, dir, IN_CREATE | IN_MOVED_TO | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR, err);
}

int sl_watch_fd(const struct sl_watch *w)
{
    return w->fd;
}

int sl_watch_drain(struct sl_watch *w)
{
    assert(w);
    _Alignas(struct inotify_event) char events[4096];
    int any = 0;
    if (w->fd < 0)
        return 1;
    /* Not to the last one: events may come as fast as they are read. */
    for (int i = 0; i < DRAIN_READS; i++) {
        ssize_t k = read(w->fd, events, sizeof(events));
        if (k > 0)
            any = 1;
        else if (k == 0 || errno != EINTR)
            break;
    }
    return any;
}

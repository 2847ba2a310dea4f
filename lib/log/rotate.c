/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * rotate: the next commit file: a snapshot made whole before it has a name.
 *
 * Everything that the snapshot states is durable before the snapshot is, so that nobody ever goes
 * back behind one.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>
#include "base/hex.h"
#include "log/log_writer.h"

enum { FILE_MIN = 1 << 20 };

static int64_t limit(const struct sl_commits *c)
{
    return SL_MAX((int64_t)FILE_MIN, 4 * c->first);
}

int sl_writer_rotate_due(const struct sl_log_writer *w)
{
    return w->log->c.tail == SL_TAIL_TORN || w->log->c.pos > limit(&w->log->c);
}

int sl_writer_rotate_near(const struct sl_log_writer *w)
{
    return w->log->c.pos > limit(&w->log->c) / 8 * 7;
}

void sl_writer_before_rotation(struct sl_log_writer *w)
{
    if (sl_writer_rotate_due(w))
        sl_syncer_run(w->sync, NULL); /* if it fails, the rotation says so */
}

/* A new history that leaves after the state's last commit. */
static int add_history(const struct sl_state *s, struct sl_line *l, struct sl_err *err)
{
    struct sl_history *h = &l->histories[l->nhistories++];
    int rc = sl_writer_random(&h->id, sizeof(h->id), err);
    h->from = s->n;
    h->ends = l->ends;
    l->history = h->id;
    return rc;
}

/* Syncs commits/, or a file in it. A failure is final: who synced the directory next would be told that
 * a name is on the device which is not. */
static int sync_finally(struct sl_log_writer *w, int fd, const char *name, struct sl_err *err)
{
    struct sl_err why = SL_ERR_INIT;
    if ((*name ? fdatasync(fd) : fsync(fd)) == 0)
        return 0;
    sl_err_sys(&why, "cannot sync %s%s%s", w->log->c.dir, *name ? "/" : "", name);
    sl_syncer_fail(w->sync, &why);
    return sl_err_copy(err, &why);
}

/* Writes the line under a temporary name and gives it its own. *fd: open for more. */
static int make_file(struct sl_log_writer *w, int64_t n, const struct sl_buf *line, int *fd,
                     struct sl_err *err)
{
    struct sl_log *l = w->log;
    char name[SL_COMMIT_NAME], temporary[SL_COMMIT_NAME + 32];
    sl_commit_name(n, name);
    assert(line->len && line->data[line->len - 1] == '\n' && n > 0);
    snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", name, (long)getpid());
    int rc = *fd = sl_path_openat(l->c.dirfd, temporary, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW,
                                  0666, l->c.dir, err);
    if (rc < 0)
        return rc;
    rc = sl_path_pwrite(*fd, line->data, line->len, 0, temporary, err);
    if (rc == 0)
        rc = sync_finally(w, *fd, temporary, err);
    if (rc == 0 && renameat(l->c.dirfd, temporary, l->c.dirfd, name) < 0)
        rc = sl_err_sys(err, "cannot rename %s/%s", l->c.dir, temporary);
    if (rc < 0)
        unlinkat(l->c.dirfd, temporary, 0);
    else
        rc = sync_finally(w, l->c.dirfd, "", err);
    if (rc < 0) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

/* Removes commit files before `keep` and what killed writers left under temporary names. */
static void remove_old(struct sl_log *l, int64_t keep)
{
    const char *name;
    int64_t n;
    DIR *d;
    if (sl_path_list(l->c.dirfd, ".", l->c.dir, &d, NULL) < 0)
        return; /* they cost space only; the next rotation tries again */
    while (sl_path_next(d, l->c.dir, &name, NULL) > 0) {
        size_t len = strlen(name);
        int old = sl_commit_number(name, &n) && n < keep;
        int left = len > 4 && strcmp(name + len - 4, ".tmp") == 0;
        if (old || left)
            unlinkat(l->c.dirfd, name, 0);
    }
    closedir(d);
}

int sl_writer_rotate(struct sl_log_writer *w, int new_history, int64_t n, struct sl_err *err)
{
    struct sl_log *l = w->log;
    struct sl_line line;
    int fd = -1, rc;
    int64_t old = l->c.file;
    assert(!n || n > l->state.n); /* commits have rising numbers */

    sl_writer_line(w, &line);
    rc = sl_writer_tell(w, err);
    if (rc == 0 && !n) /* a recovery, or a repair, has synced the segments itself */
        rc = sl_syncer_run(w->sync, err);
    else if (rc == 0 && l->c.fd >= 0)
        rc = sl_path_sync(l->c.fd, "the commit file", err);
    if (rc == 0 && old > l->mark.durable)
        rc = sync_finally(w, l->c.dirfd, "", err);
    if (rc == 0)
        rc = sl_state_snapshot(&l->state, &line, err);
    if (rc == 0 && new_history)
        rc = add_history(&l->state, &line, err);
    if (n)
        line.n = n;
    line.file = old;
    line.file_bytes = l->c.pos;
    line.durable = l->state.n;
    sl_buf_reset(&w->line);
    if (rc == 0)
        rc = sl_line_print(&line, &w->line, err);
    if (rc == 0)
        rc = make_file(w, line.n, &w->line, &fd, err);
    if (rc == 0)
        rc = sl_state_apply(&l->state, &line, err);
    if (rc == 0) {
        close(l->c.fd);
        l->c.fd = fd;
        l->c.file = line.n;
        l->c.pos = l->c.first = (int64_t)w->line.len;
        l->c.tail = SL_TAIL_NONE;
        rc = sl_syncer_commit(w->sync, l, line.n, err);
        if (rc == 0)
            rc = sl_syncer_set_mark(w->sync, line.n, l->boot, err);
        l->mark.durable = line.n;
    } else if (fd >= 0) {
        close(fd);
    }
    sl_line_release(&line);
    if (rc == 0)
        remove_old(l, old);
    return rc;
}

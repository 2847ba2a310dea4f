/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* sync: see sync.h. */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/time.h"
#include "base/hex.h"
#include "log/log_writer.h"
#include "log/sync.h"

enum {
    SYNC_ONE_BY_ONE = 8,    /* above, the whole file system at once */
    KEPT_OPEN = 64,         /* descriptors of segments to be synced */
    AFTER_SYNC = 50 * 1000, /* µs after it was due that its outcome is looked for */
};

struct sl_syncer {
    pthread_mutex_t mutex; /* guards all below it */
    pthread_cond_t wake;
    struct sl_segset dirty; /* at: last commit that touched it; fd: -1: opened when needed */
    int64_t target;         /* last commit told of */
    int64_t marked;         /* known to be durable */
    int64_t due;            /* when the thread shall run */
    int commit_fd;          /* our own descriptor of the commit file */
    int64_t commit_file;
    uint64_t history; /* of the target */
    int stop, failed;
    struct sl_err err;

    pthread_mutex_t run; /* one run at a time in this process */
    int64_t blocked;     /* since when the sync lock was not to be had, 0: it was */
    int64_t interval;
    int has_thread;
    pthread_t thread;
    struct sl_lockfile lock; /* own descriptor: locks belong to it, not to the process */
    char *path;
    int dirfd;
    char boot[SL_BOOT_ID + 1];
};

static void set_release(struct sl_segset *s)
{
    for (int i = 0; i < s->n; i++) {
        if (s->list[i].fd >= 0)
            close(s->list[i].fd);
    }
    sl_segset_release(s);
}

static void *thread_main(void *arg)
{
    struct sl_syncer *s = arg;
    pthread_mutex_lock(&s->mutex);
    while (!s->stop) {
        if (s->failed || s->target <= s->marked) {
            pthread_cond_wait(&s->wake, &s->mutex);
            continue;
        }
        int64_t now = sl_time_mono_usec();
        if (now < s->due) {
            struct timespec at = {.tv_sec = s->due / 1000000, .tv_nsec = s->due % 1000000 * 1000};
            pthread_cond_timedwait(&s->wake, &s->mutex, &at);
            continue;
        }
        s->due = now + s->interval; /* also the time to try again when the lock was not to be had */
        pthread_mutex_unlock(&s->mutex);
        sl_syncer_run(s, NULL);
        pthread_mutex_lock(&s->mutex);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

static int start_thread(struct sl_syncer *s, struct sl_err *err)
{
    sigset_t all, old;
    /* Signals are for the threads that know what to do with them. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&s->thread, NULL, thread_main, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc) {
        errno = rc;
        return sl_err_sys(err, "cannot start a thread");
    }
    s->has_thread = 1;
    return 0;
}

int sl_syncer_new(struct sl_log *l, int64_t interval, struct sl_syncer **out, struct sl_err *err)
{
    assert(l && out && interval >= 0);
    pthread_condattr_t attr;
    struct sl_syncer *s = sl_calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return sl_err_nomem(err, "a log writer");
    s->lock.fd = s->dirfd = s->commit_fd = -1;
    s->interval = interval;
    memcpy(s->boot, l->boot, sizeof(s->boot));
    pthread_mutex_init(&s->mutex, NULL);
    pthread_mutex_init(&s->run, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    s->path = sl_strdup(l->path);
    rc = s->path ? sl_lockfile_open(l->path, 1, &s->lock, err) : sl_err_nomem(err, "a log writer");
    if (rc == 0) {
        s->dirfd = dup(l->dirfd);
        rc = s->dirfd < 0 ? sl_err_sys(err, "cannot duplicate a descriptor") : 0;
    }
    if (rc < 0) {
        sl_syncer_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void sl_syncer_free(struct sl_syncer *s)
{
    if (!s)
        return;
    if (s->has_thread) {
        pthread_mutex_lock(&s->mutex);
        s->stop = 1;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->mutex);
        pthread_join(s->thread, NULL);
    }
    set_release(&s->dirty);
    sl_lockfile_close(&s->lock);
    if (s->dirfd >= 0)
        close(s->dirfd);
    if (s->commit_fd >= 0)
        close(s->commit_fd);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->run);
    pthread_mutex_destroy(&s->mutex);
    free(s->path);
    free(s);
}

static int set_add(struct sl_segset *set, struct sl_seg_key key, int64_t n, int fd)
{
    struct sl_segset_item *d = sl_segset_find(set, key);
    if (!d && !(d = sl_segset_add(set, key)))
        return 0;
    d->at = SL_MAX(d->at, n);
    /* So many are synced by the file system at once. */
    int is_wanted = d->fd < 0 && d - set->list < KEPT_OPEN;
    if (is_wanted)
        d->fd = fd;
    else if (fd >= 0)
        close(fd);
    return 1;
}

int sl_syncer_touch(struct sl_syncer *s, struct sl_seg_key key, int64_t n, int fd,
                    struct sl_err *err)
{
    assert(n >= 0);
    pthread_mutex_lock(&s->mutex);
    int ok = n <= s->marked || set_add(&s->dirty, key, n, fd);
    if (n <= s->marked && fd >= 0)
        close(fd);
    pthread_mutex_unlock(&s->mutex);
    if (!ok && fd >= 0)
        close(fd);
    return ok ? 0 : sl_err_nomem(err, "a log writer");
}

int sl_syncer_commit(struct sl_syncer *s, const struct sl_log *l, int64_t n, struct sl_err *err)
{
    assert(n > 0);
    int rc = 0;
    pthread_mutex_lock(&s->mutex);
    if (s->commit_file != l->c.file) {
        int fd = fcntl(l->c.fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0) {
            rc = sl_err_sys(err, "cannot duplicate a descriptor");
        } else {
            if (s->commit_fd >= 0)
                close(s->commit_fd);
            s->commit_fd = fd;
            s->commit_file = l->c.file;
        }
    }
    if (rc == 0 && n > s->target) {
        int idle = s->target <= s->marked;
        s->target = n;
        s->history = l->state.history;
        if (s->interval && idle && n > s->marked) {
            s->due = sl_time_mono_usec() + s->interval;
            if (!s->has_thread)
                rc = start_thread(s, err);
            pthread_cond_signal(&s->wake);
        }
    }
    pthread_mutex_unlock(&s->mutex);
    return rc;
}

int sl_syncer_check(struct sl_syncer *s, struct sl_err *err)
{
    pthread_mutex_lock(&s->mutex);
    int rc = s->failed ? sl_err_copy(err, &s->err) : 0;
    pthread_mutex_unlock(&s->mutex);
    return rc;
}

int64_t sl_syncer_deadline(struct sl_syncer *s)
{
    int64_t now = sl_time_mono_usec(), at = INT64_MAX;
    pthread_mutex_lock(&s->mutex);
    if (s->failed)
        at = 0;
    else if (s->interval && s->target > s->marked)
        at = SL_MAX(s->due, now) + AFTER_SYNC;
    pthread_mutex_unlock(&s->mutex);
    return at;
}

/* ---- a run ---- */

struct goal {
    struct sl_segset set; /* segments to be synced */
    int fd;               /* of the commit file, its own */
    int64_t file, target; /* that file's number; the commit to be durable */
    uint64_t history;     /* of the target */
};

static int sync_segment(struct sl_syncer *s, struct sl_segset_item *d, struct sl_err *err)
{
    char name[SL_SEG_NAME];
    sl_seg_name(d->key, ".arrows", name);
    if (d->fd < 0) {
        d->fd = sl_path_openat(s->dirfd, name, O_RDONLY | O_NOFOLLOW, 0, s->path, err);
        if (d->fd == -SL_ENOENT) {
            d->fd = -1; /* dropped since: nobody is promised it any more */
            return 0;
        }
        if (d->fd < 0)
            return d->fd;
    }
    return sl_path_sync(d->fd, name, err);
}

static int sync_partition_dir(struct sl_syncer *s, int partition, struct sl_err *err)
{
    char name[16];
    snprintf(name, sizeof(name), "%04d", partition);
    return sl_path_sync_below(s->dirfd, name, s->path, err);
}

/* Segments that commits after the mark touched, and the directories of those that they began. */
static int sync_segments(struct sl_syncer *s, struct sl_segset *set, int64_t mark,
                         struct sl_err *err)
{
    int count = 0, rc = 0;
    for (int i = 0; i < set->n; i++)
        count += set->list[i].at > mark;
    if (count > SYNC_ONE_BY_ONE) {
        if (syncfs(s->dirfd) < 0)
            return sl_err_sys(err, "cannot sync the file system of %s", s->path);
        return 0;
    }
    for (int i = 0; i < set->n && rc == 0; i++) {
        struct sl_segset_item *d = &set->list[i];
        if (d->at > mark)
            rc = sync_segment(s, d, err);
        if (rc == 0 && d->key.by > mark)
            rc = sync_partition_dir(s, d->key.partition, err);
    }
    return rc;
}

/*
 * Whoever gave the commit file its name, or the log, may have been killed before it synced that: a
 * mark that covers the file's first commit says that it did (a new log's mark is 0).
 */
static int sync_names(struct sl_syncer *s, int64_t file, int64_t mark, struct sl_err *err)
{
    int rc = file > mark ? sl_path_sync_below(s->dirfd, "commits", s->path, err) : 0;
    return rc == 0 && mark == 0 ? sl_path_sync_below(s->dirfd, "..", s->path, err) : rc;
}

/* The newest commit file, < 0 on failure. */
static int64_t newest_file(struct sl_syncer *s, struct sl_err *err)
{
    int64_t n, newest = 0;
    const char *name;
    DIR *d;
    int rc = sl_path_list(s->dirfd, "commits", s->path, &d, err);
    if (rc < 0)
        return rc;
    while ((rc = sl_path_next(d, s->path, &name, err)) > 0)
        if (sl_commit_number(name, &n))
            newest = SL_MAX(newest, n);
    closedir(d);
    return rc < 0 ? rc : newest;
}

/*
 * Another process may have failed to sync and a third have recovered since: then commits up to the
 * target may be gone, though the mark is beyond their numbers. Only a newer commit file can say so,
 * by a history that left before the target.
 */
static int still_there(struct sl_syncer *s, const struct goal *g, struct sl_err *err)
{
    struct sl_log *l = NULL;
    int64_t newest = newest_file(s, err);
    if (newest <= g->file)
        return newest < 0 ? (int)newest : 0;
    int rc = sl_log_open_as(s->path, s->boot, &l, err);
    if (rc < 0)
        return rc;
    const struct sl_state *st = &l->state;
    int i = 0, there = g->target <= st->n;
    while (i < st->nhistories && st->histories[i].id != g->history)
        i++;
    there &= i < st->nhistories;
    for (i++; i < st->nhistories; i++)
        there &= st->histories[i].from >= g->target;
    sl_log_free(l);
    if (there)
        return 0;
    sl_err_set(err, SL_EIO, "a recovery took back commits that were not synced yet");
    return sl_err_hint(err, "run again: the log is read from where it is now");
}

/*
 * Who synced last was killed at it: whether that had failed nobody knows, and a failure is told once
 * only. So what it was about is checked, as after a reboot, and written again before it is synced.
 */
static int write_again(struct sl_syncer *s, int64_t target, struct sl_err *err)
{
    struct sl_log *l = NULL;
    int rc = sl_view_open(s->path, sl_boot_failed, SL_VIEW_WRITES, &l, err);
    if (rc < 0)
        return rc;
    rc = sl_view_load(l, err);
    if (rc == 0 && l->state.n < target)
        rc = sl_err_set(err, SL_EIO, "commits were lost in a sync that failed");
    if (rc == 0)
        rc = sl_log_write_again(l, err);
    sl_log_free(l);
    return rc;
}

/* Under the sync lock. *wrote says whether an error was one of syncing. */
static int bring_to_device(struct sl_syncer *s, struct goal *g, int *syncing, struct sl_err *err)
{
    struct sl_lock_mark m;
    int rc = sl_lockfile_is_current(&s->lock, err); /* directories are synced by their path */
    if (rc == 0)
        rc = sl_lockfile_mark(&s->lock, 1, &m, err);
    if (rc < 0)
        return rc;
    if (!m.known || strcmp(m.boot, s->boot) != 0) {
        sl_err_set(err, SL_EIO, "a sync of the log failed in another process");
        return sl_err_hint(err, "run again: the log is checked when it is opened");
    }
    rc = still_there(s, g, err);
    if (rc < 0 || m.durable >= g->target)
        return rc;
    *syncing = 1;
    rc = sl_lockfile_set_syncing(&s->lock, &m, err);
    if (rc == 0 && m.syncing)
        rc = write_again(s, g->target, err);
    if (rc == 0)
        rc = sync_segments(s, &g->set, m.durable, err);
    if (rc == 0)
        rc = sync_names(s, g->file, m.durable, err);
    if (rc == 0)
        rc = sl_path_sync(g->fd, "the commit file", err);
    if (rc == 0)
        rc = sl_lockfile_set_mark(&s->lock, g->target, s->boot, err);
    return rc;
}

/* For everybody else. Under the sync lock. */
static void note_failure(struct sl_syncer *s)
{
    struct sl_lock_mark m;
    if (sl_lockfile_mark(&s->lock, 1, &m, NULL) == 0)
        sl_lockfile_set_mark(&s->lock, m.known ? m.durable : 0, sl_boot_failed, NULL);
}

static void fail(struct sl_syncer *s, const struct sl_err *why)
{
    pthread_mutex_lock(&s->mutex);
    s->failed = 1;
    s->err = *why;
    pthread_mutex_unlock(&s->mutex);
}

/* What was to be synced goes back: the lock was not to be had this time. */
static void put_back(struct sl_syncer *s, struct sl_segset *set)
{
    pthread_mutex_lock(&s->mutex);
    for (int i = 0; i < set->n; i++) {
        const struct sl_segset_item *d = &set->list[i];
        if (!set_add(&s->dirty, d->key, d->at, d->fd)) {
            s->failed = 1; /* it can no longer know what to sync */
            sl_err_nomem(&s->err, "a log writer");
        } else {
            set->list[i].fd = -1;
        }
    }
    pthread_mutex_unlock(&s->mutex);
}

/*
 * Takes the sync lock. Its holder may be stopped, or hang in a sync: that costs a process 10 s in all,
 * however often it tries. One run at a time is here.
 */
static int lock(struct sl_syncer *s, struct sl_err *err)
{
    int64_t now = sl_time_mono_usec(), since = s->blocked ? s->blocked : now;
    int rc = sl_lockfile_lock(&s->lock, SL_LOCK_SYNC, SL_LOCK_EXCLUSIVE,
                              SL_MAX(since + SL_LOCK_PATIENCE - now, 0), err);
    s->blocked = rc < 0 ? since : 0;
    return rc;
}

/* The rows are in the log: whoever saw only a failure would bring them again. */
static int say_not_durable(const struct sl_syncer *s, struct sl_err *err)
{
    char host[SL_HOLDER_HOST];
    int64_t pid;
    struct sl_buf holder = SL_BUF_INIT;
    if (sl_lockfile_holder(&s->lock, SL_LOCK_SYNC, &pid, host))
        sl_buf_printf(&holder, "process %" PRId64 " on %s", pid, host);
    else
        sl_buf_addstr(&holder, "another process");
    sl_err_set(
        err, SL_ELOCKED,
        "the rows so far are committed, but not known to be durable: %s has held the lock for "
        "syncing for 10 s",
        holder.failed ? "another process" : holder.data);
    sl_buf_release(&holder);
    if (err)
        err->retryable = 1;
    sl_err_hint(err,
                "do not bring them again; once that process has ended, the next run makes them "
                "durable");
    return sl_err_place(err, "%s", s->path);
}

static int run(struct sl_syncer *s, struct goal *g, struct sl_err *err)
{
    struct sl_err mine = SL_ERR_INIT;
    int syncing = 0;

    int rc = lock(s, &mine);
    if (rc < 0) {
        put_back(s, &g->set);
        if (rc == -SL_ELOCKED)
            say_not_durable(s, &mine);
        return sl_err_copy(err, &mine);
    }
    rc = bring_to_device(s, g, &syncing, &mine);
    if (rc < 0 && syncing)
        note_failure(s);
    sl_lockfile_unlock(&s->lock, SL_LOCK_SYNC);
    if (rc < 0) {
        fail(s, &mine);
        return sl_err_copy(err, &mine);
    }
    pthread_mutex_lock(&s->mutex);
    s->marked = SL_MAX(s->marked, g->target);
    pthread_mutex_unlock(&s->mutex);
    return 0;
}

int sl_syncer_run(struct sl_syncer *s, struct sl_err *err)
{
    int rc = 0;

    pthread_mutex_lock(&s->run);
    pthread_mutex_lock(&s->mutex);
    struct goal g = {s->dirty, -1, s->commit_file, s->target, s->history};
    int idle = g.target <= s->marked, failed = s->failed;
    if (!idle && !failed) {
        /* The thread and the writer may both be here: the file must stay open meanwhile. */
        g.fd = fcntl(s->commit_fd, F_DUPFD_CLOEXEC, 0);
        rc = g.fd < 0 ? sl_err_sys(err, "cannot duplicate a descriptor") : 0;
        if (rc == 0)
            s->dirty = (struct sl_segset){0};
    }
    pthread_mutex_unlock(&s->mutex);
    if (failed) {
        rc = sl_syncer_check(s, err);
    } else if (!idle && rc == 0) {
        rc = run(s, &g, err);
        set_release(&g.set);
        close(g.fd);
    }
    pthread_mutex_unlock(&s->run);
    return rc;
}

void sl_syncer_fail(struct sl_syncer *s, const struct sl_err *why)
{
    pthread_mutex_lock(&s->run);
    if (lock(s, NULL) == 0) {
        note_failure(s);
        sl_lockfile_unlock(&s->lock, SL_LOCK_SYNC);
    }
    fail(s, why);
    pthread_mutex_unlock(&s->run);
}

int sl_syncer_set_mark(struct sl_syncer *s, int64_t n, const char *boot, struct sl_err *err)
{
    assert(n >= 0);
    pthread_mutex_lock(&s->run);
    int rc = lock(s, err);
    if (rc == 0) {
        rc = sl_lockfile_set_mark(&s->lock, n, boot, err);
        sl_lockfile_unlock(&s->lock, SL_LOCK_SYNC);
    }
    if (rc == 0) {
        pthread_mutex_lock(&s->mutex);
        s->marked = SL_MAX(s->marked, n);
        s->target = SL_MAX(s->target, n);
        pthread_mutex_unlock(&s->mutex);
    }
    pthread_mutex_unlock(&s->run);
    return rc;
}

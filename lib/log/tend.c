/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* tend: see tend.h. */
#include "log/tend.h"

#include <signal.h>
#include "base/mem.h"
#include "base/time.h"
#include "log/log_reader.h"
#include "log/retain.h"

#define PAUSE (10 * SL_USEC_PER_SEC)

enum { SYNC = 0, RETAIN = -1 };

struct closed {
    struct sl_seg_key key;
    int64_t by; /* not about a segment: SYNC, or RETAIN */
};

struct sl_tender {
    pthread_mutex_t mutex; /* guards what is below it */
    pthread_cond_t wake;
    struct closed *list;
    size_t n, cap;
    int finish;          /* end when the list is empty */
    int64_t tiny, pause; /* tiny batches since the last compaction; how long a pause must be (µs) */
    int64_t
        idle_at; /* when the pause after the last commit is over (monotonic µs); 0: too few are tiny */

    atomic_int stop; /* end now */
    int has_thread;
    pthread_t thread;
    int64_t grace;
    char *path;
    char boot[SL_BOOT_ID + 1];
    struct sl_account *account;
    enum sl_sync_policy policy;
    struct sl_log_writer *w; /* the thread's */
};

/* ---- the thread ---- */

static int open_own(struct sl_tender *t)
{
    struct sl_log_options o = {.sync = SL_SYNC_NONE, .boot_id = t->boot, .account = t->account};
    int rc = t->w ? sl_log_refresh(t->w->log, NULL) : sl_writer_new(t->path, &o, &t->w, NULL);
    if (rc == 0 && !t->w->log->state.n)
        rc = sl_view_load(t->w->log, NULL);
    int trusted = rc >= 0 && t->w->log->trust == SL_VIEW_TRUSTED;
    if (trusted && !t->w->history)
        t->w->history = t->w->log->state.history;
    return trusted && sl_writer_tell(t->w, NULL) == 0 ? 0 : -SL_EFAIL;
}

static void tend(struct sl_tender *t, const struct closed *c)
{
    if (open_own(t) < 0)
        return;
    if (c->by == RETAIN) {
        sl_writer_retain(t->w, t->grace, NULL);
        for (int i = 0; i < t->w->log->state.npartitions; i++)
            sl_writer_remove_stale(t->w, i, t->grace);
        return;
    }
    if (c->by == SYNC) {
        sl_syncer_run(t->w->sync, NULL);
        return;
    }
    const struct sl_seg *seg = sl_state_seg(&t->w->log->state, c->key);
    if (!seg)
        return;
    int64_t rows = seg->end - seg->base;
    int64_t batches = sl_index_write(t->w->log, seg);
    if (batches >= SL_TINY_BATCHES && rows / batches < SL_FORM_TINY &&
        sl_segments_rewrite(t->w, &c->key, 1, c->by, &t->stop, NULL) == 1 &&
        t->policy != SL_SYNC_NONE)
        sl_syncer_run(t->w->sync, NULL);
    if (!atomic_load(&t->stop))
        sl_writer_remove_stale(t->w, c->key.partition, t->grace);
}

/* The open segments too. */
static void tend_pause(struct sl_tender *t)
{
    struct sl_compaction done = {0};
    if (open_own(t) < 0)
        return;
    for (int i = 0; i < t->w->log->state.npartitions && !atomic_load(&t->stop); i++)
        if (sl_writer_compact(t->w, i, SL_TINY_BATCHES, &t->stop, &done, NULL) < 0)
            break;
    if (t->policy != SL_SYNC_NONE)
        sl_syncer_run(t->w->sync, NULL);
}

/* Under the mutex, with nothing else to do. 1: the pause is over, or the writer is about to end. */
static int await_pause(struct sl_tender *t)
{
    int64_t left = t->idle_at - sl_time_mono_usec();
    if (t->idle_at && (t->finish || left <= 0))
        return 1;
    if (!t->idle_at) {
        pthread_cond_wait(&t->wake, &t->mutex);
        return 0;
    }
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    int64_t nsec = at.tv_nsec + left % SL_USEC_PER_SEC * 1000;
    at.tv_sec += (time_t)(left / SL_USEC_PER_SEC + nsec / 1000000000);
    at.tv_nsec = (long)(nsec % 1000000000);
    pthread_cond_timedwait(&t->wake, &t->mutex, &at);
    return 0;
}

static void *thread_main(void *arg)
{
    struct sl_tender *t = arg;
    pthread_mutex_lock(&t->mutex);
    while (!atomic_load(&t->stop)) {
        if (!t->n && t->finish && !t->idle_at)
            break;
        if (!t->n) {
            if (!await_pause(t))
                continue;
            t->tiny = t->idle_at = 0;
            pthread_mutex_unlock(&t->mutex);
            tend_pause(t);
            pthread_mutex_lock(&t->mutex);
            continue;
        }
        struct closed c = t->list[0];
        t->n--;
        memmove(t->list, t->list + 1, t->n * sizeof(c));
        pthread_mutex_unlock(&t->mutex);
        tend(t, &c);
        pthread_mutex_lock(&t->mutex);
    }
    pthread_mutex_unlock(&t->mutex);
    return NULL;
}

/* Under the mutex. Without a thread nothing is tended, which harms nobody. */
static void start_thread(struct sl_tender *t)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    t->has_thread = pthread_create(&t->thread, NULL, thread_main, t) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void add_task(struct sl_tender *t, const struct closed *c)
{
    pthread_mutex_lock(&t->mutex);
    if (SL_GROW(t->list, t->n + 1, t->cap, "segments", NULL) == 0)
        t->list[t->n++] = *c;
    if (!t->has_thread)
        start_thread(t);
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->mutex);
}

void sl_tender_closed(struct sl_tender *t, struct sl_seg_key key, int64_t n)
{
    if (t)
        add_task(t, &(struct closed){.key = key, .by = n});
}

void sl_tender_tiny(struct sl_tender *t, int64_t n)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->mutex);
    int first = !t->idle_at;
    t->tiny += n;
    if (t->tiny >= SL_TINY_PAUSE) {
        t->idle_at = sl_time_mono_usec() + t->pause;
        if (!t->has_thread)
            start_thread(t);
        if (first)
            pthread_cond_signal(&t->wake);
    }
    pthread_mutex_unlock(&t->mutex);
}

void sl_tender_sync(struct sl_tender *t)
{
    if (t)
        add_task(t, &(struct closed){.by = SYNC});
}

void sl_tender_retain(struct sl_tender *t)
{
    if (t)
        add_task(t, &(struct closed){.by = RETAIN});
}

struct sl_tender *sl_tender_new(const struct sl_log_writer *like)
{
    struct sl_tender *t = sl_calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->path = sl_strdup(like->log->path);
    if (!t->path) {
        free(t);
        return NULL;
    }
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->wake, NULL);
    atomic_init(&t->stop, 0);
    t->pause = like->pause > 0 ? like->pause : PAUSE;
    t->grace = like->grace > 0 ? like->grace : SL_GRACE;
    memcpy(t->boot, like->log->boot, sizeof(t->boot));
    t->account = like->account;
    t->policy = like->policy;
    return t;
}

static void join(struct sl_tender *t)
{
    pthread_mutex_lock(&t->mutex);
    t->finish = 1;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->mutex);
    if (t->has_thread)
        pthread_join(t->thread, NULL);
    t->has_thread = 0;
}

void sl_tender_finish(struct sl_tender *t)
{
    if (t)
        join(t);
}

void sl_tender_free(struct sl_tender *t)
{
    if (!t)
        return;
    atomic_store(&t->stop, 1);
    join(t);
    sl_log_writer_abort(t->w);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->mutex);
    free(t->list);
    free(t->path);
    free(t);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* tend: see tend.h. */
#include "log/tend.h"

#include <signal.h>
#include "base/mem.h"
#include "base/time.h"
#include "log/log_reader.h"

struct closed {
    struct sl_seg_key key;
    int64_t by; /* 0: not about a segment, a sync is wanted */
};

struct sl_tender {
    pthread_mutex_t mutex; /* guards what is below it */
    pthread_cond_t wake;
    struct closed *list;
    size_t n, cap;
    int finish; /* end when the list is empty */

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
    if (!c->by) {
        sl_syncer_run(t->w->sync, NULL);
        return;
    }
    const struct sl_seg *seg = sl_state_seg(&t->w->log->state, c->key);
    if (!seg)
        return;
    int64_t rows = seg->end - seg->base;
    int64_t batches = sl_index_write(t->w->log, seg);
    if (batches >= SL_TINY_BATCHES && rows / batches < SL_FORM_TINY &&
        sl_segment_rewrite(t->w, c->key, c->by, &t->stop, NULL) == 1 && t->policy != SL_SYNC_NONE)
        sl_syncer_run(t->w->sync, NULL);
    if (!atomic_load(&t->stop))
        sl_writer_remove_stale(t->w, c->key.partition, t->grace);
}

static void *thread_main(void *arg)
{
    struct sl_tender *t = arg;
    pthread_mutex_lock(&t->mutex);
    while (!atomic_load(&t->stop)) {
        if (!t->n && t->finish)
            break;
        if (!t->n) {
            pthread_cond_wait(&t->wake, &t->mutex);
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

void sl_tender_sync(struct sl_tender *t)
{
    if (t)
        add_task(t, &(struct closed){.by = 0});
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

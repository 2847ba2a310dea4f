/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * thread: see thread.h. One mutex guards the queue and every task's done flag; two conditions wake
 * workers (work) and waiters (ended). Tasks are large (a megabyte of text each), so one lock is not
 * felt.
 */
#include "base/compat.h"
#include <pthread.h>
#include "base/mem.h"
#include "base/thread.h"

struct worker {
    struct sl_pool *pool;
    pthread_t thread;
    int number;
};

struct sl_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, ended;
    struct sl_task *head, **tail;
    int closing, threads;
    struct worker workers[];
};

static struct sl_task *take(struct sl_pool *p)
{
    pthread_mutex_lock(&p->lock);
    while (!p->head && !p->closing)
        pthread_cond_wait(&p->work, &p->lock);
    struct sl_task *t = p->head;
    if (t) {
        p->head = t->next;
        if (!p->head)
            p->tail = &p->head;
    }
    pthread_mutex_unlock(&p->lock);
    return t;
}

static void finish(struct sl_pool *p, struct sl_task *t)
{
    pthread_mutex_lock(&p->lock);
    t->done = 1;
    pthread_cond_broadcast(&p->ended);
    pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct sl_task *t;
    while ((t = take(w->pool))) {
        t->run(t, w->number);
        finish(w->pool, t);
    }
    return NULL;
}

struct sl_pool *sl_pool_new(int threads, struct sl_err *err)
{
    assert(threads > 0);
    struct sl_pool *p = sl_calloc(1, sizeof(*p) + (size_t)threads * sizeof(p->workers[0]));
    if (!p)
        return sl_err_no_memory(err, "a thread pool");
    p->tail = &p->head;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->ended, NULL);
    for (int i = 0; i < threads; i++) {
        p->workers[i].pool = p;
        p->workers[i].number = i;
        int e = pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i]);
        if (e) {
            errno = e;
            sl_err_sys(err, "cannot start a thread");
            sl_pool_free(p);
            return NULL;
        }
        p->threads++;
    }
    return p;
}

void sl_pool_free(struct sl_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->closing = 1;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->threads; i++)
        pthread_join(p->workers[i].thread, NULL);
    assert(!p->head);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->ended);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void sl_pool_submit(struct sl_pool *p, struct sl_task *t)
{
    assert(t->run);
    pthread_mutex_lock(&p->lock);
    assert(!p->closing);
    t->next = NULL;
    t->done = 0;
    *p->tail = t;
    p->tail = &t->next;
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
}

void sl_pool_wait(struct sl_pool *p, struct sl_task *t)
{
    assert(p && t);
    pthread_mutex_lock(&p->lock);
    while (!t->done)
        pthread_cond_wait(&p->ended, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

int sl_pool_done(struct sl_pool *p, struct sl_task *t)
{
    assert(p && t);
    pthread_mutex_lock(&p->lock);
    int done = t->done;
    pthread_mutex_unlock(&p->lock);
    return done;
}

struct call {
    int (*fn)(void *);
    void *arg;
    int result;
};

static void *call_main(void *arg)
{
    struct call *c = arg;
    c->result = c->fn(c->arg);
    return NULL;
}

int sl_thread_call(size_t stack_bytes, int (*fn)(void *), void *arg, struct sl_err *err)
{
    assert(fn && stack_bytes > 0);
    struct call c = {.fn = fn, .arg = arg};
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    int e = pthread_attr_setstacksize(&attr, stack_bytes);
    if (!e)
        e = pthread_create(&thread, &attr, call_main, &c);
    pthread_attr_destroy(&attr);
    if (e) {
        errno = e;
        return sl_err_sys(err, "cannot start a thread with a stack of %zu bytes", stack_bytes);
    }
    pthread_join(thread, NULL);
    return c.result;
}

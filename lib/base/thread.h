/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * thread: a fixed pool of workers that run tasks, and a call on a thread with a big stack.
 *
 * Tasks are taken in the order they were given; the pool keeps no results: a task signals its own
 * end to whoever waits (sl_pool_wait). One pool per process, made by the pipeline, handed down.
 */
#ifndef SL_BASE_THREAD_H
#define SL_BASE_THREAD_H

#include "base/compat.h"
#include "base/err.h"

struct sl_task {
    void (*run)(struct sl_task *t, int worker); /* worker: 0 .. threads - 1 */
    struct sl_task *next;                       /* the pool's */
    int done;                                   /* the pool's: set under its lock after run */
};

struct sl_pool;

/* threads >= 1 workers. NULL with err filled. */
struct sl_pool *sl_pool_new(int threads, struct sl_err *err);
void sl_pool_free(struct sl_pool *p); /* waits for running tasks */
void sl_pool_submit(struct sl_pool *p, struct sl_task *t);
/* Returns when t has run; the caller helps with nothing. */
void sl_pool_wait(struct sl_pool *p, struct sl_task *t);
/* 1 if t has run. */
int sl_pool_done(struct sl_pool *p, struct sl_task *t);

/* Runs fn(arg) on a fresh thread with a stack of stack_bytes and waits for it; its int result. */
int sl_thread_call(size_t stack_bytes, int (*fn)(void *), void *arg, struct sl_err *err);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* thread: every task runs once, waiting and polling both see its end, deep stacks hold. */
#include "../test.h"
#include <poll.h>
#include <stdatomic.h>
#include "base/thread.h"

enum { TASKS = 10000 };

struct add {
    struct sl_task task;
    atomic_int runs;
    int worker;
};

static void run_add(struct sl_task *t, int worker)
{
    struct add *a = (struct add *)t;

    atomic_fetch_add(&a->runs, 1);
    a->worker = worker;
}

static struct add tasks[TASKS];

static int deepen(void *arg)
{
    volatile char frame[4096];
    int *depth = arg;

    frame[0] = 1;
    return --*depth <= 0 ? frame[0] : deepen(arg) + frame[0] - 1;
}

int main(void)
{
    struct sl_err err;

    TEST("every task runs once, on a worker that exists")
    {
        struct sl_pool *p = sl_pool_new(3, &err);
        for (int i = 0; i < TASKS; i++) {
            tasks[i].task.run = run_add;
            sl_pool_submit(p, &tasks[i].task);
        }
        for (int i = 0; i < TASKS; i++) {
            sl_pool_wait(p, &tasks[i].task);
            if (tasks[i].runs != 1 || tasks[i].worker < 0 || tasks[i].worker > 2)
                CHECK_INT(i, -1);
        }
        sl_pool_free(p);
    }
    TEST("a task is done once it has run, and not before")
    {
        struct sl_pool *p = sl_pool_new(2, &err);
        for (int i = 0; i < 1000; i++) {
            tasks[i].runs = 0;
            sl_pool_submit(p, &tasks[i].task);
            if (sl_pool_done(p, &tasks[i].task))
                CHECK_INT(tasks[i].runs, 1);
            sl_pool_wait(p, &tasks[i].task);
            CHECK(sl_pool_done(p, &tasks[i].task) && tasks[i].runs == 1);
        }
        sl_pool_free(p);
    }
    TEST("freeing a pool runs what was given to it first")
    {
        struct sl_pool *p = sl_pool_new(1, &err);
        for (int i = 0; i < 100; i++) {
            tasks[i].runs = 0;
            sl_pool_submit(p, &tasks[i].task);
        }
        sl_pool_free(p);
        for (int i = 0; i < 100; i++)
            CHECK_INT(tasks[i].runs, 1);
        sl_pool_free(NULL);
    }
    TEST("a call on a thread of its own has the stack it asked for, and gives its result")
    {
        int depth = 10000; /* 40 MB of frames */
        CHECK_INT(sl_thread_call((size_t)128 << 20, deepen, &depth, &err), 1);
        CHECK_INT(depth, 0);
        CHECK(sl_thread_call(1, deepen, &depth, &err) < 0 && err.what[0]);
    }
    return test_done();
}

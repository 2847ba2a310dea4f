/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* interrupt: see interrupt.h. A signal handler has no argument: hence the static state. */
#include "base/compat.h"

#include <fcntl.h>
#include <unistd.h>
#include "base/time.h"
#include "interrupt.h"

/* timeout(1) signals its child and then the group the child is in, a shell that hangs up does so beside
 * the terminal: signals so close together are one wish, and no reason to leave rows behind. */
enum { SAME_USEC = 100 * 1000 };

static volatile sig_atomic_t caught;
static _Atomic int64_t caught_at;
static int wake[2] = {-1, -1};

static void on_signal(int number)
{
    int saved = errno;
    int64_t now = sl_time_mono_usec();
    if (caught) {
        if (now - caught_at > SAME_USEC)
            _exit(128 + number);
        errno = saved;
        return;
    }
    caught_at = now;
    caught = number;
    /* The pipe is empty, so the byte fits; were it full, the poll would wake all the same. */
    ssize_t n = write(wake[1], "!", 1);
    (void)n;
    errno = saved;
}

int sl_interrupt_install(struct sl_err *err)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) < 0)
        return sl_err_sys(err, "pipe");
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < SL_COUNT(numbers); i++) {
        /* What is ignored stays ignored: nohup, and jobs that a shell puts in the background. */
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            continue;
        if (sigaction(numbers[i], &act, NULL) < 0)
            return sl_err_sys(err, "sigaction");
    }
    return 0;
}

const volatile sig_atomic_t *sl_interrupt_flag(void)
{
    return &caught;
}

int sl_interrupt_fd(void)
{
    return wake[0];
}

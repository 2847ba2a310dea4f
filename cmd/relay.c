/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* relay: see relay.h. */
#include "relay.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/path.h"
#include "child.h"
#include "command.h"

enum {
    CHUNK = 256 << 10,
    IN_MEMORY = 1 << 20, /* bytes of a child; more are in its file */
    EXIT_MSEC = 5,       /* between two looks for the exit of a child that has closed its output */
};

int sl_relay_is_good(int status)
{
    return WIFEXITED(status) &&
           (WEXITSTATUS(status) == SL_EXIT_GOOD || WEXITSTATUS(status) == SL_EXIT_REJECTS);
}

static void forget(struct sl_relay_branch *b)
{
    sl_buf_reset(&b->bytes);
    sl_child_close(&b->spool);
    b->spool_at = b->spool_end = 0;
}

/* ---- the file of what is not wanted yet ---- */

static int open_spool(struct sl_relay_branch *b)
{
    const char *dir = getenv("TMPDIR");
    char path[512];
    snprintf(path, sizeof(path), "%s/sluice-XXXXXX", dir && *dir ? dir : "/tmp");
    b->spool = mkostemp(path, O_CLOEXEC);
    if (b->spool >= 0)
        unlink(path);
    return b->spool < 0 ? -1 : 0;
}

/* n bytes behind what is there. 0 or -1 with errno. */
static int keep(struct sl_relay_branch *b, const char *data, size_t n)
{
    if (b->spool < 0 && b->bytes.len + n <= IN_MEMORY) {
        sl_buf_add(&b->bytes, data, n);
        errno = ENOMEM;
        return b->bytes.failed ? -1 : 0;
    }
    if (b->spool < 0 && open_spool(b) < 0)
        return -1;
    if (sl_path_pwrite(b->spool, data, n, b->spool_end, "a file in TMPDIR", NULL) < 0)
        return -1;
    b->spool_end += (int64_t)n;
    return 0;
}

/* Brings back what comes next, once memory holds nothing. */
static int refill(struct sl_relay *r, struct sl_relay_branch *b)
{
    if (b->bytes.len || b->spool < 0)
        return 0;
    int64_t left = b->spool_end - b->spool_at;
    ssize_t n = sl_path_pread(b->spool, r->chunk, (size_t)SL_MIN(left, CHUNK), b->spool_at,
                              "a file in TMPDIR", NULL);
    if (n <= 0)
        return -1;
    b->spool_at += n;
    sl_buf_add(&b->bytes, r->chunk, (size_t)n);
    if (b->spool_at == b->spool_end) {
        sl_child_close(&b->spool);
        b->spool_at = b->spool_end = 0;
    }
    errno = ENOMEM;
    return b->bytes.failed ? -1 : 0;
}

/* ---- turns ---- */

/* A child went wrong: its stream gets what no stream has behind it, those of the others end as they are. */
static void fail(struct sl_relay *r, struct sl_relay_branch *bad)
{
    for (int i = 0; i < r->n; i++) {
        struct sl_relay_branch *b = &r->branches[i];
        if (b == bad || (b->in < 0 && !b->pid)) /* or whole */
            continue;
        forget(b);
        sl_child_close(&b->in);
        sl_child_close(&b->out);
    }
    r->has_failed = 1;
    sl_child_close(&bad->in);
    keep(bad, "broken", 6);
}

static void take(struct sl_relay *r, struct sl_relay_branch *b)
{
    ssize_t n = read(b->in, r->chunk, CHUNK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        sl_child_close(&b->in);
    } else if (keep(b, r->chunk, (size_t)n) < 0) {
        r->failed_errno = errno;
        fail(r, b);
    }
}

static void give(struct sl_relay *r, struct sl_relay_branch *b)
{
    if (refill(r, b) < 0) {
        r->failed_errno = errno;
        forget(b);
        fail(r, b);
    }
    ssize_t n = write(b->out, b->bytes.data, b->bytes.len);
    if (n > 0)
        sl_buf_consume(&b->bytes, (size_t)n);
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        sl_child_close(&b->out); /* the merge wants no more */
    if (b->out < 0) {
        forget(b);
        sl_child_close(&b->in);
    }
}

/* Looks for its exit; with that and without bytes left, its end is passed on. */
static void end(struct sl_relay *r, struct sl_relay_branch *b)
{
    if (b->in >= 0)
        return;
    if (b->pid > 0 && waitpid(b->pid, &b->status, WNOHANG) == b->pid) {
        b->pid = 0;
        if (!sl_relay_is_good(b->status) && b->out >= 0)
            fail(r, b);
    }
    if (!b->pid && !b->bytes.len && b->spool < 0)
        sl_child_close(&b->out);
}

static int wait_for_all(struct sl_relay *r)
{
    int timeout = -1, open = 0;
    for (int i = 0; i < r->n; i++) {
        struct sl_relay_branch *b = &r->branches[i];
        int has = b->bytes.len || b->spool >= 0;
        r->fds[2 * i] = (struct pollfd){.fd = b->in, .events = POLLIN};
        r->fds[2 * i + 1] = (struct pollfd){.fd = has ? b->out : -1, .events = POLLOUT};
        open += b->in >= 0 || b->out >= 0;
        if (b->in < 0 && b->pid)
            timeout = EXIT_MSEC;
    }
    r->fds[2 * r->n] = (struct pollfd){.fd = r->wake[0], .events = POLLIN};
    if (!open)
        return 0;
    if (poll(r->fds, 2 * (nfds_t)r->n + 1, timeout) < 0)
        return errno == EINTR;
    return !r->fds[2 * r->n].revents;
}

static void *run(void *arg)
{
    struct sl_relay *r = arg;
    while (wait_for_all(r))
        for (int i = 0; i < r->n; i++) {
            struct sl_relay_branch *b = &r->branches[i];
            if (b->in >= 0 && r->fds[2 * i].revents)
                take(r, b);
            if (b->out >= 0 && (b->bytes.len || b->spool >= 0) && r->fds[2 * i + 1].revents)
                give(r, b);
            end(r, b);
        }
    return NULL;
}

int sl_relay_start(struct sl_relay *r, struct sl_err *err)
{
    sigset_t all, before;
    r->fds = sl_calloc(2 * (size_t)r->n + 1, sizeof(*r->fds));
    r->chunk = sl_malloc(CHUNK);
    if (!r->fds || !r->chunk)
        return sl_err_nomem(err, "a relay");
    if (pipe2(r->wake, O_CLOEXEC) < 0)
        return sl_err_sys(err, "cannot make a pipe");
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&r->thread, NULL, run, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    r->is_running = !errno;
    return r->is_running ? 0 : sl_err_sys(err, "cannot start a thread");
}

void sl_relay_stop(struct sl_relay *r)
{
    if (r->is_running) {
        sl_child_close(&r->wake[1]);
        pthread_join(r->thread, NULL);
        sl_child_close(&r->wake[0]);
    }
    for (int i = 0; i < r->n; i++) {
        forget(&r->branches[i]);
        sl_child_close(&r->branches[i].in);
        sl_child_close(&r->branches[i].out);
        sl_buf_release(&r->branches[i].bytes);
    }
    free(r->fds);
    free(r->chunk);
    r->fds = NULL;
    r->chunk = NULL;
    r->is_running = 0;
}

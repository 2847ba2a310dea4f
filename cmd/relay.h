/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * relay: takes what children write, at once, whoever of them is wanted next, and passes it on.
 *
 * A merge wants rows of one input and not of the others. Were theirs left in pipes that are full, then the
 * splitting side would wait for their readers, and the wanted one would never get a row: a deadlock. So
 * a thread empties all pipes. What is not wanted yet waits in memory, 1 MiB a child, and behind that in a
 * file without a name in $TMPDIR.
 *
 * A child's end is passed on once it has exited well. Else the stream is broken, and those of the
 * others end where they are: nobody takes them for whole.
 *
 * Call order: sl_relay_start, sl_relay_stop. Between them `pid` and `status` are the relay's.
 */
#ifndef SL_CMD_RELAY_H
#define SL_CMD_RELAY_H

#include <pthread.h>
#include <sys/types.h>
#include "base/buf.h"

struct sl_relay_branch {
    pid_t pid;           /* of the child, 0: it has been reaped, and */
    int status;          /* as waitpid gave it */
    int in;              /* the child's standard output; -1: it has ended */
    int out;             /* to the merge; -1: it has its end */
    struct sl_buf bytes; /* next for out; and what comes behind: */
    int spool;           /* a file, -1: there is none */
    int64_t spool_at, spool_end;
};

struct sl_relay { /* zeroed, and branches set */
    struct sl_relay_branch *branches;
    int n, wake[2], has_failed, failed_errno;
    struct pollfd *fds;
    char *chunk;
    pthread_t thread;
    int is_running;
};

/* 1: it exited with 0 or, having rejected rows, with 3. */
int sl_relay_is_good(int status);
int sl_relay_start(struct sl_relay *r, struct sl_err *err);
/* The thread ends; descriptors are closed. Children may be left. Once more does nothing. */
void sl_relay_stop(struct sl_relay *r);

#endif

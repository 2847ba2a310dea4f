/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * lose: a library to preload (LD_PRELOAD): syncs fail, and what they were about is gone, as where a
 * device refuses pages that the kernel then drops.
 *
 *   LOSE=SUFFIX:OFFSET LD_PRELOAD=.../lose.so PROGRAM...
 *
 * A sync of a file whose name ends in SUFFIX puts zeros from OFFSET to its end, says so on descriptor 2,
 * and fails with EIO. All else goes through.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* 1 if the descriptor's file is one to be lost; from: the first byte. */
static int chosen(int fd, off_t *from)
{
    char link[64], name[4096];
    const char *lose = getenv("LOSE"), *colon = lose ? strrchr(lose, ':') : NULL;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, sizeof(name));
    size_t len = colon ? (size_t)(colon - lose) : 0;
    if (!colon)
        abort(); /* a fault that is not there would prove anything */
    if (n < (ssize_t)len || memcmp(name + n - len, lose, len) != 0)
        return 0;
    *from = atoll(colon + 1);
    return 1;
}

static int synced(long call, int fd)
{
    static const char zeros[4096];
    static const char said[] = "lose: a sync fails\n";
    struct stat st;
    off_t at;
    if (!chosen(fd, &at))
        return (int)syscall(call, fd);
    if (fstat(fd, &st) < 0)
        abort();
    while (at < st.st_size) {
        size_t n = st.st_size - at < 4096 ? (size_t)(st.st_size - at) : 4096;
        ssize_t k = pwrite(fd, zeros, n, at);
        if (k <= 0)
            abort();
        at += k;
    }
    if (write(2, said, sizeof(said) - 1) < 0)
        abort();
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    return synced(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return synced(SYS_fdatasync, fd);
}

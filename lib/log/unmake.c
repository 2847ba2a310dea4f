/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * unmake: removes a log to which nothing was ever committed: of a run that failed, or was killed.
 *
 * Such a directory holds what create.c makes and nothing else: the lock file, empty partitions, and
 * one commit file of one line, the snapshot that brings no rows, with half a line behind it if the first
 * commit failed. A killed process may have left any part of that. Everything is looked at before anything is removed: a directory that holds a second
 * commit, a row, or a file of somebody else's stays as it is.
 */
#include "base/compat.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "log/log_writer.h"

/* 1 if the file is regular and begins as `start`, as far as it goes; *size is its length. */
static int begins_as(int at, const char *name, const char *start, int64_t *size, int *fd)
{
    char bytes[32];
    struct stat st;
    size_t n = strlen(start);
    assert(n <= sizeof(bytes));
    *fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    *size = st.st_size;
    n = SL_MIN(n, (size_t)st.st_size);
    return pread(*fd, bytes, n, 0) == (ssize_t)n && memcmp(bytes, start, n) == 0;
}

/* A lock file whose durable mark is 0: no sync ever said that a row is on the device. */
static int is_new_lock(int at, const char *name)
{
    int64_t size = 0;
    int fd, yes = begins_as(at, name, "00000000000000000000", &size, &fd);
    if (fd >= 0)
        close(fd);
    return yes && size <= SL_LOCKFILE_BYTES;
}

/* The first line of all, or its beginning, and no whole line after it. */
static int is_first_line(int at, const char *name)
{
    char block[4096], first[SL_COMMIT_NAME];
    int64_t size = 0, pos = 0;
    int fd, yes, lines = 0;
    sl_commit_name(1, first);
    if (strcmp(name, first) != 0)
        return 0;
    yes = begins_as(at, name, "{\"n\":1,\"prev\":\"00000000\",", &size, &fd);
    while (yes && pos < size) {
        ssize_t n = pread(fd, block, sizeof(block), pos);
        for (ssize_t i = 0; i < n; i++)
            lines += block[i] == '\n';
        yes = n > 0 && lines < 2;
        pos += n;
    }
    if (fd >= 0)
        close(fd);
    return yes;
}

static int nothing(int at, const char *name)
{
    (void)at;
    (void)name;
    return 0;
}

/* Calls fn with each entry of a directory. 1 if it says 1 of all of them. */
static int all_are(int at, const char *name, int (*fn)(int at, const char *name))
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), yes = 1;
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    for (;;) {
        errno = 0;
        struct dirent *e = yes ? readdir(d) : NULL;
        if (!e)
            break;
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            yes = fn(fd, e->d_name);
    }
    yes &= errno == 0;
    closedir(d);
    return yes;
}

static int is_partition(const char *name)
{
    size_t n = strspn(name, "0123456789");
    return n >= 4 && !name[n];
}

static int is_ours(int at, const char *name)
{
    if (strcmp(name, "lock") == 0)
        return is_new_lock(at, name);
    if (strcmp(name, "commits") == 0)
        return all_are(at, name, is_first_line);
    return is_partition(name) && all_are(at, name, nothing);
}

static int take_file(int at, const char *name)
{
    return unlinkat(at, name, 0) == 0;
}

static int take(int at, const char *name)
{
    if (strcmp(name, "lock") == 0)
        return take_file(at, name);
    if (strcmp(name, "commits") == 0)
        all_are(at, name, take_file);
    return unlinkat(at, name, AT_REMOVEDIR) == 0;
}

void sl_log_unmake(const char *made)
{
    if (all_are(AT_FDCWD, made, is_ours) && all_are(AT_FDCWD, made, take))
        rmdir(made);
}

void sl_log_withdraw(const char *path)
{
    struct sl_buf name = SL_BUF_INIT;
    struct sl_lockfile lock = {.fd = -1};
    if (sl_lockfile_open(path, 1, &lock, NULL) == 0 &&
        sl_lockfile_lock(&lock, SL_LOCK_USE, SL_LOCK_EXCLUSIVE, 0, NULL) == 0 &&
        sl_lockfile_lock(&lock, SL_LOCK_APPEND, SL_LOCK_EXCLUSIVE, SL_LOCK_PATIENCE, NULL) == 0 &&
        sl_lockfile_is_current(&lock, NULL) == 0 && all_are(AT_FDCWD, path, is_ours) &&
        sl_log_unname(path, &name, NULL) == 0)
        sl_log_unmake(name.data);
    sl_lockfile_close(&lock);
    sl_buf_release(&name);
}

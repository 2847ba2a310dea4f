/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * path: files, directories, whole reads and writes, watches.
 *
 * EINTR, short reads and short writes are handled here and nowhere else; EAGAIN on an inherited
 * non-blocking descriptor waits by poll. Descriptors are opened O_CLOEXEC. A directory entry is
 * durable only after sl_path_sync_dir. fsync is never retried: its failure is final.
 */
#ifndef SL_BASE_PATH_H
#define SL_BASE_PATH_H

#include <dirent.h>
#include <sys/types.h>
#include "base/compat.h"
#include "base/buf.h"
#include "base/err.h"

/* All n bytes, or the bytes before the end of file: count, or < 0. path is for messages. */
ssize_t sl_path_pread(int fd, void *data, size_t n, int64_t offset, const char *path,
                      struct sl_err *err);
/* At least 1 byte unless at end of file (0); waits if the descriptor is non-blocking. */
ssize_t sl_path_read(int fd, void *data, size_t n, const char *path, struct sl_err *err);
/* All n bytes, however often the system takes a part. 0 or < 0. */
int sl_path_write(int fd, const void *data, size_t n, const char *path, struct sl_err *err);
int sl_path_pwrite(int fd, const void *data, size_t n, int64_t offset, const char *path,
                   struct sl_err *err);
int sl_path_sync(int fd, const char *path, struct sl_err *err); /* fdatasync */
int sl_path_sync_dir(const char *dir, struct sl_err *err);      /* open, fsync, close */
/* The same for the directory that holds path, and for one below dirfd, where no link is followed. */
int sl_path_sync_parent(const char *path, struct sl_err *err);
int sl_path_sync_below(int dirfd, const char *name, const char *dir, struct sl_err *err);
int sl_path_open(const char *path, int flags, mode_t mode, struct sl_err *err); /* fd or < 0 */
/* With O_NOFOLLOW only a regular file (or O_DIRECTORY) is opened, and below dirfd no link is followed:
 * SL_EFORMAT otherwise. */
int sl_path_openat(int dirfd, const char *name, int flags, mode_t mode, const char *dir,
                   struct sl_err *err);
/* A directory below another one, opened; made, on the device with its name, if it is not there. */
int sl_path_make_below(int dirfd, const char *name, const char *dir, struct sl_err *err);
/* 1 if users may call a thing so that is kept under that name: letters, digits, '_', '-' and '.', which is not the
 * first; 64 at most. */
int sl_path_is_name(const char *name);
/* Opens a directory for sl_path_next; below dirfd no link is followed. dir is for messages. Ended by
 * closedir(). 0 or < 0. */
int sl_path_list(int dirfd, const char *name, const char *dir, DIR **out, struct sl_err *err);
/* The next name in it, valid until the next call: 1, 0 at the end, or < 0: the rest could not be read. */
int sl_path_next(DIR *d, const char *dir, const char **name, struct sl_err *err);
/* Whole file appended to out; refused beyond limit bytes. */
int sl_path_read_file(const char *path, size_t limit, struct sl_buf *out, struct sl_err *err);
/* That path cannot be created, by errno; what to do where its directory is missing. < 0. */
int sl_path_not_created(const char *path, struct sl_err *err);
/* dir + "/" + name into out (reset first). */
void sl_path_join(struct sl_buf *out, const char *dir, const char *name);
/* The directory that holds path, malloc'ed: "." if it names none. NULL: no memory. */
char *sl_path_dir(const char *path);
/* Appends path as one that begins at the root, seen from the directory cwd; without empty parts and ".". */
void sl_path_absolute(struct sl_buf *out, const char *cwd, const char *path);
/* 1 if path is a directory that holds `commits/`: a log. 0 otherwise. */
int sl_path_is_log(const char *path);
/* The same for whom "no" is not safe: < 0 if that could not be found out. */
int sl_path_find_log(const char *path, struct sl_err *err);

/* Watches directories for changes; falls back to a 200 ms poll where inotify is missing. */
struct sl_watch;
struct sl_watch *sl_watch_new(struct sl_err *err);
void sl_watch_free(struct sl_watch *w);
/* Adds a directory or file (idempotent). 0 or < 0 (SL_ENOENT). */
int sl_watch_add(struct sl_watch *w, const char *path, struct sl_err *err);
/* Adds a directory in which only new names matter, not what is written to its files. */
int sl_watch_add_names(struct sl_watch *w, const char *dir, struct sl_err *err);
/* A pollable descriptor, or -1 where it must be polled by time. */
int sl_watch_fd(const struct sl_watch *w);
/* Reads away pending events, so many at most that it ends under a flood of them: the descriptor then
 * stays readable. 1 if there was any (an overflow counts), 0 none. */
int sl_watch_drain(struct sl_watch *w);

#endif

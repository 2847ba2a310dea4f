/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* rotated: files that had a path before another file took it. */
#ifndef SL_FILE_ROTATED_H
#define SL_FILE_ROTATED_H

#include "base/buf.h"
#include "file/seen.h"

/*
 * Looks at the files that were rotated away from where f was opened. `next` is the oldest one that was taken
 * in part; reading goes on there ("": there is none). `missed` lists, oldest first with blanks between, others
 * that go on, and those of which nothing was taken though they are later, as far as names and times tell.
 */
int sl_rotated_find(struct sl_seen *seen, const struct sl_taken *f, struct sl_buf *next,
                    struct sl_buf *missed, struct sl_err *err);

struct sl_born {
    char *name;
    int64_t at; /* µs */
};
/* Files that were made since then (µs, wall clock) and bear the name of a rotated one of path (.1,
 * -20260301), oldest first: *out and its names are malloc'ed. Where the file system does not tell when
 * a file was made there are none. */
int sl_rotated_born(const char *path, int64_t since, struct sl_born **out, size_t *n,
                    struct sl_err *err);

#endif

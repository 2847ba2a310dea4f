/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* rotated: files that had a path before another file took it. */
#ifndef SL_FILE_ROTATED_H
#define SL_FILE_ROTATED_H

#include "base/buf.h"
#include "log/positions.h"

/* Of the files that had this path before, by what was taken of them: next is the oldest that goes on
 * behind that, "" if none does; missed, oldest first with blanks between, are others with rows that
 * are not in the log, as far as names and times tell. 0 or < 0. */
int sl_rotated_find(const char *path, const struct sl_positions *taken, struct sl_buf *next,
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

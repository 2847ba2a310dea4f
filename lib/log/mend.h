/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * mend: a repair under way: mend.c decides and commits, mend_commits.c reads damaged commit files,
 * mend_segment.c finds and copies the good batches of a damaged segment.
 */
#ifndef SL_LOG_MEND_H
#define SL_LOG_MEND_H

#include "log/walk.h"
#include "log/writer.h"

struct sl_mend {
    struct sl_log_writer *w;
    struct sl_log *l;
    int yes;
    void (*say)(void *arg, const char *line);
    void *arg;
    int64_t lost;     /* rows */
    int64_t *missing; /* numbers of commits whose lines are gone, ascending */
    size_t nmissing;
    int64_t damaged[2]; /* commit files to set aside */
    int ndamaged;
    int naside;          /* the older file is damaged and the newer is not: it is only set aside */
    struct sl_line line; /* what the repair commits */
    int segs_cap;
    int changes; /* things to do */
};

struct sl_extent { /* a good batch */
    int64_t pos, len, base, rows, min_time, max_time;
};

struct sl_extents {
    struct sl_extent *list;
    size_t n, cap;
    int perfect;        /* the segment is as its commit says */
    struct sl_buf head; /* its schema message; empty: it cannot be had */
};

void sl_mend_say(struct sl_mend *m, const char *fmt, ...) SL_PRINTF(2, 3);
/* Reads the commit files, leaving out what is damaged. SL_ECORRUPT if no snapshot is good. */
int sl_mend_commits(struct sl_mend *m, struct sl_err *err);
int sl_mend_is_missing(const struct sl_mend *m, int64_t n);
/* The good batches of a segment; last: it may be open. */
int sl_mend_examine(struct sl_mend *m, const struct sl_seg *seg, int last, struct sl_extents *x,
                    struct sl_err *err);
/* Copies runs of them to new segments of commit n and states these in m->line. */
int sl_mend_copy(struct sl_mend *m, const struct sl_seg *seg, const struct sl_extents *x, int64_t n,
                 struct sl_err *err);
struct sl_seg *sl_mend_add_seg(struct sl_mend *m, struct sl_err *err);

#endif

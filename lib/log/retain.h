/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * retain: retention: the oldest closed segments leave the log in one commit, see sluice-log(5), Retention.
 *
 * sl_log_prune says what shall go, once; the settings of a log say it for good, and whoever writes to it drops
 * what is beyond them.
 */
#ifndef SL_LOG_RETAIN_H
#define SL_LOG_RETAIN_H

#include "log/log.h"

struct sl_log_writer;
struct sl_line;

#define SL_GRACE 600000000LL /* µs that files of segments which left the log stay */

/* Names of settings: how old rows may become (µs), and how many bytes the segments may have. */
#define SL_SETTING_AGE  "retain_age"
#define SL_SETTING_SIZE "retain_size"

/* What goes: from each partition the first closed segments, as long as all of a segment lies before each bound
 * that is set. */
struct sl_retain {
    int64_t
        before_time; /* µs: of event time; where a segment has none, of its last commit. SL_TIME_MAX: unset */
    const int64_t *before_offset; /* one per partition, -1: nothing of that one. NULL: unset */
    int64_t to_size; /* bytes of segments that stay, the oldest commits go first; -1: unset */
    int64_t grace;   /* µs until the files may be removed */
    int keeps_last;  /* the last segment of a partition stays, though it is closed */
};
struct sl_retained { /* the first n segments of each partition go; n is the caller's to free */
    int *n;
    int64_t segments;
};
int sl_retain_choose(const struct sl_log *l, const struct sl_retain *o, struct sl_retained *c,
                     struct sl_err *err);
/* Frees blocks: indexes are caches. */
void sl_retain_remove_indexes(const struct sl_log *l, const struct sl_retained *c);
/* Chooses again, and commits the line, a fresh one, that drops what was chosen. Under the lock. */
int sl_retain_drop(struct sl_log_writer *w, const struct sl_retain *o, struct sl_retained *c,
                   struct sl_line *line, struct sl_err *err);
/* The number that a setting of the log has, -1: none. */
int64_t sl_retain_setting(const struct sl_log *l, const char *name);
/* Does what the settings of the log say: closes open segments that have been written to for a quarter of the
 * age, and drops what is beyond age and size. Without the lock. */
int sl_writer_retain(struct sl_log_writer *w, int64_t grace, struct sl_err *err);

#endif

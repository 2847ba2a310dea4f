/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* maintain: care of a log: what is damaged, and its mend. sluice-log(5) says what may be mended. */
#ifndef SL_MAINTAIN_MAINTAIN_H
#define SL_MAINTAIN_MAINTAIN_H

#include "log/retain.h"

struct sl_log_problem {
    const char *file; /* relative to the log */
    int64_t offset;
    const char *what;
    int64_t from, to; /* offsets of rows concerned, -1 = none */
};
/* Checks every byte that commits promise; calls fn for each problem. Number of problems or < 0. */
int sl_log_verify(const char *path, int (*fn)(void *arg, const struct sl_log_problem *p), void *arg,
                  struct sl_err *err);
/* Plans (yes = 0) or carries out (yes = 1) the mend: removed bytes go to lost/; calls say with each
 * line of what it does and what is gone. Number of rows lost or < 0. */
int64_t sl_log_repair(const char *path, int yes, void (*say)(void *arg, const char *line),
                      void *arg, struct sl_err *err);

struct sl_pruned { /* of one partition */
    int partition;
    int64_t from, to; /* offsets that go */
    int64_t bytes, segments;
};
/* Drops segments in one commit, and removes the files of those whose time has come. Calls fn for each
 * partition that loses some, after the commit; dry: nothing is changed. Number of segments dropped, or < 0. */
int64_t sl_log_prune(const char *path, const struct sl_retain *o, int dry,
                     void (*fn)(void *arg, const struct sl_pruned *p), void *arg,
                     struct sl_err *err);

/* Of SL_SETTING_AGE and its like; 0: it is none any more. */
struct sl_log_setting {
    const char *name;
    int64_t value;
};
/* Commits settings of the log, and does what they say. Calls fn for each partition that loses rows by it. Number
 * of segments that go, or < 0. */
int64_t sl_log_set(const char *path, const struct sl_log_setting *settings, int n,
                   void (*fn)(void *arg, const struct sl_pruned *p), void *arg, struct sl_err *err);

/* A commit that the log can go back to, and what it brought. */
struct sl_rollback_point {
    int64_t n, at; /* number; time (µs) */
    int64_t rows;
    int is_last;
};
/* Calls fn for each, oldest first. */
int sl_log_rollback_points(const char *path,
                           void (*fn)(void *arg, const struct sl_rollback_point *p), void *arg,
                           struct sl_err *err);
/* All partitions, the schema, positions and pipelines go back to what they were after commit `to`, in a new
 * history. Rows behind it are copied to lost/ before. Calls fn for each partition that loses rows. Number of
 * bytes in lost/, or < 0; dry: nothing is changed, 0. */
int64_t sl_log_rollback(const char *path, int64_t to, int dry,
                        void (*fn)(void *arg, const struct sl_pruned *p), void *arg,
                        struct sl_err *err);

/* What a column takes in the segments, dictionaries included, and what its values would take as plain Arrow. */
struct sl_column_size {
    int64_t stored, plain, nulls;
};
/* Reads the whole log; sizes has an entry for each column of its schema. */
int sl_log_column_sizes(struct sl_log *l, struct sl_column_size *sizes, struct sl_err *err);
/* Gives write the committed rows of the log as one Arrow IPC stream, partition by partition, in pieces: what
 * is committed now. sluice-log(5), EXPORT. Number of rows, or < 0. */
int64_t sl_log_export(const char *path,
                      int (*write)(void *arg, const void *data, size_t n, struct sl_err *err),
                      void *arg, struct sl_err *err);
/* Makes a log of such a stream, which read gives (bytes read, 0 at the end, < 0), with its partitions, keys,
 * hash, time column and offsets. The log has its name when all of it is there. Number of rows, or < 0; *moved:
 * rows whose offset is less than it was, for the log had a gap before them. */
int64_t sl_log_import(const char *path,
                      ssize_t (*read)(void *arg, void *data, size_t n, struct sl_err *err),
                      void *arg, int64_t *moved, struct sl_err *err);
/* Rewrites all segments of tiny batches now, beside writers and readers. */
int sl_log_compact(const char *path, struct sl_compaction *done, struct sl_err *err);

#endif

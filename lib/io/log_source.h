/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* log_source: the state of a log source, shared by log_source.c, log_range.c and log_merge.c. */
#ifndef SL_IO_LOG_SOURCE_H
#define SL_IO_LOG_SOURCE_H

#include "io/connect.h"

struct sl_log_merge;

struct log_source {
    struct sl_source base;
    struct sl_input_options o;
    char *path;
    struct sl_log *log;
    struct sl_log_reader *reader;
    struct sl_schema *log_schema; /* the log's, with its time column settled */
    int time;                     /* index of the time column, -1 = none */
    struct sl_log_range *ranges;
    char **was; /* per partition: what the log that is ingested into had of it; NULL = nothing */
    int64_t from_time, to_time;
    int merging;
    uint8_t *wanted; /* bitmap over log_schema: the columns that are read, NULL = all */
    int said_unsettled, said_polled;
    struct sl_watch *home; /* the log's own directory: it may be moved away from a follower */
    int64_t look_at;       /* when to look whether it was; monotonic µs */
    int waiting;           /* the last answer was WAIT: all rows before are out */
    struct sl_log_merge *merge;
};

/* Says something on standard error, through the options' say(). */
void sl_log_source_note(const struct log_source *s, const char *fmt, ...) SL_PRINTF(2, 3);

/* log_range.c: --from and --to as ranges, from_time and to_time. The ranges are there, one a
 * partition. */
int sl_log_source_bound(struct log_source *s, struct sl_err *err);

/* log_plan.c: plan of struct sl_source_class. */
void sl_log_source_plan(const struct sl_source *base, struct sl_buf *out);

/* A chunk as a batch of the source's schema, narrowed to its offsets and times. */
int sl_log_source_decode(struct log_source *s, struct sl_log_chunk *c, struct sl_batch **out,
                         struct sl_err *err);

/* Several partitions as one stream in the order of (event time, partition, offset), as far as each
 * partition is in order of time itself. */
int sl_log_merge_open(struct log_source *s, struct sl_err *err);
int sl_log_merge_want(struct log_source *s, const uint8_t *columns, struct sl_err *err);
int sl_log_merge_next(struct log_source *s, struct sl_morsel **out, struct sl_err *err);
void sl_log_merge_close(struct log_source *s);

#endif

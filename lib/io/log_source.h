/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* log_source: the state of a log source, shared by log_source.c, log_range.c and log_merge.c. */
#ifndef SL_IO_LOG_SOURCE_H
#define SL_IO_LOG_SOURCE_H

#include "io/connect.h"

struct sl_log_merge;
struct log_group;

struct log_part {               /* of a partition */
    struct sl_log_range had;    /* offsets that the sink has; from == to: none */
    int64_t from_time, to_time; /* ... of rows between these times only */
    int64_t end;                /* behind what was delivered, and */
    uint64_t history;           /* the one in which that was read */
    int is_moved;               /* since positions were asked for */
};

struct log_mark {               /* of a morsel */
    struct sl_log_chunk *chunk; /* NULL: it is merged from several */
    size_t n;
    struct log_upto { /* where it ends, in each partition of which it has rows */
        int partition;
        int64_t end;
        uint64_t history;
    } items[];
};

struct log_source {
    struct sl_source base;
    struct sl_input_options o;
    char *path;
    struct sl_log *log;
    struct sl_log_reader *reader;
    struct sl_schema *log_schema; /* the log's, with its time column settled */
    int time;                     /* index of the time column, -1 = none */
    /* `_partition` and `_offset` stand behind the log's columns: -1 = they do not. Which of them rows
     * are given; the other is absent. */
    int order, gives[2];
    struct sl_log_range *ranges;
    struct log_part *parts;
    const struct sl_checkpoint
        *from; /* what the sink has of the log; NULL: it keeps no positions */
    enum sl_again again;
    int64_t from_time, to_time;
    int merging;
    uint8_t *wanted; /* bitmap over log_schema: the columns that are read, NULL = all */
    int said_unsettled, said_polled;
    struct sl_watch *home; /* the log's own directory: it may be moved away from a follower */
    int64_t look_at;       /* when to look whether it was; monotonic µs */
    int waiting;           /* the last answer was WAIT: all rows before are out */
    struct sl_log_merge *merge;
    struct log_group *group; /* NULL: it reads for itself */
};

/* log_range.c: --from and --to as ranges, from_time and to_time. The ranges are there, one a
 * partition. */
int sl_log_source_bound(struct log_source *s, struct sl_err *err);

/* log_taken.c: what the sink has of the log. take_up: the ranges are there; narrows them to what it has
 * not got (--resume), or refuses to read again what it has. The others as in struct sl_source_class. */
int sl_log_source_take_up(struct log_source *s, struct sl_err *err);
int sl_log_source_resume(struct sl_source *base, const struct sl_checkpoint *from,
                         enum sl_again again, struct sl_err *err);
int sl_log_source_delivered(struct sl_source *base, struct sl_morsel *m, struct sl_err *err);
int sl_log_source_positions(struct sl_source *base, struct sl_positions *out, struct sl_err *err);

/* log_group.c: with o.group. open: the ranges are there, and no reader; look: before each next(), cheap;
 * end: the reader has nothing more: SL_NEXT_END or SL_NEXT_WAIT. */
int sl_log_group_open(struct log_source *s, struct sl_err *err);
int sl_log_group_look(struct log_source *s, struct sl_err *err);
int sl_log_group_end(struct log_source *s, struct sl_err *err);
void sl_log_group_delivered(struct log_source *s);
int sl_log_group_committed(struct sl_source *base, struct sl_err *err);
void sl_log_group_poll(struct log_source *s, struct sl_poll_set *p);
int sl_log_group_holds(const struct log_source *s); /* a partition, at least */
void sl_log_group_free(struct log_source *s);

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

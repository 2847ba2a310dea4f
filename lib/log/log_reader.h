/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_reader: struct sl_log_reader and its chunks inside; log_reader.c finds, chunk.c decodes.
 *
 * A chunk holds its bytes (a reference to a read buffer shared with its neighbours), the stream of
 * its segment and the target: nothing of the reader, which it may outlive.
 */
#ifndef SL_LOG_LOG_READER_H
#define SL_LOG_LOG_READER_H

#include "log/walk.h"

/* What every batch shall become; shared by references. */
struct sl_read_target {
    atomic_int refs;
    struct sl_schema *schema;
    uint8_t *wanted; /* bitmap over schema, NULL = all */
    uint8_t log_id[16];
    struct sl_account *account;
};

struct sl_read_target *sl_read_target_new(struct sl_log *l, struct sl_schema *schema,
                                          struct sl_account *account, struct sl_err *err);
void sl_read_target_unref(struct sl_read_target *t);

struct sl_log_chunk {
    struct sl_read_target *target;
    struct sl_stream *stream;
    struct sl_buffer *buf;
    size_t at, len;
    int partition;
    int64_t pos;      /* in the file, for messages */
    uint64_t history; /* of the log, when it was read */
    int64_t base, rows, min_time, max_time;
    int64_t skip, take; /* rows of the batch that are in the range: [skip, skip + take) */
    char *name;
};

/* From a group that a walk has just given. */
int sl_log_chunk_new(const struct sl_walk *w, const struct sl_walk_group *g,
                     struct sl_read_target *t, struct sl_log_chunk **out, struct sl_err *err);

/* rest.c: values of columns that `from` has and `to` has not go to the column `_rest` of `to`, as
 * JSON, if it has one. */
int sl_rest_fill(struct sl_batch *to, struct sl_batch *from, struct sl_err *err);

/* index.c: where to begin so that no batch with offset `from` or later is missed: position of a
 * group and its offset, by the segment's index if it has a good one, else by jumping from head to
 * head. The walk is left there. */
int sl_walk_find(struct sl_walk *w, struct sl_log *l, int64_t from, struct sl_err *err);
/* Writes the index of a closed segment; best effort. How many batches it has, 0 if it could not be
 * read. */
int64_t sl_index_write(struct sl_log *l, const struct sl_seg *seg);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* time_at: the event time of one row. */
#include "base/compat.h"
#include "arrow/column.h"
#include "base/mem.h"
#include "base/time.h"
#include "log/log.h"

/* The row's time is *out, where it has one. */
static int read_time(const struct sl_batch *b, int column, size_t row, int64_t *out,
                     struct sl_err *err)
{
    const struct sl_column *c = b->columns[column], *h;
    int rc = sl_column_load(b->columns[column], err);
    if (rc == 0 && !sl_column_null(c, row)) {
        size_t k = sl_column_slot(c, row, &h);
        *out = sl_time_usec(((const int64_t *)h->data)[k], b->schema->fields[column].type.nsec);
    }
    return rc;
}

/* The one chunk that a reader of one row gives. */
static int read_row(struct sl_log_reader *r, int column, int64_t offset, int64_t *out,
                    struct sl_err *err)
{
    struct sl_log_chunk *c;
    struct sl_batch *b;
    int rc = sl_log_reader_next(r, &c, err);
    if (rc != SL_LOG_CHUNK)
        return SL_MIN(rc, 0);
    rc = sl_log_chunk_decode(c, &b, err);
    if (rc == 0) {
        rc = read_time(b, column, (size_t)(offset - sl_log_chunk_info(c).base), out, err);
        sl_batch_unref(b);
    }
    sl_log_chunk_free(c);
    return rc;
}

int sl_log_time_at(struct sl_log *l, int partition, int64_t offset, int64_t *out,
                   struct sl_err *err)
{
    assert(l && out && partition >= 0 && partition < sl_log_partitions(l));
    struct sl_schema *s = sl_log_schema(l);
    int column = sl_schema_time_index(s);
    struct sl_log_reader *r = NULL;
    *out = SL_TIME_MIN;
    if (column < 0 || offset < sl_log_start(l, partition) || offset >= sl_log_end(l, partition))
        return 0;
    struct sl_log_range *ranges = sl_calloc((size_t)partition + 1, sizeof(*ranges));
    uint8_t *wanted = sl_calloc((size_t)s->nfields / 8 + 1, 1);
    int rc = ranges && wanted ? 0 : sl_err_nomem(err, "a time");
    if (rc == 0) {
        ranges[partition] = (struct sl_log_range){offset, offset + 1};
        sl_bit_set(wanted, (size_t)column);
        struct sl_log_read_options o = {.ranges = ranges, .only = partition + 1};
        rc = sl_log_reader_open(l, &o, &r, err);
    }
    if (rc == 0)
        rc = sl_log_reader_want(r, wanted, err);
    if (rc == 0)
        rc = read_row(r, column, offset, out, err);
    sl_log_reader_free(r);
    free(ranges);
    free(wanted);
    return rc;
}

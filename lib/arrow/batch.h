/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * batch: rows on their way through a pipeline.
 *
 * A batch has one schema and one column per field, or NULL for a field that nobody asked for;
 * selection, if set, lists the rows that count (rising, each < rows). Immutable once emitted and shared by references: who wants another selection
 * or other columns makes a new batch that shares the columns. Batches of up to SL_BATCH_ROWS rows are
 * what sources make. What is true of a row alone is a column, hidden perhaps (hidden.h).
 */
#ifndef SL_ARROW_BATCH_H
#define SL_ARROW_BATCH_H

#include "arrow/column.h"
#include "arrow/schema.h"

enum { SL_BATCH_ROWS = 65536 };
#define SL_TIME_MIN INT64_MIN /* "no watermark yet" */
#define SL_TIME_MAX INT64_MAX /* "nothing more will come" */

struct sl_batch {
    atomic_int refs;
    struct sl_schema *schema;
    size_t rows; /* physical rows in each column */
    size_t selected;
    uint32_t *selection; /* NULL: all rows, selected == rows */
    struct sl_buffer *selection_owner;
    struct sl_column **columns;
};

/* New batch with a reference to schema taken and columns all NULL. NULL on failure. */
struct sl_batch *sl_batch_new(struct sl_schema *schema, size_t rows);
struct sl_batch *sl_batch_ref(struct sl_batch *b);
void sl_batch_unref(struct sl_batch *b);

/* The first promise above that b or one of its columns breaks, in words; NULL if there is none. It
 * looks at every row: see SL_CHECK. */
const char *sl_batch_check(const struct sl_batch *b);

/* A batch with the same rows and columns (shared), and this selection (n row
 * numbers; ownership of the buffer's reference passes). */
struct sl_batch *sl_batch_select(struct sl_batch *b, struct sl_buffer *selection, size_t n,
                                 struct sl_err *err);
/* b with a selection of the n given physical rows (copied). NULL with err filled. */
struct sl_batch *sl_batch_pick(struct sl_batch *b, const uint32_t *rows, size_t n,
                               struct sl_account *account, struct sl_err *err);
/* No selection left and no gaps: b itself (new reference) or its columns taken. */
struct sl_batch *sl_batch_compact(struct sl_batch *b, struct sl_account *account,
                                  struct sl_err *err);
/* Rows [from, from + n) of the selected rows. */
struct sl_batch *sl_batch_slice(struct sl_batch *b, size_t from, size_t n, struct sl_err *err);
/* b cast to a schema with the same or more columns (by name; missing ones are null). */
struct sl_batch *sl_batch_cast(struct sl_batch *b, struct sl_schema *to, struct sl_err *err);
/* What holds of every batch and costs nothing to look at, for an assert at each door. */
static inline int sl_batch_is_sound(const struct sl_batch *b)
{
    return b && b->refs > 0 && b->schema && (b->columns || !b->schema->nfields) &&
           (b->selection ? b->selected <= b->rows : b->selected == b->rows);
}
/* Physical row of the k-th selected one. */
static inline size_t sl_batch_row(const struct sl_batch *b, size_t k)
{
    return b->selection ? b->selection[k] : k;
}

#endif

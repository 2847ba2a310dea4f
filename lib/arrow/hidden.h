/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * hidden: the names of columns that stages make for each other.
 *
 * A hidden column travels with its rows through operators, states and frames, because it is a
 * column. Text does not show it, and logs do not keep it. `_rest` is half hidden: it is shown where
 * it has a value.
 *
 * `_partition` and `_offset` say where a row lies in the log that it was read from. A source adds them
 * where the order in which its rows arrive is not the order of the log (several partitions), if an
 * operator ranks rows, or the rows go down a pipe; then the schema says SL_META_ORDER "hidden". With
 * --meta they are columns like others, and the schema says "shown". Without SL_META_ORDER columns of
 * these names are the user's own, and rows that are ranked rank by their arrival.
 *
 * `_kind` says what a row does to the table that the rows make: "+I" a new row, "-U" and "+U" a row
 * before and after an update, "-D" a deletion; without the column all rows are new. It is an ordinary
 * column, which text shows and logs keep: without it a deletion would look like a row. Nothing in
 * sluice makes one yet.
 */
#ifndef SL_ARROW_HIDDEN_H
#define SL_ARROW_HIDDEN_H

#include "arrow/batch.h"

#define SL_HIDDEN_WM        "_wm" /* timestamptz: the watermark of the row, see flow/watermark.c */
#define SL_HIDDEN_PARTITION "_partition" /* bigint: where the row lies in its log */
#define SL_HIDDEN_OFFSET    "_offset"    /* bigint */
#define SL_HIDDEN_KIND      "_kind"      /* text */
#define SL_REST             "_rest"      /* jsonb: an object of the keys that have no column */

/* Index of the column, or -1. */
static inline int sl_hidden_wm(const struct sl_schema *s)
{
    return sl_schema_find(s, SL_HIDDEN_WM, strlen(SL_HIDDEN_WM));
}
static inline int sl_rest_column(const struct sl_schema *s) /* of any type */
{
    return sl_schema_find(s, SL_REST, strlen(SL_REST));
}
/* The columns that rank rows: 1 and where they are, or 0 and -1, -1. */
int sl_hidden_order(const struct sl_schema *s, int *partition, int *offset);
/* Whether column i is hidden. */
int sl_hidden_is(const struct sl_schema *s, int i);
/* The schema, and a batch, without hidden columns and, if there were any, without metadata. New references; NULL with err filled. */
struct sl_schema *sl_hidden_schema(struct sl_schema *s, struct sl_err *err);
struct sl_batch *sl_hidden_strip(struct sl_batch *b, struct sl_err *err);

#endif

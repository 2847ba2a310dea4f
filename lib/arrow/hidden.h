/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * hidden: the names of columns that stages make for each other.
 *
 * A hidden column travels with its rows through operators and frames, because it is a column. Text
 * and logs do not show it. `_rest` is half hidden: it is shown where it has a value.
 */
#ifndef SL_ARROW_HIDDEN_H
#define SL_ARROW_HIDDEN_H

#include "arrow/batch.h"

#define SL_HIDDEN_WM         "_wm" /* timestamptz: the watermark of the row, see flow/watermark.c */
#define SL_VIRTUAL_PARTITION "_partition" /* bigint: where the row lies in its log, for --meta */
#define SL_VIRTUAL_OFFSET    "_offset"    /* bigint */
#define SL_REST              "_rest"      /* jsonb: an object of the keys that have no column */

/* Index of the column, or -1. */
static inline int sl_hidden_wm(const struct sl_schema *s)
{
    return sl_schema_find(s, SL_HIDDEN_WM, strlen(SL_HIDDEN_WM));
}
static inline int sl_rest_column(const struct sl_schema *s) /* of any type */
{
    return sl_schema_find(s, SL_REST, strlen(SL_REST));
}
int sl_hidden_is(const char *name);
/* The schema, and a batch, without hidden columns. New references; NULL with err filled. */
struct sl_schema *sl_hidden_schema(struct sl_schema *s, struct sl_err *err);
struct sl_batch *sl_hidden_strip(struct sl_batch *b, struct sl_err *err);

#endif

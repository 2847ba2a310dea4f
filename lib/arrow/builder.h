/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * builder: makes a column row by row.
 *
 * Text starts as a dictionary and turns plain when too many values differ, so that columns of few
 * values stay small through the whole pipeline. Call order: init, append x rows, finish (which
 * leaves the builder ready for the next batch) or release. Appends report failure through `failed`
 * (checked by finish), so that the hot loops need not. A FOREIGN column is built from rows of
 * others (sl_builder_row) and nulls only; the builder keeps references to them until finish.
 */
#ifndef SL_ARROW_BUILDER_H
#define SL_ARROW_BUILDER_H

#include "arrow/column.h"
#include "arrow/dictionary.h"

struct sl_builder_parts;

struct sl_builder {
    struct sl_type type;
    struct sl_account *account;
    size_t rows, cap;
    size_t nulls;
    struct sl_buffer *valid, *data, *offsets;
    struct sl_dictionary *dict;     /* text being built as a dictionary, NULL when plain */
    int use_dict;                   /* start text as a dictionary */
    int failed;                     /* 0, or the enum sl_code of the first failure */
    struct sl_builder_parts *parts; /* FOREIGN: rows to take when the column is finished */
};

/* account (may be NULL) is charged for what is built. use_dict: TEXT starts as a dictionary. */
void sl_builder_init(struct sl_builder *b, struct sl_type type, struct sl_account *account,
                     int use_dict);
void sl_builder_release(struct sl_builder *b);
/* Each appends one row; the type of the value is the builder's. */
void sl_builder_null(struct sl_builder *b);
void sl_builder_bool(struct sl_builder *b, int v);
void sl_builder_int(struct sl_builder *b, int64_t v);      /* BIGINT, TIMESTAMP, NUMERIC <= 18 */
void sl_builder_int128(struct sl_builder *b, sl_int128 v); /* NUMERIC of any precision */
void sl_builder_double(struct sl_builder *b, double v);
void sl_builder_date(struct sl_builder *b, int32_t days);
void sl_builder_interval(struct sl_builder *b, struct sl_interval v);
void sl_builder_bytes(struct sl_builder *b, const void *s, size_t n); /* TEXT, BYTEA, JSONB */
/* Row i of c (same type, loaded). */
void sl_builder_row(struct sl_builder *b, const struct sl_column *c, size_t i);
/* The column; the builder is empty again. NULL with err filled. */
struct sl_column *sl_builder_finish(struct sl_builder *b, struct sl_err *err);

#endif

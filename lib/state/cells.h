/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * cells: values of one type, by index: the keys of groups, the extremes of min and max.
 *
 * A cell is unset, null or holds a value. Fixed-width values lie in a typed array; texts in one
 * growing block, where a longer text takes a new place and a shorter one its old place; when more
 * than half of the block is waste it is packed anew.
 *
 * Call order: init; reserve(n) before cells below n are touched; put; release.
 */
#ifndef SL_STATE_CELLS_H
#define SL_STATE_CELLS_H

#include "arrow/builder.h"
#include "state/vec.h"

/* How a type is held: in 8 bytes (BOOL, BIGINT, DOUBLE as its bits, NUMERIC up to 18 digits,
 * TIMESTAMP, DATE), in 16 (wide NUMERIC, INTERVAL), as bytes; or not at all. */
enum sl_cell_class { SL_CELL_NONE, SL_CELL_8, SL_CELL_16, SL_CELL_BYTES };
enum sl_cell_class sl_cell_class(struct sl_type t);

enum sl_cell_state { SL_CELL_UNSET, SL_CELL_NULL, SL_CELL_VALUE };

struct sl_cells {
    struct sl_type type;
    enum sl_cell_class class;
    size_t n;            /* cells reserved */
    struct sl_vec value; /* int64_t, sl_int128 or struct sl_slice */
    struct sl_vec state; /* uint8_t, enum sl_cell_state */
    struct sl_vec bytes;
    size_t used, wasted; /* of bytes */
};

struct sl_slice {
    uint64_t at;
    uint32_t len, cap;
};

void sl_cells_init(struct sl_cells *c, struct sl_type type, struct sl_account *account);
void sl_cells_release(struct sl_cells *c);
int sl_cells_reserve(struct sl_cells *c, size_t n, struct sl_err *err);

void sl_cells_clear(struct sl_cells *c, size_t i); /* unset */
void sl_cells_put_null(struct sl_cells *c, size_t i);
void sl_cells_put8(struct sl_cells *c, size_t i, int64_t v);
void sl_cells_put16(struct sl_cells *c, size_t i, sl_int128 v);
int sl_cells_put_bytes(struct sl_cells *c, size_t i, const void *s, size_t n, struct sl_err *err);
/* Row of a column of the same type, in any loaded form. */
int sl_cells_put_row(struct sl_cells *c, size_t i, const struct sl_column *col, size_t row,
                     struct sl_err *err);

static inline enum sl_cell_state sl_cells_state(const struct sl_cells *c, size_t i)
{
    return (enum sl_cell_state)((const uint8_t *)c->state.data)[i];
}
static inline int64_t sl_cells_get8(const struct sl_cells *c, size_t i)
{
    return ((const int64_t *)c->value.data)[i];
}
static inline const char *sl_cells_bytes(const struct sl_cells *c, size_t i, size_t *len)
{
    const struct sl_slice *s = (const struct sl_slice *)c->value.data + i;
    *len = s->len;
    return s->len ? (const char *)c->bytes.data + s->at : "";
}

/* Cell k of another table of the same type. */
int sl_cells_copy(struct sl_cells *c, size_t i, const struct sl_cells *from, size_t k,
                  struct sl_err *err);
/* 1 if two cells of one type have the same bytes; nulls are equal. */
int sl_cells_equal(const struct sl_cells *a, size_t i, const struct sl_cells *b, size_t k);
/* Order of two cells of one type: values, then nulls and unset ones; NaN after all numbers, -0
 * before 0. */
int sl_cells_compare(const struct sl_cells *a, size_t i, const struct sl_cells *b, size_t k);
/* Same, of a cell and a non-null row. */
int sl_cells_compare_row(const struct sl_cells *c, size_t i, const struct sl_column *col,
                         size_t row);
/* 63 bits that order like the values do, as far as they go. */
uint64_t sl_cells_prefix(const struct sl_cells *c, size_t i);
/* Appends the value, or null. */
void sl_cells_build(const struct sl_cells *c, size_t i, struct sl_builder *b);

/* As bytes that cells_unpack reads back (little-endian): for states at a barrier. */
void sl_cells_pack(const struct sl_cells *c, size_t i, struct sl_buf *out);
/* Reads one packed cell from *s, moving it; SL_ECORRUPT if it is none. */
int sl_cells_unpack(struct sl_cells *c, size_t i, const char **s, const char *end,
                    struct sl_err *err);

/* ---- values of columns, used here and by accumulators ---- */

/* The 8 bytes of a non-null row of a loaded column of a SL_CELL_8 type. */
int64_t sl_column_get8(const struct sl_column *c, size_t row);
sl_int128 sl_column_get16(const struct sl_column *c, size_t row);
/* Doubles as integers of the same order: -inf .. -0, 0 .. inf, NaN (all NaN are one). */
static inline int64_t sl_double_order(double d)
{
    int64_t v;
    if (d != d)
        return INT64_MAX;
    memcpy(&v, &d, sizeof(v));
    return v < 0 ? (int64_t)(~(uint64_t)v ^ 0x8000000000000000u) : v;
}
/* 63 order-keeping bits of a non-null row (any form, any type that sorts). */
uint64_t sl_column_prefix(const struct sl_column *c, size_t row);

#endif

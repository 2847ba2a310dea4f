/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * column: one column of a batch, immutable and shared by reference.
 *
 * Form says how the rows are held:
 *   PLAIN  data (and offsets) hold every row, as arrow/type.h says
 *   DICT   data holds int32_t codes, one a row, into dict (a PLAIN column); a null row is null by
 *          `valid`, its code is 0
 *   CONST  data (and offsets) hold one value that stands for all rows; valid, if set, has one bit
 *   LAZY   nothing is held yet: sl_column_load decodes on first touch
 * Invariants: (1) valid == NULL iff no row is null; bits beyond rows are undefined. (2) bytes of a
 * null row are undefined but readable. (3) DICT codes are < dict->rows. (4) every pointer lives as
 * long as the column: buffers are held in owner, but for the values of a CONST null. (5) a dict is never DICT, CONST or LAZY itself,
 * has at least one row, and none of its rows is null. (6) offsets rise, but offsets[0] need not be
 * 0 (slices share memory). (7) a CONST column of a FOREIGN type is null throughout. A column is
 * used by one thread at a time while LAZY; afterwards by any number.
 *
 * Ownership: functions that return a column give one reference; arguments are borrowed.
 */
#ifndef SL_ARROW_COLUMN_H
#define SL_ARROW_COLUMN_H

#include <stdatomic.h>
#include "arrow/type.h"
#include "base/mem.h"

enum sl_form { SL_PLAIN, SL_DICT, SL_CONST, SL_LAZY };

struct sl_column;

/* How to decode a LAZY column: fills *c's form, valid, data, offsets, dict, owner in place. */
struct sl_lazy {
    int (*load)(struct sl_lazy *l, struct sl_column *c, struct sl_err *err);
    void (*free)(struct sl_lazy *l);
};

enum { SL_COLUMN_OWNERS = 4 };

struct sl_column {
    atomic_int refs;
    struct sl_type type;
    uint8_t form; /* enum sl_form */
    size_t rows;
    const uint8_t *valid;
    const void *data;
    const int32_t *offsets; /* rows + 1 (CONST: 2) */
    struct sl_column *dict;
    struct sl_column **children; /* FOREIGN nested types */
    int nchildren;
    struct sl_buffer *owner[SL_COLUMN_OWNERS]; /* 0 valid, 1 data, 2 offsets, 3 any */
    struct sl_lazy *lazy;
};

/* Zeroed, one reference, form PLAIN; the caller fills it. NULL on failure. */
struct sl_column *sl_column_new(struct sl_type type, size_t rows);
struct sl_column *sl_column_ref(struct sl_column *c);
void sl_column_unref(struct sl_column *c); /* NULL is fine */

/* The first promise above that c breaks, in words; NULL if it keeps them all. Nothing is loaded. It
 * looks at every row: see SL_CHECK. */
const char *sl_column_check(const struct sl_column *c);

/* What holds of every column and costs nothing to look at, for an assert at each door. */
static inline int sl_column_is_sound(const struct sl_column *c)
{
    return c && c->refs > 0 && c->form <= SL_LAZY && (c->form != SL_DICT || c->dict) &&
           (c->form != SL_LAZY || c->lazy);
}
static inline int sl_column_is_loaded(const struct sl_column *c)
{
    return sl_column_is_sound(c) && c->form != SL_LAZY;
}

/* Decodes a LAZY column in place; no work for other forms. 0 or < 0. */
int sl_column_load(struct sl_column *c, struct sl_err *err);

static inline int sl_bit(const uint8_t *bits, size_t i)
{
    return (bits[i >> 3] >> (i & 7)) & 1;
}
static inline void sl_bit_set(uint8_t *bits, size_t i)
{
    bits[i >> 3] |= (uint8_t)(1u << (i & 7));
}
static inline void sl_bit_clear(uint8_t *bits, size_t i)
{
    bits[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}
size_t sl_bits_count(const uint8_t *bits, size_t n); /* set bits among the first n */

/* 1 if row i is null. The column is loaded. */
static inline int sl_column_null(const struct sl_column *c, size_t i)
{
    return c->valid && !sl_bit(c->valid, c->form == SL_CONST ? 0 : i);
}
/* Position of row i in the column that holds values: *holder is c or c->dict. */
static inline size_t sl_column_slot(const struct sl_column *c, size_t i,
                                    const struct sl_column **holder)
{
    if (c->form == SL_DICT) {
        *holder = c->dict;
        return (size_t)((const int32_t *)c->data)[i];
    }
    *holder = c;
    return c->form == SL_CONST ? 0 : i;
}
/* Bytes of a non-null row of a TEXT, BYTEA or JSONB column in any loaded form. */
static inline const char *sl_column_bytes(const struct sl_column *c, size_t i, size_t *len)
{
    const struct sl_column *h;
    size_t k = sl_column_slot(c, i, &h);
    *len = (size_t)(h->offsets[k + 1] - h->offsets[k]);
    return (const char *)h->data + h->offsets[k];
}

/* The order of two such values, by bytes. */
static inline int sl_bytes_order(const char *s, size_t n, const char *t, size_t m)
{
    int order = n && m ? memcmp(s, t, SL_MIN(n, m)) : 0;
    return order ? order : (n > m) - (n < m);
}
static inline int sl_column_bytes_order(const struct sl_column *a, size_t i,
                                        const struct sl_column *b, size_t k)
{
    size_t n, m;
    const char *s = sl_column_bytes(a, i, &n), *t = sl_column_bytes(b, k, &m);
    return sl_bytes_order(s, n, t, m);
}

/* Rows sel[0..n) as a new column (sel NULL: all rows, any form made PLAIN or kept DICT or CONST).
 * Loads c. NULL with err filled on failure. */
struct sl_column *sl_column_take(struct sl_column *c, const uint32_t *sel, size_t n,
                                 struct sl_account *account, struct sl_err *err);
/* Rows [from, from + n). Shares memory where it can. */
struct sl_column *sl_column_slice(struct sl_column *c, size_t from, size_t n, struct sl_err *err);
/* The same values in the PLAIN form (a new reference to c itself if it is PLAIN). */
struct sl_column *sl_column_plain(struct sl_column *c, struct sl_account *account,
                                  struct sl_err *err);
/* n columns of one type (and any forms) one after the other. */
struct sl_column *sl_column_concat(struct sl_column *const *parts, size_t n,
                                   struct sl_account *account, struct sl_err *err);
/* A column of rows nulls (CONST). */
struct sl_column *sl_column_nulls(struct sl_type type, size_t rows, struct sl_err *err);
/* Lossless cast to a wider type, as sl_type_widen allows; to text prints as the text writer does.
 * A new reference to c itself if the types are equal. */
struct sl_column *sl_column_cast(struct sl_column *c, struct sl_type to, struct sl_err *err);
/* Order and equality of two rows of columns of one type, nulls last, NaN after all numbers; text by
 * bytes. < 0, 0, > 0. Both columns are loaded. */
int sl_column_compare(const struct sl_column *a, size_t i, const struct sl_column *b, size_t k);
/* Appends row i as text, as the text writers print it; nothing for null. */
void sl_column_print(const struct sl_column *c, size_t i, struct sl_buf *out);

#endif

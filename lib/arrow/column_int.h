/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* column_int: what the column kernels of this layer share; not for other layers. */
#ifndef SL_ARROW_COLUMN_INT_H
#define SL_ARROW_COLUMN_INT_H

#include "arrow/column.h"
#include "arrow/foreign.h"

static inline size_t sl_bits_bytes(size_t bits)
{
    return (bits + 7) / 8;
}

/* n bits from src, beginning at bit from, to dst at bit at; other bits of dst stay. */
void sl_bits_copy(uint8_t *dst, size_t at, const uint8_t *src, size_t from, size_t n);
/* n bits of dst from bit at on become bit (0 or 1). */
void sl_bits_fill(uint8_t *dst, size_t at, size_t n, int bit);
/* dst bit k = src bit sel[k]; dst holds n bits from its bit 0. */
void sl_bits_take(uint8_t *dst, const uint8_t *src, const uint32_t *sel, size_t n);

/* Puts a buffer (its reference passes) into owner[slot] and returns its data. */
static inline void *sl_column_own(struct sl_column *c, int slot, struct sl_buffer *b)
{
    assert(!c->owner[slot]);
    c->owner[slot] = b;
    return b->data;
}
/* New buffers in c of the usual kind: data, validity, offsets. NULL with err filled. */
void *sl_column_own_data(struct sl_column *c, size_t bytes, struct sl_account *a,
                         struct sl_err *err);
uint8_t *sl_column_own_valid(struct sl_column *c, struct sl_account *a, struct sl_err *err);
int32_t *sl_column_own_offsets(struct sl_column *c, struct sl_account *a, struct sl_err *err);
/* Shares all that c holds under another row count. */
struct sl_column *sl_column_share(const struct sl_column *c, size_t rows, struct sl_err *err);
/* Validity as it is, by reference. */
static inline void sl_column_share_valid(struct sl_column *out, const struct sl_column *c)
{
    out->valid = c->valid;
    out->owner[0] = c->valid && c->owner[0] ? sl_buffer_ref(c->owner[0]) : NULL;
}
/* A column that was made, or NULL if that failed: it is gone then. */
static inline struct sl_column *sl_column_if(int ok, struct sl_column *out)
{
    if (ok)
        return out;
    sl_column_unref(out);
    return NULL;
}
/* \x and two digits for each byte. */
void sl_print_hex(const char *s, size_t n, struct sl_buf *out);
/* Drops valid if no row is null (invariant 1). */
void sl_column_trim_valid(struct sl_column *c);
/* Validity of rows [from, from + n) of c into out. 0 or < 0. */
int sl_column_slice_valid(struct sl_column *out, const struct sl_column *c, size_t from, size_t n,
                          struct sl_err *err);
/* Validity of rows sel[0..n) of c (PLAIN or DICT) into out. */
int sl_column_take_valid(struct sl_column *out, const struct sl_column *c, const uint32_t *sel,
                         size_t n, struct sl_account *a, struct sl_err *err);
/* Offsets and bytes of rows sel[0..n) of a column of bytes. */
int sl_column_take_bytes(struct sl_column *out, const struct sl_column *c, const uint32_t *sel,
                         size_t n, struct sl_account *a, struct sl_err *err);
/* n values of width bytes, dst[k] = src[sel[k]]. */
void sl_values_take(void *dst, const void *src, size_t width, const uint32_t *sel, size_t n);
/* Validity of the parts one after the other, into out. */
int sl_column_concat_valid(struct sl_column *out, struct sl_column *const *parts, size_t n,
                           struct sl_account *a, struct sl_err *err);
/* Their offsets and bytes; sl_column_too_large beyond 2 GiB. */
int sl_column_concat_bytes(struct sl_column *out, struct sl_column *const *parts, size_t n,
                           struct sl_account *a, struct sl_err *err);
/* SL_EOVERFLOW: 32-bit offsets do not reach so far. */
int sl_column_too_large(struct sl_err *err);

/* The same for FOREIGN columns in the PLAIN form (foreign_kernel.c, foreign_value.c). */
struct sl_column *sl_foreign_take(struct sl_column *c, const uint32_t *sel, size_t n,
                                  struct sl_account *a, struct sl_err *err);
struct sl_column *sl_foreign_slice(struct sl_column *c, size_t from, size_t n, struct sl_err *err);
struct sl_column *sl_foreign_concat(struct sl_column *const *parts, size_t n, struct sl_account *a,
                                    struct sl_err *err);
struct sl_column *sl_foreign_nulls(struct sl_type type, size_t n, struct sl_account *a,
                                   struct sl_err *err);
int sl_foreign_compare(const struct sl_column *a, size_t i, const struct sl_column *b, size_t k);
/* json: as a JSON value (inside another); else as a bare value. */
void sl_foreign_print(const struct sl_column *c, size_t i, int json, struct sl_buf *out);
/* IEEE 754 half precision. */
double sl_half_to_double(uint16_t h);

#endif

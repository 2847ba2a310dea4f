/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* column: life, loading, bitmaps and slices. Kernels that copy values are in column_take.c,
 * column_concat.c and column_cast.c; order and printing in column_value.c. */
#include "arrow/column.h"

#include "arrow/column_int.h"

struct sl_column *sl_column_new(struct sl_type type, size_t rows)
{
    struct sl_column *c = sl_calloc(1, sizeof *c);
    if (!c)
        return NULL;
    atomic_init(&c->refs, 1);
    c->type = sl_type_ref(type);
    c->rows = rows;
    return c;
}

struct sl_column *sl_column_ref(struct sl_column *c)
{
    int held = atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    assert(held > 0);
    return c;
}

void sl_column_unref(struct sl_column *c)
{
    assert(!c || c->refs > 0);
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    sl_column_unref(c->dict);
    for (int i = 0; i < c->nchildren; i++)
        sl_column_unref(c->children[i]);
    free(c->children);
    for (int i = 0; i < SL_COLUMN_OWNERS; i++)
        sl_buffer_unref(c->owner[i]);
    if (c->lazy)
        c->lazy->free(c->lazy);
    sl_type_unref(c->type);
    free(c);
}

int sl_column_load(struct sl_column *c, struct sl_err *err)
{
    assert(sl_column_is_sound(c));
    if (SL_LIKELY(c->form != SL_LAZY))
        return 0;
    struct sl_lazy *l = c->lazy;
    int rc = l->load(l, c, err);
    if (rc < 0)
        return rc;
    assert(c->form != SL_LAZY);
    c->lazy = NULL;
    l->free(l);
    return 0;
}

/* ---- bitmaps ---- */

size_t sl_bits_count(const uint8_t *bits, size_t n)
{
    assert(bits || !n);
    size_t count = 0, i = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t w;
        memcpy(&w, bits + i / 8, 8);
        count += (size_t)__builtin_popcountll(w);
    }
    for (; i + 8 <= n; i += 8)
        count += (size_t)__builtin_popcount(bits[i / 8]);
    if (i < n)
        count += (size_t)__builtin_popcount(bits[i / 8] & ((1u << (n - i)) - 1));
    return count;
}

void sl_bits_fill(uint8_t *dst, size_t at, size_t n, int bit)
{
    assert(dst || !n);
    for (; n && (at & 7); at++, n--)
        bit ? sl_bit_set(dst, at) : sl_bit_clear(dst, at);
    memset(dst + at / 8, bit ? 0xff : 0, n / 8);
    at += n & ~(size_t)7;
    for (n &= 7; n; at++, n--)
        bit ? sl_bit_set(dst, at) : sl_bit_clear(dst, at);
}

void sl_bits_copy(uint8_t *dst, size_t at, const uint8_t *src, size_t from, size_t n)
{
    assert(dst && src);
    for (; n && (at & 7); at++, from++, n--)
        sl_bit(src, from) ? sl_bit_set(dst, at) : sl_bit_clear(dst, at);
    uint8_t *d = dst + at / 8;
    const uint8_t *s = src + from / 8;
    unsigned shift = from & 7;
    size_t bytes = n / 8;
    if (!shift) {
        if (bytes)
            memcpy(d, s, bytes);
    } else {
        for (size_t i = 0; i < bytes; i++)
            d[i] = (uint8_t)(s[i] >> shift | s[i + 1] << (8 - shift));
    }
    for (size_t i = bytes * 8; i < n; i++)
        sl_bit(src, from + i) ? sl_bit_set(dst, at + i) : sl_bit_clear(dst, at + i);
}

void sl_bits_take(uint8_t *dst, const uint8_t *src, const uint32_t *sel, size_t n)
{
    assert((dst && src && sel) || !n);
    size_t k = 0;
    for (; k + 8 <= n; k += 8) {
        unsigned byte = 0;
        for (unsigned j = 0; j < 8; j++)
            byte |= (unsigned)sl_bit(src, sel[k + j]) << j;
        dst[k / 8] = (uint8_t)byte;
    }
    if (k < n) {
        unsigned byte = 0;
        for (unsigned j = 0; k + j < n; j++)
            byte |= (unsigned)sl_bit(src, sel[k + j]) << j;
        dst[k / 8] = (uint8_t)byte;
    }
}

/* ---- buffers of a column ---- */

void *sl_column_own_data(struct sl_column *c, size_t bytes, struct sl_account *a,
                         struct sl_err *err)
{
    struct sl_buffer *b = sl_buffer_new(a, bytes);
    if (!b)
        return sl_err_no_memory(err, "a column");
    c->data = sl_column_own(c, 1, b);
    return b->data;
}

uint8_t *sl_column_own_valid(struct sl_column *c, struct sl_account *a, struct sl_err *err)
{
    assert(!c->valid);
    struct sl_buffer *b = sl_buffer_new(a, sl_bits_bytes(c->rows));
    if (!b)
        return sl_err_no_memory(err, "a column");
    c->valid = sl_column_own(c, 0, b);
    return b->data;
}

int32_t *sl_column_own_offsets(struct sl_column *c, struct sl_account *a, struct sl_err *err)
{
    assert(!c->offsets);
    struct sl_buffer *b = sl_buffer_new(a, (c->rows + 1) * sizeof(int32_t));
    if (!b)
        return sl_err_no_memory(err, "a column");
    c->offsets = sl_column_own(c, 2, b);
    return (int32_t *)b->data;
}

void sl_column_trim_valid(struct sl_column *c)
{
    if (!c->valid || sl_bits_count(c->valid, c->rows) != c->rows)
        return;
    c->valid = NULL;
    sl_buffer_unref(c->owner[0]);
    c->owner[0] = NULL;
}

int sl_column_too_large(struct sl_err *err)
{
    return sl_err_set(err, SL_EOVERFLOW, "the values of one column of one batch exceed 2 GiB");
}

/* Shares what a slice shares: all but validity. */
static struct sl_column *share_values(const struct sl_column *c, size_t rows, struct sl_err *err)
{
    struct sl_column *out = sl_column_new(c->type, rows);
    if (!out)
        goto nomem;
    out->form = c->form;
    out->data = c->data;
    out->offsets = c->offsets;
    out->dict = c->dict ? sl_column_ref(c->dict) : NULL;
    for (int i = 1; i < SL_COLUMN_OWNERS; i++)
        out->owner[i] = c->owner[i] ? sl_buffer_ref(c->owner[i]) : NULL;
    if (!c->nchildren)
        return out;
    out->children = sl_calloc((size_t)c->nchildren, sizeof(*out->children));
    if (!out->children)
        goto nomem;
    for (; out->nchildren < c->nchildren; out->nchildren++)
        out->children[out->nchildren] = sl_column_ref(c->children[out->nchildren]);
    return out;
nomem:
    sl_column_unref(out);
    sl_err_nomem(err, "a column");
    return NULL;
}

struct sl_column *sl_column_share(const struct sl_column *c, size_t rows, struct sl_err *err)
{
    assert(sl_column_is_sound(c));
    assert(c->form != SL_LAZY);
    struct sl_column *out = share_values(c, rows, err);
    if (out && c->valid) {
        out->valid = c->valid;
        /* whoever holds the bits: validity may lie in a buffer of another slot */
        out->owner[0] = c->owner[0] ? sl_buffer_ref(c->owner[0]) : NULL;
    }
    return out;
}

int sl_column_slice_valid(struct sl_column *out, const struct sl_column *c, size_t from, size_t n,
                          struct sl_err *err)
{
    assert(from <= c->rows && n <= c->rows - from);
    if (!c->valid)
        return 0;
    if (from % 8 == 0) {
        out->valid = c->valid + from / 8;
        out->owner[0] = c->owner[0] ? sl_buffer_ref(c->owner[0]) : NULL;
    } else {
        uint8_t *bits = sl_column_own_valid(out, NULL, err);
        if (!bits)
            return -SL_ENOMEM;
        sl_bits_copy(bits, 0, c->valid, from, n);
    }
    sl_column_trim_valid(out);
    return 0;
}

/* BOOL values from a bit that is not at a byte's start. */
static int slice_bits(struct sl_column *out, const struct sl_column *c, size_t from, size_t n,
                      struct sl_err *err)
{
    if (from % 8 == 0) {
        out->data = (const uint8_t *)c->data + from / 8;
        return 0;
    }
    sl_buffer_unref(out->owner[1]);
    out->owner[1] = NULL;
    uint8_t *bits = sl_column_own_data(out, sl_bits_bytes(n), NULL, err);
    if (!bits)
        return -SL_ENOMEM;
    sl_bits_copy(bits, 0, c->data, from, n);
    return 0;
}

struct sl_column *sl_column_slice(struct sl_column *c, size_t from, size_t n, struct sl_err *err)
{
    assert(sl_column_is_sound(c) && from <= c->rows && n <= c->rows - from);
    if (sl_column_load(c, err) < 0)
        return NULL;
    assert(from <= c->rows && n <= c->rows - from);
    if (n == c->rows)
        return sl_column_ref(c);
    if (c->form == SL_CONST)
        return sl_column_share(c, n, err);
    if (c->type.kind == SL_FOREIGN)
        return sl_foreign_slice(c, from, n, err);
    struct sl_column *out = share_values(c, n, err);
    if (!out)
        return NULL;
    int rc = 0;
    if (c->form == SL_DICT)
        out->data = (const int32_t *)c->data + from;
    else if (c->type.kind == SL_BOOL)
        rc = slice_bits(out, c, from, n, err);
    else if (sl_type_is_bytes(c->type))
        out->offsets = c->offsets + from;
    else
        out->data = (const uint8_t *)c->data + from * sl_type_width(c->type);
    return sl_column_if(rc == 0 && sl_column_slice_valid(out, c, from, n, err) == 0, out);
}

struct sl_column *sl_column_nulls(struct sl_type type, size_t rows, struct sl_err *err)
{
    assert(type.kind >= SL_BOOL && type.kind <= SL_DECIMAL);
    /* One zero value that stands for every row; also its offsets and its (null) bit. */
    static const uint64_t zero[4];
    static const uint8_t null_bit[8];
    struct sl_column *c = sl_column_new(type, rows);
    if (!c)
        return sl_err_no_memory(err, "a column");
    c->form = SL_CONST;
    c->data = zero;
    c->offsets = (const int32_t *)zero;
    c->valid = null_bit;
    return c;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * column_take: chosen rows of a column, and the PLAIN form of a column.
 *
 * DICT and CONST columns keep their form (codes are taken, the dictionary is shared); PLAIN ones
 * are copied, with a copy loop for each width.
 */
#include "arrow/column_int.h"

#define TAKE(type)                                                                                 \
    do {                                                                                           \
        type *d_ = dst;                                                                            \
        const type *s_ = src;                                                                      \
        for (size_t k = 0; k < n; k++)                                                             \
            d_[k] = s_[sel[k]];                                                                    \
    } while (0)

void sl_values_take(void *dst, const void *src, size_t width, const uint32_t *sel, size_t n)
{
    assert(width > 0 && (sel || !n));
    struct pair {
        uint64_t a, b;
    };
    switch (width) {
    case 1: TAKE(uint8_t); return;
    case 2: TAKE(uint16_t); return;
    case 4: TAKE(uint32_t); return;
    case 8: TAKE(uint64_t); return;
    case 16: TAKE(struct pair); return;
    default: break;
    }
    for (size_t k = 0; k < n; k++)
        memcpy((uint8_t *)dst + k * width, (const uint8_t *)src + sel[k] * width, width);
}

int sl_column_take_valid(struct sl_column *out, const struct sl_column *c, const uint32_t *sel,
                         size_t n, struct sl_account *a, struct sl_err *err)
{
    assert(sl_column_is_loaded(c) && (sel || !n));
    if (!c->valid)
        return 0;
    uint8_t *bits = sl_column_own_valid(out, a, err);
    if (!bits)
        return -SL_ENOMEM;
    sl_bits_take(bits, c->valid, sel, n);
    sl_column_trim_valid(out);
    return 0;
}

int sl_column_take_bytes(struct sl_column *out, const struct sl_column *c, const uint32_t *sel,
                         size_t n, struct sl_account *a, struct sl_err *err)
{
    assert(sl_column_is_loaded(c) && (sel || !n));
    enum { WIDE = 16 }; /* short values are copied whole words at a time */
    const int32_t *from = c->offsets;
    int32_t *to = sl_column_own_offsets(out, a, err);
    if (!to)
        return -SL_ENOMEM;
    uint64_t total = 0;
    for (size_t k = 0; k < n; k++) {
        to[k] = (int32_t)total;
        total += (uint32_t)(from[sel[k] + 1] - from[sel[k]]);
        if (SL_UNLIKELY(total > INT32_MAX))
            return sl_column_too_large(err);
    }
    to[n] = (int32_t)total;
    uint8_t *d = sl_column_own_data(out, total, a, err);
    if (!d)
        return -SL_ENOMEM;
    const uint8_t *s = c->data;
    int64_t safe = (int64_t)from[c->rows] - WIDE; /* last place where WIDE bytes are readable */
    for (size_t k = 0; k < n; k++) {
        int32_t at = from[sel[k]], len = to[k + 1] - to[k];
        if (len <= WIDE && at <= safe)
            memcpy(d + to[k], s + at, WIDE); /* d has slack behind its end */
        else if (len)
            memcpy(d + to[k], s + at, (size_t)len);
    }
    return 0;
}

static int take_plain(struct sl_column *out, const struct sl_column *c, const uint32_t *sel,
                      size_t n, struct sl_account *a, struct sl_err *err)
{
    if (sl_type_is_bytes(c->type))
        return sl_column_take_bytes(out, c, sel, n, a, err);
    if (c->type.kind == SL_BOOL) {
        uint8_t *bits = sl_column_own_data(out, sl_bits_bytes(n), a, err);
        if (!bits)
            return -SL_ENOMEM;
        sl_bits_take(bits, c->data, sel, n);
        return 0;
    }
    size_t width = sl_type_width(c->type);
    void *d = sl_column_own_data(out, n * width, a, err);
    if (!d)
        return -SL_ENOMEM;
    sl_values_take(d, c->data, width, sel, n);
    return 0;
}

static int take_codes(struct sl_column *out, const struct sl_column *c, const uint32_t *sel,
                      size_t n, struct sl_account *a, struct sl_err *err)
{
    void *d = sl_column_own_data(out, n * sizeof(int32_t), a, err);
    if (!d)
        return -SL_ENOMEM;
    sl_values_take(d, c->data, sizeof(int32_t), sel, n);
    out->dict = sl_column_ref(c->dict);
    return 0;
}

struct sl_column *sl_column_take(struct sl_column *c, const uint32_t *sel, size_t n,
                                 struct sl_account *account, struct sl_err *err)
{
    assert(sl_column_is_sound(c));
    if (sl_column_load(c, err) < 0)
        return NULL;
    if (!sel)
        return sl_column_slice(c, 0, n, err);
    if (c->form == SL_CONST)
        return sl_column_share(c, n, err);
    if (c->type.kind == SL_FOREIGN)
        return sl_foreign_take(c, sel, n, account, err);
    struct sl_column *out = sl_column_new(c->type, n);
    if (!out)
        return sl_err_no_memory(err, "a column");
    out->form = c->form;
    int rc = c->form == SL_DICT ? take_codes(out, c, sel, n, account, err)
                                : take_plain(out, c, sel, n, account, err);
    return sl_column_if(rc == 0 && sl_column_take_valid(out, c, sel, n, account, err) == 0, out);
}

/* ---- PLAIN form ---- */

/* Values of a DICT column: the dictionary's rows, taken by code. */
static int expand_dict(struct sl_column *out, const struct sl_column *c, struct sl_account *a,
                       struct sl_err *err)
{
    /* codes are >= 0, so they may be read as row numbers */
    int rc = take_plain(out, c->dict, (const uint32_t *)c->data, c->rows, a, err);
    if (rc < 0 || !c->valid)
        return rc;
    sl_column_share_valid(out, c);
    return 0;
}

static int expand_const_bytes(struct sl_column *out, const struct sl_column *c,
                              struct sl_account *a, struct sl_err *err)
{
    size_t len = c->valid && !sl_bit(c->valid, 0) ? 0 : (size_t)(c->offsets[1] - c->offsets[0]);
    const uint8_t *value = (const uint8_t *)c->data + c->offsets[0];
    if (len && c->rows > INT32_MAX / len)
        return sl_column_too_large(err);
    int32_t *to = sl_column_own_offsets(out, a, err);
    uint8_t *d = to ? sl_column_own_data(out, c->rows * len, a, err) : NULL;
    if (!d)
        return -SL_ENOMEM;
    for (size_t k = 0; k < c->rows; k++) {
        to[k] = (int32_t)(k * len);
        if (len)
            memcpy(d + k * len, value, len);
    }
    to[c->rows] = (int32_t)(c->rows * len);
    return 0;
}

static int expand_const_values(struct sl_column *out, const struct sl_column *c,
                               struct sl_account *a, struct sl_err *err)
{
    size_t width = sl_type_width(c->type);
    size_t bytes = c->type.kind == SL_BOOL ? sl_bits_bytes(c->rows) : c->rows * width;
    uint8_t *d = sl_column_own_data(out, bytes, a, err);
    if (!d)
        return -SL_ENOMEM;
    if (c->type.kind == SL_BOOL) {
        memset(d, sl_bit(c->data, 0) ? 0xff : 0, bytes);
        return 0;
    }
    for (size_t k = 0; k < c->rows; k++)
        memcpy(d + k * width, c->data, width);
    return 0;
}

static int expand_const(struct sl_column *out, const struct sl_column *c, struct sl_account *a,
                        struct sl_err *err)
{
    int rc = sl_type_is_bytes(c->type) ? expand_const_bytes(out, c, a, err)
                                       : expand_const_values(out, c, a, err);
    if (rc < 0 || !c->valid || !c->rows || sl_bit(c->valid, 0))
        return rc;
    uint8_t *bits = sl_column_own_valid(out, a, err);
    if (!bits)
        return -SL_ENOMEM;
    memset(bits, 0, sl_bits_bytes(c->rows));
    return 0;
}

struct sl_column *sl_column_plain(struct sl_column *c, struct sl_account *account,
                                  struct sl_err *err)
{
    assert(sl_column_is_sound(c));
    if (sl_column_load(c, err) < 0)
        return NULL;
    if (c->form == SL_PLAIN)
        return sl_column_ref(c);
    if (c->type.kind == SL_FOREIGN)
        return sl_foreign_nulls(c->type, c->rows, account, err);
    struct sl_column *out = sl_column_new(c->type, c->rows);
    if (!out)
        return sl_err_no_memory(err, "a column");
    int rc =
        c->form == SL_DICT ? expand_dict(out, c, account, err) : expand_const(out, c, account, err);
    return sl_column_if(rc == 0, out);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * column_concat: columns of one type one after the other.
 *
 * Parts that share one dictionary keep it; parts with small dictionaries of their own get a common
 * one; all else is made PLAIN.
 */
#include "arrow/dictionary.h"
#include "arrow/column_int.h"

enum { MERGE_MAX = 65536 }; /* dictionary values beyond which merging costs more than it saves */

static size_t total_rows(struct sl_column *const *parts, size_t n)
{
    size_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += parts[i]->rows;
    return rows;
}

int sl_column_concat_valid(struct sl_column *out, struct sl_column *const *parts, size_t n,
                           struct sl_account *a, struct sl_err *err)
{
    assert(out && parts && n > 0);
    size_t at = 0, i = 0;
    while (i < n && !parts[i]->valid)
        i++;
    if (i == n)
        return 0;
    uint8_t *bits = sl_column_own_valid(out, a, err);
    if (!bits)
        return -SL_ENOMEM;
    for (i = 0; i < n; at += parts[i++]->rows) {
        const struct sl_column *p = parts[i];
        if (!p->valid)
            sl_bits_fill(bits, at, p->rows, 1);
        else if (p->form == SL_CONST)
            sl_bits_fill(bits, at, p->rows, sl_bit(p->valid, 0));
        else
            sl_bits_copy(bits, at, p->valid, 0, p->rows);
    }
    sl_column_trim_valid(out);
    return 0;
}

int sl_column_concat_bytes(struct sl_column *out, struct sl_column *const *parts, size_t n,
                           struct sl_account *a, struct sl_err *err)
{
    assert(out && parts && n > 0);
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += (uint32_t)(parts[i]->offsets[parts[i]->rows] - parts[i]->offsets[0]);
    if (total > INT32_MAX)
        return sl_column_too_large(err);
    int32_t *to = sl_column_own_offsets(out, a, err);
    uint8_t *d = to ? sl_column_own_data(out, total, a, err) : NULL;
    if (!d)
        return -SL_ENOMEM;
    int32_t base = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t *from = parts[i]->offsets;
        size_t rows = parts[i]->rows;
        int32_t len = from[rows] - from[0];
        for (size_t k = 0; k < rows; k++)
            *to++ = base + (from[k] - from[0]);
        if (len)
            memcpy(d + base, (const uint8_t *)parts[i]->data + from[0], (size_t)len);
        base += len;
    }
    *to = base;
    return 0;
}

static int concat_values(struct sl_column *out, struct sl_column *const *parts, size_t n,
                         struct sl_account *a, struct sl_err *err)
{
    size_t width = out->form == SL_DICT ? sizeof(int32_t) : sl_type_width(out->type), at = 0;
    int bits = out->form == SL_PLAIN && out->type.kind == SL_BOOL;
    uint8_t *d =
        sl_column_own_data(out, bits ? sl_bits_bytes(out->rows) : out->rows * width, a, err);
    if (!d)
        return -SL_ENOMEM;
    for (size_t i = 0; i < n; at += parts[i++]->rows) {
        if (bits)
            sl_bits_copy(d, at, parts[i]->data, 0, parts[i]->rows);
        else if (parts[i]->rows)
            memcpy(d + at * width, parts[i]->data, parts[i]->rows * width);
    }
    return 0;
}

/* All parts are PLAIN, or all are DICT with one dictionary. */
static struct sl_column *concat_same(struct sl_column *const *parts, size_t n, struct sl_account *a,
                                     struct sl_err *err)
{
    if (parts[0]->type.kind == SL_FOREIGN)
        return sl_foreign_concat(parts, n, a, err);
    struct sl_column *out = sl_column_new(parts[0]->type, total_rows(parts, n));
    if (!out)
        return sl_err_no_memory(err, "a column");
    out->form = parts[0]->form;
    if (out->form == SL_DICT)
        out->dict = sl_column_ref(parts[0]->dict);
    int rc = out->form == SL_PLAIN && sl_type_is_bytes(out->type)
                 ? sl_column_concat_bytes(out, parts, n, a, err)
                 : concat_values(out, parts, n, a, err);
    return sl_column_if(rc == 0 && sl_column_concat_valid(out, parts, n, a, err) == 0, out);
}

/* ---- dictionaries of their own ---- */

/* Codes of one part in the merged dictionary. */
static int merge_part(struct sl_dictionary *merged, const struct sl_column *p, int32_t *codes)
{
    if (p->form == SL_CONST) {
        int32_t code = 0;
        if (p->rows && !sl_column_null(p, 0))
            code = sl_dictionary_add(merged, (const uint8_t *)p->data + p->offsets[0],
                                     (size_t)(p->offsets[1] - p->offsets[0]));
        for (size_t k = 0; k < p->rows && code >= 0; k++)
            codes[k] = code;
        return SL_MIN(code, 0);
    }
    int32_t *map = sl_malloc(p->dict->rows * sizeof *map);
    if (!map)
        return -SL_ENOMEM;
    int32_t rc = 0;
    const int32_t *o = p->dict->offsets, *from = p->data;
    for (size_t v = 0; v < p->dict->rows && rc >= 0; v++)
        rc = map[v] = sl_dictionary_add(merged, (const uint8_t *)p->dict->data + o[v],
                                        (size_t)(o[v + 1] - o[v]));
    for (size_t k = 0; k < p->rows && rc >= 0; k++)
        codes[k] = sl_column_null(p, k) ? 0 : map[from[k]];
    free(map);
    return SL_MIN(rc, 0);
}

static struct sl_column *concat_merged(struct sl_column *const *parts, size_t n,
                                       struct sl_account *a, struct sl_err *err)
{
    struct sl_column *out = sl_column_new(parts[0]->type, total_rows(parts, n));
    struct sl_dictionary *merged = sl_dictionary_new(a);
    int rc = out && merged ? 0 : -SL_ENOMEM;
    int32_t *codes = rc < 0 ? NULL : sl_column_own_data(out, out->rows * sizeof(int32_t), a, err);
    if (!codes)
        rc = -SL_ENOMEM;
    for (size_t i = 0, at = 0; i < n && rc == 0; at += parts[i++]->rows)
        rc = merge_part(merged, parts[i], codes + at);
    if (rc == 0) {
        out->form = SL_DICT;
        out->dict = sl_dictionary_finish(merged, out->type, err);
        rc = out->dict ? sl_column_concat_valid(out, parts, n, a, err) : -SL_ENOMEM;
    }
    sl_dictionary_free(merged);
    if (rc == 0)
        return out;
    sl_column_unref(out);
    if (rc == -SL_EOVERFLOW)
        sl_column_too_large(err);
    else
        sl_err_nomem(err, "a column");
    return NULL;
}

/* ---- which way ---- */

enum way { WAY_SAME, WAY_MERGE, WAY_PLAIN };

static enum way choose(struct sl_column *const *parts, size_t n)
{
    size_t values = 0;
    int all_plain = 1, one_dict = 1, small = sl_type_is_bytes(parts[0]->type);
    for (size_t i = 0; i < n; i++) {
        const struct sl_column *p = parts[i];
        all_plain &= p->form == SL_PLAIN;
        one_dict &= p->form == SL_DICT && p->dict == parts[0]->dict;
        small &= p->form != SL_PLAIN;
        values += p->form == SL_DICT ? p->dict->rows : 1;
    }
    if (all_plain || one_dict)
        return WAY_SAME;
    return small && values <= MERGE_MAX && values <= total_rows(parts, n) ? WAY_MERGE : WAY_PLAIN;
}

struct sl_column *sl_column_concat(struct sl_column *const *parts, size_t n,
                                   struct sl_account *account, struct sl_err *err)
{
    assert(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert(sl_type_equal(parts[i]->type, parts[0]->type));
        if (sl_column_load(parts[i], err) < 0)
            return NULL;
    }
    if (n == 1)
        return sl_column_ref(parts[0]);
    switch (choose(parts, n)) {
    case WAY_SAME: return concat_same(parts, n, account, err);
    case WAY_MERGE: return concat_merged(parts, n, account, err);
    case WAY_PLAIN: break;
    }
    struct sl_column *out = NULL, **plain = sl_calloc(n, sizeof(struct sl_column *));
    size_t made = 0;
    if (!plain)
        sl_err_nomem(err, "a column");
    while (plain && made < n && (plain[made] = sl_column_plain(parts[made], account, err)))
        made++;
    if (plain && made == n)
        out = concat_same(plain, n, account, err);
    while (made)
        sl_column_unref(plain[--made]);
    free(plain);
    return out;
}

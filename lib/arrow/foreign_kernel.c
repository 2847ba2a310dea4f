/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * foreign_kernel: rows of carried columns taken, sliced and joined, through their children.
 *
 * Recursion goes as deep as the type, which SL_FOREIGN_DEPTH bounds. Children are handled by the
 * general column functions, so that a child may be CONST (null throughout).
 */
#include "arrow/column_int.h"

static const struct sl_foreign *about(const struct sl_column *c)
{
    return c->type.foreign;
}

static struct sl_type child_type(const struct sl_foreign *f, int i)
{
    return (struct sl_type){.kind = SL_FOREIGN, .foreign = f->children[i]};
}

/* A PLAIN column with room for its children. */
static struct sl_column *make(struct sl_type type, size_t rows, struct sl_err *err)
{
    struct sl_column *c = sl_column_new(type, rows);
    if (c && type.foreign->nchildren) {
        c->children = sl_calloc((size_t)type.foreign->nchildren, sizeof(*c->children));
        if (!c->children) {
            sl_column_unref(c);
            c = NULL;
        }
    }
    if (!c)
        sl_err_nomem(err, "a column");
    return c;
}

/* Adds the next child (its reference passes); NULL is a failure already told. */
static int adopt(struct sl_column *c, struct sl_column *child)
{
    if (!child)
        return -SL_EFAIL;
    c->children[c->nchildren++] = child;
    return 0;
}

static void share_child_valid(struct sl_column *c)
{
    const struct sl_column *v = c->children[0];
    if (v->form == SL_CONST)
        return;
    c->valid = v->valid;
    c->owner[0] = v->valid && v->owner[0] ? sl_buffer_ref(v->owner[0]) : NULL;
}

static void share_owner(struct sl_column *out, const struct sl_column *c, int slot)
{
    out->owner[slot] = c->owner[slot] ? sl_buffer_ref(c->owner[slot]) : NULL;
}

/* ---- take ---- */

static int take_list(struct sl_column *out, const struct sl_column *c, const uint32_t *sel,
                     size_t n, struct sl_account *a, struct sl_err *err)
{
    const int32_t *from = c->offsets;
    int32_t *to = sl_column_own_offsets(out, a, err);
    if (!to)
        return -SL_ENOMEM;
    uint64_t total = 0;
    for (size_t k = 0; k < n; k++) {
        to[k] = (int32_t)total;
        total += (uint32_t)(from[sel[k] + 1] - from[sel[k]]);
        if (total > INT32_MAX)
            return sl_column_too_large(err);
    }
    to[n] = (int32_t)total;
    struct sl_buffer *rows = sl_buffer_new(a, total * sizeof(uint32_t));
    if (!rows)
        return sl_err_nomem(err, "a column");
    uint32_t *r = (uint32_t *)rows->data;
    for (size_t k = 0; k < n; k++) {
        for (int32_t i = from[sel[k]]; i < from[sel[k] + 1]; i++)
            *r++ = (uint32_t)i;
    }
    int rc = adopt(out, sl_column_take(c->children[0], (uint32_t *)rows->data, total, a, err));
    sl_buffer_unref(rows);
    return rc;
}

static int take_fixlist(struct sl_column *out, const struct sl_column *c, const uint32_t *sel,
                        size_t n, struct sl_account *a, struct sl_err *err)
{
    size_t width = (size_t)about(c)->width;
    if (width && n > INT32_MAX / width)
        return sl_column_too_large(err);
    struct sl_buffer *rows = sl_buffer_new(a, n * width * sizeof(uint32_t));
    if (!rows)
        return sl_err_nomem(err, "a column");
    uint32_t *r = (uint32_t *)rows->data;
    for (size_t k = 0; k < n; k++) {
        for (size_t j = 0; j < width; j++)
            *r++ = (uint32_t)(sel[k] * width + j);
    }
    int rc = adopt(out, sl_column_take(c->children[0], (uint32_t *)rows->data, n * width, a, err));
    sl_buffer_unref(rows);
    return rc;
}

static int take_children(struct sl_column *out, const struct sl_column *c, const uint32_t *sel,
                         size_t n, struct sl_account *a, struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; i < c->nchildren && rc == 0; i++)
        rc = adopt(out, sl_column_take(c->children[i], sel, n, a, err));
    return rc;
}

static int take_values(struct sl_column *out, const struct sl_column *c, size_t width,
                       const uint32_t *sel, size_t n, struct sl_account *a, struct sl_err *err)
{
    void *d = sl_column_own_data(out, n * width, a, err);
    if (!d)
        return -SL_ENOMEM;
    sl_values_take(d, c->data, width, sel, n);
    return 0;
}

static int take_dense(struct sl_column *out, const struct sl_column *c, const uint32_t *sel,
                      size_t n, struct sl_account *a, struct sl_err *err)
{
    int32_t *to = sl_column_own_offsets(out, a, err);
    if (!to || take_values(out, c, 1, sel, n, a, err) < 0)
        return -SL_ENOMEM;
    sl_values_take(to, c->offsets, sizeof *to, sel, n);
    for (int i = 0; i < c->nchildren; i++)
        adopt(out, sl_column_ref(c->children[i]));
    return 0;
}

struct sl_column *sl_foreign_take(struct sl_column *c, const uint32_t *sel, size_t n,
                                  struct sl_account *a, struct sl_err *err)
{
    assert(c->type.kind == SL_FOREIGN && (sel || !n));
    struct sl_column *out = make(c->type, n, err);
    if (!out)
        return NULL;
    int rc = 0;
    switch ((enum sl_shape)about(c)->shape) {
    case SL_SHAPE_NONE: assert(0); break;
    case SL_SHAPE_BITS: {
        uint8_t *d = sl_column_own_data(out, sl_bits_bytes(n), a, err);
        rc = d ? 0 : -SL_ENOMEM;
        if (d)
            sl_bits_take(d, c->data, sel, n);
        break;
    }
    case SL_SHAPE_FIXED: rc = take_values(out, c, (size_t)about(c)->width, sel, n, a, err); break;
    case SL_SHAPE_BYTES: rc = sl_column_take_bytes(out, c, sel, n, a, err); break;
    case SL_SHAPE_LIST: rc = take_list(out, c, sel, n, a, err); break;
    case SL_SHAPE_FIXLIST: rc = take_fixlist(out, c, sel, n, a, err); break;
    case SL_SHAPE_SPARSE:
        rc = take_values(out, c, 1, sel, n, a, err);
        if (rc < 0)
            break;
        rc = take_children(out, c, sel, n, a, err);
        break;
    case SL_SHAPE_STRUCT: rc = take_children(out, c, sel, n, a, err); break;
    case SL_SHAPE_DENSE: rc = take_dense(out, c, sel, n, a, err); break;
    case SL_SHAPE_RUNS:
        rc = take_children(out, c, sel, n, a, err);
        if (rc == 0)
            share_child_valid(out);
        break;
    }
    if (rc == 0 && about(c)->shape != SL_SHAPE_RUNS)
        rc = sl_column_take_valid(out, c, sel, n, a, err);
    return sl_column_if(rc == 0, out);
}

/* ---- slice ---- */

static int slice_children(struct sl_column *out, const struct sl_column *c, size_t from, size_t n,
                          struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; i < c->nchildren && rc == 0; i++)
        rc = adopt(out, sl_column_slice(c->children[i], from, n, err));
    return rc;
}

static int slice_bits(struct sl_column *out, const struct sl_column *c, size_t from, size_t n,
                      struct sl_err *err)
{
    uint8_t *d = sl_column_own_data(out, sl_bits_bytes(n), NULL, err);
    if (!d)
        return -SL_ENOMEM;
    sl_bits_copy(d, 0, c->data, from, n);
    return 0;
}

struct sl_column *sl_foreign_slice(struct sl_column *c, size_t from, size_t n, struct sl_err *err)
{
    assert(c->type.kind == SL_FOREIGN && from <= c->rows && n <= c->rows - from);
    struct sl_column *out = make(c->type, n, err);
    if (!out)
        return NULL;
    size_t width = (size_t)about(c)->width;
    int shape = about(c)->shape, rc = 0;
    if (shape == SL_SHAPE_BITS) {
        rc = slice_bits(out, c, from, n, err);
    } else if (shape == SL_SHAPE_BYTES || shape == SL_SHAPE_LIST || shape == SL_SHAPE_DENSE) {
        out->data = c->data;
        out->offsets = c->offsets + from;
        share_owner(out, c, 1);
        share_owner(out, c, 2);
        for (int i = 0; i < c->nchildren; i++)
            adopt(out, sl_column_ref(c->children[i]));
    } else if (shape == SL_SHAPE_FIXLIST) {
        rc = slice_children(out, c, from * width, n * width, err);
    } else if (shape != SL_SHAPE_FIXED) {
        rc = slice_children(out, c, from, n, err);
    }
    if (shape == SL_SHAPE_FIXED || shape == SL_SHAPE_SPARSE || shape == SL_SHAPE_DENSE) {
        out->data = (const uint8_t *)c->data + from * (shape == SL_SHAPE_FIXED ? width : 1);
        sl_buffer_unref(out->owner[1]);
        share_owner(out, c, 1);
    }
    if (rc == 0 && shape == SL_SHAPE_RUNS)
        share_child_valid(out);
    else if (rc == 0)
        rc = sl_column_slice_valid(out, c, from, n, err);
    return sl_column_if(rc == 0, out);
}

/* ---- nulls ---- */

static int null_union(struct sl_column *out, const struct sl_foreign *f, struct sl_account *a,
                      struct sl_err *err)
{
    if (!f->nchildren && out->rows)
        return sl_err_set(err, SL_EUNSUPPORTED, "a union without members cannot hold a null");
    uint8_t *ids = sl_column_own_data(out, out->rows, a, err);
    if (!ids)
        return -SL_ENOMEM;
    memset(ids, f->type_ids ? f->type_ids[0] : 0, out->rows);
    if (f->shape == SL_SHAPE_SPARSE)
        return 0;
    int32_t *to = sl_column_own_offsets(out, a, err);
    for (size_t k = 0; to && k < out->rows; k++)
        to[k] = (int32_t)k;
    return to ? 0 : -SL_ENOMEM;
}

struct sl_column *sl_foreign_nulls(struct sl_type type, size_t n, struct sl_account *a,
                                   struct sl_err *err)
{
    assert(type.kind == SL_FOREIGN);
    const struct sl_foreign *f = type.foreign;
    if (f->shape == SL_SHAPE_NONE)
        return sl_column_nulls(type, n, err);
    struct sl_column *out = make(type, n, err);
    if (!out)
        return NULL;
    int rc = 0;
    size_t child_rows = n;
    if (f->shape == SL_SHAPE_SPARSE || f->shape == SL_SHAPE_DENSE) {
        rc = null_union(out, f, a, err);
    } else {
        uint8_t *bits = sl_column_own_valid(out, a, err);
        if (bits)
            memset(bits, 0, sl_bits_bytes(n));
        rc = bits ? 0 : -SL_ENOMEM;
    }
    if (rc == 0 && (f->shape == SL_SHAPE_BITS || f->shape == SL_SHAPE_FIXED)) {
        size_t bytes = f->shape == SL_SHAPE_BITS ? sl_bits_bytes(n) : n * (size_t)f->width;
        void *d = sl_column_own_data(out, bytes, a, err);
        if (d)
            memset(d, 0, bytes);
        rc = d ? 0 : -SL_ENOMEM;
    } else if (rc == 0 && (f->shape == SL_SHAPE_BYTES || f->shape == SL_SHAPE_LIST)) {
        int32_t *to = sl_column_own_offsets(out, a, err);
        if (to)
            memset(to, 0, (n + 1) * sizeof *to);
        rc = to && sl_column_own_data(out, 0, a, err) ? 0 : -SL_ENOMEM;
        child_rows = 0;
    } else if (f->shape == SL_SHAPE_FIXLIST) {
        child_rows = n * (size_t)f->width;
        if (f->width && child_rows / (size_t)f->width != n)
            rc = sl_column_too_large(err);
    }
    for (int i = 0; i < f->nchildren && rc == 0; i++)
        rc = adopt(out, sl_column_nulls(child_type(f, i),
                                        f->shape == SL_SHAPE_DENSE && i ? 0 : child_rows, err));
    return sl_column_if(rc == 0, out);
}

/* ---- concat ---- */

/* Child i of all parts: whole, or for lists just the rows that a part uses. */
static struct sl_column *concat_child(struct sl_column *const *parts, size_t n, int i,
                                      struct sl_account *a, struct sl_err *err)
{
    struct sl_column *out = NULL, **kids = sl_calloc(n, sizeof(struct sl_column *));
    size_t made = 0;
    if (!kids)
        sl_err_nomem(err, "a column");
    for (; kids && made < n; made++) {
        const struct sl_column *p = parts[made];
        if (about(p)->shape == SL_SHAPE_LIST)
            kids[made] = sl_column_slice(p->children[i], (size_t)p->offsets[0],
                                         (size_t)(p->offsets[p->rows] - p->offsets[0]), err);
        else
            kids[made] = sl_column_ref(p->children[i]);
        if (!kids[made])
            break;
    }
    if (kids && made == n)
        out = sl_column_concat(kids, n, a, err);
    while (made)
        sl_column_unref(kids[--made]);
    free(kids);
    return out;
}

static int concat_offsets(struct sl_column *out, struct sl_column *const *parts, size_t n,
                          struct sl_account *a, struct sl_err *err)
{
    int32_t *to = sl_column_own_offsets(out, a, err);
    if (!to)
        return -SL_ENOMEM;
    int64_t base = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t *from = parts[i]->offsets;
        for (size_t k = 0; k < parts[i]->rows; k++)
            *to++ = (int32_t)(base + from[k] - from[0]);
        base += from[parts[i]->rows] - from[0];
        if (base > INT32_MAX)
            return sl_column_too_large(err);
    }
    *to = (int32_t)base;
    return 0;
}

/* Type ids, and for dense unions the rows in children, moved by what comes before in the child. */
static int concat_union(struct sl_column *out, struct sl_column *const *parts, size_t n,
                        struct sl_account *a, struct sl_err *err)
{
    const struct sl_foreign *f = about(out);
    int64_t *base = sl_calloc((size_t)f->nchildren + 1, sizeof *base);
    uint8_t *ids = sl_column_own_data(out, out->rows, a, err);
    int dense = f->shape == SL_SHAPE_DENSE;
    int32_t *to = dense ? sl_column_own_offsets(out, a, err) : NULL;
    int rc = base && ids && (to || !dense) ? 0 : sl_err_nomem(err, "a column");
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct sl_column *p = parts[i];
        memcpy(ids, p->data, p->rows);
        for (size_t k = 0; dense && k < p->rows; k++) {
            int64_t at = p->offsets[k] + base[sl_foreign_union_child(f, (int8_t)ids[k])];
            if (at > INT32_MAX)
                rc = sl_column_too_large(err);
            *to++ = (int32_t)at;
        }
        ids += p->rows;
        for (int k = 0; k < f->nchildren; k++)
            base[k] += (int64_t)p->children[k]->rows;
    }
    free(base);
    return rc;
}

static int concat_fixed(struct sl_column *out, struct sl_column *const *parts, size_t n,
                        struct sl_account *a, struct sl_err *err)
{
    int bits = about(out)->shape == SL_SHAPE_BITS;
    size_t width = (size_t)about(out)->width, at = 0;
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

struct sl_column *sl_foreign_concat(struct sl_column *const *parts, size_t n, struct sl_account *a,
                                    struct sl_err *err)
{
    assert(n > 0 && parts[0]->type.kind == SL_FOREIGN);
    size_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += parts[i]->rows;
    const struct sl_foreign *f = about(parts[0]);
    if (f->shape == SL_SHAPE_NONE)
        return sl_column_nulls(parts[0]->type, rows, err);
    struct sl_column *out = make(parts[0]->type, rows, err);
    if (!out)
        return NULL;
    int rc = 0;
    switch ((enum sl_shape)f->shape) {
    case SL_SHAPE_BITS:
    case SL_SHAPE_FIXED: rc = concat_fixed(out, parts, n, a, err); break;
    case SL_SHAPE_BYTES: rc = sl_column_concat_bytes(out, parts, n, a, err); break;
    case SL_SHAPE_LIST: rc = concat_offsets(out, parts, n, a, err); break;
    case SL_SHAPE_SPARSE:
    case SL_SHAPE_DENSE: rc = concat_union(out, parts, n, a, err); break;
    default: break;
    }
    for (int i = 0; i < f->nchildren && rc == 0; i++)
        rc = adopt(out, concat_child(parts, n, i, a, err));
    if (rc == 0 && f->shape == SL_SHAPE_RUNS)
        share_child_valid(out);
    else if (rc == 0)
        rc = sl_column_concat_valid(out, parts, n, a, err);
    return sl_column_if(rc == 0, out);
}

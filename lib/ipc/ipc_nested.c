/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* ipc_nested: carried columns written again in their own Arrow type. */
#include "ipc/ipc_write.h"

static int is_list_view(const struct sl_foreign *f)
{
    return f->arrow == SL_ARROW_LIST_VIEW || f->arrow == SL_ARROW_LARGE_LIST_VIEW;
}

void sl_ipc_count_foreign(struct sl_ipc_put *p, const struct sl_foreign *f)
{
    p->count_nodes++;
    p->count_spans += sl_ipc_own_spans(f) + (size_t)sl_ipc_is_view(f);
    p->count_views += (size_t)sl_ipc_is_view(f);
    if (f->run_ends)
        sl_ipc_count_foreign(p, f->run_ends);
    for (int i = 0; i < f->nchildren; i++)
        sl_ipc_count_foreign(p, f->children[i]);
}

/* Short values inline, others with their first 4 bytes and a place in the one data buffer. */
static int put_views(struct sl_ipc_put *p, const struct sl_column *c)
{
    enum { INLINE = 12, VIEW = 16 };
    struct sl_buffer *views = sl_buffer_new(NULL, c->rows * VIEW);
    struct sl_buffer *bytes = sl_buffer_new(NULL, (size_t)(c->offsets[c->rows] - c->offsets[0]));
    int rc = views && bytes ? 0 : sl_err_nomem(p->err, "a batch");
    int32_t used = 0;
    for (size_t i = 0; i < c->rows && rc == 0; i++) {
        uint8_t *v = views->data + i * VIEW;
        const uint8_t *s = (const uint8_t *)c->data + c->offsets[i];
        int32_t n = c->offsets[i + 1] - c->offsets[i];
        memset(v, 0, VIEW);
        if (sl_column_null(c, i))
            continue;
        memcpy(v, &n, sizeof n);
        if (n <= INLINE) {
            memcpy(v + 4, s, (size_t)n);
            continue;
        }
        memcpy(v + 4, s, 4);
        memcpy(v + 12, &used, sizeof used);
        memcpy(bytes->data + used, s, (size_t)n);
        used += n;
    }
    if (rc == 0)
        rc = sl_ipc_put_buffer(p, views->data, c->rows * VIEW);
    if (rc == 0) /* polars wants a length before even an empty compressed view buffer */
        rc = used || !p->form->zstd ? sl_ipc_put_buffer(p, bytes->data, (size_t)used)
                                    : sl_ipc_put_empty(p);
    sl_buffer_unref(views);
    sl_buffer_unref(bytes);
    return rc;
}

static int put_bytes(struct sl_ipc_put *p, const struct sl_column *c)
{
    const struct sl_foreign *f = c->type.foreign;
    if (sl_ipc_is_view(f))
        return put_views(p, c);
    int wide = f->arrow == SL_ARROW_LARGE_UTF8 || f->arrow == SL_ARROW_LARGE_BINARY;
    int rc = sl_ipc_put_offsets(p, c, wide);
    if (rc < 0)
        return rc;
    return sl_ipc_put_buffer(p, (const uint8_t *)c->data + c->offsets[0],
                             (size_t)(c->offsets[c->rows] - c->offsets[0]));
}

/* Offsets and sizes, rows of each. */
static int put_list_view(struct sl_ipc_put *p, const struct sl_column *c, size_t width)
{
    struct sl_buffer *b = sl_buffer_new(NULL, c->rows * width);
    int rc = b ? 0 : sl_err_nomem(p->err, "a batch");
    for (int sizes = 0; sizes < 2 && rc == 0; sizes++) {
        for (size_t i = 0; i < c->rows; i++) {
            int64_t v = c->offsets[i + (size_t)sizes] - (sizes ? c->offsets[i] : c->offsets[0]);
            memcpy(b->data + i * width, &v, width); /* little-endian */
        }
        rc = sl_ipc_put_buffer(p, b->data, c->rows * width);
    }
    sl_buffer_unref(b);
    return rc;
}

/* Lists write only the child's rows that they use. */
static int put_list(struct sl_ipc_put *p, const struct sl_column *c)
{
    int arrow = c->type.foreign->arrow, rc;
    if (is_list_view(c->type.foreign))
        rc = put_list_view(p, c, arrow == SL_ARROW_LARGE_LIST_VIEW ? 8 : 4);
    else
        rc = sl_ipc_put_offsets(p, c, arrow == SL_ARROW_LARGE_LIST);
    if (rc < 0)
        return rc;
    struct sl_column *used = sl_column_slice(c->children[0], (size_t)c->offsets[0],
                                             (size_t)(c->offsets[c->rows] - c->offsets[0]), p->err);
    if (!used)
        return -SL_ENOMEM;
    rc = sl_ipc_put_foreign(p, used);
    sl_column_unref(used);
    return rc;
}

/* Equal neighbours make a run. */
static int put_runs(struct sl_ipc_put *p, const struct sl_column *c)
{
    const struct sl_foreign *f = c->type.foreign;
    struct sl_column *values = c->children[0], *firsts = NULL;
    size_t n = 0, width = (size_t)f->bits / 8;
    if (f->bits == 16 && c->rows > INT16_MAX)
        return sl_err_set(p->err, SL_EOVERFLOW, "run ends of 16 bits cannot count %zu rows",
                          c->rows);
    struct sl_buffer *ends = sl_buffer_new(NULL, c->rows * width);
    struct sl_buffer *sel = sl_buffer_new(NULL, c->rows * sizeof(uint32_t));
    int rc = ends && sel ? 0 : sl_err_nomem(p->err, "a batch");
    for (size_t i = 0; i < c->rows && rc == 0; i++) {
        int64_t end = (int64_t)i + 1;
        if (!i || sl_column_compare(values, i - 1, values, i) != 0)
            ((uint32_t *)sel->data)[n++] = (uint32_t)i;
        memcpy(ends->data + (n - 1) * width, &end, width); /* little-endian */
    }
    if (rc == 0) {
        sl_ipc_put_node(p, n, 0);
        rc = sl_ipc_put_buffer(p, NULL, 0);
    }
    if (rc == 0)
        rc = sl_ipc_put_buffer(p, ends->data, n * width);
    if (rc == 0) {
        firsts = sl_column_take(values, (const uint32_t *)sel->data, n, NULL, p->err);
        rc = firsts ? sl_ipc_put_foreign(p, firsts) : -SL_ENOMEM;
    }
    sl_column_unref(firsts);
    sl_buffer_unref(ends);
    sl_buffer_unref(sel);
    return rc;
}

static int put_children(struct sl_ipc_put *p, const struct sl_column *c)
{
    int rc = 0;
    for (int i = 0; i < c->nchildren && rc == 0; i++)
        rc = sl_ipc_put_foreign(p, c->children[i]);
    return rc;
}

static int put_plain(struct sl_ipc_put *p, struct sl_column *c)
{
    const struct sl_foreign *f = c->type.foreign;
    int rc = 0, bare = f->shape == SL_SHAPE_SPARSE || f->shape == SL_SHAPE_DENSE ||
                       f->shape == SL_SHAPE_RUNS;
    if (bare)
        sl_ipc_put_node(p, c->rows, 0);
    else
        rc = sl_ipc_put_valid(p, c);
    if (rc < 0)
        return rc;
    switch ((enum sl_shape)f->shape) {
    case SL_SHAPE_NONE: break;
    case SL_SHAPE_BITS: return sl_ipc_put_bits(p, c->data, c->rows);
    case SL_SHAPE_FIXED: return sl_ipc_put_values(p, c, (size_t)f->width);
    case SL_SHAPE_BYTES: return put_bytes(p, c);
    case SL_SHAPE_LIST: return put_list(p, c);
    case SL_SHAPE_FIXLIST:
    case SL_SHAPE_STRUCT: return put_children(p, c);
    case SL_SHAPE_SPARSE:
    case SL_SHAPE_DENSE:
        rc = sl_ipc_put_buffer(p, c->data, c->rows);
        if (rc == 0 && f->shape == SL_SHAPE_DENSE)
            rc = sl_ipc_put_buffer(p, c->offsets, c->rows * sizeof(int32_t));
        return rc < 0 ? rc : put_children(p, c);
    case SL_SHAPE_RUNS: return put_runs(p, c);
    }
    return rc;
}

int sl_ipc_put_foreign(struct sl_ipc_put *p, struct sl_column *c)
{
    assert(sl_column_is_loaded(c) && c->type.kind == SL_FOREIGN);
    if (c->type.foreign->shape == SL_SHAPE_NONE) {
        sl_ipc_put_node(p, c->rows, c->rows);
        return 0;
    }
    struct sl_column *plain = sl_column_plain(c, NULL, p->err);
    if (!plain)
        return -SL_ENOMEM;
    int rc = put_plain(p, plain);
    sl_column_unref(plain);
    return rc;
}

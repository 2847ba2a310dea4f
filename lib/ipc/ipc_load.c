/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc_load: buffers of a record batch to columns laid out as their Arrow type says.
 *
 * Buffers that are stored raw are used where they lie if their alignment allows. Every offset,
 * code, type id and run end is checked here, so that kernels need not. Offsets of 64 bits become
 * 32, views become offsets and bytes, run-end encoding becomes one value a row.
 */
#include "base/utf8.h"
#include "ipc/codec.h"
#include "ipc/ipc_int.h"

/* ---- buffers ---- */

void sl_slab_release(struct sl_slab *s)
{
    sl_buffer_unref(s->owner);
    s->owner = NULL;
}

static const uint8_t no_bytes[16];

/* Moves the bytes of s to a fresh aligned buffer. */
static int slab_copy(struct sl_slab *s, struct sl_account *a, struct sl_err *err)
{
    struct sl_buffer *b = sl_buffer_want(a, s->len, "a column", err);
    if (!b)
        return -SL_ENOMEM;
    memcpy(b->data, s->data, s->len);
    sl_slab_release(s);
    s->owner = b;
    s->data = b->data;
    return 0;
}

/* A compressed buffer: int64 length, then a frame; length -1: raw bytes. */
static int inflate(const struct sl_ipc_body *b, struct sl_slab *s, size_t need, int exact,
                   struct sl_err *err)
{
    int64_t claimed;
    if (s->len < 8)
        return sl_ipc_malformed(err, "a compressed buffer is too short");
    memcpy(&claimed, s->data, 8);
    s->data += 8;
    s->len -= 8;
    if (claimed == -1)
        return 0;
    if (claimed < 0 || claimed > SL_IPC_BODY_MAX)
        return sl_ipc_malformed(err, "a compressed buffer claims an impossible length");
    size_t want = exact ? SL_MIN(need, (size_t)claimed) : (size_t)claimed;
    struct sl_buffer *out = sl_buffer_want(b->account, want, "a column", err);
    if (!out)
        return -SL_ENOMEM;
    int rc = want ? b->decompress(out->data, want, (size_t)claimed, s->data, s->len, err) : 0;
    sl_slab_release(s);
    s->owner = out;
    s->data = out->data;
    s->len = want;
    return rc;
}

int sl_slab_next(struct sl_ipc_cursor *c, size_t need, int exact, size_t align, struct sl_slab *s,
                 struct sl_err *err)
{
    assert(sl_ipc_cursor_is_sound(c) && s && align && !(align & (align - 1)));
    const struct sl_ipc_body *b = c->body;
    assert(c->span < b->nspans);
    struct sl_ipc_span span = b->spans[c->span++];
    s->data = b->data + span.offset;
    s->len = (size_t)span.length;
    s->owner = sl_buffer_ref(b->owner);
    int rc = 0;
    if (b->decompress && s->len)
        rc = inflate(b, s, need, exact, err);
    if (rc == 0 && s->len < need)
        rc = sl_ipc_malformed(err, "a buffer is shorter than its rows need");
    if (rc == 0 && exact)
        s->len = need;
    if (rc == 0 && !s->len)
        s->data = no_bytes;
    else if (rc == 0 && (uintptr_t)s->data % align)
        rc = slab_copy(s, b->account, err);
    if (rc < 0)
        sl_slab_release(s);
    return rc;
}

/* Hands the slab's bytes to the column. */
static void own_slab(struct sl_column *col, int slot, struct sl_slab *s)
{
    col->owner[slot] = s->owner;
    s->owner = NULL;
}

int sl_slab_valid(struct sl_ipc_cursor *c, struct sl_column *col, struct sl_ipc_node node,
                  struct sl_err *err)
{
    assert(sl_ipc_cursor_is_sound(c) && col);
    struct sl_slab s;
    int rc;
    if (!node.nulls) {
        c->span++;
        return 0;
    }
    if ((rc = sl_slab_next(c, sl_bits_bytes(col->rows), 1, 1, &s, err)) < 0)
        return rc;
    col->valid = s.data;
    own_slab(col, 0, &s);
    sl_column_trim_valid(col);
    return 0;
}

/* ---- offsets ---- */

/* Checks that offsets rise from >= 0 to <= limit. */
static int check_offsets(const int32_t *o, size_t rows, size_t limit, struct sl_err *err)
{
    uint32_t falls = 0;
    for (size_t i = 0; i < rows; i++)
        falls |= o[i + 1] < o[i];
    if (falls || o[0] < 0 || (uint32_t)o[rows] > limit)
        return sl_ipc_malformed(err, "offsets that do not rise, or leave their buffer");
    return 0;
}

/* Offsets of rows + 1 entries, 32 or 64 bits wide on the wire; an empty column may have none. */
static int load_offsets(struct sl_ipc_cursor *c, struct sl_column *col, int wide,
                        struct sl_err *err)
{
    struct sl_slab s;
    size_t n = col->rows + 1, width = wide ? 8 : 4;
    if (!col->rows) {
        c->span++;
        col->offsets = (const int32_t *)no_bytes;
        return 0;
    }
    int rc = sl_slab_next(c, n * width, 1, width, &s, err);
    if (rc < 0)
        return rc;
    if (!wide) {
        col->offsets = (const int32_t *)s.data;
        own_slab(col, 2, &s);
        return 0;
    }
    int32_t *to = sl_column_own_offsets(col, c->body->account, err);
    const int64_t *from = (const int64_t *)s.data;
    uint64_t high = 0;
    for (size_t i = 0; to && i < n; i++) {
        high |= (uint64_t)from[i];
        to[i] = (int32_t)from[i];
    }
    sl_slab_release(&s);
    if (!to)
        return -SL_ENOMEM;
    return high > INT32_MAX ? sl_ipc_malformed(err, "offsets that leave their buffer") : 0;
}

/* ---- text ---- */

static int is_ascii(const uint8_t *s, size_t n)
{
    uint64_t all = 0, w;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&w, s + i, 8);
        all |= w;
    }
    for (; i < n; i++)
        all |= s[i];
    return !(all & 0x8080808080808080u);
}

/* Each value is UTF-8. The whole being so, and no value beginning in mid-character, is enough; if
 * it is not, bytes of null rows may be to blame. */
static int check_utf8(const struct sl_column *col, struct sl_err *err)
{
    const int32_t *o = col->offsets;
    const uint8_t *d = col->data;
    if (!col->rows)
        return 0;
    size_t n = (size_t)(o[col->rows] - o[0]);
    if (is_ascii(d + o[0], n))
        return 0;
    int good = sl_utf8_valid(d + o[0], n);
    for (size_t i = 0; good && i < col->rows; i++)
        good = o[i] == o[col->rows] || (d[o[i]] & 0xc0) != 0x80;
    for (size_t i = 0; !good && i < col->rows; i++) {
        if (!sl_column_null(col, i) && !sl_utf8_valid(d + o[i], (size_t)(o[i + 1] - o[i])))
            return sl_ipc_malformed(err, "a text value is not UTF-8");
    }
    return 0;
}

static int load_bytes(struct sl_ipc_cursor *c, struct sl_column *col, int wide, struct sl_err *err)
{
    struct sl_slab s;
    int rc = load_offsets(c, col, wide, err);
    if (rc == 0)
        rc = sl_slab_next(c, (size_t)SL_MAX(col->offsets[col->rows], 0), 1, 1, &s, err);
    if (rc < 0)
        return rc;
    col->data = s.data;
    size_t len = s.len;
    own_slab(col, 1, &s);
    return check_offsets(col->offsets, col->rows, len, err);
}

struct view { /* as on the wire: a short value is inline, from prefix on */
    int32_t len;
    uint8_t prefix[4];
    int32_t buffer, offset;
};

enum { VIEW_INLINE = 12 };

/* Bytes of a view, or NULL if it points astray. */
static const uint8_t *view_bytes(const struct view *v, const struct sl_slab *slabs, size_t nslabs)
{
    if (v->len < 0)
        return NULL;
    if (v->len <= VIEW_INLINE)
        return v->prefix;
    if (v->buffer < 0 || (size_t)v->buffer >= nslabs || v->offset < 0)
        return NULL;
    const struct sl_slab *s = &slabs[v->buffer];
    if ((size_t)v->offset > s->len || (size_t)v->len > s->len - (size_t)v->offset)
        return NULL;
    return s->data + v->offset;
}

static int gather_views(struct sl_column *col, const struct view *v, const struct sl_slab *slabs,
                        size_t nslabs, struct sl_account *a, struct sl_err *err)
{
    uint64_t total = 0;
    int32_t *to = sl_column_own_offsets(col, a, err);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; i < col->rows; i++) {
        to[i] = (int32_t)total;
        if (sl_column_null(col, i))
            continue;
        if (!view_bytes(&v[i], slabs, nslabs))
            return sl_ipc_malformed(err, "a view that leaves its buffer");
        total += (uint32_t)v[i].len;
        if (total > INT32_MAX)
            return sl_column_too_large(err);
    }
    to[col->rows] = (int32_t)total;
    uint8_t *d = sl_column_own_data(col, total, a, err);
    if (!d)
        return -SL_ENOMEM;
    for (size_t i = 0; i < col->rows; i++) {
        size_t n = (size_t)(to[i + 1] - to[i]);
        if (n)
            memcpy(d + to[i], view_bytes(&v[i], slabs, nslabs), n);
    }
    return 0;
}

static int load_views(struct sl_ipc_cursor *c, struct sl_column *col, struct sl_err *err)
{
    struct sl_slab views, *slabs = NULL;
    size_t n = (size_t)c->body->variadic[c->variadic++], made = 0;
    int rc = sl_slab_next(c, col->rows * sizeof(struct view), 1, 8, &views, err);
    if (rc < 0)
        return rc;
    slabs = sl_calloc(n + 1, sizeof *slabs);
    if (!slabs)
        rc = sl_err_nomem(err, "a column");
    for (; rc == 0 && made < n; made += rc == 0)
        rc = sl_slab_next(c, 0, 0, 1, &slabs[made], err);
    if (rc == 0)
        rc = gather_views(col, (const struct view *)views.data, slabs, n, c->body->account, err);
    while (made)
        sl_slab_release(&slabs[--made]);
    free(slabs);
    sl_slab_release(&views);
    return rc;
}

/* ---- nested ---- */

static int adopt(struct sl_column *col, struct sl_column *child)
{
    if (!child)
        return -SL_EFORMAT;
    col->children[col->nchildren++] = child;
    return 0;
}

/* Child i, with at least rows rows; it is cut to as many if `cut`. */
static int load_child(struct sl_ipc_cursor *c, struct sl_column *col, int i, size_t rows, int cut,
                      const struct sl_ipc_dicts *dicts, struct sl_err *err)
{
    struct sl_foreign *f = col->type.foreign->children[i];
    struct sl_column *child = sl_ipc_load(c, f, 0, dicts, err);
    if (child && child->rows < rows) {
        sl_ipc_malformed(err, "a child has fewer rows than its parent needs");
        sl_column_unref(child);
        return -SL_EFORMAT;
    }
    if (child && cut && child->rows > rows) {
        struct sl_column *part = sl_column_slice(child, 0, rows, err);
        sl_column_unref(child);
        child = part;
    }
    return adopt(col, child);
}

/* Offsets and sizes that may overlap: rows of the child are taken one list after the other. */
static int load_list_view(struct sl_ipc_cursor *c, struct sl_column *col, int wide,
                          const struct sl_ipc_dicts *dicts, struct sl_err *err)
{
    struct sl_slab offsets = {0}, sizes = {0};
    struct sl_account *a = c->body->account;
    struct sl_column *child = NULL;
    struct sl_buffer *sel = NULL;
    size_t width = wide ? 8 : 4, total = 0;
    int rc = sl_slab_next(c, col->rows * width, 1, width, &offsets, err);
    if (rc == 0)
        rc = sl_slab_next(c, col->rows * width, 1, width, &sizes, err);
    if (rc == 0)
        rc = (child = sl_ipc_load(c, col->type.foreign->children[0], 0, dicts, err)) ? 0 : -1;
    int32_t *to = rc == 0 ? sl_column_own_offsets(col, a, err) : NULL;
    if (!to)
        goto out;
    rc = -SL_EFORMAT;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0, at = 0; i < col->rows; i++) {
            int64_t from =
                wide ? ((const int64_t *)offsets.data)[i] : ((const int32_t *)offsets.data)[i];
            int64_t n = wide ? ((const int64_t *)sizes.data)[i] : ((const int32_t *)sizes.data)[i];
            if (sl_column_null(col, i))
                n = from = 0;
            if (from < 0 || n < 0 || (uint64_t)from > child->rows ||
                (uint64_t)n > child->rows - (uint64_t)from ||
                (size_t)n > (size_t)SL_IPC_ROWS_MAX - at) {
                sl_ipc_malformed(err, "a list that leaves its child, or lists too many rows");
                goto out;
            }
            for (int64_t k = 0; pass && k < n; k++)
                ((uint32_t *)sel->data)[at + (size_t)k] = (uint32_t)(from + k);
            to[i] = (int32_t)at;
            total = at += (size_t)n;
        }
        to[col->rows] = (int32_t)total;
        if (!pass && !(sel = sl_buffer_new(a, total * sizeof(uint32_t)))) {
            sl_err_nomem(err, "a column");
            goto out;
        }
    }
    rc = adopt(col, sl_column_take(child, (const uint32_t *)sel->data, total, a, err));
out:
    sl_slab_release(&offsets);
    sl_slab_release(&sizes);
    sl_buffer_unref(sel);
    sl_column_unref(child);
    return rc < 0 ? -SL_EFORMAT : 0;
}

static int load_list(struct sl_ipc_cursor *c, struct sl_column *col,
                     const struct sl_ipc_dicts *dicts, struct sl_err *err)
{
    int arrow = col->type.foreign->arrow;
    if (arrow == SL_ARROW_LIST_VIEW || arrow == SL_ARROW_LARGE_LIST_VIEW)
        return load_list_view(c, col, arrow == SL_ARROW_LARGE_LIST_VIEW, dicts, err);
    int rc = load_offsets(c, col, arrow == SL_ARROW_LARGE_LIST, err);
    if (rc == 0)
        rc = load_child(c, col, 0, 0, 0, dicts, err);
    return rc < 0 ? rc : check_offsets(col->offsets, col->rows, col->children[0]->rows, err);
}

static int load_union(struct sl_ipc_cursor *c, struct sl_column *col,
                      const struct sl_ipc_dicts *dicts, struct sl_err *err)
{
    const struct sl_foreign *f = col->type.foreign;
    int dense = f->shape == SL_SHAPE_DENSE, child_of[128];
    struct sl_slab s;
    int rc = sl_slab_next(c, col->rows, 1, 1, &s, err);
    if (rc < 0)
        return rc;
    col->data = s.data;
    own_slab(col, 1, &s);
    if (dense) {
        if ((rc = sl_slab_next(c, col->rows * 4, 1, 4, &s, err)) < 0)
            return rc;
        col->offsets = (const int32_t *)s.data;
        own_slab(col, 2, &s);
    }
    for (int i = 0; i < f->nchildren && rc == 0; i++)
        rc = load_child(c, col, i, dense ? 0 : col->rows, !dense, dicts, err);
    for (int i = 0; i < 128; i++)
        child_of[i] = sl_foreign_union_child(f, (int8_t)i);
    for (size_t i = 0; i < col->rows && rc == 0; i++) {
        int id = ((const int8_t *)col->data)[i], k = id < 0 ? -1 : child_of[id];
        if (k < 0 ||
            (dense && (col->offsets[i] < 0 || (size_t)col->offsets[i] >= col->children[k]->rows)))
            rc = sl_ipc_malformed(err, "a union row without a member");
    }
    return rc;
}

/* Run i ends before row ends[i]: values of rows by way of a selection. */
static int load_runs(struct sl_ipc_cursor *c, struct sl_column *col,
                     const struct sl_ipc_dicts *dicts, struct sl_err *err)
{
    struct sl_foreign *f = col->type.foreign;
    struct sl_column *ends = sl_ipc_load(c, f->run_ends, 0, NULL, err);
    struct sl_column *values = ends ? sl_ipc_load(c, f->children[0], 0, dicts, err) : NULL;
    struct sl_buffer *sel = values ? sl_buffer_new(c->body->account, col->rows * 4) : NULL;
    int rc = -SL_EFORMAT;
    if (!sel) {
        if (values)
            rc = sl_err_nomem(err, "a column");
        goto out;
    }
    size_t at = 0;
    for (size_t i = 0; i < ends->rows && at < col->rows; i++) {
        const void *d = ends->data;
        int64_t end = f->bits == 16   ? ((const int16_t *)d)[i]
                      : f->bits == 32 ? ((const int32_t *)d)[i]
                                      : ((const int64_t *)d)[i];
        if (i >= values->rows || ends->valid || end <= (int64_t)at)
            break;
        for (; at < col->rows && (int64_t)at < end; at++)
            ((uint32_t *)sel->data)[at] = (uint32_t)i;
    }
    if (at < col->rows) {
        sl_ipc_malformed(err, "run ends that do not rise, or end too early");
        goto out;
    }
    rc = adopt(
        col, sl_column_take(values, (const uint32_t *)sel->data, col->rows, c->body->account, err));
    if (rc == 0 && col->children[0]->form == SL_PLAIN && col->children[0]->valid) {
        const struct sl_column *v = col->children[0];
        col->valid = v->valid;
        col->owner[0] = v->owner[0] ? sl_buffer_ref(v->owner[0]) : NULL;
    }
out:
    sl_buffer_unref(sel);
    sl_column_unref(ends);
    sl_column_unref(values);
    return rc;
}

/* ---- one column ---- */

static int load_fixed(struct sl_ipc_cursor *c, struct sl_column *col, struct sl_err *err)
{
    struct sl_slab s;
    size_t width = (size_t)col->type.foreign->width;
    size_t align = width == 2 || width == 4 || width == 8 || width == 16 ? width : 1;
    int rc = sl_slab_next(c, col->rows * width, 1, align, &s, err);
    if (rc < 0)
        return rc;
    col->data = s.data;
    own_slab(col, 1, &s);
    return 0;
}

static int load_shape(struct sl_ipc_cursor *c, struct sl_column *col,
                      const struct sl_ipc_dicts *dicts, struct sl_err *err)
{
    const struct sl_foreign *f = col->type.foreign;
    struct sl_slab s;
    int rc = 0;
    switch ((enum sl_shape)f->shape) {
    case SL_SHAPE_NONE: break;
    case SL_SHAPE_BITS:
        if ((rc = sl_slab_next(c, sl_bits_bytes(col->rows), 1, 1, &s, err)) < 0)
            break;
        col->data = s.data;
        own_slab(col, 1, &s);
        break;
    case SL_SHAPE_FIXED: return load_fixed(c, col, err);
    case SL_SHAPE_BYTES:
        if (sl_ipc_is_view(f))
            rc = load_views(c, col, err);
        else
            rc = load_bytes(
                c, col, f->arrow == SL_ARROW_LARGE_UTF8 || f->arrow == SL_ARROW_LARGE_BINARY, err);
        if (rc == 0 && (f->arrow == SL_ARROW_UTF8 || f->arrow == SL_ARROW_LARGE_UTF8 ||
                        f->arrow == SL_ARROW_UTF8_VIEW))
            rc = check_utf8(col, err);
        break;
    case SL_SHAPE_LIST: return load_list(c, col, dicts, err);
    case SL_SHAPE_FIXLIST:
        if (f->width && col->rows > SL_IPC_ROWS_MAX / (size_t)f->width)
            return sl_ipc_malformed(err, "fixed-size lists of too many rows");
        return load_child(c, col, 0, col->rows * (size_t)f->width, 1, dicts, err);
    case SL_SHAPE_STRUCT:
        for (int i = 0; i < f->nchildren && rc == 0; i++)
            rc = load_child(c, col, i, col->rows, 1, dicts, err);
        break;
    case SL_SHAPE_SPARSE:
    case SL_SHAPE_DENSE: return load_union(c, col, dicts, err);
    case SL_SHAPE_RUNS: return load_runs(c, col, dicts, err);
    }
    return rc;
}

struct sl_column *sl_ipc_load(struct sl_ipc_cursor *c, struct sl_foreign *f, int top,
                              const struct sl_ipc_dicts *dicts, struct sl_err *err)
{
    assert(sl_ipc_cursor_is_sound(c) && f);
    if (!top && f->index_bits)
        return sl_ipc_load_indirect(c, f, dicts, err);
    assert(c->node < c->body->nnodes);
    struct sl_ipc_node node = c->body->nodes[c->node++];
    struct sl_type type = {.kind = SL_FOREIGN, .foreign = f};
    if (f->shape == SL_SHAPE_NONE)
        return sl_column_nulls(type, (size_t)node.length, err);
    struct sl_column *col = sl_column_new(type, (size_t)node.length);
    if (!col)
        return sl_err_no_memory(err, "a column");
    int own_valid =
        f->shape != SL_SHAPE_SPARSE && f->shape != SL_SHAPE_DENSE && f->shape != SL_SHAPE_RUNS;
    int rc = 0;
    if (f->nchildren && !(col->children = sl_calloc((size_t)f->nchildren, sizeof(*col->children))))
        rc = sl_err_nomem(err, "a column");
    if (rc == 0 && own_valid)
        rc = sl_slab_valid(c, col, node, err);
    if (rc == 0)
        rc = load_shape(c, col, dicts, err);
    if (rc == 0)
        return col;
    sl_column_unref(col);
    return NULL;
}

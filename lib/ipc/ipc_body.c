/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc_body: the tables of a record batch (nodes, buffers), checked against the body once, so that
 * everything behind may trust positions and counts. What the buffers hold is checked when they are
 * loaded (ipc_load.c).
 */
#include "ipc/codec.h"
#include "ipc/ipc_int.h"
#include "ipc/lz4.h"

void sl_ipc_body_unref(struct sl_ipc_body *b)
{
    assert(!b || b->refs > 0);
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    sl_buffer_unref(b->owner);
    free(b->nodes);
    free(b->spans);
    free(b->variadic);
    free(b);
}

static int read_codec(struct sl_ipc_body *b, const struct sl_fb_table *batch, struct sl_err *err)
{
    struct sl_fb_table c = sl_fb_get(batch, FB_BATCH_CODEC);
    if (!c.pos)
        return 0;
    int64_t codec = sl_fb_scalar(&c, FB_CODEC_CODEC, 1, CODEC_LZ4);
    if (sl_fb_scalar(&c, FB_CODEC_METHOD, 1, 0) != 0)
        return sl_ipc_malformed(err, "an unknown way of compression");
    if (codec != CODEC_ZSTD && codec != CODEC_LZ4)
        return sl_ipc_malformed(err, "an unknown compression");
    b->decompress = codec == CODEC_LZ4 ? sl_codec_decompress_lz4 : sl_codec_decompress;
    return codec == CODEC_LZ4 ? sl_lz4_need(err) : 0;
}

static int read_nodes(struct sl_ipc_body *b, const struct sl_fb_table *batch, struct sl_err *err)
{
    struct sl_fb_vector v = sl_fb_vector(batch, FB_BATCH_NODES, sizeof *b->nodes);
    b->nodes = sl_calloc(v.n + 1, sizeof *b->nodes);
    if (!b->nodes)
        return sl_err_nomem(err, "a batch");
    b->nnodes = v.n;
    for (size_t i = 0; i < v.n; i++) {
        struct sl_ipc_node *n = &b->nodes[i];
        n->length = sl_fb_vector_i64(&v, 16 * i);
        n->nulls = sl_fb_vector_i64(&v, 16 * i + 8);
        if (n->length < 0 || n->length > SL_IPC_ROWS_MAX || n->nulls < 0 || n->nulls > n->length)
            return sl_ipc_malformed(err, "a column's count of rows or nulls is impossible");
    }
    return 0;
}

static int read_spans(struct sl_ipc_body *b, const struct sl_fb_table *batch, struct sl_err *err)
{
    struct sl_fb_vector v = sl_fb_vector(batch, FB_BATCH_BUFFERS, sizeof *b->spans);
    b->spans = sl_calloc(v.n + 1, sizeof *b->spans);
    if (!b->spans)
        return sl_err_nomem(err, "a batch");
    b->nspans = v.n;
    int64_t len = (int64_t)b->len;
    for (size_t i = 0; i < v.n; i++) {
        struct sl_ipc_span *s = &b->spans[i];
        s->offset = sl_fb_vector_i64(&v, 16 * i);
        s->length = sl_fb_vector_i64(&v, 16 * i + 8);
        if (!s->length) /* writers put anything into the offset of an absent buffer */
            s->offset = 0;
        if (s->offset < 0 || s->length < 0 || s->offset > len || s->length > len - s->offset)
            return sl_ipc_malformed(err, "a buffer lies outside its body");
    }
    return 0;
}

static int read_variadic(struct sl_ipc_body *b, const struct sl_fb_table *batch, struct sl_err *err)
{
    struct sl_fb_vector v = sl_fb_vector(batch, FB_BATCH_VARIADIC, 8);
    b->variadic = sl_calloc(v.n + 1, sizeof *b->variadic);
    if (!b->variadic)
        return sl_err_nomem(err, "a batch");
    b->nvariadic = v.n;
    for (size_t i = 0; i < v.n; i++) {
        b->variadic[i] = sl_fb_vector_i64(&v, 8 * i);
        if (b->variadic[i] < 0 || (uint64_t)b->variadic[i] > b->nspans)
            return sl_ipc_malformed(err, "a count of view buffers is impossible");
    }
    return 0;
}

/* The bytes: shared, or copied where the message has no owner. */
static int take_bytes(struct sl_ipc_body *b, const struct sl_ipc_message *m, struct sl_err *err)
{
    b->len = m->body_len;
    if (m->owner) {
        b->owner = sl_buffer_ref(m->owner);
        b->data = m->body;
        return 0;
    }
    b->owner = sl_buffer_want(b->account, m->body_len, "a batch", err);
    if (!b->owner)
        return -SL_ENOMEM;
    if (m->body_len)
        memcpy(b->owner->data, m->body, m->body_len);
    b->data = b->owner->data;
    return 0;
}

struct sl_ipc_body *sl_ipc_body_new(const struct sl_ipc_message *m, struct sl_fb_table *batch,
                                    struct sl_account *account, struct sl_err *err)
{
    assert(m && batch);
    struct sl_ipc_body *b = sl_calloc(1, sizeof *b);
    if (!b)
        return sl_err_no_memory(err, "a batch");
    atomic_init(&b->refs, 1);
    b->account = account;
    b->rows = sl_fb_scalar(batch, FB_BATCH_LENGTH, 8, 0);
    int rc = b->rows < 0 || b->rows > SL_IPC_ROWS_MAX
                 ? sl_ipc_malformed(err, "its count of rows is impossible")
                 : take_bytes(b, m, err);
    if (rc == 0)
        rc = read_codec(b, batch, err);
    if (rc == 0)
        rc = read_nodes(b, batch, err);
    if (rc == 0)
        rc = read_spans(b, batch, err);
    if (rc == 0)
        rc = read_variadic(b, batch, err);
    if (rc == 0 && batch->fb->bad)
        rc = sl_ipc_malformed(err, "its metadata is damaged");
    if (rc == 0)
        return b;
    sl_ipc_body_unref(b);
    return NULL;
}

int sl_ipc_is_view(const struct sl_foreign *f)
{
    return f->arrow == SL_ARROW_UTF8_VIEW || f->arrow == SL_ARROW_BINARY_VIEW;
}

size_t sl_ipc_own_spans(const struct sl_foreign *f)
{
    static const uint8_t spans[] = {
        [SL_SHAPE_NONE] = 0,  [SL_SHAPE_BITS] = 2,    [SL_SHAPE_FIXED] = 2,  [SL_SHAPE_BYTES] = 3,
        [SL_SHAPE_LIST] = 2,  [SL_SHAPE_FIXLIST] = 1, [SL_SHAPE_STRUCT] = 1, [SL_SHAPE_SPARSE] = 1,
        [SL_SHAPE_DENSE] = 2, [SL_SHAPE_RUNS] = 0,
    };
    int is_list_view = f->arrow == SL_ARROW_LIST_VIEW || f->arrow == SL_ARROW_LARGE_LIST_VIEW;
    return spans[f->shape] + (size_t)is_list_view - (size_t)sl_ipc_is_view(f);
}

int sl_ipc_skip(struct sl_ipc_cursor *c, const struct sl_foreign *f, int as_index,
                struct sl_err *err)
{
    assert(sl_ipc_cursor_is_sound(c));
    const struct sl_ipc_body *b = c->body;
    size_t spans = as_index ? 2 : sl_ipc_own_spans(f);
    c->node++;
    if (!as_index && sl_ipc_is_view(f)) {
        if (c->variadic >= b->nvariadic)
            return sl_ipc_malformed(err, "a count of view buffers is missing");
        spans += (size_t)b->variadic[c->variadic++];
    }
    c->span += spans;
    if (c->node > b->nnodes || c->span > b->nspans)
        return sl_ipc_malformed(err, "it has fewer columns or buffers than its schema");
    if (as_index)
        return 0;
    if (f->run_ends) {
        int rc = sl_ipc_skip(c, f->run_ends, 0, err);
        if (rc < 0)
            return rc;
    }
    for (int i = 0; i < f->nchildren; i++) {
        int rc = sl_ipc_skip(c, f->children[i], f->children[i]->index_bits != 0, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

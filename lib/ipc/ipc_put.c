/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc_put: the buffers of columns into the body of a record batch.
 *
 * The flatbuffer comes first in a message, so its vectors of nodes and buffers are laid out empty
 * (their number follows from the types) and filled as buffers are written behind it: nothing is
 * copied but into place. Bits beyond the last row and values of null rows are written as zero, so
 * that equal rows give equal bytes.
 */
#include "base/crc32c.h"
#include "ipc/codec.h"
#include "ipc/ipc_write.h"

enum { TINY = 64 }; /* bytes that no compressor makes smaller */

void sl_ipc_put_count(struct sl_ipc_put *p, struct sl_type type, int code)
{
    if (type.kind == SL_FOREIGN) {
        sl_ipc_count_foreign(p, type.foreign);
        return;
    }
    p->count_nodes++;
    p->count_spans += sl_type_is_bytes(type) && !code ? 3 : 2;
}

void sl_ipc_put_table(struct sl_ipc_put *p, size_t hole, size_t rows)
{
    struct sl_fb_writer *w = &p->frame.w;
    struct sl_fb_slot slots[5] = {
        {.field = FB_BATCH_LENGTH, .width = 8, .value = (int64_t)rows},
        {.field = FB_BATCH_NODES, .width = 4},
        {.field = FB_BATCH_BUFFERS, .width = 4},
    };
    int n = 3, codec = 0, views = 0;
    if (p->form->zstd)
        slots[codec = n++] = (struct sl_fb_slot){.field = FB_BATCH_CODEC, .width = 4};
    if (p->count_views)
        slots[views = n++] = (struct sl_fb_slot){.field = FB_BATCH_VARIADIC, .width = 4};
    sl_fb_point(w, hole, sl_fb_table(w, slots, n));
    p->nodes = sl_fb_put_vector(w, slots[1].hole, p->count_nodes, 16, 8);
    p->spans = sl_fb_put_vector(w, slots[2].hole, p->count_spans, 16, 8);
    if (codec) {
        struct sl_fb_slot c[] = {{.field = FB_CODEC_CODEC, .width = 1, .value = CODEC_ZSTD},
                                 {.field = FB_CODEC_METHOD, .width = 1}};
        sl_fb_point(w, slots[codec].hole, sl_fb_table(w, c, 2));
    }
    if (views) {
        p->variadic = sl_fb_put_vector(w, slots[views].hole, p->count_views, 8, 8);
        for (size_t i = 0; i < p->count_views; i++)
            sl_fb_set_i64(w, p->variadic + 8 * i, 1);
    }
    p->node = p->span = 0;
}

void sl_ipc_put_node(struct sl_ipc_put *p, size_t rows, size_t nulls)
{
    size_t at = p->nodes + 16 * p->node++;
    assert(p->node <= p->count_nodes);
    sl_fb_set_i64(&p->frame.w, at, (int64_t)rows);
    sl_fb_set_i64(&p->frame.w, at + 8, (int64_t)nulls);
}

/* Stores n bytes compressed if that helps: a length (-1 = raw), then the bytes. */
static int store_compressed(struct sl_ipc_put *p, const void *data, size_t n,
                            enum sl_codec_kind kind)
{
    struct sl_buf *out = p->out;
    size_t at = out->len;
    int64_t length = (int64_t)n;
    sl_buf_add(out, &length, sizeof length);
    int rc = n < TINY ? 0 : sl_codec_compress(out, data, n, p->form->level, kind, p->err);
    if (rc)
        return SL_MIN(rc, 0);
    length = -1;
    sl_buf_add(out, data, n);
    if (!out->failed)
        memcpy(out->data + at, &length, sizeof length);
    return 0;
}

/* The bytes from `at` on are the next buffer. */
static int end_buffer(struct sl_ipc_put *p, size_t at)
{
    static const uint8_t zeros[8];
    struct sl_buf *out = p->out;
    size_t stored = out->len - at, entry = p->spans + 16 * p->span++;
    assert(p->span <= p->count_spans);
    if (out->failed)
        return sl_buf_check(out, p->err);
    sl_fb_set_i64(&p->frame.w, entry, (int64_t)(at - p->frame.body));
    sl_fb_set_i64(&p->frame.w, entry + 8, (int64_t)stored);
    if (p->crc)
        *p->crc = sl_crc32c(*p->crc, out->data + at, stored);
    sl_buf_add(out, zeros, SL_ALIGN_UP(stored, 8) - stored);
    if (out->len - p->frame.body > SL_IPC_BODY_MAX)
        return sl_err_set(p->err, SL_EOVERFLOW, "a batch of more than 1 GiB");
    return 0;
}

static int put(struct sl_ipc_put *p, const void *data, size_t n, enum sl_codec_kind kind)
{
    size_t at = p->out->len;
    int rc = 0;
    if (n > SL_IPC_BODY_MAX) /* however small it becomes: nobody would take it */
        return sl_err_set(p->err, SL_EOVERFLOW, "a batch of more than 1 GiB");
    if (n && p->form->zstd)
        rc = store_compressed(p, data, n, kind);
    else if (n)
        sl_buf_add(p->out, data, n);
    return rc < 0 ? rc : end_buffer(p, at);
}

int sl_ipc_put_buffer(struct sl_ipc_put *p, const void *data, size_t n)
{
    assert(data || !n);
    return put(p, data, n, SL_CODEC_BYTES);
}

int sl_ipc_put_empty(struct sl_ipc_put *p)
{
    const int64_t raw = -1;
    size_t at = p->out->len;
    sl_buf_add(p->out, &raw, sizeof raw);
    return end_buffer(p, at);
}

/* n bytes of scratch, or NULL with err filled. */
static void *scratch(struct sl_ipc_put *p, size_t n)
{
    sl_buf_reset(&p->scratch);
    void *s = sl_buf_room(&p->scratch, n);
    if (!s)
        sl_err_nomem(p->err, "a batch");
    return s;
}

int sl_ipc_put_bits(struct sl_ipc_put *p, const uint8_t *bits, size_t n)
{
    assert(bits || !n);
    size_t bytes = sl_bits_bytes(n);
    if (n % 8 == 0)
        return sl_ipc_put_buffer(p, bits, bytes);
    uint8_t *s = scratch(p, bytes);
    if (!s)
        return -SL_ENOMEM;
    memcpy(s, bits, bytes);
    s[bytes - 1] &= (uint8_t)((1u << (n % 8)) - 1);
    return sl_ipc_put_buffer(p, s, bytes);
}

/* The node, and the validity buffer (absent where no row is null). */
int sl_ipc_put_valid(struct sl_ipc_put *p, const struct sl_column *c)
{
    assert(sl_column_is_loaded(c));
    size_t nulls = c->valid ? c->rows - sl_bits_count(c->valid, c->rows) : 0;
    sl_ipc_put_node(p, c->rows, nulls);
    return nulls ? sl_ipc_put_bits(p, c->valid, c->rows) : sl_ipc_put_buffer(p, NULL, 0);
}

int sl_ipc_put_values(struct sl_ipc_put *p, const struct sl_column *c, size_t width)
{
    assert(sl_column_is_loaded(c) && width > 0);
    if (!c->valid)
        return put(p, c->data, c->rows * width, SL_CODEC_NUMBERS);
    uint8_t *s = scratch(p, c->rows * width);
    if (!s)
        return -SL_ENOMEM;
    memcpy(s, c->data, c->rows * width);
    for (size_t i = 0; i < c->rows; i++) {
        if (i % 8 == 0 && c->valid[i / 8] == 0xff)
            i += 7;
        else if (!sl_bit(c->valid, i))
            memset(s + i * width, 0, width);
    }
    return put(p, s, c->rows * width, SL_CODEC_NUMBERS);
}

static int put_bool(struct sl_ipc_put *p, const struct sl_column *c)
{
    if (!c->valid)
        return sl_ipc_put_bits(p, c->data, c->rows);
    size_t bytes = sl_bits_bytes(c->rows);
    uint8_t *s = scratch(p, bytes);
    if (!s)
        return -SL_ENOMEM;
    for (size_t i = 0; i < bytes; i++)
        s[i] = ((const uint8_t *)c->data)[i] & c->valid[i];
    if (c->rows % 8)
        s[bytes - 1] &= (uint8_t)((1u << (c->rows % 8)) - 1);
    return sl_ipc_put_buffer(p, s, bytes);
}

int sl_ipc_put_offsets(struct sl_ipc_put *p, const struct sl_column *c, int wide)
{
    assert(sl_column_is_loaded(c));
    size_t n = c->rows + 1;
    int32_t base = c->offsets[0];
    if (!wide && !base)
        return sl_ipc_put_buffer(p, c->offsets, n * sizeof(int32_t));
    void *s = scratch(p, n * (wide ? 8 : 4));
    if (!s)
        return -SL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (wide)
            ((int64_t *)s)[i] = c->offsets[i] - base;
        else
            ((int32_t *)s)[i] = c->offsets[i] - base;
    }
    return sl_ipc_put_buffer(p, s, n * (wide ? 8 : 4));
}

static int put_codes(struct sl_ipc_put *p, const struct sl_column *c, int code)
{
    const int32_t *from = c->data;
    if (code == 4)
        return sl_ipc_put_buffer(p, from, c->rows * sizeof *from);
    void *s = scratch(p, c->rows * (size_t)code);
    if (!s)
        return -SL_ENOMEM;
    for (size_t i = 0; code == 1 && i < c->rows; i++)
        ((int8_t *)s)[i] = (int8_t)from[i];
    for (size_t i = 0; code == 2 && i < c->rows; i++)
        ((int16_t *)s)[i] = (int16_t)from[i];
    return sl_ipc_put_buffer(p, s, c->rows * (size_t)code);
}

int sl_ipc_put_column(struct sl_ipc_put *p, struct sl_column *c, int code)
{
    assert(sl_column_is_sound(c));
    if (c->type.kind == SL_FOREIGN)
        return sl_ipc_put_foreign(p, c);
    assert(c->form == (code ? SL_DICT : SL_PLAIN));
    int rc = sl_ipc_put_valid(p, c);
    if (rc < 0)
        return rc;
    if (code)
        return put_codes(p, c, code);
    if (c->type.kind == SL_BOOL)
        return put_bool(p, c);
    if (!sl_type_is_bytes(c->type))
        return sl_ipc_put_values(p, c, sl_type_width(c->type));
    if ((rc = sl_ipc_put_offsets(p, c, 0)) < 0)
        return rc;
    return sl_ipc_put_buffer(p, (const uint8_t *)c->data + c->offsets[0],
                             (size_t)(c->offsets[c->rows] - c->offsets[0]));
}

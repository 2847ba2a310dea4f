/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* fb_write: see the header, and fb_read.c for the format. */
#include "ipc/fb_write.h"

enum { FIELDS_MAX = 16 };

/* n zero bytes at the end; their position. */
static size_t put_zeros(struct sl_fb_writer *w, size_t n)
{
    size_t at = w->out->len - w->base;
    char *p = sl_buf_room(w->out, n);
    if (p) {
        memset(p, 0, n + 1);
        w->out->len += n;
    }
    return at;
}

static void set_bytes(struct sl_fb_writer *w, size_t at, const void *v, size_t n)
{
    if (!w->out->failed)
        memcpy(w->out->data + w->base + at, v, n);
}

/* Pads until the position plus `ahead` is a multiple of align. */
static void pad(struct sl_fb_writer *w, size_t ahead, size_t align)
{
    size_t at = w->out->len - w->base + ahead;
    put_zeros(w, SL_ALIGN_UP(at, align) - at);
}

void sl_fb_begin(struct sl_fb_writer *w, struct sl_buf *out)
{
    assert(w && out);
    w->out = out;
    w->base = out->len;
    put_zeros(w, 4);
}

void sl_fb_set_i64(struct sl_fb_writer *w, size_t at, int64_t v)
{
    set_bytes(w, at, &v, sizeof v);
}

void sl_fb_set_i32(struct sl_fb_writer *w, size_t at, int32_t v)
{
    set_bytes(w, at, &v, sizeof v);
}

void sl_fb_point(struct sl_fb_writer *w, size_t hole, size_t target)
{
    assert(w->out->failed || target > hole);
    sl_fb_set_i32(w, hole, (int32_t)(target - hole));
}

size_t sl_fb_table(struct sl_fb_writer *w, struct sl_fb_slot *slots, int n)
{
    assert(slots || !n);
    uint16_t vtable[2 + FIELDS_MAX] = {0};
    int fields = 0;
    size_t size = 4, align = 4;
    for (int width = 8; width; width /= 2) { /* widest first: no gaps but one before 8 bytes */
        for (int i = 0; i < n; i++) {
            if (slots[i].width != width)
                continue;
            assert(slots[i].field < FIELDS_MAX);
            align = SL_MAX(align, (size_t)width);
            /* The table starts 4 bytes before a multiple of 8 if it holds 8-byte fields. */
            slots[i].hole = size;
            vtable[2 + slots[i].field] = (uint16_t)size;
            fields = SL_MAX(fields, slots[i].field + 1);
            size += (size_t)width;
        }
    }
    size_t vbytes = 4 + 2 * (size_t)fields;
    vtable[0] = (uint16_t)vbytes;
    vtable[1] = (uint16_t)size;
    pad(w, vbytes + (align == 8 ? 4 : 0), align);
    size_t vat = put_zeros(w, vbytes);
    set_bytes(w, vat, vtable, vbytes);
    size_t at = put_zeros(w, size);
    sl_fb_set_i32(w, at, (int32_t)(at - vat));
    for (int i = 0; i < n; i++) {
        slots[i].hole += at;
        set_bytes(w, slots[i].hole, &slots[i].value, slots[i].width); /* little-endian */
    }
    return at;
}

size_t sl_fb_put_string(struct sl_fb_writer *w, size_t hole, const char *s, size_t n)
{
    assert(s || !n);
    size_t at = sl_fb_put_vector(w, hole, n, 1, 1);
    if (n)
        set_bytes(w, at, s, n);
    put_zeros(w, 1);
    return at;
}

size_t sl_fb_put_vector(struct sl_fb_writer *w, size_t hole, size_t n, size_t width, size_t align)
{
    assert(align && !(align & (align - 1)));
    pad(w, 4, SL_MAX(align, (size_t)4));
    size_t at = put_zeros(w, 4);
    sl_fb_point(w, hole, at);
    sl_fb_set_i32(w, at, (int32_t)n);
    return put_zeros(w, n * width);
}

void sl_fb_end(struct sl_fb_writer *w)
{
    pad(w, 0, 8);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * fb_read: see the header. Format: a buffer begins with the uint32 position of the root table. A
 * table begins with the int32 distance back to its vtable: uint16 bytes of the vtable, uint16 bytes
 * of the table, then a uint16 offset per field (0 = absent). Sub-tables, strings and vectors are
 * held by a uint32 distance forward; strings and vectors begin with a uint32 count.
 */
#include "ipc/fb_read.h"

static const struct sl_fb_table no_table;

static uint16_t read_u16(const struct sl_fb *fb, size_t at)
{
    uint16_t v;
    memcpy(&v, fb->data + at, sizeof v);
    return v;
}

static uint32_t read_u32(const struct sl_fb *fb, size_t at)
{
    uint32_t v;
    memcpy(&v, fb->data + at, sizeof v);
    return v;
}

/* 1 if n bytes at position at lie in the buffer. */
static int within(struct sl_fb *fb, size_t at, size_t n)
{
    if (at <= fb->len && n <= fb->len - at)
        return 1;
    fb->bad = 1;
    return 0;
}

static struct sl_fb_table table_at(struct sl_fb *fb, size_t pos)
{
    struct sl_fb_table t = {.fb = fb, .pos = pos};
    if (!within(fb, pos, 4))
        goto bad;
    int64_t vtable = (int64_t)pos - (int32_t)read_u32(fb, pos);
    if (vtable < 0 || !within(fb, (size_t)vtable, 4))
        goto bad;
    t.vtable = (size_t)vtable;
    uint16_t bytes = read_u16(fb, t.vtable);
    t.size = read_u16(fb, t.vtable + 2);
    if (bytes < 4 || bytes % 2 || !within(fb, t.vtable, bytes) || t.size < 4 ||
        !within(fb, pos, t.size))
        goto bad;
    t.slots = (uint16_t)((bytes - 4) / 2);
    return t;
bad:
    fb->bad = 1;
    return no_table;
}

struct sl_fb_table sl_fb_root(struct sl_fb *fb, const uint8_t *data, size_t len)
{
    assert(fb && (data || !len));
    *fb = (struct sl_fb){.data = data, .len = len};
    return within(fb, 0, 4) ? table_at(fb, read_u32(fb, 0)) : no_table;
}

/* Position of a field of width bytes, 0 if absent. */
static size_t field_at(const struct sl_fb_table *t, int field, size_t width)
{
    if (!t->pos || field >= t->slots)
        return 0;
    size_t offset = read_u16(t->fb, t->vtable + 4 + 2 * (size_t)field);
    if (!offset)
        return 0;
    if (offset < 4 || offset + width > t->size) {
        t->fb->bad = 1;
        return 0;
    }
    return t->pos + offset;
}

int64_t sl_fb_scalar(const struct sl_fb_table *t, int field, int width, int64_t missing)
{
    SL_CHECK_THAT(width == 1 || width == 2 || width == 4 || width == 8);
    size_t at = field_at(t, field, (size_t)width);
    if (!at)
        return missing;
    uint64_t v = 0;
    memcpy(&v, t->fb->data + at, (size_t)width);
    int shift = 64 - 8 * width;
    return (int64_t)(v << shift) >> shift;
}

/* What the forward distance at a field points to, 0 if absent. */
static size_t target(const struct sl_fb_table *t, int field)
{
    size_t at = field_at(t, field, 4);
    if (!at)
        return 0;
    size_t to = at + read_u32(t->fb, at);
    return to != at && within(t->fb, to, 4) ? to : 0;
}

struct sl_fb_table sl_fb_get(const struct sl_fb_table *t, int field)
{
    size_t to = target(t, field);
    return to ? table_at(t->fb, to) : no_table;
}

const char *sl_fb_string(const struct sl_fb_table *t, int field, size_t *len)
{
    struct sl_fb_vector v = sl_fb_vector(t, field, 1);
    *len = v.n;
    return v.pos ? (const char *)t->fb->data + v.pos : NULL;
}

struct sl_fb_vector sl_fb_vector(const struct sl_fb_table *t, int field, size_t width)
{
    SL_CHECK_THAT(width > 0);
    struct sl_fb_vector v = {.fb = t->fb};
    size_t to = target(t, field);
    if (!to)
        return v;
    size_t n = read_u32(t->fb, to);
    if (n > t->fb->len / width || !within(t->fb, to + 4, n * width)) {
        t->fb->bad = 1;
        return v;
    }
    v.pos = to + 4;
    v.n = n;
    return v;
}

struct sl_fb_table sl_fb_vector_table(const struct sl_fb_vector *v, size_t i)
{
    assert(i < v->n);
    size_t at = v->pos + 4 * i;
    return table_at(v->fb, at + read_u32(v->fb, at));
}

int64_t sl_fb_vector_i64(const struct sl_fb_vector *v, size_t byte)
{
    int64_t x;
    memcpy(&x, v->fb->data + v->pos + byte, sizeof x);
    return x;
}

int32_t sl_fb_vector_i32(const struct sl_fb_vector *v, size_t byte)
{
    return (int32_t)read_u32(v->fb, v->pos + byte);
}

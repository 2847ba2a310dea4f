/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * fb_read: reads FlatBuffers tables, every position checked before it is used.
 *
 * A malformed buffer sets `bad` in the reader; getters then answer their default and empty slices,
 * so that callers check once at the end (or before they trust a count). Absent fields answer
 * defaults too. Nothing is allocated, nothing recurses; scalars are read unaligned.
 */
#ifndef SL_IPC_FB_READ_H
#define SL_IPC_FB_READ_H

#include "base/compat.h"

struct sl_fb {
    const uint8_t *data;
    size_t len;
    int bad;
};

struct sl_fb_table {
    struct sl_fb *fb;
    size_t pos;     /* of the table; 0 = no such table */
    size_t vtable;  /* its position */
    uint16_t slots; /* fields that the vtable has */
    uint16_t size;  /* bytes of the table's inline part */
};

struct sl_fb_vector {
    struct sl_fb *fb;
    size_t pos; /* of the first element */
    size_t n;
};

/* The root table; pos 0 if the buffer is malformed. */
struct sl_fb_table sl_fb_root(struct sl_fb *fb, const uint8_t *data, size_t len);
/* Scalars of 1, 2, 4 and 8 bytes, sign-extended. */
int64_t sl_fb_scalar(const struct sl_fb_table *t, int field, int width, int64_t missing);
struct sl_fb_table sl_fb_get(const struct sl_fb_table *t, int field);
/* Bytes of a string; NULL and 0 if absent. */
const char *sl_fb_string(const struct sl_fb_table *t, int field, size_t *len);
/* Elements of width bytes each (structs and scalars; 4 for tables and strings). */
struct sl_fb_vector sl_fb_vector(const struct sl_fb_table *t, int field, size_t width);
struct sl_fb_table sl_fb_vector_table(const struct sl_fb_vector *v, size_t i);
/* Scalar of 8 bytes at a byte offset within the vector's elements. */
int64_t sl_fb_vector_i64(const struct sl_fb_vector *v, size_t byte);
int32_t sl_fb_vector_i32(const struct sl_fb_vector *v, size_t byte);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * fb_write: writes FlatBuffers front to back.
 *
 * A table is written whole with its scalars, and its references to tables, strings and vectors as
 * holes; what they refer to comes behind and fills the hole (sl_fb_point). So parents stand before
 * children, every distance is forward as the format wants, and no tree is kept. Failure is the
 * buffer's (sl_buf_check).
 */
#ifndef SL_IPC_FB_WRITE_H
#define SL_IPC_FB_WRITE_H

#include "base/buf.h"

struct sl_fb_writer {
    struct sl_buf *out;
    size_t base; /* of the flatbuffer in out; positions below are relative to it */
};

struct sl_fb_slot {
    uint8_t field;
    uint8_t width; /* 1, 2, 4 or 8; references are 4 */
    int64_t value; /* scalars */
    size_t hole;   /* out: position of the field */
};

/* Begins a flatbuffer at the end of out; its root reference is the hole at 0. */
void sl_fb_begin(struct sl_fb_writer *w, struct sl_buf *out);
/* A table with these n fields (any order); answers its position. */
size_t sl_fb_table(struct sl_fb_writer *w, struct sl_fb_slot *slots, int n);
/* Fills the hole of a reference with the position of what it refers to, which lies behind it. */
void sl_fb_point(struct sl_fb_writer *w, size_t hole, size_t target);
/* Position of the first byte of the string. */
size_t sl_fb_put_string(struct sl_fb_writer *w, size_t hole, const char *s, size_t n);
/* Vector of n elements of width bytes, zeroed (references: holes); position of the first. align is
 * that of an element, at most 8. */
size_t sl_fb_put_vector(struct sl_fb_writer *w, size_t hole, size_t n, size_t width, size_t align);
/* Overwrites a scalar at a position, little-endian. */
void sl_fb_set_i64(struct sl_fb_writer *w, size_t at, int64_t v);
void sl_fb_set_i32(struct sl_fb_writer *w, size_t at, int32_t v);
/* Pads with zero bytes to a multiple of 8. */
void sl_fb_end(struct sl_fb_writer *w);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * buf: a growable byte string.
 *
 * Appending never fails at the call: the first failed allocation sets `failed`, later appends do
 * nothing, and the owner checks once at the end (sl_buf_check). data is NUL-ended whenever it is
 * not NULL. Lifecycle: SL_BUF_INIT, then sl_buf_release. sl_buf_reset keeps
 * memory but not `failed`: a buffer that is used again and again is checked before each reset.
 */
#ifndef SL_BASE_BUF_H
#define SL_BASE_BUF_H

#include "base/compat.h"
#include "base/err.h"

struct sl_buf {
    char *data;
    size_t len, cap;
    int failed;
};

#define SL_BUF_INIT                                                                                \
    {                                                                                              \
        NULL, 0, 0, 0                                                                              \
    }

void sl_buf_release(struct sl_buf *b);
void sl_buf_reset(struct sl_buf *b);
/* Room for n more bytes (plus the NUL): pointer to write at, or NULL when failed. The caller adds
 * to len itself. */
char *sl_buf_room(struct sl_buf *b, size_t n);
void sl_buf_add(struct sl_buf *b, const void *data, size_t n);
void sl_buf_addstr(struct sl_buf *b, const char *s);
void sl_buf_addch(struct sl_buf *b, char c);
void sl_buf_printf(struct sl_buf *b, const char *fmt, ...) SL_PRINTF(2, 3);
void sl_buf_vprintf(struct sl_buf *b, const char *fmt, va_list ap);
/* Appends bytes for the eyes of a person. What would move the cursor, change colours or turn the
 * direction of text (C0, DEL, C1, marks of direction, broken UTF-8) is shown as \n, \xNN or
 * \u{NNNN}: nothing that data holds reaches a terminal as a command. */
void sl_buf_add_visible(struct sl_buf *b, const void *data, size_t n);
/* The same for whole lines of text, in which line feeds and tabs, which lay it out, stay; of JSON, which
 * stays JSON: \uNNNN. */
enum sl_visible { SL_VISIBLE_ALL, SL_VISIBLE_LINES, SL_VISIBLE_JSON };
void sl_buf_add_visible_as(struct sl_buf *b, const void *data, size_t n, enum sl_visible form);
/* Appends a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void sl_buf_add_json(struct sl_buf *b, const void *data, size_t n);
/* Drops the first n bytes. */
void sl_buf_consume(struct sl_buf *b, size_t n);
/* 0, or -SL_ENOMEM with err filled if any append failed. */
int sl_buf_check(const struct sl_buf *b, struct sl_err *err);
/* Hands the bytes over (NUL-ended, freed by free()) and leaves b empty. NULL if failed. */
char *sl_buf_take(struct sl_buf *b);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* utf8: validation (RFC 3629, fast for ASCII), counting and display width. */
#ifndef SL_BASE_UTF8_H
#define SL_BASE_UTF8_H

#include "base/compat.h"

/* 1 if the slice is well-formed UTF-8. */
int sl_utf8_valid(const void *s, size_t n);
/* Decodes one character: its length in bytes (>= 1), *cp = code point or -1 for an invalid byte. */
size_t sl_utf8_decode(const void *s, size_t n, int32_t *cp);
/* Encodes cp into out (4 bytes at most); returns the length. */
size_t sl_utf8_encode(char *out, int32_t cp);
/* Characters in the slice. */
size_t sl_utf8_count(const void *s, size_t n);
/* Terminal columns of a code point: 0, 1 or 2; 0 for combining marks; control: -1. */
int sl_utf8_width(int32_t cp);
/* Bytes of s, whole characters, that fit in width terminal columns. */
size_t sl_utf8_fitting(const char *s, size_t n, int width);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* hex: numbers of fixed width, and base64, as commit lines, the lock file and batch metadata write them. */
#ifndef SL_BASE_HEX_H
#define SL_BASE_HEX_H

#include "base/buf.h"

/* 2 * n lower-case digits and a NUL. */
void sl_hex(const uint8_t *bytes, size_t n, char *out);
/* Exactly n digits; 1 or 0. Capitals are refused: one value has one spelling. */
int sl_hex_parse(const char *s, size_t n, uint64_t *out);
int sl_hex_parse_bytes(const char *s, size_t n, uint8_t *out); /* 2 * n digits */
/* v as width decimal digits, zero-padded, no NUL. v >= 0 and fits. */
void sl_digits(char *out, int width, int64_t v);
void sl_hex32(char *out, uint32_t v); /* 8 digits, no NUL */
/* Exactly n decimal digits; 1 or 0. */
int sl_digits_parse(const char *s, int n, int64_t *out);

void sl_base64_add(struct sl_buf *out, const void *data, size_t n);
/* Appends the bytes; 1, or 0 if it is not base64 with its padding. */
int sl_base64_parse(const char *s, size_t n, struct sl_buf *out);

#endif

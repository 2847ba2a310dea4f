/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * num: numbers from and to text, exact and independent of the locale.
 *
 * Parsers take a slice and want all of it: 1 = parsed, 0 = not of that form (or out of range).
 * Printers write to a buffer of at least SL_NUM_MAX bytes, no NUL, and return the length.
 */
#ifndef SL_BASE_NUM_H
#define SL_BASE_NUM_H

#include "base/compat.h"

enum { SL_NUM_MAX = 64 };

/* -?digits within int64. A leading zero or plus is accepted here; inference refuses it itself. */
int sl_num_parse_int(const char *s, size_t n, int64_t *out);
/* Decimal or exponent notation, inf, nan; correctly rounded. */
int sl_num_parse_double(const char *s, size_t n, double *out);
/* A boolean by any word that PostgreSQL takes: t, true, y, yes, on, 1, and their opposites. */
int sl_num_parse_bool(const char *s, size_t n, int *v);
/* -?digits[.digits] to value * 10^scale. Fails (0) if more than scale fraction digits are not zero,
 * or beyond 38 digits. */
int sl_num_parse_decimal(const char *s, size_t n, int scale, sl_int128 *out);

size_t sl_num_print_int(char *out, int64_t v);
size_t sl_num_print_grouped(char *out, int64_t v); /* for people: 1,234,567 */
/* Shortest text that reads back to v, in PostgreSQL's style: 1e+20, 0.1, NaN, Infinity. */
size_t sl_num_print_double(char *out, double v);
/* v / 10^scale with exactly scale fraction digits. */
size_t sl_num_print_decimal(char *out, sl_int128 v, int scale);
/* 10^n for 0 <= n <= 38. */
sl_int128 sl_num_pow10(int n);

#endif

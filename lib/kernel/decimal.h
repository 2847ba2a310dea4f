/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * decimal: a numeric that has a scale of its own. Internal to lib/kernel and lib/expr.
 *
 * Columns of type numeric(p,s) share one scale, which cannot hold both 1e15/3 and 3/1e15. So a
 * quotient, and a cast to numeric without a precision, is an SL_DECIMAL while an expression is
 * evaluated: 35 significant digits and an exponent in 16 bytes. No column of a batch is one: where an
 * expression ends, sl_coerce_result makes a numeric(p,s) or a double precision of it.
 *
 * Invariants: (1) |v| < 10^38 in a struct sl_decimal, |v| <= 10^35 in its packed form. (2) A packed
 * scale is between -128 and 127. (3) All answers round half away from zero.
 */
#ifndef SL_KERNEL_DECIMAL_H
#define SL_KERNEL_DECIMAL_H

#include "base/compat.h"

struct sl_decimal {
    sl_int128 v;
    int scale; /* the value is v / 10^scale */
};

/* What an operation did to its result. */
enum sl_decimal_state {
    SL_DECIMAL_EXACT,
    SL_DECIMAL_ROUNDED, /* at least 18 significant digits are right */
    SL_DECIMAL_RANGE,   /* beyond what can be held */
};

enum { SL_DECIMAL_DIGITS = 35 };

/* Low byte: the scale. The rest: the digits. */
static inline struct sl_decimal sl_decimal_unpack(sl_int128 packed)
{
    return (struct sl_decimal){packed >> 8, (int8_t)(uint8_t)packed};
}
enum sl_decimal_state sl_decimal_pack(struct sl_decimal d, sl_int128 *out);

/* op is one of + - * / %; b is not 0 for / and %. */
enum sl_decimal_state sl_decimal_arith(int op, struct sl_decimal a, struct sl_decimal b,
                                       struct sl_decimal *out);
/* < 0, 0, > 0 */
int sl_decimal_order(struct sl_decimal a, struct sl_decimal b);
/* The digits of d at a scale; how: 'r' half away from zero, 't' to zero, 'c' up, 'f' down. */
enum sl_decimal_state sl_decimal_rescale(struct sl_decimal d, int scale, int how, sl_int128 *out);
/* The nearest double. */
double sl_decimal_double(struct sl_decimal d);
/* Without an exponent. At most SL_DECIMAL_TEXT bytes, no NUL. */
enum { SL_DECIMAL_TEXT = 192 };
size_t sl_decimal_print(char *out, struct sl_decimal d);
/* [+-]digits[.digits][e[+-]digits], all of it; what is behind so many places after the point is rounded
 * off. 1, or 0 if the text is none or has too many digits. */
enum { SL_DECIMAL_ALL = INT32_MAX };
int sl_decimal_parse(const char *s, size_t n, int places, struct sl_decimal *out);
/* The 15 significant digits that PostgreSQL takes of a double. 0 if it is NaN or infinite. */
int sl_decimal_of_double(double v, struct sl_decimal *out);
/* The precision of numeric(p,scale) that d just fits, or 0. *scale is set. */
int sl_decimal_fit(struct sl_decimal d, int *scale);

#endif

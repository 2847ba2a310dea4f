/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * superacc: exact sums of doubles, many at once.
 *
 * After the small superaccumulator of R. M. Neal, "Fast exact summation using small and large
 * superaccumulators" (arXiv:1505.05571, 2015); the code is our own. A sum is a fixed-point number in
 * chunks of 64 bits that overlap by 32: chunk c counts units of 2^(32 c - 1074), so that every double
 * is a sum of at most three chunks' worth and 2^30 of them can be added before carries must move.
 * The sum is exact, hence the same in any order, and is rounded once.
 *
 * The sums of a set share one window [low, low + width) of chunks, as wide as the values so far
 * need: 4 or 5 chunks for common data, 68 at most. Values out of the window widen it for all.
 * NaN and infinities are kept as flags.
 */
#ifndef SL_STATE_SUPERACC_H
#define SL_STATE_SUPERACC_H

#include "state/vec.h"

enum { SL_SUPERACC_CHUNKS = 68 };

struct sl_superacc {
    size_t n;            /* sums reserved */
    int low, width;      /* window of chunks; width 0: nothing yet */
    uint64_t pending;    /* additions since carries last moved */
    struct sl_vec chunk; /* int64_t[n][width] */
    struct sl_vec flags; /* uint8_t[n] */
    struct sl_account *account;
};

/* reserve: sums below n may be used, new ones are 0. add: v to sum i. Both 0 or -SL_ENOMEM. */
void sl_superacc_init(struct sl_superacc *s, struct sl_account *account);
void sl_superacc_release(struct sl_superacc *s);
int sl_superacc_reserve(struct sl_superacc *s, size_t n, struct sl_err *err);
int sl_superacc_add(struct sl_superacc *s, size_t i, double v, struct sl_err *err);
/* v[k] to sum group[k] (group NULL: sum 0), where valid (NULL: everywhere). */
int sl_superacc_add_rows(struct sl_superacc *s, const uint32_t *group, const double *v,
                         const uint8_t *valid, size_t n, struct sl_err *err);
/* The sum, correctly rounded (to even on ties). */
double sl_superacc_sum(const struct sl_superacc *s, size_t i);
/* n sum[xy] - sum[x] sum[y], exact until it is rounded once: as a number m with 0.5 <= |m| < 1, or 0,
 * which counts 2^*exponent. The three sums must be finite. */
double sl_superacc_spread(const struct sl_superacc *s, uint64_t n, size_t xy, size_t x, size_t y,
                          int *exponent);
/* 1 if an infinity or NaN was added. */
int sl_superacc_is_special(const struct sl_superacc *s, size_t i);
/* Sum i is 0 again. */
void sl_superacc_clear(struct sl_superacc *s, size_t i);

/* Sum k of another set is added to sum i. */
int sl_superacc_combine(struct sl_superacc *s, size_t i, const struct sl_superacc *from, size_t k,
                        struct sl_err *err);
/* State of one sum as bytes, and adding such bytes to a sum (-SL_ECORRUPT without a message). */
void sl_superacc_pack(const struct sl_superacc *s, size_t i, struct sl_buf *out);
int sl_superacc_absorb(struct sl_superacc *s, size_t i, const char *p, size_t n,
                       struct sl_err *err);

#endif

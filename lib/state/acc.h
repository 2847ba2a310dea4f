/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * acc: accumulators, the state of one aggregate call for all groups.
 *
 * State lies in typed arrays indexed by group number. Results do not depend on the order in which
 * rows come, nor on how they are cut or split: sums are exact, extremes are by a total order, first
 * and last go by each row's time and rank (rank.h), which the rows bring along.
 *
 * Two accumulators of one call in one process are combined: the groups of one join those of the
 * other. What leaves the process is packed into bytes, group by group, and absorbed by another
 * accumulator of the same call. A large state packs in pieces, each of which can be absorbed on its
 * own.
 *
 * Call order: sl_acc_new; reserve(groups) before groups below it are used; add per batch; combine;
 * result, pack; reset(group) when its number is to be used again; sl_acc_free.
 */
#ifndef SL_STATE_ACC_H
#define SL_STATE_ACC_H

#include "kernel/eval.h"
#include "state/group.h"
#include "state/rank.h"

enum { SL_ACC_PIECE = 1 << 20 }; /* packed bytes after which a state goes on in another piece */

/* The rows of one batch that one call takes in. */
struct sl_acc_rows {
    size_t n;
    const uint32_t *group;    /* NULL: all rows are of group 0 */
    struct sl_column *second; /* the second argument, loaded; NULL if the call has none */
    /* Ranks, for calls that go by them only. */
    const int64_t *time; /* NULL: no time column */
    int nsec;            /* times count nanoseconds, not microseconds */
    const struct sl_rank *rank;
};

struct sl_acc;

struct sl_acc_class {
    size_t size; /* of the accumulator, struct sl_acc first */
    size_t cell; /* bytes of each group's cell in sl_acc.cells, which starts as zeros */
    /* Takes one cell into another, if that can be done without the rest of the accumulator: it is
     * then packed, and the functions below see to the rest only. */
    void (*add_cell)(void *cell, const void *more);

    /* ---- what is more than the cells; NULL if nothing is ---- */
    /* The rest of a new one, which is zero. On failure it is released as it is. */
    int (*init)(struct sl_acc *a, struct sl_err *err);
    int (*reserve)(struct sl_acc *a, size_t n, struct sl_err *err);
    /* Group k of `from` joins a group. */
    int (*join)(struct sl_acc *to, uint32_t group, struct sl_acc *from, uint32_t k,
                struct sl_err *err);
    /* As sl_acc_combine, in place of join. */
    int (*combine)(struct sl_acc *to, struct sl_acc *from, const uint32_t *map, size_t n,
                   struct sl_err *err);
    void (*pack)(struct sl_acc *a, uint32_t group, struct sl_buf *out);
    /* As sl_acc_pack, in place of pack. */
    void (*pack_piece)(struct sl_acc *a, uint32_t group, uint64_t *cursor, struct sl_buf *out);
    int (*absorb)(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err);
    void (*reset)(struct sl_acc *a, uint32_t group); /* before its cell is zeros */
    void (*release)(struct sl_acc *a);               /* what it owns, not itself */

    /* ---- of every class ---- */
    /* arg: a loaded column of r->n rows; NULL for count(*). */
    int (*add)(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err);
    /* Appends the result of a call for a group to a builder of the call's type. */
    int (*result)(struct sl_acc *a, const struct sl_agg_call *call, uint32_t group,
                  struct sl_builder *b, struct sl_err *err);
};

struct sl_acc { /* first member of every accumulator */
    const struct sl_acc_class *class;
    const struct sl_agg_call *call; /* the first that it serves; outlives the accumulator */
    struct sl_type arg;             /* kind 0 without one */
    struct sl_account *account;
    struct sl_vec cells;
};

/* SL_EUSAGE if the call cannot be computed for its argument's type. */
int sl_acc_new(const struct sl_agg_call *call, struct sl_account *account, struct sl_acc **out,
               struct sl_err *err);
void sl_acc_free(struct sl_acc *a); /* NULL is fine */
/* Memory for groups below n; new ones are empty. */
int sl_acc_reserve(struct sl_acc *a, size_t n, struct sl_err *err);
/* Group g of `from` joins group map[g] of `to`, for all g below n; those with SL_GROUP_NONE are
 * left out. Several may join one. `to` has room for every map[g], `from` for n. `from` is used
 * up: only sl_acc_free is right. After a failure this holds for both. */
int sl_acc_combine(struct sl_acc *to, struct sl_acc *from, const uint32_t *map, size_t n,
                   struct sl_err *err);
/* Appends one piece; *cursor starts at 0 and is 0 again after the last piece. */
void sl_acc_pack(struct sl_acc *a, uint32_t group, uint64_t *cursor, struct sl_buf *out);
int sl_acc_absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err);
void sl_acc_reset(struct sl_acc *a, uint32_t group);
/* 1 if the call goes by ranks: first, last, min_by, max_by, and what lists values. */
int sl_acc_ranked(const struct sl_agg_call *call);
/* 1 if one accumulator serves both calls, given that argument and filter are the same. */
int sl_acc_shares(const struct sl_agg_call *a, const struct sl_agg_call *b);

/* ---- one file each ---- */
extern const struct sl_acc_class sl_acc_count;    /* count(*), count(x) */
extern const struct sl_acc_class sl_acc_distinct; /* of distinct values; mode, quantiles of text */
extern const struct sl_acc_class sl_acc_sum;      /* sum and avg of bigint and numeric */
extern const struct sl_acc_class sl_acc_double;   /* sum and avg of double precision */
extern const struct sl_acc_class sl_acc_interval; /* sum and avg of intervals */
extern const struct sl_acc_class sl_acc_extreme;  /* min, max */
extern const struct sl_acc_class sl_acc_rank;     /* first, last, min_by, max_by */
extern const struct sl_acc_class sl_acc_quantile; /* percentiles */
extern const struct sl_acc_class sl_acc_moment;   /* stddev, variance, corr, covar, regr */
extern const struct sl_acc_class sl_acc_hll;      /* approx_count_distinct */
extern const struct sl_acc_class sl_acc_list;     /* array_agg, string_agg, increase, rate */
extern const struct sl_acc_class sl_acc_bits;     /* bool_and, bool_or, bit_and, bit_or, bit_xor */

/* ---- helpers for them ---- */
static inline uint32_t sl_acc_group(const struct sl_acc_rows *r, size_t i)
{
    return r->group ? r->group[i] : 0;
}
/* Position in order, from 0, of the quantile of n > 0 values by nearest rank. */
int64_t sl_acc_nearest_rank(const struct sl_agg_call *call, int64_t n);
void sl_acc_add_count(void *cell, const void *more); /* cells of one int64_t each */
/* Appends value / 10^scale, rounded half away from zero if the type has fewer digits. SL_EOVERFLOW
 * if the value does not fit the builder's type; what names the call. */
int sl_acc_build_decimal(struct sl_builder *b, sl_int128 value, int scale, const char *what,
                         struct sl_err *err);
/* All of s is one packed cell: into cell 0. */
int sl_acc_unpack(struct sl_cells *c, const char *s, size_t n, struct sl_err *err);
/* SL_ECORRUPT: what absorb was given is no packed state. */
int sl_acc_damaged(struct sl_err *err);

#endif

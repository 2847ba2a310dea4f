/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * topn: rows kept in order: all of them, or the first n of an order. Under sort and last.
 *
 * Batches are kept as they come (compacted); an entry per row carries a prefix of its first key. With
 * a limit, a row that is not before the worst of the best n seen so far is cut at the door, and
 * whenever the rest has grown to more than twice the limit (and a batch) it is sorted and cut, and the
 * survivors are gathered into one batch: memory stays proportional to n, the work per row constant.
 *
 * Rows with equal keys are ordered by their ranks (rank.h), never by arrival, unless arrival is what
 * was asked for.
 *
 * Call order: init; add per batch; finish, next ..., drop; or save, load before any add; release.
 */
#ifndef SL_STATE_TOPN_H
#define SL_STATE_TOPN_H

#include "state/order.h"
#include "state/rank.h"
#include "state/store.h"
#include "state/vec.h"

enum { SL_TOPN_KEYS = 32 };

enum sl_tie { SL_TIE_ARRIVAL, SL_TIE_RANK, SL_TIE_RANK_REVERSED };

struct sl_topn_key {
    int descending, nulls_first;
};

struct sl_topn_item {
    struct sl_batch *batch; /* no selection, loaded */
    struct sl_column **keys;
    struct sl_rank *ranks;
    size_t charged;
};

struct sl_topn {
    struct sl_account *account;
    struct sl_schema *schema;
    int nkeys;
    struct sl_topn_key key[SL_TOPN_KEYS];
    enum sl_tie tie;
    int64_t limit; /* < 0: none */
    size_t nitems, cap;
    struct sl_topn_item *items;
    size_t n;              /* entries */
    size_t given;          /* of them, by next */
    struct sl_vec entries; /* struct sl_entry: a = item, b = row */
    int full;              /* entries[limit - 1] was the worst when they were last sorted: */
    struct sl_entry worst;
    struct sl_ranker ranker;
};

void sl_topn_init(struct sl_topn *t, struct sl_account *account);
/* The schema of the rows, before the first of them. */
void sl_topn_bind(struct sl_topn *t, struct sl_schema *in);
void sl_topn_release(struct sl_topn *t);
/* The selected rows of b; keys: loaded columns of b->selected rows. *cut is raised by rows cut. */
int sl_topn_add(struct sl_topn *t, struct sl_batch *b, struct sl_column *const *keys, int64_t *cut,
                struct sl_err *err);
/* Sorts and cuts to the limit; reversed: the last row shall come first. */
int sl_topn_finish(struct sl_topn *t, int reversed, int64_t *cut, struct sl_err *err);
/* After finish: the next rows in order. 1 and *out (a reference), 0 behind the last, < 0. */
int sl_topn_next(struct sl_topn *t, struct sl_batch **out, struct sl_err *err);
/* Empties t. Answers how many rows next has not given. */
int64_t sl_topn_drop(struct sl_topn *t);
/* Rows and their ranks, in tables rows, ranks and arrived. */
int sl_topn_save(struct sl_topn *t, struct sl_store *store, struct sl_err *err);
/* Into an empty t that has its schema; keys_of evaluates the keys of a saved batch (loaded). */
int sl_topn_load(struct sl_topn *t, struct sl_store *store,
                 int (*keys_of)(void *arg, struct sl_batch *b, struct sl_column **keys,
                                struct sl_err *err),
                 void *arg, struct sl_err *err);

#endif

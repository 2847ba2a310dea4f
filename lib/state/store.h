/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * store: where operators put their state at a barrier and find it again, and what they do alike with it:
 * small tables of bigints, and checks of what comes back.
 *
 * A state may lie in several stores, the first with all of it, the others each with what has changed since
 * the one before.
 */
#ifndef SL_STATE_STORE_H
#define SL_STATE_STORE_H

#include "arrow/batch.h"

/* Where state goes at a barrier and comes from at a restart: named tables of batches. */
struct sl_store {
    int (*put)(struct sl_store *s, const char *table, struct sl_batch *batch, struct sl_err *err);
    /* Batches of a table in the order they were put: 1 and *out (a reference), 0 at the end. cursor
     * starts at 0 and belongs to the store. */
    int (*get)(struct sl_store *s, const char *table, uint64_t *cursor, struct sl_batch **out,
               struct sl_err *err);
    int changes; /* put: it comes on top of what was saved last, which is loaded before it */
};

enum { SL_STATE_COLUMNS = 4 };

/* Puts `rows` rows of n bigints (values[row * n + column]) as one batch. */
int sl_state_put(struct sl_store *store, const char *table, const char *const *names, int n,
                 const int64_t *values, size_t rows, struct sl_err *err);
/* Puts the rows of a batch that has no selection, with nulls for absent columns: a state is whole. */
int sl_state_put_rows(struct sl_store *store, const char *table, struct sl_batch *batch,
                      struct sl_err *err);
/* Calls each() for every row of such a table. */
int sl_state_get(struct sl_store *store, const char *table, int n,
                 int (*each)(void *arg, const int64_t *values, struct sl_err *err), void *arg,
                 struct sl_err *err);
/* The next batch of a table, loaded, as sl_store.get answers it; it must have n columns. */
int sl_state_next(struct sl_store *store, const char *table, uint64_t *cursor, int n,
                  struct sl_batch **out, struct sl_err *err);
/* SL_ECORRUPT: the table is not what this plan saves; the hint names --reset-state. */
int sl_state_damaged(const char *table, struct sl_err *err);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * state: small tables of bigints, and checks of what comes back, for operators that save state.
 */
#ifndef SL_OP_STATE_H
#define SL_OP_STATE_H

#include "op/op.h"

enum { SL_STATE_COLUMNS = 4 };

/* Puts `rows` rows of n bigints (values[row * n + column]) as one batch. */
int sl_state_put(struct sl_store *store, const char *table, const char *const *names, int n,
                 const int64_t *values, size_t rows, struct sl_err *err);
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

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * vec: a growing block of zeroed memory that is charged to an account.
 *
 * Operators keep their state in such blocks, indexed by group: no allocation per group, and every
 * byte counts against --memory. Invariant: all bytes that the owner has not written are zero.
 */
#ifndef SL_STATE_VEC_H
#define SL_STATE_VEC_H

#include "base/mem.h"

struct sl_vec {
    void *data;
    size_t bytes; /* allocated and charged */
    struct sl_account *account;
};

void sl_vec_init(struct sl_vec *v, struct sl_account *account);
void sl_vec_release(struct sl_vec *v); /* leaves it as after init */
/* At least bytes bytes; grows by doubling. On failure the block is as before. */
int sl_vec_reserve(struct sl_vec *v, size_t bytes, struct sl_err *err);

#endif

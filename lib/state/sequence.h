/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * sequence: a number for every row that orders the rows of a partition as their offsets do.
 *
 * Where a batch knows its base offset the number is the offset; where it does not (its rows were
 * picked out of a batch) the count goes on from the partition's last one: rows of a partition arrive
 * in order, so the order is that of the offsets either way.
 */
#ifndef SL_STATE_SEQUENCE_H
#define SL_STATE_SEQUENCE_H

#include "arrow/batch.h"
#include "state/vec.h"

struct sl_sequence {
    size_t n;
    struct sl_vec next; /* struct sl_sequence_next, in order of first sight */
};
struct sl_sequence_next {
    int32_t partition;
    int64_t next;
};

void sl_sequence_init(struct sl_sequence *s, struct sl_account *account);
void sl_sequence_release(struct sl_sequence *s);
/* Number of physical row 0 of b (row i has + i), which is now taken. */
int sl_sequence_take(struct sl_sequence *s, const struct sl_batch *b, int64_t *first,
                     struct sl_err *err);
/* What comes next in a partition is at least `next`. */
int sl_sequence_raise(struct sl_sequence *s, int32_t partition, int64_t next, struct sl_err *err);

#endif

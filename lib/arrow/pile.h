/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * pile: small batches of one schema, which become one large batch.
 *
 * Zeroed memory is an empty pile. Each row is copied twice at most, however small the batches are.
 * Batches are whole (no selection), with every column there and loaded; a pile takes over the reference
 * that it is given.
 */
#ifndef SL_ARROW_PILE_H
#define SL_ARROW_PILE_H

#include "arrow/batch.h"

enum { SL_PILE_BATCHES = 256 }; /* put together at once */

struct sl_pile {
    struct sl_account *account;
    struct sl_schema *schema; /* of its batches; borrowed from them */
    int64_t rows, room;       /* of all its batches; room: see sl_batch_room */
    /* inside */
    struct sl_batch *parts[SL_PILE_BATCHES]; /* older rows, put together once */
    struct sl_batch *tiny[SL_PILE_BATCHES];  /* newer rows, as they came */
    size_t nparts, ntiny;
    int64_t held; /* bytes of memory that the tiny ones keep: they may be cut from larger columns */
};

/* Bytes of a batch's values in memory, about. */
int64_t sl_batch_room(const struct sl_batch *b);
/* Puts b on the pile; b is gone, on failure too. */
int sl_pile_add(struct sl_pile *p, struct sl_batch *b, struct sl_err *err);
/* All rows in the order in which they were put there; the pile is empty then. 1 and *out, 0: it was empty
 * before, < 0: it is as it was. */
int sl_pile_take(struct sl_pile *p, struct sl_batch **out, struct sl_err *err);
void sl_pile_clear(struct sl_pile *p);

#endif

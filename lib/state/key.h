/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * key: a key column as plain vectors, for hashing and comparing.
 *
 * Values are normalised so that equal keys have equal bytes: -0 becomes 0, every NaN the same NaN.
 * Intervals are equal if their fields are (1 month is not 30 days here: the groups must not depend
 * on which came first). Vectors point into the column where they can, else into scratch memory that
 * is kept from batch to batch.
 *
 * Call order: init; attach or load per batch (the column must outlive the use); hash (after load) or
 * the functions on single rows; release.
 */
#ifndef SL_STATE_KEY_H
#define SL_STATE_KEY_H

#include "state/cells.h"

struct sl_key {
    enum sl_cell_class class;
    const struct sl_column *column;
    const int64_t *v8;              /* NULL after attach */
    const sl_int128 *v16;           /* NULL after attach */
    const struct sl_column *holder; /* texts: the column that has the bytes */
    const int32_t *codes;           /* texts: DICT codes, or NULL */
    int constant;                   /* texts: CONST */
    uint64_t seed;                  /* texts: of their hashes */
    struct sl_vec scratch, hashes;
};

void sl_key_init(struct sl_key *k, struct sl_type type, uint64_t seed, struct sl_account *account);
void sl_key_release(struct sl_key *k);
/* Takes a loaded column, of which only a few rows will be looked at. */
void sl_key_attach(struct sl_key *k, const struct sl_column *c);
/* Takes a loaded column and spreads it out for hashing every row. */
int sl_key_load(struct sl_key *k, const struct sl_column *c, struct sl_err *err);
/* Mixes the hash of row i into h[i], for all rows (after load). */
int sl_key_hash(struct sl_key *k, uint64_t *h, struct sl_err *err);
/* h with the hash of one row mixed in: the same value. */
uint64_t sl_key_hash_row(const struct sl_key *k, size_t i, uint64_t h);

/* The same of a cell that holds such a key. */
uint64_t sl_key_hash_cell(const struct sl_key *k, const struct sl_cells *keys, size_t at,
                          uint64_t h);

static inline int sl_key_null(const struct sl_key *k, size_t i)
{
    return sl_column_null(k->column, i);
}
static inline const char *sl_key_bytes(const struct sl_key *k, size_t i, size_t *len)
{
    size_t s = k->codes ? (size_t)k->codes[i] : k->constant ? 0 : i;
    const int32_t *o = k->holder->offsets;
    *len = (size_t)(o[s + 1] - o[s]);
    return (const char *)k->holder->data + o[s];
}

/* 1 if cell at of keys equals row i. */
int sl_key_equal(const struct sl_key *k, size_t i, const struct sl_cells *keys, size_t at);
/* Stores row i in cell at. */
int sl_key_store(const struct sl_key *k, size_t i, struct sl_cells *keys, size_t at,
                 struct sl_err *err);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * group: from key columns to group numbers.
 *
 * A hash table (open addressing, linear probing, at most half full) of the distinct keys seen, with
 * small dense numbers by which accumulators index their arrays. Nulls are equal to each other.
 * Numbers of removed groups are given out again.
 *
 * Speed: if every key column has few distinct values in the batch (DICT, CONST, BOOL), the codes of
 * a row make one combined code, and a table from combined code to group asks the hash table once
 * per combination and batch; the loop over rows is then two loads. Else hashes are computed column
 * by column and probed with prefetching.
 *
 * Call order: init; find per batch; combine; remove; release. After an error of find or combine
 * only release is right.
 */
#ifndef SL_STATE_GROUP_H
#define SL_STATE_GROUP_H

#include "state/key.h"

#define SL_GROUP_NONE UINT32_MAX

struct sl_group {
    int nkeys; /* >= 1 */
    struct sl_key *key;
    struct sl_cells *cells; /* the keys, by group */
    uint32_t n;             /* numbers given out: all groups are below */
    uint32_t live;          /* groups that are not removed */
    size_t mask;            /* slots - 1 */
    struct sl_vec slots;    /* uint64_t: high half of the hash, group + 1; 0 = free */
    struct sl_vec hash;     /* uint64_t by group */
    struct sl_vec spare;    /* uint32_t: numbers of removed groups */
    uint32_t nspare;
    struct sl_vec created; /* uint32_t: groups that the last find or combine made */
    size_t ncreated;
    struct sl_vec codes, lut, hashes; /* scratch */
    uint64_t seed;
    struct sl_account *account;
};

int sl_group_init(struct sl_group *g, const struct sl_type *types, int nkeys,
                  struct sl_account *account, struct sl_err *err);
void sl_group_release(struct sl_group *g);
/* Group of each of n rows (loaded key columns of n rows). */
int sl_group_find(struct sl_group *g, struct sl_column *const *keys, size_t n, uint32_t *out,
                  struct sl_err *err);
/* Finds or makes in `to` every group of `from`, a table of the same types of keys. Group g of `from`
 * is group map[g] of `to`; SL_GROUP_NONE for a removed one. map has from->n entries. */
int sl_group_combine(struct sl_group *to, const struct sl_group *from, uint32_t *map,
                     struct sl_err *err);
void sl_group_remove(struct sl_group *g, uint32_t id);

#endif

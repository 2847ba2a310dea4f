/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * order: sorting, shared by sort, last and the output of aggregates.
 *
 * An entry is a 64-bit prefix that orders like the first key as far as it goes, and two numbers that
 * say which row it is; only entries with equal prefixes are compared in full.
 */
#ifndef SL_STATE_ORDER_H
#define SL_STATE_ORDER_H

#include "base/compat.h"

struct sl_entry {
    uint64_t prefix;
    uint32_t a, b;
};

#define SL_ENTRY_NULL_LAST ((uint64_t)1 << 63) /* prefix of a null after all values (of 63 bits) */

/* Full order of two entries with equal prefixes: < 0, 0, > 0. */
typedef int sl_entry_compare(const void *arg, const struct sl_entry *x, const struct sl_entry *y);

/* Stable merge sort; spare has room for n entries. */
void sl_entries_sort(struct sl_entry *e, struct sl_entry *spare, size_t n,
                     sl_entry_compare *compare, const void *arg);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * segset: a set of segments by their names, in the order in which they came.
 *
 * A commit may touch thousands of partitions, and a recovery may look at thousands of commits: whether
 * a segment is known already costs the same however many there are.
 */
#ifndef SL_LOG_SEGSET_H
#define SL_LOG_SEGSET_H

#include "log/log_state.h"

struct sl_segset_item { /* what is not the key belongs to whoever uses the set */
    struct sl_seg_key key;
    int64_t at;
    int fd;
};

struct sl_segset { /* zeroed: empty */
    struct sl_segset_item *list;
    int n, cap;
    int *slots; /* 1 + place in list, 0: free; twice as many as list has room for */
    int nslots;
    int64_t probes; /* slots looked at so far, for a test of what a look-up costs */
};

void sl_segset_release(struct sl_segset *s);
/* Empties it. What it has allocated stays. */
void sl_segset_reset(struct sl_segset *s);
/* The item, valid until the next one is added, or NULL. */
struct sl_segset_item *sl_segset_find(struct sl_segset *s, struct sl_seg_key key);
/* Adds a segment that is not in it. The item, valid likewise, or NULL: no memory. */
struct sl_segset_item *sl_segset_add(struct sl_segset *s, struct sl_seg_key key);

#endif

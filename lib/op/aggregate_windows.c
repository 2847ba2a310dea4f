/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aggregate_windows: the open windows of an aggregate.
 *
 * An array, and a hash table from start to index. New windows go to the end, whatever their start, so
 * that input in any order costs the same; the array is sorted when its order is asked for.
 */
#include "base/hash.h"
#include "op/aggregate.h"

static int resize(struct sl_aggregate *a, size_t slots, struct sl_err *err)
{
    assert(slots && !(slots & (slots - 1)));
    int rc = sl_vec_reserve(&a->window_slots, slots * 4, err);
    if (rc < 0)
        return rc;
    a->window_mask = slots - 1;
    return 0;
}

static uint32_t *find(const struct sl_aggregate *a, int64_t start)
{
    uint32_t *slot = a->window_slots.data;
    size_t at = sl_hash_u64((uint64_t)start, a->seed) & a->window_mask;
    while (slot[at] && a->windows[slot[at] - 1].start != start)
        at = (at + 1) & a->window_mask;
    return &slot[at];
}

/* The table anew, for what is in the array. */
static void index_all(struct sl_aggregate *a)
{
    if (!a->window_mask)
        return;
    memset(a->window_slots.data, 0, (a->window_mask + 1) * 4);
    for (size_t i = 0; i < a->nwindows; i++)
        *find(a, a->windows[i].start) = (uint32_t)i + 1;
}

static int grow(struct sl_aggregate *a, struct sl_err *err)
{
    size_t cap = a->windows_cap;
    int rc = SL_GROW(a->windows, a->nwindows + 1, cap, "windows", err);
    if (rc == 0)
        rc = resize(a, cap * 2, err);
    if (rc < 0)
        return rc;
    a->windows_cap = cap;
    index_all(a);
    return 0;
}

int sl_aggregate_window(struct sl_aggregate *a, int64_t start, int64_t end, size_t *index,
                        struct sl_err *err)
{
    assert(start < end);
    if (a->nwindows == a->windows_cap) {
        int rc = grow(a, err);
        if (rc < 0)
            return rc;
    }
    uint32_t *slot = find(a, start);
    if (!*slot) {
        a->unsorted |= a->nwindows && a->windows[a->nwindows - 1].start > start;
        a->windows[a->nwindows] = (struct sl_open_window){.start = start, .end = end};
        *slot = (uint32_t)++a->nwindows;
    }
    *index = *slot - 1;
    return 0;
}

static int by_start(const void *x, const void *y)
{
    int64_t a = ((const struct sl_open_window *)x)->start;
    int64_t b = ((const struct sl_open_window *)y)->start;
    return (a > b) - (a < b);
}

void sl_aggregate_sort_windows(struct sl_aggregate *a)
{
    assert(a->nwindows <= a->windows_cap);
    if (!a->unsorted)
        return;
    qsort(a->windows, a->nwindows, sizeof(*a->windows), by_start);
    a->unsorted = 0;
    index_all(a);
}

void sl_aggregate_drop_windows(struct sl_aggregate *a, size_t n)
{
    assert(!a->unsorted || n == a->nwindows);
    assert(n <= a->nwindows);
    a->nwindows -= n;
    if (a->nwindows && n)
        memmove(a->windows, a->windows + n, a->nwindows * sizeof(*a->windows));
    if (!a->nwindows)
        a->unsorted = 0;
    index_all(a);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* segset: see segset.h. Open addressing, at most half full. */
#include "log/segset.h"
#include "base/hash.h"
#include "base/mem.h"

void sl_segset_release(struct sl_segset *s)
{
    free(s->list);
    free(s->slots);
    *s = (struct sl_segset){0};
}

void sl_segset_reset(struct sl_segset *s)
{
    assert(s->n <= s->cap);
    s->n = 0;
    if (s->nslots)
        memset(s->slots, 0, (size_t)s->nslots * sizeof(*s->slots));
}

static int is_same(struct sl_seg_key a, struct sl_seg_key b)
{
    return a.partition == b.partition && a.base == b.base && a.by == b.by;
}

/* The slot that holds the segment, or the free one where it belongs. */
static int slot_of(struct sl_segset *s, struct sl_seg_key key)
{
    uint64_t h = sl_hash_u64((uint64_t)key.base, (uint64_t)key.partition);
    h = sl_hash_u64((uint64_t)key.by, h);
    assert(s->nslots && s->n < s->nslots);
    for (int i = (int)(h & (uint64_t)(s->nslots - 1));; i = (i + 1) & (s->nslots - 1)) {
        s->probes++;
        if (!s->slots[i] || is_same(s->list[s->slots[i] - 1].key, key))
            return i;
    }
}

struct sl_segset_item *sl_segset_find(struct sl_segset *s, struct sl_seg_key key)
{
    assert(s->n <= s->cap && s->n <= s->nslots);
    int at = s->nslots ? s->slots[slot_of(s, key)] : 0;
    return at ? &s->list[at - 1] : NULL;
}

static int grow(struct sl_segset *s)
{
    int cap = s->cap;
    if (SL_GROW(s->list, s->n + 1, cap, "segments", NULL) < 0)
        return 0;
    int *slots = sl_calloc(2 * (size_t)cap, sizeof(*slots));
    if (!slots)
        return 0;
    free(s->slots);
    s->slots = slots;
    s->nslots = 2 * cap;
    s->cap = cap;
    for (int i = 0; i < s->n; i++)
        slots[slot_of(s, s->list[i].key)] = i + 1;
    return 1;
}

struct sl_segset_item *sl_segset_add(struct sl_segset *s, struct sl_seg_key key)
{
    assert(s->n <= s->cap && s->n <= s->nslots);
    if (s->n == s->cap && !grow(s))
        return NULL;
    int at = slot_of(s, key);
    assert(!s->slots[at]);
    s->list[s->n] = (struct sl_segset_item){.key = key, .fd = -1};
    s->slots[at] = s->n + 1;
    return &s->list[s->n++];
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
#include "arrow/dictionary.h"

#include "arrow/column_int.h"
#include "base/hash.h"

enum { FIRST_SLOTS = 256, FIRST_BYTES = 4096 };

static int start(struct sl_dictionary *d)
{
    d->offsets = sl_buffer_new(d->account, (FIRST_SLOTS / 2 + 1) * sizeof(int32_t));
    d->data = sl_buffer_new(d->account, FIRST_BYTES);
    if (!d->offsets || !d->data)
        return -SL_ENOMEM;
    d->data->size = 0;
    *(int32_t *)d->offsets->data = 0;
    return 0;
}

struct sl_dictionary *sl_dictionary_new(struct sl_account *account)
{
    struct sl_dictionary *d = sl_calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->account = account;
    d->seed = sl_hash_seed();
    d->mask = FIRST_SLOTS - 1;
    d->slots = sl_calloc(FIRST_SLOTS, sizeof *d->slots);
    if (!d->slots || start(d) < 0) {
        sl_dictionary_free(d);
        return NULL;
    }
    return d;
}

void sl_dictionary_free(struct sl_dictionary *d)
{
    if (!d)
        return;
    sl_buffer_unref(d->offsets);
    sl_buffer_unref(d->data);
    free(d->slots);
    free(d);
}

static int grow_slots(struct sl_dictionary *d)
{
    size_t n = ((size_t)d->mask + 1) * 2;
    uint64_t *slots = n > UINT32_MAX / 2 ? NULL : sl_calloc(n, sizeof *slots);
    d->offsets->size = d->offsets->capacity; /* all of it is in use */
    if (!slots || sl_buffer_grow(d->offsets, (n / 2 + 1) * sizeof(int32_t)) < 0) {
        free(slots);
        return -SL_ENOMEM;
    }
    uint32_t mask = (uint32_t)(n - 1);
    for (size_t i = 0; i <= d->mask; i++) {
        if (!d->slots[i])
            continue;
        uint32_t at = (uint32_t)(d->slots[i] >> 32) & mask;
        while (slots[at])
            at = (at + 1) & mask;
        slots[at] = d->slots[i];
    }
    free(d->slots);
    d->slots = slots;
    d->mask = mask;
    return 0;
}

/* A new value at a free slot. */
static int32_t append(struct sl_dictionary *d, uint32_t at, uint32_t hash, const void *s, size_t n)
{
    if (n > INT32_MAX - d->data->size)
        return -SL_EOVERFLOW;
    if (d->data->size + n > d->data->capacity &&
        sl_buffer_grow(d->data, SL_MAX(d->data->capacity * 2, d->data->size + n)) < 0)
        return -SL_ENOMEM;
    if (n)
        memcpy(d->data->data + d->data->size, s, n);
    d->data->size += n;
    int32_t code = (int32_t)d->count++;
    ((int32_t *)d->offsets->data)[code + 1] = (int32_t)d->data->size;
    d->slots[at] = (uint64_t)hash << 32 | (uint32_t)(code + 1);
    if (d->count >= (d->mask + 1) / 2 && grow_slots(d) < 0)
        return -SL_ENOMEM;
    return code;
}

static inline uint64_t load8(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t load4(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Short values, which most are, without a call: two loads that overlap. */
static inline int same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
    if (n > 16)
        return memcmp(a, b, n) == 0;
    if (n >= 8)
        return !((load8(a) ^ load8(b)) | (load8(a + n - 8) ^ load8(b + n - 8)));
    if (n >= 4)
        return !((load4(a) ^ load4(b)) | (load4(a + n - 4) ^ load4(b + n - 4)));
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i])
            return 0;
    }
    return 1;
}

int32_t sl_dictionary_add(struct sl_dictionary *d, const void *s, size_t n)
{
    assert(s || !n);
    uint64_t h = sl_hash_bytes(s, n, d->seed);
    uint32_t hash = (uint32_t)(h ^ h >> 32);
    const int32_t *offsets = (const int32_t *)d->offsets->data;
    uint32_t at = hash & d->mask;
    for (uint64_t e; (e = d->slots[at]) != 0; at = (at + 1) & d->mask) {
        if ((uint32_t)(e >> 32) != hash)
            continue;
        int32_t code = (int32_t)(uint32_t)e - 1;
        const int32_t *o = offsets + code;
        if ((size_t)(o[1] - o[0]) == n && same_bytes(d->data->data + o[0], s, n))
            return code;
    }
    return append(d, at, hash, s, n);
}

struct sl_column *sl_dictionary_finish(struct sl_dictionary *d, struct sl_type type,
                                       struct sl_err *err)
{
    assert(d && sl_type_is_bytes(type));
    if (!d->count && sl_dictionary_add(d, "", 0) < 0)
        return sl_err_no_memory(err, "a dictionary");
    struct sl_column *c = sl_column_new(type, d->count);
    if (!c)
        return sl_err_no_memory(err, "a dictionary");
    d->offsets->size = ((size_t)d->count + 1) * sizeof(int32_t);
    c->data = sl_column_own(c, 1, d->data);
    c->offsets = sl_column_own(c, 2, d->offsets);
    d->data = d->offsets = NULL;
    d->count = 0;
    if ((size_t)d->mask + 1 > 4 * FIRST_SLOTS) { /* one wide batch does not slow all later ones */
        uint64_t *slots = sl_realloc(d->slots, FIRST_SLOTS * sizeof *slots);
        d->slots = slots ? slots : d->slots;
        d->mask = FIRST_SLOTS - 1;
    }
    memset(d->slots, 0, ((size_t)d->mask + 1) * sizeof *d->slots);
    if (start(d) < 0) {
        sl_column_unref(c);
        return sl_err_no_memory(err, "a dictionary");
    }
    /* growth of the slots keeps offsets in step: room for half of the slots */
    if (sl_buffer_grow(d->offsets, (((size_t)d->mask + 1) / 2 + 1) * sizeof(int32_t)) < 0) {
        sl_column_unref(c);
        return sl_err_no_memory(err, "a dictionary");
    }
    return c;
}

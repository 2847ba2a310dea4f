/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* group: see group.h. */
#include "base/hash.h"
#include "state/group.h"

enum { AHEAD = 12 }; /* rows between a prefetch and its use */

int sl_group_init(struct sl_group *g, const struct sl_type *types, int nkeys,
                  struct sl_account *account, struct sl_err *err)
{
    assert(types);
    assert(nkeys >= 1);
    struct sl_vec *vecs[] = {&g->slots, &g->hash, &g->spare, &g->created,
                             &g->codes, &g->lut,  &g->hashes};
    memset(g, 0, sizeof(*g));
    g->account = account;
    for (size_t i = 0; i < SL_COUNT(vecs); i++)
        sl_vec_init(vecs[i], account);
    g->seed = sl_hash_seed();
    g->key = sl_calloc((size_t)nkeys, sizeof(*g->key));
    g->cells = sl_calloc((size_t)nkeys, sizeof(*g->cells));
    if (!g->key || !g->cells) {
        free(g->key);
        free(g->cells);
        memset(g, 0, sizeof(*g));
        return sl_err_nomem(err, "a group table");
    }
    g->nkeys = nkeys;
    for (int k = 0; k < nkeys; k++) {
        sl_key_init(&g->key[k], types[k], g->seed, account);
        sl_cells_init(&g->cells[k], types[k], account);
    }
    return 0;
}

void sl_group_release(struct sl_group *g)
{
    struct sl_vec *vecs[] = {&g->slots, &g->hash, &g->spare, &g->created,
                             &g->codes, &g->lut,  &g->hashes};
    for (int k = 0; k < g->nkeys; k++) {
        sl_key_release(&g->key[k]);
        sl_cells_release(&g->cells[k]);
    }
    for (size_t i = 0; i < SL_COUNT(vecs); i++)
        sl_vec_release(vecs[i]);
    free(g->key);
    free(g->cells);
    memset(g, 0, sizeof(*g));
}

/* ---- the hash table ---- */

static int resize(struct sl_group *g, size_t slots, struct sl_err *err)
{
    struct sl_vec fresh;
    sl_vec_init(&fresh, g->account);
    int rc = sl_vec_reserve(&fresh, slots * 8, err);
    if (rc < 0)
        return rc;
    uint64_t *to = fresh.data;
    const uint64_t *from = g->slots.data, *hash = g->hash.data;
    size_t old = from ? g->mask + 1 : 0, mask = slots - 1;
    for (size_t i = 0; i < old; i++) {
        if (!from[i])
            continue;
        size_t at = hash[(uint32_t)from[i] - 1] & mask;
        while (to[at])
            at = (at + 1) & mask;
        to[at] = from[i];
    }
    sl_vec_release(&g->slots);
    g->slots = fresh;
    g->mask = mask;
    return 0;
}

/* A number for a new group, with room for its key. */
static int take_id(struct sl_group *g, uint32_t *id, struct sl_err *err)
{
    if (g->nspare) {
        *id = ((uint32_t *)g->spare.data)[--g->nspare];
        return 0;
    }
    if (g->n >= SL_GROUP_NONE - 1)
        return sl_err_set(err, SL_ENOMEM, "more than %u groups", SL_GROUP_NONE - 1);
    size_t n = (size_t)g->n + 1;
    int rc = sl_vec_reserve(&g->hash, n * 8, err);
    if (rc == 0)
        rc = sl_vec_reserve(&g->spare, n * 4, err); /* so that remove cannot fail */
    for (int k = 0; rc == 0 && k < g->nkeys; k++)
        rc = sl_cells_reserve(&g->cells[k], n, err);
    if (rc == 0)
        *id = g->n++;
    return rc;
}

/* Starts a new group: its number is the last of `created`. */
static int begin(struct sl_group *g, uint32_t *id, struct sl_err *err)
{
    int rc = take_id(g, id, err);
    if (rc == 0)
        rc = sl_vec_reserve(&g->created, (g->ncreated + 1) * 4, err);
    if (rc == 0)
        ((uint32_t *)g->created.data)[g->ncreated++] = *id;
    return rc;
}

/* Puts a new group, whose key is stored, into the free slot `at`. */
static int publish(struct sl_group *g, uint32_t id, uint64_t h, size_t at, struct sl_err *err)
{
    assert(!((const uint64_t *)g->slots.data)[at]);
    ((uint64_t *)g->hash.data)[id] = h;
    ((uint64_t *)g->slots.data)[at] = (h & 0xffffffff00000000u) | (id + 1);
    g->live++;
    if ((size_t)g->live * 2 > g->mask)
        return resize(g, (g->mask + 1) * 2, err);
    return 0;
}

static int create(struct sl_group *g, size_t row, uint64_t h, size_t at, uint32_t *id,
                  struct sl_err *err)
{
    int rc = begin(g, id, err);
    for (int k = 0; rc == 0 && k < g->nkeys; k++)
        rc = sl_key_store(&g->key[k], row, &g->cells[k], *id, err);
    return rc < 0 ? rc : publish(g, *id, h, at, err);
}

static inline int equal(const struct sl_group *g, size_t row, uint32_t id)
{
    for (int k = 0; k < g->nkeys; k++)
        if (!sl_key_equal(&g->key[k], row, &g->cells[k], id))
            return 0;
    return 1;
}

/* Group of a row by its hash; makes it if there is none. */
static inline int find_row(struct sl_group *g, size_t row, uint64_t h, uint32_t *out,
                           struct sl_err *err)
{
    const uint64_t *slots = g->slots.data;
    size_t at = h & g->mask;
    for (; slots[at]; at = (at + 1) & g->mask) {
        if ((slots[at] ^ h) >> 32)
            continue;
        uint32_t id = (uint32_t)slots[at] - 1;
        if (equal(g, row, id)) {
            *out = id;
            return 0;
        }
    }
    return create(g, row, h, at, out, err);
}

/* The commonest general case: one 8-byte key without nulls. */
static int find_rows8(struct sl_group *g, const uint64_t *h, size_t n, uint32_t *out,
                      struct sl_err *err)
{
    const int64_t *v = g->key[0].v8;
    for (size_t i = 0; i < n; i++) {
        const uint64_t *slots = g->slots.data;
        if (i + AHEAD < n)
            __builtin_prefetch(&slots[h[i + AHEAD] & g->mask]);
        if (i + AHEAD / 2 < n) {
            uint64_t s = slots[h[i + AHEAD / 2] & g->mask];
            if (s)
                __builtin_prefetch((const int64_t *)g->cells[0].value.data + ((uint32_t)s - 1));
        }
        const int64_t *keys = g->cells[0].value.data;
        const uint8_t *state = g->cells[0].state.data;
        size_t at = h[i] & g->mask;
        uint32_t id = SL_GROUP_NONE;
        for (; slots[at]; at = (at + 1) & g->mask) {
            uint32_t c = (uint32_t)slots[at] - 1;
            if (!((slots[at] ^ h[i]) >> 32) && keys[c] == v[i] && state[c] == SL_CELL_VALUE) {
                id = c;
                break;
            }
        }
        if (id == SL_GROUP_NONE) {
            int rc = create(g, i, h[i], at, &id, err);
            if (rc < 0)
                return rc;
        }
        out[i] = id;
    }
    return 0;
}

/* Every row through the hash table. */
static int find_hashed(struct sl_group *g, size_t n, uint32_t *out, struct sl_err *err)
{
    int rc = sl_vec_reserve(&g->hashes, n * 8, err);
    if (rc < 0)
        return rc;
    uint64_t *h = g->hashes.data;
    for (size_t i = 0; i < n; i++)
        h[i] = g->seed;
    for (int k = 0; k < g->nkeys; k++) {
        rc = sl_key_hash(&g->key[k], h, err);
        if (rc < 0)
            return rc;
    }
    if (g->nkeys == 1 && g->key[0].class == SL_CELL_8 && !g->key[0].column->valid)
        return find_rows8(g, h, n, out, err);
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch((const uint64_t *)g->slots.data + (h[i + AHEAD] & g->mask));
        rc = find_row(g, i, h[i], &out[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- codes ---- */

/* Distinct codes of a key column, one more for null; 0 if it has none. */
static size_t code_count(const struct sl_column *c)
{
    size_t n;
    if (c->form == SL_DICT)
        n = c->dict->rows;
    else if (c->form == SL_CONST)
        n = 1;
    else if (c->type.kind == SL_BOOL)
        n = 2;
    else
        return 0;
    return n + (c->valid != NULL);
}

/* codes[i] = codes[i] * count + the code of row i. */
static void add_codes(const struct sl_column *c, size_t count, size_t n, uint32_t *codes)
{
    const int32_t *d = c->data;
    uint32_t m = (uint32_t)count;
    if (c->form == SL_DICT && !c->valid) {
        for (size_t i = 0; i < n; i++)
            codes[i] = codes[i] * m + (uint32_t)d[i];
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t code = m - 1;
        if (!sl_column_null(c, i))
            code = c->form == SL_DICT    ? (uint32_t)d[i]
                   : c->form == SL_CONST ? 0
                                         : (uint32_t)sl_bit(c->data, i);
        codes[i] = codes[i] * m + code;
    }
}

/* Each combination of codes through the hash table once, then every row through a table. */
static int find_coded(struct sl_group *g, struct sl_column *const *keys, size_t combinations,
                      size_t n, uint32_t *out, struct sl_err *err)
{
    int rc = sl_vec_reserve(&g->lut, combinations * 4, err);
    if (rc < 0)
        return rc;
    uint32_t *lut = g->lut.data;
    memset(lut, 0xff, combinations * 4);
    memset(out, 0, n * 4);
    for (int k = 0; k < g->nkeys; k++)
        add_codes(keys[k], code_count(keys[k]), n, out);
    for (size_t i = 0; i < n; i++) {
        uint32_t code = out[i];
        assert(code < combinations);
        if (SL_UNLIKELY(lut[code] == SL_GROUP_NONE)) {
            uint64_t h = g->seed;
            for (int k = 0; k < g->nkeys; k++)
                h = sl_key_hash_row(&g->key[k], i, h);
            rc = find_row(g, i, h, &lut[code], err);
            if (rc < 0)
                return rc;
        }
        out[i] = lut[code];
    }
    return 0;
}

/* A number is given out or spare, and the table is at most half full. */
static int is_sound(const struct sl_group *g)
{
    return g->nkeys >= 1 && g->key && g->cells && g->live + g->nspare == g->n &&
           !(g->mask & (g->mask + 1)) && (size_t)g->live * 2 <= g->mask + 1;
}

int sl_group_find(struct sl_group *g, struct sl_column *const *keys, size_t n, uint32_t *out,
                  struct sl_err *err)
{
    assert(is_sound(g) && keys && (out || !n));
    size_t combinations = 1, limit = 4 * n + 1024;
    int rc = 0;

    g->ncreated = 0;
    if (!g->slots.data)
        rc = resize(g, 64, err);
    for (int k = 0; combinations && k < g->nkeys; k++) {
        size_t count = code_count(keys[k]);
        combinations = count > limit ? 0 : combinations * count;
        if (combinations > limit)
            combinations = 0;
    }
    for (int k = 0; rc == 0 && k < g->nkeys; k++) {
        assert(keys[k]->rows == n);
        if (combinations)
            sl_key_attach(&g->key[k], keys[k]);
        else
            rc = sl_key_load(&g->key[k], keys[k], err);
    }
    if (rc < 0 || n == 0)
        return rc;
    return combinations ? find_coded(g, keys, combinations, n, out, err)
                        : find_hashed(g, n, out, err);
}

/* ---- groups of another table ---- */

static int equal_group(const struct sl_group *to, uint32_t id, const struct sl_group *from,
                       uint32_t g)
{
    for (int k = 0; k < to->nkeys; k++)
        if (!sl_cells_equal(&to->cells[k], id, &from->cells[k], g))
            return 0;
    return 1;
}

/* Group in `to` of group g of from, whose hash in `to` is h; makes it if there is none. */
static int find_group(struct sl_group *to, const struct sl_group *from, uint32_t g, uint64_t h,
                      uint32_t *out, struct sl_err *err)
{
    const uint64_t *slots = to->slots.data;
    size_t at = h & to->mask;
    for (; slots[at]; at = (at + 1) & to->mask) {
        *out = (uint32_t)slots[at] - 1;
        if (!((slots[at] ^ h) >> 32) && equal_group(to, *out, from, g))
            return 0;
    }
    int rc = begin(to, out, err);
    for (int k = 0; rc == 0 && k < to->nkeys; k++)
        rc = sl_cells_copy(&to->cells[k], *out, &from->cells[k], g, err);
    return rc < 0 ? rc : publish(to, *out, h, at, err);
}

int sl_group_combine(struct sl_group *to, const struct sl_group *from, uint32_t *map,
                     struct sl_err *err)
{
    assert(is_sound(to) && is_sound(from) && (map || !from->n));
    assert(to->nkeys == from->nkeys);
    assert(to != from);
    uint64_t h[AHEAD]; /* of groups g to g + AHEAD - 1, in a ring */
    int rc = 0;

    to->ncreated = 0;
    if (!to->slots.data)
        rc = resize(to, 64, err);
    for (uint32_t ready = 0, g = 0; rc == 0 && g < from->n; g++) {
        for (; ready < from->n && ready - g < AHEAD; ready++) {
            uint64_t v = to->seed;
            for (int k = 0; k < to->nkeys; k++)
                v = sl_key_hash_cell(&to->key[k], &from->cells[k], ready, v);
            h[ready % AHEAD] = v;
            __builtin_prefetch((const uint64_t *)to->slots.data + (v & to->mask));
        }
        map[g] = SL_GROUP_NONE;
        if (sl_cells_state(&from->cells[0], g) != SL_CELL_UNSET)
            rc = find_group(to, from, g, h[g % AHEAD], &map[g], err);
    }
    return rc;
}

void sl_group_remove(struct sl_group *g, uint32_t id)
{
    assert(is_sound(g));
    assert(id < g->n);
    assert(g->live > 0);
    uint64_t *slots = g->slots.data;
    const uint64_t *hash = g->hash.data;
    size_t at = hash[id] & g->mask;

    while ((uint32_t)slots[at] != id + 1)
        at = (at + 1) & g->mask;
    /* Backward shift: an entry moves into the hole unless that lies before its home. */
    for (size_t next = (at + 1) & g->mask; slots[next]; next = (next + 1) & g->mask) {
        size_t home = hash[(uint32_t)slots[next] - 1] & g->mask;
        if (((next - home) & g->mask) < ((next - at) & g->mask))
            continue;
        slots[at] = slots[next];
        at = next;
    }
    slots[at] = 0;
    for (int k = 0; k < g->nkeys; k++)
        sl_cells_clear(&g->cells[k], id);
    ((uint32_t *)g->spare.data)[g->nspare++] = id;
    g->live--;
}

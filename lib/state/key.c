/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* key: see key.h. */
#include "base/hash.h"
#include "state/key.h"

#define NULL_HASH 0x6e756c6cb5297a4du

void sl_key_init(struct sl_key *k, struct sl_type type, uint64_t seed, struct sl_account *account)
{
    assert(sl_cell_class(type) != SL_CELL_NONE);
    memset(k, 0, sizeof(*k));
    k->class = sl_cell_class(type);
    sl_vec_init(&k->scratch, account);
    sl_vec_init(&k->hashes, account);
    k->seed = seed;
}

void sl_key_release(struct sl_key *k)
{
    sl_vec_release(&k->scratch);
    sl_vec_release(&k->hashes);
}

static int64_t normal_double(int64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof(d));
    if (d == 0)
        return 0;
    return d != d ? 0x7ff8000000000000 : bits;
}

static int load8(struct sl_key *k, const struct sl_column *c, struct sl_err *err)
{
    int kind = c->type.kind;
    if (c->form == SL_PLAIN && kind != SL_BOOL && kind != SL_DATE && kind != SL_DOUBLE) {
        k->v8 = c->data;
        return 0;
    }
    int rc = sl_vec_reserve(&k->scratch, c->rows * 8, err);
    if (rc < 0)
        return rc;
    int64_t *v = k->scratch.data;
    for (size_t i = 0; i < c->rows; i++)
        v[i] = sl_column_get8(c, i);
    for (size_t i = 0; kind == SL_DOUBLE && i < c->rows; i++)
        v[i] = normal_double(v[i]);
    k->v8 = v;
    return 0;
}

void sl_key_attach(struct sl_key *k, const struct sl_column *c)
{
    assert(c->form != SL_LAZY && sl_cell_class(c->type) == k->class);
    k->column = c;
    k->v8 = NULL;
    k->v16 = NULL;
    k->holder = c->form == SL_DICT ? c->dict : c;
    k->codes = c->form == SL_DICT ? c->data : NULL;
    k->constant = c->form == SL_CONST;
}

int sl_key_load(struct sl_key *k, const struct sl_column *c, struct sl_err *err)
{
    assert(sl_column_is_loaded(c) && sl_cell_class(c->type) == k->class);
    sl_key_attach(k, c);
    if (k->class == SL_CELL_8)
        return load8(k, c, err);
    if (k->class == SL_CELL_BYTES)
        return 0;
    int rc = sl_vec_reserve(&k->scratch, c->rows * 16, err);
    if (rc < 0)
        return rc;
    sl_int128 *v = k->scratch.data;
    for (size_t i = 0; i < c->rows; i++)
        v[i] = sl_column_get16(c, i);
    k->v16 = v;
    return 0;
}

static inline int64_t value8(const struct sl_key *k, size_t i)
{
    if (k->v8)
        return k->v8[i];
    int64_t v = sl_column_get8(k->column, i);
    return k->column->type.kind == SL_DOUBLE ? normal_double(v) : v;
}

static inline sl_int128 value16(const struct sl_key *k, size_t i)
{
    return k->v16 ? k->v16[i] : sl_column_get16(k->column, i);
}

static uint64_t hash_text(const struct sl_key *k, size_t s)
{
    const int32_t *o = k->holder->offsets;
    return sl_hash_bytes((const char *)k->holder->data + o[s], (size_t)(o[s + 1] - o[s]), k->seed);
}

/* Texts: once per dictionary entry where there is a dictionary no longer than the batch. */
static int hash_texts(struct sl_key *k, uint64_t *h, struct sl_err *err)
{
    size_t n = k->column->rows, entries = k->constant ? 1 : k->holder->rows;
    int shared = k->constant || (k->codes && entries <= n);
    if (shared) {
        int rc = sl_vec_reserve(&k->hashes, entries * 8, err);
        if (rc < 0)
            return rc;
        uint64_t *known = k->hashes.data;
        for (size_t e = 0; n && e < entries; e++)
            known[e] = hash_text(k, e);
    }
    const uint64_t *known = k->hashes.data;
    for (size_t i = 0; i < n; i++) {
        uint64_t v = NULL_HASH;
        size_t s = k->codes ? (size_t)k->codes[i] : k->constant ? 0 : i;
        if (!sl_key_null(k, i))
            v = shared ? known[s] : hash_text(k, s);
        h[i] = sl_hash_u64(v, h[i]);
    }
    return 0;
}

uint64_t sl_key_hash_row(const struct sl_key *k, size_t i, uint64_t h)
{
    SL_CHECK_THAT(k->column && i < k->column->rows);
    if (sl_key_null(k, i))
        return sl_hash_u64(NULL_HASH, h);
    if (k->class == SL_CELL_8)
        return sl_hash_u64((uint64_t)value8(k, i), h);
    if (k->class == SL_CELL_16) {
        sl_int128 v = value16(k, i);
        return sl_hash_u64((uint64_t)v, sl_hash_u64((uint64_t)(v >> 64), h));
    }
    return sl_hash_u64(hash_text(k, k->codes ? (size_t)k->codes[i] : k->constant ? 0 : i), h);
}

uint64_t sl_key_hash_cell(const struct sl_key *k, const struct sl_cells *keys, size_t at,
                          uint64_t h)
{
    SL_CHECK_THAT(at < keys->n && keys->class == k->class);
    if (sl_cells_state(keys, at) != SL_CELL_VALUE)
        return sl_hash_u64(NULL_HASH, h);
    if (k->class == SL_CELL_8)
        return sl_hash_u64((uint64_t)sl_cells_get8(keys, at), h);
    if (k->class == SL_CELL_16) {
        sl_int128 v = ((const sl_int128 *)keys->value.data)[at];
        return sl_hash_u64((uint64_t)v, sl_hash_u64((uint64_t)(v >> 64), h));
    }
    size_t n;
    const char *s = sl_cells_bytes(keys, at, &n);
    return sl_hash_u64(sl_hash_bytes(s, n, k->seed), h);
}

int sl_key_hash(struct sl_key *k, uint64_t *h, struct sl_err *err)
{
    assert(k->column && h);
    size_t n = k->column->rows;
    if (k->class == SL_CELL_BYTES)
        return hash_texts(k, h, err);
    if (k->class == SL_CELL_8 && !k->column->valid) {
        const int64_t *v = k->v8;
        for (size_t i = 0; i < n; i++)
            h[i] = sl_hash_u64((uint64_t)v[i], h[i]);
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        h[i] = sl_key_hash_row(k, i, h[i]);
    return 0;
}

int sl_key_equal(const struct sl_key *k, size_t i, const struct sl_cells *keys, size_t at)
{
    SL_CHECK_THAT(i < k->column->rows && at < keys->n);
    int is_null = sl_cells_state(keys, at) == SL_CELL_NULL;
    if (sl_key_null(k, i) || is_null)
        return is_null && sl_key_null(k, i);
    if (k->class == SL_CELL_8)
        return sl_cells_get8(keys, at) == value8(k, i);
    if (k->class == SL_CELL_16)
        return ((const sl_int128 *)keys->value.data)[at] == value16(k, i);
    size_t na, nb;
    const char *a = sl_key_bytes(k, i, &na), *b = sl_cells_bytes(keys, at, &nb);
    return na == nb && (!na || memcmp(a, b, na) == 0);
}

int sl_key_store(const struct sl_key *k, size_t i, struct sl_cells *keys, size_t at,
                 struct sl_err *err)
{
    SL_CHECK_THAT(i < k->column->rows && at < keys->n);
    if (sl_key_null(k, i)) {
        sl_cells_put_null(keys, at);
    } else if (k->class == SL_CELL_8) {
        sl_cells_put8(keys, at, value8(k, i));
    } else if (k->class == SL_CELL_16) {
        sl_cells_put16(keys, at, value16(k, i));
    } else {
        size_t n;
        const char *s = sl_key_bytes(k, i, &n);
        return sl_cells_put_bytes(keys, at, s, n, err);
    }
    return 0;
}

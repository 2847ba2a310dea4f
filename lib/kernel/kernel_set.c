/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * kernel_set: `x in (constants)` by hashing.
 *
 * Values of one type that are 8 bytes or text go to an open-addressing table of at most half load;
 * the rest is compared in turn. A null in the list makes "not found" unknown.
 */
#include "base/hash.h"
#include "kernel/kernel.h"

struct in_set {
    int hashed, has_null;
    size_t mask;
    int n;
    struct sl_column **value; /* borrowed from the items, those that are not null */
    int32_t *slot;            /* index in value, -1 = empty */
    int64_t *key;             /* of 8-byte values, by slot: the column need not be asked again */
};

enum { FEW = 8 }; /* so many are compared one by one: that has no branches */

static void in_set_free(void *p)
{
    struct in_set *s = p;
    free(s->value);
    free(s->slot);
    free(s->key);
    free(s);
}

static int is_word(struct sl_type t)
{
    return t.kind == SL_BIGINT || sl_type_is_stamp(t) ||
           (t.kind == SL_NUMERIC && t.precision <= SL_NUMERIC64_MAX);
}

static uint64_t hash_value(const struct sl_column *c, size_t i)
{
    size_t n;
    if (is_word(c->type))
        return sl_hash_u64(((const uint64_t *)c->data)[c->form == SL_CONST ? 0 : i], 0);
    const char *s = sl_column_bytes(c, i, &n);
    return sl_hash_bytes(s, n, 0);
}

static int equal(const struct sl_column *c, size_t i, const struct sl_column *v)
{
    if (sl_type_is_bytes(c->type)) {
        size_t n, m;
        const char *s = sl_column_bytes(c, i, &n), *t = sl_column_bytes(v, 0, &m);
        return n == m && memcmp(s, t, n) == 0;
    }
    size_t k = c->form == SL_CONST ? 0 : i;
    if (is_word(c->type) && sl_type_equal(c->type, v->type))
        return ((const int64_t *)c->data)[k] == *(const int64_t *)v->data;
    return sl_value_order(c, k, v, 0) == 0;
}

static int found(const struct in_set *s, const struct sl_column *c, size_t i)
{
    if (!s->hashed) {
        for (int k = 0; k < s->n; k++)
            if (equal(c, i, s->value[k]))
                return 1;
        return 0;
    }
    for (size_t h = hash_value(c, i) & s->mask;; h = (h + 1) & s->mask) {
        if (s->slot[h] < 0)
            return 0;
        if (equal(c, i, s->value[s->slot[h]]))
            return 1;
    }
}

static int found_word(const struct in_set *s, int64_t x)
{
    for (size_t h = sl_hash_u64((uint64_t)x, 0) & s->mask;; h = (h + 1) & s->mask) {
        if (s->slot[h] < 0)
            return 0;
        if (s->key[h] == x)
            return 1;
    }
}

/* Bits of the rows found, for a PLAIN column of 8-byte values. */
static void find_words(const struct in_set *s, const int64_t *v, size_t rows, uint8_t *to)
{
    for (size_t base = 0; base < rows; base += 64) {
        size_t m = SL_MIN(rows - base, 64);
        uint64_t w = 0;
        if (s->n <= FEW) {
            uint8_t hit[64] = {0};
            for (int k = 0; k < s->n; k++) {
                int64_t x = *(const int64_t *)s->value[k]->data;
                for (size_t j = 0; j < m; j++)
                    hit[j] |= v[base + j] == x;
            }
            for (size_t j = 0; j < m; j++)
                w |= (uint64_t)hit[j] << j;
        } else {
            for (size_t j = 0; j < m; j++)
                w |= (uint64_t)found_word(s, v[base + j]) << j;
        }
        memcpy(to + base / 8, &w, 8);
    }
}

int sl_in_set_new(struct sl_node *in, struct sl_err *err)
{
    assert(in && in->nitems >= 1);
    struct in_set *s = sl_calloc(1, sizeof(*s));
    struct sl_type t = in->args[0]->type;
    size_t cap = 16;
    if (!s)
        return sl_err_nomem(err, "reading an expression");
    in->extra = s;
    in->extra_free = in_set_free;
    while (cap < (size_t)in->nitems * 2)
        cap *= 2;
    s->value = sl_calloc((size_t)in->nitems, sizeof(*s->value));
    s->slot = sl_malloc(cap * sizeof(*s->slot));
    s->key = sl_calloc(cap, sizeof(*s->key));
    if (!s->value || !s->slot || !s->key)
        return sl_err_nomem(err, "reading an expression");
    s->mask = cap - 1;
    s->hashed = is_word(t) || (sl_type_is_bytes(t) && in->nitems > FEW / 2);
    memset(s->slot, 0xff, cap * sizeof(*s->slot));
    for (int i = 0; i < in->nitems; i++) {
        struct sl_column *v = in->items[i]->value;
        if (sl_column_null(v, 0)) {
            s->has_null = 1;
            continue;
        }
        if (!sl_type_equal(v->type, t)) /* numbers of another scale */
            s->hashed = 0;
        s->value[s->n++] = v;
    }
    for (int i = 0; s->hashed && i < s->n; i++) {
        size_t h = hash_value(s->value[i], 0) & s->mask;
        while (s->slot[h] >= 0)
            h = (h + 1) & s->mask;
        s->slot[h] = i;
        if (is_word(t))
            s->key[h] = *(const int64_t *)s->value[i]->data;
    }
    return 0;
}

int sl_kernel_in(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    const struct in_set *s = c->node->extra;
    int negated = c->node->param[0] != 0;
    uint8_t *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    if (is_word(c->args[0]->type) && c->args[0]->form == SL_PLAIN && !s->has_null && s->hashed) {
        find_words(s, c->args[0]->data, c->rows, to);
        for (size_t i = 0; negated && i < (c->rows + 7) / 8; i++)
            to[i] = (uint8_t)~to[i];
        return 0;
    }
    for (size_t i = 0; i < c->rows; i++) {
        if (!sl_call_valid(c, i))
            continue;
        int yes = found(s, c->args[0], i);
        if (!yes && s->has_null) {
            if (sl_call_null(c, i) < 0)
                return -SL_ENOMEM;
        } else if (yes != negated) {
            sl_bit_set(to, i);
        }
    }
    return 0;
}

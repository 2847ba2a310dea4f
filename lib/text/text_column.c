/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_column: columns of bytes, as a dictionary while few values differ.
 *
 * The dictionary of a column lives in the thread's scratch across chunks: where no new value turns
 * up, the next batch shares the very same dictionary column, and nothing is hashed twice into a
 * cold table. It is append-only, so a column that was handed out keeps its first values; a buffer
 * that must grow is copied, never moved. A column that proves to have too many values becomes
 * plain, and is tried again every RETRY chunks. That goes by the values of a chunk, whatever its size: a
 * dictionary that one chunk fills, and the next must begin afresh, costs more than it saves.
 *
 * Values of up to 16 bytes are compared as two words, without a call.
 */
#include "arrow/column.h"
#include "base/hash.h"
#include "text/text_reader.h"

enum {
    DICT_SLOTS_MIN = 256,
    DICT_MAX = 16384, /* values */
    DICT_TRY = 2048,  /* from here on at least every second row must repeat one */
    RETRY = 64,       /* chunks */
    DICT_BYTES_MAX = 4 << 20,
};

struct slot {
    uint64_t a, b; /* first 8 bytes; next 8, or a hash of all behind the first 8 */
    uint32_t len;
    int32_t code; /* -1 = free */
};

struct sl_text_dict {
    struct slot *slots;
    size_t mask;
    uint64_t seed[2];
    int32_t n;
    size_t used; /* bytes */
    struct sl_buffer *data, *offsets;
    struct sl_column *column; /* the last one handed out, if it is still complete */
    int plain;                /* chunks to go before it is tried again */
    size_t last_rows;
    int32_t added; /* values that were new in the last chunk */
};

void sl_text_dict_free(struct sl_text_dict *d)
{
    if (!d)
        return;
    sl_buffer_unref(d->data);
    sl_buffer_unref(d->offsets);
    sl_column_unref(d->column);
    free(d->slots);
    free(d);
}

/* Forgets all values; columns handed out keep theirs. */
static int dict_reset(struct sl_text_dict *d, struct sl_account *account)
{
    sl_buffer_unref(d->data);
    sl_buffer_unref(d->offsets);
    sl_column_unref(d->column);
    d->column = NULL;
    d->data = sl_buffer_new(account, 4096);
    d->offsets = sl_buffer_new(account, DICT_SLOTS_MIN * sizeof(int32_t));
    if (!d->slots || d->mask + 1 > DICT_SLOTS_MIN) {
        free(d->slots);
        d->slots = sl_malloc(DICT_SLOTS_MIN * sizeof *d->slots);
    }
    if (!d->data || !d->offsets || !d->slots)
        return -1;
    d->mask = DICT_SLOTS_MIN - 1;
    for (size_t i = 0; i <= d->mask; i++)
        d->slots[i] = (struct slot){.code = -1};
    d->n = 0;
    d->used = 0;
    ((int32_t *)(void *)d->offsets->data)[0] = 0;
    return 0;
}

static inline size_t slot_of(const struct sl_text_dict *d, const struct slot *s, size_t mask)
{
    sl_uint128 m = (sl_uint128)(s->a ^ s->len ^ d->seed[0]) * (s->b ^ d->seed[1]);
    return (size_t)((uint64_t)m ^ (uint64_t)(m >> 64)) & mask;
}

static int dict_rehash(struct sl_text_dict *d)
{
    size_t mask = d->mask * 2 + 1;
    assert((mask & (mask + 1)) == 0 && (size_t)d->n <= d->mask);
    struct slot *slots = sl_malloc((mask + 1) * sizeof *slots);
    if (!slots)
        return -1;
    for (size_t i = 0; i <= mask; i++)
        slots[i] = (struct slot){.code = -1};
    for (size_t i = 0; i <= d->mask; i++) {
        if (d->slots[i].code < 0)
            continue;
        size_t k = slot_of(d, &d->slots[i], mask);
        while (slots[k].code >= 0)
            k = (k + 1) & mask;
        slots[k] = d->slots[i];
    }
    free(d->slots);
    d->slots = slots;
    d->mask = mask;
    return 0;
}

/* A buffer of twice the size with the same first bytes; the old one may be shared. */
static struct sl_buffer *grown(struct sl_buffer *b, size_t used, size_t need)
{
    assert(used <= b->size);
    struct sl_buffer *n = sl_buffer_new(b->account, SL_MAX(b->size * 2, used + need));
    if (!n)
        return NULL;
    memcpy(n->data, b->data, used);
    sl_buffer_unref(b);
    return n;
}

/* Adds a value at a free slot. Its code, or -1. */
static int32_t dict_add(struct sl_text_dict *d, struct slot *at, const struct slot *key,
                        const char *p)
{
    SL_CHECK_THAT(at->code < 0);
    if (d->used + key->len + 16 > d->data->size) {
        struct sl_buffer *b = grown(d->data, d->used, key->len + 16);
        if (!b)
            return -1;
        d->data = b;
    }
    size_t need = ((size_t)d->n + 2) * sizeof(int32_t);
    if (need > d->offsets->size) {
        struct sl_buffer *b = grown(d->offsets, need - sizeof(int32_t), sizeof(int32_t));
        if (!b)
            return -1;
        d->offsets = b;
    }
    memcpy(d->data->data + d->used, p, key->len);
    d->used += key->len;
    int32_t code = d->n++;
    ((int32_t *)(void *)d->offsets->data)[d->n] = (int32_t)d->used;
    *at = *key;
    at->code = code;
    sl_column_unref(d->column);
    d->column = NULL;
    if ((size_t)d->n * 2 > d->mask && dict_rehash(d) < 0)
        return -1;
    return code;
}

static int32_t dict_code(struct sl_text_dict *d, const char *p, uint32_t len)
{
    struct slot key = {.len = len};
    const int32_t *offsets = (const int32_t *)(const void *)d->offsets->data;
    if (SL_LIKELY(len <= 16)) {
        key.a = sl_text_load8(p) & sl_text_keep[SL_MIN(len, 8)];
        key.b = len > 8 ? sl_text_load8(p + 8) & sl_text_keep[len - 8] : 0;
    } else {
        key.a = sl_text_load8(p);
        key.b = sl_hash_bytes(p + 8, len - 8, d->seed[0]);
    }
    size_t k = slot_of(d, &key, d->mask);
    for (;; k = (k + 1) & d->mask) {
        struct slot *s = &d->slots[k];
        if (s->a == key.a && s->b == key.b && s->len == len && s->code >= 0 &&
            (len <= 16 || memcmp(d->data->data + offsets[s->code] + 8, p + 8, len - 8) == 0))
            return s->code;
        if (s->code < 0)
            return dict_add(d, s, &key, p);
    }
}

int sl_text_pass_begin(struct sl_text_pass *p, struct sl_text_dict **dict, struct sl_type type,
                       size_t rows, struct sl_account *account, struct sl_err *err)
{
    assert(p && dict);
    *p = (struct sl_text_pass){.account = account, .type = type, .rows = rows};
    if (!*dict) {
        *dict = sl_calloc(1, sizeof **dict);
        if (!*dict)
            return sl_err_nomem(err, "reading text");
        (*dict)->seed[0] = sl_hash_seed();
        (*dict)->seed[1] = sl_hash_seed();
    }
    struct sl_text_dict *d = *dict;
    size_t many = SL_MAX(SL_MIN(d->last_rows / 2, (size_t)DICT_MAX / 2), (size_t)DICT_SLOTS_MIN);
    if (d->plain > 0 && --d->plain == 0)
        d->n = INT32_MAX; /* try again, afresh */
    else if ((size_t)d->added > many)
        d->plain = RETRY;
    d->added = 0;
    if (type.kind != SL_BYTEA && !d->plain) {
        /* Values that later chunks no longer hold must not pile up. */
        if ((!d->data || (size_t)d->n > many) && dict_reset(d, account) < 0)
            return sl_err_nomem(err, "reading text");
        p->dict = d;
        p->known = d->n;
        p->codes = sl_buffer_new(account, rows * sizeof(int32_t));
        if (!p->codes)
            return sl_err_nomem(err, "reading text");
    } else {
        p->offsets = sl_buffer_new(account, (rows + 1) * sizeof(int32_t));
        p->data = sl_buffer_new(account, rows * 8 + 64);
        if (!p->offsets || !p->data)
            return sl_err_nomem(err, "reading text");
        ((int32_t *)(void *)p->offsets->data)[0] = 0;
    }
    d->last_rows = rows;
    return 0;
}

static int plain_room(struct sl_text_pass *p, size_t need)
{
    if (p->used + need > INT32_MAX)
        return -1;
    if (p->used + need <= p->data->size)
        return 0;
    struct sl_buffer *b = grown(p->data, p->used, need);
    if (!b)
        return -1;
    p->data = b;
    return 0;
}

static int plain_block(struct sl_text_pass *p, size_t row, const struct sl_span *v, size_t n)
{
    size_t need = 16;
    for (size_t i = 0; i < n; i++)
        need += v[i].flags & SL_SPAN_NULL ? 0 : v[i].len;
    if (plain_room(p, need) < 0)
        return -1;
    int32_t *offsets = (int32_t *)(void *)p->offsets->data + row;
    uint8_t *out = p->data->data + p->used;
    for (size_t i = 0; i < n; i++) {
        size_t len = v[i].flags & SL_SPAN_NULL ? 0 : v[i].len;
        memcpy(out, v[i].p, 16);
        if (len > 16)
            memcpy(out, v[i].p, len);
        out += len;
        offsets[i + 1] = (int32_t)(out - p->data->data);
    }
    p->used = (size_t)(out - p->data->data);
    assert(p->used <= p->data->size);
    return 0;
}

/* Too many values: the rows so far are written out plain, and the column goes on so. */
static int give_up(struct sl_text_pass *p, size_t rows)
{
    struct sl_text_dict *d = p->dict;
    const int32_t *codes = (const int32_t *)(const void *)p->codes->data;
    const int32_t *from = (const int32_t *)(const void *)d->offsets->data;
    size_t total = 0;
    for (size_t i = 0; i < rows; i++)
        total += codes[i] < 0 ? 0 : (size_t)(from[codes[i] + 1] - from[codes[i]]);
    p->offsets = sl_buffer_new(p->account, (p->rows + 1) * sizeof(int32_t));
    p->data = sl_buffer_new(p->account, SL_MAX(total * 2, p->rows * 8) + 64);
    if (!p->offsets || !p->data || total > INT32_MAX)
        return -1;
    int32_t *offsets = (int32_t *)(void *)p->offsets->data;
    offsets[0] = 0;
    for (size_t i = 0; i < rows; i++) {
        int32_t c = codes[i];
        size_t len = c < 0 ? 0 : (size_t)(from[c + 1] - from[c]);
        if (len)
            memcpy(p->data->data + p->used, d->data->data + from[c], len);
        p->used += len;
        offsets[i + 1] = (int32_t)p->used;
    }
    sl_buffer_unref(p->codes);
    p->codes = NULL;
    p->dict = NULL;
    d->plain = RETRY;
    return 0;
}

int sl_text_pass_block(struct sl_text_pass *p, size_t row, const struct sl_span *v, size_t n,
                       struct sl_err *err)
{
    assert(v || !n);
    assert(row + n <= p->rows);
    struct sl_text_dict *d = p->dict;
    if (!d)
        return plain_block(p, row, v, n) < 0 ? sl_err_nomem(err, "reading text") : 0;
    int32_t *codes = (int32_t *)(void *)p->codes->data + row;
    for (size_t i = 0; i < n; i++) {
        /* A null is -1 until the end, so that the dictionary need not hold a value for it. */
        codes[i] = v[i].flags & SL_SPAN_NULL ? -1 : dict_code(d, v[i].p, v[i].len);
        if (codes[i] < 0 && !(v[i].flags & SL_SPAN_NULL))
            return sl_err_nomem(err, "reading text");
    }
    size_t rows = row + n;
    if (SL_UNLIKELY(d->n > DICT_MAX || d->used > DICT_BYTES_MAX ||
                    (size_t)(d->n - p->known) * 2 > rows + DICT_TRY) &&
        give_up(p, rows) < 0)
        return sl_err_nomem(err, "reading text");
    return 0;
}

/* The dictionary's values as a column, shared by batches as long as none is added. */
static struct sl_column *dict_column(struct sl_text_dict *d, struct sl_type type)
{
    if (!d->column || !sl_type_equal(d->column->type, type)) {
        sl_column_unref(d->column);
        d->column = sl_column_new(type, (size_t)d->n);
        if (!d->column)
            return NULL;
        d->column->data = d->data->data;
        d->column->offsets = (const int32_t *)(const void *)d->offsets->data;
        d->column->owner[1] = sl_buffer_ref(d->data);
        d->column->owner[2] = sl_buffer_ref(d->offsets);
    }
    return sl_column_ref(d->column);
}

struct sl_column *sl_text_pass_end(struct sl_text_pass *p, struct sl_err *err)
{
    assert(!p->dict == !p->codes); /* one or the other way for the whole column */
    struct sl_column *c = sl_column_new(p->type, p->rows);
    if (!c)
        goto nomem;
    if (p->dict && p->dict->n == 0) { /* all null: a dictionary must have a value for code 0 */
        struct sl_span empty = {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 0, 0};
        if (dict_code(p->dict, empty.p, 0) < 0)
            goto nomem;
    }
    if (p->dict) {
        assert(p->dict->n >= p->known);
        p->dict->added = p->dict->n - p->known;
        int32_t *codes = (int32_t *)(void *)p->codes->data;
        for (size_t i = 0; i < p->rows; i++)
            codes[i] = codes[i] < 0 ? 0 : codes[i];
        c->form = SL_DICT;
        c->dict = dict_column(p->dict, p->type);
        if (!c->dict)
            goto nomem;
        c->data = codes;
        c->owner[1] = p->codes;
        p->codes = NULL;
    } else {
        c->data = p->data->data;
        c->offsets = (const int32_t *)(const void *)p->offsets->data;
        c->owner[1] = p->data;
        c->owner[2] = p->offsets;
        p->data = p->offsets = NULL;
    }
    return c;
nomem:
    sl_column_unref(c);
    return sl_err_no_memory(err, "reading text");
}

void sl_text_pass_release(struct sl_text_pass *p)
{
    sl_buffer_unref(p->codes);
    sl_buffer_unref(p->offsets);
    sl_buffer_unref(p->data);
    p->codes = p->offsets = p->data = NULL;
}

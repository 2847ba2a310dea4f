/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * builder: columns row by row.
 *
 * Every append reserves one row first; capacity doubles, so that the common path is one compare.
 * Validity exists only from the first null on. A text column stays a dictionary while it has few
 * values: past DICT_TRIAL rows more than one in four distinct, or more than DICT_MAX, end that.
 */
#include "arrow/builder.h"

#include "arrow/builder_parts.h"
#include "arrow/column_int.h"

enum { FIRST_ROWS = 1024, FIRST_BYTES = 16384, DICT_TRIAL = 4096, DICT_MAX = 65536 };

void sl_builder_init(struct sl_builder *b, struct sl_type type, struct sl_account *account,
                     int use_dict)
{
    assert(type.kind >= SL_BOOL && type.kind <= SL_DECIMAL);
    memset(b, 0, sizeof *b);
    b->type = sl_type_ref(type);
    b->account = account;
    b->use_dict = use_dict && sl_type_is_bytes(type);
}

static void drop_buffers(struct sl_builder *b)
{
    sl_buffer_unref(b->valid);
    sl_buffer_unref(b->data);
    sl_buffer_unref(b->offsets);
    b->valid = b->data = b->offsets = NULL;
    b->rows = b->cap = b->nulls = 0;
    b->failed = 0;
}

void sl_builder_release(struct sl_builder *b)
{
    drop_buffers(b);
    sl_dictionary_free(b->dict);
    b->dict = NULL;
    sl_builder_parts_free(b->parts);
    b->parts = NULL;
    sl_type_unref(b->type);
    b->type = (struct sl_type){0};
}

static void fail(struct sl_builder *b, enum sl_code code)
{
    if (!b->failed)
        b->failed = (int)code;
}

/* Bytes of data that cap rows need, for all but plain text. */
static size_t data_bytes(const struct sl_builder *b, size_t cap)
{
    if (b->dict)
        return cap * sizeof(int32_t);
    if (b->type.kind == SL_BOOL)
        return sl_bits_bytes(cap);
    return cap * sl_type_width(b->type);
}

/* First row of a batch: buffers as the type wants them. */
static int begin(struct sl_builder *b)
{
    size_t cap = FIRST_ROWS;
    if (b->use_dict && !b->dict && !(b->dict = sl_dictionary_new(b->account)))
        return -SL_ENOMEM;
    int plain_bytes = sl_type_is_bytes(b->type) && !b->dict;
    b->data = sl_buffer_new(b->account, plain_bytes ? FIRST_BYTES : data_bytes(b, cap));
    if (!b->data)
        return -SL_ENOMEM;
    if (plain_bytes) {
        b->data->size = 0;
        b->offsets = sl_buffer_new(b->account, (cap + 1) * sizeof(int32_t));
        if (!b->offsets)
            return -SL_ENOMEM;
        *(int32_t *)b->offsets->data = 0;
    }
    b->cap = cap;
    return 0;
}

/* All of the capacity is in use: growing keeps only what size counts. */
static int grow_buffer(struct sl_buffer *b, size_t capacity)
{
    int rc = sl_buffer_grow(b, capacity);
    if (rc == 0)
        b->size = capacity;
    return rc;
}

/* Room for one more row; the slow path of reserve. */
static int grow(struct sl_builder *b)
{
    if (b->failed)
        return 0;
    int rc = 0;
    if (!b->cap) {
        rc = begin(b);
    } else {
        size_t cap = b->cap * 2;
        if (b->offsets)
            rc = grow_buffer(b->offsets, (cap + 1) * sizeof(int32_t));
        else
            rc = grow_buffer(b->data, data_bytes(b, cap));
        if (rc == 0 && b->valid)
            rc = grow_buffer(b->valid, sl_bits_bytes(cap));
        if (rc == 0)
            b->cap = cap;
    }
    if (rc < 0)
        fail(b, SL_ENOMEM);
    return rc == 0;
}

/* 1 if row b->rows may be written, its validity set. */
static inline int reserve(struct sl_builder *b)
{
    if (SL_UNLIKELY(b->rows == b->cap) && !grow(b))
        return 0;
    if (SL_UNLIKELY(b->failed))
        return 0;
    if (b->valid)
        sl_bit_set(b->valid->data, b->rows);
    return 1;
}

/* Clears the validity bit of row b->rows, which is reserved. */
static int mark_null(struct sl_builder *b)
{
    if (!b->valid) {
        b->valid = sl_buffer_new(b->account, sl_bits_bytes(b->cap));
        if (!b->valid) {
            fail(b, SL_ENOMEM);
            return 0;
        }
        memset(b->valid->data, 0xff, sl_bits_bytes(b->rows + 1));
    }
    sl_bit_clear(b->valid->data, b->rows);
    b->nulls++;
    return 1;
}

void sl_builder_null(struct sl_builder *b)
{
    if (b->type.kind == SL_FOREIGN) {
        if (!b->failed && sl_builder_parts_add(&b->parts, NULL, 0) < 0)
            fail(b, SL_ENOMEM);
        b->rows++;
        return;
    }
    if (!reserve(b) || !mark_null(b))
        return;
    if (b->dict)
        ((int32_t *)b->data->data)[b->rows] = 0;
    else if (b->offsets)
        ((int32_t *)b->offsets->data)[b->rows + 1] = (int32_t)b->data->size;
    else if (b->type.kind == SL_BOOL)
        sl_bit_clear(b->data->data, b->rows);
    else
        memset(b->data->data + b->rows * sl_type_width(b->type), 0, sl_type_width(b->type));
    b->rows++;
}

void sl_builder_bool(struct sl_builder *b, int v)
{
    assert(b->type.kind == SL_BOOL);
    if (!reserve(b))
        return;
    v ? sl_bit_set(b->data->data, b->rows) : sl_bit_clear(b->data->data, b->rows);
    b->rows++;
}

void sl_builder_int(struct sl_builder *b, int64_t v)
{
    if (b->type.kind == SL_NUMERIC && b->type.precision > SL_NUMERIC64_MAX) {
        sl_builder_int128(b, v);
        return;
    }
    assert(b->type.kind == SL_BIGINT || sl_type_is_stamp(b->type) || b->type.kind == SL_NUMERIC);
    if (reserve(b))
        ((int64_t *)b->data->data)[b->rows++] = v;
}

void sl_builder_int128(struct sl_builder *b, sl_int128 v)
{
    assert(b->type.kind == SL_NUMERIC);
    if (b->type.precision <= SL_NUMERIC64_MAX) {
        sl_builder_int(b, (int64_t)v);
        return;
    }
    if (reserve(b))
        ((sl_int128 *)b->data->data)[b->rows++] = v;
}

void sl_builder_double(struct sl_builder *b, double v)
{
    assert(b->type.kind == SL_DOUBLE);
    if (!reserve(b))
        return;
    double *values = (void *)b->data->data;
    values[b->rows++] = v;
}

void sl_builder_date(struct sl_builder *b, int32_t days)
{
    assert(b->type.kind == SL_DATE);
    if (reserve(b))
        ((int32_t *)b->data->data)[b->rows++] = days;
}

void sl_builder_interval(struct sl_builder *b, struct sl_interval v)
{
    assert(b->type.kind == SL_INTERVAL);
    if (reserve(b))
        ((struct sl_interval *)b->data->data)[b->rows++] = v;
}

/* ---- text ---- */

/* Rows so far from dictionary codes to plain offsets and bytes. */
static int turn_plain(struct sl_builder *b)
{
    const int32_t *codes = (const int32_t *)b->data->data;
    const int32_t *from = (const int32_t *)b->dict->offsets->data;
    const uint8_t *bytes = b->dict->data->data;
    uint64_t total = 0;
    for (size_t i = 0; i < b->rows; i++) {
        if (!b->valid || sl_bit(b->valid->data, i))
            total += (uint32_t)(from[codes[i] + 1] - from[codes[i]]);
    }
    if (total > INT32_MAX)
        return -SL_EOVERFLOW;
    struct sl_buffer *offsets = sl_buffer_new(b->account, (b->cap + 1) * sizeof(int32_t));
    struct sl_buffer *data = sl_buffer_new(b->account, SL_MAX(total * 2, (uint64_t)FIRST_BYTES));
    if (!offsets || !data) {
        sl_buffer_unref(offsets);
        sl_buffer_unref(data);
        return -SL_ENOMEM;
    }
    int32_t *to = (int32_t *)offsets->data;
    to[0] = 0;
    for (size_t i = 0; i < b->rows; i++) {
        int32_t len = 0;
        if (!b->valid || sl_bit(b->valid->data, i))
            len = from[codes[i] + 1] - from[codes[i]];
        if (len)
            memcpy(data->data + to[i], bytes + from[codes[i]], (size_t)len);
        to[i + 1] = to[i] + len;
    }
    data->size = (size_t)total;
    sl_buffer_unref(b->data);
    b->data = data;
    b->offsets = offsets;
    sl_dictionary_free(b->dict);
    b->dict = NULL;
    return 0;
}

static void add_plain(struct sl_builder *b, const void *s, size_t n)
{
    struct sl_buffer *d = b->data;
    if (n > INT32_MAX - d->size) {
        fail(b, SL_EOVERFLOW);
        return;
    }
    if (SL_UNLIKELY(d->size + n > d->capacity) &&
        sl_buffer_grow(d, SL_MAX(d->capacity * 2, d->size + n)) < 0) {
        fail(b, SL_ENOMEM);
        return;
    }
    if (n)
        memcpy(d->data + d->size, s, n);
    d->size += n;
    ((int32_t *)b->offsets->data)[++b->rows] = (int32_t)d->size;
}

static int too_many_values(const struct sl_builder *b)
{
    uint32_t n = b->dict->count;
    return (b->rows >= DICT_TRIAL && n > b->rows / 4) || n > DICT_MAX;
}

void sl_builder_bytes(struct sl_builder *b, const void *s, size_t n)
{
    assert(sl_type_is_bytes(b->type));
    if (!reserve(b))
        return;
    if (!b->dict) {
        add_plain(b, s, n);
        return;
    }
    int32_t code = sl_dictionary_add(b->dict, s, n);
    if (code < 0) {
        fail(b, (enum sl_code) - code);
        return;
    }
    ((int32_t *)b->data->data)[b->rows++] = code;
    if (SL_UNLIKELY(too_many_values(b))) {
        int rc = turn_plain(b);
        if (rc < 0)
            fail(b, (enum sl_code) - rc);
    }
}

/* ---- rows of other columns ---- */

void sl_builder_row(struct sl_builder *b, const struct sl_column *c, size_t i)
{
    SL_CHECK_THAT(sl_column_is_loaded(c) && i < c->rows);
    if (b->type.kind == SL_FOREIGN) {
        if (!b->failed && sl_builder_parts_add(&b->parts, c, i) < 0)
            fail(b, SL_ENOMEM);
        b->rows++;
        return;
    }
    if (sl_column_null(c, i)) {
        sl_builder_null(b);
        return;
    }
    if (sl_type_is_bytes(b->type)) {
        size_t len;
        const char *s = sl_column_bytes(c, i, &len);
        sl_builder_bytes(b, s, len);
        return;
    }
    const struct sl_column *h;
    size_t k = sl_column_slot(c, i, &h);
    if (b->type.kind == SL_BOOL) {
        sl_builder_bool(b, sl_bit(h->data, k));
        return;
    }
    size_t width = sl_type_width(b->type);
    if (reserve(b)) {
        memcpy(b->data->data + b->rows * width, (const uint8_t *)h->data + k * width, width);
        b->rows++;
    }
}

/* ---- the column ---- */

/* Moves the buffers into a column. */
static struct sl_column *collect(struct sl_builder *b, struct sl_err *err)
{
    struct sl_column *c = sl_column_new(b->type, b->rows);
    if (!c)
        return sl_err_no_memory(err, "a column");
    if (b->dict && !(c->dict = sl_dictionary_finish(b->dict, b->type, err))) {
        sl_dictionary_free(b->dict); /* it may be half reset: the next batch starts a new one */
        b->dict = NULL;
        sl_column_unref(c);
        return NULL;
    }
    c->form = b->dict ? SL_DICT : SL_PLAIN;
    if (!b->offsets)
        b->data->size = data_bytes(b, b->rows);
    c->data = sl_column_own(c, 1, b->data);
    if (b->offsets) {
        b->offsets->size = (b->rows + 1) * sizeof(int32_t);
        c->offsets = sl_column_own(c, 2, b->offsets);
    }
    if (b->valid) {
        b->valid->size = sl_bits_bytes(b->rows);
        c->valid = sl_column_own(c, 0, b->valid);
    }
    b->data = b->offsets = b->valid = NULL;
    return c;
}

struct sl_column *sl_builder_finish(struct sl_builder *b, struct sl_err *err)
{
    struct sl_column *c = NULL;
    if (b->failed == SL_EOVERFLOW)
        sl_column_too_large(err);
    else if (b->failed)
        sl_err_nomem(err, "a column");
    else if (b->type.kind == SL_FOREIGN)
        c = sl_builder_parts_finish(b->parts, b->type, b->account, err);
    else if (!b->cap && begin(b) < 0)
        sl_err_nomem(err, "a column");
    else
        c = collect(b, err);
    drop_buffers(b);
    sl_builder_parts_free(b->parts);
    b->parts = NULL;
    return c;
}

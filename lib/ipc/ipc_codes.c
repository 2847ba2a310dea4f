/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* ipc_codes: dictionary-encoded columns of a record batch. */
#include "ipc/ipc_int.h"

/* Codes of null rows mean nothing: they become 0 and are not checked. */
#define WIDEN(type)                                                                                \
    do {                                                                                           \
        const type *from_ = (const type *)s->data;                                                 \
        for (size_t i = 0; i < rows && !valid; i++) {                                              \
            uint64_t v_ = (uint64_t)from_[i];                                                      \
            beyond |= v_ >= values;                                                                \
            to[i] = (int32_t)v_;                                                                   \
        }                                                                                          \
        for (size_t i = 0; i < rows && valid; i++) {                                               \
            uint64_t v_ = (uint64_t)from_[i], on_ = (uint64_t)sl_bit(valid, i);                    \
            beyond |= on_ && v_ >= values;                                                         \
            to[i] = on_ ? (int32_t)v_ : 0;                                                         \
        }                                                                                          \
    } while (0)

/* 1 if every code of a row that is not null is below values. */
static int widen(int32_t *to, const struct sl_slab *s, size_t rows, const struct sl_foreign *f,
                 const uint8_t *valid, uint64_t values)
{
    int beyond = 0;
    switch (f->index_bits + (f->index_signed != 0)) {
    case 8: WIDEN(uint8_t); break;
    case 9: WIDEN(int8_t); break;
    case 16: WIDEN(uint16_t); break;
    case 17: WIDEN(int16_t); break;
    case 32: WIDEN(uint32_t); break;
    case 33: WIDEN(int32_t); break;
    default: WIDEN(uint64_t); break;
    }
    return !beyond;
}

/* Codes of a dictionary column at the cursor, int32_t; null rows have code 0. values: rows of the
 * dictionary. Into out: valid, data. */
static int load_codes(struct sl_ipc_cursor *c, const struct sl_foreign *f, size_t values,
                      struct sl_column *out, struct sl_err *err)
{
    struct sl_slab s;
    size_t width = f->index_bits / 8;
    struct sl_ipc_node node = c->body->nodes[c->node++];
    int rc = sl_slab_valid(c, out, node, err);
    if (rc == 0)
        rc = sl_slab_next(c, out->rows * width, 1, width, &s, err);
    if (rc < 0)
        return rc;
    int32_t *to = sl_column_own_data(out, out->rows * sizeof *to, c->body->account, err);
    if (!to)
        rc = -SL_ENOMEM;
    else if (!widen(to, &s, out->rows, f, out->valid, values))
        rc = sl_ipc_malformed(err, "a dictionary code that its dictionary does not have");
    sl_slab_release(&s);
    return rc;
}

/* Rows stay valid where the bits of both say so. */
static int mask_valid(struct sl_column *c, const uint8_t *bits, struct sl_account *a,
                      struct sl_err *err)
{
    if (!bits)
        return 0;
    struct sl_buffer *b = sl_buffer_new(a, sl_bits_bytes(c->rows));
    if (!b)
        return sl_err_nomem(err, "a column");
    for (size_t i = 0; i < sl_bits_bytes(c->rows); i++)
        b->data[i] = c->valid ? c->valid[i] & bits[i] : bits[i];
    sl_buffer_unref(c->owner[0]);
    c->owner[0] = b;
    c->valid = b->data;
    return 0;
}

/* values (any type, perhaps with nulls) by the codes. */
static struct sl_column *take_values(struct sl_column *values, struct sl_column *codes,
                                     struct sl_account *a, struct sl_err *err)
{
    if (!values->rows)
        return sl_column_nulls(values->type, codes->rows, err);
    struct sl_column *out = sl_column_take(values, codes->data, codes->rows, a, err);
    if (!out || out->form != SL_PLAIN || mask_valid(out, codes->valid, a, err) == 0)
        return out;
    sl_column_unref(out);
    return NULL;
}

struct sl_column *sl_ipc_load_indirect(struct sl_ipc_cursor *c, struct sl_foreign *f,
                                       const struct sl_ipc_dicts *dicts, struct sl_err *err)
{
    assert(sl_ipc_cursor_is_sound(c) && f && dicts);
    struct sl_ipc_dict *dict = dicts ? dicts->find(dicts->arg, f->dict_id) : NULL;
    size_t rows = (size_t)c->body->nodes[c->node].length;
    if (!dict) {
        sl_ipc_malformed(err, "a dictionary is missing");
        return NULL;
    }
    struct sl_column *values = sl_ipc_dict_raw(dict, err), *out = NULL;
    if (!values)
        return NULL;
    struct sl_column *codes = sl_column_new(sl_type_of(SL_BIGINT), rows);
    if (!codes)
        sl_err_nomem(err, "a column");
    else if (load_codes(c, f, values->rows, codes, err) == 0)
        out = take_values(values, codes, c->body->account, err);
    sl_column_unref(codes);
    sl_column_unref(values);
    return out;
}

/* Rows whose value in the dictionary is null become null, with code 0. */
static int mask_null_values(struct sl_column *c, const uint8_t *value_valid, struct sl_account *a,
                            struct sl_err *err)
{
    struct sl_buffer *b = sl_buffer_new(a, sl_bits_bytes(c->rows));
    if (!b)
        return sl_err_nomem(err, "a column");
    memset(b->data, 0, sl_bits_bytes(c->rows));
    int32_t *codes = (int32_t *)c->owner[1]->data;
    for (size_t i = 0; i < c->rows; i++) {
        if (!sl_column_null(c, i) && sl_bit(value_valid, (size_t)codes[i]))
            sl_bit_set(b->data, i);
        else
            codes[i] = 0;
    }
    sl_buffer_unref(c->owner[0]);
    c->owner[0] = b;
    c->valid = b->data;
    sl_column_trim_valid(c);
    return 0;
}

struct sl_column *sl_ipc_load_dict(struct sl_ipc_cursor *c, const struct sl_foreign *f,
                                   struct sl_type type, struct sl_ipc_dict *dict,
                                   struct sl_err *err)
{
    assert(sl_ipc_cursor_is_sound(c) && f);
    const uint8_t *value_valid;
    size_t nvalues, rows = (size_t)c->body->nodes[c->node].length;
    struct sl_column *values = sl_ipc_dict_typed(dict, &nvalues, &value_valid, err);
    struct sl_column *out = values ? sl_column_new(type, rows) : NULL;
    int rc = out ? load_codes(c, f, nvalues, out, err) : -SL_ENOMEM;
    if (values && !out)
        sl_err_nomem(err, "a column");
    if (rc == 0 && sl_type_is_bytes(type)) {
        out->form = SL_DICT;
        out->dict = sl_column_ref(values);
        if (value_valid && nvalues)
            rc = mask_null_values(out, value_valid, c->body->account, err);
    } else if (rc == 0) {
        struct sl_column *taken = take_values(values, out, c->body->account, err);
        sl_column_unref(out);
        out = taken;
    }
    sl_column_unref(values);
    if (rc == 0)
        return out;
    sl_column_unref(out);
    return NULL;
}

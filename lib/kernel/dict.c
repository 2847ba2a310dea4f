/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * dict: evaluation once per dictionary entry.
 *
 * A subtree that reads one column is a function of that column's value. Where the column is a
 * dictionary, the function is evaluated over the entries (and once over null) and its results are
 * handed out by code. Errors never come from here: an entry that fails may belong to no row, so the
 * caller then evaluates row by row.
 */
#include "kernel/dict.h"

/* Value of n where its column is `c` (n rows). -SL_EROW without a message if an entry fails. */
static int eval_over(struct sl_eval *ev, const struct sl_node *n, int ncols, struct sl_column *c,
                     size_t rows, struct sl_column **out, struct sl_err *err)
{
    struct sl_frame f;
    int rc = sl_frame_init(&f, ev, ncols, err);
    if (rc < 0)
        return rc;
    f.n = rows;
    f.by_dict = 1;
    f.cols[n->only] = sl_column_ref(c);
    rc = n->kind == SL_NODE_COLUMN ? (*out = sl_column_ref(c), 0)
                                   : sl_node_eval_rows(&f, n, out, err);
    sl_frame_release(&f);
    return rc;
}

static int eval_over_null(struct sl_eval *ev, const struct sl_node *n, int ncols, struct sl_type t,
                          struct sl_column **out, struct sl_err *err)
{
    struct sl_column *null = sl_column_nulls(t, 1, err);
    if (!null)
        return -SL_ENOMEM;
    int rc = eval_over(ev, n, ncols, null, 1, out, err);
    sl_column_unref(null);
    return rc;
}

/* Codes of c with null rows (by c or by the result for the entry) turned into `null_code`. */
static struct sl_buffer *map_codes(struct sl_eval *ev, const struct sl_column *c, int32_t null_code)
{
    struct sl_buffer *b = sl_buffer_new(ev->account, c->rows * sizeof(int32_t));
    if (!b)
        return NULL;
    const int32_t *from = c->data;
    int32_t *to = (int32_t *)b->data;
    for (size_t i = 0; i < c->rows; i++)
        to[i] = sl_bit(c->valid, i) ? from[i] : null_code;
    return b;
}

/* A DICT column of the entries' results: text stays a dictionary. */
static int as_dictionary(struct sl_eval *ev, struct sl_column *entries, const int32_t *codes,
                         struct sl_buffer *owner, const struct sl_column *from,
                         struct sl_column **out, struct sl_err *err)
{
    struct sl_column *d = sl_column_plain(entries, ev->account, err), *c;
    size_t rows = from->rows;
    if (!d)
        return -SL_ENOMEM;
    c = sl_column_new(entries->type, rows);
    if (!c) {
        sl_column_unref(d);
        return sl_err_nomem(err, "evaluating an expression");
    }
    c->form = SL_DICT;
    c->dict = d;
    c->data = codes;
    if (owner)
        c->owner[1] = sl_buffer_ref(owner);
    else /* the codes of `from` itself: whatever keeps them alive */
        for (int i = 1; i < SL_COLUMN_OWNERS; i++)
            c->owner[i] = from->owner[i] ? sl_buffer_ref(from->owner[i]) : NULL;
    if (d->valid) { /* a null row has code 0, and the dictionary itself no nulls */
        struct sl_buffer *valid = sl_buffer_new(ev->account, (rows + 7) / 8);
        struct sl_buffer *own = sl_buffer_new(ev->account, rows * sizeof(int32_t));
        c->owner[0] = valid;
        sl_buffer_unref(c->owner[1]);
        c->owner[1] = own;
        if (!valid || !own) {
            sl_column_unref(c);
            return sl_err_nomem(err, "evaluating an expression");
        }
        memset(valid->data, 0, valid->size);
        int32_t *to = (int32_t *)own->data;
        for (size_t i = 0; i < rows; i++) {
            int ok = sl_bit(d->valid, (size_t)codes[i]);
            to[i] = ok ? codes[i] : 0;
            valid->data[i >> 3] |= (uint8_t)(ok << (i & 7));
        }
        c->valid = valid->data;
        c->data = to;
        struct sl_column *bare = sl_column_new(d->type, d->rows);
        if (!bare) {
            sl_column_unref(c);
            return sl_err_nomem(err, "evaluating an expression");
        }
        bare->data = d->data;
        bare->offsets = d->offsets;
        for (int i = 1; i < SL_COLUMN_OWNERS; i++)
            bare->owner[i] = d->owner[i] ? sl_buffer_ref(d->owner[i]) : NULL;
        sl_column_unref(d);
        c->dict = bare;
    }
    *out = c;
    return 0;
}

/* Boolean results by code. */
static int as_bits(struct sl_eval *ev, const struct sl_column *entries, const int32_t *codes,
                   size_t rows, struct sl_column **out, struct sl_err *err)
{
    size_t bytes = (rows + 7) / 8;
    struct sl_column *c = sl_column_new(entries->type, rows);
    uint8_t *table = sl_malloc(entries->rows);
    if (!c || !table || !(c->owner[1] = sl_buffer_new(ev->account, bytes)) ||
        (entries->valid && !(c->owner[0] = sl_buffer_new(ev->account, bytes)))) {
        free(table);
        sl_column_unref(c);
        return sl_err_nomem(err, "evaluating an expression");
    }
    for (int pass = 0; pass < 2; pass++) { /* values, then validity */
        const uint8_t *bits = pass ? entries->valid : entries->data;
        uint8_t *to = c->owner[!pass] ? c->owner[!pass]->data : NULL;
        if (!bits)
            continue;
        for (size_t k = 0; k < entries->rows; k++)
            table[k] = (uint8_t)sl_bit(bits, entries->form == SL_CONST ? 0 : k);
        memset(to, 0, bytes);
        for (size_t i = 0; i < rows; i++)
            to[i >> 3] |= (uint8_t)(table[codes[i]] << (i & 7));
    }
    c->data = c->owner[1]->data;
    c->valid = c->owner[0] ? c->owner[0]->data : NULL;
    free(table);
    *out = c;
    return 0;
}

static int spread(struct sl_eval *ev, struct sl_column *c, struct sl_column *entries,
                  struct sl_column *null, struct sl_column **out, struct sl_err *err)
{
    struct sl_column *all = sl_column_ref(entries);
    struct sl_buffer *codes = NULL;
    const int32_t *code = c->data;
    int rc = -SL_ENOMEM;
    if (null) {
        struct sl_column *parts[2] = {entries, null};
        sl_column_unref(all);
        all = sl_column_concat(parts, 2, ev->account, err);
        codes = map_codes(ev, c, (int32_t)c->dict->rows);
        if (!all)
            goto out;
        if (!codes) {
            sl_err_nomem(err, "evaluating an expression");
            goto out;
        }
        code = (const int32_t *)codes->data;
    }
    if (sl_type_is_bytes(all->type) && all->form != SL_CONST) {
        rc = as_dictionary(ev, all, code, codes, c, out, err);
    } else if (all->type.kind == SL_BOOL) {
        rc = as_bits(ev, all, code, c->rows, out, err);
    } else {
        *out = sl_column_take(all, (const uint32_t *)code, c->rows, ev->account, err);
        rc = *out ? 0 : -SL_ENOMEM;
    }
out:
    sl_buffer_unref(codes);
    sl_column_unref(all);
    return rc;
}

static int by_const(struct sl_frame *f, const struct sl_node *n, struct sl_column *c,
                    struct sl_column **out, struct sl_err *err)
{
    struct sl_column *one = NULL, *value = sl_column_repeat(c, 1, err);
    if (!value)
        return -SL_ENOMEM;
    int rc = eval_over(f->ev, n, f->ncols, value, 1, &one, err);
    sl_column_unref(value);
    if (rc < 0)
        return rc == -SL_EROW ? 0 : rc;
    *out = sl_column_repeat(one, f->n, err);
    sl_column_unref(one);
    return *out ? 1 : -SL_ENOMEM;
}

int sl_eval_by_entry(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                     struct sl_err *err)
{
    assert(sl_frame_is_sound(f) && n && out);
    struct sl_column *c, *entries = NULL, *null = NULL;
    int rc = sl_frame_column(f, n->only, &c, err);
    if (rc < 0)
        return rc;
    if (c->form == SL_CONST)
        return f->n > 1 ? by_const(f, n, c, out, err) : 0;
    if (c->form != SL_DICT || c->dict->rows > f->n || c->dict->rows == 0)
        return 0;
    rc = eval_over(f->ev, n, f->ncols, c->dict, c->dict->rows, &entries, err);
    if (rc >= 0 && c->valid)
        rc = eval_over_null(f->ev, n, f->ncols, c->type, &null, err);
    if (rc >= 0)
        rc = spread(f->ev, c, entries, null, out, err);
    sl_column_unref(entries);
    sl_column_unref(null);
    if (rc < 0)
        return rc == -SL_EROW ? 0 : rc;
    return 1;
}

static int is_true(const struct sl_column *c, size_t i)
{
    size_t k = c->form == SL_CONST ? 0 : i;
    return (!c->valid || sl_bit(c->valid, k)) && sl_bit(c->data, k);
}

int sl_truth_by_entry(struct sl_eval *ev, const struct sl_node *n, int ncols, struct sl_column *c,
                      uint8_t **table, struct sl_err *err)
{
    assert(ev && sl_column_is_sound(c) && table);
    struct sl_column *entries = NULL, *null = NULL;
    size_t nd = c->dict->rows;
    int rc = 0;
    uint8_t *t = sl_malloc(nd + 1);
    if (!t)
        return sl_err_nomem(err, "evaluating an expression");
    if (nd)
        rc = eval_over(ev, n, ncols, c->dict, nd, &entries, err);
    if (rc >= 0)
        rc = eval_over_null(ev, n, ncols, c->type, &null, err);
    if (rc < 0) {
        free(t);
        rc = rc == -SL_EROW ? 0 : rc;
    } else {
        for (size_t k = 0; k < nd; k++)
            t[k] = (uint8_t)is_true(entries, k);
        t[nd] = (uint8_t)is_true(null, 0);
        *table = t;
        rc = 1;
    }
    sl_column_unref(entries);
    sl_column_unref(null);
    return rc;
}

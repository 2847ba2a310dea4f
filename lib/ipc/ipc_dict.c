/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc_dict: a dictionary of a stream as it stood at some point.
 *
 * Immutable but for being decoded once, on first use, under its lock: batches of one stream may be
 * loaded on several threads. A replaced or extended dictionary is a new object; batches that came
 * before keep the old one.
 */
#include <pthread.h>

#include "ipc/ipc_int.h"

struct sl_ipc_dict {
    atomic_int refs;
    pthread_mutex_t lock;
    struct sl_ipc_body *body; /* until decoded */
    struct sl_foreign *f;
    struct sl_column *raw;   /* once decoded */
    struct sl_column *typed; /* once asked for */
    const uint8_t *valid;    /* of raw, where typed has none */
};

struct sl_ipc_dict *sl_ipc_dict_new(struct sl_ipc_body *body, struct sl_foreign *f,
                                    struct sl_err *err)
{
    struct sl_ipc_dict *d = sl_calloc(1, sizeof *d);
    if (!d || pthread_mutex_init(&d->lock, NULL) != 0) {
        free(d);
        sl_err_nomem(err, "a dictionary");
        return NULL;
    }
    atomic_init(&d->refs, 1);
    d->f = sl_foreign_ref(f);
    if (body) {
        atomic_fetch_add_explicit(&body->refs, 1, memory_order_relaxed);
        d->body = body;
    }
    return d;
}

struct sl_ipc_dict *sl_ipc_dict_ref(struct sl_ipc_dict *d)
{
    int held = atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    assert(held > 0);
    return d;
}

void sl_ipc_dict_unref(struct sl_ipc_dict *d)
{
    assert(!d || d->refs > 0);
    if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
        return;
    sl_ipc_body_unref(d->body);
    sl_column_unref(d->raw);
    sl_column_unref(d->typed);
    sl_foreign_unref(d->f);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

/* Decodes; the lock is held. */
static int load_locked(struct sl_ipc_dict *d, const struct sl_ipc_dicts *dicts, struct sl_err *err)
{
    if (d->raw)
        return 0;
    struct sl_ipc_cursor c = {.body = d->body}, end = c;
    int rc = sl_ipc_skip(&end, d->f, 0, err);
    if (rc < 0)
        return rc;
    d->raw = sl_ipc_load(&c, d->f, 1, dicts, err);
    if (!d->raw)
        return -SL_EFORMAT;
    sl_ipc_body_unref(d->body);
    d->body = NULL;
    return 0;
}

int sl_ipc_dict_load(struct sl_ipc_dict *d, const struct sl_ipc_dicts *dicts, struct sl_err *err)
{
    pthread_mutex_lock(&d->lock);
    int rc = load_locked(d, dicts, err);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

struct sl_column *sl_ipc_dict_raw(struct sl_ipc_dict *d, struct sl_err *err)
{
    return sl_ipc_dict_load(d, NULL, err) < 0 ? NULL : sl_column_ref(d->raw);
}

/* A dictionary in memory has at least one value and no nulls (arrow/column.h). */
static struct sl_column *without_nulls(struct sl_column *c, const uint8_t **valid,
                                       struct sl_err *err)
{
    static const int32_t zero[2];
    *valid = c->valid;
    if (c->rows && !c->valid)
        return sl_column_ref(c);
    struct sl_column *out = sl_column_new(c->type, SL_MAX(c->rows, (size_t)1));
    if (!out)
        return sl_err_no_memory(err, "a dictionary");
    out->data = c->rows ? c->data : (const void *)zero;
    out->offsets = c->rows ? c->offsets : zero;
    for (int i = 0; i < SL_COLUMN_OWNERS; i++) /* the bits too: *valid points into them */
        out->owner[i] = c->owner[i] ? sl_buffer_ref(c->owner[i]) : NULL;
    return out;
}

static int type_locked(struct sl_ipc_dict *d, struct sl_err *err)
{
    int rc = load_locked(d, NULL, err);
    if (rc < 0 || d->typed)
        return rc;
    struct sl_type type = sl_ipc_type_of(d->f);
    struct sl_column *c = sl_ipc_convert(sl_column_ref(d->raw), type, NULL, err);
    if (c && sl_type_is_bytes(type)) {
        d->typed = without_nulls(c, &d->valid, err);
        sl_column_unref(c);
    } else {
        d->typed = c;
    }
    return d->typed ? 0 : -SL_EFORMAT;
}

struct sl_column *sl_ipc_dict_typed(struct sl_ipc_dict *d, size_t *rows, const uint8_t **valid,
                                    struct sl_err *err)
{
    assert(d && rows && valid);
    pthread_mutex_lock(&d->lock);
    int rc = type_locked(d, err);
    pthread_mutex_unlock(&d->lock);
    if (rc < 0)
        return NULL;
    *rows = d->raw->rows;
    *valid = d->valid;
    return sl_column_ref(d->typed);
}

struct sl_ipc_dict *sl_ipc_dict_extend(struct sl_ipc_dict *before, struct sl_ipc_dict *more,
                                       struct sl_err *err)
{
    assert(before != more);
    struct sl_column *parts[2] = {sl_ipc_dict_raw(before, err), NULL}, *all = NULL;
    struct sl_ipc_dict *d = NULL;
    if (parts[0])
        parts[1] = sl_ipc_dict_raw(more, err);
    if (parts[1])
        all = sl_column_concat(parts, 2, NULL, err);
    if (all)
        d = sl_ipc_dict_new(NULL, before->f, err);
    if (d)
        d->raw = all;
    else
        sl_column_unref(all);
    sl_column_unref(parts[0]);
    sl_column_unref(parts[1]);
    return d;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* log_rows: see log_rows.h. */
#include "base/compat.h"
#include "io/log_rows.h"
#include "arrow/hidden.h"

enum {
    BLOBS_MAX = 8, /* of a commit: a blob keeps its batch in memory */
    BYTES_MAX = 8 << 20,
    SMALL_ROWS = 4096, /* a batch of fewer rows, and less room, goes on the pile, */
    SMALL_ROOM = 256 << 10,
    PILE_ROWS = 16384, /* which is encoded when it is so large */
    PILE_ROOM = 8 << 20,
};

void sl_log_rows_init(struct sl_log_rows *r, struct sl_account *account)
{
    r->account = r->pile.account = account;
}

void sl_log_rows_release(struct sl_log_rows *r)
{
    for (size_t i = 0; i < r->n; i++)
        sl_log_blob_free(r->blobs[i]);
    free(r->blobs);
    sl_pile_clear(&r->pile);
    sl_unpack_free(r->unpack);
}

static struct sl_log_encoded *encoded_new(const struct sl_log_rows *r, struct sl_err *err)
{
    size_t partitions = (size_t)sl_log_partitions(sl_log_writer_view(r->writer));
    struct sl_log_encoded *e = sl_calloc(1, sizeof(*e) + partitions * sizeof(*e->blobs));
    if (!e)
        sl_err_nomem(err, "a batch");
    return e;
}

void sl_log_encoded_free(struct sl_log_encoded *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->n; i++)
        sl_log_blob_free(e->blobs[i]);
    sl_batch_unref(e->small);
    free(e);
}

/* ---- encode: any thread ---- */

/* The rows of b that go to one partition, which are `rows`, in order. */
static struct sl_batch *rows_of(struct sl_batch *b, const uint32_t *rows, size_t n,
                                struct sl_err *err)
{
    assert(n > 0 && n <= b->selected);
    struct sl_buffer *sel = sl_buffer_new(NULL, n * sizeof(uint32_t));
    if (!sel)
        return sl_err_no_memory(err, "a selection");
    memcpy(sel->data, rows, n * sizeof(uint32_t));
    return sl_batch_select(b, sel, n, err);
}

/* Sorts the selected rows by partition: those of p are rows[ends[p - 1]] to rows[ends[p]]. */
static void sort_rows(const struct sl_batch *b, const uint16_t *route, int partitions,
                      uint32_t *rows, size_t *ends)
{
    assert(partitions > 1);
    for (size_t k = 0; k < b->selected; k++)
        ends[route[k]]++;
    for (int p = 1; p < partitions; p++)
        ends[p] += ends[p - 1];
    for (size_t k = b->selected; k-- > 0;)
        rows[--ends[route[k]]] = (uint32_t)sl_batch_row(b, k);
    for (int p = 0; p + 1 < partitions; p++) /* they are beginnings by now */
        ends[p] = ends[p + 1];
    ends[partitions - 1] = b->selected;
}

static int encode_routed(struct sl_log_rows *r, struct sl_batch *b, int partitions,
                         struct sl_log_encoded *out, struct sl_err *err)
{
    uint16_t *route = sl_malloc(b->selected * sizeof(*route));
    uint32_t *rows = sl_malloc(b->selected * sizeof(*rows));
    size_t *ends = sl_calloc((size_t)partitions, sizeof(*ends)), begin = 0;
    int rc = route && rows && ends ? sl_log_writer_route(r->writer, b, route, err)
                                   : sl_err_nomem(err, "a route");
    if (rc == 0)
        sort_rows(b, route, partitions, rows, ends);
    for (int p = 0; rc == 0 && p < partitions; begin = ends[p++]) {
        if (ends[p] == begin)
            continue;
        struct sl_batch *part = rows_of(b, rows + begin, ends[p] - begin, err);
        rc = part ? sl_log_writer_encode(r->writer, p, part, &out->blobs[out->n], err)
                  : -(int)SL_ENOMEM;
        out->n += rc == 0;
        sl_batch_unref(part);
    }
    assert(out->n <= (size_t)partitions);
    free(route);
    free(rows);
    free(ends);
    return rc;
}

static int encode_rows(struct sl_log_rows *r, struct sl_batch *b, struct sl_log_encoded *out,
                       struct sl_err *err)
{
    int partitions = sl_log_partitions(sl_log_writer_view(r->writer));
    if (partitions > 1)
        return encode_routed(r, b, partitions, out, err);
    int rc = sl_log_writer_encode(r->writer, 0, b, &out->blobs[0], err);
    out->n = rc == 0;
    return rc;
}

/* Encodes a large batch, makes a small one ready for the pile. */
static int encode_or_load(struct sl_log_rows *r, struct sl_batch *b, struct sl_log_encoded *out,
                          struct sl_err *err)
{
    if (b->selected >= SMALL_ROWS)
        return encode_rows(r, b, out, err);
    struct sl_batch *c = sl_batch_compact(b, r->account, err);
    int rc = c ? 0 : -(int)(err ? err->code : SL_ENOMEM);
    for (int i = 0; rc == 0 && i < c->schema->nfields; i++)
        rc = sl_column_load(c->columns[i], err);
    if (rc == 0 && sl_batch_room(c) >= SMALL_ROOM)
        rc = encode_rows(r, c, out, err);
    else if (rc == 0)
        out->small = sl_batch_ref(c);
    sl_batch_unref(c);
    return rc;
}

/* The same, with what `_rest` holds in columns of its own, if the log has them. */
static int encode_unpacked(struct sl_log_rows *r, struct sl_batch *b, int worker,
                           struct sl_log_encoded *out, struct sl_schema **wider, struct sl_err *err)
{
    struct sl_batch *v = NULL;
    int rc = sl_unpack_batch(r->unpack, worker, b, &v, wider, err);
    if (rc == 0)
        rc = encode_or_load(r, v, out, err);
    sl_batch_unref(v);
    return rc;
}

int sl_log_rows_encode(struct sl_log_rows *r, struct sl_batch *b, int worker,
                       struct sl_log_encoded **out, struct sl_schema **wider, struct sl_err *err)
{
    assert(r && sl_batch_is_sound(b) && worker >= 0 && out);
    struct sl_schema *unasked = NULL;
    struct sl_log_encoded *e = encoded_new(r, err);
    struct sl_batch *v = e ? sl_hidden_strip(b, err) : NULL;
    int rc = v ? 0 : -SL_ENOMEM;

    if (rc == 0 && r->unpack)
        rc = sl_unpack_wanted(r->unpack, v, err);
    if (rc >= 0)
        rc = rc ? encode_unpacked(r, v, worker, e, wider ? wider : &unasked, err)
                : encode_or_load(r, v, e, err);
    sl_batch_unref(v);
    sl_schema_unref(unasked);
    if (rc)
        sl_log_encoded_free(e);
    else
        *out = e;
    return rc;
}

/* ---- gather: the loop ---- */

static int keep(struct sl_log_rows *r, struct sl_log_encoded *e, struct sl_err *err)
{
    int rc = SL_GROW(r->blobs, r->n + e->n, r->cap, "a commit", err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < e->n; i++) {
        r->bytes += sl_log_blob_bytes(e->blobs[i]);
        r->blobs[r->n++] = e->blobs[i];
    }
    e->n = 0;
    return 0;
}

int sl_log_rows_finish(struct sl_log_rows *r, struct sl_err *err)
{
    struct sl_batch *b = NULL;
    int rc = sl_pile_take(&r->pile, &b, err);
    if (rc <= 0)
        return rc;
    struct sl_log_encoded *e = encoded_new(r, err);
    rc = e ? encode_rows(r, b, e, err) : -SL_ENOMEM;
    if (rc == 0)
        rc = keep(r, e, err);
    sl_log_encoded_free(e);
    sl_batch_unref(b);
    return rc;
}

static int add_small(struct sl_log_rows *r, struct sl_batch *b, struct sl_err *err)
{
    int other = r->pile.rows && !sl_schema_equal(r->pile.schema, b->schema);
    int rc = other ? sl_log_rows_finish(r, err) : 0;
    if (rc == 0)
        rc = sl_pile_add(&r->pile, sl_batch_ref(b), err);
    if (rc == 0 && (r->pile.rows >= PILE_ROWS || r->pile.room >= PILE_ROOM))
        rc = sl_log_rows_finish(r, err);
    return rc;
}

int sl_log_rows_add(struct sl_log_rows *r, struct sl_log_encoded *e, struct sl_err *err)
{
    assert(r && e);
    assert(!e->small || !e->n); /* encoded, or for the pile */
    int rc = e->small ? add_small(r, e->small, err) : sl_log_rows_finish(r, err);
    if (rc == 0)
        rc = keep(r, e, err);
    sl_log_encoded_free(e);
    return rc;
}

int sl_log_rows_full(const struct sl_log_rows *r)
{
    return r->n >= BLOBS_MAX || r->bytes >= BYTES_MAX;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* sizes: what each column of a log takes on disk, and would take without compression and dictionaries. */
#include "base/compat.h"
#include "base/mem.h"
#include "log/walk.h"
#include "maintain/maintain.h"

struct sizing {
    const struct sl_schema *schema; /* the log's newest */
    struct sl_column_size *sizes;
    int64_t *bytes; /* of the batch at hand, by column of its segment */
};

static int64_t plain_bytes(const struct sl_column *c)
{
    int64_t n = (int64_t)(c->rows * sl_type_width(c->type) + (c->valid ? c->rows / 8 : 0));
    size_t len;
    if (c->type.kind != SL_TEXT && c->type.kind != SL_BYTEA && c->type.kind != SL_JSONB)
        return n;
    n = (int64_t)(4 * c->rows);
    for (size_t i = 0; i < c->rows; i++)
        if (!sl_column_null(c, i)) {
            sl_column_bytes(c, i, &len);
            n += (int64_t)len;
        }
    return n;
}

static int add_batch(struct sizing *z, struct sl_batch *b, struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; i < b->schema->nfields && rc == 0; i++) {
        const char *name = b->schema->fields[i].name;
        int at = sl_schema_find(z->schema, name, strlen(name));
        struct sl_column *c = b->columns[i];
        rc = at < 0 ? 0 : sl_column_load(c, err);
        if (rc < 0 || at < 0)
            continue;
        z->sizes[at].stored += z->bytes[i];
        z->sizes[at].plain += plain_bytes(c);
        for (size_t k = 0; k < c->rows && c->valid; k++)
            z->sizes[at].nulls += sl_column_null(c, k);
    }
    return rc;
}

/* The stored bytes of each column of a group: its messages, one after the other. */
static int measure(struct sizing *z, struct sl_ipc_decoder *d, const struct sl_walk_group *g,
                   int nfields, struct sl_err *err)
{
    const uint8_t *p = g->buf->data + g->at, *end = p + g->len;
    struct sl_ipc_message m;
    int rc = 0;
    memset(z->bytes, 0, (size_t)nfields * sizeof(*z->bytes));
    for (; p < end && rc == 0; p += m.total) {
        int64_t total = sl_ipc_peek(p, (size_t)(end - p), &m, err);
        if (total <= 0 || total > end - p)
            return sl_err_set(err, SL_ECORRUPT, "a batch is cut off");
        if (m.kind == SL_IPC_DICTIONARY) {
            int column = sl_ipc_decoder_dictionary_column(d, &m, NULL);
            if (column < nfields)
                z->bytes[column] += (int64_t)m.body_len;
        } else {
            rc = sl_ipc_column_bytes(d, &m, z->bytes, err);
        }
    }
    return rc;
}

static int add_group(struct sizing *z, struct sl_walk *w, const struct sl_walk_group *g,
                     struct sl_err *err)
{
    struct sl_batch *b = NULL;
    int n = sl_stream_schema(w->stream)->nfields;
    struct sl_ipc_decoder *d = sl_stream_take(w->stream, err);
    if (!d)
        return err ? -(int)err->code : -SL_ENOMEM;
    int rc = measure(z, d, g, n, err);
    sl_stream_give(w->stream, d);
    if (rc == 0)
        rc = sl_walk_group_decode(w->stream, g->buf, g->at, (size_t)g->len, w->log_id, NULL, &b,
                                  err);
    if (rc == 0)
        rc = add_batch(z, b, err);
    sl_batch_unref(b);
    return rc;
}

static int add_segment(struct sizing *z, struct sl_log *l, const struct sl_seg *seg,
                       struct sl_err *err)
{
    struct sl_walk w;
    struct sl_walk_group g;
    int rc = sl_walk_open(&w, l, seg, NULL, err);
    if (rc < 0)
        return rc;
    z->bytes = sl_calloc((size_t)sl_stream_schema(w.stream)->nfields + 1, sizeof(*z->bytes));
    if (!z->bytes)
        rc = sl_err_nomem(err, "the sizes of columns");
    while (rc == 0 && (rc = sl_walk_next(&w, &g, err)) == 1)
        rc = add_group(z, &w, &g, err);
    sl_walk_release(&w);
    free(z->bytes);
    return rc;
}

int sl_log_column_sizes(struct sl_log *l, struct sl_column_size *sizes, struct sl_err *err)
{
    assert(l && sizes);
    struct sizing z = {.schema = sl_log_schema(l), .sizes = sizes};
    int rc = 0;
    memset(sizes, 0, (size_t)z.schema->nfields * sizeof(*sizes));
    for (int i = 0; i < l->state.npartitions && rc == 0; i++)
        for (int k = 0; k < l->state.parts[i].nsegs && rc == 0; k++)
            rc = add_segment(&z, l, &l->state.parts[i].segs[k], err);
    if (rc == -SL_ENOENT)
        sl_err_hint(err, "it was rewritten or pruned meanwhile: run again");
    return rc;
}

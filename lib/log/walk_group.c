/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * walk_group: a batch's messages decoded or verified, see walk.h.
 *
 * The walk has checked metadata and place; here the bodies are checked: those of the dictionaries
 * whole, the batch's column by column, only where a column is wanted. So a damaged column that
 * nobody reads harms nobody; sl_walk_group_verify looks at everything.
 */
#include "base/compat.h"
#include "base/crc32c.h"
#include "log/walk.h"

struct parts {
    struct sl_ipc_decoder *decoder;
    struct sl_ipc_message record;
    struct sl_identity id;
};

static int corrupt(struct sl_err *err, const char *what)
{
    return sl_err_set(err, SL_ECORRUPT, "%s", what);
}

/* What Arrow's decoder calls malformed is corrupt here: the CRCs held, but it is no good batch. */
static int as_corrupt(int rc, struct sl_err *err)
{
    if (rc != -SL_EFORMAT && rc != -SL_EUNSUPPORTED)
        return rc;
    if (err)
        err->code = SL_ECORRUPT;
    return -SL_ECORRUPT;
}

/* Finds the record and its identity, and feeds the dictionaries before it to the decoder. */
static int take_messages(struct parts *g, struct sl_buffer *buf, size_t at, size_t len,
                         const uint8_t *log_id, struct sl_err *err)
{
    const uint8_t *p = buf->data + at, *end = p + len, *first = p;
    struct sl_ipc_message m;
    uint32_t said;

    /* The identity, in the last message, says what the dictionaries' checksums must be. */
    for (;; p += m.total) {
        int64_t total = sl_ipc_peek(p, (size_t)(end - p), &m, err);
        if (total <= 0 || total > end - p)
            return corrupt(err, "a batch is cut off");
        if (m.kind != SL_IPC_DICTIONARY)
            break;
    }
    if (m.kind != SL_IPC_BATCH || p + m.total != end)
        return corrupt(err, "a batch does not end in its record");
    m.owner = buf;
    g->record = m;
    const char *value = sl_identity_find(m.meta, m.meta_len, log_id);
    if (!value)
        return corrupt(err, "a batch without its identity");
    int rc = sl_identity_parse(value, (size_t)((const char *)m.body - value), &g->id, err);
    if (rc < 0)
        return rc;
    if (m.rows != g->id.rows)
        return corrupt(err, "a batch has another number of rows than it says");
    p = first;
    for (int i = 0; p < g->record.meta - 8; i++, p += m.total) {
        sl_ipc_peek(p, (size_t)(end - p), &m, err);
        if (i >= g->id.ndicts || !sl_identity_crc(&g->id, i, &said) ||
            said != sl_crc32c(0, m.body, m.body_len))
            return corrupt(err, "the checksum of a dictionary is false");
        m.owner = buf;
        rc = sl_ipc_decoder_dictionary(g->decoder, &m, err);
        if (rc < 0)
            return as_corrupt(rc, err);
    }
    return 0;
}

static int is_wanted(const uint8_t *wanted, int i)
{
    return !wanted || sl_bit(wanted, (size_t)i);
}

static int check_columns(struct parts *g, int ncolumns, const uint8_t *wanted, struct sl_err *err)
{
    uint32_t said;
    if (g->id.ncolumns != ncolumns)
        return corrupt(err, "a batch has another number of columns than its schema");
    uint32_t *is = sl_calloc((size_t)ncolumns + 1, sizeof(*is));
    if (!is)
        return sl_err_nomem(err, "a batch");
    int rc = as_corrupt(sl_ipc_column_crcs(g->decoder, &g->record, wanted, is, err), err);
    for (int i = 0; i < ncolumns && rc == 0; i++) {
        if (is_wanted(wanted, i) &&
            (!sl_identity_crc(&g->id, g->id.ndicts + i, &said) || said != is[i]))
            rc = sl_err_set(err, SL_ECORRUPT, "the checksum of column %d is false", i + 1);
    }
    free(is);
    return rc;
}

/* Columns that are not wanted hold unchecked bytes: nulls take their place. */
static int drop_unwanted(struct sl_batch *b, const uint8_t *wanted, struct sl_err *err)
{
    for (int i = 0; i < b->schema->nfields; i++) {
        if (is_wanted(wanted, i))
            continue;
        struct sl_column *nulls = sl_column_nulls(b->schema->fields[i].type, b->rows, err);
        if (!nulls)
            return err ? -(int)err->code : -SL_ENOMEM;
        sl_column_unref(b->columns[i]);
        b->columns[i] = nulls;
    }
    return 0;
}

int sl_walk_group_decode(struct sl_stream *s, struct sl_buffer *buf, size_t at, size_t len,
                         const uint8_t *log_id, const uint8_t *wanted, struct sl_batch **out,
                         struct sl_err *err)
{
    struct parts g = {.decoder = sl_stream_take(s, err)};
    struct sl_batch *b = NULL;
    if (!g.decoder)
        return err ? -(int)err->code : -SL_ENOMEM;
    int rc = take_messages(&g, buf, at, len, log_id, err);
    if (rc == 0)
        rc = check_columns(&g, sl_stream_schema(s)->nfields, wanted, err);
    if (rc == 0)
        rc = as_corrupt(sl_ipc_decoder_batch(g.decoder, &g.record, &b, err), err);
    if (rc == 0 && wanted)
        rc = drop_unwanted(b, wanted, err);
    if (rc == 0)
        *out = b;
    else
        sl_batch_unref(b);
    sl_stream_give(s, g.decoder);
    return rc;
}

int sl_walk_group_intact(const struct sl_walk_group *g, struct sl_err *err)
{
    const uint8_t *p = g->buf->data + g->at, *end = p + g->len;
    struct sl_ipc_message m;
    uint32_t said;
    for (int i = 0; p < end; i++, p += m.total) {
        int64_t total = sl_ipc_peek(p, (size_t)(end - p), &m, err);
        if (total <= 0 || total > end - p)
            return corrupt(err, "a batch is cut off");
        uint32_t is = sl_crc32c(0, m.body, m.body_len);
        if (i < g->id.ndicts && (!sl_identity_crc(&g->id, i, &said) || is != said))
            return corrupt(err, "the checksum of a dictionary is false");
        if (i >= g->id.ndicts && is != g->id.body_crc)
            return corrupt(err, "the checksum of a batch's body is false");
    }
    return 0;
}

int sl_walk_group_verify(struct sl_stream *s, struct sl_buffer *buf, size_t at, size_t len,
                         const uint8_t *log_id, struct sl_err *err)
{
    struct parts g = {.decoder = sl_stream_take(s, err)};
    struct sl_batch *b = NULL;
    if (!g.decoder)
        return err ? -(int)err->code : -SL_ENOMEM;
    int rc = take_messages(&g, buf, at, len, log_id, err);
    if (rc == 0 && g.id.body_crc != sl_crc32c(0, g.record.body, g.record.body_len))
        rc = corrupt(err, "the checksum of a batch's body is false");
    if (rc == 0)
        rc = check_columns(&g, sl_stream_schema(s)->nfields, NULL, err);
    if (rc == 0)
        rc = as_corrupt(sl_ipc_decoder_batch(g.decoder, &g.record, &b, err), err);
    for (int i = 0; rc == 0 && i < b->schema->nfields; i++)
        rc = as_corrupt(sl_column_load(b->columns[i], err), err);
    sl_batch_unref(b);
    sl_stream_give(s, g.decoder);
    return rc;
}

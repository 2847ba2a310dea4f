/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * walk_group: a batch's messages decoded or verified, see walk.h.
 *
 * The walk has checked metadata and place. Here the bodies are checked: a dictionary where a wanted
 * column needs it, the batch column by column where a column is wanted. So a damaged column that
 * nobody reads harms nobody. An error names all damaged columns that are wanted.
 */
#include "base/compat.h"
#include "base/crc32c.h"
#include "log/walk.h"

struct parts {
    struct sl_ipc_decoder *decoder;
    struct sl_ipc_message record;
    struct sl_identity id;
    const uint8_t *wanted; /* bitmap over the columns, NULL = all */
    uint8_t *damaged;      /* bitmap of the wanted columns with a false checksum */
};

/* What Arrow's decoder calls malformed is corrupt here: the CRCs held, but it is no good batch. */
static int as_corrupt(int rc, struct sl_err *err)
{
    if (rc != -SL_EFORMAT && rc != -SL_EUNSUPPORTED)
        return rc;
    if (err)
        err->code = SL_ECORRUPT;
    return -SL_ECORRUPT;
}

/* Feeds a dictionary to the decoder, if a wanted column needs it. */
static int take_dictionary(struct parts *g, int i, const struct sl_ipc_message *m,
                           struct sl_err *err)
{
    uint32_t said;
    int column = sl_ipc_decoder_dictionary_column(g->decoder, m, g->wanted);
    if (i >= g->id.ndicts || !sl_identity_crc(&g->id, i, &said))
        return sl_err_set(err, SL_ECORRUPT,
                          "a batch has another number of dictionaries than it says");
    if (column == sl_ipc_decoder_get_schema(g->decoder)->nfields)
        return 0;
    if (said == sl_crc32c(0, m->body, m->body_len))
        return as_corrupt(sl_ipc_decoder_dictionary(g->decoder, m, err), err);
    sl_bit_set(g->damaged, (size_t)column);
    return 0;
}

/* Finds the record and its identity, and feeds the dictionaries before it to the decoder. */
static int take_messages(struct parts *g, struct sl_buffer *buf, size_t at, size_t len,
                         const uint8_t *log_id, struct sl_err *err)
{
    const uint8_t *p = buf->data + at, *end = p + len, *first = p;
    struct sl_ipc_message m;

    /* The identity, in the last message, says what the dictionaries' checksums must be. */
    for (;; p += m.total) {
        int64_t total = sl_ipc_peek(p, (size_t)(end - p), &m, err);
        if (total <= 0 || total > end - p)
            return sl_err_set(err, SL_ECORRUPT, "a batch is cut off");
        if (m.kind != SL_IPC_DICTIONARY)
            break;
    }
    if (m.kind != SL_IPC_BATCH || p + m.total != end)
        return sl_err_set(err, SL_ECORRUPT, "a batch does not end in its record");
    m.owner = buf;
    g->record = m;
    const char *value = sl_identity_find(m.meta, m.meta_len, log_id);
    if (!value)
        return sl_err_set(err, SL_ECORRUPT, "a batch without its identity");
    int rc = sl_identity_parse(value, (size_t)((const char *)m.body - value), &g->id, err);
    if (rc < 0)
        return rc;
    if (m.rows != g->id.rows)
        return sl_err_set(err, SL_ECORRUPT, "a batch has another number of rows than it says");
    p = first;
    for (int i = 0; p < g->record.meta - 8; i++, p += m.total) {
        sl_ipc_peek(p, (size_t)(end - p), &m, err);
        m.owner = buf;
        rc = take_dictionary(g, i, &m, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* The error that names every damaged column; 0 if there is none. */
static int name_damage(const struct parts *g, const struct sl_schema *s, struct sl_err *err)
{
    struct sl_buf names = SL_BUF_INIT;
    int n = 0;
    for (int i = 0; i < s->nfields; i++)
        if (sl_bit(g->damaged, (size_t)i))
            sl_buf_printf(&names, "%s%s", n++ ? ", " : "", s->fields[i].name);
    int rc = sl_buf_check(&names, err);
    if (rc == 0 && n)
        rc = sl_err_set(err, SL_ECORRUPT,
                        n > 1 ? "the checksums of columns %.300s are false"
                              : "the checksum of column %.300s is false",
                        names.data);
    sl_buf_release(&names);
    return rc;
}

static int check_columns(struct parts *g, const struct sl_schema *s, struct sl_err *err)
{
    uint32_t said;
    int ncolumns = s->nfields;
    if (g->id.ncolumns != ncolumns)
        return sl_err_set(err, SL_ECORRUPT,
                          "a batch has another number of columns than its schema");
    uint32_t *is = sl_calloc((size_t)ncolumns + 1, sizeof(*is));
    if (!is)
        return sl_err_nomem(err, "a batch");
    int rc = as_corrupt(sl_ipc_column_crcs(g->decoder, &g->record, g->wanted, is, err), err);
    for (int i = 0; i < ncolumns && rc == 0; i++) {
        if ((!g->wanted || sl_bit(g->wanted, (size_t)i)) &&
            (!sl_identity_crc(&g->id, g->id.ndicts + i, &said) || said != is[i]))
            sl_bit_set(g->damaged, (size_t)i);
    }
    free(is);
    return rc < 0 ? rc : name_damage(g, s, err);
}

/* Checks what is wanted of the group, and leaves the decoder ready for its record. */
static int open_parts(struct parts *g, struct sl_stream *s, struct sl_buffer *buf, size_t at,
                      size_t len, const uint8_t *log_id, struct sl_err *err)
{
    struct sl_schema *schema = sl_stream_schema(s);
    g->decoder = sl_stream_take(s, err);
    if (!g->decoder)
        return err ? -(int)err->code : -SL_ENOMEM;
    g->damaged = sl_calloc((size_t)schema->nfields / 8 + 1, 1);
    int rc =
        g->damaged ? take_messages(g, buf, at, len, log_id, err) : sl_err_nomem(err, "a batch");
    return rc < 0 ? rc : check_columns(g, schema, err);
}

static void close_parts(struct parts *g, struct sl_stream *s)
{
    free(g->damaged);
    if (g->decoder)
        sl_stream_give(s, g->decoder);
}

int sl_walk_group_decode(struct sl_stream *s, struct sl_buffer *buf, size_t at, size_t len,
                         const uint8_t *log_id, const uint8_t *wanted, struct sl_batch **out,
                         struct sl_err *err)
{
    assert(s && buf && log_id && out);
    struct parts g = {.wanted = wanted};
    int rc = open_parts(&g, s, buf, at, len, log_id, err);
    if (rc == 0)
        rc = as_corrupt(sl_ipc_decoder_columns(g.decoder, &g.record, wanted, out, err), err);
    close_parts(&g, s);
    return rc;
}

int sl_walk_group_intact(const struct sl_walk_group *g, struct sl_err *err)
{
    assert(g);
    const uint8_t *p = g->buf->data + g->at, *end = p + g->len;
    struct sl_ipc_message m;
    uint32_t said;
    for (int i = 0; p < end; i++, p += m.total) {
        int64_t total = sl_ipc_peek(p, (size_t)(end - p), &m, err);
        if (total <= 0 || total > end - p)
            return sl_err_set(err, SL_ECORRUPT, "a batch is cut off");
        uint32_t is = sl_crc32c(0, m.body, m.body_len);
        if (i < g->id.ndicts && (!sl_identity_crc(&g->id, i, &said) || is != said))
            return sl_err_set(err, SL_ECORRUPT, "the checksum of a dictionary is false");
        if (i >= g->id.ndicts && is != g->id.body_crc)
            return sl_err_set(err, SL_ECORRUPT, "the checksum of a batch's body is false");
    }
    return 0;
}

int sl_walk_group_verify(struct sl_stream *s, struct sl_buffer *buf, size_t at, size_t len,
                         const uint8_t *log_id, struct sl_err *err)
{
    assert(s && buf && log_id);
    struct parts g = {0};
    struct sl_batch *b = NULL;
    int rc = open_parts(&g, s, buf, at, len, log_id, err);
    if (rc == 0 && g.id.body_crc != sl_crc32c(0, g.record.body, g.record.body_len))
        rc = sl_err_set(err, SL_ECORRUPT, "the checksum of a batch's body is false");
    if (rc == 0)
        rc = as_corrupt(sl_ipc_decoder_batch(g.decoder, &g.record, &b, err), err);
    for (int i = 0; rc == 0 && i < b->schema->nfields; i++)
        rc = as_corrupt(sl_column_load(b->columns[i], err), err);
    sl_batch_unref(b);
    close_parts(&g, s);
    return rc;
}

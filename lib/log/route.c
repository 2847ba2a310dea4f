/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * route: the partition of each row: its keys' hash, as Kafka's clients compute it.
 *
 * One key column of text or bytes hashes as its bytes; other types, and each of several, as their
 * text, several joined by the byte 0x1f. Rows whose keys are all null go to partition 0.
 */
#include "base/compat.h"
#include "arrow/column.h"
#include "base/hash.h"
#include "base/mem.h"
#include "log/log_writer.h"

struct router {
    const struct sl_route *to;
    struct sl_column **keys;
    struct sl_buf text;
};

static uint16_t place(const struct sl_route *to, const void *key, size_t n)
{
    uint32_t h = to->crc32 ? sl_hash_crc32(key, n) : sl_hash_murmur2(key, n);
    return (uint16_t)((h & 0x7fffffff) % (uint32_t)to->partitions);
}

/* Values of a dictionary are hashed once. */
static int route_dictionary(struct router *r, struct sl_batch *b, uint16_t *out, struct sl_err *err)
{
    const struct sl_column *c = r->keys[0], *d = c->dict;
    uint16_t *of = sl_malloc((d->rows + 1) * sizeof(*of));
    if (!of)
        return sl_err_nomem(err, "partitioning rows");
    for (size_t i = 0; i < d->rows; i++) {
        const char *s = (const char *)d->data + d->offsets[i];
        of[i] = place(r->to, s, (size_t)(d->offsets[i + 1] - d->offsets[i]));
    }
    const int32_t *codes = c->data;
    for (size_t k = 0; k < b->selected; k++) {
        size_t i = sl_batch_row(b, k);
        out[k] = sl_column_null(c, i) ? 0 : of[codes[i]];
    }
    free(of);
    return 0;
}

static void route_bytes(struct router *r, struct sl_batch *b, uint16_t *out)
{
    const struct sl_column *c = r->keys[0];
    for (size_t k = 0; k < b->selected; k++) {
        size_t i = sl_batch_row(b, k), n;
        if (sl_column_null(c, i)) {
            out[k] = 0;
            continue;
        }
        const char *s = sl_column_bytes(c, i, &n);
        out[k] = place(r->to, s, n);
    }
}

static int route_text(struct router *r, struct sl_batch *b, uint16_t *out, struct sl_err *err)
{
    for (size_t k = 0; k < b->selected; k++) {
        size_t i = sl_batch_row(b, k);
        int any = 0;
        sl_buf_reset(&r->text);
        for (int j = 0; j < r->to->nkeys; j++) {
            if (j)
                sl_buf_addch(&r->text, '\x1f');
            any |= !sl_column_null(r->keys[j], i);
            if (!sl_column_null(r->keys[j], i))
                sl_column_print(r->keys[j], i, &r->text);
        }
        if (r->text.failed)
            return sl_buf_check(&r->text, err);
        out[k] = any ? place(r->to, r->text.data ? r->text.data : "", r->text.len) : 0;
    }
    return 0;
}

/* The batch's key columns, by name: its schema may be narrower than the log's. */
static int find_columns(struct router *r, struct sl_batch *b, struct sl_err *err)
{
    const struct sl_schema *log = r->to->schema;
    r->keys = sl_malloc((size_t)r->to->nkeys * sizeof(struct sl_column *));
    if (!r->keys)
        return sl_err_nomem(err, "partitioning rows");
    for (int j = 0; j < r->to->nkeys; j++) {
        const char *name = log->fields[r->to->keys[j]].name;
        int at = sl_schema_find(b->schema, name, strlen(name));
        if (at < 0)
            return sl_err_set(err, SL_ESCHEMA, "the rows have no key column %s", name);
        r->keys[j] = b->columns[at];
        int rc = sl_column_load(r->keys[j], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int sl_route_rows(const struct sl_route *to, struct sl_batch *b, uint16_t *out, struct sl_err *err)
{
    assert(to && sl_batch_is_sound(b) && out);
    struct router r = {.to = to};
    if (to->partitions == 1 || !to->nkeys) {
        memset(out, 0, b->selected * sizeof(*out));
        return 0;
    }
    int rc = find_columns(&r, b, err);
    if (rc == 0 && to->nkeys == 1 && sl_type_is_bytes(r.keys[0]->type)) {
        if (r.keys[0]->form == SL_DICT)
            rc = route_dictionary(&r, b, out, err);
        else
            route_bytes(&r, b, out);
    } else if (rc == 0) {
        rc = route_text(&r, b, out, err);
    }
    free(r.keys);
    sl_buf_release(&r.text);
    return rc;
}

int sl_log_writer_route(struct sl_log_writer *w, struct sl_batch *b, uint16_t *out,
                        struct sl_err *err)
{
    assert(w);
    const struct sl_route to = {.crc32 = w->crc32,
                                .partitions = w->log->state.npartitions,
                                .schema = w->schema,
                                .keys = w->keys,
                                .nkeys = w->nkeys};
    return sl_route_rows(&to, b, out, err);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* chunk: a stored batch on its way to a decoded one, on any thread. See log_reader.h. */
#include "base/compat.h"
#include "arrow/column.h"
#include "arrow/hidden.h"
#include "base/mem.h"
#include "log/log_reader.h"

struct sl_read_target *sl_read_target_new(struct sl_log *l, struct sl_schema *schema,
                                          struct sl_account *account, struct sl_err *err)
{
    assert(l && sl_schema_is_sound(schema));
    struct sl_read_target *t = sl_calloc(1, sizeof(*t));
    if (!t)
        return sl_err_no_memory(err, "a log reader");
    atomic_init(&t->refs, 1);
    t->schema = sl_schema_ref(schema);
    memcpy(t->log_id, l->state.log_id, 16);
    t->account = account;
    return t;
}

void sl_read_target_unref(struct sl_read_target *t)
{
    if (!t || atomic_fetch_sub(&t->refs, 1) != 1)
        return;
    sl_schema_unref(t->schema);
    free(t->wanted);
    free(t);
}

int sl_log_chunk_new(const struct sl_walk *w, const struct sl_walk_group *g,
                     struct sl_read_target *t, struct sl_log_chunk **out, struct sl_err *err)
{
    assert(g->id.rows > 0);
    struct sl_log_chunk *c = sl_calloc(1, sizeof(*c));
    char *name = sl_strdup(w->name.data);
    if (!c || !name) {
        free(c);
        free(name);
        return sl_err_nomem(err, "a batch");
    }
    c->target = t;
    atomic_fetch_add(&t->refs, 1);
    c->stream = sl_stream_ref(w->stream);
    c->buf = sl_buffer_ref(g->buf);
    c->at = g->at;
    c->len = (size_t)g->len;
    c->pos = g->pos;
    c->partition = w->seg.partition;
    c->base = g->id.base;
    c->rows = c->take = g->id.rows;
    c->min_time = g->id.min_time;
    c->max_time = g->id.max_time;
    c->name = name;
    *out = c;
    return 0;
}

void sl_log_chunk_free(struct sl_log_chunk *c)
{
    if (!c)
        return;
    sl_read_target_unref(c->target);
    sl_stream_unref(c->stream);
    sl_buffer_unref(c->buf);
    free(c->name);
    free(c);
}

struct sl_log_chunk_info sl_log_chunk_info(const struct sl_log_chunk *c)
{
    return (struct sl_log_chunk_info){.partition = c->partition,
                                      .base = c->base + c->skip,
                                      .rows = c->take,
                                      .bytes = (int64_t)c->len,
                                      .history = c->history};
}

/* ---- decoding ---- */

static int wants_rest(const struct sl_read_target *t)
{
    int rest = sl_rest_column(t->schema);
    return rest >= 0 && (!t->wanted || sl_bit(t->wanted, (size_t)rest));
}

/* The bitmap of the target in the order of the segment's schema. Columns that the target lacks are part
 * of its `_rest`. */
static uint8_t *translate(const struct sl_read_target *t, const struct sl_schema *s)
{
    uint8_t *bits = sl_calloc(((size_t)s->nfields + 7) / 8 + 1, 1);
    for (int i = 0; bits && i < s->nfields; i++) {
        int at = sl_schema_find(t->schema, s->fields[i].name, strlen(s->fields[i].name));
        if (at >= 0 ? sl_bit(t->wanted, (size_t)at) : wants_rest(t))
            sl_bit_set(bits, (size_t)i);
    }
    return bits;
}

/* The batch in the target's schema. Takes b over. */
static int to_target(struct sl_batch *b, const struct sl_read_target *t, struct sl_batch **out,
                     struct sl_err *err)
{
    struct sl_batch *n = sl_batch_cast(b, t->schema, err);
    int rc = n ? 0 : (err ? -(int)err->code : -SL_EFAIL);
    if (rc == 0 && n != b && wants_rest(t))
        rc = sl_rest_fill(n, b, err);
    sl_batch_unref(b);
    if (rc < 0)
        sl_batch_unref(n);
    else
        *out = n;
    return rc;
}

int sl_log_chunk_decode(struct sl_log_chunk *c, struct sl_batch **out, struct sl_err *err)
{
    assert(c && out);
    struct sl_batch *b = NULL;
    uint8_t *wanted = NULL;
    int rc;

    if (c->target->wanted) {
        wanted = translate(c->target, sl_stream_schema(c->stream));
        if (!wanted)
            return sl_err_nomem(err, "a batch");
    }
    rc = sl_walk_group_decode(c->stream, c->buf, c->at, c->len, c->target->log_id, wanted, &b, err);
    free(wanted);
    if (rc == -SL_ECORRUPT) {
        sl_err_offset(err, c->name, c->pos);
        return sl_err_hint(err,
                           "`sluice log verify` shows all damage, `sluice log repair` mends it");
    }
    if (rc == 0)
        rc = to_target(b, c->target, &b, err);
    if (rc == 0 && (c->skip || c->take < c->rows)) {
        struct sl_batch *part = sl_batch_slice(b, (size_t)c->skip, (size_t)c->take, err);
        sl_batch_unref(b);
        b = part;
        rc = b ? 0 : (err ? -(int)err->code : -SL_EFAIL);
    }
    if (rc < 0)
        return rc;
    *out = b;
    return 0;
}

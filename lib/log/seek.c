/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* seek: the first row at or after an event time. Segments and batches say which times they hold, so
 * that only batches that may hold it are decoded; the rows decide. */
#include "base/compat.h"
#include "base/time.h"
#include "arrow/column.h"
#include "base/mem.h"
#include "log/log_reader.h"

/* First row of the batch with event time >= t: its number, or -1. */
static int64_t first_row(struct sl_batch *b, int at, int64_t t)
{
    const struct sl_column *c = b->columns[at], *h;
    int nsec = b->schema->fields[at].type.nsec;
    for (size_t i = 0; i < b->rows; i++) {
        if (sl_column_null(c, i))
            continue;
        size_t k = sl_column_slot(c, i, &h);
        if (sl_time_usec(((const int64_t *)h->data)[k], nsec) >= t)
            return (int64_t)i;
    }
    return -1;
}

static int search_group(struct sl_walk *w, const struct sl_walk_group *g, int64_t t,
                        int64_t *offset, struct sl_err *err)
{
    struct sl_schema *s = sl_stream_schema(w->stream);
    int at = sl_schema_time_index(s);
    struct sl_batch *b;
    if (at < 0)
        return 0;
    uint8_t *wanted = sl_calloc(((size_t)s->nfields + 7) / 8, 1);
    if (!wanted)
        return sl_err_nomem(err, "a search by time");
    sl_bit_set(wanted, (size_t)at);
    int rc =
        sl_walk_group_decode(w->stream, g->buf, g->at, (size_t)g->len, w->log_id, wanted, &b, err);
    free(wanted);
    if (rc == -SL_ECORRUPT)
        sl_walk_corrupt(w, g->pos, err);
    if (rc < 0)
        return rc;
    rc = sl_column_load(b->columns[at], err);
    int64_t row = rc == 0 ? first_row(b, at, t) : -1;
    sl_batch_unref(b);
    if (row < 0)
        return rc;
    *offset = g->id.base + row;
    return 1;
}

/* 1 if found in this segment. */
static int search_segment(struct sl_log *l, const struct sl_seg *seg, int64_t t, int64_t *offset,
                          struct sl_err *err)
{
    struct sl_walk w;
    struct sl_walk_group g;
    int rc = sl_walk_open(&w, l, seg, NULL, err);
    if (rc < 0)
        return rc;
    w.skip = 1;
    while ((rc = sl_walk_next(&w, &g, err)) == 1) {
        if (g.id.min_time > g.id.max_time || g.id.max_time < t)
            continue;
        /* The body was jumped over: take this batch again, whole. */
        sl_walk_seek(&w, g.pos, g.id.base);
        w.skip = 0;
        rc = sl_walk_next(&w, &g, err);
        if (rc == 1)
            rc = search_group(&w, &g, t, offset, err);
        w.skip = 1;
        if (rc)
            break;
    }
    sl_walk_release(&w);
    return rc;
}

static int search(struct sl_log *l, int partition, int64_t t, int64_t *offset, struct sl_err *err)
{
    const struct sl_part *p = &l->state.parts[partition];
    *offset = p->end;
    for (int i = 0; i < p->nsegs; i++) {
        const struct sl_seg *seg = &p->segs[i];
        if (seg->min_time > seg->max_time || seg->max_time < t)
            continue;
        int rc = search_segment(l, seg, t, offset, err);
        if (rc)
            return rc < 0 ? rc : 0;
    }
    return 0;
}

int sl_log_seek_time(struct sl_log *l, int partition, int64_t t, int64_t *offset,
                     struct sl_err *err)
{
    assert(partition >= 0 && partition < l->state.npartitions && offset);
    for (;;) {
        int rc = search(l, partition, t, offset, err);
        if (rc == -SL_ECORRUPT && sl_view_doubt(l, NULL) > 0)
            continue;
        if (rc != -SL_ENOENT)
            return rc;
        /* A segment that was replaced since: what the commits say now decides. */
        int changed = sl_log_refresh(l, err);
        if (changed <= 0)
            return changed < 0 ? changed : rc;
    }
}

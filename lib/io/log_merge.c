/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_merge: a bounded read of several partitions in the order of (event time, partition, offset).
 *
 * One reader a partition, each with the batch it is in; the row that is next is the one with the
 * least event time among the fronts (nulls last), which a heap of them finds. Within a partition offsets keep their order, so
 * the whole is in order of time as far as each partition is.
 */
#include "base/compat.h"
#include "arrow/builder.h"
#include "io/log_source.h"

enum { MERGED_ROWS = 16384 };

struct front { /* where one partition stands */
    struct sl_log_reader *reader;
    struct sl_batch *batch;
    size_t at;         /* among the selected rows */
    int64_t base, end; /* offset of the batch's first row, and behind its last */
    uint64_t history;  /* in which it was read */
    size_t noted;      /* place + 1 of its partition in the mark that is made */
};

struct sl_log_merge {
    int n, left; /* partitions; those that have rows, which are heap[0..left) */
    int is_filled;
    struct front *fronts;
    struct front **heap; /* no front is before the one at half its place */
    struct sl_builder *builders;
    struct log_upto *upto; /* of the partitions of which the morsel that is made has rows */
    size_t nupto;
};

int sl_log_merge_open(struct log_source *s, struct sl_err *err)
{
    assert(s->log && s->time >= -1);
    int n = sl_log_partitions(s->log), fields = s->base.schema->nfields;
    struct sl_log_merge *m = sl_calloc(1, sizeof(*m));
    if (!m)
        return sl_err_nomem(err, "a merge");
    s->merge = m;
    m->fronts = sl_calloc((size_t)n, sizeof(*m->fronts));
    m->builders = sl_calloc((size_t)fields, sizeof(*m->builders));
    m->heap = sl_calloc((size_t)n, sizeof(struct front *));
    m->upto = sl_calloc((size_t)n, sizeof(*m->upto));
    if (!m->fronts || !m->builders || !m->heap || !m->upto)
        return sl_err_nomem(err, "a merge");
    for (int i = 0; i < fields; i++)
        sl_builder_init(&m->builders[i], s->base.schema->fields[i].type, s->base.account, 1);
    m->n = n;
    for (int p = 0; p < n; p++) {
        struct front *f = &m->fronts[p];
        struct sl_log_read_options ro = {.ranges = s->ranges,
                                         .only = p + 1,
                                         .from_time = s->from_time,
                                         .to_time = s->to_time,
                                         .schema = s->log_schema,
                                         .account = s->base.account};
        int rc = sl_log_reader_open(s->log, &ro, &f->reader, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int sl_log_merge_want(struct log_source *s, const uint8_t *columns, struct sl_err *err)
{
    int rc = 0;
    assert(!s->merge->is_filled); /* before the first row */
    for (int p = 0; p < s->merge->n && rc == 0; p++)
        rc = sl_log_reader_want(s->merge->fronts[p].reader, columns, err);
    return rc;
}

void sl_log_merge_close(struct log_source *s)
{
    struct sl_log_merge *m = s->merge;
    if (!m)
        return;
    for (int p = 0; p < m->n; p++) {
        sl_log_reader_free(m->fronts[p].reader);
        sl_batch_unref(m->fronts[p].batch);
    }
    for (int i = 0; m->builders && i < s->base.schema->nfields; i++)
        sl_builder_release(&m->builders[i]);
    free(m->builders);
    free(m->heap);
    free(m->upto);
    free(m->fronts);
    free(m);
    s->merge = NULL;
}

/* Brings the front to a batch with rows left; 1 there is one, 0 the partition is at its end. */
static int fill(struct log_source *s, struct front *f, struct sl_err *err)
{
    while (!f->batch || f->at == f->batch->selected) {
        struct sl_log_chunk *c;
        sl_batch_unref(f->batch);
        f->batch = NULL;
        f->at = 0;
        int rc = sl_log_reader_next(f->reader, &c, err);
        if (rc != SL_LOG_CHUNK)
            return rc < 0 ? rc : 0;
        rc = sl_log_source_decode(s, c, &f->batch, err);
        struct sl_log_chunk_info info = sl_log_chunk_info(c);
        f->base = info.base;
        f->end = info.base + info.rows;
        f->history = info.history;
        sl_log_chunk_free(c);
        for (int i = 0; rc == 0 && i < f->batch->schema->nfields; i++)
            rc = f->batch->columns[i] ? sl_column_load(f->batch->columns[i], err) : 0;
        if (rc < 0)
            return rc;
    }
    return 1;
}

/* By time, then by partition. */
static int is_before(const struct log_source *s, const struct front *a, const struct front *b)
{
    SL_CHECK_THAT(a->at < a->batch->selected && b->at < b->batch->selected);
    const struct sl_column *x = a->batch->columns[s->time], *y = b->batch->columns[s->time];
    int order =
        sl_column_compare(x, sl_batch_row(a->batch, a->at), y, sl_batch_row(b->batch, b->at));
    return order < 0 || (order == 0 && a < b);
}

static void sift_down(struct log_source *s, int i)
{
    struct sl_log_merge *m = s->merge;
    SL_CHECK_THAT(i < m->left && m->left <= m->n);
    struct front *f = m->heap[i];
    for (int child; (child = 2 * i + 1) < m->left; i = child) {
        if (child + 1 < m->left && is_before(s, m->heap[child + 1], m->heap[child]))
            child++;
        if (!is_before(s, m->heap[child], f))
            break;
        m->heap[i] = m->heap[child];
    }
    m->heap[i] = f;
}

/* The front whose row is next, NULL at the end of all. */
static int least(struct log_source *s, struct front **out, struct sl_err *err)
{
    struct sl_log_merge *m = s->merge;
    int rc = 0;
    if (!m->is_filled) {
        for (int p = 0; p < m->n; p++) {
            rc = fill(s, &m->fronts[p], err);
            if (rc < 0)
                return rc;
            if (rc)
                m->heap[m->left++] = &m->fronts[p];
        }
        for (int i = m->left / 2 - 1; i >= 0; i--)
            sift_down(s, i);
        m->is_filled = 1;
    } else if (m->left) { /* a row of the first was taken */
        rc = fill(s, m->heap[0], err);
        if (rc < 0)
            return rc;
        if (!rc)
            m->heap[0] = m->heap[--m->left];
        if (m->left)
            sift_down(s, 0);
    }
    *out = m->left ? m->heap[0] : NULL;
    return 0;
}

/* Takes a row of the front; behind its last one the whole batch is done. */
static void take_row(struct log_source *s, struct front *f)
{
    struct sl_log_merge *m = s->merge;
    SL_CHECK_THAT(f->at < f->batch->selected);
    size_t row = sl_batch_row(f->batch, f->at++);
    int is_last = f->at == f->batch->selected;
    for (int i = 0; i < s->base.schema->nfields; i++)
        if (f->batch->columns[i]) /* absent in all of them */
            sl_builder_row(&m->builders[i], f->batch->columns[i], row);
    if (!f->noted)
        f->noted = ++m->nupto;
    SL_CHECK_THAT(m->nupto <= (size_t)m->n);
    m->upto[f->noted - 1] = (struct log_upto){.partition = (int)(f - m->fronts),
                                              .end = is_last ? f->end : f->base + (int64_t)row + 1,
                                              .history = f->history};
}

/* Where the morsel ends in each partition; the next one begins with none. */
static struct log_mark *finish_mark(struct sl_log_merge *m)
{
    assert(m->nupto > 0 && m->nupto <= (size_t)m->n);
    struct log_mark *mark = sl_malloc(sizeof(*mark) + m->nupto * sizeof(mark->items[0]));
    if (mark) {
        *mark = (struct log_mark){.n = m->nupto};
        memcpy(mark->items, m->upto, m->nupto * sizeof(mark->items[0]));
    }
    for (size_t i = 0; i < m->nupto; i++)
        m->fronts[m->upto[i].partition].noted = 0;
    m->nupto = 0;
    return mark;
}

static int finish(struct log_source *s, size_t rows, struct sl_morsel **out, struct sl_err *err)
{
    assert(rows > 0 && rows <= MERGED_ROWS);
    struct sl_morsel *m = sl_morsel_new(&s->base);
    if (!m)
        return sl_err_nomem(err, "a morsel");
    m->arg = finish_mark(s->merge);
    m->batch = sl_batch_new(s->base.schema, rows);
    m->place = sl_strdup(s->path);
    int rc = m->batch && m->place && m->arg ? 0 : sl_err_nomem(err, "a batch");
    for (int i = 0; rc == 0 && i < s->base.schema->nfields; i++) {
        if (s->order >= 0 && i >= s->order && !s->gives[i - s->order])
            continue;
        m->batch->columns[i] = sl_builder_finish(&s->merge->builders[i], err);
        if (!m->batch->columns[i])
            rc = -(int)SL_ENOMEM;
    }
    if (rc < 0) {
        sl_morsel_free(m);
        return rc;
    }
    m->records = (int64_t)rows;
    m->len = rows * 16;
    *out = m;
    return SL_NEXT_MORSEL;
}

int sl_log_merge_next(struct log_source *s, struct sl_morsel **out, struct sl_err *err)
{
    assert(s && out);
    size_t rows = 0;
    while (rows < MERGED_ROWS) {
        struct front *f;
        int rc = least(s, &f, err);
        if (rc < 0)
            return rc;
        if (!f)
            break;
        take_row(s, f);
        rows++;
    }
    return rows ? finish(s, rows, out, err) : SL_NEXT_END;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * watermark: gives each row the column `_wm` and each batch its watermark.
 *
 * The watermark of a row is the greatest event time of the rows before it in its partition, less the
 * out-of-orderness D; null while there is none before it. It is a fact of the row: however the input
 * is cut, it comes out the same. The minimum over all partitions goes into the batch's `watermark`,
 * which decides only when windows are emitted; it is unknown until every partition has had a row.
 *
 * A partition that has had no row when the input pauses (FLUSH) is idle: nobody waits for it. The
 * first FLUSH that makes it so says the new watermark with a batch without rows. When rows come, the
 * partition counts again. They may be too late for windows that closed meanwhile: `late_idle`.
 *
 * This operator stands directly behind the source, before anything is filtered. Times in nanoseconds
 * are rounded down to microseconds.
 */
#include "arrow/builder.h"
#include "arrow/hidden.h"
#include "op/ops.h"
#include "op/registry.h"
#include "op/window.h"

struct watermark {
    struct sl_op op;
    int64_t out_of_order;
    int partitions, time;
    int64_t *greatest; /* per partition, SL_TIME_MIN = no row yet */
    int64_t told;      /* the last watermark that left */
    int paused;        /* partitions without a row are idle */
    struct sl_schema *schema;
};

static int bind(struct sl_op *op, int input, struct sl_schema *in, struct sl_schema **out,
                struct sl_err *err)
{
    struct watermark *w = (struct watermark *)op;
    (void)input;
    w->time = sl_schema_time_index(in);
    if (w->time < 0) {
        sl_err_set(err, SL_EUSAGE, "there is no time column to tell late rows by");
        return sl_schema_hint_time(in, err);
    }
    sl_schema_unref(w->schema);
    w->schema = sl_schema_copy(in);
    if (!w->schema)
        return sl_err_nomem(err, "a schema");
    int rc = sl_schema_add(w->schema, SL_HIDDEN_WM, strlen(SL_HIDDEN_WM),
                           sl_type_of(SL_TIMESTAMPTZ), err);
    if (rc == 0)
        *out = sl_schema_ref(w->schema);
    return rc;
}

static int64_t minimum(const struct watermark *w)
{
    int64_t least = SL_TIME_MAX;
    for (int p = 0; p < w->partitions; p++)
        if (!w->paused || w->greatest[p] != SL_TIME_MIN)
            least = SL_MIN(least, w->greatest[p]);
    return least == SL_TIME_MAX ? SL_TIME_MIN : sl_time_add(least, -w->out_of_order);
}

/* The column `_wm` of b; rows that are not selected are null. */
static struct sl_column *watermarks(struct watermark *w, struct sl_batch *b, struct sl_err *err)
{
    struct sl_column *t = b->columns[w->time];
    struct sl_builder out;
    size_t next = 0;
    int64_t *greatest = &w->greatest[w->partitions > 1 ? b->origin.partition % w->partitions : 0];

    sl_builder_init(&out, sl_type_of(SL_TIMESTAMPTZ), w->op.account, 0);
    for (size_t k = 0; k < b->selected; k++) {
        size_t row = sl_batch_row(b, k);
        for (; next < row; next++)
            sl_builder_null(&out);
        next = row + 1;
        if (*greatest == SL_TIME_MIN)
            sl_builder_null(&out);
        else
            sl_builder_int(&out, sl_time_add(*greatest, -w->out_of_order));
        if (sl_column_null(t, row))
            continue;
        const struct sl_column *h;
        size_t slot = sl_column_slot(t, row, &h);
        *greatest = SL_MAX(*greatest, sl_time_usec(((const int64_t *)h->data)[slot], t->type.nsec));
    }
    for (; next < b->rows; next++)
        sl_builder_null(&out);
    struct sl_column *c = sl_builder_finish(&out, err);
    sl_builder_release(&out);
    return c;
}

/* A watermark that grew without a row. */
static int tell(struct watermark *w, struct sl_emit *out, struct sl_err *err)
{
    struct sl_batch *none = sl_batch_new(w->schema, 0);
    int rc = none ? 0 : sl_err_nomem(err, "a batch");
    for (int i = 0; rc == 0 && i < w->schema->nfields; i++)
        if (!(none->columns[i] = sl_column_nulls(w->schema->fields[i].type, 0, err)))
            rc = -(int)SL_ENOMEM;
    if (rc == 0) {
        none->watermark = w->told = minimum(w);
        rc = out->emit(out, none, err);
    }
    sl_batch_unref(none);
    return rc;
}

static int take(struct watermark *w, struct sl_batch *b, struct sl_emit *out, struct sl_err *err)
{
    int rc = sl_column_load(b->columns[w->time], err);
    if (rc < 0)
        return rc;
    struct sl_batch *wide = sl_batch_new(w->schema, b->rows);
    if (!wide)
        return sl_err_nomem(err, "a batch");
    int n = b->schema->nfields;
    for (int i = 0; i < n; i++)
        if (b->columns[i]) /* absent: nobody asked for it */
            wide->columns[i] = sl_column_ref(b->columns[i]);
    wide->columns[n] = watermarks(w, b, err);
    wide->origin = b->origin;
    wide->watermark = w->told = SL_MAX(w->told, minimum(w));
    rc = wide->columns[n] ? 0 : -(int)(err ? err->code : SL_ENOMEM);
    if (rc == 0 && b->selection) {
        struct sl_batch *narrow =
            sl_batch_select(wide, sl_buffer_ref(b->selection_owner), b->selected, err);
        sl_batch_unref(wide);
        wide = narrow;
        rc = wide ? 0 : -(int)(err ? err->code : SL_ENOMEM);
    }
    if (rc == 0)
        rc = out->emit(out, wide, err);
    sl_batch_unref(wide);
    return rc;
}

static int push(struct sl_op *op, int input SL_UNUSED, struct sl_batch *b, enum sl_directive d,
                struct sl_emit *out, struct sl_err *err)
{
    struct watermark *w = (struct watermark *)op;
    int rc = b ? take(w, b, out, err) : SL_PUSH_OK;
    if (rc != SL_PUSH_OK || d != SL_FLUSH)
        return rc;
    w->paused = 1;
    return minimum(w) > w->told ? tell(w, out, err) : SL_PUSH_OK;
}

/* One that is so far behind another that windows stay open for it alone. */
static int waits_for(const struct sl_op *op)
{
    const struct watermark *w = (const struct watermark *)op;
    int64_t least = SL_TIME_MAX, most = SL_TIME_MIN;
    int last = -1;
    for (int p = 0; p < w->partitions; p++) {
        if (w->greatest[p] == SL_TIME_MIN)
            continue;
        most = SL_MAX(most, w->greatest[p]);
        if (w->greatest[p] < least) {
            least = w->greatest[p];
            last = p;
        }
    }
    return last >= 0 && sl_time_add(most, -w->out_of_order) > least ? last : -1;
}

static void needs(const struct sl_op *op, int input, const uint8_t *out, uint8_t *in)
{
    const struct watermark *w = (const struct watermark *)op;
    (void)input;
    sl_op_needs_same(out, w->schema->nfields - 1, in);
    sl_bit_set(in, (size_t)w->time);
}

/* State: one row per partition, in order, its greatest event time (null = no row yet). */
static struct sl_schema *state_schema(void)
{
    struct sl_schema *s = sl_schema_new();
    if (s && sl_schema_add(s, "greatest", 8, sl_type_of(SL_TIMESTAMPTZ), NULL) < 0) {
        sl_schema_unref(s);
        s = NULL;
    }
    return s;
}

static int save(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    struct watermark *w = (struct watermark *)op;
    struct sl_schema *s = state_schema();
    struct sl_batch *b = s ? sl_batch_new(s, (size_t)w->partitions) : NULL;
    struct sl_builder column;
    int rc = b ? 0 : sl_err_nomem(err, "a state");

    if (rc == 0) {
        sl_builder_init(&column, sl_type_of(SL_TIMESTAMPTZ), op->account, 0);
        for (int p = 0; p < w->partitions; p++) {
            if (w->greatest[p] == SL_TIME_MIN)
                sl_builder_null(&column);
            else
                sl_builder_int(&column, w->greatest[p]);
        }
        b->columns[0] = sl_builder_finish(&column, err);
        sl_builder_release(&column);
        rc = b->columns[0] ? store->put(store, "watermark", b, err) : -(int)SL_ENOMEM;
    }
    sl_batch_unref(b);
    sl_schema_unref(s);
    return rc;
}

static int load(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    struct watermark *w = (struct watermark *)op;
    struct sl_batch *b;
    uint64_t cursor = 0;
    int rc = store->get(store, "watermark", &cursor, &b, err);

    if (rc <= 0)
        return rc;
    rc = 0;
    if (b->schema->nfields != 1 || b->schema->fields[0].type.kind != SL_TIMESTAMPTZ ||
        b->selected != (size_t)w->partitions)
        rc = sl_err_set(err, SL_ESCHEMA, "the saved state is of %zu %s, the source has %d",
                        b->selected, sl_plural((int64_t)b->selected, "partition", "partitions"),
                        w->partitions);
    struct sl_column *c = b->columns[0];
    if (rc == 0)
        rc = sl_column_load(c, err);
    for (size_t p = 0; rc == 0 && p < b->selected; p++) {
        const struct sl_column *h;
        size_t slot = sl_column_slot(c, sl_batch_row(b, p), &h);
        w->greatest[p] =
            sl_column_null(c, sl_batch_row(b, p)) ? SL_TIME_MIN : ((const int64_t *)h->data)[slot];
    }
    sl_batch_unref(b);
    return rc;
}

static void plan(const struct sl_op *op, struct sl_buf *out)
{
    const struct watermark *w = (const struct watermark *)op;
    sl_buf_printf(out, "watermark out of order %.6g s, partitions %d",
                  (double)w->out_of_order / (double)SL_USEC_PER_SEC, w->partitions);
}

static void destroy(struct sl_op *op)
{
    struct watermark *w = (struct watermark *)op;
    sl_schema_unref(w->schema);
    free(w->greatest);
    free(w);
}

SL_OP_CLASS(watermark) = {
    .name = "watermark",
    .account = "in = out",
    .schema = bind,
    .push = push,
    .needs = needs,
    .save = save,
    .load = load,
    .waits_for = waits_for,
    .plan = plan,
    .free = destroy,
};

struct sl_op *sl_watermark_new(int64_t out_of_order, int partitions, struct sl_account *account,
                               struct sl_err *err)
{
    struct watermark *w = sl_calloc(1, sizeof(*w));
    assert(partitions >= 1 && out_of_order >= 0);
    if (w)
        w->greatest = sl_malloc((size_t)partitions * sizeof(int64_t));
    if (!w || !w->greatest) {
        free(w);
        sl_err_nomem(err, "watermarks");
        return NULL;
    }
    w->op.class = &sl_op_class_watermark;
    w->op.traits = SL_OP_ORDERED;
    w->op.account = account;
    w->out_of_order = out_of_order;
    w->partitions = partitions;
    w->told = SL_TIME_MIN;
    for (int p = 0; p < partitions; p++)
        w->greatest[p] = SL_TIME_MIN;
    return &w->op;
}

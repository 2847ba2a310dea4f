/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * encode: batches to blobs, the bytes that a commit appends, on any thread and without any lock of
 * the log.
 *
 * All that depends on what other writers did meanwhile is left open: partition, offset and commit
 * number are patched in later. Form and schema are those of the plan, which follows the open segment;
 * if that changed meanwhile the blob, which keeps its batch, is encoded anew.
 */
#include "base/compat.h"
#include "base/time.h"
#include "arrow/column.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "log/identity.h"
#include "log/log_writer.h"

enum {
    TRIAL_BYTES = 16 << 20, /* written between two looks for a better form */
    COMPRESS_VALUES = 512,  /* rows x columns below which zstd is not worth its start */
};

/* ---- facts ---- */

/* Least and greatest event time of the selected rows. */
static int find_times(struct sl_batch *b, int64_t *min, int64_t *max, struct sl_err *err)
{
    int at = sl_schema_time_index(b->schema);
    *min = SL_TIME_MAX;
    *max = SL_TIME_MIN;
    if (at < 0 || b->schema->fields[at].type.kind != SL_TIMESTAMPTZ)
        return 0;
    struct sl_column *c = b->columns[at];
    int rc = sl_column_load(c, err);
    if (rc < 0)
        return rc;
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (size_t k = 0; k < b->selected; k++) {
        size_t i = sl_batch_row(b, k);
        const struct sl_column *h;
        if (sl_column_null(c, i))
            continue;
        size_t slot = sl_column_slot(c, i, &h);
        int64_t v = ((const int64_t *)h->data)[slot];
        low = SL_MIN(low, v);
        high = SL_MAX(high, v);
    }
    if (low <= high) {
        *min = sl_time_usec(low, b->schema->fields[at].type.nsec);
        *max = sl_time_usec(high, b->schema->fields[at].type.nsec);
    }
    return 0;
}

/* CRCs of the dictionary bodies before the record, and the CRC of the metadata of them all. */
static int sum_dictionaries(const struct sl_log_blob *b, size_t record, int ndicts, uint32_t *crcs,
                            uint32_t *meta, struct sl_err *err)
{
    const uint8_t *p = (const uint8_t *)b->bytes.data, *end = p + record;
    struct sl_ipc_message m;
    int i = 0;

    *meta = 0;
    for (; p < end; i++, p += m.total) {
        int64_t total = sl_ipc_peek(p, (size_t)(end - p), &m, err);
        if (total <= 0 || total > end - p || m.kind != SL_IPC_DICTIONARY || i >= ndicts)
            break;
        *meta = sl_crc32c(*meta, p, (size_t)(m.body - p));
        crcs[i] = sl_crc32c(0, m.body, m.body_len);
    }
    if (p != end || i != ndicts)
        return sl_err_set(err, SL_EBUG, "a batch was encoded with %d dictionaries, not %d", i,
                          ndicts);
    return 0;
}

/* ---- one blob ---- */

static int fill_identity(struct sl_log_blob *b, const struct sl_ipc_layout *r, int ndicts,
                         int ncolumns, uint32_t *crcs, struct sl_err *err)
{
    struct sl_identity id = {.rows = b->rows,
                             .min_time = b->min_time,
                             .max_time = b->max_time,
                             .before = (int64_t)r->start,
                             .ndicts = ndicts,
                             .ncolumns = ncolumns};
    const char *p = b->bytes.data;
    size_t len = sl_identity_len(ndicts, ncolumns), after = r->meta_value + len;
    int rc = sum_dictionaries(b, r->start, ndicts, crcs, &id.meta_crc, err);

    if (rc < 0)
        return rc;
    assert(r->meta_value > r->start && after <= r->body);
    id.meta_crc = sl_crc32c(id.meta_crc, p + r->start, r->meta_value - r->start);
    id.meta_crc = sl_crc32c(id.meta_crc, p + after, r->body - after);
    id.body_crc = sl_crc32c(0, p + r->body, r->body_len);
    sl_identity_print(b->bytes.data + r->meta_value, &id, crcs);
    b->value = r->meta_value;
    return 0;
}

int sl_blob_encode(struct sl_log_writer *w, struct sl_log_blob *b, struct sl_form_plan *form,
                   struct sl_err *err)
{
    int ndicts = form->ndicts, ncolumns = form->schema->nfields;
    size_t len = sl_identity_len(ndicts, ncolumns);
    struct sl_ipc_form f = form->f;
    struct sl_ipc_layout record = {0};
    char *value = sl_malloc(len);
    uint32_t *crcs = sl_calloc((size_t)(ndicts + ncolumns), sizeof(*crcs));
    int rc = 0;

    (void)w;
    if (!value || !crcs) {
        rc = sl_err_nomem(err, "encoding a batch");
        goto out;
    }
    /* Compression is each message's own affair. */
    f.zstd = f.zstd && b->batch->selected * (size_t)ncolumns >= COMPRESS_VALUES;
    memset(value, ' ', len);
    struct sl_ipc_meta meta = {.key = SL_IPC_IDENTITY, .value = value, .len = len};
    sl_buf_reset(&b->bytes);
    rc = sl_ipc_encode_batch(b->batch, &f, &meta, 1, &b->bytes, &record, crcs + ndicts, err);
    if (rc == 0)
        rc = sl_buf_check(&b->bytes, err);
    if (rc == 0)
        rc = fill_identity(b, &record, ndicts, ncolumns, crcs, err);
    if (rc == 0) {
        sl_form_ref(form);
        sl_form_unref(b->form);
        b->form = form;
    }
out:
    free(value);
    free(crcs);
    return rc;
}

int sl_blob_new(struct sl_batch *batch, int partition, struct sl_log_blob **out, struct sl_err *err)
{
    assert(partition >= 0 && sl_batch_is_sound(batch));
    assert(partition >= 0);
    assert(batch->selected > 0);
    struct sl_log_blob *b = sl_calloc(1, sizeof(*b));
    if (!b)
        return sl_err_nomem(err, "encoding a batch");
    b->partition = partition;
    b->rows = (int64_t)batch->selected;
    b->batch = sl_batch_ref(batch);
    b->base = -1;
    int rc = find_times(batch, &b->min_time, &b->max_time, err);
    if (rc < 0)
        sl_log_blob_free(b);
    else
        *out = b;
    return rc;
}

void sl_log_blob_free(struct sl_log_blob *b)
{
    if (!b)
        return;
    sl_batch_unref(b->batch);
    sl_form_unref(b->form);
    sl_buf_release(&b->bytes);
    free(b);
}

size_t sl_log_blob_bytes(const struct sl_log_blob *b)
{
    return b->bytes.len;
}

/* ---- plans ---- */

/* The plan of a partition as encode() found it, with a reference to its form. */
static void get_plan(struct sl_log_writer *w, int partition, struct sl_plan *plan)
{
    pthread_mutex_lock(&w->mutex);
    *plan = w->plans[partition];
    if (plan->form)
        sl_form_ref(plan->form);
    pthread_mutex_unlock(&w->mutex);
}

/* Makes form the plan, if the plan is still the one that was looked at; else takes what there is. */
static void offer_plan(struct sl_log_writer *w, int partition, struct sl_plan *seen,
                       struct sl_form_plan *form, int rolling)
{
    pthread_mutex_lock(&w->mutex);
    struct sl_plan *plan = &w->plans[partition];
    if (plan->form == seen->form && plan->base == seen->base && plan->by == seen->by) {
        sl_form_unref(plan->form);
        plan->form = sl_form_ref(form);
        plan->rolling = rolling;
    }
    pthread_mutex_unlock(&w->mutex);
}

/* Whether it is this batch's turn to try another form. */
static int take_trial(struct sl_log_writer *w, int partition, size_t bytes)
{
    pthread_mutex_lock(&w->mutex);
    struct sl_plan *plan = &w->plans[partition];
    int yes = plan->since_trial >= TRIAL_BYTES;
    if (yes)
        plan->since_trial = 0;
    else
        plan->since_trial += (int64_t)bytes;
    pthread_mutex_unlock(&w->mutex);
    return yes;
}

/* Encodes in the form that suits the batch best, and keeps that if it takes half the bytes. */
static int try_better(struct sl_log_writer *w, struct sl_log_blob *b, struct sl_plan *plan,
                      struct sl_err *err)
{
    struct sl_form_plan *best = NULL, *old = plan->form;
    struct sl_buf kept = b->bytes;
    size_t value = b->value;
    int rc = sl_form_first(old->schema, old->schema_id, b->batch, 1, &best, err);

    if (rc < 0)
        return rc;
    if (strcmp(best->text, old->text) == 0)
        goto out;
    b->bytes = (struct sl_buf)SL_BUF_INIT;
    rc = sl_blob_encode(w, b, best, err);
    if (rc == 0 && b->bytes.len <= kept.len / 2) {
        sl_buf_release(&kept);
        b->rolling = 1;
        offer_plan(w, b->partition, plan, best, plan->base >= 0);
    } else {
        sl_buf_release(&b->bytes);
        b->bytes = kept;
        b->value = value;
        sl_form_ref(old);
        sl_form_unref(b->form);
        b->form = old;
    }
out:
    sl_form_unref(best);
    return rc;
}

static int encode_by_plan(struct sl_log_writer *w, struct sl_log_blob *b, struct sl_schema *schema,
                          int schema_id, struct sl_err *err)
{
    struct sl_plan plan;
    struct sl_form_plan *form = NULL;
    int rc = 0, chosen = 0;

    get_plan(w, b->partition, &plan);
    if (plan.form && plan.form->schema_id == schema_id &&
        sl_ipc_form_holds(&plan.form->f, b->batch))
        form = sl_form_ref(plan.form);
    else if (plan.form && plan.form->schema_id == schema_id)
        chosen = 1, rc = sl_form_grow(plan.form, b->batch, &form, err);
    else
        chosen = 1, rc = sl_form_first(schema, schema_id, b->batch,
                                       b->batch->selected >= SL_FORM_TINY, &form, err);
    if (rc == 0)
        rc = sl_blob_encode(w, b, form, err);
    b->base = plan.base;
    b->by = plan.by;
    b->rolling = plan.base >= 0 && (chosen || plan.rolling);
    if (rc == 0 && chosen)
        offer_plan(w, b->partition, &plan, form, plan.base >= 0);
    else if (rc == 0 && take_trial(w, b->partition, b->bytes.len) &&
             b->batch->selected >= SL_FORM_BIG)
        rc = try_better(w, b, &plan, err);
    sl_form_unref(form);
    sl_form_unref(plan.form);
    return rc;
}

/* The batch in the writer's schema, its rows gathered. */
static int prepare(struct sl_batch *b, struct sl_schema *schema, struct sl_account *account,
                   struct sl_batch **out, struct sl_err *err)
{
    struct sl_batch *c = sl_batch_compact(b, account, err);
    if (c && c->schema != schema) {
        struct sl_batch *cast = sl_batch_cast(c, schema, err);
        sl_batch_unref(c);
        c = cast;
    }
    if (!c)
        return err ? -(int)err->code : -SL_ENOMEM;
    *out = c;
    return 0;
}

int sl_log_writer_encode(struct sl_log_writer *w, int partition, struct sl_batch *b,
                         struct sl_log_blob **out, struct sl_err *err)
{
    assert(out && sl_batch_is_sound(b));
    assert(partition >= 0 && partition < w->log->state.npartitions);
    struct sl_batch *ready = NULL;
    struct sl_log_blob *blob = NULL;

    pthread_mutex_lock(&w->mutex);
    struct sl_schema *schema = sl_schema_ref(w->schema);
    int id = w->schema_id;
    pthread_mutex_unlock(&w->mutex);
    int rc = prepare(b, schema, w->account, &ready, err);
    if (rc == 0)
        rc = sl_blob_new(ready, partition, &blob, err);
    if (rc == 0 && blob->rows > 0)
        rc = encode_by_plan(w, blob, schema, id, err);
    if (rc == 0)
        *out = blob;
    else
        sl_log_blob_free(blob);
    sl_batch_unref(ready);
    sl_schema_unref(schema);
    return rc;
}

int sl_blob_refit(struct sl_log_writer *w, struct sl_log_blob *b, const struct sl_seg *open,
                  struct sl_err *err)
{
    assert(w && b);
    struct sl_form_plan *form = NULL;
    struct sl_batch *ready = NULL;
    int rc = prepare(b->batch, w->schema, w->account, &ready, err);

    if (rc < 0)
        return rc;
    sl_batch_unref(b->batch);
    b->batch = ready;
    b->rolling = b->force = 0;
    if (!open || open->schema != w->schema_id)
        rc = sl_form_first(w->schema, w->schema_id, ready, ready->selected >= SL_FORM_TINY, &form,
                           err);
    else
        rc = sl_form_parse(w->schema, w->schema_id, open->form, &form, err);
    if (rc == 0 && !sl_ipc_form_holds(&form->f, ready)) {
        struct sl_form_plan *wider;
        rc = sl_form_grow(form, ready, &wider, err);
        if (rc == 0) {
            sl_form_unref(form);
            form = wider;
            b->force = 1;
        }
    }
    if (rc == 0)
        rc = sl_blob_encode(w, b, form, err);
    sl_form_unref(form);
    return rc;
}

/* The plan of a partition follows its open segment. The mutex is held. */
static int replan(struct sl_log_writer *w, int partition, struct sl_err *err)
{
    struct sl_plan *plan = &w->plans[partition];
    const struct sl_seg *open = sl_state_open_seg(&w->log->state, partition);
    struct sl_form_plan *form = NULL;
    int rc = 0;

    w->replanned++;
    if (open && open->schema != w->schema_id)
        open = NULL;
    int64_t base = open ? open->base : -1, by = open ? open->by : 0;
    if (plan->base == base && plan->by == by)
        return 0;
    /* What is being written keeps its form if the new segment has it: blobs are under way. */
    if (open && plan->form && plan->form->schema_id == open->schema &&
        strcmp(plan->form->text, open->form) == 0)
        form = sl_form_ref(plan->form);
    else if (open)
        rc = sl_form_parse(w->schema, w->schema_id, open->form, &form, err);
    if (rc < 0)
        return rc;
    sl_form_unref(plan->form);
    plan->form = form;
    plan->base = base;
    plan->by = by;
    plan->rolling = 0;
    return 0;
}

int sl_writer_replan(struct sl_log_writer *w, struct sl_err *err)
{
    int rc = 0;
    pthread_mutex_lock(&w->mutex);
    for (int i = 0; i < w->log->state.npartitions && rc == 0; i++)
        rc = replan(w, i, err);
    pthread_mutex_unlock(&w->mutex);
    return rc;
}

int sl_writer_replan_changed(struct sl_log_writer *w, struct sl_err *err)
{
    const struct sl_state *s = &w->log->state;
    int rc = 0;
    pthread_mutex_lock(&w->mutex);
    for (int i = 0; i < s->nchanged && rc == 0; i++)
        rc = replan(w, s->changed[i].partition, err);
    pthread_mutex_unlock(&w->mutex);
    return rc;
}

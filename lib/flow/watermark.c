/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * watermark: gives the rows of a strand the column `_wm`, and the strand its watermark.
 *
 * The watermark of a row is the greatest event time of the rows before it in its split (partition), less
 * the out-of-orderness D; null while there is none before it. It is a fact of the row: however the input
 * is cut, it comes out the same. Row-wise operators must not wait for it, and may drop rows that count.
 * So it is made in two steps: a worker, before any operator, writes the greatest time of the rows before
 * within the morsel; the loop, as it delivers what is left of the morsel in order, raises that to the
 * greatest time of the morsels before, and takes D away.
 *
 * The watermark of the strand is the least over its splits; it decides only when windows are emitted. It
 * is not known until every split has had a row; but a split that has had none when the input pauses is
 * idle: nobody waits for it. When rows come, it counts again. They may be too late for windows that
 * closed meanwhile: `late_idle`. Times in nanoseconds are rounded down to microseconds.
 */
#include "arrow/hidden.h"
#include "flow/pipeline_int.h"
#include "op/window.h"

int sl_stamp_plan(struct sl_strand *s, int wanted, struct sl_err *err)
{
    assert(sl_strand_is_sound(s) && s->source->schema);
    const struct sl_source *source = s->source;
    sl_schema_unref(s->schema);
    s->schema = sl_schema_ref(source->schema);
    s->time = sl_schema_time_index(source->schema);
    s->stamps =
        wanted && source->out_of_order >= 0 && s->time >= 0 && sl_hidden_wm(source->schema) < 0;
    if (!s->stamps)
        return 0;
    struct sl_schema *wide = sl_schema_copy(source->schema);
    s->nsplits = SL_MAX(1, source->partitions);
    free(s->greatest);
    s->greatest = sl_malloc((size_t)s->nsplits * sizeof(*s->greatest));
    sl_schema_unref(s->schema);
    s->schema = wide;
    if (!wide || !s->greatest)
        return sl_err_nomem(err, "watermarks");
    for (int i = 0; i < s->nsplits; i++)
        s->greatest[i] = SL_TIME_MIN;
    return sl_schema_add(wide, SL_HIDDEN_WM, strlen(SL_HIDDEN_WM), sl_type_of(SL_TIMESTAMPTZ), err);
}

/* A new column of times, all null, and its values. */
static struct sl_column *new_times(size_t rows, int64_t **v, uint8_t **valid,
                                   struct sl_account *account, struct sl_err *err)
{
    struct sl_column *c = sl_column_new(sl_type_of(SL_TIMESTAMPTZ), rows);
    struct sl_buffer *data = c ? sl_buffer_new(account, rows * sizeof(**v)) : NULL;
    struct sl_buffer *bits = data ? sl_buffer_new(account, rows / 8 + 1) : NULL;
    if (!bits) {
        sl_buffer_unref(data);
        sl_column_unref(c);
        sl_err_nomem(err, "a column");
        return NULL;
    }
    memset(data->data, 0, rows * sizeof(**v));
    memset(bits->data, 0, rows / 8 + 1);
    *v = (int64_t *)data->data;
    *valid = bits->data;
    c->data = data->data;
    c->owner[1] = data;
    c->valid = bits->data;
    c->owner[0] = bits;
    return c;
}

/* A column has no bits for nulls where there is no null. */
static void drop_needless_bits(struct sl_column *c)
{
    if (sl_bits_count(c->valid, c->rows) < c->rows)
        return;
    sl_buffer_unref(c->owner[0]);
    c->owner[0] = NULL;
    c->valid = NULL;
}

/* The greatest times of the selected rows before each. */
static struct sl_column *times_before(struct sl_item *it, struct sl_batch *b, struct sl_err *err)
{
    assert(it->strand->time >= 0 && sl_batch_is_sound(b));
    struct sl_column *t = b->columns[it->strand->time];
    int64_t greatest = SL_TIME_MIN, *v;
    uint8_t *valid;
    if (sl_column_load(t, err) < 0)
        return NULL;
    struct sl_column *c = new_times(b->rows, &v, &valid, it->strand->source->account, err);
    for (size_t k = 0; c && k < b->selected; k++) {
        size_t row = sl_batch_row(b, k);
        if (greatest != SL_TIME_MIN) {
            v[row] = greatest;
            sl_bit_set(valid, row);
        }
        if (sl_column_null(t, row))
            continue;
        const struct sl_column *h;
        size_t slot = sl_column_slot(t, row, &h);
        greatest = SL_MAX(greatest, sl_time_usec(((const int64_t *)h->data)[slot], t->type.nsec));
    }
    it->greatest = greatest;
    if (c)
        drop_needless_bits(c);
    return c;
}

/* The columns of b under another schema, with one more, or another, at `at`. */
static struct sl_batch *with_column(struct sl_batch *b, struct sl_schema *schema, int at,
                                    struct sl_column *c, struct sl_err *err)
{
    assert(c->rows == b->rows && at >= 0 && at < schema->nfields);
    struct sl_batch *wide = sl_batch_new(schema, b->rows);
    if (!wide) {
        sl_err_nomem(err, "a batch");
        return NULL;
    }
    for (int i = 0; i < schema->nfields; i++) {
        struct sl_column *from = i == at ? c : i < b->schema->nfields ? b->columns[i] : NULL;
        wide->columns[i] = from ? sl_column_ref(from) : NULL;
    }
    wide->selected = b->selected;
    wide->selection = b->selection;
    wide->selection_owner = b->selection_owner ? sl_buffer_ref(b->selection_owner) : NULL;
    return wide;
}

struct sl_batch *sl_stamp_begin(struct sl_item *it, struct sl_batch *b, struct sl_err *err)
{
    assert(it->strand->stamps && sl_batch_is_sound(b));
    struct sl_column *c = times_before(it, b, err);
    struct sl_schema *schema = it->strand->schema;
    struct sl_batch *wide = c ? with_column(b, schema, schema->nfields - 1, c, err) : NULL;
    sl_column_unref(c);
    return wide;
}

static int64_t *split_of(const struct sl_item *it)
{
    assert(it->strand->greatest && it->strand->nsplits >= 1);
    const struct sl_strand *s = it->strand;
    return &s->greatest[s->nsplits > 1 ? it->morsel->split % s->nsplits : 0];
}

int sl_stamp_finish(struct sl_item *it, struct sl_batch **b, struct sl_err *err)
{
    int at = sl_hidden_wm((*b)->schema);
    int64_t before = *split_of(it), d = it->strand->source->out_of_order, *v;
    uint8_t *valid;
    if (at < 0)
        return 0;
    struct sl_column *own = (*b)->columns[at];
    int rc = sl_column_load(own, err);
    struct sl_column *c =
        rc < 0 ? NULL : new_times((*b)->rows, &v, &valid, it->strand->source->account, err);
    if (!c)
        return -(int)(err ? err->code : SL_ENOMEM);
    for (size_t k = 0; k < (*b)->selected; k++) {
        size_t row = sl_batch_row(*b, k);
        int64_t greatest = before;
        if (!sl_column_null(own, row)) {
            const struct sl_column *h;
            size_t slot = sl_column_slot(own, row, &h);
            greatest = SL_MAX(greatest, ((const int64_t *)h->data)[slot]);
        }
        if (greatest == SL_TIME_MIN)
            continue;
        v[row] = sl_time_add(greatest, -d);
        sl_bit_set(valid, row);
    }
    drop_needless_bits(c);
    struct sl_batch *stamped = with_column(*b, (*b)->schema, at, c, err);
    sl_column_unref(c);
    if (!stamped)
        return -(int)(err ? err->code : SL_ENOMEM);
    sl_batch_unref(*b);
    *b = stamped;
    return 0;
}

void sl_stamp_advance(struct sl_item *it)
{
    int64_t *greatest = split_of(it);
    *greatest = SL_MAX(*greatest, it->greatest);
}

void sl_stamp_take_up(struct sl_strand *s)
{
    for (int i = 0; s->stamps && s->source->greatest && i < s->nsplits; i++)
        s->greatest[i] = s->source->greatest[i];
}

void sl_stamp_tell(const struct sl_strand *s)
{
    int is_head = s->stamps && s->p->role == SL_ROLE_HEAD;
    for (int i = 0; s->source->greatest && i < SL_MAX(1, s->source->partitions); i++)
        s->source->greatest[i] = is_head ? s->greatest[i] : SL_TIME_MIN;
}

int64_t sl_stamp_watermark(const struct sl_strand *s)
{
    assert(s->greatest && s->nsplits >= 1);
    int64_t least = SL_TIME_MAX;
    for (int i = 0; i < s->nsplits; i++)
        if (!s->paused || s->greatest[i] != SL_TIME_MIN)
            least = SL_MIN(least, s->greatest[i]);
    return least == SL_TIME_MAX || least == SL_TIME_MIN
               ? least
               : sl_time_add(least, -s->source->out_of_order);
}

int sl_stamp_waits_for(const struct sl_strand *s)
{
    assert(s->greatest && s->nsplits >= 1);
    int64_t least = SL_TIME_MAX, most = SL_TIME_MIN;
    int last = -1;
    for (int i = 0; i < s->nsplits; i++) {
        if (s->greatest[i] == SL_TIME_MIN)
            continue;
        most = SL_MAX(most, s->greatest[i]);
        if (s->greatest[i] < least) {
            least = s->greatest[i];
            last = i;
        }
    }
    return last >= 0 && sl_time_add(most, -s->source->out_of_order) > least ? last : -1;
}

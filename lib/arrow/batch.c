/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* batch: life of batches and what makes one batch of another. */
#include "arrow/batch.h"

#include "arrow/column_int.h"

struct sl_batch *sl_batch_new(struct sl_schema *schema, size_t rows)
{
    assert(sl_schema_is_sound(schema));
    assert(schema);
    struct sl_batch *b = sl_calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->columns = sl_calloc((size_t)schema->nfields + 1, sizeof *b->columns);
    if (!b->columns) {
        free(b);
        return NULL;
    }
    atomic_init(&b->refs, 1);
    b->schema = sl_schema_ref(schema);
    b->rows = b->selected = rows;
    return b;
}

struct sl_batch *sl_batch_ref(struct sl_batch *b)
{
    int held = atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    assert(held > 0);
    return b;
}

void sl_batch_unref(struct sl_batch *b)
{
    assert(!b || b->refs > 0);
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < b->schema->nfields; i++)
        sl_column_unref(b->columns[i]);
    sl_buffer_unref(b->selection_owner);
    sl_schema_unref(b->schema);
    free(b->columns);
    free(b);
}

/* Same schema, and physical rows; columns shared; no selection. */
static struct sl_batch *derive(struct sl_batch *b, struct sl_err *err)
{
    struct sl_batch *d = sl_batch_new(b->schema, b->rows);
    if (!d)
        return sl_err_no_memory(err, "a batch");
    for (int i = 0; i < b->schema->nfields; i++)
        d->columns[i] = b->columns[i] ? sl_column_ref(b->columns[i]) : NULL;
    return d;
}

struct sl_batch *sl_batch_select(struct sl_batch *b, struct sl_buffer *selection, size_t n,
                                 struct sl_err *err)
{
    assert(sl_batch_is_sound(b) && selection && n <= b->rows);
    assert(n <= b->rows);
    struct sl_batch *d = derive(b, err);
    if (!d) {
        sl_buffer_unref(selection);
        return NULL;
    }
    assert(n * sizeof(uint32_t) <= selection->size);
    d->selection_owner = selection;
    d->selection = (uint32_t *)selection->data;
    d->selected = n;
    return d;
}

struct sl_batch *sl_batch_pick(struct sl_batch *b, const uint32_t *rows, size_t n,
                               struct sl_account *account, struct sl_err *err)
{
    assert(sl_batch_is_sound(b) && n <= b->rows);
    assert(n <= b->rows && (rows || !n));
    struct sl_buffer *sel = sl_buffer_new(account, n * sizeof(*rows));
    if (!sel)
        return sl_err_no_memory(err, "a selection");
    if (n)
        memcpy(sel->data, rows, n * sizeof(*rows));
    return sl_batch_select(b, sel, n, err);
}

/* The first n rows are the selected ones. */
static int is_prefix(const struct sl_batch *b)
{
    for (size_t k = 0; k < b->selected; k++) {
        if (b->selection[k] != k)
            return 0;
    }
    return 1;
}

struct sl_batch *sl_batch_compact(struct sl_batch *b, struct sl_account *account,
                                  struct sl_err *err)
{
    assert(sl_batch_is_sound(b));
    if (!b->selection)
        return sl_batch_ref(b);
    struct sl_batch *d = sl_batch_new(b->schema, b->selected);
    if (!d)
        return sl_err_no_memory(err, "a batch");
    const uint32_t *sel = is_prefix(b) ? NULL : b->selection;
    for (int i = 0; i < b->schema->nfields; i++) {
        if (!b->columns[i])
            continue;
        d->columns[i] = sel ? sl_column_take(b->columns[i], sel, b->selected, account, err)
                            : sl_column_slice(b->columns[i], 0, b->selected, err);
        if (!d->columns[i])
            goto fail;
    }
    return d;
fail:
    sl_batch_unref(d);
    return NULL;
}

static struct sl_batch *slice_selection(struct sl_batch *b, size_t from, size_t n,
                                        struct sl_err *err)
{
    struct sl_batch *d = derive(b, err);
    if (!d)
        return NULL;
    d->selection_owner = b->selection_owner ? sl_buffer_ref(b->selection_owner) : NULL;
    d->selection = b->selection + from;
    d->selected = n;
    return d;
}

struct sl_batch *sl_batch_slice(struct sl_batch *b, size_t from, size_t n, struct sl_err *err)
{
    assert(sl_batch_is_sound(b));
    assert(from <= b->selected && n <= b->selected - from);
    if (n == b->selected)
        return sl_batch_ref(b);
    if (b->selection)
        return slice_selection(b, from, n, err);
    struct sl_batch *d = sl_batch_new(b->schema, n);
    if (!d)
        return sl_err_no_memory(err, "a batch");
    for (int i = 0; i < b->schema->nfields; i++) {
        if (!b->columns[i])
            continue;
        d->columns[i] = sl_column_slice(b->columns[i], from, n, err);
        if (!d->columns[i]) {
            sl_batch_unref(d);
            return NULL;
        }
    }
    return d;
}

struct sl_batch *sl_batch_cast(struct sl_batch *b, struct sl_schema *to, struct sl_err *err)
{
    assert(sl_batch_is_sound(b) && sl_schema_is_sound(to));
    if (b->schema == to)
        return sl_batch_ref(b);
    struct sl_batch *d = sl_batch_new(to, b->rows);
    if (!d)
        return sl_err_no_memory(err, "a batch");
    for (int i = 0; i < to->nfields; i++) {
        const struct sl_field *f = &to->fields[i];
        int from = sl_schema_find(b->schema, f->name, strlen(f->name));
        if (from < 0)
            d->columns[i] = sl_column_nulls(f->type, b->rows, err);
        else if (b->columns[from])
            d->columns[i] = sl_column_cast(b->columns[from], f->type, err);
        else
            continue; /* a column that was not asked for stays absent */
        if (!d->columns[i]) {
            if (err)
                sl_err_place(err, "column %s", f->name);
            sl_batch_unref(d);
            return NULL;
        }
    }
    d->selection = b->selection;
    d->selection_owner = b->selection_owner ? sl_buffer_ref(b->selection_owner) : NULL;
    d->selected = b->selected;
    return d;
}

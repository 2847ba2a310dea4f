/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* store: see store.h. */
#include "arrow/builder.h"
#include "state/store.h"

int sl_state_damaged(const char *table, struct sl_err *err)
{
    assert(table);
    sl_err_set(err, SL_ECORRUPT, "the saved state does not fit this plan: table %s", table);
    return sl_err_hint(err, "--reset-state starts without it");
}

int sl_state_put(struct sl_store *store, const char *table, const char *const *names, int n,
                 const int64_t *values, size_t rows, struct sl_err *err)
{
    assert(names && (values || !rows));
    assert(n > 0 && n <= SL_STATE_COLUMNS);
    struct sl_schema *schema = sl_schema_new();
    struct sl_batch *b = NULL;
    struct sl_builder build;
    int rc = schema ? 0 : sl_err_nomem(err, "state");

    for (int c = 0; rc >= 0 && c < n; c++)
        rc = sl_schema_add(schema, names[c], strlen(names[c]), sl_type_of(SL_BIGINT), err);
    if (rc >= 0 && !(b = sl_batch_new(schema, rows)))
        rc = sl_err_nomem(err, "state");
    for (int c = 0; rc >= 0 && c < n; c++) {
        sl_builder_init(&build, sl_type_of(SL_BIGINT), NULL, 0);
        for (size_t i = 0; i < rows; i++)
            sl_builder_int(&build, values[i * (size_t)n + (size_t)c]);
        b->columns[c] = sl_builder_finish(&build, err);
        if (!b->columns[c])
            rc = -SL_ENOMEM;
        sl_builder_release(&build);
    }
    if (rc >= 0)
        rc = store->put(store, table, b, err);
    sl_batch_unref(b);
    sl_schema_unref(schema);
    return rc < 0 ? rc : 0;
}

int sl_state_put_rows(struct sl_store *store, const char *table, struct sl_batch *batch,
                      struct sl_err *err)
{
    assert(sl_batch_is_sound(batch));
    assert(!batch->selection);
    struct sl_batch *b = sl_batch_new(batch->schema, batch->rows);
    int rc = b ? 0 : sl_err_nomem(err, "state");
    for (int c = 0; rc >= 0 && c < batch->schema->nfields; c++) {
        b->columns[c] = batch->columns[c]
                            ? sl_column_ref(batch->columns[c])
                            : sl_column_nulls(batch->schema->fields[c].type, batch->rows, err);
        if (!b->columns[c])
            rc = -SL_ENOMEM;
    }
    if (rc >= 0)
        rc = store->put(store, table, b, err);
    sl_batch_unref(b);
    return SL_MIN(rc, 0);
}

int sl_state_next(struct sl_store *store, const char *table, uint64_t *cursor, int n,
                  struct sl_batch **out, struct sl_err *err)
{
    assert(cursor && out);
    assert(n > 0);
    *out = NULL;
    int rc = store->get(store, table, cursor, out, err);
    if (rc <= 0)
        return rc;
    if ((*out)->schema->nfields != n || (*out)->selection)
        rc = sl_state_damaged(table, err);
    for (int c = 0; rc >= 0 && c < n; c++) {
        if (!(*out)->columns[c])
            rc = sl_state_damaged(table, err);
        else
            rc = sl_column_load((*out)->columns[c], err);
    }
    if (rc >= 0)
        return 1;
    sl_batch_unref(*out);
    *out = NULL;
    return rc;
}

int sl_state_get(struct sl_store *store, const char *table, int n,
                 int (*each)(void *arg, const int64_t *values, struct sl_err *err), void *arg,
                 struct sl_err *err)
{
    assert(each);
    assert(n > 0 && n <= SL_STATE_COLUMNS);
    int64_t values[SL_STATE_COLUMNS];
    uint64_t cursor = 0;
    struct sl_batch *b;
    int rc;

    while ((rc = sl_state_next(store, table, &cursor, n, &b, err)) > 0) {
        for (int c = 0; rc >= 0 && c < n; c++)
            if (b->schema->fields[c].type.kind != SL_BIGINT)
                rc = sl_state_damaged(table, err);
        for (size_t i = 0; rc >= 0 && i < b->rows; i++) {
            for (int c = 0; rc >= 0 && c < n; c++) {
                const struct sl_column *h;
                if (sl_column_null(b->columns[c], i)) {
                    rc = sl_state_damaged(table, err);
                } else {
                    size_t k = sl_column_slot(b->columns[c], i, &h);
                    values[c] = ((const int64_t *)h->data)[k];
                }
            }
            if (rc >= 0)
                rc = each(arg, values, err);
        }
        sl_batch_unref(b);
        if (rc < 0)
            return rc;
    }
    return rc;
}

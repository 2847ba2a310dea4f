/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* hidden: see hidden.h. */
#include "base/compat.h"
#include "arrow/hidden.h"

int sl_hidden_is(const char *name)
{
    return strcmp(name, SL_HIDDEN_WM) == 0;
}

struct sl_schema *sl_hidden_schema(struct sl_schema *s, struct sl_err *err)
{
    int hidden = 0;
    for (int i = 0; i < s->nfields; i++)
        hidden |= sl_hidden_is(s->fields[i].name);
    if (!hidden)
        return sl_schema_ref(s);
    struct sl_schema *out = sl_schema_new();
    for (int i = 0; out && i < s->nfields; i++) {
        const char *name = s->fields[i].name;
        if (sl_hidden_is(name))
            continue;
        if (sl_schema_add(out, name, strlen(name), s->fields[i].type, err) < 0) {
            sl_schema_unref(out);
            return NULL;
        }
    }
    if (!out)
        sl_err_nomem(err, "a schema");
    return out;
}

struct sl_batch *sl_hidden_strip(struct sl_batch *b, struct sl_err *err)
{
    int hidden = 0;
    for (int i = 0; i < b->schema->nfields; i++)
        hidden |= sl_hidden_is(b->schema->fields[i].name);
    if (!hidden)
        return sl_batch_ref(b);
    struct sl_schema *s = sl_hidden_schema(b->schema, err);
    struct sl_batch *v = s ? sl_batch_new(s, b->rows) : NULL;
    for (int i = 0, k = 0; v && i < b->schema->nfields; i++)
        if (!sl_hidden_is(b->schema->fields[i].name))
            v->columns[k++] = sl_column_ref(b->columns[i]);
    if (v && b->selection) {
        struct sl_batch *sel =
            sl_batch_select(v, sl_buffer_ref(b->selection_owner), b->selected, err);
        sl_batch_unref(v);
        v = sel;
    }
    sl_schema_unref(s);
    if (!v)
        sl_err_nomem(err, "a batch");
    return v;
}

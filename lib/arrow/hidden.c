/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* hidden: see hidden.h. */
#include "base/compat.h"
#include "arrow/hidden.h"

static int find(const struct sl_schema *s, const char *name)
{
    int i = sl_schema_find(s, name, strlen(name));
    return i >= 0 && s->fields[i].type.kind == SL_BIGINT ? i : -1;
}

int sl_hidden_order(const struct sl_schema *s, int *partition, int *offset)
{
    assert(sl_schema_is_sound(s) && partition && offset);
    int says = sl_schema_meta(s, SL_META_ORDER) != NULL;
    *partition = says ? find(s, SL_HIDDEN_PARTITION) : -1;
    *offset = says ? find(s, SL_HIDDEN_OFFSET) : -1;
    if (*partition < 0 || *offset < 0)
        *partition = *offset = -1;
    return *partition >= 0;
}

int sl_hidden_is(const struct sl_schema *s, int i)
{
    assert(i >= 0 && i < s->nfields);
    const char *name = s->fields[i].name, *order;
    if (name[0] != '_')
        return 0;
    if (strcmp(name, SL_HIDDEN_WM) == 0)
        return 1;
    if (strcmp(name, SL_HIDDEN_PARTITION) != 0 && strcmp(name, SL_HIDDEN_OFFSET) != 0)
        return 0;
    order = sl_schema_meta(s, SL_META_ORDER);
    return order && strcmp(order, "hidden") == 0;
}

static int any(const struct sl_schema *s)
{
    int n = 0;
    for (int i = 0; i < s->nfields; i++)
        n += sl_hidden_is(s, i);
    return n;
}

struct sl_schema *sl_hidden_schema(struct sl_schema *s, struct sl_err *err)
{
    assert(sl_schema_is_sound(s));
    if (!any(s))
        return sl_schema_ref(s);
    struct sl_schema *out = sl_schema_new();
    for (int i = 0; out && i < s->nfields; i++) {
        const char *name = s->fields[i].name;
        if (sl_hidden_is(s, i))
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
    assert(sl_batch_is_sound(b));
    if (!any(b->schema))
        return sl_batch_ref(b);
    struct sl_schema *s = sl_hidden_schema(b->schema, err);
    struct sl_batch *v = s ? sl_batch_new(s, b->rows) : NULL;
    for (int i = 0, k = 0; v && i < b->schema->nfields; i++)
        if (!sl_hidden_is(b->schema, i))
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

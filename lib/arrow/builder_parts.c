/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
#include "arrow/builder_parts.h"

#include "arrow/column_int.h"

/* A run of rows of one column; runs of nulls have none. */
struct part {
    struct sl_column *column;
    size_t from, n; /* into sel */
};

struct sl_builder_parts {
    struct part *parts;
    size_t nparts, cap_parts;
    uint32_t *sel;
    size_t nsel, cap_sel;
};

int sl_builder_parts_add(struct sl_builder_parts **pp, const struct sl_column *c, size_t i)
{
    assert(pp && sl_column_is_sound(c));
    if (!*pp && !(*pp = sl_calloc(1, sizeof **pp)))
        return -SL_ENOMEM;
    struct sl_builder_parts *p = *pp;
    int rc = SL_GROW(p->sel, p->nsel + 1, p->cap_sel, "a column", NULL);
    if (rc < 0)
        return rc;
    if (!p->nparts || p->parts[p->nparts - 1].column != c) {
        rc = SL_GROW(p->parts, p->nparts + 1, p->cap_parts, "a column", NULL);
        if (rc < 0)
            return rc;
        /* counting references is the one change that a borrowed column sees */
        struct sl_column *held = c ? sl_column_ref((struct sl_column *)c) : NULL;
        p->parts[p->nparts++] = (struct part){.column = held, .from = p->nsel};
    }
    p->parts[p->nparts - 1].n++;
    p->sel[p->nsel++] = (uint32_t)i;
    return 0;
}

struct sl_column *sl_builder_parts_finish(struct sl_builder_parts *p, struct sl_type type,
                                          struct sl_account *account, struct sl_err *err)
{
    if (!p)
        return sl_foreign_nulls(type, 0, account, err);
    struct sl_column *out = NULL, **taken = sl_calloc(p->nparts, sizeof(struct sl_column *));
    if (!taken)
        return sl_err_no_memory(err, "a column");
    for (size_t i = 0; i < p->nparts; i++) {
        struct part *part = &p->parts[i];
        taken[i] = part->column
                       ? sl_column_take(part->column, p->sel + part->from, part->n, account, err)
                       : sl_column_nulls(type, part->n, err);
        if (!taken[i])
            goto out;
    }
    out = sl_column_concat(taken, p->nparts, account, err);
out:
    for (size_t i = 0; i < p->nparts; i++)
        sl_column_unref(taken[i]);
    free(taken);
    return out;
}

void sl_builder_parts_free(struct sl_builder_parts *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->nparts; i++)
        sl_column_unref(p->parts[i].column);
    free(p->parts);
    free(p->sel);
    free(p);
}

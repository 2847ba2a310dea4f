/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * batch_check: what column.h and batch.h promise of every column and batch, looked at row by row.
 *
 * Builds with sanitizers check each batch that an operator gives or takes (SL_CHECK in compat.h), so
 * that a broken batch is found where it was made and not where its consumer fails.
 */
#include "arrow/batch.h"
#include "base/utf8.h"

/* Bytes [p, p + n) belong to a buffer that the column holds. An empty range need not. */
static int is_owned(const struct sl_column *c, const void *p, size_t n)
{
    const uint8_t *at = p;
    for (int i = 0; n && i < SL_COLUMN_OWNERS; i++) {
        const struct sl_buffer *b = c->owner[i];
        if (b && at >= b->data && at <= b->data + b->capacity &&
            n <= (size_t)(b->data + b->capacity - at))
            return 1;
    }
    return n == 0;
}

static const char *check_valid(const struct sl_column *c, size_t held)
{
    if (!c->valid)
        return NULL;
    if (held && sl_bits_count(c->valid, held) == held)
        return "column: validity without a null row";
    return NULL;
}

/* `held` values in data and offsets. */
static const char *check_bytes(const struct sl_column *c, size_t held)
{
    if (!held)
        return NULL;
    if (!c->offsets || !is_owned(c, c->offsets, (held + 1) * sizeof(*c->offsets)))
        return "column: offsets without an owner";
    if (c->offsets[0] < 0)
        return "column: an offset below 0";
    for (size_t i = 0; i < held; i++)
        if (c->offsets[i + 1] < c->offsets[i])
            return "column: an offset that falls";
    size_t n = (size_t)(c->offsets[held] - c->offsets[0]);
    if (n && !is_owned(c, (const char *)c->data + c->offsets[0], n))
        return "column: bytes without an owner";
    for (size_t i = 0; c->type.kind == SL_TEXT && i < held; i++)
        if ((!c->valid || sl_bit(c->valid, i)) &&
            !sl_utf8_valid((const char *)c->data + c->offsets[i],
                           (size_t)(c->offsets[i + 1] - c->offsets[i])))
            return "column: a text that is no UTF-8";
    return NULL;
}

static const char *check_values(const struct sl_column *c, size_t held)
{
    size_t width = sl_type_width(c->type);
    if (c->type.kind == SL_FOREIGN)
        return c->form == SL_CONST && held && (!c->valid || sl_bit(c->valid, 0))
                   ? "column: a CONST value of a FOREIGN type"
                   : NULL;
    if (c->nchildren || c->children)
        return "column: children of a type that is not FOREIGN";
    if (c->form == SL_CONST && held && c->valid)
        return NULL; /* a null */
    if (sl_type_is_bytes(c->type))
        return check_bytes(c, held);
    size_t bytes = c->type.kind == SL_BOOL ? (held + 7) / 8 : held * width;
    return is_owned(c, c->data, bytes) ? NULL : "column: values without an owner";
}

static const char *check_dict(const struct sl_column *c)
{
    const struct sl_column *d = c->dict;
    const int32_t *codes = c->data;
    if (!d || d->form != SL_PLAIN || !d->rows || d->valid)
        return "column: a dict that is not PLAIN, is empty or has a null";
    if (!sl_type_equal(d->type, c->type))
        return "column: a dict of another type";
    if (!is_owned(c, codes, c->rows * sizeof(*codes)))
        return "column: codes without an owner";
    for (size_t i = 0; i < c->rows; i++) {
        if (codes[i] < 0 || (size_t)codes[i] >= d->rows)
            return "column: a code beyond the dict";
        if (codes[i] && c->valid && !sl_bit(c->valid, i))
            return "column: a null row whose code is not 0";
    }
    return sl_column_check(d);
}

const char *sl_column_check(const struct sl_column *c)
{
    size_t held = c->form == SL_CONST ? SL_MIN(c->rows, (size_t)1) : c->rows;
    if (atomic_load(&c->refs) < 1)
        return "column: used after its last reference";
    if (c->form > SL_LAZY || !c->type.kind)
        return "column: no form or no type";
    if (c->form == SL_LAZY)
        return c->lazy ? NULL : "column: LAZY without a way to load it";
    if (c->lazy)
        return "column: loaded, and still with a way to load it";
    if ((c->dict != NULL) != (c->form == SL_DICT))
        return "column: DICT without a dict, or a dict without DICT";
    const char *broken = check_valid(c, held);
    if (!broken)
        broken = c->form == SL_DICT ? check_dict(c) : check_values(c, held);
    return broken;
}

static const char *check_selection(const struct sl_batch *b)
{
    if (!b->selection)
        return b->selected == b->rows ? NULL : "batch: selected rows without a selection";
    for (size_t k = 0; k < b->selected; k++) {
        if (b->selection[k] >= b->rows)
            return "batch: a selected row beyond the rows";
        if (k && b->selection[k] <= b->selection[k - 1])
            return "batch: a selection out of order";
    }
    return NULL;
}

const char *sl_batch_check(const struct sl_batch *b)
{
    if (atomic_load(&b->refs) < 1)
        return "batch: used after its last reference";
    const char *broken = check_selection(b);
    for (int i = 0; !broken && i < b->schema->nfields; i++) {
        const struct sl_column *c = b->columns[i];
        if (!c)
            continue;
        if (c->rows != b->rows)
            broken = "batch: a column of another number of rows";
        else if (!sl_type_equal(c->type, b->schema->fields[i].type))
            broken = "batch: a column of another type than its field's";
        else if (c->type.kind == SL_DECIMAL)
            broken = "batch: a column of a type that is for expressions only";
        else
            broken = sl_column_check(c);
    }
    return broken;
}

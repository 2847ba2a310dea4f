/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* pile: see pile.h. Tiny batches are put together to parts, parts to the batch that is taken. */
#include "base/compat.h"
#include "arrow/pile.h"

enum { HELD_MAX = 16 << 20 };

int64_t sl_batch_room(const struct sl_batch *b)
{
    assert(sl_batch_is_sound(b));
    int64_t n = 0, rows = (int64_t)b->rows;
    for (int i = 0; i < b->schema->nfields; i++) {
        const struct sl_column *c = b->columns[i];
        int64_t times = c->form == SL_CONST ? rows : 1;
        n += 16 * rows;
        if (c->form == SL_DICT)
            c = c->dict;
        if (c->offsets)
            n += times * (c->offsets[c->form == SL_CONST ? 1 : c->rows] - c->offsets[0]);
    }
    return n;
}

static int64_t held_by(const struct sl_column *c)
{
    int64_t n = c->dict ? held_by(c->dict) : 0;
    for (int i = 0; i < SL_COLUMN_OWNERS; i++)
        n += c->owner[i] ? (int64_t)c->owner[i]->size : 0;
    return n;
}

/* One batch of the n of a list, whose references go. */
static int put_together(struct sl_pile *p, struct sl_batch **list, size_t n, struct sl_batch **out,
                        struct sl_err *err)
{
    struct sl_column *cols[SL_PILE_BATCHES];
    size_t rows = 0;
    struct sl_batch *b = list[0];

    for (size_t i = 0; i < n; i++)
        rows += list[i]->rows;
    if (n > 1 && !(b = sl_batch_new(list[0]->schema, rows)))
        return sl_err_nomem(err, "a batch");
    for (int c = 0; n > 1 && c < b->schema->nfields; c++) {
        for (size_t i = 0; i < n; i++)
            cols[i] = list[i]->columns[c];
        b->columns[c] = sl_column_concat(cols, n, p->account, err);
        if (!b->columns[c]) {
            sl_batch_unref(b);
            return err ? -(int)err->code : -SL_ENOMEM;
        }
    }
    for (size_t i = 0; n > 1 && i < n; i++)
        sl_batch_unref(list[i]);
    *out = b;
    return 0;
}

static int stack(struct sl_pile *p, struct sl_err *err)
{
    int rc = 0;
    if (p->nparts == SL_PILE_BATCHES &&
        (rc = put_together(p, p->parts, p->nparts, p->parts, err)) == 0)
        p->nparts = 1;
    if (rc == 0 && p->ntiny)
        rc = put_together(p, p->tiny, p->ntiny, &p->parts[p->nparts], err);
    if (rc < 0 || !p->ntiny)
        return rc;
    p->nparts++;
    p->ntiny = 0;
    p->held = 0;
    return 0;
}

static int is_sound(const struct sl_pile *p)
{
    return p->nparts <= SL_PILE_BATCHES && p->ntiny <= SL_PILE_BATCHES && p->rows >= 0 &&
           p->held >= 0;
}

int sl_pile_add(struct sl_pile *p, struct sl_batch *b, struct sl_err *err)
{
    assert(is_sound(p) && sl_batch_is_sound(b));
    assert(!b->selection && b->selected == b->rows);
    int rc = 0;
    assert(!b->selection && (!p->rows || sl_schema_equal(p->schema, b->schema)));
    if (p->ntiny == SL_PILE_BATCHES || (p->ntiny > 1 && p->held > HELD_MAX))
        rc = stack(p, err);
    if (rc < 0) {
        sl_batch_unref(b);
        return rc;
    }
    for (int i = 0; i < b->schema->nfields; i++)
        p->held += held_by(b->columns[i]);
    p->tiny[p->ntiny++] = b;
    p->schema = b->schema;
    p->rows += (int64_t)b->rows;
    p->room += sl_batch_room(b);
    return 0;
}

int sl_pile_take(struct sl_pile *p, struct sl_batch **out, struct sl_err *err)
{
    assert(is_sound(p) && out);
    int rc = stack(p, err);
    if (rc < 0 || !p->nparts)
        return rc;
    rc = put_together(p, p->parts, p->nparts, out, err);
    if (rc < 0)
        return rc;
    assert((int64_t)(*out)->rows == p->rows);
    p->nparts = 0;
    p->rows = p->room = 0;
    return 1;
}

void sl_pile_clear(struct sl_pile *p)
{
    assert(is_sound(p));
    while (p->ntiny)
        sl_batch_unref(p->tiny[--p->ntiny]);
    while (p->nparts)
        sl_batch_unref(p->parts[--p->nparts]);
    p->rows = p->room = p->held = 0;
}

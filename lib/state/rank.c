/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* rank: see rank.h. */
#include "arrow/hidden.h"
#include "state/cells.h"
#include "state/rank.h"

void sl_ranker_bind(struct sl_ranker *r, const struct sl_schema *in)
{
    assert(r && sl_schema_is_sound(in));
    *r = (struct sl_ranker){0};
    sl_hidden_order(in, &r->partition, &r->offset);
}

void sl_ranker_needs(const struct sl_ranker *r, uint8_t *in)
{
    assert((r->partition < 0) == (r->offset < 0));
    if (r->offset < 0)
        return;
    sl_bit_set(in, (size_t)r->partition);
    sl_bit_set(in, (size_t)r->offset);
}

int sl_ranker_rank(const struct sl_ranker *r, struct sl_batch *b, int64_t first,
                   struct sl_rank *out, struct sl_err *err)
{
    assert((r->partition < 0) == (r->offset < 0) && first >= 0 && sl_batch_is_sound(b));
    if (r->offset < 0) {
        for (size_t k = 0; k < b->selected; k++)
            out[k] = (struct sl_rank){.seq = first + (int64_t)sl_batch_row(b, k)};
        return 0;
    }
    struct sl_column *p = b->columns[r->partition], *o = b->columns[r->offset];
    int rc = sl_column_load(p, err);
    if (rc >= 0)
        rc = sl_column_load(o, err);
    for (size_t k = 0; rc >= 0 && k < b->selected; k++) {
        size_t row = sl_batch_row(b, k);
        int known = !sl_column_null(p, row) && !sl_column_null(o, row); /* else: not of a log */
        out[k].partition = known ? (int32_t)sl_column_get8(p, row) : -1;
        out[k].seq = known ? sl_column_get8(o, row) : first + (int64_t)row;
    }
    return rc < 0 ? rc : 0;
}

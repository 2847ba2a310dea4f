/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * rank: where each row stands among all rows of the input, for ties, first and last.
 *
 * A row's rank is its (partition, offset) where the schema has these columns (arrow/hidden.h): a fact
 * of the row, the same however partitions interleave and whichever thread sees it. Without them it
 * is the number of the row in the order of arrival, which is then the order of the input.
 */
#ifndef SL_STATE_RANK_H
#define SL_STATE_RANK_H

#include "arrow/batch.h"

struct sl_rank {
    int64_t seq;
    int32_t partition;
};

struct sl_ranker {
    int partition, offset; /* columns; -1: rows rank by arrival */
    int64_t next;          /* the number of the row that arrives next */
};

/* Rows of this schema from now on. */
void sl_ranker_bind(struct sl_ranker *r, const struct sl_schema *in);
/* For needs(): sets the bits of its columns. */
void sl_ranker_needs(const struct sl_ranker *r, uint8_t *in);
/* Numbers the physical rows of b, a batch of the input: row i has the returned number + i. */
static inline int64_t sl_ranker_take(struct sl_ranker *r, const struct sl_batch *b)
{
    int64_t first = r->next;
    r->next += (int64_t)b->rows;
    return first;
}
/* Ranks of the selected rows of b, which has the physical rows of a batch that was given `first`. */
int sl_ranker_rank(const struct sl_ranker *r, struct sl_batch *b, int64_t first,
                   struct sl_rank *out, struct sl_err *err);

static inline int sl_rank_compare(const struct sl_rank *a, const struct sl_rank *b)
{
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return (a->seq > b->seq) - (a->seq < b->seq);
}

#endif

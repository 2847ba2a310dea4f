/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* sequence: see sequence.h. */
#include "state/sequence.h"

void sl_sequence_init(struct sl_sequence *s, struct sl_account *account)
{
    s->n = 0;
    sl_vec_init(&s->next, account);
}

void sl_sequence_release(struct sl_sequence *s)
{
    sl_vec_release(&s->next);
    s->n = 0;
}

static struct sl_sequence_next *find(struct sl_sequence *s, int32_t partition, struct sl_err *err)
{
    struct sl_sequence_next *all = s->next.data;
    for (size_t i = 0; i < s->n; i++)
        if (all[i].partition == partition)
            return &all[i];
    if (sl_vec_reserve(&s->next, (s->n + 1) * sizeof(*all), err) < 0)
        return NULL;
    all = s->next.data;
    all[s->n] = (struct sl_sequence_next){.partition = partition};
    return &all[s->n++];
}

int sl_sequence_take(struct sl_sequence *s, const struct sl_batch *b, int64_t *first,
                     struct sl_err *err)
{
    struct sl_sequence_next *p = find(s, b->origin.partition, err);
    if (!p)
        return -SL_ENOMEM;
    *first = b->origin.base >= 0 ? b->origin.base : p->next;
    p->next = SL_MAX(p->next, *first + (int64_t)b->rows);
    return 0;
}

int sl_sequence_raise(struct sl_sequence *s, int32_t partition, int64_t next, struct sl_err *err)
{
    struct sl_sequence_next *p = find(s, partition, err);
    if (!p)
        return -SL_ENOMEM;
    p->next = SL_MAX(p->next, next);
    return 0;
}

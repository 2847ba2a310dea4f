/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* acc_count: count(*) and count(x), one bigint a group. */
#include "state/acc.h"

struct count {
    struct sl_acc acc;
    struct sl_vec n; /* int64_t */
};

static int init(struct sl_acc *a, struct sl_err *err SL_UNUSED)
{
    sl_vec_init(&((struct count *)a)->n, a->account);
    return 0;
}

static int reserve(struct sl_acc *a, size_t n, struct sl_err *err)
{
    return sl_vec_reserve(&((struct count *)a)->n, n * 8, err);
}

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err SL_UNUSED)
{
    int64_t *n = ((struct count *)a)->n.data;
    const uint32_t *g = r->group;

    if (arg && arg->valid && arg->form == SL_CONST && !sl_bit(arg->valid, 0))
        return 0;
    if (!arg || !arg->valid || arg->form == SL_CONST) {
        if (!g)
            n[0] += (int64_t)r->n;
        for (size_t i = 0; g && i < r->n; i++)
            n[g[i]]++;
    } else if (!g) {
        n[0] += (int64_t)sl_bits_count(arg->valid, r->n);
    } else {
        for (size_t i = 0; i < r->n; i++)
            n[g[i]] += sl_bit(arg->valid, i);
    }
    return 0;
}

static int result(struct sl_acc *a, const struct sl_agg_call *call SL_UNUSED, uint32_t group,
                  struct sl_builder *b, struct sl_err *err SL_UNUSED)
{
    sl_builder_int(b, ((const int64_t *)((struct count *)a)->n.data)[group]);
    return 0;
}

static int combine(struct sl_acc *to, struct sl_acc *from, const uint32_t *map, size_t n,
                   struct sl_err *err SL_UNUSED)
{
    int64_t *sums = ((struct count *)to)->n.data;
    const int64_t *more = ((struct count *)from)->n.data;
    for (size_t g = 0; g < n; g++)
        if (map[g] != SL_GROUP_NONE)
            sums[map[g]] += more[g];
    return 0;
}

static void pack(struct sl_acc *a, uint32_t group, uint64_t *cursor, struct sl_buf *out)
{
    sl_buf_add(out, (const int64_t *)((struct count *)a)->n.data + group, 8);
    *cursor = 0;
}

static int absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err)
{
    int64_t v;
    if (n != 8)
        return sl_acc_damaged(err);
    memcpy(&v, s, 8);
    ((int64_t *)((struct count *)a)->n.data)[group] += v;
    return 0;
}

static void reset(struct sl_acc *a, uint32_t group)
{
    ((int64_t *)((struct count *)a)->n.data)[group] = 0;
}

static void release(struct sl_acc *a)
{
    sl_vec_release(&((struct count *)a)->n);
}

const struct sl_acc_class sl_acc_count = {
    .size = sizeof(struct count),
    .init = init,
    .reserve = reserve,
    .add = add,
    .result = result,
    .combine = combine,
    .pack = pack,
    .absorb = absorb,
    .reset = reset,
    .release = release,
};

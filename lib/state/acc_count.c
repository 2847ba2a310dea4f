/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* acc_count: count(*) and count(x), one bigint a group. */
#include "state/acc.h"

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err SL_UNUSED)
{
    int64_t *n = a->cells.data;
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
    sl_builder_int(b, ((const int64_t *)a->cells.data)[group]);
    return 0;
}

const struct sl_acc_class sl_acc_count = {
    .size = sizeof(struct sl_acc),
    .cell = sizeof(int64_t),
    .add_cell = sl_acc_add_count,
    .add = add,
    .result = result,
};

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* op: see the end of op.h. */
#include "op/op.h"

void sl_op_needs_same(const uint8_t *out, int n, uint8_t *in)
{
    assert(n >= 0);
    for (int c = 0; out && c < n; c++)
        if (sl_bit(out, (size_t)c))
            sl_bit_set(in, (size_t)c);
}

struct sl_op *sl_op_bind_copy(struct sl_op *copy, struct sl_schema *in, struct sl_err *err)
{
    struct sl_schema *out = NULL;
    if (copy && in && sl_op_schema(copy, 0, in, &out, err) < 0) {
        sl_op_free(copy);
        copy = NULL;
    }
    sl_schema_unref(out);
    return copy;
}

int sl_op_merge_nothing(struct sl_op *op SL_UNUSED, struct sl_op *other SL_UNUSED,
                        struct sl_err *err SL_UNUSED)
{
    return 0;
}

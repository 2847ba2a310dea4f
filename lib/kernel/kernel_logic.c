/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* kernel_logic: NOT, IS NULL, IS TRUE and their like, a word of bits at a time. */
#include "kernel/kernel.h"

int sl_kernel_not(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    uint8_t *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    const uint8_t *from = c->args[0]->data;
    if (c->args[0]->form == SL_CONST) {
        memset(to, sl_bit(from, 0) ? 0 : 0xff, (c->rows + 7) / 8);
        return 0;
    }
    for (size_t i = 0; i < (c->rows + 7) / 8; i++)
        to[i] = (uint8_t)~from[i];
    return 0;
}

/* Validity of an argument as bits of every row: to = valid, or its complement. */
static void copy_valid(const struct sl_column *a, uint8_t *to, size_t rows, int invert)
{
    size_t bytes = (rows + 7) / 8;
    uint8_t flip = invert ? 0xff : 0;
    if (!a->valid) {
        memset(to, 0xff ^ flip, bytes);
    } else if (a->form == SL_CONST) {
        memset(to, sl_bit(a->valid, 0) ? 0xff ^ flip : flip, bytes);
    } else {
        for (size_t i = 0; i < bytes; i++)
            to[i] = a->valid[i] ^ flip;
    }
}

/* param[0]: 1 = IS NOT NULL */
int sl_kernel_is_null(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    uint8_t *to = sl_call_data(c);
    if (!to)
        return -SL_ENOMEM;
    copy_valid(c->args[0], to, c->rows, !c->node->param[0]);
    return 0;
}

/* param[0]: the value tested for: 1 true, 0 false, -1 unknown; param[1]: 1 = IS NOT */
int sl_kernel_is_bool(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    const struct sl_column *a = c->args[0];
    uint8_t *to = sl_call_data(c), flip = c->node->param[1] ? 0xff : 0;
    size_t bytes = (c->rows + 7) / 8;
    if (!to)
        return -SL_ENOMEM;
    copy_valid(a, to, c->rows, c->node->param[0] < 0);
    for (size_t i = 0; i < bytes; i++) {
        if (c->node->param[0] >= 0) {
            uint8_t v = ((const uint8_t *)a->data)[a->form == SL_CONST ? 0 : i];
            if (a->form == SL_CONST)
                v = (v & 1) ? 0xff : 0;
            to[i] &= c->node->param[0] ? v : (uint8_t)~v;
        }
        to[i] ^= flip;
    }
    return 0;
}

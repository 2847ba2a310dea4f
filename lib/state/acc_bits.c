/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* acc_bits: bool_and, bool_or, bit_and, bit_or and bit_xor of one argument, from one cell. */
#include "state/acc.h"

struct cell {
    uint64_t set, clear, odd; /* bits seen set, seen clear, and set in an odd number of values */
    int64_t n;                /* values that are not null */
};

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err SL_UNUSED)
{
    struct cell *cells = a->cells.data;
    for (size_t i = 0; i < r->n; i++) {
        if (sl_column_null(arg, i))
            continue;
        struct cell *c = &cells[sl_acc_group(r, i)];
        uint64_t v = (uint64_t)sl_column_get8(arg, i);
        c->set |= v;
        c->clear |= ~v;
        c->odd ^= v;
        c->n++;
    }
    return 0;
}

static int result(struct sl_acc *a, const struct sl_agg_call *call, uint32_t group,
                  struct sl_builder *b, struct sl_err *err SL_UNUSED)
{
    const struct cell *c = (const struct cell *)a->cells.data + group;
    if (!c->n) {
        sl_builder_null(b);
        return 0;
    }
    switch (call->kind) {
    case SL_AGG_BOOL_AND: sl_builder_bool(b, !(c->clear & 1)); break;
    case SL_AGG_BOOL_OR: sl_builder_bool(b, c->set & 1); break;
    case SL_AGG_BIT_AND: sl_builder_int(b, (int64_t)~c->clear); break;
    case SL_AGG_BIT_OR: sl_builder_int(b, (int64_t)c->set); break;
    default: assert(call->kind == SL_AGG_BIT_XOR); sl_builder_int(b, (int64_t)c->odd);
    }
    return 0;
}

static void add_cell(void *cell, const void *more)
{
    struct cell *c = cell;
    const struct cell *m = more;
    c->set |= m->set;
    c->clear |= m->clear;
    c->odd ^= m->odd;
    c->n += m->n;
}

const struct sl_acc_class sl_acc_bits = {
    .size = sizeof(struct sl_acc),
    .cell = sizeof(struct cell),
    .add_cell = add_cell,
    .add = add,
    .result = result,
};

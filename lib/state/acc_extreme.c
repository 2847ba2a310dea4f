/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* acc_extreme: min and max of any type that sorts; nulls do not count. */
#include "state/acc.h"

struct extreme {
    struct sl_acc acc;
    struct sl_cells best;
    struct sl_cells other; /* one cell: what absorb reads */
    int sign;              /* 1: smaller is better, -1: greater */
};

static int init(struct sl_acc *a, struct sl_err *err SL_UNUSED)
{
    struct extreme *x = (struct extreme *)a;
    x->sign = a->call->kind == SL_AGG_MIN ? 1 : -1;
    sl_cells_init(&x->best, a->arg, a->account);
    sl_cells_init(&x->other, a->arg, a->account);
    return 0;
}

static int reserve(struct sl_acc *a, size_t n, struct sl_err *err)
{
    struct extreme *x = (struct extreme *)a;
    int rc = sl_cells_reserve(&x->other, 1, err);
    return rc < 0 ? rc : sl_cells_reserve(&x->best, n, err);
}

/* Integers in the PLAIN form: no calls in the loop. */
static void add_integers(struct extreme *x, const struct sl_acc_rows *r,
                         const struct sl_column *arg)
{
    const int64_t *v = arg->data;
    int64_t *best = x->best.value.data;
    uint8_t *state = x->best.state.data;
    int is_min = x->sign > 0;

    for (size_t i = 0; i < r->n; i++) {
        if (arg->valid && !sl_bit(arg->valid, i))
            continue;
        uint32_t g = sl_acc_group(r, i);
        int better = is_min ? v[i] < best[g] : v[i] > best[g];
        if (better || state[g] != SL_CELL_VALUE) {
            best[g] = v[i];
            state[g] = SL_CELL_VALUE;
        }
    }
}

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err)
{
    struct extreme *x = (struct extreme *)a;
    int kind = arg->type.kind;

    if (arg->form == SL_PLAIN && x->best.class == SL_CELL_8 && kind != SL_DOUBLE &&
        kind != SL_DATE && kind != SL_BOOL) {
        add_integers(x, r, arg);
        return 0;
    }
    for (size_t i = 0; i < r->n; i++) {
        if (sl_column_null(arg, i))
            continue;
        uint32_t g = sl_acc_group(r, i);
        if (sl_cells_state(&x->best, g) == SL_CELL_VALUE &&
            sl_cells_compare_row(&x->best, g, arg, i) * x->sign <= 0)
            continue;
        int rc = sl_cells_put_row(&x->best, g, arg, i, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int result(struct sl_acc *a, const struct sl_agg_call *call SL_UNUSED, uint32_t group,
                  struct sl_builder *b, struct sl_err *err SL_UNUSED)
{
    sl_cells_build(&((struct extreme *)a)->best, group, b);
    return 0;
}

/* The value of cell k joins a group. */
static int put(struct extreme *x, uint32_t group, const struct sl_cells *c, size_t k,
               struct sl_err *err)
{
    if (sl_cells_state(c, k) != SL_CELL_VALUE)
        return 0;
    if (sl_cells_state(&x->best, group) == SL_CELL_VALUE &&
        sl_cells_compare(&x->best, group, c, k) * x->sign <= 0)
        return 0;
    return sl_cells_copy(&x->best, group, c, k, err);
}

static int join(struct sl_acc *to, uint32_t group, struct sl_acc *from, uint32_t k,
                struct sl_err *err)
{
    return put((struct extreme *)to, group, &((struct extreme *)from)->best, k, err);
}

static void pack(struct sl_acc *a, uint32_t group, struct sl_buf *out)
{
    sl_cells_pack(&((struct extreme *)a)->best, group, out);
}

static int absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err)
{
    struct extreme *x = (struct extreme *)a;
    int rc = sl_acc_unpack(&x->other, s, n, err);
    return rc < 0 ? rc : put(x, group, &x->other, 0, err);
}

static void reset(struct sl_acc *a, uint32_t group)
{
    sl_cells_clear(&((struct extreme *)a)->best, group);
}

static void release(struct sl_acc *a)
{
    struct extreme *x = (struct extreme *)a;
    sl_cells_release(&x->best);
    sl_cells_release(&x->other);
}

const struct sl_acc_class sl_acc_extreme = {
    .size = sizeof(struct extreme),
    .init = init,
    .reserve = reserve,
    .add = add,
    .result = result,
    .join = join,
    .pack = pack,
    .absorb = absorb,
    .reset = reset,
    .release = release,
};

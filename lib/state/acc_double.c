/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* acc_double: sum and avg of doubles by exact superaccumulators: the same in any order and cut. */
#include "state/acc.h"
#include "state/superacc.h"

struct fsum {
    struct sl_acc acc;
    struct sl_superacc sums; /* the cells count the values that are not null */
};

static int init(struct sl_acc *a, struct sl_err *err SL_UNUSED)
{
    sl_superacc_init(&((struct fsum *)a)->sums, a->account);
    return 0;
}

static int reserve(struct sl_acc *a, size_t n, struct sl_err *err)
{
    return sl_superacc_reserve(&((struct fsum *)a)->sums, n, err);
}

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err)
{
    struct fsum *f = (struct fsum *)a;
    int64_t *count = a->cells.data;

    if (arg->form != SL_PLAIN) {
        int rc = 0;
        for (size_t i = 0; rc == 0 && i < r->n; i++) {
            if (sl_column_null(arg, i))
                continue;
            int64_t bits = sl_column_get8(arg, i);
            double v;
            memcpy(&v, &bits, 8);
            count[sl_acc_group(r, i)]++;
            rc = sl_superacc_add(&f->sums, sl_acc_group(r, i), v, err);
        }
        return rc;
    }
    if (!arg->valid && !r->group)
        count[0] += (int64_t)r->n;
    else
        for (size_t i = 0; i < r->n; i++)
            count[sl_acc_group(r, i)] += arg->valid ? sl_bit(arg->valid, i) : 1;
    return sl_superacc_add_rows(&f->sums, r->group, arg->data, arg->valid, r->n, err);
}

static int result(struct sl_acc *a, const struct sl_agg_call *call, uint32_t group,
                  struct sl_builder *b, struct sl_err *err SL_UNUSED)
{
    struct fsum *f = (struct fsum *)a;
    int64_t n = ((const int64_t *)a->cells.data)[group];
    double sum = n ? sl_superacc_sum(&f->sums, group) : 0;
    if (!n)
        sl_builder_null(b);
    else
        sl_builder_double(b, call->kind == SL_AGG_AVG ? sum / (double)n : sum);
    return 0;
}

static int join(struct sl_acc *to, uint32_t group, struct sl_acc *from, uint32_t k,
                struct sl_err *err)
{
    return sl_superacc_combine(&((struct fsum *)to)->sums, group, &((struct fsum *)from)->sums, k,
                               err);
}

static void pack(struct sl_acc *a, uint32_t group, struct sl_buf *out)
{
    sl_superacc_pack(&((struct fsum *)a)->sums, group, out);
}

static int absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err)
{
    int rc = sl_superacc_absorb(&((struct fsum *)a)->sums, group, s, n, err);
    return rc == -SL_ECORRUPT ? sl_acc_damaged(err) : rc;
}

static void reset(struct sl_acc *a, uint32_t group)
{
    sl_superacc_clear(&((struct fsum *)a)->sums, group);
}

static void release(struct sl_acc *a)
{
    sl_superacc_release(&((struct fsum *)a)->sums);
}

const struct sl_acc_class sl_acc_double = {
    .size = sizeof(struct fsum),
    .cell = sizeof(int64_t),
    .add_cell = sl_acc_add_count,
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

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* acc_double: sum and avg of doubles by exact superaccumulators: the same in any order and cut. */
#include "state/acc.h"
#include "state/superacc.h"

struct fsum {
    struct sl_acc acc;
    struct sl_superacc sums;
    struct sl_vec count; /* int64_t: values that are not null */
};

static int init(struct sl_acc *a, struct sl_err *err SL_UNUSED)
{
    struct fsum *f = (struct fsum *)a;
    sl_superacc_init(&f->sums, a->account);
    sl_vec_init(&f->count, a->account);
    return 0;
}

static int reserve(struct sl_acc *a, size_t n, struct sl_err *err)
{
    struct fsum *f = (struct fsum *)a;
    int rc = sl_superacc_reserve(&f->sums, n, err);
    return rc < 0 ? rc : sl_vec_reserve(&f->count, n * 8, err);
}

static int add(struct sl_acc *a, const struct sl_acc_rows *r, struct sl_column *arg,
               struct sl_err *err)
{
    struct fsum *f = (struct fsum *)a;
    int64_t *count = f->count.data;

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
    int64_t n = ((const int64_t *)f->count.data)[group];
    double sum = n ? sl_superacc_sum(&f->sums, group) : 0;
    if (!n)
        sl_builder_null(b);
    else
        sl_builder_double(b, call->kind == SL_AGG_AVG ? sum / (double)n : sum);
    return 0;
}

static int combine(struct sl_acc *to, struct sl_acc *from, const uint32_t *map, size_t n,
                   struct sl_err *err)
{
    struct fsum *f = (struct fsum *)to, *x = (struct fsum *)from;
    int64_t *count = f->count.data;
    const int64_t *more = x->count.data;
    int rc = 0;
    for (size_t g = 0; rc == 0 && g < n; g++) {
        if (map[g] == SL_GROUP_NONE)
            continue;
        count[map[g]] += more[g];
        rc = sl_superacc_combine(&f->sums, map[g], &x->sums, g, err);
    }
    return rc;
}

static void pack(struct sl_acc *a, uint32_t group, uint64_t *cursor, struct sl_buf *out)
{
    struct fsum *f = (struct fsum *)a;
    sl_buf_add(out, (const int64_t *)f->count.data + group, 8);
    sl_superacc_pack(&f->sums, group, out);
    *cursor = 0;
}

static int absorb(struct sl_acc *a, uint32_t group, const char *s, size_t n, struct sl_err *err)
{
    struct fsum *f = (struct fsum *)a;
    int64_t count;
    if (n < 8)
        return sl_acc_damaged(err);
    memcpy(&count, s, 8);
    ((int64_t *)f->count.data)[group] += count;
    int rc = sl_superacc_absorb(&f->sums, group, s + 8, n - 8, err);
    return rc == -SL_ECORRUPT ? sl_acc_damaged(err) : rc;
}

static void reset(struct sl_acc *a, uint32_t group)
{
    struct fsum *f = (struct fsum *)a;
    ((int64_t *)f->count.data)[group] = 0;
    sl_superacc_clear(&f->sums, group);
}

static void release(struct sl_acc *a)
{
    struct fsum *f = (struct fsum *)a;
    sl_superacc_release(&f->sums);
    sl_vec_release(&f->count);
}

const struct sl_acc_class sl_acc_double = {
    .size = sizeof(struct fsum),
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

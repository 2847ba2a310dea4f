/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* superacc: exact sums of doubles at the edges, and the same in any order, cut and merge. */
#include <float.h>
#include <math.h>
#include "../test.h"
#include "base/buf.h"
#include "base/hash.h"
#include "state/superacc.h"

static double sum_of(const double *v, size_t n)
{
    struct sl_superacc s;
    sl_superacc_init(&s, NULL);
    CHECK(sl_superacc_reserve(&s, 1, NULL) == 0);
    for (size_t i = 0; i < n; i++)
        CHECK(sl_superacc_add(&s, 0, v[i], NULL) == 0);
    double r = sl_superacc_sum(&s, 0);
    sl_superacc_release(&s);
    return r;
}

#define SUM(...) sum_of((double[]){__VA_ARGS__}, SL_COUNT(((double[]){__VA_ARGS__})))

static uint64_t bits(double d)
{
    uint64_t u;
    memcpy(&u, &d, 8);
    return u;
}

static void edges(void)
{
    CHECK(SUM(0.0, 0.0) == 0);
    CHECK(SUM(1e300, 1.0, -1e300) == 1.0);
    CHECK(SUM(DBL_MAX, DBL_MAX, -DBL_MAX) == DBL_MAX);
    CHECK(SUM(DBL_MAX, DBL_MAX) == INFINITY);
    CHECK(SUM(-DBL_MAX, -DBL_MAX) == -INFINITY);
    CHECK(SUM(0x1p-1074) == 0x1p-1074);
    CHECK(SUM(0x1p-1074, 0x1p-1074, -0x1p-1074) == 0x1p-1074);
    CHECK(SUM(0x1p-1022, -0x1p-1074) == 0x1p-1022 - 0x1p-1074);
    CHECK(SUM(DBL_MIN, DBL_MIN) == 2 * DBL_MIN);
    CHECK(SUM(0.1, 0.2, -0.3) == 0x1p-55);
    CHECK(SUM(-1.0, 0x1p-60, 1.0) == 0x1p-60);
    CHECK(isnan(SUM(INFINITY, -INFINITY)));
    CHECK(isnan(SUM(NAN, 1.0)));
    CHECK(SUM(INFINITY, 1e308) == INFINITY);
    CHECK(SUM(-INFINITY, 5.0) == -INFINITY);
}

static void rounding(void)
{
    /* Ties go to even; the smallest excess tips them. */
    CHECK(SUM(0x1p53, 1.0) == 0x1p53);
    CHECK(SUM(0x1p53, 1.0, 0x1p-1074) == 0x1p53 + 2);
    CHECK(SUM(0x1p53, 1.0, -0x1p-1074) == 0x1p53);
    CHECK(SUM(0x1p53 + 2, 1.0) == 0x1p53 + 4);
    CHECK(SUM(-0x1p53, -1.0) == -0x1p53);
    CHECK(SUM(-0x1p53, -1.0, -0x1p-500) == -0x1p53 - 2);
    CHECK(SUM(0x1.fffffffffffffp0, 0x1p-53) == 2.0);
}

static double value(uint64_t i)
{
    uint64_t h = sl_hash_u64(i, 4);
    double m = (double)(int64_t)(h >> 12) / 0x1p51 - 1;
    return ldexp(m, (int)(h % 400) - 200);
}

static void any_order(void)
{
    enum { N = 3000 };
    struct sl_superacc a, b, c;
    struct sl_buf packed = SL_BUF_INIT;
    sl_superacc_init(&a, NULL);
    sl_superacc_init(&b, NULL);
    sl_superacc_init(&c, NULL);
    CHECK(sl_superacc_reserve(&a, 3, NULL) == 0 && sl_superacc_reserve(&b, 2, NULL) == 0 &&
          sl_superacc_reserve(&c, 2, NULL) == 0);
    for (uint64_t i = 0; i < N; i++) {
        CHECK(sl_superacc_add(&a, 2, value(i), NULL) == 0);
        CHECK(sl_superacc_add(&b, i % 2, value(N - 1 - i), NULL) == 0);
    }
    for (size_t k = 0; k < 2; k++) {
        sl_buf_reset(&packed);
        sl_superacc_pack(&b, k, &packed);
        CHECK(sl_superacc_absorb(&c, 1, packed.data, packed.len, NULL) == 0);
    }
    CHECK(bits(sl_superacc_sum(&a, 2)) == bits(sl_superacc_sum(&c, 1)));
    CHECK(sl_superacc_sum(&a, 0) == 0 && sl_superacc_sum(&c, 0) == 0);
    /* Take everything away again: nothing is left. */
    for (uint64_t i = 0; i < N; i++)
        CHECK(sl_superacc_add(&c, 1, -value(i), NULL) == 0);
    CHECK(sl_superacc_sum(&c, 1) == 0);
    for (size_t cut = 0; cut < packed.len; cut++)
        CHECK(sl_superacc_absorb(&c, 0, packed.data, cut, NULL) < 0);
    sl_buf_release(&packed);
    sl_superacc_release(&a);
    sl_superacc_release(&b);
    sl_superacc_release(&c);
}

int main(void)
{
    TEST("edges of the range")
    {
        edges();
    }
    TEST("one rounding, to even")
    {
        rounding();
    }
    TEST("any order, cut and merge give the same bits")
    {
        any_order();
    }
    return test_done();
}

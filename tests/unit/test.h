/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * test: the frame of a C unit test program. Output is TAP, so that the runner counts C tests and
 * bats tests alike.
 *
 *     TEST("adding grows the buffer") { CHECK(b.len == 3); }   inside main, between BEGIN and DONE
 *
 * A failed CHECK says where and goes on; SKIP("reason") ends the test as skipped.
 */
#ifndef SL_TESTS_TEST_H
#define SL_TESTS_TEST_H

#include "base/compat.h"

static int test_number, test_failures, test_bad;
static const char *test_name, *test_skip;

static inline void test_finish(void)
{
    if (!test_name)
        return;
    test_number++;
    if (test_skip)
        printf("ok %d - %s # skip %s\n", test_number, test_name, test_skip);
    else
        printf("%s %d - %s\n", test_bad ? "not ok" : "ok", test_number, test_name);
    test_failures += test_bad != 0;
    test_name = test_skip = NULL;
    fflush(stdout);
}

static inline int test_start(const char *name)
{
    test_finish();
    test_name = name;
    test_bad = 0;
    return 1;
}

static inline int test_done(void)
{
    test_finish();
    printf("1..%d\n", test_number);
    return test_failures != 0;
}

#define TEST(name) if (test_start(name))
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);                                    \
            test_bad = 1;                                                                          \
        }                                                                                          \
    } while (0)
#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        long long g_ = (long long)(got), w_ = (long long)(want);                                   \
        if (g_ != w_) {                                                                            \
            printf("# %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, g_, w_);           \
            test_bad = 1;                                                                          \
        }                                                                                          \
    } while (0)
#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        const char *g_ = (got), *w_ = (want);                                                      \
        if (!g_ || !w_ || strcmp(g_, w_) != 0) {                                                   \
            printf("# %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #got,                \
                   g_ ? g_ : "(null)", w_ ? w_ : "(null)");                                        \
            test_bad = 1;                                                                          \
        }                                                                                          \
    } while (0)
#define SKIP(reason) (test_skip = (reason))

#endif

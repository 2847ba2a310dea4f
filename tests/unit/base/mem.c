/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* mem: accounts up to their limits, shared buffers, arenas, allocations made to fail. */
#include "../test.h"
#include "base/mem.h"

static struct sl_account *spilling;
static size_t wanted;

static size_t spill(void *arg, size_t want)
{
    size_t *held = arg, n = SL_MIN(*held, want);

    wanted = want;
    *held -= n;
    sl_account_release(spilling, n);
    return n;
}

static void test_accounts(void)
{
    struct sl_account root, child;
    struct sl_err err;

    TEST("a charge goes to the account and its parents, or to none")
    {
        sl_account_init(&root, "process", 1000, NULL);
        sl_account_init(&child, "groups", 0, &root);
        CHECK_INT(sl_account_charge(&child, 600, &err), 0);
        CHECK(root.used == 600 && child.used == 600);
        CHECK_INT(sl_account_charge(&child, 401, &err), -SL_ENOMEM);
        CHECK(root.used == 600 && child.used == 600);
        CHECK(strstr(err.what, "groups") && strstr(err.hint, "--memory"));
        CHECK_INT(sl_account_charge(&child, 400, &err), 0);
        sl_account_release(&child, 1000);
        CHECK(root.used == 0 && child.used == 0);
    }
    TEST("over its limit an account asks its reclaimer first, for what is missing")
    {
        size_t held = 800;
        sl_account_init(&root, "sort", 1000, NULL);
        root.reclaim = spill;
        root.reclaim_arg = &held;
        spilling = &root;
        CHECK_INT(sl_account_charge(&root, 800, &err), 0);
        CHECK_INT(sl_account_charge(&root, 500, &err), 0);
        CHECK_INT(wanted, 300);
        CHECK(root.used == 1000 && held == 500);
        CHECK_INT(sl_account_charge(&root, 600, &err), -SL_ENOMEM);
        CHECK_INT(root.used, 500); /* what was spilled stays spilled */
        sl_account_release(&root, 500);
    }
}

static void test_buffers(void)
{
    struct sl_account account;

    TEST(
        "a buffer is aligned, has 64 readable bytes behind it, and is charged until its last owner")
    {
        sl_account_init(&account, "read", 10000, NULL);
        for (size_t n = 0; n < 200; n++) {
            struct sl_buffer *b = sl_buffer_new(&account, n), *same = sl_buffer_ref(b);
            CHECK((uintptr_t)b->data % 64 == 0 && b->size == n);
            memset(b->data, 1, n);
            for (int i = 0; i < 64; i++)
                CHECK(b->data[n + i] == 0);
            sl_buffer_unref(b);
            CHECK_INT(account.used, n);
            sl_buffer_unref(same);
            CHECK_INT(account.used, 0);
        }
        CHECK(!sl_buffer_new(&account, 10001) && account.used == 0);
        CHECK(!sl_buffer_new(NULL, SIZE_MAX - 10));
        sl_buffer_unref(NULL);
    }
    TEST("growing keeps the bytes and charges the difference")
    {
        struct sl_buffer *b = sl_buffer_new(&account, 10);
        memcpy(b->data, "0123456789", 10);
        CHECK_INT(sl_buffer_grow(b, 5000), 0);
        CHECK(memcmp(b->data, "0123456789", 10) == 0 && b->capacity == 5000 && b->size == 10);
        CHECK_INT(account.used, 5000);
        CHECK_INT(sl_buffer_grow(b, 10001), -SL_ENOMEM);
        CHECK(memcmp(b->data, "0123456789", 10) == 0 && account.used == 5000);
        CHECK_INT(sl_buffer_grow(b, 100), 0);
        sl_buffer_unref(b);
        CHECK_INT(account.used, 0);
    }
}

static void test_failing(void)
{
    TEST("the n-th allocation fails, once or from then on, and nothing leaks")
    {
        void *p, *q;
        sl_mem_fail_at(2, 0);
        p = sl_malloc(10);
        CHECK(p && !sl_calloc(10, 10));
        q = sl_realloc(p, 20);
        CHECK(q != NULL);
        sl_mem_fail_at(1, 1);
        CHECK(!sl_realloc(q, 30) && !sl_strdup("x") && !sl_buffer_new(NULL, 10));
        sl_mem_fail_at(0, 0);
        free(q);
        for (uint64_t n = 1; n <= 2; n++) {
            sl_mem_fail_at(n, 0);
            CHECK(!sl_buffer_new(NULL, 10));
            sl_mem_fail_at(0, 0);
        }
    }
    TEST("sizes of zero and products that overflow")
    {
        void *p = sl_malloc(0);
        CHECK(p != NULL);
        free(p);
        p = sl_calloc(0, 8);
        CHECK(p != NULL);
        free(p);
        volatile size_t huge = SIZE_MAX / 2; /* hidden from the compiler, which would warn */
        CHECK(!sl_calloc(huge, 4));
    }
    TEST("an arena hands out zeroed, aligned memory of any size")
    {
        struct sl_arena a;
        sl_arena_init(&a);
        for (size_t n = 0; n < 10000; n += 37) {
            char *p = sl_arena_alloc(&a, n);
            CHECK(p && (uintptr_t)p % 16 == 0);
            for (size_t i = 0; i < n; i++)
                if (p[i])
                    CHECK(!"zeroed");
            memset(p, 0xff, n);
        }
        CHECK_STR(sl_arena_strndup(&a, "abcdef", 3), "abc");
        sl_mem_fail_at(1, 0);
        CHECK(!sl_arena_alloc(&a, 100000));
        sl_mem_fail_at(0, 0);
        sl_arena_release(&a);
        CHECK(!a.head);
    }
}

int main(void)
{
    test_accounts();
    test_buffers();
    test_failing();
    return test_done();
}

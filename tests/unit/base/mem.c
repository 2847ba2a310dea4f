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

/* A list of n items grows by one: no item moves but by growing, and n items take few allocations. */
static void test_growing(void)
{
    struct sl_err err;
    TEST("a list grows for one item or many, its room at least doubles, its items stay")
    {
        int *list = NULL, cap = 0, bad = 0;
        uint64_t before = sl_mem_count();
        for (int i = 0; i < 100000; i++) {
            CHECK_INT(SL_GROW(list, i + 1, cap, "items", &err), 0);
            CHECK(cap > i);
            list[i] = i;
        }
        for (int i = 0; i < 100000; i++)
            bad += list[i] != i;
        CHECK_INT(bad, 0);
        CHECK(sl_mem_count() - before <= 17 && cap <= 2 * 100000);
        before = sl_mem_count();
        CHECK_INT(SL_GROW(list, cap, cap, "items", &err), 0);
        CHECK(sl_mem_count() == before);
        CHECK_INT(SL_GROW(list, 1000000, cap, "items", &err), 0);
        CHECK(cap >= 1000000 && list[99999] == 99999);
        free(list);
    }
    TEST("a list without a capacity grows at powers of two, and may shrink and grow again")
    {
        size_t *list = NULL, n = 0, bad = 0;
        uint64_t before = sl_mem_count();
        while (n < 100000) {
            CHECK_INT(SL_GROW_ONE(list, n, "items", &err), 0);
            list[n] = n;
            n++;
        }
        CHECK(sl_mem_count() - before <= 17);
        for (n = 3; n < 1000; n++) {
            CHECK_INT(SL_GROW_ONE(list, n, "items", &err), 0);
            list[n] = n;
        }
        for (size_t i = 0; i < n; i++)
            bad += list[i] != i;
        CHECK_INT(bad, 0);
        free(list);
    }
    TEST("growth that fails or overflows says so, and leaves the list as it was")
    {
        uint64_t *list = NULL;
        size_t cap = 0;
        uint32_t narrow = 0;
        CHECK_INT(SL_GROW(list, 1, cap, "items", &err), 0);
        list[0] = 7;
        uint64_t *same = list;
        size_t had = cap;
        sl_mem_fail_at(1, 0);
        CHECK_INT(SL_GROW(list, cap + 1, cap, "counting sheep", &err), -SL_ENOMEM);
        sl_mem_fail_at(0, 0);
        CHECK(list == same && cap == had && list[0] == 7);
        CHECK(err.code == SL_ENOMEM && strstr(err.what, "counting sheep"));
        CHECK_INT(SL_GROW(list, SIZE_MAX / 8 + 2, cap, "items", NULL), -SL_ENOMEM);
        CHECK_INT(SL_GROW(list, SIZE_MAX, cap, "items", NULL), -SL_ENOMEM);
        CHECK_INT(SL_GROW(list, (size_t)INT32_MAX + 1, narrow, "items", NULL), -SL_ENOMEM);
        CHECK(list == same && cap == had && narrow == 0);
        free(list);
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
    test_growing();
    test_failing();
    return test_done();
}

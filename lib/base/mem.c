/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * mem: see mem.h.
 *
 * Every allocation of the program goes through `admit`, which counts it and lets a test refuse the
 * n-th. The counter is the one piece of process-wide state here: it has no meaning outside tests.
 */
#include "base/compat.h"
#include "base/mem.h"

/* FIRST_ITEMS: what a list begins with; a power of two. */
enum { SLACK = 64, ALIGNMENT = 64, FIRST_ITEMS = 8 };

static atomic_uint_fast64_t allocations;
static atomic_uint_fast64_t fail_at; /* 0 = off */
static atomic_int fail_forever;

void sl_mem_fail_at(uint64_t n, int forever)
{
    atomic_store(&fail_forever, forever);
    atomic_store(&fail_at, n ? atomic_load(&allocations) + n : 0);
}

uint64_t sl_mem_count(void)
{
    return atomic_load(&allocations);
}

static int admit(void)
{
    uint64_t n = atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed) + 1;
    uint64_t at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    if (SL_LIKELY(at == 0))
        return 1;
    return atomic_load(&fail_forever) ? n < at : n != at;
}

void *sl_malloc(size_t size)
{
    return admit() ? malloc(size ? size : 1) : NULL;
}

void *sl_calloc(size_t n, size_t size)
{
    if (!n || !size)
        n = size = 1;
    return admit() ? calloc(n, size) : NULL;
}

void *sl_realloc(void *p, size_t size)
{
    return admit() ? realloc(p, size ? size : 1) : NULL;
}

void *sl_grow(void *list, size_t *cap, size_t want, size_t size, size_t most)
{
    most = SL_MIN(most, (size_t)PTRDIFF_MAX / size);
    assert(want > *cap && *cap <= most);
    if (want > most)
        return NULL;
    size_t n = SL_MIN(SL_MAX(SL_MAX(want, *cap * 2), (size_t)FIRST_ITEMS), most);
    void *p = sl_realloc(list, n * size);
    if (p)
        *cap = n;
    return p;
}

size_t sl_grown(size_t n)
{
    if (n < FIRST_ITEMS)
        return n ? FIRST_ITEMS : 0;
    return n & (n - 1) ? n + 1 : n;
}

char *sl_strndup(const char *s, size_t n)
{
    assert(s || !n);
    char *p = sl_malloc(n + 1);
    if (!p)
        return NULL;
    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *sl_strdup(const char *s)
{
    assert(s);
    return sl_strndup(s, strlen(s));
}

/* ---- accounts ---- */

void sl_account_init(struct sl_account *a, const char *name, size_t limit,
                     struct sl_account *parent)
{
    assert(name);
    memset(a, 0, sizeof(*a));
    a->name = name;
    a->limit = limit;
    a->parent = parent;
}

/* One account, no parents: 1 if it took the bytes. */
static int charge_one(struct sl_account *a, size_t bytes)
{
    size_t now = atomic_fetch_add_explicit(&a->used, bytes, memory_order_relaxed) + bytes;
    if (SL_LIKELY(!a->limit || now <= a->limit))
        return 1;
    if (a->reclaim) {
        a->reclaim(a->reclaim_arg, now - a->limit);
        if (atomic_load(&a->used) <= a->limit)
            return 1;
    }
    atomic_fetch_sub_explicit(&a->used, bytes, memory_order_relaxed);
    return 0;
}

int sl_account_charge(struct sl_account *a, size_t bytes, struct sl_err *err)
{
    for (struct sl_account *p = a; p; p = p->parent) {
        if (charge_one(p, bytes))
            continue;
        for (struct sl_account *q = a; q != p; q = q->parent)
            atomic_fetch_sub_explicit(&q->used, bytes, memory_order_relaxed);
        sl_err_set(err, SL_ENOMEM, "%s needs %zu bytes more than the memory limit of %zu bytes",
                   a->name, bytes, p->limit);
        return sl_err_hint(err, "raise it with --memory");
    }
    return 0;
}

void sl_account_release(struct sl_account *a, size_t bytes)
{
    for (; a; a = a->parent) {
        assert(atomic_load(&a->used) >= bytes);
        atomic_fetch_sub_explicit(&a->used, bytes, memory_order_relaxed);
    }
}

/* ---- buffers ---- */

/* Aligned here: glibc's aligned_alloc looks for more than it takes, so that a freed block never fits the
 * next one of its size, and the heap grows by new pages instead. */
static void *bytes_for(size_t capacity)
{
    if (capacity > SIZE_MAX - SLACK - ALIGNMENT || !admit())
        return NULL;
    return malloc(capacity + SLACK + ALIGNMENT);
}

static uint8_t *aligned(void *bytes)
{
    return (uint8_t *)bytes + (-(uintptr_t)bytes & (ALIGNMENT - 1));
}

struct sl_buffer *sl_buffer_want(struct sl_account *account, size_t size, const char *what,
                                 struct sl_err *err)
{
    assert(what);
    struct sl_buffer *b = sl_calloc(1, sizeof(*b));
    if (b && account && sl_account_charge(account, size, err) < 0) {
        free(b);
        return NULL;
    }
    if (b && !(b->bytes = bytes_for(size))) {
        sl_account_release(account, account ? size : 0);
        free(b);
        b = NULL;
    }
    if (!b)
        return sl_err_no_memory(err, what);
    b->data = aligned(b->bytes);
    memset(b->data + size, 0, SLACK);
    b->size = b->capacity = size;
    b->account = account;
    atomic_init(&b->refs, 1);
    return b;
}

struct sl_buffer *sl_buffer_new(struct sl_account *account, size_t size)
{
    return sl_buffer_want(account, size, "a buffer", NULL);
}

struct sl_buffer *sl_buffer_ref(struct sl_buffer *b)
{
    if (b) {
        int held = atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
        assert(held > 0);
    }
    return b;
}

void sl_buffer_unref(struct sl_buffer *b)
{
    assert(!b || b->refs > 0);
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(b->bytes);
    if (b->account)
        sl_account_release(b->account, b->capacity);
    free(b);
}

int sl_buffer_grow(struct sl_buffer *b, size_t capacity)
{
    assert(atomic_load(&b->refs) == 1);
    if (capacity <= b->capacity)
        return 0;
    if (b->account && sl_account_charge(b->account, capacity - b->capacity, NULL) < 0)
        return -SL_ENOMEM;
    void *bytes = bytes_for(capacity);
    if (!bytes) {
        if (b->account)
            sl_account_release(b->account, capacity - b->capacity);
        return -SL_ENOMEM;
    }
    memcpy(aligned(bytes), b->data, b->size);
    free(b->bytes);
    b->bytes = bytes;
    b->data = aligned(bytes);
    memset(b->data + capacity, 0, SLACK);
    b->capacity = capacity;
    return 0;
}

/* ---- arenas ---- */

struct sl_arena_block {
    struct sl_arena_block *next;
    size_t used, size;
    _Alignas(16) char data[];
};

void sl_arena_init(struct sl_arena *a)
{
    a->head = NULL;
}

void *sl_arena_alloc(struct sl_arena *a, size_t size)
{
    size = SL_ALIGN_UP(size ? size : 1, (size_t)16);
    struct sl_arena_block *b = a->head;
    if (!b || b->size - b->used < size) {
        size_t want = SL_MAX(size, (size_t)4000);
        b = sl_calloc(1, sizeof(*b) + want);
        if (!b)
            return NULL;
        b->size = want;
        b->next = a->head;
        a->head = b;
    }
    void *p = b->data + b->used;
    b->used += size;
    return p;
}

void *sl_arena_grow(struct sl_arena *a, void *list, size_t n, size_t size)
{
    if (n & (n - 1) || (n == 0 && list))
        return list; /* not at a power of two: there is room */
    void *p = n < SIZE_MAX / size / 2 ? sl_arena_alloc(a, (n ? 2 * n : 1) * size) : NULL;
    if (p && n)
        memcpy(p, list, n * size);
    return p;
}

char *sl_arena_strndup(struct sl_arena *a, const char *s, size_t n)
{
    assert(s || !n);
    char *p = sl_arena_alloc(a, n + 1);
    if (p)
        memcpy(p, s, n); /* the rest is zero already */
    return p;
}

void sl_arena_release(struct sl_arena *a)
{
    while (a->head) {
        struct sl_arena_block *b = a->head;
        a->head = b->next;
        free(b);
    }
}

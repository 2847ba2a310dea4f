/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * mem: allocation with accounts, shared buffers, arenas.
 *
 * Small allocations use sl_malloc and its family: NULL on failure, freed by free(). Large ones
 * (column data, hash tables, read blocks) name an account, so that --memory holds: an account over
 * its limit first asks its reclaimer to spill, then refuses. All of them pass through one counter,
 * so that a test can make the n-th allocation fail (sl_mem_fail_at).
 *
 * Ownership: struct sl_buffer is shared by counting references, and immutable once shared.
 */
#ifndef SL_BASE_MEM_H
#define SL_BASE_MEM_H

#include <stdatomic.h>
#include "base/compat.h"
#include "base/err.h"

struct sl_account {
    const char *name;
    atomic_size_t used; /* bytes */
    size_t limit;       /* bytes, 0 = none of its own */
    struct sl_account *parent;
    /* Frees or spills at least want bytes if it can; returns the bytes released. May be NULL. */
    size_t (*reclaim)(void *arg, size_t want);
    void *reclaim_arg;
};

void sl_account_init(struct sl_account *a, const char *name, size_t limit,
                     struct sl_account *parent);
/* Charges bytes to a and its parents. 0, or -SL_ENOMEM with err filled and nothing charged. */
int sl_account_charge(struct sl_account *a, size_t bytes, struct sl_err *err);
void sl_account_release(struct sl_account *a, size_t bytes);

void *sl_malloc(size_t size);           /* never returns NULL for size 0 */
void *sl_calloc(size_t n, size_t size); /* checked multiplication */
void *sl_realloc(void *p, size_t size); /* p stays valid on failure */

/* Makes room for `want` items in a list that grows: `list` is a variable that points to items, `cap`
 * one of any integer type that holds how many of them fit. The room at least doubles. `what` is for the
 * message. 0, or -SL_ENOMEM with err filled and list and cap as before. Each argument may be evaluated
 * more than once. */
#define SL_GROW(list, want, cap, what, err)                                                        \
    ({                                                                                             \
        int rc_ = 0;                                                                               \
        if ((size_t)(want) > (size_t)(cap)) {                                                      \
            size_t cap_ = (size_t)(cap), most_ = sizeof(cap) > 4 ? SIZE_MAX : INT32_MAX;           \
            __typeof__(list) list_ = sl_grow((list), &cap_, (want), sizeof(*list_), most_);        \
            if (list_) {                                                                           \
                (list) = list_;                                                                    \
                (cap) = (__typeof__(cap))cap_;                                                     \
            } else {                                                                               \
                rc_ = sl_err_nomem((err), (what));                                                 \
            }                                                                                      \
        }                                                                                          \
        rc_;                                                                                       \
    })
/* The same for one item more in a list of n that keeps no capacity. Such a list grows by this alone:
 * then there is room up to the next power of two. */
#define SL_GROW_ONE(list, n, what, err)                                                            \
    ({                                                                                             \
        size_t room_ = sl_grown((size_t)(n));                                                      \
        SL_GROW(list, (size_t)(n) + 1, room_, what, err);                                          \
    })
/* What the macros call. */
void *sl_grow(void *list, size_t *cap, size_t want, size_t size, size_t most);
size_t sl_grown(size_t n); /* how many items fit at least into a list that has grown to n */

char *sl_strdup(const char *s);
char *sl_strndup(const char *s, size_t n); /* n bytes, NUL-ended */

/* Test hook: the n-th allocation from now fails (and all later ones if forever). 0 switches off. */
void sl_mem_fail_at(uint64_t n, int forever);
uint64_t sl_mem_count(void); /* allocations made so far */

/* A block of bytes shared by reference; data is 64-byte aligned with 64 readable bytes of slack
 * behind size. */
struct sl_buffer {
    atomic_int refs;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes owned, without the slack */
    uint8_t *data;
    void *bytes; /* what was allocated: data lies in it */
    struct sl_account *account;
};

/* New buffer of size bytes, one reference; contents undefined. account may be NULL. */
struct sl_buffer *sl_buffer_new(struct sl_account *account, size_t size);
/* The same, where a stranger's bytes say how much is wanted: fills err, which names --memory where that is
 * what forbids it. `what` is what the memory is for. */
struct sl_buffer *sl_buffer_want(struct sl_account *account, size_t size, const char *what,
                                 struct sl_err *err);
struct sl_buffer *sl_buffer_ref(struct sl_buffer *b);
void sl_buffer_unref(struct sl_buffer *b); /* NULL is fine */
/* Grows the capacity of an unshared buffer, keeping size bytes. 0 or -SL_ENOMEM. */
int sl_buffer_grow(struct sl_buffer *b, size_t capacity);

/* Bump allocator: everything is freed at once by sl_arena_release. Zeroed memory, 16-aligned. */
struct sl_arena {
    struct sl_arena_block *head;
};
void sl_arena_init(struct sl_arena *a);
void *sl_arena_alloc(struct sl_arena *a, size_t size); /* NULL on failure */
/* Room for one item more behind the n of a list in the arena, which has grown by this alone: the list, perhaps
 * elsewhere, or NULL. */
void *sl_arena_grow(struct sl_arena *a, void *list, size_t n, size_t size);
char *sl_arena_strndup(struct sl_arena *a, const char *s, size_t n);
void sl_arena_release(struct sl_arena *a);

#endif

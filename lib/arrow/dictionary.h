/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * dictionary: distinct byte strings, numbered in order of arrival.
 *
 * Open addressing with linear probing at most half full; an entry keeps 32 bits of its hash, so
 * that a probe rarely looks at the bytes of another value, and growing never hashes again. Call
 * order: new, add..., then finish (which gives the column and empties it) or free.
 */
#ifndef SL_ARROW_DICTIONARY_H
#define SL_ARROW_DICTIONARY_H

#include "arrow/column.h"

struct sl_dictionary {
    struct sl_account *account;
    uint64_t *slots; /* hash << 32 | code + 1; 0 = free */
    uint32_t mask;
    uint32_t count;
    uint64_t seed;
    struct sl_buffer *offsets, *data;
};

struct sl_dictionary *sl_dictionary_new(struct sl_account *account); /* NULL on failure */
void sl_dictionary_free(struct sl_dictionary *d);                    /* NULL is fine */
/* Code of the value, added if it is new; < 0 when out of memory or beyond 2 GiB of values. */
int32_t sl_dictionary_add(struct sl_dictionary *d, const void *s, size_t n);
/* The values as a PLAIN column of the type; d is empty and may be used again. With no values the
 * column has one empty one (a dictionary is never empty). */
struct sl_column *sl_dictionary_finish(struct sl_dictionary *d, struct sl_type type,
                                       struct sl_err *err);

#endif

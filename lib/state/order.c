/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* order: see order.h. */
#include "state/order.h"

enum { RUN = 16 }; /* sorted by insertion */

static inline int before(const struct sl_entry *x, const struct sl_entry *y,
                         sl_entry_compare *compare, const void *arg)
{
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix;
    return compare(arg, x, y) < 0;
}

static void insertion(struct sl_entry *e, size_t n, sl_entry_compare *compare, const void *arg)
{
    for (size_t i = 1; i < n; i++) {
        struct sl_entry x = e[i];
        size_t k = i;
        for (; k > 0 && before(&x, &e[k - 1], compare, arg); k--)
            e[k] = e[k - 1];
        e[k] = x;
    }
}

static void merge(const struct sl_entry *a, size_t na, const struct sl_entry *b, size_t nb,
                  struct sl_entry *to, sl_entry_compare *compare, const void *arg)
{
    while (na && nb) {
        if (before(b, a, compare, arg)) {
            *to++ = *b++;
            nb--;
        } else {
            *to++ = *a++;
            na--;
        }
    }
    memcpy(to, na ? a : b, (na ? na : nb) * sizeof(*to));
}

void sl_entries_sort(struct sl_entry *e, struct sl_entry *spare, size_t n,
                     sl_entry_compare *compare, const void *arg)
{
    assert(compare && (!n || (e && spare && e != spare)));
    struct sl_entry *from = e, *to = spare;
    for (size_t i = 0; i < n; i += RUN)
        insertion(e + i, SL_MIN((size_t)RUN, n - i), compare, arg);
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t na = SL_MIN(width, n - i), nb = SL_MIN(width, n - i - na);
            const struct sl_entry *a = from + i, *b = a + na;
            if (nb && !before(b, b - 1, compare, arg)) /* already in order */
                memcpy(to + i, a, (na + nb) * sizeof(*to));
            else
                merge(a, na, b, nb, to + i, compare, arg);
        }
        struct sl_entry *t = from;
        from = to;
        to = t;
    }
    if (from != e)
        memcpy(e, from, n * sizeof(*e));
}

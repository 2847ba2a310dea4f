/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* kernel_find: functions that look for text in text, and those that put texts together. */
#include "base/utf8.h"
#include "kernel/kernel.h"

SL_TEXTS(sl_kernel_concat_op, sl_arg_guess(c, 0) + sl_arg_guess(c, 1))
{
    size_t n, m;
    const char *a = sl_arg_bytes(c, 0, i, &n), *b = sl_arg_bytes(c, 1, i, &m);
    if (sl_text_room(t, n + m)) {
        sl_text_add(t, a, n);
        sl_text_add(t, b, m);
    }
    return 0;
}

/* Null arguments are nothing. */
SL_TEXTS(sl_kernel_concat, sl_arg_guess(c, 0) * 2)
{
    for (int k = 0; k < c->node->nargs; k++) {
        size_t n;
        if (sl_column_null(c->args[k], i))
            continue;
        const char *s = sl_arg_bytes(c, k, i, &n);
        sl_text_add(t, s, n);
    }
    return 0;
}

/* concat_ws(separator, ...): null arguments are left out; a null separator gives null */
SL_TEXTS(sl_kernel_concat_ws, c->rows * 16)
{
    size_t m, n;
    int any = 0;
    if (sl_column_null(c->args[0], i))
        return sl_call_null(c, i);
    const char *sep = sl_arg_bytes(c, 0, i, &m);
    for (int k = 1; k < c->node->nargs; k++) {
        if (sl_column_null(c->args[k], i))
            continue;
        const char *s = sl_arg_bytes(c, k, i, &n);
        if (any++)
            sl_text_add(t, sep, m);
        sl_text_add(t, s, n);
    }
    return 0;
}

SL_BITS(sl_kernel_starts_with)
{
    size_t n, m;
    const char *s = sl_arg_bytes(c, 0, i, &n), *p = sl_arg_bytes(c, 1, i, &m);
    return m <= n && memcmp(s, p, m) == 0;
}

/* position of argument 1 in argument 0, in characters; 0 if it is not there */
SL_ROWS(sl_kernel_position, int64_t)
{
    size_t n, m;
    const char *s = sl_arg_bytes(c, 0, i, &n), *p = sl_arg_bytes(c, 1, i, &m);
    const char *at = m ? memmem(s, n, p, m) : s;
    *to = at ? (int64_t)sl_utf8_count(s, (size_t)(at - s)) + 1 : 0;
    return 0;
}

/* Bytes of s with every `from` (m bytes) replaced by k bytes. */
static size_t replaced_length(const char *s, size_t n, const char *from, size_t m, size_t k)
{
    SL_CHECK_THAT(k > m);
    const char *end = s + n, *at;
    size_t found = 0, more;
    while (m && (at = memmem(s, (size_t)(end - s), from, m))) {
        found++;
        s = at + m;
    }
    return __builtin_mul_overflow(found, k - m, &more) || more > SIZE_MAX - n ? SIZE_MAX : n + more;
}

SL_TEXTS(sl_kernel_replace, sl_arg_guess(c, 0))
{
    size_t n, m, k;
    const char *s = sl_arg_bytes(c, 0, i, &n), *from = sl_arg_bytes(c, 1, i, &m);
    const char *to = sl_arg_bytes(c, 2, i, &k), *at;
    if (k > m && !sl_text_room(t, replaced_length(s, n, from, m, k)))
        return 0; /* too long: the row fails when it ends */
    while (m && n >= m && !t->failed && (at = memmem(s, n, from, m))) {
        sl_text_add(t, s, (size_t)(at - s));
        sl_text_add(t, to, k);
        n -= (size_t)(at - s) + m;
        s = at + m;
    }
    sl_text_add(t, s, n);
    return 0;
}

/* The k-th field (1-based, from the end if negative), or NULL. */
static const char *field(const char *s, size_t n, const char *sep, size_t m, int64_t k, size_t *len)
{
    SL_CHECK_THAT(k);
    const char *end = s + n, *at;
    *len = n;
    if (m == 0)
        return k == 1 || k == -1 ? s : NULL;
    if (k < 0) { /* count them first */
        int64_t fields = 1;
        for (const char *p = s; (at = memmem(p, (size_t)(end - p), sep, m)); p = at + m)
            fields++;
        k += fields + 1;
        if (k < 1)
            return NULL;
    }
    for (;; s = at + m) {
        at = memmem(s, (size_t)(end - s), sep, m);
        if (--k == 0) {
            *len = (size_t)((at ? at : end) - s);
            return s;
        }
        if (!at)
            return NULL;
    }
}

SL_TEXTS(sl_kernel_split_part, sl_arg_guess(c, 0))
{
    size_t n, m, len;
    const char *s = sl_arg_bytes(c, 0, i, &n), *sep = sl_arg_bytes(c, 1, i, &m);
    int64_t k = sl_arg_int(c, 2, i);
    if (k == 0)
        return sl_call_fail(c, i, "split_part: the field must not be zero");
    const char *f = k > -INT32_MAX ? field(s, n, sep, m, k, &len) : NULL;
    if (f)
        sl_text_add(t, f, len);
    return 0;
}

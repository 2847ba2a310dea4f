/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * kernel_text: functions that count characters: case, length, substr, left, right, trim, pad.
 *
 * Text is UTF-8; a byte that is no part of a character counts as one. Plain ASCII rows, the rule in
 * event data, take a path without decoding.
 */
#include "base/utf8.h"
#include "kernel/kernel.h"

static int is_ascii(const char *s, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w;
        memcpy(&w, s + i, 8);
        if (w & 0x8080808080808080u)
            return 0;
    }
    for (; i < n; i++)
        if (s[i] & 0x80)
            return 0;
    return 1;
}

/* Byte of the k-th character (n if there are fewer). */
static size_t char_byte(const char *s, size_t n, size_t k)
{
    size_t i = 0;
    int32_t cp;
    while (k-- > 0 && i < n)
        i += sl_utf8_decode(s + i, n - i, &cp);
    return i;
}

static size_t char_count(const char *s, size_t n)
{
    return is_ascii(s, n) ? n : sl_utf8_count(s, n);
}

static size_t char_offset(const char *s, size_t n, size_t k)
{
    return is_ascii(s, n) ? SL_MIN(k, n) : char_byte(s, n, k);
}

/* ---- case ---- */

static int32_t map_char(int32_t cp, int upper)
{
    if (cp < 0x80)
        return upper ? (cp >= 'a' && cp <= 'z' ? cp - 32 : cp)
                     : (cp >= 'A' && cp <= 'Z' ? cp + 32 : cp);
    return sl_fold_char(cp, upper);
}

static int is_alnum(int32_t cp)
{
    return (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z') ||
           cp >= 0x80;
}

static void map_case(struct sl_text_result *t, const char *s, size_t n, int how)
{
    int inside = 0;
    if (how < 2 && is_ascii(s, n)) {
        char *p = sl_text_room(t, n), first = how ? 'a' : 'A';
        for (size_t i = 0; p && i < n; i++)
            p[i] = (char)(s[i] ^ (((unsigned char)(s[i] - first) < 26) << 5));
        t->used += p ? n : 0;
        return;
    }
    for (size_t i = 0, k; i < n; i += k) {
        int32_t cp;
        char out[4];
        k = sl_utf8_decode(s + i, n - i, &cp);
        if (cp < 0) {
            sl_text_add(t, s + i, k);
            continue;
        }
        int upper = how == 2 ? !inside : how;
        inside = is_alnum(cp);
        sl_text_add(t, out, sl_utf8_encode(out, map_char(cp, upper)));
    }
}

/* Eight ASCII bytes at once: those from first to first + 25 change bit 5. */
static uint64_t map_word(uint64_t w, unsigned first)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t from = w + ones * (0x80 - first), past = w + ones * (0x80 - (first + 26));
    return w ^ ((from & ~past & (ones << 7)) >> 2);
}

/* A whole column of plain ASCII: its bytes mapped in one go. 1 done, 0 not so, < 0. */
static int map_column(struct sl_call *c, int upper)
{
    const struct sl_column *a = c->args[0];
    struct sl_column *out = c->out;
    if (a->form != SL_PLAIN || c->rows == 0)
        return 0;
    int32_t base = a->offsets[0];
    size_t n = (size_t)(a->offsets[c->rows] - base), i = 0;
    assert(a->offsets[c->rows] >= base);
    const char *s = (const char *)a->data + base;
    if (!is_ascii(s, n))
        return 0;
    out->owner[1] = sl_buffer_new(c->ev->account, n ? n : 1);
    out->owner[2] = sl_buffer_new(c->ev->account, (c->rows + 1) * sizeof(int32_t));
    if (!out->owner[1] || !out->owner[2])
        return sl_err_nomem(c->err, "evaluating an expression");
    char *to = (char *)out->owner[1]->data;
    int32_t *offsets = (int32_t *)out->owner[2]->data;
    unsigned first = upper ? 'a' : 'A';
    for (; i + 8 <= n; i += 8) {
        uint64_t w;
        memcpy(&w, s + i, 8);
        w = map_word(w, first);
        memcpy(to + i, &w, 8);
    }
    for (; i < n; i++)
        to[i] = (char)(s[i] ^ (((unsigned)(uint8_t)s[i] - first < 26u) << 5));
    for (size_t k = 0; k <= c->rows; k++)
        offsets[k] = a->offsets[k] - base;
    out->data = to;
    out->offsets = offsets;
    return 1;
}

static SL_TEXTS(map_rows, sl_arg_guess(c, 0))
{
    size_t n;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    map_case(t, s, n, (int)c->node->param[0]);
    return 0;
}

/* param[0]: 0 lower, 1 upper, 2 initcap */
int sl_kernel_case_map(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    assert(c->node->param[0] >= 0 && c->node->param[0] <= 2);
    int rc = c->node->param[0] < 2 ? map_column(c, (int)c->node->param[0]) : 0;
    return rc == 0 ? map_rows(c) : SL_MIN(rc, 0);
}

/* ---- lengths and parts ---- */

/* param[0]: 0 characters, 1 bytes */
SL_ROWS(sl_kernel_length, int64_t)
{
    size_t n;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    *to = (int64_t)(c->node->param[0] ? n : char_count(s, n));
    return 0;
}

/* substr(s, from [, count]): positions before 1 count, as in SQL */
SL_TEXTS(sl_kernel_substr, sl_arg_guess(c, 0))
{
    size_t n, b;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    int64_t from = sl_arg_int(c, 1, i), end = INT64_MAX;
    if (c->node->nargs == 3) {
        int64_t count = sl_arg_int(c, 2, i);
        if (count < 0)
            return sl_call_fail(c, i, "negative substring length not allowed");
        if (__builtin_add_overflow(from, count, &end))
            end = INT64_MAX;
    }
    from = SL_MAX(from, 1);
    if (end > from) {
        b = char_offset(s, n, (size_t)(from - 1));
        sl_text_add(t, s + b, char_offset(s + b, n - b, (size_t)(end - from)));
    }
    return 0;
}

/* param[0]: 0 left, 1 right; a negative count leaves out that many at the other end */
SL_TEXTS(sl_kernel_left_right, sl_arg_guess(c, 0))
{
    size_t n, b;
    int right = c->node->param[0] != 0;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    int64_t want = sl_arg_int(c, 1, i), have = INT64_MAX;
    if (right || want < 0) {
        have = (int64_t)char_count(s, n);
        want = want < 0 ? SL_MAX(have + want, 0) : SL_MIN(want, have);
    }
    SL_CHECK_THAT(want >= 0 && want <= have);
    b = char_offset(s, n, (size_t)(right ? have - want : want));
    if (right)
        sl_text_add(t, s + b, n - b);
    else
        sl_text_add(t, s, b);
    return 0;
}

/* ---- trim, pad ---- */

/* Is the character at s (k bytes) one of set? */
static int in_set(const char *s, size_t k, const char *set, size_t n)
{
    for (size_t i = 0, m; i < n; i += m) {
        int32_t cp;
        m = sl_utf8_decode(set + i, n - i, &cp);
        if (m == k && memcmp(s, set + i, k) == 0)
            return 1;
    }
    return 0;
}

/* param[0]: 1 left, 2 right, 3 both */
SL_TEXTS(sl_kernel_trim, sl_arg_guess(c, 0))
{
    size_t n, m = 1, k;
    int32_t cp;
    int ends = (int)c->node->param[0];
    const char *s = sl_arg_bytes(c, 0, i, &n);
    const char *set = c->node->nargs == 2 ? sl_arg_bytes(c, 1, i, &m) : " ";
    SL_CHECK_THAT(ends >= 1 && ends <= 3);
    while ((ends & 1) && n) {
        k = sl_utf8_decode(s, n, &cp);
        if (!in_set(s, k, set, m))
            break;
        s += k;
        n -= k;
    }
    while ((ends & 2) && n) {
        for (k = 1; k < n && k < 4 && (s[n - k] & 0xc0) == 0x80; k++)
            ;
        if (sl_utf8_decode(s + n - k, k, &cp) != k)
            k = 1;
        if (!in_set(s + n - k, k, set, m))
            break;
        n -= k;
    }
    sl_text_add(t, s, n);
    return 0;
}

/* count characters of fill, over and over */
static void add_fill(struct sl_text_result *t, const char *fill, size_t n, int64_t count)
{
    size_t at = 0;
    while (count-- > 0 && n && !t->failed && !t->too_long) {
        int32_t cp;
        size_t k = sl_utf8_decode(fill + at, n - at, &cp);
        sl_text_add(t, fill + at, k);
        at = at + k < n ? at + k : 0;
    }
}

/* param[0]: 0 lpad, 1 rpad */
SL_TEXTS(sl_kernel_pad, sl_arg_guess(c, 0) * 2)
{
    size_t n, m = 1;
    int right = c->node->param[0] != 0;
    const char *s = sl_arg_bytes(c, 0, i, &n), *fill = " ";
    int64_t want = SL_MAX(sl_arg_int(c, 1, i), 0), have = (int64_t)char_count(s, n);
    if (c->node->nargs == 3)
        fill = sl_arg_bytes(c, 2, i, &m);
    if (have >= want || m == 0) {
        sl_text_add(t, s, char_offset(s, n, (size_t)want));
    } else if (sl_text_room(t, n + (size_t)(want - have))) { /* a byte a character at least */
        if (!right)
            add_fill(t, fill, m, want - have);
        sl_text_add(t, s, n);
        if (right)
            add_fill(t, fill, m, want - have);
    }
    return 0;
}

SL_TEXTS(sl_kernel_repeat, sl_arg_guess(c, 0) * 2)
{
    size_t n;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    int64_t times = SL_MAX(sl_arg_int(c, 1, i), 0);
    size_t bytes;
    if (__builtin_mul_overflow(n, (size_t)times, &bytes))
        bytes = SIZE_MAX;
    char *p = bytes ? sl_text_room(t, bytes) : NULL;
    if (p) { /* what is there is copied behind itself */
        memcpy(p, s, n);
        for (size_t have = n; have < bytes; have *= 2)
            memcpy(p + have, p, SL_MIN(have, bytes - have));
        t->used += bytes;
    }
    return 0;
}

SL_TEXTS(sl_kernel_reverse, sl_arg_guess(c, 0))
{
    size_t n;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    char *p = sl_text_room(t, n);
    for (size_t k = 0, m; p && k < n; k += m) {
        int32_t cp;
        m = sl_utf8_decode(s + k, n - k, &cp);
        memcpy(p + n - k - m, s + k, m);
    }
    t->used += p ? n : 0;
    return 0;
}

SL_TEXTS(sl_kernel_chr, c->rows * 4)
{
    int64_t v = sl_arg_int(c, 0, i);
    char out[4];
    if (v <= 0 || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
        return sl_call_fail(c, i, "chr: there is no character %lld", (long long)v);
    sl_text_add(t, out, sl_utf8_encode(out, (int32_t)v));
    return 0;
}

SL_ROWS(sl_kernel_ascii, int64_t)
{
    size_t n;
    int32_t cp = 0;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    if (n)
        sl_utf8_decode(s, n, &cp);
    *to = cp < 0 ? (uint8_t)*s : cp;
    return 0;
}

/* overlay(s, new, from [, count]): without a count as many characters go as are new */
SL_TEXTS(sl_kernel_overlay, sl_arg_guess(c, 0) + sl_arg_guess(c, 1))
{
    size_t n, m;
    const char *s = sl_arg_bytes(c, 0, i, &n), *r = sl_arg_bytes(c, 1, i, &m);
    int64_t from = sl_arg_int(c, 2, i), to;
    int64_t count = c->node->nargs > 3 ? sl_arg_int(c, 3, i) : (int64_t)char_count(r, m);
    if (from <= 0)
        return sl_call_fail(c, i, "negative substring length not allowed");
    if (__builtin_add_overflow(from, count, &to))
        return sl_call_fail(c, i, "value out of range");
    size_t tail = char_offset(s, n, (size_t)(SL_MAX(to, 1) - 1));
    sl_text_add(t, s, char_offset(s, n, (size_t)(from - 1)));
    sl_text_add(t, r, m);
    sl_text_add(t, s + tail, n - tail);
    return 0;
}

/* translate(s, from, to): characters of from without one in to go */
SL_TEXTS(sl_kernel_translate, sl_arg_guess(c, 0))
{
    size_t n, m, r, k;
    const char *s = sl_arg_bytes(c, 0, i, &n), *from = sl_arg_bytes(c, 1, i, &m);
    const char *to = sl_arg_bytes(c, 2, i, &r);
    int32_t cp;
    for (; n; s += k, n -= k) {
        size_t at = 0, len = 0, nth = 0;
        k = sl_utf8_decode(s, n, &cp);
        for (; at < m; at += len, nth++) {
            len = sl_utf8_decode(from + at, m - at, &cp);
            if (len == k && memcmp(from + at, s, k) == 0)
                break;
        }
        size_t place = at < m ? char_offset(to, r, nth) : 0;
        if (at >= m)
            sl_text_add(t, s, k);
        else if (place < r)
            sl_text_add(t, to + place, sl_utf8_decode(to + place, r - place, &cp));
    }
    return 0;
}

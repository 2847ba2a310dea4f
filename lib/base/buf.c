/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* buf: see buf.h. */
#include "base/compat.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

static int is_sound(const struct sl_buf *b)
{
    return b && b->len <= b->cap && (b->data || !b->cap);
}

void sl_buf_release(struct sl_buf *b)
{
    assert(is_sound(b));
    free(b->data);
    *b = (struct sl_buf)SL_BUF_INIT;
}

void sl_buf_reset(struct sl_buf *b)
{
    assert(b->len <= b->cap);
    b->len = 0;
    b->failed = 0;
    if (b->data)
        b->data[0] = '\0';
}

char *sl_buf_room(struct sl_buf *b, size_t n)
{
    SL_CHECK_THAT(is_sound(b));
    if (SL_UNLIKELY(b->failed))
        return NULL;
    if (SL_UNLIKELY(b->cap - b->len <= n || !b->data)) {
        if (n > SIZE_MAX / 4 || b->len > SIZE_MAX / 4) {
            b->failed = 1;
            return NULL;
        }
        size_t cap = SL_MAX(b->len + n + 1, b->cap + b->cap / 2);
        cap = SL_MAX(cap, (size_t)64);
        char *data = sl_realloc(b->data, cap);
        if (!data) {
            b->failed = 1;
            return NULL;
        }
        b->data = data;
        b->cap = cap;
    }
    return b->data + b->len;
}

void sl_buf_add(struct sl_buf *b, const void *data, size_t n)
{
    assert(data || !n);
    char *p = sl_buf_room(b, n);
    if (!p)
        return;
    if (n)
        memcpy(p, data, n);
    p[n] = '\0';
    b->len += n;
}

void sl_buf_addstr(struct sl_buf *b, const char *s)
{
    assert(s);
    sl_buf_add(b, s, strlen(s));
}

void sl_buf_addch(struct sl_buf *b, char c)
{
    sl_buf_add(b, &c, 1);
}

void sl_buf_vprintf(struct sl_buf *b, const char *fmt, va_list ap)
{
    assert(is_sound(b) && fmt);
    va_list again;
    va_copy(again, ap);
    char *p = sl_buf_room(b, 120);
    int n = p ? vsnprintf(p, 120, fmt, ap) : -1;
    if (n >= 120) {
        p = sl_buf_room(b, (size_t)n + 1);
        if (p)
            vsnprintf(p, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    if (p && n >= 0)
        b->len += (size_t)n;
    else
        b->failed = 1;
}

void sl_buf_printf(struct sl_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    sl_buf_vprintf(b, fmt, ap);
    va_end(ap);
}

/* Code points that move the cursor, change its colours or turn the direction of text. */
static int is_invisible(int32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x61c || cp == 0x200e || cp == 0x200f ||
           (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

/* first: the byte that was decoded to cp; cp is -1 where it belongs to no character. */
static void add_escape(struct sl_buf *b, int32_t cp, unsigned first, enum sl_visible form)
{
    unsigned shown = cp < 0 ? first : (unsigned)cp;
    if (form == SL_VISIBLE_JSON)
        sl_buf_printf(b, "\\u%04x", shown);
    else if (cp == '\n' || cp == '\t' || cp == '\r')
        sl_buf_printf(b, "\\%c", cp == '\n' ? 'n' : cp == '\t' ? 't' : 'r');
    else
        sl_buf_printf(b, shown < 0x100 ? "\\x%02x" : "\\u{%04x}", shown);
}

void sl_buf_add_visible_as(struct sl_buf *b, const void *data, size_t n, enum sl_visible form)
{
    const unsigned char *s = data, *end = s + n, *from = s; /* from: not added yet */
    int lays_out = form != SL_VISIBLE_ALL;
    while (s < end) {
        if ((*s >= 0x20 && *s < 0x7f) || (lays_out && (*s == '\n' || *s == '\t'))) {
            s++;
            continue;
        }
        int32_t cp;
        size_t k = sl_utf8_decode(s, (size_t)(end - s), &cp);
        if (is_invisible(cp)) {
            sl_buf_add(b, from, (size_t)(s - from));
            add_escape(b, cp, *s, form);
            from = s + k;
        }
        s += k;
    }
    sl_buf_add(b, from, (size_t)(end - from));
}

void sl_buf_add_visible(struct sl_buf *b, const void *data, size_t n)
{
    assert(is_sound(b) && (data || !n));
    sl_buf_add_visible_as(b, data, n, SL_VISIBLE_ALL);
}

/* Bytes of s that stand for themselves in a JSON string. */
static size_t json_plain(const unsigned char *s, const unsigned char *end)
{
    const unsigned char *p = s;
    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return (size_t)(p - s);
}

static void add_json_escape(struct sl_buf *b, int32_t cp, const unsigned char *s, size_t k)
{
    static const char two[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    for (const char *t = two; *t; t += 2) {
        if (*t == cp) {
            sl_buf_addch(b, '\\');
            sl_buf_addch(b, t[1]);
            return;
        }
    }
    if (cp < 0)
        sl_buf_addstr(b, "\xef\xbf\xbd"); /* U+FFFD */
    else if (cp < 0x20 || cp == 0x7f)
        sl_buf_printf(b, "\\u%04x", (unsigned)cp);
    else
        sl_buf_add(b, s, k);
}

void sl_buf_add_json(struct sl_buf *b, const void *data, size_t n)
{
    assert(is_sound(b) && (data || !n));
    const unsigned char *s = data, *end = s + n;
    sl_buf_addch(b, '"');
    while (s < end) {
        size_t k = json_plain(s, end);
        sl_buf_add(b, s, k);
        s += k;
        if (s == end)
            break;
        int32_t cp;
        k = sl_utf8_decode(s, (size_t)(end - s), &cp);
        add_json_escape(b, cp, s, k);
        s += k;
    }
    sl_buf_addch(b, '"');
}

void sl_buf_consume(struct sl_buf *b, size_t n)
{
    assert(is_sound(b));
    assert(n <= b->len);
    if (!n)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = '\0';
}

int sl_buf_check(const struct sl_buf *b, struct sl_err *err)
{
    assert(is_sound(b));
    return b->failed ? sl_err_nomem(err, "a text buffer") : 0;
}

char *sl_buf_take(struct sl_buf *b)
{
    assert(is_sound(b));
    char *p = b->failed ? NULL : sl_buf_room(b, 0);
    if (!p) {
        sl_buf_release(b);
        return NULL;
    }
    *p = '\0';
    p = b->data;
    *b = (struct sl_buf)SL_BUF_INIT;
    return p;
}

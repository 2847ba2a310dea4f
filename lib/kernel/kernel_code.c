/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * kernel_code: text in other clothes: hexadecimal, base64, URLs, literals of SQL, format(), and the
 * patterns of similar to.
 */
#include <inttypes.h>
#include <strings.h>
#include "base/utf8.h"
#include "kernel/kernel.h"
#include "base/hex.h"

SL_TEXTS(sl_kernel_to_hex, c->rows * 8)
{
    char out[17];
    int n = snprintf(out, sizeof(out), "%" PRIx64, (uint64_t)sl_arg_int(c, 0, i));
    sl_text_add(t, out, (size_t)n);
    return 0;
}

/* The value of a hexadecimal digit, or -1. */
static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* ---- encode, decode ---- */

enum {
    LINE = 57
}; /* bytes of a line of base64, which has 76 characters (RFC 2045), as in PostgreSQL */

/* The form that argument 1 names: 'h', 'b', 'e'; 0: the row has failed, or < 0. */
static int form_of(struct sl_call *c, size_t row)
{
    static const char *const names[] = {"hex", "base64", "escape"};
    size_t n;
    const char *s = sl_arg_bytes(c, 1, row, &n);
    for (size_t k = 0; k < SL_COUNT(names); k++)
        if (strlen(names[k]) == n && strncasecmp(names[k], s, n) == 0)
            return names[k][0];
    return sl_call_fail(c, row, "there is no encoding \"%.*s\": hex, base64 or escape",
                        (int)SL_MIN(n, 40), s);
}

static void add_hex(struct sl_text_result *t, const char *s, size_t n)
{
    char *p = sl_text_room(t, 2 * n + 1); /* with the NUL that ends it */
    if (p) {
        sl_hex((const uint8_t *)s, n, p);
        t->used += 2 * n;
    }
}

static void add_base64(struct sl_buf *out, const char *s, size_t n)
{
    for (size_t k = 0; k < n; k += LINE) {
        sl_base64_add(out, s + k, SL_MIN(n - k, (size_t)LINE));
        sl_buf_addstr(out, n - k >= LINE ? "\n" : "");
    }
}

static void add_escaped(struct sl_buf *out, const char *s, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (!s[k] || s[k] & 0x80)
            sl_buf_printf(out, "\\%03o", (unsigned char)s[k]);
        else if (s[k] == '\\')
            sl_buf_addstr(out, "\\\\");
        else
            sl_buf_addch(out, s[k]);
    }
}

/* encode(bytes, form) */
SL_TEXTS(sl_kernel_encode, sl_arg_guess(c, 0) * 2)
{
    size_t n;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    struct sl_buf *b = &c->ev->buf[0];
    int form = form_of(c, i);
    if (form <= 0)
        return form;
    sl_buf_reset(b);
    if (form == 'h')
        add_hex(t, s, n);
    else
        (form == 'b' ? add_base64 : add_escaped)(b, s, n);
    sl_text_add(t, b->data, b->len);
    return sl_buf_check(b, c->err);
}

int sl_read_hex(const char *s, size_t n, struct sl_buf *out)
{
    for (size_t k = 0; k < n; k++) {
        if (strchr(" \n\r\t", s[k]) && s[k])
            continue;
        if (k + 1 == n || digit(s[k]) < 0 || digit(s[k + 1]) < 0)
            return 0;
        sl_buf_addch(out, (char)(digit(s[k]) << 4 | digit(s[k + 1])));
        k++;
    }
    return 1;
}

static int read_base64(const char *s, size_t n, struct sl_buf *text, struct sl_buf *out)
{
    for (size_t k = 0; k < n; k++)
        if (!s[k] || !strchr(" \n\r\t", s[k]))
            sl_buf_addch(text, s[k]);
    return !text->len || sl_base64_parse(text->data, text->len, out);
}

static int read_escaped(const char *s, size_t n, struct sl_buf *out)
{
    for (size_t k = 0; k < n; k++) {
        const char *d = s + k + 1;
        size_t left = n - k - 1;
        if (s[k] != '\\') {
            sl_buf_addch(out, s[k]);
        } else if (left && *d == '\\') {
            sl_buf_addch(out, '\\');
            k++;
        } else if (left >= 3 && d[0] >= '0' && d[0] <= '3' && d[1] >= '0' && d[1] <= '7' &&
                   d[2] >= '0' && d[2] <= '7') {
            sl_buf_addch(out, (char)((d[0] - '0') << 6 | (d[1] - '0') << 3 | (d[2] - '0')));
            k += 3;
        } else {
            return 0;
        }
    }
    return 1;
}

/* decode(text, form) */
SL_TEXTS(sl_kernel_decode, sl_arg_guess(c, 0))
{
    size_t n;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    struct sl_buf *b = &c->ev->buf[0], *text = &c->ev->buf[1];
    int form = form_of(c, i);
    if (form <= 0)
        return form;
    sl_buf_reset(b);
    sl_buf_reset(text);
    int ok = form == 'h'   ? sl_read_hex(s, n, b)
             : form == 'b' ? read_base64(s, n, text, b)
                           : read_escaped(s, n, b);
    if (b->failed || text->failed)
        return sl_err_nomem(c->err, "evaluating an expression");
    if (!ok)
        return sl_call_fail(c, i, "the text is no %s",
                            form == 'h'   ? "hexadecimal digits"
                            : form == 'b' ? "base64"
                                          : "bytea in the escape form");
    sl_text_add(t, b->data, b->len);
    return 0;
}

/* ---- URLs ---- */

/* What RFC 3986 calls unreserved. */
static int is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

SL_TEXTS(sl_kernel_url_encode, sl_arg_guess(c, 0))
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    for (size_t k = 0; k < n; k++) {
        char code[] = {'%', digits[(uint8_t)s[k] >> 4], digits[s[k] & 15]};
        int keep = is_unreserved(s[k]);
        sl_text_add(t, keep ? s + k : code, keep ? 1 : sizeof(code));
    }
    return 0;
}

/* A % without two digits behind it stays. Bytes that are no text are an error. */
SL_TEXTS(sl_kernel_url_decode, sl_arg_guess(c, 0))
{
    size_t n;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    struct sl_buf *b = &c->ev->buf[0];
    sl_buf_reset(b);
    for (size_t k = 0; k < n; k++) {
        char ch = s[k];
        if (ch == '%' && k + 2 < n && digit(s[k + 1]) >= 0 && digit(s[k + 2]) >= 0) {
            ch = (char)(digit(s[k + 1]) << 4 | digit(s[k + 2]));
            k += 2;
        }
        sl_buf_addch(b, ch);
    }
    if (b->len && !sl_utf8_valid(b->data, b->len))
        return sl_call_fail(c, i, "url_decode: the bytes are no UTF-8: \"%.*s\"",
                            (int)SL_MIN(n, 100), s);
    sl_text_add(t, b->data, b->len);
    return sl_buf_check(b, c->err);
}

/* ---- literals and format ---- */

static void add_literal(struct sl_buf *out, const char *s, size_t n)
{
    sl_buf_addstr(out, memchr(s, '\\', n) ? "E'" : "'");
    for (size_t k = 0; k < n; k++) {
        if (s[k] == '\'' || s[k] == '\\')
            sl_buf_addch(out, s[k]);
        sl_buf_addch(out, s[k]);
    }
    sl_buf_addch(out, '\'');
}

SL_TEXTS(sl_kernel_quote_literal, sl_arg_guess(c, 0) * 2)
{
    size_t n;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    sl_buf_reset(&c->ev->buf[0]);
    add_literal(&c->ev->buf[0], s, n);
    sl_text_add(t, c->ev->buf[0].data, c->ev->buf[0].len);
    return sl_buf_check(&c->ev->buf[0], c->err);
}

/* What stands between % and the letter. */
struct spec {
    int64_t position; /* of the argument, from 1; 0: the next one */
    int64_t width;    /* in characters; < 0: filled up behind */
    char letter;
};

static const char *read_number(const char *p, const char *end, int64_t *out)
{
    for (*out = 0; p < end && *p >= '0' && *p <= '9' && *out < 1 << 28; p++)
        *out = *out * 10 + (*p - '0');
    return p;
}

/* Behind the letter, or NULL if it is not whole. */
static const char *read_spec(const char *p, const char *end, struct spec *out)
{
    int64_t n;
    int behind = 0;
    const char *q = read_number(p, end, &n);
    *out = (struct spec){0};
    if (q > p && q < end && *q == '$') {
        out->position = n ? n : -1;
        p = q + 1;
    }
    for (; p < end && *p == '-'; p++)
        behind = 1;
    p = read_number(p, end, &out->width);
    if (behind)
        out->width = -out->width;
    if (p == end)
        return NULL;
    out->letter = *p;
    return p + 1;
}

static void add_filled(struct sl_text_result *t, const char *s, size_t n, int64_t width)
{
    int64_t blanks = (width < 0 ? -width : width) - (int64_t)sl_utf8_count(s, n);
    char *p = blanks > 0 ? sl_text_room(t, (size_t)blanks + n) : NULL;
    if (!p || width < 0)
        sl_text_add(t, s, n);
    if (p && (p = sl_text_room(t, (size_t)blanks))) {
        memset(p, ' ', (size_t)blanks);
        t->used += (size_t)blanks;
    }
    if (p && width > 0)
        sl_text_add(t, s, n);
}

/* One %s or %L. 0 or -SL_ENOMEM. */
static int format_one(struct sl_call *c, struct sl_text_result *t, const struct spec *x, int k,
                      size_t row)
{
    struct sl_buf *b = &c->ev->buf[0];
    size_t n = 0;
    int is_null = sl_column_null(c->args[k], row);
    const char *s = is_null ? "" : sl_arg_bytes(c, k, row, &n);
    sl_buf_reset(b);
    if (x->letter == 'L' && is_null)
        sl_buf_addstr(b, "NULL");
    else if (x->letter == 'L')
        add_literal(b, s, n);
    if (b->failed)
        return sl_err_nomem(c->err, "evaluating an expression");
    add_filled(t, b->len ? b->data : s, b->len ? b->len : n, x->width);
    return 0;
}

/* format(form, ...) */
SL_TEXTS(sl_kernel_format, sl_arg_guess(c, 0) * 2)
{
    size_t n;
    int k = 0, rc = 0;
    if (sl_column_null(c->args[0], i))
        return sl_call_null(c, i);
    const char *p = sl_arg_bytes(c, 0, i, &n), *end = p + n, *at;
    for (; rc == 0 && (at = memchr(p, '%', (size_t)(end - p)));) {
        struct spec x;
        sl_text_add(t, p, (size_t)(at - p));
        p = read_spec(at + 1, end, &x);
        if (!p)
            return sl_call_fail(c, i, "format: the last %% has no letter behind it");
        if (x.letter == '%') {
            sl_text_add(t, "%", 1);
            continue;
        }
        if (x.letter != 's' && x.letter != 'L')
            return sl_call_fail(c, i, "format: there is no %%%c: %%s, %%L or %%%%",
                                x.letter > ' ' && x.letter < 127 ? x.letter : '?');
        k = x.position ? (int)SL_MIN(x.position, INT_MAX) : k + 1;
        if (k < 1 || k >= c->node->nargs)
            return sl_call_fail(c, i, "format: there are too few arguments");
        rc = format_one(c, t, &x, k, i);
    }
    sl_text_add(t, p, (size_t)(end - p));
    return rc;
}

/* ---- similar to ---- */

/* similar_to_escape(pattern [, escape]): the same as a regular expression, as PostgreSQL makes it */
SL_TEXTS(sl_kernel_similar, sl_arg_guess(c, 0) * 2)
{
    size_t n, m = 1, k;
    const char *p = sl_arg_bytes(c, 0, i, &n), *esc = "\\";
    int32_t cp;
    int in_set = 0, escaped = 0;
    if (c->node->nargs > 1)
        esc = sl_arg_bytes(c, 1, i, &m);
    if (m && sl_utf8_decode(esc, m, &cp) != m)
        return sl_call_fail(c, i, "the escape is one character, or none");
    sl_text_add(t, "^(?:", 4);
    for (; n; p += k, n -= k) {
        k = sl_utf8_decode(p, n, &cp);
        int is_escape = m && k == m && memcmp(p, esc, k) == 0;
        if (!escaped && is_escape) {
            escaped = 1;
            continue;
        }
        if (escaped || (in_set ? *p == '\\' : *p && strchr("\\.^$", *p)))
            sl_text_add(t, "\\", 1);
        else if (!in_set && *p == '%')
            sl_text_add(t, ".", 1);
        const char *as = escaped || in_set ? p : *p == '%' ? "*" : *p == '_' ? "." : p;
        sl_text_add(t, as, k);
        if (!escaped && !in_set && *p == '(')
            sl_text_add(t, "?:", 2);
        if (!escaped)
            in_set = in_set ? *p != ']' : *p == '[';
        escaped = 0;
    }
    sl_text_add(t, ")$", 2);
    return 0;
}

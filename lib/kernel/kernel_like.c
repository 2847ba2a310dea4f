/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * kernel_like: LIKE and ILIKE.
 *
 * A pattern becomes pieces of literal bytes and `_` between `%`s. Pieces are found from left to
 * right, each at its first place, which is enough (a later place never helps), so matching is linear
 * but for the search. Patterns without `_` use memcmp and memmem. Without case both sides are folded.
 */
#include "base/utf8.h"
#include "kernel/kernel.h"

struct token { /* a literal byte, or any one character */
    uint8_t any, byte;
};

struct like {
    struct token *tokens;
    size_t n;
    size_t *start; /* pieces: tokens [start[i], start[i + 1]) */
    size_t pieces;
    int plain;   /* no `_` */
    char *bytes; /* of the tokens, when plain */
};

static void like_free(void *p)
{
    struct like *l = p;
    if (!l)
        return;
    free(l->tokens);
    free(l->start);
    free(l->bytes);
    free(l);
}

/* Folded copy (case) of s in b. */
static void fold(const char *s, size_t n, struct sl_buf *b)
{
    sl_buf_reset(b);
    for (size_t i = 0, k; i < n; i += k) {
        int32_t cp;
        char out[4];
        k = sl_utf8_decode(s + i, n - i, &cp);
        if (cp < 0)
            sl_buf_add(b, s + i, k);
        else if (cp < 0x80)
            sl_buf_addch(b, (char)(cp >= 'A' && cp <= 'Z' ? cp + 32 : cp));
        else
            sl_buf_add(b, out, sl_utf8_encode(out, sl_fold_char(cp, 0)));
    }
}

/* Compiles p; escape is a character of esc_n bytes, 0 for none. 1, 0 if the pattern ends in its
 * escape, < 0. */
static int compile(const char *p, size_t n, const char *esc, size_t esc_n, struct like **out,
                   struct sl_err *err)
{
    struct like *l = sl_calloc(1, sizeof(*l));
    *out = l;
    if (!l)
        goto nomem;
    l->tokens = sl_malloc((n + 1) * sizeof(*l->tokens));
    l->start = sl_malloc((n + 2) * sizeof(*l->start));
    l->bytes = sl_malloc(n + 1);
    if (!l->tokens || !l->start || !l->bytes)
        goto nomem;
    l->plain = 1;
    l->start[l->pieces++] = 0;
    for (size_t i = 0; i < n; i++) {
        if (esc_n && n - i >= esc_n && memcmp(p + i, esc, esc_n) == 0) {
            i += esc_n;
            if (i >= n)
                return 0;
        } else if (p[i] == '%') {
            l->start[l->pieces++] = l->n;
            continue;
        } else if (p[i] == '_') {
            l->plain = 0;
            l->tokens[l->n++] = (struct token){1, 0};
            continue;
        }
        l->tokens[l->n++] = (struct token){0, (uint8_t)p[i]};
    }
    assert(l->n <= n && l->pieces <= n + 1);
    l->start[l->pieces] = l->n;
    for (size_t i = 0; i < l->n; i++)
        l->bytes[i] = (char)l->tokens[i].byte;
    return 1;
nomem:
    like_free(l);
    *out = NULL;
    return sl_err_nomem(err, "reading a pattern");
}

/* Tokens [from, to) at s: bytes taken, or -1. */
static ptrdiff_t piece_at(const struct like *l, size_t from, size_t to, const char *s, size_t n)
{
    size_t i = 0;
    for (size_t k = from; k < to; k++) {
        if (i >= n)
            return -1;
        if (l->tokens[k].any) {
            int32_t cp;
            i += sl_utf8_decode(s + i, n - i, &cp);
        } else if ((uint8_t)s[i++] != l->tokens[k].byte) {
            return -1;
        }
    }
    return (ptrdiff_t)i;
}

static const char *find_piece(const struct like *l, size_t from, size_t to, const char *s, size_t n,
                              size_t *len)
{
    if (l->plain) {
        *len = to - from;
        return *len ? memmem(s, n, l->bytes + from, *len) : s;
    }
    for (size_t i = 0;; i++) {
        ptrdiff_t k = piece_at(l, from, to, s + i, n - i);
        if (k >= 0) {
            *len = (size_t)k;
            return s + i;
        }
        while (i + 1 < n && (s[i + 1] & 0xc0) == 0x80)
            i++; /* starts are at characters */
        if (i >= n)
            return NULL;
    }
}

/* The last piece must end where s ends: its characters counted from there. */
static int ends_with(const struct like *l, size_t from, size_t to, const char *s, size_t n)
{
    size_t i = n;
    for (size_t k = to; k > from; k--) {
        if (i == 0)
            return 0;
        i--;
        if (l->tokens[k - 1].any) {
            while (i > 0 && (s[i] & 0xc0) == 0x80)
                i--;
        } else if ((uint8_t)s[i] != l->tokens[k - 1].byte) {
            return 0;
        }
    }
    return 1;
}

static int match(const struct like *l, const char *s, size_t n)
{
    const char *end = s + n;
    SL_CHECK_THAT(l->pieces > 0);
    size_t last = l->pieces - 1;
    ptrdiff_t k = piece_at(l, l->start[0], l->start[1], s, n);
    if (k < 0)
        return 0;
    s += k;
    if (last == 0)
        return s == end;
    for (size_t i = 1; i < last; i++) {
        size_t len;
        const char *at = find_piece(l, l->start[i], l->start[i + 1], s, (size_t)(end - s), &len);
        if (!at)
            return 0;
        s = at + len;
    }
    return ends_with(l, l->start[last], l->start[last + 1], s, (size_t)(end - s));
}

/* The escape character of a row into *esc. 1, 0 (failed row), < 0. */
static int escape_of(struct sl_call *c, size_t row, const char **esc, size_t *n)
{
    int32_t cp;
    *esc = "\\";
    *n = 1;
    if (c->node->nargs < 3)
        return 1;
    *esc = sl_arg_bytes(c, 2, row, n);
    if (*n && sl_utf8_decode(*esc, *n, &cp) != *n)
        return sl_call_fail(c, row, "the escape must be one character");
    return 1;
}

static int compile_text(const char *p, size_t n, const char *esc, size_t esc_n, int icase,
                        struct like **out, struct sl_err *err)
{
    struct sl_buf b = SL_BUF_INIT;
    if (icase) {
        fold(p, n, &b);
        p = b.data ? b.data : "";
        n = b.len;
    }
    int rc =
        b.failed ? sl_err_nomem(err, "reading a pattern") : compile(p, n, esc, esc_n, out, err);
    sl_buf_release(&b);
    return rc;
}

int sl_like_bind(struct sl_node *n, struct sl_err *err)
{
    assert(n && n->nargs >= 2);
    struct like *l = NULL;
    const struct sl_column *p = n->args[1]->value, *e = n->nargs > 2 ? n->args[2]->value : NULL;
    const char *esc = "\\";
    size_t len, esc_n = 1;
    int32_t cp;
    if (!p || sl_column_null(p, 0) || (n->nargs > 2 && (!e || sl_column_null(e, 0))))
        return 0; /* compiled row by row */
    if (e) {
        esc = sl_column_bytes(e, 0, &esc_n);
        if (esc_n && sl_utf8_decode(esc, esc_n, &cp) != esc_n)
            return sl_err_set(err, SL_EUSAGE, "the escape must be one character");
    }
    const char *s = sl_column_bytes(p, 0, &len);
    int rc = compile_text(s, len, esc, esc_n, n->param[1] != 0, &l, err);
    n->extra = l;
    n->extra_free = like_free;
    n->can_fail = 0;
    return rc == 0 ? sl_err_set(err, SL_EUSAGE, "the pattern ends in its escape character") : rc;
}

/* The pattern that a row brings. 1 and *out, 0 (failed row), < 0. */
static int compile_row(struct sl_call *c, size_t i, struct like **out)
{
    size_t n, esc_n;
    const char *esc, *p = sl_arg_bytes(c, 1, i, &n);
    int rc = escape_of(c, i, &esc, &esc_n);
    if (rc != 1)
        return rc;
    rc = compile_text(p, n, esc, esc_n, c->node->param[1] != 0, out, c->err);
    return rc == 0 ? sl_call_fail(c, i, "the pattern ends in its escape character") : rc;
}

/* param[0]: 1 = not, param[1]: 1 = without case */
SL_BITS(sl_kernel_like)
{
    const struct like *l = c->node->extra;
    struct like *own = NULL;
    struct sl_buf *folded = &c->ev->buf[0];
    int rc = l ? 1 : compile_row(c, i, &own);
    size_t n;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    if (rc == 1 && c->node->param[1]) {
        fold(s, n, folded);
        if (folded->failed)
            rc = sl_err_nomem(c->err, "matching text");
        s = folded->data ? folded->data : "";
        n = folded->len;
    }
    if (rc == 1)
        rc = match(l ? l : own, s, n) != (c->node->param[0] != 0);
    like_free(own);
    return rc;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * regex: ~, regexp_like, regexp_replace, regexp_substr, regexp_count, by PCRE2.
 *
 * A constant pattern is compiled (and made machine code) at binding; another one when a row brings
 * it, the last one kept. Matching is bounded, so that a pattern that explodes is an error of its row
 * and no hang. As in PostgreSQL `.` matches a newline and `$` only the very end. Text that is not
 * UTF-8 matches up to the bad byte and after it, never across.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include "expr/bind.h"
#include "expr/dict.h"

enum { MATCH_LIMIT = 1000000, JIT_STACK_MAX = 1 << 20, CAPTURES = 10 };

struct pattern {
    pcre2_code *code;
    int global; /* flag g of regexp_replace */
};

struct sl_regex_scratch {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    struct pattern last; /* of rows that bring their own */
    char *key;
    size_t key_len;
};

void sl_regex_scratch_free(struct sl_regex_scratch *s)
{
    if (!s)
        return;
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
    pcre2_jit_stack_free(s->stack);
    pcre2_code_free(s->last.code);
    free(s->key);
    free(s);
}

static struct sl_regex_scratch *scratch(struct sl_eval *ev, struct sl_err *err)
{
    struct sl_regex_scratch *s = ev->regex;
    if (s)
        return s;
    s = sl_calloc(1, sizeof(*s));
    if (s) {
        s->data = pcre2_match_data_create(CAPTURES, NULL);
        s->context = pcre2_match_context_create(NULL);
        s->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK_MAX, NULL);
    }
    if (!s || !s->data || !s->context || !s->stack) {
        sl_regex_scratch_free(s);
        sl_err_nomem(err, "matching a pattern");
        return NULL;
    }
    pcre2_set_match_limit(s->context, MATCH_LIMIT);
    pcre2_set_depth_limit(s->context, MATCH_LIMIT / 10);
    pcre2_set_heap_limit(s->context, 64 * 1024); /* KiB */
    pcre2_jit_stack_assign(s->context, NULL, s->stack);
    return ev->regex = s;
}

static void pattern_free(void *p)
{
    struct pattern *x = p;
    if (x)
        pcre2_code_free(x->code);
    free(x);
}

/* PostgreSQL's flags: i c n s x g. 0, or the character that is none. */
static char read_flags(const char *f, size_t n, uint32_t *options, int *global)
{
    for (size_t i = 0; i < n; i++) {
        switch (f[i]) {
        case 'i': *options |= PCRE2_CASELESS; break;
        case 'c': *options &= ~(uint32_t)PCRE2_CASELESS; break;
        case 'n':
        case 'm':
            *options |= PCRE2_MULTILINE;
            *options &= ~(uint32_t)(PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY);
            break;
        case 's': *options |= PCRE2_DOTALL; break;
        case 'x': *options |= PCRE2_EXTENDED; break;
        case 'g': *global = 1; break;
        default: return f[i];
        }
    }
    return 0;
}

/* 1; 0 with err->what saying why the pattern is none. */
static int compile(const char *p, size_t n, int icase, const char *flags, size_t nflags,
                   struct pattern *out, struct sl_err *err)
{
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
                       PCRE2_NEVER_BACKSLASH_C | (icase ? PCRE2_CASELESS : 0);
    int code;
    size_t at;
    out->global = 0;
    char bad = read_flags(flags, nflags, &options, &out->global);
    if (bad) {
        sl_err_set(err, SL_EUSAGE, "there is no regular expression flag \"%c\"",
                   bad > ' ' && bad < 127 ? bad : '?');
        return 0;
    }
    out->code = pcre2_compile((PCRE2_SPTR)p, n, options, &code, &at, NULL);
    if (!out->code) {
        PCRE2_UCHAR text[160];
        pcre2_get_error_message(code, text, sizeof(text));
        sl_err_set(err, SL_EUSAGE, "bad regular expression: %s, at byte %zu of \"%.*s\"",
                   (char *)text, at, (int)SL_MIN(n, 80), p);
        return 0;
    }
    pcre2_jit_compile(out->code, PCRE2_JIT_COMPLETE); /* where there is no JIT it interprets */
    return 1;
}

int sl_regex_bind(struct sl_node *n, int pattern_arg, int flags_arg, struct sl_err *err)
{
    const struct sl_column *p = n->args[pattern_arg]->value;
    const struct sl_column *f = flags_arg >= 0 ? n->args[flags_arg]->value : NULL;
    const char *flags = "";
    size_t len, nflags = 0;
    if (!p || sl_column_null(p, 0) || (flags_arg >= 0 && (!f || sl_column_null(f, 0))))
        return 0;
    struct pattern *x = sl_calloc(1, sizeof(*x));
    if (!x)
        return sl_err_nomem(err, "reading a pattern");
    n->extra = x;
    n->extra_free = pattern_free;
    if (f)
        flags = sl_column_bytes(f, 0, &nflags);
    const char *s = sl_column_bytes(p, 0, &len);
    return compile(s, len, n->run == sl_kernel_regex && n->param[1], flags, nflags, x, err)
               ? 0
               : -SL_EUSAGE;
}

/* The pattern for a row. 1, 0 (row failed), < 0. */
static int pattern_for(struct sl_call *c, struct sl_regex_scratch *s, size_t row, int flags_arg,
                       const struct pattern **out)
{
    size_t n, nf = 0;
    const char *p, *f = "";
    struct sl_err why;
    int icase = c->node->run == sl_kernel_regex && c->node->param[1];
    if (c->node->extra) {
        *out = c->node->extra;
        return 1;
    }
    p = sl_arg_bytes(c, 1, row, &n);
    if (flags_arg >= 0)
        f = sl_arg_bytes(c, flags_arg, row, &nf);
    size_t len = n + nf + 2;
    char *key = sl_malloc(len);
    if (!key)
        return sl_err_nomem(c->err, "matching a pattern");
    key[0] = (char)icase;
    memcpy(key + 1, f, nf);
    key[1 + nf] = '/';
    memcpy(key + 2 + nf, p, n);
    if (s->last.code && s->key_len == len && memcmp(s->key, key, len) == 0) {
        free(key);
        *out = &s->last;
        return 1;
    }
    pcre2_code_free(s->last.code);
    s->last.code = NULL;
    free(s->key);
    s->key = key;
    s->key_len = len;
    if (!compile(p, n, icase, f, nf, &s->last, &why))
        return sl_call_fail(c, row, "%s", why.what);
    *out = &s->last;
    return 1;
}

/* Captures set (>= 1), 0 = no match, -1 = the row failed but goes on, < -1 = stop. */
static int match_at(struct sl_call *c, struct sl_regex_scratch *s, const struct pattern *p,
                    const char *text, size_t n, size_t from, uint32_t options, size_t row)
{
    int rc = pcre2_match(p->code, (PCRE2_SPTR)text, n, from, options, s->data, s->context);
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    if (rc == 0) /* more groups than are kept */
        return CAPTURES;
    if (rc > 0)
        return rc;
    if (rc == PCRE2_ERROR_NOMEMORY)
        return sl_err_nomem(c->err, "matching a pattern");
    rc = sl_call_fail(c, row, "the regular expression takes too many steps on this text");
    return rc < 0 ? rc : -1;
}

/* param[0]: 1 = not */
int sl_kernel_regex(struct sl_call *c)
{
    struct sl_regex_scratch *s = scratch(c->ev, c->err);
    int negated = c->node->param[0] != 0, flags = c->node->nargs > 2 ? 2 : -1;
    uint8_t *to = s ? sl_call_data(c) : NULL;
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows; i++) {
        const struct pattern *p;
        size_t n;
        if (!sl_call_valid(c, i))
            continue;
        int rc = pattern_for(c, s, i, flags, &p);
        if (rc < 0)
            return rc;
        if (rc == 0)
            continue;
        const char *text = sl_arg_bytes(c, 0, i, &n);
        rc = match_at(c, s, p, text, n, 0, 0, i);
        if (rc < -1)
            return rc;
        if (rc >= 0 && (rc > 0) != negated)
            sl_bit_set(to, i);
    }
    return 0;
}

/* Replacement text: \1 .. \9 are groups, \& the whole match, \\ a backslash. */
static void add_replacement(struct sl_text_out *t, const char *r, size_t n, const char *text,
                            const size_t *ov, int groups)
{
    for (size_t i = 0; i < n; i++) {
        int g = -1;
        if (r[i] == '\\' && i + 1 < n) {
            char d = r[i + 1];
            if (d >= '0' && d <= '9')
                g = d - '0';
            else if (d == '&')
                g = 0;
            else if (d == '\\')
                i++; /* the second one is added below */
        }
        if (g < 0) {
            sl_text_add(t, r + i, 1);
            continue;
        }
        i++;
        if (g < groups && ov[2 * g] != PCRE2_UNSET)
            sl_text_add(t, text + ov[2 * g], ov[2 * g + 1] - ov[2 * g]);
    }
}

/* Where to look next after a match: an empty one must move on. */
static size_t step_over(const char *text, size_t n, const size_t *ov)
{
    size_t at = ov[1];
    if (ov[1] > ov[0])
        return at;
    at++;
    while (at < n && (text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static int replace_row(struct sl_call *c, struct sl_regex_scratch *s, struct sl_text_out *t,
                       const struct pattern *p, size_t row)
{
    size_t n, m, done = 0, from = 0;
    const char *text = sl_arg_bytes(c, 0, row, &n), *r = sl_arg_bytes(c, 2, row, &m);
    const size_t *ov = pcre2_get_ovector_pointer(s->data);
    while (from <= n && !t->failed) {
        int rc = match_at(c, s, p, text, n, from, 0, row);
        if (rc < 0)
            return rc;
        if (rc == 0)
            break;
        if (ov[0] < done || ov[1] < ov[0]) /* \K can look back */
            break;
        sl_text_add(t, text + done, ov[0] - done);
        add_replacement(t, r, m, text, ov, rc);
        done = ov[1];
        from = step_over(text, n, ov);
        if (!p->global)
            break;
    }
    sl_text_add(t, text + done, n - done);
    return 0;
}

int sl_kernel_regexp_replace(struct sl_call *c)
{
    struct sl_regex_scratch *s = scratch(c->ev, c->err);
    struct sl_text_out t;
    int flags = c->node->nargs > 3 ? 3 : -1, rc;
    if (!s)
        return -SL_ENOMEM;
    rc = sl_text_begin(&t, c, c->rows * 16);
    for (size_t i = 0; rc > -SL_OK - 1 && i < c->rows; i++) {
        const struct pattern *p;
        if (sl_call_valid(c, i)) {
            rc = pattern_for(c, s, i, flags, &p);
            if (rc == 1)
                rc = replace_row(c, s, &t, p, i);
            if (rc < -1)
                return rc;
            rc = 0;
        }
        sl_text_next(&t);
    }
    return rc < 0 ? rc : sl_text_end(&t);
}

/* The first group if there is one, else the match; null if none. param[0]: 1 = always the match */
int sl_kernel_regexp_substr(struct sl_call *c)
{
    struct sl_regex_scratch *s = scratch(c->ev, c->err);
    struct sl_text_out t;
    if (!s)
        return -SL_ENOMEM;
    int rc = sl_text_begin(&t, c, c->rows * 16);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < c->rows; i++) {
        const struct pattern *p;
        size_t n;
        if (sl_call_valid(c, i)) {
            rc = pattern_for(c, s, i, -1, &p);
            if (rc < 0)
                return rc;
            const char *text = sl_arg_bytes(c, 0, i, &n);
            rc = rc == 1 ? match_at(c, s, p, text, n, 0, 0, i) : -1;
            if (rc < -1)
                return rc;
            if (rc >= 0) {
                const size_t *ov = pcre2_get_ovector_pointer(s->data);
                int g = rc > 1 && !c->node->param[0] ? 1 : 0;
                if (rc == 0 || ov[2 * g] == PCRE2_UNSET || ov[2 * g + 1] < ov[2 * g]) {
                    if (sl_call_null(c, i) < 0)
                        return -SL_ENOMEM;
                } else {
                    sl_text_add(&t, text + ov[2 * g], ov[2 * g + 1] - ov[2 * g]);
                }
            }
        }
        sl_text_next(&t);
    }
    return sl_text_end(&t);
}

int sl_kernel_regexp_count(struct sl_call *c)
{
    struct sl_regex_scratch *s = scratch(c->ev, c->err);
    int64_t *to = s ? sl_call_data(c) : NULL;
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows; i++) {
        const struct pattern *p;
        size_t n, from = 0;
        to[i] = 0;
        if (!sl_call_valid(c, i))
            continue;
        int rc = pattern_for(c, s, i, -1, &p);
        if (rc < 0)
            return rc;
        const char *text = sl_arg_bytes(c, 0, i, &n);
        while (rc == 1 && from <= n) {
            int k = match_at(c, s, p, text, n, from, 0, i);
            if (k < -1)
                return k;
            if (k <= 0)
                break;
            const size_t *ov = pcre2_get_ovector_pointer(s->data);
            size_t next = step_over(text, n, ov);
            if (next <= from && from > 0)
                break;
            to[i]++;
            from = next;
        }
    }
    return 0;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * kernel_regex: ~, regexp_like, regexp_replace, regexp_substr, regexp_count, by PCRE2.
 *
 * A constant pattern is compiled (and made machine code) at binding; another one when a row brings
 * it, the last one kept. Matching is bounded, so that a pattern that explodes is an error of its row
 * and no hang. As in PostgreSQL `.` matches a newline and `$` only the very end.
 */
#include "base/regex.h"
#include "kernel/dict.h"
#include "kernel/kernel.h"

enum {
    GROUPS = 9, /* kept of a match: a replacement names no more */
    FAILED =
        -1, /* a match that failed its row: no code of an error (SL_EFAIL never comes from there) */
};

struct pattern {
    struct sl_regex *re;
    int global; /* flag g of regexp_replace */
};

struct sl_regex_scratch {
    struct sl_regex_work *work;
    struct pattern last; /* of rows that bring their own */
    char *key;
    size_t key_len;
};

void sl_regex_scratch_free(struct sl_regex_scratch *s)
{
    if (!s)
        return;
    sl_regex_work_free(s->work);
    sl_regex_free(s->last.re);
    free(s->key);
    free(s);
}

static struct sl_regex_scratch *scratch(struct sl_eval *ev, struct sl_err *err)
{
    struct sl_regex_scratch *s = ev->regex;
    if (s)
        return s;
    s = sl_calloc(1, sizeof(*s));
    if (!s)
        return sl_err_no_memory(err, "matching a pattern");
    s->work = sl_regex_work_new(GROUPS, err);
    if (!s->work) {
        free(s);
        return NULL;
    }
    return ev->regex = s;
}

static void pattern_free(void *p)
{
    struct pattern *x = p;
    if (x)
        sl_regex_free(x->re);
    free(x);
}

/* PostgreSQL's flags: i c n s x g. 0, or the character that is none. */
static char read_flags(const char *f, size_t n, unsigned *flags, int *global)
{
    for (size_t i = 0; i < n; i++) {
        switch (f[i]) {
        case 'i': *flags |= SL_REGEX_ICASE; break;
        case 'c': *flags &= ~(unsigned)SL_REGEX_ICASE; break;
        case 'n':
        case 'm':
            *flags |= SL_REGEX_MULTILINE;
            *flags &= ~(unsigned)(SL_REGEX_DOTALL | SL_REGEX_END);
            break;
        case 's': *flags |= SL_REGEX_DOTALL; break;
        case 'x': *flags |= SL_REGEX_EXTENDED; break;
        case 'g': *global = 1; break;
        default: return f[i];
        }
    }
    return 0;
}

/* 0; -SL_EUSAGE with err->what saying why the pattern is none, or another error. */
static int compile(const char *p, size_t n, int icase, const char *flags, size_t nflags,
                   struct pattern *out, struct sl_err *err)
{
    unsigned how = SL_REGEX_DOTALL | SL_REGEX_END | (icase ? SL_REGEX_ICASE : 0);
    out->global = 0;
    char bad = read_flags(flags, nflags, &how, &out->global);
    if (bad)
        return sl_err_set(err, SL_EUSAGE, "there is no regular expression flag \"%c\"",
                          bad > ' ' && bad < 127 ? bad : '?');
    int rc = sl_regex_new(p, n, how, &out->re, err);
    if (rc != -SL_EUSAGE)
        return rc;
    char why[sizeof(err->what)];
    size_t shown = SL_MIN(n, 80);
    while (shown < n && shown && ((unsigned char)p[shown] & 0xc0) == 0x80)
        shown--;
    snprintf(why, sizeof(why), "%s", err->what);
    return sl_err_set(err, SL_EUSAGE, "bad regular expression: %s, at character %d of \"%.*s\"",
                      why, err->column, (int)shown, p);
}

int sl_regex_bind(struct sl_node *n, int pattern_arg, int flags_arg, struct sl_err *err)
{
    assert(n && pattern_arg >= 0 && pattern_arg < n->nargs && flags_arg < n->nargs);
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
    return compile(s, len, n->run == sl_kernel_regex && n->param[1], flags, nflags, x, err);
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
    if (s->last.re && s->key_len == len && memcmp(s->key, key, len) == 0) {
        free(key);
        *out = &s->last;
        return 1;
    }
    sl_regex_free(s->last.re);
    s->last.re = NULL;
    free(s->key);
    s->key = key;
    s->key_len = len;
    int rc = compile(p, n, icase, f, nf, &s->last, &why);
    if (rc == -SL_EUSAGE)
        return sl_call_fail(c, row, "%s", why.what);
    if (rc < 0)
        return sl_err_nomem(c->err, "matching a pattern");
    *out = &s->last;
    return 1;
}

/* Spans set (>= 1), 0 = no match, FAILED = the row failed but goes on, < FAILED = stop. */
static int match_at(struct sl_call *c, struct sl_regex_scratch *s, const struct pattern *p,
                    const char *text, size_t n, size_t from, size_t row)
{
    int rc = sl_regex_match(p->re, s->work, text, n, from, c->err);
    if (rc != -SL_EROW)
        return rc;
    if (c->ev->env->interrupted && *c->ev->env->interrupted)
        return sl_err_set(c->err, SL_ESTOPPED,
                          "a signal came while a regular expression took too long");
    rc = sl_call_fail(c, row, "the regular expression takes too many steps on this text");
    return rc < 0 ? rc : FAILED;
}

/* param[0]: 1 = not */
SL_BITS(sl_kernel_regex)
{
    struct sl_regex_scratch *s = scratch(c->ev, c->err);
    const struct pattern *p;
    size_t n;
    int rc = s ? pattern_for(c, s, i, c->node->nargs > 2 ? 2 : -1, &p) : -SL_ENOMEM;
    if (rc <= 0)
        return rc;
    const char *text = sl_arg_bytes(c, 0, i, &n);
    rc = match_at(c, s, p, text, n, 0, i);
    return rc == FAILED ? 0 : rc < 0 ? rc : (rc > 0) != (c->node->param[0] != 0);
}

/* Replacement text: \1 .. \9 are groups, \& the whole match, \\ a backslash. */
static void add_replacement(struct sl_text_result *t, const char *r, size_t n, const char *text,
                            const size_t *ov, int groups)
{
    const char *end = r + n, *slash;
    while (r < end && (slash = memchr(r, '\\', (size_t)(end - r))) && slash + 1 < end) {
        char d = slash[1];
        int g = d >= '0' && d <= '9' ? d - '0' : d == '&' ? 0 : -1;
        sl_text_add(t, r, (size_t)(slash - r));
        if (g < 0)
            sl_text_add(t, slash + (d == '\\'), 2 - (d == '\\'));
        else if (g < groups && ov[2 * g] != SL_REGEX_UNSET)
            sl_text_add(t, text + ov[2 * g], ov[2 * g + 1] - ov[2 * g]);
        r = slash + 2;
    }
    sl_text_add(t, r, (size_t)(end - r));
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

static int replace_row(struct sl_call *c, struct sl_regex_scratch *s, struct sl_text_result *t,
                       const struct pattern *p, size_t row)
{
    size_t n, m, done = 0, from = 0;
    const char *text = sl_arg_bytes(c, 0, row, &n), *r = sl_arg_bytes(c, 2, row, &m);
    const size_t *ov = sl_regex_spans(s->work);
    while (from <= n && !t->failed && !t->too_long) {
        int rc = match_at(c, s, p, text, n, from, row);
        if (rc < 0)
            return rc == FAILED ? 0 : rc;
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
    SL_CHECK_THAT(done <= n);
    sl_text_add(t, text + done, n - done);
    return 0;
}

SL_TEXTS(sl_kernel_regexp_replace, c->rows * 16)
{
    struct sl_regex_scratch *s = scratch(c->ev, c->err);
    const struct pattern *p;
    int rc = s ? pattern_for(c, s, i, c->node->nargs > 3 ? 3 : -1, &p) : -SL_ENOMEM;
    return rc == 1 ? replace_row(c, s, t, p, i) : rc;
}

/* The first group if there is one, else the match; null if none. param[0]: 1 = always the match */
SL_TEXTS(sl_kernel_regexp_substr, c->rows * 16)
{
    struct sl_regex_scratch *s = scratch(c->ev, c->err);
    const struct pattern *p;
    size_t n;
    int rc = s ? pattern_for(c, s, i, -1, &p) : -SL_ENOMEM;
    if (rc <= 0)
        return rc;
    const char *text = sl_arg_bytes(c, 0, i, &n);
    rc = match_at(c, s, p, text, n, 0, i);
    if (rc < 0)
        return rc == FAILED ? 0 : rc;
    const size_t *ov = sl_regex_spans(s->work) + (rc > 1 && !c->node->param[0] ? 2 : 0);
    if (rc == 0 || ov[0] == SL_REGEX_UNSET || ov[1] < ov[0])
        return sl_call_null(c, i);
    sl_text_add(t, text + ov[0], ov[1] - ov[0]);
    return 0;
}

SL_ROWS(sl_kernel_regexp_count, int64_t)
{
    struct sl_regex_scratch *s = scratch(c->ev, c->err);
    const struct pattern *p;
    size_t n, from = 0;
    int rc = s ? pattern_for(c, s, i, -1, &p) : -SL_ENOMEM;
    if (rc <= 0)
        return rc;
    const char *text = sl_arg_bytes(c, 0, i, &n);
    while (from <= n) {
        int k = match_at(c, s, p, text, n, from, i);
        if (k <= 0)
            return k < FAILED ? k : 0;
        size_t next = step_over(text, n, sl_regex_spans(s->work));
        if (next <= from && from > 0)
            break;
        ++*to;
        from = next;
    }
    return 0;
}

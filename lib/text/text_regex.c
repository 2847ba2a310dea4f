/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_regex: lines split by the named groups of a pattern.
 *
 * A line that takes too many steps is a reject. A group that did not take part, or is empty, is
 * null.
 */
#include "base/regex.h"
#include "base/utf8.h"
#include "text/text_reader.h"

struct sl_text_regex {
    struct sl_regex *re;
    int n, last; /* named groups, the highest number among them */
    char **names;
    int *groups;
};

void sl_text_regex_free(struct sl_text_regex *x)
{
    if (!x)
        return;
    for (int i = 0; i < x->n; i++)
        free(x->names[i]);
    free(x->names);
    free(x->groups);
    sl_regex_free(x->re);
    free(x);
}

/* Named groups in the order of their numbers. */
static int take_names(struct sl_text_regex *x, struct sl_err *err)
{
    const char *name;
    int count = 0, group;
    while (sl_regex_named(x->re, count, &name))
        count++;
    if (!count) {
        sl_err_set(err, SL_EUSAGE, "the pattern has no named group");
        return sl_err_hint(err, "(?<name>...) makes a column");
    }
    x->names = sl_calloc((size_t)count, sizeof *x->names);
    x->groups = sl_calloc((size_t)count, sizeof *x->groups);
    if (!x->names || !x->groups)
        return sl_err_nomem(err, "compiling a pattern");
    while ((group = sl_regex_named(x->re, x->n, &name)) > 0) {
        char *copy = sl_strdup(name);
        if (!copy)
            return sl_err_nomem(err, "compiling a pattern");
        int k = x->n++;
        for (; k > 0 && x->groups[k - 1] > group; k--) {
            x->groups[k] = x->groups[k - 1];
            x->names[k] = x->names[k - 1];
        }
        x->groups[k] = group;
        x->names[k] = copy;
    }
    x->last = x->groups[x->n - 1];
    return 0;
}

/* What was read of the pattern until it went wrong, its end if it is long. */
static void bad_pattern(const char *pattern, struct sl_err *err)
{
    char what[sizeof err->what];
    int column = err->column;
    size_t n = strlen(pattern), at = 0, from = 0;
    for (int i = 1; i < column && at < n; i++) {
        int32_t cp;
        at += sl_utf8_decode(pattern + at, n - at, &cp);
        if (i <= column - 100)
            from = at;
    }
    snprintf(what, sizeof what, "%s", err->what);
    sl_err_set(err, SL_EUSAGE, "bad pattern: %s", what);
    err->column = column;
    sl_err_hint(err, "at character %d, behind '%.*s'", column, (int)(at - from), pattern + from);
}

int sl_text_regex_new(const char *pattern, struct sl_text_regex **out, struct sl_err *err)
{
    assert(pattern && out);
    struct sl_text_regex *x = sl_calloc(1, sizeof *x);
    if (!x)
        return sl_err_nomem(err, "compiling a pattern");
    int rc = sl_regex_new(pattern, strlen(pattern), 0, &x->re, err);
    if (rc == -SL_EUSAGE && err)
        bad_pattern(pattern, err);
    if (rc == 0)
        rc = take_names(x, err);
    if (rc < 0)
        sl_text_regex_free(x);
    else
        *out = x;
    return rc;
}

int sl_text_regex_fields(const struct sl_text_regex *x)
{
    return x->n;
}

const char *sl_text_regex_field_name(const struct sl_text_regex *x, int i)
{
    assert(i >= 0 && i < sl_text_regex_fields(x));
    return x->names[i];
}

int sl_text_split_regex(const struct sl_text_reader *r, struct sl_text_scratch *s, const char *p,
                        size_t n, struct sl_span *out, const char **reason, struct sl_err *err)
{
    const struct sl_text_regex *x = r->regex;
    if (!s->match)
        s->match = sl_regex_work_new(x->last, err);
    if (!s->match)
        return -SL_ENOMEM;
    int rc = sl_regex_match(x->re, s->match, p, n, 0, err);
    if (rc == 0)
        *reason = "does not match the pattern";
    else if (rc == -SL_EROW)
        *reason = "the pattern takes too many steps on this line";
    if (rc <= 0)
        return rc == -SL_EROW ? 0 : rc;
    const size_t *at = sl_regex_spans(s->match);
    for (int i = 0; i < x->n; i++) {
        int g = x->groups[i];
        size_t from = at[2 * g], to = at[2 * g + 1];
        if (g < rc && from != SL_REGEX_UNSET && to > from)
            out[i] = (struct sl_span){p + from, (uint32_t)(to - from), 0};
    }
    return 1;
}

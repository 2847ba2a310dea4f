/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * regex: lines split by the named groups of a PCRE2 pattern.
 *
 * Compiled once with JIT; steps and memory of a match are bounded, and a line that needs more is a
 * reject. A group that did not take part, or is empty, is null.
 */
#include "base/compat.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include "text/reader.h"

enum { STEPS_MAX = 1000000, HEAP_KIB_MAX = 8192, STACK_MIN = 32 << 10, STACK_MAX = 1 << 20 };

struct sl_text_regex {
    pcre2_code *code;
    int n;
    char **names;
    uint32_t *groups;
};

/* Per thread: what a match needs. */
struct match {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

void sl_text_regex_free(struct sl_text_regex *x)
{
    if (!x)
        return;
    for (int i = 0; i < x->n; i++)
        free(x->names[i]);
    free(x->names);
    free(x->groups);
    pcre2_code_free(x->code);
    free(x);
}

/* Named groups in the order of their numbers. */
static int take_names(struct sl_text_regex *x, struct sl_err *err)
{
    uint32_t count = 0, size = 0;
    PCRE2_SPTR table;
    pcre2_pattern_info(x->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(x->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(x->code, PCRE2_INFO_NAMETABLE, &table);
    if (!count) {
        sl_err_set(err, SL_EUSAGE, "the pattern has no named group");
        return sl_err_hint(err, "(?<name>...) makes a column");
    }
    x->names = sl_calloc(count, sizeof *x->names);
    x->groups = sl_calloc(count, sizeof *x->groups);
    if (!x->names || !x->groups)
        return sl_err_nomem(err, "compiling a pattern");
    for (uint32_t i = 0; i < count; i++, table += size) {
        uint32_t group = (uint32_t)table[0] << 8 | table[1];
        char *name = sl_strdup((const char *)table + 2);
        if (!name)
            return sl_err_nomem(err, "compiling a pattern");
        int k = x->n++;
        for (; k > 0 && x->groups[k - 1] > group; k--) {
            x->groups[k] = x->groups[k - 1];
            x->names[k] = x->names[k - 1];
        }
        x->groups[k] = group;
        x->names[k] = name;
    }
    return 0;
}

int sl_text_regex_new(const char *pattern, struct sl_text_regex **out, struct sl_err *err)
{
    int code, rc;
    PCRE2_SIZE at;
    struct sl_text_regex *x = sl_calloc(1, sizeof *x);
    if (!x)
        return sl_err_nomem(err, "compiling a pattern");
    x->code = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern),
                            PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
    if (!x->code) {
        PCRE2_UCHAR text[128];
        pcre2_get_error_message(code, text, sizeof text);
        rc = sl_err_set(err, SL_EUSAGE, "bad pattern: %s", (const char *)text);
        if (err)
            err->column = (int)at + 1;
        sl_err_hint(err, "at character %zu, behind '%.*s'", (size_t)at,
                    (int)SL_MIN(at, (PCRE2_SIZE)100), pattern);
        goto fail;
    }
    rc = take_names(x, err);
    if (rc < 0)
        goto fail;
    pcre2_jit_compile(x->code, PCRE2_JIT_COMPLETE); /* without JIT it matches, only slower */
    *out = x;
    return 0;
fail:
    sl_text_regex_free(x);
    return rc;
}

int sl_text_regex_fields(const struct sl_text_regex *x)
{
    return x->n;
}

const char *sl_text_regex_field_name(const struct sl_text_regex *x, int i)
{
    return x->names[i];
}

void sl_text_regex_release(struct sl_text_scratch *s)
{
    struct match *m = s->match;
    if (!m)
        return;
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->context);
    pcre2_jit_stack_free(m->stack);
    free(m);
    s->match = NULL;
}

static struct match *match_of(const struct sl_text_regex *x, struct sl_text_scratch *s)
{
    if (s->match)
        return s->match;
    struct match *m = sl_calloc(1, sizeof *m);
    if (!m)
        return NULL;
    s->match = m;
    m->data = pcre2_match_data_create_from_pattern(x->code, NULL);
    m->context = pcre2_match_context_create(NULL);
    m->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
    if (!m->data || !m->context || !m->stack) {
        sl_text_regex_release(s);
        return NULL;
    }
    pcre2_set_match_limit(m->context, STEPS_MAX);
    pcre2_set_heap_limit(m->context, HEAP_KIB_MAX);
    pcre2_jit_stack_assign(m->context, NULL, m->stack);
    return m;
}

int sl_text_split_regex(const struct sl_text_reader *r, struct sl_text_scratch *s, const char *p,
                        size_t n, struct sl_span *out, const char **reason, struct sl_err *err)
{
    const struct sl_text_regex *x = r->regex;
    struct match *m = match_of(x, s);
    if (!m)
        return sl_err_nomem(err, "matching a pattern");
    int rc = pcre2_match(x->code, (PCRE2_SPTR)p, n, 0, PCRE2_NO_UTF_CHECK, m->data, m->context);
    if (rc == PCRE2_ERROR_NOMATCH) {
        *reason = "does not match the pattern";
        return 0;
    }
    if (rc == PCRE2_ERROR_NOMEMORY)
        return sl_err_nomem(err, "matching a pattern");
    if (rc < 0) {
        *reason = "the pattern takes too many steps on this line";
        return 0;
    }
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->data);
    for (int i = 0; i < x->n; i++) {
        uint32_t g = x->groups[i];
        PCRE2_SIZE from = at[2 * g], to = at[2 * g + 1];
        if ((int)g < rc && from != PCRE2_UNSET && to > from)
            out[i] = (struct sl_span){p + from, (uint32_t)(to - from), 0};
    }
    return 1;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * regex: see regex.h.
 *
 * PCRE2 counts the steps of a match, but a step can go over the whole text: a back-reference compares
 * all that its group took, and a* runs to the end. Where that can be long, for patterns with
 * back-references and for long texts, the code calls back at every item of the pattern, and `meter`
 * counts bytes: what was passed since the last call, and what a back-reference is about to compare.
 * Bytes and not time, so that a row fails on every machine or on none.
 */
#include "base/compat.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include "base/mem.h"
#include "base/regex.h"
#include "base/utf8.h"

enum {
    STEPS_MAX = 1000000,   /* about 10 ms */
    BYTES_MAX = 50000000,  /* about 100 ms */
    LONG = 2048,           /* bytes of a text from which on they are counted, */
    LONG_REFERENCES = 256, /* and if the pattern has back-references */
    HEAP_KIB_MAX = 8192,   /* of the interpreter, where there is no JIT */
    STACK_MIN = 32 * 1024, /* of the JIT's code */
    STACK_MAX = 1 << 20,
};

struct sl_regex {
    pcre2_code *code;
    pcre2_code *metered; /* the same, counting bytes */
    pcre2_code *careful; /* the same, for text that is not UTF-8, interpreted */
    char *pattern;
    uint32_t references;        /* the highest back-reference, 0 = it has none */
    const unsigned char *names; /* of the code: number (two bytes, high first), name, NUL */
    uint32_t nnames, name_size;
};

/* Of one match. */
struct meter {
    const char *pattern;
    size_t bytes, at; /* passed so far; where the last call was */
};

struct sl_regex_work {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    int spans;
    int valid;        /* the text is UTF-8 */
    const char *text; /* of the last search from its begin */
    struct meter meter;
};

_Static_assert(SL_REGEX_UNSET == PCRE2_UNSET, "spans are PCRE2's");

static uint32_t options_of(unsigned flags)
{
    return PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | (flags & SL_REGEX_ICASE ? PCRE2_CASELESS : 0) |
           (flags & SL_REGEX_DOTALL ? PCRE2_DOTALL : 0) |
           (flags & SL_REGEX_END ? PCRE2_DOLLAR_ENDONLY : 0) |
           (flags & SL_REGEX_MULTILINE ? PCRE2_MULTILINE : 0) |
           (flags & SL_REGEX_EXTENDED ? PCRE2_EXTENDED : 0);
}

/* Whether the item of the pattern at s is a back-reference: \1, \g{1}, \k<name>, (?P=name). */
static int is_reference(const char *s)
{
    if (s[0] == '\\')
        return (s[1] >= '1' && s[1] <= '9') || s[1] == 'g' || s[1] == 'k';
    return strncmp(s, "(?P=", 4) == 0;
}

static int count_bytes(pcre2_callout_block *b, void *arg)
{
    struct meter *m = arg;
    size_t at = b->current_position;
    m->bytes += 1 + (at > m->at ? at - m->at : m->at - at);
    m->at = at;
    if (b->next_item_length && is_reference(m->pattern + b->pattern_position)) {
        size_t longest = 0;
        for (uint32_t i = 1; i < b->capture_top; i++) {
            size_t from = b->offset_vector[2 * i], to = b->offset_vector[2 * i + 1];
            if (from != PCRE2_UNSET && to > from)
                longest = SL_MAX(longest, to - from);
        }
        m->bytes += longest;
    }
    return m->bytes > BYTES_MAX ? PCRE2_ERROR_CALLOUT : 0;
}

/* The codes beside the first one. */
static int compile_others(struct sl_regex *x, const char *pattern, size_t n, unsigned flags,
                          struct sl_err *err)
{
    int code;
    PCRE2_SIZE at;
    /* Never one code for both: made for text that may be invalid, the machine code of PCRE2 before
     * 10.43 lets no \S, \W or \D match beyond ASCII. */
    x->careful = pcre2_compile((PCRE2_SPTR)pattern, n,
                               options_of(flags) | PCRE2_MATCH_INVALID_UTF | PCRE2_AUTO_CALLOUT,
                               &code, &at, NULL);
    x->metered = pcre2_compile((PCRE2_SPTR)pattern, n, options_of(flags) | PCRE2_AUTO_CALLOUT,
                               &code, &at, NULL);
    x->pattern = sl_strndup(pattern, n);
    if (!x->careful || !x->metered || !x->pattern)
        return sl_err_nomem(err, "reading a pattern");
    pcre2_pattern_info(x->code, PCRE2_INFO_BACKREFMAX, &x->references);
    pcre2_jit_compile(x->code, PCRE2_JIT_COMPLETE); /* without JIT it matches, only slower */
    pcre2_jit_compile(x->metered, PCRE2_JIT_COMPLETE);
    return 0;
}

int sl_regex_new(const char *pattern, size_t n, unsigned flags, struct sl_regex **out,
                 struct sl_err *err)
{
    assert((pattern || !n) && out);
    int code;
    PCRE2_SIZE at;
    struct sl_regex *x = sl_calloc(1, sizeof(*x));
    if (!x)
        return sl_err_nomem(err, "reading a pattern");
    x->code = pcre2_compile((PCRE2_SPTR)pattern, n, options_of(flags), &code, &at, NULL);
    if (!x->code) {
        PCRE2_UCHAR text[160];
        sl_regex_free(x);
        if (code == PCRE2_ERROR_HEAP_FAILED)
            return sl_err_nomem(err, "reading a pattern");
        pcre2_get_error_message(code, text, sizeof(text));
        int rc = sl_err_set(err, SL_EUSAGE, "%s", (const char *)text);
        if (err)
            err->column = (int)SL_MIN(sl_utf8_count(pattern, SL_MIN(at, n)), INT_MAX - 1) + 1;
        return rc;
    }
    pcre2_pattern_info(x->code, PCRE2_INFO_NAMECOUNT, &x->nnames);
    pcre2_pattern_info(x->code, PCRE2_INFO_NAMEENTRYSIZE, &x->name_size);
    pcre2_pattern_info(x->code, PCRE2_INFO_NAMETABLE, &x->names);
    int rc = compile_others(x, pattern, n, flags, err);
    if (rc < 0) {
        sl_regex_free(x);
        return rc;
    }
    *out = x;
    return 0;
}

void sl_regex_free(struct sl_regex *x)
{
    if (!x)
        return;
    pcre2_code_free(x->code);
    pcre2_code_free(x->metered);
    pcre2_code_free(x->careful);
    free(x->pattern);
    free(x);
}

int sl_regex_named(const struct sl_regex *x, int i, const char **name)
{
    assert(i >= 0);
    if ((uint32_t)i >= x->nnames)
        return 0;
    const unsigned char *entry = x->names + (size_t)i * x->name_size;
    *name = (const char *)entry + 2;
    return entry[0] << 8 | entry[1];
}

struct sl_regex_work *sl_regex_work_new(int groups, struct sl_err *err)
{
    assert(groups >= 0);
    struct sl_regex_work *w = sl_calloc(1, sizeof(*w));
    if (w) {
        w->spans = groups + 1;
        w->data = pcre2_match_data_create((uint32_t)w->spans, NULL);
        w->context = pcre2_match_context_create(NULL);
        w->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
    }
    if (!w || !w->data || !w->context || !w->stack) {
        sl_regex_work_free(w);
        sl_err_nomem(err, "matching a pattern");
        return NULL;
    }
    pcre2_set_match_limit(w->context, STEPS_MAX);
    pcre2_set_heap_limit(w->context, HEAP_KIB_MAX);
    pcre2_jit_stack_assign(w->context, NULL, w->stack);
    pcre2_set_callout(w->context, count_bytes, &w->meter);
    return w;
}

void sl_regex_work_free(struct sl_regex_work *w)
{
    if (!w)
        return;
    pcre2_match_data_free(w->data);
    pcre2_match_context_free(w->context);
    pcre2_jit_stack_free(w->stack);
    free(w);
}

int sl_regex_match(const struct sl_regex *x, struct sl_regex_work *w, const char *text, size_t n,
                   size_t from, struct sl_err *err)
{
    assert(from <= n);
    assert(from == 0 || text == w->text);
    if (!text)
        text = "";
    if (from == 0) {
        w->text = text;
        w->valid = sl_utf8_valid(text, n);
    }
    const pcre2_code *code = x->code;
    if (!w->valid)
        code = x->careful;
    else if (n > (x->references ? LONG_REFERENCES : LONG))
        code = x->metered;
    w->meter = (struct meter){.pattern = x->pattern, .at = from};
    int rc = pcre2_match(code, (PCRE2_SPTR)text, n, from, w->valid ? PCRE2_NO_UTF_CHECK : 0,
                         w->data, w->context);
    if (rc > 0)
        return rc;
    if (rc == 0) /* more groups took part than there is room for */
        return w->spans;
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    if (rc == PCRE2_ERROR_NOMEMORY)
        return sl_err_nomem(err, "matching a pattern");
    return sl_err_set(err, SL_EROW, "the pattern takes too many steps on this text");
}

const size_t *sl_regex_spans(const struct sl_regex_work *w)
{
    return pcre2_get_ovector_pointer(w->data);
}

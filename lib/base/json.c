/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * json: the pull parser and a few look-ups for small documents.
 *
 * One byte of state says what may come next, one bit per level whether it is an object. A string
 * is scanned 16 bytes at a time for a quote, a backslash or a control byte; escapes are checked
 * here, so that unescaping later can only fail for surrogates. The bytes of a string are not
 * checked to be UTF-8: a caller that needs that checks the whole slice at once.
 */
#include "base/json.h"
#include "base/num.h"
#include "base/utf8.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum state {
    VALUE,      /* a value must come */
    FIRST_ITEM, /* after [ : a value or ] */
    FIRST_KEY,  /* after { : a key or } */
    NEXT_KEY,   /* after , in an object */
    AFTER,      /* after a value: , or the closing bracket; at the top, the end */
};

void sl_json_init(struct sl_json *j, const char *s, size_t n)
{
    assert(s || !n);
    memset(j, 0, sizeof(*j));
    j->start = j->p = s;
    j->end = s + n;
    j->state = VALUE;
}

static int fail(const struct sl_json *j, const char *at, const char *what, struct sl_err *err)
{
    sl_err_set(err, SL_EFORMAT, "bad JSON: %s", what);
    if (err)
        err->offset = at - j->start;
    return -SL_EFORMAT;
}

static inline void skip_space(struct sl_json *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\t' || *j->p == '\r'))
        j->p++;
}

static inline int in_object(const struct sl_json *j)
{
    int level = j->depth - 1;

    return (int)(j->is_object[level / 64] >> (level % 64) & 1);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits, or -1. */
static int hex4(const char *s)
{
    int v = 0;

    for (int i = 0; i < 4; i++) {
        int d = hex_digit(s[i]);
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* The first quote, backslash or control byte from p on, or end. */
static inline const char *scan_plain(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), low = _mm_set1_epi8(31);

    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash)),
                                   _mm_cmpeq_epi8(_mm_min_epu8(x, low), x));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return p + __builtin_ctz(mask);
        p += 16;
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    return p;
}

/* p is at the opening quote; leaves it behind the closing one. */
static int read_string(struct sl_json *j, struct sl_err *err)
{
    const char *p = j->p + 1;

    j->text = p;
    j->escaped = 0;
    for (;;) {
        p = scan_plain(p, j->end);
        if (p == j->end)
            return fail(j, j->p, "a string does not end", err);
        if (*p == '"')
            break;
        if (*p != '\\')
            return fail(j, p, "a control byte in a string", err);
        j->escaped = 1;
        if (j->end - p < 2)
            return fail(j, j->p, "a string does not end", err);
        if (p[1] == 'u') {
            if (j->end - p < 6 || hex4(p + 2) < 0)
                return fail(j, p, "\\u needs four hex digits", err);
            p += 6;
        } else if (p[1] && strchr("\"\\/bfnrt", p[1])) {
            p += 2;
        } else {
            return fail(j, p, "no such escape", err);
        }
    }
    j->len = p - j->text;
    j->p = p + 1;
    return 0;
}

static inline int is_digit(const char *p, const char *end)
{
    return p < end && (unsigned char)(*p - '0') < 10;
}

static int read_number(struct sl_json *j, struct sl_err *err)
{
    const char *p = j->p, *end = j->end;

    j->text = p;
    p += *p == '-';
    if (!is_digit(p, end))
        return fail(j, p, "a digit must follow the minus", err);
    if (*p++ != '0')
        while (is_digit(p, end))
            p++;
    if (p < end && *p == '.') {
        if (!is_digit(++p, end))
            return fail(j, p, "a digit must follow the point", err);
        while (is_digit(p, end))
            p++;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!is_digit(p, end))
            return fail(j, p, "an exponent needs a digit", err);
        while (is_digit(p, end))
            p++;
    }
    j->len = p - j->text;
    j->p = p;
    return SL_JSON_NUMBER;
}

static int read_word(struct sl_json *j, const char *word, int token, struct sl_err *err)
{
    size_t n = strlen(word);

    if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n) != 0)
        return fail(j, j->p, "expected a value", err);
    j->text = j->p;
    j->len = n;
    j->p += n;
    return token;
}

static int open_level(struct sl_json *j, int object, struct sl_err *err)
{
    int level = j->depth;
    uint64_t bit = (uint64_t)1 << (level % 64);

    if (level == SL_JSON_DEPTH)
        return fail(j, j->p, "nested too deeply", err);
    if (object)
        j->is_object[level / 64] |= bit;
    else
        j->is_object[level / 64] &= ~bit;
    j->depth++;
    j->text = j->p++;
    j->len = 1;
    j->state = object ? FIRST_KEY : FIRST_ITEM;
    return object ? SL_JSON_OBJECT : SL_JSON_ARRAY;
}

static int close_level(struct sl_json *j)
{
    int token = in_object(j) ? SL_JSON_OBJECT_END : SL_JSON_ARRAY_END;

    j->text = j->token_start = j->p++;
    j->len = 1;
    j->depth--;
    j->state = AFTER;
    return token;
}

static int read_value(struct sl_json *j, struct sl_err *err)
{
    int rc;

    j->token_start = j->p;
    j->state = AFTER;
    switch (*j->p) {
    case '{': return open_level(j, 1, err);
    case '[': return open_level(j, 0, err);
    case '"': rc = read_string(j, err); return rc < 0 ? rc : SL_JSON_STRING;
    case 't': return read_word(j, "true", SL_JSON_TRUE, err);
    case 'f': return read_word(j, "false", SL_JSON_FALSE, err);
    case 'n': return read_word(j, "null", SL_JSON_NULL, err);
    default:
        if (*j->p == '-' || is_digit(j->p, j->end))
            return read_number(j, err);
        return fail(j, j->p, "expected a value", err);
    }
}

/* A key and its colon. */
static int read_key(struct sl_json *j, struct sl_err *err)
{
    int rc;

    if (*j->p != '"')
        return fail(j, j->p, "expected a key in quotes", err);
    j->token_start = j->p;
    rc = read_string(j, err);
    if (rc < 0)
        return rc;
    skip_space(j);
    if (j->p == j->end || *j->p != ':')
        return fail(j, j->p, "expected : after a key", err);
    j->p++;
    j->state = VALUE;
    return SL_JSON_KEY;
}

int sl_json_next(struct sl_json *j, struct sl_err *err)
{
    SL_CHECK_THAT(j->p <= j->end && j->depth >= 0);
    skip_space(j);
    if (j->p == j->end) {
        if (j->state == AFTER && !j->depth) {
            j->text = j->token_start = j->p;
            j->len = 0;
            return SL_JSON_END;
        }
        return fail(j, j->p, "it ends in the middle of a value", err);
    }
    switch (j->state) {
    case AFTER:
        if (!j->depth)
            return fail(j, j->p, "bytes follow the value", err);
        if (*j->p == (in_object(j) ? '}' : ']'))
            return close_level(j);
        if (*j->p != ',')
            return fail(j, j->p, "expected , or the end of the array or object", err);
        j->p++;
        j->state = in_object(j) ? NEXT_KEY : VALUE;
        skip_space(j);
        if (j->p == j->end)
            return fail(j, j->p, "it ends in the middle of a value", err);
        return j->state == NEXT_KEY ? read_key(j, err) : read_value(j, err);
    case FIRST_KEY: return *j->p == '}' ? close_level(j) : read_key(j, err);
    case FIRST_ITEM: return *j->p == ']' ? close_level(j) : read_value(j, err);
    case NEXT_KEY: return read_key(j, err);
    default: return read_value(j, err);
    }
}

int sl_json_valid(const char *s, size_t n)
{
    struct sl_json j;
    int token;
    sl_json_init(&j, s, n);
    do
        token = sl_json_next(&j, NULL);
    while (token > SL_JSON_END);
    return token == SL_JSON_END;
}

int sl_json_skip(struct sl_json *j, const char **text, size_t *len, struct sl_err *err)
{
    assert(j->p <= j->end && text && len);
    const char *from = j->token_start;

    assert(j->state == AFTER || j->state == FIRST_KEY || j->state == FIRST_ITEM);
    if (j->state != AFTER && (*from == '{' || *from == '[')) {
        int outer = j->depth - 1;
        while (j->depth > outer) {
            int rc = sl_json_next(j, err);
            if (rc < 0)
                return rc;
        }
    }
    *text = from;
    *len = j->p - from;
    j->token_start = from;
    return 0;
}

/* The code point of \uXXXX at p, with its second half if it is a pair: bytes taken, or 0. */
static size_t take_unicode(const char *p, const char *end, int32_t *cp)
{
    int high, low;

    if (end - p < 6 || (high = hex4(p + 2)) < 0)
        return 0;
    *cp = high;
    if (high < 0xd800 || high > 0xdfff)
        return 6;
    if (high > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u')
        return 0;
    low = hex4(p + 8);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *cp = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

int sl_json_unescape(const char *s, size_t n, struct sl_buf *out, struct sl_err *err)
{
    assert((s || !n) && out);
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *p = s, *end = s + n, *known;
    char utf8[4];
    int32_t cp;
    size_t k;

    while (p < end) {
        const char *slash = memchr(p, '\\', end - p);
        if (!slash) {
            sl_buf_add(out, p, end - p);
            break;
        }
        sl_buf_add(out, p, slash - p);
        p = slash;
        if (end - p >= 2 && p[1] == 'u') {
            k = take_unicode(p, end, &cp);
            if (!k)
                return sl_err_set(err, SL_EFORMAT, "bad JSON: half of a surrogate pair");
            sl_buf_add(out, utf8, sl_utf8_encode(utf8, cp));
            p += k;
        } else if (end - p >= 2 && p[1] && (known = strchr(from, p[1])) != NULL) {
            sl_buf_addch(out, to[known - from]);
            p += 2;
        } else {
            return sl_err_set(err, SL_EFORMAT, "bad JSON: no such escape");
        }
    }
    return sl_buf_check(out, err);
}

/* ---- look-ups ---- */

static int key_is(const struct sl_json *j, const char *key)
{
    struct sl_buf plain = SL_BUF_INIT;
    size_t n = strlen(key);
    int same;

    if (!j->escaped)
        return j->len == n && memcmp(j->text, key, n) == 0;
    same = sl_json_unescape(j->text, j->len, &plain, NULL) == 0 && plain.len == n &&
           memcmp(plain.data, key, n) == 0;
    sl_buf_release(&plain);
    return same;
}

int sl_json_find(const char *s, size_t n, const char *key, const char **value, size_t *len)
{
    assert((s || !n) && key && value && len);
    struct sl_json j;
    const char *text;
    size_t text_len;
    int rc, found = 0, wanted;

    sl_json_init(&j, s, n);
    rc = sl_json_next(&j, NULL);
    if (rc < 0)
        return rc;
    if (rc != SL_JSON_OBJECT)
        return -SL_EFORMAT;
    while ((rc = sl_json_next(&j, NULL)) == SL_JSON_KEY) {
        wanted = !found && key_is(&j, key);
        if ((rc = sl_json_next(&j, NULL)) < 0 ||
            (rc = sl_json_skip(&j, &text, &text_len, NULL)) < 0)
            return rc;
        if (wanted) {
            *value = text;
            *len = text_len;
            found = 1;
        }
    }
    if (rc != SL_JSON_OBJECT_END)
        return rc < 0 ? rc : -SL_EFORMAT;
    rc = sl_json_next(&j, NULL);
    return rc < 0 ? rc : found;
}

int sl_json_find_int(const char *s, size_t n, const char *key, int64_t *out)
{
    assert((s || !n) && key && out);
    const char *value;
    size_t len;
    int rc = sl_json_find(s, n, key, &value, &len);

    if (rc <= 0)
        return rc;
    return sl_num_parse_int(value, len, out) ? 1 : -SL_EFORMAT;
}

int sl_json_find_string(const char *s, size_t n, const char *key, struct sl_buf *out)
{
    assert((s || !n) && key && out);
    const char *value;
    size_t len;
    int rc = sl_json_find(s, n, key, &value, &len);

    if (rc <= 0)
        return rc;
    if (*value != '"')
        return -SL_EFORMAT;
    rc = sl_json_unescape(value + 1, len - 2, out, NULL);
    return rc < 0 ? rc : 1;
}

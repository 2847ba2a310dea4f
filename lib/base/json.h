/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * json: an iterative pull parser (RFC 8259) over a slice, for commit lines, metadata and NDJSON.
 *
 * Never recurses, never allocates: depth is bounded by SL_JSON_DEPTH, strings are handed out raw
 * (between the quotes, escapes and all) with a flag that says whether unescaping is needed.
 * Call order: sl_json_init, then sl_json_next until SL_JSON_END or an error.
 */
#ifndef SL_BASE_JSON_H
#define SL_BASE_JSON_H

#include "base/compat.h"
#include "base/buf.h"
#include "base/err.h"

enum { SL_JSON_DEPTH = 512 };

enum sl_json_token {
    SL_JSON_END, /* one value was read and only white space follows */
    SL_JSON_OBJECT,
    SL_JSON_OBJECT_END,
    SL_JSON_ARRAY,
    SL_JSON_ARRAY_END,
    SL_JSON_KEY,
    SL_JSON_STRING,
    SL_JSON_NUMBER,
    SL_JSON_TRUE,
    SL_JSON_FALSE,
    SL_JSON_NULL,
};

struct sl_json {
    const char *start, *p, *end;
    int depth;
    uint8_t state;
    uint64_t is_object[SL_JSON_DEPTH / 64]; /* a bit per level */
    /* of the last token */
    const char *text; /* string or key without quotes; number text; start of the token otherwise */
    size_t len;
    int escaped;             /* the string holds backslashes */
    const char *token_start; /* first byte of the token (the quote of a string) */
};

void sl_json_init(struct sl_json *j, const char *s, size_t n);
/* The next token, or -SL_EFORMAT with err->offset the byte in the slice. */
int sl_json_next(struct sl_json *j, struct sl_err *err);
/* 1 if the bytes are one JSON value. */
int sl_json_valid(const char *s, size_t n);
/* Skips the value whose first token was just returned (a scalar: nothing to do). *text, *len: its
 * raw bytes. 0 or < 0. */
int sl_json_skip(struct sl_json *j, const char **text, size_t *len, struct sl_err *err);
/* Appends the unescaped form of a raw string. 0, or -SL_EFORMAT for a lone surrogate or \u0000
 * where refuse_nul. */
int sl_json_unescape(const char *s, size_t n, struct sl_buf *out, struct sl_err *err);

/* Conveniences for small documents: finds key in the top-level object of the slice. 1 found (raw
 * value bytes, strings with quotes), 0 absent, < 0 malformed. */
int sl_json_find(const char *s, size_t n, const char *key, const char **value, size_t *len);
/* The same for a member that must be an integer of 64 bits. */
int sl_json_find_int(const char *s, size_t n, const char *key, int64_t *out);
/* String member, unescaped into out (appended). 1, 0, < 0 as above. */
int sl_json_find_string(const char *s, size_t n, const char *key, struct sl_buf *out);

#endif

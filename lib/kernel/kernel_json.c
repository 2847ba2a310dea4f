/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* kernel_json: j -> 'key', j -> 0, and ->> which gives text. What is not there is null. */
#include "base/json.h"
#include "kernel/kernel.h"

/* The n-th element of an array (from the end if negative). 1 found, 0 not. */
static int element(const char *s, size_t n, int64_t k, const char **value, size_t *len)
{
    for (int pass = 0; pass < 2; pass++) { /* a negative k first counts */
        struct sl_json j;
        struct sl_err ignored;
        int64_t at = 0;
        int tok;
        sl_json_init(&j, s, n);
        if (sl_json_next(&j, &ignored) != SL_JSON_ARRAY)
            return 0;
        while ((tok = sl_json_next(&j, &ignored)) > SL_JSON_END && tok != SL_JSON_ARRAY_END) {
            const char *from = j.token_start;
            if (tok == SL_JSON_OBJECT || tok == SL_JSON_ARRAY) {
                if (sl_json_skip(&j, value, len, &ignored) < 0)
                    return 0;
            } else {
                *value = from;
                *len = (size_t)(j.p - from);
            }
            if (at++ == k)
                return 1;
        }
        if (tok != SL_JSON_ARRAY_END || k >= 0)
            return 0;
        k += at;
    }
    return 0;
}

/* Text of a JSON value: a string unescaped, null as none. 1, 0 for null, < 0 */
static int as_text(const char *v, size_t n, struct sl_buf *out)
{
    struct sl_err ignored;
    if (n == 4 && memcmp(v, "null", 4) == 0)
        return 0;
    if (n >= 2 && v[0] == '"')
        return sl_json_unescape(v + 1, n - 2, out, &ignored) < 0 ? 0 : 1;
    sl_buf_add(out, v, n);
    return 1;
}

/* param[0]: 1 = as text */
SL_TEXTS(sl_kernel_json_get, c->rows * 16)
{
    struct sl_buf *key = &c->ev->buf[0], *out = &c->ev->buf[1];
    const char *v = NULL;
    size_t n, len = 0;
    int found = 0;
    const char *s = sl_arg_bytes(c, 0, i, &n);
    sl_buf_reset(out);
    if (c->args[1]->type.kind == SL_TEXT) {
        size_t k;
        const char *name = sl_arg_bytes(c, 1, i, &k);
        sl_buf_reset(key);
        sl_buf_add(key, name, k);
        found = key->data && strlen(key->data) == k && sl_json_find(s, n, key->data, &v, &len) == 1;
    } else {
        found = element(s, n, sl_arg_int(c, 1, i), &v, &len);
    }
    if (found && c->node->param[0]) {
        found = as_text(v, len, out);
        v = out->data ? out->data : "";
        len = out->len;
    }
    if (key->failed || out->failed)
        return sl_err_nomem(c->err, "evaluating an expression");
    if (!found)
        return sl_call_null(c, i);
    sl_text_add(t, v, len);
    return 0;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* hex: see hex.h. */
#include "base/hex.h"

static const char digits[] = "0123456789abcdef";

void sl_hex(const uint8_t *bytes, size_t n, char *out)
{
    assert(bytes || !n);
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int sl_hex_parse(const char *s, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    assert(n <= 16);
    for (size_t i = 0; i < n; i++) {
        int d = digit(s[i]);
        if (d < 0)
            return 0;
        v = v << 4 | (uint64_t)d;
    }
    *out = v;
    return 1;
}

int sl_hex_parse_bytes(const char *s, size_t n, uint8_t *out)
{
    assert(s && out);
    for (size_t i = 0; i < n; i++) {
        uint64_t v;
        if (!sl_hex_parse(s + 2 * i, 2, &v))
            return 0;
        out[i] = (uint8_t)v;
    }
    return 1;
}

void sl_digits(char *out, int width, int64_t v)
{
    assert(v >= 0 && width > 0);
    for (int i = width - 1; i >= 0; i--) {
        out[i] = (char)('0' + v % 10);
        v /= 10;
    }
    assert(v == 0);
}

void sl_hex32(char *out, uint32_t v)
{
    for (int i = 7; i >= 0; i--) {
        out[i] = digits[v & 15];
        v >>= 4;
    }
}

int sl_digits_parse(const char *s, int n, int64_t *out)
{
    assert(n > 0);
    int64_t v = 0;
    for (int i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, s[i] - '0', &v))
            return 0;
    }
    *out = v;
    return 1;
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void sl_base64_add(struct sl_buf *out, const void *data, size_t n)
{
    assert(data || !n);
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i += 3) {
        size_t k = SL_MIN(n - i, (size_t)3);
        uint32_t v = (uint32_t)p[i] << 16;
        if (k > 1)
            v |= (uint32_t)p[i + 1] << 8;
        if (k > 2)
            v |= p[i + 2];
        char quad[4] = {base64[v >> 18], base64[v >> 12 & 63], k > 1 ? base64[v >> 6 & 63] : '=',
                        k > 2 ? base64[v & 63] : '='};
        sl_buf_add(out, quad, 4);
    }
}

int sl_base64_parse(const char *s, size_t n, struct sl_buf *out)
{
    assert((s || !n) && out);
    if (n % 4)
        return 0;
    for (size_t i = 0; i < n; i += 4) {
        uint32_t v = 0;
        int pad = 0;
        for (int k = 0; k < 4; k++) {
            const char *at = s[i + k] ? strchr(base64, s[i + k]) : NULL;
            if (s[i + k] == '=' && i + 4 == n && k >= 2)
                pad++;
            else if (!at || pad)
                return 0;
            v = v << 6 | (at ? (uint32_t)(at - base64) : 0);
        }
        char bytes[3] = {(char)(v >> 16), (char)(v >> 8), (char)v};
        sl_buf_add(out, bytes, (size_t)(3 - pad));
    }
    return !out->failed;
}

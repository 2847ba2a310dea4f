/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * utf8: validation, decoding, counting, display width.
 *
 * Well-formed is what RFC 3629 says: no surrogates, no overlong forms, nothing above U+10FFFF. Runs
 * of ASCII, which most data is, are passed over 16 bytes at a time.
 *
 * Widths: libc's wcwidth depends on the process's locale, so the ranges stand here: of no width are
 * marks (Mn, Me), format characters (Cf) but those that are seen, and Hangul vowels and finals that
 * join the syllable before them; of two columns what East Asian Width calls W or F. Unicode 14.0.0.
 */
#include "base/utf8.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Bytes of ASCII at the start of the slice. */
static inline size_t ascii_run(const uint8_t *s, size_t n)
{
    size_t i = 0;

#ifdef __SSE2__
    while (n - i >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(s + i));
        unsigned mask = (unsigned)_mm_movemask_epi8(x);
        if (mask)
            return i + (size_t)__builtin_ctz(mask);
        i += 16;
    }
#endif
    while (i < n && s[i] < 0x80)
        i++;
    return i;
}

/* Length (2..4) of the well-formed character at s, whose first byte is not ASCII, or 0. */
static inline size_t multibyte(const uint8_t *s, size_t n)
{
    uint8_t c = s[0], low = 0x80, high = 0xbf;
    size_t len;

    if (c < 0xc2 || c > 0xf4)
        return 0;
    if (c < 0xe0) {
        len = 2;
    } else if (c < 0xf0) {
        len = 3;
        if (c == 0xe0)
            low = 0xa0; /* overlong below */
        else if (c == 0xed)
            high = 0x9f; /* surrogates above */
    } else {
        len = 4;
        if (c == 0xf0)
            low = 0x90;
        else if (c == 0xf4)
            high = 0x8f;
    }
    if (n < len || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

int sl_utf8_valid(const void *data, size_t n)
{
    const uint8_t *s = data;

    for (;;) {
        size_t k = ascii_run(s, n);
        s += k;
        n -= k;
        if (!n)
            return 1;
        /* Text that is not Latin has its characters in a row. */
        do {
            k = multibyte(s, n);
            if (!k)
                return 0;
            s += k;
            n -= k;
        } while (n && *s >= 0x80);
    }
}

size_t sl_utf8_decode(const void *data, size_t n, int32_t *cp)
{
    assert(n > 0);
    const uint8_t *s = data;
    size_t len;
    int32_t v;

    if (s[0] < 0x80) {
        *cp = s[0];
        return 1;
    }
    len = multibyte(s, n);
    if (!len) {
        *cp = -1;
        return 1;
    }
    v = s[0] & (0xff >> (len + 1));
    for (size_t i = 1; i < len; i++)
        v = v << 6 | (s[i] & 0x3f);
    *cp = v;
    return len;
}

size_t sl_utf8_encode(char *out, int32_t cp)
{
    assert(cp >= 0 && cp <= 0x10ffff);
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

/* In well-formed text, the bytes that begin a character. */
size_t sl_utf8_count(const void *data, size_t n)
{
    const uint8_t *s = data;
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += (s[i] & 0xc0) != 0x80;
    return count;
}

struct range {
    int32_t first, n;
};

/* What no character has is part of the range around it. */
/* clang-format off */
static const struct range ZERO_WIDTH[] = {
    {0x300, 112}, {0x483, 7}, {0x591, 45}, {0x5bf, 1}, {0x5c1, 2}, {0x5c4, 2}, {0x5c7, 1},
    {0x610, 11}, {0x61c, 1}, {0x64b, 21}, {0x670, 1}, {0x6d6, 7}, {0x6df, 6}, {0x6e7, 2},
    {0x6ea, 4}, {0x711, 1}, {0x730, 27}, {0x7a6, 11}, {0x7eb, 9}, {0x7fd, 1}, {0x816, 4},
    {0x81b, 9}, {0x825, 3}, {0x829, 5}, {0x859, 3}, {0x898, 8}, {0x8ca, 24}, {0x8e3, 32},
    {0x93a, 1}, {0x93c, 1}, {0x941, 8}, {0x94d, 1}, {0x951, 7}, {0x962, 2}, {0x981, 1}, {0x9bc, 1},
    {0x9c1, 4}, {0x9cd, 1}, {0x9e2, 2}, {0x9fe, 5}, {0xa3c, 1}, {0xa41, 17}, {0xa70, 2}, {0xa75, 1},
    {0xa81, 2}, {0xabc, 1}, {0xac1, 8}, {0xacd, 1}, {0xae2, 2}, {0xafa, 8}, {0xb3c, 1}, {0xb3f, 1},
    {0xb41, 4}, {0xb4d, 10}, {0xb62, 2}, {0xb82, 1}, {0xbc0, 1}, {0xbcd, 1}, {0xc00, 1}, {0xc04, 1},
    {0xc3c, 1}, {0xc3e, 3}, {0xc46, 17}, {0xc62, 2}, {0xc81, 1}, {0xcbc, 1}, {0xcbf, 1}, {0xcc6, 1},
    {0xccc, 2}, {0xce2, 2}, {0xd00, 2}, {0xd3b, 2}, {0xd41, 4}, {0xd4d, 1}, {0xd62, 2}, {0xd81, 1},
    {0xdca, 1}, {0xdd2, 5}, {0xe31, 1}, {0xe34, 7}, {0xe47, 8}, {0xeb1, 1}, {0xeb4, 9}, {0xec8, 6},
    {0xf18, 2}, {0xf35, 1}, {0xf37, 1}, {0xf39, 1}, {0xf71, 14}, {0xf80, 5}, {0xf86, 2},
    {0xf8d, 48}, {0xfc6, 1}, {0x102d, 4}, {0x1032, 6}, {0x1039, 2}, {0x103d, 2}, {0x1058, 2},
    {0x105e, 3}, {0x1071, 4}, {0x1082, 1}, {0x1085, 2}, {0x108d, 1}, {0x109d, 1}, {0x1160, 160},
    {0x135d, 3}, {0x1712, 3}, {0x1732, 2}, {0x1752, 2}, {0x1772, 2}, {0x17b4, 2}, {0x17b7, 7},
    {0x17c6, 1}, {0x17c9, 11}, {0x17dd, 1}, {0x180b, 5}, {0x1885, 2}, {0x18a9, 1}, {0x1920, 3},
    {0x1927, 2}, {0x1932, 1}, {0x1939, 3}, {0x1a17, 2}, {0x1a1b, 1}, {0x1a56, 1}, {0x1a58, 9},
    {0x1a62, 1}, {0x1a65, 8}, {0x1a73, 13}, {0x1ab0, 84}, {0x1b34, 1}, {0x1b36, 5}, {0x1b3c, 1},
    {0x1b42, 1}, {0x1b6b, 9}, {0x1b80, 2}, {0x1ba2, 4}, {0x1ba8, 2}, {0x1bab, 3}, {0x1be6, 1},
    {0x1be8, 2}, {0x1bed, 1}, {0x1bef, 3}, {0x1c2c, 8}, {0x1c36, 2}, {0x1cd0, 3}, {0x1cd4, 13},
    {0x1ce2, 7}, {0x1ced, 1}, {0x1cf4, 1}, {0x1cf8, 2}, {0x1dc0, 64}, {0x200b, 5}, {0x202a, 5},
    {0x2060, 16}, {0x20d0, 33}, {0x2cef, 3}, {0x2d7f, 1}, {0x2de0, 32}, {0x302a, 4}, {0x3099, 2},
    {0xa66f, 4}, {0xa674, 10}, {0xa69e, 2}, {0xa6f0, 2}, {0xa802, 1}, {0xa806, 1}, {0xa80b, 1},
    {0xa825, 2}, {0xa82c, 1}, {0xa8c4, 2}, {0xa8e0, 18}, {0xa8ff, 1}, {0xa926, 8}, {0xa947, 11},
    {0xa980, 3}, {0xa9b3, 1}, {0xa9b6, 4}, {0xa9bc, 2}, {0xa9e5, 1}, {0xaa29, 6}, {0xaa31, 2},
    {0xaa35, 2}, {0xaa43, 1}, {0xaa4c, 1}, {0xaa7c, 1}, {0xaab0, 1}, {0xaab2, 3}, {0xaab7, 2},
    {0xaabe, 2}, {0xaac1, 1}, {0xaaec, 2}, {0xaaf6, 1}, {0xabe5, 1}, {0xabe8, 1}, {0xabed, 1},
    {0xd7b0, 76}, {0xfb1e, 1}, {0xfe00, 16}, {0xfe20, 16}, {0xfeff, 1}, {0xfff9, 3}, {0x101fd, 1},
    {0x102e0, 1}, {0x10376, 5}, {0x10a01, 15}, {0x10a38, 8}, {0x10ae5, 2}, {0x10d24, 4},
    {0x10eab, 2}, {0x10f46, 11}, {0x10f82, 4}, {0x11001, 1}, {0x11038, 15}, {0x11070, 1},
    {0x11073, 2}, {0x1107f, 3}, {0x110b3, 4}, {0x110b9, 2}, {0x110c2, 1}, {0x11100, 3},
    {0x11127, 5}, {0x1112d, 8}, {0x11173, 1}, {0x11180, 2}, {0x111b6, 9}, {0x111c9, 4},
    {0x111cf, 1}, {0x1122f, 3}, {0x11234, 1}, {0x11236, 2}, {0x1123e, 1}, {0x112df, 1},
    {0x112e3, 8}, {0x11300, 2}, {0x1133b, 2}, {0x11340, 1}, {0x11366, 15}, {0x11438, 8},
    {0x11442, 3}, {0x11446, 1}, {0x1145e, 1}, {0x114b3, 6}, {0x114ba, 1}, {0x114bf, 2},
    {0x114c2, 2}, {0x115b2, 4}, {0x115bc, 2}, {0x115bf, 2}, {0x115dc, 2}, {0x11633, 8},
    {0x1163d, 1}, {0x1163f, 2}, {0x116ab, 1}, {0x116ad, 1}, {0x116b0, 6}, {0x116b7, 1},
    {0x1171d, 3}, {0x11722, 4}, {0x11727, 5}, {0x1182f, 9}, {0x11839, 2}, {0x1193b, 2},
    {0x1193e, 1}, {0x11943, 1}, {0x119d4, 8}, {0x119e0, 1}, {0x11a01, 10}, {0x11a33, 6},
    {0x11a3b, 4}, {0x11a47, 1}, {0x11a51, 6}, {0x11a59, 3}, {0x11a8a, 13}, {0x11a98, 2},
    {0x11c30, 14}, {0x11c3f, 1}, {0x11c92, 22}, {0x11caa, 7}, {0x11cb2, 2}, {0x11cb5, 2},
    {0x11d31, 21}, {0x11d47, 1}, {0x11d90, 2}, {0x11d95, 1}, {0x11d97, 1}, {0x11ef3, 2},
    {0x13430, 9}, {0x16af0, 5}, {0x16b30, 7}, {0x16f4f, 1}, {0x16f8f, 4}, {0x16fe4, 1},
    {0x1bc9d, 2}, {0x1bca0, 4775}, {0x1d167, 3}, {0x1d173, 16}, {0x1d185, 7}, {0x1d1aa, 4},
    {0x1d242, 3}, {0x1da00, 55}, {0x1da3b, 50}, {0x1da75, 1}, {0x1da84, 1}, {0x1da9b, 21},
    {0x1e000, 43}, {0x1e130, 7}, {0x1e2ae, 1}, {0x1e2ec, 4}, {0x1e8d0, 7}, {0x1e944, 7},
    {0xe0001, 495},
};

/* From 0x1100 on, and but for those of no width. */
static const struct range DOUBLE_WIDTH[] = {
    {0x1100, 96}, {0x231a, 2}, {0x2329, 2}, {0x23e9, 4}, {0x23f0, 1}, {0x23f3, 1}, {0x25fd, 2},
    {0x2614, 2}, {0x2648, 12}, {0x267f, 1}, {0x2693, 1}, {0x26a1, 1}, {0x26aa, 2}, {0x26bd, 2},
    {0x26c4, 2}, {0x26ce, 1}, {0x26d4, 1}, {0x26ea, 1}, {0x26f2, 2}, {0x26f5, 1}, {0x26fa, 1},
    {0x26fd, 1}, {0x2705, 1}, {0x270a, 2}, {0x2728, 1}, {0x274c, 1}, {0x274e, 1}, {0x2753, 3},
    {0x2757, 1}, {0x2795, 3}, {0x27b0, 1}, {0x27bf, 1}, {0x2b1b, 2}, {0x2b50, 1}, {0x2b55, 1},
    {0x2e80, 447}, {0x3041, 519}, {0x3250, 7024}, {0x4e00, 22215}, {0xa960, 29}, {0xac00, 11172},
    {0xf900, 474}, {0xfe10, 92}, {0xff01, 96}, {0xffe0, 7}, {0x16fe0, 17180}, {0x1f004, 1},
    {0x1f0cf, 1}, {0x1f18e, 1}, {0x1f191, 10}, {0x1f200, 289}, {0x1f32d, 9}, {0x1f337, 70},
    {0x1f37e, 22}, {0x1f3a0, 43}, {0x1f3cf, 5}, {0x1f3e0, 17}, {0x1f3f4, 1}, {0x1f3f8, 71},
    {0x1f440, 1}, {0x1f442, 187}, {0x1f4ff, 63}, {0x1f54b, 4}, {0x1f550, 24}, {0x1f57a, 1},
    {0x1f595, 2}, {0x1f5a4, 1}, {0x1f5fb, 85}, {0x1f680, 70}, {0x1f6cc, 1}, {0x1f6d0, 3},
    {0x1f6d5, 11}, {0x1f6eb, 2}, {0x1f6f4, 9}, {0x1f7e0, 17}, {0x1f90c, 47}, {0x1f93c, 10},
    {0x1f947, 185}, {0x1fa70, 135}, {0x20000, 131070},
};
/* clang-format on */

static int holds(const struct range *r, size_t n, int32_t cp)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (cp < r[mid].first)
            high = mid;
        else if (cp - r[mid].first >= r[mid].n)
            low = mid + 1;
        else
            return 1;
    }
    return 0;
}

int sl_utf8_width(int32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
        return -1;
    if (cp < 0x300)
        return 1;
    if (holds(ZERO_WIDTH, SL_COUNT(ZERO_WIDTH), cp))
        return 0;
    return cp >= 0x1100 && holds(DOUBLE_WIDTH, SL_COUNT(DOUBLE_WIDTH), cp) ? 2 : 1;
}

size_t sl_utf8_fitting(const char *s, size_t n, int width)
{
    assert(width >= 0);
    size_t i = 0;
    while (i < n) {
        int32_t cp;
        size_t k = sl_utf8_decode(s + i, n - i, &cp);
        int w = sl_utf8_width(cp);
        if (w > width)
            break;
        width -= w > 0 ? w : 0;
        i += k;
    }
    return i;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * csv_mask: where the special bytes are in 64 bytes of text, as bit masks, and the state machine
 * that says which of them count.
 *
 * Quoting rule, one for cut, split and the record parser: a quote opens a field only as the first
 * byte of the field; inside a quoted field "" stands for a quote; a quote followed by anything else
 * ends the quoting. Any other quote is data.
 *
 * As long as every quote that opens stands at a field's start (or is the second of a pair), "inside
 * quotes" is the running parity of quotes, which is what the vector code computes. A block where
 * that does not hold goes through sl_csv_block_step, byte by byte.
 */
#ifndef SL_TEXT_CSV_MASK_H
#define SL_TEXT_CSV_MASK_H

#include "base/compat.h"

/* State between bytes. */
enum sl_csv_state {
    SL_CSV_START,      /* at the start of a field */
    SL_CSV_PLAIN,      /* in an unquoted field, or behind the end of a quoted one */
    SL_CSV_QUOTED,     /* inside quotes */
    SL_CSV_QUOTE_SEEN, /* inside quotes a quote was seen: the end, or the first of a pair */
};

struct sl_csv_masks {
    uint64_t delim, eol, quote, high; /* high: bytes >= 0x80 */
};

/* Bit i is the parity of bits 0..i. */
static inline uint64_t sl_csv_parity(uint64_t x)
{
    x ^= x << 1;
    x ^= x << 2;
    x ^= x << 4;
    x ^= x << 8;
    x ^= x << 16;
    x ^= x << 32;
    return x;
}

/* Steps one byte. */
static inline enum sl_csv_state sl_csv_step(enum sl_csv_state s, char c, char delim, char eol)
{
    if (s == SL_CSV_QUOTED)
        return c == '"' ? SL_CSV_QUOTE_SEEN : SL_CSV_QUOTED;
    if (c == delim || c == eol)
        return SL_CSV_START;
    if (c == '"' && s != SL_CSV_PLAIN)
        return SL_CSV_QUOTED;
    return SL_CSV_PLAIN;
}

/*
 * Of one block of n <= 64 bytes whose masks are m: the mask of bytes inside quotes (delimiters and
 * line ends there do not count); *state is carried over. data is needed for the careful way only.
 */
static inline uint64_t sl_csv_inside(const struct sl_csv_masks *m, const char *data, int n,
                                     char delim, char eol, enum sl_csv_state *state)
{
    uint64_t inside = sl_csv_parity(m->quote) ^ (*state == SL_CSV_QUOTED ? ~0ULL : 0);
    uint64_t before = ((m->delim | m->eol | m->quote) << 1) |
                      (*state == SL_CSV_START || *state == SL_CSV_QUOTE_SEEN);
    uint64_t top = 1ULL << (n - 1);
    if (SL_LIKELY(!(m->quote & inside & ~before))) {
        if (inside & top)
            *state = SL_CSV_QUOTED;
        else if ((m->delim | m->eol) & top)
            *state = SL_CSV_START;
        else
            *state = m->quote & top ? SL_CSV_QUOTE_SEEN : SL_CSV_PLAIN;
        return inside;
    }
    inside = 0;
    enum sl_csv_state s = *state;
    for (int i = 0; i < n; i++) {
        s = sl_csv_step(s, data[i], delim, eol);
        if (s == SL_CSV_QUOTED)
            inside |= 1ULL << i;
    }
    *state = s;
    return inside;
}

/* Masks without vector instructions, and by SSE2 where that is the baseline. */
#ifdef __SSE2__
#include <emmintrin.h>

static inline uint64_t sl_csv_eq_sse2(const __m128i *v, char c)
{
    __m128i x = _mm_set1_epi8(c);
    uint64_t r = 0;
    for (int i = 3; i >= 0; i--)
        r = r << 16 | (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], x));
    return r;
}

static inline void sl_csv_masks_base(const char *p, char delim, char eol, struct sl_csv_masks *m)
{
    __m128i v[4];
    uint64_t high = 0;
    for (int i = 0; i < 4; i++)
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
    for (int i = 3; i >= 0; i--)
        high = high << 16 | (uint32_t)_mm_movemask_epi8(v[i]);
    m->delim = sl_csv_eq_sse2(v, delim);
    m->eol = sl_csv_eq_sse2(v, eol);
    m->quote = sl_csv_eq_sse2(v, '"');
    m->high = high;
}
#else
static inline void sl_csv_masks_base(const char *p, char delim, char eol, struct sl_csv_masks *m)
{
    *m = (struct sl_csv_masks){0};
    for (int i = 0; i < 64; i++) {
        uint64_t bit = 1ULL << i;
        m->delim |= p[i] == delim ? bit : 0;
        m->eol |= p[i] == eol ? bit : 0;
        m->quote |= p[i] == '"' ? bit : 0;
        m->high |= (unsigned char)p[i] >= 0x80 ? bit : 0;
    }
}
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#define SL_CSV_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#define SL_CSV_AVX512                                                                              \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx2,bmi,bmi2,lzcnt,popcnt")))

SL_CSV_AVX2 static inline void sl_csv_masks_avx2(const char *p, char delim, char eol,
                                                 struct sl_csv_masks *m)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    __m256i d = _mm256_set1_epi8(delim), e = _mm256_set1_epi8(eol), q = _mm256_set1_epi8('"');
#define SL_CSV_EQ(x)                                                                               \
    ((uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, x)) |                                     \
     (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, x)) << 32)
    m->delim = SL_CSV_EQ(d);
    m->eol = SL_CSV_EQ(e);
    m->quote = SL_CSV_EQ(q);
    m->high = (uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32;
#undef SL_CSV_EQ
}

SL_CSV_AVX512 static inline void sl_csv_masks_avx512(const char *p, char delim, char eol,
                                                     struct sl_csv_masks *m)
{
    __m512i v = _mm512_loadu_si512(p);
    m->delim = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(delim));
    m->eol = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(eol));
    m->quote = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"'));
    m->high = _mm512_movepi8_mask(v);
}
#endif

/* Which instructions the index and the cut use; tests run each. */
enum sl_csv_level { SL_CSV_BASE, SL_CSV_LEVEL_AVX2, SL_CSV_LEVEL_AVX512, SL_CSV_BEST };
enum sl_csv_level sl_csv_level_best(void);

#endif

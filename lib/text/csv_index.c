/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * csv_index: one pass over a chunk that lists the separators.
 *
 * Positions are written 8 or 16 at a time without asking how many there are (the surplus is
 * overwritten), which keeps the loop free of mispredicted branches; room for them is made once per
 * span of 32 KiB.
 */
#include "base/mem.h"
#include "text/csv.h"

enum { SPAN = 32 << 10 };

/* Running totals of one pass. */
struct pass {
    const char *data;
    char delim, eol;
    enum sl_csv_state state;
    int lazy; /* state is that behind data[i - 1], not yet looked at */
    uint64_t high;
    size_t records, eols;
    uint32_t *out; /* next entry of seps */
    struct sl_csv_index *x;
};

/* Numbers of the separators behind quotes of one block: quotes before bit b end with the separator
 * number (entries so far + separators below b). */
static void note_quotes(struct pass *p, uint64_t quotes, uint64_t seps)
{
    struct sl_csv_index *x = p->x;
    uint32_t base = (uint32_t)(p->out - x->seps);
    for (; quotes; quotes &= quotes - 1) {
        uint64_t below = (quotes & -quotes) - 1;
        uint32_t k = base + (uint32_t)__builtin_popcountll(seps & below);
        if (!x->nquotes || x->quotes[x->nquotes - 1] != k)
            x->quotes[x->nquotes++] = k;
    }
}

/* The separators of a block of n bytes at i, with quotes taken into account. */
static inline uint64_t block_seps(struct pass *p, struct sl_csv_masks *m, size_t i, int n)
{
    uint64_t seps = m->delim | m->eol;
    p->eols += (size_t)__builtin_popcountll(m->eol);
    p->high |= m->high;
    if (SL_UNLIKELY(m->quote || (p->state == SL_CSV_QUOTED && !p->lazy))) {
        if (p->lazy) {
            char c = p->data[i - 1];
            p->state = c == p->delim || c == p->eol ? SL_CSV_START : SL_CSV_PLAIN;
            p->lazy = 0;
        }
        uint64_t inside = sl_csv_inside(m, p->data + i, n, p->delim, p->eol, &p->state);
        seps &= ~inside;
        m->eol &= ~inside;
        note_quotes(p, m->quote, seps);
    } else {
        p->lazy = 1;
    }
    p->records += (size_t)__builtin_popcountll(m->eol);
    return seps;
}

static inline void flatten_base(uint32_t *out, uint32_t base, uint64_t bits)
{
    for (; bits; bits &= bits - 1)
        *out++ = base + (uint32_t)__builtin_ctzll(bits);
}

#define INDEX_LOOP(MASKS, FLATTEN)                                                                 \
    for (size_t i = from; i < to; i += 64) {                                                       \
        struct sl_csv_masks m;                                                                     \
        MASKS(p->data + i, p->delim, p->eol, &m);                                                  \
        uint64_t seps = block_seps(p, &m, i, 64);                                                  \
        FLATTEN(p->out, (uint32_t)i + 1, seps);                                                    \
        p->out += __builtin_popcountll(seps);                                                      \
    }

static void span_base(struct pass *p, size_t from,
                      size_t to){INDEX_LOOP(sl_csv_masks_base, flatten_base)}

#if defined(__x86_64__)
SL_CSV_AVX2 static inline void flatten_avx2(uint32_t *out, uint32_t base, uint64_t bits)
{
    int n = __builtin_popcountll(bits);
    for (int k = 0; k < 8; k++) {
        out[k] = base + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    if (SL_UNLIKELY(n > 8)) {
        for (int k = 8; k < 16; k++) {
            out[k] = base + (uint32_t)_tzcnt_u64(bits);
            bits = _blsr_u64(bits);
        }
        for (int k = 16; k < n; k++) {
            out[k] = base + (uint32_t)_tzcnt_u64(bits);
            bits = _blsr_u64(bits);
        }
    }
}

SL_CSV_AVX2 static void span_avx2(struct pass *p, size_t from,
                                  size_t to){INDEX_LOOP(sl_csv_masks_avx2, flatten_avx2)}

SL_CSV_AVX512 static inline void flatten_avx512(uint32_t *out, uint32_t base, uint64_t bits)
{
    static const uint8_t iota[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    int n = __builtin_popcountll(bits);
    __m512i at = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(iota));
    __m512i b = _mm512_set1_epi32((int)base);
    _mm512_storeu_si512(out, _mm512_add_epi32(b, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(at))));
    if (SL_UNLIKELY(n > 16)) {
        _mm512_storeu_si512(
            out + 16, _mm512_add_epi32(b, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(at, 1))));
        _mm512_storeu_si512(
            out + 32, _mm512_add_epi32(b, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(at, 2))));
        _mm512_storeu_si512(
            out + 48, _mm512_add_epi32(b, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(at, 3))));
    }
}

SL_CSV_AVX512 static void span_avx512(struct pass *p, size_t from, size_t to)
{
    INDEX_LOOP(sl_csv_masks_avx512, flatten_avx512)
}
#endif

/* The last, partial block: bytes behind the end do not count. */
static void span_tail(struct pass *p, size_t from, size_t n)
{
    struct sl_csv_masks m;
    char last[64] = {0};
    uint64_t keep = (1ULL << (n - from)) - 1;
    memcpy(last, p->data + from, n - from);
    sl_csv_masks_base(last, p->delim, p->eol, &m);
    m.delim &= keep;
    m.eol &= keep;
    m.quote &= keep;
    m.high &= keep;
    uint64_t seps = block_seps(p, &m, from, (int)(n - from));
    flatten_base(p->out, (uint32_t)from + 1, seps);
    p->out += __builtin_popcountll(seps);
}

/* Room for one more span of separators, and of quotes. */
static int make_room(struct sl_csv_index *x, size_t n, struct sl_err *err)
{
    int rc = SL_GROW(x->seps, n + SPAN + 128, x->cap, "splitting text", err);
    return rc < 0
               ? rc
               : SL_GROW(x->quotes, x->nquotes + SPAN + 128, x->cap_quotes, "splitting text", err);
}

int sl_csv_index(struct sl_csv_index *x, enum sl_csv_level level, const char *data, size_t n,
                 char delim, char eol, struct sl_err *err)
{
    assert(x && (data || !n) && delim != eol);
    assert(n < UINT32_MAX - 64);
    struct pass p = {.data = data, .delim = delim, .eol = eol, .state = SL_CSV_START, .x = x};
    size_t whole = n & ~(size_t)63;
    if (level == SL_CSV_BEST)
        level = sl_csv_level_best();
    x->nquotes = 0;
    x->n = 0;
    for (size_t i = 0; i == 0 || i < n; i += SPAN) {
        int rc = make_room(x, x->n, err);
        if (rc < 0)
            return rc;
        size_t to = SL_MIN(i + SPAN, whole);
        if (i == 0)
            x->seps[0] = 0;
        p.out = x->seps + 1 + x->n;
        if (i >= to)
            ;
#if defined(__x86_64__)
        else if (level == SL_CSV_LEVEL_AVX512)
            span_avx512(&p, i, to);
        else if (level == SL_CSV_LEVEL_AVX2)
            span_avx2(&p, i, to);
#endif
        else
            span_base(&p, i, to);
        if (i + SPAN >= n && whole < n)
            span_tail(&p, whole, n);
        x->n = (size_t)(p.out - x->seps) - 1;
    }
    /* A last record without line end, or inside quotes, ends at the end of the chunk. */
    if (n && (x->seps[x->n] != n || data[n - 1] != eol)) {
        x->seps[++x->n] = (uint32_t)n + 1;
        p.records++;
        p.eols += data[n - 1] != eol;
    }
    x->records = p.records;
    x->eols = p.eols;
    x->ascii = p.high == 0;
    return 0;
}

void sl_csv_index_release(struct sl_csv_index *x)
{
    free(x->seps);
    free(x->quotes);
    *x = (struct sl_csv_index){0};
}

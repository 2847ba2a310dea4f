/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * csv_cut: finds the end of the last whole record, at the speed of memory.
 *
 * Only quotes and line ends are looked for; delimiters matter only in blocks with quotes. Blocks
 * without a quote cost two compares and a test.
 */
#include "text/csv.h"

enum sl_csv_level sl_csv_level_best(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vbmi2"))
        return SL_CSV_LEVEL_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        return SL_CSV_LEVEL_AVX2;
#endif
    return SL_CSV_BASE;
}

/* Over data[from..to), to - from a multiple of 64: the position behind the last line end outside
 * quotes, or 0. data[from - 1] is read if from > 0. Line ends are counted on the way: it costs two
 * instructions here, and a pass over all bytes elsewhere. */
#define CUT_LOOP(MASKS)                                                                            \
    size_t last = 0;                                                                               \
    size_t all = 0, upto = 0; /* line ends so far, and to the end of the block at last */          \
    uint64_t last_bits = 0, last_eol = 0;                                                          \
    enum sl_csv_state s = *state;                                                                  \
    int lazy = 0; /* the state behind a block without quotes is known from its last byte */        \
    for (size_t i = from; i < to; i += 64) {                                                       \
        struct sl_csv_masks m;                                                                     \
        MASKS(data + i, delim, eol, &m);                                                           \
        uint64_t ends = m.eol;                                                                     \
        all += (size_t)__builtin_popcountll(ends);                                                 \
        if (SL_UNLIKELY(m.quote)) {                                                                \
            if (lazy)                                                                              \
                s = after(data[i - 1], delim, eol);                                                \
            m.eol &= ~sl_csv_inside(&m, data + i, 64, delim, eol, &s);                             \
            lazy = 0;                                                                              \
        } else if (s == SL_CSV_QUOTED && !lazy) {                                                  \
            continue;                                                                              \
        } else {                                                                                   \
            lazy = 1;                                                                              \
        }                                                                                          \
        if (m.eol) {                                                                               \
            last = i;                                                                              \
            last_bits = m.eol;                                                                     \
            last_eol = ends;                                                                       \
            upto = all;                                                                            \
        }                                                                                          \
    }                                                                                              \
    if (lazy)                                                                                      \
        s = after(data[to - 1], delim, eol);                                                       \
    *state = s;                                                                                    \
    lines->all = all;                                                                              \
    if (!last_bits)                                                                                \
        return 0;                                                                                  \
    int behind = __builtin_clzll(last_bits); /* bytes of that block behind the end */              \
    lines->whole = upto;                                                                           \
    if (behind)                                                                                    \
        lines->whole -= (size_t)__builtin_popcountll(last_eol >> (64 - behind));                   \
    return last + 64 - (size_t)behind

static inline enum sl_csv_state after(char c, char delim, char eol)
{
    return c == delim || c == eol ? SL_CSV_START : SL_CSV_PLAIN;
}

static size_t cut_base(const char *data, size_t from, size_t to, char delim, char eol,
                       enum sl_csv_state *state, struct sl_csv_lines *lines)
{
    CUT_LOOP(sl_csv_masks_base);
}

#if defined(__x86_64__)
SL_CSV_AVX2 static size_t cut_avx2(const char *data, size_t from, size_t to, char delim, char eol,
                                   enum sl_csv_state *state, struct sl_csv_lines *lines)
{
    CUT_LOOP(sl_csv_masks_avx2);
}

SL_CSV_AVX512 static size_t cut_avx512(const char *data, size_t from, size_t to, char delim,
                                       char eol, enum sl_csv_state *state,
                                       struct sl_csv_lines *lines)
{
    CUT_LOOP(sl_csv_masks_avx512);
}
#endif

size_t sl_csv_cut(enum sl_csv_level level, const char *data, size_t from, size_t n, char delim,
                  char eol, enum sl_csv_state *state, struct sl_csv_lines *lines)
{
    assert(from <= n && state);
    assert(from <= n);
    size_t to = from + ((n - from) & ~(size_t)63), end = 0;
    *lines = (struct sl_csv_lines){0};
    if (level == SL_CSV_BEST)
        level = sl_csv_level_best();
    if (to == from)
        ;
#if defined(__x86_64__)
    else if (level == SL_CSV_LEVEL_AVX512)
        end = cut_avx512(data, from, to, delim, eol, state, lines);
    else if (level == SL_CSV_LEVEL_AVX2)
        end = cut_avx2(data, from, to, delim, eol, state, lines);
#endif
    else
        end = cut_base(data, from, to, delim, eol, state, lines);
    for (size_t i = to; i < n; i++) {
        *state = sl_csv_step(*state, data[i], delim, eol);
        lines->all += data[i] == eol;
        if (data[i] == eol && *state == SL_CSV_START) {
            end = i + 1;
            lines->whole = lines->all;
        }
    }
    return end;
}

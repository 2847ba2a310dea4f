/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * digits: decimal digits eight at a time; inside base only.
 *
 * Three multiplications turn a word of eight digits into a number, a mask test shows that all eight
 * were digits. A slice shorter than eight bytes is loaded by two overlapping reads and padded with
 * '0' in front, so that nothing is ever read outside the slice. Little-endian machines only.
 */
#ifndef SL_BASE_DIGITS_H
#define SL_BASE_DIGITS_H

#include "base/compat.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the word-wise readers want it");

static const uint64_t POW10_U64[20] SL_UNUSED = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

static inline uint64_t load64(const char *s)
{
    uint64_t x;

    memcpy(&x, s, 8);
    return x;
}

/* The n (1..8) bytes at s in the n low bytes of a word, the others 0. */
static inline uint64_t load_short(const char *s, size_t n)
{
    uint32_t a, b;
    uint16_t c, d;

    if (n >= 4) {
        memcpy(&a, s, 4);
        memcpy(&b, s + n - 4, 4);
        return (uint64_t)a | (uint64_t)b << ((n - 4) * 8);
    }
    if (n >= 2) {
        memcpy(&c, s, 2);
        memcpy(&d, s + n - 2, 2);
        return (uint64_t)c | (uint64_t)d << ((n - 2) * 8);
    }
    return (uint8_t)*s;
}

/* Moves n (1..8) bytes to the end of the word, with '0' in front. */
static inline uint64_t pad_zeros(uint64_t x, size_t n)
{
    if (n == 8)
        return x;
    return x << ((8 - n) * 8) | 0x3030303030303030u >> (n * 8);
}

static inline int all_digits(uint64_t x)
{
    return ((x & 0xf0f0f0f0f0f0f0f0u) | ((x + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) >> 4) ==
           0x3333333333333333u;
}

static inline uint32_t eight_digits(uint64_t x)
{
    x = (x & 0x0f0f0f0f0f0f0f0fu) * 2561 >> 8;
    x = (x & 0x00ff00ff00ff00ffu) * 6553601 >> 16;
    x = (x & 0x0000ffff0000ffffu) * 42949672960001u >> 32;
    return (uint32_t)x;
}

/* n (0..19) digits to a number: 1, or 0 if a byte is not a digit. 19 digits fit 64 bits. */
static inline int parse_digits(const char *s, size_t n, uint64_t *out)
{
    uint64_t v = 0, x;

    assert(n <= 19);
    while (n >= 8) {
        x = load64(s);
        if (!all_digits(x))
            return 0;
        v = v * 100000000u + eight_digits(x);
        s += 8;
        n -= 8;
    }
    if (n) {
        x = pad_zeros(load_short(s, n), n);
        if (!all_digits(x))
            return 0;
        v = v * POW10_U64[n] + eight_digits(x);
    }
    *out = v;
    return 1;
}

static inline int take_sign(const char **s, size_t *n)
{
    int negative;

    if (!*n || (**s != '-' && **s != '+'))
        return 0;
    negative = **s == '-';
    ++*s;
    --*n;
    return negative;
}

static const char PAIRS[201] SL_UNUSED = "00010203040506070809101112131415161718192021222324"
                                         "25262728293031323334353637383940414243444546474849"
                                         "50515253545556575859606162636465666768697071727374"
                                         "75767778798081828384858687888990919293949596979899";

/* Writes v so that it ends before end; its first byte. */
static inline char *print_backwards(char *end, uint64_t v)
{
    while (v >= 100) {
        end -= 2;
        memcpy(end, PAIRS + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        end -= 2;
        memcpy(end, PAIRS + v * 2, 2);
    } else {
        *--end = (char)('0' + v);
    }
    return end;
}

#endif

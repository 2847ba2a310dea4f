/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * crc32c: polynomial 0x1EDC6F41, reflected (RFC 3720 B.4).
 *
 * The SSE4.2 instruction has a latency of 3 cycles and a throughput of 1, so long inputs run as
 * three streams whose CRCs are joined by multiplying with x^(8 * length) modulo the polynomial
 * (method of M. Adler, "crcutil"; the multiplication is by bit, on 32-bit values, once a block).
 */
#include "base/compat.h"
#include "base/crc32c.h"

#define POLYNOMIAL 0x82f63b78u

static uint32_t table_step(uint32_t crc, unsigned char byte)
{
    crc ^= byte;
    for (int k = 0; k < 8; k++)
        crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1)));
    return crc;
}

static uint32_t portable(uint32_t crc, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        crc = table_step(crc, p[i]);
    return crc;
}

#ifdef __x86_64__
#include <nmmintrin.h>

enum { STREAM = 1024 }; /* bytes of each of the three streams of a block */

/* a * b modulo the polynomial, both reflected: bit 31 is x^0. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (int i = 31; i >= 0; i--) {
        product ^= b & (0u - ((a >> i) & 1));
        b = (b >> 1) ^ (POLYNOMIAL & (0u - (b & 1)));
    }
    return product;
}

/* x^(8 * STREAM) and x^(16 * STREAM) modulo the polynomial, as shift() below computes them. */
static uint32_t shift(size_t bytes)
{
    uint32_t crc = 0x80000000u; /* x^0 */
    for (size_t i = 0; i < bytes * 8; i++)
        crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1)));
    return crc;
}

static uint32_t shift_one, shift_two;

__attribute__((constructor)) static void precompute(void)
{
    shift_one = shift(STREAM);
    shift_two = shift(2 * STREAM);
}

static inline uint64_t load(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc,
                                                                 const unsigned char *p, size_t n)
{
    for (; n >= 3 * STREAM; p += 3 * STREAM, n -= 3 * STREAM) {
        uint64_t a = crc, b = 0, c = 0;
        for (size_t i = 0; i < STREAM; i += 8) {
            a = _mm_crc32_u64(a, load(p + i));
            b = _mm_crc32_u64(b, load(p + STREAM + i));
            c = _mm_crc32_u64(c, load(p + 2 * STREAM + i));
        }
        crc = multiply(shift_two, (uint32_t)a) ^ multiply(shift_one, (uint32_t)b) ^ (uint32_t)c;
    }
    uint64_t a = crc;
    for (; n >= 8; p += 8, n -= 8)
        a = _mm_crc32_u64(a, load(p));
    crc = (uint32_t)a;
    for (; n; p++, n--)
        crc = _mm_crc32_u8(crc, *p);
    return crc;
}

uint32_t sl_crc32c(uint32_t crc, const void *data, size_t len)
{
    if (__builtin_cpu_supports("sse4.2"))
        return ~by_instruction(~crc, data, len);
    return ~portable(~crc, data, len);
}

#else

uint32_t sl_crc32c(uint32_t crc, const void *data, size_t len)
{
    return ~portable(~crc, data, len);
}

#endif

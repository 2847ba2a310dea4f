/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * hash: see hash.h.
 *
 * sl_hash_bytes folds 16 bytes a step by a 64 x 64 -> 128 bit multiplication, the construction of
 * the "mum" family of hashes. murmur2 is Austin Appleby's MurmurHash2 with the seed and the final
 * steps of Kafka's Java client (org.apache.kafka.common.utils.Utils.murmur2). crc32 is the IEEE
 * 802.3 polynomial, reflected, as zlib and librdkafka compute it.
 */
#include "base/hash.h"

#include <stdatomic.h>
#include <sys/random.h>

/* The kernel is asked once: schemas, dictionaries and groups want a seed each. */
static atomic_uint_fast64_t seed_secret; /* 0 = not drawn yet */
static atomic_uint_fast64_t seeds_given;

static inline uint64_t load64(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static inline uint64_t load32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    sl_uint128 m = (sl_uint128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static const uint64_t K0 = 0x9e3779b97f4a7c15u, K1 = 0xd6e8feb86659fd93u, K2 = 0xa0761d6478bd642fu;

/* At most 16 bytes as two words that together hold every byte. */
static inline void tail(const unsigned char *p, size_t n, uint64_t *a, uint64_t *b)
{
    if (n >= 8) {
        *a = load64(p);
        *b = load64(p + n - 8);
    } else if (n >= 4) {
        *a = load32(p);
        *b = load32(p + n - 4);
    } else if (n) {
        *a = ((uint64_t)p[0] << 16) | ((uint64_t)p[n >> 1] << 8) | p[n - 1];
        *b = 0;
    } else {
        *a = *b = 0;
    }
}

uint64_t sl_hash_bytes(const void *data, size_t len, uint64_t seed)
{
    const unsigned char *p = data;
    size_t n = len;
    /* Both factors hide: no word is known to make one of them zero. */
    uint64_t h = seed ^ K0, k = K2 ^ (seed << 32 | seed >> 32);

    while (n > 16) {
        h = fold(load64(p) ^ K1 ^ h, load64(p + 8) ^ k);
        p += 16;
        n -= 16;
    }
    uint64_t a, b;
    tail(p, n, &a, &b);
    h = fold(a ^ K1 ^ h, b ^ k);
    return fold(h ^ len, K0);
}

uint64_t sl_hash_seed(void)
{
    uint64_t secret = atomic_load(&seed_secret);
    if (!secret) {
        uint64_t drawn, none = 0;
        /* Early in a boot: addresses differ from run to run at least. */
        if (getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) != (ssize_t)sizeof drawn)
            drawn = sl_hash_u64((uint64_t)(uintptr_t)&drawn, (uint64_t)(uintptr_t)sl_hash_bytes);
        drawn |= 1;
        secret = atomic_compare_exchange_strong(&seed_secret, &none, drawn) ? drawn : none;
    }
    return sl_hash_u64(atomic_fetch_add(&seeds_given, 1), secret);
}

uint32_t sl_hash_murmur2(const void *data, size_t len)
{
    assert(data || !len);
    const unsigned char *p = data;
    const uint32_t m = 0x5bd1e995u;
    uint32_t h = 0x9747b28cu ^ (uint32_t)len;
    size_t n = len;

    for (; n >= 4; p += 4, n -= 4) {
        uint32_t k = (uint32_t)load32(p);
        k *= m;
        k ^= k >> 24;
        k *= m;
        h = h * m ^ k;
    }
    if (n >= 3)
        h ^= (uint32_t)p[2] << 16;
    if (n >= 2)
        h ^= (uint32_t)p[1] << 8;
    if (n >= 1) {
        h ^= p[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h;
}

uint32_t sl_hash_crc32(const void *data, size_t len)
{
    assert(data || !len);
    const unsigned char *p = data;
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

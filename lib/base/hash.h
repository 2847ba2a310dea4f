/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * hash: hashing for tables (fast, seeded, not stable across versions) and for partitioning (fixed
 * for ever: murmur2 as Kafka's Java client computes it, crc32 as librdkafka's default).
 */
#ifndef SL_BASE_HASH_H
#define SL_BASE_HASH_H

#include "base/compat.h"

uint64_t sl_hash_bytes(const void *data, size_t len, uint64_t seed);
/* For a table that is filled with what the input says: nobody can choose keys that collide under a
 * seed of which they know nothing. Nothing that is seen may depend on it. */
uint64_t sl_hash_seed(void);

/* One multiply-and-fold round: enough for tables keyed by integers. */
static inline uint64_t sl_hash_u64(uint64_t x, uint64_t seed)
{
    sl_uint128 m = (sl_uint128)(x ^ seed ^ 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Partitioner hashes; the caller takes (value & 0x7fffffff) % partitions. */
uint32_t sl_hash_murmur2(const void *data, size_t len);
uint32_t sl_hash_crc32(const void *data, size_t len);

#endif

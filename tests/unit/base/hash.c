/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* hash, crc32c: published vectors, and the fast paths against a bit-wise computation. */
#include "../test.h"
#include "base/crc32c.h"
#include "base/hash.h"

static uint64_t seed = 88172645463325252u;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint32_t crc_bitwise(uint32_t polynomial, const uint8_t *s, size_t n)
{
    uint32_t crc = ~0u;

    while (n--) {
        crc ^= *s++;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
    }
    return ~crc;
}

static uint8_t bytes[70000];

static void test_crc(void)
{
    TEST("CRC-32C of RFC 3720's vectors")
    {
        CHECK_INT(sl_crc32c(0, "", 0), 0);
        CHECK_INT(sl_crc32c(0, "123456789", 9), 0xe3069283);
        memset(bytes, 0, 32);
        CHECK_INT(sl_crc32c(0, bytes, 32), 0x8a9136aa);
        memset(bytes, 0xff, 32);
        CHECK_INT(sl_crc32c(0, bytes, 32), 0x62a8ab43);
        for (int i = 0; i < 32; i++)
            bytes[i] = (uint8_t)i;
        CHECK_INT(sl_crc32c(0, bytes, 32), 0x46dd794e);
    }
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)rnd();
    TEST("every length, alignment and cut gives the bit-wise result")
    {
        for (size_t n = 0; n < 600; n++) {
            size_t at = rnd() % 64;
            uint32_t want = crc_bitwise(0x82f63b78, bytes + at, n);
            CHECK_INT(sl_crc32c(0, bytes + at, n), want);
        }
        for (int i = 0; i < 30; i++) {
            size_t n = rnd() % sizeof(bytes), cut = n ? rnd() % n : 0;
            uint32_t want = crc_bitwise(0x82f63b78, bytes, n);
            CHECK_INT(sl_crc32c(0, bytes, n), want);
            CHECK_INT(sl_crc32c(sl_crc32c(0, bytes, cut), bytes + cut, n - cut), want);
        }
    }
    TEST("the partitioner's CRC-32 is zlib's")
    {
        CHECK_INT(sl_hash_crc32("123456789", 9), 0xcbf43926);
        for (size_t n = 0; n < 300; n++)
            CHECK_INT(sl_hash_crc32(bytes + n, n), crc_bitwise(0xedb88320, bytes + n, n));
    }
}

static void test_hash(void)
{
    TEST("murmur2 gives what Kafka's Java client tests for")
    {
        static const struct {
            const char *key;
            int32_t hash;
        } known[] = {
            {"21", -973932308},
            {"foobar", -790332482},
            {"a-little-bit-long-string", -985981536},
            {"a-little-bit-longer-string", -1486304829},
            {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
            {"abc", 479470107},
        };
        for (size_t i = 0; i < SL_COUNT(known); i++)
            CHECK_INT((int32_t)sl_hash_murmur2(known[i].key, strlen(known[i].key)), known[i].hash);
    }
    TEST("the table hash reads only its slice and tells lengths and seeds apart")
    {
        for (size_t n = 0; n < 200; n++) {
            uint8_t *copy = malloc(n ? n : 1);
            memcpy(copy, bytes, n);
            uint64_t h = sl_hash_bytes(copy, n, 7);
            CHECK(h == sl_hash_bytes(bytes, n, 7));
            CHECK(h != sl_hash_bytes(bytes, n, 8));
            CHECK(h != sl_hash_bytes(bytes, n + 1, 7));
            if (n) {
                copy[n / 2] ^= 1;
                CHECK(h != sl_hash_bytes(copy, n, 7));
            }
            free(copy);
        }
    }
    TEST("a table's seed is another one each time, and moves what would have collided")
    {
        CHECK(sl_hash_seed() != sl_hash_seed());
        /* The second half of the first is what the construction would multiply to zero. */
        static const unsigned char key[2][16] = {
            {1, 0, 0, 0, 0, 0, 0, 0, 0x2f, 0x64, 0xbd, 0x78, 0x64, 0x1d, 0x76, 0xa0},
            {2, 0, 0, 0, 0, 0, 0, 0, 0x2f, 0x64, 0xbd, 0x78, 0x64, 0x1d, 0x76, 0xa0},
        };
        uint64_t one = sl_hash_seed();
        CHECK(sl_hash_bytes(key[0], 16, one) != sl_hash_bytes(key[1], 16, one));
    }
    TEST("hashes of numbers and of short texts spread evenly over 1,024 slots, high and low bits")
    {
        static int slots[4][1024];
        char text[16];
        for (uint64_t i = 0; i < 102400; i++) {
            uint64_t a = sl_hash_u64(i, 1);
            uint64_t b = sl_hash_bytes(
                text, (size_t)snprintf(text, sizeof(text), "u%llu", (unsigned long long)i), 1);
            slots[0][a & 1023]++;
            slots[1][a >> 54]++;
            slots[2][b & 1023]++;
            slots[3][b >> 54]++;
        }
        /* 100 expected in each; 6 standard deviations is 60. */
        for (int k = 0; k < 4; k++)
            for (int i = 0; i < 1024; i++)
                if (slots[k][i] < 40 || slots[k][i] > 160)
                    CHECK_INT(slots[k][i], k * 10000 + i);
    }
}

int main(void)
{
    test_crc();
    test_hash();
    return test_done();
}

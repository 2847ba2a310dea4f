/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* identity: see identity.h. */
#include "log/identity.h"

#include "arrow/batch.h"
#include "base/crc32c.h"
#include "base/hex.h"

enum { /* offsets */
       AT_LOG = 2,
       AT_PARTITION = 35,
       AT_BASE = 41,
       AT_COMMIT = 62,
       AT_CRC1 = 83,
       AT_ROWS = 92,
       AT_MIN = 103,
       AT_MAX = 124,
       AT_BEFORE = 145,
       AT_DICTS = 156,
       AT_COLUMNS = 162,
       AT_META = 168,
       AT_BODY = 177,
       AT_CRC2 = 186,
};

static void print_time(char *out, int64_t t)
{
    uint64_t v = t < 0 ? 0 - (uint64_t)t : (uint64_t)t;
    out[0] = t < 0 ? '-' : '+';
    for (int i = 19; i > 0; i--) {
        out[i] = (char)('0' + v % 10);
        v /= 10;
    }
}

static int parse_time(const char *s, int64_t none, int64_t *out)
{
    uint64_t v = 0;
    if (s[0] == ' ') {
        for (int i = 0; i < 20; i++) {
            if (s[i] != ' ')
                return 0;
        }
        *out = none;
        return 1;
    }
    if (s[0] != '+' && s[0] != '-')
        return 0;
    for (int i = 1; i < 20; i++) {
        if (s[i] < '0' || s[i] > '9')
            return 0;
        v = v * 10 + (uint64_t)(s[i] - '0'); /* 19 digits fit */
    }
    if (v > (uint64_t)INT64_MAX + (s[0] == '-'))
        return 0;
    *out = s[0] == '-' ? (int64_t)(0 - v) : (int64_t)v;
    return 1;
}

/* CRC of the second part: everything from byte 91 on but the CRC itself. */
static uint32_t crc2(const char *value, size_t n)
{
    uint32_t crc = sl_crc32c(0, value + SL_IDENTITY_PART1, AT_CRC2 - SL_IDENTITY_PART1);
    return sl_crc32c(crc, value + SL_IDENTITY_FIXED, n - SL_IDENTITY_FIXED);
}

void sl_identity_print(char *value, const struct sl_identity *id, const uint32_t *crcs)
{
    assert(value && id);
    int n = id->ndicts + id->ncolumns;
    size_t len = sl_identity_len(id->ndicts, id->ncolumns);
    memset(value + SL_IDENTITY_PART1, ' ', len - SL_IDENTITY_PART1);
    sl_digits(value + AT_ROWS, 10, id->rows);
    if (id->min_time <= id->max_time) {
        print_time(value + AT_MIN, id->min_time);
        print_time(value + AT_MAX, id->max_time);
    }
    sl_digits(value + AT_BEFORE, 10, id->before);
    sl_digits(value + AT_DICTS, 5, id->ndicts);
    sl_digits(value + AT_COLUMNS, 5, id->ncolumns);
    sl_hex32(value + AT_META, id->meta_crc);
    sl_hex32(value + AT_BODY, id->body_crc);
    for (int i = 0; i < n; i++)
        sl_hex32(value + SL_IDENTITY_FIXED + 9 * i + 1, crcs[i]);
    sl_hex32(value + AT_CRC2, crc2(value, len));
}

void sl_identity_patch(char *value, const uint8_t *log_id, int partition, int64_t base,
                       int64_t commit)
{
    assert(value && partition >= 0 && base >= 0 && commit > 0);
    char hex[33];
    sl_hex(log_id, 16, hex);
    memset(value, ' ', SL_IDENTITY_PART1);
    value[0] = '1';
    memcpy(value + AT_LOG, hex, 32);
    sl_digits(value + AT_PARTITION, 5, partition);
    sl_digits(value + AT_BASE, 20, base);
    sl_digits(value + AT_COMMIT, 20, commit);
    sl_hex32(value + AT_CRC1, sl_crc32c(0, value, AT_CRC1));
}

uint32_t sl_identity_chain(uint32_t sum, const char *value)
{
    assert(value);
    return sl_crc32c(sum, value + AT_CRC2, 8);
}

const char *sl_identity_find(const uint8_t *meta, size_t n, const uint8_t *log_id)
{
    char start[36] = "1 ";
    sl_hex(log_id, 16, start + 2);
    start[34] = ' ';
    return memmem(meta, n, start, 35);
}

int sl_identity_parse(const char *v, size_t n, struct sl_identity *id, struct sl_err *err)
{
    assert(v && id);
    uint64_t one, two, meta, body;
    int64_t partition, dicts, columns;

    if (n < SL_IDENTITY_FIXED || v[0] != '1' || v[1] != ' ')
        return sl_err_set(err, SL_ECORRUPT, "a batch's metadata is too short");
    if (!sl_hex_parse(v + AT_CRC1, 8, &one) || one != sl_crc32c(0, v, AT_CRC1))
        return sl_err_set(err, SL_ECORRUPT, "the checksum of a batch's position is false");
    if (!sl_digits_parse(v + AT_DICTS, 5, &dicts) ||
        !sl_digits_parse(v + AT_COLUMNS, 5, &columns) ||
        sl_identity_len((int)dicts, (int)columns) > n)
        return sl_err_set(err, SL_ECORRUPT, "a batch's metadata has bad counts");
    size_t len = sl_identity_len((int)dicts, (int)columns);
    if (!sl_hex_parse(v + AT_CRC2, 8, &two) || two != crc2(v, len))
        return sl_err_set(err, SL_ECORRUPT, "the checksum of a batch's facts is false");
    if (!sl_digits_parse(v + AT_PARTITION, 5, &partition) ||
        !sl_digits_parse(v + AT_BASE, 20, &id->base) ||
        !sl_digits_parse(v + AT_COMMIT, 20, &id->commit) ||
        !sl_digits_parse(v + AT_ROWS, 10, &id->rows) ||
        !parse_time(v + AT_MIN, SL_TIME_MAX, &id->min_time) ||
        !parse_time(v + AT_MAX, SL_TIME_MIN, &id->max_time) ||
        !sl_digits_parse(v + AT_BEFORE, 10, &id->before) || !sl_hex_parse(v + AT_META, 8, &meta) ||
        !sl_hex_parse(v + AT_BODY, 8, &body))
        return sl_err_set(err, SL_ECORRUPT, "a batch's metadata is malformed");
    id->partition = (int)partition;
    id->ndicts = (int)dicts;
    id->ncolumns = (int)columns;
    id->meta_crc = (uint32_t)meta;
    id->body_crc = (uint32_t)body;
    id->crcs = v + SL_IDENTITY_FIXED;
    return 0;
}

int sl_identity_crc(const struct sl_identity *id, int i, uint32_t *crc)
{
    uint64_t v;
    assert(i >= 0 && i < id->ndicts + id->ncolumns);
    if (!sl_hex_parse(id->crcs + 9 * i + 1, 8, &v))
        return 0;
    *crc = (uint32_t)v;
    return 1;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * identity: the value of `sluice.i` of a batch: which rows these are, and the checksums of its bytes.
 *
 * The first part (log, partition, base, commit) is patched in under the append lock; the facts are
 * made with the batch. Layout: sluice-log(5), Batch metadata.
 */
#ifndef SL_LOG_IDENTITY_H
#define SL_LOG_IDENTITY_H

#include "base/compat.h"
#include "base/err.h"

enum { SL_IDENTITY_FIXED = 194, SL_IDENTITY_PART1 = 91, SL_IDENTITY_LISTS = 65535 };

struct sl_identity {
    int partition;
    int64_t base, commit; /* first part */
    int64_t rows, min_time, max_time, before;
    int ndicts, ncolumns;
    uint32_t meta_crc, body_crc;
    const char *crcs; /* text of the lists, (ndicts + ncolumns) x 9; points into the value */
};

static inline size_t sl_identity_len(int ndicts, int ncolumns)
{
    return SL_IDENTITY_FIXED + 9 * ((size_t)ndicts + (size_t)ncolumns);
}
/* Writes bytes 91 to the end. crcs: ndicts + ncolumns of them. */
void sl_identity_print(char *value, const struct sl_identity *id, const uint32_t *crcs);
/* Writes bytes 0 to 90. */
void sl_identity_patch(char *value, const uint8_t *log_id, int partition, int64_t base,
                       int64_t commit);
/* Takes the batch of this value into a sum over batches: its second part's CRC stands for all of its
 * bytes but their place. Begins with 0. */
uint32_t sl_identity_chain(uint32_t sum, const char *value);
/* Finds the value in the metadata bytes of a message by its log id: pointer or NULL. */
const char *sl_identity_find(const uint8_t *meta, size_t n, const uint8_t *log_id);
/* Reads a value that has at most n bytes. SL_ECORRUPT says what is wrong. */
int sl_identity_parse(const char *value, size_t n, struct sl_identity *id, struct sl_err *err);
/* The i-th CRC of the lists: dictionaries first, then columns. 1, or 0 if malformed. */
int sl_identity_crc(const struct sl_identity *id, int i, uint32_t *crc);

#endif

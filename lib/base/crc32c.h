/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* crc32c: the Castagnoli CRC (RFC 3720 B.4), by SSE4.2 where the CPU has it. */
#ifndef SL_BASE_CRC32C_H
#define SL_BASE_CRC32C_H

#include "base/compat.h"

/* CRC of data appended to what gave crc; start with 0. */
uint32_t sl_crc32c(uint32_t crc, const void *data, size_t len);

#endif

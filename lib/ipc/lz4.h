/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* lz4: frames of LZ4 undone by liblz4, which is opened on first use (not for use outside lib/arrow). */
#ifndef SL_IPC_LZ4_H
#define SL_IPC_LZ4_H

#include "base/compat.h"
#include "base/err.h"

/* 0, or -SL_EUNSUPPORTED if the library is not there. To be called before the others. */
int sl_lz4_need(struct sl_err *err);
/* State for one thread, to be used again and again. NULL: no memory. */
void *sl_lz4_new(void);
void sl_lz4_free(void *context);
/* The first want bytes of a frame that holds claimed of them; NULL, or what is wrong with it. */
const char *sl_lz4_decompress(void *context, void *dst, size_t want, size_t claimed,
                              const void *src, size_t n);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* gunzip: gzip undone by zlib, which is opened on first use (not for use outside lib/text). */
#ifndef SL_TEXT_GUNZIP_H
#define SL_TEXT_GUNZIP_H

#include "base/compat.h"
#include "base/err.h"

/* The next compressed bytes, which stay until the next call: > 0, 0 at the end, < 0 with err. */
typedef int64_t sl_gunzip_more(void *arg, const uint8_t **data, struct sl_err *err);

struct sl_gunzip;
struct sl_gunzip *sl_gunzip_new(sl_gunzip_more *more, void *arg, struct sl_err *err);
void sl_gunzip_free(struct sl_gunzip *g);
/* Plain bytes: > 0, 0 at the end, < 0 with err, which has no place. What more() gave is used up
 * before it is asked again, and it is not asked while there is something to return. */
int64_t sl_gunzip_read(struct sl_gunzip *g, void *data, size_t n, struct sl_err *err);
/* Compressed bytes used so far: where an error is. */
int64_t sl_gunzip_offset(const struct sl_gunzip *g);

#endif

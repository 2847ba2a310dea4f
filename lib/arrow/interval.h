/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* interval: the text of intervals. */
#ifndef SL_ARROW_INTERVAL_H
#define SL_ARROW_INTERVAL_H

#include "arrow/type.h"
#include "base/buf.h"

#define SL_NSEC_PER_DAY 86400000000000LL

/* What intervals are compared by, as PostgreSQL does: months of 30 days, days of 24 hours. */
static inline sl_int128 sl_interval_span(struct sl_interval v)
{
    return ((sl_int128)v.months * 30 + v.days) * SL_NSEC_PER_DAY + v.nanos;
}

/* PostgreSQL's form: '1 year 2 mons 3 days 04:05:06.7', '90 seconds', '1.5 hours', '-1 day ago',
 * '02:30'; also ISO 8601 (P1DT2H). 1 or 0. */
int sl_interval_parse(const char *s, size_t n, struct sl_interval *out);
/* As PostgreSQL prints intervals: 1 year 2 mons 3 days 04:05:06.7. */
void sl_interval_print(struct sl_interval v, struct sl_buf *out);

#endif

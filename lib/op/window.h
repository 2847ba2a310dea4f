/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * window: tumbling event-time windows.
 *
 * A fixed width (1 minute, 24 hours) cuts time into equal pieces counted from the epoch. Days, weeks
 * (from Monday), months and years are those of the calendar in a zone, counted from 1970: a day there
 * can last 23 or 25 hours. Windows are half-open, [start, end), and cover all time.
 */
#ifndef SL_OP_WINDOW_H
#define SL_OP_WINDOW_H

#include "base/time.h"
#include "expr/expr.h"
#include "state/vec.h"

enum sl_window_unit { SL_WINDOW_FIXED, SL_WINDOW_DAY, SL_WINDOW_WEEK, SL_WINDOW_MONTH };

struct sl_window {
    enum sl_window_unit unit;
    int64_t width; /* µs, or a number of units */
    const struct sl_zone *zone;
};

int sl_window_parse(const char *text, const struct sl_expr_env *env, struct sl_window *w,
                    struct sl_err *err);
/* Bounds of the window around t; 0 if they leave the range of time. */
int sl_window_around(const struct sl_window *w, int64_t t, int64_t *start, int64_t *end);
/* "60000000 us", "1 day": canonical text for plans. */
void sl_window_print(const struct sl_window *w, struct sl_buf *out);

/* a + b, held at the ends of the range; SL_TIME_MIN and _MAX stay what they are. */
static inline int64_t sl_time_add(int64_t a, int64_t b)
{
    int64_t c;
    if (a == INT64_MIN || a == INT64_MAX)
        return a;
    if (__builtin_add_overflow(a, b, &c))
        return b < 0 ? INT64_MIN : INT64_MAX;
    return c;
}

#endif

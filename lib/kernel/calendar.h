/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* calendar: intervals on the calendar. Internal to lib/expr. */
#ifndef SL_KERNEL_CALENDAR_H
#define SL_KERNEL_CALENDAR_H

#include "arrow/interval.h"
#include "base/time.h"

/* An instant in nanoseconds would not hold every year: instants stay in their own unit. per is 1
 * for nanoseconds, 1000 for microseconds. t + sign * v on the calendar of zone. 1, or 0 if it
 * leaves the type. */
int sl_interval_shift(int64_t t, int nsec, struct sl_interval v, int sign,
                      const struct sl_zone *zone, int64_t *out);

/* Instant to wall clock and back: seconds as if UTC, and the rest of a second in units. */
static inline int64_t sl_time_units(int nsec)
{
    return nsec ? 1000000000 : 1000000;
}
static inline int64_t sl_wall_seconds(int64_t t, int nsec, const struct sl_zone *zone,
                                      int64_t *rest)
{
    int64_t units = sl_time_units(nsec), sec = sl_floor_div(t, units);
    *rest = t % units; /* never t - sec * units: that product can be below INT64_MIN */
    if (*rest < 0)
        *rest += units;
    return sec + sl_zone_offset(zone, sec);
}
/* 1, or 0 if it leaves int64. */
static inline int sl_wall_read(int64_t wall, int64_t rest, int nsec, const struct sl_zone *zone,
                               enum sl_reading which, int64_t *out)
{
    int64_t sec = sl_zone_to_utc(zone, wall, which), t;
    if (__builtin_mul_overflow(sec, sl_time_units(nsec), &t))
        return 0;
    return !__builtin_add_overflow(t, rest, out);
}
static inline int sl_wall_instant(int64_t wall, int64_t rest, int nsec, const struct sl_zone *zone,
                                  int64_t *out)
{
    return sl_wall_read(wall, rest, nsec, zone, SL_READING_LAST, out);
}

#endif

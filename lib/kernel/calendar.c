/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * calendar: an instant and an interval, on the calendar.
 *
 * A month is added on the calendar (January 31st and one month is the last day of February), a day
 * on the wall clock of the zone, the rest as elapsed time.
 */
#include "kernel/calendar.h"

int sl_interval_shift(int64_t t, int nsec, struct sl_interval v, int sign,
                      const struct sl_zone *zone, int64_t *out)
{
    assert((sign == 1 || sign == -1) && out);
    int64_t per = nsec ? 1 : 1000, add;
    if (v.months || v.days) {
        int64_t rest, wall = sl_wall_seconds(t, nsec, zone, &rest);
        int64_t days = sl_floor_div(wall, 86400), clock = wall - days * 86400, year;
        int month, day;
        sl_time_civil_from_days(days, &year, &month, &day);
        if (v.months) {
            int64_t m = year * 12 + (month - 1) + (int64_t)sign * v.months;
            static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
            year = sl_floor_div(m, 12);
            month = (int)(m - year * 12) + 1;
            int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            int last = lengths[month - 1] + (month == 2 && leap);
            day = SL_MIN(day, last);
            if (year < -300000 || year > 300000)
                return 0;
        }
        days = sl_time_days(year, month, day) + (int64_t)sign * v.days;
        if (!sl_wall_instant(days * 86400 + clock, rest, nsec, zone, &t))
            return 0;
    }
    /* nanoseconds to the unit, rounded half away from zero */
    add = v.nanos / per;
    int64_t r = v.nanos % per;
    if (2 * r >= per)
        add++;
    else if (2 * r <= -per)
        add--;
    return !(sign < 0 ? __builtin_sub_overflow(t, add, out) : __builtin_add_overflow(t, add, out));
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* unit: fields of a time, as date_trunc and extract name them. Internal to lib/expr. */
#ifndef SL_KERNEL_UNIT_H
#define SL_KERNEL_UNIT_H

enum sl_unit { /* those that date_trunc cuts to come first */
               SL_UNIT_MICROSECONDS,
               SL_UNIT_MILLISECONDS,
               SL_UNIT_SECOND,
               SL_UNIT_MINUTE,
               SL_UNIT_HOUR,
               SL_UNIT_DAY,
               SL_UNIT_WEEK,
               SL_UNIT_MONTH,
               SL_UNIT_QUARTER,
               SL_UNIT_YEAR,
               SL_UNIT_DECADE,
               SL_UNIT_CENTURY,
               SL_UNIT_MILLENNIUM,
               SL_UNIT_DOW,
               SL_UNIT_ISODOW,
               SL_UNIT_DOY,
               SL_UNIT_ISOYEAR,
               SL_UNIT_EPOCH,
               SL_UNIT_TIMEZONE,
};

#endif

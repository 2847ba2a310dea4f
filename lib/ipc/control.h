/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * control: what flows between rows. In a process it is a directive of push(); on a pipe a zero-row
 * batch whose metadata key `sluice` holds one line of JSON.
 *
 *   {"t":"barrier","k":7,"full":true,"positions":{...},"state":[...]}
 *   {"t":"watermark","wm":1700000000000000}
 *   {"t":"end","rows":123,"reason":"end"}         reason: end | stop | schema | error
 *   {"t":"rows"}                                  on a data batch: proves that stages copy the key
 */
#ifndef SL_IPC_CONTROL_H
#define SL_IPC_CONTROL_H

#include "base/buf.h"
#include "base/err.h"

enum sl_control_kind {
    SL_CONTROL_ROWS = 1,
    SL_CONTROL_BARRIER,
    SL_CONTROL_WATERMARK,
    SL_CONTROL_END,
};

enum sl_end_reason { SL_END_END, SL_END_STOP, SL_END_SCHEMA, SL_END_ERROR };

struct sl_control {
    enum sl_control_kind kind;
    int64_t k;                     /* barrier number */
    int full;                      /* barrier: save state */
    const char *positions, *state; /* barrier: JSON, an object and an array, or NULL; borrowed */
    size_t positions_len, state_len;
    int64_t watermark; /* µs; of rows INT64_MIN: none */
    int64_t rows;      /* end: rows sent */
    enum sl_end_reason reason;
    const char *run; /* first message: run id, or NULL; borrowed */
    size_t run_len;
};

void sl_control_print(const struct sl_control *c, struct sl_buf *out);
/* SL_EFORMAT if it is not such a line; unknown members are skipped. */
int sl_control_parse(const char *s, size_t n, struct sl_control *out, struct sl_err *err);

#endif

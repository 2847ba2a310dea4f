/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc_convert: loaded Arrow columns as sluice's types.
 *
 * Where the layout is the same the buffers are shared. Values of null rows are undefined on the
 * wire: they are converted like others, and never checked.
 */
#include "base/num.h"
#include "base/time.h"
#include "ipc/ipc_int.h"

/* A column of the type that shares raw's buffers. */
static struct sl_column *retype(const struct sl_column *raw, struct sl_type type,
                                struct sl_err *err)
{
    struct sl_column *c = sl_column_new(type, raw->rows);
    if (!c)
        return sl_err_no_memory(err, "a column");
    c->form = raw->form;
    c->valid = raw->valid;
    c->data = raw->data;
    c->offsets = raw->offsets;
    for (int i = 0; i < SL_COLUMN_OWNERS; i++)
        c->owner[i] = raw->owner[i] ? sl_buffer_ref(raw->owner[i]) : NULL;
    return c;
}

/* New data in place of what retype shared. */
static void *fresh_data(struct sl_column *c, size_t bytes, struct sl_account *a, struct sl_err *err)
{
    sl_buffer_unref(c->owner[1]);
    c->owner[1] = NULL;
    return sl_column_own_data(c, bytes, a, err);
}

#define WIDEN(from, to)                                                                            \
    do {                                                                                           \
        const from *s_ = raw->data;                                                                \
        to *d_ = fresh_data(c, n * sizeof(to), a, err);                                            \
        for (size_t i = 0; d_ && i < n; i++)                                                       \
            d_[i] = (to)s_[i];                                                                     \
        return d_ ? 0 : -SL_ENOMEM;                                                                \
    } while (0)

static int convert_int(struct sl_column *c, const struct sl_column *raw, struct sl_account *a,
                       struct sl_err *err)
{
    const struct sl_foreign *f = raw->type.foreign;
    size_t n = raw->rows;
    switch (f->bits + (f->is_signed != 0)) {
    case 8: WIDEN(uint8_t, int64_t);
    case 9: WIDEN(int8_t, int64_t);
    case 16: WIDEN(uint16_t, int64_t);
    case 17: WIDEN(int16_t, int64_t);
    case 32: WIDEN(uint32_t, int64_t);
    case 33: WIDEN(int32_t, int64_t);
    case 64: WIDEN(uint64_t, sl_int128);
    default: return 0;
    }
}

static int convert_float(struct sl_column *c, const struct sl_column *raw, struct sl_account *a,
                         struct sl_err *err)
{
    size_t n = raw->rows;
    switch (raw->type.foreign->unit) {
    case 0: {
        const uint16_t *s = raw->data;
        double *d = fresh_data(c, n * sizeof *d, a, err);
        for (size_t i = 0; d && i < n; i++)
            d[i] = sl_half_to_double(s[i]);
        return d ? 0 : -SL_ENOMEM;
    }
    case 1: WIDEN(float, double);
    default: return 0;
    }
}

/* ---- decimals ---- */

/* The value of a little-endian decimal of width bytes; *fits is cleared if 128 bits do not hold it.
 * */
static sl_int128 decimal_at(const uint8_t *p, int width, int *fits)
{
    sl_int128 v = 0;
    int32_t w4;
    int64_t w8, high[2];
    switch (width) {
    case 4: memcpy(&w4, p, 4); return w4;
    case 8: memcpy(&w8, p, 8); return w8;
    default: break;
    }
    memcpy(&v, p, 16);
    if (width == 32) {
        memcpy(high, p + 16, 16);
        *fits &= high[0] == (v < 0 ? -1 : 0) && high[1] == high[0];
    }
    return v;
}

/* 1 if all values are within their precision, so that the buffer can be used as it is. */
static int decimals_fit(const struct sl_column *raw, struct sl_type type)
{
    int64_t limit = (int64_t)sl_num_pow10(SL_MIN(type.precision, SL_NUMERIC64_MAX));
    sl_int128 wide = sl_num_pow10(type.precision);
    int out = 0;
    if (raw->type.foreign->width == 8) {
        const int64_t *v = raw->data;
        for (size_t i = 0; i < raw->rows; i++)
            out |= v[i] >= limit || v[i] <= -limit;
    } else {
        const sl_int128 *v = raw->data;
        for (size_t i = 0; i < raw->rows; i++)
            out |= v[i] >= wide || v[i] <= -wide;
    }
    return !out;
}

static int convert_decimal(struct sl_column *c, const struct sl_column *raw, struct sl_account *a,
                           struct sl_err *err)
{
    const struct sl_foreign *f = raw->type.foreign;
    size_t width = sl_type_width(c->type);
    int same = (size_t)f->width == width && f->scale >= 0;
    if (same && decimals_fit(raw, c->type))
        return 0;
    sl_int128 factor = sl_num_pow10(f->scale < 0 ? -f->scale : 0);
    sl_int128 limit = sl_num_pow10(f->precision);
    const uint8_t *s = raw->data;
    uint8_t *d = fresh_data(c, raw->rows * width, a, err);
    if (!d)
        return -SL_ENOMEM;
    for (size_t i = 0; i < raw->rows; i++, s += f->width) {
        int fits = 1;
        sl_int128 v = sl_column_null(raw, i) ? 0 : decimal_at(s, f->width, &fits);
        if (!fits || v >= limit || v <= -limit)
            return sl_err_set(err, SL_EFORMAT, "a decimal has more digits than its precision");
        v *= factor;
        memcpy(d + i * width, &v, width);
    }
    return 0;
}

/* ---- time ---- */

static int convert_timestamp(struct sl_column *c, const struct sl_column *raw, struct sl_account *a,
                             struct sl_err *err)
{
    int unit = raw->type.foreign->unit, out = 0;
    if (unit >= SL_ARROW_MICRO)
        return 0;
    int64_t factor = unit == SL_ARROW_SECOND ? 1000000 : 1000;
    const int64_t *s = raw->data;
    int64_t *d = fresh_data(c, raw->rows * sizeof *d, a, err);
    if (!d)
        return -SL_ENOMEM;
    for (size_t i = 0; i < raw->rows; i++)
        out |= __builtin_mul_overflow(s[i], factor, &d[i]) && !sl_column_null(raw, i);
    return out ? sl_err_set(err, SL_EFORMAT,
                            "a time lies beyond the years that microseconds can count")
               : 0;
}

static int convert_date(struct sl_column *c, const struct sl_column *raw, struct sl_account *a,
                        struct sl_err *err)
{
    const int64_t day = SL_USEC_PER_DAY / 1000;
    if (!raw->type.foreign->unit)
        return 0;
    const int64_t *s = raw->data;
    int32_t *d = fresh_data(c, raw->rows * sizeof *d, a, err);
    if (!d)
        return -SL_ENOMEM;
    for (size_t i = 0; i < raw->rows; i++) {
        d[i] = (int32_t)(s[i] / day);
        if ((s[i] % day || s[i] / day != d[i]) && !sl_column_null(raw, i))
            return sl_err_set(err, SL_EFORMAT, "a date in milliseconds is not a whole day");
    }
    return 0;
}

static int convert_interval(struct sl_column *c, const struct sl_column *raw, struct sl_account *a,
                            struct sl_err *err)
{
    int unit = raw->type.foreign->unit;
    if (unit == 2) /* laid out like struct sl_interval */
        return 0;
    const uint8_t *s = raw->data;
    size_t width = (size_t)raw->type.foreign->width;
    struct sl_interval *d = fresh_data(c, raw->rows * sizeof *d, a, err);
    if (!d)
        return -SL_ENOMEM;
    for (size_t i = 0; i < raw->rows; i++) {
        int32_t w[2] = {0, 0};
        memcpy(w, s + i * width, SL_MIN(width, sizeof w));
        struct sl_interval v = {0};
        if (unit == 0) {
            v.months = w[0];
        } else {
            v.days = w[0];
            v.nanos = w[1] * 1000000LL;
        }
        d[i] = v;
    }
    return 0;
}

/* ---- bytes of one width ---- */

static int convert_fixed(struct sl_column *c, const struct sl_column *raw, struct sl_account *a,
                         struct sl_err *err)
{
    size_t width = (size_t)raw->type.foreign->width;
    if (width && raw->rows > INT32_MAX / width)
        return sl_column_too_large(err);
    int32_t *to = sl_column_own_offsets(c, a, err);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; i <= raw->rows; i++)
        to[i] = (int32_t)(i * width);
    return 0;
}

static int convert(struct sl_column *c, const struct sl_column *raw, struct sl_account *a,
                   struct sl_err *err)
{
    switch ((enum sl_arrow_type)raw->type.foreign->arrow) {
    case SL_ARROW_INT: return convert_int(c, raw, a, err);
    case SL_ARROW_FLOAT: return convert_float(c, raw, a, err);
    case SL_ARROW_DECIMAL: return convert_decimal(c, raw, a, err);
    case SL_ARROW_TIMESTAMP: return convert_timestamp(c, raw, a, err);
    case SL_ARROW_DATE: return convert_date(c, raw, a, err);
    case SL_ARROW_INTERVAL: return convert_interval(c, raw, a, err);
    case SL_ARROW_FIXED_BINARY: return convert_fixed(c, raw, a, err);
    default: return 0;
    }
}

struct sl_column *sl_ipc_convert(struct sl_column *raw, struct sl_type type,
                                 struct sl_account *account, struct sl_err *err)
{
    assert(sl_column_is_sound(raw));
    if (type.kind == SL_FOREIGN)
        return raw;
    assert(raw->form == SL_PLAIN);
    struct sl_column *c = retype(raw, type, err);
    if (c && convert(c, raw, account, err) < 0) {
        sl_column_unref(c);
        c = NULL;
    }
    sl_column_unref(raw);
    return c;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* column_value: single values: their order, and their text. */
#include "arrow/column_int.h"
#include "arrow/interval.h"
#include "base/num.h"
#include "base/time.h"

/* ---- order ---- */

/* NaN equals NaN and comes after every number. */
static int compare_double(double x, double y)
{
    if (SL_UNLIKELY(x != x || y != y))
        return (x != x) - (y != y);
    return (x > y) - (x < y);
}

#define COMPARE(type)                                                                              \
    do {                                                                                           \
        type x_ = ((const type *)ha->data)[i], y_ = ((const type *)hb->data)[k];                   \
        return (x_ > y_) - (x_ < y_);                                                              \
    } while (0)

static int compare_values(const struct sl_column *ha, size_t i, const struct sl_column *hb,
                          size_t k)
{
    switch (ha->type.kind) {
    case SL_BOOL: return sl_bit(ha->data, i) - sl_bit(hb->data, k);
    case SL_DATE: COMPARE(int32_t);
    case SL_NUMERIC:
        if (ha->type.precision > SL_NUMERIC64_MAX)
            COMPARE(sl_int128);
        COMPARE(int64_t);
    case SL_BIGINT:
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME: COMPARE(int64_t);
    case SL_DOUBLE:
        return compare_double(((const double *)ha->data)[i], ((const double *)hb->data)[k]);
    case SL_INTERVAL: {
        sl_int128 p = sl_interval_span(((const struct sl_interval *)ha->data)[i]);
        sl_int128 q = sl_interval_span(((const struct sl_interval *)hb->data)[k]);
        return (p > q) - (p < q);
    }
    default: return sl_foreign_compare(ha, i, hb, k);
    }
}

int sl_column_compare(const struct sl_column *a, size_t i, const struct sl_column *b, size_t k)
{
    SL_CHECK_THAT(i < a->rows && k < b->rows);
    assert(a->type.kind == b->type.kind);
    int null_a = sl_column_null(a, i), null_b = sl_column_null(b, k);
    if (null_a || null_b)
        return null_a - null_b;
    if (sl_type_is_bytes(a->type))
        return sl_column_bytes_order(a, i, b, k);
    const struct sl_column *ha, *hb;
    i = sl_column_slot(a, i, &ha);
    k = sl_column_slot(b, k, &hb);
    return compare_values(ha, i, hb, k);
}

/* ---- text ---- */

void sl_print_hex(const char *s, size_t n, struct sl_buf *out)
{
    static const char digits[] = "0123456789abcdef";
    char *d = sl_buf_room(out, n * 2 + 2);
    if (!d)
        return;
    *d++ = '\\';
    *d++ = 'x';
    for (size_t i = 0; i < n; i++) {
        *d++ = digits[(unsigned char)s[i] >> 4];
        *d++ = digits[(unsigned char)s[i] & 15];
    }
    *d = 0;
    out->len += n * 2 + 2;
}

/* Value k of a column that holds values. */
static void print_value(const struct sl_column *h, size_t k, struct sl_buf *out)
{
    char *d = sl_buf_room(out, SL_NUM_MAX);
    if (!d)
        return;
    switch (h->type.kind) {
    case SL_BOOL: sl_buf_addstr(out, sl_bit(h->data, k) ? "true" : "false"); break;
    case SL_BIGINT: out->len += sl_num_print_int(d, ((const int64_t *)h->data)[k]); break;
    case SL_DOUBLE: out->len += sl_num_print_double(d, ((const double *)h->data)[k]); break;
    case SL_NUMERIC: {
        sl_int128 v = h->type.precision <= SL_NUMERIC64_MAX ? ((const int64_t *)h->data)[k]
                                                            : ((const sl_int128 *)h->data)[k];
        out->len += sl_num_print_decimal(d, v, h->type.scale);
        break;
    }
    case SL_TIMESTAMPTZ:
        out->len +=
            sl_time_print(d, ((const int64_t *)h->data)[k], h->type.nsec, SL_TIME_SQL, NULL);
        break;
    case SL_WALLTIME:
        out->len += sl_time_print_wall(d, ((const int64_t *)h->data)[k], h->type.nsec, SL_TIME_SQL);
        break;
    case SL_DATE: out->len += sl_time_print_date(d, ((const int32_t *)h->data)[k]); break;
    case SL_INTERVAL: sl_interval_print(((const struct sl_interval *)h->data)[k], out); break;
    default: sl_foreign_print(h, k, 0, out); break;
    }
    if (!out->failed)
        out->data[out->len] = 0; /* the number printers add none */
}

void sl_column_print(const struct sl_column *c, size_t i, struct sl_buf *out)
{
    SL_CHECK_THAT(sl_column_is_loaded(c) && i < c->rows);
    if (sl_column_null(c, i))
        return;
    if (sl_type_is_bytes(c->type)) {
        size_t n;
        const char *s = sl_column_bytes(c, i, &n);
        if (c->type.kind == SL_BYTEA)
            sl_print_hex(s, n, out);
        else
            sl_buf_add(out, s, n);
        return;
    }
    const struct sl_column *h;
    size_t k = sl_column_slot(c, i, &h);
    print_value(h, k, out);
}

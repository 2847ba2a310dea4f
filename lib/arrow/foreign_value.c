/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * foreign_value: order and text of single values of carried types.
 *
 * Nested values print as JSON; times, durations and binary inside them as JSON strings.
 */
#include <math.h>

#include "arrow/column_int.h"
#include "arrow/interval.h"
#include "base/num.h"
#include "base/time.h"
#include "base/utf8.h"

double sl_half_to_double(uint16_t h)
{
    int exponent = h >> 10 & 31, fraction = h & 1023;
    double v = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
               : exponent == 0 ? ldexp(fraction, -24)
                               : ldexp(1024 + fraction, exponent - 25);
    return h & 0x8000 ? -v : v;
}

/* Little-endian integer of width 1 to 8. */
static int64_t read_int(const uint8_t *p, int width)
{
    uint64_t v = 0;
    memcpy(&v, p, (size_t)width);
    int shift = 64 - 8 * width;
    return (int64_t)(v << shift) >> shift;
}

static double read_float(const struct sl_foreign *f, const uint8_t *p)
{
    uint16_t h;
    float s;
    double d;
    switch (f->unit) {
    case 0: memcpy(&h, p, sizeof h); return sl_half_to_double(h);
    case 1: memcpy(&s, p, sizeof s); return (double)s;
    default: memcpy(&d, p, sizeof d); return d;
    }
}

/* ---- order ---- */

static int compare_fixed(const struct sl_foreign *f, const uint8_t *p, const uint8_t *q)
{
    if (f->arrow == SL_ARROW_FIXED_BINARY)
        return memcmp(p, q, (size_t)f->width);
    if (f->arrow == SL_ARROW_FLOAT) {
        double x = read_float(f, p), y = read_float(f, q);
        if (x != x || y != y)
            return (x != x) - (y != y);
        return (x > y) - (x < y);
    }
    /* integers, decimals and times: most significant byte first, its sign bit turned over */
    int flip = f->arrow == SL_ARROW_INT && !f->is_signed ? 0 : 0x80;
    for (int i = f->width - 1; i >= 0; i--, flip = 0) {
        int x = p[i] ^ flip, y = q[i] ^ flip;
        if (x != y)
            return x - y;
    }
    return 0;
}

static int compare_lists(const struct sl_column *a, size_t from, size_t n,
                         const struct sl_column *b, size_t at, size_t m)
{
    for (size_t i = 0; i < n && i < m; i++) {
        int order = sl_column_compare(a, from + i, b, at + i);
        if (order)
            return order;
    }
    return (n > m) - (n < m);
}

static int compare_unions(const struct sl_column *a, size_t i, const struct sl_column *b, size_t k)
{
    const struct sl_foreign *f = a->type.foreign;
    int8_t x = ((const int8_t *)a->data)[i], y = ((const int8_t *)b->data)[k];
    if (x != y)
        return x - y;
    int child = sl_foreign_union_child(f, x);
    if (f->shape == SL_SHAPE_DENSE) {
        i = (size_t)a->offsets[i];
        k = (size_t)b->offsets[k];
    }
    return sl_column_compare(a->children[child], i, b->children[child], k);
}

int sl_foreign_compare(const struct sl_column *a, size_t i, const struct sl_column *b, size_t k)
{
    SL_CHECK_THAT(a->type.kind == SL_FOREIGN && b->type.kind == SL_FOREIGN);
    const struct sl_foreign *f = a->type.foreign;
    size_t width = (size_t)f->width, n, m;
    const int32_t *ao = a->offsets, *bo = b->offsets;
    int order = 0;
    switch ((enum sl_shape)f->shape) {
    case SL_SHAPE_NONE: return 0;
    case SL_SHAPE_BITS: return sl_bit(a->data, i) - sl_bit(b->data, k);
    case SL_SHAPE_FIXED:
        return compare_fixed(f, (const uint8_t *)a->data + i * width,
                             (const uint8_t *)b->data + k * width);
    case SL_SHAPE_BYTES:
        n = (size_t)(ao[i + 1] - ao[i]);
        m = (size_t)(bo[k + 1] - bo[k]);
        return sl_bytes_order((const char *)a->data + ao[i], n, (const char *)b->data + bo[k], m);
    case SL_SHAPE_LIST:
        return compare_lists(a->children[0], (size_t)ao[i], (size_t)(ao[i + 1] - ao[i]),
                             b->children[0], (size_t)bo[k], (size_t)(bo[k + 1] - bo[k]));
    case SL_SHAPE_FIXLIST:
        return compare_lists(a->children[0], i * width, width, b->children[0], k * width, width);
    case SL_SHAPE_STRUCT:
        for (int c = 0; c < a->nchildren && !order; c++)
            order = sl_column_compare(a->children[c], i, b->children[c], k);
        return order;
    case SL_SHAPE_SPARSE:
    case SL_SHAPE_DENSE: return compare_unions(a, i, b, k);
    case SL_SHAPE_RUNS: return sl_column_compare(a->children[0], i, b->children[0], k);
    }
    return 0;
}

/* ---- text ---- */

static void print_text(const char *s, size_t n, int json, struct sl_buf *out)
{
    if (json)
        sl_buf_add_json(out, s, n);
    else
        sl_buf_add(out, s, n);
}

static void print_binary(const uint8_t *s, size_t n, int json, struct sl_buf *out)
{
    if (json)
        sl_buf_addstr(out, "\"\\");
    sl_print_hex((const char *)s, n, out);
    if (json)
        sl_buf_addch(out, '"');
}

/* A little-endian two's complement integer of up to 32 bytes with its decimal point. */
static void print_decimal(const struct sl_foreign *f, const uint8_t *p, struct sl_buf *out)
{
    uint32_t limb[8];
    uint8_t digits[80] = {0};
    int n = 0, negative = p[f->width - 1] >> 7;
    memset(limb, negative ? 0xff : 0, sizeof limb);
    memcpy(limb, p, (size_t)f->width);
    uint64_t carry = 1;
    for (int i = 0; negative && i < 8; i++) {
        carry += (uint32_t)~limb[i];
        limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    for (int left = 1; left && n < (int)sizeof digits;) {
        uint64_t rest = 0;
        left = 0;
        for (int i = 7; i >= 0; i--) {
            rest = rest << 32 | limb[i];
            limb[i] = (uint32_t)(rest / 10);
            left |= limb[i] != 0;
            rest %= 10;
        }
        digits[n++] = (uint8_t)rest;
    }
    int whole = n - f->scale; /* digits before the point */
    if (negative)
        sl_buf_addch(out, '-');
    if (whole <= 0)
        sl_buf_addstr(out, "0.");
    for (int i = whole; i < 0; i++)
        sl_buf_addch(out, '0');
    for (int i = 0; i < n; i++) {
        if (i == whole && i)
            sl_buf_addch(out, '.');
        sl_buf_addch(out, (char)('0' + digits[n - 1 - i]));
    }
    for (int i = n; i < whole && (n > 1 || digits[0]); i++)
        sl_buf_addch(out, '0');
}

static const int64_t per_second[] = {1, 1000, 1000000, 1000000000};

/* A time of day or a duration: [-]HH:MM:SS[.fraction]. */
static void print_clock(int64_t v, int unit, struct sl_buf *out)
{
    int64_t per = per_second[unit], s = v / per, rest = v % per;
    static const int digits[] = {0, 3, 6, 9};
    uint64_t us = s < 0 ? 0 - (uint64_t)s : (uint64_t)s;
    sl_buf_printf(out, "%s%02llu:%02llu:%02llu", v < 0 ? "-" : "", (unsigned long long)(us / 3600),
                  (unsigned long long)(us / 60 % 60), (unsigned long long)(us % 60));
    if (rest)
        sl_buf_printf(out, ".%0*lld", digits[unit], (long long)(rest < 0 ? -rest : rest));
}

static void print_instant(int64_t v, int unit, struct sl_buf *out)
{
    int64_t scaled = v;
    if (unit < SL_ARROW_MICRO && __builtin_mul_overflow(v, 1000000 / per_second[unit], &scaled)) {
        sl_buf_printf(out, "%lld%s", (long long)v, unit ? "ms" : "s"); /* beyond our calendar */
        return;
    }
    char text[SL_NUM_MAX];
    sl_buf_add(out, text, sl_time_print(text, scaled, unit == SL_ARROW_NANO, SL_TIME_SQL, NULL));
}

static void print_interval(const struct sl_foreign *f, const uint8_t *p, struct sl_buf *out)
{
    struct sl_interval v = {0};
    v.months = (int32_t)read_int(p, 4);
    if (f->unit == 1) {
        v.days = v.months;
        v.months = 0;
        v.nanos = read_int(p + 4, 4) * 1000000;
    } else if (f->unit == 2) {
        v.days = (int32_t)read_int(p + 4, 4);
        v.nanos = read_int(p + 8, 8);
    }
    sl_interval_print(v, out);
}

/* Fixed-width values other than numbers: in JSON they stand in quotes. */
static void print_moment(const struct sl_foreign *f, const uint8_t *p, struct sl_buf *out)
{
    char text[SL_NUM_MAX];
    switch (f->arrow) {
    case SL_ARROW_DATE:
        if (f->unit)
            print_instant(read_int(p, 8), SL_ARROW_MILLI, out);
        else
            sl_buf_add(out, text, sl_time_print_date(text, (int32_t)read_int(p, 4)));
        break;
    case SL_ARROW_TIME:
    case SL_ARROW_DURATION: print_clock(read_int(p, f->width), f->unit, out); break;
    case SL_ARROW_TIMESTAMP: print_instant(read_int(p, 8), f->unit, out); break;
    default: print_interval(f, p, out); break;
    }
}

static void print_fixed(const struct sl_foreign *f, const uint8_t *p, int json, struct sl_buf *out)
{
    char text[SL_NUM_MAX];
    switch (f->arrow) {
    case SL_ARROW_FIXED_BINARY: print_binary(p, (size_t)f->width, json, out); return;
    case SL_ARROW_DECIMAL: print_decimal(f, p, out); return;
    case SL_ARROW_FLOAT: {
        double v = read_float(f, p);
        size_t n = sl_num_print_double(text, v);
        if (json && !isfinite(v))
            sl_buf_addstr(out, "null");
        else
            sl_buf_add(out, text, n);
        return;
    }
    case SL_ARROW_INT:
        if (f->is_signed)
            sl_buf_printf(out, "%lld", (long long)read_int(p, f->width));
        else
            sl_buf_printf(out, "%llu",
                          (unsigned long long)read_int(p, f->width) &
                              (UINT64_MAX >> (64 - 8 * f->width)));
        return;
    default: break;
    }
    if (json)
        sl_buf_addch(out, '"');
    print_moment(f, p, out);
    if (json)
        sl_buf_addch(out, '"');
}

static void print_list(const struct sl_column *c, size_t from, size_t n, struct sl_buf *out)
{
    sl_buf_addch(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            sl_buf_addch(out, ',');
        sl_foreign_print(c, from + i, 1, out);
    }
    sl_buf_addch(out, ']');
}

static void print_struct(const struct sl_column *c, size_t i, struct sl_buf *out)
{
    sl_buf_addch(out, '{');
    for (int k = 0; k < c->nchildren; k++) {
        const char *name = c->type.foreign->children[k]->name;
        if (k)
            sl_buf_addch(out, ',');
        sl_buf_add_json(out, name ? name : "", name ? strlen(name) : 0);
        sl_buf_addch(out, ':');
        sl_foreign_print(c->children[k], i, 1, out);
    }
    sl_buf_addch(out, '}');
}

static void print_union(const struct sl_column *c, size_t i, int json, struct sl_buf *out)
{
    const struct sl_foreign *f = c->type.foreign;
    int child = sl_foreign_union_child(f, ((const int8_t *)c->data)[i]);
    size_t k = f->shape == SL_SHAPE_DENSE ? (size_t)c->offsets[i] : i;
    sl_foreign_print(c->children[child], k, json, out);
}

void sl_foreign_print(const struct sl_column *c, size_t i, int json, struct sl_buf *out)
{
    SL_CHECK_THAT(c->type.kind == SL_FOREIGN);
    const struct sl_foreign *f = c->type.foreign;
    const int32_t *o = c->offsets;
    size_t width = (size_t)f->width;
    if (sl_column_null(c, i) || f->shape == SL_SHAPE_NONE) {
        if (json)
            sl_buf_addstr(out, "null");
        return;
    }
    switch ((enum sl_shape)f->shape) {
    case SL_SHAPE_NONE: break;
    case SL_SHAPE_BITS: sl_buf_addstr(out, sl_bit(c->data, i) ? "true" : "false"); break;
    case SL_SHAPE_FIXED: print_fixed(f, (const uint8_t *)c->data + i * width, json, out); break;
    case SL_SHAPE_BYTES: {
        const char *s = (const char *)c->data + o[i];
        size_t n = (size_t)(o[i + 1] - o[i]);
        int text = f->arrow == SL_ARROW_UTF8 || f->arrow == SL_ARROW_LARGE_UTF8 ||
                   f->arrow == SL_ARROW_UTF8_VIEW;
        text ? print_text(s, n, json, out) : print_binary((const uint8_t *)s, n, json, out);
        break;
    }
    case SL_SHAPE_LIST:
        print_list(c->children[0], (size_t)o[i], (size_t)(o[i + 1] - o[i]), out);
        break;
    case SL_SHAPE_FIXLIST: print_list(c->children[0], i * width, width, out); break;
    case SL_SHAPE_STRUCT: print_struct(c, i, out); break;
    case SL_SHAPE_SPARSE:
    case SL_SHAPE_DENSE: print_union(c, i, json, out); break;
    case SL_SHAPE_RUNS: sl_foreign_print(c->children[0], i, json, out); break;
    }
}

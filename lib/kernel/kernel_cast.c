/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * kernel_cast: from any type to any other that PostgreSQL casts.
 *
 * Text is read with spaces around it passed over; what does not fit is an error of its row. Numbers
 * to numeric and bigint round half away from zero, doubles to bigint half to even, as PostgreSQL.
 * An instant prints and reads in the zone of the run, and becomes a timestamp and back by it.
 */
#include <math.h>
#include "base/json.h"
#include "kernel/calendar.h"
#include "kernel/kernel.h"

static int bad_text(struct sl_call *c, size_t i, const char *s, size_t n)
{
    char type[SL_TYPE_NAME];
    int64_t usec;
    int at, flags;
    if (sl_type_is_stamp(c->out->type) && !sl_time_parse_iso(s, n, NULL, &usec, &at, &flags) &&
        flags & SL_TIME_NO_ZONE) /* behind the zone there is nothing */
        return sl_call_fail(c, i, "\"%.*s\" is no time zone, or the word of several: \"%.*s\"",
                            (int)SL_MIN(n - (size_t)at, 40), s + at, (int)SL_MIN(n, 100), s);
    return sl_call_fail(c, i, "invalid input syntax for type %s: \"%.*s\"",
                        sl_type_name(c->out->type, type), (int)SL_MIN(n, 100), s);
}

/* Rounded to the scale of the type. 0 if that does not hold it. */
static int decimal_to_number(struct sl_decimal d, struct sl_type t, sl_int128 *v)
{
    return sl_decimal_rescale(d, sl_type_scale(t), 'r', v) != SL_DECIMAL_RANGE &&
           sl_number_fits(t, *v);
}

/* Decimal text with as many digits as it has. */
static int text_to_free(const char *s, size_t n, struct sl_type t, void *to, size_t i)
{
    struct sl_decimal d;
    sl_int128 packed;
    if (!sl_decimal_parse(s, n, SL_DECIMAL_ALL, &d))
        return 0;
    enum sl_decimal_state state = sl_decimal_pack(d, &packed);
    if (state == SL_DECIMAL_RANGE || (state == SL_DECIMAL_ROUNDED && t.precision))
        return 0;
    sl_store128(to, i, packed);
    return 1;
}

static int text_to_time(const struct sl_call *c, const char *s, size_t n, int64_t *v)
{
    int rest, flags;
    int ok = c->out->type.kind == SL_WALLTIME
                 ? sl_time_parse_wall(s, n, v, &rest, &flags)
                 : sl_time_parse_iso(s, n, c->ev->env->zone, v, &rest, &flags);
    if (!ok)
        return 0;
    if (c->out->type.nsec)
        return !__builtin_mul_overflow(*v, 1000, v) && !__builtin_add_overflow(*v, rest, v);
    *v += rest >= 500;
    return 1;
}

static int text_to_date(const char *s, size_t n, int32_t *days)
{
    int64_t usec;
    int rest, flags;
    if (!sl_time_parse_iso(s, n, NULL, &usec, &rest, &flags))
        return 0;
    if (!(flags & SL_TIME_IS_DATE)) { /* a time of day is cut off, whatever its zone */
        if (n < 10 || !sl_time_parse_iso(s, 10, NULL, &usec, &rest, &flags))
            return 0;
    }
    *days = (int32_t)sl_floor_div(usec, SL_USEC_PER_DAY);
    return 1;
}

static int from_text_one(struct sl_call *c, void *to, size_t i, const char *s, size_t n)
{
    struct sl_type t = c->out->type;
    struct sl_decimal d;
    sl_int128 v;
    int64_t x;
    int b;
    switch (t.kind) {
    case SL_BOOL:
        if (!sl_num_parse_bool(s, n, &b))
            return 0;
        if (b)
            sl_bit_set(to, i);
        return 1;
    case SL_BIGINT:
        if (n && *s == '+')
            s++, n--;
        if (!sl_num_parse_int(s, n, &x))
            return 0;
        ((int64_t *)to)[i] = x;
        return 1;
    case SL_DOUBLE: return sl_num_parse_double(s, n, &((double *)to)[i]);
    case SL_NUMERIC:
        /* What needs no rounding is read faster. */
        if (!(sl_num_parse_decimal(s, n, t.scale, &v) && sl_number_fits(t, v)) &&
            !(sl_decimal_parse(s, n, t.scale, &d) && decimal_to_number(d, t, &v)))
            return 0;
        sl_call_put(c, to, i, v);
        return 1;
    case SL_DECIMAL: return text_to_free(s, n, t, to, i);
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME:
        if (!text_to_time(c, s, n, &x))
            return 0;
        ((int64_t *)to)[i] = x;
        return 1;
    case SL_DATE: return text_to_date(s, n, &((int32_t *)to)[i]);
    default: return sl_interval_parse(s, n, &((struct sl_interval *)to)[i]);
    }
}

static int from_text(struct sl_call *c)
{
    void *to = sl_call_data(c);
    size_t width = sl_type_width(c->out->type);
    if (!to)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows; i++) {
        size_t n;
        if (width)
            memset((char *)to + i * width, 0, width);
        if (!sl_call_valid(c, i))
            continue;
        const char *s = sl_arg_bytes(c, 0, i, &n), *t = s;
        size_t m = n;
        if (c->args[0]->type.kind == SL_JSONB && m >= 2 && *t == '"') {
            t++; /* a JSON string: what it says (escapes do not occur in numbers) */
            m -= 2;
        }
        while (m && (*t == ' ' || *t == '\t'))
            t++, m--;
        while (m && (t[m - 1] == ' ' || t[m - 1] == '\t'))
            m--;
        if (!from_text_one(c, to, i, t, m)) {
            if (width)
                memset((char *)to + i * width, 0, width);
            int rc = bad_text(c, i, s, n);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* ---- to text ---- */

static void print_value(struct sl_call *c, size_t i, struct sl_buf *b)
{
    const struct sl_column *a = c->args[0];
    char *p = sl_buf_room(b, SL_DECIMAL_TEXT);
    if (!p)
        return;
    switch (a->type.kind) {
    case SL_BOOL: sl_buf_addstr(b, sl_arg_bool(c, 0, i) ? "true" : "false"); return;
    case SL_BIGINT: b->len += sl_num_print_int(p, sl_arg_int(c, 0, i)); break;
    case SL_DOUBLE: b->len += sl_num_print_double(p, sl_arg_double(c, 0, i)); break;
    case SL_NUMERIC:
        b->len += sl_num_print_decimal(p, sl_arg_number(c, 0, i), a->type.scale);
        break;
    case SL_DECIMAL: b->len += sl_decimal_print(p, sl_arg_decimal(c, 0, i)); break;
    case SL_TIMESTAMPTZ:
        b->len +=
            sl_time_print(p, sl_arg_int(c, 0, i), a->type.nsec, SL_TIME_SQL, c->ev->env->zone);
        break;
    case SL_WALLTIME:
        b->len += sl_time_print_wall(p, sl_arg_int(c, 0, i), a->type.nsec, SL_TIME_SQL);
        break;
    case SL_DATE: b->len += sl_time_print_date(p, sl_arg_date(c, 0, i)); break;
    default: sl_column_print(a, i, b); return; /* interval, bytea */
    }
}

/* \x hex digits, or the bytes of the text. 0 if hex is broken. */
static int text_to_bytes(const char *s, size_t n, struct sl_buf *b)
{
    if (n < 2 || s[0] != '\\' || s[1] != 'x') {
        sl_buf_add(b, s, n);
        return 1;
    }
    return sl_read_hex(s + 2, n - 2, b);
}

/* To text, bytea or jsonb. */
static SL_TEXTS(to_bytes, c->rows * 16)
{
    struct sl_buf *b = &c->ev->buf[0];
    struct sl_type from = c->args[0]->type, to = c->out->type;
    sl_buf_reset(b);
    if (!sl_type_is_bytes(from) || (from.kind == SL_BYTEA && to.kind == SL_TEXT)) {
        print_value(c, i, b);
    } else {
        size_t n;
        const char *s = sl_arg_bytes(c, 0, i, &n);
        if (to.kind == SL_BYTEA ? !text_to_bytes(s, n, b)
                                : to.kind == SL_JSONB && !sl_json_valid(s, n))
            return bad_text(c, i, s, n);
        if (to.kind != SL_BYTEA)
            sl_buf_add(b, s, n);
    }
    if (b->len)
        sl_text_add(t, b->data, b->len);
    return b->failed ? sl_buf_check(b, c->err) : 0;
}

/* ---- between numbers, and between times ---- */

/* Plain numbers by themselves: they are many, and decimals take longer. */
static SL_NUMBERS(number_to_number)
{
    struct sl_type from = c->args[0]->type, t = c->out->type;
    sl_int128 v = sl_arg_number(c, 0, i), unit, rest;
    int more = sl_type_scale(t) - sl_type_scale(from);
    if (more < 0) { /* half away from zero */
        unit = sl_num_pow10(-more);
        rest = v % unit;
        v /= unit;
        if ((rest < 0 ? -rest : rest) * 2 >= unit)
            v += rest < 0 ? -1 : 1;
    } else if (__builtin_mul_overflow(v, sl_num_pow10(more), &v)) {
        return sl_call_range(c, i);
    }
    *to = v;
    return sl_number_fits(t, v) ? 0 : sl_call_range(c, i);
}

static SL_NUMBERS(other_to_number)
{
    struct sl_type from = c->args[0]->type, t = c->out->type;
    struct sl_decimal d = {0, 0};
    int ok = 1;
    if (from.kind == SL_BOOL) {
        d.v = sl_arg_bool(c, 0, i);
    } else if (t.kind == SL_BIGINT) {
        double whole = rint(sl_arg_double(c, 0, i));
        ok = whole >= -9223372036854775808.0 && whole < 9223372036854775808.0;
        d.v = ok ? (int64_t)whole : 0;
    } else {
        ok = sl_decimal_of_double(sl_arg_double(c, 0, i), &d);
    }
    return ok && decimal_to_number(d, t, to) ? 0 : sl_call_range(c, i);
}

static int number_to_double(struct sl_call *c)
{
    struct sl_type from = c->args[0]->type;
    double *to = sl_call_data(c);
    size_t step = sl_arg_step(c, 0);
    if (!to)
        return -SL_ENOMEM;
    if (from.kind == SL_BIGINT) {
        const int64_t *v = c->args[0]->data;
        for (size_t i = 0; i < c->rows; i++)
            to[i] = (double)v[i * step];
        return 0;
    }
    double unit = (double)sl_num_pow10(SL_MIN(from.scale, 22));
    for (size_t i = 0; i < c->rows; i++) {
        sl_int128 v = sl_arg_number(c, 0, i);
        if (from.scale <= 22 && v < (1LL << 53) && v > -(1LL << 53)) {
            to[i] = (double)(int64_t)v / unit; /* both exact: correctly rounded */
        } else {
            char s[SL_NUM_MAX];
            sl_num_parse_double(s, sl_num_print_decimal(s, v, from.scale), &to[i]);
        }
    }
    return 0;
}

static SL_BITS(to_boolean)
{
    return sl_arg_int(c, 0, i) != 0;
}

/* A stamp in another unit: to microseconds it is rounded. 0 if it leaves int64. */
static int to_unit(int64_t v, int from_nsec, int nsec, int64_t *out)
{
    if (from_nsec == nsec)
        *out = v;
    else if (nsec)
        return !__builtin_mul_overflow(v, 1000, out);
    else
        *out = sl_floor_div(v, 1000) + ((v % 1000 + 1000) % 1000 >= 500);
    return 1;
}

/* date, timestamp or timestamptz to a stamp: by the zone of the run, unless both are of a kind. */
static SL_ROWS(to_stamp, int64_t)
{
    struct sl_type from = c->args[0]->type, type = c->out->type;
    const struct sl_zone *out_of = from.kind == SL_TIMESTAMPTZ ? c->ev->env->zone : NULL;
    const struct sl_zone *into = sl_call_zone(c, type);
    int64_t rest, wall, t;
    int ok;
    if (from.kind == SL_DATE) {
        ok = sl_wall_instant((int64_t)sl_arg_date(c, 0, i) * 86400, 0, type.nsec, into, to);
    } else {
        ok = to_unit(sl_arg_int(c, 0, i), from.nsec, type.nsec, &t);
        *to = t;
    }
    if (ok && from.kind != SL_DATE && from.kind != type.kind && (out_of || into)) {
        wall = sl_wall_seconds(t, type.nsec, out_of, &rest);
        ok = sl_wall_instant(wall, rest, type.nsec, into, to);
    }
    return ok ? 0 : sl_call_range(c, i);
}

static SL_ROWS(to_date, int32_t)
{
    struct sl_type from = c->args[0]->type;
    int64_t rest,
        wall = sl_wall_seconds(sl_arg_int(c, 0, i), from.nsec, sl_call_zone(c, from), &rest);
    *to = (int32_t)sl_floor_div(wall, 86400);
    return 0;
}

int sl_kernel_cast(struct sl_call *c)
{
    assert(sl_call_has(c, 1));
    struct sl_type from = c->args[0]->type, to = c->out->type;
    if (sl_type_is_bytes(to))
        return to_bytes(c);
    if (sl_type_is_bytes(from))
        return from_text(c);
    if (from.kind == SL_DECIMAL || to.kind == SL_DECIMAL)
        return sl_kernel_decimal_cast(c);
    switch (to.kind) {
    case SL_BOOL: return to_boolean(c);
    case SL_BIGINT:
    case SL_NUMERIC:
        return from.kind == SL_BOOL || from.kind == SL_DOUBLE ? other_to_number(c)
                                                              : number_to_number(c);
    case SL_DOUBLE: return number_to_double(c);
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME: return to_stamp(c);
    default: assert(to.kind == SL_DATE); return to_date(c);
    }
}

/* Not a type of its own: the value stays a bigint. */
SL_ROWS(sl_kernel_narrow, int64_t)
{
    int64_t v = sl_arg_int(c, 0, i), top = (int64_t)1 << (c->node->param[0] - 1);
    SL_CHECK_THAT(c->node->param[0] > 1 && c->node->param[0] < 64);
    if (v < -top || v >= top)
        return sl_call_fail(c, i, "value out of range for type %s", c->node->name);
    *to = v;
    return 0;
}

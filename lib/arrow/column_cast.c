/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * column_cast: values of a column in a wider type.
 *
 * Only the values that a form holds are converted: the dictionary of a DICT column, the one value
 * of a CONST column. Beyond what sl_type_widen answers, bigint and numeric go to double where every
 * value is exact there, and bytes change their name (jsonb to text). A numeric becomes text without
 * the zeros at its end.
 */
#include "arrow/column_int.h"
#include "base/num.h"
#include "base/time.h"

static int does_not_fit(const struct sl_column *c, size_t i, struct sl_type to, struct sl_err *err)
{
    struct sl_buf value = SL_BUF_INIT;
    char name[SL_TYPE_NAME];
    if (!err)
        return -SL_ETYPE;
    sl_column_print(c, i, &value);
    sl_err_set(err, SL_ETYPE, "%.64s does not fit %s", value.data ? value.data : "a value",
               sl_type_name(to, name));
    sl_buf_release(&value);
    return -SL_ETYPE;
}

static int cannot(struct sl_type from, struct sl_type to, struct sl_err *err)
{
    char a[SL_TYPE_NAME], b[SL_TYPE_NAME];
    return sl_err_set(err, SL_ETYPE, "%s cannot become %s without loss", sl_type_name(from, a),
                      sl_type_name(to, b));
}

static sl_int128 int_at(const struct sl_column *c, size_t i)
{
    return sl_type_width(c->type) == 16 ? ((const sl_int128 *)c->data)[i]
                                        : ((const int64_t *)c->data)[i];
}

/* bigint | numeric -> numeric */
static int cast_numeric(struct sl_column *out, const struct sl_column *c, struct sl_err *err)
{
    int from = c->type.kind == SL_NUMERIC ? c->type.scale : 0, up = out->type.scale - from;
    if (up < 0)
        return cannot(c->type, out->type, err);
    sl_int128 factor = sl_num_pow10(up), limit = sl_num_pow10(out->type.precision);
    sl_int128 bound = (limit - 1) / factor;
    int wide = sl_type_width(out->type) == 16;
    void *d = sl_column_own_data(out, c->rows * sl_type_width(out->type), NULL, err);
    if (!d)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows; i++) {
        sl_int128 v = sl_column_null(c, i) ? 0 : int_at(c, i);
        if (SL_UNLIKELY(v > bound || v < -bound))
            return does_not_fit(c, i, out->type, err);
        if (wide)
            ((sl_int128 *)d)[i] = v * factor;
        else
            ((int64_t *)d)[i] = (int64_t)(v * factor);
    }
    return 0;
}

/* bigint | numeric -> double, where it is exact: a numeric is, if its shortest text as a double
 * reads back as the same decimal. */
static int cast_double(struct sl_column *out, const struct sl_column *c, struct sl_err *err)
{
    int scale = c->type.kind == SL_NUMERIC ? c->type.scale : 0;
    double *d = sl_column_own_data(out, c->rows * sizeof *d, NULL, err);
    if (!d)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows; i++) {
        sl_int128 v = sl_column_null(c, i) ? 0 : int_at(c, i);
        char text[SL_NUM_MAX], back[SL_NUM_MAX];
        sl_int128 again;
        if (!scale && v <= ((sl_int128)1 << 53) && v >= -((sl_int128)1 << 53)) {
            d[i] = (double)v;
            continue;
        }
        size_t n = sl_num_print_decimal(text, v, scale);
        if (!sl_num_parse_double(text, n, &d[i]))
            return does_not_fit(c, i, out->type, err);
        n = sl_num_print_double(back, d[i]);
        if (memchr(back, 'e', n) ? (sl_int128)d[i] != v || scale
                                 : !sl_num_parse_decimal(back, n, scale, &again) || again != v)
            return does_not_fit(c, i, out->type, err);
    }
    return 0;
}

/* date -> timestamptz or timestamp, us -> ns */
static int cast_time(struct sl_column *out, const struct sl_column *c, struct sl_err *err)
{
    int64_t factor = c->type.kind == SL_DATE ? SL_USEC_PER_DAY : 1;
    if (out->type.nsec && !c->type.nsec)
        factor *= 1000;
    if (c->type.nsec && !out->type.nsec)
        return cannot(c->type, out->type, err);
    int64_t *d = sl_column_own_data(out, c->rows * sizeof *d, NULL, err);
    if (!d)
        return -SL_ENOMEM;
    for (size_t i = 0; i < c->rows; i++) {
        int64_t v = 0;
        if (!sl_column_null(c, i))
            v = c->type.kind == SL_DATE ? ((const int32_t *)c->data)[i]
                                        : ((const int64_t *)c->data)[i];
        if (__builtin_mul_overflow(v, factor, &d[i]))
            return does_not_fit(c, i, out->type, err);
    }
    return 0;
}

/* One text for one value, whatever scale its column had by then: 7 and 7.0 are both 7. */
static void print_short(const struct sl_column *c, size_t i, struct sl_buf *out)
{
    size_t from = out->len;
    sl_column_print(c, i, out);
    if (c->type.kind != SL_NUMERIC || c->type.scale <= 0 || out->failed)
        return;
    while (out->len > from && out->data[out->len - 1] == '0')
        out->len--;
    if (out->len > from && out->data[out->len - 1] == '.')
        out->len--;
}

static int cast_text(struct sl_column *out, const struct sl_column *c, struct sl_err *err)
{
    struct sl_buf text = SL_BUF_INIT;
    int32_t *to = sl_column_own_offsets(out, NULL, err);
    if (!to)
        return -SL_ENOMEM;
    int rc = 0;
    to[0] = 0;
    for (size_t i = 0; i < c->rows && rc == 0; i++) {
        if (!sl_column_null(c, i))
            print_short(c, i, &text);
        if (text.len > INT32_MAX)
            rc = sl_column_too_large(err);
        to[i + 1] = (int32_t)text.len;
    }
    if (rc == 0)
        rc = sl_buf_check(&text, err);
    uint8_t *d = rc == 0 ? sl_column_own_data(out, text.len, NULL, err) : NULL;
    if (rc == 0 && !d)
        rc = -SL_ENOMEM;
    if (rc == 0 && text.len)
        memcpy(d, text.data, text.len);
    sl_buf_release(&text);
    return rc;
}

/* Values of a PLAIN column (or the one of a CONST column, seen as PLAIN of one row). */
static int cast_values(struct sl_column *out, const struct sl_column *c, struct sl_err *err)
{
    switch (out->type.kind) {
    case SL_TEXT: return cast_text(out, c, err);
    case SL_NUMERIC:
        if (c->type.kind == SL_BIGINT || c->type.kind == SL_NUMERIC)
            return cast_numeric(out, c, err);
        break;
    case SL_DOUBLE:
        if (c->type.kind == SL_BIGINT || c->type.kind == SL_NUMERIC)
            return cast_double(out, c, err);
        break;
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME:
        if (c->type.kind == SL_DATE || c->type.kind == out->type.kind)
            return cast_time(out, c, err);
        break;
    default: break;
    }
    return cannot(c->type, out->type, err);
}

static struct sl_column *cast_plain(const struct sl_column *c, struct sl_type to,
                                    struct sl_err *err)
{
    struct sl_column *out = sl_column_new(to, c->rows);
    if (!out)
        return sl_err_no_memory(err, "a column");
    if (cast_values(out, c, err) < 0) {
        sl_column_unref(out);
        return NULL;
    }
    sl_column_share_valid(out, c);
    return out;
}

/* The same column under another name: jsonb and text hold the same bytes. */
static struct sl_column *rename_type(struct sl_column *c, struct sl_type to, struct sl_err *err)
{
    struct sl_column *out = sl_column_share(c, c->rows, err);
    if (!out)
        return NULL;
    out->type = to;
    if (c->form == SL_DICT) {
        struct sl_column *dict = rename_type(c->dict, to, err);
        sl_column_unref(out->dict);
        if (!(out->dict = dict)) {
            sl_column_unref(out);
            return NULL;
        }
    }
    return out;
}

static struct sl_column *cast_dict(struct sl_column *c, struct sl_type to, struct sl_err *err)
{
    struct sl_column *values = cast_plain(c->dict, to, err), *out;
    if (!values)
        return NULL;
    out = sl_column_share(c, c->rows, err);
    if (!out) {
        sl_column_unref(values);
        return NULL;
    }
    sl_column_unref(out->dict);
    out->dict = values;
    out->type = to;
    return out;
}

static struct sl_column *cast_const(struct sl_column *c, struct sl_type to, struct sl_err *err)
{
    if (c->valid && !sl_bit(c->valid, 0))
        return sl_column_nulls(to, c->rows, err);
    struct sl_column *one = sl_column_share(c, 1, err);
    if (!one)
        return NULL;
    one->form = SL_PLAIN;
    struct sl_column *out = cast_plain(one, to, err);
    sl_column_unref(one);
    if (out) {
        out->form = SL_CONST;
        out->rows = c->rows;
    }
    return out;
}

struct sl_column *sl_column_cast(struct sl_column *c, struct sl_type to, struct sl_err *err)
{
    assert(sl_column_is_sound(c));
    if (sl_type_equal(c->type, to))
        return sl_column_ref(c);
    if (sl_column_load(c, err) < 0)
        return NULL;
    if (to.kind == SL_FOREIGN || (c->type.kind == SL_FOREIGN && to.kind != SL_TEXT)) {
        cannot(c->type, to, err);
        return NULL;
    }
    if (c->type.kind == SL_JSONB && to.kind == SL_TEXT)
        return rename_type(c, to, err);
    switch (c->form) {
    case SL_DICT: return cast_dict(c, to, err);
    case SL_CONST: return cast_const(c, to, err);
    default: return cast_plain(c, to, err);
    }
}

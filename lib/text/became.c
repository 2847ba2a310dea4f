/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * became: values of a column that became text after its types had settled.
 *
 * Rows that came before it did were stored in the old type, and became text from there: 2.50 as 2.5.
 * Where that moment lies depends on how the input was cut, so that a later value gets the text that
 * it would have had before, if the column would have taken it. (A time in a column of dates is the
 * one exception: what came after it may have been stored as a time.)
 */
#include "arrow/column.h"
#include "base/num.h"
#include "text/text_reader.h"

/* The numeric of just the digits that matter, if a column of whole numbers or numerics would have
 * become wide enough for it. */
static int as_number(const struct sl_text_column *c, const struct sl_span *v, struct sl_type *type,
                     sl_int128 *value)
{
    struct sl_number x;
    struct sl_type wide;
    int64_t whole;
    const char *p = v->p;
    size_t len = v->len;
    char plain[SL_TEXT_PLAIN];
    if (v->flags & (SL_SPAN_STRING | SL_SPAN_NESTED) || !sl_text_number(p, len, &x))
        return 0;
    if (x.exponent) {
        len = sl_text_plain_number(p, len, plain);
        p = plain;
        if (!len || !sl_text_number(p, len, &x))
            return 0;
    } else if (!x.fraction && !(v->flags & SL_SPAN_NUMBER) && !sl_num_parse_int(p, len, &whole)) {
        return 0;
    }
    for (; x.fraction && p[len - 1] == '0'; x.fraction--)
        len--;
    len -= p[len - 1] == '.';
    int digits = SL_MAX(x.digits + x.fraction, 1);
    if (digits > SL_NUMERIC_MAX)
        return 0;
    *type = sl_type_numeric(SL_NUMERIC_MAX, x.fraction);
    return sl_type_widen(c->first, sl_type_numeric(digits, x.fraction), &wide) &&
           wide.kind == SL_NUMERIC && sl_num_parse_decimal(p, len, x.fraction, value);
}

int sl_text_as_before(const struct sl_text_column *c, const struct sl_text_missing *m,
                      const struct sl_span *v, struct sl_buf *out)
{
    union {
        sl_int128 number;
        int64_t word;
        int is_true;
    } value = {0};
    uint8_t bits;
    struct sl_text_column before = *c;
    before.type = c->first;
    sl_buf_reset(out);
    if (v->flags & SL_SPAN_NULL)
        return 0;
    if (c->first.kind == SL_BIGINT || c->first.kind == SL_NUMERIC) {
        if (!as_number(c, v, &before.type, &value.number))
            return 0;
    } else if (!sl_text_value(&before, m, v, &value)) {
        before.type = sl_type_of(SL_TIMESTAMPTZ);
        if (c->first.kind != SL_DATE || !sl_text_value(&before, m, v, &value))
            return 0;
    }
    const void *data = &value;
    if (c->first.kind == SL_BOOL) {
        bits = (uint8_t)(value.is_true != 0);
        data = &bits;
    }
    struct sl_column one = {
        .refs = 1, .type = before.type, .form = SL_PLAIN, .rows = 1, .data = data};
    sl_column_print(&one, 0, out);
    return 1;
}

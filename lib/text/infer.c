/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * infer: what type the values of a column have.
 *
 * A type is taken only if every value of the sample comes back as the same value: 007 and +1 are
 * text, as are whole numbers beyond bigint; decimals become numeric with the largest scale seen; a
 * number with an exponent makes the column double if each number of it is exactly what the nearest
 * double prints as, else numeric if that holds them all. Spellings that differ only in zeros at the end (1.50) or in the
 * case of true are the same value.
 */
#include "base/num.h"
#include "text/text_reader.h"

/* -?(0|[1-9][0-9]*)?(.[0-9]+)?([eE][-+]?[0-9]+)? with at least one digit. */
int sl_text_number(const char *s, size_t n, struct sl_number *out)
{
    const char *p = s, *end = s + n;
    if (p < end && *p == '-')
        p++;
    const char *digits = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    out->digits = (int)(p - digits);
    if (out->digits > 1 && *digits == '0')
        return 0;
    out->fraction = out->exponent = 0;
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        while (p < end && *p >= '0' && *p <= '9')
            p++;
        out->fraction = (int)(p - fraction);
        if (!out->fraction)
            return 0;
    }
    if (!out->digits && !out->fraction)
        return 0;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        if (p == end)
            return 0;
        while (p < end && *p >= '0' && *p <= '9')
            p++;
        out->exponent = 1;
    }
    return p == end;
}

/* The digits of a number without point, sign, exponent, and zeros at either end. */
static size_t significant(const char *s, size_t n, char *out, size_t max)
{
    size_t k = 0, last = 0;
    for (size_t i = 0; i < n && s[i] != 'e' && s[i] != 'E'; i++) {
        if (s[i] < '0' || s[i] > '9' || (s[i] == '0' && !k))
            continue;
        if (k < max)
            out[k] = s[i];
        k++;
        if (s[i] != '0')
            last = k;
    }
    return last;
}

size_t sl_text_significant(const char *s, size_t n)
{
    char ignored[1];
    return significant(s, n, ignored, 0);
}

size_t sl_text_plain_number(const char *s, size_t n, char *out)
{
    char digits[SL_NUMERIC_MAX];
    int64_t exponent = 0, point = 0; /* digits before the point */
    size_t len = 0, end = 0;
    int fraction = 0, leading = 0;
    size_t k = significant(s, n, digits, sizeof digits);
    for (; end < n && s[end] != 'e' && s[end] != 'E'; end++) {
        fraction |= s[end] == '.';
        if (s[end] >= '1' && s[end] <= '9')
            leading = 1;
        if (s[end] >= '0' && s[end] <= '9')
            point += fraction ? -!leading : leading;
    }
    size_t from = end + 1 + (end + 1 < n && s[end + 1] == '+');
    if (k > SL_NUMERIC_MAX || from > n || !sl_num_parse_int(s + from, n - from, &exponent) ||
        exponent > 1000 || exponent < -1000)
        return 0;
    point += exponent;
    if (!k)
        point = 1; /* 0 */
    if (point > SL_NUMERIC_MAX || (int64_t)k - point > SL_NUMERIC_MAX)
        return 0;
    if (s[0] == '-' && k)
        out[len++] = '-';
    if (point <= 0) {
        memcpy(out + len, "0.", 2);
        memset(out + len + 2, '0', (size_t)-point);
        len += 2 + (size_t)-point;
    }
    for (size_t i = 0; i < k; i++) {
        if (i && (int64_t)i == point)
            out[len++] = '.';
        out[len++] = digits[i];
    }
    for (int64_t i = (int64_t)k; i < point; i++)
        out[len++] = '0';
    return len;
}

int sl_text_exact_double(const char *s, size_t n)
{
    char want[20], got[20], text[SL_NUM_MAX];
    double v;
    if (!sl_num_parse_double(s, n, &v))
        return 0;
    size_t digits = significant(s, n, want, sizeof want);
    if (v == 0)
        return digits == 0;
    if (v - v != 0) /* infinite */
        return 0;
    if (digits <= 15 && (v > 1e-290 || v < -1e-290))
        return 1;
    if (digits > 17)
        return 0;
    size_t len = sl_num_print_double(text, v);
    return significant(text, len, got, sizeof got) == digits && memcmp(got, want, digits) == 0;
}

static int is_word(const struct sl_span *v, const char *lower, size_t n)
{
    if (v->len != n)
        return 0;
    /* one of true, True, TRUE */
    int upper = 0;
    for (size_t i = 0; i < n; i++) {
        if ((v->p[i] | 0x20) != lower[i])
            return 0;
        upper += v->p[i] != lower[i];
    }
    return upper == 0 || upper == (int)n || (upper == 1 && v->p[0] != lower[0]);
}

static uint32_t class_number(struct sl_text_guess *g, const struct sl_span *v)
{
    struct sl_number x;
    int64_t whole;
    if (!sl_text_number(v->p, v->len, &x))
        return SL_CLASS_TEXT;
    int few = x.digits + x.fraction <= 15 && !x.exponent; /* any such number is exact */
    if (!g->inexact && !few && !sl_text_exact_double(v->p, v->len))
        g->inexact = 1;
    if (x.exponent) {
        char plain[SL_TEXT_PLAIN];
        size_t len = sl_text_plain_number(v->p, v->len, plain);
        if (!len && g->inexact)
            return SL_CLASS_TEXT;
        if (!len || !sl_text_number(plain, len, &x))
            g->vast = 1;
        g->exp_digits = SL_MAX(g->exp_digits, x.digits);
        g->exp_scale = SL_MAX(g->exp_scale, x.fraction);
        return SL_CLASS_EXPONENT;
    }
    int is_int = !x.fraction && sl_num_parse_int(v->p, v->len, &whole);
    if (!x.fraction && !is_int && !(v->flags & SL_SPAN_NUMBER))
        return SL_CLASS_TEXT;
    g->int_digits = SL_MAX(g->int_digits, x.digits);
    g->scale = SL_MAX(g->scale, x.fraction);
    if (g->int_digits + g->scale > SL_NUMERIC_MAX)
        return SL_CLASS_TEXT;
    return is_int ? SL_CLASS_INT : SL_CLASS_DECIMAL;
}

static uint32_t class_time(struct sl_text_guess *g, const struct sl_span *v,
                           const struct sl_zone *zone)
{
    int64_t usec;
    int rest, flags;
    if (v->len < 10 || v->len > 48 || v->p[4] != '-' || v->p[0] < '0' || v->p[0] > '9' ||
        !sl_time_parse_iso(v->p, v->len, zone, &usec, &rest, &flags) || flags & SL_TIME_SUBNANO)
        return SL_CLASS_TEXT;
    int64_t nsec;
    g->far |=
        __builtin_mul_overflow(usec, 1000, &nsec) || __builtin_add_overflow(nsec, rest, &nsec);
    if (flags & SL_TIME_IS_DATE)
        return SL_CLASS_DATE;
    g->nsec |= rest != 0;
    g->zoneless |= !(flags & SL_TIME_HAS_ZONE);
    return SL_CLASS_TIME;
}

/* The first values that are no numbers, and no times. */
static void note_odd(struct sl_text_guess *g, const struct sl_span *v, uint32_t class)
{
    static const uint32_t fits[SL_WHYS] = {SL_CLASS_INT | SL_CLASS_DECIMAL | SL_CLASS_EXPONENT,
                                           SL_CLASS_DATE | SL_CLASS_TIME};
    int ends = 0;
    for (int k = 0; k < SL_WHYS; k++) {
        ends += g->odd[k].at || class & ~fits[k];
        if (!g->odd[k].at && class & ~fits[k])
            g->odd[k] = (struct sl_text_odd){*v, g->at};
    }
    g->same += ends < SL_WHYS;
}

void sl_text_guess_add(struct sl_text_guess *g, const struct sl_span *v, const struct sl_zone *zone)
{
    SL_CHECK_THAT(g && v);
    if (v->flags & SL_SPAN_NULL || g->seen & SL_CLASS_TEXT)
        return;
    uint32_t class = SL_CLASS_TEXT;
    if (v->flags & SL_SPAN_NESTED) {
        class = SL_CLASS_NESTED;
    } else if (v->flags & SL_SPAN_STRING) {
        class = class_time(g, v, zone);
    } else if (is_word(v, "true", 4) || is_word(v, "false", 5)) {
        class = SL_CLASS_BOOL;
    } else if (v->len && (v->p[0] == '-' || v->p[0] == '.' || (v->p[0] >= '0' && v->p[0] <= '9'))) {
        class = class_number(g, v);
        if (class == SL_CLASS_TEXT)
            class = class_time(g, v, zone);
    }
    g->seen |= class;
    note_odd(g, v, class);
}

/* A sample with exponents is double precision if that loses nothing; one value that comes later joins
 * a numeric column if that holds it. */
static struct sl_type type_of_exponents(const struct sl_text_guess *g, int tight)
{
    int digits = SL_MAX(g->int_digits, g->exp_digits), scale = SL_MAX(g->scale, g->exp_scale);
    int fits = !g->vast && digits + scale <= SL_NUMERIC_MAX;
    if (!g->inexact && !(tight && fits))
        return sl_type_of(SL_DOUBLE);
    if (!fits)
        return sl_type_of(SL_TEXT);
    if (!scale && digits <= SL_NUMERIC64_MAX)
        return sl_type_of(SL_BIGINT);
    return sl_type_numeric(tight ? SL_MAX(digits + scale, 1) : SL_NUMERIC_MAX, scale);
}

struct sl_type sl_text_guess_type(const struct sl_text_guess *g, int tight)
{
    assert(g);
    uint32_t seen = g->seen;
    switch (seen) {
    case 0: return sl_type_valueless();
    case SL_CLASS_BOOL: return sl_type_of(SL_BOOL);
    case SL_CLASS_INT: return sl_type_of(SL_BIGINT);
    case SL_CLASS_DATE: return sl_type_of(SL_DATE);
    case SL_CLASS_NESTED: return sl_type_of(SL_JSONB);
    case SL_CLASS_TIME:
    case SL_CLASS_TIME | SL_CLASS_DATE: {
        struct sl_type t = sl_type_of(g->nsec && g->far ? SL_TEXT : SL_TIMESTAMPTZ);
        t.nsec = t.kind == SL_TIMESTAMPTZ && g->nsec;
        return t;
    }
    default: break;
    }
    if (seen && !(seen & ~(uint32_t)(SL_CLASS_INT | SL_CLASS_DECIMAL))) {
        assert(g->int_digits + g->scale <= SL_NUMERIC_MAX); /* else one of them was text */
        int digits = SL_MAX(g->int_digits + g->scale, 1);
        if (!tight)
            digits = digits <= SL_NUMERIC64_MAX ? SL_NUMERIC64_MAX : SL_NUMERIC_MAX;
        return sl_type_numeric(digits, g->scale);
    }
    if (seen & SL_CLASS_EXPONENT &&
        !(seen & ~(uint32_t)(SL_CLASS_INT | SL_CLASS_DECIMAL | SL_CLASS_EXPONENT)))
        return type_of_exponents(g, tight);
    return sl_type_of(SL_TEXT);
}

struct sl_text_guess sl_text_guess_field(const struct sl_text_reader *r,
                                         const struct sl_text_rows *rows, int field)
{
    struct sl_span v[SL_TEXT_BLOCK];
    struct sl_text_guess g = {0};
    struct sl_text_cursor at = {.rows = rows, .field = field};
    while (at.row < rows->rows) {
        size_t n = SL_MIN(rows->rows - at.row, (size_t)SL_TEXT_BLOCK);
        g.at = (int64_t)at.row;
        sl_text_gather(&at, v, n);
        for (size_t i = 0; i < n; i++) {
            g.at++;
            sl_text_guess_add(&g, &v[i], r->o.zone);
        }
    }
    return g;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * slow: any spelling of any type, one value at a time.
 *
 * An inferred column takes only what inference would have given that type (so that nothing is lost
 * by it); a declared one takes what PostgreSQL would: leading zeros and plus signs, t and f, ...
 */
#include "arrow/interval.h"
#include "base/json.h"
#include "base/num.h"
#include "text/text_reader.h"

static int value_bool(const struct sl_text_column *c, const struct sl_span *v, void *dst)
{
    struct sl_text_guess g = {0};
    if (!c->declared) /* true, True, TRUE; not tRue */
        sl_text_guess_add(&g, v, NULL);
    return (c->declared || g.seen == SL_CLASS_BOOL) && sl_num_parse_bool(v->p, v->len, dst);
}

/* Without the plus sign that a declared column allows. */
static struct sl_span without_plus(const struct sl_text_column *c, const struct sl_span *v)
{
    struct sl_span s = *v;
    if (c->declared && s.len > 1 && s.p[0] == '+' && s.p[1] != '-') {
        s.p++;
        s.len--;
    }
    return s;
}

/* A number with an exponent as one without, in plain, if it has one that a numeric could hold. */
static int without_exponent(struct sl_span *s, struct sl_number *x, char plain[SL_TEXT_PLAIN])
{
    size_t n = sl_text_plain_number(s->p, s->len, plain);
    SL_CHECK_THAT(n <= SL_TEXT_PLAIN);
    s->p = plain;
    s->len = (uint32_t)n;
    return n && sl_text_number(plain, n, x);
}

static int value_int(const struct sl_text_column *c, const struct sl_span *v, void *dst)
{
    struct sl_number x;
    struct sl_span s = without_plus(c, v);
    char plain[SL_TEXT_PLAIN];
    if (!c->declared && (!sl_text_number(s.p, s.len, &x) ||
                         (x.exponent && !without_exponent(&s, &x, plain)) || x.fraction))
        return 0;
    return sl_num_parse_int(s.p, s.len, dst);
}

static int value_numeric(const struct sl_text_column *c, const struct sl_span *v, void *dst)
{
    struct sl_number x;
    sl_int128 value;
    struct sl_span s = without_plus(c, v);
    char plain[SL_TEXT_PLAIN];
    int is_number = sl_text_number(s.p, s.len, &x), exponent = is_number && x.exponent;
    if ((!is_number && !c->declared) || (exponent && !without_exponent(&s, &x, plain)))
        return 0;
    /* Of inferred whole numbers, those beyond bigint may be ids. */
    int64_t whole;
    if (!c->declared && !exponent && !x.fraction && !(v->flags & SL_SPAN_NUMBER) &&
        !sl_num_parse_int(s.p, s.len, &whole))
        return 0;
    if (!sl_num_parse_decimal(s.p, s.len, c->type.scale, &value))
        return 0;
    sl_int128 limit = sl_num_pow10(c->type.precision);
    if (value >= limit || value <= -limit)
        return 0;
    if (c->type.precision <= SL_NUMERIC64_MAX)
        *(int64_t *)dst = (int64_t)value;
    else
        memcpy(dst, &value, sizeof value);
    return 1;
}

static int value_double(const struct sl_text_column *c, const struct sl_span *v, void *dst)
{
    struct sl_number x;
    struct sl_span s = without_plus(c, v);
    if (!c->declared && (!sl_text_number(s.p, s.len, &x) || !sl_text_exact_double(s.p, s.len)))
        return 0;
    return sl_num_parse_double(s.p, s.len, dst);
}

/* Seconds (or another unit) since the epoch, possibly with a fraction, to micro- or nanoseconds. */
static int value_epoch(const struct sl_text_column *c, const struct sl_span *v, int64_t *out)
{
    static const int places[] = {9, 6, 3, 0}; /* to nanoseconds */
    sl_int128 ns;
    SL_CHECK_THAT(c->time >= SL_TIME_EPOCH_S && c->time <= SL_TIME_EPOCH_NS);
    if (!sl_num_parse_decimal(v->p, v->len, places[c->time - SL_TIME_EPOCH_S], &ns))
        return 0;
    if (!c->type.nsec) {
        if (ns % 1000)
            return 0;
        ns /= 1000;
    }
    *out = (int64_t)ns;
    return *out == ns;
}

/* 1 and the instant (of a timestamp: the clock), or 0 and flags. */
static int parse_time(const struct sl_text_column *c, const struct sl_text_missing *m,
                      const struct sl_span *v, int64_t *usec, int *rest, int *flags)
{
    const struct sl_zone *zone = c->type.kind == SL_WALLTIME ? NULL : m->zone;
    *rest = 0;
    *flags = 0;
    switch (c->time) {
    case SL_TIME_CLF: *flags = SL_TIME_HAS_ZONE; return sl_time_parse_clf(v->p, v->len, usec);
    case SL_TIME_STRPTIME:
        return sl_time_parse_format(v->p, v->len, c->format, m->latest, zone, usec, rest, flags);
    default: return sl_time_parse_iso(v->p, v->len, zone, usec, rest, flags);
    }
}

static int value_time(const struct sl_text_column *c, const struct sl_text_missing *m,
                      const struct sl_span *v, int64_t *out)
{
    int64_t usec;
    int rest, flags;
    if (c->time >= SL_TIME_EPOCH_S && c->time <= SL_TIME_EPOCH_NS)
        return value_epoch(c, v, out);
    int ok = parse_time(c, m, v, &usec, &rest, &flags);
    if (!ok || flags & SL_TIME_SUBNANO || (rest && !c->type.nsec))
        return 0;
    if (c->type.kind == SL_WALLTIME && flags & SL_TIME_HAS_ZONE)
        return 0; /* a zone is never thrown away: such a column is a timestamptz */
    if (!c->type.nsec) {
        *out = usec;
        return 1;
    }
    return !__builtin_mul_overflow(usec, 1000, out) && !__builtin_add_overflow(*out, rest, out);
}

static int value_date(const struct sl_span *v, void *dst)
{
    int64_t usec;
    int rest, flags;
    if (!sl_time_parse_iso(v->p, v->len, NULL, &usec, &rest, &flags) || !(flags & SL_TIME_IS_DATE))
        return 0;
    int64_t days = usec / SL_USEC_PER_DAY - (usec % SL_USEC_PER_DAY < 0);
    *(int32_t *)dst = (int32_t)days;
    return 1;
}

const char *sl_text_no_zone(const struct sl_text_column *c, const struct sl_text_missing *m,
                            const struct sl_span *v, size_t *len)
{
    int64_t usec;
    int at, flags;
    if (!sl_type_is_stamp(c->type) || (c->time >= SL_TIME_EPOCH_S && c->time <= SL_TIME_EPOCH_NS) ||
        parse_time(c, m, v, &usec, &at, &flags) || !(flags & SL_TIME_NO_ZONE))
        return NULL;
    SL_CHECK_THAT(at >= 0 && (size_t)at <= v->len);
    const char *end = v->p + at;
    while (end < v->p + v->len && (*end | 0x20) >= 'a' && (*end | 0x20) <= 'z')
        end++;
    *len = (size_t)(end - (v->p + at));
    return v->p + at;
}

int sl_text_value(const struct sl_text_column *c, const struct sl_text_missing *m,
                  const struct sl_span *v, void *dst)
{
    int number =
        c->type.kind == SL_BIGINT || c->type.kind == SL_NUMERIC || c->type.kind == SL_DOUBLE;
    if (!c->declared && v->flags & SL_SPAN_STRING && (number || c->type.kind == SL_BOOL))
        return 0;
    if (v->flags & SL_SPAN_NESTED)
        return c->type.kind == SL_TEXT || c->type.kind == SL_JSONB;
    switch (c->type.kind) {
    case SL_BOOL: return value_bool(c, v, dst);
    case SL_BIGINT: return value_int(c, v, dst);
    case SL_NUMERIC: return value_numeric(c, v, dst);
    case SL_DOUBLE: return value_double(c, v, dst);
    case SL_DATE: return value_date(v, dst);
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME: return value_time(c, m, v, dst);
    case SL_INTERVAL: return sl_interval_parse(v->p, v->len, dst);
    case SL_JSONB: return sl_json_valid(v->p, v->len);
    default: return 1;
    }
}

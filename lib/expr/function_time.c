/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * function_time: date_trunc, extract and date_part, whose result depends on the unit named; overlaps.
 *
 * extract of whole fields is bigint (PostgreSQL: numeric of the same value); of second and epoch
 * numeric with the digits of the column; date_part is double precision.
 */
#include <strings.h>
#include "expr/function.h"
#include "kernel/unit.h"

static const struct {
    const char *name;
    enum sl_unit unit;
} units[] = {
    {"microseconds", SL_UNIT_MICROSECONDS},
    {"microsecond", SL_UNIT_MICROSECONDS},
    {"milliseconds", SL_UNIT_MILLISECONDS},
    {"millisecond", SL_UNIT_MILLISECONDS},
    {"second", SL_UNIT_SECOND},
    {"seconds", SL_UNIT_SECOND},
    {"minute", SL_UNIT_MINUTE},
    {"minutes", SL_UNIT_MINUTE},
    {"hour", SL_UNIT_HOUR},
    {"hours", SL_UNIT_HOUR},
    {"day", SL_UNIT_DAY},
    {"days", SL_UNIT_DAY},
    {"week", SL_UNIT_WEEK},
    {"weeks", SL_UNIT_WEEK},
    {"month", SL_UNIT_MONTH},
    {"months", SL_UNIT_MONTH},
    {"quarter", SL_UNIT_QUARTER},
    {"year", SL_UNIT_YEAR},
    {"years", SL_UNIT_YEAR},
    {"decade", SL_UNIT_DECADE},
    {"century", SL_UNIT_CENTURY},
    {"millennium", SL_UNIT_MILLENNIUM},
    {"dow", SL_UNIT_DOW},
    {"isodow", SL_UNIT_ISODOW},
    {"doy", SL_UNIT_DOY},
    {"isoyear", SL_UNIT_ISOYEAR},
    {"epoch", SL_UNIT_EPOCH},
    {"timezone", SL_UNIT_TIMEZONE},
};

static struct sl_node *no_time(struct sl_bind *b, const struct sl_node *n)
{
    return n->type.kind == SL_TEXT ? sl_bind_text_hint(b, b->e->schema, n, SL_WHY_TIME) : NULL;
}

static int unit_of(struct sl_bind *b, const char *name, const struct sl_node *n, int64_t *out)
{
    size_t len;
    const char *names[SL_COUNT(units)];
    if (n->type.kind != SL_TEXT || !n->value || sl_column_null(n->value, 0)) {
        sl_bind_fail(b, n->at, "%s: the unit must be a constant, as 'hour'", name);
        return 0;
    }
    const char *s = sl_column_bytes(n->value, 0, &len);
    for (size_t i = 0; i < SL_COUNT(units); i++) {
        names[i] = units[i].name;
        if (strlen(units[i].name) == len && strncasecmp(units[i].name, s, len) == 0) {
            *out = units[i].unit;
            return 1;
        }
    }
    sl_bind_fail(b, n->at, "%s: there is no unit \"%.*s\"", name, (int)SL_MIN(len, 60), s);
    const char *near = sl_schema_nearest(s, len, names, (int)SL_COUNT(units));
    if (near)
        sl_bind_hint(b, "did you mean %s?", near);
    return 0;
}

struct sl_node *sl_bind_date_trunc(struct sl_bind *b, const struct sl_function *f,
                                   struct sl_node **args, int nargs, int at)
{
    assert(b && f && (args || !nargs));
    int64_t unit;
    struct sl_type ts = sl_type_of(SL_TIMESTAMPTZ);
    if (nargs < 2 || nargs > 3)
        return sl_bind_fail(b, at, "date_trunc takes a unit, a time and, perhaps, a zone");
    args[0] = sl_coerce_settle(b, args[0]);
    if (!args[0] || !unit_of(b, "date_trunc", args[0], &unit))
        return NULL;
    if (unit > SL_UNIT_MILLENNIUM)
        return sl_bind_fail(b, args[0]->at, "date_trunc does not cut to this unit");
    /* As PostgreSQL: a zone is for instants, so that a timestamp becomes one */
    if (args[1]->unknown || args[1]->type.kind == SL_DATE ||
        (nargs == 3 && args[1]->type.kind == SL_WALLTIME))
        args[1] = sl_coerce(b, args[1], ts, SL_COERCE_IMPLICIT);
    if (nargs == 3)
        args[2] = sl_coerce(b, args[2], sl_type_of(SL_TEXT), SL_COERCE_IMPLICIT);
    if (!args[1] || (nargs == 3 && !args[2]))
        return NULL;
    if (!sl_type_is_stamp(args[1]->type)) {
        sl_bind_fail(b, args[1]->at,
                     "date_trunc takes a timestamptz, a timestamp or a date, not %s",
                     sl_bind_type_name(b, args[1]));
        return no_time(b, args[1]);
    }
    return sl_bind_plain(b, sl_kernel_date_trunc, "date_trunc", args[1]->type, unit, 0, 1, args,
                         nargs, at);
}

struct sl_node *sl_bind_extract(struct sl_bind *b, const struct sl_function *f,
                                struct sl_node **args, int nargs, int at)
{
    assert(b && f && (args || !nargs));
    const char *name = f->name;
    int64_t unit;
    struct sl_type t = sl_type_of(SL_BIGINT);
    if (nargs != 2)
        return sl_bind_fail(b, at, "%s takes a unit and a time", name);
    args[0] = sl_coerce_settle(b, args[0]);
    if (!args[0] || !unit_of(b, name, args[0], &unit))
        return NULL;
    if (args[1]->unknown)
        args[1] = sl_coerce(b, args[1], sl_type_of(SL_TIMESTAMPTZ), SL_COERCE_IMPLICIT);
    if (!args[1])
        return NULL;
    struct sl_type from = args[1]->type;
    if (!sl_type_is_stamp(from) && from.kind != SL_DATE && from.kind != SL_INTERVAL) {
        sl_bind_fail(b, args[1]->at,
                     "%s takes a timestamptz, a timestamp, a date or an interval, not %s", name,
                     sl_bind_type_name(b, args[1]));
        return no_time(b, args[1]);
    }
    if (unit == SL_UNIT_TIMEZONE && from.kind == SL_WALLTIME) {
        sl_bind_fail(b, args[0]->at, "%s: a value of type %s has no zone", name,
                     sl_bind_type_name(b, args[1]));
        return sl_bind_hint(b, "t at time zone 'Europe/Berlin' makes a timestamptz of it");
    }
    int digits = from.nsec ? 9 : 6;
    if (unit == SL_UNIT_SECOND)
        t = sl_type_numeric(digits + 2, digits);
    else if (unit == SL_UNIT_EPOCH)
        t = sl_type_numeric(digits == 9 ? 19 : 18, digits);
    else if (unit == SL_UNIT_MILLISECONDS)
        t = sl_type_numeric(digits + 2, digits - 3);
    if (unit == SL_UNIT_EPOCH && from.kind == SL_INTERVAL)
        t = sl_type_numeric(SL_NUMERIC_MAX, 6);
    struct sl_node *n = sl_bind_plain(b, sl_kernel_extract, name, t, unit, digits, 0, args, 2, at);
    if (n && name[0] == 'd') { /* date_part */
        n = sl_coerce(b, n, sl_type_of(SL_DOUBLE), SL_COERCE_IMPLICIT);
    }
    return n;
}

struct sl_node *sl_bind_overlaps(struct sl_bind *b, const struct sl_function *f,
                                 struct sl_node **args, int nargs, int at)
{
    assert(b && f && (args || !nargs));
    for (int k = 1; k < nargs; k += 2) /* an interval says how long the span is */
        if (args[k]->type.kind == SL_INTERVAL &&
            !(args[k] = sl_bind_operator(b, "+", args[k - 1], args[k], at)))
            return NULL;
    return sl_bind_overload(b, f->name, args, nargs, at);
}

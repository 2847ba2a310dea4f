/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * type: names, widths, equality and widening of types.
 *
 * Names are looked up in one table after lower-casing and squeezing white space; arguments in
 * parentheses are read apart, wherever they stand ("timestamp(3) with time zone").
 */
#include "arrow/type.h"

#include "arrow/foreign.h"

size_t sl_type_width(struct sl_type t)
{
    SL_CHECK_THAT(t.kind >= SL_BOOL && t.kind <= SL_DECIMAL);
    switch (t.kind) {
    case SL_BIGINT:
    case SL_DOUBLE:
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME: return 8;
    case SL_NUMERIC: return t.precision <= SL_NUMERIC64_MAX ? 8 : 16;
    case SL_DECIMAL: return 16;
    case SL_DATE: return 4;
    case SL_INTERVAL: return sizeof(struct sl_interval);
    default: return 0;
    }
}

int sl_type_equal(struct sl_type a, struct sl_type b)
{
    if (a.kind != b.kind)
        return 0;
    switch (a.kind) {
    case SL_NUMERIC:
    case SL_DECIMAL: return a.precision == b.precision && a.scale == b.scale;
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME: return a.nsec == b.nsec;
    case SL_FOREIGN: return sl_foreign_equal(a.foreign, b.foreign);
    default: return 1;
    }
}

struct sl_type sl_type_ref(struct sl_type t)
{
    if (t.kind == SL_FOREIGN)
        sl_foreign_ref(t.foreign);
    return t;
}

void sl_type_unref(struct sl_type t)
{
    if (t.kind == SL_FOREIGN)
        sl_foreign_unref(t.foreign);
}

void sl_type_print(struct sl_type t, struct sl_buf *out)
{
    assert(out);
    switch (t.kind) {
    case SL_BOOL: sl_buf_addstr(out, "boolean"); break;
    case SL_BIGINT: sl_buf_addstr(out, "bigint"); break;
    case SL_DOUBLE: sl_buf_addstr(out, "double precision"); break;
    case SL_NUMERIC: sl_buf_printf(out, "numeric(%d,%d)", t.precision, t.scale); break;
    case SL_DECIMAL: sl_buf_addstr(out, "numeric"); break;
    case SL_TEXT: sl_buf_addstr(out, "text"); break;
    case SL_BYTEA: sl_buf_addstr(out, "bytea"); break;
    case SL_TIMESTAMPTZ: sl_buf_addstr(out, t.nsec ? "timestamptz(9)" : "timestamptz"); break;
    case SL_WALLTIME: sl_buf_addstr(out, t.nsec ? "timestamp(9)" : "timestamp"); break;
    case SL_DATE: sl_buf_addstr(out, "date"); break;
    case SL_INTERVAL: sl_buf_addstr(out, "interval"); break;
    case SL_JSONB: sl_buf_addstr(out, "jsonb"); break;
    case SL_FOREIGN: sl_foreign_print_type(t.foreign, out); break;
    default: sl_buf_addstr(out, "unknown"); break;
    }
}

const char *sl_type_name(struct sl_type t, char name[SL_TYPE_NAME])
{
    struct sl_buf b = SL_BUF_INIT;
    sl_type_print(t, &b);
    snprintf(name, SL_TYPE_NAME, "%s", b.data ? b.data : "a type");
    sl_buf_release(&b);
    return name;
}

/* ---- names ---- */

/* In PostgreSQL these stop at a limit that no column here would keep: they are refused. */
static const struct {
    const char *name, *instead;
} narrow_names[] = {
    {"int", "bigint"},
    {"integer", "bigint"},
    {"int4", "bigint"},
    {"smallint", "bigint"},
    {"int2", "bigint"},
    {"real", "double precision"},
    {"float4", "double precision"},
    {"char", "text"},
    {"character", "text"},
};

static const struct {
    const char *name;
    uint8_t kind;
} type_names[] = {
    {"boolean", SL_BOOL},
    {"bool", SL_BOOL},
    {"bigint", SL_BIGINT},
    {"int8", SL_BIGINT},
    {"double precision", SL_DOUBLE},
    {"double", SL_DOUBLE},
    {"float8", SL_DOUBLE},
    {"float", SL_DOUBLE},
    {"numeric", SL_NUMERIC},
    {"decimal", SL_NUMERIC},
    {"text", SL_TEXT},
    {"varchar", SL_TEXT},
    {"character varying", SL_TEXT},
    {"string", SL_TEXT},
    {"bytea", SL_BYTEA},
    {"timestamptz", SL_TIMESTAMPTZ},
    {"timestamp", SL_WALLTIME},
    {"timestamp with time zone", SL_TIMESTAMPTZ},
    {"timestamp without time zone", SL_WALLTIME},
    {"date", SL_DATE},
    {"interval", SL_INTERVAL},
    {"jsonb", SL_JSONB},
    {"json", SL_JSONB},
};

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Reads "(12, 2)" at s: bytes used, 0 if it is no such list. */
static size_t parse_args(const char *s, size_t n, int *args, int *nargs)
{
    size_t i = 1;
    *nargs = 0;
    for (;;) {
        int v = 0, digits = 0;
        while (i < n && is_space(s[i]))
            i++;
        for (; i < n && s[i] >= '0' && s[i] <= '9' && digits < 9; i++, digits++)
            v = v * 10 + (s[i] - '0');
        while (i < n && is_space(s[i]))
            i++;
        if (!digits || i >= n || *nargs == 2)
            return 0;
        args[(*nargs)++] = v;
        if (s[i] == ')')
            return i + 1;
        if (s[i++] != ',')
            return 0;
    }
}

/* Lower-cases and squeezes s into name (cap bytes), with arguments taken out. 0 if malformed. */
static int split_name(const char *s, size_t n, char *name, size_t cap, int *args, int *nargs)
{
    size_t len = 0;
    int space = 0;
    *nargs = 0;
    for (size_t i = 0; i < n;) {
        char c = s[i];
        if (c == '(') {
            size_t used = *nargs ? 0 : parse_args(s + i, n - i, args, nargs);
            if (!used)
                return 0;
            i += used;
            space = 1;
            continue;
        }
        i++;
        if (is_space(c)) {
            space = 1;
            continue;
        }
        if (len + 2 >= cap)
            return 0;
        if (space && len)
            name[len++] = ' ';
        space = 0;
        name[len++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    name[len] = 0;
    return len > 0;
}

static int bad_type(const char *s, size_t n, struct sl_err *err)
{
    sl_err_set(err, SL_EUSAGE, "no type is named %.*s", (int)SL_MIN(n, 64), s);
    return sl_err_hint(err, "boolean, bigint, double precision, numeric(p,s), text, bytea, "
                            "timestamptz, timestamp, date, interval, jsonb");
}

static int narrow_type(const char *s, size_t n, const char *instead, struct sl_err *err)
{
    sl_err_set(err, SL_EUSAGE, "type %.*s has a limit that would not be kept", (int)SL_MIN(n, 64),
               s);
    return sl_err_hint(err, "write %s", instead);
}

/* Applies the numbers in parentheses to a type. */
static int apply_args(struct sl_type *t, const int *args, int nargs, const char *s, size_t n,
                      struct sl_err *err)
{
    switch (t->kind) {
    case SL_NUMERIC:
        if (!nargs) {
            *t = sl_type_numeric(38, 9);
            return 0;
        }
        if (args[0] < 1 || args[0] > SL_NUMERIC_MAX || (nargs == 2 && args[1] > args[0]))
            break;
        *t = sl_type_numeric(args[0], nargs == 2 ? args[1] : 0);
        return 0;
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME:
        if (nargs > 1 || (nargs && args[0] > 9))
            break;
        if (nargs && args[0] != 6 && args[0] != 9)
            return narrow_type(s, n,
                               t->kind == SL_WALLTIME
                                   ? "timestamp, or timestamp(9) for nanoseconds"
                                   : "timestamptz, or timestamptz(9) for nanoseconds",
                               err);
        t->nsec = nargs && args[0] == 9;
        return 0;
    case SL_TEXT:
    case SL_DOUBLE:
        if (nargs > 1)
            break;
        if (nargs)
            return narrow_type(s, n, t->kind == SL_TEXT ? "text" : "double precision", err);
        return 0;
    default:
        if (nargs)
            break;
        return 0;
    }
    sl_err_set(err, SL_EUSAGE, "%.*s: numbers that do not suit the type", (int)SL_MIN(n, 64), s);
    return sl_err_hint(err, "numeric(p,s) has p from 1 to 38 and s from 0 to p, "
                            "timestamptz(9) is in nanoseconds");
}

int sl_type_parse(const char *s, size_t n, struct sl_type *out, struct sl_err *err)
{
    assert((s || !n) && out);
    char name[64];
    int args[2] = {0, 0}, nargs;
    if (!split_name(s, n, name, sizeof name, args, &nargs))
        return bad_type(s, n, err);
    for (size_t i = 0; i < SL_COUNT(narrow_names); i++)
        if (strcmp(narrow_names[i].name, name) == 0)
            return narrow_type(s, n, narrow_names[i].instead, err);
    for (size_t i = 0; i < SL_COUNT(type_names); i++) {
        if (strcmp(type_names[i].name, name) != 0)
            continue;
        struct sl_type t = sl_type_of((enum sl_kind)type_names[i].kind);
        int rc = apply_args(&t, args, nargs, s, n, err);
        if (rc == 0)
            *out = t;
        return rc;
    }
    return bad_type(s, n, err);
}

/* ---- widening ---- */

static int widen_numeric(int int_a, int scale_a, int int_b, int scale_b, struct sl_type *out)
{
    int digits = SL_MAX(int_a, int_b), scale = SL_MAX(scale_a, scale_b);
    if (digits + scale > SL_NUMERIC_MAX)
        *out = sl_type_of(SL_TEXT);
    else
        *out = sl_type_numeric(SL_MAX(digits + scale, 1), scale);
    return 1;
}

int sl_type_widen(struct sl_type a, struct sl_type b, struct sl_type *out)
{
    assert(out);
    enum { BIGINT_DIGITS = 19 };
    if (sl_type_equal(a, b)) {
        *out = a;
        return 1;
    }
    if (a.kind == SL_FOREIGN || b.kind == SL_FOREIGN)
        return 0;
    if (a.kind > b.kind) { /* the pairs below are in the order of enum sl_kind */
        struct sl_type t = a;
        a = b;
        b = t;
    }
    if (a.kind == SL_BIGINT && b.kind == SL_NUMERIC)
        return widen_numeric(BIGINT_DIGITS, 0, b.precision - b.scale, b.scale, out);
    if (a.kind == SL_NUMERIC && b.kind == SL_NUMERIC)
        return widen_numeric(a.precision - a.scale, a.scale, b.precision - b.scale, b.scale, out);
    if (sl_type_is_stamp(a) && (b.kind == a.kind || b.kind == SL_DATE)) {
        *out = a;
        out->nsec = a.nsec || b.nsec;
        return 1;
    }
    *out = sl_type_of(SL_TEXT);
    return 1;
}

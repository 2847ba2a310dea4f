/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * type: the types of columns, named as PostgreSQL names them, laid out in memory as Arrow says.
 *
 *   kind        SQL name           in memory (PLAIN form)             Arrow type
 *   BOOL        boolean            bitmap, least significant bit 1st  Bool
 *   BIGINT      bigint             int64_t                            Int(64, signed)
 *   DOUBLE      double precision   double                             FloatingPoint(DOUBLE)
 *   NUMERIC     numeric(p,s)       p <= 18: int64_t, else sl_int128   Decimal(p, s, 64 or 128)
 *   TEXT        text               int32_t offsets + bytes (UTF-8)    Utf8
 *   BYTEA       bytea              int32_t offsets + bytes            Binary
 *   TIMESTAMPTZ timestamptz        int64_t, us or ns since the epoch  Timestamp(us|ns, "UTC")
 *   WALLTIME    timestamp          int64_t, us or ns as if UTC        Timestamp(us|ns), no zone
 *   DATE        date               int32_t days since the epoch       Date(DAY)
 *   INTERVAL    interval           struct sl_interval                 Interval(MONTH_DAY_NANO)
 *   JSONB       jsonb              as TEXT                            Utf8 + extension arrow.json
 *   FOREIGN     (as Arrow says)    what the reader found              passed through untouched
 *   DECIMAL     numeric            16 bytes (kernel/decimal.h)          none: inside expressions only
 *
 * A struct sl_type is a small value, copied freely; a FOREIGN type points at a shared, counted
 * description.
 */
#ifndef SL_ARROW_TYPE_H
#define SL_ARROW_TYPE_H

#include "base/compat.h"
#include "base/buf.h"
#include "base/err.h"

enum sl_kind {
    SL_BOOL = 1,
    SL_BIGINT,
    SL_DOUBLE,
    SL_NUMERIC,
    SL_TEXT,
    SL_BYTEA,
    SL_TIMESTAMPTZ, /* an instant */
    SL_WALLTIME,    /* what a clock on some wall shows: no zone, no instant */
    SL_DATE,
    SL_INTERVAL,
    SL_JSONB,
    SL_FOREIGN,
    SL_DECIMAL,
};

struct
    sl_foreign; /* arrow/foreign.h: an Arrow type that sluice carries but does not compute with */

struct sl_type {
    uint8_t kind;      /* enum sl_kind */
    uint8_t precision; /* NUMERIC: 1..38; DECIMAL: 1 = no digit may be lost, 0 = a quotient;
                          TEXT: 1 = see sl_type_valueless */
    int8_t scale;      /* NUMERIC: 0..precision */
    uint8_t nsec;      /* TIMESTAMPTZ, WALLTIME: 1 = nanoseconds, 0 = microseconds */
    struct sl_foreign *foreign;
};

struct sl_interval {
    int32_t months, days;
    int64_t nanos;
};

/* TEXT of a column that had no value when its type was settled: expressions cast it to what they need.
 * All else takes it for any other text. */
static inline struct sl_type sl_type_valueless(void)
{
    return (struct sl_type){.kind = SL_TEXT, .precision = 1};
}
static inline int sl_type_is_valueless(struct sl_type t)
{
    return t.kind == SL_TEXT && t.precision == 1;
}

enum { SL_NUMERIC64_MAX = 18, SL_NUMERIC_MAX = 38 };

static inline struct sl_type sl_type_of(enum sl_kind kind)
{
    return (struct sl_type){.kind = (uint8_t)kind};
}
static inline struct sl_type sl_type_numeric(int precision, int scale)
{
    return (struct sl_type){
        .kind = SL_NUMERIC, .precision = (uint8_t)precision, .scale = (int8_t)scale};
}

/* Bytes of one value in the PLAIN form; 0 for BOOL, TEXT, BYTEA, JSONB and FOREIGN. */
size_t sl_type_width(struct sl_type t);
/* 1 for TIMESTAMPTZ and WALLTIME: int64_t in the unit that nsec says. */
static inline int sl_type_is_stamp(struct sl_type t)
{
    return t.kind == SL_TIMESTAMPTZ || t.kind == SL_WALLTIME;
}
/* 1 for TEXT, BYTEA and JSONB: offsets and bytes. */
static inline int sl_type_is_bytes(struct sl_type t)
{
    return t.kind == SL_TEXT || t.kind == SL_BYTEA || t.kind == SL_JSONB;
}
int sl_type_equal(struct sl_type a, struct sl_type b);

/* SQL name: "numeric(12,2)", "timestamptz" ("timestamptz(9)" for ns), "timestamp", ... */
void sl_type_print(struct sl_type t, struct sl_buf *out);
/* The same for a message, cut where it is long: answers `name`. */
enum { SL_TYPE_NAME = 96 };
const char *sl_type_name(struct sl_type t, char name[SL_TYPE_NAME]);
/* Reads such a name, PostgreSQL's aliases too (int8, float8, varchar, decimal, bool,
 * timestamp with time zone, json). Case does not matter. numeric alone is numeric(38,9). Names that
 * promise a limit which no column keeps (integer, real, varchar(n), timestamptz(3)) are refused.
 * SL_EUSAGE with what to write instead, or the known names, as hint. */
int sl_type_parse(const char *s, size_t n, struct sl_type *out, struct sl_err *err);

/*
 * The narrowest type into which both go without loss. 1 and *out, or 0 if there is none (FOREIGN).
 *
 *   equal types                      themselves
 *   bigint, numeric(p,s)             numeric wide enough for 19 digits before the point
 *   numeric, numeric                 the larger scale and the larger integer part
 *   date, timestamptz                timestamptz
 *   date, timestamp                  timestamp
 *   timestamptz or timestamp us, ns  ns
 *   anything else that differs       text
 *
 * Beyond 38 digits numeric becomes text. bigint or numeric with double is text: which values a
 * double holds exactly is not to be seen from the types (inference in lib/text looks at values).
 */
int sl_type_widen(struct sl_type a, struct sl_type b, struct sl_type *out);

/* A FOREIGN type's description is counted: whoever keeps a type beyond the life of the column or
 * schema that it came from takes a reference. Nothing for the other kinds. */
struct sl_type sl_type_ref(struct sl_type t);
void sl_type_unref(struct sl_type t);

#endif

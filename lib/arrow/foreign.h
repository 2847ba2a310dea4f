/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * foreign: an Arrow type that sluice carries but does not compute with.
 *
 * The description is what the Arrow schema says of a field (type, parameters, children, custom
 * metadata), so that the encoder writes the same type again. Immutable once shared, counted.
 *
 * In memory a FOREIGN column is PLAIN or CONST, laid out by its shape, with 32-bit offsets whatever
 * the width on the wire:
 *
 *   shape    data                  offsets             children
 *   NONE     -                     -                   -            (Null: every row is null)
 *   BITS     bitmap                -                   -
 *   FIXED    rows * width bytes    -                   -
 *   BYTES    bytes                 rows + 1            -            (also large and view forms)
 *   LIST     -                     rows + 1            1            (also large, view; map)
 *   FIXLIST  -                     -                   1, rows * width rows
 *   STRUCT   -                     -                   n, each of rows
 *   SPARSE   int8 type ids         -                   n, each of rows         (union)
 *   DENSE    int8 type ids         rows: row in child  n
 *   RUNS     -                     -                   1: the values, one a row (run-end encoded)
 *
 * Children are FOREIGN columns too (whatever their Arrow type), PLAIN or CONST, never DICT:
 * dictionaries inside nested types are decoded to their values. A column of shape NONE is always
 * CONST. Unions have no validity of their own; that of RUNS is its child's.
 */
#ifndef SL_ARROW_FOREIGN_H
#define SL_ARROW_FOREIGN_H

#include <stdatomic.h>
#include "arrow/type.h"

/* Numbers of the flatbuffer union `Type` (Schema.fbs); fixed by the format. */
enum sl_arrow_type {
    SL_ARROW_NULL = 1,
    SL_ARROW_INT,
    SL_ARROW_FLOAT,
    SL_ARROW_BINARY,
    SL_ARROW_UTF8,
    SL_ARROW_BOOL,
    SL_ARROW_DECIMAL,
    SL_ARROW_DATE,
    SL_ARROW_TIME,
    SL_ARROW_TIMESTAMP,
    SL_ARROW_INTERVAL,
    SL_ARROW_LIST,
    SL_ARROW_STRUCT,
    SL_ARROW_UNION,
    SL_ARROW_FIXED_BINARY,
    SL_ARROW_FIXED_LIST,
    SL_ARROW_MAP,
    SL_ARROW_DURATION,
    SL_ARROW_LARGE_BINARY,
    SL_ARROW_LARGE_UTF8,
    SL_ARROW_LARGE_LIST,
    SL_ARROW_RUNS,
    SL_ARROW_BINARY_VIEW,
    SL_ARROW_UTF8_VIEW,
    SL_ARROW_LIST_VIEW,
    SL_ARROW_LARGE_LIST_VIEW,
};

enum sl_arrow_unit { SL_ARROW_SECOND, SL_ARROW_MILLI, SL_ARROW_MICRO, SL_ARROW_NANO };

enum sl_shape {
    SL_SHAPE_NONE,
    SL_SHAPE_BITS,
    SL_SHAPE_FIXED,
    SL_SHAPE_BYTES,
    SL_SHAPE_LIST,
    SL_SHAPE_FIXLIST,
    SL_SHAPE_STRUCT,
    SL_SHAPE_SPARSE,
    SL_SHAPE_DENSE,
    SL_SHAPE_RUNS,
};

enum { SL_FOREIGN_DEPTH = 64, SL_FOREIGN_CHILDREN = 16384 };

struct sl_foreign_pair { /* custom metadata; bytes, NUL-ended for convenience */
    char *key, *value;
    uint32_t key_len, value_len;
};

struct sl_foreign {
    atomic_int refs;
    uint8_t arrow;     /* enum sl_arrow_type */
    uint8_t shape;     /* enum sl_shape */
    uint8_t unit;      /* times: enum sl_arrow_unit; Float: 0 half, 1 single, 2 double; Interval: 0
                       year-month, 1 day-time, 2 month-day-nano; Date: 0 day, 1 ms; Union: 0 sparse,
                       1 dense */
    uint8_t is_signed; /* Int; Map: keys sorted */
    int32_t width;     /* FIXED: bytes of a value; FIXLIST: values of a row */
    int32_t bits;      /* Int, Decimal, Time: bit width as the schema says; RUNS: of run ends */
    int32_t precision, scale;
    char *zone; /* Timestamp: NULL = none */
    char *name; /* of the field that has this type, for children */
    int nullable;
    int npairs;
    struct sl_foreign_pair *pairs;
    int32_t *type_ids; /* Union: id of each child, NULL = 0, 1, 2... */
    int nchildren;
    struct sl_foreign **children;
    /* As read: dictionary-encoded with codes of this many bits, 0 = not. Neither is compared, nor
     * written: values are. */
    int64_t dict_id;
    uint8_t index_bits, index_signed;
    /* RUNS: the field of the run ends, kept for its name and metadata */
    struct sl_foreign *run_ends;
};

struct sl_foreign *sl_foreign_new(void); /* zeroed, one reference; NULL on failure */
struct sl_foreign *sl_foreign_ref(struct sl_foreign *f);
void sl_foreign_unref(struct sl_foreign *f); /* NULL is fine */
int sl_foreign_equal(const struct sl_foreign *a, const struct sl_foreign *b);
/* "list<item: int32>", for messages. */
void sl_foreign_print_type(const struct sl_foreign *f, struct sl_buf *out);
/* Child of a union that a type id means, or -1. */
int sl_foreign_union_child(const struct sl_foreign *f, int8_t id);

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * schema: names and types of columns, and what the stream as a whole says of itself.
 *
 * Immutable once shared, counted by references. Build with sl_schema_new and sl_schema_add, then
 * share. Hidden columns begin with '_' followed by a reserved name (`_wm`) and are not shown.
 *
 * Metadata is a list of key, value pairs of the Arrow schema's custom_metadata; those that sluice
 * itself gives meaning are below. Unknown ones are kept and passed on.
 */
#ifndef SL_ARROW_SCHEMA_H
#define SL_ARROW_SCHEMA_H

#include <stdatomic.h>
#include "arrow/type.h"

#define SL_META_FORMAT  "sluice.format" /* version of sluice-log(5): "1" */
#define SL_META_LOG     "sluice.log"    /* log id, 32 hex digits */
#define SL_META_TIME    "sluice.time"   /* name of the event-time column */
#define SL_META_KEY     "sluice.key"    /* key columns, comma-separated, and */
#define SL_META_HASH    "sluice.hash"   /* the partitioner: murmur2 | crc32 */
#define SL_META_MODE    "sluice.mode"   /* append | upsert */
#define SL_META_END     "sluice.end"    /* "required": the stream ends with an `end` message */
#define SL_META_LIVE    "sluice.live"   /* "1": the input has no end; D in µs follows */
#define SL_META_D       "sluice.out_of_order" /* µs; absent = infinite */
#define SL_META_ORDER   "sluice.order"        /* "hidden" or "shown": see arrow/hidden.h */
#define SL_META_PARTIAL "sluice.partial"      /* rows are states: see op/aggregate_parts.c */
#define SL_META_HINT    "sluice.hint"         /* for the person who sees the bytes */
#define SL_META_RUN     "sluice.run"          /* of a pipe that resumes: JSON, see flow/barrier.c */
#define SL_META_BRANCH  "sluice.branch"       /* ... that is split: which branch this is, from 1 */
#define SL_META_PLAN    "sluice.plan"         /* command lines so far, one a line */

enum { SL_COLUMNS_MAX = 65536 }; /* in a schema, whatever it comes from */

enum sl_why { SL_WHY_NUMBER, SL_WHY_TIME, SL_WHYS };

struct sl_field {
    char *name;
    struct sl_type type;
    /* Of text that was read: "'VALUE' at PLACE:LINE", the first value that is no number, and the first
     * that is no time. In a wider schema that a reader asks for: the value that made it so. NULL: not
     * known. */
    char *why[SL_WHYS];
};

struct sl_meta {
    char *key, *value;
};

struct sl_schema {
    atomic_int refs;
    int nfields, nmeta;
    struct sl_field *fields;
    struct sl_meta *meta;
    uint32_t *slots, nslots; /* of a wide schema: field numbers + 1 by the hash of the name */
    uint64_t seed;
};

/* For an assert at each door. */
static inline int sl_schema_is_sound(const struct sl_schema *s)
{
    return s && s->refs > 0 && s->nfields >= 0 && s->nfields <= SL_COLUMNS_MAX && s->nmeta >= 0 &&
           (s->fields || !s->nfields) && (s->meta || !s->nmeta);
}

struct sl_schema *sl_schema_new(void); /* NULL on failure */
struct sl_schema *sl_schema_ref(struct sl_schema *s);
void sl_schema_unref(struct sl_schema *s);
/* Deep copy, unshared, to build on. NULL on failure. */
struct sl_schema *sl_schema_copy(const struct sl_schema *s);

/* Only while unshared. 0 or -SL_ENOMEM; -SL_ESCHEMA if the name is taken or there are too many. name_len bytes of name.
 * */
int sl_schema_add(struct sl_schema *s, const char *name, size_t name_len, struct sl_type type,
                  struct sl_err *err);
/* Sets or replaces what a field says of a value, in an unshared schema. 0 or -SL_ENOMEM. */
int sl_schema_set_why(struct sl_schema *s, int field, enum sl_why which, const char *why);
/* Sets or replaces; value NULL removes. 0 or -SL_ENOMEM. */
int sl_schema_set_meta(struct sl_schema *s, const char *key, const char *value);
const char *sl_schema_meta(const struct sl_schema *s, const char *key); /* NULL if absent */

/* Exact name: index or -1. */
int sl_schema_find(const struct sl_schema *s, const char *name, size_t len);
/* As a user names it: exact, else in lower case, else unique without case. Index, or -SL_EUSAGE naming
 * the nearest column (hint). */
int sl_schema_lookup(const struct sl_schema *s, const char *name, size_t len, struct sl_err *err);
/* Index of the time column by SL_META_TIME, or -1. */
int sl_schema_time_index(const struct sl_schema *s);
/* Same names and types in the same order (metadata aside). */
int sl_schema_equal(const struct sl_schema *a, const struct sl_schema *b);
/* "a bigint, b text" : what --types reads. Names that need it are double-quoted. */
void sl_schema_print(const struct sl_schema *s, struct sl_buf *out);
void sl_schema_print_name(const char *name, struct sl_buf *out);
/* Reads such a list into an unshared schema. SL_EUSAGE. */
int sl_schema_parse(const char *s, size_t n, struct sl_schema **out, struct sl_err *err);
/* Picks the default time column by the rule of sluice(1): the only timestamptz, else the first of
 * ts, time, timestamp, @timestamp that is one. Index or -1. */
int sl_schema_guess_time(const struct sl_schema *s);
/* The first column of the names that a time usually has, whatever its type; -1 if none has. */
int sl_schema_usual_time(const struct sl_schema *s);
/* Adds to an error that no column is taken for the time: those that may be, and the way on. */
int sl_schema_hint_time(const struct sl_schema *s, struct sl_err *err);
/* Nearest of n candidates by edit distance (at most 1/3 of the length), or NULL. */
const char *sl_schema_nearest(const char *name, size_t len, const char *const *names, int n);

#endif

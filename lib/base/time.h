/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * time: instants, calendars and zones, without libc's hidden state.
 *
 * An instant is an int64 count of microseconds (or nanoseconds where said) since 1970-01-01 UTC, in
 * the proleptic Gregorian calendar. Zones are read from the system's TZif files (RFC 8536); none is
 * bundled. A zone object is immutable after opening and may be shared by threads.
 */
#ifndef SL_BASE_TIME_H
#define SL_BASE_TIME_H

#include "base/compat.h"
#include "base/err.h"

#define SL_USEC_PER_SEC 1000000LL
#define SL_USEC_PER_DAY 86400000000LL

/* a / b rounded towards minus infinity; b > 0. */
static inline int64_t sl_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}
/* An instant of nanoseconds (nsec) or microseconds in microseconds, rounded towards minus infinity. */
static inline int64_t sl_time_usec(int64_t v, int nsec)
{
    return nsec ? sl_floor_div(v, 1000) : v;
}

struct sl_zone;

struct sl_civil { /* wall-clock fields */
    int64_t year;
    int month, day;           /* 1..12, 1..31 */
    int hour, minute, second; /* second may be 60 on input only */
    int32_t nsec;
};

/* Opens "UTC", "+02:00" or an IANA name ("Europe/Berlin"). NULL with err filled if unknown. */
struct sl_zone *sl_zone_open(const char *name, struct sl_err *err);
/* The same from the bytes of a TZif file; name is for messages. */
struct sl_zone *sl_zone_from_tzif(const void *data, size_t n, const char *name, struct sl_err *err);
/* What `at time zone` names: a word that clocks show (EST, CET: it has no summer, as in PostgreSQL),
 * else as sl_zone_open. */
struct sl_zone *sl_zone_open_word(const char *name, struct sl_err *err);
/* Whether s is one of the words, which blanks separate, in whatever case. */
int sl_word_among(const char *words, const char *s, size_t n);
/* A word that clocks show for their zone, in any case: 1 and its seconds east of UTC. 0 if the word
 * is unknown, or stands for more than one offset. */
int sl_zone_word(const char *s, size_t n, int32_t *offset);
void sl_zone_free(struct sl_zone *z);
/* Seconds east of UTC at an instant (seconds since the epoch). z NULL = UTC. */
int32_t sl_zone_offset(const struct sl_zone *z, int64_t utc_sec);
/* Wall-clock seconds (as if UTC) to an instant. A clock that a gap leaves out is read as before the
 * gap, and so moves forward. Of two readings FIRST is where days begin and ranges start, LAST is how
 * PostgreSQL reads a value. */
enum sl_reading { SL_READING_FIRST, SL_READING_LAST };
int64_t sl_zone_to_utc(const struct sl_zone *z, int64_t local_sec, enum sl_reading which);

/* Days since 1970-01-01 of a civil date, and back. */
int64_t sl_time_days(int64_t year, int month, int day);
void sl_time_civil_from_days(int64_t days, int64_t *year, int *month, int *day);
/* Fields at an instant in UTC. */
void sl_time_to_civil(int64_t usec, struct sl_civil *out);

enum sl_time_flags {
    SL_TIME_HAS_ZONE = 1, /* text bore Z or an offset */
    SL_TIME_IS_DATE = 2,  /* only a date */
    SL_TIME_SUBNANO = 4,  /* more than 9 fraction digits, not zero beyond: they are cut off */
    SL_TIME_NO_ZONE = 8,  /* no time: the word at *nsec_rest in the text is no zone, or several */
};

/*
 * ISO 8601 / RFC 3339 / SQL text: YYYY-MM-DD[(T| )HH:MM[:SS[.fraction]][Z|+HH[:]MM| WORD]], WORD as
 * sl_zone_word. Whole slice.
 * Returns 1 and the instant in nanoseconds-safe form: *usec and *nsec_rest (0..999), and flags as
 * above; a zone-less time is read in zone (NULL = UTC). 0 if the text is no such time or out of
 * the range of int64 microseconds.
 */
int sl_time_parse_iso(const char *s, size_t n, const struct sl_zone *zone, int64_t *usec,
                      int *nsec_rest, int *flags);
/* The same, and the wall clock as the text shows it (counted as if UTC): a zone in the text is
 * checked, and left out, as PostgreSQL does for a timestamp. */
int sl_time_parse_wall(const char *s, size_t n, int64_t *usec, int *nsec_rest, int *flags);
/* dd/Mon/yyyy:HH:MM:SS +zzzz, as web servers write it. 1 or 0. */
int sl_time_parse_clf(const char *s, size_t n, int64_t *usec);
/*
 * strptime-like: %Y %m %d %H %M %S %f (fraction) %b %B %e %y %j %p %I %z %Z %a %A %s %T %F %D %R %n
 * %t %%; month and day names in English. %z and %Z both take an offset or a word; beside an offset any
 * word may stand. A year that the format lacks is the last one that puts the instant at or before
 * latest (of Feb 29, some leap year). 1 or 0.
 */
int sl_time_parse_format(const char *s, size_t n, const char *format, int64_t latest,
                         const struct sl_zone *zone, int64_t *usec, int *nsec_rest, int *flags);
enum sl_time_parts { SL_TIME_PART_YEAR = 1, SL_TIME_PART_MONTH = 2, SL_TIME_PART_ZONE = 4 };
/* What such a format reads; %s is all of it, %j stands for month and day. */
int sl_time_format_parts(const char *format);
/* The civil day of an instant in zone (days since 1970-01-01), and the last microsecond of one. */
int64_t sl_time_day_of(int64_t usec, const struct sl_zone *zone);
int64_t sl_time_day_end(int64_t day, const struct sl_zone *zone);
/* "5 s", "10 minutes", "1h", "250ms", "1 day": microseconds. 1 or 0; months and years are 0. */
int sl_time_parse_duration(const char *s, size_t n, int64_t *usec);

/* Printers: at least 64 bytes, no NUL, length returned. Instants print as 2026-01-02
 * 03:04:05.678+00 in SQL style, or as 2026-01-02T03:04:05.678Z; fraction digits only as needed, in
 * threes. zone NULL = UTC. */
enum sl_time_style { SL_TIME_SQL, SL_TIME_RFC3339 };
size_t sl_time_print(char *out, int64_t value, int is_nsec, enum sl_time_style style,
                     const struct sl_zone *zone);
/* A wall clock (counted as if UTC) in the same styles, without a zone. */
size_t sl_time_print_wall(char *out, int64_t value, int is_nsec, enum sl_time_style style);
/* 2026-01-02 from days since 1970-01-01. */
size_t sl_time_print_date(char *out, int32_t days);

int64_t sl_time_now_usec(void);  /* wall clock */
int64_t sl_time_mono_usec(void); /* for timers */

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * csv: the three steps from bytes to rows of fields: cut, index, rows.
 *
 * The index lists in order the positions behind each separator that counts (delimiter or line end
 * outside quotes). Rows that are regular (as many fields as expected, no quote) are described by
 * their part of the index; the others are parsed by libcsv into bytes of their own, laid out with
 * an index of the same shape, so that column passes meet one form only.
 */
#ifndef SL_TEXT_CSV_H
#define SL_TEXT_CSV_H

#include "base/compat.h"
#include "base/buf.h"
#include "base/err.h"
#include "text/csv_mask.h"
#include "text/text.h"

struct sl_csv_lines { /* line ends, those inside quotes too */
    size_t all;       /* in what was looked at */
    size_t whole;     /* of those, before the last record's end */
};
/* Bytes of the n at data up to the last record's end, or 0. Only those behind from are looked at;
 * *state is that at from, then that at n. */
size_t sl_csv_cut(enum sl_csv_level level, const char *data, size_t from, size_t n, char delim,
                  char eol, enum sl_csv_state *state, struct sl_csv_lines *lines);

struct sl_csv_index {
    uint32_t *seps;   /* seps[0] = 0, then the position behind each separator */
    size_t n, cap;    /* separators, without the first entry */
    uint32_t *quotes; /* numbers of the separators that end fields with quotes, ascending */
    size_t nquotes, cap_quotes;
    size_t records; /* separators that end a record */
    size_t eols;    /* line ends, those inside quotes too */
    int ascii;      /* no byte >= 0x80 */
};
/* Indexes whole records; 64 bytes behind n are readable. 0 or -SL_ENOMEM. */
int sl_csv_index(struct sl_csv_index *x, enum sl_csv_level level, const char *data, size_t n,
                 char delim, char eol, struct sl_err *err);
void sl_csv_index_release(struct sl_csv_index *x);

/* ---- rows ---- */

/* Where a record that was parsed on its own came from. */
struct sl_csv_origin {
    uint32_t byte, len;
};

/*
 * Rows of nf fields each: field c of row r is base[seps[r * nf + c] .. seps[r * nf + c + 1] - 1).
 * null, if set, has a byte per field: 1 = null (else a field is null iff it is empty, and a CR at
 * the end of the last field is the line end's). origin has an entry per row.
 */
struct sl_csv_run {
    const char *base;
    const uint32_t *seps;
    size_t rows;
    const uint8_t *null;
    const struct sl_csv_origin *origin;
    int quotes; /* fields that begin with a quote end with one, and hold none: strip them */
};

struct sl_csv_rows {
    struct sl_csv_run *runs;
    size_t nruns, cap_runs;
    size_t rows, skipped;
    int nf; /* fields in a row */
    /* records parsed by libcsv */
    struct sl_buf odd; /* their fields, a byte behind each */
    struct sl_csv_odd *parser;
    uint32_t *odd_seps;
    uint8_t *odd_null;
    struct sl_csv_origin *origins;
    size_t odd_fields, cap_fields, odd_rows, cap_rows;
};

/* What a row must be. */
struct sl_csv_shape {
    int nf;
    char delim, eol;
    const char *names_from; /* "the header" or "--types", for messages */
    int check_utf8;         /* the chunk holds invalid UTF-8: find the records */
    const uint8_t *bytea;   /* a byte per field: 1 = any bytes are welcome; NULL = none */
};
/* Rows from an index; rejects are appended without line numbers. */
int sl_csv_rows(struct sl_csv_rows *rows, const struct sl_csv_index *x, const char *data, size_t n,
                const struct sl_csv_shape *shape, struct sl_reject_list *rejects,
                struct sl_err *err);
void sl_csv_rows_release(struct sl_csv_rows *rows);
/* Bytes of the record that row r came from. */
void sl_csv_record(const struct sl_csv_rows *rows, size_t r, const char *data, size_t n,
                   size_t *byte, size_t *len);
/* The same of every row. */
void sl_csv_records(const struct sl_csv_rows *rows, const char *data, size_t n,
                    struct sl_csv_origin *out);

/* ---- one record by libcsv ---- */

enum sl_csv_fault { SL_CSV_FINE, SL_CSV_OPEN_QUOTE, SL_CSV_BEHIND_QUOTE };
/* Checks the quoting of a record (without its line end); *field: 1-based field of the fault. */
enum sl_csv_fault sl_csv_check(const char *s, size_t n, char delim, int *field);
/* Parses a record whose quoting is fine: appends its fields to rows->odd, odd_seps and odd_null.
 * The number of fields, or < 0. */
int sl_csv_odd_record(struct sl_csv_rows *rows, const char *s, size_t n, char delim,
                      struct sl_err *err);
void sl_csv_odd_free(struct sl_csv_odd *o);

#endif

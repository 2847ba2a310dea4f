/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text: records of text to batches, and batches to text.
 *
 * Reading has three steps, so that the heavy one runs on any thread:
 *   cut     (serial, cheap) says how many of the bytes at hand are whole records
 *   settle  (once) reads the header, infers types from a sample: the schema
 *   decode  (parallel) turns whole records into a batch, with a list of rejected records
 * A reader is immutable between settle calls. A value that does not fit an inferred type makes
 * its row a reject; of who can change the schema decode asks for a wider one instead (SL_TEXT_WIDEN),
 * which sl_text_widen takes before the chunk is decoded again.
 *
 * Types that are inferred: boolean (true/false), bigint, numeric, double, date, timestamptz, text,
 * jsonb. Nothing is inferred that would lose something: 007, +1, 20-digit numbers and 1e3x are text.
 *
 * CSV: a quote opens a field only as its first byte; elsewhere it is data; text behind a closing
 * quote, a quote never closed, and a record with too few or too many fields are rejects. An empty
 * field is null, "" is empty text. Blank lines are skipped, but in files of one column, where they
 * are null. Names that repeat get _2, _3, ...; empty ones are c and their number.
 * JSON: objects become dotted columns (SL_JSON_FLATTEN levels, see text_reader.h), arrays jsonb, missing
 * keys null; a row with a key that comes twice is a reject; the last column is `_rest`, an object of the keys
 * that have no column (writers leave it out while it is null, and JSON adds its members to the row).
 * Columns that are not wanted are not looked at: what is in them rejects no row.
 */
#ifndef SL_TEXT_TEXT_H
#define SL_TEXT_TEXT_H

#include "base/compat.h"
#include "arrow/batch.h"
#include "base/time.h"

enum sl_text_format {
    SL_TEXT_NONE,
    SL_TEXT_CSV,      /* RFC 4180, any one-byte delimiter */
    SL_TEXT_TSV,      /* tab-separated; quotes as in CSV */
    SL_TEXT_JSON,     /* one value a line (NDJSON) */
    SL_TEXT_COMBINED, /* Apache combined log */
    SL_TEXT_COMMON,   /* Apache common log */
    SL_TEXT_REGEX,    /* PCRE2 with named groups */
    SL_TEXT_LINES,    /* one column `line` */
    SL_TEXT_TABLE,    /* output only: aligned for people */
    SL_TEXT_ARROW,    /* frames: not handled here, named so that -I and -O have one list */
};

/* Formats that are read as text, for messages. */
#define SL_TEXT_READABLE "csv, tsv, json, combined, common, lines or regex:PATTERN"

/* "csv", "tsv", "json" ("ndjson", "jsonl"), "combined", "common", "lines", "table", "arrow",
 * "regex:PATTERN" (*pattern points behind the colon). SL_EUSAGE with the known names. */
int sl_text_format_parse(const char *name, enum sl_text_format *format, const char **pattern,
                         struct sl_err *err);
const char *sl_text_format_name(enum sl_text_format f);
/* By suffix of a file name without compression suffixes (.gz, .zst, ...); SL_TEXT_NONE if none. */
enum sl_text_format sl_text_format_of_path(const char *path);
/* By first bytes: Arrow, JSON ('{'), CSV or TSV (a consistent delimiter), combined; else NONE. */
enum sl_text_format sl_text_format_of_bytes(const char *data, size_t n);

/* The name of an encoding in which text is not read, by a mark or by zero bytes beside each other
 * character: "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32"; NULL = none of them. */
const char *sl_text_foreign_encoding(const char *data, size_t n);
/* < 0 if the first bytes are those of a file that is no text, and that people have: zip, Parquet. */
int sl_text_foreign_file(const char *data, size_t n, struct sl_err *err);

struct sl_text_options {
    enum sl_text_format format;
    const char *pattern; /* REGEX */
    char delimiter;      /* CSV: 0 = found in the first record (, ; tab |) and said */
    int no_header;       /* columns are c1, c2, ... */
    int header;      /* a first row is one, even of numbers only; neither: that is taken for data */
    int several;     /* files follow: --types may name columns of theirs */
    int may_grow;    /* ... and new columns of theirs, and of JSON, may be added */
    int max_columns; /* JSON: so many without `_rest`, and those of types and fixed in any case;
                        further keys stay in `_rest`. 0 = SL_TEXT_MAX_COLUMNS, < 0 = no more */
    const struct sl_schema *types; /* declared with --types; NULL = none. Others are inferred */
    const struct sl_schema
        *fixed;                 /* whole schema given (a destination's, or --resume): no inference,
                                       but values may still ask to widen */
    const char *time_column;    /* --time */
    const char *time_format;    /* --time-format: strptime form, syslog, or epoch:s|ms|us|ns */
    int64_t latest;             /* µs: times without a year are the last at or before it */
    int latest_said;            /* ... as the user says; else it is an assumption */
    const struct sl_zone *zone; /* for zone-less times; NULL = UTC (noted) */
    const uint8_t *raw;         /* bit per column: keep as text, byte for byte (may be NULL) */
    /* Appends where a line of the sample stands: v.csv:12. NULL = nobody knows. */
    void (*place)(void *arg, int64_t line, struct sl_buf *out);
    void *place_arg;
    struct sl_account *account;
};

enum { SL_TEXT_MAX_COLUMNS = 4096 };

struct sl_text_reader;

/* SL_EUSAGE for a bad pattern and the like. */
int sl_text_reader_new(const struct sl_text_options *o, struct sl_text_reader **out,
                       struct sl_err *err);
void sl_text_reader_free(struct sl_text_reader *r);

/* ---- cut ---- */

/* State of cutting between calls; zero it at the start of each file. */
struct sl_text_cut {
    uint64_t quoted; /* inside a quoted field at the end of the last call */
    size_t scanned;  /* bytes at the front of data already looked at */
    int64_t passed;  /* line ends in those */
    int64_t lines;   /* answer: line ends in the whole records */
};
/*
 * Of the n bytes at data (which begin at a record), how many are whole records; with at_end the
 * last record need not end in a newline. 0: none whole yet. The next call's data begins behind what
 * this one answered. A record has SL_TEXT_RECORD_MAX bytes at most, without its line's end: who reads
 * sees to it.
 */
enum { SL_TEXT_RECORD_MAX = 16 << 20 };
size_t sl_text_cut(const struct sl_text_reader *r, struct sl_text_cut *c, const char *data,
                   size_t n, int at_end);
/* Where the first record of the n bytes at data ends, which may have begun before: 0 = not there. c, all
 * zeros at the record's begin, keeps the state between calls; its lines are those of the record so
 * far. Slower than sl_text_cut. */
size_t sl_text_record_end(const struct sl_text_reader *r, struct sl_text_cut *c, const char *data,
                          size_t n);
/* After that: 1 if a quoted field is open. */
int sl_text_cut_quoted(const struct sl_text_cut *c);

/* ---- settle ---- */

/*
 * Infers the schema from whole records at the start of the first file: *header_len bytes of it are
 * the header (BOM included), to be skipped before decode. May be called again with a longer sample
 * before the first decode. For several files: later files' headers are given to sl_text_header.
 */
int sl_text_settle(struct sl_text_reader *r, const char *data, size_t n, size_t *header_len,
                   struct sl_err *err);
/* Bytes at the front of a file of CSV or TSV that come before its first record: a BOM, a line `sep=;`. */
size_t sl_text_preamble(const char *data, size_t n);
enum sl_text_format sl_text_reader_format(const struct sl_text_reader *r);
/* Whether the first record of CSV or TSV is numbers only; delim 0 = to be found. */
int sl_text_is_numbers(const char *data, size_t n, char delim);
/* Whether a file begins with a header: as said, or, once settled, as its first row tells. */
int sl_text_has_header(const struct sl_text_reader *r);
/* 1 if the form of the event time has no year, so that a chunk's `latest` matters. */
int sl_text_lacks_year(const struct sl_text_reader *r);
struct sl_schema *sl_text_schema(struct sl_text_reader *r); /* borrowed */
/* After settling, before the first decode: columns with a bit are only copied to text in the format
 * `to`. Between CSV and TSV they become text that keeps every byte, from JSON to JSON jsonb that does;
 * the others, and all of them where neither is the case, go back to what they settled as. Declared
 * columns and the event time keep their types. */
int sl_text_set_raw(struct sl_text_reader *r, enum sl_text_format to, const uint8_t *columns,
                    struct sl_err *err);
/* After settling, before the first decode: the type of a column stays whatever comes, and values that
 * do not fit are rejects. Why: it is the log's key or its time (null is a reject too), or something
 * reads it, and what that makes of a value must not depend on the values behind it. COMPARED: it may
 * become a wider numeric, and nothing else. */
enum sl_pin { SL_PIN_NONE, SL_PIN_KEY, SL_PIN_TIME, SL_PIN_READ, SL_PIN_COMPARED };
void sl_text_pin(struct sl_text_reader *r, int column, enum sl_pin why);
/* What was assumed and not declared: format, delimiter, zone, and the --types line; for stderr. Columns
 * of numbers or of times that few other values made text are named, each in a line of its own. */
void sl_text_assumed(const struct sl_text_reader *r, struct sl_buf *out);
/* The --types line as it is by now; nothing if no type was inferred. */
void sl_text_assumed_types(const struct sl_text_reader *r, struct sl_buf *out);

/* Column order of a file after the first: maps its header onto the schema by name. *map is an
 * opaque, counted description given to decode; *header_len as above. Formats without header: NULL
 * and 0. New columns: decode asks for them by SL_TEXT_WIDEN when they have a value, or, without
 * may_grow, -SL_ESCHEMA names the --types. A header that shares no name with the schema is refused. */
struct sl_text_map;
int sl_text_header(struct sl_text_reader *r, const char *data, size_t n, const char *place,
                   struct sl_text_map **map, size_t *header_len, struct sl_err *err);
/* After the last row: a column that --types names and no file (JSON: no row) had, or NULL. */
const char *sl_text_unseen(const struct sl_text_reader *r);
struct sl_text_map *sl_text_map_ref(struct sl_text_map *m); /* NULL is fine */
void sl_text_map_unref(struct sl_text_map *m);

/* ---- decode ---- */

/* A bad row: a record that became no row, or a row that an operator could not take. */
struct sl_reject {
    int64_t line; /* 1-based line in the file; 0 or less: not known */
    int64_t byte; /* offset of its record in the chunk; -1: it has none, or nobody knows */
    size_t len;   /* of the record */
    int64_t
        row; /* physical, of the batch that the chunk became; -1: it is in no batch, or not known */
    int64_t partition, offset; /* where it lies in a log; -1: not known */
    int column;                /* 1-based field, 0 = the row as a whole */
    char *column_name;         /* or NULL */
    char *reason;
    char *
        raw; /* a row of an operator as a JSON object; NULL: it is a record, the bytes of the chunk */
    struct sl_buffer *header; /* names its fields; NULL: as those of the whole chunk */
};
struct sl_reject_list {
    size_t n, cap;
    struct sl_reject *items;
    int64_t records; /* decode adds here: records seen, of any fate (rows + rejects + skipped) */
    int64_t skipped; /* records that are neither rows nor rejects: blank lines */
};
void sl_reject_list_release(struct sl_reject_list *l);
/* Appends a record without line number. 0 or -SL_ENOMEM. */
int sl_text_reject(struct sl_reject_list *l, size_t byte, size_t len, int column, const char *name,
                   struct sl_err *err, const char *fmt, ...) SL_PRINTF(7, 8);
/* The same for len bytes at data + byte that are not UTF-8. keeps: as a column of bytea they could be
 * read. */
int sl_text_reject_bytes(struct sl_reject_list *l, const char *data, size_t byte, size_t len,
                         int column, int keeps, struct sl_err *err);

enum sl_text_result { SL_TEXT_OK = 0, SL_TEXT_WIDEN = 1 };

struct sl_text_chunk {
    const char *data; /* whole records; 64 readable bytes behind n; n < 2 GiB */
    size_t n;
    int64_t first_line; /* 1-based line number of the first record in its file */
    int64_t latest;     /* see struct sl_text_options */
    const uint8_t
        *wanted;    /* bit per column of the schema: others come out as CONST null; NULL = all */
    int64_t number; /* of the chunk, in the order of the input, from 1 on; 0 = not known */
    struct sl_text_map *map; /* NULL for the first file */
    const char *place;       /* its file, for what is said of a value */
    struct sl_account *account;
};
/* Per-thread scratch of decode. */
struct sl_text_scratch;
struct sl_text_scratch *sl_text_scratch_new(struct sl_err *err);
void sl_text_scratch_free(struct sl_text_scratch *s);

/*
 * SL_TEXT_OK: *out is the batch (all records but the rejected), rejects appended, *lines the number
 * of lines of the chunk. SL_TEXT_WIDEN, if wider is not NULL: *wider would hold the chunk (a
 * reference). < 0: only for lack of memory and bugs; bad input is never an error here.
 */
int sl_text_decode(const struct sl_text_reader *r, struct sl_text_scratch *s,
                   const struct sl_text_chunk *chunk, struct sl_batch **out,
                   struct sl_reject_list *rejects, int64_t *lines, struct sl_schema **wider,
                   struct sl_err *err);
struct sl_text_place {  /* of a row */
    int64_t line, byte; /* 1-based line in the file, offset in the chunk */
    size_t len;         /* without the line's end */
};
/* Where each row of the batch stands that a chunk was decoded to with these rejects, by the reader as
 * it is: malloc'ed. Slow: it splits the chunk once more. */
int sl_text_locate(const struct sl_text_reader *r, const struct sl_text_chunk *chunk,
                   const struct sl_reject_list *rejects, struct sl_text_place **places, size_t *n,
                   struct sl_err *err);
/* 1, once: a key that could be a column went to `_rest`, for there are max_columns. One thread asks. */
int sl_text_is_full(struct sl_text_reader *r);
/* Changes the reader's schema to a wider one (no decode may be running). The columns that it has
 * must stay; formats other than JSON keep their order, with new columns behind them. said gets a line
 * for each column that is wider now, once, and once more when it is text; NULL:
 * nobody asks. */
int sl_text_widen(struct sl_text_reader *r, struct sl_schema *wider, struct sl_buf *said,
                  struct sl_err *err);

/* ---- write ---- */

struct sl_text_writer;
struct sl_text_write_options {
    enum sl_text_format format; /* CSV, TSV, JSON, TABLE */
    char delimiter;             /* 0 = , */
    int no_header;
    int width;                  /* TABLE: terminal columns, 0 = do not cut */
    int spreadsheet_safe;       /* CSV: ' before = + - @ */
    const uint8_t *columns;     /* JSON: those with a bit are written; NULL = all */
    const struct sl_zone *zone; /* times are shown in it; NULL = UTC */
};
/* The column that rows leave out as long as it is null (`_rest`), -1 = none: it is no column of the
 * text. */
int sl_text_hidden_column(const struct sl_schema *schema);
/* schema: a reference is taken. SL_EUSAGE for a format that is not written. */
int sl_text_writer_new(const struct sl_text_write_options *o, struct sl_schema *schema,
                       struct sl_text_writer **out, struct sl_err *err);
void sl_text_writer_free(struct sl_text_writer *w);
/* Appends the batch's rows to out. TABLE holds rows back until widths are known (flush or end). */
int sl_text_write(struct sl_text_writer *w, struct sl_batch *b, struct sl_buf *out,
                  struct sl_err *err);
/* What can be shown now: the rows that a TABLE held back, whose widths then stay. */
int sl_text_write_flush(struct sl_text_writer *w, struct sl_buf *out, struct sl_err *err);
/* Header of an empty CSV, the last rows of a table. */
int sl_text_write_end(struct sl_text_writer *w, struct sl_buf *out, struct sl_err *err);
/* CSV, TSV, JSON: formats a batch without the header into out on any thread (write = header once,
 * then this). */
int sl_text_format_rows(const struct sl_text_writer *w, struct sl_batch *b, struct sl_buf *out,
                        struct sl_err *err);

/* ---- compressed input, through libarchive, opened on first use ---- */

enum sl_compression { SL_RAW, SL_GZIP, SL_ZSTD, SL_OTHER_COMPRESSED };
/* By first bytes; 6 of them are enough. */
enum sl_compression sl_compression_of_bytes(const uint8_t *data, size_t n);
struct sl_decompressor;
/* read() gives compressed bytes: > 0, 0 at the end, < 0 with err. */
struct sl_decompressor *sl_decompressor_new(int (*read)(void *arg, void *data, size_t n,
                                                        struct sl_err *err),
                                            void *arg, const char *place, struct sl_err *err);
void sl_decompressor_free(struct sl_decompressor *d);
/* Plain bytes: > 0, 0 at the end, < 0 (truncated input is SL_EFORMAT). */
int64_t sl_decompressor_read(struct sl_decompressor *d, void *data, size_t n, struct sl_err *err);
/* Compresses a whole output stream: "gz" or "zst". Compressed bytes are appended to out; the stream is
 * whole after end. */
struct sl_compressor;
struct sl_compressor *sl_compressor_new(const char *suffix, struct sl_err *err);
int sl_compressor_write(struct sl_compressor *c, const void *data, size_t n, struct sl_buf *out,
                        struct sl_err *err);
int sl_compressor_end(struct sl_compressor *c, struct sl_buf *out, struct sl_err *err);
void sl_compressor_free(struct sl_compressor *c);

#endif

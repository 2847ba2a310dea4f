/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_reader: what the parts of the text reader share (not for use outside lib/text).
 *
 * Every format is brought to one shape: rows of fields, each field a span of bytes with flags.
 * CSV keeps its index (text/csv.h) and makes spans 64 at a time; the others fill a matrix of spans.
 * Column passes (value.c, text_column.c) then parse a column at a time.
 */
#ifndef SL_TEXT_TEXT_READER_H
#define SL_TEXT_TEXT_READER_H

#include "base/compat.h"
#include "base/mem.h"
#include "text/csv.h"
#include "text/text.h"

enum {
    SL_TEXT_DOUBLE_DIGITS = 15, /* every number of so many comes back from a double */
    SL_TEXT_BLOCK = 64,
    SL_TEXT_COLUMNS_MAX = SL_COLUMNS_MAX - 1,
    SL_TEXT_SLACK = 64
};

enum sl_span_flags {
    SL_SPAN_NULL = 1,
    SL_SPAN_STRING = 2, /* a JSON string: only text, times and declared types take it */
    SL_SPAN_NUMBER = 4, /* other JSON tokens */
    SL_SPAN_BOOL = 8,
    SL_SPAN_NESTED = 16, /* array or object, raw */
    SL_SPAN_UNSET = 32,  /* null, because the record has said nothing of the field yet */
};

/* One field. 16 bytes behind it are readable. */
struct sl_span {
    const char *p;
    uint32_t len;
    uint32_t flags;
};

enum sl_text_time { /* how times of a column are written */
                    SL_TIME_ISO,
                    SL_TIME_CLF,
                    SL_TIME_EPOCH_S,
                    SL_TIME_EPOCH_MS,
                    SL_TIME_EPOCH_US,
                    SL_TIME_EPOCH_NS,
                    SL_TIME_STRPTIME,
};

enum sl_text_said { SL_SAID_WIDER = 1, SL_SAID_TEXT = 2 };

struct sl_text_missing { /* what times leave out */
    const struct sl_zone *zone;
    int64_t latest; /* the year: see struct sl_text_options */
};

struct sl_text_column {
    struct sl_type type;    /* what decode makes */
    struct sl_type settled; /* the same without raw */
    struct sl_type first;   /* what it settled as, or was added as: it may be wider by now */
    uint8_t declared;       /* --types or the format says so: never widened */
    uint8_t raw;
    uint8_t event_time; /* null is a reject */
    uint8_t pinned;     /* enum sl_pin: its type stays, what does not fit is a reject */
    uint8_t seen;       /* a later file has it; JSON: a row had it (set by any thread) */
    uint8_t said;       /* enum sl_text_said: what was said of it */
    uint8_t
        few_odd; /* 1 + enum sl_why: many of its values are such, and the first of the others is why
                         * it is text */
    uint8_t time;       /* enum sl_text_time */
    const char *format; /* STRPTIME; borrowed from the reader */
    int field;          /* of the first file's records, -1 = not there; JSON: unused */
};

/* What whole numbers and numerics of a column were like: a column becomes double precision only if
 * none before had more than 15 significant digits. Chunks by their number, INT64_MAX = none. Workers
 * write here as they meet such values, in any order. */
struct sl_text_digits {
    _Atomic int64_t many; /* the first chunk with a value of more digits */
    _Atomic int64_t asks; /* the first one that wants to make the column double precision */
};

/* A later file's header. Columns that the schema gained since are found by name, decode by decode. */
struct sl_text_map {
    atomic_int refs;
    int serial;  /* of the reader's maps, from 1 */
    int nfields; /* in a record */
    int ncolumns;
    int *field;   /* of column c, -1 = not there */
    int nunknown; /* fields that no column stood for when the header was read */
    int *unknown;
    char **names; /* theirs */
};

struct sl_text_regex;
struct sl_json_keys;

struct sl_text_reader {
    struct sl_text_options o; /* strings copied below */
    char *pattern, *time_column, *time_format;
    struct sl_schema *types, *fixed;
    struct sl_schema *schema; /* NULL before settle */
    struct sl_text_column *columns;
    struct sl_text_digits *digits; /* of each column */
    int ncolumns;
    int nfields;          /* in a record of the first file */
    int generation;       /* grows whenever columns change */
    int maps;             /* made so far */
    char delim, eol;      /* delim 0 = not known yet */
    uint8_t is_bare;      /* CSV has no header: as said, or since its first row is numbers only */
    uint8_t has_sep_line; /* the delimiter is what it says */
    uint8_t delim_found, header_renamed, zone_assumed, lacks_year, is_full_said;
    struct sl_text_regex *regex;
    struct sl_json_keys *keys;
};

/* A column of text being built as a dictionary; lives across chunks. */
struct sl_text_dict;

struct sl_text_scratch {
    const struct sl_text_reader *reader; /* what the column state below belongs to */
    int generation;
    int map;    /* serial of the map that the next two come from, 0 = none */
    int *field; /* of each column, in the records of the chunk; -1 = not there */
    int nnew;   /* fields of the map's unknown ones that still have no column, */
    int *fresh; /* as numbers of those */
    int cap_field, cap_fresh;
    struct sl_csv_index index;
    struct sl_csv_rows rows;
    uint8_t *bytea; /* per field, for CSV with invalid UTF-8 */
    int cap_bytea;
    /* matrix formats */
    struct sl_buffer *matrix; /* of spans; belongs to this scratch alone */
    struct sl_csv_origin *origins;
    size_t cap_origins;
    struct sl_arena arena; /* unescaped strings */
    struct sl_buf buf, buf2;
    struct sl_text_dict **dicts;
    int ndicts;
    struct sl_regex_work *match; /* text_regex.c */
    uint32_t *after;             /* json_read.c: the key that followed each key last time */
    size_t cap_after;
    struct sl_json_line *line; /* json_read.c: what goes on from line to line of a chunk */
    uint64_t *bad;             /* bit per row that was rejected by a column */
    size_t cap_bad;
};

/* The parsed chunk: rows of fields. */
struct sl_text_rows {
    size_t rows, skipped;
    size_t lines;
    int nf;
    const struct sl_csv_rows *csv;       /* or */
    const struct sl_span *matrix;        /* rows x nf */
    const struct sl_csv_origin *origins; /* per row of the matrix */
};

/* Position of a column pass within the runs of a CSV chunk. */
struct sl_text_cursor {
    const struct sl_text_rows *rows;
    int field;
    size_t run, in_run; /* CSV */
    size_t row;
};

/* Bytes of the record that a row came from; data: the n bytes of the chunk. */
void sl_text_record(const struct sl_text_rows *rows, size_t row, const char *data, size_t n,
                    size_t *byte, size_t *len);
/* The next n (at most SL_TEXT_BLOCK) spans of a field. */
void sl_text_gather(struct sl_text_cursor *c, struct sl_span *out, size_t n);

/* ---- rejects.c ---- */

/* Sorts items[from..] by byte and fills their lines. */
void sl_text_reject_lines(struct sl_reject_list *l, size_t from, const char *data, char eol,
                          int64_t first_line);
/* Frees all but the first n. */
void sl_text_reject_cut(struct sl_reject_list *l, size_t n);

/* ---- infer.c ---- */

enum sl_text_class { /* bits: what the values of a column looked like */
                     SL_CLASS_BOOL = 1,
                     SL_CLASS_INT = 2,
                     SL_CLASS_DECIMAL = 4,
                     SL_CLASS_EXPONENT = 8,
                     SL_CLASS_DATE = 16,
                     SL_CLASS_TIME = 32,
                     SL_CLASS_TEXT = 64,
                     SL_CLASS_NESTED = 128,
};
struct sl_text_guess {
    uint32_t seen; /* enum sl_text_class */
    int int_digits, scale;
    int exp_digits, exp_scale; /* the same of numbers with an exponent, written without it */
    int vast;    /* some number with an exponent has too many digits to be written so */
    int nsec;    /* some time has digits below the microsecond */
    int far;     /* some time or date is beyond what nanoseconds reach */
    int inexact; /* some number is not exactly a double */
    int zoneless;
    int64_t at;   /* of the next value, as the caller counts: from 1 on */
    int64_t same; /* values in front that were all numbers, or all times */
    struct sl_text_odd {
        struct sl_span value;
        int64_t at; /* 0: there was none */
    } odd[SL_WHYS]; /* the first value that is no number, and the first that is no time */
};
/* One more value of the column; null spans count for nothing. */
void sl_text_guess_add(struct sl_text_guess *g, const struct sl_span *v,
                       const struct sl_zone *zone);
/* tight: the smallest numeric that holds the values; else one with room to grow. */
struct sl_type sl_text_guess_type(const struct sl_text_guess *g, int tight);
/* What all values of a field look like; at: the number of the row, from 1 on. */
struct sl_text_guess sl_text_guess_field(const struct sl_text_reader *r,
                                         const struct sl_text_rows *rows, int field);

/* "'VALUE' at PLACE:LINE", shortened, into out. place NULL: "'VALUE' in line LINE". */
void sl_text_why(struct sl_buf *out, const struct sl_span *v, const char *place, int64_t line);

/* The option that declares these columns, quoted for a shell. */
void sl_text_add_types(struct sl_buf *out, const struct sl_schema *s);

/* A number in the form that inference takes. */
struct sl_number {
    int digits;   /* before the point */
    int fraction; /* digits behind it */
    int exponent; /* 1 = has one */
};
/* 1, or 0: no number of that form (007 and +1 are none). */
int sl_text_number(const char *s, size_t n, struct sl_number *out);
/* 1 if the nearest double prints as the same number. */
int sl_text_exact_double(const char *s, size_t n);
/* A number with an exponent as it is written without one, no zeros at its end: 1e-3 as 0.001. Its
 * length, at most SL_TEXT_PLAIN; 0 if it has more digits than a numeric. */
enum { SL_TEXT_PLAIN = 80 };
size_t sl_text_plain_number(const char *s, size_t n, char *out);
/* Significant digits of a number. */
size_t sl_text_significant(const char *s, size_t n);

/* ---- value.c ---- */

extern const uint64_t sl_text_keep[9];
/* Eight bytes as a word, the first one lowest. */
static inline uint64_t sl_text_load8(const char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

/* Parses up to 64 values of a column into dst (BOOL: one word of bits); returns the bits of rows
 * that hold a value; rows without that are neither null spans must be rejected or widen. */
typedef uint64_t sl_text_kernel(const struct sl_text_column *c, const struct sl_text_missing *m,
                                const struct sl_span *v, size_t n, void *dst);
/* By type and form of the column; columns of bytes have none (text_column.c). */
sl_text_kernel *sl_text_kernel_of(const struct sl_text_column *c);

/* ---- slow.c: any value that a kernel does not take: 1 parsed into dst (BOOL: an int), 0 = does
 * not fit ---- */
int sl_text_value(const struct sl_text_column *c, const struct sl_text_missing *m,
                  const struct sl_span *v, void *dst);
/* The word for which a time was not taken, since it is no zone, or that of several; else NULL. */
const char *sl_text_no_zone(const struct sl_text_column *c, const struct sl_text_missing *m,
                            const struct sl_span *v, size_t *len);

/* ---- became.c: the text, into out, of a value in a column that became text. 1, or 0: the value
 * is text as it stands. ---- */
int sl_text_as_before(const struct sl_text_column *c, const struct sl_text_missing *m,
                      const struct sl_span *v, struct sl_buf *out);
static inline int sl_text_became(const struct sl_text_column *c)
{
    return c->type.kind == SL_TEXT && !c->raw && !sl_type_is_bytes(c->first);
}

/* ---- text_column.c ---- */

struct sl_text_pass { /* builds one column of bytes */
    struct sl_text_dict *dict;
    struct sl_account *account;
    struct sl_type type;
    size_t rows;
    struct sl_buffer *codes;          /* dictionary form */
    int32_t known;                    /* values in the dictionary when the pass began */
    struct sl_buffer *offsets, *data; /* plain form */
    size_t used;
};
/* dict: the dictionary that a worker keeps for the column from batch to batch; made on first use, and
 * left alone for a while when too many values differ. block: the next n values, from row `row` on. */
int sl_text_pass_begin(struct sl_text_pass *p, struct sl_text_dict **dict, struct sl_type type,
                       size_t rows, struct sl_account *account, struct sl_err *err);
int sl_text_pass_block(struct sl_text_pass *p, size_t row, const struct sl_span *v, size_t n,
                       struct sl_err *err);
/* The column without valid. */
struct sl_column *sl_text_pass_end(struct sl_text_pass *p, struct sl_err *err);
void sl_text_pass_release(struct sl_text_pass *p);
void sl_text_dict_free(struct sl_text_dict *d);

/* ---- csv_map.c ---- */

/* The field of a column in records of the file that a map is of (NULL: of the first), -1 = not there. */
int sl_text_field_of(const struct sl_text_reader *r, const struct sl_text_map *map, int column);
/* Fills s->field, and s->fresh with the fields for which the schema has no column. */
int sl_text_place(const struct sl_text_reader *r, struct sl_text_scratch *s,
                  const struct sl_text_map *map, struct sl_err *err);
/* The schema *wider (NULL: r's) with a column for each fresh field that has a value in these rows. */
int sl_text_add_fresh(const struct sl_text_reader *r, const struct sl_text_scratch *s,
                      const struct sl_text_map *map, const struct sl_text_rows *rows,
                      struct sl_schema **wider, struct sl_err *err);

/* ---- text_rows.c, json_read.c, json_keys.c: matrix formats: fill s->matrix, s->origins and *rows; 0 or < 0 ---- */

/* Room for one more row of nf spans; pointer to them (all null and unset) or NULL. */
struct sl_span *sl_text_matrix_row(struct sl_text_scratch *s, size_t row, int nf,
                                   struct sl_account *account);

int sl_text_json_rows(const struct sl_text_reader *r, struct sl_text_scratch *s,
                      const struct sl_text_chunk *chunk, struct sl_text_rows *rows,
                      struct sl_reject_list *rejects, struct sl_schema **wider, struct sl_err *err);
/* Names (borrowed from r->keys) and types of the columns in a sample; both arrays are freed by the
 * caller. */
int sl_text_json_settle(struct sl_text_reader *r, const char *data, size_t n, const char ***names,
                        struct sl_type **types, int *nf, struct sl_err *err);
/* Whether the reader has all the columns that it may have. */
int sl_text_json_full(const struct sl_text_reader *r);
/* Key tree for the present columns. */
int sl_text_json_columns(struct sl_text_reader *r, struct sl_err *err);
void sl_text_json_free(struct sl_json_keys *k);

/* ---- json_keys.c: keys by their dotted path ---- */

enum {
    SL_JSON_FLATTEN = 16,
    SL_JSON_KEY_MAX = 1024
}; /* deeper objects are jsonb; bytes of a path */

struct sl_json_node {
    const char *path;
    uint32_t len;
    uint32_t parent;
    int column; /* -1 = none */
    uint64_t hash;
    int leaf;  /* has had values of its own */
    int whole; /* declared jsonb: an object is its value, and no further keys */
    struct sl_text_guess guess;
};
struct sl_json_keys {
    struct sl_arena arena;
    struct sl_json_node *nodes; /* 0 is the root */
    uint32_t n, cap;
    uint32_t *table; /* node + 1; 0 = free */
    uint32_t mask;
    int rest;        /* column of _rest, -1 = none */
    atomic_int left; /* a key was left in _rest for want of columns */
};
/* Whether a key below a parent can be a column by its name. */
int sl_json_keys_usable(const struct sl_json_keys *k, uint32_t parent, const char *key, size_t len);
/* A tree of nothing but the root. NULL: no memory. */
struct sl_json_keys *sl_json_keys_new(void);
/* The node of a key below a parent, made if there is none. UINT32_MAX: no memory. */
uint32_t sl_json_keys_get(struct sl_json_keys *k, uint32_t parent, const char *key, size_t len);
/* The same, 0 if there is none. */
uint32_t sl_json_keys_find(const struct sl_json_keys *k, uint32_t parent, const char *key,
                           size_t len);
/* Objects under keys that types declares as jsonb are values. 0 or < 0. */
int sl_json_keys_declare(struct sl_json_keys *k, const struct sl_schema *types, struct sl_err *err);
/* Reads whole lines and adds what they hold to the guesses; bad lines are passed over. */
int sl_json_keys_discover(struct sl_json_keys *k, const char *data, size_t n,
                          const struct sl_zone *zone, struct sl_err *err);

/* ---- text_regex.c, access_log.c, text_rows.c: formats whose record is a line ---- */

/* Splits one record (no line end) into nf spans; 1, 0 = no match (reason filled), < 0. */
typedef int sl_text_splitter(const struct sl_text_reader *r, struct sl_text_scratch *s,
                             const char *p, size_t n, struct sl_span *out, const char **reason,
                             struct sl_err *err);
/* All records of a chunk through a splitter. */
int sl_text_split_rows(const struct sl_text_reader *r, struct sl_text_scratch *s,
                       const struct sl_text_chunk *chunk, sl_text_splitter *split,
                       struct sl_text_rows *rows, struct sl_reject_list *rejects,
                       struct sl_err *err);
int sl_text_split_regex(const struct sl_text_reader *r, struct sl_text_scratch *s, const char *p,
                        size_t n, struct sl_span *out, const char **reason, struct sl_err *err);
int sl_text_split_access(const struct sl_text_reader *r, struct sl_text_scratch *s, const char *p,
                         size_t n, struct sl_span *out, const char **reason, struct sl_err *err);

/* A compiled pattern with at least one named group: SL_EUSAGE says at which character it is wrong. Its
 * fields are its named groups in their order. */
int sl_text_regex_new(const char *pattern, struct sl_text_regex **out, struct sl_err *err);
void sl_text_regex_free(struct sl_text_regex *x);
int sl_text_regex_fields(const struct sl_text_regex *x);
const char *sl_text_regex_field_name(const struct sl_text_regex *x, int i);
/* Field names of access logs; combined has SL_ACCESS_COMBINED of them. */
enum { SL_ACCESS_COMMON = 9, SL_ACCESS_COMBINED = 11 };
extern const char *const sl_text_access_names[SL_ACCESS_COMBINED];

/* ---- settle.c ---- */

/* Begins r->digits for the columns that have just settled (text_reader.c). */
int sl_text_count_digits(struct sl_text_reader *r, struct sl_err *err);
/* Rows of a chunk in any format; wider as for sl_text_decode. */
int sl_text_parse_rows(const struct sl_text_reader *r, struct sl_text_scratch *s,
                       const struct sl_text_chunk *chunk, struct sl_text_rows *rows,
                       struct sl_reject_list *rejects, struct sl_schema **wider,
                       struct sl_err *err);
/* ---- csv_header.c ---- */

/* Delimiter of the first record, and how its lines end: format.c. A record that comes in pieces is looked
 * at again with each of them, and each delimiter is a pass: the first bytes tell. */
enum { SL_CSV_SNIFFED = 256 << 10 };
char sl_csv_sniff_delim(const char *data, size_t n, char eol);
char sl_csv_sniff_eol(const char *data, size_t n);
/* Length of a line `sep=;` at the front of a file, with the BOM before it and its end; *delim is the
 * character that it names. 0: there is no such line. */
size_t sl_csv_sep_line(const char *data, size_t n, char *delim);
/* Field names of a first record: malloc'ed strings. Duplicates get _2, empty ones are cN.
 * *header_len: bytes of BOM, sep= line and header. renamed counts changes. */
struct sl_csv_names {
    char **names;
    int n;
    int renamed;
    int numbers; /* fields that are numbers, */
    int words;   /* and those that are neither numbers nor empty */
};
int sl_csv_names_read(const char *data, size_t n, char delim, char eol, int no_header,
                      const char *place, struct sl_csv_names *out, size_t *header_len,
                      struct sl_err *err);
void sl_csv_names_release(struct sl_csv_names *n);
/* A schema whose field i is the i-th name: finds it in a wide input. The names differ. NULL. */
struct sl_schema *sl_text_name_table(const char *const *names, int n, struct sl_err *err);

/* How often a line ends in [from, to); eol 0: not known yet, a line feed. */
static inline int64_t sl_text_lines(char eol, const char *from, const char *to)
{
    int64_t n = 0;
    while (from < to && (from = memchr(from, eol ? eol : '\n', (size_t)(to - from))) != NULL) {
        n++;
        from++;
    }
    return n;
}

/* Bytes of the mark that some put before UTF-8: 3 or 0. */
static inline size_t sl_text_bom(const char *data, size_t n)
{
    return n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

#endif

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* text_writer: what the text writers share (not for use outside lib/text). */
#ifndef SL_TEXT_TEXT_WRITER_H
#define SL_TEXT_TEXT_WRITER_H

#include "base/compat.h"
#include "arrow/batch.h"
#include "base/buf.h"
#include "text/text.h"

struct sl_text_table;

struct sl_text_writer {
    struct sl_text_write_options o;
    struct sl_schema *schema;
    char delim;
    int header_done;
    int rest;            /* column _rest, -1 = none */
    int rest_shown;      /* CSV, TSV: the header has it */
    struct sl_buf *keys; /* JSON: `"name":` of each column */
    struct sl_text_table *table;
};

/* Where text is written: room is asked for, then bytes are stored without checks. */
struct sl_text_out {
    struct sl_buf *b;
    char *p, *end;
};
static inline void sl_text_out_open(struct sl_text_out *o, struct sl_buf *b)
{
    *o = (struct sl_text_out){b, NULL, NULL};
}
/* 0, or -1 when memory ran out. */
int sl_text_out_grow(struct sl_text_out *o, size_t n);
static inline int sl_text_out_room(struct sl_text_out *o, size_t n)
{
    return SL_LIKELY((size_t)(o->end - o->p) >= n) ? 0 : sl_text_out_grow(o, n);
}
void sl_text_out_close(struct sl_text_out *o);

/* A loaded column, ready to be printed row by row. */
struct sl_text_cells {
    const struct sl_column *c;
    const struct sl_column *h; /* holder of values: c, or its dictionary */
    const int32_t *codes;      /* DICT */
    size_t fixed;              /* CONST: 0 is the only slot */
    uint8_t kind;
    int skip;
    /* values of a dictionary as they are written, one after the other */
    struct sl_buf text;
    uint32_t *at;
};

typedef int sl_put_bytes(const struct sl_text_writer *w, struct sl_text_out *o, const char *s,
                         size_t n);
/* A value of a type that has no fast printer, by put. */
int sl_text_cell_other(const struct sl_text_writer *w, struct sl_text_out *o,
                       const struct sl_text_cells *x, size_t row, sl_put_bytes *put);
/* Prepares all columns of a batch; dictionaries are written out once by put, if it is given. */
int sl_text_cells_open(const struct sl_text_writer *w, struct sl_batch *b, sl_put_bytes *put,
                       struct sl_text_cells **out, struct sl_err *err);
void sl_text_cells_close(struct sl_text_cells *cells, int n);
static inline int sl_text_cell_null(const struct sl_text_cells *x, size_t row)
{
    return x->c->valid && !sl_bit(x->c->valid, x->fixed ? 0 : row);
}
static inline size_t sl_text_cell_slot(const struct sl_text_cells *x, size_t row)
{
    return x->codes ? (size_t)x->codes[row] : x->fixed ? 0 : row;
}
/* Prints a value that is no TEXT or JSONB and not null, 64 bytes of room or less. */
void sl_text_cell_print(const struct sl_text_writer *w, struct sl_text_out *o,
                        const struct sl_text_cells *x, size_t slot, enum sl_time_style style);
/* Kinds that sl_text_cell_print does; others are printed through sl_column_print. */
static inline int sl_text_cell_plain(uint8_t kind)
{
    return kind == SL_BOOL || kind == SL_BIGINT || kind == SL_DOUBLE || kind == SL_NUMERIC ||
           kind == SL_TIMESTAMPTZ || kind == SL_WALLTIME || kind == SL_DATE;
}

/* csv_write.c, json_write.c, table_write.c: each appends to out, 0 or < 0. */
int sl_csv_header(struct sl_text_writer *w, struct sl_buf *out, struct sl_err *err);
int sl_csv_rows_write(const struct sl_text_writer *w, struct sl_batch *b, struct sl_buf *out,
                      struct sl_err *err);
int sl_json_keys_write(struct sl_text_writer *w, struct sl_err *err);
int sl_json_rows_write(const struct sl_text_writer *w, struct sl_batch *b, struct sl_buf *out,
                       struct sl_err *err);
struct sl_text_table *sl_text_table_new(struct sl_text_writer *w, struct sl_err *err);
void sl_text_table_free(struct sl_text_table *t);
int sl_text_table_write(struct sl_text_table *t, struct sl_batch *b, struct sl_buf *out,
                        struct sl_err *err);
int sl_text_table_flush(struct sl_text_table *t, int at_end, struct sl_buf *out,
                        struct sl_err *err);

#endif

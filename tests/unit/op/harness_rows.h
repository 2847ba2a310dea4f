/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * harness_rows: the rows of the contract test, and the many ways to cut them into batches.
 *
 * Row i of partition p is a pure function of (p, i), which its columns _partition and _offset
 * say. Every fifth row is a ghost that no run may see:
 * it is left out of a batch, or in it and not selected. Rows have nulls in every column but ts (null
 * in a few), times that run backwards by up to a minute, NaN, -0, and texts that repeat.
 */
#ifndef SL_TESTS_OP_HARNESS_ROWS_H
#define SL_TESTS_OP_HARNESS_ROWS_H

#include <math.h>
#include "arrow/builder.h"
#include "arrow/hidden.h"
#include "base/hash.h"
#include "base/time.h"

enum form { FORM_PLAIN, FORM_DICT, FORM_CONST, FORM_LAZY, FORM_SELECTION, FORMS };

enum { PARTITIONS = 3, ROWS = 60 }; /* rows of each partition, ghosts included */
#define ROWS_START 1772928000000000 /* 2026-03-08 00:00 UTC: clocks change in New York that day */
#define ROWS_D     (20 * SL_USEC_PER_SEC)

enum { C_TS, C_K, C_D, C_N, C_X, C_P, C_W, C_B, C_PART, C_OFF, C_WM, COLUMNS };
static const char *const row_names[COLUMNS] = {
    "ts", "k", "d", "n", "x", "p", "w", "b", SL_HIDDEN_PARTITION, SL_HIDDEN_OFFSET, SL_HIDDEN_WM};

static inline struct sl_type row_type(int c)
{
    switch (c) {
    case C_TS:
    case C_WM: return sl_type_of(SL_TIMESTAMPTZ);
    case C_K:
    case C_D: return sl_type_of(SL_TEXT);
    case C_PART:
    case C_OFF:
    case C_N: return sl_type_of(SL_BIGINT);
    case C_X: return sl_type_of(SL_DOUBLE);
    case C_P: return sl_type_numeric(12, 2);
    case C_W: return sl_type_numeric(30, 3);
    default: return sl_type_of(SL_BOOL);
    }
}

/* Of several inputs: column b is called b1, b2 ... on those behind the first. */
static inline struct sl_schema *input_schema(int with_wm, int input)
{
    struct sl_schema *s = sl_schema_new();
    char own[16];
    snprintf(own, sizeof(own), "b%d", input);
    for (int c = 0; s && c < COLUMNS - !with_wm; c++) {
        const char *name = c == C_B && input ? own : row_names[c];
        if (sl_schema_add(s, name, strlen(name), row_type(c), NULL) < 0)
            goto fail;
    }
    if (s && sl_schema_set_meta(s, SL_META_TIME, "ts") == 0 &&
        sl_schema_set_meta(s, SL_META_ORDER, "hidden") == 0)
        return s;
fail:
    sl_schema_unref(s);
    return NULL;
}

static inline struct sl_schema *rows_schema(int with_wm)
{
    return input_schema(with_wm, 0);
}

static inline uint64_t row_hash(int p, int i, int c)
{
    return sl_hash_u64((uint64_t)(p * 1000003 + i * 101 + c), 12345);
}

static inline int row_ghost(int p, int i)
{
    return (p + i) % 5 == 4;
}

static inline int row_null(int p, int i, int c)
{
    if (c == C_TS)
        return row_hash(p, i, 77) % 23 == 0;
    return row_hash(p, i, c + 50) % 6 == 0;
}

static inline int64_t row_ts(int p, int i)
{
    return ROWS_START + i * 7 * SL_USEC_PER_SEC -
           (int64_t)(row_hash(p, i, C_TS) % 60) * SL_USEC_PER_SEC;
}

/* Greatest event time before row i of the partition, ghosts aside, less D; 0 if there is none. */
static inline int row_wm(int p, int i, int64_t *wm)
{
    int any = 0;
    *wm = SL_TIME_MIN;
    for (int k = 0; k < i; k++) {
        if (row_ghost(p, k) || row_null(p, k, C_TS))
            continue;
        *wm = SL_MAX(*wm, row_ts(p, k) - ROWS_D);
        any = 1;
    }
    return any;
}

static inline void row_append(struct sl_builder *b, int c, int p, int i)
{
    static const char *const words[] = {"", "alpha", "beta", "gamma", "a somewhat longer text"};
    static const double doubles[] = {0.0, -0.0, NAN, 1e300, -1e300, 0.1, 1e-300, 3.5};
    uint64_t h = row_hash(p, i, c);
    int64_t wm;

    if (c == C_PART || c == C_OFF) {
        sl_builder_int(b, c == C_PART ? p : i);
        return;
    }
    if (c == C_WM) {
        if (row_wm(p, i, &wm))
            sl_builder_int(b, wm);
        else
            sl_builder_null(b);
        return;
    }
    if (row_null(p, i, c)) {
        sl_builder_null(b);
        return;
    }
    switch (c) {
    case C_TS: sl_builder_int(b, row_ts(p, i)); break;
    case C_K: sl_builder_bytes(b, words[h % 5], strlen(words[h % 5])); break;
    case C_D: sl_builder_bytes(b, words[h % 3], strlen(words[h % 3])); break;
    case C_N: sl_builder_int(b, (int64_t)(h % 21) - 10); break;
    case C_X: sl_builder_double(b, h % 3 ? (double)(h % 1000) / 7 : doubles[h / 8 % 8]); break;
    case C_P: sl_builder_int(b, (int64_t)(h % 100000)); break;
    case C_W: sl_builder_int128(b, (sl_int128)(int64_t)h * (h % 2 ? 1000003 : 7)); break;
    default: sl_builder_bool(b, (int)(h & 1));
    }
}

/* ---- forms ---- */

struct lazy_rows {
    struct sl_lazy lazy;
    struct sl_column *column;
};

static int lazy_load(struct sl_lazy *l, struct sl_column *c, struct sl_err *err)
{
    struct sl_column *from = ((struct lazy_rows *)l)->column;
    (void)err;
    c->form = from->form;
    c->valid = from->valid;
    c->data = from->data;
    c->offsets = from->offsets;
    c->dict = from->dict ? sl_column_ref(from->dict) : NULL;
    for (int i = 0; i < SL_COLUMN_OWNERS; i++)
        c->owner[i] = sl_buffer_ref(from->owner[i]);
    return 0;
}

static void lazy_free(struct sl_lazy *l)
{
    sl_column_unref(((struct lazy_rows *)l)->column);
    free(l);
}

static inline struct sl_column *make_lazy(struct sl_column *c)
{
    struct sl_column *out = sl_column_new(c->type, c->rows);
    struct lazy_rows *l = calloc(1, sizeof(*l));
    l->lazy.load = lazy_load;
    l->lazy.free = lazy_free;
    l->column = c;
    out->form = SL_LAZY;
    out->lazy = &l->lazy;
    return out;
}

/* A one-row column, or one of equal values, as CONST. */
static inline struct sl_column *make_const(struct sl_column *c, int equal)
{
    struct sl_column *plain = sl_column_plain(c, NULL, NULL);
    sl_column_unref(c);
    if (plain->rows == 1 || (equal && plain->rows))
        plain->form = SL_CONST;
    return plain;
}

/* A bigint or timestamp column as codes into a dictionary of all its rows, backwards. */
static inline struct sl_column *make_dict(struct sl_column *c)
{
    if (c->form != SL_PLAIN || (c->type.kind != SL_BIGINT && c->type.kind != SL_TIMESTAMPTZ) ||
        !c->rows)
        return c;
    struct sl_column *out = sl_column_new(c->type, c->rows);
    struct sl_column *dict = sl_column_new(c->type, c->rows);
    struct sl_buffer *codes = sl_buffer_new(NULL, c->rows * 4);
    struct sl_buffer *values = sl_buffer_new(NULL, c->rows * 8);
    for (size_t i = 0; i < c->rows; i++) {
        size_t at = c->rows - 1 - i;
        ((int32_t *)codes->data)[i] = c->valid && !sl_bit(c->valid, i) ? 0 : (int32_t)at;
        ((int64_t *)values->data)[at] = ((const int64_t *)c->data)[i];
    }
    dict->owner[1] = values;
    dict->data = values->data;
    out->form = SL_DICT;
    out->owner[0] = sl_buffer_ref(c->owner[0]);
    out->valid = c->valid;
    out->owner[1] = codes;
    out->data = codes->data;
    out->dict = dict;
    sl_column_unref(c);
    return out;
}

/* ---- batches ---- */

/* n rows of a partition from row `from` on (ghosts only if the form selects). */
static inline struct sl_batch *make_input_rows(int input, int p, const int *rows, size_t n,
                                               enum form form, int with_wm)
{
    struct sl_schema *s = input_schema(with_wm, input);
    size_t physical = form == FORM_SELECTION && n ? (size_t)(rows[n - 1] - rows[0]) + 1 : n;
    struct sl_batch *b = sl_batch_new(s, physical);
    for (int c = 0; c < s->nfields; c++) {
        struct sl_builder build;
        sl_builder_init(&build, row_type(c), NULL, form == FORM_DICT || form == FORM_SELECTION);
        for (size_t k = 0; k < physical; k++)
            row_append(&build, c, p, form == FORM_SELECTION ? rows[0] + (int)k : rows[k]);
        struct sl_column *col = sl_builder_finish(&build, NULL);
        sl_builder_release(&build);
        if (form == FORM_DICT)
            col = make_dict(col);
        if (form == FORM_CONST || (form == FORM_PLAIN && c == C_PART))
            col = make_const(col, c == C_PART);
        if (form == FORM_LAZY)
            col = make_lazy(col);
        b->columns[c] = col;
    }
    sl_schema_unref(s);
    if (form != FORM_SELECTION || !n)
        return b;
    struct sl_buffer *sel = sl_buffer_new(NULL, n * 4);
    for (size_t k = 0; k < n; k++)
        ((uint32_t *)sel->data)[k] = (uint32_t)(rows[k] - rows[0]);
    struct sl_batch *selected = sl_batch_select(b, sel, n, NULL);
    sl_batch_unref(b);
    return selected;
}

static inline struct sl_batch *make_batch_rows(int p, const int *rows, size_t n, enum form form,
                                               int with_wm)
{
    return make_input_rows(0, p, rows, n, form, with_wm);
}

/* ---- a feed: batches in some order ---- */

struct feed {
    int partitions, order, with_wm;
    size_t cut;
    enum form form;
    int inputs;           /* more than one: partition p comes by input p */
    int at[PARTITIONS];   /* next row */
    int rows[PARTITIONS]; /* how many there are */
    int ended[PARTITIONS];
    int turn;
    int64_t wm[PARTITIONS];
    int64_t watermark; /* behind the batch that was given */
};

static inline void feed_init(struct feed *f, int partitions, size_t cut, int order, enum form form,
                             int with_wm)
{
    memset(f, 0, sizeof(*f));
    f->partitions = partitions;
    f->cut = cut;
    f->order = order;
    f->form = form;
    f->with_wm = with_wm;
    for (int p = 0; p < PARTITIONS; p++) {
        f->rows[p] = ROWS;
        f->wm[p] = SL_TIME_MIN;
    }
}

static inline int feed_pick(struct feed *f)
{
    for (int tries = 0; tries < 64; tries++) {
        int p = f->turn;
        if (f->order == 0)
            p = tries;
        else if (f->order == 2)
            p = f->partitions - 1 - tries;
        else if (f->order == 3)
            p = (int)(row_hash(f->turn, tries, 5) % (uint64_t)f->partitions);
        f->turn = f->order == 1 ? (f->turn + 1) % f->partitions : f->turn + (f->order == 3);
        if (p < 0 || p >= f->partitions)
            break;
        if (f->at[p] < f->rows[p])
            return p;
    }
    for (int p = 0; p < f->partitions; p++)
        if (f->at[p] < f->rows[p])
            return p;
    return -1;
}

/* The next batch of a partition that has rows left. */
static inline struct sl_batch *feed_take(struct feed *f, int p)
{
    int rows[ROWS] = {0};
    size_t n = 0;
    for (; f->at[p] < f->rows[p] && n < f->cut; f->at[p]++)
        if (!row_ghost(p, f->at[p]))
            rows[n++] = f->at[p];
    while (f->at[p] < f->rows[p] && row_ghost(p, f->at[p]))
        f->at[p]++;
    struct sl_batch *b = make_input_rows(f->inputs > 1 ? p : 0, p, rows, n, f->form, f->with_wm);
    int64_t least = SL_TIME_MAX;
    if (n)
        row_wm(p, rows[n - 1] + 1, &f->wm[p]);
    for (int q = 0; q < f->partitions; q++)
        if (!f->ended[q])
            least = SL_MIN(least, f->wm[q]);
    f->watermark = f->with_wm ? least : SL_TIME_MIN;
    return b;
}

/* The next batch, NULL at the end. */
static inline struct sl_batch *feed_next(struct feed *f)
{
    int p = feed_pick(f);
    return p < 0 ? NULL : feed_take(f, p);
}

#endif

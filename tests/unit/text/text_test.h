/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* text_test: reads text in one go and gives it back as text, for tests. */
#ifndef SL_TESTS_TEXT_TEST_H
#define SL_TESTS_TEXT_TEST_H

#include "../test.h"
#include "base/buf.h"
#include "base/mem.h"
#include "text/text.h"

struct reading {
    struct sl_text_options o;
    struct sl_text_reader *r;
    struct sl_text_scratch *s;
    struct sl_reject_list rejects;
    struct sl_buf out;     /* rows as text */
    struct sl_buf schema;  /* as --types reads it */
    struct sl_buf assumed; /* what was taken for granted */
    struct sl_err err;
    enum sl_text_format to; /* 0: CSV */
    int narrow;
    size_t piece;  /* bytes given to cut at once, 0 = all */
    size_t sample; /* bytes to settle on, 0 = all */
    int64_t lines, rows;
    int widened;
};

/* A copy with 64 readable bytes behind it. */
static inline char *slack_copy(const char *s, size_t n)
{
    char *p = malloc(n + 64);
    if (p) {
        memcpy(p, s, n);
        memset(p + n, 0, 64);
    }
    return p;
}

static inline int decode_piece(struct reading *t, struct sl_text_writer **w, const char *data,
                               size_t n)
{
    for (int tries = 0; tries < 10; tries++) {
        char *copy = slack_copy(data, n);
        struct sl_batch *b = NULL;
        struct sl_schema *wider = NULL;
        int64_t lines = 0;
        struct sl_text_chunk c = {.data = copy, .n = n, .first_line = 1 + t->lines};
        int rc = sl_text_decode(t->r, t->s, &c, &b, &t->rejects, &lines, t->narrow ? NULL : &wider,
                                &t->err);
        free(copy);
        if (rc == SL_TEXT_WIDEN) {
            t->widened++;
            rc = sl_text_widen(t->r, wider, NULL, &t->err);
            sl_schema_unref(wider);
            sl_text_writer_free(*w);
            *w = NULL;
            if (rc < 0)
                return rc;
            continue;
        }
        if (rc < 0)
            return rc;
        t->lines += lines;
        t->rows += (int64_t)b->selected;
        struct sl_text_write_options wo = {.format = t->to ? t->to : SL_TEXT_CSV, .no_header = 1};
        if (!*w)
            rc = sl_text_writer_new(&wo, sl_text_schema(t->r), w, &t->err);
        if (rc >= 0)
            rc = sl_text_write(*w, b, &t->out, &t->err);
        sl_batch_unref(b);
        return rc;
    }
    return -1;
}

/* Reads all of data; 0 or < 0. */
static inline int reading_run(struct reading *t, const char *data, size_t n)
{
    size_t header = 0, at, piece = t->piece ? t->piece : n, sample = n;
    struct sl_text_cut cut = {0};
    struct sl_text_writer *w = NULL;
    int rc = sl_text_reader_new(&t->o, &t->r, &t->err);
    if (rc < 0)
        return rc;
    t->s = sl_text_scratch_new(&t->err);
    if (!t->s)
        return -SL_ENOMEM;
    if (t->sample && t->sample < n) {
        size_t k = sl_text_cut(t->r, &cut, data, t->sample, 0);
        sample = k ? k : n;
        cut = (struct sl_text_cut){0};
    }
    char *copy = slack_copy(data, sample);
    rc = sl_text_settle(t->r, copy, sample, &header, &t->err);
    free(copy);
    if (rc < 0)
        return rc;
    t->lines = 0;
    for (size_t i = 0; i < header; i++)
        t->lines += data[i] == '\n';
    at = header;
    size_t give = piece;
    while (at < n && rc >= 0) {
        size_t k = SL_MIN(give, n - at);
        size_t whole = sl_text_cut(t->r, &cut, data + at, k, at + k == n);
        if (whole == 0) {
            give += piece;
        } else {
            rc = decode_piece(t, &w, data + at, whole);
            at += whole;
            give = piece;
        }
    }
    sl_text_writer_free(w);
    sl_schema_print(sl_text_schema(t->r), &t->schema);
    sl_text_assumed(t->r, &t->assumed);
    return rc;
}

static inline void reading_free(struct reading *t)
{
    sl_reject_list_release(&t->rejects);
    sl_text_reader_free(t->r);
    sl_text_scratch_free(t->s);
    sl_buf_release(&t->out);
    sl_buf_release(&t->schema);
    sl_buf_release(&t->assumed);
}

static inline const char *text_of(const struct sl_buf *b)
{
    return b->data ? b->data : "";
}

/* Reads `in` and checks the rows (as CSV, or as to says), and the schema if it is not NULL. */
#define CHECK_READ(t, in, rows_, schema_)                                                          \
    do {                                                                                           \
        const char *in_ = (in);                                                                    \
        const char *want_schema_ = (schema_);                                                      \
        CHECK_INT(reading_run(&(t), in_, strlen(in_)), 0);                                         \
        if ((t).err.code)                                                                          \
            printf("# %s\n", (t).err.what);                                                        \
        CHECK_STR(text_of(&(t).out), rows_);                                                       \
        if (want_schema_)                                                                          \
            CHECK_STR(text_of(&(t).schema), want_schema_);                                         \
    } while (0)

#endif

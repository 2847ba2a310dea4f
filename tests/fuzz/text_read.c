/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * fuzz: any bytes through a reader of any format, and back out through every writer. However the
 * input is cut, rows and rejects are as many as records, and each row is found again in its text.
 *
 * tests/fuzz/check builds and runs it.
 */
#include <stdlib.h>
#include "base/mem.h"
#include "text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void die_if(int wrong)
{
    if (wrong)
        abort();
}

static void write_all(struct sl_batch *b)
{
    static const enum sl_text_format formats[] = {SL_TEXT_CSV, SL_TEXT_TSV, SL_TEXT_JSON,
                                                  SL_TEXT_TABLE};
    for (size_t i = 0; i < SL_COUNT(formats); i++) {
        struct sl_text_write_options o = {.format = formats[i], .width = 40, .spreadsheet_safe = 1};
        struct sl_text_writer *w = NULL;
        struct sl_buf out = SL_BUF_INIT;
        die_if(sl_text_writer_new(&o, b->schema, &w, NULL) < 0);
        die_if(sl_text_write(w, b, &out, NULL) < 0);
        die_if(sl_text_write_end(w, &out, NULL) < 0);
        sl_text_writer_free(w);
        sl_buf_release(&out);
    }
}

/* Rows stand in their order, none where a rejected record does. */
static void locate(const struct sl_text_reader *r, const struct sl_text_chunk *c,
                   const struct sl_batch *b, const struct sl_reject_list *rejects)
{
    struct sl_text_place *places = NULL;
    size_t n = 0;
    die_if(sl_text_locate(r, c, rejects, &places, &n, NULL) < 0 || n != b->rows);
    for (size_t i = 0; i < n; i++) {
        die_if((size_t)places[i].byte + places[i].len > c->n || places[i].line < 1);
        die_if(i && (places[i].byte <= places[i - 1].byte || places[i].line < places[i - 1].line));
        for (size_t k = 0; k < rejects->n && n < 100; k++)
            die_if(places[i].byte == rejects->items[k].byte);
    }
    free(places);
}

/* Decodes one piece, widening as asked; its rows and rejects. */
static void decode(struct sl_text_reader *r, struct sl_text_scratch *s, const char *data, size_t n,
                   int narrow)
{
    for (int tries = 0;; tries++) {
        struct sl_reject_list rejects = {0};
        struct sl_batch *b = NULL;
        struct sl_schema *wider = NULL;
        int64_t lines = 0;
        struct sl_text_chunk c = {
            .data = data, .n = n, .first_line = 1, .latest = 1700000000000000};
        int rc = sl_text_decode(r, s, &c, &b, &rejects, &lines, narrow ? NULL : &wider, NULL);
        die_if(rc < 0 || tries > 8 || (rc == SL_TEXT_WIDEN && narrow));
        if (rc == SL_TEXT_OK) {
            die_if(rejects.records != (int64_t)(b->selected + rejects.n) + rejects.skipped);
            for (size_t i = 0; i < rejects.n; i++)
                die_if((size_t)rejects.items[i].byte + rejects.items[i].len > n ||
                       !rejects.items[i].reason || rejects.items[i].line < 1);
            locate(r, &c, b, &rejects);
            write_all(b);
        } else {
            die_if(sl_text_widen(r, wider, NULL, NULL) < 0);
        }
        sl_schema_unref(wider);
        sl_batch_unref(b);
        sl_reject_list_release(&rejects);
        if (rc == SL_TEXT_OK)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static const enum sl_text_format formats[] = {SL_TEXT_CSV,      SL_TEXT_TSV,    SL_TEXT_JSON,
                                                  SL_TEXT_COMBINED, SL_TEXT_COMMON, SL_TEXT_JSON,
                                                  SL_TEXT_LINES,    SL_TEXT_REGEX};
    if (size < 2)
        return 0;
    struct sl_text_options o = {.format = formats[input[0] & 7],
                                .pattern = "^(?<a>\\w+)[ ,]*(?<b>.*?)(?<c>\\d*)$",
                                .no_header = input[0] >> 3 & 1,
                                .may_grow = !(input[0] >> 4 & 1)};
    if (input[0] >> 5 & 1) {
        o.time_column = o.format == SL_TEXT_REGEX ? "b" : o.format == SL_TEXT_LINES ? "line" : "c1";
        o.time_format = input[0] >> 6 & 1 ? "syslog" : "%b %e %j %H:%M:%S.%f %p %Z %y";
        o.no_header = 1;
    }
    int narrow = input[0] >> 4 & 1;
    size_t n = size - 2, at, header = 0, sample = n * input[1] / 255;
    char *data = malloc(n + 64);
    struct sl_text_reader *r = NULL;
    struct sl_text_scratch *s = sl_text_scratch_new(NULL);
    struct sl_text_cut cut = {0};
    memcpy(data, input + 2, n);
    memset(data + n, 0, 64);
    die_if(sl_text_reader_new(&o, &r, NULL) < 0);
    size_t k = sl_text_cut(r, &cut, data, sample, sample == n);
    die_if(k > sample);
    if (k == 0)
        k = (int64_t)n;
    if (sl_text_settle(r, data, (size_t)k, &header, NULL) < 0)
        goto out;
    cut = (struct sl_text_cut){0};
    for (at = header; at < n;) {
        size_t give = SL_MIN(n - at, (size_t)1 + input[1] * 4u);
        for (k = 0; k == 0;) {
            k = sl_text_cut(r, &cut, data + at, give, at + give == n);
            die_if(k > give || (k == 0 && at + give == n));
            give = SL_MIN(n - at, give * 2);
        }
        char *piece = malloc((size_t)k + 64);
        memcpy(piece, data + at, (size_t)k);
        memset(piece + k, 0, 64);
        decode(r, s, piece, (size_t)k, narrow);
        free(piece);
        at += (size_t)k;
    }
out:
    sl_text_scratch_free(s);
    sl_text_reader_free(r);
    free(data);
    return 0;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * fuzz: CSV split by vector instructions of each level, and all records by libcsv, must agree.
 *
 * tests/fuzz/check builds and runs it.
 *
 * The first byte chooses delimiter, line end and number of fields; the rest is the text.
 */
#include <stdlib.h>
#include "text/text_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void die_if(int wrong)
{
    if (wrong)
        abort();
}

/* Rows of the text as they come out, each field as 'n' or 'v', its bytes and \1. */
static void read_rows(const struct sl_csv_rows *rows, struct sl_buf *out)
{
    struct sl_text_rows all = {.rows = rows->rows, .nf = rows->nf, .csv = rows};
    struct sl_text_cursor at[16];
    for (int f = 0; f < rows->nf; f++)
        at[f] = (struct sl_text_cursor){.rows = &all, .field = f};
    for (size_t r = 0; r < rows->rows; r++)
        for (int f = 0; f < rows->nf; f++) {
            struct sl_span v;
            sl_text_gather(&at[f], &v, 1);
            sl_buf_addch(out, v.flags & SL_SPAN_NULL ? 'n' : 'v');
            sl_buf_add(out, v.p, v.len);
            sl_buf_addch(out, '\1');
        }
}

/* One record at a time, each through libcsv if its quoting is fine. */
static void read_odd(const char *s, size_t n, const struct sl_csv_shape *shape, struct sl_buf *out)
{
    struct sl_csv_rows rows = {.nf = shape->nf};
    enum sl_csv_state state = SL_CSV_START;
    size_t from = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n) {
            state = sl_csv_step(state, s[i], shape->delim, shape->eol);
            if (state != SL_CSV_START || s[i] != shape->eol)
                continue;
        } else if (from == n) {
            break;
        }
        size_t len = i - from;
        int field;
        const char *record = s + from;
        from = i + 1;
        len -= len && record[len - 1] == '\r';
        if (len == 0 && shape->nf == 1) {
            sl_buf_add(out, "n\1", 2);
            continue;
        }
        size_t fields = rows.odd_fields, bytes = rows.odd.len;
        if (len == 0 || sl_csv_check(record, len, shape->delim, &field) != SL_CSV_FINE ||
            sl_csv_odd_record(&rows, record, len, shape->delim, NULL) != shape->nf) {
            rows.odd_fields = fields;
            rows.odd.len = bytes;
            continue;
        }
        for (size_t f = fields; f < rows.odd_fields; f++) {
            sl_buf_addch(out, rows.odd_null[f] ? 'n' : 'v');
            sl_buf_add(out, rows.odd.data + rows.odd_seps[f],
                       rows.odd_seps[f + 1] - 1 - rows.odd_seps[f]);
            sl_buf_addch(out, '\1');
        }
    }
    sl_csv_rows_release(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    if (size < 1)
        return 0;
    struct sl_csv_shape shape = {.nf = 1 + (input[0] & 7),
                                 .delim = ",;\t|"[input[0] >> 3 & 3],
                                 .eol = input[0] & 32 ? '\r' : '\n',
                                 .names_from = "it"};
    size_t n = size - 1;
    char *s = malloc(n + 64);
    struct sl_buf first = SL_BUF_INIT, other = SL_BUF_INIT;
    size_t end = 0;
    struct sl_csv_lines lines = {0};
    memcpy(s, input + 1, n);
    memset(s + n, 0, 64);
    read_odd(s, n, &shape, &first);
    for (int level = SL_CSV_BASE; level <= (int)sl_csv_level_best(); level++) {
        struct sl_csv_index x = {0};
        struct sl_csv_rows rows = {0};
        struct sl_reject_list rejects = {0};
        enum sl_csv_state state = SL_CSV_START;
        die_if(sl_csv_index(&x, (enum sl_csv_level)level, s, n, shape.delim, shape.eol, NULL) < 0);
        die_if(sl_csv_rows(&rows, &x, s, n, &shape, &rejects, NULL) < 0);
        sl_buf_reset(&other);
        read_rows(&rows, &other);
        die_if(other.len != first.len || (first.len && memcmp(other.data, first.data, first.len)));
        struct sl_csv_lines at;
        size_t e =
            sl_csv_cut((enum sl_csv_level)level, s, 0, n, shape.delim, shape.eol, &state, &at);
        die_if(level > SL_CSV_BASE && (e != end || at.whole != lines.whole || at.all != lines.all));
        end = e;
        lines = at;
        sl_reject_list_release(&rejects);
        sl_csv_rows_release(&rows);
        sl_csv_index_release(&x);
    }
    sl_buf_release(&first);
    sl_buf_release(&other);
    free(s);
    return 0;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * csv_header: names of columns from the first record.
 *
 * A name that came before gets _2, _3, ...; an empty one is c and its number, as all are without a
 * header. Spaces in names stay. A line `sep=;` before them, as Excel reads and writes it, says how
 * fields are separated and is no record.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/text_reader.h"

void sl_csv_names_release(struct sl_csv_names *n)
{
    for (int i = 0; i < n->n; i++)
        free(n->names[i]);
    free(n->names);
    *n = (struct sl_csv_names){0};
}

struct sl_schema *sl_text_name_table(const char *const *names, int n, struct sl_err *err)
{
    assert(names || !n);
    struct sl_schema *s = sl_schema_new();
    int rc = s ? 0 : sl_err_nomem(err, "reading the header");
    for (int i = 0; i < n && rc == 0; i++)
        rc = sl_schema_add(s, names[i], strlen(names[i]), sl_type_of(SL_TEXT), err);
    if (rc < 0) {
        sl_schema_unref(s);
        return NULL;
    }
    return s;
}

/* Gives each name a form that no earlier one has, by a number behind it. 0 or -1. */
static int make_unique(struct sl_csv_names *out)
{
    struct sl_schema *taken = sl_schema_new(), *again = sl_schema_new();
    struct sl_buf b = SL_BUF_INIT;
    int *next = sl_calloc((size_t)out->n, sizeof *next); /* of a name in again: its next number */
    int rc = taken && again && next ? 0 : -1;
    for (int i = 0; i < out->n && rc == 0; i++) {
        char *name = out->names[i];
        size_t len = strlen(name);
        sl_buf_reset(&b);
        sl_buf_add(&b, name, len);
        if (sl_schema_find(taken, name, len) >= 0) {
            int at = sl_schema_find(again, name, len);
            if (at < 0) {
                at = again->nfields;
                rc = sl_schema_add(again, name, len, sl_type_of(SL_TEXT), NULL);
                next[at] = 2;
            }
            do {
                sl_buf_reset(&b);
                sl_buf_printf(&b, "%s_%d", name, next[at]++);
            } while (!b.failed && sl_schema_find(taken, b.data, b.len) >= 0);
            out->renamed++;
        }
        if (rc == 0)
            rc = b.failed
                     ? -1
                     : sl_schema_add(taken, b.data ? b.data : "", b.len, sl_type_of(SL_TEXT), NULL);
        if (rc == 0 && out->renamed && b.len != len) {
            free(name);
            out->names[i] = sl_strndup(b.data, b.len);
            rc = out->names[i] ? 0 : -1;
        }
    }
    sl_schema_unref(taken);
    sl_schema_unref(again);
    sl_buf_release(&b);
    free(next);
    return rc < 0 ? -1 : 0;
}

/* Fields of the header record into names, empty names numbered. */
static int take_names(const struct sl_csv_rows *rows, int n, int numbered, struct sl_csv_names *out,
                      struct sl_err *err)
{
    out->names = sl_calloc((size_t)n, sizeof *out->names);
    if (!out->names)
        return sl_err_nomem(err, "reading the header");
    for (int i = 0; i < n; i++) {
        struct sl_buf b = SL_BUF_INIT;
        struct sl_number ignored;
        size_t from = rows->odd_seps[i], len = rows->odd_seps[i + 1] - 1 - from;
        int is_number = len && sl_text_number(rows->odd.data + from, len, &ignored);
        out->numbers += is_number;
        out->words += len && !is_number;
        if (numbered || !len)
            sl_buf_printf(&b, "c%d", i + 1);
        else
            sl_buf_add(&b, rows->odd.data + from, len);
        out->renamed += !numbered && !len;
        out->names[i] = sl_buf_take(&b);
        out->n = i + 1;
        if (!out->names[i])
            return sl_err_nomem(err, "reading the header");
        if (strlen(out->names[i]) != len && len && !numbered)
            return sl_err_set(err, SL_EFORMAT, "the header holds a NUL byte in name %d", i + 1);
    }
    return make_unique(out) < 0 ? sl_err_nomem(err, "reading the header") : 0;
}

size_t sl_csv_sep_line(const char *data, size_t n, char *delim)
{
    assert((data || !n) && delim);
    size_t at = sl_text_bom(data, n);
    int quoted = at < n && data[at] == '"';
    at += (size_t)quoted;
    if (n - at < 5 || strncasecmp(data + at, "sep=", 4) != 0)
        return 0;
    *delim = data[at + 4];
    at += 5;
    if (!*delim || *delim == '"' || *delim == '\n' || *delim == '\r')
        return 0;
    if (quoted && (at == n || data[at++] != '"'))
        return 0;
    if (at == n)
        return at;
    if (data[at] != '\n' && data[at] != '\r')
        return 0;
    return at + (data[at] == '\r' && at + 1 < n && data[at + 1] == '\n') + 1;
}

size_t sl_text_preamble(const char *data, size_t n)
{
    char ignored;
    size_t sep = sl_csv_sep_line(data, n, &ignored);
    return sep ? sep : sl_text_bom(data, n);
}

int sl_text_is_numbers(const char *data, size_t n, char delim)
{
    struct sl_csv_names names;
    size_t ignored;
    char eol = sl_csv_sniff_eol(data, n);
    if (!delim)
        delim = sl_csv_sniff_delim(data, n, eol);
    if (sl_csv_names_read(data, n, delim, eol, 0, NULL, &names, &ignored, NULL) < 0)
        return 0;
    int is_numbers = names.numbers && !names.words;
    sl_csv_names_release(&names);
    return is_numbers;
}

int sl_csv_names_read(const char *data, size_t n, char delim, char eol, int no_header,
                      const char *place, struct sl_csv_names *out, size_t *header_len,
                      struct sl_err *err)
{
    assert((data || !n) && out && header_len);
    struct sl_csv_rows rows = {0};
    size_t front = sl_text_preamble(data, n), at = front;
    int rc, field;
    *out = (struct sl_csv_names){0};
    while (at < n && (data[at] == eol || data[at] == '\r')) /* blank lines in front */
        at++;
    enum sl_csv_state s = SL_CSV_START;
    size_t end = at;
    while (end < n) {
        s = sl_csv_step(s, data[end], delim, eol);
        if (s == SL_CSV_START && data[end] == eol)
            break;
        end++;
    }
    *header_len = no_header ? front : SL_MIN(end + 1, n);
    assert(at <= end && end <= n && *header_len <= n);
    if (end > at && data[end - 1] == '\r')
        end--;
    if (end == at) {
        rc = 0;
        goto out;
    }
    if (!no_header && !sl_utf8_valid(data + at, end - at)) {
        sl_err_set(err, SL_EFORMAT, "the header is not valid UTF-8");
        rc = sl_err_hint(err, "convert it (iconv -f latin1 -t UTF-8), or say another format: -I");
        goto out;
    }
    if (sl_csv_check(data + at, end - at, delim, &field) != SL_CSV_FINE) {
        rc = sl_err_set(err, SL_EFORMAT, "the header's quotes are not closed in name %d", field);
        goto out;
    }
    rc = sl_csv_odd_record(&rows, data + at, end - at, delim, err);
    if (rc > SL_TEXT_COLUMNS_MAX)
        rc = sl_err_set(err, SL_EFORMAT, "%d columns; at most %d", rc, SL_TEXT_COLUMNS_MAX);
    if (rc > 0)
        rc = take_names(&rows, rc, no_header, out, err);
out:
    if (rc < 0) {
        sl_csv_names_release(out);
        if (err && !err->place[0] && place)
            sl_err_at(err, place, 1, 0);
    }
    sl_csv_rows_release(&rows);
    return rc < 0 ? rc : 0;
}

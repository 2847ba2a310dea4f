/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* cut: how many of the bytes at hand are whole records, and where a long one ends. */
#include "text/text_reader.h"

typedef uint8_t vector __attribute__((vector_size(16)));

/* Line ends in the n bytes at s. */
static int64_t count_lines(const char *s, size_t n)
{
    int64_t lines = 0;
    size_t i = 0;
    const vector eol = {'\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n',
                        '\n', '\n', '\n', '\n', '\n', '\n', '\n', '\n'};
    while (n - i >= sizeof(vector)) { /* a byte of the sum holds 255 */
        vector sum = {0}, v;
        size_t end = i + SL_MIN((n - i) / sizeof(v), (size_t)255) * sizeof(v);
        for (; i < end; i += sizeof(v)) {
            memcpy(&v, s + i, sizeof(v));
            sum -= (vector)(v == eol);
        }
        for (size_t k = 0; k < sizeof(v); k++)
            lines += sum[k];
    }
    for (; i < n; i++)
        lines += s[i] == '\n';
    return lines;
}

static int is_csv(const struct sl_text_reader *r)
{
    return r->o.format == SL_TEXT_CSV || r->o.format == SL_TEXT_TSV;
}

size_t sl_text_cut(const struct sl_text_reader *r, struct sl_text_cut *c, const char *data,
                   size_t n, int at_end)
{
    assert(r && c && (data || !n));
    if (c->scanned > n) { /* fewer bytes than last time: look at them afresh */
        c->scanned = 0;
        c->passed = 0;
        c->quoted = SL_CSV_START;
    }
    size_t end = 0;
    int64_t all, whole; /* line ends in what is new, and of those in whole records */
    if (is_csv(r)) {
        char eol = r->eol ? r->eol : sl_csv_sniff_eol(data, n);
        char delim = r->delim ? r->delim : sl_csv_sniff_delim(data, n, eol);
        enum sl_csv_state s = (enum sl_csv_state)c->quoted;
        size_t from = c->scanned;
        if (!r->delim || !r->eol) { /* what was assumed may change as more bytes come */
            s = SL_CSV_START;
            from = sl_text_bom(data, n);
            c->passed = 0;
        }
        struct sl_csv_lines lines;
        end = sl_csv_cut(SL_CSV_BEST, data, from, n, delim, eol, &s, &lines);
        c->quoted = s;
        all = (int64_t)lines.all;
        whole = (int64_t)lines.whole;
    } else {
        const char *from = data + c->scanned;
        const char *p = n > c->scanned ? memrchr(from, '\n', n - c->scanned) : NULL;
        end = p ? (size_t)(p - data) + 1 : 0;
        all = whole = end ? count_lines(from, end - c->scanned) : 0;
    }
    if (at_end) {
        *c = (struct sl_text_cut){.lines = c->passed + all};
        return n;
    }
    assert(end <= n && whole <= all && c->passed >= 0);
    c->lines = end ? c->passed + whole : 0;
    c->passed = end ? all - whole : c->passed + all;
    c->scanned = n - end;
    return end;
}

size_t sl_text_record_end(const struct sl_text_reader *r, struct sl_text_cut *c, const char *data,
                          size_t n)
{
    assert(r && c && (data || !n));
    if (!is_csv(r)) {
        const char *p = memchr(data, '\n', n);
        c->lines += p != NULL;
        return p ? (size_t)(p - data) + 1 : 0;
    }
    char eol = r->eol ? r->eol : sl_csv_sniff_eol(data, n);
    char delim = r->delim ? r->delim : sl_csv_sniff_delim(data, n, eol);
    enum sl_csv_state s = (enum sl_csv_state)c->quoted;
    size_t end = 0;
    for (size_t i = 0; i < n && !end; i++) {
        s = sl_csv_step(s, data[i], delim, eol);
        c->lines += data[i] == eol;
        end = data[i] == eol && s == SL_CSV_START ? i + 1 : 0;
    }
    c->quoted = s;
    return end;
}

int sl_text_cut_quoted(const struct sl_text_cut *c)
{
    return c->quoted == SL_CSV_QUOTED;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * The vector splitter, at each level of instructions, libcsv and a reader written as plainly as
 * possible must agree: on the end of the last record, on records, on fields.
 */
#include "text_test.h"
#include "text/text_reader.h"

/* ---- a plain reader ---- */

struct plain {
    struct sl_buf text;  /* fields, each behind 'n' (null), 'v' and ended by \1; records by \2 */
    size_t records, end; /* end of the last record with a line end */
    size_t skipped, bad;
};

static void plain_flush(struct plain *p, struct sl_buf *record, int nf, int fields, int faulty,
                        int blank)
{
    if (blank && nf > 1) {
        p->skipped++;
    } else if (faulty || fields != nf) {
        p->bad++;
    } else {
        sl_buf_add(&p->text, record->data ? record->data : "", record->len);
        sl_buf_addch(&p->text, '\2');
        p->records++;
    }
    sl_buf_reset(record);
}

/* One record, without its line end; quoted fields ended by anything but a delimiter are faulty. */
static void plain_record(struct plain *p, const char *s, size_t n, int nf, char delim)
{
    struct sl_buf record = SL_BUF_INIT;
    int fields = 0, faulty = 0;
    size_t i = 0;
    if (n && s[n - 1] == '\r')
        n--;
    int blank = n == 0;
    for (;;) {
        fields++;
        if (i < n && s[i] == '"') {
            sl_buf_addch(&record, 'v');
            for (i++; i < n; i++) {
                if (s[i] != '"') {
                    sl_buf_addch(&record, s[i]);
                } else if (i + 1 < n && s[i + 1] == '"') {
                    sl_buf_addch(&record, '"');
                    i++;
                } else {
                    break;
                }
            }
            faulty |= i >= n || (i + 1 < n && s[i + 1] != delim);
            i++;
        } else {
            size_t from = i;
            while (i < n && s[i] != delim)
                i++;
            sl_buf_addch(&record, i > from ? 'v' : 'n');
            sl_buf_add(&record, s + from, i - from);
        }
        sl_buf_addch(&record, '\1');
        while (i < n && s[i] != delim)
            i++;
        if (i >= n)
            break;
        i++;
    }
    plain_flush(p, &record, nf, fields, faulty, blank);
    sl_buf_release(&record);
}

static void plain_read(struct plain *p, const char *s, size_t n, int nf, char delim, char eol)
{
    enum sl_csv_state state = SL_CSV_START;
    size_t from = 0;
    *p = (struct plain){0};
    for (size_t i = 0; i < n; i++) {
        state = sl_csv_step(state, s[i], delim, eol);
        if (state == SL_CSV_START && s[i] == eol) {
            plain_record(p, s + from, i - from, nf, delim);
            from = p->end = i + 1;
        }
    }
    if (from < n)
        plain_record(p, s + from, n - from, nf, delim);
}

/* ---- ours ---- */

static void ours_read(enum sl_csv_level level, const char *s, size_t n, int nf, char delim,
                      char eol, struct sl_buf *out, struct sl_csv_rows *rows, size_t *bad,
                      size_t *eols)
{
    struct sl_csv_index x = {0};
    struct sl_reject_list rejects = {0};
    struct sl_csv_shape shape = {.nf = nf, .delim = delim, .eol = eol, .names_from = "it"};
    CHECK_INT(sl_csv_index(&x, level, s, n, delim, eol, NULL), 0);
    CHECK_INT(sl_csv_rows(rows, &x, s, n, &shape, &rejects, NULL), 0);
    struct sl_text_rows all = {.rows = rows->rows, .nf = nf, .csv = rows};
    struct sl_text_cursor *at = calloc((size_t)nf, sizeof *at);
    for (int f = 0; f < nf; f++)
        at[f] = (struct sl_text_cursor){.rows = &all, .field = f};
    for (size_t r = 0; r < rows->rows; r++) {
        for (int f = 0; f < nf; f++) {
            struct sl_span v;
            sl_text_gather(&at[f], &v, 1);
            sl_buf_addch(out, v.flags & SL_SPAN_NULL ? 'n' : 'v');
            sl_buf_add(out, v.p, v.len);
            sl_buf_addch(out, '\1');
        }
        sl_buf_addch(out, '\2');
    }
    *bad = rejects.n;
    *eols = x.eols;
    for (size_t i = 0; i < rejects.n; i++)
        CHECK((size_t)rejects.items[i].byte + rejects.items[i].len <= n);
    sl_reject_list_release(&rejects);
    sl_csv_index_release(&x);
    free(at);
}

static size_t count(const char *s, size_t n, char c)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        k += s[i] == c;
    return k;
}

static void compare(const char *s, size_t n, int nf, char delim, char eol)
{
    struct plain want;
    char *copy = slack_copy(s, n);
    plain_read(&want, copy, n, nf, delim, eol);
    for (int level = SL_CSV_BASE; level <= (int)sl_csv_level_best(); level++) {
        struct sl_buf got = SL_BUF_INIT;
        struct sl_csv_rows rows = {0};
        size_t bad, eols;
        ours_read((enum sl_csv_level)level, copy, n, nf, delim, eol, &got, &rows, &bad, &eols);
        CHECK(got.len == want.text.len &&
              (!got.len || memcmp(got.data, want.text.data, got.len) == 0));
        CHECK_INT(rows.rows, want.records);
        CHECK_INT(rows.skipped, want.skipped);
        CHECK_INT(bad, want.bad);
        enum sl_csv_state state = SL_CSV_START;
        struct sl_csv_lines lines;
        size_t end = sl_csv_cut((enum sl_csv_level)level, copy, 0, n, delim, eol, &state, &lines);
        CHECK_INT(end, want.end);
        CHECK_INT(lines.whole, count(copy, end, eol));
        CHECK_INT(lines.all, count(copy, n, eol));
        sl_csv_rows_release(&rows);
        sl_buf_release(&got);
    }
    sl_buf_release(&want.text);
    free(copy);
}

static uint64_t seed = 12345;
static unsigned rnd(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % n);
}

/* Bytes from an alphabet in which the special ones are common. */
static size_t random_bytes(char *s, size_t max, const char *alphabet)
{
    size_t n = rnd((unsigned)max + 1), k = strlen(alphabet);
    for (size_t i = 0; i < n; i++)
        s[i] = alphabet[rnd((unsigned)k)];
    return n;
}

/* Rows that are mostly as they should be. */
static size_t random_rows(char *s, size_t max, int nf)
{
    size_t n = 0;
    while (n + (size_t)nf * 24 + 4 < max && rnd(40)) {
        int fields = rnd(30) ? nf : (int)rnd((unsigned)nf + 2);
        for (int f = 0; f < fields; f++) {
            int quoted = rnd(12) == 0;
            if (f)
                s[n++] = ',';
            if (quoted)
                s[n++] = '"';
            for (unsigned k = rnd(9); k; k--) {
                unsigned c = rnd(40);
                if (quoted && c < 4)
                    s[n++] = "\",\n\r"[c];
                if (quoted && c == 0)
                    s[n++] = '"';
                else if (!quoted && c == 0 && k < 5)
                    s[n++] = '"';
                else
                    s[n++] = (char)('a' + c % 26);
            }
            if (quoted)
                s[n++] = '"';
        }
        if (rnd(4) == 0)
            s[n++] = '\r';
        s[n++] = '\n';
    }
    return n;
}

int main(void)
{
    static char s[4096];
    TEST("random bytes, most of them special")
    {
        for (int i = 0; i < 6000 && !test_bad; i++) {
            size_t n = random_bytes(s, 400, i % 2 ? "ab,\"\n\r" : "a\",\n");
            compare(s, n, 1 + (int)rnd(3), ',', '\n');
        }
    }
    TEST("rows that are nearly right")
    {
        for (int i = 0; i < 2000 && !test_bad; i++) {
            int nf = 1 + (int)rnd(9);
            compare(s, random_rows(s, sizeof s, nf), nf, ',', '\n');
        }
    }
    TEST("lines that end in CR, another delimiter")
    {
        for (int i = 0; i < 1000 && !test_bad; i++) {
            size_t n = random_bytes(s, 300, "a\"\t,\n\r\r");
            compare(s, n, 1 + (int)rnd(3), '\t', '\r');
        }
    }
    TEST("special bytes at each place of a block")
    {
        for (size_t at = 0; at < 200 && !test_bad; at++) {
            memset(s, 'x', 256);
            s[at] = '"';
            s[at + 1] = ',';
            s[at + 2] = '\n';
            s[at + 3] = '"';
            s[at + 4] = '"';
            s[255] = '\n';
            compare(s, 256, 2, ',', '\n');
            s[at] = ',';
            s[at + 1] = '"';
            compare(s, 256, 2, ',', '\n');
        }
    }
    TEST("nothing but separators fills the index")
    {
        char *many = malloc(200000);
        memset(many, ',', 200000);
        many[199999] = '\n';
        compare(many, 200000, 200000, ',', '\n');
        memset(many, '\n', 200000);
        compare(many, 200000, 1, ',', '\n');
        memset(many, '"', 200000);
        compare(many, 200000, 1, ',', '\n');
        free(many);
    }
    return test_done();
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* text_rows: a chunk in any format brought to rows of spans, and spans handed to column passes. */
#include "base/utf8.h"
#include "text/text_reader.h"

static const char nothing[32] = {0};

struct sl_span *sl_text_matrix_row(struct sl_text_scratch *s, size_t row, int nf,
                                   struct sl_account *account)
{
    size_t need = (row + 1) * (size_t)nf * sizeof(struct sl_span);
    if (!s->matrix || need > s->matrix->capacity) {
        size_t size =
            s->matrix ? SL_MAX(need, s->matrix->capacity * 2) : SL_MAX(need, (size_t)4096);
        if (s->matrix ? sl_buffer_grow(s->matrix, size) < 0
                      : !(s->matrix = sl_buffer_new(account, size)))
            return NULL;
    }
    s->matrix->size = need; /* growing keeps so much */
    if (SL_GROW(s->origins, row + 1, s->cap_origins, "splitting text", NULL) < 0)
        return NULL;
    struct sl_span *out = (struct sl_span *)s->matrix->data + row * (size_t)nf;
    for (int i = 0; i < nf; i++)
        out[i] = (struct sl_span){nothing, 0, SL_SPAN_NULL | SL_SPAN_UNSET};
    return out;
}

static inline void gather_plain(const struct sl_csv_run *run, size_t row, size_t nf, size_t field,
                                struct sl_span *out, size_t n)
{
    const char *base = run->base;
    const uint32_t *seps = run->seps + row * nf + field;
    if (field + 1 < nf) {
        for (size_t i = 0; i < n; i++, seps += nf) {
            uint32_t from = seps[0], len = seps[1] - 1 - from;
            out[i] = (struct sl_span){base + from, len, len ? 0 : SL_SPAN_NULL};
        }
        return;
    }
    for (size_t i = 0; i < n; i++, seps += nf) {
        uint32_t from = seps[0], len = seps[1] - 1 - from;
        len -= len && base[from + len - 1] == '\r';
        out[i] = (struct sl_span){base + from, len, len ? 0 : SL_SPAN_NULL};
    }
}

/* Takes the quotes off fields that have them. */
static inline void strip_quotes(struct sl_span *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i].len && v[i].p[0] == '"') {
            v[i].p++;
            v[i].len -= 2;
        }
    }
}

static void gather_csv(struct sl_text_cursor *c, struct sl_span *out, size_t n)
{
    const struct sl_csv_rows *rows = c->rows->csv;
    size_t nf = (size_t)rows->nf, field = (size_t)c->field;
    while (n) {
        assert(c->run < rows->nruns);
        const struct sl_csv_run *run = &rows->runs[c->run];
        size_t k = SL_MIN(n, run->rows - c->in_run);
        if (!run->null) {
            gather_plain(run, c->in_run, nf, field, out, k);
            if (run->quotes)
                strip_quotes(out, k);
        } else {
            for (size_t i = 0; i < k; i++) {
                size_t at = (c->in_run + i) * nf + field;
                uint32_t from = run->seps[at];
                out[i] = (struct sl_span){run->base + from, run->seps[at + 1] - 1 - from,
                                          run->null[at] ? SL_SPAN_NULL : 0};
            }
        }
        out += k;
        n -= k;
        c->in_run += k;
        if (c->in_run == run->rows) {
            c->run++;
            c->in_run = 0;
        }
    }
}

void sl_text_gather(struct sl_text_cursor *c, struct sl_span *out, size_t n)
{
    assert(c->row + n <= c->rows->rows);
    if (c->field < 0) {
        for (size_t i = 0; i < n; i++)
            out[i] = (struct sl_span){nothing, 0, SL_SPAN_NULL | SL_SPAN_UNSET};
    } else if (c->rows->csv) {
        gather_csv(c, out, n);
    } else {
        size_t nf = (size_t)c->rows->nf;
        const struct sl_span *from = c->rows->matrix + c->row * nf + (size_t)c->field;
        for (size_t i = 0; i < n; i++)
            out[i] = from[i * nf];
    }
    c->row += n;
}

void sl_text_record(const struct sl_text_rows *rows, size_t row, const char *data, size_t n,
                    size_t *byte, size_t *len)
{
    if (rows->csv) {
        sl_csv_record(rows->csv, row, data, n, byte, len);
    } else {
        *byte = rows->origins[row].byte;
        *len = rows->origins[row].len;
    }
}

/* Which fields of the record may hold any bytes: columns declared bytea. *out is NULL if none is. */
static int bytea_fields(const struct sl_text_reader *r, struct sl_text_scratch *s,
                        const struct sl_text_map *map, int nf, const uint8_t **out,
                        struct sl_err *err)
{
    int any = 0;
    int rc = SL_GROW(s->bytea, nf, s->cap_bytea, "splitting text", err);
    if (rc < 0)
        return rc;
    memset(s->bytea, 0, (size_t)nf);
    for (int c = 0; c < r->ncolumns; c++) {
        int f = sl_text_field_of(r, map, c);
        if (f >= 0 && r->columns[c].type.kind == SL_BYTEA) {
            assert(f < nf);
            s->bytea[f] = 1;
            any = 1;
        }
    }
    *out = any ? s->bytea : NULL;
    return 0;
}

/* The columns of rejects whose bytes are not UTF-8: of others the field may be no column's. */
static int name_columns(const struct sl_text_reader *r, const struct sl_text_map *map,
                        struct sl_reject_list *l, size_t first, struct sl_err *err)
{
    for (size_t i = first; i < l->n; i++) {
        struct sl_reject *x = &l->items[i];
        int c = 0;
        while (c < r->ncolumns && sl_text_field_of(r, map, c) != x->column - 1)
            c++;
        if (!x->column || strncmp(x->reason, "byte ", 5) != 0 || c >= r->ncolumns)
            continue;
        x->column_name = sl_strdup(r->schema->fields[c].name);
        if (!x->column_name)
            return sl_err_nomem(err, "noting a rejected record");
    }
    return 0;
}

static int csv_rows(const struct sl_text_reader *r, struct sl_text_scratch *s,
                    const struct sl_text_chunk *chunk, struct sl_text_rows *rows,
                    struct sl_reject_list *rejects, struct sl_err *err)
{
    int nf = chunk->map ? chunk->map->nfields : r->nfields;
    int rc = sl_csv_index(&s->index, SL_CSV_BEST, chunk->data, chunk->n, r->delim, r->eol, err);
    if (rc < 0)
        return rc;
    rows->nf = nf;
    rows->lines = s->index.eols;
    if (nf == 0) { /* an empty file: nothing but blank lines */
        rows->skipped = s->index.records;
        return 0;
    }
    struct sl_csv_shape shape = {.nf = nf,
                                 .delim = r->delim,
                                 .eol = r->eol,
                                 .names_from = r->is_bare ? "the first record" : "the header"};
    if (!s->index.ascii && !sl_utf8_valid(chunk->data, chunk->n)) {
        shape.check_utf8 = 1;
        rc = bytea_fields(r, s, chunk->map, nf, &shape.bytea, err);
        if (rc < 0)
            return rc;
    }
    size_t first = rejects->n;
    rc = sl_csv_rows(&s->rows, &s->index, chunk->data, chunk->n, &shape, rejects, err);
    if (rc >= 0 && shape.check_utf8 && r->schema) /* none yet: the types are being settled */
        rc = name_columns(r, chunk->map, rejects, first, err);
    rows->csv = &s->rows;
    rows->rows = s->rows.rows;
    rows->skipped = s->rows.skipped;
    return rc;
}

/* Whether a line is no record. */
static int is_blank(enum sl_text_format format, const char *p, size_t n)
{
    while (format == SL_TEXT_JSON && n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
        n--;
    return n == 0 && format != SL_TEXT_LINES;
}

int sl_text_split_rows(const struct sl_text_reader *r, struct sl_text_scratch *s,
                       const struct sl_text_chunk *chunk, sl_text_splitter *split,
                       struct sl_text_rows *rows, struct sl_reject_list *rejects,
                       struct sl_err *err)
{
    int nf = r->nfields, check = !sl_utf8_valid(chunk->data, chunk->n);
    int may_be_bytes = nf == 1 && r->o.format != SL_TEXT_JSON;
    const char *p = chunk->data, *end = p + chunk->n, *next;
    size_t n = 0;
    for (; p < end; p = next) {
        const char *eol = memchr(p, '\n', (size_t)(end - p)), *reason = NULL;
        next = eol ? eol + 1 : end;
        size_t len = (size_t)((eol ? eol : end) - p);
        size_t byte = (size_t)(p - chunk->data);
        len -= len && p[len - 1] == '\r';
        rows->lines++;
        struct sl_span *out = sl_text_matrix_row(s, n, nf, chunk->account);
        if (!out)
            return sl_err_nomem(err, "splitting text");
        if (is_blank(r->o.format, p, len)) {
            rows->skipped++;
            continue;
        }
        int is_bytes = may_be_bytes && r->columns && r->columns[0].type.kind == SL_BYTEA, rc;
        if (check && !is_bytes && !sl_utf8_valid(p, len))
            rc = sl_text_reject_bytes(rejects, chunk->data, byte, len, 0, may_be_bytes, err);
        else if ((rc = split(r, s, p, len, out, &reason, err)) == 0)
            rc = sl_text_reject(rejects, byte, len, 0, NULL, err, "%s", reason);
        else if (rc == 1)
            s->origins[n++] = (struct sl_csv_origin){(uint32_t)byte, (uint32_t)len};
        if (rc < 0)
            return rc;
    }
    rows->rows = n;
    rows->nf = nf;
    rows->matrix = s->matrix ? (const struct sl_span *)s->matrix->data : NULL;
    rows->origins = s->origins;
    return 0;
}

static int split_line(const struct sl_text_reader *r SL_UNUSED, struct sl_text_scratch *s SL_UNUSED,
                      const char *p, size_t n, struct sl_span *out, const char **reason SL_UNUSED,
                      struct sl_err *err SL_UNUSED)
{
    out[0] = (struct sl_span){p, (uint32_t)n, 0};
    return 1;
}

/* The splitter of a format; lines as they are where it has none of its own. */
static sl_text_splitter *splitter_for(enum sl_text_format f)
{
    switch (f) {
    case SL_TEXT_COMBINED:
    case SL_TEXT_COMMON: return sl_text_split_access;
    case SL_TEXT_REGEX: return sl_text_split_regex;
    default: return split_line;
    }
}

int sl_text_parse_rows(const struct sl_text_reader *r, struct sl_text_scratch *s,
                       const struct sl_text_chunk *chunk, struct sl_text_rows *rows,
                       struct sl_reject_list *rejects, struct sl_schema **wider, struct sl_err *err)
{
    assert(r && s && chunk && rows && rejects);
    *rows = (struct sl_text_rows){0};
    switch (r->o.format) {
    case SL_TEXT_CSV:
    case SL_TEXT_TSV: return csv_rows(r, s, chunk, rows, rejects, err);
    case SL_TEXT_JSON: return sl_text_json_rows(r, s, chunk, rows, rejects, wider, err);
    default: return sl_text_split_rows(r, s, chunk, splitter_for(r->o.format), rows, rejects, err);
    }
}

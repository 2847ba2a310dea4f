/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * decode: a chunk of whole records to a batch.
 *
 * Rows first (text_rows.c), then one pass per wanted column: spans 64 at a time through the kernel of
 * its type; what the kernel does not take is null, or goes through sl_text_value, and what that
 * does not take widens the column or rejects the row. A row rejected by any column is taken out at
 * the end; its reason is that of the first such column.
 */
#include "base/json.h"
#include "base/num.h"
#include "base/regex.h"
#include "text/text_reader.h"

struct decode {
    const struct sl_text_reader *r;
    struct sl_text_scratch *s;
    const struct sl_text_chunk *chunk;
    struct sl_text_rows rows;
    struct sl_reject_list *rejects;
    size_t nbad;
    struct sl_text_missing missing;
    int asks;                /* for a wider schema, which is, */
    struct sl_schema *wider; /* once some column needs it, this unshared copy */
    struct sl_err *err;
};

/* Notes that a row is no row. */
static int bad_row(struct decode *d, size_t row, int column, const char *reason)
{
    size_t byte, len;
    assert(row < d->rows.rows && column >= 0 && column < d->r->ncolumns);
    if (d->s->bad[row / 64] >> (row % 64) & 1)
        return 0;
    d->s->bad[row / 64] |= 1ULL << (row % 64);
    d->nbad++;
    sl_text_record(&d->rows, row, d->chunk->data, d->chunk->n, &byte, &len);
    int field = d->r->o.format == SL_TEXT_JSON ? d->r->columns[column].field : d->s->field[column];
    return sl_text_reject(d->rejects, byte, len, field + 1, d->r->schema->fields[column].name,
                          d->err, "%s", reason);
}

static struct sl_text_cursor cursor_of(const struct decode *d, int column)
{
    return (struct sl_text_cursor){.rows = &d->rows, .field = d->s->field[column]};
}

/* Whether a value of the column before this row may have more digits than a double keeps. What other
 * chunks held is looked at by sl_text_widen, when all those before this one are known. */
static int many_before(const struct decode *d, int column, size_t row)
{
    struct sl_text_digits *digits = &d->r->digits[column];
    struct sl_text_cursor at = cursor_of(d, column);
    struct sl_span v;
    assert(row < d->rows.rows);
    if (!d->asks) /* only for what a message proposes */
        return 0;
    if (!d->chunk->number)
        return 1;
    for (size_t i = 0; i < row; i++) {
        sl_text_gather(&at, &v, 1);
        if (!(v.flags & SL_SPAN_NULL) && sl_text_significant(v.p, v.len) > SL_TEXT_DOUBLE_DIGITS)
            return 1;
    }
    return atomic_load(&digits->many) < d->chunk->number;
}

static void note_chunk(_Atomic int64_t *first, int64_t number)
{
    int64_t now = atomic_load(first);
    while (number < now && !atomic_compare_exchange_weak(first, &now, number))
        ;
}

/* Notes that the column has values of more digits than a double keeps. */
static void note_digits(const struct decode *d, int column, const struct sl_column *c)
{
    const int64_t limit = 1000000000000000; /* 10^15 */
    uint64_t beyond = 0;
    if (!d->asks || !d->chunk->number || d->r->columns[column].declared)
        return;
    if (sl_type_width(c->type) == 8) {
        const int64_t *v = c->data;
        for (size_t i = 0; i < c->rows; i++)
            beyond |= (uint64_t)v[i] + (uint64_t)limit - 1 > 2 * (uint64_t)limit - 2;
        if (!beyond)
            return;
    }
    for (size_t i = 0; i < c->rows; i++) {
        sl_int128 v = sl_type_width(c->type) == 8 ? ((const int64_t *)c->data)[i]
                                                  : ((const sl_int128 *)c->data)[i];
        if (v > -limit && v < limit)
            continue;
        while (v % 10 == 0)
            v /= 10;
        if ((v >= limit || v <= -limit) && !sl_column_null(c, i)) {
            note_chunk(&d->r->digits[column].many, d->chunk->number);
            return;
        }
    }
}

/* The type that would hold the column so far (now) and this value. 0 if there is none. */
static int wider_type(const struct decode *d, size_t row, int column, struct sl_type now,
                      const struct sl_span *v, struct sl_type *out)
{
    const struct sl_text_column *c = &d->r->columns[column];
    struct sl_text_guess g = {0};
    sl_text_guess_add(&g, v, d->r->o.zone);
    struct sl_type t = sl_text_guess_type(&g, 1);
    int is_number = t.kind == SL_BIGINT || t.kind == SL_NUMERIC || t.kind == SL_DOUBLE;
    if (now.kind == SL_DOUBLE && is_number)
        t = sl_type_of(g.inexact || c->type.kind == SL_DOUBLE ? SL_TEXT : SL_DOUBLE);
    if (!sl_type_widen(now, t, out))
        return 0;
    if (g.seen == SL_CLASS_EXPONENT && !g.inexact && out->kind == SL_TEXT &&
        (now.kind == SL_BIGINT || now.kind == SL_NUMERIC) && !many_before(d, column, row))
        *out = sl_type_of(SL_DOUBLE);
    if (sl_type_equal(*out, c->type)) /* a time beyond what nanoseconds reach */
        *out = sl_type_of(SL_TEXT);
    return 1;
}

/* A time with its zone, which no timestamp takes. */
static int has_zone(const struct sl_span *v)
{
    int64_t usec;
    int rest, flags;
    return sl_time_parse_iso(v->p, v->len, NULL, &usec, &rest, &flags) && flags & SL_TIME_HAS_ZONE;
}

static int misfit_reason(const struct decode *d, size_t row, int column, const struct sl_span *v,
                         struct sl_buf *b)
{
    const struct sl_text_column *c = &d->r->columns[column];
    struct sl_type t;
    sl_buf_addch(b, '\'');
    sl_buf_add_visible(b, v->p, SL_MIN(v->len, 60u));
    sl_buf_addstr(b, v->len > 60 ? "...' does not fit " : "' does not fit ");
    sl_type_print(c->type, b);
    size_t len;
    const char *word = sl_text_no_zone(c, &d->missing, v, &len);
    if (word)
        sl_buf_printf(b, ": %.*s is no time zone, or the word of several", (int)SL_MIN(len, 40u),
                      word);
    struct sl_text_column fine = *c;
    int64_t ignored;
    fine.type.nsec = 1;
    int is_fine = c->event_time && sl_text_value(&fine, &d->missing, v, &ignored);
    if (c->event_time && !is_fine && d->r->time_format) {
        sl_buf_printf(b, " in the form %s", d->r->time_format);
        return sl_buf_check(b, d->err);
    }
    if (c->pinned == SL_PIN_KEY || c->pinned == SL_PIN_TIME) {
        sl_buf_addstr(b, ", which stays: it is the log's ");
        sl_buf_addstr(b, c->event_time ? "time" : "key");
        return sl_buf_check(b, d->err);
    }
    if (c->event_time && !is_fine)
        return sl_buf_check(b, d->err);
    int zoned = c->type.kind == SL_WALLTIME && has_zone(v);
    int known = c->time == SL_TIME_ISO && wider_type(d, row, column, c->type, v, &t) &&
                !sl_type_equal(t, c->type);
    if (zoned)
        t = sl_type_of(SL_TIMESTAMPTZ);
    else if (!known)
        t = is_fine ? fine.type : sl_type_of(SL_TEXT);
    if (d->r->o.format == SL_TEXT_COMBINED || d->r->o.format == SL_TEXT_COMMON)
        return sl_buf_check(b, d->err);
    struct sl_schema *one = sl_schema_new();
    if (one && sl_schema_add(one, d->r->schema->fields[column].name,
                             strlen(d->r->schema->fields[column].name), t, NULL) == 0) {
        sl_buf_addstr(b, "; ");
        sl_text_add_types(b, one);
        sl_buf_addstr(b, " would take it");
    }
    sl_schema_unref(one);
    return sl_buf_check(b, d->err);
}

/* Why the column gets the type that it has in d->wider. */
static int note_wider(struct decode *d, size_t row, int column, const struct sl_span *v)
{
    assert(d->asks && row < d->rows.rows);
    const struct sl_text_chunk *c = d->chunk;
    struct sl_buf why = SL_BUF_INIT;
    size_t byte, len;
    sl_text_record(&d->rows, row, d->chunk->data, d->chunk->n, &byte, &len);
    sl_text_why(&why, v, c->place,
                c->first_line + sl_text_lines(d->r->eol, c->data, c->data + byte));
    int rc = sl_buf_check(&why, d->err);
    if (rc >= 0 && sl_schema_set_why(d->wider, column, SL_WHY_NUMBER, why.data) < 0)
        rc = sl_err_nomem(d->err, "a schema");
    sl_buf_release(&why);
    return rc;
}

/* A value that its column does not take. */
static int misfit(struct decode *d, size_t row, int column, const struct sl_span *v)
{
    const struct sl_text_column *c = &d->r->columns[column];
    const struct sl_schema *now = d->wider ? d->wider : d->r->schema;
    struct sl_type was = now->fields[column].type, t;
    int compared = c->pinned == SL_PIN_COMPARED;
    if (d->asks && !c->declared && (!c->pinned || compared) &&
        wider_type(d, row, column, was, v, &t) && (!compared || t.kind == SL_NUMERIC)) {
        if (!d->wider && !(d->wider = sl_schema_copy(now)))
            return sl_err_nomem(d->err, "a schema");
        if (t.kind == SL_DOUBLE)
            note_chunk(&d->r->digits[column].asks, d->chunk->number);
        /* Rows before may be beyond what nanoseconds reach. */
        if (sl_type_is_stamp(t) && t.nsec && !c->type.nsec)
            t = sl_type_of(SL_TEXT);
        d->wider->fields[column].type = t;
        return sl_type_equal(was, t) ? 0 : note_wider(d, row, column, v);
    }
    struct sl_buf b = SL_BUF_INIT;
    int rc = misfit_reason(d, row, column, v, &b);
    if (rc >= 0)
        rc = bad_row(d, row, column, b.data);
    sl_buf_release(&b);
    return rc;
}

/* The rows of one block that the kernel did not take and that are not null. */
static int slow_rows(struct decode *d, int column, size_t row, const struct sl_span *v, size_t n,
                     uint64_t *ok, char *dst)
{
    const struct sl_text_column *c = &d->r->columns[column];
    size_t width = sl_type_width(c->type);
    assert(n > 0 && n <= SL_TEXT_BLOCK && row + n <= d->rows.rows);
    uint64_t rest = ~*ok & (n == 64 ? ~0ULL : (1ULL << n) - 1);
    for (; rest; rest &= rest - 1) {
        unsigned i = (unsigned)__builtin_ctzll(rest);
        int is_true = 0, rc = 0;
        if (v[i].flags & SL_SPAN_NULL) {
            if (c->event_time)
                rc = bad_row(d, row + i, column, "the event time is null");
        } else if (!sl_text_value(c, &d->missing, &v[i],
                                  c->type.kind == SL_BOOL ? (char *)&is_true : dst + i * width)) {
            rc = misfit(d, row + i, column, &v[i]);
        } else {
            *ok |= 1ULL << i;
            if (is_true)
                *(uint64_t *)(void *)dst |= 1ULL << i;
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* The valid bits of a column; made at the first row without a value. */
struct validity {
    struct sl_buffer *bits;
    size_t rows;
};

static int validity_set(struct validity *x, size_t row, size_t n, uint64_t ok,
                        struct sl_account *account)
{
    uint64_t all = n == 64 ? ~0ULL : (1ULL << n) - 1;
    assert(row % 64 == 0 && row + n <= x->rows && !(ok & ~all));
    if (SL_LIKELY(!x->bits && ok == all))
        return 0;
    if (!x->bits) {
        x->bits = sl_buffer_new(account, (x->rows + 63) / 64 * 8);
        if (!x->bits)
            return -1;
        memset(x->bits->data, 0xff, row / 8);
    }
    ((uint64_t *)(void *)x->bits->data)[row / 64] = ok;
    return 0;
}

static void take_validity(struct validity *x, struct sl_column *c)
{
    if (x->bits) {
        c->valid = x->bits->data;
        c->owner[0] = x->bits;
        x->bits = NULL;
    }
}

static struct sl_column *fixed_column(struct decode *d, int column)
{
    const struct sl_text_column *c = &d->r->columns[column];
    size_t rows = d->rows.rows, width = sl_type_width(c->type);
    struct sl_span v[SL_TEXT_BLOCK];
    struct validity valid = {.rows = rows};
    struct sl_text_cursor at = cursor_of(d, column);
    sl_text_kernel *kernel = sl_text_kernel_of(c);
    struct sl_column *out = sl_column_new(c->type, rows);
    struct sl_buffer *data =
        sl_buffer_new(d->chunk->account, width ? rows * width : (rows + 63) / 64 * 8);
    if (!out || !data)
        goto nomem;
    for (size_t row = 0; row < rows; row += SL_TEXT_BLOCK) {
        size_t n = SL_MIN(rows - row, (size_t)SL_TEXT_BLOCK);
        char *dst = (char *)data->data + (width ? row * width : row / 8);
        sl_text_gather(&at, v, n);
        uint64_t ok = kernel(c, &d->missing, v, n, dst);
        if (SL_UNLIKELY(ok != (n == 64 ? ~0ULL : (1ULL << n) - 1)) &&
            slow_rows(d, column, row, v, n, &ok, dst) < 0)
            goto fail;
        if (validity_set(&valid, row, n, ok, d->chunk->account) < 0)
            goto nomem;
    }
    take_validity(&valid, out);
    out->data = data->data;
    out->owner[1] = data;
    if (c->type.kind == SL_BIGINT || c->type.kind == SL_NUMERIC)
        note_digits(d, column, out);
    return out;
nomem:
    sl_err_nomem(d->err, "reading text");
fail:
    sl_buffer_unref(valid.bits);
    sl_buffer_unref(data);
    sl_column_unref(out);
    return NULL;
}

static int check_json(struct decode *d, int column, size_t row, const struct sl_span *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(v[i].flags & (SL_SPAN_NULL | SL_SPAN_NESTED)) && !sl_json_valid(v[i].p, v[i].len)) {
            int rc = misfit(d, row + i, column, &v[i]);
            if (rc < 0)
                return rc;
        }
    return 0;
}

/* The values of a block as a column that became text shows them; kernels read 16 bytes. */
static int as_before(struct decode *d, const struct sl_text_column *c, struct sl_span *v, size_t n)
{
    struct sl_buf *text = &d->s->buf, *all = &d->s->buf2;
    size_t at[SL_TEXT_BLOCK];
    sl_buf_reset(all);
    for (size_t i = 0; i < n; i++) {
        at[i] = SIZE_MAX;
        if (!sl_text_as_before(c, &d->missing, &v[i], text))
            continue;
        if (text->failed)
            return sl_err_nomem(d->err, "reading text");
        at[i] = all->len;
        v[i].len = (uint32_t)text->len;
        sl_buf_add(all, text->data, text->len);
    }
    static const char room[16] = {0};
    sl_buf_add(all, room, sizeof room);
    if (all->failed)
        return sl_err_nomem(d->err, "reading text");
    for (size_t i = 0; i < n; i++)
        if (at[i] != SIZE_MAX)
            v[i].p = all->data + at[i];
    return 0;
}

static struct sl_column *bytes_column(struct decode *d, int column)
{
    const struct sl_text_column *c = &d->r->columns[column];
    size_t rows = d->rows.rows;
    struct sl_span v[SL_TEXT_BLOCK];
    struct validity valid = {.rows = rows};
    struct sl_text_cursor at = cursor_of(d, column);
    struct sl_text_pass pass;
    struct sl_column *out = NULL;
    if (sl_text_pass_begin(&pass, &d->s->dicts[column], c->type, rows, d->chunk->account, d->err) <
        0)
        goto out;
    for (size_t row = 0; row < rows; row += SL_TEXT_BLOCK) {
        size_t n = SL_MIN(rows - row, (size_t)SL_TEXT_BLOCK);
        uint64_t ok = 0;
        sl_text_gather(&at, v, n);
        for (size_t i = 0; i < n; i++)
            ok |= (uint64_t) !(v[i].flags & SL_SPAN_NULL) << i;
        if (c->type.kind == SL_JSONB && check_json(d, column, row, v, n) < 0)
            goto out;
        if (sl_text_became(c) && as_before(d, c, v, n) < 0)
            goto out;
        if (sl_text_pass_block(&pass, row, v, n, d->err) < 0)
            goto out;
        if (validity_set(&valid, row, n, ok, d->chunk->account) < 0) {
            sl_err_nomem(d->err, "reading text");
            goto out;
        }
    }
    out = sl_text_pass_end(&pass, d->err);
    if (out)
        take_validity(&valid, out);
out:
    sl_text_pass_release(&pass);
    sl_buffer_unref(valid.bits);
    return out;
}

static struct sl_column *make_column(struct decode *d, int column)
{
    const struct sl_type t = d->r->columns[column].type;
    const uint8_t *wanted = d->chunk->wanted;
    if (wanted && !sl_bit(wanted, (size_t)column))
        return sl_column_nulls(t, d->rows.rows, d->err);
    return sl_type_is_bytes(t) ? bytes_column(d, column) : fixed_column(d, column);
}

/* The batch without the rows that some column rejected. */
static struct sl_batch *without_bad(struct decode *d, struct sl_batch *b)
{
    size_t n = 0, rows = d->rows.rows;
    struct sl_buffer *sel = sl_buffer_new(d->chunk->account, (rows - d->nbad) * sizeof(uint32_t));
    if (!sel)
        return sl_err_no_memory(d->err, "reading text");
    uint32_t *out = (uint32_t *)(void *)sel->data;
    for (size_t i = 0; i < rows; i++)
        if (!(d->s->bad[i / 64] >> (i % 64) & 1))
            out[n++] = (uint32_t)i;
    assert(n == rows - d->nbad);
    struct sl_batch *some = sl_batch_select(b, sel, n, d->err);
    if (!some)
        return NULL;
    struct sl_batch *whole = sl_batch_compact(some, d->chunk->account, d->err);
    sl_batch_unref(some);
    return whole;
}

/* Per-thread state that belongs to one reader and its present columns. */
static int prepare(struct decode *d)
{
    struct sl_text_scratch *s = d->s;
    const struct sl_text_reader *r = d->r;
    if (s->reader != r || s->generation != r->generation) {
        for (int i = 0; i < s->ndicts; i++)
            sl_text_dict_free(s->dicts[i]);
        free(s->dicts);
        s->ndicts = 0;
        s->dicts = sl_calloc((size_t)r->ncolumns, sizeof *s->dicts);
        if (!s->dicts)
            return sl_err_nomem(d->err, "reading text");
        s->ndicts = r->ncolumns;
        sl_regex_work_free(s->match);
        s->match = NULL;
        s->cap_after = 0;
        s->reader = r;
        s->generation = r->generation;
        s->map = -1;
    }
    return sl_text_place(r, s, d->chunk->map, d->err);
}

static int columns_of(struct decode *d, struct sl_batch **out)
{
    struct sl_text_scratch *s = d->s;
    size_t words = d->rows.rows / 64 + 1;
    int rc = SL_GROW(s->bad, words, s->cap_bad, "reading text", d->err);
    if (rc < 0)
        return rc;
    memset(s->bad, 0, words * sizeof *s->bad);
    struct sl_batch *b = sl_batch_new(d->r->schema, d->rows.rows);
    if (!b)
        return sl_err_nomem(d->err, "reading text");
    for (int c = 0; c < d->r->ncolumns && rc == 0; c++) {
        b->columns[c] = make_column(d, c);
        if (!b->columns[c])
            rc = d->err && d->err->code ? -(int)d->err->code : -SL_ENOMEM;
    }
    if (rc == 0 && d->nbad && !d->wider) {
        struct sl_batch *good = without_bad(d, b);
        sl_batch_unref(b);
        b = good;
        if (!b)
            rc = d->err && d->err->code ? -(int)d->err->code : -SL_ENOMEM;
    }
    if (rc < 0) {
        sl_batch_unref(b);
        return rc;
    }
    *out = b;
    return 0;
}

int sl_text_decode(const struct sl_text_reader *r, struct sl_text_scratch *s,
                   const struct sl_text_chunk *chunk, struct sl_batch **out,
                   struct sl_reject_list *rejects, int64_t *lines, struct sl_schema **wider,
                   struct sl_err *err)
{
    assert(r && s && chunk && out && rejects);
    struct sl_err local;
    sl_err_init(&local);
    struct decode d = {
        .r = r, .s = s, .chunk = chunk, .rejects = rejects, .err = err ? err : &local};
    d.asks = wider != NULL;
    d.missing = (struct sl_text_missing){r->o.zone, chunk->latest};
    size_t first_reject = rejects->n;
    assert(r->schema);
    *out = NULL;
    sl_err_init(d.err);
    if (chunk->n > INT32_MAX)
        return sl_err_set(d.err, SL_EUNSUPPORTED, "a chunk of text of %zu bytes", chunk->n);
    int rc = prepare(&d);
    if (rc >= 0)
        rc = sl_text_parse_rows(r, s, chunk, &d.rows, rejects, wider, d.err);
    if (rc == SL_TEXT_OK && s->nnew && d.asks)
        rc = sl_text_add_fresh(r, s, chunk->map, &d.rows, &d.wider, d.err);
    if (rc == SL_TEXT_OK)
        rc = columns_of(&d, out);
    if (rc == SL_TEXT_OK && d.wider) {
        sl_batch_unref(*out);
        *out = NULL;
        *wider = d.wider;
        d.wider = NULL;
        rc = SL_TEXT_WIDEN;
    }
    sl_schema_unref(d.wider);
    if (rc != SL_TEXT_OK) {
        sl_text_reject_cut(rejects, first_reject);
        return rc;
    }
    char eol = r->eol ? r->eol : '\n';
    sl_text_reject_lines(rejects, first_reject, chunk->data, eol, chunk->first_line);
    if (lines)
        *lines = (int64_t)d.rows.lines;
    rejects->skipped += (int64_t)d.rows.skipped;
    rejects->records +=
        (int64_t)(d.rows.rows - d.nbad + d.rows.skipped + rejects->n - first_reject);
    return SL_TEXT_OK;
}

struct sl_text_scratch *sl_text_scratch_new(struct sl_err *err)
{
    struct sl_text_scratch *s = sl_calloc(1, sizeof *s);
    if (!s)
        return sl_err_no_memory(err, "reading text");
    sl_arena_init(&s->arena);
    return s;
}

void sl_text_scratch_free(struct sl_text_scratch *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->ndicts; i++)
        sl_text_dict_free(s->dicts[i]);
    free(s->dicts);
    sl_regex_work_free(s->match);
    sl_csv_index_release(&s->index);
    sl_csv_rows_release(&s->rows);
    sl_arena_release(&s->arena);
    sl_buf_release(&s->buf);
    sl_buf_release(&s->buf2);
    free(s->bytea);
    free(s->field);
    free(s->fresh);
    free(s->after);
    sl_buffer_unref(s->matrix);
    free(s->origins);
    free(s->bad);
    free(s);
}

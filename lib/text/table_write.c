/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * table_write: rows for people, aligned by the width that a terminal gives each character.
 *
 * The first rows (TABLE_HOLD, or what is there at the first flush) are held back to find widths,
 * which then stay. With a terminal width no line is longer: wide columns are narrowed first, a value
 * that is cut ends in …, and columns that have no room at all are left out behind a … . Without one
 * nothing is cut. Control bytes are shown, never sent. Null is empty.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/text_writer.h"

enum { TABLE_HOLD = 500, GAP = 2, NARROW = 6 };

struct sl_text_table {
    struct sl_text_writer *w;
    int n;      /* columns */
    int nshown; /* of them shown, from the left */
    int *width; /* columns on the terminal */
    uint8_t *right;
    int settled; /* widths are known, the header is out */
    int rest_shown;
    /* held rows: n cells each, as they are shown */
    struct sl_buf text;
    size_t *ends; /* end of each cell in text */
    size_t ncells, cap_cells;
};

void sl_text_table_free(struct sl_text_table *t)
{
    if (!t)
        return;
    sl_buf_release(&t->text);
    free(t->width);
    free(t->right);
    free(t->ends);
    free(t);
}

struct sl_text_table *sl_text_table_new(struct sl_text_writer *w, struct sl_err *err)
{
    struct sl_text_table *t = sl_calloc(1, sizeof *t);
    int n = w->schema->nfields;
    if (t) {
        t->w = w;
        t->n = n;
        t->width = sl_calloc((size_t)n + 1, sizeof *t->width);
        t->right = sl_calloc((size_t)n + 1, 1);
    }
    if (!t || !t->width || !t->right) {
        sl_text_table_free(t);
        sl_err_nomem(err, "opening a text writer");
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        uint8_t k = w->schema->fields[i].type.kind;
        t->right[i] = k == SL_BIGINT || k == SL_DOUBLE || k == SL_NUMERIC;
    }
    return t;
}

static int display_width(const char *s, size_t n)
{
    int width = 0;
    for (size_t i = 0; i < n;) {
        int32_t cp;
        i += sl_utf8_decode(s + i, n - i, &cp);
        int w = sl_utf8_width(cp);
        width += w > 0 ? w : 0;
    }
    return width;
}

/* ---- widths ---- */

static int total_width(const struct sl_text_table *t, int limit)
{
    int sum = 0, n = 0;
    for (int i = 0; i < t->n; i++) {
        if (i == t->w->rest && !t->rest_shown)
            continue;
        sum += SL_MIN(t->width[i], limit);
        n++;
    }
    return sum + GAP * SL_MAX(n - 1, 0);
}

static void fit_widths(struct sl_text_table *t)
{
    int room = t->w->o.width, limit = 1 << 20;
    t->nshown = t->n;
    if (!room || total_width(t, limit) <= room)
        return;
    limit = NARROW;
    while (total_width(t, limit + 1) <= room)
        limit++;
    for (int i = 0; i < t->n; i++)
        t->width[i] = SL_MIN(t->width[i], limit);
    int used = 0;
    for (int i = 0; i < t->n; i++) {
        if (i == t->w->rest && !t->rest_shown)
            continue;
        int next = used + (used ? GAP : 0) + t->width[i];
        int last = i == t->n - 1 || (i == t->n - 2 && t->w->rest == t->n - 1 && !t->rest_shown);
        if (next + (last ? 0 : GAP + 1) > room && used) {
            t->nshown = i;
            return;
        }
        used = next;
    }
}

/* ---- lines ---- */

static void pad(struct sl_buf *out, int n)
{
    static const char spaces[65] =
        "                                                                ";
    for (; n > 0; n -= 64)
        sl_buf_add(out, spaces, (size_t)SL_MIN(n, 64));
}

static void put_cell(const struct sl_text_table *t, int i, const char *s, size_t n, int last,
                     struct sl_buf *out)
{
    int width = display_width(s, n);
    if (t->w->o.width && width > t->width[i]) {
        n = sl_utf8_fitting(s, n, t->width[i] - 1);
        int shown = display_width(s, n);
        sl_buf_add(out, s, n);
        sl_buf_addstr(out, "…");
        if (!last)
            pad(out, t->width[i] - shown - 1);
        return;
    }
    if (t->right[i])
        pad(out, t->width[i] - width);
    sl_buf_add(out, s, n);
    if (!t->right[i] && !last)
        pad(out, t->width[i] - width);
}

/* One line of n cells; ends[i] is the end of cell i in s, the first begins at from. */
static void put_line(const struct sl_text_table *t, const char *s, size_t from, const size_t *ends,
                     struct sl_buf *out)
{
    int first = 1;
    size_t late_from = 0, late = 0;
    for (int i = 0; i < t->n; from = ends[i], i++) {
        if (i == t->w->rest && !t->rest_shown) {
            late_from = from;
            late = ends[i] - from;
            continue;
        }
        if (i >= t->nshown)
            continue;
        if (!first)
            pad(out, GAP);
        first = 0;
        int last =
            i == t->n - 1 || (i == t->n - 2 && t->w->rest == t->n - 1 && !t->rest_shown && !late);
        put_cell(t, i, s + from, ends[i] - from, last, out);
    }
    if (t->nshown < t->n)
        sl_buf_addstr(out, "  …");
    if (late && t->settled) { /* keys that came after the header */
        pad(out, GAP);
        sl_buf_add(out, s + late_from, late);
    }
    while (out->len && out->data && out->data[out->len - 1] == ' ')
        out->len--;
    sl_buf_addch(out, '\n');
}

static void put_rule(const struct sl_text_table *t, struct sl_buf *out)
{
    int first = 1;
    for (int i = 0; i < t->nshown; i++) {
        if (i == t->w->rest && !t->rest_shown)
            continue;
        if (!first)
            pad(out, GAP);
        first = 0;
        for (int k = 0; k < t->width[i]; k++)
            sl_buf_addch(out, '-');
    }
    if (t->nshown < t->n)
        sl_buf_addstr(out, "  …");
    sl_buf_addch(out, '\n');
}

/* ---- rows ---- */

static int hold_end(struct sl_text_table *t)
{
    if (t->ncells == t->cap_cells) {
        size_t cap = SL_MAX(t->cap_cells * 2, (size_t)1024);
        size_t *ends = sl_realloc(t->ends, cap * sizeof *ends);
        if (!ends)
            return -1;
        t->ends = ends;
        t->cap_cells = cap;
    }
    t->ends[t->ncells++] = t->text.len;
    return 0;
}

static int hold_row(struct sl_text_table *t, const struct sl_text_cells *cells, size_t row,
                    struct sl_buf *scratch)
{
    for (int i = 0; i < t->n; i++) {
        const struct sl_text_cells *x = &cells[i];
        if (!sl_text_cell_null(x, row)) {
            char small[128];
            sl_buf_reset(scratch);
            if (sl_text_cell_plain(x->kind)) {
                struct sl_text_out o = {scratch, small, small + sizeof small};
                sl_text_cell_print(t->w, &o, x, sl_text_cell_slot(x, row), SL_TIME_SQL);
                sl_buf_add(&t->text, small, (size_t)(o.p - small));
            } else {
                sl_column_print(x->c, row, scratch);
                sl_buf_add_visible(&t->text, scratch->data ? scratch->data : "", scratch->len);
            }
            if (scratch->failed)
                return -1;
        }
        if (hold_end(t) < 0)
            return -1;
    }
    return t->text.failed ? -1 : 0;
}

/* Header cells, as shown. */
static int put_header(struct sl_text_table *t, struct sl_buf *out)
{
    struct sl_buf names = SL_BUF_INIT;
    size_t *ends = sl_calloc((size_t)t->n + 1, sizeof *ends);
    for (int i = 0; ends && i < t->n; i++) {
        sl_buf_add_visible(&names, t->w->schema->fields[i].name,
                           strlen(t->w->schema->fields[i].name));
        ends[i] = names.len;
        int width =
            display_width(names.data + (i ? ends[i - 1] : 0), ends[i] - (i ? ends[i - 1] : 0));
        t->width[i] = SL_MAX(t->width[i], width);
    }
    int ok = ends && !names.failed;
    if (ok) {
        fit_widths(t);
        if (!t->w->o.no_header) {
            put_line(t, names.data ? names.data : "", 0, ends, out);
            put_rule(t, out);
        }
    }
    free(ends);
    sl_buf_release(&names);
    return ok ? 0 : -1;
}

static int settle(struct sl_text_table *t, struct sl_buf *out)
{
    size_t from = 0;
    for (size_t i = 0; i < t->ncells; from = t->ends[i], i++) {
        int c = (int)(i % (size_t)t->n);
        int width = t->text.data ? display_width(t->text.data + from, t->ends[i] - from) : 0;
        t->width[c] = SL_MAX(t->width[c], width);
    }
    if (t->w->rest >= 0) {
        int rest = t->w->rest;
        t->rest_shown = t->width[rest] > 0;
    }
    /* The header is a line like others, but its own name must not count as a late key. */
    int rc = put_header(t, out);
    t->settled = 1;
    return rc;
}

static int release_rows(struct sl_text_table *t, struct sl_buf *out, struct sl_err *err)
{
    if (!t->settled && settle(t, out) < 0)
        return sl_err_nomem(err, "writing a table");
    size_t from = 0;
    for (size_t i = 0; t->n && i < t->ncells; i += (size_t)t->n) {
        put_line(t, t->text.data ? t->text.data : "", from, t->ends + i, out);
        from = t->ends[i + (size_t)t->n - 1];
    }
    t->ncells = 0;
    sl_buf_reset(&t->text);
    return sl_buf_check(out, err);
}

int sl_text_table_write(struct sl_text_table *t, struct sl_batch *b, struct sl_buf *out,
                        struct sl_err *err)
{
    struct sl_text_cells *cells = NULL;
    struct sl_buf scratch = SL_BUF_INIT;
    int rc = sl_text_cells_open(t->w, b, NULL, &cells, err);
    if (rc < 0)
        return rc;
    for (size_t r = 0; r < b->selected && rc >= 0; r++) {
        if (hold_row(t, cells, sl_batch_row(b, r), &scratch) < 0)
            rc = sl_err_nomem(err, "writing a table");
        else if (t->settled || t->ncells >= (size_t)TABLE_HOLD * (size_t)t->n)
            rc = release_rows(t, out, err);
    }
    sl_text_cells_close(cells, t->n);
    sl_buf_release(&scratch);
    return rc;
}

int sl_text_table_flush(struct sl_text_table *t, int at_end, struct sl_buf *out, struct sl_err *err)
{
    if (!t->ncells && (t->settled || !at_end))
        return 0;
    return release_rows(t, out, err);
}

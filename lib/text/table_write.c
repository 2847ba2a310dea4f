/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * table_write: rows for people, aligned by the width that a terminal gives each character.
 *
 * Rows are held back to find widths: TABLE_HOLD of them, or what is there at a flush. Where a later
 * value is wider than its column the column becomes wider, and the head comes again. With a terminal
 * width no line is longer: wide columns are narrowed first, a value that is cut ends in …, and columns
 * that have no room at all are left out behind a … . Without one nothing is cut. Control bytes are
 * shown, never sent. Null is empty.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/text_writer.h"

enum { TABLE_HOLD = 500, GAP = 2, NARROW = 6 };

struct sl_text_table {
    struct sl_text_writer *w;
    int n;      /* columns */
    int nshown; /* of them shown, from the left */
    int *
        wanted; /* terminal columns of the widest value or name; 0: `_rest` that had no value yet */
    int *width; /* what of it there is room for */
    uint8_t *right;
    int settled; /* the head is out */
    /* the names, as they are shown; the end of each */
    struct sl_buf names;
    size_t *name_ends;
    /* held rows: n cells each, as they are shown */
    struct sl_buf text;
    size_t *ends; /* end of each cell in text */
    size_t ncells, cap_cells;
};

void sl_text_table_free(struct sl_text_table *t)
{
    if (!t)
        return;
    sl_buf_release(&t->names);
    sl_buf_release(&t->text);
    free(t->name_ends);
    free(t->wanted);
    free(t->width);
    free(t->right);
    free(t->ends);
    free(t);
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

/* Whether column i is `_rest` and had no value yet: keys that came late. */
static int is_hidden(const struct sl_text_table *t, int i)
{
    return i == t->w->rest && !t->wanted[i];
}

static int fill_columns(struct sl_text_table *t)
{
    for (int i = 0; i < t->n; i++) {
        const struct sl_field *f = &t->w->schema->fields[i];
        size_t from = t->names.len;
        uint8_t k = f->type.kind;
        t->right[i] = k == SL_BIGINT || k == SL_DOUBLE || k == SL_NUMERIC;
        sl_buf_add_visible(&t->names, f->name, strlen(f->name));
        if (t->names.failed)
            return -1;
        t->name_ends[i] = t->names.len;
        if (i != t->w->rest)
            t->wanted[i] = display_width(t->names.data + from, t->names.len - from);
    }
    return 0;
}

struct sl_text_table *sl_text_table_new(struct sl_text_writer *w, struct sl_err *err)
{
    struct sl_text_table *t = sl_calloc(1, sizeof *t);
    size_t n = (size_t)w->schema->nfields + 1;
    if (t) {
        t->w = w;
        t->n = w->schema->nfields;
        t->wanted = sl_calloc(n, sizeof *t->wanted);
        t->width = sl_calloc(n, sizeof *t->width);
        t->name_ends = sl_calloc(n, sizeof *t->name_ends);
        t->right = sl_calloc(n, 1);
    }
    if (!t || !t->wanted || !t->width || !t->name_ends || !t->right || fill_columns(t) < 0) {
        sl_text_table_free(t);
        return sl_err_no_memory(err, "opening a text writer");
    }
    return t;
}

/* ---- widths ---- */

/* Whether no other column follows i on the line; only `_rest`, the last of all, is ever hidden. */
static int is_last(const struct sl_text_table *t, int i)
{
    return i == t->n - 1 || (i == t->n - 2 && is_hidden(t, i + 1));
}

static int total_width(const struct sl_text_table *t, int limit)
{
    int sum = 0, n = 0;
    for (int i = 0; i < t->n; i++) {
        if (is_hidden(t, i))
            continue;
        sum += SL_MIN(t->wanted[i], limit);
        n++;
    }
    return sum + GAP * SL_MAX(n - 1, 0);
}

/* The columns that there is room for on a line. */
static int count_shown(const struct sl_text_table *t)
{
    int used = 0;
    for (int i = 0; i < t->n; i++) {
        if (is_hidden(t, i))
            continue;
        int next = used + (used ? GAP : 0) + t->width[i];
        if (next + (is_last(t, i) ? 0 : GAP + 1) > t->w->o.width && used)
            return i;
        used = next;
    }
    return t->n;
}

/* Shares the room out. 1 if a line looks otherwise than before. */
static int fit_widths(struct sl_text_table *t)
{
    int room = t->w->o.width, limit = 1 << 20, shown = t->nshown, changed = 0;
    int fits = !room || total_width(t, limit) <= room;
    if (!fits)
        for (limit = NARROW; total_width(t, limit + 1) <= room;)
            limit++;
    for (int i = 0; i < t->n; i++) {
        int width = SL_MIN(t->wanted[i], limit);
        changed |= t->width[i] != width;
        t->width[i] = width;
    }
    t->nshown = fits ? t->n : count_shown(t);
    return changed || t->nshown != shown;
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
    for (int i = 0; i < t->nshown; from = ends[i], i++) {
        if (is_hidden(t, i))
            continue;
        if (!first)
            pad(out, GAP);
        first = 0;
        put_cell(t, i, s + from, ends[i] - from, is_last(t, i), out);
    }
    if (t->nshown < t->n)
        sl_buf_addstr(out, "  …");
    while (out->len && out->data && out->data[out->len - 1] == ' ')
        out->len--;
    sl_buf_addch(out, '\n');
}

static void put_rule(const struct sl_text_table *t, struct sl_buf *out)
{
    int first = 1;
    for (int i = 0; i < t->nshown; i++) {
        if (is_hidden(t, i))
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

static void put_head(const struct sl_text_table *t, struct sl_buf *out)
{
    if (t->w->o.no_header)
        return;
    put_line(t, t->names.data ? t->names.data : "", 0, t->name_ends, out);
    put_rule(t, out);
}

/* ---- rows ---- */

static int hold_end(struct sl_text_table *t)
{
    int rc = SL_GROW(t->ends, t->ncells + 1, t->cap_cells, "a table", NULL);
    if (rc == 0)
        t->ends[t->ncells++] = t->text.len;
    return rc;
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

/* Makes room for the values that are held. */
static void widen(struct sl_text_table *t)
{
    size_t from = 0;
    for (size_t i = 0; i < t->ncells; from = t->ends[i], i++) {
        int c = (int)(i % (size_t)t->n);
        int width = t->text.data ? display_width(t->text.data + from, t->ends[i] - from) : 0;
        if (is_hidden(t, c) && width) {
            size_t begin = c ? t->name_ends[c - 1] : 0;
            t->wanted[c] = display_width(t->names.data + begin, t->name_ends[c] - begin);
        }
        t->wanted[c] = SL_MAX(t->wanted[c], width);
    }
}

static int release_rows(struct sl_text_table *t, struct sl_buf *out, struct sl_err *err)
{
    size_t from = 0;
    widen(t);
    if (fit_widths(t) || !t->settled)
        put_head(t, out);
    t->settled = 1;
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
    assert(t && sl_batch_is_sound(b) && out);
    struct sl_text_cells *cells = NULL;
    struct sl_buf scratch = SL_BUF_INIT;
    int rc = sl_text_cells_open(t->w, b, NULL, &cells, err);
    if (rc < 0)
        return rc;
    for (size_t r = 0; r < b->selected && rc >= 0; r++) {
        if (hold_row(t, cells, sl_batch_row(b, r), &scratch) < 0)
            rc = sl_err_nomem(err, "writing a table");
        else if (t->ncells >= (size_t)TABLE_HOLD * (size_t)t->n)
            rc = release_rows(t, out, err);
    }
    if (rc >= 0 && t->settled && t->ncells)
        rc = release_rows(t, out, err);
    sl_text_cells_close(cells, t->n);
    sl_buf_release(&scratch);
    return rc;
}

int sl_text_table_flush(struct sl_text_table *t, int at_end, struct sl_buf *out, struct sl_err *err)
{
    assert(t && out);
    if (!t->ncells && (t->settled || !at_end))
        return 0;
    return release_rows(t, out, err);
}

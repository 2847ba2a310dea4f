/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * harness_gate: the consumer of an operator under test. It keeps what the operator emits as lines of
 * text, counts what the operator says of rows, holds it to its own account, and says DONE or fails where
 * a run tells it to.
 */
#ifndef SL_TESTS_OP_HARNESS_GATE_H
#define SL_TESTS_OP_HARNESS_GATE_H

#include "op/op.h"

/* ---- what an operator gives ---- */

struct lines {
    char **text;
    size_t n, cap;
};

struct gate { /* the test's emit */
    struct sl_emit emit;
    struct lines rows, rejects;
    int64_t in, out, fate[SL_FATE_COUNT];
    int done;
    int hide_wm;       /* `_wm` is the input's own */
    int64_t watermark; /* greatest emitted */
    int64_t told;      /* greatest that the operator was told */
    int ahead;         /* watermarks emitted that were greater */
    int window_before; /* rows of windows that start before it, emitted later */
    int emits;         /* batches of rows so far */
    int done_at;       /* emit answers DONE from this one on, 0 = never */
    int fail_at;       /* ... or fails, 0 = never */
    int fail_reject;
    int asides; /* calls with rejects */
};

/* The harness's own memory does not go through the allocator under test. */
static inline void lines_add(struct lines *l, const char *s, size_t n)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->text = realloc(l->text, l->cap * sizeof(*l->text));
    }
    char *copy = malloc(n + 1);
    memcpy(copy, s, n);
    copy[n] = '\0';
    l->text[l->n++] = copy;
}

static inline void lines_free(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->text[i]);
    free(l->text);
    memset(l, 0, sizeof(*l));
}

static inline int print_row(const struct gate *g, struct sl_batch *b, size_t row,
                            struct sl_buf *out, struct sl_err *err)
{
    sl_buf_reset(out);
    for (int c = 0; c < b->schema->nfields; c++) {
        if (g->hide_wm && !strcmp(b->schema->fields[c].name, "_wm"))
            continue;
        int rc = b->columns[c] ? sl_column_load(b->columns[c], err) : 0;
        if (rc < 0)
            return rc;
        if (out->len)
            sl_buf_addch(out, '|');
        if (!b->columns[c])
            sl_buf_addstr(out, "(absent)");
        else if (sl_column_null(b->columns[c], row))
            sl_buf_addstr(out, "(null)");
        else
            sl_column_print(b->columns[c], row, out);
    }
    return sl_buf_check(out, err);
}

/* Rows of b, results of windows, whose window starts before a watermark. */
static inline int windows_before(struct sl_batch *b, int64_t watermark)
{
    int c = sl_schema_time_index(b->schema), n = 0;
    if (c < 0 || strcmp(b->schema->fields[c].name, "window_start") != 0)
        return 0;
    for (size_t k = 0; k < b->selected; k++) {
        const struct sl_column *h;
        size_t slot = sl_column_slot(b->columns[c], sl_batch_row(b, k), &h);
        n += ((const int64_t *)h->data)[slot] < watermark;
    }
    return n;
}

static int gate_emit(struct sl_emit *e, struct sl_batch *b, struct sl_err *err)
{
    struct gate *g = (struct gate *)e;
    struct sl_buf line = SL_BUF_INIT;
    const char *broken = sl_batch_check(b);
    int rc = 0;
    if (broken)
        return sl_err_set(err, SL_EFAIL, "emitted a broken batch: %s", broken);
    g->emits += b->selected != 0;
    if (g->fail_at && g->emits >= g->fail_at)
        return sl_err_set(err, SL_EIO, "the test's sink fails");
    g->out += (int64_t)b->selected;
    g->window_before += windows_before(b, g->watermark);
    for (size_t k = 0; rc >= 0 && k < b->selected; k++) {
        rc = print_row(g, b, sl_batch_row(b, k), &line, err);
        if (rc >= 0)
            lines_add(&g->rows, line.data ? line.data : "", line.len);
    }
    sl_buf_release(&line);
    if (rc >= 0 && g->done_at && g->emits >= g->done_at)
        return SL_PUSH_DONE;
    return rc < 0 ? rc : SL_PUSH_OK;
}

static int gate_watermark(struct sl_emit *e, int64_t watermark, struct sl_err *err)
{
    struct gate *g = (struct gate *)e;
    (void)err;
    g->ahead += watermark > g->told;
    g->watermark = SL_MAX(g->watermark, watermark);
    return SL_PUSH_OK;
}

static int gate_aside(struct sl_emit *e, enum sl_aside_kind kind, struct sl_batch *b,
                      const struct sl_aside_row *rows, size_t n, struct sl_err *err)
{
    struct gate *g = (struct gate *)e;
    struct sl_buf line = SL_BUF_INIT;
    int rc = n ? 0 : sl_err_set(err, SL_EBUG, "no row goes aside");
    g->asides += kind == SL_ASIDE_REJECTED;
    g->fate[kind == SL_ASIDE_LATE        ? SL_FATE_LATE
            : kind == SL_ASIDE_LATE_IDLE ? SL_FATE_LATE_IDLE
                                         : SL_FATE_REJECTED] += (int64_t)n;
    for (size_t i = 1; i < n && rc >= 0; i++)
        if (rows[i].row <= rows[i - 1].row)
            rc = sl_err_set(err, SL_EBUG, "rows go aside out of order");
    for (size_t i = 0; kind == SL_ASIDE_REJECTED && i < n && rc >= 0; i++) {
        rc = rows[i].what && *rows[i].what ? print_row(g, b, rows[i].row, &line, err)
                                           : sl_err_set(err, SL_EBUG, "a reject without a reason");
        if (g->fail_reject && rc >= 0)
            rc = sl_err_set(err, SL_EFORMAT, "the test takes no rejects");
        if (rc >= 0)
            lines_add(&g->rejects, line.data ? line.data : "", line.len);
    }
    sl_buf_release(&line);
    return rc;
}

static void gate_fate(struct sl_emit *e, enum sl_fate fate, int64_t rows)
{
    ((struct gate *)e)->fate[fate] += rows;
}

static inline void gate_init(struct gate *g)
{
    memset(g, 0, sizeof(*g));
    g->watermark = SL_TIME_MIN;
    g->told = SL_TIME_MAX;
    g->emit = (struct sl_emit){
        .emit = gate_emit, .watermark = gate_watermark, .aside = gate_aside, .fate = gate_fate};
}

/* A batch (may be NULL), then the watermark behind it, then the directive, as the loop does. */
static inline int push_behind(struct sl_op *op, int input, struct sl_batch *b, int64_t watermark,
                              enum sl_directive d, struct sl_emit *out, struct sl_err *err)
{
    if (watermark == SL_TIME_MIN)
        return sl_op_push(op, input, b, d, out, err);
    int rc = b ? sl_op_push(op, input, b, SL_MORE, out, err) : SL_PUSH_OK;
    if (rc != SL_PUSH_OK)
        return rc;
    rc = op->class->watermark ? op->class->watermark(op, watermark, out, err)
                              : out->watermark(out, watermark, err);
    return rc == SL_PUSH_OK && d != SL_MORE ? sl_op_push(op, input, NULL, d, out, err) : rc;
}

static inline int push_told(struct sl_op *op, struct sl_batch *b, int64_t watermark,
                            enum sl_directive d, struct sl_emit *out, struct sl_err *err)
{
    return push_behind(op, 0, b, watermark, d, out, err);
}

static inline void gate_free(struct gate *g)
{
    lines_free(&g->rows);
    lines_free(&g->rejects);
}

/* ---- the account ---- */

static inline int64_t account_term(const struct gate *g, int64_t held, const char *s, size_t n)
{
    static const char *const names[] = {"filtered", "rejected", "late",     "late_idle", "used",
                                        "cut",      "deduped",  "assigned", "released"};
    for (int f = 0; f < SL_FATE_COUNT; f++)
        if (strlen(names[f]) == n && !memcmp(names[f], s, n))
            return g->fate[f];
    if (n == 2 && !memcmp(s, "in", 2))
        return g->in;
    if (n == 3 && !memcmp(s, "out", 3))
        return g->out;
    return n == 4 && !memcmp(s, "held", 4) ? held : INT64_MIN / 4;
}

/* 1 if every equation of the class's account holds. */
static inline int balanced(const struct sl_op *op, const struct gate *g)
{
    int64_t held = op->class->held ? op->class->held(op) : 0, side[2] = {0, 0};
    int right = 0, good = 1;
    for (const char *p = op->class->account;;) {
        size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz_");
        if (n) {
            side[right] += account_term(g, held, p, n);
            p += n;
        } else if (*p == '=') {
            right = 1;
            p++;
        } else if (*p == ',' || !*p) {
            good &= side[0] == side[1];
            side[0] = side[1] = right = 0;
            if (!*p++)
                return good;
        } else {
            p++;
        }
    }
}

/* ---- comparing ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* 1 if equal; sorts both unless the order is promised. Tells the first difference. */
static inline int same_lines(struct lines *a, struct lines *b, int ordered, char *what)
{
    if (!ordered) {
        if (a->n)
            qsort(a->text, a->n, sizeof(*a->text), by_text);
        if (b->n)
            qsort(b->text, b->n, sizeof(*b->text), by_text);
    }
    for (size_t i = 0; i < a->n || i < b->n; i++) {
        const char *x = i < a->n ? a->text[i] : "(nothing)";
        const char *y = i < b->n ? b->text[i] : "(nothing)";
        if (strcmp(x, y) != 0) {
            snprintf(what, 512, "line %zu is %s, not %s", i + 1, y, x);
            return 0;
        }
    }
    return 1;
}

#endif

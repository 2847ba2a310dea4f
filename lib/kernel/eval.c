/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * eval: walks the typed tree, one vector at a time.
 *
 * A frame is a set of rows under evaluation. AND, OR, CASE and COALESCE evaluate a branch that can
 * fail in a sub-frame of just the rows that need it, so that a guard guards. A subtree that reads a
 * single column in the DICT form is evaluated once per dictionary entry (dict.c).
 *
 * A row that fails is noted and null from there on, so that one walk finds every bad row; only the
 * end of the walk makes it an error.
 *
 * Invariant: what sl_node_eval returns has exactly f->n rows.
 */
#include "kernel/kernel.h"
#include "kernel/dict.h"

struct sl_type sl_expr_type(const struct sl_expr *e)
{
    assert(e && e->root);
    return e->root->type;
}

struct sl_eval *sl_eval_new(struct sl_account *account, struct sl_err *err)
{
    struct sl_eval *ev = sl_calloc(1, sizeof(*ev));
    if (!ev)
        return sl_err_no_memory(err, "making an evaluator");
    ev->account = account;
    ev->text_max = SL_TEXT_MAX;
    return ev;
}

static void clear_failures(struct sl_eval *ev)
{
    for (size_t i = 0; i < ev->nfailed; i++)
        free(ev->failed[i].what);
    ev->nfailed = 0;
}

static void release(struct sl_eval *ev)
{
    clear_failures(ev);
    free(ev->failed);
    sl_regex_scratch_free(ev->regex);
    for (size_t i = 0; i < SL_COUNT(ev->buf); i++)
        sl_buf_release(&ev->buf[i]);
}

void sl_eval_free(struct sl_eval *ev)
{
    if (!ev)
        return;
    release(ev);
    free(ev);
}

size_t sl_eval_failures(const struct sl_eval *ev)
{
    return ev->nfailed;
}

void sl_eval_failure(const struct sl_eval *ev, size_t i, struct sl_err *err)
{
    assert(i < ev->nfailed);
    const struct sl_failure *f = &ev->failed[i];
    sl_err_set(err, SL_EROW, "%s", f->what);
    err->line = (int64_t)f->row;
    err->column = f->column;
}

/* ---- frames ---- */

int sl_frame_init(struct sl_frame *f, struct sl_eval *ev, int ncols, struct sl_err *err)
{
    assert(ncols >= 0);
    memset(f, 0, sizeof(*f));
    f->ev = ev;
    f->ncols = ncols;
    f->cols = sl_calloc(ncols ? (size_t)ncols : 1, sizeof(*f->cols));
    return f->cols ? 0 : sl_err_nomem(err, "evaluating an expression");
}

void sl_frame_release(struct sl_frame *f)
{
    for (int i = 0; f->cols && i < f->ncols; i++)
        sl_column_unref(f->cols[i]);
    free(f->cols);
    free(f->owned[0]);
    free(f->owned[1]);
    memset(f, 0, sizeof(*f));
}

int sl_frame_column(struct sl_frame *f, int index, struct sl_column **out, struct sl_err *err)
{
    assert(sl_frame_is_sound(f) && out);
    assert(index >= 0);
    assert(index >= 0 && index < f->ncols);
    struct sl_column *c = f->cols[index];
    if (!c) {
        struct sl_column *from = f->batch ? f->batch->columns[index] : NULL;
        const uint32_t *sel = f->sel;
        int rc = 0;
        if (!f->batch) {
            assert(f->up && f->keep);
            rc = sl_frame_column(f->up, index, &from, err);
            sel = f->keep;
        }
        if (rc < 0 || (rc = sl_column_load(from, err)) < 0)
            return rc;
        c = sel ? sl_column_take(from, sel, f->n, f->ev->account, err) : sl_column_ref(from);
        if (!c)
            return -SL_ENOMEM;
        f->cols[index] = c;
    }
    *out = c;
    return 0;
}

int sl_frame_sub(struct sl_frame *sub, struct sl_frame *f, const uint32_t *keep, size_t n,
                 struct sl_err *err)
{
    assert(sl_frame_is_sound(f) && (keep || !n) && n <= f->n);
    int rc = sl_frame_init(sub, f->ev, f->ncols, err);
    if (rc < 0)
        return rc;
    sub->batch = f->batch;
    sub->n = n;
    sub->up = f;
    sub->keep = keep;
    sub->by_dict = f->by_dict;
    sub->sel = sub->pos = keep;
    if (f->sel) {
        sub->sel = sub->owned[0] = sl_malloc(n * sizeof(uint32_t));
        if (!sub->owned[0])
            goto nomem;
        for (size_t i = 0; i < n; i++)
            sub->owned[0][i] = f->sel[keep[i]];
    }
    if (f->pos) {
        sub->pos = sub->owned[1] = sl_malloc(n * sizeof(uint32_t));
        if (!sub->owned[1])
            goto nomem;
        for (size_t i = 0; i < n; i++)
            sub->owned[1][i] = f->pos[keep[i]];
    }
    return 0;
nomem:
    sl_frame_release(sub);
    return sl_err_nomem(err, "evaluating an expression");
}

int sl_frame_fail(struct sl_frame *f, const struct sl_node *n, size_t row, struct sl_err *err,
                  const char *fmt, ...)
{
    assert(sl_frame_is_sound(f) && n);
    struct sl_eval *ev = f->ev;
    char what[sizeof(err->what)];
    va_list ap;
    if (f->by_dict) /* the entry may belong to no row: whoever asked evaluates row by row */
        return -SL_EROW;
    int rc = SL_GROW(ev->failed, ev->nfailed + 1, ev->cap_failed, "evaluating an expression", err);
    if (rc < 0)
        return rc;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    struct sl_failure *failure = &ev->failed[ev->nfailed];
    *failure = (struct sl_failure){.row = f->pos ? f->pos[row] : row,
                                   .nth = ev->nfailed,
                                   .column = n->at,
                                   .what = sl_strdup(what)};
    if (!failure->what)
        return sl_err_nomem(err, "evaluating an expression");
    ev->nfailed++;
    return 0;
}

/* ---- calls ---- */

/* Conjunction of the arguments' validity into out. 1 if some argument is null in all rows. */
static int join_valid(struct sl_call *c, int nargs, struct sl_err *err)
{
    struct sl_column *out = c->out;
    size_t bytes = (c->rows + 7) / 8;
    for (int k = 0; k < nargs; k++) {
        const struct sl_column *a = c->args[k];
        if (!a->valid)
            continue;
        if (a->form == SL_CONST) {
            if (!sl_bit(a->valid, 0))
                return 1;
            continue;
        }
        if (!out->valid) { /* share the first one */
            out->valid = a->valid;
            continue;
        }
        if (!out->owner[0]) {
            out->owner[0] = sl_buffer_new(c->ev->account, bytes);
            if (!out->owner[0])
                return sl_err_nomem(err, "evaluating an expression");
            memcpy(out->owner[0]->data, out->valid, bytes);
            out->valid = out->owner[0]->data;
        }
        uint8_t *v = out->owner[0]->data;
        for (size_t i = 0; i < bytes; i++)
            v[i] &= a->valid[i];
    }
    if (out->valid && !out->owner[0]) { /* shared: hold on to it by copy, columns differ in life */
        out->owner[0] = sl_buffer_new(c->ev->account, bytes);
        if (!out->owner[0])
            return sl_err_nomem(err, "evaluating an expression");
        memcpy(out->owner[0]->data, out->valid, bytes);
        out->valid = out->owner[0]->data;
    }
    return 0;
}

struct sl_column *sl_column_repeat(struct sl_column *one, size_t n, struct sl_err *err)
{
    assert(sl_column_is_sound(one));
    assert(one->rows == 1 || one->form == SL_CONST);
    struct sl_column *c;
    if (one->form == SL_CONST && one->rows == n)
        return sl_column_ref(one);
    if (sl_column_null(one, 0))
        return sl_column_nulls(one->type, n, err);
    assert(one->form == SL_CONST || (one->form == SL_PLAIN && one->rows >= 1));
    c = sl_column_new(one->type, n);
    if (!c)
        return sl_err_no_memory(err, "evaluating an expression");
    c->form = SL_CONST;
    c->data = one->data;
    c->offsets = one->offsets;
    for (int i = 1; i < SL_COLUMN_OWNERS; i++)
        c->owner[i] = one->owner[i] ? sl_buffer_ref(one->owner[i]) : NULL;
    return c;
}

static int run_call(struct sl_frame *f, const struct sl_node *n, struct sl_column *const *args,
                    size_t rows, struct sl_column **out, struct sl_err *err)
{
    struct sl_call c = {.frame = f, .ev = f->ev, .node = n, .rows = rows, .args = args, .err = err};
    int rc = 0;
    c.out = sl_column_new(n->type, rows);
    if (!c.out)
        return sl_err_nomem(err, "evaluating an expression");
    if (!(n->flags & SL_CALL_NULLS)) {
        rc = join_valid(&c, n->nargs, err);
        if (rc == 1) {
            sl_column_unref(c.out);
            *out = sl_column_nulls(n->type, rows, err);
            return *out ? 0 : -SL_ENOMEM;
        }
    }
    if (rc == 0)
        rc = n->run(&c);
    if (rc < 0) {
        sl_column_unref(c.out);
        return rc;
    }
    *out = c.out;
    return 0;
}

/* All arguments are the same in every row: one row is enough, unless it fails. */
static int run_constant(struct sl_frame *f, const struct sl_node *n, struct sl_column *const *args,
                        struct sl_column **out, struct sl_err *err)
{
    struct sl_column *one = NULL, *few[4], **single = few;
    int was = f->by_dict, rc = 0, made = 0;
    if (n->nargs > (int)SL_COUNT(few)) {
        single = sl_calloc((size_t)n->nargs, sizeof(*single));
        if (!single)
            return sl_err_nomem(err, "evaluating an expression");
    }
    for (; made < n->nargs && rc == 0; made++) {
        single[made] = sl_column_repeat(args[made], 1, err);
        if (!single[made])
            rc = -SL_ENOMEM;
    }
    f->by_dict = 1;
    if (rc == 0)
        rc = run_call(f, n, single, 1, &one, err);
    f->by_dict = was;
    while (made-- > 0)
        sl_column_unref(single[made]);
    if (single != few)
        free(single);
    if (rc == 0) {
        *out = sl_column_repeat(one, f->n, err);
        sl_column_unref(one);
        return *out ? 0 : -SL_ENOMEM;
    }
    return rc == -SL_EROW && !was ? run_call(f, n, args, f->n, out, err) : rc;
}

static int eval_call(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                     struct sl_err *err)
{
    struct sl_column *few[4] = {0}, **args = few;
    int rc = 0, constant = 1;
    if (n->nargs > (int)SL_COUNT(few)) {
        args = sl_calloc((size_t)n->nargs, sizeof(*args));
        if (!args)
            return sl_err_nomem(err, "evaluating an expression");
    }
    for (int i = 0; i < n->nargs && rc >= 0; i++) {
        rc = sl_node_eval(f, n->args[i], &args[i], err);
        if (rc < 0)
            break;
        if (args[i]->form == SL_DICT &&
            !((n->flags & SL_CALL_BYTES) && sl_type_is_bytes(args[i]->type))) {
            struct sl_column *plain = sl_column_plain(args[i], f->ev->account, err);
            sl_column_unref(args[i]);
            args[i] = plain;
            if (!plain)
                rc = -SL_ENOMEM;
        }
        if (rc >= 0 && args[i]->form != SL_CONST)
            constant = 0;
    }
    if (rc >= 0)
        rc = constant ? run_constant(f, n, args, out, err) : run_call(f, n, args, f->n, out, err);
    for (int i = 0; i < n->nargs; i++)
        sl_column_unref(args[i]);
    if (args != few)
        free(args);
    return rc;
}

int sl_node_eval_rows(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                      struct sl_err *err)
{
    assert(sl_frame_is_sound(f) && n && out);
    switch (n->kind) {
    case SL_NODE_AND:
    case SL_NODE_OR: return sl_eval_and_or(f, n, out, err);
    case SL_NODE_CASE: return sl_eval_case(f, n, out, err);
    case SL_NODE_COALESCE: return sl_eval_coalesce(f, n, out, err);
    case SL_NODE_TRY: return sl_eval_try(f, n, out, err);
    default: assert(n->kind == SL_NODE_CALL); return eval_call(f, n, out, err);
    }
}

int sl_node_eval(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                 struct sl_err *err)
{
    assert(sl_frame_is_sound(f) && n && out);
    int rc;
    *out = NULL;
    if (n->value) {
        *out = sl_column_repeat(n->value, f->n, err);
        return *out ? 0 : -SL_ENOMEM;
    }
    if (f->n == 0) {
        *out = sl_column_nulls(n->type, 0, err);
        return *out ? 0 : -SL_ENOMEM;
    }
    if (n->kind == SL_NODE_COLUMN) {
        struct sl_column *c;
        rc = sl_frame_column(f, n->column, &c, err);
        if (rc >= 0)
            *out = sl_column_ref(c);
        return rc;
    }
    if (n->only >= 0) {
        rc = sl_eval_by_entry(f, n, out, err);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    return sl_node_eval_rows(f, n, out, err);
}

struct sl_column *sl_node_constant(const struct sl_node *n, const struct sl_expr_env *env,
                                   struct sl_err *err)
{
    struct sl_eval ev = {.env = env, .text_max = SL_TEXT_FOLDED_MAX};
    struct sl_frame f;
    struct sl_column *c = NULL, *one = NULL;
    if (sl_frame_init(&f, &ev, 0, err) < 0)
        return NULL;
    f.n = 1;
    if (sl_node_eval_rows(&f, n, &c, err) >= 0 && sl_eval_end(&ev, err) >= 0)
        one = sl_column_repeat(c, 1, err);
    sl_column_unref(c);
    sl_frame_release(&f);
    release(&ev);
    return one;
}

static int failure_order(const void *a, const void *b)
{
    const struct sl_failure *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return x->nth < y->nth ? -1 : x->nth > y->nth;
}

void sl_eval_begin(struct sl_eval *ev, const struct sl_expr_env *env)
{
    assert(ev && env);
    clear_failures(ev);
    ev->env = env;
}

int sl_eval_end(struct sl_eval *ev, struct sl_err *err)
{
    assert(ev->nfailed <= ev->cap_failed);
    size_t n = 0;
    if (ev->nfailed == 0)
        return 0;
    if (ev->nfailed > 1)
        qsort(ev->failed, ev->nfailed, sizeof(*ev->failed), failure_order);
    for (size_t i = 0; i < ev->nfailed; i++) { /* of a row, what was met first */
        if (n && ev->failed[n - 1].row == ev->failed[i].row)
            free(ev->failed[i].what);
        else
            ev->failed[n++] = ev->failed[i];
    }
    ev->nfailed = n;
    if (err)
        sl_eval_failure(ev, 0, err);
    return -SL_EROW;
}

int sl_expr_eval(struct sl_eval *ev, const struct sl_expr *e, struct sl_batch *b,
                 struct sl_column **out, struct sl_err *err)
{
    assert(ev && e && e->root && sl_batch_is_sound(b) && out);
    struct sl_frame f;
    *out = NULL;
    sl_eval_begin(ev, &e->env);
    int rc = sl_frame_init(&f, ev, e->schema->nfields, err);
    if (rc < 0)
        return rc;
    f.batch = b;
    f.n = b->selected;
    f.sel = b->selection;
    rc = sl_node_eval(&f, e->root, out, err);
    sl_frame_release(&f);
    if (rc >= 0)
        rc = sl_eval_end(ev, err);
    if (rc < 0) {
        sl_column_unref(*out);
        *out = NULL;
    }
    assert(rc < 0 || (*out)->rows == b->selected);
    return rc;
}

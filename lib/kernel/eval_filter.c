/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * eval_filter: from a condition straight to a selection.
 *
 * An AND refines one selection term by term. A term that compares a column with a constant, or reads
 * one dictionary column, is fused: no boolean vector is made. All else is evaluated for the rows that
 * are left.
 * Invariant: `sel` holds physical rows; `pos`, kept only if the batch itself has a selection, their
 * places among the batch's selected rows.
 */
#include "kernel/dict.h"

struct filter {
    struct sl_eval *ev;
    struct sl_batch *b;
    int ncols;
    uint32_t *sel, *pos;
    size_t n;
    int all; /* sel is not filled yet: every row of the batch */
    struct sl_err *err;
};

#define RUN(cond)                                                                                  \
    do {                                                                                           \
        if (f->all) {                                                                              \
            for (size_t i = 0; i < f->n; i++) {                                                    \
                sel[n] = (uint32_t)i;                                                              \
                n += (size_t)(cond);                                                               \
            }                                                                                      \
        } else if (!f->pos) {                                                                      \
            for (size_t k = 0; k < f->n; k++) {                                                    \
                size_t i = sel[k];                                                                 \
                sel[n] = (uint32_t)i;                                                              \
                n += (size_t)(cond);                                                               \
            }                                                                                      \
        } else {                                                                                   \
            for (size_t k = 0; k < f->n; k++) {                                                    \
                size_t i = sel[k];                                                                 \
                uint32_t p = f->pos[k];                                                            \
                sel[n] = (uint32_t)i;                                                              \
                f->pos[n] = p;                                                                     \
                n += (size_t)(cond);                                                               \
            }                                                                                      \
        }                                                                                          \
    } while (0)

#define COMPARE(ctype)                                                                             \
    static void compare_##ctype(struct filter *f, const ctype *restrict v, ctype x, int op)        \
    {                                                                                              \
        uint32_t *restrict sel = f->sel;                                                           \
        size_t n = 0;                                                                              \
        switch (op) {                                                                              \
        case SL_EQ: RUN(v[i] == x); break;                                                         \
        case SL_NE: RUN(v[i] != x); break;                                                         \
        case SL_LT: RUN(v[i] < x); break;                                                          \
        case SL_LE: RUN(v[i] <= x); break;                                                         \
        case SL_GT: RUN(!(v[i] <= x)); break; /* NaN is the greatest number */                     \
        default: RUN(!(v[i] < x)); break;                                                          \
        }                                                                                          \
        f->n = n;                                                                                  \
        f->all = 0;                                                                                \
    }

COMPARE(int64_t)
COMPARE(int32_t)
COMPARE(double)

static void drop_nulls(struct filter *f, const uint8_t *valid)
{
    uint32_t *sel = f->sel;
    size_t n = 0;
    RUN(sl_bit(valid, i));
    f->n = n;
    f->all = 0;
}

static void by_table(struct filter *f, const struct sl_column *c, const uint8_t *table)
{
    uint32_t *restrict sel = f->sel;
    const int32_t *restrict codes = c->data;
    size_t n = 0, nd = c->dict->rows;
    if (c->valid)
        RUN(table[sl_bit(c->valid, i) ? (size_t)codes[i] : nd]);
    else
        RUN(table[codes[i]]);
    f->n = n;
    f->all = 0;
}

/* `column op constant` over a PLAIN column. 1 if done. */
static int fused_compare(struct filter *f, const struct sl_node *n)
{
    if (n->kind != SL_NODE_CALL || n->run != sl_kernel_compare ||
        n->args[0]->kind != SL_NODE_COLUMN || !n->args[1]->value)
        return 0;
    const struct sl_column *c = f->b->columns[n->args[0]->column], *x = n->args[1]->value;
    int op = (int)n->param[0];
    if (c->form != SL_PLAIN || !sl_type_equal(c->type, x->type) || sl_column_null(x, 0))
        return 0;
    switch (c->type.kind) {
    case SL_NUMERIC:
        if (!sl_numeric_is64(c->type))
            return 0;
        /* fall through */
    case SL_BIGINT:
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME: compare_int64_t(f, c->data, *(const int64_t *)x->data, op); break;
    case SL_DATE: compare_int32_t(f, c->data, *(const int32_t *)x->data, op); break;
    case SL_DOUBLE: {
        double d = *(const double *)x->data;
        if (d != d)
            return 0;
        compare_double(f, c->data, d, op);
        break;
    }
    default: return 0;
    }
    if (c->valid)
        drop_nulls(f, c->valid);
    return 1;
}

/* A term that reads one dictionary column. 1 if done, 0 if not of that kind. */
static int fused_dict(struct filter *f, const struct sl_node *n)
{
    if (n->only < 0 || n->kind == SL_NODE_COLUMN)
        return 0;
    struct sl_column *c = f->b->columns[n->only];
    uint8_t *table;
    if (c->form != SL_DICT || c->dict->rows > f->n)
        return 0;
    int rc = sl_truth_by_entry(f->ev, n, f->ncols, c, &table, f->err);
    if (rc != 1)
        return rc;
    by_table(f, c, table);
    free(table);
    return 1;
}

static int evaluated(struct filter *f, const struct sl_node *n)
{
    struct sl_frame fr;
    struct sl_column *c = NULL;
    size_t kept, was = f->n;
    int rc = sl_frame_init(&fr, f->ev, f->ncols, f->err);
    if (rc < 0)
        return rc;
    fr.batch = f->b;
    fr.n = f->n;
    fr.sel = f->all ? NULL : f->sel;
    fr.pos = f->all ? NULL : f->pos ? f->pos : f->sel;
    rc = sl_node_eval(&fr, n, &c, f->err);
    sl_frame_release(&fr);
    if (rc < 0)
        return rc;
    uint32_t *keep = f->sel;
    if (c->form == SL_DICT) {
        struct sl_column *plain = sl_column_plain(c, f->ev->account, f->err);
        sl_column_unref(c);
        c = plain;
    }
    if (c && !f->all)
        keep = sl_malloc(was * sizeof(*keep));
    if (!c || !keep) {
        sl_column_unref(c);
        return sl_err_nomem(f->err, "filtering rows");
    }
    kept = sl_bool_select(c, was, keep);
    if (!f->all) {
        for (size_t k = 0; k < kept; k++)
            f->sel[k] = f->sel[keep[k]];
        for (size_t k = 0; f->pos && k < kept; k++)
            f->pos[k] = f->pos[keep[k]];
        free(keep);
    }
    f->all = 0;
    f->n = kept;
    sl_column_unref(c);
    return 0;
}

static int refine(struct filter *f, const struct sl_node *n)
{
    int rc;
    if (f->n == 0)
        return 0;
    if (n->kind == SL_NODE_AND && !n->value) {
        for (int i = 0; i < n->nargs; i++) {
            rc = refine(f, n->args[i]);
            if (rc < 0)
                return rc;
        }
        return 0;
    }
    if (n->only >= 0) {
        rc = sl_column_load(f->b->columns[n->only], f->err);
        if (rc < 0)
            return rc;
        if (fused_compare(f, n))
            return 0;
        rc = fused_dict(f, n);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    return evaluated(f, n);
}

int sl_expr_filter(struct sl_eval *ev, const struct sl_expr *e, struct sl_batch *b,
                   struct sl_buffer **selection, size_t *n, struct sl_err *err)
{
    assert(ev && e && e->root && sl_batch_is_sound(b) && selection && n);
    struct filter f = {
        .ev = ev, .b = b, .ncols = e->schema->nfields, .n = b->selected, .all = 1, .err = err};
    int rc = 0;
    assert(e->root->type.kind == SL_BOOL);
    *selection = NULL;
    sl_eval_begin(ev, &e->env);
    struct sl_buffer *buf = sl_buffer_new(ev->account, (b->selected + 1) * sizeof(uint32_t));
    if (!buf)
        return sl_err_nomem(err, "filtering rows");
    f.sel = (uint32_t *)buf->data;
    if (b->selection) {
        f.all = 0;
        memcpy(f.sel, b->selection, b->selected * sizeof(uint32_t));
        f.pos = sl_malloc(b->selected * sizeof(uint32_t));
        if (!f.pos) {
            rc = sl_err_nomem(err, "filtering rows");
            goto out;
        }
        for (size_t k = 0; k < b->selected; k++)
            f.pos[k] = (uint32_t)k;
    }
    rc = refine(&f, e->root);
    if (rc >= 0)
        rc = sl_eval_end(ev, err);
    if (rc < 0)
        goto out;
    if (f.all) /* an empty batch */
        assert(f.n == 0);
    buf->size = f.n * sizeof(uint32_t);
    *n = f.n;
    *selection = buf;
    buf = NULL;
out:
    free(f.pos);
    sl_buffer_unref(buf);
    return rc < 0 ? rc : 0;
}

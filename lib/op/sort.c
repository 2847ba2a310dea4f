/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * sort: rows in order, at END.
 *
 * `a desc nulls first, lower(b)`: nulls come last in ascending and first in descending order unless
 * said otherwise, as in PostgreSQL. Rows with equal keys keep the order of their log: by (partition,
 * offset). Without keys the order is that of arrival. With a limit only so many rows are kept.
 */
#include "op/ops.h"
#include "op/registry.h"
#include "op/rows.h"
#include "state/cells.h"
#include "state/topn.h"

struct sort {
    struct sl_op op;
    const struct sl_expr_env *env;
    struct sl_ast *order_by; /* NULL: arrival */
    int64_t limit;
    struct sl_schema *schema;
    struct sl_expr_order *keys; /* nkeys of them */
    int nkeys;
    struct sl_topn top;
    struct sl_eval *eval;
    struct sl_column *columns[SL_TOPN_KEYS]; /* of the last work */
};

static void drop_columns(struct sort *s)
{
    for (int k = 0; k < SL_TOPN_KEYS; k++) {
        sl_column_unref(s->columns[k]);
        s->columns[k] = NULL;
    }
}

static void unbind(struct sort *s)
{
    drop_columns(s);
    sl_topn_release(&s->top);
    sl_expr_order_free(s->keys, s->nkeys);
    s->keys = NULL;
    s->nkeys = 0;
    sl_schema_unref(s->schema);
    s->schema = NULL;
}

static int bind_keys(struct sort *s, struct sl_schema *in, struct sl_err *err)
{
    int rc = sl_expr_bind_order(s->order_by, SL_SCOPE(in), s->env, &s->keys, &s->nkeys, err);
    if (rc < 0)
        return rc;
    if (s->nkeys > SL_TOPN_KEYS)
        return sl_err_set(err, SL_EUSAGE, "more than %d keys to sort by", SL_TOPN_KEYS);
    for (int k = 0; k < s->nkeys; k++) {
        struct sl_type t = sl_expr_type(s->keys[k].expr);
        char type[SL_TYPE_NAME];
        if (sl_cell_class(t) == SL_CELL_NONE)
            return sl_err_set(err, SL_EUSAGE, "cannot sort by %s", sl_type_name(t, type));
        s->top.key[k] = (struct sl_topn_key){.descending = s->keys[k].descending,
                                             .nulls_first = s->keys[k].nulls_first};
    }
    s->top.nkeys = s->nkeys;
    return 0;
}

static int sort_schema(struct sl_op *op, int input SL_UNUSED, struct sl_schema *in,
                       struct sl_schema **out, struct sl_err *err)
{
    struct sort *s = (struct sort *)op;
    int rc = 0;
    unbind(s);
    s->top.limit = s->limit;
    s->top.tie = s->order_by ? SL_TIE_RANK : SL_TIE_ARRIVAL;
    if (s->order_by)
        rc = bind_keys(s, in, err);
    if (rc < 0) {
        unbind(s);
        return rc;
    }
    s->schema = sl_schema_ref(in);
    sl_topn_bind(&s->top, in);
    *out = sl_schema_ref(in);
    return 0;
}

/* ---- rows ---- */

static int eval_keys(void *arg, struct sl_batch *b, struct sl_column **keys, struct sl_err *err)
{
    assert(sl_batch_is_sound(b) && keys);
    struct sort *s = arg;
    int rc = 0;
    for (int k = 0; rc >= 0 && k < s->top.nkeys; k++) {
        rc = sl_expr_eval(s->eval, s->keys[k].expr, b, &keys[k], err);
        if (rc >= 0)
            rc = sl_column_load(keys[k], err);
    }
    return rc < 0 ? rc : 0;
}

static int work(void *arg, struct sl_batch *b, struct sl_rows_bad *bad, struct sl_err *err)
{
    assert(sl_batch_is_sound(b) && bad);
    struct sort *s = arg;
    drop_columns(s);
    return sl_rows_failed(bad, eval_keys(s, b, s->columns, err), s->eval, b, b, NULL, err);
}

static int sort_push(struct sl_op *op, int input SL_UNUSED, struct sl_batch *batch,
                     enum sl_directive directive, struct sl_emit *out, struct sl_err *err)
{
    struct sort *s = (struct sort *)op;
    struct sl_batch *good = NULL;
    int64_t cut = 0;
    int rc = 0;

    if (batch && batch->selected) {
        rc = sl_rows_try(batch, work, s, out, &good, err);
        if (rc >= 0 && good)
            rc = sl_topn_add(&s->top, good, s->columns, &cut, err);
        drop_columns(s);
        sl_batch_unref(good);
    }
    if (rc >= 0 && directive == SL_END) {
        rc = sl_topn_finish(&s->top, 0, &cut, err);
        if (rc >= 0)
            rc = sl_rows_emit(&s->top, out, &cut, err);
    }
    if (rc >= 0 && cut)
        out->fate(out, SL_FATE_CUT, cut);
    return rc;
}

/* Every row comes at the end: nothing holds of the output before. */
static int sort_watermark(struct sl_op *op SL_UNUSED, int64_t watermark SL_UNUSED,
                          struct sl_emit *out SL_UNUSED, struct sl_err *err SL_UNUSED)
{
    return SL_PUSH_OK;
}

static void sort_needs(const struct sl_op *op, int input SL_UNUSED, const uint8_t *out, uint8_t *in)
{
    const struct sort *s = (const struct sort *)op;
    for (int k = 0; k < s->top.nkeys; k++)
        sl_expr_columns(s->keys[k].expr, in);
    sl_ranker_needs(&s->top.ranker, in);
    sl_op_needs_same(out, s->schema->nfields, in);
}

static int sort_save(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    return sl_topn_save(&((struct sort *)op)->top, store, err);
}

static int sort_load(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    struct sort *s = (struct sort *)op;
    return sl_topn_load(&s->top, store, eval_keys, s, err);
}

static int64_t sort_held(const struct sl_op *op)
{
    return (int64_t)((const struct sort *)op)->top.n;
}

static void sort_plan(const struct sl_op *op, struct sl_buf *out)
{
    const struct sort *s = (const struct sort *)op;
    sl_buf_addstr(out, "sort");
    for (int k = 0; k < s->top.nkeys; k++) {
        sl_buf_addstr(out, k ? ", " : " by ");
        sl_expr_print(s->keys[k].expr, out);
        sl_buf_addstr(out, s->top.key[k].descending ? " desc" : "");
        if (s->top.key[k].nulls_first != s->top.key[k].descending)
            sl_buf_addstr(out, s->top.key[k].nulls_first ? " nulls first" : " nulls last");
    }
    if (s->limit >= 0)
        sl_buf_printf(out, " limit %lld", (long long)s->limit);
}

static void sort_free(struct sl_op *op)
{
    struct sort *s = (struct sort *)op;
    unbind(s);
    sl_eval_free(s->eval);
    sl_ast_unref(s->order_by);
    free(s);
}

SL_OP_CLASS(sort) = {
    .name = "sort",
    .account = "in = out + cut + rejected + held",
    .schema = sort_schema,
    .push = sort_push,
    .watermark = sort_watermark,
    .needs = sort_needs,
    .save = sort_save,
    .load = sort_load,
    .held = sort_held,
    .plan = sort_plan,
    .free = sort_free,
};

struct sl_op *sl_sort_new(struct sl_ast *order_by, int64_t limit, const struct sl_expr_env *env,
                          struct sl_account *account, struct sl_err *err)
{
    assert(limit >= -1);
    struct sort *s = sl_calloc(1, sizeof(*s));
    if (!s)
        return sl_err_no_memory(err, "a sort");
    s->op.class = &sl_op_class_sort;
    s->op.traits = order_by ? 0 : SL_OP_ORDERED;
    s->op.account = account;
    s->env = env;
    s->limit = limit;
    sl_topn_init(&s->top, account);
    s->eval = sl_eval_new(account, err);
    s->order_by = order_by ? sl_ast_ref(order_by) : NULL;
    if (!s->eval) {
        sort_free(&s->op);
        return NULL;
    }
    return &s->op;
}

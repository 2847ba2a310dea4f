/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * filter: rows for which every condition is true.
 *
 * Conditions run one after the other, each on the rows that the ones before let through.
 */
#include "op/ops.h"
#include "op/registry.h"
#include "op/rows.h"

struct filter {
    struct sl_op op;
    const struct sl_expr_env *env;
    struct sl_asts where;
    struct sl_schema *schema;    /* bound to */
    struct sl_expr **conditions; /* where.n */
    struct sl_eval *eval;
    struct sl_batch *passed; /* result of the last work */
};

static void unbind(struct filter *f)
{
    for (int i = 0; f->conditions && i < f->where.n; i++)
        sl_expr_free(f->conditions[i]);
    free(f->conditions);
    f->conditions = NULL;
    sl_schema_unref(f->schema);
    f->schema = NULL;
}

static int filter_schema(struct sl_op *op, int input SL_UNUSED, struct sl_schema *in,
                         struct sl_schema **out, struct sl_err *err)
{
    struct filter *f = (struct filter *)op;
    unbind(f);
    f->conditions = sl_calloc((size_t)f->where.n + 1, sizeof(struct sl_expr *));
    if (!f->conditions)
        return sl_err_nomem(err, "conditions");
    for (int i = 0; i < f->where.n; i++) {
        int rc =
            sl_expr_bind_where(f->where.items[i], SL_SCOPE(in), f->env, &f->conditions[i], err);
        if (rc < 0)
            return rc;
    }
    f->schema = sl_schema_ref(in);
    *out = sl_schema_ref(in);
    return 0;
}

/* One condition on a batch: the batch of rows that pass. */
static int narrow(struct filter *f, const struct sl_expr *e, struct sl_batch **b,
                  struct sl_err *err)
{
    assert(e && sl_batch_is_sound(*b));
    struct sl_buffer *sel = NULL;
    size_t n;
    int rc = sl_expr_filter(f->eval, e, *b, &sel, &n, err);
    if (rc < 0)
        return rc;
    if (n == (*b)->selected) {
        sl_buffer_unref(sel);
        return 0;
    }
    struct sl_batch *rest = sl_batch_select(*b, sel, n, err);
    if (!rest)
        return -SL_ENOMEM;
    sl_batch_unref(*b);
    *b = rest;
    return 0;
}

static int work(void *arg, struct sl_batch *b, struct sl_rows_bad *bad, struct sl_err *err)
{
    assert(sl_batch_is_sound(b) && bad);
    struct filter *f = arg;
    struct sl_batch *now = sl_batch_ref(b);
    int rc = 0;

    sl_batch_unref(f->passed);
    f->passed = NULL;
    for (int i = 0; rc >= 0 && i < f->where.n && now->selected; i++)
        rc = narrow(f, f->conditions[i], &now, err);
    rc = sl_rows_failed(bad, rc, f->eval, b, now, NULL, err);
    if (rc < 0)
        sl_batch_unref(now);
    else
        f->passed = now;
    return rc < 0 ? rc : 0;
}

static int filter_push(struct sl_op *op, int input SL_UNUSED, struct sl_batch *batch,
                       enum sl_directive directive SL_UNUSED, struct sl_emit *out,
                       struct sl_err *err)
{
    struct filter *f = (struct filter *)op;
    struct sl_batch *good;

    if (!batch)
        return SL_PUSH_OK;
    int rc = sl_rows_try(batch, work, f, out, &good, err);
    if (rc < 0)
        return rc;
    /* No row of it was left to run on: nothing passed. */
    size_t tried = good ? good->selected : 0, passed = good ? f->passed->selected : 0;
    if (tried > passed)
        out->fate(out, SL_FATE_FILTERED, (int64_t)(tried - passed));
    if (passed)
        rc = out->emit(out, f->passed, err);
    sl_batch_unref(f->passed);
    f->passed = NULL;
    sl_batch_unref(good);
    return rc;
}

static void filter_needs(const struct sl_op *op, int input SL_UNUSED, const uint8_t *out,
                         uint8_t *in)
{
    const struct filter *f = (const struct filter *)op;
    for (int i = 0; i < f->where.n; i++)
        sl_expr_columns(f->conditions[i], in);
    sl_op_needs_same(out, f->schema->nfields, in);
}

static void filter_fixes(const struct sl_op *op, int input SL_UNUSED, const uint8_t *out,
                         uint8_t *in)
{
    const struct filter *f = (const struct filter *)op;
    for (int i = 0; i < f->where.n; i++)
        sl_expr_fixes(f->conditions[i], in);
    sl_op_needs_same(out, f->schema->nfields, in);
}

static struct sl_op *filter_split(const struct sl_op *op, struct sl_err *err)
{
    const struct filter *f = (const struct filter *)op;
    return sl_op_bind_copy(sl_filter_new(&f->where, f->env, op->account, err), f->schema, err);
}

static void filter_plan(const struct sl_op *op, struct sl_buf *out)
{
    const struct filter *f = (const struct filter *)op;
    sl_buf_addstr(out, "filter");
    if (!f->schema) {
        sl_asts_print(&f->where, "where", out);
        return;
    }
    for (int i = 0; i < f->where.n; i++) {
        sl_buf_addstr(out, i ? " and (" : " where (");
        sl_expr_print(f->conditions[i], out);
        sl_buf_addch(out, ')');
    }
}

static void filter_free(struct sl_op *op)
{
    struct filter *f = (struct filter *)op;
    unbind(f);
    sl_batch_unref(f->passed);
    sl_asts_release(&f->where);
    sl_eval_free(f->eval);
    free(f);
}

SL_OP_CLASS(filter) = {
    .name = "filter",
    .account = "in = out + filtered + rejected",
    .schema = filter_schema,
    .push = filter_push,
    .needs = filter_needs,
    .fixes = filter_fixes,
    .split = filter_split,
    .merge = sl_op_merge_nothing,
    .plan = filter_plan,
    .free = filter_free,
};

struct sl_op *sl_filter_new(const struct sl_asts *where, const struct sl_expr_env *env,
                            struct sl_account *account, struct sl_err *err)
{
    assert(where);
    struct filter *f = sl_calloc(1, sizeof(*f));
    if (!f)
        return sl_err_no_memory(err, "a filter");
    f->op.class = &sl_op_class_filter;
    f->op.traits = SL_OP_ROWWISE;
    f->op.account = account;
    f->env = env;
    f->eval = sl_eval_new(account, err);
    if (!f->eval || sl_asts_copy(&f->where, where, err) < 0) {
        filter_free(&f->op);
        return NULL;
    }
    return &f->op;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * timed: rows that have an event time; one without is a bad row.
 *
 * It stands before a log, whose windows could not place such a row later. Text that goes into a log
 * untouched is held to this by its reader.
 */
#include "op/ops.h"
#include "op/registry.h"
#include "op/rows.h"

struct timed {
    struct sl_op op;
    char *column; /* NULL: the one that the schema names */
    int at;       /* -1: there is none */
    struct sl_schema *schema;
};

static int timed_schema(struct sl_op *op, int input SL_UNUSED, struct sl_schema *in,
                        struct sl_schema **out, struct sl_err *err SL_UNUSED)
{
    struct timed *t = (struct timed *)op;
    sl_schema_unref(t->schema);
    t->schema = sl_schema_ref(in);
    t->at = t->column ? sl_schema_lookup(in, t->column, strlen(t->column), NULL)
                      : sl_schema_time_index(in);
    *out = sl_schema_ref(in);
    return 0;
}

/* Rejects the rows without a time; *rest is b without them. */
static int sort_out(struct timed *t, struct sl_batch *b, struct sl_emit *out,
                    struct sl_batch **rest, struct sl_err *err)
{
    assert(t->at >= 0 && sl_batch_is_sound(b));
    struct sl_aside_rows bad = {0};
    struct sl_err why;
    size_t n = 0;
    int rc = 0;
    uint32_t *rows = sl_malloc((b->selected + 1) * sizeof(*rows));
    if (!rows)
        return sl_err_nomem(err, "the rows of a batch");
    sl_err_init(&why);
    sl_err_set(&why, SL_EROW, "the event time %s is null", t->schema->fields[t->at].name);
    for (size_t k = 0; rc >= 0 && k < b->selected; k++) {
        uint32_t row = (uint32_t)sl_batch_row(b, k);
        if (!sl_column_null(b->columns[t->at], row))
            rows[n++] = row;
        else
            rc = sl_rows_note(&bad, (struct sl_aside_row){.row = row, .what = why.what}, err);
    }
    if (rc >= 0)
        rc = sl_rows_aside(&bad, SL_ASIDE_REJECTED, b, out, err);
    free(bad.items);
    if (rc >= 0) {
        *rest = sl_batch_pick(b, rows, n, t->op.account, err);
        rc = *rest ? 0 : -SL_ENOMEM;
    }
    free(rows);
    return rc;
}

static int timed_push(struct sl_op *op, int input SL_UNUSED, struct sl_batch *b,
                      enum sl_directive directive SL_UNUSED, struct sl_emit *out,
                      struct sl_err *err)
{
    struct timed *t = (struct timed *)op;
    struct sl_batch *rest = NULL;
    int rc;
    if (!b)
        return SL_PUSH_OK;
    if (t->at < 0)
        return out->emit(out, b, err);
    if ((rc = sl_column_load(b->columns[t->at], err)) < 0)
        return rc;
    if (!b->columns[t->at]->valid)
        return out->emit(out, b, err);
    rc = sort_out(t, b, out, &rest, err);
    if (rc >= 0 && rest->selected)
        rc = out->emit(out, rest, err);
    sl_batch_unref(rest);
    return rc;
}

static void timed_needs(const struct sl_op *op, int input SL_UNUSED, const uint8_t *out,
                        uint8_t *in)
{
    const struct timed *t = (const struct timed *)op;
    if (t->at >= 0)
        sl_bit_set(in, (size_t)t->at);
    sl_op_needs_same(out, t->schema->nfields, in);
}

static struct sl_op *timed_split(const struct sl_op *op, struct sl_err *err)
{
    const struct timed *t = (const struct timed *)op;
    return sl_op_bind_copy(sl_timed_new(t->column, op->account, err), t->schema, err);
}

static void timed_plan(const struct sl_op *op, struct sl_buf *out)
{
    const struct timed *t = (const struct timed *)op;
    const char *name = t->at >= 0 && t->schema ? t->schema->fields[t->at].name : t->column;
    sl_buf_printf(out, "timed by %s", name ? name : "nothing");
}

static void timed_free(struct sl_op *op)
{
    struct timed *t = (struct timed *)op;
    sl_schema_unref(t->schema);
    free(t->column);
    free(t);
}

SL_OP_CLASS(timed) = {
    .name = "timed",
    .account = "in = out + rejected",
    .schema = timed_schema,
    .push = timed_push,
    .needs = timed_needs,
    .split = timed_split,
    .merge = sl_op_merge_nothing,
    .plan = timed_plan,
    .free = timed_free,
};

struct sl_op *sl_timed_new(const char *column, struct sl_account *account, struct sl_err *err)
{
    struct timed *t = sl_calloc(1, sizeof(*t));
    if (!t || (column && !(t->column = sl_strdup(column)))) {
        free(t);
        return sl_err_no_memory(err, "an operator");
    }
    t->op.class = &sl_op_class_timed;
    t->op.traits = SL_OP_ROWWISE;
    t->op.account = account;
    t->at = -1;
    return &t->op;
}

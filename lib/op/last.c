/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * last: the last n rows by (event time if there is one, partition, offset), oldest first.
 *
 * They come at END; when following at the first FLUSH, after which every row passes as it comes. Rows
 * without an event time are the oldest.
 */
#include "op/ops.h"
#include "op/registry.h"
#include "op/rows.h"
#include "state/store.h"
#include "state/topn.h"

struct last {
    struct sl_op op;
    int64_t n;
    int follow;
    int passing; /* following, and the last n rows are out */
    struct sl_schema *schema;
    int time_column; /* -1: none */
    struct sl_topn top;
    int64_t watermark; /* while rows are held back: it follows them */
};

static void unbind(struct last *l)
{
    sl_topn_release(&l->top);
    sl_schema_unref(l->schema);
    l->schema = NULL;
    l->watermark = SL_TIME_MIN;
}

static int last_schema(struct sl_op *op, int input SL_UNUSED, struct sl_schema *in,
                       struct sl_schema **out, struct sl_err *err SL_UNUSED)
{
    struct last *l = (struct last *)op;
    unbind(l);
    l->time_column = sl_schema_time_index(in);
    if (l->time_column >= 0 && in->fields[l->time_column].type.kind != SL_TIMESTAMPTZ)
        l->time_column = -1;
    /* The first n from the end: everything reversed, and turned round when it is emitted. */
    l->top.limit = l->n;
    l->top.tie = SL_TIE_RANK_REVERSED;
    l->top.nkeys = l->time_column >= 0;
    l->top.key[0] = (struct sl_topn_key){.descending = 1, .nulls_first = 0};
    sl_topn_bind(&l->top, in);
    l->schema = sl_schema_ref(in);
    *out = sl_schema_ref(in);
    return 0;
}

/* The time column of the selected rows. */
static int key_of(void *arg, struct sl_batch *b, struct sl_column **key, struct sl_err *err)
{
    assert(sl_batch_is_sound(b) && key);
    struct last *l = arg;
    if (l->time_column < 0)
        return 0;
    struct sl_column *time = b->columns[l->time_column];
    int rc = sl_column_load(time, err);
    if (rc < 0)
        return rc;
    *key = b->selection ? sl_column_take(time, b->selection, b->selected, l->op.account, err)
                        : sl_column_ref(time);
    return *key ? 0 : -SL_ENOMEM;
}

static int last_watermark(struct sl_op *op, int64_t watermark, struct sl_emit *out,
                          struct sl_err *err)
{
    struct last *l = (struct last *)op;
    l->watermark = watermark;
    return l->passing ? out->watermark(out, watermark, err) : SL_PUSH_OK;
}

static int last_push(struct sl_op *op, int input SL_UNUSED, struct sl_batch *batch,
                     enum sl_directive directive, struct sl_emit *out, struct sl_err *err)
{
    struct last *l = (struct last *)op;
    int64_t cut = 0;
    int rc = SL_PUSH_OK;

    if (batch && l->passing)
        return batch->selected ? out->emit(out, batch, err) : rc;
    if (batch && batch->selected) {
        struct sl_column *key = NULL;
        rc = key_of(l, batch, &key, err);
        if (rc >= 0)
            rc = sl_topn_add(&l->top, batch, &key, &cut, err);
        sl_column_unref(key);
    }
    int now = directive == SL_END || (l->follow && directive != SL_MORE);
    if (rc >= 0 && now) {
        rc = sl_topn_finish(&l->top, 1, &cut, err);
        if (rc >= 0)
            rc = sl_rows_emit(&l->top, out, &cut, err);
        l->passing = rc >= 0 && l->follow;
        if (rc == SL_PUSH_OK && l->passing && l->watermark != SL_TIME_MIN)
            rc = out->watermark(out, l->watermark, err);
    }
    if (rc >= 0 && cut)
        out->fate(out, SL_FATE_CUT, cut);
    return rc;
}

static void last_needs(const struct sl_op *op, int input SL_UNUSED, const uint8_t *out, uint8_t *in)
{
    const struct last *l = (const struct last *)op;
    if (l->time_column >= 0)
        sl_bit_set(in, (size_t)l->time_column);
    sl_ranker_needs(&l->top.ranker, in);
    sl_op_needs_same(out, l->schema->nfields, in);
}

static int last_save(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    static const char *const names[] = {"passing"};
    struct last *l = (struct last *)op;
    int rc = sl_state_put(store, "last", names, 1, (int64_t[]){l->passing}, 1, err);
    return rc < 0 ? rc : sl_topn_save(&l->top, store, err);
}

static int import(void *arg, const int64_t *v, struct sl_err *err SL_UNUSED)
{
    ((struct last *)arg)->passing = *v != 0;
    return 0;
}

static int last_load(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    struct last *l = (struct last *)op;
    int rc = sl_state_get(store, "last", 1, import, l, err);
    return rc < 0 ? rc : sl_topn_load(&l->top, store, key_of, l, err);
}

static int64_t last_held(const struct sl_op *op)
{
    return (int64_t)((const struct last *)op)->top.n;
}

static void last_plan(const struct sl_op *op, struct sl_buf *out)
{
    const struct last *l = (const struct last *)op;
    sl_buf_addstr(out, "last ");
    if (l->n < 0)
        sl_buf_addstr(out, "all");
    else
        sl_buf_printf(out, "%lld", (long long)l->n);
    if (l->follow)
        sl_buf_addstr(out, " follow");
}

static void last_free(struct sl_op *op)
{
    unbind((struct last *)op);
    free(op);
}

SL_OP_CLASS(last) = {
    .name = "last",
    .account = "in = out + cut + held",
    .schema = last_schema,
    .push = last_push,
    .watermark = last_watermark,
    .needs = last_needs,
    .save = last_save,
    .load = last_load,
    .held = last_held,
    .plan = last_plan,
    .free = last_free,
};

struct sl_op *sl_last_new(int64_t n, int follow, struct sl_account *account, struct sl_err *err)
{
    assert(n >= -1);
    struct last *l = sl_calloc(1, sizeof(*l));
    if (!l)
        return sl_err_no_memory(err, "last");
    l->op.class = &sl_op_class_last;
    l->op.account = account;
    l->n = n;
    l->follow = follow;
    sl_topn_init(&l->top, account);
    return &l->op;
}

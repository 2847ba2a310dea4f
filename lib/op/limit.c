/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* limit: the first n rows; then it wants no more. */
#include "op/ops.h"
#include "op/registry.h"
#include "state/store.h"

struct limit {
    struct sl_op op;
    int64_t n, left;
    int nfields;
};

static int limit_schema(struct sl_op *op, int input SL_UNUSED, struct sl_schema *in,
                        struct sl_schema **out, struct sl_err *err SL_UNUSED)
{
    ((struct limit *)op)->nfields = in->nfields;
    *out = sl_schema_ref(in);
    return 0;
}

static int limit_push(struct sl_op *op, int input SL_UNUSED, struct sl_batch *batch,
                      enum sl_directive directive SL_UNUSED, struct sl_emit *out,
                      struct sl_err *err)
{
    struct limit *l = (struct limit *)op;
    int rc = SL_PUSH_OK;

    if (batch && batch->selected) {
        int64_t n = (int64_t)batch->selected, pass = SL_MIN(n, l->left);
        if (pass) {
            struct sl_batch *part = sl_batch_slice(batch, 0, (size_t)pass, err);
            rc = part ? out->emit(out, part, err) : -SL_ENOMEM;
            sl_batch_unref(part);
            if (rc < 0)
                return rc;
        }
        l->left -= pass;
        if (n > pass)
            out->fate(out, SL_FATE_CUT, n - pass);
    }
    return l->left ? rc : SL_PUSH_DONE;
}

static void limit_needs(const struct sl_op *op, int input SL_UNUSED, const uint8_t *out,
                        uint8_t *in)
{
    sl_op_needs_same(out, ((const struct limit *)op)->nfields, in);
}

static int limit_save(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    static const char *const names[] = {"left"};
    return sl_state_put(store, "limit", names, 1, &((struct limit *)op)->left, 1, err);
}

static int import(void *arg, const int64_t *v, struct sl_err *err)
{
    struct limit *l = arg;
    if (*v < 0 || *v > l->n)
        return sl_state_damaged("limit", err);
    l->left = *v;
    return 0;
}

static int limit_load(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    return sl_state_get(store, "limit", 1, import, op, err);
}

static void limit_plan(const struct sl_op *op, struct sl_buf *out)
{
    sl_buf_printf(out, "limit %lld", (long long)((const struct limit *)op)->n);
}

static void limit_free(struct sl_op *op)
{
    free(op);
}

SL_OP_CLASS(limit) = {
    .name = "limit",
    .account = "in = out + cut",
    .schema = limit_schema,
    .push = limit_push,
    .needs = limit_needs,
    .save = limit_save,
    .load = limit_load,
    .plan = limit_plan,
    .free = limit_free,
};

struct sl_op *sl_limit_new(int64_t n, struct sl_account *account, struct sl_err *err)
{
    assert(n >= 0);
    struct limit *l = sl_calloc(1, sizeof(*l));
    if (!l)
        return sl_err_no_memory(err, "a limit");
    l->op.class = &sl_op_class_limit;
    l->op.traits = SL_OP_ORDERED;
    l->op.account = account;
    l->n = l->left = SL_MAX(n, 0);
    return &l->op;
}

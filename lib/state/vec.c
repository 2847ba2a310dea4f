/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* vec: see vec.h. */
#include "state/vec.h"

static int is_sound(const struct sl_vec *v)
{
    return v && !v->data == !v->bytes;
}

void sl_vec_init(struct sl_vec *v, struct sl_account *account)
{
    v->data = NULL;
    v->bytes = 0;
    v->account = account;
}

void sl_vec_release(struct sl_vec *v)
{
    assert(is_sound(v));
    free(v->data);
    if (v->account && v->bytes)
        sl_account_release(v->account, v->bytes);
    v->data = NULL;
    v->bytes = 0;
}

int sl_vec_reserve(struct sl_vec *v, size_t bytes, struct sl_err *err)
{
    if (SL_LIKELY(bytes <= v->bytes))
        return 0;
    assert(is_sound(v));
    if (bytes > SIZE_MAX / 4)
        return sl_err_nomem(err, "the state of an operator");
    size_t want = SL_MAX(SL_MAX(bytes, v->bytes * 2), (size_t)256);
    if (v->account) {
        int rc = sl_account_charge(v->account, want - v->bytes, err);
        if (rc < 0)
            return rc;
    }
    char *data = sl_realloc(v->data, want);
    if (!data) {
        if (v->account)
            sl_account_release(v->account, want - v->bytes);
        return sl_err_nomem(err, "the state of an operator");
    }
    memset(data + v->bytes, 0, want - v->bytes);
    v->data = data;
    v->bytes = want;
    return 0;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* call: what kernels use to fill their result. See kernel.h. */
#include "kernel/kernel.h"

int sl_call_null(struct sl_call *c, size_t row)
{
    assert(row < c->rows);
    struct sl_column *out = c->out;
    if (!out->owner[0]) {
        assert(!out->valid);
        size_t bytes = (c->rows + 7) / 8;
        out->owner[0] = sl_buffer_new(c->ev->account, bytes);
        if (!out->owner[0])
            return sl_err_nomem(c->err, "evaluating an expression");
        memset(out->owner[0]->data, 0xff, bytes);
        out->valid = out->owner[0]->data;
    }
    sl_bit_clear(out->owner[0]->data, row);
    return 0;
}

int sl_call_fail(struct sl_call *c, size_t row, const char *fmt, ...)
{
    assert(row < c->rows);
    char what[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    int rc = sl_frame_fail(c->frame, c->node, row, c->err, "%s", what);
    return rc < 0 ? rc : sl_call_null(c, row);
}

int sl_call_range(struct sl_call *c, size_t row)
{
    assert(row < c->rows);
    char name[SL_TYPE_NAME];
    return sl_call_fail(c, row, "value out of range for type %s", sl_type_name(c->out->type, name));
}

void *sl_call_data(struct sl_call *c)
{
    struct sl_type t = c->out->type;
    size_t bytes = t.kind == SL_BOOL ? (c->rows + 63) / 64 * 8 : c->rows * sl_type_width(t);
    struct sl_buffer *b = sl_buffer_new(c->ev->account, bytes);
    if (!b)
        return sl_err_no_memory(c->err, "evaluating an expression");
    if (t.kind == SL_BOOL)
        memset(b->data, 0, bytes);
    c->out->owner[1] = b;
    c->out->data = b->data;
    return b->data;
}

enum { PIECE = 1 << 20 };

int sl_text_begin(struct sl_text_result *t, struct sl_call *c, size_t guess)
{
    assert(t && c);
    memset(t, 0, sizeof(*t));
    t->call = c;
    struct sl_buffer *o = sl_buffer_new(c->ev->account, (c->rows + 1) * sizeof(int32_t));
    c->out->owner[2] = o;
    t->bytes = c->out->owner[1] = sl_buffer_new(c->ev->account, guess ? guess : 64);
    if (!o || !t->bytes)
        return sl_err_nomem(c->err, "evaluating an expression");
    t->offsets = (int32_t *)o->data;
    t->offsets[0] = 0;
    t->bytes->size = 0;
    return 0;
}

char *sl_text_room(struct sl_text_result *t, size_t n)
{
    SL_CHECK_THAT(t->used <= INT32_MAX);
    if (t->failed)
        return NULL;
    size_t want = t->used + n, max = t->call->ev->text_max;
    if (SL_UNLIKELY(t->too_long || n > max || want - (size_t)t->offsets[t->row] > max)) {
        t->too_long = 1;
        return NULL;
    }
    if (want > t->bytes->capacity) {
        /* What is asked for in one piece is all that is needed for now. */
        size_t cap = want > INT32_MAX / 2 ? INT32_MAX : n > PIECE ? want : want * 2;
        if (n > INT32_MAX || want > INT32_MAX) {
            t->failed =
                sl_err_set(t->call->err, SL_EOVERFLOW, "more than 2 GiB of text in one batch");
            return NULL;
        }
        t->bytes->size = t->used;
        if (sl_buffer_grow(t->bytes, cap) < 0) {
            t->failed = sl_err_nomem(t->call->err, "evaluating an expression");
            return NULL;
        }
    }
    return (char *)t->bytes->data + t->used;
}

void sl_text_drop(struct sl_text_result *t)
{
    t->used = (size_t)t->offsets[t->row];
    t->too_long = 0;
    int rc = sl_call_fail(t->call, t->row, "the text would have more than %zu bytes",
                          t->call->ev->text_max);
    if (rc < 0 && !t->failed)
        t->failed = rc;
}

int sl_text_end(struct sl_text_result *t)
{
    assert(t->call);
    struct sl_column *out = t->call->out;
    if (t->failed)
        return t->failed;
    assert(t->row == t->call->rows);
    t->bytes->size = t->used;
    out->data = t->bytes->data;
    out->offsets = t->offsets;
    return 0;
}

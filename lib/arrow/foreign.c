/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* foreign: life, equality and names of carried Arrow types. Depth is bounded by SL_FOREIGN_DEPTH
 * where descriptions are made (ipc_schema.c), so that recursion here is. */
#include "arrow/foreign.h"

#include "base/mem.h"

struct sl_foreign *sl_foreign_new(void)
{
    struct sl_foreign *f = sl_calloc(1, sizeof *f);
    if (f)
        atomic_init(&f->refs, 1);
    return f;
}

struct sl_foreign *sl_foreign_ref(struct sl_foreign *f)
{
    int held = atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    assert(held > 0);
    return f;
}

void sl_foreign_unref(struct sl_foreign *f)
{
    assert(!f || f->refs > 0);
    if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < f->nchildren; i++)
        sl_foreign_unref(f->children[i]);
    for (int i = 0; i < f->npairs; i++) {
        free(f->pairs[i].key);
        free(f->pairs[i].value);
    }
    sl_foreign_unref(f->run_ends);
    free(f->children);
    free(f->pairs);
    free(f->type_ids);
    free(f->zone);
    free(f->name);
    free(f);
}

static int same_string(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static int same_pairs(const struct sl_foreign *a, const struct sl_foreign *b)
{
    if (a->npairs != b->npairs)
        return 0;
    for (int i = 0; i < a->npairs; i++) {
        const struct sl_foreign_pair *p = &a->pairs[i], *q = &b->pairs[i];
        if (p->key_len != q->key_len || p->value_len != q->value_len ||
            memcmp(p->key, q->key, p->key_len) != 0 ||
            memcmp(p->value, q->value, p->value_len) != 0)
            return 0;
    }
    return 1;
}

int sl_foreign_union_child(const struct sl_foreign *f, int8_t id)
{
    if (!f->type_ids)
        return id >= 0 && id < f->nchildren ? id : -1;
    for (int i = 0; i < f->nchildren; i++) {
        if (f->type_ids[i] == id)
            return i;
    }
    return -1;
}

int sl_foreign_equal(const struct sl_foreign *a, const struct sl_foreign *b)
{
    assert(a && b);
    if (a == b)
        return 1;
    if (!a || !b)
        return 0;
    if (a->arrow != b->arrow || a->shape != b->shape || a->unit != b->unit ||
        a->is_signed != b->is_signed || a->width != b->width || a->bits != b->bits ||
        a->precision != b->precision || a->scale != b->scale || !same_string(a->zone, b->zone) ||
        a->nchildren != b->nchildren || !same_pairs(a, b) || !a->type_ids != !b->type_ids)
        return 0;
    if (a->type_ids &&
        memcmp(a->type_ids, b->type_ids, (size_t)a->nchildren * sizeof *a->type_ids) != 0)
        return 0;
    for (int i = 0; i < a->nchildren; i++) {
        if (!same_string(a->children[i]->name, b->children[i]->name) ||
            !sl_foreign_equal(a->children[i], b->children[i]))
            return 0;
    }
    return 1;
}

static const char *const unit_names[] = {"s", "ms", "us", "ns"};
static const char *const plain_names[] = {
    [SL_ARROW_NULL] = "null",
    [SL_ARROW_BINARY] = "binary",
    [SL_ARROW_UTF8] = "utf8",
    [SL_ARROW_BOOL] = "bool",
    [SL_ARROW_LIST] = "list",
    [SL_ARROW_STRUCT] = "struct",
    [SL_ARROW_UNION] = "union",
    [SL_ARROW_FIXED_LIST] = "fixed_size_list",
    [SL_ARROW_MAP] = "map",
    [SL_ARROW_LARGE_BINARY] = "large_binary",
    [SL_ARROW_LARGE_UTF8] = "large_utf8",
    [SL_ARROW_LARGE_LIST] = "large_list",
    [SL_ARROW_RUNS] = "run_end_encoded",
    [SL_ARROW_BINARY_VIEW] = "binary_view",
    [SL_ARROW_UTF8_VIEW] = "utf8_view",
    [SL_ARROW_LIST_VIEW] = "list_view",
    [SL_ARROW_LARGE_LIST_VIEW] = "large_list_view",
};

void sl_foreign_print_type(const struct sl_foreign *f, struct sl_buf *out)
{
    static const char *const floats[] = {"float16", "float32", "float64"};
    static const char *const intervals[] = {"year_month", "day_time", "month_day_nano"};
    switch (f->arrow) {
    case SL_ARROW_INT: sl_buf_printf(out, "%sint%d", f->is_signed ? "" : "u", f->bits); return;
    case SL_ARROW_FLOAT: sl_buf_addstr(out, floats[f->unit]); return;
    case SL_ARROW_DECIMAL:
        sl_buf_printf(out, "decimal%d(%d,%d)", f->bits, f->precision, f->scale);
        return;
    case SL_ARROW_DATE: sl_buf_addstr(out, f->unit ? "date64" : "date32"); return;
    case SL_ARROW_TIME: sl_buf_printf(out, "time%d[%s]", f->bits, unit_names[f->unit]); return;
    case SL_ARROW_TIMESTAMP: sl_buf_printf(out, "timestamp[%s]", unit_names[f->unit]); return;
    case SL_ARROW_DURATION: sl_buf_printf(out, "duration[%s]", unit_names[f->unit]); return;
    case SL_ARROW_INTERVAL: sl_buf_printf(out, "interval[%s]", intervals[f->unit]); return;
    case SL_ARROW_FIXED_BINARY: sl_buf_printf(out, "fixed_size_binary[%d]", f->width); return;
    default: break;
    }
    sl_buf_addstr(out, plain_names[f->arrow]);
    if (f->arrow == SL_ARROW_FIXED_LIST)
        sl_buf_printf(out, "[%d]", f->width);
    if (!f->nchildren)
        return;
    for (int i = 0; i < f->nchildren; i++) {
        sl_buf_addstr(out, i ? ", " : "<");
        if (f->children[i]->name) {
            sl_buf_add_visible(out, f->children[i]->name, strlen(f->children[i]->name));
            sl_buf_addstr(out, ": ");
        }
        sl_foreign_print_type(f->children[i], out);
    }
    sl_buf_addch(out, '>');
}

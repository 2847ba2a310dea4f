/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * branch: AND, OR, CASE and COALESCE, which evaluate an argument only where its value matters; and TRY.
 *
 * Rows still undecided are held as row numbers of the frame; a branch runs in a sub-frame of them.
 */
#include "kernel/dict.h"

size_t sl_bool_select(const struct sl_column *c, size_t n, uint32_t *keep)
{
    assert(sl_column_is_loaded(c) && c->type.kind == SL_BOOL && (keep || !n));
    size_t k = 0;
    if (c->form == SL_CONST) {
        if ((!c->valid || sl_bit(c->valid, 0)) && sl_bit(c->data, 0))
            for (; k < n; k++)
                keep[k] = (uint32_t)k;
        return k;
    }
    for (size_t i = 0; i < n; i += 64) {
        uint64_t w = 0, v = ~(uint64_t)0;
        size_t bytes = SL_MIN((n - i + 7) / 8, 8);
        memcpy(&w, (const uint8_t *)c->data + i / 8, bytes);
        if (c->valid)
            memcpy(&v, c->valid + i / 8, bytes);
        w &= v;
        if (n - i < 64)
            w &= ((uint64_t)1 << (n - i)) - 1;
        while (w) {
            keep[k++] = (uint32_t)(i + (size_t)__builtin_ctzll(w));
            w &= w - 1;
        }
    }
    return k;
}

/* A PLAIN boolean column, every row null, its bits ours to change. */
static struct sl_column *new_bits(struct sl_eval *ev, size_t n, struct sl_err *err)
{
    size_t bytes = (n + 63) / 64 * 8;
    struct sl_column *c = sl_column_new(sl_type_of(SL_BOOL), n);
    if (c) {
        c->owner[0] = sl_buffer_new(ev->account, bytes);
        c->owner[1] = sl_buffer_new(ev->account, bytes);
    }
    if (!c || !c->owner[0] || !c->owner[1]) {
        sl_column_unref(c);
        return sl_err_no_memory(err, "evaluating an expression");
    }
    memset(c->owner[0]->data, 0, bytes);
    memset(c->owner[1]->data, 0, bytes);
    c->valid = c->owner[0]->data;
    c->data = c->owner[1]->data;
    return c;
}

static void bool_words(const struct sl_column *c, size_t i, size_t bytes, uint64_t *value,
                       uint64_t *valid)
{
    *value = 0;
    *valid = ~(uint64_t)0;
    if (c->form == SL_CONST) {
        if (c->valid && !sl_bit(c->valid, 0))
            *valid = 0;
        else if (sl_bit(c->data, 0))
            *value = ~(uint64_t)0;
        return;
    }
    memcpy(value, (const uint8_t *)c->data + i, bytes);
    if (c->valid)
        memcpy(valid, c->valid + i, bytes);
}

/* acc = acc AND/OR c, over all rows. An AND is decided by false, an OR by true. */
static void merge_bits(struct sl_column *acc, const struct sl_column *c, int is_or, int first)
{
    size_t bytes = (acc->rows + 7) / 8;
    uint8_t *av = acc->owner[1]->data, *ak = acc->owner[0]->data;
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t x, xk, y, yk, v, k;
        size_t m = SL_MIN(bytes - i, 8);
        bool_words(c, i, m, &y, &yk);
        memcpy(&x, av + i, 8);
        memcpy(&xk, ak + i, 8);
        if (first) {
            v = y;
            k = yk;
        } else if (is_or) {
            v = (x & xk) | (y & yk);
            k = (xk & yk) | v;
        } else {
            uint64_t decided = (~x & xk) | (~y & yk);
            k = (xk & yk) | decided;
            v = x & y & ~decided;
        }
        memcpy(av + i, &v, 8);
        memcpy(ak + i, &k, 8);
    }
}

/* Rows of acc that are not decided yet. */
static size_t undecided(const struct sl_column *acc, int is_or, uint32_t *keep)
{
    size_t k = 0;
    for (size_t i = 0; i < acc->rows; i++) {
        int decided = sl_bit(acc->valid, i) && sl_bit(acc->data, i) == is_or;
        keep[k] = (uint32_t)i;
        k += !decided;
    }
    return k;
}

/* One more argument, evaluated for the undecided rows only. */
static int merge_guarded(struct sl_frame *f, const struct sl_node *arg, struct sl_column *acc,
                         int is_or, struct sl_err *err)
{
    struct sl_frame sub;
    struct sl_column *c = NULL;
    uint32_t *keep = sl_malloc(f->n * sizeof(*keep));
    if (!keep)
        return sl_err_nomem(err, "evaluating an expression");
    size_t n = undecided(acc, is_or, keep);
    int rc = n ? sl_frame_sub(&sub, f, keep, n, err) : 0;
    if (rc < 0 || n == 0)
        goto out;
    rc = sl_node_eval(&sub, arg, &c, err);
    sl_frame_release(&sub);
    if (rc < 0)
        goto out;
    if (c->form == SL_DICT) {
        struct sl_column *plain = sl_column_plain(c, f->ev->account, err);
        sl_column_unref(c);
        c = plain;
        if (!c) {
            rc = -SL_ENOMEM;
            goto out;
        }
    }
    uint8_t *av = acc->owner[1]->data, *ak = acc->owner[0]->data;
    for (size_t k = 0; k < n; k++) {
        size_t row = keep[k], slot = c->form == SL_CONST ? 0 : k;
        int known = !c->valid || sl_bit(c->valid, slot);
        int value = known && sl_bit(c->data, slot);
        int was = sl_bit(ak, row);
        if (known && value == is_or) { /* decided */
            sl_bit_set(ak, row);
            if (is_or)
                sl_bit_set(av, row);
            else
                sl_bit_clear(av, row);
        } else if (!(known && was)) {
            sl_bit_clear(ak, row);
            sl_bit_clear(av, row);
        }
    }
out:
    sl_column_unref(c);
    free(keep);
    return rc;
}

int sl_eval_and_or(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                   struct sl_err *err)
{
    assert(sl_frame_is_sound(f) && n->nargs >= 1 && out);
    int is_or = n->kind == SL_NODE_OR, rc = 0;
    struct sl_column *acc = new_bits(f->ev, f->n, err), *c, *plain;
    if (!acc)
        return -SL_ENOMEM;
    for (int i = 0; i < n->nargs && rc >= 0; i++) {
        if (i > 0 && n->args[i]->can_fail) {
            rc = merge_guarded(f, n->args[i], acc, is_or, err);
            continue;
        }
        rc = sl_node_eval(f, n->args[i], &c, err);
        if (rc < 0)
            break;
        plain = c->form == SL_DICT ? sl_column_plain(c, f->ev->account, err) : sl_column_ref(c);
        sl_column_unref(c);
        if (!plain) {
            rc = -SL_ENOMEM;
            break;
        }
        merge_bits(acc, plain, is_or, i == 0);
        sl_column_unref(plain);
    }
    if (rc < 0) {
        sl_column_unref(acc);
        return rc;
    }
    if (acc->rows && sl_bits_count(acc->valid, acc->rows) == acc->rows) { /* no row is null */
        sl_buffer_unref(acc->owner[0]);
        acc->owner[0] = NULL;
        acc->valid = NULL;
    }
    *out = acc;
    return 0;
}

/* ---- results gathered from parts ---- */

struct parts {
    struct sl_column **col;
    int n;
    size_t total;
    uint32_t *at; /* row of the frame -> row of the concatenation */
};

static int parts_init(struct parts *p, int max, size_t rows, struct sl_err *err)
{
    p->n = 0;
    p->total = 0;
    p->col = sl_calloc((size_t)max, sizeof(*p->col));
    p->at = sl_malloc(rows * sizeof(*p->at));
    return p->col && p->at ? 0 : sl_err_nomem(err, "evaluating an expression");
}

static void parts_release(struct parts *p)
{
    for (int i = 0; i < p->n; i++)
        sl_column_unref(p->col[i]);
    free(p->col);
    free(p->at);
}

/* c holds the values of the rows keep[0..n). Takes the reference. */
static void parts_add(struct parts *p, struct sl_column *c, const uint32_t *keep, size_t n)
{
    assert(c->rows == n);
    for (size_t k = 0; k < n; k++)
        p->at[keep[k]] = (uint32_t)(p->total + k);
    p->col[p->n++] = c;
    p->total += n;
}

static int parts_join(struct parts *p, struct sl_frame *f, struct sl_column **out,
                      struct sl_err *err)
{
    assert(p->total == f->n);
    if (p->n == 1) { /* one branch held for all rows, in order */
        *out = sl_column_ref(p->col[0]);
        return 0;
    }
    struct sl_column *all = sl_column_concat(p->col, (size_t)p->n, f->ev->account, err);
    if (!all)
        return -SL_ENOMEM;
    *out = sl_column_take(all, p->at, f->n, f->ev->account, err);
    sl_column_unref(all);
    return *out ? 0 : -SL_ENOMEM;
}

/* Evaluates n for the rows keep[0..count) of f. */
static int eval_some(struct sl_frame *f, const struct sl_node *n, const uint32_t *keep,
                     size_t count, struct sl_column **out, struct sl_err *err)
{
    struct sl_frame sub;
    if (count == f->n)
        return sl_node_eval(f, n, out, err);
    int rc = sl_frame_sub(&sub, f, keep, count, err);
    if (rc < 0)
        return rc;
    rc = sl_node_eval(&sub, n, out, err);
    sl_frame_release(&sub);
    return rc;
}

/* Splits rest[0..*n) by the condition (a dense column): true ones go to taken. */
static size_t split_rows(const struct sl_column *c, uint32_t *rest, size_t *n, uint32_t *taken)
{
    size_t t = 0, r = 0;
    for (size_t k = 0; k < *n; k++) {
        size_t slot = c->form == SL_CONST ? 0 : k;
        int yes = (!c->valid || sl_bit(c->valid, slot)) && sl_bit(c->data, slot);
        uint32_t row = rest[k];
        if (yes)
            taken[t++] = row;
        else
            rest[r++] = row;
    }
    *n = r;
    return t;
}

static int plain_bools(struct sl_frame *f, struct sl_column **c, struct sl_err *err)
{
    if ((*c)->form == SL_DICT) {
        struct sl_column *p = sl_column_plain(*c, f->ev->account, err);
        sl_column_unref(*c);
        *c = p;
    }
    return *c ? 0 : -SL_ENOMEM;
}

int sl_eval_case(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                 struct sl_err *err)
{
    assert(sl_frame_is_sound(f) && n->nargs >= 1 && out);
    struct parts parts;
    size_t left = f->n;
    int rc = parts_init(&parts, n->nargs, f->n, err);
    uint32_t *rest = sl_malloc(2 * f->n * sizeof(*rest)), *taken = rest ? rest + f->n : NULL;
    if (!rest)
        rc = sl_err_nomem(err, "evaluating an expression");
    for (size_t i = 0; rc >= 0 && i < f->n; i++)
        rest[i] = (uint32_t)i;
    for (int i = 0; rc >= 0 && i + 1 < n->nargs && left; i += 2) {
        struct sl_column *cond = NULL, *value = NULL;
        rc = eval_some(f, n->args[i], rest, left, &cond, err);
        if (rc >= 0)
            rc = plain_bools(f, &cond, err);
        if (rc < 0)
            break;
        size_t t = split_rows(cond, rest, &left, taken);
        sl_column_unref(cond);
        if (t == 0)
            continue;
        rc = eval_some(f, n->args[i + 1], taken, t, &value, err);
        if (rc >= 0)
            parts_add(&parts, value, taken, t);
    }
    if (rc >= 0 && left) {
        struct sl_column *value = NULL;
        rc = eval_some(f, n->args[n->nargs - 1], rest, left, &value, err);
        if (rc >= 0)
            parts_add(&parts, value, rest, left);
    }
    if (rc >= 0)
        rc = parts_join(&parts, f, out, err);
    parts_release(&parts);
    free(rest);
    return rc;
}

/* Rows of c that are null stay in rest, and c shrinks to the others. */
static int take_known(struct sl_frame *f, struct sl_column **c, uint32_t *rest, size_t *n,
                      uint32_t *taken, size_t *ntaken, struct sl_err *err)
{
    size_t t = 0, r = 0;
    uint32_t *at = sl_malloc(*n * sizeof(*at));
    if (!at)
        return sl_err_nomem(err, "evaluating an expression");
    for (size_t k = 0; k < *n; k++) {
        uint32_t row = rest[k];
        if (sl_column_null(*c, k)) {
            rest[r++] = row;
        } else {
            at[t] = (uint32_t)k;
            taken[t++] = row;
        }
    }
    if (t && t < *n) {
        struct sl_column *some = sl_column_take(*c, at, t, f->ev->account, err);
        sl_column_unref(*c);
        *c = some;
    }
    free(at);
    *n = r;
    *ntaken = t;
    return *c ? 0 : -SL_ENOMEM;
}

int sl_eval_coalesce(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                     struct sl_err *err)
{
    assert(sl_frame_is_sound(f) && n->nargs >= 1 && out);
    struct parts parts;
    size_t left = f->n;
    int rc = parts_init(&parts, n->nargs, f->n, err);
    uint32_t *rest = sl_malloc(2 * f->n * sizeof(*rest)), *taken = rest ? rest + f->n : NULL;
    if (!rest)
        rc = sl_err_nomem(err, "evaluating an expression");
    for (size_t i = 0; rc >= 0 && i < f->n; i++)
        rest[i] = (uint32_t)i;
    for (int i = 0; rc >= 0 && i < n->nargs && left; i++) {
        struct sl_column *value = NULL;
        size_t t = 0;
        rc = eval_some(f, n->args[i], rest, left, &value, err);
        if (rc < 0)
            break;
        if (i == n->nargs - 1 || !value->valid) { /* the last one decides */
            parts_add(&parts, value, rest, left);
            left = 0;
            break;
        }
        rc = take_known(f, &value, rest, &left, taken, &t, err);
        if (rc >= 0 && t)
            parts_add(&parts, value, taken, t);
        else
            sl_column_unref(value);
    }
    if (rc >= 0)
        rc = parts_join(&parts, f, out, err);
    parts_release(&parts);
    free(rest);
    return rc;
}

/* Forgets the failures behind the first n. The rows of f that they are of become 1. */
static void take_failures(struct sl_frame *f, size_t n, uint8_t *failed)
{
    struct sl_eval *ev = f->ev;
    for (; ev->nfailed > n; ev->nfailed--) {
        const struct sl_failure *x = &ev->failed[ev->nfailed - 1];
        size_t low = x->row, high = f->n;
        if (f->pos) /* which ascends */
            for (low = 0; low + 1 < high;) {
                size_t mid = (low + high) / 2;
                if (f->pos[mid] <= x->row)
                    low = mid;
                else
                    high = mid;
            }
        assert(low < f->n && (!f->pos || f->pos[low] == x->row));
        failed[low] = 1;
        free(x->what);
    }
}

int sl_eval_try(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                struct sl_err *err)
{
    assert(sl_frame_is_sound(f) && n->nargs == 1 && out);
    struct sl_column *all = NULL, *good = NULL, *bad = NULL;
    struct parts parts = {0};
    size_t before = f->ev->nfailed, ngood = 0, nbad = 0;
    int by_dict = f->by_dict;
    f->by_dict = 0; /* failures are of no consequence, and may be told */
    int rc = sl_node_eval(f, n->args[0], &all, err);
    f->by_dict = by_dict;
    if (rc < 0 || f->ev->nfailed == before) {
        *out = all;
        return rc;
    }
    uint8_t *failed = sl_calloc(f->n, 1);
    uint32_t *keep = sl_malloc(2 * f->n * sizeof(*keep)), *rest = keep ? keep + f->n : NULL;
    rc = parts_init(&parts, 2, f->n, err);
    if (rc == 0 && (!failed || !keep))
        rc = sl_err_nomem(err, "evaluating an expression");
    if (rc == 0) {
        take_failures(f, before, failed);
        for (size_t i = 0; i < f->n; i++)
            *(failed[i] ? &rest[nbad++] : &keep[ngood++]) = (uint32_t)i;
        good = ngood ? sl_column_take(all, keep, ngood, f->ev->account, err) : NULL;
        bad = sl_column_nulls(n->type, nbad, err);
        rc = bad && (good || !ngood) ? 0 : -SL_ENOMEM;
    }
    if (good)
        parts_add(&parts, good, keep, ngood);
    if (bad)
        parts_add(&parts, bad, rest, nbad);
    if (rc == 0)
        rc = parts_join(&parts, f, out, err);
    parts_release(&parts);
    sl_column_unref(all);
    free(failed);
    free(keep);
    return rc;
}

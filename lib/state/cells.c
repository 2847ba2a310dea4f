/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* cells: see cells.h. */
#include "arrow/interval.h"
#include "base/utf8.h"
#include "state/cells.h"

enum sl_cell_class sl_cell_class(struct sl_type t)
{
    switch (t.kind) {
    case SL_BOOL:
    case SL_BIGINT:
    case SL_DOUBLE:
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME:
    case SL_DATE: return SL_CELL_8;
    case SL_NUMERIC: return t.precision <= SL_NUMERIC64_MAX ? SL_CELL_8 : SL_CELL_16;
    case SL_INTERVAL: return SL_CELL_16;
    case SL_TEXT:
    case SL_BYTEA:
    case SL_JSONB: return SL_CELL_BYTES;
    default: return SL_CELL_NONE;
    }
}

void sl_cells_init(struct sl_cells *c, struct sl_type type, struct sl_account *account)
{
    assert(sl_cell_class(type) != SL_CELL_NONE);
    memset(c, 0, sizeof(*c));
    c->type = type;
    c->class = sl_cell_class(type);
    sl_vec_init(&c->value, account);
    sl_vec_init(&c->state, account);
    sl_vec_init(&c->bytes, account);
}

void sl_cells_release(struct sl_cells *c)
{
    sl_vec_release(&c->value);
    sl_vec_release(&c->state);
    sl_vec_release(&c->bytes);
    c->n = c->used = c->wasted = 0;
}

int sl_cells_reserve(struct sl_cells *c, size_t n, struct sl_err *err)
{
    assert(c->wasted <= c->used && c->used <= c->bytes.bytes);
    size_t width = c->class == SL_CELL_8 ? 8 : 16;
    if (n <= c->n)
        return 0;
    int rc = sl_vec_reserve(&c->value, n * width, err);
    if (rc == 0)
        rc = sl_vec_reserve(&c->state, n, err);
    if (rc == 0)
        c->n = n;
    return rc;
}

static void set_state(struct sl_cells *c, size_t i, enum sl_cell_state s)
{
    assert(i < c->n);
    ((uint8_t *)c->state.data)[i] = (uint8_t)s;
}

void sl_cells_clear(struct sl_cells *c, size_t i)
{
    set_state(c, i, SL_CELL_UNSET);
    if (c->class == SL_CELL_BYTES) {
        struct sl_slice *s = (struct sl_slice *)c->value.data + i;
        c->wasted += s->cap;
        memset(s, 0, sizeof(*s));
    }
}

void sl_cells_put_null(struct sl_cells *c, size_t i)
{
    set_state(c, i, SL_CELL_NULL);
}

void sl_cells_put8(struct sl_cells *c, size_t i, int64_t v)
{
    SL_CHECK_THAT(c->class == SL_CELL_8);
    set_state(c, i, SL_CELL_VALUE);
    ((int64_t *)c->value.data)[i] = v;
}

void sl_cells_put16(struct sl_cells *c, size_t i, sl_int128 v)
{
    SL_CHECK_THAT(c->class == SL_CELL_16);
    set_state(c, i, SL_CELL_VALUE);
    ((sl_int128 *)c->value.data)[i] = v;
}

/* Moves every text to a fresh block without the waste. */
static int repack(struct sl_cells *c, size_t extra, struct sl_err *err)
{
    struct sl_vec fresh;
    struct sl_slice *s = c->value.data;
    size_t at = 0;

    sl_vec_init(&fresh, c->bytes.account);
    int rc = sl_vec_reserve(&fresh, c->used - c->wasted + extra, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < c->n; i++) {
        if (!s[i].cap)
            continue;
        memcpy((char *)fresh.data + at, (char *)c->bytes.data + s[i].at, s[i].len);
        s[i].at = at;
        at += s[i].cap;
    }
    sl_vec_release(&c->bytes);
    c->bytes = fresh;
    c->used = at;
    c->wasted = 0;
    return 0;
}

int sl_cells_put_bytes(struct sl_cells *c, size_t i, const void *s, size_t n, struct sl_err *err)
{
    assert(c->class == SL_CELL_BYTES);
    assert(n <= INT32_MAX && i < c->n);
    struct sl_slice *cell = (struct sl_slice *)c->value.data + i;
    if (n > cell->cap) {
        int rc = 0;
        if (c->wasted > c->used / 2 && c->wasted > 4096)
            rc = repack(c, n, err);
        if (rc == 0)
            rc = sl_vec_reserve(&c->bytes, c->used + n, err);
        if (rc < 0)
            return rc;
        c->wasted += cell->cap;
        cell->at = c->used;
        cell->cap = (uint32_t)n;
        c->used += n;
    }
    if (n)
        memcpy((char *)c->bytes.data + cell->at, s, n);
    cell->len = (uint32_t)n;
    set_state(c, i, SL_CELL_VALUE);
    return 0;
}

int64_t sl_column_get8(const struct sl_column *c, size_t row)
{
    SL_CHECK_THAT(c->form != SL_LAZY && row < c->rows);
    const struct sl_column *h;
    size_t k = sl_column_slot(c, row, &h);
    if (c->type.kind == SL_BOOL)
        return sl_bit(h->data, k);
    if (c->type.kind == SL_DATE)
        return ((const int32_t *)h->data)[k];
    return ((const int64_t *)h->data)[k];
}

sl_int128 sl_column_get16(const struct sl_column *c, size_t row)
{
    SL_CHECK_THAT(c->form != SL_LAZY && row < c->rows);
    const struct sl_column *h;
    size_t k = sl_column_slot(c, row, &h);
    sl_int128 v;
    memcpy(&v, (const char *)h->data + k * 16, sizeof(v));
    return v;
}

int sl_cells_put_row(struct sl_cells *c, size_t i, const struct sl_column *col, size_t row,
                     struct sl_err *err)
{
    SL_CHECK_THAT(i < c->n && row < col->rows);
    if (sl_column_null(col, row)) {
        sl_cells_put_null(c, i);
    } else if (c->class == SL_CELL_8) {
        sl_cells_put8(c, i, sl_column_get8(col, row));
    } else if (c->class == SL_CELL_16) {
        sl_cells_put16(c, i, sl_column_get16(col, row));
    } else {
        size_t n;
        const char *s = sl_column_bytes(col, row, &n);
        return sl_cells_put_bytes(c, i, s, n, err);
    }
    return 0;
}

int sl_cells_copy(struct sl_cells *c, size_t i, const struct sl_cells *from, size_t k,
                  struct sl_err *err)
{
    assert(c->class == from->class);
    assert(i < c->n && k < from->n);
    enum sl_cell_state s = sl_cells_state(from, k);
    if (s == SL_CELL_UNSET) {
        sl_cells_clear(c, i);
    } else if (s == SL_CELL_NULL) {
        sl_cells_put_null(c, i);
    } else if (c->class == SL_CELL_8) {
        sl_cells_put8(c, i, sl_cells_get8(from, k));
    } else if (c->class == SL_CELL_16) {
        sl_cells_put16(c, i, ((const sl_int128 *)from->value.data)[k]);
    } else {
        size_t n;
        const char *p = sl_cells_bytes(from, k, &n);
        return sl_cells_put_bytes(c, i, p, n, err);
    }
    return 0;
}

int sl_cells_equal(const struct sl_cells *a, size_t i, const struct sl_cells *b, size_t k)
{
    SL_CHECK_THAT(a->class == b->class && i < a->n && k < b->n);
    enum sl_cell_state s = sl_cells_state(a, i);
    if (s != sl_cells_state(b, k) || s != SL_CELL_VALUE)
        return s == sl_cells_state(b, k);
    if (a->class == SL_CELL_8)
        return sl_cells_get8(a, i) == sl_cells_get8(b, k);
    if (a->class == SL_CELL_16)
        return ((const sl_int128 *)a->value.data)[i] == ((const sl_int128 *)b->value.data)[k];
    size_t ni, nk;
    const char *x = sl_cells_bytes(a, i, &ni), *y = sl_cells_bytes(b, k, &nk);
    return ni == nk && (!ni || memcmp(x, y, ni) == 0);
}

/* ---- order ---- */

static double as_double(int64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

/* Order of 8-byte values of a type; doubles totally ordered. */
static int compare8(struct sl_type t, int64_t a, int64_t b)
{
    if (t.kind == SL_DOUBLE) {
        a = sl_double_order(as_double(a));
        b = sl_double_order(as_double(b));
    }
    return (a > b) - (a < b);
}

/* Intervals of one span go by their fields. */
static int compare_interval(struct sl_interval a, struct sl_interval b)
{
    sl_int128 x = sl_interval_span(a), y = sl_interval_span(b);
    if (x != y)
        return x < y ? -1 : 1;
    if (a.months != b.months)
        return a.months < b.months ? -1 : 1;
    return (a.days > b.days) - (a.days < b.days);
}

static int compare16(struct sl_type t, sl_int128 a, sl_int128 b)
{
    if (t.kind == SL_INTERVAL) {
        struct sl_interval x, y;
        memcpy(&x, &a, sizeof(x));
        memcpy(&y, &b, sizeof(y));
        return compare_interval(x, y);
    }
    return (a > b) - (a < b);
}

int sl_cells_compare(const struct sl_cells *a, size_t i, const struct sl_cells *b, size_t k)
{
    SL_CHECK_THAT(a->class == b->class && i < a->n && k < b->n);
    int vi = sl_cells_state(a, i) == SL_CELL_VALUE, vk = sl_cells_state(b, k) == SL_CELL_VALUE;
    if (!vi || !vk)
        return vk - vi;
    if (a->class == SL_CELL_8)
        return compare8(a->type, sl_cells_get8(a, i), sl_cells_get8(b, k));
    if (a->class == SL_CELL_16)
        return compare16(a->type, ((const sl_int128 *)a->value.data)[i],
                         ((const sl_int128 *)b->value.data)[k]);
    size_t ni, nk;
    const char *x = sl_cells_bytes(a, i, &ni), *y = sl_cells_bytes(b, k, &nk);
    return sl_bytes_order(x, ni, y, nk);
}

int sl_cells_compare_row(const struct sl_cells *c, size_t i, const struct sl_column *col,
                         size_t row)
{
    SL_CHECK_THAT(i < c->n && row < col->rows);
    if (sl_cells_state(c, i) != SL_CELL_VALUE)
        return 1;
    if (c->class == SL_CELL_8)
        return compare8(c->type, sl_cells_get8(c, i), sl_column_get8(col, row));
    if (c->class == SL_CELL_16)
        return compare16(c->type, ((const sl_int128 *)c->value.data)[i], sl_column_get16(col, row));
    size_t ni, nk;
    const char *a = sl_cells_bytes(c, i, &ni), *b = sl_column_bytes(col, row, &nk);
    return sl_bytes_order(a, ni, b, nk);
}

#define SIGN64 0x8000000000000000u

static uint64_t prefix8(struct sl_type t, int64_t v)
{
    if (t.kind == SL_DOUBLE)
        v = sl_double_order(as_double(v) + 0.0); /* -0 and 0 alike */
    return ((uint64_t)v ^ SIGN64) >> 1;
}

static uint64_t prefix16(struct sl_type t, sl_int128 v)
{
    if (t.kind == SL_INTERVAL)
        return 0; /* rare: left to the comparison */
    return ((uint64_t)(int64_t)(v >> 64) ^ SIGN64) >> 1;
}

static uint64_t prefix_bytes(const char *s, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 8; i++)
        v = v << 8 | (i < n ? (uint8_t)s[i] : 0);
    return v >> 1;
}

uint64_t sl_cells_prefix(const struct sl_cells *c, size_t i)
{
    SL_CHECK_THAT(i < c->n);
    if (c->class == SL_CELL_8)
        return prefix8(c->type, sl_cells_get8(c, i));
    if (c->class == SL_CELL_16)
        return prefix16(c->type, ((const sl_int128 *)c->value.data)[i]);
    size_t n;
    const char *s = sl_cells_bytes(c, i, &n);
    return prefix_bytes(s, n);
}

uint64_t sl_column_prefix(const struct sl_column *c, size_t row)
{
    SL_CHECK_THAT(row < c->rows);
    switch (sl_cell_class(c->type)) {
    case SL_CELL_8: return prefix8(c->type, sl_column_get8(c, row));
    case SL_CELL_16: return prefix16(c->type, sl_column_get16(c, row));
    case SL_CELL_BYTES: {
        size_t n;
        const char *s = sl_column_bytes(c, row, &n);
        return prefix_bytes(s, n);
    }
    default: return 0;
    }
}

/* ---- out and back ---- */

void sl_cells_build(const struct sl_cells *c, size_t i, struct sl_builder *b)
{
    SL_CHECK_THAT(i < c->n);
    if (sl_cells_state(c, i) != SL_CELL_VALUE) {
        sl_builder_null(b);
    } else if (c->class == SL_CELL_8) {
        int64_t v = sl_cells_get8(c, i);
        switch (c->type.kind) {
        case SL_BOOL: sl_builder_bool(b, (int)v); break;
        case SL_DATE: sl_builder_date(b, (int32_t)v); break;
        case SL_DOUBLE: sl_builder_double(b, as_double(v)); break;
        default: sl_builder_int(b, v);
        }
    } else if (c->class == SL_CELL_16) {
        sl_int128 v = ((const sl_int128 *)c->value.data)[i];
        struct sl_interval iv;
        memcpy(&iv, &v, sizeof(iv));
        if (c->type.kind == SL_INTERVAL)
            sl_builder_interval(b, iv);
        else
            sl_builder_int128(b, v);
    } else {
        size_t n;
        const char *s = sl_cells_bytes(c, i, &n);
        sl_builder_bytes(b, s, n);
    }
}

void sl_cells_pack(const struct sl_cells *c, size_t i, struct sl_buf *out)
{
    SL_CHECK_THAT(i < c->n);
    enum sl_cell_state s = sl_cells_state(c, i);
    sl_buf_addch(out, (char)s);
    if (s != SL_CELL_VALUE)
        return;
    if (c->class == SL_CELL_8) {
        sl_buf_add(out, (const int64_t *)c->value.data + i, 8);
    } else if (c->class == SL_CELL_16) {
        sl_buf_add(out, (const sl_int128 *)c->value.data + i, 16);
    } else {
        size_t n;
        const char *p = sl_cells_bytes(c, i, &n);
        uint32_t len = (uint32_t)n;
        sl_buf_add(out, &len, 4);
        sl_buf_add(out, p, n);
    }
}

int sl_cells_unpack(struct sl_cells *c, size_t i, const char **s, const char *end,
                    struct sl_err *err)
{
    assert(s && *s <= end);
    const char *p = *s;
    int64_t v8;
    sl_int128 v16;
    uint32_t len;

    if (p == end || (uint8_t)*p > SL_CELL_VALUE)
        goto corrupt;
    enum sl_cell_state state = (enum sl_cell_state) * p++;
    size_t width = c->class == SL_CELL_8 ? 8 : c->class == SL_CELL_16 ? 16 : 4;
    if (state != SL_CELL_VALUE) {
        if (state == SL_CELL_NULL)
            sl_cells_put_null(c, i);
        else
            sl_cells_clear(c, i);
    } else if ((size_t)(end - p) < width) {
        goto corrupt;
    } else if (c->class == SL_CELL_8) {
        memcpy(&v8, p, 8);
        sl_cells_put8(c, i, v8);
        p += 8;
    } else if (c->class == SL_CELL_16) {
        memcpy(&v16, p, 16);
        sl_cells_put16(c, i, v16);
        p += 16;
    } else {
        memcpy(&len, p, 4);
        p += 4;
        if (len > INT32_MAX || (size_t)(end - p) < len ||
            (c->type.kind != SL_BYTEA && !sl_utf8_valid(p, len)))
            goto corrupt;
        int rc = sl_cells_put_bytes(c, i, p, len, err);
        if (rc < 0)
            return rc;
        p += len;
    }
    *s = p;
    return 0;
corrupt:
    return sl_err_set(err, SL_ECORRUPT, "the saved state of an aggregate is damaged");
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc_field: a field of an Arrow schema, as a description and as one of sluice's types.
 *
 * Tables of a flatbuffer may be shared, so a small message can describe a tree of any size: a
 * budget of fields and of bytes bounds what is made, SL_FOREIGN_DEPTH bounds the nesting. Types
 * that widen without loss become sluice's; an extension type goes by its storage, which is what can
 * be computed with (arrow.json is jsonb). All else is FOREIGN.
 */
#include "base/utf8.h"
#include "ipc/ipc_int.h"

/* A copied string, NUL-ended; NULL with err filled. */
static char *copy_string(const char *s, size_t n, struct sl_ipc_budget *budget, struct sl_err *err)
{
    if (n > budget->bytes) {
        sl_ipc_malformed(err, "its names and metadata unfold to more than it holds");
        return NULL;
    }
    budget->bytes -= n;
    char *copy = sl_strndup(s ? s : "", n);
    if (!copy)
        sl_err_nomem(err, "a schema");
    return copy;
}

int sl_ipc_read_pairs(const struct sl_fb_table *t, int slot, struct sl_ipc_budget *budget,
                      struct sl_foreign_pair **pairs, int *npairs, struct sl_err *err)
{
    enum { PAIRS_MAX = 4096 };
    struct sl_fb_vector v = sl_fb_vector(t, slot, 4);
    *npairs = 0;
    *pairs = NULL;
    if (!v.n)
        return 0;
    if (v.n > PAIRS_MAX)
        return sl_ipc_malformed(err, "it has more than 4,096 metadata keys");
    *pairs = sl_calloc(v.n, sizeof **pairs);
    if (!*pairs)
        return sl_err_nomem(err, "a schema");
    for (size_t i = 0; i < v.n && !t->fb->bad; i++) {
        struct sl_fb_table kv = sl_fb_vector_table(&v, i);
        struct sl_foreign_pair *p = &(*pairs)[i];
        size_t n, m;
        const char *key = sl_fb_string(&kv, FB_KV_KEY, &n);
        const char *value = sl_fb_string(&kv, FB_KV_VALUE, &m);
        (*npairs)++;
        if (!(p->key = copy_string(key, n, budget, err)) ||
            !(p->value = copy_string(value, m, budget, err)))
            return -SL_EFORMAT;
        p->key_len = (uint32_t)n;
        p->value_len = (uint32_t)m;
    }
    return t->fb->bad ? sl_ipc_malformed(err, "its metadata is damaged") : 0;
}

/* ---- parameters of types ---- */

static int bad_type(struct sl_err *err)
{
    return sl_ipc_malformed(err, "a type has parameters that make no sense");
}

static int fixed(struct sl_foreign *f, int bytes)
{
    f->shape = SL_SHAPE_FIXED;
    f->width = bytes;
    return 0;
}

static int read_int(struct sl_foreign *f, const struct sl_fb_table *t)
{
    f->bits = (int32_t)sl_fb_scalar(t, 0, 4, 0);
    f->is_signed = sl_fb_scalar(t, 1, 1, 0) != 0;
    if (f->bits != 8 && f->bits != 16 && f->bits != 32 && f->bits != 64)
        return -1;
    return fixed(f, f->bits / 8);
}

static int read_decimal(struct sl_foreign *f, const struct sl_fb_table *t)
{
    static const uint8_t most[] = {9, 18, 38, 76};
    int width = 0;
    f->precision = (int32_t)sl_fb_scalar(t, 0, 4, 0);
    f->scale = (int32_t)sl_fb_scalar(t, 1, 4, 0);
    f->bits = (int32_t)sl_fb_scalar(t, 2, 4, 128);
    while (width < 4 && f->bits != 32 << width)
        width++;
    if (width == 4 || f->precision < 1 || f->precision > most[width] || f->scale < -128 ||
        f->scale > 127)
        return -1;
    return fixed(f, f->bits / 8);
}

/* Types with a unit; missing is the unit that the format takes for an absent one. */
static int read_unit(struct sl_foreign *f, const struct sl_fb_table *t, int missing, int most)
{
    int64_t unit = sl_fb_scalar(t, 0, 2, missing);
    f->unit = (uint8_t)unit;
    return unit >= 0 && unit <= most ? 0 : -1;
}

static int read_time(struct sl_foreign *f, const struct sl_fb_table *t)
{
    f->bits = (int32_t)sl_fb_scalar(t, 1, 4, 32);
    if (read_unit(f, t, SL_ARROW_MILLI, SL_ARROW_NANO) < 0 ||
        f->bits != (f->unit <= SL_ARROW_MILLI ? 32 : 64))
        return -1;
    return fixed(f, f->bits / 8);
}

static int read_width(struct sl_foreign *f, const struct sl_fb_table *t, enum sl_shape shape)
{
    int64_t width = sl_fb_scalar(t, 0, 4, 0);
    f->shape = (uint8_t)shape;
    f->width = (int32_t)width;
    return width >= 0 && width <= (1 << 24) ? 0 : -1;
}

static int read_union(struct sl_foreign *f, const struct sl_fb_table *t, struct sl_err *err)
{
    struct sl_fb_vector ids = sl_fb_vector(t, 1, 4);
    if (read_unit(f, t, 0, 1) < 0 || f->nchildren > 128 ||
        (ids.pos && ids.n != (size_t)f->nchildren))
        return bad_type(err);
    f->shape = f->unit ? SL_SHAPE_DENSE : SL_SHAPE_SPARSE;
    if (!ids.n)
        return 0;
    f->type_ids = sl_calloc(ids.n, sizeof *f->type_ids);
    if (!f->type_ids)
        return sl_err_nomem(err, "a schema");
    for (size_t i = 0; i < ids.n; i++) {
        f->type_ids[i] = sl_fb_vector_i32(&ids, 4 * i);
        if (f->type_ids[i] < 0 || f->type_ids[i] > 127)
            return bad_type(err);
    }
    return 0;
}

/* The run ends are no column of their own: the values stay as the only child. */
static int read_runs(struct sl_foreign *f)
{
    if (f->nchildren != 2)
        return -1;
    const struct sl_foreign *ends = f->children[0];
    if (ends->arrow != SL_ARROW_INT || !ends->is_signed || ends->bits == 8 || ends->index_bits)
        return -1;
    f->bits = ends->bits;
    f->run_ends = f->children[0];
    f->children[0] = f->children[1];
    f->nchildren = 1;
    f->shape = SL_SHAPE_RUNS;
    return 0;
}

static int read_timestamp(struct sl_foreign *f, const struct sl_fb_table *t,
                          struct sl_ipc_budget *budget, struct sl_err *err)
{
    size_t n;
    const char *zone = sl_fb_string(t, 1, &n);
    if (read_unit(f, t, SL_ARROW_SECOND, SL_ARROW_NANO) < 0)
        return bad_type(err);
    if (n && !(f->zone = copy_string(zone, n, budget, err)))
        return -SL_EFORMAT;
    return fixed(f, 8);
}

/* Parameters from the type's table t; children are read already. */
static int read_type(struct sl_foreign *f, const struct sl_fb_table *t,
                     struct sl_ipc_budget *budget, struct sl_err *err)
{
    static const uint8_t interval_bytes[] = {4, 8, 16};
    int children = 0, rc = 0; /* children that the type has; -1: any number */
    switch ((enum sl_arrow_type)f->arrow) {
    case SL_ARROW_NULL: f->shape = SL_SHAPE_NONE; break;
    case SL_ARROW_BOOL: f->shape = SL_SHAPE_BITS; break;
    case SL_ARROW_INT: rc = read_int(f, t); break;
    case SL_ARROW_FLOAT:
        rc = read_unit(f, t, 0, 2);
        fixed(f, 2 << (f->unit & 3));
        break;
    case SL_ARROW_BINARY:
    case SL_ARROW_UTF8:
    case SL_ARROW_LARGE_BINARY:
    case SL_ARROW_LARGE_UTF8:
    case SL_ARROW_BINARY_VIEW:
    case SL_ARROW_UTF8_VIEW: f->shape = SL_SHAPE_BYTES; break;
    case SL_ARROW_DECIMAL: rc = read_decimal(f, t); break;
    case SL_ARROW_DATE:
        rc = read_unit(f, t, 1, 1);
        fixed(f, f->unit ? 8 : 4);
        break;
    case SL_ARROW_TIME: rc = read_time(f, t); break;
    case SL_ARROW_TIMESTAMP: return read_timestamp(f, t, budget, err);
    case SL_ARROW_INTERVAL:
        rc = read_unit(f, t, 0, 2);
        fixed(f, rc ? 4 : interval_bytes[f->unit]);
        break;
    case SL_ARROW_DURATION:
        rc = read_unit(f, t, SL_ARROW_MILLI, SL_ARROW_NANO);
        fixed(f, 8);
        break;
    case SL_ARROW_FIXED_BINARY: rc = read_width(f, t, SL_SHAPE_FIXED); break;
    case SL_ARROW_FIXED_LIST:
        children = 1;
        rc = read_width(f, t, SL_SHAPE_FIXLIST);
        break;
    case SL_ARROW_MAP: f->is_signed = sl_fb_scalar(t, 0, 1, 0) != 0; /* fall through */
    case SL_ARROW_LIST:
    case SL_ARROW_LARGE_LIST:
    case SL_ARROW_LIST_VIEW:
    case SL_ARROW_LARGE_LIST_VIEW:
        f->shape = SL_SHAPE_LIST;
        children = 1;
        break;
    case SL_ARROW_STRUCT:
        f->shape = SL_SHAPE_STRUCT;
        children = -1;
        break;
    case SL_ARROW_UNION: return read_union(f, t, err);
    case SL_ARROW_RUNS:
        children = 1;
        rc = read_runs(f);
        break;
    default:
        return sl_err_set(err, SL_EUNSUPPORTED,
                          "column %s has an Arrow type (%d) that is not known",
                          f->name ? f->name : "", f->arrow);
    }
    if (rc < 0 || (children >= 0 && children != f->nchildren))
        return bad_type(err);
    return 0;
}

/* ---- fields ---- */

static int read_dictionary(struct sl_foreign *f, const struct sl_fb_table *field,
                           struct sl_err *err)
{
    struct sl_fb_table d = sl_fb_get(field, FB_FIELD_DICTIONARY);
    if (!d.pos)
        return 0;
    struct sl_fb_table index = sl_fb_get(&d, FB_DICT_INDEX);
    struct sl_foreign type = {.bits = 32, .is_signed = 1};
    if (index.pos && read_int(&type, &index) < 0)
        return bad_type(err);
    if (sl_fb_scalar(&d, FB_DICT_KIND, 2, 0) != 0)
        return bad_type(err);
    f->dict_id = sl_fb_scalar(&d, FB_DICT_ID, 8, 0);
    f->index_bits = (uint8_t)type.bits;
    f->index_signed = type.is_signed;
    return 0;
}

static int read_children(struct sl_foreign *f, const struct sl_fb_table *field, int depth,
                         struct sl_ipc_budget *budget, struct sl_err *err)
{
    struct sl_fb_vector v = sl_fb_vector(field, FB_FIELD_CHILDREN, 4);
    if (!v.n)
        return 0;
    if (v.n > SL_FOREIGN_CHILDREN)
        return sl_ipc_malformed(err, "a column has more than 16,384 children");
    f->children = sl_calloc(v.n, sizeof(*f->children));
    if (!f->children)
        return sl_err_nomem(err, "a schema");
    for (size_t i = 0; i < v.n; i++) {
        struct sl_fb_table child = sl_fb_vector_table(&v, i);
        struct sl_foreign *c = sl_ipc_read_field(&child, depth + 1, budget, err);
        if (!c)
            return -SL_EFORMAT;
        f->children[f->nchildren++] = c;
    }
    return 0;
}

static int read_field(struct sl_foreign *f, const struct sl_fb_table *field, int depth,
                      struct sl_ipc_budget *budget, struct sl_err *err)
{
    size_t n;
    const char *name = sl_fb_string(field, FB_FIELD_NAME, &n);
    if (memchr(name ? name : "", 0, n) || !sl_utf8_valid(name ? name : "", n))
        return sl_ipc_malformed(err, "a column's name is not text");
    if (!(f->name = copy_string(name, n, budget, err)))
        return -SL_EFORMAT;
    f->nullable = sl_fb_scalar(field, FB_FIELD_NULLABLE, 1, 0) != 0;
    f->arrow = (uint8_t)sl_fb_scalar(field, FB_FIELD_TYPE_TYPE, 1, 0);
    struct sl_fb_table type = sl_fb_get(field, FB_FIELD_TYPE);
    int rc = read_children(f, field, depth, budget, err);
    if (rc == 0)
        rc = read_type(f, &type, budget, err);
    if (rc == 0)
        rc = read_dictionary(f, field, err);
    if (rc == 0)
        rc = sl_ipc_read_pairs(field, FB_FIELD_META, budget, &f->pairs, &f->npairs, err);
    if (rc == 0 && field->fb->bad)
        rc = sl_ipc_malformed(err, "its metadata is damaged");
    return rc;
}

struct sl_foreign *sl_ipc_read_field(const struct sl_fb_table *field, int depth,
                                     struct sl_ipc_budget *budget, struct sl_err *err)
{
    assert(depth >= 0 && budget);
    if (!field->pos || depth >= SL_FOREIGN_DEPTH || !budget->fields) {
        sl_ipc_malformed(err, !field->pos                 ? "its metadata is damaged"
                              : depth >= SL_FOREIGN_DEPTH ? "types are nested deeper than 64"
                                                          : "it has too many columns");
        return NULL;
    }
    budget->fields--;
    struct sl_foreign *f = sl_foreign_new();
    if (!f)
        return sl_err_no_memory(err, "a schema");
    if (read_field(f, field, depth, budget, err) < 0) {
        sl_foreign_unref(f);
        return NULL;
    }
    return f;
}

/* ---- as sluice's type ---- */

static int says(const struct sl_foreign *f, const char *key, const char *value)
{
    for (int i = 0; i < f->npairs; i++) {
        if (strcmp(f->pairs[i].key, key) == 0)
            return strcmp(f->pairs[i].value, value) == 0;
    }
    return 0;
}

static struct sl_type text_type(const struct sl_foreign *f)
{
    if (says(f, IPC_EXTENSION, IPC_EXTENSION_JSON))
        return sl_type_of(SL_JSONB);
    return says(f, IPC_VALUES, IPC_VALUES_NONE) ? sl_type_valueless() : sl_type_of(SL_TEXT);
}

static struct sl_type decimal_type(struct sl_foreign *f)
{
    int scale = SL_MAX(f->scale, 0), precision = f->precision - SL_MIN(f->scale, 0);
    precision = SL_MAX(precision, scale);
    if (precision > SL_NUMERIC_MAX)
        return (struct sl_type){.kind = SL_FOREIGN, .foreign = f};
    return sl_type_numeric(precision, scale);
}

struct sl_type sl_ipc_type_of(struct sl_foreign *f)
{
    assert(f);
    struct sl_type t = {.kind = SL_FOREIGN, .foreign = f};
    switch ((enum sl_arrow_type)f->arrow) {
    case SL_ARROW_BOOL: return sl_type_of(SL_BOOL);
    case SL_ARROW_INT:
        return f->is_signed || f->bits < 64 ? sl_type_of(SL_BIGINT) : sl_type_numeric(20, 0);
    case SL_ARROW_FLOAT: return sl_type_of(SL_DOUBLE);
    case SL_ARROW_BINARY:
    case SL_ARROW_LARGE_BINARY:
    case SL_ARROW_BINARY_VIEW:
    case SL_ARROW_FIXED_BINARY: return sl_type_of(SL_BYTEA);
    case SL_ARROW_UTF8:
    case SL_ARROW_LARGE_UTF8:
    case SL_ARROW_UTF8_VIEW: return text_type(f);
    case SL_ARROW_DECIMAL: return decimal_type(f);
    case SL_ARROW_DATE: return sl_type_of(SL_DATE);
    case SL_ARROW_TIMESTAMP:
        t = sl_type_of(f->zone && f->zone[0] ? SL_TIMESTAMPTZ : SL_WALLTIME);
        t.nsec = f->unit == SL_ARROW_NANO;
        return t;
    case SL_ARROW_INTERVAL: return sl_type_of(SL_INTERVAL);
    default: return t;
    }
}

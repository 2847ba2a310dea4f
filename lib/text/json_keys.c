/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * json_keys: the keys of JSON objects by dotted path, and what their values looked like.
 *
 * {"a": {"b": 1}} and {"a.b": 1} are the same path a.b. A path is a column if some value of it was
 * no object; an object deeper than SL_JSON_FLATTEN levels, or an empty one, is a value.
 */
#include "arrow/hidden.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "text/text_reader.h"

struct sl_json_keys *sl_json_keys_new(void)
{
    struct sl_json_keys *k = sl_calloc(1, sizeof *k);
    if (!k)
        return NULL;
    sl_arena_init(&k->arena);
    k->rest = -1;
    k->cap = 64;
    k->mask = 255;
    k->nodes = sl_calloc(k->cap, sizeof *k->nodes);
    k->table = sl_calloc(k->mask + 1, sizeof *k->table);
    if (!k->nodes || !k->table) {
        sl_text_json_free(k);
        return NULL;
    }
    k->nodes[0] = (struct sl_json_node){.path = "", .column = -1, .hash = sl_hash_seed()};
    k->n = 1;
    return k;
}

void sl_text_json_free(struct sl_json_keys *k)
{
    if (!k)
        return;
    sl_arena_release(&k->arena);
    free(k->nodes);
    free(k->table);
    free(k);
}

static int same_path(const struct sl_json_node *n, const struct sl_json_node *up, const char *key,
                     size_t len)
{
    size_t front = up->len ? (size_t)up->len + 1 : 0;
    return n->len == front + len && memcmp(n->path + front, key, len) == 0 &&
           (!front || (n->path[front - 1] == '.' && memcmp(n->path, up->path, up->len) == 0));
}

/* A path's hash goes from name to name, so that a.b has that of b below a. The root's is the seed. */
static uint64_t path_hash(const struct sl_json_node *up, const char *key, size_t len)
{
    uint64_t h = up->hash;
    const char *dot;
    for (; SL_UNLIKELY((dot = memchr(key, '.', len)) != NULL); key = dot + 1) {
        h = sl_hash_bytes(key, (size_t)(dot - key), h);
        len -= (size_t)(dot - key) + 1;
    }
    return sl_hash_bytes(key, len, h);
}

uint32_t sl_json_keys_find(const struct sl_json_keys *k, uint32_t parent, const char *key,
                           size_t len)
{
    const struct sl_json_node *up = &k->nodes[parent];
    uint64_t h = path_hash(up, key, len);
    for (uint32_t i = (uint32_t)h & k->mask; k->table[i]; i = (i + 1) & k->mask) {
        const struct sl_json_node *n = &k->nodes[k->table[i] - 1];
        if (n->hash == h && same_path(n, up, key, len))
            return k->table[i] - 1;
    }
    return 0;
}

static int grow(struct sl_json_keys *k)
{
    if (SL_GROW(k->nodes, k->n + 1, k->cap, "reading JSON", NULL) < 0)
        return -1;
    if (k->n * 2 < k->mask)
        return 0;
    uint32_t mask = k->mask * 2 + 1, *table = sl_calloc((size_t)mask + 1, sizeof *table);
    if (!table)
        return -1;
    for (uint32_t i = 1; i < k->n; i++) {
        uint32_t at = (uint32_t)k->nodes[i].hash & mask;
        while (table[at])
            at = (at + 1) & mask;
        table[at] = i + 1;
    }
    free(k->table);
    k->table = table;
    k->mask = mask;
    return 0;
}

uint32_t sl_json_keys_get(struct sl_json_keys *k, uint32_t parent, const char *key, size_t len)
{
    uint32_t found = sl_json_keys_find(k, parent, key, len);
    if (found)
        return found;
    if (grow(k) < 0)
        return UINT32_MAX;
    const struct sl_json_node up = k->nodes[parent];
    size_t front = up.len ? (size_t)up.len + 1 : 0;
    char *path = sl_arena_alloc(&k->arena, front + len + 1);
    if (!path)
        return UINT32_MAX;
    if (front) {
        memcpy(path, up.path, up.len);
        path[front - 1] = '.';
    }
    memcpy(path + front, key, len);
    uint32_t n = k->n++;
    uint64_t h = path_hash(&up, key, len);
    k->nodes[n] = (struct sl_json_node){
        .path = path, .len = (uint32_t)(front + len), .parent = parent, .hash = h, .column = -1};
    uint32_t at = (uint32_t)h & k->mask;
    while (k->table[at])
        at = (at + 1) & k->mask;
    k->table[at] = n + 1;
    return n;
}

int sl_json_keys_usable(const struct sl_json_keys *k, uint32_t parent, const char *key, size_t len)
{
    return len > 0 && k->nodes[parent].len + len < SL_JSON_KEY_MAX && !memchr(key, 0, len);
}

/* ---- discovery ---- */

struct discovery {
    struct sl_json_keys *keys;
    const struct sl_zone *zone;
    struct sl_buf buf;
    int64_t at; /* of the line, from 1 on */
    uint32_t stack[SL_JSON_FLATTEN + 1];
    int depth;
};

static uint32_t flags_of(int token)
{
    switch (token) {
    case SL_JSON_STRING: return SL_SPAN_STRING;
    case SL_JSON_NUMBER: return SL_SPAN_NUMBER;
    case SL_JSON_NULL: return SL_SPAN_NULL;
    case SL_JSON_TRUE:
    case SL_JSON_FALSE: return SL_SPAN_BOOL;
    default: return SL_SPAN_NESTED;
    }
}

/* The value behind a key that was just read. 0, or -1 for a malformed line, -2 for no memory. */
static int discover_value(struct discovery *d, struct sl_json *j)
{
    struct sl_buf *b = &d->buf;
    const char *key = j->text, *raw;
    size_t len = j->len, raw_len;
    sl_buf_reset(b);
    if (j->escaped) {
        int rc = sl_json_unescape(key, len, b, NULL);
        if (rc < 0)
            return rc == -SL_ENOMEM ? -2 : -1;
        key = b->data ? b->data : "";
        len = b->len;
    }
    uint32_t up = d->stack[d->depth], node = 0;
    if (sl_json_keys_usable(d->keys, up, key, len) && d->keys->n < SL_TEXT_COLUMNS_MAX) {
        node = sl_json_keys_get(d->keys, up, key, len);
        if (node == UINT32_MAX)
            return -2;
    }
    int t = sl_json_next(j, NULL);
    if (t < 0)
        return -1;
    if (t == SL_JSON_OBJECT && node && !d->keys->nodes[node].whole && d->depth < SL_JSON_FLATTEN &&
        j->p < j->end) {
        const char *p = j->p;
        while (p < j->end && (*p == ' ' || *p == '\t'))
            p++;
        if (p < j->end && *p != '}') {
            d->stack[++d->depth] = node;
            return 0;
        }
    }
    struct sl_span v = {j->text, (uint32_t)j->len, flags_of(t)};
    if ((t == SL_JSON_OBJECT || t == SL_JSON_ARRAY) && sl_json_skip(j, &raw, &raw_len, NULL) < 0)
        return -1;
    if (node) {
        d->keys->nodes[node].leaf = 1;
        d->keys->nodes[node].guess.at = d->at;
        sl_text_guess_add(&d->keys->nodes[node].guess, &v, d->zone);
    }
    return 0;
}

/* Will the line be a row? Only those say something about types. 1, 0, or -2 for no memory. */
static int is_row(struct discovery *d, const char *p, size_t n)
{
    struct sl_json j;
    if (!sl_utf8_valid(p, n))
        return 0;
    sl_json_init(&j, p, n);
    for (;;) {
        int t = sl_json_next(&j, NULL);
        if (t <= SL_JSON_END)
            return t == SL_JSON_END;
        if ((t == SL_JSON_STRING || t == SL_JSON_KEY) && j.escaped) {
            sl_buf_reset(&d->buf);
            int rc = sl_json_unescape(j.text, j.len, &d->buf, NULL);
            if (rc < 0)
                return rc == -SL_ENOMEM ? -2 : 0;
        }
    }
}

/* One line. 0, or -2 for no memory. */
static int discover_line(struct discovery *d, const char *p, size_t n)
{
    struct sl_json j;
    sl_json_init(&j, p, n);
    d->depth = 0;
    d->stack[0] = 0;
    if (sl_json_next(&j, NULL) != SL_JSON_OBJECT)
        return 0;
    for (;;) {
        int t = sl_json_next(&j, NULL);
        if (t == SL_JSON_OBJECT_END && d->depth > 0) {
            d->depth--;
            continue;
        }
        if (t != SL_JSON_KEY)
            return 0;
        int rc = discover_value(d, &j);
        if (rc < 0)
            return rc == -2 ? -2 : 0;
    }
}

int sl_json_keys_discover(struct sl_json_keys *k, const char *data, size_t n,
                          const struct sl_zone *zone, struct sl_err *err)
{
    assert(k && (data || !n));
    struct discovery d = {.keys = k, .zone = zone, .buf = SL_BUF_INIT};
    const char *p = data, *end = data + n;
    int rc = 0;
    while (p < end && rc == 0) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((eol ? eol : end) - p);
        d.at = p - data + 1;
        rc = is_row(&d, p, len);
        if (rc == 1)
            rc = discover_line(&d, p, len);
        p = eol ? eol + 1 : end;
    }
    if (rc == -2)
        rc = sl_err_nomem(err, "reading JSON");
    sl_buf_release(&d.buf);
    return rc;
}

/* ---- columns ---- */

int sl_text_json_full(const struct sl_text_reader *r)
{
    return r->ncolumns - (r->keys->rest >= 0) >= r->o.max_columns;
}

static int is_in(const struct sl_schema *s, const char *name)
{
    return s && sl_schema_lookup(s, name, strlen(name), NULL) >= 0;
}

/* How many columns there are whatever the sample holds: those given, and those declared. */
static int count_given(const struct sl_text_reader *r)
{
    int n = r->fixed ? r->fixed->nfields - (sl_rest_column(r->fixed) >= 0) : 0;
    for (int i = 0; r->types && i < r->types->nfields; i++)
        n += !is_in(r->fixed, r->types->fields[i].name);
    return n;
}

/* A path and all that lead to it. The node, or UINT32_MAX. */
static uint32_t add_path(struct sl_json_keys *k, const char *path)
{
    uint32_t node = 0;
    size_t from = 0, len = strlen(path);
    for (size_t i = 1; i < len; i++)
        if (path[i] == '.' && i > from && i + 1 < len) {
            node = sl_json_keys_get(k, node, path + from, i - from);
            if (node == UINT32_MAX)
                return node;
            from = i + 1;
        }
    return sl_json_keys_get(k, node, path + from, len - from);
}

int sl_json_keys_declare(struct sl_json_keys *k, const struct sl_schema *types, struct sl_err *err)
{
    for (int i = 0; types && i < types->nfields; i++) {
        uint32_t node =
            types->fields[i].type.kind == SL_JSONB ? add_path(k, types->fields[i].name) : 0;
        if (node == UINT32_MAX)
            return sl_err_nomem(err, "reading JSON");
        if (node)
            k->nodes[node].whole = 1;
    }
    return 0;
}

int sl_text_json_settle(struct sl_text_reader *r, const char *data, size_t n, const char ***names,
                        struct sl_type **types, int *nf, struct sl_err *err)
{
    assert(r && (data || !n) && names && types && nf);
    sl_text_json_free(r->keys);
    r->keys = sl_json_keys_new();
    if (!r->keys)
        return sl_err_nomem(err, "reading JSON");
    int rest = r->types ? sl_schema_find(r->types, SL_REST, strlen(SL_REST)) : -1;
    if (rest >= 0 && r->types->fields[rest].type.kind != SL_JSONB)
        return sl_err_set(err, SL_EUSAGE,
                          "--types: %s is jsonb, for it holds the keys without a column", SL_REST);
    int rc = sl_json_keys_declare(r->keys, r->types, err);
    if (rc == 0)
        rc = sl_json_keys_discover(r->keys, data, n, r->o.zone, err);
    if (rc < 0)
        return rc;
    *names = sl_calloc(r->keys->n + 1, sizeof **names);
    *types = sl_calloc(r->keys->n + 1, sizeof **types);
    if (!*names || !*types)
        return sl_err_nomem(err, "reading JSON");
    int k = 0, columns = count_given(r);
    for (uint32_t i = 1; i < r->keys->n; i++) {
        const struct sl_json_node *x = &r->keys->nodes[i];
        if (!x->leaf || strcmp(x->path, SL_REST) == 0)
            continue;
        if (!is_in(r->fixed, x->path) && !is_in(r->types, x->path)) {
            if (columns >= r->o.max_columns) {
                r->keys->left |= x->guess.seen != 0;
                continue;
            }
            columns++;
        }
        (*names)[k] = x->path;
        (*types)[k++] = sl_text_guess_type(&x->guess, 0);
        r->zone_assumed |=
            x->guess.zoneless && !r->o.zone && (*types)[k - 1].kind == SL_TIMESTAMPTZ;
    }
    (*names)[k] = SL_REST;
    (*types)[k++] = sl_type_of(SL_JSONB);
    *nf = k;
    return 0;
}

int sl_text_json_columns(struct sl_text_reader *r, struct sl_err *err)
{
    struct sl_json_keys *k = sl_json_keys_new();
    if (!k)
        return sl_err_nomem(err, "reading JSON");
    for (int i = 0; i < r->ncolumns; i++) {
        const char *name = r->schema->fields[i].name;
        if (strcmp(name, SL_REST) == 0 && r->columns[i].type.kind == SL_JSONB) {
            k->rest = i;
            continue;
        }
        uint32_t node = add_path(k, name);
        if (node == UINT32_MAX) {
            sl_text_json_free(k);
            return sl_err_nomem(err, "reading JSON");
        }
        k->nodes[node].column = i;
    }
    int rc = sl_json_keys_declare(k, r->types, err);
    if (rc < 0) {
        sl_text_json_free(k);
        return rc;
    }
    k->left = r->keys ? r->keys->left : 0;
    sl_text_json_free(r->keys);
    r->keys = k;
    r->nfields = r->ncolumns;
    return 0;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * json_read: one JSON object a line to rows of spans.
 *
 * Keys come in the same order line after line, so each key is first compared with the one that
 * followed its predecessor last time. A row in which a key comes twice is bad: one of the values would
 * be lost. A key without a column asks for one (may_grow), or travels in _rest as a member with its dotted path.
 */
#include "arrow/hidden.h"
#include "base/json.h"
#include "base/utf8.h"
#include "text/text_reader.h"

struct sl_json_line {
    const struct sl_text_reader *r;
    struct sl_text_scratch *s;
    const struct sl_json_keys *keys;
    struct sl_json j;
    struct sl_span *out;
    uint32_t stack[SL_JSON_FLATTEN + 1];
    int depth;
    uint32_t last; /* node of the key before, for the guess */
    int unknown;   /* a key without a column was seen, */
    int is_full;   /* and no further column may be */
    const char *reason;
    struct sl_err err;
};

enum { OK = 0, BAD = -1, NOMEM = -2 };

static int fail(struct sl_json_line *l, const char *reason)
{
    l->reason = reason;
    return BAD;
}

/* s.buf2 collects the members of _rest. */
static void add_rest(struct sl_json_line *l, uint32_t parent, const char *key, size_t key_len,
                     const char *raw, size_t len)
{
    struct sl_buf *b = &l->s->buf2;
    const struct sl_json_node *up = &l->keys->nodes[parent];
    sl_buf_addch(b, b->len ? ',' : '{');
    if (up->len) {
        struct sl_buf path = SL_BUF_INIT;
        sl_buf_add(&path, up->path, up->len);
        sl_buf_addch(&path, '.');
        sl_buf_add(&path, key, key_len);
        sl_buf_add_json(b, path.data ? path.data : "", path.len);
        b->failed |= path.failed;
        sl_buf_release(&path);
    } else {
        sl_buf_add_json(b, key, key_len);
    }
    sl_buf_addch(b, ':');
    sl_buf_add(b, raw, len);
}

/* Bytes that live as long as the chunk, with slack behind. */
static const char *keep(struct sl_json_line *l, const char *p, size_t n)
{
    char *copy = sl_arena_alloc(&l->s->arena, n + 16);
    if (copy)
        memcpy(copy, p, n);
    return copy;
}

static int set_string(struct sl_json_line *l, struct sl_span *out, const struct sl_type *type)
{
    const struct sl_json *j = &l->j;
    if (type->kind == SL_JSONB) {
        *out = (struct sl_span){j->text - 1, (uint32_t)j->len + 2, SL_SPAN_NESTED};
        return OK;
    }
    *out = (struct sl_span){j->text, (uint32_t)j->len, SL_SPAN_STRING};
    if (!j->escaped)
        return OK;
    struct sl_buf *b = &l->s->buf;
    sl_buf_reset(b);
    int rc = sl_json_unescape(j->text, j->len, b, &l->err);
    if (rc < 0)
        return rc == -SL_ENOMEM ? NOMEM : fail(l, l->err.what);
    out->p = keep(l, b->data ? b->data : "", b->len);
    out->len = (uint32_t)b->len;
    return out->p ? OK : NOMEM;
}

/* The value whose first token is t, as the value of a column, or of _rest (column < 0). */
static int take_value(struct sl_json_line *l, int t, int column, uint32_t parent, const char *key,
                      size_t key_len)
{
    struct sl_json *j = &l->j;
    const char *raw = j->text;
    size_t len = j->len;
    int nested = t == SL_JSON_OBJECT || t == SL_JSON_ARRAY;
    if (nested && sl_json_skip(j, &raw, &len, &l->err) < 0)
        return fail(l, l->err.what);
    if (column < 0) {
        if (t == SL_JSON_NULL)
            return OK; /* the same as missing */
        if (t == SL_JSON_STRING) {
            raw--;
            len += 2;
        }
        l->unknown = 1;
        if (l->is_full && sl_json_keys_usable(l->keys, parent, key, key_len))
            atomic_store(&l->r->keys->left, 1);
        add_rest(l, parent, key, key_len, raw, len);
        return l->s->buf2.failed ? NOMEM : OK;
    }
    struct sl_span *out = &l->out[column];
    uint8_t *seen = &l->r->columns[column].seen;
    if (SL_UNLIKELY(!__atomic_load_n(seen, __ATOMIC_RELAXED)))
        __atomic_store_n(seen, 1, __ATOMIC_RELAXED);
    const struct sl_type *type = &l->r->columns[column].type;
    if (!(out->flags & SL_SPAN_UNSET)) {
        sl_err_set(&l->err, SL_EROW, "the key '%s' comes twice", l->r->schema->fields[column].name);
        return fail(l, l->err.what);
    }
    if (t == SL_JSON_STRING)
        return set_string(l, out, type);
    if (t == SL_JSON_NULL) {
        *out = (struct sl_span){raw, 0, SL_SPAN_NULL};
        return OK;
    }
    uint32_t flags = nested || type->kind == SL_JSONB ? SL_SPAN_NESTED
                     : t == SL_JSON_NUMBER            ? SL_SPAN_NUMBER
                                                      : SL_SPAN_BOOL;
    *out = (struct sl_span){raw, (uint32_t)len, flags};
    return OK;
}

/* Is the object whose brace was just read empty? */
static int is_empty(const struct sl_json *j)
{
    const char *p = j->p;
    while (p < j->end && (*p == ' ' || *p == '\t'))
        p++;
    return p < j->end && *p == '}';
}

static uint32_t find_key(struct sl_json_line *l, const char *key, size_t len)
{
    const struct sl_json_keys *k = l->keys;
    uint32_t up = l->stack[l->depth], guess = l->s->after[l->last];
    const struct sl_json_node *g = &k->nodes[guess];
    if (guess && g->parent == up) {
        size_t front = k->nodes[up].len ? (size_t)k->nodes[up].len + 1 : 0;
        if (g->len == front + len && memcmp(g->path + front, key, len) == 0) {
            l->last = guess;
            return guess;
        }
    }
    uint32_t node = sl_json_keys_find(k, up, key, len);
    if (node) {
        l->s->after[l->last] = node;
        l->last = node;
    }
    return node;
}

/* The key that was just read, and its value. */
static int take_member(struct sl_json_line *l)
{
    struct sl_json *j = &l->j;
    const char *key = j->text;
    size_t len = j->len;
    struct sl_buf unescaped = SL_BUF_INIT;
    int rc;
    if (j->escaped) {
        if (sl_json_unescape(key, len, &unescaped, &l->err) < 0) {
            rc = fail(l, l->err.what);
            goto out;
        }
        key = unescaped.data ? unescaped.data : "";
        len = unescaped.len;
    }
    uint32_t up = l->stack[l->depth], node = find_key(l, key, len);
    int t = sl_json_next(j, &l->err);
    if (t < 0) {
        rc = fail(l, l->err.what);
        goto out;
    }
    if (t == SL_JSON_OBJECT && node && !l->keys->nodes[node].whole && l->depth < SL_JSON_FLATTEN &&
        !is_empty(j)) {
        l->stack[++l->depth] = node;
        rc = OK;
        goto out;
    }
    rc = take_value(l, t, node ? l->keys->nodes[node].column : -1, up, key, len);
out:
    if (unescaped.failed)
        rc = NOMEM;
    sl_buf_release(&unescaped);
    return rc;
}

static size_t blanks(const char *p, const char *end)
{
    size_t n = 0;
    while (p + n < end && (p[n] == ' ' || p[n] == '\t'))
        n++;
    return n;
}

/* Why the line is no row, of which l->err says that it is no JSON. */
static int fail_at_end(struct sl_json_line *l, const char *end)
{
    const char *p = l->j.p + blanks(l->j.p, end);
    if (l->j.depth && p == end)
        return fail(l, "the object goes on behind the end of its line: it is cut off, or printed "
                       "over several lines; jq -c . makes it one");
    if (l->j.depth || p == end)
        return fail(l, l->err.what);
    if (*p == '{' || *p == '[')
        return fail(l, "two JSON values on a line; one value a line is read (jq -c . makes that)");
    if (*p == ',' && p + 1 + blanks(p + 1, end) == end)
        return fail(l, "a comma ends the line, as between the items of an array; jq -c '.[]' makes "
                       "the items of an array lines");
    return fail(l, "text follows the object; one value a line is read (jq -c . makes that)");
}

static int take_line(struct sl_json_line *l, const char *p, size_t n)
{
    sl_json_init(&l->j, p, n);
    l->depth = 0;
    l->stack[0] = 0;
    l->last = 0;
    sl_buf_reset(&l->s->buf2);
    int t = sl_json_next(&l->j, &l->err);
    if (t < 0)
        return fail(l, l->err.what);
    if (t == SL_JSON_ARRAY)
        return fail(l, "an array, not an object; jq -c '.[]' makes its items lines");
    if (t == SL_JSON_OBJECT && n > 0 && l->j.p + blanks(l->j.p, p + n) == p + n)
        return fail(l, "an object goes over several lines; jq -c . makes it one");
    if (t != SL_JSON_OBJECT)
        return fail(l, "not a JSON object");
    for (;;) {
        t = sl_json_next(&l->j, &l->err);
        if (t < 0)
            return fail_at_end(l, p + n);
        if (t == SL_JSON_END)
            break;
        if (t == SL_JSON_OBJECT_END) {
            if (l->depth > 0) {
                l->last = l->stack[l->depth];
                l->depth--;
            }
            continue;
        }
        assert(t == SL_JSON_KEY);
        int rc = take_member(l);
        if (rc < 0)
            return rc;
    }
    struct sl_buf *rest = &l->s->buf2;
    if (rest->len && l->keys->rest >= 0) {
        sl_buf_addch(rest, '}');
        const char *copy = rest->failed ? NULL : keep(l, rest->data, rest->len);
        if (!copy)
            return NOMEM;
        l->out[l->keys->rest] = (struct sl_span){copy, (uint32_t)rest->len, SL_SPAN_NESTED};
    }
    return OK;
}

/* The schema with the keys of the chunk that it lacks, before _rest. */
static int widen_keys(const struct sl_text_reader *r, const struct sl_text_chunk *chunk,
                      struct sl_schema **wider, struct sl_err *err)
{
    struct sl_json_keys *k = sl_json_keys_new();
    struct sl_schema *s = sl_schema_new();
    const int most = SL_MIN(r->o.max_columns, SL_TEXT_COLUMNS_MAX - 1);
    int rc = k && s ? 0 : sl_err_nomem(err, "a schema");
    if (rc == 0)
        rc = sl_json_keys_declare(k, r->types, err);
    if (rc == 0)
        rc = sl_json_keys_discover(k, chunk->data, chunk->n, r->o.zone, err);
    for (int i = 0; rc == 0 && i < r->ncolumns; i++)
        if (i != r->keys->rest)
            rc = sl_schema_add(s, r->schema->fields[i].name, strlen(r->schema->fields[i].name),
                               r->schema->fields[i].type, err);
    for (uint32_t i = 1; rc == 0 && i < k->n; i++) {
        const struct sl_json_node *x = &k->nodes[i];
        if (x->leaf && x->guess.seen && strcmp(x->path, SL_REST) != 0 &&
            sl_schema_find(s, x->path, x->len) < 0 && s->nfields < most)
            rc = sl_schema_add(s, x->path, x->len, sl_text_guess_type(&x->guess, 0), err);
    }
    if (rc == 0 && r->keys->rest >= 0)
        rc = sl_schema_add(s, SL_REST, strlen(SL_REST), sl_type_of(SL_JSONB), err);
    for (int i = 0; rc == 0 && i < r->schema->nmeta; i++)
        rc = sl_schema_set_meta(s, r->schema->meta[i].key, r->schema->meta[i].value);
    if (rc == 0 && s->nfields == r->ncolumns) { /* nothing that can be a column */
        sl_schema_unref(s);
        s = NULL;
    }
    sl_text_json_free(k);
    if (rc < 0) {
        sl_schema_unref(s);
        return rc;
    }
    *wider = s;
    return s ? SL_TEXT_WIDEN : SL_TEXT_OK;
}

static int prepare(const struct sl_text_reader *r, struct sl_text_scratch *s, struct sl_err *err)
{
    sl_arena_release(&s->arena);
    sl_arena_init(&s->arena);
    size_t had = s->cap_after;
    int rc = SL_GROW(s->after, r->keys->n, s->cap_after, "reading JSON", err);
    if (s->cap_after > had)
        memset(s->after, 0, s->cap_after * sizeof *s->after);
    return rc;
}

static int split_json(const struct sl_text_reader *r SL_UNUSED, struct sl_text_scratch *s,
                      const char *p, size_t n, struct sl_span *out, const char **reason,
                      struct sl_err *err)
{
    struct sl_json_line *l = s->line;
    l->out = out;
    int rc = take_line(l, p, n);
    *reason = l->reason;
    return rc == NOMEM ? sl_err_nomem(err, "reading JSON") : rc == OK;
}

int sl_text_json_rows(const struct sl_text_reader *r, struct sl_text_scratch *s,
                      const struct sl_text_chunk *chunk, struct sl_text_rows *rows,
                      struct sl_reject_list *rejects, struct sl_schema **wider, struct sl_err *err)
{
    assert(r && s && chunk && rows && rejects);
    assert(r->nfields == r->ncolumns);
    struct sl_json_line l = {
        .r = r, .s = s, .keys = r->keys, .is_full = sl_text_json_full(r) && r->keys->rest >= 0};
    int rc = prepare(r, s, err);
    s->line = &l;
    if (rc >= 0)
        rc = sl_text_split_rows(r, s, chunk, split_json, rows, rejects, err);
    s->line = NULL;
    if (rc >= 0 && l.unknown && !l.is_full && r->o.may_grow && wider)
        rc = widen_keys(r, chunk, wider, err);
    return rc;
}

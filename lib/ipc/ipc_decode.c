/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc_decode: the decoder of one stream: its schema, its dictionaries, its batches.
 *
 * A batch's columns are LAZY: each holds the batch's tables (shared), its place in them, and the
 * dictionary as it stood. Only columns whose nested types hold dictionaries are decoded at once,
 * because what they need is the state of the whole stream.
 */
#include "base/crc32c.h"
#include "ipc/ipc_int.h"

struct entry {
    int64_t id;
    struct sl_foreign *f; /* of a field with this id, borrowed from the plan */
    struct sl_ipc_dict *dict;
};

struct plan { /* a column of the schema */
    struct sl_foreign *f;
    int inner; /* dictionaries below the top */
};

struct sl_ipc_decoder {
    struct sl_account *account;
    struct sl_schema *schema;
    struct plan *plans;
    int nplans;
    struct entry *entries;
    size_t nentries, cap_entries;
};

enum { FIELDS_MAX = 2 * SL_COLUMNS_MAX }; /* those within columns counted */

struct sl_ipc_decoder *sl_ipc_decoder_new(struct sl_account *account)
{
    struct sl_ipc_decoder *d = sl_calloc(1, sizeof *d);
    if (d)
        d->account = account;
    return d;
}

void sl_ipc_decoder_free(struct sl_ipc_decoder *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->nentries; i++)
        sl_ipc_dict_unref(d->entries[i].dict);
    for (int i = 0; i < d->nplans; i++)
        sl_foreign_unref(d->plans[i].f);
    sl_schema_unref(d->schema);
    free(d->entries);
    free(d->plans);
    free(d);
}

struct sl_schema *sl_ipc_decoder_get_schema(struct sl_ipc_decoder *d)
{
    return d->schema;
}

int sl_ipc_decoder_code(const struct sl_ipc_decoder *d, int column)
{
    assert(column >= 0);
    assert(column >= 0 && column < d->nplans);
    return d->plans[column].f->index_bits / 8;
}

/* The code of what was told in e, for failures of functions that answer none. */
static int told(int rc, const struct sl_err *e)
{
    return rc >= 0 ? 0 : e && e->code ? -(int)e->code : -SL_EFORMAT;
}

/* ---- dictionaries ---- */

static struct entry *find_entry(struct sl_ipc_decoder *d, int64_t id)
{
    size_t low = 0, high = d->nentries; /* sorted by id */
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (d->entries[mid].id == id)
            return &d->entries[mid];
        if (d->entries[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static struct sl_ipc_dict *find_dict(void *arg, int64_t id)
{
    struct entry *e = find_entry(arg, id);
    return e ? e->dict : NULL;
}

static int compare_entries(const void *a, const void *b)
{
    int64_t x = ((const struct entry *)a)->id, y = ((const struct entry *)b)->id;
    return (x > y) - (x < y);
}

/* Lists every dictionary field of the tree; 1 if there is one below f itself. */
static int collect(struct sl_ipc_decoder *d, struct sl_foreign *f, int *inner, struct sl_err *err)
{
    if (f->index_bits) {
        int rc = SL_GROW(d->entries, d->nentries + 1, d->cap_entries, "a schema", err);
        if (rc < 0)
            return rc;
        d->entries[d->nentries++] = (struct entry){.id = f->dict_id, .f = f};
    }
    for (int i = 0; i < f->nchildren; i++) {
        *inner |= f->children[i]->index_bits != 0;
        int rc = collect(d, f->children[i], inner, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* One entry an id; fields that share one must agree on the type. */
static int index_entries(struct sl_ipc_decoder *d, struct sl_err *err)
{
    size_t kept = 0;
    if (!d->nentries)
        return 0;
    qsort(d->entries, d->nentries, sizeof *d->entries, compare_entries);
    for (size_t i = 0; i < d->nentries; i++) {
        if (kept && d->entries[kept - 1].id == d->entries[i].id) {
            if (!sl_foreign_equal(d->entries[kept - 1].f, d->entries[i].f))
                return sl_ipc_malformed(err, "two columns of different types share a dictionary");
            continue;
        }
        d->entries[kept++] = d->entries[i];
    }
    d->nentries = kept;
    return 0;
}

int sl_ipc_decoder_dictionary(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                              struct sl_err *err)
{
    assert(m && m->kind == SL_IPC_DICTIONARY);
    assert(m->kind == SL_IPC_DICTIONARY);
    struct sl_fb fb;
    struct sl_fb_table message, head;
    struct sl_err local = {0};
    err = err ? err : &local;
    sl_err_init(err);
    int rc = sl_ipc_open_message(m, HEADER_DICTIONARY, &fb, &message, &head, err);
    if (rc < 0)
        return rc;
    if (!d->schema)
        return sl_ipc_malformed(err, "a dictionary before the schema");
    struct entry *e = find_entry(d, sl_fb_scalar(&head, FB_DICTBATCH_ID, 8, 0));
    int delta = sl_fb_scalar(&head, FB_DICTBATCH_DELTA, 1, 0) != 0;
    struct sl_fb_table batch = sl_fb_get(&head, FB_DICTBATCH_DATA);
    if (fb.bad || !batch.pos)
        return sl_ipc_malformed(err, "its metadata is damaged");
    if (!e)
        return sl_ipc_malformed(err, "a dictionary that no column uses");
    struct sl_ipc_body *body = sl_ipc_body_new(m, &batch, d->account, err);
    if (!body)
        return told(-1, err);
    struct sl_ipc_dict *dict = sl_ipc_dict_new(body, e->f, err), *longer = NULL;
    struct sl_ipc_cursor c = {.body = body};
    const struct sl_ipc_dicts dicts = {find_dict, d};
    int inner = 0;
    rc = dict ? sl_ipc_skip(&c, e->f, 0, err) : -SL_ENOMEM;
    for (int i = 0; i < e->f->nchildren; i++)
        inner |= e->f->children[i]->nchildren || e->f->children[i]->index_bits;
    if (rc == 0 && (size_t)body->rows != (size_t)body->nodes[0].length)
        rc = sl_ipc_malformed(err, "a dictionary's length is not its column's");
    if (rc == 0 && inner) /* what is nested may need other dictionaries as they stand now */
        rc = sl_ipc_dict_load(dict, &dicts, err);
    if (rc == 0 && delta && e->dict) {
        longer = sl_ipc_dict_extend(e->dict, dict, err);
        rc = longer ? 0 : -SL_EFORMAT;
    }
    if (rc == 0) {
        sl_ipc_dict_unref(e->dict);
        e->dict = longer ? longer : sl_ipc_dict_ref(dict);
    }
    sl_ipc_dict_unref(dict);
    sl_ipc_body_unref(body);
    return told(rc, err);
}

static int needs_dictionary(const struct sl_foreign *f, int64_t id)
{
    int needs = f->index_bits && f->dict_id == id;
    for (int i = 0; i < f->nchildren && !needs; i++)
        needs = needs_dictionary(f->children[i], id);
    return needs;
}

static int is_asked_for(const uint8_t *columns, int i)
{
    return !columns || sl_bit(columns, (size_t)i);
}

int sl_ipc_decoder_dictionary_column(const struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                                     const uint8_t *columns)
{
    assert(d && m);
    struct sl_fb fb;
    struct sl_fb_table message, head;
    struct sl_err ignored = SL_ERR_INIT;
    int i = 0;
    if (sl_ipc_open_message(m, HEADER_DICTIONARY, &fb, &message, &head, &ignored) < 0)
        return 0; /* who takes the dictionary says what is wrong with it */
    int64_t id = sl_fb_scalar(&head, FB_DICTBATCH_ID, 8, 0);
    while (i < d->nplans && !(is_asked_for(columns, i) && needs_dictionary(d->plans[i].f, id)))
        i++;
    return i;
}

/* ---- schema ---- */

static int add_column(struct sl_ipc_decoder *d, const struct sl_fb_table *field,
                      struct sl_ipc_budget *budget, struct sl_err *err)
{
    struct sl_foreign *f = sl_ipc_read_field(field, 0, budget, err);
    if (!f)
        return -SL_EFORMAT;
    struct plan *p = &d->plans[d->nplans++];
    p->f = f;
    int rc = collect(d, f, &p->inner, err);
    if (rc == 0)
        rc = sl_schema_add(d->schema, f->name, strlen(f->name), sl_ipc_type_of(f), err);
    return rc;
}

static int read_schema_meta(struct sl_ipc_decoder *d, const struct sl_fb_table *head,
                            struct sl_ipc_budget *budget, struct sl_err *err)
{
    struct sl_foreign_pair *pairs;
    int n, rc = sl_ipc_read_pairs(head, FB_SCHEMA_META, budget, &pairs, &n, err);
    for (int i = 0; i < n; i++) {
        const struct sl_foreign_pair *p = &pairs[i];
        if (rc == 0 && !memchr(p->key, 0, p->key_len) && !memchr(p->value, 0, p->value_len) &&
            sl_schema_set_meta(d->schema, p->key, p->value) < 0)
            rc = sl_err_nomem(err, "a schema");
    }
    for (int i = 0; i < n; i++) {
        free(pairs[i].key);
        free(pairs[i].value);
    }
    free(pairs);
    return rc;
}

int sl_ipc_decoder_schema(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                          struct sl_err *err)
{
    assert(m && m->kind == SL_IPC_SCHEMA);
    assert(m->kind == SL_IPC_SCHEMA);
    struct sl_fb fb;
    struct sl_fb_table message, head;
    struct sl_ipc_budget budget = {.fields = FIELDS_MAX, .bytes = SL_IPC_META_MAX};
    struct sl_err local = {0};
    err = err ? err : &local;
    sl_err_init(err);
    int rc = sl_ipc_open_message(m, HEADER_SCHEMA, &fb, &message, &head, err);
    if (rc < 0)
        return rc;
    if (d->schema)
        return sl_ipc_malformed(err, "a second schema in one stream");
    if (sl_fb_scalar(&head, FB_SCHEMA_ENDIAN, 2, 0) != 0)
        return sl_err_set(err, SL_EUNSUPPORTED, "the Arrow stream is big-endian");
    struct sl_fb_vector fields = sl_fb_vector(&head, FB_SCHEMA_FIELDS, 4);
    if (fb.bad)
        return sl_ipc_malformed(err, "its metadata is damaged");
    if (fields.n > SL_COLUMNS_MAX)
        return sl_ipc_malformed(err, "it has more than 65,536 columns");
    d->schema = sl_schema_new();
    d->plans = sl_calloc(fields.n + 1, sizeof *d->plans);
    if (!d->schema || !d->plans)
        return sl_err_nomem(err, "a schema");
    for (size_t i = 0; i < fields.n && rc == 0; i++) {
        struct sl_fb_table field = sl_fb_vector_table(&fields, i);
        rc = add_column(d, &field, &budget, err);
    }
    if (rc == 0)
        rc = index_entries(d, err);
    if (rc == 0)
        rc = read_schema_meta(d, &head, &budget, err);
    if (rc == 0 && fb.bad)
        rc = sl_ipc_malformed(err, "its metadata is damaged");
    return told(rc, err);
}

/* ---- batches ---- */

struct lazy { /* a column not yet decoded */
    struct sl_lazy base;
    struct sl_ipc_body *body;
    struct sl_ipc_cursor at;
    struct sl_foreign *f;
    struct sl_ipc_dict *dict;
};

static void lazy_free(struct sl_lazy *base)
{
    struct lazy *l = (struct lazy *)base;
    sl_ipc_body_unref(l->body);
    sl_ipc_dict_unref(l->dict);
    sl_foreign_unref(l->f);
    free(l);
}

/* The loaded column of the given type. */
static struct sl_column *load(struct sl_ipc_cursor *c, struct sl_foreign *f, struct sl_type type,
                              struct sl_ipc_dict *dict, const struct sl_ipc_dicts *dicts,
                              struct sl_err *err)
{
    if (f->index_bits)
        return sl_ipc_load_dict(c, f, type, dict, err);
    struct sl_column *raw = sl_ipc_load(c, f, 1, dicts, err);
    return raw ? sl_ipc_convert(raw, type, c->body->account, err) : NULL;
}

/* Moves what from holds into c. */
static void move_column(struct sl_column *c, struct sl_column *from)
{
    c->form = from->form;
    c->valid = from->valid;
    c->data = from->data;
    c->offsets = from->offsets;
    c->dict = from->dict;
    c->children = from->children;
    c->nchildren = from->nchildren;
    memcpy(c->owner, from->owner, sizeof c->owner);
    memset(from->owner, 0, sizeof from->owner);
    from->dict = NULL;
    from->children = NULL;
    from->nchildren = 0;
    sl_column_unref(from);
}

static int lazy_load(struct sl_lazy *base, struct sl_column *c, struct sl_err *err)
{
    struct lazy *l = (struct lazy *)base;
    struct sl_ipc_cursor at = l->at;
    struct sl_err local = {0};
    struct sl_err *e = err ? err : &local;
    sl_err_init(e);
    struct sl_column *got = load(&at, l->f, c->type, l->dict, NULL, e);
    if (!got) {
        sl_err_place(e, "column %.200s", l->f->name);
        return told(-1, e);
    }
    assert(got->rows == c->rows);
    move_column(c, got);
    return 0;
}

static struct sl_column *make_lazy(struct sl_ipc_decoder *d, int i, const struct sl_ipc_cursor *at,
                                   struct sl_ipc_body *body, struct sl_err *err)
{
    const struct plan *p = &d->plans[i];
    struct sl_column *c = sl_column_new(d->schema->fields[i].type, (size_t)body->rows);
    struct lazy *l = c ? sl_calloc(1, sizeof *l) : NULL;
    if (!l) {
        sl_column_unref(c);
        sl_err_nomem(err, "a batch");
        return NULL;
    }
    l->base = (struct sl_lazy){lazy_load, lazy_free};
    atomic_fetch_add_explicit(&body->refs, 1, memory_order_relaxed);
    l->body = body;
    l->at = *at;
    l->f = sl_foreign_ref(p->f);
    if (p->f->index_bits)
        l->dict = sl_ipc_dict_ref(find_entry(d, p->f->dict_id)->dict);
    c->form = SL_LAZY;
    c->lazy = &l->base;
    return c;
}

static int add_batch_column(struct sl_ipc_decoder *d, int i, int wanted, struct sl_ipc_cursor *c,
                            struct sl_ipc_body *body, struct sl_batch *b, struct sl_err *err)
{
    const struct plan *p = &d->plans[i];
    struct sl_ipc_cursor at = *c;
    int rc = sl_ipc_skip(c, p->f, p->f->index_bits != 0, err);
    if (rc < 0)
        return rc;
    if (!wanted) {
        b->columns[i] = sl_column_nulls(d->schema->fields[i].type, b->rows, err);
        return b->columns[i] ? 0 : -SL_EFAIL;
    }
    if (body->nodes[at.node].length != body->rows)
        return sl_ipc_malformed(err, "a column's length is not the batch's");
    if (p->f->index_bits && !find_entry(d, p->f->dict_id)->dict) {
        rc = sl_ipc_malformed(err, "a record batch comes before its dictionary");
        return err ? sl_err_hint(err, "in a file dictionaries may come last: write it as a stream")
                   : rc;
    }
    if (p->inner) {
        const struct sl_ipc_dicts dicts = {find_dict, d};
        struct sl_ipc_dict *dict = p->f->index_bits ? find_entry(d, p->f->dict_id)->dict : NULL;
        b->columns[i] = load(&at, p->f, d->schema->fields[i].type, dict, &dicts, err);
    } else {
        b->columns[i] = make_lazy(d, i, &at, body, err);
    }
    return b->columns[i] ? 0 : -SL_EFAIL;
}

/* The tables of a record batch message. */
static struct sl_ipc_body *open_batch(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                                      struct sl_err *err)
{
    struct sl_fb fb;
    struct sl_fb_table message, head;
    if (sl_ipc_open_message(m, HEADER_BATCH, &fb, &message, &head, err) < 0)
        return NULL;
    if (!d->schema) {
        sl_ipc_malformed(err, "a record batch before the schema");
        return NULL;
    }
    return sl_ipc_body_new(m, &head, d->account, err);
}

int sl_ipc_decoder_batch(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                         struct sl_batch **out, struct sl_err *err)
{
    assert(d && m && out);
    return sl_ipc_decoder_columns(d, m, NULL, out, err);
}

int sl_ipc_decoder_columns(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                           const uint8_t *columns, struct sl_batch **out, struct sl_err *err)
{
    assert(m && out);
    assert(m->kind == SL_IPC_BATCH);
    struct sl_err local = {0};
    struct sl_err *e = err ? err : &local;
    sl_err_init(e);
    struct sl_ipc_body *body = open_batch(d, m, e);
    struct sl_batch *b = body ? sl_batch_new(d->schema, (size_t)body->rows) : NULL;
    struct sl_ipc_cursor c = {.body = body};
    int rc = b ? 0 : -1;
    if (body && !b)
        sl_err_nomem(e, "a batch");
    for (int i = 0; i < d->nplans && rc == 0; i++)
        rc = add_batch_column(d, i, is_asked_for(columns, i), &c, body, b, e);
    if (rc == 0 && (c.node != body->nnodes || c.span != body->nspans))
        rc = sl_ipc_malformed(e, "it has more columns or buffers than its schema");
    sl_ipc_body_unref(body);
    if (rc < 0) {
        sl_batch_unref(b);
        return told(rc, e);
    }
    *out = b;
    return 0;
}

/* Calls fn with each column's buffers in the body. */
static int each_column(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                       void (*fn)(void *arg, int column, const struct sl_ipc_body *body,
                                  const struct sl_ipc_span *spans, size_t n),
                       void *arg, struct sl_err *err)
{
    struct sl_err local = {0};
    err = err ? err : &local;
    sl_err_init(err);
    struct sl_ipc_body *body = open_batch(d, m, err);
    struct sl_ipc_cursor c = {.body = body};
    int rc = body ? 0 : -1;
    for (int i = 0; i < d->nplans && rc == 0; i++) {
        size_t first = c.span;
        rc = sl_ipc_skip(&c, d->plans[i].f, d->plans[i].f->index_bits != 0, err);
        if (rc == 0)
            fn(arg, i, body, body->spans + first, c.span - first);
    }
    sl_ipc_body_unref(body);
    return told(rc, err);
}

struct crcs {
    const uint8_t *columns;
    uint32_t *crc;
};

static void add_crc(void *arg, int column, const struct sl_ipc_body *body,
                    const struct sl_ipc_span *spans, size_t n)
{
    const struct crcs *c = arg;
    uint32_t sum = 0;
    for (size_t i = 0; i < n && is_asked_for(c->columns, column); i++)
        sum = sl_crc32c(sum, body->data + spans[i].offset, (size_t)spans[i].length);
    c->crc[column] = sum;
}

int sl_ipc_column_crcs(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                       const uint8_t *columns, uint32_t *crc, struct sl_err *err)
{
    assert(d && m && crc);
    return each_column(d, m, add_crc, &(struct crcs){columns, crc}, err);
}

static void add_bytes(void *arg, int column, const struct sl_ipc_body *body,
                      const struct sl_ipc_span *spans, size_t n)
{
    int64_t *bytes = arg;
    (void)body;
    for (size_t i = 0; i < n; i++)
        bytes[column] += spans[i].length;
}

int sl_ipc_column_bytes(struct sl_ipc_decoder *d, const struct sl_ipc_message *m, int64_t *bytes,
                        struct sl_err *err)
{
    assert(d && m && bytes);
    return each_column(d, m, add_bytes, bytes, err);
}

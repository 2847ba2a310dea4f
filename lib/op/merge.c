/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * merge: several inputs as one, under a schema that has the columns of all.
 *
 * Never by arrival: where every input has the same time column, rows come in the order of (event time,
 * input), as far as each input is in order of time itself; else one input comes after the other. Where an
 * input has no end neither can be, and rows pass as they come: what depends on their order then, goes by
 * columns of theirs.
 *
 * In order of time it wants a batch of the first input that has none. It holds one of each, and more where
 * the loop had some under way: a barrier brings them all. Short runs of rows from one input are copied together, long ones are handed on as slices.
 */
#include "arrow/builder.h"
#include "arrow/hidden.h"
#include "op/ops.h"
#include "op/registry.h"
#include "state/store.h"

enum { LONG_RUN = 1024, MERGED_ROWS = 16384 };

struct side { /* an input */
    char *name;
    struct sl_schema *schema;
    struct sl_batch *batch;   /* of the schema that comes out; NULL: it has none */
    size_t at;                /* its next row, among the selected */
    struct sl_batch **behind; /* those that came before they were asked for, in their order */
    size_t nbehind, cap;
    int ended;
};

struct merge {
    struct sl_op op;
    enum { IN_TIME, IN_TURN, AS_THEY_COME } order;
    int n;
    struct side *sides;
    struct sl_schema *schema;
    int time; /* index of the time column, -1: none */
    struct sl_builder *builders;
    size_t built;
    int64_t held;
};

static void drop_schema(struct merge *m)
{
    for (int i = 0; m->builders && i < m->schema->nfields; i++)
        sl_builder_release(&m->builders[i]);
    free(m->builders);
    m->builders = NULL;
    sl_schema_unref(m->schema);
    m->schema = NULL;
}

/* ---- the schema of all ---- */

static int refuse_types(const struct merge *m, int input, const struct sl_field *have,
                        const struct sl_field *want, struct sl_err *err)
{
    assert(input >= 0 && input < m->n);
    char a[SL_TYPE_NAME], b[SL_TYPE_NAME];
    sl_err_set(err, SL_ESCHEMA, "column %s is %s in %s, and %s before", have->name,
               sl_type_name(have->type, a), m->sides[input].name, sl_type_name(want->type, b));
    return sl_err_hint(err, "give text one type with --types, or cast a log with transform first");
}

/* What ranks the rows of one input does not rank those of several. Where rows come in an order that is
 * theirs, it is that order that ranks them, and these columns end here. */
static int ends_here(const struct merge *m, const struct sl_schema *s, int i)
{
    return m->order != AS_THEY_COME && sl_hidden_is(s, i) &&
           strcmp(s->fields[i].name, SL_HIDDEN_WM) != 0;
}

static int follow_order(const struct merge *m, struct sl_schema *s)
{
    const char *says = NULL;
    for (int i = 0; m->order == AS_THEY_COME && i < m->n && !says; i++)
        says = sl_schema_meta(m->sides[i].schema, SL_META_ORDER);
    return sl_schema_set_meta(s, SL_META_ORDER, says);
}

/* Adds the columns of an input; one that is there already takes the wider type. */
static int add_columns(const struct merge *m, struct sl_schema *s, int input, struct sl_err *err)
{
    const struct sl_schema *in = m->sides[input].schema;
    for (int i = 0; i < in->nfields; i++) {
        const struct sl_field *f = &in->fields[i];
        int at = sl_schema_find(s, f->name, strlen(f->name)), rc = 0;
        if (ends_here(m, in, i))
            continue;
        if (at < 0) {
            rc = sl_schema_add(s, f->name, strlen(f->name), f->type, err);
        } else if (!sl_type_equal(f->type, s->fields[at].type)) {
            struct sl_type wide;
            rc = sl_type_widen(f->type, s->fields[at].type, &wide);
            if (rc < 0 || wide.kind == SL_TEXT)
                return refuse_types(m, input, f, &s->fields[at], err);
            s->fields[at].type = wide;
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* The time column that all have in common, by name; NULL: there is none. */
static const char *common_time(const struct merge *m)
{
    const char *name = NULL;
    for (int i = 0; i < m->n; i++) {
        const char *own = sl_schema_meta(m->sides[i].schema, SL_META_TIME);
        if (!own || (name && strcmp(name, own) != 0))
            return NULL;
        name = own;
    }
    return name;
}

/* The columns of the first input that go on, and what it says of itself. */
static struct sl_schema *first_schema(struct merge *m, struct sl_err *err)
{
    struct sl_schema *in = m->sides[0].schema;
    int ends = 0;
    for (int i = 0; i < in->nfields; i++)
        ends += ends_here(m, in, i);
    struct sl_schema *s = ends ? sl_schema_new() : sl_schema_copy(in);
    int rc = !s ? sl_err_nomem(err, "a schema") : ends ? add_columns(m, s, 0, err) : 0;
    for (int i = 0; rc == 0 && ends && i < in->nmeta; i++)
        if (sl_schema_set_meta(s, in->meta[i].key, in->meta[i].value) < 0)
            rc = sl_err_nomem(err, "a schema");
    if (rc == 0)
        return s;
    sl_schema_unref(s);
    return NULL;
}

static int bind_all(struct merge *m, struct sl_err *err)
{
    static const char *const facts[] = {SL_META_KEY, SL_META_HASH, SL_META_LOG, SL_META_TIME};
    const char *time = common_time(m);
    m->order = m->op.traits & SL_OP_ENDLESS ? AS_THEY_COME : time ? IN_TIME : IN_TURN;
    struct sl_schema *s = first_schema(m, err);
    int rc = s ? 0 : -(int)(err ? err->code : SL_ENOMEM);
    for (int i = 1; rc == 0 && i < m->n; i++)
        rc = add_columns(m, s, i, err);
    for (size_t k = 0; rc == 0 && k < SL_COUNT(facts); k++) /* of one input alone */
        if (sl_schema_set_meta(s, facts[k], NULL) < 0)
            rc = sl_err_nomem(err, "a schema");
    if (rc == 0 && time && sl_schema_set_meta(s, SL_META_TIME, time) < 0)
        rc = sl_err_nomem(err, "a schema");
    if (rc == 0 && follow_order(m, s) < 0)
        rc = sl_err_nomem(err, "a schema");
    drop_schema(m);
    m->schema = s;
    m->time = rc == 0 ? sl_schema_time_index(s) : -1;
    if (rc == 0 && m->order == IN_TIME) {
        m->builders = sl_calloc((size_t)s->nfields, sizeof(*m->builders));
        for (int i = 0; m->builders && i < s->nfields; i++)
            sl_builder_init(&m->builders[i], s->fields[i].type, m->op.account, 1);
        rc = m->builders ? 0 : sl_err_nomem(err, "a merge");
    }
    return rc;
}

static int merge_schema(struct sl_op *op, int input, struct sl_schema *in, struct sl_schema **out,
                        struct sl_err *err)
{
    struct merge *m = (struct merge *)op;
    assert(input >= 0 && input < m->n);
    sl_schema_unref(m->sides[input].schema);
    m->sides[input].schema = sl_schema_ref(in);
    for (int i = 0; i < m->n; i++)
        if (!m->sides[i].schema)
            return 0; /* the last one tells what comes out */
    int rc = bind_all(m, err);
    if (rc == 0 && input == m->n - 1)
        *out = sl_schema_ref(m->schema);
    return rc;
}

/* ---- rows in order of time ---- */

static int emit_built(struct merge *m, struct sl_emit *out, struct sl_err *err)
{
    assert(m->held >= (int64_t)m->built);
    if (!m->built)
        return SL_PUSH_OK;
    struct sl_batch *b = sl_batch_new(m->schema, m->built);
    int rc = b ? 0 : sl_err_nomem(err, "a batch");
    for (int i = 0; rc == 0 && i < m->schema->nfields; i++)
        if (!(b->columns[i] = sl_builder_finish(&m->builders[i], err)))
            rc = -(int)SL_ENOMEM;
    m->held -= (int64_t)m->built;
    m->built = 0;
    if (rc == 0)
        rc = out->emit(out, b, err);
    sl_batch_unref(b);
    return rc;
}

/* By time, then by input. */
static int is_before(const struct merge *m, const struct side *a, const struct side *b)
{
    SL_CHECK_THAT(a->batch && b->batch);
    int order = sl_column_compare(a->batch->columns[m->time], sl_batch_row(a->batch, a->at),
                                  b->batch->columns[m->time], sl_batch_row(b->batch, b->at));
    return order < 0 || (order == 0 && a < b);
}

/* The side whose row is next, and the one after it (NULL: no other has rows). 0: an input is waited for,
 * or none has rows. */
static int least_two(const struct merge *m, struct side **first, struct side **second)
{
    *first = *second = NULL;
    for (int i = 0; i < m->n; i++) {
        struct side *s = &m->sides[i];
        if (!s->batch && !s->ended)
            return 0;
        if (!s->batch)
            continue;
        if (!*first || is_before(m, s, *first)) {
            *second = *first;
            *first = s;
        } else if (!*second || is_before(m, s, *second)) {
            *second = s;
        }
    }
    return *first != NULL;
}

/* Columns of a slice come as they are, whatever their form. */
static int emit_slice(struct merge *m, struct side *s, size_t from, size_t n, struct sl_emit *out,
                      struct sl_err *err)
{
    assert(from <= s->batch->selected && n <= s->batch->selected - from);
    int rc = emit_built(m, out, err);
    if (rc != SL_PUSH_OK)
        return rc;
    struct sl_batch *b = sl_batch_slice(s->batch, from, n, err);
    if (!b)
        return -(int)(err ? err->code : SL_ENOMEM);
    m->held -= (int64_t)n;
    rc = out->emit(out, b, err);
    sl_batch_unref(b);
    return rc;
}

static int copy_rows(struct merge *m, struct side *s, size_t from, size_t n, struct sl_emit *out,
                     struct sl_err *err)
{
    assert(m->builders && from <= s->batch->selected && n <= s->batch->selected - from);
    for (int i = 0; i < m->schema->nfields; i++) {
        struct sl_column *c = s->batch->columns[i];
        int rc = c ? sl_column_load(c, err) : 0;
        if (rc < 0)
            return rc;
        for (size_t k = from; k < from + n; k++) {
            if (c)
                sl_builder_row(&m->builders[i], c, sl_batch_row(s->batch, k));
            else
                sl_builder_null(&m->builders[i]);
        }
    }
    m->built += n;
    return m->built >= MERGED_ROWS ? emit_built(m, out, err) : SL_PUSH_OK;
}

/* All rows of the front batch are gone. */
static void drop_front(struct side *s)
{
    assert(s->batch);
    sl_batch_unref(s->batch);
    s->batch = s->nbehind ? s->behind[0] : NULL;
    s->at = 0;
    if (s->nbehind)
        memmove(s->behind, s->behind + 1, --s->nbehind * sizeof(*s->behind));
}

/* Lets go of the rows before which nothing can come any more. */
static int let_go(struct merge *m, struct sl_emit *out, struct sl_err *err)
{
    assert(m->order == IN_TIME);
    struct side *first, *second;
    int rc = SL_PUSH_OK;
    while (rc == SL_PUSH_OK && least_two(m, &first, &second)) {
        size_t from = first->at, end = first->batch->selected;
        do
            first->at++;
        while (first->at < end && (!second || is_before(m, first, second)));
        size_t n = first->at - from;
        rc = n >= LONG_RUN ? emit_slice(m, first, from, n, out, err)
                           : copy_rows(m, first, from, n, out, err);
        if (first->at == end)
            drop_front(first);
    }
    return rc;
}

/* ---- the operator's calls ---- */

/* Puts a batch behind those that an input has; consumes it. */
static int keep(struct merge *m, struct side *s, struct sl_batch *b, struct sl_err *err)
{
    assert(m->time >= 0 && b->selected > 0);
    int rc = sl_column_load(b->columns[m->time], err);
    if (rc >= 0 && s->batch)
        rc = SL_GROW(s->behind, s->nbehind + 1, s->cap, "a merge", err);
    if (rc < 0) {
        sl_batch_unref(b);
        return rc;
    }
    if (s->batch) {
        s->behind[s->nbehind++] = b;
    } else {
        s->batch = b;
        s->at = 0;
    }
    m->held += (int64_t)b->selected;
    return 0;
}

static int take(struct merge *m, int input, struct sl_batch *b, struct sl_emit *out,
                struct sl_err *err)
{
    struct side *s = &m->sides[input];
    struct sl_batch *cast = sl_batch_cast(b, m->schema, err);
    if (!cast)
        return -(int)(err ? err->code : SL_ENOMEM);
    if (m->order != IN_TIME) {
        int rc = out->emit(out, cast, err);
        sl_batch_unref(cast);
        return rc;
    }
    int rc = keep(m, s, cast, err);
    return rc < 0 ? rc : let_go(m, out, err);
}

static int merge_push(struct sl_op *op, int input, struct sl_batch *batch,
                      enum sl_directive directive, struct sl_emit *out, struct sl_err *err)
{
    struct merge *m = (struct merge *)op;
    assert(m->schema && input < m->n && !m->sides[input].ended);
    int rc = batch && batch->selected ? take(m, input, batch, out, err) : SL_PUSH_OK;
    if (directive == SL_END && rc == SL_PUSH_OK) {
        m->sides[input].ended = 1;
        if (m->order == IN_TIME)
            rc = let_go(m, out, err);
    }
    return directive != SL_MORE && rc == SL_PUSH_OK ? emit_built(m, out, err) : rc;
}

/* In order of time rows are held back, and the end tells what their watermark would: such inputs have
 * ends. */
static int merge_watermark(struct sl_op *op, int64_t watermark, struct sl_emit *out,
                           struct sl_err *err)
{
    struct merge *m = (struct merge *)op;
    assert(m->schema);
    return m->order == IN_TIME ? SL_PUSH_OK : out->watermark(out, watermark, err);
}

static int merge_next_input(const struct sl_op *op)
{
    const struct merge *m = (const struct merge *)op;
    assert(m->schema);
    for (int i = 0; m->order != AS_THEY_COME && i < m->n; i++)
        if (!m->sides[i].ended && !m->sides[i].batch)
            return i;
    return -1;
}

static void merge_needs(const struct sl_op *op, int input, const uint8_t *out, uint8_t *in)
{
    const struct merge *m = (const struct merge *)op;
    assert(m->schema && input >= 0 && input < m->n);
    const struct sl_schema *s = m->sides[input].schema;
    for (int i = 0; i < s->nfields; i++) {
        int at = sl_schema_find(m->schema, s->fields[i].name, strlen(s->fields[i].name));
        if ((out && at >= 0 && sl_bit(out, (size_t)at)) || (m->order == IN_TIME && at == m->time))
            sl_bit_set(in, (size_t)i);
    }
}

static void table_of(int input, char name[32])
{
    snprintf(name, 32, "input%d", input);
}

static int save_rows(struct merge *m, const char *table, struct sl_batch *b, size_t from,
                     struct sl_store *store, struct sl_err *err)
{
    struct sl_batch *rest = sl_batch_slice(b, from, b->selected - from, err);
    struct sl_batch *plain = rest ? sl_batch_compact(rest, m->op.account, err) : NULL;
    int rc = plain ? sl_state_put_rows(store, table, plain, err) : -(int)SL_ENOMEM;
    sl_batch_unref(rest);
    sl_batch_unref(plain);
    return rc;
}

/* State: of each input the rows that are held. Those that were copied together are out: a BARRIER lets
 * them go. */
static int merge_save(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    struct merge *m = (struct merge *)op;
    char name[32];
    int rc = 0;
    assert(!m->built);
    for (int i = 0; rc >= 0 && i < m->n; i++) {
        struct side *s = &m->sides[i];
        table_of(i, name);
        if (s->batch)
            rc = save_rows(m, name, s->batch, s->at, store, err);
        for (size_t k = 0; rc >= 0 && k < s->nbehind; k++)
            rc = save_rows(m, name, s->behind[k], 0, store, err);
    }
    return rc;
}

static int merge_load(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    struct merge *m = (struct merge *)op;
    assert(m->schema && !m->held);
    char name[32];
    int rc = 0;
    for (int i = 0; rc >= 0 && i < m->n; i++) {
        uint64_t cursor = 0;
        struct sl_batch *b = NULL;
        table_of(i, name);
        while (rc >= 0 &&
               (rc = sl_state_next(store, name, &cursor, m->schema->nfields, &b, err)) > 0) {
            if (m->order == IN_TIME && sl_schema_equal(b->schema, m->schema) && b->selected) {
                rc = keep(m, &m->sides[i], b, err);
            } else {
                sl_batch_unref(b);
                rc = sl_state_damaged(name, err);
            }
        }
    }
    return rc;
}

static int64_t merge_held(const struct sl_op *op)
{
    return ((const struct merge *)op)->held;
}

static void merge_plan(const struct sl_op *op, struct sl_buf *out)
{
    const struct merge *m = (const struct merge *)op;
    sl_buf_addstr(out, "merge");
    if (m->schema && m->order == IN_TIME)
        sl_buf_printf(out, " by %s", m->schema->fields[m->time].name);
    else if (m->schema)
        sl_buf_addstr(out, m->order == IN_TURN ? " in turn" : " as they come");
    for (int i = 0; i < m->n; i++)
        sl_buf_printf(out, "%s %s", i ? "," : "", m->sides[i].name);
}

static void merge_free(struct sl_op *op)
{
    struct merge *m = (struct merge *)op;
    drop_schema(m);
    for (int i = 0; m->sides && i < m->n; i++) {
        free(m->sides[i].name);
        sl_schema_unref(m->sides[i].schema);
        while (m->sides[i].batch)
            drop_front(&m->sides[i]);
        free(m->sides[i].behind);
    }
    free(m->sides);
    free(m);
}

SL_OP_CLASS(merge) = {
    .name = "merge",
    .account = "in = out + held",
    .schema = merge_schema,
    .push = merge_push,
    .watermark = merge_watermark,
    .next_input = merge_next_input,
    .needs = merge_needs,
    .save = merge_save,
    .load = merge_load,
    .held = merge_held,
    .plan = merge_plan,
    .free = merge_free,
};

struct sl_op *sl_merge_new(const char *const *names, int n, struct sl_account *account,
                           struct sl_err *err)
{
    assert(n >= 1);
    struct merge *m = sl_calloc(1, sizeof(*m));
    int failed = !m || !(m->sides = sl_calloc((size_t)n, sizeof(*m->sides)));
    for (int i = 0; !failed && i < n; i++)
        failed = !(m->sides[i].name = sl_strdup(names[i]));
    if (m) {
        m->op =
            (struct sl_op){.class = &sl_op_class_merge, .traits = SL_OP_PASSES, .account = account};
        m->n = n;
        m->time = -1;
    }
    if (!failed)
        return &m->op;
    if (m)
        merge_free(&m->op);
    return sl_err_no_memory(err, "a merge");
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aggregate_parts: --partial, which gives states as rows, and --merge, which takes them.
 *
 * A row of states is window_start, if there are windows, the --by values, and for each accumulator what it
 * packs for the group (bytea); a state too large for one piece goes on in further rows of the same key.
 * The states of all parts of an input come together as those of one run's threads and saved states do.
 *
 * The columns of the input are not there when states are merged, but their types are needed to bind the
 * options again: SL_META_PARTIAL of the schema has them, a line each. The names of the state columns end in
 * a checksum of what was computed, so that states of other options are refused, also where several inputs
 * are read as one.
 */
#include "arrow/hidden.h"
#include "base/hash.h"
#include "op/aggregate.h"
#include "state/store.h"

enum { STATES_VERSION = 1 }; /* of what accumulators pack */

static void print_typed(const struct sl_expr *e, struct sl_buf *out)
{
    sl_buf_addch(out, '\n');
    if (e) {
        sl_expr_print(e, out);
        sl_buf_addch(out, ' ');
        sl_type_print(sl_expr_type(e), out);
    }
}

/* The checksum of version, keys, window and calls. 0 or -SL_ENOMEM. */
static int checksum(const struct sl_aggregate *a, uint32_t *sum, struct sl_err *err)
{
    struct sl_buf text = SL_BUF_INIT;
    sl_buf_printf(&text, "%d %s", STATES_VERSION, a->window_text ? a->window_text : "");
    if (a->windowed && a->window.unit != SL_WINDOW_FIXED)
        sl_buf_addstr(&text, a->env && a->env->zone_name ? a->env->zone_name : "UTC");
    for (int k = 0; k < a->nby; k++)
        print_typed(a->by_expr[k], &text);
    if (a->sets_text)
        sl_buf_printf(&text, "\n%s", a->sets_text);
    for (int i = 0; i < a->naccs; i++) {
        sl_buf_addch(&text, '\n');
        sl_buf_addstr(&text, a->acc_call[i]->text);
        print_typed(a->acc_call[i]->arg, &text);
        print_typed(a->acc_call[i]->second, &text);
    }
    int rc = sl_buf_check(&text, err);
    *sum = rc < 0 ? 0 : sl_hash_crc32(text.data, text.len);
    sl_buf_release(&text);
    return rc;
}

static void state_name(char *name, size_t size, int i, uint32_t sum)
{
    snprintf(name, size, "state_%d_%08x", i + 1, sum);
}

/* ---- states out ---- */

/* A line for each column of the input that is computed from: length of the name, name, type; the time
 * column begins with *. */
static int describe(const struct sl_aggregate *a, struct sl_schema *in, struct sl_err *err)
{
    struct sl_buf text = SL_BUF_INIT;
    uint8_t *bits = sl_calloc((size_t)in->nfields / 8 + 1, 1);
    int rc = bits ? 0 : sl_err_nomem(err, "a schema");
    if (rc == 0)
        a->op.class->needs(&a->op, 0, NULL, bits);
    for (int c = 0; rc == 0 && c < in->nfields; c++) {
        if (!sl_bit(bits, (size_t)c) || c == a->wm_column)
            continue;
        sl_buf_printf(&text, "%s%zu %s ", c == a->time_column ? "*" : "",
                      strlen(in->fields[c].name), in->fields[c].name);
        sl_type_print(in->fields[c].type, &text);
        sl_buf_addch(&text, '\n');
    }
    if (rc == 0)
        rc = sl_buf_check(&text, err);
    if (rc == 0 && sl_schema_set_meta(a->out, SL_META_PARTIAL, text.data ? text.data : "") < 0)
        rc = sl_err_nomem(err, "a schema");
    free(bits);
    sl_buf_release(&text);
    return rc;
}

int sl_aggregate_bind_states(struct sl_aggregate *a, struct sl_schema *in, struct sl_err *err)
{
    assert(a->parts == SL_AGGREGATE_PARTIAL);
    uint32_t sum;
    char name[32];
    if (a->ranked && a->ranker.offset < 0) {
        sl_err_set(err, SL_EUSAGE,
                   "--partial: %s goes by the order of the rows, which a part of an "
                   "input does not tell",
                   a->ranked_call->text);
        return sl_err_hint(err, "sluice ingest makes a log of the input, whose rows are numbered");
    }
    int rc = checksum(a, &sum, err);
    struct sl_schema *out = rc < 0 ? NULL : sl_schema_new();
    if (rc == 0 && !out)
        rc = sl_err_nomem(err, "a schema");
    for (int k = 0; rc >= 0 && k < a->keys->nfields; k++) {
        const struct sl_field *f = &a->keys->fields[k];
        if (!a->windowed || k != 1) /* window_end follows from window_start */
            rc = sl_schema_add(out, f->name, strlen(f->name), f->type, err);
    }
    for (int i = 0; rc >= 0 && i < a->naccs; i++) {
        state_name(name, sizeof(name), i, sum);
        rc = sl_schema_add(out, name, strlen(name), sl_type_of(SL_BYTEA), err);
    }
    if (rc >= 0 && a->windowed &&
        sl_schema_set_meta(out, SL_META_TIME, a->keys->fields[0].name) < 0)
        rc = sl_err_nomem(err, "a schema");
    a->out = out;
    return rc < 0 ? rc : describe(a, in, err);
}

struct giving {
    struct sl_store store;
    struct sl_emit *out;
    struct sl_schema *schema;
    int answer; /* of emit */
};

static int give(struct sl_store *store, const char *table SL_UNUSED, struct sl_batch *b,
                struct sl_err *err)
{
    struct giving *g = (struct giving *)store;
    struct sl_batch *named = sl_batch_new(g->schema, b->rows);
    if (!named)
        return sl_err_nomem(err, "states");
    assert(g->schema->nfields == b->schema->nfields);
    for (int c = 0; c < g->schema->nfields; c++)
        named->columns[c] = sl_column_ref(b->columns[c]);
    if (g->answer == SL_PUSH_OK)
        g->answer = g->out->emit(g->out, named, err);
    sl_batch_unref(named);
    return SL_MIN(g->answer, 0);
}

int sl_aggregate_emit_states(struct sl_aggregate *a, const struct sl_entry *e, size_t n,
                             struct sl_emit *out, struct sl_err *err)
{
    struct giving g = {.store = {.put = give}, .out = out, .schema = a->out, .answer = SL_PUSH_OK};
    int rc = sl_aggregate_export(a, e, n, &g.store, err);
    return rc < 0 ? rc : g.answer;
}

/* ---- states in ---- */

static int no_states(struct sl_err *err)
{
    sl_err_set(err, SL_EUSAGE, "--merge: the input holds no states");
    return sl_err_hint(err, "sluice aggregate --partial writes them, as frames or to a log or an "
                            "Arrow file");
}

int sl_aggregate_given(const struct sl_schema *in, struct sl_schema **out, struct sl_err *err)
{
    const char *p = sl_schema_meta(in, SL_META_PARTIAL);
    struct sl_schema *s = p ? sl_schema_new() : NULL;
    if (!p)
        return no_states(err);
    int rc = s ? 0 : sl_err_nomem(err, "a schema");
    while (rc >= 0 && *p) {
        int is_time = *p == '*';
        char *name;
        struct sl_type type;
        size_t n = strtoul(p + is_time, &name, 10), left = strlen(name);
        if (left < 3 || n > left - 3 || name[0] != ' ' || name[n + 1] != ' ') {
            rc = no_states(err);
            break;
        }
        const char *t = name + n + 2;
        size_t len = strcspn(t, "\n");
        rc = sl_type_parse(t, len, &type, err);
        if (rc >= 0)
            rc = sl_schema_add(s, name + 1, n, type, err);
        if (rc >= 0 && is_time)
            rc = sl_schema_set_meta(s, SL_META_TIME, s->fields[s->nfields - 1].name);
        p = t + len + (t[len] == '\n');
    }
    if (rc < 0) {
        sl_schema_unref(s);
        return rc;
    }
    *out = s;
    return 0;
}

/* The column of the input that has a name and a type. */
static int column_of(const struct sl_schema *in, const char *name, struct sl_type type,
                     struct sl_err *err)
{
    int c = sl_schema_find(in, name, strlen(name));
    if (c >= 0 && sl_type_equal(in->fields[c].type, type))
        return c;
    sl_err_set(err, SL_EUSAGE,
               "--merge: the input holds states of other options: it has no column %s", name);
    return sl_err_hint(
        err, "--select, --by, --window and --tz, and the types of columns, must be those that "
             "--partial had");
}

int sl_aggregate_bind_merge(struct sl_aggregate *a, struct sl_schema *in, struct sl_err *err)
{
    assert(a->parts == SL_AGGREGATE_MERGE);
    uint32_t sum;
    char name[32];
    int rc = checksum(a, &sum, err), n = 0;
    a->part_columns = sl_calloc((size_t)(a->nkeys + a->naccs) + 1, sizeof(int));
    if (rc == 0 && !a->part_columns)
        rc = sl_err_nomem(err, "a schema");
    for (int k = 0; rc >= 0 && k < a->keys->nfields; k++) {
        if (a->windowed && k == 1)
            continue;
        rc = column_of(in, a->keys->fields[k].name, a->keys->fields[k].type, err);
        a->part_columns[n++] = rc;
    }
    for (int i = 0; rc >= 0 && i < a->naccs; i++) {
        state_name(name, sizeof(name), i, sum);
        rc = column_of(in, name, sl_type_of(SL_BYTEA), err);
        a->part_columns[n++] = rc;
    }
    if (rc < 0)
        return rc;
    a->time_column = a->windowed ? a->part_columns[0] : -1;
    a->wm_column = sl_hidden_wm(in);
    return 0;
}

/* The selected rows of a column. NULL with err filled. */
static struct sl_column *selected(struct sl_batch *b, int c, struct sl_err *err)
{
    if (sl_column_load(b->columns[c], err) < 0)
        return NULL;
    return b->selection ? sl_column_take(b->columns[c], b->selection, b->selected, NULL, err)
                        : sl_column_ref(b->columns[c]);
}

int sl_aggregate_take_parts(struct sl_aggregate *a, struct sl_batch *b, struct sl_err *err)
{
    const int *column = a->part_columns;
    int rc = 0;
    for (int k = 0; rc >= 0 && k < a->nby + (a->nsets > 0); k++) {
        a->by_columns[k] = selected(b, column[a->windowed + k], err);
        rc = a->by_columns[k] ? 0 : -SL_ENOMEM;
    }
    for (int i = 0; rc >= 0 && i < a->naccs; i++) {
        a->inputs[i].n = b->selected;
        a->inputs[i].arg = selected(b, column[a->nkeys + i], err);
        rc = a->inputs[i].arg ? 0 : -SL_ENOMEM;
    }
    return rc;
}

int sl_aggregate_absorb_parts(struct sl_aggregate *a, size_t n, struct sl_err *err)
{
    const uint32_t *ids = a->nkeys ? a->ids.data : NULL;
    for (int i = 0; i < a->naccs; i++) {
        const struct sl_column *c = a->inputs[i].arg;
        for (size_t r = 0; r < n; r++) {
            size_t len;
            if (sl_column_null(c, r))
                continue;
            const char *s = sl_column_bytes(c, r, &len);
            int rc = sl_acc_absorb(a->accs[i], ids ? ids[r] : 0, s, len, err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

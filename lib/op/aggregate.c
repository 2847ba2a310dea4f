/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* aggregate: settings, binding and plan of the aggregate operator; see aggregate.h. */
#include "arrow/hidden.h"
#include "base/hash.h"
#include "op/aggregate.h"

#define WINDOW_START "window_start"
#define WINDOW_END   "window_end"

/* ---- binding ---- */

static void unbind(struct sl_aggregate *a)
{
    sl_aggregate_clear(a);
    sl_aggregate_drop_inputs(a);
    for (int i = 0; i < a->naccs; i++)
        sl_acc_free(a->accs[i]);
    for (int l = 0; l < a->nlists; l++) {
        sl_agg_list_release(&a->lists[l]);
        free(a->acc_of[l]);
    }
    for (int l = 0; a->by_lists && l < a->by.n; l++)
        sl_expr_list_release(&a->by_lists[l]);
    free(a->accs);
    free(a->acc_call);
    free(a->acc_of);
    free(a->lists);
    free(a->by_lists);
    free(a->by_expr);
    free(a->by_columns);
    free(a->inputs);
    free(a->part_columns);
    free(a->sets);
    a->sets = NULL;
    a->part_columns = NULL;
    a->ranked_call = NULL;
    a->accs = NULL;
    a->acc_call = NULL;
    a->acc_of = NULL;
    a->lists = NULL;
    a->by_lists = NULL;
    a->by_expr = NULL;
    a->by_columns = NULL;
    a->inputs = NULL;
    a->naccs = a->nlists = a->nby = a->nsets = a->ranked = 0;
    sl_schema_unref(a->in);
    sl_schema_unref(a->keys);
    sl_schema_unref(a->out);
    a->in = a->keys = a->out = NULL;
}

/* The time column is needed by windows; first and last use it where there is one. */
static int bind_time(struct sl_aggregate *a, struct sl_schema *in, struct sl_err *err)
{
    a->time_column = sl_schema_time_index(in);
    a->wm_column = sl_hidden_wm(in);
    a->windowed = a->window_text != NULL;
    if (!a->windowed)
        return 0;
    if (a->time_column < 0) {
        sl_err_set(err, SL_EUSAGE, "a window needs a time column, and the input has none");
        return sl_schema_hint_time(in, err);
    }
    if (in->fields[a->time_column].type.kind != SL_TIMESTAMPTZ) {
        sl_err_set(err, SL_EUSAGE, "the time column %s is not a timestamptz",
                   in->fields[a->time_column].name);
        return sl_err_hint(err, "name another with --time");
    }
    int wm = a->wm_column < 0 ? SL_TIMESTAMPTZ : in->fields[a->wm_column].type.kind;
    if (wm != SL_TIMESTAMPTZ && wm != SL_BIGINT)
        return sl_err_set(err, SL_ESCHEMA, "column _wm is not a timestamptz");
    return sl_window_parse(a->window_text, a->env, &a->window, err);
}

static int add_key(struct sl_aggregate *a, const char *name, struct sl_type t, struct sl_err *err)
{
    char type[SL_TYPE_NAME];
    if (sl_schema_find(a->keys, name, strlen(name)) >= 0) {
        sl_err_set(err, SL_EUSAGE, "two columns of --by are named \"%s\"", name);
        return sl_err_hint(err, "once is enough; give another expression a name: ... as name");
    }
    if (sl_cell_class(t) != SL_CELL_NONE)
        return sl_schema_add(a->keys, name, strlen(name), t, err);
    return sl_err_set(err, SL_EUSAGE, "%s: cannot group by %s", name, sl_type_name(t, type));
}

static int bind_keys(struct sl_aggregate *a, struct sl_schema *in, struct sl_err *err)
{
    int rc = 0, n = 0;
    a->keys = sl_schema_new();
    a->by_lists = sl_calloc((size_t)a->by.n + 1, sizeof(*a->by_lists));
    if (!a->keys || !a->by_lists)
        return sl_err_nomem(err, "keys");
    if (a->windowed)
        rc = add_key(a, WINDOW_START, sl_type_of(SL_TIMESTAMPTZ), err);
    if (rc >= 0 && a->windowed)
        rc = add_key(a, WINDOW_END, sl_type_of(SL_TIMESTAMPTZ), err);
    for (int l = 0; rc >= 0 && l < a->by.n; l++) {
        rc = sl_expr_bind_list(a->by.items[l], SL_SCOPE(in), a->env, &a->by_lists[l], err);
        if (rc < 0)
            return rc;
        n += a->by_lists[l].n;
    }
    if (rc < 0)
        return rc;
    a->by_expr = sl_calloc((size_t)n + 1, sizeof(*a->by_expr));
    a->by_columns = sl_calloc((size_t)n + 1, sizeof(*a->by_columns));
    if (!a->by_expr || !a->by_columns)
        return sl_err_nomem(err, "keys");
    for (int l = 0; l < a->by.n; l++) {
        for (int i = 0; i < a->by_lists[l].n; i++) {
            const struct sl_expr_item *it = &a->by_lists[l].items[i];
            rc = add_key(a, it->name, sl_expr_type(it->expr), err);
            if (rc < 0)
                return rc;
            a->by_expr[a->nby++] = it->expr;
        }
    }
    a->nkeys = a->nby + a->windowed + (a->sets_text != NULL);
    if (a->sets_text && (rc = sl_aggregate_bind_sets(a, err)) < 0)
        return rc;
    if (a->sets_text && (rc = add_key(a, "grouping", sl_type_of(SL_BIGINT), err)) < 0)
        return rc;
    if (a->nkeys > SL_AGG_KEYS_MAX)
        return sl_err_set(err, SL_EUSAGE, "more than %d columns to group by", SL_AGG_KEYS_MAX);
    return 0;
}

static void print_expr(const struct sl_expr *e, struct sl_buf *out)
{
    sl_buf_addch(out, '\0');
    if (e) {
        sl_expr_print(e, out);
        sl_type_print(sl_expr_type(e), out); /* casts that nobody wrote are not printed */
    }
}

/* 1 if both calls take the same argument for the same rows, 0 if not. */
static int same_input(const struct sl_agg_call *x, const struct sl_agg_call *y, struct sl_err *err)
{
    struct sl_buf a = SL_BUF_INIT, b = SL_BUF_INIT;
    print_expr(x->arg, &a);
    print_expr(x->second, &a);
    print_expr(x->filter, &a);
    print_expr(y->arg, &b);
    print_expr(y->second, &b);
    print_expr(y->filter, &b);
    int same = a.failed || b.failed ? sl_err_nomem(err, "an aggregate")
                                    : a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
    sl_buf_release(&a);
    sl_buf_release(&b);
    return same;
}

/* The accumulator of a call: one that is there already, or a new one. */
static int bind_call(struct sl_aggregate *a, struct sl_agg_call *call, int *acc, struct sl_err *err)
{
    for (int i = 0; i < a->naccs; i++) {
        int same = sl_acc_shares(call, a->acc_call[i]) ? same_input(call, a->acc_call[i], err) : 0;
        if (same) {
            *acc = i;
            return SL_MIN(same, 0);
        }
    }
    if (call->kind == SL_AGG_RATE && a->time_column < 0)
        return sl_err_set(err, SL_EUSAGE, "%s: the input has no time column", call->text);
    int rc = sl_acc_new(call, a->op.account, &a->accs[a->naccs], err);
    if (rc < 0)
        return rc;
    if (!a->ranked && sl_acc_ranked(call))
        a->ranked_call = call;
    a->ranked |= sl_acc_ranked(call);
    a->acc_call[a->naccs] = call;
    *acc = a->naccs++;
    return 0;
}

static int check_condition(const struct sl_agg_list *l, struct sl_err *err)
{
    char type[SL_TYPE_NAME];
    struct sl_type t = sl_expr_type(l->items[0].expr);
    if (l->nitems > 1) {
        sl_err_set(err, SL_EUSAGE, "--having takes one condition");
        return sl_err_hint(err, "join several with and, or give --having several times");
    }
    if (t.kind == SL_BOOL)
        return 0;
    return sl_err_set(err, SL_EUSAGE, "--having takes a condition, not %s", sl_type_name(t, type));
}

static int bind_calls(struct sl_aggregate *a, struct sl_schema *in, struct sl_err *err)
{
    int n = a->select.n + a->having.n, ncalls = 0, rc;

    a->lists = sl_calloc((size_t)n, sizeof(*a->lists));
    a->acc_of = sl_calloc((size_t)n, sizeof(*a->acc_of));
    if (!a->lists || !a->acc_of)
        return sl_err_nomem(err, "aggregates");
    for (int l = 0; l < n; l++) {
        const struct sl_ast *ast =
            l < a->select.n ? a->select.items[l] : a->having.items[l - a->select.n];
        rc = sl_expr_bind_aggregates(ast, SL_SCOPE(in), a->keys, a->env, &a->lists[l], err);
        if (rc < 0)
            return rc;
        a->nlists++;
        if (l >= a->select.n && (rc = check_condition(&a->lists[l], err)) < 0)
            return rc;
        ncalls += a->lists[l].ncalls;
    }
    a->accs = sl_calloc((size_t)ncalls + 1, sizeof(*a->accs));
    a->acc_call = sl_calloc((size_t)ncalls + 1, sizeof(*a->acc_call));
    a->inputs = sl_calloc((size_t)ncalls + 1, sizeof(*a->inputs));
    if (!a->accs || !a->acc_call || !a->inputs)
        return sl_err_nomem(err, "aggregates");
    for (int l = 0; l < n; l++) {
        a->acc_of[l] = sl_calloc((size_t)a->lists[l].ncalls + 1, sizeof(int));
        if (!a->acc_of[l])
            return sl_err_nomem(err, "aggregates");
        for (int c = 0; c < a->lists[l].ncalls; c++) {
            rc = bind_call(a, &a->lists[l].calls[c], &a->acc_of[l][c], err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* Keys, then items. Metadata of the input that still holds: what the stream as a whole says. */
static int bind_output(struct sl_aggregate *a, struct sl_schema *in, struct sl_err *err)
{
    assert(a->keys);
    static const char *const kept[] = {SL_META_END, SL_META_PLAN, SL_META_HINT};
    int rc = 0;
    a->out = sl_schema_copy(a->keys);
    if (!a->out)
        return sl_err_nomem(err, "a schema");
    for (int l = 0; l < a->select.n; l++) {
        for (int i = 0; i < a->lists[l].nitems; i++) {
            const struct sl_expr_item *it = &a->lists[l].items[i];
            if (sl_schema_find(a->out, it->name, strlen(it->name)) >= 0) {
                sl_err_set(err, SL_EUSAGE, "two columns of the result are named %s", it->name);
                return sl_err_hint(err, "give one of them another name with `as`");
            }
            rc = sl_schema_add(a->out, it->name, strlen(it->name), sl_expr_type(it->expr), err);
            if (rc < 0)
                return rc;
        }
    }
    for (size_t m = 0; rc == 0 && m < SL_COUNT(kept); m++)
        if (sl_schema_meta(in, kept[m]))
            rc = sl_schema_set_meta(a->out, kept[m], sl_schema_meta(in, kept[m]));
    if (rc == 0 && a->windowed)
        rc = sl_schema_set_meta(a->out, SL_META_TIME, WINDOW_START);
    return rc < 0 ? sl_err_nomem(err, "a schema") : 0;
}

static int aggregate_schema(struct sl_op *op, int input SL_UNUSED, struct sl_schema *in,
                            struct sl_schema **out, struct sl_err *err)
{
    struct sl_aggregate *a = (struct sl_aggregate *)op;
    unbind(a);
    struct sl_schema *of = in; /* what is computed from */
    int rc = 0, merges = a->parts == SL_AGGREGATE_MERGE;
    if (merges)
        rc = sl_aggregate_given(in, &of, err);
    if (rc >= 0)
        rc = bind_time(a, of, err);
    if (rc >= 0)
        rc = bind_keys(a, of, err);
    if (rc >= 0)
        rc = bind_calls(a, of, err);
    sl_ranker_bind(&a->ranker, in);
    if (rc >= 0 && merges)
        rc = sl_aggregate_bind_merge(a, in, err);
    if (rc >= 0)
        rc = a->parts == SL_AGGREGATE_PARTIAL ? sl_aggregate_bind_states(a, in, err)
                                              : bind_output(a, in, err);
    if (of != in)
        sl_schema_unref(of);
    if (rc < 0) {
        unbind(a);
        return rc;
    }
    a->in = sl_schema_ref(in);
    /* Ranks that are columns, or in states, stay with the rows; those by arrival need one who sees all. */
    int arrival = a->ranked && a->ranker.offset < 0 && !merges;
    op->traits =
        (arrival ? SL_OP_ORDERED : SL_OP_MERGE) | (op->traits & SL_OP_WATERMARK) | SL_OP_CHANGES;
    *out = sl_schema_ref(a->out);
    return 0;
}

/* ---- push ---- */

/* Emits what may be emitted, and says what holds of what is still to come. */
static int let_go(struct sl_aggregate *a, int all, struct sl_emit *out, struct sl_err *err)
{
    int rc = sl_aggregate_emit(a, all, out, err);
    int64_t watermark = all ? SL_TIME_MIN : sl_aggregate_output_watermark(a);
    return rc == SL_PUSH_OK && watermark != SL_TIME_MIN ? out->watermark(out, watermark, err) : rc;
}

static int aggregate_push(struct sl_op *op, int input SL_UNUSED, struct sl_batch *batch,
                          enum sl_directive directive, struct sl_emit *out, struct sl_err *err)
{
    struct sl_aggregate *a = (struct sl_aggregate *)op;
    assert(sl_aggregate_is_sound(a) && a->out);
    int rc = 0;

    if (batch && batch->selected)
        rc = sl_aggregate_rows(a, batch, out, err);
    if (rc < 0)
        return rc;
    return directive == SL_MORE ? SL_PUSH_OK : let_go(a, directive == SL_END, out, err);
}

static int aggregate_watermark(struct sl_op *op, int64_t watermark, struct sl_emit *out,
                               struct sl_err *err)
{
    struct sl_aggregate *a = (struct sl_aggregate *)op;
    assert(sl_aggregate_is_sound(a) && a->out);
    a->watermark = SL_MAX(a->watermark, watermark);
    /* While rows pour in, closed windows leave in large batches only. */
    return sl_aggregate_is_full(a) ? let_go(a, 0, out, err) : SL_PUSH_OK;
}

static int64_t aggregate_held(const struct sl_op *op)
{
    return ((const struct sl_aggregate *)op)->held;
}

static void aggregate_needs(const struct sl_op *op, int input SL_UNUSED,
                            const uint8_t *out SL_UNUSED, uint8_t *in)
{
    const struct sl_aggregate *a = (const struct sl_aggregate *)op;
    if (a->time_column >= 0 && (a->windowed || a->ranked))
        sl_bit_set(in, (size_t)a->time_column);
    if (a->wm_column >= 0 && a->windowed)
        sl_bit_set(in, (size_t)a->wm_column);
    for (int c = 0; a->part_columns && c < a->nkeys + a->naccs; c++)
        sl_bit_set(in, (size_t)a->part_columns[c]);
    if (a->part_columns)
        return;
    if (a->ranked)
        sl_ranker_needs(&a->ranker, in);
    for (int k = 0; k < a->nby; k++)
        sl_expr_columns(a->by_expr[k], in);
    for (int i = 0; i < a->naccs; i++) {
        if (a->acc_call[i]->arg)
            sl_expr_columns(a->acc_call[i]->arg, in);
        if (a->acc_call[i]->second)
            sl_expr_columns(a->acc_call[i]->second, in);
        if (a->acc_call[i]->filter)
            sl_expr_columns(a->acc_call[i]->filter, in);
    }
}

static void aggregate_plan(const struct sl_op *op, struct sl_buf *out)
{
    const struct sl_aggregate *a = (const struct sl_aggregate *)op;
    static const char *const parts[] = {"", " partial", " merge"};
    sl_buf_printf(out, "aggregate%s", parts[a->parts]);
    sl_asts_print(&a->select, "select", out);
    sl_asts_print(&a->having, "having", out);
    if (!a->in) {
        sl_asts_print(&a->by, "by", out);
        return;
    }
    for (int k = 0; k < a->nby; k++) {
        sl_buf_addstr(out, k ? ", " : " by ");
        sl_expr_print(a->by_expr[k], out);
    }
    if (a->sets_text)
        sl_buf_printf(out, " sets %s", a->sets_text);
    if (!a->windowed)
        return;
    sl_buf_addstr(out, " window ");
    sl_window_print(&a->window, out);
    if (a->window.unit != SL_WINDOW_FIXED)
        sl_buf_printf(out, " in %s", a->env && a->env->zone_name ? a->env->zone_name : "UTC");
    sl_buf_printf(out, " of %s lateness %lld us", a->in->fields[a->time_column].name,
                  (long long)a->lateness);
}

static void scratch(struct sl_aggregate *a, void (*each)(struct sl_vec *, struct sl_account *))
{
    struct sl_vec *all[] = {&a->next,      &a->pane_codes, &a->panes,        &a->pane_slots,
                            &a->ids,       &a->sub_ids,    &a->times,        &a->ranks,
                            &a->sub_times, &a->sub_ranks,  &a->window_slots, &a->changed};
    for (size_t i = 0; i < SL_COUNT(all); i++)
        each(all[i], a->op.account);
}

static void release_vec(struct sl_vec *v, struct sl_account *account SL_UNUSED)
{
    sl_vec_release(v);
}

static void aggregate_free(struct sl_op *op)
{
    struct sl_aggregate *a = (struct sl_aggregate *)op;
    unbind(a);
    scratch(a, release_vec);
    sl_asts_release(&a->select);
    sl_asts_release(&a->by);
    sl_asts_release(&a->having);
    sl_eval_free(a->eval);
    if (a->family && atomic_fetch_sub(a->family, 1) == 1)
        free(a->family);
    free(a->windows);
    free(a->window_text);
    free(a->sets_text);
    free(a);
}

SL_OP_CLASS(aggregate) = {
    .name = "aggregate",
    .account = "in = used + late + late_idle + rejected, assigned = released + held",
    .schema = aggregate_schema,
    .push = aggregate_push,
    .watermark = aggregate_watermark,
    .needs = aggregate_needs,
    .save = sl_aggregate_save,
    .load = sl_aggregate_load,
    .held = aggregate_held,
    .split = sl_aggregate_split,
    .merge = sl_aggregate_merge,
    .plan = aggregate_plan,
    .free = aggregate_free,
};

static int add_select(struct sl_aggregate *a, const struct sl_asts *select, struct sl_err *err)
{
    static const char *const count[] = {"count(*)"};
    return select->n ? sl_asts_copy(&a->select, select, err)
                     : sl_asts_parse(&a->select, NULL, SL_AST_LIST, count, 1, err);
}

struct sl_op *sl_aggregate_new(const struct sl_aggregate_options *o, const struct sl_expr_env *env,
                               struct sl_account *account, struct sl_err *err)
{
    assert(o && o->lateness >= 0);
    struct sl_aggregate *a = sl_calloc(1, sizeof(*a));
    if (!a)
        return sl_err_no_memory(err, "an aggregate");
    a->op.class = &sl_op_class_aggregate;
    a->op.traits = SL_OP_MERGE | SL_OP_CHANGES | (o->window ? SL_OP_WATERMARK : 0);
    a->op.account = account;
    a->env = env;
    a->parts = o->parts;
    a->lateness = SL_MAX(o->lateness, 0);
    a->watermark = a->passed = SL_TIME_MIN;
    a->seed = sl_hash_seed();
    scratch(a, sl_vec_init);
    a->eval = sl_eval_new(account, err);
    if (!a->eval || add_select(a, &o->select, err) < 0 || sl_asts_copy(&a->by, &o->by, err) < 0 ||
        sl_asts_copy(&a->having, &o->having, err) < 0)
        goto fail;
    a->family = sl_malloc(sizeof(*a->family));
    if (a->family)
        atomic_init(a->family, 1);
    if (o->window)
        a->window_text = sl_strdup(o->window);
    if (o->sets)
        a->sets_text = sl_strdup(o->sets);
    if (!a->family || (o->window && !a->window_text) || (o->sets && !a->sets_text)) {
        sl_err_nomem(err, "an aggregate");
        goto fail;
    }
    return &a->op;
fail:
    aggregate_free(&a->op);
    return NULL;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * project: --set, --select, --drop and --rename, in this order.
 *
 * Each option is a step with a schema of its own, so that a later step sees what an earlier one made;
 * within one --set every expression sees the values before it. A step's column is either one of the
 * step before, shared, or computed. Only where something is computed does a selection have to be
 * resolved: the columns that pass are then compacted along with it. Steps keep the rows and their
 * order, so that position k of any step is position k of the input: a bad row is named by it.
 *
 * The time column and the key columns (schema metadata) are followed through every step; where one
 * is lost its metadata goes too.
 */
#include "arrow/hidden.h"
#include "op/ops.h"
#include "op/registry.h"
#include "op/rows.h"

static const char *const verb_names[SL_PROJECT_VERBS] = {"set", "select", "drop", "rename"};

struct column {           /* of a step's output */
    int source;           /* column of the step's input, -1 if computed */
    struct sl_expr *expr; /* computed */
    int wanted;           /* 0: no later step and no output uses it */
};

struct step {
    int n, computes;
    int asked; /* --select names `_partition` or `_offset` */
    struct column *columns;
    struct sl_schema *in, *out;
};

struct project {
    struct sl_op op;
    const struct sl_expr_env *env;
    struct sl_asts verbs[SL_PROJECT_VERBS];
    struct sl_schema *in; /* bound to */
    int nsteps;
    struct step *steps;
    struct sl_eval *eval;
    struct sl_batch *made; /* result of the last work */
    const char *computed;  /* name of the column that was computed last */
};

/* ---- binding ---- */

static void step_release(struct step *s)
{
    for (int i = 0; i < s->n; i++)
        sl_expr_free(s->columns[i].expr);
    free(s->columns);
    sl_schema_unref(s->in);
    sl_schema_unref(s->out);
    memset(s, 0, sizeof(*s));
}

static void unbind(struct project *p)
{
    for (int i = 0; i < p->nsteps; i++)
        step_release(&p->steps[i]);
    free(p->steps);
    p->steps = NULL;
    p->nsteps = 0;
    sl_schema_unref(p->in);
    p->in = NULL;
}

static int step_add(struct step *s, const char *name, struct sl_type type, int source,
                    struct sl_expr *expr, struct sl_err *err)
{
    int rc = 0;
    if (sl_schema_find(s->out, name, strlen(name)) >= 0) {
        sl_err_set(err, SL_EUSAGE, "two columns of the result are named \"%s\"", name);
        rc = sl_err_hint(err, "give one of them another name, or drop it");
    } else {
        rc = sl_schema_add(s->out, name, strlen(name), type, err);
    }
    if (rc == 0)
        rc = SL_GROW_ONE(s->columns, s->n, "columns", err);
    if (rc < 0) {
        sl_expr_free(expr);
        return rc;
    }
    s->computes |= expr != NULL;
    s->columns[s->n++] = (struct column){.source = source, .expr = expr};
    return 0;
}

static int pass(struct step *s, int source, const char *name, struct sl_err *err)
{
    const struct sl_field *f = &s->in->fields[source];
    return step_add(s, name ? name : f->name, f->type, source, NULL, err);
}

/* An item of a list: a column alone passes, anything else is computed. Takes the expression. */
static int item(struct step *s, struct sl_expr_item *it, struct sl_err *err)
{
    struct sl_expr *e = it->expr;
    int source = sl_expr_is_column(e);
    it->expr = NULL;
    if (source < 0)
        return step_add(s, it->name, sl_expr_type(e), -1, e, err);
    sl_expr_free(e);
    return pass(s, source, it->name, err);
}

static int twice(const char *name, struct sl_err *err)
{
    return sl_err_set(err, SL_EUSAGE, "column %s is set twice", name);
}

static int step_set(struct project *p, struct step *s, const struct sl_ast *ast, struct sl_err *err)
{
    struct sl_expr_list list = {0};
    struct sl_schema *names = NULL; /* of the items, to find them by */
    int rc = sl_expr_bind_set(ast, SL_SCOPE(s->in), p->env, &list, err);
    if (rc < 0)
        return rc;
    if (!(names = sl_schema_new()))
        rc = sl_err_nomem(err, "columns");
    for (int i = 0; rc >= 0 && i < list.n; i++) {
        const char *name = list.items[i].name;
        rc = sl_schema_add(names, name, strlen(name), sl_type_of(SL_TEXT), err);
        if (rc == -SL_ESCHEMA)
            rc = twice(name, err);
    }
    for (int c = 0; rc >= 0 && c < s->in->nfields; c++) {
        const char *name = s->in->fields[c].name;
        int at = sl_schema_find(names, name, strlen(name));
        rc = at < 0 ? pass(s, c, NULL, err) : item(s, &list.items[at], err);
    }
    for (int i = 0; rc >= 0 && i < list.n; i++)
        if (list.items[i].expr &&
            sl_schema_find(s->in, list.items[i].name, strlen(list.items[i].name)) < 0)
            rc = item(s, &list.items[i], err);
    sl_schema_unref(names);
    sl_expr_list_release(&list);
    return rc < 0 ? rc : 0;
}

/* Hidden columns go with their rows. Who asks for one of `_partition` and `_offset` shall see it, and
 * gets no other. */
static int pass_hidden(struct step *s, struct sl_err *err)
{
    static const char *const order[] = {SL_HIDDEN_PARTITION, SL_HIDDEN_OFFSET};
    int rc = 0;
    for (size_t i = 0; i < SL_COUNT(order); i++)
        s->asked |= sl_schema_find(s->out, order[i], strlen(order[i])) >= 0;
    for (int i = 0; rc >= 0 && i < s->in->nfields; i++) {
        const char *name = s->in->fields[i].name;
        if (!sl_hidden_is(s->in, i) || sl_schema_find(s->out, name, strlen(name)) >= 0 ||
            (s->asked && strcmp(name, SL_HIDDEN_WM) != 0))
            continue;
        rc = pass(s, i, NULL, err);
    }
    return rc < 0 ? rc : 0;
}

/* All --select texts make one step. */
static int step_select(struct project *p, struct step *s, struct sl_err *err)
{
    const struct sl_asts *select = &p->verbs[SL_PROJECT_SELECT];
    int rc = 0;
    for (int k = 0; rc >= 0 && k < select->n; k++) {
        struct sl_expr_list list = {0};
        rc = sl_expr_bind_list(select->items[k], SL_SCOPE(s->in), p->env, &list, err);
        for (int i = 0; rc >= 0 && i < list.n; i++)
            rc = item(s, &list.items[i], err);
        if (rc == -SL_ESCHEMA && err)
            sl_err_hint(err, "give one of them another name with `as`");
        sl_expr_list_release(&list);
    }
    return rc < 0 ? rc : pass_hidden(s, err);
}

static int step_drop(struct step *s, const struct sl_ast *ast, struct sl_err *err)
{
    int *index = NULL, n = 0, left = 0;
    int rc = sl_expr_bind_names(ast, SL_SCOPE(s->in), &index, &n, err);
    for (int c = 0; rc >= 0 && c < s->in->nfields; c++) {
        int dropped = 0;
        for (int i = 0; i < n; i++)
            dropped |= index[i] == c;
        if (!dropped)
            rc = pass(s, c, NULL, err);
        left += !dropped && !sl_hidden_is(s->in, c);
    }
    if (rc >= 0 && !left)
        rc = sl_err_set(err, SL_EUSAGE, "no column is left after --drop '%s'", sl_ast_text(ast));
    free(index);
    return rc < 0 ? rc : 0;
}

static int step_rename(struct step *s, const struct sl_ast *ast, struct sl_err *err)
{
    int *index = NULL, n = 0;
    char **names = NULL;
    int rc = sl_expr_bind_rename(ast, SL_SCOPE(s->in), &index, &names, &n, err);
    for (int c = 0; rc >= 0 && c < s->in->nfields; c++) {
        const char *name = NULL;
        for (int i = 0; i < n; i++)
            if (index[i] == c)
                name = names[i];
        rc = pass(s, c, name, err);
    }
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    free(index);
    return rc < 0 ? rc : 0;
}

/* Output column into which an input column passes, or -1. */
static int passed_as(const struct step *s, int source)
{
    for (int i = 0; source >= 0 && i < s->n; i++)
        if (s->columns[i].source == source)
            return i;
    return -1;
}

static int follow_time(struct step *s)
{
    const char *name = sl_schema_meta(s->in, SL_META_TIME);
    if (!name)
        return 0;
    int at = passed_as(s, sl_schema_time_index(s->in));
    if (at < 0) /* computed anew under the same name it is still a time */
        at = sl_schema_find(s->out, name, strlen(name));
    if (at >= 0 && s->out->fields[at].type.kind != SL_TIMESTAMPTZ)
        at = -1;
    return sl_schema_set_meta(s->out, SL_META_TIME, at < 0 ? NULL : s->out->fields[at].name);
}

/* Key columns, comma-separated: all of them under their new names, or none. */
static int follow_keys(struct step *s)
{
    const char *keys = sl_schema_meta(s->in, SL_META_KEY);
    struct sl_buf now = SL_BUF_INIT;
    int whole = 1, rc;
    if (!keys)
        return 0;
    for (const char *k = keys; whole && k;) {
        const char *comma = strchr(k, ',');
        size_t n = comma ? (size_t)(comma - k) : strlen(k);
        int at = passed_as(s, sl_schema_find(s->in, k, n));
        whole = at >= 0;
        if (now.len)
            sl_buf_addch(&now, ',');
        if (whole)
            sl_buf_addstr(&now, s->out->fields[at].name);
        k = comma ? comma + 1 : NULL;
    }
    rc = now.failed ? -SL_ENOMEM : sl_schema_set_meta(s->out, SL_META_KEY, whole ? now.data : NULL);
    if (rc == 0 && !whole)
        rc = sl_schema_set_meta(s->out, SL_META_HASH, NULL);
    sl_buf_release(&now);
    return rc;
}

/* `_partition` and `_offset` rank the rows as long as both pass under their names. */
static int follow_order(struct step *s)
{
    int was[2], is[2];
    int goes_on = sl_hidden_order(s->in, &was[0], &was[1]) &&
                  sl_hidden_order(s->out, &is[0], &is[1]) && s->columns[is[0]].source == was[0] &&
                  s->columns[is[1]].source == was[1];
    if (goes_on && !s->asked)
        return 0;
    return sl_schema_set_meta(s->out, SL_META_ORDER, goes_on ? "shown" : NULL);
}

static int bind_step(struct project *p, int verb, int k, struct sl_schema *in, struct sl_err *err)
{
    assert(verb >= 0 && verb < SL_PROJECT_VERBS);
    struct step *s = &p->steps[p->nsteps++];
    int rc;
    s->in = sl_schema_ref(in);
    s->out = sl_schema_new();
    if (!s->out)
        return sl_err_nomem(err, "a schema");
    switch (verb) {
    case SL_PROJECT_SET: rc = step_set(p, s, p->verbs[verb].items[k], err); break;
    case SL_PROJECT_SELECT: rc = step_select(p, s, err); break;
    case SL_PROJECT_DROP: rc = step_drop(s, p->verbs[verb].items[k], err); break;
    default: rc = step_rename(s, p->verbs[verb].items[k], err);
    }
    if (rc < 0)
        return rc;
    for (int m = 0; rc == 0 && m < in->nmeta; m++)
        rc = sl_schema_set_meta(s->out, in->meta[m].key, in->meta[m].value);
    if (rc == 0)
        rc = follow_time(s);
    if (rc == 0)
        rc = follow_keys(s);
    if (rc == 0)
        rc = follow_order(s);
    return rc < 0 ? sl_err_nomem(err, "a schema") : 0;
}

/* Backwards from the output: columns that nothing needs are not even compacted. */
static void mark_wanted(struct project *p)
{
    for (int k = p->nsteps - 1; k >= 0; k--) {
        struct step *s = &p->steps[k], *next = k + 1 < p->nsteps ? s + 1 : NULL;
        uint8_t *bits = next ? sl_calloc(1, (size_t)s->n / 8 + 1) : NULL;
        for (int j = 0; bits && j < next->n; j++) {
            const struct column *c = &next->columns[j];
            if (c->wanted && c->expr)
                sl_expr_columns(c->expr, bits);
            else if (c->wanted)
                sl_bit_set(bits, (size_t)c->source);
        }
        for (int i = 0; i < s->n; i++) /* out of memory: nothing is lost but time */
            s->columns[i].wanted = !bits || sl_bit(bits, (size_t)i);
        free(bits);
    }
}

static int project_schema(struct sl_op *op, int input SL_UNUSED, struct sl_schema *in,
                          struct sl_schema **out, struct sl_err *err)
{
    struct project *p = (struct project *)op;
    int rc = 0, most = 1;

    unbind(p);
    for (int v = 0; v < SL_PROJECT_VERBS; v++)
        most += p->verbs[v].n;
    p->steps = sl_calloc((size_t)most, sizeof(struct step));
    if (!p->steps)
        return sl_err_nomem(err, "a projection");
    for (int v = 0; v < SL_PROJECT_VERBS; v++) {
        int n = v == SL_PROJECT_SELECT ? p->verbs[v].n > 0 : p->verbs[v].n;
        for (int k = 0; rc >= 0 && k < n; k++) {
            struct sl_schema *from = p->nsteps ? p->steps[p->nsteps - 1].out : in;
            rc = bind_step(p, v, k, from, err);
        }
    }
    if (rc < 0) {
        unbind(p);
        return rc;
    }
    mark_wanted(p);
    p->in = sl_schema_ref(in);
    *out = sl_schema_ref(p->nsteps ? p->steps[p->nsteps - 1].out : in);
    return 0;
}

/* ---- rows ---- */

/* Column i of a step's output. dense: the selection is resolved. */
static int make_column(struct project *p, const struct step *s, int i, struct sl_batch *b,
                       struct sl_batch *to, int dense, struct sl_err *err)
{
    const struct column *c = &s->columns[i];
    struct sl_column **slot = &to->columns[i];
    struct sl_column *from = c->source < 0 ? NULL : b->columns[c->source];

    if (!c->wanted || (!c->expr && !from))
        return 0; /* stays absent */
    if (c->expr) {
        int rc = sl_expr_eval(p->eval, c->expr, b, slot, err);
        p->computed = s->out->fields[i].name;
        if (rc < 0)
            return rc;
    } else if (dense && b->selection) {
        *slot = sl_column_take(from, b->selection, b->selected, p->op.account, err);
    } else {
        *slot = sl_column_ref(from);
    }
    return *slot ? 0 : -SL_ENOMEM;
}

static int run_step(struct project *p, const struct step *s, struct sl_batch **b,
                    struct sl_err *err)
{
    assert(sl_batch_is_sound(*b));
    struct sl_batch *from = *b;
    struct sl_batch *to = sl_batch_new(s->out, s->computes ? from->selected : from->rows);
    int rc = 0;
    if (!to)
        return sl_err_nomem(err, "a batch");
    for (int i = 0; rc >= 0 && i < s->n; i++)
        rc = make_column(p, s, i, from, to, s->computes, err);
    if (rc >= 0 && !s->computes) {
        to->selection = from->selection;
        to->selection_owner = sl_buffer_ref(from->selection_owner);
        to->selected = from->selected;
    }
    if (rc < 0) {
        sl_batch_unref(to);
        return rc;
    }
    sl_batch_unref(from);
    *b = to;
    return 0;
}

static int work(void *arg, struct sl_batch *b, struct sl_rows_bad *bad, struct sl_err *err)
{
    assert(sl_batch_is_sound(b) && bad);
    struct project *p = arg;
    struct sl_batch *now = sl_batch_ref(b);
    int rc = 0;
    sl_batch_unref(p->made);
    p->made = NULL;
    for (int k = 0; rc >= 0 && k < p->nsteps; k++)
        rc = run_step(p, &p->steps[k], &now, err);
    rc = sl_rows_failed(bad, rc, p->eval, b, b, p->computed, err);
    if (rc < 0)
        sl_batch_unref(now);
    else
        p->made = now;
    return rc < 0 ? rc : 0;
}

static int project_push(struct sl_op *op, int input SL_UNUSED, struct sl_batch *batch,
                        enum sl_directive directive SL_UNUSED, struct sl_emit *out,
                        struct sl_err *err)
{
    struct project *p = (struct project *)op;
    struct sl_batch *good = NULL;
    int rc;

    if (!batch)
        return SL_PUSH_OK;
    rc = sl_rows_try(batch, work, p, out, &good, err);
    if (rc < 0)
        return rc;
    if (good)
        rc = out->emit(out, p->made, err);
    sl_batch_unref(p->made);
    p->made = NULL;
    sl_batch_unref(good);
    return rc;
}

/* ---- the rest ---- */

static void project_needs(const struct sl_op *op, int input SL_UNUSED, const uint8_t *out,
                          uint8_t *in)
{
    const struct project *p = (const struct project *)op;
    int width = p->in->nfields;
    for (int k = 0; k < p->nsteps; k++)
        width = SL_MAX(width, p->steps[k].n);
    size_t bytes = (size_t)width / 8 + 1;
    uint8_t *bits = sl_calloc(2, bytes), *after, *before;
    if (!bits) { /* cannot tell: everything */
        for (int i = 0; i < p->in->nfields; i++)
            sl_bit_set(in, (size_t)i);
        return;
    }
    after = bits;
    before = bits + bytes;
    int last = p->nsteps ? p->steps[p->nsteps - 1].n : p->in->nfields;
    for (int i = 0; out && i < last; i++)
        if (sl_bit(out, (size_t)i))
            sl_bit_set(after, (size_t)i);
    for (int k = p->nsteps - 1; k >= 0; k--) {
        const struct step *s = &p->steps[k];
        memset(before, 0, bytes);
        for (int i = 0; i < s->n; i++) {
            /* Computed even if nobody downstream wants it: its bad rows must be seen. */
            if (s->columns[i].expr && s->columns[i].wanted)
                sl_expr_columns(s->columns[i].expr, before);
            else if (s->columns[i].source >= 0 && sl_bit(after, (size_t)i))
                sl_bit_set(before, (size_t)s->columns[i].source);
        }
        uint8_t *t = after;
        after = before;
        before = t;
    }
    for (int i = 0; i < p->in->nfields; i++)
        if (sl_bit(after, (size_t)i))
            sl_bit_set(in, (size_t)i);
    free(bits);
}

static struct sl_op *project_split(const struct sl_op *op, struct sl_err *err)
{
    const struct project *p = (const struct project *)op;
    struct sl_project_options o;
    memcpy(o.verbs, p->verbs, sizeof(o.verbs));
    return sl_op_bind_copy(sl_project_new(&o, p->env, op->account, err), p->in, err);
}

static void project_plan(const struct sl_op *op, struct sl_buf *out)
{
    const struct project *p = (const struct project *)op;
    sl_buf_addstr(out, "project");
    for (int v = 0; v < SL_PROJECT_VERBS; v++)
        sl_asts_print(&p->verbs[v], verb_names[v], out);
}

static void project_free(struct sl_op *op)
{
    struct project *p = (struct project *)op;
    unbind(p);
    sl_batch_unref(p->made);
    for (int v = 0; v < SL_PROJECT_VERBS; v++)
        sl_asts_release(&p->verbs[v]);
    sl_eval_free(p->eval);
    free(p);
}

SL_OP_CLASS(project) = {
    .name = "project",
    .account = "in = out + rejected",
    .schema = project_schema,
    .push = project_push,
    .needs = project_needs,
    .split = project_split,
    .merge = sl_op_merge_nothing,
    .plan = project_plan,
    .free = project_free,
};

struct sl_op *sl_project_new(const struct sl_project_options *o, const struct sl_expr_env *env,
                             struct sl_account *account, struct sl_err *err)
{
    assert(o);
    struct project *p = sl_calloc(1, sizeof(*p));
    if (!p)
        return sl_err_no_memory(err, "a projection");
    p->op.class = &sl_op_class_project;
    p->op.traits = SL_OP_ROWWISE;
    p->op.account = account;
    p->env = env;
    p->eval = sl_eval_new(account, err);
    int rc = p->eval ? 0 : -SL_ENOMEM;
    for (int v = 0; rc >= 0 && v < SL_PROJECT_VERBS; v++)
        rc = sl_asts_copy(&p->verbs[v], &o->verbs[v], err);
    if (rc < 0) {
        project_free(&p->op);
        return NULL;
    }
    return &p->op;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * late: rows that came when their last window had been emitted, kept aside as they are, each once.
 *
 * Where the run commits checkpoints they wait in memory for the next one, and are saved with the state. When
 * it is committed they go to their place. A run that goes on from a checkpoint has those that wait for it, and
 * finds out whether they got there: a file is cut back to where it ended as the checkpoint was made; a log says
 * which one it has the rows of. So it does not matter in what order rows come again, or whether they are late
 * again.
 *
 * Elsewhere they go to their place at once: in a pipe's other stages, which do not learn what is committed,
 * at least once.
 *
 *   in the sink:          "late:file:PATH" {"byte":N,"inode":I}
 *   in a log of late rows "late of log:ID", or "late of log:ID:NAME" {"run":RUN,"k":K}
 */
#include "arrow/pile.h"
#include "flow/pipeline_int.h"

static int waits(const struct sl_pipeline *p)
{
    return p->stateful && sl_commits(p);
}

static void drop_waiting(struct sl_late *l)
{
    while (l->n)
        sl_batch_unref(l->waiting[--l->n]);
    l->bytes = 0;
}

void sl_late_release(struct sl_late *l)
{
    drop_waiting(l);
    free(l->waiting);
    if (l->sink)
        l->sink->class->free(l->sink);
}

int sl_late_load(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_sink *s = p->late.sink;
    const struct sl_position *recorded = NULL;
    struct sl_checkpoint c = {0};
    int rc = s && s->class->load ? s->class->load(s, "late", &c, err) : 0;
    if (rc == 0)
        rc = sl_aside_take_back(p, s, "late:", &recorded, err);
    p->late.there = c.positions;
    p->late.recorded = recorded != NULL;
    return rc;
}

/* The node that finds rows late; NULL: none does. */
static const struct sl_graph_node *finder(const struct sl_pipeline *p)
{
    for (int i = 0; i < p->nnodes; i++)
        if (p->nodes[i]->op && p->nodes[i]->op->traits & SL_OP_WATERMARK)
            return p->nodes[i];
    return NULL;
}

int sl_late_wants_all(const struct sl_pipeline *p, const struct sl_graph_node *n)
{
    return p->late.sink && n == finder(p);
}

struct sl_schema *sl_late_schema(const struct sl_pipeline *p)
{
    const struct sl_graph_node *n = finder(p);
    assert(p->late.sink && n && n->inputs[0].schema);
    return n->inputs[0].schema;
}

int sl_late_open(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_sink *s = p->late.sink;
    int rc = s ? s->class->open(s, sl_late_schema(p), err) : 0;
    p->late.is_open = s && rc == 0;
    return rc;
}

/* ---- rows ---- */

/* They wait; the reference passes. */
static int keep(struct sl_late *l, struct sl_batch *b, struct sl_err *err)
{
    int rc = SL_GROW(l->waiting, l->n + 1, l->cap, "late rows", err);
    if (rc < 0) {
        sl_batch_unref(b);
        return rc;
    }
    l->waiting[l->n++] = b;
    l->bytes += sl_batch_room(b);
    return 0;
}

int sl_late_write(struct sl_pipeline *p, struct sl_batch *b, const struct sl_aside_row *rows,
                  size_t n, struct sl_err *err)
{
    assert(rows && n && sl_batch_is_sound(b));
    uint32_t *numbers = sl_malloc(n * sizeof(*numbers));
    if (!numbers)
        return sl_err_nomem(err, "late rows");
    for (size_t i = 0; i < n; i++)
        numbers[i] = rows[i].row;
    struct sl_batch *picked = sl_batch_pick(b, numbers, n, NULL, err), *own = NULL;
    int rc = picked ? 0 : -(int)SL_ENOMEM;
    if (rc == 0 && waits(p)) {
        own = sl_batch_compact(picked, p->o.account, err);
        rc = own ? keep(&p->late, own, err) : -(int)(err ? err->code : SL_ENOMEM);
    } else if (rc == 0) {
        rc = sl_aside_put(p->late.sink, picked, err);
    }
    sl_batch_unref(picked);
    free(numbers);
    return rc;
}

/* ---- checkpoints ---- */

int sl_late_save(const struct sl_pipeline *p, struct sl_store *store, struct sl_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->late.n; i++)
        rc = sl_state_put_rows(store, "late", p->late.waiting[i], err);
    return rc;
}

int sl_late_load_rows(struct sl_pipeline *p, struct sl_store *store, struct sl_err *err)
{
    uint64_t cursor = 0;
    struct sl_batch *b;
    int rc = 0;
    while (p->late.sink && waits(p) && rc == 0 &&
           (rc = store->get(store, "late", &cursor, &b, err)) > 0) {
        struct sl_batch *cast = sl_batch_cast(b, sl_late_schema(p), err);
        rc = cast ? keep(&p->late, cast, err) : sl_state_damaged("late", err);
        sl_batch_unref(b);
    }
    return SL_MIN(rc, 0);
}

/* The name under which a log of late rows says what it has of this pipeline. */
static int name_in_log(const struct sl_pipeline *p, struct sl_buf *name, struct sl_err *err)
{
    int rc = sl_aside_name(p->sink, "late of ", name, err);
    if (rc == 0 && strcmp(p->o.name, "main") != 0)
        sl_buf_printf(name, ":%s", p->o.name);
    return rc < 0 ? rc : sl_buf_check(name, err);
}

/* Whether a log of late rows has those of a checkpoint. */
static int has_rows_of(const struct sl_pipeline *p, const struct sl_run_record *checkpoint,
                       struct sl_err *err)
{
    struct sl_run_record has = {0};
    struct sl_buf name = SL_BUF_INIT;
    if (!p->late.there)
        return 0;
    int rc = name_in_log(p, &name, err);
    const struct sl_position *x = rc == 0 ? sl_positions_find(p->late.there, name.data) : NULL;
    if (x && sl_record_find_run(x->value, x->len, &has))
        rc = has.k == checkpoint->k && strcmp(has.run, checkpoint->run) == 0;
    sl_buf_release(&name);
    return rc;
}

int sl_late_restore(struct sl_pipeline *p, struct sl_err *err)
{
    int rc = p->late.n ? has_rows_of(p, &p->checkpoint, err) : 0;
    if (rc == 1)
        drop_waiting(&p->late);
    return rc < 0 ? rc : sl_late_committed(p, &p->checkpoint, err);
}

/* A log's rows, and that they are those of a checkpoint (NULL: of none). */
static int commit_log(struct sl_pipeline *p, const struct sl_run_record *checkpoint,
                      struct sl_err *err)
{
    struct sl_sink *s = p->late.sink;
    struct sl_positions own = {0};
    struct sl_checkpoint c = {.name = "late", .positions = &own};
    struct sl_buf name = SL_BUF_INIT, value = SL_BUF_INIT;
    int rc = 0, is_new = s->held > 0;
    if (checkpoint) {
        rc = name_in_log(p, &name, err);
        sl_buf_printf(&value, "{\"run\":\"%s\",\"k\":%lld}", checkpoint->run,
                      (long long)checkpoint->k);
        if (rc == 0)
            rc = sl_buf_check(&value, err);
        if (rc == 0)
            rc = sl_positions_set(&own, name.data, value.data, value.len, err);
    }
    if (rc == 0)
        rc = s->class->commit(s, &c, err);
    if (rc == 0 && is_new && p->stateful)
        rc = s->class->control(s, SL_BARRIER, NULL, err);
    sl_positions_release(&own);
    sl_buf_release(&name);
    sl_buf_release(&value);
    return rc;
}

int sl_late_commit(struct sl_pipeline *p, struct sl_positions *out, struct sl_err *err)
{
    struct sl_late *l = &p->late;
    struct sl_buf value = SL_BUF_INIT;
    int rc = 0;
    if (!l->sink || l->ended)
        return 0;
    if (!waits(p) && l->sink->class->commit)
        rc = commit_log(p, NULL, err);
    if (rc == 0 && out && sl_aside_is_used(p, l->sink) && l->sink->class->mark &&
        (l->moved || !l->recorded)) {
        rc = l->sink->class->mark(l->sink, &value, err);
        if (rc == 0)
            rc = sl_aside_note(l->sink, "late:", &value, out, err);
        l->moved = rc < 0;
        l->recorded |= rc == 0;
    }
    sl_buf_release(&value);
    return rc;
}

int sl_late_committed(struct sl_pipeline *p, const struct sl_run_record *checkpoint,
                      struct sl_err *err)
{
    struct sl_late *l = &p->late;
    int rc = 0;
    if (!l->sink || !l->n)
        return 0;
    for (size_t i = 0; rc == 0 && i < l->n; i++)
        rc = sl_aside_put(l->sink, l->waiting[i], err);
    drop_waiting(l);
    l->moved = 1;
    if (rc == 0 && l->sink->class->commit)
        rc = commit_log(p, checkpoint, err);
    return rc;
}

int sl_late_control(struct sl_pipeline *p, enum sl_directive d, struct sl_err *err)
{
    struct sl_late *l = &p->late;
    if (!l->is_open || l->ended)
        return 0;
    l->ended = d == SL_END || d == SL_STOP;
    int rc = l->sink->class->control(l->sink, d, NULL, err);
    return SL_MIN(rc, 0);
}

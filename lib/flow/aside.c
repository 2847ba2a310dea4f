/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aside: rejects share the fate of the commit that passed them by.
 *
 * They are written, and on their device, just before the rows and positions that go with them are
 * committed; that commit records how far they had come then. So after a kill their place is either where
 * the commit says, or further by what one commit would have held, and a run that goes on (--resume) makes
 * that good: a file is cut back to the byte that was recorded; a log, to which others may have written
 * since, keeps its rows, and records in the commit that holds them how many there are of this pipeline, so
 * that those which come again are known by their number and not written a second time. That holds only if
 * the same plan rejects them: after a change of types or conditions they are all written, rather twice
 * than not at all.
 *
 *   in the sink:          "rejects:file:PATH" {"byte":N,"inode":I}, "rejects:log:ID" {"rows":N}
 *   in a log of rejects:  "rejects of log:ID" {"rows":N,"plan":CRC}
 */
#include "arrow/hidden.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "flow/pipeline_int.h"

/* "rejects:" and the name of their place, or "rejects of " and the sink's; empty: it has none yet. */
static int name_of(const struct sl_sink *s, const char *before, struct sl_buf *out,
                   struct sl_err *err)
{
    sl_buf_reset(out);
    sl_buf_addstr(out, before);
    size_t n = out->len;
    s->class->identify(s, out);
    if (out->len == n)
        sl_buf_reset(out);
    return sl_buf_check(out, err);
}

static int64_t rows_in(const struct sl_position *p)
{
    int64_t rows = 0;
    return p && sl_json_find_int(p->value, p->len, "rows", &rows) == 1 ? rows : 0;
}

static int is_used(const struct sl_pipeline *p)
{
    return p->rejects && p->sink->class->load && p->sink->class->identify &&
           p->rejects->class->identify;
}

/* What a log of rejects has of this pipeline; it is open then, and has its name. */
static int load_rows(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_buf name = SL_BUF_INIT;
    struct sl_checkpoint c;
    int64_t plan = 0;
    int rc = p->rejects->class->load(p->rejects, "rejects", &c, err);
    if (rc == 0)
        rc = name_of(p->sink, "rejects of ", &name, err);
    const struct sl_position *own =
        rc == 0 && name.len ? sl_positions_find(c.positions, name.data) : NULL;
    p->aside.there = p->aside.passed = p->aside.told = rows_in(own);
    if (own && sl_json_find_int(own->value, own->len, "plan", &plan) == 1)
        p->aside.plan = (uint32_t)plan;
    sl_buf_release(&name);
    return rc;
}

int sl_aside_load(struct sl_pipeline *p, struct sl_err *err)
{
    assert(p && p->sink);
    struct sl_aside *a = &p->aside;
    struct sl_buf name = SL_BUF_INIT;
    if (!is_used(p))
        return 0;
    int rc = p->rejects->class->load ? load_rows(p, err) : 0;
    if (rc == 0)
        rc = name_of(p->rejects, "rejects:", &name, err);
    const struct sl_position *recorded = NULL;
    if (rc == 0 && name.len && p->again == SL_AGAIN_RESUME)
        recorded = sl_positions_find(p->loaded.positions, name.data);
    sl_buf_release(&name);
    a->recorded = recorded != NULL;
    if (rc == 0 && p->again == SL_AGAIN_RESUME) {
        a->passed = a->told = rows_in(recorded);
        a->ahead = SL_MAX(a->there - a->passed, 0);
    }
    return rc == 0 && p->rejects->class->take_back
               ? p->rejects->class->take_back(p->rejects, recorded ? recorded->value : NULL, err)
               : rc;
}

/* What decides which rows are rejected, and how: the types of the sources and the operators. */
static uint32_t plan_of(const struct sl_pipeline *p)
{
    struct sl_buf text = SL_BUF_INIT;
    for (int i = 0; i < p->nstrands; i++) {
        const struct sl_schema *s = p->strands[i]->source->schema;
        for (int c = 0; c < s->nfields; c++) {
            if (c == sl_rest_column(s)) /* a log that is followed has it, one that is not has not */
                continue;
            sl_schema_print_name(s->fields[c].name, &text);
            sl_type_print(s->fields[c].type, &text);
        }
    }
    for (int i = 0; i < p->nnodes; i++)
        if (p->nodes[i]->op)
            p->nodes[i]->op->class->plan(p->nodes[i]->op, &text);
    uint32_t crc = sl_crc32c(0, text.data ? text.data : "", text.len);
    sl_buf_release(&text);
    return crc;
}

static int put(struct sl_sink *s, struct sl_batch *b, struct sl_err *err)
{
    assert(s && sl_batch_is_sound(b));
    void *encoded = NULL;
    int rc = s->class->encode ? s->class->encode(s, b, s->workers - 1, &encoded, err) : 0;
    if (rc == 0)
        rc = s->class->write(s, b, encoded, err);
    return SL_MIN(rc, 0);
}

int sl_aside_write(struct sl_pipeline *p, struct sl_batch *b, struct sl_err *err)
{
    assert(p->rejects && sl_batch_is_sound(b));
    struct sl_aside *a = &p->aside;
    /* A file is named by a commit before anything is in it: else a run that is killed now would leave one
     * that the next run must take for somebody else's. */
    if (is_used(p) && p->rejects->class->mark && !a->recorded && !p->passing && !p->stateful) {
        int e = sl_pipeline_commit(p, SL_COMMIT_SOME, err);
        if (e < 0)
            return e;
    }
    if (a->ahead && a->plan != plan_of(p)) {
        a->passed += a->ahead;
        a->ahead = 0;
    }
    size_t known = (size_t)SL_MIN(a->ahead, (int64_t)b->selected);
    struct sl_batch *rest = sl_batch_slice(b, known, b->selected - known, err);
    int rc = rest ? 0 : -(int)(err ? err->code : SL_ENOMEM);
    if (rc == 0 && rest->selected)
        rc = put(p->rejects, rest, err);
    if (rc == 0) {
        a->passed += (int64_t)b->selected;
        a->ahead -= (int64_t)known;
    }
    sl_batch_unref(rest);
    return rc;
}

static int set(struct sl_positions *out, const struct sl_buf *name, const struct sl_buf *value,
               struct sl_err *err)
{
    int rc = sl_buf_check(value, err);
    return rc < 0 || !name->len ? rc
                                : sl_positions_set(out, name->data, value->data, value->len, err);
}

/* The rows that a log of rejects was given, with their number. */
static int commit_rows(struct sl_pipeline *p, struct sl_buf *name, struct sl_buf *value,
                       struct sl_err *err)
{
    struct sl_aside *a = &p->aside;
    struct sl_positions own = {0};
    struct sl_checkpoint c = {.name = "rejects", .positions = &own};
    int rc = 0, is_new = p->rejects->held > 0;
    if (is_used(p) && is_new) {
        rc = name_of(p->sink, "rejects of ", name, err);
        sl_buf_printf(value, "{\"rows\":%lld,\"plan\":%lld}",
                      (long long)SL_MAX(a->passed, a->there), (long long)plan_of(p));
        if (rc == 0)
            rc = set(&own, name, value, err);
    }
    if (rc == 0)
        rc = p->rejects->class->commit(p->rejects, &c, err);
    /* A checkpoint is on its device when it is committed, and says that these rows are in their log. */
    if (rc == 0 && is_new && p->stateful)
        rc = p->rejects->class->control(p->rejects, SL_BARRIER, NULL, err);
    sl_positions_release(&own);
    return rc;
}

int sl_aside_commit(struct sl_pipeline *p, struct sl_positions *out, struct sl_err *err)
{
    struct sl_aside *a = &p->aside;
    struct sl_buf name = SL_BUF_INIT, value = SL_BUF_INIT;
    int unnamed = p->rejects && p->rejects->class->mark && !a->recorded;
    int rc = 0, marks = out && is_used(p) && (a->passed != a->told || unnamed);
    if (!p->rejects || p->rejects_ended)
        return 0;
    if (p->rejects->class->commit)
        rc = commit_rows(p, &name, &value, err);
    sl_buf_reset(&value);
    if (rc == 0 && marks && p->rejects->class->mark)
        rc = p->rejects->class->mark(p->rejects, &value, err);
    else if (marks)
        sl_buf_printf(&value, "{\"rows\":%lld}", (long long)a->passed);
    if (rc == 0 && marks)
        rc = name_of(p->rejects, "rejects:", &name, err);
    if (rc == 0 && marks)
        rc = set(out, &name, &value, err);
    if (rc == 0 && marks) {
        a->told = a->passed;
        a->recorded = 1;
    }
    sl_buf_release(&name);
    sl_buf_release(&value);
    return rc;
}

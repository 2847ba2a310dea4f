/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aside: rejects share the fate of the commit that passed them by.
 *
 * They are written, and on their device, just before the rows and positions that go with them are
 * committed; that commit records how far they had come then. So after a kill their place is either where
 * the commit says, or further by what one commit would have held, and a run that goes on (--resume) makes
 * that good: a file is cut back to the byte that was recorded; a log, to which others may have written
 * since, keeps its rows, and records in the commit that holds them how many there are of this pipeline, and
 * the last place in each input (partition of a log, file) of which there is one. Rows of an input come again
 * in their order, though those of several inputs may not: what is not behind that place is not written
 * a second time. That holds only if the same plan rejects them: after a change of types or conditions they are
 * all written, rather twice than not at all.
 *
 *   in the sink:          "rejects:file:PATH" {"byte":N,"inode":I}, "rejects:log:ID" {"rows":N}
 *   in a log of rejects:  "rejects of log:ID" {"rows":N,"plan":CRC,"last":{"PARTITION:SOURCE":N}}
 */
#include "arrow/hidden.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "flow/pipeline_int.h"

void sl_aside_release(struct sl_aside *a)
{
    sl_positions_release(&a->known);
    sl_positions_release(&a->last);
}

int sl_aside_name(const struct sl_sink *s, const char *before, struct sl_buf *out,
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

int sl_aside_is_used(const struct sl_pipeline *p, const struct sl_sink *place)
{
    return place && p->sink->class->load && p->sink->class->identify && place->class->identify;
}

static int is_used(const struct sl_pipeline *p)
{
    return sl_aside_is_used(p, p->rejects);
}

int sl_aside_take_back(struct sl_pipeline *p, struct sl_sink *place, const char *before,
                       const struct sl_position **recorded, struct sl_err *err)
{
    struct sl_buf name = SL_BUF_INIT;
    *recorded = NULL;
    if (!sl_aside_is_used(p, place))
        return 0;
    int rc = sl_aside_name(place, before, &name, err);
    if (rc == 0 && name.len && p->again == SL_AGAIN_RESUME)
        *recorded = sl_positions_find(p->loaded.positions, name.data);
    sl_buf_release(&name);
    return rc == 0 && place->class->take_back
               ? place->class->take_back(place, *recorded ? (*recorded)->value : NULL, err)
               : rc;
}

/* ---- places of rejects ---- */

static int64_t number_in(const struct sl_batch *b, const char *column, size_t row)
{
    const struct sl_column *h, *c = b->columns[sl_schema_find(b->schema, column, strlen(column))];
    if (sl_column_null(c, row))
        return -1;
    size_t k = sl_column_slot(c, row, &h);
    return ((const int64_t *)h->data)[k];
}

/* Where a reject stood: its input, and the place in that; -1: there is none. */
static int64_t place_of(const struct sl_batch *b, size_t row, struct sl_buf *input)
{
    const struct sl_column *source = b->columns[sl_schema_find(b->schema, "source", 6)];
    int64_t partition = number_in(b, "partition", row);
    size_t n;
    sl_buf_reset(input);
    if (partition >= 0)
        sl_buf_printf(input, "%lld", (long long)partition);
    sl_buf_addch(input, ':');
    if (!sl_column_null(source, row)) {
        const char *s = sl_column_bytes(source, row, &n);
        sl_buf_add(input, s, n);
    }
    return number_in(b, partition >= 0 ? "offset" : "byte", row);
}

static int64_t last_of(const struct sl_positions *last, const char *input)
{
    const struct sl_position *x = sl_positions_find(last, input);
    return x ? strtoll(x->value, NULL, 10) : -1;
}

static int set_last(struct sl_positions *last, const char *input, int64_t place, struct sl_err *err)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%lld", (long long)place);
    return sl_positions_set(last, input, digits, (size_t)n, err);
}

static void print_last(const struct sl_positions *last, struct sl_buf *out)
{
    for (const struct sl_position *x = NULL; (x = sl_positions_next(last, x));) {
        if (out->data[out->len - 1] != '{')
            sl_buf_addch(out, ',');
        sl_buf_add_json(out, x->id, strlen(x->id));
        sl_buf_printf(out, ":%s", x->value);
    }
}

/* What print_last made, as an object. */
static int parse_last(const char *s, size_t n, struct sl_positions *last, struct sl_err *err)
{
    struct sl_json j;
    struct sl_buf input = SL_BUF_INIT;
    int rc = 0;
    sl_json_init(&j, s, n);
    if (sl_json_next(&j, NULL) != SL_JSON_OBJECT)
        return 0;
    while (rc == 0 && sl_json_next(&j, NULL) == SL_JSON_KEY) {
        sl_buf_reset(&input);
        rc = sl_json_unescape(j.text, j.len, &input, err);
        if (rc == 0 && sl_json_next(&j, NULL) == SL_JSON_NUMBER)
            rc = sl_buf_check(&input, err);
        if (rc == 0)
            rc = set_last(last, input.data, strtoll(j.text, NULL, 10), err);
    }
    sl_buf_release(&input);
    return rc;
}

/* What a log of rejects has of this pipeline; it is open then, and has its name. */
static int load_rows(struct sl_pipeline *p, struct sl_err *err)
{
    struct sl_buf name = SL_BUF_INIT;
    struct sl_checkpoint c;
    int64_t plan = 0;
    const char *last;
    size_t n;
    int rc = p->rejects->class->load(p->rejects, "rejects", &c, err);
    if (rc == 0)
        rc = sl_aside_name(p->sink, "rejects of ", &name, err);
    const struct sl_position *own =
        rc == 0 && name.len ? sl_positions_find(c.positions, name.data) : NULL;
    p->aside.there = p->aside.passed = p->aside.told = rows_in(own);
    if (own && sl_json_find_int(own->value, own->len, "plan", &plan) == 1)
        p->aside.plan = (uint32_t)plan;
    if (own && p->again == SL_AGAIN_RESUME &&
        sl_json_find(own->value, own->len, "last", &last, &n) == 1) {
        rc = parse_last(last, n, &p->aside.known, err);
        if (rc == 0)
            rc = parse_last(last, n, &p->aside.last, err);
    }
    sl_buf_release(&name);
    return rc;
}

int sl_aside_load(struct sl_pipeline *p, struct sl_err *err)
{
    assert(p && p->sink);
    struct sl_aside *a = &p->aside;
    const struct sl_position *recorded = NULL;
    int rc = is_used(p) && p->rejects->class->load ? load_rows(p, err) : 0;
    if (rc == 0)
        rc = sl_aside_take_back(p, p->rejects, "rejects:", &recorded, err);
    a->recorded = recorded != NULL;
    if (rc == 0 && is_used(p) && p->again == SL_AGAIN_RESUME) {
        a->passed = a->told = rows_in(recorded);
        a->ahead = SL_MAX(a->there - a->passed, 0);
    }
    return rc;
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

int sl_aside_put(struct sl_sink *s, struct sl_batch *b, struct sl_err *err)
{
    assert(s && sl_batch_is_sound(b));
    void *encoded = NULL;
    int rc = s->class->encode ? s->class->encode(s, b, s->workers - 1, &encoded, err) : 0;
    if (rc == SL_TEXT_WIDEN)
        rc = s->class->encode_alone(s, b, &encoded, err);
    if (rc == 0)
        rc = s->class->write(s, b, encoded, err);
    return SL_MIN(rc, 0);
}

/* The rows of b that the log of rejects has not got, of which last now says where they are. */
static int unknown_rows(struct sl_aside *a, struct sl_batch *b, struct sl_batch **out,
                        size_t *known, struct sl_err *err)
{
    struct sl_buf input = SL_BUF_INIT, next = SL_BUF_INIT;
    struct sl_buffer *sel = sl_buffer_new(NULL, b->rows * sizeof(uint32_t) + 1);
    int rc = sel ? 0 : sl_err_nomem(err, "rejects");
    int64_t last = -1; /* place in `input` */
    size_t n = 0;
    for (size_t i = 0; rc == 0 && i < b->rows; i++) {
        int64_t place = place_of(b, i, &next);
        rc = sl_buf_check(&next, err);
        if (rc == 0 && place >= 0 && (int64_t)*known < a->ahead &&
            place <= last_of(&a->known, next.data)) {
            ++*known;
            continue;
        }
        ((uint32_t *)sel->data)[n++] = (uint32_t)i;
        if (rc == 0 && last >= 0 && strcmp(input.data, next.data) != 0)
            rc = set_last(&a->last, input.data, last, err);
        struct sl_buf other = input;
        input = next;
        next = other;
        last = place;
    }
    if (rc == 0 && last >= 0)
        rc = set_last(&a->last, input.data, last, err);
    sl_buf_release(&input);
    sl_buf_release(&next);
    if (rc == 0 && (*out = sl_batch_select(b, sel, n, err)))
        return 0;
    if (rc < 0)
        sl_buffer_unref(sel);
    return rc < 0 ? rc : -(int)(err ? err->code : SL_ENOMEM);
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
    struct sl_batch *rest = NULL;
    size_t known = 0;
    int rc = p->rejects->class->load ? unknown_rows(a, b, &rest, &known, err) : 0;
    if (rc == 0 && (!rest || rest->selected))
        rc = sl_aside_put(p->rejects, rest ? rest : b, err);
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

int sl_aside_note(const struct sl_sink *place, const char *before, const struct sl_buf *value,
                  struct sl_positions *out, struct sl_err *err)
{
    struct sl_buf name = SL_BUF_INIT;
    int rc = sl_aside_name(place, before, &name, err);
    if (rc == 0)
        rc = set(out, &name, value, err);
    sl_buf_release(&name);
    return rc;
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
        rc = sl_aside_name(p->sink, "rejects of ", name, err);
        sl_buf_printf(value, "{\"rows\":%lld,\"plan\":%lld,\"last\":{",
                      (long long)(a->passed + a->ahead), (long long)plan_of(p));
        print_last(&a->last, value);
        sl_buf_addstr(value, "}}");
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
        rc = sl_aside_note(p->rejects, "rejects:", &value, out, err);
    if (rc == 0 && marks) {
        a->told = a->passed;
        a->recorded = 1;
        if (!a->ahead) /* the inputs go on behind what was so far */
            sl_aside_release(a);
    }
    sl_buf_release(&name);
    sl_buf_release(&value);
    return rc;
}

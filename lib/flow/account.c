/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * account: every row has one fate, in every stage, always checked.
 *
 * An operator's class states its equation as text ("in = out + filtered + rejected"); that text is
 * what is checked and what --stats shows, so the two cannot differ.
 */
#include "arrow/hidden.h"
#include "base/num.h"
#include "base/time.h"
#include "flow/pipeline_int.h"

static const char *const fate_names[SL_FATE_COUNT] = {
    [SL_FATE_FILTERED] = "filtered", [SL_FATE_REJECTED] = "rejected",
    [SL_FATE_LATE] = "late",         [SL_FATE_LATE_IDLE] = "late_idle",
    [SL_FATE_USED] = "used",         [SL_FATE_CUT] = "cut",
    [SL_FATE_DEDUPED] = "deduped",   [SL_FATE_ASSIGNED] = "assigned",
    [SL_FATE_RELEASED] = "released",
};

int sl_stage_word(const struct sl_stage_rows *s, const char *name, size_t len, int64_t *value)
{
    const struct {
        const char *name;
        int64_t value;
    } plain[] = {{"in", s->in}, {"out", s->out}, {"held", s->held}};

    for (size_t i = 0; i < SL_COUNT(plain); i++) {
        if (strlen(plain[i].name) == len && memcmp(plain[i].name, name, len) == 0) {
            *value = plain[i].value;
            return 1;
        }
    }
    for (int f = 0; f < SL_FATE_COUNT; f++) {
        if (strlen(fate_names[f]) == len && memcmp(fate_names[f], name, len) == 0) {
            *value = s->fate[f];
            return 1;
        }
    }
    return 0;
}

/* Sum of "a + b + c" from *text up to '=' , ',' or the end; *text is moved behind it. */
static int64_t side(const struct sl_stage_rows *s, const char **text)
{
    int64_t sum = 0;
    const char *p = *text;
    while (*p && *p != '=' && *p != ',') {
        size_t n = strspn(p, SL_STAGE_LETTERS);
        int64_t v = 0;
        if (n) {
            int known = sl_stage_word(s, p, n, &v);
            assert(known);
            (void)known;
            sum += v;
        }
        p += n ? n : 1;
    }
    *text = *p ? p + 1 : p;
    return sum;
}

static int balanced(const struct sl_stage_rows *s)
{
    const char *text = s->account;
    while (text && *text) {
        int64_t left = side(s, &text), right = side(s, &text);
        if (left != right)
            return 0;
    }
    return 1;
}

static void account_strand(struct sl_strand *n, struct sl_pipeline_result *r)
{
    const struct sl_source *s = n->source;
    int64_t done = n->bytes, total;
    if (s->class->progress)
        s->class->progress(n->source, &done, &total);
    r->records += s->records;
    r->skipped += s->skipped;
    r->unread += s->unread;
    r->rows_in += s->rows;
    r->bytes_in += done;
    struct sl_stage_rows *st = &r->stages[r->nstages++];
    *st = (struct sl_stage_rows){.name = s->class->name,
                                 .account = "in = out + rejected + filtered",
                                 .in = s->records,
                                 .out = s->rows,
                                 .waits_for = -1};
    st->fate[SL_FATE_REJECTED] = s->rejected;
    st->fate[SL_FATE_FILTERED] = s->skipped;
    if (n->stamps)
        r->stages[r->nstages++] = (struct sl_stage_rows){.name = "watermark",
                                                         .account = "in = out",
                                                         .in = s->rows,
                                                         .out = s->rows,
                                                         .waits_for = sl_stamp_waits_for(n)};
}

static void account_op(const struct sl_graph_node *n, struct sl_pipeline_result *r)
{
    struct sl_stage_rows *st = &r->stages[r->nstages++];
    *st = (struct sl_stage_rows){.name = n->op->class->name,
                                 .account = n->op->class->account,
                                 .in = n->counts.in,
                                 .out = n->counts.out,
                                 .held = n->op->class->held ? n->op->class->held(n->op) : 0,
                                 .waits_for = -1};
    memcpy(st->fate, n->counts.fate, sizeof(st->fate));
    r->late += st->fate[SL_FATE_LATE] + st->fate[SL_FATE_LATE_IDLE];
}

int sl_pipeline_account(struct sl_pipeline *p, struct sl_pipeline_result *r, struct sl_err *err)
{
    free(p->stages);
    p->stages = sl_calloc((size_t)(2 * p->nstrands + p->nnodes), sizeof(*p->stages));
    if (!p->stages)
        return sl_err_nomem(err, "the account of rows");
    r->rejected = p->rejected;
    r->rows_out = p->end->counts.in;
    r->recovered = p->sink->recovered;
    r->lost = p->sink->lost;
    r->stages = p->stages;
    for (int i = 0; i < p->nstrands; i++)
        account_strand(p->strands[i], r);
    for (int i = 0; i < p->nnodes - 1; i++)
        account_op(p->nodes[i], r);
    r->stages[r->nstages++] = (struct sl_stage_rows){.name = p->sink->class->name,
                                                     .account = "in = out + held",
                                                     .in = p->end->counts.in,
                                                     .out = p->sink->committed,
                                                     .held = p->sink->held,
                                                     .waits_for = -1};
    /* The accounts are of all runs of a pipeline, the sums of this one. */
    r->records -= p->before.records;
    r->skipped -= p->before.skipped;
    r->rows_in -= p->before.rows_in;
    r->rows_out -= p->before.rows_out;
    r->late -= p->before.late;
    return 0;
}

/* What --out-of-order would have kept the row, in whole seconds. */
static void say_help(const struct sl_pipeline *p, const struct sl_aside_row *late,
                     struct sl_buf *out)
{
    const struct sl_source *s = p->strands[0]->source;
    int64_t d = s->out_of_order, most;
    int at_head = sl_hidden_wm(s->schema) >= 0;
    if (!at_head && d >= 0 && !__builtin_add_overflow(d, late->behind, &most))
        sl_buf_printf(out, "--out-of-order %llds would have kept it (it is %llds)",
                      (long long)(most / SL_USEC_PER_SEC + 1), (long long)(d / SL_USEC_PER_SEC));
    else
        sl_buf_printf(out, "a greater --out-of-order %skeeps such rows",
                      at_head ? "at the head of the pipe " : "");
}

static void say_late(const struct sl_pipeline *p, const struct sl_aside_row *late)
{
    struct sl_buf text = SL_BUF_INIT;
    char time[SL_NUM_MAX], watermark[SL_NUM_MAX];
    int n = (int)sl_time_print(time, late->time, 0, SL_TIME_SQL, p->o.zone);
    int m = (int)sl_time_print(watermark, late->watermark, 0, SL_TIME_SQL, p->o.zone);
    sl_buf_printf(
        &text, "a row came too late and is left out%s: its time is %.*s, the watermark is %.*s; ",
        p->late.sink ? ", for --late" : "", n, time, m, watermark);
    say_help(p, late, &text);
    if (!text.failed)
        p->o.say(p->o.say_arg, text.data);
    sl_buf_release(&text);
}

void sl_pipeline_say_late(struct sl_pipeline *p)
{
    for (int i = 0; i < p->nnodes && !p->said_late && p->o.say; i++) {
        if (!p->nodes[i]->counts.has_late)
            continue;
        p->said_late = 1;
        say_late(p, &p->nodes[i]->counts.late);
    }
}

int sl_pipeline_balance(const struct sl_pipeline_result *r, struct sl_err *err)
{
    for (int i = 0; i < r->nstages; i++) {
        const struct sl_stage_rows *s = &r->stages[i];
        if (balanced(s))
            continue;
        sl_err_set(err, SL_EBUG,
                   "rows are not accounted for in %s: %s does not hold (in %lld, out "
                   "%lld, held %lld)",
                   s->name, s->account, (long long)s->in, (long long)s->out, (long long)s->held);
        return sl_err_hint(err, "this is a bug: please report it with the command line");
    }
    return 0;
}

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

void sl_pipeline_account(struct sl_pipeline *p, struct sl_pipeline_result *r)
{
    const struct sl_source *s = p->source;
    r->records = s->records;
    r->rejected = p->rejected;
    r->skipped = s->skipped;
    r->rows_in = s->rows;
    r->rows_out = p->sunk;
    r->bytes_in = p->bytes;
    r->recovered = p->sink->recovered;
    r->lost = p->sink->lost;
    if (s->class->progress) {
        int64_t total;
        s->class->progress(p->source, &r->bytes_in, &total);
    }
    r->nstages = 0;
    struct sl_stage_rows *st = &r->stages[r->nstages++];
    *st = (struct sl_stage_rows){.name = s->class->name,
                                 .account = "in = out + rejected + filtered",
                                 .in = s->records,
                                 .out = s->rows,
                                 .waits_for = -1};
    st->fate[SL_FATE_REJECTED] = s->rejected;
    st->fate[SL_FATE_FILTERED] = s->skipped;
    for (int i = 0; i < p->nops; i++) {
        st = &r->stages[r->nstages++];
        st->name = p->ops[i]->class->name;
        st->account = p->ops[i]->class->account;
        st->in = p->counts[i].in;
        st->out = p->counts[i].out;
        memcpy(st->fate, p->counts[i].fate, sizeof(st->fate));
        st->waits_for = p->ops[i]->class->waits_for ? p->ops[i]->class->waits_for(p->ops[i]) : -1;
        st->held = p->ops[i]->class->held ? p->ops[i]->class->held(p->ops[i]) : 0;
        r->late += st->fate[SL_FATE_LATE] + st->fate[SL_FATE_LATE_IDLE];
    }
    st = &r->stages[r->nstages++];
    *st = (struct sl_stage_rows){.name = p->sink->class->name,
                                 .account = "in = out + held",
                                 .in = p->sunk,
                                 .out = p->sink->committed,
                                 .held = p->sink->held,
                                 .waits_for = -1};
}

/* What --out-of-order would have kept the row, in whole seconds. */
static void say_help(const struct sl_pipeline *p, const struct sl_late *late, struct sl_buf *out)
{
    int64_t d = p->source->out_of_order, most;
    int at_head = sl_hidden_wm(p->source->schema) >= 0;
    if (!at_head && d >= 0 && !__builtin_add_overflow(d, late->behind, &most))
        sl_buf_printf(out, "--out-of-order %llds would have kept it (it is %llds)",
                      (long long)(most / SL_USEC_PER_SEC + 1), (long long)(d / SL_USEC_PER_SEC));
    else
        sl_buf_printf(out, "a greater --out-of-order %skeeps such rows",
                      at_head ? "at the head of the pipe " : "");
}

static void say_late(const struct sl_pipeline *p, const struct sl_late *late)
{
    struct sl_buf text = SL_BUF_INIT;
    char time[SL_NUM_MAX], watermark[SL_NUM_MAX];
    int n = (int)sl_time_print(time, late->time, 0, SL_TIME_SQL, p->o.zone);
    int m = (int)sl_time_print(watermark, late->watermark, 0, SL_TIME_SQL, p->o.zone);
    sl_buf_printf(&text,
                  "a row came too late and is left out: its time is %.*s, the watermark is "
                  "%.*s; ",
                  n, time, m, watermark);
    say_help(p, late, &text);
    if (!text.failed)
        p->o.say(p->o.say_arg, text.data);
    sl_buf_release(&text);
}

void sl_pipeline_say_late(struct sl_pipeline *p)
{
    for (int i = 0; i < p->nops && !p->said_late && p->o.say; i++) {
        if (!p->counts[i].late.rows)
            continue;
        p->said_late = 1;
        say_late(p, &p->counts[i].late);
    }
}

int sl_pipeline_balance(struct sl_pipeline *p, const struct sl_pipeline_result *r,
                        struct sl_err *err)
{
    (void)p;
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

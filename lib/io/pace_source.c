/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * pace_source: another source's rows at the pace at which they happened, times a factor.
 *
 * The first row goes at once and ties its event time to the clock; each later row is due when as
 * much time has passed as between the two events, divided by the factor. A row without a time, or
 * out of order, is due as soon as it is there. Batches are decoded here and cut where the next row
 * is not due yet.
 */
#include "base/compat.h"
#include "io/connect.h"

struct pace_source {
    struct sl_source base;
    struct sl_source *inner;
    double factor;
    int time;            /* index of the time column */
    struct sl_morsel *m; /* being given out, NULL = none */
    size_t at;           /* its next row, among the selected */
    int started;
    int64_t first_event, first_clock; /* µs */
};

static int source_open(struct sl_source *base, struct sl_err *err)
{
    struct pace_source *s = (struct pace_source *)base;
    struct sl_source *in = s->inner;

    in->workers = base->workers;
    int rc = in->class->open(in, err);
    if (rc < 0)
        return rc;
    base->schema = sl_schema_ref(in->schema);
    base->live = in->live;
    base->partitions = in->partitions;
    base->greatest = in->greatest;
    base->out_of_order = in->out_of_order;
    s->time = sl_schema_time_index(in->schema);
    if (s->time >= 0)
        return 0;
    sl_err_set(err, SL_EUSAGE, "--speed: there is no time column to tell the pace by");
    return sl_err_hint(err, "leave --speed out");
}

static int source_resume(struct sl_source *base, const struct sl_checkpoint *from,
                         enum sl_again again, struct sl_err *err)
{
    struct sl_source *in = ((struct pace_source *)base)->inner;
    return in->class->resume ? in->class->resume(in, from, again, err) : 0;
}

/* The pace needs the time of every row. */
static int source_want(struct sl_source *base, const uint8_t *columns, struct sl_err *err)
{
    struct pace_source *s = (struct pace_source *)base;
    size_t bytes = (size_t)base->schema->nfields / 8 + 1;
    if (!s->inner->class->want)
        return 0;
    uint8_t *wanted = sl_calloc(bytes, 1);
    if (!wanted)
        return sl_err_nomem(err, "a paced source");
    memcpy(wanted, columns, bytes);
    sl_bit_set(wanted, (size_t)s->time);
    int rc = s->inner->class->want(s->inner, wanted, err);
    free(wanted);
    return rc;
}

/* When the row at hand is due, monotonic µs. */
static int64_t due(struct pace_source *s, int64_t now)
{
    const struct sl_batch *b = s->m->batch;
    const struct sl_column *c = b->columns[s->time], *h;
    size_t row = sl_batch_row(b, s->at);

    if (sl_column_null(c, row))
        return now;
    size_t slot = sl_column_slot(c, row, &h);
    int64_t t = sl_time_usec(((const int64_t *)h->data)[slot], c->type.nsec);
    if (!s->started) {
        s->started = 1;
        s->first_event = t;
        s->first_clock = now;
    }
    double after = ((double)t - (double)s->first_event) / s->factor;
    /* A year at most: beyond that the clock would overflow before the row is due. */
    return s->first_clock + (int64_t)SL_MIN(SL_MAX(after, 0), 3.2e13);
}

static void drop(struct pace_source *s)
{
    sl_morsel_free(s->m);
    s->m = NULL;
    s->at = 0;
}

/* The next batch of the inner source that has rows: SL_NEXT_MORSEL, or what it says instead. */
static int fetch(struct pace_source *s, struct sl_err *err)
{
    struct sl_source *in = s->inner;
    while (!s->m) {
        int rc = in->class->next(in, &s->m, err);
        if (rc != SL_NEXT_MORSEL) {
            s->base.end_reason = in->end_reason;
            s->base.control = in->control;
            return rc;
        }
        rc = 0;
        if (!s->m->batch && in->class->decode)
            rc = in->class->decode(in, s->m, 0, err);
        if (rc == 0 && s->m->batch)
            rc = sl_column_load(s->m->batch->columns[s->time], err);
        if (rc < 0)
            return rc;
        if (!s->m->batch || !s->m->batch->selected)
            drop(s);
    }
    return SL_NEXT_MORSEL;
}

static int source_next(struct sl_source *base, struct sl_morsel **out, struct sl_err *err)
{
    struct pace_source *s = (struct pace_source *)base;
    int rc = fetch(s, err);
    if (rc != SL_NEXT_MORSEL)
        return rc;
    size_t from = s->at, rows = s->m->batch->selected;
    int64_t now = sl_time_mono_usec();
    while (s->at < rows && due(s, now) <= now)
        s->at++;
    if (s->at == from)
        return SL_NEXT_WAIT;
    struct sl_morsel *m = sl_morsel_new(base);
    if (!m)
        return sl_err_nomem(err, "a morsel");
    m->batch = sl_batch_slice(s->m->batch, from, s->at - from, err);
    m->place = s->m->place ? sl_strdup(s->m->place) : NULL;
    if (!m->batch) {
        sl_morsel_free(m);
        return -(int)(err ? err->code : SL_ENOMEM);
    }
    m->split = s->m->split;
    if (s->m->base >= 0)
        m->base = s->m->base + (s->m->batch->selection ? 0 : (int64_t)from);
    m->records = (int64_t)m->batch->selected;
    if (s->at == rows) { /* its bytes and its position come with its last row */
        m->len = s->m->len;
        m->arg = s->m;
        s->m = NULL;
        s->at = 0;
    }
    *out = m;
    return SL_NEXT_MORSEL;
}

static void discard(struct sl_morsel *m)
{
    sl_morsel_free(m->arg);
}

static int source_delivered(struct sl_source *base, struct sl_morsel *m, struct sl_err *err)
{
    struct sl_source *in = ((struct pace_source *)base)->inner;
    return m->arg && in->class->delivered ? in->class->delivered(in, m->arg, err) : 0;
}

static int source_positions(struct sl_source *base, struct sl_positions *out, struct sl_err *err)
{
    struct sl_source *in = ((struct pace_source *)base)->inner;
    return in->class->positions ? in->class->positions(in, out, err) : 0;
}

/* Cut short, it has no position of its own. */
static int source_shorten(struct sl_source *base SL_UNUSED, struct sl_morsel *m,
                          const struct sl_reject *before SL_UNUSED, struct sl_err *err SL_UNUSED)
{
    sl_morsel_free(m->arg);
    m->arg = NULL;
    return 1;
}

static void source_poll(struct sl_source *base, struct sl_poll_set *p)
{
    struct pace_source *s = (struct pace_source *)base;
    if (s->m)
        sl_poll_until(p, due(s, sl_time_mono_usec()));
    else if (s->inner->class->poll)
        s->inner->class->poll(s->inner, p);
}

static void source_free(struct sl_source *base)
{
    struct pace_source *s = (struct pace_source *)base;
    drop(s);
    s->inner->class->free(s->inner);
    sl_schema_unref(base->schema);
    free(s);
}

static void source_plan(const struct sl_source *base, struct sl_buf *out)
{
    const struct pace_source *s = (const struct pace_source *)base;
    const struct sl_source *in = s->inner;
    sl_buf_printf(out, "times %g by %s of %s ", s->factor, base->schema->fields[s->time].name,
                  in->class->name);
    if (in->class->plan)
        in->class->plan(in, out);
}

static const struct sl_source_class pace_source_class = {
    .name = "pace",
    .plan = source_plan,
    .resume = source_resume,
    .open = source_open,
    .next = source_next,
    .want = source_want,
    .poll = source_poll,
    .delivered = source_delivered,
    .positions = source_positions,
    .discard = discard,
    .shorten = source_shorten,
    .free = source_free,
};

int sl_pace_source_new(struct sl_source *inner, double factor, struct sl_source **out,
                       struct sl_err *err)
{
    assert(inner && factor > 0 && out);
    struct pace_source *s = sl_calloc(1, sizeof(*s));
    *out = NULL;
    if (!s) {
        inner->class->free(inner);
        return sl_err_nomem(err, "a paced source");
    }
    s->base.class = &pace_source_class;
    s->base.account = inner->account;
    s->base.partitions = 1;
    s->base.out_of_order = -1;
    s->inner = inner;
    s->factor = factor;
    *out = &s->base;
    return 0;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * graph: several strands that meet in a merge, with sources and a sink made for it: who is pulled, what a
 * barrier, an end, a DONE, a full sink and a failing one do in the middle, and many descriptors at once.
 */
#include "../test.h"
#include <unistd.h>
#include "arrow/builder.h"
#include "flow/pipeline.h"
#include "op/ops.h"

enum { MANY = 150 };

/* Gives `morsels` batches of two rows: times first + 10 * k and one more, from its own pipe if it has
 * one: a byte for each. */
struct line {
    struct sl_source base;
    int morsels, given, partitions;
    int64_t first;
    int pipe[2];    /* -1: all is there at once */
    int barrier_at; /* before that morsel, once; 0 = never */
    int pulled_when_full;
    const struct shelf *shelf;
};

struct shelf { /* the sink */
    struct sl_sink base;
    int64_t rows, last, disorder, watermark;
    int flushes, barriers, ends, stops;
    int full_every;       /* answers FULL to each n-th batch */
    int is_full, waits;   /* ready() calls while it was */
    int done_at, fail_at; /* rows: write says DONE; ready() fails: n-th call */
    int readies;
};

static int line_open(struct sl_source *s, struct sl_err *err)
{
    struct line *l = (struct line *)s;
    s->schema = sl_schema_new();
    s->partitions = SL_MAX(1, l->partitions);
    int rc = sl_schema_add(s->schema, "ts", 2, sl_type_of(SL_TIMESTAMPTZ), err);
    return rc < 0 ? rc : sl_schema_set_meta(s->schema, SL_META_TIME, "ts");
}

static int line_next(struct sl_source *s, struct sl_morsel **out, struct sl_err *err)
{
    struct line *l = (struct line *)s;
    struct sl_builder b;
    char byte;
    l->pulled_when_full += l->shelf->is_full;
    if (l->barrier_at && l->given == l->barrier_at) {
        l->barrier_at = 0;
        return SL_NEXT_BARRIER;
    }
    if (l->given == l->morsels)
        return SL_NEXT_END;
    if (l->pipe[0] >= 0 && read(l->pipe[0], &byte, 1) < 1)
        return SL_NEXT_WAIT;
    struct sl_morsel *m = sl_morsel_new(s);
    sl_builder_init(&b, sl_type_of(SL_TIMESTAMPTZ), NULL, 0);
    for (int i = 0; i < 2; i++)
        sl_builder_int(&b, l->first + 10 * l->given + i);
    m->batch = sl_batch_new(s->schema, 2);
    m->batch->columns[0] = sl_builder_finish(&b, err);
    sl_builder_release(&b);
    m->records = m->len = 2;
    m->split = l->given % s->partitions;
    m->place = sl_strdup("line");
    l->given++;
    *out = m;
    return SL_NEXT_MORSEL;
}

static void line_poll(struct sl_source *s, struct sl_poll_set *p)
{
    sl_poll_add(p, ((struct line *)s)->pipe[0], POLLIN);
}

static void line_free(struct sl_source *s)
{
    (void)s; /* the test's */
}

static const struct sl_source_class line_class = {
    .name = "line",
    .open = line_open,
    .next = line_next,
    .poll = line_poll,
    .free = line_free,
};

static int shelf_open(struct sl_sink *s, struct sl_schema *schema, struct sl_err *err)
{
    (void)s;
    (void)schema;
    (void)err;
    return 0;
}

static int shelf_write(struct sl_sink *base, struct sl_batch *b, void *encoded, struct sl_err *err)
{
    struct shelf *s = (struct shelf *)base;
    (void)encoded;
    int rc = sl_column_load(b->columns[0], err);
    CHECK(!s->is_full);
    for (size_t k = 0; rc == 0 && k < b->selected; k++) {
        const struct sl_column *h;
        size_t slot = sl_column_slot(b->columns[0], sl_batch_row(b, k), &h);
        int64_t v = ((const int64_t *)h->data)[slot];
        s->disorder += v < s->last;
        s->last = v;
    }
    s->rows += (int64_t)b->selected;
    base->committed += (int64_t)b->selected;
    if (s->done_at && s->rows >= s->done_at)
        return SL_PUSH_DONE;
    s->is_full = s->full_every != 0;
    return s->is_full ? SL_PUSH_FULL : SL_PUSH_OK;
}

static int shelf_watermark(struct sl_sink *base, int64_t watermark, struct sl_err *err)
{
    struct shelf *s = (struct shelf *)base;
    (void)err;
    CHECK(watermark > s->watermark);
    s->watermark = watermark;
    return SL_PUSH_OK;
}

static int shelf_control(struct sl_sink *base, enum sl_directive d, const struct sl_control *c,
                         struct sl_err *err)
{
    struct shelf *s = (struct shelf *)base;
    (void)c;
    (void)err;
    s->flushes += d == SL_FLUSH;
    s->barriers += d == SL_BARRIER;
    s->ends += d == SL_END;
    s->stops += d == SL_STOP;
    return 0;
}

static void shelf_poll(struct sl_sink *base, struct sl_poll_set *p)
{
    if (((struct shelf *)base)->is_full)
        sl_poll_until(p, 0);
}

/* It is full for three waits. */
static int shelf_ready(struct sl_sink *base, const struct pollfd *fds, size_t n, struct sl_err *err)
{
    struct shelf *s = (struct shelf *)base;
    (void)fds;
    (void)n;
    if (s->fail_at && ++s->readies >= s->fail_at)
        return sl_err_set(err, SL_EIO, "the test's sink fails");
    if (s->is_full && ++s->waits % s->full_every)
        return SL_PUSH_FULL;
    s->is_full = 0;
    return SL_PUSH_OK;
}

static void shelf_free(struct sl_sink *s)
{
    (void)s; /* the test looks at it */
}

static const struct sl_sink_class shelf_class = {
    .name = "shelf",
    .open = shelf_open,
    .write = shelf_write,
    .watermark = shelf_watermark,
    .control = shelf_control,
    .poll = shelf_poll,
    .ready = shelf_ready,
    .free = shelf_free,
};

static void init(struct line *lines, int n, int morsels, struct shelf *s)
{
    *s = (struct shelf){.base.class = &shelf_class, .last = INT64_MIN, .watermark = SL_TIME_MIN};
    for (int i = 0; i < n; i++) {
        lines[i] = (struct line){.base.class = &line_class,
                                 .morsels = morsels,
                                 .first = i,
                                 .pipe = {-1, -1},
                                 .shelf = s};
        lines[i].base.out_of_order = -1;
    }
}

static int run(struct line *lines, int n, struct shelf *s, int threads,
               struct sl_pipeline_result *r, struct sl_err *err)
{
    struct sl_pipeline_options o = {.threads = threads, .signal_fd = -1, .max_rejects = -1};
    struct sl_feed *inputs[MANY];
    const char *names[MANY];
    struct sl_pipeline *p;
    sl_err_init(err);
    int rc = sl_pipeline_new(&o, &p, err);
    for (int i = 0; rc == 0 && i < n; i++) {
        names[i] = "line";
        inputs[i] = sl_pipeline_source(p, &lines[i].base, err);
    }
    struct sl_feed *last = inputs[0];
    if (n > 1)
        last = sl_pipeline_op(p, sl_merge_new(names, n, NULL, err), inputs, n, err);
    rc = sl_pipeline_sink(p, &s->base, last, err);
    if (rc == 0)
        rc = sl_pipeline_run(p, r, err);
    sl_pipeline_free(p);
    for (int i = 0; i < n; i++) {
        sl_schema_unref(lines[i].base.schema);
        lines[i].base.schema = NULL;
    }
    return rc;
}

static void merges(void)
{
    struct line lines[3];
    struct shelf s;
    struct sl_pipeline_result r;
    struct sl_err err;
    for (int threads = 1; threads <= 4; threads += 3) {
        TEST("three strands come in order of time, each ends once")
        {
            init(lines, 3, 20, &s);
            lines[1].morsels = 3;
            CHECK_INT(run(lines, 3, &s, threads, &r, &err), 0);
            CHECK_INT(s.rows, 2 * (20 + 3 + 20));
            CHECK_INT(s.disorder, 0);
            CHECK_INT(s.ends, 1);
        }
        TEST("DONE in the middle of a merge ends all")
        {
            init(lines, 3, 9000, &s); /* more than a merge copies together */
            s.done_at = 17;
            CHECK_INT(run(lines, 3, &s, threads, &r, &err), 0);
            CHECK(r.done_early);
            CHECK_INT(s.ends, 1);
            for (int i = 0; i < 3; i++)
                CHECK(lines[i].given < 9000);
        }
        TEST("a barrier of one strand reaches the sink once, behind the rows that it may let go")
        {
            init(lines, 3, 20, &s);
            lines[2].barrier_at = 7;
            CHECK_INT(run(lines, 3, &s, threads, &r, &err), 0);
            CHECK_INT(s.barriers, 1);
            CHECK_INT(s.rows, 120);
            CHECK_INT(s.disorder, 0);
        }
    }
}

static void full(void)
{
    struct line lines[2];
    struct shelf s;
    struct sl_pipeline_result r;
    struct sl_err err;
    TEST("a full sink is waited for, and no source is pulled meanwhile")
    for (int threads = 1; threads <= 4; threads += 3) {
        init(lines, 1, 30, &s);
        s.full_every = 3;
        CHECK_INT(run(lines, 1, &s, threads, &r, &err), 0);
        CHECK_INT(s.rows, 60);
        CHECK(s.waits >= 3 * 29);
        CHECK_INT(lines[0].pulled_when_full, 0);
    }
    TEST("a sink whose ready() fails ends the run with its error")
    {
        init(lines, 2, 30000, &s);
        s.full_every = 1;
        s.fail_at = 1;
        CHECK_INT(run(lines, 2, &s, 1, &r, &err), -SL_EIO);
        CHECK_STR(err.what, "the test's sink fails");
        CHECK_INT(s.ends, 0);
    }
}

static void descriptors(void)
{
    static struct line lines[MANY];
    struct shelf s;
    struct sl_pipeline_result r;
    struct sl_err err;
    TEST("150 endless inputs with a descriptor each: rows pass as they come")
    {
        init(lines, MANY, 2, &s);
        for (int i = 0; i < MANY; i++) {
            CHECK_INT(pipe(lines[i].pipe), 0);
            lines[i].base.live = 1;
            CHECK_INT(write(lines[i].pipe[1], "12", 2), 2);
        }
        CHECK_INT(run(lines, MANY, &s, 1, &r, &err), 0);
        CHECK_INT(s.rows, 4 * MANY);
        for (int i = 0; i < MANY; i++) {
            close(lines[i].pipe[0]);
            close(lines[i].pipe[1]);
        }
    }
}

/* Watermarks: splits of a strand that come, or never do, and of two strands. */
static void watermarks(void)
{
    struct line lines[2];
    struct shelf s;
    struct sl_pipeline_result r;
    struct sl_err err;
    TEST("the watermark of a strand is that of the split that is least far, D behind")
    {
        init(lines, 1, 6, &s);
        s.base.wants_hidden = 1;
        lines[0].partitions = 2;
        lines[0].base.out_of_order = 5;
        CHECK_INT(run(lines, 1, &s, 1, &r, &err), 0);
        CHECK_INT(s.watermark, 41 - 5); /* splits end with 41 and 51 */
    }
    TEST("of several strands the least counts, until it has ended")
    {
        init(lines, 2, 6, &s);
        s.base.wants_hidden = 1;
        for (int i = 0; i < 2; i++) {
            lines[i].base.out_of_order = 0;
            lines[i].base.live = 1;
        }
        lines[0].morsels = 2;
        CHECK_INT(run(lines, 2, &s, 1, &r, &err), 0);
        CHECK_INT(s.watermark, 52);
        CHECK_INT(s.rows, 16);
    }
}

int main(void)
{
    merges();
    full();
    descriptors();
    watermarks();
    return test_done();
}

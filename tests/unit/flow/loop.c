/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * loop: the loop of a pipeline, with a source and a sink made for the test: order under threads,
 * one FLUSH per pause, widening in the middle, an early end, accounts that do not balance.
 */
#include "../test.h"
#include <stdatomic.h>
#include <unistd.h>
#include "arrow/builder.h"
#include "flow/pipeline.h"
#include "../op_texts.h"

struct numbers { /* gives `morsels` morsels of `rows` numbers each */
    struct sl_source base;
    int morsels, given, rows;
    int wait_at; /* before this morsel: WAIT once; -1 = never */
    int waited;
    int widen_at; /* this morsel's decode asks for text instead of bigint; -1 = never */
    int lie;      /* records that it claims beyond its rows */
    atomic_int decodes;
};

struct collected {
    struct sl_sink base;
    int64_t rows, flushes, ends, widened, sum;
    int64_t last; /* number seen last */
    int disorder;
    int done_at; /* answers DONE once it has so many rows; 0 = never */
};

static struct sl_schema *one_column(enum sl_kind kind)
{
    struct sl_schema *s = sl_schema_new();
    sl_schema_add(s, "n", 1, sl_type_of(kind), NULL);
    return s;
}

static int numbers_open(struct sl_source *s, struct sl_err *err)
{
    (void)err;
    s->schema = one_column(SL_BIGINT);
    return 0;
}

static int numbers_next(struct sl_source *s, struct sl_morsel **out, struct sl_err *err)
{
    struct numbers *n = (struct numbers *)s;
    (void)err;
    if (n->given == n->wait_at && !n->waited) {
        n->waited = 1;
        return SL_NEXT_WAIT;
    }
    if (n->given == n->morsels)
        return SL_NEXT_END;
    struct sl_morsel *m = sl_morsel_new(s);
    m->first_line = (int64_t)n->given++ * n->rows;
    m->split = n->given - 1;
    m->len = 1 << 20; /* large: goes to a worker */
    m->place = sl_strdup("numbers");
    *out = m;
    return SL_NEXT_MORSEL;
}

static int numbers_decode(struct sl_source *s, struct sl_morsel *m, int worker, struct sl_err *err)
{
    struct numbers *n = (struct numbers *)s;
    struct sl_builder b;
    enum sl_kind kind = s->schema->fields[0].type.kind;
    (void)worker;
    atomic_fetch_add(&n->decodes, 1);
    if (m->split == n->widen_at && kind == SL_BIGINT) {
        m->wider = one_column(SL_TEXT);
        return SL_TEXT_WIDEN;
    }
    /* Later morsels are done sooner, so that order has to be made. */
    if (m->split % 4 == 0)
        usleep(2000);
    sl_builder_init(&b, s->schema->fields[0].type, NULL, 0);
    for (int i = 0; i < n->rows; i++) {
        char text[32];
        if (kind == SL_BIGINT)
            sl_builder_int(&b, m->first_line + i);
        else
            sl_builder_bytes(
                &b, text,
                (size_t)snprintf(text, sizeof(text), "%lld", (long long)m->first_line + i));
    }
    m->batch = sl_batch_new(s->schema, (size_t)n->rows);
    m->batch->columns[0] = sl_builder_finish(&b, err);
    sl_builder_release(&b);
    m->records = n->rows + n->lie;
    return SL_TEXT_OK;
}

static int numbers_widen(struct sl_source *s, struct sl_schema *wider, struct sl_err *err)
{
    (void)err;
    sl_schema_unref(s->schema);
    s->schema = sl_schema_ref(wider);
    s->generation++;
    return 0;
}

/* The pause is over at once. */
static void numbers_poll(struct sl_source *s, struct sl_poll_set *p)
{
    (void)s;
    sl_poll_until(p, 0);
}

static void numbers_free(struct sl_source *s)
{
    sl_schema_unref(s->schema);
    free(s);
}

static const struct sl_source_class numbers_class = {
    .name = "numbers",
    .open = numbers_open,
    .next = numbers_next,
    .decode = numbers_decode,
    .widen = numbers_widen,
    .poll = numbers_poll,
    .free = numbers_free,
};

static int collect_open(struct sl_sink *s, struct sl_schema *schema, struct sl_err *err)
{
    (void)s;
    (void)schema;
    (void)err;
    return 0;
}

static int collect_widen(struct sl_sink *s, struct sl_schema *schema, struct sl_err *err)
{
    (void)err;
    ((struct collected *)s)->widened += schema->fields[0].type.kind == SL_TEXT;
    return 0;
}

static int collect_write(struct sl_sink *s, struct sl_batch *b, void *encoded, struct sl_err *err)
{
    struct collected *c = (struct collected *)s;
    (void)encoded;
    sl_column_load(b->columns[0], err);
    for (size_t k = 0; k < b->selected; k++) {
        struct sl_buf text = SL_BUF_INIT;
        sl_column_print(b->columns[0], sl_batch_row(b, k), &text);
        int64_t v = strtoll(text.data, NULL, 10);
        c->disorder += v <= c->last;
        c->last = v;
        c->sum += v;
        sl_buf_release(&text);
    }
    c->rows += (int64_t)b->selected;
    s->committed += (int64_t)b->selected;
    return c->done_at && c->rows >= c->done_at ? SL_PUSH_DONE : SL_PUSH_OK;
}

static int collect_control(struct sl_sink *s, enum sl_directive d, const struct sl_control *k,
                           struct sl_err *err)
{
    struct collected *c = (struct collected *)s;
    (void)k;
    (void)err;
    c->flushes += d == SL_FLUSH;
    c->ends += d == SL_END;
    return 0;
}

static void collect_free(struct sl_sink *s)
{
    (void)s; /* the test looks at it afterwards */
}

static const struct sl_sink_class collect_class = {
    .name = "collect",
    .open = collect_open,
    .widen = collect_widen,
    .write = collect_write,
    .control = collect_control,
    .free = collect_free,
};

struct setting {
    int threads, morsels, rows, wait_at, widen_at, done_at, lie;
    const char *where;
};

/* Runs a pipeline; the sink's findings go to *c. */
static int run(struct setting t, struct collected *c, struct sl_pipeline_result *r,
               struct sl_err *err)
{
    static const struct sl_expr_env env;
    struct sl_pipeline_options o = {.threads = t.threads, .signal_fd = -1, .max_rejects = -1};
    struct numbers *n = sl_calloc(1, sizeof(*n));
    struct sl_pipeline *p;

    sl_err_init(err);
    memset(c, 0, sizeof(*c));
    *n = (struct numbers){.morsels = t.morsels,
                          .rows = t.rows,
                          .wait_at = t.wait_at,
                          .widen_at = t.widen_at,
                          .lie = t.lie};
    n->base.class = &numbers_class;
    n->base.out_of_order = -1;
    c->base.class = &collect_class;
    c->last = -1;
    c->done_at = t.done_at;
    int rc = sl_pipeline_new(&o, &p, err);
    struct sl_feed *last = rc == 0 ? sl_pipeline_source(p, &n->base, err) : NULL;
    if (last && t.where)
        last = sl_pipeline_op(p, text_filter(&t.where, 1, &env, NULL, err), &last, 1, err);
    rc = last ? sl_pipeline_sink(p, &c->base, last, err) : -1;
    if (rc == 0)
        rc = sl_pipeline_run(p, r, err);
    if (rc == 0) { /* they are the pipeline's */
        static struct sl_stage_rows kept[4];
        CHECK(r->nstages <= (int)SL_COUNT(kept));
        memcpy(kept, r->stages, SL_MIN((size_t)r->nstages, SL_COUNT(kept)) * sizeof(*kept));
        r->stages = kept;
    }
    sl_pipeline_free(p);
    return rc;
}

int main(void)
{
    struct collected c;
    struct sl_pipeline_result r;
    struct sl_err err;

    for (int threads = 1; threads <= 4; threads += 3) {
        struct setting plain = {threads, 40, 100, -1, -1, 0, 0, NULL};
        TEST(threads == 1 ? "one thread: all rows in order" : "four threads: all rows in order")
        {
            CHECK_INT(run(plain, &c, &r, &err), 0);
            CHECK_INT(c.rows, 4000);
            CHECK_INT(c.disorder, 0);
            CHECK_INT(c.sum, 3999LL * 4000 / 2);
            CHECK_INT(c.ends, 1);
            CHECK_INT(r.rows_in, 4000);
            CHECK_INT(r.rows_out, 4000);
        }
        TEST(threads == 1 ? "one thread: a filter's rows are accounted for"
                          : "four threads: a filter's rows are accounted for")
        {
            struct setting s = plain;
            s.where = "n % 10 = 3";
            CHECK_INT(run(s, &c, &r, &err), 0);
            CHECK_INT(c.rows, 400);
            CHECK_INT(c.disorder, 0);
            CHECK_INT(r.stages[1].in, 4000);
            CHECK_INT(r.stages[1].out, 400);
            CHECK_INT(r.stages[1].fate[SL_FATE_FILTERED], 3600);
        }
        TEST(threads == 1 ? "one thread: one pause is one flush"
                          : "four threads: one pause is one flush")
        {
            struct setting s = plain;
            s.wait_at = 7;
            CHECK_INT(run(s, &c, &r, &err), 0);
            CHECK_INT(c.rows, 4000);
            CHECK_INT(c.flushes, threads == 1);
        }
        TEST(threads == 1 ? "one thread: the schema widens between two morsels"
                          : "four threads: the schema widens between two morsels")
        {
            struct setting s = plain;
            s.widen_at = 20;
            CHECK_INT(run(s, &c, &r, &err), 0);
            CHECK_INT(c.widened, 1);
            CHECK_INT(c.rows, 4000);
            CHECK_INT(c.disorder, 0);
        }
        TEST(threads == 1 ? "one thread: a filter is bound again to the wider schema"
                          : "four threads: a filter is bound again to the wider schema")
        {
            struct setting s = plain;
            s.widen_at = 20;
            s.where = "n::text like '%7'";
            CHECK_INT(run(s, &c, &r, &err), 0);
            CHECK_INT(c.widened, 1);
            CHECK_INT(c.rows, 400);
            CHECK_INT(c.disorder, 0);
            CHECK_INT(r.stages[1].in, 4000);
            CHECK_INT(r.stages[1].fate[SL_FATE_FILTERED], 3600);
        }
        TEST(threads == 1 ? "one thread: a sink that has enough ends the run"
                          : "four threads: a sink that has enough ends the run")
        {
            struct setting s = plain;
            s.done_at = 250;
            CHECK_INT(run(s, &c, &r, &err), 0);
            CHECK_INT(c.rows, 300);
            CHECK_INT(r.done_early, 1);
        }
        TEST(threads == 1 ? "one thread: a source that loses rows is a bug that is noticed"
                          : "four threads: a source that loses rows is a bug that is noticed")
        {
            struct setting s = plain;
            s.lie = 1;
            CHECK_INT(run(s, &c, &r, &err), -SL_EBUG);
            CHECK(strstr(err.what, "numbers") != NULL);
        }
    }
    return test_done();
}

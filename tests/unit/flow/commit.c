/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * commit: rows and positions become true at once, in steps that the sink calls due; with a source and a sink
 * made for the test. A source gives rows 0, 1, 2, ..., one a morsel, so that after k rows its one
 * right position is k; the positions of several add up to the rows that the sink has.
 */
#include "../test.h"
#include "arrow/builder.h"
#include "flow/pipeline.h"
#include "op/ops.h"

struct counter {
    struct sl_source base;
    const char *name;
    int64_t first, rows, given; /* given: by next() */
    int64_t delivered, recorded;
    int asked; /* for positions */
    int fails; /* next() behind the last row */
    enum sl_again again;
    int is_open;
};

struct ledger {
    struct sl_sink base;
    struct sl_positions had; /* what an earlier run left */
    int64_t gather;          /* rows that make a commit due */
    int64_t rows, pending;
    int commits, with_position, torn; /* torn: a position that was not that of the rows */
    int loaded, rescued, ended;
    int64_t at[2], position; /* of each source; of all */
};

/* ---- the source ---- */

static int counter_resume(struct sl_source *s, const struct sl_checkpoint *from,
                          enum sl_again again, struct sl_err *err)
{
    struct counter *c = (struct counter *)s;
    const struct sl_position *p = sl_positions_find(from->positions, c->name);
    (void)err;
    CHECK(!c->is_open);
    c->again = again;
    c->first = p ? strtoll(p->value, NULL, 10) : 0;
    c->given = c->delivered = c->recorded = c->first;
    return 0;
}

static int counter_open(struct sl_source *s, struct sl_err *err)
{
    (void)err;
    ((struct counter *)s)->is_open = 1;
    s->gives_batches = 1;
    s->schema = sl_schema_new();
    return sl_schema_add(s->schema, "n", 1, sl_type_of(SL_BIGINT), NULL);
}

static int counter_next(struct sl_source *s, struct sl_morsel **out, struct sl_err *err)
{
    struct counter *c = (struct counter *)s;
    struct sl_builder b;
    if (c->given == c->rows)
        return c->fails ? sl_err_set(err, SL_EFORMAT, "the input is broken") : SL_NEXT_END;
    struct sl_morsel *m = sl_morsel_new(s);
    sl_builder_init(&b, sl_type_of(SL_BIGINT), NULL, 0);
    sl_builder_int(&b, c->given++);
    m->batch = sl_batch_new(s->schema, 1);
    m->batch->columns[0] = sl_builder_finish(&b, err);
    sl_builder_release(&b);
    m->records = 1;
    *out = m;
    return SL_NEXT_MORSEL;
}

static int counter_delivered(struct sl_source *s, struct sl_morsel *m, struct sl_err *err)
{
    (void)err;
    ((struct counter *)s)->delivered += (int64_t)m->batch->selected;
    return 0;
}

static int counter_positions(struct sl_source *s, struct sl_positions *out, struct sl_err *err)
{
    struct counter *c = (struct counter *)s;
    char text[32];
    c->asked++;
    if (c->recorded == c->delivered)
        return 0;
    c->recorded = c->delivered;
    snprintf(text, sizeof(text), "%lld", (long long)c->delivered);
    return sl_positions_set(out, c->name, text, strlen(text), err);
}

static void counter_free(struct sl_source *s)
{
    sl_schema_unref(s->schema); /* the test looks at the rest afterwards */
}

static const struct sl_source_class counter_class = {
    .name = "counter",
    .resume = counter_resume,
    .open = counter_open,
    .next = counter_next,
    .delivered = counter_delivered,
    .positions = counter_positions,
    .free = counter_free,
};

/* ---- the sink ---- */

static int ledger_load(struct sl_sink *s, const char *name, struct sl_checkpoint *out,
                       struct sl_err *err)
{
    struct ledger *l = (struct ledger *)s;
    (void)err;
    CHECK_STR(name, "main");
    l->loaded++;
    *out = (struct sl_checkpoint){.place = "ledger", .positions = &l->had};
    return 0;
}

static int ledger_open(struct sl_sink *s, struct sl_schema *schema, struct sl_err *err)
{
    (void)s;
    (void)schema;
    (void)err;
    return 0;
}

static int ledger_write(struct sl_sink *s, struct sl_batch *b, void *encoded, struct sl_err *err)
{
    struct ledger *l = (struct ledger *)s;
    (void)encoded;
    (void)err;
    l->pending += (int64_t)b->selected;
    s->held += (int64_t)b->selected;
    if (l->pending >= l->gather)
        s->due = 0;
    return SL_PUSH_OK;
}

static int ledger_commit(struct sl_sink *s, const struct sl_checkpoint *c, struct sl_err *err)
{
    struct ledger *l = (struct ledger *)s;
    (void)err;
    s->due = INT64_MAX;
    l->commits += c->positions->n || l->pending;
    l->rows += l->pending;
    s->committed += l->pending;
    s->held = l->pending = 0;
    for (const struct sl_position *p = NULL; (p = sl_positions_next(c->positions, p));)
        l->at[strcmp(p->id, "rows") != 0] = strtoll(p->value, NULL, 10);
    l->position = l->at[0] + l->at[1];
    if (!c->positions->n)
        return 0;
    l->with_position++;
    l->torn += l->position != l->rows;
    return 0;
}

static int ledger_control(struct sl_sink *s, enum sl_directive d, const struct sl_control *c,
                          struct sl_err *err)
{
    struct ledger *l = (struct ledger *)s;
    (void)c;
    (void)err;
    l->ended += d == SL_END;
    CHECK(d == SL_FLUSH || !l->pending);
    return 0;
}

static int ledger_rescue(struct sl_sink *s, struct sl_err *err)
{
    (void)err;
    ((struct ledger *)s)->rescued++;
    return 0;
}

static void ledger_free(struct sl_sink *s)
{
    (void)s;
}

static const struct sl_sink_class ledger_class = {
    .name = "ledger",
    .promise = SL_PROMISE_EXACT,
    .load = ledger_load,
    .open = ledger_open,
    .write = ledger_write,
    .commit = ledger_commit,
    .control = ledger_control,
    .rescue = ledger_rescue,
    .free = ledger_free,
};

/* ---- a run of both ---- */

struct setting {
    int64_t rows, gather,
        limit;          /* limit: rows behind an operator that holds rows; 0: there is none */
    int fails, sources; /* sources: 0 is 1 */
    const char *had;    /* the position that the sink has, or NULL */
    enum sl_again again;
};

static int run(const struct setting *t, struct counter *c, struct ledger *l, struct sl_err *err)
{
    struct sl_pipeline_options o = {.threads = 1, .signal_fd = -1, .max_rejects = -1};
    struct sl_pipeline_result r;
    struct sl_pipeline *p = NULL;
    sl_err_init(err);
    for (int i = 0; i < 2; i++)
        c[i] = (struct counter){.base = {.class = &counter_class, .out_of_order = -1},
                                .name = i ? "others" : "rows",
                                .rows = t->rows,
                                .fails = t->fails};
    struct sl_positions had = l->had;
    *l = (struct ledger){
        .base = {.class = &ledger_class, .due = INT64_MAX}, .had = had, .gather = t->gather};
    int rc = t->had ? sl_positions_set(&l->had, "rows", t->had, strlen(t->had), err) : 0;
    l->rows = t->had ? strtoll(t->had, NULL, 10) : 0;
    if (rc == 0)
        rc = sl_pipeline_new(&o, &p, err);
    struct sl_feed *last = rc == 0 ? sl_pipeline_source(p, &c->base, err) : NULL;
    if (last && t->sources == 2) {
        static const char *const names[] = {"rows", "others"};
        struct sl_feed *both[] = {last, sl_pipeline_source(p, &c[1].base, err)};
        last = sl_pipeline_op(p, sl_merge_new(names, 2, NULL, err), both, 2, err);
    }
    if (last && t->limit)
        last = sl_pipeline_op(p, sl_limit_new(t->limit, NULL, err), &last, 1, err);
    rc = last ? sl_pipeline_sink(p, &l->base, last, err) : -1;
    if (rc == 0) {
        sl_pipeline_again(p, t->again);
        rc = sl_pipeline_run(p, &r, err);
    }
    sl_pipeline_free(p);
    sl_positions_release(&l->had);
    return rc;
}

static void what_it_costs(void)
{
    struct counter c[2];
    struct ledger l = {.gather = 0};
    struct sl_err err;
    TEST("twice the rows: at most twice the commits, and twice the allocations")
    {
        uint64_t before = sl_mem_count();
        CHECK_INT(run(&(struct setting){.rows = 4000, .gather = 64}, c, &l, &err), 0);
        uint64_t once = sl_mem_count() - before;
        int commits = l.commits;
        before = sl_mem_count();
        CHECK_INT(run(&(struct setting){.rows = 8000, .gather = 64}, c, &l, &err), 0);
        CHECK(l.commits <= 2 * commits);
        CHECK(sl_mem_count() - before <= 2 * once);
    }
}

int main(void)
{
    struct counter c[2];
    struct ledger l = {.gather = 0};
    struct sl_err err;

    TEST("rows and the position behind them are committed at once, when the sink says so")
    {
        CHECK_INT(run(&(struct setting){.rows = 100, .gather = 8}, c, &l, &err), 0);
        CHECK_INT(l.rows, 100);
        CHECK_INT(l.position, 100);
        CHECK_INT(l.commits, 13);
        CHECK_INT(l.with_position, 13);
        CHECK_INT(l.torn, 0);
        CHECK_INT(l.ended, 1);
    }
    TEST("positions are asked for at commits only")
    {
        CHECK_INT(run(&(struct setting){.rows = 1000, .gather = 100}, c, &l, &err), 0);
        CHECK_INT(l.with_position, 10);
        CHECK(c->asked <= 11);
    }
    TEST("a source goes on from what the sink has, before it is opened")
    {
        struct setting t = {.rows = 50, .gather = 8, .had = "30", .again = SL_AGAIN_RESUME};
        CHECK_INT(run(&t, c, &l, &err), 0);
        CHECK_INT(l.loaded, 1);
        CHECK_INT(c->again, SL_AGAIN_RESUME);
        CHECK_INT(c->first, 30);
        CHECK_INT(l.rows, 50);
        CHECK_INT(l.torn, 0);
    }
    TEST("nothing goes on from a sink that does not know what it has")
    {
        CHECK_INT(sl_positions_set(&l.had, SL_POSITION_UNPLACED, "{}", 2, &err), 0);
        struct setting t = {.rows = 50, .gather = 8, .again = SL_AGAIN_RESUME};
        CHECK_INT(run(&t, c, &l, &err), -SL_EEXIST);
        CHECK_INT(l.rows, 0);
        CHECK(!c->is_open);
    }
    TEST("behind an operator that may hold rows back the position comes with the last commit")
    {
        struct setting t = {.rows = 100, .gather = 8, .limit = 1000};
        CHECK_INT(run(&t, c, &l, &err), 0);
        CHECK_INT(l.rows, 100);
        CHECK_INT(l.with_position, 1);
        CHECK_INT(l.position, 100);
        CHECK(l.commits > 1);
    }
    TEST("a run that ends early records what was delivered, and no more")
    {
        struct setting t = {.rows = 100, .gather = 8, .limit = 10};
        CHECK_INT(run(&t, c, &l, &err), 0);
        CHECK_INT(l.rows, 10);
        CHECK_INT(l.position, c->delivered);
        CHECK_INT(c->delivered, c->given);
        CHECK(c->given < 100);
    }
    TEST("several sources behind a merge that lets rows pass: the positions of all go with each "
         "commit")
    {
        struct setting t = {.rows = 100, .gather = 8, .sources = 2};
        CHECK_INT(run(&t, c, &l, &err), 0);
        CHECK_INT(l.rows, 200);
        CHECK_INT(l.position, 200);
        CHECK_INT(l.commits, 25);
        CHECK_INT(l.with_position, 25);
        CHECK_INT(l.torn, 0);
    }
    TEST("what came before a broken input is committed, with the position behind it")
    {
        struct setting t = {.rows = 10, .gather = 8, .fails = 1};
        CHECK_INT(run(&t, c, &l, &err), -SL_EFORMAT);
        CHECK_INT(l.rows, 10);
        CHECK_INT(l.position, 10);
        CHECK_INT(l.torn, 0);
        CHECK_INT(l.rescued, 1);
        CHECK_INT(l.ended, 0);
    }
    what_it_costs();
    return test_done();
}

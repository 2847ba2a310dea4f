/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* moment: when rows leave an operator: as windows close, as a limit is reached, as last follows. */
#include "../test.h"
#include "harness.h"
#include "../op_texts.h"

static struct sl_expr_env env;
static struct sl_account account;
static struct sl_err err;

static struct sl_op *bound_to(struct sl_op *op, struct sl_schema *in)
{
    op = bind_to(op, sl_schema_ref(in), &err);
    CHECK(op != NULL);
    if (!op)
        printf("# %s\n", err.what);
    return op;
}

/* Windows leave as the watermark passes, in order; groups' numbers are used again. */
static void windows_leave(void)
{
    struct gate g;
    static const char *const select = "count(*), count(distinct n), p50(x), min(k)", *const by =
                                                                                         "d";
    struct text_aggregate_options o = {
        .select = &select, .nselect = 1, .by = &by, .nby = 1, .window = "10 seconds"};
    struct sl_schema *in = rows_schema(1);
    struct sl_op *op = bound_to(text_aggregate(&o, &env, &account, &err), in);
    struct feed f;
    struct sl_batch *b;
    size_t early = 0;
    gate_init(&g);
    feed_init(&f, PARTITIONS, 3, 1, FORM_PLAIN, 1);
    while ((b = feed_next(&f))) {
        CHECK(push_told(op, b, f.watermark, SL_FLUSH, &g.emit, &err) >= 0);
        sl_batch_unref(b);
    }
    early = g.rows.n;
    CHECK(early > 20);
    CHECK(op->class->held(op) > 0);
    CHECK(sl_op_push(op, 0, NULL, SL_STOP, &g.emit, &err) >= 0);
    CHECK_INT(g.rows.n, early);
    CHECK(sl_op_push(op, 0, NULL, SL_END, &g.emit, &err) >= 0);
    CHECK(g.rows.n > early);
    CHECK_INT(op->class->held(op), 0);
    for (size_t i = 1; i < g.rows.n; i++) /* window_start comes first in the line */
        CHECK(strncmp(g.rows.text[i - 1], g.rows.text[i], 19) <= 0);
    gate_free(&g);
    sl_schema_unref(in);
    sl_op_free(op);
}

/* A batch of event times, and of watermarks if there is a column for them; 0 is null. */
static struct sl_batch *times(struct sl_schema *s, int n, const int64_t *ts, const int64_t *wm)
{
    struct sl_batch *b = sl_batch_new(s, (size_t)n);
    for (int c = 0; c < s->nfields; c++) {
        struct sl_builder build;
        sl_builder_init(&build, s->fields[c].type, NULL, 0);
        for (int i = 0; i < n; i++) {
            int64_t v = c && wm ? wm[i] : ts[i];
            if (v)
                sl_builder_int(&build, v);
            else
                sl_builder_null(&build);
        }
        b->columns[c] = sl_builder_finish(&build, &err);
        sl_builder_release(&build);
    }
    return b;
}

static struct sl_schema *times_schema(int nanoseconds, int with_wm)
{
    struct sl_schema *s = sl_schema_new();
    struct sl_type t = sl_type_of(SL_TIMESTAMPTZ);
    t.nsec = nanoseconds != 0;
    CHECK(sl_schema_add(s, "ts", 2, t, &err) == 0);
    CHECK(!with_wm || sl_schema_add(s, "_wm", 3, sl_type_of(SL_TIMESTAMPTZ), &err) == 0);
    CHECK(sl_schema_set_meta(s, SL_META_TIME, "ts") == 0);
    return s;
}

/* A window of [10 s, 20 s), lateness 5 s: it closes when the watermark is at 25 s, not before, and a
 * row is late from the same moment on. */
static void windows_close(void)
{
    static const int64_t s = SL_USEC_PER_SEC, seen[] = {10 * s, 20 * s - 1, 20 * s};
    static const int64_t wm[] = {25 * s - 1, 25 * s - 1, 25 * s};
    struct text_aggregate_options o = {.window = "10 seconds", .lateness = 5 * s};
    struct sl_schema *in = times_schema(0, 1);
    struct sl_op *op = bound_to(text_aggregate(&o, &env, &account, &err), in);
    struct sl_batch *b = times(in, 3, seen, wm), *late = times(in, 1, seen, wm + 2);
    struct gate g;
    gate_init(&g);
    CHECK(push_told(op, b, 25 * s - 1, SL_FLUSH, &g.emit, &err) >= 0);
    CHECK_INT(g.rows.n, 0);
    CHECK(sl_op_push(op, 0, late, SL_FLUSH, &g.emit, &err) >= 0);
    CHECK_INT(g.fate[SL_FATE_LATE], 1);
    CHECK(push_told(op, NULL, 25 * s, SL_FLUSH, &g.emit, &err) >= 0);
    CHECK_INT(g.rows.n, 1);
    CHECK_STR(g.rows.n ? g.rows.text[0] : NULL, "1970-01-01 00:00:10+00|1970-01-01 00:00:20+00|2");
    CHECK_INT(g.watermark, 20 * s);
    gate_free(&g);
    sl_batch_unref(b);
    sl_batch_unref(late);
    sl_schema_unref(in);
    sl_op_free(op);
}

/* Nanoseconds are rounded down to microseconds, before 1970 too. */
static void nanoseconds(void)
{
    static const int64_t ts[] = {-1, 1999999999, -1000000001, 2000000000};
    struct text_aggregate_options o = {.window = "1 second"};
    struct sl_schema *in = times_schema(1, 0);
    struct sl_batch *b = times(in, 4, ts, NULL);
    struct sl_op *op = bound_to(text_aggregate(&o, &env, &account, &err), in);
    struct gate g;
    char got[400] = "";
    gate_init(&g);
    CHECK(sl_op_push(op, 0, b, SL_END, &g.emit, &err) >= 0);
    for (size_t i = 0; i < g.rows.n; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ", g.rows.text[i]);
    CHECK_STR(got, "1969-12-31 23:59:58+00|1969-12-31 23:59:59+00|1 "
                   "1969-12-31 23:59:59+00|1970-01-01 00:00:00+00|1 "
                   "1970-01-01 00:00:01+00|1970-01-01 00:00:02+00|1 "
                   "1970-01-01 00:00:02+00|1970-01-01 00:00:03+00|1 ");
    gate_free(&g);
    sl_op_free(op);
    sl_batch_unref(b);
    sl_schema_unref(in);
}

/* A limit wants no more from its last row on, and none at all if it is 0. */
static void limits(void)
{
    static const int64_t ts[] = {1, 2};
    struct sl_schema *in = times_schema(0, 0);
    struct sl_batch *b = times(in, 2, ts, NULL);
    for (int limit = 0; limit <= 4; limit += 2) {
        struct sl_op *op = bound_to(sl_limit_new(limit, &account, &err), in);
        struct gate g;
        gate_init(&g);
        for (int sent = 2; sent <= 6; sent += 2) {
            int want = sent < limit ? SL_PUSH_OK : SL_PUSH_DONE;
            CHECK_INT(sl_op_push(op, 0, b, SL_MORE, &g.emit, &err), want);
        }
        CHECK_INT(g.rows.n, limit);
        gate_free(&g);
        sl_op_free(op);
    }
    sl_batch_unref(b);
    sl_schema_unref(in);
}

/* last -f that has emitted its rows goes on passing rows after its state was saved and loaded; the
 * watermark of the rows it held back follows them. */
static void last_goes_on(void)
{
    struct sl_schema *in = rows_schema(1);
    struct feed f;
    struct gate g;
    struct memory_store m;
    memory_init(&m);
    gate_init(&g);
    feed_init(&f, 1, 10, 0, FORM_PLAIN, 1);
    struct sl_op *op = bound_to(sl_last_new(4, 1, &account, &err), in);
    struct sl_batch *a = feed_next(&f);
    int64_t watermark = f.watermark;
    struct sl_batch *b = feed_next(&f);
    CHECK(watermark != SL_TIME_MIN);
    CHECK(push_told(op, a, watermark, SL_BARRIER, &g.emit, &err) >= 0);
    CHECK_INT(g.rows.n, 4);
    CHECK_INT(g.watermark, watermark);
    CHECK(op->class->save(op, &m.store, &err) >= 0);
    sl_op_free(op);
    op = bound_to(sl_last_new(4, 1, &account, &err), in);
    CHECK(op->class->load(op, &m.store, &err) >= 0);
    CHECK(sl_op_push(op, 0, b, SL_MORE, &g.emit, &err) >= 0);
    CHECK_INT(g.rows.n, 14);
    sl_batch_unref(a);
    sl_batch_unref(b);
    sl_op_free(op);
    memory_free(&m);
    gate_free(&g);
    sl_schema_unref(in);
}

static void last_follows(void)
{
    struct sl_schema *in = rows_schema(0);
    struct sl_op *op = bound_to(sl_last_new(4, 1, &account, &err), in);
    struct gate g;
    struct feed f;
    struct sl_batch *b;
    int pushes = 0;
    gate_init(&g);
    feed_init(&f, PARTITIONS, 5, 1, FORM_LAZY, 0);
    while ((b = feed_next(&f)) && ++pushes) {
        CHECK(sl_op_push(op, 0, b, pushes == 6 ? SL_FLUSH : SL_MORE, &g.emit, &err) >= 0);
        sl_batch_unref(b);
        if (pushes == 5)
            CHECK_INT(g.rows.n, 0);
        if (pushes == 6)
            CHECK_INT(g.rows.n, 4);
        if (pushes == 7)
            CHECK_INT(g.rows.n, 9);
    }
    CHECK(sl_op_push(op, 0, NULL, SL_END, &g.emit, &err) >= 0);
    gate_free(&g);
    sl_schema_unref(in);
    sl_op_free(op);
}

int main(void)
{
    sl_account_init(&account, "test", 0, NULL);
    sl_err_init(&err);
    TEST("windows leave as they close, in order")
    windows_leave();
    TEST("a window closes, and rows are late for it, lateness behind its end")
    windows_close();
    TEST("times in nanoseconds are rounded down")
    nanoseconds();
    TEST("a limit says when it wants no more")
    limits();
    TEST("last, following")
    last_follows();
    TEST("last, following, saved and loaded")
    last_goes_on();
    TEST("all memory is given back")
    CHECK_INT(atomic_load(&account.used), 0);
    return test_done();
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * operators: what each operator promises beyond the contract: schemas and their metadata, needs,
 * orders, messages. When rows leave is in moment.c.
 */
#include "../test.h"
#include "harness.h"
#include "../op_texts.h"

static struct sl_expr_env env;
static struct sl_account account;
static struct sl_err err;

/* ---- helpers ---- */

static struct sl_schema *bind(struct sl_op *op, struct sl_schema *in)
{
    struct sl_schema *out = NULL;
    CHECK(op != NULL);
    CHECK(op && sl_op_schema(op, 0, in, &out, &err) >= 0);
    if (!out)
        printf("# %s\n", err.what);
    return out;
}

static void check_schema(struct sl_schema *s, const char *want)
{
    struct sl_buf b = SL_BUF_INIT;
    if (s)
        sl_schema_print(s, &b);
    CHECK_STR(b.data ? b.data : "", want);
    sl_buf_release(&b);
}

/* Names of the input columns that op needs for the output columns named in out (NULL: none). */
static void check_needs(struct sl_op *op, struct sl_schema *in, struct sl_schema *out,
                        const char *wanted, const char *want)
{
    uint8_t o[4] = {0}, i[4] = {0};
    char got[200] = "";
    for (int c = 0; wanted && c < out->nfields; c++)
        if (strstr(wanted, out->fields[c].name))
            sl_bit_set(o, (size_t)c);
    op->class->needs(op, 0, wanted ? o : NULL, i);
    for (int c = 0; c < in->nfields; c++)
        if (sl_bit(i, (size_t)c))
            snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ", in->fields[c].name);
    CHECK_STR(got, want);
}

static struct sl_op *project(const char *set, const char *select, const char *drop,
                             const char *rename)
{
    struct text_project_options o = {&set,  set != NULL,  &select, select != NULL,
                                     &drop, drop != NULL, &rename, rename != NULL};
    return text_project(&o, &env, &account, &err);
}

static struct sl_op *aggregate(const char *select, const char *by, const char *window)
{
    struct text_aggregate_options o = {.select = &select,
                                       .nselect = select != NULL,
                                       .by = &by,
                                       .nby = by != NULL,
                                       .window = window};
    return text_aggregate(&o, &env, &account, &err);
}

static void refuses(struct sl_op *op, const char *what, const char *hint)
{
    struct sl_schema *in = rows_schema(0), *out = NULL;
    if (op)
        CHECK_INT(sl_op_schema(op, 0, in, &out, &err), -SL_EUSAGE);
    CHECK(strstr(err.what, what) != NULL);
    CHECK(strstr(err.hint, hint) != NULL);
    if (!strstr(err.what, what) || !strstr(err.hint, hint))
        printf("# said: %s; %s\n", err.what, err.hint);
    sl_schema_unref(out);
    sl_schema_unref(in);
    sl_op_free(op);
}

/* All rows of all partitions through op; the output, one line a row, in gate. */
static void flow(struct sl_op *op, struct gate *g, size_t cut, int with_wm, int flush)
{
    struct sl_schema *in = rows_schema(with_wm), *out = bind(op, in);
    struct feed f;
    struct sl_batch *b;
    gate_init(g);
    feed_init(&f, PARTITIONS, cut, 1, FORM_DICT, with_wm);
    while ((b = feed_next(&f))) {
        CHECK(push_told(op, b, f.watermark, flush ? SL_FLUSH : SL_MORE, &g->emit, &err) >= 0);
        sl_batch_unref(b);
    }
    CHECK(sl_op_push(op, 0, NULL, SL_END, &g->emit, &err) >= 0);
    sl_schema_unref(in);
    sl_schema_unref(out);
}

/* One text or bigint column `c` from lines; "-" is null. */
static struct sl_batch *one_column(enum sl_kind kind, int n, const char *const *values)
{
    struct sl_schema *s = sl_schema_new();
    struct sl_builder b;
    CHECK(sl_schema_add(s, "c", 1, sl_type_of(kind), &err) == 0);
    struct sl_batch *batch = sl_batch_new(s, (size_t)n);
    sl_builder_init(&b, sl_type_of(kind), NULL, 0);
    for (int i = 0; i < n; i++) {
        if (!strcmp(values[i], "-"))
            sl_builder_null(&b);
        else if (kind == SL_TEXT)
            sl_builder_bytes(&b, values[i], strlen(values[i]));
        else if (kind == SL_DOUBLE)
            sl_builder_double(&b, strtod(values[i], NULL));
        else
            sl_builder_int(&b, strtoll(values[i], NULL, 10));
    }
    batch->columns[0] = sl_builder_finish(&b, &err);
    sl_builder_release(&b);
    sl_schema_unref(s);
    return batch;
}

/* The rows of one column through op, joined by spaces. */
static void check_rows(struct sl_op *op, enum sl_kind kind, int n, const char *const *values,
                       const char *want)
{
    struct sl_batch *b = one_column(kind, n, values);
    struct sl_schema *out = bind(op, b->schema);
    struct gate g;
    char got[500] = "";
    gate_init(&g);
    CHECK(sl_op_push(op, 0, b, SL_MORE, &g.emit, &err) >= 0);
    CHECK(sl_op_push(op, 0, NULL, SL_END, &g.emit, &err) >= 0);
    for (size_t i = 0; i < g.rows.n; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
                 g.rows.text[i]);
    CHECK_STR(got, want);
    gate_free(&g);
    sl_schema_unref(out);
    sl_batch_unref(b);
    sl_op_free(op);
}

/* ---- tests ---- */

static void project_schemas(void)
{
    struct sl_schema *in = rows_schema(1), *out;
    struct sl_op *op;
    CHECK(sl_schema_set_meta(in, SL_META_KEY, "k,d") == 0);
    CHECK(sl_schema_set_meta(in, SL_META_HASH, "murmur2") == 0);

    op = project("z = n + 1, n = 2", "ts as at, z, k, d", "z", "k = kk");
    out = bind(op, in);
    check_schema(out, "at timestamptz, kk text, d text, _partition bigint, _offset bigint, "
                      "_wm timestamptz");
    CHECK_STR(sl_schema_meta(out, SL_META_TIME), "at");
    CHECK_STR(sl_schema_meta(out, SL_META_KEY), "kk,d");
    sl_schema_unref(out);
    sl_op_free(op);

    op = project(NULL, NULL, "ts, k", NULL);
    out = bind(op, in);
    CHECK(!sl_schema_meta(out, SL_META_TIME));
    CHECK(!sl_schema_meta(out, SL_META_KEY) && !sl_schema_meta(out, SL_META_HASH));
    sl_schema_unref(out);
    sl_op_free(op);

    op = project("ts = date_trunc('hour', ts)", NULL, "_wm", NULL);
    out = bind(op, in);
    CHECK_STR(sl_schema_meta(out, SL_META_TIME), "ts");
    CHECK(sl_schema_find(out, "_wm", 3) < 0);
    CHECK_STR(sl_schema_meta(out, SL_META_ORDER), "hidden");
    sl_schema_unref(out);
    sl_op_free(op);

    op = project(NULL, "_offset, n", NULL, NULL);
    out = bind(op, in);
    check_schema(out, "_offset bigint, n bigint, _wm timestamptz");
    CHECK(!sl_schema_meta(out, SL_META_ORDER)); /* shown, and half of an order is none */
    sl_schema_unref(out);
    sl_op_free(op);

    op = project(NULL, "_offset, _partition", NULL, NULL);
    out = bind(op, in);
    CHECK_STR(sl_schema_meta(out, SL_META_ORDER), "shown");
    sl_schema_unref(out);
    sl_op_free(op);

    op = project("_offset = 7", NULL, NULL, NULL);
    out = bind(op, in);
    CHECK(!sl_schema_meta(out, SL_META_ORDER));
    sl_schema_unref(out);
    sl_op_free(op);

    op = project("ts = n", NULL, NULL, NULL);
    out = bind(op, in);
    CHECK(!sl_schema_meta(out, SL_META_TIME));
    sl_schema_unref(out);
    sl_op_free(op);
    sl_schema_unref(in);
}

static void needs(void)
{
    struct sl_schema *in = rows_schema(1), *out;
    const char *where = "n > 0 and b";
    struct sl_op *op = text_filter(&where, 1, &env, &account, &err);
    out = bind(op, in);
    check_needs(op, in, out, NULL, "n b ");
    check_needs(op, in, out, "k", "k n b ");
    sl_schema_unref(out);
    sl_op_free(op);

    op = project("z = n + 1, y = p", "z, k, ts as t", NULL, "k = w2");
    out = bind(op, in);
    check_needs(op, in, out, NULL, "n ");
    check_needs(op, in, out, "w2", "k n ");
    check_needs(op, in, out, "t", "ts n ");
    sl_schema_unref(out);
    sl_op_free(op);

    op = aggregate("count(*), sum(p) filter (where b)", "k", "1 minute");
    out = bind(op, in);
    check_needs(op, in, out, NULL, "ts k p b _wm ");
    sl_schema_unref(out);
    sl_op_free(op);

    op = text_sort("lower(d), x", 5, &env, &account, &err);
    out = bind(op, in);
    check_needs(op, in, out, "n", "d n x _partition _offset ");
    sl_schema_unref(out);
    sl_op_free(op);
    sl_schema_unref(in);
}

static void aggregate_schemas(void)
{
    struct sl_schema *in = rows_schema(1), *out;
    struct sl_op *op = aggregate("count(*), p99(n), avg(n) as a", "k, lower(d)", "1 hour");
    out = bind(op, in);
    check_schema(out, "window_start timestamptz, window_end timestamptz, k text, lower_d text, "
                      "count bigint, p99_n bigint, a double precision");
    CHECK_STR(sl_schema_meta(out, SL_META_TIME), "window_start");
    CHECK(op->traits == (SL_OP_MERGE | SL_OP_CHANGES | SL_OP_WATERMARK));
    sl_schema_unref(out);
    sl_op_free(op);
    op = aggregate(NULL, "k", NULL);
    out = bind(op, in);
    check_schema(out, "k text, count bigint");
    CHECK(!sl_schema_meta(out, SL_META_TIME));
    sl_schema_unref(out);
    sl_op_free(op);
    op = aggregate("last(n)", NULL, NULL);
    out = bind(op, in);
    CHECK(op->traits == (SL_OP_MERGE | SL_OP_CHANGES)); /* ranks are columns */
    sl_schema_unref(out);
    struct sl_schema *plain = sl_schema_copy(in);
    CHECK(plain && sl_schema_set_meta(plain, SL_META_ORDER, NULL) == 0);
    out = bind(op, plain);
    CHECK(op->traits == (SL_OP_ORDERED | SL_OP_CHANGES)); /* rows rank by their arrival */
    sl_schema_unref(plain);
    sl_schema_unref(out);
    sl_op_free(op);
    sl_schema_unref(in);
}

static void messages(void)
{
    struct sl_schema *in = sl_schema_new(), *out = NULL;
    struct sl_op *op = aggregate("count(*)", NULL, "1 minute");
    CHECK(sl_schema_add(in, "n", 1, sl_type_of(SL_BIGINT), &err) == 0);
    CHECK_INT(sl_op_schema(op, 0, in, &out, &err), -SL_EUSAGE);
    CHECK(strstr(err.what, "time column") && strstr(err.hint, "--time"));
    sl_op_free(op);
    sl_schema_unref(in);

    refuses(aggregate("count(*)", NULL, "1 fortnight"), "fortnight", "1 minute");
    refuses(aggregate("count(*)", "k, k", NULL), "k", "");
    refuses(aggregate("count(*), count(*) as count", NULL, NULL), "count", "as");
    refuses(project("n = 1, n = 2", NULL, NULL, NULL), "two items", "");
    refuses(project(NULL, NULL, "ts, k, d, n, x, p, w, b", NULL), "no column", "");
    refuses(text_sort("nn", -1, &env, &account, &err), "nn", "n");
    const char *where = "n = ";
    refuses(text_filter(&where, 1, &env, &account, &err), "", "");
}

static void over_budget(void)
{
    struct sl_account small;
    struct gate g;
    struct sl_schema *in, *out = NULL;
    struct feed f;
    struct sl_batch *b;
    int rc = 0;
    sl_account_init(&small, "aggregate", 8000, NULL);
    const char *by = "x, w, n", *none = NULL;
    struct text_aggregate_options o = {.select = &none, .by = &by, .nby = 1};
    struct sl_op *op = text_aggregate(&o, &env, &small, &err);
    in = rows_schema(0);
    CHECK(sl_op_schema(op, 0, in, &out, &err) >= 0);
    gate_init(&g);
    feed_init(&f, PARTITIONS, 10, 0, FORM_PLAIN, 0);
    while (rc >= 0 && (b = feed_next(&f))) {
        rc = sl_op_push(op, 0, b, SL_MORE, &g.emit, &err);
        sl_batch_unref(b);
    }
    CHECK_INT(rc, -SL_ENOMEM);
    CHECK(strstr(err.hint, "--memory"));
    sl_op_free(op);
    CHECK_INT(atomic_load(&small.used), 0);
    gate_free(&g);
    sl_schema_unref(in);
    sl_schema_unref(out);
}

static struct sl_op *order(const char *by, int64_t limit)
{
    return text_sort(by, limit, &env, &account, &err);
}

static void sorts(void)
{
    static const char *const n[] = {"3", "-", "-5", "9223372036854775807", "0", "-", "2"};
    static const char *const x[] = {"1.5", "nan", "-inf", "-", "0", "-0.0", "1e300"};
    static const char *const t[] = {"b", "", "abcdefghij", "-", "abcdefghia", "Z", "ab"};
    check_rows(order("c", -1), SL_BIGINT, 7, n, "-5 0 2 3 9223372036854775807 (null) (null)");
    check_rows(order("c asc nulls first", -1), SL_BIGINT, 7, n,
               "(null) (null) -5 0 2 3 9223372036854775807");
    check_rows(order("c desc", -1), SL_BIGINT, 7, n, "(null) (null) 9223372036854775807 3 2 0 -5");
    check_rows(order("c DESC NULLS LAST", 3), SL_BIGINT, 7, n, "9223372036854775807 3 2");
    check_rows(order("c", -1), SL_DOUBLE, 7, x, "-Infinity 0 -0 1.5 1e+300 NaN (null)");
    check_rows(order("c desc nulls last", -1), SL_DOUBLE, 7, x,
               "NaN 1e+300 1.5 0 -0 -Infinity (null)");
    check_rows(order("c", -1), SL_TEXT, 7, t, " Z ab abcdefghia abcdefghij b (null)");
    check_rows(order("upper(c) desc nulls last, c", 2), SL_TEXT, 7, t, "Z b");
    check_rows(order("c = 'b, (' desc nulls last, c", 2), SL_TEXT, 7, t, " Z");
    check_rows(order(NULL, 3), SL_TEXT, 7, t, "b  abcdefghij");
    check_rows(order("c", 0), SL_TEXT, 7, t, "");
    check_rows(sl_last_new(2, 0, &account, &err), SL_TEXT, 7, t, "Z ab");
    check_rows(sl_last_new(0, 0, &account, &err), SL_TEXT, 7, t, "");
}

static void no_rows(void)
{
    check_rows(aggregate("count(*), sum(c)", NULL, NULL), SL_BIGINT, 0, NULL, "0|(null)");
    check_rows(aggregate("count(*)", "c", NULL), SL_BIGINT, 0, NULL, "");
}

static void groups(void)
{
    static const char *const x[] = {"0", "-0.0", "nan", "-nan", "-", "-", "1"};
    check_rows(aggregate("count(*)", "c", NULL), SL_DOUBLE, 7, x, "0|2 1|1 NaN|2 (null)|2");
    static const char *const n[] = {"9223372036854775807", "9223372036854775807", "-"};
    check_rows(aggregate("sum(c), avg(c) as a, count(c)", NULL, NULL), SL_BIGINT, 3, n,
               "18446744073709551614|9.223372036854776e+18|2");
    check_rows(aggregate("p50(c), p99(c), percentile_cont(0.5) within group (order by c) as m",
                         NULL, NULL),
               SL_BIGINT, 3, n, "9223372036854775807|9223372036854775807|9.223372036854776e+18");
}

/* A failing item of the result names its group. */
static void failing_item(void)
{
    static const char *const n[] = {"5", "5", "7"};
    struct sl_batch *b = one_column(SL_BIGINT, 3, n);
    struct sl_op *op = aggregate("10 / (count(*) - 2) as q", "c", NULL);
    struct sl_schema *out = bind(op, b->schema);
    struct gate g;
    gate_init(&g);
    CHECK(sl_op_push(op, 0, b, SL_MORE, &g.emit, &err) >= 0);
    CHECK_INT(sl_op_push(op, 0, NULL, SL_END, &g.emit, &err), -SL_EFAIL);
    CHECK(strstr(err.what, "q: ") && strstr(err.what, "c = 5"));
    gate_free(&g);
    sl_schema_unref(out);
    sl_batch_unref(b);
    sl_op_free(op);
}

/* A state of another plan, or a damaged one, is refused. */
static void foreign_state(void)
{
    struct memory_store m;
    struct gate g;
    memory_init(&m);
    struct sl_op *a = aggregate("count(*)", "k", NULL), *b = aggregate("sum(x)", "k", NULL);
    struct sl_op *c = aggregate("count(*)", "n", NULL), *d = aggregate("count(*)", "k, d", NULL);
    struct sl_schema *in = rows_schema(0), *out[3];
    struct feed f;
    gate_init(&g);
    out[0] = bind(a, in);
    feed_init(&f, 1, 9, 0, FORM_PLAIN, 0);
    struct sl_batch *rows = feed_next(&f);
    CHECK(sl_op_push(a, 0, rows, SL_BARRIER, &g.emit, &err) >= 0);
    CHECK(a->class->save(a, &m.store, &err) >= 0);
    out[1] = bind(b, in);
    CHECK_INT(b->class->load(b, &m.store, &err), -SL_ECORRUPT);
    out[2] = bind(c, in);
    CHECK_INT(c->class->load(c, &m.store, &err), -SL_ECORRUPT);
    sl_schema_unref(bind(d, in));
    CHECK_INT(d->class->load(d, &m.store, &err), -SL_ECORRUPT);
    CHECK(strstr(err.hint, "--reset-state"));
    for (int i = 0; i < 3; i++)
        sl_schema_unref(out[i]);
    sl_batch_unref(rows);
    sl_schema_unref(in);
    sl_op_free(a);
    sl_op_free(b);
    sl_op_free(c);
    sl_op_free(d);
    memory_free(&m);
    gate_free(&g);
}

static void plans(void)
{
    struct sl_buf a = SL_BUF_INIT, b = SL_BUF_INIT;
    struct sl_schema *in = rows_schema(0);
    struct sl_op *x = aggregate("count(*)", "k", "1 day"),
                 *y = aggregate("count(*)", "k", "24 hours");
    sl_schema_unref(bind(x, in));
    sl_schema_unref(bind(y, in));
    x->class->plan(x, &a);
    y->class->plan(y, &b);
    CHECK_STR(a.data, "aggregate select 'count(*)' by k window 1 day in UTC of ts lateness 0 us");
    CHECK_STR(b.data, "aggregate select 'count(*)' by k window 86400000000 us of ts lateness 0 us");
    sl_buf_release(&a);
    sl_buf_release(&b);
    sl_op_free(x);
    sl_op_free(y);
    sl_schema_unref(in);
}

/* Ten thousand bad rows among as many good ones: told in one call, in reasonable time. */
static void many_bad_rows(void)
{
    enum { N = 20000 };
    const char *where = "10 / c > 0";
    struct sl_schema *s = sl_schema_new();
    struct sl_builder build;
    struct gate g;
    CHECK(sl_schema_add(s, "c", 1, sl_type_of(SL_BIGINT), &err) == 0);
    struct sl_batch *b = sl_batch_new(s, N);
    sl_builder_init(&build, sl_type_of(SL_BIGINT), NULL, 0);
    for (int i = 0; i < N; i++)
        sl_builder_int(&build, i % 2);
    b->columns[0] = sl_builder_finish(&build, &err);
    sl_builder_release(&build);
    struct sl_op *op = text_filter(&where, 1, &env, &account, &err);
    sl_schema_unref(bind(op, s));
    gate_init(&g);
    CHECK(sl_op_push(op, 0, b, SL_END, &g.emit, &err) >= 0);
    CHECK_INT(g.rejects.n, N / 2);
    CHECK_INT(g.asides, 1);
    CHECK_INT(g.out, N / 2);
    CHECK_INT(g.fate[SL_FATE_FILTERED], 0);
    gate_free(&g);
    sl_op_free(op);
    sl_batch_unref(b);
    sl_schema_unref(s);
}

/* Two conditions, and two computed columns: each row is told once, in the order of the rows, with
 * what it fails first. */
static void bad_rows_in_order(void)
{
    const char *where[] = {"10 / c > 0", "10 / (c - 3) <> 0"}, *set = "x = 1 / (c - 4), y = 1 / c";
    struct sl_schema *s = sl_schema_new();
    struct sl_builder build;
    CHECK(sl_schema_add(s, "c", 1, sl_type_of(SL_BIGINT), &err) == 0);
    struct sl_batch *b = sl_batch_new(s, 6);
    sl_builder_init(&build, sl_type_of(SL_BIGINT), NULL, 0);
    for (int i = 0; i < 6; i++)
        sl_builder_int(&build, 5 - i);
    b->columns[0] = sl_builder_finish(&build, &err);
    sl_builder_release(&build);
    struct sl_op *ops[] = {text_filter(where, 2, &env, &account, &err),
                           project(set, NULL, NULL, NULL)};
    static const char *const want[2][2] = {{"3", "0"}, {"4", "0"}};
    for (int k = 0; k < 2; k++) {
        struct gate g;
        sl_schema_unref(bind(ops[k], s));
        gate_init(&g);
        CHECK(sl_op_push(ops[k], 0, b, SL_END, &g.emit, &err) >= 0);
        CHECK_INT(g.rejects.n, 2);
        for (size_t i = 0; i < 2 && i < g.rejects.n; i++)
            CHECK_STR(g.rejects.text[i], want[k][i]);
        CHECK_INT(g.out, 4);
        gate_free(&g);
        sl_op_free(ops[k]);
    }
    sl_batch_unref(b);
    sl_schema_unref(s);
}

int main(void)
{
    struct gate g;
    sl_account_init(&account, "test", 0, NULL);
    sl_err_init(&err);
    TEST("project follows time, key and hidden columns")
    project_schemas();
    TEST("operators say which columns they need")
    needs();
    TEST("an aggregate's schema and traits")
    aggregate_schemas();
    TEST("messages name the thing and the remedy")
    messages();
    TEST("over the budget of memory is an error that names --memory")
    over_budget();
    TEST("orders are PostgreSQL's")
    sorts();
    TEST("no rows")
    no_rows();
    TEST("equal keys and big sums")
    groups();
    TEST("a failing item of a result names its group")
    failing_item();
    TEST("another plan's state is refused")
    foreign_state();
    TEST("plans")
    plans();
    TEST("many bad rows")
    many_bad_rows();
    TEST("bad rows are told in their order, each once")
    bad_rows_in_order();
    TEST("filter without conditions passes all")
    {
        struct sl_op *op = text_filter(NULL, 0, &env, &account, &err);
        flow(op, &g, 7, 0, 0);
        CHECK_INT(g.out, g.rows.n);
        CHECK(g.out == PARTITIONS * ROWS * 4 / 5);
        gate_free(&g);
        sl_op_free(op);
    }
    TEST("all memory is given back")
    CHECK_INT(atomic_load(&account.used), 0);
    return test_done();
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* list: lists, assignments, names, renamings, orders and the select of an aggregate. */
#include "expr_test.h"

static const char schema_text[] = "country text, event text, price numeric(12,2), qty bigint, ms "
                                  "double precision, ts timestamptz, "
                                  "\"user\" text, \"end\" bigint, \"a.b\" bigint";

static const struct sl_expr_env env = {TEST_NOW, NULL, NULL};

/* "name=canonical:type, ..." of items, or "!column: what". */
static void show_items(const struct sl_expr_item *items, int n, struct sl_buf *out)
{
    for (int i = 0; i < n; i++) {
        sl_buf_printf(out, "%s%s=", i ? ", " : "", items[i].name);
        sl_expr_print(items[i].expr, out);
        sl_buf_addch(out, ':');
        sl_type_print(sl_expr_type(items[i].expr), out);
    }
}

static void show_error(const struct sl_err *err, struct sl_buf *out)
{
    sl_buf_reset(out);
    sl_buf_printf(out, "!%d: %s", err->column, err->what);
}

static void check_text(const char *text, struct sl_buf *got, const char *want)
{
    if (!got->data || strncmp(got->data, want, strlen(want)) != 0 ||
        (want[0] != '!' && got->len != strlen(want))) {
        printf("# %s\n#   gives %s\n#   not   %s\n", text, got->data ? got->data : "", want);
        test_bad = 1;
    }
    sl_buf_reset(got);
}

/* What each text parses to, or where and why it does not. */
static void check_items(__typeof__(text_list) *parse, struct sl_schema *s,
                        const char *const (*cases)[2], size_t n)
{
    struct sl_buf got = SL_BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        struct sl_expr_list l;
        struct sl_err err;
        if (parse(cases[i][0], strlen(cases[i][0]), s, &env, &l, &err) < 0)
            show_error(&err, &got);
        else
            show_items(l.items, l.n, &got);
        check_text(cases[i][0], &got, cases[i][1]);
        sl_expr_list_release(&l);
    }
    sl_buf_release(&got);
}

static void check_lists(struct sl_schema *s)
{
    static const char *const cases[][2] = {
        {"country", "country=country:text"},
        {"country, lower(event)", "country=country:text, lower_event=lower(event):text"},
        {"lower(event) as e, price * qty as total, qty + 1",
         "e=lower(event):text, total=price * qty:numeric(31,2), qty + 1=qty + 1:bigint"},
        {"ts::date, date_trunc('hour', ts), extract(hour from ts)",
         "ts=ts::date:date, date_trunc_ts=date_trunc('hour', ts):timestamptz, "
         "extract_ts=extract('hour' from ts):bigint"},
        {"coalesce(qty, 0), case when qty > 1 then 1 else 0 end, user",
         "coalesce_qty=coalesce(qty, 0):bigint, case=case when qty > 1 then 1 else 0 end:bigint, "
         "user=\"user\":text"},
        {"COUNTRY", "country=country:text"},
        {"a.b", "a.b=a.b:bigint"},
        {"country as \"Land\"", "Land=country:text"},
        {"country, country", "!10: two items are named country"},
        {"country, event as country", "!10: two items are named country"},
        {"country, evnt", "!10: "},
        {"", "!1: "},
        {"country order by 1", "!18: ORDER BY"},
        {"country, sum(qty)", "!10: the aggregate sum has no place here"},
    };
    check_items(text_list, s, cases, SL_COUNT(cases));
}

static void check_sets(struct sl_schema *s)
{
    static const char *const cases[][2] = {
        {"total = price * qty, day = ts::date",
         "total=price * qty:numeric(31,2), day=ts::date:date"},
        {"flag = qty > 1 and country = 'de'", "flag=(qty > 1) and (country = 'de'):boolean"},
        {"flag = (country = 'de')", "flag=country = 'de':boolean"},
        {"a.b = qty, \"x y\" = 1", "a.b=qty:bigint, x y=1:bigint"},
        {"n = null", "n=null:text"},
        {"\"end\" = 1", "end=1:bigint"},
        {"end = 1", "!1: syntax error"},
        {"ü = 1, y = nope", "!12: "},
        {"qty", "!4: syntax error"},
        {"qty = 1, qty = 2", "!10: two items are named qty"},
        {"qty = 1 where qty > 2", "!15: only"},
        {"qty = 1; drop table x", "!1: only"},
    };
    check_items(text_set, s, cases, SL_COUNT(cases));
}

static void check_names(struct sl_schema *s)
{
    int *index, n;
    char **names;
    struct sl_err err;
    struct sl_buf got = SL_BUF_INIT;
    static const char five[] = "country, user, \"end\", a.b, QTY";
    CHECK_INT(text_names(five, strlen(five), s, &index, &n, &err), 0);
    CHECK(n == 5 && index[0] == 0 && index[1] == 6 && index[2] == 7 && index[3] == 8 &&
          index[4] == 3);
    free(index);
    CHECK_INT(text_names("country, 1 + 1", 14, s, &index, &n, &err), -SL_EUSAGE);
    CHECK(err.column == 10 && index == NULL && n == 0);
    CHECK_INT(text_names("contry", 6, s, &index, &n, &err), -SL_EUSAGE);
    CHECK(strstr(err.hint, "country") != NULL);
    CHECK_INT(
        text_rename("country = land, \"user\" = \"the user\"", 35, s, &index, &names, &n, &err), 0);
    CHECK(n == 2 && index[0] == 0 && index[1] == 6);
    CHECK_STR(names[0], "land");
    CHECK_STR(names[1], "the user");
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    free(index);
    CHECK_INT(text_rename("country = 5", 11, s, &index, &names, &n, &err), -SL_EUSAGE);
    CHECK_INT(err.column, 11);
    CHECK_INT(text_rename("country = a, nope = b", 21, s, &index, &names, &n, &err), -SL_EUSAGE);
    CHECK_INT(err.column, 14);
    sl_buf_release(&got);
}

static void check_orders(struct sl_schema *s)
{
    struct sl_expr_order *o;
    struct sl_err err;
    int n;
    static const char text[] = "qty desc nulls last, lower(country), ms desc, ts nulls first";
    CHECK_INT(text_order(text, strlen(text), s, &env, &o, &n, &err), 0);
    CHECK_INT(n, 4);
    CHECK(o[0].descending && !o[0].nulls_first && !o[1].descending && !o[1].nulls_first);
    CHECK(o[2].descending && o[2].nulls_first && !o[3].descending && o[3].nulls_first);
    CHECK_INT(sl_expr_is_column(o[0].expr), 3);
    CHECK_INT(sl_expr_is_column(o[1].expr), -1);
    uint8_t bits[2] = {0};
    sl_expr_columns(o[1].expr, bits);
    CHECK(bits[0] == 1 && bits[1] == 0);
    sl_expr_order_free(o, n);
    CHECK_INT(text_order("qty, nope desc", 14, s, &env, &o, &n, &err), -SL_EUSAGE);
    CHECK_INT(err.column, 6);
}

static void show_aggregates(const struct sl_agg_list *l, struct sl_buf *out)
{
    for (int i = 0; i < l->ncalls; i++) {
        sl_buf_printf(out, "%s%s %d %g ", i ? ", " : "", l->calls[i].text, (int)l->calls[i].kind,
                      l->calls[i].quantile);
        sl_type_print(l->calls[i].type, out);
    }
    sl_buf_addstr(out, " | ");
    show_items(l->items, l->nitems, out);
}

static const char *const aggregates[][2] = {
    {"count(*)", "count(*) 1 0 bigint | count=\"count(*)\":bigint"},
    {"count(*) as n, p99(ms)",
     "count(*) 1 0 bigint, p99(ms) 9 0.99 double precision | n=\"count(*)\":bigint, "
     "p99_ms=\"p99(ms)\":double precision"},
    {"sum(price), sum(qty), sum(ms), avg(qty), avg(price)",
     "sum(price) 3 0 numeric(38,2), sum(qty) 3 0 numeric(38,0), sum(ms) 3 0 double precision, "
     "avg(qty) 4 0 double precision, avg(price) 4 0 double precision | "
     "sum_price=\"sum(price)\":numeric(38,2), sum_qty=\"sum(qty)\":numeric(38,0), "
     "sum_ms=\"sum(ms)\":double precision, avg_qty=\"avg(qty)\":double precision, "
     "avg_price=\"avg(price)\":double precision"},
    {"count(distinct user), count(qty), min(ts), max(country), first(event), last(qty)",
     "count(distinct \"user\") 2 0 bigint, count(qty) 2 0 bigint, min(ts) 5 0 timestamptz, "
     "max(country) 6 0 text, first(event) 7 0 text, last(qty) 8 0 bigint | "
     "count_distinct_user=\"count(distinct \"\"user\"\")\":bigint, "
     "count_qty=\"count(qty)\":bigint, min_ts=\"min(ts)\":timestamptz, "
     "max_country=\"max(country)\":text, first_event=\"first(event)\":text, "
     "last_qty=\"last(qty)\":bigint"},
    {"p5(qty), p50(qty), p999(qty), median(qty)",
     "p5(qty) 9 0.05 bigint, p50(qty) 9 0.5 bigint, p999(qty) 9 0.999 bigint, "
     "median(qty) 10 0.5 double precision | p5_qty=\"p5(qty)\":bigint, "
     "p50_qty=\"p50(qty)\":bigint, p999_qty=\"p999(qty)\":bigint, "
     "median_qty=\"median(qty)\":double precision"},
    {"percentile_cont(0.25) within group (order by qty), percentile_disc(0.5) within group "
     "(order by ts)",
     "percentile_cont(0.25) within group (order by qty) 10 0.25 double precision, "
     "percentile_disc(0.5) within group (order by ts) 9 0.5 timestamptz | "
     "percentile_cont_qty=\"percentile_cont(0.25) within group (order by qty)\":double "
     "precision, percentile_disc_ts=\"percentile_disc(0.5) within group (order by "
     "ts)\":timestamptz"},
    {"count(*) filter (where qty > 1) as big, count(*)",
     "count(*) filter (where qty > 1) 1 0 bigint, count(*) 1 0 bigint | big=\"count(*) filter "
     "(where qty > 1)\":bigint, count=\"count(*)\":bigint"},
    {"sum(qty) / count(*) as mean, count(*) * 2 as twice",
     "sum(qty) 3 0 numeric(38,0), count(*) 1 0 bigint | mean=\"sum(qty)\" / "
     "\"count(*)\":double precision, twice=\"count(*)\" * 2:bigint"},
    {"country, upper(country) as up, sum(price * qty)",
     "sum(price * qty) 3 0 numeric(38,2) | country=country:text, up=upper(country):text, "
     "sum=\"sum(price * qty)\":numeric(38,2)"},
    {"lower_event, count(*)",
     "count(*) 1 0 bigint | lower_event=lower_event:text, count=\"count(*)\":bigint"},
    {"lower_event || '!' as e", " | e=lower_event || '!':text"},
    {"lower(event)", "!7: column event is neither a key nor inside an aggregate"},
    {"window_start + interval '1 hour' as next, count(*)",
     "count(*) 1 0 bigint | next=window_start + '01:00:00'::interval:timestamptz, "
     "count=\"count(*)\":bigint"},
    {"sum(qty) + sum(QTY) as s",
     "sum(qty) 3 0 numeric(38,0) | s=\"sum(qty)\" + \"sum(qty)\":numeric(38,0)"},
    {"count(*), count(*)", "!11: two items are named count"},
    {"sum(price), sum(qty) as sum_price", "!13: two items are named sum_price"},
    {"price", "!1: column price is neither a key nor inside an aggregate"},
    {"country, qty + 1", "!10: column qty is neither a key nor inside an aggregate"},
    {"sum(sum(qty))", "!5: the aggregate sum has no place here"},
    {"sum(country)", "!1: sum takes numbers, not text"},
    {"sum(*)", "!1: sum(*) is not a thing"},
    {"sum(distinct qty)",
     "sum(distinct qty) 3 0 numeric(38,0) | sum_distinct_qty=\"sum(distinct qty)\":numeric(38,0)"},
    {"sum()", "!1: "},
    {"sum(qty, qty)", "!1: "},
    {"count(*) filter (where qty)", "!24: FILTER"},
    {"percentile_cont(0.5, qty)", "!1: a percentile"},
    {"percentile_cont(2) within group (order by qty)", "!1: a percentile takes"},
    {"p100(qty)", "!1: there is no function"},
    {"p00(qty)", "!1: there is no function"},
    {"summ(qty)", "!1: there is no function"},
    {"nope", "!1: "},
    {"sum(nope)", "!5: "},
    {"count(*) over ()", "!1: window"},
    {"*", "!1: "},
    {"", "!1: "},
};

static void check_aggregates(struct sl_schema *s)
{
    struct sl_schema *keys = test_schema("window_start timestamptz, window_end timestamptz, "
                                         "country text, lower_event text");
    struct sl_err err;
    struct sl_buf got = SL_BUF_INIT;
    for (size_t i = 0; i < SL_COUNT(aggregates); i++) {
        struct sl_agg_list l;
        if (text_aggregates(aggregates[i][0], strlen(aggregates[i][0]), s, keys, &env, &l, &err) <
            0)
            show_error(&err, &got);
        else
            show_aggregates(&l, &got);
        check_text(aggregates[i][0], &got, aggregates[i][1]);
        sl_agg_list_release(&l);
    }
    sl_schema_unref(keys);
    sl_buf_release(&got);
}

/* Each allocation fails in turn: there is no list, or it is the right one. */
static void check_names_without_memory(struct sl_schema *s)
{
    static const char text[] = "lower(country), p99(ms), qty * 2";
    struct sl_buf got = SL_BUF_INIT;
    int rc = -SL_ENOMEM;
    for (uint64_t n = 1; rc < 0 && !test_bad; n++) {
        struct sl_agg_list l;
        struct sl_err err;
        sl_mem_fail_at(n, 0);
        rc = text_aggregates(text, strlen(text), s, s, &env, &l, &err);
        sl_mem_fail_at(0, 0);
        if (rc < 0) {
            CHECK_INT(rc, -SL_ENOMEM);
        } else {
            for (int i = 0; i < l.nitems; i++)
                sl_buf_printf(&got, "%s ", l.items[i].name);
            check_text(text, &got, "lower_country p99_ms qty * 2 ");
        }
        sl_agg_list_release(&l);
    }
    sl_buf_release(&got);
}

int main(void)
{
    struct sl_schema *s = test_schema(schema_text);
    TEST("items have the name given or one that follows from them")
    {
        check_lists(s);
    }
    TEST("assignments")
    {
        check_sets(s);
    }
    TEST("names and renamings")
    {
        check_names(s);
    }
    TEST("orders")
    {
        check_orders(s);
    }
    TEST("the select of an aggregate")
    {
        check_aggregates(s);
    }
    TEST("no item gets another name for want of memory")
    {
        check_names_without_memory(s);
    }
    sl_schema_unref(s);
    return test_done();
}

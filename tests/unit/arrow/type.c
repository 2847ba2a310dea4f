/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
#include "../test.h"
#include "arrow/foreign.h"
#include "arrow/schema.h"

static const char *name_of(struct sl_type t)
{
    static char text[64];
    struct sl_buf b = SL_BUF_INIT;
    sl_type_print(t, &b);
    snprintf(text, sizeof text, "%s", b.data);
    sl_buf_release(&b);
    return text;
}

/* The type's name after parsing, or "" if it is refused. */
static const char *parsed(const char *s)
{
    struct sl_type t;
    struct sl_err err;
    sl_err_init(&err);
    if (sl_type_parse(s, strlen(s), &t, &err) < 0) {
        CHECK_INT(err.code, SL_EUSAGE);
        return "";
    }
    return name_of(t);
}

static const char *widened(const char *a, const char *b)
{
    struct sl_type x, y, out, back;
    if (sl_type_parse(a, strlen(a), &x, NULL) < 0 || sl_type_parse(b, strlen(b), &y, NULL) < 0)
        return "?";
    if (!sl_type_widen(x, y, &out) || !sl_type_widen(y, x, &back) || !sl_type_equal(out, back))
        return "none";
    return name_of(out);
}

static void test_names(void)
{
    TEST("every type prints as it is read")
    {
        static const char *const names[] = {
            "boolean",  "bigint", "double precision", "numeric(12,2)",  "numeric(38,0)",
            "text",     "bytea",  "timestamptz",      "timestamptz(9)", "date",
            "interval", "jsonb",  "timestamp",        "timestamp(9)",
        };
        for (size_t i = 0; i < SL_COUNT(names); i++)
            CHECK_STR(parsed(names[i]), names[i]);
    }
    TEST("PostgreSQL's other names are known, in any case and spacing")
    {
        CHECK_STR(parsed("INT8"), "bigint");
        CHECK_STR(parsed("double   precision"), "double precision");
        CHECK_STR(parsed("float8"), "double precision");
        CHECK_STR(parsed("VarChar"), "text");
        CHECK_STR(parsed(" character  varying "), "text");
        CHECK_STR(parsed("timestamp with time zone"), "timestamptz");
        CHECK_STR(parsed("timestamp(6) with time zone"), "timestamptz");
        CHECK_STR(parsed("timestamp(9)"), "timestamp(9)");
        CHECK_STR(parsed("timestamp without time zone"), "timestamp");
        CHECK_STR(parsed("Timestamp (6)"), "timestamp");
        CHECK_STR(parsed("numeric"), "numeric(38,9)");
        CHECK_STR(parsed("decimal( 10 , 3 )"), "numeric(10,3)");
        CHECK_STR(parsed("numeric(7)"), "numeric(7,0)");
        CHECK_STR(parsed("json"), "jsonb");
    }
    TEST("names that make no sense are refused")
    {
        static const char *const bad[] = {
            "",
            " ",
            "strng",
            "numeric(0)",
            "numeric(39,1)",
            "numeric(5,6)",
            "numeric(5",
            "numeric(5,)",
            "numeric()",
            "date(3)",
            "bigint(8)",
            "timestamptz(10)",
            "interval(3)",
            "text text",
            "numeric(1,2,3)",
            "numeric(1)(2)",
            "a_name_that_is_much_longer_than_any_type_name_could_reasonably_be_today",
        };
        for (size_t i = 0; i < SL_COUNT(bad); i++)
            CHECK_STR(parsed(bad[i]), "");
    }
    TEST("a limit that no column would keep is refused, with what to write instead")
    {
        static const char *const limited[][2] = {
            {"smallint", "bigint"},
            {"int2", "bigint"},
            {"INTEGER", "bigint"},
            {"int", "bigint"},
            {"int4", "bigint"},
            {"real", "double precision"},
            {"float4", "double precision"},
            {"float(10)", "double precision"},
            {"varchar(30)", "text"},
            {"character varying ( 30 )", "text"},
            {"char", "text"},
            {"character(3)", "text"},
            {"timestamptz(3)", "timestamptz(9)"},
            {"timestamp(0) with time zone", "timestamptz(9)"},
        };
        struct sl_type t;
        struct sl_err err;
        for (size_t i = 0; i < SL_COUNT(limited); i++) {
            CHECK_INT(sl_type_parse(limited[i][0], strlen(limited[i][0]), &t, &err), -SL_EUSAGE);
            CHECK(strstr(err.what, limited[i][0]) && strstr(err.hint, limited[i][1]));
        }
    }
    TEST("widths follow the precision")
    {
        CHECK_INT(sl_type_width(sl_type_numeric(18, 2)), 8);
        CHECK_INT(sl_type_width(sl_type_numeric(19, 2)), 16);
        CHECK_INT(sl_type_width(sl_type_of(SL_DATE)), 4);
        CHECK_INT(sl_type_width(sl_type_of(SL_TEXT)), 0);
        CHECK_INT(sl_type_width(sl_type_of(SL_INTERVAL)), 16);
    }
}

static void test_widening(void)
{
    TEST("widening loses nothing, and is the same both ways")
    {
        CHECK_STR(widened("text", "text"), "text");
        CHECK_STR(widened("bigint", "numeric(12,2)"), "numeric(21,2)");
        CHECK_STR(widened("bigint", "numeric(38,30)"), "text");
        CHECK_STR(widened("numeric(10,2)", "numeric(6,5)"), "numeric(13,5)");
        CHECK_STR(widened("numeric(38,0)", "numeric(38,1)"), "text");
        CHECK_STR(widened("numeric(2,2)", "numeric(3,3)"), "numeric(3,3)");
        CHECK_STR(widened("bigint", "double"), "text");
        CHECK_STR(widened("numeric(5,1)", "double"), "text");
        CHECK_STR(widened("date", "timestamptz"), "timestamptz");
        CHECK_STR(widened("date", "timestamp(9)"), "timestamp(9)");
        CHECK_STR(widened("timestamp", "timestamp(9)"), "timestamp(9)");
        CHECK_STR(widened("timestamp", "timestamptz"), "text");
        CHECK_STR(widened("date", "timestamptz(9)"), "timestamptz(9)");
        CHECK_STR(widened("timestamptz", "timestamptz(9)"), "timestamptz(9)");
        CHECK_STR(widened("boolean", "bigint"), "text");
        CHECK_STR(widened("jsonb", "text"), "text");
        CHECK_STR(widened("interval", "date"), "text");
    }
    TEST("a carried type widens to nothing but itself")
    {
        struct sl_foreign *f = sl_foreign_new(), *g = sl_foreign_new();
        struct sl_type out, t = {.kind = SL_FOREIGN, .foreign = f};
        struct sl_type u = {.kind = SL_FOREIGN, .foreign = g};
        f->arrow = SL_ARROW_DURATION;
        g->arrow = SL_ARROW_TIME;
        CHECK(sl_type_widen(t, t, &out));
        CHECK(!sl_type_widen(t, u, &out));
        CHECK(!sl_type_widen(t, sl_type_of(SL_TEXT), &out));
        CHECK(!sl_type_equal(t, u));
        CHECK_STR(name_of(t), "duration[s]");
        sl_foreign_unref(f);
        sl_foreign_unref(g);
    }
}

int main(void)
{
    test_names();
    test_widening();
    return test_done();
}

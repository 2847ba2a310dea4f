/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* What is inferred, what later values do to it, and what declared types take. */
#include "text_test.h"

/* The type that a column of these values (separated by spaces) gets. */
static void check_type(const char *values, const char *type)
{
    struct sl_buf in = SL_BUF_INIT, want = SL_BUF_INIT;
    sl_buf_addstr(&in, "v;w\n");
    for (const char *p = values; *p;) {
        size_t n = strcspn(p, " ");
        sl_buf_add(&in, p, n);
        sl_buf_addstr(&in, ";x\n");
        p += n + (p[n] == ' ');
    }
    sl_buf_printf(&want, "v %s, w text", type);
    struct reading t = {.o.format = SL_TEXT_CSV, .o.delimiter = ';'};
    CHECK_INT(reading_run(&t, in.data, in.len), 0);
    CHECK_STR(text_of(&t.schema), want.data);
    CHECK_INT(t.rejects.n, 0);
    CHECK_INT(t.widened, 0);
    reading_free(&t);
    sl_buf_release(&in);
    sl_buf_release(&want);
}

static void test_types(void)
{
    TEST("whole numbers and what only looks like them")
    {
        check_type("1 -2 0 9223372036854775807", "bigint");
        check_type("1 007", "text");
        check_type("+1", "text");
        check_type("12345678901234567890", "text");
        check_type("1e3x", "text");
        check_type("1 NA", "text");
        check_type("null", "text");
        check_type("1_000", "text");
        check_type("-", "text");
        check_type("0x10", "text");
    }
    TEST("decimals: the largest scale, and room in 18 digits")
    {
        check_type("1.5 2.25 3", "numeric(18,2)");
        check_type("0.1", "numeric(18,1)");
        check_type(".5", "numeric(18,1)");
        check_type("5.", "text");
        check_type("00.5", "text");
        check_type("1234567890123456.789", "numeric(38,3)");
        check_type("0.1234567890123456789012345678901234567", "numeric(38,37)");
        check_type("12.1234567890123456789012345678901234567", "text");
        check_type("1.5 12345678901234567890", "text");
    }
    TEST("exponents: double if every number is one")
    {
        check_type("1e5 2", "double precision");
        check_type("1.5e-7 0.1 -3E+2", "double precision");
        check_type("1e5 9007199254740993", "bigint");
        check_type("1e5 9007199254740993.5", "numeric(38,1)");
        check_type("1e50 9007199254740993.5", "text");
        check_type("1e999", "text");
        check_type("1e5 0.1234567890123456789", "numeric(38,19)");
        check_type("inf", "text");
        check_type("NaN", "text");
    }
    TEST("times, dates, booleans, nothing")
    {
        check_type("2024-02-29 2023-01-01", "date");
        check_type("2023-02-29", "text");
        check_type("2024-02-29T01:02:03Z 2024-02-29", "timestamptz");
        check_type("2024-02-29T01:02:03.123456789+02:00", "timestamptz(9)");
        check_type("2024-02-29T01:02:03.123456000+02:00", "timestamptz");
        check_type("true false True FALSE", "boolean");
        check_type("true 1", "text");
        check_type("t f", "text");
        check_type("2024-01-01 17", "text");
        check_type("10:30", "text");
    }
    TEST("an empty column is text; quoted numbers are numbers; quoted nothing is text")
    {
        struct reading t = {.o.format = SL_TEXT_CSV};
        CHECK_READ(t, "a,b,c\n,\"1\",\"\"\n,\"2\",3\n", ",1,\"\"\n,2,3\n",
                   "a text, b bigint, c text");
        reading_free(&t);
    }
    TEST("numbers of widely different length stay what they are")
    {
        struct reading t = {.o.format = SL_TEXT_CSV};
        CHECK_READ(t,
                   "a,b\n-1,0.01\n12345678,-0.5\n-123456789,99999999.99\n9223372036854775807,3\n"
                   "-9223372036854775808,-7.1\n0,.25\n",
                   "-1,0.01\n12345678,-0.50\n-123456789,99999999.99\n9223372036854775807,3.00\n"
                   "-9223372036854775808,-7.10\n0,0.25\n",
                   "a bigint, b numeric(18,2)");
        reading_free(&t);
    }
    TEST("zone-less times are noted, and read in --tz")
    {
        struct reading t = {.o.format = SL_TEXT_CSV};
        CHECK_READ(t, "t,x\n2024-07-01 12:00:00,1\n", "2024-07-01 12:00:00+00,1\n", NULL);
        CHECK(strstr(text_of(&t.assumed), "UTC") != NULL);
        reading_free(&t);
        struct sl_zone *z = sl_zone_open("+02:00", NULL);
        struct reading v = {.o.format = SL_TEXT_CSV, .o.zone = z};
        CHECK_READ(v, "t,x\n2024-07-01 12:00:00,1\n2024-07-01 12:00:00Z,2\n",
                   "2024-07-01 10:00:00+00,1\n2024-07-01 12:00:00+00,2\n", NULL);
        CHECK(strstr(text_of(&v.assumed), "UTC") == NULL);
        reading_free(&v);
        sl_zone_free(z);
    }
}

/* A sample of one row, then one more value: what becomes of the column. */
static void check_later(const char *first, const char *later, const char *type, const char *rows)
{
    struct sl_buf in = SL_BUF_INIT, want = SL_BUF_INIT;
    sl_buf_printf(&in, "v;w\n%s;x\n", first);
    size_t sample = in.len;
    sl_buf_printf(&in, "%s;y\n", later);
    sl_buf_printf(&want, "v %s, w text", type);
    struct reading t = {
        .o.format = SL_TEXT_CSV, .o.delimiter = ';', .sample = sample, .piece = sample - 4};
    CHECK_INT(reading_run(&t, in.data, in.len), 0);
    CHECK_STR(text_of(&t.schema), want.data);
    CHECK_STR(text_of(&t.out), rows);
    CHECK_INT(t.rejects.n, 0);
    reading_free(&t);
    sl_buf_release(&in);
    sl_buf_release(&want);
}

static void test_later(void)
{
    TEST("a value that does not fit widens the column")
    {
        check_later("1", "2.5", "numeric(20,1)", "1,x\n2.5,y\n");
        check_later("1.5", "2.25", "numeric(19,2)", "1.5,x\n2.25,y\n");
        check_later("1.5", "2.50", "numeric(18,1)", "1.5,x\n2.5,y\n");
        check_later("1", "007", "text", "1,x\n007,y\n");
        check_later("1.5", "n/a", "text", "1.5,x\nn/a,y\n");
        check_later("true", "maybe", "text", "true,x\nmaybe,y\n");
        check_later("2024-01-01", "2024-01-01T10:00:00Z", "timestamptz",
                    "2024-01-01,x\n2024-01-01 10:00:00+00,y\n");
        check_later("2024-01-01T10:00:00Z", "2024-01-01T10:00:00.000000001Z", "text",
                    "2024-01-01 10:00:00+00,x\n2024-01-01T10:00:00.000000001Z,y\n");
        check_later("2024-01-01T10:00:00.000000001Z", "9999-12-31", "text",
                    "2024-01-01 10:00:00.000000001+00,x\n9999-12-31,y\n");
        check_later("1e5", "0.1234567890123456789", "text", "100000,x\n0.1234567890123456789,y\n");
        check_later("2024-01-01T10:00:00Z", "soon", "text", "2024-01-01 10:00:00+00,x\nsoon,y\n");
        check_later("1", "99999999999999999999", "text", "1,x\n99999999999999999999,y\n");
    }
    TEST("where columns cannot widen it is a reject that says how to take it")
    {
        struct reading t = {.o.format = SL_TEXT_CSV, .narrow = 1, .sample = 13};
        CHECK_READ(t, "id,price\n1,2\n3,12.5\n4,x y\n5,6\n", "1,2\n5,6\n",
                   "id bigint, price bigint");
        CHECK_INT(t.rejects.n, 2);
        if (t.rejects.n == 2) {
            CHECK_STR(t.rejects.items[0].column_name, "price");
            CHECK_INT(t.rejects.items[0].column, 2);
            CHECK_INT(t.rejects.items[0].line, 3);
            CHECK_STR(t.rejects.items[0].reason,
                      "'12.5' does not fit bigint; --types 'price numeric(20,1)' would take it");
            CHECK_STR(t.rejects.items[1].reason,
                      "'x y' does not fit bigint; --types 'price text' would take it");
        }
        reading_free(&t);
    }
}

static void check_declared(const char *type, const char *value, const char *row)
{
    struct sl_schema *types = NULL;
    struct sl_buf in = SL_BUF_INIT, list = SL_BUF_INIT, want = SL_BUF_INIT;
    sl_buf_printf(&list, "v %s", type);
    sl_buf_printf(&in, "v;w\n%s;x\n", value);
    if (row)
        sl_buf_printf(&want, "%s,x\n", row);
    CHECK_INT(sl_schema_parse(list.data, list.len, &types, NULL), 0);
    struct reading t = {.o.format = SL_TEXT_CSV, .o.delimiter = ';', .o.types = types};
    CHECK_INT(reading_run(&t, in.data, in.len), 0);
    CHECK_STR(text_of(&t.out), text_of(&want));
    CHECK_INT(t.rejects.n, row ? 0 : 1);
    reading_free(&t);
    sl_schema_unref(types);
    sl_buf_release(&in);
    sl_buf_release(&list);
    sl_buf_release(&want);
}

static void test_declared(void)
{
    TEST("declared types take other spellings and reject what does not fit")
    {
        check_declared("bigint", "007", "7");
        check_declared("bigint", "+5", "5");
        check_declared("bigint", "1.5", NULL);
        check_declared("bigint", "", "");
        check_declared("bigint", "\"\"", NULL);
        check_declared("numeric(5,2)", "123.45", "123.45");
        check_declared("numeric(5,2)", "123.450", "123.45");
        check_declared("numeric(5,2)", "1234.5", NULL);
        check_declared("numeric(5,2)", "-999.99", "-999.99");
        check_declared("numeric(5,2)", "1.005", NULL);
        check_declared("numeric(30,4)", "12345678901234567890.1234", "12345678901234567890.1234");
        check_declared("double precision", "1e-3", "0.001");
        check_declared("double precision", "NaN", "NaN");
        check_declared("boolean", "T", "true");
        check_declared("boolean", "off", "false");
        check_declared("boolean", "2", NULL);
        check_declared("date", "2024-02-30", NULL);
        check_declared("text", "007", "007");
        check_declared("jsonb", "[1]", "[1]");
        check_declared("jsonb", "[1", NULL);
        check_declared("interval", "10 minutes", "00:10:00");
        check_declared("bytea", "ab", "\\x6162");
        check_declared("timestamptz", "2024-01-01", "2024-01-01 00:00:00+00");
    }
}

static void check_time(const char *format, const char *value, const char *row, const char *reason)
{
    struct sl_buf in = SL_BUF_INIT, want = SL_BUF_INIT;
    sl_buf_printf(&in, "at;w\n%s;x\n", value);
    if (row)
        sl_buf_printf(&want, "%s,x\n", row);
    struct reading t = {.o.format = SL_TEXT_CSV,
                        .o.delimiter = ';',
                        .o.time_column = "at",
                        .o.time_format = format};
    CHECK_INT(reading_run(&t, in.data, in.len), 0);
    CHECK_STR(text_of(&t.out), text_of(&want));
    CHECK_STR(sl_schema_meta(sl_text_schema(t.r), SL_META_TIME), "at");
    CHECK_INT(t.rejects.n, row ? 0 : 1);
    if (reason && t.rejects.n)
        CHECK(strstr(t.rejects.items[0].reason, reason) != NULL);
    reading_free(&t);
    sl_buf_release(&in);
    sl_buf_release(&want);
}

static void test_event_time(void)
{
    TEST("epochs and forms")
    {
        check_time("epoch:s", "1700000000", "2023-11-14 22:13:20+00", NULL);
        check_time("epoch:s", "1700000000.25", "2023-11-14 22:13:20.250+00", NULL);
        check_time("epoch:ms", "1700000000001", "2023-11-14 22:13:20.001+00", NULL);
        check_time("epoch:us", "1700000000000001", "2023-11-14 22:13:20.000001+00", NULL);
        check_time("epoch:ns", "1700000000000000001", "2023-11-14 22:13:20.000000001+00", NULL);
        check_time("epoch:s", "soon", NULL, "does not fit");
        check_time("%d/%m/%Y %H:%M", "31/12/2023 23:59", "2023-12-31 23:59:00+00", NULL);
        check_time("clf", "14/Nov/2023:22:13:20 +0100", "2023-11-14 21:13:20+00", NULL);
    }
    TEST("a null event time is a reject")
    {
        struct reading t = {.o.format = SL_TEXT_CSV, .o.time_column = "at"};
        CHECK_READ(t, "at,w\n2024-01-01T00:00:00Z,1\n,2\n2024-01-02T00:00:00Z,3\n",
                   "2024-01-01 00:00:00+00,1\n2024-01-02 00:00:00+00,3\n", NULL);
        CHECK_INT(t.rejects.n, 1);
        if (t.rejects.n)
            CHECK_STR(t.rejects.items[0].reason, "the event time is null");
        reading_free(&t);
    }
    TEST("dates serve as event time; other types are refused with a hint")
    {
        check_time(NULL, "2024-01-01", "2024-01-01 00:00:00+00", NULL);
        struct reading t = {.o.format = SL_TEXT_CSV, .o.time_column = "at"};
        CHECK_INT(reading_run(&t, "at,w\n17,1\n", 10), -SL_EUSAGE);
        CHECK_STR(t.err.what, "the time column 'at' is bigint, not a time");
        CHECK(strstr(t.err.hint, "epoch:s") != NULL);
        reading_free(&t);
    }
}

int main(void)
{
    test_types();
    test_later();
    test_declared();
    test_event_time();
    return test_done();
}

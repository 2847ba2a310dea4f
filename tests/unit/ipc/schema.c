/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
#include "../test.h"
#include "ipc/control.h"
#include "arrow/schema.h"
#include "base/mem.h"

static struct sl_schema *make(const char *list)
{
    struct sl_schema *s = NULL;
    struct sl_err err;
    sl_err_init(&err);
    return sl_schema_parse(list, strlen(list), &s, &err) < 0 ? NULL : s;
}

static int refused(const char *list, int column)
{
    struct sl_schema *s = NULL;
    struct sl_err err;
    sl_err_init(&err);
    int rc = sl_schema_parse(list, strlen(list), &s, &err);
    if (rc < 0)
        CHECK_INT(err.column, column);
    sl_schema_unref(s);
    return rc == -SL_EUSAGE;
}

static void check_control(const struct sl_control *c, const char *text)
{
    struct sl_buf b = SL_BUF_INIT;
    struct sl_control back;
    struct sl_err err;
    sl_err_init(&err);
    sl_control_print(c, &b);
    CHECK_STR(b.data, text);
    CHECK_INT(sl_control_parse(b.data, b.len, &back, &err), 0);
    CHECK_INT(back.kind, c->kind);
    CHECK_INT(back.k, c->k);
    CHECK_INT(back.full, c->full);
    CHECK_INT(back.watermark, c->watermark);
    CHECK_INT(back.rows, c->rows);
    CHECK_INT(back.reason, c->reason);
    CHECK_INT(back.run_len, c->run_len);
    sl_buf_release(&b);
}

static void test_lists(void)
{
    TEST("a list of types is read and printed")
    {
        struct sl_schema *s =
            make(" a bigint,b  numeric(12, 2) , \"odd \"\" name\" text, @ts timestamptz");
        struct sl_buf b = SL_BUF_INIT;
        CHECK(s != NULL);
        sl_schema_print(s, &b);
        CHECK_STR(b.data, "a bigint, b numeric(12,2), \"odd \"\" name\" text, @ts timestamptz");
        struct sl_schema *again = make(b.data);
        CHECK(again && sl_schema_equal(s, again));
        CHECK_INT(s->nfields, 4);
        sl_schema_unref(again);
        sl_schema_unref(s);
        sl_buf_release(&b);
    }
    TEST("mistakes in a list are pointed at")
    {
        CHECK(refused("", 1));
        CHECK(refused("a", 1));
        CHECK(refused("a bigint,", 10));
        CHECK(refused("ü bigint, b strng", 13));
        CHECK(refused("a bigint, a text", 11));
        CHECK(refused("a bigint, \"b text", 11));
    }
}

static void test_names(void)
{
    struct sl_err err;
    sl_err_init(&err);
    TEST(
        "names are found exactly, then in lower case, then without case, else the nearest is named")
    {
        struct sl_schema *s =
            make("User_Id bigint, country text, Country text, price numeric(5,2)");
        CHECK_INT(sl_schema_find(s, "country", 7), 1);
        CHECK_INT(sl_schema_find(s, "count", 5), -1);
        CHECK_INT(sl_schema_lookup(s, "user_id", 7, &err), 0);
        CHECK_INT(sl_schema_lookup(s, "Country", 7, &err), 2);
        CHECK_INT(sl_schema_lookup(s, "COUNTRY", 7, &err), 1);
        CHECK_INT(sl_schema_lookup(s, "PRICE", 5, &err), 3);
        CHECK_INT(sl_schema_lookup(s, "USER_ID", 7, &err), 0);
        CHECK_INT(sl_schema_lookup(s, "pirce", 5, &err), -SL_EUSAGE);
        CHECK_STR(err.hint, "did you mean price?");
        CHECK_INT(sl_schema_lookup(s, "zzz", 3, &err), -SL_EUSAGE);
        CHECK(strstr(err.hint, "User_Id") != NULL);
        sl_schema_unref(s);
        s = make("\"Country\" text, \"COUNTRY\" text");
        CHECK_INT(sl_schema_lookup(s, "country", 7, &err), -SL_EUSAGE);
        CHECK(strstr(err.what, "ambiguous") != NULL);
        sl_schema_unref(s);
    }
    TEST("a name can be taken once")
    {
        struct sl_schema *s = make("a bigint");
        CHECK_INT(sl_schema_add(s, "a", 1, sl_type_of(SL_TEXT), &err), -SL_ESCHEMA);
        CHECK_INT(sl_schema_add(s, "ab", 1, sl_type_of(SL_TEXT), &err), -SL_ESCHEMA);
        CHECK_INT(sl_schema_add(s, "ab", 2, sl_type_of(SL_TEXT), &err), 0);
        sl_schema_unref(s);
    }
}

static void test_meta(void)
{
    TEST("metadata is set, replaced, removed, copied")
    {
        struct sl_schema *s = make("a bigint, b timestamptz");
        char key[16];
        for (int i = 0; i < 20; i++) {
            snprintf(key, sizeof key, "k%d", i);
            CHECK_INT(sl_schema_set_meta(s, key, "v"), 0);
        }
        CHECK_INT(sl_schema_set_meta(s, "k3", "other"), 0);
        CHECK_INT(sl_schema_set_meta(s, "k0", NULL), 0);
        CHECK_INT(sl_schema_set_meta(s, "none", NULL), 0);
        CHECK_INT(sl_schema_set_meta(s, SL_META_TIME, "b"), 0);
        struct sl_schema *c = sl_schema_copy(s);
        CHECK_INT(c->nmeta, 20);
        CHECK_STR(sl_schema_meta(c, "k3"), "other");
        CHECK(sl_schema_meta(c, "k0") == NULL);
        CHECK_INT(sl_schema_time_index(c), 1);
        CHECK(sl_schema_equal(s, c));
        sl_schema_unref(s);
        sl_schema_unref(c);
    }
    TEST("the time column is guessed by the rule")
    {
        struct sl_schema *s = make("a bigint, at timestamptz");
        CHECK_INT(sl_schema_guess_time(s), 1);
        sl_schema_unref(s);
        s = make("x timestamptz, y timestamptz, time timestamptz, ts bigint");
        CHECK_INT(sl_schema_guess_time(s), 2);
        sl_schema_unref(s);
        s = make("x timestamptz, y timestamptz");
        CHECK_INT(sl_schema_guess_time(s), -1);
        sl_schema_unref(s);
        s = make("a bigint");
        CHECK_INT(sl_schema_guess_time(s), -1);
        sl_schema_unref(s);
    }
}

static void test_control(void)
{
    struct sl_err err;
    sl_err_init(&err);
    TEST("control messages come back as they were sent")
    {
        check_control(&(struct sl_control){.kind = SL_CONTROL_ROWS, .watermark = INT64_MIN},
                      "{\"t\":\"rows\"}");
        check_control(&(struct sl_control){.kind = SL_CONTROL_ROWS, .watermark = 12},
                      "{\"t\":\"rows\",\"wm\":12}");
        check_control(&(struct sl_control){.kind = SL_CONTROL_BARRIER, .k = 7, .full = 1},
                      "{\"t\":\"barrier\",\"k\":7,\"full\":true}");
        check_control(&(struct sl_control){.kind = SL_CONTROL_WATERMARK, .watermark = -5},
                      "{\"t\":\"watermark\",\"wm\":-5}");
        check_control(
            &(struct sl_control){.kind = SL_CONTROL_END, .rows = 123, .reason = SL_END_STOP},
            "{\"t\":\"end\",\"rows\":123,\"reason\":\"stop\"}");
        check_control(
            &(struct sl_control){
                .kind = SL_CONTROL_ROWS, .watermark = 0, .run = "ab12", .run_len = 4},
            "{\"t\":\"rows\",\"wm\":0,\"run\":\"ab12\"}");
    }
    TEST("what is no control message is refused, what is unknown in one is skipped")
    {
        static const char *const bad[] = {
            "",
            "x",
            "{}",
            "[]",
            "{\"t\":1}",
            "{\"t\":\"other\"}",
            "{\"t\":\"barrier\"}",
            "{\"t\":\"watermark\",\"wm\":\"1\"}",
            "{\"t\":\"end\",\"rows\":-1,\"reason\":\"end\"}",
            "{\"t\":\"end\",\"rows\":1}",
            "{\"t\":\"end\",\"rows\":1,\"reason\":\"x\"}",
        };
        struct sl_control c;
        for (size_t i = 0; i < SL_COUNT(bad); i++)
            CHECK_INT(sl_control_parse(bad[i], strlen(bad[i]), &c, &err), -SL_EFORMAT);
        const char *more = "{\"new\":{\"t\":[1]},\"t\":\"rows\",\"z\":null}";
        CHECK_INT(sl_control_parse(more, strlen(more), &c, &err), 0);
    }
}

int main(void)
{
    test_lists();
    test_names();
    test_meta();
    test_control();
    return test_done();
}

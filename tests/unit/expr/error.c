/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* error: what is said, at which character, with which hint; failing rows; hostile text. */
#include "expr_test.h"

static const char schema_text[] =
    "user_id bigint, \"user\" text, \"end\" bigint, \"order\" text, Price numeric(12,2), level "
    "text, "
    "price double precision, \"Straße\" text, \"a.b\" bigint, f boolean, ts timestamptz";

static const struct {
    const char *text;
    int column;
    const char *what, *hint;
} errors[] = {
    {"usr_id = 1", 1, "usr_id", "user_id"},
    {"'ü' = 'ü' and usr_id = 1", 15, "usr_id", "user_id"},
    {"level = 'üüü' or nope(level)", 18, "nope", ""},
    {"'ü' = lower(level) and ('ü' || level) + 'ü' = 1", 39, "operator", ""},
    {"\"Straße\" || lowr(level)", 13, "lowr", "lower"},
    {"level == 'x'", 7, "==", "one ="},
    {"level = \"error\"", 9, "error", "'error'"},
    {"end = 3", 1, "end", "\"end\""},
    {"order = 'x'", 1, "", "\"order\""},
    {"user_id = 1 and end > 2", 17, "end", "\"end\""},
    {"group = 1", 1, "", "\"group\""},
    {"level = 'x", 9, "unterminated", ""},
    {"user_id +", 10, "end of input", ""},
    {"", 1, "empty", ""},
    {"   ", 1, "empty", ""},
    {"-- nothing", 1, "", ""},
    {"level; drop table x", 6, "second statement", ""},
    {"level;", 6, "semicolon", ""},
    {"level from x", 12, "FROM", ""},
    {"level where f", 13, "WHERE", ""},
    {"level order by 1", 16, "one expression", ""},
    {"level limit 1", 13, "LIMIT", ""},
    {"level union select 1", 1, "UNION", ""},
    {"(select 1)", 1, "subquery", ""},
    {"user_id in (select 1)", 9, "", ""},
    {"exists (select 1)", 1, "subquery", ""},
    {"level as x", 1, "", ""},
    {"level, level", 8, "not a list", ""},
    {"*", 1, "*", ""},
    {"$1", 1, "parameter", "single quotes"},
    {"level + 1", 7, "operator", "nullif(level, 'NA')::numeric"},
    {"level > 5", 7, "operator", "nullif(level, 'NA')::numeric"},
    {"user_id = 'x'", 11, "invalid input syntax for type bigint", ""},
    {"ts > 'yesterday'", 6, "timestamptz", ""},
    {"not user_id", 5, "boolean", ""},
    {"user_id and f", 1, "boolean", ""},
    {"case when user_id then 1 end", 11, "boolean", ""},
    {"case when f then 1 else ts end", 25, "do not go together", ""},
    {"coalesce(user_id, ts)", 19, "do not go together", ""},
    {"user_id::nope", 10, "nope", "bigint"},
    {"user_id::real", 10, "limit", "double precision"},
    {"ts::timestamp(3)", 5, "limit", "timestamp(9)"},
    {"level::\"char\"", 8, "limit", "text"},
    {"level::varchar(0)", 8, "length", ""},
    {"level::bpchar(user_id)", 8, "length", ""},
    {"level::pg_catalog.varchar(level)", 8, "length", ""},
    {"level::varchar(1)[]", 8, "no type", ""},
    {"user_id + 3000000000::int", 11, "out of range for type integer", ""},
    {"'40000'::smallint", 1, "out of range for type smallint", ""},
    {"current_timestamp(0)", 1, "not rounded", "date_trunc"},
    {"f::timestamptz", 4, "cannot be cast", ""},
    {"sum(user_id)", 1, "aggregate", "--select"},
    {"row_number() over ()", 1, "OVER", ""},
    {"lower(user_id)", 1, "lower", "lower(text)"},
    {"lower()", 1, "lower", "lower(text)"},
    {"substr(level)", 1, "substr", "substr(text, bigint)"},
    {"level ~ '('", 9, "regular expression", ""},
    {"level like 'x\\'", 12, "escape", ""},
    {"level like 'x' escape 'ab'", 12, "one character", ""},
    {"extract(huor from ts)", 9, "huor", "hour"},
    {"date_trunc(level, ts)", 12, "constant", ""},
    {"level collate \"C\"", 7, "COLLATE", ""},
    {"user_id = any(array[1])", 9, "arrays", ""},
    {"user_id <-> 1", 9, "operator", ""},
    {"f && f", 3, "operator", "and"},
    {"b'101'", 1, "bit", ""},
    {"public.lower(level)", 1, "public", ""},
    {"lower(x => level)", 1, "position", ""},
};

static void check_error(struct sl_schema *s, size_t i)
{
    struct sl_expr_env env = {TEST_NOW, NULL, NULL};
    struct sl_expr *e = NULL;
    struct sl_err err;
    int rc = text_expr(errors[i].text, strlen(errors[i].text), s, &env, &e, &err);
    if (rc >= 0) {
        printf("# accepted: %s\n", errors[i].text);
        test_bad = 1;
        sl_expr_free(e);
        return;
    }
    CHECK(e == NULL);
    if (rc != -SL_EUSAGE || err.column != errors[i].column || !strstr(err.what, errors[i].what) ||
        !strstr(err.hint, errors[i].hint)) {
        printf("# %s\n#   at %d: %s; hint: %s\n", errors[i].text, err.column, err.what, err.hint);
        test_bad = 1;
    }
}

static int parses(struct sl_schema *s, const char *text, const char *canonical)
{
    struct sl_expr_env env = {TEST_NOW, NULL, NULL};
    struct sl_expr *e;
    struct sl_err err;
    struct sl_buf b = SL_BUF_INIT;
    if (text_expr(text, strlen(text), s, &env, &e, &err) < 0) {
        printf("# %s: %d: %s\n", text, err.column, err.what);
        return 0;
    }
    sl_expr_print(e, &b);
    int same = strcmp(b.data, canonical) == 0;
    if (!same)
        printf("# %s prints as %s\n", text, b.data);
    sl_buf_release(&b);
    sl_expr_free(e);
    return same;
}

static void check_names(struct sl_schema *s)
{
    CHECK(parses(s, "user", "\"user\""));
    CHECK(parses(s, "user = 'x'", "\"user\" = 'x'"));
    CHECK(parses(s, "\"end\" + 1", "\"end\" + 1"));
    CHECK(parses(s, "USER_ID", "user_id"));
    CHECK(parses(s, "PRICE", "price"));
    CHECK(parses(s, "\"Price\"", "\"Price\""));
    CHECK(parses(s, "a.b + 1", "a.b + 1"));
    CHECK(parses(s, "\"a.b\"", "a.b"));
    CHECK(parses(s, "straße", "\"Straße\""));
}

/* ---- rows that fail ---- */

static void check_collect(void)
{
    struct sl_schema *s = test_schema("a bigint, b bigint, t text");
    struct sl_expr_env env = {TEST_NOW, NULL, NULL};
    static const char rows[] = "1|0|5\n6|3|x\n7|0|7\nnull|0|y\n8|2|8";
    struct sl_err err;
    struct sl_expr *e;
    struct sl_column *v;
    for (int shape = 0; shape < SHAPE_COUNT; shape++) {
        struct sl_batch *b = test_batch(s, rows, (enum shape)shape);
        struct sl_eval *ev = sl_eval_new(NULL, &err);
        if (!b) {
            sl_eval_free(ev);
            continue;
        }
        static const char text[] = "a / b + t::bigint";
        CHECK_INT(text_expr(text, strlen(text), s, &env, &e, &err), 0);
        CHECK_INT(sl_expr_eval(ev, e, b, &v, &err), -SL_EROW);
        CHECK(err.line == 0 && err.column == 3 && strstr(err.what, "division by zero"));
        CHECK(v == NULL);
        CHECK_INT(sl_eval_failures(ev), 4);
        static const int row[] = {0, 1, 2, 3};
        for (size_t i = 0; i < sl_eval_failures(ev); i++) {
            sl_eval_failure(ev, i, &err);
            CHECK(err.code == SL_EROW && i < 4 && err.line == row[i] && err.column > 0);
        }
        sl_expr_free(e);
        /* a filter */
        static const char where[] = "a is not null and a / b > 1";
        struct sl_buffer *sel;
        size_t n;
        CHECK_INT(text_where(where, strlen(where), s, &env, &e, &err), 0);
        CHECK_INT(sl_expr_filter(ev, e, b, &sel, &n, &err), -SL_EROW);
        CHECK(sel == NULL && err.line == 0);
        CHECK_INT(sl_eval_failures(ev), 2);
        for (size_t i = 0; i < sl_eval_failures(ev); i++) {
            sl_eval_failure(ev, i, &err);
            CHECK_INT(err.line, i == 0 ? 0 : 2);
        }
        sl_expr_free(e);
        sl_eval_free(ev);
        sl_batch_unref(b);
    }
    sl_schema_unref(s);
}

/* ---- hostile text ---- */

static void repeat(struct sl_buf *b, const char *s, int n)
{
    while (n-- > 0)
        sl_buf_addstr(b, s);
}

static void check_hostile(struct sl_schema *s)
{
    static const struct {
        const char *before, *each, *middle, *after;
    } forms[] = {
        {"user_id", "+user_id", "", ""},
        {"", "- ", "1", ""},
        {"", "not ", "f", ""},
        {"", "(", "1", ")"},
        {"1", "::int", "", ""},
        {"", "abs(", "1", ")"},
        {"", "case when f then ", "1", " end"},
        {"", "(select ", "1", ")"},
        {"f", " or f", "", ""},
        {"a", ".a", "", ""},
        {"level", "||level", "", ""},
        {"", "array[", "1", "]"},
        {"user_id in (1", ",1", ")", ""},
        {"f", " is null", "", ""},
        {"", "~", "1", ""},
        {"coalesce(1", ",null", ")", ""},
        {"'", "''", "'", ""},
        {"\"", "x", "\"", ""},
        {"1", ",1", "", ""},
    };
    static const int counts[] = {100, 1000, 5000, 16000, 100000};
    struct sl_expr_env env = {TEST_NOW, NULL, NULL};
    for (size_t i = 0; i < SL_COUNT(forms); i++) {
        for (size_t k = 0; k < SL_COUNT(counts); k++) {
            struct sl_buf b = SL_BUF_INIT;
            struct sl_expr *e = NULL;
            struct sl_err err;
            sl_buf_addstr(&b, forms[i].before);
            repeat(&b, forms[i].each, counts[k]);
            sl_buf_addstr(&b, forms[i].middle);
            repeat(&b, forms[i].after, counts[k]);
            int rc = text_expr(b.data, b.len, s, &env, &e, &err);
            CHECK(rc == 0 || (rc == -SL_EUSAGE && err.what[0]));
            if (b.len > 65536)
                CHECK_INT(rc, -SL_EUSAGE);
            sl_expr_free(e);
            sl_buf_release(&b);
        }
    }
    static const char nul[] = "a\0b", bad[] = "'\xff'";
    struct sl_expr *e;
    struct sl_err err;
    CHECK_INT(text_expr(nul, 3, s, &env, &e, &err), -SL_EUSAGE);
    CHECK_INT(err.column, 2);
    CHECK_INT(text_expr(bad, 3, s, &env, &e, &err), -SL_EUSAGE);
    CHECK_INT(err.column, 2);
}

/* Deep but allowed: evaluated on an ordinary stack. */
static void check_deep(void)
{
    struct sl_schema *s = test_schema("a bigint");
    struct sl_expr_env env = {TEST_NOW, NULL, NULL};
    struct sl_buf b = SL_BUF_INIT;
    struct sl_err err;
    struct sl_expr *e = NULL;
    struct sl_column *v = NULL;
    sl_buf_addstr(&b, "a");
    repeat(&b, " + a", 900);
    CHECK_INT(text_expr(b.data, b.len, s, &env, &e, &err), 0);
    struct sl_batch *batch = test_batch(s, "1\n2", SHAPE_PLAIN);
    struct sl_eval *ev = sl_eval_new(NULL, &err);
    CHECK_INT(sl_expr_eval(ev, e, batch, &v, &err), 0);
    CHECK(v && ((const int64_t *)v->data)[1] == 1802);
    sl_column_unref(v);
    sl_expr_free(e);
    sl_eval_free(ev);
    sl_batch_unref(batch);
    sl_schema_unref(s);
    sl_buf_release(&b);
}

/* Whatever allocation fails, the answer is an error or the answer. */
static void check_memory(void)
{
    struct sl_schema *s = test_schema("a bigint, t text");
    struct sl_expr_env env = {TEST_NOW, NULL, NULL};
    static const char text[] =
        "case when a > 1 and lower(t) like '%b%' then regexp_replace(t, 'b', a::text) "
        "else coalesce(t, 'x') end in ('q', 'w', 'e', 'r', 't', 'y') or greatest(a, 2) > 3";
    for (int shape = 0; shape < 2; shape++) {
        struct sl_batch *b =
            test_batch(s, "1|ab\n2|B\nnull|x\n4|null", shape ? SHAPE_DICT : SHAPE_PLAIN);
        int done = 0;
        for (uint64_t n = 1; !done && n < 3000; n++) {
            struct sl_err err;
            struct sl_expr *e = NULL;
            struct sl_eval *ev = NULL;
            struct sl_column *v = NULL;
            sl_mem_fail_at(n, 0);
            uint64_t before = sl_mem_count();
            int rc = text_expr(text, strlen(text), s, &env, &e, &err);
            if (rc >= 0 && (ev = sl_eval_new(NULL, &err)))
                rc = sl_expr_eval(ev, e, b, &v, &err);
            else if (rc >= 0)
                rc = -SL_ENOMEM;
            done = sl_mem_count() - before < n;
            sl_mem_fail_at(0, 0);
            CHECK(rc == 0 || rc == -SL_ENOMEM);
            if (rc < 0 && rc != -SL_ENOMEM)
                printf("# allocation %llu: %d %s\n", (unsigned long long)n, rc, err.what);
            sl_column_unref(v);
            sl_expr_free(e);
            sl_eval_free(ev);
        }
        CHECK(done);
        sl_batch_unref(b);
    }
    sl_schema_unref(s);
}

int main(void)
{
    struct sl_schema *s = test_schema(schema_text);
    TEST("an error names the character, the thing and the remedy")
    {
        for (size_t i = 0; i < SL_COUNT(errors); i++)
            check_error(s, i);
    }
    TEST("names match exactly, else without case; user is a column")
    {
        check_names(s);
    }
    TEST("a condition must be boolean")
    {
        struct sl_expr_env env = {TEST_NOW, NULL, NULL};
        struct sl_expr *e;
        struct sl_err err;
        CHECK_INT(text_where("level", 5, s, &env, &e, &err), -SL_EUSAGE);
        CHECK(strstr(err.hint, "level = 'error'") != NULL);
        CHECK_INT(text_where("f", 1, s, &env, &e, &err), 0);
        sl_expr_free(e);
    }
    TEST("failing rows are told one by one, or collected")
    {
        check_collect();
    }
    TEST("nesting without end is an error")
    {
        check_hostile(s);
    }
    TEST("900 levels are evaluated")
    {
        check_deep();
    }
    TEST("any allocation may fail")
    {
        check_memory();
    }
    sl_schema_unref(s);
    return test_done();
}

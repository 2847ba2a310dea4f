/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Names and recognition of formats; access logs against the pattern they stand for; patterns; lines. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include "text_test.h"
#include "text/text_reader.h"

static void test_names(void)
{
    TEST("names of formats")
    {
        enum sl_text_format f;
        const char *pattern;
        struct sl_err err;
        CHECK_INT(sl_text_format_parse("ndjson", &f, &pattern, &err), 0);
        CHECK_INT(f, SL_TEXT_JSON);
        CHECK_INT(sl_text_format_parse("regex:(?<x>.)", &f, &pattern, &err), 0);
        CHECK_INT(f, SL_TEXT_REGEX);
        CHECK_STR(pattern, "(?<x>.)");
        CHECK_INT(sl_text_format_parse("xls", &f, &pattern, &err), -SL_EUSAGE);
        CHECK(strstr(err.hint, "combined") != NULL);
        CHECK_STR(sl_text_format_name(SL_TEXT_TSV), "tsv");
    }
    TEST("by file name")
    {
        CHECK_INT(sl_text_format_of_path("a/b.csv"), SL_TEXT_CSV);
        CHECK_INT(sl_text_format_of_path("b.ndjson.gz"), SL_TEXT_JSON);
        CHECK_INT(sl_text_format_of_path("b.tsv.zst"), SL_TEXT_TSV);
        CHECK_INT(sl_text_format_of_path("b.arrows"), SL_TEXT_ARROW);
        CHECK_INT(sl_text_format_of_path("x.csv/access"), SL_TEXT_NONE);
        CHECK_INT(sl_text_format_of_path("access.log"), SL_TEXT_NONE);
        CHECK_INT(sl_text_format_of_path(".gz"), SL_TEXT_NONE);
    }
    TEST("by first bytes")
    {
        static const struct {
            const char *s;
            enum sl_text_format f;
        } cases[] = {
            {"a,b\n1,2\n3,4\n", SL_TEXT_CSV},
            {"a;b\n1,5;2\n", SL_TEXT_CSV},
            {"a\tb\n1\t2\n", SL_TEXT_TSV},
            {"\xef\xbb\xbf{\"a\":1}\n", SL_TEXT_JSON},
            {"  {\"a\":1,\n", SL_TEXT_JSON},
            {"1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\n",
             SL_TEXT_COMBINED},
            {"1.2.3.4 - bob [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 -\n",
             SL_TEXT_COMMON},
            {"Hello, world\nthis is text\n", SL_TEXT_NONE},
            {"", SL_TEXT_NONE},
            {"ARROW1", SL_TEXT_ARROW},
        };
        for (size_t i = 0; i < SL_COUNT(cases); i++)
            CHECK_INT(sl_text_format_of_bytes(cases[i].s, strlen(cases[i].s)), cases[i].f);
    }
    TEST("a delimiter is looked for in the first bytes only, however long the record is")
    {
        enum { N = SL_CSV_SNIFFED + 2 };
        static char s[N];
        memset(s, 'h', N);
        s[N - 3] = ';'; /* the last one that is looked at */
        CHECK_INT(sl_csv_sniff_delim(s, N, '\n'), ';');
        CHECK_INT(sl_text_format_of_bytes(s, N), SL_TEXT_CSV);
        s[N - 3] = 'h';
        s[N - 2] = ';';
        CHECK_INT(sl_csv_sniff_delim(s, N, '\n'), ',');
        CHECK_INT(sl_text_format_of_bytes(s, N), SL_TEXT_NONE);
    }
}

/* ---- access logs ---- */

static const char combined[] =
    "^(?<host>[^ ]+) (?<ident>[^ ]+) (?<user>[^ ]+) \\[(?<time>[^\\]]*)\\] "
    "\"(?<request>(?:[^\"\\\\]|\\\\.)*)\" (?<status>[0-9]+) (?<bytes>[0-9]+|-)"
    "(?: \"(?<referer>(?:[^\"\\\\]|\\\\.)*)\" \"(?<agent>(?:[^\"\\\\]|\\\\.)*)\")[ \t]*$";

/* 1 if both take the line and agree on its fields, or both refuse it. */
static int agrees(pcre2_code *code, pcre2_match_data *m, const char *s, size_t n, int *matched)
{
    static const int fields[] = {0, 1, 2, 3, -1, 7, 8, 9, 10};
    struct sl_text_reader r = {.o.format = SL_TEXT_COMBINED};
    struct sl_span v[SL_ACCESS_COMBINED] = {{NULL, 0, 0}};
    const char *reason;
    int rc = pcre2_match(code, (PCRE2_SPTR)s, n, 0, 0, m, NULL);
    *matched = sl_text_split_access(&r, NULL, s, n, v, &reason, NULL);
    if ((rc > 0) != *matched)
        return 0;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m);
    for (int i = 0; rc > 0 && i < 9; i++)
        if (fields[i] >= 0 && (v[fields[i]].p != s + at[2 * i + 2] ||
                               v[fields[i]].len != at[2 * i + 3] - at[2 * i + 2]))
            return 0;
    return 1;
}

static void test_access(void)
{
    static const char line[] = "1.2.3.4 - bob [17/May/2015:10:05:03 +0000] "
                               "\"GET /a\\\"b HTTP/1.1\" 200 512 \"http://x/\" \"Mo (zilla)\"";
    TEST("the hand-written splitter is the pattern")
    {
        int code_err, matched, taken = 0;
        PCRE2_SIZE at;
        pcre2_code *code = pcre2_compile((PCRE2_SPTR)combined, PCRE2_ZERO_TERMINATED, PCRE2_DOTALL,
                                         &code_err, &at, NULL);
        pcre2_match_data *m = pcre2_match_data_create_from_pattern(code, NULL);
        uint64_t x = 7;
        char s[sizeof line];
        for (int i = 0; i < 100000 && !test_bad; i++) {
            memcpy(s, line, sizeof line);
            for (int k = 0; k < i % 4; k++) {
                x = x * 6364136223846793005u + 1442695040888963407u;
                s[(x >> 33) % (sizeof line - 1)] = " \"\\[]-1a"[(x >> 20) % 8];
            }
            CHECK(agrees(code, m, s, sizeof line - 1, &matched));
            if (test_bad)
                printf("# %s\n", s);
            taken += matched;
        }
        CHECK(taken > 30000);
        pcre2_match_data_free(m);
        pcre2_code_free(code);
    }
    TEST("requests, nulls and types")
    {
        struct reading t = {.o.format = SL_TEXT_COMBINED};
        CHECK_READ(t,
                   "h - u [17/May/2015:10:05:03 +0200] \"GET /a?b HTTP/1.1\" 200 5 \"-\" \"A\"\n"
                   "h - - [17/May/2015:10:05:03 +0000] \"-\" 408 - \"-\" \"-\"\n"
                   "h - - [17/May/2015:10:05:03 +0000] \"GET /old\" 200 1 \"\" \"A\"\n"
                   "h - - [17/May/2015:10:05:03 +0000] \"\\x16\\x03\" 400 1 \"-\" \"-\"\n"
                   "nonsense\n"
                   "h - - [then] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"\n",
                   "h,,u,2015-05-17 08:05:03+00,GET,/a?b,HTTP/1.1,200,5,,A\n"
                   "h,,,2015-05-17 10:05:03+00,,,,408,,,\n"
                   "h,,,2015-05-17 10:05:03+00,GET,/old,,200,1,\"\",A\n"
                   "h,,,2015-05-17 10:05:03+00,,\\x16\\x03,,400,1,,\n",
                   "host text, ident text, user text, time timestamptz, method text, path text, "
                   "protocol text, status bigint, bytes bigint, referer text, agent text");
        CHECK_INT(t.rejects.n, 2);
        if (t.rejects.n == 2) {
            CHECK_INT(t.rejects.items[0].line, 5);
            CHECK_STR(t.rejects.items[1].column_name, "time");
            CHECK_STR(t.rejects.items[1].reason, "'then' does not fit timestamptz");
        }
        CHECK_STR(sl_schema_meta(sl_text_schema(t.r), SL_META_TIME), "time");
        reading_free(&t);
    }
}

/* ---- patterns and lines ---- */

static void test_patterns(void)
{
    TEST("named groups are columns, in their order, with inferred types")
    {
        struct reading t = {.o.format = SL_TEXT_REGEX,
                            .o.pattern = "^(?<level>\\w+) (?:id=(?<id>\\d+) )?(?<text>.*)$"};
        CHECK_READ(t, "INFO id=7 started\nWARN caf\xc3\xa9\n\n??\n",
                   "INFO,7,started\nWARN,,caf\xc3\xa9\n", "level text, id bigint, text text");
        CHECK_INT(t.rejects.n, 1);
        CHECK_INT(t.rejects.skipped, 1);
        if (t.rejects.n)
            CHECK_STR(t.rejects.items[0].reason, "does not match the pattern");
        reading_free(&t);
    }
    TEST("bad patterns are usage errors with a place")
    {
        struct reading t = {.o.format = SL_TEXT_REGEX, .o.pattern = "(?<a>x"};
        CHECK_INT(reading_run(&t, "x\n", 2), -SL_EUSAGE);
        CHECK(strncmp(t.err.what, "bad pattern: ", 13) == 0);
        CHECK_INT(t.err.column, 7);
        reading_free(&t);
        struct reading u = {.o.format = SL_TEXT_REGEX, .o.pattern = "(?<a>\xc3\xbc\xc3\xbc)("};
        CHECK_INT(reading_run(&u, "x\n", 2), -SL_EUSAGE);
        CHECK_INT(u.err.column, 10);
        CHECK_STR(u.err.hint, "at character 10, behind '(?<a>\xc3\xbc\xc3\xbc)('");
        reading_free(&u);
        struct reading v = {.o.format = SL_TEXT_REGEX, .o.pattern = "x"};
        CHECK_INT(reading_run(&v, "x\n", 2), -SL_EUSAGE);
        CHECK_STR(v.err.what, "the pattern has no named group");
        reading_free(&v);
    }
    TEST("a pattern that explodes is stopped")
    {
        struct reading t = {.o.format = SL_TEXT_REGEX, .o.pattern = "^(?<a>(?:a+)+)(?<b>b)$"};
        CHECK_READ(t, "ab\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac\n", "a,b\n",
                   NULL);
        CHECK_INT(t.rejects.n, 1);
        reading_free(&t);
    }
    TEST("lines: every line is a row, empty ones too")
    {
        struct reading t = {.o.format = SL_TEXT_LINES};
        CHECK_READ(t, "one\r\n\n007\n", "one\n\"\"\n007\n", "line text");
        CHECK_INT(t.rows, 3);
        reading_free(&t);
    }
}

int main(void)
{
    test_names();
    test_access();
    test_patterns();
    return test_done();
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Cutting keeps its place between calls and bounds what it waits for. */
#include "text_test.h"

static struct sl_text_reader *reader(enum sl_text_format f, const char *sample)
{
    struct sl_text_options o = {.format = f};
    struct sl_text_reader *r = NULL;
    size_t header;
    char *copy = slack_copy(sample, strlen(sample));
    CHECK_INT(sl_text_reader_new(&o, &r, NULL), 0);
    CHECK_INT(sl_text_settle(r, copy, strlen(sample), &header, NULL), 0);
    free(copy);
    return r;
}

static void test_record_end(void)
{
    TEST("the end of one record, however its bytes come")
    {
        struct sl_text_reader *r = reader(SL_TEXT_CSV, "a,b\n");
        const char *in = "1,\"x\ny\"\"z\n\"\n2\n";
        for (size_t step = 1; step < 12; step++) {
            struct sl_text_cut c = {0};
            size_t at = 0, end = 0;
            while (!end) {
                size_t n = SL_MIN(step, strlen(in) - at);
                end = sl_text_record_end(r, &c, in + at, n);
                at += end ? end : n;
                CHECK_INT(sl_text_cut_quoted(&c), at >= 3 && at < 11 && at != 7);
            }
            CHECK_INT(at, 12);
            CHECK_INT(c.lines, 3);
        }
        sl_text_reader_free(r);
    }
    TEST("the end of one line")
    {
        struct sl_text_reader *r = reader(SL_TEXT_JSON, "{\"a\":1}\n");
        struct sl_text_cut c = {0};
        CHECK_INT(sl_text_record_end(r, &c, "{\"a\"", 4), 0);
        CHECK_INT(sl_text_record_end(r, &c, "b\n{}\n", 5), 2);
        CHECK_INT(c.lines, 1);
        sl_text_reader_free(r);
    }
}

int main(void)
{
    TEST("a record that comes byte by byte is cut when it is whole")
    {
        struct sl_text_reader *r = reader(SL_TEXT_CSV, "a,b\n");
        const char *in = "1,\"x\ny\"\"z\n\"\n2";
        struct sl_text_cut c = {0};
        for (size_t n = 1; n < 12; n++)
            CHECK_INT(sl_text_cut(r, &c, in, n, 0), n < 12 ? 0 : 12);
        CHECK_INT(sl_text_cut(r, &c, in, 12, 0), 12);
        CHECK_INT(c.lines, 3);
        CHECK_INT(sl_text_cut(r, &c, in + 12, 1, 0), 0);
        CHECK_INT(c.lines, 0);
        CHECK_INT(sl_text_cut(r, &c, in + 12, 1, 1), 1);
        CHECK_INT(c.lines, 0);
        sl_text_reader_free(r);
    }
    TEST("fewer bytes than last time are looked at afresh")
    {
        struct sl_text_reader *r = reader(SL_TEXT_CSV, "a,b\n");
        struct sl_text_cut c = {0};
        CHECK_INT(sl_text_cut(r, &c, "1,\"2", 4, 0), 0);
        CHECK_INT(sl_text_cut(r, &c, "1\n", 2, 0), 2);
        sl_text_reader_free(r);
    }
    TEST("lines of other formats")
    {
        struct sl_text_reader *r = reader(SL_TEXT_JSON, "{\"a\":1}\n");
        struct sl_text_cut c = {0};
        CHECK_INT(sl_text_cut(r, &c, "{\"a\":\"\\n\"}\n{", 12, 0), 11);
        CHECK_INT(sl_text_cut(r, &c, "{", 1, 0), 0);
        CHECK_INT(sl_text_cut(r, &c, "{}\n{}\n", 6, 0), 6);
        CHECK_INT(c.lines, 2);
        sl_text_reader_free(r);
    }
    TEST("lines are counted, however the bytes come")
    {
        enum { N = 20000 };
        struct sl_text_reader *formats[] = {reader(SL_TEXT_JSON, "{\"a\":1}\n"),
                                            reader(SL_TEXT_CSV, "a,b\n")};
        char *big = malloc(N + 64);
        for (int i = 0; i < N; i++)
            big[i] = i % 7 == 3 || i % 1000 > 900 ? '\n' : 'x';
        for (int f = 0; f < 2; f++) {
            for (size_t step = 1; step < N; step = step * 3 + 1) {
                struct sl_text_cut c = {0};
                int64_t lines = 0, want = 0;
                for (size_t at = 0, n = 0; at < N;) {
                    n = SL_MIN(n + step, N - at);
                    int64_t k = sl_text_cut(formats[f], &c, big + at, n, at + n == N);
                    lines += c.lines;
                    at += (size_t)k;
                    n -= (size_t)k;
                }
                for (int i = 0; i < N; i++)
                    want += big[i] == '\n';
                CHECK_INT(lines, want);
            }
            sl_text_reader_free(formats[f]);
        }
        free(big);
    }
    test_record_end();
    return test_done();
}

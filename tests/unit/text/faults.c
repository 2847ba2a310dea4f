/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* When memory runs out at any allocation it is an error; nothing is lost on the way. */
#include "text_test.h"

/* Runs once with the n-th allocation failing; 1 if it went through. */
static int run(const struct reading *like, const char *in, uint64_t n)
{
    struct reading t = *like;
    sl_mem_fail_at(n, 1);
    int rc = reading_run(&t, in, strlen(in));
    sl_mem_fail_at(0, 0);
    if (rc < 0)
        CHECK(rc == -SL_ENOMEM);
    int whole = rc == 0 && !t.out.failed && !t.schema.failed;
    reading_free(&t);
    return whole;
}

static void all_points(const struct reading *like, const char *in)
{
    for (uint64_t n = 1; n < 2000 && !test_bad; n++)
        if (run(like, in, n)) {
            CHECK(n > 10);
            return;
        }
    CHECK(!"it never went through");
}

int main(void)
{
    TEST("CSV")
    {
        struct reading t = {.o.format = SL_TEXT_CSV, .sample = 30, .piece = 30};
        all_points(&t, "a,a,t,d,x\n1,2,2024-01-01T00:00:00Z,1.5,u\n3,4,,2.25,\"q,\"\"\"\n"
                       "x,5,2024-01-01T00:00:00Z,1e5,\xff\n1\n");
    }
    TEST("CSV without widening, to a table")
    {
        struct reading t = {.o.format = SL_TEXT_CSV, .sample = 8, .narrow = 1, .to = SL_TEXT_TABLE};
        all_points(&t, "a,b\n1,2\n3,4\nx,5\n,\n");
    }
    TEST("JSON")
    {
        struct reading t = {.o.format = SL_TEXT_JSON, .sample = 8, .to = SL_TEXT_JSON};
        all_points(&t, "{\"a\":1}\n{\"a\":\"\\u00e9\",\"n\":{\"x\":[1]}}\n{\n{\"k\\u0041\":1}\n");
        t.narrow = 1;
        all_points(&t, "{\"a\":1}\n{\"a\":2,\"n\":{\"x\":[1]}}\n{\n{\"k\\u0041\":1}\n");
    }
    TEST("a pattern, an access log")
    {
        struct reading t = {.o.format = SL_TEXT_REGEX, .o.pattern = "(?<b>\\d+) (?<a>.*)"};
        all_points(&t, "1 x\n2 y\nz\n");
        struct reading v = {.o.format = SL_TEXT_COMMON};
        all_points(&v, "h - - [17/May/2015:10:05:03 +0200] \"GET / HTTP/1.1\" 200 5\nx\n");
    }
    return test_done();
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* When memory runs out at any allocation it is an error; nothing is lost on the way. */
#include "text_test.h"

/* Runs once with the n-th allocation failing, and all later ones if forever; n = 0: none, and the text
 * is kept in want. A run that comes through all the same gives the same text. 1 if there was no n-th. */
static int run(const struct reading *like, const char *in, uint64_t n, int forever,
               struct sl_buf *want)
{
    struct reading t = *like;
    sl_mem_fail_at(n, forever);
    uint64_t made = sl_mem_count();
    int rc = reading_run(&t, in, strlen(in));
    made = sl_mem_count() - made;
    sl_mem_fail_at(0, 0);
    if (rc < 0)
        CHECK(rc == -SL_ENOMEM);
    else if (!n)
        sl_buf_add(want, t.out.data, t.out.len);
    else if (!t.out.failed && !t.schema.failed && strcmp(text_of(&t.out), text_of(want)) != 0) {
        printf("# allocation %d: %s# not %s", (int)n, text_of(&t.out), text_of(want));
        CHECK(!"the text is another");
    }
    reading_free(&t);
    return made < n;
}

static void all_points(const struct reading *like, const char *in)
{
    struct sl_buf want = SL_BUF_INIT;
    run(like, in, 0, 0, &want);
    for (int forever = 0; forever < 2; forever++) {
        uint64_t n = 1;
        while (n < 2000 && !test_bad && !run(like, in, n, forever, &want))
            n++;
        CHECK(n > 10 && n < 2000);
    }
    sl_buf_release(&want);
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
    TEST("CSV with bytes that are no text")
    {
        struct sl_schema *types = NULL;
        CHECK_INT(sl_schema_parse("b bytea", 7, &types, NULL), 0);
        struct reading t = {.o.format = SL_TEXT_CSV, .o.types = types};
        all_points(&t, "a,b\n1,\xff\n2,\xfe\xff\n");
        sl_schema_unref(types);
    }
    TEST("JSON")
    {
        struct reading t = {.o.format = SL_TEXT_JSON, .sample = 8, .to = SL_TEXT_JSON};
        all_points(
            &t,
            "{\"a\":1}\n{\"a\":\"\\u00e9 \\\"q\\\"\",\"n\":{\"x\":[1]}}\n{\n{\"k\\u0041\":1}\n");
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

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Schemas of readers: raw columns, wanted columns, fixed schemas, later files. */
#include "text_test.h"

static struct sl_text_reader *settled(const struct sl_text_options *o, const char *in,
                                      size_t *header)
{
    struct sl_text_reader *r = NULL;
    struct sl_err err;
    char *copy = slack_copy(in, strlen(in));
    CHECK_INT(sl_text_reader_new(o, &r, &err), 0);
    CHECK_INT(sl_text_settle(r, copy, strlen(in), header, &err), 0);
    free(copy);
    return r;
}

static void check_schema(struct sl_schema *s, const char *want)
{
    struct sl_buf b = SL_BUF_INIT;
    sl_schema_print(s, &b);
    CHECK_STR(text_of(&b), want);
    sl_buf_release(&b);
}

/* Decodes s and checks the rows as CSV. */
static void check_rows(struct sl_text_reader *r, struct sl_text_chunk c, const char *s,
                       const char *want)
{
    struct sl_text_scratch *scratch = sl_text_scratch_new(NULL);
    struct sl_reject_list rejects = {0};
    struct sl_batch *b = NULL;
    struct sl_schema *wider = NULL;
    int64_t lines;
    char *copy = slack_copy(s, strlen(s));
    c.data = copy;
    c.n = strlen(s);
    c.first_line = 1;
    CHECK_INT(sl_text_decode(r, scratch, &c, &b, &rejects, &lines, &wider, NULL), SL_TEXT_OK);
    if (b) {
        struct sl_text_write_options o = {.format = SL_TEXT_CSV, .no_header = 1};
        struct sl_text_writer *w = NULL;
        struct sl_buf out = SL_BUF_INIT;
        CHECK_INT(sl_text_writer_new(&o, b->schema, &w, NULL), 0);
        CHECK_INT(sl_text_write(w, b, &out, NULL), 0);
        CHECK_STR(text_of(&out), want);
        sl_text_writer_free(w);
        sl_buf_release(&out);
    }
    sl_batch_unref(b);
    sl_schema_unref(wider);
    sl_reject_list_release(&rejects);
    sl_text_scratch_free(scratch);
    free(copy);
}

static void test_raw(void)
{
    TEST("raw columns keep every byte; declared ones and the event time keep their types")
    {
        struct sl_schema *types = NULL;
        CHECK_INT(sl_schema_parse("c numeric(9,3)", 14, &types, NULL), 0);
        struct sl_text_options o = {.format = SL_TEXT_CSV, .types = types, .time_column = "t"};
        const char *in = "t,a,b,c\n2024-01-01T00:00:00Z,1.50,2024-01-01T00:00:00Z,1.5\n";
        size_t header;
        struct sl_text_reader *r = settled(&o, in, &header);
        CHECK_INT(header, 8);
        const uint8_t all = 0xff;
        CHECK_INT(sl_text_set_raw(r, SL_TEXT_TSV, &all, NULL), 0);
        check_schema(sl_text_schema(r), "t timestamptz, a text, b text, c numeric(9,3)");
        check_rows(r, (struct sl_text_chunk){0}, in + header,
                   "2024-01-01 00:00:00+00,1.50,2024-01-01T00:00:00Z,1.500\n");
        CHECK_INT(sl_text_set_raw(r, SL_TEXT_JSON, &all, NULL), 0);
        check_schema(sl_text_schema(r),
                     "t timestamptz, a numeric(18,2), b timestamptz, c numeric(9,3)");
        sl_text_reader_free(r);
        sl_schema_unref(types);
    }
    TEST("raw columns of JSON are jsonb as it was written")
    {
        struct sl_text_options o = {.format = SL_TEXT_JSON};
        const char *in = "{\"a\":1.50,\"b\":\"\\u00e9\"}\n{\"a\":1e2,\"b\":7}\n";
        size_t header;
        struct sl_text_reader *r = settled(&o, in, &header);
        const uint8_t all = 0xff;
        CHECK_INT(sl_text_set_raw(r, SL_TEXT_JSON, &all, NULL), 0);
        check_schema(sl_text_schema(r), "a jsonb, b jsonb, _rest jsonb");
        check_rows(r, (struct sl_text_chunk){0}, in, "1.50,\"\"\"\\u00e9\"\"\"\n1e2,7\n");
        CHECK_INT(sl_text_set_raw(r, SL_TEXT_CSV, &all, NULL), 0);
        check_schema(sl_text_schema(r), "a double precision, b text, _rest jsonb");
        sl_text_reader_free(r);
    }
    TEST("columns that are not wanted are null")
    {
        struct sl_text_options o = {.format = SL_TEXT_CSV};
        size_t header;
        struct sl_text_reader *r = settled(&o, "a,b,c\n1,x,2\n", &header);
        const uint8_t wanted = 4;
        check_rows(r, (struct sl_text_chunk){.wanted = &wanted}, "1,x,2\nbad,y,3\n", ",,2\n,,3\n");
        sl_text_reader_free(r);
    }
}

static void test_fixed(void)
{
    TEST("a fixed schema: its order and types, new columns behind")
    {
        struct sl_schema *fixed = NULL;
        CHECK_INT(sl_schema_parse("id text, gone bigint, v numeric(18,3)", 37, &fixed, NULL), 0);
        struct sl_text_options o = {.format = SL_TEXT_CSV, .fixed = fixed};
        size_t header;
        struct sl_text_reader *r = settled(&o, "v,new,id\n1,2,3\n", &header);
        check_schema(sl_text_schema(r), "id text, gone bigint, v numeric(18,3), new bigint");
        check_rows(r, (struct sl_text_chunk){0}, "1.5,2,007\n", "007,,1.500,2\n");
        sl_text_reader_free(r);
        sl_schema_unref(fixed);
    }
}

static void test_later_files(void)
{
    struct sl_text_options o = {.format = SL_TEXT_CSV};
    size_t header;
    struct sl_text_reader *r = settled(&o, "a,b,c\n1,x,2\n", &header);
    struct sl_text_map *map = NULL;
    struct sl_err err;
    TEST("a later file may order its columns otherwise, or lack some")
    {
        const char *in = "c,a\n9,8\n";
        CHECK_INT(sl_text_header(r, in, strlen(in), "two.csv", &map, &header, &err), 0);
        CHECK_INT(header, 4);
        check_rows(r, (struct sl_text_chunk){.map = map}, in + header, "8,,9\n");
        sl_text_map_unref(map);
    }
    TEST("a column that the first file has not is refused by name")
    {
        const char *in = "a,b,c,d\n1,x,2,3\n";
        CHECK_INT(sl_text_header(r, in, strlen(in), "three.csv", &map, &header, &err), -SL_ESCHEMA);
        CHECK_STR(err.what, "column 'd' is not in the first file");
        CHECK_STR(err.place, "three.csv");
    }
    TEST("an empty later file has no header")
    {
        CHECK_INT(sl_text_header(r, "", 0, "four.csv", &map, &header, &err), 0);
        CHECK(map == NULL && header == 0);
    }
    sl_text_reader_free(r);
}

static void test_dictionary(void)
{
    TEST("text of few values shares one dictionary between batches")
    {
        struct sl_text_options o = {.format = SL_TEXT_CSV};
        size_t header;
        struct sl_text_reader *r = settled(&o, "a,b\nx,1\n", &header);
        struct sl_text_scratch *s = sl_text_scratch_new(NULL);
        struct sl_reject_list rejects = {0};
        struct sl_batch *b[2] = {NULL, NULL};
        char *in = slack_copy("x,1\ny,2\nx,3\n,4\n", 15);
        for (int i = 0; i < 2; i++) {
            struct sl_schema *wider = NULL;
            struct sl_text_chunk c = {.data = in, .n = 15, .first_line = 1};
            int64_t lines;
            CHECK_INT(sl_text_decode(r, s, &c, &b[i], &rejects, &lines, &wider, NULL), 0);
        }
        const struct sl_column *x = b[0]->columns[0], *y = b[1]->columns[0];
        CHECK_INT(x->form, SL_DICT);
        CHECK(x->dict == y->dict);
        CHECK_INT(x->dict->rows, 2);
        CHECK(sl_column_null(x, 3));
        sl_batch_unref(b[0]);
        sl_batch_unref(b[1]);
        sl_text_scratch_free(s);
        sl_text_reader_free(r);
        free(in);
    }
    TEST("a dictionary of some thousand values lasts too")
    {
        struct sl_text_options o = {.format = SL_TEXT_CSV};
        struct sl_buf in = SL_BUF_INIT;
        size_t header;
        struct sl_text_reader *r = settled(&o, "a,b\nx,1\n", &header);
        struct sl_text_scratch *s = sl_text_scratch_new(NULL);
        struct sl_reject_list rejects = {0};
        struct sl_batch *b[3] = {NULL, NULL, NULL};
        for (int i = 0; i < 60000; i++)
            sl_buf_printf(&in, "user %d,%d\n", i / 2 % 3000, i % 7);
        char *copy = slack_copy(in.data, in.len);
        for (int i = 0; i < 3; i++) {
            struct sl_schema *wider = NULL;
            struct sl_text_chunk c = {.data = copy, .n = in.len, .first_line = 1};
            int64_t lines;
            CHECK_INT(sl_text_decode(r, s, &c, &b[i], &rejects, &lines, &wider, NULL), 0);
            CHECK_INT(b[i]->columns[0]->form, SL_DICT);
            CHECK_INT(b[i]->columns[0]->dict->rows, 3000);
        }
        CHECK(b[1]->columns[0]->dict == b[2]->columns[0]->dict);
        for (int i = 0; i < 3; i++)
            sl_batch_unref(b[i]);
        sl_text_scratch_free(s);
        sl_text_reader_free(r);
        sl_buf_release(&in);
        free(copy);
    }
    TEST("text of many values becomes plain, with the same rows")
    {
        struct sl_buf in = SL_BUF_INIT;
        sl_buf_addstr(&in, "a,b\n");
        for (int i = 0; i < 30000; i++)
            sl_buf_printf(&in, "value number %d of many,%d\n", i % 20000, i % 3);
        struct reading t = {.o.format = SL_TEXT_CSV};
        CHECK_INT(reading_run(&t, in.data, in.len), 0);
        CHECK(t.out.len == in.len - 4 && memcmp(t.out.data, in.data + 4, t.out.len) == 0);
        reading_free(&t);
        sl_buf_release(&in);
    }
}

/* One of so many values: few of them are frequent, most are rare. */
static int uneven(uint32_t *state, int values)
{
    *state = *state * 1103515245 + 12345;
    uint64_t u = *state >> 8 & 0xffff, v = u;
    for (int i = 0; i < 4; i++)
        v = v * u >> 16;
    return (int)(v * (uint64_t)values >> 16);
}

/* The form of a column of so many values in a chunk of 30,000 rows, after a first one of so many rows. */
static int form_after(int first, int values)
{
    enum { CHUNK = 30000 };
    struct sl_text_options o = {.format = SL_TEXT_CSV};
    size_t header;
    uint32_t state = 1;
    struct sl_text_reader *r = settled(&o, "a,b\nx,1\n", &header);
    struct sl_text_scratch *s = sl_text_scratch_new(NULL);
    struct sl_reject_list rejects = {0};
    int form = -1;
    for (int i = 0; i < 3; i++) {
        struct sl_buf in = SL_BUF_INIT;
        for (int row = 0; row < (i ? CHUNK : first); row++)
            sl_buf_printf(&in, "user %d,%d\n", uneven(&state, values), row % 7);
        char *copy = slack_copy(in.data, in.len);
        struct sl_schema *wider = NULL;
        struct sl_batch *b = NULL;
        struct sl_text_chunk c = {.data = copy, .n = in.len, .first_line = 1};
        int64_t lines;
        CHECK_INT(sl_text_decode(r, s, &c, &b, &rejects, &lines, &wider, NULL), 0);
        form = b ? (int)b->columns[0]->form : -1;
        sl_batch_unref(b);
        sl_buf_release(&in);
        free(copy);
    }
    sl_text_scratch_free(s);
    sl_text_reader_free(r);
    return form;
}

static void test_many_values(void)
{
    TEST("a column whose every chunk fills a dictionary afresh becomes plain, whatever size the "
         "first chunk has")
    {
        CHECK_INT(form_after(60000, 40000), SL_PLAIN);
        CHECK_INT(form_after(50000, 40000), SL_PLAIN);
        CHECK_INT(form_after(30000, 40000), SL_PLAIN);
        CHECK_INT(form_after(50000, 3000), SL_DICT);
    }
}

int main(void)
{
    test_raw();
    test_fixed();
    test_later_files();
    test_dictionary();
    test_many_values();
    return test_done();
}

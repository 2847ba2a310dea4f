/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Batches as CSV, TSV, JSON lines and tables. */
#include "arrow/builder.h"
#include "text_test.h"

/* A batch of one row per entry; NULL entries are null. */
static struct sl_batch *text_batch(const char *const *names, int ncols, const char *const *cells,
                                   size_t rows, int dict)
{
    struct sl_schema *s = sl_schema_new();
    for (int c = 0; c < ncols; c++)
        sl_schema_add(s, names[c], strlen(names[c]),
                      sl_type_of(strcmp(names[c], "_rest") == 0 ? SL_JSONB : SL_TEXT), NULL);
    struct sl_batch *b = sl_batch_new(s, rows);
    for (int c = 0; c < ncols; c++) {
        struct sl_builder x;
        sl_builder_init(&x, s->fields[c].type, NULL, dict);
        for (size_t r = 0; r < rows; r++) {
            const char *v = cells[r * (size_t)ncols + (size_t)c];
            if (v)
                sl_builder_bytes(&x, v, strlen(v));
            else
                sl_builder_null(&x);
        }
        b->columns[c] = sl_builder_finish(&x, NULL);
        sl_builder_release(&x);
    }
    sl_schema_unref(s);
    return b;
}

static void check_written(const struct sl_text_write_options *o, struct sl_batch *b,
                          const char *want)
{
    struct sl_buf out = SL_BUF_INIT;
    struct sl_text_writer *w = NULL;
    CHECK_INT(sl_text_writer_new(o, b->schema, &w, NULL), 0);
    CHECK_INT(sl_text_write(w, b, &out, NULL), 0);
    CHECK_INT(sl_text_write_end(w, &out, NULL), 0);
    CHECK_STR(text_of(&out), want);
    sl_text_writer_free(w);
    sl_buf_release(&out);
}

static const char *const ab[] = {"a", "b,c"};
static const char *const cells[] = {"x,y", "say \"hi\"", "", NULL, "1\n2", "t\tb", "plain", "=1+1"};

static void test_csv(void)
{
    for (int dict = 0; dict < 2; dict++) {
        struct sl_batch *b = text_batch(ab, 2, cells, 4, dict);
        TEST("CSV quotes what must be, and tells null from empty")
        {
            struct sl_text_write_options o = {.format = SL_TEXT_CSV};
            check_written(
                &o, b, "a,\"b,c\"\n\"x,y\",\"say \"\"hi\"\"\"\n\"\",\n\"1\n2\",t\tb\nplain,=1+1\n");
        }
        TEST("TSV, another delimiter, no header")
        {
            struct sl_text_write_options o = {.format = SL_TEXT_TSV};
            check_written(
                &o, b,
                "a\tb,c\nx,y\t\"say \"\"hi\"\"\"\n\"\"\t\n\"1\n2\"\t\"t\tb\"\nplain\t=1+1\n");
            struct sl_text_write_options v = {
                .format = SL_TEXT_CSV, .delimiter = ';', .no_header = 1};
            check_written(&v, b, "x,y;\"say \"\"hi\"\"\"\n\"\";\n\"1\n2\";t\tb\nplain;=1+1\n");
        }
        TEST("cells that a spreadsheet would compute are marked on demand")
        {
            struct sl_text_write_options o = {
                .format = SL_TEXT_CSV, .spreadsheet_safe = 1, .no_header = 1};
            check_written(&o, b, "\"x,y\",\"say \"\"hi\"\"\"\n\"\",\n\"1\n2\",t\tb\nplain,'=1+1\n");
        }
        TEST("JSON escapes and nulls")
        {
            struct sl_text_write_options o = {.format = SL_TEXT_JSON};
            check_written(
                &o, b,
                "{\"a\":\"x,y\",\"b,c\":\"say \\\"hi\\\"\"}\n{\"a\":\"\",\"b,c\":null}\n"
                "{\"a\":\"1\\n2\",\"b,c\":\"t\\tb\"}\n{\"a\":\"plain\",\"b,c\":\"=1+1\"}\n");
        }
        sl_batch_unref(b);
    }
    TEST("an empty result has its header; rows of a selection; a header for no batch")
    {
        struct sl_batch *b = text_batch(ab, 2, cells, 4, 0);
        struct sl_text_write_options o = {.format = SL_TEXT_CSV};
        struct sl_buffer *sel = sl_buffer_new(NULL, 2 * sizeof(uint32_t));
        ((uint32_t *)(void *)sel->data)[0] = 3;
        ((uint32_t *)(void *)sel->data)[1] = 1;
        struct sl_batch *some = sl_batch_select(b, sel, 2, NULL);
        check_written(&o, some, "a,\"b,c\"\nplain,=1+1\n\"\",\n");
        struct sl_text_writer *w;
        struct sl_buf out = SL_BUF_INIT;
        CHECK_INT(sl_text_writer_new(&o, b->schema, &w, NULL), 0);
        CHECK_INT(sl_text_write(w, NULL, &out, NULL), 0);
        CHECK_INT(sl_text_write_end(w, &out, NULL), 0);
        CHECK_STR(text_of(&out), "a,\"b,c\"\n");
        sl_text_writer_free(w);
        sl_buf_release(&out);
        sl_batch_unref(some);
        sl_batch_unref(b);
    }
}

static void test_types(void)
{
    const char *in = "t,d,n,f,b,i,e\n"
                     "2024-01-01T10:00:00.5Z,2024-02-29,1.50,1e-7,true,-5,\n"
                     ",,,,,,\n";
    TEST("values of each type as CSV")
    {
        struct reading t = {.o.format = SL_TEXT_CSV};
        CHECK_READ(t, in, "2024-01-01 10:00:00.500+00,2024-02-29,1.50,1e-07,true,-5,\n,,,,,,\n",
                   NULL);
        reading_free(&t);
    }
    TEST("values of each type as JSON")
    {
        struct reading t = {.o.format = SL_TEXT_CSV, .to = SL_TEXT_JSON};
        CHECK_READ(
            t, in,
            "{\"t\":\"2024-01-01T10:00:00.500Z\",\"d\":\"2024-02-29\",\"n\":1.50,\"f\":1e-07,"
            "\"b\":true,\"i\":-5,\"e\":null}\n"
            "{\"t\":null,\"d\":null,\"n\":null,\"f\":null,\"b\":null,\"i\":null,\"e\":null}\n",
            NULL);
        reading_free(&t);
    }
    TEST("what JSON has not is a string")
    {
        struct sl_schema *types = NULL;
        CHECK_INT(sl_schema_parse("a double precision", 18, &types, NULL), 0);
        struct reading t = {.o.format = SL_TEXT_CSV, .o.types = types, .to = SL_TEXT_JSON};
        CHECK_READ(t, "a,b\nNaN,1\ninf,2\n",
                   "{\"a\":\"NaN\",\"b\":1}\n{\"a\":\"Infinity\",\"b\":2}\n", NULL);
        reading_free(&t);
        sl_schema_unref(types);
    }
    TEST("CSV read back is the same CSV")
    {
        const char *odd = "a,b\n\"x,\"\"y\"\"\n\",\"\"\n,\"\r\n\"\n\"'\",\xc3\xa9\n";
        struct reading t = {.o.format = SL_TEXT_CSV};
        CHECK_READ(t, odd, "\"x,\"\"y\"\"\n\",\"\"\n,\"\r\n\"\n',\xc3\xa9\n", NULL);
        struct sl_buf again = SL_BUF_INIT;
        sl_buf_addstr(&again, "a,b\n");
        sl_buf_add(&again, t.out.data, t.out.len);
        struct reading v = {.o.format = SL_TEXT_CSV};
        CHECK_READ(v, again.data, text_of(&t.out), NULL);
        sl_buf_release(&again);
        reading_free(&v);
        reading_free(&t);
    }
}

static void test_rest(void)
{
    static const char *const names[] = {"a", "_rest"};
    static const char *const none[] = {"1", NULL, "2", NULL};
    static const char *const some[] = {"1", "{\"k\":[1,2]}", "2", NULL};
    struct sl_batch *b = text_batch(names, 2, none, 2, 0), *c = text_batch(names, 2, some, 2, 0);
    TEST("_rest is left out where it is null, and its members belong to the row")
    {
        struct sl_text_write_options j = {.format = SL_TEXT_JSON}, o = {.format = SL_TEXT_CSV};
        check_written(&j, b, "{\"a\":\"1\"}\n{\"a\":\"2\"}\n");
        check_written(&j, c, "{\"a\":\"1\",\"k\":[1,2]}\n{\"a\":\"2\"}\n");
        check_written(&o, b, "a\n1\n2\n");
        check_written(&o, c, "a,_rest\n1,\"{\"\"k\"\":[1,2]}\"\n2,\n");
    }
    TEST("keys that come after a CSV header are an error, not lost")
    {
        struct sl_text_write_options o = {.format = SL_TEXT_CSV};
        struct sl_text_writer *w;
        struct sl_buf out = SL_BUF_INIT;
        CHECK_INT(sl_text_writer_new(&o, b->schema, &w, NULL), 0);
        CHECK_INT(sl_text_write(w, b, &out, NULL), 0);
        CHECK_INT(sl_text_write(w, c, &out, NULL), -SL_ESCHEMA);
        sl_text_writer_free(w);
        sl_buf_release(&out);
    }
    sl_batch_unref(b);
    sl_batch_unref(c);
}

static void test_table(void)
{
    static const char *const names[] = {"id", "name"};
    static const char *const rows[] = {
        "1", "Zo\xc3\xab", "22", NULL, "3", "\xe6\x97\xa5\xe6\x9c\xac", "4", "a\033[1mb"};
    struct sl_batch *b = text_batch(names, 2, rows, 4, 0);
    struct sl_text_write_options o = {.format = SL_TEXT_TABLE};
    TEST("columns align by terminal width, control bytes are shown, null is empty")
    {
        check_written(&o, b,
                      "id  name\n--  ---------\n1   Zo\xc3\xab\n22\n3   \xe6\x97\xa5\xe6\x9c\xac\n"
                      "4   a\\x1b[1mb\n");
    }
    TEST("numbers stand to the right")
    {
        struct sl_schema *n = NULL;
        CHECK_INT(sl_schema_parse("n bigint, w text", 16, &n, NULL), 0);
        struct sl_batch *c = sl_batch_new(n, 3);
        struct sl_builder x;
        sl_builder_init(&x, n->fields[0].type, NULL, 0);
        sl_builder_int(&x, 1);
        sl_builder_int(&x, -20);
        sl_builder_null(&x);
        c->columns[0] = sl_builder_finish(&x, NULL);
        sl_builder_release(&x);
        c->columns[1] = sl_column_nulls(n->fields[1].type, 3, NULL);
        check_written(&o, c, "  n  w\n---  -\n  1\n-20\n\n");
        sl_batch_unref(c);
        sl_schema_unref(n);
    }
    TEST("no line is wider than the terminal")
    {
        struct sl_text_write_options v = {.format = SL_TEXT_TABLE, .width = 10};
        check_written(&v, b,
                      "id  name\n--  ------\n1   Zo\xc3\xab\n22\n3   \xe6\x97\xa5\xe6\x9c\xac\n4   "
                      "a\\x1b…\n");
        struct sl_text_write_options u = {.format = SL_TEXT_TABLE, .width = 6};
        check_written(&u, b, "id  …\n--  …\n1   …\n22  …\n3   …\n4   …\n");
    }
    TEST("a later value widens its column, and the head comes again; a narrower one does not")
    {
        struct sl_text_writer *w;
        struct sl_buf out = SL_BUF_INIT;
        static const char *const late[] = {"55555", "x"};
        struct sl_batch *c = text_batch(names, 2, late, 1, 0);
        CHECK_INT(sl_text_writer_new(&o, b->schema, &w, NULL), 0);
        CHECK_INT(sl_text_write_flush(w, &out, NULL), 0);
        CHECK_INT(out.len, 0);
        CHECK_INT(sl_text_write(w, b, &out, NULL), 0);
        CHECK_INT(out.len, 0);
        CHECK_INT(sl_text_write_flush(w, &out, NULL), 0);
        CHECK(out.len > 0);
        sl_buf_reset(&out);
        CHECK_INT(sl_text_write(w, c, &out, NULL), 0);
        CHECK_STR(text_of(&out), "id     name\n-----  ---------\n55555  x\n");
        sl_buf_reset(&out);
        CHECK_INT(sl_text_write(w, c, &out, NULL), 0);
        CHECK_STR(text_of(&out), "55555  x\n");
        sl_text_writer_free(w);
        sl_buf_release(&out);
        sl_batch_unref(c);
    }
    TEST("a table of no rows has its header")
    {
        struct sl_text_writer *w;
        struct sl_buf out = SL_BUF_INIT;
        CHECK_INT(sl_text_writer_new(&o, b->schema, &w, NULL), 0);
        CHECK_INT(sl_text_write_end(w, &out, NULL), 0);
        CHECK_STR(text_of(&out), "id  name\n--  ----\n");
        sl_text_writer_free(w);
        sl_buf_release(&out);
    }
    sl_batch_unref(b);
}

int main(void)
{
    test_csv();
    test_types();
    test_rest();
    test_table();
    return test_done();
}

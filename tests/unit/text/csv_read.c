/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* CSV and TSV as people write them. */
#include "text_test.h"
#include "text/csv.h"

static struct reading csv(void)
{
    return (struct reading){.o.format = SL_TEXT_CSV};
}

static void test_shapes(void)
{
    TEST("fields, nulls and empty text come back")
    {
        struct reading t = csv();
        CHECK_READ(t, "a,b,c\n1,x,\n2,\"\",y\n", "1,x,\n2,\"\",y\n", "a bigint, b text, c text");
        CHECK_INT(t.rows, 2);
        reading_free(&t);
    }
    TEST("quotes, embedded delimiters, line ends and doubled quotes")
    {
        struct reading t = csv();
        CHECK_READ(t, "a,b\n\"x,y\",\"1\n2\"\n\"say \"\"hi\"\"\",z\n",
                   "\"x,y\",\"1\n2\"\n\"say \"\"hi\"\"\",z\n", NULL);
        CHECK_INT(t.lines, 4);
        reading_free(&t);
    }
    TEST("a quote that is not at the start of a field is data")
    {
        struct reading t = csv();
        CHECK_READ(t, "a,b\n5\" disk,x\nx\"y\"z,2\n", "\"5\"\" disk\",x\n\"x\"\"y\"\"z\",2\n",
                   NULL);
        reading_free(&t);
    }
    TEST("CRLF, no line end at the end, BOM")
    {
        struct reading t = csv();
        CHECK_READ(t,
                   "\xef\xbb\xbf"
                   "a,b\r\n1,x\r\n2,\"y\r\nz\"\r\n3,w",
                   "1,x\n2,\"y\r\nz\"\n3,w\n", "a bigint, b text");
        reading_free(&t);
    }
    TEST("lines ended by CR alone")
    {
        struct reading t = csv();
        CHECK_READ(t, "a,b\r1,x\r2,\"y\rz\"\r", "1,x\n2,\"y\rz\"\n", "a bigint, b text");
        CHECK(strstr(text_of(&t.assumed), "lines end in CR") != NULL);
        reading_free(&t);
    }
    TEST("delimiters are found: semicolon, bar, tab")
    {
        const char *texts[] = {"a;b\n1,5;x\n", "a|b\n1,5|x\n", "a\tb\n1,5\tx\n"};
        for (int i = 0; i < 3; i++) {
            struct reading t = csv();
            CHECK_READ(t, texts[i], "\"1,5\",x\n", "a text, b text");
            reading_free(&t);
        }
    }
    TEST("a declared delimiter, and TSV")
    {
        struct reading t = {.o.format = SL_TEXT_CSV, .o.delimiter = '#'};
        CHECK_READ(t, "a#b\n1#2\n", "1,2\n", "a bigint, b bigint");
        reading_free(&t);
        struct reading v = {.o.format = SL_TEXT_TSV};
        CHECK_READ(v, "a\tb\nx,y\t\"q\tr\"\n", "\"x,y\",q\tr\n", NULL);
        reading_free(&v);
    }
    TEST("an empty file, a header alone, blank lines only")
    {
        struct reading t = csv();
        CHECK_READ(t, "", "", "");
        reading_free(&t);
        struct reading v = csv();
        CHECK_READ(v, "a,b\n", "", "a text, b text");
        reading_free(&v);
        struct reading u = csv();
        CHECK_READ(u, "\n\n\n", "", "");
        reading_free(&u);
    }
}

static void test_odd_rows(void)
{
    TEST("ragged rows are rejects with a reason, a line and a place")
    {
        struct reading t = csv();
        CHECK_READ(t, "a,b,c\n1,2,3\n1,2\n4,5,6\n1,2,3,4\n\"x\",2\n7,8,9\n",
                   "1,2,3\n4,5,6\n7,8,9\n", NULL);
        CHECK_INT(t.rejects.n, 3);
        if (t.rejects.n == 3) {
            CHECK_STR(t.rejects.items[0].reason, "2 fields, the header has 3");
            CHECK_INT(t.rejects.items[0].line, 3);
            CHECK_INT(t.rejects.items[0].byte, 6);
            CHECK_INT(t.rejects.items[0].len, 3);
            CHECK_STR(t.rejects.items[1].reason, "4 fields, the header has 3");
            CHECK_INT(t.rejects.items[1].line, 5);
            CHECK_STR(t.rejects.items[2].reason, "2 fields, the header has 3");
        }
        CHECK_INT(t.rejects.records, 6);
        reading_free(&t);
    }
    TEST("bad quoting is a reject, and the next record is read")
    {
        struct reading t = csv();
        CHECK_READ(t, "a,b\n1,2\n\"x\"y,3\n4,5\n6,\"open\n7,8\n", "1,2\n4,5\n", NULL);
        CHECK_INT(t.rejects.n, 2);
        if (t.rejects.n == 2) {
            CHECK_STR(t.rejects.items[0].reason, "text behind the quote that closes the field");
            CHECK_INT(t.rejects.items[0].column, 1);
            CHECK_INT(t.rejects.items[0].line, 3);
            CHECK_STR(t.rejects.items[1].reason, "the quote that opens the field is never closed");
            CHECK_INT(t.rejects.items[1].column, 2);
        }
        reading_free(&t);
    }
    TEST("blank lines are skipped and counted, but a null in a file of one column")
    {
        struct reading t = csv();
        CHECK_READ(t, "a,b\n1,2\n\n\r\n3,4\n", "1,2\n3,4\n", NULL);
        CHECK_INT(t.rejects.skipped, 2);
        CHECK_INT(t.rejects.records, 4);
        reading_free(&t);
        struct reading v = csv();
        CHECK_READ(v, "a\n1\n\n3\n", "1\n\n3\n", "a bigint");
        CHECK_INT(v.rows, 3);
        reading_free(&v);
    }
    TEST("invalid UTF-8 rejects the record, unless the column is bytea")
    {
        struct reading t = csv();
        CHECK_READ(t, "a,b\n1,\xc3\xa9\n2,\xff\n3,x\n", "1,\xc3\xa9\n3,x\n", NULL);
        CHECK_INT(t.rejects.n, 1);
        if (t.rejects.n) {
            CHECK_STR(t.rejects.items[0].reason,
                      "byte 0xFF is not UTF-8; iconv -f latin1 -t UTF-8 converts Latin-1, and the "
                      "type bytea keeps the bytes");
            CHECK_STR(t.rejects.items[0].column_name, "b");
            CHECK_INT(t.rejects.items[0].column, 2);
            CHECK_INT(t.rejects.items[0].line, 3);
        }
        reading_free(&t);
        struct sl_schema *types = NULL;
        CHECK_INT(sl_schema_parse("b bytea", 7, &types, NULL), 0);
        struct reading v = {.o.format = SL_TEXT_CSV, .o.types = types};
        CHECK_READ(v, "a,b\n1,\xff\n\xfe,2\n", "1,\\xff\n", NULL);
        CHECK_INT(v.rejects.n, 1);
        reading_free(&v);
        sl_schema_unref(types);
    }
    TEST("NUL bytes and lone CRs are data")
    {
        struct reading t = csv();
        const char in[] = "a,b\nx\0y,1\nx\ry,2\n";
        CHECK_INT(reading_run(&t, in, sizeof in - 1), 0);
        CHECK(t.out.len == 14 && memcmp(t.out.data, "x\0y,1\n\"x\ry\",2\n", 14) == 0);
        reading_free(&t);
    }
}

static void test_headers(void)
{
    TEST("repeated and empty names get names of their own")
    {
        struct reading t = csv();
        CHECK_READ(t, "a,a,,a_2,a\n1,2,3,4,5\n", "1,2,3,4,5\n",
                   "a bigint, a_2 bigint, c3 bigint, a_2_2 bigint, a_3 bigint");
        CHECK(strstr(text_of(&t.assumed), "renamed") != NULL);
        reading_free(&t);
    }
    TEST("no header: c1, c2, or names from --types by place")
    {
        struct reading t = {.o.format = SL_TEXT_CSV, .o.no_header = 1};
        CHECK_READ(t, "1,x\n2,y\n", "1,x\n2,y\n", "c1 bigint, c2 text");
        reading_free(&t);
        struct sl_schema *types = NULL;
        CHECK_INT(sl_schema_parse("id text, name text", 18, &types, NULL), 0);
        struct reading v = {.o.format = SL_TEXT_CSV, .o.no_header = 1, .o.types = types};
        CHECK_READ(v, "007,x\n", "007,x\n", "id text, name text");
        reading_free(&v);
        sl_schema_unref(types);
    }
    TEST("--types that names no column says which is near")
    {
        struct sl_schema *types = NULL;
        CHECK_INT(sl_schema_parse("pric bigint", 11, &types, NULL), 0);
        struct reading t = {.o.format = SL_TEXT_CSV, .o.types = types};
        CHECK_INT(reading_run(&t, "price,b\n1,2\n", 12), -SL_EUSAGE);
        CHECK_STR(t.err.what, "--types names 'pric', which the input has not");
        CHECK_STR(t.err.hint, "did you mean 'price'?");
        reading_free(&t);
        sl_schema_unref(types);
    }
}

/* The same rows, however the input is cut. */
static void test_pieces(void)
{
    TEST("any cut gives the same rows")
    {
        const char *in =
            "a,b,c\r\n1,x,\"q\nr\"\r\n2,,z\r\n\r\n3,\"a\"\"b\",\r\n4,5,6,7\r\n8,y\"y,9";
        struct reading whole = csv();
        CHECK_INT(reading_run(&whole, in, strlen(in)), 0);
        CHECK_INT(whole.rows, 4);
        for (size_t piece = 1; piece < strlen(in); piece++) {
            struct reading t = csv();
            t.piece = piece;
            CHECK_INT(reading_run(&t, in, strlen(in)), 0);
            CHECK_STR(text_of(&t.out), text_of(&whole.out));
            CHECK_INT(t.rejects.n, whole.rejects.n);
            CHECK_INT(t.lines, whole.lines);
            if (t.rejects.n)
                CHECK_INT(t.rejects.items[0].line, whole.rejects.items[0].line);
            reading_free(&t);
        }
        reading_free(&whole);
    }
}

static void test_long_field(void)
{
    TEST("a long field with quotes is not copied again and again as it grows")
    {
        enum { N = 4 << 20 };
        struct sl_csv_rows rows = {0};
        char *s = sl_malloc(N);
        memset(s, 'x', N);
        s[0] = s[N - 1] = '"';
        uint64_t made = sl_mem_count();
        CHECK_INT(sl_csv_odd_record(&rows, s, N, ',', NULL), 1);
        CHECK_INT(rows.odd.len, N - 1);
        made = sl_mem_count() - made;
        CHECK(made > 0 && made < 40);
        free(s);
        sl_csv_rows_release(&rows);
    }
}

int main(void)
{
    test_long_field();
    test_shapes();
    test_odd_rows();
    test_headers();
    test_pieces();
    return test_done();
}

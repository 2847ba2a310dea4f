/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Schemas that grow, forms of segments, ranges and times. */
#include "log/view.h"
#include "maintain/maintain.h"
#include "rows.h"

static struct sl_log_writer *open_types(const char *path, const char *types,
                                        const struct sl_log_options *options)
{
    struct sl_log_options plain = {.sync = SL_SYNC_NONE};
    struct sl_log_writer *w = NULL;
    struct sl_schema *s = schema_of(types);
    int rc = sl_log_writer_open(path, options ? options : &plain, s, &w, NULL, &err);
    sl_schema_unref(s);
    return rc < 0 ? NULL : w;
}

/* Appends one row of integers or text. */
static int append_one(struct sl_log_writer *w, const char *types, const int64_t *ints,
                      const char *const *texts)
{
    struct sl_schema *s = schema_of(types);
    struct sl_batch *b = sl_batch_new(s, 1);
    struct sl_log_blob *blob;
    for (int i = 0; i < s->nfields; i++) {
        struct sl_builder c;
        sl_builder_init(&c, s->fields[i].type, NULL, 0);
        if (sl_type_is_bytes(s->fields[i].type))
            sl_builder_bytes(&c, texts[i], strlen(texts[i]));
        else if (s->fields[i].type.kind == SL_NUMERIC)
            sl_builder_int128(&c, ints[i]);
        else
            sl_builder_int(&c, ints[i]);
        b->columns[i] = sl_builder_finish(&c, &err);
        sl_builder_release(&c);
    }
    int rc = sl_log_writer_encode(w, 0, b, &blob, &err);
    if (rc == 0)
        rc = sl_log_writer_commit(w, &blob, 1, NULL, &err);
    sl_batch_unref(b);
    sl_schema_unref(s);
    return rc;
}

/* All rows as text, "1,a;2,;" */
static const char *rows_text_of(struct sl_log_reader *r, int *end)
{
    static char text[4000];
    struct sl_buf b = SL_BUF_INIT;
    struct sl_log_chunk *c;
    int rc;
    while ((rc = sl_log_reader_next(r, &c, &err)) == SL_LOG_CHUNK) {
        struct sl_batch *batch;
        CHECK(good(sl_log_chunk_decode(c, &batch, &err)));
        for (size_t i = 0; i < batch->selected; i++) {
            for (int k = 0; k < batch->schema->nfields; k++) {
                CHECK(good(sl_column_load(batch->columns[k], &err)));
                if (k)
                    sl_buf_addch(&b, ',');
                if (!sl_column_null(batch->columns[k], i))
                    sl_column_print(batch->columns[k], i, &b);
            }
            sl_buf_addch(&b, ';');
        }
        sl_batch_unref(batch);
        sl_log_chunk_free(c);
    }
    *end = rc;
    good(rc);
    snprintf(text, sizeof(text), "%s", b.data ? b.data : "");
    sl_buf_release(&b);
    return text;
}

static const char *rows_text(const char *path)
{
    struct sl_log *l = NULL;
    struct sl_log_reader *r = NULL;
    struct sl_log_read_options o = {0};
    int end;
    CHECK(good(sl_log_open(path, &l, &err)) && good(sl_log_reader_open(l, &o, &r, &err)));
    const char *text = rows_text_of(r, &end);
    CHECK_INT(end, SL_LOG_END);
    sl_log_reader_free(r);
    sl_log_free(l);
    return text;
}

static int64_t count_range(const char *path, int64_t from, int64_t to)
{
    struct sl_log *l = NULL;
    struct sl_log_reader *r = NULL;
    struct sl_log_chunk *c;
    struct sl_log_range range = {from, to};
    uint8_t wanted = 4; /* only n */
    struct sl_log_read_options o = {.ranges = &range};
    int64_t n = from;
    int rc;
    CHECK(good(sl_log_open(path, &l, &err)) && good(sl_log_reader_open(l, &o, &r, &err)));
    CHECK(good(sl_log_reader_want(r, &wanted, &err)));
    while ((rc = sl_log_reader_next(r, &c, &err)) == SL_LOG_CHUNK) {
        struct sl_batch *b;
        CHECK(good(sl_log_chunk_decode(c, &b, &err)));
        CHECK_INT(sl_log_chunk_info(c).base, n);
        CHECK_INT(sl_log_chunk_info(c).rows, b->selected);
        CHECK(good(sl_column_load(b->columns[2], &err)));
        for (size_t i = 0; i < b->selected; i++, n++) {
            size_t row = sl_batch_row(b, i);
            const struct sl_column *h;
            size_t k = sl_column_slot(b->columns[2], row, &h);
            CHECK_INT(((const int64_t *)h->data)[k], n);
            CHECK_INT(sl_log_chunk_info(c).base + (int64_t)row, n);
            CHECK(sl_column_null(b->columns[4], row)); /* not asked for */
        }
        sl_batch_unref(b);
        sl_log_chunk_free(c);
    }
    CHECK_INT(rc, SL_LOG_END);
    sl_log_reader_free(r);
    sl_log_free(l);
    return n - from;
}

static int count_segs(void *arg, const struct sl_log_segment_info *s)
{
    (void)s;
    ++*(int *)arg;
    return 0;
}

static int segments_of(const char *path)
{
    struct sl_log *l = NULL;
    int n = 0;
    CHECK(good(sl_log_open(path, &l, &err)));
    sl_log_segments(l, count_segs, &n, &err);
    sl_log_free(l);
    return n;
}

static void test_evolution(void)
{
    const int64_t ints[] = {1, 2, 3};
    const char *const texts[] = {"x", "y", "z"};
    TEST("new columns and wider types begin a segment; a bounded read sees the newest schema")
    {
        const char *path = in_scratch("evolve");
        struct sl_log_writer *w = open_types(path, "a bigint", NULL);
        CHECK(good(append_one(w, "a bigint", ints, texts)));
        struct sl_log_writer *w2 = open_types(path, "a bigint, b text", NULL);
        CHECK(w2 != NULL);
        CHECK(good(append_one(w2, "a bigint, b text", ints, texts)));
        /* the first writer still has batches of the old schema */
        CHECK(good(append_one(w, "a bigint", ints, texts)));
        struct sl_schema *wider = schema_of("a numeric(20,2), b text");
        CHECK(good(sl_log_writer_evolve(w2, wider, &err)));
        sl_schema_unref(wider);
        CHECK(good(append_one(w2, "a numeric(20,2), b text", ints, texts)));
        CHECK(good(append_one(w, "a bigint", ints, texts)));
        CHECK_INT(sl_log_writer_schema(w)->nfields, 2);
        CHECK(good(sl_log_writer_close(w, &err)) && good(sl_log_writer_close(w2, &err)));
        /* bigint and numeric(20,2) meet in a numeric that holds both */
        CHECK_STR(rows_text(path), "1.00,;1.00,y;1.00,;0.01,y;1.00,;");
        CHECK_INT(segments_of(path), 3);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        /* fewer columns fit in */
        w = open_types(path, "b text", NULL);
        CHECK(w != NULL && good(append_one(w, "b text", ints, texts)));
        sl_log_writer_abort(w);
    }
    TEST("time and key columns keep their types and must be there")
    {
        const char *path = in_scratch("pinned");
        struct sl_log_options o = {.time_column = "ts", .keys = "k", .partitions = 2};
        struct sl_log_writer *w = open_types(path, "ts timestamptz, k bigint, v bigint", &o);
        CHECK(w != NULL && good(sl_log_writer_close(w, &err)));
        CHECK(open_types(path, "ts timestamptz, k text, v bigint", NULL) == NULL);
        CHECK_INT(err.code, SL_ESCHEMA);
        CHECK(open_types(path, "ts timestamptz, v bigint", NULL) == NULL);
        CHECK(open_types(path, "k bigint, v bigint", NULL) == NULL);
        o.partitions = 3;
        CHECK(open_types(path, "ts timestamptz, k bigint, v bigint", &o) == NULL);
        o.partitions = 2;
        o.keys = "v";
        CHECK(open_types(path, "ts timestamptz, k bigint, v bigint", &o) == NULL);
        o.keys = "k";
        o.hash = "crc32";
        CHECK(open_types(path, "ts timestamptz, k bigint, v bigint", &o) == NULL);
        o.hash = "md5";
        CHECK(open_types(in_scratch("md5"), "ts timestamptz, k bigint, v bigint", &o) == NULL);
    }
}

static void test_followers(void)
{
    const int64_t ints[] = {1, 2, 3};
    const char *const texts[] = {"x", "{\"q\":1}", "z"};
    int end;
    TEST("a follower ends at a new column it has no place for, after the rows before")
    {
        const char *path = in_scratch("follow1");
        struct sl_log_read_options o = {.follow = 1};
        struct sl_log *l = NULL;
        struct sl_log_reader *r = NULL;
        struct sl_log_writer *w = open_types(path, "a bigint", NULL);
        CHECK(good(sl_log_open(path, &l, &err)) && good(sl_log_reader_open(l, &o, &r, &err)));
        CHECK_STR(rows_text_of(r, &end), "");
        CHECK_INT(end, SL_LOG_WAIT);
        CHECK(good(append_one(w, "a bigint", ints, texts)));
        struct sl_schema *s = schema_of("a bigint, b text");
        CHECK(good(sl_log_writer_evolve(w, s, &err)));
        CHECK(good(append_one(w, "a bigint, b text", ints, texts)));
        CHECK_STR(rows_text_of(r, &end), "1;");
        CHECK_INT(end, SL_LOG_SCHEMA);
        sl_log_reader_free(r);
        sl_log_free(l);
        sl_schema_unref(s);
        sl_log_writer_abort(w);
    }
    TEST("with a column _rest new columns go there, and only a wider type ends it")
    {
        const char *path = in_scratch("follow2");
        struct sl_log_read_options o = {.follow = 1};
        struct sl_log *l = NULL;
        struct sl_log_reader *r = NULL;
        struct sl_log_writer *w = open_types(path, "a bigint, _rest jsonb", NULL);
        CHECK(good(sl_log_open(path, &l, &err)) && good(sl_log_reader_open(l, &o, &r, &err)));
        struct sl_schema *s = schema_of("a bigint, _rest jsonb, c text");
        CHECK(good(sl_log_writer_evolve(w, s, &err)));
        CHECK(good(append_one(w, "a bigint, _rest jsonb, c text", ints, texts)));
        CHECK(good(append_one(w, "a bigint", ints, texts)));
        CHECK_STR(rows_text_of(r, &end), "1,{\"q\":1,\"c\":\"z\"};1,;");
        CHECK_INT(end, SL_LOG_WAIT);
        sl_schema_unref(s);
        s = schema_of("a double precision");
        int rc = sl_log_writer_evolve(w, s, &err);
        sl_schema_unref(s);
        if (rc < 0) { /* bigint and double meet in text only, or not at all */
            s = schema_of("a text");
            CHECK(good(sl_log_writer_evolve(w, s, &err)));
            sl_schema_unref(s);
        }
        CHECK(good(append_one(w, "a bigint", ints, texts)));
        CHECK_STR(rows_text_of(r, &end), "");
        CHECK_INT(end, SL_LOG_SCHEMA);
        sl_log_reader_free(r);
        sl_log_free(l);
        sl_log_writer_abort(w);
    }
}

/* Rows whose dictionary and sizes vary. */
static int append_names(struct sl_log_writer *w, int rows, int distinct, int64_t n)
{
    struct sl_schema *s = schema_of("n bigint, name text");
    struct sl_batch *b = sl_batch_new(s, (size_t)rows);
    struct sl_log_blob *blob;
    struct sl_builder c[2];
    sl_builder_init(&c[0], s->fields[0].type, NULL, 0);
    sl_builder_init(&c[1], s->fields[1].type, NULL, 1);
    for (int i = 0; i < rows; i++) {
        char name[64];
        int len = snprintf(name, sizeof(name), "a somewhat longer name %d", i * 7919 % distinct);
        sl_builder_int(&c[0], n + i);
        sl_builder_bytes(&c[1], name, (size_t)len);
    }
    for (int i = 0; i < 2; i++) {
        b->columns[i] = sl_builder_finish(&c[i], &err);
        sl_builder_release(&c[i]);
    }
    int rc = sl_log_writer_encode(w, 0, b, &blob, &err);
    if (rc == 0)
        rc = sl_log_writer_commit(w, &blob, 1, NULL, &err);
    sl_batch_unref(b);
    sl_schema_unref(s);
    return rc;
}

static void test_forms(void)
{
    TEST("batches of all sizes and dictionaries go on in one segment where that loses little")
    {
        const char *path = in_scratch("forms");
        struct sl_log_options o = {.sync = SL_SYNC_NONE};
        struct sl_log_writer *w = open_types(path, "n bigint, name text", &o);
        static const int rows[] = {1, 30000, 10, 30000, 30000, 5, 30000, 30000};
        static const int distinct[] = {1, 20, 10, 30, 200, 5, 20000, 10};
        int64_t n = 0, got = 0;
        for (size_t i = 0; i < SL_COUNT(rows); i++) {
            CHECK(good(append_names(w, rows[i], distinct[i], n)));
            n += rows[i];
        }
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        int segs = segments_of(path);
        printf("# %d segments\n", segs);
        CHECK(segs >= 1 && segs <= 4);
        struct sl_log *l = NULL;
        struct sl_log_reader *r = NULL;
        struct sl_log_chunk *c;
        struct sl_log_read_options ro = {0};
        CHECK(good(sl_log_open(path, &l, &err)) && good(sl_log_reader_open(l, &ro, &r, &err)));
        for (size_t i = 0; sl_log_reader_next(r, &c, &err) == SL_LOG_CHUNK; i++) {
            struct sl_batch *b;
            CHECK(good(sl_log_chunk_decode(c, &b, &err)));
            CHECK(good(sl_column_load(b->columns[1], &err)));
            for (size_t k = 0; k < b->selected; k += 97) {
                char name[64];
                size_t len;
                snprintf(name, sizeof(name), "a somewhat longer name %d",
                         (int)k * 7919 % distinct[i]);
                const char *s = sl_column_bytes(b->columns[1], k, &len);
                CHECK(len == strlen(name) && memcmp(s, name, len) == 0);
            }
            got += (int64_t)b->selected;
            sl_batch_unref(b);
            sl_log_chunk_free(c);
        }
        CHECK_INT(got, n);
        sl_log_reader_free(r);
        sl_log_free(l);
    }
}

static void test_ranges(void)
{
    const char *path = in_scratch("ranges");
    struct sl_log *l = NULL;
    int64_t at;
    TEST("a range begins and ends in the middle of batches and segments, with or without an index")
    {
        struct sl_log_options o = {.sync = SL_SYNC_NONE, .segment_bytes = 20000};
        struct sl_log_writer *w = open_writer(path, &o);
        for (int i = 0; i < 200; i++)
            CHECK(good(append_rows(w, 0, 0, 10 * i, 10)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK(segments_of(path) > 5);
        for (int index = 1; index >= 0; index--) {
            for (int64_t from = 0; from < 2000; from += 177) {
                CHECK_INT(count_range(path, from, from), 0);
                CHECK_INT(count_range(path, from, from + 7), 7);
                CHECK_INT(count_range(path, from, from + 150), SL_MIN(150, 2000 - from));
                CHECK_INT(count_range(path, from, INT64_MAX), 2000 - from);
            }
            char dir[600];
            struct dirent *e;
            snprintf(dir, sizeof(dir), "%s/0000", path);
            DIR *d = opendir(dir);
            int n = 0;
            while ((e = readdir(d)) != NULL) {
                if (strstr(e->d_name, ".idx")) {
                    n++;
                    unlinkat(dirfd(d), e->d_name, 0);
                }
            }
            closedir(d);
            CHECK(index ? n > 4 : n == 0);
        }
    }
    TEST("a time is found, in whichever segment")
    {
        CHECK(good(sl_log_open(path, &l, &err)));
        for (int64_t n = 0; n < 2000; n += 123) {
            CHECK(good(sl_log_seek_time(l, 0, 1700000000000000 + n * 1000, &at, &err)));
            CHECK_INT(at, n);
            CHECK(good(sl_log_seek_time(l, 0, 1700000000000000 + n * 1000 - 5, &at, &err)));
            CHECK_INT(at, n);
        }
        CHECK(good(sl_log_seek_time(l, 0, 1800000000000000, &at, &err)));
        CHECK_INT(at, 2000);
        sl_log_free(l);
    }
    TEST("an offset before the first kept one is expired")
    {
        struct sl_log_range range = {-5, INT64_MAX};
        struct sl_log_read_options o = {.ranges = &range};
        struct sl_log_reader *r = NULL;
        struct sl_log_chunk *c;
        CHECK(good(sl_log_open(path, &l, &err)) && good(sl_log_reader_open(l, &o, &r, &err)));
        CHECK_INT(sl_log_reader_next(r, &c, &err), -SL_EEXPIRED);
        sl_log_reader_free(r);
        sl_log_free(l);
    }
}

int main(void)
{
    make_scratch();
    test_evolution();
    test_followers();
    test_forms();
    test_ranges();
    remove_scratch();
    return test_done();
}

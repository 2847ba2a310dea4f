/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Appending and reading back. */
#include "rows.h"
#include "log/log_writer.h"
#include "maintain/maintain.h"

int main(void)
{
    make_scratch();
    TEST("rows of a commit come back, value for value")
    {
        const char *path = in_scratch("one");
        struct sl_log_writer *w = open_writer(path, NULL);
        CHECK(w != NULL);
        CHECK(good(append_rows(w, 0, 0, 0, 1)));
        CHECK_INT(count_rows(path, 0), 1);
        CHECK(good(append_rows(w, 0, 0, 1, 10)));
        CHECK(good(append_rows(w, 0, 0, 11, 20000)));
        CHECK(good(append_rows(w, 0, 0, 20011, 3)));
        CHECK_INT(count_rows(path, 0), 20014);
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(count_rows(path, 0), 20014);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    }
    TEST("a log of more partitions than descriptors")
    {
        enum { MANY = 1500 };
        const char *path = in_scratch("many");
        struct sl_log_options o = {.sync = SL_SYNC_INTERVAL, .partitions = MANY};
        struct sl_log_writer *w = open_writer(path, &o);
        struct sl_schema *s = rows_schema();
        struct sl_batch *b = make_rows(s, 0, 0, 2);
        static struct sl_log_blob *blobs[MANY];
        for (int k = 0; k < 2; k++) {
            for (int i = 0; i < MANY; i++)
                CHECK(good(sl_log_writer_encode(w, i, b, &blobs[i], &err)));
            CHECK(good(sl_log_writer_commit(w, blobs, MANY, NULL, &err)));
        }
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        sl_batch_unref(b);
        sl_schema_unref(s);
    }
    TEST("a commit looks at the partitions that it changes, and at those of others, only")
    {
        enum { MANY = 2000, COMMITS = 20 };
        const char *path = in_scratch("wide");
        struct sl_log_options o = {.sync = SL_SYNC_NONE, .partitions = MANY};
        struct sl_log_writer *w = open_writer(path, &o), *other = open_writer(path, &o);
        int64_t before = w->replanned;
        for (int k = 0; k < COMMITS; k++) {
            CHECK(good(append_rows(w, 7, 0, k, 1)));
            CHECK(good(append_rows(other, 1000, 1, k, 1)));
        }
        CHECK(w->replanned - before >= COMMITS);
        CHECK(w->replanned - before <= 4 * COMMITS);
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK(good(sl_log_writer_close(other, &err)));
        struct sl_log *l = NULL;
        CHECK(good(sl_log_open(path, &l, &err)));
        CHECK_INT(sl_log_end(l, 7), COMMITS);
        CHECK_INT(sl_log_end(l, 1000), COMMITS);
        sl_log_free(l);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    }
    remove_scratch();
    return test_done();
}

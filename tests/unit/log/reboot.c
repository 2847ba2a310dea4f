/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* After a reboot, or a sync that failed: what was acknowledged is there, the rest is all there or
 * gone from one commit on. */
#include "reboot.h"
#include "maintain/maintain.h"

static void test_losses(void)
{
    TEST("nothing was lost: all commits stay, in the same history")
    {
        CHECK_INT(recover(make_log("all", 3, 4), 70, 0), 0);
        CHECK_INT(recover(make_log("synced", 3, 0), 30, 0), 0);
        CHECK_INT(recover(make_log("none", 0, 3), 30, 0), 0);
    }
    TEST("a segment lost its unsynced end: back to the last whole commit")
    {
        const char *path = make_log("cut", 3, 4);
        const char *seg = file_of(path, "0000", ".arrows");
        CHECK(truncate(seg, file_size(seg) - 5) == 0);
        CHECK_INT(count_rows_as(path, 0, boot_a), 60); /* a reboot or not: it was never durable */
        CHECK_INT(recover(path, 60, 1), 0);
    }
    TEST("a segment has zeros where unsynced rows were")
    {
        const char *path = make_log("zeros", 3, 4);
        const char *seg = file_of(path, "0000", ".arrows");
        int64_t n = file_size(seg);
        CHECK(truncate(seg, n - n / 5) == 0 && truncate(seg, n) == 0);
        int64_t rows = count_rows_as(path, 0, boot_b);
        CHECK(rows >= 30 && rows < 70 && rows % 10 == 0);
        recover(path, rows, 1);
    }
    TEST("lines were lost and the rows were not: whole batches go to lost/")
    {
        const char *path = make_log("lines", 3, 4);
        cut_lines(path, 5, 0);
        int64_t moved = recover(path, 40, 1);
        CHECK(moved > 0);
        CHECK_INT(file_size(file_of(path, "lost", ".arrows")), moved);
    }
    TEST("a line is torn, and the file goes on with zeros")
    {
        const char *path = make_log("torn", 3, 4);
        const char *file = file_of(path, "commits", ".jsonl");
        int64_t n = file_size(file);
        cut_lines(path, 5, 37);
        CHECK(truncate(file_of(path, "commits", ".jsonl"), n) == 0);
        CHECK_INT(count_rows_as(path, 0, boot_a), 40);
        CHECK(recover(path, 40, 1) > 0);
    }
}

/* The file system went down and came back, and the system did not: the boot id is the same. */
static void test_same_boot(void)
{
    TEST("a bad line behind the mark with none after it: a writer of the same boot recovers")
    {
        const char *path = make_log("same", 3, 4);
        const char *file = file_of(path, "commits", ".jsonl");
        int64_t moved = 0, n = file_size(file);
        cut_lines(path, 5, 0);
        CHECK(truncate(file_of(path, "commits", ".jsonl"), n) == 0);
        CHECK_INT(count_rows_as(path, 0, boot_a), 40);
        struct sl_log_writer *w = open_as(path, boot_a, &moved);
        CHECK(w && moved > 0);
        CHECK(good(append_rows(w, 0, 0, 40, 10)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(count_rows_as(path, 0, boot_a), 50);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    }
    TEST("a bad line behind the mark with a good one after it is corrupt until there is a reboot")
    {
        const char *path = make_log("middle", 3, 4);
        struct sl_buf b = SL_BUF_INIT;
        const char *file = file_of(path, "commits", ".jsonl");
        CHECK(sl_path_read_file(file, 1 << 24, &b, &err) == 0);
        const char *p = b.data;
        for (int i = 0; i < 5; i++)
            p = strchr(p, '\n') + 1;
        int fd = open(file, O_WRONLY);
        CHECK(pwrite(fd, "\0\0\0\0", 4, p - b.data + 40) == 4);
        close(fd);
        sl_buf_release(&b);
        CHECK_INT(count_rows_as(path, 0, boot_a), -1 - SL_ECORRUPT);
        CHECK_INT(count_rows_as(path, 0, boot_b), 40);
    }
    TEST("a bad line at the mark is corrupt")
    {
        const char *path = make_log("at", 4, 0);
        const char *file = file_of(path, "commits", ".jsonl");
        int64_t n = file_size(file);
        CHECK(truncate(file, n - 30) == 0 && truncate(file, n) == 0);
        CHECK_INT(count_rows_as(path, 0, boot_a), -1 - SL_ECORRUPT);
        CHECK_INT(count_rows_as(path, 0, boot_b), -1 - SL_ECORRUPT);
    }
    TEST("a writer that knows commits which another one took back stops")
    {
        const char *path = make_log("known", 3, 4);
        struct sl_log_writer *w = open_as(path, boot_a, NULL);
        const char *seg = file_of(path, "0000", ".arrows");
        CHECK(truncate(seg, file_size(seg) - 5) == 0);
        struct sl_log_writer *other = open_as(path, boot_a, NULL);
        CHECK(other != NULL);
        CHECK(append_rows(w, 0, 0, 70, 10) < 0);
        sl_log_writer_abort(w);
        CHECK(good(append_rows(other, 0, 0, 60, 10)));
        CHECK(good(sl_log_writer_close(other, &err)));
        CHECK_INT(count_rows_as(path, 0, boot_a), 70);
    }
}

static void test_stops(void)
{
    TEST("what is lost below the mark is corrupt, reboot or not")
    {
        const char *path = make_log("below", 5, 2);
        cut_lines(path, 4, 0);
        CHECK_INT(count_rows_as(path, 0, boot_b), -1 - SL_ECORRUPT);
        struct sl_log_options o = {.sync = SL_SYNC_NONE, .boot_id = boot_b, .partitions = 2};
        struct sl_log_writer *w = NULL;
        struct sl_schema *s = rows_schema();
        CHECK_INT(sl_log_writer_open(path, &o, s, &w, NULL, &err), -SL_ECORRUPT);
        sl_schema_unref(s);
    }
    TEST("all partitions go back to one commit")
    {
        const char *path = in_scratch("both");
        struct sl_log_writer *w = open_as(path, boot_a, NULL);
        for (int i = 0; i < 6; i++)
            CHECK(good(append_rows(w, i % 2, 0, i / 2 * 10, 10)));
        sl_log_writer_abort(w);
        const char *seg = file_of(path, "0001", ".arrows");
        CHECK(truncate(seg, file_size(seg) - 5) == 0); /* of the last commit but for none */
        CHECK_INT(count_rows_as(path, 0, boot_b), 30);
        CHECK_INT(count_rows_as(path, 1, boot_b), 20);
        seg = file_of(path, "0000", ".arrows");
        CHECK(truncate(seg, file_size(seg) - 5) == 0);
        CHECK_INT(count_rows_as(path, 0, boot_b), 20);
        CHECK_INT(count_rows_as(path, 1, boot_b), 20);
        CHECK(recover(path, 20, 1) >= 0);
        CHECK_INT(count_rows_as(path, 1, boot_b), 20);
    }
    TEST("a sync that failed elsewhere stops a writer, and the next one looks at the device")
    {
        const char *path = in_scratch("failed");
        struct sl_lockfile f;
        struct sl_log_writer *w = open_as(path, boot_a, NULL);
        CHECK(good(append_rows(w, 0, 0, 0, 10)));
        CHECK(good(sl_lockfile_open(path, 1, &f, &err)));
        CHECK(good(sl_lockfile_set_mark(&f, 1, sl_boot_failed, &err)));
        sl_lockfile_close(&f);
        CHECK_INT(append_rows(w, 0, 0, 10, 10), -SL_EIO);
        CHECK_INT(sl_log_writer_sync(w, &err), -SL_EIO);
        CHECK_INT(sl_log_writer_deadline(w), 0);
        sl_log_writer_abort(w);
        recover(path, 10, 0);
    }
}

/* Says in the lock file that a sync is under way, as its process does. */
static void begin_sync(const char *path)
{
    struct sl_lockfile f;
    struct sl_lock_mark m;
    CHECK(good(sl_lockfile_open(path, 1, &f, &err)));
    CHECK(good(sl_lockfile_mark(&f, 0, &m, &err)));
    CHECK(good(sl_lockfile_set_syncing(&f, &m, &err)));
    sl_lockfile_close(&f);
}

static int is_syncing(const char *path)
{
    struct sl_lockfile f;
    struct sl_lock_mark m;
    CHECK(good(sl_lockfile_open(path, 1, &f, &err)));
    CHECK(good(sl_lockfile_mark(&f, 0, &m, &err)));
    CHECK(m.known);
    sl_lockfile_close(&f);
    return m.syncing;
}

static void test_other_s_sync(void)
{
    TEST("a sync whose process was killed is done again, by checking what it was about")
    {
        const char *path = make_log("killed", 2, 2);
        struct sl_log_writer *w = open_as(path, boot_a, NULL);
        begin_sync(path);
        CHECK_INT(count_rows_as(path, 0, boot_a), 40);
        CHECK(good(append_rows(w, 0, 0, 40, 10)));
        CHECK(is_syncing(path));
        CHECK(good(sl_log_writer_sync(w, &err)));
        CHECK(!is_syncing(path));
        CHECK(good(append_rows(w, 0, 0, 50, 10)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        recover(path, 60, 0);
    }
    TEST("if it had failed, nobody acknowledges what it was about")
    {
        const char *path = make_log("dropped", 2, 2);
        struct sl_log_writer *w = open_as(path, boot_a, NULL);
        const char *seg = file_of(path, "0000", ".arrows");
        int64_t n = file_size(seg);
        begin_sync(path);
        CHECK(truncate(seg, n - 40) == 0 && truncate(seg, n) == 0);
        CHECK_INT(sl_log_writer_sync(w, &err), -SL_EIO);
        sl_log_writer_abort(w);
        recover(path, 30, 1);
    }
    TEST("commits that another's recovery took back are not acknowledged, and end their writer")
    {
        const char *path = in_scratch("back");
        struct sl_lockfile f;
        int64_t moved = 0;
        struct sl_log_writer *a = open_as(path, boot_a, NULL), *c = open_as(path, boot_a, NULL);
        for (int i = 0; i < 4; i++)
            CHECK(good(append_rows(a, 0, 0, 10 * i, 10)));
        CHECK(good(append_rows(c, 1, 0, 0, 10)));
        CHECK(good(sl_lockfile_open(path, 1, &f, &err)));
        CHECK(good(sl_lockfile_set_mark(&f, 1, sl_boot_failed, &err)));
        sl_lockfile_close(&f);
        const char *seg = file_of(path, "0000", ".arrows");
        int64_t n = file_size(seg);
        CHECK(truncate(seg, n - 40) == 0 && truncate(seg, n) == 0);
        struct sl_log_writer *b = open_as(path, boot_a, &moved);
        CHECK(good(append_rows(b, 0, 0, 30, 10)));
        CHECK(good(sl_log_writer_sync(b, &err)));
        CHECK_INT(sl_log_writer_sync(a, &err), -SL_EIO);
        CHECK_INT(append_rows(c, 1, 0, 10, 10), -SL_EIO);
        sl_log_writer_abort(a);
        sl_log_writer_abort(c);
        CHECK(good(sl_log_writer_close(b, &err)));
        CHECK_INT(count_rows_as(path, 0, boot_a), 40);
        CHECK_INT(count_rows_as(path, 1, boot_a), 0);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    }
}

/* A follower that came after the reboot and before the first writer. */
static void test_early_follower(void)
{
    TEST("a follower that was there before the recovery goes on after it")
    {
        const char *path = make_log("early", 3, 4);
        struct sl_log *l = NULL;
        struct sl_log_reader *r = NULL;
        struct sl_log_chunk *c;
        struct sl_log_read_options o = {.follow = 1};
        const char *seg = file_of(path, "0000", ".arrows");
        int64_t rows = 0;
        int rc;
        CHECK(truncate(seg, file_size(seg) - 5) == 0);
        CHECK(good(sl_log_open_as(path, boot_b, &l, &err)));
        CHECK(good(sl_log_reader_open(l, &o, &r, &err)));
        for (int after = 0; after < 2; after++) {
            while ((rc = sl_log_reader_next(r, &c, &err)) == SL_LOG_CHUNK) {
                CHECK_INT(sl_log_chunk_info(c).base, rows);
                rows += sl_log_chunk_info(c).rows;
                sl_log_chunk_free(c);
            }
            CHECK(good(rc));
            CHECK_INT(rc, SL_LOG_WAIT);
            CHECK_INT(rows, after ? 70 : 60);
            if (!after)
                recover(path, 60, 1);
        }
        sl_log_reader_free(r);
        sl_log_free(l);
    }
}

int main(void)
{
    make_scratch();
    test_losses();
    test_same_boot();
    test_stops();
    test_early_follower();
    test_other_s_sync();
    remove_scratch();
    return test_done();
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* After a reboot, or a sync that failed: what was acknowledged is there, the rest is all there or
 * gone from one commit on. */
#include "log/lockfile.h"
#include "rows.h"

static struct sl_log_writer *open_as(const char *path, const char *boot, int64_t *moved)
{
    struct sl_log_options o = {.sync = SL_SYNC_NONE, .boot_id = boot, .partitions = 2};
    struct sl_log_writer *w = NULL;
    struct sl_schema *s = rows_schema();
    int rc = sl_log_writer_open(path, &o, s, &w, moved, &err);
    sl_schema_unref(s);
    return good(rc) ? w : NULL;
}

/* synced commits of 10 rows that are synced, then `after` that are not; the process dies. */
static const char *make_log(const char *name, int synced, int after)
{
    const char *path = in_scratch(name);
    struct sl_log_writer *w = open_as(path, boot_a, NULL);
    CHECK(w != NULL);
    for (int i = 0; i < synced + after; i++) {
        CHECK(good(append_rows(w, 0, 0, 10 * i, 10)));
        if (i + 1 == synced)
            CHECK(good(sl_log_writer_sync(w, &err)));
    }
    sl_log_writer_abort(w);
    return path;
}

static const char *file_of(const char *path, const char *dir, const char *suffix)
{
    static char file[1200];
    char full[600];
    struct dirent *e;
    snprintf(full, sizeof(full), "%s/%s", path, dir);
    DIR *d = opendir(full);
    file[0] = '\0';
    while (d && (e = readdir(d)) != NULL) {
        size_t n = strlen(e->d_name), k = strlen(suffix);
        if (n > k && strcmp(e->d_name + n - k, suffix) == 0)
            snprintf(file, sizeof(file), "%s/%.200s", full, e->d_name);
    }
    if (d)
        closedir(d);
    return file;
}

/* Cuts the commit file after its n-th line (and `more` bytes of the next). */
static void cut_lines(const char *path, int lines, int more)
{
    struct sl_buf b = SL_BUF_INIT;
    const char *file = file_of(path, "commits", ".jsonl");
    CHECK(sl_path_read_file(file, 1 << 24, &b, &err) == 0);
    const char *p = b.data;
    for (int i = 0; i < lines && p; i++)
        p = strchr(p, '\n') + 1;
    CHECK(truncate(file, p - b.data + more) == 0);
    sl_buf_release(&b);
}

/* The next writer: rows rows are left, moved bytes go to lost/; then the log is good and goes on. */
static int64_t recover(const char *path, int64_t rows, int new_history)
{
    struct sl_log *l = NULL;
    int64_t moved = 0;
    uint64_t before = 0;
    CHECK_INT(count_rows_as(path, 0, boot_b), rows);
    if (good(sl_log_open_as(path, boot_b, &l, &err))) {
        before = sl_log_history(l);
        sl_log_free(l);
    }
    struct sl_log_writer *w = open_as(path, boot_b, &moved);
    CHECK(w != NULL);
    if (!w)
        return -1;
    CHECK_INT(sl_log_history(sl_log_writer_view(w)) != before, new_history);
    CHECK(sl_log_history_holds(sl_log_writer_view(w), before, 0, rows));
    CHECK_INT(count_rows_as(path, 0, boot_b), rows);
    CHECK(good(append_rows(w, 0, 0, rows, 10)));
    CHECK_INT(sl_log_history_holds(sl_log_writer_view(w), before, 0, rows + 1), !new_history);
    CHECK(!sl_log_history_holds(sl_log_writer_view(w), before + 1, 0, 0));
    CHECK(good(sl_log_writer_sync(w, &err)));
    CHECK(good(sl_log_writer_close(w, &err)));
    CHECK_INT(count_rows_as(path, 0, boot_b), rows + 10);
    CHECK_INT(count_rows_as(path, 0, boot_a), rows + 10); /* all is durable: no boot matters */
    CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    return moved;
}

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
        CHECK(count_rows_as(path, 0, boot_a) < 0); /* without a reboot it is damage */
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
        CHECK(count_rows_as(path, 0, boot_a) < 0);
        CHECK(recover(path, 40, 1) > 0);
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
    struct sl_mark m;
    CHECK(good(sl_lockfile_open(path, 1, &f, &err)));
    CHECK(good(sl_lockfile_mark(&f, 0, &m, &err)));
    CHECK(good(sl_lockfile_set_syncing(&f, &m, &err)));
    sl_lockfile_close(&f);
}

static int is_syncing(const char *path)
{
    struct sl_lockfile f;
    struct sl_mark m;
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
                CHECK_INT(sl_log_chunk_base(c), rows);
                rows += sl_log_chunk_rows(c);
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
    test_stops();
    test_early_follower();
    test_other_s_sync();
    remove_scratch();
    return test_done();
}

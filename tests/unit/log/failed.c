/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* A sync failed and the kernel dropped what it was about, while readers had the log open: what they
 * do not find is no damage, and no row of another history takes the place of one that was lost. */
#include "log/walk.h"
#include "maintain/maintain.h"
#include "reboot.h"

/* The durable mark, with what is known of syncs since. */
static void set_mark(const char *path, const char *boot, int syncing)
{
    struct sl_lockfile f;
    struct sl_lock_mark m;
    CHECK(good(sl_lockfile_open(path, 1, &f, &err)));
    CHECK(good(sl_lockfile_mark(&f, 0, &m, &err)));
    memcpy(m.boot, boot, sizeof(m.boot));
    CHECK(good(syncing ? sl_lockfile_set_syncing(&f, &m, &err)
                       : sl_lockfile_set_mark(&f, m.durable, boot, &err)));
    sl_lockfile_close(&f);
}

/* Zeros from a share of the file's end on, as if that had never been written. */
static void drop(const char *file, int64_t bytes)
{
    int64_t n = file_size(file);
    CHECK(truncate(file, n - bytes) == 0 && truncate(file, n) == 0);
}

struct reading {
    struct sl_log *l;
    struct sl_log_reader *r;
    int64_t rows;
};

static void begin(struct reading *g, const char *path, int follow)
{
    struct sl_log_read_options o = {.follow = follow};
    *g = (struct reading){0};
    CHECK(good(sl_log_open_as(path, boot_a, &g->l, &err)));
    CHECK(good(sl_log_reader_open(g->l, &o, &g->r, &err)));
}

/* Reads on to what is not a chunk, at most `rows` rows in all. Every row must be its own. */
static int read_on(struct reading *g, int64_t rows)
{
    struct sl_log_chunk *c;
    int rc = SL_LOG_CHUNK;
    while (g->rows < rows && (rc = sl_log_reader_next(g->r, &c, &err)) == SL_LOG_CHUNK) {
        struct sl_batch *b = NULL;
        CHECK(good(sl_log_chunk_decode(c, &b, &err)));
        for (size_t i = 0; b && i < b->selected; i++, g->rows++)
            CHECK(sl_log_chunk_info(c).base + (int64_t)i == g->rows && row_is(b, i, 0, g->rows));
        sl_batch_unref(b);
        sl_log_chunk_free(c);
    }
    return rc;
}

static void end(struct reading *g)
{
    sl_log_reader_free(g->r);
    sl_log_free(g->l);
}

static int64_t batch_bytes(const char *path)
{
    struct sl_log *l = NULL;
    struct sl_walk w;
    struct sl_walk_group g;
    CHECK(good(sl_log_open_as(path, boot_a, &l, &err)));
    CHECK(good(sl_walk_open(&w, l, &l->state.parts[0].segs[0], NULL, &err)));
    CHECK_INT(sl_walk_next(&w, &g, &err), 1);
    int64_t n = g.len;
    sl_walk_release(&w);
    sl_log_free(l);
    return n;
}

static void test_readers(void)
{
    /* From the metadata on, in the body alone; the last batch, the last three. */
    const int whole[] = {1, 0}, batches[] = {1, 3};
    for (int i = 0; i < 4; i++) {
        const char *names[] = {"m1", "m3", "b1", "b3"};
        TEST(
            "readers end before what a failed sync lost, and a follower goes on after the recovery")
        {
            const char *path = make_log(names[i], 3, 4);
            const char *seg = file_of(path, "0000", ".arrows");
            struct reading bounded, follower, late;
            begin(&bounded, path, 0);
            begin(&follower, path, 1);
            int64_t left = 70 - 10 * batches[i % 2], n = batch_bytes(path);
            drop(seg, (batches[i % 2] - 1) * n + (whole[i / 2] ? n : n / 4));
            set_mark(path, sl_boot_failed, 0);
            CHECK_INT(read_on(&bounded, 1000), -SL_EEXPIRED);
            CHECK_INT(bounded.rows, left);
            CHECK(strstr(err.what, "failed sync") != NULL);
            CHECK_INT(read_on(&follower, 1000), SL_LOG_WAIT);
            CHECK_INT(follower.rows, left);
            CHECK(sl_log_unsettled(follower.l));
            begin(&late, path, 0);
            CHECK_INT(read_on(&late, 1000), SL_LOG_END);
            CHECK_INT(late.rows, left);
            CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
            struct sl_log_writer *w = open_as(path, boot_a, NULL);
            CHECK(w && good(append_rows(w, 0, 0, left, 50)));
            CHECK_INT(read_on(&follower, 1000), SL_LOG_WAIT);
            CHECK_INT(follower.rows, left + 50);
            CHECK(!sl_log_unsettled(follower.l));
            CHECK(good(sl_log_writer_close(w, &err)));
            CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
            end(&bounded);
            end(&follower);
            end(&late);
        }
    }
    TEST("lines that were dropped end the log as batches do")
    {
        const char *path = make_log("lines", 3, 4);
        struct reading follower;
        begin(&follower, path, 1);
        CHECK_INT(read_on(&follower, 1000), SL_LOG_WAIT);
        struct sl_log_writer *w = open_as(path, boot_a, NULL);
        CHECK(w && good(append_rows(w, 0, 0, 70, 10)));
        drop(file_of(path, "commits", ".jsonl"), 100);
        set_mark(path, boot_a, 1); /* its sync is under way: who knows */
        CHECK_INT(read_on(&follower, 1000), SL_LOG_WAIT);
        set_mark(path, sl_boot_failed, 0);
        CHECK_INT(read_on(&follower, 1000), SL_LOG_WAIT);
        CHECK_INT(follower.rows, 70);
        sl_log_writer_abort(w);
        w = open_as(path, boot_a, NULL);
        CHECK(w && good(append_rows(w, 0, 0, 70, 10)));
        CHECK_INT(read_on(&follower, 1000), SL_LOG_WAIT);
        CHECK_INT(follower.rows, 80);
        CHECK(good(sl_log_writer_close(w, &err)));
        end(&follower);
    }
}

static void test_others(void)
{
    TEST("a process that died in its sync may have failed: nothing is called damage")
    {
        const char *path = make_log("orphan", 3, 4);
        struct reading follower, bounded;
        begin(&follower, path, 1);
        begin(&bounded, path, 0);
        drop(file_of(path, "0000", ".arrows"), 40);
        set_mark(path, boot_a, 1);
        CHECK_INT(read_on(&follower, 1000), SL_LOG_WAIT);
        CHECK_INT(read_on(&follower, 1000), SL_LOG_WAIT);
        CHECK_INT(follower.rows, 60);
        CHECK_INT(read_on(&bounded, 1000), -SL_EEXPIRED);
        /* The next one to sync finds out, the writer after it recovers. */
        struct sl_log_writer *w = open_as(path, boot_a, NULL);
        CHECK_INT(sl_log_writer_sync(w, &err), -SL_EIO);
        sl_log_writer_abort(w);
        CHECK_INT(read_on(&follower, 1000), SL_LOG_WAIT);
        w = open_as(path, boot_a, NULL);
        CHECK(w && good(append_rows(w, 0, 0, 60, 10)));
        CHECK_INT(read_on(&follower, 1000), SL_LOG_WAIT);
        CHECK_INT(follower.rows, 70);
        CHECK(good(sl_log_writer_close(w, &err)));
        end(&follower);
        end(&bounded);
    }
    TEST("without a failed sync, and at or below the mark, it is damage")
    {
        const char *path = make_log("damage", 5, 2);
        const char *seg = file_of(path, "0000", ".arrows");
        struct reading g;
        begin(&g, path, 0);
        drop(seg, 40);
        CHECK_INT(read_on(&g, 1000), -SL_ECORRUPT);
        CHECK_INT(g.rows, 60);
        end(&g);
        begin(&g, path, 0);
        drop(seg, 3 * batch_bytes(path));
        set_mark(path, sl_boot_failed, 0);
        CHECK_INT(read_on(&g, 1000), -SL_ECORRUPT);
        CHECK_INT(g.rows, 40);
        end(&g);
    }
}

/* What was handed out is taken back, and others' rows take its place before the reader looks. */
static void test_history(void)
{
    TEST("a follower that was given lost rows fails, however far the log has come since")
    {
        const char *path = make_log("given", 3, 4);
        struct reading g[2];
        begin(&g[0], path, 1);
        begin(&g[1], path, 1);
        CHECK_INT(read_on(&g[0], 1000), SL_LOG_WAIT);
        drop(file_of(path, "0000", ".arrows"), 40);
        set_mark(path, sl_boot_failed, 0);
        CHECK_INT(read_on(&g[0], 1000), SL_LOG_WAIT); /* maybe the device has them */
        struct sl_log_writer *w = open_as(path, boot_a, NULL);
        for (int i = 0; i < 3; i++)
            CHECK(w && good(append_rows(w, 0, 0, 60 + 10 * i, 10)));
        CHECK_INT(read_on(&g[0], 1000), -SL_EEXPIRED);
        CHECK(strstr(err.what, "went back to offset 60 of partition 0") != NULL);
        CHECK_INT(read_on(&g[1], 1000), SL_LOG_WAIT); /* it was given nothing yet */
        CHECK_INT(g[1].rows, 90);
        CHECK(good(sl_log_writer_close(w, &err)));
        end(&g[0]);
        end(&g[1]);
    }
    TEST("a bounded read does not take rows of another history for those it pinned")
    {
        const char *path = make_log("pinned", 3, 4);
        struct reading g;
        begin(&g, path, 0);
        drop(file_of(path, "0000", ".arrows"), 40);
        set_mark(path, sl_boot_failed, 0);
        struct sl_log_writer *w = open_as(path, boot_a, NULL);
        CHECK(w && good(append_rows(w, 0, 0, 60, 1)));
        CHECK(w && good(append_rows(w, 0, 0, 61, 30)));
        CHECK_INT(read_on(&g, 1000), -SL_EEXPIRED);
        CHECK_INT(g.rows, 60);
        CHECK(good(sl_log_writer_close(w, &err)));
        end(&g);
    }
}

int main(void)
{
    make_scratch();
    test_readers();
    test_others();
    test_history();
    remove_scratch();
    return test_done();
}

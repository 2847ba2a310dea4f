/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Segments that a commit drops, under readers that are before, in and behind them. */
#include "log/log_writer.h"
#include "maintain/maintain.h"
#include "rows.h"

/* A log of 6 segments of 10 rows. */
static struct sl_log_writer *make_log(const char *path)
{
    struct sl_log_options o = {.sync = SL_SYNC_INTERVAL, .segment_bytes = 1};
    struct sl_log_writer *w = open_writer(path, &o);
    for (int i = 0; i < 6; i++)
        CHECK(w && good(append_rows(w, 0, 0, 10 * i, 10)));
    return w;
}

/* One line that drops the first n segments; then their files go, if their time has come. */
static void drop(struct sl_log_writer *w, int n, int files_too)
{
    struct sl_log *l = sl_log_writer_view(w);
    struct sl_seg segs[6];
    struct sl_line line;
    char name[SL_SEG_NAME];
    CHECK(good(sl_writer_lock(w, &err)));
    sl_writer_line(w, &line);
    for (int i = 0; i < n; i++) {
        segs[i] = l->state.parts[0].segs[i];
        segs[i].dropped = 1;
    }
    line.segs = segs;
    line.nsegs = n;
    CHECK(good(sl_writer_append_line(w, &line, &err)));
    sl_line_release(&line);
    sl_writer_unlock(w);
    for (int i = 0; files_too && i < n; i++) {
        sl_seg_name(sl_seg_key(&segs[i]), ".arrows", name);
        CHECK(unlinkat(l->dirfd, name, 0) == 0);
    }
}

struct reading {
    struct sl_log *l;
    struct sl_log_reader *r;
    int64_t next;
};

static struct reading begin(const char *path, int follow)
{
    struct reading g = {0};
    struct sl_log_read_options o = {.follow = follow};
    CHECK(good(sl_log_open(path, &g.l, &err)) && good(sl_log_reader_open(g.l, &o, &g.r, &err)));
    return g;
}

static int read_to(struct reading *g, int64_t to)
{
    struct sl_log_chunk *c;
    int rc = SL_LOG_CHUNK;
    while (g->next < to && (rc = sl_log_reader_next(g->r, &c, &err)) == SL_LOG_CHUNK) {
        CHECK_INT(sl_log_chunk_info(c).base, g->next);
        g->next += sl_log_chunk_info(c).rows;
        sl_log_chunk_free(c);
    }
    return rc;
}

static void end(struct reading *g)
{
    sl_log_reader_free(g->r);
    sl_log_free(g->l);
}

static void test_drops(void)
{
    TEST("a reader that finds a dropped segment gone fails as expired, and skips nothing")
    {
        for (int follow = 0; follow < 2; follow++) {
            const char *path = in_scratch(follow ? "follower" : "bounded");
            struct sl_log_writer *w = make_log(path);
            struct reading before = begin(path, follow), in = begin(path, follow);
            struct reading behind = begin(path, follow);
            CHECK_INT(read_to(&in, 10), SL_LOG_CHUNK);
            CHECK_INT(read_to(&behind, 40), SL_LOG_CHUNK);
            drop(w, 3, 1);
            CHECK_INT(read_to(&before, 60), -SL_EEXPIRED);
            CHECK_INT(before.next, 0);
            CHECK(strstr(err.what, "which begins at 30") != NULL);
            CHECK_INT(read_to(&in, 60), -SL_EEXPIRED);
            CHECK_INT(in.next, 10);
            CHECK_INT(read_to(&behind, 60), SL_LOG_CHUNK);
            CHECK_INT(behind.next, 60);
            CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
            CHECK_INT(count_rows(path, 0), 60);
            CHECK(good(sl_log_writer_close(w, &err)));
            end(&before);
            end(&in);
            end(&behind);
        }
    }
    TEST("as long as the files are there, a reader that pinned them reads them")
    {
        const char *path = in_scratch("grace");
        struct sl_log_writer *w = make_log(path);
        struct reading g = begin(path, 0);
        drop(w, 3, 0);
        CHECK_INT(read_to(&g, 60), SL_LOG_CHUNK);
        CHECK_INT(g.next, 60);
        end(&g);
        g = begin(path, 0);
        g.next = 30;
        CHECK_INT(read_to(&g, 60), SL_LOG_CHUNK);
        end(&g);
        CHECK(good(sl_log_writer_close(w, &err)));
    }
    TEST("all of a partition is dropped: it goes on at the offset where it was")
    {
        const char *path = in_scratch("all");
        struct sl_log_writer *w = make_log(path);
        struct reading g = begin(path, 1);
        CHECK(good(append_rows(w, 0, 0, 60, 10)));
        drop(w, 6, 1);
        CHECK_INT(read_to(&g, 100), -SL_EEXPIRED);
        end(&g);
        CHECK(good(append_rows(w, 0, 0, 70, 10)));
        g = begin(path, 0);
        g.next = 60;
        CHECK_INT(read_to(&g, 80), SL_LOG_CHUNK);
        CHECK_INT(g.next, 80);
        end(&g);
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    }
    TEST("a segment that is missing though no commit dropped it is damage")
    {
        const char *path = in_scratch("missing");
        struct sl_log_writer *w = make_log(path);
        struct reading g = begin(path, 0);
        char file[700];
        CHECK(good(sl_log_writer_close(w, &err)));
        snprintf(file, sizeof(file), "%s/0000/%020d-4.arrows", path, 20);
        CHECK(unlink(file) == 0);
        CHECK_INT(read_to(&g, 60), -SL_ECORRUPT);
        CHECK_INT(g.next, 20);
        CHECK(strstr(err.place, "-4.arrows") != NULL);
        end(&g);
    }
}

int main(void)
{
    make_scratch();
    test_drops();
    remove_scratch();
    return test_done();
}

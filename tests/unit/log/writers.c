/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Many writers at once, with followers: every row once, in each writer's order. */
#include <poll.h>
#include "rows.h"
#include "maintain/maintain.h"

enum { WRITERS = 8, COMMITS = 40, PARTITIONS = 2 };

/* Commits of 1 to 7 rows, now and then a note without rows. */
static int write_many(const char *path, int writer, enum sl_sync_policy sync)
{
    struct sl_log_options o = {
        .sync = sync, .sync_interval = 20000, .partitions = PARTITIONS, .segment_bytes = 40000};
    struct sl_log_writer *w = open_writer(path, &o);
    int64_t n = 0;
    if (!w)
        return 1;
    for (int i = 0; i < COMMITS; i++) {
        int rows = 1 + (i + writer) % 7;
        if (!good(append_rows(w, writer % PARTITIONS, writer, n, rows)))
            return 1;
        n += rows;
    }
    return good(sl_log_writer_close(w, &err)) ? 0 : 1;
}

static int64_t rows_of(int writer)
{
    int64_t n = 0;
    for (int i = 0; i < COMMITS; i++)
        n += 1 + (i + writer) % 7;
    return n;
}

struct seen {
    int64_t next[WRITERS]; /* row number expected of each writer */
    int64_t offset[PARTITIONS];
    int bad;
};

static void take_chunk(struct seen *s, struct sl_log_chunk *c)
{
    struct sl_batch *b;
    if (!good(sl_log_chunk_decode(c, &b, &err))) {
        s->bad++;
        return;
    }
    if (sl_log_chunk_info(c).base != s->offset[sl_log_chunk_info(c).partition])
        s->bad++;
    s->offset[sl_log_chunk_info(c).partition] += (int64_t)b->selected;
    for (size_t i = 0; i < b->selected; i++) {
        if (sl_column_load(b->columns[1], &err) < 0) {
            s->bad++;
            break;
        }
        const struct sl_column *h;
        size_t k = sl_column_slot(b->columns[1], i, &h);
        int64_t writer = ((const int64_t *)h->data)[k];
        if (writer < 0 || writer >= WRITERS || !row_is(b, i, writer, s->next[writer]))
            s->bad++;
        else
            s->next[writer]++;
    }
    sl_batch_unref(b);
}

/* Follows until all rows have come. */
static int follow(const char *path)
{
    struct sl_log *l = NULL;
    struct sl_log_reader *r = NULL;
    struct sl_log_chunk *c;
    struct seen s = {{0}};
    int64_t want = 0, got = 0;
    struct sl_log_read_options o = {.follow = 1};
    for (int i = 0; i < WRITERS; i++)
        want += rows_of(i);
    if (!good(sl_log_open(path, &l, &err)) || !good(sl_log_reader_open(l, &o, &r, &err)))
        return 1;
    while (got < want && !s.bad) {
        int rc = sl_log_reader_next(r, &c, &err);
        if (rc == SL_LOG_CHUNK) {
            got += sl_log_chunk_info(c).rows;
            take_chunk(&s, c);
            sl_log_chunk_free(c);
        } else if (rc == SL_LOG_WAIT) {
            struct pollfd p = {.fd = sl_log_reader_fd(r), .events = POLLIN};
            if (poll(&p, 1, 10000) == 0) {
                printf("# nothing came for 10 s after %" PRId64 " of %" PRId64 " rows\n", got,
                       want);
                return 1;
            }
        } else {
            good(-1);
            return 1;
        }
    }
    sl_log_reader_free(r);
    sl_log_free(l);
    return s.bad != 0;
}

static int wait_all(pid_t *pids, int n)
{
    int bad = 0, status;
    for (int i = 0; i < n; i++) {
        if (waitpid(pids[i], &status, 0) < 0 || status != 0)
            bad++;
    }
    return bad;
}

static void race(const char *path, enum sl_sync_policy sync)
{
    struct sl_log_options o = {.sync = sync, .partitions = PARTITIONS};
    pid_t pids[WRITERS + 1];
    struct sl_log_writer *w = open_writer(path, &o);
    CHECK(w && good(sl_log_writer_close(w, &err)));
    fflush(stdout);
    for (int i = 0; i <= WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            int rc = i == WRITERS ? follow(path) : write_many(path, i, sync);
            fflush(stdout);
            _exit(rc);
        }
    }
    CHECK_INT(wait_all(pids, WRITERS + 1), 0);
    struct sl_log *l = NULL;
    CHECK(good(sl_log_open(path, &l, &err)));
    int64_t want = 0, have = 0;
    for (int i = 0; i < WRITERS; i++)
        want += rows_of(i);
    for (int i = 0; i < PARTITIONS; i++)
        have += sl_log_end(l, i);
    CHECK_INT(have, want);
    CHECK(sl_log_durable(l) ==
          (sync == SL_SYNC_NONE ? sl_log_durable(l) : sl_log_commit_number(l)));
    sl_log_free(l);
    CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
}

int main(void)
{
    make_scratch();
    TEST("8 processes append at once, a follower sees each row once and in order")
    {
        race(in_scratch("interval"), SL_SYNC_INTERVAL);
    }
    TEST("the same when every commit is synced")
    {
        race(in_scratch("commit"), SL_SYNC_COMMIT);
    }
    TEST("8 processes that find no log make one together")
    {
        const char *path = in_scratch("made");
        pid_t pids[WRITERS];
        fflush(stdout);
        for (int i = 0; i < WRITERS; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                int rc = write_many(path, i, SL_SYNC_NONE);
                fflush(stdout);
                _exit(rc);
            }
        }
        CHECK_INT(wait_all(pids, WRITERS), 0);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK_INT(follow(path), 0);
    }
    remove_scratch();
    return test_done();
}

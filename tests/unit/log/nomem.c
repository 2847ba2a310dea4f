/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Every allocation fails once: an error comes back, nothing is lost, nothing half done is seen. And
 * batches encoded by several threads at once. */
#include <pthread.h>
#include "rows.h"
#include "maintain/maintain.h"

/* One run: make or open, append, commit, close; 0 if all went well. *done: rows known committed. */
static int run(const char *path, int64_t n, int64_t *committed)
{
    struct sl_log_options o = {.sync = SL_SYNC_NONE, .boot_id = boot_a, .segment_bytes = 3000};
    struct sl_log_writer *w = NULL;
    struct sl_log_note note = {.position_id = (const char *const[]){"in"},
                               .position = (const char *const[]){"{\"at\":1}"},
                               .npositions = 1,
                               .pipeline = "{\"name\":\"main\",\"k\":1}"};
    struct sl_schema *s = rows_schema();
    struct sl_batch *b = make_rows(s, 0, n, 10);
    struct sl_log_blob *blob = NULL;
    int rc = sl_log_writer_open(path, &o, s, &w, NULL, &err);
    if (rc == 0)
        rc = sl_log_writer_encode(w, 0, b, &blob, &err);
    if (rc == 0)
        rc = sl_log_writer_commit(w, &blob, 1, &note, &err);
    if (rc == 0)
        *committed = n + 10;
    if (rc == 0)
        rc = sl_log_writer_close(w, &err);
    else
        sl_log_writer_abort(w);
    sl_batch_unref(b);
    sl_schema_unref(s);
    return rc;
}

/* Allocations of make_rows() are not what is tested: they come before the log's. */
static uint64_t allocations_of_rows(void)
{
    uint64_t before = sl_mem_count();
    struct sl_schema *s = rows_schema();
    struct sl_batch *b = make_rows(s, 0, 0, 10);
    uint64_t n = sl_mem_count() - before;
    sl_batch_unref(b);
    sl_schema_unref(s);
    return n;
}

/* before: runs that go well first, so that the log is there. */
static void fail_each(const char *name, int before)
{
    uint64_t skip = allocations_of_rows(), made = 0, n = 1;
    int rc = 0;
    do {
        char path[600];
        int64_t committed = 0;
        snprintf(path, sizeof(path), "%s/%s-%" PRIu64, scratch, name, n);
        for (int i = 0; i < before; i++)
            CHECK_INT(run(path, 10 * i, &committed), 0);
        made = sl_mem_count();
        sl_mem_fail_at(skip + n, 0);
        rc = run(path, 10 * before, &committed);
        sl_mem_fail_at(0, 0);
        made = sl_mem_count() - made;
        if (rc < 0 && (rc != -SL_ENOMEM || err.code != SL_ENOMEM)) {
            printf("# allocation %" PRIu64 ": %d: %s\n", n, rc, err.what);
            CHECK(0);
        }
        /* Committed rows are there; those of a run that failed may be, whole. */
        int64_t have = sl_path_is_log(path) ? count_rows_as(path, 0, boot_a) : 0;
        if (have != committed && have != 10 * (before + 1)) {
            printf("# allocation %" PRIu64 ": %" PRId64 " rows of %" PRId64 "\n", n, have,
                   committed);
            CHECK(0);
        }
        if (sl_path_is_log(path))
            CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        n++;
    } while (made >= skip + n - 1); /* the failing allocation was reached */
    CHECK_INT(rc, 0);
    printf("# %" PRIu64 " allocations failed\n", n - 2);
}

/* A row goes to its partition or nowhere: each allocation of routing by two columns fails once. */
static void route_each(void)
{
    enum { ROWS = 50 };
    struct sl_log_options o = {.partitions = 16, .keys = "writer,n"};
    struct sl_log_writer *w = open_writer(in_scratch("routed"), &o);
    struct sl_schema *s = rows_schema();
    struct sl_batch *b = make_rows(s, 7, 0, ROWS);
    uint16_t want[ROWS], got[ROWS];
    int rc = -SL_ENOMEM;
    CHECK(good(sl_log_writer_route(w, b, want, &err)));
    for (uint64_t n = 1; rc < 0; n++) {
        sl_mem_fail_at(n, 0);
        rc = sl_log_writer_route(w, b, got, &err);
        sl_mem_fail_at(0, 0);
        CHECK(rc == 0 ? memcmp(want, got, sizeof(want)) == 0 : rc == -SL_ENOMEM);
    }
    sl_batch_unref(b);
    sl_schema_unref(s);
    CHECK(good(sl_log_writer_close(w, &err)));
}

enum { THREADS = 4, EACH = 30 };

struct work {
    pthread_t thread;
    struct sl_log_writer *w;
    int number, bad;
    struct sl_log_blob *blobs[EACH];
};

static void *encode_some(void *arg)
{
    struct work *k = arg;
    struct sl_schema *s = rows_schema();
    struct sl_err e;
    for (int i = 0; i < EACH; i++) {
        struct sl_batch *b = make_rows(s, 0, (int64_t)(k->number * EACH + i) * 2000, 2000);
        k->bad |= sl_log_writer_encode(k->w, 0, b, &k->blobs[i], &e) < 0;
        sl_batch_unref(b);
    }
    sl_schema_unref(s);
    return NULL;
}

int main(void)
{
    make_scratch();
    TEST("each allocation fails while a log is made")
    {
        fail_each("made", 0);
    }
    TEST("each allocation fails while a log is appended to")
    {
        fail_each("appended", 5);
    }
    TEST("no row is routed elsewhere for want of memory")
    {
        route_each();
    }
    TEST("threads encode at once; the order is that of the commit")
    {
        const char *path = in_scratch("threads");
        struct work work[THREADS];
        struct sl_log_options o = {
            .sync = SL_SYNC_INTERVAL, .sync_interval = 1000, .segment_bytes = 200000};
        struct sl_log_writer *w = open_writer(path, &o);
        for (int i = 0; i < THREADS; i++) {
            work[i] = (struct work){.w = w, .number = i};
            CHECK(pthread_create(&work[i].thread, NULL, encode_some, &work[i]) == 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(work[i].thread, NULL);
            CHECK(!work[i].bad);
            CHECK(good(sl_log_writer_commit(w, work[i].blobs, 7, NULL, &err)));
            CHECK(good(sl_log_writer_commit(w, work[i].blobs + 7, EACH - 7, NULL, &err)));
        }
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(count_rows(path, 0), THREADS * EACH * 2000);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    }
    remove_scratch();
    return test_done();
}

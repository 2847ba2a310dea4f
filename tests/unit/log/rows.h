/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* rows: logs and batches for the tests of lib/log: a scratch directory, rows whose values tell where
 * they came from, and what a log gives back. */
#ifndef SL_TESTS_LOG_ROWS_H
#define SL_TESTS_LOG_ROWS_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "arrow/builder.h"
#include "base/time.h"
#include "log/log.h"
#include "../test.h"

static char scratch[256];
static struct sl_err err;

static SL_UNUSED const char *boot_a = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
static SL_UNUSED const char *boot_b = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";

static inline void make_scratch(void)
{
    const char *dir = getenv("TMPDIR");
    snprintf(scratch, sizeof(scratch), "%s/sluice-log-XXXXXX", dir ? dir : "/tmp");
    if (!mkdtemp(scratch)) {
        perror("mkdtemp");
        exit(1);
    }
    sl_err_init(&err);
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)st, (void)flag, (void)f;
    return remove(path);
}

static inline void remove_scratch(void)
{
    nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *in_scratch(const char *name)
{
    static char path[8][512];
    static int turn;
    char *p = path[turn++ % 8];
    snprintf(p, 512, "%s/%s", scratch, name);
    return p;
}

/* Says an error on the way. */
static inline int good(int rc)
{
    if (rc < 0) {
        struct sl_buf b = SL_BUF_INIT;
        sl_err_format(&err, &b);
        printf("# %s\n", b.data ? b.data : "?");
        sl_buf_release(&b);
    }
    return rc >= 0;
}

static inline struct sl_schema *schema_of(const char *types)
{
    struct sl_schema *s = NULL;
    if (sl_schema_parse(types, strlen(types), &s, &err) < 0)
        good(-1);
    return s;
}

/* "ts timestamptz, writer bigint, n bigint, name text, price numeric(12,2)" */
#define ROWS_TYPES "ts timestamptz, writer bigint, n bigint, name text, price numeric(12,2)"

static inline struct sl_schema *rows_schema(void)
{
    struct sl_schema *s = schema_of(ROWS_TYPES);
    sl_schema_set_meta(s, SL_META_TIME, "ts");
    return s;
}

/* rows rows of one writer, numbers from n. */
static inline struct sl_batch *make_rows(struct sl_schema *s, int64_t writer, int64_t n, int rows)
{
    struct sl_builder b[5];
    struct sl_batch *batch = sl_batch_new(s, (size_t)rows);
    for (int i = 0; i < 5; i++)
        sl_builder_init(&b[i], s->fields[i].type, NULL, 1);
    for (int i = 0; i < rows; i++) {
        char name[32];
        int len = snprintf(name, sizeof(name), "name %" PRId64, (n + i) % 17);
        sl_builder_int(&b[0], 1700000000000000 + (n + i) * 1000);
        sl_builder_int(&b[1], writer);
        sl_builder_int(&b[2], n + i);
        if ((n + i) % 5 == 4)
            sl_builder_null(&b[3]);
        else
            sl_builder_bytes(&b[3], name, (size_t)len);
        sl_builder_int(&b[4], (n + i) * 7);
    }
    for (int i = 0; i < 5; i++) {
        batch->columns[i] = sl_builder_finish(&b[i], &err);
        sl_builder_release(&b[i]);
    }
    return batch;
}

static inline int append_rows(struct sl_log_writer *w, int partition, int64_t writer, int64_t n,
                              int rows)
{
    struct sl_schema *s = rows_schema();
    struct sl_batch *b = make_rows(s, writer, n, rows);
    struct sl_log_blob *blob = NULL;
    int rc = sl_log_writer_encode(w, partition, b, &blob, &err);
    if (rc == 0)
        rc = sl_log_writer_commit(w, &blob, 1, NULL, &err);
    sl_batch_unref(b);
    sl_schema_unref(s);
    return rc;
}

static inline struct sl_log_writer *open_writer(const char *path, const struct sl_log_options *o)
{
    struct sl_log_writer *w = NULL;
    struct sl_schema *s = rows_schema();
    struct sl_log_options plain = {.sync = SL_SYNC_INTERVAL};
    int rc = sl_log_writer_open(path, o ? o : &plain, s, &w, NULL, &err);
    sl_schema_unref(s);
    return good(rc) ? w : NULL;
}

/* Row i of the batch is row n of make_rows(). */
static inline int row_is(const struct sl_batch *b, size_t i, int64_t writer, int64_t n)
{
    const struct sl_column *h;
    int ok = 1;
    for (int k = 0; k < 5; k++) {
        if (sl_column_load(b->columns[k], &err) < 0)
            return 0;
    }
    const struct sl_column *c = b->columns[1];
    ok &= ((const int64_t *)c->data)[sl_column_slot(c, i, &h)] == writer;
    c = b->columns[2];
    ok &= ((const int64_t *)c->data)[sl_column_slot(c, i, &h)] == n;
    c = b->columns[0];
    ok &= ((const int64_t *)c->data)[sl_column_slot(c, i, &h)] == 1700000000000000 + n * 1000;
    c = b->columns[4];
    ok &= ((const int64_t *)c->data)[sl_column_slot(c, i, &h)] == n * 7;
    c = b->columns[3];
    if (n % 5 == 4)
        return ok && sl_column_null(c, i);
    char name[32];
    size_t len;
    int want = snprintf(name, sizeof(name), "name %" PRId64, n % 17);
    if (sl_column_null(c, i))
        return 0;
    const char *s = sl_column_bytes(c, i, &len);
    return ok && len == (size_t)want && memcmp(s, name, len) == 0;
}

/* Rows that a bounded read of the partition gives, which must be rows 0, 1, 2... of one writer with
 * offsets to match; -1 if they are not, < -1 an error. */
static inline int64_t count_rows_as(const char *path, int partition, const char *boot)
{
    struct sl_log *l = NULL;
    struct sl_log_reader *r = NULL;
    struct sl_log_chunk *c;
    struct sl_log_range ranges[64] = {{0, 0}};
    struct sl_log_read_options o = {
        .ranges = ranges, .to_time = SL_TIME_MAX, .from_time = SL_TIME_MIN};
    int64_t n = 0;
    int rc = sl_log_open_as(path, boot, &l, &err);
    if (rc < 0)
        return -1 + rc;
    ranges[partition].to = INT64_MAX;
    n = ranges[partition].from = sl_log_start(l, partition);
    rc = sl_log_reader_open(l, &o, &r, &err);
    while (rc == 0 && (rc = sl_log_reader_next(r, &c, &err)) == SL_LOG_CHUNK) {
        struct sl_batch *b;
        int64_t base = sl_log_chunk_info(c).base;
        rc = sl_log_chunk_decode(c, &b, &err);
        sl_log_chunk_free(c);
        if (rc < 0)
            break;
        if (base != n)
            rc = -100;
        for (size_t i = 0; i < b->selected && rc == 0; i++, n++)
            rc = row_is(b, i, 0, n) ? 0 : -101;
        sl_batch_unref(b);
    }
    sl_log_reader_free(r);
    sl_log_free(l);
    if (rc <= -100)
        return -1;
    return rc < 0 ? -1 + rc : n;
}

static inline int64_t count_rows(const char *path, int partition)
{
    return count_rows_as(path, partition, NULL);
}

static inline int64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 ? -1 : st.st_size;
}

#endif

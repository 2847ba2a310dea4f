/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Repair: says first, keeps what it removes, and leaves a log that is good and can be appended to. */
#include "rows.h"

static char said[20000];

static void say(void *arg, const char *line)
{
    size_t n = strlen(said);
    (void)arg;
    snprintf(said + n, sizeof(said) - n, "%s\n", line);
}

static int64_t repair(const char *path, int yes)
{
    said[0] = '\0';
    int64_t n = sl_log_repair(path, yes, say, NULL, &err);
    if (n < 0)
        good(-1);
    return n;
}

/* Commits of 10 rows each. */
static const char *make_log(const char *name, int commits)
{
    const char *path = in_scratch(name);
    struct sl_log_writer *w = open_writer(path, NULL);
    CHECK(w != NULL);
    for (int i = 0; i < commits; i++)
        CHECK(good(append_rows(w, 0, 0, 10 * i, 10)));
    CHECK(good(sl_log_writer_close(w, &err)));
    return path;
}

static const char *only_file(const char *dir, const char *suffix)
{
    static char file[900];
    struct dirent *e;
    DIR *d = opendir(dir);
    file[0] = '\0';
    while (d && (e = readdir(d)) != NULL) {
        size_t n = strlen(e->d_name), k = strlen(suffix);
        if (n > k && strcmp(e->d_name + n - k, suffix) == 0)
            snprintf(file, sizeof(file), "%s/%.200s", dir, e->d_name);
    }
    if (d)
        closedir(d);
    return file;
}

static void spoil(const char *file, int64_t at)
{
    char c = 0;
    int fd = open(file, O_RDWR);
    CHECK(fd >= 0 && pread(fd, &c, 1, at) == 1);
    c ^= 0x20;
    CHECK(pwrite(fd, &c, 1, at) == 1);
    close(fd);
}

/* Number of rows that a read gives, whatever their offsets; each must be its own offset's. */
static int64_t rows_left(const char *path)
{
    struct sl_log *l = NULL;
    struct sl_log_reader *r = NULL;
    struct sl_log_chunk *c;
    struct sl_log_read_options o = {0};
    int64_t n = 0;
    if (!good(sl_log_open(path, &l, &err)) || !good(sl_log_reader_open(l, &o, &r, &err)))
        return -1;
    int rc;
    while ((rc = sl_log_reader_next(r, &c, &err)) == SL_LOG_CHUNK) {
        struct sl_batch *b;
        CHECK(good(sl_log_chunk_decode(c, &b, &err)));
        for (size_t i = 0; i < b->selected; i++, n++)
            CHECK(row_is(b, i, 0, b->origin.base + (int64_t)i));
        sl_batch_unref(b);
        sl_log_chunk_free(c);
    }
    CHECK_INT(rc, SL_LOG_END);
    sl_log_reader_free(r);
    sl_log_free(l);
    return n;
}

static void append_more(const char *path, int64_t n)
{
    struct sl_log_writer *w = open_writer(path, NULL);
    CHECK(w && good(append_rows(w, 0, 0, n, 10)));
    CHECK(w && good(sl_log_writer_close(w, &err)));
}

static void test_segments(void)
{
    char dir[600], file[900];
    TEST("a sound log is left alone")
    {
        const char *path = make_log("sound", 5);
        CHECK_INT(repair(path, 1), 0);
        CHECK_STR(said, "nothing is damaged\n");
        CHECK_INT(rows_left(path), 50);
    }
    TEST("a damaged batch is cut out, the others keep their offsets")
    {
        const char *path = make_log("batch", 20);
        snprintf(dir, sizeof(dir), "%s/0000", path);
        snprintf(file, sizeof(file), "%s", only_file(dir, ".arrows"));
        spoil(file, file_size(file) / 2);
        int64_t lost = repair(path, 0);
        CHECK_INT(lost, 10);
        CHECK(strstr(said, "are lost") != NULL);
        CHECK(sl_log_verify(path, NULL, NULL, &err) > 0);
        CHECK_INT(repair(path, 1), 10);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK_INT(rows_left(path), 190);
        snprintf(dir, sizeof(dir), "%s/lost", path);
        CHECK(*only_file(dir, ".arrows") != '\0');
        append_more(path, 200);
        CHECK_INT(rows_left(path), 200);
        CHECK_INT(repair(path, 1), 0);
    }
    TEST("a damaged schema message is made again")
    {
        const char *path = make_log("head", 5);
        snprintf(dir, sizeof(dir), "%s/0000", path);
        snprintf(file, sizeof(file), "%s", only_file(dir, ".arrows"));
        spoil(file, 100);
        CHECK_INT(repair(path, 1), 0);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK_INT(rows_left(path), 50);
    }
    TEST("any damaged byte of a segment loses no more than its batch")
    {
        const char *path = make_log("any", 4);
        snprintf(dir, sizeof(dir), "%s/0000", path);
        snprintf(file, sizeof(file), "%s", only_file(dir, ".arrows"));
        int64_t n = file_size(file);
        for (int64_t at = 0; at < n; at += 41) {
            spoil(file, at);
            int64_t lost = repair(path, 0);
            CHECK(lost == 0 || lost == 10);
            if (lost != 0 && lost != 10)
                printf("# byte %" PRId64 ": %s", at, said);
            spoil(file, at);
        }
    }
    TEST("a cut segment keeps its good batches")
    {
        const char *path = make_log("cut", 20);
        snprintf(dir, sizeof(dir), "%s/0000", path);
        snprintf(file, sizeof(file), "%s", only_file(dir, ".arrows"));
        CHECK(truncate(file, file_size(file) / 2) == 0);
        int64_t lost = repair(path, 1);
        CHECK(lost >= 90 && lost <= 110);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK_INT(rows_left(path), 200 - lost);
        append_more(path, 200);
        CHECK_INT(rows_left(path), 210 - lost);
    }
    TEST("a missing segment is given up")
    {
        const char *path = make_log("missing", 3);
        snprintf(dir, sizeof(dir), "%s/0000", path);
        unlink(only_file(dir, ".arrows"));
        CHECK_INT(repair(path, 1), 30);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK_INT(rows_left(path), 0);
        append_more(path, 30);
        CHECK_INT(rows_left(path), 10);
    }
}

static void test_commits(void)
{
    char dir[600], file[900];
    TEST("a damaged commit line loses no rows")
    {
        const char *path = make_log("line", 20);
        snprintf(dir, sizeof(dir), "%s/commits", path);
        snprintf(file, sizeof(file), "%s", only_file(dir, ".jsonl"));
        int64_t n = file_size(file);
        spoil(file, n / 2);
        CHECK_INT(repair(path, 1), 0);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK_INT(rows_left(path), 200);
        append_more(path, 200);
        CHECK_INT(rows_left(path), 210);
    }
    TEST("the last commit line, damaged, is made good from the segment")
    {
        const char *path = make_log("lastline", 20);
        snprintf(dir, sizeof(dir), "%s/commits", path);
        snprintf(file, sizeof(file), "%s", only_file(dir, ".jsonl"));
        spoil(file, file_size(file) - 60);
        CHECK_INT(repair(path, 1), 0);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK_INT(rows_left(path), 200);
    }
    TEST("commit lines that were cut off are made good from the segment")
    {
        const char *path = make_log("cutlines", 20);
        snprintf(dir, sizeof(dir), "%s/commits", path);
        snprintf(file, sizeof(file), "%s", only_file(dir, ".jsonl"));
        CHECK(truncate(file, file_size(file) / 2) == 0);
        CHECK_INT(repair(path, 1), 0);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK_INT(rows_left(path), 200);
    }
}

int main(void)
{
    make_scratch();
    test_segments();
    test_commits();
    remove_scratch();
    return test_done();
}

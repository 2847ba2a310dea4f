/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Commit files: rotation, torn tails, positions and pipelines carried through snapshots, followers
 * that cross from file to file. */
#include "log/view.h"
#include "maintain/maintain.h"
#include "rows.h"

static int note(struct sl_log_writer *w, const char *id, const char *value, const char *pipeline)
{
    struct sl_log_note n = {
        .position_id = &id, .position = &value, .npositions = id != NULL, .pipeline = pipeline};
    return sl_log_writer_commit(w, NULL, 0, &n, &err);
}

static int commit_files(const char *path)
{
    char dir[600];
    struct dirent *e;
    int n = 0;
    snprintf(dir, sizeof(dir), "%s/commits", path);
    DIR *d = opendir(dir);
    while (d && (e = readdir(d)) != NULL)
        n += strstr(e->d_name, ".jsonl") != NULL;
    if (d)
        closedir(d);
    return n;
}

static const char *position(struct sl_log *l, const char *id)
{
    const struct sl_position *p = sl_positions_find(sl_log_positions(l), id);
    return p ? p->value : "none";
}

static char *big_value(int i)
{
    char *s = malloc(100100);
    memset(s, 'x', 100100);
    int n = snprintf(s, 100, "[%d,\"", i);
    s[n] = 'y';
    memcpy(s + 100000, "\"]", 3);
    return s;
}

static void test_files(void)
{
    struct sl_log *l = NULL;
    const char *value;
    size_t len;
    TEST("positions and pipelines come back, the newest of each name")
    {
        const char *path = in_scratch("notes");
        struct sl_log_writer *w = open_writer(path, NULL);
        CHECK(
            good(note(w, "a.csv", "{\"byte\":10}", "{\"name\":\"main\",\"open\":true,\"run\":1}")));
        CHECK(good(note(w, "b\"\n.csv", "7", "{\"name\":\"main\",\"k\":1}")));
        CHECK(good(note(w, "a.csv", "{\"byte\":20}", "{\"name\":\"main\",\"k\":2}")));
        CHECK_INT(note(w, "a.csv", "{\"byte\":", NULL), -SL_EBUG);
        CHECK_INT(note(w, "a.csv", "1 2", NULL), -SL_EBUG);
        CHECK_INT(note(w, NULL, NULL, "{\"k\":3}"), -SL_EBUG);
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK(good(sl_log_open(path, &l, &err)));
        CHECK_STR(position(l, "a.csv"), "{\"byte\":20}");
        CHECK_STR(position(l, "b\"\n.csv"), "7");
        CHECK_STR(position(l, "c"), "none");
        CHECK_INT(sl_log_pipeline(l, "main", 1, &value, &len), 1);
        CHECK(memcmp(value, "{\"name\":\"main\",\"open\":true", 26) == 0);
        CHECK_INT(sl_log_pipeline(l, "main", 0, &value, &len), 1);
        CHECK(memcmp(value, "{\"name\":\"main\",\"k\":2}", len) == 0);
        CHECK_INT(sl_log_pipeline(l, "other", 0, &value, &len), 0);
        sl_log_free(l);
    }
    TEST("files rotate; a reader that was open all along and a new one see the same")
    {
        const char *path = in_scratch("rotate");
        struct sl_log_writer *w = open_writer(path, NULL), *other = open_writer(path, NULL);
        struct sl_log_reader *r = NULL;
        struct sl_log_chunk *c;
        struct sl_log_read_options o = {.follow = 1};
        CHECK(good(sl_log_open(path, &l, &err)) && good(sl_log_reader_open(l, &o, &r, &err)));
        int64_t rows = 0, seen = 0;
        int rc;
        for (int i = 0; i < 60; i++) {
            char *v = big_value(i);
            CHECK(good(note(i % 3 ? w : other, "input", v, NULL)));
            CHECK(good(append_rows(i % 2 ? w : other, 0, 0, rows, 3)));
            rows += 3;
            if (i % 7 == 0 || i == 59) {
                while ((rc = sl_log_reader_next(r, &c, &err)) == SL_LOG_CHUNK) {
                    CHECK_INT(sl_log_chunk_info(c).base, seen);
                    seen += sl_log_chunk_info(c).rows;
                    sl_log_chunk_free(c);
                }
                CHECK(good(rc));
                CHECK_INT(seen, rows);
            }
            free(v);
        }
        struct sl_log *fresh;
        CHECK(good(sl_log_open(path, &fresh, &err)));
        CHECK_INT(sl_log_commit_number(fresh), sl_log_commit_number(l));
        CHECK(fresh->c.file > 1);
        CHECK_INT(commit_files(path), 2);
        CHECK(memcmp(position(fresh, "input"), "[59,", 4) == 0);
        CHECK_INT(count_rows(path, 0), 180);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        sl_log_free(fresh);
        sl_log_reader_free(r);
        sl_log_free(l);
        CHECK(good(sl_log_writer_close(w, &err)) && good(sl_log_writer_close(other, &err)));
    }
}

static void test_killed(void)
{
    struct sl_log *l = NULL;
    TEST("a torn tail is never gone on with: the next file begins")
    {
        const char *path = in_scratch("torn");
        char file[600];
        struct sl_log_writer *w = open_writer(path, NULL);
        CHECK(good(append_rows(w, 0, 0, 0, 10)));
        CHECK(good(sl_log_open(path, &l, &err)));
        snprintf(file, sizeof(file), "%s/commits/%020d.jsonl", path, 1);
        int fd = open(file, O_WRONLY | O_APPEND);
        CHECK(write(fd, "{\"n\":3,\"prev\":\"00", 17) == 17);
        close(fd);
        int64_t torn = file_size(file);
        CHECK_INT(sl_log_refresh(l, &err), 0); /* nothing new: a line in progress */
        CHECK_INT(count_rows(path, 0), 10);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK(good(append_rows(w, 0, 0, 10, 10)));
        CHECK_INT(file_size(file), torn);
        CHECK_INT(commit_files(path), 2);
        CHECK_INT(sl_log_refresh(l, &err), 1);
        CHECK_INT(sl_log_end(l, 0), 20);
        CHECK_INT(count_rows(path, 0), 20);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        sl_log_free(l);
        CHECK(good(sl_log_writer_close(w, &err)));
    }
    TEST("bytes and files of a killed writer are no part of the log")
    {
        const char *path = in_scratch("rest");
        char file[600];
        struct sl_log_writer *w = open_writer(path, NULL);
        CHECK(good(append_rows(w, 0, 0, 0, 10)));
        snprintf(file, sizeof(file), "%s/0000/%020d-2.arrows", path, 0);
        int64_t size = file_size(file);
        int fd = open(file, O_WRONLY | O_APPEND);
        CHECK(write(fd, file, sizeof(file)) == (ssize_t)sizeof(file));
        close(fd);
        /* a segment that the next commit would begin, had it been the one to roll */
        snprintf(file, sizeof(file), "%s/0000/%020d-3.arrows", path, 10);
        fd = open(file, O_WRONLY | O_CREAT, 0666);
        CHECK(write(fd, file, sizeof(file)) == (ssize_t)sizeof(file));
        close(fd);
        CHECK_INT(count_rows(path, 0), 10);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK(good(append_rows(w, 0, 0, 10, 10)));
        snprintf(file, sizeof(file), "%s/0000/%020d-2.arrows", path, 0);
        CHECK(file_size(file) > size);
        CHECK_INT(count_rows(path, 0), 20);
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    }
    TEST("a log that was removed or replaced is noticed")
    {
        const char *path = in_scratch("gone"), *away = in_scratch("away");
        struct sl_log_writer *w = open_writer(path, NULL);
        CHECK(good(append_rows(w, 0, 0, 0, 10)));
        CHECK(rename(path, away) == 0);
        CHECK_INT(append_rows(w, 0, 0, 10, 10), -SL_EIO);
        struct sl_log_writer *w2 = open_writer(path, NULL);
        CHECK(good(append_rows(w2, 0, 0, 0, 1)));
        CHECK_INT(append_rows(w, 0, 0, 10, 10), -SL_EIO);
        CHECK(good(sl_log_writer_close(w2, &err)));
        sl_log_writer_abort(w);
        CHECK_INT(count_rows(path, 0), 1);
        CHECK_INT(count_rows(away, 0), 10);
    }
}

int main(void)
{
    make_scratch();
    test_files();
    test_killed();
    remove_scratch();
    return test_done();
}

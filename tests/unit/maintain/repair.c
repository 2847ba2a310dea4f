/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Repair: says first, keeps what it removes, and leaves a log that is good and can be appended to. */
#include "base/path.h"
#include "maintain/maintain.h"
#include "../log/rows.h"

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
            CHECK(row_is(b, i, 0, sl_log_chunk_info(c).base + (int64_t)i));
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

/* Turns a byte in the middle of the n-th line (from 1) of a file over. */
static void spoil_line(const char *file, int n)
{
    struct sl_buf b = SL_BUF_INIT;
    CHECK(sl_path_read_file(file, 1 << 24, &b, &err) == 0);
    const char *p = b.data, *end;
    while (--n && p)
        p = strchr(p, '\n') + 1;
    end = strchr(p, '\n');
    spoil(file, (p - b.data) + (end - p) / 2);
    sl_buf_release(&b);
}

/* Each commit of 10 rows begins a segment of its own. */
static const char *make_rolled(const char *name, int commits)
{
    const char *path = in_scratch(name);
    struct sl_log_options o = {.sync = SL_SYNC_INTERVAL, .segment_bytes = 1};
    struct sl_log_writer *w = open_writer(path, &o);
    for (int i = 0; i < commits; i++)
        CHECK(w && good(append_rows(w, 0, 0, 10 * i, 10)));
    CHECK(w && good(sl_log_writer_close(w, &err)));
    return path;
}

static const char *commit_file(const char *path)
{
    char dir[600];
    snprintf(dir, sizeof(dir), "%s/commits", path);
    return only_file(dir, ".jsonl");
}

static void test_adoption(void)
{
    /* Lines 2 to 9 begin a segment each, the next one closes it. */
    const int lost[][3] = {{9}, {5, 6}, {8, 9}, {2, 3}, {4, 6, 9}};
    for (int i = 0; i < 5; i++) {
        const char *names[] = {"a0", "a1", "a2", "a3", "a4"};
        TEST("segments that only destroyed lines name are taken up")
        {
            const char *path = make_rolled(names[i], 8);
            for (int k = 0; k < 3 && lost[i][k]; k++)
                spoil_line(commit_file(path), lost[i][k]);
            CHECK_INT(repair(path, 0), 0);
            CHECK_INT(repair(path, 1), 0);
            CHECK(strstr(said, "of lost commits are found") != NULL);
            CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
            CHECK_INT(rows_left(path), 80);
            append_more(path, 80);
            CHECK_INT(rows_left(path), 90);
        }
    }
    TEST("a file that a killed writer left is not")
    {
        const char *path = make_rolled("garbage", 8);
        char from[900], to[900];
        /* The last segment's bytes, as one of a commit that has a good line, and of the next one. */
        for (int by = 9; by < 12; by += 2) {
            snprintf(from, sizeof(from), "%s/0000/%020d-9.arrows", path, 70);
            snprintf(to, sizeof(to), "%s/0000/%020d-%d.arrows", path, 80, by);
            CHECK(link(from, to) == 0);
        }
        spoil_line(commit_file(path), 5);
        CHECK_INT(repair(path, 1), 0);
        CHECK_INT(rows_left(path), 80);
        CHECK_INT(file_size(to) > 0, 1);
    }
    TEST("of a damaged one, what is good before the damage")
    {
        const char *path = make_rolled("part", 8);
        char seg[900];
        snprintf(seg, sizeof(seg), "%s/0000/%020d-9.arrows", path, 70);
        spoil(seg, file_size(seg) / 2);
        spoil_line(commit_file(path), 9);
        CHECK(repair(path, 1) >= 0);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK_INT(rows_left(path), 70);
    }
    TEST("the schema that a destroyed line brought is taken from the segment")
    {
        const char *path = make_log("schema", 3);
        struct sl_log_writer *w = NULL;
        struct sl_schema *wide = schema_of(ROWS_TYPES ", more text");
        struct sl_log_options o = {.sync = SL_SYNC_INTERVAL};
        sl_schema_set_meta(wide, SL_META_TIME, "ts");
        CHECK(good(sl_log_writer_open(path, &o, wide, &w, NULL, &err)));
        for (int i = 3; i < 6; i++)
            CHECK(w && good(append_rows(w, 0, 0, 10 * i, 10)));
        CHECK(w && good(sl_log_writer_close(w, &err)));
        spoil_line(commit_file(path), 5); /* 1, three commits, the schema */
        CHECK_INT(repair(path, 1), 0);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        CHECK_INT(rows_left(path), 60);
        struct sl_log *l = NULL;
        CHECK(good(sl_log_open(path, &l, &err)));
        CHECK(sl_schema_find(sl_log_schema(l), "more", 4) == 5);
        CHECK_STR(sl_schema_meta(sl_log_schema(l), SL_META_TIME), "ts");
        sl_log_free(l);
        append_more(path, 60);
        CHECK_INT(rows_left(path), 70);
        sl_schema_unref(wide);
    }
}

static struct {
    char file[64];
    int64_t offset, from, to;
} found[64];
static int nfound;

static int find(void *arg, const struct sl_log_problem *p)
{
    (void)arg;
    if (nfound < 64) {
        snprintf(found[nfound].file, sizeof(found[0].file), "%s", p->file);
        found[nfound].offset = p->offset;
        found[nfound].from = p->from;
        found[nfound].to = p->to;
    }
    nfound++;
    return 0;
}

static int verify(const char *path)
{
    nfound = 0;
    return sl_log_verify(path, find, NULL, &err);
}

static int has_rows(int64_t from, int64_t to)
{
    for (int i = 0; i < nfound && i < 64; i++) {
        if (found[i].from == from && found[i].to == to)
            return 1;
    }
    return 0;
}

static void test_verify(void)
{
    char dir[600], file[900];
    TEST("verify finds all damage of a segment, and the rows of each")
    {
        const char *path = make_log("all", 20);
        snprintf(dir, sizeof(dir), "%s/0000", path);
        snprintf(file, sizeof(file), "%s", only_file(dir, ".arrows"));
        struct sl_log *l = NULL;
        struct sl_log_reader *r = NULL;
        struct sl_log_chunk *c;
        struct sl_log_read_options o = {0};
        int64_t at = file_size(file), sizes[20] = {0};
        CHECK(good(sl_log_open(path, &l, &err)) && good(sl_log_reader_open(l, &o, &r, &err)));
        for (int i = 0; sl_log_reader_next(r, &c, &err) == SL_LOG_CHUNK && i < 20; i++) {
            sizes[i] = sl_log_chunk_info(c).bytes;
            at -= sizes[i];
            sl_log_chunk_free(c);
        }
        sl_log_reader_free(r);
        sl_log_free(l);
        spoil(file, 100);
        for (int i = 0; i < 20; at += sizes[i++]) {
            if (i == 3 || i == 19)
                spoil(file, at + 2); /* where the message begins */
            if (i == 7)
                spoil(file, at + sizes[i] - 70); /* its body */
            if (i == 11 || i == 12)
                spoil(file, at + 300);
        }
        CHECK_INT(verify(path), 6);
        CHECK_INT(found[0].from, -1);
        CHECK(has_rows(30, 40) && has_rows(70, 80));
        CHECK(has_rows(110, 120) && has_rows(120, 130) && has_rows(190, 200));
        CHECK(truncate(file, file_size(file) - sizes[19] - sizes[18]) == 0);
        CHECK_INT(verify(path), 6);
        CHECK(has_rows(30, 40) && has_rows(70, 80) && has_rows(180, 200));
    }
    TEST("verify finds all bad lines, and goes on in the segments")
    {
        const char *path = make_log("lines2", 20);
        snprintf(dir, sizeof(dir), "%s/0000", path);
        snprintf(file, sizeof(file), "%s", only_file(dir, ".arrows"));
        spoil(file, 100);
        spoil_line(commit_file(path), 4);
        spoil_line(commit_file(path), 9);
        spoil_line(commit_file(path), 10);
        CHECK_INT(verify(path), 4);
        CHECK(strcmp(found[0].file, found[2].file) == 0 && found[0].offset < found[1].offset);
        CHECK(strstr(found[3].file, "0000/") == found[3].file);
    }
    TEST("a bad newest snapshot is not all that verify sees")
    {
        const char *path = make_log("newest", 5);
        snprintf(file, sizeof(file), "%s", commit_file(path));
        int fd = open(file, O_WRONLY | O_APPEND);
        CHECK(write(fd, "{\"n\":7,\"prev\":\"00", 17) == 17); /* the next line begins a file */
        close(fd);
        append_more(path, 50);
        char newest[900];
        snprintf(newest, sizeof(newest), "%s/commits/%020d.jsonl", path, 7);
        CHECK(file_size(newest) > 0);
        spoil(newest, 50);
        spoil_line(file, 3);
        snprintf(dir, sizeof(dir), "%s/0000", path);
        snprintf(file, sizeof(file), "%s", only_file(dir, ".arrows"));
        spoil(file, 100);
        CHECK_INT(verify(path), 3);
        CHECK(strstr(found[1].file, "7.jsonl") != NULL && found[1].offset == 0);
        CHECK_INT(repair(path, 1), 0);
        CHECK_INT(verify(path), 0);
        CHECK_INT(rows_left(path), 60);
    }
    TEST("all bad lines of the older file are found, and none behind its end")
    {
        const char *path = make_log("older", 5);
        snprintf(file, sizeof(file), "%s", commit_file(path));
        int fd = open(file, O_WRONLY | O_APPEND);
        CHECK(write(fd, "{\"n\":7,\"prev\":\"00", 17) == 17);
        close(fd);
        append_more(path, 50);
        CHECK_INT(verify(path), 0);
        spoil_line(file, 2);
        spoil_line(file, 5);
        CHECK_INT(verify(path), 2);
        CHECK_INT(repair(path, 1), 0);
        CHECK_INT(verify(path), 0);
        CHECK_INT(rows_left(path), 60);
    }
}

int main(void)
{
    make_scratch();
    test_segments();
    test_commits();
    test_adoption();
    test_verify();
    remove_scratch();
    return test_done();
}

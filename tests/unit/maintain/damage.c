/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Bits that flip and files that end too early: each is found, or does no harm. */
#include "../log/rows.h"
#include "maintain/maintain.h"

static int64_t all_rows;

/* Problems that verify finds; an error of its own is one too. */
static int problems(const char *path)
{
    int n = sl_log_verify(path, NULL, NULL, &err);
    return n < 0 ? 1 : n;
}

/* What a reader of everything gets: the same rows, or an error; never other rows, never fewer. */
static int reader_is_safe(const char *path)
{
    int64_t n = count_rows(path, 0);
    return n == all_rows || n < -1;
}

static int read_whole(const char *path, uint8_t **out, size_t *n)
{
    struct sl_buf b = SL_BUF_INIT;
    if (sl_path_read_file(path, 1 << 24, &b, &err) < 0)
        return 0;
    *n = b.len;
    *out = (uint8_t *)sl_buf_take(&b);
    return 1;
}

static void flip(int fd, size_t at, uint8_t byte, int bit)
{
    uint8_t v = byte ^ (uint8_t)(1 << bit);
    if (pwrite(fd, &v, 1, (off_t)at) != 1)
        exit(1);
}

static void unflip(int fd, size_t at, uint8_t byte)
{
    if (pwrite(fd, &byte, 1, (off_t)at) != 1)
        exit(1);
}

/* Flips bits of the file: every bit if all, else one of each byte, by turns. */
static void flip_file(const char *path, const char *file, int all, int step)
{
    uint8_t *data = NULL;
    size_t n = 0;
    int64_t unseen = 0, unsafe = 0;
    int fd = open(file, O_RDWR);
    CHECK(fd >= 0 && read_whole(file, &data, &n));
    for (size_t i = 0; i < n; i += (size_t)step) {
        for (int bit = 0; bit < 8; bit++) {
            if (!all && bit != (int)(i * 5 + i / 8) % 8)
                continue;
            flip(fd, i, data[i], bit);
            if (!problems(path) && unseen++ < 5)
                printf("# flip of bit %d of byte %zu of %s is not seen\n", bit, i, file);
            if (i % 16 == 3 && !reader_is_safe(path) && unsafe++ < 5)
                printf("# flip of bit %d of byte %zu of %s misleads a reader\n", bit, i, file);
            unflip(fd, i, data[i]);
        }
    }
    CHECK_INT(unseen, 0);
    CHECK_INT(unsafe, 0);
    CHECK_INT(problems(path), 0);
    close(fd);
    free(data);
}

static void cut_file(const char *path, const char *file, int step)
{
    uint8_t *data = NULL;
    size_t n = 0;
    int64_t unseen = 0, unsafe = 0;
    int fd = open(file, O_RDWR);
    CHECK(fd >= 0 && read_whole(file, &data, &n));
    for (size_t len = 0; len < n; len += (size_t)step) {
        if (ftruncate(fd, (off_t)len) < 0)
            exit(1);
        if (!problems(path) && unseen++ < 5)
            printf("# %s cut to %zu bytes is not seen\n", file, len);
        if (len % 16 == 3 && !reader_is_safe(path) && unsafe++ < 5)
            printf("# %s cut to %zu bytes misleads a reader\n", file, len);
        if (pwrite(fd, data + len, n - len, (off_t)len) != (ssize_t)(n - len))
            exit(1);
    }
    CHECK_INT(unseen, 0);
    CHECK_INT(unsafe, 0);
    CHECK_INT(problems(path), 0);
    close(fd);
    free(data);
}

/* Some commits of many kinds of batch: tiny ones, one with a dictionary, one compressed. */
static const char *make_log(const char *name, int64_t target)
{
    const char *path = in_scratch(name);
    struct sl_log_writer *w = open_writer(path, NULL);
    int rows[] = {1, 3, 40, 1500, 1, 2}, i = 0;
    all_rows = 0;
    CHECK(w != NULL);
    do {
        CHECK(good(append_rows(w, 0, 0, all_rows, rows[i])));
        all_rows += rows[i];
        i = (i + 1) % 6;
    } while (file_size(in_scratch(name)) >= 0 && all_rows < target);
    CHECK(good(sl_log_writer_close(w, &err)));
    return path;
}

static char *segment_file(const char *path)
{
    static char file[700];
    struct dirent *e;
    snprintf(file, sizeof(file), "%s/0000", path);
    DIR *d = opendir(file);
    while (d && (e = readdir(d)) != NULL) {
        if (strstr(e->d_name, ".arrows")) {
            snprintf(file, sizeof(file), "%s/0000/%.200s", path, e->d_name);
            break;
        }
    }
    if (d)
        closedir(d);
    return file;
}

int main(void)
{
    char file[700];
    /* All 64 KiB, bit for bit, take minutes. */
    int full = getenv("SLUICE_LONG") != NULL;
    make_scratch();
    TEST("each bit that flips in a commit file is seen")
    {
        const char *path = make_log("commits-bits", full ? 1600 : 40);
        snprintf(file, sizeof(file), "%s/commits/%020d.jsonl", path, 1);
        CHECK_INT(problems(path), 0);
        flip_file(path, file, 1, 1);
    }
    TEST("each length to which a commit file is cut is seen")
    {
        const char *path = in_scratch("commits-bits");
        snprintf(file, sizeof(file), "%s/commits/%020d.jsonl", path, 1);
        cut_file(path, file, 1);
    }
    TEST("a bit that flips in any byte of a segment is seen")
    {
        const char *path = make_log("segment-bits", 5000);
        const char *seg = segment_file(path);
        printf("# the segment has %" PRId64 " bytes\n", file_size(seg));
        flip_file(path, seg, full, full ? 1 : 7);
    }
    TEST("each bit that flips in a segment of small batches is seen")
    {
        const char *path = make_log("small-bits", 4);
        flip_file(path, segment_file(path), 1, 1);
    }
    TEST("each length to which a segment is cut is seen")
    {
        const char *path = in_scratch("segment-bits");
        cut_file(path, segment_file(path), full ? 1 : 31);
    }
    TEST("damage to the durable mark is seen")
    {
        const char *path = in_scratch("small-bits");
        uint8_t *data = NULL;
        size_t n = 0;
        all_rows = 4;
        snprintf(file, sizeof(file), "%s/lock", path);
        int fd = open(file, O_RDWR);
        CHECK(fd >= 0 && read_whole(file, &data, &n));
        for (size_t i = 0; i < 67; i++) {
            flip(fd, i, data[i], (int)i % 8);
            CHECK(problems(path) > 0);
            CHECK(reader_is_safe(path));
            unflip(fd, i, data[i]);
        }
        close(fd);
        free(data);
    }
    remove_scratch();
    return test_done();
}

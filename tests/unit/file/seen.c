/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * seen: which file is which, by facts that the test makes: bytes, inodes, names, times. No clock is waited
 * for. A run is a table that is made from the positions of the one before.
 */
#include "../log/rows.h"
#include "base/crc32c.h"
#include "base/path.h"
#include "file/rotated.h"
#include "file/seen.h"
#include "text/text.h"

static struct sl_positions log_has; /* what the runs so far have committed */
static struct sl_seen *seen;
static struct sl_taken *file; /* that was opened last */
static const struct sl_taken *other;

static void begin_run(void)
{
    sl_seen_free(seen);
    good(sl_seen_new(&log_has, &seen, &err));
}

static void forget_all(void)
{
    sl_positions_release(&log_has);
    remove_scratch();
    CHECK_INT(mkdir(scratch, 0700), 0);
    begin_run();
}

/* n bytes that begin with `seed` and go on as `seed` does. */
static void put(const char *name, const char *seed, int n)
{
    FILE *out = fopen(in_scratch(name), "w");
    for (int i = 0; out && i < n; i++)
        fputc("0123456789abcdef"[(i * 7 + i / 16 + seed[i % (int)strlen(seed)]) % 16], out);
    if (out)
        fclose(out);
}

static void add(const char *name, const char *text)
{
    FILE *out = fopen(in_scratch(name), "a");
    fputs(text, out);
    fclose(out);
}

static int open_as(const char *name, int flags)
{
    struct sl_bytes *b;
    if (!good(sl_bytes_open(in_scratch(name), 0, -1, &b, &err)))
        return -1;
    int rc = sl_seen_open(seen, b, flags, &file, &other, &err);
    sl_bytes_free(b);
    return rc;
}

/* Opens a file and takes it up to a byte, 0: up to its end. */
static int take(const char *name, int64_t upto)
{
    struct sl_bytes *b;
    char data[4096];
    struct sl_file_mark m = {.line = 2};
    if (!good(sl_bytes_open(in_scratch(name), 0, -1, &b, &err)))
        return -1;
    int rc = sl_seen_open(seen, b, 0, &file, &other, &err);
    m.byte = upto ? upto : file->facts.size;
    CHECK_INT(sl_file_crc(b, 0, m.byte, &m.crc, &err), 1);
    size_t n = (size_t)SL_MIN(m.byte, (int64_t)sizeof(data));
    CHECK_INT(pread(sl_bytes_fd(b), data, n, m.byte - (int64_t)n), n);
    sl_taken_mark(file, data, n, &m);
    good(sl_taken_keep(file, b, &m, &err));
    sl_seen_deliver(seen, file, &m, 1);
    good(sl_seen_positions(seen, &log_has, &err));
    sl_bytes_free(b);
    return rc;
}

static int is_done(const char *name)
{
    struct sl_file_facts now;
    return sl_file_facts(-1, in_scratch(name), &now) == 0 && sl_seen_is_done(seen, &now);
}

static void move(const char *from, const char *to)
{
    CHECK_INT(rename(in_scratch(from), in_scratch(to)), 0);
}

/* Packed: gzip's form of it. */
static void copy(const char *from, const char *to, int keep_time, int is_packed)
{
    struct sl_buf data = SL_BUF_INIT, packed = SL_BUF_INIT;
    struct stat st;
    good(sl_path_read_file(in_scratch(from), 1 << 20, &data, &err));
    struct sl_compressor *c = is_packed ? sl_compressor_new("gz", &err) : NULL;
    if (c) {
        good(sl_compressor_write(c, data.data, data.len, &packed, &err));
        good(sl_compressor_end(c, &packed, &err));
    }
    const struct sl_buf *b = is_packed ? &packed : &data;
    int fd = open(in_scratch(to), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    CHECK_INT(write(fd, b->data, b->len), b->len);
    CHECK_INT(stat(in_scratch(from), &st), 0);
    if (keep_time)
        CHECK_INT(futimens(fd, (struct timespec[]){st.st_atim, st.st_mtim}), 0);
    close(fd);
    sl_compressor_free(c);
    sl_buf_release(&data);
    sl_buf_release(&packed);
}

static int tells_birth(const char *name)
{
    struct sl_file_facts now;
    return sl_file_facts(-1, in_scratch(name), &now) == 0 && now.born;
}

static void test_same(void)
{
    TEST("a file that is known is done, without a look at its bytes; one that grew goes on")
    {
        put("a", "x", 3000);
        CHECK_INT(take("a", 0), SL_SEEN_NEW);
        begin_run();
        CHECK(is_done("a"));
        CHECK_INT(open_as("a", 0), SL_SEEN_SAME);
        begin_run();
        add("a", "more");
        CHECK(!is_done("a"));
        CHECK_INT(open_as("a", 0), SL_SEEN_OLD);
        CHECK_INT(file->mark.byte, 3000);
        CHECK(is_done("a")); /* as long as this run looks at it no more */
    }
    TEST("a file of which a part was taken is not done")
    {
        forget_all();
        put("a", "x", 3000);
        take("a", 2000);
        begin_run();
        CHECK(!is_done("a"));
        CHECK_INT(open_as("a", 0), SL_SEEN_SAME);
        CHECK_INT(file->mark.byte, 2000);
    }
    TEST("a file that was truncated, or changed in its middle, is new")
    {
        forget_all();
        put("a", "x", 3000);
        take("a", 0);
        begin_run();
        CHECK_INT(truncate(in_scratch("a"), 2000), 0);
        CHECK_INT(open_as("a", 0), SL_SEEN_NEW);
        CHECK_INT(file->mark.byte, 0);
        forget_all();
        put("a", "x", 3000);
        take("a", 0);
        begin_run();
        int fd = open(in_scratch("a"), O_WRONLY);
        CHECK_INT(pwrite(fd, "!", 1, 1500), 1); /* both ends and the size stay */
        struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = 1}};
        CHECK_INT(futimens(fd, times), 0);
        close(fd);
        CHECK_INT(open_as("a", 0), SL_SEEN_NEW);
    }
    TEST("a file of a removed one's inode number is another file, though it holds the same")
    {
        forget_all();
        put("a", "x", 3000);
        take("a", 0);
        if (!tells_birth("a"))
            SKIP("the file system does not tell when a file was made");
        const struct sl_position *p = sl_positions_find(&log_has, file->id);
        const char *end = p->value;
        char other_birth[200];
        for (int i = 0; i < 6;
             i++) /* path, byte, line, rows, CRC, mtime; what comes next is its age */
            end += strcspn(end + 1, ",]") + 1;
        snprintf(other_birth, sizeof(other_birth), "%.*s,123456789]", (int)(end - p->value),
                 p->value);
        good(sl_positions_set(&log_has, file->id, other_birth, strlen(other_birth), &err));
        begin_run();
        move("a", "b");
        CHECK_INT(open_as("b", 0), SL_SEEN_NEW);
    }
}

static void test_names(void)
{
    TEST("a renamed file is the same, by its inode")
    {
        forget_all();
        put("a", "x", 3000);
        take("a", 2000);
        begin_run();
        move("a", "b");
        CHECK_INT(open_as("b", 0), SL_SEEN_SAME);
        CHECK_INT(file->mark.byte, 2000);
    }
    TEST("a copy under the name of a rotation is known, one under a name of its own is not")
    {
        forget_all();
        put("a.log", "x", 3000);
        take("a.log", 0);
        const char *const names[] = {"a.log.1", "a.log-20260301", "a.log.bak", "b.log", "a.logs"};
        for (size_t i = 0; i < SL_COUNT(names); i++) {
            copy("a.log", names[i], 0, 0);
            CHECK_INT(open_as(names[i], 0), i < 3 ? SL_SEEN_COPY : SL_SEEN_NEW);
            CHECK_INT(file->mark.byte, i < 3 ? 3000 : 0);
        }
        put("a.log.2", "x", 3001);
        int fd = open(in_scratch("a.log.2"), O_WRONLY);
        CHECK_INT(pwrite(fd, "!", 1, 1500), 1);
        close(fd);
        CHECK_INT(open_as("a.log.2", 0), SL_SEEN_NEW); /* it differs in the middle */
    }
    TEST("of several that match, the one that goes furthest counts")
    {
        forget_all();
        put("a.log", "x", 3000);
        take("a.log", 1000);
        copy("a.log", "a.log.1", 0, 0);
        take("a.log.1", 2000);
        copy("a.log", "a.log.1.bak", 0, 0);
        begin_run();
        CHECK_INT(open_as("a.log.1.bak", 0), SL_SEEN_COPY);
        CHECK_INT(file->mark.byte, 2000);
    }
    TEST("a copy that kept its time is known by it, unless that is a whole second")
    {
        forget_all();
        put("a", "x", 3000);
        if (!tells_birth("a"))
            SKIP("the file system does not tell when a file was made");
        struct timespec times[2] = {{.tv_sec = 5, .tv_nsec = 5}, {.tv_sec = 5, .tv_nsec = 5}};
        CHECK_INT(utimensat(AT_FDCWD, in_scratch("a"), times, 0), 0);
        take("a", 0);
        copy("a", "b", 1, 0);
        CHECK_INT(open_as("b", 0), SL_SEEN_COPY);
        times[1].tv_nsec = 0;
        put("c", "x", 3000);
        CHECK_INT(utimensat(AT_FDCWD, in_scratch("c"), times, 0), 0);
        take("c", 0);
        copy("c", "e", 1, 0);
        CHECK_INT(open_as("e", 0), SL_SEEN_NEW);
    }
    TEST(
        "the beginning of a file under the name of a rotation is a part, until it goes its own way")
    {
        forget_all();
        put("a.log", "x", 5000);
        take("a.log", 0);
        put("a.log.1", "x", 2000);
        put("b", "x", 2000);
        CHECK_INT(open_as("a.log.1", SL_SEEN_PARTS), SL_SEEN_PART);
        CHECK_INT(open_as("b", SL_SEEN_PARTS), SL_SEEN_NEW);
        CHECK_INT(truncate(in_scratch("a.log"), 0), 0);
        CHECK_INT(open_as("a.log.1", SL_SEEN_PARTS),
                  SL_SEEN_PART); /* as it was when both were there */
        put("a.log", "x", 5000);
        add("a.log.1", "!");
        CHECK_INT(open_as("a.log.1", SL_SEEN_PARTS), SL_SEEN_NEW);
    }
    TEST("a compressed file is what it holds")
    {
        forget_all();
        put("a.log", "x", 3000);
        take("a.log", 2000);
        copy("a.log", "a.log.gz", 0, 1);
        CHECK_INT(open_as("a.log.gz", 0), SL_SEEN_COPY);
        CHECK_INT(file->mark.byte, 2000);
        CHECK(file->packed);
    }
}

/* What is said of rotations of a path that is new. */
static const char *rotated(const char *name)
{
    static char text[2000];
    struct sl_buf next = SL_BUF_INIT, missed = SL_BUF_INIT;
    CHECK_INT(open_as(name, 0), SL_SEEN_NEW);
    good(sl_rotated_find(seen, file, &next, &missed, &err));
    const char *slash = next.len ? strrchr(next.data, '/') + 1 : "";
    snprintf(text, sizeof(text), "%s|%s", slash, missed.len ? strrchr(missed.data, '/') + 1 : "");
    sl_buf_release(&next);
    sl_buf_release(&missed);
    return text;
}

static void set_time(const char *name, time_t at)
{
    struct timespec times[2] = {{.tv_sec = at}, {.tv_sec = at}};
    CHECK_INT(utimensat(AT_FDCWD, in_scratch(name), times, 0), 0);
}

static void test_rotations(void)
{
    TEST("a path that another file took: the rest of the one before comes first, under any name")
    {
        forget_all();
        put("a", "x", 3000);
        take("a", 0);
        add("a", "more");
        move("a", "elsewhere");
        put("a", "y", 100);
        begin_run();
        CHECK_STR(rotated("a"), "elsewhere|");
        CHECK_INT(open_as("elsewhere", 0), SL_SEEN_OLD);
        CHECK_INT(file->mark.byte, 3000);
    }
    TEST("one that begins as the one before is new while that goes on, and it when that is gone")
    {
        forget_all();
        put("a", "x", 1500);
        take("a", 0);
        move("a", "a.1");
        put("a", "x", 3000);
        begin_run();
        CHECK_INT(open_as("a", 0), SL_SEEN_NEW);
        CHECK_INT(unlink(in_scratch("a.1")), 0);
        put("new", "x", 4000);
        move("new", "a");
        begin_run();
        CHECK_INT(open_as("a", 0), SL_SEEN_OLD);
        CHECK_INT(file->mark.byte, 1500);
    }
    TEST("what was copied and truncated goes on in the copy; later rotations are only mentioned")
    {
        forget_all();
        put("a", "x", 3000);
        take("a", 2000);
        copy("a", "a.2", 0, 0);
        CHECK_INT(truncate(in_scratch("a"), 0), 0);
        add("a", "new");
        put("a.1", "z", 50);
        put("a.x", "z", 50);
        set_time("a.2", 100);
        set_time("a.1", 200);
        begin_run();
        CHECK_STR(rotated("a"), "a.2|a.1");
        put("b", "x", 10);
        CHECK_STR(rotated("b"), "|"); /* nobody knows this path */
    }
}

static void test_forgetting(void)
{
    enum { NOW = 1000000, HOUR = 3600 };
    TEST("files that are gone are forgotten in time; those that are there, or elsewhere, are not")
    {
        forget_all();
        put("a", "x", 3000);
        put("b", "y", 3000);
        put("c", "z", 3000);
        take("a", 0);
        take("b", 0);
        take("c", 100); /* not wholly */
        CHECK_INT(unlink(in_scratch("a")), 0);
        CHECK_INT(unlink(in_scratch("c")), 0);
        move("b", "d");
        for (int64_t t = 0; t < 3; t++) {
            begin_run();
            good(sl_seen_forget(seen, scratch, NOW + t * HOUR, HOUR + 1, &err));
            good(sl_seen_positions(seen, &log_has, &err));
            int nulls = 0;
            for (const struct sl_position *p = NULL; (p = sl_positions_next(&log_has, p));)
                nulls += strcmp(p->value, "null") == 0;
            CHECK_INT(log_has.n, 4);
            CHECK_INT(nulls, t == 2);
        }
    }
}

static void test_records(void)
{
    TEST("the directory of many files is recorded once, and each file in about 90 bytes")
    {
        char name[32];
        size_t bytes = 0;
        int n = 0;
        forget_all();
        for (int i = 0; i < 20; i++) {
            snprintf(name, sizeof(name), "part-%05d.csv", i);
            put(name, "x", 60 + i);
            take(name, 0);
        }
        for (const struct sl_position *p = NULL; (p = sl_positions_next(&log_has, p)); n++)
            bytes += strlen("\"\":,") + strlen(p->id) + p->len;
        CHECK_INT(n, 21);
        CHECK(bytes - strlen(scratch) < 20 * 100);
        begin_run();
        CHECK_INT(open_as("part-00007.csv", 0), SL_SEEN_SAME);
        CHECK_STR(file->path, in_scratch("part-00007.csv"));
    }
    TEST("where two directories have one name, the second one's files are known all the same")
    {
        const struct sl_position *p = NULL;
        forget_all();
        put("a", "x", 100);
        take("a", 0);
        while ((p = sl_positions_next(&log_has, p)) && strncmp(p->id, "dir:", 4) != 0)
            continue;
        char id[32];
        snprintf(id, sizeof(id), "%s", p ? p->id : "");
        good(sl_positions_set(&log_has, id, "\"/another\"", 10, &err));
        begin_run();
        CHECK_INT(open_as("a", 0), SL_SEEN_SAME); /* by its inode: its path is another one's now */
        put("b", "y", 100);
        take("b", 0);
        begin_run();
        CHECK_INT(open_as("b", 0), SL_SEEN_SAME);
        CHECK_STR(sl_positions_find(&log_has, id)->value, "\"/another\"");
    }
    TEST("what is no record of a file is passed over")
    {
        const char *const bad[] = {"null",
                                   "{}",
                                   "{\"byte\":1}",
                                   "[1]",
                                   "[\"x\",5,1,1,-1]",
                                   "[\"x\",-9223372036854775808,1,1,1]",
                                   "[\"x\",5,1,1,99999999999999999999]"};
        forget_all();
        for (size_t i = 0; i < SL_COUNT(bad); i++) {
            char id[32];
            snprintf(id, sizeof(id), "file:%zu:0", i);
            good(sl_positions_set(&log_has, id, bad[i], strlen(bad[i]), &err));
        }
        good(sl_positions_set(&log_has, "log:1:0", "{\"offset\":1}", 12, &err));
        begin_run();
        CHECK_INT(sl_seen_forget(seen, scratch, 1, 0, &err), 0);
    }
}

int main(void)
{
    make_scratch();
    begin_run();
    test_same();
    test_names();
    test_rotations();
    test_forgetting();
    test_records();
    sl_seen_free(seen);
    sl_positions_release(&log_has);
    remove_scratch();
    return test_done();
}

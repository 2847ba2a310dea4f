/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* path, watch: whole reads and writes, atomic files, logs told from directories, wake-ups. */
#include "../test.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/path.h"

static char dir[] = "/tmp/sluice-path-XXXXXX";
static struct sl_buf path = SL_BUF_INIT;

static const char *in_dir(const char *name)
{
    sl_path_join(&path, dir, name);
    return path.data;
}

/* Makes the file, or writes it anew; CHECKs that it worked. */
static void put(const char *name, const void *data, size_t n)
{
    struct sl_err err;
    int fd = sl_path_open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600, &err);
    CHECK(fd >= 0 && sl_path_write(fd, data, n, name, &err) == 0);
    close(fd);
}

static void test_files(void)
{
    struct sl_buf b = SL_BUF_INIT;
    struct sl_err err;
    char big[100000], back[100000];

    memset(big, 'b', sizeof(big));
    TEST("a file is read whole, or not at all")
    {
        put("f", big, sizeof(big));
        CHECK_INT(sl_path_read_file(in_dir("f"), sizeof(big), &b, &err), 0);
        CHECK(b.len == sizeof(big) && memcmp(b.data, big, b.len) == 0);
        sl_buf_reset(&b);
        CHECK_INT(sl_path_read_file(in_dir("f"), sizeof(big) - 1, &b, &err), -SL_EFORMAT);
        sl_buf_reset(&b);
        CHECK_INT(sl_path_read_file(in_dir("none"), 100, &b, &err), -SL_ENOENT);
        CHECK(strstr(err.what, "none: No such file") != NULL);
        CHECK(sl_path_open(in_dir("no/where"), O_WRONLY | O_CREAT, 0600, &err) < 0);
        CHECK_INT(sl_path_sync_dir(dir, &err), 0);
        CHECK(sl_path_sync_dir(in_dir("none"), &err) < 0);
    }
    TEST("positioned reads stop at the end of the file, and say so by the count")
    {
        int fd = sl_path_open(in_dir("p"), O_RDWR | O_CREAT, 0600, &err);
        CHECK(fd >= 0);
        CHECK_INT(sl_path_pwrite(fd, big, 1000, 500, "p", &err), 0);
        CHECK_INT(sl_path_pread(fd, back, sizeof(back), 0, "p", &err), 1500);
        CHECK(back[0] == 0 && back[499] == 0 && back[500] == 'b');
        CHECK_INT(sl_path_pread(fd, back, 10, 1500, "p", &err), 0);
        CHECK_INT(sl_path_sync(fd, "p", &err), 0);
        CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
        CHECK_INT(sl_path_pread(fd, back, 10, 0, "p", &err), -SL_EIO);
        CHECK(strstr(err.place, "p") && err.sys_errno == EBADF);
    }
    TEST("a log is a directory with commits/ in it")
    {
        struct sl_buf log = SL_BUF_INIT;
        CHECK(!sl_path_is_log(dir) && !sl_path_is_log(in_dir("f")) &&
              !sl_path_is_log(in_dir("none")));
        sl_path_join(&log, dir, "log");
        CHECK(mkdir(log.data, 0700) == 0 && !sl_path_is_log(log.data));
        CHECK(mkdir(in_dir("log/commits"), 0700) == 0 && sl_path_is_log(log.data));
        sl_mem_fail_at(1, 1);
        CHECK(sl_path_is_log(log.data));
        sl_mem_fail_at(0, 0);
        rmdir(in_dir("log/commits"));
        rmdir(log.data);
        sl_buf_release(&log);
    }
    sl_buf_release(&b);
}

static void *read_slowly(void *arg)
{
    int fd = *(int *)arg;
    char chunk[5000];
    size_t n = 0;
    ssize_t k;

    while ((k = read(fd, chunk, sizeof(chunk))) > 0)
        n += (size_t)k;
    return (void *)n;
}

static void test_pipes(void)
{
    static char big[1000000];
    struct sl_err err;
    pthread_t reader;
    int p[2];
    void *got;

    TEST("a descriptor that came non-blocking is waited for, both ways")
    {
        CHECK(pipe(p) == 0 && fcntl(p[1], F_SETFL, O_NONBLOCK) == 0);
        CHECK(pthread_create(&reader, NULL, read_slowly, &p[0]) == 0);
        CHECK_INT(sl_path_write(p[1], big, sizeof(big), "pipe", &err), 0);
        close(p[1]);
        pthread_join(reader, &got);
        CHECK_INT((size_t)got, sizeof(big));
        CHECK_INT(sl_path_read(p[0], big, 10, "pipe", &err), 0);
        close(p[0]);
    }
    TEST("a reader that went away is told as such")
    {
        CHECK(pipe(p) == 0);
        close(p[0]);
        CHECK_INT(sl_path_write(p[1], "x", 1, "pipe", &err), -SL_EPIPE);
        close(p[1]);
    }
}

static void test_watch(void)
{
    struct sl_err err;
    struct sl_watch *w = sl_watch_new(&err);

    TEST("a watched directory wakes its watcher at a change, once")
    {
        struct pollfd p;
        CHECK(w && sl_watch_add(w, dir, &err) == 0 && sl_watch_add(w, dir, &err) == 0);
        if (sl_watch_fd(w) < 0) {
            SKIP("no inotify here");
        } else {
            p = (struct pollfd){sl_watch_fd(w), POLLIN, 0};
            CHECK_INT(sl_watch_drain(w), 0);
            CHECK_INT(poll(&p, 1, 0), 0);
            put("w", "x", 1);
            CHECK_INT(poll(&p, 1, 10000), 1);
            CHECK_INT(sl_watch_drain(w), 1);
            CHECK_INT(sl_watch_drain(w), 0);
        }
        CHECK_INT(sl_watch_add(w, in_dir("none"), &err), -SL_ENOENT);
    }
    sl_watch_free(w);
    sl_watch_free(NULL);
}

static void test_watch_names(void)
{
    struct sl_err err;
    struct sl_watch *w = sl_watch_new(&err);
    struct pollfd p = {w ? sl_watch_fd(w) : -1, POLLIN, 0};

    TEST("only new names wake who waits for one; a flood of events is read away in parts")
    {
        put("a", "x", 1);
        put("b", "x", 1);
        int fds[2] = {open(in_dir("a"), O_WRONLY), open(in_dir("b"), O_WRONLY)};
        CHECK(w && fds[0] >= 0 && fds[1] >= 0 && sl_watch_add_names(w, dir, &err) == 0);
        if (p.fd < 0) {
            SKIP("no inotify here");
        } else {
            CHECK(write(fds[0], "y", 1) == 1);
            CHECK_INT(poll(&p, 1, 0), 0);
            put("c", "x", 1);
            CHECK_INT(poll(&p, 1, 10000), 1);
            CHECK_INT(sl_watch_drain(w), 1);
            CHECK_INT(poll(&p, 1, 0), 0);
            /* Equal events in a row are merged: these are not. */
            CHECK_INT(sl_watch_add(w, dir, &err), 0);
            for (int i = 0; i < 8000; i++)
                CHECK(write(fds[i % 2], "y", 1) == 1);
            CHECK_INT(sl_watch_drain(w), 1);
            CHECK_INT(poll(&p, 1, 0), 1);
        }
        close(fds[0]);
        close(fds[1]);
        CHECK(unlink(in_dir("a")) == 0 && unlink(in_dir("b")) == 0 && unlink(in_dir("c")) == 0);
    }
    sl_watch_free(w);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(dir))
        return 1;
    test_files();
    test_pipes();
    test_watch();
    test_watch_names();
    static const char *const left[] = {"f", "p", "w"};
    for (size_t i = 0; i < SL_COUNT(left); i++)
        unlink(in_dir(left[i]));
    TEST("no temporary file is left")
    {
        CHECK(rmdir(dir) == 0);
    }
    sl_buf_release(&path);
    return test_done();
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * measure: time and memory of whole processes, for tests/bench/run.
 *
 *   measure run RESULT CMD...      runs CMD, appends "seconds peak-KiB cpu-seconds" to the file RESULT
 *   measure start N CMD...         runs CMD N times; median and 99th percentile in ms
 *   measure latency N SLUICE DIR   types N rows into `SLUICE ingest -f`, each after a pause, and
 *                                  times it until `SLUICE tail -f` has printed it; median and 99th
 *                                  percentile in ms
 *   measure relay N                the same through two bare processes that copy pipes: the floor
 */
#include "base/compat.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { PATIENCE_MS = 10000, PAUSE_NS = 10000000, WARM_UP = 20, LINE = 256 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const char *what)
{
    fprintf(stderr, "measure: %s: %m\n", what);
    return 1;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int print_percentiles(double *ms, size_t n)
{
    if (!n)
        return 1;
    qsort(ms, n, sizeof(*ms), by_value);
    printf("%.3f %.3f\n", ms[n / 2], ms[SL_MIN(n - 1, n * 99 / 100)]);
    return 0;
}

/* Starts argv; in and out replace standard input and output where >= 0. Returns the pid or -1. */
static pid_t start(const char *const *argv, int in, int out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t pipe_signal;
    pid_t pid;
    int rc;

    /* Ignored here; a program starts with it as a shell would start it. */
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    if (in >= 0)
        posix_spawn_file_actions_adddup2(&actions, in, 0);
    if (out >= 0)
        posix_spawn_file_actions_adddup2(&actions, out, 1);
    /* The strings are not written to; the type says so only since the call is older than const. */
    rc = posix_spawnp(&pid, argv[0], &actions, &attributes, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (rc == 0)
        return pid;
    errno = rc;
    return -1;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int run(const char *result, const char *const *argv)
{
    double t = now();
    pid_t pid = start(argv, -1, -1);
    struct rusage usage;
    int status;
    FILE *f;

    if (pid < 0)
        return fail(argv[0]);
    if (wait4(pid, &status, 0, &usage) < 0)
        return fail("wait4");
    t = now() - t;
    if (!WIFEXITED(status) || WEXITSTATUS(status)) {
        fprintf(stderr, "measure: %s failed (status %d)\n", argv[0], status);
        return 1;
    }
    f = fopen(result, "a");
    if (!f)
        return fail(result);
    fprintf(f, "%.4f %ld %.4f\n", t, usage.ru_maxrss,
            seconds(usage.ru_utime) + seconds(usage.ru_stime));
    return fclose(f) ? fail(result) : 0;
}

static int start_time(size_t n, const char *const *argv)
{
    double *ms = calloc(n + 1, sizeof(*ms));
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC), status, rc = 1;

    for (size_t i = 0; ms && null >= 0 && i < n; i++) {
        double t = now();
        pid_t pid = start(argv, -1, null);
        if (pid < 0 || waitpid(pid, &status, 0) < 0) {
            rc = fail(argv[0]);
            goto out;
        }
        ms[i] = (now() - t) * 1000;
        if (status) {
            fprintf(stderr, "measure: %s failed\n", argv[0]);
            goto out;
        }
    }
    rc = ms && null >= 0 ? print_percentiles(ms, n) : fail("start");
out:
    if (null >= 0)
        close(null);
    free(ms);
    return rc;
}

/* Reads lines from fd until one holds mark. 0, or -1 at the end of patience. */
static int wait_for(int fd, const char *mark)
{
    char line[4096];
    size_t n = 0;

    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        ssize_t k;
        if (poll(&p, 1, PATIENCE_MS) <= 0)
            return -1;
        k = read(fd, line + n, sizeof(line) - 1 - n);
        if (k <= 0)
            return -1;
        n += (size_t)k;
        line[n] = 0;
        if (strstr(line, mark))
            return 0;
        /* Keep the tail: a mark may come in two pieces. */
        if (n > LINE) {
            memmove(line, line + n - LINE, LINE);
            n = LINE;
        }
    }
}

/* Types rows into in, waits for each on out. */
static int type_rows(int in, int out, size_t n)
{
    double *ms = calloc(n, sizeof(*ms));
    struct timespec pause = {0, PAUSE_NS};
    char row[LINE], mark[32];
    int rc = 1;

    if (!ms)
        return fail("latency");
    for (size_t i = 0; i < n + WARM_UP; i++) {
        int len = snprintf(row, sizeof(row), "%s2026-03-01T%02d:%02d:%02d.000Z,m%07zu,view\n",
                           i ? "" : "ts,mark,event\n", (int)(i / 3600 % 24), (int)(i / 60 % 60),
                           (int)(i % 60), i);
        double t;
        snprintf(mark, sizeof(mark), "m%07zu", i);
        nanosleep(&pause, NULL);
        t = now();
        if (write(in, row, (size_t)len) != len || wait_for(out, mark) < 0) {
            fprintf(stderr, "measure: row %zu did not come out within %d s\n", i,
                    PATIENCE_MS / 1000);
            goto out;
        }
        if (i >= WARM_UP)
            ms[i - WARM_UP] = (now() - t) * 1000;
    }
    rc = print_percentiles(ms, n);
out:
    free(ms);
    return rc;
}

/* first's standard input is typed into, second's standard output read; they share nothing, or a
 * pipe where joined. */
static int latency(size_t n, const char *const *first, const char *const *second, int joined)
{
    int in[2], out[2], middle[2] = {-1, -1}, rc, status;
    pid_t a, b;

    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
        (joined && pipe2(middle, O_CLOEXEC) < 0))
        return fail("pipe");
    b = start(second, middle[0], out[1]);
    a = start(first, in[0], middle[1]);
    close(in[0]);
    close(out[1]);
    if (joined) {
        close(middle[0]);
        close(middle[1]);
    }
    if (a < 0 || b < 0)
        return fail(first[0]);
    rc = type_rows(in[1], out[0], n);
    close(in[1]); /* the writer ends by itself */
    if (rc)
        kill(a, SIGTERM);
    waitpid(a, &status, 0);
    kill(b, SIGTERM);
    close(out[0]);
    waitpid(b, &status, 0);
    return rc;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc >= 4 && strcmp(argv[1], "run") == 0)
        return run(argv[2], (const char *const *)argv + 3);
    if (argc >= 4 && strcmp(argv[1], "start") == 0)
        return start_time(strtoul(argv[2], NULL, 10), (const char *const *)argv + 3);
    if (argc == 5 && strcmp(argv[1], "latency") == 0) {
        const char *ingest[] = {argv[3],   "ingest", "-f",    "-I", "csv",
                                "--quiet", "-o",     argv[4], NULL};
        const char *tail[] = {argv[3], "tail", "-f",      "-n",    "all",
                              "-O",    "csv",  "--quiet", argv[4], NULL};
        return latency(strtoul(argv[2], NULL, 10), ingest, tail, 0);
    }
    if (argc == 3 && strcmp(argv[1], "relay") == 0) {
        const char *cat[] = {"cat", NULL};
        return latency(strtoul(argv[2], NULL, 10), cat, cat, 1);
    }
    fputs("usage: measure run RESULT CMD... | start N CMD... | latency N SLUICE DIR | relay N\n",
          stderr);
    return 2;
}

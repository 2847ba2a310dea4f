/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Segments of tiny batches are rewritten: the same rows at the same offsets, for readers in the middle
 * of the old file too, and whatever moment the process is killed at. */
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include "log/log_writer.h"
#include "maintain/maintain.h"
#include "rows.h"

/* ---- a process that dies at the k-th system call of the thread that rewrites ---- */

static atomic_int kill_at, calls, go = 1;
static pthread_t main_thread;
static int armed;

static void step(void)
{
    if (!armed || pthread_equal(pthread_self(), main_thread))
        return;
    while (!atomic_load(&go))
        sched_yield();
    if (atomic_fetch_add(&calls, 1) + 1 == atomic_load(&kill_at))
        kill(getpid(), SIGKILL);
}

#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    step();
    return REAL(pwrite)(fd, p, n, at);
}

int fsync(int fd)
{
    step();
    return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    step();
    return REAL(fdatasync)(fd);
}

int unlinkat(int fd, const char *name, int flags)
{
    step();
    return REAL(unlinkat)(fd, name, flags);
}

int renameat(int from, const char *old, int to, const char *new)
{
    step();
    return REAL(renameat)(from, old, to, new);
}

int utimensat(int fd, const char *name, const struct timespec t[2], int flags)
{
    step();
    return REAL(utimensat)(fd, name, t, flags);
}

/* ---- logs ---- */

enum { ROWS = 3, BATCHES = 100, ALL = ROWS * (BATCHES + 20) };

/* Bytes of a segment of BATCHES batches. */
static int64_t bytes_of_batches(void)
{
    static int64_t bytes;
    struct sl_log *l = NULL;
    if (bytes)
        return bytes;
    const char *path = in_scratch("measure");
    struct sl_log_options o = {.sync = SL_SYNC_NONE};
    struct sl_log_writer *w = open_writer(path, &o);
    for (int i = 0; i < BATCHES; i++)
        CHECK(good(append_rows(w, 0, 0, ROWS * i, ROWS)));
    CHECK(good(sl_log_writer_close(w, &err)));
    CHECK(good(sl_log_open(path, &l, &err)));
    bytes = l->state.parts[0].segs[0].bytes;
    sl_log_free(l);
    return bytes;
}

static struct sl_log_options small_segments(const char *boot)
{
    return (struct sl_log_options){
        .sync = SL_SYNC_NONE, .segment_bytes = bytes_of_batches(), .boot_id = boot};
}

static int append_many(struct sl_log_writer *w, int64_t from, int batches)
{
    int rc = 0;
    for (int i = 0; i < batches && rc == 0; i++)
        rc = append_rows(w, 0, 0, from + ROWS * i, ROWS);
    return rc;
}

static int64_t batches_of(const char *path, int64_t from, int64_t to)
{
    struct sl_log *l = NULL;
    struct sl_log_reader *r = NULL;
    struct sl_log_chunk *c;
    struct sl_log_range range = {from, to};
    struct sl_log_read_options o = {.ranges = &range};
    int n = 0;
    CHECK(good(sl_log_open(path, &l, &err)) && good(sl_log_reader_open(l, &o, &r, &err)));
    while (sl_log_reader_next(r, &c, &err) == SL_LOG_CHUNK) {
        CHECK(sl_log_chunk_info(c).bytes > 0);
        n++;
        sl_log_chunk_free(c);
    }
    sl_log_reader_free(r);
    sl_log_free(l);
    return n;
}

static int files_of(const char *path, const char *dir, const char *suffix)
{
    char name[600];
    struct dirent *e;
    int n = 0;
    snprintf(name, sizeof(name), "%s/%s", path, dir);
    DIR *d = opendir(name);
    while (d && (e = readdir(d)) != NULL)
        n += strstr(e->d_name, suffix) != NULL;
    if (d)
        closedir(d);
    return n;
}

static void test_rows(void)
{
    TEST("a closed segment of tiny batches becomes one of large ones, with the same rows")
    {
        const char *path = in_scratch("rows");
        struct sl_log_options o = small_segments(NULL);
        struct sl_log_writer *w = open_writer(path, &o);
        CHECK(good(append_many(w, 0, BATCHES + 20)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(count_rows(path, 0), ALL);
        CHECK_INT(batches_of(path, 0, ROWS * BATCHES), 1);
        CHECK_INT(batches_of(path, 0, ALL), 21);
        CHECK_INT(files_of(path, "0000", ".arrows"), 3);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        w = open_writer(path, &o);
        CHECK(good(append_rows(w, 0, 0, ALL, 10)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(count_rows(path, 0), ALL + 10);
    }
}

static void test_room(void)
{
    TEST("batches that compress well are not put together to one that nobody could hold")
    {
        const char *path = in_scratch("room");
        struct sl_log_options o = {.sync = SL_SYNC_NONE, .segment_bytes = 5000};
        struct sl_log_writer *w = NULL;
        struct sl_schema *s = schema_of("n bigint, s text");
        struct sl_builder b[2];
        char *text = malloc(3000);
        memset(text, 'x', 3000);
        CHECK(good(sl_log_writer_open(path, &o, s, &w, NULL, &err)));
        for (int i = 0; i < 84; i++) {
            struct sl_batch *batch = sl_batch_new(s, 600);
            struct sl_log_blob *blob = NULL;
            sl_builder_init(&b[0], s->fields[0].type, NULL, 1);
            sl_builder_init(&b[1], s->fields[1].type, NULL, 0);
            for (int k = 0; k < 600; k++) {
                text[0] = (char)('a' + k % 26); /* no dictionary would do */
                text[1] = (char)('a' + k / 26 % 26);
                sl_builder_int(&b[0], 600 * i + k);
                sl_builder_bytes(&b[1], text, 3000);
            }
            for (int k = 0; k < 2; k++) {
                batch->columns[k] = sl_builder_finish(&b[k], &err);
                sl_builder_release(&b[k]);
            }
            CHECK(good(sl_log_writer_encode(w, 0, batch, &blob, &err)));
            if (i == 82) /* what came before is rewritten */
                w->segment_bytes = 1;
            CHECK(good(sl_log_writer_commit(w, &blob, 1, NULL, &err)));
            if (i == 0)
                w->segment_bytes = INT64_MAX;
            sl_batch_unref(batch);
        }
        CHECK(good(sl_log_writer_close(w, &err)));
        int64_t n = batches_of(path, 0, 600 * 82);
        CHECK(n >= 2 && n <= 4);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        sl_schema_unref(s);
        free(text);
    }
}

/* ---- pauses ---- */

static void test_pause(void)
{
    TEST("in a pause after many tiny batches the open segment is rewritten; appends go on")
    {
        const char *path = in_scratch("pause");
        struct sl_log_options o = {.sync = SL_SYNC_NONE, .pause = 20000};
        struct sl_log_writer *w = open_writer(path, &o);
        CHECK(good(append_many(w, 0, 300)));
        int64_t until = sl_time_mono_usec() + 20000000, n = 0;
        while ((n = batches_of(path, 0, INT64_MAX)) > 1 && sl_time_mono_usec() < until)
            poll(NULL, 0, 10);
        CHECK_INT(n, 1);
        CHECK(good(append_many(w, ROWS * 300, 5)));
        CHECK_INT(batches_of(path, 0, INT64_MAX), 6);
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(count_rows(path, 0), ROWS * 305);
        CHECK_INT(count_rows_as(path, 0, boot_b), ROWS * 305);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    }
    TEST("a writer that ends after many tiny batches does not wait for a pause; after few it does "
         "nothing")
    {
        const char *path = in_scratch("end");
        struct sl_log_options o = {.sync = SL_SYNC_NONE};
        struct sl_log_writer *w = open_writer(path, &o);
        CHECK(good(append_many(w, 0, 200)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(batches_of(path, 0, INT64_MAX), 200);
        w = open_writer(path, &o);
        CHECK(good(append_many(w, ROWS * 200, 300)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(batches_of(path, 0, INT64_MAX), 1);
        CHECK_INT(count_rows(path, 0), ROWS * 500);
    }
}

static void test_removal(void)
{
    TEST("replaced files go when their time has come and no sooner")
    {
        const char *path = in_scratch("grace");
        struct sl_log_options o = small_segments(NULL);
        struct sl_log_writer *w = open_writer(path, &o);
        CHECK(good(append_many(w, 0, 2 * BATCHES + 10)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(files_of(path, "0000", ".arrows"), 5);
        o.grace = 1;
        char left[700];
        snprintf(left, sizeof(left), "%s/0000/%020d-2.idx.1.tmp", path, 0);
        close(open(left, O_WRONLY | O_CREAT, 0666));
        w = open_writer(path, &o);
        CHECK(good(append_many(w, ROWS * (2 * BATCHES + 10), BATCHES)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(files_of(path, "0000", ".arrows"), 4);
        CHECK_INT(files_of(path, "0000", ".idx"), 3);
        CHECK(access(left, F_OK) != 0);
        CHECK_INT(count_rows(path, 0), ROWS * (3 * BATCHES + 10));
        CHECK_INT(count_rows_as(path, 0, boot_b), ROWS * (3 * BATCHES + 10));
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    }
    TEST("segments of large batches, and of few, stay as they are")
    {
        const char *path = in_scratch("large");
        struct sl_log_options o = {.sync = SL_SYNC_NONE, .segment_bytes = 100};
        struct sl_log_writer *w = open_writer(path, &o);
        CHECK(good(append_many(w, 0, 5)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(files_of(path, "0000", ".arrows"), 5);
    }
}

/* ---- readers ---- */

struct follow {
    struct sl_log *l;
    struct sl_log_reader *r;
    int64_t next;
};

static void follow_open(struct follow *f, const char *path, int follow)
{
    struct sl_log_read_options o = {.follow = follow};
    f->next = 0;
    f->r = NULL;
    CHECK(good(sl_log_open(path, &f->l, &err)) && good(sl_log_reader_open(f->l, &o, &f->r, &err)));
}

/* Reads up to `chunks` of them; what sl_log_reader_next() said last. */
static int follow_read(struct follow *f, int chunks)
{
    struct sl_log_chunk *c;
    int rc = SL_LOG_CHUNK;
    while (chunks-- > 0 && (rc = sl_log_reader_next(f->r, &c, &err)) == SL_LOG_CHUNK) {
        struct sl_batch *b = NULL;
        CHECK_INT(sl_log_chunk_info(c).base, f->next);
        CHECK(good(sl_log_chunk_decode(c, &b, &err)));
        for (size_t i = 0; b && i < b->selected; i++, f->next++)
            CHECK(row_is(b, i, 0, f->next));
        sl_batch_unref(b);
        sl_log_chunk_free(c);
    }
    good(rc);
    return rc;
}

static void follow_close(struct follow *f)
{
    sl_log_reader_free(f->r);
    sl_log_free(f->l);
}

static void test_readers(void)
{
    TEST("readers go on across a rewriting, row by row, whether they have the old file or not")
    {
        const char *path = in_scratch("readers");
        struct sl_log_options o = small_segments(NULL);
        struct follow bounded[3], follower[3];
        o.grace = 1;
        struct sl_log_writer *w = open_writer(path, &o);
        CHECK(good(append_many(w, 0, BATCHES - 10)));
        for (int i = 0; i < 3; i++) { /* nothing read, the beginning, all there is so far */
            static const int chunks[] = {0, 7, 1000};
            follow_open(&bounded[i], path, 0);
            follow_open(&follower[i], path, 1);
            follow_read(&bounded[i], i == 2 ? BATCHES - 11 : chunks[i]);
            follow_read(&follower[i], chunks[i]);
        }
        CHECK(good(append_many(w, ROWS * (BATCHES - 10), BATCHES + 50)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(batches_of(path, 0, ROWS * BATCHES), 1);
        w = open_writer(path, &o);
        CHECK(good(append_many(w, ROWS * (2 * BATCHES + 40), BATCHES)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(files_of(path, "0000", ".arrows"), 4); /* no replaced one is there */
        for (int i = 0; i < 3; i++) {
            CHECK_INT(follow_read(&bounded[i], 1000), SL_LOG_END);
            CHECK_INT(bounded[i].next, ROWS * (BATCHES - 10));
            CHECK_INT(follow_read(&follower[i], 1000), SL_LOG_WAIT);
            CHECK_INT(follower[i].next, ROWS * (3 * BATCHES + 40));
            follow_close(&bounded[i]);
            follow_close(&follower[i]);
        }
    }
    TEST("a search by time goes on in the new file")
    {
        const char *path = in_scratch("seek");
        struct sl_log_options o = small_segments(NULL);
        struct sl_log *l = NULL;
        int64_t at;
        o.grace = 1;
        struct sl_log_writer *w = open_writer(path, &o);
        CHECK(good(append_many(w, 0, BATCHES - 10)));
        CHECK(good(sl_log_open(path, &l, &err)));
        CHECK(good(append_many(w, ROWS * (BATCHES - 10), 2 * BATCHES)));
        CHECK(good(sl_log_writer_close(w, &err)));
        w = open_writer(path, &o);
        CHECK(good(append_many(w, ROWS * (3 * BATCHES - 10), 2 * BATCHES)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK(good(sl_log_seek_time(l, 0, 1700000000000000 + 100 * 1000, &at, &err)));
        CHECK_INT(at, 100);
        sl_log_free(l);
    }
}

static void test_others(void)
{
    TEST("writers go on meanwhile, on many partitions, and nothing is lost")
    {
        const char *path = in_scratch("others");
        struct sl_log_options o = small_segments(NULL);
        o.partitions = 3;
        o.grace = 1;
        o.sync = SL_SYNC_INTERVAL;
        o.sync_interval = 2000;
        struct sl_log_writer *a = open_writer(path, &o), *b = open_writer(path, &o);
        for (int i = 0; i < 4 * BATCHES; i++) {
            for (int p = 0; p < 3; p++)
                CHECK(good(append_rows((i + p) % 5 ? a : b, p, 0, ROWS * i, ROWS)));
        }
        CHECK(good(sl_log_writer_close(a, &err)));
        CHECK(good(sl_log_writer_close(b, &err)));
        for (int p = 0; p < 3; p++)
            CHECK_INT(count_rows(path, p), ROWS * 4 * BATCHES);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    }
}

/* ---- power cuts ---- */

/* The mark is not synced: after a power cut it may be that of the log's beginning. */
static void test_old_mark(void)
{
    TEST("lines about a replaced segment hold after a reboot, though its file is gone")
    {
        const char *path = in_scratch("mark");
        char lock[600], mark[67];
        int64_t moved = 0;
        struct sl_log_options o = small_segments(boot_a);
        struct sl_log_writer *w = open_writer(path, &o);
        struct sl_schema *s = rows_schema();
        snprintf(lock, sizeof(lock), "%s/lock", path);
        int fd = open(lock, O_RDWR);
        CHECK(pread(fd, mark, sizeof(mark), 0) == (ssize_t)sizeof(mark));
        CHECK(good(append_many(w, 0, BATCHES + 20)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK(pwrite(fd, mark, sizeof(mark), 0) == (ssize_t)sizeof(mark));
        CHECK_INT(count_rows_as(path, 0, boot_b), ALL);
        char old[600];
        snprintf(old, sizeof(old), "%s/0000/%020d-2.arrows", path, 0);
        CHECK(unlink(old) == 0);
        CHECK_INT(count_rows_as(path, 0, boot_b), ALL);
        close(fd);
        o.boot_id = boot_b;
        w = NULL;
        CHECK(good(sl_log_writer_open(path, &o, s, &w, &moved, &err)));
        CHECK_INT(moved, 0);
        CHECK_INT(count_rows_as(path, 0, boot_b), ALL);
        CHECK(good(append_many(w, ALL, 5)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        sl_schema_unref(s);
    }
    TEST("the new file has not reached the device: back to the old one")
    {
        const char *path = in_scratch("unsynced");
        struct sl_log_options o = small_segments(boot_a);
        struct sl_log_writer *w = open_writer(path, &o);
        struct sl_log *l = NULL;
        struct sl_schema *s = rows_schema();
        int64_t moved = 0, rows = ROWS * (BATCHES + 1); /* none comes after the rewriting */
        char new[600];
        CHECK(good(append_many(w, 0, BATCHES + 1)));
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK(good(sl_log_open_as(path, boot_a, &l, &err)));
        int64_t by = l->state.parts[0].segs[0].by;
        CHECK(by > 2);
        CHECK(sl_log_durable(l) < sl_log_commit_number(l));
        sl_log_free(l);
        snprintf(new, sizeof(new), "%s/0000/%020d-%" PRId64 ".arrows", path, 0, by);
        CHECK(truncate(new, file_size(new) - 9) == 0);
        CHECK_INT(count_rows_as(path, 0, boot_b), rows);
        o.boot_id = boot_b;
        w = NULL;
        CHECK(good(sl_log_writer_open(path, &o, s, &w, &moved, &err)));
        CHECK_INT(moved, 0);
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(count_rows_as(path, 0, boot_b), rows);
        CHECK_INT(batches_of(path, 0, rows), BATCHES + 1);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
        sl_schema_unref(s);
    }
}

/* ---- kills ---- */

/* 1 if the child died of its kill. */
static int run_killed(const char *path, int k)
{
    struct sl_log_options o = small_segments(boot_a);
    int status;
    o.grace = 1; /* the old file goes at once */
    pid_t pid = fork();
    if (pid == 0) {
        struct sl_log_writer *w = open_writer(path, &o);
        armed = 1;
        atomic_store(&calls, 0);
        atomic_store(&kill_at, k);
        atomic_store(&go, 0);
        int rc = w ? append_many(w, 0, BATCHES + 20) : -1;
        atomic_store(&go, 1);
        if (rc == 0)
            rc = sl_log_writer_close(w, &err);
        _exit(rc == 0 ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void test_kills(void)
{
    int steps = 0, rewritten = 0;
    TEST("killed at any step, the rows are there once, before and after a recovery")
    {
        for (int k = 1;; k++) {
            char path[300];
            int64_t moved = 0;
            struct sl_log_writer *w = NULL;
            struct sl_log_options o = small_segments(boot_b);
            struct sl_schema *s = rows_schema();
            snprintf(path, sizeof(path), "%s/kill-%d", scratch, k);
            int killed = run_killed(path, k);
            CHECK_INT(count_rows_as(path, 0, boot_a), ALL);
            CHECK_INT(count_rows_as(path, 0, boot_b), ALL);
            rewritten += batches_of(path, 0, ROWS * BATCHES) == 1;
            o.grace = 1;
            CHECK(good(sl_log_writer_open(path, &o, s, &w, &moved, &err)));
            CHECK_INT(moved, 0);
            CHECK_INT(count_rows_as(path, 0, boot_b), ALL);
            CHECK(good(append_many(w, ALL, BATCHES)));
            CHECK(good(sl_log_writer_close(w, &err)));
            CHECK_INT(count_rows_as(path, 0, boot_b), ALL + ROWS * BATCHES);
            CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
            CHECK_INT(files_of(path, "lost", ".arrows"), 0);
            sl_schema_unref(s);
            steps = k;
            if (!killed)
                break;
        }
    }
    TEST("the kills were before the commit of the new segment and after it")
    {
        CHECK(steps > 10);
        CHECK(rewritten > 1 && rewritten < steps);
    }
}

int main(void)
{
    main_thread = pthread_self();
    make_scratch();
    test_rows();
    test_room();
    test_pause();
    test_removal();
    test_readers();
    test_others();
    test_old_mark();
    test_kills();
    remove_scratch();
    return test_done();
}

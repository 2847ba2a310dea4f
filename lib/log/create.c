/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* create: a new log, made whole under a temporary name and renamed, so that nobody meets half of
 * one. */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/leftover.h"
#include "base/mem.h"
#include "base/time.h"
#include "log/log_writer.h"

#define TEMPORARY ".new-" /* PID-RANDOM */

int sl_writer_random(void *out, size_t n, struct sl_err *err)
{
    ssize_t got;
    do {
        got = getrandom(out, n, 0);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)n ? 0 : sl_err_sys(err, "cannot get random bytes");
}

static int first_line(struct sl_schema *schema, const uint8_t *id, int partitions,
                      const int64_t *starts, struct sl_buf *out, struct sl_err *err)
{
    struct sl_line l;
    struct sl_history h = {0};
    struct sl_line_schema s = {.id = 1, .schema = schema};
    char host[256] = "";
    int rc = sl_writer_random(&h.id, sizeof(h.id), err);

    sl_line_init(&l);
    l.ends = h.ends = sl_arena_alloc(&l.arena, (size_t)partitions * sizeof(*l.ends));
    if (rc == 0 && !l.ends)
        rc = sl_err_nomem(err, "a log");
    if (rc == 0 && starts)
        memcpy(l.ends, starts, (size_t)partitions * sizeof(*l.ends));
    l.n = 1;
    l.at = sl_time_now_usec();
    l.history = h.id;
    l.snapshot = 1;
    memcpy(l.log_id, id, 16);
    l.partitions = partitions;
    l.histories = &h;
    l.nhistories = 1;
    l.pid = getpid();
    if (gethostname(host, sizeof(host) - 1) == 0)
        l.host = host;
    l.schemas = &s;
    l.nschemas = 1;
    if (rc == 0)
        rc = sl_line_print(&l, out, err);
    l.nschemas = 0; /* borrowed */
    sl_line_release(&l);
    return rc;
}

static int make_dir(int at, const char *dir, const char *name, struct sl_err *err)
{
    return mkdirat(at, name, 0777) < 0 ? sl_err_sys(err, "cannot create %s/%s", dir, name) : 0;
}

static int write_synced(int at, const char *dir, const char *name, const struct sl_buf *bytes,
                        struct sl_err *err)
{
    int fd = sl_path_openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666, dir, err);
    int rc = fd < 0 ? fd : sl_path_pwrite(fd, bytes->data, bytes->len, 0, name, err);
    if (rc == 0)
        rc = sl_path_sync(fd, name, err);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* What a log has into the directory dir, which is open as at. */
static int fill(int at, const char *dir, const struct sl_log_options *o, int partitions,
                const struct sl_buf *line, struct sl_err *err)
{
    struct sl_buf path = SL_BUF_INIT;
    char name[SL_COMMIT_NAME + 16] = "commits/", boot[SL_BOOT_ID + 1], part[16];
    int rc = make_dir(at, dir, "commits", err);

    for (int i = 0; i < partitions && rc == 0; i++) {
        snprintf(part, sizeof(part), "%04d", i);
        rc = make_dir(at, dir, part, err);
    }
    if (rc == 0)
        rc = sl_boot_id(boot, err);
    if (rc < 0)
        return rc;
    if (o->boot_id && strlen(o->boot_id) == SL_BOOT_ID)
        memcpy(boot, o->boot_id, SL_BOOT_ID);
    sl_path_join(&path, dir, "lock");
    rc = sl_buf_check(&path, err);
    if (rc == 0)
        rc = sl_lockfile_create(path.data, 0, boot, err); /* the names are not durable yet */
    sl_buf_release(&path);
    sl_commit_name(1, name + 8);
    if (rc == 0)
        rc = write_synced(at, dir, name, line, err);
    if (rc == 0)
        rc = sl_path_sync_below(at, "commits", dir, err);
    return rc == 0 ? sl_path_sync_dir(dir, err) : rc;
}

int sl_log_name(const char *made, const char *path, struct sl_err *err)
{
    if (rename(made, path) == 0) {
        int rc = sl_path_sync_parent(path, err);
        if (rc < 0 && rename(path, made) < 0)
            sl_err_hint(err, "remove %s: it is empty", path);
        return rc;
    }
    if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
        return sl_err_sys(err, "cannot rename %s to %s", made, path);
    sl_err_set(err, SL_EEXIST, "something that is no log is there");
    return sl_err_place(err, "%s", path);
}

int sl_log_unname(const char *path, struct sl_buf *made, struct sl_err *err)
{
    int rc = sl_leftover_name(path, TEMPORARY, made, err);
    if (rc == 0 && rename(path, made->data) < 0)
        rc = sl_err_sys(err, "cannot rename %s to %s", path, made->data);
    return rc;
}

/* The directory, and a descriptor with its lock. */
static int make_held(const char *dir, const char *path, struct sl_err *err)
{
    for (int tries = 0; tries < 100; tries++) {
        if (mkdir(dir, 0777) < 0)
            return sl_path_not_created(path, err);
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && sl_leftover_hold(fd, dir))
            return fd;
        if (fd < 0 && errno != ENOENT) {
            int rc = sl_path_not_created(path, err);
            rmdir(dir);
            return rc;
        }
        if (fd >= 0)
            close(fd);
        rmdir(dir); /* somebody swept it away before it was locked, or nobody can tell */
    }
    return sl_err_set(err, SL_EIO, "cannot create %s: it is removed again and again", path);
}

int sl_log_make(const char *path, const struct sl_log_options *o, struct sl_schema *schema,
                struct sl_buf *made, struct sl_err *err)
{
    assert(path && o && sl_schema_is_sound(schema));
    struct sl_buf line = SL_BUF_INIT;
    struct sl_schema *own = NULL;
    uint8_t id[16];
    int partitions = o->partitions ? o->partitions : 1, rc;

    if (partitions < 1 || partitions > SL_LOG_PARTITIONS)
        return sl_err_set(err, SL_EUSAGE, "a log has 1 to %d partitions", SL_LOG_PARTITIONS);
    rc = sl_writer_random(id, sizeof(id), err);
    if (rc == 0)
        rc = sl_log_make_schema(schema, o, id, &own, err);
    if (rc == 0)
        rc = first_line(own, id, partitions, o->starts, &line, err);
    if (rc == 0)
        rc = sl_leftover_name(path, TEMPORARY, made, err);
    int fd = rc == 0 ? make_held(made->data, path, err) : rc;
    if (fd >= 0 && (rc = fill(fd, made->data, o, partitions, &line, err)) < 0) {
        sl_log_unmake(made->data);
        close(fd);
    }
    sl_schema_unref(own);
    sl_buf_release(&line);
    return rc < 0 ? rc : fd;
}

void sl_log_sweep(const char *path)
{
    sl_leftover_sweep(path, TEMPORARY, sl_log_unmake);
}

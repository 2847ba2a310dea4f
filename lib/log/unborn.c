/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * unborn: a log between its making and its first commit, so that a run that commits nothing leaves
 * nothing behind.
 *
 * It is whole, under its temporary name, and a writer works on it like on any other; all that can be
 * refused (a directory that may not be written, no space, a schema) has been by then. Nothing is
 * synced or told of under that name: a mark above 0 would say that its own name is on the device.
 * Another process may make the log meanwhile: then the writer goes over to that one, and what it has
 * encoded, which bears the schema of the unborn log, is encoded anew by its commit.
 *
 * The log gets its name before the first rows are written. Where that commit fails, the name is taken
 * back, under the append lock, unless another process has committed something meanwhile.
 */
#include "base/compat.h"
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "log/log_writer.h"

struct sl_unborn {
    struct sl_buf made; /* temporary name, empty once it has its own */
    int fd;             /* its lock, see leftover.h */
    char *path;
    struct sl_log_options o;
    char boot[SL_BOOT_ID + 1]; /* o.boot_id: the log gets the one that the writer goes by */
    struct sl_schema *schema;  /* as it was asked for */
};

int sl_unborn_new(const char *path, const struct sl_log_options *o, struct sl_schema *schema,
                  struct sl_unborn **out, struct sl_err *err)
{
    struct sl_unborn *u = sl_calloc(1, sizeof(*u));
    struct sl_buf made = SL_BUF_INIT;
    if (!u)
        return sl_err_nomem(err, "a log writer");
    u->fd = -1;
    u->o = *o;
    if (o->boot_id && strlen(o->boot_id) == SL_BOOT_ID)
        u->o.boot_id = memcpy(u->boot, o->boot_id, SL_BOOT_ID);
    u->schema = sl_schema_ref(schema);
    u->path = sl_strdup(path);
    int rc = u->path ? sl_log_make(path, o, schema, &made, err) : sl_err_nomem(err, "a log writer");
    u->fd = rc;
    if (rc < 0) {
        sl_buf_release(&made);
        sl_unborn_free(u);
        return rc;
    }
    u->made = made;
    *out = u;
    return 0;
}

const char *sl_unborn_made(const struct sl_unborn *u)
{
    return u->made.data;
}

void sl_unborn_free(struct sl_unborn *u)
{
    if (!u)
        return;
    if (u->made.len)
        sl_log_unmake(u->made.data);
    if (u->fd >= 0)
        close(u->fd);
    sl_buf_release(&u->made);
    sl_schema_unref(u->schema);
    free(u->path);
    free(u);
}

/* Rows are routed before they are committed: another log must take them to the same partitions. */
static int check_routes(const struct sl_log_writer *w, const struct sl_log_writer *other,
                        struct sl_err *err)
{
    const struct sl_schema *a = sl_log_schema(w->log), *b = sl_log_schema(other->log);
    const char *x = sl_schema_meta(a, SL_META_KEY), *y = sl_schema_meta(b, SL_META_KEY);
    if (w->log->state.npartitions == other->log->state.npartitions && w->crc32 == other->crc32 &&
        strcmp(x ? x : "", y ? y : "") == 0)
        return 0;
    sl_err_set(err, SL_ELOCKED, "another run has made %s meanwhile, with other partitions",
               w->unborn->path);
    return sl_err_hint(err, "run again: rows then go by the partitions that it has");
}

#define SWAP(member)                                                                               \
    do {                                                                                           \
        __typeof__(w->member) kept = w->member;                                                    \
        w->member = other->member;                                                                 \
        other->member = kept;                                                                      \
    } while (0)

/* The writer becomes one of the log that somebody else made. */
static int go_over(struct sl_log_writer *w, int64_t *recovered, struct sl_err *err)
{
    struct sl_log_writer *other = NULL;
    const struct sl_unborn *u = w->unborn;
    int rc = sl_log_writer_open(u->path, &u->o, u->schema, &other, recovered, err);
    if (rc == 0) /* columns that came in since */
        rc = sl_log_writer_evolve(other, w->schema, err);
    if (rc == 0)
        rc = check_routes(w, other, err);
    if (rc == 0) {
        assert(!w->tender && !other->tender);
        SWAP(log);
        SWAP(history);
        SWAP(sync);
        SWAP(unborn);
        SWAP(schema);
        SWAP(schema_id);
        SWAP(unsaid);
        SWAP(plans);
        SWAP(outs);
        SWAP(nouts);
        SWAP(keys);
        SWAP(nkeys);
        SWAP(crc32);
    }
    sl_log_writer_abort(other);
    return rc;
}

/* The log has its name: descriptors and paths are those that go by it. All else stays as it is. */
static int open_named(struct sl_log_writer *w, struct sl_err *err)
{
    struct sl_log_writer *other = NULL;
    int rc = sl_writer_new(w->fresh, &w->unborn->o, &other, err);
    if (rc < 0)
        return rc;
    rc = sl_view_load(other->log, err);
    if (rc == 0 && memcmp(other->log->state.log_id, w->log->state.log_id, 16) != 0) {
        sl_err_set(err, SL_EIO, "the log was removed or replaced while it was open");
        rc = sl_err_place(err, "%s", w->fresh);
    }
    if (rc == 0) {
        SWAP(log);
        SWAP(sync);
        rc = sl_writer_take_schema(w, err); /* somebody may have been here already */
    }
    sl_log_writer_abort(other);
    return rc == 0 ? sl_writer_replan(w, err) : rc;
}

/* Our log is still at its path, and holds what first_line() of create.c wrote, and no more. */
static int holds_nothing(struct sl_log *l, const char *path)
{
    struct stat ours, there;
    return fstat(l->dirfd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino && sl_view_catch_up(l, NULL) >= 0 && l->state.n == 1;
}

void sl_writer_withdraw(struct sl_log_writer *w)
{
    struct sl_log *l = w->log;
    struct sl_buf name = SL_BUF_INIT;
    if (sl_lockfile_lock(&l->lock, SL_LOCK_APPEND, SL_LOCK_EXCLUSIVE, SL_LOCK_PATIENCE, NULL) < 0)
        return;
    sl_view_set_locked(l, 1);
    /* Half a line of the commit that failed would look like the work of somebody else. */
    if (holds_nothing(l, w->fresh) && ftruncate(l->c.fd, l->c.pos) == 0 &&
        sl_log_unname(w->fresh, &name, NULL) == 0)
        sl_log_unmake(name.data);
    sl_writer_unlock(w);
    sl_buf_release(&name);
}

int sl_log_writer_publish(struct sl_log_writer *w, int64_t *recovered, struct sl_err *err)
{
    int rc = 0;
    *recovered = 0;
    while (rc == 0 && w->unborn) {
        struct sl_unborn *u = w->unborn;
        rc = sl_log_name(u->made.data, u->path, err);
        if (rc == 0 || access(u->made.data, F_OK) < 0) { /* else its name may not be durable */
            w->fresh = u->path;
            u->path = NULL;
            sl_buf_reset(&u->made);
            if (rc == 0)
                rc = open_named(w, err);
            sl_unborn_free(u);
            w->unborn = NULL;
        } else if (rc == -SL_EEXIST && sl_path_is_log(u->path)) {
            rc = go_over(w, recovered, err);
        }
    }
    return rc;
}

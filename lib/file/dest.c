/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * dest: where bytes leave: standard output, or a file that is made whole (temporary name in the same
 * directory, sync, rename, sync of the directory) so that nobody ever sees half of it. What killed
 * processes left of their making is removed by the next one.
 *
 * Standard output: the reader's going away is DONE, not an error. A compressed suffix (.gz, .zst)
 * compresses.
 */
#include "base/compat.h"
#include "base/path.h"
#include "text/text.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/leftover.h"
#include "file/dest.h"

enum { READER_MSEC = 20 }; /* between two looks for a FIFO's reader */

#define TEMPORARY ".tmp-" /* PID-RANDOM */

struct sl_dest {
    int fd, own; /* own: a file of ours */
    int empty, gone;
    int force;                        /* may take the place of another */
    int made;                         /* in place, and was not there */
    int is_placed;                    /* in place: its name was synced */
    char *path, *temporary;           /* temporary NULL: written in place (append) */
    int64_t keep;                     /* the file is to be cut there, -1: not */
    const char *suffix;               /* that it is compressed by, or NULL */
    struct sl_compressor *compressor; /* NULL: what is written next begins one */
    struct sl_buf packed;
};

static const char *compression_suffix(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".gz") == 0)
        return "gz";
    return dot && (strcmp(dot, ".zst") == 0 || strcmp(dot, ".zstd") == 0) ? "zst" : NULL;
}

int sl_path_is_packed(const char *path)
{
    return compression_suffix(path) != NULL;
}

/* Of the compressed forms that are read, two are written: a file must be what its name says. */
static int check_suffix(const char *path, struct sl_err *err)
{
    static const char *const others[] = {".bz2", ".xz", ".lz4", ".Z"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < SL_COUNT(others); i++)
        if (strcmp(dot, others[i]) == 0) {
            sl_err_set(err, SL_EUSAGE, "%s: %s is read, but not written", path, others[i]);
            return sl_err_hint(err, ".gz and .zst are; or write to a pipe, and compress there");
        }
    return 0;
}

static void take(const char *path)
{
    unlink(path);
}

/* A name that nobody has, with a lock that says that it is in use. */
static int make_temporary(struct sl_dest *out, mode_t mode, struct sl_err *err)
{
    struct sl_buf name = SL_BUF_INIT;
    int rc = 0;
    sl_leftover_sweep(out->path, TEMPORARY, take);
    for (int i = 0; i < 100; i++) {
        rc = sl_leftover_name(out->path, TEMPORARY, &name, err);
        if (rc < 0)
            goto out;
        out->fd = sl_path_open(name.data, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode, NULL);
        if (out->fd >= 0 && sl_leftover_hold(out->fd, name.data)) {
            out->temporary = sl_buf_take(&name);
            goto out;
        }
        if (out->fd < 0 && errno != EEXIST)
            break;
        if (out->fd >= 0)
            close(out->fd); /* swept away before it was locked */
        out->fd = -1;
    }
    rc = sl_path_not_created(out->path, err);
out:
    sl_buf_release(&name);
    return rc;
}

/* Nobody but us may hold the file that takes the place of another: it is made anew. It gets the owner,
 * where that is allowed, and the permissions of the one that it replaces. */
static int open_temporary(struct sl_dest *out, const struct stat *replaced, struct sl_err *err)
{
    int rc = make_temporary(out, replaced ? 0600 : 0666, err);
    if (rc < 0)
        return rc;
    if (replaced && fchown(out->fd, replaced->st_uid, replaced->st_gid) < 0)
        errno = 0; /* only root gives files away */
    if (replaced && fchmod(out->fd, replaced->st_mode & 0777) < 0)
        return sl_err_sys(err, "cannot set the permissions of %s", out->path);
    return 0;
}

/* A FIFO is open once somebody reads it; until then the run can be ended. */
static int open_fifo(struct sl_dest *out, const struct sl_dest_options *o, struct sl_err *err)
{
    struct pollfd stop = {.fd = o->stop_fd, .events = POLLIN};
    for (;;) {
        out->fd = open(o->dest, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (out->fd >= 0)
            break;
        if (errno != ENXIO && errno != EINTR)
            return sl_err_sys(err, "cannot open %s", o->dest);
        if (poll(&stop, o->stop_fd >= 0, READER_MSEC) > 0)
            return sl_err_set(err, SL_ESTOPPED, "ended before anybody read %s", o->dest);
    }
    int flags = fcntl(out->fd, F_GETFL);
    if (flags < 0 || fcntl(out->fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
        return sl_err_sys(err, "cannot open %s", o->dest);
    return 0;
}

/* A file that is there for all to see while it grows. was: NULL, there is none. */
static int open_in_place(struct sl_dest *out, const struct sl_dest_options *o,
                         const struct stat *was, struct sl_err *err)
{
    int64_t size = was ? was->st_size : 0, keep = o->is_ours ? SL_MIN(o->keep, size) : size;
    out->fd = sl_path_open(o->dest, O_WRONLY | O_APPEND | (was ? 0 : O_CREAT | O_EXCL), 0666, err);
    if (out->fd < 0)
        return out->fd;
    out->made = !was;
    if (was && o->force && !o->append)
        keep = 0;
    out->empty = keep == 0;
    out->keep = keep < size ? keep : -1;
    return o->cut_later ? 0 : sl_dest_cut(out, err);
}

int sl_dest_cut(struct sl_dest *o, struct sl_err *err)
{
    assert(o);
    if (o->keep >= 0 && ftruncate(o->fd, o->keep) < 0)
        return sl_err_sys(err, "cannot cut %s back", o->path);
    o->keep = -1;
    return 0;
}

static int open_file(struct sl_dest *out, const struct sl_dest_options *o, struct sl_err *err)
{
    struct stat st;
    int there = stat(o->dest, &st) == 0, rc = check_suffix(o->dest, err);

    if (rc < 0)
        return rc;
    out->force = o->force;
    out->path = sl_strdup(o->dest);
    if (!out->path)
        return sl_err_nomem(err, "an output");
    int is_new = o->in_place && (o->is_ours || st.st_size == 0);
    if (there && S_ISREG(st.st_mode) && !o->force && !o->append && !is_new) {
        sl_err_set(err, SL_EEXIST, "%s is there already", o->dest);
        return sl_err_hint(err, "--force replaces it, --append adds to it");
    }
    if (there && S_ISDIR(st.st_mode))
        return sl_err_set(err, SL_EUSAGE, "%s is a directory", o->dest);
    if (there && S_ISFIFO(st.st_mode))
        return open_fifo(out, o, err);
    if (o->in_place && (!there || S_ISREG(st.st_mode)))
        return open_in_place(out, o, there ? &st : NULL, err);
    if (there && (o->append || !S_ISREG(st.st_mode))) {
        out->empty = !S_ISREG(st.st_mode) || st.st_size == 0;
        out->fd = sl_path_open(o->dest, O_WRONLY | (o->append ? O_APPEND : 0), 0, err);
        return out->fd < 0 ? out->fd : 0;
    }
    return open_temporary(out, there ? &st : NULL, err);
}

static int begin_packing(struct sl_dest *o, struct sl_err *err)
{
    if (!o->suffix || o->compressor)
        return 0;
    o->compressor = sl_compressor_new(o->suffix, err);
    return o->compressor ? 0 : -(int)(err ? err->code : SL_EFAIL);
}

int sl_dest_open(const struct sl_dest_options *o, struct sl_dest **out, struct sl_err *err)
{
    assert(o && out);
    struct sl_dest *p = sl_calloc(1, sizeof(*p));
    int rc = 0;

    *out = NULL;
    if (!p)
        return sl_err_nomem(err, "an output");
    p->empty = 1;
    p->keep = -1;
    p->fd = STDOUT_FILENO;
    if (o->dest) {
        p->own = 1;
        p->fd = -1;
        rc = open_file(p, o, err);
        p->suffix = compression_suffix(o->dest);
        if (rc == 0 && !o->in_place) /* without a row, too, there is one */
            rc = begin_packing(p, err);
    }
    if (rc < 0) {
        sl_dest_free(p);
        return rc;
    }
    *out = p;
    return 0;
}

static int write_raw(struct sl_dest *o, const void *data, size_t n, struct sl_err *err)
{
    int rc = sl_path_write(o->fd, data, n, o->path ? o->path : "standard output", err);
    if (rc == -SL_EPIPE) {
        o->gone = 1;
        return SL_PUSH_DONE;
    }
    return rc;
}

int sl_dest_write(struct sl_dest *o, const void *data, size_t n, struct sl_err *err)
{
    assert(o && (data || !n));
    if (o->gone)
        return SL_PUSH_DONE;
    if (!o->suffix || !n)
        return n ? write_raw(o, data, n, err) : SL_PUSH_OK;
    sl_buf_reset(&o->packed);
    int rc = begin_packing(o, err);
    if (rc == 0)
        rc = sl_compressor_write(o->compressor, data, n, &o->packed, err);
    return rc < 0 ? rc : write_raw(o, o->packed.data, o->packed.len, err);
}

/* A file that has appeared meanwhile is no more to be replaced than one that was there. */
static int rename_to(const struct sl_dest *o, struct sl_err *err)
{
    int rc = renameat2(AT_FDCWD, o->temporary, AT_FDCWD, o->path, o->force ? 0 : RENAME_NOREPLACE);
    if (rc < 0 && (errno == EINVAL || errno == ENOSYS)) /* not on this file system */
        rc = rename(o->temporary, o->path);
    if (rc == 0)
        return 0;
    if (errno != EEXIST)
        return sl_err_sys(err, "cannot rename %s to %s", o->temporary, o->path);
    sl_err_set(err, SL_EEXIST, "%s has been made meanwhile", o->path);
    return sl_err_hint(err, "run again: --force replaces it, --append adds to it");
}

static int end_packing(struct sl_dest *o, struct sl_err *err)
{
    if (!o->compressor)
        return 0;
    sl_buf_reset(&o->packed);
    int rc = sl_compressor_end(o->compressor, &o->packed, err);
    sl_compressor_free(o->compressor);
    o->compressor = NULL;
    return rc < 0 ? rc : write_raw(o, o->packed.data, o->packed.len, err);
}

static int publish(struct sl_dest *o, struct sl_err *err)
{
    int rc = sl_path_sync(o->fd, o->temporary, err);
    if (rc == 0)
        rc = rename_to(o, err);
    if (rc < 0)
        return rc;
    free(o->temporary);
    o->temporary = NULL;
    return sl_path_sync_parent(o->path, err);
}

int sl_dest_close(struct sl_dest *o, struct sl_err *err)
{
    if (o->gone)
        return 0;
    int rc = end_packing(o, err);
    if (rc == 0 && o->temporary)
        rc = publish(o, err);
    if (o->own) {
        if (close(o->fd) < 0 && rc == 0)
            rc = sl_err_sys(err, "cannot close %s", o->path);
        o->fd = -1;
    }
    return rc;
}

int64_t sl_dest_sync(struct sl_dest *o, struct sl_err *err)
{
    struct stat st;
    int rc = end_packing(o, err);
    if (rc == 0)
        rc = sl_path_sync(o->fd, o->path, err);
    if (rc == 0 && !o->is_placed) /* who made it may have been killed before */
        rc = sl_path_sync_parent(o->path, err);
    o->is_placed = rc == 0;
    if (rc == 0 && fstat(o->fd, &st) < 0)
        rc = sl_err_sys(err, "cannot look at %s", o->path);
    return rc < 0 ? rc : (int64_t)st.st_size;
}

void sl_dest_free(struct sl_dest *o)
{
    struct stat st;
    if (!o)
        return;
    if (o->made && o->fd >= 0 && fstat(o->fd, &st) == 0 && st.st_size == 0)
        unlink(o->path); /* a run that failed leaves nothing for the next one to stumble over */
    if (o->own && o->fd >= 0)
        close(o->fd);
    if (o->temporary)
        unlink(o->temporary);
    sl_compressor_free(o->compressor);
    sl_buf_release(&o->packed);
    free(o->temporary);
    free(o->path);
    free(o);
}

void sl_dest_poll(struct sl_dest *o, struct sl_poll_set *p)
{
    assert(o && p);
    struct stat st;
    /* Only a pipe or socket can lose its reader while we are silent. */
    if (!o->own && fstat(o->fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
        sl_poll_add(p, o->fd, 0);
}

int sl_dest_is_terminal(const struct sl_dest *o)
{
    return !o->suffix && isatty(o->fd);
}

int sl_dest_is_empty(const struct sl_dest *o)
{
    return o->empty;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * bytes: a file, a pipe or standard input as a stream of bytes.
 *
 * A regular file ends at its end of file, a pipe when all writers have closed it. What becomes of a file
 * that is followed is in follow.c.
 *
 * Compression is recognised by the first bytes and undone through the decompressor; a compressed
 * file cannot be followed.
 */
#include "base/compat.h"
#include "base/time.h"
#include "text/text.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "file/bytes_int.h"
#include "base/path.h"

enum {
    POLL_USEC = 200 * 1000,
    PIPE_BYTES = 1 << 20,
};

static int64_t raw_read(struct sl_bytes *b, void *data, size_t n, struct sl_err *err)
{
    /* A bounded read ends where the file ended when it was opened, though it grows: it may be growing
     * by what we write. What says that it has no size (as in /proc) is read to its end. */
    int bounded = b->regular && !b->follow && b->size > 0;
    if (bounded)
        n = (size_t)SL_MIN((int64_t)n, SL_MAX(b->size - b->read, 0));
    ssize_t k = n ? sl_path_read(b->fd, data, n, b->name, err) : 0;
    if (k > 0)
        b->read += k;
    struct stat st;
    if (k == 0 && bounded && b->read < b->size && fstat(b->fd, &st) == 0 && st.st_size < b->size) {
        sl_err_set(err, SL_EFAIL, "%s was truncated while it was read: it had %lld %s", b->name,
                   (long long)b->size, sl_plural(b->size, "byte", "bytes"));
        return sl_err_offset(err, b->name, b->read);
    }
    return k;
}

/* Waits for raw bytes of a pipe: the decompressor wants many of them before it gives any. 0: the run
 * shall end. */
static int wait_for_raw(struct sl_bytes *b)
{
    struct pollfd fds[2] = {{.fd = b->fd, .events = POLLIN}, {.fd = b->stop_fd, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    return !fds[1].revents;
}

/* The decompressor's door to the raw bytes: what was peeked first. */
static int feed(void *arg, void *data, size_t n, struct sl_err *err)
{
    struct sl_bytes *b = arg;
    if (b->head_at < b->head_len) {
        size_t k = SL_MIN(n, b->head_len - b->head_at);
        memcpy(data, b->head + b->head_at, k);
        b->head_at += k;
        return (int)k;
    }
    if (b->unpack && !b->regular && !wait_for_raw(b)) {
        b->stopped = 1;
        return sl_err_set(err, SL_ESTOPPED, "ended in the middle of %s", b->name);
    }
    return (int)raw_read(b, data, SL_MIN(n, (size_t)1 << 20), err);
}

int sl_bytes_take_stat(struct sl_bytes *b, struct sl_err *err)
{
    struct stat st;
    if (fstat(b->fd, &st) < 0)
        return sl_err_sys(err, "cannot stat %s", b->name);
    if (S_ISDIR(st.st_mode)) {
        sl_err_set(err, SL_EUSAGE, "%s is a directory, and not a log (it has no commits/)",
                   b->name);
        return sl_err_hint(err, "name the files in it");
    }
    b->regular = S_ISREG(st.st_mode);
    b->size = b->regular ? st.st_size : -1;
    b->dev = st.st_dev;
    b->ino = st.st_ino;
    return 0;
}

/* A regular file tells at once whether it is compressed; a pipe when its first bytes are there. */
static int look_at_head(struct sl_bytes *b, struct sl_err *err)
{
    if (!b->regular)
        return 0;
    ssize_t k = sl_path_pread(b->fd, b->head, sizeof(b->head), b->read, b->name, err);
    if (k < 0)
        return (int)k;
    if (sl_compression_of_bytes(b->head, (size_t)k) == SL_RAW)
        return 0;
    if (b->follow) {
        sl_err_set(err, SL_EUSAGE, "%s is compressed: it cannot be followed", b->name);
        return sl_err_hint(err, "leave out -f");
    }
    b->unpack = sl_decompressor_new(feed, b, b->name, err);
    return b->unpack ? 0 : -(int)(err ? err->code : SL_EFAIL);
}

int sl_bytes_begin_file(struct sl_bytes *b, struct sl_err *err)
{
    b->read = b->from = 0;
    b->tail_len = 0;
    b->quiet = 0;
    int rc = sl_bytes_take_stat(b, err);
    if (rc < 0)
        return rc;
    if (b->regular && strcmp(b->path, "-") == 0) { /* `< file` may start in its middle */
        off_t at = lseek(b->fd, 0, SEEK_CUR);
        b->read = b->offset = at > 0 ? at : 0;
    }
    if (!b->regular)
        fcntl(b->fd, F_SETPIPE_SZ, PIPE_BYTES); /* a hint: fewer, larger reads */
    return look_at_head(b, err);
}

static int open_path(struct sl_bytes *b, struct sl_err *err)
{
    if (strcmp(b->path, "-") == 0) {
        b->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        if (b->fd < 0)
            return sl_err_sys(err, "cannot use standard input");
    } else {
        /* A FIFO opens at once; its first writer is waited for with poll, as its bytes are, so that
         * a signal is heeded meanwhile. */
        b->fd = sl_path_open(b->path, O_RDONLY | O_NONBLOCK, 0, err);
        if (b->fd < 0)
            return b->fd;
        fcntl(b->fd, F_SETFL, 0);
    }
    return sl_bytes_begin_file(b, err);
}

/* A new file at the path is noticed at once. Without that it is by the next look. */
static int watch_names(struct sl_watch *w, const char *path, int must, struct sl_err *err)
{
    char *dir = sl_path_dir(path);
    if (!dir)
        return sl_err_nomem(err, path);
    int rc = sl_watch_add_names(w, dir, must ? err : NULL);
    free(dir);
    return must ? rc : 0;
}

static int is_something(const char *path)
{
    return access(path, F_OK) == 0 || errno != ENOENT;
}

int sl_bytes_await(const char *path, int stop_fd, int (*is_there)(const char *path),
                   struct sl_err *err)
{
    struct sl_watch *w = sl_watch_new(err);
    int rc = w ? watch_names(w, path, is_there != NULL, err) : -(int)SL_EFAIL;
    is_there = is_there ? is_there : is_something;
    while (rc == 0 && !is_there(path)) {
        struct pollfd fds[2] = {{.fd = sl_watch_fd(w), .events = POLLIN},
                                {.fd = stop_fd, .events = POLLIN}};
        if (poll(fds, 2, POLL_USEC / 1000) < 0 && errno != EINTR)
            rc = sl_err_sys(err, "cannot poll");
        else if (fds[1].revents)
            rc = sl_err_set(err, SL_ESTOPPED, "ended before %s was there", path);
        sl_watch_drain(w);
    }
    sl_watch_free(w);
    return rc;
}

int sl_bytes_open(const char *path, int follow, int stop_fd, struct sl_bytes **out,
                  struct sl_err *err)
{
    assert(path && out);
    struct sl_bytes *b = sl_calloc(1, sizeof(*b));
    int rc;

    *out = NULL;
    if (!b)
        return sl_err_nomem(err, path);
    b->fd = -1;
    b->stop_fd = stop_fd;
    b->path = sl_strdup(path);
    b->name = sl_strdup(strcmp(path, "-") == 0 ? "standard input" : path);
    b->follow = follow && strcmp(path, "-") != 0;
    b->looked = sl_time_now_usec() + SL_FOLLOW_CLOCK_USEC; /* what is there by now was not missed */
    rc = b->path && b->name ? open_path(b, err) : sl_err_nomem(err, path);
    if (rc == 0 && b->follow && b->regular) {
        b->watch = sl_watch_new(err);
        rc = b->watch ? sl_watch_add(b->watch, b->path, err) : -(int)SL_EFAIL;
        if (rc == 0)
            rc = watch_names(b->watch, b->path, 0, err);
    }
    if (rc < 0) {
        sl_bytes_free(b);
        return rc;
    }
    *out = b;
    return 0;
}

int sl_bytes_none(const char *name, struct sl_bytes **out, struct sl_err *err)
{
    assert(name && out);
    struct sl_bytes *b = sl_calloc(1, sizeof(*b));
    *out = b;
    if (!b)
        return sl_err_nomem(err, name);
    b->fd = -1;
    b->regular = 1;
    b->name = sl_strdup(name);
    return b->name ? 0 : sl_err_nomem(err, name);
}

void sl_bytes_free(struct sl_bytes *b)
{
    if (!b)
        return;
    sl_decompressor_free(b->unpack);
    sl_watch_free(b->watch);
    sl_buf_release(&b->unread);
    if (b->fd >= 0)
        close(b->fd);
    for (int i = 0; i < b->nnext; i++)
        close(b->next[i].fd);
    free(b->next);
    free(b->path);
    free(b->name);
    free(b);
}

static int has_input(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* Whether the n bytes at hand may be the beginning of a compressed stream: then it is worth waiting
 * for more of them; text must not wait. */
static int may_be_compressed(const uint8_t *s, size_t n)
{
    static const char *const magics[] = {"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xfd\x37zXZ", "BZh",
                                         "\x04\x22\x4d\x18"};
    for (size_t i = 0; i < SL_COUNT(magics); i++)
        if (memcmp(s, magics[i], SL_MIN(n, strlen(magics[i]))) == 0)
            return 1;
    return 0;
}

/* A pipe's first bytes: enough of them to know whether it is compressed. 1 known, 0 wait. */
static int know_pipe_head(struct sl_bytes *b, struct sl_err *err)
{
    while (b->head_len < sizeof(b->head)) {
        if (!has_input(b->fd))
            return b->head_len && !may_be_compressed(b->head, b->head_len);
        int64_t k = raw_read(b, b->head + b->head_len, sizeof(b->head) - b->head_len, err);
        if (k < 0)
            return (int)k;
        if (k == 0)
            break;
        b->head_len += (size_t)k;
    }
    if (sl_compression_of_bytes(b->head, b->head_len) != SL_RAW) {
        b->unpack = sl_decompressor_new(feed, b, b->name, err);
        if (!b->unpack)
            return -(int)(err ? err->code : SL_EFAIL);
    }
    return 1;
}

static int read_pipe(struct sl_bytes *b, void *data, size_t n, size_t *got, struct sl_err *err)
{
    if (b->read == 0 || (b->head_len && b->head_at == 0 && !b->unpack)) {
        int rc = know_pipe_head(b, err);
        if (rc <= 0)
            return rc < 0 ? rc : SL_BYTES_WAIT;
        if (!b->head_len)
            return SL_BYTES_END;
    }
    int64_t k;
    if (b->stopped)
        return SL_BYTES_WAIT; /* the loop ends the run before it asks again */
    if (b->unpack) {
        k = sl_decompressor_read(b->unpack, data, n, err);
        if (b->stopped)
            return SL_BYTES_WAIT;
    } else if (b->head_at < b->head_len) {
        k = feed(b, data, n, err);
    } else if (!has_input(b->fd)) {
        return SL_BYTES_WAIT;
    } else {
        k = raw_read(b, data, n, err);
    }
    if (k < 0)
        return (int)k;
    *got = (size_t)k;
    return k ? SL_BYTES_DATA : SL_BYTES_END;
}

int sl_bytes_read(struct sl_bytes *b, void *data, size_t n, size_t *got, struct sl_err *err)
{
    assert(b && (data || !n) && got);
    int64_t k;

    *got = 0;
    if (b->unread.len) {
        *got = SL_MIN(n, b->unread.len);
        memcpy(data, b->unread.data, *got);
        sl_buf_consume(&b->unread, *got);
        return SL_BYTES_DATA;
    }
    if (!b->regular)
        return read_pipe(b, data, n, got, err);
    if (b->follow && (k = sl_follow_look(b, err)) < 0)
        return (int)k;
    if (b->paused && sl_follow_was_rewritten(b)) {
        b->paused = 0;
        return sl_follow_start_over(b, err);
    }
    if (b->unpack)
        k = sl_decompressor_read(b->unpack, data, n, err);
    else
        k = raw_read(b, data, n, err);
    if (k < 0)
        return (int)k;
    *got = (size_t)k;
    b->paused = b->follow && k == 0;
    if (b->follow && k > 0)
        sl_follow_keep_tail(b, data, (size_t)k);
    if (k) {
        b->quiet = 0;
        return SL_BYTES_DATA;
    }
    if (!b->follow)
        return SL_BYTES_END;
    if (b->rotated) {
        /* The second look at a rotated file found nothing more: it has been read to its end. */
        b->rotated = 0;
        return SL_BYTES_END;
    }
    int rc = sl_follow_look_again(b, err);
    if (rc == SL_BYTES_END) {
        b->rotated = 1; /* bytes may have come between the read and the look: read once more */
        return sl_bytes_read(b, data, n, got, err);
    }
    return rc;
}

int sl_bytes_unread(struct sl_bytes *b, const void *data, size_t n, struct sl_err *err)
{
    assert(b && (data || !n));
    assert(!b->unread.len);
    sl_buf_add(&b->unread, data, n);
    return sl_buf_check(&b->unread, err);
}

int sl_bytes_seek(struct sl_bytes *b, int64_t offset, struct sl_err *err)
{
    assert(b && offset >= 0);
    char skip[65536];
    sl_buf_reset(&b->unread);
    if (!b->unpack) {
        if (lseek(b->fd, b->offset + offset, SEEK_SET) < 0)
            return sl_err_sys(err, "cannot seek in %s", b->name);
        b->read = b->from = offset;
        b->tail_len = 0;
        return 0;
    }
    sl_decompressor_free(b->unpack);
    b->unpack = NULL;
    if (lseek(b->fd, 0, SEEK_SET) < 0)
        return sl_err_sys(err, "cannot seek in %s", b->name);
    b->read = 0;
    b->head_at = b->head_len = 0;
    b->unpack = sl_decompressor_new(feed, b, b->name, err);
    if (!b->unpack)
        return -(int)(err ? err->code : SL_EFAIL);
    while (offset > 0) {
        int64_t k =
            sl_decompressor_read(b->unpack, skip, SL_MIN((size_t)offset, sizeof(skip)), err);
        if (k < 0)
            return (int)k;
        if (k == 0)
            return sl_err_set(err, SL_EFORMAT, "%s is shorter than it was", b->name);
        offset -= k;
    }
    return 0;
}

void sl_bytes_poll(struct sl_bytes *b, struct sl_poll_set *p)
{
    assert(b && p);
    int fd = b->regular ? b->watch ? sl_watch_fd(b->watch) : -1 : b->fd;
    /* What the watch tells of may have happened after the last read: read again before sleeping. */
    if (fd >= 0 && b->regular && sl_watch_drain(b->watch))
        sl_poll_until(p, 0);
    /* A file that is renamed and created again is not always told by its own watch: look. */
    if (b->regular)
        sl_poll_until(p, sl_time_mono_usec() + POLL_USEC);
    sl_poll_add(p, fd, POLLIN);
}

int sl_bytes_wait(struct sl_bytes *b, int stop_fd, int64_t timeout, struct sl_err *err)
{
    struct sl_poll_set p = {0};
    int64_t end = timeout < 0 ? INT64_MAX : sl_time_mono_usec() + timeout;
    int rc = -1;

    while (rc < 0) {
        sl_poll_begin(&p);
        sl_poll_add(&p, stop_fd, POLLIN);
        sl_bytes_poll(b, &p);
        int own = end < p.deadline;
        sl_poll_until(&p, end);
        if ((rc = sl_poll_wait(&p, err)) < 0)
            break;
        int ready = 0;
        for (size_t i = stop_fd >= 0; i < p.n; i++)
            ready |= p.fds[i].revents != 0;
        int64_t now = sl_time_mono_usec();
        if (stop_fd >= 0 && p.fds[0].revents)
            rc = 0;
        else if (ready || (!own && now >= p.deadline))
            rc = 1;
        else
            rc = now >= end ? 0 : -1;
    }
    sl_poll_release(&p);
    return rc;
}

int sl_bytes_is_regular(const struct sl_bytes *b)
{
    return b->regular && !b->offset;
}

int sl_bytes_is_followed(const struct sl_bytes *b)
{
    return b->follow && b->regular;
}

int sl_bytes_is_short(const struct sl_err *why)
{
    return why->code == SL_ENOMEM || why->sys_errno == EMFILE || why->sys_errno == ENFILE;
}

int sl_bytes_is_input(const struct sl_bytes *b)
{
    return strcmp(b->path, "-") == 0;
}

int sl_bytes_is_compressed(const struct sl_bytes *b)
{
    return b->unpack != NULL;
}

int sl_bytes_fd(const struct sl_bytes *b)
{
    return b->fd;
}

const char *sl_bytes_name(const struct sl_bytes *b)
{
    return b->name;
}

void sl_bytes_progress(const struct sl_bytes *b, int64_t *done, int64_t *total)
{
    assert(b && done && total);
    *done = SL_MAX(b->read - b->from, 0);
    *total = b->follow ? -1 : b->size - b->from;
}

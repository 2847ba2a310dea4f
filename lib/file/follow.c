/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * follow: a file that is read while others write it, truncate it, and rotate it away.
 *
 * It does not end: at end of file the path is looked at again. If it names another file now (rename and
 * create), the old one is read on until the new one has something and the old one has been quiet for
 * a while: who writes goes on with the old one until it is told. Then END is given once and reopen
 * takes the new one. The path is looked at while reading, too, and whatever is found there is opened and
 * queued, so that files are read in order though they are rotated faster than they are read.
 * If the file is shorter than what was read, it was truncated: TRUNCATED, and reading starts over.
 * A file that was truncated and has grown again between two looks no longer has the bytes that were
 * read last before the position: they are compared before each read behind a pause.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/path.h"
#include "base/time.h"
#include "file/bytes_int.h"
#include "file/rotated.h"

enum {
    GRACE_USEC = 500 * 1000, /* a rotated file that gets nothing for so long is complete */
};

void sl_follow_keep_tail(struct sl_bytes *b, const uint8_t *data, size_t n)
{
    size_t add = SL_MIN(n, SL_FOLLOW_TAIL), keep = SL_MIN(b->tail_len, SL_FOLLOW_TAIL - add);
    memmove(b->tail, b->tail + b->tail_len - keep, keep);
    memcpy(b->tail + keep, data + n - add, add);
    b->tail_len = keep + add;
}

int sl_follow_was_rewritten(const struct sl_bytes *b)
{
    uint8_t now[SL_FOLLOW_TAIL];
    if (!b->tail_len || b->read < (int64_t)b->tail_len)
        return 0;
    ssize_t k = pread(b->fd, now, b->tail_len, (off_t)(b->read - (int64_t)b->tail_len));
    return k == (ssize_t)b->tail_len && memcmp(now, b->tail, b->tail_len) != 0;
}

int sl_follow_start_over(struct sl_bytes *b, struct sl_err *err)
{
    if (lseek(b->fd, 0, SEEK_SET) < 0)
        return sl_err_sys(err, "cannot rewind %s", b->name);
    b->read = 0;
    b->tail_len = 0;
    return SL_BYTES_TRUNCATED;
}

static int is_queued(const struct sl_bytes *b, const struct stat *st)
{
    int found = st->st_dev == b->dev && st->st_ino == b->ino;
    for (int i = 0; i < b->nnext && !found; i++)
        found = st->st_dev == b->next[i].dev && st->st_ino == b->next[i].ino;
    return found;
}

/* Queues a file behind those that are. *st is of what was opened. 0, or < 0. */
static int queue(struct sl_bytes *b, const char *path, struct stat *st, struct sl_err *err)
{
    int rc = SL_GROW_ONE(b->next, b->nnext, "rotated files", err);
    if (rc < 0)
        return rc;
    int fd = sl_path_open(path, O_RDONLY | O_NONBLOCK, 0, err);
    if (fd < 0)
        return fd == -SL_ENOENT ? 0 : fd;
    if (fstat(fd, st) < 0) {
        close(fd);
        return sl_err_sys(err, "cannot stat %s", b->name);
    }
    if (is_queued(b, st)) {
        close(fd);
        return 0;
    }
    b->next[b->nnext++] = (struct sl_successor){fd, st->st_dev, st->st_ino};
    (void)sl_watch_add(b->watch, path, NULL); /* its own rotation is to be noticed */
    return 0;
}

/* The file at the path is another one by now. Those that were there and rotated away since the last
 * look come first. */
static int queue_missed(struct sl_bytes *b, struct sl_err *err)
{
    struct sl_born *born;
    struct stat st;
    size_t n;
    int rc = sl_rotated_born(b->path, b->looked - SL_FOLLOW_CLOCK_USEC, &born, &n, err);
    for (size_t i = 0; i < n; i++) {
        if (rc == 0)
            rc = queue(b, born[i].name, &st, err);
        free(born[i].name);
    }
    free(born);
    return rc;
}

/* Queues what has come to the path since the last look. */
static int queue_new(struct sl_bytes *b, struct sl_err *err)
{
    int64_t now = sl_time_now_usec();
    struct stat there, st;
    for (;;) {
        if (stat(b->path, &there) < 0)
            return errno == ENOENT ? 0 : sl_err_sys(err, "cannot stat %s", b->name);
        if (is_queued(b, &there))
            break;
        int rc = queue_missed(b, err);
        if (rc == 0)
            rc = queue(b, b->path, &st, err);
        if (rc < 0)
            return rc;
    }
    b->looked = now;
    return 0;
}

int sl_follow_look(struct sl_bytes *b, struct sl_err *err)
{
    struct sl_err why = SL_ERR_INIT;
    (void)queue_new(b, &why);
    if (why.code == SL_ENOMEM)
        return sl_err_copy(err, &why);
    b->trouble = why;
    return 0;
}

const char *sl_bytes_trouble(const struct sl_bytes *b)
{
    return b->trouble.code ? b->trouble.what : NULL;
}

int sl_follow_look_again(struct sl_bytes *b, struct sl_err *err)
{
    struct stat now, here;
    if (fstat(b->fd, &here) < 0)
        return sl_err_sys(err, "cannot stat %s", b->name);
    if (here.st_size < b->read)
        return sl_follow_start_over(b, err);
    if (here.st_size > b->read)
        return SL_BYTES_WAIT; /* grown since: the next read gets it */
    int64_t written = (int64_t)here.st_mtim.tv_sec * SL_USEC_PER_SEC + here.st_mtim.tv_nsec / 1000;
    int there = stat(b->path, &now) == 0;
    if (there && now.st_dev == b->dev && now.st_ino == b->ino) {
        b->quiet = 0;
        return SL_BYTES_WAIT;
    }
    if (!b->nnext) /* moved away, nothing there yet: the old one may still grow */
        return SL_BYTES_WAIT;
    if (fstat(b->next[0].fd, &here) < 0)
        return sl_err_sys(err, "cannot stat %s", b->name);
    if (b->nnext == 1 && there && now.st_dev == here.st_dev && now.st_ino == here.st_ino &&
        here.st_size == 0) {
        b->quiet = 0;
        return SL_BYTES_WAIT;
    }
    /* One whose successor was rotated, too, was quiet while others were read. */
    if (b->nnext > 1 && sl_time_now_usec() - written >= GRACE_USEC)
        return SL_BYTES_END;
    int64_t at = sl_time_mono_usec();
    b->quiet = b->quiet ? b->quiet : at;
    return at - b->quiet < GRACE_USEC ? SL_BYTES_WAIT : SL_BYTES_END;
}

int sl_bytes_precede(struct sl_bytes *b, const char *older, struct sl_err *err)
{
    assert(b && older);
    assert(b->follow && b->regular);
    int fd = sl_path_open(older, O_RDONLY, 0, err);
    if (fd < 0)
        return fd;
    close(b->fd);
    b->fd = fd;
    b->read = 0;
    sl_buf_reset(&b->unread);
    int rc = sl_bytes_take_stat(b, err);
    return rc < 0 ? rc : sl_watch_add(b->watch, older, err);
}

int sl_bytes_reopen(struct sl_bytes *b, struct sl_err *err)
{
    int rc = b->nnext ? 0 : sl_follow_look(b, err);
    if (rc < 0 || !b->nnext)
        return rc;
    close(b->fd);
    b->fd = b->next[0].fd;
    memmove(b->next, b->next + 1, (size_t)--b->nnext * sizeof(b->next[0]));
    rc = sl_bytes_begin_file(b, err);
    if (rc == 0 && !b->regular)
        rc = sl_err_set(err, SL_EUSAGE, "%s is no regular file any more: it cannot be followed",
                        b->name);
    if (rc < 0)
        return rc;
    rc = sl_watch_add(b->watch, b->path, err);
    return rc < 0 && rc != -SL_ENOENT ? rc : 1;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * recover: the first writer after a reboot or a failed sync, see sluice-log(5), RECOVERY.
 *
 * The view was loaded with every commit after the mark checked against the device, and ends at the
 * last good one, m. Here what lies beyond m goes to lost/, what lies between mark and m is written
 * again and synced, a snapshot pins it, and only then the boot id says that all is well: killed
 * anywhere before, the next writer does the same again.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/mem.h"
#include "log/log_writer.h"
#include "log/walk.h"

enum { COPY = 1 << 20 };

/* ---- lost/ ---- */

/* Length and CRC of the schema message at the start of a file that no line describes. */
static int describe(struct sl_log *l, struct sl_seg *seg)
{
    struct sl_buf head = SL_BUF_INIT;
    int yes = sl_view_read_head(l, sl_seg_key(seg), &head, NULL) == 1;
    seg->head_len = (int64_t)head.len;
    seg->head_crc = sl_crc32c(0, head.data, head.len);
    sl_buf_release(&head);
    return yes;
}

/* 1 if a whole batch of this log lies at or after `from`. */
static int holds_batch(struct sl_log *l, struct sl_seg_key key, const struct sl_seg *known,
                       int64_t from, int64_t size)
{
    assert(from >= 0 && from <= size);
    struct sl_seg seg = {.partition = key.partition, .base = key.base, .by = key.by};
    struct sl_walk w;
    struct sl_walk_group g;
    int yes = 0;
    if (known)
        seg = *known;
    else if (!describe(l, &seg))
        return 0;
    seg.bytes = size;
    seg.end = INT64_MAX / 2;
    seg.closed = 0;
    if (sl_walk_open(&w, l, &seg, NULL, NULL) < 0)
        return 0;
    if (known)
        sl_walk_seek(&w, from, known->end);
    yes = sl_walk_next(&w, &g, NULL) == 1 &&
          sl_walk_group_verify(w.stream, g.buf, g.at, (size_t)g.len, w.log_id, NULL) == 0;
    sl_walk_release(&w);
    return yes;
}

/* A new file in lost/ for bytes of a segment from `from` on. */
static int lost_file(struct sl_log *l, struct sl_seg_key key, int64_t from, struct sl_err *err)
{
    int dir = sl_lost_open(l, err), fd = dir;
    for (int k = 0; dir >= 0 && k <= 9999; k++) {
        char name[128], again[16] = "";
        if (k)
            snprintf(again, sizeof(again), "-%d", k);
        snprintf(name, sizeof(name), "%04d-%020" PRId64 "-%" PRId64 "-%" PRId64 "%s.arrows",
                 key.partition, key.base, key.by, from, again);
        fd =
            sl_path_openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666, l->path, err);
        if (fd != -SL_EEXIST)
            break;
    }
    if (dir >= 0)
        close(dir);
    return fd;
}

static int copy_bytes(int from_fd, int to_fd, int64_t from, int64_t to, int64_t shift,
                      const char *path, struct sl_err *err)
{
    assert(from >= shift);
    char *block = sl_malloc(COPY);
    int rc = block ? 0 : sl_err_nomem(err, "copying bytes");
    while (rc == 0 && from < to) {
        size_t want = (size_t)SL_MIN((int64_t)COPY, to - from);
        ssize_t n = sl_path_pread(from_fd, block, want, from, path, err);
        if (n == 0) {
            sl_err_set(err, SL_EIO, "the file became shorter while it was copied");
            n = sl_err_offset(err, path, from);
        }
        rc = n < 0 ? (int)n : sl_path_pwrite(to_fd, block, (size_t)n, from - shift, path, err);
        from += n;
    }
    free(block);
    return rc;
}

static int sync_lost(struct sl_log *l, int fd, struct sl_err *err)
{
    int rc = sl_path_sync(fd, "a file in lost/", err);
    if (rc == 0)
        rc = sl_path_sync_below(l->dirfd, "lost", l->path, err);
    return rc == 0 && fsync(l->dirfd) < 0 ? sl_err_sys(err, "cannot sync directory %s", l->path)
                                          : rc;
}

static int copy_aside(struct sl_log *l, struct sl_seg_key key, int fd, int64_t from, int64_t size,
                      const char *name, struct sl_err *err)
{
    int to = lost_file(l, key, from, err);
    int rc = to < 0 ? to : copy_bytes(fd, to, from, size, from, name, err);
    if (rc == 0)
        rc = sync_lost(l, to, err);
    if (to >= 0)
        close(to);
    return rc;
}

/* Copies bytes of a segment's file from `from` on to lost/ (counted in *moved), and cuts the file at
 * `from`, or removes it if whole: both, or one of them, as `how` says. */
static int set_aside(struct sl_log *l, enum sl_trim how, struct sl_seg_key key, int64_t from,
                     int64_t *moved, struct sl_err *err)
{
    struct sl_buf name = SL_BUF_INIT;
    struct stat st;
    char file[SL_SEG_NAME];
    int fd, rc;

    rc = fd = sl_view_open_seg(l, key, O_RDWR, &name, err);
    if (rc >= 0)
        rc = fstat(fd, &st) < 0 ? sl_err_sys(err, "cannot examine %s", name.data) : 0;
    if (rc == 0 && how != SL_TRIM_CUT) {
        rc = copy_aside(l, key, fd, from, st.st_size, name.data, err);
        *moved += rc == 0 ? st.st_size - from : 0;
    }
    sl_seg_name(key, ".arrows", file);
    if (rc < 0 || how == SL_TRIM_COPY)
        ;
    else if (from > 0 && ftruncate(fd, from) < 0)
        rc = sl_err_sys(err, "cannot cut %s", name.data);
    else if (from == 0 && unlinkat(l->dirfd, file, 0) < 0)
        rc = sl_err_sys(err, "cannot remove %s", name.data);
    if (fd >= 0)
        close(fd);
    sl_buf_release(&name);
    return rc;
}

/* ---- what lies beyond the last good commit ---- */

/* Bytes after the committed length of a known segment. */
static int trim_segment(struct sl_log *l, enum sl_trim how, const struct sl_seg *seg,
                        int64_t *moved, struct sl_err *err)
{
    struct sl_buf name = SL_BUF_INIT;
    struct stat st;
    int fd = sl_view_open_seg(l, sl_seg_key(seg), O_RDWR, &name, err), rc = fd < 0 ? fd : 0;

    if (rc == 0 && fstat(fd, &st) < 0)
        rc = sl_err_sys(err, "cannot examine %s", name.data);
    if (rc == 0 && st.st_size > seg->bytes) {
        if (holds_batch(l, sl_seg_key(seg), seg, seg->bytes, st.st_size))
            rc = set_aside(l, how, sl_seg_key(seg), seg->bytes, moved, err);
        else if (how != SL_TRIM_COPY && ftruncate(fd, seg->bytes) < 0)
            rc = sl_err_sys(err, "cannot cut %s", name.data);
    }
    if (fd >= 0)
        close(fd);
    sl_buf_release(&name);
    return rc;
}

/* 1 if all of its whole batches lie before `end`: rows that the log has in other segments. */
static int is_copy(struct sl_log *l, struct sl_seg_key key, int64_t size, int64_t end)
{
    struct sl_seg seg = {.partition = key.partition, .base = key.base, .by = key.by};
    struct sl_walk w;
    struct sl_walk_group g;
    if (key.base >= end || !describe(l, &seg))
        return 0;
    seg.bytes = size;
    seg.end = INT64_MAX / 2;
    if (sl_walk_open(&w, l, &seg, NULL, NULL) < 0)
        return 0;
    w.skip = 1;
    while (w.offset <= end && sl_walk_next(&w, &g, NULL) == 1)
        continue;
    int copy = w.offset <= end;
    sl_walk_release(&w);
    return copy;
}

static int trim_stranger(struct sl_log *l, enum sl_trim how, struct sl_seg_key key, int64_t *moved,
                         struct sl_err *err)
{
    struct stat st;
    int rc = 0, fd = sl_view_open_seg(l, key, O_RDONLY, NULL, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0) {
        rc = sl_err_sys(err, "cannot examine a segment");
    } else if (is_copy(l, key, st.st_size, l->state.parts[key.partition].end)) {
        rc = 0; /* for who removes such files in due time */
    } else if (holds_batch(l, key, NULL, 0, st.st_size)) {
        rc = set_aside(l, how, key, 0, moved, err);
    } else if (how != SL_TRIM_COPY) {
        sl_view_remove_seg(l, key);
    }
    close(fd);
    return rc;
}

/* Files of a partition that no line names. */
static int trim_strangers(struct sl_log *l, enum sl_trim how, int partition, int64_t *moved,
                          struct sl_err *err)
{
    char name[16];
    const char *file;
    DIR *d;
    snprintf(name, sizeof(name), "%04d", partition);
    int rc = sl_path_list(l->dirfd, name, l->path, &d, err);
    if (rc < 0)
        return rc;
    while ((rc = sl_path_next(d, l->path, &file, err)) > 0) {
        struct sl_seg_key key;
        if (!sl_seg_parse_name(file, partition, &key) || sl_state_seg(&l->state, key))
            continue;
        rc = trim_stranger(l, how, key, moved, err);
        if (rc < 0)
            break;
    }
    closedir(d);
    return rc;
}

int sl_log_trim(struct sl_log *l, enum sl_trim how, int64_t *moved, struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; i < l->state.npartitions && rc == 0; i++) {
        const struct sl_part *p = &l->state.parts[i];
        for (int k = 0; k < p->nsegs && rc == 0; k++)
            rc = trim_segment(l, how, &p->segs[k], moved, err);
        if (rc == 0)
            rc = trim_strangers(l, how, i, moved, err);
    }
    return rc;
}

/* ---- from the device, and to it ---- */

/* After a failed sync the cache may show bytes that the device does not have. */
static void drop_caches(struct sl_log *l)
{
    posix_fadvise(l->c.fd, 0, 0, POSIX_FADV_DONTNEED);
    for (int i = 0; i < l->state.npartitions; i++) {
        const struct sl_part *p = &l->state.parts[i];
        for (int k = 0; k < p->nsegs; k++) {
            if (p->segs[k].touched <= l->mark.durable)
                continue;
            int fd = sl_view_open_seg(l, sl_seg_key(&p->segs[k]), O_RDONLY, NULL, NULL);
            if (fd >= 0) {
                posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
                close(fd);
            }
        }
    }
}

/* What commits after the mark added to a segment, from a byte on. */
static int write_again(struct sl_log *l, struct sl_seg_key key, int64_t from, struct sl_err *err)
{
    const struct sl_seg *seg = sl_state_seg(&l->state, key);
    struct sl_buf name = SL_BUF_INIT;
    char part[16];
    if (!seg)
        return 0;
    int rc, fd = rc = sl_view_open_seg(l, key, O_RDWR, &name, err);
    /* Sync alone is not enough after a failed one: the pages would be called clean already. */
    if (rc >= 0)
        rc = copy_bytes(fd, fd, from, seg->bytes, 0, name.data, err);
    if (rc == 0)
        rc = sl_path_sync(fd, name.data, err);
    snprintf(part, sizeof(part), "%04d", key.partition);
    if (rc == 0)
        rc = sl_path_sync_below(l->dirfd, part, l->path, err);
    if (fd >= 0)
        close(fd);
    sl_buf_release(&name);
    return rc;
}

int sl_log_write_again(struct sl_log *l, struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; i < l->checked.n && rc == 0; i++)
        rc = write_again(l, l->checked.list[i].key, l->checked.list[i].at, err);
    if (rc == 0 && l->c.fd >= 0)
        rc = copy_bytes(l->c.fd, l->c.fd, 0, l->c.pos, 0, l->c.dir, err);
    if (rc == 0 && l->c.fd >= 0)
        rc = sl_path_sync(l->c.fd, "the commit file", err);
    return rc;
}

int64_t sl_log_writer_lost(const struct sl_log_writer *w)
{
    return w->lost;
}

int sl_writer_recover(struct sl_log_writer *w, int64_t *moved, struct sl_err *err)
{
    struct sl_log *l = w->log;
    int rc = 0;

    if (strcmp(l->mark.boot, sl_boot_failed) == 0) {
        int64_t greatest = l->greatest;
        drop_caches(l);
        rc = sl_view_load(l, err);
        l->greatest = SL_MAX(l->greatest, greatest);
        if (rc < 0)
            return rc;
    }
    int lost = l->c.tail == SL_TAIL_LOST;
    if (lost)
        w->lost = l->state.n;
    int beyond = l->c.tail != SL_TAIL_NONE || l->state.n > l->mark.durable || !l->mark.known;
    int64_t before = *moved;
    rc = sl_log_trim(l, SL_TRIM_MOVE, moved, err);
    /* Batches without a line may have been committed, and read, before their line was lost. */
    lost |= *moved > before;
    beyond |= lost;
    if (rc == 0)
        rc = sl_log_write_again(l, err);
    if (rc == 0 && beyond)
        rc = sl_writer_rotate(w, lost, SL_MAX(l->state.n, l->greatest) + 1, err);
    else if (rc == 0)
        rc = sl_syncer_set_mark(w->sync, l->state.n, l->boot, err);
    if (rc < 0)
        return rc;
    rc = sl_lockfile_mark(&l->lock, 0, &l->mark, err);
    if (rc == 0)
        sl_view_set_trust(l, SL_VIEW_TRUSTED);
    sl_segset_reset(&l->checked);
    return rc;
}

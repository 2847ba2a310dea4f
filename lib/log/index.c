/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * index: where the batches of a closed segment are: a cache beside it, see sluice-log(5), Index.
 *
 * Whatever is wrong with it, it is left aside and the segment's heads are read instead; what it says
 * is believed no further than the batch found there bears out.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "log/log_reader.h"

enum { HEAD = 24, ENTRY = 48 };
static const char magic[8] = "SLIDX1\n";

/* Numbers lie there as in memory, little-endian. */
static int64_t get(const char *p)
{
    int64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static int entries(struct sl_log *l, const struct sl_seg *seg, struct sl_buf *out, int64_t *count)
{
    struct sl_walk w;
    struct sl_walk_group g;
    int64_t n = 0;
    *count = 0;
    int rc = sl_walk_open(&w, l, seg, NULL, NULL);
    if (rc < 0)
        return rc;
    w.skip = 1;
    sl_buf_add(out, magic, sizeof(magic));
    sl_buf_add(out, &seg->bytes, 8);
    sl_buf_add(out, &n, 8); /* the count, below */
    while ((rc = sl_walk_next(&w, &g, NULL)) == 1) {
        const int64_t e[6] = {g.id.base, g.pos, g.len, g.id.rows, g.id.min_time, g.id.max_time};
        sl_buf_add(out, e, sizeof(e));
        n++;
    }
    sl_walk_release(&w);
    if (rc < 0 || out->failed)
        return rc < 0 ? rc : -SL_ENOMEM;
    assert(out->len == (size_t)(HEAD + n * ENTRY));
    memcpy(out->data + 16, &n, sizeof(n));
    uint32_t crc = sl_crc32c(0, out->data, out->len);
    sl_buf_add(out, &crc, sizeof(crc));
    *count = n;
    return out->failed ? -SL_ENOMEM : 0;
}

int64_t sl_index_write(struct sl_log *l, const struct sl_seg *seg)
{
    assert(sl_state_is_sound(&l->state) && seg);
    int64_t count;
    struct sl_buf b = SL_BUF_INIT;
    char name[SL_SEG_NAME], temporary[SL_SEG_NAME + 32];

    sl_seg_name(sl_seg_key(seg), ".idx", name);
    snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", name, (long)getpid());
    if (entries(l, seg, &b, &count) == 0) {
        int fd = sl_path_openat(l->dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
                                0666, l->path, NULL);
        int rc = fd;
        if (fd >= 0) {
            rc = sl_path_pwrite(fd, b.data, b.len, 0, temporary, NULL);
            close(fd);
        }
        if (rc < 0 || renameat(l->dirfd, temporary, l->dirfd, name) < 0)
            unlinkat(l->dirfd, temporary, 0);
    }
    sl_buf_release(&b);
    return count;
}

/* Reads the index if it is good for this segment. 1 or 0. */
static int load(struct sl_log *l, const struct sl_seg *seg, struct sl_buf *b)
{
    char name[SL_SEG_NAME];
    sl_seg_name(sl_seg_key(seg), ".idx", name);
    int fd = sl_path_openat(l->dirfd, name, O_RDONLY | O_NOFOLLOW, 0, l->path, NULL);
    if (fd < 0)
        return 0;
    int64_t size = lseek(fd, 0, SEEK_END);
    int ok = 0;
    /* A batch takes more than an entry: a longer index is none. */
    if (size >= HEAD + 4 && size < HEAD + 4 + seg->bytes && sl_buf_room(b, (size_t)size)) {
        b->len = (size_t)size;
        ok = sl_path_pread(fd, b->data, b->len, 0, name, NULL) == (ssize_t)size;
    }
    close(fd);
    if (!ok || memcmp(b->data, magic, sizeof(magic)) != 0 || get(b->data + 8) != seg->bytes)
        return 0;
    uint32_t crc = sl_crc32c(0, b->data, b->len - 4), said;
    memcpy(&said, b->data + b->len - 4, sizeof(said));
    int64_t n = get(b->data + 16);
    return crc == said && n >= 0 && n == (size - HEAD - 4) / ENTRY &&
           (size - HEAD - 4) % ENTRY == 0;
}

/* Last entry at or before the offset: its position, or 0. */
static int64_t look_up(const struct sl_buf *b, int64_t from, int64_t *offset)
{
    assert(b->len >= HEAD + 4);
    int64_t low = 0, high = (int64_t)(b->len - HEAD - 4) / ENTRY;
    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        if (get(b->data + HEAD + mid * ENTRY) <= from)
            low = mid + 1;
        else
            high = mid;
    }
    if (!low)
        return 0;
    const char *e = b->data + HEAD + (low - 1) * ENTRY;
    *offset = get(e);
    return get(e + 8);
}

/* From head to head, from where the walk stands. */
static int scan(struct sl_walk *w, int64_t from, struct sl_err *err)
{
    struct sl_walk_group g;
    int rc, skip = w->skip;
    int64_t commit = w->commit;
    w->skip = 1;
    while ((rc = sl_walk_next(w, &g, err)) == 1) {
        if (g.id.base + g.id.rows > from) {
            sl_walk_seek(w, g.pos, g.id.base);
            w->commit = commit;
            break;
        }
        commit = g.id.commit;
    }
    w->skip = skip;
    return rc < 0 ? rc : 0;
}

int sl_walk_find(struct sl_walk *w, struct sl_log *l, int64_t from, struct sl_err *err)
{
    assert(w && l);
    struct sl_buf b = SL_BUF_INIT;
    int64_t offset = 0, pos = 0;
    if (from <= w->seg.base)
        return 0;
    if (w->seg.closed && load(l, &w->seg, &b))
        pos = look_up(&b, from, &offset);
    sl_buf_release(&b);
    if (pos >= w->seg.head_len && pos < w->limit && offset >= w->seg.base) {
        struct sl_err ignored;
        sl_walk_seek(w, pos, offset);
        if (scan(w, from, &ignored) == 0 && w->offset <= from)
            return 0;
    }
    sl_walk_seek(w, w->seg.head_len, w->seg.base);
    return scan(w, from, err);
}

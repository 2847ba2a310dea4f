/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * taken: what was taken of one file: its record in a log (sluice-log(5), "Positions of files"), and whether an
 * open file is the one of a record.
 *
 * A record is made of what was read, never of what the file holds by now: the CRC of all bytes goes on as
 * they are read, and the tail is of the text at hand.
 */
#include "base/compat.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "text/text.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "file/seen.h"

enum {
    HEAD = 1024,
    TAIL = 256,
    CHUNK = 1 << 18,
    LARGE = 1 << 20, /* bytes: with more, the record of a file has its tail */
};

static int64_t nsec_of(struct statx_timestamp t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int sl_file_facts(int fd, const char *path, struct sl_file_facts *out)
{
    assert(out);
    struct statx st;
    if (statx(fd >= 0 ? fd : AT_FDCWD, fd >= 0 ? "" : path, fd >= 0 ? AT_EMPTY_PATH : 0,
              STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
        return -1;
    *out = (struct sl_file_facts){
        .dev = (int64_t)st.stx_dev_major << 32 | st.stx_dev_minor,
        .inode = (int64_t)st.stx_ino,
        .born = st.stx_mask & STATX_BTIME ? nsec_of(st.stx_btime) : 0,
        .size = (int64_t)st.stx_size,
        .mtime = nsec_of(st.stx_mtime),
        .is_regular = S_ISREG(st.stx_mode),
    };
    return 0;
}

void sl_taken_free(struct sl_taken *f)
{
    if (!f)
        return;
    free(f->id);
    free(f->path);
    free(f->here);
    free(f);
}

int sl_taken_is_inode(const struct sl_taken *f, const struct sl_file_facts *now)
{
    assert(f && now);
    return f->facts.inode == now->inode && (!f->facts.dev || f->facts.dev == now->dev) &&
           (!f->facts.born || !now->born || f->facts.born == now->born);
}

int sl_taken_is_unchanged(const struct sl_taken *f, const struct sl_file_facts *now)
{
    assert(f && now);
    return sl_taken_is_inode(f, now) && f->facts.size == now->size && f->facts.mtime == now->mtime;
}

/* ---- the record ---- */

/* Many small files have a record each: it is a list of the path and these numbers, and ends with the last one
 * that is not 0. */
static const size_t members[] = {
    offsetof(struct sl_taken, mark.byte),
    offsetof(struct sl_taken, mark.line),
    offsetof(struct sl_taken, rows),
    offsetof(struct sl_taken, mark.crc),
    offsetof(struct sl_taken, facts.mtime),
    offsetof(struct sl_taken, facts.born),  /* so long before mtime */
    offsetof(struct sl_taken, facts.size),  /* more than byte */
    offsetof(struct sl_taken, facts.inode), /* more than in the position's name */
    offsetof(struct sl_taken, mark.latest),
    offsetof(struct sl_taken, packed),
    offsetof(struct sl_taken, mark.end),
    offsetof(struct sl_taken, gone),
    offsetof(struct sl_taken, mark.tail), /* of a large file; of its last TAIL bytes */
};

static int64_t *member(struct sl_taken *f, size_t i)
{
    return (int64_t *)((char *)f + members[i]);
}

/* What a log says may be anything: this wraps. */
static int64_t difference(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b);
}

static int64_t inode_of(const char *id)
{
    return strtoll(id + strlen("file:"), NULL, 10);
}

/* 1 and the path as it stands there, or 0 if it is no record of a file. */
static int parse(const struct sl_position *p, struct sl_taken *f, struct sl_buf *name)
{
    const struct sl_file_mark *m = &f->mark;
    struct sl_json j;
    char *end;
    sl_json_init(&j, p->value, p->len);
    if (strncmp(p->id, "file:", 5) != 0 || sl_json_next(&j, NULL) != SL_JSON_ARRAY ||
        sl_json_next(&j, NULL) != SL_JSON_STRING || sl_json_unescape(j.text, j.len, name, NULL) < 0)
        return 0;
    for (size_t i = 0; i < SL_COUNT(members) && sl_json_next(&j, NULL) == SL_JSON_NUMBER; i++)
        if (!sl_num_parse_int(j.text, j.len, member(f, i)))
            return 0;
    f->facts.born = difference(f->facts.mtime, f->facts.born);
    f->facts.size = difference(f->facts.size, difference(0, m->byte));
    f->facts.inode = difference(f->facts.inode, difference(0, strtoll(p->id + 5, &end, 10)));
    f->head = *end ? strtoll(end + 1, NULL, 16) : 0;
    f->head_len = f->mark.tail ? HEAD : 0;
    f->mark.tail_len = f->mark.tail ? TAIL : 0;
    return m->byte > 0 && m->line > 0 && f->rows >= 0 && m->crc >= 0;
}

/* The path of a record: from the root, or DIR/NAME, where the position dir:DIR names the directory. */
static void add_path(struct sl_buf *out, const char *name, const struct sl_positions *dirs)
{
    char id[SL_SEEN_DIR];
    struct sl_json j;
    int n = snprintf(id, sizeof(id), "dir:%s", name);
    const struct sl_position *dir =
        n >= SL_SEEN_DIR && name[SL_SEEN_DIR - 5] == '/' ? sl_positions_find(dirs, id) : NULL;
    if (!dir) {
        sl_buf_addstr(out, *name == '/' ? name : "");
        return;
    }
    sl_json_init(&j, dir->value, dir->len);
    if (sl_json_next(&j, NULL) == SL_JSON_STRING)
        (void)sl_json_unescape(j.text, j.len, out, NULL);
    sl_buf_addstr(out, name + SL_SEEN_DIR - 5);
}

int sl_taken_parse(const struct sl_position *p, const struct sl_positions *dirs,
                   struct sl_taken **out, struct sl_err *err)
{
    assert(p && out);
    struct sl_taken read = {.is_recorded = 1}, *f = NULL;
    struct sl_buf path = SL_BUF_INIT, name = SL_BUF_INIT;
    int is_file = parse(p, &read, &name);
    *out = NULL;
    if (is_file) {
        add_path(&path, name.data ? name.data : "", dirs);
        f = sl_malloc(sizeof(*f));
    }
    if (f) {
        *f = read;
        f->id = sl_strdup(p->id);
        f->path = sl_buf_take(&path);
    }
    sl_buf_release(&path);
    sl_buf_release(&name);
    if (is_file && (!f || !f->id || !f->path)) {
        sl_taken_free(f);
        return sl_err_nomem(err, "files that were read");
    }
    *out = f;
    return 0;
}

void sl_taken_print(const struct sl_taken *f, const char *path, struct sl_buf *out)
{
    assert(f && path && out);
    struct sl_taken x = *f;
    size_t n = SL_COUNT(members);
    x.mark = f->delivered;
    if (x.mark.byte < LARGE || x.mark.tail_len < TAIL)
        x.mark.tail = 0;
    x.facts.born = difference(x.facts.mtime, x.facts.born);
    x.facts.size = difference(x.facts.size, x.mark.byte);
    x.facts.inode = difference(x.facts.inode, inode_of(f->id));
    while (!*member(&x, n - 1))
        n--;
    sl_buf_addch(out, '[');
    sl_buf_add_json(out, path, strlen(path));
    for (size_t i = 0; i < n; i++)
        sl_buf_printf(out, ",%lld", (long long)*member(&x, i));
    sl_buf_addch(out, ']');
}

void sl_taken_mark(const struct sl_taken *f, const char *text, size_t n, struct sl_file_mark *m)
{
    assert(m->byte >= (int64_t)n && m->crc >= 0);
    m->tail_len = f->packed ? 0 : (int64_t)SL_MIN(n, (size_t)TAIL);
    m->tail = sl_crc32c(0, text + n - m->tail_len, (size_t)m->tail_len);
}

int sl_taken_keep(struct sl_taken *f, struct sl_bytes *b, const struct sl_file_mark *m,
                  struct sl_err *err)
{
    assert(f && b && m && m->byte >= 0);
    int64_t learnt = f->packed ? HEAD : f->head_len;
    f->mark = *m;
    if (!f->packed && m->byte > f->facts.size) /* it has grown since it was opened */
        (void)sl_file_facts(sl_bytes_fd(b), NULL, &f->facts);
    return learnt < HEAD && m->byte > learnt ? sl_taken_learn(f, b, err) : 0;
}

int sl_again_refuse(int64_t rows, const char *name, struct sl_err *err)
{
    char count[SL_NUM_MAX];
    int n = (int)sl_num_print_grouped(count, rows);
    sl_err_set(err, SL_EEXIST, "%.*s %s of %s %s committed", n, count,
               sl_plural(rows, "row", "rows"), name, sl_plural(rows, "is", "are"));
    return sl_err_hint(err, "--resume goes on after them, --again appends all");
}

/* ---- the bytes ---- */

struct stream { /* the bytes of a file, unpacked, beside those who read its rows */
    struct sl_bytes *bytes;
    struct sl_decompressor *unpack;
    int64_t raw, at;
    uint32_t crc; /* of what was read since it was set to 0 */
};

static int feed(void *arg, void *data, size_t n, struct sl_err *err)
{
    struct stream *t = arg;
    ssize_t k = sl_path_pread(sl_bytes_fd(t->bytes), data, SL_MIN(n, (size_t)CHUNK), t->raw,
                              sl_bytes_name(t->bytes), err);
    t->raw += SL_MAX(k, 0);
    return (int)k;
}

/* Reads on up to a byte: 1, 0 if the file ends before (or cannot be unpacked so far), < 0. */
static int read_to(struct stream *t, int64_t to, struct sl_err *err)
{
    int is_packed = sl_bytes_is_compressed(t->bytes);
    int64_t k = 1;
    char *data = sl_malloc(CHUNK);
    if (!data)
        return sl_err_nomem(err, "a file's identity");
    if (is_packed && !t->unpack)
        t->unpack = sl_decompressor_new(feed, t, sl_bytes_name(t->bytes), NULL);
    while (t->at < to && k > 0 && (t->unpack || !is_packed)) {
        size_t n = (size_t)SL_MIN((int64_t)CHUNK, to - t->at);
        k = is_packed ? sl_decompressor_read(t->unpack, data, n, NULL)
                      : sl_path_pread(sl_bytes_fd(t->bytes), data, n, t->at,
                                      sl_bytes_name(t->bytes), err);
        if (k > 0)
            t->crc = sl_crc32c(t->crc, data, (size_t)k);
        t->at += SL_MAX(k, 0);
    }
    free(data);
    return k < 0 && !is_packed ? (int)k : t->at >= to;
}

int sl_file_crc(struct sl_bytes *b, int64_t from, int64_t to, int64_t *crc, struct sl_err *err)
{
    assert(b && from >= 0 && from <= to && crc);
    struct stream t = {.bytes = b};
    int rc = sl_bytes_is_compressed(b) ? read_to(&t, from, err) : 1;
    t.at = from;
    t.crc = 0;
    if (rc > 0)
        rc = read_to(&t, to, err);
    *crc = t.crc;
    sl_decompressor_free(t.unpack);
    return rc;
}

int sl_taken_learn(struct sl_taken *f, struct sl_bytes *b, struct sl_err *err)
{
    assert(f && b);
    char data[HEAD];
    ssize_t n = sl_path_pread(sl_bytes_fd(b), data, HEAD, 0, sl_bytes_name(b), err);
    if (n < 0)
        return (int)n;
    f->head = sl_crc32c(0, data, (size_t)n);
    f->head_len = n;
    f->packed = sl_bytes_is_compressed(b);
    if (f->packed)
        f->mark.tail_len = 0;
    return 0;
}

/* Whether a file has both ends of what was read of f. */
static int has_ends(const struct sl_taken *f, struct sl_bytes *b, struct sl_err *err)
{
    const struct sl_file_mark *m = &f->mark;
    int64_t crc;
    int rc = sl_file_crc(b, 0, f->head_len, &crc, err);
    if (rc <= 0 || (crc ^ f->head) & SL_SEEN_HASH)
        return SL_MIN(rc, 0);
    rc = sl_file_crc(b, m->byte - m->tail_len, m->byte, &crc, err);
    return rc <= 0 ? rc : crc == m->tail;
}

/* What this run has read, or an earlier one of a large file, and has only grown since, is not read again each
 * time. That it is the same file its inode says, with the moment when that was made. */
static int has_grown(const struct sl_taken *f, struct sl_bytes *b, const struct sl_file_facts *now)
{
    return (f->is_visited || (f->facts.born && now->born)) && !f->packed && f->mark.tail_len &&
           !sl_bytes_is_compressed(b) && now->size > f->facts.size && sl_taken_is_inode(f, now);
}

static int by_byte(const void *a, const void *b)
{
    const struct sl_taken *x = *(struct sl_taken *const *)a, *y = *(struct sl_taken *const *)b;
    return x->mark.byte < y->mark.byte ? -1 : x->mark.byte > y->mark.byte;
}

int sl_taken_pick(struct sl_taken **of, int n, struct sl_bytes *b, const struct sl_file_facts *now,
                  struct sl_taken **best, struct sl_err *err)
{
    assert((of || n == 0) && b && now && best);
    struct stream t = {.bytes = b};
    int rc = 0;
    qsort(of, (size_t)n, sizeof(struct sl_taken *), by_byte);
    for (int i = n - 1; i >= 0 && rc == 0; i--) {
        rc = sl_taken_is_unchanged(of[i], now) ? 1
             : has_grown(of[i], b, now)        ? has_ends(of[i], b, err)
                                               : 0;
        if (rc > 0)
            *best = of[i];
    }
    int is_known = rc > 0;
    for (int i = 0; rc >= 0 && i < n && !is_known; i++) {
        rc = read_to(&t, of[i]->mark.byte, err);
        if (rc > 0)
            rc = t.crc == of[i]->mark.crc;
        if (rc > 0)
            *best = of[i];
    }
    sl_decompressor_free(t.unpack);
    return SL_MIN(rc, 0);
}

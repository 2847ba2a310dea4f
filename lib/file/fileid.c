/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* fileid: knows a file again by what it holds, see fileid.h. */
#include "base/compat.h"
#include "base/path.h"
#include "file/bytes.h"
#include "text/text.h"
#include <sys/stat.h>
#include "base/crc32c.h"
#include "base/json.h"
#include "base/num.h"
#include "file/fileid.h"

enum { HEAD = 1024, TAIL = 256, WHOLE = 1 << 18 };

/* CRC of n raw bytes at offset; *n is lowered to what is there. */
static int crc_at(struct sl_bytes *b, int64_t offset, int *n, uint32_t *crc, struct sl_err *err)
{
    char data[HEAD];
    assert(*n <= HEAD);
    ssize_t k = sl_path_pread(sl_bytes_fd(b), data, (size_t)*n, offset, sl_bytes_name(b), err);
    if (k < 0)
        return (int)k;
    *n = (int)k;
    *crc = sl_crc32c(0, data, (size_t)k);
    return 0;
}

static void print_id(const struct sl_fileid *i, struct sl_buf *out)
{
    sl_buf_printf(out, "file:%llu:%08x", (unsigned long long)i->ino, i->head);
}

static int has_inode(const struct sl_fileid *i, const char *id)
{
    return strncmp(id, "file:", 5) == 0 && strtoull(id + 5, NULL, 10) == i->ino;
}

struct sl_fileid *sl_fileid_new(struct sl_bytes *b, struct sl_err *err)
{
    struct stat st;
    struct sl_buf id = SL_BUF_INIT;
    struct sl_fileid *i = sl_calloc(1, sizeof(*i));

    if (!i) {
        sl_err_nomem(err, "a file's identity");
        return NULL;
    }
    i->refs = 1;
    i->line = 1;
    i->compressed = sl_bytes_is_compressed(b);
    i->head_len = HEAD;
    int rc = crc_at(b, 0, &i->head_len, &i->head, err);
    if (rc == 0 && fstat(sl_bytes_fd(b), &st) < 0)
        rc = sl_err_sys(err, "cannot stat %s", sl_bytes_name(b));
    if (rc == 0) {
        i->ino = st.st_ino;
        print_id(i, &id);
        i->id = sl_buf_take(&id);
        i->size = st.st_size;
        i->path = sl_strdup(sl_bytes_name(b));
        if (!i->id || !i->path)
            rc = sl_err_nomem(err, "a file's identity");
    }
    if (rc < 0) {
        sl_fileid_unref(i);
        return NULL;
    }
    return i;
}

struct sl_fileid *sl_fileid_ref(struct sl_fileid *i)
{
    if (i)
        i->refs++;
    return i;
}

void sl_fileid_unref(struct sl_fileid *i)
{
    if (!i || --i->refs)
        return;
    free(i->id);
    free(i->path);
    free(i->was);
    free(i);
}

struct search {
    struct sl_fileid *identity;
    struct sl_bytes *bytes;
    int found, same; /* same: of the same inode */
    struct sl_head *head;
    struct sl_err *err;
};

struct record {
    int64_t byte, line, rows, head, head_len, tail, tail_len;
    int64_t size, latest; /* 0: not there */
    int64_t crc;          /* -1: not there */
};

static int parse(const char *value, size_t len, struct record *r)
{
    const struct {
        const char *key;
        int64_t *to;
    } members[] = {{"byte", &r->byte},        {"line", &r->line},         {"rows", &r->rows},
                   {"head", &r->head},        {"head_len", &r->head_len}, {"tail", &r->tail},
                   {"tail_len", &r->tail_len}};
    for (size_t i = 0; i < SL_COUNT(members); i++)
        if (sl_json_find_int(value, len, members[i].key, members[i].to) != 1)
            return 0;
    r->size = r->latest = 0;
    if (sl_json_find_int(value, len, "size", &r->size) != 1 ||
        sl_json_find_int(value, len, "latest", &r->latest) != 1)
        r->latest = 0;
    if (sl_json_find_int(value, len, "crc", &r->crc) != 1)
        r->crc = -1;
    return r->head_len >= 1 && r->head_len <= HEAD && r->tail_len >= 0 && r->tail_len <= TAIL &&
           r->byte >= r->tail_len;
}

/* Whether all bytes before the position are those of the record. */
static int same_bytes(struct search *s, const struct record *r)
{
    char *data = sl_malloc(WHOLE);
    uint32_t crc = 0;
    ssize_t k = 1;
    int64_t at = 0;
    if (!data)
        return sl_err_nomem(s->err, "a file's identity");
    for (; at < r->byte && k > 0; at += k) {
        size_t n = (size_t)SL_MIN((int64_t)WHOLE, r->byte - at);
        k = sl_path_pread(sl_bytes_fd(s->bytes), data, n, at, sl_bytes_name(s->bytes), s->err);
        if (k > 0)
            crc = sl_crc32c(crc, data, (size_t)k);
    }
    free(data);
    return k < 0 ? (int)k : at == r->byte && crc == (uint32_t)r->crc;
}

struct packed { /* a reader of a compressed file, beside the one that reads its rows */
    struct sl_bytes *bytes;
    int64_t at;
};

static int feed(void *arg, void *data, size_t n, struct sl_err *err)
{
    struct packed *p = arg;
    ssize_t k = sl_path_pread(sl_bytes_fd(p->bytes), data, SL_MIN(n, (size_t)WHOLE), p->at,
                              sl_bytes_name(p->bytes), err);
    p->at += k > 0 ? k : 0;
    return (int)k;
}

/* Whether a compressed file holds, unpacked, what a file held that was not: it has been packed since.
 * One that cannot be unpacked does not. */
static int was_packed(struct search *s, const struct record *r)
{
    struct packed p = {.bytes = s->bytes};
    char *data = sl_malloc(WHOLE);
    struct sl_decompressor *d =
        data ? sl_decompressor_new(feed, &p, sl_bytes_name(s->bytes), NULL) : NULL;
    int64_t at = 0, k = 1, tail = r->byte - r->tail_len;
    uint32_t head_crc = 0, tail_crc = 0;
    while (d && at < r->byte && k > 0) {
        /* Never across a border: of the head, of the tail. */
        int64_t want = SL_MIN((int64_t)WHOLE, r->byte - at);
        if (at < r->head_len)
            want = SL_MIN(want, r->head_len - at);
        if (at < tail)
            want = SL_MIN(want, tail - at);
        k = sl_decompressor_read(d, data, (size_t)want, NULL);
        if (k > 0 && at < r->head_len)
            head_crc = sl_crc32c(head_crc, data, (size_t)k);
        if (k > 0 && at >= tail)
            tail_crc = sl_crc32c(tail_crc, data, (size_t)k);
        at += k > 0 ? k : 0;
        if (at == r->head_len && head_crc != (uint32_t)r->head)
            break;
    }
    sl_decompressor_free(d);
    free(data);
    return d && at == r->byte && head_crc == (uint32_t)r->head && tail_crc == (uint32_t)r->tail;
}

/* The first bytes of the file, once: most records are told apart by them. */
static int read_head(struct search *s)
{
    struct sl_head *h = s->head;
    struct packed p = {.bytes = s->bytes};
    ssize_t k = sl_path_pread(sl_bytes_fd(s->bytes), h->raw, sizeof(h->raw), 0,
                              sl_bytes_name(s->bytes), s->err);
    if (k < 0)
        return (int)k;
    h->n = (int)k;
    if (!sl_bytes_is_compressed(s->bytes))
        return 0;
    struct sl_decompressor *d = sl_decompressor_new(feed, &p, sl_bytes_name(s->bytes), NULL);
    for (k = 1; d && k > 0 && h->nplain<(int)sizeof(h->plain); h->nplain += k> 0 ? (int)k : 0)
        k = (ssize_t)sl_decompressor_read(d, h->plain + h->nplain,
                                          sizeof(h->plain) - (size_t)h->nplain, NULL);
    sl_decompressor_free(d);
    return 0;
}

/* Whether the file begins as the record says. Most records want the CRC of as many bytes. */
static int begins_as(struct sl_head *h, int packed, const struct record *r)
{
    if ((packed ? h->nplain : h->n) < r->head_len)
        return 0;
    if (h->len[packed] != r->head_len) {
        h->len[packed] = (int)r->head_len;
        h->crc[packed] = sl_crc32c(0, packed ? h->plain : h->raw, (size_t)r->head_len);
    }
    return h->crc[packed] == (uint32_t)r->head;
}

/* 1: the recorded position is of this file. */
static int matches(struct search *s, const struct record *r)
{
    uint32_t crc;
    int packed = sl_bytes_is_compressed(s->bytes) && r->tail_len > 0;
    int rc = s->head->n < 0 ? read_head(s) : 0;
    if (rc < 0)
        return rc;
    if (!begins_as(s->head, packed, r))
        return 0;
    if (packed)
        return r->head_len <= r->byte && was_packed(s, r);
    if (r->tail_len == 0)
        return 1;
    int n = (int)r->tail_len;
    rc = crc_at(s->bytes, r->byte - r->tail_len, &n, &crc, s->err);
    if (rc < 0)
        return rc;
    if (n != r->tail_len || crc != (uint32_t)r->tail)
        return 0;
    return r->crc < 0 ? 1 : same_bytes(s, r);
}

static int compare(struct search *s, const struct sl_position *p)
{
    struct sl_fileid *i = s->identity;
    struct record r;

    int same = has_inode(i, p->id);
    if (strncmp(p->id, "file:", 5) != 0 || same != s->same || !parse(p->value, p->len, &r))
        return 0; /* another kind of source, or for another pass */
    int rc = matches(s, &r);
    /* Of several that match (a file that was ingested again) the furthest counts. */
    if (rc <= 0 || (s->found && r.byte < i->byte))
        return rc < 0 ? rc : 0;
    char *copy = sl_strdup(p->id), *was = sl_strndup(p->value, p->len);
    if (!copy || !was) {
        free(copy);
        free(was);
        return sl_err_nomem(s->err, "a file's identity");
    }
    free(i->id);
    free(i->was);
    i->id = copy;
    i->was = was;
    i->byte = r.byte;
    i->line = r.line;
    i->rows = r.rows;
    i->latest = r.size == i->size ? r.latest : 0;
    s->found = 1;
    return 0;
}

int sl_fileid_is_copy(const struct sl_fileid *i)
{
    return !has_inode(i, i->id);
}

int sl_fileid_begin(struct sl_fileid *i, const struct sl_positions *taken, struct sl_err *err)
{
    struct sl_buf id = SL_BUF_INIT;
    print_id(i, &id);
    int rc = sl_buf_check(&id, err);
    free(i->id);
    free(i->was);
    i->id = sl_buf_take(&id);
    i->was = NULL;
    i->byte = i->rows = 0;
    i->line = 1;
    const struct sl_position *p = rc == 0 && taken ? sl_positions_find(taken, i->id) : NULL;
    if (p && !(i->was = sl_strndup(p->value, p->len)))
        rc = sl_err_nomem(err, "a file's identity");
    return rc;
}

static int compare_all(struct search *s, const struct sl_positions *taken)
{
    int rc = 0;
    for (const struct sl_position *p = NULL; rc == 0 && (p = sl_positions_next(taken, p));)
        rc = compare(s, p);
    return rc;
}

int sl_fileid_find(struct sl_fileid *i, struct sl_bytes *b, const struct sl_positions *taken,
                   struct sl_err *err)
{
    struct sl_head head = {.n = -1};
    struct search s = {.identity = i, .bytes = b, .head = &head, .err = err, .same = 1};
    int rc = compare_all(&s, taken);
    s.same = 0;
    if (rc == 0 && !s.found)
        rc = compare_all(&s, taken);
    if (rc == 0 && !s.found) /* its name may be that of one with the same inode, which is gone */
        rc = sl_fileid_begin(i, taken, err);
    return rc < 0 ? rc : s.found;
}

void sl_fileid_restart(struct sl_fileid *i)
{
    i->byte = i->rows = i->latest = 0;
    i->line = 1;
}

int sl_fileid_is(const struct sl_fileid *of, const struct sl_file_mark *m, struct sl_bytes *b,
                 struct sl_head *head, struct sl_err *err)
{
    struct search s = {.bytes = b, .head = head, .err = err};
    struct record r = {.byte = m->byte,
                       .head = of->head,
                       .head_len = of->head_len,
                       .tail = m->tail,
                       .tail_len = m->tail_len,
                       .crc = m->has_crc ? (int64_t)m->crc : -1};
    return r.byte > 0 && r.head_len > 0 ? matches(&s, &r) : 0;
}

int sl_fileid_begins(const struct sl_fileid *of, struct sl_bytes *b, struct sl_head *head,
                     struct sl_err *err)
{
    struct search s = {.bytes = b, .head = head, .err = err};
    struct record r = {.head = of->head, .head_len = of->head_len};
    int rc = head->n < 0 ? read_head(&s) : 0;
    return rc < 0 ? rc : begins_as(head, 0, &r);
}

void sl_fileid_continue(struct sl_fileid *i, const struct sl_fileid *of,
                        const struct sl_file_mark *m)
{
    i->byte = m->byte;
    i->line = m->line;
    i->rows = of->rows;
}

int sl_fileid_mark(struct sl_fileid *i, struct sl_bytes *b, int64_t byte, int64_t line,
                   struct sl_file_mark *out, struct sl_err *err)
{
    int rc = 0;
    out->byte = byte;
    out->line = line;
    out->latest = 0;
    out->tail = out->crc = 0;
    out->has_crc = 0;
    out->tail_len = i->compressed ? 0 : (int)SL_MIN(byte, (int64_t)TAIL);
    if (out->tail_len)
        rc = crc_at(b, byte - out->tail_len, &out->tail_len, &out->tail, err);
    if (rc == 0 && i->head_len < HEAD && !i->compressed) {
        i->head_len = (int)SL_MIN(byte, (int64_t)HEAD);
        rc = i->head_len ? crc_at(b, 0, &i->head_len, &i->head, err) : 0;
    }
    return rc;
}

int sl_fileid_mark_again(struct sl_fileid *i, struct sl_bytes *b, int64_t byte, int64_t line,
                         struct sl_file_mark *out, struct sl_err *err)
{
    if (byte < i->head_len && !i->compressed)
        i->head_len = 0; /* it reaches beyond the mark: learnt again below */
    return sl_fileid_mark(i, b, byte, line, out, err);
}

int sl_fileid_is_short(const struct sl_fileid *i, const struct sl_file_mark *m)
{
    return !i->compressed && m->tail_len < SL_MIN(m->byte, (int64_t)TAIL);
}

void sl_fileid_mark_text(const struct sl_fileid *i, const char *text, size_t n, int64_t byte,
                         int64_t line, struct sl_file_mark *out)
{
    *out = (struct sl_file_mark){.byte = byte, .line = line};
    if (i->compressed)
        return;
    out->tail_len = (int)SL_MIN(n, (size_t)TAIL);
    out->tail = sl_crc32c(0, text + n - out->tail_len, (size_t)out->tail_len);
}

int sl_fileid_position(const struct sl_fileid *i, struct sl_positions *out, struct sl_err *err)
{
    const struct sl_file_mark *m = &i->delivered;
    struct sl_buf text = SL_BUF_INIT;
    sl_buf_addstr(&text, "{\"path\":");
    sl_buf_add_json(&text, i->path, strlen(i->path));
    sl_buf_printf(&text,
                  ",\"byte\":%lld,\"line\":%lld,\"rows\":%lld,\"head\":%u,\"head_len\":%d,"
                  "\"tail\":%u,\"tail_len\":%d",
                  (long long)m->byte, (long long)m->line, (long long)i->rows, i->head, i->head_len,
                  m->tail, m->tail_len);
    if (m->latest)
        sl_buf_printf(&text, ",\"size\":%lld,\"latest\":%lld", (long long)i->size,
                      (long long)m->latest);
    if (m->has_crc)
        sl_buf_printf(&text, ",\"crc\":%u", m->crc);
    sl_buf_addch(&text, '}');
    int rc = sl_buf_check(&text, err);
    if (rc == 0)
        rc = sl_positions_set(out, i->id, text.data, text.len, err);
    sl_buf_release(&text);
    return rc;
}

int sl_again_refuse(int64_t rows, const char *name, struct sl_err *err)
{
    char count[SL_NUM_MAX];
    int n = (int)sl_num_print_grouped(count, rows);
    sl_err_set(err, SL_EEXIST, "%.*s %s of %s %s committed", n, count,
               sl_plural(rows, "row", "rows"), name, sl_plural(rows, "is", "are"));
    return sl_err_hint(err, "--resume goes on after them, --again appends all");
}

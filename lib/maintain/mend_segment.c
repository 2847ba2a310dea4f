/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * mend_segment: what of a damaged segment is good, and its copy.
 *
 * After damage the next batch is found by its identity, which names its log, offset and commit with a
 * checksum of its own. The good batches go, byte for byte but for their commit number, to new
 * segments, one for each run without a gap.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/mem.h"
#include "maintain/mend.h"

static int add_extent(struct sl_extents *x, const struct sl_walk_group *g)
{
    assert(!x->n || g->pos > x->list[x->n - 1].pos);
    if (SL_GROW(x->list, x->n + 1, x->cap, "a repair", NULL) < 0)
        return 0;
    x->list[x->n++] = (struct sl_extent){.pos = g->pos,
                                         .len = g->len,
                                         .base = g->id.base,
                                         .rows = g->id.rows,
                                         .commit = g->id.commit,
                                         .min_time = g->id.min_time,
                                         .max_time = g->id.max_time};
    return 1;
}

/* The schema message: from the file if it is good, else made again from what the commits say. */
int sl_mend_head(struct sl_log *l, const struct sl_seg *seg, struct sl_buf *head,
                 struct sl_err *err)
{
    assert(seg && head);
    struct sl_form_plan *form = NULL;
    struct sl_schema *schema = sl_state_schema(&l->state, seg->schema);
    int fd = sl_view_open_seg(l, sl_seg_key(seg), O_RDONLY, NULL, err);
    if (fd < 0)
        return fd;
    if (seg->head_len <= SL_IPC_META_MAX && sl_buf_room(head, (size_t)seg->head_len) &&
        pread(fd, head->data, (size_t)seg->head_len, 0) == seg->head_len)
        head->len = (size_t)seg->head_len;
    close(fd);
    if (head->len && sl_crc32c(0, head->data, head->len) == seg->head_crc)
        return 0;
    sl_buf_reset(head);
    if (schema && sl_form_parse(schema, seg->schema, seg->form, &form, NULL) == 0 &&
        form->head_crc == seg->head_crc)
        sl_buf_add(head, form->head.data, form->head.len);
    sl_form_unref(form);
    return sl_buf_check(head, err);
}

int sl_mend_read(struct sl_log *l, const struct sl_seg *seg, struct sl_buf *b, struct sl_err *err)
{
    assert(seg && b);
    struct sl_buf name = SL_BUF_INIT;
    char file[SL_SEG_NAME];
    sl_seg_name(sl_seg_key(seg), ".arrows", file);
    sl_path_join(&name, l->path, file);
    int rc = sl_buf_check(&name, err);
    if (rc == 0)
        rc = sl_path_read_file(name.data, SIZE_MAX / 4, b, err);
    sl_buf_release(&name);
    return rc;
}

/* The header of the message that holds a byte: a multiple of 8 at or after `low`, or -1. */
static int64_t header_of(const uint8_t *data, int64_t where, int64_t low)
{
    for (int64_t c = where & ~(int64_t)7; c >= low && where - c < (int64_t)SL_IPC_META_MAX;
         c -= 8) {
        uint32_t head[2];
        memcpy(head, data + c, sizeof(head));
        if (head[0] == 0xffffffff && head[1] && c + 8 + (int64_t)head[1] > where)
            return c;
    }
    return -1;
}

int sl_mend_resync(const struct sl_walk *w, const struct sl_buf *b, int64_t from, int64_t *group,
                   int64_t *offset)
{
    assert(from >= 0 && group && offset);
    const uint8_t *data = (const uint8_t *)b->data;
    /* A header lies after the identity before it: no byte is looked at twice. */
    int64_t low = (from + 7) & ~(int64_t)7;
    for (size_t at = (size_t)from; at < b->len;) {
        struct sl_identity id;
        const char *v = sl_identity_find(data + at, b->len - at, w->log_id);
        if (!v)
            return 0;
        int64_t where = v - b->data;
        at = (size_t)where + 1;
        if (sl_identity_parse(v, b->len - (size_t)where, &id, NULL) < 0)
            continue;
        int64_t head = header_of(data, where, low);
        low = (where + 7) & ~(int64_t)7;
        if (head < 0 || head - id.before < from || id.base < w->offset)
            continue;
        *group = head - id.before;
        *offset = id.base;
        return 1;
    }
    return 0;
}

/* Takes good groups until one is not; 1 at the end of what counts, 0 damage at w->pos. */
static int take_groups(struct sl_mend *m, struct sl_walk *w, const struct sl_seg *seg,
                       struct sl_extents *x, struct sl_err *err)
{
    struct sl_walk_group g;
    struct sl_err why = SL_ERR_INIT;
    int rc, is_stranger = !seg->bytes;
    while (w->pos < w->limit) {
        int64_t at = w->pos;
        rc = sl_walk_next(w, &g, &why);
        if (rc == -SL_ECORRUPT)
            return !is_stranger && at >= seg->bytes; /* nothing was promised there */
        if (rc <= 0)
            return rc < 0 ? sl_err_copy(err, &why) : 1;
        if (g.pos >= seg->bytes && !sl_mend_is_missing(m, g.id.commit))
            return 1; /* never committed */
        rc = sl_walk_group_verify(w->stream, g.buf, g.at, (size_t)g.len, w->log_id, &why);
        if (rc == -SL_ECORRUPT)
            continue; /* a hole of known length */
        if (rc < 0)
            return sl_err_copy(err, &why);
        if (!add_extent(x, &g))
            return sl_err_nomem(err, "a repair");
    }
    return 1;
}

void sl_extents_release(struct sl_extents *x)
{
    free(x->list);
    sl_buf_release(&x->head);
    memset(x, 0, sizeof(*x));
}

int sl_mend_collect(struct sl_mend *m, const struct sl_seg *seg, struct sl_extents *x,
                    struct sl_err *err)
{
    assert(sl_mend_is_sound(m));
    assert(seg && x);
    struct sl_buf all = SL_BUF_INIT;
    struct sl_walk w;
    struct sl_seg wide = *seg;
    int64_t pos, offset;
    int rc = sl_mend_read(m->l, seg, &all, err);

    if (rc == 0) {
        wide.bytes = m->nmissing ? (int64_t)all.len : SL_MIN((int64_t)all.len, seg->bytes);
        wide.closed = 0;
        wide.end = INT64_MAX / 2;
        rc = wide.bytes < (int64_t)x->head.len ? 1 : 0;
    }
    if (rc == 0)
        rc = sl_walk_open_head(&w, m->l, &wide, &x->head, err);
    if (rc == 0) {
        while ((rc = take_groups(m, &w, seg, x, err)) == 0) {
            if (!sl_mend_resync(&w, &all, w.pos + 8, &pos, &offset) ||
                (seg->bytes && pos >= seg->bytes))
                break;
            int64_t commit = w.commit;
            sl_walk_seek(&w, pos, offset);
            w.commit = commit;
        }
        sl_walk_release(&w);
    }
    sl_buf_release(&all);
    return rc < 0 ? rc : 0;
}

/* 1 if the segment is as its commit says, and nothing of a lost commit follows. */
static int is_perfect(struct sl_mend *m, const struct sl_seg *seg, struct sl_err *err)
{
    struct sl_walk w;
    struct sl_walk_group g;
    struct sl_err why = SL_ERR_INIT;
    struct stat st;
    int rc = sl_walk_open(&w, m->l, seg, NULL, &why);
    if (rc == 0) {
        while ((rc = sl_walk_next(&w, &g, &why)) == 1) {
            rc = sl_walk_group_verify(w.stream, g.buf, g.at, (size_t)g.len, w.log_id, &why);
            if (rc < 0)
                break;
        }
        if (rc == 0 && m->nmissing && !seg->closed && fstat(w.fd, &st) == 0 &&
            st.st_size > seg->bytes)
            rc = -SL_ECORRUPT; /* a lost commit may have made it grow */
        sl_walk_release(&w);
    }
    if (rc == -SL_ECORRUPT || rc == -SL_ENOENT)
        return 0;
    return rc < 0 ? sl_err_copy(err, &why) : 1;
}

int sl_mend_examine(struct sl_mend *m, const struct sl_seg *seg, int last, struct sl_extents *x,
                    struct sl_err *err)
{
    assert(sl_mend_is_sound(m));
    assert(seg && x);
    memset(x, 0, sizeof(*x));
    int rc = !last && !seg->closed ? 0 : is_perfect(m, seg, err);
    if (rc < 0)
        return rc;
    x->perfect = rc;
    if (rc)
        return 0;
    rc = sl_mend_head(m->l, seg, &x->head, err);
    if (rc == -SL_ENOENT)
        return 0; /* the file is gone: nothing of it is good */
    return rc < 0 || !x->head.len ? rc : sl_mend_collect(m, seg, x, err);
}

/* One run of batches without a gap, as a new closed segment. */
static int copy_run(struct sl_mend *m, const struct sl_seg *old, const struct sl_extents *x,
                    size_t from, size_t to, int64_t n, const struct sl_buf *all, struct sl_err *err)
{
    assert(from < to && to <= x->n);
    struct sl_seg *seg = sl_mend_add_seg(m, err);
    struct sl_buf out = SL_BUF_INIT;
    struct sl_log *l = m->l;
    /* A copy: the old segment's goes with it when the line is applied. */
    char *form = sl_arena_strndup(&m->line.arena, old->form, strlen(old->form));
    if (!seg || !form)
        return sl_err_nomem(err, "a repair");
    *seg = (struct sl_seg){.partition = old->partition,
                           .schema = old->schema,
                           .base = x->list[from].base,
                           .by = n,
                           .form = form,
                           .head_len = (int64_t)x->head.len,
                           .head_crc = old->head_crc,
                           .closed = 1,
                           .has_sum = 1,
                           .min_time = SL_TIME_MAX,
                           .max_time = SL_TIME_MIN};
    sl_buf_add(&out, x->head.data, x->head.len);
    for (size_t i = from; i < to; i++) {
        const struct sl_extent *e = &x->list[i];
        assert(i == from || e->base == seg->end); /* without a gap */
        size_t at = out.len;
        sl_buf_add(&out, all->data + e->pos, (size_t)e->len);
        if (out.failed)
            break;
        const char *v = sl_identity_find((uint8_t *)out.data + at, (size_t)e->len, l->state.log_id);
        sl_identity_patch(out.data + (v - out.data), l->state.log_id, old->partition, e->base, n);
        seg->sum = sl_identity_chain(seg->sum, v);
        seg->end = e->base + e->rows;
        seg->min_time = SL_MIN(seg->min_time, e->min_time);
        seg->max_time = SL_MAX(seg->max_time, e->max_time);
    }
    sl_buf_add(&out, sl_end_marker, SL_END_MARKER);
    seg->bytes = (int64_t)out.len;
    int rc = sl_buf_check(&out, err), fd = -1;
    if (rc == 0)
        rc = fd = sl_view_open_seg(l, sl_seg_key(seg), O_RDWR | O_CREAT | O_TRUNC, NULL, err);
    if (rc >= 0)
        rc = sl_path_pwrite(fd, out.data, out.len, 0, "a new segment", err);
    if (rc == 0)
        rc = sl_path_sync(fd, "a new segment", err);
    if (fd >= 0)
        close(fd);
    sl_buf_release(&out);
    return rc;
}

int sl_mend_copy(struct sl_mend *m, const struct sl_seg *seg, const struct sl_extents *x, int64_t n,
                 struct sl_err *err)
{
    assert(sl_mend_is_sound(m));
    assert(seg && x && n > 0);
    struct sl_buf all = SL_BUF_INIT;
    int rc = x->n ? sl_mend_read(m->l, seg, &all, err) : 0;
    for (size_t from = 0, to; from < x->n && rc == 0; from = to) {
        for (to = from + 1; to < x->n; to++) {
            if (x->list[to].base != x->list[to - 1].base + x->list[to - 1].rows)
                break;
        }
        rc = copy_run(m, seg, x, from, to, n, &all, err);
    }
    sl_buf_release(&all);
    return rc;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * mend_adopt: segments that only lines named which are gone.
 *
 * A file that no line names is garbage, unless the line that named it is the one that is gone. What a
 * file is, it says itself: each batch bears log, partition, offset and number of its commit with a
 * checksum of their own. So a file is taken up if its commit's line is missing, and of its batches those
 * whose commits' lines are, at offsets that no segment of the log claims. A writer that was killed may
 * have left such a file too: of two that claim the same offsets the later commit's is taken, since its
 * writer had found the partition to end there, and none that a segment of an earlier commit follows.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/hex.h"
#include "maintain/mend.h"

static int compare(const void *a, const void *b)
{
    const struct sl_seg *x = &((const struct sl_stranger *)a)->seg;
    const struct sl_seg *y = &((const struct sl_stranger *)b)->seg;
    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return x->by > y->by ? -1 : x->by < y->by;
}

static int copies_last(const void *a, const void *b)
{
    const struct sl_stranger *x = a, *y = b;
    return x->is_copy != y->is_copy ? x->is_copy - y->is_copy : compare(a, b);
}

/* Files of missing commits that the state does not name. */
static int list_files(struct sl_mend *m, int partition, struct sl_stranger **list, size_t *n,
                      struct sl_err *err)
{
    struct sl_log *l = m->l;
    const char *file;
    char name[16];
    DIR *d;
    snprintf(name, sizeof(name), "%04d", partition);
    int rc = sl_path_list(l->dirfd, name, l->path, &d, err);
    if (rc < 0)
        return rc == -SL_ENOENT ? 0 : rc;
    while ((rc = sl_path_next(d, l->path, &file, err)) > 0) {
        struct sl_seg_key key;
        if (!sl_seg_parse_name(file, partition, &key) || sl_state_seg(&l->state, key) ||
            !sl_mend_is_missing(m, key.by) || sl_segset_find(&m->dropped, key))
            continue;
        rc = SL_GROW_ONE(*list, *n, "a repair", err);
        if (rc < 0)
            break;
        (*list)[(*n)++] = (struct sl_stranger){
            .seg = {.partition = partition, .base = key.base, .by = key.by, .end = key.base}};
    }
    closedir(d);
    return rc;
}

/* The form that the stream has, under the schema; NULL if it makes another schema message. */
static char *form_of(struct sl_mend *m, const struct sl_stranger *s, struct sl_stream *stream,
                     struct sl_schema *schema, int id)
{
    struct sl_form_plan *form = NULL;
    struct sl_ipc_decoder *d = sl_stream_take(stream, NULL);
    int n = schema->nfields;
    char *text = sl_arena_alloc(&m->line.arena, (size_t)n + 3);
    if (!d || !text || sl_stream_schema(stream)->nfields != n) {
        text = NULL;
    } else {
        memcpy(text, "z:", 2);
        for (int i = 0; i < n; i++)
            text[2 + i] = (char)('0' + sl_ipc_decoder_code(d, i));
        text[2 + n] = '\0';
        if (sl_form_parse(schema, id, text, &form, NULL) < 0 || form->head.len != s->x.head.len ||
            form->head_crc != s->seg.head_crc)
            text = NULL;
    }
    sl_form_unref(form);
    if (d)
        sl_stream_give(stream, d);
    return text;
}

/* Finds the schema that the schema message is of. 1, or 0 if it cannot be had. */
static int describe(struct sl_mend *m, struct sl_stranger *s, struct sl_err *err)
{
    const struct sl_state *st = &m->l->state;
    struct sl_stream *stream = NULL;
    int rc = sl_view_read_head(m->l, sl_seg_key(&s->seg), &s->x.head, err);
    if (rc <= 0)
        return rc;
    s->seg.head_len = (int64_t)s->x.head.len;
    s->seg.head_crc = sl_crc32c(0, s->x.head.data, s->x.head.len);
    if (sl_stream_new(s->x.head.data, s->x.head.len, NULL, &stream, NULL) < 0)
        return 0;
    for (int i = 0; i < st->nschemas && !s->seg.form; i++) {
        s->seg.schema = st->schemas[i].id;
        s->seg.form = form_of(m, s, stream, st->schemas[i].schema, s->seg.schema);
    }
    sl_stream_unref(stream);
    return s->seg.form != NULL;
}

static int by_commit(const void *a, const void *b)
{
    const struct sl_seg *x = &((const struct sl_stranger *)a)->seg;
    const struct sl_seg *y = &((const struct sl_stranger *)b)->seg;
    return x->by != y->by ? (x->by < y->by ? -1 : 1) : x->partition - y->partition;
}

/* A schema that lost lines alone brought: the file has it. */
static int take_schema(struct sl_mend *m, struct sl_stranger *s, struct sl_err *err)
{
    struct sl_stream *stream = NULL;
    int rc = describe(m, s, err);
    if (rc == 0 && s->x.head.len &&
        sl_stream_new(s->x.head.data, s->x.head.len, NULL, &stream, NULL) == 0) {
        struct sl_schema *own = sl_stream_schema(stream);
        char id[33];
        const char *text = sl_schema_meta(own, SL_META_LOG);
        sl_hex(m->l->state.log_id, 16, id);
        if (text && strcmp(text, id) == 0 && form_of(m, s, stream, own, 1))
            rc = sl_mend_place_schema(m, own, err);
        sl_stream_unref(stream);
    }
    sl_extents_release(&s->x);
    return SL_MIN(rc, 0);
}

int sl_mend_schemas(struct sl_mend *m, struct sl_err *err)
{
    assert(sl_mend_is_sound(m));
    struct sl_stranger *list = NULL;
    size_t n = 0;
    int rc = 0;
    for (int i = 0; i < m->l->state.npartitions && m->nmissing && rc == 0; i++)
        rc = list_files(m, i, &list, &n, err);
    if (n)
        qsort(list, n, sizeof(*list), by_commit);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = take_schema(m, &list[i], err);
    free(list);
    return rc;
}

/* Whether a segment of that name is among those found, which are sorted, or in the state. */
static int is_there(const struct sl_mend *m, const struct sl_stranger *list, size_t n,
                    struct sl_seg_key key)
{
    struct sl_stranger s = {.seg = {.base = key.base, .by = key.by}};
    return sl_state_seg(&m->l->state, key) || bsearch(&s, list, n, sizeof(*list), compare);
}

/*
 * A rewriting of a segment of tiny batches may have been killed anywhere, and where it was, what it
 * rewrote is the whole of these rows. It bears the number of the commit that closed the old segment: the
 * segment after the old one does as well.
 */
static void find_copies(const struct sl_mend *m, struct sl_stranger *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct sl_extents *x = &list[i].x;
        assert(x->n > 0); /* files without a good batch were put aside */
        int64_t end = x->list[x->n - 1].base + x->list[x->n - 1].rows;
        size_t k = i;
        while (k > 0 && list[k - 1].seg.base == list[i].seg.base)
            k--;
        for (; k < n && list[k].seg.base < end; k++) {
            struct sl_seg_key next = {list[k].seg.partition, end, list[k].seg.by};
            if (list[k].seg.by > list[i].seg.by && is_there(m, list, n, next))
                list[k].is_copy = 1;
        }
    }
}

static int add_aside(struct sl_mend *m, const char *name, struct sl_err *err)
{
    struct sl_arena *a = &m->line.arena;
    char **list = sl_arena_grow(a, m->aside, m->nadopted, sizeof(*list));
    char *copy = list ? sl_arena_strndup(a, name, strlen(name)) : NULL;
    if (!copy)
        return sl_err_nomem(err, "a repair");
    m->aside = list;
    m->aside[m->nadopted++] = copy;
    return 0;
}

/* Nothing of a file can be read: no row of it is found, and nothing of it is thrown away. */
static int put_aside(struct sl_mend *m, const struct sl_stranger *s, struct sl_err *err)
{
    char name[SL_SEG_NAME];
    struct stat st;
    sl_seg_name(sl_seg_key(&s->seg), ".arrows", name);
    if (fstatat(m->l->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size == 0)
        return 0;
    sl_mend_say(m, "%s: no batch of a lost commit in it is good; its file goes to lost/", name);
    m->changes++;
    return m->yes ? add_aside(m, name, err) : 0;
}

int sl_mend_strangers(struct sl_mend *m, int partition, struct sl_stranger **list, size_t *n,
                      struct sl_err *err)
{
    assert(sl_mend_is_sound(m));
    assert(partition >= 0 && list && n);
    int rc = m->nmissing ? list_files(m, partition, list, n, err) : 0;
    size_t kept = 0;
    if (*n)
        qsort(*list, *n, sizeof(**list), compare);
    for (size_t i = 0; i < *n; i++) {
        struct sl_stranger *s = &(*list)[i];
        if (rc == 0)
            rc = describe(m, s, err);
        if (rc == 1)
            rc = sl_mend_collect(m, &s->seg, &s->x, err);
        if (rc == 0 && s->x.n) {
            (*list)[kept++] = *s;
            continue;
        }
        sl_extents_release(&s->x);
        if (rc == 0)
            rc = put_aside(m, s, err);
    }
    *n = kept;
    find_copies(m, *list, kept);
    if (kept)
        qsort(*list, kept, sizeof(**list), copies_last);
    return rc;
}

/* Whether a segment of an earlier commit lies behind these offsets. */
static int is_contradicted(const struct sl_mend *m, const struct sl_stranger *s)
{
    const struct sl_part *p = &m->l->state.parts[s->seg.partition];
    int i = sl_state_seg_at(&m->l->state, s->seg.partition, s->seg.base);
    while (i < p->nsegs && p->segs[i].base <= s->seg.base)
        i++;
    return i < p->nsegs && p->segs[i].by < s->seg.by;
}

/* Batches at offsets that nothing else claims. Commits ascend with offsets: behind a batch that was
 * taken up there is none of an earlier commit, but what a killed writer left. */
static void keep_free(struct sl_mend *m, struct sl_extents *x, int is_copy)
{
    size_t kept = 0;
    for (size_t i = 0; i < x->n; i++) {
        const struct sl_extent *e = &x->list[i];
        size_t at = sl_span_after(m->taken, m->ntaken, e->base);
        int is_free = at == m->ntaken || m->taken[at].from >= e->base + e->rows;
        if (is_free && (is_copy || e->commit >= m->latest))
            x->list[kept++] = *e;
    }
    x->n = kept;
    if (kept && !is_copy)
        m->latest = SL_MAX(m->latest, x->list[kept - 1].commit);
}

/* Its rows are claimed now, in the order of offsets. */
static int claim(struct sl_mend *m, const struct sl_extents *x, struct sl_err *err)
{
    struct sl_range *all = NULL;
    size_t n = 0, i = 0, k = 0;
    int rc = 0;
    while (rc == 0 && (i < m->ntaken || k < x->n)) {
        if (k == x->n || (i < m->ntaken && m->taken[i].from < x->list[k].base)) {
            rc = sl_span_add(&all, &n, m->taken[i].from, m->taken[i].to, err);
            i++;
        } else {
            rc = sl_span_add(&all, &n, x->list[k].base, x->list[k].base + x->list[k].rows, err);
            k++;
        }
    }
    free(m->taken);
    m->taken = all;
    m->ntaken = n;
    return rc;
}

int sl_mend_adopt(struct sl_mend *m, struct sl_stranger *s, int64_t n, struct sl_err *err)
{
    assert(sl_mend_is_sound(m));
    assert(s && n > 0);
    char name[SL_SEG_NAME];
    sl_seg_name(sl_seg_key(&s->seg), ".arrows", name);
    if (is_contradicted(m, s))
        s->x.n = 0;
    keep_free(m, &s->x, s->is_copy);
    m->unplaced |= s->x.n > 0;
    for (size_t i = 0, to; i < s->x.n; i = to) {
        const struct sl_extent *e = s->x.list;
        for (to = i + 1; to < s->x.n && e[to].base == e[to - 1].base + e[to - 1].rows;)
            to++;
        sl_mend_say(m, "%s: rows %" PRId64 " to %" PRId64 " of lost commits are found", name,
                    e[i].base, e[to - 1].base + e[to - 1].rows - 1);
    }
    sl_mend_say(m, "%s: %s; its file goes to lost/", name,
                s->x.n ? "they go to new segments"
                       : "its rows are in the log already, or never were");
    m->changes++;
    int rc = claim(m, &s->x, err);
    if (rc == 0 && m->yes)
        rc = add_aside(m, name, err);
    return rc == 0 && m->yes && s->x.n ? sl_mend_copy(m, &s->seg, &s->x, n, err) : rc;
}

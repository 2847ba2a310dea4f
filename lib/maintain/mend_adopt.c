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
#include "maintain/mend.h"

static int compare(const void *a, const void *b)
{
    const struct sl_seg *x = &((const struct sl_stranger *)a)->seg;
    const struct sl_seg *y = &((const struct sl_stranger *)b)->seg;
    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return x->by > y->by ? -1 : x->by < y->by;
}

/* Files of missing commits that the state does not name. */
static int list_files(struct sl_mend *m, int partition, struct sl_stranger **list, size_t *n,
                      struct sl_err *err)
{
    struct sl_log *l = m->l;
    size_t cap = 0;
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
            !sl_mend_is_missing(m, key.by))
            continue;
        if (*n == cap) {
            cap = cap ? 2 * cap : 8;
            struct sl_stranger *more = sl_realloc(*list, cap * sizeof(*more));
            if (!more) {
                rc = sl_err_nomem(err, "a repair");
                break;
            }
            *list = more;
        }
        (*list)[(*n)++] = (struct sl_stranger){
            .seg = {.partition = partition, .base = key.base, .by = key.by, .end = key.base}};
    }
    closedir(d);
    return rc;
}

/* The schema message at the start of the file. 1 and x->head, 0 if there is none. */
static int read_head(struct sl_log *l, struct sl_stranger *s, struct sl_err *err)
{
    struct sl_ipc_message msg;
    struct stat st;
    int fd = sl_view_open_seg(l, sl_seg_key(&s->seg), O_RDONLY, NULL, err), yes = 0;
    if (fd < 0)
        return fd;
    int rc = fstat(fd, &st) < 0 ? sl_err_sys(err, "cannot examine a segment") : 0;
    size_t want = rc == 0 ? (size_t)SL_MIN(st.st_size, (int64_t)SL_IPC_META_MAX) : 0;
    if (want && !sl_buf_room(&s->x.head, want))
        rc = sl_err_nomem(err, "a repair");
    ssize_t got = rc == 0 && want ? sl_path_pread(fd, s->x.head.data, want, 0, l->path, err) : rc;
    close(fd);
    if (got > 0) {
        int64_t total = sl_ipc_peek((uint8_t *)s->x.head.data, (size_t)got, &msg, NULL);
        yes = total > 0 && total <= got && msg.kind == SL_IPC_SCHEMA;
        s->x.head.len = yes ? (size_t)total : 0;
    }
    return got < 0 ? (int)got : yes;
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

/* A schema that the lost line alone brought: the file has it. */
static int add_schema(struct sl_mend *m, struct sl_schema *schema, int *id, struct sl_err *err)
{
    struct sl_line *l = &m->line;
    int newest = l->nschemas ? l->schemas[l->nschemas - 1].id : sl_state_newest(&m->l->state);
    size_t n = (size_t)l->nschemas;
    struct sl_line_schema *list = sl_arena_alloc(&l->arena, (n + 1) * sizeof(*list));
    if (!list)
        return sl_err_nomem(err, "a repair");
    if (n)
        memcpy(list, l->schemas, n * sizeof(*list));
    *id = newest + 1;
    list[n] = (struct sl_line_schema){.id = *id, .schema = sl_schema_ref(schema)};
    l->schemas = list;
    l->nschemas++;
    return 0;
}

/* Finds the schema, known or new, that the schema message is of. 1, or 0 if it cannot be had. */
static int describe(struct sl_mend *m, struct sl_stranger *s, struct sl_err *err)
{
    const struct sl_state *st = &m->l->state;
    struct sl_stream *stream = NULL;
    int rc = read_head(m->l, s, err);
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
    for (int i = 0; i < m->line.nschemas && !s->seg.form; i++) {
        s->seg.schema = m->line.schemas[i].id;
        s->seg.form = form_of(m, s, stream, m->line.schemas[i].schema, s->seg.schema);
    }
    struct sl_schema *own = sl_stream_schema(stream);
    rc = s->seg.form != NULL;
    if (!rc && (s->seg.form = form_of(m, s, stream, own, 1)) != NULL) {
        rc = add_schema(m, own, &s->seg.schema, err);
        rc = rc < 0 ? rc : 1;
    }
    sl_stream_unref(stream);
    return rc;
}

int sl_mend_strangers(struct sl_mend *m, int partition, struct sl_stranger **list, size_t *n,
                      struct sl_err *err)
{
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
        if (rc == 0 && s->x.n)
            (*list)[kept++] = *s;
        else
            sl_extents_release(&s->x);
    }
    *n = kept;
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

/* Batches at offsets that nothing else claims. */
static void keep_free(const struct sl_mend *m, struct sl_extents *x)
{
    size_t kept = 0;
    for (size_t i = 0; i < x->n; i++) {
        const struct sl_extent *e = &x->list[i];
        size_t at = sl_span_after(m->taken, m->ntaken, e->base);
        if (at == m->ntaken || m->taken[at].from >= e->base + e->rows)
            x->list[kept++] = *e;
    }
    x->n = kept;
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

static int add_aside(struct sl_mend *m, const char *name, struct sl_err *err)
{
    if (m->nadopted == m->aside_cap) {
        size_t cap = m->aside_cap ? 2 * m->aside_cap : 8;
        char **list = sl_arena_alloc(&m->line.arena, cap * sizeof(*list));
        if (!list)
            return sl_err_nomem(err, "a repair");
        if (m->nadopted)
            memcpy(list, m->aside, m->nadopted * sizeof(*list));
        m->aside = list;
        m->aside_cap = cap;
    }
    char *copy = sl_arena_strndup(&m->line.arena, name, strlen(name));
    if (!copy)
        return sl_err_nomem(err, "a repair");
    m->aside[m->nadopted++] = copy;
    return 0;
}

int sl_mend_adopt(struct sl_mend *m, struct sl_stranger *s, int64_t n, struct sl_err *err)
{
    char name[SL_SEG_NAME];
    sl_seg_name(sl_seg_key(&s->seg), ".arrows", name);
    if (is_contradicted(m, s))
        s->x.n = 0;
    keep_free(m, &s->x);
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

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * mend_origin: a state to begin with where no snapshot is left, and what lines no longer tell.
 *
 * What the lost snapshot said is found in the segments: the log's id and the schemas in the schema
 * messages, the number of partitions in the directories. Commit lines behind it are taken as they are.
 * The segments that only it named are taken up by mend_adopt.c.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/hex.h"
#include "maintain/mend.h"

/* ---- schema messages ---- */

/* The schema of a segment's file, a reference. 1, 0 if it cannot be had. */
static int schema_of(struct sl_log *l, struct sl_seg_key key, struct sl_buf *head,
                     struct sl_schema **out, struct sl_err *err)
{
    struct sl_stream *stream = NULL;
    int rc = sl_view_read_head(l, key, head, err);
    if (rc == -SL_ENOENT)
        return 0;
    if (rc > 0)
        rc = sl_stream_new(head->data, head->len, NULL, &stream, NULL) == 0;
    if (rc > 0)
        *out = sl_schema_ref(sl_stream_schema(stream));
    sl_stream_unref(stream);
    return rc;
}

/* ---- the log's id and its partitions ---- */

struct vote { /* how many segments bear this id */
    uint8_t id[16];
    int64_t n;
};

struct votes {
    struct vote *list;
    size_t n;
};

static int add_vote(struct votes *v, const uint8_t *id, struct sl_err *err)
{
    for (size_t i = 0; i < v->n; i++) {
        if (memcmp(v->list[i].id, id, 16) == 0) {
            v->list[i].n++;
            return 0;
        }
    }
    int rc = SL_GROW_ONE(v->list, v->n, "a repair", err);
    if (rc < 0)
        return rc;
    memcpy(v->list[v->n].id, id, 16);
    v->list[v->n++].n = 1;
    return 0;
}

static int ask_segment(struct sl_log *l, struct sl_seg_key key, struct votes *v, struct sl_err *err)
{
    struct sl_buf head = SL_BUF_INIT;
    struct sl_schema *schema = NULL;
    uint8_t id[16];
    int rc = schema_of(l, key, &head, &schema, err);
    const char *text = rc > 0 ? sl_schema_meta(schema, SL_META_LOG) : NULL;
    if (rc > 0)
        rc = text && strlen(text) == 32 && sl_hex_parse_bytes(text, 16, id) ? add_vote(v, id, err)
                                                                            : 0;
    sl_schema_unref(schema);
    sl_buf_release(&head);
    return rc;
}

static int ask_partition(struct sl_log *l, const char *dir, int partition, struct votes *v,
                         struct sl_err *err)
{
    const char *file;
    DIR *d;
    int rc = sl_path_list(l->dirfd, dir, l->path, &d, err);
    if (rc < 0)
        return rc == -SL_ENOENT ? 0 : rc;
    while ((rc = sl_path_next(d, l->path, &file, err)) > 0) {
        struct sl_seg_key key;
        if (sl_seg_parse_name(file, partition, &key) && (rc = ask_segment(l, key, v, err)) < 0)
            break;
    }
    closedir(d);
    return rc;
}

/* The id that most segments bear. Partitions are directories: their number, or < 0. */
static int ask_all(struct sl_log *l, struct votes *v, struct sl_err *err)
{
    const char *name;
    char dir[16];
    int64_t n, partitions = 0;
    DIR *d;
    int rc = sl_path_list(l->dirfd, ".", l->path, &d, err);
    if (rc < 0)
        return rc;
    while ((rc = sl_path_next(d, l->path, &name, err)) > 0) {
        size_t len = strlen(name);
        if (len < 4 || len > 5 || strspn(name, "0123456789") != len ||
            !sl_num_parse_int(name, len, &n) || n >= SL_LOG_PARTITIONS ||
            (len == 5 && *name == '0'))
            continue;
        partitions = SL_MAX(partitions, n + 1);
    }
    closedir(d);
    for (int i = 0; i < partitions && rc == 0; i++) {
        snprintf(dir, sizeof(dir), "%04d", i);
        rc = ask_partition(l, dir, i, v, err);
    }
    return rc < 0 ? rc : (int)partitions;
}

int sl_mend_origin(struct sl_mend *m, int64_t file, struct sl_err *err)
{
    struct votes v = {0};
    struct sl_state *s = &m->l->state;
    size_t most = 0;
    int partitions = ask_all(m->l, &v, err), rc = SL_MIN(partitions, 0);
    for (size_t i = 1; i < v.n; i++)
        most = v.list[i].n > v.list[most].n ? i : most;
    if (rc == 0 && v.n) {
        s->parts = sl_calloc((size_t)partitions, sizeof(*s->parts));
        s->histories = sl_calloc(1, sizeof(*s->histories));
        int64_t *ends = sl_calloc((size_t)partitions, sizeof(*ends));
        if (!s->parts || !s->histories || !ends) {
            free(ends);
            rc = sl_err_nomem(err, "a repair");
        } else {
            s->npartitions = partitions;
            s->histories[0].ends = ends;
            s->nhistories = 1;
            memcpy(s->log_id, v.list[most].id, 16);
            s->n = m->origin = file;
            /* The first line of all says no more than the segments do. */
            m->unplaced |= file > 1;
            rc = 1;
        }
    }
    free(v.list);
    return rc;
}

/* ---- schemas ---- */

/* Puts it before list[at], with this id. */
static int insert_schema(struct sl_state *s, int at, int id, struct sl_schema *schema,
                         struct sl_err *err)
{
    int rc = SL_GROW_ONE(s->schemas, s->nschemas, "a repair", err);
    if (rc < 0)
        return rc;
    struct sl_line_schema *list = s->schemas;
    memmove(&list[at + 1], &list[at], (size_t)(s->nschemas - at) * sizeof(*list));
    list[at] = (struct sl_line_schema){.id = id, .schema = sl_schema_ref(schema)};
    s->nschemas++;
    return 1;
}

int sl_mend_learn(struct sl_mend *m, const struct sl_line *line, struct sl_err *err)
{
    assert(sl_mend_is_sound(m) && line);
    struct sl_state *s = &m->l->state;
    int rc = 0;
    for (int i = 0; i < line->nsegs && rc >= 0; i++) {
        const struct sl_seg *seg = &line->segs[i];
        struct sl_buf head = SL_BUF_INIT;
        struct sl_schema *schema = NULL;
        int at = 0, is_known = seg->dropped || sl_state_schema(s, seg->schema);
        for (int k = 0; k < line->nschemas; k++)
            is_known |= line->schemas[k].id == seg->schema;
        if (is_known)
            continue;
        while (at < s->nschemas && s->schemas[at].id < seg->schema)
            at++;
        rc = schema_of(m->l, sl_seg_key(seg), &head, &schema, err);
        if (rc > 0 && (int64_t)head.len == seg->head_len &&
            sl_crc32c(0, head.data, head.len) == seg->head_crc)
            rc = insert_schema(s, at, seg->schema, schema, err);
        sl_schema_unref(schema);
        sl_buf_release(&head);
    }
    return SL_MIN(rc, 0);
}

/* Whether a log with the older schema may have the newer one later: see sl_log_merge_schema(). */
static int leads_to(struct sl_schema *older, struct sl_schema *newer)
{
    struct sl_schema *out = NULL;
    int rc = sl_log_merge_schema(older, newer, SL_MERGE_VALUES, &out, NULL);
    int yes = rc >= 0 && sl_schema_equal(rc ? out : older, newer);
    if (rc > 0)
        sl_schema_unref(out);
    return yes;
}

int sl_mend_place_schema(struct sl_mend *m, struct sl_schema *schema, struct sl_err *err)
{
    assert(sl_mend_is_sound(m) && sl_schema_is_sound(schema));
    struct sl_state *s = &m->l->state;
    int at = 0;
    while (at < s->nschemas && leads_to(s->schemas[at].schema, schema))
        at++;
    if (at < s->nschemas && !leads_to(schema, s->schemas[at].schema))
        return 0;
    int id = at ? s->schemas[at - 1].id + 1 : 1;
    if (at == s->nschemas || s->schemas[at].id > id)
        return insert_schema(s, at, id, schema, err);
    for (int i = at; i < s->nschemas; i++)
        s->schemas[i].id++;
    for (int i = 0; i < s->npartitions; i++) {
        for (int k = 0; k < s->parts[i].nsegs; k++)
            s->parts[i].segs[k].schema += s->parts[i].segs[k].schema >= id;
    }
    return insert_schema(s, at, id, schema, err);
}

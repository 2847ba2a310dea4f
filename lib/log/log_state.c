/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* log_state: see log_state.h. */
#include "base/compat.h"
#include <inttypes.h>
#include "base/mem.h"
#include "base/num.h"
#include "base/hex.h"
#include "log/log_state.h"

void sl_state_release(struct sl_state *s)
{
    for (int i = 0; i < s->npartitions && s->parts; i++) {
        for (int k = 0; k < s->parts[i].nsegs; k++)
            free(s->parts[i].segs[k].form);
        free(s->parts[i].segs);
    }
    free(s->parts);
    for (int i = 0; i < s->nhistories; i++)
        free(s->histories[i].ends);
    free(s->histories);
    for (int i = 0; i < s->nschemas; i++)
        sl_schema_unref(s->schemas[i].schema);
    free(s->schemas);
    sl_positions_release(&s->positions);
    sl_positions_release(&s->settings);
    sl_positions_release(&s->pipelines[0]);
    sl_positions_release(&s->pipelines[1]);
    free(s->changed);
    *s = (struct sl_state){0};
}

void sl_seg_name(struct sl_seg_key key, const char *suffix, char *out)
{
    assert(key.partition >= 0 && key.base >= 0 && key.by >= 0 && suffix && out);
    int n = snprintf(out, SL_SEG_NAME, "%04d/%020" PRId64 "-%" PRId64 "%s", key.partition, key.base,
                     key.by, suffix);
    assert(n > 0 && n < SL_SEG_NAME);
    (void)n;
}

int sl_seg_parse_name(const char *name, int partition, struct sl_seg_key *key)
{
    size_t n = strlen(name);
    if (n < 20 + 1 + 1 + 7 || strcmp(name + n - 7, ".arrows") != 0 || name[20] != '-' ||
        !sl_digits_parse(name, 20, &key->base) || name[21] == '0')
        return 0;
    key->partition = partition;
    return sl_num_parse_int(name + 21, n - 28, &key->by) && key->by > 0;
}

/* ---- look-ups ---- */

/* First segment with base >= the given one. */
static int lower(const struct sl_part *p, int64_t base)
{
    int low = 0, high = p->nsegs;
    while (low < high) {
        int mid = low + (high - low) / 2;
        if (p->segs[mid].base < base)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct sl_seg *sl_state_seg(const struct sl_state *s, struct sl_seg_key key)
{
    assert(sl_state_is_sound(s));
    if (key.partition < 0 || key.partition >= s->npartitions)
        return NULL;
    const struct sl_part *p = &s->parts[key.partition];
    for (int i = lower(p, key.base); i < p->nsegs && p->segs[i].base == key.base; i++) {
        if (p->segs[i].by == key.by)
            return &p->segs[i];
    }
    return NULL;
}

int sl_state_seg_at(const struct sl_state *s, int partition, int64_t offset)
{
    assert(sl_state_is_sound(s) && offset >= 0);
    assert(partition >= 0 && partition < s->npartitions);
    const struct sl_part *p = &s->parts[partition];
    int i = lower(p, offset);
    /* The segment before may hold the offset. */
    while (i > 0 && p->segs[i - 1].end > offset)
        i--;
    while (i < p->nsegs && p->segs[i].end <= offset)
        i++;
    return i;
}

struct sl_seg *sl_state_open_seg(const struct sl_state *s, int partition)
{
    assert(sl_state_is_sound(s));
    assert(partition >= 0 && partition < s->npartitions);
    const struct sl_part *p = &s->parts[partition];
    if (!p->nsegs || p->segs[p->nsegs - 1].closed)
        return NULL;
    return &p->segs[p->nsegs - 1];
}

struct sl_schema *sl_state_schema(const struct sl_state *s, int id)
{
    assert(sl_state_is_sound(s));
    for (int i = s->nschemas - 1; i >= 0; i--) {
        if (s->schemas[i].id == id)
            return s->schemas[i].schema;
    }
    return NULL;
}

/* ---- apply ---- */

static int refuse(struct sl_err *err, const struct sl_line *l, const char *what)
{
    return sl_err_set(err, SL_ECORRUPT, "commit %" PRId64 " cannot follow: %s", l->n, what);
}

static int note_changed(struct sl_state *s, const struct sl_seg *seg, struct sl_err *err)
{
    struct sl_seg_key key = sl_seg_key(seg);
    if (!s->track)
        return 0;
    for (int i = s->nchanged - 1; i >= 0 && i > s->nchanged - 16; i--) {
        const struct sl_seg_key *k = &s->changed[i];
        if (k->partition == key.partition && k->base == key.base && k->by == key.by)
            return 0;
    }
    int rc = SL_GROW(s->changed, s->nchanged + 1, s->changed_cap, "the log's state", err);
    if (rc == 0)
        s->changed[s->nchanged++] = key;
    return rc;
}

/* Whether the segment takes the place, or a part of it, of what the line drops. */
static int replaces(const struct sl_line *l, const struct sl_seg *seg)
{
    int64_t at = seg->base;
    if (!seg->closed || seg->by >= l->n)
        return 0;
    for (int i = 0; i < l->nsegs && at < seg->end; i++) { /* they are in the order of their bases */
        const struct sl_seg *old = &l->segs[i];
        if (old->dropped && old->partition == seg->partition && old->base <= at && old->end > at)
            at = old->end;
    }
    return at >= seg->end;
}

static int add_seg(struct sl_state *s, const struct sl_line *l, const struct sl_seg *seg,
                   struct sl_err *err)
{
    struct sl_part *p = &s->parts[seg->partition];
    int at = lower(p, seg->base);
    struct sl_schema *schema = sl_state_schema(s, seg->schema);

    if (seg->dropped)
        return refuse(err, l, "it drops a segment that is not there");
    if (!schema)
        return refuse(err, l, "a segment has an unknown schema");
    if (strlen(seg->form) != (size_t)schema->nfields + 2)
        return refuse(err, l, "a segment's form does not fit its schema");
    if (!l->snapshot && seg->by != l->n && !s->lenient && !replaces(l, seg))
        return refuse(err, l, "a segment is new but bears another commit's number");
    if (l->snapshot && seg->by > l->n)
        return refuse(err, l, "a segment bears a later commit's number");
    if (l->snapshot && at != p->nsegs)
        return refuse(err, l, "its segments are out of order");
    if ((at > 0 && p->segs[at - 1].end > seg->base) ||
        (at < p->nsegs && p->segs[at].base < seg->end))
        return refuse(err, l, "segments overlap");
    if (at > 0 && at == p->nsegs && !p->segs[at - 1].closed && !s->lenient)
        return refuse(err, l, "a segment begins before the one before it is closed");
    if (at < p->nsegs && !seg->closed)
        return refuse(err, l, "a segment that is not the last is open");
    int rc = SL_GROW(p->segs, p->nsegs + 1, p->cap, "the log's state", err);
    if (rc < 0)
        return rc;
    struct sl_seg *list = p->segs;
    char *form = sl_strdup(seg->form);
    if (!form)
        return sl_err_nomem(err, "the log's state");
    memmove(&list[at + 1], &list[at], (size_t)(p->nsegs - at) * sizeof(*list));
    list[at] = *seg;
    list[at].form = form;
    list[at].touched = l->n;
    if (!seg->at)
        list[at].at = l->at;
    p->nsegs++;
    p->end = SL_MAX(p->end, seg->end);
    return note_changed(s, seg, err);
}

static int change_seg(struct sl_state *s, const struct sl_line *l, const struct sl_seg *seg,
                      struct sl_err *err)
{
    if (seg->partition >= s->npartitions)
        return refuse(err, l, "no such partition");
    struct sl_part *p = &s->parts[seg->partition];
    struct sl_seg *old = sl_state_seg(s, sl_seg_key(seg));

    if (!old)
        return add_seg(s, l, seg, err);
    if (seg->bytes < old->bytes || seg->end < old->end || seg->schema != old->schema ||
        strcmp(seg->form, old->form) != 0 || seg->head_len != old->head_len ||
        seg->head_crc != old->head_crc)
        return refuse(err, l, "a segment shrinks or changes its kind");
    if (old->closed && (seg->bytes != old->bytes || seg->end != old->end || !seg->closed))
        return refuse(err, l, "a closed segment changes");
    int at = (int)(old - p->segs);
    if (seg->dropped) {
        free(old->form);
        memmove(old, old + 1, (size_t)(p->nsegs - at - 1) * sizeof(*old));
        p->nsegs--;
        return 0;
    }
    if (at + 1 < p->nsegs && seg->end > p->segs[at + 1].base)
        return refuse(err, l, "segments overlap");
    struct sl_seg before = *old;
    *old = *seg;
    old->form = before.form;
    old->touched = l->n;
    if (!seg->at)
        old->at = seg->end > before.end ? l->at : before.at;
    p->end = SL_MAX(p->end, seg->end);
    return note_changed(s, seg, err);
}

static int set_pair(struct sl_positions *p, const struct sl_line_pair *new, struct sl_err *err)
{
    if (new->len == 4 && memcmp(new->value, "null", 4) == 0) {
        sl_positions_remove(p, new->key);
        return 0;
    }
    return sl_positions_set(p, new->key, new->value, new->len, err);
}

static int add_schema(struct sl_state *s, const struct sl_line *l, const struct sl_line_schema *new,
                      struct sl_err *err)
{
    if (new->id <= sl_state_newest(s))
        return refuse(err, l, "schema ids do not ascend");
    int rc = SL_GROW_ONE(s->schemas, s->nschemas, "the log's state", err);
    if (rc < 0)
        return rc;
    s->schemas[s->nschemas++] =
        (struct sl_line_schema){.id = new->id, .schema = sl_schema_ref(new->schema)};
    return 0;
}

static int64_t *copy_ends(const int64_t *ends, int n)
{
    int64_t *p = sl_malloc((size_t)n * sizeof(*p));
    if (p)
        memcpy(p, ends, (size_t)n * sizeof(*p));
    return p;
}

/* The part of a snapshot that other lines do not have, into an empty state. */
static int take_snapshot(struct sl_state *s, const struct sl_line *l, struct sl_err *err)
{
    memcpy(s->log_id, l->log_id, 16);
    s->parts = sl_calloc((size_t)l->partitions, sizeof(*s->parts));
    s->histories = sl_calloc((size_t)l->nhistories, sizeof(*s->histories));
    if (!s->parts || !s->histories)
        return sl_err_nomem(err, "the log's state");
    s->npartitions = l->partitions;
    for (int i = 0; i < l->nhistories; i++) {
        s->histories[i] = l->histories[i];
        s->histories[i].ends = copy_ends(l->histories[i].ends, l->partitions);
        s->nhistories = i + 1;
        if (!s->histories[i].ends)
            return sl_err_nomem(err, "the log's state");
        if (i && l->histories[i].from < l->histories[i - 1].from)
            return refuse(err, l, "histories are out of order");
    }
    if (l->histories[l->nhistories - 1].id != l->history)
        return refuse(err, l, "its history is not the last one");
    if (l->last >= l->n)
        return refuse(err, l, "it is not later than its predecessor");
    return 0;
}

static int apply_all(struct sl_state *s, const struct sl_line *l, struct sl_err *err)
{
    int rc = l->snapshot ? take_snapshot(s, l, err) : 0;

    for (int i = 0; i < l->nschemas && rc == 0; i++)
        rc = add_schema(s, l, &l->schemas[i], err);
    /* Drops first, so that what takes their place does not overlap them. */
    for (int drops = 1; drops >= 0; drops--) {
        for (int i = 0; i < l->nsegs && rc == 0; i++) {
            if (!l->segs[i].dropped == !drops)
                rc = change_seg(s, l, &l->segs[i], err);
        }
    }
    for (int i = 0; i < l->npositions && rc == 0; i++)
        rc = set_pair(&s->positions, &l->positions[i], err);
    for (int i = 0; i < l->nsettings && rc == 0; i++)
        rc = set_pair(&s->settings, &l->settings[i], err);
    for (int i = 0; i < l->npipelines && rc == 0; i++)
        rc = set_pair(&s->pipelines[l->pipelines[i].open != 0], &l->pipelines[i], err);
    for (int i = 0; l->snapshot && i < l->partitions && rc == 0; i++) {
        if (l->ends[i] < s->parts[i].end)
            rc = refuse(err, l, "a segment ends after its partition");
        s->parts[i].end = l->ends[i];
    }
    if (rc == 0 && !s->nschemas)
        rc = refuse(err, l, "the log has no schema");
    return rc;
}

static void settle(struct sl_state *s, const struct sl_line *l)
{
    s->n = l->n;
    s->crc = l->crc;
    s->history = l->history;
    s->durable = SL_MAX(s->durable, l->durable);
}

/* A snapshot is taken into a fresh state, which then takes the old one's place. */
static int apply_snapshot(struct sl_state *s, const struct sl_line *l, struct sl_err *err)
{
    struct sl_state fresh = {0};
    int rc = apply_all(&fresh, l, err);
    if (rc == 0 && s->n && memcmp(s->log_id, l->log_id, 16) != 0)
        rc = refuse(err, l, "it is another log's");
    /* What is known of a segment's last change outlives the snapshot. */
    for (int i = 0; i < fresh.npartitions && rc == 0; i++) {
        for (int k = 0; k < fresh.parts[i].nsegs; k++) {
            struct sl_seg *seg = &fresh.parts[i].segs[k], *old;
            old = sl_state_seg(s, sl_seg_key(seg));
            seg->touched = old ? old->touched : 0;
        }
    }
    if (rc < 0) {
        sl_state_release(&fresh);
        return rc;
    }
    settle(&fresh, l);
    fresh.durable = SL_MAX(s->durable, fresh.durable);
    fresh.track = s->track;
    fresh.lenient = s->lenient;
    fresh.changed = s->changed;
    fresh.nchanged = s->nchanged;
    fresh.changed_cap = s->changed_cap;
    s->changed = NULL;
    sl_state_release(s);
    *s = fresh;
    return 0;
}

int sl_state_apply(struct sl_state *s, const struct sl_line *l, struct sl_err *err)
{
    assert(sl_state_is_sound(s) && l);
    if (l->snapshot)
        return apply_snapshot(s, l, err);
    if (!s->n)
        return refuse(err, l, "the file does not begin with a snapshot");
    if (l->n != s->n + 1)
        return refuse(err, l, "its number is not the next");
    if (l->prev != s->crc)
        return refuse(err, l, "it does not name the line before it");
    if (l->history != s->history)
        return refuse(err, l, "it is of another history");
    int rc = apply_all(s, l, err);
    if (rc < 0)
        s->broken = 1;
    else
        settle(s, l);
    return rc;
}

/* ---- snapshot ---- */

int sl_line_add_pairs(struct sl_line *l, const struct sl_positions *p, int open,
                      struct sl_line_pair **list, int *n)
{
    assert(l && p && list && n);
    struct sl_line_pair *all = sl_arena_alloc(&l->arena, (size_t)(*n + p->n) * sizeof(*all) + 1);
    if (!all)
        return 0;
    if (*n)
        memcpy(all, *list, (size_t)*n * sizeof(*all));
    for (const struct sl_position *x = NULL; (x = sl_positions_next(p, x));)
        all[(*n)++] =
            (struct sl_line_pair){.key = x->id, .value = x->value, .len = x->len, .open = open};
    *list = all;
    return 1;
}

/* The positions, settings and records of pipelines, as a snapshot says them. */
static int pairs_of(const struct sl_state *s, struct sl_line *l)
{
    return sl_line_add_pairs(l, &s->positions, 0, &l->positions, &l->npositions) &&
           sl_line_add_pairs(l, &s->settings, 0, &l->settings, &l->nsettings) &&
           sl_line_add_pairs(l, &s->pipelines[0], 0, &l->pipelines, &l->npipelines) &&
           sl_line_add_pairs(l, &s->pipelines[1], 1, &l->pipelines, &l->npipelines);
}

/* Schemas that a kept segment has, and the newest. */
static int schemas_of(const struct sl_state *s, struct sl_line *l)
{
    l->schemas = sl_arena_alloc(&l->arena, (size_t)s->nschemas * sizeof(*l->schemas) + 1);
    for (int i = 0; l->schemas && i < s->nschemas; i++) {
        int used = i + 1 == s->nschemas;
        for (int k = 0; k < l->nsegs && !used; k++)
            used = l->segs[k].schema == s->schemas[i].id;
        if (used) {
            l->schemas[l->nschemas] = s->schemas[i];
            sl_schema_ref(l->schemas[l->nschemas++].schema);
        }
    }
    return l->schemas != NULL;
}

int sl_state_snapshot(const struct sl_state *s, struct sl_line *l, struct sl_err *err)
{
    assert(sl_state_is_sound(s) && l);
    int total = 0;

    for (int i = 0; i < s->npartitions; i++)
        total += s->parts[i].nsegs;
    l->snapshot = 1;
    l->n = s->n + 1;
    l->last = s->n;
    l->prev = s->crc;
    l->history = s->history;
    memcpy(l->log_id, s->log_id, 16);
    l->partitions = s->npartitions;
    l->ends = sl_arena_alloc(&l->arena, (size_t)s->npartitions * sizeof(*l->ends));
    l->segs = sl_arena_alloc(&l->arena, (size_t)total * sizeof(*l->segs) + 1);
    l->histories = sl_arena_alloc(&l->arena, (size_t)(s->nhistories + 1) * sizeof(*l->histories));
    if (!l->ends || !l->segs || !l->histories || !pairs_of(s, l))
        return sl_err_nomem(err, "a snapshot");
    for (int i = 0; i < s->npartitions; i++) {
        const struct sl_part *p = &s->parts[i];
        l->ends[i] = p->end;
        if (p->nsegs)
            memcpy(l->segs + l->nsegs, p->segs, (size_t)p->nsegs * sizeof(*p->segs));
        l->nsegs += p->nsegs;
    }
    if (s->nhistories)
        memcpy(l->histories, s->histories, (size_t)s->nhistories * sizeof(*l->histories));
    l->nhistories = s->nhistories;
    return schemas_of(s, l) ? 0 : sl_err_nomem(err, "a snapshot");
}

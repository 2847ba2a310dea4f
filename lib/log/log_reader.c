/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_reader: committed rows of chosen partitions, bounded or followed, without a lock.
 *
 * Invariants: (1) rows of a partition come in the order of their offsets, each once. (2) nothing
 * beyond the state's committed lengths is read. (3) a bounded reader's ends are pinned when it opens.
 * (4) a follower sets its watch before it reads, and looks once more after it emptied the watch:
 * whatever is committed after that look wakes it. (5) what a batch beyond the durable mark lacks is
 * noticed here, not by who decodes it: after a failed sync it is no damage (see doubt below).
 */
#include "base/compat.h"
#include <inttypes.h>
#include "base/mem.h"
#include "log/log_reader.h"
#include "arrow/hidden.h"

struct cursor {
    int64_t next, to; /* offset wanted next; end */
    int64_t given;    /* end of the rows handed out; of a bounded reader, of those it has pinned */
    struct sl_walk walk;
    int walking;
    int blocked; /* the next segment's schema does not fit the follower */
};

struct sl_log_reader {
    struct sl_log *log;
    struct sl_read_target *target;
    struct cursor *cursors; /* one per partition from `first` on */
    int first, npartitions;
    int turn, at; /* cursor whose turn it is next; that is being read */
    int follow;
    uint64_t history; /* that the cursors' offsets belong to */
    int64_t from_time, to_time;
    struct sl_watch *watch;
    struct sl_account *account;
};

static int start_watch(struct sl_log_reader *r, struct sl_err *err)
{
    r->watch = sl_watch_new(err);
    if (!r->watch)
        return err ? -(int)err->code : -SL_ENOMEM;
    int rc = sl_watch_add(r->watch, r->log->c.dir, err);
    return rc < 0 ? rc : sl_log_refresh(r->log, err);
}

int sl_log_reader_open(struct sl_log *l, const struct sl_log_read_options *o,
                       struct sl_log_reader **out, struct sl_err *err)
{
    assert(l && o && out && o->only >= 0);
    struct sl_log_reader *r = sl_calloc(1, sizeof(*r));
    int rc = 0;
    if (!r)
        return sl_err_nomem(err, "a log reader");
    r->log = l;
    r->follow = o->follow;
    r->from_time = o->from_time;
    r->to_time = o->to_time;
    if (!r->from_time && !r->to_time) { /* left zero: no bounds */
        r->from_time = SL_TIME_MIN;
        r->to_time = SL_TIME_MAX;
    }
    r->account = o->account;
    if (r->follow)
        rc = start_watch(r, err);
    if (rc >= 0) {
        r->first = o->only ? o->only - 1 : 0;
        r->npartitions = o->only ? 1 : l->state.npartitions;
        r->cursors = sl_calloc((size_t)r->npartitions, sizeof(*r->cursors));
        r->target =
            sl_read_target_new(l, o->schema ? o->schema : sl_log_schema(l), o->account, err);
        if (!r->cursors || !r->target)
            rc = sl_err_nomem(err, "a log reader");
    }
    for (int i = 0; rc >= 0 && i < r->npartitions; i++) {
        struct cursor *c = &r->cursors[i];
        int p = r->first + i;
        c->next = o->ranges ? o->ranges[p].from : sl_log_start(l, p);
        c->to = o->ranges ? o->ranges[p].to : INT64_MAX;
        if (!o->follow)
            c->to = SL_MIN(c->to, sl_log_end(l, p));
        c->given = !o->follow && c->to > c->next ? c->to : -1;
    }
    r->history = l->state.history;
    if (rc < 0)
        sl_log_reader_free(r);
    else
        *out = r;
    return rc < 0 ? rc : 0;
}

int sl_log_reader_want(struct sl_log_reader *r, const uint8_t *columns, struct sl_err *err)
{
    struct sl_read_target *t = r->target;
    size_t bytes = (size_t)t->schema->nfields / 8 + 1;
    assert(atomic_load(&t->refs) == 1 && !t->wanted);
    t->wanted = sl_calloc(bytes, 1);
    if (!t->wanted)
        return sl_err_nomem(err, "a log reader");
    for (int i = 0; i < t->schema->nfields; i++)
        if (sl_bit(columns, (size_t)i))
            sl_bit_set(t->wanted, (size_t)i);
    return 0;
}

static void stop_walking(struct cursor *c)
{
    if (c->walking)
        sl_walk_release(&c->walk);
    c->walking = 0;
}

void sl_log_reader_free(struct sl_log_reader *r)
{
    if (!r)
        return;
    for (int i = 0; r->cursors && i < r->npartitions; i++)
        stop_walking(&r->cursors[i]);
    free(r->cursors);
    sl_read_target_unref(r->target);
    sl_watch_free(r->watch);
    free(r);
}

int sl_log_reader_fd(const struct sl_log_reader *r)
{
    return r->watch ? sl_watch_fd(r->watch) : -1;
}

void sl_log_reader_aim(struct sl_log_reader *r, int partition, struct sl_log_range range)
{
    assert(r && partition >= r->first && partition < r->first + r->npartitions);
    assert(range.from >= 0 && range.from <= range.to);
    struct cursor *c = &r->cursors[partition - r->first];
    stop_walking(c);
    *c = (struct cursor){.next = range.from, .to = range.to, .given = -1};
    if (!r->follow && range.to > range.from)
        c->given = range.to;
}

static int expired(struct sl_log_reader *r, int partition, int64_t offset, struct sl_err *err)
{
    sl_log_expired(r->log, partition, offset, err);
    return sl_err_place(err, "%s", r->log->path);
}

static void leave_segments(struct sl_log_reader *r)
{
    for (int i = 0; i < r->npartitions; i++)
        stop_walking(&r->cursors[i]);
}

/*
 * The log went back after a failed sync: to another history, or, until the next writer comes, to the
 * last commit that is good. What was handed out, or pinned, must be before that. Segments may be other
 * ones by now.
 */
static int settle(struct sl_log_reader *r, struct sl_err *err)
{
    const struct sl_log *l = r->log;
    for (int i = 0; i < r->npartitions; i++) {
        const struct cursor *c = &r->cursors[i];
        int64_t end = sl_log_history_end(l, r->history, r->first + i);
        /* A follower's rows may turn out to be on the device yet. */
        if (c->given <= end || (r->follow && l->state.history == r->history))
            continue;
        sl_err_set(err, SL_EEXPIRED,
                   "the log went back to offset %" PRId64
                   " of partition %d, by a rollback or after a failed sync: rows up to %" PRId64
                   "%s are lost",
                   SL_MAX(end, 0), r->first + i, c->given,
                   r->follow ? ", which had been read," : "");
        sl_err_hint(err, "read it again: it is whole up to there");
        return sl_err_place(err, "%s", l->path);
    }
    leave_segments(r);
    r->history = l->state.history;
    return 0;
}

/* Whether rows of a segment with this schema can become the target's without losing anything. */
static int fits(const struct sl_read_target *t, const struct sl_schema *s)
{
    int rest = sl_rest_column(t->schema) >= 0;
    for (int i = 0; i < s->nfields; i++) {
        const struct sl_field *f = &s->fields[i];
        struct sl_type wide;
        int at = sl_schema_find(t->schema, f->name, strlen(f->name));
        if (at < 0 && !rest && !t->wanted)
            return 0;
        if (at < 0 || sl_type_equal(f->type, t->schema->fields[at].type))
            continue;
        struct sl_type to = t->schema->fields[at].type;
        if (to.kind == SL_DOUBLE && (f->type.kind == SL_BIGINT || f->type.kind == SL_NUMERIC))
            continue; /* what was written holds every number exactly, and the cast sees to that */
        if (!sl_type_widen(f->type, to, &wide) || !sl_type_equal(wide, to))
            return 0;
    }
    return 1;
}

/* Goes on with a segment at the cursor's next offset. 1 or < 0. */
static int enter_segment(struct sl_log_reader *r, struct cursor *c, const struct sl_seg *seg,
                         struct sl_err *err)
{
    int rc = sl_walk_open(&c->walk, r->log, seg, r->account, err);
    if (rc < 0)
        return rc;
    c->walking = 1;
    c->walk.last_commit = r->log->state.n;
    c->next = SL_MAX(c->next, seg->base); /* between segments lies what a repair set aside */
    rc = sl_walk_find(&c->walk, r->log, c->next, err);
    return rc < 0 ? rc : 1;
}

/* Opens the segment that holds the cursor's next offset. 1, or 0 if there is none (yet). */
static int find_segment(struct sl_log_reader *r, int partition, struct sl_err *err)
{
    struct cursor *c = &r->cursors[partition - r->first];
    for (int tries = 0;; tries++) {
        const struct sl_state *s = &r->log->state;
        const struct sl_part *p = &s->parts[partition];
        if (c->next < sl_log_start(r->log, partition))
            return expired(r, partition, c->next, err);
        int i = sl_state_seg_at(s, partition, c->next);
        if (i == p->nsegs || p->segs[i].base >= c->to)
            return 0;
        const struct sl_seg *seg = &p->segs[i];
        const struct sl_schema *schema = sl_state_schema(s, seg->schema);
        if (!schema || !fits(r->target, schema)) {
            c->blocked = 1;
            return 0;
        }
        int rc = enter_segment(r, c, seg, err);
        if (rc != -SL_ENOENT)
            return rc;
        /* It may have been dropped since: what the commits say now decides. */
        struct sl_seg_key key = sl_seg_key(seg);
        rc = sl_log_refresh(r->log, err);
        if (rc > 0 && r->log->state.history != r->history)
            rc = settle(r, err) < 0 ? -SL_EEXPIRED : rc;
        if (rc < 0)
            return rc;
        if (rc == 0 || tries > 8) {
            sl_err_set(err, SL_ECORRUPT, "a segment is missing");
            sl_err_hint(err, "`sluice log verify` shows all damage, `sluice log repair` mends it");
            return sl_view_place(r->log, key, err);
        }
    }
}

/* The walk is at its end: has the segment grown? 1 goes on, 0 ends here for now. */
static int grow_or_leave(struct sl_log_reader *r, struct cursor *c, int partition)
{
    const struct sl_state *s = &r->log->state;
    const struct sl_seg *seg = sl_state_seg(s, sl_seg_key(&c->walk.seg));
    if (seg && seg->bytes > c->walk.seg.bytes) {
        sl_walk_extend(&c->walk, seg, s->n);
        return 1;
    }
    if (seg && !c->walk.seg.closed && sl_state_open_seg(s, partition) == seg)
        return 0;
    stop_walking(c);
    return 1;
}

static int in_time(const struct sl_log_reader *r, int64_t min, int64_t max)
{
    if (min > max) /* no times: nothing is known */
        return 1;
    return max >= r->from_time && min < r->to_time;
}

/* The walk's next batch, checked whole where the device may not have it. 1, 0 at the end, < 0. */
static int next_group(const struct sl_log_reader *r, struct cursor *c, struct sl_walk_group *g,
                      struct sl_err *err)
{
    const struct sl_log *l = r->log;
    int rc = sl_walk_next(&c->walk, g, err);
    if (rc != 1 || g->id.commit <= SL_MAX(l->mark.durable, l->state.durable))
        return rc;
    rc = sl_walk_group_intact(g, err);
    return rc < 0 ? sl_walk_corrupt(&c->walk, g->pos, err) : 1;
}

/* The partition's next batch. 1, 0 if there is none now. */
static int next_chunk(struct sl_log_reader *r, int partition, struct sl_log_chunk **out,
                      struct sl_err *err)
{
    struct cursor *c = &r->cursors[partition - r->first];
    struct sl_walk_group g;
    while (c->next < c->to && !c->blocked) {
        int rc = c->walking ? 1 : find_segment(r, partition, err);
        if (rc <= 0)
            return rc;
        rc = next_group(r, c, &g, err);
        if (rc == -SL_ENOENT) { /* dropped while it was closed: what is there now decides */
            stop_walking(c);
            continue;
        }
        if (rc < 0)
            return rc;
        if (rc == 0) {
            if (!grow_or_leave(r, c, partition))
                return 0;
            continue;
        }
        int64_t end = g.id.base + g.id.rows, skip = SL_MAX(c->next - g.id.base, 0);
        if (end <= c->next)
            continue;
        c->next = end;
        if (r->follow)
            c->given = SL_MIN(end, c->to);
        if (g.id.base >= c->to || !in_time(r, g.id.min_time, g.id.max_time))
            continue;
        rc = sl_log_chunk_new(&c->walk, &g, r->target, out, err);
        if (rc < 0)
            return rc;
        (*out)->history = r->history;
        (*out)->skip = skip;
        (*out)->take = SL_MIN(end, c->to) - (g.id.base + skip);
        return 1;
    }
    return 0;
}

/* One round over the partitions, each in its turn. */
static int round_robin(struct sl_log_reader *r, struct sl_log_chunk **out, struct sl_err *err)
{
    for (int k = 0; k < r->npartitions; k++) {
        int i = r->at = (r->turn + k) % r->npartitions;
        int rc = next_chunk(r, r->first + i, out, err);
        if (rc < 0)
            return rc;
        if (rc > 0) {
            r->turn = (i + 1) % r->npartitions;
            return SL_LOG_CHUNK;
        }
    }
    return 0;
}

static int any_blocked(const struct sl_log_reader *r)
{
    for (int i = 0; i < r->npartitions; i++) {
        if (r->cursors[i].blocked)
            return 1;
    }
    return 0;
}

static int all_done(const struct sl_log_reader *r)
{
    for (int i = 0; i < r->npartitions; i++) {
        if (r->cursors[i].next < r->cursors[i].to)
            return 0;
    }
    return 1;
}

/*
 * Something is not good that commits promise. If a sync failed it may be what the kernel has dropped
 * since: then nothing is damaged, the log only ends earlier. 1: go on; else < 0 and err.
 */
static int doubt(struct sl_log_reader *r, struct sl_err *err)
{
    if (sl_view_doubt(r->log, NULL) <= 0)
        return -SL_ECORRUPT;
    leave_segments(r);
    /* What is still promised shall be seen to be damaged. */
    if (r->cursors[r->at].next < sl_log_end(r->log, r->first + r->at))
        return 1;
    return settle(r, err) < 0 ? -SL_EEXPIRED : 1;
}

int sl_log_reader_next(struct sl_log_reader *r, struct sl_log_chunk **out, struct sl_err *err)
{
    assert(r && out);
    struct sl_err mine;
    if (!err)
        err = &mine;
    for (;;) {
        int rc = r->log->state.history != r->history ? settle(r, err) : 0;
        if (rc == 0)
            rc = round_robin(r, out, err);
        if (rc == -SL_ECORRUPT) {
            rc = doubt(r, err);
            if (rc > 0)
                continue;
        }
        if (rc)
            return rc;
        if (any_blocked(r))
            return SL_LOG_SCHEMA;
        if (!r->follow) /* another reader of the same view may have been in doubt */
            return settle(r, err) < 0 ? -SL_EEXPIRED : SL_LOG_END;
        if (all_done(r))
            return SL_LOG_END;
        sl_watch_drain(r->watch);
        rc = sl_log_refresh(r->log, err);
        if (rc < 0)
            return rc;
        if (rc == 0)
            return SL_LOG_WAIT;
    }
}

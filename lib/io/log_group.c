/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_group: a log source that shares the log's partitions with the other processes of its group.
 *
 * A partition is read from its position by who holds it. Each process looks every 50 ms how many there are,
 * and so how many partitions are its share: with fewer it takes free ones, with more it stops reading those
 * that are too many, and gives them up once the rows that it has read of them are out and their positions
 * written. A dead process holds nothing. So every partition has one reader, and its rows keep their order.
 *
 * A bounded run is over when the group, not only the run, has had all rows up to its end: it takes what
 * others leave, and waits for what they hold. One that commits at its end only gives up nothing before, and
 * waits for nobody: two of them would wait for each other.
 */
#include "base/compat.h"
#include "base/mem.h"
#include "base/time.h"
#include "io/log_source.h"
#include "log/groups.h"

enum {
    LOOK_EVERY = 50 * 1000,     /* µs */
    COMMIT_EVERY = 1000 * 1000, /* µs, at least between two commits of a process */
};

struct group_part {
    struct sl_group_position at; /* as it was written last */
    int64_t pinned;              /* end of a bounded run */
    int held, leaving;
};

struct log_group {
    struct sl_consumer *consumer;
    struct group_part *parts;
    int n, held;
    int64_t look_at, committed_at; /* monotonic µs */
    int64_t yields_until;          /* what was given up is for others until then */
    int said;
};

static int refuse_from(const struct log_source *s, struct sl_err *err)
{
    sl_err_set(err, SL_EUSAGE, "--from: the group %s is there, and has positions of its own",
               s->o.group);
    return sl_err_hint(err, "sluice log groups %s set %s --to POINT gives it others", s->path,
                       s->o.group);
}

/* The group is there afterwards; a new one begins where the ranges do. */
static int make(struct log_source *s, struct sl_err *err)
{
    int n = sl_log_partitions(s->log), is_new = !sl_group_is_there(s->log, s->o.group);
    if (!is_new)
        return s->o.from.kind == SL_POINT_NONE ? 0 : refuse_from(s, err);
    int64_t *from = sl_calloc((size_t)n, sizeof(*from));
    if (!from)
        return sl_err_nomem(err, "a consumer group");
    for (int p = 0; p < n; p++)
        from[p] = SL_MIN(s->ranges[p].from, sl_log_end(s->log, p)); /* what lies beyond was said */
    int rc = s->o.from.kind == SL_POINT_NONE ? 0 : sl_log_make_durable(s->log, err);
    if (rc == 0)
        rc = sl_group_make(s->log, s->o.group, from, err);
    free(from);
    if (rc == -SL_EEXIST) /* somebody was faster */
        rc = s->o.from.kind == SL_POINT_NONE ? 0 : refuse_from(s, err);
    return rc;
}

/* Where the group is in a partition, which must be a place of the log as it is now. */
static int load(struct log_source *s, int p, struct sl_group_position *at, struct sl_err *err)
{
    int rc = sl_consumer_position(s->group->consumer, p, at, err);
    int64_t start = sl_log_start(s->log, p), end = sl_log_end(s->log, p);
    if (rc < 0)
        return rc;
    int holds = sl_log_history_holds(s->log, at->history, p, at->offset);
    if (!holds || at->offset > end) { /* the latter: it is an older copy of the log */
        if (!holds)
            end = SL_MAX(sl_log_history_end(s->log, at->history, p), 0);
        sl_err_set(err, SL_EEXPIRED,
                   "%s went back to offset %lld of partition %d, and the group %s has had its rows "
                   "up to %lld: those in between are gone, and others may have come",
                   s->path, (long long)end, p, s->o.group, (long long)at->offset);
        return sl_err_hint(err, "sluice log groups %s set %s --to %d:%lld goes on from there",
                           s->path, s->o.group, p, (long long)end);
    }
    if (at->offset >= start)
        return 0;
    sl_err_set(err, SL_EEXPIRED,
               "offset %lld of partition %d, where the group %s is, is no longer kept",
               (long long)at->offset, p, s->o.group);
    return sl_err_hint(err,
                       "the first kept one is %lld: sluice log groups %s set %s --to %d:%lld goes "
                       "on from there",
                       (long long)start, s->path, s->o.group, p, (long long)start);
}

static void aim(struct log_source *s, int p, const struct sl_group_position *at)
{
    assert(p >= 0 && p < s->group->n && at->n > 0);
    struct sl_log_range r = {at->offset, s->o.follow ? INT64_MAX : s->group->parts[p].pinned};
    r.to = SL_MAX(r.to, r.from);
    s->ranges[p] = r;
    s->parts[p] = (struct log_part){.end = at->offset, .history = at->history};
    if (s->reader)
        sl_log_reader_aim(s->reader, p, r);
}

/* Tries to take a partition: 1, 0 somebody else has it. */
static int take(struct log_source *s, int p, struct sl_err *err)
{
    struct log_group *g = s->group;
    struct group_part *part = &g->parts[p];
    assert(!part->held && !part->leaving);
    int rc = sl_consumer_take(g->consumer, p, err);
    if (rc <= 0)
        return rc;
    part->held = 1;
    g->held++;
    rc = sl_log_refresh(s->log, err); /* the position may be behind what has been seen of the log */
    if (rc >= 0)
        rc = load(s, p, &part->at, err);
    if (rc < 0)
        return rc;
    aim(s, p, &part->at);
    return 1;
}

static void give(struct log_source *s, int p)
{
    struct log_group *g = s->group;
    assert(g->parts[p].held && !s->parts[p].is_moved);
    sl_consumer_give(g->consumer, p);
    g->parts[p].held = g->parts[p].leaving = 0;
    g->held--;
}

/* ---- sharing ---- */

/* Of those too many: nothing more is read, and once what was read is out they are given up. */
static void leave(struct log_source *s, int n)
{
    struct log_group *g = s->group;
    assert(n > 0 && n <= g->held);
    for (int p = g->n - 1; p >= 0 && n > 0; p--) {
        if (!g->parts[p].held || g->parts[p].leaving)
            continue;
        g->parts[p].leaving = 1;
        n--;
        sl_log_reader_aim(s->reader, p, (struct sl_log_range){0, 0});
        s->base.due = 1; /* at once */
    }
}

/* Whether a bounded run has to do with a partition that somebody else holds, or held: 1, 0, < 0. */
static int is_left(struct log_source *s, int p, struct sl_err *err)
{
    struct sl_group_position at;
    int rc = sl_consumer_position(s->group->consumer, p, &at, err);
    if (rc == 0 && at.offset > sl_log_end(s->log, p)) { /* others have seen more, or */
        rc = sl_log_refresh(s->log, err);
        if (rc >= 0)
            rc = load(s, p, &at, err);
    }
    if (rc < 0)
        return rc;
    return SL_MAX(at.offset, sl_log_start(s->log, p)) < s->group->parts[p].pinned;
}

/* Takes up to n free partitions: how many, or < 0. In a bounded run only those with rows for it. */
static int take_some(struct log_source *s, int n, struct sl_err *err)
{
    struct log_group *g = s->group;
    int taken = 0;
    assert(n > 0);
    for (int p = 0; p < g->n && taken < n; p++) {
        int rc = g->parts[p].held ? 0 : s->o.follow ? 1 : is_left(s, p, err);
        if (rc > 0)
            rc = take(s, p, err);
        if (rc < 0)
            return rc;
        taken += rc;
    }
    return taken;
}

int sl_log_group_look(struct log_source *s, struct sl_err *err)
{
    struct log_group *g = s->group;
    int64_t now = sl_time_mono_usec();
    int leaving = 0;
    if (now < g->look_at)
        return 0;
    g->look_at = now + LOOK_EVERY;
    int share = sl_consumer_share(g->consumer, g->n, err);
    if (share < 0)
        return share;
    assert(share <= g->n); /* the shares of all are all partitions */
    for (int p = 0; p < g->n; p++)
        leaving += g->parts[p].leaving;
    assert(leaving <= g->held && g->held <= g->n);
    int stays = g->held - leaving;
    if (stays > share && !s->base.commits_late)
        leave(s, stays - share);
    int rc = stays < share && !leaving ? take_some(s, share - stays, err) : 0;
    return SL_MIN(rc, 0);
}

/* The first partition that is not done, -1 = none, < -1 an error. */
static int undone(struct log_source *s, struct sl_err *err)
{
    for (int p = 0; p < s->group->n; p++) {
        int rc = s->group->parts[p].held && !s->group->parts[p].leaving ? 0 : is_left(s, p, err);
        if (rc)
            return rc < 0 ? -2 : p;
    }
    return -1;
}

int sl_log_group_end(struct log_source *s, struct sl_err *err)
{
    struct log_group *g = s->group;
    int p = undone(s, err);
    if (p < -1)
        return -(int)(err ? err->code : SL_EFAIL);
    if (p < 0)
        return SL_NEXT_END;
    for (int i = 0; i < g->n; i++) /* what is done is for others to see */
        if (s->parts[i].is_moved)
            s->base.due = 1;
    int rc = sl_time_mono_usec() < g->yields_until ? 1 : take_some(s, 1, err);
    if (rc < 0)
        return rc;
    if (rc == 0 && s->base.commits_late)
        return SL_NEXT_END;
    if (rc == 0 && !g->said)
        sl_input_say(&s->o,
                     "partition %d is read by another process of the group %s: waiting for it", p,
                     s->o.group);
    g->said |= rc == 0;
    return SL_NEXT_WAIT;
}

/* ---- positions ---- */

void sl_log_group_delivered(struct log_source *s)
{
    if (!s->base.due)
        s->base.due = SL_MAX(s->group->committed_at + COMMIT_EVERY, 1);
}

static int put(struct log_source *s, int p, struct sl_err *err)
{
    struct group_part *part = &s->group->parts[p];
    if (!s->parts[p].is_moved)
        return 0;
    part->at.offset = s->parts[p].end;
    part->at.history = s->parts[p].history;
    int rc = sl_consumer_set(s->group->consumer, p, &part->at, err);
    s->parts[p].is_moved = 0;
    return rc < 0 ? rc : 1;
}

int sl_log_group_committed(struct sl_source *base, struct sl_err *err)
{
    struct log_source *s = (struct log_source *)base;
    struct log_group *g = s->group;
    int moved = 0, set = 0, rc = 0;
    for (int p = 0; p < g->n; p++)
        moved |= s->parts[p].is_moved;
    if (moved)
        rc = sl_log_make_durable(s->log, err);
    for (int p = 0; p < g->n && rc >= 0; p++) {
        rc = put(s, p, err);
        set |= rc > 0;
    }
    if (rc >= 0 && set)
        rc = sl_consumer_sync(g->consumer, err);
    if (rc < 0)
        return rc;
    base->due = 0;
    g->committed_at = sl_time_mono_usec();
    for (int p = 0; p < g->n; p++)
        if (g->parts[p].leaving) {
            give(s, p);
            g->yields_until = g->committed_at + 2 * LOOK_EVERY;
        }
    return 0;
}

/* ---- beginning and end ---- */

/* Who only looks reads every partition from where the group is. */
static int look_only(struct log_source *s, struct sl_err *err)
{
    struct log_group *g = s->group;
    int there = sl_group_is_there(s->log, s->o.group);
    int rc = there && s->o.from.kind != SL_POINT_NONE ? refuse_from(s, err) : 0;
    if (rc == 0 && there)
        rc = sl_consumer_open(s->log, s->o.group, &g->consumer, err);
    for (int p = 0; rc == 0 && there && p < g->n; p++) {
        struct sl_group_position at;
        rc = load(s, p, &at, err);
        if (rc == 0)
            aim(s, p, &at);
    }
    sl_log_group_free(s);
    return rc;
}

int sl_log_group_open(struct log_source *s, struct sl_err *err)
{
    assert(s->log && s->ranges && s->parts && !s->reader);
    int n = sl_log_partitions(s->log);
    struct log_group *g = s->group = sl_calloc(1, sizeof(*g));
    if (!g || !(g->parts = sl_calloc((size_t)n, sizeof(*g->parts))))
        return sl_err_nomem(err, "a consumer group");
    g->n = n;
    s->from_time = SL_TIME_MIN; /* where a new group begins is an offset from then on */
    for (int p = 0; p < n; p++)
        g->parts[p].pinned = sl_log_end(s->log, p);
    if (s->o.group_looks)
        return look_only(s, err);
    int rc = make(s, err);
    if (rc == 0)
        rc = sl_consumer_open(s->log, s->o.group, &g->consumer, err);
    if (rc == 0)
        rc = sl_consumer_join(g->consumer, err);
    if (rc == 0)
        memset(s->ranges, 0, (size_t)n * sizeof(*s->ranges)); /* nothing is held yet */
    return rc;
}

void sl_log_group_poll(struct log_source *s, struct sl_poll_set *p)
{
    sl_poll_until(p, s->group->look_at);
}

int sl_log_group_holds(const struct log_source *s)
{
    return s->group->held > 0;
}

void sl_log_group_free(struct log_source *s)
{
    if (!s->group)
        return;
    sl_consumer_free(s->group->consumer);
    free(s->group->parts);
    free(s->group);
    s->group = NULL;
}

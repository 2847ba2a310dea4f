/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * mend: `log repair`: what to do about damage, and the one commit that does it.
 *
 * Nothing is destroyed: the good batches of damaged segments are copied to new ones, which a commit
 * puts in the old ones' place; the old files and damaged commit files go to lost/ afterwards. Without
 * `yes` the same is only said. Rows keep their offsets: what is lost leaves a gap.
 */
#include "base/compat.h"
#include "maintain/maintain.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "maintain/mend.h"

void sl_mend_say(struct sl_mend *m, const char *fmt, ...)
{
    assert(m && fmt);
    struct sl_buf b = SL_BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    sl_buf_vprintf(&b, fmt, ap);
    va_end(ap);
    m->said = 1;
    if (m->say && b.data)
        m->say(m->arg, b.data);
    sl_buf_release(&b);
}

struct sl_seg *sl_mend_add_seg(struct sl_mend *m, struct sl_err *err)
{
    struct sl_line *l = &m->line;
    struct sl_seg *list = sl_arena_grow(&l->arena, l->segs, (size_t)l->nsegs, sizeof(*list));
    if (!list)
        return sl_err_no_memory(err, "a repair");
    l->segs = list;
    return &list[l->nsegs++];
}

void sl_mend_release(struct sl_mend *m)
{
    sl_line_release(&m->line);
    sl_segset_release(&m->dropped);
    free(m->missing);
    free(m->taken);
}

static void say_bad(struct sl_mend *m, const char *file, int64_t at, const char *what)
{
    if (at < 0)
        sl_mend_say(m, "%s: %s", file, what);
    else
        sl_mend_say(m, "%s: byte %" PRId64 ": %s: it is left out", file, at, what);
}

/* Says which rows of the segment are gone. */
static void say_holes(struct sl_mend *m, const struct sl_seg *seg, const struct sl_extents *x)
{
    char name[SL_SEG_NAME];
    int64_t next = seg->base;
    sl_seg_name(sl_seg_key(seg), ".arrows", name);
    for (size_t i = 0; i <= x->n; i++) {
        int64_t to = i < x->n ? x->list[i].base : SL_MAX(seg->end, next);
        if (to > next) {
            sl_mend_say(m, "%s: rows %" PRId64 " to %" PRId64 " are lost", name, next, to - 1);
            m->lost += to - next;
        }
        if (i < x->n)
            next = x->list[i].base + x->list[i].rows;
    }
    m->unplaced |= next > seg->end;
    if (next > seg->end)
        sl_mend_say(m, "%s: rows %" PRId64 " to %" PRId64 " of lost commits are found", name,
                    seg->end, next - 1);
    sl_mend_say(m, "%s: %s; its file goes to lost/", name,
                x->n ? "the good batches go to new segments" : "nothing of it is good");
}

/* Leaves out what reaches into the segment after it. */
static void clip(struct sl_extents *x, int64_t limit)
{
    while (x->n && x->list[x->n - 1].base + x->list[x->n - 1].rows > limit)
        x->n--;
}

/* last: it may be open; limit: where the next one begins. */
static int mend_segment(struct sl_mend *m, const struct sl_seg *seg, int last, int64_t limit,
                        int64_t n, struct sl_err *err)
{
    struct sl_extents x;
    int rc = sl_mend_examine(m, seg, last, &x, err);
    clip(&x, limit);
    if (rc == 0)
        rc = sl_span_add(
            &m->taken, &m->ntaken, seg->base,
            x.n ? SL_MAX(seg->end, x.list[x.n - 1].base + x.list[x.n - 1].rows) : seg->end, err);
    if (rc == 0 && !x.perfect) {
        m->changes++;
        say_holes(m, seg, &x);
        if (m->yes) {
            struct sl_seg *drop = sl_mend_add_seg(m, err);
            rc = drop ? 0 : -SL_ENOMEM;
            if (rc == 0) {
                *drop = *seg;
                drop->dropped = 1;
                drop->has_sum = 0;
                rc = sl_mend_copy(m, seg, &x, n, err);
            }
        }
    }
    sl_extents_release(&x);
    return rc;
}

/* Where nothing says any more which rows there were: those between segments. */
static void say_gaps(struct sl_mend *m, int partition)
{
    for (size_t i = 1; i < m->ntaken; i++) {
        int64_t from = m->taken[i - 1].to, to = m->taken[i].from;
        sl_mend_say(m, "partition %d: rows %" PRId64 " to %" PRId64 " are in no segment", partition,
                    from, to - 1);
        m->lost += to - from;
    }
}

static int mend_partition(struct sl_mend *m, int partition, int64_t n, struct sl_err *err)
{
    const struct sl_part *p = &m->l->state.parts[partition];
    struct sl_stranger *strangers = NULL;
    size_t count = 0;
    int rc = sl_mend_strangers(m, partition, &strangers, &count, err);
    m->ntaken = 0;
    m->latest = 0;
    for (int k = 0; k < p->nsegs && rc == 0; k++) {
        int last = k + 1 == p->nsegs, behind = 0;
        for (size_t i = 0; last && i < count; i++)
            behind |= strangers[i].seg.base >= p->segs[k].base;
        rc = mend_segment(m, &p->segs[k], last && !behind, last ? INT64_MAX : p->segs[k + 1].base,
                          n, err);
    }
    for (size_t i = 0; i < count; i++) {
        if (rc == 0)
            rc = sl_mend_adopt(m, &strangers[i], n, err);
        sl_extents_release(&strangers[i].x);
    }
    free(strangers);
    if (rc == 0 && m->origin)
        say_gaps(m, partition);
    return rc;
}

/* Moves everything that the repair replaced to lost/, which is open as dir. The first failure is told,
 * after all else was moved. */
static int set_aside_all(struct sl_mend *m, int dir, struct sl_err *err)
{
    char name[SL_SEG_NAME], as[SL_SEG_NAME + 32];
    int rc = 0;
    for (int i = 0; i < m->line.nsegs; i++) {
        const struct sl_seg *s = &m->line.segs[i];
        if (!s->dropped)
            continue;
        sl_seg_name(sl_seg_key(s), ".arrows", name);
        snprintf(as, sizeof(as), "%04d-%s", s->partition, strchr(name, '/') + 1);
        int moved = sl_lost_move(m->l, dir, name, as, rc == 0 ? err : NULL);
        rc = rc == 0 ? moved : rc;
        sl_seg_name(sl_seg_key(s), ".idx", name);
        unlinkat(m->l->dirfd, name, 0);
    }
    for (size_t i = 0; i < m->nadopted; i++) {
        int n = (int)strcspn(m->aside[i], "/");
        snprintf(as, sizeof(as), "%.*s-%s", n, m->aside[i], m->aside[i] + n + 1);
        int moved = sl_lost_move(m->l, dir, m->aside[i], as, rc == 0 ? err : NULL);
        rc = rc == 0 ? moved : rc;
    }
    for (int i = 0; i < m->ndamaged + m->naside; i++) {
        char file[SL_COMMIT_NAME + 16] = "commits/";
        sl_commit_name(m->damaged[i], file + 8);
        snprintf(as, sizeof(as), "commits-%s", file + 8);
        int moved = sl_lost_move(m->l, dir, file, as, rc == 0 ? err : NULL);
        rc = rc == 0 ? moved : rc;
    }
    return rc;
}

static int has_aside(const struct sl_mend *m)
{
    int some = m->nadopted || m->ndamaged || m->naside;
    for (int i = 0; i < m->line.nsegs && !some; i++)
        some = m->line.segs[i].dropped;
    return some;
}

/* Names of the new files are on the device before a commit names them. */
static int partition_dirs_synced(struct sl_mend *m, struct sl_err *err)
{
    for (int i = 0; i < m->line.nsegs; i++) {
        struct sl_err why = SL_ERR_INIT;
        char part[16];
        snprintf(part, sizeof(part), "%04d", m->line.segs[i].partition);
        if (sl_path_sync_below(m->l->dirfd, part, m->l->path, &why) < 0) {
            sl_syncer_fail(m->w->sync, &why);
            return sl_err_copy(err, &why);
        }
    }
    return 0;
}

/* What the lost lines said of inputs is gone, and their rows are not: a resume must not guess. */
static int note_unplaced(struct sl_mend *m, struct sl_err *err)
{
    static const char value[] = "{\"unknown\":true}";
    struct sl_line_pair *p = sl_arena_alloc(&m->line.arena, sizeof(*p));
    if (!p)
        return sl_err_nomem(err, "a repair");
    *p = (struct sl_line_pair){
        .key = SL_POSITION_UNPLACED, .value = value, .len = sizeof(value) - 1};
    m->line.positions = p;
    m->line.npositions = 1;
    return 0;
}

/* The repair's state becomes the log's: its own commit, or, where commit files are damaged, a new
 * file that states everything. */
static int commit(struct sl_mend *m, struct sl_err *err)
{
    struct sl_log *l = m->l;
    int dir = has_aside(m) ? sl_lost_open(l, err) : -1, rc = 0;

    if (dir < 0 && has_aside(m)) /* before anything is replaced */
        return dir;
    rc = partition_dirs_synced(m, err);
    if (rc == 0 && m->unplaced && m->ndamaged)
        rc = note_unplaced(m, err);
    if (rc == 0 && m->ndamaged) {
        m->line.n = l->state.n + 1;
        m->line.prev = l->state.crc;
        m->line.history = l->state.history;
        rc = sl_state_apply(&l->state, &m->line, err);
        l->c.pos = 0;
        l->c.file = 0;
        if (rc == 0)
            rc = sl_writer_rotate(m->w, 1, l->state.n + 1, err);
    } else if (rc == 0 && m->line.nsegs) {
        int nsegs = m->line.nsegs;
        struct sl_seg *segs = m->line.segs;
        struct sl_line line;
        sl_writer_line(m->w, &line);
        line.segs = segs;
        line.nsegs = nsegs;
        rc = sl_writer_append_line(m->w, &line, err);
        sl_line_release(&line);
        if (rc == 0)
            rc = sl_writer_tell(m->w, err);
        if (rc == 0)
            rc = sl_syncer_run(m->w->sync, err);
    }
    if (rc == 0)
        rc = set_aside_all(m, dir, err);
    if (dir >= 0)
        close(dir);
    return rc;
}

/* Damage in the older of two commit files concerns nobody any more: it is set aside. */
static int check_older(struct sl_mend *m, struct sl_err *err)
{
    char name[SL_COMMIT_NAME + 16] = "commits/";
    int64_t newest, older;
    int rc = sl_commits_list(m->l, &newest, &older, err);
    if (rc == 0 && older)
        rc = sl_mend_older(m, newest, older, err);
    if (rc <= 0)
        return rc;
    sl_commit_name(older, name + 8);
    sl_mend_say(m, "%s: no line of it is needed any more: it goes to lost/", name);
    m->damaged[m->naside++] = older;
    m->changes++;
    return 0;
}

/* What is behind the last good commit, and was never known to be on the device, is taken back as the
 * next writer would. */
static int take_back(struct sl_mend *m, struct sl_err *err)
{
    int64_t moved = 0;
    if (m->l->c.tail == SL_TAIL_LOST) {
        sl_mend_say(m,
                    "commits after number %" PRId64
                    " did not reach the device whole: they are taken back, their rows go to lost/",
                    m->l->state.n);
        m->changes++;
    }
    int rc = m->yes ? sl_writer_recover(m->w, &moved, err) : 0;
    if (moved)
        sl_mend_say(m, "%" PRId64 " %s past the last good commit went to lost/", moved,
                    sl_plural(moved, "byte", "bytes"));
    return rc;
}

static int mend_all(struct sl_mend *m, struct sl_err *err)
{
    struct sl_log *l = m->l;
    struct sl_err why = SL_ERR_INIT;

    int rc = sl_view_load(l, &why);
    if (rc == 0) /* a batch behind the mark may be what is damaged */
        rc = sl_view_distrust(l, &why);
    if (rc == -SL_ECORRUPT) {
        rc = sl_mend_commits(m, err);
        if (rc == 0 && !m->said)
            sl_mend_say(m, "%s: byte %" PRId64 ": %s", why.place, why.offset, why.what);
    } else if (rc == 0 && l->trust != SL_VIEW_TRUSTED) {
        rc = take_back(m, err);
    } else if (rc < 0 && err) {
        *err = why;
    }
    if (rc == 0 && !m->ndamaged)
        rc = check_older(m, err);
    if (rc == 0 && !l->mark.known) {
        sl_mend_say(m, "lock: the durable mark is damaged: it is written anew");
        m->changes++;
    }
    int64_t n = l->state.n + 1;
    if (rc == 0 && m->yes && sl_writer_rotate_due(m->w) && !m->ndamaged) {
        rc = sl_writer_rotate(m->w, 0, 0, err);
        n = l->state.n + 1;
    }
    for (int i = 0; i < l->state.npartitions && rc == 0; i++)
        rc = mend_partition(m, i, n, err);
    if (rc == 0 && m->unplaced)
        sl_mend_say(m,
                    "the inputs of rows that lost commits brought are not known: ingest --resume "
                    "refuses, until one with --again");
    if (rc == 0 && m->changes && m->yes)
        rc = commit(m, err);
    if (rc == 0 && !m->changes)
        sl_mend_say(m, "nothing is damaged");
    return rc;
}

int64_t sl_log_repair(const char *path, int yes, void (*say)(void *arg, const char *line),
                      void *arg, struct sl_err *err)
{
    assert(path);
    struct sl_mend m = {.yes = yes, .say = say, .arg = arg, .bad = say_bad};
    struct sl_log_options o = {.sync = SL_SYNC_COMMIT};
    int rc = sl_writer_new(path, &o, &m.w, err);

    if (rc < 0)
        return rc;
    m.l = m.w->log;
    sl_line_init(&m.line);
    if (yes) {
        rc = sl_lockfile_lock(&m.l->lock, SL_LOCK_APPEND, SL_LOCK_EXCLUSIVE, SL_LOCK_PATIENCE, err);
        if (rc == 0)
            sl_view_set_locked(m.l, 1);
    }
    if (rc == 0)
        rc = mend_all(&m, err);
    if (m.l->use == SL_VIEW_LOCKED)
        sl_writer_unlock(m.w);
    sl_mend_release(&m);
    sl_log_writer_abort(m.w);
    return rc < 0 ? rc : m.lost;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * compact: which segments of a partition have tiny batches, and their rewriting: sluice-log(5), Tiny batches.
 *
 * A segment is tiny if its batches have less than 1,024 rows on average. Neighbours that are tiny become one,
 * so that a log to which little is written now and then has few segments. A row is rewritten a few times
 * at most: a segment that has become large stays.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "log/log_reader.h"
#include "log/tend.h"

static int64_t count_batches(struct sl_log *l, const struct sl_seg *seg, struct sl_err *err)
{
    struct sl_walk w;
    struct sl_walk_group g;
    int64_t n = 0;
    int rc = sl_walk_open(&w, l, seg, NULL, err);
    if (rc < 0)
        return rc;
    w.skip = 1;
    w.last_commit = l->state.n;
    while ((rc = sl_walk_next(&w, &g, err)) == 1)
        n++;
    sl_walk_release(&w);
    return rc < 0 ? rc : n;
}

/* 1, 0 (also of a segment whose file has gone meanwhile), < 0. *batches: how many it has. */
static int is_tiny(struct sl_log *l, const struct sl_seg *seg, int64_t *batches, struct sl_err *err)
{
    *batches = seg->end > seg->base ? count_batches(l, seg, err) : 0;
    if (*batches < 0)
        return *batches == -SL_ENOENT ? 0 : (int)*batches;
    return *batches > 0 && (seg->end - seg->base) / *batches < SL_FORM_TINY;
}

/* ---- the open segment ---- */

/* Writes the end marker behind the committed bytes. */
static int write_marker(struct sl_log *l, const struct sl_seg *seg, struct sl_err *err)
{
    struct sl_buf name = SL_BUF_INIT;
    struct stat st;
    int fd = sl_view_open_seg(l, sl_seg_key(seg), O_RDWR, &name, err), rc = fd;
    if (fd >= 0 && fstat(fd, &st) < 0)
        rc = sl_err_sys(err, "cannot examine %s", name.data);
    if (rc >= 0 && st.st_size > seg->bytes && ftruncate(fd, seg->bytes) < 0)
        rc = sl_err_sys(err, "cannot cut off uncommitted bytes of %s", name.data);
    if (rc >= 0)
        rc = sl_path_pwrite(fd, sl_end_marker, SL_END_MARKER, seg->bytes, name.data, err);
    if (fd >= 0)
        close(fd);
    sl_buf_release(&name);
    return rc < 0 ? rc : 0;
}

/* Under the lock. */
static int write_closing(struct sl_log_writer *w, const struct sl_seg *open, struct sl_err *err)
{
    struct sl_line line;
    struct sl_seg seg = *open;
    int rc = write_marker(w->log, open, err);
    sl_writer_line(w, &line);
    seg.form = sl_arena_strndup(&line.arena, open->form, strlen(open->form));
    seg.bytes += (int64_t)SL_END_MARKER;
    seg.closed = 1;
    seg.has_sum = 0;
    seg.at = 0;
    line.segs = &seg;
    line.nsegs = 1;
    if (rc == 0)
        rc = seg.form ? sl_writer_append_line(w, &line, err) : sl_err_nomem(err, "a commit");
    sl_line_release(&line);
    return rc;
}

int sl_writer_close_open(struct sl_log_writer *w, struct sl_seg_key key, struct sl_err *err)
{
    assert(w);
    int rc = sl_writer_lock(w, err);
    if (rc < 0)
        return rc;
    const struct sl_seg *open = sl_state_seg(&w->log->state, key);
    if (open && !open->closed)
        rc = write_closing(w, open, err);
    sl_writer_unlock(w);
    return rc < 0 ? rc : sl_writer_tell(w, err);
}

/* ---- closed ones ---- */

/* Tiny neighbours of one schema. */
struct run {
    struct sl_seg_key *keys;
    size_t n;
    int64_t bytes, batches, from, end;
    int schema;
};

static int add_to_run(struct run *r, const struct sl_seg *seg, int64_t batches, struct sl_err *err)
{
    if (SL_GROW_ONE(r->keys, r->n, "a compaction", err) < 0)
        return -SL_ENOMEM;
    if (!r->n)
        r->from = seg->base;
    r->keys[r->n++] = sl_seg_key(seg);
    r->bytes += seg->bytes;
    r->batches += batches;
    r->end = seg->end;
    r->schema = seg->schema;
    return 0;
}

static void add_result(const struct sl_log *l, const struct run *r, struct sl_compaction *done)
{
    const struct sl_part *p = &l->state.parts[r->keys[0].partition];
    done->segments += (int64_t)r->n;
    done->bytes += r->bytes;
    for (int i = 0; i < p->nsegs; i++) {
        if (p->segs[i].base < r->from || p->segs[i].base >= r->end)
            continue;
        done->into++;
        done->to_bytes += p->segs[i].bytes;
    }
}

/* Rewrites what the run has, and empties it. */
static int end_run(struct sl_log_writer *w, struct run *r, int64_t by, const atomic_int *stop,
                   struct sl_compaction *done, struct sl_err *err)
{
    int rc = r->batches > 1 ? sl_segments_rewrite(w, r->keys, r->n, by, stop, err) : 0;
    if (rc == 1)
        add_result(w->log, r, done);
    free(r->keys);
    *r = (struct run){0};
    return rc < 0 ? rc : 0;
}

static int is_neighbour(const struct run *r, const struct sl_seg *seg)
{
    return seg->base == r->end && seg->schema == r->schema;
}

/*
 * Rewriting changes the list of segments: the offset says where to go on. The commit that a new segment bears
 * must not be later than that of the segment behind it, for commits ascend with offsets; where none is
 * behind it, any that is begun will be of a later commit than the last one now.
 */
static int compact_closed(struct sl_log_writer *w, int partition, const atomic_int *stop,
                          struct sl_compaction *done, struct sl_err *err)
{
    struct sl_state *s = &w->log->state;
    struct run run = {0};
    int64_t at = sl_log_start(w->log, partition), batches = 0;
    int rc = 0, i;
    while (rc == 0 && !atomic_load(stop) &&
           (i = sl_state_seg_at(s, partition, at)) < s->parts[partition].nsegs) {
        const struct sl_seg *seg = &s->parts[partition].segs[i];
        int tiny = seg->closed ? is_tiny(w->log, seg, &batches, err) : 0;
        if (run.n && (tiny != 1 || !is_neighbour(&run, seg) || run.bytes >= w->segment_bytes)) {
            rc = tiny < 0 ? tiny : end_run(w, &run, seg->by, stop, done, err);
            continue; /* with this one, wherever it stands now */
        }
        rc = tiny == 1 ? add_to_run(&run, seg, batches, err) : tiny;
        at = SL_MAX(seg->end, at + 1);
    }
    if (rc == 0 && !atomic_load(stop))
        rc = end_run(w, &run, s->n, stop, done, err);
    free(run.keys);
    return rc;
}

int sl_writer_compact(struct sl_log_writer *w, int partition, int64_t min, const atomic_int *stop,
                      struct sl_compaction *done, struct sl_err *err)
{
    assert(w && partition >= 0 && partition < w->log->state.npartitions && min > 1);
    const struct sl_seg *open = sl_state_open_seg(&w->log->state, partition);
    int64_t batches = 0;
    int rc = open ? is_tiny(w->log, open, &batches, err) : 0;
    if (rc == 1 && batches >= min)
        rc = sl_writer_close_open(w, sl_seg_key(open), err);
    return rc < 0 ? rc : compact_closed(w, partition, stop, done, err);
}

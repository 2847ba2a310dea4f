/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * append: blobs to committed rows: the steps 2 to 9 of sluice-log(5), APPENDING.
 *
 * Killed anywhere before the line is whole, nothing has happened: bytes past committed lengths are
 * cut off by whoever writes next, a file that no line names is overwritten, a torn line makes the
 * next writer begin the next commit file. Under the lock only what depends on it is done: patching,
 * one write per segment, one line.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/time.h"
#include "log/identity.h"
#include "log/log_writer.h"
#include "log/tend.h"

#define RETAIN_EVERY (60 * SL_USEC_PER_SEC)

enum {
    OUTS_MAX = 256
}; /* segments kept open at most, that many partitions may be written at once */

/* What one commit writes to one segment. */
struct piece {
    struct sl_seg seg;         /* as it will be; form borrowed */
    struct sl_form_plan *form; /* of a new segment, borrowed from its first blob */
    int begins, closes;
    int64_t start, start_offset; /* bytes and rows before */
    size_t first, count;         /* blobs */
    int fd;                      /* -1 until written */
    int own;                     /* fd is not kept in outs */
};

struct job {
    struct sl_log_writer *w;
    struct sl_log_blob **blobs; /* by partition, in the order given; empty ones left out */
    size_t nblobs;
    struct piece *pieces;
    size_t npieces, cap;
    struct iovec *iov;
};

/* ---- which blob goes where ---- */

static struct piece *add_piece(struct job *j)
{
    if (SL_GROW(j->pieces, j->npieces + 1, j->cap, "a commit", NULL) < 0)
        return NULL;
    struct piece *p = &j->pieces[j->npieces++];
    memset(p, 0, sizeof(*p));
    p->fd = -1;
    return p;
}

/* A piece that goes on with the open segment. */
static struct piece *continue_piece(struct job *j, const struct sl_seg *open)
{
    assert(!open->closed);
    struct piece *p = add_piece(j);
    if (p) {
        p->seg = *open;
        p->start = open->bytes;
        p->start_offset = open->end;
        p->seg.has_sum = 0;
        p->seg.sum = 0;
        p->seg.at = 0;
    }
    return p;
}

static struct piece *begin_piece(struct job *j, struct sl_log_blob *b, int64_t base)
{
    struct piece *p = add_piece(j);
    if (p) {
        p->begins = 1;
        p->form = b->form;
        p->start_offset = base;
        p->seg = sl_form_seg(b->form, b->partition, base, j->w->log->state.n + 1);
    }
    return p;
}

enum verdict { GO_ON, BEGIN, ENCODE_ANEW };

static enum verdict judge(const struct sl_log_writer *w, const struct sl_log_blob *b,
                          const struct sl_seg *open)
{
    if (b->form->schema != w->schema) /* a number may have been meant for another one */
        return ENCODE_ANEW;
    if (!open || open->schema != w->schema_id)
        return BEGIN;
    int same = strcmp(open->form, b->form->text) == 0;
    if (same)
        return open->bytes >= w->segment_bytes ? BEGIN : GO_ON;
    if (b->force || (b->rolling && open->base == b->base && open->by == b->by))
        return BEGIN;
    return ENCODE_ANEW;
}

static void close_piece(struct piece *p)
{
    assert(!p->closes && !p->seg.closed);
    p->closes = 1;
    p->seg.closed = 1;
    p->seg.bytes += (int64_t)SL_END_MARKER;
}

/* Takes blob number i into the pieces. 0, 1 if it must be encoded anew (for *open, NULL: none). */
static int place_blob(struct job *j, size_t i, const struct sl_seg **open, struct sl_err *err)
{
    const struct sl_state *s = &j->w->log->state;
    struct sl_log_blob *b = j->blobs[i];
    struct piece *last = j->npieces ? &j->pieces[j->npieces - 1] : NULL;
    assert(b->rows > 0 && (!i || j->blobs[i - 1]->partition <= b->partition));

    if (last && last->seg.partition != b->partition)
        last = NULL;
    *open = last ? &last->seg : sl_state_open_seg(s, b->partition);
    enum verdict v = judge(j->w, b, *open);
    if (v == ENCODE_ANEW)
        return 1;
    if (!last && *open)
        last = continue_piece(j, *open);
    else if (!last && v == GO_ON)
        return sl_err_set(err, SL_EBUG, "a batch goes on with a segment that is not there");
    if (v == BEGIN) {
        int64_t base = last ? last->seg.end : s->parts[b->partition].end;
        if (last)
            close_piece(last);
        else if (*open)
            return sl_err_nomem(err, "a commit");
        last = begin_piece(j, b, base);
        if (last)
            last->first = i;
    }
    if (!last)
        return sl_err_nomem(err, "a commit");
    if (!last->count)
        last->first = i;
    last->count++;
    last->seg.bytes += (int64_t)b->bytes.len;
    last->seg.end += b->rows;
    last->seg.has_sum = 1;
    last->seg.sum = sl_identity_chain(last->seg.sum, b->bytes.data + b->value);
    last->seg.min_time = SL_MIN(last->seg.min_time, b->min_time);
    last->seg.max_time = SL_MAX(last->seg.max_time, b->max_time);
    return 0;
}

/* 0: all blobs have their place. 1: *refit must be encoded anew for *open first. */
static int place_blobs(struct job *j, size_t *refit, struct sl_seg *open, int *has_open,
                       struct sl_err *err)
{
    assert(j->w->log->use == SL_VIEW_LOCKED);
    j->npieces = 0;
    for (size_t i = 0; i < j->nblobs; i++) {
        const struct sl_seg *o;
        int rc = place_blob(j, i, &o, err);
        if (rc == 1) {
            *refit = i;
            *has_open = o != NULL;
            if (o)
                *open = *o;
        }
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- bytes ---- */

/* All of the vectors at pos; short writes go on. iov is spoiled. */
static int write_all(int fd, struct iovec *iov, size_t n, int64_t pos, struct sl_err *err)
{
    while (n) {
        ssize_t k = pwritev(fd, iov, (int)SL_MIN(n, (size_t)IOV_MAX), pos);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return sl_err_sys(err, "cannot write a segment");
        pos += k;
        while (n && (size_t)k >= iov->iov_len) {
            k -= (ssize_t)iov->iov_len;
            iov++;
            n--;
        }
        if (n) {
            iov->iov_base = (char *)iov->iov_base + k;
            iov->iov_len -= (size_t)k;
        }
    }
    return 0;
}

static int is_out(const struct sl_out *o, const struct sl_seg *s)
{
    return o->fd >= 0 && o->key.base == s->base && o->key.by == s->by;
}

/* The committed rows of an open segment lie in a file that is not at its path any more. What would be
 * added to the open descriptor nobody could read. */
static int segment_gone(const struct sl_log *l, const struct piece *p, struct sl_err *err)
{
    sl_err_set(err, SL_ECORRUPT, "the segment was removed or replaced, and its rows with it");
    sl_view_place(l, sl_seg_key(&p->seg), err);
    return sl_err_hint(err,
                       "put the file back, or let `sluice log repair %s` leave out its rows; then "
                       "run again",
                       l->path);
}

/* 0 if fd is still the file at the segment's path. */
static int check_there(const struct sl_log *l, const struct piece *p, const struct stat *mine,
                       struct sl_err *err)
{
    struct stat there;
    char file[SL_SEG_NAME];
    sl_seg_name(sl_seg_key(&p->seg), ".arrows", file);
    int found = fstatat(l->dirfd, file, &there, AT_SYMLINK_NOFOLLOW) == 0;
    if (!found && errno != ENOENT)
        return sl_err_sys(err, "cannot examine %s/%s", l->path, file);
    if (found && there.st_dev == mine->st_dev && there.st_ino == mine->st_ino)
        return 0;
    return segment_gone(l, p, err);
}

/* A descriptor for the piece's segment; uncommitted bytes at its end are cut off. */
static int open_piece(struct sl_log_writer *w, struct piece *p, struct sl_err *err)
{
    struct sl_out *o = &w->outs[p->seg.partition];
    struct sl_buf name = SL_BUF_INIT;
    struct stat st;
    int rc = 0;

    if (is_out(o, &p->seg) && !p->begins) {
        p->fd = o->fd;
    } else {
        rc = p->fd = sl_view_open_seg(w->log, sl_seg_key(&p->seg),
                                      p->begins ? O_RDWR | O_CREAT : O_RDWR, &name, err);
        p->own = 1;
    }
    if (rc == -SL_ENOENT && !p->begins)
        rc = segment_gone(w->log, p, err);
    if (rc >= 0 && fstat(p->fd, &st) < 0)
        rc = sl_err_sys(err, "cannot examine a segment");
    if (rc >= 0 && !p->own)
        rc = check_there(w->log, p, &st, err);
    if (rc >= 0 && st.st_size > p->start && ftruncate(p->fd, p->start) < 0)
        rc = sl_err_sys(err, "cannot cut off uncommitted bytes of %s", name.data ? name.data : "");
    if (rc >= 0 && st.st_size < p->start) {
        rc = sl_err_set(err, SL_ECORRUPT, "the segment is shorter than its committed length");
        sl_view_place(w->log, sl_seg_key(&p->seg), err);
        if (err)
            err->offset = st.st_size;
    }
    sl_buf_release(&name);
    return rc < 0 ? rc : 0;
}

static int write_piece(struct job *j, struct piece *p, struct sl_err *err)
{
    struct iovec *iov = j->iov;
    size_t n = 0;
    int64_t offset = p->start_offset;
    const struct sl_state *s = &j->w->log->state;
    int rc = open_piece(j->w, p, err);

    if (rc < 0)
        return rc;
    if (p->begins)
        iov[n++] = (struct iovec){p->form->head.data, p->form->head.len};
    for (size_t i = p->first; i < p->first + p->count; i++) {
        struct sl_log_blob *b = j->blobs[i];
        sl_identity_patch(b->bytes.data + b->value, s->log_id, b->partition, offset, s->n + 1);
        offset += b->rows;
        iov[n++] = (struct iovec){b->bytes.data, b->bytes.len};
    }
    if (p->closes)
        iov[n++] = (struct iovec){(char *)(uintptr_t)sl_end_marker, SL_END_MARKER};
    assert(offset == p->seg.end);
    assert(n <= j->nblobs + 2 && (p->count || p->closes));
    rc = write_all(p->fd, iov, n, p->start, err);
    if (rc < 0)
        sl_view_place(j->w->log, sl_seg_key(&p->seg), err);
    if (rc == 0 && p->own && j->npieces > OUTS_MAX) {
        close(p->fd);
        p->fd = -1;
        p->own = 0;
    }
    return rc;
}

/* After a failure: leave no more behind than a killed writer would, less if possible. */
static void undo_pieces(struct job *j)
{
    for (size_t i = 0; i < j->npieces; i++) {
        struct piece *p = &j->pieces[i];
        char name[SL_SEG_NAME];
        struct stat st;
        if (!p->begins && p->fd >= 0 && ftruncate(p->fd, p->start) < 0)
            continue; /* the next writer will do it */
        /* The file of a new segment goes, whoever made it: no line names it. */
        if (p->begins) {
            sl_seg_name(sl_seg_key(&p->seg), ".arrows", name);
            if (fstatat(j->w->log->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISREG(st.st_mode))
                unlinkat(j->w->log->dirfd, name, 0);
        }
        if (p->own && p->fd >= 0)
            close(p->fd);
        p->fd = -1;
    }
}

static void close_out(struct sl_log_writer *w, int partition)
{
    struct sl_out *o = &w->outs[partition];
    if (o->fd < 0)
        return;
    close(o->fd);
    o->fd = -1;
    w->nouts--;
}

/* Of many partitions none is kept open: descriptors are few. */
static void close_many(struct sl_log_writer *w)
{
    assert(w->nouts >= 0 && w->nouts <= w->log->state.npartitions);
    if (w->nouts <= OUTS_MAX)
        return;
    for (int i = 0; i < w->log->state.npartitions; i++)
        close_out(w, i);
}

/* Committed: descriptors of open segments are kept, those of closed ones go to the syncer. */
static int keep_pieces(struct job *j, struct sl_err *err)
{
    struct sl_log_writer *w = j->w;
    int rc = 0;
    for (size_t i = 0; i < j->npieces; i++) {
        struct piece *p = &j->pieces[i];
        struct sl_out *o = &w->outs[p->seg.partition];
        if (p->own) {
            close_out(w, p->seg.partition);
            o->fd = p->fd;
            o->key = sl_seg_key(&p->seg);
            w->nouts += o->fd >= 0;
        }
        int fd = -1;
        if (p->fd >= 0 && p->closes) {
            fd = o->fd;
            o->fd = -1;
            w->nouts--;
        } else if (p->fd >= 0) {
            fd = fcntl(o->fd, F_DUPFD_CLOEXEC, 0);
        }
        int told = sl_syncer_touch(w->sync, sl_seg_key(&p->seg), w->log->state.n, fd,
                                   rc == 0 ? err : NULL);
        rc = rc == 0 ? told : rc;
        p->fd = -1;
    }
    close_many(w);
    return rc;
}

/* ---- the line ---- */

static int add_note(struct sl_line *line, const struct sl_log_note *note, struct sl_err *err)
{
    if (!note)
        return 0;
    line->positions =
        sl_arena_alloc(&line->arena, (size_t)note->npositions * sizeof(*line->positions) + 1);
    line->pipelines = sl_arena_alloc(&line->arena, sizeof(*line->pipelines));
    if (!line->positions || !line->pipelines)
        return sl_err_nomem(err, "a commit");
    for (int i = 0; i < note->npositions; i++) {
        line->positions[line->npositions++] =
            (struct sl_line_pair){.key = note->position_id[i],
                                  .value = note->position[i],
                                  .len = strlen(note->position[i])};
    }
    if (!note->pipeline)
        return 0;
    int rc = sl_line_pipeline(line, note->pipeline, strlen(note->pipeline), line->pipelines, err);
    line->npipelines = rc == 0;
    if (rc == -SL_ECORRUPT && err)
        err->code = SL_EBUG;
    return rc == -SL_ECORRUPT ? -SL_EBUG : rc;
}

static int write_line(struct job *j, const struct sl_log_note *note, struct sl_err *err)
{
    struct sl_line line;
    struct sl_line_schema new = {.id = j->w->schema_id, .schema = j->w->schema};
    sl_writer_line(j->w, &line);
    int rc = add_note(&line, note, err);
    if (j->w->unsaid && j->npieces) {
        line.schemas = &new;
        line.nschemas = 1;
    }
    line.segs = sl_arena_alloc(&line.arena, j->npieces * sizeof(*line.segs) + 1);
    if (rc == 0 && !line.segs)
        rc = sl_err_nomem(err, "a commit");
    for (size_t i = 0; rc == 0 && i < j->npieces; i++)
        line.segs[line.nsegs++] = j->pieces[i].seg;
    if (rc == 0)
        rc = sl_writer_append_line(j->w, &line, err);
    if (rc == 0 && line.nschemas)
        sl_writer_schema_said(j->w);
    line.nschemas = 0; /* borrowed */
    sl_line_release(&line);
    return rc;
}

/* Whether the log still holds of each input what this commit goes on from. */
static int check_positions(const struct job *j, const struct sl_log_note *note, struct sl_err *err)
{
    for (int i = 0; note && note->position_was && i < note->npositions; i++) {
        const char *was = note->position_was[i];
        if (!was)
            continue;
        const struct sl_position *now =
            sl_positions_find(sl_log_positions(j->w->log), note->position_id[i]);
        if (strcmp(now ? now->value : "", was) == 0)
            continue;
        sl_err_set(err, SL_ELOCKED,
                   "another run has committed rows of the same input to %s "
                   "meanwhile: these are not committed",
                   sl_log_path(j->w->log));
        return sl_err_hint(err, "let it end, then go on with --resume");
    }
    return 0;
}

/* Everything under the lock. 1: blob *refit must be encoded anew first. */
static int locked_part(struct job *j, const struct sl_log_note *note, size_t *refit,
                       struct sl_seg *open, int *has_open, struct sl_err *err)
{
    int rc = check_positions(j, note, err);
    if (rc == 0 && note && note->check)
        rc = note->check(note->arg, j->w->log, err);
    if (rc < 0)
        return rc;
    rc = sl_writer_take_schema(j->w, err);
    if (rc == 0)
        rc = place_blobs(j, refit, open, has_open, err);
    if (rc == 1 && *has_open) { /* the form must outlive the lock */
        open->form = sl_strdup(open->form);
        if (!open->form)
            return sl_err_nomem(err, "a commit");
    }
    for (size_t i = 0; rc == 0 && i < j->npieces; i++)
        rc = write_piece(j, &j->pieces[i], err);
    if (rc == 0)
        rc = write_line(j, note, err);
    if (rc < 0 && !j->w->log->state.broken) /* broken: the line was written, only we lost track */
        undo_pieces(j);
    else if (rc == 0)
        rc = keep_pieces(j, err);
    return rc;
}

static int by_partition(const void *a, const void *b)
{
    const struct sl_log_blob *const *x = a, *const *y = b;
    if ((*x)->partition != (*y)->partition)
        return (*x)->partition < (*y)->partition ? -1 : 1;
    return (*x)->given < (*y)->given ? -1 : 1;
}

/* Blobs by partition, each partition's in the order given; those without rows are left out. */
static int sort_blobs(struct job *j, struct sl_log_blob **blobs, size_t n, struct sl_err *err)
{
    j->blobs = sl_malloc((n + 1) * sizeof(*j->blobs));
    j->iov = sl_malloc((n + 2) * sizeof(*j->iov));
    if (!j->blobs || !j->iov)
        return sl_err_nomem(err, "a commit");
    for (size_t i = 0; i < n; i++) {
        blobs[i]->given = i;
        if (blobs[i]->rows > 0)
            j->blobs[j->nblobs++] = blobs[i];
    }
    qsort(j->blobs, j->nblobs, sizeof(struct sl_log_blob *), by_partition);
    return 0;
}

/* Segments that this commit closed are looked after beside the appends. */
static void tend_closed(const struct job *j, int64_t n)
{
    struct sl_log_writer *w = j->w;
    for (size_t i = 0; i < j->npieces; i++) {
        if (!j->pieces[i].closes)
            continue;
        if (!w->tender)
            w->tender = sl_tender_new(w);
        sl_tender_closed(w->tender, sl_seg_key(&j->pieces[i].seg), n);
    }
}

/* Many tiny batches are looked after when no more come. */
static void count_tiny(struct sl_log_writer *w, const struct job *j)
{
    int64_t n = 0;
    for (size_t i = 0; i < j->nblobs; i++)
        n += j->blobs[i]->rows < SL_FORM_TINY;
    w->tiny += n;
    if (!w->tender && w->tiny >= SL_TINY_PAUSE)
        w->tender = sl_tender_new(w);
    if (!w->tender)
        return;
    sl_tender_tiny(w->tender, w->tiny);
    w->tiny = 0;
}

/* What the settings say is done once by a writer, after each segment that it closes, and now and then. */
static void retain(struct sl_log_writer *w, const struct job *j)
{
    int64_t now = sl_time_mono_usec();
    int closes = 0;
    for (size_t i = 0; i < j->npieces; i++)
        closes |= j->pieces[i].closes;
    if (!w->log->state.settings.n || (!closes && now < w->retain_at))
        return;
    w->retain_at = now + RETAIN_EVERY;
    if (!w->tender)
        w->tender = sl_tender_new(w);
    sl_tender_retain(w->tender);
}

static void look_after(const struct job *j, int64_t n)
{
    tend_closed(j, n);
    count_tiny(j->w, j);
    retain(j->w, j);
}

static int after_commit(struct sl_log_writer *w, struct sl_err *err)
{
    sl_writer_keep_log(w);
    int rc = sl_writer_replan_changed(w, err);
    int told = sl_writer_tell(w, rc < 0 ? NULL : err);
    return rc < 0 ? rc : told;
}

static int commit(struct job *j, const struct sl_log_note *note, struct sl_err *err)
{
    sl_writer_before_rotation(j->w);
    for (;;) {
        struct sl_seg open = {0};
        size_t refit = 0;
        int has_open = 0;
        int rc = sl_writer_lock(j->w, err);
        if (rc < 0)
            return rc;
        rc = locked_part(j, note, &refit, &open, &has_open, err);
        sl_writer_unlock(j->w);
        if (rc == 0)
            rc = after_commit(j->w, err);
        if (rc == 0)
            look_after(j, j->w->log->state.n);
        int again = rc == 1;
        if (again)
            rc = sl_blob_refit(j->w, j->blobs[refit], has_open ? &open : NULL, err);
        if (again && has_open)
            free(open.form);
        if (rc < 0 || !again)
            return rc;
    }
}

/* A rotation syncs under the append lock: what can be synced before is. */
static void look_ahead(struct sl_log_writer *w)
{
    if (w->ahead == w->log->c.file || !sl_writer_rotate_near(w))
        return;
    w->ahead = w->log->c.file;
    if (!w->tender)
        w->tender = sl_tender_new(w);
    sl_tender_sync(w->tender);
}

int sl_log_writer_commit(struct sl_log_writer *w, struct sl_log_blob **blobs, size_t nblobs,
                         const struct sl_log_note *note, struct sl_err *err)
{
    struct job j = {.w = w};
    int rc = sl_syncer_check(w->sync, err);
    assert(blobs || !nblobs);

    if (rc == 0)
        rc = sort_blobs(&j, blobs, nblobs, err);
    int nothing = rc == 0 && !j.nblobs && (!note || (!note->npositions && !note->pipeline));
    if (rc == 0 && !nothing)
        rc = commit(&j, note, err);
    for (size_t i = 0; rc == 0 && i < j.nblobs; i++)
        w->own_rows += j.blobs[i]->rows;
    if (rc == 0 && w->policy == SL_SYNC_COMMIT)
        rc = sl_syncer_run(w->sync, err);
    else if (rc == 0)
        look_ahead(w);
    for (size_t i = 0; i < nblobs; i++)
        sl_log_blob_free(blobs[i]);
    free(j.blobs);
    free(j.pieces);
    free(j.iov);
    return rc;
}

int sl_log_writer_locked(struct sl_log_writer *w,
                         int (*fn)(void *arg, const struct sl_log *l, struct sl_err *err),
                         void *arg, struct sl_err *err)
{
    int rc = sl_writer_lock(w, err);
    if (rc < 0)
        return rc;
    rc = fn(arg, w->log, err);
    sl_writer_unlock(w);
    return rc;
}

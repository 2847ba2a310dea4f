/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * rollback: the log goes back to an earlier commit, as a recovery goes back to the last good one: see
 * sluice-log(5), Rollback.
 *
 * The commit's state is read from the commit files. What lies behind it is copied to lost/ first; then a
 * snapshot begins a new history there, and only then is anything cut. Killed before the snapshot, nothing
 * has happened; killed after it, bytes without a name are left, which writers cut or remove.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "maintain/maintain.h"
#include "maintain/mend.h"

/* What the commit files say up to a commit. */
struct past {
    struct sl_log *l;
    int64_t to; /* INT64_MAX: as far as they go */
    struct sl_state state;
    int64_t file;       /* that holds the line, */
    int64_t pos, first; /* the line's end in it, and its snapshot's */
    int64_t earliest;   /* commit that it can go back to */
    void (*fn)(void *arg, const struct sl_rollback_point *p);
    void *arg;
};

static int64_t rows_of(const struct sl_state *s)
{
    int64_t rows = 0;
    for (int i = 0; i < s->npartitions; i++)
        rows += s->parts[i].end;
    return rows;
}

static int take_line(struct past *p, const char *text, size_t n, struct sl_err *err)
{
    struct sl_line line;
    int64_t before = rows_of(&p->state);
    sl_line_init(&line);
    int rc = sl_line_parse(text, n, &line, err);
    if (rc == 0)
        rc = sl_state_apply(&p->state, &line, err);
    if (rc == 0 && !p->earliest)
        p->earliest = line.n;
    if (rc == 0 && p->fn) {
        struct sl_rollback_point point = {.n = line.n,
                                          .at = line.at,
                                          .rows = line.snapshot ? 0 : rows_of(&p->state) - before,
                                          .is_last = line.n == p->l->state.n};
        p->fn(p->arg, &point);
    }
    sl_line_release(&line);
    return rc;
}

/* Takes the lines of one file up to the commit. limit: so many of its bytes count. */
static int take_file(struct past *p, int64_t file, int64_t limit, struct sl_err *err)
{
    struct sl_buf b = SL_BUF_INIT;
    char name[SL_COMMIT_NAME + 16];
    const char *nl;
    int rc = sl_mend_file(p->l, file, name, &b, err);
    int64_t pos = 0, end = SL_MIN(limit, (int64_t)b.len);
    while (rc == 0 && p->state.n < p->to && pos < end &&
           (nl = memchr(b.data + pos, '\n', (size_t)(end - pos))) != NULL) {
        int64_t next = nl + 1 - b.data;
        rc = take_line(p, b.data + pos, (size_t)(next - pos), err);
        if (rc == 0) {
            p->first = pos ? p->first : next;
            p->file = file;
            p->pos = next;
        }
        pos = next;
    }
    sl_buf_release(&b);
    return rc < 0 ? sl_err_place(err, "%s/%s", p->l->path, name) : 0;
}

/* Reads up to p->to; a rollback that was done before made the lines behind it void. */
static int read_past(struct past *p, struct sl_err *err)
{
    int64_t newest, older, last = 0, limit = 0;
    int rc = sl_commits_list(p->l, &newest, &older, err);
    assert(rc < 0 || newest == p->l->c.file);
    if (rc == 0 && older)
        limit = sl_mend_limit(p->l, newest, older, &last);
    if (rc == 0 && limit)
        rc = take_file(p, older, limit, err);
    if (rc == 0 && p->to >= newest)
        rc = take_file(p, newest, p->l->c.pos, err);
    return rc;
}

static int check_there(const struct past *p, struct sl_err *err)
{
    if (p->state.n == p->to)
        return 0;
    if (p->to > p->l->state.n)
        sl_err_set(err, SL_EUSAGE, "there is no commit %" PRId64 ": the last one is %" PRId64,
                   p->to, p->l->state.n);
    else if (p->earliest && p->to < p->earliest)
        sl_err_set(err, SL_EEXPIRED,
                   "commit %" PRId64 " is too long ago: the log can go back to %" PRId64
                   " at the earliest",
                   p->to, p->earliest);
    else
        sl_err_set(err, SL_EEXPIRED,
                   "commit %" PRId64
                   " is no longer there: an earlier rollback or recovery took it back",
                   p->to);
    return sl_err_hint(err, "`sluice log rollback %s` lists those that it can go back to",
                       p->l->path);
}

/* Whether the files of the segments that the commit had are there still: some may have been pruned, or
 * rewritten, since, and removed. */
static int check_files(const struct past *p, struct sl_err *err)
{
    for (int i = 0; i < p->state.npartitions; i++)
        for (int k = 0; k < p->state.parts[i].nsegs; k++) {
            const struct sl_seg *s = &p->state.parts[i].segs[k];
            char name[SL_SEG_NAME];
            struct stat st;
            sl_seg_name(sl_seg_key(s), ".arrows", name);
            if (fstatat(p->l->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
                st.st_size >= s->bytes)
                continue;
            sl_err_set(err, SL_EEXPIRED,
                       "rows of commit %" PRId64
                       " are no longer there as they were: %s was pruned or "
                       "rewritten since",
                       p->to, name);
            return sl_err_hint(err, "a later commit may do: `sluice log rollback %s` lists them",
                               p->l->path);
        }
    return 0;
}

/* The writer's view goes back to the past, which is emptied. */
static int go_back(struct sl_log_writer *w, struct past *p, struct sl_err *err)
{
    struct sl_log *l = w->log;
    char name[SL_COMMIT_NAME];
    assert(p->file > 0 && p->pos >= p->first && p->first > 0);
    sl_commit_name(p->file, name);
    int fd = sl_path_openat(l->c.dirfd, name, O_RDWR | O_NOFOLLOW, 0, l->c.dir, err);
    if (fd < 0)
        return fd;
    if (l->c.fd >= 0)
        close(l->c.fd);
    l->c.fd = fd;
    l->c.file = p->file;
    l->c.pos = p->pos;
    l->c.first = p->first;
    l->c.tail = SL_TAIL_NONE;
    p->state.track = l->state.track;
    sl_state_release(&l->state);
    l->state = p->state;
    p->state = (struct sl_state){0};
    return 0;
}

/* A commit file that the new one does not follow is void as a whole. */
static int move_void(struct sl_log *l, int64_t file, struct sl_err *err)
{
    char name[SL_COMMIT_NAME + 16] = "commits/", as[SL_COMMIT_NAME + 16];
    int dir = sl_lost_open(l, err);
    if (dir < 0)
        return dir;
    sl_commit_name(file, name + 8);
    snprintf(as, sizeof(as), "commits-%s", name + 8);
    int rc = sl_lost_move(l, dir, name, as, err);
    close(dir);
    return rc;
}

static void tell(const struct sl_state *now, const struct sl_state *past,
                 void (*fn)(void *arg, const struct sl_pruned *p), void *arg)
{
    assert(past->npartitions == now->npartitions); /* a log keeps those that it was made with */
    for (int i = 0; i < now->npartitions; i++) {
        const struct sl_pruned p = {
            .partition = i, .from = past->parts[i].end, .to = now->parts[i].end};
        if (p.to > p.from)
            fn(arg, &p);
    }
}

/* Under the lock. */
static int roll_back(struct sl_log_writer *w, struct past *p, int64_t *moved, struct sl_err *err)
{
    struct sl_log *l = w->log;
    int64_t last = l->state.n, file = l->c.file;
    assert(l->use == SL_VIEW_LOCKED && p->state.n < last);
    int rc = sl_writer_tell(w, err);
    if (rc == 0) /* the snapshot states what is on the device */
        rc = sl_syncer_run(w->sync, err);
    if (rc == 0)
        rc = go_back(w, p, err);
    if (rc == 0)
        rc = sl_log_trim(l, SL_TRIM_COPY, moved, err);
    if (rc == 0)
        rc = sl_writer_rotate(w, 1, last + 1, err);
    if (rc == 0)
        w->history = l->state.history;
    if (rc == 0)
        rc = sl_log_trim(l, SL_TRIM_CUT, moved, err);
    if (rc == 0 && p->file != file)
        rc = move_void(l, file, err);
    return rc;
}

static int locked_part(struct sl_log_writer *w, struct past *p, int dry,
                       void (*fn)(void *arg, const struct sl_pruned *p), void *arg, int64_t *moved,
                       struct sl_err *err)
{
    p->l = w->log;
    int rc = read_past(p, err);
    if (rc == 0)
        rc = check_there(p, err);
    if (rc == 0)
        rc = check_files(p, err);
    if (rc < 0)
        return rc;
    tell(&w->log->state, &p->state, fn, arg);
    if (dry || p->to == w->log->state.n)
        return 0;
    return roll_back(w, p, moved, err);
}

int64_t sl_log_rollback(const char *path, int64_t to, int dry,
                        void (*fn)(void *arg, const struct sl_pruned *p), void *arg,
                        struct sl_err *err)
{
    assert(path && fn && to >= 0);
    struct sl_log_writer *w = NULL;
    struct past p = {.to = to};
    int64_t moved = 0;
    int rc = sl_maintain_open(path, &w, err);
    if (rc == 0)
        rc = sl_writer_lock(w, err);
    if (rc == 0) {
        rc = locked_part(w, &p, dry, fn, arg, &moved, err);
        sl_writer_unlock(w);
    }
    sl_state_release(&p.state);
    sl_log_writer_abort(w);
    return rc < 0 ? rc : moved;
}

int sl_log_rollback_points(const char *path,
                           void (*fn)(void *arg, const struct sl_rollback_point *p), void *arg,
                           struct sl_err *err)
{
    assert(path && fn);
    struct past p = {.to = INT64_MAX, .fn = fn, .arg = arg};
    int rc = sl_log_open(path, &p.l, err);
    if (rc == 0)
        rc = read_past(&p, err);
    sl_state_release(&p.state);
    sl_log_free(p.l);
    return rc;
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * commits: reading commit files: loading the newest, catching up, going on to the next.
 *
 * Invariants: (1) the state is what the good lines up to c.pos of file c.file say. (2) bytes are
 * looked at once: only what lies after c.pos is read. (3) a reader calls nothing corrupt that it has
 * not seen again under a shared append lock: a writer may be in the middle of its write.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/time.h"
#include "base/hex.h"
#include "log/view.h"

void sl_commit_name(int64_t n, char *out)
{
    assert(n >= 0);
    sl_digits(out, 20, n);
    memcpy(out + 20, ".jsonl", 7);
}

int sl_commit_number(const char *name, int64_t *n)
{
    return strlen(name) == 26 && strcmp(name + 20, ".jsonl") == 0 && sl_digits_parse(name, 20, n) &&
           *n > 0;
}

/* Turns err into corruption of a commit file at an offset. */
static int corrupt(struct sl_log *l, int64_t file, int64_t offset, struct sl_err *err)
{
    struct sl_buf place = SL_BUF_INIT;
    char name[SL_COMMIT_NAME];
    sl_commit_name(file, name);
    sl_path_join(&place, l->c.dir, name);
    if (err) {
        err->code = SL_ECORRUPT;
        sl_err_offset(err, place.data ? place.data : name, offset);
        sl_err_hint(err, "`sluice log verify` shows all damage, `sluice log repair` mends it");
    }
    sl_buf_release(&place);
    return -SL_ECORRUPT;
}

/* The kernel's time stamps are as coarse as its tick: another change in the tick of this one would not
 * be seen. */
static int is_settled(const struct timespec *t)
{
    int64_t then = (int64_t)t->tv_sec * 1000000 + t->tv_nsec / 1000;
    return then < sl_time_now_usec() - 50000;
}

int sl_commits_list(struct sl_log *l, int64_t *newest, int64_t *before, struct sl_err *err)
{
    assert(l && newest && before);
    struct stat st;
    const char *name;
    int64_t n;
    DIR *d;
    /* A second descriptor: readdir keeps its place in the one it is given. */
    int rc = sl_path_list(l->c.dirfd, ".", l->c.dir, &d, err);
    if (rc < 0)
        return rc;
    *newest = *before = 0;
    if (fstat(dirfd(d), &st) < 0) {
        rc = sl_err_sys(err, "cannot list %s", l->c.dir);
        closedir(d);
        return rc;
    }
    while ((rc = sl_path_next(d, l->c.dir, &name, err)) > 0) {
        if (!sl_commit_number(name, &n))
            continue;
        if (n > *newest) {
            *before = *newest;
            *newest = n;
        } else if (n > *before) {
            *before = n;
        }
    }
    closedir(d);
    if (rc == 0 && !*newest) {
        sl_err_set(err, SL_ECORRUPT, "the log has no commit file");
        sl_err_hint(err, "its files were removed, or are being removed");
        return sl_err_place(err, "%s", l->c.dir);
    }
    if (rc == 0) {
        l->c.listed = is_settled(&st.st_mtim) ? st.st_mtim : (struct timespec){0};
    }
    return rc;
}

static int open_file(struct sl_log *l, int64_t n, struct sl_err *err)
{
    char name[SL_COMMIT_NAME];
    sl_commit_name(n, name);
    return sl_path_openat(l->c.dirfd, name,
                          (l->use == SL_VIEW_READS ? O_RDONLY : O_RDWR) | O_NOFOLLOW, 0, l->c.dir,
                          err);
}

/* Bytes of the file fd from pos on, into l->in. */
static int read_from(struct sl_log *l, int fd, int64_t pos, struct sl_err *err)
{
    struct stat st;
    sl_buf_reset(&l->in);
    l->knows_replaced = 0;
    if (fstat(fd, &st) < 0)
        return sl_err_sys(err, "cannot examine a file of %s", l->c.dir);
    if (st.st_size == pos)
        return 0;
    if (st.st_size < pos) {
        sl_err_set(err, SL_ECORRUPT, "a commit file became shorter");
        return corrupt(l, l->c.file, st.st_size, err);
    }
    if (st.st_size - pos > SL_LINE_MAX) {
        sl_err_set(err, SL_ECORRUPT, "a commit file is impossibly long");
        return corrupt(l, l->c.file, pos, err);
    }
    size_t want = (size_t)(st.st_size - pos);
    char *p = sl_buf_room(&l->in, want);
    if (!p)
        return sl_err_nomem(err, "reading commits");
    ssize_t got = sl_path_pread(fd, p, want, pos, l->c.dir, err);
    if (got < 0)
        return (int)got;
    l->in.len = (size_t)got;
    return 0;
}

/* Notes the greatest number that lines from here on may bear, good or not. */
static void note_numbers(struct sl_log *l, const char *p, const char *end)
{
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        int64_t n = 0;
        if (end - p > 5 && memcmp(p, "{\"n\":", 5) == 0) {
            for (const char *d = p + 5; d < end && *d >= '0' && *d <= '9' && n < INT64_MAX / 16;
                 d++)
                n = n * 10 + (*d - '0');
        }
        /* A damaged number must not make the next one absurd: commits are consecutive. */
        if (n > l->greatest && n < l->state.n + SL_LINE_MAX)
            l->greatest = n;
        if (!nl)
            break;
        p = nl + 1;
    }
}

/* One whole line at p. 0, or < 0 with err naming what is wrong, without the place. */
static int take_line(struct sl_log *l, const char *p, size_t n, int first, struct sl_err *err)
{
    struct sl_line line;
    int rc;

    sl_line_init(&line);
    rc = sl_line_parse(p, n, &line, err);
    if (rc == 0 && !line.snapshot != !first)
        rc = sl_err_set(err, SL_ECORRUPT,
                        first ? "the first line is no snapshot"
                              : "a snapshot in the middle of a file");
    if (rc == 0 && first && line.n != l->c.file)
        rc = sl_err_set(err, SL_ECORRUPT, "the snapshot is not the one that names the file");
    if (rc == 0 && l->trust != SL_VIEW_TRUSTED && line.n > l->mark.durable && !first)
        rc = sl_check_line(l, &line, err);
    if (rc == 0)
        rc = sl_state_apply(&l->state, &line, err);
    if (rc == 0)
        l->greatest = SL_MAX(l->greatest, line.n);
    sl_line_release(&line);
    return rc;
}

/* May what begins at c.pos be lost to a power cut? Then the state just ends here. */
static int may_be_lost(const struct sl_log *l)
{
    return l->trust != SL_VIEW_TRUSTED && l->c.pos > 0 && l->state.n >= l->mark.durable;
}

/* Takes the whole lines of l->in, which begins at c.pos. 1 if there were any. */
static int take_lines(struct sl_log *l, struct sl_err *err)
{
    const char *p = l->in.data, *end = p + l->in.len, *nl;
    int any = 0;

    while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        size_t n = (size_t)(nl + 1 - p);
        int first = l->c.pos == 0;
        int rc = take_line(l, p, n, first, err);
        if (rc == -SL_ECORRUPT && may_be_lost(l) && !l->state.broken) {
            note_numbers(l, p, end);
            l->c.tail = SL_TAIL_LOST;
            return any;
        }
        if (rc == -SL_ECORRUPT)
            return corrupt(l, l->c.file, l->c.pos, err);
        if (rc < 0)
            return rc;
        l->c.pos += (int64_t)n;
        if (first)
            l->c.first = (int64_t)n;
        p = nl + 1;
        any = 1;
    }
    l->c.tail = p < end ? SL_TAIL_TORN : SL_TAIL_NONE;
    if (p < end && !sl_line_is_torn(p, (size_t)(end - p))) {
        if (may_be_lost(l)) {
            l->c.tail = SL_TAIL_LOST;
            return any;
        }
        sl_err_set(err, SL_ECORRUPT, "the last bytes are no part of a line");
        return corrupt(l, l->c.file, l->c.pos, err);
    }
    if (l->trust != SL_VIEW_TRUSTED)
        note_numbers(l, p, end);
    return any;
}

static int take_rest(struct sl_log *l, struct sl_err *err)
{
    int rc = read_from(l, l->c.fd, l->c.pos, err);
    return rc == 0 && l->in.len ? take_lines(l, err) : rc;
}

static int is_ours(const struct sl_log *l, const struct sl_lock_mark *m)
{
    return m->known && strcmp(m->boot, l->boot) == 0;
}

void sl_view_set_trust(struct sl_log *l, enum sl_view_trust to)
{
    assert((to == SL_VIEW_REBOOTED) == !is_ours(l, &l->mark));
    /* Who has a stronger reason to look closely keeps it. */
    assert(to != SL_VIEW_SUSPECT || l->trust == SL_VIEW_TRUSTED || l->trust == SL_VIEW_SUSPECT);
    if (to == SL_VIEW_TRUSTED && l->c.tail == SL_TAIL_LOST)
        l->c.tail = SL_TAIL_NONE; /* what was lost has been taken back, by somebody or by us */
    l->trust = to;
}

static enum sl_view_trust trust_under_way(const struct sl_log *l)
{
    return is_ours(l, &l->mark) ? SL_VIEW_ORPHANED : SL_VIEW_REBOOTED;
}

/* 1 if a sync failed since the mark was read, or is under way and may have: the kernel may have
 * dropped what lies beyond the mark. */
static int sync_failed(struct sl_log *l)
{
    struct sl_lock_mark m;
    if (l->trust != SL_VIEW_TRUSTED || sl_lockfile_mark(&l->lock, 1, &m, NULL) < 0 ||
        (is_ours(l, &m) && !m.syncing))
        return 0;
    l->mark = m;
    sl_view_set_trust(l, trust_under_way(l));
    if (!m.known)
        l->mark.durable = l->state.durable;
    return 1;
}

/* Reads the rest of the present file; what looks corrupt to a reader is looked at again under a
 * lock. */
static int read_rest(struct sl_log *l, struct sl_err *err)
{
    int rc = take_rest(l, err);
    if (rc != -SL_ECORRUPT || l->use == SL_VIEW_LOCKED || l->lock.fd < 0 || l->state.broken)
        return rc;
    rc = sl_lockfile_lock(&l->lock, SL_LOCK_APPEND, SL_LOCK_SHARED, SL_LOCK_PATIENCE, err);
    if (rc < 0)
        return rc;
    rc = take_rest(l, err);
    if (rc == -SL_ECORRUPT && !l->state.broken && sync_failed(l))
        rc = take_rest(l, err);
    sl_lockfile_unlock(&l->lock, SL_LOCK_APPEND);
    return rc < 0 ? rc : 1;
}

/* ---- a tail that is not whole ---- */

/* Whether a line behind c.pos is good in itself. What is bad before it is then no tail. */
static int good_line_follows(struct sl_log *l)
{
    if (read_from(l, l->c.fd, l->c.pos, NULL) < 0)
        return 1; /* nothing is known: the error stays what it is */
    const char *p = l->in.data, *end = p + l->in.len, *nl;
    for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1) {
        /* Rubbish without a newline may stand before it. */
        const char *line = memmem(p, (size_t)(nl - p), "{\"n\":", 5);
        struct sl_line out;
        sl_line_init(&out);
        int good = line && sl_line_parse(line, (size_t)(nl + 1 - line), &out, NULL) == 0;
        sl_line_release(&out);
        if (good)
            return 1;
    }
    return 0;
}

/* 0 if a segment is shorter than commits behind the mark say: whoever commits writes the rows before the
 * line. A segment that is missing was removed by somebody, and is damage. */
static int segments_are_there(const struct sl_log *l)
{
    struct stat st;
    char name[SL_SEG_NAME];
    for (int i = 0; i < l->state.npartitions; i++) {
        const struct sl_part *p = &l->state.parts[i];
        for (int k = 0; k < p->nsegs; k++) {
            const struct sl_seg *s = &p->segs[k];
            if (s->touched <= l->mark.durable)
                continue;
            sl_seg_name(sl_seg_key(s), ".arrows", name);
            if (fstatat(l->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
                st.st_size < s->bytes)
                return 0;
        }
    }
    return 1;
}

/*
 * What is behind the mark is not as it was written, though the system was not started anew: a file
 * system that failed and was mounted again leaves that as well. 1 if nothing at or before the mark is
 * concerned: from now on what is behind it is checked as after a reboot.
 */
static int begin_to_suspect(struct sl_log *l)
{
    struct sl_lock_mark m;
    if (l->trust != SL_VIEW_TRUSTED || l->state.broken || l->c.pos == 0 ||
        sl_lockfile_mark(&l->lock, 0, &m, NULL) < 0 || !is_ours(l, &m) ||
        l->state.n < SL_MAX(m.durable, l->state.durable))
        return 0;
    l->mark = m;
    sl_view_set_trust(l, SL_VIEW_SUSPECT);
    return 1;
}

/* ---- the next file ---- */

/* Makes fd, file number n, the present one. Its snapshot has not been taken yet. */
static void change_file(struct sl_log *l, int fd, int64_t n)
{
    if (l->c.fd >= 0)
        close(l->c.fd);
    l->c.fd = fd;
    l->c.file = n;
    l->c.pos = l->c.first = 0;
    l->c.tail = SL_TAIL_NONE;
}

/* The first line of a file, which is its snapshot; to be released in any case. */
static int read_first(struct sl_log *l, int fd, struct sl_line *line, struct sl_err *err)
{
    sl_line_init(line);
    int rc = read_from(l, fd, 0, err);
    if (rc < 0)
        return rc;
    const char *nl = l->in.len ? memchr(l->in.data, '\n', l->in.len) : NULL;
    return nl ? sl_line_parse(l->in.data, (size_t)(nl + 1 - l->in.data), line, err)
              : sl_err_set(err, SL_ECORRUPT, "the first line is not whole");
}

/* Checks that the snapshot at the start of file n goes on from where the present file ends. 1: it
 * does; 2: it begins another history; 0: the present file must be read on first. */
static int follows(struct sl_log *l, int fd, int64_t n, struct sl_err *err)
{
    struct sl_line line;
    int rc = read_first(l, fd, &line, err);
    if (rc == -SL_ECORRUPT) {
        rc = corrupt(l, n, 0, err);
    } else if (rc == 0 && line.snapshot && line.history != l->state.history) {
        rc = 2;
    } else if (rc == 0 && (!line.snapshot || line.file != l->c.file || line.file_bytes < l->c.pos ||
                           (line.file_bytes == l->c.pos &&
                            (line.last != l->state.n || line.prev != l->state.crc)))) {
        sl_err_set(err, SL_ECORRUPT, "the snapshot does not go on where file %020" PRId64 " ends",
                   l->c.file);
        rc = corrupt(l, n, 0, err);
    } else if (rc == 0) {
        rc = line.file_bytes == l->c.pos;
    }
    sl_line_release(&line);
    return rc;
}

/* Makes fd, file number n, the present one, and reads it. 1 or < 0. */
static int take_file(struct sl_log *l, int fd, int64_t n, struct sl_err *err)
{
    change_file(l, fd, n);
    int rc = read_rest(l, err);
    if (rc >= 0 && l->c.pos == 0) {
        sl_err_set(err, SL_ECORRUPT, "the first line is not whole");
        rc = corrupt(l, n, 0, err);
    }
    return rc < 0 ? rc : 1;
}

/* Goes on to the file named by the next number, if there is one. 1 if it did. */
static int next_file(struct sl_log *l, struct sl_err *err)
{
    for (int tries = 0; tries < 3; tries++) {
        int64_t before = l->state.n;
        int fd = open_file(l, l->state.n + 1, NULL);
        if (fd == -SL_ENOENT)
            return 0;
        if (fd < 0)
            return open_file(l, l->state.n + 1, err);
        int rc = follows(l, fd, before + 1, err);
        if (rc > 0)
            return take_file(l, fd, before + 1, err);
        close(fd);
        if (rc < 0)
            return rc;
        /* The older file goes on: read it once more before the newer one is taken. */
        rc = read_rest(l, err);
        if (rc < 0)
            return rc;
        if (l->state.n == before)
            break;
    }
    sl_err_set(err, SL_ECORRUPT, "the file ends before the next file's snapshot says");
    return corrupt(l, l->c.file, l->c.pos, err);
}

/* Leaves the present file for the newest, whose snapshot is the truth. 1, 0 if it is the same. */
static int take_newest(struct sl_log *l, struct sl_err *err)
{
    int64_t newest, before;
    int rc = sl_commits_list(l, &newest, &before, err);

    if (rc >= 0 && newest < l->c.file) {
        sl_err_set(err, SL_ECORRUPT, "the commit file was removed");
        return corrupt(l, l->c.file, 0, err);
    }
    if (rc < 0 || newest == l->c.file)
        return rc;
    int fd = open_file(l, newest, err);
    return fd < 0 ? fd : take_file(l, fd, newest, err);
}

/* What follows c.pos is bad. 1 if a newer file says that it is void, lines that a recovery took back,
 * and was taken; 0 if not. */
static int pass_void(struct sl_log *l, struct sl_err *err)
{
    int64_t newest, before;
    int rc = sl_commits_list(l, &newest, &before, err);
    if (rc < 0 || newest <= l->c.file)
        return rc;
    int fd = open_file(l, newest, err);
    if (fd < 0)
        return fd;
    struct sl_line line;
    rc = read_first(l, fd, &line, err);
    int is_void = rc == 0 && line.snapshot && line.file == l->c.file && line.file_bytes <= l->c.pos;
    sl_line_release(&line);
    close(fd);
    if (rc < 0 && rc != -SL_ECORRUPT)
        return rc;
    return is_void ? take_newest(l, err) : 0;
}

/* The directory may have changed in another way than by the next file. */
static int jump(struct sl_log *l, struct sl_err *err)
{
    struct stat st;

    if (fstat(l->c.dirfd, &st) < 0)
        return sl_err_sys(err, "cannot examine %s", l->c.dir);
    if (st.st_nlink == 0) {
        sl_err_set(err, SL_ENOENT, "the log was removed while it was read");
        return sl_err_place(err, "%s", l->path);
    }
    if (st.st_mtim.tv_sec == l->c.listed.tv_sec && st.st_mtim.tv_nsec == l->c.listed.tv_nsec)
        return 0;
    return take_newest(l, err);
}

/* A reader that came before the first writer after a reboot: has one been there since? Then commits
 * need no more checking, and what was lost is known. 1 if it has. */
static int was_recovered(struct sl_log *l, struct sl_err *err)
{
    struct sl_lock_mark m;
    int rc = sl_lockfile_mark(&l->lock, 0, &m, err);
    if (rc < 0 || !is_ours(l, &m))
        return rc;
    int same = l->trust == SL_VIEW_SUSPECT || (l->trust == SL_VIEW_ORPHANED && m.syncing);
    if (same && m.durable == l->mark.durable)
        return 0;
    l->mark = m;
    sl_view_set_trust(l, SL_VIEW_TRUSTED);
    return 1;
}

int sl_view_catch_up(struct sl_log *l, struct sl_err *err)
{
    assert(sl_state_is_sound(&l->state));
    int any = 0, rc;

    if (l->state.broken)
        return sl_view_load(l, err) < 0 ? (err ? -(int)err->code : -SL_EFAIL) : 1;
    if (l->trust != SL_VIEW_TRUSTED) {
        int lost = l->c.tail == SL_TAIL_LOST;
        rc = was_recovered(l, err);
        if (rc < 0 || (rc == 0 && lost))
            return rc;
        if (lost) { /* the rest of this file is void */
            rc = take_newest(l, err);
            if (rc < 0)
                return rc;
            any = rc;
        }
    }
    rc = read_rest(l, err);
    if (rc == -SL_ECORRUPT && !l->state.broken) {
        struct sl_err mine;
        int passed = pass_void(l, &mine);
        rc = passed > 0 ? 1 : rc;
        if (passed == 0 && l->use != SL_VIEW_LOCKED && !good_line_follows(l) && begin_to_suspect(l))
            return take_rest(l, err); /* ends before the bad line */
    }
    while (rc >= 0) {
        any |= rc > 0;
        rc = next_file(l, err);
        if (rc == 0)
            break;
    }
    if (rc == 0) {
        rc = jump(l, err);
        any |= rc > 0;
    }
    return rc < 0 ? rc : any;
}

/* ---- loading ---- */

/* The state can hold fewer commits than the mark says only if some were destroyed. */
static int check_mark(struct sl_log *l, struct sl_err *err)
{
    int64_t mark = SL_MAX(l->mark.known ? l->mark.durable : 0, l->state.durable);
    if (l->state.n >= mark)
        return 0;
    sl_err_set(err, SL_ECORRUPT,
               "the file ends after commit %" PRId64 ", but commit %" PRId64 " was synced",
               l->state.n, mark);
    return corrupt(l, l->c.file, l->c.pos, err);
}

static int read_mark(struct sl_log *l, struct sl_err *err)
{
    int64_t before = l->mark.durable;
    enum sl_view_trust trust = SL_VIEW_TRUSTED;
    int rc = sl_lockfile_mark(&l->lock, 0, &l->mark, err);
    if (!is_ours(l, &l->mark))
        trust = SL_VIEW_REBOOTED;
    else if ((l->trust == SL_VIEW_ORPHANED && l->mark.syncing) ||
             (l->trust == SL_VIEW_SUSPECT && l->mark.durable == before))
        trust = l->trust;
    sl_view_set_trust(l, trust);
    sl_segset_reset(&l->checked);
    return rc;
}

static int load(struct sl_log *l, struct sl_err *err)
{
    int64_t newest, before;
    int rc = read_mark(l, err), fd = -1;

    if (rc < 0)
        return rc;
    for (int tries = 0; tries < 8; tries++) { /* a file may be removed between list and open */
        rc = sl_commits_list(l, &newest, &before, err);
        if (rc < 0)
            return rc;
        rc = fd = open_file(l, newest, err);
        if (rc != -SL_ENOENT)
            break;
    }
    if (rc < 0)
        return rc;
    int track = l->state.track;
    sl_state_release(&l->state);
    l->state.track = track;
    rc = take_file(l, fd, newest, err);
    if (rc >= 0 && !l->mark.known)
        l->mark.durable = l->state.durable;
    if (rc >= 0)
        rc = check_mark(l, err);
    if (rc >= 0 && l->c.tail != SL_TAIL_LOST)
        rc = sl_view_catch_up(l, err);
    return rc < 0 ? rc : 0;
}

int sl_view_load(struct sl_log *l, struct sl_err *err)
{
    assert(l->c.dirfd >= 0);
    int rc = load(l, err);
    int bad = rc == -SL_ECORRUPT ? !good_line_follows(l) : rc == 0 && !segments_are_there(l);
    return bad && begin_to_suspect(l) ? load(l, err) : rc;
}

int sl_view_distrust(struct sl_log *l, struct sl_err *err)
{
    return l->state.n > l->mark.durable && begin_to_suspect(l) ? load(l, err) : 0;
}

int sl_view_doubt(struct sl_log *l, struct sl_err *err)
{
    int64_t n = l->state.n;
    uint64_t history = l->state.history;
    struct sl_lock_mark m;
    int rc = sl_lockfile_mark(&l->lock, 0, &m, err);
    if (rc < 0)
        return rc;
    if (!is_ours(l, &m) || m.syncing) {
        l->mark = m;
        sl_view_set_trust(l, trust_under_way(l));
        rc = sl_view_load(l, err);
    } else {
        rc = sl_view_catch_up(l, err); /* it has been recovered, maybe */
    }
    return rc < 0 ? rc : l->state.n < n || l->state.history != history;
}

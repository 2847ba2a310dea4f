/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * rotated: what became of the files that had a path before, while nobody read.
 *
 * The neighbours of the path are looked at. One that the log has a part of, under this path, was
 * renamed or copied since: its rest comes next. One that is later than all that the log has of the
 * path, has the name of a rotated file (.1, -20260301, .2.gz) and is not in the log was made and
 * rotated away in between; such files are only mentioned, because a name proves nothing.
 */
#include "base/compat.h"
#include "base/path.h"
#include "base/time.h"
#include "file/bytes.h"
#include "file/fileid.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "base/json.h"
#include "base/mem.h"
#include "file/rotated.h"

struct neighbour {
    char *name;
    int64_t mtime;   /* ns */
    int is_numbered; /* has the name of a rotated file */
    int is_ours;     /* the log has a part of it, under the path */
    int goes_on;     /* ... and not all */
    int is_known;    /* the log has something of it, under any name */
};

struct search {
    const char *path, *base; /* base: without its directory */
    const struct sl_positions *taken;
    struct stat now; /* of the path */
    struct neighbour *found;
    size_t n;
    uint64_t *inodes; /* recorded under the path */
    size_t ninodes;
    struct sl_err *err;
};

static int is_of_path(const char *value, size_t len, const char *path, struct sl_err *err)
{
    struct sl_buf b = SL_BUF_INIT;
    int same = sl_json_find_string(value, len, "path", &b) == 1, rc = sl_buf_check(&b, err);
    if (rc == 0)
        rc = same && strcmp(b.data, path) == 0;
    sl_buf_release(&b);
    return rc;
}

static int note_inode(struct search *s, const struct sl_position *p)
{
    int same = strncmp(p->id, "file:", 5) == 0 ? is_of_path(p->value, p->len, s->path, s->err) : 0;
    if (same <= 0)
        return same;
    uint64_t *grown = sl_realloc(s->inodes, (s->ninodes + 1) * sizeof(*grown));
    if (!grown)
        return sl_err_nomem(s->err, "rotated files");
    s->inodes = grown;
    s->inodes[s->ninodes++] = strtoull(p->id + 5, NULL, 10);
    return 0;
}

static int had_path(const struct search *s, uint64_t inode)
{
    for (size_t i = 0; i < s->ninodes; i++)
        if (s->inodes[i] == inode)
            return 1;
    return 0;
}

/* NAME.1, NAME-20260301, NAME.2.gz: 2; anything else that begins with NAME and a dot or dash: 1; 0. */
static int likeness(const char *name, const char *base)
{
    size_t n = strlen(base);
    if (strncmp(name, base, n) != 0 || (name[n] != '.' && name[n] != '-'))
        return 0;
    size_t digits = strspn(name + n + 1, "0123456789");
    const char *rest = name + n + 1 + digits;
    return digits && (!*rest || strcmp(rest, ".gz") == 0 || strcmp(rest, ".zst") == 0) ? 2 : 1;
}

/* What the log has of a neighbour. One that is gone, or not for us to read, is passed over. */
static int look_up(const struct search *s, struct neighbour *f)
{
    struct sl_bytes *b;
    struct sl_err why;
    sl_err_init(&why);
    if (sl_bytes_open(f->name, 0, -1, &b, &why) < 0) {
        int want = why.code == SL_ENOMEM || why.sys_errno == EMFILE || why.sys_errno == ENFILE;
        if (want && s->err)
            *s->err = why;
        return want ? -(int)why.code : 0;
    }
    struct sl_fileid *i = sl_fileid_new(b, s->err);
    int rc = i ? sl_fileid_find(i, b, s->taken, s->err) : -(int)(s->err ? s->err->code : SL_EFAIL);
    if (rc > 0) {
        f->is_known = 1;
        rc = i->was ? is_of_path(i->was, strlen(i->was), s->path, s->err) : 0;
        f->is_ours = rc > 0;
        f->goes_on = f->is_ours && !i->compressed && i->byte < i->size;
    }
    sl_fileid_unref(i);
    sl_bytes_free(b);
    return rc < 0 ? rc : 0;
}

static int note_neighbour(struct search *s, const char *dir, const struct dirent *e)
{
    struct sl_buf name = SL_BUF_INIT;
    struct stat st;
    int like = likeness(e->d_name, s->base);
    if (!like && !had_path(s, e->d_ino))
        return 0;
    sl_buf_printf(&name, "%s%s", dir, e->d_name);
    int rc = sl_buf_check(&name, s->err);
    if (rc < 0 || lstat(name.data, &st) < 0 || !S_ISREG(st.st_mode) || !st.st_size ||
        (st.st_dev == s->now.st_dev && st.st_ino == s->now.st_ino)) {
        sl_buf_release(&name);
        return rc;
    }
    struct neighbour *grown = sl_realloc(s->found, (s->n + 1) * sizeof(*grown));
    if (!grown) {
        sl_buf_release(&name);
        return sl_err_nomem(s->err, "rotated files");
    }
    s->found = grown;
    s->found[s->n++] = (struct neighbour){
        .name = sl_buf_take(&name),
        .mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
        .is_numbered = like == 2,
    };
    return look_up(s, &s->found[s->n - 1]);
}

static int by_time(const void *a, const void *b)
{
    const struct neighbour *x = a, *y = b;
    return x->mtime != y->mtime ? x->mtime < y->mtime ? -1 : 1 : strcmp(x->name, y->name);
}

/* A directory that may not be listed, or is gone, has no entries: *out is NULL. */
static int open_dir(const char *path, DIR **out, struct sl_err *err)
{
    *out = opendir(path);
    if (*out || errno == EACCES || errno == ENOENT)
        return 0;
    return sl_err_sys(err, "cannot list %s", path);
}

/* 1, 0 at the end of the directory (of none at once), < 0. */
static int next_entry(DIR *d, const char *path, const struct dirent **e, struct sl_err *err)
{
    errno = 0;
    *e = d ? readdir(d) : NULL;
    return *e ? 1 : d && errno ? sl_err_sys(err, "cannot list %s", path) : 0;
}

static int look_around(struct search *s)
{
    struct sl_buf dir = SL_BUF_INIT;
    const struct dirent *e;
    DIR *d = NULL;
    sl_buf_add(&dir, s->path, (size_t)(s->base - s->path));
    int rc = sl_buf_check(&dir, s->err);
    const char *path = dir.len ? dir.data : ".";
    if (rc == 0)
        rc = open_dir(path, &d, s->err);
    while (rc == 0 && (rc = next_entry(d, path, &e, s->err)) > 0)
        rc = note_neighbour(s, dir.len ? dir.data : "", e);
    if (d)
        closedir(d);
    sl_buf_release(&dir);
    if (rc == 0 && s->n)
        qsort(s->found, s->n, sizeof(*s->found), by_time);
    return rc;
}

int sl_rotated_find(const char *path, const struct sl_positions *taken, struct sl_buf *next,
                    struct sl_buf *missed, struct sl_err *err)
{
    const char *slash = strrchr(path, '/');
    struct search s = {.path = path, .base = slash ? slash + 1 : path, .taken = taken, .err = err};
    int64_t latest = INT64_MAX;
    if (stat(path, &s.now) < 0)
        return 0; /* it is gone again */
    int rc = 0;
    for (const struct sl_position *p = NULL; rc == 0 && (p = sl_positions_next(taken, p));)
        rc = note_inode(&s, p);
    if (rc == 0 && s.ninodes)
        rc = look_around(&s);
    for (size_t i = 0; rc == 0 && i < s.n; i++) {
        const struct neighbour *f = &s.found[i];
        if (f->is_ours)
            latest = f->mtime;
        if (f->goes_on && !next->len)
            sl_buf_addstr(next, f->name);
        else if (f->goes_on || (f->is_numbered && !f->is_known && f->mtime > latest))
            sl_buf_printf(missed, "%s%s", missed->len ? " " : "", f->name);
    }
    for (size_t i = 0; i < s.n; i++)
        free(s.found[i].name);
    free(s.found);
    free(s.inodes);
    return rc < 0 || (rc = sl_buf_check(next, err)) < 0 ? rc : sl_buf_check(missed, err);
}

static int by_birth(const void *a, const void *b)
{
    const struct sl_born *x = a, *y = b;
    return x->at != y->at ? x->at < y->at ? -1 : 1 : strcmp(y->name, x->name);
}

/* When a regular file was made, µs; INT64_MIN: it is none, or nobody knows. */
static int64_t birth_of(const char *path)
{
    struct statx st;
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_BTIME, &st) < 0 ||
        !S_ISREG(st.stx_mode) || !(st.stx_mask & STATX_BTIME))
        return INT64_MIN;
    return (int64_t)st.stx_btime.tv_sec * SL_USEC_PER_SEC + st.stx_btime.tv_nsec / 1000;
}

static int note_born(const char *dir, const char *file, int64_t since, struct sl_born **out,
                     size_t *n, struct sl_err *err)
{
    struct sl_buf name = SL_BUF_INIT;
    sl_buf_printf(&name, "%s%s", dir, file);
    int rc = sl_buf_check(&name, err);
    int64_t at = rc == 0 ? birth_of(name.data) : INT64_MIN;
    struct sl_born *grown = NULL;
    if (at >= since) {
        grown = sl_realloc(*out, (*n + 1) * sizeof(**out));
        if (!grown)
            rc = sl_err_nomem(err, "rotated files");
    }
    if (grown) {
        *out = grown;
        grown[(*n)++] = (struct sl_born){.name = sl_buf_take(&name), .at = at};
    }
    sl_buf_release(&name);
    return rc;
}

int sl_rotated_born(const char *path, int64_t since, struct sl_born **out, size_t *n,
                    struct sl_err *err)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    struct sl_buf dir = SL_BUF_INIT;
    const struct dirent *e;
    DIR *d = NULL;
    *out = NULL;
    *n = 0;
    sl_buf_add(&dir, path, (size_t)(base - path));
    int rc = sl_buf_check(&dir, err);
    if (rc == 0)
        rc = open_dir(dir.len ? dir.data : ".", &d, err);
    while (rc == 0 && (rc = next_entry(d, dir.len ? dir.data : ".", &e, err)) > 0) {
        const char *end = e->d_name + strlen(e->d_name);
        rc = 0; /* a packed one is a copy */
        if (likeness(e->d_name, base) == 2 && end[-1] >= '0' && end[-1] <= '9')
            rc = note_born(dir.len ? dir.data : "", e->d_name, since, out, n, err);
    }
    if (d)
        closedir(d);
    if (*n)
        qsort(*out, *n, sizeof(**out), by_birth);
    sl_buf_release(&dir);
    return rc;
}

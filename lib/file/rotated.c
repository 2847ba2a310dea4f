/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * rotated: what became of the files that had a path before, while nobody read.
 *
 * One that was taken in part, under this path, was renamed or copied since: its rest comes next. One that
 * is later than all of those, has the name of a rotated file (.1, -20260301, .2.gz) and is not known was made
 * and rotated away in between; such files are only mentioned, because a name proves nothing.
 */
#include "base/compat.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/time.h"
#include "file/rotated.h"
#include <fcntl.h>
#include <sys/stat.h>

struct neighbour {
    struct sl_taken *file;
    int64_t mtime;
    int is_ours, is_known; /* it was taken in part under the path; under any name */
    int goes_on;           /* ... and there is more in it */
};

/* What was taken of a neighbour. One that is gone, or not for us to read, is passed over. */
static int look_up(struct sl_seen *seen, const struct sl_taken *f, struct neighbour *x,
                   struct sl_err *err)
{
    const struct sl_taken *of = NULL;
    struct sl_file_facts now;
    struct sl_taken *same = NULL;
    struct sl_bytes *b;
    struct sl_err why = SL_ERR_INIT;
    if (sl_file_facts(-1, x->file->here, &now) < 0 || !now.size || sl_taken_is_inode(f, &now))
        return 0;
    x->mtime = now.mtime;
    if (!x->file->mark.byte) { /* it may be a copy: its bytes tell */
        int rc = sl_bytes_open(x->file->here, 0, -1, &b, &why);
        if (rc < 0 && !sl_bytes_is_short(&why))
            return 0;
        rc = rc < 0 ? rc : sl_seen_open(seen, b, 0, &same, &of, &why);
        sl_bytes_free(b);
        if (rc < 0)
            return sl_err_copy(err, &why);
    }
    x->is_known = x->file->mark.byte > 0;
    x->is_ours = x->is_known && strcmp((of ? of : x->file)->path, f->path) == 0;
    x->goes_on = x->is_ours && !x->file->packed && x->file->mark.byte < now.size;
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct neighbour *x = a, *y = b;
    return x->mtime != y->mtime ? x->mtime < y->mtime ? -1 : 1
                                : strcmp(x->file->here, y->file->here);
}

int sl_rotated_find(struct sl_seen *seen, const struct sl_taken *f, struct sl_buf *next,
                    struct sl_buf *missed, struct sl_err *err)
{
    assert(seen && f && next && missed);
    struct sl_taken **family;
    size_t n;
    int64_t latest = INT64_MAX;
    int rc = sl_seen_family(seen, f, &family, &n, err);
    struct neighbour *list = sl_calloc(n + 1, sizeof(*list));
    if (rc == 0 && !list)
        rc = sl_err_nomem(err, "rotated files");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        list[i].file = family[i];
        rc = look_up(seen, f, &list[i], err);
    }
    if (rc == 0)
        qsort(list, n, sizeof(*list), by_time);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct neighbour *x = &list[i];
        if (x->is_ours)
            latest = x->mtime;
        if (x->goes_on && !next->len)
            sl_buf_addstr(next, x->file->here);
        else if (x->goes_on || (!x->is_known && x->mtime > latest))
            sl_buf_printf(missed, "%s%s", missed->len ? " " : "", x->file->here);
    }
    free(list);
    free(family);
    return rc < 0 || (rc = sl_buf_check(next, err)) < 0 ? rc : sl_buf_check(missed, err);
}

/* ---- those that were made since ---- */

static int by_birth(const void *a, const void *b)
{
    const struct sl_born *x = a, *y = b;
    return x->at != y->at ? x->at < y->at ? -1 : 1 : strcmp(y->name, x->name);
}

/* NAME.1 or NAME-20260301. A packed one is a copy. */
static int is_numbered(const char *name, const char *base)
{
    size_t n = strlen(base);
    return strncmp(name, base, n) == 0 && (name[n] == '.' || name[n] == '-') && name[n + 1] &&
           !name[n + 1 + strspn(name + n + 1, "0123456789")];
}

int sl_rotated_born(const char *path, int64_t since, struct sl_born **out, size_t *n,
                    struct sl_err *err)
{
    assert(path && out && n);
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *name;
    struct sl_buf full = SL_BUF_INIT;
    struct sl_file_facts now;
    struct sl_err why = SL_ERR_INIT;
    char *dir = sl_path_dir(path);
    DIR *d = NULL;
    *out = NULL;
    *n = 0;
    int rc = dir ? sl_path_list(AT_FDCWD, dir, NULL, &d, &why) : sl_err_nomem(&why, path);
    while (rc == 0 && (rc = sl_path_next(d, dir, &name, &why)) > 0) {
        sl_path_join(&full, dir, name);
        rc = sl_buf_check(&full, &why);
        if (rc < 0 || !is_numbered(name, base) || sl_file_facts(-1, full.data, &now) < 0 ||
            !now.is_regular || !now.born || now.born / 1000 < since)
            continue;
        rc = SL_GROW_ONE(*out, *n, "rotated files", &why);
        if (rc == 0)
            (*out)[(*n)++] = (struct sl_born){sl_buf_take(&full), now.born / 1000};
    }
    if (d)
        closedir(d);
    if (*n)
        qsort(*out, *n, sizeof(**out), by_birth);
    sl_buf_release(&full);
    free(dir);
    if (rc == 0 || (!d && (why.sys_errno == EACCES || why.sys_errno == ENOENT)))
        return 0;
    return sl_err_copy(err, &why);
}

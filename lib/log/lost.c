/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * lost: the directory lost/, where bytes go that a recovery or a repair puts aside.
 *
 * Everything goes through a descriptor of the directory itself: whoever may write into a log cannot,
 * by a link in the place of lost/, make another user's repair write elsewhere.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log/log_writer.h"

int sl_lost_open(struct sl_log *l, struct sl_err *err)
{
    struct stat st;
    if (mkdirat(l->dirfd, "lost", 0777) < 0 && errno != EEXIST)
        return sl_err_sys(err, "cannot create %s/lost", l->path);
    int fd = openat(l->dirfd, "lost", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    if ((errno != ELOOP && errno != ENOTDIR) ||
        fstatat(l->dirfd, "lost", &st, AT_SYMLINK_NOFOLLOW) < 0)
        return sl_err_sys(err, "cannot open %s/lost", l->path);
    sl_err_set(err, SL_EIO, "%s/lost is %s: nothing is put aside there", l->path,
               S_ISLNK(st.st_mode) ? "a symbolic link" : "no directory");
    return sl_err_hint(err, "move it away: sluice makes a directory lost/ of its own");
}

int sl_lost_move(struct sl_log *l, int dir, const char *name, const char *as, struct sl_err *err)
{
    char to[160];
    for (int k = 0; k <= 9999; k++) {
        if (k)
            snprintf(to, sizeof(to), "%s-%d", as, k);
        else
            snprintf(to, sizeof(to), "%s", as);
        if (faccessat(dir, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        if (renameat(l->dirfd, name, dir, to) == 0)
            return fsync(dir) < 0 ? sl_err_sys(err, "cannot sync %s/lost", l->path) : 0;
        return errno == ENOENT ? 0 : sl_err_sys(err, "cannot move %s/%s to lost/", l->path, name);
    }
    return sl_err_set(err, SL_EIO, "%s/lost has too many files of the name %s", l->path, as);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* leftover: see leftover.h. */
#include "base/leftover.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/path.h"

enum { DIGITS = 8 }; /* of the random number, and of the checksum */

/* Of the name as it stands in its directory, up to the checksum. */
static uint32_t check_of(const char *path, size_t n)
{
    const char *slash = memrchr(path, '/', n), *name = slash ? slash + 1 : path;
    return sl_crc32c(0, name, n - (size_t)(name - path));
}

int sl_leftover_name(const char *path, const char *mark, struct sl_buf *out, struct sl_err *err)
{
    assert(path && mark && out);
    uint32_t salt;
    ssize_t got;
    do {
        got = getrandom(&salt, sizeof(salt), 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(salt))
        return sl_err_sys(err, "cannot get random bytes");
    sl_buf_reset(out);
    sl_buf_printf(out, "%s%s%ld-%0*x", path, mark, (long)getpid(), DIGITS, salt);
    if (!out->failed)
        sl_buf_printf(out, "%0*x", DIGITS, check_of(out->data, out->len));
    return sl_buf_check(out, err);
}

/* Whether the name, from PID on at s, is one that sl_leftover_name made. */
static int is_ours(const char *name, const char *s)
{
    char check[DIGITS + 1];
    size_t pid = strspn(s, "0123456789");
    if (!pid || s[0] == '0' || s[pid] != '-' || strlen(s + pid + 1) != 2 * DIGITS)
        return 0;
    s += pid + 1 + DIGITS;
    snprintf(check, sizeof(check), "%0*x", DIGITS, check_of(name, (size_t)(s - name)));
    return strcmp(s, check) == 0;
}

static int is_at(int fd, const char *path)
{
    struct stat mine, there;
    return fstat(fd, &mine) == 0 && lstat(path, &there) == 0 && mine.st_dev == there.st_dev &&
           mine.st_ino == there.st_ino;
}

int sl_leftover_hold(int fd, const char *path)
{
    int rc;
    do {
        rc = flock(fd, LOCK_EX); /* a sweep lets go of it at once */
    } while (rc < 0 && errno == EINTR);
    return is_at(fd, path);
}

static void look(const char *path, void (*take)(const char *path))
{
    /* A write lock wants a descriptor for writing where flock is made of other locks. */
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == EISDIR)
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    struct stat st;
    if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) &&
        flock(fd, LOCK_EX | LOCK_NB) == 0 && is_at(fd, path))
        take(path);
    close(fd);
}

void sl_leftover_sweep(const char *path, const char *mark, void (*take)(const char *path))
{
    assert(path && mark && take);
    struct sl_buf dir = SL_BUF_INIT, whole = SL_BUF_INIT;
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base), m = strlen(mark);

    sl_buf_add(&dir, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    DIR *d = dir.failed ? NULL : opendir(dir.data);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        const char *name = e->d_name;
        if (strncmp(name, base, n) != 0 || strncmp(name + n, mark, m) != 0 ||
            !is_ours(name, name + n + m))
            continue;
        sl_path_join(&whole, dir.data, name);
        if (!whole.failed)
            look(whole.data, take);
    }
    if (d)
        closedir(d);
    sl_buf_release(&dir);
    sl_buf_release(&whole);
}

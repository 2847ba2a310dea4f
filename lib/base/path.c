/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* path: see path.h. Whole reads and writes; watches are in watch.c. */
#include "base/compat.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/path.h"

/* Waits until a descriptor that was handed to us non-blocking can go on. */
static void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    poll(&p, 1, -1);
}

ssize_t sl_path_pread(int fd, void *data, size_t n, int64_t offset, const char *path,
                      struct sl_err *err)
{
    assert(offset >= 0);
    size_t done = 0;
    while (done < n) {
        ssize_t k = pread(fd, (char *)data + done, n - done, (off_t)(offset + (int64_t)done));
        if (k == 0)
            break;
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0) {
            sl_err_sys(err, "cannot read %s", path);
            return sl_err_offset(err, path, offset + (int64_t)done);
        }
        done += (size_t)k;
    }
    return (ssize_t)done;
}

ssize_t sl_path_read(int fd, void *data, size_t n, const char *path, struct sl_err *err)
{
    assert(n > 0);
    for (;;) {
        ssize_t k = read(fd, data, n);
        if (k >= 0)
            return k;
        if (errno == EAGAIN)
            wait_for(fd, POLLIN);
        else if (errno != EINTR)
            return sl_err_sys(err, "cannot read %s", path);
    }
}

int sl_path_write(int fd, const void *data, size_t n, const char *path, struct sl_err *err)
{
    assert(fd >= 0 && (data || !n));
    size_t done = 0;
    while (done < n) {
        ssize_t k = write(fd, (const char *)data + done, n - done);
        if (k >= 0)
            done += (size_t)k;
        else if (errno == EAGAIN)
            wait_for(fd, POLLOUT);
        else if (errno != EINTR)
            return sl_err_sys(err, "cannot write %s", path);
    }
    return 0;
}

int sl_path_pwrite(int fd, const void *data, size_t n, int64_t offset, const char *path,
                   struct sl_err *err)
{
    assert(offset >= 0);
    size_t done = 0;
    while (done < n) {
        ssize_t k =
            pwrite(fd, (const char *)data + done, n - done, (off_t)(offset + (int64_t)done));
        if (k >= 0)
            done += (size_t)k;
        else if (errno != EINTR)
            return sl_err_sys(err, "cannot write %s", path);
    }
    return 0;
}

int sl_path_sync(int fd, const char *path, struct sl_err *err)
{
    assert(fd >= 0 && path);
    /* EINTR is no exception to the rule that a failed sync is final: what it wrote is unknown. */
    if (fdatasync(fd) < 0)
        return sl_err_sys(err, "cannot sync %s", path);
    return 0;
}

static int sync_dir(int dirfd, const char *name, int flags, const char *dir, struct sl_err *err)
{
    int fd = sl_path_openat(dirfd, name, O_RDONLY | O_DIRECTORY | flags, 0, dir, err);
    if (fd < 0)
        return fd;
    int rc = fsync(fd) < 0 ? sl_err_sys(err, "cannot sync directory %s%s%s", dir ? dir : "",
                                        dir ? "/" : "", name)
                           : 0;
    close(fd);
    return rc;
}

int sl_path_sync_dir(const char *dir, struct sl_err *err)
{
    return sync_dir(AT_FDCWD, dir, 0, NULL, err);
}

int sl_path_sync_below(int dirfd, const char *name, const char *dir, struct sl_err *err)
{
    return sync_dir(dirfd, name, O_NOFOLLOW, dir, err);
}

int sl_path_sync_parent(const char *path, struct sl_err *err)
{
    char *dir = sl_path_dir(path);
    int rc = dir ? sl_path_sync_dir(dir, err) : sl_err_nomem(err, path);
    free(dir);
    return rc;
}

int sl_path_open(const char *path, int flags, mode_t mode, struct sl_err *err)
{
    assert(path);
    return sl_path_openat(AT_FDCWD, path, flags, mode, NULL, err);
}

/* What is opened without following links is one of our own files, and nothing else may stand in its
 * place: no FIFO, whose open would wait for ever, no device, no link, neither as its directory. */
static int is_ours(int fd, int flags)
{
    struct stat st;
    return !(flags & O_NOFOLLOW) || (flags & O_DIRECTORY) ||
           (fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
}

/* Whether the directory that a name below dirfd begins with is a link. */
static int is_in_link(int dirfd, const char *name)
{
    char first[64];
    struct stat st;
    const char *slash = strchr(name, '/');
    if (dirfd == AT_FDCWD || !slash || (size_t)(slash - name) >= sizeof(first))
        return 0;
    memcpy(first, name, (size_t)(slash - name));
    first[slash - name] = '\0';
    return fstatat(dirfd, first, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

static int not_ours(const char *dir, const char *name, const char *what, struct sl_err *err)
{
    sl_err_set(err, SL_EFORMAT, "%s%s%s %s", dir ? dir : "", dir ? "/" : "", name, what);
    return sl_err_hint(err, "no link is followed here, and nothing else is read");
}

int sl_path_openat(int dirfd, const char *name, int flags, mode_t mode, const char *dir,
                   struct sl_err *err)
{
    assert(name);
    int own = flags & O_NOFOLLOW, more = O_CLOEXEC | (own ? O_NONBLOCK | O_NOCTTY : 0);
    if (own && is_in_link(dirfd, name))
        return not_ours(dir, name, "is below a symbolic link", err);
    for (;;) {
        int fd = openat(dirfd, name, flags | more, mode);
        if (fd >= 0 && is_ours(fd, flags))
            return fd;
        if (fd >= 0)
            close(fd);
        else if (errno == EINTR)
            continue;
        if (fd >= 0 || (own && errno == ENXIO)) /* a FIFO that is opened for writing */
            return not_ours(dir, name, "is not a regular file", err);
        if (own && errno == ELOOP)
            return not_ours(dir, name, "is a symbolic link", err);
        return sl_err_sys(err, "cannot %s %s%s%s", flags & O_CREAT ? "create" : "open",
                          dir ? dir : "", dir ? "/" : "", name);
    }
}

int sl_path_make_below(int dirfd, const char *name, const char *dir, struct sl_err *err)
{
    assert(dirfd >= 0 && name && dir);
    if (mkdirat(dirfd, name, 0777) < 0 && errno != EEXIST)
        return sl_err_sys(err, "cannot make %s/%s", dir, name);
    if (fsync(dirfd) < 0)
        return sl_err_sys(err, "cannot sync %s", dir);
    return sl_path_openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, dir, err);
}

int sl_path_is_name(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    assert(name);
    return *name && *name != '.' && !name[strspn(name, letters)] && strlen(name) <= 64;
}

int sl_path_list(int dirfd, const char *name, const char *dir, DIR **out, struct sl_err *err)
{
    assert(name && out);
    int flags = O_RDONLY | O_DIRECTORY | (dirfd == AT_FDCWD ? 0 : O_NOFOLLOW);
    int fd = sl_path_openat(dirfd, name, flags, 0, dir, err);
    *out = fd >= 0 ? fdopendir(fd) : NULL;
    if (*out)
        return 0;
    if (fd < 0)
        return fd;
    int rc = sl_err_sys(err, "cannot list %s%s%s", dir ? dir : "", dir ? "/" : "", name);
    close(fd);
    return rc;
}

int sl_path_next(DIR *d, const char *dir, const char **name, struct sl_err *err)
{
    assert(d && name);
    errno = 0;
    const struct dirent *e = readdir(d);
    if (!e && errno)
        return sl_err_sys(err, "cannot list %s", dir);
    *name = e ? e->d_name : NULL;
    return e != NULL;
}

int sl_path_read_file(const char *path, size_t limit, struct sl_buf *out, struct sl_err *err)
{
    assert(path && out);
    int fd = sl_path_open(path, O_RDONLY, 0, err);
    if (fd < 0)
        return fd;
    int rc = 0;
    size_t start = out->len;
    for (;;) {
        char *p = sl_buf_room(out, 16384);
        if (!p) {
            rc = sl_err_nomem(err, path);
            break;
        }
        ssize_t k = sl_path_read(fd, p, 16384, path, err);
        if (k <= 0) {
            rc = (int)k;
            break;
        }
        out->len += (size_t)k;
        out->data[out->len] = '\0';
        if (out->len - start > limit) {
            rc = sl_err_set(err, SL_EFORMAT, "%s is larger than %zu bytes", path, limit);
            break;
        }
    }
    close(fd);
    return rc;
}

int sl_path_not_created(const char *path, struct sl_err *err)
{
    int e = errno;
    const char *slash = strrchr(path, '/');
    sl_err_sys(err, "cannot create %s", path);
    if (e == ENOENT && slash && slash > path)
        sl_err_hint(err, "make its directory first: mkdir -p %.*s", (int)(slash - path), path);
    return -(int)(err ? err->code : SL_EFAIL);
}

void sl_path_join(struct sl_buf *out, const char *dir, const char *name)
{
    assert(out && dir && name);
    sl_buf_reset(out);
    sl_buf_addstr(out, dir);
    if (out->len && out->data[out->len - 1] != '/')
        sl_buf_addch(out, '/');
    sl_buf_addstr(out, name);
}

char *sl_path_dir(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    const char *slash = memrchr(path, '/', n);
    return slash ? sl_strndup(path, (size_t)SL_MAX(slash - path, 1)) : sl_strdup(".");
}

void sl_path_absolute(struct sl_buf *out, const char *cwd, const char *path)
{
    assert(out && cwd && path);
    if (*path != '/')
        sl_buf_addstr(out, strcmp(cwd, "/") == 0 ? "" : cwd);
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n && !(n == 1 && *path == '.')) {
            sl_buf_addch(out, '/');
            sl_buf_add(out, path, n);
        }
        path += n + (path[n] == '/');
    }
}

int sl_path_is_log(const char *path)
{
    return sl_path_find_log(path, NULL) == 1;
}

int sl_path_find_log(const char *path, struct sl_err *err)
{
    char name[PATH_MAX + 16]; /* not allocated: the answer is never "no" for want of memory */
    struct stat st;
    int n = snprintf(name, sizeof(name), "%s/commits", path);
    if (!*path || n <= 0 || (size_t)n >= sizeof(name))
        return 0;
    if (stat(name, &st) == 0)
        return S_ISDIR(st.st_mode) != 0;
    return errno == ENOENT || errno == ENOTDIR ? 0 : sl_err_sys(err, "cannot look for %s", name);
}

/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * record: a library to preload (LD_PRELOAD) that writes down what a program does to the file
 * system, so that tests/fault/replay can tell what a power cut may leave of it.
 *
 *   RECORD=FILE LD_PRELOAD=.../record.so PROGRAM...
 *
 * Every operation that succeeded is appended to FILE as one record: writes with their data,
 * truncations, syncs, new names and names taken away, and what goes to standard output, which is
 * where the program acknowledges. Files and directories are known by their inode numbers, so that
 * duplicated descriptors need no care. The order of the records is the order of the operations, in
 * all threads and processes: each is done under a lock on FILE.
 *
 * A record, little-endian: op (1 byte), pid (4), a, b, c (8 each), length of x (4), of y (4), x, y.
 *
 *   op  a          b          c      x         y
 *   W   inode      offset     0      data                  write
 *   T   inode      size       0                            truncation
 *   S   inode      0          0                            fsync, fdatasync: returned 0
 *   A   0          0          0                            syncfs, sync
 *   C   directory  inode      0      name                  a new file
 *   M   directory  inode      0      name                  a new directory
 *   R   directory  directory  inode  old name  new name    rename
 *   L   directory  inode      0      name                  another name of a file
 *   U   directory  inode      0      name                  unlink, rmdir
 *   K   0          0          0      data                  written to standard output
 *
 * BOOT=FILE: that is what the program is given as the kernel's boot id, with or without RECORD.
 *
 * Static programs, mmap and direct system calls escape it.
 */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int out = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static __thread int inside; /* a function below that calls another one below */

#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (!real)                                                                                     \
    real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("RECORD");
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path,
                                 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)
                  : -1;
    if (path && fd < 0)
        abort(); /* a recorder that records nothing would prove anything */
    /* Far up, where no program counts its descriptors. */
    out = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 500);
    if (fd >= 0)
        syscall(SYS_close, fd);
}

static int enter(void)
{
    if (inside || out < 0)
        return 0;
    inside = 1;
    pthread_mutex_lock(&mutex);
    flock(out, LOCK_EX);
    return 1;
}

static void leave(int entered)
{
    int saved = errno;
    if (!entered)
        return;
    flock(out, LOCK_UN);
    pthread_mutex_unlock(&mutex);
    inside = 0;
    errno = saved;
}

static void put(char op, uint64_t a, uint64_t b, uint64_t c, const void *x, size_t nx,
                const void *y, size_t ny)
{
    struct __attribute__((packed)) {
        char op;
        int32_t pid;
        uint64_t a, b, c;
        uint32_t nx, ny;
    } head = {op, getpid(), a, b, c, (uint32_t)nx, (uint32_t)ny};
    struct iovec v[3] = {
        {&head, sizeof(head)}, {(void *)(uintptr_t)x, nx}, {(void *)(uintptr_t)y, ny}};
    int saved = errno;
    if (syscall(SYS_writev, out, v, 3) != (long)(sizeof(head) + nx + ny))
        abort();
    errno = saved;
}

/* ---- what a descriptor or a path is ---- */

/* 1 if fd is a regular file or a directory; its inode. */
static int inode_of(int fd, uint64_t *inode, off_t *size)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return 0;
    *inode = st.st_ino;
    if (size)
        *size = st.st_size;
    return 1;
}

struct place {
    uint64_t dir, inode; /* inode 0: nothing there */
    char name[256];
};

static void look(int dirfd, const char *path, struct place *p)
{
    char dir[4096];
    struct stat st;
    size_t n = strlen(path);
    memset(p, 0, sizeof(*p));
    if (n >= sizeof(dir))
        return;
    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t cut = n;
    while (cut > 0 && path[cut - 1] != '/')
        cut--;
    if (n - cut < sizeof(p->name))
        memcpy(p->name, path + cut, n - cut);
    memcpy(dir, cut ? path : ".", cut ? cut : 1);
    dir[cut ? cut : 1] = '\0';
    if (fstatat(dirfd, dir, &st, 0) == 0)
        p->dir = st.st_ino;
    if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        p->inode = st.st_ino;
}

/* ---- opening ---- */

static void opened(int fd, const struct place *p, int flags)
{
    uint64_t inode;
    off_t size;
    if (fd < 0 || !inode_of(fd, &inode, &size))
        return;
    if ((flags & O_CREAT) && !p->inode)
        put('C', p->dir, inode, 0, p->name, strlen(p->name), "", 0);
    else if (flags & O_TRUNC)
        put('T', inode, 0, 0, "", 0, "", 0);
}

static int open_at(int dirfd, const char *path, int flags, mode_t mode)
{
    struct place p = {0};
    const char *boot = getenv("BOOT");
    int in = enter();
    if (in)
        look(dirfd, path, &p);
    if (boot && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0)
        path = boot;
    int fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
    if (in)
        opened(fd, &p, flags);
    leave(in);
    return fd;
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list ap;                                                                                \
        va_start(ap, flags);                                                                       \
        mode_t mode = mode_of(flags, ap);                                                          \
        va_end(ap);                                                                                \
        return open_at(AT_FDCWD, path, flags, mode);                                               \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
    int name(int dirfd, const char *path, int flags, ...)                                          \
    {                                                                                              \
        va_list ap;                                                                                \
        va_start(ap, flags);                                                                       \
        mode_t mode = mode_of(flags, ap);                                                          \
        va_end(ap);                                                                                \
        return open_at(dirfd, path, flags, mode);                                                  \
    }
OPENAT(openat)
OPENAT(openat64)

int creat(const char *path, mode_t mode)
{
    return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* What _FORTIFY_SOURCE makes of open without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);
int __open_2(const char *path, int flags)
{
    return open_at(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char *path, int flags)
{
    return open_at(AT_FDCWD, path, flags, 0);
}
int __openat_2(int dirfd, const char *path, int flags)
{
    return open_at(dirfd, path, flags, 0);
}
int __openat64_2(int dirfd, const char *path, int flags)
{
    return open_at(dirfd, path, flags, 0);
}

int mkstemp(char *template)
{
    REAL(mkstemp);
    int in = enter();
    int fd = real(template);
    if (in && fd >= 0) {
        struct place p;
        look(AT_FDCWD, template, &p);
        put('C', p.dir, p.inode, 0, p.name, strlen(p.name), "", 0);
    }
    leave(in);
    return fd;
}

/* ---- writing ---- */

/* Where a write without an offset will go. */
static off_t place_of_write(int fd, off_t size)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_APPEND) ? size : lseek(fd, 0, SEEK_CUR);
}

static void wrote(int fd, off_t offset, const struct iovec *v, int n, ssize_t done)
{
    uint64_t inode = 0;
    if (done <= 0 || (fd != STDOUT_FILENO && !inode_of(fd, &inode, NULL)))
        return;
    char *all = malloc((size_t)done);
    if (!all)
        abort();
    size_t have = 0;
    for (int i = 0; i < n && have < (size_t)done; i++) {
        size_t part = v[i].iov_len < (size_t)done - have ? v[i].iov_len : (size_t)done - have;
        memcpy(all + have, v[i].iov_base, part);
        have += part;
    }
    put(fd == STDOUT_FILENO ? 'K' : 'W', inode, (uint64_t)offset, 0, all, have, "", 0);
    free(all);
}

static ssize_t write_at(int fd, const struct iovec *v, int n, off_t offset, int positioned)
{
    uint64_t inode;
    off_t size = 0;
    int in = enter();
    off_t at = offset;
    if (in && !positioned && inode_of(fd, &inode, &size))
        at = place_of_write(fd, size);
    ssize_t done = positioned ? syscall(SYS_pwritev, fd, v, (long)n, (long)offset, 0L)
                              : syscall(SYS_writev, fd, v, (long)n);
    if (in)
        wrote(fd, at, v, n, done);
    leave(in);
    return done;
}

ssize_t write(int fd, const void *data, size_t n)
{
    struct iovec v = {(void *)(uintptr_t)data, n};
    return write_at(fd, &v, 1, 0, 0);
}
ssize_t writev(int fd, const struct iovec *v, int n)
{
    return write_at(fd, v, n, 0, 0);
}
ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    struct iovec v = {(void *)(uintptr_t)data, n};
    return write_at(fd, &v, 1, offset, 1);
}
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset)
{
    struct iovec v = {(void *)(uintptr_t)data, n};
    return write_at(fd, &v, 1, offset, 1);
}
ssize_t pwritev(int fd, const struct iovec *v, int n, off_t offset)
{
    return write_at(fd, v, n, offset, 1);
}
ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t offset)
{
    return write_at(fd, v, n, offset, 1);
}

static int truncate_to(int fd, off_t size)
{
    uint64_t inode;
    int in = enter();
    int rc = (int)syscall(SYS_ftruncate, fd, size);
    if (in && rc == 0 && inode_of(fd, &inode, NULL))
        put('T', inode, (uint64_t)size, 0, "", 0, "", 0);
    leave(in);
    return rc;
}
int ftruncate(int fd, off_t size)
{
    return truncate_to(fd, size);
}
int ftruncate64(int fd, off64_t size)
{
    return truncate_to(fd, size);
}

/* ---- syncing ---- */

static int synced(long call, int fd)
{
    uint64_t inode;
    int in = enter();
    int rc = (int)syscall(call, fd);
    if (in && rc == 0 && call == SYS_syncfs)
        put('A', 0, 0, 0, "", 0, "", 0);
    else if (in && rc == 0 && inode_of(fd, &inode, NULL))
        put('S', inode, 0, 0, "", 0, "", 0);
    leave(in);
    return rc;
}
int fsync(int fd)
{
    return synced(SYS_fsync, fd);
}
int fdatasync(int fd)
{
    return synced(SYS_fdatasync, fd);
}
int syncfs(int fd)
{
    return synced(SYS_syncfs, fd);
}

/* ---- names ---- */

int mkdirat(int dirfd, const char *path, mode_t mode)
{
    int in = enter();
    int rc = (int)syscall(SYS_mkdirat, dirfd, path, mode);
    if (in && rc == 0) {
        struct place p;
        look(dirfd, path, &p);
        put('M', p.dir, p.inode, 0, p.name, strlen(p.name), "", 0);
    }
    leave(in);
    return rc;
}
int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

static int rename_at(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    struct place a = {0}, b = {0};
    int in = enter();
    if (in) {
        look(from_fd, from, &a);
        look(to_fd, to, &b);
    }
    int rc = (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
    if (in && rc == 0)
        put('R', a.dir, b.dir, a.inode, a.name, strlen(a.name), b.name, strlen(b.name));
    leave(in);
    return rc;
}
int rename(const char *from, const char *to)
{
    return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return rename_at(from_fd, from, to_fd, to, 0);
}
int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return rename_at(from_fd, from, to_fd, to, flags);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    int in = enter();
    int rc = (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
    if (in && rc == 0) {
        struct place p;
        look(to_fd, to, &p);
        put('L', p.dir, p.inode, 0, p.name, strlen(p.name), "", 0);
    }
    leave(in);
    return rc;
}
int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int dirfd, const char *path, int flags)
{
    struct place p = {0};
    int in = enter();
    if (in)
        look(dirfd, path, &p);
    int rc = (int)syscall(SYS_unlinkat, dirfd, path, flags);
    if (in && rc == 0)
        put('U', p.dir, p.inode, 0, p.name, strlen(p.name), "", 0);
    leave(in);
    return rc;
}
int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}
int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

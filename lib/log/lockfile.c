/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* lockfile: see lockfile.h; the layout is in sluice-log(5), LOCK FILE. */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/time.h"
#include "base/hex.h"
#include "log/lockfile.h"

enum {
    MARK_BYTES = 67,
    MARK_CRC = 58,
    SYNCING = '!',
    PID = 10,
};

/* Who holds, or held last, one of the locks: process id, space, host, space, CRC, newline. */
struct place {
    int at, host; /* where in the file; length of the host */
};
static const struct place places[] = {
    [SL_LOCK_APPEND] = {128, 64}, [SL_LOCK_SYNC] = {67, 40}, [SL_LOCK_USE] = {128, 64}};
enum { HOST_MAX = 64 };
#define HOLDER_CRC(width) (PID + 1 + (width) + 1)

const char sl_boot_failed[] = "00000000-0000-0000-0000-000000000000";

int sl_boot_id(char *out, struct sl_err *err)
{
    static const char path[] = "/proc/sys/kernel/random/boot_id";
    ssize_t n;
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    int there = fd >= 0 || (errno != ENOENT && errno != ENOTDIR && errno != EACCES);
    do {
        n = fd >= 0 ? read(fd, out, SL_BOOT_ID) : -1;
    } while (fd >= 0 && n < 0 && errno == EINTR);
    /* A failure for the moment must not look like a reboot to other processes. */
    int rc = n != SL_BOOT_ID && there ? sl_err_sys(err, "cannot read %s", path) : 0;
    if (fd >= 0)
        close(fd);
    /* Without it no reboot can be told from none: one name for all of them, kill -9 stays safe. */
    if (n != SL_BOOT_ID)
        memset(out, 'x', SL_BOOT_ID);
    out[SL_BOOT_ID] = '\0';
    return rc;
}

int sl_lockfile_open(const char *log, int writable, struct sl_lockfile *f, struct sl_err *err)
{
    struct sl_buf path = SL_BUF_INIT;
    sl_path_join(&path, log, "lock");
    f->fd = -1;
    f->path = sl_buf_take(&path);
    if (!f->path)
        return sl_err_nomem(err, "opening a log");
    f->fd = sl_path_open(f->path, (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW, 0, err);
    if (f->fd >= 0 || !writable)
        return 0;
    int rc = f->fd;
    sl_lockfile_close(f);
    return rc;
}

void sl_lockfile_close(struct sl_lockfile *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    f->fd = -1;
    f->path = NULL;
}

static void print_mark(char *out, int64_t durable, const char *boot, char busy)
{
    sl_digits(out, 20, durable);
    out[20] = busy;
    memcpy(out + 21, boot, SL_BOOT_ID);
    out[57] = ' ';
    sl_hex32(out + MARK_CRC, sl_crc32c(0, out, MARK_CRC));
    out[66] = '\n';
}

void sl_holder_print(char *out, int width)
{
    char host[HOST_MAX + 1] = "";
    assert(out && width > 0 && width <= HOST_MAX);
    if (gethostname(host, sizeof(host) - 1) < 0)
        host[0] = '\0';
    memset(out, ' ', (size_t)SL_HOLDER_BYTES(width));
    sl_digits(out, PID, getpid());
    memcpy(out + PID + 1, host, SL_MIN(strlen(host), (size_t)width));
    sl_hex32(out + HOLDER_CRC(width), sl_crc32c(0, out, (size_t)HOLDER_CRC(width)));
    out[SL_HOLDER_BYTES(width) - 1] = '\n';
}

int sl_holder_read(int fd, int64_t at, int width, int64_t *pid, char *host)
{
    char h[SL_HOLDER_BYTES(HOST_MAX)];
    uint64_t crc;
    assert(width > 0 && width <= HOST_MAX && pid && host);
    ssize_t size = SL_HOLDER_BYTES(width);
    if (pread(fd, h, (size_t)size, at) != size || !sl_hex_parse(h + HOLDER_CRC(width), 8, &crc) ||
        crc != sl_crc32c(0, h, (size_t)HOLDER_CRC(width)) || !sl_digits_parse(h, PID, pid))
        return 0;
    while (width > 0 && h[PID + width] == ' ')
        width--;
    memcpy(host, h + PID + 1, (size_t)width);
    host[width] = '\0';
    return 1;
}

int sl_lockfile_create(const char *path, int64_t durable, const char *boot, struct sl_err *err)
{
    char all[SL_LOCKFILE_BYTES];
    memset(all, ' ', sizeof(all));
    print_mark(all, durable, boot, ' ');
    sl_holder_print(all + places[SL_LOCK_APPEND].at, places[SL_LOCK_APPEND].host);
    all[SL_LOCKFILE_BYTES - 1] = '\n';
    int fd = sl_path_open(path, O_WRONLY | O_CREAT | O_EXCL, 0666, err);
    if (fd < 0)
        return fd;
    int rc = sl_path_pwrite(fd, all, sizeof(all), 0, path, err);
    if (rc == 0)
        rc = sl_path_sync(fd, path, err);
    close(fd);
    return rc;
}

int sl_lockfile_holder(const struct sl_lockfile *f, enum sl_lock_byte byte, int64_t *pid,
                       char *host)
{
    const struct place *p = &places[byte];
    return sl_holder_read(f->fd, p->at, p->host, pid, host);
}

/* Says who holds the lock, as far as the file tells. */
static int locked(const struct sl_lockfile *f, enum sl_lock_byte byte, struct sl_err *err)
{
    char host[SL_HOLDER_HOST];
    int64_t pid;
    sl_err_set(err, SL_ELOCKED, "another process holds the %s of the log",
               byte == SL_LOCK_SYNC ? "lock for syncing" : "lock");
    if (err)
        err->retryable = 1;
    if (sl_lockfile_holder(f, byte, &pid, host))
        sl_err_hint(err, "the last to %s was process %" PRId64 " on %s",
                    byte == SL_LOCK_SYNC ? "sync" : "append", pid, host);
    return sl_err_place(err, "%s", f->path);
}

int sl_lockfile_lock(const struct sl_lockfile *f, enum sl_lock_byte byte, enum sl_lock_kind kind,
                     int64_t patience, struct sl_err *err)
{
    assert(f->fd >= 0);
    struct flock fl = {.l_type = kind == SL_LOCK_SHARED ? F_RDLCK : F_WRLCK,
                       .l_whence = SEEK_SET,
                       .l_start = byte,
                       .l_len = 1};
    int64_t deadline = 0;
    long pause = 5000; /* ns; doubles: most holders are done within some 20 µs */
    for (;;) {
        if (fcntl(f->fd, F_OFD_SETLK, &fl) == 0)
            return 0;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EACCES)
            return sl_err_sys(err, "cannot lock %s", f->path);
        int64_t now = sl_time_mono_usec();
        if (!deadline)
            deadline = now + patience;
        if (now >= deadline)
            return locked(f, byte, err);
        struct timespec ts = {.tv_nsec = pause};
        nanosleep(&ts, NULL);
        pause = SL_MIN(pause * 2, 1000000L);
    }
}

void sl_lockfile_unlock(const struct sl_lockfile *f, enum sl_lock_byte byte)
{
    struct flock fl = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int rc;
    do {
        rc = fcntl(f->fd, F_OFD_SETLK, &fl);
    } while (rc < 0 && errno == EINTR);
    /* A file system that refuses (ENOLCK) frees the lock with the descriptor at the latest. */
}

int sl_lockfile_is_current(const struct sl_lockfile *f, struct sl_err *err)
{
    struct stat mine, there;
    if (fstat(f->fd, &mine) < 0)
        return sl_err_sys(err, "cannot examine %s", f->path);
    if (stat(f->path, &there) == 0 && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino)
        return 0;
    sl_err_set(err, SL_EIO, "the log was removed or replaced while it was open");
    return sl_err_place(err, "%s", f->path);
}

static int read_mark(const struct sl_lockfile *f, struct sl_lock_mark *m, struct sl_err *err)
{
    char r[MARK_BYTES];
    uint64_t crc;
    ssize_t n = sl_path_pread(f->fd, r, sizeof(r), 0, f->path, err);
    if (n < 0)
        return (int)n;
    m->known = n == (ssize_t)sizeof(r) && sl_hex_parse(r + MARK_CRC, 8, &crc) &&
               crc == sl_crc32c(0, r, MARK_CRC) && (r[20] == ' ' || r[20] == SYNCING) &&
               r[57] == ' ' && r[66] == '\n' && sl_digits_parse(r, 20, &m->durable);
    if (m->known)
        memcpy(m->boot, r + 21, SL_BOOT_ID);
    m->boot[m->known ? SL_BOOT_ID : 0] = '\0';
    m->syncing = m->known && r[20] == SYNCING;
    return 0;
}

int sl_lockfile_mark(const struct sl_lockfile *f, int held, struct sl_lock_mark *m,
                     struct sl_err *err)
{
    memset(m, 0, sizeof(*m));
    if (f->fd < 0)
        return 0;
    int rc = read_mark(f, m, err);
    if (rc < 0 || m->known || held)
        return rc;
    /* It may have been read while it was being written. */
    rc = sl_lockfile_lock(f, SL_LOCK_SYNC, SL_LOCK_SHARED, SL_LOCK_PATIENCE, err);
    if (rc < 0)
        return rc;
    rc = read_mark(f, m, err);
    sl_lockfile_unlock(f, SL_LOCK_SYNC);
    return rc;
}

int sl_lockfile_set_mark(struct sl_lockfile *f, int64_t durable, const char *boot,
                         struct sl_err *err)
{
    assert(f->fd >= 0 && durable >= 0);
    char r[MARK_BYTES];
    print_mark(r, durable, boot, ' ');
    return sl_path_pwrite(f->fd, r, sizeof(r), 0, f->path, err);
}

int sl_lockfile_set_syncing(struct sl_lockfile *f, const struct sl_lock_mark *m, struct sl_err *err)
{
    assert(f->fd >= 0 && m);
    const struct place *p = &places[SL_LOCK_SYNC];
    char r[MARK_BYTES + SL_HOLDER_BYTES(HOST_MAX)];
    assert(p->at == MARK_BYTES);
    print_mark(r, m->durable, m->boot, SYNCING);
    sl_holder_print(r + MARK_BYTES, p->host);
    return sl_path_pwrite(f->fd, r, (size_t)(MARK_BYTES + SL_HOLDER_BYTES(p->host)), 0, f->path,
                          err);
}

int sl_lockfile_set_holder(struct sl_lockfile *f, struct sl_err *err)
{
    assert(f->fd >= 0);
    const struct place *p = &places[SL_LOCK_APPEND];
    char h[SL_HOLDER_BYTES(HOST_MAX)];
    sl_holder_print(h, p->host);
    return sl_path_pwrite(f->fd, h, (size_t)SL_HOLDER_BYTES(p->host), p->at, f->path, err);
}

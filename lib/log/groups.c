/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * groups: see groups.h; the layout is in sluice-log(5), GROUPS.
 *
 * A position is written to one of two pages in turn, so that a torn write leaves the one before it.
 */
#include "base/compat.h"
#include "log/groups.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/hex.h"
#include "log/view.h"

enum {
    PAGE = 4096,
    RECORD = 256, /* bytes at most */
    HOLDER = 128, /* bytes of who holds a partition, in `lock` */
    HOST = 64,
    MEMBERS = 1 << 24, /* the first byte that is a member's lock */
    MOST_MEMBERS = 4096,
};

struct sl_consumer {
    char *dir;
    int dirfd, lock, file;
    int member; /* its number, -1 = it has not joined */
    char id[33];
};

int sl_group_check_name(const char *name, struct sl_err *err)
{
    if (sl_path_is_name(name))
        return 0;
    sl_err_set(err, SL_EUSAGE, "'%s' is no name of a group", name);
    return sl_err_hint(err, "letters, digits, '_', '-' and '.' (not the first), 64 at most");
}

/* ---- making, listing ---- */

static int open_dir(int at, const char *name, const char *dir, struct sl_err *err)
{
    return sl_path_openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, dir, err);
}

static int make_file(int at, const char *name, const char *dir, struct sl_err *err)
{
    return sl_path_openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666, dir, err);
}

static void unmake(int groups, const char *name)
{
    int fd = openat(groups, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    unlinkat(fd, "positions", 0);
    unlinkat(fd, "lock", 0);
    close(fd);
    unlinkat(groups, name, AT_REMOVEDIR);
}

static struct sl_consumer *consumer_new(const struct sl_log *l, const char *name,
                                        struct sl_err *err)
{
    struct sl_buf dir = SL_BUF_INIT;
    struct sl_consumer *c = sl_calloc(1, sizeof(*c));
    if (!c)
        return sl_err_no_memory(err, "a consumer group");
    c->dirfd = c->lock = c->file = c->member = -1;
    sl_hex(l->state.log_id, sizeof(l->state.log_id), c->id);
    sl_buf_printf(&dir, "%s/groups/%s", l->path, name);
    c->dir = sl_buf_take(&dir);
    if (c->dir)
        return c;
    sl_consumer_free(c);
    return sl_err_no_memory(err, "a consumer group");
}

void sl_consumer_free(struct sl_consumer *c)
{
    if (!c)
        return;
    if (c->file >= 0)
        close(c->file);
    if (c->lock >= 0)
        close(c->lock);
    if (c->dirfd >= 0)
        close(c->dirfd);
    free(c->dir);
    free(c);
}

/* All of a new group below a temporary name, on its device. */
static int fill(struct sl_consumer *c, const struct sl_log *l, const int64_t *from,
                struct sl_err *err)
{
    int rc = c->lock = make_file(c->dirfd, "lock", c->dir, err);
    if (rc >= 0)
        rc = c->file = make_file(c->dirfd, "positions", c->dir, err);
    for (int p = 0; rc >= 0 && p < l->state.npartitions; p++) {
        struct sl_group_position at = {.offset = from[p], .history = l->state.history};
        rc = sl_consumer_set(c, p, &at, err);
    }
    if (rc >= 0)
        rc = sl_consumer_sync(c, err);
    if (rc >= 0 && fsync(c->dirfd) < 0)
        rc = sl_err_sys(err, "cannot sync %s", c->dir);
    return SL_MIN(rc, 0);
}

static int make_below(int groups, const struct sl_log *l, const char *name, const int64_t *from,
                      struct sl_err *err)
{
    char made[32];
    struct sl_consumer *c = consumer_new(l, name, err);
    if (!c)
        return -SL_ENOMEM;
    snprintf(made, sizeof(made), ".new-%ld", (long)getpid());
    unmake(groups, made);
    int rc = c->dirfd = sl_path_make_below(groups, made, l->path, err);
    if (rc >= 0)
        rc = fill(c, l, from, err);
    if (rc >= 0 && renameat(groups, made, groups, name) < 0) {
        int there = errno == EEXIST || errno == ENOTEMPTY;
        rc = there ? sl_err_set(err, SL_EEXIST, "the group %s is there already", name)
                   : sl_err_sys(err, "cannot make the group %s", name);
    }
    if (rc < 0)
        unmake(groups, made);
    else if (fsync(groups) < 0 || fsync(l->dirfd) < 0)
        rc = sl_err_sys(err, "cannot sync %s/groups", l->path);
    sl_consumer_free(c);
    return SL_MIN(rc, 0);
}

int sl_group_make(const struct sl_log *l, const char *name, const int64_t *from, struct sl_err *err)
{
    assert(l && name && from && l->state.npartitions > 0);
    int groups = sl_path_make_below(l->dirfd, "groups", l->path, err);
    if (groups < 0)
        return groups;
    int rc = make_below(groups, l, name, from, err);
    close(groups);
    return rc;
}

int sl_group_is_there(const struct sl_log *l, const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof(path), "groups/%s", name);
    return fstatat(l->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int sl_group_list(const struct sl_log *l,
                  int (*fn)(void *arg, const char *name, struct sl_err *err), void *arg,
                  struct sl_err *err)
{
    DIR *d;
    const char *name;
    char **names = NULL;
    int n = 0, rc;
    if (faccessat(l->dirfd, "groups", F_OK, 0) < 0 && errno == ENOENT)
        return 0;
    rc = sl_path_list(l->dirfd, "groups", l->path, &d, err);
    if (rc < 0)
        return rc;
    while ((rc = sl_path_next(d, l->path, &name, err)) > 0) {
        if (sl_group_check_name(name, NULL) < 0)
            continue;
        rc = SL_GROW_ONE(names, n, "consumer groups", err);
        if (rc == 0 && !(names[n] = sl_strdup(name)))
            rc = sl_err_nomem(err, "consumer groups");
        if (rc < 0)
            break;
        n++;
    }
    closedir(d);
    if (n)
        qsort(names, (size_t)n, sizeof(*names), by_name);
    for (int i = 0; rc == 0 && i < n; i++)
        rc = fn(arg, names[i], err);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return rc;
}

/* ---- locks ---- */

int sl_consumer_open(const struct sl_log *l, const char *name, struct sl_consumer **out,
                     struct sl_err *err)
{
    assert(l && name && out);
    struct sl_consumer *c = consumer_new(l, name, err);
    if (!c)
        return -SL_ENOMEM;
    int groups = open_dir(l->dirfd, "groups", l->path, err), rc = groups;
    if (rc >= 0)
        rc = c->dirfd = open_dir(groups, name, c->dir, err);
    if (rc >= 0)
        rc = c->lock = sl_path_openat(c->dirfd, "lock", O_RDWR | O_NOFOLLOW, 0, c->dir, err);
    if (rc >= 0)
        rc = c->file = sl_path_openat(c->dirfd, "positions", O_RDWR | O_NOFOLLOW, 0, c->dir, err);
    if (groups >= 0)
        close(groups);
    if (rc >= 0) {
        *out = c;
        return 0;
    }
    sl_consumer_free(c);
    if (rc == -SL_ENOENT) {
        sl_err_set(err, SL_ENOENT, "there is no group %s", name);
        sl_err_place(err, "%s", l->path);
    }
    return rc;
}

static int64_t partition_byte(int partition)
{
    assert(partition >= 0 && (partition + 1LL) * HOLDER <= MEMBERS); /* the members come behind */
    return (int64_t)partition * HOLDER;
}

/* 1 locked, 0 somebody else has it. */
static int lock_bytes(const struct sl_consumer *c, short type, int64_t start, int64_t len,
                      struct sl_err *err)
{
    struct flock fl = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    for (;;) {
        if (fcntl(c->lock, F_OFD_SETLK, &fl) == 0)
            return 1;
        if (errno == EAGAIN || errno == EACCES)
            return 0;
        if (errno != EINTR)
            return sl_err_sys(err, "cannot lock %s/lock", c->dir);
    }
}

/* A lock that somebody else holds in the range: 1 and *at, 0. */
static int find_lock(const struct sl_consumer *c, int64_t start, int64_t len, int64_t *at)
{
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    if (len <= 0 || fcntl(c->lock, F_OFD_GETLK, &fl) < 0 || fl.l_type == F_UNLCK)
        return 0;
    *at = SL_MAX(fl.l_start, start);
    return 1;
}

static int count_locks(const struct sl_consumer *c, int64_t start, int64_t len)
{
    int64_t at;
    if (!find_lock(c, start, len, &at))
        return 0;
    return 1 + count_locks(c, start, at - start) + count_locks(c, at + 1, start + len - at - 1);
}

/* Whether the files are still those of the group. */
static int check_there(const struct sl_consumer *c, struct sl_err *err)
{
    struct stat st;
    if (fstat(c->lock, &st) < 0)
        return sl_err_sys(err, "cannot examine %s/lock", c->dir);
    if (st.st_nlink > 0)
        return 0;
    sl_err_set(err, SL_ENOENT, "the group was deleted just now");
    return sl_err_place(err, "%s", c->dir);
}

/* Says who the lock at a byte belongs to. */
static int say_holder(const struct sl_consumer *c, int64_t at, struct sl_err *err)
{
    char h[SL_HOLDER_BYTES(HOST)];
    sl_holder_print(h, HOST);
    return sl_path_pwrite(c->lock, h, sizeof(h), at, c->dir, err);
}

int sl_consumer_join(struct sl_consumer *c, struct sl_err *err)
{
    assert(c && c->member < 0);
    int rc = 0;
    for (int i = 0; rc == 0 && i < MOST_MEMBERS; i++)
        if ((rc = lock_bytes(c, F_WRLCK, MEMBERS + i, 1, err)) > 0)
            c->member = i;
    if (rc == 0) {
        sl_err_set(err, SL_ELOCKED, "the group is being changed, or has too many processes");
        return sl_err_place(err, "%s", c->dir);
    }
    return rc < 0 ? rc : check_there(c, err);
}

int sl_consumer_seize(struct sl_consumer *c, struct sl_err *err)
{
    assert(c && c->member < 0);
    char host[SL_HOLDER_HOST];
    int64_t pid, at;
    int rc = lock_bytes(c, F_WRLCK, MEMBERS, MOST_MEMBERS, err);
    if (rc)
        return rc < 0 ? rc : check_there(c, err);
    sl_err_set(err, SL_ELOCKED, "the group is in use");
    if (find_lock(c, 0, MEMBERS, &at) && sl_holder_read(c->lock, at, HOST, &pid, host))
        sl_err_hint(err, "end its readers first; process %" PRId64 " on %s is one", pid, host);
    else
        sl_err_hint(err, "end its readers first");
    return sl_err_place(err, "%s", c->dir);
}

int sl_consumer_share(const struct sl_consumer *c, int n, struct sl_err *err)
{
    assert(c && c->member >= 0 && n >= 0);
    int rc = check_there(c, err);
    if (rc < 0)
        return rc;
    int before = count_locks(c, MEMBERS, c->member);
    int behind = count_locks(c, MEMBERS + c->member + 1, MOST_MEMBERS - c->member - 1);
    int members = before + 1 + behind;
    assert(before <= c->member && members <= MOST_MEMBERS);
    return n / members + (before < n % members);
}

int sl_consumer_take(struct sl_consumer *c, int partition, struct sl_err *err)
{
    assert(c && c->member >= 0 && partition >= 0);
    int rc = lock_bytes(c, F_WRLCK, partition_byte(partition), 1, err);
    if (rc <= 0)
        return rc;
    rc = say_holder(c, partition_byte(partition), err);
    return rc < 0 ? rc : 1;
}

void sl_consumer_give(struct sl_consumer *c, int partition)
{
    assert(c->member >= 0); /* who has not joined holds nothing */
    /* A file system that refuses frees the lock with the descriptor. */
    lock_bytes(c, F_UNLCK, partition_byte(partition), 1, NULL);
}

int sl_consumer_holder(const struct sl_consumer *c, int partition, int64_t *pid, char *host)
{
    int64_t at;
    return find_lock(c, partition_byte(partition), 1, &at) &&
           sl_holder_read(c->lock, partition_byte(partition), HOST, pid, host);
}

/* ---- positions ---- */

/* One record: 1 it is good, 0 not. */
static int parse(const struct sl_consumer *c, const char *page, size_t len, int partition,
                 struct sl_group_position *out)
{
    const char *line = page, *end = memchr(page, '\n', len), *text;
    uint64_t crc;
    int64_t p;
    size_t n = end ? (size_t)(end - line) : 0;
    /* ,"crc":"xxxxxxxx"} ends it */
    if (n < 18 || !sl_hex_parse(line + n - 10, 8, &crc) || crc != sl_crc32c(0, line, n - 18))
        return 0;
    if (sl_json_find(line, n, "log", &text, &n) != 1 || n != 34 || memcmp(text + 1, c->id, 32) != 0)
        return 0;
    n = (size_t)(end - line);
    if (sl_json_find_int(line, n, "partition", &p) != 1 || p != partition ||
        sl_json_find_int(line, n, "n", &out->n) != 1 || out->n < 1 ||
        sl_json_find_int(line, n, "offset", &out->offset) != 1 || out->offset < 0)
        return 0;
    if (sl_json_find(line, n, "history", &text, &n) != 1 || n != 18 ||
        !sl_hex_parse(text + 1, 16, &out->history))
        return 0;
    return 1;
}

static int64_t page_at(int partition, int64_t n)
{
    assert(partition >= 0 && n >= 0);
    return ((int64_t)partition * 2 + n % 2) * PAGE;
}

int sl_consumer_position(const struct sl_consumer *c, int partition, struct sl_group_position *out,
                         struct sl_err *err)
{
    assert(c && out && partition >= 0);
    char page[RECORD];
    *out = (struct sl_group_position){0};
    for (int i = 0; i < 2; i++) {
        struct sl_group_position p;
        ssize_t n = sl_path_pread(c->file, page, sizeof(page), page_at(partition, i), c->dir, err);
        if (n < 0)
            return (int)n;
        if (parse(c, page, (size_t)n, partition, &p) && p.n > out->n)
            *out = p;
    }
    if (out->n)
        return 0;
    sl_err_set(err, SL_ECORRUPT, "the position of partition %d is damaged, or is of another log",
               partition);
    sl_err_hint(err, "`sluice log groups LOG set` gives it a new one");
    return sl_err_offset(err, c->dir, page_at(partition, 0));
}

int sl_consumer_set(struct sl_consumer *c, int partition, struct sl_group_position *p,
                    struct sl_err *err)
{
    assert(c && p && p->n >= 0 && p->offset >= 0);
    char line[RECORD];
    int n = snprintf(line, sizeof(line),
                     "{\"n\":%" PRId64 ",\"log\":\"%s\",\"partition\":%d,\"offset\":%" PRId64
                     ",\"history\":\"%016" PRIx64 "\"",
                     p->n + 1, c->id, partition, p->offset, p->history);
    uint32_t crc = sl_crc32c(0, line, (size_t)n);
    n += snprintf(line + n, sizeof(line) - (size_t)n, ",\"crc\":\"%08" PRIx32 "\"}\n", crc);
    assert(n > 0 && n < RECORD); /* parse reads no more of a page */
    int rc = sl_path_pwrite(c->file, line, (size_t)n, page_at(partition, p->n + 1), c->dir, err);
    p->n += rc == 0;
    return rc;
}

int sl_consumer_sync(struct sl_consumer *c, struct sl_err *err)
{
    return sl_path_sync(c->file, c->dir, err);
}

int sl_consumer_remove(struct sl_consumer *c, struct sl_err *err)
{
    char *name = strrchr(c->dir, '/'), gone[32];
    assert(c->member < 0); /* it is seized */
    int groups = sl_path_openat(c->dirfd, "..", O_RDONLY | O_DIRECTORY, 0, c->dir, err);
    if (groups < 0)
        return groups;
    /* Under another name first: half a group is never seen. */
    snprintf(gone, sizeof(gone), ".old-%ld", (long)getpid());
    int rc = renameat(groups, name + 1, groups, gone) < 0
                 ? sl_err_sys(err, "cannot remove %s", c->dir)
                 : 0;
    if (rc == 0) {
        unmake(groups, gone);
        if (fsync(groups) < 0)
            rc = sl_err_sys(err, "cannot sync %s", c->dir);
    }
    close(groups);
    return rc;
}

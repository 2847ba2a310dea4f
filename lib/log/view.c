/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* view: opening and asking, see log.h and view.h. Reading commit lines is in commits.c. */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/hex.h"
#include "log/view.h"

static char *trimmed(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return sl_strndup(path, n);
}

int sl_view_open(const char *path, const char *boot, enum sl_view_use use, struct sl_log **out,
                 struct sl_err *err)
{
    assert(path && out);
    struct sl_buf dir = SL_BUF_INIT;
    int rc;
    struct sl_log *l = sl_calloc(1, sizeof(*l));

    assert(use != SL_VIEW_LOCKED);
    if (!l)
        return sl_err_nomem(err, "opening a log");
    l->dirfd = l->c.dirfd = l->c.fd = l->lock.fd = -1;
    l->use = use;
    l->path = trimmed(path);
    if (boot && strlen(boot) == SL_BOOT_ID)
        memcpy(l->boot, boot, SL_BOOT_ID);
    else if ((rc = sl_boot_id(l->boot, err)) < 0)
        goto fail;
    sl_path_join(&dir, l->path ? l->path : "", "commits");
    l->c.dir = sl_buf_take(&dir);
    if (!l->path || !l->c.dir) {
        rc = sl_err_nomem(err, "opening a log");
        goto fail;
    }
    rc = l->dirfd = sl_path_open(l->path, O_RDONLY | O_DIRECTORY, 0, err);
    if (rc < 0 && errno == ENOTDIR)
        sl_err_set(err, SL_EUSAGE, "%s is not a log: it is no directory", path);
    if (rc < 0)
        goto fail;
    rc = l->c.dirfd =
        sl_path_openat(l->dirfd, "commits", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, l->path, err);
    if (rc == -SL_ENOENT) {
        sl_err_set(err, SL_ENOENT, "%s is not a log: it has no commits/", path);
        goto fail;
    }
    if (rc < 0)
        goto fail;
    rc = sl_lockfile_open(l->path, use == SL_VIEW_WRITES, &l->lock, err);
    if (rc < 0)
        goto fail;
    *out = l;
    return 0;
fail:
    sl_log_free(l);
    return rc;
}

int sl_log_open_as(const char *path, const char *boot_id, struct sl_log **out, struct sl_err *err)
{
    assert(path && out);
    struct sl_log *l;
    int rc = sl_view_open(path, boot_id, SL_VIEW_READS, &l, err);
    if (rc < 0)
        return rc;
    rc = sl_view_load(l, err);
    if (rc < 0) {
        sl_log_free(l);
        return rc;
    }
    *out = l;
    return 0;
}

int sl_log_open(const char *path, struct sl_log **out, struct sl_err *err)
{
    return sl_log_open_as(path, NULL, out, err);
}

void sl_log_free(struct sl_log *l)
{
    if (!l)
        return;
    sl_state_release(&l->state);
    sl_lockfile_close(&l->lock);
    if (l->c.fd >= 0)
        close(l->c.fd);
    if (l->c.dirfd >= 0)
        close(l->c.dirfd);
    if (l->dirfd >= 0)
        close(l->dirfd);
    sl_segset_release(&l->checked);
    sl_segset_release(&l->replaced);
    free(l->c.dir);
    free(l->path);
    sl_buf_release(&l->in);
    free(l);
}

int sl_log_refresh(struct sl_log *l, struct sl_err *err)
{
    return sl_view_catch_up(l, err);
}

int sl_view_open_seg(struct sl_log *l, struct sl_seg_key key, int flags, struct sl_buf *name,
                     struct sl_err *err)
{
    assert(key.partition >= 0 && key.base >= 0);
    char file[SL_SEG_NAME];
    sl_seg_name(key, ".arrows", file);
    if (name) {
        sl_path_join(name, l->path, file);
        if (sl_buf_check(name, err) < 0)
            return -SL_ENOMEM;
    }
    return sl_path_openat(l->dirfd, file, flags | O_NOFOLLOW, 0666, l->path, err);
}

void sl_view_remove_seg(struct sl_log *l, struct sl_seg_key key)
{
    assert(key.partition >= 0 && key.base >= 0);
    static const char *const suffixes[] = {".arrows", ".idx"};
    char name[SL_SEG_NAME];
    for (size_t i = 0; i < SL_COUNT(suffixes); i++) {
        sl_seg_name(key, suffixes[i], name);
        unlinkat(l->dirfd, name, 0);
    }
}

int sl_view_place(const struct sl_log *l, struct sl_seg_key key, struct sl_err *err)
{
    char name[SL_SEG_NAME];
    sl_seg_name(key, ".arrows", name);
    return sl_err_place(err, "%s/%s", l->path, name);
}

int sl_view_read_head(struct sl_log *l, struct sl_seg_key key, struct sl_buf *head,
                      struct sl_err *err)
{
    struct sl_ipc_message msg;
    struct stat st;
    int fd = sl_view_open_seg(l, key, O_RDONLY, NULL, err), yes = 0;
    sl_buf_reset(head);
    if (fd < 0)
        return fd;
    int rc = fstat(fd, &st) < 0 ? sl_err_sys(err, "cannot examine a segment") : 0;
    size_t want = rc == 0 ? (size_t)SL_MIN(st.st_size, (int64_t)SL_IPC_META_MAX) : 0;
    if (want && !sl_buf_room(head, want))
        rc = sl_err_nomem(err, "a segment");
    ssize_t got = rc == 0 && want ? sl_path_pread(fd, head->data, want, 0, l->path, err) : rc;
    close(fd);
    if (got > 0) {
        int64_t total = sl_ipc_peek((uint8_t *)head->data, (size_t)got, &msg, NULL);
        yes = total > 0 && total <= got && msg.kind == SL_IPC_SCHEMA;
        head->len = yes ? (size_t)total : 0;
    }
    return got < 0 ? (int)got : yes;
}

/* ---- what the state says ---- */

const char *sl_log_path(const struct sl_log *l)
{
    return l->path;
}

/* Names the log that has its place, if it is one. */
static int replaced(const struct sl_log *l, struct sl_err *err)
{
    struct sl_log *other;
    char id[33] = "";
    if (sl_log_open_as(l->path, l->boot, &other, NULL) == 0) {
        sl_hex(other->state.log_id, sizeof(other->state.log_id), id);
        sl_log_free(other);
    }
    sl_err_set(err, SL_EEXPIRED, "%s is another log now%s%s%s: the one that was read is elsewhere",
               l->path, *id ? " (id " : "", id, *id ? ")" : "");
    return sl_err_hint(err, "run again to read the new one");
}

int sl_log_is_there(const struct sl_log *l, struct sl_err *err)
{
    struct stat mine, there;
    if (fstat(l->dirfd, &mine) < 0)
        return 0;
    if (stat(l->path, &there) == 0)
        return mine.st_dev == there.st_dev && mine.st_ino == there.st_ino ? 0 : replaced(l, err);
    if (errno != ENOENT && errno != ENOTDIR) /* it may be there, who knows */
        return 0;
    sl_err_set(err, SL_EEXPIRED, "%s was removed or renamed while it was read", l->path);
    return sl_err_hint(err, "run again when there is a log of that name");
}

struct sl_log_id sl_log_get_id(const struct sl_log *l)
{
    struct sl_log_id id;
    memcpy(id.bytes, l->state.log_id, sizeof(id.bytes));
    return id;
}

struct sl_schema *sl_log_schema(const struct sl_log *l)
{
    assert(l->state.nschemas > 0);
    return l->state.schemas[l->state.nschemas - 1].schema;
}

int sl_log_partitions(const struct sl_log *l)
{
    assert(sl_state_is_sound(&l->state));
    return l->state.npartitions;
}

int64_t sl_log_start(const struct sl_log *l, int partition)
{
    assert(partition >= 0 && partition < l->state.npartitions);
    const struct sl_part *p = &l->state.parts[partition];
    return p->nsegs ? p->segs[0].base : p->end;
}

int sl_log_expired(const struct sl_log *l, int partition, int64_t offset, struct sl_err *err)
{
    int64_t start = sl_log_start(l, partition);
    sl_err_set(err, SL_EEXPIRED,
               "offset %" PRId64
               " of partition %d is no longer in the log, which begins at %" PRId64,
               offset, partition, start);
    return sl_err_hint(
        err, "rows were pruned: --from earliest, or --from %d:%" PRId64 ", takes what is left",
        partition, start);
}

int64_t sl_log_end(const struct sl_log *l, int partition)
{
    assert(partition >= 0 && partition < l->state.npartitions);
    return l->state.parts[partition].end;
}

int64_t sl_log_commit_number(const struct sl_log *l)
{
    return l->state.n;
}

int sl_log_is_new(const struct sl_log *l)
{
    return l->state.n == 1 && sl_log_durable(l) == 0;
}

int64_t sl_log_durable(const struct sl_log *l)
{
    struct sl_lock_mark m;
    /* The lock file knows best; a line only what was known when it was written. */
    if (l->trust == SL_VIEW_TRUSTED && sl_lockfile_mark(&l->lock, 1, &m, NULL) == 0 && m.known)
        return SL_MAX(l->state.durable, SL_MIN(m.durable, l->state.n));
    return l->state.durable;
}

uint64_t sl_log_history(const struct sl_log *l)
{
    return l->state.history;
}

int64_t sl_log_history_end(const struct sl_log *l, uint64_t history, int partition)
{
    assert(partition >= 0);
    const struct sl_state *s = &l->state;
    int i = 0;
    while (i < s->nhistories && s->histories[i].id != history)
        i++;
    if (i == s->nhistories)
        return -1;
    int64_t end = s->parts[partition].end;
    /* Each later history keeps what lies before the point at which it left. */
    for (int k = i + 1; k < s->nhistories; k++)
        end = SL_MIN(end, s->histories[k].ends[partition]);
    return end;
}

int sl_log_history_holds(const struct sl_log *l, uint64_t history, int partition, int64_t offset)
{
    assert(partition >= 0);
    if (partition < 0 || partition >= l->state.npartitions)
        return 0;
    return offset <= sl_log_history_end(l, history, partition);
}

int sl_log_unsettled(const struct sl_log *l)
{
    return l->c.tail == SL_TAIL_LOST;
}

const struct sl_positions *sl_log_positions(const struct sl_log *l)
{
    return &l->state.positions;
}

const struct sl_positions *sl_log_settings(const struct sl_log *l)
{
    return &l->state.settings;
}

const struct sl_positions *sl_log_pipelines(const struct sl_log *l)
{
    return &l->state.pipelines[0];
}

int sl_log_pipeline(const struct sl_log *l, const char *name, int open, const char **value,
                    size_t *len)
{
    assert(name && value && len);
    const struct sl_position *p = sl_positions_find(&l->state.pipelines[open != 0], name);
    if (!p)
        return 0;
    *value = p->value;
    *len = p->len;
    return 1;
}

int sl_log_segments(struct sl_log *l, int (*fn)(void *arg, const struct sl_log_segment_info *s),
                    void *arg, struct sl_err *err)
{
    assert(sl_state_is_sound(&l->state));
    (void)err;
    for (int i = 0; i < l->state.npartitions; i++) {
        const struct sl_part *p = &l->state.parts[i];
        for (int k = 0; k < p->nsegs; k++) {
            const struct sl_seg *s = &p->segs[k];
            struct sl_log_segment_info info = {.partition = i,
                                               .base = s->base,
                                               .end = s->end,
                                               .bytes = s->bytes,
                                               .closed = s->closed,
                                               .min_time = s->min_time,
                                               .max_time = s->max_time,
                                               .schema = sl_state_schema(&l->state, s->schema)};
            sl_seg_name(sl_seg_key(s), ".arrows", info.file);
            int rc = fn(arg, &info);
            if (rc)
                return rc;
        }
    }
    return 0;
}

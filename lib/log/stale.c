/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * stale: files of segments that left the log, and their removal: sluice-log(5), Removal.
 *
 * A file's modification time says since when nobody needs it but readers of an older state. Who drops a
 * segment sets it (sl_writer_set_aging); so a grace of its own needs no place in the format.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/time.h"
#include "log/log_writer.h"

struct stale {
    struct sl_seg_key *list;
    size_t n;
};

/* Whether nobody has touched it for a while. */
static int is_old(int dirfd, const char *name, int64_t grace)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    int64_t then = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
    return then <= sl_time_now_usec() - grace;
}

/* Whether the state needs it no more, and nobody has for a while. */
static int is_stale(const struct sl_log *l, struct sl_seg_key key, int64_t grace)
{
    char name[SL_SEG_NAME];
    if (key.base >= l->state.parts[key.partition].end || sl_state_seg(&l->state, key))
        return 0;
    sl_seg_name(key, ".arrows", name);
    return is_old(l->dirfd, name, grace);
}

static void find_stale(struct sl_log *l, int partition, int64_t grace, struct stale *s)
{
    const char *file;
    char name[16];
    DIR *d;
    snprintf(name, sizeof(name), "%04d", partition);
    if (sl_path_list(l->dirfd, name, l->path, &d, NULL) < 0)
        return;
    while (sl_path_next(d, l->path, &file, NULL) > 0) {
        struct sl_seg_key key;
        size_t n = strlen(file);
        if (sl_seg_parse_name(file, partition, &key) && is_stale(l, key, grace)) {
            if (SL_GROW_ONE(s->list, s->n, "segments", NULL) < 0)
                break;
            s->list[s->n++] = key;
        }
        /* An index that a killed writer left half written. */
        if (n > 4 && strcmp(file + n - 4, ".tmp") == 0 && is_old(dirfd(d), file, grace))
            unlinkat(dirfd(d), file, 0);
    }
    closedir(d);
}

void sl_writer_remove_stale(struct sl_log_writer *w, int partition, int64_t grace)
{
    assert(w && partition >= 0 && partition < w->log->state.npartitions && grace > 0);
    struct sl_log *l = w->log;
    struct stale s = {0};
    int64_t n = l->state.n;

    find_stale(l, partition, grace, &s);
    if (s.n && sl_syncer_run(w->sync, NULL) == 0 && sl_writer_lock(w, NULL) == 0) {
        for (size_t i = 0; i < s.n && l->mark.durable >= n; i++) {
            if (is_stale(l, s.list[i], grace))
                sl_view_remove_seg(l, s.list[i]);
        }
        sl_writer_unlock(w);
        sl_writer_tell(w, NULL);
    }
    free(s.list);
}

int sl_writer_set_aging(struct sl_log_writer *w, struct sl_seg_key key, int64_t grace,
                        struct sl_err *err)
{
    assert(w->log->use == SL_VIEW_LOCKED && grace >= 0);
    char name[SL_SEG_NAME];
    int64_t t = sl_time_now_usec() + grace - SL_GRACE;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = sl_floor_div(t, SL_USEC_PER_SEC)}};
    times[1].tv_nsec = (long)(t - (int64_t)times[1].tv_sec * SL_USEC_PER_SEC) * 1000;
    sl_seg_name(key, ".arrows", name);
    if (utimensat(w->log->dirfd, name, times, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    return sl_err_sys(err, "cannot set the time of %s/%s", w->log->path, name);
}
